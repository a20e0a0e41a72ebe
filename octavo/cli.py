"""The command line: arguments in, one command run, words or JSON and an exit status out."""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import os
import signal
import sys
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

from octavo import commands
from octavo.commands import Usage
from octavo.publish import Locked, PublishError, UnsafeOutput

COMMANDS = ("build", "serve", "watch", "check", "related", "why", "new", "clean")

USAGE = 2
LOCKED = 3
BUG = 70


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns the exit status: 0 done, 1 the site has errors, 2 usage or settings, 3 another build
    holds the lock, 70 a bug of ours. Interrupted, it ends by the signal itself."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        options = parser().parse_args(_with_command(given))
    except SystemExit as finished:
        return int(finished.code or 0)
    try:
        with _interruptible():
            status = _run(options)
            sys.stdout.flush()
            return status
    except BrokenPipeError:
        # Whoever read our output has gone; the work is done or undone all the same.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Interrupted as interrupted:
        _say("interrupted, output unchanged")
        return _die_by(interrupted.number)


def _run(options: argparse.Namespace) -> int:
    try:
        status: int = options.run(options)
        return status
    except (Usage, UnsafeOutput) as problem:
        _say(f"octavo: {problem}")
        return USAGE
    except Locked as locked:
        _say(f"octavo: another build is running ({locked})")
        return LOCKED
    except PublishError as problem:
        _say(f"octavo: {problem}")
        return 1
    except BrokenPipeError:
        raise
    except Exception as problem:
        return _bug(problem, Path(options.directory), options.debug)


def _bug(problem: Exception, root: Path, debug: bool) -> int:
    """A failure that is ours: one line for the author, the traceback in a file for us."""
    if debug:
        traceback.print_exception(problem)
        return BUG
    log = root / ".octavo" / "crash.log"
    try:
        log.parent.mkdir(exist_ok=True)
        log.write_text("".join(traceback.format_exception(problem)), "utf-8")
        where = f"the details are in {log}"
    except OSError as unwritable:
        where = f"the details could not be written: {unwritable}"
    _say(f"octavo: this is a bug in Octavo ({type(problem).__name__}: {problem}); {where}")
    return BUG


def _say(line: str) -> None:
    with contextlib.suppress(OSError, ValueError):
        print(line, file=sys.stderr, flush=True)


class Interrupted(BaseException):
    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Turn the signals that ask us to stop into an exception, so that what is open is closed and tidied."""

    def stop(number: int, frame: object) -> NoReturn:
        raise Interrupted(number)

    numbers = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    try:
        before = {number: signal.signal(number, stop) for number in numbers}
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
    signal.signal(number, signal.SIG_DFL)
    os.kill(os.getpid(), number)
    return 128 + number


def _with_command(arguments: list[str]) -> list[str]:
    """``build`` goes without saying: it is put in where no command is named."""
    if any(argument in ("-h", "--help", "--version") for argument in arguments[:1]):
        return arguments
    place = 0
    while place < len(arguments) and arguments[place] in ("-C", "--directory"):
        place += 2
    if place < len(arguments) and not arguments[place].startswith("-"):
        return arguments
    return [*arguments[:place], "build", *arguments[place:]]


def parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = argparse.ArgumentParser(prog="octavo", description="Static sites of articles and the posts related to them.")
    top.add_argument("-C", "--directory", default=".", metavar="DIR", help="the site's folder (default: here)")
    top.add_argument("--version", action=_Version)
    subparsers = top.add_subparsers(metavar="COMMAND", required=True, parser_class=argparse.ArgumentParser)

    build = _command(subparsers, "build", commands.build, "build the site into output/ (the default command)")
    _add_build_options(build)
    build.add_argument("--verify", action="store_true", help="build again from nothing and compare every byte")
    build.add_argument("--format", choices=("text", "json"), default="text")
    build.add_argument("--quiet", action="store_true", help="print problems only")

    serve = _command(subparsers, "serve", commands.serve, "show the site in a browser while you write")
    serve.add_argument("--port", type=int, default=8000)
    serve.add_argument("--host", default="127.0.0.1")
    serve.add_argument("--open", action="store_true", help="open the browser")
    serve.add_argument("--drafts", action="store_true", help="show drafts (the default)")
    serve.add_argument("--published", action="store_true", help="show only what is published")
    serve.add_argument("--jobs", type=_positive, metavar="N")

    watch = _command(subparsers, "watch", commands.watch, "rebuild output/ on change, without a server")
    _add_build_options(watch)

    check = _command(subparsers, "check", commands.check, "report every problem; publish nothing")
    _add_build_options(check)
    check.add_argument("--format", choices=("text", "json"), default="text")

    related = _command(subparsers, "related", commands.related, "what is related to a post, and why")
    related.add_argument("post", nargs="?", metavar="POST", help="the path of a post's source")
    related.add_argument("--all", action="store_true", help="the lists of all posts")
    related.add_argument("--count", type=_positive, default=10, metavar="N")
    related.add_argument("--format", choices=("text", "json"), default="text")
    related.add_argument("--drafts", action="store_true")
    related.add_argument("--future", action="store_true")
    related.add_argument("--jobs", type=_positive, metavar="N")

    why = _command(subparsers, "why", commands.why, "which inputs made a page, and why it was rebuilt last")
    why.add_argument("url", metavar="URL", help="the page's address, such as /posts/hello/")
    why.add_argument("--format", choices=("text", "json"), default="text")

    new = _command(subparsers, "new", commands.new, "begin a post")
    new.add_argument("title", metavar="TITLE")

    clean = _command(subparsers, "clean", commands.clean, "remove the cache")
    clean.add_argument("--output", action="store_true", help="also remove what was published")
    return top


class _Version(argparse.Action):
    def __init__(self, option_strings: Sequence[str], dest: str, **kwargs: Any) -> None:
        super().__init__(option_strings, dest, nargs=0, help="print the version")

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from importlib.metadata import version

        print(f"octavo {version('octavo')}")
        parser.exit()


def _command(subparsers: Any, name: str, run: Any, help: str) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = subparsers.add_parser(name, help=help, description=help)
    command.set_defaults(run=run)
    command.add_argument("--debug", action="store_true", help="print tracebacks")
    return command


def _add_build_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--output", default="output", metavar="DIR")
    command.add_argument("--base-url", metavar="URL", help="instead of the setting base_url")
    command.add_argument("--drafts", action="store_true", help="publish drafts")
    command.add_argument("--future", action="store_true", help="publish posts with a date to come")
    command.add_argument("--at", type=_time, metavar="TIME", help="build as if it were this time (ISO 8601)")
    command.add_argument("--jobs", type=_positive, metavar="N", help="worker processes (default: one for each core)")
    command.add_argument("--fresh", action="store_true", help="use nothing of earlier builds")
    command.add_argument("--strict", action="store_true", help="treat warnings as errors")
    command.add_argument("--allow-broken-links", action="store_true", help="report broken links as warnings")
    command.add_argument("--cache", metavar="DIR", help="instead of .octavo")


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number


_positive.__name__ = "number"


def _time(text: str) -> dt.datetime:
    moment = dt.datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)


_time.__name__ = "time"
