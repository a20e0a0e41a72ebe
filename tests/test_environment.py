from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import jinja2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup, escape

from octavo.engine.facts import Fact, Facts, Reader, fact
from octavo.model.extensions import Extensions
from octavo.model.pages import Layout
from octavo.model.queries import Setting, Template
from octavo.templates import environment as template_environment
from octavo.templates.environment import LayoutFailure, PageSettings, Rendering, make_environment, rendering
from tests.sites import SiteFolder, post

MakeSite = Callable[[str], SiteFolder]


def rendered(
    texts: dict[str, str], names: dict[str, Any] | None = None, environment: jinja2.Environment | None = None
) -> tuple[str, Reader]:
    """The layout ``page`` of some layouts as a page, and the reader that it asked."""

    def layout(query: Template) -> Fact:
        text = texts.get(query.name)
        return fact(None if text is None else Layout(f"layouts/{query.name}", text))

    ask = Reader(Facts({Template: layout, Setting: lambda query: fact("https://test.example")}))
    token = rendering.set(Rendering(ask, "/page/", names or {}, PageSettings(ask)))
    try:
        environment = environment or make_environment(Extensions())
        return environment.get_template("page").render(names or {}), ask
    finally:
        rendering.reset(token)


def shown(value: Any) -> str:
    return rendered({"page": "{{ value }}"}, {"value": value})[0]


@given(st.one_of(st.text(), st.integers(), st.booleans(), st.floats(), st.text().map(Markup)))
def test_a_value_is_written_as_jinja_escapes_it(value: Any) -> None:
    assert shown(value) == str(escape(value))


@given(st.text(min_size=190, max_size=210))
def test_a_long_text_is_written_as_a_short_one_is(value: str) -> None:
    assert shown(value) == str(escape(value))


@pytest.mark.parametrize("value", [None, len, iter([1]), object()])
def test_what_is_no_text_for_readers_is_not_written(value: Any) -> None:
    with pytest.raises(LayoutFailure):
        shown(value)


def test_escaping_that_a_layout_turns_off_is_off() -> None:
    text, _ = rendered({"page": "{% autoescape false %}{{ '<' ~ x }}{% endautoescape %}{{ x }}"}, {"x": "<"})
    assert text == "<<&lt;"


def test_equal_moments_of_two_zones_are_each_written_in_their_own() -> None:
    moment = dt.datetime(2026, 11, 22, 12, tzinfo=dt.UTC)
    other = moment.astimezone(dt.timezone(dt.timedelta(hours=2)))
    assert moment == other
    text, _ = rendered({"page": "{{ a | iso }} {{ b | iso }}"}, {"a": moment, "b": other})
    assert text == "2026-11-22T12:00:00+00:00 2026-11-22T14:00:00+02:00"


@pytest.mark.parametrize("html", ["a <b>c</b> &amp; d", "x" * 2000 + "<i>y</i>"])
def test_tags_are_stripped_whatever_the_length(html: str) -> None:
    text, _ = rendered({"page": "{{ html | striptags }}"}, {"html": html})
    assert text == escape(Markup(html).striptags())


def test_functions_macros_and_what_takes_the_context_can_be_called() -> None:
    @jinja2.pass_context
    def wants_context(context: Any, suffix: str) -> str:
        return str(context["x"]) + suffix

    def ends() -> str:
        raise StopIteration

    macros = "{% macro m(x, y='-') %}<{{ x }}{{ y }}>{% endmacro %}{% macro around() %}({{ caller() }}){% endmacro %}"
    calls = "{{ m('&') }}{{ f('a') }}{{ g('!') }}{% call around() %}in{% endcall %}{{ end() is undefined }}"
    names = {"x": "X", "f": str.upper, "g": wants_context, "end": ends}
    assert rendered({"page": macros + calls}, names)[0] == "<&amp;->AX!(in)True"


def test_a_block_in_a_loop_and_what_takes_the_context_see_the_loop() -> None:
    @jinja2.pass_context
    def item(context: Any) -> str:
        return str(context["m"])

    page = "{% for n in [1, 2] %}{% block x scoped %}{{ n }}{% endblock %}{% set m = n %}{{ item() }}{% endfor %}"
    assert rendered({"page": page}, {"item": item})[0] == "1122"


def test_a_layout_used_many_times_on_a_page_is_asked_for_once_and_by_each_page() -> None:
    environment = make_environment(Extensions())
    texts = {
        "page": "{% for _ in range(3) %}{% include 'part' %}{% endfor %}{% import 'm' as a %}{% import 'm' as b %}",
        "part": "{% from 'm' import m %}{{ m() }}",
        "m": "{% include 'deep' %}{% macro m() %}.{% endmacro %}",
        "deep": "",
    }
    for _ in range(2):
        text, ask = rendered(texts, environment=environment)
        assert text == "..."
        assert list(ask.asked) == [Template(name) for name in ("page", "part", "m", "deep")]


@pytest.fixture
def compilations(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of layouts that are compiled, as they are."""
    names: list[str] = []
    real = template_environment._Environment.compile

    def counted(self: Any, source: Any, name: Any = None, filename: Any = None, raw: Any = False) -> Any:
        if not raw:
            names.append(name)
        return real(self, source, name, filename, raw)

    monkeypatch.setattr(template_environment._Environment, "compile", counted)
    monkeypatch.setattr(template_environment, "_codes", {})
    return names


def test_a_layout_is_compiled_once_and_again_when_it_changed(site: MakeSite, compilations: list[str]) -> None:
    folder = site("-- posts/a.md --\n" + post() + "-- layouts/post.html --\n<p>{{ post.title }}</p>\n")
    folder.built()
    assert len(compilations) == len(set(compilations))
    assert {"post.html", "base.html", "partials/card.html"} <= set(compilations)
    compilations.clear()
    folder.replace("posts/a.md", "Words", "Other words").built()
    assert compilations == []
    folder.replace("layouts/post.html", "<p>", "<p >").built()
    assert compilations == ["post.html"]
    assert folder.page("/posts/a/") == "<p >A post</p>\n"


def test_a_filter_of_constants_is_worked_out_again_when_it_changed(site: MakeSite) -> None:
    script = (
        "from octavo import Site\n\nsite = Site(__file__)\n\n\n@site.filter\ndef loud(text):\n    return text + '!'\n"
    )
    folder = site("-- posts/a.md --\n" + post() + "-- layouts/post.html --\n{{ 'hey' | loud }}\n")
    folder.write("build.py", script).built()
    assert folder.page("/posts/a/") == "hey!\n"
    folder.replace("build.py", "'!'", "'?'").built()
    assert folder.page("/posts/a/") == "hey?\n"


def test_a_problem_in_code_of_an_earlier_build_has_its_place(site: MakeSite) -> None:
    folder = site("-- posts/a.md --\n" + post() + "-- layouts/post.html --\n<p>\n{{ post.tags[0].name }}\n")
    first = folder.build()
    folder.replace("posts/a.md", "Words", "Other words")
    (found,) = folder.build().problems
    assert (found.where(), found.code) == ("layouts/post.html:2:14", "undefined")
    assert first.problems == (found,)
