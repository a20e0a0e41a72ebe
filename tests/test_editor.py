"""Which editor is opened, and how it is told of the place."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from octavo.preview.editor import EDITORS, find_command

FILE = Path("/site/posts/a {line}.md")


def opened(environment: Mapping[str, str], *installed: str) -> list[str] | None:
    return find_command(FILE, 7, 3, environment, lambda name: f"/bin/{name}" if name in installed else None)


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("myedit", ["myedit", str(FILE)]),
        ("myedit -n {path} {line}", ["myedit", "-n", str(FILE), "7"]),
        ("'/my tools/edit' --at={line}:{column} {path}", ["/my tools/edit", "--at=7:3", str(FILE)]),
        ("code", ["code", "--goto", f"{FILE}:7:3"]),
        ("/opt/code --wait", ["/opt/code", "--wait", "--goto", f"{FILE}:7:3"]),
    ],
)
def test_the_authors_own_choice_comes_first(setting: str, expected: list[str]) -> None:
    assert opened({"OCTAVO_EDITOR": setting, "VISUAL": "subl"}, "subl", "code") == expected


def test_an_editor_with_a_window_is_taken_from_what_programs_ask_for() -> None:
    assert opened({"VISUAL": "subl -w", "EDITOR": "vim"}, "subl", "code") == ["subl", "-w", f"{FILE}:7:3"]
    assert opened({"EDITOR": "vim"}, "vim", "kate") == ["kate", "--line", "7", "--column", "3", str(FILE)]


def test_else_the_first_that_is_there() -> None:
    assert opened({}, "gedit", "code") == ["code", "--goto", f"{FILE}:7:3"]
    assert opened({"EDITOR": "nano"}, "nano") is None


@pytest.mark.parametrize("name", EDITORS)
def test_each_known_editor_is_told_the_file_and_the_line(name: str) -> None:
    words = opened({}, name)
    assert words is not None
    assert any(str(FILE) in word for word in words)
    assert any("7" in word for word in words)


def test_an_open_quote_is_said() -> None:
    with pytest.raises(ValueError, match="quotation"):
        opened({"OCTAVO_EDITOR": "'code"})
