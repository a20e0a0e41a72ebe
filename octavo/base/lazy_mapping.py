"""A mapping whose values are made when they are asked for.

It is for thousands of values of which few are looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")


class LazyMapping(Mapping[K, V]):
    """The values that ``make`` gives for ``keys``, in their order.

    Each value is made again whenever it is asked for, and none is kept: who looks twice keeps it. ``make`` is called
    with keys alone, so that what is no key, how many there are and which they are is told without making a value.
    ``keys`` is asked as it is then, not copied: what is added to it later is a key as well. It should say at once
    whether something is in it, as a dict or a set does.
    """

    __slots__ = ("_keys", "_make")

    def __init__(self, keys: Collection[K], make: Callable[[K], V]) -> None:
        self._keys, self._make = keys, make

    def __getitem__(self, key: K) -> V:
        if key not in self._keys:
            raise KeyError(key)
        return self._make(key)

    def __contains__(self, key: object) -> bool:
        return key in self._keys

    def __iter__(self) -> Iterator[K]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)
