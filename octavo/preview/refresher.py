"""Refreshes of the site as a whole, beside the app's thread.

A page that is saved meanwhile does not wait for them. A refresh runs in a thread. The related posts of a large site are
worked out in a process of their own, for what that takes in memory is given back with it.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Container
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from octavo.engine.facts import Unanswered
from octavo.engine.observer import Observer
from octavo.output.publish_errors import PublishError
from octavo.preview import timers
from octavo.preview.session import PreviewSession, RelatedRun
from octavo.preview.timers import Callback, EventLoop, Timer
from octavo.project.build import make_inputs
from octavo.project.build_report import Options
from octavo.project.errors import Usage
from octavo.project.processes import Workers
from octavo.project.project import Project
from octavo.project.stat_cache import FileChanged

if TYPE_CHECKING:
    from octavo.preview.snapshot import Snapshot
    from octavo.project.site_files import Files
    from octavo.project.watcher import Changes

NICENESS = 5
"""By how much the process gives way to whoever waits for a page."""


class Overtaken(Exception):
    """Files were saved again whenever they were read.

    That is no fault of the site. It has a type of its own, because pickle, which takes an exception from one process to
    another, leaves out its ``__cause__``.
    """


def is_overtaken(problem: object) -> bool:
    """Whether work was given up because files were saved meanwhile.

    All work is on one listing of the files.
    """
    return isinstance(problem, Overtaken) or (
        isinstance(problem, PublishError) and isinstance(problem.__cause__, FileChanged)
    )


class _Steps(Observer):
    """Remembers which steps were run."""

    def __init__(self) -> None:
        self.names = {"relate"}  # a fold tells of none of its runs

    def ran(self, phase: str, item: str, seconds: float) -> None:
        self.names.add(phase)


def relate_into_cache(root: str, options: Options) -> RelatedRun:
    """Work out the related posts of a site into its cache, in a process."""
    from octavo.site import pipeline

    steps = _Steps()
    with Project(Path(root), options, observer=steps) as project:

        def learn(files: Files) -> RelatedRun:
            inputs = make_inputs(project.root, project.options, files, project.options.now())
            memo = project.memo(inputs)
            corpus = pipeline.learn(inputs, memo)
            # All that follows from them is worked out and cached here as well: the next refresh has it at hand.
            list(pipeline.check(inputs, memo, corpus, pipeline.describe(inputs, memo, corpus)))
            memo.finish()
            return RelatedRun(files.digest(), frozenset(steps.names))

        return project.alone_with(learn)


class RelatedProcess:
    """The process that works out related posts, one at a time.

    ``start`` and ``stop`` are called in the app's thread. ``on_end`` is called with what has come of the process, in a
    thread of the pool, unless it was stopped.
    """

    def __init__(self, project: Project, on_end: Callable[[RelatedRun | BaseException], None]) -> None:
        self._project, self._on_end = project, on_end
        self._workers = Workers(2)
        self._running: Future[RelatedRun] | None = None
        """Set and cleared by the app's thread only; a thread of the pool compares it with what has ended."""

    def start(self) -> None:
        """Begin, unless it is under way.

        What that one finds may be out of date by then. But were it started anew with each save, it would not come to an
        end while the author writes.
        """
        if self._running is not None:
            return
        pool = self._workers.pool()
        assert pool is not None
        options = replace(self._project.options, jobs=1)
        self._running = pool.submit(_run_nicely, str(self._project.root), options)
        # After ``_running`` is set: a future that has ended by now calls at once, and in this thread.
        self._running.add_done_callback(self._end)

    def stop(self) -> None:
        """End it at once: somebody needs the cache."""
        # First forgotten, then killed: the pool reports a killed process as a failure, which ``_end`` must not pass on.
        self._running = None
        self._workers.close()

    def _end(self, future: Future[RelatedRun]) -> None:
        """Pass on what has come of it, in a thread of the pool."""
        if future.cancelled() or self._running is not future:
            return
        problem = future.exception()
        self._on_end(problem if problem is not None else future.result())


def _run_nicely(root: str, options: Options) -> RelatedRun:
    """The work of the process."""
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    try:
        return relate_into_cache(root, options)
    except PublishError as problem:
        if is_overtaken(problem):
            raise Overtaken(str(problem)) from problem
        raise


class SiteRefresher:
    """Refreshes the site as a whole, in a thread beside the app's.

    So a page that is saved meanwhile does not wait. Related posts are worked out there too, or in a process of its
    own.

    All methods are called in the app's thread, which owns all fields, but for ``_refresh`` and ``_end_related``.
    While a refresh is under way, its thread has the session's ``compute_snapshot`` and ``_outcome``, and the app's
    thread leaves both alone; it looks at the outcome when the thread has ended, and installs the snapshot.

    All callbacks are called in the app's thread: ``on_success`` with the snapshot that is installed, or None when
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
        self._related_process = RelatedProcess(project, self._end_related)
        self._thread: threading.Thread | None = None
        """The refresh that is under way, until what came of it has been looked at."""
        self._outcome: Snapshot | BaseException | None = None
        """What came of it: the refresh's thread writes it once, the app's thread reads it after it has ended."""
        self._started = 0.0
        """When the refresh under way was started, as ``time.monotonic()`` tells it, like all times here."""
        self._overtaken_since: float | None = None
        """Since when each refresh was given up because files were saved meanwhile."""
        self._first_save = 0.0
        """When the first file was saved of those that the next refresh is for."""
        self._saved_since_start: set[Path] = set()
        """What was saved since the refresh under way was started: it may have listed these files before that."""
        self._is_complete_but_related = False
        """Whether all that was saved is shown everywhere, and only related posts are to follow."""
        self._jobs_after: list[Callback] = []
        """What can be answered only after a refresh."""

    def suspended_timers(self) -> Container[Timer]:
        """What must not be done now.

        There is one refresh at a time, and nothing looks for garbage meanwhile.
        """
        return timers.AFTER_REFRESH if self._thread is not None else frozenset()

    def run_first(self) -> None:
        """Read the site, and wait for it: there is nothing to show before."""
        self.start()
        assert self._thread is not None
        self._thread.join()
        # The thread has put a call of ``_end`` into the queue as well, which finds later that this has been done.
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
        self._deadlines.set(Timer.RELATE, now + timers.RELATE_DEBOUNCE_SECONDS)
        is_scheduled = self._deadlines.is_set(Timer.REFRESH)
        if is_complete and self._is_large() and not is_scheduled:
            self._is_complete_but_related = True
            return
        if not is_scheduled:
            self._first_save = now
        latest = self._first_save + timers.REFRESH_LATEST_SECONDS
        self._deadlines.set(Timer.REFRESH, min(latest, now + timers.REFRESH_DEBOUNCE_SECONDS))

    def call_after(self, job: Callback) -> None:
        """Run a job when the site has been refreshed, in its turn.

        What is saved meanwhile is shown before.
        """
        self._jobs_after.append(job)
        if self._thread is None:
            self.start()

    def start(self, with_related: bool = False, related_run: RelatedRun | None = None) -> None:
        """Begin a refresh; there must be none under way.

        ``related_run`` is what the process has written to the cache, if it has.
        """
        self._deadlines.clear(Timer.REFRESH)
        self._is_complete_but_related = False
        # Emptied before the thread lists the files: what is saved from here on may be listed as it was before.
        self._saved_since_start = set()
        self._related_process.stop()  # the thread needs the cache for itself
        self._started = time.monotonic()
        # If it is at work when the process ends, there is nobody to wait for it.
        self._thread = threading.Thread(
            target=self._refresh, args=(with_related, related_run), name="octavo-refresh", daemon=True
        )
        self._thread.start()

    def relate(self) -> None:
        """Work out the related posts where that is still to be done.

        Of a small site that is done in a refresh, of a large one in a process of its own.
        """
        snapshot = self._session.snapshot
        if snapshot is None or (snapshot.has_related and not self._is_complete_but_related):
            return
        # The process knows nothing of the last good state of a broken post, which this one's lists are made with.
        if self._is_large() and not snapshot.has_broken_post:
            self._related_process.start()
        else:
            self.start(with_related=True)

    def _is_large(self) -> bool:
        return (
            self._session.snapshot is not None
            and len(self._session.snapshot.inputs.posts) >= timers.SEPARATE_PROCESS_POSTS
        )

    def _refresh(self, with_related: bool, related_run: RelatedRun | None) -> None:
        """The work of the thread."""
        try:
            if not (self._project.root / "posts").is_dir():
                raise Usage("the folder posts/ is gone: what was read is shown as it was")
            self._outcome = self._session.compute_snapshot(with_related, related_run)
        except BaseException as problem:
            self._outcome = problem
        finally:
            try:
                # Here and not in the app's thread: to end processes and to watch new folders takes a while.
                self._project.workers.close()
                self._changes.renew_watches()
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
        self._deadlines.set(Timer.UPDATE_PANELS, ended + timers.PANEL_SECONDS)
        self._deadlines.set(Timer.RESCAN, ended + self._rescan_seconds(outcome, ended))
        self._overtaken_since = (self._overtaken_since or self._started) if is_overtaken(outcome) else None
        if self._overtaken_since is not None and ended < self._overtaken_since + timers.OVERTAKEN_SECONDS:
            # No fault of the site: its author has saved meanwhile, and goes on.
            self._deadlines.set(Timer.REFRESH, ended + timers.REFRESH_DEBOUNCE_SECONDS)
        elif isinstance(outcome, Exception):
            self._on_failure(outcome)
        elif isinstance(outcome, BaseException):
            raise outcome
        else:
            if outcome is not None:
                self._install(outcome)
            self._on_success(outcome)
        snapshot = self._session.snapshot
        if snapshot is not None and not snapshot.has_related:
            self._deadlines.set_default(Timer.RELATE, time.monotonic() + timers.RELATE_DEBOUNCE_SECONDS)
        self._on_end()

    def _rescan_seconds(self, outcome: Snapshot | BaseException | None, ended: float) -> float:
        """How long to wait for the next refresh without an event.

        It is longer where a refresh takes long and finds nothing.
        """
        if outcome is not None:
            return timers.RESCAN_SECONDS
        return max(timers.RESCAN_SECONDS, timers.IDLE_RESCAN_FACTOR * (ended - self._started))

    def _install(self, snapshot: Snapshot) -> None:
        """Show the site as the refresh has found it, and what was saved meanwhile.

        That may have been listed before it was saved.
        """
        self._session.install_snapshot(snapshot)
        try:
            is_complete = self._session.apply_changes(self._saved_since_start).whole
        except Unanswered:
            is_complete = False
        if not is_complete:
            self._deadlines.set_default(Timer.REFRESH, time.monotonic() + timers.REFRESH_DEBOUNCE_SECONDS)

    def _end_related(self, outcome: RelatedRun | BaseException) -> None:
        """Take in, from a thread of the pool, that the process has ended."""
        self._loop.call(lambda: self._install_related(outcome))

    def _install_related(self, outcome: RelatedRun | BaseException) -> None:
        if self._thread is not None:
            return  # it was under way before this was known, and what it finds is related anew
        self._related_process.stop()
        now = time.monotonic()
        if isinstance(outcome, RelatedRun):
            self.start(related_run=outcome)
        elif is_overtaken(outcome):
            self._deadlines.set_default(Timer.REFRESH, now + timers.REFRESH_DEBOUNCE_SECONDS)
            self._deadlines.set(Timer.RELATE, now + timers.RELATE_DEBOUNCE_SECONDS)
        elif isinstance(outcome, Exception):
            self._on_failure(outcome)
            # What was to follow from it follows from a refresh; the lists are tried again in a while.
            self._deadlines.set_default(Timer.REFRESH, now + timers.RETRY_SECONDS)
            self._deadlines.set(Timer.RELATE, now + timers.RESCAN_SECONDS)
