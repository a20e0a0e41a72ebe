"""What the report says of a page, worked out beside all else."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from octavo import inspecting
from octavo.build_report import Options
from octavo.desk import Desk
from octavo.facts import Unanswered
from octavo.inspecting import Inspecting
from octavo.project import Project
from octavo.view import View
from tests.previewing import previewing
from tests.sites import SiteFolder, post
from tests.test_serve import SOON

Site = Callable[[str], SiteFolder]

SITE = f"""\
-- posts/a.md --
{post("A", body="Words of a.")}-- posts/b.md --
{post("B", "2026-01-02", body="Words of b.")}"""

FOUND = [{"title": "Posts", "items": ["one"]}]


@pytest.fixture
def view(site: Site) -> Iterator[View]:
    folder = site(SITE)
    cache = folder.root / ".octavo/preview"
    with Project(folder.root, Options(output=str(cache / "site"), cache=str(cache), jobs=1)) as project:
        desk = Desk(project)
        desk.look()
        assert desk.view is not None
        yield desk.view


class Reports:
    """Stands for the report: says what it is told to, and counts."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[str] = []
        self.problem: Exception | None = None
        self.told: list[Exception | None] = []
        self.ended = threading.Event()
        monkeypatch.setattr(inspecting, "insight", self)

    def __call__(self, view: View, facts: object, path: str) -> list[dict[str, Any]]:
        self.asked.append(path)
        if self.problem is not None:
            raise self.problem
        return FOUND

    def end(self, problem: Exception | None) -> None:
        self.told.append(problem)
        self.ended.set()

    def wait(self) -> None:
        assert self.ended.wait(SOON)
        self.ended.clear()


def test_a_post_is_looked_at_once_for_a_view(view: View, monkeypatch: pytest.MonkeyPatch) -> None:
    reports = Reports(monkeypatch)
    beside = Inspecting(reports.end)
    assert beside.of(view, view.site.facts, "posts/a.md") == []
    reports.wait()
    for _ in range(3):
        assert beside.of(view, view.site.facts, "posts/a.md") == FOUND
    assert reports.asked == ["posts/a.md"]
    another = replace(view)
    assert beside.of(another, view.site.facts, "posts/a.md") == FOUND  # as it was, until more is known
    reports.wait()
    assert reports.asked == ["posts/a.md", "posts/a.md"]
    assert beside.stop(SOON)


def test_what_cannot_be_answered_now_is_not_asked_again_for_this_view(
    view: View, monkeypatch: pytest.MonkeyPatch
) -> None:
    reports = Reports(monkeypatch)
    reports.problem = Unanswered("posts/a.md")
    beside = Inspecting(reports.end)
    for _ in range(3):
        assert beside.of(view, view.site.facts, "posts/a.md") == []
        beside.stop(SOON)
    assert reports.asked == ["posts/a.md"]
    assert reports.told == [None]


def test_what_fails_is_told(view: View, monkeypatch: pytest.MonkeyPatch) -> None:
    reports = Reports(monkeypatch)
    reports.problem = RuntimeError("a bug")
    beside = Inspecting(reports.end)
    beside.of(view, view.site.facts, "posts/a.md")
    reports.wait()
    assert reports.told == [reports.problem]


def test_only_some_posts_are_kept(view: View, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspecting, "HELD", 1)
    reports = Reports(monkeypatch)
    beside = Inspecting(reports.end)
    for path in ("posts/a.md", "posts/b.md", "posts/a.md"):
        beside.of(view, view.site.facts, path)
        reports.wait()
    assert reports.asked == ["posts/a.md", "posts/b.md", "posts/a.md"]


def test_a_save_does_not_wait_for_the_report_and_the_panel_has_it_later(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    inspected, go_on = threading.Event(), threading.Event()

    def slow(view: View, facts: object, path: str) -> list[dict[str, Any]]:
        inspected.set()
        assert go_on.wait(SOON)
        return FOUND

    monkeypatch.setattr(inspecting, "insight", slow)
    folder = site(SITE)
    with previewing(folder) as shown, shown.tab("/posts/a/") as tab:
        try:
            tab.say({"kind": "panel", "wanted": True})
            assert inspected.wait(SOON)
            folder.replace("posts/a.md", "Words of a.", "Saved meanwhile.")
            tab.shows("Saved meanwhile.")
        finally:
            go_on.set()
        tab.until(lambda tab: any(heard.get("about", {}).get("insight") == FOUND for heard in tab.heard))
