"""The values that a step left, each part read when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cache, cached_property
from typing import Any, TypeVar, get_type_hints

from octavo.base.digest import Digest, digest
from octavo.engine.codec import Codec, field_codecs
from octavo.engine.facts import Fact, Query
from octavo.engine.store import CorruptStore
from octavo.engine.traces import Trace, Traces
from octavo.engine.worker import PartKey, Shelf, defaults

T = TypeVar("T")


@dataclass(frozen=True)
class Change:
    """Why an item was run.

    It is new, its output was lost, or the answer to ``query`` changed.
    """

    reason: str
    query: Query[Any] | None = None


class Records(Mapping[str, Trace]):
    """The values of a step by item.

    Digests are at hand, the parts themselves are read when asked for.
    """

    def __init__(self, step: str, value: type, traces: Traces, shelf: Shelf) -> None:
        """``value`` is the dataclass that the step gives."""
        self.step, self._value, self._traces, self._shelf = step, value, traces.copy(), shelf
        self._usual, self._codecs = defaults(value), field_codecs(value)
        self._places = {part: place for place, part in enumerate(part_names(value))}

    def __getitem__(self, item: str) -> Trace:
        return self._traces[item]

    def __contains__(self, item: object) -> bool:
        return item in self._traces

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._traces)

    @cached_property
    def _items(self) -> tuple[str, ...]:
        return tuple(sorted(self._traces))

    def digest(self, item: str, part: str) -> Digest:
        return self._traces.part_digest(item, self._places[part])

    def digest_of(self, *parts: str) -> Digest:
        """One digest of these parts of all items."""
        return digest((self._items, tuple([b"".join(self.digests(part).values()) for part in parts])))

    def digests(self, part: str) -> dict[str, Digest]:
        """The digest of one part of every item."""
        digests = self._traces.part_digests(self._places[part])
        return {item: digests[item] for item in self._items}

    def since(self, revision: int) -> list[str]:
        """The items that were run after a revision."""
        return self._traces.since(revision)

    def load(self, item: str, part: str) -> Any:
        usual = self._usual.get(part)
        if usual is not None and usual[0] == self.digest(item, part):
            return usual[1]
        return read_part(self._codecs[part], self._shelf.part(self.step, item, part))

    def fact(self, item: str, part: str) -> Fact:
        return Fact(self.digest(item, part), lambda: self.load(item, part))

    def is_non_default(self, item: str, part: str) -> bool:
        """Whether a part is another than by default."""
        return part not in self._usual or self._usual[part][0] != self.digest(item, part)

    def key(self, item: str, part: str) -> Iterator[PartKey]:
        """The key of a part, if it is one that is stored."""
        if item in self._traces and self.is_non_default(item, part):
            yield self.step, item, part

    def kind(self, part: str) -> Any:
        """The type of a part."""
        return get_type_hints(self._value, include_extras=True)[part]

    def column(self, part: str) -> dict[str, Any]:
        """One part of every item."""
        values = self.non_default(part)
        if part in self._usual:
            value = self._usual[part][1]
            for item in self._traces:
                values.setdefault(item, value)
        return values

    def non_default(self, part: str) -> dict[str, Any]:
        """One part of every item where it is not what it is by default."""
        rows = self._shelf.column(self.step, part)
        return {item: read_part(self._codecs[part], data) for item, data in rows if item in self._traces}


@dataclass(frozen=True)
class Mapped:
    """The values of a step over all its items.

    Also which items were run for it, with the reason.
    """

    records: Records
    ran: Mapping[str, Change]


def read_part(codec: Codec[T], data: bytes) -> T:
    try:
        return codec.decode(data)
    except ValueError as problem:
        raise CorruptStore(f"a value cannot be read: {problem}") from problem


@cache
def part_names(value: type) -> tuple[str, ...]:
    """The names of the fields of a step's value."""
    return tuple(field.name for field in fields(value))
