"""The command line as authors use it, mistakes included: in this process where that is enough, in one of its own where
signals, streams and worker processes matter."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import pytest

from octavo.cli import commands, main
from octavo.cli.arguments import COMMANDS, make_parser
from octavo.cli.run import CommandInterrupted
from octavo.output import journal
from octavo.output.publish_errors import PublishError
from octavo.project import errors
from octavo.project.build_report import Options
from octavo.project.lock import hold_lock
from octavo.project.project import Project
from tests.sites import SiteFolder, post

Site = Callable[[str], SiteFolder]

CHECKOUT = Path(__file__).parent.parent

SOON = 60.0
"""Seconds: a time-out with a wide margin, not a measurement."""

POSIX = pytest.mark.skipif(os.name == "nt", reason="signals and devices of POSIX")


def archive(**posts: str) -> str:
    return "".join(f"-- posts/{name}.md --\n{text}" for name, text in posts.items())


TWO = archive(
    bread=post("Bread", tags="[bread, oven]", body="Flour, water, salt and a hot oven.\n"),
    rolls=post("Rolls", tags="[bread]", body="Small breads. See [bread](bread.md).\n"),
)

HELD = archive(draft=post("A draft", draft="true"), later=post("Later", "2999-01-01"))

BROKEN_LINK = archive(link=post("Link", body="[x](nosuch.md)\n"))

SCRIPT = "from octavo import Site\nsite = Site(__file__)\n"

GUARD = "if __name__ == '__main__':\n    raise SystemExit(site.main())\n"


@dataclass(frozen=True)
class Ran:
    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        (line,) = self.out.splitlines()
        return json.loads(line)


@pytest.fixture
def octavo(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    """A command in this process: ``octavo(folder, "build", "--quiet")``; without a folder in the current one."""

    def run(folder: SiteFolder | None, *arguments: str) -> Ran:
        capsys.readouterr()
        status = main.main([*(["-C", str(folder.root)] if folder else []), *arguments])
        read = capsys.readouterr()
        return Ran(status, read.out, read.err)

    return run


Octavo = Callable[..., Ran]


def environment(**changes: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(CHECKOUT), **changes}


def process(*command: str | Path, **options: Any) -> Ran:
    """A command in a process of its own; ``octavo`` where no program is named."""
    started: dict[str, Any] = {
        "capture_output": not {"stdout", "stderr"} & options.keys(),
        "env": environment(),
        "timeout": SOON,
        **options,
    }
    whole = command if str(command[0]).startswith(("/", "sh")) else (sys.executable, "-m", "octavo", *command)
    done = subprocess.run(whole, check=False, stdin=subprocess.DEVNULL, **started)
    return Ran(done.returncode, (done.stdout or b"").decode(), (done.stderr or b"").decode())


# Build.


@pytest.mark.parametrize("text", ["abc", "1.5", "²", "99999999999999999"])
def test_a_source_date_that_is_none_is_no_matter_of_luck(
    text: str, octavo: Octavo, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", text)
    ran = octavo(site(TWO), "build")
    assert ran.status == errors.USAGE
    assert ran.err.startswith(f"octavo: SOURCE_DATE_EPOCH is '{text}'\n    hint: ")


@pytest.mark.parametrize("output", [" ", "~", "~/x", "$HOME", ".octavo", ".octavo/site", ".git", ".git/hooks"])
def test_output_that_nobody_means_is_refused_with_a_hint(output: str, octavo: Octavo, site: Site) -> None:
    folder = site(TWO)
    ran = octavo(folder, "build", "--output", output)
    assert ran.status == errors.USAGE
    assert re.fullmatch(r"octavo: .*\n    hint: .+\n", ran.err)
    assert {path.name for path in folder.root.iterdir()} <= {"posts", "pyproject.toml", ".octavo"}
    assert not (folder.root / ".octavo" / "site").exists()


@pytest.mark.parametrize(("output", "cache"), [("kept/site", "kept"), ("public", "public/kept"), ("same", "same")])
def test_output_and_cache_may_not_hold_one_another(output: str, cache: str, octavo: Octavo, site: Site) -> None:
    folder = site(TWO)
    ran = octavo(folder, "build", "--output", output, "--cache", cache)
    assert ran.status == errors.USAGE
    assert "hint:" in ran.err
    assert {path.name for path in folder.root.iterdir()} == {"posts", "pyproject.toml"}


def test_a_wrong_base_url_is_a_matter_of_usage(octavo: Octavo, site: Site) -> None:
    ran = octavo(site(TWO), "build", "--base-url", "other.example")
    assert ran.status == errors.USAGE
    assert ran.err.startswith("--base-url: error[settings]: ")


def test_an_unsafe_output_is_refused(octavo: Octavo, site: Site) -> None:
    folder = site(TWO)
    for unsafe in (".", "posts", "posts/made", "..", "/"):
        ran = octavo(folder, "build", "--output", unsafe)
        assert ran.status == errors.USAGE
        assert ran.err.startswith("octavo: the output folder ")
    assert (folder.root / "posts/bread.md").exists()


def test_a_fresh_build_believes_nothing(octavo: Octavo, site: Site) -> None:
    folder = site(TWO)
    assert octavo(folder, "build", "--format", "json").json["parsed"] == 2
    again = octavo(folder, "build", "--fresh", "--format", "json").json
    assert (again["parsed"], again["reused"], again["written"]) == (2, 0, [])


def test_warnings_are_errors_when_strict(octavo: Octavo, site: Site) -> None:
    folder = site(TWO).replace("posts/bread.md", "title:", "tilte: x\ntitle:")
    assert octavo(folder, "build").status == 0
    before = folder.output()
    ran = octavo(folder, "build", "--strict")
    assert ran.status == errors.ERRORS
    assert ran.err.startswith("posts/bread.md:2:1: error[")
    assert ran.out == "not built: 1 error; output unchanged\n"
    assert folder.output() == before


def test_broken_links_that_are_allowed_are_so_when_strict_too(octavo: Octavo, site: Site) -> None:
    folder = site(TWO + BROKEN_LINK)
    assert octavo(folder, "build").status == errors.ERRORS
    assert folder.output() == {}
    ran = octavo(folder, "build", "--strict", "--allow-broken-links")
    assert ran.status == 0
    assert ran.err.startswith("posts/link.md:5:1: warning[link]: ")


def test_quiet_prints_problems_only(octavo: Octavo, site: Site) -> None:
    assert octavo(site(TWO + HELD), "build", "--quiet") == Ran(0, "", "")


def test_quiet_prints_problems(octavo: Octavo, site: Site) -> None:
    ran = octavo(site(BROKEN_LINK), "build", "--quiet")
    assert (ran.status, ran.out) == (errors.ERRORS, "")
    assert "error[link]" in ran.err


def test_json_is_one_object_with_the_keys_of_the_design(octavo: Octavo, site: Site) -> None:
    ran = octavo(site(TWO + HELD + BROKEN_LINK), "build", "--format", "json", "--allow-broken-links")
    found = ran.json
    assert ran.err == ""
    assert {"pages", "rendered", "reused", "written", "removed", "seconds", "problems"} <= found.keys()
    assert found["pages"] == found["rendered"] + found["reused"]
    assert "posts/bread/index.html" in found["written"]
    assert [problem["path"] for problem in found["problems"]] == ["posts/link.md"]
    assert found["problems"][0]["line"] == 5
    assert found["held"] == [
        {"path": "posts/draft.md", "state": "draft", "instant": None},
        {"path": "posts/later.md", "state": "future", "instant": "2999-01-01T00:00:00+00:00"},
    ]


def test_json_of_a_build_that_failed_has_its_problems_too(octavo: Octavo, site: Site) -> None:
    ran = octavo(site(TWO + BROKEN_LINK), "build", "--format", "json")
    assert (ran.status, ran.err) == (errors.ERRORS, "")
    assert ran.json["written"] == []
    assert [problem["severity"] for problem in ran.json["problems"]] == ["error"]


# Verify.


def test_verify_finds_what_a_build_py_read_behind_its_back(octavo: Octavo, site: Site) -> None:
    script = (
        "from pathlib import Path\nfrom octavo import Site\nsite = Site(__file__)\n\n@site.filter\ndef told(text):\n"
        "    return (Path(__file__).parent / 'secret').read_text()\n"
    )
    folder = site(TWO).write("build.py", script).write("secret", "1")
    folder.write("layouts/partials/footer.html", "{{ '' | told }}")
    assert octavo(folder, "build").status == 0
    folder.write("secret", "2")
    ran = octavo(folder, "build", "--verify")
    assert ran.status == errors.ERRORS
    assert "output/posts/bread/index.html: error[verify]: differs from the one of the clean build" in ran.err
    assert re.fullmatch(r"not verified: \d+ differences", ran.out.splitlines()[-1])
    assert not ran.out.startswith("not built")


# Check.


def test_check_is_content_with_a_good_site(octavo: Octavo, site: Site) -> None:
    ran = octavo(site(TWO), "check", "--strict")
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.endswith(" pages checked: no problems\n")


# Related.


def test_what_is_related_is_told_with_reasons(octavo: Octavo, site: Site) -> None:
    folder = site(TWO)
    for name in ("posts/bread.md", "bread.md", str(folder.root / "posts/bread.md")):
        ran = octavo(folder, "related", name)
        assert ran.status == 0
        first, second, third = ran.out.splitlines()
        assert first == "Bread  (posts/bread.md)"
        assert re.fullmatch(r"   \d\.\d{3}  Rolls  \(posts/rolls\.md\)", second)
        assert "links to this article" in third


def test_lists_of_what_is_related_are_as_long_as_asked(octavo: Octavo, site: Site) -> None:
    posts = "".join(f"-- posts/p{n}.md --\n{post(f'P {n}', tags='[x]')}" for n in range(5))
    ran = octavo(site(posts), "related", "--all", "--format", "json", "--count", "2")
    assert [len(json.loads(line)["related"]) for line in ran.out.splitlines()] == [2] * 5


@pytest.mark.parametrize(
    ("given", "message", "hint"),
    [
        (["posts/bred.md"], "there is no post 'posts/bred.md'", "did you mean 'posts/bread.md'?"),
        (["rols.md"], "there is no post 'rols.md'", "did you mean 'posts/rolls.md'?"),
        (["draft.md"], "'draft.md' is a draft", "--drafts counts it as published"),
        (["posts/later.md"], "'posts/later.md' is a post to come", "--future counts it as published"),
        (["posts/old.md"], "'posts/old.md' is a post that has expired", ""),
        (["posts/bad.md"], "'posts/bad.md' is a post with errors", "octavo check shows them"),
        (["posts/about.md"], "'posts/about.md' is a page, which is related to nothing", ""),
        ([], "related: name a POST or give --all, one of them", ""),
        (["posts/bread.md", "--all"], "related: name a POST or give --all, not both", ""),
    ],
)
def test_a_post_that_has_no_list_is_said_to_be_what_it_is(
    given: list[str], message: str, hint: str, octavo: Octavo, site: Site
) -> None:
    folder = site(TWO + HELD).write("posts/bad.md", "no front matter")
    folder.write("posts/old.md", post("Old", expires="2026-01-02"))
    folder.write("posts/about.md", "---\ntitle: About\nlayout: page\n---\nWords.\n")
    ran = octavo(folder, "related", *given)
    assert (ran.status, ran.out) == (errors.USAGE, "")
    assert ran.err == f"octavo: {message}\n" + (f"    hint: {hint}\n" if hint else "")


def test_the_report_is_of_the_site_or_of_one_post(octavo: Octavo, site: Site) -> None:
    folder = site(TWO).write("posts/lonely.md", post("Lonely", related="false", body="Zebras.\n"))
    ran = octavo(folder, "related", "--report")
    assert ran.status == 0
    assert "Posts that no list and no link leads to (1)\n  posts/lonely.md\n" in ran.out
    assert "lonely" not in octavo(folder, "related", "bread", "--report").out
    told = json.loads(octavo(folder, "related", "--report", "--format", "json").out)
    assert (told["posts"], told["unreached"]) == (3, ["posts/lonely.md"])


def test_a_site_that_shows_no_lists_has_none_to_tell_of(octavo: Octavo, site: Site) -> None:
    ran = octavo(site(TWO).write("pyproject.toml", "[tool.octavo]\nrelated = 0\n"), "related", "--report")
    assert ran.status == errors.USAGE
    assert ran.err.startswith("octavo: related: the site has no lists of related posts\n")


def test_a_draft_that_counts_has_a_list(octavo: Octavo, site: Site) -> None:
    assert octavo(site(TWO + HELD), "related", "draft.md", "--drafts").out.startswith("A draft  (posts/draft.md)\n")


# Why.


def test_why_tells_what_a_page_asked_and_why_it_was_made_again(octavo: Octavo, site: Site) -> None:
    folder = site(TWO)
    octavo(folder, "build")
    folder.replace("posts/bread.md", "Flour", "Wholemeal")
    octavo(folder, "build")
    for url in ("/posts/bread/", "/posts/bread", "posts/bread", "https://test.example/posts/bread/"):
        ran = octavo(folder, "why", url)
        assert ran.status == 0
        assert ran.out.startswith("/posts/bread/\n  rendered last because an answer changed: ")
        assert "    BodyOf(path='posts/bread.md')\n" in ran.out
    found = octavo(folder, "why", "/posts/rolls/", "--format", "json").json
    assert found.keys() == {"url", "last", "asked"}
    assert found["url"] == "/posts/rolls/"


def test_a_page_that_does_not_exist_has_no_why(octavo: Octavo, site: Site) -> None:
    folder = site(TWO)
    ran = octavo(folder, "why", "/posts/bread/")
    assert ran.err == "octavo: no page at '/posts/bread/' has been built\n    hint: build the site first\n"
    octavo(folder, "build")
    ran = octavo(folder, "why", "/posts/bred/")
    assert ran.status == errors.USAGE
    assert ran.err == "octavo: no page at '/posts/bred/' has been built\n    hint: did you mean '/posts/bread/'?\n"


# New.


def test_a_new_post_is_a_draft_that_builds(octavo: Octavo, site: Site) -> None:
    folder = site("")
    ran = octavo(folder, "new", 'Flask: "what" & Ünïcode')
    assert (ran.status, ran.out) == (0, "posts/flask-what-ünïcode.md\n")
    text = (folder.root / "posts/flask-what-ünïcode.md").read_text("utf-8")
    assert re.search(r"^date: \d{4}-\d\d-\d\d\n", text, re.MULTILINE)
    assert octavo(folder, "build", "--drafts", "--future").status == 0
    assert "Flask: &#34;what&#34; &amp; Ünïcode" in folder.page("/posts/flask-what-ünïcode/")


def test_a_title_needs_no_quotes(octavo: Octavo, site: Site) -> None:
    folder = site("")
    assert octavo(folder, "new", "My", "first  post").out == "posts/my-first-post.md\n"
    assert 'title: "My first post"\n' in (folder.root / "posts/my-first-post.md").read_text()


def test_what_is_there_already_is_left_alone(octavo: Octavo, site: Site) -> None:
    folder = site(TWO)
    ran = octavo(folder, "new", "Bread")
    assert ran.status == errors.USAGE
    assert ran.err.startswith("octavo: 'posts/bread.md' is there already\n    hint: ")
    assert "Flour" in (folder.root / "posts/bread.md").read_text()


@pytest.mark.parametrize("title", ["", "  ", "\n"])
def test_a_post_has_a_title(title: str, octavo: Octavo, site: Site) -> None:
    folder = site("")
    assert octavo(folder, "new", title) == Ran(errors.USAGE, "", "octavo: new: give the post a title\n")
    assert list((folder.root / "posts").iterdir()) == []


# Clean.


def test_clean_removes_the_cache_only(octavo: Octavo, site: Site) -> None:
    folder = site(TWO)
    octavo(folder, "build")
    before = folder.output()
    assert octavo(folder, "clean") == Ran(0, "removed the cache, .octavo/\n", "")
    assert not (folder.root / ".octavo").exists()
    assert folder.output() == before
    assert octavo(folder, "build", "--format", "json").json["written"] == []


def test_clean_without_a_cache_says_so(octavo: Octavo, site: Site) -> None:
    folder = site(TWO).write("output/index.html", "mine")
    assert octavo(folder, "clean") == Ran(0, "there is no cache\n", "")
    assert "delete it by hand" in octavo(folder, "clean", "--output").out
    assert folder.output() == {"index.html": b"mine"}


def test_clean_follows_no_link(octavo: Octavo, site: Site) -> None:
    folder = site(TWO)
    octavo(folder, "build")
    (folder.root / ".octavo/elsewhere").symlink_to(folder.root / "posts")
    ran = octavo(folder, "clean")
    assert ran.status == errors.USAGE and ".octavo/elsewhere' is a link" in ran.err and "--cache DIR" in ran.err
    assert (folder.root / "posts/bread.md").exists()


def test_clean_waits_for_a_build(octavo: Octavo, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = site(TWO)
    octavo(folder, "build")
    monkeypatch.setattr(commands, "WAIT_SECONDS", 0.0)
    with hold_lock(folder.root / ".octavo", 0):
        assert octavo(folder, "clean").status == errors.LOCKED
    assert (folder.root / ".octavo/cache.db").exists()


def test_a_cache_that_cannot_be_removed_is_said(octavo: Octavo, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = site(TWO)
    octavo(folder, "build")

    def refuse(path: Path) -> NoReturn:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr("octavo.project.cache._remove", refuse)
    assert octavo(folder, "clean") == Ran(1, "", "octavo: .octavo: it cannot be removed: Permission denied\n")


# Mistakes.


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (["biuld"], "there is no command 'biuld'", "did you mean 'build'?"),
        (["Serve"], "there is no command 'Serve'", "did you mean 'serve'?"),
        (["xyz"], "there is no command 'xyz'", "the commands are build, serve, watch, check, related, why, new, clean"),
        (["build", "--drafs"], "'build' has no option '--drafs'", "did you mean '--drafts'?"),
        (["--strct"], "'build' has no option '--strct'", "did you mean '--strict'?"),
        (["build", "--base_url=x"], "'build' has no option '--base_url'", "did you mean '--base-url'?"),
        (["build", "--draft"], "'build' has no option '--draft'", "did you mean '--drafts'?"),
        (["check", "--verify"], "'check' has no option '--verify'", "'build' has it"),
        (["serve", "-p"], "'serve' has no option '-p'", "octavo serve --help shows what it takes"),
        (["build", "extra"], "'build' takes no 'extra'", "octavo build --help shows what it takes"),
        (["--drafts", "check"], "'build' takes no 'check'", "the command comes first: octavo check …"),
        (
            ["build", "--jobs", "0"],
            "--jobs: '0' is not a whole number from 1",
            "octavo build --help shows what it takes",
        ),
        (["build", "--jobs"], "--jobs: expected one argument", "octavo build --help shows what it takes"),
        (
            ["build", "--at", "yesterday"],
            "--at: 'yesterday' is not a time: write YYYY-MM-DD or YYYY-MM-DDTHH:MM+00:00",
            "octavo build --help shows what it takes",
        ),
        (
            ["build", "--wait", "soon"],
            "--wait: 'soon' is not a number of seconds",
            "octavo build --help shows what it takes",
        ),
        (
            ["build", "--output", ""],
            "--output: '' is not the name of a folder",
            "octavo build --help shows what it takes",
        ),
        (
            ["serve", "--port", "70000"],
            "--port: '70000' is not a port, a whole number up to 65535",
            "octavo serve --help shows what it takes",
        ),
        (["why"], "the following arguments are required: URL", "octavo why --help shows what it takes"),
    ],
)
def test_a_mistake_is_one_plain_line_with_a_hint(
    arguments: list[str], message: str, hint: str, octavo: Octavo, site: Site
) -> None:
    assert octavo(site(TWO), *arguments) == Ran(errors.USAGE, "", f"octavo: {message}\n    hint: {hint}\n")


def test_a_choice_that_is_none_names_the_others(octavo: Octavo, site: Site) -> None:
    ran = octavo(site(TWO), "build", "--format", "xml")
    assert ran.status == errors.USAGE
    assert re.match(r"octavo: --format: .*'xml'.*text.*json.*\n    hint: ", ran.err)


def test_a_site_is_named_with_an_option(
    octavo: Octavo, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site(TWO)
    monkeypatch.chdir(tmp_path)
    for arguments in (["site"], ["build", "site"]):
        ran = octavo(None, *arguments)
        assert ran.status == errors.USAGE
        assert ran.err.endswith("    hint: a site's folder is named with -C: octavo -C site\n")
    for arguments in (
        ["-C", "site"],
        ["-Csite", "check"],
        ["--directory=site", "build"],
        ["--directory", "site"],
        ["build", "-C", "site"],
        ["-C", "nosuch", "-C", "site", "check"],
        ["-C", "nosuch", "check", "-C", "site"],
    ):
        assert octavo(None, *arguments).status == 0, arguments


@pytest.mark.parametrize(
    ("directory", "words"),
    [
        ("nosuch", r"there is no folder 'nosuch'\n"),
        ("site/pyproject.toml", r"'site/pyproject\.toml' is not a folder\n"),
        ("empty", r"'empty' is no site: it has no folder posts/\n    hint: a site begins with a folder posts/; .*\n"),
        ("site/posts", r"'site/posts' is no site: it has no folder posts/\n    hint: did you mean -C \S+/site\?\n"),
    ],
)
def test_a_folder_that_is_no_site_is_said(
    directory: str, words: str, octavo: Octavo, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site(TWO)
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    for command in ("build", "serve", "watch", "check", "related", "new"):
        ran = octavo(None, "-C", directory, command, *{"related": ["--all"], "new": ["T"]}.get(command, []))
        assert ran.status == errors.USAGE
        assert re.fullmatch(f"octavo: {words}", ran.err)


def test_the_folder_of_a_site_must_be_named(octavo: Octavo) -> None:
    assert octavo(None, "-C") == Ran(errors.USAGE, "", "octavo: -C: name the site's folder\n")


def test_a_cache_folder_holds_nothing_else(octavo: Octavo, site: Site) -> None:
    folder = site(TWO).write("mine/staging/keep.txt", "mine")
    for cache in (".", "mine", "posts/cache"):
        ran = octavo(folder, "build", "--cache", cache)
        assert ran.status == errors.USAGE
        assert "cache" in ran.err
    assert (folder.root / "mine/staging/keep.txt").exists()
    assert octavo(folder, "build", "--cache", "new/cache").status == 0
    assert octavo(folder, "build", "--cache", "new/cache", "--format", "json").json["rendered"] == 0


def test_help_of_the_whole_names_the_commands(octavo: Octavo, site: Site) -> None:
    for arguments in (["--help"], ["-C", "nosuch", "--help"], ["-h"]):
        ran = octavo(None, *arguments)
        assert (ran.status, ran.err) == (0, "")
        assert all(f"\n    {command} " in ran.out for command in COMMANDS)
    assert "--allow-broken-links" in octavo(None, "build", "--help").out
    assert process(
        sys.executable, site(TWO).write("build.py", SCRIPT + GUARD).root / "build.py", "--help"
    ).out.startswith("usage: octavo [-h]")


def test_the_version_is_told_installed_or_not(octavo: Octavo, monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib import metadata

    def missing(name: str) -> NoReturn:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", lambda name: "9.8.7")
    assert octavo(None, "--version") == Ran(0, "octavo 9.8.7\n", "")
    monkeypatch.setattr(metadata, "version", missing)
    ran = octavo(None, "--version")
    assert re.fullmatch(r"octavo \d+\.\d+\.\d+\S*\n", ran.out)
    monkeypatch.setattr("octavo.cli.arguments.__file__", "/nosuch/octavo/cli/arguments.py")
    assert octavo(None, "--version") == Ran(0, "octavo of unknown version\n", "")


# What goes wrong.


def test_a_bug_of_ours_is_one_line_and_a_file(octavo: Octavo, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = site(TWO)

    def fail(project: Project) -> NoReturn:
        raise KeyError("odd\nand long")

    monkeypatch.setattr(Project, "build", fail)
    log = folder.root / ".octavo/crash.log"
    ran = octavo(folder, "build")
    assert (ran.status, ran.out) == (errors.BUG, "")
    first, second = ran.err.splitlines()
    assert first == r"octavo: this is a bug in Octavo (KeyError: 'odd\nand long')"
    assert second == f"    hint: the details are in {log}"
    assert "Traceback" in log.read_text()
    assert "Traceback" in octavo(folder, "build", "--debug").err


def test_a_bug_that_cannot_be_written_down_is_told_all_the_same(
    octavo: Octavo, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(project: Project) -> NoReturn:
        shutil.rmtree(project.root)
        raise KeyError("odd")

    monkeypatch.setattr(Project, "build", fail)
    ran = octavo(site(TWO), "build")
    assert ran.status == errors.BUG
    assert "--debug prints the details" in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize(
    ("problem", "status", "words"),
    [
        (PublishError("no space left", "posts/a"), 1, "octavo: posts/a: no space left"),
        (MemoryError(), 1, "octavo: there is not enough memory"),
        (OSError(errno.EMFILE, "Too many open files", "x"), 1, "octavo: Too many open files: x"),
        (OSError(errno.ENOENT, "No such file", "x"), 70, "octavo: this is a bug in Octavo (FileNotFoundError: "),
        (SystemExit(3), 1, "octavo: a function of build.py ended the program: SystemExit(3)"),
        (SystemExit(0), 1, "octavo: a function of build.py ended the program: SystemExit(0)"),
    ],
)
def test_what_is_no_fault_of_ours_is_no_bug(
    problem: BaseException, status: int, words: str, octavo: Octavo, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(project: Project) -> NoReturn:
        raise problem

    monkeypatch.setattr(Project, "build", fail)
    ran = octavo(site(TWO), "build")
    assert ran.status == status
    assert ran.err.startswith(words)
    assert "Traceback" not in ran.err


# Locks.


def test_a_second_build_waits_for_the_first_and_says_so(site: Site, tmp_path: Path) -> None:
    folder = site(TWO)
    with hold_lock(folder.root / ".octavo", 0):
        waiting = subprocess.Popen(
            [sys.executable, "-m", "octavo", "-C", str(folder.root)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(),
        )
        assert waiting.stderr is not None
        assert waiting.stderr.readline() == b"octavo: waiting for another build (pid %d)\n" % os.getpid()
    out, err = waiting.communicate(timeout=SOON)
    assert (waiting.returncode, err) == (0, b"")
    assert b"rendered" in out


@pytest.mark.parametrize("command", [["build"], ["check"], ["build", "--format", "json"]])
def test_a_build_that_does_not_wait_says_who_is_at_work(command: list[str], octavo: Octavo, site: Site) -> None:
    folder = site(TWO)
    with hold_lock(folder.root / ".octavo", 0):
        ran = octavo(folder, *command, "--wait", "0")
    assert (ran.status, ran.out) == (errors.LOCKED, "")
    assert ran.err.startswith(f"octavo: another build is running (pid {os.getpid()})\n    hint: ")
    assert octavo(folder, *command, "--wait", "0").status == 0


def test_five_builds_at_once_end_as_one(site: Site) -> None:
    folder = site(TWO)
    command = [sys.executable, "-m", "octavo", "-C", str(folder.root), "build", "--jobs", "1", "--format", "json"]
    running = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment()) for _ in range(5)
    ]
    ended = [each.communicate(timeout=SOON) for each in running]
    assert [each.returncode for each in running] == [0] * 5
    rendered = sorted(json.loads(out)["rendered"] for out, _ in ended)
    assert rendered[:4] == [0] * 4 < rendered[4:]


# Signals.

SLOW = """\
import time
from pathlib import Path
from octavo import Site

site = Site(__file__)
here = Path(__file__).parent


@site.shortcode
def slowly(args, body):
    try:
        (here / "first").touch(exist_ok=False)  # of some posts one is read before others are asked for help
    except FileExistsError:
        (here / "begun").touch()
        time.sleep(60)
    return ""
"""


@dataclass
class Slow:
    """A build that does not end by itself, after one that did."""

    folder: SiteFolder
    running: subprocess.Popen[bytes]
    before: dict[str, bytes]

    def children(self) -> list[int]:
        found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(self.running.pid)], capture_output=True, check=False)
        return [int(pid) for pid in found.stdout.split()]


@pytest.fixture
def slow(site: Site, request: pytest.FixtureRequest) -> Any:
    folder = site(TWO).write("build.py", SLOW)
    folder.built()
    before = folder.output()
    body = "::: slowly\n:::\n"
    for number in range(30):
        folder.write(f"posts/p{number}.md", post(f"P {number}", body=body))
    arguments, group = request.param
    running = subprocess.Popen(
        [sys.executable, "-m", "octavo", "-C", str(folder.root), *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
        start_new_session=group,
        # Shells start what is in the background deaf to the interrupt, and this may be run there.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    begun, end = folder.root / "begun", time.monotonic() + SOON
    while not begun.exists():
        assert running.poll() is None, running.communicate()
        assert time.monotonic() < end
        time.sleep(0.02)
    yield Slow(folder, running, before)
    running.kill()
    running.communicate()


def has_ended(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


ALONE, POOL = (["build", "--jobs", "1"], False), (["build", "--jobs", "2"], True)


@POSIX
@pytest.mark.parametrize(
    ("slow", "number"),
    [(ALONE, "SIGINT"), (POOL, "SIGINT"), (POOL, "SIGTERM"), (POOL, "SIGHUP")],
    indirect=["slow"],
    ids=["alone", "pool-interrupted", "pool-ended", "pool-hung-up"],
)
def test_an_interrupted_build_dies_by_the_signal_and_leaves_all_as_it_was(number: str, slow: Slow) -> None:
    children = slow.children()
    send = getattr(signal, number)
    assert isinstance(slow.running.args, list)
    if slow.running.args[-1] == "2":
        assert children
        os.killpg(slow.running.pid, send)  # as a terminal does: to the workers too
    else:
        slow.running.send_signal(send)
    out, err = slow.running.communicate(timeout=SOON)
    assert slow.running.returncode == -send
    assert (out, err) == (b"", b"interrupted, output unchanged\n")
    assert slow.folder.output() == slow.before
    assert sorted(path.name for path in (slow.folder.root / ".octavo").iterdir()) == ["cache.db", "lock", "output.db"]
    end = time.monotonic() + SOON
    while not all(map(has_ended, children)) and time.monotonic() < end:
        time.sleep(0.02)
    assert [pid for pid in children if not has_ended(pid)] == []


@POSIX
@pytest.mark.parametrize("slow", [(["build", "--jobs", "2"], False)], indirect=True, ids=["pool"])
def test_a_build_that_was_killed_leaves_a_site_that_the_next_completes(slow: Slow, octavo: Octavo) -> None:
    slow.running.kill()
    slow.running.communicate(timeout=SOON)
    assert slow.folder.output() == slow.before
    slow.folder.write("build.py", SCRIPT)
    for number in range(30):
        slow.folder.delete(f"posts/p{number}.md")
    assert octavo(slow.folder, "build", "--wait", "0").status == 0
    assert slow.folder.output() == slow.before
    assert not list(slow.folder.root.glob(".octavo/staging*"))


@POSIX
@pytest.mark.parametrize("slow", [(["watch", "--jobs", "1"], False)], indirect=True, ids=["watch"])
def test_a_watcher_ends_without_a_word(slow: Slow) -> None:
    slow.running.send_signal(signal.SIGINT)
    _, err = slow.running.communicate(timeout=SOON)
    assert slow.running.returncode == -signal.SIGINT
    assert err.decode() == f"octavo: watching {slow.folder.root} (Ctrl-C ends)\n"


@POSIX
def test_what_was_started_deaf_to_a_signal_stays_so(site: Site) -> None:
    folder = site(TWO)
    code = (
        "import os, signal, sys\nfrom octavo.cli import main, report_text\n"
        "report_text.summary = lambda *_: os.kill(os.getpid(), signal.SIGHUP) or 'still here\\n'\n"
        f"sys.exit(main.main(['-C', {str(folder.root)!r}, 'build', '--jobs', '1']))\n"
    )
    deaf = lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)  # noqa: E731
    assert process(sys.executable, "-c", code, preexec_fn=deaf) == Ran(0, "still here\n", "")
    assert process(sys.executable, "-c", code).status == -signal.SIGHUP


@POSIX
def test_an_interrupt_in_the_sweep_says_that_the_site_is_complete(
    octavo: Octavo, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = site(TWO)
    octavo(folder, "build")
    folder.replace("posts/bread.md", "Flour", "Wholemeal")
    sweep = journal._move_and_remove

    def interrupted(*arguments: Any) -> Any:
        monkeypatch.setattr(journal, "_move_and_remove", sweep)
        raise CommandInterrupted(signal.SIGINT)

    monkeypatch.setattr(journal, "_move_and_remove", interrupted)
    monkeypatch.setattr("octavo.cli.run._die_by", lambda number: 128 + number)
    ran = octavo(folder, "build")
    assert ran.status == 130
    assert ran.err == "interrupted: the new site was being published already, and is complete\n"
    assert "Wholemeal" in folder.page("/posts/bread/")
    assert octavo(folder, "build", "--verify").status == 0


@POSIX
def test_an_interrupt_while_verifying_does_not_deny_the_site(
    octavo: Octavo, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: Any, **__: Any) -> NoReturn:
        raise CommandInterrupted(signal.SIGINT)

    monkeypatch.setattr(subprocess, "run", interrupted)
    monkeypatch.setattr("octavo.cli.run._die_by", lambda number: 128 + number)
    folder = site(TWO)
    assert octavo(folder, "build", "--verify").err == "interrupted: the site is built and published, but not verified\n"
    assert folder.output()


# Streams and surroundings.


def octavo_in_a_shell(folder: SiteFolder, redirection: str) -> Ran:
    """A build whose streams a shell redirects; the status is that of the build, not of what it is piped into."""
    told = folder.root.parent / "status"
    command = f"'{sys.executable}' -m octavo -C '{folder.root}' build"
    ran = process("sh", "-c", f"{{ {command}; echo $? > '{told}'; }} {redirection}")
    return Ran(int(told.read_text()), ran.out, ran.err)


@POSIX
@pytest.mark.parametrize(
    ("redirection", "status"),
    [("> /dev/full", 1), (">&-", 0), ("2>&-", 0), ("<&- >&- 2>&-", 0), ("| true", 0), ("2>&1 | true", 0)],
)
def test_nobody_who_listens_changes_what_is_built(redirection: str, status: int, site: Site) -> None:
    folder = site(TWO).replace("posts/bread.md", "title:", "tilte: x\ntitle:")
    ran = octavo_in_a_shell(folder, redirection)
    assert ran.status == status
    assert "Traceback" not in ran.err + ran.out
    assert "Exception ignored" not in ran.err
    assert "posts/bread/index.html" in folder.output()
    if status:
        assert "octavo: the result cannot be written: No space left on device\n" in ran.err


@POSIX
def test_a_reader_who_leaves_does_not_make_a_failed_build_a_good_one(site: Site) -> None:
    assert octavo_in_a_shell(site(TWO + BROKEN_LINK), "2>&1 | true").status == 1


@POSIX
def test_a_reader_who_leaves_ends_a_list(site: Site) -> None:
    folder = site("".join(f"-- posts/p{n}.md --\n{post(f'P {n}', tags='[x]')}" for n in range(100)))
    python = f"'{sys.executable}' -m octavo -C '{folder.root}' related --all --format json --jobs 1"
    ran = process("sh", "-c", f"{python} | head -n 1")
    assert ran.err == ""
    assert ran.json["id"] == "posts/p0.md"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_what_a_terminal_cannot_show_is_escaped(encoding: str, site: Site) -> None:
    folder = site(archive(küche=post("Küche 🎉", draft="true"), b=post("B")))
    folder.built()
    surroundings = environment(LC_ALL="C", PYTHONIOENCODING=encoding)

    def said(*arguments: str) -> str:
        command = [sys.executable, "-m", "octavo", "-C", str(folder.root), "build", *arguments]
        ran = subprocess.run(command, capture_output=True, env=surroundings, check=False)
        assert (ran.returncode, ran.stderr) == (0, b"")
        return ran.stdout.decode(encoding)

    shown = "k\\xfcche" if encoding == "ascii" else "küche"
    assert f"not published: posts/{shown}.md (a draft)" in said()
    assert json.loads(said("--format", "json"))["held"][0]["path"] == "posts/küche.md"


def test_a_home_is_not_needed(site: Site) -> None:
    folder = site(TWO)
    surroundings = {name: value for name, value in environment().items() if name not in ("HOME", "USERPROFILE", "TERM")}
    assert process("-C", str(folder.root), "build", env=surroundings).status == 0


@POSIX
def test_the_current_folder_may_be_gone(site: Site, tmp_path: Path) -> None:
    folder = site(TWO)
    (tmp_path / "gone").mkdir()
    code = "cd '{gone}' && rmdir '{gone}' && '{python}' -m octavo {arguments}"
    words = {"gone": str(tmp_path / "gone"), "python": sys.executable}
    ran = process("sh", "-c", code.format(**words, arguments=f"-C '{folder.root}' build"))
    assert (ran.status, ran.err) == (0, "")
    (tmp_path / "gone").mkdir()
    ran = process("sh", "-c", code.format(**words, arguments="build"))
    assert ran.status == errors.USAGE
    assert ran.err.startswith("octavo: ")
    assert "Traceback" not in ran.err


@POSIX
@pytest.mark.parametrize("name", ["two\nlines 100% ü", "it's #1?", "-x", 'a"b&c;$(d)'])
def test_a_site_may_lie_anywhere(
    name: str, octavo: Octavo, site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    plain = site(TWO).write("build.py", SCRIPT + GUARD)
    plain.built()
    shutil.copytree(plain.root, tmp_path / name, ignore=shutil.ignore_patterns("output", ".octavo"))
    ran = octavo(None, "-C", f"./{name}")
    assert (ran.status, ran.err) == (0, "")
    folder = SiteFolder(tmp_path / name)
    assert folder.output() == plain.output()
    assert octavo(folder, "related", "bread.md").status == 0


@POSIX
def test_a_site_may_lie_anywhere_for_other_processes_too(site: Site, tmp_path: Path) -> None:
    root = shutil.copytree(site(TWO).write("build.py", SCRIPT + GUARD).root, tmp_path / "two\nlines 100% ü'")
    ran = process(sys.executable, root / "build.py", "build", "--verify")
    assert (ran.status, ran.err) == (0, "")


@POSIX
def test_a_site_may_be_reached_by_a_link(octavo: Octavo, site: Site, tmp_path: Path) -> None:
    folder = site(TWO)
    (tmp_path / "link").symlink_to(folder.root)
    assert octavo(SiteFolder(tmp_path / "link"), "build").status == 0
    assert octavo(folder, "build", "--format", "json").json["rendered"] == 0


@POSIX
def test_a_cache_that_cannot_be_written_does_not_hinder_a_build(site: Site) -> None:
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        pytest.skip("root without setpriv writes everywhere")
    through = ["setpriv", "--bounding-set=-dac_override", "--inh-caps=-dac_override"] if os.geteuid() == 0 else []
    folder = site(TWO)
    folder.built()
    folder.replace("posts/bread.md", "Flour", "Wholemeal")
    files = [folder.root / ".octavo", *(folder.root / ".octavo").iterdir()]
    for file in files:
        file.chmod(0o555 if file.is_dir() else 0o444)
    try:
        ran = process("sh", "-c", " ".join([*through, f"'{sys.executable}' -m octavo -C '{folder.root}' build"]))
    finally:
        for file in files:
            file.chmod(0o755)
    assert ran.status == 0, ran
    assert "Traceback" not in ran.err
    assert "Wholemeal" in folder.page("/posts/bread/")


# build.py.


@pytest.mark.parametrize("end", [GUARD, "raise SystemExit(site.main())\n"])
def test_a_build_py_works_with_and_without_a_guard_and_with_workers(end: str, octavo: Octavo, site: Site) -> None:
    posts = "".join(f"-- posts/p{n}.md --\n{post(f'P {n}')}" for n in range(30))
    filtered = "@site.filter\ndef loud(text):\n    return text.upper()\n"
    folder = site(posts).write("build.py", f"{SCRIPT}{filtered}{end}")
    folder.write("layouts/post.html", "<html lang='en'><body>{{ post.title | loud }} loudly</body></html>")
    ran = process(sys.executable, folder.root / "build.py", "--jobs", "2", cwd="/")
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.count("rendered") == 1
    assert octavo(folder, "build", "--jobs", "1").out.count(" 0 rendered") == 1


@pytest.mark.parametrize(
    ("fault", "place"),
    [
        ("1 / 0", "build.py:3:1: error[build.py]: ZeroDivisionError"),
        ("import nosuch_module", "build.py:3:1: error[build.py]: ModuleNotFoundError"),
        ("raise SystemExit(3)", "build.py:3:1: error[build.py]: RuntimeError: it ends the program: SystemExit(3)"),
        ("def (", "build.py:3:5: error[build.py]: Python cannot read this"),
    ],
)
def test_a_build_py_that_fails_is_a_located_error_of_the_site(
    fault: str, place: str, octavo: Octavo, site: Site
) -> None:
    folder = site(TWO)
    folder.built()
    before = folder.output()
    folder.write("build.py", f"{SCRIPT}{fault}\n{GUARD}")
    ran = octavo(folder, "build")
    assert ran.status == errors.ERRORS
    assert ran.err.startswith(place)
    assert "Traceback" not in ran.err
    assert folder.output() == before
    direct = process(sys.executable, folder.root / "build.py")
    assert direct.status == (3 if "3" in fault else 1)
    assert folder.output() == before


def test_the_documented_default_of_waiting_is_that_of_the_code() -> None:
    build = make_parser().parse_args(["build"])
    assert build.wait == Options().wait == 60
    assert commands.options_from(build) == Options()


# Workers.

ENDING = """\
import multiprocessing, os, signal
from octavo import Site
site = Site(__file__)

@site.filter
def same(text):
    if multiprocessing.parent_process() is not None:
        os.kill(os.getpid(), signal.{0})
    return text
"""


@POSIX
@pytest.mark.parametrize("number", ["SIGTERM", "SIGKILL", "SIGABRT"])
def test_a_build_whose_workers_are_ended_goes_on_without_a_word(number: str, site: Site) -> None:
    layout = "-- layouts/post.html --\n<title>{{ post.title | same }}</title>\n"
    posts = archive(**{f"p{each}": post(f"P {each}") for each in range(120)})
    folder = site(posts + layout + "-- build.py --\n" + ENDING.format(number))
    ran = process("-C", folder.root, "build", "--jobs", "2")
    assert (ran.status, ran.err) == (0, "")
    assert folder.page("/posts/p119/") == "<title>P 119</title>\n"


# Names of files, which are UTF-8 in any locale.

NAMED = "-- posts/ünï.md --\n" + post("Ünï", body="[more](ñandú.md)\n") + "-- posts/ñandú.md --\n" + post("Ñandú")

NO_UTF8 = {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


def latin_1(folder: Path) -> dict[str, str]:
    """An environment whose locale has the encoding ISO-8859-1."""
    made = subprocess.run(
        ["localedef", "-i", "en_US", "-f", "ISO-8859-1", folder / "xx_latin1"], capture_output=True, check=False
    )
    if not (folder / "xx_latin1").is_dir():
        pytest.skip(f"no such locale can be made: {made.stderr.decode()}")
    return {"LOCPATH": str(folder), "LC_ALL": "xx_latin1"}


@pytest.mark.skipif(sys.platform != "linux", reason="locales of Linux")
@pytest.mark.parametrize("way", ["module", "option", "script"])
@pytest.mark.parametrize("locale", ["C", "latin-1"])
def test_a_name_is_utf8_in_any_locale(locale: str, way: str, site: Site, tmp_path: Path) -> None:
    if shutil.which("localedef") is None and locale != "C":
        pytest.skip("there is no localedef")
    surroundings = environment(**NO_UTF8, **({"LC_ALL": "C"} if locale == "C" else latin_1(tmp_path)))
    folder = site(NAMED + "-- build.py --\n" + SCRIPT + GUARD)
    starts: dict[str, list[str | Path]] = {
        "module": [sys.executable, "-m", "octavo", "-C", folder.root],
        "option": [sys.executable, "-X", "utf8=0", "-W", "error", "-m", "octavo", "-C", folder.root],
        "script": [sys.executable, folder.root / "build.py"],
    }
    start = starts[way]
    ran = process(*start, "build", "--output", "öut", env=surroundings)
    assert (ran.status, ran.err) == (0, "")
    made = {path.parent.name for path in (folder.root / "öut" / "posts").rglob("index.html")}
    assert made == {"ünï", "ñandú"}
    assert "%C3%B1and%C3%BA" in (folder.root / "öut/posts/ünï/index.html").read_text("utf-8")
    again = process(*start, "build", "--output", "öut", env=surroundings)
    assert again.status == 0
    assert "0 written" in again.out


@pytest.mark.skipif(sys.platform != "linux", reason="locales of Linux")
def test_a_problem_is_printed_in_the_encoding_of_the_locale(site: Site) -> None:
    folder = site(archive(ünï=post("Ünï", body="[x](nösuch.md)\n")))
    ran = process("-C", folder.root, "build", env=environment(**NO_UTF8, LC_ALL="C"))
    assert ran.status == 1
    assert ran.err.startswith("posts/\\xfcn\\xef.md:5:1: error[link]: ")


@pytest.mark.skipif(sys.platform != "linux", reason="locales of Linux")
def test_a_command_called_within_a_program_does_not_start_it_anew(site: Site) -> None:
    folder = site(TWO)
    code = f"from octavo.cli.main import main\nprint('once', flush=True)\nmain(['-C', {str(folder.root)!r}, 'build'])\n"
    ran = process(sys.executable, "-c", code, env=environment(**NO_UTF8, LC_ALL="C"))
    assert ran.out.startswith("once\n")
    assert ran.out.count("once") == 1
    assert "pages: " in ran.out


def test_where_names_are_utf8_nothing_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(*_: object) -> NoReturn:
        raise AssertionError("started anew")

    monkeypatch.setattr(os, "execv", start)
    main.read_names_as_utf8()
