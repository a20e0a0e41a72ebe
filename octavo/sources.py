"""Every file that a site is made from, listed at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from octavo import config, disk, extend, source
from octavo.diagnostic import Diagnostic
from octavo.digest import Digest, digest
from octavo.model import Settings

CONFIG = "pyproject.toml"
FOLDERS = ("posts", "layouts", "assets")
THEME = "theme/"
"""What the paths of the default theme's files begin with, in problems."""


@dataclass(frozen=True)
class Files:
    """The files of a site with its settings. ``layouts`` are by name: (what problems call it, the file)."""

    settings: Settings
    posts: Mapping[str, disk.Found]
    others: Mapping[str, disk.Found]
    layouts: Mapping[str, tuple[str, disk.Found]]
    assets: Mapping[str, disk.Found]
    script: Digest | None
    problems: tuple[Diagnostic, ...]

    def digest(self) -> Digest:
        """Of everything listed: equal for two listings that make the same site."""
        return digest(
            (
                self.settings,
                tuple((path, found.digest) for path, found in sorted(self.posts.items())),
                tuple((path, found.digest) for path, found in sorted(self.others.items())),
                tuple((name, path, found.digest) for name, (path, found) in sorted(self.layouts.items())),
                tuple((name, found.digest) for name, found in sorted(self.assets.items())),
                self.script,
                self.problems,
            )
        )


def list_site(root: Path, cache: disk.StatCache, overrides: Mapping[str, str]) -> Files:
    """List a site's folder and the default theme beneath it. ``overrides`` are settings given on the command line."""
    settings, problems = read_settings(root, overrides)
    below_posts = disk.list_files(root, "posts", cache)
    script, script_problems = _script(root)
    problems += below_posts.problems + script_problems
    layouts: dict[str, tuple[str, disk.Found]] = {}
    assets: dict[str, disk.Found] = {}
    for folder, shown in _themes(root):
        for kind in ("layouts", "assets"):
            listing = disk.list_files(folder, kind, cache, shown)
            problems += listing.problems
            for path, file in listing.files.items():
                name = path.removeprefix(f"{shown}{kind}/")
                if kind == "layouts":
                    layouts[name] = (path, file)
                else:
                    assets[name] = file
    cache.save()
    return Files(
        settings=settings,
        posts={path: file for path, file in below_posts.files.items() if disk.is_source(path)},
        others={path: file for path, file in below_posts.files.items() if not disk.is_source(path)},
        layouts=layouts,
        assets=assets,
        script=script,
        problems=(*problems, *disk.same_names(below_posts.files)),
    )


def read_settings(root: Path, overrides: Mapping[str, str]) -> tuple[Settings, tuple[Diagnostic, ...]]:
    """A site's settings, and what is wrong with them."""
    text, problems = _config_text(root)
    settings, found = config.read_settings(text, root.name, overrides)
    return settings, (*problems, *found)


def _config_text(root: Path) -> tuple[str | None, tuple[Diagnostic, ...]]:
    try:
        data = (root / CONFIG).read_bytes()
    except FileNotFoundError:
        return None, ()
    except OSError as problem:
        return None, (disk.unreadable(CONFIG, problem),)
    read, problems = source.decode(CONFIG, data)
    return read.text if read else None, problems


def _script(root: Path) -> tuple[Digest | None, tuple[Diagnostic, ...]]:
    try:
        return extend.script_digest(root), ()
    except OSError as problem:
        path = Path(problem.filename).relative_to(root).as_posix()
        return None, (disk.unreadable(path, problem),)


def _themes(root: Path) -> list[tuple[Path, str]]:
    """The folders that hold ``layouts/`` and ``assets/``, the site's own last: (folder, what its paths begin with)."""
    theme = theme_folder()
    return [(root, "")] if theme == root else [(theme, THEME), (root, "")]


def theme_folder() -> Path:
    """The default theme: in the wheel beside this module, in a checkout at the top."""
    here = Path(__file__).resolve().parent
    return here / "theme" if (here / "theme").is_dir() else here.parent
