"""An environment for each version of Octavo: a revision of this repository, and the checkout as it is.

Octavo and its libraries are installed into it as a user has them, with bytecode. The environment of a revision is made
once and used again; into that of the checkout Octavo is installed anew each time.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from benchmarks.install import make_environment
from benchmarks.peer import ROOT, Tools

COMPLETE = "complete"
"""The file that says that all of an environment is there."""


class NotInstalled(Exception):
    """A version that cannot be had; the message says why."""


@dataclass(frozen=True)
class Version:
    """An installed version. ``title`` names it in tables, ``python`` is the interpreter that has it."""

    title: str
    python: Path


def install_revision(revision: str, folder: Path) -> Version:
    """Make the environment of a revision, unless it is there. Raises NotInstalled."""
    commit = _commit(revision)
    tools = _environment(commit[:12], folder)
    mark = tools.folder / COMPLETE
    python = tools.program("python")
    if python is None or not mark.is_file():
        with tempfile.TemporaryDirectory(prefix="octavo-revision-") as passing:
            archive = Path(passing) / "octavo.tar.gz"
            _git("archive", "--format=tar.gz", "--prefix=octavo/", f"--output={archive}", commit)
            python = _install(archive, tools)
        mark.touch()
    return Version(commit[:7] if commit.startswith(revision) else f"{revision} ({commit[:7]})", python)


def install_checkout(folder: Path) -> Version:
    """Install the checkout as it is now, with all that is not committed. Raises NotInstalled."""
    return Version("checkout", _install(ROOT, _environment("checkout", folder)))


def libraries(version: Version) -> frozenset[str]:
    """The libraries that a version runs with, as ``name==version``."""
    command = [str(version.python), "-m", "pip", "freeze", "--exclude", "octavo"]
    return frozenset(subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\n")) - {""}


def _environment(name: str, folder: Path) -> Tools:
    """Bytecode, and libraries with C in them, are of one version of Python only."""
    return Tools(folder / f"{name}-{sys.implementation.cache_tag}")


def _commit(revision: str) -> str:
    try:
        return _git("rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}").strip()
    except NotInstalled:
        raise NotInstalled(f"this repository has no revision '{revision}'") from None


def _git(*arguments: str) -> str:
    ran = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True)
    if ran.returncode:
        raise NotInstalled(f"git {arguments[0]}: {ran.stderr.strip()}")
    return ran.stdout


def _install(source: Path, tools: Tools) -> Path:
    python = make_environment(tools)
    # A version without bytecode would compile itself in each build, or not, as its surroundings have it.
    command = [str(python), "-m", "pip", "install", "--quiet", "--compile", str(source)]
    ran = subprocess.run(command, capture_output=True, text=True)
    if ran.returncode:
        raise NotInstalled(f"pip could not install {source.name}:\n{ran.stderr.strip()}")
    return python
