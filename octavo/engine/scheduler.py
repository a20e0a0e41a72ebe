"""Running what is stale: here, in copies of this process, or in processes elsewhere.

A copy inherits all that this process knows, and is sent batches of items with the stored parts that they need. Where
no copy can be made, other processes are sent the facts themselves.
"""

from __future__ import annotations

import gc
from collections import Counter, deque
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Executor, Future, wait
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from octavo.engine.facts import Facts, Query, from_text
from octavo.engine.worker import (
    MOST_HELD,
    Answer,
    Asked,
    Done,
    ForkContext,
    Job,
    Local,
    Part,
    PartKey,
    Shelf,
    Sink,
    Step,
    Wants,
    inherit,
    run,
    run_inherited,
    run_job,
)

T = TypeVar("T")
P = TypeVar("P")
R = TypeVar("R")

_LARGEST_BATCH = 32


class WorkerPool(Protocol):
    """Processes to work in."""

    @property
    def jobs(self) -> int: ...

    @property
    def remote(self) -> bool:
        """Whether the processes of the pool see none of our files."""
        ...

    def forked_workers(self, begin: Callable[[T], None], context: T, /) -> AbstractContextManager[Executor] | None:
        """Copies of this process; None where none can be made.

        Each of them calls ``begin(context)`` first.
        """
        ...

    def pool(self) -> Executor | None:
        """Processes that know nothing of this one.

        None when there is to be no other.
        """
        ...


@dataclass(frozen=True)
class Hints:
    """What items are likely to need, to spare a worker the round trips.

    A wrong guess costs only time.

    ``queries`` gives the questions that an item asks, ``parts`` the stored parts that it reads, and ``alone`` are the
    items that need too much to send it: they are run here. Items of one ``kind`` need the same things made, such as a
    compiled layout.
    """

    queries: Callable[[str], Iterable[Query[Any]]] = lambda item: ()
    parts: Callable[[str], Iterable[PartKey]] = lambda item: ()
    alone: Collection[str] = ()
    kind: Callable[[str], str] = lambda item: ""


@dataclass(frozen=True)
class Work:
    """A step to run and the facts it asks.

    The part ``sunk`` of its values goes to ``sink``. Only copies of this process can run a step that ``stays``.
    """

    step: Step
    facts: Facts
    hints: Hints = Hints()
    sink: Sink | None = None
    sunk: str = ""
    stays: bool = False

    def run(self, item: str) -> Done:
        return run(self.step, item, self.facts, Asked(), self.sink, self.sunk)

    def run_all(self, items: Iterable[str]) -> Iterator[Done]:
        for place, item in enumerate(items):
            if place % _LARGEST_BATCH == 0:
                asked = Asked()
                self.facts.forget(MOST_HELD)
            yield run(self.step, item, self.facts, asked, self.sink, self.sunk)

    def sink_sent(self, done: Done) -> Done:
        """Write the bytes that another process sent back.

        It did so if it could not write them.
        """
        if self.sink is None or self.sunk not in done.parts:
            return done
        self.sink.write(done.item, done.parts[self.sunk])
        return done._replace(parts={part: data for part, data in done.parts.items() if part != self.sunk})


Runs = Generator[Done, None, None]
Results = list[Done | Wants]


def run_all(work: Work, items: list[str], crew: WorkerPool, worth: int, shelf: Shelf, local: Local) -> Runs:
    """Run a step on items, in no particular order.

    From ``worth`` items on, other processes help.

    When this is given up, none of them is still at it: it would write what is no longer wanted over what comes next.
    """
    others = [item for item in items if item not in work.hints.alone]
    if len(others) < worth or crew.jobs < 2:
        yield from work.run_all(items)
        return
    alone = [item for item in items if item in work.hints.alone]
    # One of each kind is run here first: what it imports and makes, such as a parser or a compiled layout, the forked
    # workers need not make again (a tenth of a cold build of a thousand small posts). The first is one from the middle,
    # for those at the ends are often of a rarer kind.
    from_middle = (*others[len(others) // 2 :], *others[: len(others) // 2])
    ahead = tuple({work.hints.kind(item): item for item in reversed(from_middle)}.values())[::-1]
    others = [item for item in others if item not in ahead]
    first = work.run(ahead[0])
    yield first
    yield from work.run_all(ahead[1:])
    workers = crew.forked_workers(inherit, ForkContext(work.step, work.facts, shelf, work.sink, work.sunk))
    if workers is not None:
        with _uncollected(), workers as executor:
            yield from _exchange(work, others, alone, crew.jobs, _ToHeirs(work, shelf, executor))
        return
    pool = None if work.stays else crew.pool()
    if pool is None:
        yield from work.run_all((*others, *alone))
    else:
        yield from _exchange(work, others, alone, crew.jobs, _ToOthers(work, first, local, pool, crew.remote))


@contextmanager
def _uncollected() -> Iterator[None]:
    """Have no garbage looked for among what copies of this process share with it."""
    # A copy shares all pages of memory with its parent until one of the two writes to them. The collector writes to
    # the head of each object that it looks at, so one collection, here or there, would copy the whole heap. Frozen
    # objects it never looks at. This has to stand before the fork: what is frozen is inherited frozen. New objects of
    # either process are collected as ever; garbage among the frozen ones waits for ``unfreeze``.
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


class Share:
    """Work that is divided between copies of this process.

    Without a crew, or where it cannot be copied, it is all done here. What comes of it must not depend on the number of
    parts.
    """

    def __init__(self, crew: WorkerPool | None = None) -> None:
        self._crew = crew

    def __call__(self, work: Callable[[P], R], divided: Callable[[int], Sequence[P]]) -> list[R]:
        """What ``work`` gives for each part; ``divided`` gives so many parts."""
        crew = self._crew
        workers = crew.forked_workers(_begin_part, work) if crew is not None and crew.jobs > 1 else None
        if crew is not None and workers is not None:
            try:
                with _uncollected(), workers as executor:
                    return list(executor.map(_part, divided(crew.jobs)))
            except BrokenExecutor:  # they are lost, their work is not
                pass
        return list(map(work, divided(1)))


# A copy is given its work by the fork, through this list, and not with each part: what the work holds, such as the
# vectors of all posts, is never pickled. In the parent the list stays empty.
_works: list[Callable[[Any], Any]] = []


def _begin_part(work: Callable[[Any], Any]) -> None:
    _works[:] = [work]


def _part(part: Any) -> Any:
    (work,) = _works
    return work(part)


class _Sender(Protocol):
    """Sends batches of items with what they need, and learns from the results what that is."""

    def send(self, items: tuple[str, ...]) -> Future[Results]: ...

    def learn(self, results: Results) -> None: ...

    def can_send(self, wants: Wants) -> bool: ...


def _exchange(work: Work, items: list[str], alone: list[str], jobs: int, sender: _Sender) -> Runs:
    """Send out items in batches until each is done. Meanwhile those are run here that are to be run ``alone``, or need
    what cannot be sent; and all that are left, when the processes are lost."""
    queue = deque(items)
    running: dict[Future[Results], tuple[str, ...]] = {}
    try:
        while queue or running or alone:
            # Each process has a batch to go on with while the results of its last one are taken in here, and one
            # more waits for the first to be idle.
            while queue and len(running) < 2 * jobs + 1:
                # Smaller ones towards the end, so that all processes come to theirs at about the same time.
                size = max(1, min(_LARGEST_BATCH, len(queue) // (4 * jobs)))
                batch = tuple(queue.popleft() for _ in range(size))
                running[sender.send(batch)] = batch
            if alone:
                yield work.run(alone.pop())
            finished, _ = wait(running, timeout=0 if alone else None, return_when=FIRST_COMPLETED)
            for future in finished:
                results = future.result()
                del running[future]
                sender.learn(results)
                for result in results:
                    if isinstance(result, Done):
                        yield work.sink_sent(result)
                    elif sender.can_send(result):
                        # To the front: what the sender has just learnt of the item is sent with the next batch.
                        queue.appendleft(result.item)
                    else:
                        alone.append(result.item)
        return
    except BrokenExecutor:
        pass  # what is wrong with an item that is run below has nothing to do with that
    except (Exception, GeneratorExit):  # an interrupt waits for nobody
        for future in running:
            future.cancel()
        wait(running)
        raise
    yield from work.run_all((*queue, *alone, *(item for batch in running.values() for item in batch)))


class _ToHeirs:
    """Sends stored parts."""

    def __init__(self, work: Work, shelf: Shelf, executor: Executor) -> None:
        self._work, self._shelf, self._executor = work, shelf, executor
        self._needs: dict[str, set[PartKey]] = {}

    def send(self, items: tuple[str, ...]) -> Future[Results]:
        # Parts are read here: a SQLite connection must not be used on both sides of a fork, so the copies, which have
        # inherited this one, read nothing of the store.
        keys = {key for item in items for key in (*self._work.hints.parts(item), *self._needs.get(item, ()))}
        return self._executor.submit(run_inherited, items, {key: self._shelf.part(*key) for key in keys})

    def learn(self, results: Results) -> None:
        for result in results:
            if isinstance(result, Wants):
                needs = self._needs.setdefault(result.item, set())
                needs.update((query.step, query.item, query.part) for query in result.queries if type(query) is Part)
            else:
                self._needs.pop(result.item, None)

    def can_send(self, wants: Wants) -> bool:
        return all(type(query) is Part and query.item for query in wants.queries)


class _ToOthers:
    """Sends facts. What most items ask is sent with every batch: at first, what the item asked that was run here, but
    for what an item like it was to ask of its own."""

    def __init__(self, work: Work, first: Done, local: Local, executor: Executor, remote: bool) -> None:
        self._work, self._executor = work, executor
        self._local = local.portable() if remote else local
        self._sink = None if remote else work.sink
        self._kinds = frozenset(local.resolvers())
        self._needs: dict[str, set[Query[Any]]] = {}
        self._common = {*map(from_text, first.questions)}.difference(work.hints.queries(first.item))

    def send(self, items: tuple[str, ...]) -> Future[Results]:
        work = self._work
        queries = set(self._common)
        for item in items:
            queries.update(self._needs.get(item) or work.hints.queries(item))
        answers = tuple(_answer(query, work.facts) for query in queries if type(query) not in self._kinds)
        return self._executor.submit(run_job, Job(work.step, items, answers, self._local, self._sink, work.sunk))

    def learn(self, results: Results) -> None:
        asked = Counter(query for result in results if type(result) is Wants for query in result.queries)
        self._common.update(query for query, times in asked.items() if times > max(1, len(results) // 2))
        for result in results:
            if isinstance(result, Wants):
                needs = self._needs.setdefault(result.item, set(self._work.hints.queries(result.item)))
                needs.update(result.queries)
            else:
                self._needs.pop(result.item, None)

    def can_send(self, wants: Wants) -> bool:
        return self._kinds.isdisjoint(map(type, wants.queries))


def _answer(query: Query[Any], facts: Facts) -> Answer:
    fact = facts.fact(query)
    return Answer(query, fact.digest, fact.load())
