from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from octavo.related import explain
from octavo.related.explain import NO_REASONS, ReasonTable, pair
from octavo.related.vectors import CommonTerms

Told = list[tuple[str, int]]


def common(pairs: list[list[tuple[int, int]]]) -> CommonTerms:
    """(term, part) of each pair."""
    lengths = [len(each) for each in pairs]
    terms = np.array([term for each in pairs for term, _ in each], np.int64)
    parts = np.array([part for each in pairs for _, part in each], np.int64)
    products = np.array([max(1, sum(part for _, part in each)) + 3 for each in pairs], np.int64)
    return CommonTerms(np.array([0, *np.cumsum(lengths).tolist()]), terms, parts, products)


def told(why: ReasonTable) -> list[Told]:
    return [
        [(why.texts[number], share) for number, share in zip(numbers, shares, strict=True) if number != 0xFFFFFFFF]
        for numbers, shares in zip(why.numbers.tolist(), why.shares.tolist(), strict=True)
    ]


def defined(terms: list[tuple[str, int]], product: int) -> Told:
    """The reasons of one pair, one term after another."""
    groups: list[tuple[int, str, frozenset[str], bool]] = []
    for term, part in terms:
        text, is_tag = term.removeprefix("#"), term.startswith("#")
        words = frozenset(map(explain._singular, text.split(" ")))
        for place, (sum_, group, group_words, of_tag) in enumerate(groups):
            if words <= group_words and (not is_tag or words == group_words):
                groups[place] = (sum_ + part, group, group_words, of_tag or is_tag)
                break
            if group_words < words and not of_tag:
                groups[place] = (sum_ + part, text, words, is_tag)
                break
        else:
            groups.append((part, text, words, is_tag))
    groups.sort(key=lambda group: (-group[0], group[1]))
    shares = [
        ("#" * is_tag + text, round(100 * round(part / product, 2)))
        for part, text, _, is_tag in groups[: explain._REASONS]
    ]
    return [shares[0], *(each for each in shares[1:] if each[1])]


TERMS = [
    "django", "orm", "django orm", "orm django", "orms of django", "#django", "#django orm", "#orm", "query",
    "of query", "#a long tag of many django orm words", "words", "#query",
]  # fmt: skip
pairs = st.lists(
    st.lists(st.integers(0, len(TERMS) - 1), min_size=1, max_size=8, unique=True).flatmap(
        lambda terms: st.lists(st.integers(1, 300), min_size=len(terms), max_size=len(terms)).map(
            lambda parts: list(zip(terms, sorted(parts, reverse=True), strict=True))
        )
    ),
    max_size=12,
)


@given(pairs, st.sampled_from([1, 5, 1 << 15]))
@settings(deadline=None)
def test_terms_that_belong_together_are_told_together(found: list[list[tuple[int, int]]], at_once: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(explain, "_CHUNK", at_once)
        shared = common(found)
        why = explain.choose_reasons(TERMS, shared, ("kept",))
    assert why.texts[0] == "kept"
    assert told(why) == [
        defined([(TERMS[term], part) for term, part in each], product)
        for each, product in zip(found, shared.products.tolist(), strict=True)
    ]


@given(st.integers(0, 2000), st.integers(1, 2000))
@example(1, 200)
@example(3, 200)
@example(5, 1000)
@example(115, 1000)
def test_shares_are_rounded_as_python_rounds(part: int, product: int) -> None:
    share = part / max(part, product)
    assert explain._hundredths(np.array([[share]])).tolist() == [[round(100 * round(share, 2))]]


def why(rows: dict[tuple[int, int], Told], texts: tuple[str, ...]) -> ReasonTable:
    numbers = np.full((len(rows), explain._REASONS), 0xFFFFFFFF, np.uint32)
    shares = np.zeros((len(rows), explain._REASONS), np.uint8)
    for row, found in enumerate(rows[each] for each in sorted(rows)):
        for at, (text, share) in enumerate(found):
            numbers[row, at], shares[row, at] = texts.index(text), share
    one, two = (np.array([each[side] for each in sorted(rows)], np.int64) for side in (0, 1))
    return ReasonTable(pair(one, two), numbers, shares, texts)


def test_reasons_are_found_by_slot() -> None:
    known = why({(0, 2): [("#a", 40), ("b", 9)], (2, 0): [("b", 1)], (2, 1): [("b", 100)]}, ("#a", "b"))
    of = explain.by_slot(explain.from_bytes(explain.to_bytes(known), 4), 4)
    assert [of(slot) for slot in range(4)] == [
        {2: [("#a", 40), ("b", 9)]}, {}, {0: [("b", 1)], 1: [("b", 100)]}, {}
    ]  # fmt: skip
    assert explain.from_bytes(explain.to_bytes(NO_REASONS), 4).texts == ()


def test_new_reasons_take_the_place_of_those_of_their_slots() -> None:
    old = why({(0, 2): [("a", 40)], (1, 0): [("b", 1)], (2, 1): [("b", 100)], (3, 0): [("a", 1)]}, ("a", "b"))
    new = why({(0, 2): [("a", 40)], (2, 1): [("b", 99)], (2, 3): [("c", 1)], (4, 0): [("a", 1)]}, ("a", "b", "c"))
    out = np.array([True, True, True, False, True])
    of = explain.by_slot(explain.merge(old, new, out), 5)
    assert [of(slot) for slot in range(5)] == [
        {2: [("a", 40)]}, {}, {1: [("b", 99)], 3: [("c", 1)]}, {0: [("a", 1)]}, {0: [("a", 1)]}
    ]  # fmt: skip
    assert explain.mask_changed_reasons(old, new, 5).tolist() == [False, False, True, False, True]
