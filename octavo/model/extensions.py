"""What build.py adds to a site, and what it may give."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field, is_dataclass
from typing import Annotated, Any

from octavo.base.diagnostics import Diagnostic, Span
from octavo.base.digest import Digest
from octavo.model import documents, images, pages, posts, related, settings
from octavo.model.values import Table


@dataclass(frozen=True)
class Extension:
    """One function of build.py.

    It is pure, so its source stands for it: ``digest`` covers build.py and the local modules it imports. Two extensions
    are equal when their digests and names are.
    """

    name: str
    digest: Digest
    function: Callable[..., Any] = field(compare=False, repr=False)


@dataclass(frozen=True)
class Extensions:
    """What build.py adds to a site, each kind in order of name."""

    filters: tuple[Extension, ...] = ()
    shortcodes: tuple[Extension, ...] = ()
    markdown: tuple[Extension, ...] = ()
    pages: tuple[Extension, ...] = ()
    data: tuple[Extension, ...] = ()
    checks: tuple[Extension, ...] = ()


_MODULES = (documents, posts, related, images, pages, settings, sys.modules[__name__])

ScriptData = Annotated[
    Any,
    Table,
    Diagnostic,
    Span,
    *(
        kind
        for module in _MODULES
        for kind in vars(module).values()
        if isinstance(kind, type) and kind.__module__ == module.__name__
        if is_dataclass(kind) or hasattr(kind, "_fields")
    ),
]
"""What build.py may give, and what front matter may have under ``extra``: scalars, moments, and tuples and Tables of
them, and the nouns of this package."""
