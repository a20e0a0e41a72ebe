"""One image made when a reader asks for it: a preview shows a page before all its images are made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from octavo.base import urls
from octavo.images.variants import is_scaled, name_of, order_for, packed, social_order
from octavo.model.images import ImageOrder, Picture
from octavo.model.queries import PictureBytes, WritableFormats
from octavo.model.settings import ImageSettings
from octavo.site.stages import Known


class OnDemandImageStore(Protocol):
    """A Gallery: keeps what was made."""

    def write(self, name: str, data: bytes, /) -> None: ...

    def variants(self, name: str, /) -> Mapping[str, bytes]: ...


def image_at(url: str, known: Known, gallery: OnDemandImageStore) -> bytes | None:
    """The bytes of a variant by its URL path (without the path of ``base_url``): from the gallery, or made now, this
    variant only, and kept there. None for what is no variant of an image of the site, or cannot be decoded.

    The bytes are those that a build publishes. Raises FileChanged when the file is no longer what was listed.
    """
    found = _ordered(url, known)
    if found is None:
        return None
    path, order = found
    variant = next(variant for variant in order.variants if variant.url == url)
    alone = ImageOrder(order.content, order.kind, (variant,))
    for name in (name_of(order), name_of(alone)):
        try:
            return gallery.variants(name)[url]
        except KeyError:
            continue
    from octavo.images.encode import Undecodable, encode

    try:
        made = encode(known.facts.fact(PictureBytes(path)).load(), alone)
    except Undecodable:
        return None
    gallery.write(name_of(alone), packed(made))
    return made[url]


def _ordered(url: str, known: Known) -> tuple[str, ImageOrder] | None:
    """The path of the file, and the order that has the variant."""
    images: ImageSettings = known.published.sources.settings.images
    content = url.removeprefix(urls.PICTURES).partition("-")[0]
    if not url.startswith(urls.PICTURES) or not content:
        return None
    writable = known.facts.fact(WritableFormats()).load()
    for path, picture in known.pictures.items():
        if picture.content.hex().startswith(content) and is_scaled(picture, images):
            for order in _orders(picture, images, writable):
                if any(variant.url == url for variant in order.variants):
                    return path, order
    return None


def _orders(picture: Picture, images: ImageSettings, writable: tuple[str, ...]) -> tuple[ImageOrder, ...]:
    return order_for(picture, images, writable), social_order(picture)
