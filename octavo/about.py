"""What an author wants to know of a page: whether a build would publish it and why, what is related to it and why, who
links to it, how long it is, what is wrong with it, and all that it was made from. What the report on the site says of
it follows from all posts, so it is not among the rest."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from octavo.diagnostic import to_text
from octavo.facts import Facts, Interrupted, Reader
from octavo.queries import Backlinks, BodyOf, CardOf, PostAt, RelatedTo

if TYPE_CHECKING:
    from octavo.desk import Desk
    from octavo.model import Relation
    from octavo.view import View

RELATED = 10
"""Related posts that the author is shown."""


def about(desk: Desk, url: str) -> dict[str, Any]:
    """All of that, ready to be shown. Raises Unanswered when a file is another one by now."""
    view = desk.view
    shown = desk.page(url)
    if view is None or shown is None:
        return {}
    path = view.source_of(url)
    found: dict[str, Any] = {
        "url": url,
        "source": path,
        "layouts": list(shown.layouts),
        "inputs": [str(query) for query in shown.asked],
        "problems": list(map(to_text, shown.problems if path is None else desk.problems().at(path))),
    }
    if path is None:
        return found
    post, body = desk.ask(PostAt(path)), desk.ask(BodyOf(path))
    found |= {
        "status": _status(desk, path),
        "words": body.words if body else 0,
        "minutes": post.minutes if post else 0,
        "backlinks": [{"title": link.title, "url": link.url} for link in desk.ask(Backlinks(path))],
        "related": [_relation(desk, relation) for relation in desk.ask(RelatedTo(path, RELATED)) or ()],
    }
    return found


def insight(view: View, facts: Facts, path: str) -> list[dict[str, Any]]:
    """What of the report on the site concerns a post. Raises Unanswered as well."""
    from octavo.briefing import sections
    from octavo.insight import inspect

    known, index = view.known, view.known.published.index
    if not view.is_related or path not in index.places or not index.settings.related.count:
        return []  # lists of an earlier moment may name posts that are gone
    try:
        found = inspect(index, known.related.records, known.documents.records, Reader(facts), path)
    except Interrupted as interrupted:
        raise interrupted.problem from interrupted
    return [
        {"title": title, "items": [" ".join(map(str.strip, lines)) for lines in items]}
        for title, items in sections(found)
        if items
    ]


def _relation(desk: Desk, relation: Relation) -> dict[str, Any]:
    card = desk.ask(CardOf(relation.path))
    reasons = [
        reason.text if reason.share is None else f"{reason.text} {reason.share:.0%}" for reason in relation.reasons
    ]
    return {
        "title": card.title if card else relation.path,
        "url": card.url if card else "",
        "score": round(relation.score, 3),
        "reasons": reasons,
    }


def _status(desk: Desk, path: str) -> str:
    """Whether a build would publish a post now, and why."""
    post, now = desk.ask(PostAt(path)), desk.project.options.now()
    if post is None:
        return "not shown"
    if post.draft:
        return "a draft: its front matter says 'draft: true', and a build leaves it out"
    if post.date is not None and post.date > now:
        return f"to come: a build leaves it out until {_moment(post.date)}"
    return f"published, dated {_moment(post.date)}" if post.date is not None else "published, without a date"


def _moment(moment: dt.datetime) -> str:
    return moment.strftime("%Y-%m-%d") if moment.time() == dt.time() else moment.strftime("%Y-%m-%d %H:%M %z")
