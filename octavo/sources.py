"""Every file that a site is made from, listed at one moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from octavo import config, disk, extend
from octavo.diagnostic import Diagnostic, Span, error
from octavo.digest import Digest, digest
from octavo.model import Settings

CONFIG = "pyproject.toml"
FOLDERS = ("posts", "layouts", "assets")


@dataclass(frozen=True)
class Files:
    """The files of a site with its settings. ``layouts`` are by name: (what problems call it, the file)."""

    settings: Settings
    config_text: str | None
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
    text, problems = _config_text(root)
    settings, found_problems = config.read_settings(text, root.name, overrides)
    problems += found_problems
    below_posts = disk.list_files(root, "posts", cache)
    problems += below_posts.problems
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
        config_text=text,
        posts={path: file for path, file in below_posts.files.items() if disk.is_source(path)},
        others={path: file for path, file in below_posts.files.items() if not disk.is_source(path)},
        layouts=layouts,
        assets=assets,
        script=extend.script_digest(root),
        problems=(*problems, *disk.same_names(below_posts.files)),
    )


def _config_text(root: Path) -> tuple[str | None, tuple[Diagnostic, ...]]:
    try:
        return (root / CONFIG).read_text("utf-8-sig"), ()
    except FileNotFoundError:
        return None, ()
    except UnicodeDecodeError as problem:
        place = Span(1 + problem.object.count(b"\n", 0, problem.start))
        return None, (error(CONFIG, place, "encoding", "the file is not UTF-8", "save it as UTF-8"),)


def _themes(root: Path) -> list[tuple[Path, str]]:
    """The folders that hold ``layouts/`` and ``assets/``, the site's own last: (folder, what its paths begin with)."""
    theme = theme_folder()
    return [(root, "")] if theme == root else [(theme, "theme/"), (root, "")]


def theme_folder() -> Path:
    """The default theme: in the wheel beside this module, in a checkout at the top."""
    here = Path(__file__).resolve().parent
    return here / "theme" if (here / "theme").is_dir() else here.parent
