"""What is wrong, as the author is told of it: once in the terminal, and over the page for as long as it is so.

An error is held back for a moment, for an editor that empties a file and then fills it leaves it broken meanwhile. What
is printed and sent is bounded, whatever has happened to the site: a terminal or a page with twenty thousand problems
helps nobody, and takes seconds.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from octavo.diagnostic import Diagnostic, to_text
from octavo.problems import Comparison, Difference, Found, Problems

PASSING = 0.6
"""Seconds for which something new is held back (VS Code and sync tools take that long)."""

HELD_BACK = 3.0
"""Seconds after which it is told though saving goes on."""

PRINTED = 20
"""New problems that are printed at once; the rest is counted."""

SHOWN = 20
"""Errors that lie over a page; the rest is counted."""

LARGEST = 1_000_000
"""Bytes of a file whose lines are shown: a larger one takes too long to read for each page that is told."""


class Complaints:
    """``told`` are the problems that the author knows of, ``failure`` what keeps the site from being looked at."""

    def __init__(self) -> None:
        self.told = Problems(Found())
        self.failure = ""
        self._failure_told = ""
        self._since: float | None = None
        self._comparison = Comparison()

    def due(self, problems: Problems, last_event: float) -> float | None:
        """When to tell of these: None when there is nothing new, the past when something has become right."""
        difference = self._differing(problems)
        if not difference and self.failure == self._failure_told:
            self._since = None
            return None
        if not difference.has_new_error and self.failure in ("", self._failure_told):
            return 0.0
        now = time.monotonic()
        self._since = now if self._since is None else self._since
        return min(max(now, last_event) + PASSING, self._since + HELD_BACK)

    def tell(self, problems: Problems) -> bool:
        """Say in the terminal what is new. False when nothing is."""
        before, failed, difference = self.told, self._failure_told, self._differing(problems)
        self._since = None
        self.told, self._failure_told = problems, self.failure
        if not difference and self.failure == failed:
            return False
        for problem in difference.first_added(PRINTED):
            print(to_text(problem), file=sys.stderr)
        if len(difference.added) > PRINTED:
            print(f"and {len(difference.added) - PRINTED:,} more: `octavo check` shows all", file=sys.stderr)
        if self.failure and self.failure != failed:
            print(self.failure, file=sys.stderr)
        sys.stderr.flush()
        is_wrong = problems.errors or self.failure
        if (failed or before.errors) and not is_wrong:
            print("all errors fixed", flush=True)
        return True

    def _differing(self, problems: Problems) -> Difference:
        return self._comparison.of(self.told, problems)

    def message(self, root: Path, layouts_of: Callable[[Diagnostic], tuple[str, ...]]) -> dict[str, Any]:
        """What the overlay shows: the first errors, and how many there are. ``layouts_of`` gives the layouts of a page
        that could not be rendered."""
        shown = [
            {**shown_problem(problem, root), "chain": layouts_of(problem)}
            for problem in self.told.first_errors(SHOWN - bool(self._failure_told))
        ]
        if self._failure_told:
            shown.insert(0, {"text": self._failure_told, "message": self._failure_told, "where": ""})
        return {"kind": "problems", "problems": shown, "count": self.told.errors + bool(self._failure_told)}


def shown_problem(problem: Diagnostic, root: Path) -> dict[str, Any]:
    """A problem as the overlay shows it: with the lines around it in the file as it is now."""
    span = problem.span
    found: dict[str, Any] = {
        "text": to_text(problem),
        "message": problem.message,
        "where": problem.where(),
        "path": problem.path,
        "line": span.line if span else None,
        "column": span.column if span else None,
        "width": span.width if span else 1,
        "code": problem.code,
        "hint": problem.hint,
        "during": problem.during,
        "lines": [],
    }
    if span is not None:
        found["lines"] = _lines_around(root / problem.path, span.line) or [[span.line, span.text]]
    return found


def _lines_around(file: Path, line: int) -> list[list[Any]]:
    """Five lines of a file, [number, text] each; none of a large one."""
    try:
        if file.stat().st_size > LARGEST:
            return []
        lines = file.read_text("utf-8-sig", "replace").split("\n")
    except OSError:
        return []
    first = max(1, line - 2)
    return [[number, lines[number - 1][:400]] for number in range(first, min(line + 2, len(lines)) + 1)]
