"""A regular file, opened without following a link.

Nor does opening wait for anything that is no regular file, such as a pipe.
"""

from __future__ import annotations

import errno
import os
import stat

# Not that of ``typing``, which a build for which nothing changed does without: type checkers take any of this name.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

_FLAGS = (
    getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)  # a pipe would keep us waiting
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_BINARY", 0)
)


def open_regular(path: Path | str, flags: int, mode: int = 0o666) -> int:
    """A descriptor of the regular file at a path, as ``os.open`` gives it.

    Raises OSError, also where the path is a link or anything else that is no regular file, or is to be written and has
    another name, by a hard link.
    """
    # What is in it is thrown away only once it is known whose it is.
    descriptor = os.open(path, flags & ~os.O_TRUNC | _FLAGS, mode)
    status = os.fstat(descriptor)
    fault = "" if stat.S_ISREG(status.st_mode) else "It is not a regular file"
    if flags & (os.O_WRONLY | os.O_RDWR) and status.st_nlink > 1:
        fault = fault or "It is a hard link to another file"
    if fault:
        os.close(descriptor)
        raise OSError(errno.EINVAL, fault, str(path))
    if flags & os.O_TRUNC:
        os.ftruncate(descriptor, 0)
    return descriptor
