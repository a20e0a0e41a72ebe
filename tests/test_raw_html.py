"""Raw HTML in a body, looked at as a browser's parser (html5lib) sees the page around it."""

from __future__ import annotations

import builtins
from typing import Any

import html5lib
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from octavo.content.markdown.parser import make_parser
from octavo.content.markdown.raw_html import Comment, Tag, Unfinished, is_only_comments, read_node, text_in
from octavo.content.markdown.reader import BodySource, Reading, ReadingOptions, read
from octavo.model.extensions import Extension, Extensions

PARSER = make_parser(Extensions())


def reading(text: str, **options: Any) -> Reading:
    def once(make: Any, /, *arguments: Any) -> Any:
        return PARSER if arguments == (Extensions(),) else make(*arguments)

    return read(BodySource("posts/a/b.md", text, 5), ReadingOptions(**options), once)


def html_of(found: Reading) -> str:
    out = [found.body.chunks[0]]
    for ref, chunk in zip(found.body.refs, found.body.chunks[1:], strict=True):
        out += (f"{ref.kind}:{ref.target}{ref.suffix}", chunk)
    return "".join(out)


def told(found: Reading) -> list[str]:
    return [f"{one.where()}: {one.severity}[{one.code}]: {one.message}" for one in found.problems]


def page_around(html: str) -> list[str]:
    """The elements of the page as a browser nests them, where the body of the post stands in ``<article>``."""
    page = (
        "<!DOCTYPE html><title>t</title><main><article>"
        f"{html}</article><nav>previous</nav></main><footer>footer</footer>"
    )
    body = html5lib.parse(page, namespaceHTMLElements=False).find("body")
    assert body is not None
    main = body.find("main")
    outer = [child.tag for child in body]
    inner = [child.tag for child in main] if main is not None else []
    texts = ["".join(found.itertext()) for found in body.iter() if found.tag in ("nav", "footer")]
    return [*map(str, outer), *map(str, inner), *texts]


WHOLE = ["main", "footer", "article", "nav", "previous", "footer"]

BALANCED = [
    "<div class='note'>\n\nSome *text*.\n\n</div>\n",
    "<details><summary>More</summary>\n\n- a\n- b\n\n</details>\n",
    "<ul><li>one<li>two</ul>\n",
    "<table><tr><td>1<td>2<tr><td>3</table>\n",
    "<p>one\n<p>two\n",
    'A <kbd>Ctrl</kbd> and <br> and <img src="https://a.example/x.png">.\n',
    "<pre>\na <b>bold</b> word\n</pre>\n",
    "<script>\nif (a < b && c > d) document.write('<p>');\n</script>\n",
    "<style>p > a { color: red }</style>\n",
    "<!-- a comment with <div> -->\n",
    '<svg viewBox="0 0 1 1"><title>T</title><path d="M0 0"/></svg>\n',
    "<video controls>\n<source src='https://a.example/v.mp4'>\n</video>\n",
    "Text <!-- inline --> and <ruby>a<rt>b</ruby>.\n",
    "> <div>\n> quoted\n> </div>\n",
    "1. <b>item</b>\n2. item\n",
]


@pytest.mark.parametrize("text", BALANCED)
def test_html_in_balance_is_passed_through_byte_for_byte(text: str) -> None:
    found = reading(text)
    assert found.problems == ()
    assert html_of(found) == PARSER.render(text, {}).replace("disabled", "disabled")
    assert page_around(html_of(found)) == WHOLE


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("text\n\n<div>\n\nmore", 7, "'<div>' is not closed"),
        ("</div></body></html>", 5, "'</div>' closes nothing"),
        ("</article>\n", 5, "'</article>' closes nothing"),
        ("a\n\n<!-- open\n\nb", 7, "unfinished comment in raw HTML"),
        ("<textarea>\n\nx", 5, "'<textarea>' is not closed"),
        ("a <textarea> b *c*\n\nd", 5, "'<textarea>' is not closed"),
        ("<script>\nvar a;\n\nx", 5, "'<script>' is not closed"),
        ("<script><!--<script></script>\n\nmore", 5, "'<script>' is not closed"),
        ("a <b>c\n\nd", 5, "'<b>' is not closed"),
        ("<a name='x'/>text", 5, "'<a/>' does not end the element in HTML"),
        ('<div title="x\n\ny', 5, "unfinished tag '<div' in raw HTML"),
        ("<div a='>\n\ny", 5, "unfinished tag '<div' in raw HTML"),
        ("- <div>\n- b", 5, "'<div>' is not closed"),
        ("<body onload=x>\n", 5, "'<body>' has no place within a post"),
        ("<plaintext>\n", 5, "'<plaintext>' has no place within a post"),
        ("<div>\n\n> </div>\n", 7, "'</div>' closes nothing"),
        ("<svg>\n\n<p>x</p>\n", 5, "'<svg>' is not closed"),
        ("<table>\n<tr><td>\n", 5, "'<table>' is not closed"),
        ("<b><i>x</b></i>\n", 5, "'<i>' is not closed"),
        ("Vec<T> is long", 5, "'<t>' is not closed"),
        ("<select>\n<title>\n</select>\n", 6, "'<title>' has no place within a '<select>'"),
        ("| a |\n|---|\n| <b> |\n| c |", 7, "'<b>' is not closed"),
        ("<?php echo 1\n", 5, "unfinished declaration in raw HTML"),
    ],
)
def test_html_out_of_balance_is_reported_and_stays_within_the_post(text: str, line: int, message: str) -> None:
    found = reading(text)
    assert f"{line}" in [one.where().split(":")[1] for one in found.problems if one.message == message]
    assert all(one.severity == "warning" for one in found.problems)
    assert page_around(html_of(found)) == WHOLE


def test_a_fault_is_placed_at_its_column() -> None:
    assert told(reading("> some <em>text\n")) == ["posts/a/b.md:5:8: warning[raw_html]: '<em>' is not closed"]


def test_an_element_that_html_does_not_know_may_be_text() -> None:
    assert reading("Vec<T> x").problems[0].hint == "if it is text, write it as code or '<' as '\\<'"
    assert reading("<div>").problems[0].hint == ""


SOUP = (
    "<div> </div> <p> </p> <b> </b> <a> </a> <table> <tr> <td> </td> </table> <textarea> </textarea> <script> "
    "</script> <style> </style> <!-- --> <!--> <svg> </svg> <path/> <title> </title> <details> <summary> <iframe> "
    "</iframe> <body> </body> </html> </article> <form> </form> <br/> <ul> <li> </ul> <x <hr> </ <button> </button> "
    "<h2> <dd> <pre> <plaintext> <template> </template> ]]> <?x ?> *em* `c` ~~ > \" '"
).split(" ")


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    st.lists(st.sampled_from([*SOUP, "\n", "\n\n", "\n\n> ", "\n- ", "\n## h\n", "\n|a|\n|-|\n|", " t "]), max_size=12)
)
def test_no_html_of_a_post_takes_in_the_page_around_it(parts: list[str]) -> None:
    assert page_around(html_of(reading("".join(parts)))) == WHOLE


def test_nodes_are_read_as_browsers_read_them() -> None:
    def kind(text: str) -> str:
        return type(read_node(text, 0)).__name__

    assert kind("<a") == kind("<!-- x") == kind("<a b='>") == "Unfinished"
    assert kind("<!-->x") == kind("<!--->") == kind("</ x>") == kind("<!x>") == "Comment"
    assert kind("<1") == kind("< a>") == "NoneType"
    tag = read_node("<A HREF=x/ b = 'c&amp;d' e>", 0)
    assert isinstance(tag, Tag)
    assert (tag.name, tag.closed, tag.end) == ("a", False, 27)
    assert [(one.name, one.value) for one in tag.attributes] == [("href", "x/"), ("b", "c&d"), ("e", "")]


@given(st.text("<>/!-a='\" \n", max_size=30))
def test_every_node_ends_where_it_says(text: str) -> None:
    for start, character in enumerate(text):
        if character == "<":
            node = read_node(text, start)
            assert node is None or node.start == start
            if isinstance(node, Tag | Comment):
                assert text[node.end - 1] == ">"
            else:
                assert node is None or isinstance(node, Unfinished)


def test_comments_alone_show_nothing() -> None:
    assert is_only_comments(" <!-- a -->\n<!-- more -->\n")
    assert not is_only_comments("<!-- a --> b") and not is_only_comments("<!-- a")


def test_words_are_taken_out_of_html() -> None:
    html = "<p title='no'>one &amp; <b>two</b></p><!-- no --><script>no()</script><pre>code <i>here</i></pre>three"
    prose, code = text_in(html)
    assert (prose.split(), code) == (["one", "&", "two", "three"], "code here")
    found = reading(html + "\n")
    assert (found.prose, found.code) == ("one & two three", "code here\n")


# Addresses and ids.


def test_addresses_in_raw_html_are_references_with_their_places() -> None:
    found = reading("x\n\n<p><a class=q href=other.md#s>a</a> <IMG SRC='cat.png' alt=x></p>\n")
    assert html_of(found) == (
        '<p>x</p>\n<p><a class=q href="post:posts/a/other.md#s">a</a> <IMG src="file:posts/a/cat.png" alt=x></p>\n'
    )
    assert [(use.span.line, use.span.column, use.fragment, use.is_image) for use in found.links] == [
        (7, 15, "s", False),
        (7, 42, "", True),
    ]


def test_line_ends_within_an_address_are_none_of_it() -> None:
    assert html_of(reading('<a href="oth\ner.md">x</a>\n')) == '<p><a href="post:posts/a/other.md">x</a></p>\n'


def test_each_address_of_a_set_of_images_is_a_reference() -> None:
    found = reading('<img srcset="a.png 1x, /b.png 2x, https://c.example/c.png 3x">\n')
    assert 'srcset="file:posts/a/a.png 1x, site:/b.png 2x, https://c.example/c.png 3x"' in html_of(found)


@pytest.mark.parametrize(
    "text",
    [
        "<a href='javascript:alert(1)'>x</a>",
        "<a href=JaVaScRiPt:alert(1)>x</a>",
        '<a href="&#106;avascript:alert(1)">x</a>',
        '<a href="java\nscript:alert(1)">x</a>',
        "<img src='data:text/html,x'>",
        "<form action='javascript:x'></form>",
        "<iframe src='javascript:x'></iframe>",
        "<svg><a xlink:href='javascript:x'>x</a></svg>",
        "<img srcset='javascript:x 1x'>",
    ],
)
def test_no_harmful_address_is_published(text: str) -> None:
    found = reading(text)
    assert any(one.is_error and one.code == "link" for one in found.problems)
    assert "script:" not in html_of(found).lower().replace("\n", "")
    assert "data:" not in html_of(found)


def test_ids_and_names_in_raw_html_are_anchors_that_headings_respect() -> None:
    found = reading('<a name="top-1"></a><p id="intro"></p>\n\n## Intro\n')
    assert found.anchors == ("top-1", "intro", "intro-1")


# Policies.


def test_raw_html_can_be_an_error_that_only_comments_escape() -> None:
    found = reading("a <b>c</b>\n\n<div>\n\n<!-- more -->\n", raw_html="error")
    assert told(found) == [
        "posts/a/b.md:5:3: error[raw_html]: raw HTML is not allowed on this site",
        "posts/a/b.md:7:1: error[raw_html]: raw HTML is not allowed on this site",
    ]
    assert html_of(found) == "<p>a &lt;b&gt;c&lt;/b&gt;</p>\n&lt;div&gt;\n"
    assert found.summary.plain == "a c"


HARMFUL = """<script>alert(1)</script>

<img src=x.png onerror=alert(1)> <iframe src="https://e.example"></iframe> <style>p{}</style> <svg onload=a()></svg>
<base href="https://e.example"> <meta http-equiv=refresh> <form action=/x><input name=q></form>

**kept** <kbd style="color:red">kept</kbd> [link](other.md) <a href="x.md" onclick="x()">raw</a>

| a |
|--:|
| 1 |

- [x] done

```python
x = 1
```

Note[^1]

[^1]: Text
"""


def test_sanitized_html_keeps_what_is_harmless_and_says_what_it_drops() -> None:
    found = reading(HARMFUL, raw_html="sanitize")
    html = html_of(found)
    for harmful in (
        "<script",
        "onerror",
        "<iframe",
        "<style",
        "style=",
        "<svg",
        "<base",
        "<meta",
        "<form",
        "onclick",
        "alert",
    ):
        assert harmful not in html
    for kept in (
        '<img src="file:posts/a/x.png">',
        "<strong>kept</strong> <kbd>kept</kbd>",
        '<a href="post:posts/a/other.md">link</a> <a href="post:posts/a/x.md">raw</a>',
        '<td class="align-right">1</td>',
        '<span class="n">x</span>',
        '<a href="#fn-1" id="fnref-1" role="doc-noteref" aria-label="Footnote 1">',
        'type="checkbox"',
    ):
        assert kept in html
    removed = [one.message for one in found.problems if "is removed" in one.message]
    assert removed[:3] == ["'<script>' is removed", "attribute 'onerror' is removed", "'<iframe>' is removed"]
    assert not any(one.is_error for one in found.problems)


def test_a_body_without_raw_html_is_the_same_under_every_policy() -> None:
    text = "# a\n\n*b* `c`\n\n- [ ] d\n"
    assert (
        html_of(reading(text, raw_html="sanitize"))
        == html_of(reading(text, raw_html="error"))
        == html_of(reading(text))
    )


def test_sanitized_html_is_the_same_each_time() -> None:
    text = '- [ ] open\n- [x] done\n\n<input checked title="<input disabled">\n'
    assert len({html_of(reading(text, raw_html="sanitize")) for _ in range(50)}) == 1


def test_a_sanitized_site_trusts_its_own_shortcodes() -> None:
    video = Extension(
        "video", b"v", lambda arguments, body: '<iframe src="https://v.example"></iframe><a href="x.md">x</a>'
    )
    found = reading("<b>a</b>\n\n::: video\n:::\n", raw_html="sanitize", extensions=Extensions(shortcodes=(video,)))
    assert '<iframe src="https://v.example"></iframe><a href="post:posts/a/x.md">x</a>' in html_of(found)


def test_without_nh3_a_sanitized_site_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    original = builtins.__import__

    def without(name: str, *arguments: Any, **options: Any) -> Any:
        if name == "nh3":
            raise ImportError(name)
        return original(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    found = reading("a <b>c</b>\n\n<div></div>\n", raw_html="sanitize")
    assert told(found) == [
        'posts/a/b.md:5:3: error[raw_html]: raw_html = "sanitize" needs the package nh3, which is not installed'
    ]
    assert found.problems[0].hint == "pip install 'octavo[sanitize]'"
