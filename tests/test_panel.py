"""What an author is told of a page."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from octavo.engine.facts import Unanswered
from octavo.preview import panel
from octavo.preview.messages import InsightDetails
from octavo.preview.panel import BackgroundInsight, describe_page, inspect_post
from octavo.preview.session import PreviewSession
from octavo.preview.snapshot import Snapshot
from octavo.project.build_report import Options
from octavo.project.project import Project
from tests.previewing import previewing
from tests.sites import SiteFolder, post
from tests.test_server import SOON

Site = Callable[[str], SiteFolder]

SITE = f"""\
-- posts/a.md --
{post("A", tags="[x]", body="Brontosaurus and quagga, five words.")}
-- posts/b.md --
{post("B", "2026-01-02", tags="[x]", body="See [a](a.md), a quagga.")}
-- posts/draft.md --
{post("A draft", draft="true", body="Quagga.")}
-- posts/later.md --
{post("Later", "2999-01-01", body="Quagga.", extraordinary="yes")}"""


@pytest.fixture
def session(site: Site) -> Iterator[PreviewSession]:
    folder = site(SITE)
    cache = folder.root / ".octavo/preview"
    at = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)
    options = Options(output=str(cache / "site"), cache=str(cache), jobs=1, drafts=True, future=True, at=at)
    with Project(folder.root, options) as project:
        session = PreviewSession(project)
        session.refresh()
        yield session


def test_a_post_is_told_of_in_full(session: PreviewSession) -> None:
    details = describe_page(session, "/posts/a/")
    assert details["source"] == "posts/a.md"
    assert details["status"] == "published, dated 2026-01-01"
    assert (details["words"], details["minutes"]) == (5, 1)
    assert details["backlinks"] == [{"title": "B", "url": "/posts/b/"}]
    assert "post.html" in details["layouts"]
    assert any("BodyOf" in each for each in details["inputs"])
    related = {one["url"]: one for one in details["related"]}
    assert related["/posts/b/"]["score"] > 0
    assert related["/posts/b/"]["reasons"]
    assert details["problems"] == []


def test_why_a_build_would_leave_a_post_out(session: PreviewSession) -> None:
    assert describe_page(session, "/posts/draft/")["status"].startswith("a draft:")
    assert describe_page(session, "/posts/later/")["status"] == "to come: a build leaves it out until 2999-01-01"


def test_its_problems_are_those_of_its_source(session: PreviewSession) -> None:
    (text,) = describe_page(session, "/posts/later/")["problems"]
    assert text.startswith("posts/later.md:4:1: warning[key]")


def test_a_page_without_a_source_has_its_layouts_and_questions_only(session: PreviewSession) -> None:
    details = describe_page(session, "/")
    assert details["source"] is None
    assert "home.html" in details["layouts"]
    assert details["inputs"]
    assert "status" not in details


def test_of_what_is_no_page_nothing_is_told(session: PreviewSession) -> None:
    assert describe_page(session, "/nothing/") == {}


def reported(session: PreviewSession, path: str) -> list[InsightDetails]:
    assert session.snapshot is not None
    return inspect_post(session.snapshot, session.facts, path)


def test_the_report_is_told_where_lists_are_of_this_moment(session: PreviewSession) -> None:
    folder = SiteFolder(session.project.root)
    folder.write("posts/a.md", post("A", body=SAME)).write("posts/b.md", post("B", "2026-01-02", body=SAME))
    session.refresh()
    assert any("posts/b.md" in item for section in reported(session, "posts/a.md") for item in section["items"])
    assert reported(session, "posts/nothing.md") == []
    folder.write("posts/c.md", post("C"))
    session.refresh(with_related=False)
    assert reported(session, "posts/a.md") == []


SAME = "A quagga and a brontosaurus walk by the river, and neither of them speaks of the other one in the evening.\n"


# What the report says of a page, worked out beside all else.

TWO_POSTS = f"""\
-- posts/a.md --
{post("A", body="Words of a.")}-- posts/b.md --
{post("B", "2026-01-02", body="Words of b.")}"""

SECTIONS: list[InsightDetails] = [{"title": "Posts", "items": ["one"]}]


@pytest.fixture
def snapshot(site: Site) -> Iterator[Snapshot]:
    folder = site(TWO_POSTS)
    cache = folder.root / ".octavo/preview"
    with Project(folder.root, Options(output=str(cache / "site"), cache=str(cache), jobs=1)) as project:
        session = PreviewSession(project)
        session.refresh()
        assert session.snapshot is not None
        yield session.snapshot


class Reports:
    """Stands for the report: says what it is told to, and counts."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked: list[str] = []
        self.problem: Exception | None = None
        self.told: list[Exception | None] = []
        self.ended = threading.Event()
        monkeypatch.setattr(panel, "inspect_post", self)

    def __call__(self, snapshot: Snapshot, facts: object, path: str) -> list[InsightDetails]:
        self.asked.append(path)
        if self.problem is not None:
            raise self.problem
        return SECTIONS

    def end(self, problem: Exception | None) -> None:
        self.told.append(problem)
        self.ended.set()

    def wait(self) -> None:
        assert self.ended.wait(SOON)
        self.ended.clear()


def test_a_post_is_looked_at_once_for_a_view(snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch) -> None:
    reports = Reports(monkeypatch)
    insight = BackgroundInsight(reports.end)
    assert insight.find(snapshot, snapshot.site.facts, "posts/a.md") == []
    reports.wait()
    for _ in range(3):
        assert insight.find(snapshot, snapshot.site.facts, "posts/a.md") == SECTIONS
    assert reports.asked == ["posts/a.md"]
    another = replace(snapshot)
    assert insight.find(another, snapshot.site.facts, "posts/a.md") == SECTIONS  # as it was, until more is known
    reports.wait()
    assert reports.asked == ["posts/a.md", "posts/a.md"]
    assert insight.stop(SOON)


def test_what_cannot_be_answered_now_is_not_asked_again_for_this_view(
    snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch
) -> None:
    reports = Reports(monkeypatch)
    reports.problem = Unanswered("posts/a.md")
    insight = BackgroundInsight(reports.end)
    for _ in range(3):
        assert insight.find(snapshot, snapshot.site.facts, "posts/a.md") == []
        insight.stop(SOON)
    assert reports.asked == ["posts/a.md"]
    assert reports.told == [None]


def test_what_fails_is_told(snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch) -> None:
    reports = Reports(monkeypatch)
    reports.problem = RuntimeError("a bug")
    insight = BackgroundInsight(reports.end)
    insight.find(snapshot, snapshot.site.facts, "posts/a.md")
    reports.wait()
    assert reports.told == [reports.problem]


def test_only_some_posts_are_kept(snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(panel, "HELD_POSTS", 1)
    reports = Reports(monkeypatch)
    insight = BackgroundInsight(reports.end)
    for path in ("posts/a.md", "posts/b.md", "posts/a.md"):
        insight.find(snapshot, snapshot.site.facts, path)
        reports.wait()
    assert reports.asked == ["posts/a.md", "posts/b.md", "posts/a.md"]


def test_a_save_does_not_wait_for_the_report_and_the_panel_has_it_later(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    inspected, go_on = threading.Event(), threading.Event()

    def slow(snapshot: Snapshot, facts: object, path: str) -> list[InsightDetails]:
        inspected.set()
        assert go_on.wait(SOON)
        return SECTIONS

    monkeypatch.setattr(panel, "inspect_post", slow)
    folder = site(TWO_POSTS)
    with previewing(folder) as shown, shown.tab("/posts/a/") as tab:
        try:
            tab.say({"kind": "panel", "wanted": True})
            assert inspected.wait(SOON)
            folder.replace("posts/a.md", "Words of a.", "Saved meanwhile.")
            tab.shows("Saved meanwhile.")
        finally:
            go_on.set()
        tab.until(lambda tab: any(heard.get("about", {}).get("insight") == SECTIONS for heard in tab.heard))
