"""One command at a time works with the cache of a site."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from octavo.base.file_stat import identify_file
from octavo.base.regular_file import open_regular


class Locked(Exception):
    """Another command is at work on the site.

    ``pid`` is its process, None when it has not said.
    """

    def __init__(self, pid: int | None) -> None:
        super().__init__(pid)
        self.pid = pid

    def __str__(self) -> str:
        return f"pid {self.pid}" if self.pid is not None else "pid unknown"


@contextmanager
def hold_lock(cache: Path, wait: float) -> Iterator[None]:
    """Keep other commands out of the site.

    Waits for one that is at work for up to ``wait`` seconds. Raises Locked when that was not enough. The system frees
    the lock when the process ends, however it ends. Where no cache can be written there is nothing to lock with, and
    commands are not kept apart.
    """
    try:
        descriptor = _wait_for(cache / "lock", wait)
    except OSError:
        descriptor = None
    try:
        yield
    finally:
        if descriptor is not None:
            os.close(descriptor)


def _wait_for(file: Path, wait: float) -> int:
    until = time.monotonic() + wait
    while True:
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor = _locked(file)
        if descriptor is not None:
            return descriptor
        if time.monotonic() >= until:
            raise Locked(_holder(file))
        time.sleep(0.05)


def _locked(file: Path) -> int | None:
    """The open lock file, locked; None when another process has it."""
    descriptor = open_regular(file, os.O_RDWR | os.O_CREAT)
    # The folder may have been deleted, with the file, between the opening and the locking.
    if _try_lock(descriptor) and identify_file(file) == identify_file(descriptor):
        with suppress(OSError):  # a full disk: the lock holds, only nobody is told whose it is
            os.ftruncate(descriptor, 0)
            os.write(descriptor, b"%d\n" % os.getpid())
        return descriptor
    os.close(descriptor)
    return None


def _holder(file: Path) -> int | None:
    with suppress(OSError, ValueError), os.fdopen(open_regular(file, os.O_RDONLY), encoding="ascii") as text:
        return int(text.read())
    return None


if sys.platform == "win32":
    import msvcrt

    def _try_lock(descriptor: int) -> bool:
        # A locked byte cannot be read: one beyond the end leaves the text to those who wait.
        os.lseek(descriptor, 1 << 30, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        os.lseek(descriptor, 0, os.SEEK_SET)
        return True

else:
    import fcntl

    def _try_lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
