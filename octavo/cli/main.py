"""The command line: arguments in, one command run, an exit status out."""

from __future__ import annotations

import os
import stat
import sys
import time

from octavo.project import noop_replay

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status, as ``run`` says."""
    _open_streams()
    if arguments is None:
        read_names_as_utf8()
    command_line = list(sys.argv[1:] if arguments is None else arguments)
    try:
        cache = _cache(command_line) if _is_build(command_line) else ""
        words = noop_replay.find_replay(cache, command_line, time.monotonic()) if cache else None
        if words is not None:
            return _tell(words)
    except KeyboardInterrupt:
        import signal

        from octavo.cli.run import CommandInterrupted, end_stopped

        return end_stopped(CommandInterrupted(signal.SIGINT), "build")
    try:
        # Imported now that there is something to do: no library is needed to say that there is not.
        from octavo.cli.run import run

        return run(command_line)
    except Exception as problem:
        return _give_up(problem)


def _give_up(problem: Exception) -> int:
    """End a command for which there is not enough memory.

    It lacked that to begin, or to tell why it ended. Raises what is nothing of the kind.
    """
    try:
        from octavo.base.shortage import shortage_in

        words = shortage_in(problem)
    except MemoryError:
        words = "there is not enough memory"
    if not words:
        raise problem
    sys.stderr.write(f"octavo: {words}\n")
    return 1


def read_names_as_utf8() -> None:
    """Start Python anew where it does not take names of files for UTF-8.

    That is so in a locale without it. Python gets the arguments that it was started with. What is printed stays in the
    encoding of the locale.
    """
    if sys.getfilesystemencoding() == "utf-8" or sys.flags.utf8_mode or not sys.executable:
        return
    if sys.argv[:1] in ([], [""], ["-"]):  # a program that was typed in cannot be read again
        return
    _open_streams()
    if "PYTHONIOENCODING" not in os.environ:
        os.environ["PYTHONIOENCODING"] = f"{sys.stdout.encoding}:backslashreplace"
    try:
        sys.stdout.flush()
        sys.stderr.flush()
        # The option goes before PYTHONUTF8 (PEP 540), and the first of two options before the second.
        os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])
    except OSError:
        return  # names in ASCII, which most are, are read all the same


def _is_build(command_line: list[str]) -> bool:
    command = command_line[2:] if command_line[:1] == ["-C"] else command_line
    return not command or command[0] == "build" or command[0].startswith("-")


def _cache(command_line: list[str]) -> str:
    """The cache of the site, or nothing.

    Nothing where there is none, or where it or what is read of it is a link or no regular file: the long way tells of
    that.
    """
    folder = command_line[1] if command_line[:1] == ["-C"] and len(command_line) > 1 else "."
    cache = f"{folder}/.octavo"  # names.CACHE_FOLDER, without an import on the short way
    try:
        if stat.S_ISDIR(os.lstat(cache).st_mode) and stat.S_ISREG(os.lstat(f"{cache}/{noop_replay.FILE}").st_mode):
            return cache
    except (OSError, ValueError):
        pass
    return ""


def _tell(words: tuple[str, str]) -> int:
    out, err = words
    try:
        sys.stderr.write(err)
        sys.stderr.flush()
        sys.stdout.write(out)
        sys.stdout.flush()
    except OSError as problem:
        from octavo.cli.run import end_unheard
        from octavo.project.errors import OutputClosed

        return end_unheard(OutputClosed(problem, 0))
    return 0


def _open_streams() -> None:
    """Make sure that the standard streams can be written to.

    What they cannot show is escaped, and one that is closed leads to nowhere, so that no file that is opened later is
    given its number.
    """
    if None in (sys.stdin, sys.stdout, sys.stderr):
        while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
            pass
        os.close(descriptor)
        sys.stdout = sys.stdout or open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
        sys.stderr = sys.stderr or open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
