"""The images that pages show: which there are, which are missing, and making these."""

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
from octavo.images.steps import Made, make_image
from octavo.images.variants import is_image, is_scaled, name_of, social_order, urls_of
from octavo.model.images import CardDesign, ImageOrder, Picture, SocialCard
from octavo.model.queries import OrderOf, PictureAt, WritableFormats
from octavo.model.settings import Settings
from octavo.site.assets import ROOT
from octavo.site.inputs import Inputs
from octavo.site.page_facts import Resolvers
from octavo.site.post_index import PostIndex
from octavo.site.stages import Known


def image_files(inputs: Inputs) -> dict[str, Fact]:
    """The images that pages may show, by path: those beside posts, and assets."""
    found = {path: content for path, content in inputs.files.items() if is_image(path)}
    for name, content in inputs.assets.items():
        if is_image(name) and not name.startswith(ROOT):
            found[ASSETS_FOLDER + name] = content
    return found


def picture_facts(measured: Records, pictures: Mapping[str, Picture]) -> Resolvers:
    def picture_at(query: PictureAt) -> Fact:
        if query.path not in pictures:
            return fact(None)
        return Fact(measured.digest(query.path, "picture"), lambda: pictures[query.path])

    return {PictureAt: picture_at, WritableFormats: lambda query: fact(_writable())}


def card_design_fact(inputs: Inputs) -> Fact:
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


class ImageStore(Protocol):
    """Where images are kept that were made, by the names of their orders."""

    def digests(self, name: str, order: ImageOrder | SocialCard, /) -> Mapping[str, Digest] | None:
        """URL -> digest of each file that is made of an order; None where it has to be made."""
        ...

    def write(self, name: str, data: bytes, /) -> None:
        """Keep what was made. The workshop is a sink for that: it may be sent to another process."""
        ...

    def files(self, paths: Mapping[str, str], /) -> Local:
        """Answers ``OrderedBytes``, given the path of a file for each name."""
        ...


def image_orders(
    outputs: Records, index: PostIndex, pictures: Mapping[str, Picture], settings: Settings
) -> dict[str, ImageOrder | SocialCard]:
    """By name, the images that pages show, and those that links to posts are shown with."""
    found = {order for orders in outputs.unusual("orders").values() for order in orders}
    for post in index.by_path.values() if pictures else ():
        picture = pictures.get(post.cover) if post.cover else None
        if picture is not None and is_scaled(picture, settings.images):
            found.add(social_order(picture))
    return {name_of(order): order for order in found}


def make_images(
    orders: Mapping[str, ImageOrder | SocialCard], known: Known, memo: Memo, workshop: Callable[[], ImageStore]
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
        paths = {name: by_content[order.content] for name in missing if isinstance(order := orders[name], ImageOrder)}
        facts = known.facts.extended({OrderOf: lambda query: fact(orders.get(query.name))})
        for name, parts in memo.run(make_image, Made, missing, facts, shop.files(paths), shop, "content"):
            if parts["fault"]:
                problems.append(_unmade(orders[name], paths.get(name, ""), parts["fault"]))
            kept[name] = _kept(shop, name, orders[name])
    found = {
        urls.output_path(url): (content, name) for name, files in kept.items() for url, content in (files or {}).items()
    }
    return found, tuple(problems)


def _kept(shop: ImageStore, name: str, order: ImageOrder | SocialCard) -> Mapping[str, Digest] | None:
    """What is kept of an order, where that is all that was ordered and nothing else: what is kept may be a stranger's,
    and is published under its URLs."""
    found = shop.digests(name, order)
    return found if found is not None and found.keys() == set(urls_of(order)) else None


def _unmade(order: ImageOrder | SocialCard, path: str, fault: str) -> Diagnostic:
    if isinstance(order, SocialCard):
        return error(order.font or CONFIG_FILE, None, "image", f"social cards cannot be drawn with it: {fault}")
    hint = "save it anew with a program that can read it"
    return error(path, None, "image", f"the image cannot be decoded: {fault}", hint)
