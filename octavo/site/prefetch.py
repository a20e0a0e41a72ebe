"""What a step is going to ask, answered for many items before they run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from octavo.base.names import POST_PAGE_KINDS
from octavo.engine.facts import Query
from octavo.engine.records import Records
from octavo.engine.scheduler import Hints
from octavo.engine.worker import PartKey
from octavo.model.pages import Page
from octavo.model.queries import (
    AnchorsOf,
    BodyOf,
    CardOf,
    HeadingsOf,
    LinksOf,
    Listing,
    NeighboursOf,
    PageAt,
    PostAt,
    RelatedSummaries,
    SeriesOf,
    Setting,
    Source,
    UrlOf,
)
from octavo.model.settings import Settings
from octavo.site.routes import Routes, whole_site_urls


def queries_to_parse(path: str) -> Iterator[Query[Any]]:
    yield Source(path)
    for name in ("raw_html", "excerpt", "language"):
        yield Setting(name)


def hints_to_check_links(documents: Records) -> Hints:
    return Hints(lambda path: (LinksOf(path), AnchorsOf(path)), lambda path: documents.key(path, "links"))


def hints_to_render(routes: Routes, settings: Settings, documents: Records, related: Records) -> Hints:
    def parts(url: str) -> Iterator[PartKey]:
        page = routes.pages[url]
        if page.kind in POST_PAGE_KINDS:
            yield from documents.key(page.subject, "body")
            yield from documents.key(page.subject, "headings")
            yield from related.key(page.subject, "summaries")

    alone = whole_site_urls(settings)
    return Hints(
        lambda url: _queries_to_render(routes.pages[url], settings, related),
        parts,
        alone,
        lambda url: routes.pages[url].layout,
    )


def _queries_to_render(page: Page, settings: Settings, related: Records) -> Iterator[Query[Any]]:
    yield PageAt(page.url)
    if page.kind == "article":
        path = page.subject
        yield from (PostAt(path), BodyOf(path), HeadingsOf(path), UrlOf(path), NeighboursOf(path), SeriesOf(path))
        yield RelatedSummaries(path, settings.related.count)
        if path in related:
            yield from (CardOf(offer.path) for offer in related.load(path, "summaries"))
    elif page.kind in ("home", "tag", "author"):
        yield Listing(page.url)
