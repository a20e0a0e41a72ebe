"""When a file's state says that it has not been changed, and when it is too young to say so."""

from __future__ import annotations

from pathlib import Path

import pytest

from octavo.base.file_stat import is_settled, state_of

SECOND = 1_000_000_000
NOON = 1_800_000_000 * SECOND


@pytest.mark.parametrize(
    ("mtime", "ctime", "seen", "settled"),
    [
        (NOON + 3, NOON + 3, NOON + SECOND // 20, False),
        (NOON + 3, NOON + 3, NOON + SECOND // 5, True),
        (NOON, NOON, NOON + SECOND, False),
        (NOON, NOON + 20_000_000, NOON + SECOND, False),
        (NOON, NOON, NOON + 3 * SECOND, True),
        (NOON - 9 * SECOND, NOON + 3, NOON + SECOND // 20, False),
        (NOON + 9 * SECOND, NOON + 3, NOON + SECOND, False),
    ],
    ids=["young", "settled", "coarse", "hundredths", "coarse-settled", "old-mtime", "mtime-to-come"],
)
def test_a_state_is_settled_when_the_clock_must_have_ticked_since(
    mtime: int, ctime: int, seen: int, settled: bool
) -> None:
    assert is_settled((1, mtime, ctime, 1), seen) is settled


def test_a_file_in_the_place_of_another_has_another_state(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    (tmp_path / "b").write_text("b")
    before = state_of((tmp_path / "a").stat())
    assert before == state_of((tmp_path / "a").stat())
    (tmp_path / "b").replace(tmp_path / "a")
    assert before != state_of((tmp_path / "a").stat())
