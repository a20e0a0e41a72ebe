from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from octavo.base.diagnostics import Diagnostic, to_text
from octavo.base.source_text import SourceText
from octavo.content import front_matter
from octavo.content.front_matter import (
    MAX_CHARACTERS,
    MAX_ENTRIES,
    MAX_NESTING,
    FrontMatter,
    Mapping,
    Scalar,
    Sequence,
    YamlNode,
    read,
)

PATH = "posts/a.md"

# Lines 1 to 9; a case replaces one of them.
FIXTURE = """\
---
title: Flask or Django
date: 2024-01-05
meta:
  key: 1
tags: [python, web]
---

body
"""


def lines(problems: tuple[Diagnostic, ...]) -> list[str]:
    return [f"{problem.where()}: {problem.message}" for problem in problems]


def edited(number: int, text: str) -> str:
    changed = FIXTURE.split("\n")
    changed[number - 1] = text
    return "\n".join(changed)


def read_text(text: str, loader: Any = front_matter.LOADER) -> FrontMatter:
    return read(SourceText(PATH, text), loader)


def tree(node: YamlNode | None) -> object:
    if isinstance(node, Mapping):
        return {key.text: tree(value) for key, value in node.entries}
    if isinstance(node, Sequence):
        return [tree(item) for item in node.items]
    return node.text if node is not None else None


def value(front: FrontMatter, key: str) -> YamlNode:
    assert front.node is not None
    return next(found for name, found in front.node.entries if name.text == key)


def test_values_are_the_text_as_written() -> None:
    front = read_text(FIXTURE)
    assert front.problems == ()
    assert tree(front.node) == {
        "title": "Flask or Django",
        "date": "2024-01-05",
        "meta": {"key": "1"},
        "tags": ["python", "web"],
    }


@pytest.mark.parametrize("raw", ["123", "1.10", "0x1F", "no", "null", "2024-01-05", "1_000", "12:30", "~", "1e3"])
def test_no_value_is_typed(raw: str) -> None:
    found = value(read_text(edited(2, f"title: {raw}")), "title")
    assert isinstance(found, Scalar)
    assert (found.text, found.plain) == (raw, True)


def test_quotes_are_remembered_and_not_part_of_the_text() -> None:
    found = value(read_text(edited(2, 'title: "a \\"b\\" \\u00e9"')), "title")
    assert isinstance(found, Scalar)
    assert (found.text, found.plain) == ('a "b" é', False)


def test_a_key_without_a_value_is_absent_right_after_its_colon() -> None:
    found = value(read_text(edited(2, "title:")), "title")
    assert isinstance(found, Scalar)
    assert found.is_absent
    assert (found.span.line, found.span.column) == (2, 7)
    quoted = value(read_text(edited(2, "title: ''")), "title")
    assert isinstance(quoted, Scalar)
    assert not quoted.is_absent


def test_places_are_those_of_the_file_in_characters() -> None:
    front = read_text(edited(6, "tags: [é, 🎉, 'web' ]  # why"))
    found = value(front, "tags")
    assert isinstance(found, Sequence)
    spans = [(item.span.line, item.span.column, item.span.width) for item in found.items]
    assert spans == [(6, 8, 1), (6, 11, 1), (6, 14, 5)]
    assert (found.span.line, found.span.column, found.span.width) == (6, 7, 14)
    assert found.span.text == "tags: [é, 🎉, 'web' ]  # why"
    nested = value(front, "meta")
    assert (nested.span.line, nested.span.column) == (5, 3)


def test_the_body_keeps_its_indent_and_blank_lines() -> None:
    front = read_text("---\ntitle: X\n---\n\n    code\n\n\n")
    assert front.body == "\n    code\n\n\n"
    assert front.body_line == 4


def test_the_body_begins_where_the_file_says() -> None:
    front = read_text(FIXTURE)
    first, second = front.body.split("\n")[:2]
    source = SourceText(PATH, FIXTURE)
    assert [source.line(front.body_line), source.line(front.body_line + 1)] == [first, second]


@pytest.mark.parametrize("end", ["", "\n", "\n\n", "\n---\n", "\n---\nx\n---\n"])
def test_the_first_closing_line_closes(end: str) -> None:
    front = read_text("---\ntitle: X\n---" + end)
    assert front.body == end[1:]
    assert tree(front.node) == {"title": "X"}


def test_dashes_within_a_value_do_not_close() -> None:
    front = read_text("---\ntitle: X\ndescription: |\n  a\n  ---\n  b\n---\nbody")
    assert tree(front.node) == {"title": "X", "description": "a\n---\nb\n"}
    assert front.body == "body"


def test_the_body_is_returned_though_the_front_matter_is_broken() -> None:
    front = read_text(edited(2, "title: [a"))
    assert front.node is None
    assert (front.body, front.body_line) == ("\nbody\n", 8)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(FIXTURE.replace("---\n", "---   \n", 1), id="A22-opening"),
        pytest.param(FIXTURE.replace("\n---\n", "\n--- \t\n"), id="A22-closing"),
    ],
)
def test_blanks_behind_the_delimiters_do_not_matter(text: str) -> None:
    front, plain = read_text(text), read_text(FIXTURE)
    assert front.problems == ()
    assert tree(front.node) == tree(plain.node)
    assert (front.body, front.body_line) == (plain.body, plain.body_line)


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        pytest.param("Just text\n", "the file has no front matter", "these 4 lines", id="A01"),
        pytest.param("# Head\n\n---\n", "the file has no front matter", "title: Your title", id="A01-rule"),
        pytest.param("----\na: b\n----\n", "the front matter must begin", "delete what stands", id="A01-four"),
        pytest.param("---\ntitle: X\n", "the front matter that opens here is never closed", "'---'", id="A02"),
        pytest.param("---\ntitle: X\n...\ntext\n", "the front matter that opens here", "line 3, '...'", id="A02-dots"),
        pytest.param("---\ntitle: X\n  ---\n", "the front matter that opens here", "line 3, '---'", id="A02-indented"),
        pytest.param("---\n---\n", "the front matter must be 'key: value' pairs", "4 lines", id="A06-empty"),
        pytest.param("---\n# x\n---\n", "the front matter must be 'key: value' pairs", "4 lines", id="A06-comment"),
        pytest.param("---js\n{}\n---\n", "only YAML front matter is read", "'key: value'", id="A21-js"),
        pytest.param("---json\n{}\n---\n", "only YAML front matter is read", "'key: value'", id="A21-json"),
        pytest.param("+++\na = 1\n+++\n", "only YAML front matter is read", "'key: value'", id="A21-toml"),
        pytest.param("{\n}\n", "only YAML front matter is read", "'key: value'", id="A21-braces"),
        pytest.param("\n---\na: b\n---\n", "the front matter must begin", "delete what stands", id="A22-blank-line"),
        pytest.param(" ---\na: b\n---\n", "the front matter must begin", "delete what stands", id="A22-indented"),
        pytest.param("\ufeff---\na: b\n---\n", "the front matter must begin", "delete", id="A22-second-BOM"),
        pytest.param("", "the file is empty", "4 lines", id="A25-0-bytes"),
        pytest.param(" \n\t\n", "the file is empty", "4 lines", id="A25-blanks"),
        pytest.param("-", "the file has no front matter", "4 lines", id="A25-dash"),
        pytest.param("---", "the front matter that opens here is never closed", "'---'", id="A25-opening"),
        pytest.param("---\n", "the front matter that opens here is never closed", "'---'", id="A25-opening-line"),
        pytest.param(
            "---\na: " + "x" * MAX_CHARACTERS + "\n---\n", "the front matter is longer than 64 KB", "", id="A41-1MB"
        ),
    ],
)
def test_front_matter_that_cannot_be_found_is_an_error_at_the_top(text: str, message: str, hint: str) -> None:
    front = read_text(text)
    assert front.node is None
    (problem,) = front.problems
    assert problem.code == "front-matter"
    assert problem.where() == "posts/a.md:1:1"
    assert problem.message.startswith(message)
    assert hint in problem.hint


BROKEN = [
    pytest.param(5, "\tkey: 1", "5:1: this line is indented with a tab", id="A03"),
    pytest.param(5, "  \tkey: 1", "5:3: this line is indented with a tab", id="A03-mixed"),
    pytest.param(2, 'title: "X', '2:8: the quote " that opens here is not closed where the value ends', id="A04"),
    pytest.param(6, "tags: ['X", "6:8: the quote ' that opens here is not closed where the value ends", id="A04-list"),
    pytest.param(
        2,
        'title: "X\nseries: "Y"',
        '2:8: the quote " that opens here is not closed where the value ends',
        id="A04-next-quote",
    ),
    pytest.param(
        2,
        'title: "X\nseries: said "',
        '2:8: the quote " that opens here is not closed where the value ends',
        id="A04-valid-by-accident",
    ),
    pytest.param(
        6,
        'tags:\n  - "a\n  - "b"',
        '7:5: the quote " that opens here is not closed where the value ends',
        id="A04-next-item",
    ),
    pytest.param(6, 'x: "a\n  - "b" c"', "7:6: this does not belong to the value before it", id="quote-within"),
    pytest.param(2, "title: &a X", "2:8: anchors and aliases are not allowed, and '&a' is one", id="A19-anchor"),
    pytest.param(2, "title: *a", "2:8: anchors and aliases are not allowed, and '*a' is one", id="A19-alias"),
    pytest.param(6, "tags: [!ENV x]", "6:8: the tag '!ENV' is not allowed", id="A20-ENV"),
    pytest.param(6, "tags: !include x", "6:7: the tag '!include' is not allowed", id="A20-include"),
    pytest.param(6, "tags: !!js/function 'x'", "6:7: the tag '!!js/function' is not allowed", id="A20-js"),
    pytest.param(
        6,
        "tags: !!python/object/apply:os.system ['false']",
        "6:7: the tag '!!python/object/apply:os.system' is not allowed",
        id="A20-python",
    ),
    pytest.param(6, "tags: !foo!bar x", "6:7: the tag '!foo!bar' is not allowed", id="A20-handle"),
    pytest.param(6, "<<: {a: b}", "6:1: merge keys ('<<') are not allowed", id="A19-merge"),
    pytest.param(2, "title: a\u200bb\ufeff", "2:11: the character U+FEFF is not allowed in front matter", id="A24-BOM"),
    pytest.param(2, "title: a\x80", "2:9: the character U+0080 is not allowed in front matter", id="A24-C1"),
    pytest.param(2, "title: a\fb", "2:9: the character U+000C is not allowed in front matter", id="A24-FF"),
    pytest.param(
        2, 'title: "a\\0"', "2:8: an escape here makes the character U+0000, which is not allowed", id="A24-escape"
    ),
    pytest.param(2, "title: Flask: why", "2:13: a value with ': ' in it must be in quotes", id="colon"),
    pytest.param(2, "title: 'it's'", "2:12: this does not belong to the value before it", id="apostrophe"),
    pytest.param(2, "title: [a] b", "2:12: this does not belong to the value before it", id="bracket"),
    pytest.param(2, "title: >#1 hit", "2:8: a value cannot begin with '>' unless it is in quotes", id="number-sign"),
    pytest.param(2, "# x\n\n%YAML 1.2", "4:1: the front matter cannot begin with a YAML directive", id="directive"),
    pytest.param(2, "title: @me", "2:8: a value cannot begin with '@' unless it is in quotes", id="at-sign"),
    pytest.param(2, "title: *bold* x", "2:8: a value cannot begin with '*' unless it is in quotes", id="star"),
    pytest.param(2, "title: &", "2:8: a value cannot begin with '&' unless it is in quotes", id="ampersand"),
    pytest.param(2, "title: > x", "2:8: a value cannot begin with '>' unless it is in quotes", id="greater"),
    pytest.param(2, "title: - x", "2:8: a value cannot begin with '-' unless it is in quotes", id="dash"),
    pytest.param(2, 'title: "c:\\path"', "2:11: '\\p' does not begin an escape that YAML knows", id="escape"),
    pytest.param(2, 'title: "\\U00110000"', "2:9: '\\U' does not begin an escape that YAML knows", id="no-character"),
    pytest.param(2, "some text", "2:1: this line has no ':' after its key", id="text-first"),
    pytest.param(6, "some text", "6:1: this line has no ':' after its key", id="text-last"),
    pytest.param(
        6, "tags: [a", "6:7: the '[' that opens here is never closed, or a ',' is missing in it", id="open-list"
    ),
    pytest.param(
        6, "tags: {a: b", "6:7: the '{' that opens here is never closed, or a ',' is missing in it", id="open-map"
    ),
    pytest.param(3, " date: 2024-01-05", "3:2: this key does not fit the lines above", id="indented-key"),
    pytest.param(
        6, "tags:\n  - a\n - b", "8:2: this line does not fit the indentation of the lines above", id="indented-item"
    ),
    pytest.param(6, "[a]: b", "6:1: a key must be text", id="list-as-key"),
    pytest.param(6, "? {a: b}\n: c", "6:3: a key must be text", id="mapping-as-key"),
    pytest.param(6, "...\n", "6:1: the front matter must be one YAML document", id="document-end"),
    pytest.param(
        4,
        "x: " + "[" * MAX_NESTING,
        f"4:{MAX_NESTING + 3}: the front matter is nested deeper than {MAX_NESTING} levels",
        id="A41-depth",
    ),
]


@pytest.mark.parametrize(("number", "text", "expected"), BROKEN)
def test_what_is_wrong_within_the_block_is_located_in_the_file(number: int, text: str, expected: str) -> None:
    assert lines(read_text(edited(number, text)).problems) == [f"posts/a.md:{expected}"]


@pytest.mark.parametrize(("number", "text", "expected"), BROKEN)
def test_the_pure_python_parser_says_the_same(number: int, text: str, expected: str) -> None:
    assert lines(read_text(edited(number, text), yaml.SafeLoader).problems) == [f"posts/a.md:{expected}"]


@pytest.mark.parametrize(
    ("block", "where"),
    [
        pytest.param("- a\n- b\n", "2:1", id="A06-list"),
        pytest.param("42\n", "2:1", id="A06-number"),
        pytest.param("\ntext\n", "3:1", id="A06-text"),
        pytest.param("title:X\n", "2:1", id="A06-no-blank"),
    ],
)
def test_front_matter_must_be_a_mapping(block: str, where: str) -> None:
    front = read_text(f"---\n{block}---\n")
    assert front.node is None
    assert lines(front.problems) == [f"posts/a.md:{where}: the front matter must be 'key: value' pairs"]


def test_a_missing_blank_after_the_colon_is_what_the_hint_is_about() -> None:
    assert read_text("---\ntitle:X\n---\n").problems[0].hint == "put a blank after the colon"


def test_a_key_set_twice_names_both_lines_and_keeps_the_first() -> None:
    front = read_text(edited(6, "title: Other\ntitle: Third"))
    assert lines(front.problems) == [
        "posts/a.md:6:1: the key 'title' is set twice: in line 2 and in line 6",
        "posts/a.md:7:1: the key 'title' is set twice: in line 2 and in line 7",
    ]
    found = value(front, "title")
    assert isinstance(found, Scalar)
    assert found.text == "Flask or Django"


def test_keys_of_two_mappings_do_not_clash() -> None:
    assert read_text(edited(5, "  title: inner")).problems == ()
    assert lines(read_text(edited(5, "  key: 1\n  key: 2")).problems) == [
        "posts/a.md:6:3: the key 'key' is set twice: in line 5 and in line 6"
    ]


def test_a_merge_key_hides_no_other_problem() -> None:
    front = read_text(edited(6, "<<: {a: b}\n<<: {a: b}\ntitle: Other"))
    assert [problem.where() for problem in front.problems] == ["posts/a.md:6:1", "posts/a.md:7:1", "posts/a.md:8:1"]


def test_problems_before_the_one_that_ends_reading_are_kept() -> None:
    front = read_text(edited(3, "title: Other\nx: !tag y\nz: [a"))
    assert [problem.where() for problem in front.problems] == ["posts/a.md:3:1", "posts/a.md:4:4", "posts/a.md:5:4"]


@pytest.mark.parametrize("loader", [front_matter.LOADER, yaml.SafeLoader], ids=["fast", "pure"])
def test_a_tag_with_a_broken_escape_is_refused_in_its_line(loader: Any) -> None:
    (problem,) = read_text(edited(2, "title: !a!%~[ x"), loader).problems
    assert problem.where().startswith("posts/a.md:2:")


def test_many_anchors_are_one_problem() -> None:
    front = read_text(edited(2, "title: &a X\nx: &b Y\nz: &c Z"))
    assert [problem.where() for problem in front.problems] == ["posts/a.md:2:8"]


def test_a_bomb_of_aliases_is_refused_at_its_first_alias() -> None:
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    front = read_text("---\n" + "\n".join(rows) + "\n---\n")
    assert front.node is None
    assert [problem.where() for problem in front.problems] == ["posts/a.md:2:5", "posts/a.md:3:10"]
    assert all("aliases are not allowed" in problem.message for problem in front.problems)


def test_tags_run_no_code(tmp_path: Path) -> None:
    target = tmp_path / "owned"
    command = json.dumps(f"touch {target}")
    front = read_text(f"---\n!!python/object/apply:os.system [{command}]\n---\n")
    assert lines(front.problems)[0] == "posts/a.md:2:1: the tag '!!python/object/apply:os.system' is not allowed"
    assert not target.exists()


@pytest.mark.parametrize("loader", [front_matter.LOADER, yaml.SafeLoader], ids=["fast", "pure"])
@pytest.mark.parametrize("item", ["  - x\n", "  k{}: x\n"], ids=["list", "keys"])
def test_entries_are_limited(loader: Any, item: str) -> None:
    fits = "".join(item.format(n) for n in range(MAX_ENTRIES - 1))
    assert read_text(f"---\nx:\n{fits}---\n", loader).problems == ()
    more = "".join(item.format(n) for n in range(4_000))
    (problem,) = read_text(f"---\nx:\n{more}---\n", loader).problems
    assert problem.where() == f"posts/a.md:{MAX_ENTRIES + 2}:{5 if '-' in item else 3}"
    assert problem.message == f"the front matter has more than {MAX_ENTRIES} keys and list items"


@pytest.mark.parametrize("loader", [front_matter.LOADER, yaml.SafeLoader], ids=["fast", "pure"])
@pytest.mark.parametrize(
    "nested",
    [
        pytest.param("[" * 1_000 + "]" * 1_000, id="A41-lists"),
        pytest.param("[" * 30_000, id="A41-unclosed"),
        pytest.param("{a: " * 1_000 + "1" + "}" * 1_000, id="A41-mappings"),
        pytest.param("".join("\n" + " " * n + "a:" for n in range(1, 300)), id="A41-block"),
    ],
)
def test_depth_is_limited_without_recursion(loader: Any, nested: str) -> None:
    front = read_text(f"---\nx: {nested}\n---\n", loader)
    assert front.node is None
    assert "nested deeper" in front.problems[0].message


def test_the_limit_of_depth_is_exact() -> None:
    fits = "[" * (MAX_NESTING - 1) + "]" * (MAX_NESTING - 1)
    assert read_text(f"---\nx: {fits}\n---\n").problems == ()


@pytest.mark.parametrize("separator", ["\x85", "\u2028", "\u2029"], ids=["NEL", "LS", "PS"])
@pytest.mark.parametrize("loader", [front_matter.LOADER, yaml.SafeLoader], ids=["fast", "pure"])
def test_other_separators_end_no_line_in_yaml_either(loader: Any, separator: str) -> None:
    front = read_text(f"---\ntitle: \ue000a{separator}b\nseries: 'c{separator}d'\ntags: x\n---\n", loader)
    assert front.problems == ()
    assert tree(front.node) == {"title": f"\ue000a{separator}b", "series": f"c{separator}d", "tags": "x"}
    found = value(front, "tags")
    assert (found.span.line, found.span.column) == (4, 7)


def test_a_long_quote_that_is_closed_is_a_value() -> None:
    front = read_text(edited(2, 'title: "a\n  note: b\n  c"'))
    assert front.problems == ()
    found = value(front, "title")
    assert isinstance(found, Scalar)
    assert found.text == "a note: b c"


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("title: Flask: why", 'title: "Flask: why"'),
        ("title: 'it's'", 'title: "it\'s"'),
        ('title: "a" b: c', "title: '\"a\" b: c'"),
    ],
)
def test_the_hint_shows_the_line_in_quotes(text: str, hint: str) -> None:
    (problem,) = read_text(edited(2, text)).problems
    assert problem.hint.endswith(hint)
    assert read_text(edited(2, hint)).problems == ()


# Without '?' and tabs, on which the parsers differ: see LOADER.
SCALARS = st.text(alphabet="ab1.-:#'\"[]{},&*!|>%@` é🎉\\~_", max_size=12)


@st.composite
def blocks(draw: st.DrawFn) -> str:
    """Front matter that is mostly valid."""
    rows = []
    for n in range(draw(st.integers(1, 4))):
        text = draw(SCALARS)
        style = draw(st.sampled_from(["plain", "double", "single", "list", "block", "folded", "nested", "raw"]))
        rows.append(
            {
                "plain": f"k{n}: {text}",
                "double": f"k{n}: {json.dumps(text, ensure_ascii=False)}",
                "single": "k{}: '{}'".format(n, text.replace("'", "''")),
                "list": f"k{n}: [{json.dumps(text, ensure_ascii=False)}, b]",
                "block": f"k{n}: |\n  {text}\n  more",
                "folded": f"k{n}: >-\n  {text}\n  more",
                "nested": f"k{n}:\n  - {text}\n  - x: y",
                "raw": text,
            }[style]
        )
    return "\n".join(rows) + "\n"


@settings(max_examples=300, deadline=None)
@given(blocks())
def test_both_parsers_give_the_same_tree(block: str) -> None:
    source = SourceText(PATH, f"---\n{block}---\n")
    results: list[object] = []
    for loader in (front_matter.LOADER, yaml.SafeLoader):
        handler = front_matter.StrictHandler(source, loader)
        try:
            node, problems = handler.load(block)
            results.append("refused" if problems else node)
        except front_matter.UnreadableFrontMatter:
            results.append("refused")
    assert results[0] == results[1]


@settings(max_examples=300, deadline=None)
@given(st.text(alphabet="-ab:\n\t '\"[]{}&*!|>%?\x85\u2028\\#", max_size=40))
def test_any_text_is_read_or_has_located_problems(text: str) -> None:
    front = read_text("---\n" + text)
    assert (front.node is not None) or front.problems
    for problem in front.problems:
        assert problem.span is not None
        assert problem.span.column is not None
        to_text(problem)


def test_the_fast_parser_is_used_where_it_is_built() -> None:
    if yaml.__with_libyaml__:
        assert front_matter.LOADER is yaml.CSafeLoader
