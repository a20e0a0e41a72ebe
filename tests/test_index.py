from __future__ import annotations

import math
from array import array
from collections import Counter
from itertools import chain, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from octavo.model.documents import Terms
from octavo.related import index as term_index
from octavo.related.index import Array, DocumentFrequencies, TermIndex

Post = dict[str, int]
"""Counts in quarters by term."""


def terms(post: Post) -> Terms:
    words = sorted(post)
    return Terms("\n".join(words), array("I", [post[word] for word in words]).tobytes())


def key(word: str) -> int:
    return int(term_index.keys_of([word])[0])


def stock(posts: list[Post], counted: int) -> DocumentFrequencies:
    """The first posts that are there tell how common terms are."""
    mask = np.zeros(len(posts), np.bool_)
    mask[[slot for slot, post in enumerate(posts) if post][:counted]] = True
    return DocumentFrequencies(mask, int(mask.sum()))


def index_of(posts: list[Post], counted: int) -> TermIndex:
    return term_index.build(map(terms, posts), stock(posts, counted))[0]


def weights(index: TermIndex) -> list[dict[int, int]]:
    """By slot: the weights by key."""
    of = term_index.vectors(index)
    spans = zip(of.starts.tolist(), of.starts[1:].tolist(), strict=False)
    rows = ((index.keys[of.terms[start:end]].tolist(), of.weights[start:end].tolist()) for start, end in spans)
    return [{key: int(weight) for key, weight in zip(*row, strict=True) if weight} for row in rows]


def defined(posts: list[Post], counted: int) -> list[dict[int, int]]:
    """The same, by the definition."""
    mask, total = stock(posts, counted)
    df = Counter(term for post in posts for term in post)
    common = Counter(term for post, counts in zip(posts, mask.tolist(), strict=True) if counts for term in post)
    found = []
    for post in posts:
        raw = {}
        for term, count in post.items():
            rarity = round(4 * math.log(total + 1)) - round(4 * math.log(max(common[term], 1)))
            if df[term] >= 2 and common[term] <= min(max(total // 5, 10), 1000) and rarity > 0:
                raw[term] = round(round(256 * (count / 4) ** 0.55) * rarity / 64)
        length = math.sqrt(sum(value * value for value in raw.values()))
        scaled = {key(term): round(8192 * value / length) for term, value in raw.items()}
        found.append({number: weight for number, weight in scaled.items() if weight})
    return found


# Some terms belong to nearly all posts, some to one: with 60 posts the limits on both sides are met.
word = st.integers(0, 30).map(lambda number: f"w{number}" if number % 3 else f"of w{number}")
post = st.dictionaries(word, st.integers(1, 40), max_size=8)
corpus = st.lists(post, min_size=1, max_size=60)


def test_a_word_has_one_key_wherever_it_stands() -> None:
    alone = [key(each) for each in ("alpha", "beta gamma", "#délta", "\ud800")]
    assert term_index.keys_of(["alpha\nbeta gamma", "", "#délta", "\ud800"]).tolist() == alone
    assert len(set(alone)) == 4
    assert not len(term_index.keys_of(["", ""]))


def test_many_posts_are_counted_as_each_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    posts = [terms({f"w{number}": 4, f"w{number + 1}": 20_000}) for number in range(30)] + [Terms()]
    together = term_index.counted(posts)
    monkeypatch.setattr(term_index, "_BATCH", 1)
    assert [each.tolist() for each in term_index.counted(posts)] == [each.tolist() for each in together]
    assert together.lengths.tolist() == [2] * 30 + [0]
    assert together.damped[:2].tolist() == [256, min(round(256 * 5000**0.55), 0xFFFF)]


@given(corpus, st.integers(1, 60))
@settings(deadline=None)
def test_weights_are_those_of_the_formula(posts: list[Post], counted: int) -> None:
    assert weights(index_of(posts, counted)) == defined(posts, counted)


@given(
    corpus,
    st.lists(st.dictionaries(st.integers(0, 65), post | st.none(), min_size=1, max_size=6), max_size=4),
    st.integers(1, 70),
)
@settings(max_examples=200, deadline=None)
def test_an_index_after_any_changes_is_that_of_a_clean_run(
    posts: list[Post], changes: list[dict[int, Post | None]], counted: int
) -> None:
    """A change of a slot is another post, or none any more; slots beyond the last are new ones."""
    here = list(posts)
    index = index_of(here, counted)
    for change in changes:
        before = weights(index)
        gone = [slot for slot, new in change.items() if new is None and slot < len(here)]
        edited = {slot: new for slot, new in change.items() if new is not None and slot < len(here)}
        added = [new for slot, new in change.items() if new is not None and slot >= len(here)]
        edited |= {len(here) + at: new for at, new in enumerate(added)}
        here += [{}] * len(added)
        for slot in gone:
            here[slot] = {}
        for slot, new in edited.items():
            here[slot] = new
        counted_now = term_index.counted(terms(edited[slot]) for slot in sorted(edited))
        index, changed = term_index.update(index, gone, sorted(edited), counted_now, stock(here, counted))
        index = term_index.from_bytes(term_index.to_bytes(index), len(index.squares))
        after = weights(index)
        assert after == defined(here, counted)
        kept = [slot for slot in range(len(before)) if slot not in gone and slot not in edited]
        assert {slot for slot in kept if changed[slot]} == {slot for slot in kept if before[slot] != after[slot]}
        assert changed[sorted(edited)].all()


def test_slots_may_be_more_than_two_bytes_count() -> None:
    posts: list[Post] = [{}] * (1 << 16)
    for slot in (0, 1, 2, 65_535):
        posts[slot] = {"subquery": 4, f"w{slot}": 4}
    index = index_of(posts, 3)
    assert index.slots.dtype == np.uint16
    posts = [*posts, {"subquery": 8, "w65535": 4}]
    index, changed = term_index.update(index, [], [1 << 16], term_index.counted([terms(posts[-1])]), stock(posts, 3))
    assert weights(index) == weights(index_of(posts, 3)) == defined(posts, 3)
    assert np.flatnonzero(changed).tolist() == [65_535, 65_536]


@pytest.fixture(params=[1, 40, 1 << 18])
def at_once(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_AT_ONCE", "_TABLE", "_CHUNK"):
        monkeypatch.setattr(term_index, name, request.param)


def random_posts(seed: int, size: int = 45) -> list[Post]:
    rng = np.random.default_rng(seed)
    return [
        {f"w{term}": int(rng.integers(1, 30)) for term in rng.integers(0, 40, rng.integers(0, 9)).tolist()}
        for _ in range(size)
    ]


def product(one: dict[int, int], two: dict[int, int]) -> int:
    return sum(weight * two.get(term, 0) for term, weight in one.items())


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("seed", range(4))
def test_products_are_exact_however_many_are_made_at_once(seed: int) -> None:
    posts = random_posts(seed)
    index = index_of(posts, 40)
    rows = weights(index)
    full = [[product(one, two) for two in rows] for one in rows]
    of, by = term_index.vectors(index), term_index.postings(index)
    wanted = np.array([3, 4, 11, 44])
    found = {
        slot: row for slots, some in term_index.products(of, by, wanted) for slot, row in zip(slots, some, strict=True)
    }
    assert {slot: row.tolist() for slot, row in found.items()} == {slot: full[slot] for slot in wanted.tolist()}
    below: list[list[float]] = []
    edges = [0, 0, len(full) // 2, len(full)]
    for slots, some in chain.from_iterable(term_index.products_below(of, by, range(*part)) for part in pairwise(edges)):
        assert slots.tolist() == list(range(len(below), len(below) + len(slots)))
        below += some.tolist()
    for slot, values in enumerate(below):
        assert values == [full[slot][other] if other < slot else 0 for other in range(len(values))]
        assert len(values) >= slot


def test_vectors_and_postings_of_some_are_those_of_all() -> None:
    index = index_of(random_posts(7), 40)
    wanted = np.zeros(45, np.bool_)
    wanted[[2, 9, 30]] = True
    some, every = term_index.vectors(index, wanted), term_index.vectors(index)
    for slot in range(45):
        own, all_ = (slice(each.starts[slot], each.starts[slot + 1]) for each in (some, every))
        assert some.terms[own].tolist() == (every.terms[all_].tolist() if wanted[slot] else [])
        assert some.weights[own].tolist() == (every.weights[all_].tolist() if wanted[slot] else [])
    half = np.arange(len(index.keys)) % 2 == 0
    by_some, by_all = term_index.postings(index, half), term_index.postings(index)
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
    found = term_index.common(term_index.vectors(index), one, two, 3)
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
    found = term_index.common(term_index.vectors(index), np.array([0, 3, 3]), np.array([3, 0, 2]), 3)
    assert weights(index)[3] == {key("a"): 8192}
    assert found.starts.tolist() == [0, 0, 0, 1]
    assert found.products.tolist() == [0, 0, 8192 * 8192]


def test_pairs_of_nobody_have_nothing_in_common() -> None:
    none = np.zeros(0, np.int64)
    found = term_index.common(term_index.vectors(index_of([{}], 1)), none, none, 3)
    assert found.starts.tolist() == [0]


def test_words_are_found_by_key_and_by_place() -> None:
    posts = random_posts(2)
    found, slots, places = term_index.build(map(terms, posts), stock(posts, 40))
    loaded: list[int] = []

    def load(slot: int) -> Terms:
        loaded.append(slot)
        return terms(posts[slot])

    wanted: Array = np.arange(len(found.keys))[::-1]
    words = term_index.words_of(found.keys[wanted], slots[wanted], load)
    assert [key(word) for word in words] == found.keys[wanted].tolist()
    assert loaded == sorted(set(slots.tolist()))
    assert term_index.words_at(places[wanted], slots[wanted], load) == words
    assert term_index.words_of(found.keys[:0], slots[:0], load) == []


def test_the_part_that_is_counted_grows_by_tenths() -> None:
    sizes = [term_index.stock_size(posts) for posts in range(2000)]
    assert sizes[:51] == list(range(51))
    assert all(size <= posts < size * 1.11 + 6 for posts, size in enumerate(sizes))
    assert len(set(sizes)) < 100
