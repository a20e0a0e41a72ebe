from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "octavo"
MODULES = sorted(path.stem for path in PACKAGE.glob("*.py") if path.stem != "__init__")
ROW = re.compile(r"^    (?:(?P<layer>\d) (?P<name>\w+) +(?P<rule>together|apart) +|  +)(?P<module>\w+)  +\S")


def table() -> dict[str, tuple[int, bool]]:
    """Module -> (layer, whether it may import from its own layer), from the package's docstring."""
    docstring = ast.get_docstring(ast.parse((PACKAGE / "__init__.py").read_text("utf-8")), clean=False) or ""
    rows: dict[str, tuple[int, bool]] = {}
    layer, together = -1, False
    for line in docstring.splitlines():
        match = ROW.match(line)
        if match is None:
            continue
        if match["layer"]:
            layer, together = int(match["layer"]), match["rule"] == "together"
        rows[match["module"]] = (layer, together)
    return rows


def imports(module: str) -> Iterator[str]:
    """The modules of the package that one imports, wherever in the file the import stands."""
    for node in ast.walk(ast.parse((PACKAGE / f"{module}.py").read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "octavo":
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("octavo."):
            yield node.module.split(".")[1]
        elif isinstance(node, ast.Import):
            yield from (alias.name.split(".")[1] for alias in node.names if alias.name.startswith("octavo."))


def test_every_module_is_in_the_table_and_every_row_is_a_module() -> None:
    assert sorted(table()) == MODULES


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_from_lower_layers_only(module: str) -> None:
    layers = table()
    layer, together = layers[module]
    for other in imports(module):
        if other not in layers:
            continue  # a name that the package itself offers
        below = layers[other][0] < layer or (together and layers[other][0] == layer)
        assert below, f"{module} (layer {layer}) imports {other}"


def test_there_are_no_circles() -> None:
    graph = {module: {other for other in imports(module) if other in MODULES} for module in MODULES}
    assert list(TopologicalSorter(graph).static_order())


def test_nothing_heavy_is_imported_before_it_is_needed() -> None:
    """What a build that finds nothing changed must not import."""
    heavy = ["jinja2", "markdown_it", "numpy", "pygments", "yaml", "frontmatter", "watchdog", "asyncio", "PIL"]
    code = f"import sys; import octavo.cli; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=PACKAGE.parent)
    assert done.stdout.strip() == "[]"
