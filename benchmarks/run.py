"""Build the same posts with Octavo and with the generators found here, in turn, and say what each build cost.

    python benchmarks/run.py [--posts N,…] [--kind small,real] [--peers NAME,…] [--operations NAME,…] [--rounds N]
    python benchmarks/run.py --install [--peers NAME,…]
    python benchmarks/run.py --against REVISION [--posts N,…] [--kind small,real] [--operations NAME,…] [--jobs N]

A round does each operation with each generator before it goes to the next operation, so that whatever else the machine
does falls on all of them. With ``--against``, two versions of Octavo take the place of the generators: a revision of
this repository and the checkout as it is.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Collection, Sequence
from itertools import product
from pathlib import Path

if not __package__:  # run by its path: imports begin at the top of the repository all the same
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from benchmarks.against import (
    COMPARABLE_OPERATIONS,
    DEFAULT_OPERATIONS,
    FEWEST_PAIRS,
    SETTLING_SECONDS,
    comparison,
    expanded,
    library_differences,
    version_peer,
)
from benchmarks.corpus import KINDS
from benchmarks.environments import NotInstalled, install_checkout, install_revision, libraries
from benchmarks.generate import write_site
from benchmarks.install import install
from benchmarks.operations import OPERATIONS, survey
from benchmarks.peer import ROOT, Peer, Tools
from benchmarks.peers import PEERS
from benchmarks.results import Cell, Report, Result, dump, load, merged
from benchmarks.rounds import Plan, measure_site, say
from benchmarks.tables import between_marks, markdown, text

LEFT_OUT = "{}: not found; {} installs it"


def main(arguments: Sequence[str] | None = None) -> int:
    options = _options(arguments)
    if options.against is not None:
        return _compare_versions(options)
    tools = Tools(options.env.resolve())
    chosen = [PEERS[name] for name in options.peers]
    if options.install:
        return install(chosen, tools)
    before = load(options.results) if options.results else None
    if options.show:
        if before is None:
            print("there are no results to show: give --results FILE", file=sys.stderr)
            return 2
        report = before
    else:
        report = merged(before, _measured(options, [peer for peer in chosen if _is_there(peer, tools)], tools))
    if options.results:
        options.results.write_text(dump(report), encoding="utf-8")
    if options.write:
        page = options.write.read_text(encoding="utf-8")
        options.write.write_text(between_marks(page, markdown(report)), encoding="utf-8")
    print({"text": text, "json": dump, "markdown": markdown}[options.format](report))
    return 1 if any(each.failure for each in report.results) else 0


def _compare_versions(options: argparse.Namespace) -> int:
    folder = options.env.resolve() / "versions"
    try:
        versions = {"before": install_revision(options.against, folder), "after": install_checkout(folder)}
    except NotInstalled as problem:
        print(problem, file=sys.stderr)
        return 2
    peers = [version_peer(name, version, options.jobs) for name, version in versions.items()]
    plan = Plan(expanded(options.operations), options.rounds, options.limit, Tools(folder), SETTLING_SECONDS)
    results = _results(options, plan, peers)
    print(comparison(results, versions))
    print(f"\n{_machine()}, load {os.getloadavg()[0]:.1f}")
    for line in library_differences(*map(libraries, versions.values())):
        print(line)
    return 1 if any(each.failure for each in results) else 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    """What the command line says, with what depends on whether two versions are compared."""
    parser = _parser()
    options = parser.parse_args(arguments)
    if options.against is None:
        if options.jobs is not None:
            parser.error("--jobs goes with --against only: each generator has processes as its users would")
        options.rounds = 3 if options.rounds is None else options.rounds
        options.operations = options.operations or list(OPERATIONS)
        return options
    for name in ("peers", "results", "show", "write", "format", "install"):
        if getattr(options, name) != parser.get_default(name):
            parser.error(f"--{name} does not go with --against")
    options.rounds = FEWEST_PAIRS if options.rounds is None else options.rounds
    options.operations = options.operations or list(DEFAULT_OPERATIONS)
    if options.rounds < FEWEST_PAIRS:
        parser.error(f"--against needs {FEWEST_PAIRS} rounds or more: fewer pairs say little")
    if not set(options.operations) <= set(COMPARABLE_OPERATIONS):
        parser.error(f"--against compares {', '.join(COMPARABLE_OPERATIONS)}")
    return options


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Measure Octavo and other generators on the same posts.")
    parser.add_argument("--posts", type=_numbers, default=[1000], metavar="N,…", help="sizes of sites (1000)")
    parser.add_argument("--kind", type=_names(KINDS), default=["real"], help="small, real (real)")
    parser.add_argument("--related", type=_names(("on", "off")), default=["on"], help="on, off (on)")
    parser.add_argument("--peers", type=_names(PEERS), default=list(PEERS), help="by default all: " + ", ".join(PEERS))
    parser.add_argument("--operations", type=_names(OPERATIONS), metavar="NAME,…", help=", ".join(OPERATIONS))
    parser.add_argument("--rounds", type=int, metavar="N", help="how often each is done (3; 10 with --against)")
    parser.add_argument("--limit", type=float, default=900, metavar="SECONDS", help="longest time for a build (900)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--from", type=Path, dest="source", metavar="FOLDER", help="repeat real posts instead")
    parser.add_argument("--format", choices=("text", "json", "markdown"), default="text")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the tables between the marks of a page")
    parser.add_argument("--results", type=Path, metavar="FILE", help="add the results to those of earlier runs")
    parser.add_argument("--show", action="store_true", help="only show the results of earlier runs")
    parser.add_argument(
        "--against", metavar="REVISION", help="measure this revision of Octavo and the checkout instead of generators"
    )
    parser.add_argument("--jobs", type=_jobs, metavar="N", help="processes of each build, with --against (all cores)")
    parser.add_argument("--install", action="store_true", help="install the peers and do nothing else")
    parser.add_argument(
        "--env", type=Path, default=ROOT / ".venv-bench", metavar="DIR", help="where peers and versions are installed"
    )
    parser.add_argument("--work", type=Path, metavar="DIR", help="where the sites are written (the system's folder)")
    return parser


def _names(choices: Collection[str]) -> Callable[[str], list[str]]:
    def read(written: str) -> list[str]:
        names = written.split(",")
        for name in names:
            if name not in choices:
                raise argparse.ArgumentTypeError(f"'{name}' is none of {', '.join(choices)}")
        return names

    return read


def _numbers(written: str) -> list[int]:
    return [int(each.replace("_", "")) for each in written.split(",")]


def _jobs(written: str) -> int:
    jobs = int(written)
    if jobs < 1:
        raise argparse.ArgumentTypeError("a build has 1 process or more")
    return jobs


def _is_there(peer: Peer, tools: Tools) -> bool:
    if peer.command(tools.of(peer.name)) is not None:
        return True
    say(LEFT_OUT.format(peer.title, peer.install_hint()))
    return False


def _measured(options: argparse.Namespace, peers: list[Peer], tools: Tools) -> Report:
    results = _results(options, Plan(options.operations, options.rounds, options.limit, tools), peers)
    versions = {peer.name: _version(peer, tools) for peer in peers}
    command = "python benchmarks/run.py " + shlex.join(sys.argv[1:])
    return Report(tuple(results), versions, _machine(), (command,))


def _results(options: argparse.Namespace, plan: Plan, peers: list[Peer]) -> list[Result]:
    """All of a plan on each site that was asked for, one site after the other."""
    if options.work is not None:
        options.work.mkdir(parents=True, exist_ok=True)
    results: list[Result] = []
    with tempfile.TemporaryDirectory(prefix="octavo-bench-", dir=options.work) as passing:
        work = Path(passing)
        for kind, posts in product(options.kind, options.posts):
            folder = work / "posts"
            write_site(folder, posts, kind, options.seed, options.source)
            site = survey(folder, kind, options.seed)
            for related in options.related:
                cell = Cell(kind, posts, related == "on")
                results += measure_site(plan, cell, site, peers, work / "sites", say)
                # Ten thousand posts and their pages are gigabytes.
                shutil.rmtree(work / "sites", ignore_errors=True)
            shutil.rmtree(folder)
    return results


def _version(peer: Peer, tools: Tools) -> str:
    command = peer.version(tools.of(peer.name))
    if command is None:
        return ""
    printed = subprocess.run(command, capture_output=True, text=True).stdout
    number = re.search(r"\d+\.\d+[\w.]*", printed)
    return number[0] if number else ""


def _machine() -> str:
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return f"{platform.system()}, {cpus} cores, Python {platform.python_version()}"


if __name__ == "__main__":
    sys.exit(main())
