"""How a post writes its words: ``outerref`` is `OuterRef`, and code; ``settings py`` is `settings.py`.

Terms are counted in lower case. Where they are told to somebody, they are told as their author writes them.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from itertools import chain
from typing import Literal, NamedTuple

from octavo.model.related import Candidate, Reason, says_more
from octavo.related.terms import TAG, spell_title, tag_term, words_of

_WORD = re.compile(r"\w+")
_SIGNED = re.compile(r"\b(?:[Cc]\+\+|[CcFf]#)")
_PAIR = re.compile(r"\b\w++(?:[.:-]|::)\w+")
_SECOND = re.compile(r"(?:\.|::?|-)\w+")
_PARTS = re.compile(r"[.:-]+")
_ENDS = (". ", "! ", "? ", ": ")
_NO_WORDS = {code: " " for code in range(128) if not chr(code).isalnum() and chr(code) not in "_\n"}
_CALL = re.compile(r"\W*(?:\w+\.)*(\w+)[(\[].*|\W*(\w+)\W*", re.DOTALL)
_CODE = "`"


def spell(prose: str, literals: Iterable[str], code: str) -> str:
    """The words and pairs that are not in lower case, or are code.

    They are in the form that ``look_up_spelling`` reads.

    ``prose`` is the text of a body, with single blanks in its lines, and with the ``literals``, its inline code, in it;
    ``code`` that of its code blocks.
    """
    prose = _normal(prose)
    # Sentences are lines here, and all else that belongs to no word is blank; every character keeps its place.
    text = prose
    for end in _ENDS:
        text = text.replace(end, " \n")
    text = _blanked(text)
    lines = text.split("\n")
    written = Counter(text.split())
    written.update(_pairs(prose, text))
    if "#" in prose or "++" in prose:
        written.update(_SIGNED.findall(prose))
    others: dict[str, list[str]] = {}
    for word in [word for word in written if not (word.islower() and word.isalnum())]:
        if (key := _key(word)) != word:
            others.setdefault(key, []).append(word)
    # A capital says nothing of a word with which a sentence or a line begins.
    at_start = Counter([first for line in lines for first in line.split(None, 1)[:1]]) if others else Counter[str]()
    forms = {}
    for key, words in others.items():
        count, word = max([(written[word] - at_start[word] * _is_plain(word), word) for word in words])
        if count > written.get(key, 0):
            forms[key] = word
    if forms:
        forms.update({name.lower(): name for name in sorted(_names(prose, lines, {*forms.values()}))})
    for key, (count, word) in _as_code(map(_normal, literals), _normal(code), written, others).items():
        if 2 * count >= written.get(key, 0) + sum(written[other] for other in others.get(key, ())):
            forms[key] = _CODE + word
    return "".join(f"\n{key}\t{forms[key]}" for key in sorted(forms)) + "\n" if forms else ""


def _blanked(text: str) -> str:
    """A text with blanks for all that belongs to no word; lines stay."""
    if text.isascii():
        return text.translate(_NO_WORDS)
    for mark in {*text}:
        if not mark.isalnum() and mark not in "_\n":
            text = text.replace(mark, " ")
    return text


def _pairs(prose: str, blanked: str) -> Iterator[str]:
    """What ``_PAIR`` finds, from where the second word begins: there are few of these, and many words."""
    blanked = blanked.replace("\n", " ")
    last = 0
    for match in _SECOND.finditer(prose):
        start = blanked.rfind(" ", 0, match.start()) + 1
        if last <= start < match.start():
            last = match.end()
            yield prose[start:last]


def _names(prose: str, lines: Iterable[str], spelled_words: Set[str]) -> Iterator[str]:
    """Two words with a capital each at the beginning of a line, of which the second is known: then the first may be a
    name even there."""
    start = 0
    for line in lines:
        first, second, *_ = [*line.split(None, 2), "", ""]
        if second in spelled_words:
            name = f"{first} {second}"
            if name.istitle() and prose.startswith(name, start + line.find(first)):
                yield name
        start += len(line) + 1


def _as_code(
    literals: Iterable[str], code: str, written: Mapping[str, int], others: Mapping[str, object]
) -> dict[str, tuple[int, str]]:
    """What is written as code: how often, in all its forms, and in which one mostly. Code blocks count for what is
    nowhere else."""
    named = [{*_identifiers(text), *_PAIR.findall(text), *_called(text)} for text in literals]
    named.append({each for each in _identifiers(code) if not _is_known(each, written, others)})
    words = Counter(chain.from_iterable(named))
    forms: dict[str, tuple[int, str]] = {}
    for word, count in sorted(words.items(), key=lambda each: (each[1], each[0])):
        key = _key(word)
        forms[key] = (forms[key][0] + count if key in forms else count, word)
    return forms


def _is_known(word: str, written: Mapping[str, int], others: Mapping[str, object]) -> bool:
    key = word.lower()
    return key in written or key in others


def _is_plain(word: str) -> bool:
    """Whether only the first letter may be a capital."""
    return word[1:] == word[1:].lower()


def look_up_spelling(spelling: str, term: str) -> tuple[str, bool] | None:
    """A term as the post with this spelling writes it.

    Also whether as code; None where that is in lower case.
    """
    whole = _look_up(spelling, term)
    if whole is not None or " " not in term:
        return whole
    parts = term.split(" ")
    if len(parts) == 3:
        one, two, three = parts
        # A pair may be within it: ``rust 1 12`` is `Rust 1.12`.
        for divided, pair in (([f"{one} {two}", three], f"{one} {two}"), ([one, f"{two} {three}"], f"{two} {three}")):
            if _look_up(spelling, pair) is not None:
                parts = divided
                break
    spellings = [_look_up(spelling, part) or (part, False) for part in parts]
    text, is_code = " ".join(word for word, _ in spellings), all(code for _, code in spellings)
    return (text, is_code) if is_code or text != term else None


def _look_up(spelling: str, key: str) -> tuple[str, bool] | None:
    start = spelling.find(f"\n{key}\t")
    if start < 0:
        return None
    start += len(key) + 2
    word = spelling[start : spelling.index("\n", start)]
    return (word[1:], True) if word.startswith(_CODE) else (word, False)


def _normal(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFC", text)


def _key(word: str) -> str:
    """A word or a pair as a term has it."""
    return (word if word.isalnum() else _PARTS.sub(" ", word)).lower()


def _identifiers(code: str) -> list[str]:
    """The words that can hardly be of another language than code: with a capital or an underscore within."""
    words = _WORD.findall(code)
    return [word for word in words if "_" in word.strip("_") or (not word.islower() and word.isidentifier())]


def _called(code: str) -> list[str]:
    """The one word that a piece of code is about: ``filter`` of ``.filter(id=1)``."""
    match = _CALL.fullmatch(code)
    word = match[1] or match[2] if match else ""
    return [word] if word.isidentifier() else []


_MOST_TERMS = 3
"""The most terms that are told of a pair."""


Form = tuple[str | None, tuple[str, bool] | None]
"""A term as the title or the tags of a post have it, and as its text spells it (and whether as code); None where that
is in lower case."""


class Wording:
    """How some posts, by number, write their terms.

    ``spell`` gives the spelling of one by its path.
    """

    def __init__(self, posts: Sequence[Candidate], spell: Callable[[str], str]) -> None:
        self._posts, self._spell = posts, spell
        self._forms_by_number: dict[int, _Forms] = {}
        self._as_it_is = _AsItIs()

    def read(self, numbers: Iterable[int]) -> None:
        """Have the spellings of some posts at hand.

        Where lists are made in other processes, nothing else is.
        """
        for number in numbers:
            self._forms(number)

    def reasons(self, terms: Sequence[tuple[str, int]], one: int, two: int) -> list[Reason]:
        """The terms to tell of a pair.

        They are of those that carried most, which come with their hundredths of the score, the greatest first.

        A plain word has to carry twice as much as one that says more: where posts are few, the words that are rare by
        chance are many.
        """
        terms = _apart(terms)
        ours, theirs = self._forms(one), self._forms(two)
        worded_terms = [(share, self._word_term(text, ours[text], theirs[text])) for text, share in terms[:_MOST_TERMS]]
        if len(terms) > _MOST_TERMS and False in [term.says_more for _, term in worded_terms]:
            worded_terms += [
                (share, self._word_term(text, ours[text], theirs[text])) for text, share in terms[_MOST_TERMS:]
            ]
            worth = sorted(
                [(-share * (2 if term.says_more else 1), at) for at, (share, term) in enumerate(worded_terms)]
            )
            worded_terms = [worded_terms[at] for at in sorted([at for _, at in worth[:_MOST_TERMS]])]
        return [Reason(kind, text, share / 100, is_code) for share, (kind, text, is_code, _) in worded_terms]

    def _word_term(self, text: str, first: Form | None, second: Form | None) -> _WordedTerm:
        """As code before all, and not in lower case where there is a choice. The first post speaks for the second."""
        if first is None and second is None:
            return self._as_it_is[text]
        (title, spelling), (other_title, other_spelling) = first or _PLAIN, second or _PLAIN
        if text.startswith(TAG):
            return _make_term("tag", title or other_title or text.removeprefix(TAG))
        for each in (spelling, other_spelling):
            if each is not None and each[1]:
                return _make_term("term", *each)
        if title is None and spelling is None:
            title = other_title
        return _make_term("term", title or (spelling or other_spelling or (text, False))[0])

    def _forms(self, number: int) -> _Forms:
        forms = self._forms_by_number.get(number)
        if forms is None:
            post = self._posts[number]
            tags = {tag_term(tag).removeprefix(TAG): tag for tag in reversed(post.tags)}
            forms = self._forms_by_number[number] = _Forms({**spell_title(post.title), **tags}, self._spell(post.path))
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
            form = self._titles.get(text), look_up_spelling(self._spelling, text) if self._spelling else None
        self[text] = own_form = None if form == _PLAIN else form
        return own_form


_PLAIN: Form = (None, None)


class _WordedTerm(NamedTuple):
    """The kind of a term, its words, whether they are code, and whether they say more than a plain word."""

    kind: Literal["term", "tag"]
    text: str
    is_code: bool
    says_more: bool


def _make_term(kind: Literal["term", "tag"], text: str, is_code: bool = False) -> _WordedTerm:
    return _WordedTerm(kind, text, is_code, says_more(kind, text, is_code))


class _AsItIs(dict[str, _WordedTerm]):
    """Terms told as they are counted."""

    def __missing__(self, text: str) -> _WordedTerm:
        kind: Literal["term", "tag"] = "tag" if text.startswith(TAG) else "term"
        self[text] = term = _make_term(kind, text.removeprefix(TAG))
        return term


def _apart(terms: Sequence[tuple[str, int]]) -> Sequence[tuple[str, int]]:
    """Where there are no blanks between words, terms may overlap, as ``数据库`` and ``据库优`` do: the first is told
    for both."""
    if "".join([text for text, _ in terms]).isascii():
        return terms
    shares: dict[str, int] = {}
    lead_of: dict[str, str] = {}
    for text, share in terms:
        parts = words_of(text.removeprefix(TAG))
        leads = text
        if not text.isascii() and len(parts) > len(text.split(" ")):
            leads = next((lead_of[part] for part in parts if part in lead_of), text)
        for part in parts:
            lead_of.setdefault(part, leads)
        shares[leads] = shares.get(leads, 0) + share
    return sorted(shares.items(), key=lambda each: -each[1])
