"""Two versions of Octavo on the same site: by how much the CPU time of one differs from that of the other.

Both do each operation before the next one is done, and the one that begins changes from round to round, so each round
has a pair of CPU times for each operation. What else the machine does falls on both times of a pair, so it is their
ratio that is looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import comb
from pathlib import Path
from statistics import median

from benchmarks.environments import Version
from benchmarks.operations import AGAIN, EVERY_OPERATION
from benchmarks.peer import Peer, Tools
from benchmarks.peers import PEERS
from benchmarks.peers.octavo import write_settings
from benchmarks.results import Cell, Result
from benchmarks.tables import Rows, aligned

FEWEST_PAIRS = 10
SETTLING_SECONDS = 3.0
"""So long after a build its files are older than what Octavo looks at once more, for it could have changed unseen."""

DEFAULT_OPERATIONS = ("cold", "unchanged", "body")
"""Those that are done where no others are asked for."""

COMPARABLE_OPERATIONS = tuple(name for name in EVERY_OPERATION if name not in ("layout", AGAIN))
"""Those that can be asked for: each version brings layouts of its own, so the site has none to edit."""

Versions = Mapping[str, Version]
"""By the name of the peer that stands for a version; the one that is compared with comes first."""


@dataclass(frozen=True)
class Ratio:
    """The median of paired ratios, and the interval that holds the true one in at least 95 of 100 measurements."""

    median: float
    low: float
    high: float


def paired_ratio(before: Sequence[float], after: Sequence[float]) -> Ratio:
    """What the second of each pair is of the first; the interval is that of the sign test, which supposes nothing of
    how the times are spread."""
    ratios = sorted(new / old for old, new in zip(before, after, strict=True))
    outside = _outside(len(ratios))
    return Ratio(median(ratios), ratios[outside], ratios[-1 - outside])


def _outside(count: int) -> int:
    """How many of so many ordered values lie outside of the interval, at each end."""
    tail, outside = 0.0, 0
    while outside < count // 2 and (tail := tail + comb(count, outside) / 2**count) <= 0.025:
        outside += 1
    return max(0, outside - 1)


def version_peer(name: str, version: Version, jobs: int | None) -> Peer:
    """A version of Octavo as a generator to measure; ``jobs`` are the processes of a build, None as Octavo chooses."""
    python = [str(version.python), "-m", "octavo"]
    build = [*python, "-C", ".", "build", "--quiet", *(["--jobs", str(jobs)] if jobs else [])]

    def configure(folder: Path, related: bool, tools: Tools) -> None:
        write_settings(folder, related)

    return replace(
        PEERS["octavo"],
        name=name,
        title=version.title,
        command=lambda tools: build,
        version=lambda tools: [*python, "--version"],
        configure=configure,
        base="",
        # Else another checkout could be found before what is installed.
        environment={"PYTHONPATH": ""},
    )


def expanded(operations: Iterable[str]) -> list[str]:
    """A build with nothing changed is two: the first looks at all files, the next ones go a short way."""
    return [each for name in operations for each in ((name, AGAIN) if name == "unchanged" else (name,))]


def comparison(results: Sequence[Result], versions: Versions) -> str:
    """For each site a table with the ratio of each operation; or what failed."""
    parts = []
    for cell in dict.fromkeys(result.cell for result in results):
        own = [result for result in results if result.cell == cell]
        failures = [result for result in own if result.failure]
        if failures:
            parts += [f"{versions[each.peer].title} failed ({each.operation}): {each.failure}" for each in failures]
        else:
            parts.append(_titled(cell, own) + "\n" + aligned(comparison_table(own, versions)))
    return "\n\n".join(parts)


def _titled(cell: Cell, results: Sequence[Result]) -> str:
    return f"{cell}: CPU time, medians of {len(results[0].cpu)} pairs"


def comparison_table(results: Sequence[Result], versions: Versions) -> Rows:
    """A row for each operation on one site, in the order in which they were done."""
    rows = [["", *(version.title for version in versions.values()), "ratio", "95 % interval"]]
    for operation in dict.fromkeys(result.operation for result in results):
        times = {result.peer: result.cpu for result in results if result.operation == operation}
        before, after = (times[peer] for peer in versions)
        ratio = paired_ratio(before, after)
        words, medians = EVERY_OPERATION[operation][0], [f"{median(each):.3f} s" for each in (before, after)]
        rows.append([words, *medians, f"{ratio.median:.3f}", f"{ratio.low:.3f} to {ratio.high:.3f}"])
    return rows


def library_differences(before: frozenset[str], after: frozenset[str]) -> list[str]:
    """A line for each environment that has libraries, or versions of them, that the other has not."""
    return [
        f"libraries of the version {when} only: {', '.join(sorted(own))}"
        for when, own in (("before", before - after), ("after", after - before))
        if own
    ]
