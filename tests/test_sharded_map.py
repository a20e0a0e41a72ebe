"""Values in buckets: what was put in is what is found, and few values that change are few buckets."""

from __future__ import annotations

import random

import pytest

from octavo.engine.sharded_map import Buckets
from octavo.engine.store import CorruptStore

Value = tuple[int, int]


def test_what_is_found_is_what_was_put_in_whatever_changes() -> None:
    chance = random.Random(3)
    expected = {f"posts/{number}.md": (number, -1) for number in range(1000)}
    buckets = Buckets.of(Value, expected)
    for turn in range(20):
        new = {f"posts/{number}.md": (number, turn) for number in chance.sample(range(1400), 30)}
        gone = [name for name in chance.sample(sorted(expected), 20) if name not in new]
        before, then = buckets, dict(expected)
        buckets = buckets.changed(new, gone)
        expected = {name: value for name, value in expected.items() if name not in gone} | new
        for looked_at in (buckets, Buckets[Value](Value, buckets.data)):
            assert dict(looked_at) == expected and len(looked_at) == len(expected)
            assert all(name not in looked_at and looked_at.get(name) is None for name in gone)
        assert dict(before) == then


def test_one_change_alters_one_bucket_and_reads_no_other() -> None:
    buckets = Buckets[int](int, Buckets.of(int, {f"{number}": number for number in range(5000)}).data)
    changed = buckets.changed({"77": -1})
    assert sum(one is not other for one, other in zip(buckets.data, changed.data, strict=True)) == 1
    assert len(buckets._read) == 1
    assert changed["77"] == -1 and buckets["77"] == 77


def test_there_are_more_buckets_for_more_values() -> None:
    assert len(Buckets.of(int, {}).data) == 1
    few = Buckets.of(int, {f"{number}": number for number in range(100)})
    assert few.fits(120) and not few.fits(10_000)


def test_a_bucket_that_holds_something_else_is_found_out_when_it_is_read() -> None:
    buckets = Buckets[int](int, Buckets.of(str, {"a": "b"}).data)
    with pytest.raises(CorruptStore):
        buckets["a"]
