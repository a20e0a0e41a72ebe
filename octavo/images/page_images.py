"""Images as one page shows them.

What is known of each is asked for, and what has to be made for it is noted.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from octavo.base import urls
from octavo.engine.facts import Ask
from octavo.images.social_cards import card_for, card_image
from octavo.images.variants import is_scaled, order_for, picture_html, single_html, social_image, whole_html
from octavo.model.documents import PictureRef, Ref
from octavo.model.images import ImageOrder, Picture, SocialCard, SocialImage
from octavo.model.queries import DesignOfCards, PictureAt, Setting, WritableFormats
from octavo.model.settings import ImageSettings


def path_of(ref: Ref) -> str | None:
    """The path of the file that a reference to an image leads to.

    None where it is none of the site's images.
    """
    if ref.kind == "file":
        return ref.target
    return ref.target.removeprefix("/") if ref.target.startswith(urls.ASSETS) else None


class PageImages:
    """The images of one page, and the ``orders`` for them."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._orders: dict[ImageOrder | SocialCard, None] = {}

    @property
    def orders(self) -> tuple[ImageOrder | SocialCard, ...]:
        """What has to be made for the page, in the order of its images."""
        return tuple(self._orders)

    def element(self, ref: PictureRef, address: str, whole_address: bool = False) -> str:
        """The element of an image in a body.

        ``address`` is that of the file itself; with ``whole_address`` it is for readers elsewhere, such as those of a
        feed, and has one whole address only.
        """
        path, attributes = path_of(ref), dict(ref.attributes)
        if whole_address:
            attributes.pop("loading", None)
        picture = self._ask(PictureAt(path)) if path is not None else None
        if picture is None or not is_scaled(picture, self._images):
            return whole_html(attributes, self._absolute(address) if whole_address else address, picture)
        if whole_address:
            return single_html(attributes, self._order(picture), lambda url: self._absolute(self._href(url)))
        return picture_html(attributes, self._order(picture), self._images.sizes, self._href)

    def picture(self, path: str, address: str, attributes: Mapping[str, str], sizes: str) -> str:
        """The element of an image that a layout shows, by its path.

        ``address`` is that of the file itself.
        """
        picture = self._ask(PictureAt(path))
        if picture is None or not is_scaled(picture, self._images):
            return whole_html(attributes, address, picture)
        return picture_html(attributes, self._order(picture), sizes or self._images.sizes, self._href)

    def social(self, path: str | None, address: str, alt: str) -> SocialImage:
        """The image that a link to a page is shown with.

        It is made for each published post, ordered or not.
        """
        picture = self._ask(PictureAt(path)) if path is not None else None
        if picture is None or not is_scaled(picture, self._images):
            return SocialImage(address, picture.width if picture else 0, picture.height if picture else 0, alt)
        return social_image(picture, alt, self._href)

    def card(self, title: str, author: str) -> SocialImage | None:
        """The picture of a title.

        Only whole addresses lead to the image of a link, so there is none without them.
        """
        if not self._images.cards or not self._base_url:
            return None
        design = self._ask(DesignOfCards())
        card = card_for(title, self._ask(Setting("title")) or "", author, design) if design else None
        if card is None:
            return None
        self._orders[card] = None
        return card_image(card, self._href)

    @cached_property
    def _images(self) -> ImageSettings:
        return self._ask(Setting("images")) or ImageSettings()

    @cached_property
    def _base_url(self) -> str:
        return self._ask(Setting("base_url")) or ""

    def _order(self, picture: Picture) -> ImageOrder:
        order = order_for(picture, self._images, self._ask(WritableFormats()) or ())
        self._orders[order] = None
        return order

    def _href(self, url: str) -> str:
        return urls.href(url, self._base_url)

    def _absolute(self, address: str) -> str:
        return urls.absolute_url(address, self._base_url)
