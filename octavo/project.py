"""One site's folder, opened for work: what build, check, watch and serve do, on the same straight line."""

from __future__ import annotations

import datetime as dt
import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from urllib.parse import unquote, urlsplit

from octavo import disk, manifest, publish, script, urls
from octavo.cache_folder import (
    CACHE,
    IMAGES,
    check_cache,
    find_cache,
    in_memory,
    is_busy,
    is_of_cache,
    is_out_of_memory,
    open_cache,
    open_manifest,
    open_store,
    put_aside,
    say_unwritable,
)
from octavo.codec import codec
from octavo.database import Foreign, is_want, most_rows
from octavo.diagnostic import Diagnostic, printable
from octavo.digest import Digest, digest, digest_bytes
from octavo.facts import Fact, fact
from octavo.journal import pending_outputs, recover
from octavo.lock import Locked, lock
from octavo.observe import Observer
from octavo.outlet import check_output
from octavo.paths import HIDDEN
from octavo.publish_errors import DamagedManifest, NotStaged, PublishError, SourceChanged
from octavo.salt import salt
from octavo.shortage import raise_if_shortage
from octavo.sources import CONFIG, FOLDERS, THEME, Files, list_site, read_config, theme_folder
from octavo.staging import READY, StagingFolder, Wanted, delete_folder, open_staging, ready_name, staged_at
from octavo.state import State, identity
from octavo.store import FILE as STORE_FILE
from octavo.store import CorruptStore, Store

if TYPE_CHECKING:
    from octavo.cluster import Cluster
    from octavo.gallery import Gallery, OrderedFiles
    from octavo.memo import Change, Memo
    from octavo.model import Order, Settings, SocialCard
    from octavo.pipeline import Built, Inputs, Known, Workshop
    from octavo.workers import Workers

T = TypeVar("T")

WAIT = 60.0
"""Seconds to wait for another build: longer than most take, and not for ever for one that hangs."""

_COMPLETE = "the new site was being published already, and is complete"


@dataclass(frozen=True)
class Options:
    """What the command line decides. ``at`` stands for now; ``wait`` is how long to wait for another build, in s;
    ``executor`` is the address of a Dask scheduler (HOST:PORT), or None for processes of this machine; ``preview`` is
    the name of a folder in the cache that is the cache of a preview."""

    output: str = "output"
    base_url: str | None = None
    drafts: bool = False
    future: bool = False
    at: dt.datetime | None = None
    jobs: int | None = None
    fresh: bool = False
    strict: bool = False
    allow_broken_links: bool = False
    cache: str | None = None
    wait: float = WAIT
    executor: str | None = None
    preview: str | None = None


@dataclass(frozen=True)
class Held:
    """A post that is not published, and since or until when, if that is a matter of time."""

    path: str
    state: str
    instant: dt.datetime | None = None


@dataclass(frozen=True)
class Grounds:
    """What it rests on that nothing had to be done: the states in which files were found, by location, that of other
    ``places`` since before ``began``, in ns by the clock of the cache's file system, and an instant within ``window``
    (from the first to before the second)."""

    states: tuple[tuple[str, State], ...]
    places: tuple[str, ...]
    began: int
    window: tuple[dt.datetime | None, dt.datetime | None]


@dataclass(frozen=True)
class Report:
    """What a build did. ``rendered`` and ``parsed`` are the pages (by URL) and the sources that were worked on;
    ``grounds`` are given where there was nothing to do."""

    pages: int = 0
    rendered: tuple[str, ...] = ()
    parsed: tuple[str, ...] = ()
    written: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    held: tuple[Held, ...] = ()
    problems: tuple[Diagnostic, ...] = ()
    seconds: float = 0.0
    grounds: Grounds | None = None

    @property
    def failed(self) -> bool:
        return any(problem.is_error for problem in self.problems)

    @property
    def status(self) -> int:
        """The exit status: 0 built, 1 the site has errors, 2 only its settings have."""
        if not self.failed:
            return 0
        at_fault = {problem.path for problem in self.problems if problem.is_error}
        return 2 if all(path == CONFIG or path.startswith("--") for path in at_fault) else 1


class Why(NamedTuple):
    """Why a page is as it is. ``asked`` is None when no page is at ``url``; ``known`` are then the URLs of all."""

    url: str
    asked: tuple[str, ...] | None
    reason: str
    known: tuple[str, ...]


@dataclass(frozen=True)
class _Root:
    """The outermost trace: these inputs, at an instant from ``since`` to before ``until``, made what is published."""

    inputs: Digest
    since: dt.datetime | None
    until: dt.datetime | None
    asked: tuple[tuple[str, Digest], ...]
    report: Report


@dataclass(frozen=True)
class _PageSink:
    """Takes pages by URL and stages them under the name of their file."""

    staging: StagingFolder

    def write(self, url: str, data: bytes, /) -> None:
        self.staging.write(urls.output_path(url), data)


@dataclass(frozen=True)
class _Workshop:
    """The images that are published already, and those in the gallery."""

    gallery: Gallery
    there: Mapping[str, Digest]
    sources: Mapping[str, disk.Found]

    def __reduce__(self) -> tuple[Any, ...]:
        """Another process only writes."""
        return (_Workshop, (self.gallery, {}, {}))

    def digests(self, name: str, order: Order | SocialCard) -> Mapping[str, Digest] | None:
        from octavo.pictures import urls_of

        paths = {url: urls.output_path(url) for url in urls_of(order)}
        if all(path in self.there for path in paths.values()):
            return {url: self.there[path] for url, path in paths.items()}
        return self.gallery.digests(name)

    def write(self, name: str, data: bytes, /) -> None:
        self.gallery.write(name, data)

    def files(self, paths: Mapping[str, str]) -> OrderedFiles:
        from octavo.gallery import OrderedFiles

        return OrderedFiles({name: self.sources[path] for name, path in paths.items()})


@dataclass(frozen=True)
class _NoSink:
    """Takes the pages of a check, which are not kept."""

    def write(self, url: str, data: bytes, /) -> None:
        pass


def _silent(line: str) -> None:
    pass


@contextmanager
def locked(cache: Path, wait: float, say: Callable[[str], None]) -> Iterator[None]:
    """Keep other commands out of a cache. Says for whom it waits, if it does. Raises Locked."""
    with ExitStack() as stack:
        try:
            stack.enter_context(lock(cache, 0))
        except Locked as held:
            if not wait:
                raise
            say(f"octavo: waiting for another build ({held})")
            stack.enter_context(lock(cache, wait))
        yield


class Project:
    """A site's folder with its cache open. A context manager: leaving it ends the worker processes.

    Only one command at a time works with the cache; ``say`` takes the line that tells of waiting for another one, and
    ``observer`` is told what goes on. Raises Locked, as all its methods do that need the cache.
    """

    def __init__(
        self, root: Path, options: Options, say: Callable[[str], None] = _silent, observer: Observer | None = None
    ) -> None:
        self.root = root.resolve()
        self.options = options
        self._home = find_cache(self.root, options.cache)
        self.cache = self._home / options.preview if options.preview else self._home
        self.output = self.root / options.output
        self._say = say
        self._observer = observer or Observer()
        self._states: tuple[Store, disk.StatCache] | None = None
        self._passing: Path | None = None
        self.store: Store
        self.manifest_db: sqlite3.Connection
        self._is_kept: bool
        self._is_left_open = False
        check_cache(self._home)
        check_cache(self.cache)
        with locked(self.cache, options.wait, say):
            self._open_cache()
            if options.fresh:
                self._forget()

    def __enter__(self) -> Project:
        return self

    def __exit__(self, *_: object) -> None:
        if "workers" in vars(self):
            self.workers.close()
        if not self._is_left_open:
            self._close_cache()
            if self._passing is not None:
                import shutil

                shutil.rmtree(self._passing, ignore_errors=True)

    def leave_open(self) -> None:
        """Leave the cache as it is at the end: another thread is still at work with it, and ends with the process."""
        self._is_left_open = True

    @cached_property
    def workers(self) -> Workers | Cluster:
        if self.options.executor is not None:
            from octavo.cluster import Cluster

            return Cluster(self.options.executor, salt, self._say)
        from octavo.workers import Workers, usable_cpus

        return Workers(self.options.jobs or usable_cpus())

    def build(self) -> Report:
        """Build and publish. Raises Locked, UnsafeOutput and PublishError."""
        started = time.monotonic()
        self._check_output()
        with self._alone():
            self._recover()
            try:
                report = self._steadily(self._build)
            except BaseException as problem:
                if self._recover():
                    problem.add_note(_COMPLETE)
                raise
        return replace(report, seconds=time.monotonic() - started)

    def check(self) -> Report:
        """Every problem of the site; nothing is published."""
        started = time.monotonic()
        with self._alone():
            report = self._steadily(self._check)
        return replace(report, seconds=time.monotonic() - started)

    def learn(self) -> Known:
        """What is known of the posts, without making a page."""
        from octavo import pipeline

        def once(files: Files) -> Known:
            inputs = self.inputs(files, self.now())
            return pipeline.learn(inputs, self.memo(inputs))

        return self.alone_with(once)

    def alone_with(self, work: Callable[[Files], T], follows: Callable[[], bool] = lambda: False) -> T:
        """Work on one listing of the files, with the cache to ourselves; on another one when a file changes meanwhile.
        ``follows`` is asked, when another process has written to the cache, whether all of that is known.
        Raises Locked, and PublishError where a file does not hold still."""
        with self._alone(follows):
            return self._steadily(work)

    def why(self, address: str) -> Why:
        """What the page at an address was last made from, and why it was rendered last."""
        url = unquote(urlsplit(address).path)
        base = urls.base_path(self.settings().base_url)
        if base and url.startswith(base + "/"):
            url = url.removeprefix(base)
        with self._alone():
            try:
                return self._why(url)
            except (CorruptStore, sqlite3.DatabaseError) as problem:
                if isinstance(problem, sqlite3.DatabaseError) and is_want(problem):
                    raise
                self._begin_anew()
                return Why(url, None, "", ())

    def _why(self, url: str) -> Why:
        from octavo import queries  # noqa: F401  # they are read by their names
        from octavo.answers import Answers

        answers, traces = Answers(self.store), self.store.traces("render")
        for candidate in (url, url.rstrip("/") + "/", "/" + url.lstrip("/"), f"/{url.strip('/')}/"):
            trace = traces.get(candidate)
            if trace is not None:
                asked = tuple(str(answers.query(number)) for number in trace.queries)
                return Why(candidate, asked, self._reasons().get(candidate, "it is new"), ())
        return Why(url, None, "", tuple(traces))

    def published(self) -> tuple[str, ...]:
        """The files in ``output/`` that Octavo wrote."""
        return tuple(self._with_manifest(lambda: manifest.published_digests(self.manifest_db, self.output)))

    def remove_published(self) -> publish.Removed:
        """Remove the files in ``output/`` that Octavo wrote. Raises Locked, UnsafeOutput and PublishError."""
        self._check_output()
        with self._alone():
            self._recover()
            return self._with_manifest(lambda: publish.remove_published(self.manifest_db, self.output))

    def unknown_files(self) -> tuple[str, ...]:
        """The visible files in ``output/`` that Octavo does not know. Raises Locked, UnsafeOutput and PublishError."""
        self._check_output()
        with self._alone():
            self._recover()
            return self._with_manifest(lambda: publish.unknown_files(self.manifest_db, self.output))

    def remove_cache(self) -> tuple[str, ...]:
        """Remove the cache while no other command works with it, once a sweep that was interrupted is complete. What
        is to be published in another output folder stays, with what tells of it: answers these folders.

        Raises Locked, PublishError and OSError.
        """
        self._check_output()
        with self._alone():
            self._recover()
            pending = self._waiting_outputs() if self._is_kept else ()
            self._close_cache()
            kept = {ready_name(key) for key in pending}
            there = self._home.iterdir() if self._home.is_dir() else ()
            for entry in sorted(there, key=lambda entry: _removal_rank(entry.name)):
                is_manifest = entry.name.startswith(manifest.FILE)
                if entry.name in kept or (pending and (is_manifest or entry.name == "lock")):
                    continue
                if self._home != self.root / CACHE and not is_of_cache(entry.name):
                    continue
                _remove(entry)
            with suppress(OSError):
                self._home.rmdir()
        return tuple(os.path.relpath(os.path.normpath(self.cache / key), self.root) for key in pending)

    def _waiting_outputs(self) -> tuple[str, ...]:
        """The keys of the output folders for which files wait."""
        pending = self._with_manifest(lambda: pending_outputs(self.manifest_db))
        return tuple(
            key
            for key in pending
            if (self.cache / ready_name(key)).is_dir() or (self.cache / key / (HIDDEN + READY)).is_dir()
        )

    def _check_output(self) -> None:
        check_output(self.root, self.output, [self.root / name for name in FOLDERS], self._home)

    def watched(self) -> tuple[Path, ...]:
        """The files and folders whose change may change the site."""
        of_theme = [theme_folder() / kind for kind in ("layouts", "assets")]
        names = (*FOLDERS, CONFIG, script.SCRIPT)
        return (*(self.root / name for name in names), *script.script_files(self.root), *of_theme)

    def settings(self) -> Settings:
        return read_config(self.root, self._overrides()).settings

    def files(self) -> Files:
        self._observer.began("list")
        files = list_site(self.root, self._stat_cache(), self._overrides())
        self._observer.ended("list")
        return files

    def _stat_cache(self) -> disk.StatCache:
        """Read once for as long as this store is open: nobody else writes to it meanwhile."""
        if self._states is None or self._states[0] is not self.store:
            self._states = (self.store, disk.StatCache(self.store.connection))
        return self._states[1]

    def _overrides(self) -> Mapping[str, str]:
        return {} if self.options.base_url is None else {"base_url": self.options.base_url}

    @contextmanager
    def _alone(self, follows: Callable[[], bool] = lambda: False) -> Iterator[None]:
        """Work with the cache while no other command does, and as the last one left it."""
        with locked(self.cache, self.options.wait, self._say):
            is_same = self.store.is_there() and identity(self.cache / manifest.FILE) == self._manifest_file
            if self._is_kept and not (is_same and self.store.is_current()):
                if is_same and follows():
                    self.store.accept()
                else:
                    self._close_cache()
                    self._open_cache()
            try:
                yield
            finally:
                self._observer.close()

    def _steadily(self, work: Callable[[Files], T]) -> T:
        """Work on one listing of the files; list again when a file changed meanwhile or the cache is damaged."""
        for attempt in range(1, 5):
            try:
                return work(self.files())
            except (disk.FileChanged, script.ScriptChanged, SourceChanged, NotStaged):
                time.sleep(0.05 * attempt)
                if attempt > 1:
                    self._stat_cache().forget()
                    self._states = None
            except DamagedManifest as problem:
                self._put_manifest_aside(problem)
            except (CorruptStore, sqlite3.DatabaseError) as problem:
                if isinstance(problem, sqlite3.DatabaseError) and is_want(problem):
                    self._go_on_without(problem)
                else:
                    self._begin_anew()
            except OSError as problem:
                if not self._is_kept or not self._is_of_cache(problem):
                    raise
                self._go_on_without(problem)
        try:
            return work(self.files())
        except (disk.FileChanged, script.ScriptChanged) as changed:
            raise PublishError("it does not hold still to be read", str(changed)) from changed

    def _begin_anew(self) -> None:
        """Set a damaged cache aside, and begin another one. The manifest lies in a file of its own."""
        self.store.close()
        try:
            if self._is_kept:
                put_aside(self.cache / STORE_FILE, " is damaged", self._shown(), self._say)
                self.store = open_store(self.cache, self._shown(), self._say)
            else:
                self.store = Store(None, salt())
        except (OSError, sqlite3.OperationalError, Foreign) as problem:
            self._go_on_without(problem)

    # The cache folder.

    def _open_cache(self) -> None:
        opened = open_cache(self.cache, self._shown(), self._say)
        self.store, self.manifest_db, self._is_kept = opened.store, opened.manifest_db, opened.is_kept
        self._manifest_file = identity(self.cache / manifest.FILE)

    def _close_cache(self) -> None:
        self.store.close()
        self.manifest_db.close()

    def _shown(self) -> str:
        """What the cache is called."""
        return str(self.cache.relative_to(self.root) if self.cache.is_relative_to(self.root) else self.cache)

    def _forget(self) -> None:
        try:
            self.store.forget_all()
        except sqlite3.DatabaseError as problem:
            if is_want(problem):
                self._go_on_without(problem)
            else:
                self._begin_anew()

    def _go_on_without(self, problem: Exception) -> None:
        """Go on with a cache in memory, for this one cannot be written now."""
        if is_busy(problem) or not self._is_kept:
            raise PublishError(f"the cache cannot be written: {problem}", str(self.cache)) from problem
        if is_out_of_memory(problem):
            raise MemoryError from problem
        say_unwritable(problem, self.cache, self._shown(), self._say)
        with suppress(sqlite3.DatabaseError):
            self._close_cache()
        opened = in_memory()
        self.store, self.manifest_db, self._is_kept = opened.store, opened.manifest_db, opened.is_kept

    def _put_manifest_aside(self, damage: DamagedManifest) -> None:
        """Go on with a manifest that says nothing: the list in the output folder does."""
        with suppress(sqlite3.DatabaseError):
            self.manifest_db.close()
        try:
            put_aside(self.cache / manifest.FILE, f" {damage}", self._shown(), self._say)
            self.manifest_db = open_manifest(self.cache, self._shown(), self._say)
            self._manifest_file = identity(self.cache / manifest.FILE)
        except (OSError, sqlite3.OperationalError, Foreign) as problem:
            self._go_on_without(problem)

    def _with_manifest(self, work: Callable[[], T]) -> T:
        """Do what reads the manifest; once more without it where it is damaged or cannot be written."""
        for _ in range(2):
            try:
                return work()
            except DamagedManifest as damage:
                self._put_manifest_aside(damage)
            except sqlite3.DatabaseError as problem:
                if is_want(problem):
                    self._go_on_without(problem)
                else:
                    self._put_manifest_aside(DamagedManifest(f"is damaged ({problem})"))
        return work()

    def _recover(self) -> bool:
        """Complete a sweep that was interrupted. True when there was one."""
        return self._with_manifest(lambda: recover(self.manifest_db, self.cache, self.output))

    def _is_of_cache(self, problem: OSError) -> bool:
        place = problem.filename
        return isinstance(place, str | Path) and Path(place).is_relative_to(self._home)

    def _build(self, files: Files) -> Report:
        now = self.now()
        self._observer.began("compare")
        before = manifest.find_published(self.manifest_db, self.output)
        self._observer.ended("compare")
        inputs = digest((files.digest(), self._choices()))
        if not before.altered and self.store.about(self._published_name()) == _digest_of(before.digests()):
            root = self._unchanged(inputs, now)
            if root is not None:
                self._tell_unsaved(publish.renew_list(self.manifest_db, self.output, before))
                return replace(root.report, grounds=self._grounds(files, before, root))
        there = {path: content for path, content in before.digests().items() if path not in before.altered}

        def has(url: str, content: Digest) -> bool:
            return there.get(urls.output_path(url)) == content

        with open_staging(self.cache, self.output) as staging:
            built = self._made(files, now, _PageSink(staging), has, lambda: self._workshop(files, there))
            report = self._report(built)
            if report.failed:
                return report
            self._observer.began("publish")
            wanted = _wanted(built, files, staging)
            if built.images:
                self._stage_images(built, there, staging)
                wanted = {**wanted, **{path: Wanted(content) for path, (content, _) in built.images.items()}}
            if files.settings.compress:
                wanted = {**wanted, **self._compressed(files.settings.compress, wanted, there, staging)}
            # From here on what the last root trace says of this output is no longer so, whatever comes between.
            self.store.set_about(self._root_name(), b"")
            if built.images:
                self.store.set_about(self._images_name(), b"")
            self.store.set_about(self._copies_name(), b"")
            done = publish.publish(self.manifest_db, self.output, staging, wanted, before)
            self._observer.ended("publish")
        self._tell_published(before, done)
        shown = replace(report, rendered=(), parsed=())
        root = _Root(inputs, built.live.since, built.live.until, built.files_asked, shown)
        try:
            self.store.set_about(self._root_name(), codec(_Root).encode(root))
            if built.images:
                self._remember_images(built)
            self.store.set_about(self._copies_name(), _recipe(files.settings.compress))
            digests = {path: to_be.digest for path, to_be in wanted.items()}
            self.store.set_about(self._published_name(), _digest_of(digests))
        except sqlite3.DatabaseError as problem:
            self._tell_unsaved(problem)
        except BaseException as problem:
            problem.add_note(_COMPLETE)
            raise
        return replace(report, written=done.written, removed=done.removed, problems=(*report.problems, *done.warnings))

    def _tell_published(self, before: manifest.Standing, done: publish.Published) -> None:
        if before.note:
            self._say(f"octavo: {before.note}")
        if done.unknown:
            count = len(done.unknown)
            first = ", ".join(map(printable, done.unknown[:3])) + (" …" if count > 3 else "")
            files = "1 file" if count == 1 else f"{count:,} files"
            self._say(
                f"octavo: {self.options.output}/ holds {files} that this build did not write ({first});"
                " octavo clean --output --unknown names each and asks before it removes them"
            )
        self._tell_unsaved(done.unsaved)

    def _tell_unsaved(self, problem: sqlite3.DatabaseError | None) -> None:
        """The line of a cache that could not be written once the site was published."""
        if problem is not None:
            end = "the site is published, and the next build takes longer"
            say_unwritable(problem, self.cache, self._shown(), self._say, end)

    def _check(self, files: Files) -> Report:
        made = self._made(files, self.now(), _NoSink(), lambda url, content: True, lambda: self._workshop(files, {}))
        return self._report(made)

    def _made(
        self,
        files: Files,
        now: dt.datetime,
        sink: Any,
        has: Callable[[str, Digest], bool],
        workshop: Callable[[], Workshop],
    ) -> Built:
        from octavo import pipeline

        inputs = self.inputs(files, now)
        memo = self.memo(inputs)
        built = pipeline.build(inputs, memo, sink, has, workshop)
        self._observer.laid_out({url: built.pages[url].layout for url in built.ran})
        memo.finish()
        self._remember_reasons(built.ran)
        return built

    def gallery(self) -> Gallery:
        """Where images are kept that were made here. Previews share it with builds: what they make is the same."""
        from octavo.encoder import recipe
        from octavo.gallery import Gallery

        own = self.root / CACHE
        home = own if self.cache.is_relative_to(own) else self._home
        if not self._is_kept:
            home = self._passing = self._passing or _passing_folder()
        return Gallery(home / IMAGES / recipe().hex())

    def _workshop(self, files: Files, there: Mapping[str, Digest]) -> Workshop:
        """``there`` are the files that are published and as they should be. Images among them that were made by the
        same recipe are not looked for elsewhere."""
        images = self.gallery()
        if self.store.about(self._images_name()) != images.folder.name.encode():
            there = {}
        sources = {**files.others, **{f"assets/{name}": found for name, found in files.assets.items()}}
        return _Workshop(images, there, sources)

    def _stage_images(self, built: Built, there: Mapping[str, Digest], staging: StagingFolder) -> None:
        """Stage the images that are not published yet. Raises NotStaged for those that the gallery has lost: they are
        made again when the build begins anew."""
        images = self.gallery()
        orders: dict[str, list[str]] = {}
        for path, (content, name) in built.images.items():
            if there.get(path) != content:
                orders.setdefault(name, []).append(path)
        for name, paths in orders.items():
            try:
                variants = {urls.output_path(url): data for url, data in images.variants(name).items()}
                for path in paths:
                    staging.write(path, variants[path])
            except KeyError:
                raise NotStaged(tuple(paths)) from None

    def _remember_images(self, built: Built) -> None:
        images = self.gallery()
        self.store.set_about(self._images_name(), images.folder.name.encode())
        images.tidy({name for _, name in built.images.values()})

    def _compressed(
        self,
        forms: tuple[str, ...],
        wanted: Mapping[str, Wanted],
        there: Mapping[str, Digest],
        staging: StagingFolder,
    ) -> Mapping[str, Wanted]:
        """The compressed copies of files that are wanted. Those of files that stay stay as they are."""
        from concurrent.futures import ThreadPoolExecutor

        from octavo.compress import KINDS, compressed

        stays = there if self.store.about(self._copies_name()) == _recipe(forms) else {}
        found: dict[str, Wanted] = {}
        to_do: list[tuple[str, str]] = []
        for path, to_be in wanted.items():
            if not path.endswith(KINDS):
                continue
            for form in forms:
                copy = f"{path}.{form}"
                if stays.get(path) == to_be.digest and copy in stays:
                    found[copy] = Wanted(stays[copy])
                elif copy not in wanted:
                    to_do.append((path, form))

        def copy_of(path: str, form: str) -> Digest | None:
            data = self._content(path, wanted[path], staging)
            small = compressed(data, form)
            if len(small) >= len(data):
                return None
            staging.write(f"{path}.{form}", small)
            return digest_bytes(small)

        with ThreadPoolExecutor(os.cpu_count()) as threads:  # what compresses does so outside of Python's lock
            for (path, form), content in zip(to_do, threads.map(copy_of, *zip(*to_do, strict=True)), strict=True):
                if content is not None:
                    found[f"{path}.{form}"] = Wanted(content)
        return found

    def _content(self, path: str, to_be: Wanted, staging: StagingFolder) -> bytes:
        """The bytes of a file that is wanted, wherever they are. Raises NotStaged where they have gone meanwhile."""
        staged = Path(staged_at(staging.folder, path))
        try:
            return (to_be.source or (staged if staged.exists() else self.output / path)).read_bytes()
        except OSError as problem:
            raise_if_shortage(problem)
            raise NotStaged((path,)) from None

    def _copies_name(self) -> str:
        """What says how the compressed copies of an output folder were made."""
        return f"copies {self._root_name()}"

    def _published_name(self) -> str:
        """What says what was published by the build that the root trace is of."""
        return f"published {self._root_name()}"

    def _images_name(self) -> str:
        """What says by which recipe the images of an output folder were made."""
        return f"images {self._root_name()}"

    def memo(self, inputs: Inputs) -> Memo:
        """The memo of one build."""
        from octavo.memo import Memo

        return Memo(self.store, self.workers, inputs.script, self._observer)

    def _remember_reasons(self, ran: Mapping[str, Change]) -> None:
        connection = self.store.connection
        with self.store.transaction():
            connection.executemany(
                "INSERT OR REPLACE INTO reasons VALUES (?, ?)",
                (
                    (url, change.reason if change.query is None else f"{change.reason}: {change.query}")
                    for url, change in ran.items()
                ),
            )

    def _reasons(self) -> dict[str, str]:
        """URL -> why the page was rendered last."""
        connection = self.store.connection
        rows = connection.execute("SELECT url, reason FROM reasons LIMIT ?", (most_rows(connection),))
        return {str(url): str(reason) for url, reason in rows}

    def inputs(self, files: Files, now: dt.datetime) -> Inputs:
        """All that the site is made from, as listed, at an instant."""
        from octavo.extend import find_script
        from octavo.live import Moderation
        from octavo.pipeline import Inputs, LayoutFile

        found_script, problems = find_script(self.root, files.script)
        return Inputs(
            posts={path: found.fact() for path, found in files.posts.items()},
            files={path: found.fact() for path, found in files.others.items()},
            layouts={
                name: LayoutFile(path, found.fact(), not path.startswith(THEME))
                for name, (path, found) in files.layouts.items()
            },
            assets={name: found.fact() for name, found in files.assets.items()},
            file=self._file,
            settings=files.settings,
            script=found_script,
            when=Moderation(now, self.options.drafts, self.options.future),
            problems=(*files.problems, *problems),
        )

    def _unchanged(self, inputs: Digest, now: dt.datetime) -> _Root | None:
        """The last build, when this one would be the same."""
        data = self.store.about(self._root_name())
        if not data:
            return None
        try:
            root: _Root = codec(_Root).decode(data)
        except ValueError as problem:
            raise CorruptStore(f"the last build cannot be read: {problem}") from problem
        if root.inputs != inputs or (root.since and now < root.since) or (root.until and now >= root.until):
            return None
        if any(self._file(path).digest != known for path, known in root.asked):
            return None
        return root

    def _grounds(self, files: Files, before: manifest.Standing, root: _Root) -> Grounds | None:
        if files.linked:
            return None
        try:
            began = (self.cache / "lock").stat().st_mtime_ns  # it was written when this command took it
            asked_for = [str(self.root / path) for path, _ in root.asked]
            places = [str(self.root / CONFIG), *script.script_places(self.root), *asked_for]
        except OSError:
            return None
        output = str(self.output)
        made = before.states()
        places += [*files.folders, *manifest.folders_above(self.output, made)]
        states = (*files.states(), *((f"{output}/{path}", state) for path, state in made.items()))
        window = (None, None) if self.options.at else (root.since, root.until)
        return Grounds(states, tuple(places), began, window)

    def _root_name(self) -> str:
        """A root trace says what is in one output folder; others may have been built from the same cache."""
        return f"root {os.path.relpath(self.output.resolve(), self.cache.resolve())}"

    def _choices(self) -> tuple[bool, ...]:
        options = self.options
        return (options.drafts, options.future, options.strict, options.allow_broken_links)

    def now(self) -> dt.datetime:
        return self.options.at or dt.datetime.now(dt.UTC)

    def _file(self, path: str) -> Fact:
        """Any file of the site, for build.py; None when there is none or it lies outside. One that cannot be read is a
        failure of whoever wants to, but a fact all the same: it may be another tomorrow. Raises Shortage."""
        location = (self.root / path).resolve()
        try:
            if not location.is_relative_to(self.root) or not location.is_file():
                return fact(None)
            data = location.read_bytes()
        except OSError as problem:
            raise_if_shortage(problem)
            return _unreadable(path, problem)
        return Fact(digest_bytes(data), lambda: data)

    def _report(self, built: Built) -> Report:
        live = built.live
        return Report(
            pages=len(built.pages),
            rendered=tuple(built.ran),
            parsed=tuple(built.parsed),
            held=tuple(
                Held(path, state, live.instants.get(path))
                for path, state in live.states.items()
                if state in ("draft", "future", "expired")
            ),
            problems=tuple(self.weighed(problem) for problem in built.problems),
        )

    def weighed(self, problem: Diagnostic) -> Diagnostic:
        """``--allow-broken-links`` makes links warnings, and ``--strict`` every other warning an error."""
        if problem.code == "link" and self.options.allow_broken_links:
            return problem.as_warning()
        return problem.as_error() if self.options.strict else problem


def _unreadable(path: str, problem: OSError) -> Fact:
    number, reason = problem.errno or 0, problem.strerror or str(problem)

    def load() -> bytes:
        raise OSError(number, reason, path)

    return Fact(digest(("unreadable", number)), load)


def _digest_of(published: Mapping[str, Digest]) -> bytes:
    """What stands for the files that are published and their content."""
    return digest_bytes(b"".join(b"%s\0%s" % (path.encode(), published[path]) for path in sorted(published)))


def _removal_rank(name: str) -> int:
    """In what order a cache is removed: what tells of the output last, and of that the lock, for some systems keep a
    file that is open. A log of SQLite's goes after its file, without which it says nothing."""
    if name == "lock":
        return 4
    if name.startswith("ready-"):
        return 3
    if name.startswith(manifest.FILE):
        return 1 if name == manifest.FILE else 2
    return 0


def _remove(entry: Path) -> None:
    if entry.name != "lock" or os.name != "nt":
        delete_folder(entry)


def _passing_folder() -> Path:
    import tempfile

    return Path(tempfile.mkdtemp(prefix="octavo-images-"))


def _recipe(forms: tuple[str, ...]) -> bytes:
    if not forms:
        return b""
    from octavo.compress import recipe

    return recipe(forms).encode()


def _wanted(built: Built, files: Files, staging: StagingFolder) -> Mapping[str, Wanted]:
    """Every file of the site: rendered bytes in staging, or a copy of a source."""
    wanted = {path: Wanted(content, None) for path, content in built.rendered.items()}
    for path, static in built.statics.items():
        if static.content is not None:
            staging.write(path, static.content)
            wanted[path] = Wanted(static.digest, None)
        elif static.origin.startswith("assets/"):
            location = files.assets[static.origin.removeprefix("assets/")].location
            wanted[path] = Wanted(static.digest, Path(location))
        else:
            wanted[path] = Wanted(static.digest, Path(files.others[static.origin].location))
    return wanted
