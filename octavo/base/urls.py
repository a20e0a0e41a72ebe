"""URL patterns, slugs, and what an address is in a page and on the disk.

An ``href`` is the address of a URL for a page, an output path its file in ``output/``.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import cache, lru_cache
from hashlib import blake2b
from urllib.parse import quote, unquote, urlsplit

from octavo.base.diagnostics import did_you_mean

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
    """A pattern with its ``{tokens}`` filled in.

    A token that is empty takes its slash with it.
    """
    url = _TOKEN.sub(lambda match: tokens[match[1]], pattern)
    if "//" in url:
        url = _SLASHES.sub("/", url)
    return url if url.isascii() else unicodedata.normalize("NFC", url)


def output_path(url: str) -> str:
    """The file that a host serves at a URL path (not encoded).

    It is relative to ``output/``.
    """
    path = url.lstrip("/")
    return f"{path}index.html" if path == "" or path.endswith("/") else path


@cache
def base_path(base_url: str) -> str:
    """The path of ``base_url`` without a slash at its end.

    ``/blog``, or the empty string.
    """
    return urlsplit(base_url).path.rstrip("/")


def href(url: str, base_url: str) -> str:
    """A URL path of the site as an ``href``.

    It is below the path of ``base_url`` and percent-encoded.
    """
    return base_path(base_url) + (url if _NEEDS_NO_QUOTES(url) else quote(url, safe=_SAFE_IN_PATH))


def absolute_url(address: str, base_url: str) -> str:
    """An ``href`` of the site as an absolute URL.

    It is unchanged without a ``base_url`` and when it is absolute already.
    """
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
    """A key that is equal for two output paths that may be one file.

    They are on some system: after NFC and case folding.
    """
    if path.isascii():
        return path.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())


# What authors write.


def is_web_address(text: str) -> bool:
    """True for a whole address with http or https and a host."""
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(host) and not re.search(r"[\s\\<>\"]", text)


_MAIL = re.compile(r"mailto:[^\s@<>\"]+@[^\s@<>\"]+")


def is_link(text: str) -> bool:
    """True for a path of the site or a whole address.

    A path (``/about/``) is not encoded; an address is one of the web or of a mailbox.
    """
    if _MAIL.fullmatch(text) or (re.match(r"https?://", text) and not _no_link(text)):
        return True
    return bool(re.fullmatch(r"/(?!/)[^\s\\?#<>\"]*", text)) and not _has_dots(text)


def _no_link(text: str) -> bool:
    try:
        return not urlsplit(text).hostname or any(c.isspace() or c in '\\<>"' for c in text)
    except ValueError:
        return True


def _has_dots(path: str) -> bool:
    return any(unquote(part) in (".", "..") for part in path.split("/"))


_HOST = re.compile(r"[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?\.?|\[[0-9a-f:.]+\]", re.IGNORECASE)


def base_url_fault(text: str) -> str:
    """What is wrong with a base_url; the empty string when nothing is."""
    if any(c.isspace() or c in '\\<>"`{}|^' for c in text):
        return "holds a character that no address has"
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "is not an address"
    if parts.scheme not in ("http", "https"):
        return "must begin with 'https://' or 'http://'"
    if not host:
        return "has no host"
    if "@" in parts.netloc:
        return "must not hold a user or password"
    if not host.isascii():
        return f"must name the host in ASCII{_ascii_host(host)}"
    if not _HOST.fullmatch(f"[{host}]" if ":" in host else host):
        return "has a host that cannot be"
    if "?" in text or "#" in text:
        return "must end before '?' and '#'"
    if re.search(r"%(?![0-9A-Fa-f]{2})", parts.path):
        return "has a '%' that encodes nothing"
    path = [unquote(part) for part in parts.path.removeprefix("/").removesuffix("/").split("/")]
    if parts.path not in ("", "/") and any(part in ("", ".", "..") or "/" in part for part in path):
        return "has a path with an empty part, '.' or '..'"
    return ""


def _ascii_host(host: str) -> str:
    try:
        return f": {host.encode('idna').decode('ascii')}"
    except UnicodeError:
        return ""


def normal_base_url(base_url: str) -> str:
    """A ``base_url`` without a fault in the form in which it is used.

    It is percent-encoded and has no slash at its end.
    """
    parts = urlsplit(base_url)
    return f"{parts.scheme}://{parts.netloc.lower()}{quote(parts.path, safe=_SAFE_IN_PATH + '%').rstrip('/')}"


_TOKEN_AS_WRITTEN = re.compile(r"\{(\w*)\}")


def pattern_fault(
    pattern: str, allowed: tuple[str, ...], one_of: tuple[str, ...] = (), *, relative: bool = False
) -> tuple[str, str]:
    """What is wrong with a URL pattern, and a hint.

    Both are empty when nothing is. ``allowed`` are the tokens that it may have, and one of ``one_of`` must be there. A
    relative one continues another path.
    """
    tokens = _TOKEN_AS_WRITTEN.findall(pattern)
    for token in tokens:
        if token not in allowed:
            choices = f"the tokens are {', '.join(allowed)}" if allowed else "this path has no tokens"
            return f"has the unknown token '{{{token}}}'", did_you_mean(token, allowed) or choices
    rest = _TOKEN_AS_WRITTEN.sub("token", pattern)
    strange = next((c for c in rest if c.isspace() or c in '\\?#%{}<>"|*:'), None)
    if strange is not None:
        return f"must not hold '{strange}'", ""
    if relative == pattern.startswith("/"):
        return ("must not begin with '/'" if relative else "must begin with '/'"), ""
    parts = rest.removeprefix("/").removesuffix("/").split("/")
    if any(part in ("", ".", "..") for part in parts) and rest != "/":
        return "has an empty part, '.' or '..'", ""
    if not rest.endswith("/") and "." not in parts[-1]:
        return "must end with '/' or name a file", f"write '{pattern}/' or '{pattern}.html'"
    if one_of and not set(tokens) & set(one_of):
        needed = " or ".join(f"{{{token}}}" for token in one_of)
        return f"needs {needed}, or all pages would have one address", ""
    return "", ""


LONGEST_SLUG_BYTES = 200
"""Bytes of UTF-8 in a slug: below the 255 that file systems allow, with room for an extension."""

_SPELLED_OUT = (("c++", "c-plus-plus"), ("c#", "c-sharp"), ("f#", "f-sharp"))


@lru_cache(4096)
def slugify(text: str) -> str:
    """A text as one segment of a URL.

    Letters and digits of any script, case-folded (NFC), everything else as single hyphens; never empty. ``C++`` and
    ``C#`` keep their names; what has no letter or digit becomes a short digest of itself.
    """
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())
    for name, spelled in _SPELLED_OUT:
        if name in folded:
            folded = re.sub(rf"(?<!\w){re.escape(name)}(?![\w+#])", f" {spelled} ", folded)
    hyphenated = "".join(c if c.isalnum() or unicodedata.category(c).startswith("M") else "-" for c in folded)
    slug = _shorten(re.sub(r"-+", "-", hyphenated).strip("-"))
    return slug or "x-" + blake2b(text.encode("utf-8", "surrogatepass"), digest_size=4).hexdigest()


def _shorten(slug: str) -> str:
    """At most LONGEST bytes. What is cut ends in a digest of the whole, so two long names stay two."""
    data = slug.encode("utf-8", "surrogatepass")
    if len(data) <= LONGEST_SLUG_BYTES:
        return slug
    tail = "-" + blake2b(data, digest_size=4).hexdigest()
    return data[: LONGEST_SLUG_BYTES - len(tail)].decode("utf-8", "ignore").rstrip("-") + tail
