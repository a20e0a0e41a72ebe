"""What a build reports: values, and why each page was rendered.

``Options``, what the command line chose for it, are among them.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from octavo.base.diagnostics import Diagnostic
from octavo.base.file_stat import FileState
from octavo.base.names import CONFIG_FILE
from octavo.engine.database import most_rows
from octavo.engine.store import Store

if TYPE_CHECKING:
    from octavo.engine.records import Change
    from octavo.site.stages import BuiltSite

WAIT_SECONDS = 60.0
"""For another build: longer than most take, and not for ever for one that hangs."""


@dataclass(frozen=True)
class Options:
    """What the command line decides.

    ``at`` stands for now; ``wait`` is how long to wait for another build, in s; ``executor`` is the address of a Dask
    scheduler (HOST:PORT), or None for processes of this machine; ``preview`` is the name of a folder in the cache that
    is the cache of a preview.
    """

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
    wait: float = WAIT_SECONDS
    executor: str | None = None
    preview: str | None = None

    def now(self) -> dt.datetime:
        """The instant for which a site is built that is listed now."""
        return self.at or dt.datetime.now(dt.UTC)

    @property
    def overrides(self) -> Mapping[str, str]:
        """Settings that take the place of the site's own."""
        return {} if self.base_url is None else {"base_url": self.base_url}

    @property
    def site_choices(self) -> tuple[bool, ...]:
        """What makes another site, or other problems, of the same files."""
        return (self.drafts, self.future, self.strict, self.allow_broken_links)

    def apply_severity(self, problem: Diagnostic) -> Diagnostic:
        """Take a problem for an error or a warning, as the command line says.

        Broken links that are allowed are warnings; where it is strict, every other warning is an error.
        """
        if problem.code == "link" and self.allow_broken_links:
            return problem.as_warning()
        return problem.as_error() if self.strict else problem


@dataclass(frozen=True)
class Held:
    """A post that is not published.

    ``instant`` is since or until when, if that is a matter of time.
    """

    path: str
    state: str
    instant: dt.datetime | None = None


@dataclass(frozen=True)
class NoopEvidence:
    """What it rests on that nothing had to be done.

    The ``states`` in which files were found, by location; that of other ``places`` since before ``began``, in ns by the
    clock of the cache's file system; and an instant within ``window`` (from the first to before the second).
    """

    states: tuple[tuple[str, FileState], ...]
    places: tuple[str, ...]
    began: int
    window: tuple[dt.datetime | None, dt.datetime | None]


@dataclass(frozen=True)
class Report:
    """What a build did.

    ``rendered`` and ``parsed`` are the pages (by URL) and the sources that were worked on; ``evidence`` is there where
    nothing had to be done.
    """

    pages: int = 0
    rendered: tuple[str, ...] = ()
    parsed: tuple[str, ...] = ()
    written: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    held: tuple[Held, ...] = ()
    problems: tuple[Diagnostic, ...] = ()
    seconds: float = 0.0
    evidence: NoopEvidence | None = None

    @property
    def failed(self) -> bool:
        return any(problem.is_error for problem in self.problems)

    @property
    def status(self) -> int:
        """The exit status.

        0 built, 1 the site has errors, 2 only its settings have.
        """
        if not self.failed:
            return 0
        at_fault = {problem.path for problem in self.problems if problem.is_error}
        return 2 if all(path == CONFIG_FILE or path.startswith("--") for path in at_fault) else 1


def make_report(built: BuiltSite, options: Options) -> Report:
    """Tell what was made, with its problems weighed.

    Nothing of it is published yet.
    """
    live = built.published
    return Report(
        pages=len(built.pages),
        rendered=tuple(built.page_changes),
        parsed=tuple(built.source_changes),
        held=tuple(
            Held(path, state, live.instants.get(path))
            for path, state in live.states.items()
            if state in ("draft", "future", "expired")
        ),
        problems=tuple(options.apply_severity(problem) for problem in built.problems),
    )


class PageTrace(NamedTuple):
    """Why a page is as it is.

    ``asked`` are the questions that it was made from, None when no page is at ``url``; ``reason`` is why it was
    rendered last; ``urls`` are those of all pages, where there is none at this one.
    """

    url: str
    asked: tuple[str, ...] | None
    reason: str
    urls: tuple[str, ...]


def explain_page(store: Store, url: str) -> PageTrace:
    """What the page at a URL was last made from, and why it was rendered last."""
    from octavo.engine.answers import Answers
    from octavo.model import queries  # noqa: F401  # they are read by their names

    answers, traces = Answers(store), store.traces("render")
    for candidate in (url, url.rstrip("/") + "/", "/" + url.lstrip("/"), f"/{url.strip('/')}/"):
        trace = traces.get(candidate)
        if trace is not None:
            asked = tuple(str(answers.query(number)) for number in trace.queries)
            return PageTrace(candidate, asked, _reasons(store).get(candidate, "it is new"), ())
    return PageTrace(url, None, "", tuple(traces))


def keep_reasons(store: Store, ran: Mapping[str, Change]) -> None:
    """Keep why pages were rendered, for whoever asks later."""
    with store.transaction():
        store.connection.executemany(
            "INSERT OR REPLACE INTO reasons VALUES (?, ?)",
            (
                (url, change.reason if change.query is None else f"{change.reason}: {change.query}")
                for url, change in ran.items()
            ),
        )


def _reasons(store: Store) -> dict[str, str]:
    """URL -> why the page was rendered last."""
    rows = store.connection.execute("SELECT url, reason FROM reasons LIMIT ?", (most_rows(store.connection),))
    return {str(url): str(reason) for url, reason in rows}
