"""An incremental build is the clean build where things go wrong around it: damaged caches, files that change while they
are read, functions of build.py that return what cannot be kept."""

from __future__ import annotations

import importlib
import os
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from octavo.output.publish_errors import PublishError
from octavo.project import stat_cache
from octavo.project.site_files import list_site
from tests.sites import SiteFolder, places, post

MakeSite = Callable[[str], SiteFolder]

HEAD = "from octavo import *\nsite = Site(__file__)\n"


@pytest.fixture
def three(site: MakeSite) -> SiteFolder:
    """Three posts under a small layout, not built yet."""
    folder = site("-- layouts/post.html --\n{{ post.title }} {{ content() }}\n")
    for name in "abc":
        folder.write(f"posts/{name}.md", post(name.upper(), body=f"Body of {name}.\n"))
    return folder


def change_cache(folder: SiteFolder, statement: str) -> None:
    file = "output.db" if "manifest" in statement else "cache.db"
    connection = sqlite3.connect(folder.root / ".octavo" / file, isolation_level=None)
    connection.execute(statement)
    connection.close()


@contextmanager
def ahead(seconds: int) -> Iterator[None]:
    """Builds that take themselves to be later, so that files written just now are old enough to be known again."""
    real = time.time_ns
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(time, "time_ns", lambda: real() + seconds * 1_000_000_000)
        yield


def clean_output(folder: SiteFolder, tmp_path: Path) -> dict[str, bytes]:
    """What a build of the same files without a cache publishes."""
    twin = SiteFolder(tmp_path / "twin" / folder.root.name)
    for file in folder.root.rglob("*"):
        path = file.relative_to(folder.root)
        if file.is_file() and path.parts[0] not in (".octavo", "output", "__pycache__"):
            twin.write(path.as_posix(), file.read_bytes())
    twin.built()
    return twin.output()


def test_a_damaged_body_is_read_again_and_is_no_fault_of_the_layout(three: SiteFolder, tmp_path: Path) -> None:
    three.built()
    change_cache(three, "UPDATE parts SET data = x'001122334455667788' WHERE item = 'posts/a.md' AND part = 'body'")
    three.write("layouts/post.html", "new {{ content() }}")
    three.built()
    assert three.output() == clean_output(three, tmp_path)


def test_a_layout_that_changes_before_it_is_read_leaves_no_fault_behind(
    three: SiteFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    three.built()
    three.write("layouts/post.html", "second {{ content() }}")
    real = stat_cache.FileEntry.read
    changed: list[str] = []

    def read(found: stat_cache.FileEntry) -> bytes:
        if found.path == "layouts/post.html" and not changed:
            changed.append(found.path)
            raise stat_cache.FileChanged(found.path)
        return real(found)

    monkeypatch.setattr(stat_cache.FileEntry, "read", read)
    assert three.built().parsed == ()
    assert changed
    assert "second" in three.page("/posts/a/")


@pytest.mark.parametrize(
    "expression",
    [
        "tagged(post.tags[0])",
        "post_at(post)",
        "content(post)",
        "latest(2.0)",
        "related(1.0)",
        "content",
        "site",
        "[1] | map('string')",
        "post.tags | batch(1)",
        "range",
    ],
)
def test_a_layout_that_asks_by_or_shows_what_is_no_plain_value_has_a_fault(three: SiteFolder, expression: str) -> None:
    three.write("posts/a.md", post("A", tags="[x]"))
    three.write("layouts/post.html", "\n{% if post.tags %}{{ " + expression + " }}{% endif %}")
    report = three.build()
    assert [place for place in places(report.problems) if not place.startswith("layouts/post.html:2:")] == []
    assert report.failed


ROWS = """
from dataclasses import dataclass

@dataclass(frozen=True)
class Row:
    name: str

@site.data
def rows(ask):
    @dataclass(frozen=True)
    class Local:
        row: Row
    return [Local(Row("one")), Local(Row("two"))]

@site.data
def letters(ask):
    return {"all": frozenset("hgfedcba")}

@site.pages
def own(ask):
    yield Page("/own/", "own.html", "custom", data=Table({"row": Row("three")}))
"""


def test_what_build_py_returns_is_plain_and_in_order_wherever_it_is_used(three: SiteFolder) -> None:
    three.write("build.py", HEAD + ROWS)
    three.write("layouts/own.html", "{{ page.data.row.name }} {% for x in data('letters').all %}{{ x }}{% endfor %}")
    three.write("layouts/post.html", "{% for local in data('rows') %}{{ local.row.name }} {% endfor %}")
    for number in range(170):
        three.write(f"posts/{number}.md", post(str(number)))
    three.built(jobs=2)
    assert three.page("/own/") == "three abcdefgh"
    assert three.page("/posts/7/") == "one two "


def test_a_page_of_build_py_may_be_of_any_kind_and_about_nothing(three: SiteFolder) -> None:
    three.write(
        "build.py",
        HEAD
        + "@site.pages\ndef own(ask):\n"
        + "    yield Page('/go/', 'redirect.html', 'redirect', '/elsewhere/', 'Gone')\n"
        + "    yield Page('/print/', 'print.html', 'article', 'posts/nosuch.md')\n",
    )
    three.write("layouts/print.html", "{{ content() }}")
    three.built()
    assert "/elsewhere/" in three.page("/go/")


def test_a_check_that_names_no_file_is_a_fault_of_build_py(three: SiteFolder) -> None:
    three.write("build.py", HEAD + "@site.check\ndef own(ask):\n    yield warning(None, None, 'own', 'oh')\n")
    assert places(three.build().problems) == ["build.py: build.py"]


READS = """
from pathlib import Path

@site.data
def note(ask):
    return (ask(File("note.txt")) or b"").decode()

@site.filter
def slowly(text):
    file = Path(__file__).with_name("next.txt")
    if file.exists():
        file.replace(file.with_name("note.txt"))
    return text
"""


def test_a_file_that_build_py_asked_for_and_that_changed_during_the_build_is_seen_by_the_next(
    three: SiteFolder, tmp_path: Path
) -> None:
    three.write("build.py", HEAD + READS)
    three.write("layouts/post.html", "{{ data('note') }} {{ post.title | slowly }}")
    three.write("note.txt", "one").write("next.txt", "two")
    three.built()
    three.built()
    assert three.page("/posts/c/") == "two C"


def test_a_file_that_cannot_be_read_is_asked_for_again(three: SiteFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    three.write("build.py", HEAD + READS).write("note.txt", "one")
    three.write("layouts/post.html", "{{ data('note') }}")
    real = Path.read_bytes

    def read_bytes(path: Path) -> bytes:
        if path.name == "note.txt":
            raise PermissionError(13, "Permission denied", str(path))
        return real(path)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "read_bytes", read_bytes)
        problem, *_ = three.build().problems
        assert "Permission denied: 'note.txt'" in problem.message
    three.built()
    assert three.page("/posts/a/") == "one"


def test_the_module_build_of_octavo_is_not_taken_for_the_build_py_of_the_site(three: SiteFolder) -> None:
    script = (
        "from octavo.project import build\n\n@site.filter\ndef found(path):\n    return build.read_fact(None, path)\n"
    )
    three.write("build.py", HEAD + script)
    three.write("layouts/post.html", "{{ 'note.txt' | found }}")
    problem, *_ = three.build().problems
    line = (HEAD + script).split("return")[0].count("\n") + 1
    assert problem.hint == f"it was raised in line {line} of build.py"


def test_a_build_py_that_changes_before_it_is_run_is_not_taken_for_what_it_was(
    three: SiteFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def script(word: str) -> str:
        return HEAD + f"@site.filter\ndef word(text):\n    return '{word}'\n"

    three.write("layouts/post.html", "{{ '' | word }}")
    three.write("build.py", script("one"))

    def list_then_change(*arguments: Any) -> Any:
        files = list_site(*arguments)
        monkeypatch.setattr("octavo.project.project.list_site", list_site)
        three.write("build.py", script("two"))
        return files

    monkeypatch.setattr("octavo.project.project.list_site", list_then_change)
    three.built()
    assert three.page("/posts/a/") == "two"
    three.write("build.py", script("one")).built()
    assert three.page("/posts/a/") == "one"


def test_modules_of_one_name_in_two_sites_and_beside_them_are_kept_apart(
    three: SiteFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    beside = SiteFolder(tmp_path / "site-library").write("beside_the_site.py", "")
    monkeypatch.syspath_prepend(str(beside.root))
    importlib.import_module("beside_the_site")
    for word, folder in (("one", three), ("two", SiteFolder(tmp_path / "other")), ("three", three)):
        folder.write("posts/a.md", post()).write("layouts/post.html", "{{ '' | word }}")
        folder.write("own_words.py", f"WORD = '{word}'\n")
        folder.write("build.py", HEAD + "import own_words\n@site.filter\ndef word(text):\n    return own_words.WORD\n")
        folder.built()
        assert folder.page("/posts/a/") == word


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE questions SET data = CAST(replace(CAST(data AS TEXT), 'extra.html', 'extrb.html') AS BLOB)",
        "DELETE FROM questions WHERE kind = 'Source'",
        "DELETE FROM about WHERE name = 'answers'",
        "UPDATE runs SET data = x'00' WHERE step = 'parse'",
        "UPDATE parts SET data = x'00' WHERE part = 'meta'",
        "DELETE FROM parts WHERE part = 'body'",
        "UPDATE states SET digest = x'00112233445566778899aabbccddeeff'",
        "UPDATE manifest SET digest = x'00112233445566778899aabbccddeeff'",
    ],
)
def test_a_damaged_row_of_the_cache_is_never_believed(three: SiteFolder, tmp_path: Path, damage: str) -> None:
    three.write("layouts/post.html", "{{ content() }}{% include 'extra.html' ignore missing %}")
    for file in (three.root / "posts").iterdir():
        os.utime(file, (1e9, 1e9))
    with ahead(10):
        three.built()
    change_cache(three, damage)
    three.write("layouts/extra.html", "extra").write("posts/b.md", post("New")).delete("posts/c.md")
    with ahead(20):
        three.built()
    assert three.output() == clean_output(three, tmp_path)


def test_a_cache_that_another_process_keeps_locked_is_neither_waited_for_without_end_nor_deleted(
    three: SiteFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    three.built()
    other = sqlite3.connect(three.root / ".octavo/cache.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    monkeypatch.setattr("octavo.engine.database.PATIENCE", 0.01)
    with pytest.raises(PublishError, match="locked"):
        three.write("posts/d.md", post("D")).build()
    other.close()
    assert "/posts/b/" not in three.built().rendered


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("assets/root/robots.txt", "assets/root/robots.txt: clash"),
        ("assets/root/tags", "assets/root/tags: clash"),
        ("build.py", "pyproject.toml: clash"),
    ],
)
def test_what_no_post_has_claimed_twice_is_a_clash(three: SiteFolder, path: str, place: str) -> None:
    three.built()
    before = three.output()
    own = "@site.pages\ndef own(ask):\n    yield Page('/tags/', '404.html', 'custom')\n"
    three.write(path, HEAD + own if path == "build.py" else "mine")
    assert place in places(three.build().problems)
    assert three.output() == before
    three.delete(path).built()
    assert three.output() == before


@pytest.mark.parametrize(
    "way",
    [
        "import importlib\nmodule = importlib.import_module('hidden.words')\n",
        "import sys\nsys.path.insert(0, __file__.removesuffix('build.py') + 'hidden')\nimport words\n",
    ],
)
def test_a_module_whose_edits_would_not_be_seen_is_a_fault_of_build_py(three: SiteFolder, way: str) -> None:
    three.write("hidden/words.py", "").write("build.py", HEAD + way)
    (problem,) = three.build().problems
    assert "hidden/words.py" in problem.message


def test_packages_are_followed_to_the_last_module(three: SiteFolder) -> None:
    three.write("layouts/post.html", "{{ '' | word }}")
    three.write("parts/__init__.py", "").write("parts/a.py", "from .deep.b import WORD\n")
    three.write("parts/deep/b.py", "from ..c import WORD\n").write("parts/c.py", "WORD = 'one'\n")
    three.write("build.py", HEAD + "@site.filter\ndef word(text):\n    from parts import a\n    return a.WORD\n")
    three.built()
    three.write("parts/c.py", "WORD = 'two'\n").built()
    assert three.page("/posts/a/") == "two"
