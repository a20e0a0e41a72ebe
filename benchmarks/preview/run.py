"""How long it takes from a save until the text is seen in a browser that shows the page, with Octavo and with others.

    python benchmarks/preview/run.py [--posts 1000,10000] [--peers octavo,hugo,eleventy,zensical] [--edits 20]
    python benchmarks/preview/run.py --posts 10000 --peers octavo --kinds "" --scenarios burst,checkout,many
    python benchmarks/preview/run.py --posts 10000 --peers octavo --kinds "" --scenarios warnings --saves 500

A real browser shows the page of one post (and, for the edits of a title, the home page in another tab). The page itself
looks in every frame whether the new text, or the new rule of the style sheet, is there, and says at which moment it
was: the time from just after the file was written, in milliseconds. CPU time and memory are those of the server with
all its processes; the browser's are not counted. Peers are those of ``benchmarks/run.py --install``.

Scenarios are measured where they are asked for. ``burst``: a post is saved twenty times a second for ten seconds; the
time is that from the last save until it is seen. ``checkout``: a thousand posts are others at once, the open one last;
the time is that until it is seen, and until the server is at rest. ``many``: memory after 50 and after 500 edits of one
body, with the server at rest before each is measured. ``warnings``: each post is given two front matter keys that there
are not, so that ten thousand posts have twenty thousand warnings; then one is saved every half second for two minutes
(``--saves``), each time with another text and every fourth time with another warning, whatever the server still does.
The time is that from each save until it, or a later one, is seen.

``--write PAGE`` puts what is printed between the marks of a page.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import urlopen

if not __package__:  # run by its path: imports begin at the top of the repository all the same
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from benchmarks.generate import write_site
from benchmarks.measure import joint_size, tree
from benchmarks.operations import Site, Workspace, prepare, survey
from benchmarks.peer import ROOT, Tools
from benchmarks.peers import PEERS
from benchmarks.tables import between_marks

WARMING = 3
"""Edits of each kind before those that count."""

BURST, EVERY = 200, 0.05
"""Saves of a burst, and the seconds between two of them."""

CHECKOUT = 1000
"""Posts that change at once."""

MANY = (50, 500)
"""Edits after which memory is measured."""

KEYS = ("moood", "written_at_home")
"""The keys that give a post two warnings."""

SAVES, PAUSE = 240, 0.5
"""Saves while there are many warnings, and the seconds from one to the next."""

NEW_WARNING = 4
"""Every so many of these saves have another warning."""

SCENARIOS = ("burst", "checkout", "many", "warnings")

PATIENCE = 120.0
"""Seconds for a change to be seen, and ten times as many for a server to start."""

WATCH = """
(() => {
  const seen = new Set();
  const look = () => {
    const texts = (document.body ? document.body.textContent : "").match(/zq\\d+qz/g) || [];
    const style = document.documentElement ? getComputedStyle(document.documentElement).getPropertyValue("--zq") : "";
    for (const found of style.trim() ? [...texts, `css${style.trim()}`] : texts)
      if (!seen.has(found)) { seen.add(found); window.seen(found, performance.timeOrigin + performance.now()); }
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})();
"""


@dataclass(frozen=True)
class Server:
    """How a peer serves: its command for a port, and the style sheet that its pages have."""

    command: Callable[[Tools, int], list[str] | None]
    style: str


def _hugo(tools: Tools, port: int) -> list[str] | None:
    built = PEERS["hugo"].command(tools)
    return (
        None if built is None else [built[0], "server", "--port", str(port), "--baseURL", f"http://localhost:{port}/"]
    )


def _eleventy(tools: Tools, port: int) -> list[str] | None:
    built = PEERS["eleventy"].command(tools)
    return None if built is None else [*built, "--serve", "--incremental", f"--port={port}"]


def _zensical(tools: Tools, port: int) -> list[str] | None:
    built = PEERS["zensical"].command(tools)
    return None if built is None else [built[0], "serve", "--dev-addr", f"localhost:{port}"]


def _octavo(tools: Tools, port: int) -> list[str] | None:
    return [sys.executable, "-m", "octavo", "serve", "--port", str(port)]


SERVERS = {
    "octavo": Server(_octavo, "assets/style.css"),
    "hugo": Server(_hugo, "static/style.css"),
    "eleventy": Server(_eleventy, "static/style.css"),
    "zensical": Server(_zensical, ""),
}


@dataclass
class Measured:
    """Milliseconds of each edit by its kind; seconds of CPU time an edit; bytes, at the start and at the end."""

    peer: str
    posts: int
    start: float = 0.0
    times: dict[str, list[float]] = field(default_factory=dict)
    cpu: dict[str, float] = field(default_factory=dict)
    memory: list[int] = field(default_factory=list)
    idle: float = 0.0
    scenarios: dict[str, list[float]] = field(default_factory=dict)
    """Of a burst, the milliseconds to the last save; of a checkout, the seconds to the open page and to rest; of many
    edits, the bytes after each of ``MANY``; with many warnings, the milliseconds of each save."""
    failure: str = ""


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="From a save to the text in a browser.")
    parser.add_argument("--posts", default="1000,10000", help="sizes of the site")
    parser.add_argument("--peers", default=",".join(SERVERS), help=f"of {', '.join(SERVERS)}")
    parser.add_argument("--edits", type=int, default=20, help="edits of each kind that count (20)")
    parser.add_argument("--kinds", default=",".join(KINDS), help=f"kinds of edits, of {', '.join(KINDS)}")
    parser.add_argument("--scenarios", default="", help=f"of {', '.join(SCENARIOS)} (none)")
    parser.add_argument("--saves", type=int, default=SAVES, help=f"saves while there are many warnings ({SAVES})")
    parser.add_argument("--tools", type=Path, default=ROOT / ".venv-bench", help="where the peers are installed")
    parser.add_argument("--work", type=Path, help="keep the sites there, and use those that are there already")
    parser.add_argument("--browser", default=shutil.which("chromium") or shutil.which("google-chrome"))
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put what is printed between the marks of a page")
    parser.add_argument("--json", type=Path, help="write the figures to this file as well")
    options = parser.parse_args(arguments)
    results = []
    with tempfile.TemporaryDirectory(prefix="octavo-preview-") as passing:
        work = options.work or Path(passing)
        for count in map(int, options.posts.split(",")):
            source = work / f"source-{count}"
            if not source.exists():
                write_site(source, count)
            site = survey(source, "real", 1)
            for name in options.peers.split(","):
                plan = Plan(
                    _named(options.kinds), options.edits, options.browser, _named(options.scenarios), options.saves
                )
                measured = measure(name, site, count, work, Tools(options.tools).of(name), plan)
                print(table(measured), flush=True)
                results.append(measured)
    if options.write:
        printed = "\n".join(map(table, results))
        page = between_marks(options.write.read_text("utf-8"), f"```\n{printed}\n```")
        options.write.write_text(page, encoding="utf-8")
    if options.json:
        options.json.write_text(json.dumps([asdict(each) for each in results], indent=1) + "\n")
    return 0


def _named(names: str) -> list[str]:
    return [name for name in names.split(",") if name]


@dataclass(frozen=True)
class Plan:
    """Which kinds of edits, how many of each, the browser that shows them, which scenarios come then, and how many
    saves while there are many warnings."""

    kinds: list[str]
    edits: int
    browser: str
    scenarios: list[str]
    saves: int = SAVES


def measure(name: str, site: Site, count: int, work: Path, tools: Tools, plan: Plan) -> Measured:
    """One peer on one site."""
    peer, measured = PEERS[name], Measured(name, count)
    folder = work / f"{name}-{count}"
    if not folder.exists():
        prepare(peer, site, folder, peer.relates, tools)
        if name == "octavo":
            shutil.copytree(ROOT / "layouts", folder / "layouts", dirs_exist_ok=True)
            shutil.copytree(ROOT / "assets", folder / "assets", dirs_exist_ok=True)
    port = _free_port()
    command = SERVERS[name].command(tools, port)
    if command is None:
        measured.failure = f"not installed: {peer.install_hint()}"
        return measured
    try:
        with _serving(command, folder, port, peer.environment) as (pid, started):
            measured.start = started
            _edit_all(measured, Workspace(peer, folder, peer.relates), site, pid, port, plan)
    except (TimeoutError, OSError) as problem:
        measured.failure = str(problem).splitlines()[0]
    return measured


@contextmanager
def _serving(
    command: list[str], folder: Path, port: int, environment: Mapping[str, str]
) -> Iterator[tuple[int, float]]:
    """A server that answers, and the seconds until it did."""
    began = time.perf_counter()
    surroundings = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    with (folder.parent / f"{folder.name}.log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, stdout=log, stderr=log, env=surroundings, start_new_session=True
        )
    try:
        while True:
            try:
                with urlopen(f"http://localhost:{port}/", timeout=PATIENCE) as answer:
                    answer.read()
                break
            except OSError:
                if process.poll() is not None or time.perf_counter() - began > 10 * PATIENCE:
                    raise TimeoutError("the server does not answer") from None
                time.sleep(0.02)
        yield process.pid, time.perf_counter() - began
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _edit_all(measured: Measured, space: Workspace, site: Site, pid: int, port: int, plan: Plan) -> None:
    from playwright.sync_api import sync_playwright

    stem = site.order[len(site.order) // 2]
    newest = site.order[-1]
    seen: dict[tuple[str, str], float] = {}
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=plan.browser, args=["--no-sandbox"])
        context = running.new_context()

        def opened(name: str, path: str) -> Any:
            page = context.new_page()
            page.expose_function("seen", lambda text, at: seen.setdefault((name, text), at))
            page.add_init_script(WATCH)
            page.goto(f"http://localhost:{port}{path}", wait_until="load", timeout=PATIENCE * 1000)
            return page

        own = opened("own", f"/posts/{stem}/")
        _rest(pid)
        measured.memory.append(joint_size(tree(pid)))
        number = 0
        for kind in plan.kinds:
            path = _file_of(kind, space, site, stem, newest)
            if path is None or not path.exists():
                continue
            page, others = own, {}
            if kind == "title":
                others = {"home": opened("home", "/")}
                page = opened("newest", f"/posts/{newest}/")
            before = path.read_text("utf-8")
            watched = {"newest" if kind == "title" else "own": page, **others}
            cpu = 0.0
            for turn in range(WARMING + plan.edits):
                number += 1
                token = f"zq{number}qz"
                spent = _cpu(pid)
                at = _save(path, KINDS[kind](before, number, token))
                for name in watched:
                    expected = (name, f"css{number}" if kind == "css" else token)
                    end = time.time() + PATIENCE
                    while expected not in seen:
                        if time.time() > end:
                            raise TimeoutError(f"a {kind} edit was not seen within {PATIENCE:.0f} s ({name})")
                        page.wait_for_timeout(2)
                    if turn >= WARMING:
                        label = kind if name in ("own", "newest") else f"{kind}, home page"
                        measured.times.setdefault(label, []).append(seen[expected] - at * 1000)
                _rest(pid)
                if turn >= WARMING:
                    cpu += _cpu(pid) - spent
            measured.cpu[kind] = cpu / plan.edits
            measured.memory.append(joint_size(tree(pid)))
            _save(path, before)
            _rest(pid)
            for other in (*others.values(), *([page] if page is not own else [])):
                other.close()
        measured.memory.append(joint_size(tree(pid)))
        scene = Scene(space, site, pid, own, seen, plan.saves)
        for name in plan.scenarios:
            measured.scenarios[name] = _SCENARIOS[name](scene)
        spent, began = _cpu(pid), time.monotonic()
        own.wait_for_timeout(20_000)
        measured.idle = (_cpu(pid) - spent) / (time.monotonic() - began)
        running.close()


@dataclass(frozen=True)
class Scene:
    """A server at work on a site, and the page of one post in a browser, which says in ``seen`` what it shows."""

    space: Workspace
    site: Site
    pid: int
    page: Any
    seen: dict[tuple[str, str], float]
    saves: int

    @property
    def stem(self) -> str:
        """The post that the page shows."""
        return self.site.order[len(self.site.order) // 2]

    def file(self, stem: str) -> Path:
        return self.space.folder / self.space.peer.source(self.site.post(stem))[0]

    def until(self, token: str) -> float:
        """Wait until a text is seen; gives the moment, in seconds since 1970."""
        end = time.time() + PATIENCE
        while ("own", token) not in self.seen:
            if time.time() > end:
                raise TimeoutError(f"{token} was not seen within {PATIENCE:.0f} s")
            self.page.wait_for_timeout(2)
        return self.seen["own", token] / 1000


def _burst(scene: Scene) -> list[float]:
    path = scene.file(scene.stem)
    before, at = path.read_text("utf-8"), 0.0
    for number in range(BURST):
        at = _save(path, _body(before, number, f"zq{900_000 + number}qz"))
        scene.page.wait_for_timeout(EVERY * 1000)
    passed = (scene.until(f"zq{900_000 + BURST - 1}qz") - at) * 1000
    _save(path, before)
    _rest(scene.pid)
    return [passed]


def _checkout(scene: Scene) -> list[float]:
    stems = [stem for stem in scene.site.order if stem != scene.stem][: CHECKOUT - 1]
    files = {path: path.read_text("utf-8") for path in map(scene.file, [*stems, scene.stem])}
    began = time.time()
    for path, text in files.items():
        path.write_text(_body(text, 0, "zq990000qz"), encoding="utf-8")
    passed = [scene.until("zq990000qz") - began, _rest(scene.pid) - began]
    for path, text in files.items():
        path.write_text(text, encoding="utf-8")
    _rest(scene.pid)
    return passed


def _many(scene: Scene) -> list[float]:
    path, sizes = scene.file(scene.stem), []
    before = path.read_text("utf-8")
    for number in range(1, max(MANY) + 1):
        token = f"zq{910_000 + number}qz"
        _save(path, _body(before, number, token))
        scene.until(token)
        if number in MANY:
            _rest(scene.pid)
            sizes.append(float(joint_size(tree(scene.pid))))
    _save(path, before)
    _rest(scene.pid)
    return sizes


def _warnings(scene: Scene) -> list[float]:
    keys = "".join(f"{key}: anything\n" for key in KEYS)
    for path in map(scene.file, scene.site.order):
        path.write_text(path.read_text("utf-8").replace("---\n", f"---\n{keys}", 1), encoding="utf-8")
    _rest(scene.pid, 10 * PATIENCE)
    path = scene.file(scene.stem)
    before = path.read_text("utf-8")
    saves: list[tuple[str, float]] = []
    due = time.monotonic()
    for number in range(scene.saves):
        token = f"zq{920_000 + number}qz"
        text = before.replace(f"{KEYS[0]}:", f"{KEYS[0]}{number // NEW_WARNING}:", 1)
        saves.append((token, _save(path, _body(text, number, token))))
        due += PAUSE
        while (left := due - time.monotonic()) > 0:
            scene.page.wait_for_timeout(min(left, 0.02) * 1000)
    scene.until(saves[-1][0])
    _save(path, before)
    _rest(scene.pid)
    return _until_seen(saves, {token: at / 1000 for (name, token), at in scene.seen.items() if name == "own"})


def _until_seen(saves: Sequence[tuple[str, float]], seen: Mapping[str, float]) -> list[float]:
    """For each save, a text and the seconds when it was written, the milliseconds until it was seen, or a later one: a
    page may pass over a text that was there for a moment only. The last has been seen."""
    times, first = [], math.inf
    for token, at in reversed(saves):
        first = min(first, seen.get(token, math.inf))
        times.append((first - at) * 1000)
    return times[::-1]


_SCENARIOS = {"burst": _burst, "checkout": _checkout, "many": _many, "warnings": _warnings}

Edit = Callable[[str, int, str], str]


def _body(text: str, number: int, token: str) -> str:
    head, _, rest = text.rpartition("\n\n")
    return f"{head}\n\n{token} {rest}" if not rest.startswith("[^") else f"{text.rstrip()}\n\n{token}\n"


def _title(text: str, number: int, token: str) -> str:
    return re.sub(r"^title: (.*)$", lambda match: _retitled(match[1], token), text, count=1, flags=re.MULTILINE)


def _retitled(value: str, token: str) -> str:
    return f"title: {value[:-1]} {token}{value[-1]}" if value[-1:] in "\"'" else f"title: {value} {token}"


def _layout(text: str, number: int, token: str) -> str:
    return text.replace("</body>", f"<p>{token}</p></body>") if "</body>" in text else f"{text}<p>{token}</p>"


def _css(text: str, number: int, token: str) -> str:
    return f"{text}\n:root {{ --zq: {number} }}\n"


KINDS: dict[str, Edit] = {"body": _body, "title": _title, "layout": _layout, "css": _css}


def _file_of(kind: str, space: Workspace, site: Site, stem: str, newest: str) -> Path | None:
    if kind in ("body", "title"):
        return space.folder / space.peer.source(site.post(newest if kind == "title" else stem))[0]
    if kind == "layout":
        return space.folder / space.peer.base
    style = SERVERS[space.peer.name].style
    return space.folder / style if style else None


def _save(path: Path, text: str) -> float:
    """Write a file as an editor does that renames, and say when that was, in seconds since 1970."""
    passing = path.with_name(f".{path.name}.new")
    passing.write_text(text, encoding="utf-8")
    passing.replace(path)
    return time.time()


def _rest(pid: int, patience: float = PATIENCE) -> float:
    """Wait until a server has done all that an edit brings about; gives the moment since which it is at rest, in
    seconds since 1970."""
    last, quiet, end, since = _cpu(pid), 0, time.monotonic() + patience, time.time()
    while quiet < 4 and time.monotonic() < end:
        time.sleep(0.3)
        now = _cpu(pid)
        last, quiet = now, quiet + 1 if now - last <= 0.01 else 0
        since = since if quiet else time.time()
    return since


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def _cpu(pid: int) -> float:
    """Seconds of CPU time that a process and those below it, and those of them that have ended, have used."""
    ticks = 0
    for each in tree(pid):
        try:
            fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        ticks += sum(map(int, fields[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def _p95(times: Sequence[float]) -> float:
    ordered = sorted(times)
    return ordered[round(0.95 * (len(ordered) - 1))]


def table(measured: Measured) -> str:
    """The figures of one server, a line for each kind of edit."""
    title = f"{PEERS[measured.peer].title}, {measured.posts:,} posts"
    lines = [
        f"{title}: first page after {measured.start:.2f} s" + (f"; {measured.failure}" if measured.failure else "")
    ]
    for kind, times in measured.times.items():
        ordered, p95 = sorted(times), _p95(times)
        cpu = f", {measured.cpu[kind]:.2f} s CPU" if kind in measured.cpu else ""
        lines.append(
            f"  {kind:18} median {statistics.median(times):7.0f} ms, p95 {p95:7.0f} ms,"
            f" from {ordered[0]:.0f} to {ordered[-1]:.0f} ms{cpu}"
        )
    scenarios = measured.scenarios
    if "burst" in scenarios:
        lines.append(
            f"  {BURST} saves, {1 / EVERY:.0f} a second: the last is seen after {scenarios['burst'][0]:.0f} ms"
        )
    if "checkout" in scenarios:
        opened, rested = scenarios["checkout"]
        lines.append(f"  {CHECKOUT:,} posts at once: the open page after {opened:.1f} s, at rest after {rested:.1f} s")
    if "many" in scenarios:
        sizes = ", ".join(f"{size / 1e6:.0f} MB after {n}" for n, size in zip(MANY, scenarios["many"], strict=True))
        lines.append(f"  edits of one body: {sizes}")
    if "warnings" in scenarios:
        times = scenarios["warnings"]
        lines.append(
            f"  {len(KEYS) * measured.posts:,} warnings, {len(times)} saves, {1 / PAUSE:.0f} a second: median"
            f" {statistics.median(times):.0f} ms, p95 {_p95(times):.0f} ms, the slowest {max(times):.0f} ms"
        )
    if measured.memory:
        sizes = " then ".join(f"{size / 1e6:.0f} MB" for size in measured.memory)
        lines.append(f"  memory {sizes}; idle {measured.idle:.1%} of a CPU")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
