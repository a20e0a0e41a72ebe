"""Battery, section C: layouts, build.py and settings that are wrong or hostile, each as a whole site.

Every build here also holds the rules of ``tests/battery.py``: nothing outside is touched, a failed build leaves the
output as it was, and each problem quotes the very line that it means.
"""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from collections.abc import Callable

import pytest

from octavo.base.diagnostics import to_text
from tests.battery import GuardedSite, Html, dead_addresses
from tests.sites import BASE, places, post

MakeSite = Callable[[str], GuardedSite]

POST = "layouts/post.html"

# Archives: the files of one case. Each has one problem, at one place, whatever the number of pages that meet it.

SYNTAX = {
    "C01 a layout": (f"-- {POST} --\n<p>\n{{{{ post.title }}\n", f"{POST}:2:15: syntax"),
    "C01 a partial": ("-- layouts/partials/card.html --\n<p>\n{% if %}\n", "layouts/partials/card.html:2:1: syntax"),
    "C01 the base": (
        "-- layouts/base.html --\n<p>\n  {% blok main %}{% endblock %}\n",
        "layouts/base.html:2:6: syntax",
    ),
    "C01 an unclosed block": (
        "-- layouts/base.html --\n{# {% block x %} #}{% block a %}{% endblock %}\n<p>{% block main %}\n<p>\n",
        "layouts/base.html:2:7: syntax",
    ),
    "C01 an unclosed loop": ("-- layouts/404.html --\n{% for x in [] %}\n\n", "layouts/404.html:1:4: syntax"),
    "C01 a wrong end": ("-- layouts/404.html --\n{% if x %}{% endfor %}\n", "layouts/404.html:1:14: syntax"),
    "C01 an unclosed quote": ("-- layouts/404.html --\n<p>\n<p>{{ 'x }}\n", "layouts/404.html:2:7: syntax"),
    "C01 a layout that nothing uses": ("-- layouts/unused.html --\n{{ }}\n", "layouts/unused.html:1:1: syntax"),
}

UNDEFINED = {
    "C02 a variable": (f"-- {POST} --\npots <b>{{{{ pots.title }}}}</b>\n", f"{POST}:1:12: undefined", "'posts'"),
    "C02 a function": (f"-- {POST} --\n{{{{ lates(3) }}}}\n", f"{POST}:1:4: undefined", "'latest'"),
    "C02 an attribute": (f"-- {POST} --\ntitel {{{{ post.titel }}}}\n", f"{POST}:1:15: undefined", "'title'"),
    "C02 a setting": (f"-- {POST} --\n{{{{ site.titel }}}}\n", f"{POST}:1:9: undefined", "'title'"),
    "C02 of a card": (f"-- {POST} --\n{{{{ latest()[0].minuets }}}}\n", f"{POST}:1:16: undefined", "'minutes'"),
    "C02 a filter": (f"-- {POST} --\n{{{{ post.title | uper }}}}\n", f"{POST}:1:17: undefined", "'upper'"),
    "C02 a test": (f"-- {POST} --\n{{% if post is strin %}}{{% endif %}}\n", f"{POST}:1:15: undefined", "'string'"),
    "C02 in a macro": (
        "-- layouts/m.html --\n{% macro m(x) %}\n{{ x.titel }}\n{% endmacro %}\n"
        f"-- {POST} --\n{{% from 'm.html' import m %}}\n{{{{ m(post) }}}}\n",
        "layouts/m.html:2:6: undefined",
        "'title'",
    ),
    "C02 an imported name": (
        "-- layouts/m.html --\n{% macro m(x) %}{% endmacro %}\n"
        f"-- {POST} --\n{{% from 'm.html' import n %}}\n{{{{ n() }}}}\n",
        f"{POST}:2:4: undefined",
        "spelt",
    ),
    "C02 of nothing": (
        "-- layouts/404.html --\n{{ post.title }}\n",
        "layouts/404.html:1:9: undefined",
        "test it first",
    ),
    "C02 a page of the site": (f"-- {POST} --\n{{{{ href('archiv') }}}}\n", f"{POST}:1:10: missing", "'archive'"),
}

LOOPS = {
    "C03 a layout includes itself": (
        f"-- {POST} --\n<p>\n{{% include 'post.html' %}}\n",
        f"{POST}:2:13",
        f"{POST} → {POST}",
    ),
    "C03 a partial includes itself": (
        f"-- layouts/p.html --\n{{% include 'p.html' %}}\n-- {POST} --\n{{% include 'p.html' %}}\n",
        "layouts/p.html:1:13",
        "layouts/p.html → layouts/p.html",
    ),
    "C03 two include each other": (
        "-- layouts/a.html --\n{% include 'b.html' %}\n-- layouts/b.html --\n<p>{% include 'a.html' %}\n"
        f"-- {POST} --\n{{% include 'a.html' %}}\n",
        "layouts/b.html:1:16",
        "layouts/a.html → layouts/b.html → layouts/a.html",
    ),
    "C03 a layout extends itself": (f"-- {POST} --\n{{% extends 'post.html' %}}\n", f"{POST}:1:13", f"{POST} → {POST}"),
    "C03 two extend each other": (
        f"-- {POST} --\n{{% extends 'a.html' %}}\n-- layouts/a.html --\n{{% extends 'post.html' %}}\n",
        "layouts/a.html:1:13",
        f"{POST} → layouts/a.html → {POST}",
    ),
    "C03 an import of itself": (
        f"-- layouts/a.html --\n{{% import 'a.html' as b %}}\n-- {POST} --\n{{% import 'a.html' as a %}}\n",
        "layouts/a.html:1:12",
        "layouts/a.html → layouts/a.html",
    ),
    "C03 a macro calls itself": (
        f"-- {POST} --\n{{% macro m(n) %}}\n{{{{ m(n + 1) }}}}\n{{% endmacro %}}\n{{{{ m(0) }}}}\n",
        f"{POST}:2:1",
        f"{POST} → {POST}",
    ),
}


@pytest.mark.parametrize("row", SYNTAX)
def test_a_layout_that_cannot_be_read_is_told_once(battery: MakeSite, row: str) -> None:
    archive, place = SYNTAX[row]
    report = battery(archive).build()
    assert (report.status, places(report.problems)) == (1, [place])


@pytest.mark.parametrize("row", UNDEFINED)
def test_what_a_layout_asks_for_in_vain_is_told_with_what_was_meant(battery: MakeSite, row: str) -> None:
    archive, place, meant = UNDEFINED[row]
    report = battery(archive).build()
    assert (report.status, places(report.problems)) == (1, [place])
    assert meant in report.problems[0].hint
    assert "filter" in row or report.problems[0].during in ("posts/alpha0.md", "/404.html")


def test_c02_a_block_that_no_ancestor_has_is_a_warning(battery: MakeSite) -> None:
    report = battery(f"-- {POST} --\n{{% extends 'base.html' %}}\n{{% block mian %}}x{{% endblock %}}\n").built()
    assert places(report.problems) == [f"{POST}:2:10: block"]
    assert "did you mean 'main'?" in report.problems[0].hint


@pytest.mark.parametrize("row", LOOPS)
def test_a_loop_of_layouts_is_told_with_its_links(battery: MakeSite, row: str) -> None:
    archive, place, chain = LOOPS[row]
    report = battery(archive).build()
    assert (report.status, places(report.problems)) == (1, [f"{place}: loop"])
    assert f"include loop: {chain}" in report.problems[0].message


def test_c03_a_loop_ends_soon_and_small_and_is_told_alike_in_every_process(battery: MakeSite) -> None:
    archive, place, _ = LOOPS["C03 two include each other"]
    folder = battery(archive)
    told = [to_text(problem) for problem in folder.build().problems]
    ran = folder.run()
    assert (ran.status, ran.places()) == (1, [f"{place}: loop"])
    assert ran.err.splitlines() == [line for text in told for line in text.splitlines()]
    assert ran.memory < 300_000_000


def test_c04_a_missing_layout_is_told_where_it_is_named(battery: MakeSite) -> None:
    report = battery("").write("posts/a.md", post(layout="pgae")).build()
    assert (report.status, places(report.problems)) == (1, ["posts/a.md:4:9: layout"])
    assert "did you mean 'page.html'?" in report.problems[0].hint


def test_c04_a_missing_layout_of_a_page_from_build_py(battery: MakeSite) -> None:
    folder = battery(
        "-- build.py --\nfrom octavo import Page, Site\n\nsite = Site(__file__)\n\n"
        "@site.pages\ndef own(ask):\n    yield Page('/own/', 'nope.html', 'custom')\n"
    )
    report = folder.build()
    assert (report.status, places(report.problems)) == (1, ["build.py: layout"])
    assert report.problems[0].during == "/own/"


FILTER = "-- build.py --\nfrom octavo import Site\n\nsite = Site(__file__)\n\n@site.filter\ndef odd(text):\n    {}\n"

RAISED = {
    "raise KeyError('x')": "KeyError: 'x'",
    "return 1 / 0": "ZeroDivisionError: division by zero",
    "return text + 1": "TypeError: ",
    "return text.nope": "AttributeError: ",
    "raise RecursionError": "RecursionError",
    "raise SystemError('x')": "SystemError: x",
}


@pytest.mark.parametrize("body", RAISED)
def test_c05_a_filter_that_fails_is_told_with_the_line_the_page_and_the_kind(battery: MakeSite, body: str) -> None:
    folder = battery(FILTER.format(body) + f"-- {POST} --\n<p>\n{{{{ post.title | odd }}}}\n")
    report = folder.build()
    (problem,) = report.problems
    assert (report.status, places((problem,))) == (1, [f"{POST}:2:1: render"])
    assert problem.message.startswith(RAISED[body])
    assert problem.during == "posts/alpha0.md"
    assert problem.hint == "it was raised in line 7 of build.py"


def test_c05_an_edit_of_build_py_counts_within_the_same_second(battery: MakeSite) -> None:
    folder = battery(FILTER.format("return 'one'") + f"-- {POST} --\n{{{{ post.title | odd }}}}\n")
    folder.built()
    assert folder.page("/posts/alpha0/") == "one\n"
    folder.replace("build.py", "'one'", "'two'").built()
    assert folder.page("/posts/alpha0/") == "two\n"


def test_c05_none_is_not_a_word_for_readers(battery: MakeSite) -> None:
    folder = battery(FILTER.format("return None") + f"-- {POST} --\n<p>\n{{{{ post.title | odd }}}}\n")
    assert places(folder.build().problems) == [f"{POST}:2:1: undefined"]
    folder.write(POST, "{% if post.title | odd %}{% else %}nothing{{ '' }}{% endif %}").built()
    assert folder.page("/posts/alpha0/") == "nothing"


def test_c05_a_division_by_zero_in_a_layout(battery: MakeSite) -> None:
    report = battery(f"-- {POST} --\n<p>\n{{{{ 1 // (words() - words()) }}}}\n").build()
    assert places(report.problems) == [f"{POST}:2:1: render"]
    assert report.problems[0].message.startswith("ZeroDivisionError: ")


SCRIPTS = {
    "not Python": ("def x(:\n", "build.py:1:7: build.py"),
    "raises": ("import os\n\n1 / 0\n", "build.py:3:1: build.py"),
    "imports what is not there": ("import nowhere_to_be_found\n", "build.py:1:1: build.py"),
    "makes no site": ("x = 1\n", "build.py: build.py"),
}


@pytest.mark.parametrize("case", SCRIPTS)
def test_c05_a_script_that_fails_is_told_at_its_line(battery: MakeSite, case: str) -> None:
    text, place = SCRIPTS[case]
    report = battery("").write("build.py", text).build()
    assert (report.status, places(report.problems)) == (1, [place])


# Loops without measure.

MEASURELESS = {
    "C06 a range": ("{% for i in range(10**12) %}x{% endfor %}", f"{POST}:1:13: limit"),
    "C06 a range past any machine": ("{% for i in range(10**40) %}x{% endfor %}", f"{POST}:1:13: limit"),
    "C06 ranges within ranges": (
        "{% for i in range(99999) %}\n{% for j in range(99999) %}{% endfor %}{% endfor %}",
        f"{POST}:2:13: limit",
    ),
    "C06 ranges in a macro": (
        "{% macro m() %}{% for i in range(99999) %}x{% endfor %}{% endmacro %}\n"
        "{% for i in range(99) %}{{ m() }}{% endfor %}",
        f"{POST}:1:28: limit",
    ),
    "C06 a page past the limit": (
        "{% set long = 'x' * 1000000 %}\n{% for i in range(1000) %}\n{{ long }}\n{% endfor %}",
        f"{POST}:3:1: limit",
    ),
}


@pytest.mark.parametrize("row", MEASURELESS)
def test_a_loop_without_measure_is_stopped(battery: MakeSite, row: str) -> None:
    text, place = MEASURELESS[row]
    folder = battery(f"-- {POST} --\n{text}\n")
    for name in ("alpha1", "alpha2"):
        folder.delete(f"posts/{name}.md")
    report = folder.build()
    assert (report.status, places(report.problems)) == (1, [place])


def test_c06_memory_stays_bounded_while_a_page_grows(battery: MakeSite) -> None:
    folder = battery(f"-- {POST} --\n{MEASURELESS['C06 a page past the limit'][0]}")
    ran = folder.run()
    assert (ran.status, ran.places()) == (1, [f"{POST}:3:1: limit"])
    assert ran.memory < 300_000_000


def test_c06_one_large_piece_is_an_index_and_no_loop(battery: MakeSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("octavo.templates.environment.LARGEST_PAGE", 10_000)
    folder = battery("-- layouts/404.html --\n{% set x = 'x' * 50000 %}\n{{ x }}\n")
    folder.write(POST, "<p>").write("layouts/home.html", "<p>").built()
    folder.write("layouts/404.html", "{% set x = 'x' * 6000 %}\n{{ x }}\n{{ x }}\n{{ x }}\n")
    assert places(folder.build().problems) == ["layouts/404.html:4:1: limit"]


# What layouts may not reach.


@pytest.mark.parametrize(
    "name", ["../secret", "../../canary", "/etc/passwd", "..", ".", "", "partials/../../canary", "a\\b"]
)
@pytest.mark.parametrize("tag", ["include", "extends", "import"])
def test_c07_a_layout_outside_the_folder_does_not_exist(battery: MakeSite, name: str, tag: str) -> None:
    end = " as x" if tag == "import" else ""
    report = battery(f"-- layouts/404.html --\n{{% set name = {name!r} %}}\n{{% {tag} name{end} %}}\n").build()
    assert (report.status, places(report.problems)) == (1, ["layouts/404.html:2:1: layout"])


def test_c07_a_link_that_leads_outside_is_refused(battery: MakeSite) -> None:
    folder = battery("-- layouts/404.html --\n{% include 'leak.html' %}\n")
    (folder.root / "layouts/leak.html").symlink_to("../../canary")
    assert places(folder.build().problems) == ["layouts/404.html:1:13: layout", "layouts/leak.html:1:1: link-file"]


@pytest.mark.parametrize("call", ["asset('../pyproject.toml')", "asset_text('/etc/passwd')", "data('../canary')"])
def test_c07_no_function_of_a_layout_leads_to_other_files(battery: MakeSite, call: str) -> None:
    report = battery(f"-- layouts/404.html --\n{{{{ {call} }}}}\n").build()
    assert report.status == 1
    assert [problem.code for problem in report.problems] == ["missing"]


# Escaping.

NASTY = "</script><b>\"'&"
ENDINGS = ("html", "htm", "xml", "j2", "jinja", "svg", "txt", "json", "html.j2", "HTML", "")


def test_c08_whatever_a_layout_is_called_what_it_writes_is_escaped(battery: MakeSite) -> None:
    names = [f"part.{ending}".rstrip(".") for ending in ENDINGS]
    uses = "{{ post.title }}<i title='{{ post.title }}'></i><script>var t = {{ post.title | tojson }}</script>"
    folder = battery("").write("posts/alpha0.md", post("'" + NASTY.replace("'", "''") + "'"))
    folder.write(POST, "".join(f"{{% include {name!r} %}}\n" for name in names) + uses)
    for name in names:
        folder.write(f"layouts/{name}", uses)
    folder.built()
    page = Html(folder.page("/posts/alpha0/"))
    assert not page.all("b")
    assert len(page.all("i", title=NASTY)) == len(names) + 1
    assert len(page.all("script")) == len(names) + 1
    assert all(json.loads(script.text.removeprefix("var t = ")) == NASTY for script in page.all("script"))


def test_c08_safe_is_the_layouts_own_word_for_html(battery: MakeSite) -> None:
    folder = battery(f"-- {POST} --\n{{{{ post.title | safe }}}}").write("posts/alpha0.md", post("'<b>bold</b>'"))
    folder.built()
    assert Html(folder.page("/posts/alpha0/")).one("b").text == "bold"


def test_c08_pages_of_build_py_are_escaped_too(battery: MakeSite) -> None:
    folder = battery(
        "-- build.py --\nfrom octavo import Page, Site\n\nsite = Site(__file__)\n\n@site.pages\ndef own(ask):\n"
        "    for name in ('x.txt', 'x.svg', 'x.htm'):\n        yield Page(f'/{name}', name, 'custom', title='<b>')\n"
    )
    for name in ("x.txt", "x.svg", "x.htm"):
        folder.write(f"layouts/{name}", "{{ page.title }}")
    folder.built()
    assert {folder.page(f"/{name}") for name in ("x.txt", "x.svg", "x.htm")} == {"&lt;b&gt;"}


# Layout files.

FILES: dict[str, tuple[bytes, str]] = {
    "binary": (bytes(range(1, 256)), f"{POST}:3:"),
    "NUL": (b"<p>\n\0</p>", f"{POST}:2:1: control"),
    "Latin-1": ("<p>\ncafé {{ post.title }}".encode("latin-1"), f"{POST}:2:4: encoding"),
    "UTF-16": ("<p>{{ post.title }}".encode("utf-16"), f"{POST}:1:1: encoding"),
}


@pytest.mark.parametrize("case", FILES)
def test_c09_a_layout_that_is_no_utf8_text_is_told(battery: MakeSite, case: str) -> None:
    data, place = FILES[case]
    report = battery("").write(POST, data).build()
    assert report.status == 1
    assert len(report.problems) == 1
    assert places(report.problems)[0].startswith(place)


def test_c09_a_byte_order_mark_is_no_part_of_a_layout(battery: MakeSite) -> None:
    folder = battery("").write(POST, "é {{ post.title }}".encode("utf-8-sig"))
    folder.built()
    assert folder.page("/posts/alpha0/") == "é Alpha 0"


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
def test_c09_lines_are_counted_as_an_editor_does(battery: MakeSite, ends: str) -> None:
    text = "one\u2028still one\x0c\x85\ntwo\n  {{ nope }}\n".replace("\n", ends)
    report = battery("").write(POST, text.encode("utf-8-sig")).build()
    assert places(report.problems) == [f"{POST}:3:6: undefined"]


def test_c09_an_empty_layout_makes_empty_pages(battery: MakeSite) -> None:
    folder = battery("").write("layouts/404.html", b"")
    folder.built()
    assert folder.page("/404.html") == ""


# Settings.

SETTINGS = {
    "an unknown key": ('[tool.octavo]\ntitel = "x"\n', "pyproject.toml:2:1: settings"),
    "a wrong type": ('[tool.octavo]\npaginate = "ten"\n', "pyproject.toml:2:12: settings"),
    "a key twice": ('[tool.octavo]\ntitle = "a"\ntitle = "b"\n', "pyproject.toml:3:1: toml"),
    "not TOML": ("[tool.octavo]\ntitle = \n", "pyproject.toml:2:9: toml"),
    "no scheme": ('[tool.octavo]\nbase_url = "name.example"\n', "pyproject.toml:2:12: settings"),
    "javascript": ('[tool.octavo]\nbase_url = "javascript:alert(1)"\n', "pyproject.toml:2:12: settings"),
    "no host": ('[tool.octavo]\nbase_url = "https:///blog"\n', "pyproject.toml:2:12: settings"),
    "a query": ('[tool.octavo]\nbase_url = "https://name.example/?x"\n', "pyproject.toml:2:12: settings"),
    "dots": ('[tool.octavo]\nbase_url = "https://name.example/a/../b"\n', "pyproject.toml:2:12: settings"),
    "markup": ("[tool.octavo]\nbase_url = 'https://name.example/\"><b>'\n", "pyproject.toml:2:12: settings"),
}


@pytest.mark.parametrize("case", SETTINGS)
def test_c10_wrong_settings_are_told_at_their_place_with_status_2(battery: MakeSite, case: str) -> None:
    text, place = SETTINGS[case]
    report = battery("").write("pyproject.toml", text).build()
    assert report.status == 2
    assert [where for where in places(report.problems) if not where.endswith(": base_url")] == [place]


@pytest.mark.parametrize("text", [None, "", "[project]\nname = 'x'\n", "[tool.octavo]\n"])
def test_c10_a_site_without_settings_is_built_with_one_warning(battery: MakeSite, text: str | None) -> None:
    folder = battery("")
    folder.delete("pyproject.toml") if text is None else folder.write("pyproject.toml", text)
    report = folder.built()
    assert places(report.problems) == ["pyproject.toml: base_url"]
    assert not {"feed.xml", "feed.json", "sitemap.xml"} & set(folder.output())
    assert Html(folder.page("/")).one("title").text == "site"
    assert dead_addresses(folder.output()) == []


def test_c10_settings_that_are_no_text_are_told(battery: MakeSite) -> None:
    folder = battery("").write("pyproject.toml", b'[tool.octavo]\ntitle = "caf\xe9"\n')
    assert "pyproject.toml:2:13: encoding" in places(folder.build().problems)


BASES = {
    "https://name.example": "https://name.example",
    "https://name.example/": "https://name.example",
    "https://name.example/blog": "https://name.example/blog",
    "https://name.example/blog/": "https://name.example/blog",
    "http://localhost:8000/a/b": "http://localhost:8000/a/b",
    "https://Name.Example/%C3%BC": "https://name.example/%C3%BC",
}


@pytest.mark.parametrize("written", BASES)
def test_c10_every_address_is_below_the_base_url(battery: MakeSite, written: str) -> None:
    base = BASES[written]
    folder = battery("").write("pyproject.toml", BASE.replace("https://test.example", written))
    folder.write("posts/alpha0.md", post("Alpha 0", body="[to one](alpha1.md), [home](/), [down](#end)\n\n## End\n"))
    folder.write("posts/with/index.md", post("With", image="a.png", body="![a](a.png)", aliases="[/old/]"))
    folder.write("posts/with/a.png", b"x")
    folder.built()
    entries = ET.fromstring(folder.page("/feed.xml")).findall("{http://www.w3.org/2005/Atom}entry")
    ids = {entry.findtext("{http://www.w3.org/2005/Atom}id") for entry in entries}
    assert f"{base}/posts/alpha0/" in ids
    assert all((link or "").startswith(f"{base}/") for link in ids)
    locations = [location.text or "" for location in ET.fromstring(folder.page("/sitemap.xml")).iter() if location.text]
    assert f"{base}/" in locations
    assert f"{base}/posts/alpha0/" in locations
    assert f"Sitemap: {base}/sitemap.xml" in folder.page("/robots.txt")
    assert (
        Html(folder.page("/posts/alpha0/")).one("link", rel="canonical").attributes["href"] == f"{base}/posts/alpha0/"
    )
    assert dead_addresses(folder.output(), base.replace("%C3%BC", "ü")) == []
