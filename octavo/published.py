"""What is published, of all documents, and a digest that stands for it: while that is the same, so is all that the
site knows of its posts but their bodies, and nothing of it need be worked out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

from octavo.digest import Digest, digest
from octavo.live import Live, Moderation, live
from octavo.memo import Memo, Records
from octavo.model import Meta, Picture, Post, Settings, Summary
from octavo.naming import Names, as_folder
from octavo.pictures import is_scaled
from octavo.site import Index, Stamp, attachments, stamp
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
    stamps: Mapping[str, Stamp]
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
        found = live(metas, summary, self.settings, self.when, self.assets, self.pictures, earlier, same)
        scaled = {path for path, each in self.pictures.items() if is_scaled(each, self.settings.images)}
        posts = found.by_path()
        names = Names(metas, self.settings)
        wished = {path: wishes(path, meta, names) for path in posts if (meta := metas[path]) is not None}
        files, shown = documents.unusual("files"), documents.unusual("pictures")
        published, hidden = attachments(found, metas, self.files, files, shown, scaled)
        return Publication(
            found,
            published,
            self._targets(found, wished),
            {path: each for path, each in wished.items() if each != Wishes()},
            dict(_stamps(posts, sources, before)),
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


def _stamps(
    posts: Mapping[str, Post], sources: Mapping[str, bytes], before: Publication | None
) -> Iterator[tuple[str, Stamp]]:
    known = before.live.by_path() if before else {}
    stamps: Mapping[str, Stamp] = before.stamps if before else {}
    for path, post in posts.items():
        yield path, stamp(sources[path], post, known.get(path), stamps.get(path))


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
            memo.keep("publication", self.digest, made)

    @cached_property
    def publication(self) -> Publication:
        found: Publication | None = self._memo.recall("publication", self.digest)
        if found is None:
            found = self._publish()
            self._memo.keep("publication", self.digest, found)
        return found

    def _publish(self) -> Publication:
        return self.sources.publish(self._memo.recall("publication"))

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


def _holds(window: tuple[dt.datetime | None, dt.datetime | None], now: dt.datetime) -> bool:
    since, until = window
    return (since is None or since <= now) and (until is None or now < until)
