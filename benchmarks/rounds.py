"""Operations on one site, in rounds: each operation is done with every peer before the next one is."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.measure import Cost, measure
from benchmarks.operations import (
    AGAIN,
    EVERY_OPERATION,
    Pages,
    Site,
    Workspace,
    WrongSite,
    check_seen,
    count_pages,
    prepare,
)
from benchmarks.peer import Peer, Tools
from benchmarks.results import Cell, Result


@dataclass(frozen=True)
class Plan:
    """What to do. In seconds, ``limit`` is the longest time for one build, ``rest`` the shortest between a site's last
    build and one with nothing changed."""

    operations: Sequence[str]
    rounds: int
    limit: float
    tools: Tools
    rest: float = 0.0

    def steps(self) -> Iterator[tuple[int, str, bool]]:
        """``(round, operation, whether it counts)``: a site has to be built before anything else is done to it, and in
        each round again where the first build with nothing changed is told from the next one."""
        for turn in range(self.rounds):
            if "cold" not in self.operations and (turn == 0 or AGAIN in self.operations):
                yield turn, "cold", False
            for operation in self.operations:
                yield turn, operation, True


@dataclass
class _Course:
    """How one peer fares."""

    space: Workspace
    costs: dict[str, list[Cost]] = field(default_factory=dict)
    pages: Pages | None = None
    failure: tuple[str, str] | None = None
    built: float = -math.inf
    """When its last build ended, by ``time.monotonic``."""

    def results(self, cell: Cell) -> Iterator[Result]:
        name = self.space.peer.name
        for operation, costs in self.costs.items():
            yield Result(
                cell,
                name,
                operation,
                wall=tuple(each.wall for each in costs),
                cpu=tuple(each.cpu for each in costs),
                peak=tuple(each.peak for each in costs if each.peak is not None),
                main=tuple(each.main for each in costs if each.main is not None),
                pages=self.pages.html if self.pages else 0,
                lists=self.pages.related if self.pages else 0,
            )
        if self.failure is not None:
            yield Result(cell, name, self.failure[0], failure=self.failure[1])


def measure_site(
    plan: Plan, cell: Cell, site: Site, peers: Sequence[Peer], work: Path, say: Callable[[str], None]
) -> list[Result]:
    """All of a plan on one site. A peer that fails, or builds something else than was asked, takes no further part."""
    courses = [_Course(prepare(peer, site, work / peer.name, cell.related, plan.tools.of(peer.name))) for peer in peers]
    for turn, operation, counts in plan.steps():
        start = turn % max(1, len(courses))
        for course in courses[start:] + courses[:start]:
            peer = course.space.peer
            if course.failure is not None or not (peer.output or operation == "cold"):
                continue
            if operation == "unchanged":
                time.sleep(max(0.0, course.built + plan.rest - time.monotonic()))
            try:
                cost = _build(plan, operation, course.space, site, turn, work)
                if operation == "cold" and turn == 0 and peer.output:
                    course.pages = count_pages(course.space, site)
            except WrongSite as wrong:
                course.failure = (operation, str(wrong))
                say(f"{peer.title} failed: {wrong}")
                continue
            course.built = time.monotonic()
            if counts:
                course.costs.setdefault(operation, []).append(cost)
            say(f"{cell}, round {turn + 1}: {peer.title}, {operation}: {cost.wall:.2f} s, {cost.cpu:.2f} s CPU")
    return [result for course in courses for result in course.results(cell)]


def _build(plan: Plan, operation: str, space: Workspace, site: Site, turn: int, work: Path) -> Cost:
    """Make the edit, build, and hold the pages against it. Raises WrongSite."""
    peer = space.peer
    seen = EVERY_OPERATION[operation][1](space, site, turn)
    command = peer.command(plan.tools.of(peer.name))
    if command is None:
        raise WrongSite("it is not installed any more")
    log = work / f"{peer.name}.log"
    cost = measure(command, space.folder, log, environment=peer.environment, limit=plan.limit)
    if cost.wall >= plan.limit:
        raise WrongSite(f"it took more than {plan.limit:g} s")
    if cost.status:
        raise WrongSite(f"exit status {cost.status}: {' '.join(cost.text.split())[-300:]}")
    if peer.output:
        check_seen(space, seen)
    return cost


def say(line: str) -> None:
    """Progress, beside the tables."""
    print(line, file=sys.stderr, flush=True)
