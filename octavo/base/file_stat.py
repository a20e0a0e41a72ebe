"""The state of a file, which tells unread that it has not been changed."""

from __future__ import annotations

import os

CONTENT_DIGEST_BYTES = 16
"""Bytes in a digest of a file's content: those of ``digest.DIGEST_BYTES``, which imports more than a state needs."""

# Not that of ``typing``, which a build for which nothing changed does without: type checkers take any of this name.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

FileState = tuple[int, int, int, int]
"""Size in bytes, mtime and ctime in ns since 1970, inode."""

FINE_TICK_NANOSECONDS, COARSE_TICK_NANOSECONDS = 100_000_000, 2_000_000_000
"""Nanoseconds: more than a tick of a clock that shows parts of a hundredth of a second, and a tick of the coarsest in
use (FAT's)."""


def state_of(status: os.stat_result) -> FileState:
    # Some file systems use all 64 bits of an inode's number, SQLite one less.
    """The state in a status that ``os.stat`` gave."""
    return (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino & 0x7FFF_FFFF_FFFF_FFFF)


def is_row(path: object, digest: object, numbers: list[object]) -> bool:
    """Whether a table's row of a file is of the types that were written.

    These are a text, a digest and whole numbers.
    """
    return (
        type(path) is str
        and type(digest) is bytes
        and len(digest) == CONTENT_DIGEST_BYTES
        and not any(type(number) is not int for number in numbers)
    )


def identify_file(file: Path | int) -> tuple[int, int] | None:
    """What tells a file from all others; None when there is none.

    The file is given by its path or an open descriptor.
    """
    try:
        status = os.stat(file)  # noqa: PTH116
    except OSError:
        return None
    return (status.st_dev, status.st_ino)


def is_settled(state: FileState, seen: int) -> bool:
    """Whether any later change of a file would change its state as well.

    The file was in this state at the instant ``seen`` (ns). Two changes within one tick of the file system's clock have
    the same times: the rule by which git calls an entry of its index racy. A time that shows less than a hundredth of a
    second is of a clock that ticks more often.
    """
    _, mtime, ctime, _ = state
    return (mtime if mtime > ctime else ctime) + (
        FINE_TICK_NANOSECONDS if ctime % 10_000_000 else COARSE_TICK_NANOSECONDS
    ) < seen
