from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from octavo.cli import main
from octavo.project import dask_cluster
from octavo.project.build_report import Options
from octavo.project.dask_cluster import Cluster, NoCluster
from octavo.project.project import Project
from tests.sites import SiteFolder, places, post

distributed = pytest.importorskip("distributed")

CHECKOUT = Path(__file__).parent.parent

# Dask's own: sockets and coroutines that it leaves behind when a scheduler or a worker dies.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore:coroutine .* was never awaited:RuntimeWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

SITE = """\
-- build.py --
import os
import signal

from octavo import Site
from words import loud

site = Site(__file__)
if "NO_SCRIPT" in os.environ:
    raise ImportError("a library that is not there")

def begin():
    if "LOG" in os.environ:
        with open(os.environ["LOG"], "a") as log:
            log.write(f"{os.getpid()}\\n")
    if "KILLS" in os.environ:
        os.kill(int(os.environ["KILLS"]) or os.getpid(), signal.SIGKILL)

@site.filter
def shout(text):
    begin()
    return loud(text)

@site.shortcode
def note(args, body):
    begin()
    return f"<aside>{loud(args['on'])} {1 // int(args['by'])}</aside>"
-- words.py --
def loud(text):
    return text.upper()
-- layouts/post.html --
{% extends "base.html" %}
{% block main %}
{{ post.title | shout }} {{ content() }}
{% include "partials/related.html" %}
{% include "partials/neighbours.html" %}
{% endblock %}
"""


def posts(count: int = 50) -> str:
    """Posts that link to one another, with a little of all that a page can hold, and tags for a hundred pages."""
    return "".join(
        f"-- posts/p{number}.md --\n"
        + post(
            f"Post {number}",
            date=f"2025-01-{number % 28 + 1:02}",
            tags=f"[t{number % 3}, only {number}]",
            body=f"Number {number}, [another](p{(number * 7) % count}.md).\n\n"
            f'::: note on="x{number}" by="1"\n:::\n\n```python\nprint({number})\n```\n',
        )
        for number in range(count)
    )


@dataclass
class Dask:
    """A scheduler, and the workers that were started for it."""

    address: str
    scheduler: subprocess.Popen[bytes]
    stack: ExitStack
    workers: int = 0

    def worker(self, **environment: object) -> subprocess.Popen[bytes]:
        """One more worker, with these environment variables."""
        started = self.stack.enter_context(
            process("distributed.cli.dask_worker", self.address, "--no-nanny", "--nthreads", "1", **environment)
        )
        self.workers += 1
        with distributed.Client(self.address, set_as_default=False) as client:
            client.wait_for_workers(self.workers, timeout=60)
        return started


@contextmanager
def process(module: str, *arguments: str, **environment: object) -> Iterator[subprocess.Popen[bytes]]:
    known = {**os.environ, "PYTHONPATH": str(CHECKOUT), **{name: str(value) for name, value in environment.items()}}
    command = [sys.executable, "-m", module, *arguments, "--no-dashboard"]
    started = subprocess.Popen(command, env=known, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield started
    finally:
        started.kill()
        started.wait()


@contextmanager
def running() -> Iterator[Dask]:
    address = f"127.0.0.1:{free_port()}"
    with ExitStack() as stack:
        host, _, port = address.partition(":")
        scheduler = process("distributed.cli.dask_scheduler", "--host", host, "--port", port)
        yield Dask(address, stack.enter_context(scheduler), stack)


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


@pytest.fixture(scope="module")
def dask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Dask, Path]]:
    """A cluster of two workers, and where they log their process ids."""
    log = tmp_path_factory.mktemp("dask") / "log"
    with running() as started:
        started.worker(LOG=log)
        started.worker(LOG=log)
        yield started, log


@pytest.fixture
def ours(site: Callable[[str], SiteFolder]) -> SiteFolder:
    return site(SITE + posts())


def same_bytes(folder: SiteFolder, address: str, say: Callable[[str], None] = lambda line: None) -> None:
    """Build here and with a cluster, and compare every byte and every problem."""
    here = folder.build(fresh=True)
    expected = {} if here.failed else folder.output()
    for file in expected:
        folder.delete(f"output/{file}")
    with Project(folder.root, Options(fresh=True, executor=address), say) as project:
        there = project.build()
    assert places(there.problems) == places(here.problems)
    assert [problem.hint for problem in there.problems] == [problem.hint for problem in here.problems]
    if not here.failed:
        assert folder.output() == expected


def test_a_cluster_makes_the_same_bytes(dask: tuple[Dask, Path], ours: SiteFolder) -> None:
    started, log = dask
    said: list[str] = []
    same_bytes(ours, started.address, said.append)
    assert said == []
    assert len(set(log.read_text().split())) == 2
    # Another site, whose layouts and functions have the same names, shares nothing with the first.
    ours.replace("words.py", "upper", "title").replace("layouts/post.html", "{{ content() }}", "<hr>{{ content() }}")
    same_bytes(ours, started.address, said.append)
    assert said == []


def test_a_cluster_finds_the_same_problems(dask: tuple[Dask, Path], ours: SiteFolder) -> None:
    ours.replace("posts/p3.md", 'by="1"', 'by="0"').replace("posts/p4.md", "p28.md", "nowhere.md")
    ours.replace("posts/p5.md", "title: Post 5", "titel: Post 5")
    ours.replace("layouts/post.html", "post.title |", "(post.title if post.title != 'Post 7' else 7) |")
    assert len(ours.build().problems) >= 3
    same_bytes(ours, dask[0].address)


def test_a_worker_that_dies_at_its_work_does_not_lose_the_build(dask: tuple[Dask, Path], ours: SiteFolder) -> None:
    said: list[str] = []
    doomed = dask[0].worker(KILLS=0)
    same_bytes(ours, dask[0].address, said.append)
    dask[0].workers -= 1
    assert doomed.wait(10) == -signal.SIGKILL
    assert said == []


@pytest.mark.parametrize("whole", [False, True], ids=["the workers", "the scheduler"])
def test_a_cluster_that_dies_leaves_the_rest_to_this_machine(
    whole: bool, ours: SiteFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dask_cluster, "WORKERLESS_SECONDS", 1.0)
    said: list[str] = []
    with running() as started:
        doomed = started.worker(KILLS=started.scheduler.pid if whole else 0)
        same_bytes(ours, started.address, said.append)
        assert (started.scheduler if whole else doomed).wait(10) == -signal.SIGKILL
    assert len(said) == 1
    assert f"{started.address} failed" in said[0]


def test_what_a_worker_cannot_load_is_run_here(ours: SiteFolder) -> None:
    said: list[str] = []
    with running() as started:
        started.worker(NO_SCRIPT=1)
        same_bytes(ours, started.address, said.append)
    assert len(said) == 1
    assert "cannot load build.py" in said[0]


def test_a_worker_with_other_code_is_refused(dask: tuple[Dask, Path]) -> None:
    crew = Cluster(dask[0].address, lambda: os.getpid().to_bytes(8, "big"), print)
    try:
        with pytest.raises(NoCluster, match="another Octavo"):
            crew.pool()
    finally:
        crew.close()


def test_an_address_at_which_nobody_answers_ends_with_status_2(
    ours: SiteFolder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(dask_cluster, "CONNECT_SECONDS", 0.3)
    address = f"127.0.0.1:{free_port()}"
    assert main.main(["-C", str(ours.root), "build", "--executor", f"dask://{address}"]) == 2
    assert f"no Dask scheduler answers at {address}" in capsys.readouterr().err
    assert ours.output() == {}


def test_a_scheduler_without_workers_ends_with_status_2(
    ours: SiteFolder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with running() as started:
        with distributed.Client(started.address, set_as_default=False):  # it is there
            monkeypatch.setattr(dask_cluster, "CONNECT_SECONDS", 1.0)
        assert main.main(["-C", str(ours.root), "build", "--executor", f"dask://{started.address}"]) == 2
    assert "has no workers" in capsys.readouterr().err


def test_without_dask_the_way_to_it_is_said(
    ours: SiteFolder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert main.main(["-C", str(ours.root), "build", "--executor", "dask://127.0.0.1:8786"]) == 2
    assert "pip install 'octavo[dask]'" in capsys.readouterr().err


@pytest.mark.parametrize("given", ["dask", "dask://", "dask://host", "dask://host:99999", "ray://host:1", ""])
def test_an_executor_that_cannot_be_meant_is_a_mistake(
    given: str, ours: SiteFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main.main(["-C", str(ours.root), "build", "--executor", given]) == 2
    assert "dask://192.0.2.7:8786" in capsys.readouterr().err


def test_local_is_this_machine(ours: SiteFolder) -> None:
    assert main.main(["-C", str(ours.root), "build", "--quiet", "--jobs", "1", "--executor", "local"]) == 0
