"""The cache of a site: what is done about a problem with it, and about none."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from octavo.engine.store import CorruptStore
from octavo.output.publish_errors import DamagedManifest, PublishError
from octavo.project.build_report import Options
from octavo.project.cache import Cache


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def cache(tmp_path: Path, said: list[str]) -> Iterator[Cache]:
    opened = Cache(tmp_path, Options(), said.append)
    yield opened
    opened.close()


def disk_is_full() -> sqlite3.OperationalError:
    problem = sqlite3.OperationalError("database or disk is full")
    problem.sqlite_errorname = "SQLITE_FULL"
    return problem


def test_a_problem_that_is_no_matter_of_the_cache_is_raised_again(
    cache: Cache, said: list[str], tmp_path: Path
) -> None:
    store = cache.store
    for problem in (PermissionError(errno.EACCES, "Permission denied", str(tmp_path / "posts/a.md")), ValueError()):
        with pytest.raises(type(problem)) as raised:
            cache.mend(problem)
        assert raised.value is problem
    assert cache.store is store
    assert said == []


@pytest.mark.parametrize("kind", ["database", "file"])
def test_a_cache_that_cannot_be_written_is_done_without_once(cache: Cache, said: list[str], kind: str) -> None:
    unwritable = PermissionError(errno.EACCES, "Permission denied", str(cache.folder / "staging/x"))
    problem = disk_is_full() if kind == "database" else unwritable
    cache.store.set_about("word", b"kept")
    cache.mend(problem)
    assert cache.store.about("word") is None
    assert len(said) == 1
    assert "goes on without it" in said[0]
    with pytest.raises(PublishError if kind == "database" else PermissionError):
        cache.mend(problem)
    with cache.hold():
        assert cache.store.about("word") is None
    assert len(said) == 1


def test_a_damaged_store_is_set_aside_and_the_manifest_stays(cache: Cache, said: list[str]) -> None:
    manifest_db = cache.manifest_db
    cache.store.set_about("word", b"kept")
    cache.mend(CorruptStore("a digest is none"))
    assert cache.store.about("word") is None
    assert cache.manifest_db is manifest_db
    assert said == ["octavo: .octavo/cache.db is damaged: it is set aside in .octavo/aside"]


def test_a_damaged_manifest_is_set_aside_and_the_store_stays(cache: Cache, said: list[str]) -> None:
    store = cache.store
    cache.mend(DamagedManifest("is damaged (a path is none)"))
    assert cache.store is store
    assert len(said) == 1
    with cache.hold():  # the new file is the one that was opened
        assert cache.store is store
    assert cache.with_manifest(lambda database: database.execute("PRAGMA quick_check").fetchone()) == ("ok",)


def test_a_store_that_was_handed_over_stays_open_when_the_cache_is_opened_anew(cache: Cache, tmp_path: Path) -> None:
    cache.store.set_about("word", b"mine")
    stores = []

    def follows() -> bool:
        stores.append(cache.hand_over_store())
        return False

    with_another = Cache(tmp_path, Options(), print)
    with_another.store.set_about("word", b"theirs")
    with_another.close()
    with cache.hold(follows):
        assert cache.store.about("word") == b"theirs"
    assert stores[0].connection.execute("SELECT 1").fetchone() == (1,)
    assert cache.store is not stores[0]
    stores[0].close()


def test_what_another_process_wrote_and_is_known_is_accepted(cache: Cache, tmp_path: Path) -> None:
    store = cache.store
    another = Cache(tmp_path, Options(), print)
    another.store.set_about("word", b"theirs")
    another.close()
    for _ in range(2):  # the second time there is nothing new
        with cache.hold(lambda: True):
            assert cache.store is store
    with cache.hold(lambda: pytest.fail("nobody wrote to it")):
        assert cache.store is store
