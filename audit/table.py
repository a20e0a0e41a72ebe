"""The table: a row for each thing that was measured, a column for each page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from audit.limits import Row
from audit.measures import Measure

_NOTES = 12
"""How many notes of one measure are shown."""


def table(rows: Sequence[Row], columns: Sequence[str], measures: Sequence[Measure]) -> str:
    """``columns`` are names of pages, in order; what is beyond its limit is marked with ``!``."""
    values = {(measure.row, measure.page): measure for measure in measures}
    used_columns = [column for column in columns if any(page == column for _, page in values)]
    lines = [("", "limit", *used_columns)]
    for row in rows:
        row_measures = [values.get((row.name, column)) for column in used_columns]
        if any(row_measures):
            lines.append((row.says, row.limit, *("" if each is None else _cell(row, each) for each in row_measures)))
    widths = [max(len(line[place]) for line in lines) for place in range(len(lines[0]))]
    return "\n".join(
        "  ".join(
            cell.ljust(width) if place == 0 else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )


def _cell(row: Row, measure: Measure) -> str:
    number = f"{measure.value:.4g}" if measure.value < 10_000 else f"{measure.value:.0f}"
    return number if row.holds(measure) else f"{number}!"


def details(rows: Sequence[Row], measures: Sequence[Measure], all_of_them: bool) -> Iterator[str]:
    """What is behind each measure beyond its limit, or behind all that have something to tell."""
    by_name = {row.name: row for row in rows}
    for measure in measures:
        row = by_name[measure.row]
        if not measure.notes or (row.holds(measure) and not all_of_them):
            continue
        yield f"{row.says}, {measure.page}: {measure.value:g}"
        yield from (f"    {note}" for note in measure.notes[:_NOTES])
        if len(measure.notes) > _NOTES:
            yield f"    … and {len(measure.notes) - _NOTES} more"
