"""Inline tokens as text, and as the plain HTML of excerpts and headings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from html import escape
from typing import Literal

from markdown_it.token import Token

PLAIN_ELEMENTS = frozenset(("code", "em", "strong", "del", "sub", "sup"))
"""The elements that plain HTML may hold, none with an attribute."""

Piece = tuple[Literal["text", "open", "close"], str]
"""Text, or the name of an element that begins or ends."""

_PLAIN_TAG = re.compile(rf"<(/?)({'|'.join(sorted(PLAIN_ELEMENTS))})>", re.IGNORECASE)


def text_of(children: Iterable[Token]) -> str:
    """The words of inline tokens, without raw HTML.

    Code and the alternative text of images are among them.
    """
    out: list[str] = []
    for token in children:
        if token.type in ("text", "code_inline"):
            out.append(token.content)
        elif token.type in ("softbreak", "hardbreak"):
            out.append(" ")
        elif token.type == "image":
            out.append(text_of(token.children or ()))
    return "".join(out)


def pieces_of(children: Iterable[Token]) -> Iterator[Piece]:
    """Inline tokens as pieces of plain HTML.

    These have no links (their text stays), images, footnote marks and raw HTML other than PLAIN_ELEMENTS.
    """
    for token in children:
        if token.type == "text":
            yield "text", token.content
        elif token.type == "code_inline":
            yield "open", "code"
            yield "text", token.content
            yield "close", "code"
        elif token.type in ("softbreak", "hardbreak"):
            yield "text", " "
        elif token.type == "html_inline":
            raw = _PLAIN_TAG.fullmatch(token.content)
            if raw is not None:
                yield "close" if raw[1] else "open", raw[2].lower()
        elif token.tag in PLAIN_ELEMENTS and token.nesting:
            yield "open" if token.nesting > 0 else "close", token.tag


def html_of(pieces: Iterable[Piece], length: int | None = None) -> str:
    """Pieces as HTML whose elements are all closed and none empty.

    With ``length``, only that many characters of text.
    """
    out: list[str] = []
    waiting: list[str] = []  # opened, but without text so far
    opened: list[str] = []
    left = length
    for kind, value in pieces:
        if kind == "open":
            waiting.append(value)
        elif kind == "close":
            if value in waiting:
                waiting.remove(value)
            elif value in opened:
                while (name := opened.pop()) != value:
                    out.append(f"</{name}>")
                    waiting.append(name)
                out.append(f"</{value}>")
        elif value:
            if left is not None:
                value = value[:left]
                left -= len(value)
            out += [f"<{name}>" for name in waiting]
            opened += waiting
            waiting = []
            out.append(escape(value, quote=False))
            if left == 0:
                break
    out += [f"</{name}>" for name in reversed(opened)]
    return "".join(out)


def plain_html(children: Sequence[Token]) -> str:
    """Inline tokens as plain HTML, for a title in a table of contents."""
    return html_of(pieces_of(children)).strip()
