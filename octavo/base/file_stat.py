"""The state of a file: what tells, without reading it, that it has not been changed."""

from __future__ import annotations

import os

SIZE = 16
"""Bytes in a digest of a file's content: those of ``digest.SIZE``, which imports more than a state needs."""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

FileState = tuple[int, int, int, int]
"""Size in bytes, mtime and ctime in ns since 1970, inode."""

FINE, COARSE = 100_000_000, 2_000_000_000
"""Nanoseconds: more than a tick of a clock that shows parts of a hundredth of a second, and a tick of the coarsest in
use (FAT's)."""


def state_of(status: os.stat_result) -> FileState:
    # Some file systems use all 64 bits of an inode's number, SQLite one less.
    return (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino & 0x7FFF_FFFF_FFFF_FFFF)


def is_row(path: object, digest: object, numbers: list[object]) -> bool:
    """Whether what a table holds of a file is of the types that were written: a text, a digest and whole numbers."""
    return (
        type(path) is str
        and type(digest) is bytes
        and len(digest) == SIZE
        and not any(type(number) is not int for number in numbers)
    )


def identity(file: Path | int) -> tuple[int, int] | None:
    """What tells a file, given by its path or an open descriptor, from all others; None when there is none."""
    try:
        status = os.stat(file)  # noqa: PTH116
    except OSError:
        return None
    return (status.st_dev, status.st_ino)


def is_settled(state: FileState, seen: int) -> bool:
    """Whether a file that was in this state at the instant ``seen`` (ns) could not be changed later and still be in it.

    Two changes within one tick of the file system's clock have the same times: the rule by which git calls an entry of
    its index racy. A time that shows less than a hundredth of a second is of a clock that ticks more often.
    """
    _, mtime, ctime, _ = state
    return (mtime if mtime > ctime else ctime) + (FINE if ctime % 10_000_000 else COARSE) < seen
