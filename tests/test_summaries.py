"""Related posts as readers are told of them."""

from __future__ import annotations

from octavo.model.related import Reason, RelatedSummary, Relation
from octavo.related.summaries import phrase_reasons, summarize_relations


def words(*reasons: Reason) -> list[str]:
    return list(phrase_reasons(reasons))


def test_plain_words_are_left_out_where_others_say_more() -> None:
    told = (Reason("term", "inside", 0.3), Reason("term", "a<b>", 0.2, code=True), Reason("tag", "sql", 0.1))
    assert words(*told) == ["also about <code>a&lt;b&gt;</code>, sql"]
    assert words(told[0]) == ["also about inside"]
    assert words(Reason("term", "inside", 0.03), Reason("term", "200", 0.5)) == []


def test_what_is_no_word_comes_first() -> None:
    assert words(Reason("pin", "pinned by the author"), Reason("series", "same series"), Reason("tag", "R&D", 0.4)) == [
        "chosen by the author",
        "in the same series",
        "also about R&amp;D",
    ]


def test_an_offer_names_the_post_and_the_words_shared() -> None:
    reasons = (Reason("link", "links to this article"), Reason("term", "Subquery", 0.3, code=True))
    told = RelatedSummary("posts/b.md", ("links to this article", "also about <code>Subquery</code>"), ("Subquery",))
    assert summarize_relations([Relation("posts/b.md", 0.5, reasons)]) == (told,)
