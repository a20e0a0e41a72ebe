"""The manifest: what Octavo wrote, and how it lay on the disk.

It lies in the cache, where anybody may have put it: each row is checked as it is read. Where it is lost, or another
cache has been at work meanwhile, the list in the output folder says what was written.
"""

from __future__ import annotations

import os
import sqlite3
import stat
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from octavo.base.digest import DIGEST_BYTES, Digest
from octavo.base.file_stat import FileState, is_settled, state_of
from octavo.engine.database import most_rows, transaction
from octavo.output.output_files import LinkedFolders, digest_at, files_below, location_of, status_of
from octavo.output.paths import digest_of_path, folders_of, is_path
from octavo.output.publish_errors import DamagedManifest, converting_manifest_errors, display_path
from octavo.output.written_list import FILE as LIST
from octavo.output.written_list import UnusableList, list_state, read_list

FILE = "output.db"
"""In the cache: the manifest and the journal. They are not the memo, and either file may be set aside alone."""

SCHEMA = """
CREATE TABLE manifest (output TEXT, path TEXT, digest BLOB, size INTEGER, mtime_ns INTEGER, ctime_ns INTEGER,
    inode INTEGER, seen INTEGER, PRIMARY KEY (output, path)) WITHOUT ROWID;
CREATE TABLE lists (output TEXT PRIMARY KEY, size INTEGER, mtime_ns INTEGER, ctime_ns INTEGER, inode INTEGER)
    WITHOUT ROWID;
CREATE TABLE journal (output TEXT, path TEXT, digest BLOB, size INTEGER, mtime_ns INTEGER, ctime_ns INTEGER,
    inode INTEGER, old_size INTEGER, old_mtime_ns INTEGER, old_ctime_ns INTEGER, old_inode INTEGER,
    PRIMARY KEY (output, path)) WITHOUT ROWID;
"""
"""``lists`` has the state of the list in an output folder when it said the same as the manifest. The journal's rows
are those of ``octavo.output.journal``."""


class ManifestRow(NamedTuple):
    """A published file.

    ``seen`` is when its content was last known to be that of ``digest``, in ns.
    """

    digest: Digest
    state: FileState
    seen: int


_TYPES = (str, bytes, int, int, int, int, int)
_ALTERED: FileState = (-1, 0, 0, 0)
"""The state of no file: one that is on the list with another content."""


@dataclass(frozen=True, slots=True)
class PublishedFolder:
    """What Octavo published in a folder, as it was found there.

    ``altered``: missing, or no longer what was written. ``is_listed`` is false where the list in the output folder is
    not the one that says the same as the manifest; ``is_lost`` is true where neither of them says anything. ``note``
    says what is wrong with the list, and may be empty.
    """

    rows: Mapping[str, ManifestRow]
    altered: frozenset[str] = frozenset()
    is_listed: bool = True
    is_lost: bool = False
    note: str = ""

    def digests(self) -> dict[str, Digest]:
        """Path -> digest of the content that was written, in order of path."""
        return {path: row.digest for path, row in self.rows.items()}

    def states(self) -> dict[str, FileState]:
        """Path -> the state in which a file was last known to be as written."""
        return {path: row.state for path, row in self.rows.items()}


def published_digests(connection: sqlite3.Connection, output: Path) -> dict[str, Digest]:
    """What Octavo published in a folder.

    Path -> digest of the content it wrote, in order of path.
    """
    return PublishedFolder(read_rows(connection, output_key(connection, output))).digests()


def folders_above(output: Path, paths: Iterable[str]) -> tuple[str, ...]:
    """The folders that hold the folders of published files.

    As long as nothing comes into one of these or leaves it, none of the files is behind a link that was not there
    before.
    """
    above = {folder.rpartition("/")[0] for folder in {path.rpartition("/")[0] for path in paths}}
    above |= {folder for name in above for folder in folders_of(name)}
    return (str(output), *(location_of(output, folder) for folder in sorted(above - {""})))


def find_published(connection: sqlite3.Connection, output: Path) -> PublishedFolder:
    """What is published, after a look at each file of it.

    Raises DamagedManifest.
    """
    key = output_key(connection, output)
    rows = read_rows(connection, key)
    comparison = compare(output, rows)
    state = list_state(output)
    is_listed = state is not None and state == _listed_state(connection, key)
    listed: Mapping[str, frozenset[Digest]] | None = None
    note = ""
    # The list is read only where it is another than when the manifest was written: a build without this cache has been
    # at work, or the manifest is lost.
    if not is_listed:
        try:
            listed = read_list(output)
        except UnusableList as problem:
            note = f"{display_path(output, LIST)} {problem}: it is not used"
    adopted = _take_over(output, listed, rows, comparison.altered) if listed else {}
    new = {**comparison.looked_at, **adopted}
    if new:
        with converting_manifest_errors(), transaction(connection):
            insert_rows(connection, key, new)
    ours = {path for path, row in adopted.items() if row.state != _ALTERED}
    altered = frozenset((comparison.altered | adopted.keys()) - ours)
    is_lost = not rows and listed is None and not is_listed
    return PublishedFolder(
        dict(sorted({**rows, **new}.items())) if adopted else {**rows, **new}, altered, is_listed, is_lost, note
    )


def _take_over(
    output: Path, listed: Mapping[str, frozenset[Digest]], rows: Mapping[str, ManifestRow], altered: set[str]
) -> dict[str, ManifestRow]:
    """Rows for what the list says was written, where the manifest says nothing or something else."""
    adopted: dict[str, ManifestRow] = {}
    for path, _ in files_below(output):
        contents = listed.get(digest_of_path(path)) if path not in rows or path in altered else None
        if contents is None or not is_path(path):
            continue
        seen = time.time_ns()
        status = status_of(output, path)
        content = digest_at(location_of(output, path))
        if status is not None and content in contents and content is not None:
            adopted[path] = ManifestRow(content, state_of(status), seen)
        elif path not in rows:
            adopted[path] = ManifestRow(min(contents), _ALTERED, 0)
    return adopted


def read_rows(connection: sqlite3.Connection, key: str) -> dict[str, ManifestRow]:
    """The rows of an output folder, in order of path. Raises DamagedManifest."""
    with converting_manifest_errors():
        listed = connection.execute(
            "SELECT path, digest, size, mtime_ns, ctime_ns, inode, seen FROM manifest WHERE output = ? ORDER BY path"
            " LIMIT ?",
            (key, most_rows(connection)),
        ).fetchall()
    rows: dict[str, ManifestRow] = {}
    for row in listed:
        path, content = row[0], row[1]
        if tuple(map(type, row)) != _TYPES or len(content) != DIGEST_BYTES:
            raise DamagedManifest(f"has a row that is not as Octavo writes it, of {path!r}")
        check_row(path)
        rows[path] = ManifestRow(content, row[2:6], row[6])
    return rows


def check_row(path: str) -> None:
    """Raise DamagedManifest where a row names what can be no file of a site."""
    if not is_path(path):
        raise DamagedManifest(f"names {path!r}, which is no path of a site")


def insert_rows(connection: sqlite3.Connection, key: str, rows: Mapping[str, ManifestRow]) -> None:
    """Write rows, each in the place of that of the same path."""
    connection.executemany(
        "INSERT OR REPLACE INTO manifest VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [(key, path, row.digest, *row.state, row.seen) for path, row in rows.items()],
    )


def forget_rows(connection: sqlite3.Connection, key: str, paths: Iterable[str]) -> None:
    """Remove the rows of paths."""
    connection.executemany("DELETE FROM manifest WHERE output = ? AND path = ?", [(key, path) for path in paths])


def remember_list(connection: sqlite3.Connection, key: str, state: FileState) -> None:
    """Note the state of a list that says the same as the manifest."""
    connection.execute("INSERT OR REPLACE INTO lists VALUES (?, ?, ?, ?, ?)", (key, *state))


def _listed_state(connection: sqlite3.Connection, key: str) -> FileState | None:
    with converting_manifest_errors():
        row: FileState | None = connection.execute(
            "SELECT size, mtime_ns, ctime_ns, inode FROM lists WHERE output = ?", (key,)
        ).fetchone()
    return row


def output_key(connection: sqlite3.Connection, output: Path) -> str:
    """A name for an output folder in the cache file.

    It is relative to that, so that a site may be moved as a whole.
    """
    real = os.path.realpath(output)
    try:
        return Path(os.path.relpath(real, _base(connection))).as_posix()
    except ValueError:  # on another drive
        return Path(real).as_posix()


def _base(connection: sqlite3.Connection) -> Path:
    """The folder of the cache file; the top of the file system for a cache in memory."""
    file = _file_of(connection)
    return Path(os.path.realpath(file)).parent if file else Path(Path.cwd().anchor)


def is_on_disk(connection: sqlite3.Connection) -> bool:
    """Whether what is written is there for the next command."""
    return bool(_file_of(connection))


def _file_of(connection: sqlite3.Connection) -> str:
    file: str = next(row[2] for row in connection.execute("PRAGMA database_list") if row[1] == "main")
    return file


class FileComparison(NamedTuple):
    """Files held against their rows.

    ``altered`` are not as their rows have them; ``looked_at`` are new rows for those that had to be read to know.
    """

    altered: set[str]
    looked_at: dict[str, ManifestRow]


def compare(output: Path, rows: Mapping[str, ManifestRow]) -> FileComparison:
    """Hold the files of an output folder against the rows of the manifest."""
    comparison = FileComparison(set(), {})
    links = LinkedFolders(output)
    base, lead_to, lstat = f"{output}/", links.first_link_to, os.lstat
    for path, row in rows.items():
        try:
            status = lstat(base + path)
        except OSError:
            comparison.altered.add(path)
            continue
        if lead_to(path) or not stat.S_ISREG(status.st_mode):
            comparison.altered.add(path)
            continue
        state = state_of(status)
        if state != row.state or not is_settled(state, row.seen):
            seen = time.time_ns()  # before the content is read: a later change must not count as settled
            if status.st_size == row.state[0] and digest_at(base + path) == row.digest:
                comparison.looked_at[path] = ManifestRow(row.digest, state, seen)
            else:
                comparison.altered.add(path)
    return comparison
