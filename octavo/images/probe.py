"""What an image file says of itself, from its header: nothing is decoded."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from xml.parsers import expat

from PIL import Image, UnidentifiedImageError

from octavo.base.digest import Digest
from octavo.base.shortage import ROOM_BYTES, check_part, raise_if_shortage
from octavo.model.images import Picture

FORMATS = ("JPEG", "PNG", "GIF", "WEBP", "AVIF")
"""What may be in them, as Pillow calls it: none of its other readers is ever tried."""

LARGEST_PIXELS = 100_000_000
"""Pixels. What is larger would take more than 400 MB to decode."""

ICON_PIXELS = 64
"""Pixels. What is no larger than this is not worth a loss."""

ORIENTATION, LOCATION = 0x0112, 0x8825
"""Tags of Exif 2.3: how the image is to be turned, and where it was taken."""

UPRIGHT, SIDEWAYS = 1, (5, 6, 7, 8)
"""Orientations; those that lie on a side change width and height for each other."""


def probe_image(path: str, data: bytes, content: Digest) -> Picture:
    """What is known of an image file.

    ``content`` is its digest. What is wrong with it is its ``fault``. Raises Shortage, and nothing else.
    """
    if path.lower().endswith(".svg"):
        return _vector(path, data, content)
    try:
        with open_image(data) as image:
            return _raster(image, content)
    except Exception as problem:
        # Pillow's readers let out whatever a damaged header makes them run into.
        raise_if_shortage(problem, path, ROOM_BYTES)
        return _fault(problem, data, content)


def _fault(problem: Exception, data: bytes, content: Digest) -> Picture:
    if isinstance(problem, UnidentifiedImageError):
        hint = "export it as JPEG or PNG" if data[4:8] == b"ftyp" else "is it damaged, or something else?"
        return Picture(content, fault="it is no image that can be read", hint=hint)
    if isinstance(problem, Image.DecompressionBombError | Image.DecompressionBombWarning):
        return _too_large(content)
    return Picture(content, fault=f"it cannot be read: {problem or type(problem).__name__}")


@cache
def check_parts(*parts: str) -> None:
    """Raise Shortage for a part of Pillow that cannot be loaded.

    The part is there: Pillow would know no such format.
    """
    for part in parts:
        check_part(f"PIL.{part}")


# Private modules of Pillow, as are ``_imagingft`` and ``_imagingcms``: they are what its ``features.check`` loads. A
# name that it has no more would be passed over, and lack of memory be taken for lack of a format; a test holds them.
FORMAT_PARTS = ("_webp", "_avif")
"""The parts of Pillow for formats that it may lack."""


@contextmanager
def open_image(data: bytes) -> Iterator[Image.Image]:
    """A file whose header has been read.

    Raises whatever Pillow makes of a damaged one; its warnings are nobody's.
    """
    check_parts(*FORMAT_PARTS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            yield image


def exif_of(image: Image.Image) -> Image.Exif:
    """The Exif data that stands before the image.

    Pillow's own method decodes a PNG to find what stands behind it.
    """
    exif = Image.Exif()
    # ``load`` is in no documentation of Pillow. Without it no image could be read, and every test of images would fail.
    exif.load(image.info.get("exif", b""))
    return exif


def orientation(image: Image.Image) -> int:
    """How the image is to be turned, by Exif; upright where it does not say."""
    turn = exif_of(image).get(ORIENTATION, UPRIGHT)
    return turn if turn in (1, 2, 3, 4, *SIDEWAYS) else UPRIGHT


def _raster(image: Image.Image, content: Digest) -> Picture:
    width, height = image.size
    if width * height > LARGEST_PIXELS:
        return _too_large(content, width, height)
    if orientation(image) in SIDEWAYS:
        width, height = height, width
    # A JPEG with a second image for its depth, or for each eye, is a photo all the same.
    moves = image.format != "MPO" and getattr(image, "n_frames", 1) > 1
    located = LOCATION in exif_of(image) or b"GPSLatitude" in _xmp(image)
    if moves:
        return Picture(content, width, height, "whole", located=located)
    few_colours = image.mode in ("1", "P", "PA") or max(width, height) <= ICON_PIXELS
    return Picture(content, width, height, "drawing" if few_colours else "photo", located=located)


def _xmp(image: Image.Image) -> bytes:
    packet = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or b""
    return packet.encode("utf-8", "replace") if isinstance(packet, str) else bytes(packet)


def _too_large(content: Digest, width: int = 0, height: int = 0) -> Picture:
    size = f"it has {width:,} × {height:,} pixels" if width else "it has too many pixels"
    hint = f"make it smaller than {LARGEST_PIXELS // 1_000_000} million pixels"
    return Picture(content, width, height, fault=size, hint=hint)


def _vector(path: str, data: bytes, content: Digest) -> Picture:
    try:
        width, height, active = probe_svg(data)
    except NoSvg as problem:
        raise_if_shortage(problem, path, ROOM_BYTES)
        return Picture(content, fault=f"it is no SVG that can be read: {problem}")
    return Picture(content, width, height, active=active)


_LENGTH = re.compile(r"\s*([0-9]*\.?[0-9]+(?:e[+-]?[0-9]+)?)\s*(px|pt|pc|mm|cm|in|q)?\s*", re.IGNORECASE)
# CSS Values 4, absolute lengths: how many px a unit has.
_PIXELS = {"": 1, "px": 1, "pt": 4 / 3, "pc": 16, "in": 96, "cm": 96 / 2.54, "mm": 96 / 25.4, "q": 96 / 101.6}
_RUNS = re.compile(r"\s*(?:javascript|vbscript|data\s*:\s*(?!image/))", re.IGNORECASE)


class NoSvg(Exception):
    """The file is not a well-formed SVG."""


def probe_svg(data: bytes) -> tuple[int, int, str]:
    """The size of an SVG, and what in it could run.

    Width and height are in px, 0 where the file does not say; then the first thing that could run in a page of its own,
    or nothing. Raises NoSvg. No entity of the document's own is ever expanded.
    """
    reader = _SvgReader()
    parser = expat.ParserCreate()
    parser.StartElementHandler = reader.element
    parser.EntityDeclHandler = reader.entity
    try:
        parser.Parse(data, True)
    except _Entity:
        return (*reader.size(), "an entity")
    except (expat.ExpatError, ValueError, LookupError) as problem:
        raise NoSvg(str(problem)) from problem
    if reader.root is None:
        raise NoSvg("its root is not <svg>")
    return (*reader.size(), reader.active)


class _Entity(Exception):
    """The document declares an entity."""


class _SvgReader:
    def __init__(self) -> None:
        self.root: dict[str, str] | None = None
        self.active = ""
        self._depth = 0

    def element(self, name: str, attributes: dict[str, str]) -> None:
        """Take an element as expat begins it."""
        local = name.rpartition(":")[2].lower()
        if self._depth == 0 and local == "svg":
            self.root = attributes
        self._depth += 1
        self.active = self.active or _active(local, attributes)

    def entity(self, *declaration: object) -> None:
        """Stop at an entity that the document declares."""
        raise _Entity

    def size(self) -> tuple[int, int]:
        """The size by its width and height.

        What is missing of them follows from the view box.
        """
        root = self.root or {}
        width, height = _length(root.get("width", "")), _length(root.get("height", ""))
        box = [_length(part) for part in re.split(r"[\s,]+", root.get("viewBox", "").strip())]
        if len(box) == 4 and box[2] and box[3]:
            if not width and not height:
                width, height = box[2], box[3]
            width = width or height * box[2] / box[3]
            height = height or width * box[3] / box[2]
        return (round(width), round(height)) if width and height else (0, 0)


def _active(element: str, attributes: dict[str, str]) -> str:
    if element in ("script", "foreignobject", "handler", "iframe"):
        return f"<{element}>"
    for name, value in attributes.items():
        local = name.rpartition(":")[2].lower()
        if local.startswith("on"):
            return f"the handler {local}="
        if local == "href" and _RUNS.match(value):
            return "a link that runs"
        if local in ("to", "values", "from") and _RUNS.match(value):
            return "a link that is made to run"
    return ""


def _length(text: str) -> float:
    match = _LENGTH.fullmatch(text)
    return float(match[1]) * _PIXELS[(match[2] or "").lower()] if match else 0.0
