"""Related posts, worked out in a process of its own: what that takes in memory is given back with it, and a page that
is saved meanwhile does not wait."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Future
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from octavo.digest import Digest
from octavo.project import Options, Project
from octavo.workers import Workers

if TYPE_CHECKING:
    from octavo.sources import Files

NICE = 5
"""By how much it gives way to whoever waits for a page."""


class Elsewhere(NamedTuple):
    """What another process has written to the cache: the related posts for files that ``inputs`` stands for, and
    nothing else if ``alone``."""

    inputs: Digest
    alone: bool


def relate_apart(root: str, options: Options) -> Elsewhere:
    """Work out the related posts of a site into its cache."""
    from octavo import pipeline

    with Project(Path(root), options) as project:

        def relate(files: Files) -> Elsewhere:
            inputs = project.inputs(files, project.now())
            known = pipeline.learn(inputs, project.memo(inputs))
            known.published.publication  # noqa: B018  # kept for whoever looks at the site next
            return Elsewhere(files.digest(), not known.documents.ran)

        return project.alone_with(relate)


class Relating:
    """One such process at a time. ``ended`` is called with what has come of it, in another thread, unless it was
    stopped."""

    def __init__(self, project: Project, ended: Callable[[Elsewhere | BaseException], None]) -> None:
        self._project, self._ended = project, ended
        self._workers = Workers(2)
        self._running: Future[Elsewhere] | None = None

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

    def _done(self, done: Future[Elsewhere]) -> None:
        problem = None if done.cancelled() else done.exception()
        if done.cancelled() or self._running is not done or isinstance(problem, BrokenExecutor):
            return
        self._ended(problem if problem is not None else done.result())


def _nicely(root: str, options: Options) -> Elsewhere:
    if hasattr(os, "nice"):
        os.nice(NICE)
    return relate_apart(root, options)
