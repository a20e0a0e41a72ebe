from __future__ import annotations

import random
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest

from octavo.engine.facts import Reader
from octavo.preview.panel import inspect_post as insight_of
from octavo.preview.session import PreviewSession
from octavo.project.build_report import Options
from octavo.project.project import Project
from octavo.site import link_report_text
from octavo.site.link_report import Crowded, LinkReport, inspect
from tests.sites import SiteFolder, post

Make = Callable[[dict[str, str]], SiteFolder]

TOPICS = {
    "bread": "yeast flour oven crust crumb dough proofing salt rye starter loaf kneading gluten hydration baker",
    "sailing": "mast sail wind keel rudder anchor tide harbour knot deck rope compass chart buoy crew",
    "chess": "rook bishop pawn castle gambit endgame opening knight check board clock draw tactic sacrifice rating",
}


def prose(topic: str, seed: int, words: int = 60) -> str:
    rng = random.Random(f"{topic}{seed}")
    return ". ".join(" ".join(rng.choices(TOPICS[topic].split(), k=6)).capitalize() for _ in range(words // 6)) + ".\n"


def plain() -> dict[str, str]:
    """Four posts on each of three topics, all tagged: a site of which there is nothing to tell."""
    return {
        f"{topic}{number}": post(f"{topic.capitalize()} {number}", body=prose(topic, number), tags=f"[{topic}]")
        for topic in TOPICS
        for number in range(4)
    }


def found(folder: SiteFolder, only: str | None = None) -> LinkReport:
    with Project(folder.root, Options(jobs=1)) as project:
        known = project.learn()
        index, lists, documents = known.publication.index, known.related.records, known.documents.records
        return inspect(index, lists, documents, Reader(known.facts), only)


@pytest.fixture
def make(tmp_path: Path) -> Make:
    folders = count()

    def made(posts: dict[str, str]) -> SiteFolder:
        folder = SiteFolder(tmp_path / str(next(folders)))
        return folder.edit("".join(f"-- posts/{name}.md --\n{text}" for name, text in posts.items()))

    return made


def test_of_a_site_in_order_there_is_nothing_to_tell(make: Make) -> None:
    insight = found(make(plain()))
    assert insight == LinkReport(posts=12, reached=1.0)
    assert "Nothing to say" in link_report_text.to_text(insight, 10)


def test_a_post_that_nothing_leads_to_is_found_and_one_with_a_link_is_not(make: Make) -> None:
    posts = plain()
    posts["lonely"] = post("Lonely", body="Zebras graze.\n", tags="[bread]", related="false")
    posts["linked"] = post("Linked", body="Quokkas hop.\n", tags="[bread]", related="false")
    posts["bread1"] += "See [that](linked.md).\n"
    insight = found(make(posts))
    assert insight.unreached == ("posts/lonely.md",)
    assert insight.reached == round(12 / 14, 4)
    assert found(make(posts), "posts/bread1.md").unreached == ()
    assert found(make(posts), "posts/lonely.md").unreached == ("posts/lonely.md",)


def test_a_post_in_too_many_lists_is_found(make: Make) -> None:
    bodies = [f"alpha{n} beta{n} gamma{n} and delta{n % 15}.\n" for n in range(30)]
    posts = {f"p{n}": post(f"P {n}", body=body, tags="[x]") for n, body in enumerate(bodies)}
    posts["hub"] = post("Hub", body=" ".join(f"alpha{n}." for n in range(30)) + "\n", tags="[x]")
    assert found(make(posts)).crowded == (Crowded("posts/hub.md", 30),)


def test_posts_that_say_the_same_are_found(make: Make) -> None:
    posts = plain()
    posts["copy"] = post("Another", body=prose("chess", 2) + "A line more about rook and pawn.\n", tags="[chess]")
    insight = found(make(posts))
    ((path, other, share),) = [(each.path, each.other, each.share) for each in insight.duplicates]
    assert (path, other) == ("posts/chess2.md", "posts/copy.md")
    assert share > 0.9
    assert found(make(posts), "posts/copy.md").duplicates == insight.duplicates
    assert found(make(posts), "posts/bread1.md").duplicates == ()


def test_posts_with_one_title_are_found(make: Make) -> None:
    posts = plain()
    posts["again"] = post("bread 1", body=prose("bread", 77), tags="[bread]")
    insight = found(make(posts))
    assert insight.same_titles == (("posts/again.md", "posts/bread1.md"),)
    assert insight.duplicates == ()


MENTION = "The loaf of yesterday was a proper Pumpernickel Sourdough from\nmy grandmother.\n"


def mentioning(text: str) -> dict[str, str]:
    posts = plain()
    posts["target"] = post("Pumpernickel sourdough", body=prose("bread", 50), tags="[bread]")
    posts["bread1"] += text
    return posts


def test_a_link_that_is_missing_is_found_at_its_words(make: Make) -> None:
    insight = found(make(mentioning("\n" + MENTION)))
    (link,) = insight.missed_links
    assert (link.path, link.target, link.words) == ("posts/bread1.md", "posts/target.md", "Pumpernickel Sourdough")
    assert link.span is not None
    assert (link.span.line, link.span.column) == (8, 36)
    assert link.sentence == "The loaf of yesterday was a proper Pumpernickel Sourdough from my grandmother."
    text = link_report_text.to_text(insight, 10)
    assert (
        "posts/bread1.md:8:36  to posts/target.md\n      The loaf of yesterday was a proper [Pumpernickel Sourdough]"
        in text
    )


@pytest.mark.parametrize(
    "text",
    [
        "\nA proper [Pumpernickel Sourdough](target.md).\n",
        "\nA proper pumpernickel sourdough, as [there](target.md).\n",
        "\n## Pumpernickel sourdough\n",
        "\n```\npumpernickel sourdough\n```\n",
        "\nA [Pumpernickel Sourdough](https://example.com/).\n",
        "\nSourdough is one thing. Many other things are pumpernickel.\n",
    ],
)
def test_what_is_linked_or_no_prose_or_far_apart_is_no_missing_link(text: str, make: Make) -> None:
    assert found(make(mentioning(text))).missed_links == ()


def test_of_two_that_say_the_same_none_has_to_lead_to_the_other(make: Make) -> None:
    posts = mentioning("\n" + MENTION)
    posts["target"] = post("Pumpernickel sourdough", body=prose("bread", 1) + "\n" + MENTION, tags="[bread]")
    insight = found(make(posts))
    assert [each.path for each in insight.duplicates] == ["posts/bread1.md"]
    assert insight.missed_links == ()


def test_a_post_that_links_back_needs_no_link(make: Make) -> None:
    posts = mentioning("\n" + MENTION)
    posts["target"] += "\nSee [bread](bread1.md).\n"
    assert found(make(posts)).missed_links == ()


def tagged(*tags: str) -> dict[str, str]:
    """A tag for one post each."""
    posts = plain()
    for number, tag in enumerate(tags):
        posts[f"t{number}"] = post(f"T {number}", body=prose("chess", 10 + number), tags=f'[chess, "{tag}"]')
    return posts


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("django-orm", "orm-django"),
        ("django orm", "DjangoORM"),
        ("test", "tests"),
        ("query", "queries"),
        ("databases", "databsaes"),
        ("framework", "framwork"),
        ("performance", "perfomance"),
    ],
)
def test_tags_that_are_nearly_one_are_found(one: str, two: str, make: Make) -> None:
    (similar,) = found(make(tagged(one, two, one))).similar_tags
    assert similar.tags == ((one, 2), (two, 1))


@pytest.mark.parametrize(
    ("one", "two"),
    [
        ("python2", "python3"),
        ("c", "c++"),
        ("flask", "flash"),
        ("testing", "nesting"),
        ("css", "rss"),
        ("go", "golang"),
    ],
)
def test_tags_that_are_two_things_are_not(one: str, two: str, make: Make) -> None:
    assert found(make(tagged(one, two))).similar_tags == ()


def test_tags_of_one_post_are_told(make: Make) -> None:
    assert found(make(tagged("rare", "other", "other"))).single_tags == ("rare",)


def test_a_tag_that_the_posts_alike_have_may_be_missing(make: Make) -> None:
    posts = plain()
    posts["bread0"] = post("A bread of rye", body=prose("bread", 0), tags="[food]")
    posts["bread1"] = post("Something else", body=prose("bread", 1), tags="[food]")
    insight = found(make(posts))
    assert insight.missing_tags == ()
    posts["bread4"] = post("Bread 4", body=prose("bread", 4), tags="[bread]")
    ((path, tag),) = [(each.path, each.tag) for each in found(make(posts)).missing_tags]
    assert (path, tag) == ("posts/bread0.md", "bread")


def test_a_post_without_tags_is_told_where_most_have_some(make: Make) -> None:
    posts = plain()
    posts["bare"] = post("Bare", body=prose("bread", 9))
    assert found(make(posts)).untagged == ("posts/bare.md",)
    assert found(make({name: text.replace("tags:", "# tags:") for name, text in posts.items()})).untagged == ()


def test_a_long_section_is_cut_and_says_so() -> None:
    text = link_report_text.to_text(LinkReport(posts=9, unreached=tuple(f"posts/{n}.md" for n in range(5))), 3)
    assert text.endswith("  posts/2.md\n  … and 2 more: --count 5 shows them\n")


def test_the_report_as_json_has_every_finding(make: Make, tmp_path: Path) -> None:
    insight = found(make(mentioning("\n" + MENTION)))
    told = link_report_text.to_dict(insight)
    assert set(told) == set(LinkReport.__dataclass_fields__)
    assert told["missed_links"][0]["line"] == 8


def test_the_preview_tells_what_concerns_the_page(make: Make) -> None:
    folder = make(mentioning("\n" + MENTION))
    with Project(folder.root, Options(jobs=1, output=".octavo/site")) as project:
        desk = PreviewSession(project)
        desk.refresh()
        assert desk.snapshot is not None
        (told,) = insight_of(desk.snapshot, desk.facts, "posts/bread1.md")
        assert told["title"] == "Links that may be missing"
        assert told["items"][0].startswith("posts/bread1.md:8:36  to posts/target.md The loaf of yesterday")
        assert insight_of(desk.snapshot, desk.facts, "posts/chess1.md") == []
