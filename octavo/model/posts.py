"""What other pages may know of a post, and the groups that posts form."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from octavo.model.values import Table


@dataclass(frozen=True)
class Link:
    """A title and where it leads.

    ``url`` is ready for an ``href``: root-relative and percent-encoded.
    """

    title: str
    url: str
    date: dt.datetime | None = None


@dataclass(frozen=True)
class Card:
    """A post as a list shows it."""

    title: str
    url: str
    date: dt.datetime | None
    excerpt: str
    minutes: int
    image: str | None = None
    cover: str | None = None


@dataclass(frozen=True)
class Group:
    """A tag, an author or a series: its name, its slug and its page."""

    name: str
    slug: str
    url: str


@dataclass(frozen=True)
class GroupCount:
    """A group and how many published posts are in it."""

    name: str
    slug: str
    url: str
    count: int


@dataclass(frozen=True)
class Year:
    """One year of the archive, newest post first."""

    year: int
    posts: tuple[Link, ...]


@dataclass(frozen=True)
class Series:
    """The series a post belongs to, oldest part first.

    ``position`` counts from 1.
    """

    name: str
    url: str
    position: int
    parts: tuple[Link, ...]


@dataclass(frozen=True)
class Neighbours:
    """The posts published just before and just after one."""

    older: Link | None = None
    newer: Link | None = None


@dataclass(frozen=True)
class Post:
    """What others may know of a post.

    Dates are aware and in the site's time zone; ``date`` is None only for pages and drafts. The body, the headings and
    the terms are facts of their own.
    """

    path: str
    """The path of its source within the site: ``posts/django/subquery.md``."""
    url: str
    """The address of its page, ready for an ``href``."""
    title: str
    """Its title."""
    date: dt.datetime | None
    """When it is published."""
    updated: dt.datetime | None = None
    """The last change worth telling."""
    tags: tuple[Group, ...] = ()
    """Its tags, in the order of the front matter."""
    authors: tuple[Group, ...] = ()
    """Its authors, in the order of the front matter; that of the settings where it names none."""
    series: Group | None = None
    """The series that it is a part of."""
    description: str = ""
    """One or two sentences for search engines, feeds and previews."""
    excerpt: str = ""
    """The beginning of its text as safe inline HTML."""
    plain: str = ""
    """The same as plain text."""
    minutes: int = 1
    """Minutes that it takes to read, at least 1."""
    image: str | None = None
    """The address of its cover."""
    image_alt: str = ""
    """What the cover shows."""
    cover: str | None = None
    """The path of the cover (``posts/cat.jpg``, ``assets/cat.jpg``) when it is a file of the site."""
    canonical: str | None = None
    """The address at which it was published first."""
    toc: bool = True
    """Whether its page has a table of contents."""
    draft: bool = False
    """True for a draft, which the preview and a build with drafts show."""
    layout: str = "post.html"
    """The name of the layout of its page."""
    extra: Table = field(default_factory=Table)
    """The author's own keys, for layouts."""
