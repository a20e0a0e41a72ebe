"""What was saved since the site was looked at as a whole."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from octavo.model.queries import BodyOf, CardOf, Latest, PostAt
from octavo.preview.overlay import FEW, Touched
from octavo.preview.session import PreviewSession
from octavo.project.build_report import Options
from octavo.project.project import Project
from tests.sites import SiteFolder, post

Site = Callable[[str], SiteFolder]

SITE = f"""\
-- posts/a.md --
{post("A", body="Words of a.")}
-- posts/b.md --
{post("B", "2026-01-02", body="Words of b.")}
-- layouts/post.html --
{{% extends "base.html" %}}
-- assets/site.css --
p {{ }}
"""

NOTHING, ALL, PART = Touched(False, True), Touched(True, True), Touched(False, False)


@pytest.fixture
def desk(site: Site) -> Iterator[PreviewSession]:
    folder = site(SITE)
    cache = folder.root / ".octavo/preview"
    with Project(folder.root, Options(output=str(cache / "site"), cache=str(cache), jobs=1)) as project:
        found = PreviewSession(project)
        found.look()
        yield found


def saved(desk: PreviewSession, path: str, text: str) -> Touched:
    SiteFolder(desk.project.root).write(path, text)
    return desk.touch([desk.project.root / path])


def test_a_body_is_answered_anew_and_nothing_else(desk: PreviewSession) -> None:
    card = desk.facts.digest(CardOf("posts/a.md"))
    assert saved(desk, "posts/a.md", post("A", body="Other words, and none in the beginning.")) == ALL
    page = desk.page("/posts/a/")
    assert page is not None
    assert b"Other words" in page.content
    assert desk.ask(BodyOf("posts/a.md")).words == 7
    assert desk.ask(PostAt("posts/a.md")).title == "A"
    assert saved(desk, "posts/a.md", post("A", body="Words of a.") + "\n") == ALL
    assert desk.facts.digest(CardOf("posts/a.md")) == card


def test_a_title_is_answered_anew_in_lists_as_well(desk: PreviewSession) -> None:
    assert saved(desk, "posts/a.md", post("Zebra", body="Words of a.")) == ALL
    assert desk.ask(PostAt("posts/a.md")).title == "Zebra"
    assert [card.title for card in desk.ask(Latest(2))] == ["B", "Zebra"]
    assert saved(desk, "posts/a.md", post("A", body="Words of a.")) == ALL
    assert [card.title for card in desk.ask(Latest(2))] == ["B", "A"]


def test_what_is_as_it_was_is_nothing_new(desk: PreviewSession) -> None:
    assert desk.touch([desk.project.root / "posts/a.md"]) == NOTHING
    assert desk.touch([desk.project.root / "posts/.a.md.swp"]) == NOTHING
    assert desk.touch([]) == NOTHING


@pytest.mark.parametrize(
    "text",
    [
        post("A", slug="other", body="Words of a."),
        post("A", draft="true", body="Words of a."),
        "---\ntitle: A\ndate: yesterday\n---\n",
        "",
    ],
)
def test_another_address_and_a_broken_post_are_left_to_the_next_look(desk: PreviewSession, text: str) -> None:
    before = desk.facts
    assert saved(desk, "posts/a.md", text) == PART
    assert desk.facts is before


def test_a_file_that_is_new_or_gone_is_left_to_the_next_look(desk: PreviewSession) -> None:
    assert saved(desk, "posts/new.md", post("New")) == PART
    (desk.project.root / "posts/b.md").unlink()
    assert desk.touch([desk.project.root / "posts/b.md"]) == PART


def test_layouts_and_style_are_taken_in(desk: PreviewSession) -> None:
    text = "{% extends 'base.html' %}{% block main %}Layout{% endblock %}"
    assert saved(desk, "layouts/post.html", text) == ALL
    page = desk.page("/posts/a/")
    assert page is not None
    assert b"Layout" in page.content
    before = set(desk.statics)
    assert saved(desk, "assets/site.css", "p { margin: 0 }\n") == ALL
    assert len(set(desk.statics) - before) == 1


def test_many_files_at_once_are_left_to_the_next_look(desk: PreviewSession) -> None:
    folder = SiteFolder(desk.project.root)
    for number in range(FEW + 1):
        folder.write(f"posts/p{number}.md", post(f"P {number}"))
    desk.look()
    for number in range(FEW + 1):
        folder.write(f"posts/p{number}.md", post(f"Other {number}"))
    assert desk.touch([desk.project.root / f"posts/p{number}.md" for number in range(FEW + 1)]) == PART
