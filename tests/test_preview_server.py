"""The preview's server, asked through real sockets: it gives what the build made, to this machine, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

from octavo.serve import RELOAD, STATE, Preview, PreviewServer, with_reload

FILES = {"index.html": "<body>home</body>", "a b/index.html": "<body>a b</body>", "404.html": "<body>lost</body>"}
Ask = Callable[..., tuple[int, dict[str, str], str]]


@pytest.fixture
def ask(tmp_path: Path) -> Iterator[Ask]:
    """``ask("/path", host="…", method="GET")``: (status, headers, body). Some files lie there that no build made."""
    site = tmp_path / "site"
    for name, text in FILES.items():
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text(text, "utf-8")
    (site / ".env").write_text("secret", "utf-8")
    (tmp_path / "secret.txt").write_text("secret", "utf-8")
    preview = Preview(site, frozenset(FILES), "/blog", 7, "posts/a.md:1:1: error")
    server = PreviewServer("127.0.0.1", 0, lambda: preview)
    server.start()

    def request(path: str, host: str | None = None, method: str = "GET") -> tuple[int, dict[str, str], str]:
        connection = HTTPConnection("127.0.0.1", server.server_port, timeout=10)
        try:
            connection.putrequest(method, path, skip_host=True)
            connection.putheader("Host", host or f"localhost:{server.server_port}")
            connection.endheaders()
            response = connection.getresponse()
            return response.status, dict(response.getheaders()), response.read().decode()
        finally:
            connection.close()

    yield request
    server.stop()


def test_a_page_comes_with_the_script_that_loads_it_again(ask: Ask) -> None:
    status, headers, body = ask("/blog/")
    assert (status, body) == (200, f'<body>home<script src="{RELOAD}" defer></script></body>')
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert ask("/blog/a%20b/")[2].startswith("<body>a b")
    assert ask(RELOAD)[0] == 200


def test_addresses_without_a_slash_and_outside_the_base_path_lead_on(ask: Ask) -> None:
    status, headers, _ = ask("/blog/a%20b")
    assert (status, headers["Location"]) == (302, "/blog/a%20b/")
    assert ask("/")[1]["Location"] == "/blog/"


def test_the_state_tells_the_number_of_the_build_and_its_problems(ask: Ask) -> None:
    assert json.loads(ask(STATE)[2]) == {"build": 7, "problems": "posts/a.md:1:1: error"}


def test_a_page_that_does_not_exist_is_the_sites_own_404(ask: Ask) -> None:
    status, _, body = ask("/blog/<script>/")
    assert status == 404
    assert "lost" in body
    assert "<script>/" not in body


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/blog/../secret.txt",
        "/blog/%2e%2e/secret.txt",
        "/blog/..%2fsecret.txt",
        "/blog/..%5csecret.txt",
        "/blog/%252e%252e/secret.txt",
        "//etc/passwd",
        "/blog/%2fetc/passwd",
        "/blog/%00",
        "/blog/index.html%00.txt",
        "/blog/%c0%ae%c0%ae/secret.txt",
        "/blog/.env",
        "/blog/a b/../.env",
        "http://evil/../secret.txt",
    ],
)
def test_nothing_that_the_build_did_not_make_is_given(ask: Ask, path: str) -> None:
    status, _, body = ask(path.replace(" ", "%20"))
    assert status in (302, 400, 403, 404)
    assert "secret" not in body
    assert "root:" not in body


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost@evil.example", "localhost.evil"])
def test_a_foreign_host_is_refused(ask: Ask, host: str) -> None:
    status, _, body = ask("/blog/", host=host)
    assert status in (403, 421)
    assert "home" not in body


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8000", "127.0.0.1:1", "[::1]:8000"])
def test_this_machine_is_answered_by_any_of_its_names(ask: Ask, host: str) -> None:
    assert ask("/blog/", host=host)[0] == 200


def test_head_has_no_body_and_other_methods_are_refused(ask: Ask) -> None:
    status, headers, body = ask("/blog/", method="HEAD")
    assert (status, body) == (200, "")
    assert int(headers["Content-Length"]) > 0
    for method in ("POST", "PUT", "OPTIONS", "TRACE"):
        assert ask("/blog/", method=method)[0] in (405, 501)


def test_a_page_without_an_end_tag_gets_the_script_too() -> None:
    assert with_reload(b"text").startswith(b"text<script")
