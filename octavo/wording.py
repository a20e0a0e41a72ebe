"""The terms that two posts share, told as their authors write them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from octavo.model import Candidate, says_more
from octavo.spelling import spelled
from octavo.terms import TAG, tag_term, words_of, written

_TOLD = 3
"""The most terms that are told of a pair."""


class Wording:
    """How some posts, by number, write their terms. ``spell`` gives the spelling of one by its path."""

    def __init__(self, posts: Sequence[Candidate], spell: Callable[[str], str]) -> None:
        self._posts, self._spell = posts, spell
        self._spellings: dict[int, str] = {}
        self._titles: dict[int, dict[str, str]] = {}
        self._spelled: dict[int, dict[str, tuple[str, bool] | None]] = {}

    def read(self, numbers: Iterable[int]) -> None:
        """Have the spellings of some posts at hand: where lists are made in other processes, nothing else is."""
        for number in numbers:
            self._spelling(number)

    def reasons(self, terms: Sequence[tuple[str, int]], one: int, two: int) -> list[dict[str, Any]]:
        """The terms to tell of a pair, as ``Relations`` writes reasons, from those that carried most, which come with
        their hundredths of the score, the greatest first.

        A plain word has to carry twice as much as one that says more: where posts are few, the words that are rare by
        chance are many.
        """
        terms = _apart(terms)
        told = [(share, *self._told(text, one, two)) for text, share in terms[:_TOLD]]
        if len(terms) > _TOLD and not all(says_more(*each[1:]) for each in told):
            told += [(share, *self._told(text, one, two)) for text, share in terms[_TOLD:]]
            worth = sorted((-each[0] * (2 if says_more(*each[1:]) else 1), at) for at, each in enumerate(told))
            told = [told[at] for at in sorted([at for _, at in worth[:_TOLD]])]
        return [
            {"kind": kind, "text": text, **({"code": True} if is_code else {}), "share": share / 100}
            for share, kind, text, is_code in told
        ]

    def _told(self, text: str, one: int, two: int) -> tuple[str, str, bool]:
        """The kind of a term, its words, and whether they are code: as code before all, and not in lower case where
        there is a choice. The first post speaks for the second."""
        if text.startswith(TAG):
            plain = text.removeprefix(TAG)
            return "tag", self._title(one).get(plain) or self._title(two).get(plain) or plain, False
        first = self._found(one, text)
        if first is not None and first[1]:
            return "term", *first
        second = self._found(two, text)
        if second is not None and second[1]:
            return "term", *second
        title = self._title(one).get(text)
        if title is None and first is None:
            title = self._title(two).get(text)
        shown = title or (first or second or (text, False))[0]
        return "term", shown, False

    def _found(self, number: int, text: str) -> tuple[str, bool] | None:
        """``spelled``, once for a post and a term: what a post is about, it shares with many."""
        known = self._spelled.setdefault(number, {})
        if text not in known:
            known[text] = spelled(self._spelling(number), text)
        return known[text]

    def _spelling(self, number: int) -> str:
        spelling = self._spellings.get(number)
        if spelling is None:
            spelling = self._spellings[number] = self._spell(self._posts[number].path)
        return spelling

    def _title(self, number: int) -> dict[str, str]:
        """The terms of a post's title and its tags as they are written there."""
        title = self._titles.get(number)
        if title is None:
            post = self._posts[number]
            tags = {tag_term(tag).removeprefix(TAG): tag for tag in reversed(post.tags)}
            title = self._titles[number] = {**written(post.title), **tags}
        return title


def _apart(terms: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
    """Where there are no blanks between words, terms may overlap, as ``数据库`` and ``据库优`` do: the first is told
    for both."""
    if all(text.isascii() for text, _ in terms):
        return list(terms)
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
