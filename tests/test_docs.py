"""The docs say what the code does: examples are built, tables compared, outputs made again, links followed."""

from __future__ import annotations

import argparse
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from importlib import import_module
from itertools import pairwise
from operator import attrgetter
from pathlib import Path
from typing import Any, get_args
from urllib.parse import unquote

import pytest
from markdown_it import MarkdownIt

import octavo
from octavo.base.diagnostics import to_text
from octavo.base.source_text import SourceText
from octavo.cli import arguments
from octavo.cli.commands import related_dict
from octavo.cli.report_text import print_summary, report_dict
from octavo.content import front_matter, schema
from octavo.content.markdown.parser import make_parser
from octavo.model.extensions import Extensions
from octavo.model.pages import PageKind
from octavo.model.related import Reason, Relation
from octavo.project import config, errors
from octavo.project.build_report import Report
from tests.sites import SiteFolder, files_in, places

ROOT = Path(__file__).parent.parent
PAGES = ["README.md", "CHANGELOG.md", *sorted(f"docs/{file.name}" for file in (ROOT / "docs").glob("*.md"))]

Site = Callable[[str], SiteFolder]

_PARSER = MarkdownIt("commonmark").enable("table")


def read(page: str) -> str:
    return (ROOT / page).read_text("utf-8")


@dataclass(frozen=True)
class Fence:
    """A fenced block: the title of its section, its first line after the backticks, its text."""

    section: str
    info: str
    text: str

    @property
    def file(self) -> str:
        found = re.search(r'file="([^"]+)"', self.info)
        return found[1] if found else ""


def fences(page: str) -> Iterator[Fence]:
    section = ""
    tokens = _PARSER.parse(read(page))
    for token, following in zip(tokens, [*tokens[1:], None], strict=True):
        if token.type == "heading_open" and token.tag in ("h1", "h2") and following is not None:
            section = following.content
        elif token.type == "fence":
            yield Fence(section, token.info, token.content)


def section(page: str, title: str) -> str:
    """The text below a heading of the second level."""
    found = re.search(rf"^## `?{re.escape(title)}`?\n(.*?)(?=^## |\Z)", read(page), re.MULTILINE | re.DOTALL)
    assert found, f"{page} has no section '{title}'"
    return found[1]


def rows(text: str) -> list[list[str]]:
    """The cells of a table, without its head."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines[2:]]


# Examples.

FIRST = """\
-- posts/first.md --
---
title: A first post
date: 2026-01-01
tags: [bread]
---
Words.
"""

SHOWN = {
    "Extending a site with build.py": ("/posts/first/", "A first post"),
    "filter": ("/posts/first/", "<h1>A FIRST POST!!</h1>"),
    "shortcode": (
        "/posts/loaf/",
        '<img src="/posts/loaf/loaf.svg" alt="A loaf"><figcaption>Fresh from the &lt;oven&gt;.</figcaption>',
    ),
    "markdown": ("/posts/water/", "Water is H<sub>2</sub>O."),
    "data": ("/posts/first/", "<li>The Mythical Man-Month (1975)</li>"),
    "pages": ("/numbers/", '<a href="/tags/bread/">bread</a>: 2'),
    "check": ("/posts/first/", "A first post"),
}
"""What each example of docs/extending.md makes: the page, and a part of it."""


def example(name: str) -> list[Fence]:
    return [fence for fence in fences("docs/extending.md") if fence.section == name and fence.file]


def written(folder: SiteFolder, name: str) -> SiteFolder:
    for fence in example(name):
        folder.write(fence.file, fence.text)
    return folder


def test_every_example_of_an_extension_is_tested() -> None:
    assert {fence.section for fence in fences("docs/extending.md") if fence.file} == set(SHOWN)


@pytest.mark.parametrize("name", SHOWN)
def test_an_example_of_an_extension_does_what_the_docs_say(name: str, site: Site) -> None:
    folder = written(site(FIRST), name)
    report = folder.built()
    url, part = SHOWN[name]
    assert part in folder.page(url)
    assert places(report.problems) == (["posts/first.md: description"] if name == "check" else [])


def test_a_page_that_shows_data_follows_the_file_it_came_from(site: Site) -> None:
    folder = written(site(FIRST), "data")
    folder.built()
    folder.write("data/books.json", '[{"title": "Structure and Interpretation", "year": 1985}]')
    assert folder.built().rendered == ("/posts/first/",)
    assert "Structure and Interpretation" in folder.page("/posts/first/")


def test_what_build_py_may_import_is_documented() -> None:
    documented = set(re.findall(r"`(\w+)[`(]", section("docs/extending.md", "What can be asked")))
    assert set(octavo.__all__) <= documented


def test_what_data_returns_must_be_a_value(site: Site) -> None:
    script = "from octavo import Site\nsite = Site(__file__)\n\n@site.data\ndef names(ask):\n    return object()\n"
    report = site(FIRST).write("build.py", script).build()
    assert places(report.problems) == ["build.py: build.py"]


# Tables.


def test_the_table_of_settings_is_that_of_the_code() -> None:
    documented = [[cell.replace("`", "") for cell in row] for row in rows(section("docs/settings.md", "All settings"))]
    assert documented == [list(row) for row in config.settings_table()]


def test_the_table_of_front_matter_has_every_key() -> None:
    documented = [row[0].strip("`") for row in rows(section("docs/writing.md", "Front matter"))]
    assert documented == [known.key for known in schema.FIELDS]


@pytest.mark.parametrize("number", range(2))
def test_the_front_matter_in_the_docs_is_right(number: int) -> None:
    blocks = [fence.text for fence in fences("docs/writing.md") if fence.text.startswith("---\n")]
    assert len(blocks) == 2
    front = front_matter.read(SourceText("posts/example.md", blocks[number]))
    meta, _, problems = schema.read_meta("posts/example.md", front)
    assert meta is not None
    assert problems == ()


def test_one_example_of_front_matter_has_every_key_but_one_of_two_spellings() -> None:
    block = next(fence.text for fence in fences("docs/writing.md") if "extra:\n" in fence.text)
    used = set(re.findall(r"^(\w+):", block, re.MULTILINE))
    assert used == {known.key for known in schema.FIELDS} - {"author"}


def test_the_docs_have_every_layout_and_kind_of_page() -> None:
    table = rows(section("docs/themes.md", "The layouts").split("\n\n")[0])
    layouts = {name for row in table for name in re.findall(r"`([^`]+)`", row[0])}
    assert layouts == {file.name for file in (ROOT / "layouts").iterdir() if file.is_file()} - {"base.html"}
    assert {row[1].strip("`") for row in table} == set(get_args(PageKind))


DIALECT = {
    "table": {"table"},
    "task list": set(),
    "strikethrough": {"strikethrough"},
    "bare address": {"gfm_autolink_email", "gfm_autolink_protocol", "gfm_autolink_www"},
    "footnote": {"footnote_def", "footnote_ref", "footnote_tail"},
    "alert": set(),
    "definition list": {"deflist"},
    "attributes": {"attr", "heading_attributes"},
}
"""The rules behind each feature of the docs' table; some are a part of a rule of CommonMark."""


def test_the_table_of_markdown_has_every_feature() -> None:
    assert [row[0] for row in rows(section("docs/writing.md", "Markdown"))] == list(DIALECT)


def test_every_rule_of_markdown_is_that_of_a_feature() -> None:
    ours, commonmark = (
        {name for names in parser.get_active_rules().values() for name in names}
        for parser in (make_parser(Extensions()), MarkdownIt("commonmark"))
    )
    assert ours - commonmark == {"shortcode"}.union(*DIALECT.values())


# Commands.


def subcommands() -> dict[str, argparse.ArgumentParser]:
    actions = arguments.make_parser()._actions
    found = next(action for action in actions if isinstance(action, argparse._SubParsersAction))
    return dict(found.choices)


def options(parser: argparse.ArgumentParser) -> set[str]:
    of_every_call = {"-h", "--help", "--debug", "-C", "--directory"}
    return {option for action in parser._actions for option in action.option_strings} - of_every_call


@pytest.mark.parametrize("command", arguments.COMMANDS)
def test_the_docs_have_the_options_of_a_command(command: str) -> None:
    text = section("docs/commands.md", command)
    inherited = section("docs/commands.md", "build") if command == "check" else ""
    documented = set(re.findall(r"(--[a-z-]+)", text + inherited))
    assert options(subcommands()[command]) - documented == set()


def test_the_docs_have_no_option_that_does_not_exist() -> None:
    known = {"--help", "--debug", "--directory", *options(arguments.make_parser())}
    for parser in subcommands().values():
        known |= options(parser)
    documented = set(re.findall(r"^\| `(--[a-z-]+)", read("docs/commands.md"), re.MULTILINE))
    assert documented - known == set()


def test_the_docs_have_every_command_and_exit_status() -> None:
    listed = re.findall(r"^\| \[`(\w+)`\]", read("docs/commands.md"), re.MULTILINE)
    assert tuple(listed) == arguments.COMMANDS
    statuses = {row[0] for row in rows(section("docs/commands.md", "Exit statuses"))}
    assert statuses == {"0", "1", *map(str, (errors.USAGE, errors.LOCKED, errors.BUG))}


def test_the_json_in_the_docs_has_the_keys_of_the_code() -> None:
    build, related = [json.loads(fence.text) for fence in fences("docs/commands.md") if fence.info == "json"]
    assert list(build) == list(report_dict(Report()))
    assert list(build["problems"][0]) == list(report_dict(Report(problems=(_problem(),)))["problems"][0])
    row = [Relation("posts/b.md", 0.5, (Reason("term", "orm", 0.5),))]
    assert _shape(related) == _shape(related_dict("posts/a.md", row))


def _problem() -> Any:
    return octavo.warning("posts/a.md", None, "code", "message")


def _shape(value: Any) -> Any:
    """The keys of nested mappings; of a list, those of its first item."""
    if isinstance(value, dict):
        return {key: _shape(item) for key, item in value.items()}
    return _shape(value[0]) if isinstance(value, list) and value else None


def test_a_fresh_build_is_one_the_next_can_build_on(site: Site) -> None:
    folder = site(FIRST)
    folder.built()
    assert folder.built(fresh=True).parsed == ("posts/first.md",)
    folder.replace("posts/first.md", "Words.", "Other words.")
    assert "/archive/" not in folder.built().rendered


def test_with_broken_links_allowed_their_post_is_published(site: Site) -> None:
    folder = site(FIRST).replace("posts/first.md", "Words.", "[a](no.md) [b](javascript:x) [^c] [d](#d)")
    assert folder.build().failed
    report = folder.built(allow_broken_links=True, strict=True)
    assert [problem.code for problem in report.problems] == ["link"] * 4
    assert "javascript" not in folder.page("/posts/first/")


# Outputs.


def shown_problems(page: str) -> list[str]:
    return [fence.text.rstrip() for fence in fences(page) if re.match(r"\S+: (error|warning)\[", fence.text)]


@pytest.mark.parametrize("page", ["README.md", "docs/writing.md", "docs/settings.md"])
def test_the_problems_shown_in_the_docs_are_what_a_build_prints(page: str, site: Site) -> None:
    assert shown_problems(page)
    printed = [to_text(problem) for problem in site(WRONG[page]).check().problems]
    assert shown_problems(page) == ["\n".join(printed)]


_GOOD = "---\ntitle: Subqueries\ndate: 2026-01-01\n---\nWords.\n"

WRONG = {
    "README.md": "-- posts/orm.md --\n---\ntitle: The ORM\ndate: yesterday\ntags: python, django\n---\nWords.\n"
    f"-- posts/subquery.md --\n{_GOOD}"
    "-- posts/joins.md --\n---\ntitle: Joins\ndate: 2026-01-02\n---\nSee [subqueries](subqery.md#exists).\n",
    "docs/writing.md": f"-- posts/subquery.md --\n{_GOOD}"
    "-- posts/a.md --\n---\ntitle: A\ndate: 2026-01-02\n---\n\nSee [subqueries](subqery.md).\n",
    "docs/settings.md": '-- pyproject.toml --\n[tool.octavo]\nbase_url = "https://test.example"\n'
    f'time_zone = "Europe/Lisbon"\n-- posts/a.md --\n{_GOOD}',
}
"""The site whose problems a page of the docs shows."""


def test_the_archives_of_these_tests_are_sites() -> None:
    assert all(list(files_in(archive)) for archive in (FIRST, *WRONG.values()))


def test_the_summary_in_the_readme_has_the_form_of_the_code(capsys: pytest.CaptureFixture[str]) -> None:
    print_summary(Report(pages=2, rendered=("/a/",), written=("a/index.html",), seconds=1.0))
    form = re.sub(r"\d+(\.\d+)?", "N", capsys.readouterr().out.strip())
    lines = re.findall(r"^\d+ pages: .*$", read("README.md"), re.MULTILINE)
    assert len(lines) >= 2
    assert {re.sub(r"\d+(\.\d+)?", "N", line) for line in lines} == {form}


def test_the_related_list_in_the_readme_is_of_posts_that_exist() -> None:
    block = next(fence.text for fence in fences("README.md") if re.search(r"^ +\d\.\d{3} ", fence.text, re.MULTILINE))
    listed = re.findall(r"^(?: +\d\.\d{3}  )?(\S.*?)  \((posts/\S+)\)$", block, re.MULTILINE)
    assert len(listed) > 3
    for title, path in listed:
        assert f"title: {title}\n" in read(path).replace('"', "")


# Promises.


def test_the_readme_begins_with_two_commands_that_make_knows() -> None:
    commands = [fence.text for fence in fences("README.md") if fence.info == "console"][:2]
    assert commands == ["$ make site\n", "$ make test\n"]
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert re.search(r"^site:", makefile, re.MULTILINE)
    assert re.search(r"^test:", makefile, re.MULTILINE)


def test_the_images_of_the_docs_are_small() -> None:
    images = list((ROOT / "docs" / "images").glob("*.png"))
    assert images
    assert all(image.stat().st_size <= 200_000 for image in images)


# Links.


class _Addresses(HTMLParser):
    """The addresses of links and images, and the ids, of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.ids: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name in ("href", "src") and value:
                self.found.append(value)
            elif name == "srcset" and value:
                self.found += [candidate.split()[0] for candidate in value.split(",")]
            elif name == "id" and value:
                self.ids.add(value)


def addresses(page: str) -> _Addresses:
    parsed = _Addresses()
    parsed.feed(_PARSER.render(read(page)))
    return parsed


def anchors(page: str) -> set[str]:
    """The ids that GitHub gives to headings, and those written in HTML."""
    given: Counter[str] = Counter()
    found = addresses(page).ids
    tokens = _PARSER.parse(read(page))
    for token, following in pairwise(tokens):
        if token.type == "heading_open":
            text = "".join(child.content for child in following.children or ())
            name = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
            found.add(f"{name}-{given[name]}" if given[name] else name)
            given[name] += 1
    return found


@pytest.mark.parametrize("page", PAGES)
def test_every_link_of_the_docs_leads_to_a_file_and_an_anchor(page: str) -> None:
    for address in addresses(page).found:
        if re.match(r"[a-z]+:", address):
            continue
        path, _, fragment = unquote(address).partition("#")
        target = (ROOT / page).parent / path if path else ROOT / page
        assert target.is_file(), f"{page}: {address}"
        if fragment and target.suffix == ".md":
            assert fragment in anchors(target.relative_to(ROOT).as_posix()), f"{page}: {address}"


@pytest.mark.parametrize("page", PAGES)
def test_the_docs_name_no_module_that_does_not_exist(page: str) -> None:
    modules = {file.name for file in (ROOT / "octavo").rglob("*.py")} | {"build.py", "app.py"}
    assert set(re.findall(r"`(\w+\.py)`", read(page))) <= modules


MAPS = ("docs/architecture.md", "docs/contributing.md")
"""The pages that say where things are in the code."""

_CODE = re.compile(r"`([^`\n]+)`")
_FILE_NAME = re.compile(r"\.?(?:[\w-]+/)+[\w.-]*|[\w-]+\.(?:py|js|txt|json|toml|md)")


def nowhere(text: str) -> list[str]:
    """The files, modules and names of Octavo in a text that do not exist.

    A file is named by its path from the checkout or within ``octavo/``, a module or name by ``octavo.…``.
    """
    named = [match.partition("(")[0].partition("::")[0] for match in _CODE.findall(text)]
    dotted = {name for name in named if re.fullmatch(r"octavo(?:\.\w+)+", name)}
    paths = {name for name in named if _FILE_NAME.fullmatch(name) and "NAME" not in name} - PATHS_OF_SITES
    return sorted({name for name in dotted if not _is_name(name)} | {path for path in paths if not _is_file(path)})


PATHS_OF_SITES = {".venv/", "output/", "posts/", "assets/", "layouts/", ".octavo/", "build.py", "pyproject.toml"}
"""What lies in a site's folder, or is made."""


def _is_file(path: str) -> bool:
    return any((folder / path).exists() for folder in (ROOT, ROOT / "octavo"))


def _is_name(name: str) -> bool:
    """Whether ``octavo.package.module.name`` can be imported, or found."""
    parts = name.split(".")
    for size in range(len(parts), 0, -1):
        place = ROOT.joinpath(*parts[:size])
        if place.with_suffix(".py").is_file() or (place / "__init__.py").is_file():
            found: Any = import_module(".".join(parts[:size]))
            try:
                attrgetter(".".join(parts[size:]))(found) if parts[size:] else None
            except AttributeError:
                return False
            return True
    return False


@pytest.mark.parametrize("page", MAPS)
def test_what_the_maps_of_the_code_name_exists(page: str) -> None:
    assert nowhere(read(page)) == []


def test_what_does_not_exist_is_noticed() -> None:
    text = "`site/routes.py` `octavo.site.routes` `octavo.site.routes.route` `docs/themes.md` `tests/fuzz.py`"
    assert nowhere(text) == []
    wrong = "`site/none.py` `octavo.site.none` `octavo.site.routes.none` `docs/none.md` `none.py`"
    assert nowhere(wrong) == ["docs/none.md", "none.py", "octavo.site.none", "octavo.site.routes.none", "site/none.py"]


# The list of all modules in the architecture.


def listed_modules(text: str) -> dict[str, dict[str, str]]:
    """Package -> its modules, each with what is said of it, as a list of packages names them."""
    packages: dict[str, dict[str, str]] = {}
    for package, entry in re.findall(r"^- \*\*`([\w/]+)/`\*\* (.*(?:\n  .*)*)", text, re.MULTILINE):
        modules = " ".join(entry.split()).partition(": ")[2].removesuffix(".")
        items = [item.partition(" ") for item in modules.split(" · ")]
        packages[package] = {name.strip("`"): about for name, _, about in items}
    return packages


def modules_by_package(root: Path) -> dict[str, set[str]]:
    """Package -> its modules, as they lie in the folders."""
    packages = {file.parent for file in root.rglob("__init__.py")} - {root}
    return {
        package.relative_to(root).as_posix(): {file.stem for file in package.glob("*.py")} - {"__init__"}
        for package in packages
    }


def test_the_architecture_names_each_module_in_its_package() -> None:
    listed = listed_modules(section("docs/architecture.md", "The packages"))
    assert {package: set(modules) for package, modules in listed.items()} == modules_by_package(ROOT / "octavo")


def test_the_architecture_says_shortly_what_a_module_is() -> None:
    listed = listed_modules(section("docs/architecture.md", "The packages"))
    abouts = {name: about for modules in listed.values() for name, about in modules.items()}
    assert {name: about for name, about in abouts.items() if not 3 <= len(about.split()) <= 8} == {}


def test_a_module_that_is_left_out_is_noticed(tmp_path: Path) -> None:
    for name in ("a/__init__", "a/one", "a/two", "a/b/__init__", "a/b/three", "__init__"):
        file = tmp_path / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    text = (
        "- **`a/`** what: `one` says it\n  all · `two` more.\n- **`a/b/`** with `d/e`: `three` reads: words.\n\nEnd.\n"
    )
    listed = {package: set(modules) for package, modules in listed_modules(text).items()}
    assert listed == modules_by_package(tmp_path) == {"a": {"one", "two"}, "a/b": {"three"}}
    assert listed_modules(text)["a"] == {"one": "says it all", "two": "more"}
    assert set(listed_modules(text.replace(" · `two` more", ""))["a"]) == {"one"}


def test_every_row_of_the_architecture_stands_by_itself() -> None:
    topics = [row[0] for row in rows(section("docs/architecture.md", "Where a thing is"))]
    assert [topic for topic in topics if topic.startswith(("…", "..."))] == []
    assert len(set(topics)) == len(topics)
