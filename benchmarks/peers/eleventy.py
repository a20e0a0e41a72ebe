"""Eleventy with its plug-ins for highlighting and feeds; what it leaves to its users (tag pages, related posts) is in
``layouts/eleventy/eleventy.config.js``."""

from __future__ import annotations

from pathlib import Path

from benchmarks.content import Post, front_matter, with_urls
from benchmarks.peer import Peer, Tools, module, write


def source(post: Post) -> tuple[str, str]:
    # Nunjucks would read braces in a post as its own: the posts' Markdown is Markdown only.
    return f"posts/{post.stem}.md", front_matter(post) + with_urls(post.body)


def configure(folder: Path, related: bool, tools: Tools) -> None:
    write(folder / "_data" / "site.json", SITE % str(related).lower())
    write(folder / "package.json", '{"type": "module", "private": true}\n')
    modules = folder / "node_modules"
    if not modules.exists():
        modules.symlink_to(tools.modules.resolve(), target_is_directory=True)


SITE = """\
{"title": "Measured Words", "url": "https://measured.example", "description": "A site made to be built", "related": %s}
"""

PEER = Peer(
    name="eleventy",
    title="Eleventy",
    command=module("@11ty/eleventy/cmd.cjs", "--quiet"),
    version=module("@11ty/eleventy/cmd.cjs", "--version"),
    source=source,
    configure=configure,
    output="_site",
    base="_includes/base.njk",
    images="images",
    npm=("@11ty/eleventy@3", "@11ty/eleventy-plugin-rss@3", "@11ty/eleventy-plugin-syntaxhighlight@5"),
    kept=(".cache",),
)
