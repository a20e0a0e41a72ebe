"""TOML as its author sees it: where keys, values and faults stand.

``tomllib`` gives the values but no places, so a small scanner of the same text finds where each key and value stands.
``Toml`` says what a value is called.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any, NamedTuple

from octavo.base.diagnostics import Diagnostic, Span, error
from octavo.base.source_text import SourceText

Keys = tuple[str | int, ...]
"""The way to a value: ``("tool", "octavo", "menu", 0, "url")``."""


class Position(NamedTuple):
    """Where a key and its value stand.

    ``declares`` is False for the tables that a longer key passes through.
    """

    key: Span
    value: Span
    declares: bool = True


class _NotToml(Exception):
    """The text is not TOML at the scanner's place."""


_BLANK = re.compile(r"[ \t]*")
_GAP = re.compile(r"(?:[ \t\n]|#[^\n]*)*")
_PART = re.compile(r"""[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*'""")
_STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"{3,5}|' + r"'''.*?'{3,5}|" + r'"(?!"")(?:[^"\\\n]|\\.)*"|' + r"'(?!'')[^'\n]*'", re.DOTALL
)
_BARE = re.compile(r"[^,\[\]{}#\n\"']+")


@dataclass
class TomlScan:
    """A walk through TOML that notes the place of every key and value.

    ``at`` is how far it came. It takes for granted what tomllib checks, and stops at what it cannot read.
    """

    source: SourceText
    at: int = 0
    positions: list[tuple[Keys, Position]] = field(default_factory=list)
    _arrays: dict[Keys, int] = field(default_factory=dict)

    def run(self) -> TomlScan:
        """Walk to the end of the text, or to the first place that is not TOML."""
        table: Keys = ()
        try:
            self._skip(_GAP)
            while not self._at_end():
                if self._peek("["):
                    table = self._header()
                else:
                    self._pair(table)
                self._skip(_GAP)
        except (_NotToml, RecursionError):
            pass
        return self

    def _header(self) -> Keys:
        start = self.at
        is_array = self.source.text.startswith("[[", start)
        self._take("[[" if is_array else "[")
        parts = self._key()
        keys: Keys = ()
        for index, (part, span) in enumerate(parts):
            keys += (part,)
            is_last = index == len(parts) - 1
            if is_last and is_array:
                self._arrays[keys] = self._arrays.get(keys, 0) + 1
            if not is_last:
                self.positions.append((keys, Position(span, span, declares=False)))
            if keys in self._arrays:
                if is_last:
                    self.positions.append((keys, Position(span, span, declares=False)))
                keys += (self._arrays[keys] - 1,)
        self._take("]]" if is_array else "]")
        self.positions.append((keys, Position(parts[-1][1], self.source.span_at(start, self.at - start))))
        return keys

    def _pair(self, table: Keys) -> None:
        parts = self._key()
        self._take("=")
        self._skip(_BLANK)
        start = self.at
        passed = len(self.positions)
        keys = table + tuple(part for part, _ in parts)
        self._value(keys)
        value = self.source.span_at(start, self.at - start)
        above = [
            (table + tuple(part for part, _ in parts[: index + 1]), Position(span, value, index == len(parts) - 1))
            for index, (_, span) in enumerate(parts)
        ]
        self.positions[passed:passed] = above

    def _key(self) -> list[tuple[str, Span]]:
        """The parts of a dotted key, each at its place."""
        parts: list[tuple[str, Span]] = []
        while True:
            self._skip(_BLANK)
            start = self.at
            written = self._match(_PART)
            parts.append((_plain(written), self.source.span_at(start, len(written))))
            self._skip(_BLANK)
            if not self._peek("."):
                return parts
            self._take(".")

    def _value(self, keys: Keys) -> None:
        if self._peek("["):
            self._array(keys)
        elif self._peek("{"):
            self._inline(keys)
        elif self._peek('"') or self._peek("'"):
            self._match(_STRING)
        else:
            start = self.at
            written = self._match(_BARE)
            self.at = start + len(written.rstrip())

    def _array(self, keys: Keys) -> None:
        start = self.at
        self._take("[")
        for index in count():
            self._skip(_GAP)
            if self._peek("]") or self._at_end():
                break
            first = self.at
            passed = len(self.positions)
            self._value((*keys, index))
            span = self.source.span_at(first, self.at - first)
            self.positions.insert(passed, ((*keys, index), Position(span, span)))
            self._skip(_GAP)
            if not self._peek(","):
                break
            self._take(",")
        self._close("]", start)

    def _inline(self, keys: Keys) -> None:
        start = self.at
        self._take("{")
        self._skip(_GAP)
        while not self._peek("}") and not self._at_end():
            self._pair(keys)
            self._skip(_GAP)
            if not self._peek(","):
                break
            self._take(",")
            self._skip(_GAP)
        self._close("}", start)

    def _close(self, bracket: str, opened: int) -> None:
        if self._at_end():
            self.at = opened
            raise _NotToml
        self._take(bracket)

    def _skip(self, pattern: re.Pattern[str]) -> None:
        match = pattern.match(self.source.text, self.at)
        if match is not None:
            self.at = match.end()

    def _match(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self.source.text, self.at)
        if match is None:
            raise _NotToml
        self.at = match.end()
        return match[0]

    def _at_end(self) -> bool:
        return self.at >= len(self.source.text)

    def _peek(self, character: str) -> bool:
        return self.source.text.startswith(character, self.at)

    def _take(self, word: str) -> None:
        if not self._peek(word):
            raise _NotToml
        self.at += len(word)


def _plain(part: str) -> str:
    """A part of a key without its quotes."""
    if part[0] == "'":
        return part[1:-1]
    if part[0] != '"':
        return part
    try:
        return str(tomllib.loads(f"key = {part}")["key"])
    except tomllib.TOMLDecodeError as fault:
        raise _NotToml from fault


# tomllib tells the place of a fault in its message alone. Where its words change, nothing matches, and the fault is put
# where the scan ended.
_AT = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")
_EXAMPLES = 'a setting is written name = "text", name = 10, name = true or name = ["a", "b"]'


def explain_fault(source: SourceText, scan: TomlScan, fault: str, table: Keys) -> Diagnostic:
    """What ``tomllib`` does not take for TOML, as a problem at its place.

    The place is where an author would look for it. Keys within ``table`` are called by what follows it.
    """
    match = _AT.search(fault)
    message = fault[: match.start()] if match else fault
    if match is None or match[1] is None:
        opened = source.text[scan.at : scan.at + 1]
        reason = f"this {opened} is not closed" if opened and opened in "\"'[{" else _lower(message)
        return error(source.path, source.span_at(scan.at), "toml", f"not valid TOML: {reason}", _EXAMPLES)
    line, column = int(match[1]), int(match[2])
    again = _declared_again(scan, line, table)
    if again is not None:
        return again
    return error(source.path, source.span(line, column), "toml", f"not valid TOML: {_lower(message)}", _EXAMPLES)


def _declared_again(scan: TomlScan, line: int, table: Keys) -> Diagnostic | None:
    """The key in a line that an earlier line has already, if that is what is wrong."""
    first: dict[Keys, Span] = {}
    for keys, place in scan.positions:
        if not place.declares:
            continue
        before = first.setdefault(keys, place.key)
        if before is not place.key and place.key.line == line:
            within = keys[len(table) :] if keys[: len(table)] == table else ()
            message = f"'{'.'.join(map(str, within or keys))}' is already in line {before.line}"
            return error(scan.source.path, place.key, "toml", message, "keep one of them")
    return None


def _lower(message: str) -> str:
    return message[:1].lower() + message[1:]


_TYPES = ((bool, "a truth value"), (str, "text"), (int, "a whole number"), (float, "a number"), (list, "an array"))


class Toml:
    """TOML's values, as ``tomllib`` gives them."""

    def text(self, value: object) -> str | None:
        return value if isinstance(value, str) else None

    def one_line(self, text: str) -> str:
        return re.sub(r"[ \t\r\n]*[\t\r\n][ \t\r\n]*", " ", text).strip()

    def flag(self, value: object) -> bool | None:
        return value if isinstance(value, bool) else None

    def items(self, value: object) -> Sequence[Any] | None:
        return value if isinstance(value, list) else None

    def entries(self, value: object) -> Iterable[tuple[str, Any]] | None:
        return value.items() if isinstance(value, dict) else None

    def is_absent(self, value: object) -> bool:
        return False

    def type_name(self, value: object) -> str:
        if isinstance(value, dict):
            return "a table"
        return next((name for kind, name in _TYPES if isinstance(value, kind)), "a date or time")

    quoted = type_name
