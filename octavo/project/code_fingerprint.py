"""A digest of the code that makes a site.

When it changes, nothing that was made before is believed.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from hashlib import blake2b

from octavo.base.digest import DIGEST_BYTES, Digest
from octavo.base.shortage import raise_if_shortage

LIBRARIES = (
    "jinja2",
    "markdown-it-py",
    "mdit-py-plugins",
    "MarkupSafe",
    "PyYAML",
    "python-frontmatter",
    "Pygments",
    "numpy",
    "pillow",
    "msgspec",
)
"""The libraries whose version shapes what is written, or how it is kept."""

_PACKAGE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))  # noqa: PTH100, PTH120

OPTIONAL = ("nh3", "brotli")
"""Those that may not be there, which shapes it as well."""


@cache
def digest_code() -> Digest:
    """A digest of all code that shapes output.

    That is Octavo's own source, and the versions of Python and of the libraries. Files are named by their paths from
    the package, for each package has an ``__init__.py``.
    """
    state = blake2b(digest_size=DIGEST_BYTES)
    for file in list_modules():
        with open(file, "rb") as opened:  # noqa: PTH123
            state.update(f"{file[len(_PACKAGE) :]}\0".encode() + opened.read() + b"\0")
    for library, version in read_versions(sys.path):
        state.update(f"{library} {version}\0".encode())
    state.update(sys.version.encode())
    return state.digest()


def list_code_places() -> tuple[str, ...]:
    """The files and folders in which a change of the code is seen.

    A change of what is installed is seen there as well.
    """
    own = list_modules()
    folders = dict.fromkeys(os.path.dirname(file) for file in own)  # noqa: PTH120
    return (*folders, *own, *(folder or "." for folder in sys.path))


def list_modules() -> tuple[str, ...]:
    """Octavo's own modules, in all its packages."""
    return tuple(_modules(_PACKAGE))


def _modules(folder: str) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            if entry.name.endswith(".py"):
                yield entry.path
            elif entry.is_dir() and os.path.exists(f"{entry.path}/__init__.py"):  # noqa: PTH110
                yield from _modules(entry.path)


def read_versions(path: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """The versions of the libraries on an import path.

    That of one that is not there is empty. They are read from the names of the folders that installers write
    (``jinja2-3.1.6.dist-info``): the means that Python has for this takes longer to import than all else that an
    unchanged site needs.
    """
    names = (*LIBRARIES, *OPTIONAL)
    installed: dict[str, str] = {}
    for library, version in _installed(path):
        installed.setdefault(library, version)
    if all(_plain(library) in installed for library in LIBRARIES):
        return tuple((library, installed.get(_plain(library), "")) for library in names)
    # Installed in another way, such as from an archive.
    return tuple((library, _version(library)) for library in names)


def _installed(path: Sequence[str]) -> Iterator[tuple[str, str]]:
    for folder in path:
        try:
            entries = sorted(os.listdir(folder or "."))  # noqa: PTH208
        except OSError as problem:
            raise_if_shortage(problem)
            continue
        for entry in entries:
            if entry.endswith((".dist-info", ".egg-info")):
                library, dash, version = entry.rpartition(".")[0].partition("-")
                if dash:
                    yield _plain(library), version


def _plain(library: str) -> str:
    """The name as it is compared: PyPA, *Names and normalization*."""
    return re.sub(r"[-_.]+", "_", library).lower()


def _version(library: str) -> str:
    from importlib import metadata

    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return ""
