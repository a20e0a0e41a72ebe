"""The arguments of the command line: what each command takes."""

from __future__ import annotations

import argparse
import datetime as dt
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

from octavo.base.diagnostics import did_you_mean
from octavo.base.names import CACHE_FOLDER
from octavo.cli import commands
from octavo.output.safety import find_name_fault
from octavo.project.errors import Usage

COMMANDS = ("build", "serve", "watch", "check", "related", "why", "new", "clean")


_DIRECTORY = re.compile(r"(-C|--directory)(=.*)?|-C.+", re.DOTALL)


def split_command(arguments: list[str]) -> tuple[list[str], str]:
    """The arguments with the command in its place, and the command.

    ``build`` goes without saying. Raises Usage for a command that does not exist.
    """
    place = 0
    while place < len(arguments) and (match := _DIRECTORY.fullmatch(arguments[place])):
        place += 2 if match[1] and not match[2] else 1
    if place > len(arguments):
        raise Usage(f"{arguments[-1]}: name the site's folder")
    word = arguments[place] if place < len(arguments) else ""
    if word in ("-h", "--help", "--version"):
        return arguments, ""
    if not word or word.startswith("-"):
        return [*arguments[:place], "build", *arguments[place:]], "build"
    if word not in COMMANDS:
        hint = did_you_mean(word, COMMANDS) or _about_folder(word) or f"the commands are {', '.join(COMMANDS)}"
        raise Usage(f"there is no command '{word}'", hint)
    return arguments, word


def parse(arguments: list[str]) -> argparse.Namespace:
    """What the arguments say.

    Raises Usage, and SystemExit when all they asked for has been printed.
    """
    whole = make_parser()
    options, unknown = whole.parse_known_args(arguments)
    if unknown:
        raise Usage(*_about(unknown[0], options.command, whole))
    return options


def _about_folder(word: str) -> str:
    return f"a site's folder is named with -C: octavo -C {word}" if Path(word).is_dir() else ""


def _about(unknown: str, command: str, whole: argparse.ArgumentParser) -> tuple[str, str]:
    """What is wrong with an argument that a command does not take, and a hint."""
    if not unknown.startswith("-"):
        if unknown in COMMANDS:
            return f"'{command}' takes no '{unknown}'", f"the command comes first: octavo {unknown} …"
        return f"'{command}' takes no '{unknown}'", _about_folder(unknown) or _see(command)
    name = unknown.partition("=")[0]
    options = {option: command for option in _options_of(whole, command) if option.startswith("--")}
    hint = did_you_mean(name, options)
    if not hint:
        having = [other for other in COMMANDS if name in _options_of(whole, other)]
        hint = f"'{having[0]}' has it" if having else _see(command)
    return f"'{command}' has no option '{name}'", hint


def _options_of(whole: argparse.ArgumentParser, command: str) -> list[str]:
    # argparse lists neither the commands nor their options in public. Without this a hint would say less, as
    # tests/test_main.py tells.
    for action in whole._actions:
        if isinstance(action, argparse._SubParsersAction):
            chosen: argparse.ArgumentParser = action.choices[command]
            return [option for argument in chosen._actions for option in argument.option_strings]
    return []


def _see(command: str) -> str:
    return f"octavo {command} --help shows what it takes"


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line with a hint, as all of Octavo does."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "allow_abbrev": False})

    def error(self, message: str) -> NoReturn:
        words = re.sub(r"^argument ((?:-\w/)?[^:]+): ", r"\1: ", message)
        raise Usage(words, f"{self.prog} --help shows what it takes")


def make_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    top = _Parser(prog="octavo", description="Static sites of articles and the posts related to them.")
    top.add_argument("-C", "--directory", default=".", metavar="DIR", help="the site's folder (default: here)")
    top.add_argument("--version", action=_Version)
    subparsers = top.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=_Parser)

    build = _command(subparsers, "build", commands.build, "build the site into output/ (the default command)")
    _add_build_options(build)
    build.add_argument("--verify", action="store_true", help="build again from nothing and compare every byte")
    build.add_argument("--format", choices=("text", "json"), default="text", help="how to report (default: text)")
    build.add_argument("--quiet", action="store_true", help="print problems only")
    build.add_argument("--profile", action="store_true", help="say where the time went")

    serve = _command(subparsers, "serve", commands.serve, "show the site in a browser while you write")
    serve.add_argument("--port", type=_port, default=8000, metavar="PORT", help="the first to try (default: 8000)")
    serve.add_argument("--host", default="127.0.0.1", metavar="HOST", help="where to listen (default: 127.0.0.1)")
    serve.add_argument("--open", action="store_true", help="open the browser")
    visibility = serve.add_mutually_exclusive_group()
    visibility.add_argument("--drafts", action="store_true", help="show drafts and posts to come (the default)")
    visibility.add_argument("--published", action="store_true", help="show only what is published")
    serve.add_argument("--allow-broken-links", action="store_true", help="report broken links as warnings")
    _add_jobs(serve)
    _add_cache(serve)

    watch = _command(subparsers, "watch", commands.watch, "rebuild output/ on change, without a server")
    _add_build_options(watch)

    check = _command(subparsers, "check", commands.check, "report every problem; publish nothing")
    _add_build_options(check)
    check.add_argument("--format", choices=("text", "json"), default="text", help="how to report (default: text)")

    related = _command(subparsers, "related", commands.related, "what is related to a post, and why")
    related.add_argument("post", nargs="?", metavar="POST", help="the path of a post's source")
    related.add_argument("--all", action="store_true", help="the lists of all posts")
    help = "what to look at: posts that nothing leads to, missed links, near-duplicates, tags; of POST, or of all"
    related.add_argument("--report", action="store_true", help=help)
    related.add_argument("--count", type=_positive, default=10, metavar="N", help="entries in a list (default: 10)")
    related.add_argument("--format", choices=("text", "json"), default="text", help="how to report (default: text)")
    related.add_argument("--drafts", action="store_true", help="count drafts as published")
    related.add_argument("--future", action="store_true", help="count posts to come as published")
    _add_jobs(related)
    _add_cache(related)

    why = _command(subparsers, "why", commands.why, "which inputs made a page, and why it was rebuilt last")
    why.add_argument("url", metavar="URL", help="the page's address, such as /posts/hello/")
    why.add_argument("--format", choices=("text", "json"), default="text", help="how to report (default: text)")
    _add_cache(why)

    new = _command(subparsers, "new", commands.new, "begin a post")
    new.add_argument("title", nargs="+", metavar="TITLE", help="the post's title")

    clean = _command(subparsers, "clean", commands.clean, "remove the cache")
    clean.add_argument("--output", action="store_true", help="also remove what was published")
    help = "with --output: name the other files there that are not hidden, and ask whether to remove them as well"
    clean.add_argument("--unknown", action="store_true", help=help)
    _add_cache(clean)
    return top


class _Version(argparse.Action):
    def __init__(self, option_strings: Sequence[str], dest: str, **kwargs: Any) -> None:
        super().__init__(option_strings, dest, nargs=0, help="print the version")

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        print(f"octavo {find_version()}")
        parser.exit()


def find_version() -> str:
    """The version that is installed.

    Of a checkout that is not, it is the one that its pyproject.toml will give it.
    """
    import tomllib
    from importlib import metadata

    try:
        return metadata.version("octavo")
    except metadata.PackageNotFoundError:
        pass
    try:
        project = tomllib.loads((Path(__file__).parent.parent.parent / "pyproject.toml").read_text("utf-8"))["project"]
        return str(project["version"]) if project["name"] == "octavo" else "of unknown version"
    except (OSError, KeyError, ValueError):
        return "of unknown version"


def _command(subparsers: Any, name: str, run: Any, help: str) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = subparsers.add_parser(name, help=help, description=help)
    command.set_defaults(run=run)
    command.add_argument("-C", "--directory", default=argparse.SUPPRESS, metavar="DIR", help=argparse.SUPPRESS)
    command.add_argument("--debug", action="store_true", help="print tracebacks")
    return command


def _add_build_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--output", type=_name, default="output", metavar="DIR", help="publish there (default: output)"
    )
    command.add_argument("--base-url", metavar="URL", help="instead of the setting base_url")
    command.add_argument("--drafts", action="store_true", help="publish drafts")
    command.add_argument("--future", action="store_true", help="publish posts with a date to come")
    command.add_argument("--at", type=_time, metavar="TIME", help="build as if it were this time (ISO 8601)")
    _add_jobs(command)
    help = "where to work: local (default), or a Dask cluster, as dask://HOST:PORT"
    command.add_argument("--executor", type=_executor, metavar="WHERE", help=help)
    command.add_argument("--fresh", action="store_true", help="use nothing of earlier builds")
    command.add_argument("--strict", action="store_true", help="treat warnings as errors")
    command.add_argument("--allow-broken-links", action="store_true", help="report broken links as warnings")
    _add_cache(command)
    help = "how long to wait for another build (default: 60)"
    command.add_argument("--wait", type=_seconds, default=60.0, metavar="SECONDS", help=help)


def _add_cache(command: argparse.ArgumentParser) -> None:
    command.add_argument("--cache", type=_name, metavar="DIR", help=f"instead of {CACHE_FOLDER}")


def _add_jobs(command: argparse.ArgumentParser) -> None:
    command.add_argument("--jobs", type=_positive, metavar="N", help="worker processes (default: one for each core)")


def _positive(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text)):
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number from 1")
    return int(text)


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= 65535):
        raise argparse.ArgumentTypeError(f"'{text}' is not a port, a whole number up to 65535")
    return int(text)


def _executor(text: str) -> str | None:
    """The address of a Dask scheduler, HOST:PORT; None for this machine."""
    if text == "local":
        return None
    match = re.fullmatch(r"dask://([^/\s]+:(\d{1,5}))/?", text, re.ASCII)
    if match is None or int(match[2]) > 65535:
        raise argparse.ArgumentTypeError(f"'{text}' is neither local nor an address such as dask://192.0.2.7:8786")
    return match[1]


def _seconds(text: str) -> float:
    if not re.fullmatch(r"\d+(\.\d+)?", text, re.ASCII):
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of seconds")
    return float(text)


def _name(text: str) -> str:
    if not text or "\0" in text:
        raise argparse.ArgumentTypeError(f"{text!r} is not the name of a folder")
    wrong = find_name_fault(text)
    if wrong is not None:
        raise Usage(f"the name of the folder, {text!r}, {wrong[0]}", wrong[1])
    return text


def _time(text: str) -> dt.datetime:
    try:
        moment = dt.datetime.fromisoformat(text)
    except ValueError:
        message = f"'{text}' is not a time: write YYYY-MM-DD or YYYY-MM-DDTHH:MM+00:00"
        raise argparse.ArgumentTypeError(message) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)
