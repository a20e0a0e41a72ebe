from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavo.engine.scheduler import P, R, Share
from octavo.related import index as term_index
from octavo.related import search
from octavo.related import vectors as term_vectors
from octavo.related.index import TermIndex
from octavo.related.search import NearestLists, RankingContext
from octavo.related.term_keys import Array
from tests.test_index import Post, index_of, random_posts, stock, terms, weights
from tests.test_vectors import product


class Divided(Share):
    """Work done here, in so many parts."""

    def __init__(self, parts: int) -> None:
        super().__init__()
        self.parts = parts

    def __call__(self, work: Callable[[P], R], divided: Callable[[int], Sequence[P]]) -> list[R]:
        return list(map(work, divided(self.parts)))


def standing(size: int, seed: int, needed: int = 3) -> RankingContext:
    rng = np.random.default_rng(seed)
    days = rng.integers(0, 2000, size)
    days[rng.random(size) < 0.2] = search.UNDATED
    return RankingContext(days, rng.permutation(size), needed + rng.integers(0, 3, size))


def score(one: dict[int, int], two: dict[int, int], days: tuple[int, int]) -> int:
    """By the definition."""
    apart = 365 if search.UNDATED in days else abs(days[0] - days[1])
    return product(one, two) * round(4096 / (1 + 0.2 * math.log(1 + apart / 15)))


def lists(near: NearestLists) -> list[list[tuple[int, int]]]:
    """By slot: (score, slot) of the entries."""
    spans = zip(near.starts.tolist(), near.starts[1:].tolist(), strict=False)
    entries = list(zip(near.scores.tolist(), near.slots.tolist(), strict=True))
    return [entries[start:end] for start, end in spans]


def assert_right(near: NearestLists, index: TermIndex, order: RankingContext) -> None:
    """Each list has all posts whose score is above its bound, in order, and as many as needed if there are as many."""
    rows, days, places = weights(index), order.days.tolist(), order.places.tolist()
    for slot, entries in enumerate(lists(near)):
        scores = ((score(rows[slot], rows[other], (days[slot], days[other])), other) for other in range(len(rows)))
        every = sorted((-value, places[other], other) for value, other in scores if value and other != slot)
        expected = [(-value, other) for value, _, other in every if -value > near.bounds[slot]]
        assert entries == expected
        assert len(entries) >= min(order.needed[slot], len(every))


@pytest.fixture(params=["small", "as it is"])
def sizes(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small steps let few posts meet every way a list may take."""
    monkeypatch.setattr(search, "_WORTH", range(1000))
    if request.param == "small":
        monkeypatch.setattr(search, "_SPARE", 2)
        monkeypatch.setattr(search, "_PENDING", 64)
        monkeypatch.setattr(search, "_SAMPLE", 16)
        monkeypatch.setattr(term_vectors, "_AT_ONCE", 700)


@pytest.mark.usefixtures("sizes")
@pytest.mark.parametrize("seed", range(5))
def test_lists_are_those_of_a_comparison_of_all_with_all(seed: int) -> None:
    index, order = index_of(random_posts(seed, 200), 150), standing(200, seed)
    for share in (Share(), Divided(4)):
        assert_right(search.search(index, order, share), index, order)


@pytest.mark.usefixtures("sizes")
def test_equal_scores_stay_together_and_stand_by_place() -> None:
    posts: list[Post] = [{"subquery": 4} if slot % 2 else {"blueprint": 4, f"w{slot % 8}": 4} for slot in range(120)]
    index = index_of(posts, 20)
    order = RankingContext(np.full(120, 7), np.random.default_rng(1).permutation(120), np.full(120, 3))
    near = search.search(index, order, Share())
    assert_right(near, index, order)
    assert lists(search.search(index, order, Divided(2))) == lists(near)
    assert near.starts[2] - near.starts[1] == 59


@pytest.mark.usefixtures("sizes")
@pytest.mark.parametrize("seed", range(30))
def test_lists_after_changes_are_those_of_a_search(seed: int) -> None:
    rng = np.random.default_rng(seed)
    posts = random_posts(seed, 120)
    order = standing(130, seed)
    first = RankingContext(*(column[:120] for column in order))
    index = index_of(posts, 80)
    near = search.search(index, first, Share())
    for _ in range(4):
        gone = [] if seed % 3 else rng.choice(len(posts), 3, replace=False).tolist()
        new = [slot for slot in rng.choice(len(posts), 2, replace=False).tolist() if slot not in gone]
        if seed % 2 and len(posts) < 130:
            new.append(len(posts))
            posts.append({})
        for slot in gone:
            posts[slot] = {}
        for slot, post in zip(new, random_posts(int(rng.integers(1000)), len(new)), strict=True):
            posts[slot] = post
        now = RankingContext(*(column[: len(posts)].copy() for column in order))
        redated: Array = rng.random(len(posts)) < 0.02
        now.days[redated] = rng.integers(0, 2000)
        now.needed[:] += rng.random(len(posts)) < 0.1
        order = RankingContext(
            *(np.concatenate([some, rest[len(some) :]]) for some, rest in zip(now, order, strict=True))
        )
        counted = term_index.count_posts(terms(posts[slot]) for slot in sorted(new))
        index, changed = term_index.update(index, gone, sorted(new), counted, stock(posts, 80))
        is_gone = np.zeros(len(posts), np.bool_)
        is_gone[gone] = True
        old = search.from_bytes(search.to_bytes(near), len(posts))
        near, affected = search.merge(old, index, now, (changed | redated) & ~is_gone, is_gone)
        assert_right(near, index, now)
        others = [slot for slot, (one, two) in enumerate(zip(lists(old), lists(near), strict=True)) if one != two]
        assert affected[others].all()


WHOLE = 8192 * 8192 * 4096


def test_lists_differ_by_their_posts_and_by_scores_as_they_are_told() -> None:
    order = RankingContext(np.zeros(4, np.int64), np.arange(4), np.full(4, 1))
    bounds = np.zeros(4, np.int64)
    old = NearestLists(np.array([0, 2, 3, 4, 4]), np.array([1, 2, 0, 0]), np.array([WHOLE, 1, WHOLE, WHOLE]), bounds)
    new = NearestLists(
        np.array([0, 2, 3, 4, 5]),
        np.array([1, 3, 0, 1, 0]),
        np.array([WHOLE - 1, 1, WHOLE * 9 // 10, WHOLE, 5]),
        bounds,
    )
    one, two = (search.rank_entries(each, order, 10_000) for each in (old, new))
    assert search.mask_changed_lists(one, two).tolist() == [False, True, True, True]
    assert search.mask_changed_lists(two, two).tolist() == [False] * 4
    holding = search.mask_lists_with(new, np.array([False, False, False, True]), order)
    assert holding.tolist() == [False] * 4
    assert search.mask_lists_with(new, np.array([True, False, False, False]), order).tolist() == [
        False,
        True,
        False,
        True,
    ]


def test_of_two_as_near_the_one_that_is_near_to_few_comes_first() -> None:
    """Slot 1 is near to all, slot 2 to slot 0 alone."""
    scores = {
        0: {1: 10, 2: 9},
        1: {0: 10, 3: 10, 4: 10},
        2: {0: 9, 3: 1, 4: 1, 5: 1},
        3: {1: 10},
        4: {1: 10},
        5: {2: 1},
    }
    entries = [(other, value) for row in scores.values() for other, value in row.items()]
    starts = np.concatenate([[0], np.cumsum([len(row) for row in scores.values()])])
    slots = np.array([other for other, _ in entries], np.uint32)
    near = NearestLists(starts, slots, np.array([value for _, value in entries]) * (WHOLE // 50), np.zeros(6, np.int64))
    order = RankingContext(np.zeros(6, np.int64), np.arange(6), np.full(6, 4))
    found = search.rank_entries(near, order, 10_000)
    assert found.slots[:2].tolist() == [2, 1]
    ease = search.hubness_factors(near, order)
    assert ease[2] > ease[1]
    assert search.best_hosts(near, 2, 4, int(ease[2]), 10_000)[0] == found.scores[0]
    needed = order._replace(needed=np.full(6, 1))
    assert search.rank_entries(near, needed, 10_000).slots[:1].tolist() == [1]


def test_no_score_is_above_that_of_a_post_with_itself() -> None:
    near = NearestLists(np.array([0, 1, 2]), np.array([1, 0], np.uint32), np.array([WHOLE, 5]), np.zeros(2, np.int64))
    order = RankingContext(np.zeros(2, np.int64), np.arange(2), np.full(2, 4))
    assert search.rank_entries(near, order, 10_000).scores.tolist()[0] == 10_000


@given(st.integers(0, 1 << 39))
def test_parts_are_rounded_as_python_rounds(value: int) -> None:
    (parts,) = search.to_parts(np.array([value]), 10_000).tolist()
    assert parts / 10_000 == min(1.0, round(value / (8192 * 8192 * 4096), 4))


def test_a_half_is_rounded_to_even() -> None:
    whole = 8192 * 8192 * 4096
    halves = np.array([whole // 32 * number for number in (1, 3, 5, 7)])
    assert search.to_parts(halves, 16).tolist() == [0, 2, 2, 4]
