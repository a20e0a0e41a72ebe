"""When the preview does what: timers, their loop, and refreshes.

The lengths stand here together, so that they can be compared: what must come soon after a save is short, what costs
more waits for a pause. ``Deadlines`` and ``EventLoop`` know nothing of sites; ``SiteRefresher`` is what most of the
timers are for.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Container
from enum import Enum, auto
from pathlib import Path
from typing import TYPE_CHECKING

from octavo.engine.facts import Unanswered
from octavo.preview.related_process import RelatedRun, Relating, is_overtaken
from octavo.project.errors import Usage

if TYPE_CHECKING:
    from octavo.preview.session import PreviewSession
    from octavo.preview.snapshot import Snapshot
    from octavo.project.project import Project
    from octavo.project.watcher import Changes

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


class SiteRefresher:
    """Refreshes the site as a whole, in a thread beside the app's.

    So a page that is saved meanwhile does not wait. Related posts are worked out there too, or in a process of its
    own.

    All methods are called in the app's thread, which owns all fields, but for ``_refresh`` and ``_end_related``.
    While a refresh is under way, its thread has the session's ``see`` and ``_outcome``, and the app's thread leaves
    both alone; it looks at the outcome when the thread has ended, and installs what was found.

    All callbacks are called in the app's thread: ``on_success`` with the view that is installed, or None when
    nothing has changed; ``on_failure`` with what a refresh, or the process, has failed of; ``on_end`` after each
    refresh.
    """

    def __init__(
        self,
        project: Project,
        changes: Changes,
        session: PreviewSession,
        loop: EventLoop,
        on_success: Callable[[Snapshot | None], None],
        on_failure: Callable[[Exception], None],
        on_end: Callable[[], None],
    ) -> None:
        self._project, self._changes, self._session, self._loop = project, changes, session, loop
        self._deadlines = loop.deadlines
        self._on_success, self._on_failure, self._on_end = on_success, on_failure, on_end
        self._related_process = Relating(project, self._end_related)
        self._thread: threading.Thread | None = None
        """The refresh that is under way, until what came of it has been looked at."""
        self._outcome: Snapshot | BaseException | None = None
        self._started = 0.0
        self._overtaken_since: float | None = None
        """Since when each refresh was given up because files were saved meanwhile."""
        self._first_save = 0.0
        """When the first file was saved of those that the next refresh is for."""
        self._saved_since_start: set[Path] = set()
        self._is_complete_but_related = False
        """Whether all that was saved is shown everywhere, and only related posts are to follow."""
        self._jobs_after: list[Callback] = []
        """What can be answered only after a refresh."""

    def suspended_timers(self) -> Container[Timer]:
        """What must not be done now.

        There is one refresh at a time, and nothing looks for garbage meanwhile.
        """
        return AFTER_REFRESH if self._thread is not None else frozenset()

    def run_first(self) -> None:
        """Read the site, and wait for it: there is nothing to show before."""
        self.start()
        assert self._thread is not None
        self._thread.join()
        # The thread has put the same into the queue, where it will find that it has been done.
        self._end(self._thread)

    def stop(self, seconds: float) -> bool:
        """End the process, and wait so long for the thread.

        False when the thread is still at work.
        """
        self._related_process.stop()
        if self._thread is not None:
            self._thread.join(seconds)
        return self._thread is None or not self._thread.is_alive()

    def note_saved(self, places: set[Path]) -> None:
        """Note files that a refresh under way may have read too early."""
        self._saved_since_start |= places

    def schedule(self, is_complete: bool) -> None:
        """Have a refresh follow what was saved, and related posts.

        Where all of it ``is_complete``, shown everywhere but in related posts, a large site is not refreshed
        before these are known.
        """
        now = time.monotonic()
        self._deadlines.set(Timer.RELATE, now + RELATE_DEBOUNCE_SECONDS)
        is_scheduled = self._deadlines.is_set(Timer.REFRESH)
        if is_complete and self._is_large() and not is_scheduled:
            self._is_complete_but_related = True
            return
        if not is_scheduled:
            self._first_save = now
        latest = self._first_save + REFRESH_LATEST_SECONDS
        self._deadlines.set(Timer.REFRESH, min(latest, now + REFRESH_DEBOUNCE_SECONDS))

    def call_after(self, job: Callback) -> None:
        """Run a job when the site has been refreshed, in its turn.

        What is saved meanwhile is shown before.
        """
        self._jobs_after.append(job)
        if self._thread is None:
            self.start()

    def start(self, relating: bool = False, elsewhere: RelatedRun | None = None) -> None:
        """Begin a refresh; there must be none under way."""
        self._deadlines.clear(Timer.REFRESH)
        self._is_complete_but_related = False
        # Emptied before the thread lists the files: what is saved from here on may be listed as it was before.
        self._saved_since_start = set()
        self._related_process.stop()  # the thread needs the cache for itself
        self._started = time.monotonic()
        # If it is at work when the process ends, there is nobody to wait for it.
        self._thread = threading.Thread(
            target=self._refresh, args=(relating, elsewhere), name="octavo-refresh", daemon=True
        )
        self._thread.start()

    def relate(self) -> None:
        """Work out the related posts where that is still to be done.

        Of a small site that is done in a refresh, of a large one in a process of its own.
        """
        view = self._session.view
        if view is None or (view.is_related and not self._is_complete_but_related):
            return
        if self._is_large() and not view.is_held:
            self._related_process.start()
        else:
            self.start(relating=True)

    def _is_large(self) -> bool:
        return self._session.view is not None and len(self._session.view.inputs.posts) >= SEPARATE_PROCESS_POSTS

    def _refresh(self, relating: bool, elsewhere: RelatedRun | None) -> None:
        """The work of the thread."""
        try:
            if not (self._project.root / "posts").is_dir():
                raise Usage("the folder posts/ is gone: what was read is shown as it was")
            self._outcome = self._session.see(relating, elsewhere)
        except BaseException as problem:
            self._outcome = problem
        finally:
            try:
                self._project.workers.close()
                self._changes.renew()
            finally:
                # Whatever has failed, the app must hear of the end, or it would wait for it ever after. The outcome is
                # written before, and so is found by the job.
                thread = threading.current_thread()
                self._loop.call(lambda: self._end(thread))

    def _end(self, thread: threading.Thread) -> None:
        """Install what has come of a refresh, unless that has been done."""
        if self._thread is not thread:
            return
        thread.join()  # it has called from its last lines: the next one must not begin before it has left
        self._thread = None
        jobs, self._jobs_after = self._jobs_after, []
        for job in jobs:
            self._loop.call(job)
        outcome, self._outcome = self._outcome, None
        ended = time.monotonic()
        self._deadlines.set(Timer.UPDATE_PANELS, ended + PANEL_SECONDS)
        self._deadlines.set(Timer.RESCAN, ended + self._rescan_seconds(outcome, ended))
        self._overtaken_since = (self._overtaken_since or self._started) if is_overtaken(outcome) else None
        if self._overtaken_since is not None and ended < self._overtaken_since + OVERTAKEN_SECONDS:
            # No fault of the site: its author has saved meanwhile, and goes on.
            self._deadlines.set(Timer.REFRESH, ended + REFRESH_DEBOUNCE_SECONDS)
        elif isinstance(outcome, Exception):
            self._on_failure(outcome)
        elif isinstance(outcome, BaseException):
            raise outcome
        else:
            if outcome is not None:
                self._install(outcome)
            self._on_success(outcome)
        view = self._session.view
        if view is not None and not view.is_related:
            self._deadlines.set_default(Timer.RELATE, time.monotonic() + RELATE_DEBOUNCE_SECONDS)
        self._on_end()

    def _rescan_seconds(self, outcome: Snapshot | BaseException | None, ended: float) -> float:
        """How long to wait for the next refresh without an event.

        It is longer where a refresh takes long and finds nothing.
        """
        if outcome is not None:
            return RESCAN_SECONDS
        return max(RESCAN_SECONDS, IDLE_RESCAN_FACTOR * (ended - self._started))

    def _install(self, view: Snapshot) -> None:
        """Show the site as it was found, and what was saved meanwhile.

        That may have been listed before it was saved.
        """
        self._session.take(view)
        try:
            is_complete = self._session.touch(self._saved_since_start).whole
        except Unanswered:
            is_complete = False
        if not is_complete:
            self._deadlines.set_default(Timer.REFRESH, time.monotonic() + REFRESH_DEBOUNCE_SECONDS)

    def _end_related(self, outcome: RelatedRun | BaseException) -> None:
        """Take in, from a thread of the pool, that the process has ended."""
        self._loop.call(lambda: self._install_related(outcome))

    def _install_related(self, outcome: RelatedRun | BaseException) -> None:
        if self._thread is not None:
            return  # it was under way before this was known, and what it finds is related anew
        self._related_process.stop()
        now = time.monotonic()
        if isinstance(outcome, RelatedRun):
            self.start(elsewhere=outcome)
        elif is_overtaken(outcome):
            self._deadlines.set_default(Timer.REFRESH, now + REFRESH_DEBOUNCE_SECONDS)
            self._deadlines.set(Timer.RELATE, now + RELATE_DEBOUNCE_SECONDS)
        elif isinstance(outcome, Exception):
            self._on_failure(outcome)
            # What was to follow from it follows from a refresh; the lists are tried again in a while.
            self._deadlines.set_default(Timer.REFRESH, now + RETRY_SECONDS)
            self._deadlines.set(Timer.RELATE, now + RESCAN_SECONDS)
