"""What is wrong, as it is reported to the author."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from octavo.base.diagnostics import Diagnostic, Span, error, warning
from octavo.preview.problem_reporter import (
    HOLD_BACK_LATEST_SECONDS,
    HOLD_BACK_SECONDS,
    OVERLAY_PROBLEMS,
    PRINTED_PROBLEMS,
    ProblemReporter,
)
from octavo.preview.site_problems import ProblemList, Problems, combine_problems, list_problems

ONE = error("posts/a.md", None, "date", "'yesterday' is not a date")
TWO = error("posts/b.md", None, "date", "'today' is not a date")
MINOR = warning("posts/a.md", None, "key", "an unknown key")


def now(*problems: Diagnostic) -> Problems:
    return Problems(list_problems(problems, lambda problem: problem, None))


def reported(*problems: Diagnostic) -> ProblemReporter:
    reporter = ProblemReporter()
    reporter.report(now(*problems))
    return reporter


def many(count: int) -> list[Diagnostic]:
    return [warning(f"posts/p{n:05}.md", Span(2, 1, 4, "moood: x"), "key", "an unknown key") for n in range(count)]


def test_nothing_new_is_not_told() -> None:
    assert reported().due_at(now(), 0.0) is None
    assert reported(ONE).due_at(now(ONE), 0.0) is None
    assert not reported(ONE).report(now(ONE))


def test_what_has_become_right_is_told_at_once() -> None:
    assert reported(ONE, TWO).due_at(now(TWO), 0.0) == 0.0
    assert reported(ONE).due_at(now(MINOR), 0.0) == 0.0


def test_what_is_new_is_held_back_for_a_moment() -> None:
    began = time.monotonic()
    at = reported(ONE).due_at(now(ONE, TWO), 0.0)
    assert at is not None
    assert at >= began + HOLD_BACK_SECONDS


def test_what_is_new_is_told_though_saving_goes_on() -> None:
    reporter = reported()
    assert reporter.due_at(now(ONE), 0.0)
    at = reporter.due_at(now(ONE), time.monotonic() + 1000)
    assert at is not None
    assert at <= time.monotonic() + HOLD_BACK_LATEST_SECONDS


def test_a_failure_is_new_and_passes() -> None:
    reporter = reported()
    reporter.note_failure("octavo: the folder posts/ is gone")
    assert reporter.due_at(now(), 0.0)
    assert reporter.report(now())
    assert reporter.due_at(now(), 0.0) is None
    reporter.note_failure("")
    assert reporter.due_at(now(), 0.0) == 0.0


def test_the_terminal_says_each_once_and_when_all_is_right(capfd: pytest.CaptureFixture[str]) -> None:
    reporter = reported(ONE)
    reporter.report(now(ONE, TWO))
    reporter.report(now(MINOR))
    out, err = capfd.readouterr()
    assert [line.split(":")[0] for line in err.splitlines()] == ["posts/a.md", "posts/b.md", "posts/a.md"]
    assert out == "all errors fixed\n"


def test_the_terminal_prints_twenty_new_problems_errors_first_and_counts_the_rest(
    capfd: pytest.CaptureFixture[str],
) -> None:
    reporter = reported(*many(3))
    capfd.readouterr()
    reporter.report(now(*many(PRINTED_PROBLEMS + 1203), error("posts/z.md", None, "date", "no date")))
    lines = [line for line in capfd.readouterr().err.splitlines() if not line.startswith(" ")]
    assert lines[0] == "posts/z.md: error[date]: no date"
    assert [line.split(":")[0] for line in lines[1:-1]] == [
        f"posts/p{n:05}.md" for n in range(3, 3 + PRINTED_PROBLEMS - 1)
    ]
    assert lines[-1] == "and 1,201 more: `octavo check` shows all"


def test_twenty_new_problems_are_printed_and_nothing_is_counted(capfd: pytest.CaptureFixture[str]) -> None:
    reported(*many(PRINTED_PROBLEMS))
    err = capfd.readouterr().err
    assert err.count("warning[key]") == PRINTED_PROBLEMS
    assert "more" not in err


def test_an_overlay_shows_the_first_errors_and_counts_all(tmp_path: Path) -> None:
    reads: list[Diagnostic] = []

    def layouts_of(problem: Diagnostic) -> tuple[str, ...]:
        reads.append(problem)
        return ("post.html",)

    errors = [problem.as_error() for problem in many(500)]
    message = reported(*errors, *many(600)[500:]).message(tmp_path, layouts_of)
    assert message.count == 500
    assert [problem["path"] for problem in message.problems] == [problem.path for problem in errors[:OVERLAY_PROBLEMS]]
    assert reads == errors[:OVERLAY_PROBLEMS]


def test_an_overlay_begins_with_what_keeps_the_site_from_being_read(tmp_path: Path) -> None:
    reporter = reported(*(problem.as_error() for problem in many(30)))
    failure = "octavo: the folder posts/ is gone"
    reporter.note_failure(failure)
    reporter.report(now(*(problem.as_error() for problem in many(30))))
    message = reporter.message(tmp_path, lambda problem: ())
    assert message.problems[0]["text"] == failure
    assert (len(message.problems), message.count) == (OVERLAY_PROBLEMS, 31)


class Counted:
    """How often problems were compared and hashed: what that takes is what a save would wait for."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.comparisons = self.hashes = 0
        equal, hashed = Diagnostic.__eq__, Diagnostic.__hash__

        def counted_equal(one: Diagnostic, other: object) -> bool:
            self.comparisons += 1
            return equal(one, other)

        def counted_hash(one: Diagnostic) -> int:
            self.hashes += 1
            return hashed(one)

        monkeypatch.setattr(Diagnostic, "__eq__", counted_equal)
        monkeypatch.setattr(Diagnostic, "__hash__", counted_hash)

    def of(self, work: Callable[[], object]) -> tuple[int, int]:
        """Comparisons and hashes of some work."""
        before = self.comparisons, self.hashes
        work()
        return self.comparisons - before[0], self.hashes - before[1]


def test_of_many_problems_only_what_is_new_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """A look has the same problems as the one before and one more: they are hashed where it was made, and then no more,
    neither to weigh nor to tell, however often that is done."""
    count = 2000
    first = list_problems(many(count), lambda problem: problem, None)
    reporter = ProblemReporter()
    reporter.report(Problems(first))
    counted = Counted(monkeypatch)
    looks: list[ProblemList] = []
    assert counted.of(lambda: looks.append(list_problems([*many(count), ONE], lambda problem: problem, first))) <= (
        count + 1,
        3 * (count + 1),
    )

    def saves() -> None:
        for _ in range(100):
            problems = combine_problems(looks[0], ())
            assert reporter.due_at(problems, 0.0)
        assert reporter.report(combine_problems(looks[0], ()))
        for _ in range(100):
            assert reporter.due_at(combine_problems(looks[0], ()), 0.0) is None

    comparisons, hashes = counted.of(saves)
    assert comparisons <= 10
    assert hashes <= 10


def test_what_a_page_adds_is_compared_with_its_own_file_only(monkeypatch: pytest.MonkeyPatch) -> None:
    site = list_problems(many(2000), lambda problem: problem, None)
    reporter = ProblemReporter()
    reporter.report(Problems(site))
    counted = Counted(monkeypatch)

    def saves() -> None:
        for _ in range(50):
            assert reporter.due_at(combine_problems(site, [ONE]), 0.0)
        assert reporter.report(combine_problems(site, [ONE]))
        assert reporter.report(combine_problems(site, []))

    comparisons, hashes = counted.of(saves)
    assert comparisons <= 500
    assert hashes <= 500
