"""One cache, many commands: what one leaves behind never misleads another."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest

from octavo.output import journal
from octavo.output.publish_errors import PublishError
from octavo.output.written_list import FILE as LIST
from octavo.project.build_report import Options
from octavo.project.lock import Locked, hold_lock
from octavo.project.project import Project
from tests.sites import SiteFolder, post

Site = Callable[[str], SiteFolder]

POSTS = f"-- posts/a.md --\n{post('A', tags='[x]')}-- posts/b.md --\n{post('B', tags='[x, y]')}"


def clean_output(folder: SiteFolder, tmp_path: Path) -> dict[str, bytes]:
    """What a build makes that shares no cache."""
    other = tmp_path / "clean"
    folder.built(output=str(other), cache=str(tmp_path / "clean-cache"))
    return {
        file.relative_to(other).as_posix(): file.read_bytes()
        for file in other.rglob("*")
        if file.is_file() and file.name != LIST
    }


def test_a_second_output_folder_is_filled_though_nothing_changed(site: Site) -> None:
    folder = site(POSTS)
    folder.built()
    assert folder.built(output="other").written
    other = folder.root / "other"
    assert {
        file.relative_to(other).as_posix(): file.read_bytes()
        for file in other.rglob("*")
        if file.is_file() and file.name != LIST
    } == (folder.output())
    assert folder.built(output="other").written == ()
    assert folder.built().written == ()


def test_each_output_folder_follows_the_site(site: Site) -> None:
    folder = site(POSTS)
    folder.built()
    folder.built(output="other")
    folder.replace("posts/a.md", "Words.", "Other words.")
    folder.built()
    assert "posts/a/index.html" in folder.built(output="other").written


def test_a_build_that_died_in_the_sweep_is_not_taken_for_the_one_before(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = site(POSTS)
    folder.built()
    before = folder.output()
    folder.replace("posts/a.md", "Words.", "Other words.")

    def die(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(journal, "_move_and_remove", die)
        folder.build()
    folder.replace("posts/a.md", "Other words.", "Words.")
    folder.built()
    assert folder.output() == before


def test_commands_that_are_open_at_once_do_not_mislead_each_other(site: Site, tmp_path: Path) -> None:
    folder = site(POSTS)
    options = Options(jobs=1)
    with Project(folder.root, options) as first, Project(folder.root, options) as second:
        first.build()
        folder.write("posts/c.md", post("C", tags="[z]"))
        second.check()
        folder.write("posts/d.md", post("D", tags="[w]"))
        second.build()
        folder.replace("posts/c.md", "Words.", "Other words.").write("posts/e.md", post("E", tags="[v, x]"))
        first.build()
        folder.delete("posts/b.md")
        second.build()
        assert first.build().rendered == ()
    assert folder.built().rendered == ()
    assert folder.output() == clean_output(folder, tmp_path)


@pytest.mark.parametrize("work", [Project.build, Project.check, Project.learn, lambda project: project.why("/")])
def test_a_command_waits_for_another_and_says_so(work: Callable[[Project], object], site: Site) -> None:
    folder = site(POSTS)
    said: list[str] = []
    with Project(folder.root, Options(jobs=1, wait=0.1), said.append) as project:
        with hold_lock(project.cache.folder, 0), pytest.raises(Locked):
            work(project)
        assert len(said) == 1
        assert said[0].startswith("octavo: waiting for another build (pid ")
        work(project)
        assert len(said) == 1


def test_a_command_that_shall_not_wait_says_nothing(site: Site) -> None:
    folder = site(POSTS)
    said: list[str] = []
    with hold_lock(folder.root / ".octavo", 0), pytest.raises(Locked):
        Project(folder.root, Options(jobs=1, wait=0), said.append)
    assert said == []


def test_a_cache_that_cannot_be_written_for_want_of_space_is_no_damage(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = site(POSTS)
    folder.built()
    output, cache = folder.output(), (folder.root / ".octavo/cache.db").stat().st_ino
    folder.replace("posts/a.md", "Words.", "Other words.")

    def full(*_: object) -> NoReturn:
        problem = sqlite3.OperationalError("database or disk is full")
        problem.sqlite_errorname = "SQLITE_FULL"
        raise problem

    monkeypatch.setattr("octavo.engine.store.Store.put", full)
    with pytest.raises(PublishError, match="disk is full"):
        folder.build()  # which is full in memory too, here
    assert folder.output() == output
    assert (folder.root / ".octavo/cache.db").stat().st_ino == cache


@pytest.mark.parametrize("damage", [b"", b"not a database", b"SQLite format 3\0" + bytes(2000)])
def test_a_damaged_cache_is_begun_anew(damage: bytes, site: Site) -> None:
    folder = site(POSTS)
    folder.built()
    before = folder.output()
    for name in ("cache.db-wal", "cache.db-shm"):
        (folder.root / ".octavo" / name).unlink(missing_ok=True)
    folder.write(".octavo/cache.db", damage).replace("posts/a.md", "Words.", "Other words.")
    folder.built()
    assert "Other words." in folder.page("/posts/a/")
    assert folder.output().keys() == before.keys()
    assert folder.built().rendered == ()


def test_a_file_in_the_place_of_the_cache_does_not_hinder_a_build(site: Site) -> None:
    folder = site(POSTS).write(".octavo", "mine")
    assert folder.built().written
    assert (folder.root / ".octavo").read_text() == "mine"


def test_a_folder_in_the_place_of_the_cache_file_is_set_aside(site: Site) -> None:
    folder = site(POSTS).write(".octavo/cache.db/in-the-way", "mine")
    assert folder.built().written
    assert (folder.root / ".octavo/aside/cache.db/in-the-way").read_text() == "mine"
    assert folder.built().rendered == ()
