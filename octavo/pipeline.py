"""The build, a straight line: sources -> documents -> what is live -> related -> facts -> pages -> problems.

Nothing here reads or writes a file: inputs come as facts, rendered bytes leave through the sink.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from octavo import urls
from octavo.assets import Asset, publish_assets
from octavo.batch import PartKey, Sink
from octavo.checks import Checked, Claim, check_front_matter, check_links, clashes, page_claim
from octavo.compiled import Compiled, compile_layout
from octavo.diagnostic import Diagnostic, in_order, warning
from octavo.digest import Digest, digest
from octavo.dispatch import Hints
from octavo.extend import Gathered, Script, gather, own_pages, run_check
from octavo.facts import Bases, Basis, Fact, Facts, Query, Revised, fact, kept_fact
from octavo.lint import Linted, lint
from octavo.live import Live, Moderation
from octavo.memo import Change, Mapped, Memo, Records
from octavo.model import Document, Layout, Mark, Output, Page, RelatedList, Settings
from octavo.parse import parse
from octavo.published import Published, Sources
from octavo.queries import (
    AnchorsOf,
    AssetText,
    AssetUrl,
    Backlinks,
    BodyOf,
    CardOf,
    Corpus,
    Data,
    File,
    HeadingsOf,
    LayoutBytes,
    LinksOf,
    Listing,
    NeighboursOf,
    PageAt,
    PostAt,
    RelatedTo,
    SeriesOf,
    Setting,
    Source,
    Template,
    UrlOf,
)
from octavo.related import relate
from octavo.render import render
from octavo.routes import Routes, route
from octavo.site import (
    ABOUT_SOURCE,
    PARTS,
    Index,
    Resolvers,
    candidate_facts,
    entries,
    page_digests,
    page_facts,
    post_facts,
    related_facts,
    shared_names,
)


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
    """A site: rendered files by output path with their digests, copied files, and every problem in order."""

    rendered: Mapping[str, Digest]
    statics: Mapping[str, Static]
    ran: Mapping[str, Change]
    parsed: Mapping[str, Change]
    live: Live
    pages: Mapping[str, Page]
    problems: tuple[Diagnostic, ...]
    files_asked: tuple[tuple[str, Digest], ...] = field(default=())


@dataclass(frozen=True)
class Known:
    """What is known before any page is made: the documents, which of them are published, and what is related."""

    documents: Mapped
    published: Published
    related: Mapped
    facts: Facts
    assets: Mapping[str, Asset]
    problems: tuple[Diagnostic, ...]


def learn(inputs: Inputs, memo: Memo) -> Known:
    """Read every source and relate what is published."""
    facts = Facts({**input_facts(inputs), **inputs.script.resolvers()})
    documents = memo.map(parse, Document, sorted(inputs.posts), facts, hints=Hints(_to_parse), worth=24)
    records = documents.records
    assets, problems = publish_assets(inputs.assets)
    addresses = {name: asset.url for name, asset in assets.items()}
    published = Published(Sources(records, inputs.settings, inputs.when, tuple(inputs.files), addresses), memo)

    def index() -> Index:
        return published.index

    about_posts = {**post_facts(index, records), **candidate_facts(index, records)}
    by_source = memo.revised("sources", published.digest, lambda: index().by_source())
    bases = dict.fromkeys(about_posts, Basis(published.digest))
    facts = facts.extended(about_posts, {**bases, **_bases_by_source(published, by_source, records, memo)})
    related = memo.fold(relate, RelatedList, facts)
    about_related = related_facts(index, related.records)
    facts = facts.extended(about_related, {RelatedTo: Basis(b"", (by_source, related.records))})
    return Known(documents, published, related, facts.extended(asset_facts(assets, inputs)), assets, problems)


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
        Corpus: Basis(digest((published.digest, documents.digest_of("terms")))),
    }


def build(inputs: Inputs, memo: Memo, sink: Sink, has: Callable[[str, Digest], bool]) -> Built:
    """Make the site. ``sink`` takes the bytes of pages by URL; ``has`` tells whether a page's bytes are published."""
    settings = inputs.settings
    known = learn(inputs, memo)
    documents, published, facts, assets = known.documents, known.published, known.facts, known.assets

    names = dict(inputs.script.names)
    gathered = memo.map(gather, Gathered, names.get("data", ()), facts)
    facts = facts.extended({Data: lambda query: _gathered(gathered.records, query.name)})
    own = memo.map(own_pages, Gathered, names.get("pages", ()), facts)

    index = published.index
    aliases = {path: wishes.aliases for path, wishes in index.wishes.items() if wishes.aliases}
    routes = route(index.live, aliases, settings, _pages(own.records))
    files = tuple(asset.url for asset in assets.values())
    about_pages = page_facts(lambda: index, lambda: routes, files)
    basis = digest((published.digest, own.records.digest_of("value"), files))
    by_url = Basis(b"", (memo.revised("pages", basis, lambda: page_digests(index, routes)),))
    bases = {**dict.fromkeys(about_pages, Basis(basis)), PageAt: by_url, Listing: by_url}
    facts = facts.extended(about_pages, bases)
    compiled = memo.map(compile_layout, Compiled, sorted(inputs.layouts), facts, worth=8)
    facts = facts.extended({Template: layouts_with(inputs, compiled.records.column("code"))})
    outputs = memo.map(
        render,
        Output,
        sorted(routes.pages),
        facts,
        hints=_to_render_all(routes, settings, documents.records, known.related.records),
        worth=100,
        sink=sink,
        sunk="content",
        has=has,
    )
    linking = sorted(path for path in index.by_path if documents.records.is_unusual(path, "links"))
    links = memo.map(check_links, Checked, linking, facts, worth=10_000, hints=_to_check_links(documents.records))
    own_layouts = sorted(name for name, layout in inputs.layouts.items() if layout.own)
    linted = memo.map(lint, Linted, own_layouts, facts, worth=2000)
    checks = memo.map(run_check, Gathered, names.get("checks", ()), facts)

    of_site_basis = digest((basis, documents.records.digest_of("marks"), tuple(sorted(inputs.layouts))))
    of_site: tuple[Diagnostic, ...] | None = memo.recall("problems", of_site_basis)
    if of_site is None:
        of_site = tuple(_whole_site(inputs, published, documents.records, routes, assets))
        memo.keep("problems", of_site_basis, of_site)
    steps = (documents, gathered, own, outputs, links, linted, checks)
    problems = [
        *inputs.problems,
        *known.problems,
        *(problem for step in steps for problem in _problems(step.records)),
        *of_site,
    ]
    return Built(
        rendered={urls.output_path(url): outputs.records.digest(url, "content") for url in routes.pages},
        statics=_statics(assets, index.attachments, inputs),
        ran=outputs.ran,
        parsed=documents.ran,
        live=index.live,
        pages=routes.pages,
        problems=in_order(problems),
        files_asked=tuple(sorted({*_files_asked(memo, names)})),
    )


def input_facts(inputs: Inputs) -> Resolvers:
    """The facts that come straight from files and settings."""

    def layout_bytes(query: LayoutBytes) -> Fact:
        layout = inputs.layouts.get(query.name)
        return fact(None) if layout is None else layout.content

    return {
        Source: lambda query: inputs.posts.get(query.path) or fact(None),
        Setting: lambda query: fact(getattr(inputs.settings, query.name)),
        Template: layouts_with(inputs, {}),
        LayoutBytes: layout_bytes,
        File: lambda query: inputs.file(query.path),
    }


def layouts_with(inputs: Inputs, code: Mapping[str, bytes]) -> Callable[[Template], Fact]:
    """What answers ``Template``. The code of a layout follows from its text and the filters that a page asks for as
    well, so its text and path stand for the answer."""

    def template(query: Template) -> Fact:
        layout = inputs.layouts.get(query.name)
        if layout is None:
            return fact(None)
        path, content, compiled = layout.path, layout.content, code.get(query.name, b"")
        return kept_fact(
            digest((path, content.digest)),
            lambda: Layout(path, content.load().decode("utf-8-sig", "replace"), compiled),
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

    return {AssetUrl: url, AssetText: text}


def _to_parse(path: str) -> Iterator[Query[Any]]:
    yield Source(path)
    for name in ("raw_html", "excerpt", "language"):
        yield Setting(name)


def _to_check_links(documents: Records) -> Hints:
    return Hints(lambda path: (LinksOf(path), AnchorsOf(path)), lambda path: documents.key(path, "links"))


def _to_render_all(routes: Routes, settings: Settings, documents: Records, related: Records) -> Hints:
    def parts(url: str) -> Iterator[PartKey]:
        page = routes.pages[url]
        if page.kind in ("article", "page"):
            yield from documents.key(page.subject, "body")
            yield from documents.key(page.subject, "headings")
            yield from related.key(page.subject, "first")

    alone = {url for url, page in routes.pages.items() if page.kind in ("feed", "index")}
    return Hints(lambda url: _to_render(routes.pages[url], settings, related), parts, alone)


def _to_render(page: Page, settings: Settings, related: Records) -> Iterator[Query[Any]]:
    yield PageAt(page.url)
    if page.kind == "article":
        path = page.subject
        yield from (PostAt(path), BodyOf(path), HeadingsOf(path), UrlOf(path), NeighboursOf(path), SeriesOf(path))
        yield RelatedTo(path, settings.related)
        for shown in entries(related, path, settings.related, settings.related):
            yield from (CardOf(relation.path) for relation in shown)
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
    inputs: Inputs, published: Published, documents: Records, routes: Routes, assets: Mapping[str, Asset]
) -> Iterator[Diagnostic]:
    """The problems that no single file has."""
    index, metas, marks = published.index, published.sources.metas, _Marks(documents)
    layouts = {name for name in inputs.layouts if name.endswith(".html")}
    files = {*index.attachments, *(f"assets/{name}" for name in assets)}
    yield from check_front_matter(index.live, metas, marks, layouts, files)
    yield from shared_names(index, metas, marks)
    yield from clashes(_claims(index, routes, assets), marks)
    if not inputs.settings.base_url:
        yield warning(
            "pyproject.toml",
            None,
            "base_url",
            "no base_url is set, so feeds, sitemap and canonical links are left out",
            'write base_url = "https://…" under [tool.octavo], or give --base-url',
        )


def _claims(index: Index, routes: Routes, assets: Mapping[str, Asset]) -> Iterator[Claim]:
    by_url = {post.url: path for path, post in index.by_path.items()}
    for page in (*routes.pages.values(), *routes.doubles):
        claim = page_claim(page)
        if page.kind == "redirect" and page.subject in by_url:
            path = by_url[page.subject]
            claim = Claim(claim.output, f"the alias '{page.url}' of {path}", path, ("aliases",))
        yield claim
    for path, url in index.attachments.items():
        yield Claim(urls.output_path(url), path, path)
    for asset in assets.values():
        yield Claim(urls.output_path(asset.url), f"assets/{asset.name}", f"assets/{asset.name}")


class _Marks(Mapping[str, tuple[Mark, ...]]):
    """The places of front matter values by source path, read for the few posts that have a problem."""

    def __init__(self, documents: Records) -> None:
        self._documents = documents

    def __getitem__(self, path: str) -> tuple[Mark, ...]:
        if path not in self._documents:
            raise KeyError(path)
        return tuple(self._documents.load(path, "marks"))

    def __iter__(self) -> Iterator[str]:
        return iter(self._documents)

    def __len__(self) -> int:
        return len(self._documents)


def _statics(assets: Mapping[str, Asset], attached: Mapping[str, str], inputs: Inputs) -> dict[str, Static]:
    statics = {
        urls.output_path(asset.url): Static(asset.digest, f"assets/{asset.name}", asset.content)
        for asset in assets.values()
    }
    for path, url in attached.items():
        statics[urls.output_path(url)] = Static(inputs.files[path].digest, path)
    return statics


def _files_asked(memo: Memo, names: Mapping[str, Iterable[str]]) -> Iterator[tuple[str, Digest]]:
    """The files that build.py asked for, with the digests it was given: they are inputs of the site as well."""
    steps = (("gather", "data"), ("own_pages", "pages"), ("run_check", "checks"))
    for step, kind in steps:
        for name in names.get(kind, ()):
            for query, answer in memo.asked(step, name) or ():
                if isinstance(query, File):
                    yield query.path, answer
