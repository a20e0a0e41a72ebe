"""Page -> Output, through Jinja2."""

from __future__ import annotations

import jinja2

from octavo.base import urls
from octavo.base.diagnostics import Diagnostic
from octavo.base.names import SCRIPT_FILE
from octavo.base.shortage import raise_if_shortage
from octavo.engine.facts import Ask
from octavo.model.extensions import Extensions
from octavo.model.pages import Output, Page
from octavo.model.queries import Extended, PageAt
from octavo.model.settings import CspSettings
from octavo.templates.context import PageContext, SiteContext
from octavo.templates.csp import CspSource, insert_policy, join_with_sources, make_policy
from octavo.templates.environment import PageSettings, Rendering, make_environment, rendering, write_pieces
from octavo.templates.template_errors import diagnose


def render(url: str, ask: Ask) -> Output:
    """Render the page at a URL.

    A page that fails has no content, and its problems say why.
    """
    page = ask(PageAt(url))
    if page is None:
        raise LookupError(f"no page at {url}")
    environment = ask.once(make_environment, ask(Extended("filters")) or Extensions())
    context = PageContext(page, ask)
    subject = page.subject if context.has_post else url
    current = Rendering(ask, subject, context.names(), context.settings, alone=_alone)
    token = rendering.set(current)
    try:
        written = write_pieces(environment.get_template(page.layout).generate(current.names))
        content, needed = _secured(written, url, context.settings)
        return Output(content, orders=context.images.orders, sources=needed)
    except jinja2.TemplateNotFound as problem:
        if problem.name == page.layout:
            return Output(b"", _no_layout(page, context.has_post))
        return Output(b"", (diagnose(problem, environment, current),))
    except Exception as problem:
        raise_if_shortage(problem, f"rendering {subject}")
        return Output(b"", (diagnose(problem, environment, current),))
    finally:
        rendering.reset(token)


def _alone(ask: Ask) -> Rendering:
    """What a part of a layout sees that is alike on all pages."""
    context = SiteContext(ask)
    return Rendering(ask, "", context.names(), context.settings)


def _secured(written: list[str], url: str, settings: PageSettings) -> tuple[bytes, tuple[CspSource, ...]]:
    """A page, with its policy in it if it tells that itself, and what the policy of the site has to allow for it."""
    csp = settings["csp"] or CspSettings()
    if csp.at == "none" or not urls.output_path(url).endswith((".html", ".htm")):
        return "".join(written).encode(), ()
    content, needed = join_with_sources(written)
    if csp.at in ("meta", "both"):
        content = insert_policy(content, make_policy(needed, csp.allow, urls.origin(settings["base_url"])))
    return content, needed


def _no_layout(page: Page, has_post: bool) -> tuple[Diagnostic, ...]:
    """A post's own choice of layout is checked where it stands; all other pages have the theme's or build.py's."""
    if has_post:
        return ()
    hint = "layouts are named by their path below layouts/"
    return (Diagnostic(SCRIPT_FILE, None, "error", "layout", f"there is no layout {page.layout!r}", hint, page.url),)
