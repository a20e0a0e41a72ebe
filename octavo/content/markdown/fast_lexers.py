"""Pygments' lexers with a shorter way to the rule that matches.

A lexer made of regular expressions tries those of its state in order, at every place of a text; here only those that
can match something that begins with the character at that place. Which characters these are follows from the parsed
expression (``re._parser``, whose tree has been the same since Python 1.5); what is not understood may begin with any.
And an expression is compiled when it is first tried: most of a lexer's never are. The tokens are the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from importlib import import_module
from typing import Any, TypeAlias

from pygments.lexer import Lexer, RegexLexer, words
from pygments.lexers import find_lexer_class_by_name
from pygments.token import Error, Whitespace, _TokenType
from pygments.util import Future

Match: TypeAlias = Callable[[str, int], re.Match[str] | None]
Tokens: TypeAlias = Iterator[tuple[int, _TokenType, str]]
Rule: TypeAlias = tuple[Match, Any, Any]
"""How to match, the kind of the token or what makes tokens of the match, and the change of state, if any."""

ANY = frozenset(map(chr, range(128)))
"""The characters of ASCII; what lies beyond may begin anything."""


def lexer(language: str, **options: Any) -> Lexer:
    """The lexer of a language by any of its names. Raises ``pygments.util.ClassNotFound``."""
    return quick(find_lexer_class_by_name(language))(**options)


def quick(original: type[Lexer]) -> type[Lexer]:
    """A lexer that gives the same tokens; the lexer itself where it does not go by its rules alone."""
    if not issubclass(original, RegexLexer) or getattr(original, "token_variants", False):
        return original
    if original.get_tokens_unprocessed is not RegexLexer.get_tokens_unprocessed:
        return original
    return type(original.__name__, (_FastLexer, original), {})


class _FastLexer(RegexLexer):
    @classmethod
    def _process_regex(cls, regex: Any, flags: int, state: str) -> Expression:
        return Expression(regex, flags)

    def get_tokens_unprocessed(self, text: str, stack: Iterable[str] = ("root",)) -> Tokens:
        states = self._states()
        names = list(stack)
        rules = states[names[-1]]
        pos = 0
        while True:
            character = text[pos : pos + 1]
            for match, action, change in rules[character]:
                found = match(text, pos)
                if found is None:
                    continue
                if type(action) is _TokenType:
                    yield pos, action, found[0]
                elif action is not None:
                    yield from action(self, found)
                pos = found.end()
                if change is not None:
                    _go(names, change)
                    rules = states[names[-1]]
                break
            else:
                if not character:
                    return
                if character == "\n":
                    names = ["root"]
                    rules = states["root"]
                    yield pos, Whitespace, character
                else:
                    yield pos, Error, character
                pos += 1

    @classmethod
    def _states(cls) -> dict[str, _LexerState]:
        found: dict[str, _LexerState] | None = cls.__dict__.get("_quick_states")
        if found is None:
            tokens: dict[str, Any] = cls.__dict__["_tokens"]
            found = {name: _LexerState(rules) for name, rules in tokens.items()}
            type.__setattr__(cls, "_quick_states", found)
        return found


def _go(names: list[str], change: Any) -> None:
    """Follow a change of state: names to put on the stack, or how many to take from it as a negative number."""
    if isinstance(change, int):
        del names[max(1, len(names) + change) :]
        return
    for name in change if isinstance(change, tuple) else (change,):
        if name == "#pop":
            del names[max(1, len(names) - 1) :]
        else:
            names.append(names[-1] if name == "#push" else name)


class _LexerState(dict[str, tuple[Rule, ...]]):
    """The rules of a state to try at a character, or at the end of the text, in their order."""

    def __init__(self, rules: list[tuple[Any, Any, Any]]) -> None:
        self._rules = rules

    def __missing__(self, character: str) -> tuple[Rule, ...]:
        rules: list[Rule] = []
        for expression, action, change in self._rules:
            if not isinstance(expression, Expression):
                rules.append((expression, action, change))
            elif expression.may_begin(character):
                rules.append((expression.match, action, change))
        found = self[character] = tuple(rules)
        return found


class Expression:
    """A regular expression that is compiled when it is first wanted."""

    def __init__(self, pattern: str | Future, flags: int) -> None:
        self._pattern = pattern
        self._flags = flags

    @cached_property
    def pattern(self) -> str:
        if isinstance(self._pattern, Future):
            made: Callable[[], Any] = self._pattern.get
            return str(made())
        return self._pattern

    @cached_property
    def match(self) -> Match:
        return re.compile(self.pattern, self._flags).match

    @cached_property
    def _begins(self) -> tuple[frozenset[str], bool]:
        if not isinstance(self._pattern, words):
            return begins(self.pattern, self._flags)
        # A list of words is a long expression, of which only this is wanted.
        characters = {word[:1] for word in self._pattern.words}
        if "" in characters:
            return ANY, True
        try:
            return begins(f"{self._pattern.prefix}[{re.escape(''.join(characters))}]", self._flags)
        except re.error:
            return ANY, True

    def may_begin(self, character: str) -> bool:
        """Whether the expression may match what begins with a character; what is empty, if there is none."""
        characters, is_empty = self._begins
        return is_empty or character in characters or not character.isascii()


def begins(pattern: str, flags: int) -> tuple[frozenset[str], bool]:
    """The characters of ASCII that a match can begin with (maybe more of them), and whether it can be empty."""
    parsed = import_module("re._parser").parse(pattern, flags)
    return _sequence(parsed, parsed.state.flags)


def _sequence(items: Any, flags: int) -> tuple[frozenset[str], bool]:
    characters: frozenset[str] = frozenset()
    for operation, argument in items:
        more, is_empty = _one(operation.name, argument, flags)
        characters |= more
        if not is_empty:
            return characters, False
    return characters, True


def _one(operation: str, argument: Any, flags: int) -> tuple[frozenset[str], bool]:
    match operation:
        case "LITERAL":
            return _cases(frozenset(chr(argument)), flags), False
        case "NOT_LITERAL":
            return ANY if flags & re.IGNORECASE else ANY - {chr(argument)}, False
        case "ANY":
            return ANY, False
        case "IN":
            return _set(argument, flags), False
        case "BRANCH":
            branches = [_sequence(branch, flags) for branch in argument[1]]
            return frozenset().union(*(first for first, _ in branches)), any(is_empty for _, is_empty in branches)
        case "SUBPATTERN":
            _, added, removed, items = argument
            return _sequence(items, (flags | added) & ~removed)
        case "ATOMIC_GROUP":
            return _sequence(argument, flags)
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            least, _, items = argument
            characters, is_empty = _sequence(items, flags)
            return characters, is_empty or least == 0
        case "AT" | "ASSERT" | "ASSERT_NOT":
            # What follows has to match at the same place.
            return frozenset(), True
        case "FAILURE":
            return frozenset(), False
    return ANY, True


def _set(items: Any, flags: int) -> frozenset[str]:
    characters: set[str] = set()
    excluded: set[str] = set()
    for operation, argument in items:
        match operation.name:
            case "NEGATE":
                pass
            case "LITERAL":
                characters.add(chr(argument))
                excluded.add(chr(argument))
            case "RANGE":
                first, last = argument
                among = set(map(chr, range(first, min(last, 127) + 1)))
                characters |= among
                excluded |= among
                if last > 127:
                    characters.add(chr(last))
            case "CATEGORY" if argument.name in _CATEGORIES:
                characters |= _CATEGORIES[argument.name]
                excluded |= _CATEGORIES[argument.name] - _SEPARATORS
            case _:
                return ANY
    if items[0][0].name != "NEGATE":
        return _cases(frozenset(characters), flags)
    if flags & re.IGNORECASE:
        excluded = {character for character in excluded if not character.isalpha()}
    return ANY - excluded


def _cases(characters: frozenset[str], flags: int) -> frozenset[str]:
    if not flags & re.IGNORECASE:
        return characters
    # Some letters beyond ASCII are those of ASCII in another case: ``ſ``, ``K``.
    if not all(character.isascii() for character in characters):
        return ANY
    return characters.union(*((character.lower(), character.upper()) for character in characters))


# Blanks, but not with the ASCII flag.
_SEPARATORS = frozenset("\x1c\x1d\x1e\x1f")
_DIGITS = frozenset("0123456789")
_WORD = frozenset(character for character in ANY if character.isalnum()) | {"_"}
_CATEGORIES = {
    "CATEGORY_DIGIT": _DIGITS,
    "CATEGORY_NOT_DIGIT": ANY - _DIGITS,
    "CATEGORY_WORD": _WORD,
    "CATEGORY_NOT_WORD": ANY - _WORD,
    "CATEGORY_SPACE": frozenset(" \t\n\r\f\v") | _SEPARATORS,
    "CATEGORY_NOT_SPACE": ANY - frozenset(" \t\n\r\f\v"),
}
