"""The files of a site on the disk, each with its content's digest.

A file is read only when its state is not that of the last time: the stat cache.
"""

from __future__ import annotations

import os
import sqlite3
import stat
import time
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

from octavo.base import source_text
from octavo.base.diagnostics import Diagnostic, Span, error
from octavo.base.digest import DIGEST_BYTES, Digest, digest_bytes
from octavo.base.file_stat import FileState, is_row, is_settled, state_of
from octavo.base.names import ASSETS_FOLDER, POSTS_FOLDER, SOURCE_ENDINGS
from octavo.base.shortage import raise_if_shortage
from octavo.engine.database import most_rows, transaction
from octavo.engine.facts import Fact, Unanswered
from octavo.engine.store import CorruptStore


class FileChanged(Unanswered):
    """A file was changed after it was listed and before it was read.

    Its folder is to be listed again.
    """


class FileEntry(NamedTuple):
    """A file of the site, with the digest of its content.

    ``state`` is the one it was in when it had that content.
    """

    path: str
    location: str
    digest: Digest
    state: FileState

    def fact(self) -> Fact:
        return Fact(self.digest, self.read)

    def read(self) -> bytes:
        """The content.

        Raises FileChanged when it is no longer what was listed, and Shortage.
        """
        try:
            with open(self.location, "rb") as file:  # noqa: PTH123
                data = file.read()
        except OSError as problem:
            raise_if_shortage(problem)
            raise FileChanged(self.path) from problem
        if digest_bytes(data) != self.digest:
            raise FileChanged(self.path)
        return data


@dataclass(frozen=True)
class FolderListing:
    """The files below a folder, by path.

    With them are the folders that were looked into, whether there are links in them, and what cannot be used.
    """

    files: Mapping[str, FileEntry]
    folders: tuple[str, ...]
    linked: bool
    problems: tuple[Diagnostic, ...]


class StatCache:
    """Digests of file contents by path, kept in the cache.

    That is in its table ``states``. Raises CorruptStore where that holds what was not written so.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._rows: dict[str, tuple[FileState, int, Digest]] = {}
        rows = connection.execute(
            "SELECT path, digest, size, mtime_ns, ctime_ns, inode, seen FROM states LIMIT ?", (most_rows(connection),)
        )
        for path, digest, *numbers in rows:
            if not is_row(path, digest, numbers):
                raise CorruptStore("the state of a file is not written as it should be")
            self._rows[path] = ((numbers[0], numbers[1], numbers[2], numbers[3]), numbers[4], digest)
        self._new: dict[str, tuple[FileState, int, Digest]] = {}

    def digest(self, path: str, location: str, state: FileState) -> Digest:
        """The digest of a file's content, from the cache or from the file.

        Raises OSError.
        """
        row = self._rows.get(path)
        if row is not None and row[0] == state and is_settled(state, row[1]):
            return row[2]
        seen = time.time_ns()
        content = _digest_of_file(location, state[0])
        self._rows[path] = self._new[path] = (state, seen, content)
        return content

    def forget(self) -> None:
        """Read every file again: a listing was not what the files hold."""
        self._connection.execute("DELETE FROM states")

    def save(self) -> None:
        if self._new:
            rows = [(path, *state, seen, digest) for path, (state, seen, digest) in self._new.items()]
            with transaction(self._connection):
                self._connection.executemany("INSERT OR REPLACE INTO states VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
            self._new.clear()


def _digest_of_file(location: str, size: int) -> Digest:
    """The same as ``digest_bytes`` of the whole, without holding it."""
    with open(location, "rb") as file:  # noqa: PTH123
        if size < 1_000_000:
            return digest_bytes(file.read())
        state = blake2b(b"b" + os.fstat(file.fileno()).st_size.to_bytes(8, "little"), digest_size=DIGEST_BYTES)
        while block := file.read(1 << 20):
            state.update(block)
        return state.digest()


def is_source(path: str) -> bool:
    return path.lower().endswith(SOURCE_ENDINGS)


def is_ignored(name: str, folder: str = "") -> bool:
    """Whether a file of this name is never part of a site.

    Such are editors' locks, backups and hidden files. What lies in ``assets/root/`` is published under the names that
    hosts ask for, and some begin with a dot: ``.well-known/``, ``.nojekyll``.
    """
    if f"{folder}/".startswith(f"{ASSETS_FOLDER}root/"):
        return name.startswith((".#", "#")) or name.endswith(("~", ".swp")) or name == ".DS_Store"
    return name.startswith((".", "#")) or name.endswith("~")


def list_files(root: Path, folder: str, cache: StatCache, prefix: str = "") -> FolderListing:
    """List the files below one folder of ``root``.

    A folder that does not exist has none. Paths are relative to ``root``, after ``prefix``. Symbolic links may point to
    files within ``root`` only, and the folder itself may be a link to another one there.
    """
    files: dict[str, FileEntry] = {}
    problems: list[Diagnostic] = []
    real_root = os.path.realpath(root)
    if not _is_within(real_root, os.path.realpath(root / folder)):
        return FolderListing({}, (), True, (_outside(prefix + folder, (root / folder).readlink()),))
    folders = [folder]
    linked = False
    for current in folders:
        for entry in _entries(f"{root}/{current}", current, problems):
            place = f"{current}/{entry.name}"
            if entry.is_dir(follow_symlinks=False):
                folders.append(place)
                continue
            linked = linked or entry.is_symlink()
            path = prefix + place
            try:
                outcome = _inspect(path, entry, cache, real_root)
            except OSError as problem:
                problems.append(make_unreadable(path, problem))
                continue
            if isinstance(outcome, Diagnostic):
                problems.append(outcome)
            else:
                files[outcome.path] = outcome
    return FolderListing(files, tuple(folders), linked, tuple(problems))


def _entries(location: str, folder: str, problems: list[Diagnostic]) -> list[os.DirEntry[str]]:
    """The entries of a folder in order of name, what is ignored left out."""
    try:
        with os.scandir(location) as entries:
            return sorted((entry for entry in entries if not is_ignored(entry.name, folder)), key=_name_of)
    except FileNotFoundError:
        return []
    except OSError as problem:
        problems.append(make_unreadable(folder, problem))
        return []


_name_of = attrgetter("name")


def _inspect(path: str, entry: os.DirEntry[str], cache: StatCache, real_root: str) -> FileEntry | Diagnostic:
    if not path.isascii() and not _is_utf8(path):
        printable_path = path.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        return _at_top(printable_path, "name", "the file's name is not valid UTF-8", "give it another name")
    if entry.is_symlink():
        problem = _link_problem(path, entry.path, real_root)
        if problem is not None:
            return problem
    status = entry.stat()
    if not stat.S_ISREG(status.st_mode):
        return _at_top(path, "file", "not a regular file", "move it out of the folder")
    if status.st_size > source_text.LARGEST_SOURCE_BYTES and is_source(path) and path.startswith(POSTS_FOLDER):
        return source_text.too_large(path, status.st_size)
    state = state_of(status)
    return FileEntry(path, entry.path, cache.digest(path, entry.path, state), state)


def _is_utf8(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _link_problem(path: str, location: str, real_root: str) -> Diagnostic | None:
    target = Path(location).readlink()
    real = os.path.realpath(location)
    if not _is_within(real_root, real):
        return _outside(path, target)
    if not os.path.exists(real):  # noqa: PTH110
        return _at_top(path, "link-file", f"the link leads to '{target}', which does not exist", "delete the link")
    if os.path.isdir(real):  # noqa: PTH112
        message = f"the link leads to a folder, '{target}'; links to folders are not followed"
        return _at_top(path, "link-file", message, "link to each file of the folder, or copy it")
    return None


def _is_within(real_root: str, real: str) -> bool:
    return os.path.commonpath([real, real_root]) == real_root


def _outside(path: str, target: Path) -> Diagnostic:
    message = f"the link to '{target}' leads outside the project"
    return _at_top(path, "link-file", message, "copy what it leads to into the project")


def make_unreadable(path: str, problem: OSError) -> Diagnostic:
    """The problem with a file or folder that cannot be read.

    Raises Shortage where the system might let us read it at another time.
    """
    raise_if_shortage(problem)
    return _at_top(path, "file", f"it cannot be read: {problem.strerror or problem}", "allow yourself to read it")


def _at_top(path: str, code: str, message: str, hint: str) -> Diagnostic:
    return error(path, Span(1, 1), code, message, hint)


def find_same_names(paths: Iterable[str]) -> Iterator[Diagnostic]:
    """Problems with files that are one file on some system.

    Their names are equal after NFC and case folding.
    """
    first: dict[str, str] = {}
    for path in sorted(paths):
        key = path.lower() if path.isascii() else _folded(path)
        other = first.setdefault(key, path)
        if other != path:
            message = f"'{other}' has the same name on systems that do not tell case or accents apart"
            yield _at_top(path, "clash", message, "give one of them another name")


def _folded(path: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", path).casefold())
