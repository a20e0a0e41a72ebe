"""URL patterns, and the way from a URL to an href and to a file in ``output/``."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from urllib.parse import quote, urlsplit

# Characters that a path may hold unencoded (RFC 3986, pchar and the slash); all else is percent-encoded UTF-8.
_SAFE_IN_PATH = "/:@!$&'()*+,;=~"
_NEEDS_NO_QUOTES = re.compile(rf"[A-Za-z0-9_.{re.escape(_SAFE_IN_PATH)}-]*").fullmatch


ASSETS = "/assets/"
"""Where the files of ``assets/`` are published; a link to one below it is written with its plain name."""

PICTURES = ASSETS + "images/"
"""Where images are published that were made of others."""


_TOKEN = re.compile(r"\{(\w+)\}")
_SLASHES = re.compile(r"/{2,}")


def expand(pattern: str, tokens: Mapping[str, str]) -> str:
    """A pattern with its ``{tokens}`` filled in; a token that is empty takes its slash with it."""
    url = _TOKEN.sub(lambda match: tokens[match[1]], pattern)
    if "//" in url:
        url = _SLASHES.sub("/", url)
    return url if url.isascii() else unicodedata.normalize("NFC", url)


def output_path(url: str) -> str:
    """The file, relative to ``output/``, that a host serves at a URL path (not encoded)."""
    path = url.lstrip("/")
    return f"{path}index.html" if path == "" or path.endswith("/") else path


@cache
def base_path(base_url: str) -> str:
    """The path of ``base_url`` without a slash at its end: ``/blog``, or the empty string."""
    return urlsplit(base_url).path.rstrip("/")


def href(url: str, base_url: str) -> str:
    """A URL path of the site as an ``href``: below the path of ``base_url`` and percent-encoded."""
    return base_path(base_url) + (url if _NEEDS_NO_QUOTES(url) else quote(url, safe=_SAFE_IN_PATH))


def absolute(address: str, base_url: str) -> str:
    """An ``href`` of the site as an absolute URL; unchanged without a ``base_url`` and when it is absolute already."""
    if not base_url or not address.startswith("/") or address.startswith("//"):
        return address
    return origin(base_url) + address


@cache
def origin(base_url: str) -> str:
    """``https://name.example``; empty without a ``base_url``."""
    if not base_url:
        return ""
    parts = urlsplit(base_url)
    return f"{parts.scheme}://{parts.netloc}"


def collision_key(path: str) -> str:
    """Equal for two output paths that are one file on some system: after NFC and case folding."""
    if path.isascii():
        return path.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())
