"""Traces and values of earlier builds, in one SQLite file that may be deleted at any time.

What is read back is checked against a checksum, so that a damaged file is found out and never believed.
"""

from __future__ import annotations

import sqlite3
import struct
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

from octavo.base.digest import Digest
from octavo.base.file_stat import identify_file
from octavo.engine.database import Foreign, is_want, open_database, transaction
from octavo.engine.facts import Unanswered
from octavo.engine.traces import Traces

FILE = "cache.db"

_FORMAT = "5"

_PAGE = 16_384
_LOG = 64_000_000
_HELD = 32_000_000
"""Bytes in a page of a new file, in the log before it goes into the file, and held in memory. Most values are larger
than SQLite's own page, and a build writes them once."""

# Tables with rowids: in one without, SQLite reads the whole of a large value to pass by its key. ``states`` is the stat
# cache's, ``reasons`` says of each page why it was rendered last.
_SCHEMA = """
CREATE TABLE about (name TEXT PRIMARY KEY, value BLOB);
CREATE TABLE questions (kind TEXT, chunk INTEGER, data BLOB, PRIMARY KEY (kind, chunk));
CREATE TABLE runs (step TEXT, chunk INTEGER, data BLOB, PRIMARY KEY (step, chunk));
CREATE TABLE parts (step TEXT, part TEXT, item TEXT, data BLOB, PRIMARY KEY (step, part, item));
CREATE TABLE states (path TEXT PRIMARY KEY, size INTEGER, mtime_ns INTEGER, ctime_ns INTEGER, inode INTEGER,
    seen INTEGER, digest BLOB) WITHOUT ROWID;
CREATE TABLE reasons (url TEXT PRIMARY KEY, reason TEXT) WITHOUT ROWID;
"""
_TABLES = ("questions", "runs", "parts")


class CorruptStore(Unanswered):
    """The file is damaged, or holds what Octavo has not written so.

    Set it aside and build again.
    """


@dataclass(frozen=True, slots=True)
class Entry:
    """The value of one run.

    ``parts`` maps a part's name to its bytes, in no particular order; ``again`` is true when an earlier run may have
    left parts of its own.
    """

    item: str
    parts: Mapping[str, bytes]
    again: bool


class Store:
    """One open cache file.

    ``salt`` stands for the code that made the values: a new one empties the cache.

    ``connection`` is in autocommit mode. Raises Foreign when the file is no good, sqlite3.OperationalError when it
    cannot be opened or written, or is in use.
    """

    def __init__(self, path: Path | None, salt: Digest) -> None:
        self._path = path
        self.connection = open_database(path, _SCHEMA, _PAGE)
        try:
            self.connection.execute(f"PRAGMA wal_autocheckpoint = {_LOG // _PAGE}")
            self.connection.execute(f"PRAGMA cache_size = {-_HELD // 1024}")
            self._version, self._file = self._data_version(), self._file_there()
            if not self._is_made_by(salt):
                # In this order: a process that is killed in between leaves an empty memo with the old salt, which is
                # emptied once more, and never values of other code under this salt.
                self.forget_all()
                self.set_about("salt", salt)
                self.set_about("format", _FORMAT.encode())
        except sqlite3.DatabaseError as problem:
            self.connection.close()
            if is_want(problem):
                raise
            raise Foreign(str(problem)) from problem

    def close(self) -> None:
        self.connection.close()

    def _is_made_by(self, salt: Digest) -> bool:
        try:
            return self.about("salt") == salt and self.about("format") == _FORMAT.encode()
        except CorruptStore:
            return False

    def is_current(self) -> bool:
        """Whether the file is as this process left it.

        False when another process has written to the file since it was opened, or another file is in its place, or
        none: then open it again, for what is known of it may be wrong.
        """
        return self.is_there() and self._data_version() == self._version

    def is_there(self) -> bool:
        """Whether the file is still the one that was opened."""
        return self._file_there() == self._file

    def accept(self) -> None:
        """What another process has written is known."""
        self._version = self._data_version()

    def rest(self) -> None:
        """Hold nothing of the file in memory until it is used again.

        For a process that waits for hours.
        """
        self.connection.execute("PRAGMA shrink_memory")

    def _file_there(self) -> tuple[int, int] | None:
        return identify_file(self._path) if self._path is not None else None

    def _data_version(self) -> int:
        (version,) = self.connection.execute("PRAGMA data_version").fetchone()
        return int(version)

    def transaction(self) -> AbstractContextManager[None]:
        return transaction(self.connection)

    def about(self, name: str) -> bytes | None:
        """A named value of the cache as a whole, such as the root trace."""
        row = self.connection.execute("SELECT value FROM about WHERE name = ?", (name,)).fetchone()
        return _checked(row[0], "about", name) if row else None

    def set_about(self, name: str, value: bytes) -> None:
        self.connection.execute("INSERT OR REPLACE INTO about VALUES (?, ?)", (name, _sealed(value, "about", name)))

    def forget_all(self) -> None:
        """Empty the memo; what is known of the files' states stays."""
        with self.transaction():
            for table in _TABLES:
                self.connection.execute(f"DELETE FROM {table}")
            # What the file was made by stays true: without it the next build would begin anew once more.
            self.connection.execute("DELETE FROM about WHERE name NOT IN ('salt', 'format')")

    # Questions, in chunks of one kind.

    def questions(self, kind: str) -> Iterator[bytes]:
        rows = self.connection.execute("SELECT chunk, data FROM questions WHERE kind = ? ORDER BY chunk", (kind,))
        return (_checked(data, "questions", kind, number) for number, data in rows)

    def put_questions(self, kind: str, chunks: Iterable[tuple[int, bytes]]) -> None:
        rows = [(kind, number, _sealed(data, "questions", kind, number)) for number, data in chunks]
        self.connection.executemany("INSERT OR REPLACE INTO questions VALUES (?, ?, ?)", rows)

    # Traces and values.

    def steps(self) -> tuple[str, ...]:
        return tuple(step for (step,) in self.connection.execute("SELECT DISTINCT step FROM runs"))

    def traces(self, step: str) -> Traces:
        """The last runs of a step."""
        rows = self.connection.execute("SELECT chunk, data FROM runs WHERE step = ? ORDER BY chunk", (step,))
        try:
            return Traces((_number(number), _checked(data, "runs", step, number)) for number, data in rows)
        except ValueError as problem:
            raise CorruptStore(f"the runs of {step} cannot be read: {problem}") from problem

    def put_traces(self, step: str, traces: Traces) -> None:
        """Write what is new of the last runs of a step, within a transaction."""
        for number, data in traces.unsaved():
            if data is None:
                self.connection.execute("DELETE FROM runs WHERE step = ? AND chunk = ?", (step, number))
            else:
                row = (step, number, _sealed(data, "runs", step, number))
                self.connection.execute("INSERT OR REPLACE INTO runs VALUES (?, ?, ?)", row)

    def part(self, step: str, item: str, part: str) -> bytes:
        """The bytes of one part.

        Raises CorruptStore when it is not there or damaged.
        """
        try:
            row = self.connection.execute(
                "SELECT data FROM parts WHERE step = ? AND part = ? AND item = ?", (step, part, item)
            ).fetchone()
        except sqlite3.DatabaseError as problem:
            raise CorruptStore(f"{part} of {item}: {problem}") from problem
        if row is None:
            raise CorruptStore(f"no {part} of {item}")
        return _checked(row[0], step, part, item)

    def all_parts(self, step: str, part: str) -> Iterator[tuple[str, bytes]]:
        """(item, bytes) of one part of every item that has one."""
        rows = self.connection.execute("SELECT item, data FROM parts WHERE step = ? AND part = ?", (step, part))
        return ((item, _checked(data, step, part, item)) for item, data in rows)

    def put_parts(self, step: str, part: str, changes: Iterable[tuple[str, bytes | None]]) -> None:
        """Write one part of some items, within a transaction.

        Where it is None, it is forgotten.
        """
        for item, data in changes:
            key = (step, part, item)
            self.connection.execute("DELETE FROM parts WHERE step = ? AND part = ? AND item = ?", key)
            if data is not None:
                self.connection.execute("INSERT INTO parts VALUES (?, ?, ?, ?)", (*key, _sealed(data, *key)))

    def put(self, step: str, parts: Iterable[str], entries: Collection[Entry], gone: Collection[str]) -> None:
        """Write values, and forget those that are gone, within a transaction.

        They replace earlier ones of the same items.

        ``parts`` are the names of all parts that an item of this step may have.
        """
        connection = self.connection
        # Deleted by item first, for the value that was there may have had parts that the new one leaves to the default.
        before = [*(entry.item for entry in entries if entry.again), *gone]
        for part in parts if before else ():
            connection.executemany(
                "DELETE FROM parts WHERE step = ? AND part = ? AND item = ?", [(step, part, item) for item in before]
            )
        connection.executemany(
            "INSERT INTO parts VALUES (?, ?, ?, ?)",
            [
                (step, part, entry.item, _sealed(data, step, part, entry.item))
                for entry in entries
                for part, data in entry.parts.items()
            ],
        )


def _number(number: object) -> int:
    """The number of a chunk. Raises ValueError for what was never one."""
    if type(number) is not int or not 0 <= number < 1 << 31:
        raise ValueError("a chunk has no number")
    return number


_SEAL = struct.Struct("<I")


def _sealed(data: bytes, *key: object) -> bytes:
    return _SEAL.pack(_seal(data, key)) + data


def _seal(data: bytes, key: tuple[object, ...]) -> int:
    """A checksum of a value and of its place, so that one in the place of another is noticed as well."""
    return crc32(data, crc32("\0".join(map(str, key)).encode("utf-8", "surrogatepass")))


def _checked(data: object, *key: object) -> bytes:
    if type(data) is not bytes or len(data) < _SEAL.size:
        raise CorruptStore("a value is cut short")
    body = data[_SEAL.size :]
    if _SEAL.unpack_from(data) != (_seal(body, key),):
        raise CorruptStore("a value does not match its checksum, or is that of another place")
    return body
