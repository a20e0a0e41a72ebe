from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavo.content.markdown.excerpt import ELLIPSIS, count_minutes, count_words, make_excerpt
from octavo.content.markdown.inline import Piece

TEXT: list[Piece] = [
    ("text", "An "),
    ("open", "em"),
    ("text", "emphasised & long"),
    ("close", "em"),
    ("text", " text about "),
    ("open", "code"),
    ("text", "a < b"),
    ("close", "code"),
]


def test_a_text_that_fits_is_whole() -> None:
    html, plain = make_excerpt([TEXT], 200)
    assert html == "An <em>emphasised &amp; long</em> text about <code>a &lt; b</code>"
    assert plain == "An emphasised & long text about a < b"


def test_a_long_text_is_cut_after_a_word_with_its_elements_closed() -> None:
    assert make_excerpt([TEXT], 17) == ("An <em>emphasised &amp;</em>…", "An emphasised &…")
    assert make_excerpt([TEXT], 13) == ("An <em>emphasised</em>…", "An emphasised…")
    assert make_excerpt([TEXT], 12) == ("An…", "An…")


def test_an_element_without_text_is_left_out() -> None:
    assert (
        make_excerpt([[("text", "one two"), ("open", "em"), ("text", " three"), ("close", "em")]], 7)[0] == "one two…"
    )


def test_paragraphs_are_joined_until_the_length_is_reached() -> None:
    read: list[int] = []

    def blocks() -> Iterator[list[Piece]]:
        for number in range(9):
            read.append(number)
            yield [("text", f"Paragraph {number}.")]

    html, plain = make_excerpt(blocks(), 20)
    assert html == plain == "Paragraph 0…"
    assert read == [0, 1, 2]


def test_without_a_length_all_of_it_is_taken() -> None:
    assert make_excerpt([[("text", "x" * 500)], [("text", "y")]], None)[1] == "x" * 500 + " y"


def test_writing_without_blanks_is_cut_between_characters() -> None:
    text = "日本語の文章には空白がありません" * 20
    html, plain = make_excerpt([[("text", text)]], 30)
    assert html == plain == text[:30] + ELLIPSIS


def test_an_accent_is_not_cut_from_its_letter() -> None:
    plain = make_excerpt([[("text", "e\u0301" * 50)]], 9)[1]
    assert plain == "e\u0301" * 4 + ELLIPSIS


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("text"), st.text("ab &<>\n\u0301語", min_size=1, max_size=8)),
            st.tuples(st.sampled_from(["open", "close"]), st.sampled_from(["em", "code", "sub"])),
        ),
        max_size=12,
    ),
    st.integers(1, 30),
)
def test_an_excerpt_is_balanced_html_and_its_plain_text_is_the_same(pieces: list[Piece], length: int) -> None:
    html, plain = make_excerpt([pieces], length)
    opened: list[str] = []
    for end, name in re.findall(r"<(/?)(\w+)>", html):
        if end:
            assert opened.pop() == name
        else:
            opened.append(name)
    assert opened == []
    assert unescape(re.sub(r"<[^>]*>", "", html)) == plain
    assert len(plain) <= length + len(ELLIPSIS)
    assert "  " not in plain


@pytest.mark.parametrize(
    ("text", "words", "characters"),
    [("", 0, 0), ("one two\nthree", 3, 0), ("naïve façade", 2, 0), ("日本語と English", 1, 4), ("한국어 문장", 2, 0)],
)
def test_words_are_counted_and_scripts_without_blanks_by_character(text: str, words: int, characters: int) -> None:
    assert count_words(text) == (words, characters)


@pytest.mark.parametrize(
    ("words", "characters", "code_lines", "expected"),
    [(0, 0, 0, 1), (329, 0, 0, 1), (330, 0, 0, 2), (1500, 0, 0, 7), (0, 1200, 0, 3), (220, 0, 100, 2)],
)
def test_the_time_to_read(words: int, characters: int, code_lines: int, expected: int) -> None:
    assert count_minutes(words, characters, code_lines) == expected
