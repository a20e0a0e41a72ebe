"""The recipes of docs/contributing.md, followed on a copy of the checkout.

Each recipe lists files. ``EDITS`` has, for the same files, what an example adds there, as far as a machine can: with
all of it the tests that the recipe names pass, and with one place left out they fail.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from octavo.content.markdown.fast_rules import BLOCK_FIRSTS, INLINE_FIRSTS
from octavo.content.markdown.parser import make_parser
from octavo.model.extensions import Extensions

ROOT = Path(__file__).parent.parent
DOC = ROOT / "docs/contributing.md"
COPIED = ("octavo", "docs", "layouts", "assets", "tests", "README.md", "CHANGELOG.md", "Makefile", "pyproject.toml")

Edit = Callable[[str], str]


# What the recipes say.


@dataclass(frozen=True)
class Recipe:
    """The files of its list, in order, and the modules of tests that tell of a place that is left out."""

    places: tuple[str, ...]
    tests: tuple[str, ...]


def recipes(text: str) -> dict[str, Recipe]:
    """The recipes of a text by their titles."""
    chapter = text.split("\n## Recipes\n")[1].split("\n## ")[0]
    named = re.findall(r"^### (.+)\n((?:(?!### ).*\n?)*)", chapter, re.MULTILINE)
    return {title: _recipe(body) for title, body in named}


def _recipe(body: str) -> Recipe:
    places = re.findall(r"^\d+\. `([^`]+)`: ", body, re.MULTILINE)
    line = re.search(r"^Tests: (`[^.]*\.py`(?:, `[^.]*\.py`)*)\.", body, re.MULTILINE)
    assert line is not None, "a recipe names its tests"
    return Recipe(tuple(places), tuple(re.findall(r"`([^`]+)`", line[1])))


RECIPES = recipes(DOC.read_text("utf-8"))


# What an example of each adds.


def before(mark: str, text: str) -> Edit:
    """Put a text before a mark, which is there once."""
    return _replace(mark, text + mark)


def after(mark: str, text: str) -> Edit:
    """Put a text after a mark, which is there once."""
    return _replace(mark, mark + text)


def _replace(old: str, new: str) -> Edit:
    def edit(source: str) -> str:
        assert source.count(old) == 1, f"{old!r} is there {source.count(old)} times"
        return source.replace(old, new)

    return edit


def end(text: str) -> Edit:
    """Put a text at the end."""
    return lambda source: source + text


def both(*edits: Edit) -> Edit:
    """Make one edit after the other."""

    def edit(source: str) -> str:
        for each in edits:
            source = each(source)
        return source

    return edit


def write_schema(source: str) -> str:
    """The schema as the code of the copy has it: the same as the text here, and one key more."""
    key = '    "subtitle": {\n      "description": "A line below the title.",\n'
    kind = (
        '      "type": [\n        "string",\n        "number",\n        "boolean",\n        "null"\n      ]\n    },\n'
    )
    return before('    "slug": {\n', key + kind)(source)


EDITS: Mapping[str, Mapping[str, Edit]] = {
    "A front matter key": {
        "octavo/model/documents.py": after('    description: str = ""\n', '    subtitle: str = ""\n'),
        "octavo/content/schema.py": both(
            before('    MetaField("slug"', '    MetaField("subtitle", TEXT, "A line below the title."),\n'),
            before("        slug=values.get(", '        subtitle=values.get("subtitle") or "",\n'),
        ),
        "octavo/model/posts.py": after('    description: str = ""\n', '    subtitle: str = ""\n'),
        "octavo/site/build_posts.py": both(
            before("        description=meta.description,", "        subtitle=meta.subtitle,\n"),
            after('description="", ', 'subtitle="", '),
        ),
        "docs/front-matter.schema.json": write_schema,
        "docs/writing.md": both(
            before("| `slug` |", "| `subtitle` | text | A line below the title. |\n"),
            before("slug: markdown-tour\n", "subtitle: All that a post may contain\n"),
        ),
        "docs/themes.md": before("| `date` | date or none |", "| `subtitle` | text | a line below the title |\n"),
        "tests/test_schema.py": end(
            """

def test_a_subtitle_is_shown(tmp_path: Path) -> None:
    from tests.sites import BASE, SiteFolder, post

    folder = SiteFolder(tmp_path).write("pyproject.toml", BASE).write("layouts/post.html", "{{ post.subtitle }}")
    folder.write("posts/a.md", post(subtitle="Below the title")).built()
    assert folder.page("/posts/a/") == "Below the title"
"""
        ),
    },
    "A kind of page": {
        "octavo/model/pages.py": after('    "archive",\n', '    "decades",\n'),
        "octavo/model/settings.py": after('    archive: str = "/archive/"\n', '    decades: str = "/decades/"\n'),
        "octavo/project/config.py": before(
            '    Field("search", _PATH', '    Field("decades", _PATH, "all posts by decade"),\n'
        ),
        "octavo/site/routes.py": before(
            "    yield Page(at.search,",
            '    yield Page(at.decades, "decades.html", "decades", title="Decades"), None\n',
        ),
        "layouts/NAME.html": lambda source: "{% for year in archive() %}{{ year.year // 10 }}0s {% endfor %}",
        "docs/settings.md": before(
            "| `permalinks.search`", "| `permalinks.decades` | path | `/decades/` | all posts by decade |\n"
        ),
        "docs/themes.md": before("| `search.html` |", "| `decades.html` | `decades` | all posts by decade |\n"),
        "tests/test_routes.py": end(
            """

def test_decades_have_a_page(tmp_path: Path) -> None:
    folder = SiteFolder(tmp_path).write("pyproject.toml", BASE).write("posts/a.md", post(date="1994-05-06"))
    folder.built()
    assert folder.page("/decades/") == "1990s "


from pathlib import Path  # noqa: E402

from tests.sites import BASE, SiteFolder, post  # noqa: E402
"""
        ),
    },
    "A Markdown feature": {
        "octavo/content/markdown/parser.py": both(
            before(
                '    inline.wrap("newline"',
                '    inline.before("emphasis", "marked", _marked)\n',
            ),
            end(
                """

def _marked(state: StateInline, silent: bool) -> bool:
    match = re.compile("==([^=]+)==").match(state.src, state.pos)
    if match is None:
        return False
    if not silent:
        state.push("marked", "mark", 0).content = match[1]
    state.pos = match.end()
    return True
"""
            ),
        ),
        "octavo/content/markdown/fast_rules.py": after('    "newline": "\\n",\n', '    "marked": "=",\n'),
        "octavo/content/markdown/html_renderer.py": before(
            "    def figcaption(",
            "    def marked(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:\n"
            '        return f"<mark>{escape(tokens[idx].content)}</mark>"\n\n',
        ),
        "octavo/content/markdown/inline.py": both(
            after('in ("text", "code_inline"', ', "marked"'),
            before(
                '        if token.type == "text":\n',
                '        if token.type == "marked":\n            yield "text", token.content\n',
            ),
        ),
        "docs/writing.md": before("| bare address |", "| marked text | `==found==` |\n"),
        "tests/test_docs.py": before('    "bare address": {', '    "marked text": {"marked"},\n'),
        "tests/test_reader.py": end(
            """

def test_marked_text() -> None:
    assert html("a ==b & c== = d\\n") == "<p>a <mark>b &amp; c</mark> = d</p>\\n"
    assert reading("## On ==this==\\n").headings[0] == Heading(2, "on-this", "On this")
    assert reading("On ==this==\\n").summary.plain == "On this"
"""
        ),
    },
    "A command": {
        "octavo/cli/arguments.py": both(
            after('"new", "clean"', ', "count"'),
            before(
                "    clean = _command(",
                '    count = _command(subparsers, "count", commands.count, "count the posts")\n'
                '    count.add_argument("--pages", action="store_true", help="count standing pages as well")\n\n',
            ),
        ),
        "octavo/cli/commands.py": end(
            """

def count(arguments: argparse.Namespace) -> int:
    with open_project(arguments) as project:
        posts = project.learn().publication.published
    print(len(posts.paths) + (len(posts.standing_paths) if arguments.pages else 0))
    return 0
"""
        ),
        "docs/commands.md": both(
            after("| [`clean`](#clean) | removes the cache |\n", "| [`count`](#count) | counts the posts |\n"),
            end("\n## count\n\nCounts the posts, and with `--pages` the standing pages as well.\n"),
        ),
        "tests/test_commands.py": end(
            """

def test_count_counts(run: Run) -> None:
    assert run("count")[:2] == (0, "2\\n")
"""
        ),
    },
    "A query": {
        "octavo/model/queries.py": before(
            "class FeedPaths(",
            'class PostCount(Query[int]):\n    """How many posts are published."""\n\n\n',
        ),
        "octavo/site/page_facts.py": both(
            before("    PostPaths,\n", "    PostCount,\n"),
            before("        PostPaths: lambda", "        PostCount: lambda query: fact(len(paths())),\n"),
        ),
        "octavo/templates/context.py": both(
            before("    RelatedIndex,\n", "    PostCount,\n"),
            before('            "posts": self.posts,', '            "post_count": self.post_count,\n'),
            before(
                "    def tagged(self", "    def post_count(self) -> int:\n        return self.ask(PostCount()) or 0\n\n"
            ),
        ),
        "docs/themes.md": before("| `tagged(slug)` |", "| `post_count()` | number | how many posts there are |\n"),
        "tests/test_incremental.py": end(
            """

def test_a_page_that_counts_posts_follows_their_number_alone(site: MakeSite) -> None:
    folder = site("").write("posts/a.md", post("A")).write("layouts/404.html", "{{ post_count() }}")
    folder.built()
    assert folder.page("/404.html") == "1"
    assert "/404.html" not in folder.write("posts/a.md", post("Z")).built().rendered
    assert "/404.html" in folder.write("posts/b.md", post("B")).built().rendered
"""
        ),
    },
}

TESTS: Mapping[str, tuple[str, ...]] = {
    "A front matter key": (
        "tests/test_schema.py::test_the_schema_describes_every_key",
        "tests/test_schema.py::test_the_schema_in_docs_is_the_one_in_the_code",
        "tests/test_docs.py::test_the_table_of_front_matter_has_every_key",
        "tests/test_docs.py::test_one_example_of_front_matter_has_every_key_but_one_of_two_spellings",
        "tests/test_contract.py::test_every_field_of_the_types_is_documented",
        "tests/test_schema.py::test_a_subtitle_is_shown",
    ),
    "A kind of page": (
        "tests/test_docs.py::test_the_table_of_settings_is_that_of_the_code",
        "tests/test_docs.py::test_the_docs_have_every_layout_and_kind_of_page",
        "tests/test_routes.py::test_decades_have_a_page",
    ),
    "A Markdown feature": (
        "tests/test_docs.py::test_the_table_of_markdown_has_every_feature",
        "tests/test_docs.py::test_every_rule_of_markdown_is_that_of_a_feature",
        "tests/test_contributing.py::test_every_rule_of_markdown_says_what_it_begins_with",
        "tests/test_reader.py::test_marked_text",
    ),
    "A command": (
        "tests/test_docs.py::test_the_docs_have_every_command_and_exit_status",
        "tests/test_docs.py::test_the_docs_have_the_options_of_a_command",
        "tests/test_commands.py::test_count_counts",
    ),
    "A query": (
        "tests/test_contract.py::test_every_name_of_the_context_is_documented_and_nothing_else_is",
        "tests/test_incremental.py::test_a_page_that_counts_posts_follows_their_number_alone",
    ),
}
"""Of the modules that a recipe names, the tests that tell of its places, those that build a site last.

Whole modules would take minutes.
"""

NAMES = {"layouts/NAME.html": "layouts/decades.html"}
"""What an example calls a file that a recipe leaves nameless."""


# A copy of the checkout.


@dataclass(frozen=True)
class Checkout:
    """A copy of the checkout, in which edits are made and taken back."""

    root: Path
    runner: subprocess.Popen[str]

    def write(self, edits: Mapping[str, Edit]) -> None:
        for path, edit in edits.items():
            file = self.root / NAMES.get(path, path)
            self._put(file, edit(file.read_text("utf-8") if file.exists() else ""))

    def restore(self, edits: Mapping[str, Edit]) -> None:
        for path in edits:
            name = NAMES.get(path, path)
            if (ROOT / name).exists():
                self._put(self.root / name, (ROOT / name).read_text("utf-8"))
            else:
                (self.root / name).unlink()

    def _put(self, file: Path, text: str) -> None:
        file.write_text(text, "utf-8")
        # Two edits in one second can have the size of each other, and Python would take one for the other.
        for compiled in (file.parent / "__pycache__").glob(f"{file.stem}.*"):
            compiled.unlink()

    def passes(self, tests: tuple[str, ...]) -> tuple[bool, str]:
        """Whether tests pass here, and what they say."""
        log = self.root / "log.txt"
        options = ["-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist", "--tb=short"]
        # The libraries are there before pytest could look into them.
        options += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
        assert self.runner.stdin is not None and self.runner.stdout is not None
        self.runner.stdin.write(json.dumps([str(log), *options, *tests]) + "\n")
        self.runner.stdin.flush()
        status = int(self.runner.stdout.readline())
        return status == 0, log.read_text("utf-8")


RUNNER = """
import json, os, sys
import hypothesis, pytest
import frontmatter, jinja2, markdown_it, mdit_py_plugins.gfm, msgspec, yaml

for line in sys.stdin:
    log, *arguments = json.loads(line)
    child = os.fork()
    if child == 0:
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
        status = pytest.main(arguments)
        sys.stdout.flush()
        os._exit(status)
    print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)
"""
"""Runs tests, each time in a copy of itself: half of the time of a small run goes into importing the libraries."""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checkout]:
    if not hasattr(os, "fork"):
        pytest.skip("processes are copied")
    root = tmp_path_factory.mktemp("checkout")
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, root / name, ignore=shutil.ignore_patterns("samples"))
        else:
            shutil.copy2(ROOT / name, root / name)
    environment = {**os.environ, "PYTHONPATH": str(root), "PYTEST_ADDOPTS": ""}
    command = [sys.executable, "-c", RUNNER]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=root, env=environment, stdin=pipe, stdout=pipe, text=True) as runner:
        yield Checkout(root, runner)
        assert runner.stdin is not None
        runner.stdin.close()


LEFT_OUT = [(title, place) for title, recipe in RECIPES.items() for place in recipe.places[:-1]]
"""Recipes and places, but for the last place of each: that has the tests of the example itself."""


def test_every_recipe_is_followed_at_every_place_that_it_names() -> None:
    assert RECIPES.keys() == EDITS.keys() == TESTS.keys()
    assert {title: recipe.places for title, recipe in RECIPES.items()} == {
        title: tuple(edits) for title, edits in EDITS.items()
    }
    named = {title: {name.split("::")[0] for name in names} for title, names in TESTS.items()}
    assert {title: set(recipe.tests) for title, recipe in RECIPES.items()} == named


@pytest.mark.parametrize("title", RECIPES)
def test_a_recipe_that_is_followed_passes_its_tests(title: str, checkout: Checkout) -> None:
    checkout.write(EDITS[title])
    try:
        has_passed, words = checkout.passes(TESTS[title])
    finally:
        checkout.restore(EDITS[title])
    assert has_passed, words


@pytest.mark.parametrize(("title", "place"), LEFT_OUT)
def test_a_place_that_is_left_out_is_noticed(title: str, place: str, checkout: Checkout) -> None:
    edits = {path: edit for path, edit in EDITS[title].items() if path != place}
    checkout.write(edits)
    try:
        has_passed, words = checkout.passes(TESTS[title])
    finally:
        checkout.restore(edits)
    assert not has_passed, words


# What recipes rely on.


def test_a_recipe_is_read_as_it_is_written() -> None:
    text = (
        "\n## Recipes\n\n### A\n\n1. `a/b.py`: x, in `c.py`.\n2. `d.md`: y\n   `e.py`: z.\n\nTests: `t.py`, `u.py`.\n"
    )
    assert recipes(text) == {"A": Recipe(("a/b.py", "d.md"), ("t.py", "u.py"))}


def test_every_rule_of_markdown_says_what_it_begins_with() -> None:
    """But for those that may begin with anything."""
    rules = make_parser(Extensions()).get_active_rules()
    assert set(rules["inline"]) - INLINE_FIRSTS.keys() == {"text"}
    assert set(rules["block"]) - BLOCK_FIRSTS.keys() == {"code", "deflist", "lheading", "paragraph", "table"}


def test_what_is_run_is_the_copy(checkout: Checkout) -> None:
    """An installed Octavo does not come before it."""
    (checkout.root / "tests/test_where.py").write_text(
        "import octavo\n\ndef test_where() -> None:\n    assert False, octavo.__file__\n"
    )
    has_passed, words = checkout.passes(("tests/test_where.py",))
    assert not has_passed
    assert f"{checkout.root}/octavo/__init__.py" in words
