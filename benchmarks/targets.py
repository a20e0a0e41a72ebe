"""What Octavo set out to reach, as bounds on what was measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from benchmarks.results import Cell, Measure, Report

Figure = Callable[[Report], float | None]


@dataclass(frozen=True)
class Target:
    """``figure`` is None where a report does not have what it needs."""

    words: str
    bound: float
    figure: Figure
    unit: str = "×"

    def format(self, value: float) -> str:
        if self.unit == "MB":
            return f"{value / 1e6:,.0f} MB"
        return f"{value:.2f} {self.unit}" if self.unit == "s" else f"{value:.3g} {self.unit}"


def site(kind: str, posts: int, related: bool = True) -> Cell:
    return Cell(kind, posts, related)


def ours(cell: Cell, operation: str, measure: Measure = "wall") -> Figure:
    return lambda report: report.middle(cell, "octavo", operation, measure)


def against(peer: str, cell: Cell, operation: str = "cold", measure: Measure = "wall") -> Figure:
    """Octavo's figure divided by a peer's."""

    def figure(report: Report) -> float | None:
        mine, other = (report.middle(cell, name, operation, measure) for name in ("octavo", peer))
        return mine / other if mine is not None and other else None

    return figure


def growth(small: Cell, large: Cell) -> Figure:
    def figure(report: Report) -> float | None:
        before, after = (report.middle(cell, "octavo", "cold", "cpu") for cell in (small, large))
        return after / before if before and after is not None else None

    return figure


REAL, SMALL = site("real", 1000), site("small", 1000)
MANY_REAL, MANY_SMALL, MOST_SMALL = site("real", 10_000), site("small", 10_000), site("small", 100_000)

TARGETS = (
    Target("cold, 1,000 real posts, of Hugo's time", 0.6, against("hugo", REAL)),
    Target("cold, 1,000 small posts, of Hugo's time", 0.6, against("hugo", SMALL)),
    Target("cold, 10,000 small posts, of Hugo's time", 0.25, against("hugo", MANY_SMALL)),
    Target("the same with related articles off", 0.5, against("hugo", site("small", 10_000, False))),
    Target("cold, 10,000 real posts, of Hugo's time", 0.25, against("hugo", MANY_REAL)),
    Target("cold, 1,000 real posts, of our floor", 1.4, against("floor", REAL)),
    Target("cold, 1,000 small posts, of our floor", 1.4, against("floor", SMALL)),
    Target("cold, 10,000 real posts, of our floor", 1.4, against("floor", MANY_REAL)),
    Target("cold, 10,000 small posts, of our floor", 1.4, against("floor", MANY_SMALL)),
    *(
        Target(f"cold, 1,000 real posts, of {title}'s time", 0.15, against(peer, REAL))
        for peer, title in (
            ("pelican", "Pelican"),
            ("eleventy", "Eleventy"),
            ("mkdocs-material", "MkDocs-Material"),
            ("nikola", "Nikola"),
        )
    ),
    *(
        target
        for kind, cell in (("small", MANY_SMALL), ("real", MANY_REAL))
        for target in (
            Target(f"nothing changed, 10,000 {kind} posts", 0.4, ours(cell, "unchanged"), "s"),
            Target(f"nothing changed, 10,000 {kind} posts, of Hugo's time", 0.02, against("hugo", cell, "unchanged")),
            Target(f"a body edited, 10,000 {kind} posts", 1.0, ours(cell, "body"), "s"),
            Target(f"a title edited, 10,000 {kind} posts", 1.5, ours(cell, "title"), "s"),
            Target(f"an older post added, 10,000 {kind} posts", 2.5, ours(cell, "older"), "s"),
            Target(f"a new post added, 10,000 {kind} posts", 2.5, ours(cell, "added"), "s"),
        )
    ),
    Target("memory of all processes, cold, 10,000 real posts", 700e6, ours(MANY_REAL, "cold", "peak"), "MB"),
    Target("memory of the main process, cold, 10,000 real posts", 400e6, ours(MANY_REAL, "cold", "main"), "MB"),
    Target("CPU time of 10,000 over 1,000 small posts, cold", 11, growth(SMALL, MANY_SMALL)),
    Target("CPU time of 10,000 over 1,000 real posts, cold", 11, growth(REAL, MANY_REAL)),
    Target("cold, 100,000 small posts", 900, ours(MOST_SMALL, "cold"), "s"),
    Target("memory of all processes, cold, 100,000 small posts", 2e9, ours(MOST_SMALL, "cold", "peak"), "MB"),
    Target("nothing changed, 100,000 small posts", 4, ours(MOST_SMALL, "unchanged"), "s"),
)


def judged(report: Report) -> Iterator[tuple[Target, float]]:
    """The targets that the report can judge, each with what was measured."""
    for target in TARGETS:
        value = target.figure(report)
        if value is not None:
            yield target, value
