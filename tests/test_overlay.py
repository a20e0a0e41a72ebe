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
def session(site: Site) -> Iterator[PreviewSession]:
    folder = site(SITE)
    cache = folder.root / ".octavo/preview"
    with Project(folder.root, Options(output=str(cache / "site"), cache=str(cache), jobs=1)) as project:
        session = PreviewSession(project)
        session.refresh()
        yield session


def saved(session: PreviewSession, path: str, text: str) -> Touched:
    SiteFolder(session.project.root).write(path, text)
    return session.apply_changes([session.project.root / path])


def test_a_body_is_answered_anew_and_nothing_else(session: PreviewSession) -> None:
    card = session.facts.digest(CardOf("posts/a.md"))
    assert saved(session, "posts/a.md", post("A", body="Other words, and none in the beginning.")) == ALL
    page = session.render_page("/posts/a/")
    assert page is not None
    assert b"Other words" in page.content
    assert session.ask(BodyOf("posts/a.md")).words == 7
    assert session.ask(PostAt("posts/a.md")).title == "A"
    assert saved(session, "posts/a.md", post("A", body="Words of a.") + "\n") == ALL
    assert session.facts.digest(CardOf("posts/a.md")) == card


def test_a_title_is_answered_anew_in_lists_as_well(session: PreviewSession) -> None:
    assert saved(session, "posts/a.md", post("Zebra", body="Words of a.")) == ALL
    assert session.ask(PostAt("posts/a.md")).title == "Zebra"
    assert [card.title for card in session.ask(Latest(2))] == ["B", "Zebra"]
    assert saved(session, "posts/a.md", post("A", body="Words of a.")) == ALL
    assert [card.title for card in session.ask(Latest(2))] == ["B", "A"]


def test_what_is_as_it_was_is_nothing_new(session: PreviewSession) -> None:
    assert session.apply_changes([session.project.root / "posts/a.md"]) == NOTHING
    assert session.apply_changes([session.project.root / "posts/.a.md.swp"]) == NOTHING
    assert session.apply_changes([]) == NOTHING


@pytest.mark.parametrize(
    "text",
    [
        post("A", slug="other", body="Words of a."),
        post("A", draft="true", body="Words of a."),
        "---\ntitle: A\ndate: yesterday\n---\n",
        "",
    ],
)
def test_another_address_and_a_broken_post_are_left_to_the_next_look(session: PreviewSession, text: str) -> None:
    before = session.facts
    assert saved(session, "posts/a.md", text) == PART
    assert session.facts is before


def test_a_file_that_is_new_or_gone_is_left_to_the_next_look(session: PreviewSession) -> None:
    assert saved(session, "posts/new.md", post("New")) == PART
    (session.project.root / "posts/b.md").unlink()
    assert session.apply_changes([session.project.root / "posts/b.md"]) == PART


def test_layouts_and_style_are_taken_in(session: PreviewSession) -> None:
    text = "{% extends 'base.html' %}{% block main %}Layout{% endblock %}"
    assert saved(session, "layouts/post.html", text) == ALL
    page = session.render_page("/posts/a/")
    assert page is not None
    assert b"Layout" in page.content
    before = set(session.statics)
    assert saved(session, "assets/site.css", "p { margin: 0 }\n") == ALL
    assert len(set(session.statics) - before) == 1


def test_many_files_at_once_are_left_to_the_next_look(session: PreviewSession) -> None:
    folder = SiteFolder(session.project.root)
    for number in range(FEW + 1):
        folder.write(f"posts/p{number}.md", post(f"P {number}"))
    session.refresh()
    for number in range(FEW + 1):
        folder.write(f"posts/p{number}.md", post(f"Other {number}"))
    assert session.apply_changes([session.project.root / f"posts/p{number}.md" for number in range(FEW + 1)]) == PART
