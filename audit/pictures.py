"""Images of every kind that an article may show, made up: a photo of a camera, screenshots, drawings, broken habits."""

from __future__ import annotations

import hashlib
import io
import math
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import PIL
from PIL import Image, ImageDraw

ORIENTATION, MODEL, GPS = 0x0112, 0x0110, 0x8825  # tags of Exif 2.3


def write(shelf: Path, folder: Path) -> None:
    """Put all images into a folder. They are made once, and kept on the shelf under what they are made from."""
    recipe = hashlib.sha256(Path(__file__).read_bytes() + PIL.__version__.encode()).hexdigest()[:16]
    pictures = shelf / recipe
    if not pictures.is_dir():
        shutil.rmtree(shelf, ignore_errors=True)
        passing = shelf / "passing"
        passing.mkdir(parents=True)
        for name, make in PICTURES.items():
            (passing / name).write_bytes(make())
        passing.rename(pictures)
    for name in PICTURES:
        shutil.copyfile(pictures / name, folder / name)


def landscape(width: int, height: int) -> Image.Image:
    """Hills under an evening sky, with the grain of a sensor: as hard to compress as a photo."""
    x = np.linspace(0, 1, width)[np.newaxis, :]
    y = np.linspace(0, 1, height)[:, np.newaxis]
    sky = np.stack([0.95 - 0.35 * y + 0 * x, 0.62 - 0.15 * y + 0.1 * x, 0.45 + 0.3 * y + 0 * x], axis=2)
    for layer, (level, shade) in enumerate([(0.45, 0.55), (0.6, 0.38), (0.75, 0.22)]):
        ridge = level + sum(
            0.08 / order * np.sin(2 * math.pi * x * order * (1.3 + layer) + layer * order) for order in (1, 2, 4, 9)
        )
        hill = np.array([shade * 0.8, shade, shade * 0.7]) * (1 + 0.4 * (y - ridge))[..., np.newaxis]
        sky = np.where((y > ridge)[..., np.newaxis], hill, sky)
    grain = np.random.default_rng(20261126).normal(0, 0.02, (height, width, 1))
    return Image.fromarray((np.clip(sky + grain, 0, 1) * 255).astype(np.uint8))


def screen(width: int, height: int) -> Image.Image:
    """A window with lines of text, as a screenshot: few colours and sharp edges."""
    image = Image.new("RGB", (width, height), (250, 250, 248))
    pen = ImageDraw.Draw(image)
    pen.rectangle((0, 0, width, 36), fill=(52, 58, 70))
    for number, colour in enumerate([(235, 90, 80), (240, 190, 70), (95, 190, 90)]):
        pen.ellipse((14 + 24 * number, 11, 28 + 24 * number, 25), fill=colour)
    for line in range((height - 60) // 22):
        indent = 24 + 28 * (line % 4)
        pen.text((indent, 52 + 22 * line), f"{line + 1:3d}  for row in rows: print(row.total)", fill=(40, 44, 52))
    return image


def camera() -> bytes:
    """Twelve megapixels, held on its side, with the place where it was taken: as a phone makes them."""
    exif = Image.Exif()
    exif[ORIENTATION], exif[MODEL] = 6, "Octavo One"
    place = exif.get_ifd(GPS)
    place[1], place[2], place[3], place[4] = "N", (38.0, 42.0, 49.0), "W", (9.0, 8.0, 22.0)
    upright = landscape(3024, 4032)
    return _saved(upright.transpose(Image.Transpose.ROTATE_90), "JPEG", quality=90, exif=exif)


def _saved(image: Image.Image, form: str, **options: Any) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def _moving(form: str) -> bytes:
    frames = [Image.new("RGB", (240, 120), (245, 243, 238)) for _ in range(6)]
    for number, frame in enumerate(frames):
        ImageDraw.Draw(frame).ellipse((20 + 30 * number, 40, 60 + 30 * number, 80), fill=(151, 48, 35))
    return _saved(frames[0], form, save_all=True, append_images=frames[1:], duration=200, loop=0)


def _see_through() -> bytes:
    image = Image.new("RGBA", (600, 300))
    pen = ImageDraw.Draw(image)
    for number in range(6):
        pen.ellipse((90 * number, 60, 90 * number + 180, 240), fill=(30, 40 * number, 160, 140))
    return _saved(image, "PNG")


def _sixteen_bits() -> bytes:
    ramp = np.linspace(0, 65535, 600, dtype=np.uint16)[np.newaxis, :].repeat(120, axis=0)
    return _saved(Image.fromarray(ramp), "PNG")


_VECTOR = b"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 640 160" role="img">
<title>Source, build, site</title>
<g fill="#fff" stroke="#973023" stroke-width="2">
<rect x="10" y="40" width="160" height="80" rx="8"/><rect x="240" y="40" width="160" height="80" rx="8"/>
<rect x="470" y="40" width="160" height="80" rx="8"/><path d="M170 80h60M400 80h60" fill="none"/></g>
<g font-family="sans-serif" font-size="24" text-anchor="middle" fill="#1a1511">
<text x="90" y="88">source</text><text x="320" y="88">build</text><text x="550" y="88">site</text></g>
</svg>
"""

PICTURES: Mapping[str, Callable[[], bytes]] = {
    "cover.jpg": lambda: _saved(landscape(2400, 1350), "JPEG", quality=88),
    "camera.jpg": camera,
    "progressive.jpg": lambda: _saved(landscape(1200, 800), "JPEG", quality=85, progressive=True),
    "print.jpg": lambda: _saved(landscape(900, 500).convert("CMYK"), "JPEG", quality=85),
    "grey.jpg": lambda: _saved(landscape(900, 500).convert("L"), "JPEG", quality=85),
    "screen.png": lambda: _saved(screen(1440, 700), "PNG"),
    "palette.png": lambda: _saved(screen(800, 300).quantize(16), "PNG"),
    "see-through.png": _see_through,
    "sixteen-bits.png": _sixteen_bits,
    "dot.png": lambda: _saved(Image.new("RGB", (1, 1), (151, 48, 35)), "PNG"),
    "still.gif": lambda: _saved(screen(500, 200).quantize(32), "GIF"),
    "moving.gif": lambda: _moving("GIF"),
    "moving.webp": lambda: _moving("WEBP"),
    "photo.webp": lambda: _saved(landscape(1000, 600), "WEBP", quality=85),
    "photo.avif": lambda: _saved(landscape(1000, 600), "AVIF", quality=70, speed=8),
    "wide.jpg": lambda: _saved(landscape(4000, 500), "JPEG", quality=85),
    "tall.png": lambda: _saved(screen(300, 2400), "PNG"),
    "drawing.svg": lambda: _VECTOR,
}
