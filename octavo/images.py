"""An image file -> what is known of it; an ordered image -> its bytes.

What is known comes from the header and is enough to render a page. The bytes follow from the order alone, so they are
not kept with the traces of pages, which a new version of Octavo begins anew, but by what they are made from.
"""

from __future__ import annotations

from dataclasses import dataclass

from octavo.digest import digest_bytes
from octavo.facts import Ask
from octavo.model import Picture, SocialCard
from octavo.pictures import packed
from octavo.queries import File, OrderedBytes, OrderOf, PictureBytes


@dataclass(frozen=True)
class Measured:
    picture: Picture


@dataclass(frozen=True)
class Made:
    """The variants of an image, packed. There are none where they cannot be made, and ``fault`` says why."""

    content: bytes
    fault: str = ""


def measure(path: str, ask: Ask) -> Measured:
    """Look into the header of one image file."""
    # Pillow takes longer to import than most builds; a site without images does without it.
    from octavo import raster

    data = ask(PictureBytes(path)) or b""
    return Measured(raster.look(path, data, digest_bytes(data)))


def make_image(name: str, ask: Ask) -> Made:
    """Make the variants of one order, or draw a card. Raises LookupError for an order that nobody gave."""
    from octavo import encoder

    order = ask(OrderOf(name))
    if order is None:
        raise LookupError(f"no order {name}")
    if isinstance(order, SocialCard):
        from octavo import drawing

        font = ask(File(order.font)) or b"" if order.font else None
        try:
            return Made(packed({order.url: drawing.draw(order, font)}))
        except drawing.Undrawable as problem:
            return Made(b"", str(problem))
    try:
        return Made(packed(encoder.encode(ask(OrderedBytes(name)) or b"", order)))
    except encoder.Undecodable as problem:
        return Made(b"", str(problem))
