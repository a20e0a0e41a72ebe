from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import BrokenExecutor
from pathlib import Path

import pytest

from octavo.project.processes import Workers, usable_cpus

CHECKOUT = Path(__file__).parent.parent


@pytest.fixture
def workers() -> Iterator[Workers]:
    made = Workers(2)
    yield made
    made.close()


def is_gone(pid: int) -> bool:
    """Whether a process has ended, be it that nobody has asked yet how."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


def test_one_job_needs_no_pool() -> None:
    assert Workers(1).pool() is None


def test_work_is_done_in_other_processes_by_one_pool(workers: Workers) -> None:
    pool = workers.pool()
    assert pool is not None
    assert pool.submit(os.getpid).result(30) != os.getpid()
    assert workers.pool() is pool


def test_closing_ends_the_processes_at_once_whatever_they_do(workers: Workers) -> None:
    pool = workers.pool()
    assert pool is not None
    pool.submit(os.getpid).result(30)
    busy = [pool.submit(time.sleep, 600) for _ in range(4)]
    workers.close()
    assert multiprocessing.active_children() == []
    assert all(future.cancelled() or isinstance(future.exception(30), BrokenExecutor) for future in busy)


def test_what_is_closed_can_be_started_again(workers: Workers) -> None:
    first = workers.pool()
    workers.close()
    second = workers.pool()
    assert second is not None
    assert second is not first
    assert second.submit(len, "four").result(30) == 4


def test_a_pool_whose_process_died_is_replaced_after_closing(workers: Workers) -> None:
    pool = workers.pool()
    assert pool is not None
    with pytest.raises(BrokenExecutor):
        pool.submit(os._exit, 1).result(30)
    workers.close()
    again = workers.pool()
    assert again is not None
    assert again.submit(len, "four").result(30) == 4


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("number", ["SIGINT", "SIGHUP"])
def test_what_a_terminal_sends_to_all_does_not_end_a_worker(number: str, workers: Workers) -> None:
    pool = workers.pool()
    assert pool is not None
    os.kill(pool.submit(os.getpid).result(30), getattr(signal, number))
    assert pool.submit(len, "four").result(30) == 4


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="processes are looked up in /proc")
def test_workers_leave_when_their_parent_is_killed() -> None:
    code = (
        "import os, signal, time\n"
        "from octavo.project.processes import Workers\n"
        "pool = Workers(2).pool()\n"
        "print(pool.submit(os.getpid).result(), flush=True)\n"
        "pool.submit(time.sleep, 600)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=CHECKOUT, check=False)
    assert done.returncode == -signal.SIGKILL
    until = time.monotonic() + 30
    while not is_gone(int(done.stdout)) and time.monotonic() < until:
        time.sleep(0.05)
    assert is_gone(int(done.stdout))


def test_a_worker_does_not_run_the_main_module_again(tmp_path: Path) -> None:
    script = tmp_path / "unguarded.py"
    script.write_text(
        "print('main runs')\n"
        "from octavo.project.processes import Workers\n"
        "workers = Workers(2)\n"
        "print(workers.pool().submit(len, 'four').result())\n"
        "workers.close()\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, env=environment, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "main runs\n4\n", "")


def test_there_is_at_least_one_processor() -> None:
    assert usable_cpus() >= 1


QUIET = """
import os, signal, sys, time
from octavo.cli.run import _interruptible
from octavo.project.processes import Workers
number = getattr(signal, sys.argv[1])
workers = Workers(2)

def busy(kind):
    if kind == "spawn":
        return workers.pool(), workers.close
    forked_workers = workers.forked_workers(id, "estate")
    return forked_workers.__enter__(), lambda: forked_workers.__exit__(None, None, None)

if __name__ == "__main__":
    with _interruptible():
        pool, close = busy(sys.argv[2])
        working = [pool.submit(time.sleep, 600) for _ in range(9)]
        while len(pool._processes) < 2 or not any(future.running() for future in working):
            time.sleep(0.01)
        time.sleep(0.5)
        working[-1].cancel()
        for process in list(pool._processes.values()):
            os.kill(process.pid, number)
        if number in (signal.SIGINT, signal.SIGHUP):
            print("deaf")
        else:
            print(type(working[0].exception(30)).__name__)
        close()
"""


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
@pytest.mark.parametrize("number", ["SIGTERM", "SIGKILL", "SIGSEGV", "SIGINT", "SIGHUP"])
@pytest.mark.parametrize("kind", ["spawn", "fork"])
def test_a_worker_that_a_signal_ends_says_nothing(kind: str, number: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    command = [sys.executable, "-c", QUIET, number, kind]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=60)
    expected = "deaf\n" if number in ("SIGINT", "SIGHUP") else "BrokenProcessPool\n"
    assert (done.returncode, done.stdout, done.stderr) == (0, expected, "")


def test_a_pool_whose_thread_fails_is_lost_and_keeps_nobody_waiting(
    workers: Workers, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def start(self: object) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr("multiprocessing.queues.Queue._start_thread", start)
    pool = workers.pool()
    assert pool is not None
    with pytest.raises(BrokenExecutor):
        pool.submit(os.getpid).result(30)
    with pytest.raises(BrokenExecutor):
        pool.submit(os.getpid)
    workers.close()
    until = time.monotonic() + 30
    while multiprocessing.active_children() and time.monotonic() < until:
        time.sleep(0.01)  # it was killed, and dies in its time
    assert multiprocessing.active_children() == []
    assert capfd.readouterr().err == ""


class Unreadable:
    """Cannot be read by whom it is sent to."""

    def __reduce__(self) -> tuple[object, ...]:
        return (os.stat, ("/no/such/file",))


def test_a_worker_that_cannot_read_its_work_ends_without_a_word(
    workers: Workers, capfd: pytest.CaptureFixture[str]
) -> None:
    pool = workers.pool()
    assert pool is not None
    with pytest.raises(BrokenExecutor):
        pool.submit(str, Unreadable()).result(30)
    workers.close()
    assert capfd.readouterr().err == ""


UNBEGUN = """
import os
from octavo.project.processes import Workers

def begin(estate):
    raise MemoryError

with Workers(2).forked_workers(begin, None) as pool:
    print(type(pool.submit(os.getpid).exception(30)).__name__)
"""


@pytest.mark.skipif(os.name == "nt", reason="copies of a process")
def test_a_worker_that_cannot_begin_ends_without_a_word() -> None:
    environment = {**os.environ, "PYTHONPATH": str(CHECKOUT)}
    command = [sys.executable, "-c", UNBEGUN]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (0, "BrokenProcessPool\n", "")
