"""Peers installed into an environment of their own, never into that of the project."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterable

from peer import Peer, Tools


def install(peers: Iterable[Peer], tools: Tools) -> int:
    """Make the environment where it is not there and install what the peers need. The status of what failed, or 0."""
    chosen = list(peers)
    if tools.program("python") is None:
        subprocess.run([sys.executable, "-m", "venv", str(tools.folder)], check=True)
    python = tools.program("python")
    pip = sorted({package for peer in chosen for package in peer.pip})
    npm = sorted({package for peer in chosen for package in peer.npm})
    status = 0
    if pip:
        status |= subprocess.run([str(python), "-m", "pip", "install", "--quiet", "--upgrade", *pip]).returncode
    if npm and shutil.which("npm") is None:
        print("npm was not found, so these are left out: " + ", ".join(npm), file=sys.stderr)
    elif npm:
        folder = tools.modules.parent
        folder.mkdir(parents=True, exist_ok=True)
        command = ["npm", "install", "--silent", "--no-fund", "--no-audit", "--prefix", str(folder), *npm]
        status |= subprocess.run(command, cwd=folder).returncode
    return status
