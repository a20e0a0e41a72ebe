from __future__ import annotations

import datetime as dt
import math
import posixpath
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavo.base.diagnostics import to_text
from octavo.base.digest import digest
from octavo.base.source_text import decode
from octavo.content import schema
from octavo.content.front_matter import read
from octavo.content.schema import FIELDS, date_in_name, json_schema, json_schema_text, path_without_date, read_meta
from octavo.content.yaml_values import parse_scalar
from octavo.model.documents import Mark, Meta
from octavo.model.values import Table

PATH = "posts/django/a.md"

# Lines 1 to 7; a case replaces one of them.
FIXTURE = """\
---
title: Flask or Django
date: 2024-01-05
tags: [python, web]
---

body
"""


def edited(number: int, text: str) -> str:
    changed = FIXTURE.split("\n")
    changed[number - 1] = text
    return "\n".join(changed)


def read_text(text: str, path: str = PATH) -> tuple[Meta | None, tuple[Mark, ...], tuple[str, ...], tuple[str, ...]]:
    """What the schema makes of a file: meta, marks, problems as ``line:column: severity[code]: message``, hints."""
    source, _ = decode(path, text.encode())
    assert source is not None
    meta, marks, problems = read_meta(path, read(source))
    assert all(to_text(problem).startswith(path + ":") for problem in problems)
    assert (meta is None) == any(problem.is_error for problem in problems)
    shown = tuple(
        f"{problem.where().removeprefix(path + ':')}: {problem.severity}[{problem.code}]: {problem.message}"
        for problem in problems
    )
    return meta, marks, shown, tuple(problem.hint for problem in problems)


def problems_of(text: str, path: str = PATH) -> list[str]:
    return list(read_text(text, path)[2])


def meta_of(text: str, path: str = PATH) -> Meta:
    meta, _, problems, _ = read_text(text, path)
    assert meta is not None, problems
    assert problems == ()
    return meta


def with_line(text: str) -> Meta:
    """The fixture with one more key."""
    return meta_of(edited(4, text))


def test_a_post_is_typed() -> None:
    assert meta_of(FIXTURE) == Meta(title="Flask or Django", date=dt.date(2024, 1, 5), tags=("python", "web"))


def test_every_key_of_the_table_is_read() -> None:
    text = """\
---
title: T
date: 2024-01-05
updated: 2024-02-01 10:00
expires: 2030-01-01
tags: [a]
description: D
slug: s
authors: [Ann]
series: S
draft: true
layout: wide
image: x.png
aliases: [/old/]
related: {pin: [b.md], block: [c.md]}
canonical: https://example.com/x
toc: false
extra: {k: 1}
---
"""
    assert meta_of(text) == Meta(
        title="T",
        date=dt.date(2024, 1, 5),
        updated=dt.datetime(2024, 2, 1, 10),
        expires=dt.date(2030, 1, 1),
        tags=("a",),
        description="D",
        slug="s",
        authors=("Ann",),
        series="S",
        draft=True,
        layout="wide",
        image="x.png",
        aliases=("/old/",),
        pin=("posts/django/b.md",),
        block=("posts/django/c.md",),
        canonical="https://example.com/x",
        toc=False,
        extra=Table({"k": 1}),
    )


WRONG = [
    pytest.param(2, "x: y", "1:1: error[title]: the post has no title", id="A07-missing"),
    pytest.param(2, "title:", "2:7: error[title]: 'title' is empty", id="A07-nothing"),
    pytest.param(2, 'title: ""', "2:8: error[title]: 'title' is empty", id="A07-quotes"),
    pytest.param(2, 'title: "   "', "2:8: error[title]: 'title' is empty", id="A07-blanks"),
    pytest.param(2, 'title: "\\u200b"', "2:8: error[title]: 'title' is empty", id="A07-invisible"),
    pytest.param(2, "title: [a, b]", "2:8: error[title]: 'title' must be text, not a list", id="A09-list"),
    pytest.param(2, "title: {a: b}", "2:8: error[title]: 'title' must be text, not a mapping", id="A09-mapping"),
    pytest.param(3, "date: not-a-date", "3:7: error[date]: 'not-a-date' is not a date", id="A11-text"),
    pytest.param(
        3, "date: 2024-13-45", "3:7: error[date]: '2024-13-45' is not a date: there is no month 13", id="A11-month"
    ),
    pytest.param(
        3, "date: 2024-02-30", "3:7: error[date]: '2024-02-30' is not a date: February 2024 has 29 days", id="A11-day"
    ),
    pytest.param(3, "date: 05/01/2024", "3:7: error[date]: '05/01/2024' is not a date", id="A11-slashes"),
    pytest.param(3, "date: yesterday", "3:7: error[date]: 'yesterday' is not a date", id="A11-word"),
    pytest.param(3, "date: 20240105", "3:7: error[date]: '20240105' is not a date", id="A11-digits"),
    pytest.param(3, "date: []", "3:7: error[date]: '[]' is not a date", id="A11-list"),
    pytest.param(3, "date: true", "3:7: error[date]: 'true' is not a date", id="A11-true"),
    pytest.param(3, "date: 2024-1-5", "3:7: error[date]: '2024-1-5' is not a date", id="A11-short"),
    pytest.param(3, "date: ٢٠٢٤-٠١-٠٥", "3:7: error[date]: '٢٠٢٤-٠١-٠٥' is not a date", id="A11-other-digits"),
    pytest.param(
        3,
        "date: 2024-01-05 24:00",
        "3:7: error[date]: '2024-01-05 24:00' is not a date: a time is between 00:00:00 and 23:59:59",
        id="A11-hour",
    ),
    pytest.param(
        3,
        "date: 2024-01-05T10:00+24:00",
        "3:7: error[date]: '2024-01-05T10:00+24:00' is not a date: an offset is between -23:59 and +23:59",
        id="A11-offset",
    ),
    pytest.param(
        3,
        "date: 0001-01-01",
        "3:7: error[date]: '0001-01-01' is not a date: the year must be between 1000 and 9998",
        id="A11-year",
    ),
    pytest.param(
        4,
        "expires: 2024-06-31",
        "4:10: error[expires]: '2024-06-31' is not a date: June 2024 has 30 days",
        id="A11-expires",
    ),
    pytest.param(3, "series: S", "1:1: error[date]: the post has no date", id="A12"),
    pytest.param(3, "date:", "3:6: error[date]: the post has no date", id="A12-nothing"),
    pytest.param(4, "tags: python, web", "4:7: error[tags]: 'tags' must be a list", id="A15"),
    pytest.param(4, "tags: null", "4:7: error[tags]: 'tags' must be a list", id="A15-null"),
    pytest.param(4, "tags: {a: b}", "4:7: error[tags]: 'tags' must be a list", id="A15-mapping"),
    pytest.param(4, "tags: [a, null]", "4:11: error[tags]: there is an empty value in 'tags'", id="A16-null"),
    pytest.param(4, "tags: [a, ~]", "4:11: error[tags]: there is an empty value in 'tags'", id="A16-tilde"),
    pytest.param(4, "tags:\n  -\n  - b", "5:4: error[tags]: there is an empty value in 'tags'", id="A16-nothing"),
    pytest.param(4, "tags: [a, '']", "4:11: error[tags]: there is an empty value in 'tags'", id="A16-empty"),
    pytest.param(4, "tags: [a, ' ']", "4:11: error[tags]: there is an empty value in 'tags'", id="A18-blanks"),
    pytest.param(4, "tags: [a, 12]", "4:11: error[tags]: 12 in 'tags' is a number, not text", id="A16-int"),
    pytest.param(4, "tags: [a, 1.10]", "4:11: error[tags]: 1.10 in 'tags' is a number, not text", id="A16-float"),
    pytest.param(4, "tags: [a, true]", "4:11: error[tags]: true in 'tags' is a boolean, not text", id="A16-bool"),
    pytest.param(4, "tags: [a, {b: c}]", "4:11: error[tags]: each of 'tags' must be text, not a mapping", id="A16-map"),
    pytest.param(4, "tags: [a, [b]]", "4:11: error[tags]: each of 'tags' must be text, not a list", id="A16-list"),
    pytest.param(4, 'draft: "true"', "4:8: error[draft]: 'draft' must be true or false, not \"true\"", id="A42-quoted"),
    pytest.param(4, "draft: yes", "4:8: error[draft]: 'draft' must be true or false, not yes", id="A42-yes"),
    pytest.param(4, "draft: 1", "4:8: error[draft]: 'draft' must be true or false, not 1", id="A42-number"),
    pytest.param(4, "draft: maybe", "4:8: error[draft]: 'draft' must be true or false, not maybe", id="A42-maybe"),
    pytest.param(4, "draft: True", "4:8: error[draft]: 'draft' must be true or false, not True", id="A42-capital"),
    pytest.param(4, "draft: [true]", "4:8: error[draft]: 'draft' must be true or false, not [true]", id="A42-list"),
    pytest.param(4, "draft:", "4:7: error[draft]: 'draft' is empty", id="A42-nothing"),
    pytest.param(4, "darft: true", "4:1: error[key]: there is no key 'darft'", id="A42-key"),
    pytest.param(4, "draft: false\nDraft: true", "5:1: error[key]: there is no key 'Draft'", id="A42-two-cases"),
    pytest.param(4, "toc: no", "4:6: error[toc]: 'toc' must be true or false, not no", id="toc"),
    pytest.param(
        4, "author: Ann\nauthors: [Bob]", "5:1: error[authors]: 'authors' says again what line 4 says", id="two-authors"
    ),
    pytest.param(4, "authors: [7]", "4:11: error[authors]: 7 in 'authors' is a number, not text", id="author-number"),
    pytest.param(4, "author: ''", "4:9: error[author]: 'author' is empty", id="author-empty"),
    pytest.param(4, "series: {a: b}", "4:9: error[series]: 'series' must be text, not a mapping", id="series"),
    pytest.param(4, "layout: ../x", "4:9: error[layout]: '../x' cannot be the name of a layout", id="layout-up"),
    pytest.param(4, "layout: /x", "4:9: error[layout]: '/x' cannot be the name of a layout", id="layout-absolute"),
    pytest.param(
        4, "layout: a//b", "4:9: error[layout]: 'a//b' cannot be the name of a layout", id="layout-empty-part"
    ),
    pytest.param(4, "layout: .x", "4:9: error[layout]: '.x' cannot be the name of a layout", id="layout-hidden"),
    pytest.param(4, "layout: a\\b", "4:9: error[layout]: 'a\\b' cannot be the name of a layout", id="layout-backslash"),
    pytest.param(4, "extra: 5", "4:8: error[extra]: 'extra' must have keys below it", id="extra"),
    pytest.param(4, "aliases: /old/", "4:10: error[aliases]: 'aliases' must be a list", id="aliases-text"),
    pytest.param(
        4, "canonical: /x", "4:12: error[canonical]: '/x' is not an http or https address", id="canonical-path"
    ),
    pytest.param(
        4,
        "canonical: ftp://a/",
        "4:12: error[canonical]: 'ftp://a/' is not an http or https address",
        id="canonical-ftp",
    ),
    pytest.param(
        4,
        "canonical: http://[a",
        "4:12: error[canonical]: 'http://[a' is not an http or https address",
        id="canonical-bad",
    ),
    pytest.param(
        4,
        "canonical: 'http://a:b/'",
        "4:12: error[canonical]: 'http://a:b/' is not an http or https address",
        id="canonical-port",
    ),
    pytest.param(
        4,
        "image: javascript:alert(1)",
        "4:8: error[image]: 'javascript:alert(1)' is neither a file of this site nor an http address",
        id="image-scheme",
    ),
    pytest.param(
        4,
        "image: ../../../x.png",
        "4:8: error[image]: '../../../x.png' is neither a file of this site nor an http address",
        id="image-up",
    ),
    pytest.param(
        4,
        "image: //a/x.png",
        "4:8: error[image]: '//a/x.png' is neither a file of this site nor an http address",
        id="image-host",
    ),
    pytest.param(
        4,
        "related: no",
        "4:10: error[related]: 'related' must be false, or have 'pin' and 'block' below it",
        id="related-no",
    ),
    pytest.param(4, "related: {pin: b.md}", "4:16: error[related]: 'related.pin' must be a list", id="related-text"),
]


@pytest.mark.parametrize(("number", "text", "expected"), WRONG)
def test_what_is_wrong_is_located_at_its_value(number: int, text: str, expected: str) -> None:
    assert [line for line in problems_of(edited(number, text)) if ": error[" in line] == [expected]


@pytest.mark.parametrize("raw", ["123", "1.10", "0x1F", "no", "null", "2024-01-05", "1_000", "true", "~", "12:30"])
def test_a_title_keeps_the_characters_typed(raw: str) -> None:
    """A08"""
    assert meta_of(edited(2, f"title: {raw}")).title == raw


def test_a_title_keeps_its_markup_for_the_layouts_to_escape() -> None:
    """A10"""
    assert meta_of(edited(2, 'title: "<b>X & Y\\"\'"')).title == "<b>X & Y\"'"


@pytest.mark.parametrize("text", ["title: >\n  a\n  b\n", "title: |\n  a\n  b", "title: a\n  b", "title: '  a b '"])
def test_a_title_is_one_line(text: str) -> None:
    assert meta_of(edited(2, text)).title == "a b"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("2024-01-05", dt.date(2024, 1, 5)),
        ('"2024-01-05"', dt.date(2024, 1, 5)),
        ("2024-01-05 10:00", dt.datetime(2024, 1, 5, 10)),
        ("2024-01-05T10:00:30.5", dt.datetime(2024, 1, 5, 10, 0, 30, 500_000)),
        ("2024-01-05T10:00Z", dt.datetime(2024, 1, 5, 10, tzinfo=dt.UTC)),
        ("2024-01-05T10:00:00+02:00", dt.datetime(2024, 1, 5, 10, tzinfo=dt.timezone(dt.timedelta(hours=2)))),
        ("2024-01-05T23:30:00-05:00", dt.datetime(2024, 1, 5, 23, 30, tzinfo=dt.timezone(-dt.timedelta(hours=5)))),
        ("2024-01-05 23:30:00 -0530", dt.datetime(2024, 1, 5, 23, 30, tzinfo=dt.timezone(-dt.timedelta(hours=5.5)))),
        ("2024-02-29", dt.date(2024, 2, 29)),
    ],
)
def test_dates(raw: str, expected: dt.date) -> None:
    """A13"""
    found = meta_of(edited(3, f"date: {raw}")).date
    assert (type(found), str(found)) == (type(expected), str(expected))


@given(st.datetimes(dt.datetime(1000, 1, 1), dt.datetime(9998, 12, 31), timezones=st.sampled_from([None, dt.UTC])))
def test_any_time_in_iso_format_is_read_back(moment: dt.datetime) -> None:
    assert meta_of(edited(3, f"date: {moment.isoformat()}")).date == moment
    assert meta_of(edited(3, f"date: {moment.date()}")).date == moment.date()


def test_the_name_of_the_file_gives_a_date_that_the_key_may_replace() -> None:
    path = "posts/2026-11-22-flask.md"
    assert meta_of(edited(3, "series: S"), path).date == dt.date(2026, 11, 22)
    assert meta_of(edited(3, "date:"), path).date == dt.date(2026, 11, 22)
    assert meta_of(FIXTURE, path).date == dt.date(2024, 1, 5)


def test_a_day_in_the_name_that_is_in_no_calendar_is_named() -> None:
    """A12"""
    assert problems_of(edited(3, "series: S"), "posts/2026-02-30-flask.md") == [
        "1:1: error[date]: the post has no date, and '2026-02-30' in its name is no day of the calendar"
    ]


@pytest.mark.parametrize("text", ["draft: true", "layout: page", "layout: page.html"])
def test_drafts_and_pages_need_no_date(text: str) -> None:
    assert meta_of(edited(3, text)).date is None


@pytest.mark.parametrize("text", ["draft: yes", "layout: ../page"])
def test_a_date_is_not_asked_for_where_the_reason_may_be_misspelt(text: str) -> None:
    (problem,) = problems_of(edited(3, text))
    assert "[date]" not in problem


@pytest.mark.parametrize(
    ("path", "day", "rest"),
    [
        ("posts/2026-11-22-flask.md", dt.date(2026, 11, 22), "posts/flask.md"),
        ("posts/a/2026-11-22_flask.v2.md", dt.date(2026, 11, 22), "posts/a/flask.v2.md"),
        ("posts/2026-11-22-cat.v2/index.md", dt.date(2026, 11, 22), "posts/cat.v2/index.md"),
        ("posts/2026-11-22.md", dt.date(2026, 11, 22), "posts/2026-11-22.md"),
        ("posts/2026-11-22-.md", dt.date(2026, 11, 22), "posts/2026-11-22-.md"),
        ("posts/2026-11-22-../index.md", dt.date(2026, 11, 22), "posts/2026-11-22-../index.md"),
        ("posts/2026-11-22-...md", dt.date(2026, 11, 22), "posts/2026-11-22-...md"),
        ("posts/2026-11-22-a/b.md", None, "posts/2026-11-22-a/b.md"),
        ("posts/2026-02-30-flask.md", None, "posts/2026-02-30-flask.md"),
        ("posts/2026-11-22flask.md", None, "posts/2026-11-22flask.md"),
        ("posts/flask.md", None, "posts/flask.md"),
        ("index.md", None, "index.md"),
    ],
)
def test_dates_in_names(path: str, day: dt.date | None, rest: str) -> None:
    assert date_in_name(path) == day
    assert path_without_date(path) == rest


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("tags: python, web", "write tags: [python, web]"),
        ("tags: zebra quagga", "write tags: [zebra quagga]"),
        ("tags: 'C#, a: b, 12'", 'write tags: [C#, "a: b", "12"]'),
        ("tags: null", "write tags: []"),
        ("tags: {a: b}", "write tags: [one, two]"),
        ("tags: [12]", 'put it in quotes: "12"'),
        ("aliases: /old/", "write aliases: [/old/]"),
        ("related: {pin: b.md}", "write pin: [b.md]"),
        ("series: [a]", "put the value in quotes, brackets and all"),
        ("series:\n  - a", "write it in one line"),
        ("date: x", "write YYYY-MM-DD or YYYY-MM-DDTHH:MM+00:00"),
    ],
)
def test_hints_say_what_to_write(text: str, hint: str) -> None:
    """A15"""
    number = 3 if text.startswith("date") else 4
    assert read_text(edited(number, text))[3] == (hint,)


def test_tags_keep_their_spelling() -> None:
    """A17, A18"""
    raw = ["Python", "C++", "C#", "C/C++", "../../esc", "..", "/abs", "a\\b", "index.html", "🎉", "no"]
    assert with_line("tags: [" + ", ".join(raw) + "]").tags == tuple(raw)
    assert with_line("tags: ['%2e%2e']").tags == ("%2e%2e",)


def test_a_tag_given_twice_is_one_tag_and_a_warning() -> None:
    meta, marks, problems, _ = read_text(edited(4, "tags: [a, b, a, c]"))
    assert meta is not None
    assert meta.tags == ("a", "b", "c")
    assert problems == ("4:14: warning[tags]: 'a' is in 'tags' twice",)
    assert [mark.key for mark in marks if mark.key.startswith("tags.")] == ["tags.0", "tags.1", "tags.2"]
    assert [mark.span.column for mark in marks if mark.key == "tags.2"] == [17]


def test_each_wrong_tag_is_a_problem_of_its_own() -> None:
    """A16"""
    found = problems_of(edited(4, "tags: [a, null, 12, true, {a: b}, [x], '']"))
    assert [line.split(": ")[0] for line in found] == ["4:11", "4:17", "4:21", "4:27", "4:35", "4:40"]


@pytest.mark.parametrize("key", ["tags", "updated", "expires", "description", "slug", "author", "authors", "series"])
def test_an_optional_key_with_nothing_after_it_is_not_given(key: str) -> None:
    assert with_line(f"{key}:") == Meta(title="Flask or Django", date=dt.date(2024, 1, 5))


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("../../../../escape", "without '/'"),
        ("/abs/path", "without '/'"),
        ("a/../../b", "without '/'"),
        ("..\\..\\x", "without '\\'"),
        ("'%2e%2e/x'", "without '%'"),
        (".", "no letter or digit"),
        ("..", "no letter or digit"),
        ("''", "it is empty"),
        ("'  '", "it is empty"),
        ("a//b", "without '/'"),
        ("a/", "without '/'"),
        ("\\0", "without '\\'"),
        ("?x", "without '?'"),
        ("'#x'", "without '#'"),
        ("'-'", "no letter or digit"),
        ("🎉", "no letter or digit"),
        ("x" * 300, "longer than 200 bytes"),
        ("é" * 101, "longer than 200 bytes"),
    ],
)
def test_a_slug_that_cannot_be_one_segment_is_refused(raw: str, reason: str) -> None:
    """A36"""
    (problem,) = problems_of(edited(4, f"slug: {raw}"))
    assert problem.startswith("4:7: error[slug]: ")
    assert reason in problem


@pytest.mark.parametrize(
    ("raw", "slug"),
    [("' x '", "x"), ("My First Post", "my-first-post"), ("2024", "2024"), ("C++", "c-plus-plus"), ("Zoë", "zoë")],
)
def test_a_slug_is_normalised(raw: str, slug: str) -> None:
    """A36"""
    assert with_line(f"slug: {raw}").slug == slug


@given(st.text(max_size=30))
def test_no_slug_leaves_its_segment(raw: str) -> None:
    quoted = "'" + raw.replace("'", "''") + "'"
    source, _ = decode(PATH, edited(4, f"slug: {quoted}").encode("utf-8", "replace"))
    if source is None:
        return
    meta, _, _ = read_meta(PATH, read(source))
    if meta is not None and meta.slug is not None:
        assert not set(meta.slug) & set("/\\?#%\0")
        assert meta.slug.strip("-.")


@pytest.mark.parametrize("text", ["author: Ann", "author: [Ann]", "authors: Ann", "authors:\n  - Ann"])
def test_authors_are_one_name_or_a_list_by_either_key(text: str) -> None:
    meta, marks, problems, _ = read_text(edited(4, text))
    assert (meta and meta.authors, problems) == (("Ann",), ())
    assert "authors.0" in [mark.key for mark in marks]


def test_an_unknown_key_is_a_warning_with_the_key_that_was_meant() -> None:
    """A39"""
    meta, _, problems, hints = read_text(edited(4, "tilte: X"))
    assert meta is not None
    assert problems == ("4:1: warning[key]: there is no key 'tilte'",)
    assert hints == ("did you mean 'title'?",)
    assert read_text(edited(4, "zzz: X"))[3] == ("keys of your own go under 'extra'",)


def test_a_key_in_another_case_is_read_with_a_warning() -> None:
    """A39"""
    meta, marks, problems, hints = read_text(edited(2, "Title: X"))
    assert meta is not None
    assert meta.title == "X"
    assert problems == ("2:1: warning[key]: the key 'Title' has capital letters",)
    assert hints == ("did you mean 'title'?",)
    assert marks[0].key == "title"


def test_a_key_in_two_cases_is_read_as_it_should_be_written() -> None:
    """A39"""
    meta, _, problems, hints = read_text(edited(4, "TITLE: Y"))
    assert meta is not None
    assert meta.title == "Flask or Django"
    assert problems == ("4:1: warning[key]: there is no key 'TITLE'",)
    assert hints == ("did you mean 'title'?",)


def test_two_keys_in_other_cases_are_not_both_read() -> None:
    assert problems_of(edited(2, "Title: X\nTITLE: Y")) == [
        "2:1: warning[key]: the key 'Title' has capital letters",
        "3:1: warning[key]: the key 'TITLE' has capital letters",
        "3:1: error[title]: 'TITLE' says again what line 2 says",
    ]


def test_a_draft_in_another_case_is_a_draft() -> None:
    """A42"""
    meta, _, problems, _ = read_text(edited(4, "Draft: true"))
    assert meta is not None
    assert meta.draft
    assert problems == ("4:1: warning[key]: the key 'Draft' has capital letters",)


@pytest.mark.parametrize(("raw", "draft"), [("true", True), ("false", False)])
def test_drafts(raw: str, draft: bool) -> None:
    """A42"""
    assert with_line(f"draft: {raw}").draft is draft


@pytest.mark.parametrize(("raw", "layout"), [("wide", "wide"), ("wide.html", "wide"), ("a/b-c.html", "a/b-c")])
def test_a_layout_has_one_name(raw: str, layout: str) -> None:
    assert with_line(f"layout: {raw}").layout == layout


@pytest.mark.parametrize("raw", ["cover.jpg", "../cover.jpg", "/assets/a b.jpg", "https://example.com/x.png"])
def test_an_image_is_a_file_or_an_address(raw: str) -> None:
    assert with_line(f"image: {raw}").image == raw


@pytest.mark.parametrize(
    ("raw", "path"),
    [
        ("b.md", "posts/django/b.md"),
        ("./b.md", "posts/django/b.md"),
        ("../b.md", "posts/b.md"),
        ("c/b.md", "posts/django/c/b.md"),
        ("/posts/b.md", "posts/b.md"),
        ("posts/b.md", "posts/b.md"),
        ("posts/x/../b.md", "posts/b.md"),
        ("ü 1%.md", "posts/django/ü 1%.md"),
    ],
)
def test_pinned_and_blocked_posts_are_paths_of_the_site(raw: str, path: str) -> None:
    assert with_line(f"related: {{pin: ['{raw}']}}").pin == (path,)
    assert with_line(f"related:\n  block:\n    - {raw}\n  pin:").block == (path,)


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        ("../../b.md", "it is not below posts/"),
        ("../../posts/../x.md", "it is not below posts/"),
        ("/b.md", "it is not below posts/"),
        ("posts/../../b.md", "it is not below posts/"),
        ("a.md", "it is this post"),
        ("c\\b.md", "folders are separated by '/'"),
    ],
)
def test_what_cannot_be_a_related_post_is_refused(raw: str, reason: str) -> None:
    assert problems_of(edited(4, f"related:\n  pin:\n    - {raw}")) == [
        f"6:7: error[related]: '{raw}' cannot be a related post: {reason}"
    ]


@pytest.mark.parametrize("raw", ["/posts/b/", "https://name.example/b/", "b", "django/b", "../b", "x.md/", "b.png"])
def test_other_names_of_related_posts_stay_as_written(raw: str) -> None:
    assert with_line(f"related: {{pin: ['{raw}'], block_both: [c]}}").pin == (raw,)
    assert with_line(f"related: {{block_both: ['{raw}']}}").block_both == (raw,)


def test_related_posts_can_be_switched_off() -> None:
    assert with_line("related: false").related is False
    assert with_line("related: true").related is True
    assert with_line("related: {}").related is True


def test_an_unknown_key_below_related_is_a_warning() -> None:
    meta, _, problems, hints = read_text(edited(4, "related: {pins: [b.md]}"))
    assert meta is not None
    assert problems == ("4:11: warning[key]: there is no key 'pins' in 'related'",)
    assert hints == ("did you mean 'pin'?",)


@pytest.mark.parametrize("raw", ["/old/", "/old.html", "/a/b", "/", "/ü/", "/👩‍💻/"])
def test_aliases_are_paths_of_the_site(raw: str) -> None:
    assert with_line(f"aliases: ['{raw}']").aliases == (raw,)


def test_aliases_are_decoded() -> None:
    assert with_line("aliases: [/Zo%C3%AB%20x/]").aliases == ("/Zoë x/",)


@pytest.mark.parametrize(
    "raw",
    [
        "old/",
        "//example.com/",
        "/a//b",
        "/../x",
        "/a/..",
        "/./x",
        "/%2e%2e/x",
        "/a%2fb",
        "/a\\b",
        "/a%5cb",
        "/a%00",
        "/%ff",
        "/a?b",
        "/a#b",
        "https://example.com/",
        "/" + "x" * 256,
    ],
)
def test_what_cannot_be_an_address_of_the_site_is_refused(raw: str) -> None:
    (problem,) = problems_of(edited(4, f"aliases: [/ok/, '{raw}']"))
    assert problem.startswith("4:17: error[aliases]: ")


@given(st.text(alphabet="/.%2ef5cab\\ ", max_size=20))
def test_no_alias_leaves_the_site(raw: str) -> None:
    meta, _, _, _ = read_text(edited(4, f"aliases: ['/{raw}']"))
    if meta is not None:
        assert posixpath.normpath("/site" + meta.aliases[0]).startswith("/site")
        assert "\\" not in meta.aliases[0]


def test_extra_has_the_types_of_yaml_1_2() -> None:
    text = """extra:
  int: -12
  hex: 0x1F
  octal: 0o17
  float: 1.50
  power: 1e3
  yes: yes
  on: true
  "null": ~
  nothing:
  underscore: 1_000
  clock: 12:30
  day: 2024-01-05
  zeros: 007
  quoted: "1"
  list: [1, [a], {b: 2}]
  map: {z: 1, a: null}"""
    assert with_line(text).extra == Table(
        {
            "int": -12,
            "hex": 31,
            "octal": 15,
            "float": 1.5,
            "power": 1000.0,
            "yes": "yes",
            "on": True,
            "null": None,
            "nothing": None,
            "underscore": "1_000",
            "clock": "12:30",
            "day": "2024-01-05",
            "zeros": 7,
            "quoted": "1",
            "list": (1, ("a",), Table({"b": 2})),
            "map": Table({"a": None, "z": 1}),
        }
    )


def test_infinities_and_numbers_without_end_are_no_crash() -> None:
    assert parse_scalar("-.inf") == -math.inf
    nan = parse_scalar(".nan")
    assert isinstance(nan, float) and math.isnan(nan)
    assert parse_scalar("9" * 10_000) == "9" * 10_000
    assert [parse_scalar(text) for text in ("+", "-", ".", "0x", "+.", "1e")] == ["+", "-", ".", "0x", "+.", "1e"]


@given(st.text(max_size=12))
def test_typing_accepts_any_text(text: str) -> None:
    value = parse_scalar(text)
    assert isinstance(value, str | int | float | None)
    if isinstance(value, str):
        assert value == text


def test_meta_is_a_fact() -> None:
    source, _ = decode(PATH, FIXTURE.encode())
    assert source is not None
    meta, marks, problems = read_meta(PATH, read(source))
    assert digest((meta, marks, problems)) == digest((meta, marks, problems))
    nested = with_line("extra: {a: [1, {b: [2.5, null]}]}")
    assert digest(nested) != digest(meta)


def test_every_value_has_its_place() -> None:
    text = edited(4, "tags: [a, b]\nlayout: page\nrelated: {pin: [b.md], block: [c.md]}\naliases: [/x/]\nauthor: Ann")
    _, marks, _, _ = read_text(text)
    assert {mark.key: (mark.span.line, mark.span.column, mark.span.width) for mark in marks} == {
        "title": (2, 8, 15),
        "date": (3, 7, 10),
        "tags": (4, 7, 6),
        "tags.0": (4, 8, 1),
        "tags.1": (4, 11, 1),
        "layout": (5, 9, 4),
        "related": (6, 10, 28),
        "related.pin": (6, 16, 6),
        "related.pin.0": (6, 17, 4),
        "related.block": (6, 31, 6),
        "related.block.0": (6, 32, 4),
        "aliases": (7, 10, 5),
        "aliases.0": (7, 11, 3),
        "author": (8, 9, 3),
        "authors.0": (8, 9, 3),
    }


def test_all_problems_of_a_file_are_reported_together() -> None:
    """A38"""
    text = "---\ntitle: ''\ndate: yesterday\ntags: a\ntags: b\nslug: a/b\ntilte: x\n---\n"
    assert [line.split(": ")[:2] for line in sorted(problems_of(text))] == [
        ["2:8", "error[title]"],
        ["3:7", "error[date]"],
        ["4:7", "error[tags]"],
        ["5:1", "error[key]"],
        ["6:7", "error[slug]"],
        ["7:1", "warning[key]"],
    ]


def test_problems_of_the_form_come_with_the_others() -> None:
    assert problems_of("no front matter\n") == ["1:1: error[front-matter]: the file has no front matter"]


def test_long_values_are_cut_in_messages() -> None:
    (problem,) = problems_of(edited(3, "date: " + "x" * 500))
    assert len(problem) < 120


def test_the_schema_describes_every_key() -> None:
    described = json_schema()
    assert set(described["properties"]) == {known.key for known in FIELDS}
    assert all(entry["description"].endswith(".") for entry in described["properties"].values())
    assert set(Meta.__dataclass_fields__) - {"pin", "block", "block_both"} == {
        known.name or known.key for known in FIELDS
    }


def test_the_schema_in_docs_is_the_one_in_the_code() -> None:
    """When it is not: ``python -c "from octavo.content.schema import *; print(json_schema_text(), end='')"``."""
    written = Path(schema.__file__).parent.parent.parent / "docs" / "front-matter.schema.json"
    assert written.read_text(encoding="utf-8") == json_schema_text()


@pytest.mark.parametrize("known", FIELDS, ids=lambda known: known.key)
def test_a_schema_belongs_to_the_caller(known: Any) -> None:
    json_schema()["properties"][known.key].clear()
    assert json_schema()["properties"][known.key]
