"""Values of the cache as bytes, and back: MessagePack, read into the frozen types that it was written from.

What is read is checked against the type that is asked for, field by field, so bytes that somebody else wrote are a
value of that type or an error. They never name a class or a function, and nothing in them is run.

Most types are msgspec's own matter. Those it does not know are taken apart into types that it does (their *wire*
type): moments with their time zone, mappings, dataclasses that have subclasses, and what build.py gives, which may be
anything that is frozen.
"""

from __future__ import annotations

import datetime as dt
import types
from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from operator import attrgetter
from typing import (
    Annotated,
    Any,
    Generic,
    Literal,
    NamedTuple,
    Protocol,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)
from zoneinfo import ZoneInfo

import msgspec

from octavo.base.shortage import raise_if_shortage

T = TypeVar("T")

_PLAIN = frozenset((str, int, bool, bytes, float, type(None)))


class Codec(Generic[T]):
    """Writes and reads values of one type."""

    def __init__(self, wire: _Wire) -> None:
        self._encode = msgspec.msgpack.Encoder().encode
        self._decode = msgspec.msgpack.Decoder(wire.kind).decode
        self._wire = wire

    def encode(self, value: T) -> bytes:
        """Raises TypeError for what is not frozen data."""
        take = self._wire.take
        return self._encode(value if take is None else take(value))

    def decode(self, data: bytes) -> T:
        """Raises ValueError for anything that is not a value of the type."""
        give = self._wire.give
        try:
            value = self._decode(data)
            return value if give is None else give(value)  # type: ignore[no-any-return]
        except ValueError:
            raise
        except (TypeError, KeyError, IndexError, OverflowError, RecursionError) as problem:
            raise ValueError(f"no value of the type: {problem}") from problem


@cache
def codec(kind: Any) -> Codec[Any]:
    """The codec of a type, as annotations name it.

    ``tuple[Diagnostic, ...]``, ``Meta | None``, ``Any``.
    """
    return Codec(_wire(kind))


@cache
def field_codecs(kind: type) -> Mapping[str, Codec[Any]]:
    """The codec of each field of a dataclass."""
    hints = get_type_hints(kind, include_extras=True)
    return {field.name: codec(hints[field.name]) for field in fields(kind)}


class Storable(Protocol):
    """A class that says itself how it is written: as a value of another type."""

    @staticmethod
    def stored_as() -> Any: ...

    def to_stored(self) -> Any: ...

    @classmethod
    def from_stored(cls, value: Any, /) -> Storable: ...


class _Wire(NamedTuple):
    """The type that stands for another in the bytes, and the way there and back; None where it is the same."""

    kind: Any
    take: Callable[[Any], Any] | None = None
    give: Callable[[Any], Any] | None = None


@cache
def _wire(kind: Any) -> _Wire:
    if kind in _PLAIN or kind is None:
        return _Wire(kind)
    if kind is Any:
        return _wire_of_anything(())
    if kind is dt.datetime:
        return _Wire(str, _moment_text, _moment_with_time)
    if hasattr(kind, "stored_as"):
        return _after(_wire(kind.stored_as()), kind.to_stored, kind.from_stored)
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _wire_of_anything(arguments[1:])
    if origin is Literal:
        return _Wire(kind)
    if origin is Union or origin is types.UnionType:
        return _wire_of_union(kind, arguments)
    if origin is tuple:
        return _wire_of_tuple(kind, arguments)
    if origin in (dict, Mapping):
        return _wire_of_mapping(arguments)
    if isinstance(kind, type) and is_dataclass(kind):
        return _wire_of_dataclass(kind)
    if isinstance(kind, type) and issubclass(kind, tuple) and hasattr(kind, "_fields"):
        return _wire_of_fields(kind, kind._fields, tuple)
    raise TypeError(f"values of the type {kind} cannot be stored")


def _after(inner: _Wire, take: Callable[[Any], Any], give: Callable[[Any], Any]) -> _Wire:
    """A wire that is reached in two steps."""
    first, last = inner.take, inner.give
    return _Wire(
        inner.kind,
        take if first is None else lambda value: first(take(value)),
        give if last is None else lambda value: give(last(value)),
    )


def _wire_of_union(kind: Any, options: tuple[Any, ...]) -> _Wire:
    rest = tuple(option for option in options if option is not type(None))
    if set(rest) == {dt.date, dt.datetime}:
        inner = _Wire(str, _moment_text, _moment)
    elif len(rest) == 1:
        inner = _wire(rest[0])
    elif all(isinstance(option, type) and is_dataclass(option) for option in rest):
        inner = _wire_of_classes(rest)
    else:
        return _Wire(kind)  # of what msgspec tells apart by itself, or refuses now
    if len(rest) == len(options):
        return inner
    take, give = inner.take, inner.give
    return _Wire(
        inner.kind | None,
        None if take is None else lambda value: None if value is None else take(value),
        None if give is None else lambda value: None if value is None else give(value),
    )


def _wire_of_tuple(kind: Any, arguments: tuple[Any, ...]) -> _Wire:
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        item = _wire(arguments[0])
        take, give = item.take, item.give
        return _Wire(
            types.GenericAlias(tuple, (item.kind, ...)),
            None if take is None else lambda values: tuple([take(value) for value in values]),
            None if give is None else lambda values: tuple([give(value) for value in values]),
        )
    return _wire_of_row([_wire(argument) for argument in arguments])


def _wire_of_row(wires: list[_Wire]) -> _Wire:
    """A tuple of so many values, each of a type of its own."""
    takes = [(place, wire.take) for place, wire in enumerate(wires) if wire.take is not None]
    gives = [(place, wire.give) for place, wire in enumerate(wires) if wire.give is not None]

    def each(changes: list[Any]) -> Callable[[Any], Any] | None:
        def change(values: tuple[Any, ...]) -> tuple[Any, ...]:
            row = list(values)
            for place, make in changes:
                row[place] = make(row[place])
            return tuple(row)

        return change if changes else None

    return _Wire(types.GenericAlias(tuple, tuple(wire.kind for wire in wires)), each(takes), each(gives))


def _wire_of_mapping(arguments: tuple[Any, ...]) -> _Wire:
    key, value = map(_wire, arguments)
    if key.take is not None or key.give is not None:
        raise TypeError("the keys of a mapping that is stored are scalars and tuples")
    take, give = value.take, value.give
    return _Wire(
        types.GenericAlias(dict, (key.kind, value.kind)),
        dict if take is None else lambda values: {name: take(each) for name, each in values.items()},
        None if give is None else lambda values: {name: give(each) for name, each in values.items()},
    )


def _wire_of_dataclass(kind: type) -> _Wire:
    below: list[type] = kind.__subclasses__()
    if below:
        return _wire_of_classes((kind, *below))
    names = tuple(field.name for field in fields(kind))
    return _wire_of_fields(kind, names, _getter(names))


def _wire_of_fields(kind: Any, names: tuple[str, ...], take_fields: Callable[[Any], tuple[Any, ...]]) -> _Wire:
    """A dataclass or a named tuple: msgspec's matter where each field is, else a row of its fields."""
    hints = get_type_hints(kind, include_extras=True)
    wires = [_wire(hints[name]) for name in names]
    if all(wire.take is None and wire.give is None for wire in wires):
        return _Wire(kind)
    return _after(_wire_of_row(wires), take_fields, lambda row: kind(*row))


def _wire_of_classes(kinds: tuple[Any, ...]) -> _Wire:
    """One of several dataclasses: its place among them, and its fields."""
    names = [tuple(field.name for field in fields(kind)) for kind in kinds]
    rows = [
        _wire_of_row([_wire(get_type_hints(kind, include_extras=True)[name]) for name in own])
        for kind, own in zip(kinds, names, strict=True)
    ]
    places = {
        kind: (place, _getter(own), rows[place].take)
        for place, (kind, own) in enumerate(zip(kinds, names, strict=True))
    }

    def take(value: Any) -> tuple[int, Any]:
        place, take_fields, change = places[type(value)]
        row = take_fields(value)
        return place, row if change is None else change(row)

    def give(pair: tuple[int, Any]) -> Any:
        place, data = pair
        if not 0 <= place < len(kinds):
            raise ValueError("a class that is not one of those that may stand here")
        row, change = msgspec.convert(data, rows[place].kind), rows[place].give
        return kinds[place](*(row if change is None else change(row)))

    return _Wire(tuple[int, Any], take, give)


def _getter(names: tuple[str, ...]) -> Callable[[Any], tuple[Any, ...]]:
    if len(names) == 1:
        return lambda value: (getattr(value, names[0]),)
    return attrgetter(*names) if names else lambda value: ()


# Moments. MessagePack's own have no time zone, which decides what readers see.


def _moment_text(moment: dt.date) -> str:
    """A day as ``2026-01-02``; a time as ISO 8601 has it, or, in a named zone, as its clocks show it, with the fold and
    the zone: ``2026-01-02T03:04:05 0 Europe/Berlin``."""
    zone = moment.tzinfo if isinstance(moment, dt.datetime) else None
    if isinstance(zone, ZoneInfo) and isinstance(moment, dt.datetime):
        return f"{moment.replace(tzinfo=None, fold=0).isoformat()} {moment.fold} {zone.key}"
    return moment.isoformat()


def _moment(text: str) -> dt.date:
    return _moment_with_time(text) if "T" in text else dt.date.fromisoformat(text)


def _moment_with_time(text: str) -> dt.datetime:
    clock, _, rest = text.partition(" ")
    moment = dt.datetime.fromisoformat(clock)
    if not rest:
        return moment
    fold, _, key = rest.partition(" ")
    return moment.replace(tzinfo=_zone(key), fold=int(fold))


@cache
def _zone(key: str) -> ZoneInfo:
    try:
        return ZoneInfo(key)
    except OSError as problem:  # a folder of the time zones, or none of them
        raise_if_shortage(problem)
        raise ValueError(f"no time zone: {key!r}") from problem


# Anything that is frozen: scalars as they are, all else as a row that begins with what it is.

_LARGEST = 1 << 63


def _wire_of_anything(kinds: tuple[Any, ...]) -> _Wire:
    """What is known only when it is there; ``kinds`` are the classes that may be among it, which are written by name
    (``Annotated[Any, Table, Link]``)."""
    named = {kind.__name__: kind for kind in kinds}

    def take(value: Any) -> Any:
        kind = type(value)
        if kind is str:
            return value if value.isascii() or _is_utf8(value) else ("u", value.encode("utf-8", "surrogatepass"))
        if kind is int:
            return value if -_LARGEST <= value < _LARGEST else ("i", str(value))
        if kind in _PLAIN:
            return value
        if kind is tuple:
            return ("t", *map(take, value))
        if kind is dt.datetime or kind is dt.date:
            return ("d", _moment_text(value))
        if named.get(kind.__name__) is kind:
            inner = _wire(named[kind.__name__]).take
            return ("o", kind.__name__, value if inner is None else inner(value))
        raise TypeError(f"a {kind.__qualname__} cannot be stored: {value!r:.80}")

    def give(value: Any) -> Any:
        if type(value) is not list:
            if type(value) not in _PLAIN:
                raise ValueError("neither a scalar nor a row")
            return value
        tag, *rest = value
        if tag == "t":
            return tuple(map(give, rest))
        if tag == "o":
            name, content = rest
            wire = _wire(named[name])
            inner = msgspec.convert(content, wire.kind)
            return inner if wire.give is None else wire.give(inner)
        (data,) = rest
        if tag == "d":
            return _moment(data)
        if tag == "i":
            return int(data)
        if tag == "u":
            return data.decode("utf-8", "surrogatepass")
        raise ValueError(f"a row of an unknown kind: {tag!r:.20}")

    return _Wire(Any, take, give)


def _is_utf8(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
