"""What an SVG says of itself: its size, and what in it could run."""

from __future__ import annotations

import re
from xml.parsers import expat

_LENGTH = re.compile(r"\s*([0-9]*\.?[0-9]+(?:e[+-]?[0-9]+)?)\s*(px|pt|pc|mm|cm|in|q)?\s*", re.IGNORECASE)
# CSS Values 4, absolute lengths: how many px a unit has.
_PIXELS = {"": 1, "px": 1, "pt": 4 / 3, "pc": 16, "in": 96, "cm": 96 / 2.54, "mm": 96 / 25.4, "q": 96 / 101.6}
_RUNS = re.compile(r"\s*(?:javascript|vbscript|data\s*:\s*(?!image/))", re.IGNORECASE)


class NoSvg(Exception):
    """The file is not a well-formed SVG."""


def look(data: bytes) -> tuple[int, int, str]:
    """(width, height, what could run): px, 0 where the file does not say; the first thing that could run in a page of
    its own, or nothing. Raises NoSvg. No entity of the document's own is ever expanded."""
    reader = _Reader()
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


class _Reader:
    def __init__(self) -> None:
        self.root: dict[str, str] | None = None
        self.active = ""
        self._depth = 0

    def element(self, name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(":")[2].lower()
        if self._depth == 0 and local == "svg":
            self.root = attributes
        self._depth += 1
        self.active = self.active or _active(local, attributes)

    def entity(self, *declaration: object) -> None:
        raise _Entity

    def size(self) -> tuple[int, int]:
        """By its width and height; what is missing of them follows from the view box."""
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
    found = _LENGTH.fullmatch(text)
    return float(found[1]) * _PIXELS[(found[2] or "").lower()] if found else 0.0
