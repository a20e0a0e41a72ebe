"""The files of an output folder as they are on the disk.

They are looked at without following a link.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import NamedTuple

from octavo.base.digest import DIGEST_BYTES, Digest
from octavo.base.regular_file import open_regular
from octavo.output.paths import folders_of, is_git


def location_of(output: Path, path: str) -> str:
    """Where a published path lies.

    In loops over all files a Path would cost more than what is asked of it.
    """
    return f"{output}/{path}"


def status_of(output: Path, path: str) -> os.stat_result | None:
    """The status of the file itself, not of what a link leads to.

    None when there is none.
    """
    try:
        return os.lstat(location_of(output, path))
    except OSError:
        return None


def digest_at(location: str) -> Digest | None:
    """The digest of a regular file's content; None when it cannot be read."""
    try:
        descriptor = open_regular(location, os.O_RDONLY)
        with os.fdopen(descriptor, "rb") as file:
            return digest_of_blocks(file.read, os.fstat(descriptor).st_size, lambda block: None)
    except OSError:
        return None


def digest_of_blocks(read: Callable[[int], bytes], size: int, emit: Callable[[bytes], object]) -> Digest | None:
    """``digest_bytes`` of ``size`` bytes, block by block.

    None when there are fewer or more.
    """
    state = blake2b(b"b" + size.to_bytes(8, "little"), digest_size=DIGEST_BYTES)
    left = size
    while block := read(1 << 20):
        left -= len(block)
        state.update(block)
        emit(block)
    return state.digest() if left == 0 else None


class LinkedFolders:
    """Which folders of an output folder are links.

    Nothing is written, removed or believed through one.
    """

    def __init__(self, output: Path) -> None:
        self._output = str(output)
        self._first_links: dict[str, str] = {"": ""}
        self._links_within: dict[str, frozenset[str] | None] = {}

    def first_link_to(self, path: str) -> str:
        """The first link on the way to a path; empty when there is none."""
        return self._folder(path.rpartition("/")[0])

    def _folder(self, folder: str) -> str:
        link = self._first_links.get(folder)
        if link is None:
            above, _, name = folder.rpartition("/")
            link = self._folder(above)
            if not link and self._may_be_link(above, name) and os.path.islink(f"{self._output}/{folder}"):  # noqa: PTH114
                link = folder
            self._first_links[folder] = link
        return link

    def _may_be_link(self, folder: str, name: str) -> bool:
        """To list a folder says of all that is in it at once what it is."""
        if folder not in self._links_within:
            self._links_within[folder] = None
            with suppress(OSError), os.scandir(f"{self._output}/{folder}") as entries:
                self._links_within[folder] = frozenset(entry.name for entry in entries if entry.is_symlink())
        links = self._links_within[folder]
        return links is None or name in links


class OutputFile(NamedTuple):
    """A regular file of an output folder.

    ``hidden``: its name, or that of a folder above it, begins with a dot.
    """

    path: str
    hidden: bool


def files_below(output: Path) -> Iterator[OutputFile]:
    """Every regular file below an output folder.

    What lies in repositories of git and beyond links is left out, and so is what cannot be read.
    """
    folders = [("", False)]
    for folder, is_hidden in folders:
        try:
            with os.scandir(f"{output}/{folder}") as entries:
                listed = sorted(entries, key=lambda entry: entry.name)
        except OSError:
            continue
        for entry in listed:
            path = f"{folder}{entry.name}"
            hidden = is_hidden or entry.name.startswith(".")
            with suppress(OSError):
                if entry.is_dir(follow_symlinks=False):
                    if not is_git(entry.name):
                        folders.append((f"{path}/", hidden))
                elif stat.S_ISREG(entry.stat(follow_symlinks=False).st_mode):
                    yield OutputFile(path, hidden)


def visible_files(output: Path) -> tuple[str, ...]:
    """The regular files that are not hidden, in order of path."""
    return tuple(sorted(file.path for file in files_below(output) if not file.hidden))


def remove_empty_folders(output: Path, path: str) -> None:
    """Remove the folders above a path that are empty."""
    for folder in folders_of(path):
        try:
            (output / folder).rmdir()
        except FileNotFoundError:
            continue
        except OSError:
            break
