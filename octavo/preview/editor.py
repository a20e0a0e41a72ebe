"""The author's editor, opened at a line."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

VARIABLE = "OCTAVO_EDITOR"

KNOWN = {
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

NONE = (
    f"no editor was found: set {VARIABLE}, such as"
    f" {VARIABLE}='code --goto {{path}}:{{line}}:{{column}}', and start the preview again"
)


def command(
    file: Path, line: int, column: int, environment: Mapping[str, str], which: Callable[[str], str | None]
) -> list[str] | None:
    """What opens a file at a line and a column, both from 1; None where no editor is known.

    ``OCTAVO_EDITOR`` comes first: a command, with ``{path}``, ``{line}`` and ``{column}`` in it where the editor is not
    one of those known. Then ``VISUAL`` and ``EDITOR``, if they name one that is known, for one in a terminal would have
    none. Then those that are known. Raises ValueError for a command with an open quote.
    """
    place = {"path": str(file), "line": str(line), "column": str(column)}
    given = environment.get(VARIABLE, "").strip()
    if given:
        return _filled(shlex.split(given), place)
    for variable in ("VISUAL", "EDITOR"):
        words = shlex.split(environment.get(variable, ""))
        if words and _name(words[0]) in KNOWN and which(words[0]):
            return _filled(words, place)
    found = next((name for name in KNOWN if which(name)), None)
    return None if found is None else _filled([found], place)


def _name(program: str) -> str:
    return Path(program).name.removesuffix(".exe").removesuffix(".cmd")


def _filled(words: list[str], place: Mapping[str, str]) -> list[str]:
    """A command with the place in it, put behind it where it does not say where."""
    if not any("{path}" in word for word in words):
        words = [*words, *KNOWN.get(_name(words[0]), "{path}").split()]
    # One pass, so that nothing in a path is taken for a place.
    return [_PLACE.sub(lambda found: place[found[1]], word) for word in words]


_PLACE = re.compile(r"\{(path|line|column)\}")


def launch(words: list[str]) -> None:
    """Start an editor, which outlives us. Raises OSError when it cannot be started."""
    started = subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=os.name == "posix",
    )
    # Many end at once, having told a window that was open; somebody has to take note of their end.
    threading.Thread(target=started.wait, daemon=True).start()
