from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest

from tests.sites import SiteFolder, places, post

Site = Callable[[str], SiteFolder]

# Four that are much alike, in this order of likeness to the first; and others that are not.
BODIES = {
    "a": "yeast flour oven crust crumb",
    "b": "yeast flour oven crust crumb hydration",
    "c": "yeast flour oven crust",
    "d": "yeast flour oven",
}


def bread(**keys: str) -> str:
    """A site; ``a="related: …"`` gives a post more front matter."""
    text = ""
    for number, name in enumerate([*BODIES, *(f"other{n}" for n in range(9))]):
        body = BODIES.get(name, f"unlike{number}")
        more = keys.get(name, "")
        text += f"-- posts/{name}.md --\n---\ntitle: Post {name}\ndate: 2026-01-01\n{more}\n---\n{body}\n"
    return text


def shown(folder: SiteFolder, name: str) -> list[str]:
    rows = json.loads(folder.page("/related.json"))["posts"]
    (row,) = [row for row in rows if row["id"] == f"posts/{name}.md"]
    return [entry["id"].removeprefix("posts/").removesuffix(".md") for entry in row["related"]]


def test_without_wishes_the_order_is_that_of_likeness(site: Site) -> None:
    folder = site(bread())
    folder.built()
    assert shown(folder, "a") == ["b", "c", "d"]


@pytest.mark.parametrize("name", ["d.md", "posts/d.md", "/posts/d.md", "d", "posts/d", "/posts/d/"])
def test_a_pinned_post_comes_first_by_any_name(name: str, site: Site) -> None:
    folder = site(bread(a=f"related: {{pin: [{name}]}}"))
    folder.built()
    assert shown(folder, "a") == ["d", "b", "c"]


def test_a_block_goes_one_way_or_both(site: Site) -> None:
    folder = site(bread(a="related: {block: [b], block_both: [c]}"))
    folder.built()
    assert shown(folder, "a") == ["d"]
    assert "a" in shown(folder, "b")
    assert "a" not in shown(folder, "c")


def test_a_post_without_related_posts_is_in_no_list(site: Site) -> None:
    folder = site(bread(a="related: false"))
    folder.built()
    assert shown(folder, "a") == []
    assert "a" not in shown(folder, "b")


def test_a_draft_is_in_no_list(site: Site) -> None:
    folder = site(bread(b="draft: true", a="related: {pin: [b]}"))
    folder.built()
    assert shown(folder, "a") == ["c", "d"]


LINKING = "yeast flour oven crust crumb [b](b.md) [d](d.md)"


def test_what_the_article_links_to_is_left_out_unless_it_is_pinned(site: Site) -> None:
    folder = site(bread()).replace("posts/a.md", BODIES["a"], LINKING)
    folder.built()
    assert shown(folder, "a") == ["c"]
    assert "a" in shown(folder, "b")
    folder.replace("posts/a.md", "date:", "related: {pin: [d]}\ndate:").built()
    assert shown(folder, "a") == ["d", "c"]


def test_what_the_article_links_to_may_be_kept(site: Site) -> None:
    folder = site(bread()).replace("posts/a.md", BODIES["a"], LINKING)
    folder.write("pyproject.toml", "[tool.octavo]\nrelated.keep_linked = true\n")
    folder.built()
    assert set(shown(folder, "a")) == {"b", "c", "d"}


def test_a_new_link_renders_no_page_of_posts_unlike_it(site: Site) -> None:
    folder = site(bread()).write("pyproject.toml", "[tool.octavo]\nlatest = 0\n")
    folder.replace("posts/a.md", "2026-01-01", "2025-12-31").built()
    folder.replace("posts/a.md", BODIES["a"], BODIES["a"] + " [d](d.md)")
    rendered = folder.built().rendered
    assert not [url for url in rendered if url.startswith("/posts/other")]
    assert {"/posts/a/", "/posts/d/"} <= set(rendered)
    assert "d" not in shown(folder, "a")


WRONG = [
    ("pin: [bb.md]", "error 11: no post at 'posts/bb.md' (did you mean 'posts/b.md'?)"),
    ("pin: [othr1]", "error 11: no post called 'othr1' (did you mean 'other1'?)"),
    ("pin: [/posts/othr1/]", "error 11: no post at '/posts/othr1/' (did you mean '/posts/other1/'?)"),
    ("pin: [nothing-like-it]", "error 11: no post called 'nothing-like-it' (write its path, its address or its slug)"),
    ("pin: [a]", "error 11: 'a' is this post (delete it)"),
    ("block: [b, /posts/a/]", "error 16: '/posts/a/' is this post (delete it)"),
    ("pin: [b], block: [posts/b.md]", "error 23: 'posts/b.md' is both pinned and blocked (keep it in one of the"),
    ("pin: [b], block_both: [b]", "error 28: 'b' is both pinned and blocked (keep it in one of the two lists)"),
    ("block: [b], block_both: [b]", "warning 30: 'b' is blocked already (delete one of them)"),
    ("pin: [b, b.md]", "warning 14: 'posts/b.md' is the same post as 'b' (delete one of them)"),
    ("pin: [draft]", "warning 11: 'draft' is a draft, so it is not shown (it comes first once it is published)"),
    ("pin: [future.md]", "warning 11: 'posts/future.md' is not published yet, so it is not shown (it comes first from"),
    ("pin: [expired]", "warning 11: 'expired' is expired, so it is not shown (delete it from 'pin')"),
    ("pin: [about]", "error 11: 'about' is a page, which is related to nothing (delete it: pages are in no list)"),
    (
        "pin: [alone]",
        "warning 11: 'alone' is in no list: it says 'related: false' (delete it here, or 'related: false'",
    ),
    ("pin: [shy]", "warning 11: 'shy' blocks this post in both ways (delete it here, or from 'block_both' there)"),
    ("pin: [twin]", "error 11: 'twin' may be posts/one/twin.md or posts/two/twin.md (write 'posts/one/twin.md')"),
]


@pytest.mark.parametrize(("wish", "expected"), WRONG)
def test_what_is_wrong_with_a_wish_is_said_at_its_place(wish: str, expected: str, site: Site) -> None:
    folder = site(bread())
    folder.write("posts/a.md", post("Post a", related="{" + wish + "}"))
    folder.write("posts/draft.md", post("A draft", draft="true"))
    folder.write("posts/future.md", post("Not yet", "2030-01-01"))
    folder.write("posts/expired.md", post("Over", expires="2026-01-02"))
    folder.write("posts/about.md", "---\ntitle: About\nlayout: page\n---\nWords.\n")
    folder.write("posts/alone.md", post("Alone", related="false"))
    folder.write("posts/shy.md", post("Shy", related="{block_both: [a]}"))
    folder.write("posts/one/twin.md", post("One")).write("posts/two/twin.md", post("Two"))
    (found,) = [problem for problem in folder.check().problems if problem.code == "related"]
    assert found.path == "posts/a.md"
    assert found.span is not None and found.span.line == 4 and found.span.column is not None
    told = f"{found.severity} {found.span.column - 6}: {found.message} ({found.hint})"
    assert told.startswith(expected), told


def test_blocking_what_is_not_published_is_no_problem(site: Site) -> None:
    folder = site(bread(a="related: {block: [b], block_both: [c]}", b="draft: true", c="expires: 2026-01-02"))
    assert [place for place in places(folder.check().problems) if place.endswith("related")] == []


def test_a_site_without_lists_computes_none(site: Site) -> None:
    folder = site(bread()).write("pyproject.toml", "[tool.octavo]\nrelated = 0\n")
    report = folder.built()
    assert json.loads(folder.page("/related.json"))["posts"] == []
    assert not re.search("Related articles", folder.page("/posts/a/"))
    assert "/posts/a/" in report.rendered
    folder.write("pyproject.toml", "[tool.octavo]\nrelated = 2\n").built()
    assert shown(folder, "a") == ["b", "c"]
    folder.write("pyproject.toml", "[tool.octavo]\nrelated = 0\n").built()
    assert not re.search("Related articles", folder.page("/posts/a/"))


def test_some_list_leads_to_every_post_if_the_author_says_so(site: Site) -> None:
    folder = site(bread()).write("pyproject.toml", "[tool.octavo]\nrelated = {count = 2, reach_all = true}\n")
    folder.built()
    names = [*BODIES, *(f"other{number}" for number in range(9))]
    assert {other for name in names for other in shown(folder, name)} == set(names)
    assert "in no other list" not in folder.page("/posts/a/")
    folder.replace("pyproject.toml", "true", "false").built()
    assert {other for name in names for other in shown(folder, name)} < set(names)
