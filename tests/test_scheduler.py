"""Running items in other processes: what is sent, what is run here, and what a lost process costs."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import BrokenExecutor, Executor, Future
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from octavo.engine.codec import codec
from octavo.engine.facts import Ask, Fact, Facts, Query, Resolver
from octavo.engine.scheduler import Hints, Share, Work, run_all
from octavo.engine.worker import Asked, Done, ForkContext, Shelf
from octavo.engine.worker import run as run_item

CHECKOUT = Path(__file__).parent.parent


class Stored(Query[str]):
    name: str


@dataclass(frozen=True)
class Text:
    text: str


def shout(name: str, ask: Ask) -> Text:
    """Asks for one stored text after the other: ``a+b`` for two."""
    return Text("+".join((ask(Stored(part)) or "").upper() for part in name.split("+")))


class Stock:
    """Parts whose bytes are their item's name."""

    def part(self, step: str, item: str, part: str, /) -> bytes:
        return item.encode()

    def all_parts(self, step: str, part: str, /) -> Any:
        return iter([("a", b"a"), ("b", b"b")])


@dataclass(frozen=True)
class NoLocal:
    def resolvers(self) -> dict[type[Query[Any]], Resolver]:
        return {}

    def portable(self) -> NoLocal:
        return self


class Inline(Executor):
    """Runs at once, in this process, what is submitted; ``lost`` after so many batches."""

    def __init__(self, lost: int = 10**9) -> None:
        self.sent: list[Sequence[str]] = []
        self._lost = lost

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self.sent.append(args[0])
        assert len(self.sent) < 10_000, "this has no end"
        if len(self.sent) > self._lost:
            future.set_exception(BrokenExecutor("gone"))
        else:
            future.set_result(fn(*args))
        return future


@dataclass(frozen=True)
class Crew:
    """A crew whose heir is this process, with a shelf of its own."""

    executor: Inline
    jobs: int = 2
    remote: bool = False

    def forked_workers(self, begin: Any, estate: Any, /) -> AbstractContextManager[Executor]:
        shelf = Shelf(Stock())
        begin(ForkContext(estate.step, facts(shelf), shelf, estate.sink, estate.sunk))
        return nullcontext(self.executor)

    def pool(self) -> None:
        return None


def facts(shelf: Shelf) -> Facts:
    def stored(query: Stored) -> Fact:
        if query.name.startswith("all"):
            return Fact(b"0" * 16, lambda: "".join(item for item, _ in shelf.column("step", "text")))
        return Fact(b"0" * 16, lambda: shelf.part("step", query.name, "text").decode())

    return Facts({Stored: stored})


def run(items: list[str], hints: Hints, executor: Inline) -> dict[str, str]:
    shelf = Shelf(Stock())
    done = run_all(Work(shout, facts(shelf), hints), items, Crew(executor), 1, shelf, NoLocal())
    return {result.item: codec(str).decode(result.parts["text"]) for result in done}


NAMES = [f"n{number}" for number in range(40)]


def test_an_heir_is_sent_the_parts_that_it_wants() -> None:
    executor = Inline()
    assert run(NAMES, Hints(), executor) == {name: name.upper() for name in NAMES}
    assert len(executor.sent) > len(NAMES) // 5


def test_an_heir_that_wants_one_part_after_the_other_has_all_of_them_in_the_end() -> None:
    names = [f"{name}+{name}x+{name}y" for name in NAMES]
    assert run(names, Hints(), Inline()) == {name: name.upper() for name in names}


def test_an_heir_does_not_hold_the_answers_to_all_that_it_was_ever_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("octavo.engine.worker.MOST_HELD", 10)
    held: list[int] = []
    real = Facts.forget

    def forget(self: Facts, beyond: int) -> None:
        real(self, beyond)
        held.append(len(self._answers))

    monkeypatch.setattr(Facts, "forget", forget)
    assert run(NAMES, Hints(), Inline()) == {name: name.upper() for name in NAMES}
    assert max(held) <= 10 < len(NAMES)


def test_a_good_hint_spares_the_second_exchange() -> None:
    executor = Inline()
    run(NAMES, Hints(parts=lambda item: [("step", item, "text")]), executor)
    assert sorted(item for batch in executor.sent for item in batch) == sorted({*NAMES} - {"n20"})


def test_what_cannot_be_sent_is_run_here() -> None:
    executor = Inline()
    assert run([*NAMES, "all"], Hints(), executor)["all"] == "AB"


def test_what_is_to_be_run_alone_is_sent_to_nobody() -> None:
    executor = Inline()
    assert run(NAMES, Hints(alone={"n3", "n4"}), executor) == {name: name.upper() for name in NAMES}
    assert not {"n3", "n4"} & {item for batch in executor.sent for item in batch}


@pytest.mark.parametrize("kinds", [1, 3])
def test_one_of_each_kind_is_run_before_there_are_heirs(kinds: int) -> None:
    executor = Inline()
    hints = Hints(parts=lambda item: [("step", item, "text")], kind=lambda item: str(int(item[1:]) % kinds))
    assert run(NAMES, hints, executor) == {name: name.upper() for name in NAMES}
    assert len({item for batch in executor.sent for item in batch}) == len(NAMES) - kinds


@pytest.mark.parametrize("batches", [0, 3])
def test_when_the_processes_are_lost_the_rest_is_run_here(batches: int) -> None:
    executor = Inline(lost=batches)
    assert run(NAMES, Hints(parts=lambda item: [("step", item, "text")]), executor) == {
        name: name.upper() for name in NAMES
    }


COPIES = """
import json, os, sys
from octavo.project.processes import Workers, can_fork

KNOWN = {"made": "here"}

def begin(estate):
    KNOWN["estate"] = estate

def told():
    return KNOWN, os.getppid()

if can_fork():
    KNOWN["made"] = "after the import"
    with Workers(2).forked_workers(begin, "all of it") as pool:
        known, parent = pool.submit(told).result()
    print(json.dumps([known, parent == os.getpid()]))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells how many threads a process has")
def test_a_forked_worker_knows_what_its_parent_knew() -> None:
    done = subprocess.run([sys.executable, "-c", COPIES], capture_output=True, text=True, cwd=CHECKOUT, check=False)
    assert done.stderr == ""
    assert json.loads(done.stdout) == [{"made": "after the import", "estate": "all of it"}, True]


def test_a_process_with_threads_is_not_copied() -> None:
    code = (
        "import threading\nfrom octavo.project.processes import Workers\n"
        "threading.Thread(target=threading.Event().wait, daemon=True).start()\n"
        "print(Workers(2).forked_workers(print, 0))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=CHECKOUT, check=False)
    assert (done.stdout, done.stderr) == ("None\n", "")


def test_what_all_items_of_a_batch_ask_is_sent_back_once() -> None:
    asked = Asked()
    runs = [run_item(shout, f"same+{name}", facts(Shelf(Stock())), asked) for name in NAMES]
    sent: list[Done] = pickle.loads(pickle.dumps(runs))
    assert [list(done.questions) for done in sent] == [
        [f'Stored["{part}"]' for part in ("same", name)] for name in NAMES
    ]
    assert len(sent[0].asked.questions) == len(sent[-1].asked.answers) == len(NAMES) + 1


def test_a_question_that_was_answered_in_two_ways_is_told_as_two() -> None:
    asked = Asked()
    answers: list[dict[Query[Any], Fact]] = [
        {Stored("a"): Fact(digest, str)} for digest in (b"1" * 16, b"2" * 16, b"2" * 16)
    ]
    assert [list(asked.places(each)) for each in answers] == [[0], [1], [1]]
    assert (asked.questions, asked.answers) == (['Stored["a"]'] * 2, [b"1" * 16, b"2" * 16])


@dataclass(frozen=True)
class Hands(Crew):
    """A crew whose copies only do what they are told to begin with."""

    def forked_workers(self, begin: Any, estate: Any, /) -> AbstractContextManager[Executor]:
        begin(estate)
        return nullcontext(self.executor)


@pytest.mark.parametrize("lost", [10**9, 1, 0])
def test_work_is_shared_by_as_many_as_there_are_and_is_done_all_the_same_when_they_are_lost(lost: int) -> None:
    executor = Inline(lost)

    def divided(parts: int) -> list[str]:
        return ["abcdef"] if parts == 1 else ["abc", "def"]

    assert "".join(Share(Hands(executor))(str.upper, divided)) == "ABCDEF"
    assert executor.sent == ["abc", "def"]


@pytest.mark.parametrize("crew", [None, Hands(Inline(), jobs=1)])
def test_work_that_nobody_shares_is_done_here_as_one(crew: Crew | None) -> None:
    assert Share(crew)(str.upper, lambda parts: ["ab"] * parts) == ["AB"]
