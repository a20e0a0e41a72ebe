"""The counted terms of one post: what the ranking of related posts knows of its text.

A term is a word (``subquery``), a pair of neighbouring words, with the stop word between them if there is one
(``django orm``, ``terms of service``), or a whole tag (``#django orm``). Counts are kept in quarters, so that they
stay integers.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from array import array
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

from octavo.model import Terms

# What one occurrence counts, in quarters. Chosen on the corpora that benchmarks/related scores.
_BODY = 4
_TITLE = 16
_CODE = 1
_TAG_WORD = 8
_TAG = 8

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
_SINGLE = frozenset("0123456789_abdefghijklmnopqstuvwxyz")
_BREAK = "\n"
_DROPPED = _STOP_WORDS | _SINGLE | {_BREAK}

_POSSESSIVE = re.compile(r"'s\b")
# Marks that are common in texts otherwise of ASCII, and no part of a word.
_TYPOGRAPHY = "\u201c\u201d\u2018\u2013\u2014\u2026\u00a0"
# Blanks for all characters of ASCII that are neither part of a word nor the end of a line.
_BLANKS = {code: " " for code in range(128) if not chr(code).isalnum() and chr(code) not in "_\n"}
_TOKEN = re.compile(r"\n|c\+\+|[cf]#|\w+")


def count_terms(title: str, tags: tuple[str, ...], prose: str, code: str) -> Terms:
    """The terms of a post, from plain text.

    ``prose`` holds the blocks of the body, headings included, one a line: no pair of words crosses a line.
    ``code`` is the text of all code blocks; its words count less, and it has no pairs.
    """
    counts = {term: times * _BODY for term, times in Counter(_terms(_tokens(prose))).items()}

    def add(terms: list[str], each: int) -> None:
        for term, times in Counter(terms).items():
            counts[term] = counts.get(term, 0) + times * each

    add(_terms(_tokens(title)), _TITLE)
    add(_words(_tokens(code)), _CODE)
    for tag in {tag_term(tag) for tag in tags}:
        add([tag], _TAG)
        add(_words(_tokens(tag.removeprefix(TAG))), _TAG_WORD)
    words = sorted(counts)
    return Terms("\n".join(words), _packed(map(counts.__getitem__, words)))


def decode(terms: Terms) -> list[tuple[str, int]]:
    """The terms in order, each with its count in quarters."""
    return list(zip(terms.words.split("\n"), _unpacked(terms.counts), strict=True)) if terms.words else []


@lru_cache(1 << 12)
def tag_term(tag: str) -> str:
    """The term that stands for a whole tag; tags that differ in case and punctuation only are one."""
    words = [token for token in _tokens(tag) if token != _BREAK]
    return TAG + " ".join(words or tag.lower().split())


def written(title: str) -> dict[str, str]:
    """Terms of a title as its author writes them: ``flask sqlalchemy`` -> ``Flask-SQLAlchemy``.

    Only where a capital belongs to a name: within a word, or at its start in the middle of a title that does not
    begin every word with one.
    """
    title = unicodedata.normalize("NFC", title)
    if not any(map(str.isupper, title[1:])) or len(title.lower()) != len(title):
        return {}
    found = [match.span() for match in _TOKEN.finditer(title.lower())]
    if not found:
        return {}
    inner = [title[start + 1 : end] for start, end in found]
    capital = [title[start].isupper() for start, _ in found]
    is_sentence = any(
        not upper and token.isalpha() and token not in _DROPPED
        for upper, token in zip(capital, (title[start:end].lower() for start, end in found), strict=True)
    )
    named = [
        any(map(str.isupper, rest)) or (upper and is_sentence and place > 0)
        for place, (rest, upper) in enumerate(zip(inner, capital, strict=True))
    ]
    shown: dict[str, str] = {}
    for length in (1, 2, 3):
        for first in range(len(found) - length + 1):
            last = first + length
            if any(named[first:last]):
                words = " ".join(title[start:end].lower() for start, end in found[first:last])
                shown.setdefault(words, title[found[first][0] : found[last - 1][1]])
    return shown


def _tokens(text: str) -> list[str]:
    """Lower-cased words, and a line feed for every end of a line."""
    text = unicodedata.normalize("NFC", text).lower().replace("\u2019", "'")
    if "'s" in text:
        text = _POSSESSIVE.sub("", text)
    if not text.isascii():
        for mark in _TYPOGRAPHY:
            text = text.replace(mark, " ")
    if not text.isascii() or "c++" in text or "c#" in text or "f#" in text:
        return _TOKEN.findall(text)
    # The same without the regular expression, which takes five times as long.
    first, *others = text.translate(_BLANKS).split("\n")
    tokens = first.split()
    for line in others:
        tokens.append(_BREAK)
        tokens += line.split()
    return tokens


def _words(tokens: list[str]) -> list[str]:
    return [token for token in tokens if token not in _DROPPED]


def _terms(tokens: list[str]) -> list[str]:
    """The words, the pairs of neighbours, and the pairs around one stop word (which then is part of the term)."""
    terms: list[str] = []
    before = between = ""
    for token in tokens:
        if token not in _DROPPED:
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
