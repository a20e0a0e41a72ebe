"""The build, a straight line: sources -> documents -> what is live -> related -> facts -> pages -> problems.

Nothing here reads or writes a file: inputs come as facts, rendered bytes leave through the sink.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Protocol

from octavo.base import urls
from octavo.base.diagnostics import Diagnostic, error, in_order, warning
from octavo.base.digest import Digest, digest, digest_bytes
from octavo.base.lazy_mapping import LazyMapping
from octavo.base.memory import give_back
from octavo.base.names import ASSETS_FOLDER, CONFIG_FILE, PAGES_OF_POSTS
from octavo.base.shortage import raise_if_shortage
from octavo.content.parse import parse
from octavo.engine.facts import Bases, Basis, Fact, Facts, Query, Revised, fact, kept_fact
from octavo.engine.memo import Change, Mapped, Memo, Records
from octavo.engine.scheduler import Hints
from octavo.engine.worker import Local, PartKey, Sink
from octavo.images.steps import Made, Measured, make_image, measure
from octavo.images.variants import is_image, is_scaled, name_of, social_order, urls_of
from octavo.model.documents import Document, Mark
from octavo.model.images import CardDesign, Order, Picture, SocialCard
from octavo.model.pages import Layout, Output, Page
from octavo.model.queries import (
    AnchorsOf,
    AssetInline,
    AssetText,
    AssetUrl,
    Backlinks,
    BodyOf,
    CardOf,
    Corpus,
    Data,
    DesignOfCards,
    File,
    HeadingsOf,
    LayoutBytes,
    LinksOf,
    Listing,
    NeighboursOf,
    OffersOf,
    OrderOf,
    PageAt,
    PictureAt,
    PictureBytes,
    PostAt,
    RelatedTo,
    SeriesOf,
    Setting,
    Source,
    Template,
    UrlOf,
    WritableFormats,
)
from octavo.model.related import RelatedList
from octavo.model.settings import Settings
from octavo.output.compress import is_there
from octavo.related.rank import relate
from octavo.site.assets import ROOT, Asset, check_hidden, inlined, publish_assets
from octavo.site.build_posts import Live, Moderation
from octavo.site.checks import Checked, Claim, check_cards, check_front_matter, check_links, clashes, page_claim
from octavo.site.extensions.load import Gathered, Script, gather, own_pages, run_check
from octavo.site.lookup import Names
from octavo.site.page_facts import (
    ABOUT_SOURCE,
    PARTS,
    Compared,
    Index,
    Resolvers,
    candidate_facts,
    compared,
    page_digests,
    page_facts,
    post_facts,
    related_facts,
    shared_names,
)
from octavo.site.preferences import check_wishes
from octavo.site.publication import Published, Sources
from octavo.site.routes import Order as RouteOrder
from octavo.site.routes import Routes, of_the_whole, route
from octavo.site.routes import Row as RouteRow
from octavo.templates import csp
from octavo.templates.layout_steps import Linted, lint
from octavo.templates.render import render


@dataclass(frozen=True)
class LayoutFile:
    """A layout of the site (``own``) or of the default theme. ``path`` is what problems call it."""

    path: str
    content: Fact
    own: bool


@dataclass(frozen=True)
class Inputs:
    """All that a site is made from, each file as a fact whose content is read when it is needed.

    ``posts`` and ``files`` are by path relative to the site (sources, and the other files below ``posts/``);
    ``layouts`` and ``assets`` by name; ``file`` finds any file of the site for build.py.
    """

    posts: Mapping[str, Fact]
    files: Mapping[str, Fact]
    layouts: Mapping[str, LayoutFile]
    assets: Mapping[str, Fact]
    file: Callable[[str], Fact]
    settings: Settings
    script: Script
    when: Moderation
    problems: tuple[Diagnostic, ...] = ()


@dataclass(frozen=True)
class Static:
    """A published file that no layout makes: the input it is a copy of, or its content when it was rewritten."""

    digest: Digest
    origin: str
    content: bytes | None = None


@dataclass(frozen=True)
class Built:
    """A site: rendered files by output path with their digests, copied files, images with their digests and the names
    of their orders, and every problem in order."""

    rendered: Mapping[str, Digest]
    statics: Mapping[str, Static]
    ran: Mapping[str, Change]
    parsed: Mapping[str, Change]
    live: Live
    pages: Mapping[str, Page]
    problems: tuple[Diagnostic, ...]
    files_asked: tuple[tuple[str, Digest], ...] = field(default=())
    images: Mapping[str, tuple[Digest, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Known:
    """What is known before any page is made: the documents, which of them are published, and what is related."""

    documents: Mapped
    published: Published
    related: Mapped
    facts: Facts
    assets: Mapping[str, Asset]
    problems: tuple[Diagnostic, ...]
    pictures: Mapping[str, Picture]


def learn(inputs: Inputs, memo: Memo, *, relating: bool = True) -> Known:
    """Read every source and relate what is published. Without ``relating`` the lists of related posts are those of the
    last time: good enough to show at once, not to publish."""
    sources = {path: content.digest for path, content in inputs.posts.items()}
    as_listed = memo.revised("inputs", digest(tuple(sorted(sources.items()))), lambda: sources)
    facts = Facts({**input_facts(inputs), **inputs.script.resolvers()}, {Source: Basis(b"", (as_listed,))})
    documents = memo.map(parse, Document, sorted(inputs.posts), facts, hints=Hints(_to_parse), worth=24)
    records = documents.records
    assets, problems = publish_assets(inputs.assets)
    problems += tuple(check_hidden(inputs.assets, inputs.settings.publish_hidden))
    addresses = {name: asset.url for name, asset in assets.items()}
    images = _image_files(inputs)
    facts = facts.extended({PictureBytes: lambda query: images.get(query.path) or fact(None)})
    measured = memo.map(measure, Measured, sorted(images), facts).records
    pictures: dict[str, Picture] = measured.column("picture") if images else {}
    looks = measured.digest_of("picture")
    by_image = memo.revised("pictures", looks, lambda: {path: measured.digest(path, "picture") for path in measured})
    about_cards: Resolvers = {DesignOfCards: lambda query: _design_of_cards(inputs)}
    facts = facts.extended({**_picture_facts(measured, pictures), **about_cards}, {PictureAt: Basis(b"", (by_image,))})
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
    published = Published(made_from, memo)

    def index() -> Index:
        return published.index

    about_posts = post_facts(index, records)
    by_source = memo.revised("sources", published.digest, lambda: index().by_source())
    bases = dict.fromkeys(about_posts, Basis(published.digest))
    facts = facts.extended(about_posts, {**bases, **_bases_by_source(published, by_source, records, memo)})

    def to_compare() -> Compared:
        return memo.followed("compared", Compared, published.digest, lambda: compared(index()))

    if relating:
        basis = Basis(digest((published.digest, records.digest_of("terms", "spelling"))))
        related = memo.fold(relate, RelatedList, facts.extended(candidate_facts(to_compare, records), {Corpus: basis}))
    else:
        related = memo.left(relate, RelatedList)
    # What was compared to find them is gone, and much; the pages are rendered without it.
    give_back()
    about_related = related_facts(index, related.records)
    listed = Basis(b"", (by_source, related.records))
    facts = facts.extended(about_related, {RelatedTo: listed, OffersOf: listed})
    facts = facts.extended(asset_facts(assets, inputs))
    return Known(documents, published, related, facts, assets, problems, pictures)


def _image_files(inputs: Inputs) -> dict[str, Fact]:
    """The images that pages may show, by path: those beside posts, and assets."""
    found = {path: content for path, content in inputs.files.items() if is_image(path)}
    for name, content in inputs.assets.items():
        if is_image(name) and not name.startswith(ROOT):
            found[ASSETS_FOLDER + name] = content
    return found


def _picture_facts(measured: Records, pictures: Mapping[str, Picture]) -> Resolvers:
    def picture_at(query: PictureAt) -> Fact:
        if query.path not in pictures:
            return fact(None)
        return Fact(measured.digest(query.path, "picture"), lambda: pictures[query.path])

    return {PictureAt: picture_at, WritableFormats: lambda query: fact(_writable())}


def _design_of_cards(inputs: Inputs) -> Fact:
    """How social cards are drawn: with the font that comes with Octavo, or with a file of the site. One that is no font
    draws nothing."""
    from octavo.images import draw_card
    from octavo.images.font_coverage import NoFont

    path = inputs.settings.images.card_font
    font = inputs.file(path) if path else fact(draw_card.shipped())
    name = digest((draw_card.recipe(), font.digest)).hex()

    def design() -> CardDesign:
        try:
            return CardDesign(name, draw_card.drawable(font.load() or b""), path)
        except (NoFont, OSError) as problem:
            raise_if_shortage(problem)
            return CardDesign(name, (), path)

    return kept_fact(digest((name, path)), design)


def _writable() -> tuple[str, ...]:
    """Pillow takes longer to import than most builds: a site without images does without it."""
    from octavo.images.encode import writable_formats

    return writable_formats()


def _bases_by_source(published: Published, by_source: Revised, documents: Records, memo: Memo) -> Bases:
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


class Workshop(Protocol):
    """Where images are kept that were made, by the names of their orders."""

    def digests(self, name: str, order: Order | SocialCard, /) -> Mapping[str, Digest] | None:
        """URL -> digest of each file that is made of an order; None where it has to be made."""
        ...

    def write(self, name: str, data: bytes, /) -> None:
        """Keep what was made. The workshop is a sink for that: it may be sent to another process."""
        ...

    def files(self, paths: Mapping[str, str], /) -> Local:
        """Answers ``OrderedBytes``, given the path of a file for each name."""
        ...


@dataclass(frozen=True)
class Described:
    """A site before any page is rendered: its routes, and the facts that pages ask. ``gathered`` and ``own`` are what
    build.py added, and ``basis`` stands for what the pages are."""

    routes: Routes
    facts: Facts
    gathered: Mapped
    own: Mapped
    basis: Digest


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
    links = memo.map(check_links, Checked, linking, facts, worth=10_000, hints=_to_check_links(documents.records))
    own_layouts = sorted(name for name, layout in inputs.layouts.items() if layout.own)
    linted = memo.map(lint, Linted, own_layouts, facts, worth=2000)
    checks = memo.map(run_check, Gathered, names.get("checks", ()), facts)

    marks = documents.records.digest_of("marks")
    cards = facts.fact(DesignOfCards()) if inputs.settings.images.cards and inputs.settings.base_url else fact(None)
    measured = published.sources.measured
    of_site_basis = digest((site.basis, marks, tuple(sorted(inputs.layouts)), measured, cards.digest))

    def found_of_site() -> tuple[Diagnostic, ...]:
        return tuple(_whole_site(inputs, published, documents.records, site.routes, known.assets, cards.load()))

    of_site = memo.followed("problems", tuple[Diagnostic, ...], of_site_basis, found_of_site)
    yield from inputs.problems
    yield from known.problems
    for step in (documents, site.gathered, site.own, links, linted, checks):
        yield from _problems(step.records)
    yield from of_site


def build(
    inputs: Inputs, memo: Memo, sink: Sink, has: Callable[[str, Digest], bool], workshop: Callable[[], Workshop]
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
        hints=_to_render_all(routes, inputs.settings, known.documents.records, known.related.records),
        worth=100,
        sink=sink,
        sunk="content",
        has=has,
    )
    orders = _orders(outputs.records, index, known.pictures, inputs.settings)
    made, image_problems = _make_images(orders, known, memo, workshop) if orders else ({}, ())
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


def _orders(
    outputs: Records, index: Index, pictures: Mapping[str, Picture], settings: Settings
) -> dict[str, Order | SocialCard]:
    """By name, the images that pages show, and those that links to posts are shown with."""
    found = {order for orders in outputs.unusual("orders").values() for order in orders}
    for post in index.by_path.values() if pictures else ():
        picture = pictures.get(post.cover) if post.cover else None
        if picture is not None and is_scaled(picture, settings.images):
            found.add(social_order(picture))
    return {name_of(order): order for order in found}


def _make_images(
    orders: Mapping[str, Order | SocialCard], known: Known, memo: Memo, workshop: Callable[[], Workshop]
) -> tuple[dict[str, tuple[Digest, str]], tuple[Diagnostic, ...]]:
    """Every variant by output path, and what cannot be made. What is kept from an earlier build is not made again."""
    shop, problems = workshop(), []
    kept = {name: _kept(shop, name, order) for name, order in orders.items()}
    missing = sorted(name for name, found in kept.items() if found is None)
    without = [name for name in known.published.sources.settings.images.formats if name not in _writable()]
    if without:
        message = f"images are not published as {' and '.join(without)}, which this Pillow cannot write"
        problems.append(warning(CONFIG_FILE, None, "image", message, "pip install --upgrade pillow"))
    if missing:
        by_content: dict[Digest, str] = {}
        for path in sorted(known.pictures):
            by_content.setdefault(known.pictures[path].content, path)
        paths = {name: by_content[order.content] for name in missing if isinstance(order := orders[name], Order)}
        facts = known.facts.extended({OrderOf: lambda query: fact(orders.get(query.name))})
        for name, parts in memo.run(make_image, Made, missing, facts, shop.files(paths), shop, "content"):
            if parts["fault"]:
                problems.append(_unmade(orders[name], paths.get(name, ""), parts["fault"]))
            kept[name] = _kept(shop, name, orders[name])
    found = {
        urls.output_path(url): (content, name) for name, files in kept.items() for url, content in (files or {}).items()
    }
    return found, tuple(problems)


def _kept(shop: Workshop, name: str, order: Order | SocialCard) -> Mapping[str, Digest] | None:
    """What is kept of an order, where that is all that was ordered and nothing else: what is kept may be a stranger's,
    and is published under its URLs."""
    found = shop.digests(name, order)
    return found if found is not None and found.keys() == set(urls_of(order)) else None


def _unmade(order: Order | SocialCard, path: str, fault: str) -> Diagnostic:
    if isinstance(order, SocialCard):
        return error(order.font or CONFIG_FILE, None, "image", f"social cards cannot be drawn with it: {fault}")
    hint = "save it anew with a program that can read it"
    return error(path, None, "image", f"the image cannot be decoded: {fault}", hint)


def input_facts(inputs: Inputs) -> Resolvers:
    """The facts that come straight from files and settings."""

    def layout_bytes(query: LayoutBytes) -> Fact:
        layout = inputs.layouts.get(query.name)
        return fact(None) if layout is None else layout.content

    return {
        Source: lambda query: inputs.posts.get(query.path) or fact(None),
        Setting: lambda query: fact(getattr(inputs.settings, query.name)),
        Template: layout_facts(inputs),
        LayoutBytes: layout_bytes,
        File: lambda query: inputs.file(query.path),
    }


def layout_facts(inputs: Inputs) -> Callable[[Template], Fact]:
    """What answers ``Template``."""

    def template(query: Template) -> Fact:
        layout = inputs.layouts.get(query.name)
        if layout is None:
            return fact(None)
        path, content = layout.path, layout.content
        return kept_fact(
            digest((path, content.digest)), lambda: Layout(path, content.load().decode("utf-8-sig", "replace"))
        )

    return template


def asset_facts(assets: Mapping[str, Asset], inputs: Inputs) -> Resolvers:
    base_url = inputs.settings.base_url

    def url(query: AssetUrl) -> Fact:
        asset = assets.get(query.name)
        return fact(None if asset is None else urls.href(asset.url, base_url))

    def text(query: AssetText) -> Fact:
        asset = assets.get(query.name)
        if asset is None:
            return fact(None)
        if asset.content is not None:
            return fact(asset.content.decode("utf-8", "replace"))
        source = inputs.assets[query.name]
        return kept_fact(digest(("text", source.digest)), lambda: source.load().decode("utf-8-sig", "replace"))

    @cache
    def inline(query: AssetInline) -> Fact:
        content = text(AssetText(query.name)).load()
        asset = assets.get(query.name)
        if asset is None or len(content.encode()) > inputs.settings.inline:
            return fact(None)
        return fact(inlined(asset, content, base_url))

    return {AssetUrl: url, AssetText: text, AssetInline: inline}


def _to_parse(path: str) -> Iterator[Query[Any]]:
    yield Source(path)
    for name in ("raw_html", "excerpt", "language"):
        yield Setting(name)


def _to_check_links(documents: Records) -> Hints:
    return Hints(lambda path: (LinksOf(path), AnchorsOf(path)), lambda path: documents.key(path, "links"))


def _to_render_all(routes: Routes, settings: Settings, documents: Records, related: Records) -> Hints:
    def parts(url: str) -> Iterator[PartKey]:
        page = routes.pages[url]
        if page.kind in PAGES_OF_POSTS:
            yield from documents.key(page.subject, "body")
            yield from documents.key(page.subject, "headings")
            yield from related.key(page.subject, "offers")

    alone = of_the_whole(settings)
    return Hints(
        lambda url: _to_render(routes.pages[url], settings, related), parts, alone, lambda url: routes.pages[url].layout
    )


def _to_render(page: Page, settings: Settings, related: Records) -> Iterator[Query[Any]]:
    yield PageAt(page.url)
    if page.kind == "article":
        path = page.subject
        yield from (PostAt(path), BodyOf(path), HeadingsOf(path), UrlOf(path), NeighboursOf(path), SeriesOf(path))
        yield OffersOf(path, settings.related.count)
        if path in related:
            yield from (CardOf(offer.path) for offer in related.load(path, "offers"))
    elif page.kind in ("home", "tag", "author"):
        yield Listing(page.url)


def _problems(records: Records) -> Iterator[Diagnostic]:
    for problems in records.unusual("problems").values():
        yield from problems


def _gathered(records: Records, name: str) -> Fact:
    return records.fact(name, "value") if name in records else fact(None)


def _pages(records: Records) -> Iterator[Page]:
    for name in sorted(records):
        yield from records.load(name, "value") or ()


def _whole_site(
    inputs: Inputs,
    published: Published,
    documents: Records,
    routes: Routes,
    assets: Mapping[str, Asset],
    cards: CardDesign | None,
) -> Iterator[Diagnostic]:
    """The problems that no single file has. ``cards`` is None where there are none."""
    index, metas = published.index, published.sources.metas
    # The places of front matter values are read for the few posts that have a problem.
    marks: LazyMapping[str, tuple[Mark, ...]] = LazyMapping(documents, lambda path: documents.load(path, "marks"))
    layouts = {name for name in inputs.layouts if name.endswith(".html")}
    files = {*index.attachments, *(ASSETS_FOLDER + name for name in assets)}
    pictures = published.sources.pictures
    yield from check_front_matter(index.live, metas, marks, layouts, files, pictures, inputs.settings.raw_html)
    if cards is not None:
        yield from check_cards(index.live, marks, cards, inputs.settings.title)
    yield from check_wishes(index.live, metas, marks, Names(metas, inputs.settings))
    yield from _located(pictures, files)
    yield from shared_names(index, metas, marks)
    yield from clashes(_claims(index, routes, assets), marks)
    for form in inputs.settings.compress:
        if not is_there(form):
            message = f"no compressed copies can be made as {form!r}: the library 'brotli' is not installed"
            yield error(CONFIG_FILE, None, "compress", message, "pip install 'octavo[brotli]'")
    if not inputs.settings.base_url:
        yield warning(
            CONFIG_FILE,
            None,
            "base_url",
            "no base_url is set, so feeds, sitemap and canonical links are left out",
            'write base_url = "https://…" under [tool.octavo], or give --base-url',
        )


def _located(pictures: Mapping[str, Picture], files: Collection[str]) -> Iterator[Diagnostic]:
    """Images that are published as they are and say where they were taken."""
    for path in sorted(pictures):
        if pictures[path].located and path in files:
            message = "the file tells where the photo was taken, and it is published as it is"
            hint = "show it as an image of a post, and link to it nowhere; or take the place out of the file"
            yield warning(path, None, "location", message, hint)


def _claims(index: Index, routes: Routes, assets: Mapping[str, Asset]) -> Iterator[Claim]:
    by_url = {post.url: post.path for post in (*index.live.posts, *index.live.pages)}
    for page in (*routes.pages.values(), *routes.doubles):
        claim = page_claim(page)
        if page.kind == "redirect" and page.subject in by_url:
            path = by_url[page.subject]
            claim = Claim(claim.output, f"the alias '{page.url}' of {path}", path, ("aliases",))
        yield claim
    for path, url in index.attachments.items():
        yield Claim(urls.output_path(url), path, path)
    for asset in assets.values():
        yield Claim(urls.output_path(asset.url), ASSETS_FOLDER + asset.name, ASSETS_FOLDER + asset.name)


def statics(assets: Mapping[str, Asset], attached: Mapping[str, str], inputs: Inputs) -> dict[str, Static]:
    """The files that no layout makes, by output path."""
    found = {
        urls.output_path(asset.url): Static(asset.digest, ASSETS_FOLDER + asset.name, asset.content)
        for asset in assets.values()
    }
    for path, url in attached.items():
        found[urls.output_path(url)] = Static(inputs.files[path].digest, path)
    return found


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
