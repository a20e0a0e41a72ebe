"""The index of terms: which posts have a term, how often, and what it weighs there.

All arithmetic is on integers or on values that a float holds exactly, so no result depends on an order or on what was
computed before. A term is its 64-bit hash here. This module imports numpy: import it where lists are computed only.

The weight of a term is tf-idf (Salton and Buckley, *Term-weighting approaches in automatic text retrieval*, 1988) with
a damped count, count ** ``_DAMPING``. A weight is a whole number: of a vector whose length is ``UNIT``. How common a
term is, is counted in the oldest posts only, the size of that part growing by tenths: a new post then leaves the
vectors of most others as they are.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from octavo.engine.codec import Codec, codec
from octavo.model.documents import Terms
from octavo.related.term_keys import Array, hash_words, locate

UNIT = 8192
"""The length of a vector: two equal ones have about the product ``UNIT * UNIT``."""

_DAMPING = 0.55
_DAMPED_ONE = 256
_LEVELS = 4
"""Steps of rarity for each factor of e; whole steps, so that one post more seldom changes what is rare."""

_CHUNK = 1 << 20
_BATCH = 1 << 17
"""Entries, and characters of text, that are worked on at a time."""


class Counted(NamedTuple):
    """The terms of some posts, one post after another.

    ``keys`` (uint64) and damped counts (uint16), ``lengths`` of each (int64).
    """

    keys: Array
    damped: Array
    lengths: Array


class _TermEntries(NamedTuple):
    """Terms of posts, one by one: ``keys`` (uint64), ``slots`` (as in an index), ``damped`` counts (uint16), and
    ``places`` among the terms of the post (uint32)."""

    keys: Array
    slots: Array
    damped: Array
    places: Array


class TermIndex(NamedTuple):
    """Which posts have a term, and how often. A post is a number, its *slot*.

    ``keys`` (uint64, ascending) and ``levels`` (uint8, how rare) belong to the terms of several posts. The entries of
    term i are ``starts[i]:starts[i + 1]`` (uint32) of ``slots`` (uint16, or uint32 for many) and of ``damped``
    (uint16), the damped counts. ``squares`` (float64, whole numbers) has the square of each slot's vector before it is
    brought to its length. Most terms belong to one post only and say nothing until another has them: these are
    ``lone_keys`` (ascending), ``lone_slots`` and ``lone_damped``.
    """

    keys: Array
    levels: Array
    starts: Array
    slots: Array
    damped: Array
    squares: Array
    lone_keys: Array
    lone_slots: Array
    lone_damped: Array


class DocumentFrequencies(NamedTuple):
    """The posts that tell how common a term is.

    ``counted`` is a mask of slots, ``total`` how many they are.
    """

    counted: Array
    total: int


def to_bytes(index: TermIndex) -> tuple[bytes, ...]:
    """The index in pieces.

    First the squares, and then the terms whose keys begin alike with eight bits. The terms of a post are in few of
    these.
    """
    edges, lone_edges = _edges(index.keys), _edges(index.lone_keys)
    pieces = [index.squares.tobytes()]
    for (start, end), (lone_start, lone_end) in zip(pairwise(edges), pairwise(lone_edges), strict=True):
        entries = slice(index.starts[start], index.starts[end])
        lone = slice(lone_start, lone_end)
        arrays = (
            index.keys[start:end],
            index.levels[start:end],
            np.diff(index.starts[start : end + 1]),
            index.slots[entries],
            index.damped[entries],
            index.lone_keys[lone],
            index.lone_slots[lone],
            index.lone_damped[lone],
        )
        pieces.append(_COLUMNS.encode(tuple(array.tobytes() for array in arrays)))
    return tuple(pieces)


def from_bytes(pieces: Sequence[bytes], size: int) -> TermIndex:
    """The index of so many slots whose pieces these are.

    Raises ValueError where they are not such pieces.
    """
    if len(pieces) != _PIECES:
        raise ValueError("an index has not as many pieces")
    squares = np.frombuffer(pieces[0], np.float64)
    slots = _slot_type(len(squares))
    kinds: tuple[Any, ...] = (np.uint64, np.uint8, np.uint32, slots, np.uint16, np.uint64, slots, np.uint16)
    columns = zip(*map(_COLUMNS.decode, pieces[1:]), strict=True)
    arrays = [np.frombuffer(b"".join(column), kind) for column, kind in zip(columns, kinds, strict=True)]
    keys, levels, sizes, slots_of, damped, *lone = arrays
    index = TermIndex(keys, levels, _starts(sizes), slots_of, damped, squares, *lone)
    _check(index, int(sizes.sum(dtype=np.uint64)), size)
    return index


_PIECES = 257
"""The squares, and the terms by the first eight bits of their keys."""

_COLUMNS: Codec[tuple[bytes, ...]] = codec(tuple[bytes, ...])


def _check(index: TermIndex, entries: int, size: int) -> None:
    """Raise ValueError where the arrays of an index of so many slots do not belong together."""
    lengths = {len(index.keys), len(index.levels), len(index.starts) - 1}
    lone = {len(index.lone_keys), len(index.lone_slots), len(index.lone_damped)}
    if len(lengths) > 1 or len(lone) > 1 or not entries == len(index.slots) == len(index.damped):
        raise ValueError("the columns of an index are of different lengths")
    if len(index.squares) != size or not np.isfinite(index.squares).all():
        raise ValueError("an index is not of these posts")
    for slots in (index.slots, index.lone_slots):
        if len(slots) and int(slots.max()) >= size:
            raise ValueError("an index has a post that there is not")
    for keys in (index.keys, index.lone_keys):
        if (keys[1:] <= keys[:-1]).any():
            raise ValueError("the terms of an index are not in order")


def _edges(keys: Array) -> list[int]:
    """Where the keys begin that have other first eight bits."""
    firsts = np.arange(1, 256, dtype=np.uint64) << np.uint64(56)
    return [0, *np.searchsorted(keys, firsts).tolist(), len(keys)]


def frequency_sample_size(posts: int) -> int:
    """How many of the oldest posts are counted.

    All of a few, else the last step of growth by a tenth.
    """
    size = 50
    if posts <= size:
        return posts
    while size * 11 // 10 <= posts:
        size = size * 11 // 10
    return size


def count_posts(posts: Iterable[Terms]) -> Counted:
    """The terms of posts by key, many posts at a time."""
    keys, damped, lengths = [np.zeros(0, np.uint64)], [np.zeros(0, np.uint16)], []
    for batch in _batches(posts):
        keys.append(hash_words([each.words for each in batch]))
        counts = b"".join(each.counts for each in batch)
        damped.append(_damped(np.frombuffer(counts, "<u4")))
        lengths += [len(each.counts) // 4 for each in batch]
    return Counted(np.concatenate(keys), np.concatenate(damped), np.array(lengths, np.int64))


def _batches(posts: Iterable[Terms]) -> Iterator[list[Terms]]:
    batch: list[Terms] = []
    held = 0
    for each in posts:
        batch.append(each)
        held += len(each.words)
        if held >= _BATCH:
            yield batch
            batch, held = [], 0
    if batch:
        yield batch


# The index.


def build(posts: Iterable[Terms], stock: DocumentFrequencies) -> tuple[TermIndex, Array, Array]:
    """The index of the posts in slots 0, 1, 2, …

    Also, for each term, the first slot that has it, and its place among the terms of that post (uint32).
    """
    size = len(stock.counted)
    index, slots, places = _by_term(_entries(posts, _slot_type(size)), size)
    return _squared(index._replace(levels=_levels(index, stock)), size), slots, places


def _entries(posts: Iterable[Terms], kind: type[np.unsignedinteger[Any]]) -> Iterator[_TermEntries]:
    """The entries of posts in slots 0, 1, 2, …, many posts at a time."""
    slot = 0
    for batch in _batches(posts):
        keys, damped, lengths = count_posts(batch)
        slots = np.repeat(np.arange(slot, slot + len(batch), dtype=kind), lengths)
        places = np.arange(len(keys)) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        yield _TermEntries(keys, slots, damped, places.astype(np.uint32))
        slot += len(batch)


def update(
    index: TermIndex, gone: Sequence[int], new: Sequence[int], posts: Counted, stock: DocumentFrequencies
) -> tuple[TermIndex, Array]:
    """The index with some posts gone and others new.

    It is without the posts ``gone`` and with ``posts`` in the slots ``new``, in the place of what these held.

    Also returns the mask of the slots whose vectors changed, ``new`` among them. Vectors are those that ``build``
    would make.
    """
    size = len(stock.counted)
    kind = _slot_type(size)
    squares = np.concatenate([index.squares, np.zeros(size - len(index.squares))])
    squares[[*gone, *new]] = 0
    index = _without(index, _mask([*gone, *new], size))
    index = index._replace(
        slots=index.slots.astype(kind, copy=False),
        lone_slots=index.lone_slots.astype(kind, copy=False),
        squares=squares,
    )
    index = _with(index, np.repeat(np.array(new, kind), posts.lengths), posts)
    levels = _levels(index, stock)
    changed = _mask(new, size)
    suspects = changed.copy()
    suspects[index.slots[np.repeat(levels != index.levels, np.diff(index.starts))]] = True
    at = np.flatnonzero(suspects[index.slots])
    terms, slots = np.searchsorted(index.starts, at, side="right") - 1, index.slots[at]
    old, now = _raw(index.damped[at], index.levels[terms]), _raw(index.damped[at], levels[terms])
    new_squares = np.where(suspects, np.bincount(slots, now * now, size), squares)
    differs = _scaled(old, np.maximum(squares, 1)[slots]) != _scaled(now, new_squares[slots])
    changed[slots[differs]] = True
    return index._replace(levels=levels, squares=new_squares), changed


def weights_of(index: TermIndex, terms: Array, slots: Array, damped: Array) -> Array:
    """The weights of entries: their terms, slots and damped counts."""
    weights = np.empty(len(terms), np.float32)
    for start in range(0, len(terms), _CHUNK):
        chunk = slice(start, start + _CHUNK)
        weights[chunk] = _scaled(_raw(damped[chunk], index.levels[terms[chunk]]), index.squares[slots[chunk]])
    return weights


def _slot_type(slots: int) -> type[np.unsignedinteger[Any]]:
    return np.uint16 if slots <= 1 << 16 else np.uint32


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


def _by_term(entries: Iterable[_TermEntries], size: int) -> tuple[TermIndex, Array, Array]:
    """The index of entries, those of a term as they came, without levels and squares; and of the first entry of each
    term the slot and the place.

    They are gathered in sixteen parts by the first bits of their keys, and each is gone when it has been sorted: so
    hardly more is held than all entries once.
    """
    kinds: tuple[Any, ...] = (np.uint64, _slot_type(size), np.uint16, np.uint32)
    parts = [[bytearray() for _ in kinds] for _ in range(16)]
    for each in entries:
        part = (each.keys >> np.uint64(60)).astype(np.uint8)
        order = np.argsort(part, kind="stable")
        edges = np.searchsorted(part[order], np.arange(17)).tolist()
        for held, (start, end) in zip(parts, pairwise(edges), strict=True):
            at = order[start:end]
            for column, data in zip(each, held, strict=True):
                data += column[at].data
    done: list[list[Array]] = []
    while parts:
        columns = zip(parts.pop(0), kinds, strict=True)
        done.append(_sorted_part(_TermEntries(*(np.frombuffer(data, kind) for data, kind in columns))))
    # One column after the other, and the parts of each are gone when it is whole.
    keys, sizes, slots, damped, *rest = (np.concatenate([part.pop(0) for part in done]) for _ in range(len(done[0])))
    *lone, first_slots, places = rest
    levels, squares = np.zeros(len(keys), np.uint8), np.zeros(size)
    return TermIndex(keys, levels, _starts(sizes), slots, damped, squares, *lone), first_slots, places


def _sorted_part(entries: _TermEntries) -> list[Array]:
    """Entries by key. Of terms of several posts: the keys, the numbers of entries; the slots and damped counts of
    these. Of terms of one post: keys, slots and damped counts. Of the terms of several again: slot and place of the
    first entry."""
    keys, slots, damped, places = entries
    order = _stable_order(keys)
    keys = keys[order]
    first = np.flatnonzero(np.diff(keys, prepend=~keys[:1]))
    sizes = np.diff(first, append=len(keys))
    many = sizes > 1
    shared, lone, firsts = order[np.repeat(many, sizes)], order[first[~many]], order[first[many]]
    of_shared = [keys[first[many]], sizes[many], slots[shared], damped[shared]]
    return [*of_shared, keys[first[~many]], slots[lone], damped[lone], slots[firsts], places[firsts]]


def _stable_order(keys: Array) -> Array:
    """What ``np.argsort(keys, kind="stable")`` gives, for hashes that begin alike with four bits.

    Sorting numbers is much faster than sorting places by them, so the places take the last bits of the keys. That is
    seen to have gone wrong, if ever, by the keys.
    """
    low = np.uint64((1 << len(keys).bit_length()) - 1)
    packed = keys << np.uint64(4) & ~low | np.arange(len(keys), dtype=np.uint64)
    packed.sort()
    order: Array = (packed & low).astype(np.int64)
    sorted_keys = keys[order]
    return order if (sorted_keys[1:] >= sorted_keys[:-1]).all() else np.argsort(keys, kind="stable")


@cache
def _rarity(total: int, most: int) -> Array:
    """Level by how many of ``total`` posts have a term, up to ``most``; 0 from there on."""
    top = round(_LEVELS * math.log(total + 1))
    levels = [max(0, top - round(_LEVELS * math.log(max(count, 1)))) for count in range(most + 1)]
    return np.array([*levels, 0], np.uint8)


def _levels(index: TermIndex, stock: DocumentFrequencies) -> Array:
    """How rare each term is (0: it says nothing), from the counted posts; a term of one post only says nothing."""
    if not len(index.keys):
        return np.zeros(0, np.uint8)
    most = min(max(stock.total // 5, 10), 1000)
    common = np.add.reduceat(stock.counted.view(np.uint8)[index.slots], index.starts[:-1], dtype=np.int32)
    levels: Array = _rarity(stock.total, most)[np.minimum(common, most + 1)]
    levels[np.diff(index.starts) < 2] = 0
    return levels


def _raw(damped: Array, levels: Array) -> Array:
    """round(16 * damped count * rarity), as float64; its factors are integers in their units, so this is exact."""
    return np.rint(damped.astype(np.float64) * levels * (16 / (_DAMPED_ONE * _LEVELS)))


def _scaled(raw: Array, squares: Array) -> Array:
    """Raw weights at length UNIT (float64, whole numbers), from the squares of their vectors' lengths."""
    scaled: Array = np.divide(UNIT * raw, np.sqrt(squares), out=np.zeros_like(raw), where=raw > 0)
    return np.rint(scaled, out=scaled)


def _squared(index: TermIndex, size: int) -> TermIndex:
    squares = np.zeros(size)
    levels = np.repeat(index.levels, np.diff(index.starts))
    for start in range(0, len(levels), _CHUNK):
        chunk = slice(start, start + _CHUNK)
        raw = _raw(index.damped[chunk], levels[chunk])
        squares += np.bincount(index.slots[chunk], raw * raw, size)
    return index._replace(squares=squares)


def _mask(slots: Sequence[int], size: int) -> Array:
    mask = np.zeros(size, np.bool_)
    mask[slots] = True
    return mask


def _without(index: TermIndex, out: Array) -> TermIndex:
    if not out.any():
        return index
    keep = ~out[index.slots]
    left = np.add.reduceat(keep.view(np.uint8), index.starts[:-1], dtype=np.int64) if len(index.keys) else keep
    alive = left > 0
    lone = ~out[index.lone_slots]
    return index._replace(
        keys=index.keys[alive],
        levels=index.levels[alive],
        starts=_starts(left[alive]),
        slots=index.slots[keep],
        damped=index.damped[keep],
        lone_keys=index.lone_keys[lone],
        lone_slots=index.lone_slots[lone],
        lone_damped=index.lone_damped[lone],
    )


def _with(index: TermIndex, slots: Array, posts: Counted) -> TermIndex:
    """With the entries of new posts, in these slots one by one. New terms have the level 0."""
    if not len(slots):
        return index
    place, is_indexed = locate(index.keys, posts.keys)
    lone_place, met = locate(index.lone_keys, posts.keys)
    promoted = np.unique(lone_place[met])
    # Terms that were unknown or of one post only, sorted out anew; most are of one post, now or still.
    keys = np.concatenate([posts.keys[~is_indexed], index.lone_keys[promoted]])
    others = _TermEntries(
        keys,
        np.concatenate([slots[~is_indexed], index.lone_slots[promoted]]),
        np.concatenate([posts.damped[~is_indexed], index.lone_damped[promoted]]),
        np.zeros(len(keys), np.uint32),
    )
    added, *_ = _by_term([others], len(index.squares))
    at = np.flatnonzero(is_indexed)
    at = at[np.argsort(place[at], kind="stable")]
    sizes = np.diff(index.starts).astype(np.int64)
    sizes += np.bincount(place[at], minlength=len(sizes))
    before = np.searchsorted(index.keys, added.keys)
    # A new entry stands after those of its term; those of a new term before those of the next one.
    new_sizes = np.diff(added.starts)
    points = np.concatenate([index.starts[place[at] + 1], np.repeat(index.starts[before], new_sizes)]).astype(np.int64)
    lone_before = np.searchsorted(np.delete(index.lone_keys, promoted), added.lone_keys)
    return index._replace(
        keys=np.insert(index.keys, before, added.keys),
        levels=np.insert(index.levels, before, 0),
        starts=_starts(np.insert(sizes, before, new_sizes)),
        slots=np.insert(index.slots, points, np.concatenate([slots[at], added.slots])),
        damped=np.insert(index.damped, points, np.concatenate([posts.damped[at], added.damped])),
        lone_keys=np.insert(np.delete(index.lone_keys, promoted), lone_before, added.lone_keys),
        lone_slots=np.insert(np.delete(index.lone_slots, promoted), lone_before, added.lone_slots),
        lone_damped=np.insert(np.delete(index.lone_damped, promoted), lone_before, added.lone_damped),
    )


def _starts(sizes: Array) -> Array:
    return np.concatenate(([0], np.cumsum(sizes))).astype(np.uint32)
