from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavo.base.digest import DIGEST_BYTES, digest, digest_bytes
from octavo.model.values import Table

scalars = st.none() | st.booleans() | st.integers() | st.text() | st.binary() | st.floats(allow_nan=False)
values = st.recursive(scalars, lambda inner: st.lists(inner).map(tuple), max_leaves=12)


def shape(value: object) -> object:
    """The value with its types: 1, 1.0 and True are equal in Python and are different data."""
    return tuple(shape(item) for item in value) if isinstance(value, tuple) else (type(value), repr(value))


@given(values, values)
def test_two_values_share_a_digest_exactly_when_they_are_the_same_data(a: object, b: object) -> None:
    assert (digest(a) == digest(b)) == (shape(a) == shape(b))


@given(st.binary())
def test_the_digest_of_a_file_is_that_of_its_bytes(data: bytes) -> None:
    assert digest_bytes(data) == digest(data)
    assert len(digest(data)) == DIGEST_BYTES


def test_text_that_meets_at_another_border_differs() -> None:
    assert digest(("ab", "c")) != digest(("a", "bc"))
    assert digest((("a",), "b")) != digest(("a", ("b",)))


def test_tables_are_compared_by_key_not_by_order() -> None:
    assert digest(Table({"a": 1, "b": 2})) == digest(Table({"b": 2, "a": 1}))
    assert digest(Table({"a": 1})) != digest(Table({"a": 2}))


def test_frozensets_do_not_depend_on_the_order_of_hashing() -> None:
    names = [f"name-{n}" for n in range(50)]
    assert digest(frozenset(names)) == digest(frozenset(reversed(names)))


def test_times_with_other_offsets_differ() -> None:
    moment = dt.datetime(2026, 11, 22, 10, tzinfo=dt.UTC)
    assert digest(moment) != digest(moment.astimezone(dt.timezone(dt.timedelta(hours=1))))
    assert digest(moment.date()) != digest(moment)


@dataclass
class Changeable:
    name: str


@dataclass(frozen=True)
class Frozen:
    name: str


@dataclass(frozen=True)
class OtherFrozen:
    name: str


@pytest.mark.parametrize("value", [[1], {"a": 1}, {1}, Changeable("a"), object(), bytearray(b"a"), (1, [2])])
def test_what_can_be_changed_is_no_fact(value: object) -> None:
    with pytest.raises(TypeError):
        digest(value)


def test_dataclasses_differ_by_name_and_by_value() -> None:
    assert digest(Frozen("a")) == digest(Frozen("a"))
    assert digest(Frozen("a")) != digest(Frozen("b"))
    assert digest(Frozen("a")) != digest(OtherFrozen("a"))
