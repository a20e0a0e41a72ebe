"""Octavo itself, as a user's command: a process of its own, from the interpreter that runs the benchmark."""

from __future__ import annotations

import compileall
import shutil
import sys
from pathlib import Path

from benchmarks.content import Post
from benchmarks.peer import ROOT, Peer, Tools, write


def command(tools: Tools) -> list[str]:
    return [sys.executable, "-m", "octavo", "build", "--quiet"]


def version(tools: Tools) -> list[str]:
    return [sys.executable, "-m", "octavo", "--version"]


def source(post: Post) -> tuple[str, str]:
    return f"posts/{post.stem}.md", post.text


def configure(folder: Path, related: bool, tools: Tools) -> None:
    # Installers do this for a package; a checkout has to start once, and some surroundings keep it from remembering.
    compileall.compile_dir(ROOT / "octavo", quiet=2)
    write_settings(folder, related)
    # The site's own copy of the layout that all pages share, so that there is one to edit.
    (folder / "layouts").mkdir(exist_ok=True)
    shutil.copy(ROOT / "layouts" / "base.html", folder / "layouts")


def write_settings(folder: Path, related: bool) -> None:
    settings = [
        "[tool.octavo]",
        'title = "Measured Words"',
        'description = "A site made to be built"',
        'base_url = "https://measured.example"',
        *([] if related else ["related = 0"]),
    ]
    write(folder / "pyproject.toml", "\n".join(settings) + "\n")


PEER = Peer(
    name="octavo",
    title="Octavo",
    command=command,
    version=version,
    source=source,
    configure=configure,
    output="output",
    base="layouts/base.html",
    images="posts",
    kept=(".octavo",),
)
