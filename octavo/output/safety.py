"""Where output may be.

Nowhere that a build would write over what the site is made from, or that nobody meant.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from octavo.base.file_stat import identify_file
from octavo.base.names import CACHE_FOLDER
from octavo.base.urls import collision_key


class UnsafeOutput(Exception):
    """The folder chosen for output must not be written to.

    It holds, or lies in, what a build must leave alone. ``hint`` says what may be.
    """

    def __init__(self, message: str, hint: str = "name a folder of its own, such as --output public") -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message


def find_name_fault(name: str) -> tuple[str, str] | None:
    """What is wrong with a folder's name as it was written, and a hint.

    None for one that may well be meant. A shell that was kept from it by quotes, or a program without a shell, hands on
    what was to be something else.
    """
    if name != name.strip():
        return "has blanks around it", "name a folder, without blanks around it"
    if name.startswith("~"):
        return "begins with '~', which nobody has expanded", f"give the whole path; ./{name} is a folder of this name"
    if re.search(r"\$[\w{(]", name):
        return "holds a '$' that nobody has expanded", "give the whole path"
    return None


def check_output(root: Path, output: Path, sources: Sequence[Path], cache: Path | None = None) -> None:
    """Raise UnsafeOutput where ``output`` is no folder for a site.

    That is where it is the site's folder, a parent of it, the home folder, or a source folder, the cache or something
    in or around one, by whatever name, link or case; where it lies in a repository's ``.git`` or in any ``.octavo``; or
    where it is no folder.
    """
    real = _resolve(output)
    if output.is_symlink() and not output.exists():
        raise UnsafeOutput(f"the output folder '{output}' is a link that leads nowhere")
    if not next(folder for folder in (real, *real.parents) if folder.exists()).is_dir():
        raise UnsafeOutput(f"the output '{output}' is not a folder, or lies in what is none")
    if real == Path(real.anchor):
        raise UnsafeOutput(f"the output folder cannot be '{real}', the top of the file system")
    for folder, name in [(root, "the site's own folder"), *_home()]:
        if _contains(output, folder):
            raise UnsafeOutput(f"the output folder '{output}' is {name} or holds it: choose one of its own")
    for folder in sources:
        if _contains(output, folder) or _contains(folder, output):
            raise UnsafeOutput(f"the output folder '{output}' and the source folder '{folder.name}' hold one another")
    # What lies above the site as well is no choice of this output.
    for part in _parts_from(_resolve(root), real):
        if collision_key(part) in _RESERVED:
            raise UnsafeOutput(f"the output folder '{output}' lies in '{part}', which holds what is never published")
    if cache is not None:
        check_apart(output, cache)


_RESERVED = (".git", CACHE_FOLDER)


def _parts_from(root: Path, real: Path) -> tuple[str, ...]:
    try:
        return Path(os.path.relpath(real, root)).parts
    except ValueError:  # on another drive
        return real.parts


def check_apart(output: Path, cache: Path) -> None:
    """Raise UnsafeOutput where cache and output hold one another.

    That is where the cache lies in the output or the other way round.
    """
    if _contains(output, cache) or _contains(cache, output):
        raise UnsafeOutput(f"the output folder '{output}' and the cache '{cache}' hold one another")


def _home() -> list[tuple[Path, str]]:
    try:
        return [(Path.home(), "the home folder")]
    except RuntimeError:
        return []


def _contains(outer: Path, inner: Path) -> bool:
    """Whether ``inner`` is ``outer`` or lies in it, also where a system does not tell case or accents apart."""
    above, below = _resolve(outer), _resolve(inner)
    outer_key, inner_key = (tuple(map(collision_key, path.parts)) for path in (above, below))
    if inner_key[: len(outer_key)] == outer_key:
        return True
    own = identify_file(above)
    return own is not None and any(identify_file(folder) == own for folder in (below, *below.parents))


def _resolve(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError) as problem:
        raise UnsafeOutput(f"the folder '{path}' cannot be found: its links lead in a circle") from problem
