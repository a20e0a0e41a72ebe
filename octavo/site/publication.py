"""The publication: what is published, of all documents, and its digest.

While the digest is the same, so is all that the site knows of its posts but their bodies, and nothing of it need be
worked out.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import cast

from octavo.base.digest import DIGEST_BYTES, Digest, digest
from octavo.engine.memo import Memo
from octavo.engine.records import Records
from octavo.engine.sharded_map import Buckets
from octavo.engine.store import CorruptStore
from octavo.images.variants import is_scaled
from octavo.model.documents import Meta, Summary
from octavo.model.images import Picture
from octavo.model.posts import Group, Post
from octavo.model.settings import Settings
from octavo.site.build_posts import (
    PublishedPosts,
    PublishPolicy,
    PublishState,
    build_posts,
    has_same_placement,
    is_within,
    patch_posts,
)
from octavo.site.lookup import Names, as_folder
from octavo.site.post_index import DigestsByPath, PostDigests, PostIndex, digest_post, find_attachments
from octavo.site.preferences import RelatedPreferences, resolve_preferences


@dataclass(frozen=True)
class SourceDigests:
    """Digests of what a publication was made from.

    ``rows`` have, by path, those of the front matter and the summary of each source, and of the settings; ``around``
    stands for all else but the clock.
    """

    rows: Mapping[str, bytes]
    around: Digest

    def meta(self, path: str) -> Digest:
        return self.rows[path][:DIGEST_BYTES]


@dataclass(frozen=True)
class Publication:
    """The published posts, and what is known of them together.

    ``attachments`` are the files published beside them (source path -> URL path). ``targets`` has the posts that the
    body of each links to, ``preferences`` what its author wishes for, both where there is something to say.
    ``pictures`` are the images of which only variants are published.
    """

    published: PublishedPosts
    attachments: Mapping[str, str]
    targets: Mapping[str, tuple[str, ...]]
    preferences: Mapping[str, RelatedPreferences]
    stamps: DigestsByPath
    source_digests: SourceDigests
    pictures: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Kept:
    """A publication as it is stored, with a digest that stands for it.

    Its posts are not in it, for they are stored in pieces of their own.
    """

    digest: Digest
    paths: tuple[str, ...]
    standing: tuple[str, ...]
    urls: dict[str, str]
    states: dict[str, PublishState]
    instants: dict[str, dt.datetime]
    groups: dict[tuple[str, str], Group]
    since: dt.datetime | None
    until: dt.datetime | None
    attachments: dict[str, str]
    targets: dict[str, tuple[str, ...]]
    wishes: dict[str, RelatedPreferences]
    stamps: dict[str, bytes]
    made_of: SourceDigests
    pictures: tuple[str, ...]

    @classmethod
    def of(cls, digest: Digest, publication: Publication) -> _Kept:
        live = publication.published
        return cls(
            digest,
            live.paths,
            live.standing_paths,
            dict(live.urls),
            dict(live.states),
            dict(live.instants),
            dict(live.groups),
            live.since,
            live.until,
            dict(publication.attachments),
            dict(publication.targets),
            dict(publication.preferences),
            dict(publication.stamps.rows),
            publication.source_digests,
            publication.pictures,
        )

    def publication(self, posts: Buckets[Post]) -> Publication:
        """Put it together again, with the posts by path.

        Raises CorruptStore where its parts do not belong together: the cache may be damaged, or a stranger's.
        """
        is_whole = all(len(row) == len(PostDigests._fields) * DIGEST_BYTES for row in self.stamps.values())
        if not (
            is_whole and self.urls.keys() == self.stamps.keys() == {*self.paths, *self.standing} <= self.states.keys()
        ):
            raise CorruptStore("what is published does not belong together")
        live = PublishedPosts(
            self.paths,
            self.standing,
            posts,
            self.urls,
            self.states,
            self.instants,
            self.groups,
            self.since,
            self.until,
        )
        return Publication(
            live, self.attachments, self.targets, self.wishes, DigestsByPath(self.stamps), self.made_of, self.pictures
        )


_Window = tuple[dt.datetime | None, dt.datetime | None]
"""From when, and until before when, the same is published; None means for ever."""


@dataclass(frozen=True)
class PublicationSources:
    """What a publication is made from.

    ``read`` gives the front matter of the ``documents``, ``read_before`` what that gave when it was called the last
    time. ``files`` are the paths below ``posts/`` that are no sources, ``assets`` the
    URL paths of assets by name, ``pictures`` what is known of images by path, ``measured`` the digest of that.
    """

    documents: Records
    read: Callable[[], Mapping[str, Meta | None]]
    read_before: Callable[[], Mapping[str, Meta | None]]
    settings: Settings
    policy: PublishPolicy
    files: Iterable[str]
    assets: Mapping[str, str]
    pictures: Mapping[str, Picture]
    measured: Digest

    @cached_property
    def metas(self) -> Mapping[str, Meta | None]:
        """The front matter of every source, by path; None for a broken one."""
        return self.read()

    def digest(self) -> Digest:
        """Stands for all of it but the clock."""
        return digest((self.documents.digest_of("meta", "summary"), self._around))

    @cached_property
    def _around(self) -> Digest:
        """Stands for all of it but the front matter, the summaries and the clock."""
        when = self.policy
        return digest(
            (
                self.documents.digest_of("targets", "addresses", "files", "pictures"),
                self.settings,
                (when.include_drafts, when.include_scheduled),
                tuple(sorted(self.files)),
                tuple(sorted(self.assets.items())),
                self.measured,
            )
        )

    def publish(self, before: Publication | None) -> Publication:
        """Make the publication.

        ``before`` is an earlier one: the posts that are the same are neither made nor digested again.
        """
        made_of = self._made_of()
        return (before and self._told_anew(before, made_of)) or self._decided(before, made_of)

    def _told_anew(self, before: Publication, made_of: SourceDigests) -> Publication | None:
        """The earlier publication with a few posts that say otherwise.

        None where more has changed than that: a post's state, address or place among the others decides what is said of
        other posts, so such a change needs ``_decided``.
        """
        was, now = before.source_digests, made_of
        if (was.around, was.rows.keys()) != (now.around, now.rows.keys()) or not before.published.holds(
            self.policy.now
        ):
            return None
        changed = [path for path, row in now.rows.items() if row != was.rows[path]]
        if len(changed) > _FEW:
            return None
        earlier, metas = self.read_before(), self.metas
        for path in changed:
            one, other = earlier.get(path), metas[path]
            # What was read before may be younger than the publication, if the build ended in between.
            if one is None or other is None or digest(one) != was.meta(path) or not has_same_placement(one, other):
                return None
        edited = {path: meta for path in changed if path in before.published.urls and (meta := metas[path]) is not None}
        live = patch_posts(
            before.published, edited, self._summaries(len(edited)), self.settings, self.assets, self.pictures
        )
        rows = {**before.stamps.rows, **{path: b"".join(digest_post(live.by_path[path])) for path in edited}}
        return replace(before, published=live, stamps=DigestsByPath(rows), source_digests=now)

    def _decided(self, before: Publication | None, made_of: SourceDigests) -> Publication:
        metas, documents, rows = self.metas, self.documents, made_of.rows
        same = {path for path, row in before.source_digests.rows.items() if row == rows.get(path)} if before else ()
        earlier = before.published if before else None
        summary = self._summaries(len(rows) - len(same))
        live, built_paths = build_posts(
            metas, summary, self.settings, self.policy, self.assets, self.pictures, earlier, same
        )
        scaled = {path for path, each in self.pictures.items() if is_scaled(each, self.settings.images)}
        names = Names(metas, self.settings)
        preferences = {
            path: resolve_preferences(path, meta, names)
            for path in live.urls
            if (meta := metas[path]) and _has_wishes(meta)
        }
        references, images = documents.non_default("files"), documents.non_default("pictures")
        published, hidden = find_attachments(live, metas, self.files, references, images, scaled)

        def stamp_of(path: str) -> bytes:
            # Equal posts from different sources may still be written in two ways, such as a moment in two zones.
            is_rebuilt = path in built_paths
            post_before = (
                before.published.by_path.get(path) if before is not None and is_rebuilt and path in same else None
            )
            if before is not None and (not is_rebuilt or post_before == live.by_path[path]):
                return before.stamps.rows[path]
            return b"".join(digest_post(live.by_path[path]))

        return Publication(
            live,
            published,
            self._targets(live, preferences),
            {path: each for path, each in preferences.items() if each != RelatedPreferences()},
            DigestsByPath({path: stamp_of(path) for path in live.urls}),
            made_of,
            hidden,
        )

    def _targets(
        self, live: PublishedPosts, preferences: Mapping[str, RelatedPreferences]
    ) -> dict[str, tuple[str, ...]]:
        """Source path -> the posts that the body links to.

        It may do so by the path of the source or by the address of the page.
        """
        targets = self.documents.non_default("targets")
        linking = self.documents.non_default("addresses")
        if linking:
            paths = {as_folder(alias): path for path, each in preferences.items() for alias in each.aliases}
            paths.update((as_folder(url), path) for path, url in live.urls.items())
            for path, addresses in linking.items():
                meant = {paths[as_folder(each)] for each in addresses if as_folder(each) in paths} - {path}
                if meant:
                    targets[path] = tuple(sorted(meant.union(targets.get(path, ()))))
        return targets

    def _made_of(self) -> SourceDigests:
        settings, documents = digest(self.settings), self.documents
        metas, summaries = documents.digests("meta"), documents.digests("summary")
        return SourceDigests({path: metas[path] + summaries[path] + settings for path in documents}, self._around)

    def _summaries(self, count: int) -> Callable[[str], Summary]:
        """The summaries of posts, read at once when many of them will be asked for."""
        if count > len(self.documents) // 4:
            return self.documents.column("summary").__getitem__
        return lambda path: cast(Summary, self.documents.load(path, "summary"))


def _has_wishes(meta: Meta) -> bool:
    return bool(meta.aliases or meta.pin or meta.block or meta.block_both) or not meta.related


_FEW = 50
"""Posts that may say otherwise in a publication that is told anew."""


class CachedPublication:
    """A publication by its ``digest``.

    It is taken from an earlier build where it is the same, and only when it is needed.
    """

    def __init__(self, sources: PublicationSources, memo: Memo) -> None:
        self.sources = sources
        self._memo = memo
        basis = sources.digest()
        window: _Window | None = memo.recall("window", _Window, basis)
        if window is None or not is_within(window, sources.policy.now):
            # Until when it holds is known only once it is made; so it is set where the cached property would.
            self.__dict__["publication"] = publication = self._publish()
            window = (publication.published.since, publication.published.until)
            memo.keep("window", _Window, basis, window)
        # The clock counts by the window it is in: while that is the same, so is what is published.
        self.digest = digest((basis, window))
        if "publication" in self.__dict__:
            self._keep(publication)

    @cached_property
    def publication(self) -> Publication:
        publication = self._recalled(self.digest)
        if publication is None:
            publication = self._publish()
            self._keep(publication)
        return publication

    def _publish(self) -> Publication:
        return self.sources.publish(self._recalled())

    def _recalled(self, key: Digest | None = None) -> Publication | None:
        """The publication of an earlier build; its posts are read when needed.

        Without a ``key`` it is the last one, whatever it was made from.
        """
        stored: _Kept | None = self._memo.recall("publication", _Kept, key)
        posts = self._memo.shelf("posts", Post, stored.digest) if stored is not None else None
        return stored.publication(posts) if stored is not None and posts is not None else None

    def _keep(self, publication: Publication) -> None:
        self._memo.shelve("posts", self.digest, publication.published.by_path)
        self._memo.keep("publication", _Kept, self.digest, _Kept.of(self.digest, publication))

    @cached_property
    def index(self) -> PostIndex:
        return self._memo.once("index", self.digest, self._index)

    def _index(self) -> PostIndex:
        publication = self.publication
        return PostIndex(
            publication.published,
            publication.targets,
            publication.attachments,
            publication.preferences,
            self.sources.settings,
            publication.stamps,
            publication.pictures,
        )

    @property
    def published(self) -> PublishedPosts:
        return self.publication.published
