"""The lock: one command at a time, and nobody is kept out by one that is gone."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from octavo.project import lock as locking
from octavo.project.lock import Locked, hold_lock

HOLDING = textwrap.dedent(
    """
    import sys, time
    from pathlib import Path
    from octavo.project.lock import hold_lock
    with hold_lock(Path(sys.argv[1]), 0):
        print("locked", flush=True)
        sys.stdin.read()
    """
)


@contextmanager
def holding(cache: Path) -> Iterator[subprocess.Popen[str]]:
    script = [sys.executable, "-c", HOLDING, str(cache)]
    with subprocess.Popen(script, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stdout.readline() == "locked\n"
        try:
            yield process
        finally:
            process.kill()


def test_the_second_build_is_told_who_is_at_work(tmp_path: Path) -> None:
    with holding(tmp_path / "cache") as process:
        with pytest.raises(Locked) as caught, hold_lock(tmp_path / "cache", 0.1):
            pass
        assert caught.value.pid == process.pid and str(process.pid) in str(caught.value)


def test_a_lock_is_free_after_its_holder_was_killed(tmp_path: Path) -> None:
    with holding(tmp_path) as process:
        process.kill()
        process.wait()
        with hold_lock(tmp_path, 30):
            assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"


def test_the_second_build_waits_for_the_first(tmp_path: Path) -> None:
    with holding(tmp_path) as process:
        assert process.stdin is not None
        process.stdin.close()
        with hold_lock(tmp_path, 30):
            assert process.wait() == 0


def test_a_lock_can_be_taken_again_and_survives_the_deletion_of_its_folder(tmp_path: Path) -> None:
    for _ in range(2):
        with hold_lock(tmp_path / "cache", 0):
            (tmp_path / "cache" / "lock").unlink()
            with (
                hold_lock(tmp_path / "cache", 0),
                pytest.raises(Locked),
                hold_lock(tmp_path / "cache", 0),
            ):
                pass


def test_the_lock_names_its_holder_and_nothing_of_the_one_before(tmp_path: Path) -> None:
    (tmp_path / "lock").write_text("99999999999999999999\n")
    with hold_lock(tmp_path, 0):
        assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"


def test_a_lock_on_a_file_that_was_deleted_meanwhile_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    try_lock = locking._try_lock
    deletions = iter([True, False])

    def late(descriptor: int) -> bool:
        if next(deletions):
            (tmp_path / "lock").unlink()
        return try_lock(descriptor)

    monkeypatch.setattr(locking, "_try_lock", late)
    with hold_lock(tmp_path, 30):
        assert (tmp_path / "lock").exists()


def test_a_failure_under_the_lock_is_not_hidden(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="ours"), hold_lock(tmp_path, 0):
        raise FileNotFoundError("ours")
    with hold_lock(tmp_path, 0):
        pass


def test_a_lock_whose_holder_cannot_be_written_holds_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "ftruncate", full)
    with hold_lock(tmp_path, 0), pytest.raises(Locked), hold_lock(tmp_path, 0):
        pass
    with hold_lock(tmp_path, 0):
        pass
