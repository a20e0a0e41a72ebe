"""Not a generator: the part of a build that no cleverness of the engine can save. See ``floor.py`` beside run.py."""

from __future__ import annotations

import sys
from pathlib import Path

from benchmarks.content import Post
from benchmarks.peer import ROOT, Peer, Tools


def command(tools: Tools) -> list[str]:
    return [sys.executable, str(ROOT / "benchmarks" / "floor.py"), "."]


def source(post: Post) -> tuple[str, str]:
    return f"posts/{post.stem}.md", post.text


def configure(folder: Path, related: bool, tools: Tools) -> None:
    """It has no settings."""


PEER = Peer(
    name="floor",
    title="our floor",
    command=command,
    version=lambda tools: None,
    source=source,
    configure=configure,
    output="",
    base="",
    images="posts",
    relates=False,
    lacks="read, front matter, Markdown and highlighting only",
)
