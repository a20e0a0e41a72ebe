"""The journal: what a sweep will do, written before it begins.

With it the next command can complete a sweep that was interrupted.

It lies in the cache, where anybody may have put it. A row names the state in which its file waits to be published, and
that of the file which it replaces or removes: what is not in that state any more is neither moved nor removed.
"""

from __future__ import annotations

import os
import sqlite3
import stat
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, TypeVar

from octavo.base.digest import DIGEST_BYTES, Digest
from octavo.base.file_stat import FileState, state_of
from octavo.base.urls import collision_key
from octavo.engine.database import most_rows, transaction
from octavo.output.manifest import (
    ManifestRow,
    check_row,
    forget_rows,
    insert_rows,
    is_on_disk,
    output_key,
    read_rows,
    remember_list,
)
from octavo.output.output_files import LinkedFolders, digest_at, location_of, remove_empty_folders, status_of
from octavo.output.paths import HIDDEN, digest_of_path, folders_of
from octavo.output.publish_errors import (
    DamagedManifest,
    PublishError,
    converting_manifest_errors,
    converting_os_errors,
    display_path,
)
from octavo.output.staging import READY, STAGING, delete_folder, is_ready_name, names_in, ready_name
from octavo.output.written_list import FILE as LIST
from octavo.output.written_list import discard_list, install_list, prepare_list

T = TypeVar("T")

_TRIES = 25 if os.name == "nt" else 1
"""On Windows a file that a reader or a virus scanner holds open cannot be replaced for a moment."""


class FileChange(NamedTuple):
    """What a sweep does at a path: put a file there, or remove one.

    The file with this ``digest`` waits in the state ``waiting``; without one, what is there is removed. ``replaced`` is
    the state of what is there; None where there is no file.
    """

    path: str
    digest: Digest | None
    waiting: FileState | None
    replaced: FileState | None


@dataclass(frozen=True)
class Sweep:
    """A sweep and what is known after it.

    ``before`` are the digests of what was published; ``keep`` are rows of files that are right already, ``forget`` the
    paths of files that are ours no more.
    """

    changes: Sequence[FileChange]
    before: Mapping[str, Digest]
    keep: Mapping[str, ManifestRow] = field(default_factory=dict)
    forget: Collection[str] = ()

    def after(self) -> dict[str, Digest]:
        """What is published when the sweep has come to its end."""
        gone = {*self.forget, *(change.path for change in self.changes if change.digest is None)}
        after = {path: content for path, content in self.before.items() if path not in gone}
        after.update((path, row.digest) for path, row in self.keep.items())
        after.update((change.path, change.digest) for change in self.changes if change.digest is not None)
        return after


def write_journal(connection: sqlite3.Connection, key: str, changes: Iterable[FileChange]) -> None:
    """Write down on the disk what a sweep will do."""
    none = (None, None, None, None)
    rows = [
        (key, change.path, change.digest, *(change.waiting or none), *(change.replaced or none)) for change in changes
    ]
    (level,) = connection.execute("PRAGMA synchronous").fetchone()
    # The journal must be on the disk before the first rename is, so this commit alone waits for the disk (by FULL). At
    # the level of the others a power cut may undo the last ones: of the manifest's, the journal is then there again.
    connection.execute("PRAGMA synchronous = FULL")
    try:
        with converting_manifest_errors(), transaction(connection):
            connection.executemany("INSERT OR REPLACE INTO journal VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
    finally:
        connection.execute(f"PRAGMA synchronous = {int(level)}")


def clear_journal(connection: sqlite3.Connection, key: str) -> None:
    # Where even this cannot be written, what was ready is gone, and without it nothing of the journal is done.
    """Forget a sweep that is not to be."""
    with suppress(sqlite3.DatabaseError):
        connection.execute("DELETE FROM journal WHERE output = ?", (key,))


def read_journal(connection: sqlite3.Connection, key: str) -> list[FileChange]:
    """The journal of an output folder, in order of path.

    Raises DamagedManifest.
    """
    with converting_manifest_errors():
        rows = connection.execute(
            "SELECT path, digest, size, mtime_ns, ctime_ns, inode, old_size, old_mtime_ns, old_ctime_ns, old_inode"
            " FROM journal WHERE output = ? ORDER BY path LIMIT ?",
            (key, most_rows(connection)),
        ).fetchall()
    changes: list[FileChange] = []
    for path, content, *numbers in rows:
        waiting, replaced = _state(numbers[:4]), _state(numbers[4:])
        is_digest = content is None or (type(content) is bytes and len(content) == DIGEST_BYTES)
        if type(path) is not str or not is_digest or (content is None) != (waiting is None):
            raise DamagedManifest(f"has a row that is not as Octavo writes it, of {path!r}")
        check_row(path)
        changes.append(FileChange(path, content, waiting, replaced))
    return changes


def _state(numbers: list[object]) -> FileState | None:
    """A state as it was written; None where there is none. Raises DamagedManifest."""
    if all(number is None for number in numbers):
        return None
    size, mtime, ctime, inode = numbers
    if not (type(size) is int and type(mtime) is int and type(ctime) is int and type(inode) is int):
        raise DamagedManifest("has a row that is not as Octavo writes it")
    return (size, mtime, ctime, inode)


def pending_outputs(connection: sqlite3.Connection) -> tuple[str, ...]:
    """The keys of the output folders whose sweep is not complete.

    Raises DamagedManifest.
    """
    with converting_manifest_errors():
        rows = connection.execute(
            "SELECT DISTINCT output FROM (SELECT output FROM journal LIMIT ?) ORDER BY output",
            (most_rows(connection),),
        ).fetchall()
    if not all(type(key) is str for (key,) in rows):
        raise DamagedManifest("has a row that is not as Octavo writes it")
    return tuple(key for (key,) in rows)


def do_sweep(
    connection: sqlite3.Connection, key: str, output: Path, ready: Path | None, sweep: Sweep
) -> sqlite3.DatabaseError | None:
    """Do what the journal says and is not done yet, and write it down.

    The list that was prepared is put in its place, and the manifest is written. Without the folder ``ready`` only what
    was done before is written down. Raises PublishError. Answers what has kept the manifest from being written, after
    which the list says it all.
    """
    # First the files, then the list, then the manifest and the end of the journal in one transaction: wherever this
    # dies, the journal is still there, and to do it all again changes nothing that is done.
    coming = {change.path: change.digest for change in sweep.changes if change.digest is not None}
    leaving = [change.path for change in sweep.changes if change.digest is None]
    moved: frozenset[str] = frozenset()
    if ready is not None:
        moved = _move_and_remove(output, ready, coming, leaving)
    rows = dict(sweep.keep)
    for path, content in coming.items():
        # The time before the state: a file that is changed after this look must not count as settled at ``seen``.
        seen = time.time_ns()
        status = status_of(output, path)
        # What was moved just now is what was staged; what was moved before this process began has to be read.
        if status is not None and (path in moved or digest_at(location_of(output, path)) == content):
            rows[path] = ManifestRow(content, state_of(status), seen)
    gone = [*(leaving if ready is not None else ()), *sweep.forget]
    if ready is None and coming:  # the list was made for what has not come to pass
        after = {path: content for path, content in sweep.before.items() if path not in gone}
        with converting_os_errors(display_path(output, LIST)):
            prepare_list(output, {**after, **{path: row.digest for path, row in rows.items()}}.items())
    # The renames are not synced. Where a power cut undoes one, the file is not in the state of its row, and the next
    # build, which looks at the state of each, writes it once more.
    with converting_os_errors(display_path(output, LIST)):
        state = install_list(output)
    try:
        with transaction(connection):
            insert_rows(connection, key, rows)
            forget_rows(connection, key, gone)
            remember_list(connection, key, state)
            connection.execute("DELETE FROM journal WHERE output = ?", (key,))
    except sqlite3.DatabaseError as problem:
        return problem
    return None


def _move_and_remove(output: Path, ready: Path, coming: Collection[str], leaving: Collection[str]) -> frozenset[str]:
    """Rename what is ready into place and remove what leaves. Answers the paths that were renamed."""
    first, last = _in_the_way(coming, leaving) if leaving else ([], [])
    links = LinkedFolders(output)
    staged = names_in(ready)
    sources = {path: name for path in coming if (name := digest_of_path(path)) in staged}
    # Once a file has been moved all of these are gone, and what has such a name may be that file.
    if len(sources) == len(coming):
        for path in first:
            remove_file(output, path, links)
    for path, name in sources.items():
        _move(f"{ready}/{name}", output, path, links)
    for path in last:
        remove_file(output, path, links)
    return frozenset(sources)


def _in_the_way(coming: Iterable[str], leaving: Iterable[str]) -> tuple[list[str], list[str]]:
    """Of the paths that leave, those that must go before others come, and the rest: a file where a folder will be,
    what is in a folder where a file will be, and a name that differs in case only."""
    names = [collision_key(path) for path in coming]
    occupied = {folder for name in names for folder in (name, *folders_of(name))}
    files = set(names)
    first: list[str] = []
    last: list[str] = []
    for path in leaving:
        name = collision_key(path)
        is_first = name in occupied or any(folder in files for folder in folders_of(name))
        (first if is_first else last).append(path)
    return first, last


def _move(source: str, output: Path, path: str, links: LinkedFolders) -> None:
    """Put a file in its place."""
    if links.first_link_to(path):
        raise PublishError("the folder is a link, and a site is not written through links", display_path(output, path))
    try:
        os.replace(source, location_of(output, path))  # noqa: PTH105
    except OSError:
        with converting_os_errors(display_path(output, path)):
            _move_with_patience(source, output / path)


def _move_with_patience(source: str, target: Path) -> None:
    try:
        _patiently(lambda: os.replace(source, target))  # noqa: PTH105
    except (FileNotFoundError, IsADirectoryError, PermissionError):
        if target.is_dir() and not target.is_symlink():
            _remove_empty(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(source, target)  # noqa: PTH105


def remove_file(output: Path, path: str, links: LinkedFolders) -> None:
    """Remove a file and the folders that this leaves empty.

    What has become a folder or lies behind a link stays.
    """
    if links.first_link_to(path):
        return
    status = status_of(output, path)
    if status is not None and stat.S_ISDIR(status.st_mode):
        return
    with converting_os_errors(display_path(output, path)):
        if status is not None:
            _patiently((output / path).unlink)
    remove_empty_folders(output, path)


def _remove_empty(folder: Path) -> None:
    for below, _, _ in os.walk(folder, topdown=False):
        Path(below).rmdir()


def _patiently(act: Callable[[], T]) -> T:
    for attempt in range(1, _TRIES):
        try:
            return act()
        except PermissionError:
            time.sleep(0.01 * attempt)
    return act()


# Recovery.


def recover(connection: sqlite3.Connection, cache: Path, output: Path) -> bool:
    """Complete an interrupted sweep, and remove what dead builds have left.

    To be called at the start of each command that publishes or cleans, under the lock.

    A sweep of another output folder, and what waits for it, stay as they are. True when there was a sweep, and it is
    complete. Raises PublishError, DamagedManifest, and sqlite3.OperationalError where the manifest cannot be written.
    """
    key = output_key(connection, output)
    changes = read_journal(connection, key)
    is_complete = False
    if changes:
        before = read_rows(connection, key)
        sweep = Sweep(changes, {path: row.digest for path, row in before.items()})
        # All or nothing, here too: where one file is not as the journal has it, somebody has been at work since (or it
        # is a stranger's journal), and what was done already is written down, but nothing is moved or removed.
        ready = _ready_folder(cache, output, key)
        if ready is not None and not _is_as_it_was_left(output, ready, sweep):
            ready = None
        if output.is_dir():
            with converting_os_errors(display_path(output, LIST)):
                prepare_list(output, sweep.after().items())
            problem = do_sweep(connection, key, output, ready, sweep)
            if problem is not None:
                with converting_manifest_errors():
                    raise problem
            is_complete = ready is not None
        else:
            clear_journal(connection, key)
    # After the sweep: until its journal is gone, what waits in a ready folder is needed.
    discard_list(output)
    for name in (STAGING, READY):
        folder = output / (HIDDEN + name)
        with converting_os_errors(display_path(output, folder.name)):
            delete_folder(folder)
    _tidy(connection, cache)
    return is_complete


def _tidy(connection: sqlite3.Connection, cache: Path) -> None:
    """Remove from the cache what waits for no sweep."""
    if not is_on_disk(connection):  # it does not tell what waits for another output
        return
    pending = {ready_name(key) for key in pending_outputs(connection)}
    with suppress(OSError):  # open_staging sees to a cache that cannot be written
        for name in sorted(names_in(cache)):
            if name == STAGING or (is_ready_name(name) and name not in pending):
                delete_folder(cache / name)


def _ready_folder(cache: Path, output: Path, key: str) -> Path | None:
    places = (output / (HIDDEN + READY), cache / ready_name(key))
    return next((place for place in places if place.is_dir() and not place.is_symlink()), None)


def _is_as_it_was_left(output: Path, ready: Path, sweep: Sweep) -> bool:
    """Whether each file waits, and each that is to be replaced or removed lies, in the state that the journal names, or
    has been moved or removed by the sweep already."""
    links = LinkedFolders(output)
    staged = names_in(ready)
    coming = {collision_key(change.path): change.digest for change in sweep.changes if change.digest is not None}
    for change in sweep.changes:
        is_behind_link = bool(links.first_link_to(change.path))
        expected = change.digest
        if expected is not None:
            name = digest_of_path(change.path)
            if is_behind_link:
                return False
            if name not in staged:
                if digest_at(location_of(output, change.path)) != expected:
                    return False
                continue
            waits = os.lstat(ready / name)
            if not stat.S_ISREG(waits.st_mode) or state_of(waits) != change.waiting:
                return False
        there = None if is_behind_link else status_of(output, change.path)
        if there is None or stat.S_ISDIR(there.st_mode):
            continue
        if state_of(there) == change.replaced:
            if expected is not None:
                continue
            expected = sweep.before.get(change.path)
        elif expected is None:
            # A name that differs in case only may be that of the file that has come in its place.
            expected = coming.get(collision_key(change.path))
        if expected is None or digest_at(location_of(output, change.path)) != expected:
            return False
    return True
