"""What one command costs: time, CPU time and memory of its whole process tree.

CPU time is what the kernel accounts to the command and to all processes below it (``wait4``), so it is exact. A process
that the command left behind unwaited becomes our own child (we are a subreaper, where the system has that) and counts
as well. Memory is sampled from /proc, every 20 ms: the
pages that only one process has, of every process, and the shared pages of the process with most of them, since
processes of one program share the same ones. So no page counts twice, and who else runs on the machine does not
matter, as it would for proportional set sizes. Telling private pages from shared ones makes the kernel walk the page
table, so that is only done when the cheap sum of resident sizes has grown by 3 % since the last time. Where there is
no /proc, memory is None.
"""

from __future__ import annotations

import ctypes
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

INTERVAL = 0.02
GROWTH = 1.03
PATIENCE = 5.0
PROC = Path("/proc")
ENDED = (FileNotFoundError, ProcessLookupError, PermissionError)
"""A process may end at any moment; then it holds no memory and has no children."""
PR_SET_CHILD_SUBREAPER = 36
"""From <linux/prctl.h>."""


@dataclass(frozen=True)
class Cost:
    """Seconds and bytes. ``main`` is the peak resident size of the first process alone; ``text`` the end of what the
    command printed."""

    wall: float
    cpu: float
    peak: int | None
    main: int | None
    status: int
    text: str


def measure(
    command: Sequence[str],
    folder: Path,
    log: Path,
    *,
    environment: Mapping[str, str] | None = None,
    limit: float | None = None,
) -> Cost:
    """Run a command in a folder, with its output in the file ``log``, and say what it cost.

    After ``limit`` seconds it is killed with all that it started; its status is then -9.
    """
    _adopt_orphans()
    with log.open("wb") as sink:
        started = time.perf_counter()
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        sampler = _Sampler(process.pid)
        killer = threading.Timer(limit, _kill, [process.pid]) if limit else None
        try:
            sampler.start()
            if killer is not None:
                killer.start()
            _, status, usage = os.wait4(process.pid, 0)
            wall = time.perf_counter() - started
            orphans = sum(_ended_orphans(process.pid))
        except BaseException:
            _kill(process.pid)
            raise
        finally:
            sampler.finish()
            if killer is not None:
                killer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
    return Cost(
        wall=wall,
        cpu=usage.ru_utime + usage.ru_stime + orphans,
        peak=sampler.peak,
        main=sampler.main,
        status=process.returncode,
        text=log.read_text(encoding="utf-8", errors="replace")[-4000:],
    )


def _adopt_orphans() -> None:
    """Be the parent of descendants whose own parent has ended."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _ended_orphans(group: int) -> Iterator[float]:
    """The CPU seconds of each process that a command left behind, waited for; after a while they are ended."""
    patience = threading.Timer(PATIENCE, _kill, [group])
    patience.start()
    try:
        while True:
            try:
                _, _, usage = os.wait4(-group, 0)
            except ChildProcessError:
                return
            yield usage.ru_utime + usage.ru_stime
    finally:
        patience.cancel()


def _kill(pid: int) -> None:
    # Another process may have ended the group a moment before.
    try:
        os.killpg(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


class _Sampler(threading.Thread):
    """Watches the memory of a process and of its descendants until told to finish."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.peak: int | None = None
        self.main: int | None = None
        self._pid = pid
        self._known = 0
        self._end = threading.Event()

    def run(self) -> None:
        if not PROC.is_dir():
            return
        while True:
            self._sample()
            if self._end.wait(INTERVAL):
                return

    def finish(self) -> None:
        self._end.set()
        self.join()

    def _sample(self) -> None:
        pids = list(tree(self._pid))
        resident = sum(resident_size(pid) for pid in pids)
        if resident > self._known * GROWTH:
            self._known = resident
            self.peak = max(self.peak or 0, joint_size(pids)) or None
        self.main = max(self.main or 0, highest_size(self._pid)) or None


def tree(pid: int) -> Iterator[int]:
    """A process and all its living descendants."""
    waiting = [pid]
    while waiting:
        each = waiting.pop()
        yield each
        for thread in _threads(each):
            waiting += map(int, _read(thread / "children").split())


def _threads(pid: int) -> list[Path]:
    try:
        return list((PROC / str(pid) / "task").iterdir())
    except ENDED:
        return []


def resident_size(pid: int) -> int:
    fields = _read(PROC / str(pid) / "statm").split()
    return int(fields[1]) * os.sysconf("SC_PAGE_SIZE") if len(fields) > 1 else 0


def joint_size(pids: Iterable[int]) -> int:
    """The bytes of private pages of all, and of shared pages of the one that has most."""
    sizes = [_kilobytes(PROC / str(pid) / "smaps_rollup") for pid in pids]
    private = sum(each.get("Private_Clean", 0) + each.get("Private_Dirty", 0) for each in sizes)
    shared = max((each.get("Shared_Clean", 0) + each.get("Shared_Dirty", 0) for each in sizes), default=0)
    return private + shared


def highest_size(pid: int) -> int:
    """The largest resident size that a process ever had."""
    return _kilobytes(PROC / str(pid) / "status").get("VmHWM", 0)


def _kilobytes(path: Path) -> dict[str, int]:
    """The sizes that a file of /proc tells, in bytes."""
    return {name: int(size) * 1024 for name, size in re.findall(r"^(\w+):\s+(\d+) kB$", _read(path), re.MULTILINE)}


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except ENDED:
        return ""
