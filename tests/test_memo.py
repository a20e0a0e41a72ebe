"""The engine on a toy site: pages that quote notes, without files, Markdown or layouts."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from octavo.base.digest import Digest
from octavo.engine.database import Foreign
from octavo.engine.facts import Ask, Fact, Facts, Query, Resolver, fact
from octavo.engine.memo import Memo
from octavo.engine.records import Mapped, Records
from octavo.engine.scheduler import Hints, Share, T
from octavo.engine.sharded_map import Buckets
from octavo.engine.store import CorruptStore, Store


class Note(Query[str]):
    name: str


class Names(Query[tuple[str, ...]]):
    pass


@dataclass(frozen=True)
class Spelled:
    text: str
    length: int


def spell(name: str, ask: Ask) -> Spelled:
    """A note with the notes it quotes: ``a`` holding ``see @b`` quotes b, which may not exist."""
    text = ask(Note(name)) or ""
    for word in text.split():
        if word.startswith("@"):
            text += f" [{ask(Note(word[1:]))}]"
    return Spelled(text, len(text))


def menu(name: str, ask: Ask) -> Spelled:
    text = " ".join(ask(Names()) or ())
    return Spelled(f"{name}: {text}", 0)


@dataclass(frozen=True)
class NoLocal:
    def resolvers(self) -> Mapping[type[Query[Any]], Resolver]:
        return {}

    def portable(self) -> NoLocal:
        return self


_open: list[Store] = []


def opened(path: Path | None, salt: bytes) -> Store:
    """A store that is closed when the test is over."""
    store = Store(path, salt)
    _open.append(store)
    return store


@pytest.fixture(autouse=True)
def no_store_is_left_open() -> Iterator[None]:
    yield
    while _open:
        _open.pop().close()


@dataclass(frozen=True)
class Hands:
    """A crew that has, at most, one executor of processes that know nothing."""

    executor: Executor | None = None
    jobs: int = 2
    remote: bool = False

    def forked_workers(self, begin: Callable[[T], None], estate: T, /) -> None:
        return None

    def pool(self) -> Executor | None:
        return self.executor


@dataclass
class Toy:
    """Some notes and a memo; ``run`` maps a step over them."""

    notes: dict[str, str]
    store: Store = field(default_factory=lambda: opened(None, b"salt"))
    executor: Executor | None = None

    def facts(self) -> Facts:
        notes = dict(self.notes)
        return Facts({Note: lambda q: fact(notes.get(q.name)), Names: lambda q: fact(tuple(sorted(notes)))})

    def run(self, step: Callable[[str, Ask], Spelled] = spell, **options: Any) -> Mapped:
        memo = Memo(self.store, Hands(self.executor), NoLocal())
        return memo.map(step, Spelled, sorted(self.notes), self.facts(), worth=1, **options)

    def texts(self, mapped: Mapped) -> dict[str, str]:
        return {name: mapped.records.load(name, "text") for name in mapped.records}


def test_nothing_changed_runs_nothing() -> None:
    toy = Toy({"a": "one", "b": "see @a"})
    assert set(toy.run().ran) == {"a", "b"}
    assert set(toy.run().ran) == set()


def test_an_edit_runs_what_quotes_it_and_nothing_else() -> None:
    toy = Toy({"a": "one", "b": "see @a", "c": "three"})
    toy.run()
    toy.notes["a"] = "uno"
    mapped = toy.run()
    assert set(mapped.ran) == {"a", "b"}
    assert toy.texts(mapped) == {"a": "uno", "b": "see @a [uno]", "c": "three"}


def test_absence_is_a_dependency() -> None:
    toy = Toy({"b": "see @a"})
    assert toy.texts(toy.run())["b"] == "see @a [None]"
    toy.notes["a"] = "here"
    mapped = toy.run()
    assert set(mapped.ran) == {"a", "b"}
    assert toy.texts(mapped)["b"] == "see @a [here]"


def test_an_answer_that_comes_back_the_same_runs_nothing() -> None:
    toy = Toy({"a": "one", "b": "two"})
    toy.run(menu)
    toy.notes["a"] = "other words"
    assert set(toy.run(menu).ran) == set()
    toy.notes["c"] = "new"
    assert set(toy.run(menu).ran) == {"a", "b", "c"}


def test_the_reason_names_the_question_whose_answer_changed() -> None:
    toy = Toy({"a": "one", "b": "see @a"})
    toy.run()
    toy.notes["a"] = "uno"
    assert toy.run().ran["b"].query == Note("a")


def test_a_deleted_item_is_forgotten() -> None:
    toy = Toy({"a": "one", "b": "two"})
    toy.run()
    del toy.notes["b"]
    assert set(toy.run().records) == {"a"}
    toy.notes["b"] = "two"
    assert set(toy.run().ran) == {"b"}


def test_values_survive_the_process(tmp_path: Path) -> None:
    path = tmp_path / "cache.db"
    first = Toy({"a": "one"}, opened(path, b"salt"))
    first.run()
    first.store.close()
    second = Toy({"a": "one"}, opened(path, b"salt"))
    mapped = second.run()
    assert set(mapped.ran) == set()
    assert second.texts(mapped) == {"a": "one"}
    second.store.close()


def test_a_new_salt_starts_a_new_cache(tmp_path: Path) -> None:
    path = tmp_path / "cache.db"
    first = Toy({"a": "one"}, opened(path, b"salt"))
    first.run()
    first.store.close()
    second = Toy({"a": "one"}, opened(path, b"pepper"))
    assert set(second.run().ran) == {"a"}
    second.store.close()


def test_a_damaged_value_is_found_out() -> None:
    toy = Toy({"a": "one"})
    toy.run()
    toy.store.connection.execute("UPDATE parts SET data = zeroblob(30) WHERE part = 'text'")
    with pytest.raises(CorruptStore):
        toy.texts(toy.run())


def test_a_file_that_is_no_database_is_found_out(tmp_path: Path) -> None:
    path = tmp_path / "cache.db"
    path.write_bytes(b"not a database, but long enough to look at" * 100)
    with pytest.raises(Foreign):
        Store(path, b"salt")


def test_a_file_that_is_gone_or_another_is_not_current(tmp_path: Path) -> None:
    path = tmp_path / "cache.db"
    store = opened(path, b"salt")
    assert store.is_current()
    path.unlink()
    assert not store.is_current()
    opened(path, b"salt")
    assert not store.is_current()


class Basket:
    """A sink that remembers."""

    def __init__(self) -> None:
        self.got: dict[str, bytes] = {}

    def write(self, item: str, data: bytes, /) -> None:
        self.got[item] = data


@dataclass(frozen=True)
class Bytes:
    content: bytes


def encode(name: str, ask: Ask) -> Bytes:
    return Bytes((ask(Note(name)) or "").encode())


def test_a_column_is_that_of_the_records_and_reads_only_what_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    toy = Toy({name: f"text of {name}" for name in "abcdef"})
    read: list[str] = []
    load = Records.load

    def noted(records: Records, item: str, part: str) -> Any:
        read.append(item)
        return load(records, item, part)

    def column() -> dict[str, str]:
        records = toy.run().records
        read.clear()
        found = Memo(toy.store, Hands(), NoLocal()).column(records, "text")
        assert found == records.column("text") and list(found) == sorted(toy.notes)
        return found

    monkeypatch.setattr(Records, "load", noted)
    column()
    assert column()["a"] == "text of a" and read == []
    toy.notes["b"] = "another"
    del toy.notes["c"]
    toy.notes["g"] = "new"
    assert column()["b"] == "another" and read == ["b", "g"]
    toy.notes = dict.fromkeys("xyz", "all new")
    column()


def test_a_sunk_part_is_written_and_not_stored() -> None:
    toy = Toy({"a": "one", "b": "two"})
    basket = Basket()
    published: dict[str, Digest] = {}

    def run() -> Mapped:
        memo = Memo(toy.store, Hands(), NoLocal())
        return memo.map(
            encode,
            Bytes,
            sorted(toy.notes),
            toy.facts(),
            sink=basket,
            sunk="content",
            has=lambda item, content: published.get(item) == content,
        )

    first = run()
    assert basket.got == {"a": b"one", "b": b"two"}
    published.update({item: first.records.digest(item, "content") for item in first.records})
    basket.got.clear()
    assert set(run().ran) == set()
    del published["a"]
    assert set(run().ran) == {"a"}
    assert basket.got == {"a": b"one"}


@dataclass(frozen=True)
class Letter:
    row: str


class Initials(dict[str, Letter]):
    """Rows that say which of them may have changed."""

    touched: frozenset[str] = frozenset()


def number_rows(ask: Ask, state: Mapping[str, bytes] | None, share: Share) -> tuple[Initials, Mapping[str, bytes]]:
    """The first letter of each note; the state is all of them as they were."""
    rows = Initials({name: Letter((ask(Note(name)) or "")[:1]) for name in ask(Names()) or ()})
    letters = {name: letter.row.encode() for name, letter in rows.items()}
    rows.touched = frozenset(dict(set(letters.items()) - set((state or {}).items())))
    return rows, letters


def test_a_fold_keeps_each_row_and_hands_on_its_state() -> None:
    toy = Toy({"a": "one", "b": "two"})

    def folded() -> Mapped:
        return Memo(toy.store, Hands(), NoLocal()).fold(number_rows, Letter, toy.facts())

    rows = folded().records
    assert {name: rows.load(name, "row") for name in rows} == {"a": "o", "b": "t"}
    assert not folded().ran
    toy.notes = {"a": "only", "c": "three"}
    rows = folded().records
    assert {name: rows.load(name, "row") for name in rows} == {"a": "o", "c": "t"}
    assert folded().records.load("c", "row") == "t"


def test_a_fold_writes_only_the_pieces_of_its_state_that_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    toy = Toy({"a": "one", "b": "two", "c": "six"})
    written: list[dict[str, bytes | None]] = []
    real = Store.put_parts

    def noting(self: Store, step: str, part: str, changes: Iterable[tuple[str, bytes | None]]) -> None:
        written.append(dict(changes))
        real(self, step, part, written[-1].items())

    monkeypatch.setattr(Store, "put_parts", noting)
    for notes in ({"a": "one", "b": "two", "c": "six"}, {"a": "uno", "b": "two"}):
        toy.notes = notes
        Memo(toy.store, Hands(), NoLocal()).fold(number_rows, Letter, toy.facts())
    assert written == [{"a": b"o", "b": b"t", "c": b"s"}, {"a": b"u", "c": None}]


def test_a_fold_that_dies_before_its_state_is_kept_leaves_no_stale_row(monkeypatch: pytest.MonkeyPatch) -> None:
    toy = Toy({"a": "one", "b": "two"})
    Memo(toy.store, Hands(), NoLocal()).fold(number_rows, Letter, toy.facts())
    toy.notes["a"] = "uno"
    real = Store.put

    def dying(self: Store, step: str, parts: Any, entries: Any, gone: Any) -> None:
        if step.endswith(":state") and entries:
            raise KeyboardInterrupt
        real(self, step, parts, entries, gone)

    with monkeypatch.context() as patched:
        patched.setattr(Store, "put", dying)
        with pytest.raises(KeyboardInterrupt):
            Memo(toy.store, Hands(), NoLocal()).fold(number_rows, Letter, toy.facts())
    # Back as it was: since the state of the first run nothing changed, but the row was overwritten meanwhile.
    toy.notes["a"] = "one"
    toy.notes["b"] = "deux"
    rows = Memo(toy.store, Hands(), NoLocal()).fold(number_rows, Letter, toy.facts()).records
    assert {name: rows.load(name, "row") for name in rows} == {"a": "o", "b": "d"}


@pytest.fixture
def threads() -> Iterator[Executor]:
    with ThreadPoolExecutor(2) as executor:
        yield executor


def test_workers_are_sent_what_they_ask_for(threads: Executor) -> None:
    notes = {f"n{n}": f"see @n{(n * 7) % 40} @n{(n * 3) % 40} @missing" for n in range(40)}
    alone, together = Toy(dict(notes)), Toy(dict(notes), executor=threads)
    assert alone.texts(alone.run()) == together.texts(together.run())
    assert set(together.run().ran) == set()


def test_a_failing_step_is_not_taken_for_a_missing_fact(threads: Executor) -> None:
    def broken(name: str, ask: Ask) -> Spelled:
        raise ValueError(name)

    with pytest.raises(ValueError, match="a"):
        Toy({"a": "one"}, executor=threads).run(broken)


words = st.sampled_from(["x", "y", "@a", "@b", "@c", "@d"])
note = st.lists(words, max_size=4).map(" ".join)
edits = st.lists(st.tuples(st.sampled_from("abcd"), note | st.none()), max_size=12)


@given(edits)
@settings(max_examples=200, deadline=None)
def test_after_any_edits_the_values_are_those_of_a_clean_run(changes: list[tuple[str, str | None]]) -> None:
    toy = Toy({"a": "x"})
    toy.run()
    for name, text in changes:
        if text is None:
            toy.notes.pop(name, None)
        else:
            toy.notes[name] = text
        clean = Toy(dict(toy.notes))
        assert toy.texts(toy.run()) == clean.texts(clean.run())
        _open.pop().close()


def test_an_unknown_kind_of_question_is_a_bug() -> None:
    with pytest.raises(KeyError):
        Facts({}).fact(Names())


def test_an_answer_is_loaded_only_when_asked_for() -> None:
    loaded = []

    def load() -> str:
        loaded.append(1)
        return "text"

    facts = Facts({Note: lambda q: Fact(b"0" * 16, load)})
    facts.digest(Note("a"))
    assert not loaded


_at_work: list[str] = []


def spell_slowly(name: str, ask: Ask) -> Spelled:
    _at_work.append(name)
    time.sleep(0.05)
    _at_work.remove(name)
    return Spelled(ask(Note(name)) or "", 0)


def test_when_a_map_fails_no_worker_is_still_at_it() -> None:
    def note(query: Note) -> Fact:
        if query.name == "n5":
            raise ValueError("not now")
        return fact(query.name)

    store = opened(None, b"salt")
    names = [f"n{number}" for number in range(40)]
    with ThreadPoolExecutor(3) as executor:
        memo = Memo(store, Hands(executor), NoLocal())
        hints = Hints(lambda name: [Note(name)])
        with pytest.raises(ValueError, match="not now"):
            memo.map(spell_slowly, Spelled, names, Facts({Note: note}), hints=hints, worth=1)
        assert _at_work == []


def test_what_is_shelved_is_found_by_its_key_and_only_what_differs_is_written() -> None:
    store = opened(None, b"salt")

    def memo() -> Memo:
        return Memo(store, Hands(), NoLocal())

    def rows() -> dict[str, int]:
        return dict(store.connection.execute("SELECT item, rowid FROM parts WHERE step = 'shelf things'"))

    values = Buckets.of(int, {f"{number}": number for number in range(2000)})
    assert memo().shelf("things", int) is None
    memo().shelve("things", b"1" * 16, values)
    before, known = rows(), memo()
    shelved = known.shelf("things", int, b"1" * 16)
    assert shelved is not None and dict(shelved) == dict(values) and known.shelf("things", int, b"2" * 16) is None
    known.shelve("things", b"2" * 16, shelved.changed({"7": -7}))
    assert len({*before.items()} ^ {*rows().items()}) == 2
    assert dict(memo().shelf("things", int, b"2" * 16) or {})["7"] == -7
    known.shelve("things", b"3" * 16, Buckets.of(int, {"a": 1}))
    assert dict(memo().shelf("things", int) or {}) == {"a": 1} and len(rows()) == 1
    store.connection.execute("DELETE FROM parts WHERE step = 'shelf things'")
    with pytest.raises(CorruptStore):
        memo().shelf("things", int)
