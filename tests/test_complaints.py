"""What is wrong, as the author is told of it."""

from __future__ import annotations

import time

import pytest

from octavo.complaints import HELD_BACK, PASSING, Complaints
from octavo.diagnostic import Diagnostic, error, warning

ONE = error("posts/a.md", None, "date", "'yesterday' is not a date")
TWO = error("posts/b.md", None, "date", "'today' is not a date")
MINOR = warning("posts/a.md", None, "key", "an unknown key")


def told(*problems: Diagnostic) -> Complaints:
    complaints = Complaints()
    complaints.tell(problems)
    return complaints


def test_nothing_new_is_not_told() -> None:
    assert told().due((), 0.0) is None
    assert told(ONE).due((ONE,), 0.0) is None
    assert not told(ONE).tell((ONE,))


def test_what_has_become_right_is_told_at_once() -> None:
    assert told(ONE, TWO).due((TWO,), 0.0) == 0.0
    assert told(ONE).due((MINOR,), 0.0) == 0.0


def test_what_is_new_is_held_back_for_a_moment() -> None:
    now = time.monotonic()
    at = told(ONE).due((ONE, TWO), 0.0)
    assert at is not None
    assert at >= now + PASSING


def test_what_is_new_is_told_though_saving_goes_on() -> None:
    complaints = told()
    assert complaints.due((ONE,), 0.0)
    at = complaints.due((ONE,), time.monotonic() + 1000)
    assert at is not None
    assert at <= time.monotonic() + HELD_BACK


def test_a_failure_is_new_and_passes() -> None:
    complaints = told()
    complaints.failure = "octavo: the folder posts/ is gone"
    assert complaints.due((), 0.0)
    assert complaints.tell(())
    assert complaints.due((), 0.0) is None
    complaints.failure = ""
    assert complaints.due((), 0.0) == 0.0


def test_the_terminal_says_each_once_and_when_all_is_right(capfd: pytest.CaptureFixture[str]) -> None:
    complaints = told(ONE)
    complaints.tell((ONE, TWO))
    complaints.tell((MINOR,))
    out, err = capfd.readouterr()
    assert [line.split(":")[0] for line in err.splitlines()] == ["posts/a.md", "posts/b.md", "posts/a.md"]
    assert out == "right again\n"
