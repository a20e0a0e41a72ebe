"""The preview's server: what it gives to whom. Requests are raw bytes."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from octavo.preview import server as preview_server
from octavo.preview.messages import (
    Client,
    Clients,
    FilesMessage,
    FromBrowser,
    HelloMessage,
    PageMessage,
    ProblemsMessage,
)
from octavo.preview.server import PreviewServer, listen
from octavo.preview.static_files import (
    ServedPage,
    ServedSite,
    StaticFile,
    add_scripts,
    disable_policy,
    parse_range,
    resolve_url,
)

SOON = 30.0
"""Seconds: a time-out with a wide margin, not a measurement."""

FILES = {
    "index.html": "<html><body>home</body></html>",
    "posts/a/index.html": "<html><body>post a</body></html>",
    "posts/zoë/index.html": "<html><body>zoë</body></html>",
    "404.html": "<html><body>no such page</body></html>",
    "feed.xml": "<feed/>",
    "assets/style.css": "body {}",
    "assets/script.js": "1",
    "assets/font.woff2": "font",
    "picture.webp": "picture",
    "CNAME": "test.example",
}


@dataclass(frozen=True)
class Response:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


def exchange(port: int, request: bytes, host: str = "127.0.0.1") -> bytes:
    """Everything that is answered until the server closes the connection."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as connection:
        connection.settimeout(SOON)
        connection.connect((host, port))
        answer = b""
        try:
            connection.sendall(request)
            # A server that has refused and gone leaves nothing to shut down.
            with suppress(OSError):
                connection.shutdown(socket.SHUT_WR)
            while block := connection.recv(65536):
                answer += block
        except ConnectionError:
            pass  # refused while we were still speaking: what it said before counts
        return answer


def parsed(answer: bytes) -> Response:
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    pairs = [line.partition(": ") for line in lines]
    return Response(int(first.split()[1]), {name.lower(): value for name, _, value in pairs}, body)


def get(port: int, path: str, method: str = "GET", host: str = "localhost", headers: str = "") -> Response:
    request = f"{method} {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{headers}\r\n"
    return parsed(exchange(port, request.encode("utf-8")))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A build with its files, and around and among them what is not of it."""
    site = tmp_path / "site"
    for name, text in FILES.items():
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text(text)
    for name in ("../secret.txt", ".git/config", ".env", "planted.html", "planted/index.html"):
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text("secret")
    (site / "link").symlink_to("/etc/passwd")
    return site


@dataclass
class FakeApp:
    """A site of fixed pages; ``served`` may be exchanged for another."""

    served: ServedSite | None
    folder: Path
    received: list[tuple[Client, FromBrowser]] = field(default_factory=list)

    def site(self) -> ServedSite | None:
        return self.served

    def page(self, url: str) -> Awaitable[ServedPage | None]:
        async def read() -> ServedPage | None:
            file = self.folder / f"{url}/index.html".lstrip("/") if url.endswith("/") else self.folder / url.lstrip("/")
            return ServedPage(file.read_bytes(), "v7") if file.is_file() else None

        return read()

    def receive(self, client: Client, message: FromBrowser) -> None:
        self.received.append((client, message))


def fake(folder: Path, base_path: str = "") -> FakeApp:
    pages = {f"/{name.removesuffix('index.html')}" for name in FILES if name.endswith((".html", ".xml"))}
    files = {
        name: StaticFile(sha256(text.encode()).digest(), None, folder / name)
        for name, text in FILES.items()
        if not name.endswith((".html", ".xml"))
    }
    return FakeApp(ServedSite(base_path, pages, files), folder)


@dataclass
class Served:
    """A running server and what it asks."""

    app: FakeApp
    server: PreviewServer
    clients: Clients

    @property
    def port(self) -> int:
        return self.server.port

    def get(self, path: str, **options: str) -> Response:
        return get(self.port, path, **options)

    def script(self, version: str = "v7") -> bytes:
        return add_scripts(b"", self.server.token, version)


@contextmanager
def serving(folder: Path, host: str = "127.0.0.1", base_path: str = "") -> Iterator[Served]:
    app, clients = fake(folder, base_path), Clients()
    server = PreviewServer(listen(host, 0, 1), host, app, clients)
    server.start()
    try:
        yield Served(app, server, clients)
    finally:
        server.stop()


# What is served.


def test_a_page_has_the_scripts_that_keep_it_right(folder: Path) -> None:
    (folder / "posts/a/index.html").write_text("<html><head><title>a</title></head><body>post a</body></html>")
    with serving(folder) as served:
        page = served.get("/posts/a/")
        assert page.status == 200
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert page.text == (
            '<html><head><script src="/_octavo/idiomorph.js" defer></script><script src="/_octavo/preview.js" '
            f'data-token="{served.server.token}" data-version="v7" defer></script><title>a</title></head>'
            "<body>post a</body></html>"
        )
        assert int(page.headers["content-length"]) == len(page.body)
        assert b"/_octavo/socket" in served.get("/_octavo/preview.js").body
        assert served.get("/_octavo/serve.py").status == 404


def test_a_page_without_a_head_has_the_scripts_all_the_same() -> None:
    assert add_scripts(b"text", "t", "v").startswith(b"text<script ")


@pytest.mark.parametrize(
    ("page", "before"),
    [
        (b"<HTML lang='en'><HEAD data-x>", b"<HTML lang='en'><HEAD data-x>"),
        (b"<!doctype html><html lang=en><header>", b"<!doctype html><html lang=en>"),
        (b"<!DOCTYPE html>\n<title>x</title>", b"<!DOCTYPE html>"),
    ],
    ids="head html doctype".split(),
)
def test_the_scripts_come_before_all_others(page: bytes, before: bytes) -> None:
    assert add_scripts(page, "t", "v").startswith(before + b"<script src=")


@pytest.mark.parametrize(
    "policy",
    [
        """<meta http-equiv="Content-Security-Policy" content="default-src 'none'">""",
        """<META content="default-src 'none'"\n  HTTP-EQUIV=content-security-policy>""",
    ],
)
def test_a_policy_is_left_where_it_is_and_read_by_nobody(policy: str) -> None:
    page = f"<head><meta charset=utf-8>{policy}</head>"
    disabled = disable_policy(page.encode()).decode()
    assert disabled.replace("data-octavo-", "") == page
    assert "data-octavo-http-equiv" in disabled.lower()
    assert disable_policy(b"<p>a meta http-equiv=refresh</p>") == b"<p>a meta http-equiv=refresh</p>"


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/feed.xml", "text/xml; charset=utf-8"),
        ("/assets/style.css", "text/css; charset=utf-8"),
        ("/assets/script.js", "text/javascript; charset=utf-8"),
        ("/assets/font.woff2", "font/woff2"),
        ("/picture.webp", "image/webp"),
        ("/CNAME", "application/octet-stream"),
    ],
)
def test_a_file_is_served_as_it_is(path: str, kind: str, folder: Path) -> None:
    with serving(folder) as served:
        answer = served.get(path)
        assert (answer.status, answer.headers["content-type"]) == (200, kind)
        assert answer.text == FILES[path[1:]]


def test_an_address_is_read_as_a_browser_writes_it(folder: Path) -> None:
    with serving(folder) as served:
        for path in ("/posts/zo%C3%AB/", "/posts/%61/", "/?from=feed", "/posts/a/?x=/../y", "/posts/a/index.html"):
            assert served.get(path).status == 200, path


def test_a_missing_slash_is_a_redirect(folder: Path) -> None:
    with serving(folder) as served:
        for path, location in {
            "/posts/a": "/posts/a/",
            "/posts/a?x=1": "/posts/a/?x=1",
            "/posts/zo%C3%AB": "/posts/zo%C3%AB/",
        }.items():
            answer = served.get(path)
            assert (answer.status, answer.headers["location"]) == (302, location)
        assert served.get("/feed.xml/").status == 404


def test_e17_what_is_not_there_is_the_page_for_it(folder: Path) -> None:
    with serving(folder) as served:
        answer = served.get("/<script>alert(1)</script>")
        assert answer.status == 404
        assert "<body>no such page</body>" in answer.text
        assert "alert" not in answer.text
        assert "preview.js" in answer.text


def test_before_there_is_a_site_there_is_a_page_that_waits_for_it(folder: Path) -> None:
    with serving(folder) as served:
        served.app.served = None
        answer = served.get("/")
        assert answer.status == 503
        assert answer.headers["content-type"].startswith("text/html")
        assert "preview.js" in answer.text


def test_a_file_that_is_gone_from_the_disk_is_not_found(folder: Path) -> None:
    with serving(folder) as served:
        for name in ("feed.xml", "CNAME"):
            (folder / name).unlink()
            assert served.get(f"/{name}").status == 404


def test_a_base_path_stands_before_everything(folder: Path) -> None:
    with serving(folder, base_path="/blog") as served:
        assert served.get("/").headers["location"] == "/blog/"
        assert served.get("/blog").headers["location"] == "/blog/"
        assert served.get("/blog/posts/a").headers["location"] == "/blog/posts/a/"
        assert served.get("/blog/posts/a/").status == 200
        assert served.get("/posts/a/").status == 404
        assert served.get("/blogposts/a/").status == 404
        assert served.get("/_octavo/preview.js").status == 200


def test_e06_nothing_is_kept_by_a_browser_or_told_to_other_pages(folder: Path) -> None:
    with serving(folder) as served:
        for path in ("/", "/feed.xml", "/nosuch", "/_octavo/preview.js"):
            headers = served.get(path, headers="Origin: http://evil.example\r\n").headers
            assert headers["cache-control"] == "no-store"
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["cross-origin-resource-policy"] == "same-origin"
            assert not [name for name in headers if name.startswith("access-control")]


# What is not.

TRAVERSALS = """
/../secret.txt /%2e%2e/secret.txt /%2E%2E/secret.txt /.%2e/secret.txt /%2e./secret.txt /..%2fsecret.txt
/..%2Fsecret.txt /..%5csecret.txt /..\\secret.txt /%252e%252e/secret.txt /posts/../../secret.txt
/posts/%2e%2e/%2e%2e/secret.txt /posts/..%2f..%2fsecret.txt //etc/passwd ///etc/passwd /%2fetc/passwd
/%2f%2fetc%2fpasswd /%00 /index.html%00 /secret.txt%00.html http://evil.example/../secret.txt http://[::1/secret.txt
/%c0%ae%c0%ae/secret.txt /%e0%80%ae%e0%80%ae/secret.txt /..;/secret.txt /?/../secret.txt/ /./../secret.txt
/posts/./../../secret.txt /....//secret.txt /%uff0e%uff0e/secret.txt /~root /..%00/secret.txt /%ff%fe
../secret.txt secret.txt * file:///etc/passwd /posts/a/. /posts/a/.. /posts//a/ /posts/a/./ /posts/a/index.html/
""".split()


@pytest.mark.parametrize("path", TRAVERSALS)
def test_e01_no_path_leads_out_of_the_site(path: str, folder: Path) -> None:
    with serving(folder) as served:
        answer = served.get(path)
        if path in ("/?/../secret.txt/",):
            assert "<body>home</body>" in answer.text
        else:
            assert answer.status in (400, 404), answer
        assert b"secret" not in answer.body
        assert b"root:" not in answer.body


@pytest.mark.parametrize(
    "path",
    ["/link", "/.git/config", "/.git/", "/.env", "/planted.html", "/planted/", "/planted", "/planted/index.html"],
)
def test_e02_what_the_build_did_not_make_is_never_served(path: str, folder: Path) -> None:
    with serving(folder) as served:
        answer = served.get(path)
        assert answer.status == 404
        assert b"secret" not in answer.body
        assert b"root:" not in answer.body


@pytest.mark.parametrize("path", ["/posts/", "/posts", "/assets/", "/assets"])
def test_e03_a_folder_without_a_page_is_not_listed(path: str, folder: Path) -> None:
    with serving(folder) as served:
        answer = served.get(path)
        assert answer.status == 404
        assert "style.css" not in answer.text


@pytest.mark.parametrize("path", ["/../secret.txt", "//posts/a/", "/posts/a/../a/", "/.env", "/posts/a\0/"])
def test_e01_only_the_plain_path_of_a_published_file_leads_to_it(path: str, folder: Path) -> None:
    site = fake(folder).served
    assert site is not None
    url = resolve_url(path, site)
    assert url is None or (url not in site.pages and url.lstrip("/") not in site.files)


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("LOCALHOST:{port}", 200),
        ("localhost.", 200),
        ("127.0.0.1:{port}", 200),
        ("[::1]:{port}", 200),
        ("[::1]", 200),
        ("evil.example", 403),
        ("evil.example:{port}", 403),
        ("127.0.0.1.evil.example", 403),
        ("localhost@evil.example", 403),
        ("localhost.evil.example", 403),
        ("evil.example#localhost", 403),
        ("192.168.1.7", 403),
        ("", 403),
    ],
)
def test_e04_a_foreign_host_is_refused(host: str, status: int, folder: Path) -> None:
    with serving(folder) as served:
        for path in ("/", "/_octavo/preview.js"):
            assert served.get(path, host=host.format(port=served.port)).status == status


@pytest.mark.parametrize("hosts", [b"", b"Host: localhost\r\nHost: evil.example\r\n", b"Host: localhost\r\n" * 2])
def test_e04_no_host_and_two_hosts_are_refused(hosts: bytes, folder: Path) -> None:
    with serving(folder) as served:
        answer = exchange(served.port, b"GET / HTTP/1.1\r\n" + hosts + b"Connection: close\r\n\r\n")
        assert parsed(answer).status in (400, 403)


@pytest.mark.parametrize(
    ("host", "status"), [("192.168.1.7:{port}", 200), ("[fe80::1]", 200), ("localhost", 200), ("evil.example", 403)]
)
def test_where_others_may_look_any_address_is_ours_but_no_other_name(host: str, status: int, folder: Path) -> None:
    with serving(folder, host="0.0.0.0") as served:
        assert served.get("/", host=host.format(port=served.port)).status == status
        assert served.get("/", host=socket.gethostname()).status == 200


def test_e07_head_is_get_without_the_body(folder: Path) -> None:
    with serving(folder) as served:
        for path in ("/", "/posts/a", "/nosuch", "/_octavo/preview.js"):
            head, whole = served.get(path, method="HEAD"), served.get(path)
            assert head.body == b""
            assert {**head.headers, "date": ""} == {**whole.headers, "date": ""}
            assert head.status == whole.status


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"])
def test_e07_other_methods_are_not_allowed(method: str, folder: Path) -> None:
    with serving(folder) as served:
        answer = served.get("/", method=method, headers="Content-Length: 1000000000\r\n")
        assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize(
    ("request_", "statuses"),
    [
        (b"G\0T / HTTP/1.1\r\nHost: localhost\r\n\r\n", {400, 405}),
        (b"garbage\r\n\r\n", {400}),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", {400}),
        (b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n", {200, 400, 505}),
        (b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", {400, 414}),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 100_000 + b"\r\n\r\n", {400, 431}),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 1_000_000 + b"\r\n\r\n", {400, 431}),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 10_000 + b"\r\n", {400, 431}),
        (b"GET /%ff%fe HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", {404}),
        (b"GET /\r\nHost: localhost\r\n\r\n", {200, 400}),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000\r\nConnection: close\r\n\r\n", {200}),
        (b"CONNECT evil.example:443 HTTP/1.1\r\nHost: localhost\r\n\r\n", {405}),
    ],
)
def test_e07_e10_what_is_no_request_is_refused_and_the_server_lives(
    request_: bytes, statuses: set[int], folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with serving(folder) as served:
        assert parsed(exchange(served.port, request_)).status in statuses
        assert served.get("/").status == 200
    assert capfd.readouterr().err == ""


def test_a_browser_that_goes_away_is_no_matter(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    (folder / "feed.xml").write_bytes(bytes(20_000_000))
    with serving(folder) as served:
        for _ in range(3):
            with socket.create_connection(("127.0.0.1", served.port)) as connection:
                connection.sendall(b"GET /feed.xml HTTP/1.1\r\nHost: localhost\r\n\r\n")
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        assert served.get("/").status == 200
    assert capfd.readouterr().err == ""


def test_a_connection_serves_several_requests(folder: Path) -> None:
    with serving(folder) as served:
        request = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
        assert exchange(served.port, request * 3).count(b"HTTP/1.1 200 OK") == 3


RANGES = [
    ("bytes=10-19", (10, 19)),
    ("bytes=-5", (95, 99)),
    ("bytes=-500", (0, 99)),
    ("bytes=90-", (90, 99)),
    ("bytes=0-999", (0, 99)),
    ("bytes=999999999-", (1, 0)),
    ("bytes=5-2", None),
    ("bytes=-", None),
    ("lines=1-2", None),
    ("bytes=" + ",".join(f"{n}-{n}" for n in range(1000)), None),
]


@pytest.mark.parametrize(("header", "expected"), RANGES, ids=range(len(RANGES)))
def test_e08_a_part_of_a_file_is_what_was_asked_for(
    header: str, expected: tuple[int, int] | None, folder: Path
) -> None:
    content = bytes(range(100))
    assert parse_range(header, len(content)) == expected
    (folder / "picture.webp").write_bytes(content)
    with serving(folder) as served:
        answer = served.get("/picture.webp", headers=f"Range: {header}\r\n")
        if expected is None:
            assert (answer.status, answer.body) == (200, content)
        elif expected == (1, 0):
            assert (answer.status, answer.headers["content-range"]) == (416, "bytes */100")
        else:
            first, last = expected
            assert (answer.status, answer.body) == (206, content[first : last + 1])
            assert answer.headers["content-range"] == f"bytes {first}-{last}/100"


def test_e09_what_a_browser_has_is_not_sent_again_until_it_changes(folder: Path) -> None:
    with serving(folder) as served:
        for path, name in (("/CNAME", "CNAME"), ("/posts/a/", "posts/a/index.html")):
            tag = served.get(path).headers["etag"]
            same = served.get(path, headers=f"If-None-Match: {tag}\r\n")
            assert (same.status, same.body) == (304, b"")
            state = (folder / name).stat()
            (folder / name).write_bytes(b"changed within the second")
            os.utime(folder / name, ns=(state.st_atime_ns, state.st_mtime_ns))
            assert served.get(path, headers=f"If-None-Match: {tag}\r\n").status == 200
            # Seconds are too coarse to go by: what is asked for by its date is sent.
            dated = served.get(path, headers="If-Modified-Since: Fri, 01 Jan 2999 00:00:00 GMT\r\n")
            assert (dated.status, dated.headers.get("last-modified")) == (200, None)


def test_e11_a_browser_that_is_slow_to_ask_keeps_nobody_waiting(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preview_server, "REQUEST_SECONDS", 0.5)
    with serving(folder) as served, ExitStack() as stack:
        slow = [stack.enter_context(socket.create_connection(("127.0.0.1", served.port))) for _ in range(300)]
        for connection in slow:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: loc")
        assert served.get("/").status == 200
        for connection in slow:
            connection.settimeout(SOON)
            with suppress(ConnectionError):
                assert connection.recv(100) == b""


def test_e12_many_may_ask_at_once(folder: Path) -> None:
    async def ask(port: int) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        answer = await reader.read()
        writer.close()
        return answer[:15]

    async def many(port: int) -> set[bytes]:
        return set(await asyncio.gather(*(ask(port) for _ in range(1000))))

    with many_files(), serving(folder) as served:
        assert asyncio.run(asyncio.wait_for(many(served.port), SOON)) == {b"HTTP/1.1 200 OK"}


@contextmanager
def many_files() -> Iterator[None]:
    """Both ends of a thousand connections are in this process."""
    if os.name != "posix":
        yield
        return
    import resource

    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    if before[1] != resource.RLIM_INFINITY and before[1] < 4096:
        pytest.skip("this system allows a process too few files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(before[0], 4096), before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)


# The socket.


def socket_url(served: Served, token: str | None = None) -> str:
    return f"ws://127.0.0.1:{served.port}/_octavo/socket?token={served.server.token if token is None else token}"


def own_origin(served: Served) -> Origin:
    return Origin(f"http://localhost:{served.port}")


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + SOON
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_tab_says_what_it_shows_and_is_told(folder: Path) -> None:
    with serving(folder) as served, connect(socket_url(served), origin=own_origin(served)) as tab:
        tab.send(json.dumps({"kind": "hello", "path": "/posts/zo%C3%AB/", "version": "v7"}))
        until(lambda: bool(served.app.received))
        (client,) = served.clients.introduced()
        assert (client.url, client.version) == ("/posts/zoë/", "v7")
        assert served.app.received == [(client, HelloMessage("/posts/zo%C3%AB/", "v7"))]
        client.send(PageMessage("v8", "<b>"))
        assert json.loads(tab.recv(SOON)) == {"kind": "page", "version": "v8", "html": "<b>"}
        served.clients.send_all(ProblemsMessage([], 0))
        assert json.loads(tab.recv(SOON)) == {"kind": "problems", "problems": [], "count": 0}
        tab.close()
        until(lambda: not served.clients.introduced())


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "null",
        None,
        "http://localhost:1",
        "http://localhost",
        "http://localhost.evil:{port}",
        "https://localhost:{port}",
        "http://evil@localhost:{port}",
        "http://localhost:{port}/",
        "http://localhost:{port}.evil",
    ],
)
def test_e05_a_page_of_another_origin_has_no_socket(origin: str | None, folder: Path) -> None:
    with serving(folder) as served, pytest.raises(InvalidStatus) as refused:
        origin_header = None if origin is None else Origin(origin.format(port=served.port))
        connect(socket_url(served), origin=origin_header)
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize("token", ["", "x", "é"])
def test_e05_who_has_read_no_page_has_no_socket(token: str, folder: Path) -> None:
    with serving(folder) as served, pytest.raises(InvalidStatus) as refused:
        connect(socket_url(served, token), origin=own_origin(served))
    assert refused.value.response.status_code == 403


def test_e05_a_foreign_host_has_no_socket(folder: Path) -> None:
    with serving(folder) as served:
        upgrade = (
            f"GET /_octavo/socket?token={served.server.token} HTTP/1.1\r\nHost: evil.example\r\n"
            "Origin: http://evil.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        )
        assert parsed(exchange(served.port, upgrade.encode())).status == 403


@pytest.mark.parametrize("message", ["", "[]", "{", '"x"', '{"kind": 1}', "x" * 100_000, b"\xff"], ids=range(7))
def test_what_is_no_message_does_no_harm(message: str | bytes, folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with serving(folder) as served:
        with connect(socket_url(served), origin=own_origin(served)) as tab:
            tab.send(message)
            with suppress(Exception):
                tab.recv(0.2)
        assert served.get("/").status == 200
    assert capfd.readouterr().err == ""


def test_e12_many_tabs_may_be_open(folder: Path) -> None:
    async def many(served: Served) -> None:
        from websockets.asyncio.client import connect as connecting

        url, origin = socket_url(served), own_origin(served)
        tabs = [await connecting(url, origin=origin) for _ in range(1000)]
        for tab in tabs:
            await tab.send('{"kind": "hello", "path": "/"}')
        while len(served.clients.introduced()) < len(tabs):
            await asyncio.sleep(0.01)
        served.clients.send_all(FilesMessage([]))
        for tab in tabs:
            assert await tab.recv() == '{"kind": "files", "urls": []}'
            await tab.close()

    with many_files(), serving(folder) as served:
        asyncio.run(asyncio.wait_for(many(served), 2 * SOON))


def test_e15_an_end_with_open_sockets_frees_the_port(folder: Path) -> None:
    with serving(folder) as served:
        port = served.port
        with connect(socket_url(served), origin=own_origin(served)):
            served.server.stop()
            for made in listen("127.0.0.1", port, 1):
                made.close()


# What comes from elsewhere.


def test_idiomorph_is_the_file_that_was_published() -> None:
    """dist/idiomorph.min.js of idiomorph 0.8.0, as its authors published it."""
    file = Path(preview_server.__file__).parent / "vendor/idiomorph.js"
    assert sha256(file.read_bytes()).hexdigest() == "4cbd535caf7663a51eda9bce6595371c384fc430d54b8d414e29a61167f19f96"
    assert "Zero-Clause BSD" in file.with_name("idiomorph.txt").read_text()


# Ports.


@pytest.mark.skipif(os.name != "posix", reason="limits of POSIX")
def test_e12_a_process_that_may_have_few_files_asks_for_more() -> None:
    code = (
        "import resource; hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1];"
        "resource.setrlimit(resource.RLIMIT_NOFILE, (100, hard));"
        "from octavo.preview.server import allow_many_files; allow_many_files();"
        "print(resource.getrlimit(resource.RLIMIT_NOFILE)[0] > 100)"
    )
    root = str(Path(preview_server.__file__).parent.parent.parent)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, env={**os.environ, "PYTHONPATH": root})
    assert done.stdout == b"True\n", done.stderr


def test_e13_only_this_machine_is_listened_to() -> None:
    servers = listen("127.0.0.1", 0, 1)
    try:
        assert {server.getsockname()[0] for server in servers} <= {"127.0.0.1", "::1"}
    finally:
        for server in servers:
            server.close()


def test_e14_a_taken_port_is_passed_over() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        servers = listen("127.0.0.1", port, 20)
        try:
            assert port < servers[0].getsockname()[1] < port + 20
        finally:
            for server in servers:
                server.close()


def test_a_port_that_is_taken_at_the_other_address_of_localhost_is_passed_over() -> None:
    try:
        taken = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("no IPv6 here")
    with taken:
        port = taken.getsockname()[1]
        servers = listen("127.0.0.1", port, 20)
        try:
            assert [server.getsockname()[1] for server in servers] == [servers[0].getsockname()[1]] * 2
            assert servers[0].getsockname()[1] > port
        finally:
            for server in servers:
                server.close()


def test_e14_when_all_ports_are_taken_it_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        listen("127.0.0.1", taken.getsockname()[1], 1)


def test_ports_end_where_they_end() -> None:
    with pytest.raises(OSError, match=r"in use|65536") as caught, socket.create_server(("127.0.0.1", 65535)):
        listen("127.0.0.1", 65535, 20)
    assert not isinstance(caught.value, OverflowError)
