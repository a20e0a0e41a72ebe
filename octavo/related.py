"""Related articles: for every post, the posts most like it, each with the reasons.

Two posts are as alike as the cosine of their term vectors, times how near they are in time. The lists are those of a
full comparison whatever happened before; with the state of an earlier run, only what a change can reach is computed.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, NamedTuple

from octavo.digest import SIZE
from octavo.facts import Ask
from octavo.model import Candidate, RelatedList, Relations, Terms
from octavo.queries import Corpus, TermsOf
from octavo.terms import TAG, tag_term, written

if TYPE_CHECKING:
    from octavo.nearest import Near, Standing
    from octavo.reasons import Why
    from octavo.vectors import Array, Stock

KEEP = 20
"""The most entries in a post's list."""

_EXPLAINED = 10
"""The first entries of a list say which terms they share."""

Load = Callable[[str], Terms]
Posts = tuple[Candidate, ...]
"""Posts by slot: a slot is the number of a post as long as it stays."""

_NUL = "\0"
"""Stands between texts: no path has one."""

_FREE = Candidate("", "", None, bytes(SIZE), related=False)
"""Stands in a slot that no post has."""


@dataclass(frozen=True, slots=True)
class State:
    """What one run leaves for the next, by slot. Texts are divided by NUL, arrays are bytes.

    ``days`` (int64), digests of ``terms``, and what lists may show ``about`` a post. The others are an Index, a Near
    and a Why.
    """

    keep: int
    total: int
    paths: str
    about: str
    days: bytes
    terms: bytes
    index: tuple[bytes, ...]
    near: tuple[bytes, ...]
    why: tuple[bytes, ...]


_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def relate(ask: Ask, state: State | None) -> tuple[Rows, State]:
    """The step over all posts: their lists by path, and the state for the next run."""
    lists, new_state = rank(ask(Corpus()) or (), lambda path: ask(TermsOf(path)) or Terms(), previous=state)
    return Rows(lists), new_state


class Rows(Mapping[str, RelatedList]):
    """Lists in the shape in which they are stored."""

    def __init__(self, lists: Lists) -> None:
        self._lists = lists
        self.touched = lists.touched

    def __getitem__(self, path: str) -> RelatedList:
        entries, length = self._lists.entries(path), RelatedList.LENGTH
        return RelatedList(Relations(_json(entries[:length])), Relations(_json(entries[length:])))

    def __iter__(self) -> Iterator[str]:
        return iter(self._lists)

    def __len__(self) -> int:
        return len(self._lists)


def rank(
    candidates: Iterable[Candidate], load: Load, keep: int = KEEP, previous: State | None = None
) -> tuple[Lists, State]:
    """The lists of all candidates, at most ``keep`` entries each, and the state for the next run.

    ``load`` gives the terms of a post by path; they change only with ``Candidate.terms``. The lists depend neither on
    ``previous`` nor on the order of the candidates.
    """
    everyone = {candidate.path: candidate for candidate in candidates}
    posts = tuple(everyone[path] for path in sorted(everyone) if everyone[path].related)
    ranking = _updated(posts, load, previous) if previous is not None and previous.keep == keep else None
    ranking = ranking or _computed(posts, load, keep)
    return Lists(everyone, ranking), ranking.state


class Ranking(NamedTuple):
    """Everything by slot. ``touched``: the slots whose lists may differ from those of the run before."""

    order: Order
    why: Why
    touched: Iterable[int]
    state: State


class Lists(Mapping[str, Relations]):
    """The lists by path, each made when it is asked for.

    ``touched``: the paths whose lists may differ from those of the run whose state was given; without one, all.
    """

    def __init__(self, everyone: Mapping[str, Candidate], ranking: Ranking) -> None:
        from octavo import reasons

        self._everyone = everyone
        self._order, self._why = ranking.order, reasons.by_slot(ranking.why, len(ranking.order.posts))
        self._written: dict[int, dict[str, str]] = {}
        unranked = (path for path in everyone if path not in self._order.slots)
        self.touched = frozenset([*unranked, *(self._order.posts[slot].path for slot in ranking.touched)])

    def __iter__(self) -> Iterator[str]:
        return iter(self._everyone)

    def __len__(self) -> int:
        return len(self._everyone)

    def __getitem__(self, path: str) -> Relations:
        return Relations(_json(self.entries(path)))

    def entries(self, path: str) -> list[tuple[str, int, list[_Told]]]:
        """A list as ``Relations`` writes it."""
        slot = self._order.slots.get(path)
        if slot is None:
            self._everyone[path]
            return []
        posts, post, why = self._order.posts, self._order.posts[slot], self._why(slot)
        row: list[tuple[str, int, list[_Told]]] = []
        for other_slot, parts, is_pinned in self._order.entries(slot):
            other = posts[other_slot]
            reasons: list[_Told] = []
            if is_pinned:
                reasons.append(("pin", "pinned by the author"))
            if post.links or other.links:
                reasons += _linked(other.path in post.links, post.path in other.links)
            if post.series is not None and post.series == other.series:
                reasons.append(("series", "same series"))
            if other_slot in why:
                # A term is told as one of the two writes it in its tags or its title, else in lower case.
                theirs, ours = self._shown(other_slot), self._shown(slot)
                for text, hundredths in why[other_slot]:
                    plain = text.removeprefix(TAG)
                    shown = theirs.get(plain) or ours.get(plain) or plain
                    reasons.append(("term" if plain == text else "tag", shown, hundredths))
            row.append((other.path, parts, reasons))
        return row

    def _shown(self, slot: int) -> dict[str, str]:
        shown = self._written.get(slot)
        if shown is None:
            post = self._order.posts[slot]
            tags = {tag_term(tag).removeprefix(TAG): tag for tag in reversed(post.tags)}
            shown = self._written[slot] = {**written(post.title), **tags}
        return shown


_Told = tuple[str, str] | tuple[str, str, int]


def _linked(forth: bool, back: bool) -> Iterator[tuple[str, str]]:
    if forth and back:
        yield "link", "links to this article and is linked from it"
    elif back:
        yield "link", "links to this article"
    elif forth:
        yield "link", "linked from this article"


class Order:
    """Who stands where in a list: pins, then the best that are not blocked."""

    def __init__(self, posts: Posts, near: Near, standing: Standing, keep: int) -> None:
        from octavo import nearest

        self.posts = posts
        self.slots = {post.path: slot for slot, post in enumerate(posts) if post is not _FREE}
        self._near = near
        self._needed = standing.needed
        self._parts = nearest.in_parts(near.scores, Relations.WHOLE)
        self._keep = keep

    def entries(self, slot: int) -> list[tuple[int, int, bool]]:
        """The list: (slot, score in parts, is pinned). A pinned post has the score of its rank, or 0 where rank alone
        would not have offered it."""
        post, best = self.posts[slot], self._best(slot)
        if not post.pin and not post.block:
            return [(other, parts, False) for other, parts in best.items()]
        pinned = [self.slots[path] for path in dict.fromkeys(post.pin) if path in self.slots and path != post.path]
        left_out = {*pinned, *(self.slots[path] for path in post.block if path in self.slots)}
        entries = [(other, best.get(other, 0), True) for other in pinned]
        entries += [(other, parts, False) for other, parts in best.items() if other not in left_out]
        return entries[: self._keep]

    def explained(self, wanted: Array) -> Array:
        """The pairs of slots that the lists of a mask give reasons for, ascending: the first entries of each, but for
        pins that have nothing in common with the post."""
        import numpy as np

        from octavo.reasons import pair
        from octavo.vectors import spread

        arranged = [slot for slot in np.flatnonzero(wanted).tolist() if self.posts[slot].pin or self.posts[slot].block]
        plain = wanted.copy()
        plain[arranged] = False
        slots = np.flatnonzero(plain)
        starts = self._near.starts[slots]
        ends = np.minimum(self._near.starts[slots + 1], starts + min(_EXPLAINED, self._keep))
        at, owner = spread(starts, ends)
        pairs = [pair(slots[owner], self._near.slots[at])]
        for slot in arranged:
            best = self._best(slot)
            others = [other for other, *_ in self.entries(slot)[:_EXPLAINED] if other in best]
            pairs.append(pair(slot, np.array(others, np.int64)))
        return np.sort(np.concatenate(pairs))

    def _best(self, slot: int) -> dict[int, int]:
        """The best by score, as many as may be needed, with their scores in parts."""
        start, end = self._near.starts[slot : slot + 2].tolist()
        best = slice(start, min(end, start + int(self._needed[slot])))
        return dict(zip(self._near.slots[best].tolist(), self._parts[best].tolist(), strict=True))


# A run from nothing, and a run from the state of another one.


def _computed(posts: Posts, load: Load, keep: int) -> Ranking:
    import numpy as np

    from octavo import nearest, reasons, vectors

    stock, standing = _standing(posts, keep)
    index, slots, places = vectors.build(vectors.counted(load(post.path) for post in posts), stock)
    near = nearest.search(index, standing)
    order = Order(posts, near, standing, keep)
    everyone = np.ones(len(posts), np.bool_)
    pairs = order.explained(everyone)

    def words(terms: Array, _: Array) -> list[str]:
        return vectors.words_at(places[terms], slots[terms], lambda slot: load(posts[slot].path))

    why = reasons.explained(index, pairs, reasons.NONE, everyone, words)
    terms, about = _joined(posts)
    state = State(
        keep=keep,
        total=stock.total,
        paths=_NUL.join(post.path for post in posts),
        about=about,
        days=standing.days.tobytes(),
        terms=terms,
        index=vectors.to_bytes(index),
        near=nearest.to_bytes(near),
        why=reasons.to_bytes(why),
    )
    return Ranking(order, why, range(len(posts)), state)


def _updated(candidates: Posts, load: Load, previous: State) -> Ranking | None:
    """Computes what a change can reach and leaves the rest as it was; None when a full run costs no more."""
    import numpy as np

    from octavo import nearest, reasons, vectors

    paths = _split(previous.paths)
    posts, left = _placed(candidates, paths)
    size, keep = len(posts), previous.keep
    stock, standing = _standing(posts, keep)
    gone = _mask(left, size)
    terms, about = _joined(posts)
    new = [slot for slot in _differing(_digests(previous.terms), _digests(terms)) if posts[slot] is not _FREE]
    much = len(candidates) // 8 + 8
    if stock.total != previous.total or len(new) + len(left) > much or size > 2 * len(candidates) + 8:
        return None

    days = np.frombuffer(previous.days, np.int64)
    redated = _mask(np.flatnonzero(days != standing.days[: len(days)]).tolist(), size) & ~gone
    index, changed = vectors.from_bytes(previous.index), redated
    is_other = bool(new or left or redated.any())
    if is_other:
        counted = vectors.counted(load(posts[slot].path) for slot in new)
        index, moved = vectors.update(index, left, new, counted, stock)
        changed = redated | moved
    if np.count_nonzero(changed) > len(candidates) // 3 + 8:
        return None
    old_near, old_why = nearest.from_bytes(previous.near, size), reasons.from_bytes(previous.why)
    near, reached = nearest.merge(old_near, index, standing, changed, gone)
    altered = _mask(_differing(_split(previous.about), _split(about)), size)
    showing = altered | nearest.holders(near, altered, standing) | _mask(_pinning(posts, paths, altered), size)
    reached = (reached | showing) & ~gone
    order = Order(posts, near, standing, keep)
    pairs = order.explained(reached)

    def words(terms: Array, slots: Array) -> list[str]:
        return vectors.words_of(index.keys[terms], slots, lambda slot: load(posts[slot].path))

    why = reasons.explained(index, pairs, old_why, changed, words)
    other = nearest.differing(old_near, near, reached, standing, Relations.WHOLE) | reasons.differing(
        old_why, why, size
    )
    why = reasons.merge(old_why, why, reached | gone)
    state = State(
        keep=keep,
        total=stock.total,
        paths=_NUL.join(post.path for post in posts),
        about=about,
        days=standing.days.tobytes(),
        terms=terms,
        index=vectors.to_bytes(index) if is_other else previous.index,
        near=nearest.to_bytes(near),
        why=reasons.to_bytes(why),
    )
    return Ranking(order, why, np.flatnonzero((showing | other) & ~gone).tolist(), state)


def _placed(candidates: Posts, paths: Sequence[str]) -> tuple[Posts, list[int]]:
    """The posts in the slots they had by ``paths``, new ones where a slot was free; and the slots that are free from
    now on."""
    places = {path: slot for slot, path in enumerate(paths) if path}
    free = [slot for slot, path in enumerate(paths) if not path]
    posts = [_FREE] * len(paths)
    for post in candidates:
        if post.path in places:
            posts[places.pop(post.path)] = post
        elif free:
            posts[free.pop()] = post
        else:
            posts.append(post)
    return tuple(posts), sorted(places.values())


def _standing(posts: Posts, keep: int) -> tuple[Stock, Standing]:
    """The posts that tell how common a term is: the oldest, so that a new one alters nothing for the others. And how
    posts of equal score are ordered: newer first, then by path."""
    import numpy as np

    from octavo import nearest, vectors

    paths = [post.path for post in posts]
    slots = sorted((slot for slot, path in enumerate(paths) if path), key=paths.__getitem__)
    days = np.array([nearest.UNDATED if post.day is None else post.day for post in posts], np.int64)
    undated = days == nearest.UNDATED
    needed = np.array([keep + len(post.pin) + len(post.block) for post in posts], np.int64)
    by_path = np.array(slots, np.int64)
    total = vectors.stock_size(len(slots))
    counted, places = np.zeros(len(posts), np.bool_), np.zeros(len(posts), np.int64)
    counted[by_path[np.lexsort((days[by_path], undated[by_path]))[:total]]] = True
    places[by_path[np.lexsort((-days[by_path], undated[by_path]))]] = np.arange(len(slots))
    return vectors.Stock(counted, total), nearest.Standing(days, places, needed)


def _pinning(posts: Posts, paths: Sequence[str], altered: Array) -> Iterator[int]:
    """The posts that pin one of the altered, by the path that it has or had."""
    names = {path for slot in altered.nonzero()[0].tolist() for path in (posts[slot].path, *paths[slot : slot + 1])}
    return (slot for slot, post in enumerate(posts) if post.pin and not names.isdisjoint(post.pin))


# Posts in a state.


def _joined(posts: Posts) -> tuple[bytes, str]:
    """The digests of their terms, and what lists may show of them or depend on beside."""
    about = (
        repr((post.path, post.title, post.series, post.tags, post.links, post.pin, post.block)) if post.path else ""
        for post in posts
    )
    return b"".join(post.terms for post in posts), _NUL.join(about)


def _split(texts: str) -> list[str]:
    return texts.split(_NUL)


def _digests(digests: bytes) -> list[bytes]:
    return [digests[start : start + SIZE] for start in range(0, len(digests), SIZE)]


def _differing(before: Sequence[str | bytes], now: Sequence[str | bytes]) -> list[int]:
    """The slots whose value is another one, or that are new."""
    if before == now:
        return []
    return [slot for slot, (old, new) in enumerate(zip_longest(before, now)) if old != new]


def _mask(slots: Iterable[int], size: int) -> Array:
    import numpy as np

    mask = np.zeros(size, np.bool_)
    mask[list(slots)] = True
    return mask
