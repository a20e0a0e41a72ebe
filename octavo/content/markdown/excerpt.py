"""The excerpt of a body, its words, and how long it takes to read."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from octavo.content.markdown.inline import Piece, html_of

ELLIPSIS = "…"

# Written without blanks between words: Han, Hiragana and Katakana.
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f]")
_BEYOND_LATIN = re.compile(r"[\u3040-\U0003134f]")
_LONGEST_WORD = 40
_BLANKS = re.compile(r"\s+")


def make_excerpt(blocks: Iterable[Iterable[Piece]], length: int | None) -> tuple[str, str]:
    """The first blocks of text as plain HTML and as text.

    There are single blanks between the words. At most ``length`` characters of text, cut after a word and then ended by
    an ellipsis; all of it without ``length``. Blocks that are not needed are not read.
    """
    pieces: list[Piece] = []
    texts: list[str] = []
    size = 0
    blank = True
    for block in blocks:
        if length is not None and size > length:
            break
        if texts and not blank:
            pieces.append(("text", " "))
            texts.append(" ")
            size, blank = size + 1, True
        for kind, value in block:
            if kind == "text":
                value = _BLANKS.sub(" ", value)
                if blank:
                    value = value.removeprefix(" ")
                if not value:
                    continue
                blank = value.endswith(" ")
                texts.append(value)
                size += len(value)
            pieces.append((kind, value))
    text = "".join(texts)
    whole = text.rstrip()
    if length is None or len(whole) <= length:
        return html_of(pieces, len(whole)), whole
    end = _cut(whole, length)
    return html_of(pieces, end) + ELLIPSIS, whole[:end] + ELLIPSIS


def _cut(text: str, length: int) -> int:
    """Where to cut a text longer than ``length``: after the last whole word.

    A word longer than any, as in writing without blanks, is cut between two of its characters.
    """
    if text[length] == " ":
        end = length
    else:
        end = text.rfind(" ", 0, length)
        if end <= 0 or length - end > _LONGEST_WORD:
            end = length
            while end > 1 and _is_joined(text, end):
                end -= 1
    return len(text[:end].rstrip(" .,;:–—-")) or end


def _is_joined(text: str, at: int) -> bool:
    """Whether the characters around a place make one, as an accent does."""
    after = text[at]
    return unicodedata.category(after).startswith("M") or after == "\u200d" or text[at - 1] == "\u200d"


def count_words(text: str) -> tuple[int, int]:
    """Count the words of a text, and its CJK characters.

    Their scripts put no blanks between words, so a character there counts for itself.
    """
    if text.isascii():
        return len(text.split()), 0
    if not _BEYOND_LATIN.search(text):
        return len(text.split()), 0
    rest, characters = _CJK.subn(" ", text)
    return len(rest.split()), characters


def count_minutes(words: int, characters: int, code_lines: int) -> int:
    """The minutes it takes to read a text, at least 1.

    A minute is 220 words, 400 CJK characters or 100 lines of code; half a minute counts as one.
    """
    return max(1, int(words / 220 + characters / 400 + code_lines / 100 + 0.5))
