from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavo.base.diagnostics import to_text
from octavo.base.digest import digest
from octavo.content.markdown.parser import make_parser
from octavo.content.markdown.reader import BodySource, Reading, ReadingOptions, read
from octavo.images.variants import whole_html
from octavo.model.documents import Heading, PictureRef
from octavo.model.extensions import Extension, Extensions
from octavo.model.values import Table

PATH = "posts/django/subquery.md"
PARSERS: dict[Extensions, Any] = {}


def reading(text: str, path: str = PATH, first_line: int = 5, **options: Any) -> Reading:
    return read(BodySource(path, text, first_line), ReadingOptions(**options), once)


def once(make: Any, /, *arguments: Any) -> Any:
    assert make is make_parser
    if arguments[0] not in PARSERS:
        PARSERS[arguments[0]] = make(*arguments)
    return PARSERS[arguments[0]]


def html_of(found: Reading) -> str:
    """The HTML with each reference as ``kind:target``."""
    assert len(found.body.chunks) == len(found.body.refs) + 1
    out = [found.body.chunks[0]]
    for ref, chunk in zip(found.body.refs, found.body.chunks[1:], strict=True):
        address = f"{ref.kind}:{ref.target}{ref.suffix}"
        out += (whole_html(dict(ref.attributes), address) if isinstance(ref, PictureRef) else address, chunk)
    return "".join(out)


def html(text: str, **options: Any) -> str:
    """The HTML of a text in which nothing is wrong."""
    found = reading(text, **options)
    assert found.problems == ()
    return html_of(found)


def told(text: str, **options: Any) -> list[str]:
    """The problems, each as ``line:column: severity[code]: message``."""
    return [
        f"{one.where().removeprefix(PATH + ':')}: {one.severity}[{one.code}]: {one.message}"
        for one in reading(text, **options).problems
    ]


def visible(found: Reading) -> str:
    return unescape(re.sub(r"<[^>]*>", "", html_of(found)))


# Sections.


def test_headings_get_ids_from_their_text_and_a_link_that_is_not_read_out() -> None:
    assert html("## Exists()\n") == (
        '<h2 id="exists">Exists() <a class="anchor" href="#exists" aria-hidden="true" tabindex="-1"></a></h2>\n'
    )


def test_ids_are_unique_and_those_given_by_hand_come_first() -> None:
    found = reading("## Exists\n\n## Exists\n\n## Last {#exists .wide}\n\n### `Exists` *again*\n")
    assert found.headings == (
        Heading(2, "exists-1", "Exists"),
        Heading(2, "exists-2", "Exists"),
        Heading(2, "exists", "Last"),
        Heading(3, "exists-again", "<code>Exists</code> <em>again</em>"),
    )
    assert '<h2 id="exists" class="wide">Last <a' in html_of(found)


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Location", "section-location"),
        ("forms", "section-forms"),
        ("Name", "section-name"),
        ("`__proto__`", "proto"),
        ("C# & C++", "c-sharp-c-plus-plus"),
        ("Größe", "grösse"),
        ("日本語", "日本語"),
        ("fn-1", "fn-1"),
        ("\\<script>", "script"),
    ],
)
def test_no_id_is_a_name_that_scripts_use(title: str, name: str) -> None:
    assert reading(f"## {title}\n").headings[0].id == name


def test_a_heading_of_nothing_but_emoji_has_an_id() -> None:
    first, second = reading("## 🎉\n\n## 🎈\n").headings
    assert re.fullmatch(r"x-[0-9a-f]{8}", first.id) and first.id != second.id


def test_an_id_given_by_hand_that_scripts_use_is_changed_and_said() -> None:
    found = reading("## A {#location}\n\n{#name}\nText\n\n## B {#b}\n\n## C {#b}\n")
    assert found.anchors == ("section-location", "section-name", "b", "b-1")
    assert [(one.where(), one.code) for one in found.problems] == [
        (f"{PATH}:5:1", "id"),
        (f"{PATH}:8:1", "id"),
        (f"{PATH}:12:1", "id"),
    ]


def test_a_link_to_a_section_whose_id_got_a_prefix_follows_it() -> None:
    found = reading("[there](#location)\n\n## Location\n")
    assert '<a href="#section-location">there</a>' in html_of(found)
    assert found.links[0].fragment == "section-location"


def test_an_h1_in_a_body_is_a_warning_once() -> None:
    assert told("# One\n\n# Two\n") == ["5:1: warning[heading]: the title is the page's h1"]


def test_a_table_of_contents_holds_no_links_footnotes_images_or_raw_html() -> None:
    text = "## A [link](x.md) ![pic](p.png) **b**[^1] <kbd>k</kbd> <sub>s</sub> &amp; &lt;i>\n\n[^1]: n\n"
    assert reading(text).headings[0].html == "A link  <strong>b</strong> k <sub>s</sub> &amp; &lt;i&gt;"


def test_all_ids_are_anchors() -> None:
    found = reading("## A\n\n{#para}\nText[^1]\n\n`c`{#code} <i id=raw></i>\n\n[^1]: Note\n")
    assert set(found.anchors) == {"a", "para", "code", "raw", "fn-1", "fnref-1"}


# Links.


def test_links_keep_their_targets_and_their_places_in_the_file() -> None:
    text = "One [a](exists.md#top) and\ntwo ![p](../cat.png 'T').\n\n- item [s](/about/)\n\n> q [own](#one)\n"
    found = reading(text)
    assert [
        (use.ref and (use.ref.kind, use.ref.target), use.fragment, use.is_image, use.text) for use in found.links
    ] == [
        (("post", "posts/django/exists.md"), "top", False, "a"),
        (("file", "posts/cat.png"), "", True, "p"),
        (("site", "/about/"), "", False, "s"),
        (None, "one", False, "own"),
    ]
    assert [(use.span.line, use.span.column, use.span.width) for use in found.links] == [
        (5, 5, 18),
        (6, 5, 20),
        (8, 8, 12),
        (10, 5, 11),
    ]
    lines = text.split("\n")
    for use in found.links:
        assert use.span.text == lines[use.span.line - 5]


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("# *h* [x](y.md) #", 5, 7),
        ("h [x](y.md)\n===", 5, 3),
        ("| a \\| b | [x](y.md) |\n|---|---|\n", 5, 12),
        ("| a | b |\n|---|---|\n| [x](y.md) | [x](y.md) |", 7, 3),
        ("| a \\| b \\| [x](y.md) |\n|---|\n", 5, 13),
        ("Term [x](y.md)\n: Def", 5, 6),
        ("Term\n: Def [x](y.md)", 6, 7),
        ("> - 1. a\n>   b [x](y.md)", 6, 7),
        ("a[^1]\n\n[^1]: note [x](y.md)", 7, 12),
        ("- [ ] todo [x](y.md)", 5, 12),
        ("> [!NOTE]\n> see [x](y.md)", 6, 7),
        ("**bold [x](y.md)**", 5, 8),
        ("see [x][ref]\n\n[ref]: y.md", 5, 5),
        ("see [ref]\n\n[ref]: y.md", 5, 5),
        ("é😀 [x](y.md)", 5, 4),
        ("a\\\nb  \nc [x](y.md)", 7, 3),
        ("    code\n\nx [x](y.md)", 7, 3),
        ("-\t[x](y.md)", 5, 3),
    ],
)
def test_a_link_is_found_wherever_it_stands(text: str, line: int, column: int) -> None:
    use = reading(text).links[0]
    assert (use.span.line, use.span.column) == (line, column)


def test_what_replaces_a_reference_is_the_value_of_an_attribute_or_an_image() -> None:
    found = reading('[a](x.md "t") ![b](y.png){.wide width=10 height=20}\n')
    assert found.body.chunks == ('<p><a href="', '" title="t">a</a> ', "</p>\n")
    assert [ref.raw for ref in found.body.refs] == ["x.md", "y.png"]
    picture = found.body.refs[1]
    assert isinstance(picture, PictureRef)
    assert picture.attributes == (
        ("alt", "b"),
        ("width", "10"),
        ("height", "20"),
        ("class", "wide"),
        ("decoding", "async"),
    )


def test_all_images_but_the_first_are_loaded_late() -> None:
    found = html("![a](https://a.example/a.png) ![b](b.png)\n\n![c](https://a.example/c.png)\n")
    assert [" loading=" in each for each in re.findall("<img[^>]*>", found)] == [False, True, True]


def test_an_image_with_a_title_that_stands_alone_is_a_figure_with_a_caption() -> None:
    assert html('![a](https://a.example/a.png "One & *two*")\n') == (
        '<figure><img src="https://a.example/a.png" alt="a" decoding="async">'
        "<figcaption>One &amp; *two*</figcaption></figure>\n"
    )
    linked = html('[![a](https://a.example/a.png "One")](https://b.example/)\n')
    assert linked.startswith('<figure><a href="https://b.example/"><img ')
    assert linked.endswith("></a><figcaption>One</figcaption></figure>\n")


@pytest.mark.parametrize(
    "text",
    ["![a](https://a.example/a.png)", 'See ![a](https://a.example/a.png "t")', '- ![a](https://a.example/a.png "t")'],
)
def test_any_other_image_stays_where_it_stands(text: str) -> None:
    assert "<figure" not in html(text + "\n")


def test_a_caption_is_part_of_the_text() -> None:
    assert "One more" in reading('Words.\n\n![a](a.png "One more")\n').prose


def test_an_image_without_a_text_is_a_warning_unless_it_only_decorates() -> None:
    told_of = "warning[alt]: this image has no text for those who cannot see it"
    assert told("a\nb ![](c.png)\n\n![ ](c.png)\n") == [f"6:3: {told_of}", f"8:1: {told_of}"]
    assert html("![dots](https://a.example/c.png){role=presentation}\n") == (
        '<p><img src="https://a.example/c.png" alt="" decoding="async"></p>\n'
    )


def test_only_an_image_has_a_role_and_only_that_of_presentation() -> None:
    assert "role" not in html_of(reading("![a](https://a.example/c.png){role=button}\n"))
    assert [told(f"{text}{{role=button}}\n")[0].split(":")[2].strip() for text in ("![a](c.png)", "[a](#)")] == [
        "warning[attribute]"
    ] * 2


def test_addresses_elsewhere_are_left_alone() -> None:
    assert html("<https://a.example/?a=1&b=2> www.b.example [m](mailto:a@b.example) [c](//c.example/x)\n") == (
        '<p><a href="https://a.example/?a=1&amp;b=2">https://a.example/?a=1&amp;b=2</a> '
        '<a href="http://www.b.example">www.b.example</a> <a href="mailto:a@b.example">m</a> '
        '<a href="//c.example/x">c</a></p>\n'
    )


@pytest.mark.parametrize(
    "text",
    [
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](&#106;avascript:alert(1))",
        "[x](<java\tscript:alert(1)>)",
        "[x](vbscript:x)",
        "[x](data:text/html,x)",
        "[x](file:///etc/passwd)",
        "![x](javascript:alert(1))",
        "<javascript:alert(1)>",
        "[x][r]\n\n[r]: javascript:alert(1)",
        "![x][r]\n\n[r]: javascript:alert(1)",
        "[**x** `y`](javascript:alert(1))",
    ],
)
def test_no_harmful_address_is_published(text: str) -> None:
    found = reading(text)
    assert [(one.severity, one.code, one.where()) for one in found.problems] == [("error", "link", f"{PATH}:5:1")]
    assert "href" not in html_of(found) and "src" not in html_of(found)
    assert "x" in visible(found) or "alert" in visible(found)


def test_a_link_out_of_the_posts_is_an_error_at_its_place() -> None:
    found = reading("see [x](../../pyproject.toml)\n")
    assert to_text(found.problems[0]) == (
        f"{PATH}:5:5: error[link]: '../../pyproject.toml' leads outside 'posts/'\n"
        "    5 | see [x](../../pyproject.toml)\n"
        "      |     ^^^^^^^^^^^^^^^^^^^^^^^^^\n"
        "    hint: link to a page of the site by its address: '/about/'"
    )


def test_a_reference_that_is_not_defined_is_a_warning_where_a_link_was_meant() -> None:
    assert told("a [text][nosuch] b\n\n[nosush]: x.md\n") == [
        "5:3: warning[link]: no address for '[nosuch]', so this is no link"
    ]
    assert reading("a [text][nosuch] b\n\n[nosush]: x.md\n").problems[0].hint == "did you mean 'nosush'?"
    assert told("a[i][j] and [1][2] and [x] and ![a [b][c]](d.png)\n") == []


def test_a_link_without_an_address_is_a_warning() -> None:
    assert told("see [this]()\n") == ["5:5: warning[link]: this link leads nowhere"]


# Footnotes.


def test_footnotes_have_ids_labels_and_ways_back() -> None:
    found = html("A[^x] b[^x].\n\n[^x]: Note\n")
    assert '<a href="#fn-1" id="fnref-1" role="doc-noteref" aria-label="Footnote 1">1</a>' in found
    assert '<a href="#fn-1" id="fnref-1-2" role="doc-noteref" aria-label="Footnote 1">1</a>' in found
    assert '<li id="fn-1"><p>Note <a class="footnote-back" href="#fnref-1" role="doc-backlink"' in found
    assert 'href="#fnref-1-2" role="doc-backlink" aria-label="Back to the text at footnote 1, use 2"' in found
    assert sorted(re.findall(r'id="([^"]*)"', found)) == ["fn-1", "fnref-1", "fnref-1-2"]


def test_a_heading_makes_way_for_a_footnote() -> None:
    assert reading("## fn-1\n\na[^1]\n\n[^1]: b\n").headings[0].id == "fn-1-1"


def test_a_footnote_that_is_not_defined_is_an_error_with_a_hint() -> None:
    found = reading("a\nb[^two] `[^code]` \\[^escaped] ![[^alt]](x.png) c[^two]\n\n[^too]: c\n")
    assert [(one.where(), one.message, one.hint) for one in found.problems] == [
        (f"{PATH}:6:2", "no footnote 'two'", "did you mean 'too'?")
    ]


def test_a_footnote_may_refer_to_itself() -> None:
    found = reading("a[^1]\n\n[^1]: see [^1]\n")
    assert html_of(found).count('id="fnref-1') == 2


# Blocks.


def test_an_empty_header_cell_is_no_header() -> None:
    found = html("|  | b |\n|--|--:|\n| 1 | 2 |\n")
    assert '<td></td>\n<th class="align-right">b</th>' in found


def test_tables_scroll_in_a_box_and_align_by_class() -> None:
    found = html("| a | b | c |\n|:--|:-:|--:|\n| 1 | 2 | 3 |\n")
    assert found.startswith('<div class="table" tabindex="0">\n<table>\n')
    assert found.endswith("</table>\n</div>\n")
    assert '<th class="align-left">a</th>\n<th class="align-center">b</th>\n<th class="align-right">c</th>' in found
    assert "style=" not in found


def test_tasks_are_check_boxes_that_cannot_be_changed_and_have_names() -> None:
    assert html("- [ ] a\n- [x] b\n") == (
        '<ul class="contains-task-list">\n'
        '<li class="task-list-item"><input type="checkbox" class="task" disabled aria-label="Open task"> a</li>\n'
        '<li class="task-list-item">'
        '<input type="checkbox" class="task" disabled checked aria-label="Completed task"> b</li>\n</ul>\n'
    )


def test_definitions_alerts_and_deleted_text() -> None:
    assert html("Term\n: What it *is*\n") == "<dl>\n<dt>Term</dt>\n<dd>What it <em>is</em></dd>\n</dl>\n"
    assert html("> [!WARNING]\n> Hot\n") == (
        '<div class="markdown-alert markdown-alert-warning" role="note">\n'
        '<p class="markdown-alert-title">Warning</p>\n<p>Hot</p>\n</div>\n'
    )
    assert html("~~no~~\n") == "<p><del>no</del></p>\n"


def test_only_some_attributes_may_be_written_in_braces() -> None:
    found = reading("![a](b.png){onclick=x .c}\n\n{style=x #p}\ntext\n")
    assert 'class="c"' in html_of(found) and '<p id="p">text</p>' in html_of(found)
    assert "onclick" not in html_of(found) and "style" not in html_of(found)
    assert [(one.where(), one.code) for one in found.problems] == [
        (f"{PATH}:5:1", "attribute"),
        (f"{PATH}:8:1", "attribute"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "{{ 7*7 }}",
        '{% include "/etc/passwd" %}',
        "{# comment #}",
        "{#}",
        "${x}",
        "`a`{% raw %}",
        "# {{ x }}",
        "`a`{{b}}",
    ],
)
def test_the_braces_of_template_languages_are_text(text: str) -> None:
    assert text.removeprefix("# ").replace("`", "") in visible(reading(text))


def test_percent_tags_of_other_servers_are_shown_as_they_are() -> None:
    assert "&lt;%= x %&gt;" in html_of(reading("a <%= x %> b\n"))


# Code.


def test_code_is_highlighted_in_a_block_that_the_keyboard_can_scroll() -> None:
    assert html("```python\nx = 1\n```\n") == (
        '<pre class="highlight" tabindex="0"><code class="language-python">'
        '<span class="n">x</span> <span class="o">=</span> <span class="mi">1</span>\n</code></pre>\n'
    )
    assert html("    a < b\n") == '<pre class="highlight" tabindex="0"><code>a &lt; b\n</code></pre>\n'


@pytest.mark.parametrize(("word", "numbers"), [("numbers", "1\n2"), ("numbers=40", "40\n41"), ('numbers="9"', "9\n10")])
def test_lines_may_be_numbered(word: str, numbers: str) -> None:
    assert html(f"```text {word}\na\nb\n```\n") == (
        '<pre class="highlight numbered" tabindex="0">'
        f'<span class="numbers" aria-hidden="true">{numbers}</span><code class="language-text">a\nb\n</code></pre>\n'
    )


def test_a_fence_may_have_a_title_and_marked_lines_and_words_for_others() -> None:
    assert html('```text run=flask title="a<b.py" lines="1 3-4" norun\na\nb\nc\n```\n') == (
        '<figure class="code"><figcaption>a&lt;b.py</figcaption>'
        '<pre class="highlight" tabindex="0"><code class="language-text">'
        '<span class="hll">a\n</span>b\n<span class="hll">c\n</span></code></pre></figure>\n'
    )


@pytest.mark.parametrize(
    ("info", "language"),
    [("rust,no_run", "rust"), ("js{1,3}", "js"), ('title="x"', None), ("", None), ("  python  run", "python")],
)
def test_the_first_word_of_a_fence_is_its_language(info: str, language: str | None) -> None:
    found = html(f"```{info}\nx\n```\n")
    assert (f'<code class="language-{language}">' if language else "<code>") in found


def test_an_unknown_language_is_a_warning_and_its_code_is_shown() -> None:
    found = reading("a\n\n```pyhton title=x\na < b\n```\n")
    assert [(one.where(), one.message, one.hint) for one in found.problems] == [
        (f"{PATH}:7:4", "no language 'pyhton'", "did you mean 'python'?")
    ]
    assert '<code class="language-pyhton">a &lt; b\n</code>' in html_of(found)


def test_an_info_string_cannot_break_out_of_its_attribute() -> None:
    found = reading('```"><script>\nx\n```\n')
    assert "<script" not in html_of(found)
    assert found.problems[0].code == "language"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\n\n```python\nx = 1\n", 7),
        ("```\n", 5),
        ("> ```\n> a\n\nb\n", 5),
        ("- ~~~\n  a\n- b", 5),
        ("````\n```\n", 5),
    ],
)
def test_a_fence_that_is_not_closed_is_a_warning(text: str, line: int) -> None:
    assert told(text)[0].startswith(f"{line}:") and told(text)[0].endswith(
        "warning[fence]: this code block is not closed"
    )


@pytest.mark.parametrize(
    "text", ["```\na\n```\n", "> ```\n> a\n> ```\n", "- ~~~\n  a\n  ~~~~\n", "````\n```\n````", "``` ```\n"]
)
def test_a_fence_that_is_closed_is_none(text: str) -> None:
    assert told(text) == []


# Excerpt, words, text.


def test_the_excerpt_is_the_beginning_as_plain_html() -> None:
    text = "## No\n\n- no\n\nAn *em* [li**nk**](x.md) `c<d` ![i](p.png) <kbd>k</kbd>[^1] end.\n\nNext.\n\n[^1]: no\n"
    assert reading(text).summary.excerpt == "An <em>em</em> li<strong>nk</strong> <code>c&lt;d</code> k end. Next."
    assert reading(text).summary.plain == "An em link c<d k end. Next."
    assert reading(text, excerpt=12).summary.excerpt == "An <em>em</em> li<strong>nk</strong>…"


def test_all_text_above_the_mark_is_the_excerpt() -> None:
    long = "word " * 100
    found = reading(f"{long}\n\n> quoted\n\n<!-- more -->\n\nnot this\n")
    assert found.summary.plain == f"{long.strip()} quoted"
    assert "not this" in html_of(found)


def test_a_mark_within_a_line_is_a_comment() -> None:
    assert reading("One <!-- more --> two.\n").summary.plain == "One two."


def test_a_body_of_lists_alone_has_an_excerpt_too() -> None:
    assert reading("- one\n- two\n").summary.plain == "one two"


def test_prose_is_a_line_for_each_block_and_code_stands_apart() -> None:
    found = reading(
        "## Title\n\nOne `two`\nthree ![four](x.png).\n\n| a |\n|---|\n| b |\n\n```\ncode\n```\n\n    more\n"
    )
    assert found.prose == "Title\nOne two three four.\na\nb"
    assert found.code == "code\nmore\n"
    assert found.body.words == 7


def test_the_time_to_read_counts_prose_and_some_code() -> None:
    assert reading("word " * 1540).summary.minutes == 7
    assert reading("```\n" + "x\n" * 300 + "```\n").summary.minutes == 3
    assert reading("").summary.minutes == 1


# Shortcodes.


def shortcodes(**functions: Callable[..., Any]) -> Extensions:
    return Extensions(
        shortcodes=tuple(Extension(name, digest(name), function) for name, function in sorted(functions.items()))
    )


NOTES = shortcodes(
    note=lambda arguments, body: f"<aside data-a='{sorted(arguments.items())}'>{body}</aside>",
    bad=lambda arguments, body: 1 // 0,
    nothing=lambda arguments, body: None,
    link=lambda arguments, body: '<a href="other.md">x</a>',
)


def test_a_shortcode_is_called_with_its_arguments_and_its_lines() -> None:
    seen: list[tuple[Table, str]] = []

    def show(arguments: Table, body: str) -> str:
        seen.append((arguments, body))
        return "<hr>"

    extensions = shortcodes(show=show)
    assert html("a\n::: show one=\"1 2\" two='3' three=4\n*raw*\n\n    text\n:::\nb\n", extensions=extensions) == (
        "<p>a</p>\n<hr>\n<p>b</p>\n"
    )
    ((arguments, body),) = seen
    assert isinstance(arguments, Table)
    assert dict(arguments) == {"one": "1 2", "two": "3", "three": "4"}
    assert body == "*raw*\n\n    text\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a\n\n::: noet\n:::\n", "7:1: error[shortcode]: no shortcode 'noet'"),
        (
            "::: bad\n:::\n",
            "5:1: error[shortcode]: shortcode 'bad' failed: ZeroDivisionError: integer division or modulo by zero",
        ),
        ("::: nothing\n:::\n", "5:1: error[shortcode]: shortcode 'nothing' returned NoneType, not text"),
        ("::: note\nbody\n", "5:1: error[shortcode]: shortcode 'note' is not closed"),
        (":::: note\n:::\n", "5:1: error[shortcode]: shortcode 'note' is not closed"),
        ("::: note a b\n:::\n", "5:1: error[shortcode]: cannot read the arguments at 'a b'"),
        ("::: note a=1 a=2\n:::\n", "5:1: error[shortcode]: argument 'a' is given twice"),
        ('> - ::: note a="\n>   :::\n', "5:3: error[shortcode]: cannot read the arguments at 'a=\"'"),
    ],
)
def test_what_is_wrong_with_a_shortcode_is_told_at_its_line(text: str, message: str) -> None:
    expected = message.replace("5:3:", "5:1:")
    assert told(text, extensions=NOTES) == [expected]


def test_an_unknown_shortcode_may_be_a_known_one() -> None:
    assert reading("::: noet\n:::\n", extensions=NOTES).problems[0].hint == "did you mean 'note'?"


def test_colons_without_a_name_are_text() -> None:
    assert html(":::\n\n::::::::\n\na ::: b\n") == "<p>:::</p>\n<p>::::::::</p>\n<p>a ::: b</p>\n"


def test_links_that_a_shortcode_writes_are_references() -> None:
    found = reading("::: link\n:::\n", extensions=NOTES)
    assert html_of(found) == '<a href="post:posts/django/other.md">x</a>\n'
    assert found.links[0].span.line == 5


# Extensions of the parser.


def test_a_site_can_add_to_its_markdown() -> None:
    def louder(md: Any) -> None:
        md.add_render_rule("strong_open", lambda self, tokens, idx, options, env: "<b>")
        md.add_render_rule("strong_close", lambda self, tokens, idx, options, env: "</b>")

    extensions = Extensions(markdown=(Extension("louder", digest("louder"), louder),))
    assert html("**a**\n", extensions=extensions) == "<p><b>a</b></p>\n"
    assert html("**a**\n") == "<p><strong>a</strong></p>\n"


def test_an_addition_that_fails_is_an_error_of_the_post() -> None:
    def broken(md: Any) -> None:
        def rule(state: Any) -> None:
            raise ValueError("no")

        md.core.ruler.push("broken", rule)

    extensions = Extensions(markdown=(Extension("broken", digest("broken"), broken),))
    (problem,) = reading("a\n", extensions=extensions).problems
    assert (problem.path, problem.message) == (
        PATH,
        "Markdown cannot be read with 'broken' of build.py: ValueError: no",
    )


# Limits.


def nested_list(depth: int) -> str:
    return "".join("  " * level + f"- word{level}x\n" for level in range(depth))


def nested_quote(depth: int) -> str:
    return "".join("> " * (level + 1) + f"word{level}x\n" for level in range(depth))


@pytest.mark.parametrize("depth", [9, 10, 11, 49])
def test_lists_may_be_nested_deep_without_losing_a_word(depth: int) -> None:
    found = html(nested_list(depth))
    assert all(f"word{level}x" in found for level in range(depth))


@pytest.mark.parametrize("depth", [19, 20, 21, 99])
def test_quotes_may_be_nested_deep_without_losing_a_word(depth: int) -> None:
    found = html(nested_quote(depth))
    assert all(f"word{level}x" in found for level in range(depth))


@pytest.mark.parametrize(
    ("text", "place"),
    [
        (nested_list(60), "54:99"),
        (nested_quote(200), "104:1"),
        ("> " * 200 + "x", "5:1"),
        ("- " * 200 + "x", "5:1"),
        ("[^1]: " * 200 + "x", "5:1"),
    ],
)
def test_what_is_nested_deeper_is_an_error_at_its_line(text: str, place: str) -> None:
    assert told(text) == [f"{place}: error[nesting]: blocks nested deeper than 100, where a list counts for two"]


def test_brackets_nested_deeper_than_the_limit_are_an_error_and_no_text_is_lost() -> None:
    text = "[" * 60 + "word" + "]" * 60
    found = reading(f"a {text}\n")
    assert [one.message for one in found.problems] == ["brackets nested deeper than 12"]
    assert visible(found) == f"a {text}\n"


@pytest.mark.parametrize(
    "text",
    ["> " * 99 + "x", "> " * 5000, "- " * 5000, "[" * 5000, "![" * 2000 + "](x)" * 2000, "*a **b " * 2000, ": " * 3000],
)
def test_nesting_never_reaches_the_recursion_limit(text: str) -> None:
    def deep_in(frames: int) -> Reading:
        return reading(text) if frames == 0 else deep_in(frames - 1)

    deep_in(400)


PATHOLOGICAL: dict[str, Callable[[int], str]] = {
    "strong in emphasis": lambda n: "*a **a " * n + "b" + " a** a*" * n,
    "closers": lambda n: "a_ " * n,
    "openers": lambda n: "_a " * n,
    "link closers": lambda n: "a]" * n,
    "link openers": lambda n: "[a" * n,
    "mismatched openers": lambda n: "*a_ " * n,
    "brackets": lambda n: "[ (](" * n,
    "images": lambda n: "![[]()" * n,
    "nested brackets": lambda n: "[" * n + "a" + "]" * n,
    "quotes": lambda n: "> " * n + "a",
    "backticks": lambda n: "".join("e" + "`" * count for count in range(int((2 * n) ** 0.5))),
    "unclosed links": lambda n: "[a](<b" * n,
    "unclosed comments": lambda n: "</" + "<!--" * n,
    "unclosed instructions": lambda n: "</" + "<?" * n,
    "unclosed data": lambda n: "</" + "<![CDATA[" * n,
    "tags": lambda n: "<div>\n" + "<a " * n,
    "open elements": lambda n: "a " + "<b>" * n + "</i>" * n,
    "open footnotes": lambda n: "[^1]: x\n\n" + "[^" * n,
    "addresses": lambda n: "http://" * n,
    "lists": lambda n: "- " * n + "a",
    "one line": lambda n: "word " * 20 * n,
    "headings": lambda n: "# a\n" * n,
    "empty items": lambda n: "- \n" * n,
    "srcset": lambda n: '<img srcset="' + "a," * n + '">',
}


@pytest.mark.parametrize("name", PATHOLOGICAL)
def test_input_made_to_be_slow_is_read(name: str) -> None:
    """That it ends is what is tested; quadratic time would take minutes at the tenfold of this."""
    assert html_of(reading(PATHOLOGICAL[name](2000)))


def test_many_footnotes_and_a_large_table_are_read() -> None:
    notes = "".join(f"a[^{number}] " for number in range(2000)) + "\n\n"
    notes += "".join(f"[^{number}]: note {number}\n\n" for number in range(2000))
    assert html_of(reading(notes)).count('<li id="fn-') == 2000
    row = "|" + "x|" * 100 + "\n"
    assert html_of(reading(row + "|" + "-|" * 100 + "\n" + row * 100)).count("<td>") == 10_000


def test_a_place_in_a_very_long_line_does_not_carry_the_line_along() -> None:
    (use,) = reading("x" * 100_000 + " [a](b.md)\n").links
    assert (use.span.column, use.span.text) == (100_002, "")


# Marks of our own.


def test_the_marks_that_stand_for_references_cannot_be_written() -> None:
    found = reading("\ufdd00\ufdd1 &#xFDD0;0&#xFDD1; \ufdd2 [a](b.md)\n")
    assert len(found.body.refs) == 1
    assert visible(found) == "\ufffd0\ufffd \ufffd0\ufffd \ufffd a\n"


@given(st.text("ab \n#*_`[]()<>!&|:-~^=\"'\\{}.1\t/", max_size=60))
def test_any_text_is_read_and_its_references_fit(text: str) -> None:
    found = reading(text)
    assert len(found.body.chunks) == len(found.body.refs) + 1
    assert len(set(found.anchors)) == len(found.anchors)
    lines = text.split("\n")
    for problem in found.problems:
        assert problem.span is not None
        assert 5 <= problem.span.line < 5 + len(lines)
        if problem.span.column is not None:
            assert problem.span.text == lines[problem.span.line - 5]
            assert problem.span.column <= len(problem.span.text) + 1
    digest(found)


def test_the_parser_is_made_once_for_the_same_extensions() -> None:
    made: list[object] = []

    def counting(make: Any, /, *arguments: Any) -> Any:
        made.append(arguments)
        return once(make, *arguments)

    read(BodySource(PATH, "a"), ReadingOptions(), counting)
    assert made == [(Extensions(),)]
