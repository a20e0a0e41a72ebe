"""What the stages of a build hand on, all frozen."""

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
from octavo.site.inputs import StaticOutput
from octavo.site.publication import CachedPublication
from octavo.site.routes import Routes


@dataclass(frozen=True)
class BuiltSite:
    """A site that was made: its files, what was run for it, and every problem.

    ``rendered`` has the digests of pages by output path, ``statics`` the other files but images, and ``images`` the
    digests of images and the names of their orders. ``page_changes`` says of pages, by URL, and ``source_changes`` of
    sources why they were run. The ``problems`` are in order. ``files_asked`` are files that are inputs by being asked
    for.
    """

    rendered: Mapping[str, Digest]
    statics: Mapping[str, StaticOutput]
    page_changes: Mapping[str, Change]
    source_changes: Mapping[str, Change]
    published: PublishedPosts
    pages: Mapping[str, Page]
    problems: tuple[Diagnostic, ...]
    files_asked: tuple[tuple[str, Digest], ...] = field(default=())
    images: Mapping[str, tuple[Digest, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class LearnedSite:
    """What is known before any page is made.

    ``documents`` are the runs of ``parse``, ``publication`` says which of them are published, and ``related`` are the
    lists of related posts. ``facts`` answer what may be asked about posts and assets. The ``problems`` are those of
    assets. ``pictures`` is what is known of images by path.
    """

    documents: Mapped
    publication: CachedPublication
    related: Mapped
    facts: Facts
    assets: Mapping[str, Asset]
    problems: tuple[Diagnostic, ...]
    pictures: Mapping[str, Picture]


@dataclass(frozen=True)
class DescribedSite:
    """A site before any page is rendered.

    ``routes`` are its pages, and ``facts`` answer all that they ask. ``script_data`` and ``script_pages`` are the
    data and the pages that build.py added, and ``basis`` is a digest that stands for what the pages are.
    """

    routes: Routes
    facts: Facts
    script_data: Mapped
    script_pages: Mapped
    basis: Digest
