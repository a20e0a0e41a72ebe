"""Memory that is free, given back: nothing else changes by it, and where there is nothing to call nothing happens."""

from __future__ import annotations

import subprocess
import sys

import pytest

from octavo.base import memory

# In a process of its own: in one that has run other tests, what is free between their things is used first.
MEASURED = """
from pathlib import Path
from octavo.base import memory

def resident():
    return 1024 * int(Path("/proc/self/status").read_text().partition("VmRSS:")[2].split()[0])

kept, large = [], []
for _ in range(2000):
    large.append(bytes(bytearray(b"x" * 60_000)))
    kept.append(bytes(bytearray(b"y" * 600)))
large.clear()
before = resident()
memory.release_memory()
print(before - resident(), all(each[0] == 121 for each in kept))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="it is glibc that keeps memory")
def test_what_large_things_left_between_small_ones_is_given_back() -> None:
    if memory._trim() is None:
        pytest.skip("this C library has no malloc_trim")
    done = subprocess.run([sys.executable, "-c", MEASURED], capture_output=True, text=True, check=True)
    given_back, intact = done.stdout.split()
    assert int(given_back) > 50_000_000 and intact == "True"


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_trim", lambda: None)
    memory.release_memory()
