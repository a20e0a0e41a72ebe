from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

from tests.battery import ALPHAS, GuardedSite
from tests.sites import BASE, SiteFolder

# On a busy machine any example may take long.
settings.register_profile("octavo", deadline=None)
settings.load_profile("octavo")


@pytest.fixture
def site(tmp_path: Path) -> Callable[[str], SiteFolder]:
    """``site("-- posts/a.md --\\n…")``: a site in a folder of its own, with a base URL unless it has its settings."""

    def make(archive: str = "") -> SiteFolder:
        root = tmp_path / "site"
        (root / "posts").mkdir(parents=True)
        folder = SiteFolder(root).write("pyproject.toml", BASE)
        return folder.edit(archive) if archive else folder

    return make


@pytest.fixture(scope="session")
def _established(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three good posts, already built, and canaries around them."""
    home = tmp_path_factory.mktemp("battery") / "home"
    for canary in ("canary", "site/outputx", "site/output-evil/canary"):
        (home / canary).parent.mkdir(parents=True, exist_ok=True)
        (home / canary).write_text("untouched")
    GuardedSite(home / "site").write("pyproject.toml", BASE).edit(ALPHAS).built()
    return home


@pytest.fixture
def battery(_established: Path, tmp_path: Path) -> Callable[[str], GuardedSite]:
    """``battery("-- posts/a.md --\\n…")``: an archive written into a guarded site that has been built before.

    A file waits to be published, so that a build that publishes when it should not is seen.
    """

    def make(archive: str = "") -> GuardedSite:
        home = tmp_path / "home"
        shutil.copytree(_established, home, symlinks=True)
        folder = GuardedSite(home / "site")
        folder.write("assets/root/waiting.txt", "not yet published")
        if archive:
            folder.edit(archive)
        return folder

    return make
