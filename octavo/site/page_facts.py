"""Documents -> Facts: the answers to every question a page may ask."""

from __future__ import annotations

import datetime as dt
import marshal
import posixpath
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from difflib import get_close_matches
from functools import cache, cached_property
from itertools import chain
from operator import attrgetter
from typing import Any, NamedTuple

from octavo.base import urls
from octavo.base.diagnostics import Diagnostic, warning
from octavo.base.digest import SIZE, Digest, digest, digest_bytes
from octavo.base.lazy_mapping import LazyMapping
from octavo.base.names import PAGES_OF_POSTS
from octavo.base.urls import slugify
from octavo.engine.facts import Fact, Query, Resolver, fact, kept_fact
from octavo.engine.memo import Records
from octavo.model.documents import Mark, Meta
from octavo.model.pages import Page
from octavo.model.posts import Card, GroupCount, Link, Neighbours, Post, Series, Year
from octavo.model.queries import (
    AllPosts,
    AnchorsOf,
    Archive,
    Backlinks,
    BodyOf,
    CardOf,
    Corpus,
    FeedPaths,
    FileUrl,
    Grouped,
    Groups,
    HeadingsOf,
    Latest,
    LinksOf,
    Listing,
    NeighboursOf,
    OffersOf,
    PageAt,
    PostAt,
    PostPaths,
    PublishedUrl,
    RelatedIndex,
    RelatedTo,
    SeriesOf,
    SimilarNames,
    SitemapUrls,
    SourceState,
    SpellingOf,
    TermsOf,
    UrlOf,
)
from octavo.model.related import Candidate, Relations
from octavo.model.settings import Settings
from octavo.related.summaries import offers
from octavo.site.build_posts import Live, file_url, folder_of, image_path
from octavo.site.preferences import Wishes
from octavo.site.routes import Routes

Resolvers = dict[type[Query[Any]], Resolver]


class Stamp(NamedTuple):
    """The digests of a post, of its card and of a link to it: answers about lists of posts are known by these."""

    post: Digest
    card: Digest
    link: Digest


class Stamps(LazyMapping[str, Stamp]):
    """Stamps by path. They are kept as ``rows``: the digests of each, one after another."""

    def __init__(self, rows: Mapping[str, bytes]) -> None:
        super().__init__(rows, lambda path: _stamp_of(rows[path]))
        self.rows = rows


def _stamp_of(row: bytes) -> Stamp:
    return Stamp(row[:SIZE], row[SIZE : 2 * SIZE], row[2 * SIZE :])


def stamp(post: Post) -> Stamp:
    return Stamp(digest(post), digest(card(post)), digest(link(post)))


class Index:
    """The published posts, looked at from each side that a page asks about. Nothing here changes once it is made."""

    def __init__(
        self,
        live: Live,
        targets: Mapping[str, tuple[str, ...]],
        attachments: Mapping[str, str],
        wishes: Mapping[str, Wishes],
        settings: Settings,
        stamps: Stamps,
        pictures: tuple[str, ...] = (),
    ) -> None:
        """``pictures`` are the images beside posts of which only variants are published."""
        self.live = live
        self.wishes = wishes
        self.settings = settings
        self.attachments = attachments
        self.targets = targets
        self.stamps = stamps
        self.pictures = pictures

    @cached_property
    def apart(self) -> dict[str, set[str]]:
        """Source path -> the posts that are in its list as little as it is in theirs."""
        found: dict[str, set[str]] = {}
        for path, wished in self.wishes.items():
            for other in wished.block_both if path in self.places else ():
                found.setdefault(path, set()).add(other)
                found.setdefault(other, set()).add(path)
        return found

    @property
    def by_path(self) -> Mapping[str, Post]:
        return self.live.by_path

    def links(self, paths: Iterable[str]) -> Digest:
        """Stands for the links to the posts of some paths."""
        rows = self.stamps.rows
        return digest_bytes(b"".join([rows[path][-SIZE:] for path in paths]))

    def cards(self, paths: Iterable[str]) -> Digest:
        """Stands for the cards of the posts of some paths."""
        rows = self.stamps.rows
        return digest_bytes(b"".join([rows[path][-2 * SIZE : -SIZE] for path in paths]))

    def by_source(self) -> dict[str, Digest]:
        """What stands for all that is known of each file below ``posts/`` on its own."""
        found = {path: digest(state) for path, state in self.live.states.items()}
        found.update((path, row[:SIZE]) for path, row in self.stamps.rows.items())
        found.update((path, digest(url)) for path, url in self.attachments.items())
        return found

    @cached_property
    def places(self) -> dict[str, int]:
        """Source path -> its place among the posts, newest first."""
        return {path: place for place, path in enumerate(self.live.paths)}

    def beside(self, path: str) -> tuple[str | None, str | None]:
        """The paths of the posts published just before and just after one."""
        place = self.places.get(path)
        if place is None:
            return None, None
        paths = self.live.paths
        return paths[place + 1] if place + 1 < len(paths) else None, paths[place - 1] if place else None

    def neighbours(self, path: str) -> Neighbours:
        older, newer = [link(self.by_path[each]) if each else None for each in self.beside(path)]
        return Neighbours(older, newer)

    def all_beside(self) -> dict[str, Digest]:
        return {path: self.neighbours_digest(path) for path in self.places}

    def neighbours_digest(self, path: str) -> Digest:
        rows = self.stamps.rows
        return digest_bytes(b"".join([rows[each][-SIZE:] if each else bytes(SIZE) for each in self.beside(path)]))

    @cached_property
    def groups(self) -> dict[str, dict[str, list[Post]]]:
        """Kind -> slug -> posts, newest first."""
        found: dict[str, dict[str, list[Post]]] = {"tag": {}, "author": {}, "series": {}}
        for post in self.live.posts:
            for kind, groups in (("tag", post.tags), ("author", post.authors), ("series", (post.series,))):
                for group in groups:
                    if group is not None:
                        found[kind].setdefault(group.slug, []).append(post)
        return found

    def counts(self, kind: str) -> tuple[GroupCount, ...]:
        groups = self.live.groups
        named = [(groups[kind, slug], len(posts)) for slug, posts in self.groups.get(kind, {}).items()]
        counts = [GroupCount(group.name, group.slug, group.url, count) for group, count in named]
        return tuple(sorted(counts, key=lambda count: (count.name.casefold(), count.slug)))

    def series(self, path: str) -> Series | None:
        if path not in self._in_series:
            return None
        slug, position = self._in_series[path]
        group, parts = self.live.groups["series", slug], reversed(self.groups["series"][slug])
        return Series(group.name, group.url, position, tuple(map(link, parts)))

    def series_digest(self, path: str) -> Digest:
        """Stands for the series of a post."""
        if path not in self._in_series:
            return _NOTHING
        slug, position = self._in_series[path]
        return digest((self._series[slug], position))

    @cached_property
    def _in_series(self) -> dict[str, tuple[str, int]]:
        """Source path -> the slug of its series, and which of its parts it is, from 1."""
        return {
            post.path: (slug, len(posts) - place)
            for slug, posts in self.groups["series"].items()
            for place, post in enumerate(posts)
        }

    @cached_property
    def _series(self) -> dict[str, Digest]:
        """What stands for each series, by slug."""
        groups = self.live.groups
        return {
            slug: digest((groups["series", slug], self.links([post.path for post in posts])))
            for slug, posts in self.groups["series"].items()
        }

    def all_backlinks(self) -> dict[str, Digest]:
        return {path: self.links(paths) for path, paths in self.linked_from.items()}

    @cached_property
    def linked_from(self) -> dict[str, list[str]]:
        """Source path -> the paths of the posts that link to it, newest first."""
        found: dict[str, list[str]] = {}
        for path in self.live.paths:
            for target in self.targets.get(path, ()):
                found.setdefault(target, []).append(path)
        return found

    @cached_property
    def archive(self) -> tuple[Year, ...]:
        years: dict[int, list[Link]] = {}
        for post in self.live.posts:
            if post.date is not None:
                years.setdefault(post.date.year, []).append(link(post))
        return tuple(Year(year, tuple(years[year])) for year in sorted(years, reverse=True))

    def similar_names(self, path: str) -> tuple[str, ...]:
        """The sources a mistyped path may mean: the same file name elsewhere, else the closest spelling of the path."""
        extension = posixpath.splitext(path)[1]
        name = posixpath.basename(path).casefold()
        others = (*self.live.states, *self.attachments, *self.pictures)
        alike = [other for other in others if other.endswith(extension)]
        same = sorted(other for other in alike if posixpath.basename(other).casefold() == name)
        if same:
            return tuple(same[:3])
        # Spelling is compared where it can be close enough, since comparing is slow and broken links may be many.
        near = [other for other in alike if abs(len(other) - len(path)) <= 3 and other[:7] == path[:7]]
        return tuple(get_close_matches(path, near, n=1, cutoff=0.6))


def attachments(
    live: Live,
    metas: Mapping[str, Meta | None],
    files: Iterable[str],
    wanted: Mapping[str, tuple[str, ...]],
    shown: Mapping[str, tuple[str, ...]],
    scaled: Collection[str],
) -> tuple[dict[str, str], tuple[str, ...]]:
    """Source path -> URL path of the files published with the posts, and the images that are published otherwise.

    All files in a post's own folder are; of the files beside a flat post, those that a published post refers to.
    ``wanted`` holds the files that each post's body refers to, ``shown`` those that it shows as images and nothing
    else: of these, where they are among the ``scaled``, only the variants are published.
    """
    folders: dict[str, str] = {}
    asked: set[str] = set()
    pictured: set[str] = set()
    for path, url in live.urls.items():
        meta = metas[path]
        if meta is None:
            continue
        folder = folder_of(path)
        if folder is not None:
            folders[folder] = url
        asked.update(wanted.get(path, ()))
        pictured.update(shown.get(path, ()))
        image = image_path(path, meta)
        if image is not None:
            pictured.add(image)
    asked.update(path for path in pictured if path not in scaled)
    hidden = {path for path in pictured if path in scaled and path not in asked}
    all_folders = {folder for folder in map(folder_of, metas) if folder is not None}
    found = {}
    for path in files:
        if path in hidden:
            continue
        owner = _owner(path, all_folders)
        if owner in folders:
            found[path] = file_url(path, owner, folders[owner])
        elif owner is None and path in asked:
            found[path] = file_url(path, None, "")
    return found, tuple(sorted(hidden.intersection(files)))


def _owner(path: str, folders: set[str]) -> str | None:
    """The innermost post's folder that holds a file."""
    folder = posixpath.dirname(path) + "/"
    while folder != "/":
        if folder in folders:
            return folder
        folder = posixpath.dirname(folder.rstrip("/")) + "/"
    return None


def link(post: Post) -> Link:
    return Link(post.title, post.url, post.date)


def card(post: Post) -> Card:
    return Card(post.title, post.url, post.date, post.excerpt, post.minutes, post.image, post.cover)


def entries(rows: Records, path: str, count: int, shown: int) -> list[Relations]:
    """The first ``count`` entries of a post's list of related posts, in the pieces in which they are stored; the first
    has ``shown``. None where there is no list."""
    if path not in rows:
        return []
    found: list[Relations] = [rows.load(path, "first").first(count)]
    if count > shown:
        found.append(rows.load(path, "rest").first(count - shown))
    return found


ABOUT_SOURCE = (PostAt, CardOf, UrlOf, FileUrl, SourceState)
"""The questions whose answers follow from what ``Index.by_source`` stands for, and from the settings."""

LazyIndex = Callable[[], Index]
"""The index when it is needed: it holds every post, and often no question is about more than their bodies."""


def post_facts(index: LazyIndex, documents: Records) -> Resolvers:
    """The facts about posts and lists of posts. ``documents`` are the records of ``parse``."""

    def url_of(query: UrlOf) -> Fact:
        post = index().by_path.get(query.path)
        return fact(post.url if post else None)

    def file_url_of(query: FileUrl) -> Fact:
        url = index().attachments.get(query.path)
        return fact(None if url is None else urls.href(url, index().settings.base_url))

    def post_at(query: PostAt) -> Fact:
        known = index().stamps.get(query.path)
        return fact(None) if known is None else Fact(known.post, lambda: index().by_path[query.path])

    def card_of(query: CardOf) -> Fact:
        known = index().stamps.get(query.path)
        return fact(None) if known is None else Fact(known.card, lambda: card(index().by_path[query.path]))

    def links(paths: Sequence[str]) -> Fact:
        return Fact(index().links(paths), lambda: tuple([link(index().by_path[path]) for path in paths]))

    def grouped(query: Grouped) -> Fact:
        members = index().groups.get(query.kind, {}).get(query.slug)
        return fact(None) if members is None else links([post.path for post in members])

    def latest(query: Latest) -> Fact:
        newest = paths()[: query.count]
        return kept_fact(index().cards(newest), lambda: tuple(map(card, index().live.posts[: query.count])))

    def neighbours(query: NeighboursOf) -> Fact:
        found = index()
        if query.path not in found.places:
            return fact(None)
        return Fact(found.neighbours_digest(query.path), lambda: found.neighbours(query.path))

    def paths() -> tuple[str, ...]:
        return index().live.paths

    return {
        **part_facts(index, documents),
        PostAt: post_at,
        CardOf: card_of,
        UrlOf: url_of,
        FileUrl: file_url_of,
        SourceState: lambda query: fact(index().live.states.get(query.path)),
        SimilarNames: lambda query: fact(index().similar_names(query.path)),
        Latest: latest,
        NeighboursOf: neighbours,
        SeriesOf: lambda query: Fact(index().series_digest(query.path), lambda: index().series(query.path)),
        Backlinks: lambda query: links(index().linked_from.get(query.path, ())),
        Groups: lambda query: fact(index().counts(query.kind)),
        Grouped: grouped,
        Archive: lambda query: Fact(index().links(paths()), lambda: index().archive),
        AllPosts: lambda query: links(paths()),
        PostPaths: lambda query: fact(paths()),
        FeedPaths: lambda query: fact(paths()[: index().settings.feed_length]),
    }


PARTS: Mapping[type[Query[Any]], str] = {
    BodyOf: "body",
    HeadingsOf: "headings",
    AnchorsOf: "anchors",
    LinksOf: "links",
    TermsOf: "terms",
    SpellingOf: "spelling",
}
"""The questions that one part of a document answers."""


def part_facts(index: LazyIndex, documents: Records) -> Resolvers:
    def answered_by(part: str) -> Callable[[Any], Fact]:
        return lambda query: documents.fact(query.path, part) if query.path in index().live.urls else fact(None)

    return {kind: answered_by(part) for kind, part in PARTS.items()}


_Row = tuple[
    str,
    str,
    int | None,
    tuple[str, ...],
    tuple[str, ...],
    str | None,
    tuple[str, ...],
    tuple[str, ...],
    bool,
]
Compared = tuple[Digest, tuple[_Row, ...]]
"""Of each post, by path, what a Candidate says but for the digests of its document, and a digest of all that."""


def compared(index: Index) -> Compared:
    """What the ranking of related posts is made from, of each post besides its text."""
    places, wishes, targets, keep_linked = index.places, index.wishes, index.targets, index.settings.related.keep_linked

    def row(path: str) -> _Row:
        post, wished, linked = index.by_path[path], wishes.get(path, _NO_WISHES), targets.get(path, ())
        apart = index.apart.get(path, ())
        pin = tuple([other for other in wished.pin if other in places and other not in apart])
        left_out = {*wished.block, *apart, *(() if keep_linked else linked)}
        return (
            path,
            post.title,
            post.date.toordinal() - _EPOCH if post.date else None,
            tuple([tag.name for tag in post.tags]),
            linked,
            post.series.slug if post.series else None,
            pin,
            tuple(sorted([other for other in left_out if other in places and other not in pin])),
            wished.related,
        )

    rows = tuple(map(row, sorted(index.live.paths)))
    return digest_bytes(marshal.dumps(rows, _PLAIN)), rows


def candidate_facts(known: Callable[[], Compared], documents: Records) -> Resolvers:
    """The fact that the ranking of related posts is made from."""

    def corpus(query: Corpus) -> Fact:
        stands_for, rows = known()
        terms, spelling = documents.digests("terms"), documents.digests("spelling")
        texts = b"".join([terms[path] + spelling[path] for path, *_ in rows])

        def load() -> tuple[Candidate, ...]:
            return tuple(
                [
                    Candidate(
                        path, title, day, terms[path], spelling[path], tags, links, series, pin, block, is_related
                    )
                    for path, title, day, tags, links, series, pin, block, is_related in rows
                ]
            )

        return Fact(digest((stands_for, texts)), load)

    return {Corpus: corpus}


_EPOCH = dt.date(1970, 1, 1).toordinal()

_PLAIN = 2
"""The version of marshal's format in which equal values have equal bytes."""
_NO_WISHES = Wishes()
_NOTHING = digest(None)


def related_facts(index: LazyIndex, rows: Records) -> Resolvers:
    """The facts about related articles. ``rows`` are the records of the related step, a list of relations each."""

    def related_to(query: RelatedTo) -> Fact:
        shown = entries(rows, query.path, query.count, index().settings.related.count)
        return Fact(digest(tuple([each.text for each in shown])), lambda: tuple(chain.from_iterable(shown)))

    def offers_of(query: OffersOf) -> Fact:
        """A page that shows more than others do has what they are told made for it."""
        shown = index().settings.related.count
        if query.path not in rows:
            return fact(())
        if query.count > shown:
            return fact(offers(chain.from_iterable(entries(rows, query.path, query.count, shown))))
        if query.count == shown:
            return rows.fact(query.path, "offers")
        return fact(rows.load(query.path, "offers")[: max(0, query.count)])

    def related_index(query: RelatedIndex) -> Fact:
        posts, published = index().by_path, index().live.urls
        # Lists that are shown until they are worked out anew may be of posts that are gone.
        paths = [path for path in rows if path in published]

        def load() -> tuple[tuple[str, Link, Relations], ...]:
            first = rows.column("first")
            return tuple((path, link(posts[path]), first[path]) for path in paths)

        links = index().links(paths)
        return Fact(digest((tuple(paths), links, rows.digest_of("first"))), load)

    return {RelatedTo: related_to, OffersOf: offers_of, RelatedIndex: related_index}


def page_facts(index: LazyIndex, routes: Callable[[], Routes], files: Iterable[str]) -> Resolvers:
    """The facts about pages. ``files`` are the URL paths of published assets."""

    @cache
    def known() -> frozenset[str]:
        return frozenset((*routes().pages, *index().attachments.values(), *files))

    def listing(query: Listing) -> Fact:
        shown = routes().listings.get(query.url)
        if shown is None:
            return fact(None)
        return Fact(index().cards(shown), lambda: tuple([card(index().by_path[path]) for path in shown]))

    def in_sitemap(query: SitemapUrls) -> Fact:
        dated = _dated(index(), routes())
        return Fact(digest(tuple(chain.from_iterable(dated))), lambda: sitemap(index().settings.base_url, dated))

    return {
        PageAt: lambda query: fact(routes().pages.get(query.url)),
        Listing: listing,
        PublishedUrl: lambda query: fact(query.url in known() or f"{query.url}index.html" in known()),
        SitemapUrls: in_sitemap,
    }


def page_digests(index: Index, routes: Routes) -> dict[str, Digest]:
    """By URL, what stands for a page and for the posts that it lists."""
    shown = routes.listings
    return {
        url: digest((_plainly(page), index.cards(shown[url]))) if url in shown else digest(_plainly(page))
        for url, page in routes.pages.items()
    }


_all_of_page = attrgetter(*(field.name for field in fields(Page)))


def _plainly(page: Page) -> tuple[Any, ...]:
    """A page as a tuple: most of them are scalars, which are digested at once."""
    *scalars, data = _all_of_page(page)
    return (*scalars, data) if data else tuple(scalars)


Dated = Sequence[tuple[str, str]]
"""URLs, and the moment of the last change of each as text; empty where none is known."""


def sitemap(base_url: str, dated: Dated) -> tuple[Link, ...]:
    """Every page for readers, with the day of the last change where one is known."""
    return tuple(
        [Link("", urls.href(url, base_url), dt.datetime.fromisoformat(day) if day else None) for url, day in dated]
    )


def _dated(index: Index, routes: Routes) -> Dated:
    """Every page for readers, in order of URL."""
    moments = {post.path: post.updated or post.date for post in (*index.live.posts, *index.live.pages)}
    found: list[tuple[str, str]] = []
    for url, page in sorted(routes.pages.items()):
        if page.kind in ("feed", "index", "redirect", "error"):
            continue
        paths = (page.subject,) if page.kind in PAGES_OF_POSTS else routes.listings.get(url, ())
        newest = max((moment for path in paths if (moment := moments.get(path)) is not None), default=None)
        found.append((url, newest.isoformat() if newest is not None else ""))
    return found


def shared_names(
    index: Index, metas: Mapping[str, Meta | None], marks: Mapping[str, Sequence[Mark]]
) -> Iterator[Diagnostic]:
    """Tags, authors and series that are written in two ways but have one page."""
    slug_of, groups = cache(slugify), index.live.groups
    for path in index.live.paths:
        meta = metas[path]
        if meta is None:
            continue
        for kind, names in (("tag", meta.tags), ("author", meta.authors), ("series", (meta.series or "",))):
            for number, name in enumerate(names):
                shown = groups[kind, slug_of(name)].name if name else name
                if name != shown:
                    places = {mark.key: mark.span for mark in marks[path]}
                    keys = (f"{kind}s.{number}", f"{kind}s", kind)
                    place = next((places[key] for key in keys if key in places), None)
                    message = f"{name!r} and {shown!r} are one {kind}, shown as {shown!r}"
                    yield warning(path, place, kind, message, f"write {shown!r} everywhere")
