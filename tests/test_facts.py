"""Questions: values that say what they ask, found again by what they are."""

from __future__ import annotations

import pickle
from typing import Any

import pytest

from octavo.engine.facts import Fact, Facts, Query, Reader, from_text, query_text


class Word(Query[str]):
    name: str


class Leaf(Query[str]):
    name: str


class Share(Query[str]):
    name: str
    part: int
    marks: tuple[str, ...]


class Everything(Query[str]):
    pass


def test_a_question_has_its_arguments_by_name() -> None:
    query = Share("a", part=2, marks=("x", "y"))
    assert (query.name, query.part, query.marks) == ("a", 2, ("x", "y"))
    assert query == Share(marks=("x", "y"), name="a", part=2)
    assert repr(query) == "Share(name='a', part=2, marks=('x', 'y'))" and repr(Everything()) == "Everything()"


def test_questions_of_two_kinds_with_the_same_arguments_are_two() -> None:
    assert len({Word("a"), Leaf("a"), Word("a"), Word("b"), Everything()}) == 4


@pytest.mark.parametrize(
    ("given", "named"), [((), {}), (("a", "b"), {}), ((), {"title": "a"}), (("a",), {"name": "a"})]
)
def test_arguments_that_are_not_those_of_the_kind_are_refused(given: tuple[str, ...], named: dict[str, str]) -> None:
    kind: Any = Word
    with pytest.raises(TypeError, match=r"Word is asked with \(name\)"):
        kind(*given, **named)


def test_a_question_cannot_be_changed() -> None:
    query: Any = Word("a")
    with pytest.raises(AttributeError):
        query.name = "b"


@pytest.mark.parametrize("query", [Word("a"), Share("a", 2, ("x",)), Everything()])
def test_a_question_is_the_same_after_it_was_sent_or_written(query: Query[str]) -> None:
    sent = pickle.loads(pickle.dumps(query))
    assert (type(sent), sent) == (type(query), query)
    read = from_text(query_text(query))
    assert (type(read), read) == (type(query), query)


@pytest.mark.parametrize("value", [1.0, b"a", ("a", 1.0), object()])
def test_what_cannot_be_written_down_is_not_asked_even_if_it_equals_what_was(value: object) -> None:
    facts = Facts({Word: lambda query: Fact(b"", lambda: "text")})
    asked: Any = 1
    assert Reader(facts)(Word(asked)) == "text"
    asked = value
    with pytest.raises(TypeError, match="the 'name' of Word is text or a whole number"):
        Reader(facts)(Word(asked))
