"""Zensical. It has no blog yet: no related or latest posts, no pages of tags, no archive and no feed. What is measured
are its pages alone."""

from __future__ import annotations

from pathlib import Path

from benchmarks.content import Post, front_matter, with_urls
from benchmarks.peer import Peer, Tools, installed, write

SETTINGS = """\
[project]
site_name = "Measured Words"
site_url = "https://measured.example/"
site_description = "A site made to be built"
docs_dir = "docs"
nav = [{ "Home" = "index.md" }]

[project.theme]
custom_dir = "overrides"
font = false
"""


def source(post: Post) -> tuple[str, str]:
    return f"docs/posts/{post.stem}.md", f"{front_matter(post)}\n# {post.title}\n\n{with_urls(post.body)}"


def configure(folder: Path, related: bool, tools: Tools) -> None:
    write(folder / "zensical.toml", SETTINGS)


PEER = Peer(
    name="zensical",
    title="Zensical",
    command=installed("zensical", "build"),
    version=installed("zensical", "--version"),
    source=source,
    configure=configure,
    output="site",
    base="overrides/main.html",
    images="docs/posts",
    pip=("zensical",),
    kept=(".cache",),
    relates=False,
    lacks="pages only: no related or latest posts, lists, tag pages, archive or feed",
)
