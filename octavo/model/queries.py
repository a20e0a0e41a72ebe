"""Every question a step may ask, and so all that a page can depend on."""

from __future__ import annotations

from typing import Any

from octavo.engine.facts import Query
from octavo.model.documents import Body, Heading, LinkUse, Terms
from octavo.model.extensions import Extensions
from octavo.model.images import CardDesign, ImageOrder, Picture, SocialCard
from octavo.model.pages import Layout, Page
from octavo.model.posts import Card, GroupCount, Link, Neighbours, Post, Series, Year
from octavo.model.related import Candidate, RelatedSummary, Relation, RelationsJson
from octavo.model.values import Table

# The site's files, settings and extensions.


class Source(Query[bytes]):
    """The bytes of a source file below ``posts/``."""

    path: str


class File(Query[bytes]):
    """The bytes of any file of the site, for build.py.

    None when it does not exist.
    """

    path: str


class Setting(Query[Any]):
    """One setting by the name of its field in ``model.Settings``."""

    name: str


class Extended(Query[Extensions]):
    """What build.py adds of one kind.

    Kinds are ``filters``, ``shortcodes``, ``markdown`` …; the other kinds are left empty.
    """

    kind: str


class Template(Query[Layout]):
    """A layout by name, the site's own before the theme's."""

    name: str


class LayoutBytes(Query[bytes]):
    """A layout as it lies on the disk, to be checked."""

    name: str


# Posts.


class PostAt(Query[Post]):
    """A published post by its source path."""

    path: str


class BodyOf(Query[Body]):
    """The body of a post."""

    path: str


class HeadingsOf(Query[tuple[Heading, ...]]):
    """The headings of a post, for its table of contents."""

    path: str


class AnchorsOf(Query[tuple[str, ...]]):
    """The ids within a post that a link may point to."""

    path: str


class LinksOf(Query[tuple[LinkUse, ...]]):
    """The links in a post's body, each at its place in the source."""

    path: str


class TermsOf(Query[Terms]):
    """The counted terms of a post."""

    path: str


class SpellingOf(Query[str]):
    """How a post writes its words."""

    path: str


# Addresses. Answers are ready for an href.


class UrlOf(Query[str]):
    """The address of a published post or page by source path."""

    path: str


class FileUrl(Query[str]):
    """The address of a file published beside a post, by source path."""

    path: str


class AssetUrl(Query[str]):
    """The address of a file of ``assets/`` by its path below it.

    It changes with the file's content.
    """

    name: str


class AssetText(Query[str]):
    """The text of a file of ``assets/``, for a layout that inlines it."""

    name: str


class AssetInline(Query[str]):
    """The text of a style sheet or script as it may stand within a page.

    None when it is too large for that, or holds what cannot.
    """

    name: str


class PictureAt(Query[Picture]):
    """What is known of an image file, by its path.

    The path is ``posts/cat.jpg``, ``assets/cat.jpg``.
    """

    path: str


class PictureBytes(Query[bytes]):
    """The bytes of an image file by its path."""

    path: str


class OrderOf(Query[ImageOrder | SocialCard]):
    """An ordered image by the digest of its order, in hexadecimal digits."""

    name: str


class OrderedBytes(Query[bytes]):
    """The bytes of the file of which an ordered image is made.

    The name is that of ``OrderOf``.
    """

    name: str


class WritableFormats(Query[tuple[str, ...]]):
    """The formats in which images can be written here."""


class DesignOfCards(Query[CardDesign]):
    """How social cards are drawn here."""


class PublishedUrl(Query[bool]):
    """True when the site has a page or file at this URL path.

    The path is decoded, without the path of ``base_url``.
    """

    url: str


class SourceState(Query[str]):
    """The state of a source; None when there is no such source.

    ``published``, ``draft``, ``future``, ``expired`` or ``broken``.
    """

    path: str


class SimilarNames(Query[tuple[str, ...]]):
    """The posts a mistyped path may mean.

    A few source paths, the likeliest first.
    """

    path: str


# Lists.


class PageAt(Query[Page]):
    """The page at a URL."""

    url: str


class Latest(Query[tuple[Card, ...]]):
    """The newest posts."""

    count: int  # type: ignore[assignment]  # tuples have a method of this name, which nobody calls


class CardOf(Query[Card]):
    """A published post as lists show it, by source path."""

    path: str


class RelatedTo(Query[tuple[Relation, ...]]):
    """The first entries of a post's list of related posts."""

    path: str
    count: int  # type: ignore[assignment]  # tuples have a method of this name, which nobody calls


class RelatedSummaries(Query[tuple[RelatedSummary, ...]]):
    """The same entries as readers are told of them, without scores."""

    path: str
    count: int  # type: ignore[assignment]  # tuples have a method of this name, which nobody calls


class NeighboursOf(Query[Neighbours]):
    """The posts published just before and just after one."""

    path: str


class SeriesOf(Query[Series]):
    """The series of a post; None when it has none."""

    path: str


class Backlinks(Query[tuple[Link, ...]]):
    """The posts whose bodies link to one, newest first."""

    path: str


class Groups(Query[tuple[GroupCount, ...]]):
    """All groups of a kind in order of name.

    Kinds are ``tag``, ``author`` and ``series``.
    """

    kind: str


class Grouped(Query[tuple[Link, ...]]):
    """The posts of one group (by slug), newest first."""

    kind: str
    slug: str


class Listing(Query[tuple[Card, ...]]):
    """The posts that a page of a list shows, by the page's URL."""

    url: str


class Archive(Query[tuple[Year, ...]]):
    """All posts by year, newest first."""


class AllPosts(Query[tuple[Link, ...]]):
    """All posts, newest first."""


class PostPaths(Query[tuple[str, ...]]):
    """The source paths of all posts, newest first."""


class FeedPaths(Query[tuple[str, ...]]):
    """The source paths of the posts a feed carries, newest first."""


class SitemapUrls(Query[tuple[Link, ...]]):
    """The pages of the sitemap.

    ``title`` is empty, ``date`` the day of the last change where one is known.
    """


class RelatedIndex(Query[tuple[tuple[str, Link, RelationsJson], ...]]):
    """Every post with the list that its page shows, in order of path.

    Each is a source path, its link and the list.
    """


class Corpus(Query[tuple[Candidate, ...]]):
    """All posts with what decides which of them are related."""


class Data(Query[Table]):
    """What a ``@site.data`` function of build.py returned."""

    name: str
