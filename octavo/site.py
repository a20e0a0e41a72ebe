"""Documents -> Facts: the answers to every question a page may ask."""

from __future__ import annotations

import datetime as dt
import marshal
import posixpath
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from difflib import get_close_matches
from functools import cache, cached_property
from itertools import chain
from operator import attrgetter
from typing import Any

from octavo import urls
from octavo.diagnostic import Diagnostic, warning
from octavo.digest import SIZE, Digest, digest, digest_bytes
from octavo.facts import Fact, Query, Resolver, fact, kept_fact
from octavo.live import Live, file_url, folder_of, group_url, image_path
from octavo.memo import Records
from octavo.model import (
    Candidate,
    Card,
    GroupCount,
    Link,
    Mark,
    Meta,
    Neighbours,
    Page,
    Post,
    Relations,
    Series,
    Settings,
    Year,
)
from octavo.offers import offers
from octavo.queries import (
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
from octavo.routes import Routes
from octavo.slug import slugify
from octavo.wishes import Wishes

Resolvers = dict[type[Query[Any]], Resolver]


@dataclass(frozen=True, slots=True)
class Stamp:
    """The digests of a post, of its card and of a link to it: answers about lists of posts are known by these.
    ``source`` stands for its document and the settings."""

    source: bytes
    post: Digest
    card: Digest
    link: Digest


def stamp(source: bytes, post: Post, known: Post | None, stamped: Stamp | None) -> Stamp:
    """The stamp of a post. That of the post ``known`` before serves again where both come from the same source: posts
    that are equal may still be written in two ways, such as a moment in two zones."""
    if stamped is not None and stamped.source == source and (known is post or known == post):
        return stamped
    return Stamp(source, digest(post), digest(card(post)), digest(link(post)))


class Index:
    """The published posts, looked at from each side that a page asks about. Nothing here changes once it is made."""

    def __init__(
        self,
        live: Live,
        targets: Mapping[str, tuple[str, ...]],
        attachments: Mapping[str, str],
        wishes: Mapping[str, Wishes],
        settings: Settings,
        stamps: Mapping[str, Stamp],
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

    @cached_property
    def by_path(self) -> dict[str, Post]:
        return {post.path: post for post in (*self.live.posts, *self.live.pages)}

    def links(self, posts: Iterable[Post]) -> Digest:
        """Stands for the links to some posts."""
        stamps = self.stamps
        return digest_bytes(b"".join([stamps[post.path].link for post in posts]))

    def cards(self, posts: Iterable[Post]) -> Digest:
        """Stands for the cards of some posts."""
        stamps = self.stamps
        return digest_bytes(b"".join([stamps[post.path].card for post in posts]))

    def by_source(self) -> dict[str, Digest]:
        """What stands for all that is known of each file below ``posts/`` on its own."""
        found = {path: digest(state) for path, state in self.live.states.items()}
        found.update((path, stamp.post) for path, stamp in self.stamps.items())
        found.update((path, digest(url)) for path, url in self.attachments.items())
        return found

    @cached_property
    def places(self) -> dict[str, int]:
        """Source path -> its place among the posts, newest first."""
        return {post.path: place for place, post in enumerate(self.live.posts)}

    def beside(self, path: str) -> tuple[Post | None, Post | None]:
        """The posts published just before and just after one."""
        place = self.places.get(path)
        if place is None:
            return None, None
        posts = self.live.posts
        return posts[place + 1] if place + 1 < len(posts) else None, posts[place - 1] if place else None

    def neighbours(self, path: str) -> Neighbours:
        older, newer = self.beside(path)
        return Neighbours(link(older) if older else None, link(newer) if newer else None)

    def all_beside(self) -> dict[str, Digest]:
        return {path: self.neighbours_digest(path) for path in self.places}

    def neighbours_digest(self, path: str) -> Digest:
        stamps = self.stamps
        return digest_bytes(b"".join([stamps[post.path].link if post else bytes(SIZE) for post in self.beside(path)]))

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

    @cached_property
    def names(self) -> dict[tuple[str, str], str]:
        return {
            (kind, group.slug): group.name
            for post in self.live.posts
            for kind, groups in (("tag", post.tags), ("author", post.authors), ("series", (post.series,)))
            for group in groups
            if group is not None
        }

    def counts(self, kind: str) -> tuple[GroupCount, ...]:
        base_url = self.settings.base_url
        counts = [
            GroupCount(
                self.names[kind, slug],
                slug,
                urls.href(group_url(kind, slug, self.settings), base_url),
                len(posts),
            )
            for slug, posts in self.groups.get(kind, {}).items()
        ]
        return tuple(sorted(counts, key=lambda count: (count.name.casefold(), count.slug)))

    def series(self, path: str) -> Series | None:
        post = self.by_path.get(path)
        if post is None or post.series is None:
            return None
        parts = list(reversed(self.groups["series"].get(post.series.slug, [])))
        position = next((n for n, part in enumerate(parts, 1) if part.path == path), None)
        if position is None:
            return None
        return Series(post.series.name, post.series.url, position, tuple(link(part) for part in parts))

    def all_backlinks(self) -> dict[str, Digest]:
        return {path: self.links(posts) for path, posts in self.linked_from.items()}

    @cached_property
    def linked_from(self) -> dict[str, list[Post]]:
        found: dict[str, list[Post]] = {}
        for post in self.live.posts:
            for target in self.targets.get(post.path, ()):
                found.setdefault(target, []).append(post)
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
    for post in (*live.posts, *live.pages):
        meta = metas[post.path]
        if meta is None:
            continue
        folder = folder_of(post.path)
        if folder is not None:
            folders[folder] = live.urls[post.path]
        asked.update(wanted.get(post.path, ()))
        pictured.update(shown.get(post.path, ()))
        image = image_path(post.path, meta)
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
        post = index().by_path.get(query.path)
        return fact(None) if post is None else Fact(index().stamps[query.path].post, lambda: post)

    def card_of(query: CardOf) -> Fact:
        post = index().by_path.get(query.path)
        return fact(None) if post is None else Fact(index().stamps[query.path].card, lambda: card(post))

    def links(posts: Sequence[Post]) -> Fact:
        return Fact(index().links(posts), lambda: tuple(map(link, posts)))

    def grouped(query: Grouped) -> Fact:
        members = index().groups.get(query.kind, {}).get(query.slug)
        return fact(None) if members is None else links(members)

    def latest(query: Latest) -> Fact:
        newest = posts()[: query.count]
        return kept_fact(index().cards(newest), lambda: tuple(map(card, newest)))

    def neighbours(query: NeighboursOf) -> Fact:
        found = index()
        if query.path not in found.places:
            return fact(None)
        return Fact(found.neighbours_digest(query.path), lambda: found.neighbours(query.path))

    def posts() -> tuple[Post, ...]:
        return index().live.posts

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
        SeriesOf: lambda query: fact(index().series(query.path)),
        Backlinks: lambda query: links(index().linked_from.get(query.path, ())),
        Groups: lambda query: fact(index().counts(query.kind)),
        Grouped: grouped,
        Archive: lambda query: Fact(index().links(posts()), lambda: index().archive),
        AllPosts: lambda query: links(posts()),
        PostPaths: lambda query: fact(tuple(post.path for post in posts())),
        FeedPaths: lambda query: fact(tuple(post.path for post in posts()[: index().settings.feed_length])),
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
        return lambda query: documents.fact(query.path, part) if query.path in index().by_path else fact(None)

    return {kind: answered_by(part) for kind, part in PARTS.items()}


def candidate_facts(index: LazyIndex, documents: Records) -> Resolvers:
    """The fact that the ranking of related posts is made from."""

    def candidate(post: Post) -> Candidate:
        found = index()
        wished, linked = found.wishes.get(post.path, _NO_WISHES), found.targets.get(post.path, ())
        apart = found.apart.get(post.path, set())
        pin = tuple(path for path in wished.pin if path in found.places and path not in apart)
        left_out = {*wished.block, *apart, *(() if found.settings.related.keep_linked else linked)}
        return Candidate(
            path=post.path,
            title=post.title,
            day=post.date.toordinal() - _EPOCH if post.date else None,
            terms=documents.digest(post.path, "terms"),
            spelling=documents.digest(post.path, "spelling"),
            tags=tuple(tag.name for tag in post.tags),
            links=linked,
            series=post.series.slug if post.series else None,
            pin=pin,
            block=tuple(sorted(path for path in left_out if path in found.places and path not in pin)),
            related=wished.related,
        )

    def corpus(query: Corpus) -> Fact:
        found = tuple(map(candidate, sorted(index().live.posts, key=lambda post: post.path)))
        return Fact(digest(marshal.dumps(list(map(_all_of_it, found)), _PLAIN)), lambda: found)

    return {Corpus: corpus}


_EPOCH = dt.date(1970, 1, 1).toordinal()
_all_of_it = attrgetter(*(field.name for field in fields(Candidate)))

_PLAIN = 2
"""The version of marshal's format in which equal values have equal bytes."""
_NO_WISHES = Wishes()


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
        posts = index().by_path
        # Lists that are shown until they are worked out anew may be of posts that are gone.
        paths = sorted(path for path in rows if path in posts)

        def load() -> tuple[tuple[str, Link, Relations], ...]:
            first = rows.column("first")
            return tuple((path, link(posts[path]), first[path]) for path in paths)

        links = index().links([posts[path] for path in paths])
        return Fact(digest((tuple(paths), links, rows.digest_of("first"))), load)

    return {RelatedTo: related_to, OffersOf: offers_of, RelatedIndex: related_index}


def page_facts(index: LazyIndex, routes: Callable[[], Routes], files: Iterable[str]) -> Resolvers:
    """The facts about pages. ``files`` are the URL paths of published assets."""

    @cache
    def known() -> frozenset[str]:
        return frozenset((*routes().pages, *index().attachments.values(), *files))

    def listing(query: Listing) -> Fact:
        shown = routes().listings.get(query.url)
        return fact(None) if shown is None else Fact(index().cards(shown), lambda: tuple(map(card, shown)))

    def in_sitemap(links: tuple[Link, ...]) -> Fact:
        moments = [link.date.isoformat() if link.date else "" for link in links]
        return Fact(digest(tuple(chain((link.url for link in links), moments))), lambda: links)

    return {
        PageAt: lambda query: fact(routes().pages.get(query.url)),
        Listing: listing,
        PublishedUrl: lambda query: fact(query.url in known() or f"{query.url}index.html" in known()),
        SitemapUrls: lambda query: in_sitemap(sitemap(index(), routes())),
    }


def page_digests(index: Index, routes: Routes) -> dict[str, Digest]:
    """By URL, what stands for a page and for the posts that it lists."""
    shown = routes.listings
    return {
        url: digest((_plainly(page), index.cards(shown[url]))) if url in shown else digest(_plainly(page))
        for url, page in routes.pages.items()
    }


def _plainly(page: Page) -> tuple[Any, ...]:
    """A page as a tuple: most of them are scalars, which are digested at once."""
    *scalars, data = _all_of_page(page)
    return (*scalars, data) if data else tuple(scalars)


_all_of_page = attrgetter(*(field.name for field in fields(Page)))


def sitemap(index: Index, routes: Routes) -> tuple[Link, ...]:
    """Every page for readers, with the day of the last change where one is known."""
    base_url = index.settings.base_url
    links = []
    for page in sorted(routes.pages.values(), key=lambda page: page.url):
        if page.kind in ("feed", "index", "redirect", "error"):
            continue
        links.append(Link("", urls.href(page.url, base_url), _changed(index, routes, page)))
    return tuple(links)


def _changed(index: Index, routes: Routes, page: Page) -> dt.datetime | None:
    posts = routes.listings.get(page.url, ())
    if page.kind in ("article", "page") and page.subject in index.by_path:
        posts = (index.by_path[page.subject],)
    moments = [post.updated or post.date for post in posts]
    return max((moment for moment in moments if moment is not None), default=None)


def shared_names(
    index: Index, metas: Mapping[str, Meta | None], marks: Mapping[str, Sequence[Mark]]
) -> Iterator[Diagnostic]:
    """Tags, authors and series that are written in two ways but have one page."""
    for post in index.live.posts:
        meta = metas[post.path]
        if meta is None:
            continue
        written = [("tag", f"tags.{number}", name) for number, name in enumerate(meta.tags)]
        written += [("author", f"authors.{number}", name) for number, name in enumerate(meta.authors)]
        written += [("series", "series", meta.series)] if meta.series else []
        for kind, key, name in written:
            shown = index.names[kind, slugify(name)]
            if name != shown:
                places = {mark.key: mark.span for mark in marks[post.path]}
                place = places.get(key) or places.get(key.split(".")[0]) or places.get("author")
                message = f"{name!r} and {shown!r} are one {kind}, shown as {shown!r}"
                yield warning(post.path, place, kind, message, f"write {shown!r} everywhere")
