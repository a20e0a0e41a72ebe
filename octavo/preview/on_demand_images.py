"""One image, made when a browser asks for it.

A preview shows a page before all its images are made.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from octavo.base import urls
from octavo.images.variants import is_scaled, name_of, order_for, pack_variants, social_order
from octavo.model.images import ImageOrder, Picture
from octavo.model.queries import PictureBytes, WritableFormats
from octavo.model.settings import ImageSettings
from octavo.site.stages import LearnedSite


class OnDemandImageStore(Protocol):
    """What keeps the images that were made, by the name of an order."""

    def write(self, name: str, data: bytes, /) -> None: ...

    def variants(self, name: str, /) -> Mapping[str, bytes]: ...


def make_image(url: str, corpus: LearnedSite, gallery: OnDemandImageStore) -> bytes | None:
    """Make a variant of an image, by its URL path.

    That is without the path of ``base_url``. The variant is taken from the gallery, or made now, this one only, and
    kept there. None for what is no variant of an image of the site, or cannot be decoded.

    The bytes are those that a build publishes. Raises FileChanged when the file is no longer what was listed.
    """
    source = _find_source(url, corpus)
    if source is None:
        return None
    path, order = source
    variant = next(variant for variant in order.variants if variant.url == url)
    alone = ImageOrder(order.content, order.kind, (variant,))
    # A build makes all variants of an image in one go, under the order's name; a preview has made this one alone.
    for name in (name_of(order), name_of(alone)):
        try:
            return gallery.variants(name)[url]
        except KeyError:
            continue
    from octavo.images.encode import Undecodable, encode

    try:
        contents = encode(corpus.facts.fact(PictureBytes(path)).load(), alone)
    except Undecodable:
        return None
    gallery.write(name_of(alone), pack_variants(contents))
    return contents[url]


def _find_source(url: str, corpus: LearnedSite) -> tuple[str, ImageOrder] | None:
    """The path of the file that a variant is made from, and its order."""
    images: ImageSettings = corpus.publication.sources.settings.images
    content = url.removeprefix(urls.PICTURES).partition("-")[0]
    if not url.startswith(urls.PICTURES) or not content:
        return None
    writable = corpus.facts.fact(WritableFormats()).load()
    for path, picture in corpus.pictures.items():
        if picture.content.hex().startswith(content) and is_scaled(picture, images):
            for order in _orders(picture, images, writable):
                if any(variant.url == url for variant in order.variants):
                    return path, order
    return None


def _orders(picture: Picture, images: ImageSettings, writable: tuple[str, ...]) -> tuple[ImageOrder, ...]:
    return order_for(picture, images, writable), social_order(picture)
