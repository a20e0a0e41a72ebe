"""docs/themes.md is the contract of layouts: every name they see is in it, and every name in it is there."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path

import pytest

from octavo.engine.facts import Facts, Reader
from octavo.model import documents, images, pages, posts, related, settings, values
from octavo.model.extensions import Extensions
from octavo.model.pages import Page
from octavo.templates import context, environment, shared_blocks
from tests.sites import SiteFolder, post

MakeSite = Callable[[str], SiteFolder]
MODEL = {
    name: kind
    for each in (documents, images, pages, posts, related, settings, values)
    for name, kind in vars(each).items()
}
TEXT = (Path(__file__).parent.parent / "docs" / "themes.md").read_text("utf-8")


def rows(heading: str) -> dict[str, str]:
    """Name -> its row, of the table under a heading: a row may begin with several names."""
    section = TEXT.split(f"\n{heading}\n", 1)[1]
    section = re.split(r"\n#{2,3} ", section, maxsplit=1)[0]
    found = {}
    for line in section.splitlines():
        if line.startswith("| `"):
            for name in re.findall(r"`([^`]+)`", line.split("|")[1]):
                found[name] = line
    return found


def documented_functions() -> set[str]:
    headings = ("### The post of this page", "### Lists", "### Addresses and data")
    return {name.split("(")[0] for heading in headings for name in rows(heading)}


def context_names() -> set[str]:
    page = Page("/", "home.html", "home")

    def ask(query: object) -> str:
        return ""

    return set(context.PageContext(page, ask).names())  # type: ignore[arg-type]  # whatever is asked is text


def test_every_name_of_the_context_is_documented_and_nothing_else_is() -> None:
    assert documented_functions() | {"site", "page", "post"} == context_names()


def test_the_names_that_are_the_same_on_all_pages_are_documented() -> None:
    told = re.search(r"What uses nothing but (.*?) is the same on all pages", TEXT, re.DOTALL)
    assert told is not None
    assert set(re.findall(r"`(\w+)`", told[1])) == shared_blocks.NAMES


def test_every_attribute_of_site_and_page_is_documented() -> None:
    site = {name.removeprefix("site.") for name in rows("### `site`")}
    assert site >= set(dir(context.SiteView(environment.PageSettings(Reader(Facts({}))))))
    assert site <= set(dir(context.SiteView(environment.PageSettings(Reader(Facts({}))))))
    page = {name.removeprefix("page.") for name in rows("### `page`")}
    assert page == {field.name for field in fields(context.PageView)}


def test_every_field_of_the_types_is_documented() -> None:
    assert set(rows("### Post")) == {field.name for field in fields(posts.Post)}
    others = rows("### The others")
    for name, row in others.items():
        cells = row.replace("\\|", "").split("|")
        named = set(re.findall(r"`(\w+)`", cells[2]))
        if name == "Suggestion":
            continue
        for field in inspect.get_annotations(MODEL[name]):
            assert field in named, f"{name}.{field}"


def test_a_suggestion_has_what_is_documented_of_it(site: MakeSite) -> None:
    named = ("card", "reasons", "terms", "why", "score")
    assert all(f"`{name}`" in rows("### The others")["Suggestion"] for name in named)
    shown = "{% for s in related() %}" + "".join(f"{{{{ s.{name} | string }}}}|" for name in named) + "{% endfor %}"
    folder = (
        site("").write("posts/a.md", post("A", body="`Subquery`")).write("posts/b.md", post("B", body="`Subquery`"))
    )
    for number in range(8):
        folder.write(f"posts/other{number}.md", post(f"O{number}", body=f"unlike{number}"))
    folder.write("layouts/post.html", shown).built()
    card, reasons, terms, why, score = folder.page("/posts/a/").split("|")[:5]
    assert "B" in card and "Subquery" in reasons and "Subquery" in terms
    assert "share=" in why and 0 < float(score) <= 1


@pytest.mark.parametrize("name", ["absolute", "date", "day", "iso"])
def test_every_filter_of_ours_is_documented(name: str) -> None:
    assert f"`{name}`" in TEXT
    assert name in environment.make_environment(Extensions()).filters


def test_what_the_contract_names_can_be_used(site: MakeSite) -> None:
    """A layout that prints every name and calls every function."""
    calls = {
        "data": "",
        "asset": "asset('style.css')",
        "asset_text": "asset_text('style.css')[:1]",
        "stylesheet": "stylesheet('style.css')",
        "script": "script('script.js')",
        "href": "href('tags') ~ href('tag', 'x')",
        "tagged": "tagged('x')",
        "picture": "picture(post)",
        "post_at": "post_at('posts/a.md').title",
    }
    functions = "".join(
        f"{{{{ {calls.get(name, f'{name}()')} | string | length }}}}\n"
        for name in sorted(documented_functions())
        if calls.get(name, "-")
    )
    attributes = [*rows("### `site`"), *rows("### `page`"), *(f"post.{name}" for name in rows("### Post"))]
    shown = "".join(f"{{{{ {name} | string | length }}}}\n" for name in attributes)
    folder = site("").write("posts/a.md", post(tags="[x]", series="S")).write("layouts/post.html", functions + shown)
    folder.built()
    assert len(folder.page("/posts/a/").split()) >= len(attributes)
