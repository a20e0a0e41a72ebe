"""Which sizes and formats an image is published in.

And the element that a page shows it with.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from html import escape

from octavo.base import urls
from octavo.base.digest import DIGEST_BYTES, Digest, digest, digest_bytes
from octavo.model.images import ImageOrder, Picture, PictureFormat, SocialCard, SocialImage, Variant
from octavo.model.settings import ImageSettings

ENDINGS = (".jpg", ".jpeg", ".jfif", ".png", ".apng", ".gif", ".webp", ".avif", ".svg")
"""Of the files that are looked into; others that a browser may know are published as they are."""

LONGEST_SIDE_PIXELS = 16_000
"""Pixels on a side: WebP has room for 16,383."""

SOCIAL = (1200, 1200)
"""The width and height within which the image of a link is kept, in px."""

Href = Callable[[str], str]
"""From the URL path of a file of the site to an address for a page."""


def is_image(path: str) -> bool:
    """Whether a file is looked into, by the ending of its name."""
    return path.lower().endswith(ENDINGS)


def is_scaled(picture: Picture | None, images: ImageSettings) -> bool:
    """Whether a page shows an image in sizes of its own.

    Else it shows the file itself.
    """
    return picture is not None and picture.kind != "whole" and bool(images.formats)


def name_of(order: ImageOrder | SocialCard) -> str:
    """What an ordered image is kept under.

    It is a digest of all that it is made from.
    """
    return digest(order).hex()


def urls_of(order: ImageOrder | SocialCard) -> tuple[str, ...]:
    """Where what is made of an order is published."""
    return (order.url,) if isinstance(order, SocialCard) else tuple(variant.url for variant in order.variants)


def order_for(picture: Picture, images: ImageSettings, writable: Collection[str]) -> ImageOrder:
    """The variants that a page offers to a browser.

    They are in order of format, then from narrow to wide. None is larger than the image.

    A drawing is offered in its own size only. Flat colours and sharp edges take few bytes as they are, and many more
    when they are scaled down without a loss: a screenshot of 4 KB takes 12 KB at a third of its width. One that is too
    wide for that is treated as a photo.
    """
    assert picture.kind != "whole"
    formats = tuple(name for name in images.formats if name in writable) or ("webp",)
    widths, kind = _widths(picture, images), picture.kind
    if kind == "drawing" and picture.width in widths:
        formats, widths = ("webp",) if "webp" in formats else formats, [picture.width]
    else:
        kind = "photo"
    sizes = [_size(picture, width) for width in widths]
    return ImageOrder(picture.content, kind, tuple(_variant(picture, size, name) for name in formats for size in sizes))


def social_order(picture: Picture) -> ImageOrder:
    """The one variant that other sites show with a link.

    It is a JPEG, which all of them can read.
    """
    assert picture.kind != "whole"
    width, height = SOCIAL
    scale = min(1.0, width / picture.width, height / picture.height)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return ImageOrder(picture.content, picture.kind, (_variant(picture, size, "jpeg"),))


def social_image(picture: Picture, alt: str, href: Href) -> SocialImage:
    """What a link to a page with this picture is shown with."""
    (variant,) = social_order(picture).variants
    return SocialImage(href(variant.url), variant.width, variant.height, alt, "image/jpeg")


def _widths(picture: Picture, images: ImageSettings) -> list[int]:
    """The widths of the settings that are below the image's, and the image's own or the largest."""
    smaller = [width for width in images.widths if width < picture.width]
    return [*smaller, picture.width] if picture.width <= images.widths[-1] else smaller


def _size(picture: Picture, width: int) -> tuple[int, int]:
    height = picture.height * width / picture.width
    scale = min(1.0, LONGEST_SIDE_PIXELS / height)
    return max(1, round(width * scale)), max(1, round(height * scale))


_ENDINGS = {"avif": "avif", "webp": "webp", "jpeg": "jpg"}


def _variant(picture: Picture, size: tuple[int, int], form: PictureFormat) -> Variant:
    width, height = size
    return Variant(f"{urls.PICTURES}{picture.content.hex()[:16]}-{width}.{_ENDINGS[form]}", width, height, form)


_NUMBER = re.compile(r"[1-9][0-9]{0,4}")


def whole_html(attributes: Mapping[str, str], src: str, picture: Picture | None = None) -> str:
    """The element of an image that is shown as it is.

    ``attributes`` are those written, ``src`` its address.
    """
    size = _size_attributes(attributes, picture.width, picture.height) if picture and picture.width else {}
    return img({"src": src, **attributes, **size})


def picture_html(attributes: Mapping[str, str], order: ImageOrder, sizes: str, href: Href) -> str:
    """The element that offers the variants of an image.

    The last format is the one that all browsers can show.
    """
    by_format: dict[str, list[Variant]] = {}
    for variant in order.variants:
        by_format.setdefault(variant.format, []).append(variant)
    *better, last = by_format.values()
    widest = last[-1]
    shown_size = _size_attributes(attributes, widest.width, widest.height)
    if shown_size["width"] != str(widest.width):
        sizes = f"{shown_size['width']}px"
    sources = "".join(
        f'<source type="image/{variants[0].format}"{_attributes_html(_choice(variants, sizes, href))}>'
        for variants in better
    )
    choice = _choice(last, sizes, href) if len(last) > 1 else {}
    image = img({"src": href(widest.url), **choice, **attributes, **shown_size})
    return f"<picture>{sources}{image}</picture>" if sources else image


def single_html(attributes: Mapping[str, str], order: ImageOrder, href: Href) -> str:
    """The element for where only one address counts, as in a feed."""
    widest = order.variants[-1]
    return img({"src": href(widest.url), **attributes, **_size_attributes(attributes, widest.width, widest.height)})


def img(attributes: Mapping[str, str]) -> str:
    """An ``img`` element with these attributes."""
    return f"<img{_attributes_html(attributes)}>"


def _attributes_html(attributes: Mapping[str, str]) -> str:
    return "".join(f' {name}="{escape(value)}"' for name, value in attributes.items())


def _size_attributes(attributes: Mapping[str, str], width: int, height: int) -> dict[str, str]:
    """The size as its author wrote it, where that is a number of pixels; what is missing of it keeps the shape."""
    size = {name: int(value) for name, value in attributes.items() if name in _SIZE and _NUMBER.fullmatch(value)}
    if "width" in size and "height" not in size:
        size["height"] = max(1, round(size["width"] * height / width))
    elif "height" in size and "width" not in size:
        size["width"] = max(1, round(size["height"] * width / height))
    return {"width": str(size.get("width", width)), "height": str(size.get("height", height))}


_SIZE = ("width", "height")


def _choice(variants: Sequence[Variant], sizes: str, href: Href) -> dict[str, str]:
    if len(variants) == 1:
        return {"srcset": href(variants[0].url)}
    return {"srcset": ", ".join(f"{href(each.url)} {each.width}w" for each in variants), "sizes": sizes}


# The variants of an order as one: a line of JSON that says what they are, and the bytes of one after the other.


def pack_variants(variants: Mapping[str, bytes]) -> bytes:
    """Variants by URL as one."""
    head = [(url, digest_bytes(data).hex(), len(data)) for url, data in variants.items()]
    return json.dumps(head, separators=(",", ":")).encode() + b"\n" + b"".join(variants.values())


def read_heading(line: bytes) -> list[tuple[str, Digest, int]]:
    """What the first line says: (URL, digest, size in bytes) of each.

    Raises ValueError when it is damaged.
    """
    try:
        head = [(str(url), bytes.fromhex(content), int(size)) for url, content, size in json.loads(line)]
    except (TypeError, RecursionError) as problem:
        raise ValueError("the heading is damaged") from problem
    if any(len(content) != DIGEST_BYTES or size < 0 for _, content, size in head):
        raise ValueError("the heading is damaged")
    return head


def unpack_variants(data: bytes) -> dict[str, bytes]:
    """Variants by URL. Raises ValueError when they are not what was packed."""
    head, _, rest = data.partition(b"\n")
    variants: dict[str, bytes] = {}
    for url, content, size in read_heading(head):
        variants[url], rest = rest[:size], rest[size:]
        if digest_bytes(variants[url]) != content:
            raise ValueError(f"{url} is damaged")
    return variants
