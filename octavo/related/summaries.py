"""Related posts as readers are told of them: why each is one, in plain words.

What an author sees has scores and shares, which change with every post that is written. What a reader sees does not, so
a page that asks for this is seldom made again.
"""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import Markup, escape

from octavo.model.related import Reason, RelatedSummary, Relation

_PHRASES = {"series": "in the same series", "pin": "chosen by the author"}

_PLAIN = 0.06
"""The share of the score from which on a plain word is worth telling."""


def summarize_relations(relations: Iterable[Relation]) -> tuple[RelatedSummary, ...]:
    return tuple(map(summarize_relation, relations))


def summarize_relation(relation: Relation) -> RelatedSummary:
    terms = tuple(reason.text for reason in relation.reasons if reason.kind in ("term", "tag"))
    return RelatedSummary(relation.path, phrase_reasons(relation.reasons), terms)


def phrase_reasons(reasons: tuple[Reason, ...]) -> tuple[str, ...]:
    """Why a post is related, as HTML.

    What is not a word comes first, then the words in one phrase.

    Plain words are left out where others say more, and where they carry little.
    """
    unscored = (reason for reason in reasons if reason.share is None and reason.kind != "reach")
    texts = [str(escape(_PHRASES.get(reason.kind, reason.text))) for reason in unscored]
    words = [reason for reason in reasons if reason.share is not None]
    terms = [reason for reason in words if reason.says_more]
    terms = terms or [reason for reason in words if (reason.share or 0) >= _PLAIN and not reason.text.isdigit()]
    if terms:
        texts.append("also about " + ", ".join(map(_word, terms)))
    return tuple(texts)


def _word(reason: Reason) -> str:
    return str(Markup("<code>{}</code>").format(reason.text) if reason.code else escape(reason.text))
