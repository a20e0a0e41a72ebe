"""The tools that an audit needs and the project does not: from npm into ``.audit/``, from Debian onto the machine."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
FOLDER = HERE.parent / ".audit"

_DEBIAN = {
    "chromium": ("chromium", "google-chrome", "google-chrome-stable", "chromium-browser"),
    "default-jre-headless": ("java",),
    "nodejs": ("node",),
    "npm": ("npm",),
}
"""The packages, and the commands of which each gives one."""


class Missing(Exception):
    """A tool is not there and cannot be installed."""


@dataclass(frozen=True)
class Tools:
    chromium: str
    node: str
    java: str
    modules: Path

    @property
    def nu(self) -> Path:
        return self.modules / "vnu-jar" / "build" / "dist" / "vnu.jar"

    @property
    def axe(self) -> Path:
        return self.modules / "axe-core" / "axe.min.js"


def tools(lighthouse: bool) -> Tools:
    """All of them, installed where they are missing; Lighthouse, by far the largest, only when it is asked for."""
    lacking = [package for package, commands in _DEBIAN.items() if _find_command(commands) is None]
    if lacking:
        _install(lacking)
    _modules(lighthouse)
    chromium, java, node, _ = (_find_command(commands) or "" for commands in _DEBIAN.values())
    return Tools(chromium, node, java, FOLDER / "node_modules")


def _find_command(commands: Sequence[str]) -> str | None:
    return next((path for command in commands if (path := shutil.which(command))), None)


def _install(packages: Sequence[str]) -> None:
    command = ["apt-get", "install", "--yes", "--quiet=2", "--no-install-recommends", *packages]
    if shutil.which("apt-get") is None or os.geteuid() != 0:
        raise Missing(f"these are needed: {', '.join(packages)}. On Debian, as root: {' '.join(command)}")
    for each in (["apt-get", "update", "--quiet=2"], command):
        subprocess.run(each, check=True, stdout=subprocess.DEVNULL)


def _modules(lighthouse: bool) -> None:
    """What ``package.json`` names, unless it has been installed. No lock file: it would name a registry."""
    requirements = (HERE / "package.json").read_text()
    if all(_is_installed(FOLDER / f"installed{more}", requirements) for more in ("", "-lighthouse")[: 1 + lighthouse]):
        return
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / "package.json").write_text(requirements)
    command = ["npm", "install", "--no-package-lock", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    if not lighthouse:
        command.append("--omit=optional")
    done = subprocess.run(command, cwd=FOLDER, capture_output=True, text=True, check=False)
    if done.returncode:
        raise Missing(f"npm could not install the tools:\n{done.stderr or done.stdout}")
    (FOLDER / "installed").write_text(requirements)
    if lighthouse:
        (FOLDER / "installed-lighthouse").write_text(requirements)


def _is_installed(stamp: Path, requirements: str) -> bool:
    return stamp.is_file() and stamp.read_text() == requirements
