"""What is wrong, as the author is told of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from octavo.complaints import HELD_BACK, PASSING, PRINTED, SHOWN, Complaints
from octavo.diagnostic import Diagnostic, Span, error, warning
from octavo.problems import Found, Problems, found, problems_with

ONE = error("posts/a.md", None, "date", "'yesterday' is not a date")
TWO = error("posts/b.md", None, "date", "'today' is not a date")
MINOR = warning("posts/a.md", None, "key", "an unknown key")


def now(*problems: Diagnostic) -> Problems:
    return Problems(found(problems, lambda problem: problem, None))


def told(*problems: Diagnostic) -> Complaints:
    complaints = Complaints()
    complaints.tell(now(*problems))
    return complaints


def many(count: int) -> list[Diagnostic]:
    return [warning(f"posts/p{n:05}.md", Span(2, 1, 4, "moood: x"), "key", "an unknown key") for n in range(count)]


def test_nothing_new_is_not_told() -> None:
    assert told().due(now(), 0.0) is None
    assert told(ONE).due(now(ONE), 0.0) is None
    assert not told(ONE).tell(now(ONE))


def test_what_has_become_right_is_told_at_once() -> None:
    assert told(ONE, TWO).due(now(TWO), 0.0) == 0.0
    assert told(ONE).due(now(MINOR), 0.0) == 0.0


def test_what_is_new_is_held_back_for_a_moment() -> None:
    began = time.monotonic()
    at = told(ONE).due(now(ONE, TWO), 0.0)
    assert at is not None
    assert at >= began + PASSING


def test_what_is_new_is_told_though_saving_goes_on() -> None:
    complaints = told()
    assert complaints.due(now(ONE), 0.0)
    at = complaints.due(now(ONE), time.monotonic() + 1000)
    assert at is not None
    assert at <= time.monotonic() + HELD_BACK


def test_a_failure_is_new_and_passes() -> None:
    complaints = told()
    complaints.failure = "octavo: the folder posts/ is gone"
    assert complaints.due(now(), 0.0)
    assert complaints.tell(now())
    assert complaints.due(now(), 0.0) is None
    complaints.failure = ""
    assert complaints.due(now(), 0.0) == 0.0


def test_the_terminal_says_each_once_and_when_all_is_right(capfd: pytest.CaptureFixture[str]) -> None:
    complaints = told(ONE)
    complaints.tell(now(ONE, TWO))
    complaints.tell(now(MINOR))
    out, err = capfd.readouterr()
    assert [line.split(":")[0] for line in err.splitlines()] == ["posts/a.md", "posts/b.md", "posts/a.md"]
    assert out == "all errors fixed\n"


def test_the_terminal_prints_twenty_new_problems_errors_first_and_counts_the_rest(
    capfd: pytest.CaptureFixture[str],
) -> None:
    complaints = told(*many(3))
    capfd.readouterr()
    complaints.tell(now(*many(PRINTED + 1203), error("posts/z.md", None, "date", "no date")))
    lines = [line for line in capfd.readouterr().err.splitlines() if not line.startswith(" ")]
    assert lines[0] == "posts/z.md: error[date]: no date"
    assert [line.split(":")[0] for line in lines[1:-1]] == [f"posts/p{n:05}.md" for n in range(3, 3 + PRINTED - 1)]
    assert lines[-1] == "and 1,201 more: `octavo check` shows all"


def test_twenty_new_problems_are_printed_and_nothing_is_counted(capfd: pytest.CaptureFixture[str]) -> None:
    told(*many(PRINTED))
    err = capfd.readouterr().err
    assert err.count("warning[key]") == PRINTED
    assert "more" not in err


def test_an_overlay_shows_the_first_errors_and_counts_all(tmp_path: Path) -> None:
    reads: list[Diagnostic] = []

    def layouts_of(problem: Diagnostic) -> tuple[str, ...]:
        reads.append(problem)
        return ("post.html",)

    errors = [problem.as_error() for problem in many(500)]
    message = told(*errors, *many(600)[500:]).message(tmp_path, layouts_of)
    assert message["count"] == 500
    assert [problem["path"] for problem in message["problems"]] == [problem.path for problem in errors[:SHOWN]]
    assert reads == errors[:SHOWN]


def test_an_overlay_begins_with_what_keeps_the_site_from_being_read(tmp_path: Path) -> None:
    complaints = told(*(problem.as_error() for problem in many(30)))
    complaints.failure = "octavo: the folder posts/ is gone"
    complaints.tell(now(*(problem.as_error() for problem in many(30))))
    message = complaints.message(tmp_path, lambda problem: ())
    assert message["problems"][0]["text"] == complaints.failure
    assert (len(message["problems"]), message["count"]) == (SHOWN, 31)


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
    first = found(many(count), lambda problem: problem, None)
    complaints = Complaints()
    complaints.tell(Problems(first))
    counted = Counted(monkeypatch)
    looks: list[Found] = []
    assert counted.of(lambda: looks.append(found([*many(count), ONE], lambda problem: problem, first))) <= (
        count + 1,
        3 * (count + 1),
    )

    def saves() -> None:
        for _ in range(100):
            problems = problems_with(looks[0], ())
            assert complaints.due(problems, 0.0)
        assert complaints.tell(problems_with(looks[0], ()))
        for _ in range(100):
            assert complaints.due(problems_with(looks[0], ()), 0.0) is None

    comparisons, hashes = counted.of(saves)
    assert comparisons <= 10
    assert hashes <= 10


def test_what_a_page_adds_is_compared_with_its_own_file_only(monkeypatch: pytest.MonkeyPatch) -> None:
    site = found(many(2000), lambda problem: problem, None)
    complaints = Complaints()
    complaints.tell(Problems(site))
    counted = Counted(monkeypatch)

    def saves() -> None:
        for _ in range(50):
            assert complaints.due(problems_with(site, [ONE]), 0.0)
        assert complaints.tell(problems_with(site, [ONE]))
        assert complaints.tell(problems_with(site, []))

    comparisons, hashes = counted.of(saves)
    assert comparisons <= 500
    assert hashes <= 500
