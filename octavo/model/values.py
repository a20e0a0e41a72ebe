"""Values that cannot be changed, whatever an author or build.py gave."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any


class Table(Mapping[str, Any]):
    """A mapping that cannot be changed, in the order of its keys.

    Such are ``extra`` in front matter and rows of data.
    """

    __slots__ = ("_items",)

    def __init__(self, items: Mapping[str, Any] | None = None) -> None:
        self._items = {key: (items or {})[key] for key in sorted(items or {})}

    def __getitem__(self, key: str) -> Any:
        return self._items[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __hash__(self) -> int:
        return hash(tuple(self._items.items()))

    def __repr__(self) -> str:
        return f"Table({self._items!r})"

    def __reduce__(self) -> tuple[type[Table], tuple[dict[str, Any]]]:
        return (Table, (self._items,))

    @staticmethod
    def stored_as() -> Any:
        """As ``codec`` writes it."""
        from octavo.model.extensions import ScriptData  # late: the nouns that a table may hold have tables themselves

        return dict[str, ScriptData]

    def to_stored(self) -> dict[str, Any]:
        """What ``codec`` writes."""
        return self._items

    @classmethod
    def from_stored(cls, items: dict[str, Any]) -> Table:
        """The table of what ``codec`` has read."""
        return cls(items)


def freeze(value: Any) -> Any:
    """A value of tuples and Tables in the place of what could be changed.

    Lists and, in order, sets become tuples, mappings and dataclasses that are not Octavo's become Tables, all the way
    down. The order of a set is another in each process, and a class of build.py is known to none but those that ran it.
    """
    if isinstance(value, Mapping):
        return Table({str(key): freeze(item) for key, item in value.items()})
    if isinstance(value, list | tuple):
        return tuple(freeze(item) for item in value)
    if isinstance(value, set | frozenset):
        return tuple(sorted(freeze(item) for item in value))
    if is_dataclass(value) and not isinstance(value, type) and not type(value).__module__.startswith("octavo."):
        return Table({field.name: freeze(getattr(value, field.name)) for field in fields(value)})
    return value


def json_text(value: object) -> str:
    """A value as JSON, fit for a script in HTML."""
    text = _encode(value)
    for special in "<>&'":
        if special in text:
            text = text.replace(special, f"\\u{ord(special):04x}")
    return text


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
