"""What an audit finds out: one number for each thing that is measured, and notes on what is behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

SITE = "site"
"""In the place of a page: what holds for a whole site."""


@dataclass(frozen=True)
class Page:
    """A page that is audited: its name in the table, the site it is a page of, its address, and whether it is one of
    the example site's usual pages, which may not be large."""

    name: str
    site: str
    url: str
    usual: bool = True


PAGES = (
    Page("article", "example", "/posts/flask-or-django/"),
    Page("home", "example", "/"),
    Page("tag", "example", "/tags/django/"),
    Page("archive", "example", "/archive/"),
    Page("404", "example", "/nothing/is/here/"),
    Page("tags", "example", "/tags/"),
    Page("series", "example", "/series/django-orm/"),
    Page("author", "example", "/authors/ines-marlow/"),
    Page("search", "example", "/search/"),
    Page("about", "example", "/about/"),
    Page("torture", "torture", "/posts/torture/", usual=False),
)


@dataclass(frozen=True)
class Measure:
    """``page`` is the name of a page, or SITE for the example site and the other one together."""

    row: str
    page: str
    value: float
    notes: tuple[str, ...] = ()


def counted(row: str, page: str, faults: Sequence[str]) -> Measure:
    """The number of faults, each with a note."""
    return Measure(row, page, len(faults), tuple(faults))
