"""Code as HTML with the class names of Pygments (``k``, ``s``, ``nf`` …)."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from functools import cache, lru_cache
from html import escape
from typing import TYPE_CHECKING

from octavo.base.diagnostics import did_you_mean
from octavo.base.shortage import raise_if_shortage

if TYPE_CHECKING:
    from pygments.lexer import Lexer
    from pygments.token import _TokenType  # private, and the only name of the type of kinds; mypy notices when it goes

MAX_CODE_CHARACTERS = 200_000
"""Characters in the longest code that is highlighted; some lexers take minutes for more."""

_SHORT = 4_000
_PLAIN = frozenset(("", "text", "plain", "plaintext", "txt", "none", "nohighlight", "output"))

_LINE = re.compile(r"[^\n]*\n|[^\n]+")

CodeRun = tuple[str, str]
"""A class name, empty for plain text, and the text it covers."""


def highlight(code: str, language: str, marked: Collection[int] = ()) -> str:
    """Write the inside of a ``<code>`` element.

    ``marked`` are line numbers from 1; each such line, with its line end, is in a ``<span class="hll">``. Code in an
    unknown language, longer than LONGEST, or that its lexer fails on is plain text.
    """
    runs = _short_runs(code, language) if len(code) <= _SHORT else _runs(code, language)
    if not marked:
        return _html(runs)
    return "".join(
        f'<span class="hll">{html}</span>' if number in marked else html
        for number, html in enumerate(_lines(runs), start=1)
    )


def is_known(language: str) -> bool:
    """Whether code in this language is highlighted, or plain text on purpose.

    Any alias will do, in any case.
    """
    return language.lower() in _PLAIN or _lexer(language) is not None


@lru_cache(maxsize=256)
def suggest_language(language: str) -> str:
    """The hint of what an unknown language may have meant."""
    from pygments.lexers import get_all_lexers

    return did_you_mean(language.lower(), (alias for _, aliases, _, _ in get_all_lexers() for alias in aliases))


def _html(runs: Iterable[CodeRun]) -> str:
    return "".join(
        [
            f'<span class="{name}">{escape(text, quote=False)}</span>' if name else escape(text, quote=False)
            for name, text in runs
        ]
    )


def _lines(runs: Iterable[CodeRun]) -> Iterator[str]:
    """The HTML of each line with its end.

    A run that goes over several lines is a span on each of them.
    """
    line: list[str] = []
    for name, text in runs:
        for piece in _LINE.findall(text):
            line.append(_html([(name, piece)]))
            if piece.endswith("\n"):
                yield "".join(line)
                line = []
    if line:
        yield "".join(line)


@lru_cache(maxsize=256)
def _short_runs(code: str, language: str) -> tuple[CodeRun, ...]:
    return _runs(code, language)


def _runs(code: str, language: str) -> tuple[CodeRun, ...]:
    """The code in runs of one class; neighbours of one class are one run."""
    if not code:
        return ()
    lexer = (
        None
        if language.lower() in _PLAIN or len(code) > MAX_CODE_CHARACTERS or code[0] == "\ufeff"
        else _lexer(language)
    )
    if lexer is None:
        return (("", code),)
    runs: list[CodeRun] = []
    name, texts = "", [""]
    try:
        for _, kind, text in lexer.get_tokens_unprocessed(code):
            class_name = _class_of(kind)
            if class_name != name:
                runs.append((name, "".join(texts)))
                name, texts = class_name, []
            texts.append(text)
    except Exception as problem:
        raise_if_shortage(problem, f"highlighting {language}")
        # A lexer is a heap of regular expressions by many hands: when one fails, the reader still gets the code.
        return (("", code),)
    runs.append((name, "".join(texts)))
    runs = [run for run in runs if run[1]]
    if "".join([text for _, text in runs]) != code:
        return (("", code),)
    return tuple(runs)


@cache
def _class_of(kind: _TokenType) -> str:
    """The class name of a kind of token; blanks have none.

    A kind that a lexer made up has that of the nearest kind above.
    """
    from pygments.token import STANDARD_TYPES

    above: _TokenType | None = kind
    while above is not None and above not in STANDARD_TYPES:
        above = above.parent
    name = "" if above is None else STANDARD_TYPES[above]
    return "" if name == "w" else name


@lru_cache(maxsize=64)
def _lexer(language: str) -> Lexer | None:
    from pygments.util import ClassNotFound

    from octavo.content.markdown import fast_lexers

    try:
        return fast_lexers.load_lexer(language, stripnl=False, ensurenl=False)
    except ClassNotFound:
        return None
