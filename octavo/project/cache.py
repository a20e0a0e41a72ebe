"""The cache of a site, which never keeps that site from being built.

That is its folder, opened without following links, and the databases in it: what it takes to open them, and what is
done about a file that is damaged or cannot be written, hang together, since the second is the first once more. A file
that is damaged is set aside and begun anew; where the folder cannot be written, the databases are in memory, and gone
at the end. A link in it is an error.
"""

from __future__ import annotations

import os
import sqlite3
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from octavo.base.file_stat import identify_file
from octavo.base.names import CACHE_FOLDER
from octavo.base.regular_file import open_regular
from octavo.engine import store
from octavo.engine.database import ASIDE, Foreign, is_want, open_database, set_aside, transaction
from octavo.engine.store import CorruptStore, Store
from octavo.output import manifest, staging
from octavo.output.journal import pending_outputs, recover
from octavo.output.paths import HIDDEN
from octavo.output.publish_errors import DamagedManifest, PublishError
from octavo.project.build_report import Options
from octavo.project.code_fingerprint import digest_code
from octavo.project.lock import Locked, hold_lock
from octavo.project.noop_replay import FILE as EVIDENCE_FILE
from octavo.project.stat_cache import StatCache

if TYPE_CHECKING:
    from octavo.images.encoded_cache import EncodedImages


IMAGES = "images"
"""In the cache: encoded images, a folder for each recipe."""

PREVIEWS = ("preview", "published")
"""Folders in the cache that are caches of previews."""

_FILES = ("lock", EVIDENCE_FILE, "crash.log")
"""What must be regular files: SQLite's are looked at when they are opened."""


class UnsafeCache(Exception):
    """Something in the cache folder would lead elsewhere.

    ``hint`` says what can be done.
    """

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message, hint)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return self.message


def find_cache(root: Path, chosen: str | None) -> Path:
    """The cache of a site: the one that was chosen, or its own.

    The first may be a link, the second may not.
    """
    return root / CACHE_FOLDER if chosen is None else (root / chosen).resolve()


def check_cache(folder: Path) -> None:
    """Raise UnsafeCache where a cache folder leads elsewhere.

    That is where it, or anything in it, is a link or not of its kind. To be called before anything is opened or removed
    there.
    """
    if folder.is_symlink():
        raise _unsafe(folder, "is a link")
    for name in _entries(folder):
        if name == IMAGES or name in PREVIEWS:
            _entries(folder / name)


def _entries(folder: Path) -> list[str]:
    """The names in a folder, none of which may be a link."""
    names: list[str] = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.is_symlink():
                    raise _unsafe(Path(entry.path), "is a link")
                if entry.name in _FILES:
                    if not entry.is_file(follow_symlinks=False):
                        raise _unsafe(Path(entry.path), "is not a regular file")
                    if os.lstat(entry.path).st_nlink > 1:
                        raise _unsafe(Path(entry.path), "is a hard link to another file")
                names.append(entry.name)
    except (FileNotFoundError, NotADirectoryError, PermissionError):  # nothing else here can open it either
        return []
    return names


def _unsafe(path: Path, what: str) -> UnsafeCache:
    hint = "delete it, if you do not know what it is for; --cache DIR names another folder"
    return UnsafeCache(f"'{path}' {what}, and the cache is not opened through it", hint)


def is_of_cache(name: str) -> bool:
    """Whether a name in a cache folder is one that Octavo gives."""
    own = (*_FILES, *PREVIEWS, IMAGES, staging.STAGING, ASIDE)
    return (
        name in own or name.startswith((store.FILE, manifest.FILE, f"{EVIDENCE_FILE}-")) or staging.is_ready_name(name)
    )


def is_cache(names: Iterable[str]) -> bool:
    """Whether a folder with these names in it is a cache.

    It holds a database or a lock, and nothing else but what Octavo puts there.
    """
    entries = set(names)
    return bool(entries & {store.FILE, manifest.FILE, "lock"}) and all(map(is_of_cache, entries))


# What keeps it from being written.


def is_busy(problem: Exception) -> bool:
    return getattr(problem, "sqlite_errorname", "").startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))


def is_out_of_memory(problem: Exception) -> bool:
    """Whether SQLite lacks memory, as it says of a file that it cannot map.

    For all else Python has MemoryError.
    """
    return "NOMEM" in getattr(problem, "sqlite_errorname", "")


def say_unwritable(problem: Exception, folder: Path, label: str, say: Callable[[str], None], end: str = "") -> None:
    """The line of a cache that cannot be written."""
    end = end or "this build goes on without it"
    say(f"octavo: the cache {label} cannot be written ({_reason(problem, folder)}): {end}")


def _reason(problem: Exception, folder: Path) -> str:
    """Why the cache cannot be written, in words.

    The system says more of it than SQLite does.
    """
    if isinstance(problem, sqlite3.Error) and is_want(problem):
        problem = _ask_system(folder) or problem
    if isinstance(problem, FileExistsError | NotADirectoryError):
        return "it is not a folder"
    reason = (problem.strerror if isinstance(problem, OSError) else "") or str(problem)
    return f"{reason[:1].lower()}{reason[1:]}"


def _ask_system(folder: Path) -> OSError | None:
    """What the system says of files made and opened in the folder."""
    passing = folder / f"{EVIDENCE_FILE}-{os.getpid()}"  # a name that ``clean`` knows
    try:
        descriptor = open_regular(passing, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
        try:
            os.write(descriptor, bytes(4096))
        finally:
            os.close(descriptor)
            passing.unlink()
        for name in (store.FILE, manifest.FILE):
            if stat.S_ISREG(os.lstat(folder / name).st_mode):
                os.close(open_regular(folder / name, os.O_RDWR))
    except FileNotFoundError:
        return None
    except OSError as problem:
        return problem
    return None


T = TypeVar("T")

# The databases.


@dataclass(frozen=True)
class Databases:
    """The open files of a cache.

    ``is_kept`` is false where they are in memory; ``manifest_file`` tells the manifest's from one in its place.
    """

    store: Store
    manifest_db: sqlite3.Connection
    is_kept: bool
    manifest_file: tuple[int, int] | None = None

    def close(self) -> None:
        self.store.close()
        self.manifest_db.close()


def open_databases(folder: Path, label: str, say: Callable[[str], None]) -> Databases:
    """The databases of a cache folder, which is made where there is none.

    A file that is no good is set aside; where the folder cannot be written they are in memory. ``say`` takes the line
    that tells of it, and ``label`` is what the folder is called there. Raises UnsafeCache, and PublishError where
    another process keeps the cache locked.
    """
    check_cache(folder)
    opened: list[Store | sqlite3.Connection] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        earlier = open_store(folder, label, say)
        opened.append(earlier)
        _try_to_write(earlier.connection)
        manifest_db = open_manifest(folder, label, say)
        opened.append(manifest_db)
        _try_to_write(manifest_db)
    except (OSError, sqlite3.OperationalError, Foreign) as problem:
        for each in opened:
            each.close()
        if is_busy(problem):
            raise PublishError("another process keeps the cache locked", str(folder / store.FILE)) from problem
        if is_out_of_memory(problem):
            raise MemoryError from problem
        say_unwritable(problem, folder, label, say)
        return open_in_memory()
    return Databases(earlier, manifest_db, True, identify_file(folder / manifest.FILE))


def open_in_memory() -> Databases:
    """Databases for a build that goes on without its cache."""
    return Databases(Store(None, digest_code()), open_database(None, manifest.SCHEMA), False)


def open_store(folder: Path, label: str, say: Callable[[str], None]) -> Store:
    """The values of earlier builds.

    Raises OSError, sqlite3.OperationalError and Foreign.
    """
    return _open(folder / store.FILE, lambda path: Store(path, digest_code()), label, say)


def open_manifest(folder: Path, label: str, say: Callable[[str], None]) -> sqlite3.Connection:
    """The manifest and the journal.

    Raises OSError, sqlite3.OperationalError and Foreign.
    """
    return _open(folder / manifest.FILE, lambda path: open_database(path, manifest.SCHEMA), label, say)


def _open(path: Path, act: Callable[[Path], T], label: str, say: Callable[[str], None]) -> T:
    try:
        return act(path)
    except Foreign as problem:
        put_aside(path, f": {problem}", label, say)
        return act(path)


def put_aside(path: Path, reason: str, label: str, say: Callable[[str], None]) -> None:
    """Set a file of the cache aside, and say why. Raises OSError."""
    set_aside(path)
    say(f"octavo: {label}/{path.name}{reason}: it is set aside in {label}/{ASIDE}")


def _try_to_write(connection: sqlite3.Connection) -> None:
    """Find out before anything depends on it: a small write, down to the file."""
    with transaction(connection):
        connection.execute("PRAGMA user_version = 0")


# The cache, open.


@contextmanager
def holding_cache(folder: Path, wait: float, say: Callable[[str], None]) -> Iterator[None]:
    """Keep other commands out of a cache, and say for whom this one waits.

    Raises Locked.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(hold_lock(folder, 0))
        except Locked as busy:
            if not wait:
                raise
            say(f"octavo: waiting for another build ({busy})")
            stack.enter_context(hold_lock(folder, wait))
        yield


class Cache:
    """The cache of a site, open: store, manifest, and images that were made.

    ``home`` is the site's cache folder, and ``folder`` the one that is opened: ``home``, or a preview's own in it. Only
    one command at a time works with it, in ``hold``; ``say`` takes the line that tells of waiting for another one, and
    of what is wrong with the cache.
    """

    def __init__(self, root: Path, options: Options, say: Callable[[str], None]) -> None:
        """Open the cache, made where there is none.

        Raises Locked, UnsafeCache, and PublishError as ``open_databases``.
        """
        self.home = find_cache(root, options.cache)
        self.folder = self.home / options.preview if options.preview else self.home
        self._root = root
        self._label = str(self.folder.relative_to(root) if self.folder.is_relative_to(root) else self.folder)
        self._wait = options.wait
        self._say = say
        self._stats: tuple[Store, StatCache] | None = None
        self._passing_images: Path | None = None
        check_cache(self.home)
        check_cache(self.folder)
        with holding_cache(self.folder, self._wait, say):
            self._databases = open_databases(self.folder, self._label, say)
            if options.fresh:
                self._forget_values()

    @property
    def store(self) -> Store:
        """The values of earlier builds.

        Another store once the cache was begun anew, or is done without.
        """
        return self._databases.store

    @property
    def manifest_db(self) -> sqlite3.Connection:
        """The manifest and the journal."""
        return self._databases.manifest_db

    @property
    def stat_cache(self) -> StatCache:
        """The digests of files, read once for as long as this store is open.

        Nobody else writes to it meanwhile.
        """
        if self._stats is None or self._stats[0] is not self.store:
            self._stats = (self.store, StatCache(self.store.connection))
        return self._stats[1]

    def forget_stats(self) -> None:
        """Have every file read again: a listing was not what the files hold."""
        self.stat_cache.forget()
        self._stats = None

    def gallery(self) -> EncodedImages:
        """The images that were made here.

        Previews share them with builds: what they make is the same.
        """
        from octavo.images.encode import recipe
        from octavo.images.encoded_cache import EncodedImages

        own = self._root / CACHE_FOLDER
        home = own if self.folder.is_relative_to(own) else self.home
        if not self._databases.is_kept:
            home = self._passing_images = self._passing_images or _make_passing_folder()
        return EncodedImages(home / IMAGES / recipe().hex())

    def close(self) -> None:
        """Close the databases, and remove the images that cannot be kept."""
        self._databases.close()
        if self._passing_images is not None:
            import shutil

            shutil.rmtree(self._passing_images, ignore_errors=True)

    # Beside other commands.

    @contextmanager
    def hold(self, follows: Callable[[], bool] = lambda: False) -> Iterator[None]:
        """Work with the cache while no other command does.

        It is as the last one left it. ``follows`` is asked, when another process has written to the cache, whether all
        of that is known. Raises Locked.
        """
        with holding_cache(self.folder, self._wait, self._say):
            opened = self._databases
            is_same = opened.store.is_there() and identify_file(self.folder / manifest.FILE) == opened.manifest_file
            if opened.is_kept and not (is_same and opened.store.is_current()):
                if is_same and follows():
                    self.store.accept()
                else:
                    self._databases.close()  # which are others, where ``follows`` has taken the store over
                    self._databases = open_databases(self.folder, self._label, self._say)
            yield

    def hand_over_store(self) -> Store:
        """Leave the open store to the caller, who closes it.

        To be called when the cache is about to be opened anew.
        """
        store = self.store
        self._databases = replace(self._databases, store=Store(None, b""))
        return store

    # What is damaged, and what cannot be written.

    def mend(self, problem: Exception) -> None:
        """Go on after what has ended a build early.

        That is done without what is damaged, or without the cache where it cannot be written. Raises the problem again
        where it is no matter of the cache.
        """
        match problem:
            case DamagedManifest():
                self._put_manifest_aside(problem)
            case sqlite3.DatabaseError() if is_want(problem):
                self._go_on_without(problem)
            case CorruptStore() | sqlite3.DatabaseError():
                self.begin_anew()
            case OSError() if self._databases.is_kept and self._is_of_home(problem):
                self._go_on_without(problem)
            case _:
                raise problem

    def begin_anew(self) -> None:
        """Set a damaged store aside, and begin another one.

        The manifest lies in a file of its own.
        """
        self.store.close()
        try:
            if self._databases.is_kept:
                put_aside(self.folder / store.FILE, " is damaged", self._label, self._say)
                another = open_store(self.folder, self._label, self._say)
            else:
                another = Store(None, digest_code())
            self._databases = replace(self._databases, store=another)
        except (OSError, sqlite3.OperationalError, Foreign) as problem:
            self._go_on_without(problem)

    def with_manifest(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Do what reads the manifest; if need be once more, without it.

        That is where it is damaged or cannot be written.
        """
        for _ in range(2):
            try:
                return work(self.manifest_db)
            except DamagedManifest as damage:
                self._put_manifest_aside(damage)
            except sqlite3.DatabaseError as problem:
                if is_want(problem):
                    self._go_on_without(problem)
                else:
                    self._put_manifest_aside(DamagedManifest(f"is damaged ({problem})"))
        return work(self.manifest_db)

    def complete_sweep(self, output: Path) -> bool:
        """Complete a sweep of this output folder that was interrupted.

        True when there was one.
        """
        return self.with_manifest(lambda manifest_db: recover(manifest_db, self.folder, output))

    def say_unsaved(self, problem: sqlite3.DatabaseError | None) -> None:
        """Say that the cache could not be written once the site was published."""
        if problem is not None:
            end = "the site is published, and the next build takes longer"
            say_unwritable(problem, self.folder, self._label, self._say, end)

    def _put_manifest_aside(self, damage: DamagedManifest) -> None:
        """Go on with a manifest that says nothing.

        The list in the output folder does.
        """
        with suppress(sqlite3.DatabaseError):
            self.manifest_db.close()
        try:
            put_aside(self.folder / manifest.FILE, f" {damage}", self._label, self._say)
            another = open_manifest(self.folder, self._label, self._say)
            there = identify_file(self.folder / manifest.FILE)
            self._databases = replace(self._databases, manifest_db=another, manifest_file=there)
        except (OSError, sqlite3.OperationalError, Foreign) as problem:
            self._go_on_without(problem)

    def _forget_values(self) -> None:
        try:
            self.store.forget_all()
        except sqlite3.DatabaseError as problem:
            self.mend(problem)

    def _go_on_without(self, problem: Exception) -> None:
        """Go on with databases in memory, for the cache cannot be written now."""
        if is_busy(problem) or not self._databases.is_kept:
            raise PublishError(f"the cache cannot be written: {problem}", str(self.folder)) from problem
        if is_out_of_memory(problem):
            raise MemoryError from problem
        say_unwritable(problem, self.folder, self._label, self._say)
        with suppress(sqlite3.DatabaseError):
            self._databases.close()
        self._databases = open_in_memory()

    def _is_of_home(self, problem: OSError) -> bool:
        place = problem.filename
        return isinstance(place, str | Path) and Path(place).is_relative_to(self.home)

    # The end of it.

    def remove(self) -> tuple[str, ...]:
        """Remove the cache, but for what waits for output folders.

        What tells of that stays as well; answers these folders. To be called in ``hold``, when a sweep that was
        interrupted is complete. Raises OSError.
        """
        pending = self._waiting_outputs() if self._databases.is_kept else ()
        self._databases.close()
        ready = {staging.ready_name(key) for key in pending}
        entries = self.home.iterdir() if self.home.is_dir() else ()
        for entry in sorted(entries, key=lambda entry: _removal_rank(entry.name)):
            is_manifest = entry.name.startswith(manifest.FILE)
            if entry.name in ready or (pending and (is_manifest or entry.name == "lock")):
                continue
            if self.home != self._root / CACHE_FOLDER and not is_of_cache(entry.name):
                continue
            _remove(entry)
        with suppress(OSError):
            self.home.rmdir()
        return tuple(os.path.relpath(os.path.normpath(self.folder / key), self._root) for key in pending)

    def _waiting_outputs(self) -> tuple[str, ...]:
        """The keys of the output folders for which files wait."""
        return tuple(
            key
            for key in self.with_manifest(pending_outputs)
            if (self.folder / staging.ready_name(key)).is_dir()
            or (self.folder / key / (HIDDEN + staging.READY)).is_dir()
        )


def _removal_rank(name: str) -> int:
    """In what order a cache is removed: what tells of the output last.

    Of that the lock comes last, for some systems keep a file that is open. A log of SQLite's goes after its file,
    without which it says nothing.
    """
    if name == "lock":
        return 4
    if name.startswith("ready-"):
        return 3
    if name.startswith(manifest.FILE):
        return 1 if name == manifest.FILE else 2
    return 0


def _remove(entry: Path) -> None:
    if entry.name != "lock" or os.name != "nt":
        staging.delete_folder(entry)


def _make_passing_folder() -> Path:
    import tempfile

    return Path(tempfile.mkdtemp(prefix="octavo-images-"))
