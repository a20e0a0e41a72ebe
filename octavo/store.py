"""Traces and values of earlier builds, in one SQLite file that may be deleted at any time.

What is read back is checked against a checksum, so that a damaged file is found out and never believed.
"""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

from octavo.digest import Digest
from octavo.facts import Unanswered
from octavo.state import identity
from octavo.traces import Traces

_FORMAT = "4"

PATIENCE = 30.0
"""Seconds to wait for a process that has the file locked; Octavo's own keep out of each other's way before."""

_PAGE = 16_384
_LOG = 64_000_000
_HELD = 32_000_000
"""Bytes in a page of a new file, in the log before it goes into the file, and held in memory. Most values are larger
than SQLite's own page, and a build writes them once."""

# Tables with rowids: in one without, SQLite reads the whole of a large value to pass by its key.
_SCHEMA = """
CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value BLOB);
CREATE TABLE IF NOT EXISTS questions (kind TEXT, chunk INTEGER, data BLOB, PRIMARY KEY (kind, chunk));
CREATE TABLE IF NOT EXISTS runs (step TEXT, chunk INTEGER, data BLOB, PRIMARY KEY (step, chunk));
CREATE TABLE IF NOT EXISTS parts (step TEXT, part TEXT, item TEXT, data BLOB, PRIMARY KEY (step, part, item));
"""
_TABLES = ("questions", "runs", "parts")


class CorruptStore(Unanswered):
    """The file is damaged, or was made by something else. Delete it and build again."""


@dataclass(frozen=True, slots=True)
class Entry:
    """The value of one run. ``parts`` maps a part's name to its pickled value, in no particular order; ``again``
    is true when an earlier run may have left parts of its own."""

    item: str
    parts: Mapping[str, bytes]
    again: bool


class Store:
    """One open cache file. ``salt`` stands for the code that made the values: a new one empties the cache.

    ``connection`` is in autocommit mode; other modules keep tables of their own in the same file.
    What is damaged in an otherwise good file costs the memo only. Raises CorruptStore when the file is no good,
    sqlite3.OperationalError when it cannot be opened or is in use.
    """

    def __init__(self, path: Path | None, salt: Digest) -> None:
        self._path = path
        # A preview builds in another thread than the one that opened the site, but never in two at once.
        self.connection = sqlite3.connect(
            path or ":memory:", isolation_level=None, check_same_thread=False, timeout=PATIENCE
        )
        try:
            self.connection.execute(f"PRAGMA page_size = {_PAGE}")
            self.connection.execute("PRAGMA journal_mode = WAL")
            self.connection.execute(f"PRAGMA wal_autocheckpoint = {_LOG // _PAGE}")
            self.connection.execute(f"PRAGMA cache_size = {-_HELD // 1024}")
            self.connection.execute("PRAGMA synchronous = NORMAL")
            self.connection.executescript(_SCHEMA)
            self._version, self._file = self._data_version(), self._file_there()
            if not self._is_made_by(salt):
                self.forget_all()
                self.set_about("salt", salt)
                self.set_about("format", _FORMAT.encode())
        except sqlite3.DatabaseError as problem:
            self.connection.close()
            if isinstance(problem, sqlite3.OperationalError):
                raise
            raise CorruptStore(str(problem)) from problem

    def close(self) -> None:
        self.connection.close()

    def _is_made_by(self, salt: Digest) -> bool:
        try:
            return self.about("salt") == salt and self.about("format") == _FORMAT.encode()
        except CorruptStore:
            return False

    def is_current(self) -> bool:
        """False when another process has written to the file since it was opened, or another file is in its place, or
        none: then open it again, for what is known of it may be wrong."""
        return self.is_there() and self._data_version() == self._version

    def is_there(self) -> bool:
        """Whether the file is still the one that was opened."""
        return self._file_there() == self._file

    def accept(self) -> None:
        """What another process has written is known."""
        self._version = self._data_version()

    def rest(self) -> None:
        """Hold nothing of the file in memory until it is wanted again: for a process that waits for hours."""
        self.connection.execute("PRAGMA shrink_memory")

    def _file_there(self) -> tuple[int, int] | None:
        return identity(self._path) if self._path is not None else None

    def _data_version(self) -> int:
        (version,) = self.connection.execute("PRAGMA data_version").fetchone()
        return int(version)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self.connection.execute("ROLLBACK")
            raise
        self.connection.execute("COMMIT")

    def about(self, name: str) -> bytes | None:
        """A named value of the cache as a whole, such as the root trace."""
        row = self.connection.execute("SELECT value FROM about WHERE name = ?", (name,)).fetchone()
        return _checked(row[0]) if row else None

    def set_about(self, name: str, value: bytes) -> None:
        self.connection.execute("INSERT OR REPLACE INTO about VALUES (?, ?)", (name, _sealed(value)))

    def forget_all(self) -> None:
        """Empty the memo; tables of other modules in the same file stay."""
        with self.transaction():
            for table in _TABLES:
                self.connection.execute(f"DELETE FROM {table}")
            # What the file was made by stays true: without it the next build would begin anew once more.
            self.connection.execute("DELETE FROM about WHERE name NOT IN ('salt', 'format')")

    # Questions, in chunks of one kind.

    def questions(self, kind: str) -> Iterator[bytes]:
        rows = self.connection.execute("SELECT data FROM questions WHERE kind = ? ORDER BY chunk", (kind,))
        return (_checked(data) for (data,) in rows)

    def put_questions(self, kind: str, chunks: Iterable[tuple[int, bytes]]) -> None:
        self.connection.executemany(
            "INSERT OR REPLACE INTO questions VALUES (?, ?, ?)", [(kind, n, _sealed(data)) for n, data in chunks]
        )

    # Traces and values.

    def steps(self) -> tuple[str, ...]:
        return tuple(step for (step,) in self.connection.execute("SELECT DISTINCT step FROM runs"))

    def traces(self, step: str) -> Traces:
        """The last runs of a step."""
        rows = self.connection.execute("SELECT chunk, data FROM runs WHERE step = ? ORDER BY chunk", (step,))
        return Traces((number, _checked(data)) for number, data in rows)

    def put_traces(self, step: str, traces: Traces) -> None:
        """Write what is new of the last runs of a step, within a transaction."""
        for number, data in traces.unsaved():
            if data is None:
                self.connection.execute("DELETE FROM runs WHERE step = ? AND chunk = ?", (step, number))
            else:
                self.connection.execute("INSERT OR REPLACE INTO runs VALUES (?, ?, ?)", (step, number, _sealed(data)))

    def part(self, step: str, item: str, part: str) -> bytes:
        """The pickled value of one part. Raises CorruptStore when it is not there or damaged."""
        try:
            row = self.connection.execute(
                "SELECT data FROM parts WHERE step = ? AND part = ? AND item = ?", (step, part, item)
            ).fetchone()
        except sqlite3.DatabaseError as problem:
            raise CorruptStore(f"{part} of {item}: {problem}") from problem
        if row is None:
            raise CorruptStore(f"no {part} of {item}")
        return _checked(row[0])

    def all_parts(self, step: str, part: str) -> Iterator[tuple[str, bytes]]:
        """(item, pickled value) of one part of every item that has one."""
        rows = self.connection.execute("SELECT item, data FROM parts WHERE step = ? AND part = ?", (step, part))
        return ((item, _checked(data)) for item, data in rows)

    def put_parts(self, step: str, part: str, changes: Iterable[tuple[str, bytes | None]]) -> None:
        """Write one part of some items, or forget it where it is None; within a transaction."""
        for item, data in changes:
            key = (step, part, item)
            self.connection.execute("DELETE FROM parts WHERE step = ? AND part = ? AND item = ?", key)
            if data is not None:
                self.connection.execute("INSERT INTO parts VALUES (?, ?, ?, ?)", (*key, _sealed(data)))

    def put(self, step: str, parts: Iterable[str], entries: Collection[Entry], gone: Collection[str]) -> None:
        """Write values, over earlier ones of the same items, and forget those that are gone; within a transaction.

        ``parts`` are the names of all parts that an item of this step may have.
        """
        connection = self.connection
        before = [*(entry.item for entry in entries if entry.again), *gone]
        for part in parts if before else ():
            connection.executemany(
                "DELETE FROM parts WHERE step = ? AND part = ? AND item = ?", [(step, part, item) for item in before]
            )
        connection.executemany(
            "INSERT INTO parts VALUES (?, ?, ?, ?)",
            [(step, part, entry.item, _sealed(data)) for entry in entries for part, data in entry.parts.items()],
        )


_SEAL = struct.Struct("<I")


def _sealed(data: bytes) -> bytes:
    return _SEAL.pack(crc32(data)) + data


def _checked(data: bytes) -> bytes:
    body = data[_SEAL.size :]
    try:
        (seal,) = _SEAL.unpack_from(data)
    except struct.error as problem:
        raise CorruptStore("a value is cut short") from problem
    if crc32(body) != seal:
        raise CorruptStore("a value does not match its checksum")
    return body
