from __future__ import annotations

import pytest

from octavo.spelling import spell, spelled

PROSE = """\
Blueprints group views. Use Django with Subquery and OuterRef. The Subquery class; see settings.py.
A queryset of Flask-SQLAlchemy; select_related, and filter() a queryset. Writing C++ for Django's API
Pip: pip install x, and the café in the Café.
"""
LITERALS = ("Subquery(OuterRef('pk'))", "OuterRef", "Subquery", "settings.py", "select_related", ".filter(id=1)")
SPELLING = spell(PROSE, (*LITERALS, "pip install x"), "class Author(models.Model): make_migrations = queryset")


@pytest.mark.parametrize(
    ("term", "shown"),
    [
        ("subquery", ("Subquery", True)),
        ("outerref", ("OuterRef", True)),
        ("settings py", ("settings.py", True)),
        ("flask sqlalchemy", ("Flask-SQLAlchemy", False)),
        ("django", ("Django", False)),
        ("django api", ("Django API", False)),
        ("django with subquery", ("Django with Subquery", False)),
        ("select_related", ("select_related", True)),
        ("filter", ("filter", True)),
        ("c++", ("C++", False)),
        ("make_migrations", ("make_migrations", True)),
        ("author", ("Author", True)),
        ("blueprints", None),
        ("writing", None),
        ("pip", None),
        ("install", None),
        ("queryset", None),
        ("settings", None),
        ("café", None),
        ("nosuch", None),
    ],
)
def test_a_term_is_told_as_its_author_writes_it(term: str, shown: tuple[str, bool] | None) -> None:
    assert spelled(SPELLING, term) == shown


def test_a_word_mostly_in_lower_case_stays_so() -> None:
    assert spelled(spell("a View of the view and view", (), ""), "view") is None
    assert spelled(spell("a View of the View and view", (), ""), "view") == ("View", False)


def test_a_word_that_is_code_now_and_then_is_no_code() -> None:
    assert spelled(spell("exists and exists, and it exists", ("exists",), ""), "exists") is None


def test_a_version_within_a_phrase_is_told_with_its_dot() -> None:
    spelling = spell("It came with Rust 1.12, and 1.12 of Rust", (), "")
    assert spelled(spelling, "rust 1 12") == ("Rust 1.12", False)
    assert spelled(spelling, "1 12 of") == ("1.12 of", False)
    assert spelled(spelling, "1 12 rust") == ("1.12 Rust", False)


def test_a_name_at_the_beginning_of_a_line_is_a_name() -> None:
    spelling = spell("Jack Wilson\nAnd so by Wilson\nAnother Word\nword of another", (), "")
    assert spelled(spelling, "jack wilson") == ("Jack Wilson", False)
    assert spelled(spelling, "another word") is None


def test_without_a_capital_or_code_there_is_nothing_to_tell() -> None:
    assert spell("plain words only", (), "x = 1") == ""
    assert spelled("", "plain") is None


def test_composed_and_decomposed_letters_are_one_word() -> None:
    assert spelled(spell("the Cafe\N{COMBINING ACUTE ACCENT} of", (), ""), "café") == ("Café", False)
