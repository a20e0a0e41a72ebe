"""The least that a build of these posts can cost with Octavo's libraries: read, front matter, Markdown, highlight.

    python benchmarks/floor.py DIR [--jobs N]

The posts go in batches to as many processes as a build would use, and the HTML is thrown away. There is no cache, no
layout, no related article, no check and no output.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

if not __package__:  # run by its path: imports begin at the top of the repository all the same
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from octavo.base import source_text
from octavo.content import front_matter
from octavo.content.markdown import reader
from octavo.engine.facts import Facts
from octavo.project.processes import usable_cpus

BATCH = 50


def main() -> int:
    parser = argparse.ArgumentParser(description="Read posts and throw them away.")
    parser.add_argument("folder", type=Path, metavar="DIR")
    parser.add_argument("--jobs", type=int, default=usable_cpus())
    options = parser.parse_args()
    paths = sorted(map(str, (options.folder / "posts").glob("*.md")))
    batches = [paths[start : start + BATCH] for start in range(0, len(paths), BATCH)]
    with ProcessPoolExecutor(options.jobs, get_context("spawn")) as pool:
        characters = sum(pool.map(read_all, batches))
    print(f"{len(paths)} posts, {characters} characters of HTML")
    return 0


facts = Facts({})
"""Keeps the parser from one batch to the next."""


def read_all(paths: Iterable[str]) -> int:
    return sum(read(Path(path)) for path in paths)


def read(path: Path) -> int:
    """The length of a post's HTML, in characters."""
    text, problems = source_text.decode(path.name, path.read_bytes())
    if text is None:
        raise ValueError(problems[0].message)
    front = front_matter.read(text)
    body = reader.BodySource(path.name, front.body, front.body_line)
    reading = reader.read(body, reader.ReadingOptions(), facts.once)
    return sum(map(len, reading.body.chunks))


if __name__ == "__main__":
    sys.exit(main())
