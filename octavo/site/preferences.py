"""Related posts that authors pin or block, and what is wrong with that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from octavo.base.diagnostics import Diagnostic, Span, error, warning
from octavo.base.names import UNPUBLISHED
from octavo.content.front_matter_kinds import PIN_AND_BLOCK_KEYS
from octavo.model.documents import Mark, Meta
from octavo.site.build_posts import PublishedPosts, is_standing
from octavo.site.lookup import Names, is_address, is_source


@dataclass(frozen=True)
class RelatedPreferences:
    """What a post's front matter says of its related posts and old addresses.

    ``aliases`` are its old addresses; ``related`` says whether it has related posts. These come first (``pin``), are
    never in its list (``block``), or are so and have it in none of theirs (``block_both``): source paths.
    """

    aliases: tuple[str, ...] = ()
    related: bool = True
    pin: tuple[str, ...] = ()
    block: tuple[str, ...] = ()
    block_both: tuple[str, ...] = ()


def resolve_preferences(path: str, meta: Meta, names: Names) -> RelatedPreferences:
    """The preferences of one post.

    A name that means no post, several, or the post itself is passed over.
    """

    def paths(written: Sequence[str]) -> tuple[str, ...]:
        candidates = [names.find(name, path) for name in written]
        return tuple(dict.fromkeys(each[0] for each in candidates if len(each) == 1 and each[0] != path))

    return RelatedPreferences(meta.aliases, meta.related, paths(meta.pin), paths(meta.block), paths(meta.block_both))


_UNPUBLISHED_HINTS = {
    "draft": "it comes first once it is published",
    "future": "it comes first from its date on",
    "expired": "delete it from 'pin'",
}


def check_preferences(
    live: PublishedPosts, metas: Mapping[str, Meta | None], marks: Mapping[str, Sequence[Mark]], names: Names
) -> Iterator[Diagnostic]:
    """What is wrong with posts that are pinned or blocked, each in place."""
    for path in live.urls:
        meta = metas[path]
        if meta is not None and (meta.pin or meta.block or meta.block_both):
            yield from _Check(path, meta, live, metas, marks[path], names).problems()


class _Check:
    def __init__(
        self,
        path: str,
        meta: Meta,
        live: PublishedPosts,
        metas: Mapping[str, Meta | None],
        marks: Sequence[Mark],
        names: Names,
    ) -> None:
        self._path, self._meta, self._live, self._metas, self._names = path, meta, live, metas, names
        self._places = {mark.key: mark.span for mark in marks}

    def problems(self) -> Iterator[Diagnostic]:
        said: dict[str, tuple[str, str]] = {}
        for key in PIN_AND_BLOCK_KEYS:
            for number, name in enumerate(getattr(self._meta, key)):
                place = self._place(key, number)
                paths = self._names.find(name, self._path)
                problem = self._problem(name, paths, place) or self._other(key, name, paths[0], place, said)
                if problem is not None:
                    yield problem
                elif paths:
                    said[paths[0]] = (key, name)

    def _place(self, key: str, number: int) -> Span | None:
        keys = (f"related.{key}.{number}", f"related.{key}", "related")
        return next((self._places[each] for each in keys if each in self._places), None)

    def _problem(self, name: str, paths: Sequence[str], place: Span | None) -> Diagnostic | None:
        """A name that does not stand for one other post."""
        if not paths:
            near = self._names.suggest(name)
            hint = f"did you mean {near!r}?" if near else "write its path, its address or its slug"
            what = "at" if is_source(name) or is_address(name) else "called"
            return error(self._path, place, "related", f"no post {what} '{name}'", hint)
        if len(paths) > 1:
            message = f"'{name}' may be {' or '.join(paths[:3])}"
            return error(self._path, place, "related", message, f"write {paths[0]!r}")
        if paths[0] == self._path:
            return error(self._path, place, "related", f"'{name}' is this post", "delete it")
        if is_standing(self._metas[paths[0]]):
            hint = "delete it: pages are in no list"
            return error(self._path, place, "related", f"'{name}' is a page, which is related to nothing", hint)
        return None

    def _other(
        self, key: str, name: str, path: str, place: Span | None, said: Mapping[str, tuple[str, str]]
    ) -> Diagnostic | None:
        """A wish that another one makes void, or that cannot come true now."""
        other_key, other = said.get(path, ("", ""))
        if other_key == "pin" and key != "pin":
            hint = "keep it in one of the two lists"
            return error(self._path, place, "related", f"'{name}' is both pinned and blocked", hint)
        if other_key:
            message = f"'{name}' is the same post as '{other}'" if name != other else f"'{name}' is blocked already"
            return warning(self._path, place, "related", message, "delete one of them")
        meta, state = self._metas[path], self._live.states[path]
        if key != "pin" or meta is None:
            return None
        if state in UNPUBLISHED:
            message = f"'{name}' is {UNPUBLISHED[state]}, so it is not shown"
            return warning(self._path, place, "related", message, _UNPUBLISHED_HINTS[state])
        if not meta.related:
            hint = "delete it here, or 'related: false' there"
            return warning(self._path, place, "related", f"'{name}' is in no list: it says 'related: false'", hint)
        if any(self._names.find(each, path) == (self._path,) for each in meta.block_both):
            hint = "delete it here, or from 'block_both' there"
            return warning(self._path, place, "related", f"'{name}' blocks this post in both ways", hint)
        return None
