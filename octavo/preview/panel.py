"""The panel: what an author wants to know of a page.

Whether a build would publish it and why, what is related to it and why, who links to it, how long it is, what is wrong
with it, and all that it was made from: ``describe_page``. What the report on the site says of it follows from all
posts; that is worked out in a thread beside all else, and a page that is saved meanwhile does not wait.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
import threading
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING

from octavo.base.diagnostics import to_text
from octavo.engine.facts import Facts, Interrupted, Reader, Unanswered
from octavo.model.queries import Backlinks, BodyOf, CardOf, PostAt, RelatedTo
from octavo.preview.messages import Client, InsightDetails, PageDetails, PanelMessage, RelatedDetails

if TYPE_CHECKING:
    from octavo.model.related import Relation
    from octavo.preview.session import PreviewSession
    from octavo.preview.snapshot import Snapshot

RELATED_POSTS = 10
"""Related posts in the panel."""

HELD_POSTS = 20
"""Posts of which it is kept what the report says."""


class Panels:
    """Sends tabs what their panels show, in the app's thread.

    ``on_insight`` is called in another, when ``update`` has more to send, with what went wrong if anything did.
    """

    def __init__(self, session: PreviewSession, on_insight: Callable[[Exception | None], None]) -> None:
        self._session = session
        self._insight = BackgroundInsight(on_insight)

    def toggle(self, client: Client, is_open: bool) -> None:
        """Open or close the panel of a tab.

        One that is opened shows nothing yet.
        """
        client.toggle_panel(is_open)
        self.update(client)

    def update(self, client: Client) -> None:
        """Tell a tab what is new of its page, if its author wants to know.

        Raises Unanswered.
        """
        if not client.url or not client.has_panel:
            return
        details = describe_page(self._session, client.url)
        snapshot, path = self._session.snapshot, details.get("source")
        if snapshot is not None and path is not None:
            details["insight"] = self._insight.find(snapshot, self._session.facts, path)
        client.send_panel(PanelMessage(details))

    def stop(self, seconds: float) -> bool:
        """Wait so long for the thread.

        False when it is still at work, with the cache that it reads.
        """
        return self._insight.stop(seconds)


def describe_page(session: PreviewSession, url: str) -> PageDetails:
    """Describe all of a page but what the report says of it.

    Raises Unanswered when a file is another one by now.
    """
    snapshot = session.snapshot
    page = session.render_page(url)
    if snapshot is None or page is None:
        return {}
    path = snapshot.source_of(url)
    details: PageDetails = {
        "url": url,
        "source": path,
        "layouts": list(page.layouts),
        "inputs": [str(query) for query in page.dependencies],
        "problems": list(map(to_text, page.problems if path is None else session.collect_problems().at(path))),
    }
    if path is None:
        return details
    post, body = session.ask(PostAt(path)), session.ask(BodyOf(path))
    return {
        **details,
        "status": _describe_status(session, path),
        "words": body.words if body else 0,
        "minutes": post.minutes if post else 0,
        "backlinks": [{"title": link.title, "url": link.url} for link in session.ask(Backlinks(path))],
        "related": [
            _describe_relation(session, relation) for relation in session.ask(RelatedTo(path, RELATED_POSTS)) or ()
        ],
    }


def _describe_relation(session: PreviewSession, relation: Relation) -> RelatedDetails:
    card = session.ask(CardOf(relation.path))
    reasons = [
        reason.text if reason.share is None else f"{reason.text} {reason.share:.0%}" for reason in relation.reasons
    ]
    return {
        "title": card.title if card else relation.path,
        "url": card.url if card else "",
        "score": round(relation.score, 3),
        "reasons": reasons,
    }


def _describe_status(session: PreviewSession, path: str) -> str:
    """Whether a build would publish a post now, and why."""
    post, now = session.ask(PostAt(path)), session.project.options.now()
    if post is None:
        return "not shown"
    if post.draft:
        return "a draft: its front matter says 'draft: true', and a build leaves it out"
    if post.date is not None and post.date > now:
        return f"to come: a build leaves it out until {_format_moment(post.date)}"
    return f"published, dated {_format_moment(post.date)}" if post.date is not None else "published, without a date"


def _format_moment(moment: dt.datetime) -> str:
    return moment.strftime("%Y-%m-%d") if moment.time() == dt.time() else moment.strftime("%Y-%m-%d %H:%M %z")


# What follows from all posts.


def inspect_post(snapshot: Snapshot, facts: Facts, path: str) -> list[InsightDetails]:
    """Find what of the report on the site concerns a post.

    Raises Unanswered as well.
    """
    from octavo.site.link_report import inspect
    from octavo.site.link_report_text import sections

    corpus, index = snapshot.corpus, snapshot.corpus.publication.index
    if not snapshot.has_related or path not in index.places or not index.settings.related.count:
        return []  # lists of an earlier moment may name posts that are gone
    try:
        report = inspect(index, corpus.related.records, corpus.documents.records, Reader(facts), path)
    except Interrupted as interrupted:
        raise interrupted.problem from interrupted
    return [
        {"title": title, "items": [" ".join(map(str.strip, lines)) for lines in items]}
        for title, items in sections(report)
        if items
    ]


class BackgroundInsight:
    """What ``inspect_post`` says, worked out in a thread of its own.

    ``find`` and ``stop`` are called in the app's thread. ``on_end`` is called in the thread beside it, with what
    went wrong if anything did. There is one post at a time.
    """

    def __init__(self, on_end: Callable[[Exception | None], None]) -> None:
        self._on_end = on_end
        self._running: threading.Thread | None = None
        self._sections: dict[str, tuple[weakref.ref[Snapshot], list[InsightDetails]]] = {}
        """What was said of each post, and of which snapshot. The thread that is ``_running`` writes it, and the app's
        thread reads one entry at a time. The snapshot is not kept alive: it is all that was known at its moment."""

    def find(self, snapshot: Snapshot, facts: Facts, path: str) -> list[InsightDetails]:
        """What was said last, perhaps of an earlier snapshot.

        Where it is of one, begin to find out what it is now.
        """
        snapshot_before, sections = self._sections.get(path, (None, []))
        if self._running is None and (snapshot_before is None or snapshot_before() is not snapshot):
            self._running = threading.Thread(
                target=self._run, args=(snapshot, facts, path, sections), name="octavo-inspect", daemon=True
            )
            self._running.start()
        return sections

    def stop(self, seconds: float) -> bool:
        """Wait so long for what is under way.

        False when it still is.
        """
        running = self._running
        if running is not None:
            running.join(seconds)
        return running is None or not running.is_alive()

    def _run(self, snapshot: Snapshot, facts: Facts, path: str, sections: list[InsightDetails]) -> None:
        problem: Exception | None = None
        try:
            sections = inspect_post(snapshot, facts, path)
        except (Unanswered, sqlite3.Error):
            pass  # a file is another one by now, or the cache: there will be another snapshot
        except Exception as failure:
            problem = failure
        while len(self._sections) >= HELD_POSTS:
            del self._sections[next(iter(self._sections))]
        # In this order: who finds nothing running finds what was said, and who is told that there is more may ask for
        # the next post at once.
        self._sections[path] = weakref.ref(snapshot), sections
        self._running = None
        self._on_end(problem)
