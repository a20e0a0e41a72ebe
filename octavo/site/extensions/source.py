"""The source of a site's build.py and of the local modules it imports.

It is found without running any.
"""

from __future__ import annotations

import ast
from pathlib import Path

from octavo.base.digest import Digest, digest
from octavo.base.names import SCRIPT_FILE
from octavo.engine.facts import Unanswered


class ScriptChanged(Unanswered):
    """build.py, or a module it imports, was changed after it was listed.

    What was run may be another script than the one that was digested.
    """


def script_digest(root: Path) -> Digest | None:
    """The digest of build.py and of the local modules it imports.

    They are found in its source without running it. Raises OSError when one of them cannot be read.
    """
    sources = script_sources(root)
    return digest(sources) if sources else None


def script_sources(root: Path) -> tuple[tuple[str, bytes], ...]:
    """build.py and the local modules it imports, by path.

    Raises OSError.
    """
    return tuple(sorted((file.relative_to(root).as_posix(), data) for file, data in _script_sources(root).items()))


def script_files(root: Path) -> tuple[Path, ...]:
    """The files of build.py and of the local modules that it imports.

    They are for a watcher; when one cannot be read, it is build.py alone.
    """
    try:
        return tuple(sorted(_script_sources(root)))
    except OSError:
        return (root / SCRIPT_FILE,)


def script_places(root: Path) -> tuple[str, ...]:
    """Where build.py and each local module that it may import is, or would be.

    Raises OSError.
    """
    read = _script_sources(root)
    looked_for = {place for file, data in read.items() for place in _places(root, file, data)}
    return tuple(sorted(map(str, {root / SCRIPT_FILE, *looked_for})))


def _script_sources(root: Path) -> dict[Path, bytes]:
    sources: dict[Path, bytes] = {}
    queue = [root / SCRIPT_FILE] if (root / SCRIPT_FILE).is_file() else []
    while queue:
        file = queue.pop()
        if file not in sources:
            sources[file] = file.read_bytes()
            queue.extend(place for place in _places(root, file, sources[file]) if place.is_file())
    return sources


def _places(root: Path, file: Path, source: bytes) -> list[Path]:
    """Where below ``root`` the modules that another imports would be.

    One with a syntax error imports nothing.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return []
    names: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            package = list(file.relative_to(root).parent.parts)
            package = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*package, *([node.module] if node.module else [])])
            # What is imported from a package may be one of its modules, or a name in it: both are looked for.
            names += [module, *(f"{module}.{alias.name}" for alias in node.names)]
    places = []
    for name in names:
        parts = [part for part in name.split(".") if part]
        if parts[:1] == ["octavo"]:
            continue  # in a checkout the generator stands in the site's folder; its source is in the salt
        # To import a.b.c is to run a and a.b as well; and which of a.py and a/__init__.py there is may change.
        for count in range(1, len(parts) + 1):
            base = root.joinpath(*parts[:count])
            places += [base.with_suffix(".py"), base / "__init__.py"]
    return places
