"""Related posts: what is compared, what follows from it, and the reasons."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple, overload

from octavo.base.digest import Digest
from octavo.model.values import json_text

# Related articles.


class Candidate(NamedTuple):
    """A post as the ranking sees it. ``day`` counts from 1970-01-01; ``links`` are the paths it links to.

    ``terms`` is the digest of its Terms, which are asked for where they changed, ``spelling`` that of its spelling.
    ``pin`` and ``block`` are paths, ``block`` of all posts that the list leaves out; a post that is not ``related`` has
    no list and is in none.
    """

    path: str
    title: str
    day: int | None
    terms: Digest
    spelling: Digest = b""
    tags: tuple[str, ...] = ()
    links: tuple[str, ...] = ()
    series: str | None = None
    pin: tuple[str, ...] = ()
    block: tuple[str, ...] = ()
    related: bool = True


class Reason(NamedTuple):
    """Why two posts are related. ``share`` is the part of the score, 0 to 1; None for what is not scored. The text is
    that of ``code`` where its author writes it so."""

    kind: Literal["term", "tag", "link", "series", "pin", "reach"]
    text: str
    share: float | None = None
    code: bool = False

    @property
    def says_more(self) -> bool:
        return says_more(self.kind, self.text, self.code)


def says_more(kind: str, text: str, is_code: bool) -> bool:
    """False for a single word in lower case and for a number, which any two posts may share."""
    return is_code or kind == "tag" or " " in text or text != text.lower()


class Relation(NamedTuple):
    """One entry of a post's list of related posts, by path. ``score`` is a cosine weighted by nearness in time."""

    path: str
    score: float
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True)
class Relations(Sequence[Relation]):
    """Entries of a list, the best first, as JSON: more are stored than are looked at.

    Each is an object with ``id`` (the path), ``score`` and ``why``: the reasons as objects with ``kind``, ``text`` and,
    if it is scored, ``share``; ``code`` is true for what is code, else not there. The text is fit for a script in HTML.
    """

    text: str = "[]"

    WHOLE: ClassVar[int] = 10_000
    """Parts of a score that are told apart."""

    @overload
    def __getitem__(self, at: int) -> Relation: ...
    @overload
    def __getitem__(self, at: slice) -> tuple[Relation, ...]: ...
    def __getitem__(self, at: int | slice) -> Relation | tuple[Relation, ...]:
        found = json.loads(self.text)[at]
        return tuple(map(self.read, found)) if isinstance(at, slice) else self.read(found)

    def __iter__(self) -> Iterator[Relation]:
        return map(self.read, json.loads(self.text))

    def __len__(self) -> int:
        return len(json.loads(self.text))

    @classmethod
    def of(cls, entries: Iterable[Relation]) -> Relations:
        return cls(f"[{','.join(map(_relation_text, entries))}]")

    def first(self, count: int) -> Relations:
        """The first entries."""
        found = json.loads(self.text)
        return self if len(found) <= count else self.of(map(self.read, found[:count]))

    def paths(self) -> list[str]:
        """The posts alone."""
        return [entry["id"] for entry in json.loads(self.text)]

    @staticmethod
    def read(entry: dict[str, Any]) -> Relation:
        """An entry from JSON."""
        return Relation(entry["id"], entry["score"], tuple(Reason(**reason) for reason in entry["why"]))


def _relation_text(entry: Relation) -> str:
    """An entry as JSON. There are so many that it is put together here: an encoder takes twice as long."""
    path, score, reasons = entry
    why = ",".join(map(_reason_text, reasons)) if reasons else ""
    return f'{{"id":{json_text(path)},"score":{score!r},"why":[{why}]}}'


def _reason_text(reason: Reason) -> str:
    kind, text, share, code = reason
    is_code = ',"code":true' if code else ""
    carried = "" if share is None else f',"share":{share!r}'
    return f'{{"kind":"{kind}","text":{json_text(text)}{is_code}{carried}}}'


@dataclass(frozen=True)
class RelatedSummary:
    """A related post, by path, as readers are told of it. ``reasons`` are phrases in plain words, as HTML; ``terms``
    are the words shared."""

    path: str
    reasons: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()


@dataclass(frozen=True)
class RelatedList:
    """A post's list of related posts: the ``first`` entries, which its page shows by the settings, and the ``rest``.
    ``offers`` are the first ones as readers see them: scores and shares change with every post that is written, these
    seldom do. Each part is stored and loaded on its own."""

    first: Relations = Relations()
    rest: Relations = Relations()
    offers: tuple[RelatedSummary, ...] = ()
