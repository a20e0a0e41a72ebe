"""Memory that is free, given back: nothing else changes by it, and where there is nothing to call nothing happens."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from octavo import spare


def resident() -> int:
    """Bytes of this process in memory."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(status.partition("VmRSS:")[2].split()[0])


@pytest.mark.skipif(sys.platform != "linux", reason="it is glibc that keeps memory")
def test_what_large_things_left_between_small_ones_is_given_back() -> None:
    if spare._trim() is None:
        pytest.skip("this C library has no malloc_trim")
    kept, large = [], []
    for _ in range(2000):
        large.append(bytes(bytearray(b"x" * 60_000)))
        kept.append(bytes(bytearray(b"y" * 600)))
    large.clear()
    before = resident()
    spare.give_back()
    assert resident() < before - 50_000_000 and all(each[0] == 121 for each in kept)


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spare, "_trim", lambda: None)
    spare.give_back()
