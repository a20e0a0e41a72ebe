"""Posts as vectors of weighted terms, and the exact products of any of them with others.

The product of two vectors is the cosine of their angle in parts of ``UNIT * UNIT``. Products are whole numbers that a
float holds exactly, so a sum is the same in any order. This module imports numpy: import it where lists are computed
only.

Products are found by term, through the posts that have it (the *inverted index*: Zobel and Moffat, *Inverted files for
text search engines*, 2006), so pairs of posts without a common term cost nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from octavo.related.index import TermIndex, weights_of
from octavo.related.term_keys import Array

_TABLE = 1 << 22
_AT_ONCE = 1 << 18
"""Weights in a table, and terms of products, that are worked on at a time."""


class Vectors(NamedTuple):
    """The vectors of all slots, empty where not asked for.

    That of slot i is ``starts[i]:starts[i + 1]`` (int64) of ``terms`` (uint32, ascending places in the index) and
    ``weights`` (float32, whole numbers that it holds exactly).
    """

    starts: Array
    terms: Array
    weights: Array


class Postings(NamedTuple):
    """The vectors by term.

    The posts of term i are ``starts[i]:starts[i + 1]`` of ``slots`` (as in the index) and ``weights``.
    """

    starts: Array
    slots: Array
    weights: Array


class CommonTerms(NamedTuple):
    """What pairs of posts have in common.

    Those of pair i are ``starts[i]:starts[i + 1]`` of ``terms`` (places in the index) and ``parts`` (int64, of the
    product), the greatest first; ``products`` (int64) are those of whole pairs.
    """

    starts: Array
    terms: Array
    parts: Array
    products: Array


def vectors(index: TermIndex, owners: Array | None = None) -> Vectors:
    """The vectors of the posts of a mask of slots, or of all."""
    size = len(index.squares)
    sizes = np.diff(index.starts)
    alive = np.repeat(index.levels > 0, sizes)
    if owners is not None:
        alive &= owners[index.slots]
    of_entries = np.repeat(np.arange(len(index.keys), dtype=np.uint32), sizes)
    starts = np.concatenate([[0], np.cumsum(np.bincount(index.slots[alive], minlength=size))])
    terms, weights = np.empty(starts[-1], np.uint32), np.empty(starts[-1], np.float32)
    # Some slots at a time: what has to be held to sort entries by slot is several times the result.
    for first, last in pairwise([*range(0, size, size // 8 + 1), size]):
        at = np.flatnonzero(alive & (index.slots >= first) & (index.slots < last))
        at = at[np.argsort(index.slots[at], kind="stable")]
        own = slice(starts[first], starts[last])
        terms[own] = of_entries[at]
        weights[own] = weights_of(index, terms[own], index.slots[at], index.damped[at])
    return Vectors(starts, terms, weights)


def postings(index: TermIndex, chosen_terms: Array | None = None) -> Postings:
    """The posts of the terms of a mask, or of all."""
    live = index.levels > 0
    if chosen_terms is not None:
        live &= chosen_terms
    sizes = np.where(live, np.diff(index.starts), 0)
    starts = np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)])
    alive = np.repeat(live, np.diff(index.starts))
    terms, slots = np.repeat(np.arange(len(index.keys), dtype=np.uint32), sizes), index.slots[alive]
    return Postings(starts, slots, weights_of(index, terms, slots, index.damped[alive]))


def products(of: Vectors, by: Postings, slots: Array) -> Iterator[tuple[Array, Array]]:
    """(some slots, their products with every slot), for all of ``slots``.

    Products are a row for each, float64 but whole numbers: no result depends on the order of a sum.
    """
    size, lengths = len(of.starts) - 1, np.diff(by.starts)
    for start, end in _turns(of, lengths, slots, size):
        yield slots[start:end], _summed(of, by, lengths, slots[start:end], size)


def products_below(of: Vectors, by: Postings, slots: range) -> Iterator[tuple[Array, Array]]:
    """The products of some slots with the slots below each.

    They are 0 with the others, so that each pair comes once; the slots come one after the other. Each row is as long as
    there are slots below any of them. By term, slots have to ascend.
    """
    passed = np.bincount(of.terms[: of.starts[slots.start]], minlength=len(by.starts) - 1)
    own = np.arange(slots.start, slots.stop)
    for start, end in _turns(of, np.diff(by.starts) // 2, own, slots.stop):
        first, last = slots.start + start, slots.start + end
        np.add.at(passed, of.terms[of.starts[first] : of.starts[last]], 1)
        values = _summed(of, by, passed, own[start:end], last)
        values[:, first:] = np.tril(values[:, first:], -1)
        yield own[start:end], values


def _turns(of: Vectors, lengths: Array, slots: Array, size: int) -> Iterator[tuple[int, int]]:
    """Stretches of ``slots`` that are worked on together: as many as the nearest memory holds."""
    work = np.concatenate([[0], np.cumsum(lengths[of.terms])])
    work = np.cumsum(work[of.starts[slots + 1]] - work[of.starts[slots]] + size)
    start = 0
    while start < len(slots):
        done = work[start - 1] if start else 0
        end = max(start + 1, int(np.searchsorted(work, done + _AT_ONCE, side="right")))
        yield start, end
        start = end


def _summed(of: Vectors, by: Postings, lengths: Array, slots: Array, size: int) -> Array:
    """The products of ``slots`` with all, up to ``size``, that are among the first ``lengths`` of each term."""
    own, row = join_ranges(of.starts[slots], of.starts[slots + 1])
    terms = of.terms[own]
    lengths = lengths[terms]
    ends = np.cumsum(lengths)
    at = np.repeat(by.starts[terms] - ends + lengths, lengths)
    at += np.arange(len(at))
    values = np.repeat(of.weights[own].astype(np.float64), lengths)
    # No place is out of bounds; "clip" only spares a second look.
    values *= by.weights.take(at, mode="clip")
    cells = by.slots.take(at, mode="clip").astype(np.int64)
    if len(slots) > 1:
        cells += np.repeat(row * size, lengths)
    return np.bincount(cells, values, len(slots) * size).reshape(len(slots), size)


def find_common_terms(of: Vectors, one: Array, two: Array, most: int) -> CommonTerms:
    """What pairs of posts share.

    Of each pair ``one[i]``, ``two[i]`` (``one`` ascending) the ``most`` greatest parts.
    """
    terms = int(of.terms.max(initial=0)) + 1
    at_once = max(1, _TABLE // terms)
    firsts = np.flatnonzero(np.diff(one, prepend=-1))
    edges = [*firsts[::at_once].tolist(), len(one)]
    table = np.zeros(min(at_once, len(firsts)) * terms, np.uint16)
    batches = [_common(of, one[start:end], two[start:end], most, table, terms) for start, end in pairwise(edges)]
    if not batches:
        none = np.zeros(0, np.int64)
        return CommonTerms(np.zeros(1, np.int64), none, none, none)
    lengths, *rest = (np.concatenate(each) for each in zip(*batches, strict=True))
    return CommonTerms(np.concatenate([[0], np.cumsum(lengths)]), *rest)


def _common(of: Vectors, one: Array, two: Array, most: int, table: Array, terms: int) -> tuple[Array, ...]:
    """The numbers of terms of pairs, the terms, their parts, the products. ``table`` is lent, and all 0."""
    rows, row = np.unique(one, return_inverse=True)
    at, owners = join_ranges(of.starts[rows], of.starts[rows + 1])
    cells = owners * terms + of.terms[at]
    table[cells] = of.weights[at]
    lengths = of.starts[two + 1] - of.starts[two]
    ends = np.cumsum(lengths)
    at = np.repeat(of.starts[two] - ends + lengths, lengths)
    at += np.arange(len(at))
    here = np.repeat(row * terms, lengths)
    here += of.terms.take(at, mode="clip")
    own = table.take(here, mode="clip")
    table[cells] = 0
    some = np.flatnonzero(own)
    some = some[of.weights[at[some]] > 0]
    pairs, at = np.searchsorted(ends, some, side="right"), at[some]
    shared, parts = of.terms[at], own[some] * of.weights[at].astype(np.int64)
    products = np.bincount(pairs, parts, len(one)).astype(np.int64)
    order = np.argsort((pairs << 32) - parts, kind="stable")
    lengths = np.bincount(pairs, minlength=len(one))
    rank = np.arange(len(order)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    order = order[rank < most]
    return np.minimum(lengths, most), shared[order], parts[order], products


def join_ranges(starts: Array, ends: Array) -> tuple[Array, Array]:
    """The places of several stretches one after another.

    Also the number of the stretch of each.
    """
    lengths = ends - starts
    number = np.repeat(np.arange(len(lengths)), lengths)
    return np.arange(len(number)) + (starts - np.cumsum(lengths) + lengths)[number], number
