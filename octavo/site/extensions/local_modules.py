"""The modules that a site's build.py imports, compiled anew each time.

Python keeps what it compiled in ``__pycache__``, beside the source, and takes that while the source has the same size
and the same second of its last change: it cannot tell two edits of one second and size apart. A module may be imported
at any time, such as by a filter when it is called, so it is not enough that nothing is written while build.py is run.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib.machinery import (
    BYTECODE_SUFFIXES,
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    SourceFileLoader,
    SourcelessFileLoader,
)
from pathlib import Path
from typing import Any


class UncachedLoader(SourceFileLoader):
    """Loads a module from its source, and neither reads nor writes bytecode."""

    def path_stats(self, path: str) -> Mapping[str, Any]:
        """Say nothing of the file, which makes importlib do without bytecode.

        It has nothing to hold it against then. This is the documented way of a loader to say so.
        """
        raise OSError(path)


_roots: set[str] = set()
"""The folders of sites whose modules are imported so."""


def import_uncached(root: str) -> None:
    """Have modules below a site's folder imported from their source."""
    if root in _roots:
        return
    _roots.add(root)
    if _find_in not in sys.path_hooks:
        sys.path_hooks.insert(0, _find_in)
    # What Python found for a folder before the hook was there would go on being asked.
    for folder in [folder for folder in sys.path_importer_cache if is_below(folder, root)]:
        del sys.path_importer_cache[folder]


def _find_in(folder: str) -> FileFinder:
    """A finder as Python's own, but for the loader of sources; an ImportError leaves the folder to the next hook."""
    if not any(is_below(folder, root) for root in _roots):
        raise ImportError(f"{folder} is in no site")
    return FileFinder(
        folder,
        (ExtensionFileLoader, EXTENSION_SUFFIXES),
        (UncachedLoader, SOURCE_SUFFIXES),
        (SourcelessFileLoader, BYTECODE_SUFFIXES),
    )


def forget_modules(root: str) -> None:
    """Forget the modules of sites, to have them imported anew.

    Another site may have others of the same names, and those of this one may have been edited. The script that Python
    was called with stays what it is.
    """
    for name, module in list(sys.modules.items()):
        is_uncached = isinstance(getattr(module, "__loader__", None), UncachedLoader)
        if is_uncached or (is_local(module, root) and name != "__main__"):
            # Another thread may be importing it: that takes a module out for a moment, at the end.
            sys.modules.pop(name, None)


def is_local(module: object, root: str) -> bool:
    """Whether a module is one of the site's own: neither Octavo nor a library."""
    file: str | None = getattr(module, "__file__", None)
    return file is not None and is_below(file, root)


def is_below(path: str, root: str) -> bool:
    """Whether a path is the site's folder, or in it where its own modules are.

    Octavo may stand in the same folder, and so may a virtual environment.
    """
    if not Path(path).is_relative_to(root):
        return False
    parts = Path(path).relative_to(root).parts
    return parts[:1] != ("octavo",) and not any(part.startswith(".") or part == "site-packages" for part in parts)
