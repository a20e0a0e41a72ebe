"""The list in the output folder of what Octavo wrote there.

It is for when the cache is gone. ``.octavo-written`` has a line for each file, with the digest of its path and that of
its content, so that it names no page that nothing links to. It is data that anybody may have written: a file is ours
only where both digests are those of the list. Two lines may have the same path, while a sweep has not come to its end.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from octavo.base.digest import Digest
from octavo.base.file_stat import FileState, state_of
from octavo.base.regular_file import open_regular
from octavo.output.paths import HIDDEN, digest_of_path

FILE = f"{HIDDEN}written"

PASSING = f"{HIDDEN}written-new"
"""What the list is called until it is put in its place."""

_LARGEST = 256_000_000
"""Bytes: some four million files."""

_HEADER = b"octavo-written 1\n"
_WHOLE = re.compile(_HEADER + rb"(?:[0-9a-f]{32} [0-9a-f]{32}\n)*")


class UnusableList(Exception):
    """The list cannot be read, or is not as it is written.

    ``str`` says what is wrong.
    """


def prepare_list(output: Path, files: Iterable[tuple[str, Digest]]) -> None:
    """Write the list of these files, beside its place.

    What may fail is done before anything is changed. Raises OSError.
    """
    lines = sorted({f"{digest_of_path(path)} {digest.hex()}\n" for path, digest in files})
    if os.path.isdir(output / FILE):  # noqa: PTH112
        raise IsADirectoryError(errno.EISDIR, "A folder lies in its place", str(output / FILE))
    passing = output / PASSING
    with suppress(FileNotFoundError):
        os.unlink(passing)  # noqa: PTH108
    descriptor = open_regular(passing, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    with os.fdopen(descriptor, "wb") as file:
        file.write(_HEADER + "".join(lines).encode("ascii"))
        file.flush()
        os.fsync(descriptor)  # it is wanted when all else is lost


def install_list(output: Path) -> FileState:
    """Put the list that was prepared in its place, in one step.

    Answers its state. Raises OSError.
    """
    # The folder is not synced: after a power cut the old list is there or the new one, never a part of one.
    os.replace(output / PASSING, output / FILE)  # noqa: PTH105
    return state_of(os.lstat(output / FILE))


def discard_list(output: Path) -> None:
    """Remove a list that was prepared and not put in its place."""
    with suppress(OSError):
        os.unlink(output / PASSING)  # noqa: PTH108


def list_state(output: Path) -> FileState | None:
    """The state in which the list is; None when there is none."""
    try:
        return state_of(os.lstat(output / FILE))
    except OSError:
        return None


def read_list(output: Path) -> Mapping[str, frozenset[Digest]] | None:
    """``digest_of_path`` -> digests of the content that was written there.

    None when there is no list. Raises UnusableList.
    """
    try:
        descriptor = open_regular(output / FILE, os.O_RDONLY)
        with os.fdopen(descriptor, "rb") as file:
            if os.fstat(descriptor).st_size > _LARGEST:
                raise UnusableList("is larger than any that Octavo writes")
            data = file.read()
    except FileNotFoundError:
        return None
    except OSError as problem:
        raise UnusableList(f"cannot be read ({(problem.strerror or str(problem)).lower()})") from problem
    lines = data.removeprefix(_HEADER).splitlines()
    if not _WHOLE.fullmatch(data) or any(lines[at] >= lines[at + 1] for at in range(len(lines) - 1)):
        raise UnusableList("is not as Octavo writes it")
    listed: dict[str, frozenset[Digest]] = {}
    for line in lines:
        name, _, content = line.decode("ascii").partition(" ")
        listed[name] = listed.get(name, frozenset()) | {bytes.fromhex(content)}
    return listed
