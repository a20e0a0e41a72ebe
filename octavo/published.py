"""What is published, of all documents, and a digest that stands for it: while that is the same, so is all that the
site knows of its posts but their bodies, and nothing of it need be worked out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, cast

from octavo.buckets import Buckets
from octavo.digest import Digest, digest
from octavo.live import Live, Moderation, live
from octavo.memo import Memo, Records
from octavo.model import Meta, Picture, Post, Settings, Summary
from octavo.naming import Names, as_folder
from octavo.pictures import is_scaled
from octavo.site import Index, Stamps, attachments, stamp
from octavo.wishes import Wishes, wishes


@dataclass(frozen=True)
class Publication:
    """The published posts, the files published beside them (source path -> URL path), and of each post, where there is
    something to say: the posts that its body links to, and what its author wishes for. ``pictures`` are the images of
    which only variants are published."""

    live: Live
    attachments: Mapping[str, str]
    targets: Mapping[str, tuple[str, ...]]
    wishes: Mapping[str, Wishes]
    stamps: Stamps
    pictures: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sources:
    """What a publication is made from. ``read`` gives the front matter of the ``documents``. ``files`` are the paths
    below ``posts/`` that are no sources, ``assets`` the URL paths of assets by name, ``pictures`` what is known of
    images by path, ``measured`` the digest of that."""

    documents: Records
    read: Callable[[], Mapping[str, Meta | None]]
    settings: Settings
    when: Moderation
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
        when = self.when
        return digest(
            (
                self.documents.digest_of("meta", "summary", "targets", "addresses", "files", "pictures"),
                self.settings,
                (when.drafts, when.future),
                tuple(sorted(self.files)),
                tuple(sorted(self.assets.items())),
                self.measured,
            )
        )

    def publish(self, before: Publication | None) -> Publication:
        """``before`` is an earlier publication: the posts that are the same are neither made nor digested again."""
        metas, documents = self.metas, self.documents
        sources = self._sources()
        same = {path for path, stamp in before.stamps.items() if stamp.source == sources.get(path)} if before else ()
        earlier = before.live if before else None
        summary = self._summaries(len(sources) - len(same))
        found, made = live(metas, summary, self.settings, self.when, self.assets, self.pictures, earlier, same)
        scaled = {path for path, each in self.pictures.items() if is_scaled(each, self.settings.images)}
        names = Names(metas, self.settings)
        wished = {path: wishes(path, meta, names) for path in found.urls if (meta := metas[path]) and _has_wishes(meta)}
        files, shown = documents.unusual("files"), documents.unusual("pictures")
        published, hidden = attachments(found, metas, self.files, files, shown, scaled)
        return Publication(
            found,
            published,
            self._targets(found, wished),
            {path: each for path, each in wished.items() if each != Wishes()},
            Stamps(dict(_stamps(found, made, sources, before))),
            hidden,
        )

    def _targets(self, found: Live, wished: Mapping[str, Wishes]) -> dict[str, tuple[str, ...]]:
        """Source path -> the posts that the body links to, by the path of the source or by the address of the page."""
        targets = self.documents.unusual("targets")
        linking = self.documents.unusual("addresses")
        if linking:
            paths = {as_folder(alias): path for path, wish in wished.items() for alias in wish.aliases}
            paths.update((as_folder(url), path) for path, url in found.urls.items())
            for path, addresses in linking.items():
                meant = {paths[as_folder(each)] for each in addresses if as_folder(each) in paths} - {path}
                if meant:
                    targets[path] = tuple(sorted(meant.union(targets.get(path, ()))))
        return targets

    def _sources(self) -> dict[str, bytes]:
        """What stands for the document of each source and the settings."""
        settings, documents = digest(self.settings), self.documents
        return {
            path: settings + documents.digest(path, "meta") + documents.digest(path, "summary") for path in documents
        }

    def _summaries(self, wanted: int) -> Callable[[str], Summary]:
        """The summaries of posts, read at once when most are ``wanted``."""
        if wanted > len(self.documents) // 4:
            return self.documents.column("summary").__getitem__
        return lambda path: cast(Summary, self.documents.load(path, "summary"))


def _has_wishes(meta: Meta) -> bool:
    return bool(meta.aliases or meta.pin or meta.block or meta.block_both) or not meta.related


def _stamps(
    found: Live, made: Collection[str], sources: Mapping[str, bytes], before: Publication | None
) -> Iterator[tuple[str, bytes]]:
    """The stamps of all that is published, as they are kept. Those of posts that were not ``made`` serve again."""
    known = before.live.urls if before is not None else {}
    for path in found.urls:
        if before is None or path not in known:
            yield path, b"".join(stamp(sources[path], found.by_path[path], None, None))
        elif path in made:
            post = before.live.by_path[path]
            yield path, b"".join(stamp(sources[path], found.by_path[path], post, before.stamps[path]))
        else:
            yield path, before.stamps.rows[path]


class Published:
    """A publication by its ``digest``, taken from an earlier build where it is the same, and only when it is needed."""

    def __init__(self, sources: Sources, memo: Memo) -> None:
        self.sources = sources
        self._memo = memo
        basis = sources.digest()
        window: Any = memo.recall("window", basis)
        if window is None or not _holds(window, sources.when.now):
            self.__dict__["publication"] = made = self._publish()
            window = (made.live.since, made.live.until)
            memo.keep("window", basis, window)
        self.digest = digest((basis, window))
        if "publication" in self.__dict__:
            self._keep(made)

    @cached_property
    def publication(self) -> Publication:
        found = self._recalled(self.digest)
        if found is None:
            found = self._publish()
            self._keep(found)
        return found

    def _publish(self) -> Publication:
        return self.sources.publish(self._recalled())

    def _recalled(self, key: Digest | None = None) -> Publication | None:
        """The publication of an earlier build; its posts are read when they are wanted."""
        kept: tuple[Digest, Publication] | None = self._memo.recall("publication", key)
        posts = self._memo.shelf("posts", kept[0]) if kept is not None else None
        return _with_posts(kept[1], posts) if kept is not None and posts is not None else None

    def _keep(self, made: Publication) -> None:
        self._memo.shelve("posts", self.digest, made.live.by_path)
        self._memo.keep("publication", self.digest, (self.digest, _with_posts(made, Buckets(()))))

    @cached_property
    def index(self) -> Index:
        return self._memo.once("index", self.digest, self._index)

    def _index(self) -> Index:
        made = self.publication
        return Index(
            made.live, made.targets, made.attachments, made.wishes, self.sources.settings, made.stamps, made.pictures
        )

    @property
    def live(self) -> Live:
        return self.publication.live


def _with_posts(publication: Publication, posts: Buckets[Post]) -> Publication:
    return replace(publication, live=replace(publication.live, by_path=posts))


def _holds(window: tuple[dt.datetime | None, dt.datetime | None], now: dt.datetime) -> bool:
    since, until = window
    return (since is None or since <= now) and (until is None or now < until)
