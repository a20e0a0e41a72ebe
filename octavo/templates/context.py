"""What a layout may see and ask: the page, the site, and the functions that answer for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import cached_property, lru_cache, partial
from itertools import groupby
from typing import Any

from markupsafe import Markup, escape

from octavo.base import urls
from octavo.base.diagnostics import did_you_mean
from octavo.base.names import POST_PAGE_KINDS
from octavo.engine.facts import Ask
from octavo.images.page_images import PageImages
from octavo.images.variants import whole_html
from octavo.model.documents import Body, Heading
from octavo.model.images import SocialImage
from octavo.model.pages import Page
from octavo.model.posts import Card, GroupCount, Link, Neighbours, Post, Series, Year
from octavo.model.queries import (
    AllPosts,
    Archive,
    AssetInline,
    AssetText,
    AssetUrl,
    Backlinks,
    BodyOf,
    CardOf,
    Data,
    FeedPaths,
    Grouped,
    Groups,
    HeadingsOf,
    Latest,
    Listing,
    NeighboursOf,
    PostAt,
    RelatedIndex,
    RelatedSummaries,
    RelatedTo,
    SeriesOf,
    SitemapUrls,
    UrlOf,
)
from octavo.model.related import Reason, Relation
from octavo.model.settings import Permalinks, RelatedSettings, Settings
from octavo.model.values import Table, json_text
from octavo.templates.body import resolve_body
from octavo.templates.environment import LayoutFailure, PageSettings

# What a layout sees. docs/themes.md is the contract; a test holds the two together.


@dataclass(frozen=True, slots=True)
class PageView:
    """The page being rendered, as layouts see it.

    Addresses are ready for an ``href``.
    """

    url: str
    kind: str
    title: str
    subject: str
    number: int
    total: int
    previous: str | None
    next: str | None
    data: Table


class Suggestion:
    """A related article.

    ``reasons`` are phrases in plain words, as HTML; ``terms`` are the words shared. ``score``, how alike the two are, 0
    to 1, and ``why``, the reasons with their shares, are asked for by pages that use them.
    """

    def __init__(
        self, card: Card, reasons: tuple[Markup, ...], terms: tuple[str, ...], relation: Callable[[], Relation]
    ) -> None:
        self.card, self.reasons, self.terms, self._relation = card, reasons, terms, relation

    @property
    def why(self) -> tuple[Reason, ...]:
        return self._relation().reasons

    @property
    def score(self) -> float:
        return self._relation().score


class SiteView:
    """The settings as layouts see them.

    Each is asked for when it is first used on a page.
    """

    def __init__(self, settings: PageSettings) -> None:
        self._settings = settings

    def __getattr__(self, name: str) -> Any:
        if name not in _SITE_SETTINGS:
            raise AttributeError(name)
        value = self.__dict__[name] = self._settings[name]
        return value

    def __dir__(self) -> list[str]:
        return sorted({"url", "menu", "related", *_SITE_SETTINGS})

    @cached_property
    def related(self) -> int:
        settings: RelatedSettings = self._settings["related"] or RelatedSettings()
        return settings.count

    @cached_property
    def url(self) -> str:
        permalinks: Permalinks = self._settings["permalinks"] or Permalinks()
        return urls.href(permalinks.home, self.base_url)

    @cached_property
    def menu(self) -> tuple[Link, ...]:
        base_url = self.base_url
        return tuple(
            Link(item.title, urls.href(item.url, base_url) if item.url.startswith("/") else item.url)
            for item in self._settings["menu"] or ()
        )


_OWN_VIEW = {"menu", "permalinks", "raw_html", "images", "related", "inline", "compress", "csp", "publish_hidden"}
_SITE_SETTINGS = frozenset(field.name for field in fields(Settings)) - _OWN_VIEW


_PATTERNS = frozenset(field.name for field in fields(Permalinks)) - {"posts", "pages", "paginated"}


class SiteContext:
    """The names that mean the same in the layouts of all pages.

    Each function asks for just what it gives back.
    """

    def __init__(self, ask: Ask) -> None:
        self.ask = ask
        self.settings = PageSettings(ask)

    def names(self) -> dict[str, Any]:
        return {
            "site": SiteView(self.settings),
            "tags": partial(self._groups, "tag"),
            "authors": partial(self._groups, "author"),
            "all_series": partial(self._groups, "series"),
            "asset": self.asset,
            "asset_text": self.asset_text,
            "stylesheet": self.stylesheet,
            "script": self.script,
            "href": self.href,
            "data": self.data,
        }

    def _href(self, url: str) -> str:
        return urls.href(url, self.settings["base_url"])

    def _groups(self, kind: str) -> tuple[GroupCount, ...]:
        return self.ask(Groups(kind)) or ()

    def asset(self, name: str) -> str:
        url = self.ask(AssetUrl(name))
        if url is None:
            raise _nothing(name, f"there is no file 'assets/{name}'", "name it by its path below assets/")
        return url

    def asset_text(self, name: str) -> Markup:
        text = self.ask(AssetText(name))
        if text is None:
            raise _nothing(name, f"there is no file 'assets/{name}'", "name it by its path below assets/")
        return Markup(text)

    def stylesheet(self, *names: str) -> Markup:
        """The elements of style sheets, in order.

        Neighbours that are small are one within the page.
        """
        files = [(name, self.asset(name), self.ask(AssetInline(name))) for name in names]
        out: list[str] = []
        for is_inline, sheets in groupby(files, lambda sheet: sheet[2] is not None):
            if is_inline:
                out.append(f"<style>{''.join(text or '' for _, _, text in sheets)}</style>")
            else:
                out += (f'<link rel="stylesheet" href="{escape(url)}">' for _, url, _ in sheets)
        return Markup("\n".join(out))

    def script(self, name: str) -> Markup:
        """The element of a script.

        It is run when the page has been read, if it is not within it.
        """
        url, text = self.asset(name), self.ask(AssetInline(name))
        if text is None:
            return Markup('<script src="{}" defer></script>').format(url)
        return Markup(f"<script>{text}</script>")

    def href(self, kind: str, slug: str = "") -> str:
        """The address of a page of the site, by its kind.

        That is the name of its pattern in the settings.
        """
        patterns = self.settings["permalinks"]
        if kind not in _PATTERNS:
            hint = did_you_mean(kind, _PATTERNS) or f"there are {', '.join(sorted(_PATTERNS))}"
            raise _nothing(kind, f"no page of the site is called {kind!r}", hint)
        return _place(getattr(patterns, kind), slug, self.settings["base_url"])

    def data(self, name: str) -> Any:
        value = self.ask(Data(name))
        if value is None:
            raise _nothing(name, f"build.py has no @site.data function {name!r}", "add one, or look at its name")
        return value


@lru_cache(1024)
def _place(pattern: str, slug: str, base_url: str) -> str:
    """Each page leads to some pages of the site, such as the archive."""
    return urls.href(urls.expand(pattern, {"slug": slug}), base_url)


class PageContext(SiteContext):
    """The names of one page's layouts."""

    def __init__(self, page: Page, ask: Ask) -> None:
        super().__init__(ask)
        self.page = page
        self.images = PageImages(ask)

    def names(self) -> dict[str, Any]:
        return {
            **super().names(),
            "page": self._view(),
            "post": self._own_post,
            "content": self.content,
            "cover": self.cover,
            "picture": self.picture,
            "social_image": self.social_image,
            "headings": self.headings,
            "words": self.words,
            "latest": self.latest,
            "related": self.related,
            "posts": self.posts,
            "tagged": self.tagged,
            "listing": self.listing,
            "grouped": self.grouped,
            "archive": self.archive,
            "neighbours": self.neighbours,
            "backlinks": self.backlinks,
            "series": self.series,
            "feed_posts": self.feed_posts,
            "post_at": self.post_at,
            "sitemap": self.sitemap,
            "related_index": self.related_index,
        }

    @property
    def has_post(self) -> bool:
        return self.page.kind in POST_PAGE_KINDS

    def _view(self) -> PageView:
        page = self.page
        previous = following = None
        if page.total > 1:
            first = self.list_start()
            previous = self._href(self.list_url(first, page.number - 1)) if page.number > 1 else None
            following = self._href(self.list_url(first, page.number + 1)) if page.number < page.total else None
        return PageView(
            self._href(page.url),
            page.kind,
            page.title,
            page.subject,
            page.number,
            page.total,
            previous,
            following,
            page.data,
        )

    def list_start(self) -> str:
        """The URL of the first page of the list that this page is one of."""
        if self.page.number == 1:
            return self.page.url
        tail = urls.expand(self.settings["permalinks"].paginated, {"number": str(self.page.number)}).lstrip("/")
        return self.page.url.removesuffix(tail)

    def list_url(self, first: str, number: int) -> str:
        if number == 1:
            return first
        return first + urls.expand(self.settings["permalinks"].paginated, {"number": str(number)}).lstrip("/")

    def content(self, path: str | None = None, absolute: bool = False) -> Markup:
        """The HTML of a post's body, with every link resolved.

        It is this page's by default.
        """
        path = self.page.subject if path is None else path
        if path == self.page.subject and not absolute:
            return self._own_content
        body = self._own_body if path == self.page.subject else self.ask(BodyOf(path))
        if body is None:
            return Markup("")
        page_url = self._address(path) if absolute else None
        return Markup(resolve_body(body, self.ask, self.settings["base_url"], self.images, page_url))

    @cached_property
    def _own_content(self) -> Markup:
        body = self._own_body
        return Markup("" if body is None else resolve_body(body, self.ask, self.settings["base_url"], self.images))

    def _address(self, path: str) -> str:
        return urls.absolute_url(self.ask(UrlOf(path)) or "", self.settings["base_url"])

    def cover(self, sizes: str = "") -> Markup:
        """The element of this post's image; empty where there is none.

        It is loaded before all else.
        """
        post = self._own_post
        if post is None or post.image is None:
            return Markup("")
        attributes = {"alt": post.image_alt, "fetchpriority": "high", "decoding": "async"}
        return self._picture(post, attributes, sizes)

    def picture(self, item: Post | Card, sizes: str = "", alt: str = "") -> Markup:
        """The element of the image of a post in a list.

        Empty where there is none.
        """
        return self._picture(item, {"alt": alt, "loading": "lazy", "decoding": "async"}, sizes)

    def _picture(self, item: Post | Card, attributes: Mapping[str, str], sizes: str) -> Markup:
        if item.image is None:
            return Markup("")
        if item.cover is None:
            return Markup(whole_html(attributes, item.image))
        return Markup(self.images.picture(item.cover, item.image, attributes, sizes))

    def social_image(self) -> SocialImage | None:
        """What a link to this page is shown with, if there is an image for that."""
        return self._own_social_image

    @cached_property
    def _own_social_image(self) -> SocialImage | None:
        post = self._own_post
        if post is None:
            return None
        if post.image is None:
            return self.images.card(post.title, post.authors[0].name if post.authors else "")
        return self.images.social(post.cover, post.image, post.image_alt or post.title)

    def headings(self) -> tuple[Heading, ...]:
        return (self.ask(HeadingsOf(self.page.subject)) or ()) if self.has_post else ()

    def words(self) -> int:
        return self._own_body.words if self._own_body else 0

    @cached_property
    def _own_post(self) -> Post | None:
        return self.ask(PostAt(self.page.subject)) if self.has_post else None

    @cached_property
    def _own_body(self) -> Body | None:
        return self.ask(BodyOf(self.page.subject))

    def latest(self, count: int | None = None) -> tuple[Card, ...]:
        """The newest posts but for this page's own."""
        count = self.settings["latest"] if count is None else count
        cards = self.ask(Latest(count + 1 if self.has_post else count)) or ()
        if self.has_post:
            own = self.ask(UrlOf(self.page.subject))
            cards = tuple(card for card in cards if card.url != own)
        return cards[:count]

    def related(self, count: int | None = None) -> tuple[Suggestion, ...]:
        count = self.settings["related"].count if count is None else count
        path = self.page.subject
        summaries = self.ask(RelatedSummaries(path, count)) or ()
        queries = [CardOf(summary.path) for summary in summaries]
        self.ask.all(queries)

        def relation(place: int) -> Relation:
            return (self.ask(RelatedTo(path, count)) or ())[place]

        return tuple(
            Suggestion(card, tuple(map(Markup, summary.reasons)), summary.terms, partial(relation, place))
            for place, (card, summary) in enumerate(zip(map(self.ask, queries), summaries, strict=True))
            if card
        )

    def posts(self) -> tuple[Link, ...]:
        return self.ask(AllPosts()) or ()

    def tagged(self, slug: str) -> tuple[Link, ...]:
        return self.ask(Grouped("tag", slug)) or ()

    def listing(self) -> tuple[Card, ...]:
        return self.ask(Listing(self.page.url)) or ()

    def grouped(self) -> tuple[Link, ...]:
        return self.ask(Grouped(self.page.kind, self.page.subject)) or ()

    def archive(self) -> tuple[Year, ...]:
        return self.ask(Archive()) or ()

    def neighbours(self) -> Neighbours:
        return self.ask(NeighboursOf(self.page.subject)) or Neighbours()

    def backlinks(self) -> tuple[Link, ...]:
        return self.ask(Backlinks(self.page.subject)) or ()

    def series(self) -> Series | None:
        return self.ask(SeriesOf(self.page.subject))

    def feed_posts(self) -> tuple[Post, ...]:
        posts = [self.ask(PostAt(path)) for path in self.ask(FeedPaths()) or ()]
        return tuple(post for post in posts if post is not None)

    def post_at(self, path: str) -> Post | None:
        return self.ask(PostAt(path))

    def sitemap(self) -> tuple[Link, ...]:
        return self.ask(SitemapUrls()) or ()

    def related_index(self) -> Markup:
        """Every post with the list that its page shows, as JSON fit for HTML.

        With scores and reasons; addresses are absolute. An entry names a post by its ``id`` only: whoever reads this
        has all posts at hand.
        """
        base_url = self.settings["base_url"]
        rows = (
            f'{{"id":{json_text(path)},"url":{json_text(urls.absolute_url(link.url, base_url))},'
            f'"title":{json_text(link.title)},"related":{related.text}}}'
            for path, link, related in self.ask(RelatedIndex()) or ()
        )
        return Markup("[" + ",\n".join(rows) + "]")


def _nothing(name: str, message: str, hint: str) -> LayoutFailure:
    return LayoutFailure("missing", message, name, hint)
