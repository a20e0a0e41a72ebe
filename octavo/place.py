"""Where something in a body stands in its file."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from markdown_it.token import Token

from octavo.diagnostic import Span


@dataclass(frozen=True, slots=True)
class Places:
    """The lines of a body; ``first`` is the number in the file, from 1, of its first line."""

    lines: tuple[str, ...]
    first: int = 1

    def line(self, index: int) -> Span:
        """A whole line, by its index in the body from 0, without the blanks around it."""
        text = self.lines[index] if 0 <= index < len(self.lines) else ""
        shown = text.strip()
        column = text.index(shown) + 1 if shown else None
        return Span(self.first + index, column, max(1, len(shown)), text)

    def within(self, token: Token, start: int, end: int) -> Span:
        """``token.content[start:end]``, or what of it stands on its first line.

        The content of a block is its lines without what makes them a list, a quote or a heading, so each is looked
        for in its source line. The column is None where it is not found, as when a tab was expanded.
        """
        content = token.content
        begin = content.rfind("\n", 0, start) + 1
        stop = content.find("\n", start)
        stop = len(content) if stop < 0 else stop
        index = (token.map[0] if token.map else 0) + content.count("\n", 0, start)
        text = self.lines[index] if 0 <= index < len(self.lines) else ""
        column: int | None = None
        cell = token.meta.get(CELL)
        if cell is not None:
            # In a cell a pipe is written with a backslash, which the parser takes out.
            column = cell + start + content.count("|", 0, start) + 1
        else:
            piece = content[begin:stop]
            found = text.rfind(piece.strip())
            if found >= 0:
                column = found - (len(piece) - len(piece.lstrip())) + start - begin + 1
        if column is not None and not 1 <= column <= len(text) + 1:
            column = None
        return Span(self.first + index, column, max(1, min(end, stop) - start), text)


CELL = "cell"
"""The key in the ``meta`` of a table cell's inline token: where its content begins in the line, from 0."""


def place_cells(tokens: list[Token], lines: tuple[str, ...]) -> None:
    """Say of each table cell where in its line it begins; the parser gives the line only."""
    line = -1
    reached = 0
    for before, token in pairwise(tokens):
        if token.type != "inline" or before.type not in ("td_open", "th_open") or token.map is None:
            continue
        if token.map[0] != line:
            line, reached = token.map[0], 0
        written = token.content.replace("|", r"\|")
        found = lines[line].find(written, reached) if line < len(lines) else -1
        if found >= 0:
            token.meta[CELL] = found
            reached = found + len(written)
