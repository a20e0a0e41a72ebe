"""The preview's server, for this machine's browsers.

It gives them what the build would make, and tells them of what is new.

An ASGI application (Starlette) on uvicorn, in a thread of its own. Pages come from the app, one at a time; other files
are read here. A browser says over a WebSocket which page it shows, and is sent what that becomes.

All that is here runs in the server's thread, but for ``start``, ``stop`` and what opens the sockets, which belong to
the app's thread. Of the app, it calls only what ``App`` has, and that must not block.
"""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import os
import re
import secrets
import socket
import sys
import threading
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect
from uvicorn import Config, Server
from uvicorn.protocols.http.h11_impl import H11Protocol

from octavo.base import urls
from octavo.preview.messages import Client, Clients, FromBrowser, HelloMessage, decode
from octavo.preview.static_files import (
    OWN_PATH,
    SCRIPTS,
    ServedPage,
    ServedSite,
    add_scripts,
    guess_media_type,
    make_plain_response,
    make_response,
    redirect,
    resolve_url,
)

SOCKET = OWN_PATH + "socket"

REQUEST_SECONDS = 15.0
"""Within so long a browser sends its request."""

SHUTDOWN_SECONDS = 0.7
"""Within so long the server ends."""

LARGEST_MESSAGE_BYTES = 65_536
"""What a browser may say at once over a socket."""

LOCAL = ("127.0.0.1", "::1", "localhost")

_NOT_READY = b"<!doctype html>\n<title>Not read yet</title>\n<body><p>The site is being read.</p></body>\n"
_NOT_FOUND = b"<!doctype html>\n<title>Not found</title>\n<body><p>There is no such page.</p></body>\n"
_FAILED = b"<!doctype html>\n<title>Errors</title>\n<body><p>This page is shown when its errors are gone.</p></body>\n"


class App(Protocol):
    """What the server asks for, in its own thread.

    None of it may block.
    """

    def site(self) -> ServedSite | None:
        """None until the site has been read."""
        ...

    def page(self, url: str) -> Awaitable[ServedPage | None]: ...

    def receive(self, client: Client, message: FromBrowser) -> None:
        """A tab has said something."""
        ...


class PreviewServer:
    """Serves a site at one port of one or two addresses.

    ``token`` is in each page: only who could read one may speak over the socket.
    """

    def __init__(self, sockets: list[socket.socket], host: str, app: App, clients: Clients) -> None:
        self.port = int(sockets[0].getsockname()[1])
        self.token = secrets.token_urlsafe(18)
        self._host, self._app, self._sockets, self._clients = host, app, sockets, clients
        routes = [
            Route(OWN_PATH + "{name}", self._script, methods=["GET"]),
            WebSocketRoute(SOCKET, self._socket),
            Route("/{path:path}", self._file, methods=["GET"]),
        ]
        guarded = _Guard(Starlette(routes=routes), self.answers_for, self.port)
        self._server = Server(
            Config(
                guarded,
                http=_Protocol,
                ws="websockets-sansio",
                ws_max_size=LARGEST_MESSAGE_BYTES,
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
        """End at once, whatever browsers are waiting for.

        The port is free afterwards.
        """
        # First the flags, which the server looks at once a turn, then the tabs, so that none keeps it waiting; the
        # sockets last, for the server's thread may still listen at them until it has ended.
        self._server.should_exit = self._server.force_exit = True
        for client in self._clients.connected():
            client.end()
        if self._thread.is_alive():
            self._thread.join(SHUTDOWN_SECONDS)
        for listening in self._sockets:
            listening.close()

    def _run(self) -> None:
        self._server.run(sockets=self._sockets)

    def answers_for(self, name: str) -> bool:
        """Whether a request may name this host.

        Names are fixed, lest a page elsewhere has its own name lead here; addresses cannot be made to lead
        elsewhere, so where other machines may look, any address is ours.
        """
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
            return make_plain_response(404, "Not Found")
        return make_response(request, (Path(__file__).parent / SCRIPTS[name]).read_bytes(), "text/javascript")

    async def _file(self, request: Request) -> Response:
        # Asked for once: the app may exchange the site while this request waits.
        site = self._app.site()
        if site is None:
            return make_response(request, self._with_scripts(_NOT_READY, ""), "text/html", status=503)
        raw = request.scope.get("raw_path", b"").decode("latin-1")
        if site.base_path and raw in ("/", site.base_path):
            return redirect(f"{site.base_path}/", request)
        url = resolve_url(raw, site)
        if url is None:
            if raw.startswith("/"):
                return await self._missing(request, site)
            return make_plain_response(400, "Bad Request")
        if url in site.pages:
            page = await self._app.page(url)
            return self._page_response(request, url, page) if page is not None else await self._missing(request, site)
        path = urls.output_path(url)
        if path in site.files:
            try:
                data = await run_in_threadpool(site.files[path].read)
            except OSError:
                return await self._missing(request, site)
            return make_response(request, data, guess_media_type(path))
        image = await run_in_threadpool(site.image, url) if url.startswith(urls.PICTURES) else None
        if image is not None:
            return make_response(request, image, guess_media_type(path))
        if not url.endswith("/") and (url + "/" in site.pages or f"{path}/index.html" in site.files):
            return redirect(raw + "/", request)
        return await self._missing(request, site)

    def _page_response(self, request: Request, url: str, page: ServedPage) -> Response:
        media_type = guess_media_type(urls.output_path(url))
        content = page.content or _FAILED
        if media_type == "text/html":
            content = self._with_scripts(content, page.version)
        return make_response(request, content, media_type, status=200 if page.content else 500)

    async def _missing(self, request: Request, site: ServedSite) -> Response:
        page = await self._app.page(site.not_found) if site.not_found in site.pages else None
        content = self._with_scripts((page.content if page else b"") or _NOT_FOUND, "")
        return make_response(request, content, "text/html", status=404)

    def _with_scripts(self, page: bytes, version: str) -> bytes:
        return add_scripts(page, self.token, version)

    # The socket.

    async def _socket(self, socket: WebSocket) -> None:
        token = socket.query_params.get("token", "")
        if not self._is_own(socket.headers.getlist("origin")) or not secrets.compare_digest(
            token.encode(), self.token.encode()
        ):
            await socket.close()  # before it is accepted, this is an answer of 403
            return
        await socket.accept()
        client = Client(asyncio.get_running_loop())
        self._clients.add(client)
        sender = asyncio.create_task(self._send_all(client, socket))
        try:
            while True:
                message = decode(await socket.receive_text())
                if isinstance(message, HelloMessage):
                    # Here and not in the app's thread: a tab is told of all that changes from now on, also of what is
                    # under way there, which may be the very first reading of the site.
                    client.introduce(self._url_now(message.path), message.version)
                if message is not None:
                    self._app.receive(client, message)
        except (WebSocketDisconnect, ValueError, KeyError, RuntimeError):
            pass  # it has gone, or is not one of ours
        finally:
            self._clients.discard(client)
            sender.cancel()

    def _url_now(self, path: str) -> str:
        """The URL of what a tab shows; empty where there is no such thing.

        A tab is open for hours: were the site a local of ``_socket``, all that the site was then would stay in
        memory.
        """
        site = self._app.site()
        return resolve_url(path, site) or "" if site is not None else ""

    async def _send_all(self, client: Client, socket: WebSocket) -> None:
        try:
            while (text := await client.next_text()) is not None:
                await socket.send_text(text)
            await socket.close(1001)
        except (WebSocketDisconnect, RuntimeError, OSError):
            pass  # it has gone

    def _is_own(self, origins: Iterable[str]) -> bool:
        """Whether a page of this very server asks.

        A browser says where the page comes from.
        """
        names = list(origins)
        if len(names) != 1:
            return False
        match = re.fullmatch(r"http://(\[[0-9a-fA-F:.]+\]|[^/:@\[\]?#\\]+)(?::(\d+))?", names[0])
        return match is not None and int(match[2] or 80) == self.port and self.answers_for(match[1].strip("[]"))


class _Guard:
    """Answers only requests that name this server.

    It puts on every answer what keeps it from other pages.
    """

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
                refusal = make_plain_response(405, "Method Not Allowed", {"Allow": "GET, HEAD", "Connection": "close"})
                await refusal(scope, receive, guarded)
                return
            await self._app(scope, receive, guarded)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close"})
        else:
            refusal = make_plain_response(403, "this preview answers for this machine only", {"Connection": "close"})
            await refusal(scope, receive, guarded)


LONGEST_ADDRESS_BYTES = 8_192
LARGEST_HEAD_BYTES = 32_768
MOST_HEADERS = 100
"""What a browser may send: of an address, of all headers, and how many of these."""


def _too_long(scope: Scope) -> Response | None:
    """Refuse addresses and headers longer than any browser would send.

    None where they are not.
    """
    if len(scope.get("raw_path", b"")) + len(scope["query_string"]) > LONGEST_ADDRESS_BYTES:
        return make_plain_response(414, "URI Too Long", {"Connection": "close"})
    headers = scope["headers"]
    if len(headers) > MOST_HEADERS or sum(len(name) + len(value) for name, value in headers) > LARGEST_HEAD_BYTES:
        return make_plain_response(431, "Request Header Fields Too Large", {"Connection": "close"})
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
    """uvicorn's HTTP protocol, with a deadline for each request.

    It also answers a browser that has closed its half of the connection.
    """

    # uvicorn has no setting for either, so this uses what it does not document: of the protocol ``loop``,
    # ``transport``, ``cycle`` (the request under way or the last one, another object for each) and
    # ``on_response_complete`` (called once for each response); of a cycle ``response_complete``. When one of them goes,
    # mypy notices, and in test_server.py what a browser that is slow to ask, or that says no more, is answered.
    _deadline: asyncio.TimerHandle | None = None
    _has_ended = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._deadline = self.loop.call_later(REQUEST_SECONDS, self._abort_if_idle, self.cycle)

    def eof_received(self) -> bool | None:  # type: ignore[override]
        """A browser that will say no more may still be waiting for its answer."""
        self._has_ended = True
        return self.cycle is not None and not self.cycle.response_complete

    def on_response_complete(self) -> None:
        self._restart_deadline()
        super().on_response_complete()
        if self._has_ended and (self.cycle is None or self.cycle.response_complete):
            self.transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        super().connection_lost(exc)

    def _restart_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = self.loop.call_later(REQUEST_SECONDS, self._abort_if_idle, self.cycle)

    def _abort_if_idle(self, last: Any) -> None:
        """Close the connection where no request has come since the last one."""
        # The transport of a WebSocket has been given another protocol, which is not to be ended.
        if self.cycle is last and self.transport.get_protocol() is self:
            self.transport.abort()


# Ports.


OPEN_FILES = 4096
"""Files that a process with a socket for each tab may have open, if the system lets it."""


def allow_many_files() -> None:
    """A system may allow a process 256 open files, and more to those that ask."""
    if sys.platform != "win32":
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        enough = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
        with suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, enough), hard))


def listen(host: str, port: int, tries: int) -> list[socket.socket]:
    """Open sockets at the first free port of so many.

    For this machine there are two, for a browser may take ``localhost`` for either of its addresses. Raises OSError
    when there is no free port, or the host is none of this machine.
    """
    last = min(port + tries, 65536) - 1
    for candidate in range(port, last + 1):
        sockets: list[socket.socket] = []
        try:
            sockets.append(_bind(host, candidate))
            if host in ("127.0.0.1", "localhost") and _has_ipv6():
                sockets.append(_bind("::1", sockets[0].getsockname()[1]))
            return sockets
        except OSError as problem:
            for bound in sockets:
                bound.close()
            if problem.errno not in (errno.EADDRINUSE, errno.EACCES) or candidate == last:
                raise
    return []


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        # On Windows this would let two servers have one port.
        if os.name == "posix":
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listening.bind((host, port))
        listening.listen(2048)
    except OSError:
        listening.close()
        raise
    return listening


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
