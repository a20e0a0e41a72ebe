from __future__ import annotations

import math
from array import array
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from octavo.model.documents import Terms
from octavo.related import index as term_index
from octavo.related.index import DocumentFrequencies, TermIndex
from octavo.related.term_keys import hash_words
from octavo.related.vectors import vectors

Post = dict[str, int]
"""Counts in quarters by term."""


def terms(post: Post) -> Terms:
    words = sorted(post)
    return Terms("\n".join(words), array("I", [post[word] for word in words]).tobytes())


def key(word: str) -> int:
    return int(hash_words([word])[0])


def stock(posts: list[Post], counted: int) -> DocumentFrequencies:
    """The first posts that are there tell how common terms are."""
    mask = np.zeros(len(posts), np.bool_)
    mask[[slot for slot, post in enumerate(posts) if post][:counted]] = True
    return DocumentFrequencies(mask, int(mask.sum()))


def index_of(posts: list[Post], counted: int) -> TermIndex:
    return term_index.build(map(terms, posts), stock(posts, counted))[0]


def weights(index: TermIndex) -> list[dict[int, int]]:
    """By slot: the weights by key."""
    of = vectors(index)
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


def test_many_posts_are_counted_as_each_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    posts = [terms({f"w{number}": 4, f"w{number + 1}": 20_000}) for number in range(30)] + [Terms()]
    together = term_index.count_posts(posts)
    monkeypatch.setattr(term_index, "_BATCH", 1)
    assert [each.tolist() for each in term_index.count_posts(posts)] == [each.tolist() for each in together]
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
        counted_now = term_index.count_posts(terms(edited[slot]) for slot in sorted(edited))
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
    index, changed = term_index.update(
        index, [], [1 << 16], term_index.count_posts([terms(posts[-1])]), stock(posts, 3)
    )
    assert weights(index) == weights(index_of(posts, 3)) == defined(posts, 3)
    assert np.flatnonzero(changed).tolist() == [65_535, 65_536]


def random_posts(seed: int, size: int = 45) -> list[Post]:
    rng = np.random.default_rng(seed)
    return [
        {f"w{term}": int(rng.integers(1, 30)) for term in rng.integers(0, 40, rng.integers(0, 9)).tolist()}
        for _ in range(size)
    ]


def test_the_part_that_is_counted_grows_by_tenths() -> None:
    sizes = [term_index.frequency_sample_size(posts) for posts in range(2000)]
    assert sizes[:51] == list(range(51))
    assert all(size <= posts < size * 1.11 + 6 for posts, size in enumerate(sizes))
    assert len(set(sizes)) < 100
