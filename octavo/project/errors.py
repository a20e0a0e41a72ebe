"""What keeps a command from being done, in words and as an exit status."""

from __future__ import annotations

import errno
import os
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from octavo.base.diagnostics import printable
from octavo.base.names import CACHE_FOLDER
from octavo.base.regular_file import open_regular
from octavo.base.shortage import shortage_in
from octavo.output.publish_errors import PublishError
from octavo.output.safety import UnsafeOutput
from octavo.project.cache import UnsafeCache
from octavo.project.lock import Locked

ERRORS, USAGE, LOCKED, BUG = 1, 2, 3, 70

LOG = f"{CACHE_FOLDER}/crash.log"


class Usage(Exception):
    """The command was asked for something that cannot be done.

    ``hint`` says what can be.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint


class OutputClosed(Exception):
    """Standard output or standard error takes no more.

    ``status`` is what the command had come to by then.
    """

    def __init__(self, problem: OSError, status: int) -> None:
        super().__init__(problem, status)
        self.problem = problem
        self.status = status


@contextmanager
def writing_output(status: int) -> Iterator[None]:
    """Words of a command that has come to ``status``.

    Raises Unheard where nobody takes them.
    """
    try:
        try:
            yield
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
    except OSError as problem:
        raise OutputClosed(problem, status) from problem


class Failure(NamedTuple):
    status: int
    words: str


def explain_failure(problem: Exception | SystemExit, root: Path) -> Failure:
    """What to say of an exception that ended a command.

    One that is a bug of ours is written to a log file in the site's folder.
    """
    from concurrent.futures import BrokenExecutor

    from octavo.project.dask_cluster import NoCluster

    match problem:
        case Usage():
            return Failure(USAGE, format_failure(problem.message, problem.hint))
        case NoCluster(hint=hint):
            return Failure(USAGE, format_failure(str(problem), hint))
        case UnsafeOutput(message=message, hint=hint) | UnsafeCache(message=message, hint=hint):
            return Failure(USAGE, format_failure(message, hint))
        case Locked():
            hint = "wait until it has ended, or see what it is at"
            return Failure(LOCKED, format_failure(f"another build is running ({problem})", hint))
        case PublishError():
            return Failure(ERRORS, format_failure(str(problem)))
        case BrokenExecutor():
            message = "a worker process was ended from outside, perhaps for want of memory"
            return Failure(ERRORS, format_failure(message, "--jobs 1 works without any"))
        case sqlite3.OperationalError():
            return Failure(ERRORS, format_failure(f"the cache cannot be used: {problem}"))
        case OSError(errno=errno.EROFS | errno.EIO):
            where = f": {problem.filename}" if problem.filename else ""
            return Failure(ERRORS, format_failure(f"{problem.strerror}{where}"))
        case SystemExit():
            return Failure(ERRORS, format_failure(f"a function of build.py ended the program: {problem!r}"))
        case UnicodeEncodeError() if sys.getfilesystemencoding() != "utf-8":
            message = f"a file's name cannot be written in the encoding of the locale, {sys.getfilesystemencoding()}"
            return Failure(ERRORS, format_failure(message, "start Python with -X utf8"))
        case _ if words := shortage_in(problem):
            return Failure(ERRORS, format_failure(words))
        case _:
            message = f"this is a bug in Octavo ({type(problem).__name__}: {problem})"
            return Failure(BUG, format_failure(message, _log(problem, root)))


def format_failure(message: str, hint: str = "") -> str:
    """The words of a failure: one line, and one for the hint."""
    hinted = f"\n    hint: {printable(hint)}" if hint else ""
    return f"octavo: {printable(message)}{hinted}"


def _log(problem: Exception, root: Path) -> str:
    import traceback

    log = root / LOG
    try:
        if log.parent.is_symlink():
            raise OSError(errno.ELOOP, f"{log.parent} is a link")
        log.parent.mkdir(exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        with os.fdopen(open_regular(log, flags), "w", encoding="utf-8", errors="backslashreplace") as file:
            file.write("".join(traceback.format_exception(problem)))
    except OSError as unwritable:
        return f"--debug prints the details, for {log} cannot be written ({unwritable.strerror})"
    return f"the details are in {log}"
