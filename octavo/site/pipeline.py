"""The build, a straight line: learn, describe, check, render; each stage a function of the one before."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from octavo.base import urls
from octavo.base.diagnostics import Diagnostic, in_order
from octavo.base.digest import Digest, digest, digest_bytes
from octavo.base.memory import give_back
from octavo.content.parse import parse
from octavo.engine.facts import Bases, Basis, Fact, Facts, Revised, fact
from octavo.engine.memo import Memo
from octavo.engine.records import Records
from octavo.engine.scheduler import Hints
from octavo.engine.worker import Sink
from octavo.images.steps import Measured, measure
from octavo.model.documents import Document
from octavo.model.images import Picture
from octavo.model.pages import Output, Page
from octavo.model.queries import (
    Backlinks,
    Corpus,
    Data,
    DesignOfCards,
    File,
    Listing,
    NeighboursOf,
    PageAt,
    PictureAt,
    PictureBytes,
    RelatedSummaries,
    RelatedTo,
    Source,
)
from octavo.model.related import RelatedList
from octavo.model.settings import Settings
from octavo.related.rank import relate
from octavo.site.assets import check_hidden, publish_assets
from octavo.site.build_images import ImageStore, card_design_fact, image_files, image_orders, make_images, picture_facts
from octavo.site.checks import Checked, check_links
from octavo.site.extensions.load import Gathered, gather, own_pages, run_check
from octavo.site.inputs import Inputs, Static, asset_facts, input_facts, statics
from octavo.site.page_facts import (
    ABOUT_SOURCE,
    PARTS,
    CandidateRows,
    Resolvers,
    candidate_facts,
    compared,
    page_digests,
    page_facts,
    post_facts,
    related_facts,
)
from octavo.site.post_index import PostIndex
from octavo.site.prefetch import hints_to_check_links, hints_to_render, queries_to_parse
from octavo.site.problems import find_site_problems
from octavo.site.publication import CachedPublication, Sources
from octavo.site.routes import RouteOrder, RouteRow, Routes, route
from octavo.site.stages import Built, Described, Known
from octavo.templates import csp
from octavo.templates.layout_steps import Linted, lint
from octavo.templates.render import render


def learn(inputs: Inputs, memo: Memo, *, relating: bool = True) -> Known:
    """Read every source and relate what is published. Without ``relating`` the lists of related posts are those of the
    last time: good enough to show at once, not to publish."""
    sources = {path: content.digest for path, content in inputs.posts.items()}
    as_listed = memo.revised("inputs", digest(tuple(sorted(sources.items()))), lambda: sources)
    facts = Facts({**input_facts(inputs), **inputs.script.resolvers()}, {Source: Basis(b"", (as_listed,))})
    documents = memo.map(parse, Document, sorted(inputs.posts), facts, hints=Hints(queries_to_parse), worth=24)
    records = documents.records
    assets, problems = publish_assets(inputs.assets)
    problems += tuple(check_hidden(inputs.assets, inputs.settings.publish_hidden))
    addresses = {name: asset.url for name, asset in assets.items()}
    images = image_files(inputs)
    facts = facts.extended({PictureBytes: lambda query: images.get(query.path) or fact(None)})
    measured = memo.map(measure, Measured, sorted(images), facts).records
    pictures: dict[str, Picture] = measured.column("picture") if images else {}
    looks = measured.digest_of("picture")
    by_image = memo.revised("pictures", looks, lambda: {path: measured.digest(path, "picture") for path in measured})
    about_cards: Resolvers = {DesignOfCards: lambda query: card_design_fact(inputs)}
    facts = facts.extended({**picture_facts(measured, pictures), **about_cards}, {PictureAt: Basis(b"", (by_image,))})
    made_from = Sources(
        records,
        lambda: memo.column(records, "meta"),
        lambda: memo.column_before(records, "meta"),
        inputs.settings,
        inputs.when,
        tuple(inputs.files),
        addresses,
        pictures,
        looks,
    )
    published = CachedPublication(made_from, memo)

    def index() -> PostIndex:
        return published.index

    about_posts = post_facts(index, records)
    by_source = memo.revised("sources", published.digest, lambda: index().by_source())
    bases = dict.fromkeys(about_posts, Basis(published.digest))
    facts = facts.extended(about_posts, {**bases, **_bases_by_source(published, by_source, records, memo)})

    def to_compare() -> CandidateRows:
        return memo.followed("compared", CandidateRows, published.digest, lambda: compared(index()))

    if relating:
        basis = Basis(digest((published.digest, records.digest_of("terms", "spelling"))))
        related = memo.fold(relate, RelatedList, facts.extended(candidate_facts(to_compare, records), {Corpus: basis}))
    else:
        related = memo.left(relate, RelatedList)
    # What was compared to find them is gone, and much; the pages are rendered without it.
    give_back()
    about_related = related_facts(index, related.records)
    listed = Basis(b"", (by_source, related.records))
    facts = facts.extended(about_related, {RelatedTo: listed, RelatedSummaries: listed})
    facts = facts.extended(asset_facts(assets, inputs))
    return Known(documents, published, related, facts, assets, problems, pictures)


def _bases_by_source(published: CachedPublication, by_source: Revised, documents: Records, memo: Memo) -> Bases:
    """What all answers of a kind are made from, of the kinds that are asked about one source at a time."""
    settings = digest(published.sources.settings)
    beside = memo.revised("neighbours", published.digest, lambda: published.index.all_beside())
    backlinks = memo.revised("backlinks", published.digest, lambda: published.index.all_backlinks())
    return {
        **dict.fromkeys(ABOUT_SOURCE, Basis(settings, (by_source,))),
        **dict.fromkeys(PARTS, Basis(b"", (by_source, documents))),
        NeighboursOf: Basis(b"", (beside,)),
        Backlinks: Basis(b"", (backlinks,)),
    }


def describe(inputs: Inputs, memo: Memo, known: Known) -> Described:
    """Which pages there are, and all that they may ask. No page is rendered."""
    facts, published = known.facts, known.published
    names = dict(inputs.script.names)
    gathered = memo.map(gather, Gathered, names.get("data", ()), facts)
    facts = facts.extended({Data: lambda query: _gathered(gathered.records, query.name)})
    own = memo.map(own_pages, Gathered, names.get("pages", ()), facts)

    index = published.index
    aliases = {path: wishes.aliases for path, wishes in index.wishes.items() if wishes.aliases}
    files = tuple(asset.url for asset in known.assets.values())
    basis = digest((published.digest, own.records.digest_of("value"), files))

    def routed() -> Routes:
        kept = memo.recall("routes", RouteOrder, basis)
        rows = memo.shelf("routes", RouteRow, basis)
        if kept is not None and rows is not None:
            return Routes.kept(kept, rows)
        made = route(index.live, aliases, inputs.settings, _pages(own.records))
        memo.shelve("routes", basis, made.rows())
        memo.keep("routes", RouteOrder, basis, made.order())
        return made

    routes = memo.once("routes", basis, routed)
    about_pages = page_facts(lambda: index, lambda: routes, files)
    by_url = Basis(b"", (memo.revised("pages", basis, lambda: page_digests(index, routes)),))
    bases: Bases = {**dict.fromkeys(about_pages, Basis(basis)), PageAt: by_url, Listing: by_url}
    facts = facts.extended(about_pages, bases)
    return Described(routes, facts, gathered, own, basis)


def check(inputs: Inputs, memo: Memo, known: Known, site: Described) -> Iterator[Diagnostic]:
    """Every problem but those of rendering pages and making images."""
    documents, published, facts = known.documents, known.published, site.facts
    index, names = published.index, dict(inputs.script.names)
    linking = sorted(path for path in index.live.urls if documents.records.is_unusual(path, "links"))
    links = memo.map(check_links, Checked, linking, facts, worth=10_000, hints=hints_to_check_links(documents.records))
    own_layouts = sorted(name for name, layout in inputs.layouts.items() if layout.own)
    linted = memo.map(lint, Linted, own_layouts, facts, worth=2000)
    checks = memo.map(run_check, Gathered, names.get("checks", ()), facts)

    marks = documents.records.digest_of("marks")
    cards = facts.fact(DesignOfCards()) if inputs.settings.images.cards and inputs.settings.base_url else fact(None)
    measured = published.sources.measured
    of_site_basis = digest((site.basis, marks, tuple(sorted(inputs.layouts)), measured, cards.digest))

    def found_of_site() -> tuple[Diagnostic, ...]:
        return tuple(find_site_problems(inputs, published, documents.records, site.routes, known.assets, cards.load()))

    of_site = memo.followed("problems", tuple[Diagnostic, ...], of_site_basis, found_of_site)
    yield from inputs.problems
    yield from known.problems
    for step in (documents, site.gathered, site.own, links, linted, checks):
        yield from _problems(step.records)
    yield from of_site


def build(
    inputs: Inputs, memo: Memo, sink: Sink, has: Callable[[str, Digest], bool], workshop: Callable[[], ImageStore]
) -> Built:
    """Make the site. ``sink`` takes the bytes of pages by URL; ``has`` tells whether a page's bytes are published.
    There is a ``workshop`` where there are images to make."""
    known = learn(inputs, memo)
    site = describe(inputs, memo, known)
    index, routes = known.published.index, site.routes
    outputs = memo.map(
        render,
        Output,
        sorted(routes.pages),
        site.facts,
        hints=hints_to_render(routes, inputs.settings, known.documents.records, known.related.records),
        worth=100,
        sink=sink,
        sunk="content",
        has=has,
    )
    orders = image_orders(outputs.records, index, known.pictures, inputs.settings)
    made, image_problems = make_images(orders, known, memo, workshop) if orders else ({}, ())
    problems = (*check(inputs, memo, known, site), *_problems(outputs.records), *image_problems)
    files = statics(known.assets, index.attachments, inputs)
    files |= _headers(outputs.records, inputs.settings, {*files, *map(urls.output_path, routes.pages)})
    return Built(
        rendered={urls.output_path(url): outputs.records.digest(url, "content") for url in routes.pages},
        statics=files,
        images=made,
        ran=outputs.ran,
        parsed=known.documents.ran,
        live=index.live,
        pages=routes.pages,
        problems=in_order(problems),
        files_asked=files_asked(memo, inputs),
    )


def _headers(outputs: Records, settings: Settings, taken: Collection[str]) -> dict[str, Static]:
    """What hosts are to send with the pages; nothing where the site says so, or has a file of its own for that."""
    if settings.csp.at not in ("headers", "both") or HEADERS in taken:
        return {}
    # Most pages need the same: of those that do, one is looked at.
    alike = {outputs.digest(url, "sources"): url for url in outputs}
    needed = [source for url in alike.values() for source in outputs.load(url, "sources")]
    written = csp.policy(needed, settings.csp.allow, urls.origin(settings.base_url))
    content = csp.headers(written, urls.base_path(settings.base_url)).encode()
    return {HEADERS: Static(digest_bytes(content), HEADERS, content)}


HEADERS = "_headers"


def _problems(records: Records) -> Iterator[Diagnostic]:
    for problems in records.unusual("problems").values():
        yield from problems


def _gathered(records: Records, name: str) -> Fact:
    return records.fact(name, "value") if name in records else fact(None)


def _pages(records: Records) -> Iterator[Page]:
    for name in sorted(records):
        yield from records.load(name, "value") or ()


def files_asked(memo: Memo, inputs: Inputs) -> tuple[tuple[str, Digest], ...]:
    """The files that build.py asked for, with the digests it was given, and the font of cards: they are inputs of the
    site as well."""
    names = dict(inputs.script.names)
    steps = (("gather", "data"), ("own_pages", "pages"), ("run_check", "checks"))
    found = {
        (query.path, answer)
        for step, kind in steps
        for name in names.get(kind, ())
        for query, answer in memo.asked(step, name) or ()
        if isinstance(query, File)
    }
    font = inputs.settings.images.card_font
    return tuple(sorted(found | {(font, inputs.file(font).digest)} if font else found))
