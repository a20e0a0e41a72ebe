"""Lighthouse's four scores for a phone and a laptop, and how soon the largest part of a page is there."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Sequence
from math import inf
from pathlib import Path

from audit.measures import Measure, Page

CATEGORIES = {
    "performance": "performance",
    "accessibility": "accessibility",
    "best-practices": "practices",
    "seo": "seo",
}
FORMS = ("mobile", "desktop")
ROWS = tuple(f"{form}-{what}" for form in FORMS for what in (*CATEGORIES.values(), "lcp", "cls"))


def measured(pages: Sequence[tuple[Page, str]], node: str, modules: Path, chromium: str) -> Iterator[Measure]:
    """All ROWS of each page; ``pages`` have their whole addresses."""
    names = {address: page.name for page, address in pages}
    command = [node, str(Path(__file__).with_suffix(".mjs")), str(modules), chromium, *names]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=False)
    if done.returncode:
        raise RuntimeError(f"Lighthouse failed:\n{done.stderr}")
    for line in done.stdout.splitlines():
        result = json.loads(line)
        page, form = names[result["address"]], result["form"]
        notes = tuple(result["failed"])
        if result["error"]:
            notes = (result["error"], *notes)
        for category, what in CATEGORIES.items():
            score = result["scores"].get(category, 0)
            yield Measure(f"{form}-{what}", page, score, notes if score < 100 else ())
        for what, digits in (("lcp", 0), ("cls", 4)):
            # What was not measured is beyond any limit.
            yield Measure(f"{form}-{what}", page, inf if result[what] is None else round(result[what], digits))
