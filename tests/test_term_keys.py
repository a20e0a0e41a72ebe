from __future__ import annotations

import numpy as np

from octavo.model.documents import Terms
from octavo.related import index as term_index
from octavo.related.term_keys import Array, hash_words, words_at, words_of
from tests.test_index import key, random_posts, stock, terms


def test_a_word_has_one_key_wherever_it_stands() -> None:
    alone = [key(each) for each in ("alpha", "beta gamma", "#délta", "\ud800")]
    assert hash_words(["alpha\nbeta gamma", "", "#délta", "\ud800"]).tolist() == alone
    assert len(set(alone)) == 4
    assert not len(hash_words(["", ""]))


def test_words_are_found_by_key_and_by_place() -> None:
    posts = random_posts(2)
    found, slots, places = term_index.build(map(terms, posts), stock(posts, 40))
    loaded: list[int] = []

    def load(slot: int) -> Terms:
        loaded.append(slot)
        return terms(posts[slot])

    wanted: Array = np.arange(len(found.keys))[::-1]
    words = words_of(found.keys[wanted], slots[wanted], load)
    assert [key(word) for word in words] == found.keys[wanted].tolist()
    assert loaded == sorted(set(slots.tolist()))
    assert words_at(places[wanted], slots[wanted], load) == words
    assert words_of(found.keys[:0], slots[:0], load) == []
