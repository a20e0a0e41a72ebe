"""The picture of a social card, as a PNG with sixteen colours."""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Iterator
from functools import cache, lru_cache
from pathlib import Path

import PIL
from PIL import Image, ImageDraw, ImageFont, features

from octavo.base.digest import Digest, digest
from octavo.base.shortage import ROOM_BYTES, check_room, raise_if_shortage
from octavo.images.font_coverage import Ranges, ranges_of
from octavo.images.probe import check_parts
from octavo.images.social_cards import HEIGHT, WIDTH
from octavo.model.images import SocialCard

_FONT = Path(__file__).parent / "fonts" / "inter-display-semibold.otf"
_PAPER, _INK, _ACCENT = (253, 252, 249), (26, 21, 17), (151, 48, 35)
_MARGIN = 80
_SIZES = (80, 68, 58)
"""Sizes of a heading, in px: the largest in which it takes no more than four lines."""

_LINES = 4
_FOOT, _SOFT = 34, 165
"""The size of the foot in px, and how dark it is, of 255."""

_SHADES = 15
_PALETTE = [
    channel
    for shade in range(_SHADES)
    for channel in (
        round(paper + (ink - paper) * shade / (_SHADES - 1)) for paper, ink in zip(_PAPER, _INK, strict=True)
    )
] + list(_ACCENT)
_SHADE_OF = [round(value * (_SHADES - 1) / 255) for value in range(256)]


class Undrawable(Exception):
    """The font cannot be used, though its characters could be told."""


VERSION = 1
"""Of how a card looks: to be raised with each change of it. (A digest of this file would change every card's address
with each edit of it. ``tests/test_recipes.py`` holds the number against the pixels of one card.)"""


@cache
def recipe() -> Digest:
    """A digest of all that decides how a card looks.

    That is, beside its texts and its font, this version, and the libraries.
    """
    check_parts("_imagingft")
    versions = tuple(str(features.version(name)) for name in ("freetype2", "raqm", "harfbuzz", "fribidi", "zlib"))
    return digest((PIL.__version__, versions, VERSION))


def default_font() -> bytes:
    """The font that comes with Octavo."""
    return _FONT.read_bytes()


def drawable_ranges(font: bytes) -> Ranges:
    """The characters that can be drawn with a font.

    Raises NoFont and Shortage.
    """
    ranges = ranges_of(font)
    return ranges if _can_shape() else tuple(_without(ranges, _SHAPED))


@cache
def _can_shape() -> bool:
    check_parts("_imagingft")
    if features.check("raqm") and features.check("fribidi"):
        return True
    check_room(ROOM_BYTES, "loading FriBidi")  # Pillow does without it where it cannot be loaded
    return False


_SHAPED = (0x0590, 0x1CFF)
"""From Hebrew on to the scripts of India and their neighbours: those that have to be turned round or joined, which is
what libraqm and FriBidi are for. Pillow brings the one, the system may lack the other."""


def _without(ranges: Ranges, gap: tuple[int, int]) -> Iterator[tuple[int, int]]:
    for first, last in ranges:
        for start, end in ((first, min(last, gap[0] - 1)), (max(first, gap[1] + 1), last)):
            if start <= end:
                yield start, end


def draw(card: SocialCard, font: bytes | None = None) -> bytes:
    """The card as a PNG.

    It is drawn with a font of the site's own or with that of Octavo. Raises Undrawable and Shortage.
    """
    try:
        return _draw_png(card, default_font() if font is None else font)
    except OSError as problem:
        raise_if_shortage(problem, "drawing a card", ROOM_BYTES)
        raise Undrawable(str(problem)) from problem


def _draw_png(card: SocialCard, data: bytes) -> bytes:
    grey = Image.new("L", (WIDTH, HEIGHT), 0)
    pen = ImageDraw.Draw(grey)
    font, lines = _lay_out(card.heading, data)
    step = round(font.size * 1.18)
    at, anchor, direction = _line_start(card.heading)
    for number, line in enumerate(lines):
        place = (at, _MARGIN + 34 + number * step)
        pen.text(place, line, 255, font=font, anchor=f"{anchor}a", direction=direction)
    if card.foot:
        foot = _font(data, _FOOT)
        text = next(_lines(" · ".join(card.foot), foot))
        pen.text((at, HEIGHT - _MARGIN), text, _SOFT, font=foot, anchor=f"{anchor}s", direction=direction)
    image = Image.frombytes("P", grey.size, grey.point(_SHADE_OF).tobytes())
    image.putpalette(_PALETTE)
    image.paste(_SHADES, (0, 0, WIDTH, 14))
    out = io.BytesIO()
    # Runs are what there is most of: to look for nothing else takes a third of the time.
    image.save(out, "PNG", bits=4, compress_level=3, compress_type=3)
    return out.getvalue()


def _line_start(heading: str) -> tuple[int, str, str | None]:
    """The margin at which lines begin, and Pillow's words for it and for their direction: the first letter that has a
    direction decides for all of them."""
    sides = (unicodedata.bidirectional(character) for character in heading)
    to_left = next((side in ("R", "AL") for side in sides if side in ("L", "R", "AL")), False)
    return (WIDTH - _MARGIN, "r", "rtl") if to_left else (_MARGIN, "l", None)


def _lay_out(heading: str, data: bytes) -> tuple[ImageFont.FreeTypeFont, list[str]]:
    for size in _SIZES:
        font = _font(data, size)
        lines = list(_lines(heading, font))
        if len(lines) <= _LINES:
            return font, lines
    last = lines[_LINES - 1]
    while last and font.getlength(last + "…") > WIDTH - 2 * _MARGIN:
        last = last[:-1].rstrip()
    return font, [*lines[: _LINES - 1], f"{last}…"]


def _lines(text: str, font: ImageFont.FreeTypeFont) -> Iterator[str]:
    """A text cut between words, or within one that is too long for a line."""
    width = WIDTH - 2 * _MARGIN
    line = ""
    for word in text.split():
        longer = f"{line} {word}" if line else word
        if font.getlength(longer) <= width:
            line = longer
            continue
        if line:
            yield line
        while font.getlength(word) > width:
            count = next(count for count in range(len(word) - 1, 0, -1) if font.getlength(word[:count]) <= width)
            yield word[:count]
            word = word[count:]
        line = word
    if line:
        yield line


@lru_cache(maxsize=8)
def _font(data: bytes, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(io.BytesIO(data), size)
