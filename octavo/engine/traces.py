"""What the last run of a step on each item asked and came to, in chunks: a build looks into few of thousands of runs,
so a run is taken apart when somebody wants it, and only those chunks are written in which a run is new.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

from octavo.base.digest import DIGEST_BYTES, Digest
from octavo.engine.codec import Codec, codec

_BITS = 8
"""A run's place is the number of its chunk, followed by these many bits for its place in the chunk."""

_MASK = (1 << _BITS) - 1


class Trace(NamedTuple):
    """One run of a step.

    The numbers of the questions it asked, the revision at which it ran, and the digests of the parts of its value.
    """

    queries: array[int]
    revision: int
    parts: bytes

    def part_digest(self, index: int) -> Digest:
        return self.parts[index * DIGEST_BYTES : (index + 1) * DIGEST_BYTES]


_COLUMNS: Codec[tuple[tuple[str, ...], bytes, bytes, bytes, bytes]] = codec(
    tuple[tuple[str, ...], bytes, bytes, bytes, bytes]
)
"""A chunk as it is stored: its items, and the bytes of the other columns."""


@dataclass(frozen=True, slots=True)
class _Chunk:
    """Some runs, one after another. ``ends`` are where the questions of each end."""

    items: tuple[str, ...]
    revisions: array[int]
    ends: array[int]
    queries: array[int]
    parts: bytes

    @classmethod
    def of(cls, runs: Mapping[str, Trace]) -> _Chunk:
        queries = array("I", b"".join([run.queries.tobytes() for run in runs.values()]))
        ends = array("I", accumulate([len(run.queries) for run in runs.values()]))
        revisions = array("I", [run.revision for run in runs.values()])
        return cls(tuple(runs), revisions, ends, queries, b"".join([run.parts for run in runs.values()]))

    @classmethod
    def read(cls, data: bytes) -> _Chunk:
        """Raises ValueError where the columns do not belong together."""
        items, *columns, parts = _COLUMNS.decode(data)
        revisions, ends, queries = (array("I", column) for column in columns)
        count = len(items)
        if not 0 < count <= _MASK + 1 or len(set(items)) != count or not len(revisions) == len(ends) == count:
            raise ValueError("a chunk has not as many columns as items")
        if len(parts) % (count * DIGEST_BYTES) or [*ends] != sorted(ends) or ends[-1] != len(queries):
            raise ValueError("the columns of a chunk end elsewhere")
        return cls(items, revisions, ends, queries, parts)

    def written(self) -> bytes:
        revisions, ends, queries = (column.tobytes() for column in (self.revisions, self.ends, self.queries))
        return _COLUMNS.encode((self.items, revisions, ends, queries, self.parts))

    @property
    def width(self) -> int:
        """Bytes of the digests of one run."""
        return len(self.parts) // len(self.items)

    def run(self, place: int) -> Trace:
        width = self.width
        queries = self.queries[self.ends[place - 1] if place else 0 : self.ends[place]]
        return Trace(queries, self.revisions[place], self.parts[place * width : (place + 1) * width])

    def column(self, index: int) -> list[Digest]:
        """One part's digest of each run."""
        return [self.parts[at : at + DIGEST_BYTES] for at in range(index * DIGEST_BYTES, len(self.parts), self.width)]


class Traces(MutableMapping[str, Trace]):
    """The runs of one step by item.

    Those read from ``chunks`` (number, data), and what became of them since. Raises ValueError for chunks that were not
    written so.
    """

    def __init__(self, chunks: Iterable[tuple[int, bytes]] = ()) -> None:
        self._chunks = {number: _Chunk.read(data) for number, data in chunks}
        self._places: dict[str, int] = {}
        for number in self._chunks:
            self._place(number)
        self._new: dict[str, Trace] = {}
        """The runs that are in no chunk yet: of their places, only the chunk means something."""
        self._altered: set[int] = set()
        if len(self._places) != sum(len(chunk.items) for chunk in self._chunks.values()):
            raise ValueError("an item stands in two chunks")
        self._last = max(self._chunks, default=0)
        self._filled = len(self._chunks[self._last].items) if self._chunks else 0

    def __getitem__(self, item: str) -> Trace:
        place = self._places[item]
        return self._new.get(item) or self._chunks[place >> _BITS].run(place & _MASK)

    def __setitem__(self, item: str, run: Trace) -> None:
        if item not in self._places:
            if self._filled > _MASK:
                self._last, self._filled = self._last + 1, 0
            self._places[item] = self._last << _BITS
            self._filled += 1
        self._new[item] = run
        self._altered.add(self._places[item] >> _BITS)

    def __delitem__(self, item: str) -> None:
        self._altered.add(self._places.pop(item) >> _BITS)
        self._new.pop(item, None)

    def __contains__(self, item: object) -> bool:
        return item in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def has_parts(self, count: int) -> bool:
        """Whether each run has the digests of so many parts."""
        return all(chunk.width == count * DIGEST_BYTES for chunk in self._chunks.values())

    def newest(self) -> int:
        """The revision of the last run; 0 where there is none."""
        return max((max(chunk.revisions) for chunk in self._chunks.values()), default=0)

    def copy(self) -> Traces:
        """The runs as they are now, whatever comes."""
        # Chunks and runs are frozen, so the tables alone are copied.
        now = Traces()
        now._chunks, now._places, now._new = self._chunks.copy(), self._places.copy(), self._new.copy()
        now._altered, now._last, now._filled = self._altered.copy(), self._last, self._filled
        return now

    def part_digest(self, item: str, index: int) -> Digest:
        new = self._new.get(item)
        if new is not None:
            return new.part_digest(index)
        place = self._places[item]
        chunk = self._chunks[place >> _BITS]
        at = (place & _MASK) * chunk.width + index * DIGEST_BYTES
        return chunk.parts[at : at + DIGEST_BYTES]

    def part_digests(self, index: int) -> dict[str, Digest]:
        """One part's digest of every item."""
        digests: dict[str, Digest] = {}
        for chunk in self._chunks.values():
            digests.update(zip(chunk.items, chunk.column(index), strict=True))
        digests.update((item, run.part_digest(index)) for item, run in self._new.items())
        return digests if len(digests) == len(self) else {item: digests[item] for item in self}

    def asking(self, questions: Collection[int]) -> set[str]:
        """The items whose run asked one of these."""
        numbers, items = frozenset(questions), set[str]()
        if not numbers:
            return items
        for chunk in self._chunks.values():
            if not numbers.isdisjoint(chunk.queries):
                places = {bisect_right(chunk.ends, at) for at, number in enumerate(chunk.queries) if number in numbers}
                items.update(chunk.items[place] for place in places)
        # Chunks are not changed in place: a run that is new or gone is still in its chunk until that is written.
        items.difference_update(self._new)
        items.update(item for item, run in self._new.items() if not numbers.isdisjoint(run.queries))
        return items.intersection(self._places) if self._altered else items

    def since(self, revision: int) -> list[str]:
        """The items that were run after a revision."""
        items = [item for item, run in self._new.items() if run.revision > revision]
        for chunk in self._chunks.values():
            if max(chunk.revisions) > revision:
                rows = zip(chunk.items, chunk.revisions, strict=True)
                items += [item for item, ran in rows if ran > revision and self._is_kept(item)]
        return items

    def unsaved(self) -> Iterator[tuple[int, bytes | None]]:
        """The chunks that are to be written, by number.

        None stands for one that is empty now. They are taken for written.
        """
        homes: dict[int, list[str]] = {number: [] for number in self._altered}
        for number in self._altered & self._chunks.keys():
            homes[number] = [item for item in self._chunks[number].items if self._is_kept(item)]
        for item in self._new:
            homes[self._places[item] >> _BITS].append(item)
        for number, items in homes.items():
            if items:
                self._chunks[number] = _Chunk.of({item: self[item] for item in items})
                self._place(number)
            else:
                self._chunks.pop(number, None)
            yield number, self._chunks[number].written() if items else None
        # Runs that went leave their places in the last chunk free.
        self._filled = len(homes.get(self._last, range(self._filled)))
        self._new.clear()
        self._altered.clear()

    def _place(self, number: int) -> None:
        first, items = number << _BITS, self._chunks[number].items
        self._places.update(zip(items, range(first, first + len(items)), strict=True))

    def _is_kept(self, item: str) -> bool:
        """Whether the run of an item, of those of a chunk, is the one that is there."""
        return item in self._places and item not in self._new
