"""How far a long step has come, as a bar on a terminal."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, TextIO

from octavo.engine.observer import Observer

if TYPE_CHECKING:
    from tqdm.std import tqdm

FIRST_BAR_SECONDS = 1.0
"""Seconds without a bar: most builds are done by then."""

LEAST_ITEMS_LEFT = 20
"""Items that are left: for fewer a bar would only flicker."""

_WORDS = {
    "parse": "reading posts",
    "render": "rendering pages",
    "make_image": "making images",
    "check_links": "checking links",
}


def can_show(stream: TextIO | None, environment: Mapping[str, str] = os.environ) -> bool:
    """Whether somebody sees a bar drawn to a stream, and sees it as one line."""
    return stream is not None and stream.isatty() and environment.get("TERM") != "dumb" and not environment.get("CI")


class Progress(Observer):
    """A bar for each step that takes long, gone when the step ends.

    The step has been long at work and has more to do.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._bar: tqdm[None] | None = None
        self._items = self._done = 0
        self._since = 0.0

    def expects(self, phase: str, items: int) -> None:
        self.close()
        self._items, self._done, self._since = items, 0, time.monotonic()

    def ran(self, phase: str, item: str, seconds: float) -> None:
        self._done += 1
        if self._bar is not None:
            self._bar.update()
        elif self._items - self._done >= LEAST_ITEMS_LEFT and time.monotonic() - self._since >= FIRST_BAR_SECONDS:
            self._bar = _bar(_WORDS.get(phase, phase), self._items, self._done, self._stream)

    def ended(self, phase: str) -> None:
        self.close()

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None


def _bar(words: str, items: int, done: int, stream: TextIO) -> tqdm[None]:
    # Imported for work that takes seconds, and only where somebody sees it.
    from threading import RLock

    from tqdm.std import tqdm

    class Bar(tqdm[None] if TYPE_CHECKING else tqdm):  # type: ignore[misc]
        # By default each has a thread that looks after it, and a lock shared with processes that never draw.
        monitor_interval = 0

    Bar.set_lock(RLock())
    shape = "{desc} {percentage:3.0f}% |{bar}| {n_fmt} of {total_fmt}, {remaining} left"
    return Bar(total=items, initial=done, desc=words, file=stream, leave=False, dynamic_ncols=True, bar_format=shape)
