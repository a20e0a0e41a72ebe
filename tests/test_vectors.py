from __future__ import annotations

from itertools import chain, pairwise

import numpy as np
import pytest

from octavo.related import index as term_index
from octavo.related import vectors as term_vectors
from octavo.related.vectors import find_common_terms, postings, products, products_below, vectors
from tests.test_index import Post, index_of, key, random_posts, weights


@pytest.fixture(params=[1, 40, 1 << 18])
def at_once(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name in ((term_vectors, "_AT_ONCE"), (term_vectors, "_TABLE"), (term_index, "_CHUNK")):
        monkeypatch.setattr(module, name, request.param)


def product(one: dict[int, int], two: dict[int, int]) -> int:
    return sum(weight * two.get(term, 0) for term, weight in one.items())


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("seed", range(4))
def test_products_are_exact_however_many_are_made_at_once(seed: int) -> None:
    posts = random_posts(seed)
    index = index_of(posts, 40)
    rows = weights(index)
    full = [[product(one, two) for two in rows] for one in rows]
    of, by = vectors(index), postings(index)
    wanted = np.array([3, 4, 11, 44])
    found = {slot: row for slots, some in products(of, by, wanted) for slot, row in zip(slots, some, strict=True)}
    assert {slot: row.tolist() for slot, row in found.items()} == {slot: full[slot] for slot in wanted.tolist()}
    below: list[list[float]] = []
    edges = [0, 0, len(full) // 2, len(full)]
    for slots, some in chain.from_iterable(products_below(of, by, range(*part)) for part in pairwise(edges)):
        assert slots.tolist() == list(range(len(below), len(below) + len(slots)))
        below += some.tolist()
    for slot, values in enumerate(below):
        assert values == [full[slot][other] if other < slot else 0 for other in range(len(values))]
        assert len(values) >= slot


def test_vectors_and_postings_of_some_are_those_of_all() -> None:
    index = index_of(random_posts(7), 40)
    wanted = np.zeros(45, np.bool_)
    wanted[[2, 9, 30]] = True
    some, every = vectors(index, wanted), vectors(index)
    for slot in range(45):
        own, all_ = (slice(each.starts[slot], each.starts[slot + 1]) for each in (some, every))
        assert some.terms[own].tolist() == (every.terms[all_].tolist() if wanted[slot] else [])
        assert some.weights[own].tolist() == (every.weights[all_].tolist() if wanted[slot] else [])
    half = np.arange(len(index.keys)) % 2 == 0
    by_some, by_all = postings(index, half), postings(index)
    for term in range(len(index.keys)):
        own, all_ = (slice(each.starts[term], each.starts[term + 1]) for each in (by_some, by_all))
        assert by_some.slots[own].tolist() == (by_all.slots[all_].tolist() if half[term] else [])
        assert by_some.weights[own].tolist() == (by_all.weights[all_].tolist() if half[term] else [])


@pytest.mark.usefixtures("at_once")
def test_what_two_have_in_common_comes_by_weight_then_by_key() -> None:
    posts: list[Post] = [*random_posts(5), *[{"a": 4, "b": 4, "c": 4, "d": 4}] * 2]
    index = index_of(posts, 40)
    rows = weights(index)
    pairs = [(one, two) for one in range(len(posts)) for two in range(0, len(posts), 3) if one != two]
    one, two = (np.array(column) for column in zip(*pairs, strict=True))
    found = find_common_terms(vectors(index), one, two, 3)
    for place, (first, second) in enumerate(pairs):
        parts = {term: weight * rows[second].get(term, 0) for term, weight in rows[first].items()}
        expected = sorted(((-part, term) for term, part in parts.items() if part))[:3]
        own = slice(found.starts[place], found.starts[place + 1])
        told = zip((-found.parts[own]).tolist(), index.keys[found.terms[own]].tolist(), strict=True)
        assert list(told) == expected
        assert found.products[place] == sum(parts.values())


def test_a_term_that_comes_to_nothing_is_not_shared() -> None:
    """Beside many frequent terms."""
    posts: list[Post] = [*[{f"w{term}": 100_000 for term in range(500)} | {"a": 1}] * 2, *[{"a": 4}] * 12]
    posts += [{"z": 4}] * 100
    index = index_of(posts, 114)
    found = find_common_terms(vectors(index), np.array([0, 3, 3]), np.array([3, 0, 2]), 3)
    assert weights(index)[3] == {key("a"): 8192}
    assert found.starts.tolist() == [0, 0, 0, 1]
    assert found.products.tolist() == [0, 0, 8192 * 8192]


def test_pairs_of_nobody_have_nothing_in_common() -> None:
    none = np.zeros(0, np.int64)
    found = find_common_terms(vectors(index_of([{}], 1)), none, none, 3)
    assert found.starts.tolist() == [0]
