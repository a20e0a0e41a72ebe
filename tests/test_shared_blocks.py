"""What is alike on all pages is rendered once, and every page depends on it as if it had rendered it by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jinja2
import pytest

from octavo.engine.facts import Ask, Fact, Facts, Reader, fact
from octavo.model.extensions import Extension, Extensions
from octavo.model.pages import Layout
from octavo.model.queries import Setting, Template
from octavo.templates import context as layout_context
from octavo.templates import shared_blocks
from octavo.templates.environment import PageSettings, Rendering, make_environment, rendering
from tests.sites import SiteFolder, post

MakeSite = Callable[[str], SiteFolder]


class Pages:
    """Pages with one layout, ``page``, whose names ``href`` and ``site`` tell which settings they ask for."""

    def __init__(self, texts: dict[str, str], extensions: Extensions | None = None) -> None:
        self.calls: list[str] = []

        def layout(query: Template) -> Fact:
            text = texts.get(query.name)
            return fact(None if text is None else Layout(f"layouts/{query.name}", text))

        self._facts = Facts({Template: layout, Setting: lambda query: fact(f"<{query.name}>")})
        self._environment = make_environment(extensions or Extensions())

    def _alone(self, ask: Ask) -> Rendering:
        def href(name: str) -> Any:
            self.calls.append(name)
            return ask(Setting(name))

        return Rendering(ask, "", {"href": href, "site": {"title": "T"}}, PageSettings(ask))

    def text(self, **names: Any) -> tuple[str, list[str]]:
        """A page, and the settings that it asked for."""
        ask = Reader(self._facts)
        common = self._alone(ask)
        page = Rendering(ask, "/page/", {**common.names, **names}, common.settings, alone=self._alone)
        token = rendering.set(page)
        try:
            text = self._environment.get_template("page").render(page.names)
        finally:
            rendering.reset(token)
        return text, [query.name for query in ask.asked if isinstance(query, Setting)]


def test_a_part_is_rendered_once_and_all_pages_have_asked_what_it_asked() -> None:
    pages = Pages({"page": "{{ page }}:{{ href('a') }}{% if 1 %}{{ href('b') }}{% endif %}{{ page }}"})
    assert pages.text(page="1") == ("1:&lt;a&gt;&lt;b&gt;1", ["a", "b"])
    assert pages.text(page="2") == ("2:&lt;a&gt;&lt;b&gt;2", ["a", "b"])
    assert pages.calls == ["a", "b"]


def test_the_branches_of_what_a_page_decides_are_parts() -> None:
    pages = Pages(
        {"page": "{% if x == 1 %}{{ href('a') }}{% elif x %}{{ href('b') }}{% else %}{{ href('c') }}{% endif %}"}
    )
    assert [pages.text(x=x) for x in (1, 2, 0)] * 2 == [pages.text(x=x) for x in (1, 2, 0, 1, 2, 0)]
    assert pages.text(x=2) == ("&lt;b&gt;", ["b"])
    assert pages.calls == ["a", "b", "c"]


@pytest.mark.parametrize(
    "layout",
    [
        "{{ href(page) }}",
        "{% set site = page %}{{ href(site) }}",
        "{% for site in [page] %}{{ href(site) }}{% endfor %}",
        "{% with site = page %}{{ href(site) }}{% endwith %}",
        "{% macro site() %}{{ page }}{% endmacro %}{{ href(site() | string) }}",
        "{% set site = page %}{% include 'part' %}",
        "{% for site in [page] %}{% include 'part' %}{% endfor %}",
        "{% from 'm' import page as site with context %}{{ href(site) }}",
        "{{ href('' | page_name) }}",
        "{% set at = href(page) %}{{ at }}",
    ],
)
def test_what_uses_the_page_is_rendered_for_each(layout: str) -> None:
    @jinja2.pass_context
    def page_name(context: Any, text: str) -> str:
        return str(context["page"])

    texts = {"page": layout, "part": "{{ href(site) }}", "m": "{% set page = page %}"}
    pages = Pages(texts, Extensions(filters=(Extension("page_name", b"", page_name),)))
    assert pages.text(page="1") == ("&lt;1&gt;", ["1"])
    assert pages.text(page="2") == ("&lt;2&gt;", ["2"])


def test_loops_and_values_of_their_own_may_be_within_a_part() -> None:
    pages = Pages({"page": "{% for n in ['a', 'b'] %}{{ loop.index }}{{ href(n) | upper }}{% endfor %}"})
    assert pages.text() == pages.text() == ("1&lt;A&gt;2&lt;B&gt;", ["a", "b"])
    assert pages.calls == ["a", "b"]


def test_parts_of_a_layout_and_of_that_which_it_extends_are_told_apart() -> None:
    pages = Pages(
        {
            "page": "{% extends 'base' %}{% block x %}{{ super() }}{{ href('page') }}{% endblock %}",
            "base": "{{ href('base') }}{% block x %}{{ href('x') }}{% endblock %}",
        }
    )
    for _ in range(2):
        assert pages.text()[0] == "&lt;base&gt;&lt;x&gt;&lt;page&gt;"
    assert pages.calls == ["base", "x", "page"]


def test_the_names_that_are_alike_are_those_of_the_site() -> None:
    context = layout_context.SiteContext(Reader(Facts({})))
    assert context.names().keys() == shared_blocks.NAMES


def test_a_failure_in_such_a_part_has_its_place_and_its_page(site: MakeSite) -> None:
    folder = site("-- posts/a.md --\n" + post() + "-- layouts/partials/footer.html --\n<p>\n{{ href('nowhere') }}\n")
    found = {(each.where(), each.code) for each in folder.build().problems}
    assert found == {("layouts/partials/footer.html:2:10", "missing")}


def test_all_pages_follow_what_such_a_part_shows(site: MakeSite) -> None:
    folder = site(
        "-- posts/a.md --\n"
        + post()
        + "-- assets/own.js --\none\n-- layouts/partials/footer.html --\n{{ script('own.js') }}\n"
    )
    folder.built()
    assert "one" in folder.page("/posts/a/")
    report = folder.replace("assets/own.js", "one", "two").built()
    assert "two" in folder.page("/posts/a/")
    assert "/posts/a/" in report.rendered
    assert "/" in report.rendered
