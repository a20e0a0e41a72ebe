"""What the default theme writes into its pages."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from octavo.site.assets import minify_css
from tests.sites import SiteFolder, post

MakeSite = Callable[[str], SiteFolder]
ASSETS = Path(__file__).parent.parent / "assets"


def test_style_and_scripts_are_within_the_page_and_small(site: MakeSite) -> None:
    folder = site("-- posts/a.md --\n" + post())
    folder.built()
    page = folder.page("/posts/a/")
    linked = re.findall(r'<(?:script|link)\b[^>]*(?:src|stylesheet" href)="([^"]+)"', page)
    assert linked == []
    styles = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    assert len(styles) == 1 and len(styles[0]) < 9_750
    scripts = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    assert sum(map(len, scripts)) <= 1024


def test_addresses_within_an_inlined_style_sheet_lead_on_from_any_page(site: MakeSite) -> None:
    folder = site("-- posts/a.md --\n" + post())
    folder.write("pyproject.toml", '[tool.octavo]\nbase_url = "https://t.example/blog"\n').built()
    found = re.search(r"url\(([^)]+\.woff2)\)", folder.page("/posts/a/"))
    assert found is not None
    assert found[1].startswith("/blog/assets/fonts/octavo-serif.")
    assert found[1].removeprefix("/blog/") in folder.output()
    assert f'<link rel="preload" href="{found[1]}" as="font" type="font/woff2" crossorigin>' in folder.page("/")


def test_a_site_may_do_without_the_font(site: MakeSite) -> None:
    folder = site("-- posts/a.md --\n" + post())
    folder.write("pyproject.toml", '[tool.octavo]\nbase_url = "https://t.example"\nfont = "system"\n').built()
    assert "woff2" not in folder.page("/posts/a/")
    assert "Charter" in folder.page("/posts/a/")


LAYOUT = """\
-- layouts/post.html --
{{ stylesheet("a.css", "b.css", "c.css") }}|{{ script("s.js") }}|{{ script("end.js") }}
-- assets/a.css --
a { color: red }
-- assets/b.css --
b { background: url(pictures/b.png) }
-- assets/c.css --
@import "a.css";
-- assets/s.js --
go()
-- assets/end.js --
write("</script>")
-- assets/pictures/b.png --
-
"""


def test_what_cannot_stand_within_a_page_is_linked(site: MakeSite) -> None:
    folder = site(LAYOUT + "-- posts/a.md --\n" + post())
    folder.built()
    style, script, linked = folder.page("/posts/a/").strip().split("|")
    assert re.fullmatch(
        r"<style>a\{color:red\}b\{background:url\(/assets/pictures/b\.\w+\.png\)\}</style>\n"
        r'<link rel="stylesheet" href="/assets/c\.\w+\.css">',
        style,
    )
    assert script == "<script>go()</script>"
    assert re.fullmatch(r'<script src="/assets/end\.\w+\.js" defer></script>', linked)


def test_what_is_large_is_linked(site: MakeSite) -> None:
    folder = site(LAYOUT + "-- posts/a.md --\n" + post())
    folder.write("pyproject.toml", '[tool.octavo]\nbase_url = "https://t.example"\ninline = 0\n').built()
    assert folder.page("/posts/a/").count("<link rel") == 3
    assert "<style>" not in folder.page("/posts/a/")


def test_an_edit_of_an_inlined_style_sheet_renders_the_pages_that_have_it(site: MakeSite) -> None:
    folder = site(LAYOUT + "-- posts/a.md --\n" + post())
    folder.built()
    assert folder.replace("assets/a.css", "red", "blue").built().rendered == ("/posts/a/",)
    assert "color:blue" in folder.page("/posts/a/")


def test_the_way_to_an_article_is_told_to_readers_and_to_machines(site: MakeSite) -> None:
    folder = site("-- posts/a.md --\n" + post(tags="[Bread, Oven]"))
    folder.built()
    page = folder.page("/posts/a/")
    assert '<a href="/archive/">Articles</a>\n<a href="/tags/bread/">Bread</a>\n</nav>' in page
    found = re.search(r'<script type="application/ld\+json">(.*?)</script>', page)
    assert found is not None
    article, trail = json.loads(found[1])["@graph"]
    assert article["@type"] == "BlogPosting"
    steps = [(step["position"], step["name"]) for step in trail["itemListElement"]]
    assert steps == [(1, "A test site"), (2, "Articles"), (3, "Bread"), (4, "A post")]


@pytest.mark.parametrize(("language", "found"), [("he", True), ("ar-EG", True), ("en", False), ("arn", False)])
def test_a_language_written_from_the_right_is(site: MakeSite, language: str, found: bool) -> None:
    folder = site("-- posts/a.md --\n" + post())
    folder.write("pyproject.toml", f'[tool.octavo]\nbase_url = "https://t.example"\nlanguage = "{language}"\n').built()
    assert ('dir="rtl"' in folder.page("/")) is found


def test_numbers_of_lines_are_not_in_feeds(site: MakeSite) -> None:
    folder = site("-- posts/a.md --\n" + post(body="```text numbers\none\ntwo\n```\n"))
    folder.built()
    assert 'class="numbers"' in folder.page("/posts/a/")
    assert "one" in folder.page("/feed.json") and "numbers" not in folder.page("/feed.json").replace("numbered", "")


def test_every_title_can_be_looked_for(site: MakeSite) -> None:
    folder = site("-- posts/a.md --\n" + post() + "-- posts/b.md --\n" + post("Other"))
    folder.built()
    page = folder.page("/search/")
    assert '<a href="/posts/b/">Other</a>' in page and 'type="search"' in page
    assert "https://test.example/search/" in folder.page("/sitemap.xml")


def test_no_colour_is_written_outside_of_the_tokens() -> None:
    rules = (ASSETS / "style.css").read_text("utf-8").partition("font: var(--size)")[2]
    lines = [line for line in rules.splitlines() if re.search(r"#[0-9a-f]{3,8}\b|oklch|rgb", line)]
    assert not lines


def test_the_theme_fits_its_budget() -> None:
    assert len(minify_css((ASSETS / "style.css").read_text("utf-8")).encode()) <= 9 * 1024
    assert (ASSETS / "fonts/octavo-serif.woff2").stat().st_size <= 32_000
    assert (ASSETS / "fonts/octavo-serif-italic.woff2").stat().st_size <= 18_000
