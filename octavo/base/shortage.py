"""What the machine has run out of: memory, space, files.

That is no source's fault, and nothing is made from it.

What failed for want of something may do well the next time. Whoever makes an exception a value, a problem of the site
or an absence asks here first, so that the command ends instead and nothing of it is kept.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from contextlib import suppress
from importlib import import_module

WANTS = (errno.ENOMEM, errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.EAGAIN)
"""What a system says that has run out of memory, space, files or processes."""

ROOM_BYTES = 64_000_000
"""Bytes of memory without which a library cannot be believed that calls a small file damaged."""

_NO_MEMORY = "there is not enough memory"

# By dlopen of glibc, musl and macOS, and by Windows.
_NOT_LOADED = re.compile(r"shared (object|library)|dlopen|cannot allocate memory|DLL load failed", re.IGNORECASE)


class Shortage(Exception):
    """The machine has run out of something. Its text is one line."""


def raise_if_shortage(problem: BaseException, during: str = "", room: int = 0) -> None:
    """Raise Shortage where a problem is one of want, or followed from one.

    ``during`` is what was being done. ``room`` is for libraries that call a file damaged when they lack memory: they
    are believed only where this process could have so many bytes now.
    """
    if isinstance(problem, Shortage):
        raise problem
    words = shortage_in(problem)
    if not words and room and not _has_room(room):
        words = _NO_MEMORY
    if words:
        raise Shortage(f"{words} ({during})" if during else words) from problem


def check_room(size: int, during: str) -> None:
    """Raise Shortage where this process cannot have so many bytes.

    A library would do without what it cannot load.
    """
    if not _has_room(size):
        raise Shortage(f"{_NO_MEMORY} ({during})")


def check_part(module: str) -> None:
    """Raise Shortage for a part of a library that cannot be loaded.

    The part is compiled, and it is there: the library would do without it, and something else would come of it.
    """
    with suppress(ModuleNotFoundError):
        try:
            import_module(module)
        except ImportError as problem:
            raise_if_shortage(problem)
            raise


def shortage_in(problem: BaseException) -> str:
    """What there was too little of, in a line; empty where it was nothing.

    A problem says so, or one that it followed from. Libraries put what happened to them into exceptions of their own,
    so what was first has the best words.
    """
    words = ""
    for cause in _chain(problem):
        if isinstance(cause, Shortage):
            return str(cause)
        words = _words(cause) or words
    return words


def _chain(problem: BaseException) -> Iterator[BaseException]:
    # An exception may be its own cause by way of others: a library that raises an old one again makes such a circle.
    visited: set[int] = set()
    queue: list[BaseException | None] = [problem]
    while queue:
        cause = queue.pop()
        if cause is not None and id(cause) not in visited:
            visited.add(id(cause))
            yield cause
            queue += [cause.__context__, cause.__cause__]


def _words(problem: BaseException) -> str:
    match problem:
        case MemoryError():
            return _NO_MEMORY
        case OSError(errno=number) if number in WANTS:
            return f"{problem.strerror}: {problem.filename}" if problem.filename else str(problem.strerror)
        case ImportError() if not isinstance(problem, ModuleNotFoundError) and _NOT_LOADED.search(str(problem)):
            return f"a library cannot be loaded: {str(problem).strip().partition(chr(10))[0]}"
        # CPython has no type of its own for this: its words are all that tells.
        case RuntimeError() if "can't start new thread" in str(problem):
            return "no other thread can be started"
        case _:
            return ""


def _has_room(size: int) -> bool:
    from mmap import mmap

    try:
        mmap(-1, size).close()  # none of it is used, so it costs nothing
    except (OSError, MemoryError):
        return False
    return True
