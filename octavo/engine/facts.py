"""Questions, their answers, and a record of what was asked.

A step learns everything it needs by asking; what it asked, with a digest of each answer, is all it can depend on.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from operator import itemgetter
from typing import Any, ClassVar, Generic, NamedTuple, Protocol, TypeVar, cast, dataclass_transform

from octavo.base.digest import Digest, digest
from octavo.base.shortage import Shortage, shortage_in

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


_new = tuple.__new__

_kinds: dict[str, type[Query[Any]]] = {}
"""The kinds of question by name; those of modules that were not imported are not among them."""


def _register(kind: type[Query[Any]]) -> None:
    """Raises TypeError for a second kind of one name: what is kept of their answers could not be told apart."""
    other = _kinds.setdefault(kind.__name__, kind)
    if (other.__module__, other.__qualname__) != (kind.__module__, kind.__qualname__):
        raise TypeError(f"two kinds of question are called {kind.__name__}: {other.__module__} has one as well")
    _kinds[kind.__name__] = kind


@dataclass_transform(frozen_default=True)
class Query(Generic[T_co], tuple[Any, ...]):
    """A question, typed by its answer.

    Each subclass is a kind of question, and names its arguments, which are scalars and tuples, as a dataclass does:
    ``path: str``. It is a tuple of its kind and these, for a build makes, hashes and compares more questions than
    anything else.
    """

    head: ClassVar[tuple[str]]
    arguments: ClassVar[tuple[str, ...]]

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        _register(cls)
        cls.head = (cls.__name__,)
        cls.arguments = tuple(cls.__annotations__)
        for place, name in enumerate(cls.arguments, 1):
            setattr(cls, name, property(itemgetter(place)))

    def __new__(cls, *values: Any, **named: Any) -> Any:
        if named or len(values) != len(cls.arguments):
            rest = cls.arguments[len(values) :]
            if len(values) > len(cls.arguments) or named.keys() != set(rest):
                raise TypeError(f"{cls.__name__} is asked with ({', '.join(cls.arguments)})")
            values = (*values, *(named[name] for name in rest))
        return _new(cls, cls.head + values)

    def __getnewargs__(self) -> tuple[Any, ...]:
        return self[1:]

    def __repr__(self) -> str:
        pairs = (f"{name}={value!r}" for name, value in zip(self.arguments, self[1:], strict=True))
        return f"{self[0]}({', '.join(pairs)})"


_encode = json.JSONEncoder(separators=(",", ":")).encode
quoted = json.encoder.encode_basestring_ascii


def query_text(query: Query[Any]) -> str:
    """A question as one line of text: its kind, and its arguments as JSON.

    ``PostAt["posts/a.md"]``
    """
    return f"{query[0]}[{','.join(map(_as_json, query[1:]))}]"


def _as_json(value: object) -> str:
    return quoted(value) if type(value) is str else str(value) if type(value) is int else _encode(value)


def from_text(text: str) -> Query[Any]:
    """The question that was written so. Raises ValueError when there is none."""
    name, bracket, arguments = text.partition("[")
    try:
        values = json.loads(bracket + arguments)
        kind = _kinds[name]
        query: Query[Any] = kind(*(tuple(value) if type(value) is list else value for value in values))
        _check_plain(query)
        _check_types(query)
    except (KeyError, TypeError, RecursionError) as problem:
        raise ValueError(f"no question: {text!r}") from problem
    return query


_SCALARS = {"str": str, "int": int}


def _check_types(query: Query[Any]) -> None:
    """Raise TypeError where an argument is not of the type that its kind says."""
    kind = type(query)
    for name, value in zip(kind.arguments, query[1:], strict=True):
        expected = _SCALARS.get(kind.__annotations__[name])
        if expected is not None and type(value) is not expected:
            raise TypeError(f"the {name!r} of {kind.__name__} is a {expected.__name__}")


class Fact(NamedTuple):
    """An answer that is loaded only when somebody wants more than its digest."""

    digest: Digest
    load: Callable[[], Any]


def fact(value: object) -> Fact:
    """An answer at hand.

    Raises TypeError when it could be changed after it was given.
    """
    return Fact(digest(value), lambda: value)


def kept_fact(digest: Digest, load: Callable[[], Any]) -> Fact:
    """An answer that is loaded when it is first asked for, and then kept.

    It is small, and asked for by many.
    """
    return Fact(digest, cache(load))


class Ask(Protocol):
    """What a step is given to learn anything but the name of its item."""

    def __call__(self, query: Query[T], /) -> T | None:
        """The answer; None when there is none, which is remembered as well.

        Unknown kinds of query raise KeyError.
        """
        ...

    def all(self, queries: Iterable[Query[Any]], /) -> None:
        """Say that these will be asked.

        So a worker that knows none of them learns them in one exchange.
        """
        ...

    def once(self, make: Callable[..., T], /, *args: Hashable) -> T:
        """``make(*args)``, made once for the life of these facts.

        A parser or an environment, not an answer.
        """
        ...

    def shared(self, make: Callable[..., T], /, *args: Hashable) -> T:
        """``make(ask, *args)``, run once for the life of these facts.

        It is a pure function like a step. All who share what it gives have asked what it asked.
        """
        ...


Resolver = Callable[[Any], Fact]


@dataclass(frozen=True)
class Basis:
    """What all answers of a kind are made from.

    All that ``digest`` stands for, and, of the item that a question names first, its value in each of ``records``.
    While these are the same, so are the answers.
    """

    digest: Digest
    records: tuple[Revised, ...] = ()


class Revised(Protocol):
    """Values that know when they were made."""

    def since(self, revision: int, /) -> Iterable[str]:
        """The items whose value was made after a revision."""
        ...


Bases = Mapping[type[Query[Any]], Basis]


class Facts:
    """The answers of one stratum of a build.

    There is a resolver for each kind of query it can answer, for some with what all its answers are made from.
    """

    def __init__(self, resolvers: Mapping[type[Query[Any]], Resolver], bases: Bases | None = None) -> None:
        self._resolvers = dict(resolvers)
        self._bases = dict(bases or {})
        self._answers: dict[Query[Any], Fact] = {}
        self._made: dict[tuple[Callable[..., Any], tuple[Hashable, ...]], Any] = {}
        self._shared: dict[tuple[Callable[..., Any], tuple[Hashable, ...]], tuple[Any, dict[Query[Any], Fact]]] = {}

    def extended(self, resolvers: Mapping[type[Query[Any]], Resolver], bases: Bases | None = None) -> Facts:
        """The facts of the next stratum: these and more kinds of query.

        What was made once is kept.
        """
        facts = Facts({**self._resolvers, **resolvers}, {**self._bases, **(bases or {})})
        facts._made = self._made
        return facts

    def kinds(self) -> Iterable[type[Query[Any]]]:
        return self._resolvers.keys()

    def basis(self, kind: type[Query[Any]]) -> Basis | None:
        """None when nobody says what all answers of the kind are made from."""
        return self._bases.get(kind)

    def fact(self, query: Query[Any]) -> Fact:
        """The answer to a query, resolved and digested once.

        Raises KeyError for a kind nobody answers.
        """
        answer = self._answers.get(query)
        if answer is None:
            try:
                resolve = self._resolvers[type(query)]
            except KeyError:
                raise KeyError(f"no facts answer {type(query).__name__}") from None
            answer = self._answers[query] = resolve(query)
        return answer

    def digest(self, query: Query[Any]) -> Digest:
        return self.fact(query).digest

    def forget(self, beyond: int) -> None:
        """Hold no more than so many answers: what is asked again is found again."""
        if len(self._answers) > beyond:
            self._answers.clear()

    def once(self, make: Callable[..., T], *args: Hashable) -> T:
        key = (make, args)
        if key not in self._made:
            self._made[key] = make(*args)
        return cast(T, self._made[key])


class Unanswered(Exception):
    """An answer cannot be had.

    What holds it was damaged, or has changed since it was listed. Not the fault of whoever asked; the work has to begin
    again.
    """


class Interrupted(BaseException):
    """An Unanswered or a Shortage on its way out of a step.

    Not an Exception: no layout or extension may take it for its own failure, which would be kept as what the step came
    to.
    """

    def __init__(self, problem: Unanswered | Shortage) -> None:
        super().__init__(problem)
        self.problem = problem


class Missing(BaseException):
    """Facts that are elsewhere are needed.

    Not an Exception: no layout or extension may take it for its own failure.
    """

    def __init__(self, queries: tuple[Query[Any], ...]) -> None:
        super().__init__(queries)
        self.queries = queries


def _interrupt_for(problem: Exception) -> None:
    """Raise Interrupted where an answer cannot be had, or there is too little of something to have it."""
    if isinstance(problem, Unanswered):
        raise Interrupted(problem) from problem
    words = shortage_in(problem)
    if words:
        raise Interrupted(Shortage(words)) from problem


def _check_plain(query: Query[Any]) -> None:
    """Raise TypeError for a query of what cannot be written down, such as a post where its path is meant. A float is
    none either: it would be equal to a number, and then be answered or not by what others have asked."""
    for value in query:
        if type(value) is str:
            continue
        for part in value if isinstance(value, tuple) else (value,):
            if not isinstance(part, str | int | None):
                name = query.arguments[query.index(value) - 1]
                message = f"the {name!r} of {query[0]} is text or a whole number, not {type(part).__name__}"
                raise TypeError(message)


class Reader:
    """Asks on behalf of one run of one step.

    It remembers, in order, what was asked and what the answers are.
    """

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self.facts: dict[Query[Any], Fact] = {}

    @property
    def asked(self) -> dict[Query[Any], Digest]:
        return {query: answer.digest for query, answer in self.facts.items()}

    def __call__(self, query: Query[T], /) -> T | None:
        try:
            fact = self.facts.get(query)
            if fact is None:
                _check_plain(query)
                fact = self.facts[query] = self._facts.fact(query)
            answer: T | None = fact.load()
            return answer
        except Exception as problem:
            _interrupt_for(problem)
            raise

    def all(self, queries: Iterable[Query[Any]], /) -> None:
        missing: list[Query[Any]] = []
        for query in queries:
            try:
                self._facts.fact(query)
            except Missing as missed:
                missing.extend(missed.queries)
            except Exception as problem:
                _interrupt_for(problem)
                raise
        if missing:
            raise Missing(tuple(missing))

    def once(self, make: Callable[..., T], /, *args: Hashable) -> T:
        return self._facts.once(make, *args)

    def shared(self, make: Callable[..., T], /, *args: Hashable) -> T:
        key = (make, args)
        entry = self._facts._shared.get(key)
        if entry is None:
            own = Reader(self._facts)
            entry = self._facts._shared[key] = make(own, *args), own.facts
        self.facts.update(entry[1])
        return cast(T, entry[0])
