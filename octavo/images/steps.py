"""An image file -> what is known of it; an ordered image -> its bytes.

What is known comes from the header and is enough to render a page. The bytes follow from the order alone, so they are
not kept with the traces of pages, which a new version of Octavo begins anew, but by what they are made from.
"""

from __future__ import annotations

from dataclasses import dataclass

from octavo.base.digest import digest_bytes
from octavo.engine.facts import Ask
from octavo.images.variants import pack_variants
from octavo.model.images import Picture, SocialCard
from octavo.model.queries import File, OrderedBytes, OrderOf, PictureBytes


@dataclass(frozen=True)
class ProbedImage:
    """What is known of one image file."""

    picture: Picture


@dataclass(frozen=True)
class EncodedImage:
    """The variants of an image, packed.

    There are none where they cannot be made, and ``fault`` says why.
    """

    content: bytes
    fault: str = ""


def measure(path: str, ask: Ask) -> ProbedImage:
    """Look into the header of one image file."""
    # Pillow takes longer to import than most builds; a site without images does without it.
    from octavo.images import probe

    data = ask(PictureBytes(path)) or b""
    return ProbedImage(probe.probe_image(path, data, digest_bytes(data)))


def make_image(name: str, ask: Ask) -> EncodedImage:
    """Make the variants of one order, or draw a card.

    Raises LookupError for an order that nobody gave.
    """
    from octavo.images import encode

    order = ask(OrderOf(name))
    if order is None:
        raise LookupError(f"no order {name}")
    if isinstance(order, SocialCard):
        from octavo.images import draw_card

        font = ask(File(order.font)) or b"" if order.font else None
        try:
            return EncodedImage(pack_variants({order.url: draw_card.draw(order, font)}))
        except draw_card.Undrawable as problem:
            return EncodedImage(b"", str(problem))
    try:
        return EncodedImage(pack_variants(encode.encode(ask(OrderedBytes(name)) or b"", order)))
    except encode.Undecodable as problem:
        return EncodedImage(b"", str(problem))
