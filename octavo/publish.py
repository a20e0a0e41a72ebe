"""Publishing: what was built becomes what is in ``output/``, all of it or nothing.

Changed files wait in a staging folder on the same file system. When all are there and synced, a journal in the cache
records what will be replaced and removed, and one sweep of renames does it. A build that dies before the journal
leaves the old site; one that dies in the sweep is completed by the next command. The manifest lists what Octavo wrote
and nothing else is ever removed. A file that somebody else wrote or edited where a page belongs is overwritten, with a
warning that names it.

Published paths are POSIX strings relative to ``output/`` (``posts/a/index.html``). Connections are in autocommit mode.
"""

from __future__ import annotations

import errno
import os
import sqlite3
import stat
import sys
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple, TypeVar

from octavo.database import transaction
from octavo.diagnostic import Diagnostic, warning
from octavo.digest import SIZE, Digest
from octavo.state import State, identity, is_settled, state_of
from octavo.urls import collision_key

T = TypeVar("T")

STAGING, READY = "staging", "ready"
"""In the cache folder: where changed files wait, and the name that folder has from the journal to the sweep's end."""

_HIDDEN = ".octavo-"
"""What the names of these folders begin with in ``output/``, where the cache is on another file system."""

_LONGEST = 255
"""Bytes in a file name, on most file systems."""

_TRIES = 25 if os.name == "nt" else 1
"""On Windows a file that a reader or a virus scanner holds open cannot be replaced for a moment."""


class PublishError(Exception):
    """Publishing was not possible. ``path`` names the file or folder at fault and may be empty."""

    def __init__(self, message: str, path: str = "") -> None:
        super().__init__(message, path)
        self.message = message
        self.path = path

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class SourceChanged(PublishError):
    """A file was changed after it was listed and before it was copied: build again."""


class NotStaged(Exception):
    """Pages to be published whose bytes are not in the staging folder. ``paths`` must be rendered first."""

    def __init__(self, paths: tuple[str, ...]) -> None:
        super().__init__(paths)
        self.paths = paths


@dataclass(frozen=True, slots=True)
class Wanted:
    """A file of the site: the digest of its bytes, which are staged, or copied from ``source``."""

    digest: Digest
    source: Path | None = None


@dataclass(frozen=True, slots=True)
class Published:
    """What a build wrote and removed, in order of path."""

    written: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    warnings: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True, slots=True)
class StagingFolder:
    """Where changed files wait, each under a digest of its path: making and removing a folder for each page would cost
    more than the page. It may be sent to another process on the same machine."""

    folder: Path

    def write(self, path: str, data: bytes, /) -> None:
        """Stage the bytes of a published path. Raises PublishError when they cannot be written."""
        _check_path(path)
        try:
            with open(staged_at(self.folder, path), "wb") as file:  # noqa: PTH123
                file.write(data)
        except OSError as problem:
            raise _in_words(problem, path, len(data)) from problem


def staged_at(folder: Path, path: str) -> str:
    """Where a published path waits in a staging folder."""
    return f"{folder}/{_staged_name(path)}"


def _staged_name(path: str) -> str:
    return blake2b(path.encode("utf-8", "surrogatepass"), digest_size=SIZE).hexdigest()


# Staging.


@contextmanager
def open_staging(cache: Path, output: Path) -> Iterator[StagingFolder]:
    """An empty staging folder for one build, gone when it ends: in the cache, or in ``output/`` where that is on
    another file system or no cache can be written. ``recover`` must have run before. Raises PublishError."""
    folder = _in_cache(cache, output) or output / (_HIDDEN + STAGING)
    made = () if folder.parent.exists() else _missing(folder.parent)
    with _told(_shown(output, folder.name)):
        _delete_folder(folder)
        folder.mkdir(parents=True)
    try:
        yield StagingFolder(folder)
    finally:
        with suppress(OSError):
            _delete_folder(folder)
            for parent in made:
                parent.rmdir()


def _in_cache(cache: Path, output: Path) -> Path | None:
    folder = cache / STAGING
    try:
        _delete_folder(folder)
        folder.mkdir(parents=True)
        return folder if folder.stat().st_dev == _nearest(output).stat().st_dev else None
    except OSError:
        return None


def _nearest(path: Path) -> Path:
    """The path, or the nearest folder above it that exists."""
    return next((folder for folder in (path, *path.parents) if folder.exists()), path)


def _missing(folder: Path) -> tuple[Path, ...]:
    """The folder and those above it that do not exist, the deepest first."""
    return tuple(path for path in (folder, *folder.parents) if not path.exists())


def _delete_folder(folder: Path) -> None:
    if folder.is_symlink() or folder.is_file():
        folder.unlink()
    elif folder.exists():
        try:
            folder.rmdir()  # as a sweep leaves it
        except OSError:
            import shutil

            shutil.rmtree(folder)


# The manifest: what Octavo wrote, and how it lay on the disk.


class _Row(NamedTuple):
    """A published file. ``seen`` is when its content was last known to be that of ``digest``, in ns."""

    digest: Digest
    state: State
    seen: int


FILE = "output.db"
"""In the cache: the manifest and the journal. They are not the memo, and either file may be set aside alone."""

SCHEMA = """
CREATE TABLE manifest (output TEXT, path TEXT, digest BLOB, size INTEGER, mtime_ns INTEGER, ctime_ns INTEGER,
    inode INTEGER, seen INTEGER, PRIMARY KEY (output, path)) WITHOUT ROWID;
CREATE TABLE journal (output TEXT, path TEXT, digest BLOB, PRIMARY KEY (output, path)) WITHOUT ROWID;
"""
"""A row of the journal is what the sweep will do: put the file with this digest at the path, or, without one, remove
what is there."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What Octavo published in a folder, as it was found there. ``altered``: missing, or no longer what was written."""

    rows: Mapping[str, _Row]
    altered: frozenset[str] = frozenset()

    def digests(self) -> dict[str, Digest]:
        """Path -> digest of the content that was written, in order of path."""
        return {path: row.digest for path, row in self.rows.items()}

    def states(self) -> dict[str, State]:
        """Path -> the state in which the file was last known to hold what was written."""
        return {path: row.state for path, row in self.rows.items()}


def manifest(connection: sqlite3.Connection, output: Path) -> dict[str, Digest]:
    """What Octavo published in a folder: path -> digest of the content it wrote, in order of path."""
    return Standing(_rows(connection, _output_key(connection, output))).digests()


def folders_above(output: Path, paths: Iterable[str]) -> tuple[str, ...]:
    """The folders that hold the folders of published files: as long as nothing comes into one of these or leaves it,
    none of the files is behind a link that was not there before."""
    above = {folder.rpartition("/")[0] for folder in {path.rpartition("/")[0] for path in paths}}
    above |= {folder for name in above for folder in _folders(name)}
    return (str(output), *(_at(output, folder) for folder in sorted(above - {""})))


def standing(connection: sqlite3.Connection, output: Path) -> Standing:
    """What is published, after a look at each file of it."""
    key = _output_key(connection, output)
    rows = _rows(connection, key)
    found = _compare(output, rows)
    if found.looked_at:
        with _told_cache(), transaction(connection):
            _insert(connection, key, found.looked_at)
    return Standing({**rows, **found.looked_at}, frozenset(found.altered))


def _rows(connection: sqlite3.Connection, key: str) -> dict[str, _Row]:
    rows = connection.execute(
        "SELECT path, digest, size, mtime_ns, ctime_ns, inode, seen FROM manifest WHERE output = ? ORDER BY path",
        (key,),
    )
    return {row[0]: _Row(row[1], row[2:6], row[6]) for row in rows}


def _insert(connection: sqlite3.Connection, key: str, rows: Mapping[str, _Row]) -> None:
    connection.executemany(
        "INSERT OR REPLACE INTO manifest VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [(key, path, row.digest, *row.state, row.seen) for path, row in rows.items()],
    )


def _output_key(connection: sqlite3.Connection, output: Path) -> str:
    """A name for an output folder in the cache file: relative to it, so that a site may be moved as a whole."""
    real = os.path.realpath(output)
    try:
        return Path(os.path.relpath(real, _base(connection))).as_posix()
    except ValueError:  # on another drive
        return Path(real).as_posix()


def _output_from_key(connection: sqlite3.Connection, key: str) -> Path:
    return Path(os.path.normpath(_base(connection) / key))


def _base(connection: sqlite3.Connection) -> Path:
    """The folder of the cache file; the top of the file system for a cache in memory."""
    file = next(row[2] for row in connection.execute("PRAGMA database_list") if row[1] == "main")
    return Path(os.path.realpath(file)).parent if file else Path(Path.cwd().anchor)


class _Compared(NamedTuple):
    altered: set[str]
    looked_at: dict[str, _Row]


def _compare(output: Path, rows: Mapping[str, _Row]) -> _Compared:
    """Which files are not as the manifest has them, and new rows for those that had to be read to know."""
    found = _Compared(set(), {})
    links = _Links(output)
    base, lead_to, lstat = f"{output}/", links.lead_to, os.lstat
    for path, row in rows.items():
        try:
            status = lstat(base + path)
        except OSError:
            found.altered.add(path)
            continue
        if lead_to(path) or not stat.S_ISREG(status.st_mode):
            found.altered.add(path)
            continue
        state = state_of(status)
        if state != row.state or not is_settled(state, row.seen):
            seen = time.time_ns()
            if status.st_size == row.state[0] and _digest_at(base + path) == row.digest:
                found.looked_at[path] = _Row(row.digest, state, seen)
            else:
                found.altered.add(path)
    return found


def _at(output: Path, path: str) -> str:
    """Where a published path lies. In loops over all files a Path would cost more than what is asked of it."""
    return f"{output}/{path}"


def _status(output: Path, path: str) -> os.stat_result | None:
    """The status of the file itself, not of what a link leads to; None when there is none."""
    return _lstat(_at(output, path))


def _lstat(location: str) -> os.stat_result | None:
    try:
        return os.lstat(location)
    except OSError:
        return None


def _digest_at(location: str) -> Digest | None:
    """The digest of a regular file's content; None when it cannot be read."""
    try:
        descriptor = os.open(location, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0))
        with os.fdopen(descriptor, "rb") as file:
            return _digest_of(file.read, os.fstat(descriptor).st_size, lambda block: None)
    except OSError:
        return None


def _digest_of(read: Callable[[int], bytes], size: int, emit: Callable[[bytes], object]) -> Digest | None:
    """``digest_bytes`` of ``size`` bytes, block by block; None when there are fewer or more."""
    state = blake2b(b"b" + size.to_bytes(8, "little"), digest_size=SIZE)
    left = size
    while block := read(1 << 20):
        left -= len(block)
        state.update(block)
        emit(block)
    return state.digest() if left == 0 else None


class _Links:
    """Which folders of ``output/`` are links: nothing is written, removed or believed through one."""

    def __init__(self, output: Path) -> None:
        self._output = str(output)
        self._known: dict[str, str] = {"": ""}
        self._within: dict[str, frozenset[str] | None] = {}

    def lead_to(self, path: str) -> str:
        """The first link on the way to a path; empty when there is none."""
        return self._folder(path.rpartition("/")[0])

    def _folder(self, folder: str) -> str:
        found = self._known.get(folder)
        if found is None:
            above, _, name = folder.rpartition("/")
            found = self._folder(above)
            if not found and self._may_be_link(above, name) and os.path.islink(f"{self._output}/{folder}"):  # noqa: PTH114
                found = folder
            self._known[folder] = found
        return found

    def _may_be_link(self, folder: str, name: str) -> bool:
        """To list a folder says of all that is in it at once what it is."""
        if folder not in self._within:
            self._within[folder] = None
            with suppress(OSError), os.scandir(f"{self._output}/{folder}") as entries:
                self._within[folder] = frozenset(entry.name for entry in entries if entry.is_symlink())
        links = self._within[folder]
        return links is None or name in links


# Publishing.


@dataclass(frozen=True)
class _Plan:
    """What has to be done: paths in order, new rows for what is found to be right already, what to warn of."""

    write: tuple[str, ...]
    remove: tuple[str, ...]
    forget: tuple[str, ...]
    keep: Mapping[str, _Row]
    warnings: tuple[Diagnostic, ...]


def publish(
    connection: sqlite3.Connection,
    output: Path,
    staging: StagingFolder,
    wanted: Mapping[str, Wanted],
    before: Standing | None = None,
) -> Published:
    """Make ``output/`` hold the wanted files, and remove those of the last build that are wanted no more.

    ``before`` is how this command has found what is published; without it that is looked at now. What is to be written
    or removed is looked at again in any case. Any other file that is altered while a site is built is noticed by the
    next build.

    Raises NotStaged, SourceChanged and PublishError, and then nothing has been changed; only what cannot be known
    before, such as a file that Windows does not let go, may raise PublishError in the sweep, which the next command
    completes.
    """
    key = _output_key(connection, output)
    plan = _plan(output, standing(connection, output) if before is None else before, wanted)
    if plan.write or plan.remove:
        _check_targets(output, plan)
        _publish(connection, key, output, staging, wanted, plan)
    if plan.keep or plan.forget:
        with _told_cache(), transaction(connection):
            _insert(connection, key, plan.keep)
            _forget(connection, key, plan.forget)
    return Published(plan.write, plan.remove, plan.warnings)


def _plan(output: Path, before: Standing, wanted: Mapping[str, Wanted]) -> _Plan:
    rows = before.rows
    _check_paths(wanted, rows.keys())
    gone = rows.keys() - wanted.keys()
    other = {path for path, to_be in wanted.items() if path not in rows or rows[path].digest != to_be.digest}
    to_do = before.altered | other | gone
    found = _compare(output, {path: rows[path] for path in to_do if path in rows})
    links = _Links(output)
    leaving = {collision_key(path): path for path in gone}
    write: list[str] = []
    remove: list[str] = []
    forget: list[str] = []
    keep = {path: row for path, row in found.looked_at.items() if path in wanted}
    warnings: list[Diagnostic] = []
    for path in sorted(to_do - gone):
        row = rows.get(path)
        is_ours = row is not None and path not in found.altered
        if is_ours and row is not None and row.digest == wanted[path].digest:
            continue
        keep.pop(path, None)
        there = None if is_ours or links.lead_to(path) else _status(output, path)
        if there is not None and _is_one_file(output, path, leaving.get(collision_key(path))):
            there = None
        if there is not None and stat.S_ISREG(there.st_mode):
            seen = time.time_ns()
            if _digest_at(_at(output, path)) == wanted[path].digest:
                keep[path] = _Row(wanted[path].digest, state_of(there), seen)
                continue
        if there is not None and not stat.S_ISDIR(there.st_mode):
            what = "was not written by Octavo" if row is None else "was changed since the last build"
            warnings.append(warning(_shown(output, path), None, "output", f"the file {what}: it is overwritten"))
        write.append(path)
    for path in sorted(gone):
        there = _status(output, path)
        through = links.lead_to(path)
        if through or (there is not None and stat.S_ISDIR(there.st_mode)):
            forget.append(path)
            if through and there is not None:
                message = f"the file is not removed, because '{through}' has become a link"
                warnings.append(warning(_shown(output, path), None, "output", message))
            continue
        if there is not None and path in found.altered:
            message = "the file was changed since the last build: it is removed, for the site has no such page any more"
            warnings.append(warning(_shown(output, path), None, "output", message))
        remove.append(path)
    return _Plan(tuple(write), tuple(remove), tuple(forget), keep, tuple(warnings))


def _is_one_file(output: Path, path: str, other: str | None) -> bool:
    """Whether a path is, on a system that does not tell case apart, the file of another path."""
    return other is not None and identity(output / path) == identity(output / other)


def _publish(
    connection: sqlite3.Connection,
    key: str,
    output: Path,
    staging: StagingFolder,
    wanted: Mapping[str, Wanted],
    plan: _Plan,
) -> None:
    made = _missing(output)
    ready: Path | None = None
    try:
        with _told(output.name):
            output.mkdir(parents=True, exist_ok=True)
        _stage_sources(staging.folder, wanted, plan.write)
        staged = _names_in(staging.folder)
        missing = tuple(path for path in plan.write if _staged_name(path) not in staged)
        if missing:
            raise NotStaged(missing)
        ready = _made_ready(staging.folder, output, plan.write)
        _write_journal(connection, key, wanted, plan)
        made = (*_make_folders(output, plan), *made)
    except BaseException:
        _clear_journal(connection, key)
        if ready is not None:
            with suppress(OSError):
                _delete_folder(ready)
        for folder in made:
            with suppress(OSError):
                folder.rmdir()
        raise
    _complete(connection, key, output, ready)
    with suppress(OSError):
        _delete_folder(ready)


def _check_paths(wanted: Mapping[str, Wanted], known: Collection[str]) -> None:
    """Raise PublishError for paths that cannot be. The ``known`` ones were looked at when they were first published."""
    new = [path for path in wanted if path not in known]
    for path in new:
        _check_path(path)
    folders = {path.rpartition("/")[0]: path for path in wanted} if new else {}
    for folder, path in folders.items():
        for above in (folder, *_folders(folder)) if folder else ():
            if above in wanted:
                raise PublishError(f"the site has both a file and a folder of this name, which holds '{path}'", above)


def _check_path(path: str) -> None:
    """Raise PublishError for what is no path below ``output/``."""
    parts = path.split("/")
    if any(part in ("", ".", "..") or "\0" in part for part in parts) or path.casefold().startswith(_HIDDEN):
        raise PublishError("not a path that can be published", path)
    if any(len(part.encode("utf-8", "surrogatepass")) > _LONGEST for part in parts):
        raise PublishError(f"the name is longer than {_LONGEST} bytes", path)
    if os.name == "nt" and any("\\" in part or ":" in part for part in parts):
        raise PublishError("not a path that can be published on Windows", path)


def _check_targets(output: Path, plan: _Plan) -> None:
    """Raise PublishError for what would stop the sweep."""
    _check_folder(output, _nearest(output))
    if not output.exists():
        return
    device = output.stat().st_dev
    leaving = set(plan.remove)
    known = {""}
    for path in (*plan.write, *plan.remove):
        _check_folders(output, path.rpartition("/")[0], device, leaving, known)
    for path in plan.write:
        _check_target(output, path, leaving)


def _check_folders(output: Path, folder: str, device: int, leaving: set[str], known: set[str]) -> None:
    if folder in known:
        return
    _check_folders(output, folder.rpartition("/")[0], device, leaving, known)
    known.add(folder)
    status = _status(output, folder)
    if status is None or (folder in leaving and not stat.S_ISDIR(status.st_mode)):
        return
    if stat.S_ISLNK(status.st_mode):
        raise PublishError("the folder is a link, and a site is not written through links", _shown(output, folder))
    if not stat.S_ISDIR(status.st_mode):
        raise PublishError("the file is in the way of a folder of the site", _shown(output, folder))
    if status.st_dev != device:
        raise PublishError("the folder is on another file system than the rest of the output", _shown(output, folder))
    _check_folder(output, output / folder)


def _check_folder(output: Path, folder: Path) -> None:
    if not os.access(folder, os.W_OK | os.X_OK):
        shown = _shown(output, folder.relative_to(output).as_posix()) if folder.is_relative_to(output) else str(folder)
        raise PublishError("no files can be written in this folder", shown)


def _check_target(output: Path, path: str, leaving: set[str]) -> None:
    status = _status(output, path)
    if status is None:
        return
    if stat.S_ISDIR(status.st_mode):
        for folder, _, names in os.walk(output / path):
            for name in names:
                inner = (Path(folder) / name).relative_to(output).as_posix()
                if inner not in leaving:
                    raise PublishError(f"the folder is in the way of a file, and holds '{inner}'", _shown(output, path))
    elif stat.S_ISREG(status.st_mode):
        # Opening changes nothing, and tells what a mode, an attribute or the file system forbids.
        with _told(_shown(output, path)):
            os.close(os.open(output / path, os.O_WRONLY | getattr(os, "O_NOFOLLOW", 0)))


def _made_ready(staged: Path, output: Path, write: tuple[str, ...]) -> Path:
    """The staged files, on the disk to stay, in a folder from which they can be renamed into ``output/``."""
    import shutil

    is_hidden = staged.name.startswith(_HIDDEN)
    ready = staged.with_name(_HIDDEN + READY if is_hidden else READY)
    with _told(output.name):
        if not write or is_hidden or _is_within_reach(staged, output):
            _delete_folder(ready)
            os.rename(staged, ready)  # noqa: PTH104
        else:
            ready = output / (_HIDDEN + READY)
            _delete_folder(ready)
            ready.mkdir()
        try:
            for path in write if staged.exists() else ():
                shutil.copyfile(staged_at(staged, path), staged_at(ready, path))
            if write:
                _sync(ready)
        except BaseException:
            _delete_folder(ready)
            raise
    return ready


def _names_in(folder: Path) -> frozenset[str]:
    """To list a folder costs less than to ask for each of its files."""
    return frozenset(os.listdir(folder))  # noqa: PTH208


def _is_within_reach(staged: Path, output: Path) -> bool:
    """Whether a file can be renamed from one folder into the other: one device may be mounted twice."""
    trial = output / (_HIDDEN + STAGING)
    _delete_folder(trial)
    trial.mkdir()
    try:
        (staged / trial.name).touch()
        os.rename(staged / trial.name, trial / "file")  # noqa: PTH104
    except OSError as problem:
        if problem.errno != errno.EXDEV:
            raise
        return False
    finally:
        _delete_folder(trial)
    return True


def _stage_sources(staged: Path, wanted: Mapping[str, Wanted], write: Iterable[str]) -> None:
    """Copy the sources that changed. Raises SourceChanged when one is not what was listed."""
    copies = [(path, source) for path in write if (source := wanted[path].source) is not None]
    if not copies:
        return
    import shutil

    with _told(staged.name):
        needed = sum(source.stat().st_size for _, source in copies)
        free = shutil.disk_usage(staged).free
    if needed > free:
        raise PublishError(f"no space left: {_megabytes(needed)} are needed and {_megabytes(free)} are free")
    for path, source in copies:
        with _told(path, needed):
            if _copy(source, Path(staged_at(staged, path))) != wanted[path].digest:
                raise SourceChanged("the file was changed while the site was built: build again", path)


def _copy(source: Path, target: Path) -> Digest | None:
    with source.open("rb") as reader, target.open("wb") as writer:
        return _digest_of(reader.read, os.fstat(reader.fileno()).st_size, writer.write)


def _sync(folder: Path) -> None:
    """One barrier for all that was written: a file at a time would be several times slower. Windows has none."""
    if sys.platform == "linux":
        import ctypes

        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            if ctypes.CDLL(None, use_errno=True).syncfs(descriptor) != 0:
                number = ctypes.get_errno()
                raise OSError(number, os.strerror(number))
        finally:
            os.close(descriptor)
    elif hasattr(os, "sync"):
        os.sync()


def _make_folders(output: Path, plan: _Plan) -> tuple[Path, ...]:
    """Make the folders that are missing, the deepest first in the answer; undone when one cannot be made.

    A folder whose name a file has that is about to be removed is left to the sweep.
    """
    leaving = set(plan.remove)
    made: list[str] = []
    known = {""}
    base = str(output)

    def make(folder: str) -> bool:
        if folder in known:
            return True
        if not make(folder.rpartition("/")[0]) or folder in leaving:
            return False
        known.add(folder)
        try:
            os.mkdir(f"{base}/{folder}")  # noqa: PTH102
            made.append(folder)
        except FileExistsError:
            pass
        except OSError as problem:
            raise _in_words(problem, _shown(output, folder)) from problem
        return True

    try:
        for path in plan.write:
            make(path.rpartition("/")[0])
    except BaseException:
        for folder in reversed(made):
            with suppress(OSError):
                (output / folder).rmdir()
        raise
    return tuple(output / folder for folder in reversed(made))


# The journal and the sweep.


def _write_journal(connection: sqlite3.Connection, key: str, wanted: Mapping[str, Wanted], plan: _Plan) -> None:
    changes: list[tuple[str, str, Digest | None]] = [(key, path, wanted[path].digest) for path in plan.write]
    changes += [(key, path, None) for path in plan.remove]
    (level,) = connection.execute("PRAGMA synchronous").fetchone()
    # The journal must be on the disk before the first rename is.
    connection.execute("PRAGMA synchronous = FULL")
    try:
        with _told_cache(), transaction(connection):
            connection.executemany("INSERT OR REPLACE INTO journal VALUES (?, ?, ?)", changes)
    finally:
        connection.execute(f"PRAGMA synchronous = {int(level)}")


def _clear_journal(connection: sqlite3.Connection, key: str) -> None:
    # Where even this cannot be written, what was ready is gone, and without it nothing of the journal is done.
    with suppress(sqlite3.OperationalError):
        connection.execute("DELETE FROM journal WHERE output = ?", (key,))


def _complete(connection: sqlite3.Connection, key: str, output: Path, ready: Path | None) -> None:
    """Do what the journal says and is not done yet, and write it into the manifest.

    Without the folder ``ready`` only what was done before is written down.
    """
    journal = connection.execute("SELECT path, digest FROM journal WHERE output = ? ORDER BY path", (key,)).fetchall()
    wanted: dict[str, Digest] = {path: digest for path, digest in journal if digest is not None}
    leaving = [path for path, digest in journal if digest is None]
    moved: frozenset[str] = frozenset()
    if ready is not None:
        moved = _sweep(output, ready, wanted, leaving)
    rows: dict[str, _Row] = {}
    for path, digest in wanted.items():
        seen = time.time_ns()
        status = _status(output, path)
        if status is not None and (path in moved or _digest_at(_at(output, path)) == digest):
            rows[path] = _Row(digest, state_of(status), seen)
    with _told_cache(), transaction(connection):
        _insert(connection, key, rows)
        _forget(connection, key, leaving if ready is not None else [])
        connection.execute("DELETE FROM journal WHERE output = ?", (key,))


def _forget(connection: sqlite3.Connection, key: str, paths: Iterable[str]) -> None:
    connection.executemany("DELETE FROM manifest WHERE output = ? AND path = ?", [(key, path) for path in paths])


@contextmanager
def _told_cache() -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as problem:
        raise PublishError(f"the cache cannot be written: {problem}") from problem


def _sweep(output: Path, ready: Path, wanted: Collection[str], leaving: Collection[str]) -> frozenset[str]:
    """Rename what is ready into place and remove what leaves. Answers the paths that were renamed."""
    first, last = _in_the_way(wanted, leaving) if leaving else ([], [])
    links = _Links(output)
    staged = _names_in(ready)
    sources = {path: name for path in wanted if (name := _staged_name(path)) in staged}
    # Once a file has been moved all of these are gone, and what has such a name may be that file.
    if len(sources) == len(wanted):
        for path in first:
            _remove(output, path, links)
    for path, name in sources.items():
        _move(f"{ready}/{name}", output, path, links)
    for path in last:
        _remove(output, path, links)
    return frozenset(sources)


def _in_the_way(wanted: Iterable[str], leaving: Iterable[str]) -> tuple[list[str], list[str]]:
    """Of the paths that leave, those that must go before others come, and the rest: a file where a folder will be,
    what is in a folder where a file will be, and a name that differs in case only."""
    names = [collision_key(path) for path in wanted]
    taken = {folder for name in names for folder in (name, *_folders(name))}
    files = set(names)
    first: list[str] = []
    last: list[str] = []
    for path in leaving:
        name = collision_key(path)
        is_first = name in taken or any(folder in files for folder in _folders(name))
        (first if is_first else last).append(path)
    return first, last


def _folders(path: str) -> Iterator[str]:
    """The folders above a path, the nearest first."""
    while path := path.rpartition("/")[0]:
        yield path


def _move(source: str, output: Path, path: str, links: _Links) -> None:
    """Put a file in its place."""
    if links.lead_to(path):
        raise PublishError("the folder is a link, and a site is not written through links", _shown(output, path))
    try:
        os.replace(source, _at(output, path))  # noqa: PTH105
    except OSError:
        with _told(_shown(output, path)):
            _move_with_patience(source, output / path)


def _move_with_patience(source: str, target: Path) -> None:
    try:
        _patiently(lambda: os.replace(source, target))  # noqa: PTH105
    except (FileNotFoundError, IsADirectoryError, PermissionError):
        if target.is_dir() and not target.is_symlink():
            _remove_empty(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(source, target)  # noqa: PTH105


def _remove(output: Path, path: str, links: _Links) -> None:
    """Remove a file and the folders that this leaves empty. What has become a folder or lies behind a link stays."""
    if links.lead_to(path):
        return
    status = _status(output, path)
    if status is not None and stat.S_ISDIR(status.st_mode):
        return
    with _told(_shown(output, path)):
        if status is not None:
            _patiently((output / path).unlink)
    for folder in _folders(path):
        try:
            (output / folder).rmdir()
        except FileNotFoundError:
            continue
        except OSError:
            break


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


def recover(connection: sqlite3.Connection, cache: Path, output: Path) -> bool:
    """Complete a sweep that was interrupted, and remove what builds that died have left. To be called at the start of
    each command that publishes, under the lock. True when there was a sweep to complete."""
    keys = [key for (key,) in connection.execute("SELECT DISTINCT output FROM journal ORDER BY output")]
    for key in keys:
        folder = _output_from_key(connection, key)
        places = (folder / (_HIDDEN + READY), cache / READY)
        _complete(
            connection, key, folder, next((place for place in places if folder.is_dir() and place.is_dir()), None)
        )
        _delete_left(folder / _HIDDEN)
    _delete_left(output / _HIDDEN)
    for name in (STAGING, READY):
        with suppress(OSError):  # open_staging sees to a cache that cannot be written
            _delete_folder(cache / name)
    return bool(keys)


def _delete_left(prefix: Path) -> None:
    for name in (STAGING, READY):
        folder = prefix.with_name(prefix.name + name)
        with _told(f"{prefix.parent.name}/{folder.name}"):
            _delete_folder(folder)


def clean(connection: sqlite3.Connection, output: Path) -> tuple[str, ...]:
    """Remove what the manifest lists, and the folders that this leaves empty. Answers the paths that were there."""
    key = _output_key(connection, output)
    links = _Links(output)
    gone: list[str] = []
    there: list[str] = []
    try:
        for path in _rows(connection, key):
            is_there = _status(output, path) is not None
            _remove(output, path, links)
            gone.append(path)
            if is_there and _status(output, path) is None:
                there.append(path)
    finally:
        with _told_cache(), transaction(connection):
            _forget(connection, key, gone)
    return tuple(there)


# Problems of the file system, in words.


@contextmanager
def _told(path: str, needed: int = 0) -> Iterator[None]:
    """OSError as PublishError. ``needed`` is the number of bytes that were to be written."""
    try:
        yield
    except OSError as problem:
        raise _in_words(problem, path, needed) from problem


def _in_words(problem: OSError, path: str, needed: int = 0) -> PublishError:
    """What ``_told`` raises, for what is done to thousands of files: there a context manager costs as much as it."""
    return PublishError(_reason(problem, needed), path)


def _reason(problem: OSError, needed: int) -> str:
    if problem.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"no space left: {_megabytes(needed)} are needed" if needed else "no space left"
    if problem.errno == errno.ENAMETOOLONG:
        return "the name is too long for the file system"
    reason = problem.strerror or str(problem)
    return f"it cannot be written: {reason[:1].lower()}{reason[1:]}"


def _megabytes(size: int) -> str:
    return f"{size / 1_000_000:.1f} MB"


def _shown(output: Path, path: str) -> str:
    return f"{output.name}/{path}"
