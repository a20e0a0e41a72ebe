"""One command, run to its end, also when it fails or is stopped."""

from __future__ import annotations

import argparse
import atexit
import contextlib
import errno
import gc
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ENDLESS = ("serve", "watch")
"""Commands that end by an interrupt, so that it is not worth a word."""

_SELDOM = (50_000, 20, 50)
_HARDLY_EVER = (400_000, 20, 50)
"""When garbage is looked for, as ``gc.set_threshold`` takes it: in a command that goes on, and in one that comes to its
end soon. What a command reads and makes is hardly ever garbage in circles; with Python's own thresholds a third of a
small build's time at ten thousand posts went into looking."""


def run(command_line: list[str]) -> int:
    """Run the command that the arguments name.

    Returns the exit status: 0 done, 1 the site has errors, 2 usage or settings, 3 another build holds the lock, 70 a
    bug of ours. Interrupted, it ends by the signal itself.
    """
    command = ""
    gc.set_threshold(*_HARDLY_EVER)
    # Python looks for garbage once more when it ends: a tenth of the time of a small build at ten thousand posts.
    atexit.register(gc.freeze)
    try:
        with _interruptible():
            # Imported here, where an interrupt is heard already: importing takes longer than all that came before.
            from octavo.cli.arguments import split_command
            from octavo.project.errors import Usage

            try:
                arguments, command = split_command(command_line)
            except Usage as problem:
                return _fail(problem, Path(), debug=False)
            if command in ENDLESS:
                gc.set_threshold(*_SELDOM)
            return _run(arguments, command_line)
    except CommandInterrupted as interrupted:
        return end_stopped(interrupted, command)


def end_stopped(interrupted: CommandInterrupted, command: str) -> int:
    """End a command that a signal asked to stop.

    It says a word, and dies by that signal.
    """
    notes: list[str] = getattr(interrupted, "__notes__", [])
    if notes:
        _say(f"interrupted: {notes[0]}")
    elif command not in ENDLESS:
        _say("interrupted, output unchanged" if command == "build" else "interrupted")
    return _die_by(interrupted.number)


def _run(arguments: list[str], command_line: list[str]) -> int:
    from octavo.project.errors import OutputClosed

    directory, debug = Path(), "--debug" in arguments
    try:
        options = _parsed(arguments, command_line)
        if options is None:
            return 0
        directory = Path(options.directory)
        status: int = options.run(options)
        return status
    except OutputClosed as heard_no_more:
        return end_unheard(heard_no_more)
    except (Exception, SystemExit) as problem:
        return _fail(problem, directory, debug)


def _parsed(arguments: list[str], command_line: list[str]) -> argparse.Namespace | None:
    """What the arguments say, with the ``command_line`` as it was.

    None when all they asked for has been printed.
    """
    from octavo.cli.arguments import parse
    from octavo.project.errors import writing_output

    try:
        with writing_output(0):
            options = parse(arguments)
    except SystemExit:
        return None
    options.command_line = command_line
    return options


def _fail(problem: Exception | SystemExit, root: Path, debug: bool) -> int:
    from octavo.project.errors import USAGE, explain_failure

    status, words = explain_failure(problem, root)
    if debug and status != USAGE:
        import traceback

        with contextlib.suppress(OSError):
            traceback.print_exception(problem)
    _say(words)
    return status


def end_unheard(unheard: Any) -> int:
    """End a command whose words nobody takes any more.

    What it did is done all the same.
    """
    # What is still in the buffers must not fail once more when Python ends.
    null = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            try:
                stream.flush()
            except OSError:
                os.dup2(null, stream.fileno())
    os.close(null)
    status: int = unheard.status
    if unheard.problem.errno == errno.EPIPE:
        return status
    _say(f"octavo: the result cannot be written: {unheard.problem.strerror}")
    return status or 1


def _say(line: str) -> None:
    with contextlib.suppress(OSError, ValueError):
        print(line, file=sys.stderr, flush=True)


# Signals.


class CommandInterrupted(BaseException):
    """A signal asked us to stop.

    A note says what has become of the output, where it is not as it was.
    """

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


SECOND_SIGNAL_SECONDS = 1.0
"""Seconds in which a second signal is taken for the first (a terminal and a wrapper may both send one); one that comes
later ends us at once."""


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Turn the signals that ask us to stop into an exception, so that what is open is closed and tidied."""
    first: float | None = None

    def stop(number: int, frame: object) -> None:
        nonlocal first
        if first is None:
            first = time.monotonic()
            raise CommandInterrupted(number)
        if time.monotonic() - first > SECOND_SIGNAL_SECONDS:
            _die_by(number)
        return

    numbers = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    # Who started us with a signal ignored, as nohup does, wants that it stays so.
    heard = [number for number in numbers if signal.getsignal(number) is not signal.SIG_IGN]
    try:
        before = {number: signal.signal(number, stop) for number in heard}
    except ValueError:
        # Not the main thread: whoever runs us there deals with signals.
        yield
        return
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _die_by(number: int) -> int:
    """End by the signal, so that a shell sees it; where that does not end us, by its status."""
    with contextlib.suppress(OSError, ValueError):
        sys.stdout.flush()
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    return 128 + number
