"""What keeps a site from being published, in words."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from octavo.engine.database import is_want


class PublishError(Exception):
    """Publishing was not possible.

    ``path`` names the file or folder at fault and may be empty.
    """

    def __init__(self, message: str, path: str = "") -> None:
        super().__init__(message, path)
        self.message = message
        self.path = path

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class SourceChanged(PublishError):
    """A file was changed between being listed and being copied: build again."""


class NotStaged(Exception):
    """Pages to be published whose bytes are not in the staging folder.

    ``paths`` must be rendered first.
    """

    def __init__(self, paths: tuple[str, ...]) -> None:
        super().__init__(paths)
        self.paths = paths


class DamagedManifest(Exception):
    """The manifest or the journal holds what Octavo does not write.

    Set the file aside and go on without it. ``str`` says what is wrong, as what follows the name of the file.
    """


@contextmanager
def converting_manifest_errors() -> Iterator[None]:
    """Raise DamagedManifest for a file that cannot be read.

    That is what SQLite finds damaged, and what Python cannot decode.
    """
    try:
        yield
    except (sqlite3.DatabaseError, UnicodeError) as problem:
        if isinstance(problem, sqlite3.DatabaseError) and is_want(problem):
            raise
        raise DamagedManifest(f"is damaged ({problem})") from problem


@contextmanager
def converting_os_errors(path: str, needed: int = 0) -> Iterator[None]:
    """OSError as PublishError.

    ``needed`` is the number of bytes that were to be written.
    """
    try:
        yield
    except OSError as problem:
        raise to_publish_error(problem, path, needed) from problem


def to_publish_error(problem: OSError, path: str, needed: int = 0) -> PublishError:
    """What ``converting_os_errors`` raises.

    It is for what is done to thousands of files: there a context manager costs as much as it.
    """
    return PublishError(_reason(problem, needed), path)


def _reason(problem: OSError, needed: int) -> str:
    if problem.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"no space left: {megabytes(needed)} are needed" if needed else "no space left"
    if problem.errno == errno.ENAMETOOLONG:
        return "the name is too long for the file system"
    reason = problem.strerror or str(problem)
    return f"it cannot be written: {reason[:1].lower()}{reason[1:]}"


def megabytes(size: int) -> str:
    """A number of bytes as a message names it."""
    return f"{size / 1_000_000:.1f} MB"


def display_path(output: Path, path: str) -> str:
    """A published path as authors are told of it."""
    return f"{output.name}/{path}"
