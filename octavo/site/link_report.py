"""The report on how the posts of a site hang together: links and tags.

It names the posts that nobody is led to, those offered too often, those that say the same, links that are missing, and
tags that are one. Everything follows from what a build knows anyway. Nothing here changes a page.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from statistics import median
from typing import NamedTuple

from octavo.base.diagnostics import Span
from octavo.base.source_text import SourceText, decode
from octavo.content import front_matter
from octavo.engine.facts import Ask
from octavo.engine.records import Records
from octavo.model.queries import Source
from octavo.model.related import Relation, decode_all
from octavo.related.terms import TAG
from octavo.site.page_facts import load_relations
from octavo.site.post_index import PostIndex
from octavo.site.sentences import Sentence, locate_words, split_sentences

_CROWDED = 5
_CROWDED_LEAST = 8
"""A post is offered too often in more than so many times the lists that a post is in on average, and in so many."""

_ALIKE = 0.25
_SAME = 0.6
_SHINGLE = 5
"""Posts whose score is at least ``_ALIKE`` are compared word by word: they are near-duplicates when at least the part
``_SAME`` of the runs of ``_SHINGLE`` words of the shorter one stands in the other."""

_NEAR = 10
_COVERED = 0.6
_RARE = 0.05
_VERY_RARE = 0.01
_MOST = 3
"""A link may be missing to one of the first ``_NEAR`` posts of a list, where a phrase has words that carry the part
``_COVERED`` of the weight of its title, one of them in no more than the part ``_RARE`` of the posts; a single word has
to be in no more than the part ``_VERY_RARE``. The ``_MOST`` likeliest of a post are told."""

_SUPPORT = 3
"""Posts of the list, out of the first five, that have a tag which the post itself may lack."""

_UNTAGGED = 0.2
"""Posts without a tag are told where they are no more than this part: else the author does without."""

_COMMON = 0.25
"""A tag of more posts than this part is more of a section: that one has it and another not says little."""

_LOOKED_AT = 25
"""Posts with a tag, the newest, that tell how often such posts speak of it."""


@dataclass(frozen=True)
class Crowded:
    """A post that is in many lists."""

    path: str
    lists: int


@dataclass(frozen=True)
class Duplicate:
    """Two posts that say the same.

    ``share`` is the part of the shorter one that stands in the other, 0 to 1.
    """

    path: str
    other: str
    share: float


@dataclass(frozen=True)
class MissedLink:
    """A sentence of a post that speaks of another (``target``) without a link.

    ``words`` are those that could be the link.
    """

    path: str
    target: str
    score: float
    span: Span | None
    sentence: str
    words: str


@dataclass(frozen=True)
class SimilarTags:
    """Tags that are nearly one, each with how many posts have it.

    The most used comes first.
    """

    tags: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class MissingTag:
    """A tag that a post may lack.

    So many ``posts`` of the first in its list have it, and it speaks of it as much as they do.
    """

    path: str
    tag: str
    posts: int


@dataclass(frozen=True)
class LinkReport:
    """All findings of one report.

    ``reached`` is the part of the posts that a list leads to, 0 to 1.
    """

    posts: int = 0
    reached: float = 0.0
    unreached: tuple[str, ...] = ()
    crowded: tuple[Crowded, ...] = ()
    duplicates: tuple[Duplicate, ...] = ()
    same_titles: tuple[tuple[str, ...], ...] = ()
    missed_links: tuple[MissedLink, ...] = ()
    similar_tags: tuple[SimilarTags, ...] = ()
    missing_tags: tuple[MissingTag, ...] = ()
    untagged: tuple[str, ...] = ()
    single_tags: tuple[str, ...] = ()


def inspect(index: PostIndex, lists: Records, documents: Records, ask: Ask, only: str | None = None) -> LinkReport:
    """Report on a site, or on one of its posts.

    With ``only`` it is what concerns the post at that path. ``lists`` are the records of the related step,
    ``documents`` those of ``parse``; ``ask`` answers ``Source``.
    """
    return _Inspection(index, lists, documents, ask, only).report()


class _Inspection:
    def __init__(self, index: PostIndex, lists: Records, documents: Records, ask: Ask, only: str | None) -> None:
        self._index, self._records, self._documents, self._ask, self._only = index, lists, documents, ask, only
        self._paths = tuple(sorted(index.places))
        self._asked = self._paths if only is None else (only,)
        self._lists: dict[str, tuple[Relation, ...]] = {}
        self._words: dict[str, tuple[str, ...]] = {}
        self._usual: dict[str, float] = {}

    def _list(self, path: str) -> tuple[Relation, ...]:
        if path not in self._lists:
            count = self._index.settings.related.count
            self._lists[path] = decode_all(load_relations(self._records, path, 2 * count + _NEAR, count))
        return self._lists[path]

    def report(self) -> LinkReport:
        posts = len(self._paths)
        lists_of = Counter(path for first in self._records.column("first").values() for path in first.paths())
        linked = {target for path in self._index.by_path for target in self._index.targets.get(path, ())}
        unreached = (path for path in self._paths if path not in lists_of and path not in linked)
        return LinkReport(
            posts=posts,
            reached=round(len(lists_of) / posts, 4) if posts else 0.0,
            unreached=tuple(path for path in unreached if self._is(path)),
            crowded=tuple(self._crowded(lists_of)),
            duplicates=self._duplicates,
            same_titles=tuple(self._same_titles()),
            missed_links=tuple(self._missed_links()),
            similar_tags=tuple(self._similar_tags()),
            missing_tags=tuple(self._missing_tags()),
            untagged=tuple(self._untagged()),
            single_tags=tuple(self._single_tags()),
        )

    def _is(self, *paths: str) -> bool:
        return self._only is None or self._only in paths

    def _crowded(self, lists_of: Counter[str]) -> Iterator[Crowded]:
        most = max(_CROWDED * sum(lists_of.values()) / max(len(self._paths), 1), _CROWDED_LEAST)
        for path, lists in sorted(lists_of.items(), key=lambda each: (-each[1], each[0])):
            if lists > most and self._is(path):
                yield Crowded(path, lists)

    # Posts that say the same.

    @cached_property
    def _duplicates(self) -> tuple[Duplicate, ...]:
        alike = {(path, each.path) for path in self._asked for each in self._list(path) if each.score >= _ALIKE}
        pairs = sorted({(min(pair), max(pair)) for pair in alike})
        shares = ((path, other, self._share(path, other)) for path, other in pairs)
        return tuple(Duplicate(path, other, round(share, 2)) for path, other, share in shares if share >= _SAME)

    def _same_titles(self) -> Iterator[tuple[str, ...]]:
        titles: dict[str, list[str]] = {}
        for path in self._paths:
            titles.setdefault(self._index.by_path[path].title.casefold(), []).append(path)
        for _, paths in sorted(titles.items()):
            if len(paths) > 1 and self._is(*paths):
                yield tuple(paths)

    def _share(self, path: str, other: str) -> float:
        one, two = (_shingles(self._text(each)) for each in (path, other))
        return len(one & two) / min(len(one), len(two)) if one and two else 0.0

    def _text(self, path: str) -> tuple[str, ...]:
        if path not in self._words:
            self._words[path] = tuple(_WORD.findall(" ".join(each.text for each in self._sentences(path)).lower()))
        return self._words[path]

    def _sentences(self, path: str) -> Iterator[Sentence]:
        source = self._source(path)
        if source is not None:
            yield from split_sentences(source, front_matter.read(source).body_line)

    def _source(self, path: str) -> SourceText | None:
        return decode(path, self._ask(Source(path)) or b"")[0]

    # Links.

    def _missed_links(self) -> Iterator[MissedLink]:
        """The likeliest first."""
        missed = [each for path in self._asked for each in self._missed_in(path)]
        missed.sort(key=lambda each: (-each[0], each[1].path, each[1].target))
        yield from (link for _, link in missed)

    def _missed_in(self, path: str) -> list[tuple[float, MissedLink]]:
        """The links that one post may lack, each with how likely it is: at the best phrase for the post it leads to."""
        targets = self._index.targets
        own_targets, own_words = targets.get(path, ()), {*self._title(path)}
        # Of two that say the same one has to go, rather than lead to the other.
        same = {
            other for pair in self._duplicates if path in (pair.path, pair.other) for other in (pair.path, pair.other)
        }
        likely = [
            each
            for each in self._list(path)[:_NEAR]
            if each.path not in own_targets and path not in targets.get(each.path, ()) and each.path not in same
        ]
        own_sentences = [(each, list(_WORD.finditer(each.free))) for each in self._sentences(path)] if likely else []
        missed: list[tuple[float, MissedLink]] = []
        for each in likely:
            weights = {word: self._weight(word) for word in self._title(each.path)}
            least = _COVERED * sum(weights.values())
            phrases = [(_phrase(words, weights), -number) for number, (_, words) in enumerate(own_sentences)]
            telling = [one for one in phrases if one[0].weight > least and self._is_telling({*one[0].words}, own_words)]
            if least and telling:
                phrase, number = max(telling, key=lambda one: (one[0].weight, one[1]))
                link = self._link(path, each, own_sentences[-number][0], phrase)
                missed.append((each.score * phrase.weight / least, link))
        return sorted(missed, key=lambda each: (-each[0], each[1].target))[:_MOST]

    def _link(self, path: str, relation: Relation, sentence: Sentence, phrase: _Phrase) -> MissedLink:
        end = phrase.end
        if "(" in sentence.free[phrase.start : end] and sentence.free[end : end + 1] == ")":
            end += 1
        words, source = sentence.free[phrase.start : end], self._source(path)
        span = locate_words(source, sentence, words) if source is not None else None
        return MissedLink(path, relation.path, relation.score, span, sentence.text, words)

    def _is_telling(self, words: set[str], own: set[str]) -> bool:
        """Whether some words of a title mean that post: not when all of them are common, or are what the post that
        has them is about itself."""
        posts = min((self._frequencies[word] for word in words - own), default=len(self._paths))
        return posts <= max(2, (_RARE if len(words) > 1 else _VERY_RARE) * len(self._paths))

    def _title(self, path: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(_WORD.findall(self._index.by_path[path].title.lower())))

    def _weight(self, word: str) -> float:
        """Rare words weigh more; those that are no terms, such as articles, nothing."""
        posts = self._frequencies.get(word, 0)
        return math.log((len(self._paths) + 1) / posts) if posts else 0.0

    @cached_property
    def _frequencies(self) -> Counter[str]:
        """Words -> the posts that have them."""
        frequencies: Counter[str] = Counter()
        for path, terms in self._documents.column("terms").items():
            if path in self._index.places:
                words = terms.words.split("\n")
                frequencies.update(word for word in words if " " not in word and not word.startswith(TAG))
        return frequencies

    # Tags.

    @cached_property
    def _tags(self) -> dict[str, tuple[str, ...]]:
        """Tag -> the posts that have it."""
        index = self._index
        return {
            index.published.groups["tag", slug].name: tuple(post.path for post in posts)
            for slug, posts in index.groups["tag"].items()
        }

    def _similar_tags(self) -> Iterator[SimilarTags]:
        tags = self._tags
        by_key: dict[str, list[str]] = {}
        for tag in sorted(tags):
            by_key.setdefault(_tag_key(tag), []).append(tag)
        groups = {tuple(group) for group in by_key.values() if len(group) > 1}
        for one, two in combinations(sorted(tags), 2):
            if min(len(tags[one]), len(tags[two])) == 1 and _is_typo(one.casefold(), two.casefold()):
                groups.add((one, two))
        for group in sorted(groups):
            if self._is(*(path for tag in group for path in tags[tag])):
                by_use = sorted(group, key=lambda tag: (-len(tags[tag]), tag))
                yield SimilarTags(tuple((tag, len(tags[tag])) for tag in by_use))

    def _missing_tags(self) -> Iterator[MissingTag]:
        posts = self._index.by_path
        for path in self._asked:
            own = {tag.name for tag in posts[path].tags}
            near = Counter(tag.name for each in self._list(path)[:5] for tag in posts[each.path].tags)
            for tag, count in sorted(near.items()):
                is_common = len(self._tags[tag]) > _COMMON * len(self._paths)
                if count >= _SUPPORT and tag not in own and not is_common and self._speaks_of(path, tag):
                    yield MissingTag(path, tag, count)

    def _untagged(self) -> Iterator[str]:
        """Posts without tags, on a site where others have some."""
        without = [path for path in self._paths if not self._index.by_path[path].tags]
        if len(without) <= _UNTAGGED * len(self._paths):
            yield from (path for path in without if self._is(path))

    def _speaks_of(self, path: str, tag: str) -> bool:
        """Whether a post has the words of a tag in its title, or speaks of it as often as the posts do that have it."""
        words = tuple(_WORD.findall(tag.lower()))
        if words and set(words) <= set(self._title(path)):
            return True
        return self._times(path, words) >= max(3, self._usual_times(tag, words))

    def _times(self, path: str, words: tuple[str, ...]) -> int:
        text, length = self._text(path), len(words)
        return sum(text[at : at + length] == words for at in range(len(text) - length + 1)) if words else 0

    def _usual_times(self, tag: str, words: tuple[str, ...]) -> float:
        """The median over the posts that have a tag, of which not more than some are looked at."""
        if tag not in self._usual:
            self._usual[tag] = median(self._times(path, words) for path in self._tags[tag][:_LOOKED_AT])
        return self._usual[tag]

    def _single_tags(self) -> Iterator[str]:
        for tag, paths in sorted(self._tags.items()):
            if len(paths) == 1 and self._is(*paths):
                yield tag


_WORD = re.compile(r"[^\W_]+(?:[+#]+|_\w+)*")


def _shingles(words: tuple[str, ...]) -> set[tuple[str, ...]]:
    return {words[at : at + _SHINGLE] for at in range(len(words) - _SHINGLE + 1)}


class _Phrase(NamedTuple):
    """A part of a text with those of the words sought that it has, and their weight."""

    start: int
    end: int
    words: tuple[str, ...]
    weight: float


def _phrase(matches: Iterable[re.Match[str]], weights: Mapping[str, float]) -> _Phrase:
    """The heaviest run of some words in a text, with no more than two others between any of them."""
    best = run = _Phrase(0, 0, (), 0.0)
    others = 0
    for match in matches:
        word = match[0].lower()
        weight = weights.get(word, 0.0)
        if weight <= 0:
            others += 1
            continue
        if others > 2:
            run = _Phrase(match.start(), 0, (), 0.0)
        start = run.start if run.words else match.start()
        run = _Phrase(start, match.end(), (*run.words, word), run.weight + weight * (word not in run.words))
        others = 0
        best = max(best, run, key=lambda phrase: phrase.weight)
    return best


def _tag_key(tag: str) -> str:
    """One key for tags that differ in the order of their words, in hyphens or blanks, or in number alone."""
    words = [_singular(word) for word in _WORD.findall(tag.casefold().replace("_", " "))]
    return "".join(sorted(words)) if words else tag


def _singular(word: str) -> str:
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    return word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word


def _is_typo(one: str, two: str) -> bool:
    """Whether two long words differ in one letter, or in two that have changed places."""
    if min(len(one), len(two)) < 6 or abs(len(one) - len(two)) > 1 or one[0] != two[0]:
        return False
    if re.sub(r"\D", "", one) != re.sub(r"\D", "", two):
        return False
    start = next((at for at, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), min(len(one), len(two)))
    rest, other = one[start:], two[start:]
    swapped = len(rest) > 1 and rest[1::-1] + rest[2:] == other
    return swapped or rest[1:] == other[1:] or rest[1:] == other or rest == other[1:]
