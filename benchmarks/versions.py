"""What a change costs: two checkouts of Octavo build the same site by turns, and CPU times are compared.

    python benchmarks/versions.py BEFORE [AFTER] [--posts N] [--kind small|real] [--rounds R] [--jobs N]

BEFORE and AFTER are folders with a checkout each (AFTER: this one); both run in the environment of this Python. In each
round both build from nothing, build again with nothing changed (the first time, which looks at all files, and the short
way), and after an edit of one body. CPU time is that of the command with all its processes, user and system, in
seconds; the least of all rounds is shown, for whatever else the machine does only adds to it.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from math import comb
from pathlib import Path
from statistics import median

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from corpus import KINDS  # noqa: E402
from generate import write_site  # noqa: E402

OPERATIONS = ("cold", "unchanged", "unchanged again", "body")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Compare the CPU time of two checkouts.")
    parser.add_argument("before", type=Path, metavar="BEFORE")
    parser.add_argument("after", type=Path, nargs="?", default=HERE.parent, metavar="AFTER")
    parser.add_argument("--posts", type=int, default=1000, metavar="N", help="how many (1000)")
    parser.add_argument("--kind", choices=KINDS, default="small", help="three paragraphs (small), or about 10 KB")
    parser.add_argument("--rounds", type=int, default=10, metavar="R", help="of all operations (10)")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="processes of each build (2)")
    given = parser.parse_args(arguments)
    checkouts = [given.before.resolve(), given.after.resolve()]
    for checkout in checkouts:  # else one of them may have to compile its modules each time
        subprocess.run([sys.executable, "-m", "compileall", "-q", str(checkout / "octavo")], check=True)
    with tempfile.TemporaryDirectory(prefix="octavo-versions-") as folder:
        sites = [Path(folder) / name for name in ("before", "after")]
        write_site(sites[0], given.posts, given.kind, 1, None)
        shutil.copytree(sites[0], sites[1])
        times: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in OPERATIONS}
        for turn in range(given.rounds):
            for number in (0, 1) if turn % 2 else (1, 0):
                for operation, seconds in _round(checkouts[number], sites[number], given.jobs, turn):
                    times[operation][number].append(seconds)
    load = os.getloadavg()[0]
    print(f"{given.posts} {given.kind} posts, {given.jobs} jobs, CPU s, {given.rounds} rounds; load {load:.1f}")
    print(f"{'':16} {'before':>8} {'after':>8}  ratio")
    for operation, (before, after) in times.items():
        ratios = sorted(new / old for old, new in zip(before, after, strict=True))
        left = _outside(len(ratios))
        interval = f"{ratios[left]:.3f} to {ratios[-1 - left]:.3f}"
        print(f"{operation:16} {median(before):8.3f} {median(after):8.3f}  {median(ratios):.3f} ({interval})")
    return 0


def _round(checkout: Path, site: Path, jobs: int, turn: int) -> list[tuple[str, float]]:
    for name in (".octavo", "output"):
        shutil.rmtree(site / name, ignore_errors=True)

    def build() -> float:
        command = [sys.executable, "-m", "octavo", "-C", str(site), "build", "--quiet", "--jobs", str(jobs)]
        return _cpu(lambda: subprocess.run(command, check=True, env={**os.environ, "PYTHONPATH": str(checkout)}))

    cold = build()
    time.sleep(2.1)  # until a state is one that no later change can have
    looked, short = build(), build()
    post = sorted((site / "posts").rglob("*.md"))[turn]
    post.write_text(post.read_text("utf-8") + f"\nOne sentence more, of round {turn}.\n", "utf-8")
    return list(zip(OPERATIONS, (cold, looked, short, build()), strict=True))


def _outside(count: int) -> int:
    """How many of so many ordered values lie outside, at each end, of an interval that holds the median with 95 %: by
    the sign test."""
    tail, outside = 0.0, 0
    while outside < count // 2 and (tail := tail + comb(count, outside) / 2**count) <= 0.025:
        outside += 1
    return max(0, outside - 1)


def _cpu(run: Callable[[], object]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    run()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    raise SystemExit(main())
