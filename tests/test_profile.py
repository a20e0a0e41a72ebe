"""What a build tells those who watch it, and what `--profile` makes of that."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping

import pytest

from octavo.cli import main
from octavo.cli.profile import MOST_SLOWEST, Profile, Stretch
from octavo.engine.observer import Observer, Observers
from octavo.project.build_report import Options
from octavo.project.project import Project
from tests.sites import SiteFolder, post

MakeSite = Callable[[str], SiteFolder]

TWO = f"-- posts/a.md --\n{post('A', tags='[x]')}-- posts/b.md --\n{post('B')}"


class Told(Observer):
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.events: list[tuple[str, ...]] = []
        self.layouts: Mapping[str, str] = {}

    def began(self, phase: str) -> None:
        self.events.append(("began", phase))

    def expects(self, phase: str, items: int) -> None:
        self.events.append(("expects", phase, str(items)))

    def ran(self, phase: str, item: str, seconds: float) -> None:
        assert seconds > 0
        self.events.append(("ran", phase, item))

    def ended(self, phase: str) -> None:
        self.events.append(("ended", phase))

    def laid_out(self, layouts: Mapping[str, str]) -> None:
        self.layouts = layouts

    def close(self) -> None:
        self.events.append(("close",))


def told(folder: SiteFolder, jobs: int = 1) -> Told:
    observer = Told()
    with Project(folder.root, Options(jobs=jobs), observer=Observers(observer)) as project:
        project.build()
    return observer


def test_an_observer_is_told_of_each_phase_and_of_each_item_that_is_run(site: MakeSite) -> None:
    folder = site(TWO)
    first = told(folder)
    phases = [event[1] for event in first.events if event[0] == "began"]
    assert phases[:3] == ["list", "compare", "parse"]
    assert phases[-1] == "publish"
    assert phases == [event[1] for event in first.events if event[0] == "ended"]
    assert first.events[-1] == ("close",)
    assert ("expects", "parse", "2") in first.events
    assert {event[2] for event in first.events if event[:2] == ("ran", "parse")} == {"posts/a.md", "posts/b.md"}
    assert ("ran", "render", "/posts/a/") in first.events
    assert first.layouts["/posts/a/"] == "post.html"


def test_what_is_not_run_is_not_told(site: MakeSite) -> None:
    folder = site(TWO)
    folder.built()
    folder.replace("posts/a.md", "Words.", "Other words.")
    again = told(folder)
    assert [event[2] for event in again.events if event[:2] == ("ran", "parse")] == ["posts/a.md"]
    assert ("ran", "render", "/archive/") not in again.events


def test_what_other_processes_run_is_told_as_well(site: MakeSite) -> None:
    folder = site("".join(f"-- posts/p{number}.md --\n{post(f'P {number}')}" for number in range(30)))
    assert len([event for event in told(folder, jobs=2).events if event[:2] == ("ran", "parse")]) == 30


def test_a_build_that_fails_is_closed_too(site: MakeSite, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = site(TWO)
    observer = Told()
    with Project(folder.root, Options(jobs=1), observer=observer) as project:
        monkeypatch.setattr("octavo.site.pipeline.build", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            project.build()
    assert observer.events[-1] == ("close",)


def profiled(monkeypatch: pytest.MonkeyPatch) -> Profile:
    """Two phases of a build: 30 pages in 4 s, each 1/128 s slower than the last one, and 1 s of something else."""
    clock = iter([0.0, 4.0, 10.0, 11.0])
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    profile = Profile()
    profile.began("render")
    for number in range(30):
        profile.ran("render", f"/p{number:02d}/", number / 128)
    profile.ended("render")
    profile.began("publish")
    profile.ended("publish")
    profile.laid_out({f"/p{number:02d}/": "long.html" if number >= 20 else "short.html" for number in range(30)})
    return profile


def test_a_profile_adds_up_phases_and_finds_the_slowest(monkeypatch: pytest.MonkeyPatch) -> None:
    profile = profiled(monkeypatch)
    assert profile.stretches() == (Stretch("render", 4.0, 30, 435 / 128), Stretch("publish", 1.0, 0, 0))
    slowest = profile.slowest("render")
    assert len(slowest) == MOST_SLOWEST
    assert slowest[:2] == ((29 / 128, "/p29/"), (28 / 128, "/p28/"))
    assert profile.slowest("parse") == ()
    assert profile.layouts() == ((245 / 128, "long.html", 10), (190 / 128, "short.html", 20))


def test_a_phase_that_comes_again_is_added(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 1.0, 5.0, 7.0])
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    profile = Profile()
    for _ in range(2):
        profile.began("list")
        profile.ended("list")
    assert profile.stretches() == (Stretch("list", 3.0, 0, 0),)


def test_a_profile_in_words_accounts_for_all_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = profiled(monkeypatch).as_text(5.5).splitlines()
    assert lines[:4] == [
        "where the time went:",
        "     4.000 s  render pages: 30 run, 3.40 s of work",
        "     1.000 s  publish",
        "     0.500 s  the rest",
    ]
    assert "slowest posts to read:" not in lines
    assert lines[4:6] == ["slowest pages:", "     0.227 s  /p29/"]
    assert lines[-2] == "     1.914 s  long.html: 10 pages, 191.4 ms each"


def test_a_build_says_where_its_time_went(site: MakeSite, capsys: pytest.CaptureFixture[str]) -> None:
    folder = site(TWO)
    assert main.main(["-C", str(folder.root), "--profile"]) == 0
    out = capsys.readouterr().out
    assert "where the time went:\n" in out
    assert "posts/a.md\n" in out.partition("slowest posts to read:")[2]
    assert "post.html: 2 pages" in out.partition("layouts:")[2]
    assert main.main(["-C", str(folder.root), "build", "--profile", "--format", "json", "--fresh"]) == 0
    profile = json.loads(capsys.readouterr().out)["profile"]
    assert profile.keys() == {"phases", "posts", "pages", "layouts"}
    assert {row["path"] for row in profile["posts"]} == {"posts/a.md", "posts/b.md"}
    assert all(row["seconds"] >= 0 for row in (*profile["posts"], *profile["pages"], *profile["layouts"]))
    assert main.main(["-C", str(folder.root), "build", "--format", "json"]) == 0
    assert "profile" not in json.loads(capsys.readouterr().out)
