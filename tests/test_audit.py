"""The audit finds what it is there to find: what it says of good sites is worth nothing otherwise."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from audit import browser, extraction, limits, pictures, tools
from audit.feeds import atom_faults, json_faults
from audit.host import Host, header_rules, served
from audit.limits import Row, chosen
from audit.markup import nu_faults
from audit.measures import PAGES, SITE, Measure, Page
from audit.published import Published, head_faults, link_faults, sitemap_faults
from audit.table import details, table
from tests.sites import SiteFolder, post
from tests.test_browser import WANTED, browser_path

MakeSite = Callable[[str], SiteFolder]

BASE = "https://test.example"


@pytest.fixture
def published(site: MakeSite) -> Published:
    """Two posts that know of each other."""
    folder = site("").write("posts/a.md", post("A", body="Words to [B](b.md#part).\n", tags="[x]", description="About"))
    folder.write("posts/b.md", post("B", body="## Part\n\nMore words.\n", tags="[x]", description="About"))
    folder.built()
    return Published(folder.root / "output", BASE)


def edited(site: Published, path: str, old: str, new: str) -> Published:
    file = site.folder / path
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), "utf-8")
    return Published(site.folder, site.base_url)


# Feeds.


def test_the_feeds_of_a_site_have_no_fault(published: Published) -> None:
    assert list(atom_faults(published.text("feed.xml"), f"{BASE}/feed.xml")) == []
    assert list(json_faults(published.text("feed.json"), f"{BASE}/feed.json")) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("</feed>", ""),
        ("<feed ", "<fed "),
        ("<updated>", "<updated>yesterday "),
        ("T00:00:00", " 00:00:00"),
        ("<id>https://test.example/posts/a/</id>", "<id>https://test.example/posts/b/</id>"),
        ("<id>https://test.example/posts/a/</id>", "<id>/posts/a/</id>"),
        ("<id>https://test.example/posts/a/</id>", ""),
        ("<title>A</title>", "<title>A</title><title>A</title>"),
        ("<title>A</title>", "<title></title>"),
        ('href="https://test.example/posts/a/"', 'href="/posts/a/"'),
        ('href="https://test.example/posts/a/"', 'href="https://test.example/posts/ä/"'),
        ("https://test.example/feed.xml", "https://test.example/atom.xml"),
        ("<author>", "<author><name>Another</name>"),
        ("&lt;p&gt;", "&lt;script&gt;1&lt;/script&gt;"),
        ('href="https://test.example/posts/b/#part"', 'href="/posts/b/#part"'),
        ("<category ", "<kind/><category "),
        ('term="x"', ""),
    ],
)
def test_a_fault_of_an_atom_feed_is_found(published: Published, old: str, new: str) -> None:
    text = published.text("feed.xml").replace("&#34;", '"').replace("&quot;", '"')
    assert old in text
    # Back in quotes where they stand in a text: the replacement above is for the reader of this test.
    assert list(atom_faults(text.replace(old, new, 1), f"{BASE}/feed.xml"))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("id", None),
        ("id", 7),
        ("id", f"{BASE}/posts/b/"),
        ("url", "/posts/a/"),
        ("content_html", None),
        ("content_html", '<img src="/a.png">'),
        ("content_html", "<p onclick='x()'>"),
        ("date_published", "2026-01-01"),
        ("tags", [""]),
        ("tags", "x"),
        ("authors", [{}]),
        ("titel", "A"),
        ("summary", ""),
    ],
)
def test_a_fault_of_a_json_feed_is_found(published: Published, key: str, value: object) -> None:
    feed = json.loads(published.text("feed.json"))
    (item,) = [item for item in feed["items"] if item["title"] == "A"]
    if value is None:
        del item[key]
    else:
        item[key] = value
    assert list(json_faults(json.dumps(feed), f"{BASE}/feed.json"))


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"version": "https://jsonfeed.org/version/1", "title": "x", "items": []}']
)
def test_what_is_no_json_feed_has_faults(text: str) -> None:
    assert list(json_faults(text, f"{BASE}/feed.json"))


# Links, the sitemap and heads.


def test_links_that_lead_nowhere_are_found(published: Published) -> None:
    assert list(link_faults(published)) == []
    page = "posts/a/index.html"
    for old, new in [('href="/posts/b/#part"', 'href="/posts/c/"'), ('href="/posts/c/"', 'href="../b/#other"')]:
        (fault,) = link_faults(edited(published, page, old, new))
        assert new.partition('"')[2].rstrip('"') in fault
    edited(published, page, 'href="../b/#other"', 'href="/posts/b/#part"')
    again = edited(
        published, page, "</main>", '<img src="/a.png" srcset="/b.png 1x, /c.png 2x" alt=""><b id="_main"></b></main>'
    )
    assert len(list(link_faults(again))) == 4


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("</urlset>", ""),
        ("<loc>https://test.example/posts/a/</loc>", "<loc>https://test.example/posts/c/</loc>"),
        ("<loc>https://test.example/posts/a/</loc>", "<loc>/posts/a/</loc>"),
        ("<loc>https://test.example/posts/a/</loc>", "<loc>https://test.example/posts/b/</loc>"),
        ("<loc>https://test.example/posts/a/</loc>", ""),
        ("<lastmod>", "<lastmod>on "),
        ("<lastmod>", "<changed/><lastmod>"),
    ],
)
def test_a_fault_of_a_sitemap_is_found(published: Published, old: str, new: str) -> None:
    assert list(sitemap_faults(published)) == []
    assert list(sitemap_faults(edited(published, "sitemap.xml", old, new)))


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        (' lang="en"', "", "no lang"),
        ("<title>", "<title></title><b>", "no <title>"),
        ('rel="canonical"', 'rel="other"', "no canonical address, or another one"),
        ('name="description"', 'name="descripton"', "0 times description"),
        ('property="og:url"', 'property="og:uri"', "0 times og:url"),
        ("application/atom+xml", "application/rss+xml", "no link to the feed of application/atom+xml"),
        ('"@graph"', '"@graf"', "JSON-LD has None"),
        ('"headline"', '"headlin"', "BlogPosting without headline"),
    ],
)
def test_what_a_head_does_not_say_is_found(published: Published, old: str, new: str, fault: str) -> None:
    path = "posts/a/index.html"
    assert fault not in list(head_faults(published, path))
    assert fault in list(head_faults(edited(published, path, old, new), path))


# The host.


def test_headers_are_those_of_the_rules_that_fit() -> None:
    rules = list(
        header_rules("# a comment\n/*\n  X-All: yes\n\n/posts/:name/\n  X-Post: a: b\n  X-Two: 2\n/a.b\n X: 1\n")
    )

    def of(path: str) -> list[tuple[str, str]]:
        return [header for pattern, some in rules if pattern.fullmatch(path) for header in some]

    assert of("/") == [("X-All", "yes")]
    assert of("/posts/a/") == [("X-All", "yes"), ("X-Post", "a: b"), ("X-Two", "2")]
    assert of("/posts/a/b/") == of("/a-b") == [("X-All", "yes")]
    assert of("/a.b") == [("X-All", "yes"), ("X", "1")]


def test_a_site_is_served_as_a_host_does(published: Published) -> None:
    (published.folder / "_headers").write_text("/*\n  X-All: yes\n")
    host = Host(published.folder)
    assert host.answer("/posts/a/?x#y").status == 200
    assert host.answer("/posts/a/").kind == "text/html; charset=utf-8"
    assert (
        host.answer("/nothing/").status == host.answer("/posts/a/../a/").status == host.answer("/posts").status == 404
    )
    with served(published.folder) as address, urllib.request.urlopen(f"{address}/feed.json") as answer:
        assert answer.headers["X-All"] == "yes"
        assert json.loads(answer.read())["title"] == "A test site"


# Readability.


def test_text_that_was_not_taken_out_is_told() -> None:
    content = "<p>One two.</p><ul><li>three</li><li>four <em>five</em></li></ul><pre>six\n seven</pre>"
    assert extraction.coverage(content, "One  two. three\nfour five six seven") == (100, [])
    percent, lost = extraction.coverage(content, "One two. three six seven")
    assert (round(percent, 1), lost) == (71.4, ["four five"])


# In a browser.

BAD = """<!doctype html><html lang="en"><head><title>Bad</title><meta charset="utf-8">
<link rel="stylesheet" href="http://elsewhere.invalid/a.css"><style>main { width: 900px }</style></head><body>
<main><p>Words.</p></main><script>console.error("a fault")</script><script src="/late.js"></script></body></html>"""
LATE = """document.querySelector("main").append("written late");
requestAnimationFrame(() => requestAnimationFrame(() => document.body.prepend(Object.assign(
document.createElement("h1"), { textContent: "Everything moves" }))));
eval("1");"""
GOOD = """<!doctype html><html lang="en"><head><title>Good</title><meta charset="utf-8">
<link rel="stylesheet" href="/a.css"></head><body><main><h1>Good</h1><p>Words.</p></main></body></html>"""


@pytest.fixture
def chromium() -> str:
    path = browser_path()
    if path is None:
        if WANTED == "required":
            pytest.fail("no browser was found, and OCTAVO_BROWSER says that one is required")
        pytest.skip("no Chromium was found: install one, or name it in OCTAVO_BROWSER")
    return path


@pytest.fixture
def pages(tmp_path: Path) -> Iterator[list[tuple[Page, str]]]:
    (tmp_path / "bad.html").write_text(BAD)
    (tmp_path / "late.js").write_text(LATE)
    (tmp_path / "good.html").write_text(GOOD)
    (tmp_path / "a.css").write_text("main { color: #111 }")
    policy = "default-src 'self'"
    weak = "default-src 'self' http:; style-src 'unsafe-inline'; script-src 'self'"
    rule = "{}\n  Content-Security-Policy: {}\n"
    (tmp_path / "_headers").write_text(rule.format("/bad.html", weak) + rule.format("/good.html", policy))
    with served(tmp_path) as address:
        yield [(Page(name, "", ""), f"{address}/{name}.html") for name in ("bad", "good")]


def test_what_is_wrong_with_a_page_is_seen_in_a_browser(chromium: str, pages: list[tuple[Page, str]]) -> None:
    wanted = browser.ROWS - {"axe-light", "axe-dark"}
    found = {(each.page, each.row): each for each in browser.measured(pages, chromium, Path(), wanted)}
    assert {row for page, row in found if page == "bad"} == wanted
    faults = ("csp", "policy", "console", "other-hosts", "no-script", "too-wide", "cls")
    assert [row for row in faults if not found["bad", row].value] == []
    assert [row for row in faults if found["good", row].value] == []
    assert found["bad", "csp"].value >= 2
    assert found["bad", "no-script"].value == 2
    assert found["bad", "policy"].value == 3
    assert found["good", "requests"].value == 2
    assert found["good", "css"].value == 0.02
    assert found["bad", "js"].value > 0.2


def npm(module: str) -> Path:
    folder = tools.FOLDER / "node_modules"
    if not (folder / module).is_dir():
        pytest.skip("`make audit` installs what this needs")
    return folder


def test_axe_finds_what_it_is_asked_for(chromium: str, tmp_path: Path) -> None:
    axe = npm("axe-core") / "axe-core" / "axe.min.js"
    dark = "@media (prefers-color-scheme: dark) { p { color: #aaa } }"
    (tmp_path / "index.html").write_text(GOOD.replace("</head>", f"<style>{dark}</style></head>"))
    with served(tmp_path) as address:
        found = list(browser.measured([(Page("x", "", ""), f"{address}/")], chromium, axe, {"axe-light", "axe-dark"}))
    assert [(each.row, each.value) for each in found] == [("axe-light", 0), ("axe-dark", 2)]
    assert "color-contrast" in found[1].notes[0]


def test_the_html_checker_tells_the_file_and_the_place(tmp_path: Path) -> None:
    modules = npm("vnu-jar")
    java = tools._find_command(("java",))
    if java is None:
        pytest.skip("no Java was found")
    (tmp_path / "good.html").write_text(GOOD)
    (tmp_path / "bäd.html").write_text(GOOD.replace("<p>", "<p><div>"))
    jar = modules / "vnu-jar" / "build" / "dist" / "vnu.jar"
    found = nu_faults(tmp_path, ["bäd.html", "good.html"], java, jar)
    assert found["good.html"] == []
    assert found["bäd.html"] and "bäd.html:2:" in found["bäd.html"][0]


# Limits and the table.


def test_a_limit_holds_where_it_reaches() -> None:
    row = Row("kb", "KB", most=60, reach="usual")
    assert row.holds(Measure("kb", "home", 60)) and not row.holds(Measure("kb", "home", 60.1))
    assert row.holds(Measure("kb", "torture", 600))
    assert not Row("score", "Score", least=100).holds(Measure("score", "torture", 99))
    assert Row("shown", "Shown").holds(Measure("shown", "home", 10**6))
    found = Row("seo", "SEO", least=100, reach="usual", but=("404",))
    assert found.holds(Measure("seo", "404", 60)) and not found.holds(Measure("seo", "home", 60))
    articles = Row("all", "All", least=100, reach="articles")
    assert articles.holds(Measure("all", "home", 0)) and not articles.holds(Measure("all", "torture", 99))


def test_every_page_of_the_table_has_a_name_of_its_own() -> None:
    assert len({page.name for page in PAGES}) == len(PAGES)
    assert len({row.name for row in limits.ROWS}) == len(limits.ROWS)


def test_rows_are_chosen_by_the_beginnings_of_their_names() -> None:
    assert [row.name for row in chosen(["axe"], fast=True)] == ["axe-light", "axe-dark"]
    assert chosen([], fast=True) == limits.FAST
    with pytest.raises(LookupError):
        chosen(["mobile"], fast=True)


def test_the_table_marks_what_is_beyond_its_limit_and_tells_why() -> None:
    rows = [Row("a", "What is counted", most=0), Row("b", "What is shown")]
    measures = [Measure("a", "home", 0), Measure("a", SITE, 2, ("one", "two")), Measure("b", "home", 1.5, ("more",))]
    assert table(rows, [SITE, "home", "tag"], measures) == (
        "                 limit  site  home\nWhat is counted      0    2!     0\nWhat is shown                  1.5"
    )
    assert list(details(rows, measures, False)) == ["What is counted, site: 2", "    one", "    two"]
    assert len(list(details(rows, measures, True))) == 5


# Pictures.


def test_the_article_that_breaks_pages_shows_every_picture(tmp_path: Path) -> None:
    text = (Path(tools.HERE) / "torture" / "posts" / "torture" / "index.md").read_text("utf-8")
    assert [name for name in pictures.PICTURES if name not in text] == []
