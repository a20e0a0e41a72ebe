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
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

if not __package__:  # run by its path: imports begin at the top of the repository all the same
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from benchmarks.corpus import KINDS
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
        if given.work is not None:
            given.work.mkdir(parents=True, exist_ok=True)
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


def _is_there(peer: Peer, tools: Tools) -> bool:
    if peer.command(tools.of(peer.name)) is not None:
        return True
    say(LEFT_OUT.format(peer.title, peer.install_hint()))
    return False


def _measured(given: argparse.Namespace, peers: list[Peer], tools: Tools, work: Path) -> Report:
    plan = Plan(given.operations, given.rounds, given.limit, tools)
    results: list[Result] = []
    for kind in given.kind:
        for posts in given.posts:
            folder = work / "posts"
            write_site(folder, posts, kind, given.seed, given.source)
            site = survey(folder, kind, given.seed)
            for related in given.related:
                cell = Cell(kind, posts, related == "on")
                results += measure_site(plan, cell, site, peers, work / "sites", say)
                # Ten thousand posts and their pages are gigabytes.
                shutil.rmtree(work / "sites", ignore_errors=True)
            shutil.rmtree(folder)
    versions = {peer.name: _version(peer, tools) for peer in peers}
    command = "python benchmarks/run.py " + shlex.join(sys.argv[1:])
    return Report(tuple(results), versions, _machine(), (command,))


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
