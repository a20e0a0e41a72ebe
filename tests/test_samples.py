"""The samples in the posts, run against the real frameworks.

A fence says what it is by a word after its language:

``run`` or ``run=NAME``
    performed, in order, together with the other fences of the same name in that post. Python or ``shell``.
``file`` or ``file=NAME``
    written to the path in ``title="…"``, below the folder in which that program is performed.
``output`` or ``output=NAME``
    what the fence before it printed, compared exactly.
``norun``
    not meant to run.

What the reader of a post does not need to see, such as asking the application through its test client, stands in
``tests/samples/<post>.py`` or ``tests/samples/<post>.NAME.py``. That file continues the post's program in the same
namespace. A file that ends in ``.before.py`` comes first: it sets up what a post takes for granted, such as a
configured Django.
"""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from mdit_py_plugins.front_matter import front_matter_plugin

ROOT = Path(__file__).parent.parent
POSTS = ROOT / "posts"
CHECKS = ROOT / "tests" / "samples"
WORDS = {"run", "norun", "file", "output"}
FRAMEWORKS = {
    "Flask": "flask",
    "Flask-RESTful": "flask_restful",
    "Flask-WTF": "flask_wtf",
    "Flask-SQLAlchemy": "flask_sqlalchemy",
    "Django": "django",
    "djangorestframework": "rest_framework",
}
SECONDS = 60


@dataclass(frozen=True)
class Fence:
    """``line`` is that of the first line of text, in the post; ``word`` is empty where the fence is not marked."""

    post: Path
    line: int
    language: str
    word: str
    program: str
    title: str
    text: str
    unknown: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        return f"{self.post.relative_to(ROOT).as_posix()}:{self.line - 1}"


def fences(post: Path) -> Iterator[Fence]:
    tokens = MarkdownIt("commonmark").use(front_matter_plugin).parse(post.read_text(encoding="utf-8"))
    for token in tokens:
        if token.type == "fence":
            language, *rest = shlex.split(token.info) or [""]
            word = program = title = ""
            unknown = []
            for part in rest:
                key, _, value = part.partition("=")
                if key == "title":
                    title = value
                elif key in WORDS and not word:
                    word, program = key, value
                elif key != "lines":
                    unknown.append(part)
            assert token.map
            yield Fence(post, token.map[0] + 2, language, word, program, title, token.content, tuple(unknown))


def programs(post: Path) -> dict[str, list[Fence]]:
    found: dict[str, list[Fence]] = {}
    for fence in fences(post):
        if fence.word in {"run", "file", "output"}:
            found.setdefault(fence.program, []).append(fence)
    return found


def check_path(post: Path, program: str, when: str = "") -> Path:
    """``posts/django/2026-02-03-subquery.md`` and ``exists`` -> ``tests/samples/django/subquery.exists.py``."""
    name = re.sub(r"^\d{4}-\d{2}-\d{2}-", "", post.stem)
    parts = [name, *filter(None, [program, when]), "py"]
    return CHECKS / post.relative_to(POSTS).parent / ".".join(parts)


def step(fence: Fence) -> dict[str, str | int]:
    kind = fence.word if fence.word != "run" else "shell" if fence.language == "shell" else "python"
    return {"kind": kind, "source": str(fence.post), "line": fence.line, "text": fence.text, "title": fence.title}


def check_step(path: Path) -> list[dict[str, str | int]]:
    if not path.exists():
        return []
    return [{"kind": "python", "source": str(path), "line": 1, "text": path.read_text(encoding="utf-8"), "title": ""}]


ALL = sorted(POSTS.rglob("*.md"))
PROGRAMS = [
    pytest.param(post, name, id=f"{post.relative_to(POSTS).with_suffix('').as_posix()}{'=' if name else ''}{name}")
    for post in ALL
    for name in programs(post)
]


@pytest.mark.parametrize("distribution", FRAMEWORKS)
def test_framework_is_installed(distribution: str) -> None:
    installed = importlib.util.find_spec(FRAMEWORKS[distribution])
    assert installed, f"the samples need {distribution}: pip install octavo[samples]"
    assert metadata.version(distribution)


def test_there_are_samples() -> None:
    assert len(PROGRAMS) > 20


@pytest.mark.parametrize("post", ALL, ids=lambda post: post.relative_to(POSTS).with_suffix("").as_posix())
def test_fences_are_marked(post: Path) -> None:
    wrong = []
    for fence in fences(post):
        if fence.unknown:
            wrong.append(f"{fence.place}: not known after the language: {' '.join(fence.unknown)}")
        if fence.language == "python" and fence.word not in {"run", "norun", "file"}:
            wrong.append(f"{fence.place}: say run, norun or file after python")
        if fence.word == "run" and fence.language not in {"python", "shell"}:
            wrong.append(f"{fence.place}: cannot run {fence.language or 'text'}")
        if fence.word == "file" and not fence.title:
            wrong.append(f"{fence.place}: a file needs a title, which is its path")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(("post", "program"), PROGRAMS)
def test_sample_runs(post: Path, program: str, tmp_path: Path) -> None:
    found = programs(post)[program]
    check = check_step(check_path(post, program))
    assert check or any(fence.word == "output" for fence in found), "nothing checks what this program does"
    steps = [*check_step(check_path(post, program, "before")), *map(step, found), *check]
    environ = {
        name: value for name, value in os.environ.items() if not name.startswith(("DJANGO_", "FLASK_", "PYTEST_"))
    }
    environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environ.get("PATH", "")])
    done = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning:app", str(CHECKS / "perform.py")],
        input=json.dumps(steps),
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=environ,
        timeout=SECONDS,
    )
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"


def test_every_check_belongs_to_a_program() -> None:
    known = {check_path(post, name, when) for post in ALL for name in programs(post) for when in ("", "before")}
    left = [path for path in CHECKS.rglob("*.py") if path.name != "perform.py" and path not in known]
    assert not left
