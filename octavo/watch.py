"""Changes of files, settled: events are only hints that something may have changed."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

QUIET = 0.05
"""Seconds without an event after which a burst is over: an editor's save is several events."""

LONGEST = 0.5
"""Seconds after which a burst is taken for over all the same."""

RESCAN = 30.0
"""Seconds after which to look without an event: a lost event, or a post whose time has come."""


def watch(
    paths: Callable[[], Sequence[Path]], stop: threading.Event | None = None, say: Callable[[str], None] = print
) -> Iterator[None]:
    """Yield each time that something may have changed, until ``stop`` is set.

    ``paths`` gives the folders (watched with all they hold) and files to watch; it is asked again after each change,
    so that a folder that comes back is watched again. What happens while the caller is busy is not lost.
    """
    stop = stop or threading.Event()
    changed = threading.Event()
    observer = _Observer(changed, say)
    try:
        observer.watch(paths())
        while not stop.is_set():
            changed.wait(RESCAN)
            _settle(changed, stop)
            if stop.is_set():
                return
            changed.clear()
            observer.watch(paths())
            yield
    finally:
        observer.close()


def _settle(changed: threading.Event, stop: threading.Event) -> None:
    """Wait for the end of a burst of events."""
    until = time.monotonic() + LONGEST
    while changed.is_set() and time.monotonic() < until and not stop.is_set():
        changed.clear()
        if not changed.wait(QUIET):
            return


class _Observer:
    """Watchdog's observer, or its polling one where the system has no more watches to give."""

    def __init__(self, changed: threading.Event, say: Callable[[str], None]) -> None:
        from watchdog.observers import Observer

        self._changed = changed
        self._say = say
        self._observer: Any = Observer()
        self._watched: dict[tuple[Path, bool], Any] = {}
        self._started = False

    def watch(self, paths: Sequence[Path]) -> None:
        """Watch these, and the folders that hold them, in which they may come and go."""
        wanted: set[tuple[Path, bool]] = {(path, True) for path in paths if path.is_dir()}
        wanted |= {(path.parent, False) for path in paths if path.parent.is_dir()}
        try:
            self._adjust(wanted, frozenset(paths))
        except OSError as problem:
            self._say(
                f"octavo: the system gives no more file watches ({problem.strerror}); looking every second instead"
            )
            self._poll(wanted, frozenset(paths))

    def close(self) -> None:
        if self._started:
            self._observer.stop()
            self._observer.join()

    def _adjust(self, wanted: set[tuple[Path, bool]], paths: frozenset[Path]) -> None:
        for key in [key for key in self._watched if key not in wanted or not key[0].is_dir()]:
            self._observer.unschedule(self._watched.pop(key))
        for folder, deep in sorted(wanted - self._watched.keys()):
            handler = _Handler(self._changed, None if deep else paths)
            self._watched[folder, deep] = self._observer.schedule(handler, str(folder), recursive=deep)
        if not self._started:
            self._observer.start()
            self._started = True

    def _poll(self, wanted: set[tuple[Path, bool]], paths: frozenset[Path]) -> None:
        from watchdog.observers.polling import PollingObserver

        self.close()
        self._observer, self._started = PollingObserver(timeout=1), False
        self._watched.clear()
        self._adjust(wanted, paths)


class _Handler:
    """Sets a flag for what may change a site: not for opening and reading files, nor for the neighbours of a file."""

    def __init__(self, changed: threading.Event, only: frozenset[Path] | None) -> None:
        self._changed = changed
        self._only = only

    def dispatch(self, event: Any) -> None:
        if event.event_type in ("opened", "closed_no_write"):
            return
        places = {Path(str(place)) for place in (event.src_path, event.dest_path) if place}
        if self._only is None or places & self._only:
            self._changed.set()
