"""What stands for the code that makes a site: when it changes, nothing that was made before is believed."""

from __future__ import annotations

import sys
from functools import cache
from hashlib import blake2b
from importlib import metadata
from pathlib import Path

from octavo.digest import SIZE, Digest

LIBRARIES = ("jinja2", "markdown-it-py", "mdit-py-plugins", "MarkupSafe", "PyYAML", "python-frontmatter", "Pygments")
"""The libraries whose version shapes what is written."""


@cache
def salt() -> Digest:
    """A digest of Octavo's own source, and of the versions of Python and of the libraries that shape output."""
    state = blake2b(digest_size=SIZE)
    for file in sorted(Path(__file__).parent.glob("*.py")):
        state.update(file.name.encode() + b"\0" + file.read_bytes() + b"\0")
    for library in LIBRARIES:
        state.update(f"{library} {metadata.version(library)}\0".encode())
    state.update(sys.version.encode())
    return state.digest()
