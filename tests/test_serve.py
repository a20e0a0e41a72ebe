"""The preview: what its server gives to whom, and how it follows the site. Requests are raw bytes."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from octavo import watch
from octavo.failures import Usage
from octavo.preview import preview
from octavo.project import Options, Project
from octavo.serve import Preview, PreviewServer, file_for, listen, with_reload
from octavo.watch import Changes
from tests.sites import SiteFolder, post

Site = Callable[[str], SiteFolder]

CHECKOUT = Path(__file__).parent.parent

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
class Served:
    """A running server; ``shown`` may be exchanged for another preview."""

    shown: Preview
    port: int = 0

    def get(self, path: str, **options: str) -> Response:
        return get(self.port, path, **options)


@contextmanager
def serving(folder: Path, host: str = "127.0.0.1", base_path: str = "") -> Iterator[Served]:
    served = Served(Preview(folder, frozenset(FILES), base_path, 7))
    server = PreviewServer(host, 0, lambda: served.shown)
    served.port = server.server_port
    server.start()
    try:
        yield served
    finally:
        server.stop()


# What is served.


def test_a_page_has_the_script_that_loads_it_again(folder: Path) -> None:
    with serving(folder) as served:
        page = served.get("/posts/a/")
        assert page.status == 200
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert page.text == '<html><body>post a<script src="/_octavo/reload.js" defer></script></body></html>'
        assert int(page.headers["content-length"]) == len(page.body)
        assert b"/_octavo/state" in served.get("/_octavo/reload.js").body


def test_a_page_without_a_body_tag_has_the_script_all_the_same() -> None:
    assert with_reload(b"text").startswith(b"text<script ")


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
        for path in ("/posts/zo%C3%AB/", "/posts/zoë/", "/posts/%61/", "/?from=feed", "/posts/a/?x=/../y#part"):
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


def test_what_is_not_there_is_the_page_for_it(folder: Path) -> None:
    with serving(folder) as served:
        answer = served.get("/<script>alert(1)</script>")
        assert answer.status == 404
        assert answer.text.startswith("<html><body>no such page")
        assert "alert" not in answer.text
        assert "reload.js" in answer.text


def test_before_there_is_a_site_there_is_a_page_that_waits_for_it(folder: Path) -> None:
    with serving(folder) as served:
        served.shown = replace(served.shown, files=frozenset())
        answer = served.get("/")
        assert answer.status == 404
        assert answer.headers["content-type"].startswith("text/html")
        assert "reload.js" in answer.text


def test_a_file_that_is_gone_from_the_disk_is_not_found(folder: Path) -> None:
    with serving(folder) as served:
        (folder / "feed.xml").unlink()
        assert served.get("/feed.xml").status == 404


def test_a_base_path_stands_before_everything(folder: Path) -> None:
    with serving(folder, base_path="/blog") as served:
        assert served.get("/").headers["location"] == "/blog/"
        assert served.get("/blog").headers["location"] == "/blog/"
        assert served.get("/blog/posts/a").headers["location"] == "/blog/posts/a/"
        assert served.get("/blog/posts/a/").status == 200
        assert served.get("/posts/a/").status == 404
        assert served.get("/blogposts/a/").status == 404
        assert served.get("/_octavo/state").status == 200


def test_the_state_is_the_number_of_the_build_and_its_problems_as_text(folder: Path) -> None:
    with serving(folder) as served:
        served.shown = replace(served.shown, problems="posts/<img onerror=x>.md: error")
        answer = served.get("/_octavo/state")
        assert answer.headers["content-type"] == "application/json; charset=utf-8"
        assert json.loads(answer.body) == {"build": 7, "problems": "posts/<img onerror=x>.md: error"}


def test_nothing_is_kept_by_a_browser_or_told_to_other_pages(folder: Path) -> None:
    with serving(folder) as served:
        for path in ("/", "/feed.xml", "/nosuch", "/_octavo/state"):
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
../secret.txt secret.txt * file:///etc/passwd
/link /.git/config /.env /planted.html /planted/ /planted /posts/ /assets/ /assets /.git/ /posts/a/. /posts/a/..
/posts//a/ /posts/a/./ /posts/a/index.html/
""".split()


@pytest.mark.parametrize("path", TRAVERSALS)
def test_what_the_build_did_not_make_is_never_served(path: str, folder: Path) -> None:
    with serving(folder) as served:
        answer = served.get(path)
        if path in ("/?/../secret.txt/",):
            assert answer.text.startswith("<html><body>home")
        else:
            assert answer.status in (400, 404), answer
        assert b"secret" not in answer.body
        assert b"root:" not in answer.body


@pytest.mark.parametrize("path", ["/../secret.txt", "//posts/a/", "/posts/a/../a/", "/.env", "/posts/a\0/"])
def test_only_the_plain_path_of_a_published_file_leads_to_it(path: str, folder: Path) -> None:
    assert file_for(path, Preview(folder, frozenset(FILES), "", 1)) is None


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
def test_a_foreign_host_is_refused(host: str, status: int, folder: Path) -> None:
    with serving(folder) as served:
        for path in ("/", "/_octavo/state"):
            assert served.get(path, host=host.format(port=served.port)).status == status


@pytest.mark.parametrize("hosts", [b"", b"Host: localhost\r\nHost: evil.example\r\n", b"Host: localhost\r\n" * 2])
def test_no_host_and_two_hosts_are_refused(hosts: bytes, folder: Path) -> None:
    with serving(folder) as served:
        answer = exchange(served.port, b"GET / HTTP/1.1\r\n" + hosts + b"Connection: close\r\n\r\n")
        assert parsed(answer).status == 403


@pytest.mark.parametrize(
    ("host", "status"), [("192.168.1.7:{port}", 200), ("[fe80::1]", 200), ("localhost", 200), ("evil.example", 403)]
)
def test_where_others_may_look_any_address_is_ours_but_no_other_name(host: str, status: int, folder: Path) -> None:
    with serving(folder, host="0.0.0.0") as served:
        assert served.get("/", host=host.format(port=served.port)).status == status
        assert served.get("/", host=socket.gethostname()).status == 200


def test_head_is_get_without_the_body(folder: Path) -> None:
    with serving(folder) as served:
        for path in ("/", "/posts/a", "/nosuch", "/_octavo/state"):
            head, whole = served.get(path, method="HEAD"), served.get(path)
            assert head.body == b""
            assert {**head.headers, "date": ""} == {**whole.headers, "date": ""}
            assert head.status == whole.status


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "get"])
def test_other_methods_are_not_allowed(method: str, folder: Path) -> None:
    with serving(folder) as served:
        answer = served.get("/", method=method, headers="Content-Length: 1000000000\r\n")
        assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize(
    ("request_", "statuses"),
    [
        (b"G\0T / HTTP/1.1\r\nHost: localhost\r\n\r\n", {400, 405}),
        (b"garbage\r\n\r\n", {400}),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", {400}),
        (b"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n", {505}),
        (b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", {414}),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 100_000 + b"\r\n\r\n", {431}),
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 10_000 + b"\r\n", {431}),
        (b"GET /%ff%fe HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", {404}),
        (b"GET /\r\nHost: localhost\r\n\r\n", {200, 400}),
        (b"CONNECT evil.example:443 HTTP/1.1\r\nHost: localhost\r\n\r\n", {405}),
    ],
)
def test_what_is_no_request_is_refused_and_the_server_lives(
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


# Ports.


def unused() -> Preview:
    raise AssertionError("no request is made")


def test_a_taken_port_is_passed_over() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        servers = listen("127.0.0.1", port, 20, unused)
        try:
            assert port < servers[0].server_port < port + 20
        finally:
            for server in servers:
                server.server_close()


def test_a_port_that_is_taken_at_the_other_address_of_localhost_is_passed_over() -> None:
    try:
        taken = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("no IPv6 here")
    with taken:
        port = taken.getsockname()[1]
        servers = listen("127.0.0.1", port, 20, unused)
        try:
            assert [server.server_port for server in servers] == [servers[0].server_port] * 2
            assert servers[0].server_port > port
        finally:
            for server in servers:
                server.server_close()


def test_when_all_ports_are_taken_it_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        listen("127.0.0.1", taken.getsockname()[1], 1, unused)


def test_ports_end_where_they_end() -> None:
    with pytest.raises(OSError, match=r"in use|65536") as caught, socket.create_server(("127.0.0.1", 65535)):
        listen("127.0.0.1", 65535, 20, unused)
    assert not isinstance(caught.value, OverflowError)


def test_a_host_of_another_machine_is_said(site: Site) -> None:
    folder = site(f"-- posts/a.md --\n{post('A')}")
    with (
        Project(folder.root, Options(jobs=1)) as project,
        Changes(project.watched, print) as changes,
        pytest.raises(Usage, match=r"cannot listen at 192\.0\.2\.1"),
    ):
        preview(project, changes, "192.0.2.1", 0, open_browser=False)


# The preview as a whole.


@dataclass
class Previewing:
    site: SiteFolder
    port: int

    def get(self, path: str) -> Response:
        return get(self.port, path)

    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.get("/_octavo/state").body)
        return found

    def until(self, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The first state of which that is so."""
        end = time.monotonic() + SOON
        while not condition(state := self.state()):
            assert time.monotonic() < end, state
            time.sleep(0.02)
        return state


@contextmanager
def previewing(
    site: SiteFolder, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Previewing]:
    """The preview that ``octavo serve`` shows, in a thread of this process."""
    monkeypatch.setattr(watch, "RESCAN", 3600)
    cache = site.root / ".octavo/preview"
    options = Options(output=str(cache / "site"), cache=str(cache), drafts=True, future=True, jobs=1)
    with Project(site.root, options) as project, Changes(project.watched, print) as changes:
        running = threading.Thread(target=preview, args=(project, changes, "127.0.0.1", 0, False))
        running.start()
        try:
            out, end = "", time.monotonic() + SOON
            while "rendered" not in out and "error" not in out:
                assert time.monotonic() < end
                time.sleep(0.02)
                read = capfd.readouterr()
                out += read.out + read.err
            found = re.search(r"^http://localhost:(\d+)\S*/  \(Ctrl-C ends\)$", out, re.MULTILINE)
            assert found, out
            yield Previewing(site, int(found[1]))
        finally:
            changes.stop()
            running.join(SOON)
    assert not running.is_alive()


SITE = f"""\
-- posts/a.md --
{post("A")}-- posts/draft.md --
{post("A draft", draft="true")}-- posts/later.md --
{post("Later", "2999-01-01")}"""


def test_a_save_is_shown_and_an_error_over_it_until_it_is_right(
    site: Site, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = site(SITE)
    with previewing(folder, capfd, monkeypatch) as shown:
        first = shown.state()
        assert first["problems"] == ""
        folder.replace("posts/a.md", "Words.", "Other words.")
        second = shown.until(lambda state: bool(state["build"] != first["build"]))
        assert "Other words." in shown.get("/posts/a/").text

        folder.replace("posts/a.md", "date: 2026-01-01", "date: yesterday")
        failed = shown.until(lambda state: bool(state["problems"]))
        assert failed["build"] == second["build"]
        assert failed["problems"].startswith("posts/a.md:3:7: error[date]: ")
        assert "Other words." in shown.get("/posts/a/").text
        err = capfd.readouterr().err
        assert err.count("posts/a.md:3:7: error[date]: ") == 1

        folder.replace("posts/a.md", "date: yesterday", "date: 2026-01-01")
        assert shown.until(lambda state: not state["problems"])["build"] == second["build"]

        folder.delete("posts/a.md")
        shown.until(lambda state: bool(state["build"] != second["build"]))
        assert shown.get("/posts/a/").status == 404


def test_drafts_and_posts_to_come_are_shown_here_only(
    site: Site, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = site(SITE)
    folder.built()
    before = folder.output()
    with previewing(folder, capfd, monkeypatch) as shown:
        assert shown.get("/posts/draft/").status == 200
        assert shown.get("/posts/later/").status == 200
    assert folder.output() == before
    assert not [path for path in before if "draft" in path or "later" in path]
    assert not [path for path, content in before.items() if b"_octavo" in content]


def test_a_site_that_begins_with_errors_is_shown_when_it_is_right(
    site: Site, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = site(SITE).replace("posts/a.md", "date: 2026-01-01", "date: yesterday")
    with previewing(folder, capfd, monkeypatch) as shown:
        state = shown.until(lambda state: bool(state["problems"]))
        page = shown.get("/")
        assert page.status == 404
        assert "reload.js" in page.text
        folder.replace("posts/a.md", "date: yesterday", "date: 2026-01-01")
        shown.until(lambda now: not now["problems"] and now["build"] != state["build"])
        assert shown.get("/").status == 200


def test_the_settings_may_move_the_preview_to_another_path(
    site: Site, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = site(SITE)
    with previewing(folder, capfd, monkeypatch) as shown:
        first = shown.state()
        folder.replace("pyproject.toml", "https://test.example", "https://test.example/blog")
        shown.until(lambda state: bool(state["build"] != first["build"]))
        assert shown.get("/blog/posts/a/").status == 200
        assert shown.get("/posts/a/").status == 404


def test_the_preview_is_the_build_with_drafts_and_posts_to_come(
    site: Site, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = site(SITE)
    folder.built(drafts=True, future=True)
    with previewing(folder, capfd, monkeypatch) as shown:
        script = b'<script src="/_octavo/reload.js" defer></script>'
        for path, content in folder.output().items():
            served = shown.get(f"/{path.removesuffix('index.html')}").body
            assert served.replace(script, b"") == content, path


# As a command.


class Command:
    """``octavo serve`` in a process of its own."""

    def __init__(self, root: Path, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "octavo", "-C", str(root), "serve", "--jobs", "1", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    def __enter__(self) -> Command:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().decode()


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_an_interrupt_ends_the_preview_by_the_signal_and_frees_the_port(site: Site) -> None:
    folder = site(SITE)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with Command(folder.root, "--port", str(port)) as command:
        assert command.line() == f"http://localhost:{port}/  (Ctrl-C ends)\n"
        assert "rendered" in command.line()
        with socket.create_connection(("127.0.0.1", port)) as open_connection:
            open_connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert open_connection.recv(15) == b"HTTP/1.1 200 OK"
            command.process.send_signal(signal.SIGINT)
            _, err = command.process.communicate(timeout=SOON)
            assert command.process.returncode == -signal.SIGINT
            assert err == b""
            server = PreviewServer("127.0.0.1", port, unused)
            server.server_close()


def test_that_other_machines_may_look_is_a_warning(site: Site) -> None:
    folder = site(SITE)
    with Command(folder.root, "--host", "0.0.0.0", "--port", "0") as command:
        assert re.fullmatch(r"http://localhost:\d+/  \(Ctrl-C ends\)\n", command.line())
        assert "rendered" in command.line()
        command.process.terminate()
        _, err = command.process.communicate(timeout=SOON)
    assert err.decode().splitlines() == ["octavo: warning: other machines can see this preview at 0.0.0.0"]
