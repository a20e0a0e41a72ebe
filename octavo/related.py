"""Related articles: for every post, the posts most like it, each with the reasons.

Two posts are as alike as the cosine of their term vectors, times how near they are in time. The lists are those of a
full comparison whatever happened before; with the state of an earlier run, only what a change can reach is computed.
"""

from __future__ import annotations

import itertools
import json
import math
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, NamedTuple

from octavo.facts import Ask
from octavo.model import Candidate, Reason, RelatedList, Relation, Terms
from octavo.queries import Corpus, TermsOf
from octavo.terms import TAG, tag_term, written

if TYPE_CHECKING:
    from octavo.vectors import Array, Index, Row, Stock

KEEP = 20
"""The most entries in a post's list."""

_EXPLAINED = 10
"""The first entries of a list say which terms they share."""

_REASONS = 3
_TERMS = 8
"""Reasons of an entry, and the terms they are drawn from."""

_SPARE = 12
"""Entries known beyond those needed, so that a list that loses a few is not searched anew."""

# Nearness in time: _ONE / (1 + _TIME_WEIGHT * ln(1 + days / _TIME_UNIT)), rounded to an integer.
_ONE = 4096
_TIME_WEIGHT = 0.2
_TIME_UNIT = 15
_FARTHEST = 36525
_UNDATED = 365
"""Days that two posts are taken to lie apart when one of them has no date."""

Load = Callable[[str], Terms]
Posts = tuple[Candidate | None, ...]
"""Posts by slot: a slot is the number of a post as long as it stays, and is None when free."""


@dataclass(frozen=True, slots=True)
class State:
    """What one run leaves for the next. Arrays are bytes.

    ``index`` holds those of ``vectors.Index``. By slot: the list of ``partners`` (uint32, ``lengths`` each) with their
    ``scores`` (int64), which are all those above ``bounds`` (int64), and ``why``, the reasons as JSON.
    """

    keep: int
    total: int
    posts: Posts
    index: tuple[bytes, ...]
    lengths: bytes
    partners: bytes
    scores: bytes
    bounds: bytes
    why: tuple[str, ...]


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
        return RelatedList.of(self._lists[path])

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
    return Lists(everyone, ranking), _state(ranking)


class Near(NamedTuple):
    """All posts whose score with one post is above ``bound``: slots and scores (int64), in no order."""

    slots: Array
    scores: Array
    bound: int


@dataclass(frozen=True)
class Ranking:
    """Everything by slot. ``touched``: the slots whose lists may differ from those of the run before."""

    keep: int
    total: int
    posts: Posts
    index: Index
    near: list[Near]
    why: list[str]
    touched: frozenset[int]


class Lists(Mapping[str, tuple[Relation, ...]]):
    """The lists by path, each made when it is asked for.

    ``touched``: the paths whose lists may differ from those of the run whose state was given; without one, all.
    """

    def __init__(self, everyone: Mapping[str, Candidate], ranking: Ranking) -> None:
        self._everyone = everyone
        self._order = Order(ranking.posts, ranking.near, ranking.keep)
        self._why = ranking.why
        self._written: dict[str, dict[str, str]] = {}
        unranked = (path for path in everyone if path not in self._order.slots)
        self.touched = frozenset([*unranked, *(_post(ranking.posts, slot).path for slot in ranking.touched)])

    def __iter__(self) -> Iterator[str]:
        return iter(self._everyone)

    def __len__(self) -> int:
        return len(self._everyone)

    def __getitem__(self, path: str) -> tuple[Relation, ...]:
        if path not in self._order.slots:
            self._everyone[path]
            return ()
        slot = self._order.slots[path]
        why = json.loads(self._why[slot])
        return tuple(self._relation(self._everyone[path], entry, why) for entry in self._order.entries(slot))

    def _relation(self, post: Candidate, entry: Entry, why: Mapping[str, list[tuple[bool, str, float]]]) -> Relation:
        other = _post(self._order.posts, entry.slot)
        reasons = [Reason("pin", "pinned by the author")] if entry.pinned else []
        if other.path in post.links and post.path in other.links:
            reasons.append(Reason("link", "links to this article and is linked from it"))
        elif post.path in other.links:
            reasons.append(Reason("link", "links to this article"))
        elif other.path in post.links:
            reasons.append(Reason("link", "linked from this article"))
        if post.series is not None and post.series == other.series:
            reasons.append(Reason("series", "same series"))
        for is_tag, text, share in why.get(other.path, ()):
            reasons.append(Reason("tag" if is_tag else "term", self._as_written(text, other, post), share))
        return Relation(other.path, _as_part(entry.score), tuple(reasons))

    def _as_written(self, text: str, *posts: Candidate) -> str:
        """A term as one of the posts writes it in its tags or its title, else in lower case."""
        for post in posts:
            if post.path not in self._written:
                tags = {tag_term(tag).removeprefix(TAG): tag for tag in reversed(post.tags)}
                self._written[post.path] = {**written(post.title), **tags}
            if text in self._written[post.path]:
                return self._written[post.path][text]
        return text


class Entry(NamedTuple):
    slot: int
    score: int
    pinned: bool


class Order:
    """Who stands where in a list: pins, then the best that are not blocked; ties: newer first, then by path."""

    def __init__(self, posts: Posts, near: list[Near], keep: int) -> None:
        self.posts = posts
        self.slots = {post.path: slot for slot, post in enumerate(posts) if post is not None}
        self._near = near
        self._keep = keep
        places = {path: place for place, path in enumerate(sorted(self.slots, key=self._newest))}
        self._places = [places[post.path] if post is not None else 0 for post in posts]

    def _newest(self, path: str) -> tuple[float, str]:
        day = _post(self.posts, self.slots[path]).day
        return (math.inf if day is None else -day, path)

    def entries(self, slot: int) -> list[Entry]:
        """The list. A pinned post has the score of its rank, or 0 where rank alone would not have offered it."""
        post, near, places = _post(self.posts, slot), self._near[slot], self._places
        ranked = zip(near.scores.tolist(), near.slots.tolist(), strict=True)
        best = sorted(ranked, key=lambda pair: (-pair[0], places[pair[1]]))[: _needed(post, self._keep)]
        if not post.pin and not post.block:
            return [Entry(other, score, False) for score, other in best]
        scores = {other: score for score, other in best}
        pinned = [self.slots[path] for path in dict.fromkeys(post.pin) if path in self.slots and path != post.path]
        left_out = {*pinned, *(self.slots[path] for path in post.block if path in self.slots)}
        entries = [Entry(other, scores.get(other, 0), True) for other in pinned]
        entries += [Entry(other, score, False) for score, other in best if other not in left_out]
        return entries[: self._keep]

    def to_explain(self, slot: int) -> list[int]:
        """The first entries, but for pins that have nothing in common with the post."""
        return [entry.slot for entry in self.entries(slot)[:_EXPLAINED] if entry.score]


def _needed(post: Candidate, keep: int) -> int:
    """How many of the best have to be known to fill a list up when some are pinned or blocked."""
    return keep + len(post.pin) + len(post.block)


def _post(posts: Posts, slot: int) -> Candidate:
    post = posts[slot]
    if post is None:
        raise LookupError(f"slot {slot} is free")
    return post


def _as_part(score: int) -> float:
    from octavo import vectors

    return min(1.0, round(score / (vectors.UNIT * vectors.UNIT * _ONE), 4))


# A run from nothing, and a run from the state of another one.


def _computed(posts: Posts, load: Load, keep: int) -> Ranking:
    from octavo import vectors

    everyone = range(len(posts))
    stock = _stock(posts)
    index = vectors.build((vectors.row(load(_post(posts, slot).path)) for slot in everyone), stock)
    near = [_best_of(scores, _needed(_post(posts, slot), keep)) for slot, scores in _scores(index, posts, everyone)]
    why = _explained(index, Order(posts, near, keep), dict.fromkeys(everyone, ""), frozenset(everyone), load)
    return Ranking(keep, stock.total, posts, index, near, [why[slot] for slot in everyone], frozenset(everyone))


def _updated(candidates: Posts, load: Load, previous: State) -> Ranking | None:
    """Computes what a change can reach and leaves the rest as it was; None when a full run costs no more."""
    from octavo import vectors

    posts, gone = _placed(candidates, previous.posts)
    old = previous.posts + (None,) * (len(posts) - len(previous.posts))
    new = [
        slot
        for slot, (post, was) in enumerate(zip(posts, old, strict=True))
        if post is not None and (was is None or was.terms != post.terms)
    ]
    stock = _stock(posts)
    much = len(candidates) // 8 + 8
    if stock.total != previous.total or len(new) + len(gone) > much or len(posts) > 2 * len(candidates) + 8:
        return None

    def row(slot: int) -> Row:
        return vectors.row(load(_post(posts, slot).path))

    index, moved = vectors.update(_index_of(previous), gone, {slot: row(slot) for slot in new}, stock, row)
    redated = [slot for slot, post in enumerate(posts) if post and (was := old[slot]) and was.day != post.day]
    changed = frozenset([*moved, *redated])
    if len(changed) > len(candidates) // 3 + 8:
        return None
    altered = frozenset(slot for slot, post in enumerate(posts) if post != old[slot])
    near, reached = _merged(
        index, posts, _near_of(previous, len(posts)), changed, frozenset(gone), altered, previous.keep
    )
    touched = reached | _showing(posts, old, near, altered)
    why = dict(enumerate(previous.why)) | dict.fromkeys(range(len(previous.why), len(posts)), "")
    why |= dict.fromkeys(gone, "")
    why |= _explained(index, Order(posts, near, previous.keep), {slot: why[slot] for slot in touched}, changed, load)
    return Ranking(previous.keep, stock.total, posts, index, near, [why[slot] for slot in range(len(posts))], touched)


def _placed(candidates: Posts, old: Posts) -> tuple[Posts, list[int]]:
    """The posts in the slots they had, new ones where a slot was free; and the slots that are free from now on."""
    places = {post.path: slot for slot, post in enumerate(old) if post is not None}
    free = [slot for slot, post in enumerate(old) if post is None]
    posts: list[Candidate | None] = [None] * len(old)
    for post in filter(None, candidates):
        if post.path in places:
            posts[places.pop(post.path)] = post
        elif free:
            posts[free.pop()] = post
        else:
            posts.append(post)
    return tuple(posts), sorted(places.values())


def _stock(posts: Posts) -> Stock:
    """The posts that tell how common a term is: the oldest, so that a new one alters nothing for the others."""
    import numpy as np

    from octavo import vectors

    dated = [(math.inf if post.day is None else post.day, post.path, slot) for slot, post in enumerate(posts) if post]
    total = vectors.stock_size(len(dated))
    counted = np.zeros(len(posts), np.bool_)
    counted[[slot for _, _, slot in sorted(dated)[:total]]] = True
    return vectors.Stock(counted, total)


def _merged(
    index: Index,
    posts: Posts,
    near: list[Near],
    changed: frozenset[int],
    gone: frozenset[int],
    altered: frozenset[int],
    keep: int,
) -> tuple[list[Near], frozenset[int]]:
    """The lists after ``changed`` posts got other scores and others are ``gone``, and which of them are other ones.

    Changed posts are compared with all. In every other list the entries of changed posts give way to their new
    scores, as far as these are above the list's bound; one that becomes too short is searched anew.
    """
    import numpy as np

    empty = np.zeros(0, np.int64)
    stale = np.zeros(len(posts), np.bool_)
    stale[[*changed, *gone]] = True
    holders = _holders(near, stale)
    bounds = np.array([each.bound for each in near], np.int64)
    bounds[stale] = np.iinfo(np.int64).max
    arrivals: dict[int, list[tuple[int, int]]] = defaultdict(list)
    near = [Near(empty, empty, 0) if slot in gone else each for slot, each in enumerate(near)]
    for slot, scores in _scores(index, posts, changed):
        near[slot] = _best_of(scores, _needed(_post(posts, slot), keep))
        for other in np.flatnonzero(scores > bounds).tolist():
            arrivals[other].append((slot, int(scores[other])))
    again = []
    for slot in (holders | arrivals.keys() | altered) - changed - gone:
        slots, scores, bound = near[slot]
        stays = ~stale[slots]
        arrived = np.array(arrivals.get(slot, ()), np.int64).reshape(-1, 2)
        slots = np.concatenate([slots[stays], arrived[:, 0]])
        scores = np.concatenate([scores[stays], arrived[:, 1]])
        need = _needed(_post(posts, slot), keep)
        if len(slots) < need and bound > 0:
            again.append(slot)
        else:
            near[slot] = _best(slots, scores, bound, need)
    for slot, scores in _scores(index, posts, again):
        near[slot] = _best_of(scores, _needed(_post(posts, slot), keep))
    return near, frozenset(holders | arrivals.keys() | changed) - gone


def _holders(near: list[Near], wanted: Array) -> set[int]:
    """The slots of the lists that hold one of the wanted posts (a mask)."""
    import numpy as np

    lengths = [len(each.slots) for each in near]
    slots = np.concatenate([np.zeros(0, np.int64), *(each.slots for each in near)])
    return set(np.repeat(np.arange(len(near)), lengths)[wanted[slots]].tolist())


def _showing(posts: Posts, old: Posts, near: list[Near], altered: frozenset[int]) -> frozenset[int]:
    """The posts whose lists show something of an altered one: its own, and those that have it or pin it."""
    import numpy as np

    mask = np.zeros(len(posts), np.bool_)
    mask[list(altered)] = True
    names = {post.path for slot in altered for post in (posts[slot], old[slot]) if post is not None}
    pinning = {slot for slot, post in enumerate(posts) if post and post.pin and not names.isdisjoint(post.pin)}
    return frozenset(slot for slot in {*altered, *_holders(near, mask), *pinning} if posts[slot] is not None)


# Scores.


@cache
def _nearness() -> Array:
    """By days apart. The last value stands for all that is farther."""
    import numpy as np

    days = range(_FARTHEST + 1)
    return np.array([round(_ONE / (1 + _TIME_WEIGHT * math.log1p(each / _TIME_UNIT))) for each in days], np.int64)


def _scores(index: Index, posts: Posts, slots: Collection[int]) -> Iterator[tuple[int, Array]]:
    """(slot, its scores with all slots as int64), ascending; 0 with itself."""
    import numpy as np

    from octavo import vectors

    nearness = _nearness()
    undated = np.array([post is None or post.day is None for post in posts], np.bool_)
    days = np.array([post.day if post and post.day is not None else 0 for post in posts], np.int64)
    for slot, products in vectors.products(index, slots, len(posts)):
        apart = np.minimum(np.abs(days - days[slot]), _FARTHEST)
        apart[undated if not undated[slot] else slice(None)] = _UNDATED
        scores = products.astype(np.int64) * nearness[apart]
        scores[slot] = 0
        yield slot, scores


def _best_of(scores: Array, need: int) -> Near:
    import numpy as np

    slots = np.flatnonzero(scores)
    return _best(slots, scores[slots], 0, need)


def _best(slots: Array, scores: Array, bound: int, need: int) -> Near:
    """The best of what is known above ``bound``: at least ``need`` if there are as many, and some to spare.

    What is left out has no score above the new bound. Equal scores stay or go together.
    """
    import numpy as np

    most = need + _SPARE
    if len(scores) <= most:
        return Near(slots, scores, bound)
    bound_now = int(np.partition(scores, len(scores) - most - 1)[len(scores) - most - 1])
    above = scores > bound_now
    if np.count_nonzero(above) < need:
        bound_now = int(max(scores[scores < bound_now], default=bound))
        above = scores > bound_now
    return Near(slots[above], scores[above], bound_now)


# Reasons.


def _explained(
    index: Index, order: Order, known: Mapping[int, str], changed: frozenset[int], load: Load
) -> dict[int, str]:
    """Why each of the first entries is in the lists of some slots: JSON of {path: [[is a tag, text, share], …]}.

    ``known`` are the reasons given so far; they hold between posts that are not ``changed``.
    """
    from octavo import vectors

    lists: dict[int, dict[int, object]] = {}
    wanted: dict[int, dict[int, None]] = defaultdict(dict)
    for slot, text in known.items():
        before = json.loads(text) if text and slot not in changed else {}
        lists[slot] = {}
        for other in order.to_explain(slot):
            path = _post(order.posts, other).path
            lists[slot][other] = before.get(path) if other not in changed else None
            if lists[slot][other] is None:
                # Both have the same reasons for each other, and a changed post gives them to all that list it at once.
                one, two = (other, slot) if other in changed and slot not in changed else (slot, other)
                if one not in wanted.get(two, ()):
                    wanted[one][two] = None
    found: dict[tuple[int, int], object] = {}
    for slot, shared in vectors.shared(index, wanted, len(order.posts), _TERMS):
        words = vectors.words_of(
            load(_post(order.posts, slot).path), [key for each in shared.values() for key in each.keys]
        )
        for other, common in shared.items():
            strongest = list(zip(itertools.islice(words, len(common.keys)), common.parts, strict=True))
            found[slot, other] = found[other, slot] = _reasons(strongest, common.product)
    return {
        slot: json.dumps(
            {
                _post(order.posts, other).path: found[slot, other] if reasons is None else reasons
                for other, reasons in entries.items()
            },
            ensure_ascii=False,
        )
        for slot, entries in lists.items()
    }


def _reasons(terms: list[tuple[str, int]], product: int) -> list[tuple[bool, str, float]]:
    """(is a tag, text, share) of what carried most of a product; ``terms`` with their parts, the greatest first.

    A word is told within the phrase that holds it, and a tag stands for the same words.
    """
    groups: list[tuple[int, str, frozenset[str], bool]] = []
    for term, part in terms:
        is_tag, text, words = _read(term)
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
    shares = [(is_tag, text, round(part / product, 2)) for part, text, _, is_tag in groups[:_REASONS]]
    return [shares[0], *(each for each in shares[1:] if each[2])]


@lru_cache(1 << 14)
def _read(term: str) -> tuple[bool, str, frozenset[str]]:
    text = term.removeprefix(TAG)
    return text != term, text, frozenset(text.split(" "))


# State.


def _state(ranking: Ranking) -> State:
    import numpy as np

    near = ranking.near
    none = np.zeros(0, np.int64)
    return State(
        keep=ranking.keep,
        total=ranking.total,
        posts=ranking.posts,
        index=tuple(array.tobytes() for array in ranking.index),
        lengths=np.array([len(each.slots) for each in near], np.uint32).tobytes(),
        partners=np.concatenate([none, *(each.slots for each in near)]).astype(np.uint32).tobytes(),
        scores=np.concatenate([none, *(each.scores for each in near)]).tobytes(),
        bounds=np.array([each.bound for each in near], np.int64).tobytes(),
        why=tuple(ranking.why),
    )


def _index_of(state: State) -> Index:
    from octavo import vectors

    return vectors.from_bytes(state.index, len(state.posts))


def _near_of(state: State, size: int) -> list[Near]:
    """The lists of the first slots, and empty ones up to ``size``."""
    import numpy as np

    ends = np.cumsum(np.frombuffer(state.lengths, np.uint32)).tolist()
    partners = np.frombuffer(state.partners, np.uint32).astype(np.int64)
    scores = np.frombuffer(state.scores, np.int64)
    bounds = np.frombuffer(state.bounds, np.int64).tolist()
    near = [
        Near(partners[start:end], scores[start:end], bound)
        for start, end, bound in zip([0, *ends], ends, bounds, strict=False)
    ]
    return near + [Near(partners[:0], scores[:0], 0)] * (size - len(near))
