"""One canonical fingerprint of an immutable value.

Two values have the same digest exactly when they are equal as data: each scalar is written with a tag of its
type and its length, so ``("ab", "c")`` and ``("a", "bc")`` differ, and so do ``1``, ``True`` and ``"1"``.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import marshal
import struct
from collections.abc import Callable, Mapping
from functools import cache
from hashlib import blake2b
from operator import attrgetter
from typing import Any

DIGEST_BYTES = 16
"""Bytes in a digest: 128 bits, so two different values never meet by chance."""

Digest = bytes

_length = struct.Struct("<cQ").pack

_SCALARS = frozenset((str, int, bool, bytes, float, type(None)))

_FORMAT = 2
"""Of ``marshal``, which writes tuples of scalars as tags, lengths and values. From its next format on it writes what
it has written before, or what Python keeps once, in another way."""


def digest(value: object) -> Digest:
    """The fingerprint of an immutable value, in ``DIGEST_BYTES`` bytes.

    The value is made of scalars, tuples, frozensets, mappings and frozen dataclasses. Raises TypeError for anything
    else: what can be changed after it was digested is no fact.
    """
    if type(value) is bytes:
        return digest_bytes(value)
    return blake2b(marshal.dumps(_plain(value), _FORMAT), digest_size=DIGEST_BYTES).digest()


def digest_bytes(data: bytes) -> Digest:
    """The fingerprint of the content of a file; the same as ``digest(data)``."""
    state = blake2b(_length(b"b", len(data)), digest_size=DIGEST_BYTES)
    state.update(data)
    return state.digest()


def _plain(value: Any) -> Any:
    """The value as scalars and tuples. An Ellipsis, which is no value, begins what stands for something else."""
    kind: type = type(value)
    if kind in _SCALARS:
        return value
    if kind is tuple:
        return _all_plain(value)
    shape = _shape(kind)
    if shape is not None:
        name, fields = shape
        return (..., name, _all_plain(fields(value)))
    if kind is dt.datetime or kind is dt.date:
        return (..., "date", value.isoformat())
    if kind is frozenset:
        return (..., "set", tuple(sorted(digest(item) for item in value)))
    if isinstance(value, Mapping) and getattr(kind, "__hash__", None) is not None:
        return (..., "mapping", tuple((_plain(key), _plain(value[key])) for key in sorted(value)))
    raise TypeError(f"{kind.__qualname__} is not an immutable value: {value!r:.80}")


def _all_plain(values: tuple[Any, ...]) -> tuple[Any, ...]:
    for value in values:
        if type(value) not in _SCALARS:
            return tuple([_plain(value) for value in values])
    return values


@cache
def _shape(kind: type) -> tuple[str, Callable[[Any], tuple[Any, ...]]] | None:
    """The name of a frozen dataclass with those of its fields, and what gets their values; None for any other type."""
    if not dataclasses.is_dataclass(kind):
        return None
    # A private part of ``dataclasses``, which says nowhere else whether one is frozen. Where it goes, no dataclass can
    # be digested any more, and every build fails at once.
    if not kind.__dataclass_params__.frozen:  # type: ignore[attr-defined]
        raise TypeError(f"{kind.__qualname__} is a dataclass that is not frozen")
    names = tuple(field.name for field in dataclasses.fields(kind))
    get = attrgetter(*names) if len(names) > 1 else lambda value: tuple(getattr(value, name) for name in names)
    return f"{kind.__qualname__}:{','.join(names)}", get
