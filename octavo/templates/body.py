"""A body with the addresses that it has on one page."""

from __future__ import annotations

import re

from markupsafe import escape

from octavo.base import urls
from octavo.base.urls import ASSETS
from octavo.engine.facts import Ask
from octavo.images.page_images import PageImages
from octavo.model.documents import Body, PictureRef, Ref
from octavo.model.queries import AssetUrl, FileUrl, UrlOf
from octavo.templates.environment import PageSettings


def body_html(body: Body, ask: Ask) -> str:
    """A body as a page of its own shows it."""
    return resolve_body(body, ask, PageSettings(ask)["base_url"], PageImages(ask))


def resolve_body(body: Body, ask: Ask, base_url: str, images: PageImages, page_url: str | None = None) -> str:
    """A body as HTML.

    With ``page_url`` (absolute) every address is made absolute, those within the page too.
    """
    if not body.refs and page_url is None:
        return body.chunks[0]
    ask.all(query for query in map(_address_query, body.refs) if query is not None)
    parts = [body.chunks[0]]
    for ref, chunk in zip(body.refs, body.chunks[1:], strict=True):
        address = _address(ref, ask, base_url)
        if isinstance(ref, PictureRef):
            parts += (images.element(ref, address, page_url is not None), chunk)
            continue
        parts += (str(escape(urls.absolute_url(address, base_url) if page_url else address)), chunk)
    html = "".join(parts)
    if page_url is None:
        return html
    return _OWN_FRAGMENT.sub(lambda match: f"{match[1]}{escape(page_url)}#", _OF_A_PAGE.sub("", html))


# A heading's link to itself is of no use in a feed, and the numbers of lines would stand before the code.
_OF_A_PAGE = re.compile(
    r' <a class="anchor" href="[^"]*"[^>]*></a>|<span class="numbers" aria-hidden="true">[\d\n]*</span>'
)
# Our own parser writes a link within the page as `href="#id"`.
_OWN_FRAGMENT = re.compile(r'(<a\b[^>]*? href=")#')


def _address_query(ref: Ref) -> UrlOf | FileUrl | AssetUrl | None:
    if ref.kind == "post":
        return UrlOf(ref.target)
    if ref.kind == "file":
        return FileUrl(ref.target)
    return AssetUrl(ref.target.removeprefix(ASSETS)) if ref.target.startswith(ASSETS) else None


def _address(ref: Ref, ask: Ask, base_url: str) -> str:
    """Where a reference leads; a broken one is left as it was written."""
    query = _address_query(ref)
    if query is None:
        return urls.href(ref.target, base_url) + ref.suffix
    address = ask(query)
    if address is None:
        return ref.raw if ref.kind != "site" else urls.href(ref.target, base_url) + ref.suffix
    return address + ref.suffix
