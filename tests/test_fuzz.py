"""A short run of the differential fuzz, and a few of its mutants; ``make fuzz`` runs them at length."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.fuzz import CleanBuilder, run
from tests.mutants import (
    Mutant,
    an_item_once_run_is_never_run_again,
    caught,
    files_that_are_wanted_no_more_stay,
    lost_outputs_are_not_missed,
    only_the_first_answers_are_checked,
    the_lists_of_related_posts_are_never_updated,
    warnings_are_told_once,
    who_shares_a_part_is_not_told_what_it_asked,
)

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="the clean builds are forked")


@pytest.mark.parametrize("seed", [14, 159])
def test_incremental_builds_are_clean_builds(seed: int, tmp_path: Path) -> None:
    with CleanBuilder() as clean:
        reports = list(run(seed, 15, tmp_path, clean))
    assert sum(not report.failed for report in reports) > 8, "most builds must be compared in full"


# Each with the seed at which it was caught soonest; the search goes on from there when the fuzz has changed.
@pytest.mark.parametrize(
    ("mutant", "first"),
    [
        (only_the_first_answers_are_checked, 0),
        (an_item_once_run_is_never_run_again, 0),
        (the_lists_of_related_posts_are_never_updated, 0),
        (files_that_are_wanted_no_more_stay, 0),
        (warnings_are_told_once, 0),
        (lost_outputs_are_not_missed, 1),
        (who_shares_a_part_is_not_told_what_it_asked, 0),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_broken_engine_is_caught(mutant: Mutant, first: int) -> None:
    assert caught(mutant, range(first, first + 10), 30)
