"""Pygments' lexers with a shorter way to the rule that matches.

A lexer made of regular expressions tries those of its state in order, at every place of a text; here only those that
can match something that begins with the character at that place. Which characters these are follows from the parsed
expression; what is not understood may begin with any. And an expression is compiled when it is first tried: most of a
lexer's never are. The tokens are the same.

Private parts that are used, each said at its place: ``_process_regex`` and ``_tokens`` of Pygments' lexer classes,
``_TokenType``, and ``re._parser`` of Python. For all of them tests/test_fast_lexers.py is what notices: it compares the
tokens with those of the library, in many languages, and counts which expressions were compiled.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from importlib import import_module
from typing import Any, TypeAlias

from pygments.lexer import Lexer, RegexLexer, words
from pygments.lexers import find_lexer_class_by_name

# Private: ``_TokenType``, the type of each kind of token, for which there is no other name.
from pygments.token import Error, Whitespace, _TokenType
from pygments.util import Future

Match: TypeAlias = Callable[[str, int], re.Match[str] | None]
Tokens: TypeAlias = Iterator[tuple[int, _TokenType, str]]
LexerRule: TypeAlias = tuple[Match, Any, Any]
"""How to match, the kind of the token or what makes tokens of the match, and the change of state, if any."""

ANY = frozenset(map(chr, range(128)))
"""The characters of ASCII; what lies beyond may begin anything."""


def load_lexer(language: str, **options: Any) -> Lexer:
    """Load the lexer of a language by any of its names.

    Raises ``pygments.util.ClassNotFound``.
    """
    return speed_up(find_lexer_class_by_name(language))(**options)


def speed_up(original: type[Lexer]) -> type[Lexer]:
    """Derive a lexer that gives the same tokens faster.

    A lexer that does not go by its rules alone stays as it is.
    """
    if not issubclass(original, RegexLexer) or getattr(original, "token_variants", False):
        return original
    # One with a loop of its own (ExtendedRegexLexer, or what a lexer adds to the tokens) would lose it.
    if original.get_tokens_unprocessed is not RegexLexer.get_tokens_unprocessed:
        return original
    return type(original.__name__, (_FastLexer, original), {})


class _FastLexer(RegexLexer):
    # Private: what Pygments' metaclass calls to compile each expression of a lexer. There it returns a function
    # ``match``, here an Expression, which compiles nothing yet. When Pygments no longer calls it, all expressions are
    # compiled at once: the tokens stay, the gain is lost, and the test that counts the compiled ones fails.
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
                matched = match(text, pos)
                if matched is None:
                    continue
                if type(action) is _TokenType:
                    yield pos, action, matched[0]
                elif action is not None:
                    yield from action(self, matched)
                pos = matched.end()
                if change is not None:
                    _change_state(names, change)
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
        states: dict[str, _LexerState] | None = cls.__dict__.get("_fast_states")
        if states is None:
            # Private: the rules of each state, includes and all resolved, which the metaclass puts together when the
            # first lexer of a class is made. Nothing public has them. A KeyError here is what notices.
            tokens: dict[str, Any] = cls.__dict__["_tokens"]
            states = {name: _LexerState(rules) for name, rules in tokens.items()}
            type.__setattr__(cls, "_fast_states", states)
        return states


def _change_state(names: list[str], change: Any) -> None:
    """Follow a change of state.

    It is names to put on the stack, or how many to take from it as a negative number.
    """
    if isinstance(change, int):
        del names[max(1, len(names) + change) :]
        return
    for name in change if isinstance(change, tuple) else (change,):
        if name == "#pop":
            del names[max(1, len(names) - 1) :]
        else:
            names.append(names[-1] if name == "#push" else name)


class _LexerState(dict[str, tuple[LexerRule, ...]]):
    """By character, the rules of a state to try there, in their order.

    Those of the end of the text stand at the empty text.
    """

    def __init__(self, rules: list[tuple[Any, Any, Any]]) -> None:
        self._rules = rules

    def __missing__(self, character: str) -> tuple[LexerRule, ...]:
        rules: list[LexerRule] = []
        for expression, action, change in self._rules:
            if not isinstance(expression, Expression):
                rules.append((expression, action, change))
            elif expression.can_begin(character):
                rules.append((expression.match, action, change))
        rules_here = self[character] = tuple(rules)
        return rules_here


class Expression:
    """A regular expression that is compiled when it is first needed."""

    def __init__(self, pattern: str | Future, flags: int) -> None:
        self._pattern = pattern
        self._flags = flags

    @cached_property
    def pattern(self) -> str:
        if isinstance(self._pattern, Future):
            make_pattern: Callable[[], Any] = self._pattern.get
            return str(make_pattern())
        return self._pattern

    @cached_property
    def match(self) -> Match:
        return re.compile(self.pattern, self._flags).match

    @cached_property
    def _first_characters(self) -> tuple[frozenset[str], bool]:
        if not isinstance(self._pattern, words):
            return first_characters(self.pattern, self._flags)
        # A list of words is a long expression, of which only this is needed.
        characters = {word[:1] for word in self._pattern.words}
        if "" in characters:
            return ANY, True
        try:
            return first_characters(f"{self._pattern.prefix}[{re.escape(''.join(characters))}]", self._flags)
        except re.error:
            return ANY, True

    def can_begin(self, character: str) -> bool:
        """Whether the expression may match what begins with a character.

        Without a character, whether it may match nothing.
        """
        characters, is_empty = self._first_characters
        return is_empty or character in characters or not character.isascii()


def first_characters(pattern: str, flags: int) -> tuple[frozenset[str], bool]:
    """The ASCII characters that a match can begin with.

    There may be more of them than needed, never fewer. The second value is whether a match can be empty.
    """
    # Private: Python's own parser of expressions, whose tree has been the same since Python 1.5. There is no other way
    # to the parsed expression. An ImportError notices when it goes; an operation that is new has any first character.
    parsed = import_module("re._parser").parse(pattern, flags)
    return _firsts_of_sequence(parsed, parsed.state.flags)


def _firsts_of_sequence(items: Any, flags: int) -> tuple[frozenset[str], bool]:
    characters: frozenset[str] = frozenset()
    for operation, argument in items:
        more, is_empty = _firsts_of_operation(operation.name, argument, flags)
        characters |= more
        if not is_empty:
            return characters, False
    return characters, True


def _firsts_of_operation(operation: str, argument: Any, flags: int) -> tuple[frozenset[str], bool]:
    match operation:
        case "LITERAL":
            return _with_other_case(frozenset(chr(argument)), flags), False
        case "NOT_LITERAL":
            return ANY if flags & re.IGNORECASE else ANY - {chr(argument)}, False
        case "ANY":
            return ANY, False
        case "IN":
            return _firsts_of_set(argument, flags), False
        case "BRANCH":
            branches = [_firsts_of_sequence(branch, flags) for branch in argument[1]]
            return frozenset().union(*(first for first, _ in branches)), any(is_empty for _, is_empty in branches)
        case "SUBPATTERN":
            _, added, removed, items = argument
            return _firsts_of_sequence(items, (flags | added) & ~removed)
        case "ATOMIC_GROUP":
            return _firsts_of_sequence(argument, flags)
        case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
            least, _, items = argument
            characters, is_empty = _firsts_of_sequence(items, flags)
            return characters, is_empty or least == 0
        case "AT" | "ASSERT" | "ASSERT_NOT":
            # What follows has to match at the same place.
            return frozenset(), True
        case "FAILURE":
            return frozenset(), False
    return ANY, True


def _firsts_of_set(items: Any, flags: int) -> frozenset[str]:
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
        return _with_other_case(frozenset(characters), flags)
    if flags & re.IGNORECASE:
        excluded = {character for character in excluded if not character.isalpha()}
    return ANY - excluded


def _with_other_case(characters: frozenset[str], flags: int) -> frozenset[str]:
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
