"""A site's folder, opened for work, and what commands do with it."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import unquote, urlsplit

from octavo.base import urls
from octavo.base.names import CONFIG_FILE, SCRIPT_FILE
from octavo.engine.database import is_want
from octavo.engine.observer import Observer
from octavo.engine.store import CorruptStore
from octavo.output import manifest, publish
from octavo.output.publish_errors import DamagedManifest, NotStaged, PublishError, SourceChanged
from octavo.output.safety import check_output
from octavo.project.build import COMPLETE, BuildContext, build_site, check_site, make_inputs
from octavo.project.build_report import Options, PageTrace, Report, explain_page
from octavo.project.cache import Cache
from octavo.project.code_fingerprint import digest_code
from octavo.project.site_files import FOLDERS, Files, list_site, read_config, theme_folder
from octavo.project.stat_cache import FileChanged
from octavo.site.extensions import source

if TYPE_CHECKING:
    from octavo.engine.memo import Memo
    from octavo.model.settings import Settings
    from octavo.project.dask_cluster import Cluster
    from octavo.project.processes import Workers
    from octavo.site.inputs import Inputs
    from octavo.site.stages import LearnedSite

T = TypeVar("T")


def _say_nothing(line: str) -> None:
    pass


class Project:
    """A site's folder with its cache open.

    A context manager: leaving it ends the worker processes. Only one command at a time works with the cache; ``say``
    takes the line that tells of waiting for another one, and ``observer`` is told what goes on. Raises Locked, as all
    its methods do that need the cache.
    """

    def __init__(
        self, root: Path, options: Options, say: Callable[[str], None] = _say_nothing, observer: Observer | None = None
    ) -> None:
        self.root = root.resolve()
        self.options = options
        self.output = self.root / options.output
        self.observer = observer or Observer()
        self.cache = Cache(self.root, options, say)
        self._say = say
        self._context = BuildContext(self.root, self.output, options, self.cache, self.memo, self.observer, say)
        self._is_left_open = False

    def __enter__(self) -> Project:
        return self

    def __exit__(self, *_: object) -> None:
        if "workers" in vars(self):
            self.workers.close()
        if not self._is_left_open:
            self.cache.close()

    def leave_open(self) -> None:
        """Leave the cache as it is at the end.

        Another thread is still at work with it, and ends with the process.
        """
        self._is_left_open = True

    # What it is made of.

    @cached_property
    def workers(self) -> Workers | Cluster:
        """The processes that help, of this machine or of others."""
        if self.options.executor is not None:
            from octavo.project.dask_cluster import Cluster

            return Cluster(self.options.executor, digest_code, self._say)
        from octavo.project.processes import Workers, usable_cpus

        return Workers(self.options.jobs or usable_cpus())

    def settings(self) -> Settings:
        """The settings of the site as they are now."""
        return read_config(self.root, self.options.overrides).settings

    def watched_paths(self) -> tuple[Path, ...]:
        """The files and folders whose change may change the site."""
        of_theme = [theme_folder() / kind for kind in ("layouts", "assets")]
        names = (*FOLDERS, CONFIG_FILE, SCRIPT_FILE)
        return (*(self.root / name for name in names), *source.script_files(self.root), *of_theme)

    def memo(self, inputs: Inputs) -> Memo:
        """The memo of one build."""
        from octavo.engine.memo import Memo

        return Memo(self.cache.store, self.workers, inputs.script, self.observer)

    # What is done with all files at one moment.

    def build(self) -> Report:
        """Build and publish. Raises Locked, UnsafeOutput and PublishError."""
        started = time.monotonic()
        with self._alone_with_output():
            try:
                report = _work_steadily(self._context, lambda files: build_site(self._context, files))
            except BaseException as problem:
                # What was interrupted may have moved half of the files: it is completed rather than undone, for
                # what was replaced is gone, and the journal says what is to come.
                if self.cache.complete_sweep(self.output):
                    problem.add_note(COMPLETE)
                raise
        return replace(report, seconds=time.monotonic() - started)

    def check(self) -> Report:
        """Every problem of the site; nothing is published."""
        started = time.monotonic()
        report = self.alone_with(lambda files: check_site(self._context, files))
        return replace(report, seconds=time.monotonic() - started)

    def learn(self) -> LearnedSite:
        """What is known of the posts, without making a page."""
        from octavo.site import pipeline

        def learn_from(files: Files) -> LearnedSite:
            inputs = make_inputs(self.root, self.options, files, self.options.now())
            return pipeline.learn(inputs, self.memo(inputs))

        return self.alone_with(learn_from)

    def alone_with(self, work: Callable[[Files], T], follows: Callable[[], bool] = lambda: False) -> T:
        """Work on one listing of the files, with the cache to ourselves.

        They are listed again when one of them changes meanwhile. ``follows`` is asked, when another process has written
        to the cache, whether all of that is known. Raises Locked, and PublishError where a file keeps changing.
        """
        with self.cache.hold(follows), closing(self.observer):
            return _work_steadily(self._context, work)

    # What was made.

    def why(self, address: str) -> PageTrace:
        """What a page was last made from, and why it was rendered last."""
        url = unquote(urlsplit(address).path)
        base = urls.base_path(self.settings().base_url)
        if base and url.startswith(base + "/"):
            url = url.removeprefix(base)
        with self.cache.hold(), closing(self.observer):
            try:
                return explain_page(self.cache.store, url)
            except (CorruptStore, sqlite3.DatabaseError) as problem:
                if isinstance(problem, sqlite3.DatabaseError) and is_want(problem):
                    raise
                self.cache.begin_anew()
                return PageTrace(url, None, "", ())

    def published_files(self) -> tuple[str, ...]:
        """The files in ``output/`` that Octavo wrote."""
        return tuple(self.cache.with_manifest(lambda database: manifest.published_digests(database, self.output)))

    def remove_published(self) -> publish.RemovalResult:
        """Remove the files in ``output/`` that Octavo wrote.

        Raises Locked, UnsafeOutput and PublishError.
        """
        with self._alone_with_output():
            return self.cache.with_manifest(lambda database: publish.remove_published(database, self.output))

    def unknown_files(self) -> tuple[str, ...]:
        """The visible files in ``output/`` that Octavo does not know.

        Raises Locked, UnsafeOutput and PublishError.
        """
        with self._alone_with_output():
            return self.cache.with_manifest(lambda database: publish.unknown_files(database, self.output))

    def remove_cache(self) -> tuple[str, ...]:
        """Remove the cache while no other command works with it.

        What is to be published in another output folder stays, with what tells of it: answers these folders. Raises
        Locked, UnsafeOutput, PublishError and OSError.
        """
        with self._alone_with_output():
            return self.cache.remove()

    @contextmanager
    def _alone_with_output(self) -> Iterator[None]:
        """Work with the output folder and the cache while no other command does.

        A sweep that was interrupted is complete by then.
        """
        check_output(self.root, self.output, [self.root / name for name in FOLDERS], self.cache.home)
        with self.cache.hold(), closing(self.observer):
            self.cache.complete_sweep(self.output)
            yield


def _work_steadily(context: BuildContext, work: Callable[[Files], T]) -> T:
    """Work on one listing of the files, and on another where need be.

    They are listed again when one of them changed meanwhile, or the cache is damaged.
    """
    for attempt in range(1, 5):
        try:
            return work(_list_files(context))
        except (FileChanged, source.ScriptChanged, SourceChanged, NotStaged):
            time.sleep(0.05 * attempt)
            if attempt > 1:
                context.cache.forget_stats()
        except (DamagedManifest, CorruptStore, sqlite3.DatabaseError, OSError) as problem:
            context.cache.mend(problem)
    try:
        return work(_list_files(context))
    except (FileChanged, source.ScriptChanged) as changed:
        raise PublishError("the file keeps changing while it is read", str(changed)) from changed


def _list_files(context: BuildContext) -> Files:
    context.observer.began("list")
    files = list_site(context.root, context.cache.stat_cache, context.options.overrides)
    context.observer.ended("list")
    return files
