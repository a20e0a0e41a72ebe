"""The picture that stands for a post without an image where others link to it."""

from __future__ import annotations

import io
import re
from collections.abc import Callable

import pytest
from PIL import Image, ImageFont, features

from octavo.images import draw_card
from octavo.images.social_cards import card_for, drawable_text, find_undrawable
from octavo.model.images import CardDesign, SocialCard
from tests.sites import SiteFolder, places, post
from tests.test_font_coverage import WIDE

FONT = draw_card.default_font()
DESIGN = CardDesign("design", draw_card.drawable_ranges(FONT))

MakeSite = Callable[[str], SiteFolder]


def with_cards(site: MakeSite) -> SiteFolder:
    folder = site("").replace("pyproject.toml", "[tool.octavo]\n", "[tool.octavo]\nimages.cards = true\n")
    return folder.write("posts/a.md", post("Größe & more", author="Ann Other"))


def card_of(folder: SiteFolder, url: str = "/posts/a/") -> bytes:
    found = re.search(
        r'og:image" content="https://test\.example(/blog)?/(assets/images/[^"]*-card\.png)', folder.page(url)
    )
    assert found is not None
    return folder.output()[found[2]]


def test_a_post_without_an_image_has_a_card_with_its_size_and_text(site: MakeSite) -> None:
    folder = with_cards(site)
    folder.built()
    page = folder.page("/posts/a/")
    assert '<meta property="og:image:width" content="1200">' in page
    assert '<meta property="og:image:height" content="630">' in page
    assert '<meta property="og:image:alt" content="Größe &amp; more">' in page
    assert '<meta name="twitter:card" content="summary_large_image">' in page
    with Image.open(io.BytesIO(card_of(folder))) as image:
        assert (image.size, image.format) == ((1200, 630), "PNG")
        assert len(image.getcolors() or ()) > 8


def test_cards_are_off_unless_they_are_asked_for_and_nobody_could_find_them_without_a_base_url(site: MakeSite) -> None:
    folder = with_cards(site)
    folder.replace("pyproject.toml", 'base_url = "https://test.example"\n', "")
    folder.built()
    assert "og:image" not in folder.page("/posts/a/")
    folder.replace("pyproject.toml", "images.cards = true\n", 'base_url = "https://test.example"\n')
    folder.built()
    assert "og:image" not in folder.page("/posts/a/")
    assert not [path for path in folder.output() if path.startswith("assets/images/")]


def test_only_another_title_is_another_card(site: MakeSite, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn_cards: list[str] = []
    real = draw_card.draw

    def counting(card: SocialCard, font: bytes | None = None) -> bytes:
        drawn_cards.append(card.heading)
        return real(card, font)

    monkeypatch.setattr(draw_card, "draw", counting)
    folder = with_cards(site).write("posts/b.md", post("B"))
    folder.built()
    assert sorted(drawn_cards) == ["B", "Größe & more"]
    drawn_cards.clear()
    folder.replace("posts/b.md", "Words", "Other words").built(fresh=True)
    assert drawn_cards == []
    folder.replace("posts/b.md", "title: B", "title: C").built()
    assert drawn_cards == ["C"]
    assert len([path for path in folder.output() if path.endswith("-card.png")]) == 2


def test_processes_draw_the_same_cards(site: MakeSite) -> None:
    folder = with_cards(site)
    for number in range(6):
        folder.write(f"posts/{number}.md", post(f"Number {number}"))
    folder.built(jobs=2)
    several = folder.output()
    folder.built(jobs=1, output="again", cache="other")
    again = {file.name: file.read_bytes() for file in (folder.root / "again/assets/images").iterdir()}
    assert {path.rpartition("/")[2]: data for path, data in several.items() if "images/" in path} == again
    assert len(again) == 7


@pytest.mark.parametrize(
    ("title", "site_title", "heading", "foot"),
    [
        ("A title", "The site", "A title", ("The site", "Ann")),
        ("Ship it 🚀 now", "The site", "Ship it now", ("The site", "Ann")),
        ("日本語の題", "The site", "The site", ("Ann",)),
        ("عنوان", "The site", "The site", ("Ann",)),
        ("A title", "サイト", "A title", ("Ann",)),
        ("Ann", "Ann", "Ann", ()),
        ("Cafe\u0301", "The site", "Café", ("The site", "Ann")),
    ],
)
def test_what_the_font_cannot_draw_is_left_out(title: str, site_title: str, heading: str, foot: tuple[str]) -> None:
    card = card_for(title, site_title, "Ann", DESIGN)
    assert card is not None
    assert (card.heading, card.foot) == (heading, foot)


def test_there_is_no_card_where_nothing_can_be_drawn(site: MakeSite) -> None:
    assert card_for("題", "サイト", "Ann", DESIGN) is None
    folder = with_cards(site).write("posts/a.md", post("題")).replace("pyproject.toml", "A test site", "サイト")
    assert places(folder.built().problems) == ["posts/a.md:2:8: image"]
    assert "og:image" not in folder.page("/posts/a/")


def test_a_title_that_cannot_be_drawn_is_a_warning_where_it_stands_unless_there_is_an_image(site: MakeSite) -> None:
    folder = with_cards(site).write("posts/b.md", post("B 🚀")).write("posts/c.md", post("中文"))
    folder.write("posts/d.md", post("中文", image="https://test.example/d.jpg"))
    (problem,) = folder.built().problems
    assert places([problem]) == ["posts/c.md:2:8: image"] and "'中'" in problem.message
    assert find_undrawable("B 🚀", DESIGN.drawn) == ""
    folder.replace("posts/c.md", "title: 中文", "title: C")
    assert folder.built().problems == ()
    folder.replace("pyproject.toml", "images.cards = true\n", "").replace("posts/c.md", "title: C", "title: 中文")
    assert folder.built().problems == ()


def test_cards_are_drawn_with_the_sites_own_font(site: MakeSite) -> None:
    folder = with_cards(site)
    folder.built()
    before = card_of(folder)
    folder.write("fonts/own.ttf", WIDE).replace(
        "pyproject.toml", "images.cards", 'images.card_font = "fonts/own.ttf"\nimages.cards'
    )
    folder.built()
    own = card_of(folder)
    assert own != before
    assert "/posts/a/" not in folder.built().rendered
    folder.write("fonts/own.ttf", FONT)
    assert "/posts/a/" in folder.built().rendered
    assert card_of(folder) == before
    assert not [path for path in folder.output() if path.endswith(".ttf")]


@pytest.mark.parametrize("data", [None, b"", b"no font at all", FONT[:100], FONT[:2000]])
def test_what_is_no_font_is_an_error_that_names_it(site: MakeSite, data: bytes | None) -> None:
    folder = with_cards(site).replace("pyproject.toml", "images.cards", 'images.card_font = "own.otf"\nimages.cards')
    if data is not None:
        folder.write("own.otf", data)
    report = folder.build()
    assert report.status == 2
    (problem,) = report.problems
    assert problem.code == "image" and "own.otf" in problem.path + problem.message


@pytest.mark.parametrize("path", ["/fonts/own.otf", "../own.otf", "C:/own.otf", ""])
def test_a_font_lies_within_the_site(site: MakeSite, path: str) -> None:
    folder = with_cards(site).replace("pyproject.toml", "images.cards", f'images.card_font = "{path}"\nimages.cards')
    assert folder.build().status == 2


def test_text_that_is_read_from_the_right_begins_there() -> None:
    assert draw_card._line_start("שלום A")[1] == draw_card._line_start("(عنوان)")[1] == "r"
    assert draw_card._line_start("A שלום")[1] == draw_card._line_start("1")[1] == draw_card._line_start("中")[1] == "l"


def test_scripts_that_have_to_be_shaped_are_drawn_only_where_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    assert list(draw_card._without(((0x20, 0x700), (0x1D00, 0x1D05)), (0x590, 0x1CFF))) == [
        (0x20, 0x58F),
        (0x1D00, 0x1D05),
    ]
    assert list(draw_card._without(((0x600, 0x2000),), (0x590, 0x1CFF))) == [(0x1D00, 0x2000)]
    monkeypatch.setattr(features, "check", lambda name: name != "fribidi")
    assert draw_card.drawable_ranges(FONT) == DESIGN.drawn


@pytest.mark.parametrize("heading", ["A", "word " * 200, "x" * 300, "Ж" * 299, "i. " * 90])
def test_a_heading_stays_within_its_card(heading: str) -> None:
    font, lines = draw_card._lay_out(drawable_text(heading, DESIGN.drawn), FONT)
    assert isinstance(font, ImageFont.FreeTypeFont)
    assert 1 <= len(lines) <= 4
    assert all(font.getlength(line) <= 1200 - 2 * 80 for line in lines)
    card = card_for(heading, "A site with a long name " * 20, "", DESIGN)
    assert card is not None
    with Image.open(io.BytesIO(draw_card.draw(card))) as image:
        margin = image.convert("RGB").crop((1200 - 70, 20, 1200, 630)).getcolors()
        assert margin is not None and len(margin) == 1
