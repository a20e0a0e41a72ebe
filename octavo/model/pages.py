"""Output pages, before and after they are rendered."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from octavo.base.diagnostics import Diagnostic
from octavo.model.images import ImageOrder, SocialCard
from octavo.model.values import Table

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
    """One file of the site, before it is rendered."""

    url: str
    """Its path from the site's root, not encoded: ``/tags/c-sharp/``, ``/feed.xml``."""
    layout: str
    """The name of the layout that renders it."""
    kind: PageKind
    """What it is; layouts ask this."""
    subject: str = ""
    """What it is about: a post's path, a group's slug, a redirect's target URL, or empty."""
    title: str = ""
    """The title of the post or group, or what a list is called; may be empty."""
    number: int = 1
    """Which page of a list it is, counted from 1."""
    total: int = 1
    """How many pages the list has."""
    data: Table = field(default_factory=Table)
    """What build.py gave a page of its own."""


@dataclass(frozen=True)
class Output:
    """A rendered page.

    Its bytes, what was wrong with it, the images that have to be made for it, and what its content security policy has
    to allow: directives, each with a source.
    """

    content: bytes
    problems: tuple[Diagnostic, ...] = ()
    orders: tuple[ImageOrder | SocialCard, ...] = ()
    sources: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Layout:
    """The text of a layout and the path to name in a problem with it."""

    path: str
    text: str
