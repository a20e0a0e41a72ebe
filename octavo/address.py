"""Where an address in a body leads: to a post, a file or a page of this site, elsewhere, or where no link may."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal
from urllib.parse import unquote

from octavo.diagnostic import did_you_mean
from octavo.model import Ref
from octavo.names import SOURCE_ENDINGS

SCHEMES = frozenset(
    "http https mailto tel sms ftp ftps sftp ssh git irc ircs xmpp matrix news nntp webcal feed geo magnet gemini "
    "gopher sip sips bitcoin openpgp4fpr".split()
)
"""Schemes that lead somewhere and run nothing in the reader's page."""

_RUNS = frozenset("javascript vbscript data file blob filesystem view-source about jar".split())
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*(?=:)")
_HOST_AND_PORT = re.compile(r"[A-Za-z][\w.-]*:\d+(?:[/?#]|$)")
_IGNORED = re.compile(r"[\x00-\x20\x7f-\x9f]")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SAFE_DATA = re.compile(r"data:image/(?:avif|gif|jpeg|png|webp)[;,]", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Within:
    """A place in the same page. ``fragment`` is percent-encoded and without its hash."""

    fragment: str


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """An address that stays as it is."""


@dataclass(frozen=True, slots=True)
class Refused:
    """An address that must not be published, and why."""

    message: str
    hint: str = ""


Destination = Ref | Within | Elsewhere | Refused


def resolve(address: str, path: str, use: Literal["link", "image"] = "link") -> Destination:
    """Read an address, percent-encoded or as typed, that stands in the post at ``path``.

    Relative addresses are resolved against the folder of the post and may not leave ``posts/``. A scheme is refused
    unless it is known to be harmless; browsers skip control characters when they look for one, so this does too.
    An image may be a ``data:`` URL of a picture format that cannot hold a script.
    """
    if not address.startswith("#"):
        refused = refused_scheme(address, use)
        if refused is not None:
            return refused
    if address.startswith("#"):
        return Within(address[1:])
    if not address or address.startswith(("//", "?")) or _SCHEME.match(address):
        return Elsewhere()
    written, suffix = _split(address)
    raw = unquote(written) + suffix
    target = unquote(written)
    if _CONTROL.search(target):
        return Refused("the link holds a control character")
    if target.startswith("/"):
        return Ref("site", target, suffix, raw)
    joined = _join(path, target)
    if joined is None:
        return Refused(f"'{raw}' leads outside 'posts/'", "link to a page of the site by its address: '/about/'")
    kind: Literal["post", "file"] = "post" if joined.casefold().endswith(SOURCE_ENDINGS) else "file"
    return Ref(kind, joined, suffix, raw)


def refused_scheme(address: str, use: Literal["link", "image"] = "link") -> Refused | None:
    """Why the scheme of an address, if it has one, is refused."""
    if use == "image" and _SAFE_DATA.match(address):
        return None
    typed = _SCHEME.match(address)
    hidden = _SCHEME.match(_IGNORED.sub("", unquote(address)))
    if hidden is not None and hidden[0].lower() in _RUNS:
        return Refused(f"a link may not lead to '{hidden[0].lower()}:'", "readers' browsers could run what it holds")
    if typed is None or typed[0].lower() in SCHEMES:
        return None
    if _HOST_AND_PORT.match(address):
        hint = f"write 'http://{address}'"
    else:
        hint = did_you_mean(typed[0].lower(), SCHEMES) or "write './' before the name of a file that holds a colon"
    return Refused(f"unknown kind of address '{typed[0]}:'", hint)


def _split(address: str) -> tuple[str, str]:
    """The path, and the query and fragment with their marks."""
    cut = min((at for mark in "?#" if (at := address.find(mark)) >= 0), default=len(address))
    return address[:cut], address[cut:]


def _join(path: str, target: str) -> str | None:
    """The path of the site that ``target``, relative to the folder of ``path``, means; None outside the top folder."""
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
    """The fragment of a reference, percent-encoded and without its hash; empty when it has none."""
    return ref.suffix.partition("#")[2]
