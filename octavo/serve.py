"""A plain web server for the preview: it gives this machine's browsers what the last build made, and nothing else."""

from __future__ import annotations

import json
import mimetypes
import posixpath
import threading
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

RELOAD = "/_octavo/reload.js"
STATE = "/_octavo/state"

SCRIPT = Path(__file__).with_name("reload.js")


@dataclass(frozen=True)
class Preview:
    """What the server shows: the files of a build below ``base_path``, the number of the build and its problems."""

    folder: Path
    files: frozenset[str]
    base_path: str
    build: int
    problems: str = ""


class PreviewServer(ThreadingHTTPServer):
    """Serves the preview that ``current`` gives at the moment of a request. Raises OSError when the port is taken."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, host: str, port: int, current: Callable[[], Preview]) -> None:
        self.current = current
        self.hosts = {"localhost", "127.0.0.1", "[::1]", host}
        super().__init__((host, port), _Handler)

    def start(self) -> None:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()


class _Handler(BaseHTTPRequestHandler):
    server: PreviewServer
    protocol_version = "HTTP/1.1"
    timeout = 15

    def do_GET(self) -> None:
        if not self._is_for_us():
            self._answer(HTTPStatus.FORBIDDEN, b"this preview answers for this machine only\n", "text/plain")
            return
        preview = self.server.current()
        path = urlsplit(self.path).path
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
            body = (preview.folder / name).read_bytes() if name else b"not found\n"
        except OSError:
            self._answer(HTTPStatus.NOT_FOUND, b"not found\n", "text/plain")
            return
        kind = (mimetypes.guess_type(name)[0] if name else None) or "application/octet-stream"
        if kind == "text/html":
            body = with_reload(body)
        self._answer(status, body, kind)

    def _is_for_us(self) -> bool:
        """A foreign name in Host is a page elsewhere that had its name point here."""
        hosts = self.headers.get_all("Host") or []
        if len(hosts) != 1:
            return False
        name = hosts[0].lower()
        name = name.rsplit(":", 1)[0] if not name.endswith("]") else name
        return name in self.server.hosts

    def _redirect(self, address: str) -> None:
        self.send_response(HTTPStatus.FOUND)
        self.send_header("Location", address)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _answer(self, status: HTTPStatus, body: bytes, kind: str) -> None:
        self.send_response(status)
        charset = "; charset=utf-8" if kind.startswith("text/") or kind.endswith(("xml", "json")) else ""
        self.send_header("Content-Type", kind + charset)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Cross-Origin-Resource-Policy", "same-origin")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Requests are of no interest to an author."""


def file_for(path: str, preview: Preview) -> str | None:
    """The published file at a URL path; None when the build made none there, whatever lies on the disk."""
    decoded = unquote(path)
    base = preview.base_path
    if base:
        if not decoded.startswith(base + "/"):
            return None
        decoded = decoded.removeprefix(base)
    name = decoded.removeprefix("/")
    if name == "" or name.endswith("/"):
        name += "index.html"
    return name if name in preview.files and posixpath.normpath(name) == name else None


def with_reload(page: bytes) -> bytes:
    """A page with the script that loads it again; only the preview has it."""
    script = f'<script src="{RELOAD}" defer></script>'.encode()
    place = page.rfind(b"</body>")
    return page + script if place < 0 else page[:place] + script + page[place:]
