"""Names with one home, and the places that spell them out because they must not import it."""

from __future__ import annotations

from pathlib import Path

from octavo.base import names
from octavo.cli import main
from octavo.project.noop_replay import FILE


def test_the_short_way_looks_in_the_cache_folder(tmp_path: Path) -> None:
    (tmp_path / names.CACHE_FOLDER).mkdir()
    (tmp_path / names.CACHE_FOLDER / FILE).touch()
    assert main._cache(["-C", str(tmp_path)]) == f"{tmp_path}/{names.CACHE_FOLDER}"
