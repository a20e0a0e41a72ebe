"""An incremental build is the clean build where things go wrong around it: damaged caches, files that change while they
are read, functions of build.py that return what cannot be kept."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest

from octavo import disk
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
    connection = sqlite3.connect(folder.root / ".octavo/cache.db", isolation_level=None)
    connection.execute(statement)
    connection.close()


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
    real = disk.Found.read
    changed: list[str] = []

    def read(found: disk.Found) -> bytes:
        if found.path == "layouts/post.html" and not changed:
            changed.append(found.path)
            raise disk.FileChanged(found.path)
        return real(found)

    monkeypatch.setattr(disk.Found, "read", read)
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
