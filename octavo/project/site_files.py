"""Every file that a site is made from, listed at one moment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from octavo.base import source_text
from octavo.base.diagnostics import Diagnostic
from octavo.base.digest import Digest, digest, digest_bytes
from octavo.base.file_stat import FileState
from octavo.base.names import ASSETS_FOLDER, CONFIG_FILE, POSTS_FOLDER
from octavo.base.shortage import raise_if_shortage
from octavo.project import stat_cache
from octavo.site.extensions.source import script_digest

if TYPE_CHECKING:
    from octavo.model.settings import Settings

FOLDERS = (POSTS_FOLDER, "layouts/", ASSETS_FOLDER)
"""The folders of a site whose files make it."""

THEME = "theme/"
"""What the paths of the default theme's files begin with, in problems."""


@dataclass(frozen=True)
class Files:
    """The files of a site, listed.

    ``folders`` are those they were in, or would have been, by location; ``linked`` says whether there were links among
    them. ``layouts`` are by name: (what problems call it, the file).
    """

    config: ConfigFile
    folders: tuple[str, ...]
    linked: bool
    posts: Mapping[str, stat_cache.FileEntry]
    others: Mapping[str, stat_cache.FileEntry]
    layouts: Mapping[str, tuple[str, stat_cache.FileEntry]]
    assets: Mapping[str, stat_cache.FileEntry]
    script: Digest | None
    faults: tuple[Diagnostic, ...]

    @property
    def settings(self) -> Settings:
        return self.config.settings

    @property
    def problems(self) -> tuple[Diagnostic, ...]:
        return (*self.config.problems, *self.faults)

    def states(self) -> Iterator[tuple[str, FileState]]:
        """The state of each file by its location."""
        for files in (self.posts, self.others, self.assets):
            yield from ((file.location, file.state) for file in files.values())
        yield from ((file.location, file.state) for _, file in self.layouts.values())

    def digest(self) -> Digest:
        """Of everything listed: equal for two listings that make the same site."""
        return digest(
            (
                (self.config.folder, self.config.data, self.config.overrides, self.config.faults),
                _contents((path, file) for path, file in self.posts.items()),
                _contents((path, file) for path, file in self.others.items()),
                _contents((f"{name}\0{path}", file) for name, (path, file) in self.layouts.items()),
                _contents((name, file) for name, file in self.assets.items()),
                self.script,
                self.faults,
            )
        )


def _contents(files: Iterable[tuple[str, stat_cache.FileEntry]]) -> Digest:
    """Of the names of files, which hold no NUL, and of what is in them."""
    rows = sorted([f"{name}\0".encode() + file.digest for name, file in files])
    return digest_bytes(b"".join(rows))


def list_site(root: Path, cache: stat_cache.StatCache, overrides: Mapping[str, str]) -> Files:
    """List a site's folder and the default theme beneath it.

    ``overrides`` are settings given on the command line.
    """
    below_posts = stat_cache.list_files(root, POSTS_FOLDER.removesuffix("/"), cache)
    script, script_faults = _script(root)
    faults = below_posts.problems + script_faults
    folders = [f"{root}/{name}" for name in below_posts.folders]
    linked = below_posts.linked
    layouts: dict[str, tuple[str, stat_cache.FileEntry]] = {}
    assets: dict[str, stat_cache.FileEntry] = {}
    for folder, prefix in _themes(root):
        for kind in ("layouts", "assets"):
            listing = stat_cache.list_files(folder, kind, cache, prefix)
            faults += listing.problems
            folders += [f"{folder}/{name}" for name in listing.folders]
            linked = linked or listing.linked
            for path, file in listing.files.items():
                name = path.removeprefix(f"{prefix}{kind}/")
                if kind == "layouts":
                    layouts[name] = (path, file)
                else:
                    assets[name] = file
    cache.save()
    posts = {path: file for path, file in below_posts.files.items() if stat_cache.is_source(path)}
    return Files(
        config=read_config(root, overrides),
        folders=tuple(folders),
        linked=linked,
        posts=posts,
        others={path: file for path, file in below_posts.files.items() if path not in posts},
        layouts=layouts,
        assets=assets,
        script=script,
        faults=(*faults, *stat_cache.find_same_names(below_posts.files)),
    )


@dataclass(frozen=True)
class ConfigFile:
    """pyproject.toml as it was read.

    ``data`` is None where there is none; ``folder`` is the name of the site's folder. Its content is looked into when a
    setting is wanted, for nothing is as long as nothing changed.
    """

    folder: str
    data: bytes | None
    overrides: tuple[tuple[str, str], ...]
    faults: tuple[Diagnostic, ...] = ()

    @property
    def settings(self) -> Settings:
        return self._read[0]

    @property
    def problems(self) -> tuple[Diagnostic, ...]:
        return self._read[1]

    @cached_property
    def _read(self) -> tuple[Settings, tuple[Diagnostic, ...]]:
        from octavo.project import config

        text, problems = None, self.faults
        if self.data is not None:
            read, problems = source_text.decode(CONFIG_FILE, self.data)
            text = read.text if read else None
        settings, faults = config.read_settings(text, self.folder, dict(self.overrides))
        return settings, (*problems, *faults)


def read_config(root: Path, overrides: Mapping[str, str]) -> ConfigFile:
    """Read the settings of a site.

    ``overrides`` are those given on the command line.
    """
    chosen = tuple(sorted(overrides.items()))
    try:
        return ConfigFile(root.name, (root / CONFIG_FILE).read_bytes(), chosen)
    except FileNotFoundError:
        return ConfigFile(root.name, None, chosen)
    except OSError as problem:
        return ConfigFile(root.name, None, chosen, (stat_cache.make_unreadable(CONFIG_FILE, problem),))


def _script(root: Path) -> tuple[Digest | None, tuple[Diagnostic, ...]]:
    try:
        return script_digest(root), ()
    except OSError as problem:
        raise_if_shortage(problem)
        path = Path(problem.filename).relative_to(root).as_posix()
        return None, (stat_cache.make_unreadable(path, problem),)


def _themes(root: Path) -> list[tuple[Path, str]]:
    """The folders that hold ``layouts/`` and ``assets/``, the site's own last: (folder, what its paths begin with)."""
    theme = theme_folder()
    return [(root, "")] if theme == root else [(theme, THEME), (root, "")]


def theme_folder() -> Path:
    """The default theme: in the wheel in the package, in a checkout beside it."""
    here = Path(__file__).resolve().parent.parent
    return here / "theme" if (here / "theme").is_dir() else here.parent
