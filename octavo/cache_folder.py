"""The cache folder: where it is, what may be in it, and that nothing in it leads elsewhere."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from octavo import manifest, staging, store
from octavo.database import ASIDE

CACHE = ".octavo"
"""The cache of a site, where no other is named."""

IMAGES = "images"
"""In the cache: what was made of images, a folder for each recipe."""

PREVIEWS = ("preview", "published")
"""Folders in the cache that are caches of previews."""

_FILES = ("lock", "stamp", "crash.log")
"""What must be regular files: SQLite's are looked at when they are opened."""


class UnsafeCache(Exception):
    """Something in the cache folder would lead elsewhere. ``hint`` says what can be done."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message


def find_cache(root: Path, chosen: str | None) -> Path:
    """The cache of a site: the one that was chosen, which may be a link, or its own, which may be none."""
    return root / CACHE if chosen is None else (root / chosen).resolve()


def check_cache(folder: Path) -> None:
    """Raise UnsafeCache where the cache folder, or anything in it, is a link or not of its kind. To be called before
    anything is opened or removed there."""
    if folder.is_symlink():
        raise _unsafe(folder, "is a link")
    for name in _entries(folder):
        if name == IMAGES or name in PREVIEWS:
            _entries(folder / name)


def _entries(folder: Path) -> list[str]:
    """The names in a folder, none of which may be a link."""
    names: list[str] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_symlink():
                    raise _unsafe(Path(entry.path), "is a link")
                if entry.name in _FILES:
                    if not entry.is_file(follow_symlinks=False):
                        raise _unsafe(Path(entry.path), "is not a regular file")
                    if os.lstat(entry.path).st_nlink > 1:
                        raise _unsafe(Path(entry.path), "is a hard link to another file")
                names.append(entry.name)
    except (FileNotFoundError, NotADirectoryError, PermissionError):  # nothing else here can open it either
        return []
    return names


def _unsafe(path: Path, what: str) -> UnsafeCache:
    hint = "delete it, if you do not know what it is for; --cache DIR names another folder"
    return UnsafeCache(f"'{path}' {what}, and the cache is not opened through it", hint)


def is_of_cache(name: str) -> bool:
    """Whether a name in a cache folder is one that Octavo gives."""
    own = (*_FILES, *PREVIEWS, IMAGES, staging.STAGING, ASIDE)
    return name in own or name.startswith((store.FILE, manifest.FILE, "stamp-")) or staging.is_ready_name(name)


def is_cache(names: Iterable[str]) -> bool:
    """Whether a folder with these names in it is a cache: it holds a database or a lock, and nothing else but what
    Octavo puts there."""
    entries = set(names)
    return bool(entries & {store.FILE, manifest.FILE, "lock"}) and all(map(is_of_cache, entries))
