"""The settings of a site, from pyproject.toml."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

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
class ImageSettings:
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
class RelatedSettings:
    """The lists of related posts: how many entries a page shows (0: no lists are made), whether a list keeps the posts
    that its article links to, and whether some list has to lead to every post."""

    count: int = 4
    keep_linked: bool = False
    reach_all: bool = False


@dataclass(frozen=True)
class CspSettings:
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
    related: RelatedSettings = RelatedSettings()
    excerpt: int = 200
    raw_html: Literal["allow", "sanitize", "error"] = "allow"
    images: ImageSettings = ImageSettings()
    support: Support = Support()
    font: Literal["serif", "system"] = "serif"
    inline: int = 10_000
    compress: tuple[Literal["gz", "br"], ...] = ()
    csp: CspSettings = CspSettings()
    publish_hidden: tuple[str, ...] = ()
