"""The short way when nothing changed: what a command said, and the state of each file that this rests on.

As long as all of them are in that state, the command would do nothing and say the same again, so that is all that has
to be done. Whatever else is found, the long way decides. A stamp vouches for what the command made as well as for what
it was made from, so it is never wrong for being old: it needs no lock, and nobody has to take it back.

A command for which nothing changed needs this module and no other, so it imports next to nothing.
"""

from __future__ import annotations

import marshal
import os
import stat
import sys
import time
from zlib import crc32

from octavo.state import COARSE, State, state_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    Window = tuple[dt.datetime | None, dt.datetime | None]
    States = list[tuple[str, State | None]]

FILE = "stamp"

SECONDS = "\0"
"""Where the words of a command say how long it took."""

_ENVIRONMENT = ("SOURCE_DATE_EPOCH", "HOME")
"""What stands for now, and a folder that output may not be."""


def told(cache: str, given: Sequence[str], started: float) -> tuple[str, str] | None:
    """What a command is to print to standard output and to standard error if nothing has changed since its stamp; None
    when something has. ``given`` are its arguments, ``started`` is its first moment by ``time.monotonic``."""
    try:
        with open(f"{cache}/{FILE}", "rb") as file:  # noqa: PTH123
            data = file.read()
        if crc32(data[4:]) != int.from_bytes(data[:4], "little"):
            return None
        about, (since, until), program, files, (out, err) = marshal.loads(data[4:])
        if about != _about(given):
            return None
    except (OSError, ValueError, EOFError, TypeError):
        return None
    now = time.time_ns()
    if (since is not None and now < since) or (until is not None and now >= until):
        return None
    if not (_hold(program, os.stat) and _hold(files, os.lstat)):
        return None
    return out.replace(SECONDS, f"{time.monotonic() - started:.2f}"), err


def write(
    cache: str,
    given: Sequence[str],
    words: tuple[str, str],
    *,
    states: Sequence[tuple[str, State]],
    places: Iterable[str],
    program: Iterable[str],
    began: int,
    window: Window,
) -> bool:
    """Stamp what a command said that found nothing to do. False when that cannot be relied on.

    ``states`` are those in which it found files, none of them a link. ``places`` are other files, and folders, whose
    state is asked for now, and so are those of ``program``, where links are followed. ``began`` is a time before the
    command looked at anything, in ns by the clock of the cache's file system: what is about as young may have changed
    since. From the first instant of ``window`` to before the second the command says the same.
    """
    if os.name == "nt":  # ctime is another thing there, so a change can be made that no time tells
        return False
    before = began - COARSE
    others, own = _states(places, os.lstat, before), _states(program, os.stat, before)
    if others is None or own is None or any(max(state[1:3]) >= before for _, state in states):
        return False
    data = marshal.dumps((_about(given), tuple(map(_nanoseconds, window)), own, [*others, *states], words))
    passing = f"{cache}/{FILE}-{os.getpid()}"
    try:
        with open(passing, "wb") as file:  # noqa: PTH123
            file.write(crc32(data).to_bytes(4, "little") + data)
        os.replace(passing, f"{cache}/{FILE}")  # noqa: PTH105
    except OSError:
        return False
    return True


def _about(given: Sequence[str]) -> tuple[Any, ...]:
    """What was asked for, and of what program."""
    environment = tuple(os.environ.get(name) for name in _ENVIRONMENT)
    return (tuple(given), os.getcwd(), environment, sys.stdout.encoding, sys.version, __file__, tuple(sys.path))  # noqa: PTH109


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


def _hold(states: States, ask: Callable[[str], os.stat_result]) -> bool:
    for path, state in states:
        try:
            if state != state_of(ask(path)):
                return False
        except OSError:
            if state is not None:
                return False
    return True


def _nanoseconds(moment: dt.datetime | None) -> int | None:
    return None if moment is None else int(moment.timestamp()) * 1_000_000_000 + moment.microsecond * 1000
