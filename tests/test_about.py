"""What an author is told of a page."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from octavo.about import about, insight
from octavo.build_report import Options
from octavo.desk import Desk
from octavo.project import Project
from tests.sites import SiteFolder, post

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
def desk(site: Site) -> Iterator[Desk]:
    folder = site(SITE)
    cache = folder.root / ".octavo/preview"
    at = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)
    options = Options(output=str(cache / "site"), cache=str(cache), jobs=1, drafts=True, future=True, at=at)
    with Project(folder.root, options) as project:
        found = Desk(project)
        found.look()
        yield found


def test_a_post_is_told_of_in_full(desk: Desk) -> None:
    found = about(desk, "/posts/a/")
    assert found["source"] == "posts/a.md"
    assert found["status"] == "published, dated 2026-01-01"
    assert (found["words"], found["minutes"]) == (5, 1)
    assert found["backlinks"] == [{"title": "B", "url": "/posts/b/"}]
    assert "post.html" in found["layouts"]
    assert any("BodyOf" in each for each in found["inputs"])
    related = {one["url"]: one for one in found["related"]}
    assert related["/posts/b/"]["score"] > 0
    assert related["/posts/b/"]["reasons"]
    assert found["problems"] == []


def test_why_a_build_would_leave_a_post_out(desk: Desk) -> None:
    assert about(desk, "/posts/draft/")["status"].startswith("a draft:")
    assert about(desk, "/posts/later/")["status"] == "to come: a build leaves it out until 2999-01-01"


def test_its_problems_are_those_of_its_source(desk: Desk) -> None:
    (told,) = about(desk, "/posts/later/")["problems"]
    assert told.startswith("posts/later.md:4:1: warning[key]")


def test_a_page_without_a_source_has_its_layouts_and_questions_only(desk: Desk) -> None:
    found = about(desk, "/")
    assert found["source"] is None
    assert "home.html" in found["layouts"]
    assert found["inputs"]
    assert "status" not in found


def test_of_what_is_no_page_nothing_is_told(desk: Desk) -> None:
    assert about(desk, "/nothing/") == {}


def reported(desk: Desk, path: str) -> list[dict[str, Any]]:
    assert desk.view is not None
    return insight(desk.view, desk.facts, path)


def test_the_report_is_told_where_lists_are_of_this_moment(desk: Desk) -> None:
    folder = SiteFolder(desk.project.root)
    folder.write("posts/a.md", post("A", body=SAME)).write("posts/b.md", post("B", "2026-01-02", body=SAME))
    desk.look()
    assert any("posts/b.md" in item for section in reported(desk, "posts/a.md") for item in section["items"])
    assert reported(desk, "posts/nothing.md") == []
    folder.write("posts/c.md", post("C"))
    desk.look(relating=False)
    assert reported(desk, "posts/a.md") == []


SAME = "A quagga and a brontosaurus walk by the river, and neither of them speaks of the other one in the evening.\n"
