"""Where something in a body stands in its file."""

from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise

from markdown_it.token import Token

from octavo.base.diagnostics import Span

MAX_LINE_CHARACTERS = 4000
"""Characters in the longest line that a span carries along; a longer one is only pointed at."""

CELL = "cell"
"""The key in the ``meta`` of a table cell's inline token: where its content begins in the line, from 0."""


class BodyPlaces:
    """The lines of a body.

    ``first`` is the number in the file, from 1, of the first of them.
    """

    def __init__(self, lines: tuple[str, ...], first: int = 1) -> None:
        self.lines = lines
        self.first = first
        self._token: Token | None = None
        self._starts: list[int] = []
        self._columns: list[int | None] = []

    def line(self, index: int) -> Span:
        """A line, by its index in the body from 0, without the blanks around it."""
        text = self._text(index)
        stripped = text.strip()
        return self._span(index, text.index(stripped) if stripped else None, max(1, len(stripped)))

    def of_block(self, token: Token) -> Span:
        """The first line of a block; where it is unknown, that of the body."""
        return self.line(token.map[0]) if token.map else Span(self.first)

    def within(self, token: Token, start: int, end: int) -> Span:
        """``token.content[start:end]``, or what of it stands on its first line.

        The content of a block is its lines without what makes them a list, a quote or a heading, so each is looked
        for in its source line. The column is None where it is not there, as when a tab was expanded.
        """
        if token is not self._token:
            self._locate_lines(token)
        number = bisect_right(self._starts, start) - 1
        begin = self._starts[number]
        stop = self._starts[number + 1] - 1 if number + 1 < len(self._starts) else len(token.content)
        index = (token.map[0] if token.map else 0) + number
        cell = token.meta.get(CELL)
        if cell is not None:
            # In a cell a pipe is written with a backslash, which the parser takes out.
            column = cell + start + token.content.count("|", 0, start)
        else:
            origin = self._columns[number]
            column = None if origin is None else origin + start - begin
        return self._span(index, column, max(1, min(end, stop) - start))

    def _locate_lines(self, token: Token) -> None:
        """Find the lines of a block once for all that stands in it."""
        self._token = token
        self._starts = [0]
        self._columns = []
        first = token.map[0] if token.map else 0
        for number, piece in enumerate(token.content.split("\n")):
            self._starts.append(self._starts[-1] + len(piece) + 1)
            column = self._text(first + number).rfind(piece.strip())
            self._columns.append(None if column < 0 else column - (len(piece) - len(piece.lstrip())))
        self._starts.pop()

    def _text(self, index: int) -> str:
        return self.lines[index] if 0 <= index < len(self.lines) else ""

    def _span(self, index: int, column: int | None, width: int) -> Span:
        """A place by the index of a line and of a character in it, both from 0."""
        text = self._text(index)
        if column is not None and not 0 <= column <= len(text):
            column = None
        line_text = text if len(text) <= MAX_LINE_CHARACTERS else ""
        return Span(self.first + index, None if column is None else column + 1, width, line_text)


def place_cells(tokens: list[Token], lines: tuple[str, ...]) -> None:
    """Note in each table cell where in its line it begins.

    The parser gives the line only.
    """
    line = -1
    reached = 0
    for before, token in pairwise(tokens):
        if token.type != "inline" or before.type not in ("td_open", "th_open") or token.map is None:
            continue
        if token.map[0] != line:
            line, reached = token.map[0], 0
        written = token.content.replace("|", r"\|")
        begin = lines[line].find(written, reached) if line < len(lines) else -1
        if begin >= 0:
            token.meta[CELL] = begin
            reached = begin + len(written)
