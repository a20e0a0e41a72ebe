"""Run a step only where an answer changed.

A run's trace holds as long as asking the same questions again gives answers of the same digests: then the value of
the earlier run is the value of this one. (Constructive traces: Mokhov, Mitchell, Peyton Jones, *Build Systems à la
Carte*, 2018.)
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence, Sized
from dataclasses import dataclass
from typing import Any, Protocol, cast

from octavo.base.digest import DIGEST_BYTES, Digest
from octavo.engine.answers import Answers, Revisions, revised
from octavo.engine.codec import codec, field_codecs
from octavo.engine.facts import Ask, Facts, Query, Revised
from octavo.engine.observer import Observer
from octavo.engine.records import Change, Mapped, Records, T, part_names, read_part
from octavo.engine.scheduler import Hints, Share, Work, WorkerPool, run_all
from octavo.engine.sharded_map import Buckets
from octavo.engine.store import CorruptStore, Entry, Store
from octavo.engine.traces import Trace, Traces
from octavo.engine.worker import Asked, Done, Local, Shelf, Sink, Step, defaults, run

_ROWS_WORTH = 400
"""Rows of a fold for which other processes are worth their start."""


class Rows(Protocol):
    """What a fold gives: values by item.

    ``touched`` are the items whose value may differ from the run whose state was given.
    """

    @property
    def touched(self) -> Collection[str]: ...

    def __getitem__(self, item: str, /) -> Any: ...

    def __iter__(self) -> Iterator[str]: ...


Fold = Callable[[Ask, Mapping[str, bytes] | None, Share], tuple[Rows, Mapping[str, bytes]]]


_NO_HINTS = Hints()


class Memo:
    """The steps of earlier builds, and the means to run what is stale.

    There is one for each build, or for several that begin with ``again``.

    ``crew`` gives processes when there is enough to do for them.
    """

    def __init__(self, store: Store, crew: WorkerPool, local: Local, observer: Observer | None = None) -> None:
        self._store = store
        self._shelf = Shelf(store)
        self._answers = Answers(store)
        self._crew = crew
        self._local = local
        self._local_kinds = frozenset(local.resolvers())
        self._observer = observer or Observer()
        self._steps: dict[str, Callable[..., Any]] = {}
        self._traces: dict[str, Traces] = {}
        self._kept: dict[str, tuple[Digest, Any]] = {}
        self._shelved: dict[str, tuple[Digest, Buckets[Any]]] = {}
        self._revised: dict[str, Revisions] = {}

    def _name_of(self, step: Callable[..., Any]) -> str:
        """The name under which a step's runs are kept. Raises ValueError for a second step of one name, which would
        take the runs of the first for its own."""
        first = self._steps.setdefault(step.__name__, step)
        if (first.__module__, first.__qualname__) != (step.__module__, step.__qualname__):
            raise ValueError(f"two steps are called {step.__name__}: {first.__module__} has one as well")
        return step.__name__

    def map(
        self,
        step: Step,
        value: type,
        items: Sequence[str],
        facts: Facts,
        *,
        hints: Hints = _NO_HINTS,
        worth: int = 32,
        sink: Sink | None = None,
        sunk: str = "",
        has: Callable[[str, Digest], bool] = lambda item, content: True,
    ) -> Mapped:
        """The step's value for every item, run where no earlier run holds.

        ``value`` is the dataclass that the step returns. From ``worth`` stale items on, other processes help. Part
        ``sunk`` goes to ``sink`` instead of the store; ``has`` tells whether its bytes of a digest still exist.
        """
        name = self._name_of(step)
        self._observer.began(name)
        parts = part_names(value)
        traces = self._traces_of(name, len(parts))
        self._answers.compare(facts)
        changed = self._answers.changed_since(name) if traces else {}
        digests = traces.part_digests(parts.index(sunk)) if sunk else {}
        asking = traces.asking(changed)
        changes: dict[str, Change] = {}
        for item in items:
            change = self._change(traces.get(item), changed) if item in asking or item not in traces else None
            if change is None and sunk and not has(item, digests[item]):
                change = Change("its output is missing or was altered")
            if change is not None:
                changes[item] = change
        gone = traces.keys() - items if changes or len(traces) != len(items) else ()
        work = Work(step, facts, hints, sink, sunk)
        self._observer.expects(name, len(changes))
        runs = run_all(work, list(changes), self._crew, worth, self._shelf, self._local)
        try:
            self._keep(name, parts, traces, self._observed(name, runs), gone, news=bool(changed))
        except Exception:
            runs.close()
            raise
        records = Records(name, value, traces, self._shelf)
        self._observer.ended(name)
        return Mapped(records, changes)

    def run(
        self, step: Step, value: type, items: Sequence[str], facts: Facts, local: Local, sink: Sink, sunk: str
    ) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Run a step whose values are kept elsewhere, and nothing remembered.

        Gives (item, its value's parts but for ``sunk``): its items are names for all that they are made from. ``local``
        are facts too large to be sent, so processes that do not see our files are not asked for help.
        """
        name = self._name_of(step)
        self._observer.began(name)
        self._observer.expects(name, len(items))
        facts = facts.extended(local.resolvers())
        worth = len(items) + 1 if self._crew.remote else 2
        runs = run_all(Work(step, facts, _NO_HINTS, sink, sunk), list(items), self._crew, worth, self._shelf, local)
        usual = {part: default for part, (_, default) in defaults(value).items()}
        codecs = field_codecs(value)
        try:
            for done in self._observed(name, runs):
                yield done.item, usual | {part: read_part(codecs[part], data) for part, data in done.parts.items()}
        finally:
            runs.close()
        self._observer.ended(name)

    def fold(self, step: Fold, value: type, facts: Facts) -> Mapped:
        """Run one step over everything, if an answer changed.

        ``step(ask, state, share) -> (rows, state)``, with the state of its last run (or None), in pieces by name; with
        ``share`` it can have other processes help.

        ``value`` is the dataclass of a row. The rows must not depend on the state, which only makes them cheaper to
        find. Each row is kept on its own; only those that the step says it ``touched`` since that state are looked at.
        """
        name = self._name_of(step)
        whole_name = f"{name}:state"
        self._observer.began(name)
        parts = part_names(value)
        traces, whole = self._traces_of(name, len(parts)), self._traces_of(whole_name, 0)
        self._answers.compare(facts)
        changed = self._answers.changed_since(whole_name)
        change = self._change(whole.get(""), changed)
        if change is not None:
            pieces = dict(self._shelf.column(whole_name, "state"))
            state = pieces if "" in whole else None
            results: list[tuple[Rows, Mapping[str, bytes]]] = []

            def one(item: str, ask: Ask) -> _Nothing:
                results.append(step(ask, state, Share(self._crew)))
                return _Nothing()

            done = run(one, "", facts, Asked())
            ((rows, new_state),) = results
            # Without its state the next run looks at every row: what is touched is told since the state that is kept,
            # so a run that dies between here and there must not leave the old one.
            self._keep(whole_name, (), whole, (), gone=list(whole))
            looked_at = rows.touched if state is not None else rows
            work = Work(lambda item, ask: rows[item], facts, stays=True)
            fresh = run_all(work, sorted(looked_at), self._crew, _ROWS_WORTH, self._shelf, self._local)
            new = (row for row in fresh if row.item not in traces or traces[row.item].parts != row.digests)
            self._keep(name, parts, traces, new, gone=traces.keys() - set(rows))
            # The rows are written; now the state they belong to, and only then the run that says that it is there.
            with self._store.transaction():
                self._store.put_parts(whole_name, "state", _differing(pieces, new_state))
            self._keep(whole_name, (), whole, (done,), gone=())
        elif changed:
            self._keep(whole_name, (), whole, (), gone=(), news=True)
        self._observer.ended(name)
        return Mapped(Records(name, value, traces, self._shelf), {"": change} if change else {})

    def left(self, step: Fold, value: type) -> Mapped:
        """The rows that the last run of a fold left, whatever has changed since."""
        name = self._name_of(step)
        return Mapped(Records(name, value, self._traces_of(name, len(part_names(value))), self._shelf), {})

    def is_of(self, store: Store, local: Local) -> bool:
        """Whether this memo was made for these."""
        return self._store is store and self._local == local

    def again(self) -> None:
        """Begin another build with what is known.

        Only what is asked and run from now on is looked at anew. The store must be as this memo left it, and the last
        build must have come to its end.
        """
        self._answers.again()

    def follow(self, steps: Iterable[str]) -> bool:
        """Take over what another process has written to the store.

        That is one build's runs of these steps. False when somebody else wrote as well: then what this memo knows may
        be wrong.
        """
        answers = Answers(self._store)
        # Each build raises the revision by one, whoever makes it, so a build in between shows.
        if answers.revision != self._answers.revision + 2:  # one of theirs, and the one that begins here
            return False
        self._answers = answers
        for entries in (self._kept, self._shelved, self._revised):
            entries.clear()
        for step in steps:
            self._traces.pop(step, None)
            self._traces.pop(f"{step}:state", None)
        return True

    def recall(self, name: str, kind: Any, key: Digest | None = None) -> Any:
        """A value that was kept under this name and key; None without one.

        ``kind`` is its type; without a key, the value is given whatever its key.
        """
        entry = self._kept.get(name)
        if entry is None or key not in (entry[0], None):
            data = self._store.about(f"kept {name}")
            if data is None or key not in (data[:DIGEST_BYTES], None):
                return None
            entry = self._kept[name] = (data[:DIGEST_BYTES], read_part(codec(kind), data[DIGEST_BYTES:]))
        return entry[1]

    def keep(self, name: str, kind: Any, key: Digest, value: object) -> None:
        """Keep a value that follows from what ``key`` stands for.

        ``kind`` is its type; there is one for each name.
        """
        self._kept[name] = (key, value)
        self._store.set_about(f"kept {name}", key + codec(kind).encode(value))

    def followed(self, name: str, kind: Any, key: Digest, make: Callable[[], T]) -> T:
        """A value that follows from what ``key`` stands for.

        It is of the type ``kind``, not None, and kept from the last time it was made.
        """
        value: T | None = self.recall(name, kind, key)
        if value is None:
            value = make()
            self.keep(name, kind, key, value)
        return value

    def shelf(self, name: str, kind: Any, key: Digest | None = None) -> Buckets[Any] | None:
        """Values by name that were shelved under this name and key.

        ``kind`` is their type; without a key, they are given whatever their key.
        """
        entry = self._shelved.get(name)
        if entry is None:
            head = self._store.about(f"shelf {name}")
            if head is None:
                return None
            rows = dict(self._store.all_parts(f"shelf {name}", ""))
            if rows.keys() != {str(number) for number in range(len(rows))} or head[DIGEST_BYTES:] != _count(rows):
                raise CorruptStore(f"of {name} some is missing")
            data = [rows[str(number)] for number in range(len(rows))]
            entry = self._shelved[name] = (head[:DIGEST_BYTES], Buckets(kind, data))
        return entry[1] if key in (entry[0], None) else None

    def shelve(self, name: str, key: Digest, values: Buckets[Any]) -> None:
        """Keep values that follow from what ``key`` stands for, by bucket.

        As ``keep`` does, but only those buckets are written that differ from those of the last time.
        """
        before = self.shelf(name, values.kind)
        old, new = (each.data if each is not None else () for each in (before, values))
        named = [{str(number): data for number, data in enumerate(each)} for each in (old, new)]
        # Buckets without the key that they belong to would be taken for those of the last key.
        with self._store.transaction():
            self._store.put_parts(f"shelf {name}", "", _differing(*named))
            self._store.set_about(f"shelf {name}", key + _count(new))
        self._shelved[name] = (key, values)

    def once(self, name: str, key: Digest, make: Callable[[], T]) -> T:
        """A value that follows from ``key``, made once while this memo lives.

        There is one for each name.
        """
        entry = self._kept.get(f"once {name}")
        if entry is None or entry[0] != key:
            entry = self._kept[f"once {name}"] = (key, make())
        return cast(T, entry[1])

    def column(self, records: Records, part: str) -> dict[str, Any]:
        """One part of every item, as ``records.column`` gives it.

        All of them are shelved as well, and only those are read anew that are other ones: to read thousands one by one
        takes several times as long.
        """
        name, key, now = f"{records.step} {part}", records.digest_of(part), records.digests(part)
        kind = records.kind(part)
        previous: tuple[Digest, dict[str, Digest]] = self.recall(name, _COLUMN) or (b"", {})
        values, before = self.shelf(name, kind, previous[0]), previous[1]
        others = [item for item, digest in now.items() if before.get(item) != digest]
        if values is None or previous[0] != key:
            if values is None or not values.fits(len(now)) or len(others) > len(now) // 2:
                values = Buckets.of(kind, records.column(part))
            else:
                values = values.changed({item: records.load(item, part) for item in others}, before.keys() - now.keys())
            self.shelve(name, key, values)
            self.keep(name, _COLUMN, key, (key, now))
        return {item: values[item] for item in now}

    def column_before(self, records: Records, part: str) -> Mapping[str, Any]:
        """The column as it was when it was asked for the last time."""
        return self.shelf(f"{records.step} {part}", records.kind(part)) or {}

    def revised(self, name: str, key: Digest, digests: Callable[[], Mapping[str, Digest]]) -> Revised:
        """Values by item, known by their digests, that no step made.

        They are looked at only when ``key``, which stands for what they follow from, is another than the last time.
        """
        revisions = self._revised.get(name)
        if revisions is None or revisions.key != key:
            data = self._store.about(f"revised {name}")
            revisions = read_part(codec(Revisions), data) if data is not None else None
        if revisions is None or revisions.key != key:
            revisions = revised(revisions, key, digests(), self._answers.revision)
            self._store.set_about(f"revised {name}", codec(Revisions).encode(revisions))
        self._revised[name] = revisions
        return revisions

    def finish(self) -> None:
        """Keep what was learnt: the build is done.

        It starts anew when most of what is kept is of no use any more.
        """
        in_use = (trace.queries for step in self._store.steps() for trace in self._traces_of(step).values())
        if self._answers.prune(in_use):
            self._store.forget_all()
            self._traces.clear()
            self._revised.clear()
            self._shelved.clear()
            self._answers = Answers(self._store)
        with self._store.transaction():
            self._answers.save()

    def asked(self, step: str, item: str) -> tuple[tuple[Query[Any], Digest], ...] | None:
        """What the last run of a step on an item asked.

        With the digests of the answers; None if it never ran.
        """
        trace = self._traces_of(step).get(item)
        if trace is None:
            return None
        return tuple((self._answers.query(number), self._answers.digest(number)) for number in trace.queries)

    def _traces_of(self, step: str, parts: int | None = None) -> Traces:
        """The last runs of a step, whose value has so many parts."""
        if step not in self._traces:
            self._traces[step] = self._store.traces(step)
            if self._traces[step].newest() > self._answers.revision:
                raise CorruptStore(f"the runs of {step} are of a build to come")
        traces = self._traces[step]
        if parts is not None and not traces.has_parts(parts):
            raise CorruptStore(f"the runs of {step} have other values")
        return traces

    def _change(self, trace: Trace | None, changed: Mapping[int, int]) -> Change | None:
        """``changed`` are the questions answered otherwise since all runs of the step held, with the revisions."""
        if trace is None:
            return Change("it is new")
        if changed and not changed.keys().isdisjoint(trace.queries):
            for number in trace.queries:
                if changed.get(number, 0) > trace.revision:
                    return Change("an answer changed", self._answers.query(number))
        return None

    def _observed(self, step: str, runs: Iterable[Done]) -> Iterator[Done]:
        for done in runs:
            self._observer.ran(step, done.item, done.seconds)
            yield done

    def _keep(
        self,
        step: str,
        parts: tuple[str, ...],
        traces: Traces,
        runs: Iterable[Done],
        gone: Collection[str],
        news: bool = False,
    ) -> None:
        """Store runs as they come, some hundred in a transaction, so that no more than those are held in memory. With
        the last one all runs of the step hold; ``news`` is whether that has to be said even if there are none."""
        entries: list[Entry] = []
        held = 0
        asked, numbers = Asked(), list[int]()
        for done in runs:
            if done.asked is not asked:
                asked, numbers = done.asked, []
            new = slice(len(numbers), None)
            numbers += map(self._answers.number, asked.questions[new], asked.answers[new])
            entries.append(Entry(done.item, done.parts, again=done.item in traces))
            queries = array("I", [numbers[place] for place in done.places])
            traces[done.item] = Trace(queries, self._answers.revision, done.digests)
            held += sum(map(len, done.parts.values()))
            if len(entries) >= 500 or held >= 16_000_000:
                # Values, their traces and the questions that these name are written together: a trace whose value or
                # questions are not there would be taken for damage. A build that dies here has lost only what it ran
                # since; what is written holds at this revision. The step is not yet said to be complete.
                with self._store.transaction():
                    self._store.put(step, parts, entries, ())
                    self._store.put_traces(step, traces)
                    self._answers.save()
                entries, held = [], 0
        for item in gone:
            del traces[item]
        if entries or gone or news:
            # Last of all, and in the transaction of the last runs: from here on only younger changes are looked at.
            self._answers.all_hold(step)
            with self._store.transaction():
                self._store.put(step, parts, entries, gone)
                self._store.put_traces(step, traces)
                self._answers.save()


@dataclass(frozen=True)
class _Nothing:
    """What a fold comes to as a whole: its rows and its state are kept by themselves."""


def _differing(old: Mapping[str, bytes], new: Mapping[str, bytes]) -> Iterator[tuple[str, bytes | None]]:
    """The pieces that are not as they were; None for those that are gone."""
    for name in {**old, **new}:
        if new.get(name) != old.get(name):
            yield name, new.get(name)


def _count(values: Sized) -> bytes:
    return len(values).to_bytes(4, "little")


_COLUMN = tuple[Digest, dict[str, Digest]]
"""What is kept of a column beside its values: its key, and the digest of each value."""
