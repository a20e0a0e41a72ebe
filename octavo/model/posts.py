"""What other pages may know of a post, and the groups that posts form."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field

from octavo.model.values import Table

# What the rest of the site may know of a post.


@dataclass(frozen=True)
class Link:
    """A title and where it leads. ``url`` is ready for an ``href``: root-relative and percent-encoded."""

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
    """The series a post belongs to, oldest part first; ``position`` counts from 1."""

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
    """What others may know of a post. Dates are aware and in the site's time zone; ``date`` is None only for pages
    and drafts. The body, the headings and the terms are facts of their own.

    ``image`` is the address of its image; ``cover`` is the path of that (``posts/cat.jpg``, ``assets/cat.jpg``) when it
    is a file of the site.
    """

    path: str
    url: str
    title: str
    date: dt.datetime | None
    updated: dt.datetime | None = None
    tags: tuple[Group, ...] = ()
    authors: tuple[Group, ...] = ()
    series: Group | None = None
    description: str = ""
    excerpt: str = ""
    plain: str = ""
    minutes: int = 1
    image: str | None = None
    image_alt: str = ""
    cover: str | None = None
    canonical: str | None = None
    toc: bool = True
    draft: bool = False
    layout: str = "post.html"
    extra: Table = field(default_factory=Table)
