"""The rows of the table, each with its limit and the pages that are held to it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Literal

from audit import browser, lighthouse
from audit.measures import PAGES, SITE, Measure

Reach = Literal["all", "usual", "articles"]
"""The pages that have to keep a limit: all of them; those of the example site; the two articles."""


@dataclass(frozen=True)
class Row:
    """One thing that is measured. ``most`` or ``least`` is its limit, without one it is only shown; ``but`` names pages
    that need not keep it."""

    name: str
    says: str
    most: float | None = None
    least: float | None = None
    reach: Reach = "all"
    but: tuple[str, ...] = ()

    @property
    def limit(self) -> str:
        if self.most is not None:
            return f"≤ {self.most:g}" if self.most else "0"
        return f"≥ {self.least:g}" if self.least is not None else ""

    def holds(self, measure: Measure) -> bool:
        if measure.page in self.but or not self._reaches(measure.page):
            return True
        below = self.most is None or measure.value <= self.most
        return below and (self.least is None or measure.value >= self.least)

    def _reaches(self, page: str) -> bool:
        if self.reach == "all" or page == SITE:
            return True
        if self.reach == "articles":
            return page in ("article", "torture")
        return any(each.name == page and each.usual for each in PAGES)


FAST = (
    Row("nu", "Nu HTML checker: errors and warnings", most=0),
    Row("axe-light", "axe-core, light: violations", most=0),
    Row("axe-dark", "axe-core, dark: violations", most=0),
    Row("csp", "security policy: violations", most=0),
    Row("policy", "security policy: what makes it weak", most=0),
    Row("console", "console: errors and warnings", most=0),
    Row("other-hosts", "requests to other hosts", most=0),
    Row("no-script", "words that only scripts show", most=0),
    Row("too-wide", "px too wide at 320 px", most=0),
    Row("cls", "layout shift", most=0.001),
    Row("requests", "requests", most=5, reach="usual"),
    Row("kb", "KB sent, all", most=60, reach="usual"),
    Row("kb-text", "KB sent, without fonts and images", most=25, reach="usual"),
    Row("html-kb", "KB sent of the page, with what is inlined", most=16, reach="usual"),
    Row("html", "KB of HTML alone, not compressed"),
    Row("css", "KB of CSS, not compressed", most=10),
    # A page to search needs a script for just that.
    Row("js", "KB of JavaScript, not compressed", most=1, but=("search",)),
    Row("head", "head: what is missing or wrong", most=0),
    Row("extracted", "Readability: % of the text", least=100, reach="articles"),
    Row("atom", "Atom feeds: faults", most=0),
    Row("json-feed", "JSON Feeds: faults", most=0),
    Row("sitemap", "sitemaps: faults", most=0),
    Row("links", "links: broken ones", most=0),
    Row("nu-rest", "Nu HTML checker: all other pages", most=0),
)

_SAYS = {"performance": "performance", "accessibility": "accessibility", "practices": "best practices", "seo": "SEO"}


def _lighthouse() -> Iterator[Row]:
    for form in lighthouse.FORMS:
        for name, says in _SAYS.items():
            # Of a page that search engines are told to leave out, Lighthouse takes points off for just that.
            but = ("404",) if name == "seo" else ()
            yield Row(f"{form}-{name}", f"Lighthouse {form}: {says}", least=100, reach="usual", but=but)
        yield Row(f"{form}-lcp", f"Lighthouse {form}: LCP, ms", most=1200 if form == "mobile" else None, reach="usual")
        yield Row(f"{form}-cls", f"Lighthouse {form}: layout shift", most=0.001)


SLOW = tuple(_lighthouse())
ROWS = (*FAST, *SLOW)

assert {row.name for row in FAST} >= browser.ROWS
assert {row.name for row in SLOW} == set(lighthouse.ROWS)


def chosen(names: Collection[str], fast: bool) -> tuple[Row, ...]:
    """The rows by name or by the beginning of it; all of them for none. Raises LookupError for what is no row."""
    rows = FAST if fast else ROWS
    unknown = [name for name in names if not any(row.name.startswith(name) for row in rows)]
    if unknown:
        raise LookupError(f"no row {unknown[0]!r}; there are {', '.join(row.name for row in rows)}")
    return tuple(row for row in rows if not names or row.name.startswith(tuple(names)))
