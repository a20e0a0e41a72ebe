"""How a post writes its words: ``outerref`` is `OuterRef`, and code; ``settings py`` is `settings.py`.

Terms are counted in lower case. Where they are told to somebody, they are told as their author writes them.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from itertools import chain

_WORD = re.compile(r"[Cc]\+\+|[CcFf]#|\w+")
_PAIR = re.compile(r"\w+(?:[.:-]|::)\w+")
_PARTS = re.compile(r"[.:-]+")
# A capital says nothing of a word with which a sentence or a line begins.
_FIRST = re.compile(r"(?:^|[.!?:]\s)\W*(\w+)", re.MULTILINE)
_CALL = re.compile(r"\W*(?:\w+\.)*(\w+)[(\[].*|\W*(\w+)\W*", re.DOTALL)
_CODE = "`"


def spell(prose: str, literals: Iterable[str], code: str) -> str:
    """The words and pairs of words that are not written in lower case, or that are code, for ``spelled``.

    ``prose`` is the text of a body with the ``literals``, its inline code; ``code`` that of its code blocks.
    """
    texts = [_normal(literal) for literal in literals]
    prose, blocks = _normal(prose), Counter(_identifiers(_normal(code)))
    written = Counter(chain(_WORD.findall(prose), _PAIR.findall(prose)))
    at_start = Counter(word for word in _FIRST.findall(prose) if word[1:] == word[1:].lower())
    total: Counter[str] = Counter()
    forms: dict[str, list[tuple[int, str]]] = {}
    for word, count in written.items():
        key = _key(word)
        total[key] += count
        if word != key:
            forms.setdefault(key, []).append((count - at_start[word], word))
    found = {}
    for key, known in forms.items():
        count, word = max(known)
        if count > written[key]:
            found[key] = word
    as_code: Counter[str] = Counter()
    for text in texts:
        as_code.update({*_identifiers(text), *_PAIR.findall(text), *_called(text)})
    by_key: dict[str, list[tuple[int, str]]] = {}
    for word, count in as_code.items():
        by_key.setdefault(_key(word), []).append((count, word))
    for word, count in blocks.items():
        if _key(word) not in total:
            by_key.setdefault(_key(word), []).append((count, word))
    for key, known in by_key.items():
        if 2 * sum(count for count, _ in known) >= total[key]:
            found[key] = _CODE + max(known)[1]
    return "".join(f"\n{key}\t{found[key]}" for key in sorted(found)) + "\n" if found else ""


def spelled(spelling: str, term: str) -> tuple[str, bool] | None:
    """A term as the post with this spelling writes it, and whether as code; None where that is in lower case."""
    whole = _look_up(spelling, term)
    if whole is not None or " " not in term:
        return whole
    words = [_look_up(spelling, word) or (word, False) for word in term.split(" ")]
    text = " ".join(word for word, _ in words)
    is_code = all(code for _, code in words)
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
    return _PARTS.sub(" ", word).lower()


def _identifiers(code: str) -> list[str]:
    """The words that can hardly be of another language than code: with a capital or an underscore within."""
    words = _WORD.findall(code)
    return [word for word in words if "_" in word.strip("_") or (not word.islower() and word.isidentifier())]


def _called(code: str) -> list[str]:
    """The one word that a piece of code is about: ``filter`` of ``.filter(id=1)``."""
    match = _CALL.fullmatch(code)
    word = match[1] or match[2] if match else ""
    return [word] if word.isidentifier() else []
