"""What is wrong, as it is reported to the author.

It is printed once in the terminal, and lies over the page for as long as it is so.

An error is held back for a moment, for an editor that empties a file and then fills it leaves it broken meanwhile. What
is printed and sent is bounded, whatever has happened to the site: a terminal or a page with twenty thousand problems
helps nobody, and takes seconds.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from octavo.base.diagnostics import Diagnostic, to_text
from octavo.preview.messages import Clients, ProblemDetails, ProblemsMessage
from octavo.preview.site_problems import Comparison, Difference, ProblemList, Problems
from octavo.preview.timers import Deadlines, Timer

if TYPE_CHECKING:
    from octavo.preview.session import PreviewSession

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


class ProblemNotifier:
    """Reports the session's problems when it is time, for the app's thread."""

    def __init__(self, session: PreviewSession, clients: Clients, deadlines: Deadlines) -> None:
        self._session, self._clients, self._deadlines = session, clients, deadlines
        self._reporter = ProblemReporter()

    def note_failure(self, words: str) -> None:
        """Note what keeps the site from being read; empty when nothing does."""
        self._reporter.note_failure(words)

    def schedule(self, last_event: float) -> None:
        """Report what is wrong, soon or at once.

        At once where something has been fixed, and a moment later where something is new.
        """
        due_at = self._reporter.due_at(self._session.collect_problems(), last_event)
        if due_at is None:
            self._deadlines.clear(Timer.REPORT_PROBLEMS)
        elif due_at == 0.0:
            self.report()
        else:
            self._deadlines.set(Timer.REPORT_PROBLEMS, due_at)

    def report(self) -> None:
        """Print what is new, and tell all tabs what is wrong now."""
        self._deadlines.clear(Timer.REPORT_PROBLEMS)
        if self._reporter.report(self._session.collect_problems()):
            self._clients.send_all(self.message())

    def message(self) -> ProblemsMessage:
        """What a tab is told that has just been opened."""
        return self._reporter.message(self._session.project.root, self._session.layouts_of)


class ProblemReporter:
    """Reports each problem once, and what keeps the site from being read."""

    def __init__(self) -> None:
        self._reported = Problems(ProblemList())
        """What the author knows of."""
        self._failure = ""
        self._reported_failure = ""
        self._new_since: float | None = None
        self._comparison = Comparison()

    def note_failure(self, words: str) -> None:
        """Note what keeps the site from being read; empty when nothing does."""
        self._failure = words

    def due_at(self, problems: Problems, last_event: float) -> float | None:
        """When to report these problems.

        None when there is nothing new, the past when something has been fixed.
        """
        difference = self._compare(problems)
        if not difference and self._failure == self._reported_failure:
            self._new_since = None
            return None
        if not difference.has_new_error and self._failure in ("", self._reported_failure):
            return 0.0
        now = time.monotonic()
        self._new_since = now if self._new_since is None else self._new_since
        return min(max(now, last_event) + HOLD_BACK_SECONDS, self._new_since + HOLD_BACK_LATEST_SECONDS)

    def report(self, problems: Problems) -> bool:
        """Print what is new; False when nothing is."""
        before, failure_before, difference = self._reported, self._reported_failure, self._compare(problems)
        self._new_since = None
        self._reported, self._reported_failure = problems, self._failure
        if not difference and self._failure == failure_before:
            return False
        for problem in difference.first_added(PRINTED_PROBLEMS):
            print(to_text(problem), file=sys.stderr)
        if len(difference.added) > PRINTED_PROBLEMS:
            print(f"and {len(difference.added) - PRINTED_PROBLEMS:,} more: `octavo check` shows all", file=sys.stderr)
        if self._failure and self._failure != failure_before:
            print(self._failure, file=sys.stderr)
        sys.stderr.flush()
        is_wrong = problems.errors or self._failure
        if (failure_before or before.errors) and not is_wrong:
            print("all errors fixed", flush=True)
        return True

    def _compare(self, problems: Problems) -> Difference:
        return self._comparison.compare(self._reported, problems)

    def message(self, root: Path, layouts_of: Callable[[Diagnostic], tuple[str, ...]]) -> ProblemsMessage:
        """What the overlay shows: the first errors, and how many there are.

        ``layouts_of`` gives the layouts of a page that could not be rendered.
        """
        details = [
            describe_problem(problem, root, layouts_of(problem))
            for problem in self._reported.first_errors(OVERLAY_PROBLEMS - bool(self._reported_failure))
        ]
        if self._reported_failure:
            details.insert(0, {"text": self._reported_failure, "message": self._reported_failure, "where": ""})
        return ProblemsMessage(details, self._reported.errors + bool(self._reported_failure))


def describe_problem(problem: Diagnostic, root: Path, layouts: tuple[str, ...]) -> ProblemDetails:
    """Describe a problem as the overlay shows it.

    With it are the lines around it in the file as it is now.
    """
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
