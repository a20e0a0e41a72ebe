"""A cache that somebody else made: nothing of it runs, and nothing outside ``output/`` is written or removed for it.

Each value, row and file below ``.octavo/`` is exchanged for one that would run a command, lead elsewhere or name a file
that is not ours, and then the commands are run that would read it.
"""

from __future__ import annotations

import ast
import marshal
import os
import pickle
import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any
from zlib import crc32

import msgspec
import pytest

from octavo.cli import main
from octavo.engine.store import CorruptStore
from octavo.preview.session import PreviewSession
from octavo.project.build_report import Options
from octavo.project.project import Project
from tests.sites import SiteFolder, post
from tests.test_database import hot_journal

PACKAGE = Path(__file__).parent.parent / "octavo"

ARCHIVE = (
    "-- posts/alpha.md --\n"
    + post(
        "Alpha", tags="[one, two]", aliases="[/old/]", body="Of rivers and [beta](beta.md), `code` too.\n\n## Part\n"
    )
    + "-- posts/beta.md --\n"
    + post("Beta", tags="[one]", series="Rivers", body="Of rivers and stones, and of [alpha](alpha.md#part).\n")
    + "-- posts/later.md --\n"
    + post("Later", date="2999-01-01")
    + "-- posts/note.txt --\nA file beside.\n"
    + "-- layouts/post.html --\n{% extends 'base.html' %}{% block main %}{{ post.title }} {{ content() }}"
    "{% for each in related(2) %}<a href='{{ each.url }}'>{{ each.title }}</a>{% endfor %}{% endblock %}\n"
    + "-- pyproject.toml --\n[tool.octavo]\ntitle = 'Foreign'\nbase_url = 'https://foreign.example'\n"
    + "-- output/CNAME --\nforeign.example\n-- output/.git/config --\n[core]\n-- output/mine/photo.jpg --\nphoto\n"
)

OWN = ("CNAME", ".git/config", "mine/photo.jpg")
"""Files in the output folder that Octavo did not write."""


def no_pickle(tree: ast.Module) -> Iterator[str]:
    """What a module does that could run what a file says."""
    for node in ast.walk(tree):
        names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module, *(f"{node.module}.{each.name}" for each in node.names)]
        for name in names:
            if name.split(".")[0] in ("pickle", "_pickle", "shelve", "dill", "cloudpickle", "dbm"):
                yield name
            if name in ("marshal.load", "marshal.loads"):
                yield name
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            if node.value.id == "marshal" and node.attr.startswith("load"):
                yield f"marshal.{node.attr}"
            if node.attr in ("allow_pickle",):
                yield node.attr


@pytest.mark.parametrize("module", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.stem)
def test_no_module_reads_what_could_run(module: Path) -> None:
    assert list(no_pickle(ast.parse(module.read_text("utf-8")))) == []


@dataclass
class Clone:
    """A site as somebody got it, with a cache in it, in a folder with files beside it."""

    folder: SiteFolder
    canary: Path

    @property
    def root(self) -> Path:
        return self.folder.root

    @property
    def cache(self) -> Path:
        return self.root / ".octavo"

    def outside(self) -> dict[str, bytes]:
        """All files around and in the site but for its cache and its output; and what in that is not Octavo's."""
        around = self.root.parent
        found = {}
        for path in around.rglob("*"):
            name = path.relative_to(around).as_posix()
            inner = path.relative_to(self.root).parts[:1] if path.is_relative_to(self.root) else ()
            if inner and inner[0] in (".octavo", "output"):
                continue
            found[name] = path.read_bytes() if path.is_file() else b""
        for name in OWN:
            found[name] = (self.root / "output" / name).read_bytes()
        return found

    def run(self, *command: str) -> int:
        """A command as an author calls it, in this process."""
        arguments = ["-C", str(self.root), *command]
        if command[0] in ("build", "check", "related"):
            arguments += ["--jobs", "1"]
        return main.main(arguments)


COMMANDS = (
    ("build",),
    ("check",),
    ("related", "--all"),
    ("why", "/posts/alpha/"),
    ("build", "--fresh"),
    ("clean", "--output"),
)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site that was built twice, and edited since: a command would read most of its cache."""
    folder = SiteFolder(tmp_path_factory.mktemp("built") / "site")
    folder.root.mkdir()
    folder.edit(ARCHIVE)
    folder.built()
    folder.replace("posts/alpha.md", "Of rivers", "Of wide rivers").built()
    folder.replace("posts/alpha.md", "wide rivers", "narrow rivers")
    return folder.root


@pytest.fixture
def clone(built: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], Clone]:
    count = iter(range(100_000))

    def make() -> Clone:
        around = tmp_path / f"n{next(count)}"
        shutil.copytree(built, around / "site", symlinks=True)
        (around / "canary.txt").write_text("alive")
        (around / "site/output-evil").mkdir()
        return Clone(SiteFolder(around / "site"), around / "ran")

    return make


class Runs:
    """Pickled, it makes a folder when it is read."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.canary),)


def code_for(canary: Path) -> bytes:
    return marshal.dumps(compile(f"import os; os.mkdir({str(canary)!r})", "layout", "exec"))


def rows(file: Path) -> list[tuple[str, str, tuple[Any, ...]]]:
    """(table, column, key) of each value of a database."""
    found = []
    with closing(sqlite3.connect(file)) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            columns = [(row[1], row[5]) for row in connection.execute(f"PRAGMA table_info({table})")]
            keys = [name for name, is_key in columns if is_key]
            for row in connection.execute(f"SELECT {', '.join(keys)} FROM {table}").fetchall():
                found += [
                    (table, name, row) for name, is_key in columns if not is_key or table in ("manifest", "journal")
                ]
    return found


IS_THOROUGH = bool(os.environ.get("OCTAVO_THOROUGH"))
"""Whether each value is tried with each payload, as ``make fuzz`` does. Else one of each kind is tried with one."""


def chosen(file: Path) -> list[tuple[str, str, tuple[Any, ...]]]:
    """The values that are exchanged: all, or one of those that are read by the same code."""
    found = rows(file)
    if IS_THOROUGH:
        return found
    kinds = {(table, column, _kind(table, key)): (table, column, key) for table, column, key in found}
    return list(kinds.values())


def _kind(table: str, key: tuple[Any, ...]) -> tuple[Any, ...]:
    if table == "questions":
        return ()
    if table == "parts":
        return key[0] if key[0].startswith("shelf") else key[:2]
    return key if table in ("about", "runs") else ()


def put(file: Path, table: str, column: str, key: tuple[Any, ...], value: Any) -> None:
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        keys = [row[1] for row in connection.execute(f"PRAGMA table_info({table})") if row[5]]
        where = " AND ".join(f"{name} IS ?" for name in keys)
        connection.execute(f"UPDATE OR REPLACE {table} SET {column} = ? WHERE {where}", (value, *key))


def get(file: Path, table: str, column: str, key: tuple[Any, ...]) -> Any:
    with closing(sqlite3.connect(file)) as connection:
        keys = [row[1] for row in connection.execute(f"PRAGMA table_info({table})") if row[5]]
        where = " AND ".join(f"{name} IS ?" for name in keys)
        (value,) = connection.execute(f"SELECT {column} FROM {table} WHERE {where}", key).fetchone()
        return value


def sealed(table: str, key: tuple[Any, ...], body: bytes) -> bytes:
    """A value with a checksum that is right: whoever writes one can work it out."""
    place = key if table == "parts" else (table, *key)
    name = "\0".join(map(str, place)).encode("utf-8", "surrogatepass")
    return crc32(body, crc32(name)).to_bytes(4, "little") + body


def test_the_checksum_that_the_tests_work_out_is_the_right_one(built: Path) -> None:
    file = built / ".octavo/cache.db"
    for table, column, key in rows(file):
        if table in ("about", "questions", "runs", "parts"):
            value = get(file, table, column, key)
            assert sealed(table, key, value[4:]) == value


DATABASES = ("cache.db", "output.db")


@pytest.mark.parametrize("turn", range(3 if IS_THOROUGH else 1))
def test_a_value_that_would_run_a_command_is_not_run(built: Path, clone: Callable[[], Clone], turn: int) -> None:
    harmed = []
    every = [(name, *row) for name in DATABASES for row in chosen(built / ".octavo" / name)]
    for number, (name, table, column, key) in enumerate(every):
        site, command = clone(), COMMANDS[number % len(COMMANDS)]
        payloads = (
            pickle.dumps(Runs(site.canary)),
            code_for(site.canary),
            msgspec.msgpack.encode("../canary.txt"),
        )
        data = payloads[(number // len(COMMANDS) + turn) % len(payloads)]
        value: Any = data
        if table in ("states", "reasons", "manifest", "journal", "lists"):
            value = data if number % 2 else "../canary.txt"
        else:
            value = sealed(table, key, data)
        put(site.cache / name, table, column, key, value)
        before = site.outside()
        status = site.run(*command)
        if (site.outside(), site.canary.exists()) != (before, False) or status not in (0, 1, 2):
            harmed.append((table, column, key, command, status))
        shutil.rmtree(site.root.parent)
    assert harmed == []


def test_the_pickle_of_these_tests_is_one_that_does_harm(tmp_path: Path) -> None:
    pickle.loads(pickle.dumps(Runs(tmp_path / "ran")))
    exec(marshal.loads(code_for(tmp_path / "ran too")))
    assert (tmp_path / "ran").is_dir() and (tmp_path / "ran too").is_dir()


# Values in the place of others, and values that are well made and say something else.


@pytest.fixture(scope="module")
def clean(built: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What is published of the site by a build from nothing."""
    folder = SiteFolder(tmp_path_factory.mktemp("clean") / "site")
    shutil.copytree(built, folder.root, ignore=shutil.ignore_patterns(".octavo", "output"))
    folder.built()
    return without_ours(folder.output())


def without_ours(files: dict[str, bytes]) -> dict[str, bytes]:
    return {name: data for name, data in files.items() if name not in OWN and name != ".octavo-written"}


def test_a_value_in_the_place_of_another_is_noticed(
    built: Path, clean: dict[str, bytes], clone: Callable[[], Clone]
) -> None:
    file = built / ".octavo/cache.db"
    found = [row for row in chosen(file) if row[0] in ("about", "questions", "runs", "parts")]
    for here, there in zip(found, [*found[1:], found[0]], strict=True):
        site = clone()
        put(site.cache / "cache.db", *here, get(file, *there))
        before = site.outside()
        assert site.run("build") == 0
        assert site.outside() == before
        assert without_ours(site.folder.output()) == clean, (here, there)
        shutil.rmtree(site.root.parent)


ELSEWHERE = ("../canary.txt", ".git/hooks/pre-push", "posts/../../../canary.txt", "/canary.txt")


def led_elsewhere(value: Any, target: str) -> Any:
    """A value of MessagePack in which every path and address is another one."""
    if isinstance(value, str):
        if value.startswith("/"):
            return f"/{target}"
        return target if "/" in value or value.endswith((".md", ".html", ".css")) else value
    if isinstance(value, dict):
        return {led_elsewhere(key, target): led_elsewhere(each, target) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(led_elsewhere(each, target) for each in value)
    return value


@pytest.mark.parametrize("turn", range(len(ELSEWHERE) if IS_THOROUGH else 1))
def test_a_well_made_value_that_leads_elsewhere_leads_nowhere(
    built: Path, clone: Callable[[], Clone], turn: int
) -> None:
    """Pages of such a cache may be published, or the build may fail over it: no more than that."""
    file = built / ".octavo/cache.db"
    unpack, pack = msgspec.msgpack.Decoder().decode, msgspec.msgpack.Encoder().encode
    tried, harmed = 0, []
    for number, (table, column, key) in enumerate(chosen(file), turn):
        if table not in ("about", "questions", "runs", "parts"):
            continue
        body = get(file, table, column, key)[4:]
        start = 16 if table == "about" and key[0].startswith(("kept", "shelf")) else 0
        try:
            value = unpack(body[start:])
        except msgspec.DecodeError:
            continue
        changed = led_elsewhere(value, ELSEWHERE[number % len(ELSEWHERE)])
        if changed == value:
            continue
        tried += 1
        site = clone()
        put(site.cache / "cache.db", table, column, key, sealed(table, key, body[:start] + pack(changed)))
        before = site.outside()
        for command in (("build",), ("clean", "--output")):
            site.run(*command)
            if site.outside() != before:
                harmed.append((table, key, command))
        shutil.rmtree(site.root.parent)
    assert harmed == []
    assert tried > 20


# Files.

STATEMENTS = {
    "a trigger": "CREATE TRIGGER more AFTER INSERT ON {table} BEGIN DELETE FROM {table}; END",
    "a view": "CREATE VIEW more AS SELECT * FROM {table}",
    "an index": "CREATE INDEX more ON {table} (1)",
    "a column": "ALTER TABLE {table} ADD COLUMN more DEFAULT 1",
    "a table": "CREATE TABLE more (x)",
}


@pytest.mark.parametrize("statement", STATEMENTS.values(), ids=STATEMENTS)
@pytest.mark.parametrize("name", DATABASES)
def test_a_database_that_declares_more_is_set_aside(clone: Callable[[], Clone], name: str, statement: str) -> None:
    for command in COMMANDS:
        site = clone()
        with closing(sqlite3.connect(site.cache / name, isolation_level=None)) as connection:
            tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
            for number, table in enumerate(tables):
                connection.execute(statement.format(table=table).replace("more", f"more{number}"))
        before = site.outside()
        assert site.run(*command) in (0, 2), command
        assert site.outside() == before, command


@pytest.mark.parametrize("name", DATABASES)
def test_a_rollback_journal_beside_a_database_is_never_read(clone: Callable[[], Clone], name: str) -> None:
    for command in COMMANDS:
        site = clone()
        with closing(sqlite3.connect(site.cache / name)) as connection:
            connection.execute("PRAGMA journal_mode = DELETE")
        pages = (site.cache / name).stat().st_size // 4096
        (site.cache / f"{name}-journal").write_bytes(hot_journal(site.root.parent / "canary.txt", pages))
        before = site.outside()
        assert site.run(*command) == 0, command
        assert site.outside() == before, command


@pytest.mark.parametrize("content", ["pickle", "code", "zeros", "nothing", "text"])
def test_any_file_of_the_cache_may_be_another(built: Path, clone: Callable[[], Clone], content: str) -> None:
    names = [path.relative_to(built).as_posix() for path in (built / ".octavo").rglob("*") if path.is_file()]
    extra = [".octavo/stamp", ".octavo/aside", ".octavo/staging", ".octavo/crash.log", ".octavo/images"]
    for name, command in zip(dict.fromkeys([*names, *extra]), cycle(COMMANDS), strict=False):
        site = clone()
        data = {
            "pickle": pickle.dumps(Runs(site.canary)),
            "code": code_for(site.canary),
            "zeros": bytes(5000),
            "nothing": b"",
            "text": b"../canary.txt\n",
        }[content]
        file = site.root / name
        if file.is_dir():
            shutil.rmtree(file)
        file.write_bytes(data)
        file.chmod(0o755)
        before = site.outside()
        for each in (command, ("build",)):
            assert site.run(*each) in (0, 2), (name, each)
            assert (site.outside(), site.canary.exists()) == (before, False), (name, each)
        assert not any(os.access(path, os.X_OK) for path in (site.root / "output").rglob("*") if path.is_file())


@pytest.mark.parametrize("name", DATABASES)
def test_a_database_with_a_damaged_page_is_begun_anew(clone: Callable[[], Clone], name: str) -> None:
    chance = random.Random(name)
    site = clone()
    with closing(sqlite3.connect(site.cache / name)) as connection:
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    pages = (site.cache / name).stat().st_size // size
    for number in range(pages) if IS_THOROUGH else sorted(chance.sample(range(pages), min(4, pages))):
        site, command = clone(), COMMANDS[number % len(COMMANDS)]
        with (site.cache / name).open("r+b") as file:
            file.seek(number * size + (100 if number == 0 else 0))
            file.write(chance.randbytes(size - 100))
        before = site.outside()
        assert site.run(*command) in (0, 2), (number, command)
        assert site.run("build") == 0, (number, command)
        assert site.outside() == before, (number, command)


# The preview keeps a cache of its own.


def look_at(site: SiteFolder) -> dict[str, bytes]:
    """What a preview shows of each page."""
    options = Options(
        output=str(site.root / ".octavo/preview/site"), preview="preview", drafts=True, future=True, jobs=1
    )
    with Project(site.root, options) as project:
        desk = PreviewSession(project)
        desk.refresh()
        assert desk.snapshot is not None
        shown: dict[str, bytes] = {}
        for url in sorted(desk.snapshot.pages):
            try:
                page = desk.render_page(url)
            except CorruptStore:  # as ``preview`` does
                desk.discard_cache()
                desk.refresh()
                page = desk.render_page(url)
            assert page is not None
            shown[url] = page.content
        desk.close()
        return shown


@pytest.fixture(scope="module")
def previewed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, bytes]]:
    """A site that a preview has shown, edited since, and what a preview from nothing shows of it."""
    folder = SiteFolder(tmp_path_factory.mktemp("previewed") / "site")
    folder.root.mkdir()
    folder.edit(ARCHIVE)
    look_at(folder)
    folder.replace("posts/alpha.md", "Of rivers", "Of wide rivers")
    clean = SiteFolder(tmp_path_factory.mktemp("fresh") / "site")
    shutil.copytree(folder.root, clean.root, ignore=shutil.ignore_patterns(".octavo"))
    return folder.root, look_at(clean)


def test_a_preview_runs_nothing_of_its_cache_and_shows_what_the_files_say(
    previewed: tuple[Path, dict[str, bytes]], tmp_path: Path
) -> None:
    root, expected = previewed
    for number, (table, column, key) in enumerate(chosen(root / ".octavo/preview/cache.db")):
        around = tmp_path / str(number)
        site = Clone(SiteFolder(Path(shutil.copytree(root, around / "site"))), around / "ran")
        data = (pickle.dumps(Runs(site.canary)), code_for(site.canary), b"")[number % 3]
        is_plain = table in ("states", "reasons")
        put(site.cache / "preview/cache.db", table, column, key, data if is_plain else sealed(table, key, data))
        before = site.outside()
        assert look_at(site.folder) == expected, (table, column, key)
        assert (site.outside(), site.canary.exists()) == (before, False), (table, column, key)
        shutil.rmtree(around)
