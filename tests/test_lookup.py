from __future__ import annotations

import datetime as dt

import pytest

from octavo.model.documents import Meta
from octavo.model.settings import Permalinks, Settings
from octavo.site.lookup import Names

SETTINGS = Settings(base_url="https://name.example/blog", permalinks=Permalinks(posts="/{year}/{path}/"))
METAS = {
    "posts/django/2026-01-02-subquery.md": Meta("Subquery", dt.date(2026, 1, 2), slug="sub", aliases=("/old/",)),
    "posts/django/exists.markdown": Meta("Exists", dt.date(2026, 1, 3)),
    "posts/flask/exists.md": Meta("Another", dt.date(2026, 1, 4)),
    "posts/flask/index.md": Meta("Flask", dt.date(2026, 1, 5)),
    "posts/café.md": Meta("Café", dt.date(2025, 1, 5), draft=True),
    "posts/broken.md": None,
}
NAMES = Names(METAS, SETTINGS)
SUBQUERY = "posts/django/2026-01-02-subquery.md"


@pytest.mark.parametrize(
    ("name", "found"),
    [
        (SUBQUERY, SUBQUERY),
        ("sub", SUBQUERY),
        ("subquery", SUBQUERY),
        ("django/subquery", SUBQUERY),
        ("posts/django/subquery", SUBQUERY),
        ("/2026/django/sub/", SUBQUERY),
        ("/2026/django/sub", SUBQUERY),
        ("/2026/django/sub/index.html?a#b", SUBQUERY),
        ("/blog/2026/django/sub/", SUBQUERY),
        ("https://name.example/blog/2026/django/sub/", SUBQUERY),
        ("/old", SUBQUERY),
        ("/2025/caf%C3%A9/", "posts/café.md"),
        ("cafe\N{COMBINING ACUTE ACCENT}", "posts/café.md"),
        ("flask", "posts/flask/index.md"),
        ("broken", "posts/broken.md"),
    ],
)
def test_a_post_is_found_by_each_of_its_names(name: str, found: str) -> None:
    assert NAMES.find(name) == (found,)


def test_what_stands_beside_the_post_comes_first() -> None:
    assert NAMES.find("exists", "posts/flask/index.md") == ("posts/flask/exists.md",)
    assert NAMES.find("../django/exists", "posts/flask/index.md") == ("posts/django/exists.markdown",)


def test_a_slug_of_two_posts_finds_both() -> None:
    assert NAMES.find("exists", "posts/a.md") == ("posts/django/exists.markdown", "posts/flask/exists.md")


@pytest.mark.parametrize("name", ["nosuch", "posts/nosuch.md", "/2026/nosuch/", "https://other.example/old/", "x/sub"])
def test_other_names_find_nothing(name: str) -> None:
    assert NAMES.find(name) == ()


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("subqery", "subquery"),
        ("django/subqery", "django/subquery"),
        ("posts/subquery.md", SUBQUERY),
        ("posts/exists.md", "posts/django/exists.markdown"),
        ("posts/coffee/cafes.md", "posts/café.md"),
        ("/2026/django/subs/", "/2026/django/sub/"),
        ("zzz", ""),
    ],
)
def test_what_is_meant_by_a_misspelt_name(name: str, near: str) -> None:
    assert NAMES.suggest(name) == near
