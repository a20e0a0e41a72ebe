"""What build.py may declare and what comes of it: two lists that must be one."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import fields
from pathlib import Path
from types import SimpleNamespace

import pytest

from octavo.model.extensions import Extensions
from octavo.site.extensions.declare import KINDS, Declarations
from octavo.site.extensions.load import find_script
from octavo.site.extensions.source import script_digest
from tests.sites import SiteFolder, post

MakeSite = Callable[[str], SiteFolder]


def test_what_can_be_declared_is_what_a_step_can_ask_for() -> None:
    assert {field.name for field in fields(Extensions)} == set(KINDS)
    site = Declarations()
    for declare in (site.filter, site.shortcode, site.markdown, site.pages, site.data, site.check):
        declare(repr)
    assert site.added == {kind: {"repr": repr} for kind in KINDS}


def test_a_plug_in_may_replace_a_rule_of_the_parser(site: MakeSite) -> None:
    folder = site("-- posts/a.md --\n" + post(body="One ~two~ *three*."))
    folder.write(
        "build.py",
        "from octavo import Site\nsite = Site(__file__)\n\n"
        "def shout(state, silent):\n"
        "    if state.src[state.pos] != '*':\n        return False\n"
        "    if not silent:\n        state.push('text', '', 0).content = '!'\n"
        "    state.pos += 1\n    return True\n\n"
        "@site.markdown\ndef louder(md):\n    md.inline.ruler.at('emphasis', shout)\n",
    )
    folder.built()
    assert "!three!" in folder.page("/posts/a/")


def test_two_threads_run_a_script_one_after_the_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    meeting = threading.Barrier(2)
    visits: list[str] = []

    def visit(name: str) -> None:
        """Wait for the other thread while the script is run: only where nothing keeps it out does it come."""
        visits.append(name)
        with suppress(threading.BrokenBarrierError):
            meeting.wait(timeout=0.5)
            visits.append("both at once")

    monkeypatch.setitem(sys.modules, "meeting", SimpleNamespace(visit=visit))
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "build.py").write_text(
            f"from meeting import visit\nfrom octavo import Site\nsite = Site(__file__)\nvisit({name!r})\n"
        )

    def find(name: str) -> object:
        root = tmp_path / name
        return find_script(root, script_digest(root))[1]

    monkeypatch.setattr(sys, "path", [*sys.path])
    with ThreadPoolExecutor(4) as pool:
        problems = list(pool.map(find, ("one", "two", "one", "two")))
    assert problems == [(), (), (), ()]
    assert sorted(visits) == ["one", "two"]


def test_two_edits_of_one_second_and_size_are_told_apart_in_a_late_import(
    site: MakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    folder = site("-- posts/a.md --\n" + post("A") + "-- layouts/post.html --\n{{ site.title | word }}")
    folder.write("parts/__init__.py", "").write("parts/words.py", "WORD = 'one'\n")
    folder.write(
        "build.py",
        "from octavo import Site\nsite = Site(__file__)\n\n"
        "@site.filter\ndef word(text):\n    from parts import words\n    return words.WORD\n",
    )
    for word in ("one", "two", "one"):
        folder.write("parts/words.py", f"WORD = {word!r}\n")
        os.utime(folder.root / "parts/words.py", (1_000_000_000, 1_000_000_000))
        folder.built()
        assert folder.page("/posts/a/") == word
    assert not list(folder.root.rglob("__pycache__"))
