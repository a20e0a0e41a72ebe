"""Worker processes of this machine, forked or spawned.

They are gone with their parent, and deaf to the interrupt that is meant for it. Where this process has one thread, its
workers can be copies of it (forked), which know all that it knows. A process with more, such as a preview that watches
files, starts new ones (spawned).
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, InvalidStateError, ProcessPoolExecutor
from concurrent.futures import process as pools
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from multiprocessing import context as contexts
from multiprocessing import resource_tracker
from types import ModuleType
from typing import Any, TypeVar

T = TypeVar("T")

CLOSE_SECONDS = 1.0
"""Seconds to wait for what belongs to a pool that is closed."""


class Workers:
    """A pool of processes, started when it is first asked for.

    It serves until it is closed.
    """

    remote = False

    def __init__(self, jobs: int) -> None:
        self.jobs = jobs
        self._pool: _ProcessPool | None = None
        # numpy would start a thread for each processor: each of our processes has one to itself, and a process with
        # several threads cannot be copied.
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

    def pool(self) -> ProcessPoolExecutor | None:
        """New processes; None when one job was asked for."""
        if self.jobs < 2:
            return None
        if self._pool is None:
            self._pool = _ProcessPool(self.jobs, "spawn", _begin)
        return self._pool

    def forked_workers(
        self, begin: Callable[[T], None], estate: T, /
    ) -> AbstractContextManager[ProcessPoolExecutor] | None:
        """Copies of this process that call ``begin(estate)`` first.

        None where they cannot be made safely.
        """
        return _heirs(self.jobs, begin, estate) if can_fork() else None

    def close(self) -> None:
        """End the processes at once, whatever they are doing.

        The next call starts others.
        """
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.end()


def can_fork() -> bool:
    """Whether this process has one thread, and so can be forked.

    A copy has only the thread that made it: what others had locked would stay so for ever. Libraries for numbers have
    threads that Python does not count, so the system is asked. (It tells on Linux; macOS allows no copies.)
    """
    try:
        return len(os.listdir("/proc/self/task")) == 1  # noqa: PTH208
    except OSError:
        return False


@contextmanager
def _heirs(jobs: int, begin: Callable[[T], None], estate: T) -> Iterator[ProcessPoolExecutor]:
    pool = _ProcessPool(jobs, "fork", _begin_as_heir, begin, estate)
    try:
        yield pool
    finally:
        pool.end()


def usable_cpus() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class _ProcessPool(ProcessPoolExecutor):
    def __init__(self, jobs: int, method: str, begin: Callable[..., None], *arguments: Any) -> None:
        with _signals_kept_from_children():
            if sys.platform != "win32" and method != "fork":
                resource_tracker.ensure_running()
            self._copies = method == "fork"
            super().__init__(jobs, _context(method), initializer=begin, initargs=arguments)

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        with _signals_kept_from_children(), nullcontext() if self._copies else _no_main_module():
            return super().submit(fn, *args, **kwargs)

    def _start_executor_manager_thread(self) -> None:
        """Start the pool's thread as one of ours.

        The kind of thread cannot be chosen, so the class is exchanged in the module for as long as one is started. Both
        names are private to concurrent.futures. Were they to go, a pool would have the usual thread, and
        ``test_a_pool_whose_thread_fails_is_lost_and_keeps_nobody_waiting`` would tell.
        """
        usual: Any = pools
        kind, usual._ExecutorManagerThread = usual._ExecutorManagerThread, _Manager
        try:
            super()._start_executor_manager_thread()
        finally:
            usual._ExecutorManagerThread = kind

    def end(self) -> None:
        # ``_processes`` and ``_executor_manager_thread`` are private, and gone after ``shutdown``, which can end no
        # process that is at work. ``test_closing_ends_the_processes_at_once_whatever_they_do`` fails without them.
        processes = list((self._processes or {}).values())
        manager: Any = self._executor_manager_thread
        self.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            process.kill()
        # Once its thread has ended, the pool's semaphores are given back. Were they not, a process of Python's own
        # would complain of them when we die by a signal.
        if manager is not None:
            manager.join(CLOSE_SECONDS)


class _Manager(pools._ExecutorManagerThread):
    """The thread of a pool that deals out work.

    Were it to fail, such as for want of memory or because work that was called off is lost with its process, it would
    print a traceback, and who waits for the work would wait for ever. Its base class is private to concurrent.futures,
    and so are the attributes that ``_give_up`` reads, which does what ``terminate_broken`` does there.
    """

    def run(self) -> None:
        try:
            super().run()
        except BaseException:
            self._give_up()

    def _give_up(self) -> None:
        """The work is lost, as it is when a process has ended."""
        message = "the processes are lost"
        executor: Any = self.executor_reference()
        if executor is not None:
            executor._broken = message  # first: from here on ``submit`` raises, so that no work is added to the lost
        for process in list(self.processes.values()):
            process.kill()
        for item in list(self.pending_work_items.values()):
            with suppress(InvalidStateError):
                item.future.set_exception(BrokenProcessPool(message))
        for process in list(self.processes.values()):
            process.join(CLOSE_SECONDS)


class _Silent:
    """A process that ends without a word where it cannot go on: its parent does what it had to do."""

    def run(self) -> None:
        with _or_end():
            super().run()  # type: ignore[misc]


class _Spawned(_Silent, contexts.SpawnProcess):
    pass


class _SpawnContext(contexts.SpawnContext):
    Process = _Spawned


if sys.platform != "win32":

    class _Forked(_Silent, contexts.ForkProcess):
        pass

    class _ForkContext(contexts.ForkContext):
        Process = _Forked


def _context(method: str) -> contexts.BaseContext:
    return _ForkContext() if method == "fork" and sys.platform != "win32" else _SpawnContext()


@contextmanager
def _or_end() -> Iterator[None]:
    try:
        yield
    except BaseException:
        os._exit(1)


@contextmanager
def _no_main_module() -> Iterator[None]:
    """Hide the main module while a process may be started.

    A spawned process runs the parent's main module again, which may be a site's build.py without a guard. Ours need
    nothing from it, so for that moment there is none.
    """
    main = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = main


@contextmanager
def _signals_kept_from_children() -> Iterator[None]:
    """Keep signals from processes while they are started.

    For us signals wait meanwhile, for a process that is half started would complain. It is started deaf to them, so
    that what a terminal sends to all at once does not reach it before it can ignore that.
    """
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGHUP, signal.SIGTERM))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@_or_end()
def _begin() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # What the parent does at a signal, which a copy of it inherits, is not for its workers.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGTERM,))
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_leave_with, args=(parent,), daemon=True).start()


@_or_end()
def _begin_as_heir(begin: Callable[[T], None], estate: T) -> None:
    _begin()
    begin(estate)


def _leave_with(parent: Any) -> None:
    """A parent that was killed cannot say so: its workers would wait for work for ever."""
    parent.join()
    os._exit(1)
