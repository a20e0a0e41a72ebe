"""Which documents are published at an instant, as posts.

A post is what others may know of a document.
"""

from __future__ import annotations

import datetime as dt
import posixpath
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, overload
from zoneinfo import ZoneInfo

from octavo.base import urls
from octavo.base.names import POSTS_FOLDER
from octavo.base.urls import slugify
from octavo.content.schema import path_without_date
from octavo.engine.sharded_map import Buckets
from octavo.images.variants import is_scaled, social_image
from octavo.model.documents import Meta, Moment, Summary
from octavo.model.images import Picture
from octavo.model.posts import Group, Post
from octavo.model.settings import Settings
from octavo.model.values import Table

PublishState = Literal["published", "draft", "future", "expired", "broken"]


@dataclass(frozen=True)
class PublishPolicy:
    """What counts as published: the instant, and which held posts do as well."""

    now: dt.datetime
    include_drafts: bool = False
    include_scheduled: bool = False


def is_within(window: tuple[dt.datetime | None, dt.datetime | None], now: dt.datetime) -> bool:
    since, until = window
    return (since is None or since <= now) and (until is None or now < until)


GroupsByKey = Mapping[tuple[str, str], Group]
"""(kind, slug) -> the group, for tags, authors and series."""


class OrderedPosts(Sequence[Post]):
    """Posts in the order of their ``paths``, each looked up when needed."""

    def __init__(self, paths: Sequence[str], by_path: Mapping[str, Post]) -> None:
        self.paths, self._by_path = paths, by_path

    @overload
    def __getitem__(self, place: int) -> Post: ...

    @overload
    def __getitem__(self, place: slice) -> tuple[Post, ...]: ...

    def __getitem__(self, place: int | slice) -> Post | tuple[Post, ...]:
        if isinstance(place, slice):
            return tuple([self._by_path[path] for path in self.paths[place]])
        return self._by_path[self.paths[place]]

    def __iter__(self) -> Iterator[Post]:
        return map(self._by_path.__getitem__, self.paths)

    def __len__(self) -> int:
        return len(self.paths)


@dataclass(frozen=True)
class PublishedPosts:
    """What is published.

    ``paths`` are those of the posts, newest first, and ``standing_paths`` those of the standing pages, in order;
    ``by_path`` has all of them.

    ``urls`` has the URL path, not encoded, of each of them, by source path. ``states`` has every source. ``instants``
    says when a held post will appear, or when it expired. ``since`` and ``until`` bound the instants at which this
    very set is published; None means for ever.
    """

    paths: tuple[str, ...]
    standing_paths: tuple[str, ...]
    by_path: Buckets[Post]
    urls: Mapping[str, str]
    states: Mapping[str, PublishState]
    instants: Mapping[str, dt.datetime]
    groups: GroupsByKey
    since: dt.datetime | None
    until: dt.datetime | None

    def holds(self, now: dt.datetime) -> bool:
        """Whether this very set is published at an instant."""
        return is_within((self.since, self.until), now)

    @property
    def posts(self) -> OrderedPosts:
        return OrderedPosts(self.paths, self.by_path)

    @property
    def pages(self) -> OrderedPosts:
        return OrderedPosts(self.standing_paths, self.by_path)


def build_posts(
    metas: Mapping[str, Meta | None],
    summary: Callable[[str], Summary],
    settings: Settings,
    when: PublishPolicy,
    assets: Mapping[str, str],
    pictures: Mapping[str, Picture],
    before: PublishedPosts | None = None,
    same: Collection[str] = (),
) -> tuple[PublishedPosts, Collection[str]]:
    """Decide what is published, and say which posts had to be made for that.

    ``metas`` are by source path, and so is what ``summary`` gives; a broken file has no meta. ``assets`` are the URL
    paths of assets by name, and ``pictures`` is what is known of images by path, both for the images of posts. The
    posts of ``before`` serve again whose own sources, and the settings, are the ``same``.
    """
    zone = ZoneInfo(settings.timezone)
    states: dict[str, PublishState] = {}
    instants: dict[str, dt.datetime] = {}
    since: dt.datetime | None = None
    until: dt.datetime | None = None
    published: list[tuple[str, Meta, dt.datetime | None]] = []
    for path in sorted(metas):
        meta = metas[path]
        if meta is None:
            states[path] = "broken"
            continue
        date = localize_moment(meta.date, zone)
        expires = localize_moment(meta.expires, zone)
        for moment in (date, expires):
            if moment is None:
                continue
            if moment <= when.now:
                since = moment if since is None or moment > since else since
            elif until is None or moment < until:
                until = moment
        state = states[path] = state_of(meta, date, expires, when)
        if state == "published":
            published.append((path, meta, date))
        elif state == "future" and date is not None:
            instants[path] = date
        elif state == "expired" and expires is not None:
            instants[path] = expires
    published.sort(key=lambda entry: (_newest_first(entry[2]), entry[0]))
    groups = _groups(published, settings)
    plain = plain_paths(metas)
    addresses = {path: post_url(plain[path], meta, date, settings) for path, meta, date in published}
    unchanged = _unchanged_posts(before, same, groups, addresses) if before is not None else frozenset()
    new = {
        path: _post(path, meta, date, summary(path), groups, settings, zone, addresses[path], assets, pictures)
        for path, meta, date in published
        # What is known of images is not compared, so a post that has one is made again.
        if path not in unchanged or meta.image is not None
    }
    posts = PublishedPosts(
        paths=tuple(path for path, meta, _ in published if not is_standing(meta)),
        standing_paths=tuple(sorted(path for path, meta, _ in published if is_standing(meta))),
        by_path=_with_new_posts(before, unchanged, new),
        urls=addresses,
        states=states,
        instants=instants,
        groups=groups,
        since=since,
        until=until,
    )
    return posts, new.keys()


def has_same_placement(one: Meta, other: Meta) -> bool:
    """Whether a post has one state, address and place by either of these."""
    return _place(one) == _place(other)


def _place(meta: Meta) -> Meta:
    return replace(
        meta, title="", description="", updated=None, image_alt="", canonical=None, toc=True, extra=_NOTHING_MORE
    )


_NOTHING_MORE = Table()


def patch_posts(
    before: PublishedPosts,
    metas: Mapping[str, Meta],
    summary: Callable[[str], Summary],
    settings: Settings,
    assets: Mapping[str, str],
    pictures: Mapping[str, Picture],
) -> PublishedPosts:
    """What ``build_posts`` would decide, where only some posts say otherwise.

    Those of ``metas`` do, and they are placed alike: the rest is as before.
    """
    zone, groups, urls = ZoneInfo(settings.timezone), before.groups, before.urls
    new = {
        path: _post(
            path,
            meta,
            localize_moment(meta.date, zone),
            summary(path),
            groups,
            settings,
            zone,
            urls[path],
            assets,
            pictures,
        )
        for path, meta in metas.items()
    }
    return replace(before, by_path=before.by_path.changed(new))


def _unchanged_posts(
    before: PublishedPosts, same: Collection[str], groups: GroupsByKey, addresses: Mapping[str, str]
) -> frozenset[str]:
    """The paths of the posts of an earlier time that would be made again as they are.

    What a post is made from besides its own source and the settings is the names of groups, its address, and what is
    known of its image.
    """
    if before.groups != groups:
        return frozenset()
    urls_before = before.urls
    return frozenset(path for path in same if path in urls_before and urls_before[path] == addresses.get(path))


def _with_new_posts(
    before: PublishedPosts | None, unchanged: Collection[str], new: Mapping[str, Post]
) -> Buckets[Post]:
    """The posts of an earlier time that are ``unchanged``, and those that are ``new`` or made anew."""
    if before is None:
        return Buckets.of(Post, new)
    earlier, count = before.by_path, len({*unchanged, *new})
    if earlier.fits(count):
        return earlier.changed(new, before.urls.keys() - unchanged - new.keys())
    return Buckets.of(Post, {**{path: earlier[path] for path in unchanged}, **new})


def localize_moment(moment: Moment | None, zone: ZoneInfo) -> dt.datetime | None:
    """An aware time in the site's zone, with a fixed offset.

    A day is its start there.
    """
    if moment is None:
        return None
    if not isinstance(moment, dt.datetime):
        moment = dt.datetime(moment.year, moment.month, moment.day)
    local = moment.replace(tzinfo=zone) if moment.tzinfo is None else moment.astimezone(zone)
    return local.replace(tzinfo=dt.timezone(local.utcoffset() or dt.timedelta(0)))


def is_standing(meta: Meta | None) -> bool:
    """A page such as About: no date, in no list, feed or related index."""
    return meta is not None and layout_name(meta.layout) == "page.html"


def layout_name(name: str | None) -> str:
    """The file of a layout: of ``wide`` and ``wide.html`` it is one.

    Without a name it is ``post.html``.
    """
    if name is None:
        return "post.html"
    return name if "." in name else f"{name}.html"


def plain_paths(paths: Iterable[str]) -> dict[str, str]:
    """The paths of sources below ``posts/`` without extension and date.

    ``posts/a/2026-11-22-b.md`` is ``a/b``. A folder with ``index.md`` is the post: ``posts/cat/index.md`` is ``cat``.
    Of several whose names differ in their date only, the first goes without it and the later ones keep it, so that a
    new one never moves an old one.
    """
    plain_of: dict[str, str] = {}
    taken: set[str] = set()
    # A name without a date comes before those with one, and these in the order of their dates.
    undated = {path: path_without_date(path) for path in paths}
    for path in sorted(undated, key=lambda path: (undated[path] != path, path)):
        plain = _without_ending(undated[path])
        plain_of[path] = plain if plain not in taken else _without_ending(path)
        taken.add(plain)
    return plain_of


def _without_ending(path: str) -> str:
    return posixpath.splitext(path)[0].removeprefix(POSTS_FOLDER).removesuffix("/index")


def post_url(plain: str, meta: Meta, date: dt.datetime | None, settings: Settings) -> str:
    """The URL path, not encoded, of a post or standing page.

    ``plain`` is its path without extension and date.
    """
    folder, name = posixpath.split(plain)
    slug = meta.slug or name
    tokens = {
        "path": posixpath.join(folder, slug),
        "slug": slug,
        "section": folder.split("/")[0],
        "year": f"{date.year:04}" if date else "undated",
        "month": f"{date.month:02}" if date else "undated",
        "day": f"{date.day:02}" if date else "undated",
    }
    pattern = settings.permalinks.pages if is_standing(meta) else settings.permalinks.posts
    return urls.expand(pattern, tokens)


def state_of(meta: Meta, date: dt.datetime | None, expires: dt.datetime | None, when: PublishPolicy) -> PublishState:
    """The state of a post at an instant.

    ``date`` and ``expires`` are those of ``meta``, aware.
    """
    if meta.draft and not when.include_drafts:
        return "draft"
    if expires is not None and expires <= when.now:
        return "expired"
    if date is not None and date > when.now and not when.include_scheduled:
        return "future"
    return "published"


def _newest_first(date: dt.datetime | None) -> float:
    """A draft without a date is the newest of all."""
    return float("-inf") if date is None else -date.timestamp()


def _groups(newest_first: Iterable[tuple[str, Meta, dt.datetime | None]], settings: Settings) -> GroupsByKey:
    """Names that give one slug are one group, written as the oldest post writes it."""
    names: dict[tuple[str, str], str] = {}
    for _, meta, _ in newest_first:
        for kind, written in _written(meta, settings):
            for name in reversed(written):
                names[kind, slugify(name)] = name
    return {
        (kind, slug): Group(name, slug, urls.href(expand_group_url(kind, slug, settings), settings.base_url))
        for (kind, slug), name in names.items()
    }


def _written(meta: Meta, settings: Settings) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Kind -> the names of groups, as the author wrote them."""
    yield "tag", meta.tags
    yield "author", authors_of(meta, settings)
    yield "series", (meta.series,) if meta.series else ()


def authors_of(meta: Meta, settings: Settings) -> tuple[str, ...]:
    return meta.authors or ((settings.author,) if settings.author else ())


def expand_group_url(kind: str, slug: str, settings: Settings) -> str:
    patterns = {
        "tag": settings.permalinks.tag,
        "author": settings.permalinks.author,
        "series": settings.permalinks.series,
    }
    return urls.expand(patterns[kind], {"slug": slug})


def _post(
    path: str,
    meta: Meta,
    date: dt.datetime | None,
    summary: Summary,
    groups: GroupsByKey,
    settings: Settings,
    zone: ZoneInfo,
    own: str,
    assets: Mapping[str, str],
    pictures: Mapping[str, Picture],
) -> Post:
    cover = cover_path(path, meta)
    tags, authors, series = (
        tuple([groups[kind, slug] for slug in dict.fromkeys(map(slugify, written))])
        for kind, written in _written(meta, settings)
    )
    return Post(
        path=path,
        url=urls.href(own, settings.base_url),
        title=meta.title,
        date=date,
        updated=localize_moment(meta.updated, zone),
        tags=tags,
        authors=authors,
        series=series[0] if series else None,
        description=meta.description,
        excerpt=summary.excerpt,
        plain=summary.plain,
        minutes=summary.minutes,
        image=_image_url(path, meta, own, settings, assets, pictures.get(cover or "")),
        image_alt=meta.image_alt,
        cover=cover if cover in pictures else None,
        canonical=meta.canonical,
        toc=meta.toc,
        draft=meta.draft,
        layout=layout_name(meta.layout),
        extra=meta.extra,
    )


def folder_of(path: str) -> str | None:
    """The folder that belongs to a post of its own; None for a flat post.

    That of ``posts/cat/index.md`` is ``posts/cat/``.
    """
    folder, name = posixpath.split(path)
    if folder + "/" != POSTS_FOLDER and posixpath.splitext(name)[0] == "index":
        return folder + "/"
    return None


def file_url(path: str, folder: str | None, own: str) -> str:
    """Where a file below ``posts/`` is published.

    That is beside the page (URL ``own``) when it lies in the post's own folder, else at its own path.
    """
    if folder is not None and path.startswith(folder):
        return posixpath.join(own if own.endswith("/") else posixpath.dirname(own) + "/", path[len(folder) :])
    return "/" + path


def image_path(path: str, meta: Meta) -> str | None:
    """The source path of a post's ``image``.

    None when it has none or names a URL.
    """
    if meta.image is None or meta.image.startswith("/") or "://" in meta.image:
        return None
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), meta.image))


def asset_name(meta: Meta) -> str | None:
    """The name of the asset that is a post's ``image``; None when it is none."""
    if meta.image is None or not meta.image.startswith(urls.ASSETS):
        return None
    return meta.image.removeprefix(urls.ASSETS)


def cover_path(path: str, meta: Meta) -> str | None:
    """The path of a post's ``image`` from the site's folder.

    None when it is none of the files of posts and assets.
    """
    name = asset_name(meta)
    return image_path(path, meta) if name is None else urls.ASSETS.lstrip("/") + name


def _image_url(
    path: str, meta: Meta, own: str, settings: Settings, assets: Mapping[str, str], picture: Picture | None
) -> str | None:
    if picture is not None and is_scaled(picture, settings.images):
        return social_image(picture, "", lambda url: urls.href(url, settings.base_url)).url
    file = image_path(path, meta)
    asset = assets.get(asset_name(meta) or "")
    if asset is not None:
        return urls.href(asset, settings.base_url)
    if file is not None:
        return urls.href(file_url(file, folder_of(path), own), settings.base_url)
    if meta.image is not None and meta.image.startswith("/") and not meta.image.startswith("//"):
        return urls.href(meta.image, settings.base_url)
    return meta.image
