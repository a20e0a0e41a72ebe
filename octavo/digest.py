"""One canonical fingerprint of an immutable value.

Two values have the same digest exactly when they are equal as data: each scalar is written with a tag of its
type and its length, so ``("ab", "c")`` and ``("a", "bc")`` differ, and so do ``1``, ``True`` and ``"1"``.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import struct
from collections.abc import Callable, Mapping
from functools import cache
from hashlib import blake2b
from typing import Any

SIZE = 16
"""Bytes in a digest: 128 bits, so two different values never meet by chance."""

Digest = bytes

_length = struct.Struct("<cQ").pack


def digest(value: object) -> Digest:
    """The fingerprint (``SIZE`` bytes) of a value made of scalars, tuples, frozensets, mappings and frozen dataclasses.

    Raises TypeError for anything else: what can be changed after it was digested is no fact.
    """
    out: list[bytes] = []
    _write(value, out.append)
    return blake2b(b"".join(out), digest_size=SIZE).digest()


def digest_bytes(data: bytes) -> Digest:
    """The fingerprint of the content of a file; the same as ``digest(data)``."""
    state = blake2b(_length(b"b", len(data)), digest_size=SIZE)
    state.update(data)
    return state.digest()


def _write(value: object, emit: Callable[[bytes], None]) -> None:
    kind = type(value)
    if kind is str:
        data = value.encode("utf-8", "surrogatepass")  # type: ignore[attr-defined]
        emit(_length(b"s", len(data)))
        emit(data)
    elif value is None:
        emit(b"n")
    elif kind is bool:
        emit(b"t" if value else b"f")
    elif kind is int:
        data = b"%d" % value  # type: ignore[str-format]
        emit(_length(b"i", len(data)))
        emit(data)
    elif kind is tuple:
        emit(_length(b"(", len(value)))  # type: ignore[arg-type]
        for item in value:  # type: ignore[attr-defined]
            _write(item, emit)
    elif kind is bytes:
        emit(_length(b"b", len(value)))  # type: ignore[arg-type]
        emit(value)  # type: ignore[arg-type]
    else:
        _write_rarer(value, emit)


def _write_rarer(value: Any, emit: Callable[[bytes], None]) -> None:
    kind: type = type(value)
    shape = _shape(kind)
    if shape is not None:
        name, fields = shape
        emit(name)
        for field in fields:
            _write(getattr(value, field), emit)
    elif kind is float:
        emit(b"d" + struct.pack("<d", value))
    elif kind is dt.datetime or kind is dt.date:
        data = value.isoformat().encode()
        emit(_length(b"D", len(data)))
        emit(data)
    elif kind is frozenset:
        members = sorted(digest(item) for item in value)
        emit(_length(b"{", len(members)))
        for member in members:
            emit(member)
    elif isinstance(value, Mapping) and getattr(kind, "__hash__", None) is not None:
        emit(_length(b"m", len(value)))
        for key in sorted(value):
            _write(key, emit)
            _write(value[key], emit)
    else:
        raise TypeError(f"{kind.__qualname__} is not an immutable value: {value!r:.80}")


@cache
def _shape(kind: type) -> tuple[bytes, tuple[str, ...]] | None:
    """The tag and the field names of a frozen dataclass; None for any other type."""
    if not dataclasses.is_dataclass(kind):
        return None
    if not kind.__dataclass_params__.frozen:  # type: ignore[attr-defined]
        raise TypeError(f"{kind.__qualname__} is a dataclass that is not frozen")
    fields = tuple(field.name for field in dataclasses.fields(kind))
    name = f"{kind.__qualname__}:{','.join(fields)}".encode()
    return _length(b"c", len(name)) + name, fields
