"""Where the time of a build went.

By step, and the slowest posts, pages and layouts.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from heapq import nlargest
from typing import Any

from octavo.engine.observer import Observer

MOST_SLOWEST = 10
"""How many of the slowest are shown."""

_WORDS = {
    "list": "list the files",
    "compare": "look at the output",
    "parse": "read posts",
    "relate": "relate posts",
    "compile_layout": "compile layouts",
    "gather": "data of build.py",
    "own_pages": "pages of build.py",
    "run_check": "checks of build.py",
    "render": "render pages",
    "measure": "look at images",
    "make_image": "make images",
    "check_links": "check links",
    "lint": "check layouts",
    "publish": "publish",
}


@dataclass(frozen=True)
class Stretch:
    """A phase of a build, and how long it took.

    ``ran`` is how many items were run in it, which took ``work_seconds`` together, in this and other processes.
    """

    phase: str
    seconds: float
    ran: int
    work_seconds: float


class Profile(Observer):
    """Adds up what goes on."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}
        self._since: dict[str, float] = {}
        self._ran: dict[str, list[tuple[float, str]]] = {}
        self._layouts: Mapping[str, str] = {}

    def began(self, phase: str) -> None:
        self._since[phase] = time.monotonic()

    def ran(self, phase: str, item: str, seconds: float) -> None:
        self._ran.setdefault(phase, []).append((seconds, item))

    def ended(self, phase: str) -> None:
        self._seconds[phase] = self._seconds.get(phase, 0.0) + time.monotonic() - self._since[phase]

    def laid_out(self, layouts: Mapping[str, str]) -> None:
        self._layouts = layouts

    def stretches(self) -> tuple[Stretch, ...]:
        """The phases that took time, the longest first."""
        stretches = (
            Stretch(phase, seconds, len(ran), sum(took for took, _ in ran))
            for phase, seconds in self._seconds.items()
            for ran in [self._ran.get(phase, [])]
        )
        return tuple(sorted(stretches, key=lambda stretch: (-stretch.seconds, stretch.phase)))

    def slowest(self, phase: str) -> tuple[tuple[float, str], ...]:
        """(seconds, item) of those that took longest, the longest first."""
        return tuple(nlargest(MOST_SLOWEST, self._ran.get(phase, [])))

    def layouts(self) -> tuple[tuple[float, str, int], ...]:
        """(seconds, layout, pages) of the slowest layouts.

        Those are they whose pages took longest together, the longest first.
        """
        of: dict[str, list[float]] = {}
        for seconds, url in self._ran.get("render", []):
            of.setdefault(self._layouts.get(url, ""), []).append(seconds)
        return tuple(
            nlargest(MOST_SLOWEST, ((sum(times), layout, len(times)) for layout, times in of.items() if layout))
        )

    def as_text(self, whole: float) -> str:
        """In lines, of a build that took ``whole`` seconds."""
        stretches = self.stretches()
        rest = whole - sum(stretch.seconds for stretch in stretches)
        lines = ["where the time went:"]
        lines += [_line(stretch.seconds, _phase(stretch)) for stretch in stretches if stretch.seconds >= 0.001]
        lines.append(_line(rest, "the rest"))
        for title, phase in (("slowest posts to read", "parse"), ("slowest pages", "render")):
            slowest = self.slowest(phase)
            if slowest:
                lines += [f"{title}:", *(_line(seconds, item) for seconds, item in slowest)]
        layouts = self.layouts()
        if layouts:
            lines.append("layouts:")
            lines += [
                _line(seconds, f"{layout}: {pages:,} page{'s' * (pages != 1)}, {seconds / pages * 1000:.1f} ms each")
                for seconds, layout, pages in layouts
            ]
        return "".join(f"{line}\n" for line in lines)

    def as_dict(self) -> dict[str, Any]:
        """As ``--format json`` prints it."""
        return {
            "phases": [
                {
                    "phase": stretch.phase,
                    "seconds": round(stretch.seconds, 4),
                    "ran": stretch.ran,
                    "work": round(stretch.work_seconds, 4),
                }
                for stretch in self.stretches()
            ],
            "posts": _rows("path", self.slowest("parse")),
            "pages": _rows("url", self.slowest("render")),
            "layouts": [
                {"layout": layout, "seconds": round(seconds, 4), "pages": pages}
                for seconds, layout, pages in self.layouts()
            ],
        }


def _phase(stretch: Stretch) -> str:
    words = _WORDS.get(stretch.phase, stretch.phase)
    return f"{words}: {stretch.ran:,} run, {stretch.work_seconds:.2f} s of work" if stretch.ran else words


def _line(seconds: float, words: str) -> str:
    return f"  {seconds:8.3f} s  {words}"


def _rows(name: str, slowest: Iterable[tuple[float, str]]) -> list[dict[str, Any]]:
    return [{name: item, "seconds": round(seconds, 4)} for seconds, item in slowest]
