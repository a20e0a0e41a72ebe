"""Run a step only where an answer changed.

A run's trace holds as long as asking the same questions again gives answers of the same digests: then the value of
the earlier run is the value of this one. (Constructive traces: Mokhov, Mitchell, Peyton Jones, *Build Systems à la
Carte*, 2018.)
"""

from __future__ import annotations

import pickle
from array import array
from collections import Counter, deque
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from dataclasses import dataclass, fields
from typing import Any, Protocol

from octavo.batch import Answer, Done, Job, Local, Sink, Step, Wants, run, run_job
from octavo.digest import SIZE, Digest, digest
from octavo.facts import Ask, Fact, Facts, Query
from octavo.store import CorruptStore, Entry, Store, Trace

Expect = Callable[[str], Iterable[Query[Any]]]
"""The questions an item is likely to ask, to spare a worker the round trips. A wrong guess costs only time."""


class Rows(Protocol):
    """What a fold gives: values by item, and the items whose value may differ from the run whose state was given."""

    @property
    def touched(self) -> Collection[str]: ...

    def __getitem__(self, item: str, /) -> Any: ...

    def __iter__(self) -> Iterator[str]: ...


@dataclass(frozen=True)
class Change:
    """Why an item was run: it is new, its output was lost, or the answer to ``query`` changed."""

    reason: str
    query: Query[Any] | None = None


class Records(Mapping[str, Trace]):
    """The values of a step by item. Digests are at hand, the parts themselves are read when asked for."""

    def __init__(self, step: str, parts: tuple[str, ...], traces: Mapping[str, Trace], store: Store) -> None:
        self._step, self._parts, self._traces, self._store = step, parts, traces, store

    def __getitem__(self, item: str) -> Trace:
        return self._traces[item]

    def __iter__(self) -> Iterator[str]:
        return iter(self._traces)

    def __len__(self) -> int:
        return len(self._traces)

    def digest(self, item: str, part: str) -> Digest:
        return self._traces[item].part_digest(self._parts.index(part))

    def load(self, item: str, part: str) -> Any:
        return _unpickled(self._store.part(self._step, item, part))

    def fact(self, item: str, part: str) -> Fact:
        return Fact(self.digest(item, part), lambda: self.load(item, part))

    def column(self, part: str) -> Iterator[tuple[str, Any]]:
        """(item, value) of one part of every item, read in one go."""
        for item, data in self._store.all_parts(self._step, part):
            if item in self._traces:
                yield item, _unpickled(data)


@dataclass(frozen=True)
class Mapped:
    """The values of a step over all its items, and which items were run for it, with the reason."""

    records: Records
    ran: Mapping[str, Change]


class Memo:
    """The steps of earlier builds, and the means to run what is stale.

    ``workers`` gives an executor when there is enough to do for one, or None; ``jobs`` is the number of its workers.
    """

    def __init__(self, store: Store, workers: Callable[[], Executor | None], local: Local, jobs: int = 1) -> None:
        self._store = store
        self._workers = workers
        self._local = local
        self._local_kinds = frozenset(local.resolvers())
        self._jobs = jobs
        self._traces: dict[str, dict[str, Trace]] = {}

    def map(
        self,
        step: Step,
        value: type,
        items: Sequence[str],
        facts: Facts,
        *,
        expect: Expect = lambda item: (),
        worth: int = 32,
        sink: Sink | None = None,
        sunk: str = "",
        has: Callable[[str, Digest], bool] = lambda item, content: True,
    ) -> Mapped:
        """The step's value for every item, run where no earlier run holds.

        ``value`` is the dataclass that the step returns. From ``worth`` stale items on, workers are asked.
        Part ``sunk`` goes to ``sink`` instead of the store; ``has`` tells whether its bytes of a digest still exist.
        """
        name = step.__name__
        known = self._known(name)
        names = tuple(field.name for field in fields(value))
        current = _CurrentDigests(self._store, facts)
        changes: dict[str, Change] = {}
        for item in items:
            change = self._change(known.get(item), current)
            if change is None and sunk and not has(item, known[item].part_digest(names.index(sunk))):
                change = Change("its output is missing or was altered")
            if change is not None:
                changes[item] = change
        stale = list(changes)
        workers = self._workers() if len(stale) >= worth else None
        if workers is None:
            runs: Generator[Done, None, None] = (run(step, item, facts, sink, sunk) for item in stale)
        else:
            runs = self._run_in(workers, step, stale, facts, expect, sink, sunk)
        try:
            self._keep(name, known, runs, gone=known.keys() - set(items))
        except Exception:
            runs.close()
            raise
        return Mapped(Records(name, names, {item: known[item] for item in items}, self._store), changes)

    def fold(self, step: Callable[[Ask, Any], tuple[Rows, Any]], facts: Facts) -> Mapped:
        """One step over everything: ``step(ask, state) -> (rows, state)``, with the state of its last run (or None).

        The rows must not depend on the state, which only makes them cheaper to find. Each row is kept on its own;
        only those that the step says it ``touched`` since that state are looked at.
        """
        name = step.__name__
        known = self._known(name)
        whole = self._known(f"{name}:state")
        change = self._change(whole.get(""), _CurrentDigests(self._store, facts))
        if change is not None:
            state: Any = None
            if "" in whole:
                state = _unpickled(self._store.part(f"{name}:state", "", "state"))
            made: list[Rows] = []

            def one(item: str, ask: Ask) -> _State:
                rows, new_state = step(ask, state)
                made.append(rows)
                return _State(new_state)

            done = run(one, "", facts)
            (rows,) = made
            # Without its state the next run looks at every row: what is touched is told since the state that is kept,
            # so a run that dies between here and there must not leave the old one.
            self._keep(f"{name}:state", whole, [], gone=list(whole))
            looked_at = rows.touched if state is not None else rows
            fresh = (_row(item, rows[item]) for item in sorted(looked_at))
            changed = (row for row in fresh if row.item not in known or known[row.item].parts != row.digests[0])
            self._keep(name, known, changed, gone=known.keys() - set(rows))
            self._keep(f"{name}:state", whole, [done], gone=())
        return Mapped(Records(name, ("row",), dict(known), self._store), {"": change} if change else {})

    def prune(self) -> None:
        """Start anew when most of the stored questions are asked by nobody any more."""
        asked = {number for traces in self._traces.values() for trace in traces.values() for number in trace.queries}
        if self._store.query_count > 4 * len(asked) + 10_000:
            self._store.forget_all()
            self._traces.clear()

    def asked(self, step: str, item: str) -> tuple[tuple[Query[Any], Digest], ...] | None:
        """What the last run of a step on an item asked, and the digests of the answers; None if it never ran."""
        trace = self._known(step).get(item)
        if trace is None:
            return None
        return tuple(
            (self._store.query(number), trace.answers[n * SIZE : (n + 1) * SIZE])
            for n, number in enumerate(trace.queries)
        )

    def _known(self, step: str) -> dict[str, Trace]:
        if step not in self._traces:
            self._traces[step] = self._store.traces(step)
        return self._traces[step]

    def _change(self, trace: Trace | None, current: _CurrentDigests) -> Change | None:
        if trace is None:
            return Change("it is new")
        answers = trace.answers
        for n, number in enumerate(trace.queries):
            if current[number] != answers[n * SIZE : (n + 1) * SIZE]:
                return Change("an answer changed", self._store.query(number))
        return None

    def _keep(self, step: str, known: dict[str, Trace], runs: Iterable[Done], gone: Iterable[str]) -> None:
        """Store runs as they come, some hundred in a transaction, so that no more than those are held in memory."""
        entries: list[Entry] = []
        held = 0
        for done in runs:
            numbers = array("I", (self._store.number(query) for query, _ in done.asked))
            trace = Trace(numbers, b"".join(answer for _, answer in done.asked), b"".join(done.digests))
            known[done.item] = trace
            entries.append(Entry(done.item, trace, done.parts))
            held += sum(map(len, done.parts.values()))
            if len(entries) >= 500 or held >= 16_000_000:
                self._store.save(step, entries)
                entries, held = [], 0
        forgotten = list(gone)
        for item in forgotten:
            del known[item]
        if entries or forgotten:
            self._store.save(step, entries, forgotten)

    def _run_in(
        self,
        workers: Executor,
        step: Step,
        stale: list[str],
        facts: Facts,
        expect: Expect,
        sink: Sink | None,
        sunk: str,
    ) -> Generator[Done, None, None]:
        """Run items in batches on workers, and give each the facts it asks for until it is done.

        When this is given up, no worker is still at it: it would write what is no longer wanted over what comes next.
        """
        size = max(1, min(32, len(stale) // (4 * self._jobs)))
        wanted: dict[str, set[Query[Any]]] = {}
        common: set[Query[Any]] = set()
        queue = deque(stale)
        running: set[Future[list[Done | Wants]]] = set()
        try:
            while queue or running:
                while queue and len(running) < self._jobs + 1:
                    items = tuple(queue.popleft() for _ in range(min(size, len(queue))))
                    queries = set(common)
                    for item in items:
                        queries.update(wanted.get(item) or expect(item))
                    answers = tuple(_answer(query, facts) for query in queries if type(query) not in self._local_kinds)
                    running.add(workers.submit(run_job, Job(step, items, answers, self._local, sink, sunk)))
                finished, running = wait(running, return_when=FIRST_COMPLETED)
                for future in finished:
                    results = future.result()
                    asked = Counter(query for result in results if type(result) is Done for query, _ in result.asked)
                    common.update(query for query, times in asked.items() if times > 1)
                    for result in results:
                        if isinstance(result, Wants):
                            wanted.setdefault(result.item, set(expect(result.item))).update(result.queries)
                            queue.appendleft(result.item)
                        else:
                            wanted.pop(result.item, None)
                            yield result
        except (Exception, GeneratorExit):  # an interrupt waits for nobody
            for future in running:
                future.cancel()
            wait(running)
            raise


@dataclass(frozen=True)
class _State:
    state: Any


def _row(item: str, row: Any) -> Done:
    return Done(item, (), (digest(row),), {"row": pickle.dumps(row, pickle.HIGHEST_PROTOCOL)})


def _answer(query: Query[Any], facts: Facts) -> Answer:
    found = facts.fact(query)
    return Answer(query, found.digest, found.load())


def _unpickled(data: bytes) -> Any:
    try:
        return pickle.loads(data)
    except Exception as problem:
        raise CorruptStore(f"a value cannot be read: {problem}") from problem


class _CurrentDigests(dict[int, Digest]):
    """Query number -> digest of today's answer, each asked once."""

    def __init__(self, store: Store, facts: Facts) -> None:
        super().__init__()
        self._store, self._facts = store, facts

    def __missing__(self, number: int) -> Digest:
        found = self[number] = self._facts.digest(self._store.query(number))
        return found
