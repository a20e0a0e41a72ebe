"""What a site's build.py declares.

It is imported by each build.py, so it imports nothing itself: a command that finds nothing changed needs no more.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, TypeVar

    F = TypeVar("F", bound=Callable[..., Any])

KINDS = ("filters", "shortcodes", "markdown", "pages", "data", "checks")

being_run: set[str] = set()
"""The folders of sites whose build.py is being run at this moment to learn what it adds: it runs no command then."""


class Declarations:
    """What a build.py declares.

    Each decorator adds the function under its own name and returns it unchanged.
    """

    def __init__(self) -> None:
        self.added: dict[str, dict[str, Callable[..., Any]]] = {kind: {} for kind in KINDS}

    def filter(self, function: F) -> F:
        """``{{ value | name(…) }}`` in layouts: ``function(value, …)``."""
        return self._add("filters", function)

    def shortcode(self, function: F) -> F:
        """``::: name key="value"`` … ``:::`` in posts.

        It is made by ``function(args, body) -> HTML``; ``args`` maps names to texts.
        """
        return self._add("shortcodes", function)

    def markdown(self, function: F) -> F:
        """``function(md)`` sets up the ``MarkdownIt`` for posts: plug-ins, rules."""
        return self._add("markdown", function)

    def pages(self, function: F) -> F:
        """``function(ask)`` yields ``octavo.Page``: pages of the site's own."""
        return self._add("pages", function)

    def data(self, function: F) -> F:
        """``{{ data("name") }}`` in layouts: what ``function(ask)`` returns."""
        return self._add("data", function)

    def check(self, function: F) -> F:
        """``function(ask)`` yields ``octavo.Diagnostic``: the site's own problems."""
        return self._add("checks", function)

    def _add(self, kind: str, function: F) -> F:
        name = function.__name__
        if name in self.added[kind]:
            raise ValueError(f"{name!r} is added twice")
        self.added[kind][name] = function
        return function
