"""What the report on the site says of a page that an author looks at, worked out in a thread beside all else: it
follows from all posts, and a page that is saved meanwhile does not wait."""

from __future__ import annotations

import sqlite3
import threading
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from octavo.about import insight
from octavo.facts import Facts, Unanswered

if TYPE_CHECKING:
    from octavo.view import View

Insight = list[dict[str, Any]]

HELD = 20
"""Posts of which it is kept."""


class Inspecting:
    """One post at a time. ``ended`` is called when one is done, in another thread, with what went wrong if anything
    did."""

    def __init__(self, ended: Callable[[Exception | None], None]) -> None:
        self._ended = ended
        self._running: threading.Thread | None = None
        self._found: dict[str, tuple[weakref.ref[View], Insight]] = {}

    def of(self, view: View, facts: Facts, path: str) -> Insight:
        """What was found last; where that is of an earlier view, begin to find out what it is now."""
        of, found = self._found.get(path, (None, []))
        if self._running is None and (of is None or of() is not view):
            self._running = threading.Thread(
                target=self._inspect, args=(view, facts, path, found), name="octavo-inspect", daemon=True
            )
            self._running.start()
        return found

    def stop(self, seconds: float) -> bool:
        """Wait so long for what is under way. False when it still is."""
        running = self._running
        if running is not None:
            running.join(seconds)
        return running is None or not running.is_alive()

    def _inspect(self, view: View, facts: Facts, path: str, before: Insight) -> None:
        problem: Exception | None = None
        found = before
        try:
            found = insight(view, facts, path)
        except (Unanswered, sqlite3.Error):
            pass  # a file is another one by now, or the cache: there will be another view
        except Exception as failed:
            problem = failed
        while len(self._found) >= HELD:
            del self._found[next(iter(self._found))]
        self._found[path] = weakref.ref(view), found
        self._running = None
        self._ended(problem)
