"""Write a folder of posts to measure with.

    python benchmarks/generate.py DIR --posts N [--kind small|real] [--seed S] [--from FOLDER_OF_POSTS]

The same arguments write the same bytes. A post depends on the seed and its number alone, so the first thousand posts
of ten thousand are those of one thousand.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

if not __package__:  # run by its path: imports begin at the top of the repository all the same
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from benchmarks.corpus import KINDS, made_posts
from benchmarks.repeat import repeated_posts

SETTINGS = """\
[tool.octavo]
title = "Measured Words"
description = "A site made to be built"
base_url = "https://measured.example"
author = "Nobody"
"""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Write a folder of posts to measure with.")
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--posts", type=int, default=1000, metavar="N", help="how many (1000)")
    parser.add_argument("--kind", choices=KINDS, default="real", help="three paragraphs, or about 10 KB (real)")
    parser.add_argument("--seed", type=int, default=1, metavar="S")
    parser.add_argument(
        "--from", type=Path, dest="source", metavar="FOLDER", help="repeat the posts of a folder with seeded changes"
    )
    options = parser.parse_args(arguments)
    if options.source is not None and not options.source.is_dir():
        parser.error(f"there is no folder {options.source}")
    write_site(options.folder, options.posts, options.kind, options.seed, options.source)
    return 0


def write_site(folder: Path, count: int, kind: str = "real", seed: int = 1, source: Path | None = None) -> None:
    """Settings and ``count`` posts, one at a time: nothing holds them all."""
    posts = folder / "posts"
    posts.mkdir(parents=True, exist_ok=True)
    (folder / "pyproject.toml").write_text(SETTINGS, encoding="utf-8")
    files = made_posts(count, kind, seed) if source is None else repeated_posts(source, count, seed)
    for name, content in files:
        (posts / name).write_bytes(content)


if __name__ == "__main__":
    sys.exit(main())
