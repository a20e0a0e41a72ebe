"""Running a step on a batch of items, here or in another process.

A worker knows only what it is sent and what it can answer by its own hands (``local``). When a step asks for more,
the item is given back with the queries that were missing; the parent sends the answers and the item is run again.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Protocol

from octavo.digest import Digest, digest, digest_bytes
from octavo.facts import Ask, Fact, Facts, Interrupted, Missing, Query, Reader, Resolver

Step = Callable[[str, Ask], Any]
"""A pure function of an item's name and the answers it asks for; the value is a frozen dataclass."""


class Sink(Protocol):
    """Takes the bytes of a part that is not kept in the store. Picklable: a worker writes by itself."""

    def write(self, item: str, data: bytes, /) -> None: ...


class Local(Protocol):
    """Facts that each process can find by itself, such as functions, which cannot be sent. Picklable."""

    def resolvers(self) -> Mapping[type[Query[Any]], Resolver]: ...


@dataclass(frozen=True, slots=True)
class Answer:
    """A fact on its way to a worker."""

    query: Query[Any]
    digest: Digest
    value: Any


@dataclass(frozen=True, slots=True)
class Job:
    """A batch of items for a worker. ``sunk`` is the part whose bytes go to ``sink``."""

    step: Step
    items: tuple[str, ...]
    answers: tuple[Answer, ...]
    local: Local
    sink: Sink | None = None
    sunk: str = ""


@dataclass(frozen=True, slots=True)
class Done:
    """One run: what was asked, and each part's digest and pickled value, in the order of the value's fields."""

    item: str
    asked: tuple[tuple[Query[Any], Digest], ...]
    digests: tuple[Digest, ...]
    parts: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class Wants:
    """An item that cannot be run without these answers."""

    item: str
    queries: tuple[Query[Any], ...]


def run(step: Step, item: str, facts: Facts, sink: Sink | None = None, sunk: str = "") -> Done:
    """Run a step on one item and take its value apart: each field is digested and pickled on its own.

    Raises Unanswered when a fact that was asked for cannot be had.
    """
    reader = Reader(facts)
    try:
        value = step(item, reader)
    except Interrupted as interrupted:
        raise interrupted.problem from interrupted
    digests: list[Digest] = []
    parts: dict[str, bytes] = {}
    for field in fields(value):
        part = getattr(value, field.name)
        if sink is not None and field.name == sunk:
            digests.append(digest_bytes(part))
            sink.write(item, part)
        else:
            digests.append(digest(part))
            parts[field.name] = pickle.dumps(part, pickle.HIGHEST_PROTOCOL)
    return Done(item, tuple(reader.asked.items()), tuple(digests), parts)


class _SentFacts(Facts):
    """The facts of a worker: what was sent with the batch, and what it finds by itself."""

    def __init__(self, answers: tuple[Answer, ...], local: Mapping[type[Query[Any]], Resolver]) -> None:
        super().__init__(local)
        for answer in answers:
            self._known[answer.query] = _sent(answer)

    def fact(self, query: Query[Any]) -> Fact:
        if query not in self._known and type(query) not in self._resolvers:
            raise Missing((query,))
        return super().fact(query)


def _sent(answer: Answer) -> Fact:
    return Fact(answer.digest, lambda: answer.value)


# What a worker has made once (a parser, an environment) serves its later batches too: a key of `once` holds all that
# the thing was made from, so a kept one can never be the wrong one.
_made_in_this_worker: dict[Any, Any] = {}


def run_job(job: Job) -> list[Done | Wants]:
    """What a worker process does. Answers to one item's questions serve the whole batch."""
    facts = _SentFacts(job.answers, job.local.resolvers())
    facts._made = _made_in_this_worker
    results: list[Done | Wants] = []
    for item in job.items:
        try:
            results.append(run(job.step, item, facts, job.sink, job.sunk))
        except Missing as missing:
            results.append(Wants(item, missing.queries))
    return results
