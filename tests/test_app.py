"""The preview: what is saved is shown at once, what is wrong lies over it, and nothing is published."""

from __future__ import annotations

import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from octavo.preview import app as preview_app
from octavo.preview.server import listen
from octavo.project.build_report import Options
from octavo.project.errors import Usage
from octavo.project.project import Project
from octavo.project.watcher import Changes
from tests.previewing import previewing
from tests.sites import SiteFolder, post
from tests.test_server import SOON

Site = Callable[[str], SiteFolder]

CHECKOUT = Path(__file__).parent.parent

A, B = post("A", body="Words of a.\n"), post("B", "2026-01-02", body="Words of b, [a](a.md).\n")

SITE = f"""\
-- posts/a.md --
{A}-- posts/b.md --
{B}-- posts/draft.md --
{post("A draft", draft="true")}-- posts/later.md --
{post("Later", "2999-01-01")}"""


# What is shown.


def test_a_save_is_shown_in_the_open_page(site: Site) -> None:
    folder = site(SITE)
    with previewing(folder) as preview, preview.tab("/posts/a/") as tab:
        folder.replace("posts/a.md", "Words of a.", "Other words.")
        tab.shows("Other words.")
        assert "Other words." in preview.page("/posts/a/")
        assert folder.output() == {}


def test_a_new_title_is_shown_wherever_it_stands(site: Site) -> None:
    folder = site(SITE)
    with (
        previewing(folder) as preview,
        preview.tab("/posts/a/") as own,
        preview.tab("/") as home,
        preview.tab("/posts/b/") as b,
    ):
        folder.replace("posts/a.md", "title: A", "title: Zebra")
        own.shows("<title>Zebra")
        home.shows("Zebra")
        b.shows("Zebra")
        preview.equals_a_build()


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: folder.replace("posts/a.md", "Words of a.", "Other words."),
        lambda folder: folder.replace("posts/a.md", "date: 2026-01-01", "date: 2026-03-01"),
        lambda folder: folder.replace("posts/a.md", "title: A", "title: A\nslug: other"),
        lambda folder: folder.replace("posts/b.md", "title: B", "title: B\ntags: [x, y]"),
        lambda folder: folder.replace("posts/draft.md", "draft: true", "layout: page"),
        lambda folder: folder.delete("posts/later.md"),
        lambda folder: folder.write("posts/c/index.md", post("C", body="![x](x.png)")).write("posts/c/x.txt", "x"),
        lambda folder: folder.write("layouts/post.html", "{% extends 'base.html' %}{% block main %}new{% endblock %}"),
        lambda folder: folder.write("assets/root/hello.txt", "x") and folder.write("assets/new.css", "p { }"),
        lambda folder: folder.replace("pyproject.toml", "A test site", "Another title"),
        lambda folder: folder.write("build.py", SCRIPT.replace("extra.html", "archive.html")),
    ],
    ids="body date slug tags page deleted new layout asset settings script".split(),
)
def test_what_is_shown_after_a_change_equals_a_clean_build(change: Callable[[SiteFolder], object], site: Site) -> None:
    folder = site(SITE).write("posts/c/x.png", b"no image")
    folder.write("posts/c/index.md", post("C0", "2026-01-03"))
    with previewing(folder) as preview:
        for path in ("/", "/posts/a/", "/posts/b/", "/tags/", "/archive/", "/feed.xml", "/related.json"):
            preview.get(path)
        change(folder)
        preview.equals_a_build(allow_broken_links=True)


SCRIPT = """\
from octavo import Page, Site
site = Site(__file__)
@site.pages
def pages(ask):
    yield Page("/extra/", "extra.html", "custom")
"""


def test_build_py_takes_effect_without_a_restart(site: Site) -> None:
    folder = site(SITE).write("layouts/extra.html", "{{ 1 | shout }}")
    script = SCRIPT + "@site.filter\ndef shout(x):\n    return 'one!'\n"
    with previewing(folder) as preview:
        assert preview.get("/extra/").status == 404
        folder.write("build.py", script)
        with preview.tab("/") as home:
            home.until(lambda tab: preview.get("/extra/").status == 200)
            assert preview.page("/extra/") == "one!"
            folder.write("build.py", script.replace("one!", "two!"))
            home.until(lambda tab: preview.page("/extra/") == "two!")


def test_e18_drafts_and_posts_to_come_are_shown_here_only(site: Site) -> None:
    folder = site(SITE)
    folder.built()
    before = folder.output()
    with previewing(folder) as preview:
        assert preview.get("/posts/draft/").status == 200
        assert preview.get("/posts/later/").status == 200
    assert folder.output() == before
    assert not [path for path in before if "draft" in path or "later" in path]
    assert not [path for path, content in before.items() if b"_octavo" in content]


def test_nothing_of_the_site_as_it_was_stays_in_memory(site: Site) -> None:
    folder = site(SITE)
    with previewing(folder) as preview, preview.tab("/posts/a/") as tab:
        session = preview.app._session
        assert session.snapshot is not None
        before = weakref.ref(session.snapshot)
        folder.replace("posts/a.md", "Words of a.", "Other words.")
        tab.shows("Other words.")
        tab.until(lambda tab: before() is None)


def test_what_is_published_may_be_shown_alone(site: Site) -> None:
    folder = site(SITE)
    with previewing(folder, drafts=False, future=False) as preview:
        assert preview.get("/posts/draft/").status == 404
        assert preview.get("/posts/later/").status == 404
        assert preview.get("/posts/a/").status == 200


def test_the_settings_may_move_the_preview_to_another_path(site: Site) -> None:
    folder = site(SITE)
    with previewing(folder) as preview, preview.tab("/") as home:
        folder.replace("pyproject.toml", "https://test.example", "https://test.example/blog")
        home.until(lambda tab: preview.get("/blog/posts/a/").status == 200)
        assert preview.get("/posts/a/").status == 404


def test_an_image_is_made_when_it_is_asked_for(site: Site) -> None:
    from tests.test_steps import jpeg

    folder = site("").write("posts/a.md", post(image="a.jpg", body="![x](a.jpg)\n")).write("posts/a.jpg", jpeg())
    with previewing(folder) as preview:
        preview.equals_a_build()


def test_a_file_beside_a_post_is_told_when_it_changes(site: Site) -> None:
    folder = site(SITE).write("posts/c/index.md", post("C", body="[x](x.txt)")).write("posts/c/x.txt", "old")
    with previewing(folder) as preview, preview.tab("/posts/c/") as tab:
        folder.write("posts/c/x.txt", "new")
        tab.until(lambda tab: {"kind": "files", "urls": ["/posts/c/x.txt"]} in tab.heard)
        assert preview.get("/posts/c/x.txt").body == b"new"


# What is wrong.


def test_e16_f08_an_error_lies_over_the_last_good_page_until_it_is_right(
    site: Site, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = site(SITE)
    with previewing(folder) as preview, preview.tab("/posts/a/") as tab:
        folder.replace("posts/a.md", "date: 2026-01-01", "date: yesterday")
        tab.until(lambda tab: bool(tab.problems))
        (problem,) = tab.problems
        assert (problem["where"], problem["line"], problem["column"]) == ("posts/a.md:3:7", 3, 7)
        assert [number for number, _ in problem["lines"]] == [1, 2, 3, 4, 5]
        assert "Words of a." in preview.page("/posts/a/")
        with preview.tab("/posts/a/") as fresh:
            assert fresh.problems == tab.problems
        folder.replace("posts/b.md", "Words of b", "Other words of b")
        with preview.tab("/posts/b/") as other:
            other.shows("Other words of b")
        folder.replace("posts/a.md", "date: yesterday", "date: 2026-01-01")
        tab.until(lambda tab: not tab.problems)
    err = capfd.readouterr().err
    assert err.count("posts/a.md:3:7: error[date]: ") == 1
    assert problem["text"] in err


@pytest.mark.parametrize(
    ("path", "broken", "where"),
    [
        ("layouts/post.html", "{% extends 'base.html' %}\n{{ nothing }}{% if %}", "layouts/post.html:2"),
        ("layouts/post.html", "{{ nothing }}", "layouts/post.html:1"),
        ("pyproject.toml", "[tool.octavo]\ntitle = 1\n", "pyproject.toml:2"),
        ("pyproject.toml", "[tool.octavo\n", "pyproject.toml:1"),
        ("build.py", "from octavo import Site\nsite = Site(__file__)\n1 / 0\n", "build.py:3"),
        ("posts/a.md", "---\ntitle: A\ndate: 2026-01-01\n---\n[x](nosuch.md)\n", "posts/a.md:5"),
        ("posts/a.md", "---\ntitle: A\ndate: 2026-01-01\n---\n::: nosuch\n:::\n", "posts/a.md:5"),
        ("posts/a.md", "---\ntitle: [\n---\n", "posts/a.md:"),
        ("posts/a.md", b"---\ntitle: \xff\n---\n", "posts/a.md:"),
    ],
    ids="syntax undefined type toml script link shortcode yaml bytes".split(),
)
def test_f08_an_error_in_any_file_is_shown_and_clears_itself(
    path: str, broken: str | bytes, where: str, site: Site
) -> None:
    folder = site(SITE).write(
        "layouts/post.html", "{% extends 'base.html' %}{% block main %}{{ content() }}{% endblock %}"
    )
    folder.write("build.py", "from octavo import Site\nsite = Site(__file__)\n")
    good = (folder.root / path).read_bytes()
    with previewing(folder) as preview, preview.tab("/posts/a/") as tab:
        before = preview.page("/posts/a/")
        folder.write(path, broken)
        tab.until(lambda tab: any(problem["where"].startswith(where) for problem in tab.problems))
        if "nosuch" not in str(broken):
            assert preview.page("/posts/a/") == before
        assert preview.get("/posts/b/").status == 200
        folder.write(path, good)
        tab.until(lambda tab: not tab.problems)
        preview.equals_a_build()


def test_a_site_that_begins_with_errors_is_shown_when_it_is_right(site: Site) -> None:
    folder = site(SITE).replace("posts/a.md", "date: 2026-01-01", "date: yesterday")
    with previewing(folder) as preview, preview.tab("/posts/a/") as tab:
        tab.until(lambda tab: bool(tab.problems))
        assert preview.get("/").status == 200
        folder.replace("posts/a.md", "date: yesterday", "date: 2026-01-01")
        tab.until(lambda tab: {"kind": "reload"} in tab.heard)
        assert preview.get("/posts/a/").status == 200


# As a command.


def test_no_other_command_imports_the_server(site: Site) -> None:
    folder = site(SITE)
    code = (
        "import sys; from octavo.cli.main import main; main(['build', '--jobs', '1']);"
        "assert not {'starlette', 'uvicorn', 'websockets', 'watchdog', 'asyncio'} & set(sys.modules)"
    )
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    done = subprocess.run([sys.executable, "-c", code], cwd=folder.root, env=environment, capture_output=True)
    assert done.returncode == 0, done.stderr


class Command:
    """``octavo serve`` in a process of its own."""

    def __init__(self, root: Path, *arguments: str, before: tuple[str, ...] = ()) -> None:
        self.process = subprocess.Popen(
            [*before, sys.executable, "-m", "octavo", "-C", str(root), "serve", "--jobs", "1", *arguments],
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
def test_e15_an_interrupt_ends_the_preview_by_the_signal_and_frees_the_port(site: Site) -> None:
    folder = site(SITE)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with Command(folder.root, "--port", str(port)) as command:
        assert command.line() == f"http://localhost:{port}/  (Ctrl-C ends)\n"
        assert "read in" in command.line()
        with socket.create_connection(("127.0.0.1", port)) as open_connection:
            open_connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert open_connection.recv(15) == b"HTTP/1.1 200 OK"
            command.process.send_signal(signal.SIGINT)
            _, err = command.process.communicate(timeout=SOON)
            assert command.process.returncode == -signal.SIGINT
            assert err == b""
            for made in listen("127.0.0.1", port, 1):
                made.close()


SLOW = """\
import time
from octavo import Site
site = Site(__file__)
@site.check
def slow(ask):
    print("looking", flush=True)
    time.sleep(60)
    return ()
"""


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_e15_an_interrupt_while_the_site_is_looked_at_ends_the_preview(site: Site) -> None:
    folder = site(SITE)
    with Command(folder.root, "--port", "0") as command:
        command.line()
        assert "read in" in command.line()
        folder.write("build.py", SLOW)
        assert command.line() == "looking\n"
        command.process.send_signal(signal.SIGINT)
        command.process.communicate(timeout=SOON)
        assert command.process.returncode == -signal.SIGINT


def test_e14_a_taken_port_is_said_by_the_address_of_the_next(site: Site) -> None:
    folder = site(SITE)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with Command(folder.root, "--port", str(port)) as command:
            match = re.match(r"http://localhost:(\d+)/", command.line())
            assert match
            assert port < int(match[1]) < port + 20


def test_e13_that_other_machines_may_look_is_a_warning(site: Site) -> None:
    folder = site(SITE)
    with Command(folder.root, "--host", "0.0.0.0", "--port", "0") as command:
        assert re.fullmatch(r"http://localhost:\d+/  \(Ctrl-C ends\)\n", command.line())
        assert "read in" in command.line()
        command.process.terminate()
        _, err = command.process.communicate(timeout=SOON)
    assert err.decode().splitlines() == ["octavo: warning: other machines can see this preview at 0.0.0.0"]


def test_a_host_of_another_machine_is_said(site: Site) -> None:
    folder = site(f"-- posts/a.md --\n{post('A')}")
    with (
        Project(folder.root, Options(jobs=1)) as project,
        Changes(project.watched_paths, print) as changes,
        pytest.raises(Usage, match=r"cannot listen at 192\.0\.2\.1"),
    ):
        preview_app.preview(project, changes, "192.0.2.1", 0, open_browser=False)


def test_e16_a_page_asked_for_while_the_site_is_read_is_a_whole_one(site: Site) -> None:
    folder = site(SITE)
    with previewing(folder) as preview:
        bodies: set[bytes] = set()
        ended = threading.Event()

        def ask() -> None:
            while not ended.is_set():
                answer = preview.get("/posts/a/")
                assert answer.status == 200
                bodies.add(answer.body[-8:])

        asking = threading.Thread(target=ask)
        asking.start()
        for number in range(10):
            folder.write("posts/a.md", post("A", body=f"Number {number}."))
            folder.replace("pyproject.toml", "A test site", "A test site")
        with preview.tab("/posts/a/") as tab:
            tab.shows("Number 9.")
        ended.set()
        asking.join(SOON)
        assert len(bodies) == 1


@pytest.mark.parametrize(
    "damage", ["DELETE FROM parts WHERE part = 'body'", "UPDATE parts SET data = x'00' WHERE part = 'body'"]
)
def test_a_page_whose_post_cannot_be_read_from_the_cache_is_shown_all_the_same(site: Site, damage: str) -> None:
    folder = site("-- posts/a.md --\n" + post("A", body="Words of A.\n"))
    with previewing(folder) as before:
        assert "Words of A." in before.page("/posts/a/")
    with closing(sqlite3.connect(folder.root / ".octavo/preview/cache.db", isolation_level=None)) as connection:
        assert connection.execute(damage).rowcount
    with previewing(folder) as preview:
        assert "Words of A." in preview.page("/posts/a/")
        preview.equals_a_build()
