"""The packages: their order, held against every import, and names that are there only once."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
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
