"""Octavo: a static site generator for articles and the posts related to them.

The packages, lowest first; each imports only from those above it in this list, which ``tests/test_packages.py`` holds.

    base        digests, diagnostics, text, URLs, files: what knows nothing of sites
    engine      the incremental build: queries, facts, steps, traces, the cache that keeps them
    model       the nouns of a site, all frozen, and the queries that a step may ask
    output      all that writes to ``output/``: staging, manifest, journal, recovery
    images      what an image says of itself, its sizes and formats, social cards
    related     which articles are related, and why
    content     from the text of one source to a Document: front matter and Markdown
    templates   from a page to HTML: Jinja2 as Octavo uses it
    site        from documents to a site: what is published, at which addresses, with which pages
    project     a site's folder opened for work: settings, cache, lock, processes, the build
    preview     ``serve``: the site while it is written
    cli         the command line

``output``, ``images`` and ``related`` import nothing of each other; nor do ``content`` and ``templates``.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from octavo.base.diagnostics import Diagnostic, Span, error, warning
    from octavo.cli.site_script import Site
    from octavo.engine.facts import Ask
    from octavo.model.pages import Page
    from octavo.model.queries import AllPosts, BodyOf, File, Grouped, Groups, PostAt, PostPaths, Setting
    from octavo.model.values import Table

__all__ = [
    "AllPosts",
    "Ask",
    "BodyOf",
    "Diagnostic",
    "File",
    "Grouped",
    "Groups",
    "Page",
    "PostAt",
    "PostPaths",
    "Setting",
    "Site",
    "Span",
    "Table",
    "error",
    "warning",
]

_HOMES = {
    "octavo.base.diagnostics": ("Diagnostic", "Span", "error", "warning"),
    "octavo.cli.site_script": ("Site",),
    "octavo.engine.facts": ("Ask",),
    "octavo.model.pages": ("Page",),
    "octavo.model.values": ("Table",),
    "octavo.model.queries": ("AllPosts", "BodyOf", "File", "Grouped", "Groups", "PostAt", "PostPaths", "Setting"),
}


def __getattr__(name: str) -> Any:
    """What build.py may import, found when it is asked for: a command that needs none of it starts at once."""
    for home, names in _HOMES.items():
        if name in names:
            from importlib import import_module

            return getattr(import_module(home), name)
    raise AttributeError(f"module 'octavo' has no attribute {name!r}")
