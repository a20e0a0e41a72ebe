"""The runs of a step in chunks: what was kept is what is read, and only what is new is written."""

from __future__ import annotations

import random
from array import array

from octavo.base.digest import DIGEST_BYTES, digest
from octavo.engine.traces import Trace, Traces


def ran(revision: int, *queries: int, width: int = 2) -> Trace:
    return Trace(array("I", queries), revision, b"".join(digest((revision, queries, n)) for n in range(width)))


def saved(traces: Traces, rows: dict[int, bytes]) -> list[int]:
    """Write what is new; the numbers of the chunks that were written."""
    written = []
    for number, data in traces.unsaved():
        written.append(number)
        if data is None:
            rows.pop(number, None)
        else:
            rows[number] = data
    return written


def read(rows: dict[int, bytes]) -> Traces:
    return Traces(sorted(rows.items()))


def test_what_is_read_is_what_was_kept_whatever_comes_and_goes() -> None:
    chance = random.Random(5)
    rows: dict[int, bytes] = {}
    expected: dict[str, Trace] = {}
    traces = Traces()
    for revision in range(1, 30):
        for _ in range(chance.randrange(120)):
            item = f"item {chance.randrange(900)}"
            if chance.random() < 0.2 and item in traces:
                del traces[item], expected[item]
            else:
                traces[item] = expected[item] = ran(revision, *chance.sample(range(300), chance.randrange(4)))
        for looked_at in (traces, traces.copy()):
            assert dict(looked_at) == expected
            assert looked_at.part_digests(1) == {item: run.part_digest(1) for item, run in expected.items()}
            assert all(looked_at.part_digest(item, 0) == run.parts[:DIGEST_BYTES] for item, run in expected.items())
            asked = set(chance.sample(range(300), 3))
            assert looked_at.asking(asked) == {item for item, run in expected.items() if asked & {*run.queries}}
            since = chance.randrange(revision + 1)
            assert sorted(looked_at.since(since)) == sorted(i for i, run in expected.items() if run.revision > since)
        if chance.random() < 0.6:
            saved(traces, rows)
            assert dict(read(rows)) == expected
            traces = read(rows) if chance.random() < 0.5 else traces


def test_one_run_among_many_writes_one_chunk() -> None:
    rows: dict[int, bytes] = {}
    traces = Traces()
    for number in range(2000):
        traces[f"item {number}"] = ran(1, number)
    assert len(saved(traces, rows)) == 8
    assert saved(traces, rows) == []
    traces["item 700"] = ran(2, 7)
    traces["item 701"] = ran(2, 8)
    assert saved(traces, rows) == [2]
    assert read(rows).since(1) == ["item 700", "item 701"]


def test_a_copy_stays_as_it_is() -> None:
    rows: dict[int, bytes] = {}
    traces = Traces()
    traces["a"], traces["b"] = ran(1, 1), ran(1, 2)
    saved(traces, rows)
    before = traces.copy()
    traces["a"] = ran(2, 3)
    del traces["b"]
    saved(traces, rows)
    assert dict(before) == {"a": ran(1, 1), "b": ran(1, 2)}
    assert dict(traces) == {"a": ran(2, 3)}


def test_what_nothing_is_left_of_is_removed() -> None:
    rows: dict[int, bytes] = {}
    traces = Traces()
    traces["a"] = ran(1, 1)
    saved(traces, rows)
    del traces["a"]
    assert saved(traces, rows) == [0]
    assert not rows
    traces["b"] = ran(1, 1)
    saved(traces, rows)
    assert dict(read(rows)) == {"b": ran(1, 1)}
