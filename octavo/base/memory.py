"""Memory that is free, given back to the system."""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Callable
from functools import cache


def release_memory() -> None:
    """Give memory that large arrays have left back to the system.

    glibc keeps it between the small things that outlive them, a process would hold it to its end, and its copies would
    inherit it. Elsewhere there is nothing to do.
    """
    trim = _trim()
    if trim is not None:
        trim(0)


@cache
def _trim() -> Callable[[int], int] | None:
    """``malloc_trim``, which glibc alone has."""
    return getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform == "linux" else None
