"""The function greets, and the lines counted in the table are those of the installed packages."""

from __future__ import annotations

import importlib.util
from pathlib import Path

assert greet("World") == "Hello, World!"


def lines(package):
    folder = Path(importlib.util.find_spec(package).origin).parent
    return sum(len(path.read_bytes().splitlines()) for path in folder.rglob("*.py"))


assert 8_500 <= lines("flask") < 9_500
assert 150_000 <= lines("django") < 200_000
