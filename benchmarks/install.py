"""Peers installed into environments of their own, never into that of the project."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from benchmarks.peer import Tools


class Installable(Protocol):
    """``name`` is that of the environment, ``pip`` and ``npm`` are packages."""

    @property
    def name(self) -> str: ...

    @property
    def title(self) -> str: ...

    @property
    def pip(self) -> tuple[str, ...]: ...

    @property
    def npm(self) -> tuple[str, ...]: ...


def install(peers: Iterable[Installable], tools: Tools) -> int:
    """Install the newest version of each peer, and make its environment where it is not there. 1 when one failed."""
    failed = []
    for peer in peers:
        own = tools.of(peer.name)
        if not (_python_packages(peer, own) and _node_packages(peer, own)):
            failed.append(peer.title)
    if failed:
        print("not installed: " + ", ".join(failed), file=sys.stderr)
    return 1 if failed else 0


def make_environment(tools: Tools) -> Path:
    """The interpreter of an environment, which is made where it is not there."""
    python = tools.program("python")
    if python is not None:
        return python
    subprocess.run([sys.executable, "-m", "venv", str(tools.folder)], check=True)
    python = tools.program("python")
    assert python is not None
    return python


def _python_packages(peer: Installable, tools: Tools) -> bool:
    if not peer.pip:
        return True
    command = [str(make_environment(tools)), "-m", "pip", "install", "--quiet", "--upgrade", *peer.pip]
    return subprocess.run(command).returncode == 0


def _node_packages(peer: Installable, tools: Tools) -> bool:
    if not peer.npm:
        return True
    npm = shutil.which("npm")
    if npm is None:
        print(f"npm was not found; {peer.title} needs it", file=sys.stderr)
        return False
    folder = tools.modules.parent
    folder.mkdir(parents=True, exist_ok=True)
    command = [npm, "install", "--silent", "--no-fund", "--no-audit", "--prefix", str(folder), *peer.npm]
    return subprocess.run(command, cwd=folder).returncode == 0
