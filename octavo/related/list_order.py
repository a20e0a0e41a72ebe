"""The order of a list: pins, then rank; and lists that together have every post.

By rank, a list has the posts most like its own; what an author pins comes first, and what is blocked is left out. Where
each post is to be in some list, ``coverage`` says which lists change for that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING

from octavo.base.digest import DIGEST_BYTES
from octavo.model.related import Candidate, Reason, RelationsJson

if TYPE_CHECKING:
    from octavo.related.search import NearestLists, RankingContext
    from octavo.related.term_keys import Array

_EXPLAINED = 10
"""The first entries of a list say which terms they share: so many, or half of a longer one."""

Posts = tuple[Candidate, ...]
"""Posts by slot: a slot is the number of a post as long as it stays."""

FREE = Candidate("", "", None, bytes(DIGEST_BYTES), related=False)
"""Stands in a slot that no post has."""

ListEntry = tuple[int, int, "Reason | None"]
"""An entry of a list: its slot, its score in parts, and a reason that is none of likeness. A post that rank alone would
not have offered has the score 0."""

_PINNED = Reason("pin", "pinned by the author")
_PLACED = Reason("reach", "in no other list")


class ListOrder:
    """The order of the lists: pins, then the best that are not blocked."""

    def __init__(self, posts: Posts, near: NearestLists, standing: RankingContext, keep: int) -> None:
        from octavo.related import search

        self.posts = posts
        self.slots = {post.path: slot for slot, post in enumerate(posts) if post is not FREE}
        self._near, self._needed = near, standing.needed
        self._eases = search.hubness_factors(near, standing)
        self.ranked = search.rank_entries(near, standing, RelationsJson.WHOLE)
        self.keep = keep
        self._explained = max(_EXPLAINED, keep // 2)

    def entries(self, slot: int) -> list[ListEntry]:
        """The list by rank. A pinned post has the score of its rank."""
        post, best = self.posts[slot], self.best(slot)
        if not post.pin and not post.block:
            return [(other, parts, None) for other, parts in best.items()]
        pinned = [self.slots[path] for path in dict.fromkeys(post.pin) if path in self.slots and path != post.path]
        left_out = {*pinned, *(self.slots[path] for path in post.block if path in self.slots)}
        entries: list[ListEntry] = [(other, best.get(other, 0), _PINNED) for other in pinned]
        entries += [(other, parts, None) for other, parts in best.items() if other not in left_out]
        return entries[: self.keep]

    def pairs_to_explain(self, mask: Array) -> Array:
        """The pairs of slots that the lists of a mask give reasons for.

        They are ascending, and of the first entries of each list, but for pins that have nothing in common with the
        post.
        """
        import numpy as np

        from octavo.related.explain import pair
        from octavo.related.vectors import join_ranges

        arranged = [slot for slot in np.flatnonzero(mask).tolist() if self.posts[slot].pin or self.posts[slot].block]
        plain = mask.copy()
        plain[arranged] = False
        slots = np.flatnonzero(plain)
        starts = self.ranked.starts[slots]
        ends = np.minimum(self.ranked.starts[slots + 1], starts + min(self._explained, self.keep))
        at, owner = join_ranges(starts, ends)
        pairs = [pair(slots[owner], self.ranked.slots[at])]
        for slot in arranged:
            best = self.best(slot)
            others = [other for other, *_ in self.entries(slot)[: self._explained] if other in best]
            pairs.append(pair(slot, np.array(others, np.int64)))
        return np.sort(np.concatenate(pairs))

    def best(self, slot: int) -> dict[int, int]:
        """The best by score, as many as may be needed.

        Their scores are in parts of ``RelationsJson.WHOLE``.
        """
        best = slice(*self.ranked.starts[slot : slot + 2].tolist())
        return dict(zip(self.ranked.slots[best].tolist(), self.ranked.scores[best].tolist(), strict=True))

    def best_hosts(self, slot: int) -> dict[int, int]:
        """The posts most like one, with the scores that it has in their lists."""
        from octavo.related import search

        needed, ease = int(self._needed[slot]), int(self._eases[slot])
        return search.best_hosts(self._near, slot, needed, ease, RelationsJson.WHOLE)


# Lists that have every post.

_FINE = 1 << 20
"""Steps between two scores, for posts of which nothing is known but when they were written."""

_FEW = 3
_NEAREST = 50
"""A post that fewer lists than ``_FEW`` could offer by likeness is offered to those of the ``_NEAREST`` in time."""


def place_every_post(order: ListOrder, size: int) -> dict[int, list[ListEntry]]:
    """The lists, by slot, that are other ones than by rank.

    With them the first ``size`` entries of all lists together have every post.
    """
    from octavo.related.coverage import cover_every_post

    posts = order.posts
    slots = sorted(order.slots.values(), key=lambda slot: posts[slot].path)
    numbers = {slot: number for number, slot in enumerate(slots)}
    barred = {slot: frozenset(posts[slot].block) for slot in slots if posts[slot].block}
    by_rank = [order.entries(slot)[:size] for slot in slots]
    lists = [{numbers[other]: parts * _FINE for other, parts, _ in entries} for entries in by_rank]
    pinned = {
        number: frozenset(numbers[other] for other, _, reason in entries if reason)
        for number, entries in enumerate(by_rank)
        if any(reason for *_, reason in entries)
    }

    def may_show(host: int, number: int) -> bool:
        return host != number and posts[slots[number]].path not in barred.get(slots[host], ())

    def in_time(number: int) -> Iterator[int]:
        day = posts[slots[number]].day or 0
        hosts = sorted(range(len(slots)), key=lambda host: (abs((posts[slots[host]].day or 0) - day), host))
        return (host for host in hosts if may_show(host, number))

    def gain(host: int, number: int, parts: int) -> int:
        """No more than that of the weakest entry, which rank put before this one."""
        if number in lists[host] or len(lists[host]) < size:
            return parts * _FINE
        stay = pinned.get(host, frozenset())
        return min(parts * _FINE, min((value for other, value in lists[host].items() if other not in stay), default=0))

    def offers(number: int) -> Mapping[int, int]:
        hosts = {numbers[slot]: parts for slot, parts in order.best_hosts(slots[number]).items()}
        gains = {host: gain(host, number, parts) for host, parts in hosts.items() if may_show(host, number)}
        if len(gains) < _FEW:
            gains = {**{host: -rank for rank, host in enumerate(islice(in_time(number), _NEAREST), 1)}, **gains}
        return gains

    return {
        slots[host]: _rearranged(order, slots[host], {slots[number] for number in entries}, size)
        for host, entries in cover_every_post(lists, pinned, size, offers, in_time).items()
    }


def _rearranged(order: ListOrder, slot: int, first_slots: set[int], size: int) -> list[ListEntry]:
    """A list that begins with ``first_slots``: what is new comes after what has its place by rank."""
    entries = order.entries(slot)
    first = [entry for entry in entries[:size] if entry[0] in first_slots]
    new = [
        (order.best_hosts(other).get(slot, 0), other) for other in first_slots.difference(entry[0] for entry in first)
    ]
    new.sort(key=lambda each: (-each[0], order.posts[each[1]].path))
    rest = [entry for entry in entries if entry[0] not in first_slots]
    return [*first, *((other, parts, _PLACED) for parts, other in new), *rest][: order.keep]
