"""A post as parsed: everything here follows from the text of one file."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from typing import Literal

from octavo.base.diagnostics import Diagnostic, Span
from octavo.model.values import Table

# A post as parsed: everything here follows from the text of one file.

Moment = dt.date | dt.datetime
"""As an author writes it: a day, or a time with or without an offset."""


@dataclass(frozen=True)
class Meta:
    """The front matter of one post, typed. In ``pin``, ``block`` and ``block_both`` a name that is the path of a source
    is relative to the site; others are as written, and ``naming`` finds what they mean."""

    title: str
    date: Moment | None = None
    updated: Moment | None = None
    expires: Moment | None = None
    tags: tuple[str, ...] = ()
    description: str = ""
    slug: str | None = None
    authors: tuple[str, ...] = ()
    series: str | None = None
    draft: bool = False
    layout: str | None = None
    image: str | None = None
    image_alt: str = ""
    aliases: tuple[str, ...] = ()
    related: bool = True
    pin: tuple[str, ...] = ()
    block: tuple[str, ...] = ()
    block_both: tuple[str, ...] = ()
    canonical: str | None = None
    toc: bool = True
    extra: Table = field(default_factory=Table)


@dataclass(frozen=True)
class Mark:
    """Where a value of the front matter stands. ``key`` is dotted: ``layout``, ``tags.0``, ``related.pin.1``."""

    key: str
    span: Span


@dataclass(frozen=True)
class Summary:
    """What of a body others may show: the excerpt as safe inline HTML and as plain text, and the reading time."""

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
    """An image of Markdown. It stands for a whole element, whose ``attributes`` these are, in order, but for ``src``:
    what it becomes follows from what is known of the file."""

    attributes: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Body:
    """The HTML of a post around its references: ``chunks[0] refs[0] chunks[1] refs[1] … chunks[-1]``.

    ``len(chunks) == len(refs) + 1``; a ref stands where an attribute's value stands, so what replaces it is escaped,
    and a PictureRef where an element stands.
    """

    chunks: tuple[str, ...] = ("",)
    refs: tuple[Ref, ...] = ()
    words: int = 0


@dataclass(frozen=True)
class Heading:
    """``html`` is the heading's inline HTML without links and footnote marks, as a table of contents shows it."""

    level: int
    id: str
    html: str


@dataclass(frozen=True)
class LinkUse:
    """A reference, or a link within the page (``ref`` is None, ``fragment`` set), at its place in the source."""

    ref: Ref | None
    fragment: str
    span: Span
    is_image: bool = False
    text: str = ""


@dataclass(frozen=True)
class Terms:
    """The counted terms of a post: ``words`` joined by line feeds, ``counts`` the same many uint32, in quarters."""

    words: str = ""
    counts: bytes = b""


@dataclass(frozen=True)
class Document:
    """One parsed source file. Each field is stored, digested and loaded on its own.

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
