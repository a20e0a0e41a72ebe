"""Which characters a font has.

Its table ``cmap`` says so, formats 4 and 12 of the OpenType specification (ISO 14496-22).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from itertools import pairwise

Ranges = tuple[tuple[int, int], ...]
"""Code points from the first to the last of each pair, in order; no two pairs touch."""

_PREFERRED = ((3, 10), (0, 6), (0, 4), (3, 1), (0, 3), (0, 2), (0, 1), (0, 0))
"""Platform and encoding of Unicode tables, those with all planes first."""

_ALONE = (b"\0\1\0\0", b"OTTO", b"true")
_COLLECTION = b"ttcf"


class NoFont(Exception):
    """The bytes are no OpenType or TrueType font with a table for Unicode."""


def ranges_of(font: bytes) -> Ranges:
    """The characters that have a glyph.

    Of a collection, those of its first font. Raises NoFont.
    """
    try:
        return _join(_characters(font, _table(font, b"cmap")))
    except (struct.error, IndexError) as problem:
        raise NoFont("it breaks off") from problem


def _table(font: bytes, name: bytes) -> int:
    """Where a table begins."""
    start = struct.unpack_from(">I", font, 12)[0] if font[:4] == _COLLECTION else 0
    if font[start : start + 4] not in _ALONE:
        raise NoFont("it is no OpenType or TrueType font")
    (count,) = struct.unpack_from(">H", font, start + 4)
    for number in range(count):
        tag, _, offset, _ = struct.unpack_from(">4sIII", font, start + 12 + 16 * number)
        if tag == name:
            return int(offset)
    raise NoFont(f"it has no table '{name.decode()}'")


def _characters(font: bytes, cmap: int) -> Iterator[tuple[int, int]]:
    (count,) = struct.unpack_from(">H", font, cmap + 2)
    tables = {}
    for number in range(count):
        platform, encoding, offset = struct.unpack_from(">HHI", font, cmap + 4 + 8 * number)
        tables[platform, encoding] = cmap + offset
    for choice in _PREFERRED:
        if choice in tables:
            (kind,) = struct.unpack_from(">H", font, tables[choice])
            if kind == 12:
                return _format_12(font, tables[choice])
            if kind == 4:
                return _format_4(font, tables[choice])
    raise NoFont("it has no table for Unicode")


def _format_12(font: bytes, start: int) -> Iterator[tuple[int, int]]:
    (count,) = struct.unpack_from(">I", font, start + 12)
    for number in range(count):
        first, last, glyph = struct.unpack_from(">III", font, start + 16 + 12 * number)
        # Glyph 0 is the one for what is lacking.
        yield (first, last) if glyph else (first + 1, last)


def _format_4(font: bytes, start: int) -> Iterator[tuple[int, int]]:
    (twice,) = struct.unpack_from(">H", font, start + 6)
    count = twice // 2
    ends, starts, deltas, offsets = (start + 14, start + 16 + twice, start + 16 + 2 * twice, start + 16 + 3 * twice)
    for number in range(count):
        (last,), (first,) = (struct.unpack_from(">H", font, at + 2 * number) for at in (ends, starts))
        (delta,), (offset,) = (struct.unpack_from(">H", font, at + 2 * number) for at in (deltas, offsets))
        for code in range(first, last + 1):
            glyph = code
            if offset:
                (glyph,) = struct.unpack_from(">H", font, offsets + 2 * number + offset + 2 * (code - first))
            if glyph and (glyph + delta) % 65536 and code != 0xFFFF:
                yield code, code


def _join(pairs: Iterable[tuple[int, int]]) -> Ranges:
    ranges: list[tuple[int, int]] = []
    for first, last in sorted(pair for pair in pairs if pair[0] <= pair[1]):
        if ranges and first <= ranges[-1][1] + 1:
            ranges[-1] = (ranges[-1][0], max(ranges[-1][1], last))
        else:
            ranges.append((first, last))
    assert all(one[1] < other[0] for one, other in pairwise(ranges))
    return tuple(ranges)
