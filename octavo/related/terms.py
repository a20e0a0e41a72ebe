"""The counted terms of one post: what the ranking of related posts knows of its text.

A term is a word (``subquery``), a pair of neighbouring words, with the stop word between them if there is one
(``django orm``, ``terms of service``), or a whole tag (``#django orm``). Counts are kept in quarters, so that they
stay integers.

A script that puts no blanks between words has pairs of characters in their place (``数据``, ``据库``), and neighbours
of these are runs of three; ``join_character_pairs`` tells them as they are written.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from array import array
from collections import Counter
from collections.abc import Iterable, Set
from functools import lru_cache

from octavo.model.documents import Terms

# What one occurrence counts, in quarters. Chosen on the corpora that benchmarks/related scores.
_BODY = 4
_LEAD = 2
_TITLE = 24
_CODE = 1
_TAG_WORD = 8
_TAG = 8

_LEAD_LENGTH = 800
"""Characters after which no more lines belong to the beginning of a text."""

TAG = "#"
"""The first character of a term that is a whole tag; no word begins with it."""

_STOP_WORDS = frozenset(
    """
    a about above after again against all also am an and any are aren as at be because been before being below
    between both but by can cannot could couldn d did didn do does doesn doing don down during each even few for
    from further get had hadn has hasn have haven having he her here hers herself him himself his how however i if
    in into is isn it its itself just let like ll m many may me might more most much must my myself no nor not now
    of off on once one only or other our ours ourselves out over own re really s same shan she should shouldn since
    so some still such t than that the their theirs them themselves then there these they this those through to too
    under until up upon us ve very was wasn we were weren what when where which while who whom whose why will with
    within without won would wouldn yet you your yours yourself yourselves
    """.split()
)
# Letters alone are words in Russian (и, в, с) or French (à), and say nothing there either.
_SINGLE = frozenset("0123456789_abdefghijklmnopqstuvwxyz") | {chr(code) for code in range(128, 0x590)}
_BREAK = "."
"""Stands between lines: no word is like it, and no stop word."""

_ALWAYS_DROPPED = _SINGLE | {_BREAK}
_DROPPED = _STOP_WORDS | _ALWAYS_DROPPED

_POSSESSIVE = re.compile(r"'s\b")
# Marks that are common in texts otherwise of ASCII, and no part of a word.
_TYPOGRAPHY = "\u201c\u201d\u2018\u2013\u2014\u2026\u00a0"
# Blanks for all characters of ASCII that are neither part of a word nor the end of a line.
_BLANKS = {code: " " for code in range(128) if not chr(code).isalnum() and chr(code) not in "_\n"}
_TOKEN = re.compile(r"\n|c\+\+|[cf]#|\w+")

# Thai, Lao, Burmese, Khmer; kana, Han.
_UNSPACED = (
    "\u0e01-\u0e4e\u0e80-\u0ece\u1000-\u103f\u1050-\u108f\u1780-\u17d3"
    "\u3005-\u3007\u3041-\u3096\u309d-\u309f\u30a1-\u30fa\u30fc-\u30ff\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003fffd"
)
_IS_UNSPACED = re.compile(f"[{_UNSPACED}]")
# Vowels of Indic scripts are marks, which ``\w`` leaves out; a word would fall apart at each.
_MARKED = "\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670\u0900-\u0963\u0971-\u0df3"
_STOPS = "\n、。，；：！？"
_TOKEN_OF_ANY = re.compile(rf"[{_STOPS}]|c\+\+|[cf]#|[{_UNSPACED}]+|(?:[^\W{_UNSPACED}]|[{_MARKED}])+")
_HAS_OWN = re.compile(f"[{_UNSPACED}{_MARKED}]")
# Endings and particles of Japanese, mostly.
_HIRAGANA = re.compile("[\u3041-\u309f ]+")


def count_terms(title: str, tags: tuple[str, ...], prose: str, code: str, language: str = "en") -> Terms:
    """The terms of a post, from plain text.

    ``prose`` holds the blocks of the body, headings included, one a line: no pair of words crosses a line. What stands
    at its beginning counts more.
    ``code`` is the text of all code blocks; its words count less, and it has no pairs. ``language`` is a tag such as
    ``pt-BR``: the stop words of English are none in another language, where words of too many posts tell themselves.
    """
    dropped = _DROPPED if language.lower().split("-")[0] == "en" else _ALWAYS_DROPPED
    lead = _lead(prose)
    beginning = _terms(_tokens(lead), dropped)
    if prose.isascii() or not _HAS_OWN.search(prose):
        terms = beginning + _terms(_tokens(prose[len(lead) :]), dropped)
    else:  # what separates words in one part may depend on what stands in another
        terms = _terms(_tokens(prose), dropped)
    counts = {term: times * _BODY for term, times in Counter(terms).items()}

    def add(terms: Iterable[str], each: int) -> None:
        for term in terms:
            counts[term] = counts.get(term, 0) + each

    add(beginning, _LEAD)
    add(_terms(_tokens(title), dropped), _TITLE)
    add(_words(_tokens(code), dropped), _CODE)
    if not prose.isascii() or not title.isascii():
        for term in filter(_HIRAGANA.fullmatch, counts):
            counts[term] = -(-counts[term] // _BODY)
    for tag in {tag_term(tag) for tag in tags}:
        add([tag], _TAG)
        add(_words(_tokens(tag.removeprefix(TAG)), dropped), _TAG_WORD)
    words = sorted(counts)
    return Terms("\n".join(words), _packed([counts[word] for word in words]))


def decode(terms: Terms) -> list[tuple[str, int]]:
    """The terms in order, each with its count in quarters."""
    return list(zip(terms.words.split("\n"), _unpacked(terms.counts), strict=True)) if terms.words else []


@lru_cache(1 << 12)
def tag_term(tag: str) -> str:
    """The term that stands for a whole tag.

    Tags that differ in case and punctuation only are one.
    """
    words = [token for token in _whole_tokens(tag) if token != _BREAK]
    return TAG + " ".join(words or tag.lower().split())


def words_of(text: str) -> list[str]:
    """The words of a term or a tag.

    What has no blanks gives its pairs of characters.
    """
    return [part for word in text.split(" ") for part in (_pairs(word) if _IS_UNSPACED.match(word) else [word])]


def join_character_pairs(term: str) -> str:
    """A term with its pairs of characters put together: ``数据 据库`` is ``数据库``."""
    if term.isascii():
        return term
    first, *others = term.split(" ")
    joined = [first]
    for word in others:
        if _IS_UNSPACED.match(word) and joined[-1][-1:] == word[:1]:
            joined[-1] += word[1:]
        else:
            joined.append(word)
    return " ".join(joined)


def spell_title(title: str) -> dict[str, str]:
    """Terms of a title as its author writes them.

    ``flask sqlalchemy`` -> ``Flask-SQLAlchemy``.

    Only where a capital belongs to a name: within a word, or at its start in the middle of a title that does not
    begin every word with one.
    """
    title = unicodedata.normalize("NFC", title)
    if not any(map(str.isupper, title[1:])) or len(title.lower()) != len(title):
        return {}
    spans = [match.span() for match in _TOKEN.finditer(title.lower())]
    if not spans:
        return {}
    inner = [title[start + 1 : end] for start, end in spans]
    capital = [title[start].isupper() for start, _ in spans]
    is_sentence = any(
        not upper and token.isalpha() and token not in _DROPPED
        for upper, token in zip(capital, (title[start:end].lower() for start, end in spans), strict=True)
    )
    named = [
        any(map(str.isupper, rest)) or (upper and is_sentence and place > 0)
        for place, (rest, upper) in enumerate(zip(inner, capital, strict=True))
    ]
    spellings: dict[str, str] = {}
    for length in (1, 2, 3):
        for first in range(len(spans) - length + 1):
            last = first + length
            if any(named[first:last]):
                words = " ".join(title[start:end].lower() for start, end in spans[first:last])
                spellings.setdefault(words, title[spans[first][0] : spans[last - 1][1]])
    return spellings


def _tokens(text: str) -> list[str]:
    """Lower-cased words and pairs of characters, and ``_BREAK`` for every end of a line."""
    words = _whole_tokens(text)
    if text.isascii() or not _IS_UNSPACED.search(text):
        return words
    return [token for word in words for token in (_pairs(word) if _IS_UNSPACED.match(word) else [word])]


def _pairs(word: str) -> list[str]:
    return [word[at : at + 2] for at in range(len(word) - 1)] or [word]


def _whole_tokens(text: str) -> list[str]:
    """Lower-cased words, what is written without blanks as one, and ``_BREAK`` for every end of a line."""
    text = unicodedata.normalize("NFC", text).lower().replace("\u2019", "'")
    if "'s" in text:
        text = _POSSESSIVE.sub("", text)
    if not text.isascii():
        for mark in _TYPOGRAPHY:
            text = text.replace(mark, " ")
    if not text.isascii() and _HAS_OWN.search(text):
        return [_BREAK if token in _STOPS else token for token in _TOKEN_OF_ANY.findall(text)]
    if not text.isascii() or "c++" in text or "c#" in text or "f#" in text:
        return [_BREAK if token == "\n" else token for token in _TOKEN.findall(text)]
    # The same without the regular expression, which takes five times as long.
    return text.translate(_BLANKS).replace("\n", f" {_BREAK} ").split()


def _lead(prose: str) -> str:
    """The lines that begin within the first characters of a text."""
    end = prose.find("\n", _LEAD_LENGTH)
    return prose if end < 0 else prose[:end]


def _words(tokens: list[str], dropped: Set[str]) -> list[str]:
    return [token for token in tokens if token not in dropped]


def _terms(tokens: list[str], dropped: Set[str]) -> list[str]:
    """The words, the pairs of neighbours, and the pairs around one stop word (which then is part of the term)."""
    terms: list[str] = []
    before = between = ""
    for token in tokens:
        if token not in dropped:
            if before:
                terms.append(f"{before}{between} {token}")
            terms.append(token)
            before, between = token, ""
        elif between or token == _BREAK:
            before = between = ""
        else:
            between = " " + token
    return terms


def _packed(counts: Iterable[int]) -> bytes:
    return _little(array("I", counts)).tobytes()


def _unpacked(data: bytes) -> array[int]:
    values = array("I")
    values.frombytes(data)
    return _little(values)


def _little(values: array[int]) -> array[int]:
    """From and to little-endian, whatever the machine."""
    if sys.byteorder == "big":
        values = values[:]
        values.byteswap()
    return values
