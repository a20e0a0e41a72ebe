"""For every post, those with the best scores: a product of vectors, times how near the two are in time.

The lists hold some entries more than are needed, and say above which score they are complete, so that after a change
most of them are known without a search. This module imports numpy: import it where lists are computed only.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import pairwise, starmap
from typing import NamedTuple

import numpy as np

from octavo.engine.scheduler import Share
from octavo.related.index import UNIT, TermIndex
from octavo.related.term_keys import Array
from octavo.related.vectors import Postings, Vectors, join_ranges, postings, products, products_below, vectors

_SPARE = 12
"""Entries known beyond those needed, so that a list that loses a few is not searched anew."""

# Nearness in time: ONE / (1 + _TIME_WEIGHT * ln(1 + days / _TIME_UNIT)), rounded to an integer.
ONE = 4096
_TIME_WEIGHT = 0.2
_TIME_UNIT = 15
_FARTHEST = 36525
_UNDATED_APART = 365
"""Days that two posts are taken to lie apart when one of them has no date."""

UNDATED = -(1 << 40)
"""Stands for the day of a post without one."""

_CROWD = 10
_CROWD_WEIGHT = 0.2
_CROWD_STEPS = 2
_CROWD_LEVELS = 12
_USUAL = 3.25
"""A score is divided by (mean of the best ``_CROWD`` scores of the post offered) ** ``_CROWD_WEIGHT``, in so many steps
for each doubling of that mean: whole steps, so that it is mostly the same one after a change. Where the mean is that of
a post with itself, halved ``_USUAL`` times, a score stays as it is."""

_FULL = UNIT * UNIT * ONE
_FULL_BITS = _FULL.bit_length() - 1
_SCORE_BITS = 40
# A score, about _FULL = 1 << 38 at most, is packed below the number of its list: one sort of the whole numbers
# (owner << _SCORE_BITS) - score brings all lists into order, the best first, instead of a sort by two keys.
_PENDING = 1 << 18
_WORTH = range(4_000, 50_000)
"""How many posts make a search worth the start of other processes; for more, each of them would hold too much."""

_SAMPLE = 2048


class RankingContext(NamedTuple):
    """What counts beside the text, by slot, all int64.

    ``days``, or ``UNDATED``; ``places``, which order equal scores; how many entries are ``needed``.
    """

    days: Array
    places: Array
    needed: Array


class NearestLists(NamedTuple):
    """The nearest posts of each.

    The list of slot i is ``starts[i]:starts[i + 1]`` (int64) of ``slots`` (uint32) with ``scores`` (int64), the best
    first: all those above ``bounds[i]`` (int64). A score is a product of vectors times the nearness in time; that of a
    post with itself is ``UNIT * UNIT * ONE``.
    """

    starts: Array
    slots: Array
    scores: Array
    bounds: Array


class _ScoreEntries(NamedTuple):
    """The scores (int64) of ``others`` in the lists of ``owners`` (uint32)."""

    owners: Array
    others: Array
    scores: Array


def to_bytes(near: NearestLists) -> tuple[bytes, ...]:
    return tuple(array.tobytes() for array in near)


def from_bytes(arrays: Sequence[bytes], size: int) -> NearestLists:
    """The lists whose arrays these are the bytes of.

    There are empty ones up to ``size``. Raises ValueError for other bytes.
    """
    if len(arrays) != len(NearestLists._fields):
        raise ValueError("lists have not as many arrays")
    starts, scores, bounds = (np.frombuffer(data, np.int64) for data in (arrays[0], *arrays[2:]))
    slots = np.frombuffer(arrays[1], np.uint32)
    if len(starts) != len(bounds) + 1 or len(bounds) > size or starts[0] != 0 or (starts[1:] < starts[:-1]).any():
        raise ValueError("lists begin elsewhere")
    if not starts[-1] == len(slots) == len(scores) or (len(slots) and int(slots.max()) >= len(bounds)):
        raise ValueError("a list has a post that there is not")
    more = (0, size - len(bounds))
    return NearestLists(np.pad(starts, more, mode="edge"), slots, scores, np.pad(bounds, more))


def search(index: TermIndex, standing: RankingContext, share: Share) -> NearestLists:
    """The lists of all posts."""
    of, by, size = vectors(index), postings(index), len(standing.days)

    def divided(parts: int) -> list[range]:
        """The slots in stretches that are about as much work each.

        A post is compared with those below it.
        """
        edges = [round(size * math.sqrt(part / parts)) for part in range(parts + 1)]
        return list(starmap(range, pairwise(edges)))

    share = share if size in _WORTH else Share()
    entries, bounds = zip(*share(lambda part: _search_part(of, by, standing, part), divided), strict=True)
    # What one part leaves out may be above what another does.
    least = np.maximum.reduce(bounds)
    return _in_columns(_best(_above(_joined([*entries]), least), least, standing), least)


def _search_part(of: Vectors, by: Postings, standing: RankingContext, searched: range) -> tuple[_ScoreEntries, Array]:
    """What some slots and those below them have in each other's lists, and the bounds above which that is all."""
    size = len(standing.days)
    bounds, limits = np.zeros(size, np.int64), np.zeros(size)
    held: list[_ScoreEntries] = []
    best_count = pending = 0
    for slots, values in products_below(of, by, searched):
        entries, bounds[slots] = _scored(slots, values, limits[: values.shape[1]], standing)
        limits[slots] = bounds[slots] / ONE
        held += [_above(entries, bounds), _above(_turned(entries), bounds)]
        pending += len(held[-2].owners) + len(held[-1].owners)
        if pending > max(best_count, _PENDING):
            # Of each list only the best are held, and what does not reach them is passed over from here on.
            best = _best(_joined(held), bounds, standing)
            held, best_count, pending = [best], len(best.owners), 0
            limits = bounds / ONE
    return _best(_joined(held), bounds, standing), bounds


def merge(
    near: NearestLists, index: TermIndex, standing: RankingContext, changed: Array, gone: Array
) -> tuple[NearestLists, Array]:
    """The lists after some posts have changed.

    The posts ``changed`` got other scores and those ``gone`` left (masks of slots).

    Changed posts are compared with all. In every other list the entries of changed posts give way to their new
    scores, as far as these are above the list's bound; one that becomes too short for what is needed is searched
    anew. Also returns the mask of the lists that may be other ones.
    """
    size = len(standing.days)
    owners = np.repeat(np.arange(size, dtype=np.uint32), np.diff(near.starts))
    old = _ScoreEntries(owners, near.slots, near.scores)
    stale = changed | gone
    lost = stale[old.others]
    affected = stale.copy()
    affected[old.owners[lost]] = True
    held = [_some(old, ~lost & ~stale[old.owners])]
    # Nothing gets into a list that is searched as a whole.
    closed = np.where(stale, np.iinfo(np.int64).max, near.bounds)
    limits = closed / ONE
    bounds = np.where(stale, 0, near.bounds)
    for slots, values in _products(index, changed):
        row_entries, bounds[slots] = _scored(slots, values, limits, standing)
        held += [_above(row_entries, bounds), _above(_turned(row_entries), closed)]
        affected[held[-1].owners] = True
    entries = _joined(held)
    short = (np.bincount(entries.owners, minlength=size) < standing.needed) & (bounds > 0) & ~stale
    if short.any():
        held = [_some(entries, ~short[entries.owners])]
        for slots, values in _products(index, short):
            row_entries, bounds[slots] = _scored(slots, values, np.full(size, np.inf), standing)
            held.append(_above(row_entries, bounds))
        entries = _joined(held)
    affected |= short
    mine = affected[entries.owners]
    entries = _joined([_some(entries, ~mine), _best(_some(entries, mine), bounds, standing)])
    entries = _some(entries, np.argsort(entries.owners, kind="stable"))
    return _in_columns(entries, bounds), affected


def mask_lists_with(near: NearestLists, posts: Array, standing: RankingContext) -> Array:
    """The mask of the lists that need one of a mask of posts.

    That is, have it among what is needed of them.
    """
    starts, ends = _needed(near, standing)
    at, owners = join_ranges(starts, ends)
    mask = np.zeros(len(posts), np.bool_)
    mask[owners[posts[near.slots[at]]]] = True
    return mask


def rank_entries(near: NearestLists, standing: RankingContext, whole: int) -> NearestLists:
    """The needed entries of the lists in the order in which they are offered.

    Scores are in parts of ``whole``, which is that of a post with itself.

    A post that is near to many is less of a find in any list than one that is near to few, so its scores are lowered.
    """
    starts, ends = _needed(near, standing)
    at, owners = join_ranges(starts, ends)
    scores = _eased(near.scores[at], hubness_factors(near, standing)[near.slots[at]])
    order = np.argsort((owners << _SCORE_BITS) - scores, kind="stable")
    edges = np.concatenate([[0], np.cumsum(ends - starts)])
    return NearestLists(edges, near.slots[at[order]], to_parts(scores[order], whole), near.bounds)


def best_hosts(near: NearestLists, slot: int, needed: int, ease: int, whole: int) -> dict[int, int]:
    """The posts nearest to one, with its score in their lists.

    That is the score, in parts of ``whole``, with which their lists offer it if they do; ``ease`` is its own.
    """
    own = slice(near.starts[slot], min(near.starts[slot + 1], near.starts[slot] + needed))
    parts = to_parts(_eased(near.scores[own], np.int64(ease)), whole)
    return dict(zip(near.slots[own].tolist(), parts.tolist(), strict=True))


def mask_changed_lists(old: NearestLists, new: NearestLists) -> Array:
    """The mask of the lists that have other posts or other scores."""
    mask: Array = np.diff(old.starts) != np.diff(new.starts)
    same = np.flatnonzero(~mask)
    old_at, owners = join_ranges(old.starts[same], old.starts[same + 1])
    at, _ = join_ranges(new.starts[same], new.starts[same + 1])
    differs = (old.slots[old_at] != new.slots[at]) | (old.scores[old_at] != new.scores[at])
    mask[same[owners[differs]]] = True
    return mask


def hubness_factors(near: NearestLists, standing: RankingContext) -> Array:
    """By what the scores of each post are multiplied where it is offered.

    In parts of ``ONE`` (int64). A post that is near to many is a *hub* (Radovanović, Nanopoulos and Ivanović, *Hubs in
    Space*, 2010): its scores are lowered by the mean of its own best scores.
    """
    starts, ends = _needed(near, standing)
    count = np.minimum(ends - starts, _CROWD)
    sums = np.concatenate([[0], np.cumsum(near.scores)])
    means = (sums[starts + count] - sums[starts]) // np.maximum(count, 1)
    bounds, steps = _easing()
    factors: Array = steps[np.searchsorted(bounds, means)]
    return factors


def _eased(scores: Array, ease: Array | np.int64) -> Array:
    eased: Array = np.minimum(scores * ease // ONE, _FULL)
    return eased


@cache
def _easing() -> tuple[Array, Array]:
    """The means between two steps, ascending, and the ease of each step."""
    steps = range(_CROWD_LEVELS, -1, -1)
    bounds = [round(_FULL * 2 ** (-(step + 0.5) / _CROWD_STEPS)) for step in steps]
    eases = [round(ONE * 2 ** ((step / _CROWD_STEPS - _USUAL) * _CROWD_WEIGHT)) for step in [_CROWD_LEVELS + 1, *steps]]
    return np.array(bounds, np.int64), np.array(eases, np.int64)


def _needed(near: NearestLists, standing: RankingContext) -> tuple[Array, Array]:
    starts = near.starts[:-1]
    return starts, np.minimum(near.starts[1:], starts + standing.needed)


def to_parts(scores: Array, whole: int) -> Array:
    """Scores (int64) in parts of ``whole``.

    That is the score of a post with itself. Rounded as ``round`` does, half to even.
    """
    scaled = scores * whole
    parts, rest = scaled >> _FULL_BITS, 2 * (scaled & (_FULL - 1))
    parts += (rest > _FULL) | ((rest == _FULL) & (parts % 2 == 1))
    capped: Array = np.minimum(parts, whole)
    return capped


def _products(index: TermIndex, mask: Array) -> Iterator[tuple[Array, Array]]:
    """(some slots, their products with all others) until all of a mask had their turn."""
    of = vectors(index, mask)
    terms = np.zeros(len(index.keys), np.bool_)
    terms[of.terms] = True
    for slots, values in products(of, postings(index, terms), np.flatnonzero(mask)):
        values[np.arange(len(slots)), slots] = 0
        yield slots, values


def _scored(slots: Array, values: Array, limits: Array, standing: RankingContext) -> tuple[_ScoreEntries, Array]:
    """(entries, bounds) of the lists of ``slots``, from their products with others.

    Among the entries are all whose score is above the list's bound, enough for the list, and all whose product is
    above the limit of the other, for its list.
    """
    most = standing.needed[slots] + _SPARE
    level = _exceeded_by(values, 4 * int(most.max()))
    rows, candidates = _entries(slots, values, level[:, None], standing)
    ranked = np.sort((rows << _SCORE_BITS) - candidates.scores)
    lengths = np.bincount(rows, minlength=len(slots))
    full = np.flatnonzero(lengths >= most)
    last = ranked[(np.cumsum(lengths) - lengths + most - 1)[full]]
    bounds = np.zeros(len(slots), np.int64)
    bounds[full] = (full << _SCORE_BITS) - last - 1
    # A score is at most ONE times the product, so no other is above the bound.
    return _entries(slots, values, np.minimum(limits, bounds[:, None] / ONE), standing)[1], bounds


def _exceeded_by(values: Array, count: int) -> Array:
    """For each row a level that about ``count`` values exceed, from a sample; 0 when there are few."""
    rows, width = values.shape
    if width <= 4 * count:
        return np.zeros(rows)
    step = width // _SAMPLE + 1
    sample = values[:, ::step]
    place = sample.shape[1] - max(count // step, 4)
    level: Array = np.partition(sample, place, axis=1)[:, place]
    return level


def _entries(slots: Array, values: Array, levels: Array, standing: RankingContext) -> tuple[Array, _ScoreEntries]:
    """(rows, entries) of the products above a level."""
    rows, others = np.divmod(np.flatnonzero(values > levels), values.shape[1])
    owners = slots[rows]
    one, two = standing.days[owners], standing.days[others]
    apart = np.minimum(np.abs(one - two), _FARTHEST)
    apart[(one == UNDATED) | (two == UNDATED)] = _UNDATED_APART
    scores = (values[rows, others] * _nearness()[apart]).astype(np.int64)
    return rows, _ScoreEntries(owners.astype(np.uint32), others.astype(np.uint32), scores)


@cache
def _nearness() -> Array:
    """By days apart, float64 but whole numbers. The last value stands for all that is farther."""
    # None is nearer to a half than 9e-8 before it is rounded, so it does not matter how exact a logarithm is.
    exact = ONE / (1 + _TIME_WEIGHT * np.log1p(np.arange(_FARTHEST + 1) / _TIME_UNIT))
    return np.rint(exact)


def _above(entries: _ScoreEntries, bounds: Array) -> _ScoreEntries:
    return _some(entries, np.flatnonzero(entries.scores > bounds[entries.owners]))


def _turned(entries: _ScoreEntries) -> _ScoreEntries:
    """The same scores in the lists of the others."""
    return _ScoreEntries(entries.others, entries.owners, entries.scores)


def _best(entries: _ScoreEntries, bounds: Array, standing: RankingContext) -> _ScoreEntries:
    """The best of each list, in order: at least as many as needed if there are as many, and some to spare.

    What is left out has no score above the list's new bound, which is put in the place of the old. Equal scores stay
    or go together.
    """
    owners, others, scores = _in_order(entries, standing)
    size = len(bounds)
    lengths = np.bincount(owners, minlength=size)
    starts = np.cumsum(lengths) - lengths
    most = standing.needed + _SPARE
    full = np.flatnonzero(lengths > most)
    bounds_now = bounds.copy()
    bounds_now[full] = scores[starts[full] + most[full]]
    stays = scores > bounds_now[owners]
    many_equal = full[np.bincount(owners[stays], minlength=size)[full] < standing.needed[full]]
    for slot in many_equal.tolist():
        own = scores[starts[slot] : starts[slot] + lengths[slot]]
        bounds_now[slot] = max(own[own < bounds_now[slot]], default=bounds[slot])
    if len(many_equal):
        stays = scores > bounds_now[owners]
    bounds[:] = bounds_now
    return _ScoreEntries(owners[stays], others[stays], scores[stays])


def _in_order(entries: _ScoreEntries, standing: RankingContext) -> _ScoreEntries:
    """By list, the best first, equal ones by place."""
    keys = (entries.owners.astype(np.int64) << _SCORE_BITS) - entries.scores
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    same = keys[1:] == keys[:-1]
    equal = np.flatnonzero(np.append(same, False) | np.append(False, same))
    places = standing.places[entries.others[order[equal]]]
    order[equal] = order[equal[np.lexsort((places, keys[equal]))]]
    return _some(entries, order)


def _some(entries: _ScoreEntries, at: Array) -> _ScoreEntries:
    return _ScoreEntries(entries.owners[at], entries.others[at], entries.scores[at])


def _joined(parts: list[_ScoreEntries]) -> _ScoreEntries:
    none = _ScoreEntries(np.zeros(0, np.uint32), np.zeros(0, np.uint32), np.zeros(0, np.int64))
    return _ScoreEntries(*(np.concatenate(column) for column in zip(none, *parts, strict=True)))


def _in_columns(entries: _ScoreEntries, bounds: Array) -> NearestLists:
    """The lists from entries in order."""
    starts = np.concatenate([[0], np.cumsum(np.bincount(entries.owners, minlength=len(bounds)))])
    return NearestLists(starts, entries.others, entries.scores, bounds)
