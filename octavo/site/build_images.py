"""The images that pages show, and making those that are missing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from octavo.base import urls
from octavo.base.diagnostics import Diagnostic, error, warning
from octavo.base.digest import Digest, digest
from octavo.base.names import ASSETS_FOLDER, CONFIG_FILE
from octavo.base.shortage import raise_if_shortage
from octavo.engine.facts import Fact, fact, kept_fact
from octavo.engine.memo import Memo
from octavo.engine.records import Records
from octavo.engine.worker import Local
from octavo.images.steps import EncodedImage, make_image
from octavo.images.variants import is_image, is_scaled, name_of, social_order, urls_of
from octavo.model.images import CardDesign, ImageOrder, Picture, SocialCard
from octavo.model.queries import OrderOf, PictureAt, WritableFormats
from octavo.model.settings import Settings
from octavo.site.assets import ROOT
from octavo.site.inputs import Inputs
from octavo.site.page_facts import Resolvers
from octavo.site.post_index import PostIndex
from octavo.site.stages import LearnedSite


def image_files(inputs: Inputs) -> dict[str, Fact]:
    """The images that pages may show, by path: those beside posts, and assets."""
    images = {path: content for path, content in inputs.files.items() if is_image(path)}
    for name, content in inputs.assets.items():
        if is_image(name) and not name.startswith(ROOT):
            images[ASSETS_FOLDER + name] = content
    return images


def picture_facts(measured: Records, pictures: Mapping[str, Picture]) -> Resolvers:
    def picture_at(query: PictureAt) -> Fact:
        if query.path not in pictures:
            return fact(None)
        return Fact(measured.digest(query.path, "picture"), lambda: pictures[query.path])

    return {PictureAt: picture_at, WritableFormats: lambda query: fact(_writable())}


def card_design_fact(inputs: Inputs) -> Fact:
    """How social cards are drawn.

    The font is the one that comes with Octavo, or a file of the site. One that is no font draws nothing.
    """
    from octavo.images import draw_card
    from octavo.images.font_coverage import NoFont

    path = inputs.settings.images.card_font
    font = inputs.file(path) if path else fact(draw_card.default_font())
    name = digest((draw_card.recipe(), font.digest)).hex()

    def design() -> CardDesign:
        try:
            return CardDesign(name, draw_card.drawable_ranges(font.load() or b""), path)
        except (NoFont, OSError) as problem:
            raise_if_shortage(problem)
            return CardDesign(name, (), path)

    return kept_fact(digest((name, path)), design)


def _writable() -> tuple[str, ...]:
    """The formats that Pillow can write here.

    It takes longer to import than most builds: a site without images does without it.
    """
    from octavo.images.encode import writable_formats

    return writable_formats()


class ImageStore(Protocol):
    """Where images are kept that were made, by the names of their orders."""

    def digests(self, name: str, order: ImageOrder | SocialCard, /) -> Mapping[str, Digest] | None:
        """URL -> digest of each file of an order; None where it has to be made."""
        ...

    def write(self, name: str, data: bytes, /) -> None:
        """Keep what was made.

        The store is a sink for that: it may be sent to another process.
        """
        ...

    def files(self, paths: Mapping[str, str], /) -> Local:
        """Answers ``OrderedBytes``, given the path of a file for each name."""
        ...


def image_orders(
    outputs: Records, index: PostIndex, pictures: Mapping[str, Picture], settings: Settings
) -> dict[str, ImageOrder | SocialCard]:
    """The images that pages and links to posts show, by name."""
    images = {order for orders in outputs.non_default("orders").values() for order in orders}
    for post in index.by_path.values() if pictures else ():
        picture = pictures.get(post.cover) if post.cover else None
        if picture is not None and is_scaled(picture, settings.images):
            images.add(social_order(picture))
    return {name_of(order): order for order in images}


def make_images(
    orders: Mapping[str, ImageOrder | SocialCard], site: LearnedSite, memo: Memo, open_store: Callable[[], ImageStore]
) -> tuple[dict[str, tuple[Digest, str]], tuple[Diagnostic, ...]]:
    """Make every variant that is missing, and say what cannot be made.

    The variants are by output path. What is kept from an earlier build is not made again.
    """
    store, problems = open_store(), []
    files_of = {name: _stored_files(store, name, order) for name, order in orders.items()}
    missing = sorted(name for name, files in files_of.items() if files is None)
    without = [name for name in site.publication.sources.settings.images.formats if name not in _writable()]
    if without:
        message = f"images are not published as {' and '.join(without)}, which this Pillow cannot write"
        problems.append(warning(CONFIG_FILE, None, "image", message, "pip install --upgrade pillow"))
    if missing:
        # One image may lie at several paths: it is read from the first of them.
        by_content: dict[Digest, str] = {}
        for path in sorted(site.pictures):
            by_content.setdefault(site.pictures[path].content, path)
        paths = {name: by_content[order.content] for name in missing if isinstance(order := orders[name], ImageOrder)}
        facts = site.facts.extended({OrderOf: lambda query: fact(orders.get(query.name))})
        for name, parts in memo.run(make_image, EncodedImage, missing, facts, store.files(paths), store, "content"):
            if parts["fault"]:
                problems.append(_unmade(orders[name], paths.get(name, ""), parts["fault"]))
            files_of[name] = _stored_files(store, name, orders[name])
    images = {
        urls.output_path(url): (content, name)
        for name, files in files_of.items()
        for url, content in (files or {}).items()
    }
    return images, tuple(problems)


def _stored_files(store: ImageStore, name: str, order: ImageOrder | SocialCard) -> Mapping[str, Digest] | None:
    """The files kept of an order, where they are all that was ordered and nothing else.

    What is kept may be a stranger's, and is published under its URLs.
    """
    digests = store.digests(name, order)
    return digests if digests is not None and digests.keys() == set(urls_of(order)) else None


def _unmade(order: ImageOrder | SocialCard, path: str, fault: str) -> Diagnostic:
    if isinstance(order, SocialCard):
        return error(order.font or CONFIG_FILE, None, "image", f"social cards cannot be drawn with it: {fault}")
    hint = "save it anew with a program that can read it"
    return error(path, None, "image", f"the image cannot be decoded: {fault}", hint)
