"""The versions by which images are kept, held against the pixels that this version of the code makes."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from PIL import Image

from octavo.images import draw_card, encode
from octavo.model.images import ImageOrder, SocialCard, Variant

KEPT = Path(__file__).parent / "data/recipes.json"

APART = 5
"""By how much a value from 0 to 255 may differ: other versions of FreeType shade the edges of letters otherwise."""


def card() -> bytes:
    """A drawn card, as 40 by 21 shades of grey."""
    drawn = draw_card.draw(
        SocialCard("/card.png", "Subqueries, with practical examples", ("The editors", "2026-11-22"))
    )
    return Image.open(io.BytesIO(drawn)).convert("L").resize((40, 21), Image.Resampling.BOX).tobytes()


def image() -> bytes:
    """An image, made smaller, as 16 by 12 colours."""
    picture = Image.new("RGB", (64, 48))
    for x in range(64):
        for y in range(48):
            picture.putpixel((x, y), (x * 4, y * 5, (x // 8 + y // 8) % 2 * 255))
    data = io.BytesIO()
    picture.save(data, "PNG")
    order = ImageOrder(bytes(16), "drawing", (Variant("/a.webp", 32, 24, "webp"),))
    (made,) = encode.encode(data.getvalue(), order).values()
    return Image.open(io.BytesIO(made)).convert("RGB").resize((16, 12), Image.Resampling.BOX).tobytes()


MADE = {"drawing": (draw_card.VERSION, card), "encoder": (encode.VERSION, image)}


@pytest.mark.parametrize("module", MADE)
def test_a_version_stands_for_the_pixels_that_are_made(module: str) -> None:
    version, make = MADE[module]
    kept, made = json.loads(KEPT.read_text("utf-8"))[module], make()
    expected = bytes.fromhex(kept["pixels"])
    assert len(made) == len(expected)
    differs = max(abs(one - other) for one, other in zip(made, expected, strict=True)) > APART
    again = f"octavo.{module}.VERSION = {kept['version'] + 1}, and in {KEPT.name}: {made.hex()}"
    assert (version, differs) == (kept["version"], False), f"what is made has changed: {again}"
