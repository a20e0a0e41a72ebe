"""The picture of a social card, as a PNG with sixteen colours."""

from __future__ import annotations

import io
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import PIL
from PIL import Image, ImageDraw, ImageFont, features

from octavo.cards import HEIGHT, WIDTH
from octavo.digest import digest
from octavo.model import SocialCard

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


@cache
def design() -> str:
    """Stands for all that decides how a card looks beside its texts: this code, the font and the libraries."""
    versions = tuple(str(features.version(name)) for name in ("freetype2", "raqm", "harfbuzz", "zlib"))
    return digest((PIL.__version__, versions, Path(__file__).read_bytes(), _FONT.read_bytes())).hex()


def draw(card: SocialCard) -> bytes:
    """The card as a PNG."""
    grey = Image.new("L", (WIDTH, HEIGHT), 0)
    pen = ImageDraw.Draw(grey)
    font, lines = _laid_out(card.heading)
    step = round(font.size * 1.18)
    for number, line in enumerate(lines):
        pen.text((_MARGIN, _MARGIN + 34 + number * step), line, 255, font=font)
    if card.foot:
        foot = _font(_FOOT)
        text = next(_lines(" · ".join(card.foot), foot))
        pen.text((_MARGIN, HEIGHT - _MARGIN), text, _SOFT, font=foot, anchor="ls")
    image = Image.frombytes("P", grey.size, grey.point(_SHADE_OF).tobytes())
    image.putpalette(_PALETTE)
    image.paste(_SHADES, (0, 0, WIDTH, 14))
    out = io.BytesIO()
    # Runs are what there is most of: to look for nothing else takes a third of the time.
    image.save(out, "PNG", bits=4, compress_level=3, compress_type=3)
    return out.getvalue()


def _laid_out(heading: str) -> tuple[ImageFont.FreeTypeFont, list[str]]:
    for size in _SIZES:
        font = _font(size)
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


@cache
def _font(size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(_FONT, size)
