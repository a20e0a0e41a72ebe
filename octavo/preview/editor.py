"""The author's editor, opened at a line."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

EDITOR_VARIABLE = "OCTAVO_EDITOR"

EDITORS = {
    "code": "--goto {path}:{line}:{column}",
    "codium": "--goto {path}:{line}:{column}",
    "cursor": "--goto {path}:{line}:{column}",
    "windsurf": "--goto {path}:{line}:{column}",
    "zed": "{path}:{line}:{column}",
    "zeditor": "{path}:{line}:{column}",
    "subl": "{path}:{line}:{column}",
    "pycharm": "--line {line} --column {column} {path}",
    "webstorm": "--line {line} --column {column} {path}",
    "idea": "--line {line} --column {column} {path}",
    "mate": "--line {line}:{column} {path}",
    "bbedit": "+{line}:{column} {path}",
    "emacsclient": "--no-wait +{line}:{column} {path}",
    "mvim": "--remote-silent +{line} {path}",
    "gvim": "--remote-silent +{line} {path}",
    "kate": "--line {line} --column {column} {path}",
    "gnome-text-editor": "{path} +{line}:{column}",
    "gedit": "{path} +{line}:{column}",
    "notepad++": "-n{line} -c{column} {path}",
}
"""Editors with a window of their own, in the order in which they are looked for, and how each is told of a place."""

NO_EDITOR = (
    f"no editor was found: set {EDITOR_VARIABLE}, such as"
    f" {EDITOR_VARIABLE}='code --goto {{path}}:{{line}}:{{column}}', and start the preview again"
)


def find_command(
    file: Path, line: int, column: int, environment: Mapping[str, str], which: Callable[[str], str | None]
) -> list[str] | None:
    """Find what opens a file at a line and a column, both from 1.

    ``OCTAVO_EDITOR`` comes first: a command, with ``{path}``, ``{line}`` and ``{column}`` in it where the editor is
    none of ``EDITORS``. Then ``VISUAL`` and ``EDITOR``, if they name one of these, for one in a terminal would have no
    terminal. Then the first of these that is installed; None where none is. Raises ValueError for a command with an
    open quote.
    """
    place = {"path": str(file), "line": str(line), "column": str(column)}
    setting = environment.get(EDITOR_VARIABLE, "").strip()
    if setting:
        return _fill(shlex.split(setting), place)
    for variable in ("VISUAL", "EDITOR"):
        words = shlex.split(environment.get(variable, ""))
        if words and _name(words[0]) in EDITORS and which(words[0]):
            return _fill(words, place)
    installed = next((name for name in EDITORS if which(name)), None)
    return None if installed is None else _fill([installed], place)


def _name(program: str) -> str:
    return Path(program).name.removesuffix(".exe").removesuffix(".cmd")


def _fill(words: list[str], place: Mapping[str, str]) -> list[str]:
    """Put the place into a command, at its end where it does not say where."""
    if not any("{path}" in word for word in words):
        words = [*words, *EDITORS.get(_name(words[0]), "{path}").split()]
    # One pass, so that nothing in a path is taken for a place.
    return [_PLACE.sub(lambda match: place[match[1]], word) for word in words]


_PLACE = re.compile(r"\{(path|line|column)\}")


def launch(words: list[str]) -> None:
    """Start an editor, which outlives the preview.

    Raises OSError when it cannot be started.
    """
    process = subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=os.name == "posix",
    )
    # Many end at once, having told a window that was open. Somebody has to wait for them, or they would stay zombies.
    threading.Thread(target=process.wait, daemon=True).start()
