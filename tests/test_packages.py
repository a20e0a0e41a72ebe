"""The packages: their order, held against every import, and names that are there only once."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent / "octavo"
FILES = sorted(path for path in ROOT.rglob("*.py") if path.name != "__init__.py" and path.parent != ROOT)
IDS = [path.relative_to(ROOT).as_posix() for path in FILES]

ORDER = (
    "base",
    "engine",
    "model",
    "output",
    "images",
    "related",
    "content",
    "templates",
    "site",
    "project",
    "preview",
    "cli",
)
"""Lowest first: a package imports only from those before it."""

APART = (frozenset(("output", "images", "related")), frozenset(("content", "templates")))
"""Packages that import nothing of each other, though one comes before the other."""

LARGE = ("site", "content/markdown", "engine")
"""Packages that may have more than MOST_MODULES."""

MOST_MODULES = 14


def module_name(path: Path) -> str:
    return ".".join(("octavo", *path.relative_to(ROOT).with_suffix("").parts))


MODULES = {module_name(path): path for path in FILES}


def imports(source: str) -> Iterator[str]:
    """The modules of Octavo that a source imports, wherever the import stands: late, or for types alone."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            module = node.module or ""
            if module.split(".")[0] == "octavo":
                inner = [f"{module}.{alias.name}" for alias in node.names]
                yield from (name if name in MODULES else module for name in inner)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.split(".")[0] == "octavo")


def violation(module: str, imported: str) -> str | None:
    """What is wrong with an import, by the order of the packages."""
    if imported == "octavo":
        return f"{module} imports the package itself, which is for build.py"
    own, other = module.split(".")[1], imported.split(".")[1]
    if own == other:
        return None
    if ORDER.index(other) > ORDER.index(own):
        return f"{module} imports {imported}, but {own} stands below {other}"
    if any({own, other} <= apart for apart in APART):
        return f"{module} imports {imported}, but {own} and {other} know nothing of each other"
    return None


def test_every_folder_is_a_package_of_the_order() -> None:
    folders = {path.name for path in ROOT.iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert folders == set(ORDER)
    files = {path.name for path in ROOT.iterdir() if path.is_file()}
    assert files == {"__init__.py", "__main__.py", "py.typed"}


def test_the_docstring_of_octavo_has_the_order() -> None:
    docstring = ast.get_docstring(ast.parse((ROOT / "__init__.py").read_text("utf-8"))) or ""
    assert tuple(re.findall(r"^    (\w+)  ", docstring, re.MULTILINE)) == ORDER


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_a_package_imports_only_from_those_below_it(path: Path) -> None:
    module = module_name(path)
    assert [wrong for name in imports(path.read_text("utf-8")) if (wrong := violation(module, name))] == []


def test_an_import_upwards_or_aside_is_refused_late_and_for_types() -> None:
    assert violation("octavo.engine.memo", "octavo.model.posts")
    assert violation("octavo.related.rank", "octavo.images.probe") and violation(
        "octavo.images.probe", "octavo.output.paths"
    )
    assert violation("octavo.templates.render", "octavo.content.parse")
    assert violation("octavo.site.routes", "octavo")
    assert not violation("octavo.site.routes", "octavo.site.extensions.load")
    late = "def f():\n    from octavo.cli import main\n"
    typed = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import octavo.cli.main\n"
    assert [*imports(late)] == [*imports(typed)] == ["octavo.cli.main"]


LATE = {("octavo.model.values", "octavo.model.extensions")}
"""(module, what it imports within a function): a table may hold the nouns that have tables themselves."""


def test_there_are_no_circles() -> None:
    graph: dict[str, set[str]] = {}
    for module, path in MODULES.items():
        wanted = set(imports(path.read_text("utf-8"))) & MODULES.keys()
        graph[module] = {name for name in wanted if (module, name) not in LATE}
    assert list(TopologicalSorter(graph).static_order())


def test_a_module_has_a_name_of_its_own() -> None:
    by_name: dict[str, list[str]] = defaultdict(list)
    for module in MODULES:
        by_name[module.rpartition(".")[2]].append(module)
    assert {name: modules for name, modules in by_name.items() if len(modules) > 1} == {}


# One name, one meaning.

Sources = Mapping[str, str]
"""The source of each module."""

SOURCES: Sources = {module: path.read_text("utf-8") for module, path in MODULES.items()}


def public_types(sources: Sources) -> dict[str, list[str]]:
    """The modules that define a type of each public name: a class, or an alias in letters that are not all capitals."""
    homes: dict[str, list[str]] = defaultdict(list)
    for module, source in sources.items():
        for name in _defined(ast.parse(source).body):
            if name[0].isupper() and not name.isupper():
                homes[name].append(module)
    return homes


def _defined(body: list[ast.stmt]) -> Iterator[str]:
    """The names of a module, of what is there for types alone as well."""
    for node in body:
        if isinstance(node, ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.If):
            yield from _defined([*node.body, *node.orelse])
        elif isinstance(node, ast.Assign):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id


def query_kinds(sources: Sources) -> dict[str, list[str]]:
    """The modules that define a kind of query of each name."""
    homes: dict[str, list[str]] = defaultdict(list)
    for module, source in sources.items():
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.ClassDef) and any(_last_name(base) == "Query" for base in node.bases):
                homes[node.name].append(module)
    return homes


def steps(sources: Sources) -> dict[str, list[str]]:
    """The modules that define a step of each name: a function that is handed to a memo."""
    homes: dict[str, set[str]] = defaultdict(set)
    for module, source in sources.items():
        tree = ast.parse(source)
        imported = {
            alias.asname or alias.name: (node.module or "", alias.name)
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom)
            for alias in node.names
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and _is_run(node):
                step = node.args[0]
                assert isinstance(step, ast.Name), f"{module}:{node.lineno} hands over a step without a name"
                home, name = imported.get(step.id, (module, step.id))
                homes[name].add(home)
    return {name: sorted(modules) for name, modules in homes.items()}


def _is_run(call: ast.Call) -> bool:
    """Whether it is ``memo.map(step, …)``, ``memo.fold(step, …)`` or ``memo.run(step, …)``."""
    called = call.func
    return (
        isinstance(called, ast.Attribute)
        and called.attr in ("map", "fold", "run")
        and _last_name(called.value).lower().endswith("memo")
    )


def _last_name(node: ast.expr) -> str:
    """``c`` of ``a.b.c`` and of ``a.b.c[d]``; nothing of what is no name."""
    if isinstance(node, ast.Subscript):
        return _last_name(node.value)
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def twice(homes: Mapping[str, list[str]]) -> dict[str, list[str]]:
    """What has more than one home."""
    return {name: modules for name, modules in homes.items() if len(modules) > 1}


def test_a_public_type_has_a_name_of_its_own() -> None:
    assert twice(public_types(SOURCES)) == {}


def test_two_types_of_one_name_are_noticed() -> None:
    one = "class Post: ...\nclass _Row: ...\nT = int\nKEEP = 3\nPaths = tuple[str, ...]\n"
    other = (
        "Post = int\nclass _Row: ...\nT = str\nKEEP = 4\nif X:\n    Paths: TypeAlias = list[str]\nfrom x import Page\n"
    )
    assert twice(public_types({"a": one, "b": other, "c": "class Page: ...\n"})) == {
        "Post": ["a", "b"],
        "Paths": ["a", "b"],
    }


def test_a_step_has_a_name_of_its_own() -> None:
    """Its runs are kept by that."""
    found = steps(SOURCES)
    assert {"parse", "render", "relate", "make_image"} <= found.keys()
    assert twice(found) == {}


def test_two_steps_of_one_name_are_noticed() -> None:
    one = "from p import parse\nmemo.map(parse, int)\nself._memo.fold(rank, int)\nmemo.keep(make, int)\n"
    other = "from q import parse as read\nfrom a import rank\nmemo.run(read, int)\nnew_memo.map(rank, int)\n"
    assert twice(steps({"a": one, "b": other})) == {"parse": ["p", "q"]}


def test_a_query_has_a_name_of_its_own() -> None:
    """Its answers are kept by that."""
    found = query_kinds(SOURCES)
    assert {"PostAt", "Setting"} <= found.keys()
    assert twice(found) == {}


def test_two_queries_of_one_name_are_noticed() -> None:
    one = "class PostAt(Query[str]): ...\nclass Page: ...\n"
    assert twice(query_kinds({"a": one, "b": "class PostAt(facts.Query[int]): ...\nclass Page: ...\n"})) == {
        "PostAt": ["a", "b"]
    }


# Sizes.

MOST_LINES_OF_A_CLASS = 250

LARGE_CLASSES = {"octavo.engine.memo.Memo", "octavo.preview.session.PreviewSession"}

LINES_THAT_NEED_A_DOCSTRING = 450

MOST_LINES = 700


def sizes_of_classes(sources: Sources) -> dict[str, int]:
    """The lines of each class."""
    return {
        f"{module}.{node.name}": node.end_lineno - node.lineno + 1
        for module, source in sources.items()
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.ClassDef) and node.end_lineno is not None
    }


def too_large(sources: Sources) -> list[str]:
    """What is wrong with the sizes of modules."""
    wrong = []
    for module, source in sources.items():
        lines = source.count("\n")
        if lines > MOST_LINES:
            wrong.append(f"{module} has {lines} lines")
        elif lines > LINES_THAT_NEED_A_DOCSTRING and not ast.get_docstring(ast.parse(source)):
            wrong.append(f"{module} does not say its one idea")
    return wrong


def test_a_class_can_be_taken_in() -> None:
    large = {name for name, lines in sizes_of_classes(SOURCES).items() if lines > MOST_LINES_OF_A_CLASS}
    assert large == LARGE_CLASSES


def test_a_module_has_one_idea() -> None:
    assert too_large(SOURCES) == []


def test_what_is_too_large_is_noticed() -> None:
    body, lines = "    x = 1\n" * 250, "x = 1\n" * 451
    assert sizes_of_classes({"a": f"class A:\n{body}"}) == {"a.A": 251}
    assert too_large({"a": lines, "b": f'"""One idea."""\n{lines}', "c": f'"""One idea."""\n{lines}{lines}'}) == [
        "a does not say its one idea",
        "c has 903 lines",
    ]


# Names that say nothing of what they hold.

EMPTY_NAMES = frozenset(("found", "known", "given", "shown", "wanted", "told"))


def empty_names(source: str) -> list[str]:
    """The locals and arguments that are named so, each with its line."""
    return [
        f"{node.lineno}: {name}"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.arg | ast.Name | ast.ExceptHandler | ast.MatchAs | ast.MatchStar)
        if (name := _bound(node)) in EMPTY_NAMES
    ]


def _bound(node: ast.arg | ast.Name | ast.ExceptHandler | ast.MatchAs | ast.MatchStar) -> str | None:
    """The name that is given a value here."""
    if isinstance(node, ast.Name):
        return node.id if isinstance(node.ctx, ast.Store) else None
    return node.arg if isinstance(node, ast.arg) else node.name


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_a_local_says_what_it_holds(path: Path) -> None:
    assert empty_names(path.read_text("utf-8")) == []


def test_an_empty_name_is_noticed_wherever_it_is_bound() -> None:
    source = (
        "def f(given, *told, **posts):\n    found, posts = given\n    return posts.found(known=1)\n"
        "for shown in ():\n    print([1 for wanted in ()])\nwith a as known:\n    pass\n"
    )
    assert sorted(empty_names(source)) == ["1: given", "1: told", "2: found", "4: shown", "5: wanted", "6: known"]


PACKAGES = sorted(path.parent.relative_to(ROOT).as_posix() for path in ROOT.rglob("__init__.py") if path.parent != ROOT)


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_says_what_belongs_there_and_does_nothing(package: str) -> None:
    """A build for which nothing changed would import whatever a package imports."""
    tree = ast.parse((ROOT / package / "__init__.py").read_text("utf-8"))
    docstring = ast.get_docstring(tree)
    assert docstring is not None and 1 <= len(docstring.splitlines()) <= 5
    assert len(tree.body) == 1


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_can_be_taken_in_at_a_glance(package: str) -> None:
    modules = [path for path in (ROOT / package).glob("*.py") if path.name != "__init__.py"]
    assert package in LARGE or len(modules) <= MOST_MODULES


def test_nothing_heavy_is_imported_before_it_is_needed() -> None:
    """What a build that finds nothing changed must not import."""
    heavy = ["jinja2", "markdown_it", "numpy", "pygments", "yaml", "frontmatter", "watchdog", "asyncio", "PIL"]
    code = f"import sys; import octavo.cli.main; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT.parent)
    assert done.stdout.strip() == "[]"
