"""Results as tables, for a terminal and for a page of the docs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

from benchmarks.operations import OPERATIONS
from benchmarks.peers import PEERS
from benchmarks.results import Cell, Measure, Report, Result, peers_of
from benchmarks.targets import judged

Rows = list[list[str]]
"""The first row is the head."""

MEASURES: tuple[tuple[Measure, str], ...] = (("wall", "wall"), ("cpu", "CPU"), ("peak", "memory"))
OURS = "octavo"
MARKS = ("<!-- figures -->", "<!-- end of figures -->")


def site_table(report: Report, cell: Cell) -> Rows:
    """A row for each operation and measure, a column for each peer."""
    results = [each for each in report.results if each.cell == cell]
    names = [name for name in PEERS if name in peers_of(results)]
    rows = [["", *(PEERS[name].title for name in names)]]
    for operation, (words, _) in OPERATIONS.items():
        measured = [report.find(cell, name, operation) for name in names]
        if not any(each is not None and each.wall for each in measured):
            continue
        ours = report.find(cell, OURS, operation)
        measures = [*MEASURES, ("main", "main process")] if operation == "cold" else MEASURES
        for measure, word in measures:
            rows.append([f"{words}: {word}", *(figure(each, ours, measure) for each in measured)])
    made = [next((each for each in results if each.peer == name and each.pages), None) for name in names]
    rows.append(["pages made", *(f"{each.pages:,}" if each else "" for each in made)])
    rows.append(["with related articles", *(f"{each.lists:,}" if each else "" for each in made)])
    return rows


def figure(result: Result | None, ours: Result | None, measure: Measure) -> str:
    """``4.31 s (0.42)``: a peer's median, and Octavo's median divided by it."""
    if result is None:
        return ""
    if result.failure:
        return "failed"
    value = result.middle(measure)
    if value is None:
        return ""
    words = megabytes(value) if measure in ("peak", "main") else seconds(value)
    own = ours.middle(measure) if ours is not None and ours is not result else None
    return words if own is None or not value else f"{words} ({ratio(own / value)})"


def growth_table(report: Report) -> Rows:
    """How many times the CPU time and memory of a site are those of the next smaller one."""
    rows = [["", "posts", "× posts", *(f"{PEERS[name].title}" for name in _known(report))]]
    for before, after in pairwise(report.cells()):
        if (before.kind, before.related) != (after.kind, after.related):
            continue
        rows += _growth_rows(report, before, after)
    return rows


def _growth_rows(report: Report, before: Cell, after: Cell) -> Rows:
    rows = []
    for operation, (words, _) in OPERATIONS.items():
        for measure, word in MEASURES[1:] if operation == "cold" else MEASURES[1:2]:
            cells = []
            for name in _known(report):
                small = report.middle(before, name, operation, measure)
                large = report.middle(after, name, operation, measure)
                cells.append(f"{large / small:.1f}" if small and large else "")
            if any(cells):
                label = f"{after.kind}, {_on(after)}, {words}: {word}"
                rows.append([label, f"{after.posts:,}", f"{after.posts / before.posts:g}", *cells])
    return rows


def target_table(report: Report) -> Rows:
    rows = [["target", "at most", "measured", ""]]
    for target, value in judged(report):
        met = "met" if value <= target.bound else f"{value / target.bound:.2f} × the target"
        rows.append([target.words, target.format(target.bound), target.format(value), met])
    return rows


def _known(report: Report) -> list[str]:
    return [name for name in PEERS if name in peers_of(report.results)]


def _on(cell: Cell) -> str:
    return "related on" if cell.related else "related off"


def seconds(value: float) -> str:
    return f"{value:.2f} s" if value < 100 else f"{value:.0f} s"


def megabytes(value: float) -> str:
    return f"{value / 1e6:,.0f} MB"


def ratio(value: float) -> str:
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}" if value >= 0.1 else f"{value:.3f}"


def text(report: Report) -> str:
    return _page(report, aligned, lambda title: f"{title}\n")


def markdown(report: Report) -> str:
    return _page(report, piped, lambda title: f"### {title}\n")


def _page(report: Report, table: Callable[[Rows], str], titled: Callable[[str], str]) -> str:
    parts = []
    for cell in report.cells():
        parts.append(titled(str(cell)) + "\n" + table(site_table(report, cell)))
        failures = [each for each in report.results if each.cell == cell and each.failure]
        parts += [f"{PEERS[each.peer].title} failed ({each.operation}): {each.failure}" for each in failures]
    for title, rows in (("Growth", growth_table(report)), ("Targets", target_table(report))):
        if len(rows) > 1:
            parts.append(titled(title) + "\n" + table(rows))
    parts.append(titled("How it was measured") + "\n" + _circumstances(report))
    return "\n\n".join(parts) + "\n"


def _circumstances(report: Report) -> str:
    lines = [report.machine + ". Medians; in brackets Octavo's figure divided by the peer's.", ""]
    for name in _known(report):
        lacks = PEERS[name].lacks
        lines.append(
            f"- {PEERS[name].title} {report.versions.get(name, '')}".rstrip() + (f": {lacks}" if lacks else "")
        )
    return "\n".join([*lines, "", *(f"    {command}" for command in report.commands)])


def aligned(rows: Rows) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(_line(row, widths) for row in rows)


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    first, *rest = zip(row, widths, strict=True)
    cells = [first[0].ljust(first[1]), *(cell.rjust(width) for cell, width in rest)]
    return "  ".join(cells).rstrip()


def piped(rows: Rows) -> str:
    head, *rest = rows
    rule = [":---", *("---:" for _ in head[1:])]
    return "\n".join("| " + " | ".join(row) + " |" for row in (head, rule, *rest))


def between_marks(page: str, figures: str) -> str:
    """A page with other figures between its marks. Raises ValueError when it has no marks."""
    before, start, rest = page.partition(MARKS[0])
    _, end, after = rest.partition(MARKS[1])
    if not start or not end:
        raise ValueError(f"there is no '{MARKS[0]}' … '{MARKS[1]}' in the page")
    return f"{before}{MARKS[0]}\n\n{figures.strip()}\n\n{MARKS[1]}{after}"
