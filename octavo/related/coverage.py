"""Lists of which some leads to every post, at the least loss of score.

Each list shows a fixed number of posts, and each post should be in one list at least. That is a flow of least cost from
lists to posts: the best entries of each list are one of least cost where nothing is asked of the posts, and every post
that no list leads to is one more unit, sent along the shortest path (Ahuja, Magnanti and Orlin, *Network Flows*, 1993,
section 9.7). Mostly the path has one step: the post takes the place of the weakest entry of a list, which is in other
lists as well.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

GainsByList = Callable[[int], Mapping[int, int]]
"""The lists that may show a post, each with the gain of it there: no more than that of any entry which may leave."""

_Node = tuple[bool, int]
"""A post, or (True) a list."""

_END: _Node = (True, -1)


def cover_every_post(
    lists: Sequence[Mapping[int, int]],
    fixed: Mapping[int, frozenset[int]],
    size: int,
    offers: GainsByList,
    others: Callable[[int], Iterable[int]],
) -> dict[int, dict[int, int]]:
    """The lists that have to change, by number, so that every post is in one.

    ``lists`` has for each post the posts in its list, with their gains; at most ``size``, of which ``fixed`` stay.
    ``others`` are all lists that may show a post, for one that none of its ``offers`` can take. Posts are treated in
    the order of their numbers. A post for which there is no place stays without one.
    """
    flow = _Flow(lists, fixed, size, offers)
    for post in range(len(lists)):
        if not flow.times[post] and not flow.send(post):
            flow.squeeze(post, others(post))
    return flow.changed


class _Flow:
    def __init__(
        self, lists: Sequence[Mapping[int, int]], fixed: Mapping[int, frozenset[int]], size: int, offers: GainsByList
    ) -> None:
        self._lists, self._fixed, self._size, self._offers = lists, fixed, size, offers
        self.times = Counter(post for entries in lists for post in entries)
        self.changed: dict[int, dict[int, int]] = {}
        self._offered: dict[int, Mapping[int, int]] = {}
        # Potentials keep the lengths of all arcs from being negative, as Dijkstra's algorithm needs it.
        self._potentials: dict[_Node, int] = {}

    def send(self, post: int) -> bool:
        """Put a post into a list.

        The entry that leaves may go to another list, and so on, until one is in several.
        """
        lengths: dict[_Node, int] = {(False, post): 0}
        before: dict[_Node, _Node] = {}
        done: set[_Node] = set()
        queue: list[tuple[int, _Node]] = [(0, (False, post))]
        while queue:
            length, node = heapq.heappop(queue)
            if node in done:
                continue
            done.add(node)
            if node == _END:
                self._shift(done, lengths)
                self._move(before)
                return True
            for other, cost in self._arcs(node):
                reduced = length + cost + self._potential(node) - self._potential(other)
                if other not in lengths or reduced < lengths[other]:
                    lengths[other], before[other] = reduced, node
                    heapq.heappush(queue, (reduced, other))
        return False

    def squeeze(self, post: int, others: Iterable[int]) -> None:
        """Put a post into the first list that can take it, whatever it costs.

        Such a list has room, or an entry that is in another list.
        """
        for host in others:
            entries = self._entries(host)
            free = [other for other in self._leaving(host) if self.times[other] > 1]
            if len(entries) >= self._size and not free:
                continue
            entries = dict(entries)
            if len(entries) >= self._size:
                leaving = min(free, key=lambda other: (entries[other], other))
                del entries[leaving]
                self.times[leaving] -= 1
            entries[post] = 0
            self.times[post] += 1
            self.changed[host] = entries
            return

    def _arcs(self, node: _Node) -> Iterable[tuple[_Node, int]]:
        is_list, number = node
        if not is_list:
            if self.times[number] > 1:
                yield _END, 0
            for host, gain in self._offered_by(number).items():
                if number not in self._entries(host):
                    yield (True, host), -gain
        elif len(self._entries(number)) < self._size:
            yield _END, 0
        else:
            entries = self._entries(number)
            yield from (((False, other), entries[other]) for other in self._leaving(number))

    def _offered_by(self, post: int) -> Mapping[int, int]:
        if post not in self._offered:
            self._offered[post] = self._offers(post)
        return self._offered[post]

    def _entries(self, host: int) -> Mapping[int, int]:
        return self.changed.get(host, self._lists[host])

    def _leaving(self, host: int) -> list[int]:
        """The entries of a list that may leave it."""
        fixed = self._fixed.get(host, frozenset())
        return [post for post in self._entries(host) if post not in fixed]

    def _potential(self, node: _Node) -> int:
        if node not in self._potentials:
            self._potentials[node] = self._first_potential(node)
        return self._potentials[node]

    def _first_potential(self, node: _Node) -> int:
        is_list, number = node
        if not is_list or node == _END or len(self._lists[number]) < self._size:
            return 0
        entries, fixed = self._lists[number], self._fixed.get(number, frozenset())
        return -min((gain for post, gain in entries.items() if post not in fixed), default=0)

    def _shift(self, done: set[_Node], lengths: Mapping[_Node, int]) -> None:
        whole = lengths[_END]
        for node in done:
            self._potentials[node] = self._potential(node) + lengths[node] - whole

    def _move(self, before: Mapping[_Node, _Node]) -> None:
        """Change the lists along the path, from its end."""
        node = before[_END]
        leaving: int | None = None
        if not node[0]:
            leaving = node[1]
            self.times[leaving] -= 1
            node = before[node]
        while True:
            host, joining = node[1], before[node]
            entries = dict(self._entries(host))
            if leaving is not None:
                del entries[leaving]
            entries[joining[1]] = self._offered_by(joining[1])[host]
            self.changed[host] = entries
            leaving = joining[1]
            if joining not in before:
                self.times[leaving] += 1
                return
            node = before[joining]
