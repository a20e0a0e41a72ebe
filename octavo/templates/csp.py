"""A content security policy that allows what the pages of a site do, and nothing else.

Scripts and style sheets within a page are allowed by their digests, other hosts where a page loads something of them.
(Content Security Policy Level 3.)
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Iterator
from functools import lru_cache
from hashlib import sha256
from html import escape, unescape
from itertools import groupby
from typing import NamedTuple, cast
from urllib.parse import urlsplit

CspSource = tuple[str, str]
"""A directive and what it allows: ``("img-src", "https://pictures.example")``."""

_ATTRIBUTES = r"""(?:[^>"']|"[^"]*"|'[^']*')*"""
_REST = re.compile(rf"({_ATTRIBUTES})>".encode())
_ATTRIBUTE = re.compile(r"""([a-z-]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?""", re.IGNORECASE)
_TAG = re.compile(rf"<[a-z][^\s/>\"']*+({_ATTRIBUTES})>".encode(), re.IGNORECASE)
_RARE = re.compile(rb" (?:style|on[a-z]+)=")

_LOADS = {
    "img": (("src", "img-src"), ("srcset", "img-src")),
    "source": (("srcset", "img-src"), ("src", "media-src")),
    "video": (("src", "media-src"), ("poster", "img-src")),
    "audio": (("src", "media-src"),),
    "track": (("src", "media-src"),),
    "iframe": (("src", "frame-src"),),
    "embed": (("src", "object-src"),),
    "object": (("data", "object-src"),),
    "script": (("src", "script-src"),),
    "form": (("action", "form-action"),),
}
_LINKS = {"stylesheet": "style-src", "icon": "img-src", "modulepreload": "script-src", "manifest": "manifest-src"}
_PRELOADS = {"font": "font-src", "style": "style-src", "script": "script-src", "image": "img-src"}
_RUNS = frozenset(("", "text/javascript", "application/javascript", "module", "speculationrules", "importmap"))
"""The types of scripts that a policy is about; all others are data."""


_ELEMENT = re.compile(f"<({'|'.join((*_LOADS, 'style', 'link'))})(?=[\\s/>])".encode())


def find_sources(html: bytes) -> tuple[CspSource, ...]:
    """What a page needs beside the files of its own host, in order."""
    return tuple(sorted({source for need in _needs(html) for source in need.sources}))


class SharedMarkup(str):
    """A text that many pages have, with what it needs.

    ``needs`` is None where that depends on what stands around it.
    """

    data: bytes
    needs: frozenset[CspSource] | None

    def __new__(cls, text: str) -> SharedMarkup:
        common = super().__new__(cls, text)
        common.data = text.encode()
        common.needs = _needs_of_common(common.data)
        return common


def _needs_of_common(html: bytes) -> frozenset[CspSource] | None:
    # Neither its beginning nor its end may be a part of something.
    if not html.lstrip().startswith(b"<") or html.rfind(b"<") > html.rfind(b">"):
        return None
    needs = list(_needs(html))
    return frozenset(source for need in needs for source in need.sources) if all(need.ended for need in needs) else None


_MARK = b"\0"
"""Stands for a common text while all others of a page are looked at."""


def join_with_sources(pieces: Iterable[str]) -> tuple[bytes, tuple[CspSource, ...]]:
    """A page from its pieces, and what it needs.

    In common texts that is known already.
    """
    page: list[bytes] = []
    between: list[bytes] = []
    page_sources: set[CspSource] = set()
    is_plain = True
    for is_common, group in groupby(pieces, lambda piece: type(piece) is SharedMarkup and piece.needs is not None):
        if is_common:
            for piece in cast("Iterator[SharedMarkup]", group):
                page.append(piece.data)
                page_sources.update(piece.needs or ())
            between.append(_MARK)
        else:
            text = "".join(group).encode()
            is_plain &= text.rfind(b"<") <= text.rfind(b">")
            page.append(text)
            between.append(text)
    content = b"".join(page)
    for need in _needs(b"".join(between)):
        if not need.ended or need.has_mark:
            is_plain = False
            break
        page_sources.update(need.sources)
    return content, tuple(sorted(page_sources)) if is_plain else find_sources(content)


class _Need(NamedTuple):
    """What an element needs. ``ended`` says whether it is known where it ends; ``has_mark``, whether a common text is
    within what was looked at."""

    sources: Iterable[CspSource]
    ended: bool
    has_mark: bool = False


def _needs(html: bytes) -> Iterator[_Need]:
    # In bytes, of which there are as many when they are made small.
    small = html.lower()
    for element in _ELEMENT.finditer(small):
        tag = _REST.match(html, element.end())
        if tag is None:
            yield _Need((), False)
            continue
        name = element[1].decode()
        needed, runs = _of_tag(name, tag[1])
        if runs:
            end = small.find(f"</{name}".encode(), tag.end())
            text = html[tag.end() : end if end >= 0 else None]
            yield _Need((*needed, (f"{name}-src", _hash(text))), end >= 0, _MARK in tag[1] or _MARK in text)
        elif needed or _MARK in tag[1]:
            yield _Need(needed, True, _MARK in tag[1])
    if _RARE.search(small):
        # Any tag counts here, so it is the whole page that has to be looked at.
        yield _Need([source for tag in _TAG.finditer(html) for source in _of_attributes(tag[1])], False)


def _of_attributes(tag: bytes) -> Iterator[CspSource]:
    for attribute, value in attributes(tag).items():
        if attribute == "style":
            yield "style-src-attr", "'unsafe-inline'"
        elif attribute.startswith("on"):
            yield from (("script-src", "'unsafe-hashes'"), ("script-src", _hash(value.encode())))


@lru_cache(1024)
def _of_tag(name: str, tag: bytes) -> tuple[tuple[CspSource, ...], bool]:
    """What a tag needs by its attributes, and whether the text within the element counts as well. Those in the head
    are the same on most pages."""
    written = attributes(tag)
    needed = [
        (directive, origin)
        for attribute, directive in _LOADS.get(name, ())
        for origin in _origins(attribute, written.get(attribute, ""))
    ]
    if name == "link":
        relation = written.get("rel", "").lower().split()
        directives = [_LINKS[word] for word in relation if word in _LINKS]
        if "preload" in relation:
            directives.append(_PRELOADS.get(written.get("as", ""), "default-src"))
        if directives:
            origins = tuple(_origins("href", written.get("href", "")))
            needed += [(directive, origin) for directive in directives for origin in origins]
    is_script = name == "script" and "src" not in written and written.get("type", "").strip().lower() in _RUNS
    return tuple(needed), name == "style" or is_script


def attributes(tag: bytes) -> dict[str, str]:
    """The attributes of a tag by name in small letters."""
    written = _ATTRIBUTE.finditer(tag.decode("utf-8", "replace"))
    return {match[1].lower(): unescape(match[2] or match[3] or match[4] or "") for match in written}


def _origins(attribute: str, value: str) -> Iterator[str]:
    addresses = re.split(r"\s+[\d.]+[wx]\s*,\s*|\s*,\s+", value) if attribute == "srcset" else (value,)
    for address in addresses:
        if ":" not in address and "//" not in address:
            continue
        try:
            parts = urlsplit(address.strip())
        except ValueError:
            continue
        if parts.scheme in ("data", "blob", "mediastream"):
            yield f"{parts.scheme}:"
        elif parts.netloc and re.fullmatch(r"[\w.:\[\]-]+", parts.netloc, re.ASCII):
            yield f"{parts.scheme}://{parts.netloc}" if parts.scheme else parts.netloc


@lru_cache(256)
def _hash(text: bytes) -> str:
    """What stands for a text. A browser has read it with line ends of its own."""
    digest = sha256(text.replace(b"\r\n", b"\n")).digest()
    return f"'sha256-{b64encode(digest).decode()}'"


_STRICT = (
    ("default-src", "'self'"),
    ("img-src", "data:"),
    ("object-src", "'none'"),
    ("base-uri", "'none'"),
    ("form-action", "'self'"),
)
_ALONE = frozenset(("base-uri", "form-action", "frame-ancestors", "style-src-attr", "object-src"))
"""Directives that name all they allow; any other allows what ``default-src`` does, as long as it is not written."""


def make_policy(needed: Iterable[CspSource], allow: str = "", own: str = "") -> str:
    """The policy for pages with these needs.

    ``allow`` are directives of the site's own, which add to it. ``own`` is the origin of the site, which needs no name.
    """
    allowed: dict[str, set[str]] = {}
    for directive, source in (*_STRICT, *needed, *_directives(allow)):
        values = allowed.setdefault(directive, set() if directive in _ALONE | {"default-src"} else {"'self'"})
        if source != own:
            values.add(source)
    return "; ".join(f"{directive} {_list(allowed[directive])}" for directive in sorted(allowed, key=_order))


def _directives(text: str) -> Iterator[CspSource]:
    for part in text.split(";"):
        words = part.split()
        yield from ((words[0].lower(), word) for word in words[1:])


def _list(values: set[str]) -> str:
    return " ".join(sorted(values - {"'none'"}, key=lambda word: (word != "'self'", word)) or ["'none'"])


def _order(directive: str) -> tuple[int, str]:
    names = [name for name, _ in _STRICT]
    return (0 if directive == "default-src" else 1 if directive not in names else 2, directive)


_AFTER = re.compile(rb"<meta charset=[^>]*>\n?|<head\b[^>]*>\n?", re.IGNORECASE)


def insert_policy(html: bytes, written: str) -> bytes:
    """A page that tells its policy itself.

    It does so before anything that the policy is about.
    """
    places = list(_AFTER.finditer(html[:2000]))
    if not places:
        return html
    at = places[-1].end()
    return html[:at] + f'<meta http-equiv="Content-Security-Policy" content="{escape(written)}">\n'.encode() + html[at:]


def headers_text(written: str, base_path: str) -> str:
    """The file ``_headers``, which Netlify, Cloudflare Pages and others read."""
    return (
        f"{base_path}/*\n"
        f"  Content-Security-Policy: {written}; frame-ancestors 'self'\n"
        "  X-Content-Type-Options: nosniff\n"
        "  Referrer-Policy: strict-origin-when-cross-origin\n"
        f"{base_path}/assets/*\n"
        "  Cache-Control: public, max-age=31536000, immutable\n"
    )
