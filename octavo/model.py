"""The nouns of a site, all frozen: what a post says of itself, what others may know of it, and what a page is.

They have no slots: Python pickles a frozen dataclass with slots field by field in Python, several times slower, and
many values here are sent to other processes.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Annotated, Any, ClassVar, Literal, NamedTuple, overload

from octavo.diagnostic import Diagnostic, Span
from octavo.digest import Digest


class Table(Mapping[str, Any]):
    """A mapping that cannot be changed, in the order of its keys: ``extra`` in front matter, rows of data."""

    __slots__ = ("_items",)

    def __init__(self, items: Mapping[str, Any] | None = None) -> None:
        self._items = {key: (items or {})[key] for key in sorted(items or {})}

    def __getitem__(self, key: str) -> Any:
        return self._items[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __hash__(self) -> int:
        return hash(tuple(self._items.items()))

    def __repr__(self) -> str:
        return f"Table({self._items!r})"

    def __reduce__(self) -> tuple[type[Table], tuple[dict[str, Any]]]:
        return (Table, (self._items,))

    @staticmethod
    def stored_as() -> Any:
        """As ``codec`` writes it."""
        return dict[str, Data]

    def to_stored(self) -> dict[str, Any]:
        return self._items

    @classmethod
    def from_stored(cls, items: dict[str, Any]) -> Table:
        return cls(items)


def frozen(value: Any) -> Any:
    """Lists and, in order, sets as tuples, mappings and dataclasses that are not Octavo's as Tables, all the way down.

    The order of a set is another in each process, and a class of build.py is known to none but those that ran it.
    """
    if isinstance(value, Mapping):
        return Table({str(key): frozen(item) for key, item in value.items()})
    if isinstance(value, list | tuple):
        return tuple(frozen(item) for item in value)
    if isinstance(value, set | frozenset):
        return tuple(sorted(frozen(item) for item in value))
    if is_dataclass(value) and not isinstance(value, type) and not type(value).__module__.startswith("octavo."):
        return Table({field.name: frozen(getattr(value, field.name)) for field in fields(value)})
    return value


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


# Images.

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
    """An image in one size and format. ``url`` is where it is published: its path, not encoded."""

    url: str
    width: int
    height: int
    format: PictureFormat


@dataclass(frozen=True)
class Order:
    """The variants of one image that a page shows. They follow from the digest of the file (``content``) and from what
    is said here, and so do their URLs: a page can be rendered before they are made."""

    content: Digest
    kind: Literal["photo", "drawing"]
    variants: tuple[Variant, ...]


@dataclass(frozen=True)
class CardDesign:
    """How social cards are drawn here. ``name`` stands for all that decides how one looks beside its texts; ``drawn``
    has the characters that can be, from the first to the last of each pair; ``font`` is the path of the site's own one,
    empty for that of Octavo."""

    name: str
    drawn: tuple[tuple[int, int], ...]
    font: str = ""


@dataclass(frozen=True)
class SocialCard:
    """A picture of a text. ``url`` is where it is published: its path, not encoded; ``font`` as in CardDesign."""

    url: str
    heading: str
    foot: tuple[str, ...] = ()
    font: str = ""


@dataclass(frozen=True)
class SocialImage:
    """What a link to a page is shown with. ``url`` is ready for an ``href``; sizes are in px, 0 where not known."""

    url: str
    width: int = 0
    height: int = 0
    alt: str = ""
    type: str = ""


# Related articles.


class Candidate(NamedTuple):
    """A post as the ranking sees it. ``day`` counts from 1970-01-01; ``links`` are the paths it links to.

    ``terms`` is the digest of its Terms, which are asked for where they changed, ``spelling`` that of its spelling.
    ``pin`` and ``block`` are paths, ``block`` of all posts that the list leaves out; a post that is not ``related`` has
    no list and is in none.
    """

    path: str
    title: str
    day: int | None
    terms: Digest
    spelling: Digest = b""
    tags: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    series: str | None = None
    pin: tuple[str, ...] = ()
    block: tuple[str, ...] = ()
    related: bool = True


class Reason(NamedTuple):
    """Why two posts are related. ``share`` is the part of the score, 0 to 1; None for what is not scored. The text is
    that of ``code`` where its author writes it so."""

    kind: Literal["term", "tag", "link", "series", "pin", "reach"]
    text: str
    share: float | None = None
    code: bool = False

    @property
    def says_more(self) -> bool:
        return says_more(self.kind, self.text, self.code)


def says_more(kind: str, text: str, is_code: bool) -> bool:
    """False for a single word in lower case and for a number, which any two posts may share."""
    return is_code or kind == "tag" or " " in text or text != text.lower()


class Relation(NamedTuple):
    """One entry of a post's list of related posts, by path. ``score`` is a cosine weighted by nearness in time."""

    path: str
    score: float
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True)
class Relations(Sequence[Relation]):
    """Entries of a list, the best first, as JSON: more are stored than are looked at.

    Each is an object with ``id`` (the path), ``score`` and ``why``: the reasons as objects with ``kind``, ``text`` and,
    if it is scored, ``share``; ``code`` is true for what is code, else not there. The text is fit for a script in HTML.
    """

    text: str = "[]"

    WHOLE: ClassVar[int] = 10_000
    """Parts of a score that are told apart."""

    @overload
    def __getitem__(self, at: int) -> Relation: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[Relation, ...]: ...
    def __getitem__(self, at: int | slice) -> Relation | tuple[Relation, ...]:
        found = json.loads(self.text)[at]
        return tuple(map(self.read, found)) if isinstance(at, slice) else self.read(found)

    def __iter__(self) -> Iterator[Relation]:
        return map(self.read, json.loads(self.text))

    def __len__(self) -> int:
        return len(json.loads(self.text))

    @classmethod
    def of(cls, entries: Iterable[Relation]) -> Relations:
        return cls(f"[{','.join(map(_relation_text, entries))}]")

    def first(self, count: int) -> Relations:
        """The first entries."""
        found = json.loads(self.text)
        return self if len(found) <= count else self.of(map(self.read, found[:count]))

    def paths(self) -> list[str]:
        """The posts alone."""
        return [entry["id"] for entry in json.loads(self.text)]

    @staticmethod
    def read(entry: dict[str, Any]) -> Relation:
        """An entry from JSON."""
        return Relation(entry["id"], entry["score"], tuple(Reason(**reason) for reason in entry["why"]))


def _relation_text(entry: Relation) -> str:
    """An entry as JSON. There are so many that it is put together here: an encoder takes twice as long."""
    path, score, reasons = entry
    why = ",".join(map(_reason_text, reasons)) if reasons else ""
    return f'{{"id":{json_text(path)},"score":{score!r},"why":[{why}]}}'


def _reason_text(reason: Reason) -> str:
    kind, text, share, code = reason
    is_code = ',"code":true' if code else ""
    carried = "" if share is None else f',"share":{share!r}'
    return f'{{"kind":"{kind}","text":{json_text(text)}{is_code}{carried}}}'


def json_text(value: object) -> str:
    """A value as JSON, fit for a script in HTML."""
    text = _encode(value)
    for special in "<>&'":
        if special in text:
            text = text.replace(special, f"\\u{ord(special):04x}")
    return text


_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


@dataclass(frozen=True)
class Offer:
    """A related post, by path, as readers are told of it. ``reasons`` are phrases in plain words, as HTML; ``terms``
    are the words shared."""

    path: str
    reasons: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()


@dataclass(frozen=True)
class RelatedList:
    """A post's list of related posts: the ``first`` entries, which its page shows by the settings, and the ``rest``.
    ``offers`` are the first ones as readers see them: scores and shares change with every post that is written, these
    seldom do. Each part is stored and loaded on its own."""

    first: Relations = Relations()
    rest: Relations = Relations()
    offers: tuple[Offer, ...] = ()


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
    orders: tuple[Order | SocialCard, ...] = ()
    sources: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Layout:
    """The text of a layout and the path to name in a problem with it."""

    path: str
    text: str


# Settings: [tool.octavo] in pyproject.toml.


@dataclass(frozen=True)
class Permalinks:
    """The URL patterns of a site. Tokens of ``posts``: {path} {slug} {year} {month} {day} {section}."""

    posts: str = "/posts/{path}/"
    pages: str = "/{path}/"
    home: str = "/"
    tags: str = "/tags/"
    tag: str = "/tags/{slug}/"
    archive: str = "/archive/"
    search: str = "/search/"
    series: str = "/series/{slug}/"
    author: str = "/authors/{slug}/"
    atom: str = "/feed.xml"
    json_feed: str = "/feed.json"
    sitemap: str = "/sitemap.xml"
    robots: str = "/robots.txt"
    not_found: str = "/404.html"
    related: str = "/related.json"
    paginated: str = "page/{number}/"


@dataclass(frozen=True)
class MenuItem:
    title: str
    url: str


@dataclass(frozen=True)
class Support:
    """The support notice; it is built only when ``message`` is not empty."""

    message: str = ""
    url: str = ""
    label: str = "Support this site"


@dataclass(frozen=True)
class Images:
    """What images become. ``formats`` are tried by browsers in this order, without any all images are published as they
    are; ``widths`` are in px; ``sizes`` is how wide a page shows an image (HTML's ``sizes``). With ``cards``, a post
    without an image has a picture of its title for links to it, drawn with ``card_font``, a path within the site; by
    default with the font that comes with Octavo."""

    formats: tuple[Literal["avif", "webp"], ...] = ("avif", "webp")
    widths: tuple[int, ...] = (480, 800, 1280)
    sizes: str = "(min-width: 42rem) 42.5rem, calc(100vw - 2.5rem)"
    cards: bool = False
    card_font: str = ""


@dataclass(frozen=True)
class Related:
    """The lists of related posts: how many entries a page shows (0: no lists are made), whether a list keeps the posts
    that its article links to, and whether some list has to lead to every post."""

    count: int = 4
    keep_linked: bool = False
    reach_all: bool = False


@dataclass(frozen=True)
class Csp:
    """Where the content security policy is told, and directives that add to what is worked out from the pages."""

    at: Literal["headers", "meta", "both", "none"] = "headers"
    allow: str = ""


@dataclass(frozen=True)
class Settings:
    """A site's settings, checked. ``base_url`` has no trailing slash and is empty when not set."""

    title: str = ""
    description: str = ""
    base_url: str = ""
    language: str = "en"
    timezone: str = "UTC"
    author: str = ""
    menu: tuple[MenuItem, ...] = ()
    permalinks: Permalinks = Permalinks()
    paginate: int = 10
    feed_length: int = 20
    latest: int = 4
    related: Related = Related()
    excerpt: int = 200
    raw_html: Literal["allow", "sanitize", "error"] = "allow"
    images: Images = Images()
    support: Support = Support()
    font: Literal["serif", "system"] = "serif"
    inline: int = 10_000
    compress: tuple[Literal["gz", "br"], ...] = ()
    csp: Csp = Csp()
    publish_hidden: tuple[str, ...] = ()


# What build.py adds.


@dataclass(frozen=True)
class Extension:
    """One function of build.py. It is pure, so its source stands for it: ``digest`` covers build.py and the local
    modules it imports. Two extensions are equal when their digests and names are."""

    name: str
    digest: Digest
    function: Callable[..., Any] = field(compare=False, repr=False)


@dataclass(frozen=True)
class Extensions:
    """What build.py adds to a site, each kind in order of name."""

    filters: tuple[Extension, ...] = ()
    shortcodes: tuple[Extension, ...] = ()
    markdown: tuple[Extension, ...] = ()
    pages: tuple[Extension, ...] = ()
    data: tuple[Extension, ...] = ()
    checks: tuple[Extension, ...] = ()


Data = Annotated[
    Any,
    Table,
    Diagnostic,
    Span,
    *(
        kind
        for kind in tuple(globals().values())
        if isinstance(kind, type) and kind.__module__ == __name__ and (is_dataclass(kind) or hasattr(kind, "_fields"))
    ),
]
"""What build.py may give, and what front matter may have under ``extra``: scalars, moments, and tuples and Tables of
them, and the nouns of this module."""
