"""Show the site while it is written.

What is saved is in the open pages at once, and nothing is published.

The preview has these threads. What passes between them passes through the queue of the app's loop, unless a comment
says otherwise; so nothing but the places of events needs a lock.

    app       the thread that calls ``preview``: owns the session, the timers, the state of tabs; renders all pages
    server    answers browsers; asks the app for pages, and is given them by its own loop. Its pool of threads reads
              files and makes images
    watcher   calls the app with the place of each event in the site's folder
    refresh   lists and reads the site as a whole, one refresh at a time, while the app shows what is saved
    insight   works out what the report says of a post whose panel is open
    related   not a thread but a process; a thread of its pool calls when it has ended

Three things are read without the queue, for each is exchanged as a whole: the session's snapshot, the ``ServedSite``,
and the time of the last event. To replace an attribute is one step in CPython, so a reader sees the one before or the
one after.
"""

from __future__ import annotations

import asyncio
import gc
import os
import shutil
import sqlite3
import sys
import threading
import time
import webbrowser
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import BrokenExecutor
from contextlib import suppress
from pathlib import Path

from octavo.base import urls
from octavo.base.memory import release_memory
from octavo.engine.facts import Unanswered
from octavo.engine.store import CorruptStore
from octavo.output.publish_errors import PublishError
from octavo.preview import editor, timers
from octavo.preview.messages import (
    Client,
    Clients,
    FromBrowser,
    HelloMessage,
    LiveReload,
    NoticeMessage,
    OpenRequest,
    PanelRequest,
    ReloadMessage,
)
from octavo.preview.panel import Panels
from octavo.preview.problem_reporter import ProblemNotifier
from octavo.preview.refresher import SiteRefresher
from octavo.preview.server import LOCAL, PreviewServer, allow_many_files, listen
from octavo.preview.session import PreviewSession
from octavo.preview.snapshot import Snapshot
from octavo.preview.static_files import PageCache, ServedPage, ServedSite
from octavo.preview.timers import Deadlines, EventLoop, Timer
from octavo.project.errors import Usage, explain_failure
from octavo.project.project import Project
from octavo.project.watcher import Changes

PORT_TRIES = 20
"""Ports tried from the one asked for, when it is taken."""

REFRESHES_PER_PAGE = 2
"""Refreshes that a page is waited for, of which the second trusts the cache no more."""

SHUTDOWN_SECONDS = 0.5
"""For so long the end waits for a thread beside the app's."""

SWITCH_INTERVAL_SECONDS = 0.001
"""For so long a thread has Python to itself while others wait: a save goes through four of them, and should not wait
for a refresh in each."""

GARBAGE_THRESHOLDS = (10_000, 10, 50)
"""When garbage is looked for, as ``gc.set_threshold`` takes it: nobody gets a turn meanwhile, so that it is better to
look at ten thousand new objects (some milliseconds) than at as many as a command that goes on by itself."""


def preview(project: Project, changes: Changes, host: str, port: int, open_browser: bool) -> int:
    """Serve until interrupted, or until the changes end.

    Raises Usage where it cannot listen.
    """
    base_path = urls.base_path(project.settings().base_url)
    allow_many_files()
    try:
        sockets = listen(host, port, PORT_TRIES)
    except OSError as problem:
        raise Usage(f"the preview cannot listen at {host}, port {port}: {problem.strerror or problem}") from problem
    clients = Clients()
    app = PreviewApp(project, changes, clients)
    server = PreviewServer(sockets, host, app, clients)
    address = f"http://{_name(host)}:{server.port}{base_path}/"
    server.start()
    switch_interval, thresholds = sys.getswitchinterval(), gc.get_threshold()
    sys.setswitchinterval(SWITCH_INTERVAL_SECONDS)
    gc.set_threshold(*GARBAGE_THRESHOLDS)
    try:
        print(f"{address}  (Ctrl-C ends)", flush=True)
        if host not in LOCAL:
            print(f"octavo: warning: other machines can see this preview at {host}", file=sys.stderr)
        if open_browser:
            webbrowser.open(address)
        app.run()
    finally:
        # The server first: it asks the app for pages, which nobody answers once that has closed.
        server.stop()
        app.close()
        sys.setswitchinterval(switch_interval)
        gc.set_threshold(*thresholds)
        gc.unfreeze()
    return 0


def _name(host: str) -> str:
    if host in ("127.0.0.1", "0.0.0.0"):
        return "localhost"
    return f"[{host}]" if ":" in host else host


class PreviewApp:
    """Follows the files, and answers the server.

    It works in the thread that calls ``run``, and all it has belongs to that thread, unless a method says
    otherwise.
    """

    def __init__(self, project: Project, changes: Changes, clients: Clients) -> None:
        self._project, self._clients = project, clients
        self._session = PreviewSession(project)
        self._loop = EventLoop()
        self._deadlines = self._loop.deadlines
        self._pages = PageCache(self._session, self._schedule_report)
        self._live_reload = LiveReload(self._session, clients, self._pages, self._deadlines)
        self._panels = Panels(self._session, self._end_insight)
        self._refresher = SiteRefresher(
            project,
            changes,
            self._session,
            self._loop,
            on_success=self._show_refreshed,
            on_failure=self._note_failure,
            on_end=self._schedule_report,
        )
        self._garbage = GarbageCollector(self._deadlines)
        self._problems = ProblemNotifier(self._session, clients, self._deadlines)
        self._event_lock = threading.Lock()
        self._event_places: set[Path] = set()
        """Where there were events that no job has taken yet. Under the lock."""
        self._last_event = 0.0
        """When the last one was. Only the watcher's thread writes it, a single number. The app's compares it with
        others: that it may be too old by one event does no harm, for that event's job is in the queue."""
        # At last, for from here on the watcher's thread calls, and all that it may come to must be there.
        changes.report_to(self._note_events, self._loop.stop)

    # In the server's thread.

    def site(self) -> ServedSite | None:
        """What may be served now."""
        return self._live_reload.site

    def page(self, url: str) -> Awaitable[ServedPage | None]:
        """A page as it is now, rendered in the app's thread in its turn."""
        server_loop = asyncio.get_running_loop()
        future: asyncio.Future[ServedPage | None] = server_loop.create_future()

        def set_result(page: ServedPage | None) -> None:
            if not future.done():  # a browser that has gone has cancelled it
                future.set_result(page)

        def answer(page: ServedPage | None) -> None:
            with suppress(RuntimeError):  # the server has ended
                # A future belongs to its loop's thread: it is resolved there.
                server_loop.call_soon_threadsafe(set_result, page)

        def render() -> None:
            self._with_page(url, answer, self._pages.last(url) or ServedPage(b"", ""))

        self._loop.call(render)
        return future

    def receive(self, client: Client, message: FromBrowser) -> None:
        """Answer in the app's thread, in the order in which tabs speak."""
        if isinstance(message, HelloMessage):
            self._loop.call(lambda: self._greet(client))
        elif isinstance(message, PanelRequest):
            self._loop.call(lambda: self._panels.toggle(client, message.is_open))
        elif isinstance(message, OpenRequest):
            self._loop.call(lambda: self._open_file(client, message))

    # In the watcher's thread.

    def _note_events(self, places: Iterable[Path]) -> None:
        """Have what was saved be shown.

        Of several events before that, only the first puts a job in the queue. That takes the places under the
        same lock, so that an event is either among them or puts the next job.
        """
        with self._event_lock:
            is_first = not self._event_places
            self._event_places.update(places)
        self._last_event = time.monotonic()
        if is_first:
            self._loop.call(self._show_saved)

    # In the threads of others.

    def _end_insight(self, problem: Exception | None) -> None:
        """More is known of a post whose panel is open."""

        def update() -> None:
            self._deadlines.set(Timer.UPDATE_PANELS, time.monotonic())
            if problem is not None:
                raise problem

        self._loop.call(update)

    # In the app's thread, as is all that follows.

    def run(self) -> None:
        """Read the site, and follow it until it is interrupted or the changes end."""
        started = time.monotonic()
        self._refresher.run_first()
        if self._session.snapshot is not None:
            pages = len(self._session.snapshot.pages)
            print(f"{pages} pages, read in {time.monotonic() - started:.2f} s", flush=True)
        self._loop.run(self._refresher.suspended_timers, self._run_timer, self._report_failure)

    def close(self) -> None:
        """End what is still at work elsewhere.

        What does not end in time still uses the cache, which is then left open: the process is about to end.
        """
        has_refreshed = self._refresher.stop(SHUTDOWN_SECONDS)
        has_inspected = self._panels.stop(SHUTDOWN_SECONDS)
        if has_refreshed and has_inspected:
            self._session.close()
        else:
            self._project.leave_open()

    def _run_timer(self, timer: Timer) -> None:
        if timer is Timer.REPORT_PROBLEMS:
            self._problems.report()
        elif timer is Timer.REPORT_GONE_PAGES:
            self._live_reload.push_pages(report_gone=True)
        elif timer is Timer.UPDATE_PANELS:
            for client in self._clients.introduced():
                self._panels.update(client)
        elif timer is Timer.REFRESH or timer is Timer.RESCAN:
            self._refresher.start()
        elif timer is Timer.RELATE:
            self._refresher.relate()
        elif timer is Timer.COLLECT_GARBAGE:
            self._garbage.collect(self._last_event)

    def _show_saved(self) -> None:
        """Show what was saved where it can be shown at once; the rest follows."""
        began = time.monotonic()
        while time.monotonic() < min(
            self._last_event + timers.SAVE_DEBOUNCE_SECONDS, began + timers.SAVE_LATEST_SECONDS
        ):
            time.sleep(timers.SAVE_DEBOUNCE_SECONDS / 4)
        # From here on, an event finds the set empty, and puts a job of its own.
        with self._event_lock:
            places, self._event_places = self._event_places, set()
        # Before they are shown, which may fail: a refresh that is under way may have read them before they were saved.
        self._refresher.note_saved(places)
        is_complete = False
        try:
            touched = self._session.apply_changes(places)
            is_complete = touched.whole
            if touched.done:
                self._live_reload.update_statics()
                self._live_reload.push_pages()
        except (Unanswered, sqlite3.Error):
            pass  # it is being written: the refresh that follows finds what has become of it
        except Exception as problem:
            self._note_failure(problem)
        self._garbage.schedule()
        self._deadlines.set(Timer.UPDATE_PANELS, time.monotonic() + timers.PANEL_SECONDS)
        self._refresher.schedule(is_complete)

    def _show_refreshed(self, snapshot: Snapshot | None) -> None:
        """Show what the site has become by a refresh that has ended well.

        ``snapshot`` is None when it is as it was.
        """
        self._problems.note_failure("")
        if snapshot is not None:
            self._garbage.schedule()
            self._live_reload.update_site()
            self._live_reload.push_pages()

    def _with_page(self, url: str, use: Callable[[ServedPage | None], None], fallback: ServedPage | None) -> None:
        """Use a page as it is now, if need be after a refresh of the site.

        Where that did not help, the ``fallback`` is used in its place.
        """

        def attempt(refreshes: int) -> None:
            try:
                page = self._pages.render(url)
            except (Unanswered, sqlite3.Error) as problem:
                # What it is made from is another one now, or in another cache; or else the cache is damaged.
                if refreshes and isinstance(problem, CorruptStore):
                    self._session.discard_cache()
                if refreshes < REFRESHES_PER_PAGE:
                    self._refresher.call_after(lambda: attempt(refreshes + 1))
                    return
                use(fallback)
                raise
            except BaseException:
                use(fallback)
                raise
            use(page)

        attempt(0)

    def _greet(self, client: Client) -> None:
        """Tell a tab what has become of what it shows, and what is wrong."""
        site, snapshot, url = self._live_reload.site, self._session.snapshot, client.url
        if url is None or site is None:
            return
        client.note_source(snapshot.source_of(url) if snapshot is not None else None)

        def greet(page: ServedPage | None) -> None:
            if client.url != url:
                return  # it shows another one by now, and has said so
            if page is not None and page.content and not client.version:
                client.send(ReloadMessage())
                return
            if page is not None and page.content:
                client.send_page(page)
            client.send(self._live_reload.state_message(url))
            client.send(self._problems.message())

        if url in site.pages:
            self._with_page(url, greet, None)
        else:
            greet(None)

    def _open_file(self, client: Client, request: OpenRequest) -> None:
        """Open a file of the site in the author's editor; no other file."""
        snapshot = self._session.snapshot
        file = snapshot.location_of(request.path, self._project.root) if snapshot is not None else None
        if file is not None:
            _open_editor(client, file, request.line, request.column)

    # Problems.

    def _report_failure(self, problem: Exception) -> None:
        """A job has failed."""
        self._note_failure(problem)
        self._schedule_report()

    def _note_failure(self, problem: Exception) -> None:
        """Have a failure be reported, and the site refreshed if it may pass."""
        if isinstance(problem, BrokenExecutor):
            self._project.workers.close()
        if isinstance(problem, Unanswered | sqlite3.Error | PublishError):
            self._deadlines.set(Timer.REFRESH, time.monotonic() + timers.RETRY_SECONDS)
        if not isinstance(problem, Unanswered):
            self._problems.note_failure(explain_failure(problem, self._project.root).words)

    def _schedule_report(self) -> None:
        self._problems.schedule(self._last_event)


def _open_editor(client: Client, file: Path, line: int, column: int) -> None:
    """Open the author's editor, or have the tab say why not."""
    try:
        words = editor.find_command(file, line, column, os.environ, shutil.which)
        if words is None:
            client.send(NoticeMessage(editor.NO_EDITOR))
        else:
            editor.launch(words)
    except (OSError, ValueError) as problem:
        client.send(NoticeMessage(f"the editor cannot be started: {problem}"))


class GarbageCollector:
    """Looks for garbage when the author pauses.

    Layouts and snapshots leave some in circles, and to look for it takes as long as some pages. For the app's thread,
    and never while a refresh is under way (``AFTER_REFRESH``), which would wait for it as well.
    """

    def __init__(self, deadlines: Deadlines) -> None:
        self._deadlines = deadlines
        self._waiting_since: float | None = None
        self._all_at = 0.0

    def schedule(self) -> None:
        """Have it be looked for after a pause, and without one after a while."""
        now = time.monotonic()
        self._waiting_since = now if self._waiting_since is None else self._waiting_since
        latest = self._waiting_since + timers.GARBAGE_LATEST_SECONDS
        self._deadlines.set(Timer.COLLECT_GARBAGE, min(now + timers.GARBAGE_DEBOUNCE_SECONDS, latest))

    def collect(self, last_event: float) -> None:
        """Look for garbage among what is new, and seldom everywhere.

        To look at all that is known of ten thousand posts takes a quarter of a second, in which nothing that is
        saved is shown.
        """
        self._waiting_since = None
        now = time.monotonic()
        if now >= max(self._all_at, last_event + timers.GARBAGE_DEBOUNCE_SECONDS):
            self._all_at = now + timers.ALL_GARBAGE_SECONDS
            gc.unfreeze()
        gc.collect()
        # What has survived is looked at no more, until it is unfrozen: most of it stays as long as the snapshot.
        gc.freeze()
        release_memory()
