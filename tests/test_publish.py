"""Publishing: the old site or the new one, never half of each, and nothing removed that Octavo did not write."""

from __future__ import annotations

import errno
import os
import pickle
import signal
import sqlite3
import stat
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from octavo.base import file_stat as file_state
from octavo.base.digest import digest_bytes
from octavo.engine.database import open_database
from octavo.output import journal, manifest, output_files, publish, staging
from octavo.output.publish import PublishResult
from octavo.output.publish_errors import NotStaged, PublishError, SourceChanged
from octavo.output.staging import FileToPublish, StagingFolder, ready_name
from octavo.output.written_list import FILE as LIST
from octavo.output.written_list import PASSING
from octavo.project.lock import hold_lock

OWN = (LIST, PASSING)


@dataclass(frozen=True)
class Site:
    """A cache and an output folder, without a site around them."""

    root: Path
    connection: sqlite3.Connection

    @property
    def cache(self) -> Path:
        return self.root / ".octavo"

    @property
    def output(self) -> Path:
        return self.root / "output"

    def build(self, files: Mapping[str, str]) -> PublishResult:
        """Publish these files, staging those that a build would have rendered."""
        journal.recover(self.connection, self.cache, self.output)
        before = manifest.find_published(self.connection, self.output)
        known = before.digests()
        wanted = {path: FileToPublish(digest_bytes(text.encode())) for path, text in files.items()}
        with staging.open_staging(self.cache, self.output) as folder:
            for path, text in files.items():
                if path in before.altered or known.get(path) != wanted[path].digest:
                    folder.write(path, text.encode())
            return publish.publish(self.connection, self.output, folder, wanted, before)

    def copy(self, sources: Mapping[str, Path]) -> PublishResult:
        wanted = {path: FileToPublish(digest_bytes(source.read_bytes()), source) for path, source in sources.items()}
        with staging.open_staging(self.cache, self.output) as folder:
            return publish.publish(self.connection, self.output, folder, wanted)

    def files(self) -> dict[str, str]:
        return tree(self.output)


def tree(folder: Path) -> dict[str, str]:
    """Path -> text of the files below a folder, and path -> 'folder' or '-> target' for the rest."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.name in OWN:
            continue
        name = path.relative_to(folder).as_posix()
        if path.is_symlink():
            found[name] = f"-> {path.readlink()}"
        else:
            found[name] = "folder" if path.is_dir() else path.read_text()
    return found


def left_in_cache(site: Site) -> list[str]:
    return [path.name for path in site.cache.iterdir() if not path.name.startswith(manifest.FILE)]


def state(folder: Path) -> dict[str, tuple[int, int]]:
    """What tells whether a file was written again: path -> (inode, mtime)."""
    return {
        str(path): (path.stat().st_ino, path.stat().st_mtime_ns)
        for path in folder.rglob("*")
        if path.is_file() and path.name not in OWN
    }


def opened(root: Path) -> Site:
    (root / ".octavo").mkdir(parents=True, exist_ok=True)
    connection = open_database(root / ".octavo" / manifest.FILE, manifest.SCHEMA)
    return Site(root, connection)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = opened(tmp_path / "site")
    yield site
    site.connection.close()


OLD = {"index.html": "old home", "posts/a/index.html": "old a", "posts/b/index.html": "old b", "gone/x/i.html": "x"}
NEW = {"index.html": "new home", "posts/a/index.html": "new a", "posts/c/index.html": "new c", "robots.txt": "r"}


def with_folders(files: Mapping[str, str]) -> dict[str, str]:
    """As ``tree`` shows it."""
    folders = {str(parent): "folder" for path in files for parent in Path(path).parents if str(parent) != "."}
    return {**folders, **files}


# What a build writes and removes


def test_the_wanted_files_are_published_and_the_others_of_the_last_build_go(site: Site) -> None:
    assert site.build(OLD) == PublishResult(tuple(sorted(OLD)))
    done = site.build(NEW)
    assert site.files() == with_folders(NEW)
    assert done == PublishResult(tuple(sorted(NEW)), ("gone/x/i.html", "posts/b/index.html"))


def test_an_unchanged_file_is_not_written_again(site: Site) -> None:
    site.build(OLD)
    before = state(site.output)
    assert site.build(OLD) == PublishResult()
    assert state(site.output) == before
    assert site.build({**OLD, "index.html": "new"}).written == ("index.html",)
    after = state(site.output)
    assert {path for path in after if after[path] != before[path]} == {str(site.output / "index.html")}


def test_staged_bytes_equal_to_the_published_ones_are_not_written(site: Site) -> None:
    site.build(OLD)
    before = state(site.output)
    wanted = {path: FileToPublish(digest_bytes(text.encode())) for path, text in OLD.items()}
    with staging.open_staging(site.cache, site.output) as folder:
        for path, text in OLD.items():
            folder.write(path, text.encode())
        assert publish.publish(site.connection, site.output, folder, wanted) == PublishResult()
    assert state(site.output) == before


def test_no_staging_is_left(site: Site) -> None:
    site.build(OLD)
    site.build(NEW)
    assert left_in_cache(site) == []


def test_pages_that_were_not_staged_are_named_and_nothing_changes(site: Site) -> None:
    site.build(OLD)
    wanted = {"index.html": FileToPublish(b"1"), "new.html": FileToPublish(b"2")}
    with staging.open_staging(site.cache, site.output) as folder:
        with pytest.raises(NotStaged) as caught:
            publish.publish(site.connection, site.output, folder, wanted)
        assert caught.value.paths == ("index.html", "new.html")
        assert site.files() == with_folders(OLD)
        for path in caught.value.paths:
            folder.write(path, b"x")
        publish.publish(site.connection, site.output, folder, wanted)
    assert site.files() == {"index.html": "x", "new.html": "x"}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"a": "file"}, {"a/b/c": "below"}),
        ({"a/b/c": "below", "a/d": "too"}, {"a": "file"}),
        ({"Foo/index.html": "1"}, {"foo/index.html": "2"}),
        ({"foo.html": "1"}, {"Foo.html": "1"}),
    ],
)
def test_a_file_may_become_a_folder_and_a_name_its_case(site: Site, old: dict[str, str], new: dict[str, str]) -> None:
    for files in (old, new, old, new):
        assert site.build(files).warnings == ()
        assert site.files() == with_folders(files)


def test_an_empty_tree_of_folders_makes_way_for_a_file(site: Site) -> None:
    (site.output / "a" / "b").mkdir(parents=True)
    site.build({"a": "file"})
    assert site.files() == {"a": "file"}


def test_a_file_and_a_folder_of_one_name_are_refused(site: Site) -> None:
    with (
        pytest.raises(PublishError, match="both a file and a folder"),
        staging.open_staging(site.cache, site.output) as folder,
    ):
        publish.publish(site.connection, site.output, folder, {"a": FileToPublish(b"1"), "a/b": FileToPublish(b"2")})


GIT = (".git/hooks/x", "a/.GIT/x", "a/.git", ".git./x", ".git /x", "git~1/x", ".g\u200cit/x", ".git:x/y")


@pytest.mark.parametrize(
    "path", ["", "/etc/x", "../x", "a/../../x", "a//b", "a/", "./a", "a\0b", ".octavo-staging/x", LIST, *GIT]
)
def test_a_path_that_leads_out_is_refused(site: Site, path: str) -> None:
    with staging.open_staging(site.cache, site.output) as folder:
        with pytest.raises(PublishError):
            folder.write(path, b"x")
        with pytest.raises(PublishError):
            publish.publish(site.connection, site.output, folder, {path: FileToPublish(digest_bytes(b"x"))})


def test_a_name_that_is_too_long_is_one_error(site: Site) -> None:
    with (
        staging.open_staging(site.cache, site.output) as folder,
        pytest.raises(PublishError, match="longer than 255 bytes"),
    ):
        folder.write("x" * 300, b"x")


def test_file_modes_follow_the_umask(site: Site) -> None:
    source = site.root / "secret.png"
    source.write_text("x")
    source.chmod(0o600)
    before = os.umask(0o027)
    try:
        site.build({"a/b.html": "x"})
        site.copy({"a/c.png": source})
    finally:
        os.umask(before)
    assert stat.S_IMODE((site.output / "a").stat().st_mode) == 0o750
    assert stat.S_IMODE((site.output / "a/c.png").stat().st_mode) == 0o640


# Copies


def test_sources_are_copied_when_they_change_and_not_even_read_when_not(site: Site) -> None:
    source = site.root / "cat.png"
    source.write_bytes(b"cat" * 1_000_000)
    assert site.copy({"cat.png": source}).written == ("cat.png",)
    assert (site.output / "cat.png").read_bytes() == source.read_bytes()
    wanted = {"cat.png": FileToPublish(digest_bytes(source.read_bytes()), source)}
    source.unlink()
    with staging.open_staging(site.cache, site.output) as folder:
        assert publish.publish(site.connection, site.output, folder, wanted) == PublishResult()


def test_a_source_that_changed_since_it_was_listed_is_not_published(site: Site) -> None:
    site.build(OLD)
    source = site.root / "cat.png"
    source.write_text("new")
    wanted = {"cat.png": FileToPublish(digest_bytes(b"old"), source)}
    with staging.open_staging(site.cache, site.output) as folder, pytest.raises(SourceChanged):
        publish.publish(site.connection, site.output, folder, wanted)
    assert site.files() == with_folders(OLD)


# Files of others


def test_files_of_others_are_kept(site: Site) -> None:
    others = {"CNAME": "name.example", ".git/config": "x", "posts/b/photo.jpg": "p", "mine/photo.jpg": "m"}
    site.build(OLD)
    for path, text in others.items():
        (site.output / path).parent.mkdir(exist_ok=True)
        (site.output / path).write_text(text)
    before = state(site.output)
    assert site.build(NEW).warnings == ()
    assert site.files() == with_folders({**NEW, **others})
    assert publish.remove_published(site.connection, site.output).paths == tuple(sorted(NEW))
    assert site.files() == with_folders(others)
    assert state(site.output) == {path: seen for path, seen in before.items() if Path(path).name in
                                  {Path(other).name for other in others}}  # fmt: skip


def test_a_foreign_file_in_a_pages_place_is_overwritten_and_named(site: Site) -> None:
    site.output.mkdir()
    (site.output / "index.html").write_text("mine")
    (site.output / "robots.txt").write_text(NEW["robots.txt"])
    done = site.build(NEW)
    (problem,) = done.warnings
    assert (problem.path, problem.severity) == ("output/index.html", "warning")
    assert "not written by Octavo" in problem.message
    assert site.files() == with_folders(NEW) and "robots.txt" not in done.written


def test_an_edited_file_is_overwritten_and_named(site: Site) -> None:
    site.build(OLD)
    (site.output / "index.html").write_text("edited")
    assert manifest.find_published(site.connection, site.output).altered == {"index.html"}
    done = site.build(OLD)
    assert [problem.path for problem in done.warnings] == ["output/index.html"]
    assert (done.written, done.removed) == (("index.html",), ())


def test_an_edited_file_of_a_page_that_is_gone_stays_is_named_once_and_forgotten(site: Site) -> None:
    site.build(OLD)
    edited = site.output / "posts/b/index.html"
    edited.write_text("edited")
    fewer = {path: text for path, text in OLD.items() if path != "posts/b/index.html"}
    done = site.build(fewer)
    assert [(problem.path, problem.code) for problem in done.warnings] == [("output/posts/b/index.html", "output")]
    assert "it stays" in done.warnings[0].message and (done.written, done.removed) == ((), ())
    assert edited.read_text() == "edited"
    assert manifest.published_digests(site.connection, site.output).keys() == fewer.keys()
    assert site.build(fewer) == PublishResult()
    (site.output / "index.html").write_text("edited too")
    cleaned = publish.remove_published(site.connection, site.output)
    assert [problem.path for problem in cleaned.warnings] == ["output/index.html"]
    assert site.files() == with_folders({"index.html": "edited too", "posts/b/index.html": "edited"})
    assert not (site.output / LIST).exists()


@pytest.mark.parametrize("damage", ["delete", "edit", "link", "folder", "truncate"])
def test_a_published_file_that_was_altered_is_made_again(site: Site, damage: str) -> None:
    site.build(OLD)
    file = site.output / "posts/a/index.html"
    if damage == "edit":
        file.write_text("OLD A")
    elif damage == "truncate":
        os.truncate(file, 0)
    else:
        file.unlink()
        if damage == "link":
            file.symlink_to(site.output / "index.html")
        elif damage == "folder":
            file.mkdir()
    assert manifest.find_published(site.connection, site.output).altered == {"posts/a/index.html"}
    assert site.build(OLD).written == ("posts/a/index.html",)
    assert site.files() == with_folders(OLD)


def test_the_whole_output_is_made_again_when_it_was_deleted(site: Site) -> None:
    site.build(OLD)
    site.output.rename(site.root / "elsewhere")
    assert site.build(OLD).written == tuple(sorted(OLD))


def test_touching_a_file_does_not_alter_it(site: Site) -> None:
    site.build(OLD)
    os.utime(site.output / "index.html", ns=(1, 1))
    assert manifest.find_published(site.connection, site.output).altered == set()
    assert site.build(OLD) == PublishResult()


def test_an_edit_that_keeps_size_and_times_is_seen_by_its_content(site: Site) -> None:
    site.build(OLD)
    file = site.output / "index.html"
    before = file.stat()
    with file.open("r+") as stream:
        stream.write("OLD")
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert manifest.find_published(site.connection, site.output).altered == {"index.html"}


def test_a_file_is_read_again_only_while_its_times_are_young(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.build(OLD)
    read: list[str] = []
    digest_at = output_files.digest_at

    def spy(location: str) -> bytes | None:
        read.append(location)
        return digest_at(location)

    monkeypatch.setattr(manifest, "digest_at", spy)
    assert manifest.find_published(site.connection, site.output).altered == set() and len(read) == len(OLD)
    for tick in ("FINE_TICK_NANOSECONDS", "COARSE_TICK_NANOSECONDS"):
        monkeypatch.setattr(file_state, tick, -10_000_000_000)  # as if ten seconds had passed
    assert manifest.find_published(site.connection, site.output).altered == set() and len(read) == len(OLD)


def test_what_is_found_unaltered_is_remembered(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.build(OLD)
    now = time.time_ns()
    monkeypatch.setattr(time, "time_ns", lambda: now + 3_000_000_000)
    assert manifest.find_published(site.connection, site.output).altered == set()
    monkeypatch.setattr(manifest, "digest_at", lambda location: pytest.fail("read again"))
    assert manifest.find_published(site.connection, site.output).altered == set()


def test_each_output_folder_has_a_manifest_of_its_own(site: Site) -> None:
    site.build(OLD)
    elsewhere = site.root / "elsewhere"
    with staging.open_staging(site.cache, elsewhere) as folder:
        folder.write("x", b"x")
        publish.publish(site.connection, elsewhere, folder, {"x": FileToPublish(digest_bytes(b"x"))})
    assert tree(elsewhere) == {"x": "x"} and site.files() == with_folders(OLD)
    assert site.build(NEW).removed == ("gone/x/i.html", "posts/b/index.html")


def test_a_site_may_be_moved_as_a_whole(site: Site) -> None:
    site.build(OLD)
    site.connection.close()
    site.root.rename(site.root.with_name("moved"))
    moved = opened(site.root.with_name("moved"))
    assert moved.build(NEW).removed == ("gone/x/i.html", "posts/b/index.html")
    moved.connection.close()


def test_without_its_cache_a_site_is_taken_over_silently(site: Site) -> None:
    site.build(OLD)
    site.connection.execute("DELETE FROM manifest")
    before = state(site.output)
    assert site.build(OLD) == PublishResult()
    assert state(site.output) == before
    assert site.build(NEW).removed == ("gone/x/i.html", "posts/b/index.html")


# Links


def test_output_may_be_a_link_and_stays_one(site: Site) -> None:
    (site.root / "real").mkdir()
    site.output.symlink_to("real")
    site.build(OLD)
    site.build(NEW)
    assert site.output.is_symlink() and tree(site.root / "real") == with_folders(NEW)


def test_nothing_is_written_or_removed_through_a_link_in_output(site: Site) -> None:
    site.build(OLD)
    outside = site.root / "outside"
    (site.output / "posts").rename(outside)
    (site.output / "posts").symlink_to(outside)
    before = tree(outside)
    with pytest.raises(PublishError, match="link") as caught:
        site.build(NEW)
    assert caught.value.path == "output/posts" and tree(outside) == before
    done = site.build({"index.html": "new"})
    assert tree(outside) == before and done.removed == ("gone/x/i.html",)
    assert {problem.path for problem in done.warnings} == {"output/posts/a/index.html", "output/posts/b/index.html"}
    assert list(manifest.published_digests(site.connection, site.output)) == ["index.html"]


def test_nothing_is_cleaned_through_a_link_and_what_was_gone_is_not_named(site: Site) -> None:
    site.build(OLD)
    (site.output / "gone/x/i.html").unlink()
    (site.output / "posts").rename(site.root / "outside")
    (site.output / "posts").symlink_to(site.root / "outside")
    before = tree(site.root / "outside")
    assert publish.remove_published(site.connection, site.output).paths == ("index.html",)
    assert tree(site.root / "outside") == before and manifest.published_digests(site.connection, site.output) == {}


def test_a_link_in_a_pages_place_is_replaced_and_its_target_kept(site: Site) -> None:
    outside = site.root / "outside"
    outside.write_text("kept")
    site.output.mkdir()
    (site.output / "index.html").symlink_to(outside)
    assert len(site.build(NEW).warnings) == 1
    assert outside.read_text() == "kept" and site.files() == with_folders(NEW)


# What cannot be


def refused(site: Site, files: Mapping[str, str]) -> PublishError:
    before = tree(site.output)
    with pytest.raises(PublishError) as caught:
        site.build(files)
    assert tree(site.output) == before
    assert not list(site.connection.execute("SELECT * FROM journal"))
    assert left_in_cache(site) == []
    return caught.value


def test_a_folder_with_files_of_others_in_the_way_of_a_file_is_an_error(site: Site) -> None:
    site.build(OLD)
    (site.output / "robots.txt").mkdir()
    (site.output / "robots.txt" / "mine").write_text("x")
    assert refused(site, NEW).path == "output/robots.txt"


def test_a_file_of_others_in_the_way_of_a_folder_is_an_error(site: Site) -> None:
    site.build({"index.html": "x"})
    (site.output / "posts").write_text("mine")
    assert refused(site, NEW).path == "output/posts"


def as_nobody(act: Callable[[], None]) -> None:
    """Run as a user whom file modes bind; in a child process, for there is no way back."""
    if os.geteuid() != 0:
        act()
        return
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.setgid(65534)
            os.setuid(65534)
            act()
            status = 0
        except BaseException as problem:
            print(repr(problem), file=sys.stderr, flush=True)
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0


@pytest.mark.parametrize("what", [".", "posts/a", "posts/a/index.html"])
def test_what_is_read_only_is_an_error_that_names_it(what: str) -> None:
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)

        def act() -> None:
            site = opened(Path(folder) / "site")
            site.build(OLD)
            locked = site.output / what
            locked.chmod(0o444 if locked.is_file() else 0o555)
            try:
                assert refused(site, NEW).path.rstrip("/.") == f"output/{what}".rstrip("/.")
            finally:
                locked.chmod(0o755)
                site.connection.close()

        as_nobody(act)


def full(*args: object, **options: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


MKDIR = os.mkdir


def full_at_b(path: str | Path, *args: Any, **options: Any) -> None:
    if Path(path).parts[-3:] == ("output", "a", "b"):
        full()
    MKDIR(path, *args, **options)


@pytest.mark.parametrize(
    ("where", "failing"),
    [
        ("octavo.output.staging._copy", full),
        ("octavo.output.staging._sync", full),
        ("os.rename", full),
        ("octavo.output.staging.staged_at", full),
        ("os.mkdir", full_at_b),
        ("shutil.disk_usage", lambda folder: SimpleNamespace(free=2)),
    ],
)
def test_a_full_disk_leaves_the_old_site(
    site: Site, monkeypatch: pytest.MonkeyPatch, where: str, failing: Callable[..., object]
) -> None:
    site.build(OLD)
    source = site.root / "cat.png"
    source.write_text("cat")
    wanted = {
        "a/b/cat.png": FileToPublish(digest_bytes(b"cat"), source),
        "a/index.html": FileToPublish(digest_bytes(b"x")),
    }
    before = tree(site.output)
    with staging.open_staging(site.cache, site.output) as folder, monkeypatch.context() as patch:
        patch.setattr(where, failing)
        with pytest.raises(PublishError, match="no space left"):
            folder.write("a/index.html", b"x")
            publish.publish(site.connection, site.output, folder, wanted)
    assert tree(site.output) == before
    assert not list(site.connection.execute("SELECT * FROM journal"))
    assert left_in_cache(site) == []
    site.build(NEW)
    assert site.files() == with_folders(NEW)


def test_an_output_that_did_not_exist_does_not_after_a_failure(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staging, "_sync", full)
    with pytest.raises(PublishError):
        site.build(NEW)
    assert not site.output.exists()


def test_the_journal_is_on_the_disk_before_the_first_rename(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    happened: list[str] = []
    replace = os.replace

    def told(source: Path, target: Path) -> None:
        happened.append("rename")
        replace(source, target)

    monkeypatch.setattr(os, "replace", told)
    site.connection.set_trace_callback(happened.append)
    site.build({"index.html": "x"})

    def first(statement: str) -> int:
        return next(index for index, what in enumerate(happened) if what.startswith(statement))

    synced, written = first("PRAGMA synchronous = FULL"), first("INSERT OR REPLACE INTO journal")
    relaxed = first("PRAGMA synchronous = 1")
    assert synced < written < relaxed < first("rename") and "COMMIT" in happened[written:relaxed]


# A hard link stands for the second name that a file has where case is not told apart.


def test_a_page_whose_name_changes_its_case_only_is_written_again(site: Site) -> None:
    site.build({"Foo.html": "1"})
    (site.output / "foo.html").hardlink_to(site.output / "Foo.html")
    assert site.build({"foo.html": "1"}) == PublishResult(("foo.html",), ("Foo.html",))


def test_a_recovery_does_not_remove_a_new_page_by_its_old_name(site: Site) -> None:
    site.build({"Foo.html": "1", "x": "1"})
    killed(site, "replace", 2, {"foo.html": "2", "x": "2"})
    (site.output / "Foo.html").hardlink_to(site.output / "foo.html")
    journal.recover(site.connection, site.cache, site.output)
    assert (site.output / "Foo.html").exists()
    assert list(manifest.published_digests(site.connection, site.output)) == ["foo.html", "x"]


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    folder.mkdir(parents=True)
    if (
        os.geteuid() != 0
        or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(folder)], capture_output=True
        ).returncode
    ):
        pytest.skip("only root may mount a file system, where that is permitted at all")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_output_may_be_another_file_system_and_may_be_full(site: Site) -> None:
    with small_disk(site.output):
        site.build(OLD)
        site.build(NEW)
        assert site.files() == with_folders(NEW)
        with pytest.raises(PublishError, match=r"no space left: 2\.0 MB are needed"):
            site.build({**NEW, "big.html": "x" * 2_000_000})
        source = site.root / "big.png"
        source.write_text("x" * 3_000_000)
        with pytest.raises(PublishError, match=r"no space left: 3\.0 MB are needed and 1\.0 MB are free"):
            site.copy({"big.png": source})
        assert site.files() == with_folders(NEW)


def test_a_cache_that_is_full_is_one_error(site: Site) -> None:
    site.build(OLD)
    with small_disk(site.root / "small") as small:
        with staging.open_staging(small / ".octavo", small / "output") as folder, pytest.raises(PublishError):
            folder.write("big.html", b"x" * 2_000_000)
        assert site.files() == with_folders(OLD) and tree(small) == {".octavo": "folder"}


def test_one_device_mounted_twice_is_found_out(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.build(OLD)
    rename, replace = os.rename, os.replace

    def across(act: Callable[..., None]) -> Callable[..., None]:
        def checked(source: str | Path, target: str | Path) -> None:
            if (site.cache in Path(source).parents) != (site.cache in Path(target).parents):
                raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
            act(source, target)

        return checked

    monkeypatch.setattr(os, "rename", across(rename))
    monkeypatch.setattr(os, "replace", across(replace))
    site.build(NEW)
    assert site.files() == with_folders(NEW)


def test_a_folder_of_output_on_another_file_system_is_an_error(site: Site) -> None:
    with small_disk(site.output / "posts"), pytest.raises(PublishError, match="another file system"):
        site.build(NEW)
    assert site.files() == {"posts": "folder"}


# Interrupted


DYING = textwrap.dedent(
    """
    import os, signal, sqlite3, sys
    from pathlib import Path
    from octavo.output import journal, manifest, output_files, publish, staging
    from octavo.base.digest import digest_bytes
    from octavo.project.lock import hold_lock

    root, name, count, files = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), eval(sys.argv[4])
    holder, attribute = {
        "replace": (os, "replace"), "sync": (staging, "_sync"), "journal": (publish, "write_journal"),
        "unlink": (Path, "unlink"), "manifest": (journal, "insert_rows"), "write": (staging.StagingFolder, "write"),
        "mkdir": (publish, "_make_folders"),
    }[name]
    original, calls = getattr(holder, attribute), 0

    def dying(*args, **options):
        global calls
        calls += 1
        if calls == count:
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*args, **options)

    connection = sqlite3.connect(root / ".octavo" / manifest.FILE, isolation_level=None)
    with hold_lock(root / ".octavo", 0):
        output = root / "output"
        journal.recover(connection, root / ".octavo", output)
        before = manifest.find_published(connection, output)
        setattr(holder, attribute, dying)
        with staging.open_staging(root / ".octavo", output) as folder:
            for path, text in files.items():
                folder.write(path, text.encode())
            wanted = {path: staging.FileToPublish(digest_bytes(text.encode())) for path, text in files.items()}
            publish.publish(connection, output, folder, wanted, before)
    """
)


def killed(site: Site, name: str, count: int, files: Mapping[str, str]) -> None:
    """Build in another process that is killed when it calls something for the ``count``-th time."""
    script = [sys.executable, "-c", DYING, str(site.root), name, str(count), repr(dict(files))]
    done = subprocess.run(script, capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr


@pytest.mark.parametrize(("name", "count"), [("write", 2), ("sync", 1), ("journal", 1)])
def test_a_build_killed_before_the_journal_leaves_the_old_site(site: Site, name: str, count: int) -> None:
    site.build(OLD)
    before = state(site.output)
    killed(site, name, count, NEW)
    assert state(site.output) == before and site.files() == with_folders(OLD)
    assert journal.recover(site.connection, site.cache, site.output) is False
    assert state(site.output) == before
    assert not (site.cache / "staging").exists() and not (site.cache / ready_name("../output")).exists()
    assert manifest.find_published(site.connection, site.output).altered == set()
    assert site.build(NEW).written == tuple(sorted(NEW))


@pytest.mark.parametrize(
    ("name", "count"),
    [("mkdir", 1), ("replace", 1), ("replace", 2), ("replace", 4), ("unlink", 1), ("unlink", 2), ("manifest", 1)],
)
def test_a_build_killed_in_the_sweep_is_completed_by_the_next_command(site: Site, name: str, count: int) -> None:
    site.build(OLD)
    (site.output / "CNAME").write_text("mine")
    killed(site, name, count, NEW)
    files = {path: text for path, text in site.files().items() if text != "folder"}
    for path, text in files.items():
        assert text in (OLD.get(path), NEW.get(path), "mine")
    assert set(OLD) & set(NEW) <= set(files)
    assert journal.recover(site.connection, site.cache, site.output) is True
    assert site.files() == with_folders({**NEW, "CNAME": "mine"})
    assert manifest.find_published(site.connection, site.output).altered == set()
    assert manifest.published_digests(site.connection, site.output) == {
        path: digest_bytes(text.encode()) for path, text in NEW.items()
    }
    assert not (site.cache / "staging").exists() and not (site.cache / ready_name("../output")).exists()
    assert journal.recover(site.connection, site.cache, site.output) is False
    assert site.build(NEW) == PublishResult()


@pytest.mark.parametrize("count", [1, 2])
def test_a_sweep_that_makes_files_of_folders_is_completed(site: Site, count: int) -> None:
    site.build({"a/b/c": "1", "d": "2"})
    killed(site, "replace", count, {"a": "3", "d/e": "4"})
    journal.recover(site.connection, site.cache, site.output)
    assert site.files() == with_folders({"a": "3", "d/e": "4"})


def test_a_recovery_may_be_interrupted_itself(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.build(OLD)
    killed(site, "replace", 2, NEW)
    replace, calls = os.replace, iter([True, False, True])

    def stopped(source: Path, target: Path) -> None:
        if not next(calls):
            raise KeyboardInterrupt
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", stopped)
        with pytest.raises(KeyboardInterrupt):
            journal.recover(site.connection, site.cache, site.output)
    assert site.files() != with_folders(NEW)
    journal.recover(site.connection, site.cache, site.output)
    assert site.files() == with_folders(NEW)


def test_a_sweep_whose_files_were_deleted_is_given_up_and_made_again(site: Site) -> None:
    site.build(OLD)
    killed(site, "replace", 2, NEW)
    staging.delete_folder(site.cache / ready_name("../output"))
    half = site.files()
    journal.recover(site.connection, site.cache, site.output)
    assert site.files() == half
    site.build(NEW)
    assert site.files() == with_folders(NEW)


def test_a_file_that_cannot_be_replaced_leaves_a_sweep_that_is_completed_later(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.build(OLD)
    replace = os.replace

    def held(source: str | Path, target: str | Path) -> None:
        if Path(target).name == "robots.txt":
            raise PermissionError(errno.EACCES, "held open")
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", held)
        with pytest.raises(PublishError, match=r"output/robots\.txt: it cannot be written: held open"):
            site.build(NEW)
    assert journal.recover(site.connection, site.cache, site.output) is True
    assert site.files() == with_folders(NEW)


def test_a_file_held_open_for_a_moment_is_tried_again(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    replace, calls = os.replace, iter([True, True, *[False] * 20])

    def held(source: Path, target: Path) -> None:
        if next(calls):
            raise PermissionError
        replace(source, target)

    monkeypatch.setattr(journal, "_TRIES", 5)
    monkeypatch.setattr(os, "replace", held)
    site.build(NEW)
    assert site.files() == with_folders(NEW)


def test_staging_of_another_file_system_is_removed_after_a_kill(site: Site) -> None:
    with small_disk(site.output):
        site.build(OLD)
        killed(site, "write", 2, NEW)
        assert (site.output / ".octavo-staging").exists()
        journal.recover(site.connection, site.cache, site.output)
        assert site.files() == with_folders(OLD)
        killed(site, "replace", 2, NEW)
        journal.recover(site.connection, site.cache, site.output)
        assert site.files() == with_folders(NEW)


def test_a_sweep_is_left_alone_by_a_build_into_another_output(site: Site) -> None:
    site.build(OLD)
    killed(site, "replace", 2, NEW)
    half = site.files()
    assert journal.recover(site.connection, site.cache, site.root / "other") is False
    assert site.files() == half and len(journal.pending_outputs(site.connection)) == 1
    assert journal.recover(site.connection, site.cache, site.output) is True
    assert site.files() == with_folders(NEW)


def test_a_recovery_removes_nothing_through_a_link(site: Site) -> None:
    site.build(OLD)
    killed(site, "replace", 2, NEW)
    outside = site.root / "outside"
    (site.output / "gone").rename(outside)
    (site.output / "gone").symlink_to(outside)
    journal.recover(site.connection, site.cache, site.output)
    assert tree(outside) == {"x": "folder", "x/i.html": "x"}


def test_a_failed_build_leaves_no_folder_behind(site: Site) -> None:
    (site.root / "file").write_text("no folder for a cache")
    with pytest.raises(RuntimeError), staging.open_staging(site.root / "file", site.output) as folder:
        folder.write("x", b"x")
        raise RuntimeError
    with pytest.raises(PublishError), staging.open_staging(site.cache, site.output) as folder:
        publish.publish(site.connection, site.output, folder, {"a": FileToPublish(b""), "a/b": FileToPublish(b"")})
    assert not site.output.exists()


@pytest.mark.parametrize("what", ["file", "link"])
def test_a_cache_that_cannot_be_written_is_done_without(site: Site, what: str) -> None:
    cache = site.root / "broken"
    cache.write_text("x") if what == "file" else cache.symlink_to("nowhere/at/all")
    with hold_lock(cache, 0), staging.open_staging(cache, site.output) as folder:
        journal.recover(site.connection, cache, site.root / "unrelated")
        folder.write("x", b"x")
        publish.publish(site.connection, site.output, folder, {"x": FileToPublish(digest_bytes(b"x"))})
    assert site.files() == {"x": "x"}


def test_values_that_workers_need_can_be_sent() -> None:
    folder = StagingFolder(Path("x"))
    assert pickle.loads(pickle.dumps(folder)) == folder
    problem = pickle.loads(pickle.dumps(PublishError("message", "path")))
    assert (str(problem), problem.path) == ("path: message", "path")


# Any sequence of builds

NAMES = st.sampled_from(["index.html", "a/index.html", "a/b.html", "b", "b/c/d.html", "c.css", "c.css/x"])
SITES = st.dictionaries(NAMES, st.sampled_from(["1", "2", "33"]), max_size=5).filter(
    lambda files: not any(other.startswith(path + "/") for path in files for other in files)
)
EDITS = st.sampled_from(["nothing", "edit", "delete", "touch"])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(SITES, EDITS), min_size=1, max_size=5))
def test_any_sequence_of_builds_leaves_these_files_and_those_of_others(steps: list[tuple[dict[str, str], str]]) -> None:
    others = {"CNAME": "mine", "a/photo.jpg": "p", "d/e/f": "x"}
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(staging, "_sync", lambda folder: None)
        site = opened(Path(folder))
        for path, text in others.items():
            (site.output / path).parent.mkdir(parents=True, exist_ok=True)
            (site.output / path).write_text(text)
        for files, edit in steps:
            for path, text in site.files().items():
                in_the_way = any(f"{path}/".startswith(f"{new}/") or new.startswith(f"{path}/") for new in files)
                if text == "by hand" and path not in files and in_the_way:
                    (site.output / path).unlink()
            before, kept = state(site.output), site.files()
            done = site.build(files)
            stays = [path for path, text in kept.items() if text == "by hand" and path not in files]
            for path in stays:
                assert (site.output / path).read_text() == "by hand"
                journal.remove_file(site.output, path, output_files.LinkedFolders(site.output))
            assert site.files() == with_folders({**files, **others})
            after = state(site.output)
            for path in files:
                if kept.get(path) == files[path]:
                    assert after[str(site.output / path)] == before[str(site.output / path)]
                    assert path not in done.written
            assert site.build(files) == PublishResult()
            change(site, sorted(files), edit)
        site.connection.close()


def change(site: Site, published: list[str], edit: str) -> None:
    for path in published[:1]:
        if edit == "edit":
            (site.output / path).write_text("by hand")
        elif edit == "delete":
            (site.output / path).unlink()
        elif edit == "touch":
            (site.output / path).touch()


def test_a_file_altered_while_the_site_is_built_is_made_again_by_the_next_build(site: Site) -> None:
    site.build(OLD)
    new = {**OLD, "index.html": "new home"}
    before = manifest.find_published(site.connection, site.output)
    for path in ("posts/a/index.html", "index.html"):
        (site.output / path).write_text("altered meanwhile")
    with staging.open_staging(site.cache, site.output) as folder:
        folder.write("index.html", b"new home")
        wanted = {path: FileToPublish(digest_bytes(text.encode())) for path, text in new.items()}
        done = publish.publish(site.connection, site.output, folder, wanted, before)
    assert done.written == ("index.html",) and [problem.path for problem in done.warnings] == ["output/index.html"]
    assert site.build(new).written == ("posts/a/index.html",)
    assert site.files() == with_folders(new)
