"""Faults: kill a command at its n-th call that writes, or have one fail, and see what the next build makes of it.

``python -m tests.faults`` goes through all calls of all scenarios, ``--every N`` through each N-th of them, the first
by ``--seed``; ``--only CASE`` repeats the case that a failure names (a call or two may lie elsewhere by then: what a
build writes into its cache depends on how long ago a file was changed). ``--real`` does so at the system calls, with
strace, and with limits and small file systems.

Whatever was killed or failed: the next build succeeds, publishes what a clean build in a fresh folder does, leaves
nothing lying about, touches no foreign file and says of none of its own that it does not know it. Between the two, each
published file is the old or the new one, and all are old until the sweep has begun.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import resource
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from tests.faulting import SITE, Outcome, Run, Server
from tests.sites import SiteFolder, post

BUILD = ("build", "--jobs", "1")
CLEAN = ("clean",)
CLEAN_OUTPUT = ("clean", "--output")

Tree = Mapping[str, bytes]
"""Path -> content."""

FOREIGN: Tree = {"CNAME": b"test.example", ".git/config": b"[core]", "mine/photo.jpg": b"\xff\xd8"}
"""What somebody else has put into ``output/``."""

_FOREIGN_ONLY = "output/ holds 2 files that this build did not write (CNAME, mine/photo.jpg)"

BESIDE: Tree = {"outputx": b"untouched", "output-evil/canary": b"untouched", "notes/todo.txt": b"untouched"}
"""What lies beside it."""

_LEFT = re.compile(r"\.octavo-(?!written$)|staging|ready")
_IGNORANCE = re.compile(r"overwritten|not written by Octavo|did not write|--unknown|Traceback|internal error")


def edit_site(folder: SiteFolder) -> None:
    """Pages are added, changed and removed; a file becomes a folder, a folder a file, and one a name in other case."""
    folder.delete("posts/gamma.md").delete("assets/root/old.txt")
    folder.write("posts/alpha.md", post("Alpha & Omega", "2026-01-01", "One, again.\n", tags="[web]"))
    folder.write("posts/delta.md", post("Delta", "2026-01-04", "Four.\n", tags="[new]"))
    folder.delete("assets/root/thing").write("assets/root/thing/inside.txt", "a file in a folder\n")
    shutil.rmtree(folder.root / "assets/root/other")
    folder.write("assets/root/other", "a file\n")
    folder.delete("assets/root/Readme.txt").write("assets/root/README.txt", "read\n")


@dataclass(frozen=True)
class Scenario:
    """``command`` is killed or fails. Before it a site was built, or not, and edited, or not.

    With ``first`` another command was killed before it, in its sweep. Afterwards the site is edited, or the cache lost.
    """

    name: str
    command: tuple[str, ...] = BUILD
    is_built: bool = True
    is_edited: bool = False
    first: tuple[str, ...] = ()
    is_edited_after: bool = False
    loses_cache: bool = False


SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("first", is_built=False),
        Scenario("later", is_edited=True),
        Scenario("unchanged"),
        Scenario("clean", CLEAN, is_edited_after=True),
        Scenario("clean-output", CLEAN_OUTPUT, is_edited_after=True),
        Scenario("recovery", is_edited=True, first=BUILD),
        Scenario("recovery-by-clean", CLEAN, is_edited=True, first=BUILD),
        Scenario("recovery-by-clean-output", CLEAN_OUTPUT, is_edited=True, first=BUILD),
        Scenario("first-then-no-cache", is_built=False, loses_cache=True),
        Scenario("later-then-no-cache", is_edited=True, loses_cache=True),
    )
}

ERRORS = ("ENOSPC", "EMFILE", "EROFS", "EIO")


@dataclass(frozen=True)
class Case:
    """The ``at``-th call of a scenario's command is where it is killed, or fails with ``error``: that call alone, or,
    with ``stays``, all of the cache after it too. For an ``error`` that is a limit, ``at`` is that. ``sweep`` is the
    call at which the first command was killed."""

    scenario: Scenario
    at: int
    sweep: int = 0
    error: str = ""
    stays: bool = False

    def __str__(self) -> str:
        sweep = f"@{self.sweep}" if self.sweep else ""
        return f"{self.scenario.name}{sweep}@{self.at}" + (f"!{self.error}{'+' * self.stays}" if self.error else "")

    @classmethod
    def parse(cls, text: str) -> Case:
        text, _, error = text.partition("!")
        name, *numbers = text.split("@")
        at = int(numbers[-1]) if numbers else 0
        sweep = int(numbers[0]) if len(numbers) > 1 else 0
        return cls(SCENARIOS[name], at, sweep, error.rstrip("+"), error.endswith("+"))


class Runner(Protocol):
    """Runs commands, and numbers their calls that write."""

    def run(self, run: Run) -> Outcome: ...


@dataclass(frozen=True)
class Finding:
    case: Case
    call: str
    faults: tuple[str, ...]
    is_real: bool = False

    def __str__(self) -> str:
        real = "--real " if self.is_real else ""
        faults = "\n".join(f"    {fault}" for fault in self.faults)
        return f"{self.case}: {self.call}\n{faults}\n    repeat: python -m tests.faults {real}--only '{self.case}'"


class Strace:
    """Runs commands below strace, which numbers, ends and fails system calls; and below limits of the system."""

    def __init__(self, home: Path) -> None:
        self._log = home / "strace.log"
        self._numbered: list[tuple[str, int]] = []

    def run(self, run: Run) -> Outcome:
        """The calls are numbered as in the last run that nothing stopped."""
        if run.error.startswith("RLIMIT_"):
            return self._limited(run)
        if run.error == "tmpfs":
            return self._on_small_disk(run)
        at = run.kill or run.fail
        inject: list[str] = []
        if at and at <= len(self._numbered):
            name, count = self._numbered[at - 1]
            what = "signal=KILL" if run.kill else f"error={run.error}"
            inject = [f"--inject={name}:{what}:when={count}{'+' * run.stays}"]
        trace = ["strace", "-f", "-qq", "-y", "-s", "0", "-o", str(self._log), "-e", "trace=" + ",".join(_SYSTEM_CALLS)]
        done = self._process(run, [*trace, *inject])
        root = os.path.realpath(run.folder)
        calls = list(_calls_in(self._log.read_text("utf-8", "backslashreplace"), root))
        if not at:
            self._numbered = [(name, count) for name, count, _ in calls]
        return replace(done, calls=[label for _, _, label in calls])

    def _process(self, run: Run, before: Sequence[str] = (), limit: tuple[int, int] | None = None) -> Outcome:
        environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent.parent), "PYTHONDONTWRITEBYTECODE": "1"}
        done = subprocess.run(
            [*before, sys.executable, "-m", "octavo", *run.arguments],
            cwd=run.folder,
            env=environment,
            capture_output=True,
            text=True,
            preexec_fn=(lambda: resource.setrlimit(limit[0], (limit[1], limit[1]))) if limit else None,
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    def _limited(self, run: Run) -> Outcome:
        return self._process(run, limit=(getattr(resource, run.error), run.fail))

    def _on_small_disk(self, run: Run) -> Outcome:
        cache = Path(run.folder, ".octavo")
        cache.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={run.fail}k", "none", str(cache)], check=True)
        try:
            return self._process(run)
        finally:
            subprocess.run(["umount", str(cache)], check=True)


_SYSTEM_CALLS = (
    "openat,write,pwrite64,writev,rename,renameat,renameat2,unlink,unlinkat,mkdir,mkdirat,rmdir,truncate,ftruncate,"
    "fallocate,fsync,fdatasync,syncfs,link,linkat,symlink,symlinkat,copy_file_range,sendfile"
).split(",")

_LINE = re.compile(r"^(\d+) +(\w+)\((.*)$")
_OPERAND = re.compile(r'(?:[\w-]+<([^>]*)>, )?"([^"]*)"|\d+<(/[^>]*)>')


def _calls_in(log: str, root: str) -> Iterator[tuple[str, int, str]]:
    """(system call, its number of this name in its thread, what is shown) for each that writes in the site."""
    counts: Counter[tuple[str, str]] = Counter()
    for line in log.splitlines():
        match = _LINE.match(line)
        if not match:
            continue
        thread, name, rest = match.groups()
        counts[thread, name] += 1
        if name == "openat" and not re.search(r"O_(WRONLY|RDWR|CREAT|TRUNC)", rest):
            continue
        paths = [
            os.path.join(root, folder or "", path or descriptor or "")  # noqa: PTH118
            for folder, path, descriptor in _OPERAND.findall(rest.rpartition(" = ")[0] or rest)
        ]
        inside = [path.removeprefix(root + "/") for path in paths if path.startswith(root + "/")]
        if inside:
            label = name
            if name == "openat":
                label = "open" if re.search("O_(CREAT|TRUNC)", rest) else "reopen"
            elif "AT_REMOVEDIR" in rest:
                label = "rmdir"
            yield name, counts[thread, name], f"{label} {' -> '.join(inside)}"


class Bench:
    """Where cases are tried, one after the other: a folder with a site, fresh for each."""

    def __init__(self, home: Path, runner: Runner, plain: Runner) -> None:
        self._home = home
        self._runner = runner
        self._plain = plain
        self.site = SiteFolder(home / "site")
        self.is_real = runner is not plain
        self._trees = {is_edited: self._clean_build(is_edited) for is_edited in (False, True)}
        self._begin(home / "built")
        self._build(home / "built")

    def _begin(self, root: Path) -> SiteFolder:
        folder = SiteFolder(root)
        root.mkdir(parents=True)
        folder.edit(SITE)
        for path, content in BESIDE.items():
            folder.write(path, content)
        for path, content in FOREIGN.items():
            folder.write(f"output/{path}", content)
        return folder

    def _build(self, root: Path) -> Outcome:
        return self._plain.run(Run(str(root), BUILD))

    def _clean_build(self, is_edited: bool) -> Tree:
        folder = self._begin(self._home / f"clean-{is_edited}")
        if is_edited:
            edit_site(folder)
        outcome = self._build(folder.root)
        assert outcome.status == 0, outcome.err
        return _published(folder.root)

    def prepare(self, case: Case) -> None:
        """The site as the case's command finds it."""
        scenario = case.scenario
        shutil.rmtree(self.site.root, ignore_errors=True)
        if scenario.is_built:
            shutil.copytree(self._home / "built", self.site.root, symlinks=True)
            self._build(self.site.root)  # so that the copies are known by their new states
        else:
            self._begin(self.site.root)
        if scenario.is_edited:
            edit_site(self.site)
        if case.sweep:
            self._plain.run(Run(str(self.site.root), scenario.first, kill=case.sweep))

    def count(self, case: Case) -> list[str]:
        """The calls that write of the case's command when nothing stops it."""
        self.prepare(case)
        return self._runner.run(Run(str(self.site.root), case.scenario.command)).calls

    def first_sweep(self, scenario: Scenario) -> range:
        """The numbers of the first command's calls that lie in its sweep."""
        self.prepare(Case(scenario, 0))
        calls = self._plain.run(Run(str(self.site.root), scenario.first)).calls
        numbers = [number for number, call in enumerate(calls, 1) if _is_sweep(call)]
        return range(numbers[0], numbers[-1] + 2)

    def try_case(self, case: Case) -> Finding | None:
        """What is wrong in this case; None when all is well."""
        self.prepare(case)
        root = str(self.site.root)
        command = case.scenario.command
        beside = _beside(self.site.root)
        if case.error:
            run = Run(root, command, error=case.error, fail=case.at, stays=case.stays)
        else:
            run = Run(root, command, kill=case.at)
        outcome = self._runner.run(run)
        return self.judge(case, outcome, beside)

    def judge(self, case: Case, outcome: Outcome, beside: Tree) -> Finding | None:
        """Look at what a command has left, and at what the next build makes of it."""
        scenario, command = case.scenario, case.scenario.command
        old = self._trees[False] if scenario.is_built else {}
        new = self._trees[scenario.is_edited]
        faults = list(self._while_down(case, outcome, old, new))
        if scenario.is_edited_after:
            edit_site(self.site)
            beside = _beside(self.site.root)
        if scenario.loses_cache:
            shutil.rmtree(self.site.root / ".octavo", ignore_errors=True)
        after = self._build(self.site.root)
        if after.status != 0:
            faults.append(f"the next build exits {after.status}: {after.err.strip()[-400:]}")
        said = [line for line in after.err.splitlines() if _IGNORANCE.search(line)]
        if not scenario.is_built or command == CLEAN_OUTPUT:  # nothing tells whose the files are that are there
            said = [line for line in said if _FOREIGN_ONLY not in line]
        faults += [f"the next build says: {line}" for line in said[:3]]
        faults += _differences(
            self._trees[scenario.is_edited or scenario.is_edited_after], _published(self.site.root), "the next build"
        )
        faults += [f"left over: {path}" for path in _left_over(self.site.root)]
        faults += _differences(FOREIGN, _foreign(self.site.root), "foreign files")
        faults += _differences(beside, _beside(self.site.root), "beside output/")
        calls = outcome.calls
        call = f"{case.error} at {case.at}" if case.error else calls[-1] if calls else ""
        return Finding(case, call, tuple(faults), self.is_real) if faults else None

    def _while_down(self, case: Case, outcome: Outcome, old: Tree, new: Tree) -> Iterator[str]:
        now = _published(self.site.root)
        if case.error and outcome.status not in (0, 1):
            yield f"the command exits {outcome.status}: {outcome.err.strip()[-400:]}"
        if case.error and "Traceback" in outcome.err:
            yield f"a traceback: {outcome.err.strip()[-400:]}"
        if outcome.status == 0 and case.scenario.command == BUILD:
            yield from _differences(new, now, "a build that exits 0")
        partial = [path for path, content in now.items() if content not in (old.get(path), new.get(path))]
        if partial:
            yield f"neither old nor new: {partial[:3]}"
        if case.scenario.command == BUILD and not case.sweep:
            lost = sorted((old.keys() & new.keys()) - now.keys())
            if lost:
                yield f"gone for a while: {lost[:3]}"
            done = outcome.calls[:-1] if outcome.is_killed() else outcome.calls
            if not any(_is_sweep(call) for call in done) and outcome.status != 0:
                yield from _differences(old, now, "before the sweep")


_CHANGE_NO_FILE = (
    "reopen",
    "os.mkdir",
    "os.rmdir",
    "sqlite",
    "mkdir",
    "mkdirat",
    "rmdir",
    "fsync",
    "fdatasync",
    "syncfs",
)


def _is_sweep(call: str) -> bool:
    """Whether a call changes what is published."""
    name, _, rest = call.partition(" ")
    path = rest.rpartition(" -> ")[2]
    return name not in _CHANGE_NO_FILE and path.startswith("output/") and ".octavo-" not in path


def _files(root: Path) -> dict[str, bytes]:
    return {
        Path(folder, name).relative_to(root).as_posix(): Path(folder, name).read_bytes()
        for folder, _, names in os.walk(root)
        for name in names
    }


def _published(root: Path) -> Tree:
    """What Octavo has published."""
    files = _files(root / "output")
    return {path: files[path] for path in files if path not in FOREIGN and not path.startswith(".octavo-")}


def _foreign(root: Path) -> Tree:
    files = _files(root / "output")
    return {path: files[path] for path in files if path in FOREIGN}


def _beside(root: Path) -> Tree:
    files = _files(root)
    return {path: files[path] for path in files if not path.startswith(("output/", ".octavo/"))}


def _left_over(root: Path) -> list[str]:
    """Folders and files that wait for nothing any more."""
    paths = [f"output/{path.name}" for path in (root / "output").glob("*") if _LEFT.match(path.name)]
    paths += [f".octavo/{path.name}" for path in (root / ".octavo").glob("*") if _LEFT.match(path.name)]
    empty = [path for path in (root / "output").rglob("*") if path.is_dir() and not any(path.iterdir())]
    return sorted(paths + [path.relative_to(root).as_posix() + "/ (empty)" for path in empty])


def _differences(right: Tree, now: Tree, what: str) -> list[str]:
    kinds = {
        "missing": sorted(right.keys() - now.keys()),
        "too many": sorted(now.keys() - right.keys()),
        "other content": sorted(path for path in right.keys() & now.keys() if right[path] != now[path]),
    }
    return [f"{what}: {kind}: {len(paths)}, {', '.join(paths[:3])}" for kind, paths in kinds.items() if paths]


# Which cases there are.


def kills(bench: Bench, scenario: Scenario, spread: Spread) -> Iterator[Case]:
    """Each chosen call, and one after the last, where the command simply ends."""
    for sweep in spread.choose(bench.first_sweep(scenario)) if scenario.first else (0,):
        case = Case(scenario, 0, sweep)
        calls = bench.count(case)
        for at in spread.choose(range(1, len(calls) + 2), [at for at, call in enumerate(calls, 1) if _is_sweep(call)]):
            yield replace(case, at=at)


def failures(bench: Bench, scenario: Scenario, spread: Spread) -> Iterator[Case]:
    """Each chosen call of the cache, failing alone or with all that follow."""
    calls = bench.count(Case(scenario, 0))
    numbers = [at for at, call in enumerate(calls, 1) if _is_of_cache(call)]
    for error in ERRORS:
        for stays in (False, True):
            for at in spread.choose(numbers):
                yield Case(scenario, at, error=error, stays=stays)


def limits(scenario: Scenario) -> Iterator[Case]:
    """Few open files, small files, and a cache on a small file system. What is given is the limit, not a call."""
    yield from (Case(scenario, count, error="RLIMIT_NOFILE") for count in (*range(4, 24), 32))
    yield from (Case(scenario, 2**power, error="RLIMIT_FSIZE") for power in range(9, 21))
    if not scenario.is_built and hasattr(os, "geteuid") and os.geteuid() == 0:
        yield from (Case(scenario, 2**power, error="tmpfs") for power in range(2, 12))


def _is_of_cache(call: str) -> bool:
    return ".octavo" in {path.partition("/")[0] for path in call.split(" ")}


@dataclass
class Spread:
    """Chooses from numbers: each ``every``-th, from one by chance, but no more than ``most``. Of those that ``matter``
    as many again."""

    random: random.Random
    every: int = 1
    most: int = 1_000_000

    def choose(self, numbers: Sequence[int], matter: Iterable[int] = ()) -> list[int]:
        return sorted({*self._some(list(numbers)), *(self._some(list(matter)) if self.every > 1 else ())})

    def _some(self, numbers: list[int]) -> list[int]:
        step = max(self.every, -(-len(numbers) // self.most))
        return numbers[self.random.randrange(min(step, len(numbers))) :: step] if numbers else []


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only each N-th call")
    parser.add_argument("--seed", type=int, default=0, help="with which to begin")
    parser.add_argument("--scenario", choices=SCENARIOS, action="append", help="only these")
    parser.add_argument("--only", metavar="CASE", help="one case, as a failure names it")
    parser.add_argument("--real", action="store_true", help="at system calls, with strace, and below limits")
    parser.add_argument("--show", type=int, default=10, metavar="N", help="print N failures of each scenario in full")
    arguments = parser.parse_args()
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(Server())
        if arguments.real and shutil.which("strace") is None:
            print("no strace here: the faults at system calls are left out")
            return 0
        bench = Bench(home, Strace(home) if arguments.real else server, server)
        if arguments.only:
            case = Case.parse(arguments.only)
            bench.count(case)
            finding = bench.try_case(case)
            print(finding or "all is well")
            return 1 if finding else 0
        findings = 0
        spread = Spread(random.Random(arguments.seed), arguments.every)
        for name in arguments.scenario or SCENARIOS:
            scenario = SCENARIOS[name]
            findings += _try_all(bench, f"{name}, killed", kills(bench, scenario, spread), arguments.show)
            if name in ("first", "later", "unchanged", "clean"):
                findings += _try_all(bench, f"{name}, failing", failures(bench, scenario, spread), arguments.show)
            if name in ("first", "later") and arguments.real:
                findings += _try_all(bench, f"{name}, limited", limits(scenario), arguments.show)
    return 1 if findings else 0


def _try_all(bench: Bench, title: str, cases: Iterable[Case], show: int) -> int:
    tried = [bench.try_case(case) for case in cases]
    findings = [finding for finding in tried if finding]
    print(f"{title}: {len(tried)} cases, {len(findings)} failures", flush=True)
    for finding in findings[:show]:
        print(finding, flush=True)
    return len(findings)


if __name__ == "__main__":
    sys.exit(main())
