"""What the runner has to know of a generator."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from benchmarks.content import Post

ROOT = Path(__file__).resolve().parent.parent
LAYOUTS = Path(__file__).resolve().parent / "layouts"

RELATED_MARK = b'id="_related"'
"""Every peer's layouts, like Octavo's, give the list of related articles this id."""


@dataclass(frozen=True)
class Tools:
    """The environment that a peer is installed into: a virtual environment, with npm's packages in ``node``."""

    folder: Path

    def of(self, peer: str) -> Tools:
        """Each peer has an environment of its own, for they want different versions of the same libraries."""
        return Tools(self.folder / peer)

    def program(self, name: str) -> Path | None:
        """A command of the environment."""
        path = self.folder / ("Scripts" if sys.platform == "win32" else "bin") / name
        return path if path.exists() else None

    @property
    def modules(self) -> Path:
        return self.folder / "node" / "node_modules"


Command = Callable[[Tools], list[str] | None]


@dataclass(frozen=True)
class Peer:
    """A generator, and how to have it build the posts.

    ``command`` builds the site in the current folder, None where the generator is missing; ``version`` prints its
    version. ``source`` gives the path of a post below the site's folder and its text, ``page`` the path below
    ``output`` of the page it becomes. ``configure`` writes the rest into a folder that has a copy of the peer's
    layouts, with or without lists of related articles. ``kept`` are the files and folders besides the output that an
    earlier build leaves behind. ``base`` is the layout that all pages share. ``lacks`` says in words what the peer does
    not make of what Octavo makes.
    """

    name: str
    title: str
    command: Command
    version: Command
    source: Callable[[Post], tuple[str, str]]
    configure: Callable[[Path, bool, Tools], None]
    output: str
    base: str
    images: str
    pip: tuple[str, ...] = ()
    npm: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()
    page: Callable[[str], str] = "posts/{}/index.html".format
    environment: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    relates: bool = True
    lacks: str = ""

    def install_hint(self) -> str:
        return "python benchmarks/run.py --install" + ("" if not self.npm else " (needs node and npm)")


def copy_layouts(name: str, folder: Path) -> None:
    layouts = LAYOUTS / name
    if layouts.is_dir():
        shutil.copytree(layouts, folder, dirs_exist_ok=True)


def installed(name: str, *arguments: str) -> Command:
    """A command of the environment, or else of the machine, with its arguments."""

    def command(tools: Tools) -> list[str] | None:
        program = tools.program(name) or shutil.which(name)
        return None if program is None else [str(program), *arguments]

    return command


def module(package: str, *arguments: str) -> Command:
    """``node PACKAGE``: a script of npm's packages with its arguments."""

    def command(tools: Tools) -> list[str] | None:
        node, script = shutil.which("node"), tools.modules / package
        return None if node is None or not script.exists() else [node, str(script), *arguments]

    return command


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
