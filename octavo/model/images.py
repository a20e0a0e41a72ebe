"""Images, the sizes and formats they are made in, and social cards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from octavo.base.digest import Digest

PictureFormat = Literal["avif", "webp", "jpeg"]


@dataclass(frozen=True)
class Picture:
    """What is known of an image file; ``content`` is the digest of its bytes.

    ``width`` and ``height`` are in px, of the image as it is to be seen; 0 where the file does not say. A ``photo`` is
    made smaller with some loss, a ``drawing``, which has few colours, without. What is ``whole`` is published as it
    is: vectors, what moves, and what cannot be read, for which ``fault`` gives the reason. ``active`` says what in an
    SVG could run, ``located`` whether the file tells where it was taken.
    """

    content: Digest
    width: int = 0
    height: int = 0
    kind: Literal["photo", "drawing", "whole"] = "whole"
    fault: str = ""
    hint: str = ""
    active: str = ""
    located: bool = False


@dataclass(frozen=True)
class Variant:
    """An image in one size and format.

    ``url`` is where it is published: its path, not encoded.
    """

    url: str
    width: int
    height: int
    format: PictureFormat


@dataclass(frozen=True)
class ImageOrder:
    """The variants of one image that a page shows.

    They follow from the digest of the file (``content``) and from what is said here, and so do their URLs: a page can
    be rendered before they are made.
    """

    content: Digest
    kind: Literal["photo", "drawing"]
    variants: tuple[Variant, ...]


@dataclass(frozen=True)
class CardDesign:
    """How social cards are drawn here.

    ``name`` stands for all that decides how one looks beside its texts; ``drawn`` has the characters that can be, from
    the first to the last of each pair; ``font`` is the path of the site's own one, empty for that of Octavo.
    """

    name: str
    drawn: tuple[tuple[int, int], ...]
    font: str = ""


@dataclass(frozen=True)
class SocialCard:
    """A picture of a text.

    ``url`` is where it is published: its path, not encoded; ``font`` as in CardDesign.
    """

    url: str
    heading: str
    foot: tuple[str, ...] = ()
    font: str = ""


@dataclass(frozen=True)
class SocialImage:
    """What a link to a page is shown with.

    ``url`` is ready for an ``href``; sizes are in px, 0 where not known.
    """

    url: str
    width: int = 0
    height: int = 0
    alt: str = ""
    type: str = ""
