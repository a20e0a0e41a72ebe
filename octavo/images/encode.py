"""An image in other sizes and formats.

It is upright, in sRGB, with nothing of what the file said beside its pixels.
"""

from __future__ import annotations

import io
from functools import cache
from typing import Any

import PIL
from PIL import Image, ImageCms, features

from octavo.base.digest import Digest, digest
from octavo.base.shortage import ROOM_BYTES, raise_if_shortage
from octavo.images.probe import FORMAT_PARTS, SIDEWAYS, UPRIGHT, check_parts, open_image, orientation
from octavo.model.images import ImageOrder, Variant

# Chosen by eye: the lowest at which a photo shows no fault at the size of a page. AVIF's speed goes from 0 to 10; at 8
# it takes a third of the time of 6 and a tenth more bytes.
_AVIF = {"quality": 58, "speed": 8, "max_threads": 1}
_WEBP = {"quality": 78, "method": 4}
_JPEG = {"quality": 80, "optimize": True, "progressive": True}

_TRANSPOSE_OF = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class Undecodable(Exception):
    """The file cannot be decoded, though its header could be read."""


@cache
def writable_formats() -> tuple[str, ...]:
    """The formats that this Pillow can write."""
    check_parts(*FORMAT_PARTS)
    return tuple(name for name in ("avif", "webp", "jpeg") if features.check({"jpeg": "jpg"}.get(name, name)))


VERSION = 1
"""Of how an image is read, made smaller and written, here and in ``probe``: to be raised with each change of it, for
what was encoded is kept under it. (``tests/test_recipes.py`` holds the number against the pixels of one image.)"""


@cache
def recipe() -> Digest:
    """A digest of all that decides the bytes of an image beside its order.

    That is this version, and the libraries below it.
    """
    check_parts(*FORMAT_PARTS, "_imagingcms")
    versions = tuple(str(features.version(name)) for name in ("avif", "webp", "jpg", "zlib", "littlecms2"))
    return digest((PIL.__version__, versions, VERSION))


def encode(data: bytes, order: ImageOrder) -> dict[str, bytes]:
    """The bytes of each ordered variant by URL.

    Raises Undecodable and Shortage.

    Each size is decoded for itself: its bytes must not depend on what else was ordered.
    """
    sizes: dict[tuple[int, int], Image.Image] = {}
    contents: dict[str, bytes] = {}
    for variant in order.variants:
        size = (variant.width, variant.height)
        if size not in sizes:
            try:
                sizes[size] = _decode(data, size)
            except Exception as problem:
                raise_if_shortage(problem, _ENCODING, _room(data))
                # Pillow's decoders let out whatever damaged data makes them run into.
                raise Undecodable(str(problem) or type(problem).__name__) from problem
        try:
            contents[variant.url] = _write(sizes[size], variant, order.kind == "drawing", sharp=data.startswith(_SHARP))
        except Exception as problem:
            raise_if_shortage(problem, _ENCODING, _room(data))
            raise
    return contents


_ENCODING = "making images"


def _room(data: bytes) -> int:
    """Bytes of memory that are enough for all that is done with an image at once."""
    try:
        with open_image(data) as image:
            width, height = image.size
    except Exception:
        return ROOM_BYTES
    return ROOM_BYTES + 16 * width * height


_SHARP = (b"\x89PNG", b"GIF8")
"""How files begin in formats for screenshots and drawings."""


def _decode(data: bytes, size: tuple[int, int]) -> Image.Image:
    """The image, upright, at a size, as RGB or RGBA in sRGB, with no data beside it."""
    with open_image(data) as image:
        turn = orientation(image)
        stored_size = size[::-1] if turn in SIDEWAYS else size
        image.draft(None, stored_size)
        profile = image.info.get("icc_profile")
        pixels = _plain(image)
    if pixels.size != stored_size:
        pixels = pixels.resize(stored_size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    pixels = _in_srgb(pixels, profile)
    if turn != UPRIGHT:
        pixels = pixels.transpose(_TRANSPOSE_OF[turn])
    pixels.info.clear()
    return pixels


def _plain(image: Image.Image) -> Image.Image:
    """The pixels as L, RGB, RGBA or CMYK, with eight bits a channel."""
    if image.mode.startswith("I"):
        return image.convert("I").point(lambda value: value * (1 / 257)).convert("L")
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        return image.convert("RGBA")
    if image.mode in ("L", "RGB", "CMYK"):
        image.load()
        return image.copy()
    return image.convert("L" if image.mode == "1" else "RGB")


def _in_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """Colours as a browser shows them. A profile that is damaged, or for another kind of colours, says nothing:
    browsers leave it out of account as well."""
    alpha = image.getchannel("A") if image.mode == "RGBA" else None
    colours = image.convert("RGB") if alpha is not None else image
    converted: Image.Image | None = None
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            converted = ImageCms.profileToProfile(colours, source, _srgb(), outputMode="RGB")
        except (ImageCms.PyCMSError, OSError, ValueError) as problem:
            raise_if_shortage(problem, _ENCODING, ROOM_BYTES + 16 * image.width * image.height)
            converted = None
    colours = colours.convert("RGB") if converted is None else converted
    if alpha is not None:
        colours.putalpha(alpha)
    return colours


@cache
def _srgb() -> Any:
    return ImageCms.createProfile("sRGB")


def _write(image: Image.Image, variant: Variant, lossless: bool, sharp: bool) -> bytes:
    """``sharp`` keeps the colours of thin lines, as in a picture of a screen, which a photo can do without."""
    out = io.BytesIO()
    if variant.format == "webp":
        options = {"lossless": True, "quality": 80, "method": 4} if lossless else {**_WEBP, "use_sharp_yuv": sharp}
        image.save(out, "WEBP", **options)
    elif variant.format == "avif":
        quality = {"quality": 100} if lossless else {}
        image.save(out, "AVIF", **{**_AVIF, **quality}, subsampling="4:4:4" if sharp or lossless else "4:2:0")
    else:
        if image.mode == "RGBA":
            # Where a format knows no transparency, what lies behind is white.
            white = Image.new("RGB", image.size, "white")
            white.paste(image, mask=image.getchannel("A"))
            image = white
        image.save(out, "JPEG", **_JPEG)
    return out.getvalue()
