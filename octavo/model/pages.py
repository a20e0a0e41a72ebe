"""Output pages, before and after they are rendered."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from octavo.base.diagnostics import Diagnostic
from octavo.model.images import ImageOrder, SocialCard
from octavo.model.values import Table

# Pages.

PageKind = Literal[
    "article",
    "page",
    "home",
    "tags",
    "tag",
    "archive",
    "search",
    "series",
    "author",
    "feed",
    "index",
    "redirect",
    "error",
    "custom",
]


@dataclass(frozen=True)
class Page:
    """One file of the site. ``url`` is its path from the site's root, not encoded (``/tags/c-sharp/``, ``/feed.xml``).

    ``subject`` is what the page is about: a post's path, a group's slug, a redirect's target URL, or empty.
    ``number`` of ``total`` counts the pages of a list from 1. ``data`` is what build.py gave a page of its own.
    """

    url: str
    layout: str
    kind: PageKind
    subject: str = ""
    title: str = ""
    number: int = 1
    total: int = 1
    data: Table = field(default_factory=Table)


@dataclass(frozen=True)
class Output:
    """A rendered page: its bytes, what was wrong with it, the images that have to be made for it, and what its content
    security policy has to allow: directives, each with a source."""

    content: bytes
    problems: tuple[Diagnostic, ...] = ()
    orders: tuple[ImageOrder | SocialCard, ...] = ()
    sources: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Layout:
    """The text of a layout and the path to name in a problem with it."""

    path: str
    text: str
