"""Noop replay: say again what a command said, when nothing changed.

The evidence for that is the state of each file that it rests on: files that it was made from, and files that it made.
As long as all of them are in that state, the command would do nothing and say the same again, so that is all that has
to be done. In any other case the long way decides. Since the evidence covers both what was read and what was made, it
is never wrong for being old: it needs no lock, and nobody has to take it back.

A command for which nothing changed needs this module and no other, so it imports next to nothing.
"""

from __future__ import annotations

import os
import stat
import sys
import time
from zlib import crc32

from octavo.base.file_stat import COARSE_TICK_NANOSECONDS, FileState, state_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable, Sequence

    Window = tuple[dt.datetime | None, dt.datetime | None]
    States = list[tuple[str, FileState | None]]

FILE = "stamp"

SECONDS = "\0"
"""Where the words of a command say how long it took."""

_LARGEST = 256_000_000
"""Bytes of the evidence: that of a million files has half of it."""

_ENVIRONMENT = ("SOURCE_DATE_EPOCH", "HOME")
"""What stands for now, and a folder that output may not be."""


def find_replay(cache: str, arguments: Sequence[str], started: float) -> tuple[str, str] | None:
    """What a command is to print when nothing has changed since the last.

    That is to standard output and to standard error; None when something has changed. ``arguments`` are those of the
    command, ``started`` is its first moment by ``time.monotonic``.
    """
    try:
        if stat.S_ISLNK(os.lstat(cache).st_mode):  # the long way says what is wrong with that
            return None
        descriptor = os.open(f"{cache}/{FILE}", os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
        with open(descriptor, "rb") as file:  # noqa: PTH123
            data = file.read(_LARGEST + 1)
        if len(data) > _LARGEST:
            return None
        about, window, program, files, out, err = _parted(data)
        if about != _about(arguments):
            return None
        now = time.time_ns()
        since, until = window.split(b",")
        if (since and now < int(since)) or (until and now >= int(until)):
            return None
        if not (_hold(program, os.stat) and _hold(files, os.lstat)):
            return None
        words = out.decode(), err.decode()
    except (OSError, ValueError):
        return None
    if not all(map(_is_words, words)):
        return None
    return words[0].replace(SECONDS, f"{time.monotonic() - started:.2f}"), words[1]


def _is_words(text: str) -> bool:
    """Whether a text is what a command prints, and nothing that a terminal obeys."""
    return text.replace("\n", "").replace(SECONDS, "").isprintable()


def write_evidence(
    cache: str,
    arguments: Sequence[str],
    words: tuple[str, str],
    *,
    states: Sequence[tuple[str, FileState]],
    places: Iterable[str],
    program: Iterable[str],
    began: int,
    window: Window,
) -> bool:
    """Keep what a command said that found nothing to do, with the evidence.

    False when that cannot be relied on. ``states`` are those in which it found files, none of them a link. ``places``
    are other files, and folders, whose state is asked for now, and so are those of ``program``, where links are
    followed. ``began`` is a time before the command looked at anything, in ns by the clock of the cache's file system:
    what is about as young may have changed since. From the first instant of ``window`` to before the second the command
    says the same.
    """
    if os.name == "nt":  # ctime is another thing there, so a change can be made that no time tells
        return False
    before = began - COARSE_TICK_NANOSECONDS
    others, own = _states(places, os.lstat, before), _states(program, os.stat, before)
    if others is None or own is None or any(max(state[1:3]) >= before for _, state in states):
        return False
    times = b",".join(map(_nanoseconds, window))
    data = _joined(
        _about(arguments), times, _packed(own), _packed([*others, *states]), *(word.encode() for word in words)
    )
    passing = f"{cache}/{FILE}-{os.getpid()}"
    try:
        with open(passing, "wb") as file:  # noqa: PTH123
            file.write(data)
        os.replace(passing, f"{cache}/{FILE}")  # noqa: PTH105
    except OSError:
        return False
    return True


def _about(arguments: Sequence[str]) -> bytes:
    """What was asked for, and of what program."""
    environment = tuple(os.environ.get(name) for name in _ENVIRONMENT)
    about = (list(arguments), os.getcwd(), environment, sys.stdout.encoding, sys.version, __file__, sys.path)  # noqa: PTH109
    return ascii(about).encode()


# The file is a checksum and parts, each after its length; states are their paths, and then four numbers for each.

_MISSING = (-1, -1, -1, -1)


def _joined(*parts: bytes) -> bytes:
    data = b"".join([len(part).to_bytes(8, "little") + part for part in parts])
    return crc32(data).to_bytes(4, "little") + data


def _parted(data: bytes) -> list[bytes]:
    """The parts that were joined. Raises ValueError for anything else."""
    if crc32(data[4:]) != int.from_bytes(data[:4], "little"):
        raise ValueError("damaged")
    parts, at = [], 4
    while at < len(data):
        end = at + 8 + int.from_bytes(data[at : at + 8], "little")
        parts.append(data[at + 8 : end])
        at = end
    return parts


def _packed(states: States) -> bytes:
    from array import array

    paths = b"\0".join([os.fsencode(path) for path, _ in states])
    numbers = array("q")
    for _, state in states:
        numbers.extend(_MISSING if state is None else state)
    return _joined(paths, numbers.tobytes())


def _states(paths: Iterable[str], ask: Callable[[str], os.stat_result], before: int) -> States | None:
    """The states of files and folders; None when one is a link, or has changed since the time ``before`` (ns)."""
    states: States = []
    for path in paths:
        try:
            status = ask(path)
        except OSError:
            states.append((path, None))
            continue
        if status.st_mtime_ns >= before or status.st_ctime_ns >= before or stat.S_ISLNK(status.st_mode):
            return None
        states.append((path, state_of(status)))
    return states


def _hold(packed: bytes, ask: Callable[[str], os.stat_result]) -> bool:
    """Whether files are in the states that were packed. Raises ValueError for what was not."""
    paths, data = _parted(packed)
    try:
        numbers = memoryview(data).cast("q").tolist()  # an array would import the abstract classes of Python
    except TypeError as problem:
        raise ValueError("states are cut short") from problem
    places = os.fsdecode(paths).split("\0") if numbers else []
    if len(numbers) != 4 * len(places):
        raise ValueError("not as many states as files")
    for place, state in zip(places, zip(*[iter(numbers)] * 4, strict=True), strict=True):
        try:
            if state != state_of(ask(place)):
                return False
        except OSError:
            if state != _MISSING:
                return False
    return True


def _nanoseconds(moment: dt.datetime | None) -> bytes:
    """Since 1970, in digits; nothing for no moment."""
    return b"" if moment is None else b"%d" % (int(moment.timestamp()) * 1_000_000_000 + moment.microsecond * 1000)
