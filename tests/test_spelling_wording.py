from __future__ import annotations

from octavo.model.related import Candidate
from octavo.related.spelling import Wording

POSTS = [
    Candidate("a.md", "Models with Flask-SQLAlchemy", 0, b"", tags=("Web Frameworks",)),
    Candidate("b.md", "plain", 0, b""),
]
SPELLINGS = {"a.md": "\nqueryset\tQuerySet\nsubquery\tSubquery\n", "b.md": "\nsubquery\t`Subquery\n"}


def told(*terms: tuple[str, int], one: int = 0, two: int = 1) -> list[tuple[str, str, bool]]:
    reasons = Wording(POSTS, SPELLINGS.__getitem__).reasons(terms, one, two)
    return [(reason.kind, reason.text, reason.code) for reason in reasons]


def test_code_in_one_post_is_code() -> None:
    assert told(("subquery", 9)) == told(("subquery", 9), one=1, two=0) == [("term", "Subquery", True)]


def test_a_term_is_told_as_in_either_post_where_that_is_not_lower_case() -> None:
    for one, two in ((0, 1), (1, 0)):
        assert told(("queryset", 9), one=one, two=two) == [("term", "QuerySet", False)]
        assert told(("flask sqlalchemy", 9), one=one, two=two) == [("term", "Flask-SQLAlchemy", False)]
        assert told(("#web frameworks", 9), one=one, two=two) == [("tag", "Web Frameworks", False)]
    assert told(("plain", 9)) == [("term", "plain", False)]


def test_plain_words_give_way_to_those_that_say_more_unless_they_carry_twice_as_much() -> None:
    terms = ("inside", 9), ("come", 8), ("split", 5), ("subquery", 3), ("queryset", 3)
    assert [text for _, text, _ in told(*terms)] == ["inside", "come", "Subquery"]
    assert [text for _, text, _ in told(*terms[2:])] == ["split", "Subquery", "QuerySet"]
