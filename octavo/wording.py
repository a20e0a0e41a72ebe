"""The terms that two posts share, told as their authors write them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

from octavo.model import Candidate, Reason, says_more
from octavo.spelling import spelled
from octavo.terms import TAG, tag_term, words_of, written

_TOLD = 3
"""The most terms that are told of a pair."""


Form = tuple[str | None, tuple[str, bool] | None]
"""A term as the title or the tags of a post have it, and as its text spells it (and whether as code); None where that
is in lower case."""


class Wording:
    """How some posts, by number, write their terms. ``spell`` gives the spelling of one by its path."""

    def __init__(self, posts: Sequence[Candidate], spell: Callable[[str], str]) -> None:
        self._posts, self._spell = posts, spell
        self._known: dict[int, _Forms] = {}
        self._as_it_is = _AsItIs()

    def read(self, numbers: Iterable[int]) -> None:
        """Have the spellings of some posts at hand: where lists are made in other processes, nothing else is."""
        for number in numbers:
            self._forms(number)

    def reasons(self, terms: Sequence[tuple[str, int]], one: int, two: int) -> list[Reason]:
        """The terms to tell of a pair, from those that carried most, which come with their hundredths of the score, the
        greatest first.

        A plain word has to carry twice as much as one that says more: where posts are few, the words that are rare by
        chance are many.
        """
        terms = _apart(terms)
        ours, theirs = self._forms(one), self._forms(two)
        told = [(share, self._told(text, ours[text], theirs[text])) for text, share in terms[:_TOLD]]
        if len(terms) > _TOLD and False in [term.says_more for _, term in told]:
            told += [(share, self._told(text, ours[text], theirs[text])) for text, share in terms[_TOLD:]]
            worth = sorted([(-share * (2 if term.says_more else 1), at) for at, (share, term) in enumerate(told)])
            told = [told[at] for at in sorted([at for _, at in worth[:_TOLD]])]
        return [Reason(kind, text, share / 100, is_code) for share, (kind, text, is_code, _) in told]

    def _told(self, text: str, first: Form | None, second: Form | None) -> _Told:
        """As code before all, and not in lower case where there is a choice. The first post speaks for the second."""
        if first is None and second is None:
            return self._as_it_is[text]
        (title, spelling), (other_title, other_spelling) = first or _PLAIN, second or _PLAIN
        if text.startswith(TAG):
            return _told("tag", title or other_title or text.removeprefix(TAG))
        for each in (spelling, other_spelling):
            if each is not None and each[1]:
                return _told("term", *each)
        if title is None and spelling is None:
            title = other_title
        return _told("term", title or (spelling or other_spelling or (text, False))[0])

    def _forms(self, number: int) -> _Forms:
        forms = self._known.get(number)
        if forms is None:
            post = self._posts[number]
            tags = {tag_term(tag).removeprefix(TAG): tag for tag in reversed(post.tags)}
            forms = self._known[number] = _Forms({**written(post.title), **tags}, self._spell(post.path))
        return forms


class _Forms(dict[str, "Form | None"]):
    """The terms that a post writes in another way than they are counted; None for others. Each is found once: what a
    post is about, it shares with many."""

    def __init__(self, titles: Mapping[str, str], spelling: str) -> None:
        self._titles, self._spelling = titles, spelling

    def __missing__(self, text: str) -> Form | None:
        if text.startswith(TAG):
            form: Form = self._titles.get(text.removeprefix(TAG)), None
        else:
            form = self._titles.get(text), spelled(self._spelling, text) if self._spelling else None
        self[text] = found = None if form == _PLAIN else form
        return found


_PLAIN: Form = (None, None)


class _Told(NamedTuple):
    """The kind of a term, its words, whether they are code, and whether they say more than a plain word."""

    kind: Literal["term", "tag"]
    text: str
    is_code: bool
    says_more: bool


def _told(kind: Literal["term", "tag"], text: str, is_code: bool = False) -> _Told:
    return _Told(kind, text, is_code, says_more(kind, text, is_code))


class _AsItIs(dict[str, _Told]):
    """Terms told as they are counted."""

    def __missing__(self, text: str) -> _Told:
        kind: Literal["term", "tag"] = "tag" if text.startswith(TAG) else "term"
        self[text] = found = _told(kind, text.removeprefix(TAG))
        return found


def _apart(terms: Sequence[tuple[str, int]]) -> Sequence[tuple[str, int]]:
    """Where there are no blanks between words, terms may overlap, as ``数据库`` and ``据库优`` do: the first is told
    for both."""
    if "".join([text for text, _ in terms]).isascii():
        return terms
    shares: dict[str, int] = {}
    known: dict[str, str] = {}
    for text, share in terms:
        parts = words_of(text.removeprefix(TAG))
        leads = text
        if not text.isascii() and len(parts) > len(text.split(" ")):
            leads = next((known[part] for part in parts if part in known), text)
        for part in parts:
            known.setdefault(part, leads)
        shares[leads] = shares.get(leads, 0) + share
    return sorted(shares.items(), key=lambda each: -each[1])
