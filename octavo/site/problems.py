"""Problems that no single file has: clashes, missing images, settings."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from octavo.base import urls
from octavo.base.diagnostics import Diagnostic, error, warning
from octavo.base.lazy_mapping import LazyMapping
from octavo.base.names import ASSETS_FOLDER, CONFIG_FILE
from octavo.engine.records import Records
from octavo.model.documents import Mark
from octavo.model.images import CardDesign, Picture
from octavo.output.compress import is_there
from octavo.site.assets import Asset
from octavo.site.checks import Claim, check_cards, check_front_matter, find_clashes, page_claim
from octavo.site.inputs import Inputs
from octavo.site.lookup import Names
from octavo.site.page_facts import find_spelling_variants
from octavo.site.post_index import PostIndex
from octavo.site.preferences import check_preferences
from octavo.site.publication import CachedPublication
from octavo.site.routes import Routes


def find_site_problems(
    inputs: Inputs,
    published: CachedPublication,
    documents: Records,
    routes: Routes,
    assets: Mapping[str, Asset],
    cards: CardDesign | None,
) -> Iterator[Diagnostic]:
    """The problems that no single file has.

    ``cards`` is None where there are no social cards.
    """
    index, metas = published.index, published.sources.metas
    # The places of front matter values are read for the few posts that have a problem.
    marks: LazyMapping[str, tuple[Mark, ...]] = LazyMapping(documents, lambda path: documents.load(path, "marks"))
    layouts = {name for name in inputs.layouts if name.endswith(".html")}
    files = {*index.attachments, *(ASSETS_FOLDER + name for name in assets)}
    pictures = published.sources.pictures
    yield from check_front_matter(index.published, metas, marks, layouts, files, pictures, inputs.settings.raw_html)
    if cards is not None:
        yield from check_cards(index.published, marks, cards, inputs.settings.title)
    yield from check_preferences(index.published, metas, marks, Names(metas, inputs.settings))
    yield from _located(pictures, files)
    yield from find_spelling_variants(index, metas, marks)
    yield from find_clashes(_claims(index, routes, assets), marks)
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


def _claims(index: PostIndex, routes: Routes, assets: Mapping[str, Asset]) -> Iterator[Claim]:
    by_url = {post.url: post.path for post in (*index.published.posts, *index.published.pages)}
    for page in (*routes.pages.values(), *routes.duplicates):
        claim = page_claim(page)
        if page.kind == "redirect" and page.subject in by_url:
            path = by_url[page.subject]
            claim = Claim(claim.output, f"the alias '{page.url}' of {path}", path, ("aliases",))
        yield claim
    for path, url in index.attachments.items():
        yield Claim(urls.output_path(url), path, path)
    for asset in assets.values():
        yield Claim(urls.output_path(asset.url), ASSETS_FOLDER + asset.name, ASSETS_FOLDER + asset.name)
