"""What is wrong, as it is reported to the author: once in the terminal, and over the page for as long as it is so.

An error is held back for a moment, for an editor that empties a file and then fills it leaves it broken meanwhile. What
is printed and sent is bounded, whatever has happened to the site: a terminal or a page with twenty thousand problems
helps nobody, and takes seconds.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

from octavo.diagnostic import Diagnostic, to_text
from octavo.messages import ProblemDetails, ProblemsMessage
from octavo.problems import Comparison, Difference, Found, Problems

HOLD_BACK_SECONDS = 0.6
"""For so long something new is held back (VS Code and sync tools take that long to write a file anew)."""

HOLD_BACK_LATEST_SECONDS = 3.0
"""After so long it is reported though saving goes on."""

PRINTED_PROBLEMS = 20
"""New problems that are printed at once; the rest is counted."""

OVERLAY_PROBLEMS = 20
"""Errors that lie over a page; the rest is counted."""

LARGEST_FILE_BYTES = 1_000_000
"""A file whose lines are shown: a larger one takes too long to read for each page that is told."""


class ProblemReporter:
    """``reported`` are the problems that the author knows of, ``failure`` what keeps the site from being read now."""

    def __init__(self) -> None:
        self.reported = Problems(Found())
        self.failure = ""
        self._reported_failure = ""
        self._new_since: float | None = None
        self._comparison = Comparison()

    def due_at(self, problems: Problems, last_event: float) -> float | None:
        """When to report these: None when there is nothing new, the past when something has been fixed."""
        difference = self._compare(problems)
        if not difference and self.failure == self._reported_failure:
            self._new_since = None
            return None
        if not difference.has_new_error and self.failure in ("", self._reported_failure):
            return 0.0
        now = time.monotonic()
        self._new_since = now if self._new_since is None else self._new_since
        return min(max(now, last_event) + HOLD_BACK_SECONDS, self._new_since + HOLD_BACK_LATEST_SECONDS)

    def report(self, problems: Problems) -> bool:
        """Print what is new. False when nothing is."""
        before, failure_before, difference = self.reported, self._reported_failure, self._compare(problems)
        self._new_since = None
        self.reported, self._reported_failure = problems, self.failure
        if not difference and self.failure == failure_before:
            return False
        for problem in difference.first_added(PRINTED_PROBLEMS):
            print(to_text(problem), file=sys.stderr)
        if len(difference.added) > PRINTED_PROBLEMS:
            print(f"and {len(difference.added) - PRINTED_PROBLEMS:,} more: `octavo check` shows all", file=sys.stderr)
        if self.failure and self.failure != failure_before:
            print(self.failure, file=sys.stderr)
        sys.stderr.flush()
        is_wrong = problems.errors or self.failure
        if (failure_before or before.errors) and not is_wrong:
            print("all errors fixed", flush=True)
        return True

    def _compare(self, problems: Problems) -> Difference:
        return self._comparison.of(self.reported, problems)

    def message(self, root: Path, layouts_of: Callable[[Diagnostic], tuple[str, ...]]) -> ProblemsMessage:
        """What the overlay shows: the first errors, and how many there are. ``layouts_of`` gives the layouts of a page
        that could not be rendered."""
        details = [
            describe_problem(problem, root, layouts_of(problem))
            for problem in self.reported.first_errors(OVERLAY_PROBLEMS - bool(self._reported_failure))
        ]
        if self._reported_failure:
            details.insert(0, {"text": self._reported_failure, "message": self._reported_failure, "where": ""})
        return ProblemsMessage(details, self.reported.errors + bool(self._reported_failure))


def describe_problem(problem: Diagnostic, root: Path, layouts: tuple[str, ...]) -> ProblemDetails:
    """A problem as the overlay shows it: with the lines around it in the file as it is now."""
    span = problem.span
    lines = _lines_around(root / problem.path, span.line) or [(span.line, span.text)] if span is not None else []
    return {
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
        "lines": lines,
        "chain": layouts,
    }


def _lines_around(file: Path, line: int) -> list[tuple[int, str]]:
    """Five lines of a file, each with its number; none of a large one."""
    try:
        if file.stat().st_size > LARGEST_FILE_BYTES:
            return []
        lines = file.read_text("utf-8-sig", "replace").split("\n")
    except OSError:
        return []
    first = max(1, line - 2)
    return [(number, lines[number - 1][:400]) for number in range(first, min(line + 2, len(lines)) + 1)]
