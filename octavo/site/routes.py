"""Which pages a site has, and where.

They follow from the published posts, the settings and what build.py adds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from octavo.base import urls
from octavo.base.lazy_mapping import LazyMapping
from octavo.engine.sharded_map import Buckets
from octavo.model.pages import Page, PageKind
from octavo.model.posts import Post
from octavo.model.settings import Settings
from octavo.site.build_posts import PublishedPosts, expand_group_url

RouteRow = tuple[Page, tuple[str, ...]]
"""A page as it is kept, and the paths of the posts that it lists."""

RouteOrder = tuple[tuple[str, ...], tuple[str, ...], tuple[Page, ...]]
"""The URLs of all pages, the URLs of those that list posts, and the doubles."""


@dataclass(frozen=True)
class Routes:
    """Which page is at which URL, and which posts each page of a list shows.

    ``pages`` and ``listings`` are by URL, not encoded; ``listings`` has the paths of the posts. ``duplicates`` are
    pages whose URL another page already has: they are not built, and are problems.
    """

    pages: Mapping[str, Page]
    listings: Mapping[str, tuple[str, ...]]
    duplicates: tuple[Page, ...]

    @classmethod
    def restore(cls, order: RouteOrder, rows: Buckets[RouteRow]) -> Routes:
        """The routes of an earlier build; each page is read when it is asked for."""
        urls, listing, doubles = order
        # Dicts say at once what is in them, and keep the order.
        pages = LazyMapping(dict.fromkeys(urls), lambda url: rows[url][0])
        return cls(pages, LazyMapping(dict.fromkeys(listing), lambda url: rows[url][1]), doubles)

    def order(self) -> RouteOrder:
        return tuple(self.pages), tuple(self.listings), self.duplicates

    def rows(self) -> Buckets[RouteRow]:
        return Buckets.of(RouteRow, {url: (page, self.listings.get(url, ())) for url, page in self.pages.items()})


Aliases = Mapping[str, Sequence[str]]
"""Source path -> the old URLs of a post, where it has any."""


def route(live: PublishedPosts, aliases: Aliases, settings: Settings, own: Iterable[Page]) -> Routes:
    """All pages of the site. ``own`` are the pages that build.py adds."""
    pages: dict[str, Page] = {}
    listings: dict[str, tuple[str, ...]] = {}
    doubles: list[Page] = []
    for page, posts in _all(live, aliases, settings, own):
        if page.url in pages:
            doubles.append(page)
            continue
        pages[page.url] = page
        if posts is not None:
            listings[page.url] = tuple([post.path for post in posts])
    return Routes(pages, listings, tuple(doubles))


_Routed = tuple[Page, Sequence[Post] | None]
"""A page, and the posts that it lists where it is one of a list."""


def _all(live: PublishedPosts, aliases: Aliases, settings: Settings, own: Iterable[Page]) -> Iterator[_Routed]:
    at, published = settings.permalinks, tuple(live.posts)
    posts_by_kind: tuple[tuple[PageKind, Sequence[Post]], ...] = (("article", published), ("page", live.pages))
    for kind, posts in posts_by_kind:
        for post in posts:
            yield Page(live.urls[post.path], post.layout, kind, post.path, post.title), None
            for alias in aliases.get(post.path, ()):
                yield Page(_alias(alias), "redirect.html", "redirect", post.url, post.title), None
    yield from _paginated(Page(at.home, "home.html", "home", title=settings.title), published, settings)
    for group, layout in (("tag", "tag.html"), ("author", "author.html"), ("series", "series.html")):
        yield from _grouped(group, layout, published, settings)
    yield Page(at.tags, "tags.html", "tags", title="Tags"), None
    yield Page(at.archive, "archive.html", "archive", title="Archive"), None
    yield Page(at.search, "search.html", "search", title="Search"), None
    yield Page(at.not_found, "404.html", "error", title="Page not found"), None
    yield Page(at.robots, "robots.txt", "index"), None
    yield Page(at.related, "related.json", "index"), None
    if settings.base_url:
        yield Page(at.atom, "feed.xml", "feed"), None
        yield Page(at.json_feed, "feed.json", "feed"), None
        yield Page(at.sitemap, "sitemap.xml", "index"), None
    for page in own:
        yield page, None


def whole_site_urls(settings: Settings) -> frozenset[str]:
    """The URLs of the pages that are made from all posts at once."""
    at = settings.permalinks
    return frozenset((at.robots, at.related, at.atom, at.json_feed, at.sitemap))


def _alias(url: str) -> str:
    """An old address as a page: one that names no file is a folder."""
    last = url.rsplit("/", 1)[-1]
    return url if "." in last or last == "" else url + "/"


def _paginated(first: Page, posts: Sequence[Post], settings: Settings) -> Iterator[_Routed]:
    size = settings.paginate
    total = max(1, -(-len(posts) // size))
    for number in range(1, total + 1):
        page = Page(
            page_url(first.url, number, settings), first.layout, first.kind, first.subject, first.title, number, total
        )
        yield page, posts[(number - 1) * size : number * size]


def page_url(first: str, number: int, settings: Settings) -> str:
    """The URL of page ``number`` (from 1) of a list that begins at ``first``."""
    if number == 1:
        return first
    folder = first if first.endswith("/") else first.rsplit("/", 1)[0] + "/"
    return folder + urls.expand(settings.permalinks.paginated, {"number": str(number)}).lstrip("/")


def _grouped(kind: str, layout: str, posts: Sequence[Post], settings: Settings) -> Iterator[_Routed]:
    members: dict[str, list[Post]] = {}
    titles: dict[str, str] = {}
    for post in posts:
        groups = {"tag": post.tags, "author": post.authors, "series": (post.series,) if post.series else ()}[kind]
        for group in groups:
            members.setdefault(group.slug, []).append(post)
            titles[group.slug] = group.name
    for slug in sorted(members):
        url = expand_group_url(kind, slug, settings)
        if kind == "series":
            yield Page(url, layout, "series", slug, titles[slug]), members[slug]
        else:
            first = Page(url, layout, "tag" if kind == "tag" else "author", slug, titles[slug])
            yield from _paginated(first, members[slug], settings)
