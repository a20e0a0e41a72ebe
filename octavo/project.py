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

from octavo import disk, publish, script, urls
from octavo.codec import codec
from octavo.database import Foreign, open_database, set_aside
from octavo.diagnostic import Diagnostic
from octavo.digest import Digest, digest, digest_bytes
from octavo.facts import Fact, fact
from octavo.lock import Locked, lock
from octavo.observe import Observer
from octavo.outlet import check_output
from octavo.salt import salt
from octavo.shortage import raise_if_shortage
from octavo.sources import CONFIG, FOLDERS, THEME, Files, list_site, read_config, theme_folder
from octavo.state import State
from octavo.store import CorruptStore, Store

if TYPE_CHECKING:
    from octavo.cluster import Cluster
    from octavo.gallery import Gallery, OrderedFiles
    from octavo.memo import Change, Memo
    from octavo.model import Order, Settings, SocialCard
    from octavo.pipeline import Built, Inputs, Known, Workshop
    from octavo.workers import Workers

T = TypeVar("T")

CACHE = ".octavo"

WAIT = 60.0
"""Seconds to wait for another build: longer than most take, and not for ever for one that hangs."""

_COMPLETE = "the new site was being published already, and is complete"


@dataclass(frozen=True)
class Options:
    """What the command line decides. ``at`` stands for now; ``wait`` is how long to wait for another build, in s;
    ``executor`` is the address of a Dask scheduler (HOST:PORT), or None for processes of this machine."""

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

    staging: publish.StagingFolder

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
        self.cache = self.root / (options.cache or CACHE)
        self.output = self.root / options.output
        self._say = say
        self._observer = observer or Observer()
        self._states: tuple[Store, disk.StatCache] | None = None
        self._is_left_open = False
        with locked(self.cache, options.wait, say):
            self.store = self._open_store()
            self.records = self._open_records()
            if options.fresh:
                self.store.forget_all()

    def __enter__(self) -> Project:
        return self

    def __exit__(self, *_: object) -> None:
        if "workers" in vars(self):
            self.workers.close()
        if not self._is_left_open:
            self.store.close()
            self.records.close()

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
        """Build and publish. Raises Locked, UnsafeOutput and publish.PublishError."""
        started = time.monotonic()
        check_output(self.root, self.output, [self.root / name for name in FOLDERS], self.cache)
        with self._alone():
            publish.recover(self.records, self.cache, self.output)
            try:
                report = self._steadily(self._build)
            except BaseException as problem:
                if publish.recover(self.records, self.cache, self.output):
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
        Raises Locked, and publish.PublishError where a file does not hold still."""
        with self._alone(follows):
            return self._steadily(work)

    def why(self, address: str) -> Why:
        """What the page at an address was last made from, and why it was rendered last."""
        # The store reads queries of kinds that have been imported.
        import octavo.queries  # noqa: F401

        url = unquote(urlsplit(address).path)
        base = urls.base_path(self.settings().base_url)
        if base and url.startswith(base + "/"):
            url = url.removeprefix(base)
        from octavo import queries  # noqa: F401  # they are read by their names
        from octavo.answers import Answers

        with self._alone():
            answers, traces = Answers(self.store), self.store.traces("render")
            for candidate in (url, url.rstrip("/") + "/", "/" + url.lstrip("/"), f"/{url.strip('/')}/"):
                trace = traces.get(candidate)
                if trace is not None:
                    asked = tuple(str(answers.query(number)) for number in trace.queries)
                    return Why(candidate, asked, self._reasons().get(candidate, "it is new"), ())
            return Why(url, None, "", tuple(traces))

    def published(self) -> tuple[str, ...]:
        """The files in ``output/`` that Octavo wrote."""
        return tuple(publish.manifest(self.records, self.output))

    def remove_published(self) -> tuple[str, ...]:
        with self._alone():
            return publish.clean(self.records, self.output)

    def today(self) -> dt.date:
        """The day in the site's time zone."""
        from zoneinfo import ZoneInfo

        return self.now().astimezone(ZoneInfo(self.settings().timezone)).date()

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
            if not self.store.is_current():
                if self.store.is_there() and follows():
                    self.store.accept()
                else:
                    self.store.close()
                    self.store = self._open_store()
                    self.records.close()
                    self.records = self._open_records()
            try:
                yield
            finally:
                self._observer.close()

    def _steadily(self, work: Callable[[Files], T]) -> T:
        """Work on one listing of the files; list again when a file changed meanwhile or the cache is damaged."""
        for attempt in range(1, 5):
            try:
                return work(self.files())
            except (disk.FileChanged, script.ScriptChanged, publish.SourceChanged, publish.NotStaged):
                time.sleep(0.05 * attempt)
                if attempt > 1:
                    self._stat_cache().forget()
                    self._states = None
            except (CorruptStore, sqlite3.DatabaseError) as problem:
                if isinstance(problem, sqlite3.OperationalError) and problem.sqlite_errorname.startswith(_NO_DAMAGE):
                    raise publish.PublishError(f"the cache cannot be written: {problem}", str(self.cache)) from problem
                self._begin_anew(attempt)
        try:
            return work(self.files())
        except (disk.FileChanged, script.ScriptChanged) as changed:
            raise publish.PublishError("it does not hold still to be read", str(changed)) from changed

    def _begin_anew(self, attempt: int) -> None:
        """Empty a damaged cache, at first the memo only: without its manifest nothing that is published is ours."""
        if attempt == 1:
            with suppress(sqlite3.DatabaseError):
                self.store.forget_all()
                return
        self.store.close()
        self.store = _new_store(self.cache / "cache.db")

    def _build(self, files: Files) -> Report:
        now = self.now()
        self._observer.began("compare")
        before = publish.standing(self.records, self.output)
        self._observer.ended("compare")
        inputs = digest((files.digest(), self._choices()))
        if not before.altered:
            root = self._unchanged(inputs, now)
            if root is not None:
                return replace(root.report, grounds=self._grounds(files, before, root))
        there = {path: content for path, content in before.digests().items() if path not in before.altered}

        def has(url: str, content: Digest) -> bool:
            return there.get(urls.output_path(url)) == content

        with publish.open_staging(self.cache, self.output) as staging:
            built = self._made(files, now, _PageSink(staging), has, lambda: self._workshop(files, there))
            report = self._report(built)
            if report.failed:
                return report
            self._observer.began("publish")
            wanted = _wanted(built, files, staging)
            if built.images:
                self._stage_images(built, there, staging)
                wanted = {**wanted, **{path: publish.Wanted(content) for path, (content, _) in built.images.items()}}
            if files.settings.compress:
                wanted = {**wanted, **self._compressed(files.settings.compress, wanted, there, staging)}
            # From here on what the last root trace says of this output is no longer so, whatever comes between.
            self.store.set_about(self._root_name(), b"")
            if built.images:
                self.store.set_about(self._images_name(), b"")
            self.store.set_about(self._copies_name(), b"")
            done = publish.publish(self.records, self.output, staging, wanted, before)
            self._observer.ended("publish")
        shown = replace(report, rendered=(), parsed=())
        root = _Root(inputs, built.live.since, built.live.until, built.files_asked, shown)
        try:
            self.store.set_about(self._root_name(), codec(_Root).encode(root))
            if built.images:
                self._remember_images(built)
            self.store.set_about(self._copies_name(), _recipe(files.settings.compress))
        except BaseException as problem:
            problem.add_note(_COMPLETE)
            raise
        return replace(report, written=done.written, removed=done.removed, problems=(*report.problems, *done.warnings))

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
        from octavo.gallery import FOLDER, Gallery

        home = self.root / CACHE
        cache = home if self.cache.is_relative_to(home) else self.cache
        return Gallery(cache / FOLDER / recipe().hex())

    def _workshop(self, files: Files, there: Mapping[str, Digest]) -> Workshop:
        """``there`` are the files that are published and as they should be. Images among them that were made by the
        same recipe are not looked for elsewhere."""
        gallery = self.gallery()
        if self.store.about(self._images_name()) != gallery.folder.name.encode():
            there = {}
        sources = {**files.others, **{f"assets/{name}": found for name, found in files.assets.items()}}
        return _Workshop(gallery, there, sources)

    def _stage_images(self, built: Built, there: Mapping[str, Digest], staging: publish.StagingFolder) -> None:
        """Stage the images that are not published yet. Raises NotStaged for those that the gallery has lost: they are
        made again when the build begins anew."""
        gallery = self.gallery()
        orders: dict[str, list[str]] = {}
        for path, (content, name) in built.images.items():
            if there.get(path) != content:
                orders.setdefault(name, []).append(path)
        for name, paths in orders.items():
            try:
                variants = {urls.output_path(url): data for url, data in gallery.variants(name).items()}
                for path in paths:
                    staging.write(path, variants[path])
            except KeyError:
                raise publish.NotStaged(tuple(paths)) from None

    def _remember_images(self, built: Built) -> None:
        gallery = self.gallery()
        self.store.set_about(self._images_name(), gallery.folder.name.encode())
        gallery.tidy({name for _, name in built.images.values()})

    def _compressed(
        self,
        forms: tuple[str, ...],
        wanted: Mapping[str, publish.Wanted],
        there: Mapping[str, Digest],
        staging: publish.StagingFolder,
    ) -> Mapping[str, publish.Wanted]:
        """The compressed copies of files that are wanted. Those of files that stay stay as they are."""
        from concurrent.futures import ThreadPoolExecutor

        from octavo.compress import KINDS, compressed

        stays = there if self.store.about(self._copies_name()) == _recipe(forms) else {}
        found: dict[str, publish.Wanted] = {}
        to_do: list[tuple[str, str]] = []
        for path, to_be in wanted.items():
            if not path.endswith(KINDS):
                continue
            for form in forms:
                copy = f"{path}.{form}"
                if stays.get(path) == to_be.digest and copy in stays:
                    found[copy] = publish.Wanted(stays[copy])
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
                    found[f"{path}.{form}"] = publish.Wanted(content)
        return found

    def _content(self, path: str, to_be: publish.Wanted, staging: publish.StagingFolder) -> bytes:
        """The bytes of a file that is wanted, wherever they are. Raises NotStaged where they have gone meanwhile."""
        staged = Path(publish.staged_at(staging.folder, path))
        try:
            return (to_be.source or (staged if staged.exists() else self.output / path)).read_bytes()
        except OSError as problem:
            raise_if_shortage(problem)
            raise publish.NotStaged((path,)) from None

    def _copies_name(self) -> str:
        """What says how the compressed copies of an output folder were made."""
        return f"copies {self._root_name()}"

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
        return dict(self.store.connection.execute("SELECT url, reason FROM reasons"))

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

    def _grounds(self, files: Files, before: publish.Standing, root: _Root) -> Grounds | None:
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
        places += [*files.folders, *publish.folders_above(self.output, made)]
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

    def _open_store(self) -> Store:
        """The cache; a damaged one is begun anew, and where none can be written the build does without."""
        path = self.cache / "cache.db"
        try:
            self.cache.mkdir(parents=True, exist_ok=True)
            store = Store(path, salt())
        except Foreign:
            return _new_store(path)
        except sqlite3.OperationalError as problem:
            if problem.sqlite_errorname == "SQLITE_BUSY":
                raise publish.PublishError("another process keeps the cache locked", str(path)) from problem
            return Store(None, salt())
        except OSError:
            return Store(None, salt())
        return store

    def _open_records(self) -> sqlite3.Connection:
        """The manifest and the journal."""
        path = self.cache / publish.FILE
        try:
            return open_database(path, publish.SCHEMA)
        except Foreign:
            set_aside(path)
            return open_database(path, publish.SCHEMA)
        except (OSError, sqlite3.OperationalError):
            return open_database(None, publish.SCHEMA)


_NO_DAMAGE = ("SQLITE_FULL", "SQLITE_BUSY", "SQLITE_IOERR_WRITE", "SQLITE_CANTOPEN")
"""What SQLite reports of a cache that is as it should be, but cannot be written now."""


def _unreadable(path: str, problem: OSError) -> Fact:
    number, reason = problem.errno or 0, problem.strerror or str(problem)

    def load() -> bytes:
        raise OSError(number, reason, path)

    return Fact(digest(("unreadable", number)), load)


def _new_store(path: Path) -> Store:
    """A new cache in the place of a damaged one; where that one cannot be replaced either, a build does without."""
    try:
        for name in (path.name, f"{path.name}-wal", f"{path.name}-shm"):
            with suppress(FileNotFoundError):
                (path.parent / name).unlink()
        return Store(path, salt())
    except (OSError, sqlite3.OperationalError, Foreign):
        return Store(None, salt())


def _recipe(forms: tuple[str, ...]) -> bytes:
    if not forms:
        return b""
    from octavo.compress import recipe

    return recipe(forms).encode()


def _wanted(built: Built, files: Files, staging: publish.StagingFolder) -> Mapping[str, publish.Wanted]:
    """Every file of the site: rendered bytes in staging, or a copy of a source."""
    wanted = {path: publish.Wanted(content, None) for path, content in built.rendered.items()}
    for path, static in built.statics.items():
        if static.content is not None:
            staging.write(path, static.content)
            wanted[path] = publish.Wanted(static.digest, None)
        elif static.origin.startswith("assets/"):
            location = files.assets[static.origin.removeprefix("assets/")].location
            wanted[path] = publish.Wanted(static.digest, Path(location))
        else:
            wanted[path] = publish.Wanted(static.digest, Path(files.others[static.origin].location))
    return wanted
