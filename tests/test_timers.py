"""What is due when, and the loop that waits for it."""

from __future__ import annotations

import threading
import time

from octavo.preview.timers import AFTER_REFRESH, Deadlines, EventLoop, Timer
from tests.test_server import SOON


def test_nothing_is_due_at_first() -> None:
    deadlines = Deadlines()
    assert deadlines.next() is None
    assert deadlines.pop_due(time.monotonic()) is None


def test_the_next_deadline_is_the_earliest() -> None:
    deadlines = Deadlines()
    deadlines.set(Timer.RESCAN, 30.0)
    deadlines.set(Timer.RELATE, 10.0)
    assert deadlines.next() == 10.0
    deadlines.set(Timer.RELATE, 40.0)
    assert deadlines.next() == 30.0
    deadlines.clear(Timer.RESCAN)
    assert deadlines.next() == 40.0
    assert (deadlines.is_set(Timer.RESCAN), deadlines.is_set(Timer.RELATE)) == (False, True)


def test_a_default_does_not_move_a_deadline() -> None:
    deadlines = Deadlines()
    deadlines.set_default(Timer.REFRESH, 5.0)
    deadlines.set_default(Timer.REFRESH, 1.0)
    assert deadlines.next() == 5.0


def test_of_several_that_are_due_the_first_by_kind_comes_first_and_once() -> None:
    deadlines = Deadlines()
    for at, timer in enumerate(reversed(Timer)):
        deadlines.set(timer, float(at))
    assert [deadlines.pop_due(100.0) for _ in Timer] == list(Timer)
    assert deadlines.pop_due(100.0) is None


def test_what_is_not_due_yet_waits() -> None:
    deadlines = Deadlines()
    deadlines.set(Timer.REPORT_PROBLEMS, 2.0)
    deadlines.set(Timer.RESCAN, 1.0)
    assert deadlines.pop_due(0.5) is None
    assert deadlines.pop_due(1.0) is Timer.RESCAN


def test_what_is_suspended_is_as_if_it_were_not_set_and_stays() -> None:
    deadlines = Deadlines()
    for timer in AFTER_REFRESH:
        deadlines.set(timer, 1.0)
    assert deadlines.next(AFTER_REFRESH) is None
    assert deadlines.pop_due(2.0, AFTER_REFRESH) is None
    deadlines.set(Timer.UPDATE_PANELS, 1.5)
    assert deadlines.next(AFTER_REFRESH) == 1.5
    assert deadlines.pop_due(2.0) is Timer.UPDATE_PANELS
    assert deadlines.pop_due(2.0) is Timer.REFRESH


def test_jobs_run_in_order_before_what_is_due_and_a_failure_ends_nothing() -> None:
    loop = EventLoop()
    done: list[object] = []
    loop.deadlines.set(Timer.REFRESH, 0.0)

    def fail() -> None:
        raise ValueError("a job")

    def run_timer(timer: Timer) -> None:
        done.append(timer)
        loop.stop()

    loop.call(lambda: done.append(1))
    loop.call(fail)
    loop.call(lambda: done.append(2))
    loop.run(frozenset, run_timer, lambda problem: done.append(str(problem)))
    assert done == [1, "a job", 2, Timer.REFRESH]


def test_a_loop_that_waits_is_woken_by_a_job_and_by_its_end() -> None:
    loop = EventLoop()
    called = threading.Event()
    running = threading.Thread(target=loop.run, args=(frozenset, lambda timer: None, lambda problem: None))
    running.start()
    loop.call(called.set)
    assert called.wait(SOON)
    loop.stop()
    running.join(SOON)
    assert not running.is_alive()
