"""URL patterns, and the way from a URL to an href and to a file in ``output/``."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from urllib.parse import quote, urlsplit

# Characters that a path may hold unencoded (RFC 3986, pchar and the slash); all else is percent-encoded UTF-8.
_SAFE_IN_PATH = "/:@!$&'()*+,;=~"


ASSETS = "/assets/"
"""Where the files of ``assets/`` are published; a link to one below it is written with its plain name."""


def expand(pattern: str, tokens: Mapping[str, str]) -> str:
    """A pattern with its ``{tokens}`` filled in; a token that is empty takes its slash with it."""
    url = re.sub(r"\{(\w+)\}", lambda match: tokens[match[1]], pattern)
    return unicodedata.normalize("NFC", re.sub(r"/{2,}", "/", url))


def output_path(url: str) -> str:
    """The file, relative to ``output/``, that a host serves at a URL path (not encoded)."""
    path = url.lstrip("/")
    return f"{path}index.html" if path == "" or path.endswith("/") else path


def base_path(base_url: str) -> str:
    """The path of ``base_url`` without a slash at its end: ``/blog``, or the empty string."""
    return urlsplit(base_url).path.rstrip("/")


def href(url: str, base_url: str) -> str:
    """A URL path of the site as an ``href``: below the path of ``base_url`` and percent-encoded."""
    return base_path(base_url) + quote(url, safe=_SAFE_IN_PATH)


def absolute(address: str, base_url: str) -> str:
    """An ``href`` of the site as an absolute URL; unchanged without a ``base_url`` and when it is absolute already."""
    if not base_url or not address.startswith("/") or address.startswith("//"):
        return address
    parts = urlsplit(base_url)
    return f"{parts.scheme}://{parts.netloc}{address}"


def collision_key(path: str) -> str:
    """Equal for two output paths that are one file on some system: after NFC and case folding."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())
