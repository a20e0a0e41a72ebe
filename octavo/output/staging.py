"""Where changed files wait to be published.

That is in a staging folder while the site is built, and in a ready folder until they are moved.
"""

from __future__ import annotations

import errno
import os
import re
import stat
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from octavo.base.digest import Digest
from octavo.output.output_files import digest_of_blocks
from octavo.output.paths import HIDDEN, check_path, digest_of_path
from octavo.output.publish_errors import (
    PublishError,
    SourceChanged,
    converting_os_errors,
    display_path,
    megabytes,
    to_publish_error,
)

STAGING, READY = "staging", "ready"
"""In the cache: where changed files wait, and what the name of that folder begins with from the journal to the sweep's
end. What is ready for one output folder is no matter of another."""


@dataclass(frozen=True, slots=True)
class FileToPublish:
    """A file of the site, by the digest of its bytes.

    These are staged, or copied from ``source``.
    """

    digest: Digest
    source: Path | None = None


@dataclass(frozen=True, slots=True)
class StagingFolder:
    """Where changed files wait, each under a digest of its path.

    Making and removing a folder for each page would cost more than the page. It may be sent to another process on the
    same machine.
    """

    folder: Path

    def write(self, path: str, data: bytes, /) -> None:
        """Stage the bytes of a published path.

        Raises PublishError when they cannot be written.
        """
        check_path(path)
        try:
            with open(staged_at(self.folder, path), "wb") as file:  # noqa: PTH123
                file.write(data)
        except OSError as problem:
            raise to_publish_error(problem, path, len(data)) from problem


def staged_at(folder: Path, path: str) -> str:
    """Where a published path waits in a staging folder."""
    return f"{folder}/{digest_of_path(path)}"


@contextmanager
def open_staging(cache: Path, output: Path) -> Iterator[StagingFolder]:
    """An empty staging folder for one build, gone when it ends.

    It is in the cache, or in ``output/`` where that is on another file system or no cache can be written. ``recover``
    must have run before. Raises PublishError.
    """
    folder = _in_cache(cache, output) or output / (HIDDEN + STAGING)
    new_folders = () if folder.parent.exists() else missing_folders(folder.parent)
    with converting_os_errors(display_path(output, folder.name)):
        delete_folder(folder)
        folder.mkdir(parents=True)
    try:
        yield StagingFolder(folder)
    finally:
        with suppress(OSError):
            delete_folder(folder)
            for parent in new_folders:
                parent.rmdir()


def _in_cache(cache: Path, output: Path) -> Path | None:
    folder = cache / STAGING
    try:
        delete_folder(folder)
        folder.mkdir(parents=True)
        return folder if folder.stat().st_dev == nearest_folder(output).stat().st_dev else None
    except OSError:
        return None


def nearest_folder(path: Path) -> Path:
    """The path, or the nearest folder above it that exists."""
    return next((folder for folder in (path, *path.parents) if folder.exists()), path)


def missing_folders(folder: Path) -> tuple[Path, ...]:
    """The folder and those above it that do not exist, the deepest first."""
    return tuple(path for path in (folder, *folder.parents) if not path.exists())


def delete_folder(folder: Path) -> None:
    """Remove a folder with all that is in it, or whatever else has its name.

    Raises OSError.
    """
    try:
        mode = os.lstat(folder).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISDIR(mode):  # to open a pipe would keep us waiting
        folder.unlink()
        return
    try:
        folder.rmdir()  # as a sweep leaves it
    except OSError:
        import shutil

        try:
            shutil.rmtree(folder)
        except RecursionError:
            raise OSError(errno.ELOOP, "It is nested too deep: delete it by hand", str(folder)) from None


def ready_name(key: str) -> str:
    """The name of the ready folder in the cache for this output folder.

    ``key`` is that of the output folder.
    """
    return f"{READY}-{digest_of_path(key)}"


def is_ready_name(name: str) -> bool:
    """Whether a name in the cache is that of a ready folder."""
    return name == READY or re.fullmatch(READY + "-[0-9a-f]{32}", name) is not None


def make_ready(staged: Path, output: Path, key: str, write: tuple[str, ...]) -> Path:
    """The staged files in a folder from which they can be renamed.

    They are on the disk to stay, and ``output/`` is within reach of a rename.
    """
    import shutil

    is_hidden = staged.name.startswith(HIDDEN)
    ready = staged.with_name(HIDDEN + READY if is_hidden else ready_name(key))
    with converting_os_errors(output.name):
        if not write or is_hidden or _is_within_reach(staged, output):
            delete_folder(ready)
            os.rename(staged, ready)  # noqa: PTH104
        else:
            ready = output / (HIDDEN + READY)
            delete_folder(ready)
            ready.mkdir()
        try:
            for path in write if staged.exists() else ():
                shutil.copyfile(staged_at(staged, path), staged_at(ready, path))
            if write:
                _sync(ready)  # the renaming of the folder as well: it is on the same file system
        except BaseException:
            delete_folder(ready)
            raise
    return ready


def names_in(folder: Path) -> frozenset[str]:
    """The names in a folder.

    To list a folder costs less than to ask for each of its files.
    """
    return frozenset(os.listdir(folder))  # noqa: PTH208


def _is_within_reach(staged: Path, output: Path) -> bool:
    """Whether a file can be renamed from one folder into the other: one device may be mounted twice."""
    trial = output / (HIDDEN + STAGING)
    delete_folder(trial)
    trial.mkdir()
    try:
        (staged / trial.name).touch()
        os.rename(staged / trial.name, trial / "file")  # noqa: PTH104
    except OSError as problem:
        if problem.errno != errno.EXDEV:
            raise
        return False
    finally:
        delete_folder(trial)
    return True


def stage_sources(staged: Path, files: Mapping[str, FileToPublish], write: Iterable[str]) -> None:
    """Copy the sources that changed.

    Raises SourceChanged when one is not what was listed.
    """
    copies = [(path, source) for path in write if (source := files[path].source) is not None]
    if not copies:
        return
    import shutil

    with converting_os_errors(staged.name):
        needed = sum(source.stat().st_size for _, source in copies)
        free = shutil.disk_usage(staged).free
    if needed > free:
        raise PublishError(f"no space left: {megabytes(needed)} are needed and {megabytes(free)} are free")
    for path, source in copies:
        # Digested as it is copied: pages were made for the bytes that were listed, and no others are published.
        with converting_os_errors(path, needed):
            if _copy(source, Path(staged_at(staged, path))) != files[path].digest:
                raise SourceChanged("the file was changed while the site was built: build again", path)


def _copy(source: Path, target: Path) -> Digest | None:
    with source.open("rb") as reader, target.open("wb") as writer:
        return digest_of_blocks(reader.read, os.fstat(reader.fileno()).st_size, writer.write)


def _sync(folder: Path) -> None:
    """One barrier for all that was written: a file at a time would be several times slower. Windows has none."""
    if sys.platform == "linux":
        import ctypes  # ``os`` has ``sync`` alone, which waits for the disks of all others as well

        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            if ctypes.CDLL(None, use_errno=True).syncfs(descriptor) != 0:
                number = ctypes.get_errno()
                raise OSError(number, os.strerror(number))
        finally:
            os.close(descriptor)
    elif hasattr(os, "sync"):
        os.sync()
