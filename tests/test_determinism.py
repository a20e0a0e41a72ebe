"""The same site, made under other circumstances, is the same bytes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.sites import BASE, SiteFolder, post

MakeSite = Callable[[str], SiteFolder]
ROOT = Path(__file__).parent.parent

BODY = """\
Some words about {topic}, <!-- an aside --> with `code` and a [link]({other}).

## Details of {topic}

```python
def {topic}(x: int) -> str:
    return f"{{x}} {topic}"
```

| a | b |
|:--|--:|
| 1 | 2 |

And a note[^1].

[^1]: On {topic}.
"""
TOPICS = ["index", "join", "cursor", "schema", "view", "route", "form", "cookie", "cache", "proxy", "größe", "日本"]


def write_posts(folder: SiteFolder, names: list[int]) -> None:
    for number in names:
        topic = TOPICS[number % len(TOPICS)]
        other = f"p{(number * 7 + 1) % 40:02}.md"
        text = post(
            f"On {topic} {number}",
            f"2026-0{number % 6 + 1}-{number % 28 + 1:02}",
            BODY.format(topic=topic, other=other),
            tags=f"[{topic}, all]",
        )
        folder.write(f"posts/p{number:02}.md", text)


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = SiteFolder(tmp_path_factory.mktemp("reference") / "site").write("pyproject.toml", BASE)
    write_posts(folder, list(range(40)))
    folder.built()
    return folder.output()


def built_in_a_process(folder: SiteFolder, *options: str, **environment: str) -> dict[str, bytes]:
    command = [sys.executable, *options, "-m", "octavo", "-C", str(folder.root), "build", "--jobs", "1", "--quiet"]
    subprocess.run(command, env={**os.environ, "PYTHONPATH": str(ROOT), **environment}, check=True)
    return folder.output()


def test_one_process_or_several(site: MakeSite, reference: dict[str, bytes]) -> None:
    folder = site("")
    write_posts(folder, list(range(40)))
    folder.built(jobs=2)
    assert folder.output() == reference


def test_files_written_in_another_order(site: MakeSite, reference: dict[str, bytes]) -> None:
    folder = site("")
    write_posts(folder, list(reversed(range(40))))
    folder.built()
    assert folder.output() == reference


def test_posts_added_one_by_one(site: MakeSite, reference: dict[str, bytes]) -> None:
    folder = site("")
    numbers = [number * 11 % 40 for number in range(40)]
    for start in range(0, 40, 10):
        write_posts(folder, numbers[start : start + 10])
        folder.built(allow_broken_links=True)
    folder.built()
    assert folder.output() == reference


@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONHASHSEED": "1"},
        {"PYTHONHASHSEED": "2"},
        {"TZ": "Pacific/Kiritimati"},
        {"LANG": "C", "LC_ALL": "C"},
        {"LC_ALL": "tr_TR.UTF-8"},
    ],
    ids=str,
)
def test_another_environment(site: MakeSite, reference: dict[str, bytes], environment: dict[str, str]) -> None:
    folder = site("")
    write_posts(folder, list(range(40)))
    assert built_in_a_process(folder, **environment) == reference


def test_an_optimised_python(site: MakeSite, reference: dict[str, bytes]) -> None:
    folder = site("")
    write_posts(folder, list(range(40)))
    assert built_in_a_process(folder, "-OO") == reference


def test_a_folder_with_blanks_and_umlauts(tmp_path: Path, reference: dict[str, bytes]) -> None:
    folder = SiteFolder(tmp_path / "ein Ordner mit Ü").write("pyproject.toml", BASE)
    write_posts(folder, list(range(40)))
    folder.built()
    assert folder.output() == reference


# A step learns by asking and in no other way.

HERMETIC = """
import os
import sys
from pathlib import Path
import octavo.engine.worker as batch
from octavo.project.build_report import Options
from octavo.project.project import Project

running = False
allowed = (sys.prefix, sys.base_prefix, "/usr/share/zoneinfo", {octavo!r})
harmful = ("socket.", "subprocess.", "os.system")

def watch(event, arguments):
    if not running:
        return
    if event in ("open", "os.listdir", "os.scandir") and isinstance(arguments[0], (str, bytes)):
        # The import system opens and lists the folders of libraries.
        path = os.fsdecode(arguments[0])
        if not path.startswith(allowed):
            raise PermissionError(f"a step opened {{path}}")
    elif event.startswith(harmful):
        raise PermissionError(f"a step did {{event}} {{arguments}}")

real = batch.run

def run(step, item, facts, asked_of_batch, sink=None, sunk=""):
    def hermetic(item, ask):
        global running
        def asked(query):
            global running
            running = False
            try:
                return ask(query)
            finally:
                running = True
        asked.all, asked.once = ask.all, ask.once
        running = True
        try:
            return step(item, asked)
        finally:
            running = False
    return real(hermetic, item, facts, asked_of_batch, sink, sunk)

import octavo.engine.scheduler, octavo.engine.memo
octavo.engine.scheduler.run = octavo.engine.memo.run = run
sys.addaudithook(watch)
with Project(Path(sys.argv[1]), Options(jobs=1)) as project:
    report = project.build()
print([problem.message for problem in report.problems if problem.is_error])
"""


def hermetic_build(folder: SiteFolder) -> str:
    script = HERMETIC.format(octavo=str(ROOT))
    command = [sys.executable, "-c", script, str(folder.root)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr


def test_steps_open_no_file_and_no_socket(site: MakeSite) -> None:
    folder = site("")
    write_posts(folder, list(range(40)))
    assert hermetic_build(folder).strip() == "[]"
    assert len(folder.output()) > 40


def test_a_filter_that_reads_behind_the_back_of_ask_is_caught(site: MakeSite) -> None:
    folder = site("-- posts/a.md --\n" + post())
    folder.write("secret.txt", "behind")
    folder.write("layouts/404.html", "{{ 'secret.txt' | peek }}")
    folder.write(
        "build.py",
        "from pathlib import Path\nfrom octavo import Site\nsite = Site(__file__)\n\n"
        "@site.filter\ndef peek(name):\n    return (Path(__file__).parent / name).read_text()\n",
    )
    assert "a step opened" in hermetic_build(folder)
