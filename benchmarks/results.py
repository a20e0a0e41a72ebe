"""What was measured, as values that can be kept in a file."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any, Literal

Measure = Literal["wall", "cpu", "peak", "main"]


@dataclass(frozen=True)
class Cell:
    """One site to build: its kind of posts, how many there are, and whether related articles are on."""

    kind: str
    posts: int
    related: bool

    def __str__(self) -> str:
        return f"{self.posts:,} {self.kind} posts, related {'on' if self.related else 'off'}"


@dataclass(frozen=True)
class Result:
    """What one peer needed for one operation, a figure for each round: seconds, and bytes where they are known.

    ``pages`` are the HTML files of the site, ``lists`` the lists of related articles on them. ``failure`` says why
    there are no figures.
    """

    cell: Cell
    peer: str
    operation: str
    wall: tuple[float, ...] = ()
    cpu: tuple[float, ...] = ()
    peak: tuple[int, ...] = ()
    main: tuple[int, ...] = ()
    pages: int = 0
    lists: int = 0
    failure: str = ""

    def middle(self, measure: Measure) -> float | None:
        values = getattr(self, measure)
        return median(values) if values else None


@dataclass(frozen=True)
class Report:
    """All results, the versions of the peers, the machine in words, and the commands."""

    results: tuple[Result, ...]
    versions: dict[str, str]
    machine: str
    commands: tuple[str, ...]

    def find(self, cell: Cell, peer: str, operation: str) -> Result | None:
        for each in self.results:
            if (each.cell, each.peer, each.operation) == (cell, peer, operation):
                return each
        return None

    def middle(self, cell: Cell, peer: str, operation: str, measure: Measure) -> float | None:
        result = self.find(cell, peer, operation)
        return None if result is None else result.middle(measure)

    def cells(self) -> list[Cell]:
        order = {each.cell: None for each in self.results}
        return sorted(order, key=lambda cell: (cell.kind, cell.posts, not cell.related))


def merged(before: Report | None, now: Report) -> Report:
    """Both reports as one; where both measured one site, all of it is from now: ratios are of one run only."""
    if before is None:
        return now
    cells = {each.cell for each in now.results}
    kept = tuple(each for each in before.results if each.cell not in cells)
    return Report(
        results=kept + now.results,
        versions={**before.versions, **now.versions},
        machine=now.machine,
        commands=(*(each for each in before.commands if each not in now.commands), *now.commands),
    )


def dump(report: Report) -> str:
    return json.dumps(asdict(report), indent=1)


def load(path: Path) -> Report | None:
    """The report of a file; None when there is no such file."""
    if not path.is_file():
        return None
    data = json.loads(path.read_text(encoding="utf-8"))
    return Report(
        results=tuple(map(_result, data["results"])),
        versions=data["versions"],
        machine=data["machine"],
        commands=tuple(data["commands"]),
    )


def _result(data: dict[str, Any]) -> Result:
    values: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in data.items() if key != "cell"
    }
    return Result(Cell(**data["cell"]), **values)


def peers_of(results: Iterable[Result]) -> list[str]:
    return list(dict.fromkeys(each.peer for each in results))
