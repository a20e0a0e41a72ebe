"""Traces and values of earlier builds, in one SQLite file that may be deleted at any time.

What is read back is checked against a checksum, so that a damaged file is found out and never believed.
"""

from __future__ import annotations

import json
import sqlite3
from array import array
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from functools import cache, cached_property
from hashlib import blake2b
from pathlib import Path
from typing import Any

from octavo.digest import SIZE, Digest
from octavo.facts import Query, Unanswered

_FORMAT = "1"

PATIENCE = 30.0
"""Seconds to wait for a process that has the file locked; Octavo's own keep out of each other's way before."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS about (name TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS queries (id INTEGER PRIMARY KEY, query BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS traces (step TEXT, item TEXT, asked BLOB, parts BLOB, PRIMARY KEY (step, item));
CREATE TABLE IF NOT EXISTS parts (step TEXT, item TEXT, part TEXT, data BLOB, PRIMARY KEY (step, item, part));
"""


class CorruptStore(Unanswered):
    """The file is damaged, or was made by something else. Delete it and build again."""


@dataclass(frozen=True, slots=True)
class Trace:
    """What one run of a step asked and got: query numbers, the digests of the answers, and of the value's parts."""

    queries: array[int]
    answers: bytes
    parts: bytes

    def part_digest(self, index: int) -> Digest:
        return self.parts[index * SIZE : (index + 1) * SIZE]


@dataclass(frozen=True, slots=True)
class Entry:
    """One run to be remembered. ``parts`` maps a part's name to its pickled value, in no particular order."""

    item: str
    trace: Trace
    parts: Mapping[str, bytes]


class Store:
    """One open cache file. ``salt`` stands for the code that made the values: a new one empties the cache.

    ``connection`` is in autocommit mode; other modules keep tables of their own in the same file.
    What is damaged in an otherwise good file costs the memo only. Raises CorruptStore when the file is no good,
    sqlite3.OperationalError when it cannot be opened or is in use.
    """

    def __init__(self, path: Path | None, salt: Digest) -> None:
        # A preview builds in another thread than the one that opened the site, but never in two at once.
        self.connection = sqlite3.connect(
            path or ":memory:", isolation_level=None, check_same_thread=False, timeout=PATIENCE
        )
        try:
            self.connection.execute("PRAGMA journal_mode = WAL")
            self.connection.execute("PRAGMA synchronous = NORMAL")
            self.connection.executescript(_SCHEMA)
            self._version = self._data_version()
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
        """False when another process has written to the file since it was opened: then open it again, for what is
        known of it, such as the numbers of the queries, may be wrong."""
        return self._data_version() == self._version

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
            for table in ("queries", "traces", "parts"):
                self.connection.execute(f"DELETE FROM {table}")
            # What the file was made by stays true: without it the next build would begin anew once more.
            self.connection.execute("DELETE FROM about WHERE name NOT IN ('salt', 'format')")
        self._queries = []
        self._numbers = {}
        self._kept = 0

    # Queries, by number: most are asked by many items, so a trace holds numbers. A row has those that were new to one
    # save, from the number that is its id. They are read when one is wanted first: a command that finds nothing changed
    # wants none.

    @cached_property
    def _queries(self) -> list[Query[Any]]:
        try:
            queries = self._read_queries()
        except CorruptStore:
            self.forget_all()
            return []
        self._kept = len(queries)
        return queries

    @cached_property
    def _numbers(self) -> dict[Query[Any], int]:
        return {query: number for number, query in enumerate(self._queries)}

    def query(self, number: int) -> Query[Any]:
        return self._queries[number]

    def number(self, query: Query[Any]) -> int:
        """The number of a query; new ones are kept by the next ``save``."""
        found = self._numbers.get(query)
        if found is None:
            found = self._numbers[query] = len(self._queries)
            self._queries.append(query)
        return found

    @property
    def query_count(self) -> int:
        return len(self._queries)

    def _read_queries(self) -> list[Query[Any]]:
        queries: list[Query[Any]] = []
        for first, data in self.connection.execute("SELECT id, query FROM queries ORDER BY id"):
            if first != len(queries):
                raise CorruptStore("queries are missing")
            try:
                queries += map(_query_from, json.loads(_checked(data)))
            except (ValueError, KeyError, TypeError) as problem:
                raise CorruptStore(f"a query cannot be read: {problem}") from problem
        return queries

    # Traces and values.

    def traces(self, step: str) -> dict[str, Trace]:
        count = self.query_count  # first, for where the queries are damaged no trace is believed
        rows = self.connection.execute("SELECT item, asked, parts FROM traces WHERE step = ?", (step,))
        return {item: _trace_from(_checked(asked), _checked(parts), count) for item, asked, parts in rows}

    def part(self, step: str, item: str, part: str) -> bytes:
        """The pickled value of one part. Raises CorruptStore when it is not there or damaged."""
        try:
            row = self.connection.execute(
                "SELECT data FROM parts WHERE step = ? AND item = ? AND part = ?", (step, item, part)
            ).fetchone()
        except sqlite3.DatabaseError as problem:
            raise CorruptStore(f"{part} of {item}: {problem}") from problem
        if row is None:
            raise CorruptStore(f"no {part} of {item}")
        return _checked(row[0])

    def all_parts(self, step: str, part: str) -> Iterator[tuple[str, bytes]]:
        """(item, pickled value) of one part of every item of a step."""
        rows = self.connection.execute("SELECT item, data FROM parts WHERE step = ? AND part = ?", (step, part))
        return ((item, _checked(data)) for item, data in rows)

    def save(self, step: str, entries: Iterable[Entry], gone: Iterable[str] = ()) -> None:
        """Remember runs and forget items, in one transaction."""
        execute = self.connection.execute
        new = self._queries[self._kept :]
        with self.transaction():
            if new:
                data = json.dumps([_query_row(query) for query in new]).encode()
                execute("INSERT INTO queries VALUES (?, ?)", (self._kept, _sealed(data)))
            for entry in entries:
                trace = entry.trace
                asked = _sealed(trace.queries.tobytes() + trace.answers)
                parts = _sealed(trace.parts)
                execute("INSERT OR REPLACE INTO traces VALUES (?, ?, ?, ?)", (step, entry.item, asked, parts))
                for part, data in entry.parts.items():
                    execute("INSERT OR REPLACE INTO parts VALUES (?, ?, ?, ?)", (step, entry.item, part, _sealed(data)))
            for item in gone:
                execute("DELETE FROM traces WHERE step = ? AND item = ?", (step, item))
                execute("DELETE FROM parts WHERE step = ? AND item = ?", (step, item))
        self._kept += len(new)


_SEAL = 8


def _sealed(data: bytes) -> bytes:
    return blake2b(data, digest_size=_SEAL).digest() + data


def _checked(data: bytes) -> bytes:
    body = data[_SEAL:]
    if blake2b(body, digest_size=_SEAL).digest() != data[:_SEAL]:
        raise CorruptStore("a value does not match its checksum")
    return body


def _trace_from(asked: bytes, parts: bytes, query_count: int) -> Trace:
    count = len(asked) // (4 + SIZE)
    queries = array("I", asked[: 4 * count])
    if queries and max(queries) >= query_count:
        raise CorruptStore("a trace names a query that is not there")
    return Trace(queries, asked[4 * count :], parts)


def _query_row(query: Query[Any]) -> list[Any]:
    kind = type(query)
    return [kind.__name__, *(getattr(query, field.name) for field in fields(kind))]


def _query_from(row: list[Any]) -> Query[Any]:
    name, *arguments = row
    query: Query[Any] = _kinds()[name](*(tuple(a) if type(a) is list else a for a in arguments))
    return query


@cache
def _kinds() -> dict[str, type[Query[Any]]]:
    return {kind.__name__: kind for kind in Query.__subclasses__()}
