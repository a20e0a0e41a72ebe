"""What the stages of a build hand on, all frozen: known, described, built."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from octavo.base.diagnostics import Diagnostic
from octavo.base.digest import Digest
from octavo.engine.facts import Facts
from octavo.engine.records import Change, Mapped
from octavo.model.images import Picture
from octavo.model.pages import Page
from octavo.site.assets import Asset
from octavo.site.build_posts import PublishedPosts
from octavo.site.inputs import Static
from octavo.site.publication import CachedPublication
from octavo.site.routes import Routes


@dataclass(frozen=True)
class Built:
    """A site: rendered files by output path with their digests, copied files, images with their digests and the names
    of their orders, and every problem in order."""

    rendered: Mapping[str, Digest]
    statics: Mapping[str, Static]
    ran: Mapping[str, Change]
    parsed: Mapping[str, Change]
    live: PublishedPosts
    pages: Mapping[str, Page]
    problems: tuple[Diagnostic, ...]
    files_asked: tuple[tuple[str, Digest], ...] = field(default=())
    images: Mapping[str, tuple[Digest, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Known:
    """What is known before any page is made: the documents, which of them are published, and what is related."""

    documents: Mapped
    published: CachedPublication
    related: Mapped
    facts: Facts
    assets: Mapping[str, Asset]
    problems: tuple[Diagnostic, ...]
    pictures: Mapping[str, Picture]


@dataclass(frozen=True)
class Described:
    """A site before any page is rendered: its routes, and the facts that pages ask. ``gathered`` and ``own`` are what
    build.py added, and ``basis`` stands for what the pages are."""

    routes: Routes
    facts: Facts
    gathered: Mapped
    own: Mapped
    basis: Digest
