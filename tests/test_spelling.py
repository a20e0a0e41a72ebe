from __future__ import annotations

import random
import re
from collections import Counter

import pytest

from octavo.related.spelling import look_up_spelling, spell

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
    assert look_up_spelling(SPELLING, term) == shown


def test_a_word_mostly_in_lower_case_stays_so() -> None:
    assert look_up_spelling(spell("a View of the view and view", (), ""), "view") is None
    assert look_up_spelling(spell("a View of the View and view", (), ""), "view") == ("View", False)


def test_a_word_that_is_code_now_and_then_is_no_code() -> None:
    assert look_up_spelling(spell("exists and exists, and it exists", ("exists",), ""), "exists") is None


def test_a_version_within_a_phrase_is_told_with_its_dot() -> None:
    spelling = spell("It came with Rust 1.12, and 1.12 of Rust", (), "")
    assert look_up_spelling(spelling, "rust 1 12") == ("Rust 1.12", False)
    assert look_up_spelling(spelling, "1 12 of") == ("1.12 of", False)
    assert look_up_spelling(spelling, "1 12 rust") == ("1.12 Rust", False)


def test_a_name_at_the_beginning_of_a_line_is_a_name() -> None:
    spelling = spell("Jack Wilson\nAnd so by Wilson\nAnother Word\nword of another", (), "")
    assert look_up_spelling(spelling, "jack wilson") == ("Jack Wilson", False)
    assert look_up_spelling(spelling, "another word") is None


def test_without_a_capital_or_code_there_is_nothing_to_tell() -> None:
    assert spell("plain words only", (), "x = 1") == ""
    assert look_up_spelling("", "plain") is None


def test_composed_and_decomposed_letters_are_one_word() -> None:
    assert look_up_spelling(spell("the Cafe\N{COMBINING ACUTE ACCENT} of", (), ""), "café") == ("Café", False)


def told_by_expressions(prose: str) -> dict[str, str]:
    """What ``spell`` finds in prose, by what its words, pairs, sentences and names are."""
    written = Counter(re.findall(r"\w+", prose)) + Counter(re.findall(r"\b\w++(?:[.:-]|::)\w+", prose))
    at_start = Counter(re.findall(r"(?:^|[.!?:]\s)\W*(\w+)", prose, re.MULTILINE))
    counts = {
        word: count - at_start[word] * (word[1:] == word[1:].lower())
        for word, count in written.items()
        if re.sub("[.:-]+", " ", word).lower() != word
    }
    found: dict[str, str] = {}
    for word in sorted(counts, key=lambda word: (counts[word], word)):
        key = re.sub("[.:-]+", " ", word).lower()
        found.pop(key, None)
        if counts[word] > written[key]:
            found[key] = word
    for name in re.findall(r"(?:^|[.!?:]\s)\W*(\w+ \w+)", prose, re.MULTILINE):
        if name.istitle() and name.split()[1] in found.values():
            found[name.lower()] = name
    return found


def test_words_pairs_and_names_are_those_of_the_expressions() -> None:
    rng = random.Random(7)
    parts = ["a", "A", "Ab", "aB", "b1", "É", "_", ".", ":", "-", "?", "\u201c", "..", "::", ". ", ": ", " ", " ", "\n"]
    told = 0
    for _ in range(3000):
        lines = "".join(rng.choices(parts, k=rng.randrange(30))).split("\n")
        prose = "\n".join(line for line in (" ".join(line.split()) for line in lines) if line)
        expected = told_by_expressions(prose)
        told += len(expected)
        assert spell(prose, (), "") == "".join(f"\n{key}\t{expected[key]}" for key in sorted(expected)) + "\n" * bool(
            expected
        )
    assert told > 3000
