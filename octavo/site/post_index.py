"""Published posts by source, group, series and backlinks."""

from __future__ import annotations

import posixpath
from collections.abc import Collection, Iterable, Mapping
from difflib import get_close_matches
from functools import cached_property
from typing import NamedTuple

from octavo.base.digest import DIGEST_BYTES, Digest, digest, digest_bytes
from octavo.base.lazy_mapping import LazyMapping
from octavo.model.documents import Meta
from octavo.model.posts import Card, GroupCount, Link, Neighbours, Post, Series, Year
from octavo.model.settings import Settings
from octavo.site.build_posts import PublishedPosts, file_url, folder_of, image_path
from octavo.site.preferences import RelatedPreferences


class PostDigests(NamedTuple):
    """The digests of a post, of its card and of a link to it.

    The digests of answers about lists of posts are made of these.
    """

    post: Digest
    card: Digest
    link: Digest


class DigestsByPath(LazyMapping[str, PostDigests]):
    """Stamps by path.

    They are kept as ``rows``: the digests of each, one after another.
    """

    def __init__(self, rows: Mapping[str, bytes]) -> None:
        super().__init__(rows, lambda path: _stamp_of(rows[path]))
        self.rows = rows


def _stamp_of(row: bytes) -> PostDigests:
    return PostDigests(row[:DIGEST_BYTES], row[DIGEST_BYTES : 2 * DIGEST_BYTES], row[2 * DIGEST_BYTES :])


def digest_post(post: Post) -> PostDigests:
    return PostDigests(digest(post), digest(make_card(post)), digest(make_link(post)))


class PostIndex:
    """The published posts, in each order and grouping that a page asks about.

    Nothing here changes once it is made.
    """

    def __init__(
        self,
        live: PublishedPosts,
        targets: Mapping[str, tuple[str, ...]],
        attachments: Mapping[str, str],
        wishes: Mapping[str, RelatedPreferences],
        settings: Settings,
        stamps: DigestsByPath,
        pictures: tuple[str, ...] = (),
    ) -> None:
        """Hold what is given; the rest is worked out when it is asked for.

        ``pictures`` are the images beside posts of which only variants are published.
        """
        self.published = live
        self.preferences = wishes
        self.settings = settings
        self.attachments = attachments
        self.targets = targets
        self.stamps = stamps
        self.pictures = pictures

    @cached_property
    def blocked_both_ways(self) -> dict[str, set[str]]:
        """Source path -> the posts that it keeps apart from, in both ways."""
        blocked: dict[str, set[str]] = {}
        for path, preferences in self.preferences.items():
            for other in preferences.block_both if path in self.places else ():
                blocked.setdefault(path, set()).add(other)
                blocked.setdefault(other, set()).add(path)
        return blocked

    @property
    def by_path(self) -> Mapping[str, Post]:
        return self.published.by_path

    def digest_links(self, paths: Iterable[str]) -> Digest:
        """Stands for the links to the posts of some paths."""
        rows = self.stamps.rows
        return digest_bytes(b"".join([rows[path][-DIGEST_BYTES:] for path in paths]))

    def digest_cards(self, paths: Iterable[str]) -> Digest:
        """Stands for the cards of the posts of some paths."""
        rows = self.stamps.rows
        return digest_bytes(b"".join([rows[path][-2 * DIGEST_BYTES : -DIGEST_BYTES] for path in paths]))

    def source_digests(self) -> dict[str, Digest]:
        """A digest for each file below ``posts/``: of all known of it alone."""
        digests = {path: digest(state) for path, state in self.published.states.items()}
        # What is published has a digest that says more than its state, and takes its place.
        digests.update((path, row[:DIGEST_BYTES]) for path, row in self.stamps.rows.items())
        digests.update((path, digest(url)) for path, url in self.attachments.items())
        return digests

    @cached_property
    def places(self) -> dict[str, int]:
        """Source path -> its place among the posts, newest first."""
        return {path: place for place, path in enumerate(self.published.paths)}

    def neighbour_paths(self, path: str) -> tuple[str | None, str | None]:
        """The paths of the posts published just before and just after one."""
        place = self.places.get(path)
        if place is None:
            return None, None
        paths = self.published.paths
        return paths[place + 1] if place + 1 < len(paths) else None, paths[place - 1] if place else None

    def neighbours(self, path: str) -> Neighbours:
        older, newer = [make_link(self.by_path[each]) if each else None for each in self.neighbour_paths(path)]
        return Neighbours(older, newer)

    def neighbour_digests(self) -> dict[str, Digest]:
        return {path: self.neighbours_digest(path) for path in self.places}

    def neighbours_digest(self, path: str) -> Digest:
        rows = self.stamps.rows
        return digest_bytes(
            b"".join(
                [rows[each][-DIGEST_BYTES:] if each else bytes(DIGEST_BYTES) for each in self.neighbour_paths(path)]
            )
        )

    @cached_property
    def groups(self) -> dict[str, dict[str, list[Post]]]:
        """Kind -> slug -> posts, newest first."""
        members: dict[str, dict[str, list[Post]]] = {"tag": {}, "author": {}, "series": {}}
        for post in self.published.posts:
            for kind, groups in (("tag", post.tags), ("author", post.authors), ("series", (post.series,))):
                for group in groups:
                    if group is not None:
                        members[kind].setdefault(group.slug, []).append(post)
        return members

    def count_groups(self, kind: str) -> tuple[GroupCount, ...]:
        groups = self.published.groups
        named = [(groups[kind, slug], len(posts)) for slug, posts in self.groups.get(kind, {}).items()]
        counts = [GroupCount(group.name, group.slug, group.url, count) for group, count in named]
        return tuple(sorted(counts, key=lambda count: (count.name.casefold(), count.slug)))

    def series(self, path: str) -> Series | None:
        if path not in self._in_series:
            return None
        slug, position = self._in_series[path]
        group, parts = self.published.groups["series", slug], reversed(self.groups["series"][slug])
        return Series(group.name, group.url, position, tuple(map(make_link, parts)))

    def series_digest(self, path: str) -> Digest:
        """Stands for the series of a post."""
        if path not in self._in_series:
            return _NOTHING
        slug, position = self._in_series[path]
        return digest((self._series[slug], position))

    @cached_property
    def _in_series(self) -> dict[str, tuple[str, int]]:
        """Source path -> the slug of its series, and which of its parts it is, from 1."""
        return {
            post.path: (slug, len(posts) - place)
            for slug, posts in self.groups["series"].items()
            for place, post in enumerate(posts)
        }

    @cached_property
    def _series(self) -> dict[str, Digest]:
        """What stands for each series, by slug."""
        groups = self.published.groups
        return {
            slug: digest((groups["series", slug], self.digest_links([post.path for post in posts])))
            for slug, posts in self.groups["series"].items()
        }

    def backlink_digests(self) -> dict[str, Digest]:
        return {path: self.digest_links(paths) for path, paths in self.backlinks.items()}

    @cached_property
    def backlinks(self) -> dict[str, list[str]]:
        """Source path -> the paths of the posts that link to it, newest first."""
        linking: dict[str, list[str]] = {}
        for path in self.published.paths:
            for target in self.targets.get(path, ()):
                linking.setdefault(target, []).append(path)
        return linking

    @cached_property
    def archive(self) -> tuple[Year, ...]:
        years: dict[int, list[Link]] = {}
        for post in self.published.posts:
            if post.date is not None:
                years.setdefault(post.date.year, []).append(make_link(post))
        return tuple(Year(year, tuple(years[year])) for year in sorted(years, reverse=True))

    def similar_names(self, path: str) -> tuple[str, ...]:
        """The sources a mistyped path may mean.

        They are those of the same file name elsewhere, else the closest spelling of the path.
        """
        extension = posixpath.splitext(path)[1]
        name = posixpath.basename(path).casefold()
        others = (*self.published.states, *self.attachments, *self.pictures)
        alike = [other for other in others if other.endswith(extension)]
        same = sorted(other for other in alike if posixpath.basename(other).casefold() == name)
        if same:
            return tuple(same[:3])
        # Spelling is compared where it can be close enough, since comparing is slow and broken links may be many.
        near = [other for other in alike if abs(len(other) - len(path)) <= 3 and other[:7] == path[:7]]
        return tuple(get_close_matches(path, near, n=1, cutoff=0.6))


def find_attachments(
    live: PublishedPosts,
    metas: Mapping[str, Meta | None],
    files: Iterable[str],
    references: Mapping[str, tuple[str, ...]],
    images: Mapping[str, tuple[str, ...]],
    scaled: Collection[str],
) -> tuple[dict[str, str], tuple[str, ...]]:
    """The files published with the posts, and the images published otherwise.

    The files are source path -> URL path: all in a post's own folder, and of the files beside a flat post those that a
    published post refers to.

    ``references`` holds the files that each post's body refers to, ``images`` those that it shows as images and nothing
    else: of these, where they are among the ``scaled``, only the variants are published.
    """
    folders: dict[str, str] = {}
    asked: set[str] = set()
    pictured: set[str] = set()
    for path, url in live.urls.items():
        meta = metas[path]
        if meta is None:
            continue
        folder = folder_of(path)
        if folder is not None:
            folders[folder] = url
        asked.update(references.get(path, ()))
        pictured.update(images.get(path, ()))
        image = image_path(path, meta)
        if image is not None:
            pictured.add(image)
    asked.update(path for path in pictured if path not in scaled)
    hidden = {path for path in pictured if path in scaled and path not in asked}
    all_folders = {folder for folder in map(folder_of, metas) if folder is not None}
    published: dict[str, str] = {}
    for path in files:
        if path in hidden:
            continue
        owner = _owner(path, all_folders)
        if owner in folders:
            published[path] = file_url(path, owner, folders[owner])
        elif owner is None and path in asked:
            published[path] = file_url(path, None, "")
    return published, tuple(sorted(hidden.intersection(files)))


def _owner(path: str, folders: set[str]) -> str | None:
    """The innermost post's folder that holds a file."""
    folder = posixpath.dirname(path) + "/"
    while folder != "/":
        if folder in folders:
            return folder
        folder = posixpath.dirname(folder.rstrip("/")) + "/"
    return None


def make_link(post: Post) -> Link:
    return Link(post.title, post.url, post.date)


def make_card(post: Post) -> Card:
    return Card(post.title, post.url, post.date, post.excerpt, post.minutes, post.image, post.cover)


_NOTHING = digest(None)
