"""Posts as vectors of weighted terms, and the exact products of any of them with all others.

All arithmetic is on integers or on values that a float holds exactly, so no result depends on an order or on what was
computed before. A term is its 64-bit hash here. This module imports numpy: import it where lists are computed only.

The weight of a term is tf-idf with a damped count. How common a term is, is counted in the oldest posts only, the
size of that part growing by tenths: a new post then leaves the vectors of most others as they are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from octavo.model import Terms

UNIT = 8192
"""The length of a vector: two equal ones have about the product ``UNIT * UNIT``."""

_DAMPING = 0.55
_DAMPED_ONE = 256
_LEVELS = 4
"""Steps of rarity for each factor of e; whole steps, so that one post more seldom changes what is rare."""

_WEIGHT_BITS = 16
_CHUNK = 1 << 20

Array = NDArray[Any]


class Row(NamedTuple):
    """The terms of one post: ``keys`` (uint64, ascending) and their damped counts (uint16)."""

    keys: Array
    damped: Array


class Index(NamedTuple):
    """Which posts have a term, with which weight. A post is a number, its *slot*.

    ``keys`` (uint64, ascending) and ``levels`` (uint8, how rare) belong to the terms. The entries of term i are
    ``entries[starts[i]:starts[i + 1]]``, each ``slot << 16 | weight`` (uint32, or uint64 for more than 65,535 slots).
    """

    keys: Array
    levels: Array
    starts: Array
    entries: Array


class Stock(NamedTuple):
    """The posts that tell how common a term is: a mask of slots, and how many they are."""

    counted: Array
    total: int


class Shared(NamedTuple):
    """What two posts have in common: keys of terms and their parts of the product, the greatest first; the product."""

    keys: list[int]
    parts: list[int]
    product: int


def from_bytes(arrays: Sequence[bytes], slots: int) -> Index:
    """The index whose arrays these are the bytes of; ``slots`` as many as when it was made."""
    keys, levels, starts, entries = arrays
    return Index(
        np.frombuffer(keys, np.uint64),
        np.frombuffer(levels, np.uint8),
        np.frombuffer(starts, np.uint32),
        np.frombuffer(entries, _entry_type(slots)),
    )


def stock_size(posts: int) -> int:
    """How many of the oldest posts are counted: all of a few, else the last step of growth by a tenth."""
    size = 50
    if posts <= size:
        return posts
    while size * 11 // 10 <= posts:
        size = size * 11 // 10
    return size


def row(terms: Terms) -> Row:
    """The terms of a post by key."""
    keys = keys_of(terms)
    order = np.argsort(keys, kind="stable")
    return Row(keys[order], _damped(np.frombuffer(terms.counts, "<u4"))[order])


def keys_of(terms: Terms) -> Array:
    """The 64-bit hashes of the words (uint64, in the order of the words): a polynomial of the bytes, mixed."""
    if not terms.words:
        return np.zeros(0, np.uint64)
    data = np.frombuffer(f"{terms.words}\n".encode("utf-8", "surrogatepass"), np.uint8)
    starts = np.flatnonzero(data == 10)
    starts[1:] = starts[:-1] + 1
    starts[0] = 0
    powers, inverses = _powers(1 << max(14, len(data).bit_length()))
    hashes = np.add.reduceat(data * powers[: len(data)], starts) * inverses[starts]
    # The finaliser of MurmurHash3 (Appleby): every bit depends on all bytes.
    hashes ^= hashes >> np.uint64(33)
    hashes *= np.uint64(0xFF51AFD7ED558CCD)
    hashes ^= hashes >> np.uint64(33)
    return hashes


def words_of(terms: Terms, keys: Sequence[int]) -> Iterator[str]:
    """The words of keys that a post has."""
    words, known = terms.words.split("\n"), keys_of(terms)
    order = np.argsort(known)
    return (words[place] for place in order[np.searchsorted(known, np.array(keys, np.uint64), sorter=order)].tolist())


def build(rows: Iterable[Row], stock: Stock) -> Index:
    """The index of the posts in slots 0, 1, 2, …"""
    keys, damped, lengths = bytearray(), bytearray(), []
    for each in rows:
        keys += each.keys.tobytes()
        damped += each.damped.tobytes()
        lengths.append(len(each.keys))
    slots = len(lengths)
    entries = np.repeat(np.arange(slots, dtype=_entry_type(slots)) << _WEIGHT_BITS, np.array(lengths, np.int64))
    entries |= np.frombuffer(damped, np.uint16)
    index = _by_term(np.frombuffer(keys, np.uint64), entries)
    index = index._replace(levels=_levels(index, stock))
    _weigh(index, slots)
    return index


def update(
    index: Index, gone: Collection[int], new: Mapping[int, Row], stock: Stock, load: Callable[[int], Row]
) -> tuple[Index, list[int]]:
    """The index without the posts ``gone`` and with those of ``new`` in the place of what their slots held.

    ``load`` gives the row of any post that stays. Also returns the slots whose vectors changed, in order. Vectors are
    those that ``build`` would make.
    """
    size = len(stock.counted)
    index = _with(_without(index, [*gone, *new], size), new, size)
    levels = _levels(index, stock)
    slots = index.entries >> _WEIGHT_BITS
    suspects = set(np.unique(slots[np.repeat(levels != index.levels, np.diff(index.starts))]).tolist())
    suspects.update(new)
    index = index._replace(levels=levels)
    changed = []
    at = np.flatnonzero(_mask(suspects, size)[slots])
    at = at[np.argsort(slots[at], kind="stable")]
    start = 0
    for slot in sorted(suspects):
        each = new[slot] if slot in new else load(slot)
        own, start = at[start : start + len(each.keys)], start + len(each.keys)
        raw = _raw(each.damped, levels[np.searchsorted(index.keys, each.keys)])
        weights = _scaled(raw, raw @ raw)
        if slot in new or not np.array_equal(weights, index.entries[own] & 0xFFFF):
            index.entries[own] = slot << _WEIGHT_BITS | weights.astype(index.entries.dtype)
            changed.append(slot)
    return index, changed


class Vectors(NamedTuple):
    """The vectors of some posts: that of ``slots[i]`` is ``ends[i - 1]:ends[i]`` of ``terms`` and ``weights``."""

    slots: list[int]
    ends: list[int]
    terms: Array
    weights: Array

    def each(self) -> Iterator[tuple[int, Array, Array]]:
        for slot, start, end in zip(self.slots, [0, *self.ends], self.ends, strict=False):
            yield slot, self.terms[start:end], self.weights[start:end]


def vectors(index: Index, slots: Iterable[int], size: int) -> Vectors:
    """Terms (uint32, ascending places in the index) and weights (float64) of posts, those of no weight left out."""
    wanted = sorted(slots)
    entries = index.entries
    at = np.flatnonzero(_mask(wanted, size)[entries >> _WEIGHT_BITS] & (entries & 0xFFFF > 0))
    owners = entries[at] >> _WEIGHT_BITS
    order = np.argsort(owners.astype(np.uint16) if size < 1 << 16 else owners, kind="stable")
    ends = np.searchsorted(owners[order], wanted, side="right").tolist()
    terms = np.repeat(np.arange(len(index.keys), dtype=np.uint32), np.diff(index.starts))[at]
    return Vectors(wanted, ends, terms[order], (entries[at[order]] & 0xFFFF).astype(np.float64))


def products(index: Index, slots: Iterable[int], size: int) -> Iterator[tuple[int, Array]]:
    """(slot, its products with every slot as float64 integers) for each of ``slots``; ``size`` slots in all."""
    for slot, terms, weights in vectors(index, slots, size).each():
        if not len(terms):
            yield slot, np.zeros(size)
            continue
        starts = index.starts[terms].astype(np.int64)
        lengths = index.starts[terms + 1] - starts
        ends = np.cumsum(lengths)
        at = np.repeat(starts - ends + lengths, lengths)
        at += np.arange(ends[-1])
        entries = index.entries[at]
        values = np.repeat(weights, lengths)
        values *= entries & 0xFFFF
        yield slot, np.bincount(entries >> _WEIGHT_BITS, values, size)


def shared(
    index: Index, wanted: Mapping[int, Collection[int]], size: int, most: int
) -> Iterator[tuple[int, dict[int, Shared]]]:
    """For every slot of ``wanted``, the ``most`` strongest terms it shares with each of the slots asked for."""
    found = vectors(index, {*wanted, *(other for others in wanted.values() for other in others)}, size)
    bounds = {slot: (start, end) for slot, start, end in zip(found.slots, [0, *found.ends], found.ends, strict=False)}
    own = np.zeros(len(index.keys))
    for slot, others in wanted.items():
        start, end = bounds[slot]
        own[found.terms[start:end]] = found.weights[start:end]
        spans = [slice(*bounds[other]) for other in others]
        terms = np.concatenate([found.terms[:0], *(found.terms[span] for span in spans)])
        parts = np.concatenate([found.weights[:0], *(found.weights[span] for span in spans)]) * own[terms]
        own[found.terms[start:end]] = 0
        places = np.repeat(np.arange(len(spans)), [span.stop - span.start for span in spans])
        common = np.flatnonzero(parts)
        terms, parts, places = terms[common], parts[common], places[common]
        totals = np.bincount(places, parts, len(spans)).tolist()
        order = np.argsort(places * float(1 << 32) - parts, kind="stable")
        keys, sorted_parts = index.keys[terms[order]].tolist(), parts[order].tolist()
        ends = np.searchsorted(places, np.arange(len(spans)), side="right").tolist()
        strongest = {}
        for other, first, last, total in zip(others, [0, *ends], ends, totals, strict=False):
            part = slice(first, min(last, first + most))
            strongest[other] = Shared(keys[part], list(map(int, sorted_parts[part])), int(total))
        yield slot, strongest


def _entry_type(slots: int) -> type[np.unsignedinteger[Any]]:
    return np.uint32 if slots < 1 << 16 else np.uint64


@cache
def _powers(length: int) -> tuple[Array, Array]:
    """The powers of an odd number, and those of its inverse (modulo 2 ** 64)."""
    base = 0x9E3779B97F4A7C15
    return tuple(np.cumprod(np.full(length, each, np.uint64)) for each in (base, pow(base, -1, 1 << 64)))  # type: ignore[return-value]


@cache
def _damping_table() -> Array:
    return np.array([_damp(count) for count in range(4096)], np.uint16)


def _damp(count: int) -> int:
    """A count in quarters, damped, in units of 1 / _DAMPED_ONE."""
    return min(round(_DAMPED_ONE * math.pow(count / 4, _DAMPING)), 0xFFFF)


def _damped(counts: Array) -> Array:
    table = _damping_table()
    damped = table[np.minimum(counts, len(table) - 1)]
    for large in np.flatnonzero(counts >= len(table)).tolist():
        damped[large] = _damp(int(counts[large]))
    return damped


def _by_term(keys: Array, entries: Array) -> Index:
    """Sorted by key, a sixteenth at a time to spare memory; in each term by slot."""
    sixteenth = np.empty(len(keys), np.uint8)
    np.right_shift(keys, np.uint64(60), out=sixteenth, casting="unsafe")
    in_order = np.empty_like(entries)
    all_keys, all_starts, done = [keys[:0]], [np.zeros(0, np.int64)], 0
    for part in range(16):
        at = np.flatnonzero(sixteenth == part)
        some = keys[at]
        order = np.argsort(some, kind="stable")
        some = some[order]
        in_order[done : done + len(at)] = entries[at[order]]
        first = np.flatnonzero(np.diff(some, prepend=~some[:1]))
        all_keys.append(some[first])
        all_starts.append(first + done)
        done += len(at)
    starts = np.concatenate([*all_starts, [done]]).astype(np.uint32)
    return Index(np.concatenate(all_keys), np.zeros(0, np.uint8), starts, in_order)


@cache
def _rarity(total: int, most: int) -> Array:
    """Level by how many of ``total`` posts have a term, up to ``most``; 0 from there on."""
    top = round(_LEVELS * math.log(total + 1))
    levels = [max(0, top - round(_LEVELS * math.log(max(count, 1)))) for count in range(most + 1)]
    return np.array([*levels, 0], np.uint8)


def _levels(index: Index, stock: Stock) -> Array:
    """How rare each term is (0: it says nothing), from the counted posts; a term of one post only says nothing."""
    if not len(index.keys):
        return np.zeros(0, np.uint8)
    most = min(max(stock.total // 5, 10), 1000)
    counted = stock.counted.view(np.uint8)[index.entries >> _WEIGHT_BITS]
    common = np.add.reduceat(counted, index.starts[:-1], dtype=np.int32)
    levels: Array = _rarity(stock.total, most)[np.minimum(common, most + 1)]
    levels[np.diff(index.starts) < 2] = 0
    return levels


def _raw(damped: Array, levels: Array) -> Array:
    """round(16 * damped count * rarity), as float64; its factors are integers in their units, so this is exact."""
    return np.rint(damped.astype(np.float64) * levels * (16 / (_DAMPED_ONE * _LEVELS)))


def _scaled(raw: Array, squares: Any) -> Array:
    """Raw weights at length UNIT (uint16), from the squares of their vectors' lengths."""
    parts: Array = np.divide(UNIT * raw, np.sqrt(squares), out=np.zeros_like(raw), where=raw > 0)
    return np.rint(parts).astype(np.uint16)


def _weigh(index: Index, size: int) -> None:
    """Puts weights where the entries of a new index hold damped counts."""
    levels = np.repeat(index.levels, np.diff(index.starts))
    squares = np.zeros(size)
    chunks = [slice(start, start + _CHUNK) for start in range(0, len(levels), _CHUNK)]
    for chunk in chunks:
        raw = _raw(index.entries[chunk] & 0xFFFF, levels[chunk])
        squares += np.bincount(index.entries[chunk] >> _WEIGHT_BITS, raw * raw, size)
    for chunk in chunks:
        slots = index.entries[chunk] >> _WEIGHT_BITS
        weights = _scaled(_raw(index.entries[chunk] & 0xFFFF, levels[chunk]), squares[slots])
        index.entries[chunk] = slots << _WEIGHT_BITS | weights


def _mask(slots: Iterable[int], size: int) -> Array:
    mask = np.zeros(size, np.bool_)
    mask[list(slots)] = True
    return mask


def _without(index: Index, slots: Sequence[int], size: int) -> Index:
    keep = ~_mask(slots, size)[index.entries >> _WEIGHT_BITS]
    if keep.all():
        return index
    left = np.add.reduceat(keep.view(np.uint8), index.starts[:-1], dtype=np.int64)
    alive = left > 0
    return Index(index.keys[alive], index.levels[alive], _starts(left[alive]), index.entries[keep])


def _with(index: Index, new: Mapping[int, Row], size: int) -> Index:
    """With entries for new posts, whose weights are yet to be set. The entries are a copy."""
    kind = _entry_type(size)
    if not new:
        return index._replace(entries=index.entries.astype(kind))
    keys = np.concatenate([each.keys for each in new.values()])
    entries = np.repeat(np.array(list(new), kind) << _WEIGHT_BITS, [len(each.keys) for each in new.values()])
    order = np.argsort(keys, kind="stable")
    unique, lengths = np.unique(keys, return_counts=True)
    at = np.searchsorted(index.keys, unique)
    known = at < len(index.keys)
    known[known] = index.keys[at[known]] == unique[known]
    sizes = np.diff(index.starts).astype(np.int64)
    sizes[at[known]] += lengths[known]
    # A new entry stands after those of its term; those of a new term before those of the next one.
    points = np.repeat(index.starts[at + known].astype(np.int64), lengths)
    return Index(
        np.insert(index.keys, at[~known], unique[~known]),
        np.insert(index.levels, at[~known], 0),
        _starts(np.insert(sizes, at[~known], lengths[~known])),
        np.insert(index.entries.astype(kind, copy=False), points, entries[order]),
    )


def _starts(sizes: Array) -> Array:
    return np.concatenate(([0], np.cumsum(sizes))).astype(np.uint32)
