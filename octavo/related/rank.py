"""Related articles: for every post, the posts most like it, each with the reasons.

Two posts are as alike as the cosine of their term vectors, times how near they are in time. The lists are those of a
full comparison whatever happened before; with the state of an earlier run, only what a change can reach is computed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import zip_longest
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from octavo.base.lazy_mapping import LazyMapping
from octavo.base.memory import release_memory
from octavo.engine.codec import Codec, codec
from octavo.engine.facts import Ask
from octavo.engine.scheduler import Share
from octavo.engine.store import CorruptStore
from octavo.model.documents import Terms
from octavo.model.queries import Corpus, Setting, SpellingOf, TermsOf
from octavo.model.related import Candidate, Reason, RelatedList, Relation, RelationsJson
from octavo.model.settings import RelatedSettings
from octavo.related.list_order import FREE, ListEntry, ListOrder, Posts, place_every_post
from octavo.related.spelling import Wording
from octavo.related.summaries import summarize_relations

if TYPE_CHECKING:
    from octavo.related.explain import ReasonTable, WordedReasons
    from octavo.related.index import DocumentFrequencies
    from octavo.related.search import RankingContext
    from octavo.related.term_keys import Array

KEEP = 20
"""The most entries in a post's list, unless its page shows more than half as many."""


Load = Callable[[str], Terms]
Spell = Callable[[str], str]

_SIZES: Codec[tuple[int, int]] = codec(tuple[int, int])
_SHAPE: Codec[tuple[int, bool]] = codec(tuple[int, bool])
_PATHS: Codec[tuple[str, ...]] = codec(tuple[str, ...])
_Texts = tuple[str, ...]
_About = tuple[str, str, str | None, _Texts, _Texts, bytes, _Texts, _Texts, int | None, bytes]
_ABOUT: Codec[tuple[_About, ...]] = codec(tuple[_About, ...])


@dataclass(frozen=True, slots=True)
class RankState:
    """What one run leaves for the next, by slot, as bytes.

    ``posts`` are rows of ``_about``, ``placed`` the paths whose lists were other ones than by rank, the others a
    TermIndex, a Near and a ReasonTable.
    """

    keep: int
    total: int
    posts: bytes
    index: tuple[bytes, ...]
    near: tuple[bytes, ...]
    why: tuple[bytes, ...]
    placed: bytes = _PATHS.encode(())

    def pieces(self) -> dict[str, bytes]:
        """The state as it is kept: a small change alters few pieces."""
        pieces = {"": _SIZES.encode((self.keep, self.total)), "posts": self.posts, "placed": self.placed}
        for kind in _PIECES:
            pieces.update((f"{kind} {number:03}", piece) for number, piece in enumerate(getattr(self, kind)))
        return pieces

    @classmethod
    def of(cls, pieces: Mapping[str, bytes]) -> RankState:
        """Raises CorruptStore where a piece is missing or is something else."""
        names = sorted(pieces)
        try:
            keep, total = _SIZES.decode(pieces[""])
        except (KeyError, ValueError) as problem:
            raise CorruptStore(f"the state of related posts cannot be read: {problem}") from problem
        index, near, why = (tuple(pieces[name] for name in names if name.startswith(f"{kind} ")) for kind in _PIECES)
        return cls(keep, total, pieces.get("posts", b""), index, near, why, pieces.get("placed", b""))


_PIECES = ("index", "near", "why")


@contextmanager
def _reading() -> Iterator[None]:
    """Raises CorruptStore where what is read of a state was not written so."""
    try:
        yield
    except ValueError as problem:
        raise CorruptStore(f"the state of related posts cannot be read: {problem}") from problem


def relate(
    ask: Ask, state: Mapping[str, bytes] | None, share: Share
) -> tuple[RelatedRows | NoRows, Mapping[str, bytes]]:
    """The step over all posts: their lists by path.

    It also leaves the state for the next run, in pieces.
    """
    settings: RelatedSettings = ask(Setting("related")) or RelatedSettings()
    count, shape = settings.count, _SHAPE.encode((settings.count, settings.reach_all))
    if not count:
        return NoRows(), {"shape": shape}
    # Lists that are divided elsewhere are made anew.
    previous = RankState.of(state) if state is not None and state.get("shape") == shape else None
    lists, new_state = rank(
        ask(Corpus()) or (),
        lambda path: ask(TermsOf(path)) or Terms(),
        max(KEEP, 2 * count),
        previous,
        lambda path: ask(SpellingOf(path)) or "",
        count if settings.reach_all else 0,
        share,
    )
    return RelatedRows(lists, count), {"shape": shape, **new_state.pieces()}


class NoRows(dict[str, RelatedList]):
    """For a site that shows no lists."""

    touched: frozenset[str] = frozenset()


class RelatedRows(LazyMapping[str, RelatedList]):
    """Lists in the shape in which they are stored."""

    def __init__(self, lists: RelatedLists, count: int) -> None:
        super().__init__(lists, lambda path: _row(lists[path], count))
        self.touched = lists.touched


def _row(entries: list[Relation], count: int) -> RelatedList:
    first, rest = entries[:count], entries[count:]
    return RelatedList(RelationsJson.of(first), RelationsJson.of(rest), summarize_relations(first))


_ALONE = Share()


def rank(
    candidates: Iterable[Candidate],
    load: Load,
    keep: int = KEEP,
    previous: RankState | None = None,
    spell: Spell = lambda path: "",
    reached: int = 0,
    share: Share = _ALONE,
) -> tuple[RelatedLists, RankState]:
    """The lists of all candidates, and the state for the next run.

    A list has at most ``keep`` entries.

    ``load`` gives the terms of a post by path, and ``spell`` its spelling; they change only with ``Candidate.terms``
    and ``Candidate.spelling``. With ``reached``, the first so many entries of all lists together have every post, as
    far as that is possible. The lists depend neither on ``previous`` nor on the order of the candidates.
    """
    everyone = {candidate.path: candidate for candidate in candidates}
    posts = tuple(everyone[path] for path in sorted(everyone) if everyone[path].related)
    ranking = _updated(posts, load, previous) if previous is not None and previous.keep == keep else None
    ranking = ranking or _computed(posts, load, keep, share)
    order = ranking.order
    placed = place_every_post(order, reached) if reached else {}
    paths = sorted(order.posts[slot].path for slot in placed)
    with _reading():
        before = _PATHS.decode(previous.placed) if previous is not None else ()
    lists = RelatedLists(everyone, ranking, spell, placed, frozenset([*paths, *before]).intersection(everyone))
    return lists, replace(ranking.state, placed=_PATHS.encode(tuple(paths)))


class Ranking(NamedTuple):
    """Everything by slot.

    ``touched``: the slots whose lists may differ from those of the run before.
    """

    order: ListOrder
    why: ReasonTable
    touched: Iterable[int]
    state: RankState


class RelatedLists(LazyMapping[str, list[Relation]]):
    """The lists by path.

    ``touched``: the paths whose lists may differ from those of the run whose state was given; without one, all.
    """

    def __init__(
        self,
        everyone: Mapping[str, Candidate],
        ranking: Ranking,
        spell: Spell,
        placed: Mapping[int, list[ListEntry]],
        other: frozenset[str],
    ) -> None:
        """Prepare the lists; each is made when it is asked for.

        ``placed`` are the lists, by slot, that are other ones than by rank; ``other`` are paths of lists that may
        differ besides those of the ranking.
        """
        from octavo.related import explain

        order, wording = ranking.order, Wording(ranking.order.posts, spell)
        explainer = _Explainer(order, explain.by_slot(ranking.why, len(order.posts)), wording, placed)
        super().__init__(everyone, explainer.relations)
        unranked = (path for path in everyone if path not in order.slots)
        self.touched = other.union(unranked, (order.posts[slot].path for slot in ranking.touched))
        # Read here, since lists are made in other processes as well, which have nothing else of the posts.
        touched = _mask([order.slots[path] for path in self.touched if path in order.slots], len(order.posts))
        slots_to_spell = touched | explain.mask_second_slots(ranking.why, touched)
        slots_to_spell[[entry[0] for entries in placed.values() for entry in entries]] = True
        wording.read(slots_to_spell.nonzero()[0].tolist())


@dataclass(frozen=True)
class _Explainer:
    """Makes a list with the reasons of each entry. ``why`` are the terms that a slot shares with others, ``placed`` the
    lists, by slot, that are other ones than by rank."""

    order: ListOrder
    why: Callable[[int], Mapping[int, WordedReasons]]
    wording: Wording
    placed: Mapping[int, list[ListEntry]]

    def relations(self, path: str) -> list[Relation]:
        slot = self.order.slots.get(path)
        if slot is None:
            return []
        posts, post, why = self.order.posts, self.order.posts[slot], self.why(slot)
        listed = self.placed.get(slot) or self.order.entries(slot)
        row: list[Relation] = []
        for other_slot, parts, reason in listed:
            other = posts[other_slot]
            reasons = [reason] if reason else []
            if post.links or other.links:
                reasons += _linked(other.path in post.links, post.path in other.links)
            if post.series is not None and post.series == other.series:
                reasons.append(_SERIES)
            shared_terms = why.get(other_slot) or (self.why(other_slot).get(slot) if slot in self.placed else None)
            if shared_terms:
                reasons += self.wording.reasons(shared_terms, other_slot, slot)
            row.append(Relation(other.path, parts / RelationsJson.WHOLE, tuple(reasons)))
        return row


def _linked(forth: bool, back: bool) -> Iterator[Reason]:
    if forth and back:
        yield Reason("link", "links to this article and is linked from it")
    elif back:
        yield Reason("link", "links to this article")
    elif forth:
        yield Reason("link", "linked from this article")


_SERIES = Reason("series", "same series")


# A run from nothing, and a run from the state of another one.


def _computed(posts: Posts, load: Load, keep: int, share: Share) -> Ranking:
    import numpy as np

    from octavo.related import explain, search, term_keys
    from octavo.related import index as term_index

    stock, standing = _standing(posts, keep)
    index, slots, places = term_index.build((load(post.path) for post in posts), stock)
    release_memory()
    near = search.search(index, standing, share)
    order = ListOrder(posts, near, standing, keep)
    everyone = np.ones(len(posts), np.bool_)
    pairs = order.pairs_to_explain(everyone)

    def words(terms: Array, _: Array) -> list[str]:
        return term_keys.words_at(places[terms], slots[terms], lambda slot: load(posts[slot].path))

    why = explain.explain_pairs(index, pairs, explain.NO_REASONS, everyone, words)
    state = RankState(
        keep=keep,
        total=stock.total,
        posts=_ABOUT.encode(tuple(map(_about, posts))),
        index=term_index.to_bytes(index),
        near=search.to_bytes(near),
        why=explain.to_bytes(why),
    )
    return Ranking(order, why, range(len(posts)), state)


def _updated(candidates: Posts, load: Load, previous: RankState) -> Ranking | None:
    """Computes what a change can reach and leaves the rest as it was; None when a full run costs no more."""
    import numpy as np

    from octavo.related import explain, search, term_keys
    from octavo.related import index as term_index

    with _reading():
        before = _ABOUT.decode(previous.posts)
        names = [path for path, *_ in before if path]
        if len(set(names)) != len(names):
            raise ValueError("a post has two slots")
        old_index = term_index.from_bytes(previous.index, len(before))
    change = _change(candidates, before)
    posts, size, keep = change.posts, len(change.posts), previous.keep
    stock, standing = _standing(posts, keep)
    much = len(candidates) // 8 + 8
    if stock.total != previous.total or len(change.new) + len(change.gone) > much or size > 2 * len(candidates) + 8:
        return None

    index, changed, gone = old_index, _mask(change.redated, size), _mask(change.gone, size)
    is_other = bool(change.new or change.gone or change.redated)
    if is_other:
        counted = term_index.count_posts(load(posts[slot].path) for slot in change.new)
        index, moved = term_index.update(index, change.gone, change.new, counted, stock)
        changed |= moved
    if np.count_nonzero(changed) > len(candidates) // 3 + 8:
        return None
    with _reading():
        old_near, old_why = search.from_bytes(previous.near, size), explain.from_bytes(previous.why, size)
    near, reached = search.merge(old_near, index, standing, changed, gone)
    altered = _mask(change.altered, size)
    pinning = [slot for slot, post in enumerate(posts) if post.pin and not change.names.isdisjoint(post.pin)]
    order = ListOrder(posts, near, standing, keep)
    touched = altered | search.mask_lists_with(near, altered, standing) | _mask(pinning, size)
    touched |= search.mask_changed_lists(search.rank_entries(old_near, standing, RelationsJson.WHOLE), order.ranked)
    reached = (reached | touched) & ~gone

    def words(terms: Array, slots: Array) -> list[str]:
        return term_keys.words_of(index.keys[terms], slots, lambda slot: load(posts[slot].path))

    why = explain.explain_pairs(index, order.pairs_to_explain(reached), old_why, changed, words)
    touched |= explain.mask_changed_reasons(old_why, why, size)
    why = explain.merge(old_why, why, reached | gone)
    state = RankState(
        keep=keep,
        total=stock.total,
        posts=_ABOUT.encode(tuple(change.about)),
        index=term_index.to_bytes(index) if is_other else previous.index,
        near=search.to_bytes(near),
        why=explain.to_bytes(why),
    )
    return Ranking(order, why, np.flatnonzero(touched & ~gone).tolist(), state)


class _PostChanges(NamedTuple):
    """The posts by slot, what is kept ``about`` them, and the slots of those that are ``gone``, are ``new`` or have
    other terms, have another date, are ``altered`` in what lists show of them; and the paths these have or had."""

    posts: Posts
    about: list[tuple[Any, ...]]
    gone: list[int]
    new: list[int]
    redated: list[int]
    altered: list[int]
    names: frozenset[str]


def _change(candidates: Posts, before: tuple[tuple[Any, ...], ...]) -> _PostChanges:
    """What has changed since the posts were those of ``before``, rows of ``_about`` by slot.

    A post stays in its slot, and a new one gets one that was free.
    """
    places = {path: slot for slot, (path, *_) in enumerate(before) if path}
    free = [slot for slot, (path, *_) in enumerate(before) if not path]
    posts = [FREE] * len(before)
    for post in candidates:
        if post.path in places:
            posts[places.pop(post.path)] = post
        elif free:
            posts[free.pop()] = post
        else:
            posts.append(post)
    about = list(map(_about, posts))
    rows = zip_longest(before, about, fillvalue=_about(FREE))
    others = [(slot, old, now) for slot, (old, now) in enumerate(rows) if old != now]
    *_, day, terms = range(len(_about(FREE)))
    altered = [(slot, old, now) for slot, old, now in others if old[:day] != now[:day]]
    return _PostChanges(
        posts=tuple(posts),
        about=about,
        gone=sorted(places.values()),
        new=[slot for slot, old, now in others if old[terms] != now[terms] and posts[slot] is not FREE],
        redated=[slot for slot, old, now in others if old[day] != now[day] and posts[slot] is not FREE],
        altered=[slot for slot, *_ in altered],
        names=frozenset(path for _, old, now in altered for path in (old[0], now[0])),
    )


def _standing(posts: Posts, keep: int) -> tuple[DocumentFrequencies, RankingContext]:
    """The posts that tell how common a term is: the oldest, so that a new one alters nothing for the others. And how
    posts of equal score are ordered: newer first, then by path."""
    import numpy as np

    from octavo.related import index as term_index
    from octavo.related import search

    paths = [post.path for post in posts]
    slots = sorted((slot for slot, path in enumerate(paths) if path), key=paths.__getitem__)
    days = np.array([search.UNDATED if post.day is None else post.day for post in posts], np.int64)
    undated = days == search.UNDATED
    needed = np.array([keep + len(post.pin) + len(post.block) for post in posts], np.int64)
    by_path = np.array(slots, np.int64)
    total = term_index.frequency_sample_size(len(slots))
    counted, places = np.zeros(len(posts), np.bool_), np.zeros(len(posts), np.int64)
    counted[by_path[np.lexsort((days[by_path], undated[by_path]))[:total]]] = True
    places[by_path[np.lexsort((-days[by_path], undated[by_path]))]] = np.arange(len(slots))
    return term_index.DocumentFrequencies(counted, total), search.RankingContext(days, places, needed)


# What is kept of a post: what lists show of it or depend on.
_about = attrgetter("path", "title", "series", "tags", "links", "spelling", "pin", "block", "day", "terms")


def _mask(slots: Iterable[int], size: int) -> Array:
    import numpy as np

    mask = np.zeros(size, np.bool_)
    mask[list(slots)] = True
    return mask
