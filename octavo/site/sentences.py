"""The sentences of a Markdown source, each at its place.

They are what an author may put a link into. A plain reading of lines, without a parser: code, headings, tables, raw
HTML and the text of links are passed over, and what is unclear is passed over as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from octavo.base.diagnostics import Span
from octavo.base.source_text import SourceText


class Sentence(NamedTuple):
    """A sentence of a source.

    ``text`` is as written, on one line; ``free`` is the same with nothing in the place of its links. ``start`` and
    ``end`` are its offsets in the source.
    """

    start: int
    end: int
    text: str
    free: str


_FENCE = re.compile(r" {0,3}(?:> ?)*(`{3,}|~{3,})")
_SKIPPED = re.compile(r"\s*(?:#{1,6}(?:\s|$)|\||<|\[[^\]]+\]:|:::|={3,}\s*$|-{3,}\s*$|\*{3,}\s*$)| {4,}|\t")
_MARKER = re.compile(r"\s*(?:[-*+]|\d{1,9}[.)])\s")
_SENTENCE = re.compile(r"\S.*?(?:[.!?][\"'”’)\]*_`]*(?=\s)|\Z)", re.DOTALL)
_TAKEN = re.compile(r"!?\[(?:[^\[\]]|\[[^\[\]]*\])*\](?:\([^)]*\)|\[[^\]]*\])?|<[^>\s][^>]*>|https?://\S+")


def split_sentences(source: SourceText, first_line: int = 1) -> Iterator[Sentence]:
    """The sentences from a line on, in order."""
    for start, end in _paragraphs(source, first_line):
        for match in _SENTENCE.finditer(source.text, start, end):
            text = " ".join(match[0].split())
            yield Sentence(match.start(), match.end(), text, " ".join(_TAKEN.sub(" ", text).split()))


def locate_words(source: SourceText, sentence: Sentence, words: str) -> Span:
    """Where some words of a sentence stand.

    It is where the sentence begins, if they are not found in one piece.
    """
    pattern = re.compile(r"\s+".join(map(re.escape, words.split())))
    match = pattern.search(source.text, sentence.start, sentence.end)
    return source.span_at(match.start(), len(match[0])) if match else source.span_at(sentence.start)


def _paragraphs(source: SourceText, first_line: int) -> Iterator[tuple[int, int]]:
    """The offsets at which the paragraphs and the items of lists begin and end."""
    offset = 0
    start: int | None = None
    fence = ""
    for number, line in enumerate(source.text.split("\n"), 1):
        begin, offset = offset, offset + len(line) + 1
        if number < first_line:
            continue
        opened = _FENCE.match(line)
        if fence:
            if opened and opened[1].startswith(fence) and not line.strip(" >`~"):
                fence = ""
            continue
        skipped = bool(opened) or not line.strip() or bool(_SKIPPED.match(line) if start is None else _ENDS.match(line))
        item = _MARKER.match(line)
        if start is not None and (skipped or item):
            yield start, begin
            start = None
        if opened:
            fence = opened[1]
        elif start is None and not skipped:
            start = begin + (item.end() if item else 0)
    if start is not None:
        yield start, len(source.text)


_ENDS = re.compile(r"\s*(?:#{1,6}(?:\s|$)|\||:::|={3,}\s*$|-{3,}\s*$|\*{3,}\s*$)")
"""What ends a paragraph without a blank line."""
