"""Publishing: what was built becomes ``output/``, all of it or nothing.

Changed files wait in a staging folder on the same file system. When all are there and synced, a journal in the cache
records what will be replaced and removed, and one sweep of renames does it. A build that dies before the journal leaves
the old site; one that dies in the sweep is completed by the next command. The manifest lists what Octavo wrote, and so
does a list in the output folder; nothing else is ever removed, and that only while it is as it was written. A file that
somebody else wrote or edited where a page belongs is overwritten, with a warning that names it.

Published paths are POSIX strings relative to ``output/`` (``posts/a/index.html``). Connections are in autocommit mode.
"""

from __future__ import annotations

import os
import sqlite3
import stat
import time
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from octavo.base.diagnostics import Diagnostic, warning
from octavo.base.file_stat import FileState, identify_file, state_of
from octavo.base.urls import collision_key
from octavo.engine.database import transaction
from octavo.output.journal import FileChange, Sweep, clear_journal, do_sweep, remove_file, write_journal
from octavo.output.manifest import (
    ManifestRow,
    PublishedFolder,
    compare,
    find_published,
    forget_rows,
    insert_rows,
    is_on_disk,
    output_key,
)
from octavo.output.output_files import LinkedFolders, digest_at, location_of, status_of, visible_files
from octavo.output.paths import check_path, digest_of_path, folders_of
from octavo.output.publish_errors import (
    NotStaged,
    PublishError,
    converting_manifest_errors,
    converting_os_errors,
    display_path,
    to_publish_error,
)
from octavo.output.staging import (
    FileToPublish,
    StagingFolder,
    delete_folder,
    make_ready,
    missing_folders,
    names_in,
    nearest_folder,
    stage_sources,
    staged_at,
)
from octavo.output.written_list import FILE as LIST
from octavo.output.written_list import discard_list, install_list, prepare_list


@dataclass(frozen=True, slots=True)
class PublishResult:
    """What a build wrote and removed, in order of path.

    ``unknown`` are the visible files that were there when nothing told any more what Octavo wrote, and that the site
    does not have. ``unsaved`` is what has kept the manifest from being written at the end.
    """

    written: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    warnings: tuple[Diagnostic, ...] = ()
    unknown: tuple[str, ...] = ()
    unsaved: sqlite3.DatabaseError | None = None


@dataclass(frozen=True)
class _Plan:
    """What has to be done: paths in order, new rows for what is found to be right already, what to warn of."""

    write: tuple[str, ...]
    remove: tuple[str, ...]
    forget: tuple[str, ...]
    keep: Mapping[str, ManifestRow]
    warnings: tuple[Diagnostic, ...]


def publish(
    connection: sqlite3.Connection,
    output: Path,
    staging: StagingFolder,
    files: Mapping[str, FileToPublish],
    before: PublishedFolder | None = None,
) -> PublishResult:
    """Make ``output/`` hold these files, and no others of the last build.

    ``before`` is how this command has found what is published; without it that is looked at now. What is to be written
    or removed is looked at again in any case. Any other file that is altered while a site is built is noticed by the
    next build.

    Raises NotStaged, SourceChanged, PublishError, DamagedManifest, and sqlite3.OperationalError where the cache cannot
    be written, and then nothing has been changed; only what cannot be known before, such as a file that Windows does
    not let go, may raise PublishError in the sweep, which the next command completes.
    """
    key = output_key(connection, output)
    before = find_published(connection, output) if before is None else before
    plan = _plan(output, before, files)
    unknown = tuple(path for path in visible_files(output) if path not in files) if before.is_lost else ()
    unsaved: sqlite3.DatabaseError | None = None
    if plan.write or plan.remove:
        replaced = _check_targets(output, plan)
        unsaved = _publish(connection, key, output, staging, files, plan, before, replaced)
    elif plan.keep or plan.forget or not before.is_listed:
        with converting_os_errors(output.name):
            output.mkdir(parents=True, exist_ok=True)
        unsaved = _record(connection, key, output, Sweep((), before.digests(), plan.keep, plan.forget))
    return PublishResult(plan.write, plan.remove, plan.warnings, unknown, unsaved)


def renew_list(connection: sqlite3.Connection, output: Path, before: PublishedFolder) -> sqlite3.DatabaseError | None:
    """Write the list of what is published where it is not as it should be.

    Answers what has kept the manifest from being written.
    """
    if before.is_listed or not output.is_dir():
        return None
    return _record(connection, output_key(connection, output), output, Sweep((), before.digests()))


def _record(connection: sqlite3.Connection, key: str, output: Path, sweep: Sweep) -> sqlite3.DatabaseError | None:
    """Write down what is published, where no file has to be moved or removed."""
    try:
        prepare_list(output, sweep.after().items())
    except OSError:  # nothing depends on it as long as there is a manifest
        discard_list(output)
        try:
            with transaction(connection):
                insert_rows(connection, key, sweep.keep)
                forget_rows(connection, key, sweep.forget)
        except sqlite3.DatabaseError as problem:
            return problem
        return None
    return do_sweep(connection, key, output, None, sweep)


def _plan(output: Path, before: PublishedFolder, files: Mapping[str, FileToPublish]) -> _Plan:
    rows = before.rows
    _check_paths(files, rows.keys())
    gone = rows.keys() - files.keys()
    other = {path for path, to_be in files.items() if path not in rows or rows[path].digest != to_be.digest}
    to_do = before.altered | other | gone
    comparison = compare(output, {path: rows[path] for path in to_do if path in rows})
    links = LinkedFolders(output)
    leaving = {collision_key(path): path for path in gone if path not in comparison.altered}
    write: list[str] = []
    remove: list[str] = []
    forget: list[str] = []
    keep = {path: row for path, row in comparison.looked_at.items() if path in files}
    warnings: list[Diagnostic] = []
    for path in sorted(to_do - gone):
        row = rows.get(path)
        is_ours = row is not None and path not in comparison.altered
        if is_ours and row is not None and row.digest == files[path].digest:
            continue
        keep.pop(path, None)
        there = None if is_ours or links.first_link_to(path) else status_of(output, path)
        if there is not None and _is_one_file(output, path, leaving.get(collision_key(path))):
            there = None
        if there is not None and stat.S_ISREG(there.st_mode):
            seen = time.time_ns()
            if digest_at(location_of(output, path)) == files[path].digest:
                keep[path] = ManifestRow(files[path].digest, state_of(there), seen)
                continue
        if there is not None and not stat.S_ISDIR(there.st_mode):
            what = "was not written by Octavo" if row is None else "was changed since the last build"
            warnings.append(warning(display_path(output, path), None, "output", f"the file {what}: it is overwritten"))
        write.append(path)
    for path in sorted(gone):
        there = status_of(output, path)
        through = links.first_link_to(path)
        if there is None and _is_below_file(output, path):
            forget.append(path)
            continue
        if through or (there is not None and stat.S_ISDIR(there.st_mode)):
            forget.append(path)
            if through and there is not None:
                message = f"the file is not removed, because '{through}' has become a link"
                warnings.append(warning(display_path(output, path), None, "output", message))
            continue
        if there is not None and path in comparison.altered:
            forget.append(path)
            warnings.append(_edited_file_stays(output, path))
            continue
        remove.append(path)
    return _Plan(tuple(write), tuple(remove), tuple(forget), keep, tuple(warnings))


def _is_below_file(output: Path, path: str) -> bool:
    """Whether a file has come in the place of a folder that held what was at a path: a build without the cache that
    this manifest lies in has published something else since."""
    above = (status_of(output, folder) for folder in folders_of(path))
    return any(status is not None and not stat.S_ISDIR(status.st_mode) for status in above)


def _edited_file_stays(output: Path, path: str) -> Diagnostic:
    message = "the file was changed since it was published: it stays, though the site has no such page any more"
    return warning(display_path(output, path), None, "output", message)


def _is_one_file(output: Path, path: str, other: str | None) -> bool:
    """Whether a path is, on a system that does not tell case apart, the file of another path."""
    return other is not None and identify_file(output / path) == identify_file(output / other)


def _publish(
    connection: sqlite3.Connection,
    key: str,
    output: Path,
    staging: StagingFolder,
    files: Mapping[str, FileToPublish],
    plan: _Plan,
    before: PublishedFolder,
    replaced: Mapping[str, FileState],
) -> sqlite3.DatabaseError | None:
    new_folders = missing_folders(output)
    ready: Path | None = None
    try:
        with converting_os_errors(output.name):
            output.mkdir(parents=True, exist_ok=True)
        # The order is that of what can be undone. Until the journal is written, a build that fails or dies has changed
        # nothing in ``output/``, and what it leaves beside it is removed by ``recover``.
        stage_sources(staging.folder, files, plan.write)
        staged = names_in(staging.folder)
        missing = tuple(path for path in plan.write if digest_of_path(path) not in staged)
        if missing:
            raise NotStaged(missing)
        # Synced here, before the journal: after a power cut a journal must not name bytes that are not on the disk.
        ready = make_ready(staging.folder, output, key, plan.write)
        sweep = Sweep(_changes(ready, files, plan, replaced), before.digests(), plan.keep, plan.forget)
        with converting_os_errors(display_path(output, LIST)):
            if not is_on_disk(connection):
                # A sweep that dies cannot be completed: whatever it leaves must be on the list.
                prepare_list(output, [*sweep.before.items(), *sweep.after().items()])
                install_list(output)
            prepare_list(output, sweep.after().items())
        write_journal(connection, key, sweep.changes)
        # After the journal, for folders are seen: of a build that dies here the next command makes a whole, while empty
        # folders made before it would be nobody's.
        new_folders = (*_make_folders(output, plan), *new_folders)
    except BaseException:
        # The journal first: while it stands, a command that dies in here is one that died in a sweep.
        clear_journal(connection, key)
        discard_list(output)
        if ready is not None:
            with suppress(OSError):
                delete_folder(ready)
        for folder in new_folders:
            with suppress(OSError):
                folder.rmdir()
        raise
    # From here on there is no way back: what fails is left to the next command, with all that it needs.
    unsaved = do_sweep(connection, key, output, ready, sweep)
    with suppress(OSError):  # what cannot be removed of it now, ``recover`` removes
        delete_folder(ready)
    return unsaved


def _changes(
    ready: Path, files: Mapping[str, FileToPublish], plan: _Plan, replaced: Mapping[str, FileState]
) -> tuple[FileChange, ...]:
    """What the sweep will do. The files wait in their last state: to rename the folder leaves theirs alone."""
    with converting_os_errors(ready.name):
        coming = [
            FileChange(path, files[path].digest, state_of(os.lstat(staged_at(ready, path))), replaced.get(path))
            for path in plan.write
        ]
    return (*coming, *(FileChange(path, None, None, replaced.get(path)) for path in plan.remove))


def _check_paths(files: Mapping[str, FileToPublish], published: Collection[str]) -> None:
    """Raise PublishError for paths that cannot be. Those that are ``published`` were looked at then."""
    new = [path for path in files if path not in published]
    for path in new:
        check_path(path)
    folders = {path.rpartition("/")[0]: path for path in files} if new else {}
    for folder, path in folders.items():
        for above in (folder, *folders_of(folder)) if folder else ():
            if above in files:
                raise PublishError(f"the site has both a file and a folder of this name, which holds '{path}'", above)


def _check_targets(output: Path, plan: _Plan) -> dict[str, FileState]:
    """Raise PublishError for what would stop the sweep. Answers the states of what will be replaced or removed."""
    _check_folder(output, nearest_folder(output))
    if not output.exists():
        return {}
    device = output.stat().st_dev
    leaving = set(plan.remove)
    checked = {""}
    for path in (*plan.write, *plan.remove):
        _check_folders(output, path.rpartition("/")[0], device, leaving, checked)
    replaced = {
        path: state_of(status)
        for path in (*plan.write, *plan.remove)
        if (status := status_of(output, path)) is not None and not stat.S_ISDIR(status.st_mode)
    }
    for path in plan.write:
        _check_target(output, path, leaving)
    return replaced


def _check_folders(output: Path, folder: str, device: int, leaving: set[str], checked: set[str]) -> None:
    if folder in checked:
        return
    _check_folders(output, folder.rpartition("/")[0], device, leaving, checked)
    checked.add(folder)
    status = status_of(output, folder)
    if status is None or (folder in leaving and not stat.S_ISDIR(status.st_mode)):
        return
    if stat.S_ISLNK(status.st_mode):
        raise PublishError(
            "the folder is a link, and a site is not written through links", display_path(output, folder)
        )
    if not stat.S_ISDIR(status.st_mode):
        raise PublishError("the file is in the way of a folder of the site", display_path(output, folder))
    if status.st_dev != device:
        raise PublishError(
            "the folder is on another file system than the rest of the output", display_path(output, folder)
        )
    _check_folder(output, output / folder)


def _check_folder(output: Path, folder: Path) -> None:
    if not os.access(folder, os.W_OK | os.X_OK):
        is_within = folder.is_relative_to(output)
        where = display_path(output, folder.relative_to(output).as_posix()) if is_within else str(folder)
        raise PublishError("no files can be written in this folder", where)


def _check_target(output: Path, path: str, leaving: set[str]) -> None:
    status = status_of(output, path)
    if status is None:
        return
    if stat.S_ISDIR(status.st_mode):
        for folder, _, names in os.walk(output / path):
            for name in names:
                inner = (Path(folder) / name).relative_to(output).as_posix()
                if inner not in leaving:
                    raise PublishError(
                        f"the folder is in the way of a file, and holds '{inner}'", display_path(output, path)
                    )
    elif stat.S_ISREG(status.st_mode):
        # Opening changes nothing, and tells what a mode, an attribute or the file system forbids.
        with converting_os_errors(display_path(output, path)):
            os.close(os.open(output / path, os.O_WRONLY | getattr(os, "O_NOFOLLOW", 0)))


def _make_folders(output: Path, plan: _Plan) -> tuple[Path, ...]:
    """Make the folders that are missing, the deepest first in the answer; undone when one cannot be made.

    A folder whose name a file has that is about to be removed is left to the sweep.
    """
    leaving = set(plan.remove)
    new_folders: list[str] = []
    existing = {""}
    base = str(output)

    def make(folder: str) -> bool:
        if folder in existing:
            return True
        if not make(folder.rpartition("/")[0]) or folder in leaving:
            return False
        existing.add(folder)
        try:
            os.mkdir(f"{base}/{folder}")  # noqa: PTH102
            new_folders.append(folder)
        except FileExistsError:
            pass
        except OSError as problem:
            raise to_publish_error(problem, display_path(output, folder)) from problem
        return True

    try:
        for path in plan.write:
            make(path.rpartition("/")[0])
    except BaseException:
        for folder in reversed(new_folders):
            with suppress(OSError):
                (output / folder).rmdir()
        raise
    return tuple(output / folder for folder in reversed(new_folders))


class RemovalResult(NamedTuple):
    """What ``remove_published`` has removed, and what it warns of."""

    paths: tuple[str, ...]
    warnings: tuple[Diagnostic, ...]


def remove_published(connection: sqlite3.Connection, output: Path) -> RemovalResult:
    """Remove what Octavo wrote and is as it was written.

    The folders that this leaves empty go as well, and the list of it all. Raises PublishError and DamagedManifest.
    """
    key = output_key(connection, output)
    published = find_published(connection, output)
    links = LinkedFolders(output)
    gone: list[str] = []
    removed: list[str] = []
    warnings: list[Diagnostic] = []
    try:
        for path in published.rows:
            status = None if links.first_link_to(path) else status_of(output, path)
            if status is not None and not stat.S_ISDIR(status.st_mode):
                if path in published.altered:
                    warnings.append(_edited_file_stays(output, path))
                else:
                    remove_file(output, path, links)
                    removed.append(path)
            gone.append(path)
        # The list last: a command that is killed before leaves one that still tells whose the other files are.
        with converting_os_errors(display_path(output, LIST)):
            (output / LIST).unlink(missing_ok=True)
    finally:  # what is gone is forgotten, though another file could not be removed
        with converting_manifest_errors(), transaction(connection):
            forget_rows(connection, key, gone)
    return RemovalResult(tuple(removed), tuple(warnings))


def unknown_files(connection: sqlite3.Connection, output: Path) -> tuple[str, ...]:
    """The visible files that neither the manifest nor the list knows.

    They are those of an output folder. Raises DamagedManifest.
    """
    published = find_published(connection, output).rows
    return tuple(path for path in visible_files(output) if path not in published)


def remove_unknown(output: Path, paths: Iterable[str]) -> tuple[str, ...]:
    """Remove these files where they are visible files still.

    One behind a link stays. Answers those that were removed.
    """
    there = set(visible_files(output))
    links = LinkedFolders(output)
    removed = tuple(path for path in paths if path in there and not links.first_link_to(path))
    for path in removed:
        remove_file(output, path, links)
    return removed
