"""Whether Mozilla's Readability, the reader view of Firefox, takes an article out of its page whole."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import html5lib

_BLOCKS = ("p", "li", "dt", "dd", "td", "th", "pre", "h2", "h3", "h4", "h5", "h6", "figcaption")


def extracted(pages: Sequence[tuple[str, str, Path]], node: str, modules: Path) -> Mapping[str, str]:
    """Its text of each page by name; ``pages`` are (name, whole address, file)."""
    lines = "".join(json.dumps({"name": name, "url": url, "file": str(file)}) + "\n" for name, url, file in pages)
    command = [node, str(Path(__file__).with_name("extract.mjs")), str(modules)]
    done = subprocess.run(command, input=lines, capture_output=True, text=True, encoding="utf-8", check=True)
    return {answer["name"]: answer["text"] for answer in map(json.loads, done.stdout.splitlines())}


def content_of(feed: str, url: str) -> str:
    """The HTML of an article, as the site's JSON Feed has it. Raises LookupError where it has not."""
    items: list[dict[str, Any]] = json.loads(feed)["items"]
    for item in items:
        if item["url"] == url:
            return str(item["content_html"])
    raise LookupError(f"{url} is not in the feed")


def coverage(content: str, text: str) -> tuple[float, list[str]]:
    """How much of the text of an article's blocks was found, in percent, and the beginnings of those that were not."""
    whole = _squeezed(text)
    blocks = list(_blocks(content))
    lacking = [block for block in blocks if _squeezed(block) not in whole]
    size = sum(len(_squeezed(block)) for block in blocks)
    lost = sum(len(_squeezed(block)) for block in lacking)
    return (100 * (size - lost) / size if size else 0.0), [" ".join(block.split())[:100] for block in lacking]


def _blocks(content: str) -> Iterator[str]:
    """The innermost blocks of text."""
    tree = html5lib.parseFragment(content, treebuilder="etree", namespaceHTMLElements=False)
    for element in tree.iter():
        if element.tag in _BLOCKS and not any(child.tag in _BLOCKS for child in element.iter() if child is not element):
            text = "".join(element.itertext())
            if text.strip():
                yield text


def _squeezed(text: str) -> str:
    return "".join(text.split())
