"""Running a step on a batch of items, here or in another process.

A worker that inherits the facts of its parent lacks only the parts of values that are kept in the store; any other
knows only what it is sent and what it can answer by its own hands (``local``). When a step asks for more, the item is
given back with what was missing; the parent sends it and the item is run again.
"""

from __future__ import annotations

import gc
import time
from array import array
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, dataclass, fields
from functools import cache
from typing import Any, NamedTuple, Protocol

from octavo.base.digest import DIGEST_BYTES, Digest, digest, digest_bytes
from octavo.engine.codec import field_codecs
from octavo.engine.facts import Ask, Fact, Facts, Interrupted, Missing, Query, Reader, Resolver, query_text

Step = Callable[[str, Ask], Any]
"""A pure function of an item's name and the answers it asks for; the value is a frozen dataclass."""


class Sink(Protocol):
    """Takes the bytes of a part that is not kept in the store.

    Picklable: a worker writes by itself.
    """

    def write(self, item: str, data: bytes, /) -> None: ...


class Local(Protocol):
    """Facts that each process can find by itself. Picklable.

    Such as functions, which cannot be sent.
    """

    def resolvers(self) -> Mapping[type[Query[Any]], Resolver]: ...

    def portable(self) -> Local:
        """The same for a process on another machine.

        That may give an item back when it cannot find one.
        """
        ...


@dataclass(frozen=True, slots=True)
class Answer:
    """A fact on its way to a worker."""

    query: Query[Any]
    digest: Digest
    value: Any


@dataclass(frozen=True, slots=True)
class Job:
    """A batch of items for a worker.

    ``sunk`` is the part whose bytes go to ``sink``, or back when there is none.
    """

    step: Step
    items: tuple[str, ...]
    answers: tuple[Answer, ...]
    local: Local
    sink: Sink | None = None
    sunk: str = ""


class Asked:
    """What the runs of a batch asked, each question once.

    As it is written, and the digest of its answer. Most runs ask much the same, and all of it is to be sent and looked
    up.
    """

    def __init__(self) -> None:
        self.questions: list[str] = []
        self.answers: list[Digest] = []
        self._places: dict[Query[Any], int] = {}

    def places(self, facts: Mapping[Query[Any], Fact]) -> array[int]:
        """The places of the questions of one run."""
        places, answers = self._places, self.answers
        run_places = array("I")
        for query, fact in facts.items():
            place = places.get(query)
            # What is asked twice has one answer. If not, whoever is told of both finds it out.
            if place is None or answers[place] != fact.digest:
                place = places[query] = len(answers)
                answers.append(fact.digest)
                self.questions.append(query_text(query))
            run_places.append(place)
        return run_places

    def __reduce__(self) -> tuple[Any, ...]:
        return _asked, (self.questions, b"".join(self.answers))


def _asked(questions: list[str], answers: bytes) -> Asked:
    asked = Asked()
    asked.questions = questions
    asked.answers = [answers[n : n + DIGEST_BYTES] for n in range(0, len(answers), DIGEST_BYTES)]
    return asked


class Done(NamedTuple):
    """One run of a step on one item.

    It has the places of its questions in what its batch ``asked``; and the digests of the value's parts, in the order
    of its fields, with those parts as bytes that are not what they are by default. ``seconds`` is how long it took; it
    is not kept.
    """

    item: str
    asked: Asked
    places: array[int]
    digests: bytes
    parts: Mapping[str, bytes]
    seconds: float = 0.0

    @property
    def questions(self) -> Iterator[str]:
        return (self.asked.questions[place] for place in self.places)


@dataclass(frozen=True, slots=True)
class Wants:
    """An item that cannot be run without these answers."""

    item: str
    queries: tuple[Query[Any], ...]


def run(step: Step, item: str, facts: Facts, asked: Asked, sink: Sink | None = None, sunk: str = "") -> Done:
    """Run a step on one item and take its value apart.

    Each field is digested and written on its own.

    Raises Unanswered when a fact that was asked for cannot be had.
    """
    begun = time.perf_counter()
    reader = Reader(facts)
    try:
        value = step(item, reader)
    except Interrupted as interrupted:
        # Out of the step, so out of reach of what layouts and extensions catch: an Exception again.
        raise interrupted.problem from interrupted
    digests, parts = take_apart(value, item, sink, sunk)
    return Done(item, asked, asked.places(reader.facts), digests, parts, time.perf_counter() - begun)


def take_apart(value: Any, item: str, sink: Sink | None = None, sunk: str = "") -> tuple[bytes, dict[str, bytes]]:
    """The digests of a value's parts, and the bytes of some.

    Those that are what they are by default have no bytes. The part ``sunk`` is bytes already.
    """
    digests: list[Digest] = []
    parts: dict[str, bytes] = {}
    for name, usual_digest, usual, encode in _shape(type(value)):  # type: ignore[arg-type]
        part = getattr(value, name)
        if name == sunk and sink is not None:
            part_digest = digest_bytes(part)
            sink.write(item, part)
        elif part is usual and name != sunk:
            part_digest = usual_digest
        else:
            part_digest = digest(part)
            if part_digest != usual_digest or name == sunk:
                parts[name] = part if name == sunk else encode(part)
        digests.append(part_digest)
    return b"".join(digests), parts


@cache
def _shape(kind: type) -> tuple[tuple[str, Digest, Any, Callable[[Any], bytes]], ...]:
    """The parts of a step's value by name, each with what it is by default, and what writes it. What has no default is
    never like it."""
    usual, codecs = defaults(kind), field_codecs(kind)
    names = [field.name for field in fields(kind)]
    return tuple((name, *usual.get(name, (b"", MISSING)), codecs[name].encode) for name in names)


@cache
def defaults(kind: type) -> Mapping[str, tuple[Digest, Any]]:
    """Part -> (digest, value) for the parts that have a default.

    Most values have it, and it is not stored.
    """
    return {
        field.name: (digest(field.default), field.default) for field in fields(kind) if field.default is not MISSING
    }


PartKey = tuple[str, str, str]
"""The step, the item and the name of a part."""


class Part(Query[bytes]):
    """A stored part of a value, as a worker asks its parent for it.

    No step does.
    """

    step: str
    item: str
    part: str


class Stock(Protocol):
    """Where the stored parts of values are."""

    def part(self, step: str, item: str, part: str, /) -> bytes: ...

    def all_parts(self, step: str, part: str, /) -> Iterator[tuple[str, bytes]]: ...


class Shelf:
    """The stored parts as all facts of a process find them.

    In the store, or, in a process that inherits the facts, among those that were sent with the batch.
    """

    def __init__(self, stock: Stock) -> None:
        self._stock = stock
        self._sent: Mapping[PartKey, bytes] | None = None

    def part(self, step: str, item: str, part: str) -> bytes:
        if self._sent is None:
            return self._stock.part(step, item, part)
        data = self._sent.get((step, item, part))
        if data is None:
            raise Missing((Part(step, item, part),))
        return data

    def column(self, step: str, part: str) -> Iterator[tuple[str, bytes]]:
        """(item, bytes) of one part of every item that has one stored.

        An heir is never sent so much.
        """
        if self._sent is None:
            return self._stock.all_parts(step, part)
        raise Missing((Part(step, "", part),))

    def holds_only(self, sent: Mapping[PartKey, bytes]) -> None:
        self._sent = sent


@dataclass(frozen=True, slots=True)
class ForkContext:
    """What a process inherits from the parent that it is a copy of."""

    step: Step
    facts: Facts
    shelf: Shelf
    sink: Sink | None
    sunk: str


MOST_HELD = 5_000
"""Answers that are held from batch to batch: most are about one item and not asked again."""

# What the fork hands over: the parent gives it as an argument of the process, and facts, parsers and compiled layouts
# are in the copy's memory as they were in the parent's. Nothing of it is pickled, and most of it could not be.
_inherited: list[ForkContext] = []


def inherit(context: ForkContext) -> None:
    """The first thing that an heir does.

    What it inherits is never garbage, so it is not searched for any.
    """
    # The parent froze what it had before the fork; this adds what was made on the way here (the pool's own objects).
    gc.freeze()
    _inherited[:] = [context]


def run_inherited(items: tuple[str, ...], parts: Mapping[PartKey, bytes]) -> list[Done | Wants]:
    """What a copy of this process does with a batch.

    ``parts`` are those that it is likely to need.
    """
    (context,) = _inherited
    # From now on this process's shelf, and so every fact that reads from it, has what was sent and nothing else.
    context.shelf.holds_only(parts)
    context.facts.forget(MOST_HELD)
    return _run_all(context.step, items, context.facts, context.sink, context.sunk)


def _run_all(step: Step, items: tuple[str, ...], facts: Facts, sink: Sink | None, sunk: str) -> list[Done | Wants]:
    results: list[Done | Wants] = []
    asked = Asked()
    for item in items:
        try:
            results.append(run(step, item, facts, asked, sink, sunk))
        except Missing as missing:
            results.append(Wants(item, missing.queries))
    return results


class _SentFacts(Facts):
    """The facts of a worker: what was sent with the batch, and what it finds by itself."""

    def __init__(self, answers: tuple[Answer, ...], local: Mapping[type[Query[Any]], Resolver]) -> None:
        super().__init__(local)
        for answer in answers:
            self._answers[answer.query] = _sent(answer)

    def fact(self, query: Query[Any]) -> Fact:
        if query not in self._answers and type(query) not in self._resolvers:
            raise Missing((query,))
        return super().fact(query)


def _sent(answer: Answer) -> Fact:
    return Fact(answer.digest, lambda: answer.value)


# What a worker has made once (a parser, an environment) serves its later batches too: a key of `once` holds all that
# the thing was made from, so a kept one can never be the wrong one.
_made_in_this_worker: dict[Any, Any] = {}


def run_job(job: Job) -> list[Done | Wants]:
    """What a worker process does.

    Answers to one item's questions serve the whole batch.
    """
    facts = _SentFacts(job.answers, job.local.resolvers())
    # Facts are new with each batch, for what was sent may differ; what they made is not.
    facts._made = _made_in_this_worker
    return _run_all(job.step, job.items, facts, job.sink, job.sunk)
