"""Many values by name, kept in buckets: who wants some of them reads some of it, and who changes some writes some."""

from __future__ import annotations

import pickle
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TypeVar
from zlib import crc32

T = TypeVar("T")

_FULL = 128
"""Values in a bucket, at the most on average."""


class Buckets(Mapping[str, T]):
    """Values by name, in no order. Each bucket is here as bytes, and read when a value of it is wanted."""

    def __init__(self, data: Sequence[bytes], read: Mapping[int, Mapping[str, T]] | None = None) -> None:
        self.data = tuple(data)
        self._read = dict(read or {})

    @classmethod
    def of(cls, values: Mapping[str, T]) -> Buckets[T]:
        """All of these, in as many buckets as there should be."""
        count = _count(len(values))
        buckets: list[dict[str, T]] = [{} for _ in range(count)]
        for name, value in values.items():
            buckets[_number(name, count)][name] = value
        return cls(list(map(_pickled, buckets)), dict(enumerate(buckets)))

    def changed(self, values: Mapping[str, T], gone: Collection[str] = ()) -> Buckets[T]:
        """These, but for some that are others now or are gone. Buckets that none of them is in stay as they are."""
        touched: dict[int, dict[str, T]] = {}
        for name in (*values, *gone):
            number = _number(name, len(self.data))
            if number not in touched:
                touched[number] = dict(self._bucket(number))
            if name in values:
                touched[number][name] = values[name]
            else:
                touched[number].pop(name, None)
        data = [_pickled(touched[number]) if number in touched else each for number, each in enumerate(self.data)]
        return Buckets(data, {**self._read, **touched})

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
            self._read[number] = pickle.loads(self.data[number])
        return self._read[number]


def _count(size: int) -> int:
    return 1 << (size // _FULL).bit_length()


def _number(name: str, count: int) -> int:
    return crc32(name.encode("utf-8", "surrogatepass")) % count


def _pickled(bucket: Mapping[str, T]) -> bytes:
    return pickle.dumps(bucket, pickle.HIGHEST_PROTOCOL)
