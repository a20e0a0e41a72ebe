"""The preview's server: it gives this machine's browsers what the build would make, and tells them of what is new.

An ASGI application (Starlette) on uvicorn, in a thread of its own. Pages come from whoever made the server, one at a
time; other files are read here. A browser says over a WebSocket which page it shows, and is sent what that becomes.
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import json
import mimetypes
import os
import re
import secrets
import socket
import sys
import threading
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote, unquote_to_bytes

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect
from uvicorn import Config, Server
from uvicorn.protocols.http.h11_impl import H11Protocol

from octavo import urls

OURS = "/_octavo/"
SOCKET = OURS + "socket"
SCRIPTS = ("idiomorph.js", "preview.js")

SLOWEST = 15.0
"""Seconds within which a browser sends its request."""

PATIENCE = 0.7
"""Seconds within which the server ends."""

LARGEST_MESSAGE = 65_536
"""Bytes of what a browser may say over a socket."""

LOCAL = ("127.0.0.1", "::1", "localhost")

_NOT_READY = b"<!doctype html>\n<title>Not read yet</title>\n<body><p>The site is being read.</p></body>\n"
_NOT_FOUND = b"<!doctype html>\n<title>Not found</title>\n<body><p>There is no such page.</p></body>\n"
_FAILED = b"<!doctype html>\n<title>Errors</title>\n<body><p>This page is shown when its errors are gone.</p></body>\n"


class Content(Protocol):
    """A file that no layout makes."""

    @property
    def digest(self) -> bytes: ...

    def read(self) -> bytes:
        """Raises OSError when it cannot be had."""
        ...


@dataclass(frozen=True)
class Shelf:
    """What can be asked for: the URL paths of pages below ``base_path``, other files by output path, and images that
    are made when they are asked for (None for what is no image)."""

    base_path: str = ""
    pages: Collection[str] = ()
    files: Mapping[str, Content] = field(default_factory=dict)
    image: Callable[[str], bytes | None] = lambda url: None
    not_found: str = "/404.html"


@dataclass(frozen=True)
class PageText:
    """A page as a browser gets it. ``version`` stands for it. Without ``content`` it could not be rendered."""

    content: bytes
    version: str


class Site(Protocol):
    """What the server asks for. It is called in the server's thread and must not block."""

    def shelf(self) -> Shelf | None:
        """None until the site has been read."""
        ...

    def page(self, url: str) -> Awaitable[PageText | None]: ...

    def said(self, client: Client, message: dict[str, Any]) -> None:
        """A browser has said something."""
        ...


class Client:
    """One tab of a browser. ``tell`` may be called in any thread."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.url: str | None = None
        """The page that it shows, by URL path without that of ``base_url``."""
        self.version = ""
        """What it has of that; empty where it shows something else in its place."""
        self.source: str | None = None
        """The path of the post that it shows."""
        self.panel: str | None = None
        """What it has been told of the page, where its author wants to know; empty where nothing yet."""
        self._loop = loop
        self._queue: asyncio.Queue[str | None] = asyncio.Queue()

    def tell(self, message: Mapping[str, Any]) -> None:
        text = json.dumps(message)
        with suppress(RuntimeError):  # the server has ended, and with it the tab's connection
            self._loop.call_soon_threadsafe(self._queue.put_nowait, text)

    def end(self) -> None:
        with suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._queue.put_nowait, None)

    async def next(self) -> str | None:
        return await self._queue.get()


class PreviewServer:
    """Serves a site at one port of one or two addresses. ``token`` is in each page: only who could read one may speak
    over the socket."""

    def __init__(self, sockets: list[socket.socket], host: str, site: Site) -> None:
        self.port = int(sockets[0].getsockname()[1])
        self.token = secrets.token_urlsafe(18)
        self._host, self._site, self._sockets = host, site, sockets
        self._clients: set[Client] = set()
        routes = [
            Route(OURS + "{name}", self._script, methods=["GET"]),
            WebSocketRoute(SOCKET, self._socket),
            Route("/{path:path}", self._file, methods=["GET"]),
        ]
        app = _Guard(Starlette(routes=routes), self.answers_for, self.port)
        self._server = Server(
            Config(
                app,
                http=_Protocol,
                ws="websockets-sansio",
                ws_max_size=LARGEST_MESSAGE,
                ws_per_message_deflate=False,
                lifespan="off",
                log_config=None,
                log_level="critical",
                access_log=False,
                server_header=False,
                backlog=2048,
            )
        )
        self._thread = threading.Thread(target=self._run, name="octavo-server", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """End at once, whatever browsers are waiting for. The port is free afterwards."""
        self._server.should_exit = self._server.force_exit = True
        for client in tuple(self._clients):
            client.end()
        if self._thread.is_alive():
            self._thread.join(PATIENCE)
        for listening in self._sockets:
            listening.close()

    def clients(self) -> tuple[Client, ...]:
        """The tabs that are open and have said which page they show."""
        return tuple(client for client in tuple(self._clients) if client.url is not None)

    def tell_all(self, message: Mapping[str, Any]) -> None:
        for client in self.clients():
            client.tell(message)

    def _run(self) -> None:
        self._server.run(sockets=self._sockets)

    def answers_for(self, name: str) -> bool:
        """Whether a request may name this host. Names are fixed, lest a page elsewhere has its own name lead here;
        addresses cannot be made to lead elsewhere, so where other machines may look, any address is ours."""
        name = name.lower().rstrip(".")
        if name in LOCAL or name == self._host.lower():
            return True
        if self._host in LOCAL:
            return False
        return _is_address(name) or name.partition(".")[0] == socket.gethostname().lower().partition(".")[0]

    # Requests.

    async def _script(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in SCRIPTS:
            return _plain(404, "Not Found")
        return _answer(request, Path(__file__).with_name(name).read_bytes(), "text/javascript")

    async def _file(self, request: Request) -> Response:
        shelf = self._site.shelf()
        if shelf is None:
            return _answer(request, self._marked(_NOT_READY, ""), "text/html", status=503)
        raw = request.scope.get("raw_path", b"").decode("latin-1")
        if shelf.base_path and raw in ("/", shelf.base_path):
            return _redirect(f"{shelf.base_path}/", request)
        url = url_for(raw, shelf)
        if url is None:
            return await self._missing(request, shelf) if raw.startswith("/") else _plain(400, "Bad Request")
        if url in shelf.pages:
            found = await self._site.page(url)
            if found is not None:
                kind = kind_of(urls.output_path(url))
                content = found.content or _FAILED
                status = 200 if found.content else 500
                if kind == "text/html":
                    content = self._marked(content, found.version)
                return _answer(request, content, kind, status=status)
            return await self._missing(request, shelf)
        path = urls.output_path(url)
        if path in shelf.files:
            try:
                data = await run_in_threadpool(shelf.files[path].read)
            except OSError:
                return await self._missing(request, shelf)
            return _answer(request, data, kind_of(path))
        image = await run_in_threadpool(shelf.image, url) if url.startswith(urls.PICTURES) else None
        if image is not None:
            return _answer(request, image, kind_of(path))
        if not url.endswith("/") and (url + "/" in shelf.pages or f"{path}/index.html" in shelf.files):
            return _redirect(raw + "/", request)
        return await self._missing(request, shelf)

    async def _missing(self, request: Request, shelf: Shelf) -> Response:
        found = await self._site.page(shelf.not_found) if shelf.not_found in shelf.pages else None
        content = self._marked((found.content if found else b"") or _NOT_FOUND, "")
        return _answer(request, content, "text/html", status=404)

    def _marked(self, page: bytes, version: str) -> bytes:
        return with_script(page, self.token, version)

    # The socket.

    async def _socket(self, socket: WebSocket) -> None:
        given = socket.query_params.get("token", "")
        if not self._is_own(socket.headers.getlist("origin")) or not secrets.compare_digest(
            given.encode(), self.token.encode()
        ):
            await socket.close()  # before it is accepted, this is an answer of 403
            return
        await socket.accept()
        client = Client(asyncio.get_running_loop())
        self._clients.add(client)
        sender = asyncio.create_task(self._send_all(client, socket))
        try:
            while True:
                message = json.loads(await socket.receive_text())
                if not isinstance(message, dict):
                    break
                path = message.get("path")
                if message.get("kind") == "hello" and isinstance(path, str):
                    client.url = self._url_now(path)
                self._site.said(client, message)
        except (WebSocketDisconnect, ValueError, KeyError, RuntimeError):
            pass  # it has gone, or is not one of ours
        finally:
            self._clients.discard(client)
            sender.cancel()

    def _url_now(self, path: str) -> str:
        """The URL of what a tab shows; empty where it is nothing that there is. (A tab is open for hours: were the
        shelf a name of whatever listens to it, all that the site was then would stay in memory.)"""
        shelf = self._site.shelf()
        return url_for(path, shelf) or "" if shelf is not None else ""

    async def _send_all(self, client: Client, socket: WebSocket) -> None:
        try:
            while (text := await client.next()) is not None:
                await socket.send_text(text)
            await socket.close(1001)
        except (WebSocketDisconnect, RuntimeError, OSError):
            pass  # it has gone

    def _is_own(self, origins: Iterable[str]) -> bool:
        """Whether a page of this very server asks: a browser says where the page comes from."""
        found = list(origins)
        if len(found) != 1:
            return False
        match = re.fullmatch(r"http://(\[[0-9a-fA-F:.]+\]|[^/:@\[\]?#\\]+)(?::(\d+))?", found[0])
        return match is not None and int(match[2] or 80) == self.port and self.answers_for(match[1].strip("[]"))


class _Guard:
    """Answers only requests that name this server, and puts on every answer what keeps it from other pages."""

    def __init__(self, app: ASGIApp, answers_for: Callable[[str], bool], port: int) -> None:
        self._app, self._answers_for = app, answers_for

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def guarded(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *_HEADERS]
            await send(message)

        hosts = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
        if len(hosts) == 1 and self._answers_for(_name_in(hosts[0])):
            too_long = _too_long(scope)
            if too_long is not None:
                await too_long(scope, receive, guarded)
                return
            if scope["type"] == "http" and scope["method"] not in ("GET", "HEAD"):
                refusal = _plain(405, "Method Not Allowed", {"Allow": "GET, HEAD", "Connection": "close"})
                await refusal(scope, receive, guarded)
                return
            await self._app(scope, receive, guarded)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close"})
        else:
            refusal = _plain(403, "this preview answers for this machine only", {"Connection": "close"})
            await refusal(scope, receive, guarded)


LONGEST_ADDRESS = 8_192
LARGEST_HEAD = 32_768
MOST_HEADERS = 100
"""Bytes of an address and of all headers, and how many there may be of these."""


def _too_long(scope: Scope) -> Response | None:
    """The refusal of a request whose address or headers are too long for any that a browser would send."""
    if len(scope.get("raw_path", b"")) + len(scope["query_string"]) > LONGEST_ADDRESS:
        return _plain(414, "URI Too Long", {"Connection": "close"})
    headers = scope["headers"]
    if len(headers) > MOST_HEADERS or sum(len(name) + len(value) for name, value in headers) > LARGEST_HEAD:
        return _plain(431, "Request Header Fields Too Large", {"Connection": "close"})
    return None


_HEADERS = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"cross-origin-resource-policy", b"same-origin"),
)


def _name_in(host: str) -> str:
    """The name or address in a Host header."""
    name, _, port = host.rpartition(":")
    name = name if name and port.isdigit() else host
    return name[1:-1] if name.startswith("[") and name.endswith("]") else name


class _Protocol(H11Protocol):
    """uvicorn's own, for a browser that sends its request in time."""

    _deadline: asyncio.TimerHandle | None = None
    _has_ended = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._deadline = self.loop.call_later(SLOWEST, self._late, self.cycle)

    def eof_received(self) -> bool | None:  # type: ignore[override]
        """A browser that will say no more may still be waiting for its answer."""
        self._has_ended = True
        return self.cycle is not None and not self.cycle.response_complete

    def on_response_complete(self) -> None:
        self._expect()
        super().on_response_complete()
        if self._has_ended and (self.cycle is None or self.cycle.response_complete):
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        super().connection_lost(exc)

    def _expect(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = self.loop.call_later(SLOWEST, self._late, self.cycle)

    def _late(self, last: Any) -> None:
        """No request has come since the last one."""
        if self.cycle is last and self.transport.get_protocol() is self:
            self.transport.abort()


# Answers.


def url_for(path: str, shelf: Shelf) -> str | None:
    """The URL path within the site that a request means, as it stands in the request; None for what is none.

    It is only looked up among what there is, never on the disk.
    """
    try:
        decoded = unquote_to_bytes(path.encode("latin-1", "strict") if path.isascii() else path.encode()).decode()
    except UnicodeError:
        try:
            decoded = unquote_to_bytes(path.encode("latin-1")).decode()
        except UnicodeError:
            return None
    if not decoded.startswith("/") or "\0" in decoded:
        return None
    if shelf.base_path:
        if not decoded.startswith(shelf.base_path + "/"):
            return None
        decoded = decoded.removeprefix(shelf.base_path)
    folder = decoded.removesuffix("index.html")
    return folder if folder != decoded and folder.endswith("/") and folder in shelf.pages else decoded


def with_script(page: bytes, token: str, version: str) -> bytes:
    """A page with the script that keeps it as it should be; only the preview has it. It is the first of all that wait
    for the page, so that it sees the page as it was sent."""
    script = "".join(f'<script src="{OURS}{name}" defer></script>' for name in SCRIPTS[:-1])
    script += f'<script src="{OURS}{SCRIPTS[-1]}" data-token="{token}" data-version="{version}" defer></script>'
    for mark in _TOP:
        found = mark.search(page)
        if found is not None:
            return page[: found.end()] + script.encode() + page[found.end() :]
    return page + script.encode()


_TOP = tuple(re.compile(rb"<" + name + rb"(?:\s[^>]*)?>", re.IGNORECASE) for name in (b"head", b"html", b"!doctype"))
"""The tags behind which a script is in the head of the page, the best first."""

_POLICY = re.compile(rb"(<meta\s[^>]*?)(?=\bhttp-equiv\s*=\s*[\"']?content-security-policy\b)", re.IGNORECASE)


def without_policy(page: bytes) -> bytes:
    """A page whose content security policy is read by nobody. It would allow what the page has, by its digest, and not
    what the page becomes; a browser takes none back."""
    return _POLICY.sub(rb"\1data-octavo-", page)


def _plain(status: int, text: str, headers: Mapping[str, str] | None = None) -> Response:
    return Response(f"{text}\n", status, headers, "text/plain")


def _redirect(address: str, request: Request) -> Response:
    query = request.scope.get("query_string", b"").decode("latin-1")
    return RedirectResponse(quote(address, safe="/%~!$&'()*+,;=:@") + (f"?{query}" if query else ""), 302)


def _answer(request: Request, content: bytes, kind: str, status: int = 200) -> Response:
    """The content, or the part of it that is asked for, or nothing where the browser has it."""
    etag = f'"{blake2b(content, digest_size=12).hexdigest()}"'
    charset = "; charset=utf-8" if kind.startswith("text/") or kind.endswith(("xml", "json")) else ""
    headers = {"ETag": etag, "Accept-Ranges": "bytes", "Content-Type": kind + charset}
    if status != 200:
        return Response(content, status, {"Content-Type": kind + charset})
    if etag in [tag.strip() for tag in request.headers.get("if-none-match", "").split(",")]:
        return Response(b"", 304, headers)
    wanted = request.headers.get("range")
    if wanted is not None and request.headers.get("if-range", etag) == etag:
        part = range_of(wanted, len(content))
        if part is not None:
            first, last = part
            if first > last:
                return Response(b"", 416, {**headers, "Content-Range": f"bytes */{len(content)}"})
            headers["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
            return Response(content[first : last + 1], 206, headers)
    return Response(content, 200, headers)


_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


def range_of(wanted: str, size: int) -> tuple[int, int] | None:
    """The first and the last byte that a Range header means (RFC 9110, 14.1.2); the last before the first where there
    are none; None for what is answered with the whole: several ranges, or no range at all."""
    match = _RANGE.fullmatch(wanted.strip())
    if match is None or match[0] == "bytes=-":
        return None
    first, last = match[1], match[2]
    if not first:
        count = min(int(last), size)
        return (size - count, size - 1)
    if last and int(last) < int(first):
        return None
    return (int(first), min(int(last), size - 1) if last else size - 1) if int(first) < size else (1, 0)


_TYPES = mimetypes.MimeTypes()
"""Python's own table: that of the system differs from one machine to the next."""

for _ending, _type in {
    ".avif": "image/avif",
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
}.items():
    _TYPES.add_type(_type, _ending)


def kind_of(path: str) -> str:
    """The media type of a file by its name."""
    kind, encoding = _TYPES.guess_type(f"/{path}")
    return (kind if encoding is None else None) or "application/octet-stream"


# Ports.


FILES = 4096
"""Files that a process with a socket for each tab may have open, if the system lets it."""


def allow_many_files() -> None:
    """A system may allow a process 256 open files, and more to those that ask."""
    if sys.platform != "win32":
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))


def listen(host: str, port: int, tries: int) -> list[socket.socket]:
    """Sockets at the first free port of so many. For this machine there are two, for a browser may take ``localhost``
    for either of its addresses. Raises OSError when there is no free port, or the host is none of this machine."""
    last = min(port + tries, 65536) - 1
    for candidate in range(port, last + 1):
        sockets: list[socket.socket] = []
        try:
            sockets.append(_bound(host, candidate))
            if host in ("127.0.0.1", "localhost") and _has_ipv6():
                sockets.append(_bound("::1", sockets[0].getsockname()[1]))
            return sockets
        except OSError as problem:
            for bound in sockets:
                bound.close()
            if problem.errno not in (errno.EADDRINUSE, errno.EACCES) or candidate == last:
                raise
    return []


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    try:
        # On Windows this would let two servers have one port.
        if os.name == "posix":
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        made.bind((host, port))
        made.listen(2048)
    except OSError:
        made.close()
        raise
    return made


def _has_ipv6() -> bool:
    """Whether this machine can call itself by ::1."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as trial:
            trial.bind(("::1", 0))
    except OSError:
        return False
    return True


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
