"""A plain web server for the preview: it gives this machine's browsers what the last build made, and nothing else."""

from __future__ import annotations

import errno
import ipaddress
import json
import mimetypes
import os
import socket
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import TCPServer
from typing import Any
from urllib.parse import quote, unquote_to_bytes, urlsplit

RELOAD = "/_octavo/reload.js"
STATE = "/_octavo/state"

SCRIPT = Path(__file__).with_name("reload.js")

NOT_BUILT = b"<!doctype html>\n<title>Not built yet</title>\n<body><p>The site is not built yet.</p></body>\n"
"""What is shown before there is a site: a page, so that it is loaded again when there is one."""

SLOWEST = 15
"""Seconds within which a browser sends its request."""

LOCAL = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True)
class Preview:
    """What the server shows: the files of a build below ``base_path``, the number of the build and its problems."""

    folder: Path
    files: frozenset[str]
    base_path: str
    build: int
    problems: str = ""


class PreviewServer(ThreadingHTTPServer):
    """Serves the preview that ``current`` gives at the moment of a request. Raises OSError when it cannot listen."""

    daemon_threads = True
    # On Windows this would let two servers have one port.
    allow_reuse_address = os.name == "posix"

    def __init__(self, host: str, port: int, current: Callable[[], Preview]) -> None:
        self.current = current
        self.host = host
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        super().__init__((host, port), _Handler)

    def server_bind(self) -> None:
        # The standard one asks the network for the name of this machine, which may take long.
        if self.address_family == socket.AF_INET6:
            self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.host, self.socket.getsockname()[1]

    def start(self) -> None:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()

    def stop(self) -> None:
        self.shutdown()
        self.server_close()

    def answers_for(self, name: str) -> bool:
        """Whether a request may name this host. Names are fixed, lest a page elsewhere has its own name lead here;
        addresses cannot be made to lead elsewhere, so where other machines may look, any address is ours."""
        name = name.lower().rstrip(".")
        if name in LOCAL or name == self.host.lower():
            return True
        if self.host in LOCAL:
            return False
        return _is_address(name) or name.partition(".")[0] == socket.gethostname().lower().partition(".")[0]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that has gone is of no interest; what else there may be is one line."""
        problem = sys.exception() if sys.version_info >= (3, 12) else sys.exc_info()[1]
        if not isinstance(problem, ConnectionError | TimeoutError):
            print(f"octavo: a request could not be answered ({problem!r})", file=sys.stderr)


def listen(host: str, port: int, tries: int, current: Callable[[], Preview]) -> list[PreviewServer]:
    """Servers at the first free port of so many. For this machine there are two, for a browser may take ``localhost``
    for either of its addresses. Raises OSError when there is no free port, or the host is none of this machine."""
    last = min(port + tries, 65536) - 1
    for candidate in range(port, last + 1):
        servers: list[PreviewServer] = []
        try:
            servers.append(PreviewServer(host, candidate, current))
            if host in ("127.0.0.1", "localhost") and _has_ipv6():
                servers.append(PreviewServer("::1", servers[0].server_port, current))
            return servers
        except OSError as problem:
            for server in servers:
                server.server_close()
            if problem.errno not in (errno.EADDRINUSE, errno.EACCES) or candidate == last:
                raise
    return []


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


class _Handler(BaseHTTPRequestHandler):
    server: PreviewServer
    protocol_version = "HTTP/1.1"
    default_request_version = "HTTP/1.0"
    timeout = SLOWEST

    def do_GET(self) -> None:
        if not self._is_for_us():
            self.send_error(HTTPStatus.FORBIDDEN, "this preview answers for this machine only")
            return
        preview = self.server.current()
        try:
            path = urlsplit(self.path).path
        except ValueError:
            self.send_error(HTTPStatus.BAD_REQUEST)
            return
        if path == STATE:
            body = json.dumps({"build": preview.build, "problems": preview.problems}).encode()
            self._answer(HTTPStatus.OK, body, "application/json")
        elif path == RELOAD:
            self._answer(HTTPStatus.OK, SCRIPT.read_bytes(), "text/javascript")
        elif path == "/" and preview.base_path:
            self._redirect(f"{preview.base_path}/")
        else:
            self._page(preview, path)

    do_HEAD = do_GET

    def _page(self, preview: Preview, path: str) -> None:
        name = file_for(path, preview)
        if name is None and not path.endswith("/") and file_for(path + "/", preview) is not None:
            self._redirect(path + "/")
            return
        status = HTTPStatus.OK if name is not None else HTTPStatus.NOT_FOUND
        name = name or ("404.html" if "404.html" in preview.files else None)
        try:
            body = (preview.folder / name).read_bytes() if name else NOT_BUILT
        except OSError:
            status, name, body = HTTPStatus.NOT_FOUND, None, NOT_BUILT
        kind = _kind(name) if name else "text/html"
        if kind == "text/html":
            body = with_reload(body)
        self._answer(status, body, kind)

    def _is_for_us(self) -> bool:
        hosts = self.headers.get_all("Host") or []
        if len(hosts) != 1:
            return False
        name, _, port = hosts[0].rpartition(":")
        name = name if name and port.isdigit() else hosts[0]
        return self.server.answers_for(name[1:-1] if name.startswith("[") and name.endswith("]") else name)

    def _redirect(self, address: str) -> None:
        query = urlsplit(self.path).query
        self.send_response(HTTPStatus.FOUND)
        self.send_header("Location", quote(address, safe="/%~!$&'()*+,;=:@") + (f"?{query}" if query else ""))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _answer(self, status: HTTPStatus, body: bytes, kind: str, headers: tuple[tuple[str, str], ...] = ()) -> None:
        self.send_response(status)
        charset = "; charset=utf-8" if kind.startswith("text/") or kind.endswith(("xml", "json")) else ""
        self.send_header("Content-Type", kind + charset)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cross-Origin-Resource-Policy", "same-origin")
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Refuse a request, in plain text, and hear no more of it: what follows may be a body that we do not want."""
        status = HTTPStatus(code)
        headers: tuple[tuple[str, str], ...] = (("Connection", "close"),)
        if status is HTTPStatus.NOT_IMPLEMENTED:
            status, message = HTTPStatus.METHOD_NOT_ALLOWED, None
            headers = (*headers, ("Allow", "GET, HEAD"))
        self.close_connection = True
        self._answer(status, f"{message or status.phrase}\n".encode("utf-8", "replace"), "text/plain", headers)

    def version_string(self) -> str:
        return "Octavo"

    def log_message(self, format: str, *args: object) -> None:
        """Requests are of no interest to an author."""


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


def _kind(name: str) -> str:
    kind, encoding = _TYPES.guess_type(f"/{name}")
    return (kind if encoding is None else None) or "application/octet-stream"


def file_for(path: str, preview: Preview) -> str | None:
    """The published file at a URL path, as it stands in a request; None when the build made none there, whatever lies
    on the disk."""
    try:
        decoded = unquote_to_bytes(path.encode("latin-1")).decode()
    except UnicodeError:
        return None
    base = preview.base_path
    if base:
        if not decoded.startswith(base + "/"):
            return None
        decoded = decoded.removeprefix(base)
    name = decoded.removeprefix("/")
    if name == "" or name.endswith("/"):
        name += "index.html"
    # Published paths are plain: what has '..' or an empty part in it is none of them.
    return name if name in preview.files else None


def with_reload(page: bytes) -> bytes:
    """A page with the script that loads it again; only the preview has it."""
    script = f'<script src="{RELOAD}" defer></script>'.encode()
    place = page.rfind(b"</body>")
    return page + script if place < 0 else page[:place] + script + page[place:]
