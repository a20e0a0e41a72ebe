from __future__ import annotations

from collections import Counter
from itertools import combinations, product

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from octavo.related.coverage import cover_every_post

Gains = dict[tuple[int, int], int]
"""By two posts, the first the smaller."""


def gain(gains: Gains, one: int, two: int) -> int:
    return gains[min(one, two), max(one, two)]


def by_rank(gains: Gains, posts: int, size: int) -> list[dict[int, int]]:
    lists = []
    for host in range(posts):
        others = sorted((other for other in range(posts) if other != host), key=lambda o: (-gain(gains, host, o), o))
        lists.append({other: gain(gains, host, other) for other in others[:size]})
    return lists


def reached(gains: Gains, posts: int, size: int) -> list[dict[int, int]]:
    lists = by_rank(gains, posts, size)
    changed = cover_every_post(
        lists,
        {},
        size,
        lambda post: {host: gain(gains, host, post) for host in range(posts) if host != post},
        lambda post: (host for host in range(posts) if host != post),
    )
    return [changed.get(host, entries) for host, entries in enumerate(lists)]


@given(st.integers(3, 5), st.integers(1, 2), st.data())
@settings(deadline=None, max_examples=60)
def test_every_post_is_reached_and_no_lists_that_do_so_gain_more(posts: int, size: int, data: st.DataObject) -> None:
    assume(size < posts - 1)
    pairs = list(combinations(range(posts), 2))
    gains = dict(
        zip(pairs, data.draw(st.lists(st.integers(1, 20), min_size=len(pairs), max_size=len(pairs))), strict=True)
    )
    lists = reached(gains, posts, size)
    assert {post for entries in lists for post in entries} == set(range(posts))
    assert all(len(entries) == size and host not in entries for host, entries in enumerate(lists))
    choices = [list(combinations([o for o in range(posts) if o != host], size)) for host in range(posts)]
    best = max(
        sum(gain(gains, host, other) for host, others in enumerate(chosen) for other in others)
        for chosen in product(*choices)
        if len({other for others in chosen for other in others}) == posts
    )
    assert sum(sum(entries.values()) for entries in lists) == best


def test_lists_that_lead_to_every_post_stay_as_they_are() -> None:
    assert cover_every_post([{1: 5}, {2: 4}, {0: 3}], {}, 1, lambda post: {}, lambda post: ()) == {}


def test_an_entry_that_is_in_no_other_list_moves_to_another() -> None:
    """2 is offered by 0 only, whose list has 1, which 2 can take."""
    offers = {0: {1: 3}, 1: {0: 9, 2: 4}, 2: {0: 5}}
    lists = [{1: 9}, {0: 3}, {0: 6}]
    assert cover_every_post(lists, {}, 1, lambda post: offers[post], lambda post: ()) == {0: {2: 5}, 2: {1: 4}}


def test_free_room_is_used_and_fixed_entries_stay() -> None:
    lists = [{1: 5}, {0: 5}, {}]
    assert cover_every_post(lists, {}, 2, lambda post: {0: 4}, lambda post: ()) == {0: {1: 5, 2: 4}}
    assert cover_every_post(lists, {0: frozenset([1])}, 1, lambda post: {0: 4}, lambda post: (0,)) == {}


@pytest.mark.parametrize("hosts", [(1, 2), (2, 1)])
def test_what_is_offered_nowhere_is_put_where_it_harms_least(hosts: tuple[int, ...]) -> None:
    lists = [{1: 5, 2: 3}, {0: 5, 2: 2}, {0: 3, 1: 2}, {0: 1, 1: 1}]
    changed = cover_every_post(lists, {}, 2, lambda post: {}, lambda post: hosts)
    (host,) = changed
    assert host == hosts[0]
    assert Counter(post for number, entries in enumerate(lists) for post in changed.get(number, entries))[3] == 1
