"""Settings: what pyproject.toml may say, and where each thing that is wrong stands."""

from __future__ import annotations

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavo.base.diagnostics import Diagnostic
from octavo.model.settings import MenuItem, Permalinks, RelatedSettings, Settings, Support
from octavo.project import config


def settings(body: str, **overrides: str) -> Settings:
    """The settings of a site whose ``[tool.octavo]`` holds this; there must be nothing wrong with it."""
    read, problems = config.read_settings(f"[tool.octavo]\n{body}\n", "folder", overrides)
    assert problems == ()
    return read


def problems(body: str) -> list[str]:
    """``line:column: message`` of each problem; the first line of ``body`` is line 2."""
    _, found = config.read_settings(f"[tool.octavo]\n{body}\n", "folder")
    return [shown(problem) for problem in found]


def shown(problem: Diagnostic) -> str:
    assert problem.path == "pyproject.toml" and problem.is_error and problem.span is not None
    assert problem.span.text or problem.code == "toml"
    return f"{problem.span.line}:{problem.span.column}: {problem.message}"


def hint(body: str) -> str:
    _, found = config.read_settings(f"[tool.octavo]\n{body}\n", "folder")
    (problem,) = found
    return problem.hint


@pytest.mark.parametrize("text", [None, "", "[project]\nname = 'x'\n", "[tool.octavo]\n"])
def test_a_site_without_settings_is_called_as_its_folder(text: str | None) -> None:
    read, found = config.read_settings(text, "my blog")
    assert (read, found) == (Settings(title="my blog"), ())


@pytest.mark.parametrize(
    ("name", "title"), [("", "Untitled"), ("a\nb", "a b"), ("caf\udce9", "caf\N{REPLACEMENT CHARACTER}")]
)
def test_any_folder_has_a_name_that_can_be_shown(name: str, title: str) -> None:
    assert config.read_settings(None, name)[0].title == title


def test_every_setting_is_read() -> None:
    read = settings(
        """
title = "Zoë & Co"
description = '''
About
  frameworks'''
base_url = "https://Name.Example/blog/"
language = "pt-BR"
timezone = "Europe/Berlin"
author = "Zoë"
menu = [{title = "About", url = "/about/"}, {title = "Code", url = "https://code.example/x?y#z"}]
paginate = 5
feed_length = 6
latest = 0
related = {count = 8, keep_linked = true, reach_all = true}
excerpt = 90
raw_html = "sanitize"
permalinks.posts = "/{year}/{slug}.html"
permalinks.paginated = "p{number}/"
[tool.octavo.support]
message = "Please"
url = "mailto:me@name.example"
label = "Help"
"""
    )
    assert read == Settings(
        title="Zoë & Co",
        description="About frameworks",
        base_url="https://name.example/blog",
        language="pt-BR",
        timezone="Europe/Berlin",
        author="Zoë",
        menu=(MenuItem("About", "/about/"), MenuItem("Code", "https://code.example/x?y#z")),
        permalinks=Permalinks(posts="/{year}/{slug}.html", paginated="p{number}/"),
        paginate=5,
        feed_length=6,
        latest=0,
        related=RelatedSettings(8, keep_linked=True, reach_all=True),
        excerpt=90,
        raw_html="sanitize",
        support=Support("Please", "mailto:me@name.example", "Help"),
    )


def test_the_fields_are_those_of_the_model() -> None:
    def names(kind: type) -> list[str]:
        return sorted(field.name for field in fields(kind))

    table = {known.name: known.fields for known in config.FIELDS if known.name != "permalink"}
    assert sorted(table) == names(Settings)
    assert sorted(known.name for known in table["permalinks"]) == names(Permalinks)
    assert sorted(known.name for known in table["support"]) == names(Support)
    assert sorted(known.name for known in table["related"]) == names(RelatedSettings)
    assert sorted(known.name for known in table["menu"]) == names(MenuItem)


def test_every_default_is_a_value_that_may_be_written() -> None:
    lines = []
    for row in config.settings_table():
        if row.default:
            plain = row.default.isdigit() or row.default.startswith("[") or row.default == "false"
            lines.append(f"{row.name} = {row.default if plain else repr(row.default)}")
    read = settings("\n".join([*lines, "support.message = 'x'"]))
    assert read == Settings(title="folder", support=Support("x"))


def test_the_docs_can_print_every_setting() -> None:
    rows = {row.name: row for row in config.settings_table()}
    assert rows["paginate"].default == "10" and rows["paginate"].type == "whole number, 1 to 10000"
    assert rows["permalinks.tag"].default == "/tags/{slug}/"
    assert all(row.meaning and row.type for row in rows.values())
    assert {"menu", "permalink", "support.label"} < rows.keys()


# base_url


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("", ""),
        ("https://name.example", "https://name.example"),
        ("https://name.example/", "https://name.example"),
        ("HTTP://name.example:8000/a/b/", "http://name.example:8000/a/b"),
        ("https://name.example/blög", "https://name.example/bl%C3%B6g"),
        ("https://name.example/bl%C3%B6g", "https://name.example/bl%C3%B6g"),
        ("http://[::1]:80/", "http://[::1]:80"),
        ("http://localhost", "http://localhost"),
    ],
)
def test_base_url_has_a_scheme_a_host_and_no_slash_at_its_end(written: str, read: str) -> None:
    assert settings(f"base_url = '{written}'").base_url == read


@pytest.mark.parametrize(
    "written",
    [
        "name.example",
        "/blog",
        "//name.example",
        "javascript:alert(1)",
        "ftp://name.example",
        "https://",
        "https:///blog",
        "https://name.example/?a",
        "https://name.example/#a",
        "https://name.example?",
        "https://name.example/a b",
        'https://name.example/"><script>',
        "https://me:secret@name.example",
        "https://name.example:port",
        "https://name.example/../x",
        "https://name.example/%2e%2e/x",
        "https://name.example/..%2fx",
        "https://name.example/a//b",
        "https://name.example/%zz",
        "https://na_me!.example",
        "https://[::1",
        "https://zoë.example",
    ],
)
def test_base_url_that_cannot_be_is_an_error_at_its_value(written: str) -> None:
    (problem,) = problems(f"title = 'T'\nbase_url = '{written}'")
    assert problem.startswith("3:12: 'base_url' ")
    assert config.read_settings(f"[tool.octavo]\nbase_url = '{written}'\n", "folder")[0].base_url == ""


def test_base_url_with_letters_beyond_ascii_is_told_how_to_write_its_host() -> None:
    (problem,) = problems("base_url = 'https://zoë.example'")
    assert problem == "2:12: 'base_url' must name the host in ASCII: xn--zo-ija.example"


# Places


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("titel = 'x'", "2:1: there is no setting 'titel'"),
        ("  'titel'= 'x'", "2:3: there is no setting 'titel'"),
        ("title = 5", "2:9: 'title' must be text, not a whole number"),
        ("title = true", "2:9: 'title' must be text, not a truth value"),
        ("title = 2024-01-05 10:00:00 # when", "2:9: 'title' must be text, not a date or time"),
        ("title = ' '", "2:9: 'title' is empty"),
        (r'title = "a\u0000b"', "2:9: 'title' holds the control character U+0000"),
        ("paginate = '10'", "2:12: 'paginate' must be a whole number, not text"),
        ("paginate = 10.0", "2:12: 'paginate' must be a whole number, not a number"),
        ("paginate = true", "2:12: 'paginate' must be a whole number, not a truth value"),
        ("paginate = 0", "2:12: 'paginate' must be from 1 to 10000"),
        ("raw_html = 'alow'", "2:12: 'raw_html' must be 'allow', 'sanitize' or 'error'"),
        ("language = 'en_GB'", "2:12: 'en_GB' is not a language tag"),
        ("timezone = 'Europe/Berlim'", "2:12: 'Europe/Berlim' is not a time zone"),
        ("timezone = '../UTC'", "2:12: '../UTC' is not a time zone"),
        ("timezone = 'Europe'", "2:12: 'Europe' is not a time zone"),
        ("timezone = 'localtime'", "2:12: 'localtime' is not a time zone"),
        ("timezone = ''", "2:12: '' is not a time zone"),
        ("menu = 'About'", "2:8: 'menu' must be an array of tables, not text"),
        ("menu = [\n  'a',\n]", "3:3: an entry of the menu must be a table, not text"),
        ("menu = [{title = 'A'}]", "2:9: an entry of the menu has no 'url'"),
        ("menu = [{title = 'A', url = '/a/', uri = 1}]", "2:36: there is no setting 'uri'"),
        ("menu = [{title = 'A', url = 'javascript:x'}]", "2:29: 'menu.0.url' is neither a path of this site nor"),
        ("[[tool.octavo.menu]]\ntitle='A'\nurl='/'\n[[tool.octavo.menu]]\ntitle='B'\nurl='b'", "7:5: 'menu.1.url' "),
        ("[[tool.octavo.menu]]\ntitle = 'A'", "2:1: an entry of the menu has no 'url'"),
        ("permalinks = '/x/'", "2:14: 'permalinks' must be a table, not text"),
        ("permalinks.post = '/{slug}/'", "2:12: there is no setting 'post'"),
        ("[tool.octavo.permalinks]\n\"tag\" = '/t/'", "3:9: 'permalinks.tag' needs {slug}, or all"),
        ("related = '4'", "2:11: 'related' must be a whole number or a table, not text"),
        ("related = false", "2:11: 'related' must be a whole number or a table, not a truth value"),
        ("related = 101", "2:11: 'related' must be from 0 to 100"),
        ("related.count = -1", "2:17: 'related.count' must be from 0 to 100"),
        ("related = {keep_linked = 1}", "2:26: 'related.keep_linked' must be true or false"),
        ("[tool.octavo.related]\ncounts = 1", "3:1: there is no setting 'counts'"),
        ("support = {message = 'x', urls = '/'}", "2:27: there is no setting 'urls'"),
        ("[tool.octavo.support]\nlabel = 'x'", "2:1: 'support' has no message"),
        ("support . label = 'x'", "2:19: 'support' has no message"),
        ("permalink = '/{slug}/'\npermalinks.posts = '/{path}/'", "2:13: 'permalink' and 'permalinks.posts' say"),
        ('description = """\n[tool.octavo]\ntitel = 1"""\nlanguage = "?"', "5:12: '?' is not a language tag"),
    ],
)  # fmt: skip
def test_a_problem_stands_at_its_key_or_value(body: str, expected: str) -> None:
    (problem,) = problems(body)
    assert problem.startswith(expected)


def test_the_number_of_related_posts_may_stand_alone() -> None:
    settings, problems = config.read_settings("[tool.octavo]\nrelated = 0\n", "folder")
    assert (settings.related, problems) == (RelatedSettings(0), ())


@pytest.mark.parametrize(
    ("body", "width"),
    [
        ("paginate = 0  # none", 1),
        ("titel = 1", 5),
        ("title = [1, 'ü'] # x", 8),
        ("title = [\n1]", 1),
        ("title = 1\t", 1),
    ],
)
def test_a_problem_is_as_wide_as_its_key_or_value(body: str, width: int) -> None:
    _, (problem,) = config.read_settings(f"[tool.octavo]\n{body}\n", "folder")
    assert problem.span is not None and problem.span.width == width


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("titel = 'x'", "did you mean 'title'?"),
        ("base-url = 'x'", "did you mean 'base_url'?"),
        ("Title = 'x'", "did you mean 'title'?"),
        ("timezone = 'Europe/Berlim'", "did you mean 'Europe/Berlin'?"),
        ("timezone = 'Berlin'", "did you mean 'Europe/Berlin'?"),
        ("timezone = 'new york'", "did you mean 'America/New_York'?"),
        ("language = 'en_GB.UTF-8'", "did you mean 'en-GB'?"),
        ("raw_html = 'sanitise'", "did you mean 'sanitize'?"),
        ("permalink = '/{slag}/'", "did you mean 'slug'?"),
    ],
)
def test_a_hint_names_what_was_meant(body: str, expected: str) -> None:
    assert hint(body) == expected


def test_all_problems_are_told_in_one_run_and_defaults_stand_in() -> None:
    text = "[tool.octavo]\nauthor = 1\nlanguage = 'e'\ntitel = ''\npaginate = 7\n[tool.octavo.permalinks]\ntag = 'x'\n"
    read, found = config.read_settings(text, "folder")
    assert [problem.span.line for problem in found if problem.span] == [2, 3, 4, 7]
    assert read == Settings(title="folder", paginate=7)


def test_tool_octavo_must_be_a_table() -> None:
    _, (problem,) = config.read_settings("[tool]\noctavo = 'x'\n", "folder")
    assert shown(problem) == "2:10: 'tool.octavo' must be a table"


# Patterns


@pytest.mark.parametrize(
    "pattern",
    ["/{path}/", "/{year}/{month}/{day}/{slug}/", "/{section}/{slug}.html", "/blög/{slug}/", "/{slug}/p.html"],
)
def test_a_permalink_may_be_any_path_of_known_tokens(pattern: str) -> None:
    assert settings(f"permalink = '{pattern}'").permalinks == Permalinks(posts=pattern)


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "/",
        "{slug}/",
        "/{slug}",
        "/{title}/",
        "/{}/",
        "/{slug/",
        "/slug}/",
        "/{year}/",
        "/../{slug}/",
        "/a/../{slug}/",
        "/./{slug}/",
        "//{slug}/",
        "/a//{slug}/",
        "/{slug}/?x",
        "/{slug}/#x",
        "/%2e%2e/{slug}/",
        r"/..\{slug}/",
        "/a b/{slug}/",
        "https://name.example/{slug}/",
    ],
)
def test_a_permalink_that_cannot_be_is_an_error_at_its_value(pattern: str) -> None:
    (problem,) = problems(f"permalink = '{pattern}'")
    assert problem.startswith("2:13: 'permalink' ")


def test_a_continued_path_is_relative_and_the_others_are_not() -> None:
    assert problems("permalinks.paginated = '/page/{number}/'") == [
        "2:24: 'permalinks.paginated' must not begin with '/'"
    ]
    assert problems("permalinks.atom = 'feed.xml'") == ["2:19: 'permalinks.atom' must begin with '/'"]


# Links and language tags


@pytest.mark.parametrize(
    "url", ["/", "/a/b/", "/ä.html", "https://x.example", "http://x.example/a#b", "mailto:a@b.example"]
)
def test_a_menu_leads_to_a_page_or_an_address(url: str) -> None:
    assert settings(f"menu = [{{title = 'A', url = '{url}'}}]").menu == (MenuItem("A", url),)


@pytest.mark.parametrize(
    "url", ["a/", "//x.example", "/a/../b", "/%2e%2e/", "/a b", "/a?b", "https://", "data:x", "mailto:", "/\\x"]
)
def test_a_menu_leads_nowhere_else(url: str) -> None:
    (problem,) = problems(f"menu = [{{title = 'A', url = '{url}'}}]")
    assert problem.startswith("2:29: 'menu.0.url' ")


@pytest.mark.parametrize(
    "tag", ["en", "de-CH-1996", "zh-Hant-TW", "sr-Latn", "es-419", "sl-rozaj-biske", "x-own", "en-u-co-phonebk"]
)
def test_language_tags_have_the_shape_of_bcp_47(tag: str) -> None:
    assert settings(f"language = '{tag}'").language == tag


@pytest.mark.parametrize("tag", ["", "e", "englishlanguage", "en-", "-en", "en--GB", "en GB", 'en"><x', "ен"])
def test_other_words_are_no_language_tags(tag: str) -> None:
    assert len(problems(f"language = '''{tag}'''")) == 1


# Overrides


def test_the_command_line_wins_and_is_checked_alike() -> None:
    assert settings("base_url = 'https://a.example'", base_url="https://b.example/").base_url == "https://b.example"
    assert settings("paginate = 3", paginate="4").paginate == 4
    read, (problem,) = config.read_settings(None, "folder", {"base_url": "b.example"})
    assert (problem.path, problem.span, problem.is_error, read.base_url) == ("--base-url", None, True, "")


# Syntax


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[tool.octavo]\ntitle = \"x\n", "2:11: not valid TOML: illegal character"),
        ("[tool.octavo]\ntitle = x\n", "2:9: not valid TOML: invalid value"),
        ("[tool.octavo\n", "1:13: not valid TOML: expected ']'"),
        ("a = 1\n[tool.octavo]\ntitle = '''x\n\n\n", "3:9: not valid TOML: this ' is not closed"),
        ("[tool.octavo]\nmenu = [\n 1,\n", "2:8: not valid TOML: this [ is not closed"),
        ("[tool.octavo]\ntitle =", "2:8: not valid TOML: invalid value"),
        ("[tool.octavo]\ntitle = 'x'\n\ntitle = 'y'\n", "4:1: 'title' is already in line 2"),
        ("[tool.octavo]\nmenu = [{title = 'a', title = 'b'}]\n", "2:23: 'menu.0.title' is already in line 2"),
        ("[tool.octavo]\n[tool.x]\n[tool.octavo]\n", "3:7: 'tool.octavo' is already in line 1"),
        ("[tool.octavo]\r\ntitle = 'x'\r\ntitle = 'y'\r\n", "3:1: 'title' is already in line 2"),
        ("[tool.octavo]\nsupport = {\n", "2:12: not valid TOML: "),
    ],
)  # fmt: skip
def test_text_that_is_not_toml_is_one_problem_at_its_place(text: str, expected: str) -> None:
    read, (problem,) = config.read_settings(text, "folder")
    assert shown(problem).startswith(expected)
    assert problem.code == "toml" and read == Settings(title="folder")


def test_a_number_that_no_machine_reads_is_an_error() -> None:
    _, (problem,) = config.read_settings("[tool.octavo]\npaginate = 1" + "0" * 5000, "folder")
    assert problem.message == "a number in the file has too many digits"


def test_deep_nesting_is_an_error_and_no_crash() -> None:
    _, (problem,) = config.read_settings("[tool.octavo]\nmenu = " + "[" * 50_000, "folder")
    assert problem.message == "the file is nested too deeply"


@given(st.text(alphabet="[]{}=.,\"'#\\ \nab1", max_size=60))
def test_no_text_confuses_the_settings(text: str) -> None:
    _, found = config.read_settings(text, "folder")
    assert len(found) <= 1
