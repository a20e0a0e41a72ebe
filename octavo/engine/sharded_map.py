"""Many values by name, kept in buckets: who wants some of them reads some of it, and who changes some writes some."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from types import GenericAlias
from typing import Any, TypeVar
from zlib import crc32

from octavo.engine.codec import Codec, codec
from octavo.engine.store import CorruptStore

T = TypeVar("T")

_FULL = 128
"""Values in a bucket, at the most on average."""


class Buckets(Mapping[str, T]):
    """Values of the type ``kind`` by name, in no order.

    Each bucket is here as bytes, and read when a value of it is wanted: then it raises CorruptStore where the bytes are
    something else.
    """

    def __init__(self, kind: Any, data: Sequence[bytes], read: Mapping[int, Mapping[str, T]] | None = None) -> None:
        self.kind = kind
        self.data = tuple(data)
        self._read = dict(read or {})

    @classmethod
    def of(cls, kind: Any, values: Mapping[str, T]) -> Buckets[T]:
        """All of these, in as many buckets as there should be."""
        count = _count(len(values))
        buckets: list[dict[str, T]] = [{} for _ in range(count)]
        for name, value in values.items():
            buckets[_number(name, count)][name] = value
        return cls(kind, list(map(_codec(kind).encode, buckets)), dict(enumerate(buckets)))

    def changed(self, values: Mapping[str, T], gone: Collection[str] = ()) -> Buckets[T]:
        """These, but for some that are others now or are gone.

        Buckets that none of them is in stay as they are.
        """
        touched: dict[int, dict[str, T]] = {}
        for name in (*values, *gone):
            number = _number(name, len(self.data))
            if number not in touched:
                touched[number] = dict(self._bucket(number))
            if name in values:
                touched[number][name] = values[name]
            else:
                touched[number].pop(name, None)
        encode = _codec(self.kind).encode
        data = [encode(touched[number]) if number in touched else each for number, each in enumerate(self.data)]
        return Buckets(self.kind, data, {**self._read, **touched})

    def fits(self, size: int) -> bool:
        """Whether there are as many buckets as so many values should have."""
        return len(self.data) == _count(size)

    def __getitem__(self, name: str) -> T:
        return self._bucket(_number(name, len(self.data)))[name]

    def __iter__(self) -> Iterator[str]:
        for number in range(len(self.data)):
            yield from self._bucket(number)

    def __len__(self) -> int:
        return sum(len(self._bucket(number)) for number in range(len(self.data)))

    def _bucket(self, number: int) -> Mapping[str, T]:
        if number not in self._read:
            try:
                self._read[number] = _codec(self.kind).decode(self.data[number])
            except ValueError as problem:
                raise CorruptStore(f"a bucket cannot be read: {problem}") from problem
        return self._read[number]


def _count(size: int) -> int:
    return 1 << (size // _FULL).bit_length()


def _number(name: str, count: int) -> int:
    return crc32(name.encode("utf-8", "surrogatepass")) % count


def _codec(kind: Any) -> Codec[dict[str, Any]]:
    return codec(GenericAlias(dict, (str, kind)))
