"""Which picture stands for a post without an image where others link to it: its title, as far as it can be drawn."""

from __future__ import annotations

import unicodedata
from bisect import bisect_right

from octavo import urls
from octavo.digest import digest
from octavo.model import SocialCard, SocialImage
from octavo.pictures import Href

WIDTH, HEIGHT = 1200, 630
"""Pixels: the shape in which most sites show the image of a link."""

LONGEST = 300
"""Characters of a text that are looked at: no card has room for more."""

# The characters that the font of cards has, from the first of each pair to the second: Latin, Greek and Cyrillic.
_DRAWN = (
    (0x20, 0x7E),
    (0xA0, 0x148),
    (0x14A, 0x17F),
    (0x192, 0x192),
    (0x1FA, 0x1FF),
    (0x218, 0x21B),
    (0x2C6, 0x2DD),
    (0x386, 0x38A),
    (0x38C, 0x38C),
    (0x38E, 0x3A1),
    (0x3A3, 0x3CE),
    (0x400, 0x45F),
    (0x462, 0x463),
    (0x490, 0x493),
    (0x49A, 0x49D),
    (0x4A0, 0x4FF),
    (0x1E80, 0x1E85),
    (0x1E9E, 0x1E9E),
    (0x1EA0, 0x1EF9),
    (0x2010, 0x2026),
    (0x2030, 0x203A),
    (0x2044, 0x2044),
    (0x20AC, 0x20AC),
    (0x20BD, 0x20BD),
    (0x2116, 0x2116),
    (0x2122, 0x2122),
    (0x2190, 0x2193),
    (0x2212, 0x2212),
    (0x2260, 0x2260),
    (0x2264, 0x2265),
)
_FIRSTS = [first for first, _ in _DRAWN]


def card_for(title: str, site: str, author: str, design: str) -> SocialCard | None:
    """The card of a post. ``design`` stands for how cards are drawn. A text with a letter that the font lacks is left
    out; without a title, the site's name takes its place, and where that cannot be drawn either there is no card."""
    title, site, author = drawn(title), drawn(site), drawn(author)
    heading = title or site
    if not heading:
        return None
    foot = tuple(dict.fromkeys(text for text in (site, author) if text and text != heading))
    name = digest((heading, foot, design)).hex()[:16]
    return SocialCard(f"{urls.PICTURES}{name}-card.png", heading, foot)


def card_image(card: SocialCard, href: Href) -> SocialImage:
    return SocialImage(href(card.url), WIDTH, HEIGHT, card.heading, "image/png")


def drawn(text: str) -> str:
    """A text without the signs that the font lacks, such as emoji; empty when it lacks a letter or a digit."""
    text = " ".join(unicodedata.normalize("NFC", text)[:LONGEST].split())
    lacking = {character for character in text if not _has(character)}
    if any(unicodedata.category(character)[0] in "LN" for character in lacking):
        return ""
    return " ".join("".join(character for character in text if character not in lacking).split())


def _has(character: str) -> bool:
    place = bisect_right(_FIRSTS, ord(character)) - 1
    return place >= 0 and ord(character) <= _DRAWN[place][1]
