from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.sites import BASE, SiteFolder


@pytest.fixture
def site(tmp_path: Path) -> Callable[[str], SiteFolder]:
    """``site("-- posts/a.md --\\n…")``: a site in a folder of its own, with a base URL unless it has its settings."""

    def make(archive: str = "") -> SiteFolder:
        root = tmp_path / "site"
        (root / "posts").mkdir(parents=True)
        folder = SiteFolder(root).write("pyproject.toml", BASE)
        return folder.edit(archive) if archive else folder

    return make
