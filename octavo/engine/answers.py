"""What every question asked so far was answered with: the digest of each answer, and since when it is that one.

A build has a number, its revision. A run holds as long as no answer it got has changed at a later revision, so most
runs are known to hold without a look at what they asked. (The revisions of Salsa, the engine of rust-analyzer.)
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from octavo.base.digest import DIGEST_BYTES, Digest
from octavo.engine.codec import Codec, codec
from octavo.engine.facts import Basis, Facts, Query, from_text, quoted
from octavo.engine.store import CorruptStore, Store

_CHUNK = 1024
"""Questions in one row of the store."""

_FEW = 50
"""Items that are looked for in questions as they are written; when there are more, the questions are read."""

_LAST_REVISION = (1 << 32) - 2
"""Revisions are kept in four bytes each."""

_BITS = 24
"""A question's number is that of its kind, followed by these many bits for its place in the kind."""


@dataclass
class _Kind:
    """The questions of one kind: their arguments as JSON, and by place the digest of the answer and its revision."""

    base: int
    texts: list[str] = field(default_factory=list)
    digests: bytearray = field(default_factory=bytearray)
    changed: array[int] = field(default_factory=lambda: array("I"))
    places: dict[str, int] = field(default_factory=dict)
    dirty: set[int] = field(default_factory=set)


@dataclass
class _Progress:
    """What is known without reading any question. By kind: how many there are, and the newest revision of any; the
    digest of their basis and the revision when they were last compared. By step: the revision at which all its runs
    held."""

    revision: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    newest: dict[str, int] = field(default_factory=dict)
    bases: dict[str, tuple[Digest, int]] = field(default_factory=dict)
    complete: dict[str, int] = field(default_factory=dict)
    in_use: int = 0


class Answers:
    """The answers as of the build that is under way.

    Questions are read from the store kind by kind, when needed.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        data = store.about("answers")
        if data is None and store.steps():
            raise CorruptStore("what was asked is not known")
        self._progress = _progress(data) if data else _Progress()
        # Also after a build that was killed: the runs that it wrote, with this number, are older than this build.
        self._progress.revision += 1
        self._names = list(self._progress.counts)
        self._kinds: dict[str, _Kind] = {}
        self._compared: set[str] = set()

    def again(self) -> None:
        """Begin the next build, at a revision of its own."""
        self._progress.revision += 1
        self._compared.clear()

    @property
    def revision(self) -> int:
        return self._progress.revision

    def compare(self, facts: Facts) -> None:
        """Find out which answers have changed.

        This is for each kind of question that these facts are the first to answer.

        Of a kind with the same basis as the last time only those are looked at whose items have new values.
        """
        for kind in facts.kinds():
            name = kind.__name__
            if name in self._compared:
                continue
            # Once in a build: the facts of later strata answer the same questions in the same way.
            self._compared.add(name)
            if name in self._progress.counts:
                self._compare(name, facts, self._to_compare(name, facts.basis(kind)))
            # Only now, when the answers are those of this basis: a comparison that fails must be made again.
            basis = facts.basis(kind)
            if basis is None:
                self._progress.bases.pop(name, None)
            else:
                self._progress.bases[name] = (basis.digest, self.revision)

    def _to_compare(self, name: str, basis: Basis | None) -> Iterable[int]:
        """The places of the questions of a kind whose answer may have changed."""
        last = self._progress.bases.get(name)
        if basis is None or last is None or last[0] != basis.digest:
            return range(self._progress.counts[name])
        items = {item for records in basis.records for item in records.since(last[1])}
        if not items:
            return ()
        texts = self._kind(name).texts
        if len(items) > _FEW:
            return [place for place, text in enumerate(texts) if _first(text) in items]
        # What begins so is about the item: a quoted text ends with its quote.
        beginnings = tuple(f"[{quoted(item)}" for item in items)
        return [place for place, text in enumerate(texts) if text.startswith(beginnings)]

    def _compare(self, name: str, facts: Facts, places: Iterable[int]) -> None:
        if not places:
            return
        questions = self._kind(name)
        for place in places:
            answer = facts.digest(_query(name + questions.texts[place]))
            if answer != questions.digests[place * DIGEST_BYTES : (place + 1) * DIGEST_BYTES]:
                self._set(name, questions, place, answer)

    def number(self, question: str, answer: Digest) -> int:
        """The number of a question that was answered in this build.

        ``question`` is as ``query_text`` writes it. Raises CorruptStore when the answer is another than the one that
        all runs were compared with: some of them are not as they should be.
        """
        kind, bracket, arguments = question.partition("[")
        text = bracket + arguments
        questions = self._kind(kind)
        place = questions.places.get(text)
        if place is None:
            place = questions.places[text] = len(questions.texts)
            questions.texts.append(text)
            questions.digests += answer
            questions.changed.append(self.revision)
            questions.dirty.add(place // _CHUNK)
            self._progress.counts[kind] = place + 1
            self._progress.newest[kind] = self.revision
        elif questions.digests[place * DIGEST_BYTES : (place + 1) * DIGEST_BYTES] != answer:
            if kind in self._compared and questions.changed[place] != self.revision:
                # ``compare`` held runs to be good because of the answer as it was.
                raise CorruptStore(f"the answer to {question} changed unnoticed")
            self._set(kind, questions, place, answer)
        return questions.base | place

    def changed_since(self, step: str) -> Mapping[int, int]:
        """The questions answered otherwise since all runs of a step held.

        Number -> revision.
        """
        # Two numbers spare most builds the look at each question: the revision at which all runs of the step held, and
        # the newest of a kind. A run that is newer than ``since`` is compared by its own revision (``Memo._change``).
        since = self._progress.complete.get(step, 0)
        changed: dict[int, int] = {}
        for name, newest in self._progress.newest.items():
            if newest > since:
                questions = self._kind(name)
                changed.update(
                    (questions.base | place, revision)
                    for place, revision in enumerate(questions.changed)
                    if revision > since
                )
        return changed

    def all_hold(self, step: str) -> None:
        """All runs of the step are as of this build."""
        self._progress.complete[step] = self.revision

    def query(self, number: int) -> Query[Any]:
        name, questions, place = self._at(number)
        return _query(name + questions.texts[place])

    def digest(self, number: int) -> Digest:
        _, questions, place = self._at(number)
        return bytes(questions.digests[place * DIGEST_BYTES : (place + 1) * DIGEST_BYTES])

    def _at(self, number: int) -> tuple[str, _Kind, int]:
        """The kind that a question's number names, and its place in it."""
        kind, place = number >> _BITS, number & ((1 << _BITS) - 1)
        if kind >= len(self._names) or place >= self._progress.counts[self._names[kind]]:
            raise CorruptStore("a run asked what is not among the questions")
        return self._names[kind], self._kind(self._names[kind]), place

    def save(self) -> None:
        """Write what is new, within a transaction of the store."""
        for name, questions in self._kinds.items():
            self._store.put_questions(name, ((chunk, _packed(questions, chunk)) for chunk in sorted(questions.dirty)))
            questions.dirty.clear()
        self._store.set_about("answers", codec(_Progress).encode(self._progress))

    def prune(self, in_use: Iterator[array[int]]) -> bool:
        """Whether most of the questions are asked by nobody any more.

        ``in_use`` gives what each run asked; it is looked at only when there are many more questions than the last
        time.
        """
        count = sum(self._progress.counts.values())
        if count <= 2 * self._progress.in_use + 10_000:
            return False
        self._progress.in_use = len({number for numbers in in_use for number in numbers})
        return count > 4 * self._progress.in_use + 10_000

    def _set(self, name: str, questions: _Kind, place: int, answer: Digest) -> None:
        questions.digests[place * DIGEST_BYTES : (place + 1) * DIGEST_BYTES] = answer
        questions.changed[place] = self._progress.newest[name] = self.revision
        questions.dirty.add(place // _CHUNK)

    def _kind(self, name: str) -> _Kind:
        questions = self._kinds.get(name)
        if questions is None:
            questions = self._kinds[name] = self._read(name)
        return questions

    def _read(self, name: str) -> _Kind:
        if name not in self._progress.counts:
            self._names.append(name)
            self._progress.counts[name] = self._progress.newest[name] = 0
        questions = _Kind(self._names.index(name) << _BITS)
        try:
            for data in self._store.questions(name):
                texts, digests, changed = _CHUNKS.decode(data)
                questions.texts += texts.split("\n")
                questions.digests += digests
                questions.changed.frombytes(changed)
        except ValueError as problem:
            raise CorruptStore(f"questions of {name} cannot be read: {problem}") from problem
        if max(questions.changed, default=0) > self.revision:
            raise CorruptStore(f"questions of {name} are of a build to come")
        count = len(questions.texts)
        if (
            count != self._progress.counts[name]
            or len(questions.digests) != DIGEST_BYTES * count
            or len(questions.changed) != count
        ):
            raise CorruptStore(f"questions of {name} are missing")
        questions.places = {text: place for place, text in enumerate(questions.texts)}
        return questions


def _packed(questions: _Kind, chunk: int) -> bytes:
    first, last = chunk * _CHUNK, (chunk + 1) * _CHUNK
    texts = "\n".join(questions.texts[first:last])
    digests = bytes(questions.digests[first * DIGEST_BYTES : last * DIGEST_BYTES])
    return _CHUNKS.encode((texts, digests, questions.changed[first:last].tobytes()))


_CHUNKS: Codec[tuple[str, bytes, bytes]] = codec(tuple[str, bytes, bytes])
"""Some questions of a kind as they are stored: their arguments, the digests of the answers, and the revisions."""


def _progress(data: bytes) -> _Progress:
    try:
        progress: _Progress = codec(_Progress).decode(data)
    except ValueError as problem:
        raise CorruptStore(f"what was asked cannot be read: {problem}") from problem
    revisions = [*progress.newest.values(), *progress.complete.values(), *(last for _, last in progress.bases.values())]
    if (
        progress.counts.keys() != progress.newest.keys()
        or not 0 <= progress.revision < _LAST_REVISION
        or any(not 0 <= revision <= progress.revision for revision in revisions)
        or any(not 0 <= count <= 1 << _BITS for count in progress.counts.values())
    ):
        raise CorruptStore("what was asked does not belong together")
    return progress


def _first(text: str) -> Any:
    """The first argument of a question, of those as they are written."""
    return _decode(text, 1)[0] if text != "[]" else None


_decode = json.JSONDecoder().raw_decode


def _query(text: str) -> Query[Any]:
    try:
        return from_text(text)
    except ValueError as problem:
        raise CorruptStore(str(problem)) from problem


@dataclass(frozen=True, slots=True)
class Revisions:
    """The digests of values by item, of those that are gone too: None.

    ``key`` stands for what they follow from.

    ``changed`` has the revisions of those that were made after ``first``, the revision of all the others.
    """

    key: Digest
    digests: Mapping[str, Digest | None]
    first: int
    changed: Mapping[str, int]

    def since(self, revision: int) -> Iterable[str]:
        """The items whose value was made, or went, after a revision."""
        if self.first > revision:
            return self.digests
        return [item for item, changed in self.changed.items() if changed > revision]


def revised(before: Revisions | None, key: Digest, digests: Mapping[str, Digest], revision: int) -> Revisions:
    """The values as they are now, at a revision, after those of ``before``."""
    if before is None:
        return Revisions(key, digests, revision, {})
    # What is gone stays, as None: that it went is a change, and has a revision for those who asked about it.
    now: dict[str, Digest | None] = {**dict.fromkeys(before.digests), **digests}
    others = (item for item, value in now.items() if value != before.digests.get(item))
    return Revisions(key, now, before.first, {**before.changed, **dict.fromkeys(others, revision)})
