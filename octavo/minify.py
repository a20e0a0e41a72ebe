"""A style sheet without what only its author needs: comments, and blanks that separate nothing."""

from __future__ import annotations

import re

# CSS Syntax 3, as far as blanks go: strings, addresses without quotes and escapes hold none that may be dropped. A
# comment that begins with `!` is a notice to be kept.
_TOKEN = re.compile(
    r"""(?P<kept>"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?|url\(\s*[^"'\s)][^)]*\)?|/\*!.*?(?:\*/|\Z)|\\.)
    | (?P<gap>(?:\s|/\*(?!!).*?(?:\*/|\Z))+)
    | (?P<mark>[{};,:>])""",
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)


def minified(css: str) -> str:
    """The same rules in fewer characters."""
    out: list[str] = []
    before = ";"  # the mark that stands last in ``out``; empty after anything else
    gap = ""
    at = 0
    for token in _TOKEN.finditer(css):
        if token.start() > at:
            _write(out, before, gap, css[at : token.start()])
            before = gap = ""
        at = token.end()
        if token["gap"] is not None:
            gap = token["gap"]
        elif token["kept"] is not None:
            _write(out, before, gap, token["kept"])
            before = gap = ""
        else:
            mark = token["mark"]
            if mark == "}" and before == ";" and out:
                out.pop()
            # What stands before a colon may be a selector (`a :hover`); a property may have no value (`--x: ;`).
            elif gap and ((mark == ":" and before not in ("{", "}", ";", ",", ">")) or before == ":"):
                out.append(" ")
            out.append(mark)
            before, gap = mark, ""
    _write(out, before, "", css[at:])
    return "".join(out)


def _write(out: list[str], before: str, gap: str, text: str) -> None:
    """A gap is a blank where one may matter; a comment alone separates without being one."""
    if gap and not before:
        out.append(" " if any(character.isspace() for character in gap if not _in_comment(gap)) else "/**/")
    out.append(text)


def _in_comment(gap: str) -> bool:
    return re.fullmatch(r"(?:/\*.*?\*/)+", gap, re.DOTALL) is not None
