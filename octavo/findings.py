"""What comes to light while a body is read: its faults, and the addresses it uses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import unquote

from markdown_it.token import Token

from octavo import address
from octavo.address import Refused, Within
from octavo.anchors import PREFIX, Ids
from octavo.diagnostic import Diagnostic, Span, error, warning
from octavo.model import LinkUse, PictureRef, Ref

# A reference stands in the HTML as its number between two of Unicode's noncharacters until the HTML is cut at them.
# They are never part of a text: one that is written becomes U+FFFD, and no entity means one.
BEGIN, END, TRUSTED = "\ufdd0", "\ufdd1", "\ufdd2"


def without_marks(text: str) -> str:
    """The text with nothing in it that could be taken for a reference."""
    for mark in (BEGIN, END, TRUSTED):
        text = text.replace(mark, "\N{REPLACEMENT CHARACTER}")
    return text


class Faults:
    """The problems of the file at ``path``."""

    def __init__(self, path: str) -> None:
        self._path = path
        self.found: list[Diagnostic] = []

    def error(self, span: Span | None, code: str, message: str, hint: str = "") -> None:
        self.found.append(error(self._path, span, code, message, hint))

    def warn(self, span: Span | None, code: str, message: str, hint: str = "") -> None:
        self.found.append(warning(self._path, span, code, message, hint))


class Uses:
    """The addresses used in the post at ``path``. Those that must not be published are faults."""

    def __init__(self, path: str, faults: Faults) -> None:
        self._path = path
        self._faults = faults
        self.refs: list[Ref] = []
        self.links: list[LinkUse] = []
        self._own: list[tuple[int, Token]] = []

    def link(self, href: str, span: Span, text: str = "", token: Token | None = None) -> str | None:
        """What to write for the address of a link: None for the address itself, nothing for one that is refused.

        ``token`` is the link's, whose address may still change when it leads to a place in the same post.
        """
        found = address.resolve(href, self._path)
        if isinstance(found, Within):
            if token is not None:
                self._own.append((len(self.links), token))
            self.links.append(LinkUse(None, found.fragment, span, False, text))
            return None
        return self._written(found, span, False, text)

    def file(self, source: str, span: Span, is_image: bool, text: str = "") -> str | None:
        """The same for what a page shows or loads."""
        return self._written(address.resolve(source, self._path, "image" if is_image else "link"), span, is_image, text)

    def picture(self, written: str, attributes: Mapping[str, str]) -> str:
        """What to write for the whole element of an image, whose address is to be ``written`` by itself."""
        ref = self.refs[int(written[1:-1])]
        self.refs.append(PictureRef(ref.kind, ref.target, ref.suffix, ref.raw, tuple(attributes.items())))
        return f"{BEGIN}{len(self.refs) - 1}{END}"

    def other(self, value: str, span: Span) -> str | None:
        """The same for an address that nobody checks and that only has to be harmless."""
        refused = address.refused_scheme(value)
        return None if refused is None else self._written(refused, span, False, "")

    def _written(self, found: address.Destination, span: Span, is_image: bool, text: str) -> str | None:
        if isinstance(found, Refused):
            self._faults.error(span, "link", found.message, found.hint)
            return ""
        if not isinstance(found, Ref):
            return None
        self.refs.append(found)
        self.links.append(LinkUse(found, address.fragment_of(found), span, is_image, text))
        return f"{BEGIN}{len(self.refs) - 1}{END}"

    def mend(self, ids: Ids) -> None:
        """Let a link to a section whose id was given a prefix lead to it all the same."""
        for index, token in self._own:
            use = self.links[index]
            wanted = unquote(use.fragment)
            if wanted not in ids and PREFIX + wanted in ids:
                self.links[index] = replace(use, fragment=PREFIX + use.fragment)
                token.attrs["href"] = f"#{PREFIX}{use.fragment}"
