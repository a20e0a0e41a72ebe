"""Kinds of values, read from the values of TOML: what is typed, what is a problem, and where."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest

from octavo.base.toml_positions import Toml
from octavo.base.validation import (
    At,
    Choice,
    Date,
    Either,
    Field,
    Flag,
    Kind,
    ListOf,
    Number,
    Parts,
    Problem,
    Refined,
    TableOf,
    Text,
    UnknownKey,
    Visible,
    brief,
    read_table,
    say,
    to_parts,
)

TOML = Toml()
AT = At("a.toml", ("key",))
TEXT = Text(TOML, say("put '{key}' in quotes"))
UNKNOWN = UnknownKey("no '{name}' in '{table}'", "the keys are {names}")
FIELDS = (Field("size", Number(TOML, 1, 9), ""), Field("name", TEXT, ""))
TABLE = TableOf(TOML, FIELDS, lambda values: sorted(values), UNKNOWN, "write [{key}]")


def wrong(kind: Kind, value: object) -> tuple[str, str]:
    """The message and the hint of the one problem with a value that is none."""
    (problem,) = to_parts(kind.read(value, AT)).problems
    assert problem.at == AT and not problem.is_warning and not problem.in_key
    return problem.message, problem.hint


def test_a_place_is_called_by_the_way_to_it() -> None:
    place = AT.below("menu").below(0).below("url")
    assert (place.path, place.name) == ("a.toml", "key.menu.0.url")
    assert place.above().name == "key.menu.0"


@pytest.mark.parametrize(
    ("kind", "value", "typed"),
    [
        (TEXT, " a\n b ", "a b"),
        (Visible(TEXT, ""), "a", "a"),
        (Choice(TEXT, ("a", "b")), "b", "b"),
        (Number(TOML, 1, 3), 3, 3),
        (Flag(TOML, ""), False, False),
        (Date(TOML), "2024-02-29", dt.date(2024, 2, 29)),
        (Date(TOML), "2024-02-29 10:00:05.25+0130",
         dt.datetime(2024, 2, 29, 10, 0, 5, 250_000, dt.timezone(dt.timedelta(minutes=90)))),
        (Refined("", TEXT, lambda text, at: (at.name, text)), "a", ("key", "a")),
        (Either("", lambda value: value == "a", TEXT, Number(TOML, 1, 3)), "a", "a"),
        (Either("", lambda value: value == "a", TEXT, Number(TOML, 1, 3)), 2, 2),
    ],
)  # fmt: skip
def test_a_value_of_a_kind_is_typed(kind: Kind, value: object, typed: object) -> None:
    assert kind.read(value, AT) == typed


@pytest.mark.parametrize(
    ("kind", "value", "message", "hint"),
    [
        (TEXT, 1, "'key' must be text, not a whole number", "put 'key' in quotes"),
        (TEXT, [], "'key' must be text, not an array", "put 'key' in quotes"),
        (Visible(TEXT, "write '{key}'"), "\u200b", "'key' is empty", "write 'key'"),
        (Visible(TEXT, ""), 1.5, "'key' must be text, not a number", "put 'key' in quotes"),
        (Choice(TEXT, ("allow", "deny", "ask")), "alow", "'key' must be 'allow', 'deny' or 'ask'",
         "did you mean 'allow'?"),
        (Choice(TEXT, ("allow", "deny")), "x", "'key' must be 'allow' or 'deny'", ""),
        (Number(TOML, 1, 3), True, "'key' must be a whole number, not a truth value",
         "write a number from 1 to 3, without quotes"),
        (Number(TOML, 1, 3), 4, "'key' must be from 1 to 3", ""),
        (Number(TOML, 1, 3, "'{key}' is {type}", "write {key} = 1"), {}, "'key' is a table", "write key = 1"),
        (Flag(TOML, "write {key} = true"), "true", "'key' must be true or false, not text", "write key = true"),
        (Date(TOML, "write one"), "2024-1-1", "'2024-1-1' is not a date", "write one"),
        (Date(TOML, ""), "2023-02-29", "'2023-02-29' is not a date: February 2023 has 28 days", ""),
        (Date(TOML, ""), 1, "'a whole number' is not a date", ""),
        (ListOf(TOML, TEXT, say("write [{key}]")), "a", "'key' must be an array, not text", "write [key]"),
        (TABLE, [], "'key' must be a table, not an array", "write [key]"),
    ],
)  # fmt: skip
def test_what_is_no_value_of_a_kind_is_a_problem(kind: Kind, value: object, message: str, hint: str) -> None:
    assert wrong(kind, value) == (message, hint)


def test_what_refines_a_value_sees_only_valid_ones() -> None:
    refused = Refined("", TEXT, lambda text, at: Problem(at, "refused"))
    assert wrong(refused, "a") == ("refused", "")
    assert wrong(refused, 1)[0] == "'key' must be text, not a whole number"
    longest = Refined("", ListOf(TOML, TEXT, say("")), lambda texts, at: texts or Problem(at, "empty"))
    assert to_parts(longest.read(["a"], AT)).value == ("a",)
    assert wrong(longest, [])[0] == "empty"
    assert [problem.at.name for problem in to_parts(longest.read([1], AT)).problems] == ["key.0"]


def test_a_list_keeps_the_first_of_equal_items_and_says_what_each_was_read_from() -> None:
    texts = ListOf(TOML, TEXT, say(""))
    expected = Parts(("a", "b"), (), (((0,), "a"), ((1,), " b")))
    assert texts.read(["a", "a ", " b"], AT) == expected
    reading = to_parts(texts._replace(repeated="delete one").read(["a", "a ", " b"], AT))
    assert (reading.value, reading.origins) == (expected.value, expected.origins)
    assert reading.problems == (Problem(AT.below(1), "'a' is in 'key' twice", "delete one", is_warning=True),)


def test_a_list_with_an_item_that_is_not_valid_has_no_value_and_tells_of_all() -> None:
    reading = to_parts(ListOf(TOML, TEXT, say("")).read(["a", 1, "b", 2], AT))
    assert reading.value is None
    assert [problem.at.name for problem in reading.problems] == ["key.1", "key.3"]
    assert reading.origins == (((0,), "a"), ((1,), "b"))


def test_a_table_leaves_out_what_is_not_valid_and_tells_of_all() -> None:
    required = TABLE._replace(required=(("name", "no name", "write one"),))
    reading = to_parts(required.read({"size": 10, "sise": 1}, AT))
    assert reading.value == []
    assert [(problem.at.name, problem.message, problem.hint, problem.in_key) for problem in reading.problems] == [
        ("key", "no name", "write one", False),
        ("key.size", "'key.size' must be from 1 to 9", "", False),
        ("key.sise", "no 'sise' in 'key'", "did you mean 'size'?", True),
    ]


def test_a_key_like_no_other_is_told_which_there_are() -> None:
    (problem,) = read_table(TOML, {"q" * 80: 1}, AT, FIELDS, UNKNOWN).problems
    assert problem.hint == "the keys are size, name"
    assert problem.message == f"no '{'q' * 59}…' in 'key'"


def test_a_key_without_a_value_counts_as_none() -> None:
    class Blank(Toml):
        def is_absent(self, value: object) -> bool:
            return value == ""

    table: dict[str, Any] = {"size": "", "name": "a", "other": ""}
    reading = read_table(Blank(), table, AT, FIELDS, UNKNOWN)
    assert (reading.value, reading.origins) == ({"name": "a"}, ((("name",), "a"),))
    assert [problem.at.name for problem in reading.problems] == ["key.other"]


def test_a_problem_has_the_severity_and_the_path_of_its_place() -> None:
    diagnostic = Problem(AT, "message", "hint").diagnostic("code", None)
    assert (diagnostic.path, diagnostic.code, diagnostic.message, diagnostic.hint) == (
        "a.toml", "code", "message", "hint",
    )  # fmt: skip
    assert diagnostic.is_error
    assert not Problem(AT, "message", is_warning=True).diagnostic("code", None).is_error


def test_a_kind_can_be_neither_changed_nor_asked_for_a_side_effect() -> None:
    with pytest.raises(AttributeError):
        TABLE.fields = ()  # type: ignore[misc]
    assert TABLE.read({"size": 0}, AT) == TABLE.read({"size": 0}, AT)
    assert hash(Choice(TEXT, ("a",))) == hash(Choice(TEXT, ("a",)))


def test_a_long_value_is_quoted_in_brief() -> None:
    assert brief("a" * 60) == "a" * 60
    assert brief("a" * 61) == "a" * 59 + "…"
