"""Documents -> Facts: the answers to every question a page may ask."""

from __future__ import annotations

import datetime as dt
import marshal
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from functools import cache
from itertools import chain
from operator import attrgetter
from typing import Any

from octavo.base import urls
from octavo.base.diagnostics import Diagnostic, warning
from octavo.base.digest import Digest, digest, digest_bytes
from octavo.base.names import POST_PAGE_KINDS
from octavo.base.urls import slugify
from octavo.engine.facts import Fact, Query, Resolver, fact, kept_fact
from octavo.engine.records import Records
from octavo.model.documents import Mark, Meta
from octavo.model.pages import Page
from octavo.model.posts import Link
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
    PageAt,
    PostAt,
    PostPaths,
    PublishedUrl,
    RelatedIndex,
    RelatedSummaries,
    RelatedTo,
    SeriesOf,
    SimilarNames,
    SitemapUrls,
    SourceState,
    SpellingOf,
    TermsOf,
    UrlOf,
)
from octavo.model.related import Candidate, RelationsJson, decode_all
from octavo.related.summaries import summarize_relations
from octavo.site.post_index import PostIndex, make_card, make_link
from octavo.site.preferences import RelatedPreferences
from octavo.site.routes import Routes

Resolvers = dict[type[Query[Any]], Resolver]


def load_relations(rows: Records, path: str, count: int, usual_count: int) -> list[RelationsJson]:
    """The first ``count`` entries of a post's list of related posts.

    They are in the pieces in which they are stored; the first piece has ``usual_count``, as many as pages show. There
    are no pieces where there is no list.
    """
    if path not in rows:
        return []
    pieces: list[RelationsJson] = [rows.load(path, "first").first(count)]
    if count > usual_count:
        pieces.append(rows.load(path, "rest").first(count - usual_count))
    return pieces


SOURCE_QUERIES = (PostAt, CardOf, UrlOf, FileUrl, SourceState)
"""The questions whose answers follow from what ``Index.by_source`` stands for, and from the settings."""

LazyIndex = Callable[[], PostIndex]
"""The index when it is needed: it holds every post, and often no question is about more than their bodies."""


def post_facts(index: LazyIndex, documents: Records) -> Resolvers:
    """The facts about posts and lists of posts.

    ``documents`` are the records of ``parse``.
    """

    def url_of(query: UrlOf) -> Fact:
        post = index().by_path.get(query.path)
        return fact(post.url if post else None)

    def file_url_of(query: FileUrl) -> Fact:
        url = index().attachments.get(query.path)
        return fact(None if url is None else urls.href(url, index().settings.base_url))

    def post_at(query: PostAt) -> Fact:
        stamp = index().stamps.get(query.path)
        return fact(None) if stamp is None else Fact(stamp.post, lambda: index().by_path[query.path])

    def card_of(query: CardOf) -> Fact:
        stamp = index().stamps.get(query.path)
        return fact(None) if stamp is None else Fact(stamp.card, lambda: make_card(index().by_path[query.path]))

    def links(paths: Sequence[str]) -> Fact:
        return Fact(index().digest_links(paths), lambda: tuple([make_link(index().by_path[path]) for path in paths]))

    def grouped(query: Grouped) -> Fact:
        members = index().groups.get(query.kind, {}).get(query.slug)
        return fact(None) if members is None else links([post.path for post in members])

    def latest(query: Latest) -> Fact:
        newest = paths()[: query.count]
        return kept_fact(
            index().digest_cards(newest), lambda: tuple(map(make_card, index().published.posts[: query.count]))
        )

    def neighbours(query: NeighboursOf) -> Fact:
        posts = index()
        if query.path not in posts.places:
            return fact(None)
        return Fact(posts.neighbours_digest(query.path), lambda: posts.neighbours(query.path))

    def paths() -> tuple[str, ...]:
        return index().published.paths

    return {
        **part_facts(index, documents),
        PostAt: post_at,
        CardOf: card_of,
        UrlOf: url_of,
        FileUrl: file_url_of,
        SourceState: lambda query: fact(index().published.states.get(query.path)),
        SimilarNames: lambda query: fact(index().similar_names(query.path)),
        Latest: latest,
        NeighboursOf: neighbours,
        SeriesOf: lambda query: Fact(index().series_digest(query.path), lambda: index().series(query.path)),
        Backlinks: lambda query: links(index().backlinks.get(query.path, ())),
        Groups: lambda query: fact(index().count_groups(query.kind)),
        Grouped: grouped,
        Archive: lambda query: Fact(index().digest_links(paths()), lambda: index().archive),
        AllPosts: lambda query: links(paths()),
        PostPaths: lambda query: fact(paths()),
        FeedPaths: lambda query: fact(paths()[: index().settings.feed_length]),
    }


PART_QUERIES: Mapping[type[Query[Any]], str] = {
    BodyOf: "body",
    HeadingsOf: "headings",
    AnchorsOf: "anchors",
    LinksOf: "links",
    TermsOf: "terms",
    SpellingOf: "spelling",
}
"""The questions that one part of a document answers."""


def part_facts(index: LazyIndex, documents: Records) -> Resolvers:
    """The facts that are one part of a document, of published ones."""

    def answered_by(part: str) -> Callable[[Any], Fact]:
        return lambda query: documents.fact(query.path, part) if query.path in index().published.urls else fact(None)

    return {kind: answered_by(part) for kind, part in PART_QUERIES.items()}


_CandidateRow = tuple[
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
CandidateRows = tuple[Digest, tuple[_CandidateRow, ...]]
"""A digest of the rows; and for each post, by path, what a Candidate says but for the digests of its document."""


def collect_candidates(index: PostIndex) -> CandidateRows:
    """What the ranking of related posts knows of each post besides its text."""
    places, targets, keep_linked = index.places, index.targets, index.settings.related.keep_linked

    def row(path: str) -> _CandidateRow:
        post, linked = index.by_path[path], targets.get(path, ())
        preferences, apart = index.preferences.get(path, _NO_PREFERENCES), index.blocked_both_ways.get(path, ())
        pin = tuple([other for other in preferences.pin if other in places and other not in apart])
        left_out = {*preferences.block, *apart, *(() if keep_linked else linked)}
        return (
            path,
            post.title,
            post.date.toordinal() - _EPOCH if post.date else None,
            tuple([tag.name for tag in post.tags]),
            linked,
            post.series.slug if post.series else None,
            pin,
            tuple(sorted([other for other in left_out if other in places and other not in pin])),
            preferences.related,
        )

    rows = tuple(map(row, sorted(index.published.paths)))
    # Thousands of rows of texts and numbers: marshal writes them at once, where ``digest`` would walk over each value.
    return digest_bytes(marshal.dumps(rows, _PLAIN)), rows


def candidate_facts(candidates: Callable[[], CandidateRows], documents: Records) -> Resolvers:
    """The fact that the ranking of related posts is made from."""

    def corpus(query: Corpus) -> Fact:
        rows_digest, rows = candidates()
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

        return Fact(digest((rows_digest, texts)), load)

    return {Corpus: corpus}


_EPOCH = dt.date(1970, 1, 1).toordinal()

_PLAIN = 2
"""The version of marshal's format in which equal values have equal bytes: later ones mark what is referred to twice."""

_NO_PREFERENCES = RelatedPreferences()


def related_facts(index: LazyIndex, rows: Records) -> Resolvers:
    """The facts about related articles.

    ``rows`` are the records of the related step, a list of relations each.
    """

    def related_to(query: RelatedTo) -> Fact:
        pieces = load_relations(rows, query.path, query.count, index().settings.related.count)
        return Fact(digest(tuple([piece.text for piece in pieces])), lambda: decode_all(pieces))

    def related_summaries(query: RelatedSummaries) -> Fact:
        """The summaries made with the list, or more where a page shows more."""
        usual_count = index().settings.related.count
        if query.path not in rows:
            return fact(())
        if query.count > usual_count:
            return fact(summarize_relations(decode_all(load_relations(rows, query.path, query.count, usual_count))))
        if query.count == usual_count:
            return rows.fact(query.path, "summaries")
        return fact(rows.load(query.path, "summaries")[: max(0, query.count)])

    def related_index(query: RelatedIndex) -> Fact:
        posts, published = index().by_path, index().published.urls
        # Lists that are shown until they are worked out anew may be of posts that are gone.
        paths = [path for path in rows if path in published]

        def load() -> tuple[tuple[str, Link, RelationsJson], ...]:
            first = rows.column("first")
            return tuple((path, make_link(posts[path]), first[path]) for path in paths)

        links = index().digest_links(paths)
        return Fact(digest((tuple(paths), links, rows.digest_of("first"))), load)

    return {RelatedTo: related_to, RelatedSummaries: related_summaries, RelatedIndex: related_index}


def page_facts(index: LazyIndex, routes: Callable[[], Routes], files: Iterable[str]) -> Resolvers:
    """The facts about pages.

    ``files`` are the URL paths of published assets.
    """

    @cache
    def published_urls() -> frozenset[str]:
        return frozenset((*routes().pages, *index().attachments.values(), *files))

    def listing(query: Listing) -> Fact:
        paths = routes().listings.get(query.url)
        if paths is None:
            return fact(None)
        return Fact(index().digest_cards(paths), lambda: tuple([make_card(index().by_path[path]) for path in paths]))

    def in_sitemap(query: SitemapUrls) -> Fact:
        dated = _dated(index(), routes())
        return Fact(digest(tuple(chain.from_iterable(dated))), lambda: sitemap(index().settings.base_url, dated))

    return {
        PageAt: lambda query: fact(routes().pages.get(query.url)),
        Listing: listing,
        PublishedUrl: lambda query: fact(not published_urls().isdisjoint((query.url, f"{query.url}index.html"))),
        SitemapUrls: in_sitemap,
    }


def page_digests(index: PostIndex, routes: Routes) -> dict[str, Digest]:
    """By URL, what stands for a page and for the posts that it lists."""
    listings = routes.listings
    return {
        url: digest((_plainly(page), index.digest_cards(listings[url]))) if url in listings else digest(_plainly(page))
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
    """Every page for readers, with the day of its last change if known."""
    return tuple(
        [Link("", urls.href(url, base_url), dt.datetime.fromisoformat(day) if day else None) for url, day in dated]
    )


def _dated(index: PostIndex, routes: Routes) -> Dated:
    """Every page for readers, in order of URL."""
    moments = {post.path: post.updated or post.date for post in (*index.published.posts, *index.published.pages)}
    dated: list[tuple[str, str]] = []
    for url, page in sorted(routes.pages.items()):
        if page.kind in ("feed", "index", "redirect", "error"):
            continue
        paths = (page.subject,) if page.kind in POST_PAGE_KINDS else routes.listings.get(url, ())
        newest = max((moment for path in paths if (moment := moments.get(path)) is not None), default=None)
        dated.append((url, newest.isoformat() if newest is not None else ""))
    return dated


def find_spelling_variants(
    index: PostIndex, metas: Mapping[str, Meta | None], marks: Mapping[str, Sequence[Mark]]
) -> Iterator[Diagnostic]:
    """Tags, authors and series that are written in two ways but have one page."""
    slug_of, groups = cache(slugify), index.published.groups
    for path in index.published.paths:
        meta = metas[path]
        if meta is None:
            continue
        for kind, names in (("tag", meta.tags), ("author", meta.authors), ("series", (meta.series or "",))):
            for number, name in enumerate(names):
                group_name = groups[kind, slug_of(name)].name if name else name
                if name != group_name:
                    places = {mark.key: mark.span for mark in marks[path]}
                    keys = (f"{kind}s.{number}", f"{kind}s", kind)
                    place = next((places[key] for key in keys if key in places), None)
                    message = f"{name!r} and {group_name!r} are one {kind}, shown as {group_name!r}"
                    yield warning(path, place, kind, message, f"write {group_name!r} everywhere")
