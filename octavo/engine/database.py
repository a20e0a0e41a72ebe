"""A SQLite file of the cache, opened as if a stranger had put it there.

What is in it is data: nothing in it runs, and nothing in it leads SQLite to another file. A file that is not exactly
as this version of Octavo makes it is set aside and begun anew.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

ASIDE = "aside"
"""In the cache: where a file is put that is no good. There is one such folder, and nothing is read from it."""

PATIENCE = 30.0
"""Seconds to wait for a process that has the file locked; Octavo's own keep out of each other's way before."""


class Foreign(Exception):
    """The file is not as this version of Octavo makes it, or it is damaged.

    ``str`` gives the reason in words.
    """


def open_database(path: Path | None, schema: str, page_size: int = 4096) -> sqlite3.Connection:
    """A connection in autocommit mode to a file with just these tables.

    They are those of ``schema``; without a path, in memory.

    The folder must have been checked for links. Raises Foreign, and sqlite3.OperationalError where the file cannot be
    opened or written, or another process has it locked.
    """
    if path is not None:
        if path.exists() and not path.is_file():
            raise Foreign("it is not a regular file")
        if path.exists() and path.stat().st_nlink > 1:
            raise Foreign("it is a hard link to another file")
        _remove_companions(path)
    # A preview builds in another thread than the one that opened the site, but never in two at once.
    connection = sqlite3.connect(path or ":memory:", isolation_level=None, check_same_thread=False, timeout=PATIENCE)
    try:
        connection.execute("PRAGMA trusted_schema = OFF")
        connection.set_progress_handler(_budget(), _STEPS)
        connection.execute(f"PRAGMA page_size = {page_size}")  # of a new file
        # Nothing else is read before it is known that no trigger, view or index can act on it.
        there = _tables(connection)
        if there and there != _tables_of(schema):
            raise Foreign("it was made by another version of Octavo, or by something else")
        connection.set_progress_handler(None, 0)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        if not there:
            connection.executescript(f"BEGIN IMMEDIATE; {schema} COMMIT;")
    except sqlite3.DatabaseError as problem:
        connection.close()
        if is_want(problem):
            raise
        is_endless = getattr(problem, "sqlite_errorname", "") == "SQLITE_INTERRUPT"
        raise Foreign("it never comes to its end" if is_endless else str(problem)) from problem
    except BaseException:
        connection.close()
        raise
    return connection


_STEPS = 10_000
"""Of SQLite's machine, between two looks at the budget."""


def _budget() -> Callable[[], int]:
    """Ends a statement after some seconds: pages of a file may be linked so that a few of them are billions of rows."""
    looks = iter([0] * 1000)
    return lambda: next(looks, 1)


def most_rows(connection: sqlite3.Connection) -> int:
    """More rows than a table of the database can have.

    A crafted one would give them for ever.
    """
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    (size,) = connection.execute("PRAGMA page_size").fetchone()
    return int(pages) * int(size) // 8 + 1


def is_want(problem: sqlite3.Error) -> bool:
    """Whether SQLite lacks something, rather than that a file is damaged.

    It may lack memory, disk, files, rights or its turn.
    """
    name: str = getattr(problem, "sqlite_errorname", "")
    # What Python cannot decode has no name: it is a damaged value.
    return isinstance(problem, sqlite3.OperationalError) and name.startswith(_WANTS)


_WANTS = (
    "SQLITE_FULL",
    "SQLITE_BUSY",
    "SQLITE_IOERR",
    "SQLITE_CANTOPEN",
    "SQLITE_NOMEM",
    "SQLITE_READONLY",
    "SQLITE_PERM",
    "SQLITE_LOCKED",
)


def _remove_companions(path: Path) -> None:
    """SQLite would undo what a rollback journal says, in whatever file that names, and remove that file. Ours have no
    such journal: they keep a write-ahead log, which without its file belongs to nothing either."""
    _delete(path.with_name(f"{path.name}-journal"), missing=True)
    for name in (f"{path.name}-wal", f"{path.name}-shm"):
        companion = path.with_name(name)
        with suppress(FileNotFoundError):
            status = os.lstat(companion)
            if not path.exists() or not stat.S_ISREG(status.st_mode) or status.st_nlink > 1:
                _delete(companion)


def _tables(connection: sqlite3.Connection) -> frozenset[tuple[str, ...]]:
    """All that the file declares, text for text."""
    return frozenset(connection.execute("SELECT type, name, tbl_name, coalesce(sql, '') FROM sqlite_master"))


@cache
def _tables_of(schema: str) -> frozenset[tuple[str, ...]]:
    connection = sqlite3.connect(":memory:")
    try:
        connection.executescript(schema)
        return _tables(connection)
    finally:
        connection.close()


def set_aside(path: Path) -> None:
    """Put a file that is no good, with its log, into the folder ``ASIDE``.

    That is beside it; an earlier one there is replaced. Raises OSError.
    """
    aside = path.parent / ASIDE
    if aside.is_symlink() or not aside.is_dir():
        _delete(aside, missing=True)
    aside.mkdir(exist_ok=True)
    for name in _files_of(path.name):
        _delete(aside / name, missing=True)
        with suppress(FileNotFoundError):
            os.rename(path.with_name(name), aside / name)  # noqa: PTH104


def _files_of(name: str) -> Iterable[str]:
    return (name, f"{name}-wal", f"{name}-shm")


def _delete(path: Path, missing: bool = False) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=missing)


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All that is done within, or nothing of it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        with suppress(sqlite3.OperationalError):  # a full disk has ended it already
            connection.execute("ROLLBACK")
        raise
    connection.execute("COMMIT")
