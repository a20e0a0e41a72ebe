"""A cache that a stranger put there, or that is gone: nothing outside of output/ is touched, and nothing is lost."""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from octavo.base.digest import digest_bytes
from octavo.base.file_stat import state_of
from octavo.engine.database import open_database
from octavo.output import manifest
from octavo.output.journal import recover
from octavo.output.paths import digest_of_path
from octavo.output.staging import ready_name
from octavo.output.written_list import FILE as LIST
from tests.sites import SiteFolder, post

Site = Callable[[str], SiteFolder]

POSTS = f"""\
-- posts/alpha1.md --
{post("One")}
-- posts/alpha2.md --
{post("Two")}
-- posts/alpha3.md --
{post("Three")}
"""

OUTSIDE = ("../canary.txt", "/{outside}/canary.txt", "../posts/alpha3.md", "a/../../canary.txt", ".git/hooks/pre-push",
           "a/.GIT/x", "git~1/x")  # fmt: skip
COMMANDS = (
    ["build"],
    ["build", "--fresh"],
    ["clean"],
    ["clean", "--output"],
    ["check"],
    ["related", "--all"],
    ["why", "/"],
)


def octavo(folder: SiteFolder, *arguments: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "octavo", "-C", str(folder.root), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, input=typed, timeout=100, check=False)
    assert "Traceback" not in done.stderr and done.returncode != 70, done.stderr
    return done


def around(folder: SiteFolder) -> dict[str, bytes]:
    """Every file that no command may touch: all but the cache and what Octavo published."""
    home = folder.root.parent
    skipped = (folder.root / ".octavo", folder.root / "output")
    found = {}
    for path in sorted(home.rglob("*")):
        is_skipped = any(path.is_relative_to(each) for each in skipped) and ".git" not in path.parts
        if path.is_file() and not is_skipped:
            found[path.relative_to(home).as_posix()] = path.read_bytes()
    return found


@pytest.fixture
def guarded(site: Site) -> SiteFolder:
    folder = site(POSTS)
    folder.built()
    (folder.root.parent / "canary.txt").write_text("canary")
    (folder.root / "canary.txt").write_text("canary")
    folder.write("output/.git/hooks/pre-push", "theirs").write("output/a/mine.txt", "mine")
    return folder


def names(folder: SiteFolder) -> list[str]:
    return [name.replace("/{outside}", str(folder.root.parent)) for name in OUTSIDE]


def row_of(folder: SiteFolder, path: str) -> tuple[object, ...]:
    """A row of the manifest that knows the file to the last detail."""
    location = Path(os.path.normpath(folder.root / "output" / path))
    content = location.read_bytes() if location.is_file() else b""
    state = state_of(location.lstat()) if location.is_file() else (0, 0, 0, 0)
    return ("../output", path, digest_bytes(content), *state, 1)


@pytest.mark.parametrize("number", range(len(OUTSIDE)))
@pytest.mark.parametrize("command", [["build"], ["build", "--fresh"], ["clean", "--output"], ["clean"]])
def test_a_row_of_the_manifest_names_nothing_but_files_of_the_site(
    guarded: SiteFolder, command: list[str], number: int
) -> None:
    name = names(guarded)[number]
    before = around(guarded)
    with sqlite3.connect(guarded.root / ".octavo/output.db") as connection:
        connection.execute("INSERT INTO manifest VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row_of(guarded, name))
    connection.close()
    guarded.delete("posts/alpha2.md")
    before.pop("site/posts/alpha2.md")
    done = octavo(guarded, *command)
    assert done.returncode == 0, done.stderr
    assert around(guarded) == before
    if command != ["clean"]:  # which reads none
        (line,) = [line for line in done.stderr.splitlines() if "set aside" in line]
        assert line.startswith("octavo: .octavo/output.db names ") and line.endswith("set aside in .octavo/aside")
    if command[0] == "build":  # the list has told what is ours
        assert not (guarded.root / "output/posts/alpha2").exists() and "overwritten" not in done.stderr
        assert (guarded.root / ".octavo/aside/output.db").exists()
        assert "aside" not in octavo(guarded, "build").stderr


@pytest.mark.parametrize("what", ["write", "write as it lies", "remove"])
@pytest.mark.parametrize("name", [*OUTSIDE, "posts/alpha1/index.html", "new.sh"])
@pytest.mark.parametrize("command", [["build"], ["clean"], ["clean", "--output"]])
def test_a_row_of_the_journal_moves_and_removes_nothing_that_it_does_not_know(
    guarded: SiteFolder, command: list[str], name: str, what: str
) -> None:
    name = name.replace("/{outside}", str(guarded.root.parent))
    before = around(guarded)
    content = b"#!/bin/sh\ntouch /tmp/owned\n"
    ready = guarded.root / ".octavo" / ready_name("../output")
    ready.mkdir()
    waiting = ready / digest_of_path(name)
    waiting.write_bytes(content)
    waiting.chmod(0o755)
    states: tuple[object, ...] = (1, 2, 3, 4)
    if what == "write as it lies":  # all that a stranger can know, which the ctime is not
        size, mtime, _, inode = state_of(waiting.lstat())
        states = (size, mtime, mtime, inode)
        os.utime(waiting, ns=(mtime, mtime))
    row = (None, None, None, None, None) if what == "remove" else (digest_bytes(content), *states)
    with sqlite3.connect(guarded.root / ".octavo/output.db") as connection:
        values = ("../output", name, *row, 1, 2, 3, 4)
        connection.execute(f"INSERT INTO journal VALUES ({', '.join('?' * 11)})", values)
    connection.close()
    done = octavo(guarded, *command)
    assert done.returncode == 0, done.stderr
    assert around(guarded) == before
    for path in (guarded.root / "output").rglob("*"):
        assert not path.is_file() or path.read_bytes() != content
    if command == ["build"]:
        assert (guarded.root / "output/posts/alpha1/index.html").exists()
        assert not ready.exists()


@pytest.mark.parametrize(
    "link", [".octavo", "lock", "images", "staging", "cache.db", "output.db-wal", "aside", "stamp"]
)
@pytest.mark.parametrize("command", [*COMMANDS, ["serve", "--port", "0"]], ids=" ".join)
def test_a_link_in_the_cache_leads_nowhere_and_is_named(guarded: SiteFolder, command: list[str], link: str) -> None:
    elsewhere = guarded.root.parent / "elsewhere"
    place = guarded.root / ".octavo" / ("" if link == ".octavo" else link)
    if link == ".octavo":
        place.rename(guarded.root.parent / "cache")
        place.symlink_to(guarded.root.parent / "cache")
        (guarded.root.parent / "cache/mine.txt").write_text("mine")
    else:
        if place.is_dir():
            shutil.rmtree(place)
        place.unlink(missing_ok=True)
        elsewhere.mkdir()
        (elsewhere / "mine.txt").write_text("mine")
        place.symlink_to(elsewhere / "mine.txt" if "." in link or link in ("lock", "stamp") else elsewhere)
    before, output = around(guarded), guarded.output()
    done = octavo(guarded, *command)
    assert done.returncode == 2
    assert f"'{place}' is a link" in done.stderr and "--cache DIR" in done.stderr
    assert around(guarded) == before and guarded.output() == output


def test_the_preview_opens_no_cache_through_a_link(guarded: SiteFolder) -> None:
    (guarded.root.parent / "elsewhere").mkdir()
    (guarded.root / ".octavo/preview").symlink_to(guarded.root.parent / "elsewhere")
    done = octavo(guarded, "serve")
    assert done.returncode == 2 and ".octavo/preview' is a link" in done.stderr
    assert not list((guarded.root.parent / "elsewhere").iterdir())


def test_a_pipe_in_the_place_of_a_file_keeps_nobody_waiting(guarded: SiteFolder) -> None:
    for name in ("stamp", "lock", "crash.log"):
        place = guarded.root / ".octavo" / name
        place.unlink(missing_ok=True)
        os.mkfifo(place)
        done = octavo(guarded, "build")
        assert done.returncode == 2 and f"/{name}' is not a regular file" in done.stderr
        place.unlink()


def test_a_cache_that_is_named_may_be_a_link(guarded: SiteFolder) -> None:
    real = guarded.root.parent / "real"
    real.mkdir()
    (guarded.root / "linked").symlink_to(real)
    assert octavo(guarded, "build", "--cache", "linked").returncode == 0
    assert (real / "cache.db").exists()
    for command in (["related", "--all"], ["why", "/"], ["check"]):
        assert octavo(guarded, *command, "--cache", "linked").returncode == 0
    (real / "mine.txt").write_text("mine")
    assert octavo(guarded, "clean", "--cache", "linked").returncode == 2
    (real / "mine.txt").unlink()
    assert octavo(guarded, "clean", "--cache", "linked").returncode == 0
    assert not list(real.iterdir()) if real.exists() else True


# A cache that is gone.


def visible(folder: SiteFolder) -> set[str]:
    return {path for path in folder.output() if not path.startswith(".git/")}


@pytest.mark.parametrize("loss", ["gone", "damaged", "not a folder", "other version"])
def test_without_its_cache_a_build_knows_what_is_its_own(site: Site, tmp_path: Path, loss: str) -> None:
    folder = site(POSTS)
    folder.built()
    folder.write("output/CNAME", "mine")
    cache = folder.root / ".octavo"
    if loss == "damaged":
        (cache / "output.db").write_bytes(b"SQLite format 3\0" + bytes(3000))
    elif loss == "other version":
        with sqlite3.connect(cache / "output.db") as connection:
            connection.execute("ALTER TABLE journal ADD COLUMN later")
        connection.close()
    else:
        shutil.rmtree(cache)
    if loss == "not a folder":
        cache.write_text("mine")
    folder.delete("posts/alpha2.md").replace("posts/alpha3.md", "Words.", "Other words.")
    done = octavo(folder, "build")
    assert done.returncode == 0 and "overwritten" not in done.stderr and "did not write" not in done.stderr
    assert not (folder.root / "output/posts/alpha2").exists()
    assert "Other words." in folder.page("/posts/alpha3/")
    clean = tmp_path / "clean"
    folder.built(output=str(clean), cache=str(tmp_path / "clean-cache"))
    made = {path.relative_to(clean).as_posix() for path in clean.rglob("*") if path.is_file()} - {LIST}
    assert visible(folder) - {"CNAME"} == made


def test_a_cache_that_was_away_for_a_build_learns_from_the_list(site: Site) -> None:
    folder = site(POSTS)
    folder.built()
    cache = folder.root / ".octavo"
    cache.rename(folder.root / "away")
    cache.write_text("in the way")
    folder.write("posts/alpha4.md", post("Four")).replace("posts/alpha3.md", "Words.", "Other words.")
    assert folder.built().written
    cache.unlink()
    (folder.root / "away").rename(cache)
    folder.delete("posts/alpha4.md").replace("posts/alpha3.md", "Other words.", "New words.")
    done = octavo(folder, "build")
    assert done.returncode == 0 and "overwritten" not in done.stderr
    assert not (folder.root / "output/posts/alpha4").exists()


@pytest.mark.parametrize("damage", [None, b"", b"octavo-written 1\nx\n", b"octavo-written 2\n", "link"])
def test_where_the_list_is_gone_too_a_line_says_so(site: Site, damage: bytes | str | None) -> None:
    folder = site(POSTS)
    folder.built()
    folder.delete("posts/alpha2.md").write("output/.hidden/x", "theirs").write("output/.hidden2", "theirs")
    shutil.rmtree(folder.root / ".octavo")
    listed = folder.root / "output" / LIST
    listed.unlink()
    if isinstance(damage, bytes):
        listed.write_bytes(damage)
    elif damage == "link":
        listed.symlink_to(folder.root / "posts/alpha1.md")
    done = octavo(folder, "build")
    assert done.returncode == 0
    assert "output/ holds 1 file that this build did not write (posts/alpha2/index.html)" in done.stderr
    assert "octavo clean --output --unknown" in done.stderr
    assert (f"output/{LIST}" in done.stderr) == (damage is not None)
    assert (folder.root / "posts/alpha1.md").read_text().startswith("---")
    for typed, is_there in (("", True), ("n\n", True), ("Y\n", False)):
        folder.built()
        if typed != "":
            folder.write("output/posts/alpha2/index.html", "left")
        done = octavo(folder, "clean", "--output", "--unknown", typed=typed)
        assert done.returncode == 0 and "output/posts/alpha2/index.html\nremove this file? [y/N]" in done.stdout
        assert (folder.root / "output/posts/alpha2/index.html").exists() is is_there
    assert set(folder.output()) == {".hidden/x", ".hidden2"}


def test_a_folder_in_the_place_of_the_list_is_an_error_before_anything_is_changed(site: Site) -> None:
    folder = site(POSTS)
    folder.built()
    (folder.root / "output" / LIST).unlink()
    (folder.root / "output" / LIST).mkdir()
    before = folder.output()
    assert octavo(folder, "build").returncode == 0  # there is nothing to publish
    folder.replace("posts/alpha1.md", "One", "Another one")
    done = octavo(folder, "build")
    assert done.returncode == 1 and f"output/{LIST}" in done.stderr
    assert folder.output() == before
    assert not list((folder.root / ".octavo").glob("ready*"))


def test_a_file_in_the_place_of_the_cache_keeps_no_output_from_being_cleaned(site: Site) -> None:
    folder = site(POSTS)
    folder.built()
    shutil.rmtree(folder.root / ".octavo")
    (folder.root / ".octavo").write_text("a file")
    done = octavo(folder, "clean", "--output")
    assert done.returncode == 0, done.stderr
    assert folder.output() == {}


def test_names_of_unknown_files_are_printed_as_text(site: Site) -> None:
    folder = site(POSTS)
    folder.built()
    folder.write("output/a\x1b]0;owned\x07b\nc", "theirs")
    done = octavo(folder, "clean", "--output", "--unknown", typed="n\n")
    assert "\x1b" not in done.stdout and "owned" in done.stdout
    assert len(done.stdout.splitlines()) == 4


def test_what_waits_for_another_output_stays_though_the_cache_cannot_be_opened(site: Site) -> None:
    folder = site(POSTS)
    folder.built()
    waiting = folder.root / ".octavo" / ready_name("../other")
    waiting.mkdir()
    connection = open_database(folder.root / ".octavo/output.db", manifest.SCHEMA)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.close()
    recover(open_database(None, manifest.SCHEMA), folder.root / ".octavo", folder.root / "output")
    assert waiting.is_dir()


@pytest.mark.parametrize("table", ["lists", "journal", "manifest"])
def test_a_damaged_table_is_set_aside_though_a_sweep_is_to_be_completed(site: Site, table: str) -> None:
    folder = site(POSTS)
    folder.built()
    file = folder.root / ".octavo/output.db"
    connection = open_database(file, manifest.SCHEMA)
    row = ("../output", "index.html", *[None] * 5, 1, 1, 1, 1)
    connection.execute(f"INSERT INTO journal VALUES ({', '.join('?' * len(row))})", row)
    (page,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()
    (size,) = connection.execute("PRAGMA page_size").fetchone()
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    with file.open("r+b") as opened:
        opened.seek((page - 1) * size)
        opened.write(b"\xff" * size)
    done = octavo(folder, "build")
    assert done.returncode == 0 and "set aside" in done.stderr
    assert octavo(folder, "clean", "--output").returncode == 0
    assert folder.output() == {}


def test_a_folder_that_a_build_without_this_cache_made_a_file_is_no_obstacle(site: Site) -> None:
    folder = site(POSTS + "-- assets/root/other/inside.txt --\nin a folder\n")
    folder.built()
    shutil.rmtree(folder.root / "assets/root/other")
    folder.write("assets/root/other", "a file")
    folder.built(cache="elsewhere")
    done = octavo(folder, "build")
    assert done.returncode == 0, done.stderr
    assert folder.output()["other"] == b"a file"


def test_a_file_of_the_list_is_ours_only_with_its_content(site: Site) -> None:
    folder = site(POSTS)
    folder.built()
    shutil.rmtree(folder.root / ".octavo")
    folder.delete("posts/alpha2.md").write("output/posts/alpha2/index.html", "edited")
    done = octavo(folder, "build")
    assert done.returncode == 0 and folder.page("/posts/alpha2/") == "edited"
    assert "output/posts/alpha2/index.html: warning[output]" in done.stderr and "it stays" in done.stderr


def test_the_list_names_no_path(site: Site) -> None:
    folder = site(POSTS)
    folder.built()
    text = (folder.root / "output" / LIST).read_text("ascii")
    assert text.startswith("octavo-written 1\n") and "alpha" not in text
    assert len(text.splitlines()) == 1 + len(folder.output())


def test_the_list_is_left_alone_by_a_build_that_changes_nothing_and_made_again_when_it_is_gone(site: Site) -> None:
    folder = site(POSTS)
    folder.built()
    listed = folder.root / "output" / LIST
    before, text = listed.stat().st_ino, listed.read_bytes()
    folder.built()
    assert listed.stat().st_ino == before
    listed.unlink()
    assert folder.built().written == ()
    assert listed.read_bytes() == text


def test_a_cleaned_output_holds_no_list(site: Site) -> None:
    folder = site(POSTS)
    folder.built()
    shutil.rmtree(folder.root / ".octavo")
    assert octavo(folder, "clean", "--output").returncode == 0
    assert not list((folder.root / "output").iterdir()) and not (folder.root / ".octavo").exists()


def test_a_clean_build_is_the_same_though_it_has_a_list(site: Site) -> None:
    folder = site(POSTS)
    assert octavo(folder, "build", "--verify").stdout.endswith("verified: a clean build is the same\n")


@pytest.fixture
def small_disk(tmp_path: Path) -> Path:
    return tmp_path / "small"


def test_a_cache_on_a_full_disk_is_told_in_a_line_and_done_without(site: Site, small_disk: Path) -> None:
    folder = site(POSTS)
    folder.built()
    small_disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(small_disk)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a file system, where that is permitted at all")
    try:
        (small_disk / "cache.db").touch()
        with suppress(OSError), (small_disk / "lock").open("wb", buffering=0) as file:
            while True:
                file.write(bytes(4096))
        folder.delete("posts/alpha2.md").replace("posts/alpha3.md", "Words.", "Other words.")
        done = octavo(folder, "build", "--cache", str(small_disk))
        assert done.returncode == 0 and "overwritten" not in done.stderr
        lines = [line for line in done.stderr.splitlines() if "cannot be written" in line]
        assert len(lines) == 1 and "goes on without it" in lines[0]
        assert not (folder.root / "output/posts/alpha2").exists()
    finally:
        subprocess.run(["umount", str(small_disk)], check=True)


def test_a_cache_that_fills_up_meanwhile_is_done_without(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    from octavo.engine.store import Store
    from octavo.project.build_report import Options
    from octavo.project.project import Project

    folder = site(POSTS)
    folder.built()
    folder.delete("posts/alpha2.md").replace("posts/alpha3.md", "Words.", "Other words.")
    put = Store.put

    def full(store: Store, *arguments: Any) -> None:
        if manifest.is_on_disk(store.connection):
            problem = sqlite3.OperationalError("database or disk is full")
            problem.sqlite_errorname = "SQLITE_FULL"
            raise problem
        put(store, *arguments)

    monkeypatch.setattr(Store, "put", full)
    said: list[str] = []
    with Project(folder.root, Options(jobs=1), said.append) as project:
        report = project.build()
    assert not report.problems and report.removed == ("posts/alpha2/index.html",)
    assert said == [
        "octavo: the cache .octavo cannot be written (database or disk is full): this build goes on without it"
    ]


def test_a_bug_is_not_written_down_through_a_link(guarded: SiteFolder) -> None:
    from octavo.project.errors import explain_failure

    elsewhere = guarded.root.parent / "elsewhere"
    shutil.rmtree(guarded.root / ".octavo")
    elsewhere.mkdir()
    (guarded.root / ".octavo").symlink_to(elsewhere)
    assert "cannot be written" in explain_failure(RuntimeError("bug"), guarded.root).words
    assert not list(elsewhere.iterdir())


def test_the_journal_of_another_output_stays_until_it_is_named(site: Site) -> None:
    folder = site(POSTS)
    folder.built()
    other = ("../other", "x", digest_bytes(b"x"), 1, 2, 3, 4, None, None, None, None)
    connection = open_database(folder.root / ".octavo/output.db", manifest.SCHEMA)
    connection.execute(f"INSERT INTO journal VALUES ({', '.join('?' * 11)})", other)
    connection.close()
    ready = folder.root / ".octavo" / ready_name("../other")
    ready.mkdir()
    folder.built()
    assert ready.exists()
    done = octavo(folder, "clean")
    assert done.returncode == 0 and "octavo build --output other completes it" in done.stdout
    assert sorted(path.name for path in (folder.root / ".octavo").iterdir()) == ["lock", "output.db", ready.name]
    folder.built(output="other")
    assert not ready.exists() and octavo(folder, "clean").returncode == 0
    assert not (folder.root / ".octavo").exists()
    assert stat.S_ISDIR((folder.root / "other").stat().st_mode)


# What would keep a command waiting, fill its memory, or lead to another file by another way than a link.


@pytest.mark.parametrize(
    "name", ["lock", "stamp", "crash.log", "cache.db", "cache.db-shm", "output.db", "output.db-wal"]
)
def test_a_hard_link_in_the_cache_is_not_written_through(guarded: SiteFolder, name: str) -> None:
    place = guarded.root / ".octavo" / name
    place.unlink(missing_ok=True)
    place.hardlink_to(guarded.root / "posts/alpha1.md")
    before = around(guarded)
    for command in (["build"], ["build", "--fresh"]):
        done = octavo(guarded, *command)
        assert done.returncode == (2 if name in ("lock", "stamp", "crash.log") else 0)
        assert around(guarded) == before


@pytest.mark.parametrize(
    "place", [".octavo/staging", ".octavo/ready-1", "output/.octavo-staging", "output/.octavo-ready", ".octavo/aside"]
)
def test_a_pipe_in_the_place_of_a_folder_is_removed(site: Site, place: str) -> None:
    folder = site(POSTS)
    folder.built()
    if place.endswith("ready-1"):
        place = f".octavo/{ready_name('../output')}"
    os.mkfifo(folder.root / place)
    folder.replace("posts/alpha1.md", "One", "Another one")
    assert octavo(folder, "build").returncode == 0
    assert "Another one" in folder.page("/posts/alpha1/")


@pytest.mark.parametrize("place", [".octavo/stamp", f"output/{LIST}"])
def test_a_file_that_is_far_too_large_is_not_read(site: Site, place: str) -> None:
    folder = site(POSTS)
    folder.built()
    with (folder.root / place).open("wb") as file:
        file.truncate(20_000_000_000)
    folder.replace("posts/alpha1.md", "One", "Another one")
    assert octavo(folder, "build").returncode == 0
    assert "Another one" in folder.page("/posts/alpha1/")


@pytest.mark.parametrize(("database", "table"), [("cache.db", "states"), ("output.db", "manifest")])
def test_a_table_of_a_few_pages_that_has_billions_of_rows_comes_to_an_end(
    site: Site, database: str, table: str
) -> None:
    folder = site(POSTS)
    folder.built()
    file = folder.root / ".octavo" / database
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (size,) = connection.execute("PRAGMA page_size").fetchone()
        (root,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()
    file.write_bytes(repeated(file.read_bytes(), size, root))
    folder.replace("posts/alpha1.md", "One", "Another one")
    assert octavo(folder, "build").returncode == 0
    assert "Another one" in folder.page("/posts/alpha1/")


def repeated(data: bytes, size: int, root: int) -> bytes:
    """A database in which the pages of an index point to one page, many times, in six layers. (SQLite's file format,
    "B-tree pages": the header of a page, the places of its cells, and cells of a child's number and a row.)"""
    leaf = data[(root - 1) * size : root * size]
    assert leaf[0] == 10
    at = int.from_bytes(leaf[8:10])
    long = leaf[at] >= 128
    length = (leaf[at] & 127) << 7 | leaf[at + 1] if long else leaf[at]
    cell = leaf[at : at + 1 + long + length]
    pages, child = [leaf], len(data) // size + 1
    for _ in range(6):
        one = child.to_bytes(4) + cell
        count = (size - 12) // (len(one) + 2) - 1
        start = size - count * len(one)
        header = bytes((2, 0, 0)) + count.to_bytes(2) + start.to_bytes(2) + bytes(1) + child.to_bytes(4)
        places = b"".join((start + len(one) * number).to_bytes(2) for number in range(count))
        pages.append((header + places).ljust(start, b"\0") + one * count)
        child += 1
    top = pages.pop()
    found = bytearray(data + b"".join(pages))
    found[(root - 1) * size : root * size] = top
    found[28:32] = (len(found) // size).to_bytes(4)
    found[92:96] = found[24:28]
    return bytes(found)


def test_a_journal_for_which_nothing_waits_does_not_keep_the_cache(site: Site) -> None:
    folder = site(POSTS)
    folder.built()
    with closing(sqlite3.connect(folder.root / ".octavo/output.db", isolation_level=None)) as connection:
        connection.execute("INSERT INTO journal (output, path) VALUES ('../posts', 'a')")
    done = octavo(folder, "clean")
    assert done.returncode == 0 and "completes it" not in done.stdout
    assert not (folder.root / ".octavo").exists()
