"""Assets under names that change with their content.

A browser may keep such a file for ever.
"""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote, unquote

from octavo.base.diagnostics import Diagnostic, Span, did_you_mean, error
from octavo.base.digest import Digest, digest, digest_bytes
from octavo.base.names import ASSETS_FOLDER
from octavo.base.urls import ASSETS, base_path
from octavo.engine.facts import Fact

ROOT = "root/"
"""Files below ``assets/root/`` are published at the site's root under their own names."""


@dataclass(frozen=True)
class Asset:
    """A published asset.

    ``url`` is its URL path, not encoded. ``content`` is set when it differs from the source: a style sheet, whose
    addresses are rewritten and which is made smaller.
    """

    name: str
    url: str
    digest: Digest
    content: bytes | None = None


def publish_assets(files: Mapping[str, Fact]) -> tuple[dict[str, Asset], tuple[Diagnostic, ...]]:
    """Name all assets, and find addresses in style sheets to nowhere.

    The assets are by name, which is their path below ``assets/``.
    """
    publisher = _Publisher(files)
    for name in sorted(files):
        publisher.asset(name)
    return publisher.done, tuple(publisher.problems)


_HIDDEN_FOLDERS = frozenset((".well-known",))
_HIDDEN_FILES = frozenset((".nojekyll", ".domains", ".htaccess"))
"""Hidden names that are meant for hosts and readers: RFC 8615, GitHub Pages, Codeberg Pages and Apache."""


def check_hidden(names: Iterable[str], meant: Collection[str]) -> Iterator[Diagnostic]:
    """Hidden files and folders that an author may not mean to publish.

    They are those in ``assets/root/``, each once, at its first file. ``meant`` are the paths below ``assets/root/`` of
    those that are to be published.
    """
    files_of: dict[str, list[str]] = {}
    for name in sorted(names):
        hidden = _hidden_part(name.removeprefix(ROOT), meant) if name.startswith(ROOT) else ""
        if hidden:
            files_of.setdefault(hidden, []).append(name)
    for hidden, files in files_of.items():
        message = f"the hidden file '{hidden}' would be published for everybody to read"
        if files[0] != ROOT + hidden:
            count = f"{len(files)} files" if len(files) > 1 else "file"
            message = f"the hidden folder '{hidden}' would be published with its {count}, for everybody to read"
        hint = "move it out of assets/root/"
        if ".git" not in hidden.casefold().split("/"):
            entry = json.dumps(hidden, ensure_ascii=False)
            hint += f"; if it is meant for readers, write publish_hidden = [{entry}] under [tool.octavo]"
        yield error(ASSETS_FOLDER + files[0], Span(1, 1), "name", message, hint)


def _hidden_part(path: str, meant: Collection[str]) -> str:
    """The path of the first hidden file or folder on the way to a file that is not meant to be published."""
    parts = path.split("/")
    for count, part in enumerate(parts, 1):
        usual = _HIDDEN_FILES if count == len(parts) else _HIDDEN_FOLDERS if count == 1 else frozenset()
        if part.startswith(".") and part not in usual and "/".join(parts[:count]) not in meant:
            return "/".join(parts[:count])
    return ""


# `url(…)` with or without quotes, and `@import "…"` (CSS Syntax 3; comments are matched first, to be left alone).
_ADDRESS = re.compile(
    r"""/\*.*?\*/
    | url\(\s*(?P<quote>["']?)(?P<url>[^"')]*)(?P=quote)\s*\)
    | @import\s+(?P<q>["'])(?P<import>[^"']*)(?P=q)""",
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)


_LEADS_ON = re.compile(r"[a-z][a-z0-9+.-]*:|/|#", re.IGNORECASE)
"""An address that is no path from the folder of its style sheet."""


class _Publisher:
    """One pass over the assets.

    A style sheet comes after the files it names, since their names are part of it.
    """

    def __init__(self, files: Mapping[str, Fact]) -> None:
        self._files = files
        self._open: list[str] = []
        self.done: dict[str, Asset] = {}
        self.problems: list[Diagnostic] = []

    def asset(self, name: str) -> Asset:
        if name not in self.done:
            self.done[name] = self._published(name)
        return self.done[name]

    def _published(self, name: str) -> Asset:
        file = self._files[name]
        if name.startswith(ROOT):
            return Asset(name, "/" + name.removeprefix(ROOT), file.digest)
        if not name.endswith(".css"):
            return Asset(name, _hashed(name, file.digest), file.digest)
        source = file.load()
        self._open.append(name)
        content = self._rewritten(name, source)
        self._open.pop()
        if content == source:
            return Asset(name, _hashed(name, file.digest), file.digest)
        content_digest = digest_bytes(content)
        return Asset(name, _hashed(name, content_digest), content_digest, content)

    def _rewritten(self, name: str, source: bytes) -> bytes:
        # Latin-1 keeps every byte; only ASCII is looked at.
        text = source.decode("latin-1")
        return minify_css(_ADDRESS.sub(lambda match: self._address(name, text, match), text)).encode("latin-1")

    def _address(self, name: str, text: str, match: re.Match[str]) -> str:
        group = "url" if match["url"] is not None else "import"
        written: str | None = match[group]
        if not written or _LEADS_ON.match(written):
            return match[0]
        path, mark, rest = re.match(r"([^?#]*)([?#]?)(.*)", written, re.DOTALL).groups()  # type: ignore[union-attr]
        target = posixpath.normpath(posixpath.join(posixpath.dirname(name), unquote(path)))
        place = span_at(text, match.start(group), len(written))
        if target not in self._files:
            hint = did_you_mean(target, self._files)
            self.problems.append(error(ASSETS_FOLDER + name, place, "asset", f"there is no file assets/{target}", hint))
            return match[0]
        if target in self._open:
            chain = " → ".join([*self._open[self._open.index(target) :], target])
            self.problems.append(error(ASSETS_FOLDER + name, place, "loop", f"import loop: {chain}"))
            return match[0]
        # The name of this style sheet follows from what is being written; only its folder is needed, which is known.
        here = posixpath.dirname(_hashed(name, b""))
        address = quote(posixpath.relpath(self.asset(target).url, here)) + mark + rest
        offset = match.start(group) - match.start()
        return match[0][:offset] + address + match[0][offset + len(written) :]


def inline_asset(asset: Asset, text: str, base_url: str) -> str | None:
    """The text of a style sheet or script as it may stand within any page.

    Its addresses lead on from there. None where it holds what cannot stand in its element, or imports.
    """
    is_style = asset.name.endswith(".css")
    if re.search(r"</(style|script)|<!--", text, re.IGNORECASE) or (is_style and "@import" in text.lower()):
        return None
    text, folder = text.strip(), posixpath.dirname(asset.url)
    return _ADDRESS.sub(lambda match: _from_root(match, folder, base_url), text) if is_style else text


def _from_root(match: re.Match[str], folder: str, base_url: str) -> str:
    written: str | None = match["url"]
    if not written or _LEADS_ON.match(written):
        return match[0]
    address = posixpath.normpath(posixpath.join(base_path(base_url) + quote(folder), written))
    return match[0].replace(written, address)


def span_at(text: str, offset: int, width: int) -> Span:
    """The place of a character of a text."""
    line = text.count("\n", 0, offset) + 1
    start = text.rfind("\n", 0, offset) + 1
    end = text.find("\n", offset)
    return Span(line, offset - start + 1, width, text[start : end if end >= 0 else len(text)])


def _hashed(name: str, content: Digest) -> str:
    """``css/style.css`` -> ``/assets/css/style.0123abcdef.css``."""
    stem, dot, extension = posixpath.basename(name).partition(".")
    folder = posixpath.dirname(ASSETS + name)
    return f"{folder}/{stem}.{digest(content).hex()[:10]}{dot}{extension}"


# CSS Syntax 3, as far as blanks go: strings, addresses without quotes and escapes hold none that may be dropped. A
# comment that begins with `!` is a notice to be kept.
_TOKEN = re.compile(
    r"""(?P<kept>"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?|url\(\s*[^"'\s)][^)]*\)?|/\*!.*?(?:\*/|\Z)|\\.)
    | (?P<gap>(?:\s|/\*(?!!).*?(?:\*/|\Z))+)
    | (?P<mark>[{};,:>])""",
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)


def minify_css(css: str) -> str:
    """The same rules in fewer characters."""
    out: list[str] = []
    before = ";"  # the mark that stands last in ``out``; empty after anything else
    gap = ""
    at = 0
    for token in _TOKEN.finditer(css):
        if token.start() > at:
            _write(out, before, gap, css[at : token.start()])
            before = gap = ""
        at = token.end()
        if token["gap"] is not None:
            gap = token["gap"]
        elif token["kept"] is not None:
            _write(out, before, gap, token["kept"])
            before = gap = ""
        else:
            mark = token["mark"]
            if mark == "}" and before == ";" and out:
                out.pop()
            # What stands before a colon may be a selector (`a :hover`); a property may have no value (`--x: ;`).
            elif gap and ((mark == ":" and before not in ("{", "}", ";", ",", ">")) or before == ":"):
                out.append(" ")
            out.append(mark)
            before, gap = mark, ""
    _write(out, before, "", css[at:])
    return "".join(out)


def _write(out: list[str], before: str, gap: str, text: str) -> None:
    """A gap is a blank where one may matter; a comment alone separates without being one."""
    if gap and not before:
        out.append(" " if any(character.isspace() for character in gap if not _in_comment(gap)) else "/**/")
    out.append(text)


def _in_comment(gap: str) -> bool:
    return re.fullmatch(r"(?:/\*.*?\*/)+", gap, re.DOTALL) is not None
