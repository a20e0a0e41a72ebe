"""The 652 examples of the CommonMark specification, read as posts with everything of our own switched on.

``data/commonmark.json`` holds them (CC BY-SA 4.0), ``data/commonmark_differences.json`` the few whose HTML is meant to
differ, each with its reason. What Octavo adds to every element of a kind is taken off first: see ADDED.
"""

from __future__ import annotations

import json
import re
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from octavo.content.markdown.reader import BodySource, ReadingOptions, read
from octavo.images.variants import whole_html
from octavo.model.documents import PictureRef

DATA = Path(__file__).parent / "data"
EXAMPLES: list[dict[str, Any]] = json.loads((DATA / "commonmark.json").read_text("utf-8"))["examples"]
DIFFERENCES: dict[int, dict[str, Any]] = {
    one["example"]: one for one in json.loads((DATA / "commonmark_differences.json").read_text("utf-8"))
}

ADDED = (
    (r'(<h[1-6]) id="[^"]*"', r"\1", "a heading has an id"),
    (r' <a class="anchor"[^>]*></a>', "", "and a link to itself"),
    (r'<pre class="highlight" tabindex="0">', "<pre>", "code is highlighted, and the keyboard can scroll it"),
    (r'<span class="[a-z0-9]+">([^<]*)</span>', r"\1", "in spans"),
    (r'(?: loading="lazy")? decoding="async"', "", "images are loaded late, but for the first"),
    (
        r"<figure>(.*?<img [^>]*)>(</a>)?<figcaption>([^<]*)</figcaption></figure>",
        r'<p>\1 title="\3">\2</p>',
        "the title of an image that stands alone is a caption",
    ),
    (r" />", ">", "void elements are written as in HTML"),
    (r"&quot;", '"', "a quotation mark in a text is only itself"),
)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda one: f"{one['example']}-{one['section'].replace(' ', '_')}")
def test_the_html_is_that_of_the_specification_or_of_an_intended_difference(example: dict[str, Any], once: Any) -> None:
    intended = DIFFERENCES.get(example["example"], example)["html"]
    assert plain(published(example["markdown"], once)) == plain(intended)


def test_every_difference_is_one_and_has_a_reason() -> None:
    by_number = {one["example"]: one for one in EXAMPLES}
    for number, difference in DIFFERENCES.items():
        assert difference["reason"]
        assert plain(difference["html"]) != plain(by_number[number]["html"])


def test_all_examples_are_there() -> None:
    assert [one["example"] for one in EXAMPLES] == list(range(1, 653))


def published(text: str, once: Any) -> str:
    """The HTML of a text, each reference written as it was typed."""
    body = read(BodySource("posts/example.md", text), ReadingOptions(), once).body
    out = [body.chunks[0]]
    for ref, chunk in zip(body.refs, body.chunks[1:], strict=True):
        address = quote(ref.raw, safe="/:@!$&'()*+,;=~%?#[]")
        if isinstance(ref, PictureRef):
            out += (whole_html(dict(ref.attributes), address), chunk)
        else:
            out += (escape(address).replace("&#x27;", "'"), chunk)
    return "".join(out)


def plain(html: str) -> str:
    for added, replacement, _ in ADDED:
        html = re.sub(added, replacement, html)
    return html


@pytest.fixture(scope="module")
def once() -> Any:
    made: dict[Any, Any] = {}

    def make_once(make: Any, *arguments: Any) -> Any:
        if arguments not in made:
            made[arguments] = make(*arguments)
        return made[arguments]

    return make_once
