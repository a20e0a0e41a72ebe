"""Run Octavo's commands so that they die, or fail, at the n-th call that writes.

``python -m tests.faulting`` is a server. It reads a Run as a line of JSON, forks, and answers with an Outcome. It has
imported everything before, so that a run costs what the command does and not what Python's start does. It needs
``fork``, and ``/proc`` for calls that name an open file.

What counts as a call that writes is whatever concerns the site's folder and is

- an audit event of Python: a file opened to be written, a rename, a removal, a folder made or removed, a link, a mode,
- a write into such a file, of which half is done when the run ends there; ``os.write``, ``ftruncate``, ``fsync`` …,
- the opening of an SQLite file, and a statement that writes, begins or commits.

The run ends, or fails, before the call. What lies between two calls is seen by ending before the second.
"""

from __future__ import annotations

import builtins
import errno
import io
import json
import os
import pkgutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from tests.sites import BASE, files_in, post

SITE = "".join(
    f"-- {path} --\n{text}\n"
    for path, text in {
        "pyproject.toml": BASE + "paginate = 2",
        "posts/alpha.md": post("Alpha", "2026-01-01", "One [two](beta.md).", tags="[orm, web]"),
        "posts/beta.md": post("Beta", "2026-01-02", "Two.", tags="[orm]"),
        "posts/gamma.md": post("Gamma", "2026-01-03", "Three."),
        "assets/root/thing": "a file",
        "assets/root/other/inside.txt": "a file in a folder",
        "assets/root/Readme.txt": "read",
        "assets/root/old.txt": "old",
    }.items()
)
"""A small site."""


@dataclass(frozen=True)
class Run:
    """A command in a site's folder. ``kill`` is the number of the call at which it is killed, from 1.

    With ``error``, the name of an errno, the call with the number ``fail`` fails, and with ``stays`` all that come
    after it in the folder ``under``.
    """

    folder: str
    arguments: tuple[str, ...]
    kill: int = 0
    error: str = ""
    fail: int = 0
    stays: bool = False
    under: str = ".octavo"


@dataclass(frozen=True)
class Outcome:
    """How a command ended: a negative status is a signal. ``calls`` are those that write, also those that failed."""

    status: int
    out: str
    err: str
    calls: list[str] = field(default_factory=list)

    def is_killed(self) -> bool:
        return self.status == -signal.SIGKILL


class Server:
    """A process that runs commands, one at a time. Use it as a context."""

    def __enter__(self) -> Server:
        here = str(Path(__file__).parent.parent)
        path = os.pathsep.join(filter(None, (here, os.environ.get("PYTHONPATH", ""))))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faulting"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=here,
            env=os.environ | {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
        )
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()

    def run(self, run: Run) -> Outcome:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps(asdict(run)) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "the server has ended"
        return Outcome(**json.loads(answer))


# In the server.


def serve() -> None:
    import octavo

    for module in pkgutil.walk_packages(octavo.__path__, "octavo."):
        if module.name != "octavo.__main__":
            import_module(module.name)
    _import_what_a_build_needs()
    for line in sys.stdin:
        asked = json.loads(line)
        print(json.dumps(asdict(_forked(Run(**asked | {"arguments": tuple(asked["arguments"])})))), flush=True)


def _import_what_a_build_needs() -> None:
    """What is imported late would else be imported in every run. Only the names come back from the child."""
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as names:
        for path, text in files_in(SITE):
            (Path(folder) / path).parent.mkdir(parents=True, exist_ok=True)
            (Path(folder) / path).write_text(text, "utf-8")
        child = os.fork()
        if child == 0:
            try:
                with open(os.devnull, "w") as nowhere:  # noqa: PTH123
                    os.dup2(nowhere.fileno(), 1)
                    os.dup2(nowhere.fileno(), 2)
                os.chdir(folder)
                from octavo.cli.main import main

                main(["build", "--jobs", "1"])
                os.write(names.fileno(), "\n".join(sorted(sys.modules)).encode())
            finally:
                os._exit(0)
        os.waitpid(child, 0)
        for name in _text(names).splitlines():
            with suppress(ImportError):
                import_module(name)


def _forked(run: Run) -> Outcome:
    with (
        tempfile.TemporaryFile() as out,
        tempfile.TemporaryFile() as err,
        tempfile.TemporaryFile() as calls,
    ):
        child = os.fork()
        if child == 0:
            status = 70
            try:
                status = _command(run, out.fileno(), err.fileno(), calls.fileno())
            finally:
                os._exit(status)
        _, status = os.waitpid(child, 0)
        return Outcome(os.waitstatus_to_exitcode(status), _text(out), _text(err), _text(calls).splitlines())


def _text(file: Any) -> str:
    file.seek(0)
    return cast(bytes, file.read()).decode("utf-8", "backslashreplace")


def _command(run: Run, out: int, err: int, calls: int) -> int:
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(out, 1)
    os.dup2(err, 2)
    os.chdir(run.folder)
    _install(_Counter(run, calls))
    from octavo.cli.main import main

    try:
        status = main(list(run.arguments))
    except SystemExit as problem:
        status = problem.code if isinstance(problem.code, int) else 1
    except BaseException:
        import traceback

        traceback.print_exc()
        status = 70
    sys.stdout.flush()
    sys.stderr.flush()
    return status


_SAYS = {
    "ENOSPC": ("SQLITE_FULL", "database or disk is full"),
    "EIO": ("SQLITE_IOERR", "disk I/O error"),
    "EROFS": ("SQLITE_READONLY", "attempt to write a readonly database"),
    "EMFILE": ("SQLITE_CANTOPEN", "unable to open database file"),
}
"""What SQLite says of an errno: the name of its own error, and the words."""


class _Counter:
    """Counts the calls that write, and ends the run or has the call fail where that is asked for."""

    def __init__(self, run: Run, log: int) -> None:
        self._run = run
        self._log = log
        self._root = os.path.realpath(".")
        self._under = self.inside(run.under) or run.under
        self._calls = 0
        self._write = os.write

    def inside(self, path: object, folder: object = -1) -> str:
        """The path relative to the site's folder; empty for what is not in it. ``folder`` is a descriptor."""
        try:
            at = f"/proc/self/fd/{path}"
            text = os.readlink(at) if isinstance(path, int) else os.fsdecode(cast(str, path))  # noqa: PTH115
            if isinstance(folder, int) and folder >= 0:
                text = os.path.join(os.readlink(f"/proc/self/fd/{folder}"), text)  # noqa: PTH115, PTH118
        except (OSError, TypeError):
            return ""
        text = os.path.abspath(text)  # noqa: PTH100
        return text[len(self._root) + 1 :] if text.startswith(self._root + "/") else ""

    def call(self, name: str, path: str, half: Callable[[], object] | None = None, is_sqlite: bool = False) -> None:
        """Note a call. ``half`` does half of it, for a run that ends or fails there."""
        self._calls += 1
        self._write(self._log, os.fsencode(f"{name} {path}\n"))
        if self._calls == self._run.kill:
            if half:
                half()
            os.kill(os.getpid(), signal.SIGKILL)
        if not self._run.error or self._calls < self._run.fail:
            return
        # What frees space or tidies up succeeds on a full disk, and with too many open files.
        if self._run.error in ("ENOSPC", "EMFILE") and name in ("os.remove", "os.rmdir"):
            return
        if self._calls == self._run.fail or (self._run.stays and self._is_under(path)):
            if half:
                half()
            raise self._sqlite_error() if is_sqlite else self._os_error(path)

    def _is_under(self, path: str) -> bool:
        return any(part == self._under or part.startswith(self._under + "/") for part in path.split(" -> "))

    def _os_error(self, path: str) -> OSError:
        number = getattr(errno, self._run.error)
        return OSError(number, os.strerror(number), path)

    def _sqlite_error(self) -> sqlite3.OperationalError:
        name, words = _SAYS[self._run.error]
        problem = sqlite3.OperationalError(words)
        problem.sqlite_errorname, problem.sqlite_errorcode = name, getattr(sqlite3, name)
        return problem


_WRITES = frozenset("insert replace update delete create drop alter begin commit end vacuum reindex".split())


def _install(counter: _Counter) -> None:
    opened_in = [-1]

    def hear(event: str, values: tuple[Any, ...]) -> None:
        match event:
            case "open":
                path, _, flags = values
                if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC) and not isinstance(path, int):
                    makes = flags & (os.O_CREAT | os.O_TRUNC)
                    note("open" if makes else "reopen", counter.inside(path, opened_in[0]))
            case "os.rename" | "os.link":
                old, new = counter.inside(values[0], values[2]), counter.inside(values[1], values[3])
                note(event, f"{old} -> {new}" if old or new else "")
            case "os.symlink":
                note(event, counter.inside(values[1], values[2]))
            case "os.remove" | "os.rmdir":
                note(event, counter.inside(values[0], values[1]))
            case "os.mkdir" | "os.chmod":
                note(event, counter.inside(values[0], values[2]))
            case "os.truncate":
                note(event, counter.inside(values[0]))

    def note(name: str, path: str) -> None:
        if path:
            counter.call(name, path)

    sys.addaudithook(hear)
    _wrap_descriptors(counter, opened_in)
    _wrap_files(counter)
    _wrap_sqlite(counter)


def _wrap_descriptors(counter: _Counter, opened_in: list[int]) -> None:
    """What no audit event tells of, and the folder of ``os.open``, which its event leaves out."""
    real_open, real_write = os.open, os.write

    def open_in(path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        opened_in[0] = -1 if dir_fd is None else dir_fd
        try:
            return real_open(path, flags, mode, dir_fd=dir_fd)
        finally:
            opened_in[0] = -1

    def write(descriptor: int, data: Any) -> int:
        path = counter.inside(descriptor) if descriptor > 2 else ""
        if path:
            counter.call("write", path, lambda: real_write(descriptor, bytes(data)[: len(data) // 2]))
        return real_write(descriptor, data)

    def wrap(name: str) -> None:
        real = getattr(os, name)

        def call(descriptor: int, *values: Any, **named: Any) -> Any:
            path = counter.inside(descriptor)
            if path:
                counter.call(name, path)
            return real(descriptor, *values, **named)

        setattr(os, name, call)

    os.open, os.write = open_in, write
    for name in ("fsync", "fdatasync", "ftruncate", "sendfile", "pwrite", "posix_fallocate"):
        if hasattr(os, name):
            wrap(name)


def _wrap_files(counter: _Counter) -> None:
    """Files opened to be written, so that a write may be done by half."""
    real = io.open

    class Raw(io.FileIO):
        def write(self, data: Any, /) -> int:
            half = bytes(data)[: len(data) // 2]
            counter.call("write", str(self.subject), lambda: super(Raw, self).write(half))
            return super().write(data)

        subject = ""

    def open_counted(
        file: Any,
        mode: str = "r",
        buffering: int = -1,
        encoding: str | None = None,
        errors: str | None = None,
        newline: str | None = None,
        closefd: bool = True,
        opener: Any = None,
    ) -> Any:
        path = "" if isinstance(file, int) else counter.inside(file)
        if not path or not set(mode) & set("wax") or "+" in mode:
            return real(file, mode, buffering, encoding, errors, newline, closefd, opener)
        raw = Raw(file, mode.replace("b", "").replace("t", ""), closefd, opener)
        raw.subject = path
        if buffering == 0:
            return raw
        buffered = io.BufferedWriter(raw, buffering if buffering > 1 else io.DEFAULT_BUFFER_SIZE)
        return buffered if "b" in mode else io.TextIOWrapper(buffered, encoding, errors, newline)

    io.open = builtins.open = open_counted


def _wrap_sqlite(counter: _Counter) -> None:
    real = sqlite3.connect

    class Connection(sqlite3.Connection):
        subject = ""
        noted: set[str] = set()  # noqa: RUF012 - replaced at the first statement

        def _note(self, statement: str) -> None:
            words = statement.split(None, 2)
            verb = words[0].lower().strip(";") if words else ""
            if not self.subject or not (verb in _WRITES or (verb == "pragma" and "=" in statement)):
                return
            # Within a transaction one row is as good as the next: all of them are there afterwards, or none.
            if not self.in_transaction:
                self.noted = set()
            elif statement in self.noted:
                return
            self.noted.add(statement)
            counter.call("sqlite", f"{' '.join(statement.split())[:40]} -> {self.subject}", None, True)

        def execute(self, statement: str, *values: Any) -> sqlite3.Cursor:
            self._note(statement)
            return super().execute(statement, *values)

        def executemany(self, statement: str, *values: Any) -> sqlite3.Cursor:
            self._note(statement)
            return super().executemany(statement, *values)

        def executescript(self, script: str) -> sqlite3.Cursor:
            cursor = self.cursor()
            statement = ""
            for part in script.split(";"):
                statement += part + ";"
                if sqlite3.complete_statement(statement):
                    if statement.strip("; \n"):
                        cursor = self.execute(statement)
                    statement = ""
            return cursor

        def commit(self) -> None:
            if self.in_transaction:
                self._note("COMMIT")
            super().commit()

    def connect(database: Any, *values: Any, **named: Any) -> sqlite3.Connection:
        text = os.fsdecode(database)
        if text.startswith("file:"):
            from urllib.parse import unquote

            text = unquote(text.removeprefix("file:").partition("?")[0])
        place = "" if text in ("", ":memory:") else counter.inside(text)
        if place:
            counter.call("sqlite3.connect", place, None, True)
        connection = cast(Connection, real(database, *values, **named | {"factory": Connection}))
        connection.subject = place
        return connection

    sqlite3.connect = connect  # type: ignore[assignment]  # it has overloads


if __name__ == "__main__":
    serve()
