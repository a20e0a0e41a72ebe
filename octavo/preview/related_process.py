"""Related posts, worked out in a process of its own: what that takes in memory is given back with it, and a page that
is saved meanwhile does not wait."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from octavo.base.digest import Digest
from octavo.engine.observer import Observer
from octavo.output.publish_errors import PublishError
from octavo.project.build import make_inputs
from octavo.project.build_report import Options
from octavo.project.processes import Workers
from octavo.project.project import Project
from octavo.project.stat_cache import FileChanged

if TYPE_CHECKING:
    from octavo.project.site_files import Files

NICE = 5
"""By how much it gives way to whoever waits for a page."""


class RelatedRun(NamedTuple):
    """What another process has written to the cache: for files that ``inputs`` stands for, runs of these ``steps``."""

    inputs: Digest
    steps: frozenset[str]


class Overtaken(Exception):
    """Files were saved again whenever they were read: no fault of the site. (The reason of an exception is lost on its
    way from one process to another, so it has a name of its own.)"""


def is_overtaken(problem: object) -> bool:
    """Whether work on one listing of the files had to be given up because they were saved meanwhile."""
    return isinstance(problem, Overtaken) or (
        isinstance(problem, PublishError) and isinstance(problem.__cause__, FileChanged)
    )


class _Steps(Observer):
    """Remembers which steps were run."""

    def __init__(self) -> None:
        self.seen = {"relate"}  # a fold tells of none of its runs

    def ran(self, phase: str, item: str, seconds: float) -> None:
        self.seen.add(phase)


def relate_apart(root: str, options: Options) -> RelatedRun:
    """Work out the related posts of a site into its cache."""
    from octavo.site import pipeline

    steps = _Steps()
    with Project(Path(root), options, observer=steps) as project:

        def learn(files: Files) -> RelatedRun:
            inputs = make_inputs(project.root, project.options, files, project.options.now())
            memo = project.memo(inputs)
            known = pipeline.learn(inputs, memo)
            # All that comes of them is kept as well, and found by whoever looks at the site next.
            list(pipeline.check(inputs, memo, known, pipeline.describe(inputs, memo, known)))
            memo.finish()
            return RelatedRun(files.digest(), frozenset(steps.seen))

        return project.alone_with(learn)


class Relating:
    """One such process at a time. ``ended`` is called with what has come of it, in another thread, unless it was
    stopped."""

    def __init__(self, project: Project, ended: Callable[[RelatedRun | BaseException], None]) -> None:
        self._project, self._ended = project, ended
        self._workers = Workers(2)
        self._running: Future[RelatedRun] | None = None

    def start(self) -> None:
        """Begin, unless it is under way: what it finds may be out of date by then, but there is an end to it."""
        if self._running is not None:
            return
        pool = self._workers.pool()
        assert pool is not None
        options = replace(self._project.options, jobs=1)
        self._running = pool.submit(_nicely, str(self._project.root), options)
        self._running.add_done_callback(self._done)

    def stop(self) -> None:
        """End it at once: somebody needs the cache."""
        self._running = None
        self._workers.close()

    def _done(self, done: Future[RelatedRun]) -> None:
        if done.cancelled() or self._running is not done:
            return
        problem = done.exception()
        self._ended(problem if problem is not None else done.result())


def _nicely(root: str, options: Options) -> RelatedRun:
    if hasattr(os, "nice"):
        os.nice(NICE)
    try:
        return relate_apart(root, options)
    except PublishError as problem:
        if is_overtaken(problem):
            raise Overtaken(str(problem)) from problem
        raise
