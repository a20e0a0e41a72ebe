"""When the preview does what: its timers, and the loop that runs them.

The lengths stand here together, so that they can be compared: what must come soon after a save is short, what costs
more waits for a pause. Nothing here knows of sites.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Container
from enum import Enum, auto

SAVE_DEBOUNCE_SECONDS = 0.004
"""Without an event for so long, a saved file is read: an editor's save is several events."""

SAVE_LATEST_SECONDS = 0.03
"""After so long it is read all the same."""

REFRESH_DEBOUNCE_SECONDS = 0.06
"""Without an event for so long, the site as a whole is refreshed."""

REFRESH_LATEST_SECONDS = 0.4
"""After so long it is refreshed all the same."""

RELATE_DEBOUNCE_SECONDS = 0.5
"""Without an event for so long, related posts are worked out."""

GARBAGE_DEBOUNCE_SECONDS = 0.8
"""Without an event for so long, memory is given back that nothing uses any more."""

GARBAGE_LATEST_SECONDS = 30.0
"""After so long it is given back all the same."""

ALL_GARBAGE_SECONDS = 300.0
"""After so long, when the author pauses, garbage is looked for also among what was there the last time."""

OVERTAKEN_SECONDS = 60.0
"""For so long files may be saved again before a refresh has read them, until that is reported as a failure."""

PANEL_SECONDS = 0.2
"""So long after a change an open panel is sent what it is now."""

RETRY_SECONDS = 0.6
"""So long after a failure that may pass, the site is refreshed again. (Editors and sync tools take that long to write a
file anew.)"""

GONE_SECONDS = 0.6
"""For so long a page may be gone before its tabs are told: a file that is moved is gone for a moment."""

RESCAN_SECONDS = 30.0
"""After so long the site is refreshed without an event: one may be lost, or a post's time has come."""

IDLE_RESCAN_FACTOR = 100
"""Such a refresh is made again after so many times as long as one takes that finds nothing."""

SEPARATE_PROCESS_POSTS = 2_000
"""From so many posts on, related posts are worked out in a process of its own."""


class Timer(Enum):
    """What can be due; of several, the first of this list comes first."""

    REPORT_PROBLEMS = auto()
    REPORT_GONE_PAGES = auto()
    UPDATE_PANELS = auto()
    REFRESH = auto()
    RELATE = auto()
    COLLECT_GARBAGE = auto()
    RESCAN = auto()


AFTER_REFRESH = frozenset({Timer.REFRESH, Timer.RELATE, Timer.COLLECT_GARBAGE, Timer.RESCAN})
"""What waits for the end of a refresh that is under way, however long it has been due."""


class Deadlines:
    """When each timer is due, as ``time.monotonic()`` tells it.

    For one thread only, that of the ``EventLoop``.
    """

    def __init__(self) -> None:
        self._times: dict[Timer, float] = {}

    def set(self, timer: Timer, at: float) -> None:
        """Have a timer be due then, and not when it was before."""
        self._times[timer] = at

    def set_default(self, timer: Timer, at: float) -> None:
        """Have a timer be due then, unless it is set already."""
        self._times.setdefault(timer, at)

    def clear(self, timer: Timer) -> None:
        self._times.pop(timer, None)

    def is_set(self, timer: Timer) -> bool:
        return timer in self._times

    def next(self, suspended: Container[Timer] = ()) -> float | None:
        """When the first is due of those that are not suspended, or None."""
        return min((at for timer, at in self._times.items() if timer not in suspended), default=None)

    def pop_due(self, now: float, suspended: Container[Timer] = ()) -> Timer | None:
        """Clear and return the first timer that is due and not suspended.

        The first is that in the order of ``Timer``, however long the others have been due.
        """
        for timer in Timer:
            if timer not in suspended and timer in self._times and self._times[timer] <= now:
                del self._times[timer]
                return timer
        return None


Callback = Callable[[], None]


class EventLoop:
    """Runs jobs, and what is due, in the thread that calls ``run``.

    One runs after the other, so that what belongs to this thread needs no lock. ``call`` and ``stop`` may be called
    in any thread. The queue is what makes a hand-over safe: all that was written before ``call`` is seen by the
    job, and jobs run in the order in which they were put. ``deadlines`` belong to the thread of ``run``.
    """

    def __init__(self) -> None:
        self.deadlines = Deadlines()
        self._jobs: queue.SimpleQueue[Callback] = queue.SimpleQueue()
        self._is_stopped = False

    def call(self, job: Callback) -> None:
        """Have a job run in the loop's thread."""
        self._jobs.put(job)

    def stop(self) -> None:
        """Have ``run`` return after the job that is under way."""
        # First the flag, then a job that does nothing: the loop that is woken by it finds the flag set.
        self._is_stopped = True
        self._jobs.put(lambda: None)

    def run(
        self,
        suspended: Callable[[], Container[Timer]],
        run_timer: Callable[[Timer], None],
        report_failure: Callable[[Exception], None],
    ) -> None:
        """Run jobs until ``stop``, and what is due where there is no job.

        What is ``suspended`` is left to a later turn. What a job raises is given to ``report_failure``, and
        ends nothing.
        """

        def run_due() -> None:
            timer = self.deadlines.pop_due(time.monotonic(), suspended())
            if timer is not None:
                run_timer(timer)

        while not self._is_stopped:
            now = time.monotonic()
            due_at = self.deadlines.next(suspended())
            wait = max(0.0, due_at - now) if due_at is not None else RESCAN_SECONDS
            try:
                # A timer that is due does not wait, but what was called for comes first: saves before what they cause.
                job = self._jobs.get(timeout=wait) if wait else self._jobs.get_nowait()
            except queue.Empty:
                job = run_due
            try:
                job()
            except Exception as problem:
                report_failure(problem)
