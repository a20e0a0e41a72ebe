"""Kinds of values: what an author may write, typed.

They also say what is wrong with what is no such value. Settings and front matter are checked by the same kinds. A kind
is a frozen value; its ``read`` takes a value as the file has it and the place it stands at, and gives the value typed
or a Problem, without a side effect. What tells the values of one format from those of another, a text from a list, is
the Format that a kind looks through.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from octavo.base.diagnostics import Diagnostic, Span, did_you_mean, error, warning
from octavo.base.toml_positions import Keys


class At(NamedTuple):
    """Where a value stands: its file, and the way to it by keys and indices."""

    path: str
    keys: Keys = ()

    @property
    def name(self) -> str:
        """``permalinks.tag``, ``menu.0.url``: the value as messages call it."""
        return ".".join(map(str, self.keys))

    def below(self, key: str | int) -> At:
        """The place of an item or a key's value in this value."""
        return At(self.path, (*self.keys, key))

    def above(self) -> At:
        """The place of the value that this one is in."""
        return At(self.path, self.keys[:-1])


class Problem(NamedTuple):
    """What is wrong with a value, and what to do.

    ``in_key``: it is the key that is wrong, and not what it says.

    A warning tells of what is passed over: there is no value, and none is missed.
    """

    at: At
    message: str
    hint: str = ""
    in_key: bool = False
    is_warning: bool = False

    def diagnostic(self, code: str, span: Span | None) -> Diagnostic:
        """The problem with the place that it has in the file."""
        make = warning if self.is_warning else error
        return make(self.at.path, span, code, self.message, self.hint)


class Parts(NamedTuple):
    """A value that is made of others, and all that is wrong with these.

    The value is None where too much is wrong for one. ``origins`` has what each part was read from, by the way to it in
    the value: the items of a list move up where one before them is passed over.
    """

    value: Any
    problems: tuple[Problem, ...] = ()
    origins: tuple[tuple[Keys, Any], ...] = ()


class Format(Protocol):
    """How one format of files writes values."""

    def text(self, value: Any) -> str | None:
        """The text of a value, None where it is none."""

    def one_line(self, text: str) -> str:
        """Text in one line: line ends within it are blanks on a page anyway."""

    def flag(self, value: Any) -> bool | None:
        """True or False as the format writes them, and None for all else."""

    def items(self, value: Any) -> Sequence[Any] | None:
        """The items of a list."""

    def entries(self, value: Any) -> Iterable[tuple[str, Any]] | None:
        """The keys and values of a table."""

    def is_absent(self, value: Any) -> bool:
        """True where a key has no value, which counts as no key."""

    def type_name(self, value: Any) -> str:
        """What the format calls a value of this type: ``a table``."""

    def quoted(self, value: Any) -> str:
        """A value as a message shows it; empty where nothing is written."""


Hint = Callable[[Any, At], str]
"""What to do about a value that is none of a kind."""


def say(text: str) -> Hint:
    """The same hint for every value; ``{key}`` in it stands for the key."""
    return lambda value, at: text.replace("{key}", at.name)


def brief(text: str, longest: int = 60) -> str:
    """A value as a message quotes it."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _fill_message(message: str, format_: Format, value: Any, at: At) -> str:
    return message.format(key=at.name, type=format_.type_name(value))


class Kind(Protocol):
    """A kind of value. ``name`` is what the docs call it."""

    @property
    def name(self) -> str: ...

    def read(self, value: Any, at: At) -> Any:
        """The value typed; a Problem; or Parts, where it is made of others."""


def to_parts(reading: Any) -> Parts:
    """What ``Kind.read`` gave, whichever it is of the three."""
    if isinstance(reading, Parts):
        return reading
    return Parts(None, (reading,)) if isinstance(reading, Problem) else Parts(reading)


# Text.


class Text(NamedTuple):
    """One line of text."""

    format: Format
    hint: Hint
    name: str = "text"

    def read(self, value: Any, at: At) -> str | Problem:
        text = self.format.text(value)
        if text is None:
            message = f"'{at.name}' must be text, not {self.format.type_name(value)}"
            return Problem(at, message, self.hint(value, at))
        return self.format.one_line(text)


class Refined(NamedTuple):
    """A kind whose values a function makes something of.

    That is another value, or a Problem.
    """

    name: str
    kind: Kind
    refine: Callable[[Any, At], Any]

    def read(self, value: Any, at: At) -> Any:
        reading = self.kind.read(value, at)
        if isinstance(reading, Problem):
            return reading
        if not isinstance(reading, Parts):
            return self.refine(reading, at)
        if reading.value is None:
            return reading
        refined = self.refine(reading.value, at)
        if isinstance(refined, Problem):
            return reading._replace(value=None, problems=(*reading.problems, refined))
        return reading._replace(value=refined)


class Visible(NamedTuple):
    """Text with something in it to see."""

    text: Kind
    hint: str
    name: str = "text"

    def read(self, value: Any, at: At) -> str | Problem:
        text: str | Problem = self.text.read(value, at)
        if isinstance(text, Problem) or is_visible(text):
            return text
        return Problem(at, f"'{at.name}' is empty", say(self.hint)(value, at))


def is_visible(text: str) -> bool:
    """False for text of nothing but blanks and characters without a shape."""
    return text[:1].isalnum() or any(unicodedata.category(c)[0] not in "ZC" for c in text)


class Choice(NamedTuple):
    """One of some words."""

    text: Kind
    choices: tuple[str, ...]

    @property
    def name(self) -> str:
        return " or ".join(self.choices)

    def read(self, value: Any, at: At) -> str | Problem:
        text: str | Problem = self.text.read(value, at)
        if isinstance(text, Problem) or text in self.choices:
            return text
        quoted = [f"'{choice}'" for choice in self.choices]
        message = f"'{at.name}' must be {', '.join(quoted[:-1])} or {quoted[-1]}"
        return Problem(at, message, did_you_mean(text, self.choices))


# Numbers, truth values and dates.


class Number(NamedTuple):
    """A whole number from ``low`` to ``high``.

    ``message`` is that for another type of value.
    """

    format: Format
    low: int
    high: int
    message: str = "'{key}' must be a whole number, not {type}"
    hint: str = ""

    @property
    def name(self) -> str:
        return f"whole number, {self.low} to {self.high}"

    def read(self, value: Any, at: At) -> int | Problem:
        if not isinstance(value, int) or isinstance(value, bool):
            hint = self.hint or f"write a number from {self.low} to {self.high}, without quotes"
            return Problem(at, _fill_message(self.message, self.format, value, at), say(hint)(value, at))
        if not self.low <= value <= self.high:
            return Problem(at, f"'{at.name}' must be from {self.low} to {self.high}")
        return value


class Flag(NamedTuple):
    """True or false to the letter.

    A guess about ``yes`` or ``"false"`` could publish a draft.
    """

    format: Format
    hint: str
    name: str = "true or false"

    def read(self, value: Any, at: At) -> bool | Problem:
        flag = self.format.flag(value)
        if flag is not None:
            return flag
        quoted = self.format.quoted(value)
        message = f"'{at.name}' must be true or false, not {quoted}" if quoted else f"'{at.name}' is empty"
        return Problem(at, message, say(self.hint)(value, at))


_MOMENT = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"(?:[Tt ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,6}))?)? ?([Zz]|[+-][0-9]{2}:?[0-9]{2})?)?"
)


class Date(NamedTuple):
    """A day as a date; a time as a datetime, aware when an offset is written."""

    format: Format
    hint: str = "write YYYY-MM-DD or YYYY-MM-DDTHH:MM+00:00"
    name: str = "date"

    def read(self, value: Any, at: At) -> dt.date | dt.datetime | Problem:
        text = (self.format.text(value) or "").strip()
        match = _MOMENT.fullmatch(text)
        if match is None:
            return Problem(at, f"'{brief(text or self.format.quoted(value))}' is not a date", self.hint)
        try:
            return _in_calendar(match)
        except ValueError as fault:
            return Problem(at, f"'{text}' is not a date: {fault}", self.hint)


def _in_calendar(match: re.Match[str]) -> dt.date | dt.datetime:
    """The moment of a match of ``_MOMENT``.

    Raises ValueError, with a reason in plain words, for what no calendar or clock shows.
    """
    year, month, day = (int(part) for part in match.group(1, 2, 3))
    if not 1000 <= year <= 9998:
        # Platforms format years below 1000 differently, and no offset may lead out of what a datetime can hold.
        raise ValueError("the year must be between 1000 and 9998")
    if not 1 <= month <= 12:
        raise ValueError(f"there is no month {month}")
    if not 1 <= day <= 28:
        import calendar  # it brings the locales along

        last = calendar.monthrange(year, month)[1]
        if not 1 <= day <= last:
            raise ValueError(f"{calendar.month_name[month]} {year} has {last} days")
    if match[4] is None:
        return dt.date(year, month, day)
    hour, minute, second = (int(part or 0) for part in match.group(4, 5, 6))
    if hour > 23 or minute > 59 or second > 59:
        raise ValueError("a time is between 00:00:00 and 23:59:59")
    return dt.datetime(
        year, month, day, hour, minute, second, int((match[7] or "0").ljust(6, "0")), tzinfo=_offset(match[8])
    )


def _offset(text: str | None) -> dt.timezone | None:
    if text is None:
        return None
    if text in "Zz":
        return dt.UTC
    hours, minutes = int(text[1:3]), int(text[-2:])
    if hours > 23 or minutes > 59:
        raise ValueError("an offset is between -23:59 and +23:59")
    offset = dt.timedelta(hours=hours, minutes=minutes)
    return dt.timezone(-offset if text[0] == "-" else offset)


# Values that are made of others.


class ListOf(NamedTuple):
    """A list of different values of one kind.

    These are no lists or tables themselves. ``repeated`` is a hint for a value that comes again; without one nothing is
    said of it.
    """

    format: Format
    item: Kind
    hint: Hint
    message: str = "'{key}' must be an array, not {type}"
    repeated: str = ""
    name: str = "list"

    def read(self, value: Any, at: At) -> Problem | Parts:
        items = self.format.items(value)
        if items is None:
            return Problem(at, _fill_message(self.message, self.format, value, at), self.hint(value, at))
        values: list[Any] = []
        problems: list[Problem] = []
        origins: list[tuple[Keys, Any]] = []
        is_valid = True
        for index, item in enumerate(items):
            place = at.below(index)
            reading = self.item.read(item, place)
            if isinstance(reading, Problem):
                problems.append(reading)
                is_valid = False
            elif reading not in values:
                origins.append(((len(values),), item))
                values.append(reading)
            elif self.repeated:
                message = f"'{brief(str(reading))}' is in '{at.name}' twice"
                problems.append(Problem(place, message, self.repeated, is_warning=True))
        return Parts(tuple(values) if is_valid else None, tuple(problems), tuple(origins))


class Field(NamedTuple):
    """One key of a table.

    ``about`` is its line in the docs, and ``fields`` are those of a value that is a table.
    """

    name: str
    kind: Kind
    about: str
    fields: tuple[Field, ...] = ()


class UnknownKey(NamedTuple):
    """What to say of a key that a table does not have.

    ``otherwise`` is the hint where no key is like it.

    In the message ``{name}`` stands for the key and ``{table}`` for the table, in the hint ``{names}`` for the keys.
    """

    message: str
    otherwise: str
    is_warning: bool = False

    def problem(self, at: At, names: Mapping[str, object]) -> Problem:
        """``at`` is the place of the key, ``names`` are the keys that there are."""
        name = str(at.keys[-1])
        message = self.message.format(name=brief(name), table=at.above().name)
        hint = did_you_mean(name, names) or self.otherwise.replace("{names}", ", ".join(names))
        return Problem(at, message, hint, in_key=True, is_warning=self.is_warning)


class TableOf(NamedTuple):
    """A table with some keys, each of its kind.

    ``make`` makes something of their values; keys that are not valid are left out. ``required`` has the keys that may
    not be missing, each with a message and a hint.
    """

    format: Format
    fields: tuple[Field, ...]
    make: Callable[[dict[str, Any]], Any]
    unknown: UnknownKey
    hint: str
    message: str = "'{key}' must be a table, not {type}"
    required: tuple[tuple[str, str, str], ...] = ()
    name: str = "table"

    def read(self, value: Any, at: At) -> Problem | Parts:
        entries = self.format.entries(value)
        if entries is None:
            return Problem(at, _fill_message(self.message, self.format, value, at), say(self.hint)(value, at))
        table = dict(entries)
        missing = [Problem(at, message, hint) for name, message, hint in self.required if name not in table]
        reading = read_table(self.format, table, at, self.fields, self.unknown)
        return reading._replace(value=self.make(reading.value), problems=(*missing, *reading.problems))


def read_table(
    format_: Format, table: Mapping[str, Any], at: At, fields: tuple[Field, ...], unknown: UnknownKey
) -> Parts:
    """The values of a table by the names of its fields.

    Those that are not valid are left out.
    """
    kinds = {field.name: field.kind for field in fields}
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    origins: list[tuple[Keys, Any]] = []
    for name, value in table.items():
        place = at.below(name)
        if name not in kinds:
            problems.append(unknown.problem(place, kinds))
            continue
        if format_.is_absent(value):
            continue
        reading = to_parts(kinds[name].read(value, place))
        problems += reading.problems
        origins += [((name,), value), *(((name, *way), origin) for way, origin in reading.origins)]
        if reading.value is not None:
            values[name] = reading.value
    return Parts(values, tuple(problems), tuple(origins))


class Either(NamedTuple):
    """One of two kinds.

    It is the first where ``is_first`` says so of the value, else the second.
    """

    name: str
    is_first: Callable[[Any], bool]
    first: Kind
    second: Kind

    def read(self, value: Any, at: At) -> Any:
        return (self.first if self.is_first(value) else self.second).read(value, at)
