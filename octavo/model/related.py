"""Related posts: what is compared, what follows from it, and the reasons."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple

from octavo.base.digest import Digest
from octavo.model.values import json_text


class Candidate(NamedTuple):
    """A post as the ranking sees it.

    ``day`` counts from 1970-01-01; ``links`` are the paths it links to.

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
    """Why two posts are related.

    ``share`` is the part of the score, 0 to 1; None for what is not scored. The text is that of ``code`` where its
    author writes it so.
    """

    kind: Literal["term", "tag", "link", "series", "pin", "reach"]
    text: str
    share: float | None = None
    code: bool = False

    @property
    def says_more(self) -> bool:
        """As the function of this name."""
        return says_more(self.kind, self.text, self.code)


def says_more(kind: str, text: str, is_code: bool) -> bool:
    """Whether a reason says more than that two posts share something.

    False for a single word in lower case and for a number, which any two posts may share.
    """
    return is_code or kind == "tag" or " " in text or text != text.lower()


class Relation(NamedTuple):
    """One entry of a post's list of related posts, by path.

    ``score`` is a cosine weighted by nearness in time.
    """

    path: str
    score: float
    reasons: tuple[Reason, ...] = ()


@dataclass(frozen=True)
class RelationsJson:
    """Entries of a list of related posts as JSON, the best first.

    They are text because more are stored than are looked at: ``decode`` gives the entries. Each is an object
    with ``id`` (the path), ``score`` and ``why``: the reasons as objects with ``kind``, ``text`` and, if it is scored,
    ``share``; ``code`` is true for what is code, else not there. The text is fit for a script in HTML.
    """

    text: str = "[]"

    WHOLE: ClassVar[int] = 10_000
    """Parts of a score that are told apart."""

    @classmethod
    def of(cls, entries: Iterable[Relation]) -> RelationsJson:
        """The entries as JSON."""
        return cls(f"[{','.join(map(_relation_text, entries))}]")

    def decode(self) -> tuple[Relation, ...]:
        """The entries.

        The text is read anew at each call, so whoever looks twice keeps them.
        """
        return tuple(map(_relation_of, json.loads(self.text)))

    def first(self, count: int) -> RelationsJson:
        """The first entries."""
        objects = json.loads(self.text)
        return self if len(objects) <= count else self.of(map(_relation_of, objects[:count]))

    def paths(self) -> list[str]:
        """The posts alone."""
        return [entry["id"] for entry in json.loads(self.text)]


def decode_all(pieces: Iterable[RelationsJson]) -> tuple[Relation, ...]:
    """The entries of a list that is stored in pieces."""
    return tuple([entry for piece in pieces for entry in piece.decode()])


def _relation_of(entry: dict[str, Any]) -> Relation:
    """An entry from its JSON object."""
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
    """A related post, by path, as readers are told of it.

    ``reasons`` are phrases in plain words, as HTML; ``terms`` are the words shared.
    """

    path: str
    reasons: tuple[str, ...] = ()
    terms: tuple[str, ...] = ()


@dataclass(frozen=True)
class RelatedList:
    """A post's list of related posts.

    ``first`` are the entries that its page shows by the settings, ``rest`` the others. ``summaries`` are the first ones
    as readers see them: scores and shares change with every post that is written, these seldom do. Each part is stored
    and loaded on its own.
    """

    first: RelationsJson = RelationsJson()
    rest: RelationsJson = RelationsJson()
    summaries: tuple[RelatedSummary, ...] = ()
