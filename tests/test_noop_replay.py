"""Noop replay: done only when nothing changed, and with the same words."""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from octavo.base.file_stat import FileState, state_of
from octavo.cli import main as command_line
from octavo.project import code_fingerprint, noop_replay, project
from tests.sites import SiteFolder, post

pytestmark = pytest.mark.skipif(os.name == "nt", reason="there no evidence is kept")

LATER = 10_000_000_000
"""Nanoseconds, for what is to be taken as old."""

GIVEN = ["build"]


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "")


def keep_evidence(
    places: Sequence[str] = (),
    window: noop_replay.Window = (None, None),
    program: Sequence[str] = (),
    states: Sequence[tuple[str, FileState]] = (),
    cache: str = ".",
    began: int | None = None,
) -> bool:
    """Keep the evidence of a command; unless ``began`` says otherwise all files are old enough for that."""
    words = ("done in \0 s\n", "a warning\n")
    began = time.time_ns() + LATER if began is None else began
    return noop_replay.write_evidence(
        cache, GIVEN, words, states=states, places=places, program=program, began=began, window=window
    )


def holds(given: list[str] = GIVEN) -> bool:
    return noop_replay.find_replay(".", given, time.monotonic()) is not None


def test_a_command_says_what_it_said_and_how_long_it_took_now() -> None:
    assert keep_evidence()
    words = noop_replay.find_replay(".", GIVEN, time.monotonic() - 5)
    assert words is not None
    assert re.fullmatch(r"done in 5\.\d\d s\n", words[0])
    assert words[1] == "a warning\n"


def test_without_evidence_nothing_is_told() -> None:
    assert not holds()


def now_a_link(folder: Path) -> None:
    (folder / "a").rename(folder / "c")
    (folder / "a").symlink_to("c")


EDITS: dict[str, Callable[[Path], object]] = {
    "edited": lambda folder: (folder / "a").write_text("words, and more"),
    "edited in place, to the same size": lambda folder: (folder / "a").write_text("WORDS"),
    "touched": lambda folder: os.utime(folder / "a", (1, 1)),
    "gone": lambda folder: (folder / "a").unlink(),
    "put in its place": lambda folder: (folder / "b").replace(folder / "a"),
    "there now": lambda folder: (folder / "missing").touch(),
    "new in a folder": lambda folder: (folder / "below/new").touch(),
    "a link now": now_a_link,
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_a_change_of_any_file_ends_it(tmp_path: Path, edit: Callable[[Path], object]) -> None:
    (tmp_path / "a").write_text("words")
    (tmp_path / "b").write_text("words")
    (tmp_path / "below").mkdir()
    time.sleep(0.02)  # longer than a tick of the clock
    assert keep_evidence(["a", "missing", "below"])
    assert holds()
    edit(tmp_path)
    assert not holds()


def test_a_state_is_that_in_which_the_file_was_found(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("words")
    found = state_of(Path("a").lstat())
    assert keep_evidence(states=[("a", found)])
    assert holds()
    (tmp_path / "a").write_text("more words")
    assert keep_evidence(states=[("a", found)])
    assert not holds()


def test_a_change_of_the_program_ends_it(tmp_path: Path) -> None:
    (tmp_path / "current").mkdir()
    (tmp_path / "code").symlink_to("current")
    time.sleep(0.02)
    assert keep_evidence(program=["code"])
    assert holds()
    (tmp_path / "current/new.py").touch()
    assert not holds()


def test_other_arguments_are_another_matter(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert keep_evidence()
    assert not holds(["build", "--drafts"])
    with monkeypatch.context() as changed:
        changed.setenv("SOURCE_DATE_EPOCH", "1800000000")
        assert not holds()
    with monkeypatch.context() as changed:
        changed.syspath_prepend(str(tmp_path))
        assert not holds()
    with monkeypatch.context() as changed:
        changed.setattr(sys, "version", "4.0")
        assert not holds()
    assert holds()


def test_it_holds_for_its_time_only() -> None:
    now = dt.datetime.now(dt.UTC)
    hour = dt.timedelta(hours=1)
    for since, until, expected in (
        (now - hour, now + hour, True),
        (None, now - hour, False),
        (now + hour, None, False),
        (now - hour, None, True),
        (None, now + hour, True),
    ):
        assert keep_evidence(window=(since, until))
        assert holds() is expected


def test_what_is_young_is_not_relied_on(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    now = time.time_ns()
    assert not keep_evidence(["a"], began=now)
    assert not keep_evidence(program=["a"], began=now)
    assert not keep_evidence(states=[("a", state_of(Path("a").lstat()))], began=now)
    assert not holds()


def test_what_is_made_from_links_is_not_relied_on(tmp_path: Path) -> None:
    (tmp_path / "a").touch()
    (tmp_path / "link").symlink_to("a")
    assert not keep_evidence(["a", "link"])


def test_damaged_evidence_is_not_believed(tmp_path: Path) -> None:
    assert keep_evidence(["a"] * 50)
    whole = (tmp_path / noop_replay.FILE).read_bytes()
    for damaged in (b"", whole[:3], whole[:-1], whole[:60] + b"\xff" + whole[61:], whole[4:]):
        (tmp_path / noop_replay.FILE).write_bytes(damaged)
        assert not holds()
    (tmp_path / noop_replay.FILE).write_bytes(whole)
    assert holds()


def test_where_no_evidence_can_be_written_none_is() -> None:
    assert not keep_evidence(cache="nosuch")


# Of a whole site.

SCRIPT = """\
from __future__ import annotations

from octavo import File, Site
import extra

site = Site(__file__)


@site.data
def listed(ask):
    return [bool(ask(File("list.txt"))), bool(ask(File("other.txt")))]


if __name__ == "__main__":
    raise SystemExit(site.main())
"""

Main = Callable[..., tuple[str, str]]


@pytest.fixture
def folder(site: Callable[[str], SiteFolder]) -> SiteFolder:
    made = site("").write("posts/a.md", post("About joins", body="![An image](a.svg)\n")).write("posts/a.svg", "<svg/>")
    made.write("posts/deep/b.md", post("More joins", tags="[x]")).write("layouts/extra.html", "{{ 1 }}")
    made.write("posts/later.md", post("Later", "2999-01-01"))
    return made.write("build.py", SCRIPT).write("extra.py", "").write("list.txt", "a").write("assets/x.css", "a{}")


@pytest.fixture
def main(folder: SiteFolder, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Main:
    """A command in the site, whose files are old enough; of this process only the standard library is looked at."""
    monkeypatch.setattr(noop_replay, "COARSE_TICK_NANOSECONDS", -LATER)
    monkeypatch.setattr(code_fingerprint, "list_code_places", lambda: (os.__file__,))

    def run(*arguments: str) -> tuple[str, str]:
        capsys.readouterr()
        assert command_line.main(["-C", str(folder.root), *arguments]) == 0
        printed = capsys.readouterr()
        return printed.out, printed.err

    return run


def is_short(folder: SiteFolder, *arguments: str) -> bool:
    given = ["-C", str(folder.root), *arguments]
    return noop_replay.find_replay(str(folder.root / ".octavo"), given, time.monotonic()) is not None


def without_time(words: tuple[str, str]) -> tuple[str, str]:
    return re.sub(r'in \d+\.\d+ s|"seconds": [\d.]+', "", words[0]), words[1]


@pytest.mark.parametrize("arguments", [(), ("build",), ("--quiet",), ("build", "--format", "json"), ("--drafts",)])
def test_a_build_that_nothing_calls_for_is_said_and_not_done(
    main: Main, folder: SiteFolder, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    main(*arguments)
    assert not is_short(folder, *arguments)
    second = main(*arguments)
    assert is_short(folder, *arguments)

    def opened(*_: Any) -> None:
        raise AssertionError("the site was opened")

    monkeypatch.setattr(project.Project, "__init__", opened)
    assert without_time(main(*arguments)) == without_time(second)
    if "json" in arguments:
        assert json.loads(main(*arguments)[0])["pages"] > 5


@pytest.mark.parametrize("arguments", [("--fresh",), ("--verify",), ("--cache", "elsewhere"), ("check",)])
def test_some_builds_are_always_done(main: Main, folder: SiteFolder, arguments: tuple[str, ...]) -> None:
    main(*arguments)
    main(*arguments)
    assert not is_short(folder, *arguments)


def test_an_interrupt_on_the_short_way_is_one_all_the_same(
    main: Main, folder: SiteFolder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    (folder.root / ".octavo").mkdir(exist_ok=True)
    (folder.root / ".octavo" / noop_replay.FILE).touch()
    monkeypatch.setattr(noop_replay, "find_replay", interrupted)
    monkeypatch.setattr("octavo.cli.run._die_by", lambda number: 128 + number)
    assert command_line.main(["-C", str(folder.root)]) == 130
    assert capsys.readouterr() == ("", "interrupted, output unchanged\n")


def test_words_that_nobody_takes_end_the_short_way_as_the_long_one(
    main: Main, folder: SiteFolder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("there is no device that is full")
    main()
    main()
    with full.open("w") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        assert is_short(folder)
        assert command_line.main(["-C", str(folder.root)]) == 1
    assert "the result cannot be written: No space left on device" in capsys.readouterr().err


def moved_behind_a_link(folder: SiteFolder) -> None:
    (folder.root / "output/posts").rename(folder.root / "elsewhere")
    (folder.root / "output/posts").symlink_to(folder.root / "elsewhere")


CHANGES: dict[str, Callable[[SiteFolder], object]] = {
    "a body": lambda site: site.replace("posts/deep/b.md", "Words.", "Other words."),
    "a new post": lambda site: site.write("posts/deep/c.md", post("New")),
    "a new folder": lambda site: site.write("posts/new/c.md", post("New")),
    "a post that goes": lambda site: site.delete("posts/deep/b.md"),
    "an attachment": lambda site: site.write("posts/a.svg", "<svg></svg>"),
    "a layout": lambda site: site.write("layouts/extra.html", "{{ 2 }}"),
    "a new layout": lambda site: site.write("layouts/base.html", "<p>"),
    "an asset": lambda site: site.write("assets/x.css", "b{}"),
    "settings": lambda site: site.replace("pyproject.toml", "A test site", "Another site"),
    "no settings": lambda site: site.delete("pyproject.toml"),
    "build.py": lambda site: site.replace("build.py", "import extra", "import extra as more"),
    "a module of build.py": lambda site: site.write("extra.py", "1"),
    "a module that would be imported instead": lambda site: site.write("extra/__init__.py", ""),
    "a file that build.py asked for": lambda site: site.write("list.txt", "b"),
    "one that was not there": lambda site: site.write("other.txt", "b"),
    "a page altered": lambda site: site.write("output/posts/a/index.html", "x"),
    "a page deleted": lambda site: site.delete("output/posts/a/index.html"),
    "a copy altered": lambda site: site.write("output/posts/a.svg", "x"),
    "a folder of pages behind a link": moved_behind_a_link,
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_every_change_is_seen(main: Main, folder: SiteFolder, change: Callable[[SiteFolder], object]) -> None:
    main()
    main()
    time.sleep(0.02)
    assert is_short(folder)
    change(folder)
    assert not is_short(folder)


def test_what_is_no_part_of_the_site_changes_nothing(main: Main, folder: SiteFolder) -> None:
    main()
    main()
    folder.write("notes.txt", "x").write("output/posts/a/other.txt", "x").write("drafts/x.md", "x")
    assert is_short(folder)


def test_a_post_that_appears_ends_it(main: Main, folder: SiteFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    main()
    main()
    then = dt.datetime(2999, 1, 1, tzinfo=dt.UTC).timestamp()
    monkeypatch.setattr(time, "time_ns", lambda: int((then - 60) * 1e9))
    assert is_short(folder)
    monkeypatch.setattr(time, "time_ns", lambda: int((then + 60) * 1e9))
    assert not is_short(folder)


def test_at_a_given_time_nothing_appears(main: Main, folder: SiteFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    main("--at", "2026-06-01")
    main("--at", "2026-06-01")
    monkeypatch.setattr(time, "time_ns", lambda: int(dt.datetime(2999, 2, 1, tzinfo=dt.UTC).timestamp() * 1e9))
    assert is_short(folder, "--at", "2026-06-01")


SHORT = (
    "base base.file_stat cli cli.main cli.site_script project project.noop_replay site site.extensions "
    "site.extensions.declare"
).split()


def test_the_short_way_imports_no_library(main: Main, folder: SiteFolder) -> None:
    main("build")
    main("build")
    code = (
        "import sys\n"
        "before = set(sys.modules)\n"
        "from octavo.cli import main, site_script\nfrom octavo.project import noop_replay\n"
        "noop_replay._about = lambda given: about\n"
        f"about = {noop_replay._about(['-C', str(folder.root), 'build'])!r}\n"
        f"assert main.main(['-C', {str(folder.root)!r}, 'build']) == 0\n"
        "print(*sorted(set(sys.modules) - before))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    words, imported = done.stdout.splitlines()[0], done.stdout.splitlines()[-1].split()
    assert " 0 rendered" in words
    allowed = {"__future__", "zlib", *(f"octavo.{name}" for name in SHORT)}
    assert set(imported) <= {"octavo", *allowed}


def test_a_site_made_from_links_is_built_the_long_way(main: Main, folder: SiteFolder) -> None:
    (folder.root / "posts/link.md").symlink_to("a.md")
    main()
    main()
    assert not is_short(folder)
