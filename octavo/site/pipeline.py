"""The build, from top to bottom: learn, describe, render, check.

Each stage is a function of the one before: ``learn`` takes the inputs, and a preview stops short of ``build``. What a
stage hands on is in ``stages``, and each runs its steps through the memo, which runs only those whose answers changed.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator

from octavo.base import urls
from octavo.base.diagnostics import Diagnostic, sort_problems
from octavo.base.digest import Digest, digest, digest_bytes
from octavo.base.memory import release_memory
from octavo.content.parse import parse
from octavo.engine.facts import Bases, Basis, Fact, Facts, Revised, fact
from octavo.engine.memo import Memo
from octavo.engine.records import Mapped, Records
from octavo.engine.scheduler import Hints
from octavo.engine.worker import Sink
from octavo.images.steps import ProbedImage, measure
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
from octavo.site.checks import LinkCheck, check_links
from octavo.site.extensions.load import FunctionResult, gather, own_pages, run_check
from octavo.site.inputs import Inputs, StaticOutput, asset_facts, collect_static_outputs, input_facts
from octavo.site.page_facts import (
    PART_QUERIES,
    SOURCE_QUERIES,
    CandidateRows,
    Resolvers,
    candidate_facts,
    collect_candidates,
    page_digests,
    page_facts,
    post_facts,
    related_facts,
)
from octavo.site.post_index import PostIndex
from octavo.site.prefetch import hints_to_check_links, hints_to_render, queries_to_parse
from octavo.site.problems import find_site_problems
from octavo.site.publication import CachedPublication, PublicationSources
from octavo.site.routes import RouteOrder, RouteRow, Routes, route
from octavo.site.stages import BuiltSite, DescribedSite, LearnedSite
from octavo.templates import csp
from octavo.templates.layout_steps import LintResult, lint
from octavo.templates.render import render


def build(
    inputs: Inputs, memo: Memo, sink: Sink, has: Callable[[str, Digest], bool], open_store: Callable[[], ImageStore]
) -> BuiltSite:
    """Make the site.

    ``sink`` takes the bytes of pages by URL; ``has`` tells whether a page's bytes are published. The image store is
    opened where there are images to make.
    """
    learned = learn(inputs, memo)
    site = describe(inputs, memo, learned)
    pages = _render(inputs, memo, learned, site, sink, has)
    index, routes, outputs = learned.publication.index, site.routes, pages.records
    orders = image_orders(outputs, index, learned.pictures, inputs.settings)
    images, image_problems = make_images(orders, learned, memo, open_store) if orders else ({}, ())
    problems = (*check(inputs, memo, learned, site), *_problems(outputs), *image_problems)
    files = collect_static_outputs(learned.assets, index.attachments, inputs)
    files |= _headers(outputs, inputs.settings, {*files, *map(urls.output_path, routes.pages)})
    return BuiltSite(
        rendered={urls.output_path(url): outputs.digest(url, "content") for url in routes.pages},
        statics=files,
        images=images,
        page_changes=pages.ran,
        source_changes=learned.documents.ran,
        published=index.published,
        pages=routes.pages,
        problems=sort_problems(problems),
        files_asked=files_asked(memo, inputs),
    )


# Learn: what the sources say, which of them are published, and what is related.


def learn(inputs: Inputs, memo: Memo, *, relating: bool = True) -> LearnedSite:
    """Read every source and relate what is published.

    Without ``relating`` the lists of related posts are those of the last time: good enough to show at once, not to
    publish.
    """
    facts, documents = _read_documents(inputs, memo)
    records = documents.records
    assets, problems = publish_assets(inputs.assets)
    problems += tuple(check_hidden(inputs.assets, inputs.settings.publish_hidden))
    facts, measured, pictures = _measure_images(inputs, memo, facts)
    publication_sources = PublicationSources(
        records,
        lambda: memo.column(records, "meta"),
        lambda: memo.column_before(records, "meta"),
        inputs.settings,
        inputs.policy,
        tuple(inputs.files),
        {name: asset.url for name, asset in assets.items()},
        pictures,
        measured.digest_of("picture"),
    )
    published = CachedPublication(publication_sources, memo)
    by_source = memo.revised("sources", published.digest, lambda: published.index.source_digests())
    facts = _with_post_facts(facts, published, by_source, records, memo)
    related = _relate(facts, published, records, memo) if relating else memo.left(relate, RelatedList)
    # What was compared to find them is gone, and much; the pages are rendered without it.
    release_memory()
    about_related = related_facts(lambda: published.index, related.records)
    listed = Basis(b"", (by_source, related.records))
    facts = facts.extended(about_related, {RelatedTo: listed, RelatedSummaries: listed})
    # Added last: documents and related posts follow from the sources alone, so no step above can ask about assets.
    facts = facts.extended(asset_facts(assets, inputs))
    return LearnedSite(documents, published, related, facts, assets, problems, pictures)


def _read_documents(inputs: Inputs, memo: Memo) -> tuple[Facts, Mapped]:
    """The facts about files and settings, and the documents that the sources give."""
    sources = {path: content.digest for path, content in inputs.posts.items()}
    revised = memo.revised("inputs", digest(tuple(sorted(sources.items()))), lambda: sources)
    facts = Facts({**input_facts(inputs), **inputs.script.resolvers()}, {Source: Basis(b"", (revised,))})
    return facts, memo.map(parse, Document, sorted(inputs.posts), facts, hints=Hints(queries_to_parse), worth=24)


def _measure_images(inputs: Inputs, memo: Memo, facts: Facts) -> tuple[Facts, Records, dict[str, Picture]]:
    """With the facts about images: how large each is, and how social cards are drawn."""
    images = image_files(inputs)
    facts = facts.extended({PictureBytes: lambda query: images.get(query.path) or fact(None)})
    measured = memo.map(measure, ProbedImage, sorted(images), facts).records
    pictures: dict[str, Picture] = measured.column("picture") if images else {}
    pictures_digest = measured.digest_of("picture")
    by_image = memo.revised(
        "pictures", pictures_digest, lambda: {path: measured.digest(path, "picture") for path in measured}
    )
    about_cards: Resolvers = {DesignOfCards: lambda query: card_design_fact(inputs)}
    facts = facts.extended({**picture_facts(measured, pictures), **about_cards}, {PictureAt: Basis(b"", (by_image,))})
    return facts, measured, pictures


def _with_post_facts(
    facts: Facts, published: CachedPublication, by_source: Revised, documents: Records, memo: Memo
) -> Facts:
    # The index is made when the first question needs it, which may be never: it holds every post.
    about_posts = post_facts(lambda: published.index, documents)
    bases = dict.fromkeys(about_posts, Basis(published.digest))
    return facts.extended(about_posts, {**bases, **_bases_by_source(published, by_source, documents, memo)})


def _bases_by_source(published: CachedPublication, by_source: Revised, documents: Records, memo: Memo) -> Bases:
    """What all answers of a kind are made from.

    The kinds are those that are asked about one source at a time.
    """
    settings = digest(published.sources.settings)
    beside = memo.revised("neighbours", published.digest, lambda: published.index.neighbour_digests())
    backlinks = memo.revised("backlinks", published.digest, lambda: published.index.backlink_digests())
    return {
        **dict.fromkeys(SOURCE_QUERIES, Basis(settings, (by_source,))),
        **dict.fromkeys(PART_QUERIES, Basis(b"", (by_source, documents))),
        NeighboursOf: Basis(b"", (beside,)),
        Backlinks: Basis(b"", (backlinks,)),
    }


def _relate(facts: Facts, published: CachedPublication, documents: Records, memo: Memo) -> Mapped:
    """Make the lists of related posts."""

    def candidates() -> CandidateRows:
        return memo.followed("compared", CandidateRows, published.digest, lambda: collect_candidates(published.index))

    basis = Basis(digest((published.digest, documents.digest_of("terms", "spelling"))))
    return memo.fold(relate, RelatedList, facts.extended(candidate_facts(candidates, documents), {Corpus: basis}))


# Describe: which pages there are, and what they may ask.


def describe(inputs: Inputs, memo: Memo, learned: LearnedSite) -> DescribedSite:
    """Decide which pages there are, and all that they may ask.

    No page is rendered.
    """
    facts, published = learned.facts, learned.publication
    names = dict(inputs.script.names)
    gathered = memo.map(gather, FunctionResult, names.get("data", ()), facts)
    facts = facts.extended({Data: lambda query: _gathered(gathered.records, query.name)})
    own = memo.map(own_pages, FunctionResult, names.get("pages", ()), facts)

    index = published.index
    files = tuple(asset.url for asset in learned.assets.values())
    basis = digest((published.digest, own.records.digest_of("value"), files))
    routes = memo.once("routes", basis, lambda: _find_routes(inputs, memo, index, own.records, basis))
    about_pages = page_facts(lambda: index, lambda: routes, files)
    by_url = Basis(b"", (memo.revised("pages", basis, lambda: page_digests(index, routes)),))
    bases: Bases = {**dict.fromkeys(about_pages, Basis(basis)), PageAt: by_url, Listing: by_url}
    facts = facts.extended(about_pages, bases)
    return DescribedSite(routes, facts, gathered, own, basis)


def _find_routes(inputs: Inputs, memo: Memo, index: PostIndex, own: Records, basis: Digest) -> Routes:
    """The routes of an earlier build where their ``basis`` is the same, else new ones."""
    order = memo.recall("routes", RouteOrder, basis)
    rows = memo.shelf("routes", RouteRow, basis)
    if order is not None and rows is not None:
        return Routes.restore(order, rows)
    aliases = {path: each.aliases for path, each in index.preferences.items() if each.aliases}
    routes = route(index.published, aliases, inputs.settings, _pages(own))
    memo.shelve("routes", basis, routes.rows())
    memo.keep("routes", RouteOrder, basis, routes.order())
    return routes


def _gathered(records: Records, name: str) -> Fact:
    return records.fact(name, "value") if name in records else fact(None)


def _pages(records: Records) -> Iterator[Page]:
    for name in sorted(records):
        yield from records.load(name, "value") or ()


# Render: the pages, and what hosts are to send with them.


def _render(
    inputs: Inputs,
    memo: Memo,
    learned: LearnedSite,
    site: DescribedSite,
    sink: Sink,
    has: Callable[[str, Digest], bool],
) -> Mapped:
    hints = hints_to_render(site.routes, inputs.settings, learned.documents.records, learned.related.records)
    pages = sorted(site.routes.pages)
    return memo.map(render, Output, pages, site.facts, hints=hints, worth=100, sink=sink, sunk="content", has=has)


HEADERS = "_headers"


def _headers(outputs: Records, settings: Settings, taken: Collection[str]) -> dict[str, StaticOutput]:
    """What hosts are to send with the pages.

    Nothing where the site says so, or has a file of its own for that.
    """
    if settings.csp.at not in ("headers", "both") or HEADERS in taken:
        return {}
    # Most pages need the same: of those that do, one is looked at.
    examples = {outputs.digest(url, "sources"): url for url in outputs}
    sources = [source for url in examples.values() for source in outputs.load(url, "sources")]
    policy = csp.make_policy(sources, settings.csp.allow, urls.origin(settings.base_url))
    content = csp.headers_text(policy, urls.base_path(settings.base_url)).encode()
    return {HEADERS: StaticOutput(digest_bytes(content), HEADERS, content)}


# Check: what is wrong, and which files were asked for besides.


def check(inputs: Inputs, memo: Memo, learned: LearnedSite, site: DescribedSite) -> Iterator[Diagnostic]:
    """Find every problem but those of rendering pages and making images.

    Nothing is checked until what this gives is iterated, so do that before the memo is finished.
    """
    documents, published, facts = learned.documents, learned.publication, site.facts
    index, names = published.index, dict(inputs.script.names)
    linking = sorted(path for path in index.published.urls if documents.records.is_non_default(path, "links"))
    links = memo.map(
        check_links, LinkCheck, linking, facts, worth=10_000, hints=hints_to_check_links(documents.records)
    )
    own_layouts = sorted(name for name, layout in inputs.layouts.items() if layout.own)
    linted = memo.map(lint, LintResult, own_layouts, facts, worth=2000)
    checks = memo.map(run_check, FunctionResult, names.get("checks", ()), facts)

    marks = documents.records.digest_of("marks")
    cards = facts.fact(DesignOfCards()) if inputs.settings.images.cards and inputs.settings.base_url else fact(None)
    measured = published.sources.measured
    of_site_basis = digest((site.basis, marks, tuple(sorted(inputs.layouts)), measured, cards.digest))

    def find_problems() -> tuple[Diagnostic, ...]:
        return tuple(
            find_site_problems(inputs, published, documents.records, site.routes, learned.assets, cards.load())
        )

    of_site = memo.followed("problems", tuple[Diagnostic, ...], of_site_basis, find_problems)
    yield from inputs.problems
    yield from learned.problems
    for step in (documents, site.script_data, site.script_pages, links, linted, checks):
        yield from _problems(step.records)
    yield from of_site


def _problems(records: Records) -> Iterator[Diagnostic]:
    for problems in records.non_default("problems").values():
        yield from problems


def files_asked(memo: Memo, inputs: Inputs) -> tuple[tuple[str, Digest], ...]:
    """The files that build.py asked for, and the font of cards.

    They have the digests that were answered, for they are inputs of the site as well.
    """
    names = dict(inputs.script.names)
    # The memo keeps the runs of a step under the name of its function.
    steps = (("gather", "data"), ("own_pages", "pages"), ("run_check", "checks"))
    files = {
        (query.path, answer)
        for step, kind in steps
        for name in names.get(kind, ())
        for query, answer in memo.asked(step, name) or ()
        if isinstance(query, File)
    }
    font = inputs.settings.images.card_font
    return tuple(sorted(files | {(font, inputs.file(font).digest)} if font else files))
