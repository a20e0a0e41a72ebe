"""Which picture stands for a post without an image of its own.

It is for where others link to the post, and shows its title, as far as that can be drawn.
"""

from __future__ import annotations

import sys
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator

from octavo.base import urls
from octavo.base.digest import digest
from octavo.images.font_coverage import Ranges
from octavo.images.variants import Href
from octavo.model.images import CardDesign, SocialCard, SocialImage

WIDTH, HEIGHT = 1200, 630
"""Pixels: the shape in which most sites show the image of a link."""

LONGEST = 300
"""Characters of a text that are looked at: no card has room for more."""


def card_for(title: str, site: str, author: str, design: CardDesign) -> SocialCard | None:
    """The card of a post.

    A text with a letter that the font lacks is left out; without a title, the site's name takes its place, and where
    that cannot be drawn either there is no card.
    """
    title, site, author = (drawable_text(text, design.drawn) for text in (title, site, author))
    heading = title or site
    if not heading:
        return None
    foot = tuple(dict.fromkeys(text for text in (site, author) if text and text != heading))
    name = digest((heading, foot, design.name)).hex()[:16]
    return SocialCard(f"{urls.PICTURES}{name}-card.png", heading, foot, design.font)


def card_image(card: SocialCard, href: Href) -> SocialImage:
    """A card as what a link to a page is shown with."""
    return SocialImage(href(card.url), WIDTH, HEIGHT, card.heading, "image/png")


def drawable_text(text: str, has: Ranges) -> str:
    """A text without the signs that the font lacks, such as emoji.

    Empty when it lacks a letter or a digit. ``has`` is what it has.
    """
    text = _normalize(text)
    missing = set(_missing(text, has))
    if any(_matters(character) for character in missing):
        return ""
    return " ".join("".join(character for character in text if character not in missing).split())


def find_undrawable(text: str, has: Ranges) -> str:
    """The first letter or digit that keeps a text from being drawn.

    Empty where there is none.
    """
    return next((character for character in _missing(_normalize(text), has) if _matters(character)), "")


def _normalize(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text)[:LONGEST].split())


def _missing(text: str, has: Ranges) -> Iterator[str]:
    for character in text:
        place = bisect_right(has, (ord(character), sys.maxunicode)) - 1
        if place < 0 or ord(character) > has[place][1]:
            yield character


def _matters(character: str) -> bool:
    return unicodedata.category(character)[0] in "LN"
