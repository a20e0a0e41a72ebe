"""What images cost a build, by what is opened: ``python benchmarks/images.py [--images 10000] [--folder DIR]``.

A made-up site shows small photos, a hundred in a post. It is built from nothing, again, after an edit of a text, after
an edit of a title, after a photo was touched, and after it was replaced. An audit hook of Python sees every file that
is opened, so the counts are exact; a build runs in one process, so that nothing is missed. Encoding ten thousand takes
some minutes: a site in ``--folder`` is kept, and used again.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
IN_A_POST = 100
SETTINGS_FILE = "pyproject.toml"
SETTINGS = '[tool.octavo]\ntitle = "Photos"\nbase_url = "https://photos.example"\n'

PROBE = """
import json, os, sys
counts = dict.fromkeys(("photos", "read", "made", "published"), 0)
root = os.path.abspath(sys.argv[1])
def seen(event, arguments):
    if event != "open" or not isinstance(arguments[0], (str, bytes)):
        return
    path, writes = os.path.abspath(os.fsdecode(arguments[0])), arguments[2] & (os.O_WRONLY | os.O_RDWR)
    if path.startswith(root + "/posts/") and path.endswith(".jpg"):
        counts["photos"] += 1
    elif path.startswith(root + "/.octavo/images/"):
        counts["made" if writes else "read"] += 1
    elif path.startswith(root + "/output/assets/images/"):
        counts["published"] += 1
sys.addaudithook(seen)
from octavo.cli.main import main
status = main(["-C", root, "build", "--jobs", "1", "--quiet"])
print(json.dumps(counts))
raise SystemExit(status)
"""
"""Runs a build, and prints how many files were opened: photos, images in the cache (read, made), published ones."""


def photo(number: int, shade: int = 0) -> bytes:
    """A photo of 120 by 80 pixels that is like no other."""
    image = Image.linear_gradient("L").resize((120, 80)).convert("RGB")
    for place in range(16):
        bit = number >> place & 1
        image.paste((40 + 170 * bit, 120, 200 - shade), (4 + 7 * place, 20, 9 + 7 * place, 60))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=85)
    return out.getvalue()


def write_site(folder: Path, images: int) -> None:
    for first in range(0, images, IN_A_POST):
        post = folder / "posts" / f"{first:06d}"
        post.mkdir(parents=True, exist_ok=True)
        numbers = range(first, min(first + IN_A_POST, images))
        pictures = "\n\n".join(f"![Photo {number}]({number:06d}.jpg)" for number in numbers)
        head = f"title: Photos from {first}\ndate: 2026-01-01\ndescription: Photos"
        (post / "index.md").write_text(f"---\n{head}\n---\n\nWords.\n\n<!-- more -->\n\n{pictures}\n\nLast words.\n")
        for number in numbers:
            (post / f"{number:06d}.jpg").write_bytes(photo(number))
    # Last, as it tells that all the rest is there.
    (folder / SETTINGS_FILE).write_text(SETTINGS)


def edits(folder: Path) -> Iterator[tuple[str, Callable[[], object]]]:
    """Each with what is done before the build. A site that is used again may hold them already, so each undoes itself
    the next time."""
    post, first = folder / "posts" / "000000" / "index.md", folder / "posts" / "000000" / "000000.jpg"

    def swap(one: str, other: str) -> None:
        text = post.read_text()
        post.write_text(text.replace(one, other) if one in text else text.replace(other, one))

    # What was written a moment ago could have changed since without a sign of it, so it is looked at once more.
    yield "nothing, at once", lambda: None
    yield "nothing", lambda: time.sleep(3)
    yield "a text", lambda: swap("Last words.", "The last words.")
    yield "a title", lambda: swap("title: Photos from 0\n", "title: The first photos\n")
    yield "a photo touched", first.touch
    yield "a photo replaced", lambda: first.write_bytes(photo(0, 90 if first.read_bytes() == photo(0) else 0))


def build(folder: Path) -> tuple[dict[str, int], float]:
    """The counts of a build, and its CPU time in seconds."""
    command = [sys.executable, "-c", PROBE, str(folder)]
    before = os.times()
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    after = os.times()
    if done.returncode:
        raise SystemExit(done.stderr or done.stdout)
    counts: dict[str, int] = json.loads(done.stdout.splitlines()[-1])
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    return counts, spent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--folder", type=Path, help="where the site is, or is made; kept")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as passing:
        folder = arguments.folder or Path(passing) / "site"
        print(f"{'edit':18}{'photos opened':>14}{'made':>8}{'kept ones read':>16}{'published opened':>18}{'CPU s':>8}")
        if not (folder / SETTINGS_FILE).is_file():
            write_site(folder, arguments.images)
            show("from nothing", *build(folder))
        for name, edit in edits(folder):
            edit()
            show(name, *build(folder))


def show(name: str, counts: dict[str, int], seconds: float) -> None:
    print(
        f"{name:18}{counts['photos']:14,}{counts['made']:8,}{counts['read']:16,}{counts['published']:18,}{seconds:8.2f}",
        flush=True,
    )


if __name__ == "__main__":
    main()
