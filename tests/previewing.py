"""A preview at work in a thread of this process, and a browser's tab as a test sees it: its socket."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from octavo.output.written_list import FILE as LIST
from octavo.preview import app as preview_app
from octavo.preview import timers
from octavo.preview.server import PreviewServer
from octavo.project.build_report import Options
from octavo.project.project import Project
from octavo.project.watcher import Changes
from tests.sites import SiteFolder
from tests.test_server import SOON, Response, get

MARKS = re.compile(rb'<script src="/_octavo/[^>]*></script>| data-line="\d+"|data-octavo-(?=http-equiv)', re.IGNORECASE)


def without_marks(page: bytes) -> bytes:
    """A page as a build makes it: without what only the preview puts in."""
    return MARKS.sub(b"", page)


@dataclass
class Tab:
    """An open page. ``html`` is what it shows; ``problems`` what lies over it."""

    connection: ClientConnection
    html: str
    version: str
    problems: list[dict[str, Any]] = field(default_factory=list)
    heard: list[dict[str, Any]] = field(default_factory=list)

    def hear(self, seconds: float) -> bool:
        """Take the next message, if there is one by then."""
        try:
            message = json.loads(self.connection.recv(seconds))
        except TimeoutError:
            return False
        self.heard.append(message)
        if message["kind"] == "page":
            self.html, self.version = message["html"], message["version"]
        elif message["kind"] == "problems":
            self.problems = message["problems"]
        return True

    def until(self, condition: Callable[[Tab], bool]) -> Tab:
        end = time.monotonic() + SOON
        while not condition(self):
            assert time.monotonic() < end, (self.html[-2000:], self.problems)
            self.hear(0.1)
        return self

    def shows(self, text: str) -> Tab:
        return self.until(lambda tab: text in tab.html)

    def quiet(self, seconds: float = 1.0) -> list[dict[str, Any]]:
        """What it is told until there is nothing more for a while."""
        before = len(self.heard)
        while self.hear(seconds):
            pass
        return self.heard[before:]

    def say(self, message: dict[str, Any]) -> None:
        self.connection.send(json.dumps(message))


@dataclass
class Previewing:
    site: SiteFolder
    app: preview_app.PreviewApp
    server: PreviewServer

    @property
    def port(self) -> int:
        return self.server.port

    def get(self, path: str) -> Response:
        return get(self.port, path)

    def page(self, path: str) -> str:
        return without_marks(self.get(path).body).decode()

    @contextmanager
    def tab(self, path: str) -> Iterator[Tab]:
        """A tab that shows a page."""
        page = self.get(path)
        match = re.search(r'data-token="([^"]*)" data-version="([^"]*)"', page.text)
        assert match, page
        url = f"ws://127.0.0.1:{self.port}/_octavo/socket?token={match[1]}"
        with connect(url, origin=Origin(f"http://localhost:{self.port}"), max_size=None) as connection:
            tab = Tab(connection, page.text, match[2])
            tab.say({"kind": "hello", "path": path, "version": match[2]})
            tab.until(lambda tab: any(message["kind"] == "problems" for message in tab.heard))
            yield tab

    def equals_a_build(self, **options: Any) -> None:
        """Every file that a clean build makes is what the preview gives, and it gives no other page."""
        end = time.monotonic() + SOON
        while (differing := self._differing(options)) and time.monotonic() < end:
            time.sleep(0.1)
        assert not differing

    def _differing(self, options: dict[str, Any]) -> list[str]:
        out = self.site.root.parent / "clean"
        built = SiteFolder(self.site.root).build(
            output=str(out), cache=str(out) + "-cache", fresh=True, drafts=True, future=True, **options
        )
        assert not built.failed, built.problems
        made = {
            file.relative_to(out).as_posix(): file.read_bytes()
            for file in out.rglob("*")
            if file.is_file() and file.name != LIST
        }
        made.pop("_headers", None)  # for hosts; the preview has headers of its own
        differing = [
            path
            for path, content in made.items()
            if without_marks(self.get("/" + path.removesuffix("index.html")).body) != content
        ]
        snapshot = self.app._session.snapshot
        assert snapshot is not None
        return differing + [
            url for url in snapshot.pages if f"{url}index.html".lstrip("/") not in made and url.endswith("/")
        ]


@contextmanager
def previewing(site: SiteFolder, port: int = 0, **options: Any) -> Iterator[Previewing]:
    """The preview that ``octavo serve`` shows."""
    cache = site.root / ".octavo/preview"
    chosen = {"drafts": True, "future": True, "jobs": 1, **options}
    with (
        pytest.MonkeyPatch.context() as patch,
        Project(site.root, Options(output=str(cache / "site"), cache=str(cache), **chosen)) as project,
        Changes(project.watched_paths, print) as changes,
    ):
        patch.setattr(timers, "RESCAN_SECONDS", 3600)
        started: list[tuple[preview_app.PreviewApp, PreviewServer]] = []
        start = PreviewServer.start

        def remember(server: PreviewServer) -> None:
            assert isinstance(server._app, preview_app.PreviewApp)
            started.append((server._app, server))
            start(server)

        patch.setattr(PreviewServer, "start", remember)
        running = threading.Thread(target=preview_app.preview, args=(project, changes, "127.0.0.1", port, False))
        running.start()
        try:
            end = time.monotonic() + SOON
            while not started or started[0][0].site() is None:
                assert time.monotonic() < end and running.is_alive()
                time.sleep(0.01)
            yield Previewing(site, *started[0])
        finally:
            with suppress(Exception):
                changes.stop()
            running.join(SOON)
    assert not running.is_alive()
