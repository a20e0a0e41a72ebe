"""Posts as vectors of weighted terms, and the exact products of any of them with all others.

All arithmetic is on integers or on values that a float holds exactly, so no result depends on an order or on what was
computed before. A term is its 64-bit hash here. This module imports numpy: import it where lists are computed only.

The weight of a term is tf-idf with a damped count. How common a term is, is counted in the oldest posts only, the
size of that part growing by tenths: a new post then leaves the vectors of the others as they are.
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

_BLOCK = 256
_CHUNK = 1 << 20

Array = NDArray[Any]


class Row(NamedTuple):
    """The terms of one post: ``keys`` (uint64, ascending) and their damped counts (uint16)."""

    keys: Array
    damped: Array


class Index(NamedTuple):
    """Which posts have a term, with which weight. A post is a number, its *slot*.

    ``keys`` (uint64, ascending) and ``levels`` (uint8, how rare) belong to the terms; the entries of term i are
    ``owners[starts[i]:starts[i + 1]]`` (slots) and the same part of ``weights`` (uint16).
    """

    keys: Array
    levels: Array
    starts: Array
    owners: Array
    weights: Array


def from_bytes(arrays: Sequence[bytes], slots: int) -> Index:
    """The index whose arrays these are the bytes of; ``slots`` as many as when it was made."""
    keys, levels, starts, owners, weights = arrays
    return Index(
        np.frombuffer(keys, np.uint64),
        np.frombuffer(levels, np.uint8),
        np.frombuffer(starts, np.uint32),
        np.frombuffer(owners, _slot_type(slots)),
        np.frombuffer(weights, np.uint16),
    )


class Stock(NamedTuple):
    """The posts that tell how common a term is: by slot, and how many they are."""

    counted: Array
    total: int


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
    ends = np.flatnonzero(data == 10) + 1
    starts = np.concatenate(([0], ends[:-1]))
    place = np.arange(len(data)) - np.repeat(starts, ends - starts)
    powers = np.cumprod(np.full(int(place.max()) + 1, 0x9E3779B97F4A7C15, np.uint64))
    hashes = np.add.reduceat(data * powers[place], starts)
    # The finaliser of MurmurHash3 (Appleby): the upper bits depend on all bytes.
    hashes ^= hashes >> np.uint64(33)
    hashes *= np.uint64(0xFF51AFD7ED558CCD)
    hashes ^= hashes >> np.uint64(33)
    return hashes


def build(rows: Iterable[Row], stock: Stock) -> Index:
    """The index of the posts in slots 0, 1, 2, …"""
    keys, damped, lengths = bytearray(), bytearray(), []
    for each in rows:
        keys += each.keys.tobytes()
        damped += each.damped.tobytes()
        lengths.append(len(each.keys))
    owners = np.repeat(np.arange(len(lengths), dtype=_slot_type(len(lengths))), np.array(lengths, np.int64))
    index, values = _by_term(np.frombuffer(keys, np.uint64), np.frombuffer(damped, np.uint16), owners)
    index = index._replace(levels=_levels(index, stock))
    return index._replace(weights=_weigh(index, values, len(lengths)))


def update(
    index: Index, gone: Sequence[int], new: dict[int, Row], stock: Stock, load: Callable[[int], Row]
) -> tuple[Index, list[int]]:
    """The index without the posts ``gone`` and with those of ``new`` in the place of what their slots held.

    ``load`` gives the row of any post that stays. Also returns the slots whose vectors changed, in order; the result
    is the index that ``build`` would make, but for the order of the entries of a term.
    """
    size = len(stock.counted)
    index = _with(_without(index, [*gone, *new], size), new, size)
    levels = _levels(index, stock)
    shifted = np.repeat(levels != index.levels, np.diff(index.starts))
    suspects = np.setdiff1d(np.unique(index.owners[shifted]), list(new))
    index = index._replace(levels=levels)
    weights = index.weights.copy()
    changed = sorted(new)
    slots = np.union1d(suspects, changed).astype(np.int64)
    for block in _blocks(slots):
        at, _, ends = _entries(index, block, size)
        start = 0
        for slot, end in zip(block.tolist(), ends.tolist(), strict=True):
            own, start = at[start:end], end
            each = new[slot] if slot in new else load(slot)
            terms = np.searchsorted(index.keys, each.keys)
            found = _scaled(_raw(each.damped, levels[terms]))
            if slot not in new and np.array_equal(found, weights[own]):
                continue
            weights[own] = found
            if slot not in new:
                changed.append(slot)
    return index._replace(weights=weights), sorted(changed)


def products(index: Index, slots: Iterable[int], size: int) -> Iterator[tuple[int, Array]]:
    """(slot, its products with every slot as float64 integers) for each of ``slots``; ``size`` slots in all."""
    for slot, terms, own in _vectors(index, slots, size):
        owners, values, _ = _postings(index, terms, own)
        yield slot, np.bincount(owners, values, size)


class Shared(NamedTuple):
    """What two posts have in common: keys of terms, their parts of the product, the greatest first; the product."""

    keys: list[int]
    parts: list[int]
    product: int


def shared(
    index: Index, wanted: Mapping[int, Collection[int]], size: int, most: int
) -> Iterator[tuple[int, dict[int, Shared]]]:
    """For every slot of ``wanted``, the ``most`` strongest terms it shares with each of the slots asked for."""
    position = np.full(size, -1, np.int32)
    for slot, terms, own in _vectors(index, sorted(wanted), size):
        others = np.array(list(wanted[slot]), np.int64)
        position[others] = np.arange(len(others))
        owners, values, lengths = _postings(index, terms, own)
        places = position[owners]
        position[others] = -1
        at = np.flatnonzero(places >= 0)
        term = terms[np.searchsorted(np.cumsum(lengths), at, side="right")]
        places, values = places[at], values[at].astype(np.int64)
        order = np.lexsort((term, -values, places))
        keys, parts = index.keys[term[order]], values[order]
        totals = np.bincount(places, values, len(others)).astype(np.int64).tolist()
        bounds = np.searchsorted(places[order], np.arange(len(others) + 1)).tolist()
        found = {}
        for other, start, end, total in zip(wanted[slot], bounds, bounds[1:], totals, strict=False):
            end = min(end, start + most)
            found[other] = Shared(keys[start:end].tolist(), parts[start:end].tolist(), total)
        yield slot, found


def _slot_type(slots: int) -> type[np.unsignedinteger[Any]]:
    return np.uint16 if slots < 1 << 16 else np.uint32


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


def _by_term(keys: Array, damped: Array, owners: Array) -> tuple[Index, Array]:
    """Sorted by key, a sixteenth at a time to spare memory. Also returns the damped counts in that order."""
    sixteenth = np.empty(len(keys), np.uint8)
    np.right_shift(keys, np.uint64(60), out=sixteenth, casting="unsafe")
    sorted_owners, sorted_damped = np.empty_like(owners), np.empty(len(keys), np.uint16)
    all_keys, all_starts, done = [np.zeros(0, np.uint64)], [np.zeros(0, np.int64)], 0
    for part in range(16):
        at = np.flatnonzero(sixteenth == part)
        some = keys[at]
        order = np.argsort(some, kind="stable")
        some, at = some[order], at[order]
        sorted_owners[done : done + len(at)] = owners[at]
        sorted_damped[done : done + len(at)] = damped[at]
        first = np.flatnonzero(np.concatenate(([True], some[1:] != some[:-1]))) if len(at) else at
        all_keys.append(some[first])
        all_starts.append(first + done)
        done += len(at)
    unique = np.concatenate(all_keys)
    starts = np.concatenate([*all_starts, [done]]).astype(np.uint32)
    none = np.zeros(0, np.uint8)
    return Index(unique, none, starts, sorted_owners, none), sorted_damped


@cache
def _rarity(total: int, most: int) -> Array:
    """Level by how many of ``total`` posts have a term, up to ``most``; 0 from there on."""
    logs = [round(_LEVELS * math.log(count)) for count in range(1, most + 1)]
    top = round(_LEVELS * math.log(total + 1))
    return np.array([top - logs[0], *(max(0, top - each) for each in logs), 0], np.uint8)


def _levels(index: Index, stock: Stock) -> Array:
    """How rare each term is (0: it says nothing), from the counted posts; a term of one post only says nothing."""
    if not len(index.keys):
        return np.zeros(0, np.uint8)
    most = min(max(stock.total // 5, 10), 1000)
    common = np.add.reduceat(stock.counted.view(np.uint8)[index.owners], index.starts[:-1], dtype=np.int32)
    levels = _rarity(stock.total, most)[np.minimum(common, most + 1)]
    levels[np.diff(index.starts) < 2] = 0
    return levels


def _raw(damped: Array, levels: Array) -> Array:
    """round(16 * damped count * rarity), as float64; its factors are integers in their units, so this is exact."""
    return np.rint(damped.astype(np.float64) * levels * (16 / (_DAMPED_ONE * _LEVELS)))


def _scaled(raw: Array, squares: Array | None = None) -> Array:
    """Raw weights at length UNIT (uint16); ``squares`` are the squared lengths where they are not of one post."""
    length = np.sqrt(raw @ raw if squares is None else squares)
    parts: Array = np.divide(UNIT * raw, length, out=np.zeros_like(raw), where=raw > 0)
    return np.rint(parts).astype(np.uint16)


def _weigh(index: Index, damped: Array, size: int) -> Array:
    levels = np.repeat(index.levels, np.diff(index.starts))
    squares = np.zeros(size)
    chunks = [slice(start, start + _CHUNK) for start in range(0, len(damped), _CHUNK)]
    for chunk in chunks:
        raw = _raw(damped[chunk], levels[chunk])
        squares += np.bincount(index.owners[chunk], raw * raw, size)
    weights = np.empty(len(damped), np.uint16)
    for chunk in chunks:
        weights[chunk] = _scaled(_raw(damped[chunk], levels[chunk]), squares[index.owners[chunk]])
    return weights


def _mask(slots: Iterable[int], size: int) -> Array:
    mask = np.zeros(size, np.bool_)
    mask[list(slots)] = True
    return mask


def _without(index: Index, slots: Sequence[int], size: int) -> Index:
    keep = ~_mask(slots, size)[index.owners]
    if keep.all():
        return index
    left = np.add.reduceat(keep.view(np.uint8), index.starts[:-1], dtype=np.int32)
    alive = left > 0
    return Index(
        index.keys[alive],
        index.levels[alive],
        _starts(left[alive]),
        index.owners[keep],
        index.weights[keep],
    )


def _with(index: Index, new: dict[int, Row], size: int) -> Index:
    """With entries for new posts, whose weights are yet to be set."""
    if not new:
        return index
    keys = np.concatenate([new[slot].keys for slot in new])
    slots = np.repeat(np.array(list(new), _slot_type(size)), [len(new[slot].keys) for slot in new])
    order = np.argsort(keys, kind="stable")
    keys, slots = keys[order], slots[order]
    unique, lengths = np.unique(keys, return_counts=True)
    at = np.searchsorted(index.keys, unique)
    known = at < len(index.keys)
    known[known] = index.keys[at[known]] == unique[known]
    # A new entry stands after those of its term, the entries of a new term before those of the next one.
    points = np.repeat(index.starts[at + known].astype(np.int64), lengths)
    sizes = np.diff(index.starts).astype(np.int64)
    sizes[at[known]] += lengths[known]
    fresh = ~known
    return Index(
        np.insert(index.keys, at[fresh], unique[fresh]),
        np.insert(index.levels, at[fresh], 0),
        _starts(np.insert(sizes, at[fresh], lengths[fresh])),
        np.insert(index.owners.astype(_slot_type(size), copy=False), points, slots),
        np.insert(index.weights, points, 0),
    )


def _starts(sizes: Array) -> Array:
    return np.concatenate(([0], np.cumsum(sizes))).astype(np.uint32)


def _blocks(slots: Array) -> Iterator[Array]:
    for start in range(0, len(slots), _BLOCK):
        yield slots[start : start + _BLOCK]


def _entries(index: Index, slots: Array, size: int, weighted: bool = False) -> tuple[Array, Array, Array]:
    """The entries of some posts, post by post and ascending by term: where they are, their terms, where each ends.

    ``slots`` ascend. With ``weighted``, only entries of some weight.
    """
    mine = _mask(slots, size)[index.owners]
    if weighted:
        mine &= index.weights > 0
    at = np.flatnonzero(mine)
    owners = index.owners[at]
    order = np.argsort(owners, kind="stable")
    at = at[order]
    terms = (np.searchsorted(index.starts, np.flatnonzero(mine).astype(np.uint32), side="right") - 1)[order]
    return at, terms, np.searchsorted(owners[order], slots, side="right")


def _vectors(index: Index, slots: Iterable[int], size: int) -> Iterator[tuple[int, Array, Array]]:
    """(slot, terms, weights) of posts, those of no weight left out."""
    for block in _blocks(np.array(sorted(slots), np.int64)):
        at, terms, ends = _entries(index, block, size, weighted=True)
        start = 0
        for slot, end in zip(block.tolist(), ends.tolist(), strict=True):
            yield slot, terms[start:end], index.weights[at[start:end]]
            start = end


def _postings(index: Index, terms: Array, own: Array) -> tuple[Array, Array, Array]:
    """The entries of all posts for some terms: slots, products with ``own`` weights, and how many each term has."""
    starts, ends = index.starts[terms].tolist(), index.starts[terms + 1].tolist()
    parts = [slice(start, end) for start, end in zip(starts, ends, strict=True)]
    none_owners, none_weights = index.owners[:0], index.weights[:0]
    owners = np.concatenate([none_owners, *(index.owners[part] for part in parts)], dtype=np.intp)
    values = np.concatenate([none_weights, *(index.weights[part] for part in parts)], dtype=np.float64)
    lengths = np.array(ends, np.int64) - np.array(starts, np.int64)
    values *= np.repeat(own.astype(np.float64), lengths)
    return owners, values, lengths
