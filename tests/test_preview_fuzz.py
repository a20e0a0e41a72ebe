"""A short run of the preview's differential fuzz; ``python -m tests.preview_fuzz`` runs it at length."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from octavo.preview import session
from tests.fuzz import CleanBuilder, Difference
from tests.preview_fuzz import run

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the clean builds are forked")


@pytest.mark.parametrize("seed", [2, 3])
def test_what_the_preview_shows_at_rest_is_the_clean_build(seed: int, tmp_path: Path) -> None:
    with CleanBuilder() as clean:
        states = list(run(seed, 12, tmp_path, clean))
    assert sum(states) > 6, "most states must be compared in full"


def test_a_preview_that_keeps_what_it_has_shown_is_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "_is_current", lambda page, facts: True)
    with CleanBuilder() as clean, pytest.raises(Difference, match="differs"):
        for seed in range(2, 8):
            list(run(seed, 12, tmp_path / str(seed), clean))
