"""The settings of a site: ``[tool.octavo]`` in pyproject.toml."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Permalinks:
    """The URL patterns of a site.

    Tokens of ``posts``: {path} {slug} {year} {month} {day} {section}.
    """

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
    """An entry of the menu."""

    title: str
    url: str


@dataclass(frozen=True)
class Support:
    """The support notice; it is built only when ``message`` is not empty."""

    message: str = ""
    url: str = ""
    label: str = "Support this site"


@dataclass(frozen=True)
class ImageSettings:
    """What images become.

    ``formats`` are tried by browsers in this order, without any all images are published as they are; ``widths`` are in
    px; ``sizes`` is how wide a page shows an image (HTML's ``sizes``). With ``cards``, a post without an image has a
    picture of its title for links to it, drawn with ``card_font``, a path within the site; by default with the font
    that comes with Octavo.
    """

    formats: tuple[Literal["avif", "webp"], ...] = ("avif", "webp")
    widths: tuple[int, ...] = (480, 800, 1280)
    sizes: str = "(min-width: 42rem) 42.5rem, calc(100vw - 2.5rem)"
    cards: bool = False
    card_font: str = ""


@dataclass(frozen=True)
class RelatedSettings:
    """The lists of related posts.

    How many entries a page shows (0: no lists are made), whether a list keeps the posts that its article links to, and
    whether some list has to lead to every post.
    """

    count: int = 4
    keep_linked: bool = False
    reach_all: bool = False


@dataclass(frozen=True)
class CspSettings:
    """Where the content security policy is told, and what is added to it.

    ``allow`` are directives that add to what is worked out from the pages.
    """

    at: Literal["headers", "meta", "both", "none"] = "headers"
    allow: str = ""


@dataclass(frozen=True)
class Settings:
    """A site's settings, checked."""

    title: str = ""
    """The site's name."""
    description: str = ""
    """What the site is about, in a sentence."""
    base_url: str = ""
    """Where the site will stand, without a slash at its end; empty when not set."""
    language: str = "en"
    """The language of the site (BCP 47)."""
    timezone: str = "UTC"
    """The IANA time zone that decides the day shown and what counts as the future."""
    author: str = ""
    """The author of posts that name none."""
    menu: tuple[MenuItem, ...] = ()
    """The entries of the menu."""
    permalinks: Permalinks = Permalinks()
    """The URL patterns of all pages."""
    paginate: int = 10
    """How many posts are on one page of a list."""
    feed_length: int = 20
    """How many posts are in a feed."""
    latest: int = 4
    """How many posts stand under 'Latest articles'."""
    related: RelatedSettings = RelatedSettings()
    """How lists of related posts are made."""
    excerpt: int = 200
    """How many characters an excerpt has at most."""
    raw_html: Literal["allow", "sanitize", "error"] = "allow"
    """What becomes of HTML within Markdown."""
    images: ImageSettings = ImageSettings()
    """What images become, and social cards."""
    support: Support = Support()
    """The support notice."""
    font: Literal["serif", "system"] = "serif"
    """The type of the default theme: its own serif, or what a system has."""
    inline: int = 10_000
    """Bytes of the largest style sheet or script that is put into the pages."""
    compress: tuple[Literal["gz", "br"], ...] = ()
    """The forms of the compressed copies that are published beside the files."""
    csp: CspSettings = CspSettings()
    """Where the content security policy is told, and what is added to it."""
    publish_hidden: tuple[str, ...] = ()
    """The hidden files of ``assets/root`` that are published."""
