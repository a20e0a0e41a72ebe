"""Processor time to draw a social card: ``python benchmarks/cards.py``, from the top of the repository."""

from __future__ import annotations

import sys
import time
from pathlib import Path

if not __package__:  # run by its path: imports begin at the top of the repository all the same
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from octavo.images.draw_card import default_font, draw, drawable_ranges
from octavo.images.social_cards import card_for
from octavo.model.images import CardDesign

COUNT = 100


def main() -> None:
    words = "Flask or Django what each framework gives you and which suits your project".split()
    design = CardDesign("measured", drawable_ranges(default_font()))
    sizes = []
    began = time.process_time()
    for number in range(COUNT):
        card = card_for(" ".join(words[: 3 + number % 11]) + f" {number}", "Two Frameworks", "The editors", design)
        assert card is not None
        sizes.append(len(draw(card)))
    seconds = time.process_time() - began
    print(f"{seconds / COUNT * 1000:.1f} ms and {sum(sizes) / COUNT / 1000:.0f} KB a card, of {COUNT}")


if __name__ == "__main__":
    main()
