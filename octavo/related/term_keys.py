"""Terms as 64-bit hashes, and the way back to their words through the posts that have them.

The index keeps hashes, for words would be most of it. Two terms with one hash would count as one term; among a million
terms the odds of any such pair are one to forty million. This module imports numpy: import it where lists are computed
only.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from octavo.model.documents import Terms

Array = NDArray[Any]


def words_of(keys: Array, slots: Array, load: Callable[[int], Terms]) -> list[str]:
    """The words of keys.

    Each key is a term of the post in its slot; ``load`` gives the terms of a slot.
    """
    words: list[str] = [""] * len(keys)
    for slot, rows in _by_slot(slots):
        terms = load(slot)
        own_keys = hash_words([terms.words])
        order = np.argsort(own_keys)
        _pick(words, rows, terms, order[np.searchsorted(own_keys, keys[rows], sorter=order)])
    return words


def words_at(places: Array, slots: Array, load: Callable[[int], Terms]) -> list[str]:
    """The words at some places of the terms of posts.

    Each place is in the post of its slot; ``load`` gives the terms of a slot.
    """
    words: list[str] = [""] * len(places)
    for slot, rows in _by_slot(slots):
        _pick(words, rows, load(slot), places[rows])
    return words


def _by_slot(slots: Array) -> Iterator[tuple[int, Array]]:
    """Each slot, ascending, and where it stands."""
    order = np.argsort(slots, kind="stable")
    distinct, starts = np.unique(slots[order], return_index=True)
    return zip(distinct.tolist(), np.split(order, starts[1:]), strict=False)


def _pick(words: list[str], rows: Array, terms: Terms, places: Array) -> None:
    own = terms.words.split("\n")
    for at, place in zip(rows.tolist(), places.tolist(), strict=True):
        words[at] = own[place]


def hash_words(texts: Iterable[str]) -> Array:
    """The 64-bit hashes of the words of texts, uint64 in order.

    A polynomial of the bytes modulo 2 ** 64 (Karp and Rabin, 1987), mixed by the finaliser of MurmurHash3 (Appleby).
    """
    text = _joined(texts)
    if not text:
        return np.zeros(0, np.uint64)
    data = np.frombuffer(f"{text}\n".encode("utf-8", "surrogatepass"), np.uint8)
    starts = np.flatnonzero(data == 10)
    starts[1:] = starts[:-1] + 1
    starts[0] = 0
    powers, inverses = _powers(1 << max(14, len(data).bit_length()))
    hashes = np.add.reduceat(data * powers[: len(data)], starts) * inverses[starts]
    # The finaliser of MurmurHash3 (Appleby): every bit depends on all bytes.
    hashes ^= hashes >> np.uint64(33)
    hashes *= np.uint64(0xFF51AFD7ED558CCD)
    hashes ^= hashes >> np.uint64(33)
    return hashes


def _joined(texts: Iterable[str]) -> str:
    return "\n".join(filter(None, texts))


@cache
def _powers(length: int) -> tuple[Array, Array]:
    """The powers of an odd number, and those of its inverse (modulo 2 ** 64)."""
    base = 0x9E3779B97F4A7C15
    return tuple(np.cumprod(np.full(length, each, np.uint64)) for each in (base, pow(base, -1, 1 << 64)))  # type: ignore[return-value]


def locate(keys: Array, targets: Array) -> tuple[Array, Array]:
    """Where each of ``targets`` stands in ``keys``, and whether it does.

    ``keys`` are ascending.
    """
    places = np.searchsorted(keys, targets)
    is_present = places < len(keys)
    is_present[is_present] = keys[places[is_present]] == targets[is_present]
    return places, is_present
