"""A mapping whose values are made when they are asked for."""

from __future__ import annotations

import pytest

from octavo.base.lazy_mapping import LazyMapping


class Lengths:
    """Makes the length of a word, and remembers for which words it was called."""

    def __init__(self) -> None:
        self.made: list[str] = []

    def __call__(self, word: str) -> int:
        self.made.append(word)
        return len(word)


@pytest.fixture
def lengths() -> Lengths:
    return Lengths()


def test_a_value_is_made_when_it_is_asked_for_and_again_the_next_time(lengths: Lengths) -> None:
    mapping = LazyMapping({"one", "three"}, lengths)
    assert lengths.made == []
    assert (mapping["three"], mapping.get("three")) == (5, 5)
    assert lengths.made == ["three", "three"]


def test_its_keys_are_told_without_a_value(lengths: Lengths) -> None:
    mapping = LazyMapping({"three": None, "one": None}, lengths)
    assert (list(mapping), len(mapping), "one" in mapping, "two" in mapping) == (["three", "one"], 2, True, False)
    assert list(mapping.keys()) == ["three", "one"]
    assert lengths.made == []


def test_what_is_no_key_has_no_value_and_none_is_made(lengths: Lengths) -> None:
    mapping = LazyMapping({"one"}, lengths)
    with pytest.raises(KeyError, match="two"):
        mapping["two"]
    assert mapping.get("two") is None
    assert lengths.made == []


def test_it_equals_a_dict_of_the_same_values_in_whatever_order(lengths: Lengths) -> None:
    mapping = LazyMapping({"one": None, "three": None}, lengths)
    assert mapping == {"three": 5, "one": 3} != {**mapping, "one": 4}
    assert dict(mapping) == dict(zip(mapping, mapping.values(), strict=True)) == {"one": 3, "three": 5}


def test_a_key_that_is_added_later_is_a_key_as_well(lengths: Lengths) -> None:
    words = {"one"}
    mapping = LazyMapping(words, lengths)
    words.add("three")
    assert (mapping["three"], len(mapping)) == (5, 2)


def test_a_mapping_of_a_mapping_makes_both_values_at_once(lengths: Lengths) -> None:
    inner = LazyMapping({"one": None, "three": None}, lengths)
    outer = LazyMapping(inner, lambda word: inner[word] * 10)
    assert dict(outer) == {"one": 30, "three": 50}
    assert lengths.made == ["one", "three"]


def test_an_error_of_making_is_the_readers(lengths: Lengths) -> None:
    mapping = LazyMapping({0, 1}, lambda number: 1 // number)
    assert mapping[1] == 1
    with pytest.raises(ZeroDivisionError):
        mapping[0]
