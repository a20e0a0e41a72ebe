"""The characters that a font has, read from its own table."""

from __future__ import annotations

import io
import struct

import pytest
from PIL import ImageFont

from octavo.images import draw_card
from octavo.images.font_coverage import NoFont, ranges_of

FONT = draw_card.default_font()


def with_table(table: bytes, font: bytes = FONT) -> bytes:
    """The shipped font with another table of characters, at its end."""
    (count,) = struct.unpack_from(">H", font, 4)
    for number in range(count):
        at = 12 + 16 * number
        if font[at : at + 4] == b"cmap":
            entry = struct.pack(">4sIII", b"cmap", 0, len(font), len(table))
            return font[:at] + entry + font[at + 16 :] + table
    raise AssertionError


def cmap(platform: int, encoding: int, subtable: bytes) -> bytes:
    return struct.pack(">HHHHI", 0, 1, platform, encoding, 12) + subtable


def format_12(*groups: tuple[int, int, int]) -> bytes:
    body = b"".join(struct.pack(">III", *group) for group in groups)
    return struct.pack(">HHIII", 12, 0, 16 + len(body), 0, len(groups)) + body


WIDE = with_table(
    cmap(3, 10, format_12((0x20, 0x7E, 40), (0xA0, 0xFF, 40), (0x4E00, 0x9FFF, 1), (0x20000, 0x20003, 5)))
)
"""The shipped font with other glyphs for its letters, and with the characters of Chinese."""


def test_the_characters_of_a_font_are_those_that_it_draws() -> None:
    font = ImageFont.truetype(io.BytesIO(FONT), 40)
    nothing = bytes(font.getmask("\uffff"))
    has = {code for first, last in ranges_of(FONT) for code in range(first, last + 1)}
    shown = {code for code in has if chr(code).isprintable() and not chr(code).isspace()}
    assert [hex(code) for code in sorted(shown) if bytes(font.getmask(chr(code))) == nothing] == []


def test_a_table_with_all_planes_is_read_first() -> None:
    assert ranges_of(WIDE) == ((0x20, 0x7E), (0xA0, 0xFF), (0x4E00, 0x9FFF), (0x20000, 0x20003))


def test_what_leads_to_the_glyph_for_nothing_is_lacking() -> None:
    assert ranges_of(with_table(cmap(0, 4, format_12((0x41, 0x43, 0), (0x44, 0x45, 7))))) == ((0x42, 0x45),)


def test_a_table_of_deltas_and_one_of_glyphs_are_read() -> None:
    ends, starts, deltas, offsets = (0x43, 0x63, 0xFFFF), (0x41, 0x61, 0xFFFF), (0, 0, 1), (0, 4, 0)
    arrays = struct.pack(">3H", *ends) + b"\0\0" + struct.pack(">9H", *starts, *deltas, *offsets)
    glyphs = struct.pack(">3H", 5, 0, 6)
    size = 14 + len(arrays) + len(glyphs)
    table = struct.pack(">7H", 4, size, 0, 6, 0, 0, 0) + arrays + glyphs
    assert ranges_of(with_table(cmap(3, 1, table))) == ((0x41, 0x43), (0x61, 0x61), (0x63, 0x63))


def test_the_first_font_of_a_collection_is_read() -> None:
    head = b"ttcf" + struct.pack(">HHII", 1, 0, 1, 16)
    (count,) = struct.unpack_from(">H", FONT, 4)
    moved = bytearray(FONT)
    for number in range(count):
        (offset,) = struct.unpack_from(">I", FONT, 20 + 16 * number)
        struct.pack_into(">I", moved, 20 + 16 * number, offset + 16)
    assert ranges_of(head + bytes(moved)) == ranges_of(FONT)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"OTTO",
        FONT[:11],
        FONT[:300],
        b"wOF2" + FONT[4:],
        with_table(cmap(1, 0, b"")),
        with_table(cmap(3, 1, b"\0\2")),
    ],
)
def test_what_is_no_font_is_told(data: bytes) -> None:
    with pytest.raises(NoFont):
        ranges_of(data)
