"""A post as parsed: everything here follows from the text of one file."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Literal

from octavo.base.diagnostics import Diagnostic, Span
from octavo.model.values import Table

Moment = dt.date | dt.datetime
"""As an author writes it: a day, or a time with or without an offset."""


@dataclass(frozen=True)
class Meta:
    """The front matter of one post, typed.

    In ``pin``, ``block`` and ``block_both`` a name that is the path of a source is relative to the site; others are as
    written, and ``site.lookup`` finds what they mean.
    """

    title: str
    """The title; the one field that every post has."""
    date: Moment | None = None
    """When the post is published; from the name of its file where the front matter has none."""
    updated: Moment | None = None
    """The last change worth telling."""
    expires: Moment | None = None
    """From when on the post is no longer published."""
    tags: tuple[str, ...] = ()
    """What the post is about, as written; each tag has a page."""
    description: str = ""
    """One or two sentences for search engines, feeds and previews."""
    slug: str | None = None
    """The last part of the address, in place of the file's name."""
    authors: tuple[str, ...] = ()
    """Who wrote the post; where empty, the author of the settings."""
    series: str | None = None
    """The name of the series that the post is a part of."""
    draft: bool = False
    """True for a post that is kept out of the published site."""
    layout: str | None = None
    """The layout to use instead of ``post``; ``page`` makes a standing page."""
    image: str | None = None
    """The cover as written: a path or a whole address."""
    image_alt: str = ""
    """What the cover shows, for those who cannot see it."""
    aliases: tuple[str, ...] = ()
    """Old addresses that lead here."""
    related: bool = True
    """False for a post that has no list of related posts and is in none."""
    pin: tuple[str, ...] = ()
    """The posts that stand first in the list of related posts, in this order."""
    block: tuple[str, ...] = ()
    """The posts that the list of related posts leaves out."""
    block_both: tuple[str, ...] = ()
    """The same, and their lists leave this post out as well."""
    canonical: str | None = None
    """The address at which the post was published first."""
    toc: bool = True
    """False for a page without its table of contents."""
    extra: Table = field(default_factory=Table)
    """The author's own keys, for layouts."""


@dataclass(frozen=True)
class Mark:
    """Where a value of the front matter stands.

    ``key`` is dotted: ``layout``, ``tags.0``, ``related.pin.1``.
    """

    key: str
    span: Span


@dataclass(frozen=True)
class Summary:
    """What of a body others may show.

    ``excerpt`` is safe inline HTML, ``plain`` the same as plain text, ``minutes`` the reading time.
    """

    excerpt: str = ""
    plain: str = ""
    minutes: int = 1


RefKind = Literal["post", "file", "site"]


@dataclass(frozen=True)
class Ref:
    """A link whose address is known only when the page is rendered.

    ``post``: ``target`` is the path of a source file (``posts/django/subquery.md``).
    ``file``: ``target`` is the path of a file below ``posts/`` that is not a post (``posts/cat/cat.png``).
    ``site``: ``target`` is a URL path of this site (``/about/``), without the path of ``base_url``.
    ``suffix`` is what follows: ``?query`` and ``#fragment``, percent-encoded. ``raw`` is the link as written.
    """

    kind: RefKind
    target: str
    suffix: str = ""
    raw: str = ""


@dataclass(frozen=True)
class PictureRef(Ref):
    """An image of Markdown.

    It stands for a whole element, whose ``attributes`` these are, in order, but for ``src``: what it becomes follows
    from what is known of the file.
    """

    attributes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Body:
    """The HTML of a post around its references.

    That is ``chunks[0] refs[0] chunks[1] refs[1] … chunks[-1]``, and ``len(chunks) == len(refs) + 1``. A ref stands
    where an attribute's value stands, so what replaces it is escaped, and a PictureRef where an element stands.
    """

    chunks: tuple[str, ...] = ("",)
    refs: tuple[Ref, ...] = ()
    words: int = 0


@dataclass(frozen=True)
class Heading:
    """A heading of a body, for a table of contents.

    ``html`` is its inline HTML without links and footnote marks.
    """

    level: int
    id: str
    html: str


@dataclass(frozen=True)
class LinkUse:
    """A reference, or a link within the page, at its place in the source.

    Of a link within the page ``ref`` is None and ``fragment`` is set.
    """

    ref: Ref | None
    fragment: str
    span: Span
    is_image: bool = False
    text: str = ""


@dataclass(frozen=True)
class Terms:
    """The counted terms of a post.

    ``words`` are joined by line feeds, ``counts`` the same many uint32, in quarters.
    """

    words: str = ""
    counts: bytes = b""


@dataclass(frozen=True)
class Document:
    """One parsed source file.

    Each field is stored, digested and loaded on its own.

    ``meta`` is None when the file has errors; ``targets`` are the source paths of the posts that the body links to,
    ``addresses`` the URL paths of this site that it links to,
    ``pictures`` those of files that it shows as images and nothing else, ``files`` those of all other files.
    ``spelling`` tells how it writes its words.
    """

    meta: Meta | None
    marks: tuple[Mark, ...] = ()
    summary: Summary = Summary()
    body: Body = Body()
    headings: tuple[Heading, ...] = ()
    anchors: tuple[str, ...] = ()
    links: tuple[LinkUse, ...] = ()
    targets: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    pictures: tuple[str, ...] = ()
    terms: Terms = Terms()
    spelling: str = ""
    problems: tuple[Diagnostic, ...] = ()
