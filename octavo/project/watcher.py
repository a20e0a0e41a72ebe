"""Watching files: events, debounced until a burst of them is over.

Events are only hints that something may have changed.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

QUIET_SECONDS = 0.05
"""Seconds without an event after which a burst is over: an editor's save is several events."""

LONGEST_BURST_SECONDS = 0.5
"""Seconds after which a burst is taken for over all the same."""

RESCAN_SECONDS = 30.0
"""Seconds after which to look without an event: a lost event, or a post whose time has come."""

POLL_SECONDS = 1.0
"""Seconds between two looks where the system has no more watches to give."""


class Changes:
    """Tells when something may have changed.

    A context manager: what happens within it is not lost, also while the caller is busy. ``paths`` gives the folders
    (watched with all they hold) and files to watch; it is asked again after each change, so that a folder that comes
    back is watched again. ``say`` takes a line about how the files are watched.
    """

    def __init__(self, paths: Callable[[], Sequence[Path]], say: Callable[[str], None]) -> None:
        self._paths = paths
        self._changed = threading.Event()
        self._stopped = False
        self._seen: Callable[[Sequence[Path]], None] | None = None
        self._ended: Callable[[], None] | None = None
        self._observer = _Observer(self._see, say)

    def __enter__(self) -> Changes:
        self._observer.watch(self._paths())
        return self

    def __exit__(self, *_: object) -> None:
        self._observer.end()

    def stop(self) -> None:
        """End the waiting, from another thread."""
        self._stopped = True
        self._changed.set()
        if self._ended is not None:
            self._ended()

    def report_to(self, seen: Callable[[Sequence[Path]], None], ended: Callable[[], None]) -> None:
        """Call ``seen`` with the places of each event from now on.

        That is done in the watcher's thread, instead of being waited for; and ``ended`` is called when there are no
        more.
        """
        self._seen, self._ended = seen, ended

    def renew_watches(self) -> None:
        """Ask again what is to be watched."""
        self._observer.watch(self._paths())

    def _see(self, places: Sequence[Path]) -> None:
        if self._seen is not None:
            self._seen(places)
        self._changed.set()

    def wait(self) -> bool:
        """Wait until something may have changed, and the burst is over.

        False when there is no more.
        """
        self._changed.wait(RESCAN_SECONDS)
        return self._settled()

    def wait_more(self, seconds: float) -> bool:
        """The same for so many seconds. False when nothing has changed by then."""
        return self._changed.wait(seconds) and self._settled()

    def _settled(self) -> bool:
        until = time.monotonic() + LONGEST_BURST_SECONDS
        while self._changed.is_set() and time.monotonic() < until and not self._stopped:
            self._changed.clear()
            if not self._changed.wait(QUIET_SECONDS):
                break
        if self._stopped:
            return False
        # Cleared before the files are read: what changes from here on sets it again, so no change falls in between.
        self._changed.clear()
        self._observer.watch(self._paths())
        return True


class _Lost(logging.Handler):
    """Takes what watchdog says of events that the system has dropped, which nobody is told of else."""

    def __init__(self, lost: Callable[[], None]) -> None:
        super().__init__(logging.WARNING)
        self._lost = lost

    def emit(self, record: logging.LogRecord) -> None:
        # No interface of watchdog's: its words for inotify's IN_Q_OVERFLOW. Where they change, what was lost is seen
        # later, when the files are looked at without an event (RESCAN): no test would tell.
        if "overflow" in record.msg:
            self._lost()


class _Observer:
    """Watchdog's observer, or its polling one where the system has no more watches to give."""

    def __init__(self, on_change: Callable[[Sequence[Path]], None], say: Callable[[str], None]) -> None:
        self._on_change = on_change
        self._say = say
        self._observer: Any = None
        self._paths: frozenset[Path] = frozenset()
        self._watched: dict[tuple[Path, bool], Any] = {}
        self._renewed: set[Path] = set()
        self._lost = _Lost(lambda: on_change(sorted(self._paths)))
        logging.getLogger("watchdog").addHandler(self._lost)

    def watch(self, paths: Sequence[Path]) -> None:
        """Watch these, and the folders in which they may come and go."""
        self._paths = frozenset(paths)
        watches = {(path, True) for path in paths if path.is_dir()}
        watches |= {(path.parent, False) for path in paths if path.parent.is_dir()}
        try:
            if self._observer is None:
                from watchdog.observers import Observer

                self._start(Observer())
            self._adjust(watches)
        except OSError as problem:
            from watchdog.observers.polling import PollingObserver

            reason = problem.strerror or problem
            self._say(f"octavo: the system gives no more file watches ({reason}); looking every second instead")
            self.close()
            self._start(PollingObserver(timeout=POLL_SECONDS))
            self._adjust(watches)

    def close(self) -> None:
        if self._observer is not None and self._observer.is_alive():
            self._observer.stop()
            self._observer.join()
        self._watched.clear()

    def end(self) -> None:
        self.close()
        logging.getLogger("watchdog").removeHandler(self._lost)

    def _start(self, observer: Any) -> None:
        self._observer = observer
        observer.start()

    def _adjust(self, watches: set[tuple[Path, bool]]) -> None:
        renewed, self._renewed = self._renewed, set()
        for folder, deep in list(self._watched):
            # A folder that went and came back is another one, though it has the name of the one that is watched.
            if (folder, deep) not in watches or folder in renewed:
                self._observer.unschedule(self._watched.pop((folder, deep)))
        for folder, deep in sorted(watches - self._watched.keys()):
            handler = _Handler(self._seen_within if deep else partial(self._seen_beside, folder))
            try:
                self._watched[folder, deep] = self._observer.schedule(handler, str(folder.resolve()), recursive=deep)
            except (FileNotFoundError, NotADirectoryError):
                continue  # gone again: an event of its parent tells when it is back

    def _seen_within(self, kind: str, places: Sequence[Path]) -> None:
        """An event in a folder in which everything counts."""
        self._on_change(places)

    def _seen_beside(self, folder: Path, kind: str, places: Sequence[Path]) -> None:
        """An event in a folder in which only some names count."""
        paths = {folder / place.name for place in places} & self._paths
        if paths:
            if kind in ("created", "deleted", "moved"):
                self._renewed |= paths
            self._on_change(sorted(paths))


class _Handler:
    """Passes on the kind and the places of an event that may change a site, not of the opening and reading of files."""

    def __init__(self, seen: Callable[[str, Sequence[Path]], None]) -> None:
        self._seen = seen

    def dispatch(self, event: Any) -> None:
        if event.event_type not in ("opened", "closed_no_write"):
            self._seen(event.event_type, [Path(str(place)) for place in (event.src_path, event.dest_path) if place])
