"""What is wrong in an author's files, and where.

A Diagnostic is the one value for every problem Octavo reports.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal

Severity = Literal["error", "warning"]


@dataclass(frozen=True)
class Span:
    """A place in a file as its author sees it.

    ``line`` and ``column`` count from 1, columns in characters; ``column`` is None where only the line is known.
    ``width`` is the number of characters at fault, ``text`` the whole source line without its line end.
    """

    line: int
    column: int | None = None
    width: int = 1
    text: str = ""


@dataclass(frozen=True)
class Diagnostic:
    """One problem.

    ``path`` is relative to the site; ``during`` names the page being rendered, if any.
    """

    path: str
    span: Span | None
    severity: Severity
    code: str
    message: str
    hint: str = ""
    during: str = ""

    @property
    def is_error(self) -> bool:
        """True for an error, false for a warning."""
        return self.severity == "error"

    def where(self) -> str:
        """``path``, ``path:line`` or ``path:line:column``."""
        if self.span is None:
            return self.path
        if self.span.column is None:
            return f"{self.path}:{self.span.line}"
        return f"{self.path}:{self.span.line}:{self.span.column}"

    def as_error(self) -> Diagnostic:
        """The same problem as an error."""
        return replace(self, severity="error")

    def as_warning(self) -> Diagnostic:
        """The same problem as a warning."""
        return replace(self, severity="warning")


def error(path: str, span: Span | None, code: str, message: str, hint: str = "") -> Diagnostic:
    """A problem that keeps a site from being published."""
    return Diagnostic(path, span, "error", code, message, hint)


def warning(path: str, span: Span | None, code: str, message: str, hint: str = "") -> Diagnostic:
    """A problem that a site is published with."""
    return Diagnostic(path, span, "warning", code, message, hint)


def did_you_mean(word: str, names: Iterable[str]) -> str:
    """The hint ``did you mean 'title'?`` with the name nearest to a word.

    The empty string where none of the names is close to it.
    """
    from difflib import get_close_matches  # late: most builds have nothing to guess

    candidates = sorted(set(names))
    folded = {name.casefold(): name for name in reversed(candidates)}
    if word.casefold() in folded:
        return f"did you mean {folded[word.casefold()]!r}?"
    close = get_close_matches(word, candidates, n=1, cutoff=0.6)
    return f"did you mean {close[0]!r}?" if close else ""


def sort_problems(problems: Iterable[Diagnostic]) -> tuple[Diagnostic, ...]:
    """Sorted by place, each problem once.

    A fault in a layout is met once for each page that uses it: the first page, in order, speaks for all.
    """
    # What differs between two that are one is ``during``, the page, which comes last in the order.
    first: dict[tuple[object, ...], Diagnostic] = {}
    for problem in sorted(problems, key=place):
        first.setdefault((problem.path, problem.span, problem.code, problem.message), problem)
    return tuple(first.values())


def place(problem: Diagnostic) -> tuple[Any, ...]:
    """What problems are sorted by: file, line and column come first."""
    span = problem.span or Span(0)
    return (problem.path, span.line, span.column or 0, problem.severity, problem.code, problem.message, problem.during)


def to_text(problem: Diagnostic) -> str:
    """The problem as a terminal shows it.

    That is its place and message, the source line, a caret, the hint.
    """
    during = f" (while rendering {problem.during})" if problem.during else ""
    lines = [f"{problem.where()}: {problem.severity}[{problem.code}]: {printable(problem.message)}{during}"]
    span = problem.span
    if span is not None and span.text.strip():
        number = str(span.line)
        text, column = _window(span)
        lines.append(f"    {number} | {text}")
        if column is not None:
            caret = "^" * max(1, min(span.width, len(text) - column + 1))
            lines.append(f"    {' ' * len(number)} | {' ' * (column - 1)}{caret}")
    if problem.hint:
        lines.append(f"    hint: {printable(problem.hint)}")
    return "\n".join(lines)


def to_dict(problem: Diagnostic) -> dict[str, str | int | None]:
    """The problem as ``--format json`` prints it."""
    span = problem.span
    return {
        "path": problem.path,
        "line": span.line if span else None,
        "column": span.column if span else None,
        "severity": problem.severity,
        "code": problem.code,
        "message": problem.message,
        "hint": problem.hint,
        "during": problem.during,
    }


_WIDEST = 100


def _window(span: Span) -> tuple[str, int | None]:
    """The part of a long source line that holds the fault, and the column of the fault within it."""
    text, column = span.text.replace("\t", " "), span.column
    if len(text) > _WIDEST:
        start = max(0, (column or 1) - 1 - _WIDEST // 2)
        cut = text[start : start + _WIDEST]
        text = ("…" if start else "") + cut + ("…" if start + _WIDEST < len(span.text) else "")
        if column is not None:
            column = column - start + (1 if start else 0)
    return printable(text), column


def printable(text: str) -> str:
    """The text with control and surrogate characters made visible.

    Each is replaced by one character, so columns stay the same.
    """
    return "".join(
        "\N{REPLACEMENT CHARACTER}" if ord(c) < 32 or 0x7F <= ord(c) < 0xA0 or 0xD800 <= ord(c) < 0xE000 else c
        for c in text
    )
