"""The site, shown while it is written: what is saved is in the open pages at once, and nothing is published."""

from __future__ import annotations

import asyncio
import os
import queue
import shutil
import sqlite3
import sys
import time
import webbrowser
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from concurrent.futures import BrokenExecutor, Future
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from threading import Lock
from typing import Any

from octavo import editor, urls
from octavo.desk import HELD_PAGES, Desk, Shown, View, relate_apart
from octavo.diagnostic import Diagnostic, to_text
from octavo.facts import Unanswered
from octavo.failures import Usage, failure
from octavo.project import Project
from octavo.publish import PublishError
from octavo.serve import LOCAL, Client, PageText, PreviewServer, Shelf, listen
from octavo.watch import Changes
from octavo.workers import Workers

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

PASSING = 0.6
"""Seconds for which an error, or the loss of a page, is held back: an editor that empties a file and then fills it
leaves it so meanwhile (VS Code, sync tools)."""

HELD_BACK = 3.0
"""Seconds after which it is told all the same."""

APART = 2_000
"""Posts from which on related posts are worked out in a process of its own: what that takes in memory is given back,
and a page that is saved meanwhile does not wait."""

RESCAN = 30.0
"""Seconds after which to look without an event: a lost event, or a post whose time has come."""


def preview(project: Project, changes: Changes, host: str, port: int, open_browser: bool) -> int:
    """Serve until interrupted, or until the changes end. Raises Usage where it cannot listen."""
    base_path = urls.base_path(project.settings().base_url)
    try:
        sockets = listen(host, port, TRIES)
    except OSError as problem:
        raise Usage(f"the preview cannot listen at {host}, port {port}: {problem.strerror or problem}") from problem
    author = Author(project, changes)
    server = author.server = PreviewServer(sockets, host, author)
    address = f"http://{_name(host)}:{server.port}{base_path}/"
    server.start()
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
    return 0


@dataclass(frozen=True)
class StaticFile:
    """A file that no layout makes, as it was listed."""

    digest: bytes
    content: bytes | None
    location: Path

    def read(self) -> bytes:
        return self.location.read_bytes() if self.content is None else self.content


class Author:
    """Follows the files at a desk, in the thread that calls ``work``, and answers the server from there."""

    server: PreviewServer

    def __init__(self, project: Project, changes: Changes) -> None:
        self._project, self._changes, self._desk = project, changes, Desk(project)
        self._todo: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._lock = Lock()
        self._places: set[Path] = set()
        self._apart = Workers(2)
        self._stopped = False
        self._shelf: Shelf | None = None
        self._busy = False
        self._texts: OrderedDict[str, tuple[Shown, PageText]] = OrderedDict()
        self._hidden: Mapping[str, str] = {}
        self._told: tuple[Diagnostic, ...] = ()
        self._words_told = ""
        self._failure = ""
        self._first_event = self._last_event = 0.0
        self._look_at: float | None = None
        self._touched = False
        self._relate_at: float | None = None
        self._tell_at: float | None = None
        self._rescan_at = 0.0
        changes.tell(self._changed, self._stop)

    # What the server asks, in its thread.

    def shelf(self) -> Shelf | None:
        return self._shelf

    def page(self, url: str) -> Awaitable[PageText | None]:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[PageText | None] = loop.create_future()
        known = self._texts.get(url)
        if self._busy and known is not None:
            future.set_result(known[1])
            return future

        def answer() -> None:
            found: PageText | None = known[1] if known is not None else PageText(b"", "")
            try:
                found = self._page(url)
            finally:
                with suppress(RuntimeError):  # the server has ended
                    loop.call_soon_threadsafe(_resolve, future, found)

        self._todo.put(answer)
        return future

    def said(self, client: Client, message: Mapping[str, Any]) -> None:
        if message.get("kind") == "hello":
            client.version = str(message.get("version", ""))
            self._todo.put(lambda: self._greet(client))
        elif message.get("kind") == "panel":
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
        if self._desk.view is not None:
            print(f"{len(self._desk.view.pages)} pages, read in {time.monotonic() - started:.2f} s", flush=True)
        while not self._stopped:
            now = time.monotonic()
            deadlines = (self._look_at, self._relate_at, self._tell_at, self._rescan_at)
            due = min(at for at in deadlines if at is not None)
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
        self._apart.close()

    def _due(self) -> None:
        """Do what its time has come for."""
        now = time.monotonic()
        if self._look_at is not None and now >= self._look_at:
            self._look(relating=False)
        elif self._tell_at is not None and now >= self._tell_at:
            self._tell_at = None
            self._tell_problems()
            self._push(gone=True)
        elif self._relate_at is not None and now >= self._relate_at:
            self._relate_at = None
            self._relate()
        elif now >= self._rescan_at:
            self._look(relating=False)
            self._relate()

    def _relate(self) -> None:
        """Work out the related posts, here or apart."""
        view = self._desk.view
        if view is None or (view.is_related and not self._touched):
            return
        if not self._is_large() or view.is_held:
            self._look(relating=True)
            return
        self._apart.close()
        pool = self._apart.pool()
        assert pool is not None
        project = self._project
        working = pool.submit(relate_apart, str(project.root), replace(project.options, jobs=1))
        working.add_done_callback(lambda done: self._todo.put(lambda: self._related(done)))

    def _is_large(self) -> bool:
        return self._desk.view is not None and len(self._desk.view.inputs.posts) >= APART

    def _related(self, done: Future[bytes]) -> None:
        """The process that worked out the related posts has ended: one that was ended by us counts for nothing."""
        if done.cancelled() or isinstance(done.exception(), BrokenExecutor):
            return
        self._apart.close()
        problem = done.exception()
        if isinstance(problem, Exception):
            self._fail(problem)
        else:
            self._look(relating=False, elsewhere=done.result())

    def _saved(self) -> None:
        """Show what was saved where it can be shown at once; the rest follows."""
        began = time.monotonic()
        while time.monotonic() < min(self._last_event + AT_ONCE, began + BURST):
            time.sleep(AT_ONCE / 4)
        with self._lock:
            places, self._places = self._places, set()
        self._apart.close()
        whole = False
        try:
            touched = self._desk.touch(places)
            whole = touched.whole and self._is_large()
            if touched.done:
                self._shelve()
                self._push()
        except Unanswered:
            pass  # it is being written: the look that follows finds what has become of it
        except Exception as problem:
            self._fail(problem)
        now = time.monotonic()
        self._relate_at = now + RELATED
        if whole and self._look_at is None:
            self._touched = True  # the look that follows the related posts finds the rest
            return
        if self._look_at is None:
            self._first_event = now
        self._look_at = min(self._first_event + LONGEST, now + QUIET)

    def _look(self, relating: bool, elsewhere: bytes | None = None) -> None:
        """Look at the site as a whole, and show what it has become."""
        self._look_at, self._busy, self._touched = None, True, False
        self._apart.close()
        began = time.monotonic()
        try:
            if not (self._project.root / "posts").is_dir():
                raise Usage("the folder posts/ is gone: what was read is shown as it was")
            changed = self._desk.look(relating, elsewhere)
            self._failure = ""
        except Exception as problem:
            self._fail(problem)
            changed = False
        finally:
            self._busy = False
            self._project.workers.close()
            self._changes.renew()
        took = time.monotonic() - began
        self._rescan_at = time.monotonic() + max(RESCAN, 100 * took)
        if changed:
            self._shelve()
            self._push()
        view = self._desk.view
        if view is not None and not view.is_related and self._relate_at is None:
            self._relate_at = time.monotonic() + RELATED
        self._weigh_problems()

    def _fail(self, problem: Exception) -> None:
        if isinstance(problem, BrokenExecutor):
            self._project.workers.close()
        if isinstance(problem, Unanswered | sqlite3.Error | PublishError):
            self._look_at = time.monotonic() + PASSING
        if isinstance(problem, Unanswered):
            return
        self._failure = failure(problem, self._project.root).words

    def _shelve(self) -> None:
        """Let the server know what there is."""
        view = self._desk.view
        if view is None:
            return
        before = self._shelf
        base_path = urls.base_path(view.inputs.settings.base_url)
        files = {path: _static(view, path) for path in view.statics}
        self._shelf = Shelf(
            base_path, view.pages, files, _Images(self._project, view), view.inputs.settings.permalinks.not_found
        )
        if before is None:
            self._hidden = self._desk.not_public()
            self.server.tell_all({"kind": "reload"})
            return
        hidden = self._desk.not_public()
        if hidden != self._hidden:
            self._hidden = hidden
            for client in self.server.clients():
                client.tell(self._state_message(client.url or ""))
        differing = [
            urls.href("/" + path, view.inputs.settings.base_url)
            for path, known in before.files.items()
            if path in files and files[path].digest != known.digest
        ]
        if differing:
            self.server.tell_all({"kind": "files", "urls": differing})

    def _page(self, url: str) -> PageText | None:
        try:
            shown = self._desk.page(url)
        except (Unanswered, sqlite3.Error):  # what it is made from is another one now, or in another cache
            self._look(relating=False)
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
            content = self._desk.numbered(shown)
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
        client.source = self._desk.source_of(client.url)
        found = self._page(client.url) if client.url in shelf.pages else None
        if found is not None and found.content and not client.version:
            client.tell({"kind": "reload"})
            return
        if found is not None and found.content:
            self._send(client, found)
        client.tell(self._state_message(client.url))
        client.tell(self._problems_message())

    def _state_message(self, url: str) -> dict[str, Any]:
        return {"kind": "state", "source": self._desk.source_of(url), "hidden": self._hidden}

    def _tell_about(self, client: Client) -> None:
        if client.url:
            client.tell({"kind": "panel", "about": self._desk.about(client.url)})

    def _open(self, client: Client, message: Mapping[str, Any]) -> None:
        """Open a file of the site in the author's editor."""
        path, line, column = message.get("path"), message.get("line"), message.get("column")
        file = self._desk.location_of(path) if isinstance(path, str) else None
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
        shelf = self._shelf
        if shelf is None:
            return
        for client in self.server.clients():
            url = client.url
            if url is None:
                continue
            if url not in shelf.pages:
                moved = self._desk.address_of(client.source) if client.source is not None else None
                if moved is not None:
                    client.tell({"kind": "moved", "url": moved})
                elif client.version and gone:
                    client.tell({"kind": "gone"})
                elif client.version:
                    self._tell_at = self._tell_at or time.monotonic() + PASSING
                continue
            found = self._page(url)
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
        errors = {problem for problem in self._desk.problems() if problem.is_error}
        if errors <= set(self._told) and not (self._failure and not self._told):
            self._tell_problems()
        elif self._tell_at is None:
            self._tell_at = time.monotonic() + PASSING
        else:
            self._tell_at = max(self._tell_at, self._last_event + PASSING)

    def _tell_problems(self) -> None:
        problems = self._desk.problems()
        words, before = self._failure, self._told
        new = [problem for problem in problems if problem not in before]
        for problem in new:
            print(to_text(problem), file=sys.stderr)
        if words and words != self._words_told:
            print(words, file=sys.stderr, flush=True)
        had = any(problem.is_error for problem in before) or self._words_told
        if had and not words and not any(problem.is_error for problem in problems):
            print("right again", flush=True)
        changed = problems != before or words != self._words_told
        self._told, self._words_told = problems, words
        if changed:
            self.server.tell_all(self._problems_message())

    def _problems_message(self) -> dict[str, Any]:
        errors = [
            {**shown_problem(problem, self._project.root), "chain": self._desk.layouts_of(problem)}
            for problem in self._told
            if problem.is_error
        ]
        if self._words_told:
            errors.insert(0, {"text": self._words_told, "message": self._words_told, "where": ""})
        return {"kind": "problems", "problems": errors}


def _number(given: object) -> int:
    """A line or a column as a browser says it: from 1, which stands for none as well."""
    return given if isinstance(given, int) and given > 0 else 1


def _resolve(future: asyncio.Future[PageText | None], found: PageText | None) -> None:
    if not future.done():
        future.set_result(found)


def shown_problem(problem: Diagnostic, root: Path) -> dict[str, Any]:
    """A problem as the overlay shows it: with the lines around it in the file as it is now."""
    span = problem.span
    found: dict[str, Any] = {
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
        "lines": [],
    }
    if span is not None:
        found["lines"] = _lines_around(root / problem.path, span.line) or [[span.line, span.text]]
    return found


def _lines_around(file: Path, line: int) -> list[list[Any]]:
    """Five lines of a file, [number, text] each."""
    try:
        lines = file.read_text("utf-8-sig", "replace").split("\n")
    except OSError:
        return []
    first = max(1, line - 2)
    return [[number, lines[number - 1][:400]] for number in range(first, min(line + 2, len(lines)) + 1)]


def _static(view: View, path: str) -> StaticFile:
    static = view.statics[path]
    name = static.origin.removeprefix("assets/")
    found = view.files.assets.get(name) if name != static.origin else view.files.others.get(static.origin)
    return StaticFile(static.digest, static.content, Path(found.location) if found is not None else Path())


@dataclass(frozen=True)
class _Images:
    """Makes an image when it is asked for."""

    project: Project
    view: View

    def __call__(self, url: str) -> bytes | None:
        from octavo.ondemand import image_at

        try:
            return image_at(url, self.view.known, self.project.gallery())
        except Unanswered:
            return None


def _name(host: str) -> str:
    if host in ("127.0.0.1", "0.0.0.0"):
        return "localhost"
    return f"[{host}]" if ":" in host else host
