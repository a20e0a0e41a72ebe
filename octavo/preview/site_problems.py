"""What is wrong with a site at one moment, compared with another.

A site of ten thousand posts may have twenty thousand warnings, and most saves change none. So what a refresh of the
site finds is put in order, weighed and hashed once, in its own thread; what a page adds when it is rendered is few.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from heapq import merge, nsmallest
from itertools import islice
from operator import attrgetter

from octavo.base.diagnostics import Diagnostic, place, sort_problems


class ProblemList:
    """The problems that a refresh has found in the site as a whole.

    They are ``ordered`` by place; ``errors`` are those among them; ``every`` has all as a set. Those that ``before``
    has as well are the same objects, so that sets of both are compared by identity: a comparison of two equal problems
    runs in Python, and takes a hundred times as long.
    """

    def __init__(self, problems: Iterable[Diagnostic] = (), before: ProblemList | None = None) -> None:
        objects_before = before._objects if before is not None else {}
        self.ordered = tuple(objects_before.get(problem, problem) for problem in problems)
        self.errors = tuple(problem for problem in self.ordered if problem.is_error)
        self._objects: dict[Diagnostic, Diagnostic] = {problem: problem for problem in self.ordered}
        """Each problem -> the object that stands for all that equal it."""
        self.every = frozenset(self._objects)  # of a dictionary, which has the hashes already

    def at(self, path: str) -> tuple[Diagnostic, ...]:
        """Those of one file."""
        first = bisect_left(self.ordered, path, key=_path)
        return self.ordered[first : bisect_left(self.ordered, f"{path}\0", first, key=_path)]


def list_problems(
    problems: Iterable[Diagnostic], weigh: Callable[[Diagnostic], Diagnostic], before: ProblemList | None
) -> ProblemList:
    """Put problems in order, weighed by what the command line says.

    Those that ``before`` has as well are the same objects.
    """
    return ProblemList(map(weigh, sort_problems(problems)), before)


@dataclass(frozen=True, eq=False)
class Problems:
    """All that is wrong.

    That is what a refresh has found in the ``site`` as a whole, and what ``pages`` add to it as they were rendered
    last.
    """

    site: ProblemList
    pages: frozenset[Diagnostic] = frozenset()

    def __len__(self) -> int:
        return len(self.site.every) + len(self.pages)

    @property
    def errors(self) -> int:
        """How many of them are errors."""
        return len(self.site.errors) + sum(problem.is_error for problem in self.pages)

    def ordered(self) -> tuple[Diagnostic, ...]:
        """All of them, in order."""
        return tuple(merge(self.site.ordered, sorted(self.pages, key=place), key=place))

    def first_errors(self, count: int) -> tuple[Diagnostic, ...]:
        """So many errors, in order."""
        of_pages = sorted((problem for problem in self.pages if problem.is_error), key=place)
        return tuple(islice(merge(self.site.errors, of_pages, key=place), count))

    def at(self, path: str) -> tuple[Diagnostic, ...]:
        """Those of one file, in order."""
        of_pages = [problem for problem in self.pages if problem.path == path]
        return tuple(sorted((*self.site.at(path), *of_pages), key=place)) if of_pages else self.site.at(path)


def combine_problems(site: ProblemList, pages: Iterable[Diagnostic]) -> Problems:
    """Combine the problems of the site and of pages, each once.

    What is wrong with a layout may be among those of the site already, or shows in each page that uses it.
    """

    def is_covered(problem: Diagnostic) -> bool:
        return any(_covers(listed, problem) for listed in site.at(problem.path))

    return Problems(site, frozenset(problem for problem in sort_problems(pages) if not is_covered(problem)))


def _covers(listed: Diagnostic, problem: Diagnostic) -> bool:
    """Whether a problem says nothing that the listed one does not say.

    An error says more than a warning in the same words.
    """
    is_same = (listed.span, listed.code, listed.message) == (problem.span, problem.code, problem.message)
    return is_same and (listed.is_error or not problem.is_error)


class Comparison:
    """Compares the problems of two moments.

    What two refreshes have found is compared once, for as long as it is these two.
    """

    def __init__(self) -> None:
        self._site: tuple[ProblemList, ProblemList] | None = None
        self._added = self._gone = frozenset[Diagnostic]()

    def compare(self, before: Problems, now: Problems) -> Difference:
        """What is new ``now``, and what of ``before`` is no more."""
        if before.site is now.site:
            return Difference(now.pages - before.pages, before.pages - now.pages)
        if self._site is None or self._site[0] is not before.site or self._site[1] is not now.site:
            self._site = (before.site, now.site)
            self._added, self._gone = now.site.every - before.site.every, before.site.every - now.site.every
        added = (self._added - before.pages) | (now.pages - before.pages - before.site.every)
        gone = (self._gone - now.pages) | (before.pages - now.pages - now.site.every)
        return Difference(added, gone)


@dataclass(frozen=True)
class Difference:
    """The problems that are new, and those that are no more."""

    added: frozenset[Diagnostic]
    gone: frozenset[Diagnostic]

    def __bool__(self) -> bool:
        return bool(self.added or self.gone)

    @property
    def has_new_error(self) -> bool:
        return any(problem.is_error for problem in self.added)

    def first_added(self, count: int) -> list[Diagnostic]:
        """So many new ones: errors first, each kind in order."""
        return nsmallest(count, self.added, key=lambda problem: (not problem.is_error, place(problem)))


_path = attrgetter("path")
