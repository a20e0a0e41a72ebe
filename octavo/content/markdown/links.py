"""Where an address in a body leads.

That is to a post, a file or a page of this site, to a place in the same page, elsewhere, or where no link may lead.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal
from urllib.parse import unquote

from markdown_it.token import Token

from octavo.base.diagnostics import Diagnostic, Span, did_you_mean, error, warning
from octavo.base.names import SOURCE_ENDINGS
from octavo.content.markdown.heading_ids import PREFIX, BodyIds
from octavo.model.documents import LinkUse, PictureRef, Ref

SCHEMES = frozenset(
    "http https mailto tel sms ftp ftps sftp ssh git irc ircs xmpp matrix news nntp webcal feed geo magnet gemini "
    "gopher sip sips bitcoin openpgp4fpr".split()
)
"""Schemes that lead somewhere and run nothing in the reader's page."""

_UNSAFE_SCHEMES = frozenset("javascript vbscript data file blob filesystem view-source about jar".split())
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*(?=:)")
_HOST_AND_PORT = re.compile(r"[A-Za-z][\w.-]*:\d+(?:[/?#]|$)")
_IGNORED = re.compile(r"[\x00-\x20\x7f-\x9f]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SAFE_DATA = re.compile(r"data:image/(?:avif|gif|jpeg|png|webp)[;,]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class SamePageAddress:
    """A place in the same page.

    ``fragment`` is percent-encoded and without its hash.
    """

    fragment: str


@dataclass(frozen=True, slots=True)
class ExternalAddress:
    """An address that stays as it is."""


@dataclass(frozen=True, slots=True)
class RefusedAddress:
    """An address that must not be published, and why."""

    message: str
    hint: str = ""


Destination = Ref | SamePageAddress | ExternalAddress | RefusedAddress


def resolve(address: str, path: str, use: Literal["link", "image"] = "link") -> Destination:
    """Read an address that stands in the post at ``path``.

    It may be percent-encoded or as typed. Relative addresses are resolved against the folder of the post and may not
    leave ``posts/``. A scheme is refused unless it is known to be harmless; browsers skip control characters when they
    look for one, so this does too. An image may be a ``data:`` URL of a picture format that cannot hold a script.
    """
    if not address.startswith("#"):
        refused = refused_scheme(address, use)
        if refused is not None:
            return refused
    if address.startswith("#"):
        return SamePageAddress(address[1:])
    if not address or address.startswith(("//", "?")) or _SCHEME.match(address):
        return ExternalAddress()
    written, suffix = _split(address)
    raw = unquote(written) + suffix
    target = unquote(written)
    if _CONTROL.search(target):
        return RefusedAddress("the link holds a control character")
    if target.startswith("/"):
        return Ref("site", target, suffix, raw)
    joined = _join(path, target)
    if joined is None:
        return RefusedAddress(f"'{raw}' leads outside 'posts/'", "link to a page of the site by its address: '/about/'")
    kind: Literal["post", "file"] = "post" if joined.casefold().endswith(SOURCE_ENDINGS) else "file"
    return Ref(kind, joined, suffix, raw)


def refused_scheme(address: str, use: Literal["link", "image"] = "link") -> RefusedAddress | None:
    """Why the scheme of an address, if it has one, is refused."""
    if use == "image" and _SAFE_DATA.match(address):
        return None
    typed = _SCHEME.match(address)
    hidden = _SCHEME.match(_IGNORED.sub("", unquote(address)))
    if hidden is not None and hidden[0].lower() in _UNSAFE_SCHEMES:
        return RefusedAddress(
            f"a link may not lead to '{hidden[0].lower()}:'", "readers' browsers could run what it holds"
        )
    if typed is None or typed[0].lower() in SCHEMES:
        return None
    if _HOST_AND_PORT.match(address):
        hint = f"write 'http://{address}'"
    else:
        hint = did_you_mean(typed[0].lower(), SCHEMES) or "write './' before the name of a file that holds a colon"
    return RefusedAddress(f"unknown kind of address '{typed[0]}:'", hint)


def _split(address: str) -> tuple[str, str]:
    """The path, and the query and fragment with their marks."""
    cut = min((at for mark in "?#" if (at := address.find(mark)) >= 0), default=len(address))
    return address[:cut], address[cut:]


def _join(path: str, target: str) -> str | None:
    """Resolve ``target`` from the folder of ``path``; None outside the top."""
    parts = path.split("/")[:-1]
    for part in target.split("/"):
        if part == "..":
            if len(parts) <= 1:
                return None
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def fragment_of(ref: Ref) -> str:
    """The fragment of a reference, percent-encoded and without its hash.

    It is empty when there is none.
    """
    return ref.suffix.partition("#")[2]


# A reference stands in the HTML as its number between two of Unicode's noncharacters until the HTML is cut at them.
# They are never part of a text: one that is written becomes U+FFFD, and no entity means one.
REF_BEGIN, REF_END, TRUSTED = "\ufdd0", "\ufdd1", "\ufdd2"


def replace_marks(text: str) -> str:
    """The text with nothing in it that could be taken for a reference."""
    for mark in (REF_BEGIN, REF_END, TRUSTED):
        text = text.replace(mark, "\N{REPLACEMENT CHARACTER}")
    return text


class FileProblems:
    """Collects the problems of the file at ``path``."""

    def __init__(self, path: str) -> None:
        self._path = path
        self.problems: list[Diagnostic] = []

    def error(self, span: Span | None, code: str, message: str, hint: str = "") -> None:
        """Add an error."""
        self.problems.append(error(self._path, span, code, message, hint))

    def warn(self, span: Span | None, code: str, message: str, hint: str = "") -> None:
        """Add a warning."""
        self.problems.append(warning(self._path, span, code, message, hint))


class AddressUses:
    """Collects the addresses used in the post at ``path``.

    Those that must not be published are faults.
    """

    def __init__(self, path: str, faults: FileProblems) -> None:
        self._path = path
        self._faults = faults
        self.refs: list[Ref] = []
        self.links: list[LinkUse] = []
        self._same_page_links: list[tuple[int, Token]] = []

    def link(self, href: str, span: Span, text: str = "", token: Token | None = None) -> str | None:
        """What to write for the address of a link.

        None means the address itself, empty text one that is refused. ``token`` is the link's, whose address may still
        change when it leads to a place in the same post.
        """
        destination = resolve(href, self._path)
        if isinstance(destination, SamePageAddress):
            if token is not None:
                self._same_page_links.append((len(self.links), token))
            self.links.append(LinkUse(None, destination.fragment, span, False, text))
            return None
        return self._write(destination, span, False, text)

    def file(self, source: str, span: Span, is_image: bool, text: str = "") -> str | None:
        """What to write for the address of a file that a page loads, as ``link``."""
        return self._write(resolve(source, self._path, "image" if is_image else "link"), span, is_image, text)

    def picture(self, written: str, attributes: Mapping[str, str]) -> str:
        """What to write for the whole element of an image.

        ``written`` is what ``file`` said to write for its address.
        """
        ref = self.refs[int(written[1:-1])]
        self.refs.append(PictureRef(ref.kind, ref.target, ref.suffix, ref.raw, tuple(attributes.items())))
        return f"{REF_BEGIN}{len(self.refs) - 1}{REF_END}"

    def other(self, value: str, span: Span) -> str | None:
        """What to write for an address that only has to be harmless, as ``link``."""
        refused = refused_scheme(value)
        return None if refused is None else self._write(refused, span, False, "")

    def _write(self, destination: Destination, span: Span, is_image: bool, text: str) -> str | None:
        if isinstance(destination, RefusedAddress):
            self._faults.error(span, "link", destination.message, destination.hint)
            return ""
        if not isinstance(destination, Ref):
            return None
        self.refs.append(destination)
        self.links.append(LinkUse(destination, fragment_of(destination), span, is_image, text))
        return f"{REF_BEGIN}{len(self.refs) - 1}{REF_END}"

    def link_prefixed_ids(self, ids: BodyIds) -> None:
        """Let links lead to sections whose ids got a prefix."""
        for index, token in self._same_page_links:
            use = self.links[index]
            name = unquote(use.fragment)
            if name not in ids and PREFIX + name in ids:
                self.links[index] = replace(use, fragment=PREFIX + use.fragment)
                token.attrs["href"] = f"#{PREFIX}{use.fragment}"
