"""Why two posts are related: the terms that carried most of their score, in words an author understands.

This module imports numpy: import it where lists are computed only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from octavo.related.index import TermIndex
from octavo.related.term_keys import Array, locate
from octavo.related.terms import TAG, join_character_pairs, words_of
from octavo.related.vectors import CommonTerms, find_common_terms, vectors

_REASONS = 5
_TERMS = 10
"""Reasons of a pair, and the terms they are drawn from."""

_LOW = 0xFFFFFFFF
_NO_TEXT = 0xFFFFFFFF

_CHUNK = 1 << 15
"""Pairs that are worked on at a time."""

Words = Callable[[Array, Array], list[str]]
"""The words of some terms (places in the index), each of which the post in the slot given with it has."""


class ReasonTable(NamedTuple):
    """The reasons of pairs of slots.

    For ``pairs`` (int64, ascending, as ``pair`` makes them): numbers of ``texts`` (uint32, a row of five) with their
    ``shares`` of the score in hundredths (uint8, likewise), the greatest first. The text of a tag begins with ``TAG``.
    """

    pairs: Array
    numbers: Array
    shares: Array
    texts: tuple[str, ...]


NO_REASONS = ReasonTable(
    np.zeros(0, np.int64), np.zeros((0, _REASONS), np.uint32), np.zeros((0, _REASONS), np.uint8), ()
)

WordedReasons = list[tuple[str, int]]
"""Reasons: each a text, and its share in hundredths."""


def pair(one: Array | int, two: Array) -> Array:
    """Two slots as one number. Pairs stand in the order of the first."""
    return np.asarray(one, np.int64) << 32 | two.astype(np.int64)


def to_bytes(why: ReasonTable) -> tuple[bytes, ...]:
    return (*(array.tobytes() for array in why[:3]), "\n".join(why.texts).encode("utf-8", "surrogatepass"))


def from_bytes(parts: Sequence[bytes], size: int) -> ReasonTable:
    """The reasons of so many slots, whose parts these are.

    Raises ValueError where they are not such parts.
    """
    pairs, numbers, shares, texts = parts
    table = ReasonTable(
        np.frombuffer(pairs, np.int64),
        np.frombuffer(numbers, np.uint32).reshape(-1, _REASONS),
        np.frombuffer(shares, np.uint8).reshape(-1, _REASONS),
        tuple(texts.decode("utf-8", "surrogatepass").split("\n")) if texts else (),
    )
    text_numbers = table.numbers[table.numbers != _NO_TEXT]
    if not len(table.pairs) == len(table.numbers) == len(table.shares) or (text_numbers >= len(table.texts)).any():
        raise ValueError("reasons are of different lengths")
    ones, others = table.pairs >> 32, table.pairs & _LOW
    if ((ones < 0) | (ones >= size) | (others >= size)).any() or (table.pairs[1:] <= table.pairs[:-1]).any():
        raise ValueError("a reason is that of a post that there is not")
    return table


def by_slot(why: ReasonTable, size: int) -> Callable[[int], dict[int, WordedReasons]]:
    """Finds the reasons of one of ``size`` slots for others, by these."""
    starts = np.searchsorted(why.pairs, np.arange(size + 1) << 32).tolist()
    others, text_of = why.pairs & _LOW, why.texts.__getitem__
    # Those that are not there come last.
    counts = np.count_nonzero(why.numbers != _NO_TEXT, axis=1)

    def of(slot: int) -> dict[int, WordedReasons]:
        own = slice(starts[slot], starts[slot + 1])
        columns = (others[own], why.numbers[own], why.shares[own], counts[own])
        return {
            other: list(zip(map(text_of, numbers[:count]), shares, strict=False))
            for other, numbers, shares, count in zip(*(column.tolist() for column in columns), strict=True)
        }

    return of


def mask_second_slots(why: ReasonTable, firsts: Array) -> Array:
    """The mask of the slots that are the second of some pairs.

    Of those pairs whose first is in the mask ``firsts``.
    """
    mask = np.zeros(len(firsts), np.bool_)
    mask[(why.pairs & _LOW)[firsts[why.pairs >> 32]]] = True
    return mask


def explain_pairs(index: TermIndex, pairs: Array, previous: ReasonTable, changed: Array, words: Words) -> ReasonTable:
    """The reasons of ``pairs`` of slots (ascending).

    Those of ``previous`` hold between slots that are not of the mask ``changed``; their texts keep their numbers.
    """
    one, two = pairs >> 32, pairs & _LOW
    at, holds = locate(previous.pairs, pairs)
    holds &= ~changed[one] & ~changed[two]
    numbers = np.empty((len(pairs), _REASONS), np.uint32)
    shares = np.empty((len(pairs), _REASONS), np.uint8)
    numbers[holds], shares[holds] = previous.numbers[at[holds]], previous.shares[at[holds]]
    new = ~holds
    # Two posts have the same reasons for each other. Words are read from the first of a pair: a changed one gives them
    # to all.
    one, two = one[new], two[new]
    turned = np.where(changed[one] == changed[two], one > two, changed[two])
    new_pairs, back = np.unique(np.where(turned, pair(two, one), pair(one, two)), return_inverse=True)
    table = _reasons_of(index, new_pairs, previous.texts, words)
    numbers[new], shares[new] = table.numbers[back], table.shares[back]
    return ReasonTable(pairs, numbers, shares, table.texts)


def merge(old: ReasonTable, new: ReasonTable, out: Array) -> ReasonTable:
    """With the new reasons in the place of those of a mask of slots."""
    stays = ~out[old.pairs >> 32]
    pairs = np.concatenate([old.pairs[stays], new.pairs])
    order = np.argsort(pairs, kind="stable")
    numbers, shares = np.concatenate([old.numbers[stays], new.numbers]), np.concatenate([old.shares[stays], new.shares])
    return ReasonTable(pairs[order], numbers[order], shares[order], new.texts)


def mask_changed_reasons(old: ReasonTable, new: ReasonTable, size: int) -> Array:
    """The mask of the slots that have a new pair or other reasons for one.

    There are ``size`` slots.
    """
    at, same = locate(old.pairs, new.pairs)
    common_rows = np.flatnonzero(same)
    same[common_rows] = (old.numbers[at[common_rows]] == new.numbers[common_rows]).all(axis=1)
    same[common_rows] &= (old.shares[at[common_rows]] == new.shares[common_rows]).all(axis=1)
    mask = np.zeros(size, np.bool_)
    mask[new.pairs[~same] >> 32] = True
    return mask


def _reasons_of(index: TermIndex, pairs: Array, texts: tuple[str, ...], words: Words) -> ReasonTable:
    """The reasons of pairs. New texts get numbers after those of ``texts``."""
    one, two = pairs >> 32, pairs & _LOW
    mask = np.zeros(len(index.squares), np.bool_)
    mask[one] = mask[two] = True
    shared = find_common_terms(vectors(index, mask), one, two, _TERMS)
    terms, first, numbered = np.unique(shared.terms, return_index=True, return_inverse=True)
    owners = one[np.searchsorted(shared.starts, first, side="right") - 1]
    return choose_reasons(words(terms, owners), shared._replace(terms=numbered), texts)._replace(pairs=pairs)


def choose_reasons(terms: list[str], shared: CommonTerms, texts: tuple[str, ...] = ()) -> ReasonTable:
    """The reasons of pairs without their slots, from what they share.

    The ``terms`` of ``shared`` are places in ``terms``. New texts get numbers after those of ``texts``.
    """
    read = _read(terms)
    numbers = np.empty((len(shared.products), _REASONS), np.int64)
    shares = np.empty((len(shared.products), _REASONS), np.uint8)
    for start in range(0, len(shared.products), _CHUNK):
        chunk = slice(start, start + _CHUNK)
        numbers[chunk], shares[chunk] = _group_terms(*_table(shared, chunk), shared.products[chunk], read)
    used, at = np.unique(numbers, return_inverse=True)
    numbers_by_text = {text: number for number, text in enumerate(texts)}
    new = [
        numbers_by_text.setdefault(read.texts[number], len(numbers_by_text)) if number >= 0 else _NO_TEXT
        for number in used.tolist()
    ]
    return ReasonTable(
        NO_REASONS.pairs, np.array(new, np.uint32)[at].reshape(numbers.shape), shares, tuple(numbers_by_text)
    )


class _TermTexts(NamedTuple):
    """Terms as they are told: the ``numbers`` of their ``texts`` and whether they are tags; ``texts`` has all in order,
    and then once more as tags. ``words`` has a column of numbers for each term, -1 where there are no more; ``bits``
    (uint64) has a bit for each of them, which some others have as well."""

    texts: list[str]
    numbers: Array
    is_tag: Array
    words: Array
    bits: Array


def _read(terms: list[str]) -> _TermTexts:
    plain = [join_character_pairs(term.removeprefix(TAG)) for term in terms]
    order = sorted(set(plain))
    numbers = {text: number for number, text in enumerate(order)}
    words: dict[str, int] = {}
    rows = [{words.setdefault(_singular(word), len(words)) for word in words_of(text)} for text in plain]
    most = max(map(len, rows), default=1)
    table = np.array([[*row, *[-1] * (most - len(row))] for row in rows], np.int32).reshape(-1, most)
    bits = np.where(table >= 0, np.uint64(1) << (table % 64).astype(np.uint64), np.uint64(0))
    return _TermTexts(
        texts=[*order, *(TAG + text for text in order)],
        numbers=np.array([numbers[text] for text in plain], np.int64),
        is_tag=np.array([term.startswith(TAG) for term in terms], np.bool_),
        words=np.ascontiguousarray(table.T),
        bits=np.bitwise_or.reduce(bits, axis=1),
    )


def _singular(word: str) -> str:
    """One form for a noun of English and for its plural: to tell both would say the same twice."""
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def _table(shared: CommonTerms, chunk: slice) -> tuple[Array, Array]:
    """Terms and their parts of some pairs, each pair a row; -1 and 0 where there are no more."""
    starts = shared.starts[chunk.start : chunk.stop + 1]
    lengths = np.diff(starts)
    own = slice(starts[0], starts[-1])
    rows = np.repeat(np.arange(len(lengths)), lengths)
    columns = np.arange(len(rows)) - np.repeat(starts[:-1] - starts[0], lengths)
    terms, parts = np.full((len(lengths), _TERMS), -1), np.zeros((len(lengths), _TERMS), np.int64)
    terms[rows, columns], parts[rows, columns] = shared.terms[own], shared.parts[own]
    return terms, parts


def _group_terms(terms: Array, parts: Array, products: Array, read: _TermTexts) -> tuple[Array, Array]:
    """Numbers of texts and shares of the reasons of pairs, from their terms, the greatest part first.

    Parts are summed up in groups: a word is told within the phrase that holds it, and a tag stands for the same words.
    A term joins the first group that it fits; the widest leads, and is told.
    """
    leads, sums, of_tag = np.full_like(terms, -1), np.zeros_like(parts), np.zeros(terms.shape, np.bool_)
    groups = np.zeros(len(terms), np.int64)
    for column, own_parts in enumerate(parts.T):
        rows = np.flatnonzero(terms[:, column] >= 0)
        for group in range(column):
            term, lead = terms[rows, column], leads[rows, group]
            within, holds = _within(term, lead, read), _within(lead, term, read)
            joins = within & (holds | ~read.is_tag[term]) & (lead >= 0)
            takes = holds & ~within & ~of_tag[rows, group] & (lead >= 0)
            of_tag[rows[joins], group] |= read.is_tag[term[joins]]
            of_tag[rows[takes], group] = read.is_tag[term[takes]]
            leads[rows[takes], group] = term[takes]
            fits = joins | takes
            sums[rows[fits], group] += own_parts[rows[fits]]
            rows = rows[~fits]
        at = rows, groups[rows]
        leads[at], sums[at], of_tag[at] = terms[rows, column], own_parts[rows], read.is_tag[terms[rows, column]]
        groups[rows] += 1
    numbers = read.numbers[leads]
    best = np.lexsort((numbers, -sums))[:, :_REASONS]
    numbers += of_tag * (len(read.texts) // 2)
    leads, sums, numbers = (np.take_along_axis(each, best, 1) for each in (leads, sums, numbers))
    shares = _hundredths(sums / products[:, None])
    is_reason = (leads >= 0) & ((shares > 0) | (np.arange(_REASONS) == 0))
    return np.where(is_reason, numbers, -1), shares


def _within(one: Array, two: Array, read: _TermTexts) -> Array:
    """Whether all words of the terms ``one`` are words of ``two``."""
    # Mostly they are not, and a bit says so.
    mask: Array = (read.bits[one] & ~read.bits[two]) == 0
    for each in read.words:
        rows = np.flatnonzero(mask)
        rows = rows[each[one[rows]] >= 0]
        mask[rows] = (read.words[:, two[rows]] == each[one[rows]]).any(axis=0)
    return mask


def _hundredths(shares: Array) -> Array:
    """As ``round(share, 2)`` has it."""
    hundredths = np.rint(100 * shares)
    # The product is rounded itself, which may bring it to a half or take it away from one.
    for at in np.argwhere(np.abs(np.abs(100 * shares - hundredths) - 0.5) < 1e-9).tolist():
        hundredths[*at] = 100 * round(float(shares[*at]), 2)
    whole: Array = np.rint(hundredths).astype(np.int64)
    return whole
