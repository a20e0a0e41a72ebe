"""The site, shown while it is written: what is saved is in the open pages at once, and nothing is published."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import queue
import shutil
import sqlite3
import sys
import threading
import time
import webbrowser
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from concurrent.futures import BrokenExecutor
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

from octavo import editor, urls
from octavo.about import about
from octavo.complaints import PASSING, Complaints
from octavo.desk import HELD_PAGES, Desk, Shown
from octavo.facts import Unanswered
from octavo.failures import Usage, failure
from octavo.inspecting import Inspecting
from octavo.project import Project
from octavo.publish_errors import PublishError
from octavo.relating import Elsewhere, Relating, is_overtaken
from octavo.serve import LOCAL, Client, PageText, PreviewServer, Shelf, allow_many_files, listen, without_policy
from octavo.shelf import shelf
from octavo.spare import give_back
from octavo.store import CorruptStore
from octavo.view import View
from octavo.watch import Changes

if TYPE_CHECKING:
    from octavo.pipeline import Static

TRIES = 20
"""Ports tried from the one asked for, when it is taken."""

AT_ONCE = 0.004
"""Seconds without an event after which a saved file is read: an editor's save is several events."""

BURST = 0.03
"""Seconds after which it is read all the same."""

QUIET = 0.06
"""Seconds without an event after which the site as a whole is looked at."""

LONGEST = 0.4
"""Seconds after which it is looked at all the same."""

RELATED = 0.5
"""Seconds without an event after which related posts are worked out."""

TIDY = 0.8
"""Seconds without an event after which memory is given back that nothing uses any more."""

UNTIDY = 30.0
"""Seconds after which it is given back all the same."""

UNSTEADY = 60.0
"""Seconds for which files may be saved again before a look has read them, until that is told as a failure."""

EVERYWHERE = 300.0
"""Seconds after which garbage is looked for also among what was there the last time, when the author pauses."""

PANEL = 0.2
"""Seconds after a change when an open panel is told of it."""

APART = 2_000
"""Posts from which on related posts are worked out in a process of its own."""

RESCAN = 30.0
"""Seconds after which to look without an event: a lost event, or a post whose time has come."""

SHARE = 100
"""Such a look is made again after so many times as long as one takes that finds nothing."""

TURN = 0.001
"""Seconds for which a thread has Python to itself while others wait: a save goes through four of them, and should not
wait for a look in each."""

GARBAGE = (10_000, 10, 50)
"""When garbage is looked for, as ``gc.set_threshold`` takes it: nobody gets a turn meanwhile, so that it is better to
look at ten thousand new objects (some milliseconds) than at as many as a command that goes on by itself."""

LOOKS = 2
"""Looks at the site that a page is waited for, of which the second trusts the cache no more."""

ENDING = 0.5
"""Seconds for which the end waits for a look."""


def preview(project: Project, changes: Changes, host: str, port: int, open_browser: bool) -> int:
    """Serve until interrupted, or until the changes end. Raises Usage where it cannot listen."""
    base_path = urls.base_path(project.settings().base_url)
    allow_many_files()
    try:
        sockets = listen(host, port, TRIES)
    except OSError as problem:
        raise Usage(f"the preview cannot listen at {host}, port {port}: {problem.strerror or problem}") from problem
    author = Author(project, changes)
    server = author.server = PreviewServer(sockets, host, author)
    address = f"http://{_name(host)}:{server.port}{base_path}/"
    server.start()
    turn, garbage = sys.getswitchinterval(), gc.get_threshold()
    sys.setswitchinterval(TURN)
    gc.set_threshold(*GARBAGE)
    try:
        print(f"{address}  (Ctrl-C ends)", flush=True)
        if host not in LOCAL:
            print(f"octavo: warning: other machines can see this preview at {host}", file=sys.stderr)
        if open_browser:
            webbrowser.open(address)
        author.work()
    finally:
        server.stop()
        author.close()
        sys.setswitchinterval(turn)
        gc.set_threshold(*garbage)
        gc.unfreeze()
    return 0


class Author:
    """Follows the files at a desk, in the thread that calls ``work``, and answers the server from there. The site as a
    whole is looked at in a thread beside it, so that a page that is saved meanwhile does not wait."""

    server: PreviewServer

    def __init__(self, project: Project, changes: Changes) -> None:
        self._project, self._changes, self._desk = project, changes, Desk(project)
        self._todo: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._places: set[Path] = set()
        self._since: set[Path] = set()
        """What was saved since the look began that is under way."""
        self._looking: threading.Thread | None = None
        self._outcome: View | BaseException | None = None
        self._began = 0.0
        self._overtaken_since: float | None = None
        """Since when each look was given up because files were saved meanwhile."""
        self._relating = Relating(project, self._related)
        self._inspecting = Inspecting(self._inspected)
        self._complaints = Complaints()
        self._stopped = False
        self._shelf: Shelf | None = None
        self._offered: Mapping[str, Static] = {}
        self._texts: OrderedDict[str, tuple[Shown, PageText]] = OrderedDict()
        self._hidden: Mapping[str, str] = {}
        self._first_event = self._last_event = 0.0
        self._look_at: float | None = None
        self._touched = False
        self._relate_at: float | None = None
        self._tell_at: float | None = None
        self._gone_at: float | None = None
        self._panels_at: float | None = None
        self._rescan_at = 0.0
        self._tidy_at: float | None = None
        self._untidy_since: float | None = None
        self._everywhere_at = 0.0
        self._waiting: list[Callable[[], None]] = []
        """What can be answered only after a look."""
        changes.tell(self._changed, self._stop)

    # What the server asks, in its thread.

    def shelf(self) -> Shelf | None:
        return self._shelf

    def page(self, url: str) -> Awaitable[PageText | None]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[PageText | None] = loop.create_future()
        known = self._texts.get(url)

        def answer(found: PageText | None) -> None:
            with suppress(RuntimeError):  # the server has ended
                loop.call_soon_threadsafe(_resolve, future, found)

        def unanswered() -> PageText:
            return known[1] if known is not None else PageText(b"", "")

        self._todo.put(lambda: self._with_page(url, answer, unanswered))
        return future

    def said(self, client: Client, message: Mapping[str, Any]) -> None:
        if message.get("kind") == "hello":
            client.version = str(message.get("version", ""))
            self._todo.put(lambda: self._greet(client))
        elif message.get("kind") == "panel":
            client.panel = "" if message.get("wanted") else None
            self._todo.put(lambda: self._tell_about(client))
        elif message.get("kind") == "open":
            self._todo.put(lambda: self._open(client, message))

    # Changes, told by the watcher's thread.

    def _changed(self, places: Iterable[Path]) -> None:
        with self._lock:
            first = not self._places
            self._places.update(places)
        self._last_event = time.monotonic()
        if first:
            self._todo.put(self._saved)

    def _stop(self) -> None:
        self._stopped = True
        self._todo.put(lambda: None)

    # Work.

    def work(self) -> None:
        """Read the site, and follow it until it is interrupted or the changes end."""
        started = time.monotonic()
        self._look(relating=False)
        assert self._looking is not None
        self._looking.join()
        self._seen(self._looking)
        if self._desk.view is not None:
            print(f"{len(self._desk.view.pages)} pages, read in {time.monotonic() - started:.2f} s", flush=True)
        while not self._stopped:
            now = time.monotonic()
            deadlines = [self._tell_at, self._gone_at, self._panels_at]
            if self._looking is None:
                deadlines += [self._look_at, self._relate_at, self._rescan_at, self._tidy_at]
            due = min((at for at in deadlines if at is not None), default=now + RESCAN)
            try:
                job = self._todo.get(timeout=max(0.0, due - now)) if due > now else self._todo.get_nowait()
            except queue.Empty:
                job = self._due
            try:
                job()
            except Exception as problem:
                self._fail(problem)
                self._weigh_problems()

    def close(self) -> None:
        """End what is still at work elsewhere."""
        self._relating.stop()
        if self._looking is not None:
            self._looking.join(ENDING)
            if self._looking.is_alive():
                self._project.leave_open()
        if not self._inspecting.stop(ENDING):
            self._project.leave_open()
        elif self._looking is None or not self._looking.is_alive():
            self._desk.close()

    def _due(self) -> None:
        """Do what its time has come for."""
        now = time.monotonic()
        if self._tell_at is not None and now >= self._tell_at:
            self._tell_problems()
        elif self._gone_at is not None and now >= self._gone_at:
            self._gone_at = None
            self._push(gone=True)
        elif self._panels_at is not None and now >= self._panels_at:
            self._panels_at = None
            for client in self.server.clients():
                self._tell_about(client)
        elif self._looking is not None:
            return
        elif self._look_at is not None and now >= self._look_at:
            self._look(relating=False)
        elif self._relate_at is not None and now >= self._relate_at:
            self._relate_at = None
            self._relate()
        elif self._tidy_at is not None and now >= self._tidy_at:
            self._tidy_at = self._untidy_since = None
            self._tidy()
        elif now >= self._rescan_at:
            self._look(relating=False)

    def _tidy_later(self) -> None:
        """Look for garbage when the author pauses: layouts and views leave some in circles, and to look for it takes as
        long as some pages."""
        now = time.monotonic()
        self._untidy_since = now if self._untidy_since is None else self._untidy_since
        self._tidy_at = min(now + TIDY, self._untidy_since + UNTIDY)

    def _tidy(self) -> None:
        """Look for garbage among what is new, and seldom among what was left the last time: to look at all that is
        known of ten thousand posts takes a quarter of a second, in which nothing that is saved is shown."""
        now = time.monotonic()
        if now >= max(self._everywhere_at, self._last_event + TIDY):
            self._everywhere_at = now + EVERYWHERE
            gc.unfreeze()
        gc.collect()
        gc.freeze()
        give_back()

    def _relate(self) -> None:
        """Work out the related posts, here or apart."""
        view = self._desk.view
        if view is None or (view.is_related and not self._touched):
            return
        if self._is_large() and not view.is_held:
            self._relating.start()
        else:
            self._look(relating=True)

    def _is_large(self) -> bool:
        return self._desk.view is not None and len(self._desk.view.inputs.posts) >= APART

    def _related(self, outcome: Elsewhere | BaseException) -> None:
        """The process that worked out the related posts has ended; called in another thread."""

        def take() -> None:
            if self._looking is not None:
                return  # it was under way before this was known, and what it finds is related anew
            self._relating.stop()
            if isinstance(outcome, Elsewhere):
                self._look(relating=False, elsewhere=outcome)
            elif is_overtaken(outcome):
                now = time.monotonic()
                self._look_at, self._relate_at = self._look_at or now + QUIET, now + RELATED
            elif isinstance(outcome, Exception):
                self._fail(outcome)
                # What was to follow from it follows from a look; the lists are tried again in a while.
                now = time.monotonic()
                self._look_at, self._relate_at = self._look_at or now + PASSING, now + RESCAN

        self._todo.put(take)

    def _saved(self) -> None:
        """Show what was saved where it can be shown at once; the rest follows."""
        began = time.monotonic()
        while time.monotonic() < min(self._last_event + AT_ONCE, began + BURST):
            time.sleep(AT_ONCE / 4)
        with self._lock:
            places, self._places = self._places, set()
        self._since |= places
        whole = False
        try:
            touched = self._desk.touch(places)
            whole = touched.whole and self._is_large()
            if touched.done:
                if self._desk.statics is not self._offered:
                    self._shelve()
                self._push()
        except (Unanswered, sqlite3.Error):
            pass  # it is being written: the look that follows finds what has become of it
        except Exception as problem:
            self._fail(problem)
        self._tidy_later()
        now = time.monotonic()
        self._panels_at, self._relate_at = now + PANEL, now + RELATED
        if whole and self._look_at is None:
            self._touched = True  # the look that follows the related posts finds the rest
            return
        if self._look_at is None:
            self._first_event = now
        self._look_at = min(self._first_event + LONGEST, now + QUIET)

    def _look(self, relating: bool, elsewhere: Elsewhere | None = None) -> None:
        """Begin to look at the site as a whole."""
        self._look_at, self._touched, self._since = None, False, set()
        self._relating.stop()
        self._began = time.monotonic()
        # If it is at work when the process ends, there is nobody to wait for it.
        self._looking = threading.Thread(target=self._see, args=(relating, elsewhere), name="octavo-look", daemon=True)
        self._looking.start()

    def _after_look(self, job: Callable[[], None]) -> None:
        """Do something when the site has been looked at, in its turn: what is saved meanwhile is shown before."""
        self._waiting.append(job)
        if self._looking is None:
            self._look(relating=False)

    def _see(self, relating: bool, elsewhere: Elsewhere | None) -> None:
        """Look, in a thread beside all else."""
        try:
            if not (self._project.root / "posts").is_dir():
                raise Usage("the folder posts/ is gone: what was read is shown as it was")
            self._outcome = self._desk.see(relating, elsewhere)
        except BaseException as problem:
            self._outcome = problem
        finally:
            try:
                self._project.workers.close()
                self._changes.renew()
            finally:
                looking = threading.current_thread()
                self._todo.put(lambda: self._seen(looking))

    def _seen(self, looking: threading.Thread) -> None:
        """Show what the site has become by a look that has ended, unless it is shown already."""
        if self._looking is not looking:
            return
        looking.join()
        self._looking = None
        waiting, self._waiting = self._waiting, []
        for job in waiting:
            self._todo.put(job)
        outcome, self._outcome = self._outcome, None
        ended = time.monotonic()
        self._panels_at, self._rescan_at = ended + PANEL, ended + RESCAN
        self._overtaken_since = (self._overtaken_since or self._began) if is_overtaken(outcome) else None
        if self._overtaken_since is not None and ended < self._overtaken_since + UNSTEADY:
            self._look_at = ended + QUIET  # no fault of the site: its author has saved meanwhile, and goes on
        elif isinstance(outcome, Exception):
            self._fail(outcome)
        elif isinstance(outcome, BaseException):
            raise outcome
        else:
            self._complaints.failure = ""
        if outcome is None:
            self._rescan_at = ended + max(RESCAN, SHARE * (ended - self._began))
        if isinstance(outcome, View):
            self._tidy_later()
            self._desk.take(outcome)
            self._touch_since()
            self._shelve()
            self._push()
        view = self._desk.view
        if view is not None and not view.is_related and self._relate_at is None:
            self._relate_at = time.monotonic() + RELATED
        self._weigh_problems()

    def _touch_since(self) -> None:
        """What was saved while the site was looked at may have been listed before."""
        try:
            whole = self._desk.touch(self._since).whole
        except Unanswered:
            whole = False
        if not whole and self._look_at is None:
            self._look_at = time.monotonic() + QUIET

    def _fail(self, problem: Exception) -> None:
        if isinstance(problem, BrokenExecutor):
            self._project.workers.close()
        if isinstance(problem, Unanswered | sqlite3.Error | PublishError):
            self._look_at = time.monotonic() + PASSING
        if isinstance(problem, Unanswered):
            return
        self._complaints.failure = failure(problem, self._project.root).words

    def _shelve(self) -> None:
        """Let the server know what there is."""
        view = self._desk.view
        if view is None:
            return
        first, offered = self._shelf is None, self._offered
        self._offered = self._desk.statics
        self._shelf = shelf(view, self._offered, self._project)
        if first:
            self._hidden = view.hidden
            self.server.tell_all({"kind": "reload"})
            return
        if view.hidden != self._hidden:
            self._hidden = view.hidden
            for client in self.server.clients():
                client.tell(self._state_message(client.url or ""))
        differing = [
            urls.href("/" + path, view.inputs.settings.base_url)
            for path, known in offered.items()
            if (now := self._offered.get(path)) is not None and now.digest != known.digest
        ]
        if differing:
            self.server.tell_all({"kind": "files", "urls": differing})

    def _with_page(
        self, url: str, then: Callable[[PageText | None], None], unanswered: Callable[[], PageText | None]
    ) -> None:
        """Do something with a page as it is now, if need be after a look at the site as a whole; with what is there in
        its place where that did not help."""

        def attempt(looks: int) -> None:
            try:
                found = self._page_at_hand(url)
            except (Unanswered, sqlite3.Error) as problem:
                # What it is made from is another one now, or in another cache; or else the cache is damaged.
                if looks and isinstance(problem, CorruptStore):
                    self._desk.doubt_cache()
                if looks < LOOKS:
                    self._after_look(lambda: attempt(looks + 1))
                    return
                then(unanswered())
                raise
            except BaseException:
                then(unanswered())
                raise
            then(found)

        attempt(0)

    def _page_at_hand(self, url: str) -> PageText | None:
        shown = self._desk.page(url)
        if shown is None:
            self._texts.pop(url, None)
            return None
        if shown.problems:
            self._weigh_problems()
        return self._text(shown)

    def _text(self, shown: Shown) -> PageText:
        known = self._texts.pop(shown.url, None)
        if known is None or known[0] is not shown:
            content = without_policy(self._desk.numbered(shown))
            known = (shown, PageText(content, blake2b(content, digest_size=9).hexdigest() if content else ""))
        self._texts[shown.url] = known
        while len(self._texts) > HELD_PAGES:
            self._texts.popitem(last=False)
        return known[1]

    # What browsers are told.

    def _greet(self, client: Client) -> None:
        """A tab has said what it shows: tell it what that is now, and what is wrong."""
        shelf = self._shelf
        if client.url is None or shelf is None:
            return
        url, client.source = client.url, self._source_of(client.url)

        def greet(found: PageText | None) -> None:
            if client.url != url:
                return  # it shows another one by now, and has said so
            if found is not None and found.content and not client.version:
                client.tell({"kind": "reload"})
                return
            if found is not None and found.content:
                self._send(client, found)
            client.tell(self._state_message(url))
            client.tell(self._problems_message())

        if url in shelf.pages:
            self._with_page(url, greet, lambda: None)
        else:
            greet(None)

    def _source_of(self, url: str) -> str | None:
        return self._desk.view.source_of(url) if self._desk.view is not None else None

    def _state_message(self, url: str) -> dict[str, Any]:
        return {"kind": "state", "source": self._source_of(url), "hidden": self._hidden}

    def _tell_about(self, client: Client) -> None:
        """Tell a tab of its page what is new, if its author wants to know."""
        if client.url and client.panel is not None:
            found = about(self._desk, client.url)
            view, path = self._desk.view, found.get("source")
            if view is not None and path is not None:
                found["insight"] = self._inspecting.of(view, self._desk.facts, path)
            text = json.dumps(found)
            if text != client.panel:
                client.panel = text
                client.tell({"kind": "panel", "about": found})

    def _inspected(self, problem: Exception | None) -> None:
        """More is known of a page; called in another thread."""

        def take() -> None:
            self._panels_at = time.monotonic()
            if problem is not None:
                raise problem

        self._todo.put(take)

    def _open(self, client: Client, message: Mapping[str, Any]) -> None:
        """Open a file of the site in the author's editor."""
        path, line, column = message.get("path"), message.get("line"), message.get("column")
        view = self._desk.view
        file = view.location_of(path, self._project.root) if isinstance(path, str) and view is not None else None
        if file is None:
            return
        try:
            words = editor.command(file, _number(line), _number(column), os.environ, shutil.which)
            if words is None:
                client.tell({"kind": "say", "text": editor.NONE})
            else:
                editor.launch(words)
        except (OSError, ValueError) as problem:
            client.tell({"kind": "say", "text": f"the editor cannot be started: {problem}"})

    def _push(self, gone: bool = False) -> None:
        """Send every open page that is another one now. With ``gone``, say so of those that are no more."""
        view = self._desk.view
        if view is None:
            return
        for client in self.server.clients():
            url = client.url
            if url is None:
                continue
            if url not in view.pages:
                moved = view.address_of(client.source) if client.source is not None else None
                if moved is not None:
                    client.tell({"kind": "moved", "url": moved})
                elif client.version and gone:
                    client.tell({"kind": "gone"})
                elif client.version:
                    self._gone_at = self._gone_at or time.monotonic() + PASSING
                continue
            try:
                found = self._page_at_hand(url)
            except (Unanswered, sqlite3.Error):
                self._look_at = self._look_at or time.monotonic() + QUIET
                continue
            if found is None or not found.content or found.version == client.version:
                continue
            if client.version:
                self._send(client, found)
            else:
                client.tell({"kind": "reload"})

    def _send(self, client: Client, page: PageText) -> None:
        client.version = page.version
        client.tell({"kind": "page", "version": page.version, "html": page.content.decode("utf-8", "replace")})

    # Problems.

    def _weigh_problems(self) -> None:
        """Tell what is wrong: at once where something has become right, and a moment later where something is new."""
        self._tell_at = self._complaints.due(self._desk.problems(), self._last_event)
        if self._tell_at == 0.0:
            self._tell_problems()

    def _tell_problems(self) -> None:
        self._tell_at = None
        if self._complaints.tell(self._desk.problems()):
            self.server.tell_all(self._problems_message())

    def _problems_message(self) -> dict[str, Any]:
        return self._complaints.message(self._project.root, self._desk.layouts_of)


def _number(given: object) -> int:
    """A line or a column as a browser says it: from 1, which stands for none as well."""
    return given if isinstance(given, int) and given > 0 else 1


def _resolve(future: asyncio.Future[PageText | None], found: PageText | None) -> None:
    if not future.done():
        future.set_result(found)


def _name(host: str) -> str:
    if host in ("127.0.0.1", "0.0.0.0"):
        return "localhost"
    return f"[{host}]" if ":" in host else host
