"""What the preview and the tabs of a browser say to each other.

A message is a JSON object over a WebSocket, whose ``kind`` says which it is. The types here are all there are;
``client.js`` lists the same ones.

Which tab is told what, and when, is ``LiveReload``'s.
"""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, NotRequired, TypedDict

from octavo.base import urls
from octavo.engine.facts import Unanswered
from octavo.preview import timers
from octavo.preview.static_files import PageCache, ServedPage, ServedSite, make_served_site
from octavo.preview.timers import Deadlines, Timer

if TYPE_CHECKING:
    from octavo.preview.session import PreviewSession
    from octavo.site.inputs import StaticOutput

# What messages carry.


class ProblemDetails(TypedDict):
    """A problem as the overlay shows it.

    A failure of the preview itself is in no file.
    """

    text: str
    """All of it, as the terminal prints it."""
    message: str
    where: str
    path: NotRequired[str]
    line: NotRequired[int | None]
    column: NotRequired[int | None]
    width: NotRequired[int]
    code: NotRequired[str]
    hint: NotRequired[str]
    during: NotRequired[str]
    lines: NotRequired[list[tuple[int, str]]]
    """The lines around it, each with its number."""
    chain: NotRequired[Sequence[str]]
    """The layouts of the page that could not be rendered."""


class LinkDetails(TypedDict):
    """A page that links to the one that the panel is of."""

    title: str
    url: str


class RelatedDetails(LinkDetails):
    """A related post, with what it was found for."""

    score: float
    reasons: list[str]


class InsightDetails(TypedDict):
    """One section of the report on the site, as far as it concerns a post."""

    title: str
    items: list[str]


class PageDetails(TypedDict, total=False):
    """What the panel shows of a page; nothing of what is no page.

    What follows ``problems`` is there for a post only.
    """

    url: str
    source: str | None
    """The path of the post that the page shows."""
    layouts: list[str]
    inputs: list[str]
    """The questions that the page asked."""
    problems: list[str]
    status: str
    """Whether a build would publish it, and why."""
    words: int
    minutes: int
    backlinks: list[LinkDetails]
    related: list[RelatedDetails]
    insight: list[InsightDetails]


# Messages to the browser.


@dataclass(frozen=True)
class PageMessage:
    """The page that the tab shows is this one now."""

    kind: ClassVar = "page"
    version: str
    html: str


@dataclass(frozen=True)
class ProblemsMessage:
    """The first errors of the site, of ``count``; none when all are fixed."""

    kind: ClassVar = "problems"
    problems: list[ProblemDetails]
    count: int


@dataclass(frozen=True)
class StateMessage:
    """The page's source, and the posts that a build would leave out.

    ``hidden`` is href -> "draft" or "future".
    """

    kind: ClassVar = "state"
    source: str | None
    hidden: Mapping[str, str]


@dataclass(frozen=True)
class PanelMessage:
    """The panel shows this."""

    kind: ClassVar = "panel"
    about: PageDetails


@dataclass(frozen=True)
class NoticeMessage:
    """The author is to read this once."""

    kind: ClassVar = "say"
    text: str


@dataclass(frozen=True)
class FilesMessage:
    """These files, by href, have another content now."""

    kind: ClassVar = "files"
    urls: list[str]


@dataclass(frozen=True)
class MovedMessage:
    """The post that the tab shows has this href now."""

    kind: ClassVar = "moved"
    url: str


@dataclass(frozen=True)
class GoneMessage:
    """There is no such page any more."""

    kind: ClassVar = "gone"


@dataclass(frozen=True)
class ReloadMessage:
    """What the tab shows is not the page, but stands in its place: load it."""

    kind: ClassVar = "reload"


ToBrowser = (
    PageMessage
    | ProblemsMessage
    | StateMessage
    | PanelMessage
    | NoticeMessage
    | FilesMessage
    | MovedMessage
    | GoneMessage
    | ReloadMessage
)


def encode(message: ToBrowser) -> str:
    """A message as the script in the page reads it."""
    return json.dumps({"kind": message.kind, **vars(message)})


# Messages from the browser.


@dataclass(frozen=True)
class HelloMessage:
    """The tab shows what stands at this path; the first that it says."""

    kind: ClassVar = "hello"
    path: str
    version: str = ""
    """Empty where the tab shows something else in the page's place."""


@dataclass(frozen=True)
class PanelRequest:
    """The author opens the panel, or closes it."""

    kind: ClassVar = "panel"
    is_open: bool


@dataclass(frozen=True)
class OpenRequest:
    """The author wants to edit a file, at a line and a column from 1."""

    kind: ClassVar = "open"
    path: str
    line: int = 1
    column: int = 1


FromBrowser = HelloMessage | PanelRequest | OpenRequest


def decode(text: str) -> FromBrowser | None:
    """Read a message that a browser sent.

    None for one of a kind or with a path that means nothing here. Raises ValueError, or RecursionError, for what is
    no JSON object: that is none of our scripts.
    """
    fields = json.loads(text)
    if not isinstance(fields, dict):
        raise ValueError("a message is an object")
    kind, path = fields.get("kind"), fields.get("path")
    if kind == HelloMessage.kind and isinstance(path, str):
        return HelloMessage(path, str(fields.get("version", "")))
    if kind == PanelRequest.kind:
        return PanelRequest(bool(fields.get("wanted")))
    if kind == OpenRequest.kind and isinstance(path, str):
        return OpenRequest(path, _position(fields.get("line")), _position(fields.get("column")))
    return None


def _position(value: Any) -> int:
    """A line or a column, from 1; what is none of these stands for the first."""
    return value if type(value) is int and value > 0 else 1


# Tabs.


class Client:
    """One open tab of a browser.

    ``send`` and ``end`` may be called in any thread. ``introduce`` is called in the server's thread, when the tab has
    said hello and before the app is told of that; from then on, all that is known of the tab belongs to the app's
    thread, and only the methods here write it.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.url: str | None = None
        """The page that it shows, by URL path without that of ``base_url``; None until it has said so."""
        self.version = ""
        """What it has of that; empty where it shows something else in its place."""
        self.source: str | None = None
        """The path of the post that it shows."""
        self.has_panel = False
        """Whether its author wants to know of the page."""
        self._panel: PanelMessage | None = None
        """What its panel shows; None where nothing yet."""
        self._loop = loop
        self._outbox: asyncio.Queue[str | None] = asyncio.Queue()

    def introduce(self, url: str, version: str) -> None:
        """Note what the tab shows."""
        # In this order, without a lock: the app's thread takes a tab that has a URL (``Clients.introduced``) for one
        # that is introduced. If it found no version yet, it would have the tab reload.
        self.version = version
        self.url = url

    def send_page(self, page: ServedPage) -> None:
        """Send the page that the tab shows, as it is now."""
        self.version = page.version
        self.send(PageMessage(page.version, page.content.decode("utf-8", "replace")))

    def send_panel(self, message: PanelMessage) -> None:
        """Send what the panel shows, where that is something else now."""
        if message != self._panel:
            self._panel = message
            self.send(message)

    def toggle_panel(self, is_open: bool) -> None:
        """Note that the panel is open, and shows nothing yet; or is not."""
        self.has_panel, self._panel = is_open, None

    def note_source(self, source: str | None) -> None:
        """Note of which post the page is, so that the tab can follow it."""
        self.source = source

    def send(self, message: ToBrowser) -> None:
        """Have a message sent, after those before."""
        # Encoded here, so that its parts may change afterwards. The outbox belongs to the server's thread (an
        # asyncio.Queue is no queue for two threads), whose loop runs calls in the order in which they are made.
        text = encode(message)
        with suppress(RuntimeError):  # the server has ended, and with it the tab's connection
            self._loop.call_soon_threadsafe(self._outbox.put_nowait, text)

    def end(self) -> None:
        """Have the connection closed when all has been sent."""
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._outbox.put_nowait, None)

    async def next_text(self) -> str | None:
        """The next message to send, for the server's thread; None at the end."""
        return await self._outbox.get()


class Clients:
    """The open tabs.

    The server's thread adds and discards them; any thread may ask for those that there are.
    """

    def __init__(self) -> None:
        self._clients: set[Client] = set()

    def add(self, client: Client) -> None:
        self._clients.add(client)

    def discard(self, client: Client) -> None:
        self._clients.discard(client)

    def connected(self) -> tuple[Client, ...]:
        """All of them."""
        # CPython makes a tuple of a set without giving another thread its turn, so that no tab comes or goes meanwhile.
        # A loop over the set itself would fail with RuntimeError when one does. (A Python without its global lock would
        # need one here.)
        return tuple(self._clients)

    def introduced(self) -> tuple[Client, ...]:
        """Those that have said which page they show."""
        return tuple(client for client in self.connected() if client.url is not None)

    def send_all(self, message: ToBrowser) -> None:
        for client in self.introduced():
            client.send(message)


class LiveReload:
    """Tells open tabs what has become of their pages.

    It belongs to the app's thread, but for ``site``: that is immutable and exchanged as a whole, so that the
    server's thread sees the one before or the one after.
    """

    def __init__(self, session: PreviewSession, clients: Clients, pages: PageCache, deadlines: Deadlines) -> None:
        self.site: ServedSite | None = None
        """What the server may serve; None until the site has been read."""
        self._session, self._clients, self._pages, self._deadlines = session, clients, pages, deadlines
        self._statics: Mapping[str, StaticOutput] = {}
        self._hidden: Mapping[str, str] = {}

    def update_site(self) -> None:
        """Let the server know what there is, and the tabs what differs.

        That is: which files have another content, and which posts another state.
        """
        snapshot = self._session.snapshot
        if snapshot is None:
            return
        is_first, statics_before = self.site is None, self._statics
        self._statics = self._session.statics
        # Before the tabs are told: what they ask for then is served from it.
        self.site = make_served_site(snapshot, self._statics, self._session.project)
        if is_first:
            self._hidden = snapshot.unpublished
            self._clients.send_all(ReloadMessage())
            return
        if snapshot.unpublished != self._hidden:
            self._hidden = snapshot.unpublished
            for client in self._clients.introduced():
                client.send(self.state_message(client.url or ""))
        differing = [
            urls.href("/" + path, snapshot.inputs.settings.base_url)
            for path, before in statics_before.items()
            if (now := self._statics.get(path)) is not None and now.digest != before.digest
        ]
        if differing:
            self._clients.send_all(FilesMessage(differing))

    def update_statics(self) -> None:
        """The same where files that no layout makes have been saved."""
        if self._session.statics is not self._statics:
            self.update_site()

    def push_pages(self, report_gone: bool = False) -> None:
        """Send every open page that is another one now.

        With ``report_gone``, say so of those that are no more; without it, that is done a moment later.
        """
        for client in self._clients.introduced():
            if client.url is not None and self._session.snapshot is not None:
                if client.url in self._session.snapshot.pages:
                    self._push_page(client, client.url)
                else:
                    self._push_absence(client, report_gone)

    def _push_page(self, client: Client, url: str) -> None:
        try:
            page = self._pages.render(url)
        except (Unanswered, sqlite3.Error):
            self._deadlines.set_default(Timer.REFRESH, time.monotonic() + timers.REFRESH_DEBOUNCE_SECONDS)
            return
        if page is not None and page.content and page.version != client.version:
            if client.version:
                client.send_page(page)
            else:
                client.send(ReloadMessage())

    def _push_absence(self, client: Client, report_gone: bool) -> None:
        snapshot = self._session.snapshot
        moved = snapshot.address_of(client.source) if snapshot is not None and client.source is not None else None
        if moved is not None:
            client.send(MovedMessage(moved))
        elif client.version and report_gone:
            client.send(GoneMessage())
        elif client.version:
            self._deadlines.set_default(Timer.REPORT_GONE_PAGES, time.monotonic() + timers.GONE_SECONDS)

    def state_message(self, url: str) -> StateMessage:
        """What a tab with this page shows of drafts and posts to come."""
        snapshot = self._session.snapshot
        return StateMessage(snapshot.source_of(url) if snapshot is not None else None, self._hidden)
