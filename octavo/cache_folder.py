"""The cache folder: where it is, opened without following links, and done without where it cannot be written."""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from octavo import manifest, staging, store
from octavo.database import ASIDE, Foreign, is_want, open_database, set_aside, transaction
from octavo.publish_errors import PublishError
from octavo.regular_file import open_regular
from octavo.salt import salt
from octavo.store import Store

T = TypeVar("T")

CACHE = ".octavo"
"""The cache of a site, where no other is named."""

IMAGES = "images"
"""In the cache: what was made of images, a folder for each recipe."""

PREVIEWS = ("preview", "published")
"""Folders in the cache that are caches of previews."""

_FILES = ("lock", "stamp", "crash.log")
"""What must be regular files: SQLite's are looked at when they are opened."""


class UnsafeCache(Exception):
    """Something in the cache folder would lead elsewhere. ``hint`` says what can be done."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message


@dataclass(frozen=True)
class OpenCache:
    """The databases of a cache. ``is_kept`` is false where they are in memory, and gone at the end."""

    store: Store
    manifest_db: sqlite3.Connection
    is_kept: bool

    def close(self) -> None:
        self.store.close()
        self.manifest_db.close()


def find_cache(root: Path, given: str | None) -> Path:
    """The cache of a site: the one that was given, which may be a link, or its own, which may be none."""
    return root / CACHE if given is None else (root / given).resolve()


def check_cache(folder: Path) -> None:
    """Raise UnsafeCache where the cache folder, or anything in it, is a link or not of its kind. To be called before
    anything is opened or removed there."""
    if folder.is_symlink():
        raise _unsafe(folder, "is a link")
    for name in _entries(folder):
        if name == IMAGES or name in PREVIEWS:
            _entries(folder / name)


def _entries(folder: Path) -> list[str]:
    """The names in a folder, none of which may be a link."""
    names: list[str] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_symlink():
                    raise _unsafe(Path(entry.path), "is a link")
                if entry.name in _FILES:
                    if not entry.is_file(follow_symlinks=False):
                        raise _unsafe(Path(entry.path), "is not a regular file")
                    if os.lstat(entry.path).st_nlink > 1:
                        raise _unsafe(Path(entry.path), "is a hard link to another file")
                names.append(entry.name)
    except (FileNotFoundError, NotADirectoryError, PermissionError):  # nothing else here can open it either
        return []
    return names


def _unsafe(path: Path, what: str) -> UnsafeCache:
    hint = "delete it, if you do not know what it is for; --cache DIR names another folder"
    return UnsafeCache(f"'{path}' {what}, and the cache is not opened through it", hint)


def is_of_cache(name: str) -> bool:
    """Whether a name in a cache folder is one that Octavo gives."""
    own = (*_FILES, *PREVIEWS, IMAGES, staging.STAGING, ASIDE)
    return name in own or name.startswith((store.FILE, manifest.FILE, "stamp-")) or staging.is_ready_name(name)


def is_cache(names: Iterable[str]) -> bool:
    """Whether a folder with these names in it is a cache: it holds a database or a lock, and nothing else but what
    Octavo puts there."""
    there = set(names)
    return bool(there & {store.FILE, manifest.FILE, "lock"}) and all(map(is_of_cache, there))


def open_cache(folder: Path, shown: str, say: Callable[[str], None]) -> OpenCache:
    """The databases of a cache folder, which is made where there is none.

    A file that is no good is set aside; where the folder cannot be written they are in memory. ``say`` takes the line
    that tells of it, and ``shown`` is what the folder is called there. Raises UnsafeCache, and PublishError where
    another process keeps the cache locked.
    """
    check_cache(folder)
    opened: list[Store | sqlite3.Connection] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        kept = open_store(folder, shown, say)
        opened.append(kept)
        _try_to_write(kept.connection)
        manifest_db = open_manifest(folder, shown, say)
        opened.append(manifest_db)
        _try_to_write(manifest_db)
    except (OSError, sqlite3.OperationalError, Foreign) as problem:
        for each in opened:
            each.close()
        if is_busy(problem):
            raise PublishError("another process keeps the cache locked", str(folder / store.FILE)) from problem
        if is_out_of_memory(problem):
            raise MemoryError from problem
        say_unwritable(problem, folder, shown, say)
        return in_memory()
    return OpenCache(kept, manifest_db, True)


def in_memory() -> OpenCache:
    """Databases for a build that goes on without its cache."""
    return OpenCache(Store(None, salt()), open_database(None, manifest.SCHEMA), False)


def open_store(folder: Path, shown: str, say: Callable[[str], None]) -> Store:
    """The values of earlier builds. Raises OSError, sqlite3.OperationalError and Foreign."""
    return _open(folder / store.FILE, lambda path: Store(path, salt()), shown, say)


def open_manifest(folder: Path, shown: str, say: Callable[[str], None]) -> sqlite3.Connection:
    """The manifest and the journal. Raises OSError, sqlite3.OperationalError and Foreign."""
    return _open(folder / manifest.FILE, lambda path: open_database(path, manifest.SCHEMA), shown, say)


def _open(path: Path, act: Callable[[Path], T], shown: str, say: Callable[[str], None]) -> T:
    try:
        return act(path)
    except Foreign as problem:
        put_aside(path, f": {problem}", shown, say)
        return act(path)


def put_aside(path: Path, reason: str, shown: str, say: Callable[[str], None]) -> None:
    """Set a file of the cache aside, and say why. Raises OSError."""
    set_aside(path)
    say(f"octavo: {shown}/{path.name}{reason}: it is set aside in {shown}/{ASIDE}")


def _try_to_write(connection: sqlite3.Connection) -> None:
    """Find out before anything depends on it: a small write, down to the file."""
    with transaction(connection):
        connection.execute("PRAGMA user_version = 0")


def is_busy(problem: Exception) -> bool:
    return getattr(problem, "sqlite_errorname", "").startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))


def is_out_of_memory(problem: Exception) -> bool:
    """Whether SQLite lacks memory, as it says of a file that it cannot map. (For all else Python has MemoryError.)"""
    return "NOMEM" in getattr(problem, "sqlite_errorname", "")


def say_unwritable(problem: Exception, folder: Path, shown: str, say: Callable[[str], None], end: str = "") -> None:
    """The line of a cache that cannot be written."""
    end = end or "this build goes on without it"
    say(f"octavo: the cache {shown} cannot be written ({_reason(problem, folder)}): {end}")


def _reason(problem: Exception, folder: Path) -> str:
    """Why the cache cannot be written: what the system says, of which SQLite does not tell all."""
    if isinstance(problem, sqlite3.Error) and is_want(problem):
        problem = _ask_system(folder) or problem
    if isinstance(problem, FileExistsError | NotADirectoryError):
        return "it is not a folder"
    reason = (problem.strerror if isinstance(problem, OSError) else "") or str(problem)
    return f"{reason[:1].lower()}{reason[1:]}"


def _ask_system(folder: Path) -> OSError | None:
    """What the system says of a file that is made and written in the folder, and of those that are there."""
    passing = folder / f"stamp-{os.getpid()}"  # a name that ``clean`` knows
    try:
        descriptor = open_regular(passing, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        try:
            os.write(descriptor, bytes(4096))
        finally:
            os.close(descriptor)
            passing.unlink()
        for name in (store.FILE, manifest.FILE):
            if stat.S_ISREG(os.lstat(folder / name).st_mode):
                os.close(open_regular(folder / name, os.O_RDWR))
    except FileNotFoundError:
        return None
    except OSError as problem:
        return problem
    return None
