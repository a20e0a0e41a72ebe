"""What the memo knows of its questions without asking them again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from octavo.engine.answers import Answers, _Progress
from octavo.engine.codec import codec
from octavo.engine.facts import Basis, Facts, Query, fact, query_text
from octavo.engine.store import CorruptStore, Store


class Colour(Query[str]):
    thing: str


class Size(Query[int]):
    thing: str
    unit: str


@dataclass
class World:
    """Things with colours; ``asked`` are those whose colour was looked at."""

    colours: dict[str, str]
    basis: Basis | None = None
    asked: list[str] = field(default_factory=list)

    def facts(self) -> Facts:
        def colour(query: Colour) -> Any:
            self.asked.append(query.thing)
            return fact(self.colours.get(query.thing))

        return Facts({Colour: colour}, {} if self.basis is None else {Colour: self.basis})


@dataclass(frozen=True)
class Painted:
    """Records that say which things were painted since a revision."""

    things: tuple[str, ...] = ()

    def since(self, revision: int, /) -> Iterable[str]:
        return self.things


@pytest.fixture
def store() -> Iterator[Store]:
    made = Store(None, b"salt")
    yield made
    made.close()


def remember(answers: Answers, world: World, *things: str) -> list[int]:
    facts = world.facts()
    return [answers.number(query_text(Colour(thing)), facts.digest(Colour(thing))) for thing in things]


def save(answers: Answers, store: Store) -> None:
    with store.transaction():
        answers.save()


def test_a_change_is_new_to_the_steps_that_held_before_it(store: Store) -> None:
    world = World({"sky": "blue", "grass": "green"})
    answers = Answers(store)
    sky, _ = remember(answers, world, "sky", "grass")
    answers.all_hold("paint")
    save(answers, store)
    world.colours["sky"] = "grey"
    answers = Answers(store)
    answers.compare(world.facts())
    assert dict(answers.changed_since("paint")) == {sky: answers.revision}
    assert answers.query(sky) == Colour("sky")
    answers.all_hold("paint")
    assert not answers.changed_since("paint")


def test_a_build_that_died_before_a_step_was_done_leaves_its_changes_to_the_next(store: Store) -> None:
    world = World({"sky": "blue"})
    answers = Answers(store)
    (sky,) = remember(answers, world, "sky")
    answers.all_hold("paint")
    save(answers, store)
    world.colours["sky"] = "grey"
    dying = Answers(store)
    dying.compare(world.facts())
    save(dying, store)
    after = Answers(store)
    after.compare(world.facts())
    assert dict(after.changed_since("paint")) == {sky: dying.revision}


def test_with_the_same_basis_nothing_is_asked(store: Store) -> None:
    world = World({"sky": "blue"}, Basis(b"one"))
    answers = Answers(store)
    remember(answers, world, "sky")
    answers.compare(world.facts())
    save(answers, store)
    world.asked.clear()
    Answers(store).compare(world.facts())
    assert world.asked == []
    world.basis = Basis(b"two")
    Answers(store).compare(world.facts())
    assert world.asked == ["sky"]


def test_with_the_same_basis_only_the_items_that_have_new_values_are_asked_about(store: Store) -> None:
    things = ("sky", 'a "quoted" thing', "grass")
    world = World(dict.fromkeys(things, "blue"), Basis(b"one", (Painted(),)))
    answers = Answers(store)
    remember(answers, world, *things)
    answers.compare(world.facts())
    save(answers, store)
    world.asked.clear()
    world.basis = Basis(b"one", (Painted(), Painted(('a "quoted" thing', "unknown"))))
    Answers(store).compare(world.facts())
    assert world.asked == ['a "quoted" thing']


def test_an_item_is_found_by_the_first_argument_of_a_question(store: Store) -> None:
    asked: list[Size] = []

    def size(query: Size) -> Any:
        asked.append(query)
        return fact(1)

    def facts(*things: str) -> Facts:
        return Facts({Size: size}, {Size: Basis(b"one", (Painted(things),))})

    answers = Answers(store)
    for query in (Size("a, b", "m"), Size("a", "b"), Size("b", "a")):
        answers.number(query_text(query), facts().digest(query))
    answers.compare(facts())
    save(answers, store)
    for things, expected in ((("a",), [Size("a", "b")]), (("a, b",), [Size("a, b", "m")])):
        asked.clear()
        Answers(store).compare(facts(*things))
        assert asked == expected


def test_an_answer_that_changed_behind_the_back_of_its_basis_is_damage(store: Store) -> None:
    world = World({"sky": "blue"}, Basis(b"one"))
    answers = Answers(store)
    remember(answers, world, "sky")
    answers.compare(world.facts())
    save(answers, store)
    world.colours["sky"] = "grey"
    answers = Answers(store)
    answers.compare(world.facts())
    with pytest.raises(CorruptStore, match="sky"):
        remember(answers, world, "sky")


def test_many_questions_are_kept_over_many_chunks(store: Store) -> None:
    things = [f"thing {number}" for number in range(3000)]
    world = World(dict.fromkeys(things, "blue"))
    answers = Answers(store)
    numbers = remember(answers, world, *things)
    answers.all_hold("paint")
    save(answers, store)
    world.colours["thing 2500"] = "red"
    answers = Answers(store)
    answers.compare(world.facts())
    assert dict(answers.changed_since("paint")) == {numbers[2500]: answers.revision}
    save(answers, store)
    assert Answers(store).query(numbers[2999]) == Colour("thing 2999")


@pytest.mark.parametrize(
    "poison",
    [
        lambda told: replace(told, revision=-5),
        lambda told: replace(told, revision=2**32 - 1),
        lambda told: replace(told, complete=dict.fromkeys(told.complete or {"x": 0}, 2**40)),
        lambda told: replace(told, newest=dict.fromkeys(told.newest, told.revision + 1), counts=dict(told.counts)),
        lambda told: replace(told, counts=dict.fromkeys(told.counts, -1)),
    ],
)
def test_revisions_of_builds_to_come_are_found_out(poison: Callable[[Any], Any]) -> None:
    """A run of a later revision than any change would hold for ever."""
    told = _Progress(3, {"Note": 1}, {"Note": 2}, {}, {"step": 3})
    store = Store(None, b"salt")
    store.set_about("answers", codec(_Progress).encode(told))
    assert Answers(store).revision == 4
    store.set_about("answers", codec(_Progress).encode(poison(told)))
    with pytest.raises(CorruptStore):
        Answers(store)
