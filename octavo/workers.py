"""Worker processes: spawned, never forked, gone with their parent, deaf to the interrupt that is meant for it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future, ProcessPoolExecutor
from types import ModuleType
from typing import Any, TypeVar

T = TypeVar("T")


class Workers:
    """A pool that is started when it is first asked for, and serves until it is closed."""

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs
        self._pool: _Pool | None = None

    def __call__(self) -> ProcessPoolExecutor | None:
        """The pool; None when one job was asked for."""
        if self.jobs < 2:
            return None
        if self._pool is None:
            self._pool = _Pool(self.jobs)
        return self._pool

    def close(self) -> None:
        if self._pool is not None:
            processes = list(self._pool._processes.values())
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None
            for process in processes:
                process.terminate()


def usable_cpus() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class _Pool(ProcessPoolExecutor):
    def __init__(self, jobs: int) -> None:
        super().__init__(jobs, multiprocessing.get_context("spawn"), initializer=_begin)

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        # A spawned process runs the parent's main module again, which may be a site's build.py without a guard. Ours
        # need nothing from it, so for the moment in which a process may be started there is none.
        main = sys.modules["__main__"]
        sys.modules["__main__"] = ModuleType("__main__")
        try:
            return super().submit(fn, *args, **kwargs)
        finally:
            sys.modules["__main__"] = main


def _begin() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_leave_with, args=(parent,), daemon=True).start()


def _leave_with(parent: Any) -> None:
    """A parent that was killed cannot say so: its workers would wait for work for ever."""
    parent.join()
    os._exit(1)
