"""What a page does is what its policy allows."""

from __future__ import annotations

from collections.abc import Callable
from html import unescape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from octavo.templates.csp import SharedMarkup, find_sources, headers_text, insert_policy, join_with_sources, make_policy
from tests.sites import SiteFolder, post

MakeSite = Callable[[str], SiteFolder]

A = "'sha256-ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs='"
"""The SHA-256 of an `a`."""


@pytest.mark.parametrize(
    ("html", "found"),
    [
        ("<script>a</script>", {("script-src", A)}),
        ("<SCRIPT type=module>a</SCRIPT>", {("script-src", A)}),
        ('<script type="speculationrules">a</script>', {("script-src", A)}),
        ('<script type="application/ld+json">a</script>', set()),
        ('<script src="/own.js"></script>', set()),
        ('<script src="https://x.example/a.js"></script>', {("script-src", "https://x.example")}),
        ("<style>a</style>", {("style-src", A)}),
        ('<link rel="stylesheet" href="//x.example/a.css">', {("style-src", "x.example")}),
        ('<link rel="canonical" href="https://x.example/">', set()),
        ('<link rel="preload" as="font" href="https://x.example/f">', {("font-src", "https://x.example")}),
        ('<img alt="a > b" src="https://x.example:8080/i.png">', {("img-src", "https://x.example:8080")}),
        ('<img srcset="/a 1x, https://x.example/b,c.png 2x">', {("img-src", "https://x.example")}),
        ("<iframe src='https://x.example/?a=1&amp;b=2'></iframe>", {("frame-src", "https://x.example")}),
        ('<video src="https://x.example/v" poster="data:image/png,"></video>', {
            ("media-src", "https://x.example"), ("img-src", "data:"),
        }),
        ('<form action="https://x.example/go">', {("form-action", "https://x.example")}),
        ('<a href="https://x.example/">x</a>', set()),
        ("<code>&lt;img src=\"https://x.example/\"></code>", set()),
        ('<p style="color: red">', {("style-src-attr", "'unsafe-inline'")}),
        ('<code>p style="color: red"</code>', set()),
        ("<style>a</style> onclick=b", {("style-src", A)}),
        ('<p onclick="a">', {("script-src", "'unsafe-hashes'"), ("script-src", A)}),
        ('<img src="https://">', set()),
        ('<img src="https://[">', set()),
        ('<img src="https://a;script-src evil/">', set()),
        ("<script>a", {("script-src", A)}),
        ("<image src='https://x.example/'>", set()),
    ],
)  # fmt: skip
def test_what_an_element_needs(html: str, found: set[tuple[str, str]]) -> None:
    assert set(find_sources(html.encode())) == found


_FRAGMENTS = (
    """
<script>|</script>|<style>|</style>|<img src="https://x.example/a">|<img alt="|">|>|<|<im|g src=https://y.example>|'
<p onclick="a">| style="a"| on|click=b|<link rel="stylesheet" href="//z.example/|<!--|text
</sty|le>|"|\0|<IFRAME src='//f/'>
""".strip()
    .replace("\n", "|")
    .split("|")
)


@settings(max_examples=300)
@given(st.lists(st.tuples(st.booleans(), st.lists(st.sampled_from(_FRAGMENTS), max_size=3).map("".join)), max_size=6))
def test_a_page_needs_the_same_whatever_pieces_of_it_are_known(pieces: list[tuple[bool, str]]) -> None:
    html = "".join(text for _, text in pieces).encode()
    assert join_with_sources([SharedMarkup(text) if is_common else text for is_common, text in pieces]) == (
        html,
        find_sources(html),
    )


def test_a_policy_allows_the_own_host_and_what_is_needed() -> None:
    needed = [("script-src", A), ("img-src", "https://x.example"), ("img-src", "https://own.example")]
    assert make_policy(needed, "connect-src https://n.example; frame-src *", "https://own.example") == (
        "default-src 'self'; connect-src 'self' https://n.example; frame-src 'self' *; "
        f"script-src 'self' {A}; base-uri 'none'; form-action 'self'; img-src 'self' data: https://x.example; "
        "object-src 'none'"
    )


def test_a_page_tells_its_policy_before_what_that_is_about() -> None:
    page = b'<head>\n<meta charset="utf-8">\n<style>a</style></head>'
    told = insert_policy(page, "default-src 'self'")
    assert told.index(b"Content-Security-Policy") < told.index(b"<style>")
    assert told.index(b"charset") < told.index(b"Content-Security-Policy")
    assert insert_policy(b"no page", "x") == b"no page"


def test_headers_stand_below_the_path_of_the_site() -> None:
    text = headers_text("default-src 'self'", "/blog")
    assert text.startswith("/blog/*\n  Content-Security-Policy: default-src 'self'; frame-ancestors 'self'\n")
    assert "\n/blog/assets/*\n  Cache-Control: public, max-age=31536000, immutable\n" in text


def test_the_headers_of_a_site_allow_what_any_page_does(site: MakeSite) -> None:
    folder = site("-- posts/a.md --\n" + post() + "-- posts/b.md --\n" + post(body="![x](https://x.example/i.png)\n"))
    folder.built()
    text = folder.output()["_headers"].decode()
    assert "img-src 'self' data: https://x.example;" in text
    assert "'unsafe-inline'" not in text and "'unsafe-eval'" not in text
    for page in ("/posts/a/", "/"):
        for directive, source in find_sources(folder.page(page).encode()):
            assert source in text.partition(directive)[2].partition(";")[0]
    folder.replace("posts/b.md", "https://x.example/i.png", "https://y.example/i.png").built()
    assert "https://y.example" in folder.output()["_headers"].decode()
    assert "https://x.example" not in folder.output()["_headers"].decode()


def test_a_site_may_have_headers_of_its_own_or_none(site: MakeSite) -> None:
    folder = site("-- posts/a.md --\n" + post()).write("assets/root/_headers", "/*\n  X-Own: yes\n")
    folder.built()
    assert folder.output()["_headers"] == b"/*\n  X-Own: yes\n"
    folder.delete("assets/root/_headers")
    (folder.root / "pyproject.toml").write_text(
        '[tool.octavo]\nbase_url = "https://x.example"\ncsp = "none"\n', "utf-8"
    )
    folder.built()
    assert "_headers" not in folder.output()


def test_a_page_that_tells_its_policy_itself_allows_its_own_only(site: MakeSite) -> None:
    folder = site("-- posts/a.md --\n" + post(body="![x](https://x.example/i.png)\n") + "-- posts/b.md --\n" + post())
    settings = '[tool.octavo]\nbase_url = "https://t.example"\n[tool.octavo.csp]\nat = "meta"\n'
    folder.write("pyproject.toml", settings + 'allow = "frame-src https://v.example"\n').built()
    assert "_headers" not in folder.output()
    page = unescape(folder.page("/posts/a/"))
    told = page.partition('<meta http-equiv="Content-Security-Policy" content="')[2].partition('">')[0]
    assert "https://x.example" in told and "frame-src 'self' https://v.example" in told
    assert "https://x.example" not in folder.page("/posts/b/").partition("</head>")[0]
    assert "Content-Security-Policy" not in folder.page("/feed.xml")
