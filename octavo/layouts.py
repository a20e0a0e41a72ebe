"""Jinja2 as Octavo uses it: layouts that are answers to questions, and failures that know their line.

Nothing that varies lives in the environment; what a page is made from reaches its layouts by the page's own names.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import jinja2
from jinja2.runtime import Context

from octavo import urls
from octavo.diagnostic import Diagnostic, Span, did_you_mean
from octavo.facts import Ask
from octavo.model import Extensions, Layout
from octavo.queries import Setting, Template

LONGEST_RANGE = 100_000


@dataclass
class Rendering:
    """One page on its way through its layouts: the names they see, and the layouts used so far, by path.

    ``subject`` is what a problem names: the post's source, or the page's URL.
    """

    ask: Ask
    subject: str
    names: Mapping[str, Any]
    layouts: dict[str, Layout] = field(default_factory=dict)


rendering: ContextVar[Rendering] = ContextVar("the page being rendered")
"""Set by the step that renders, for the loader and the filters that Jinja2 calls without saying for which page."""


class LayoutFailure(Exception):
    """Raised by a function of the context; ``name`` is what to look for in the layout's line."""

    def __init__(self, code: str, message: str, name: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.name = name
        self.hint = hint


def make_environment(extensions: Extensions) -> jinja2.Environment:
    """An environment whose layouts are answers to ``Template`` queries, with the filters of build.py."""
    environment = _Environment(
        loader=jinja2.FunctionLoader(_load_layout),
        undefined=_Undefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        cache_size=-1,
    )
    for name in ("lipsum", "cycler", "joiner"):
        environment.globals.pop(name, None)
    environment.globals["range"] = _bounded_range
    environment.filters.pop("random", None)
    environment.filters.update(absolute=_absolute, date=_date, day=_day, iso=_iso)
    environment.filters.update({extension.name: extension.function for extension in extensions.filters})
    return environment


def _load_layout(name: str) -> tuple[str, str, Callable[[], bool]] | None:
    layout = _asked(name)
    return None if layout is None else (layout.text, layout.path, lambda: _asked(name) == layout)


def _asked(name: str) -> Layout | None:
    """The layout of that name, as a question of the page being rendered; also when Jinja2 has it compiled already."""
    page = rendering.get()
    layout = page.ask(Template(name))
    if layout is not None:
        page.layouts[layout.path] = layout
    return layout


class _Template(jinja2.Template):
    def _get_default_module(self, ctx: Context | None = None) -> Any:
        """An imported layout is run anew for each page, so that what it asks for is recorded, and knows the page."""
        return self.make_module(dict(rendering.get().names))


class _Environment(jinja2.Environment):
    template_class = _Template


class LayoutUndefined(jinja2.UndefinedError):
    """Something a layout used does not exist. ``owner`` is what should have had it, or ``missing`` for a plain name."""

    def __init__(self, owner: Any, name: Any, message: str) -> None:
        super().__init__(message)
        self.owner = owner
        self.name = name


class _Undefined(jinja2.StrictUndefined):
    __slots__ = ()

    def __init__(
        self,
        hint: str | None = None,
        obj: Any = jinja2.utils.missing,
        name: str | None = None,
        exc: type[jinja2.TemplateRuntimeError] = jinja2.UndefinedError,
    ) -> None:
        super().__init__(hint, obj, name, exc)
        if exc is jinja2.UndefinedError:
            self._undefined_exception = partial(LayoutUndefined, obj, name)  # type: ignore[assignment]


def _bounded_range(*arguments: int) -> range:
    numbers = range(*arguments)
    if len(numbers) > LONGEST_RANGE:
        raise LayoutFailure("limit", f"range() of more than {LONGEST_RANGE:,} numbers", "range")
    return numbers


def _absolute(address: str) -> str:
    base_url: str = rendering.get().ask(Setting("base_url")) or ""
    return urls.absolute(address, base_url)


_MONTHS = (
    "January February March April May June July August September October November December".split()
)


def _date(moment: dt.datetime) -> str:
    """22 November 2026"""
    return f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year}"


def _day(moment: dt.datetime) -> str:
    """2026-11-22"""
    return moment.date().isoformat()


def _iso(moment: dt.datetime) -> str:
    """2026-11-22T10:00:00+00:00 (RFC 3339)"""
    return moment.isoformat(timespec="seconds")


# What went wrong, and where.


def diagnose(problem: Exception, environment: jinja2.Environment, page: Rendering) -> Diagnostic:
    """A failure at its line in the innermost layout, with the page that was being rendered."""
    layout, line = _place(problem, page)
    if layout is None:
        return Diagnostic(page.subject, None, "error", "render", f"{type(problem).__name__}: {problem}")
    code, message, names, hint = describe(problem, environment, page)
    return Diagnostic(layout.path, span_in(layout, line, names), "error", code, message, hint, page.subject)


def _place(problem: Exception, page: Rendering) -> tuple[Layout | None, int]:
    """The innermost layout frame: Jinja2 has rewritten the traceback to the lines of layouts."""
    if isinstance(problem, jinja2.TemplateSyntaxError) and problem.filename is not None:
        return page.layouts.get(problem.filename), problem.lineno
    place: tuple[Layout | None, int] = (None, 0)
    for path, line in _frames(problem):
        if path in page.layouts:
            place = (page.layouts[path], line)
    return place


def _frames(problem: Exception) -> Iterator[tuple[str, int]]:
    trace = problem.__traceback__
    while trace is not None:
        yield trace.tb_frame.f_code.co_filename, trace.tb_lineno
        trace = trace.tb_next


def _loop(problem: Exception, page: Rendering) -> str:
    """The layouts on the stack from the first that comes again: ``a.html → b.html → a.html``."""
    chain: list[str] = []
    for path, _ in _frames(problem):
        if path in page.layouts and (not chain or chain[-1] != path):
            if path in chain:
                return " → ".join([*chain[chain.index(path) :], path])
            chain.append(path)
    return " → ".join([*chain[-1:], *chain[-1:]])


Described = tuple[str, str, tuple[str, ...], str]
"""Code, message, the names to look for in the line, hint."""


def describe(problem: Exception, environment: jinja2.Environment, page: Rendering | None = None) -> Described:
    """A failure in plain words."""
    if isinstance(problem, LayoutUndefined):
        return _undefined(problem, page.names if page else {})
    if isinstance(problem, LayoutFailure):
        return problem.code, str(problem), (problem.name,), problem.hint
    if isinstance(problem, RecursionError) and page is not None:
        return "loop", f"include loop: {_loop(problem, page)}", (), ""
    if isinstance(problem, jinja2.TemplateNotFound):
        name = str(problem.name or problem)
        return "layout", f"there is no layout {name!r}", (name,), "layouts are named by their path below layouts/"
    if isinstance(problem, jinja2.TemplateSyntaxError):
        return _syntax(problem, environment)
    return "render", f"{type(problem).__name__}: {problem}", (), ""


def _syntax(problem: jinja2.TemplateSyntaxError, environment: jinja2.Environment) -> Described:
    message = problem.message or "it cannot be read"
    unknown = re.match(r"No (filter|test) named '([^']+)'", message)
    if unknown:
        kind, name = unknown.groups()
        known = environment.filters if kind == "filter" else environment.tests
        return "undefined", f"there is no {kind} {name!r}", (name,), did_you_mean(name, known)
    return "syntax", message.rstrip("."), tuple(re.findall(r"'([^']+)'", message)), ""


def _undefined(problem: LayoutUndefined, names: Mapping[str, Any]) -> Described:
    name = str(problem.name)
    if problem.owner is jinja2.utils.missing:
        return "undefined", f"{name!r} is not defined", (name,), did_you_mean(name, names)
    owner = problem.owner
    if owner is None:
        return "undefined", f"nothing here, so it has no {name!r}", (name,), "test it first, with {% if … %}"
    kind = type(owner).__name__.removesuffix("View")
    return "undefined", f"{kind!r} has no attribute {name!r}", (name,), did_you_mean(name, _attributes(owner))


def _attributes(owner: Any) -> list[str]:
    known = [str(key) for key in owner] if isinstance(owner, Mapping) else dir(owner)
    return [name for name in known if not name.startswith("_")]


def span_in(layout: Layout, line: int, names: tuple[str, ...]) -> Span:
    """The place of a name in a line of a layout. Jinja2 knows lines only: a name that is not found has no column."""
    lines = layout.text.splitlines()
    text = lines[line - 1] if 0 < line <= len(lines) else ""
    for name in names:
        for match in re.finditer(rf"(?<!\w){re.escape(name)}(?!\w)", text):
            if name and _in_tag(text, match.start()):
                return Span(line, match.start() + 1, len(name), text)
    return Span(line, None, 1, text)


def _in_tag(text: str, position: int) -> bool:
    """Whether a position of a line lies within ``{{ }}`` or ``{% %}``, or the line has no such marks."""
    opened = max(text.rfind("{{", 0, position), text.rfind("{%", 0, position))
    closed = max(text.rfind("}}", 0, position), text.rfind("%}", 0, position))
    return opened > closed or (opened < 0 and closed < 0)
