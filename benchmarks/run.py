"""Build the same posts with Octavo and with the generators found here, in turn, and say what each build cost.

    python benchmarks/run.py [--posts N,…] [--kind small,real] [--peers NAME,…] [--operations NAME,…] [--rounds N]
    python benchmarks/run.py --install [--peers NAME,…]

A round does each operation with each generator before it goes to the next operation, so that whatever else the machine
does falls on all of them.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import shlex
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from generate import write_site
from install import install
from measure import Cost, measure
from operations import OPERATIONS, Site, Workspace, WrongSite, check_seen, count_pages, prepare, survey
from peer import ROOT, Peer, Tools
from peers import PEERS
from results import Cell, Report, Result, dump, load, merged
from tables import between_marks, markdown, text

from posts import KINDS

LEFT_OUT = "{}: not found; {} installs it"


def main(arguments: Sequence[str] | None = None) -> int:
    given = _parser().parse_args(arguments)
    tools = Tools(given.env.resolve())
    chosen = [PEERS[name] for name in given.peers]
    if given.install:
        return install(chosen, tools)
    before = load(given.results) if given.results else None
    if given.show:
        if before is None:
            print("there are no results to show: give --results FILE", file=sys.stderr)
            return 2
        report = before
    else:
        present = [peer for peer in chosen if _is_there(peer, tools)]
        with tempfile.TemporaryDirectory(prefix="octavo-bench-", dir=given.work) as work:
            report = merged(before, _measured(given, present, tools, Path(work)))
    if given.results:
        given.results.write_text(dump(report), encoding="utf-8")
    if given.write:
        page = given.write.read_text(encoding="utf-8")
        given.write.write_text(between_marks(page, markdown(report)), encoding="utf-8")
    print({"text": text, "json": dump, "markdown": markdown}[given.format](report))
    return 1 if any(each.failure for each in report.results) else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Measure Octavo and other generators on the same posts.")
    parser.add_argument("--posts", type=_numbers, default=[1000], metavar="N,…", help="sizes of sites (1000)")
    parser.add_argument("--kind", type=_names(KINDS), default=["real"], help="small, real (real)")
    parser.add_argument("--related", type=_names(("on", "off")), default=["on"], help="on, off (on)")
    parser.add_argument("--peers", type=_names(PEERS), default=list(PEERS), help="by default all: " + ", ".join(PEERS))
    parser.add_argument("--operations", type=_names(OPERATIONS), default=list(OPERATIONS), help=", ".join(OPERATIONS))
    parser.add_argument("--rounds", type=int, default=3, metavar="N", help="how often each is done (3)")
    parser.add_argument("--limit", type=float, default=900, metavar="SECONDS", help="longest time for a build (900)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--from", type=Path, dest="source", metavar="FOLDER", help="repeat real posts instead")
    parser.add_argument("--format", choices=("text", "json", "markdown"), default="text")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the tables between the marks of a page")
    parser.add_argument("--results", type=Path, metavar="FILE", help="add the results to those of earlier runs")
    parser.add_argument("--show", action="store_true", help="only show the results of earlier runs")
    parser.add_argument("--install", action="store_true", help="install the peers and do nothing else")
    parser.add_argument(
        "--env", type=Path, default=ROOT / ".venv-bench", metavar="DIR", help="where peers are installed"
    )
    parser.add_argument("--work", type=Path, metavar="DIR", help="where the sites are written (the system's folder)")
    return parser


def _names(known: Sequence[str] | dict[str, object]):
    def read(written: str) -> list[str]:
        names = written.split(",")
        for name in names:
            if name not in known:
                raise argparse.ArgumentTypeError(f"'{name}' is none of {', '.join(known)}")
        return names

    return read


def _numbers(written: str) -> list[int]:
    return [int(each.replace("_", "")) for each in written.split(",")]


def _is_there(peer: Peer, tools: Tools) -> bool:
    if peer.command(tools) is not None:
        return True
    _say(LEFT_OUT.format(peer.title, peer.install_hint()))
    return False


def _measured(given: argparse.Namespace, peers: list[Peer], tools: Tools, work: Path) -> Report:
    results: list[Result] = []
    pages: dict[str, str] = {}
    for kind in given.kind:
        for posts in given.posts:
            folder = work / f"{kind}-{posts}"
            write_site(folder, posts, kind, given.seed, given.source)
            site = survey(folder, kind, given.seed)
            for related in (each == "on" for each in given.related):
                cell = Cell(kind, posts, related)
                results += _measured_site(given, cell, site, peers, tools, work, pages)
    versions = {peer.name: _version(peer, tools) for peer in peers}
    command = "python benchmarks/run.py " + shlex.join(sys.argv[1:])
    return Report(tuple(results), versions, pages, _machine(), (command,))


def _measured_site(
    given: argparse.Namespace,
    cell: Cell,
    site: Site,
    peers: list[Peer],
    tools: Tools,
    work: Path,
    pages: dict[str, str],
) -> list[Result]:
    """Every operation with every peer, in rounds. A peer that fails takes no further part."""
    label = f"{cell.posts} {cell.kind} posts, related {'on' if cell.related else 'off'}"
    folders = work / f"{cell.kind}-{cell.posts}-{'on' if cell.related else 'off'}"
    spaces = [prepare(peer, site, folders / peer.name, cell.related, tools) for peer in peers]
    costs: dict[tuple[str, str], list[Cost]] = defaultdict(list)
    failures: dict[str, Result] = {}

    def do(operation: str, space: Workspace, turn: int, count: bool = True) -> None:
        name = space.peer.name
        try:
            cost = _one(operation, space, site, turn, tools, folders, given.limit)
            if operation == "cold" and turn == 0 and space.peer.output:
                counted = count_pages(space, site)
                pages[name] = f"{counted.html:,} pages, {counted.related:,} of {counted.articles:,} with related ones"
        except WrongSite as wrong:
            _say(f"{space.peer.title} failed: {wrong}")
            failures[name] = Result(cell, name, operation, failure=str(wrong))
            return
        if count:
            costs[name, operation].append(cost)
        _say(f"{label}, round {turn + 1}: {space.peer.title}, {operation}: {cost.wall:.2f} s, {cost.cpu:.2f} s CPU")

    for turn in range(given.rounds):
        operations = given.operations if turn or "cold" in given.operations else ["cold", *given.operations]
        for operation in operations:
            for space in spaces[turn % len(spaces) :] + spaces[: turn % len(spaces)]:
                can = space.peer.name not in failures and (operation == "cold" or space.peer.output)
                if can:
                    do(operation, space, turn, operation in given.operations)
    results = [_result(cell, name, operation, each) for (name, operation), each in costs.items()]
    return [*results, *failures.values()]


def _one(operation: str, space: Workspace, site: Site, turn: int, tools: Tools, folder: Path, limit: float) -> Cost:
    """Make the edit, build, and hold the site against it. Raises WrongSite."""
    seen = OPERATIONS[operation][1](space, site, turn)
    command = space.peer.command(tools)
    if command is None:
        raise WrongSite("it is not installed any more")
    log = folder / f"{space.peer.name}.log"
    cost = measure(command, space.folder, log, environment=space.peer.environment, limit=limit)
    if cost.status == -9 and cost.wall >= limit:
        raise WrongSite(f"it took more than {limit:g} s")
    if cost.status:
        raise WrongSite(f"exit status {cost.status}: {' '.join(cost.text.split())[-300:]}")
    if space.peer.output:
        check_seen(space, seen)
    return cost


def _result(cell: Cell, peer: str, operation: str, costs: list[Cost]) -> Result:
    return Result(
        cell,
        peer,
        operation,
        wall=tuple(each.wall for each in costs),
        cpu=tuple(each.cpu for each in costs),
        peak=tuple(each.peak for each in costs if each.peak is not None),
        main=tuple(each.main for each in costs if each.main is not None),
    )


def _version(peer: Peer, tools: Tools) -> str:
    command = peer.version(tools)
    if command is None:
        return ""
    printed = subprocess.run(command, capture_output=True, text=True).stdout
    number = re.search(r"\d+\.\d+[\w.]*", printed)
    return number[0] if number else ""


def _machine() -> str:
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{platform.system()}, {cpus} cores, Python {platform.python_version()}"


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
