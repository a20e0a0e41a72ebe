"""Builds that follow the files of a site."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import BrokenExecutor

from octavo.base.names import POSTS_FOLDER
from octavo.project.build_report import Report
from octavo.project.errors import Failure, Usage, explain_failure
from octavo.project.project import Project
from octavo.project.watcher import Changes

HOLD_BACK_SECONDS = 0.6
"""Seconds for which a new failure is held back: an editor that empties a file and then fills it leaves it so meanwhile
(VS Code, sync tools)."""

MOST_HELD_BACK = 3
"""Failures held back in a row: one that goes on while much else is saved is told all the same."""


def rebuild_on_change(project: Project, changes: Changes) -> Iterator[Report | Failure]:
    """Build now, and again each time that something may have changed.

    It goes on until the changes end. Yields what has come of each build. Nothing ends the series but its end: what
    keeps a build from being done may pass, as a folder that is away while a branch is checked out.
    """
    outcome = try_build(project)
    failed = _has_failed(outcome)
    yield outcome
    while changes.wait():
        outcome = try_build(project)
        if not failed:
            for _ in range(MOST_HELD_BACK):
                if not _has_failed(outcome) or not changes.wait_more(HOLD_BACK_SECONDS):
                    break
                outcome = try_build(project)
        failed = _has_failed(outcome)
        yield outcome


def try_build(project: Project) -> Report | Failure:
    """What has come of one build."""
    try:
        if not (project.root / POSTS_FOLDER).is_dir():
            raise Usage("the folder posts/ is gone: what was built is left as it is")
        return project.build()
    except Exception as problem:
        if isinstance(problem, BrokenExecutor):
            project.workers.close()
        return explain_failure(problem, project.root)


def _has_failed(outcome: Report | Failure) -> bool:
    return isinstance(outcome, Failure) or outcome.failed
