"""Posts by what authors call them: source path, address or slug."""

from __future__ import annotations

import posixpath
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from difflib import get_close_matches
from functools import cached_property
from urllib.parse import unquote, urlsplit
from zoneinfo import ZoneInfo

from octavo.base.names import POSTS_FOLDER, SOURCE_ENDINGS
from octavo.content.schema import path_without_date
from octavo.model.documents import Meta
from octavo.model.settings import Settings
from octavo.site.build_posts import localize_moment, plain_paths, post_url

PathsByName = dict[str, list[str]]
"""A name -> the source paths of all that have it, in order."""


class Names:
    """The names of every readable source of a site, published or not.

    A name is, tried in this order: the path of a source; an address, whole or from the site's root, where an old one
    (``aliases``) counts as well; a path without ending and date, from the folder of the post that says it or from
    ``posts/``; a slug, which is the last part of such a path or of an address.
    """

    def __init__(self, metas: Mapping[str, Meta | None], settings: Settings) -> None:
        self._metas = metas
        self._settings = settings

    def find(self, name: str, path: str = "") -> tuple[str, ...]:
        """The source paths that a name in the post at ``path`` may mean.

        There are none, one, or several where it is unclear.
        """
        if name in self._metas:
            return (name,)
        if is_source(name):
            return ()
        if is_address(name):
            return tuple(self._by_address.get(self._address(name), ()))
        name = unicodedata.normalize("NFC", name).removesuffix("/")
        beside = posixpath.normpath(posixpath.join(posixpath.dirname(path), name)).removeprefix(POSTS_FOLDER)
        for plain in (beside, name.removeprefix(POSTS_FOLDER)):
            if plain in self._by_plain:
                return tuple(self._by_plain[plain])
        return tuple(self._by_slug.get(name, ()))

    def suggest(self, name: str) -> str:
        """What a name that means nothing was most likely meant to be.

        It is of the same kind; empty where none is near.
        """
        if is_source(name):
            stem = posixpath.splitext(posixpath.basename(path_without_date(name)))[0]
            stems = {posixpath.basename(plain): path for path, plain in sorted(self._plain.items(), reverse=True)}
            return stems.get(stem) or stems.get(_nearest(stem, stems)) or _nearest(name, self._metas)
        if is_address(name):
            return _nearest(self._address(name), self._by_address)
        return _nearest(name.removeprefix(POSTS_FOLDER), self._by_plain if "/" in name else self._by_slug)

    @cached_property
    def _plain(self) -> dict[str, str]:
        return plain_paths(self._metas)

    @cached_property
    def _by_plain(self) -> PathsByName:
        return _grouped(self._metas, lambda path: (self._plain[path],))

    @cached_property
    def _by_slug(self) -> PathsByName:
        return _grouped(self._metas, self._slugs)

    def _slugs(self, path: str) -> Iterator[str]:
        meta = self._metas[path]
        yield posixpath.basename(self._plain[path])
        if meta is not None and meta.slug:
            yield meta.slug

    @cached_property
    def _by_address(self) -> PathsByName:
        return _grouped(self._metas, self._addresses)

    def _addresses(self, path: str) -> Iterator[str]:
        meta = self._metas[path]
        if meta is not None:
            date = localize_moment(meta.date, ZoneInfo(self._settings.timezone))
            yield as_folder(post_url(self._plain[path], meta, date, self._settings))
            yield from map(as_folder, meta.aliases)

    def _address(self, name: str) -> str:
        """An address as the site's own are kept.

        It is decoded, from the root, without the path of ``base_url``.
        """
        base_url = self._settings.base_url
        for base in (base_url, urlsplit(base_url).path):
            if base and name.startswith(f"{base}/"):
                name = name.removeprefix(base)
                break
        return as_folder(unicodedata.normalize("NFC", unquote(name.partition("#")[0].partition("?")[0])))


def is_source(name: str) -> bool:
    return name.casefold().endswith(SOURCE_ENDINGS) and not is_address(name)


def is_address(name: str) -> bool:
    return name.startswith(("/", "http://", "https://"))


def as_folder(url: str) -> str:
    """``/a/``, ``/a`` and ``/a/index.html`` are one address."""
    return url.removesuffix("index.html").rstrip("/") + "/"


def _grouped(paths: Mapping[str, object], names: Callable[[str], Iterator[str] | tuple[str, ...]]) -> PathsByName:
    paths_of: PathsByName = {}
    for path in sorted(paths):
        for name in dict.fromkeys(names(path)):
            paths_of.setdefault(name, []).append(path)
    return paths_of


def _nearest(name: str, names: Mapping[str, object]) -> str:
    close = get_close_matches(name, sorted(names), n=1, cutoff=0.6)
    return close[0] if close else ""
