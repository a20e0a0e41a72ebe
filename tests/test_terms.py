from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavo.model.documents import Terms
from octavo.related.terms import count_terms, decode, join_character_pairs, spell_title, tag_term, words_of

BEGINNING = "x " * 400


def counted(
    title: str = "", tags: tuple[str, ...] = (), prose: str = "", code: str = "", language: str = "en"
) -> dict[str, float]:
    """What terms count beyond the beginning of a text, where they count more."""
    text = f"{BEGINNING}\n{prose}" if prose else ""
    return {term: quarters / 4 for term, quarters in decode(count_terms(title, tags, text, code, language))}


def test_a_word_of_the_body_counts_one_and_of_the_title_six() -> None:
    assert counted(title="Subquery", prose="subquery SUBQUERY") == {"subquery": 8, "subquery subquery": 1}


def test_words_at_the_beginning_count_half_as_much_again() -> None:
    terms = decode(count_terms("", (), f"foreign keys\n{BEGINNING}\nkeys", ""))
    assert terms == [("foreign", 6), ("foreign keys", 6), ("keys", 10)]


def test_a_word_of_code_counts_a_quarter_and_makes_no_pair() -> None:
    assert counted(code="session.query(User)") == {"session": 0.25, "query": 0.25, "user": 0.25}


def test_a_tag_counts_as_a_whole_and_by_its_words() -> None:
    assert counted(tags=("Django ORM", "django-orm")) == {"#django orm": 2, "django": 2, "orm": 2}


def test_stop_words_and_single_letters_are_no_terms_but_c_and_r_are() -> None:
    assert counted(prose="The C, or R, in x") == {"c": 1, "r": 1, "c or r": 1}


def test_languages_named_with_signs_are_words() -> None:
    assert counted(prose="C++\nC#\nF#\nabc#") == {"c++": 1, "c#": 1, "f#": 1, "abc": 1}


@pytest.mark.parametrize("apostrophe", ["'", "’"])
def test_a_possessive_is_the_word(apostrophe: str) -> None:
    assert counted(prose=f"Flask{apostrophe}s") == {"flask": 1}


def test_neighbours_are_a_pair_also_around_one_stop_word() -> None:
    assert counted(prose="terms of service").keys() == {"terms", "service", "terms of service"}
    assert counted(prose="terms of the service").keys() == {"terms", "service"}


def test_no_pair_crosses_a_line() -> None:
    assert counted(prose="foreign\nkeys\n\nforeign of\nkeys") == {"foreign": 2, "keys": 2}


def test_stop_words_of_english_are_words_of_other_languages() -> None:
    text = "Not will also\nher"
    assert counted(prose=text).keys() == set()
    assert counted(prose=text, language="en-GB").keys() == set()
    assert counted(prose=text, language="de-AT").keys() == {"not", "will", "also", "her", "not will", "will also"}


def test_letters_alone_say_nothing_in_any_alphabet() -> None:
    assert counted(prose="и в модель\nà la carte", language="ru").keys() == {"модель", "la", "carte", "la carte"}


def test_where_there_are_no_blanks_characters_are_counted_in_twos_and_threes() -> None:
    assert counted(prose="数据库。模型", language="zh") == {"数据": 1, "据库": 1, "数据 据库": 1, "模型": 1}
    assert counted(prose="Django数据库", language="zh").keys() >= {"django", "数据", "据库", "django 数据"}
    assert counted(prose="茶", language="ja") == {"茶": 1}


def test_endings_of_japanese_count_little() -> None:
    assert counted(prose="検索します", language="ja") == {
        "検索": 1,
        "索し": 1,
        "検索 索し": 1,
        "索し しま": 1,
        "しま": 0.25,
        "ます": 0.25,
        "しま ます": 0.25,
    }


def test_a_tag_without_blanks_is_one_term() -> None:
    assert counted(tags=("数据库",), language="zh") == {"#数据库": 2, "数据": 2, "据库": 2}
    assert words_of("数据库 orm") == ["数据", "据库", "orm"]


def test_terms_without_blanks_are_told_as_they_are_written() -> None:
    assert join_character_pairs("数据 据库") == "数据库"
    assert join_character_pairs("django 数据") == "django 数据"
    assert join_character_pairs("terms of service") == "terms of service"


@pytest.mark.parametrize("word", ["हिन्दी", "தமிழ்", "מָקוֹם", "größe", "naïve", "한국어", "язык"])
def test_vowel_signs_and_accents_are_part_of_a_word(word: str) -> None:
    assert list(counted(prose=word)) == [word]


def test_composed_and_decomposed_letters_are_one_word() -> None:
    assert counted(prose="café\ncafe\u0301") == {"café": 2}


def test_nothing_has_no_terms() -> None:
    assert count_terms("", (), "", "") == Terms()
    assert decode(Terms()) == []


@given(st.text(), st.lists(st.text()), st.text(), st.text())
def test_terms_are_sorted_and_unique_with_a_count_each(title: str, tags: list[str], prose: str, code: str) -> None:
    terms = decode(count_terms(title, tuple(tags), prose, code))
    words = [word for word, _ in terms]
    assert words == sorted(set(words))
    assert all(count > 0 for _, count in terms)
    assert not any("\n" in word for word in words)


@given(st.text(), st.text())
def test_lines_count_as_they_would_alone(one: str, two: str) -> None:
    both, first, second = counted(prose=f"{one}\n{two}"), counted(prose=one), counted(prose=two)
    assert both == {term: first.get(term, 0) + second.get(term, 0) for term in first.keys() | second.keys()}


def test_tags_that_differ_in_case_and_punctuation_are_one_term() -> None:
    assert tag_term("Django ORM") == tag_term("django-orm") == "#django orm"
    assert tag_term("C#") != tag_term("C")
    assert tag_term("!?") == "#!?"


def test_a_name_is_written_as_in_the_title() -> None:
    shown = spell_title("Models and queries with Flask-SQLAlchemy and Django")
    assert shown["flask sqlalchemy"] == "Flask-SQLAlchemy"
    assert shown["django"] == "Django"
    assert "models" not in shown


def test_capitals_of_a_title_that_has_them_everywhere_are_no_names() -> None:
    assert spell_title("Testing Views With REST") == {
        "rest": "REST",
        "with rest": "With REST",
        "views with rest": "Views With REST",
    }
