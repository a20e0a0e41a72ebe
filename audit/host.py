"""A host for a built site, as good static hosts are: compressed text, ``404.html``, and the headers of ``_headers``."""

from __future__ import annotations

import gzip
import mimetypes
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import unquote, urlsplit

_KINDS = {".avif": "image/avif", ".webp": "image/webp", ".woff2": "font/woff2", ".md": "text/markdown"}
_TEXT = re.compile(r"text/|application/(?:json|xml|javascript|feed\+json|atom\+xml)|image/svg")


@dataclass(frozen=True)
class Answer:
    status: int
    kind: str
    body: bytes
    headers: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Host:
    """A folder that a build published."""

    folder: Path

    @cached_property
    def rules(self) -> tuple[tuple[re.Pattern[str], tuple[tuple[str, str], ...]], ...]:
        file = self.folder / "_headers"
        return tuple(header_rules(file.read_text("utf-8"))) if file.is_file() else ()

    def answer(self, target: str) -> Answer:
        """What an address gets; ``target`` is that of a request."""
        path = unquote(urlsplit(target).path)
        file, status = self._file(path), 200
        if file is None:
            file, status = self.folder / "404.html", 404
        if not file.is_file():
            return Answer(404, "text/plain; charset=utf-8", b"not found\n", ())
        kind = _KINDS.get(file.suffix) or mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        if _TEXT.match(kind):
            kind += "; charset=utf-8"
        headers = [header for pattern, some in self.rules if pattern.fullmatch(path) for header in some]
        return Answer(status, kind, file.read_bytes(), tuple(headers))

    def _file(self, path: str) -> Path | None:
        parts = [part for part in path.split("/") if part]
        if ".." in parts:
            return None
        file = self.folder.joinpath(*parts)
        if path.endswith("/"):
            file = file / "index.html"
        return file if file.is_file() else None


def header_rules(text: str) -> Iterator[tuple[re.Pattern[str], tuple[tuple[str, str], ...]]]:
    """(addresses, headers) of each rule of a ``_headers`` file: a line with an address, in which ``*`` and ``:name``
    stand for anything, and below it indented lines ``Name: value``."""
    pattern: re.Pattern[str] | None = None
    headers: list[tuple[str, str]] = []
    for line in [*text.splitlines(), "/"]:
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if line[0] in " \t":
            name, _, value = line.strip().partition(":")
            headers.append((name.strip(), value.strip()))
            continue
        if pattern is not None:
            yield pattern, tuple(headers)
        pieces = re.split(r"(\*|:[A-Za-z]\w*)", unquote(line.strip()))
        pattern, headers = (
            re.compile(
                "".join(
                    ".*" if piece == "*" else "[^/]+" if number % 2 else re.escape(piece)
                    for number, piece in enumerate(pieces)
                )
            ),
            [],
        )


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder on a free port of this machine, and hand out the address that its paths follow."""
    host = Host(folder)
    compressed: dict[bytes, bytes] = {}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            answer = host.answer(self.path)
            body, headers = _sent(answer, self.headers.get("Accept-Encoding", ""), compressed)
            self.send_response(answer.status)
            for name, value in headers.items():
                self.send_header(name, value)
            for name, value in answer.headers:
                self.send_header(name, value)
            self.end_headers()
            # A tab that is closed while something arrives wants no more of it.
            with suppress(ConnectionError):
                self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _sent(answer: Answer, accepted: str, compressed: dict[bytes, bytes]) -> tuple[bytes, Mapping[str, str]]:
    headers = {"Content-Type": answer.kind, "Cache-Control": "no-cache"}
    body = answer.body
    if "gzip" in accepted and _TEXT.match(answer.kind):
        if body not in compressed:
            compressed[body] = gzip.compress(body, 6, mtime=0)
        body = compressed[body]
        headers["Content-Encoding"] = "gzip"
    return body, {**headers, "Content-Length": str(len(body))}
