"""Jinja2 as Octavo uses it: layouts that are answers to questions, and failures that know what they are about.

Nothing that varies lives in the environment; what a page is made from reaches its layouts by the page's own names.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import jinja2
from jinja2.runtime import Context
from markupsafe import Markup

from octavo import urls
from octavo.facts import Ask
from octavo.model import Extensions, Layout
from octavo.queries import Setting, Template

LONGEST_RANGE = 100_000
MOST_COUNTED = 1_000_000
"""Numbers in all ranges of one page: loops within loops end too."""


@dataclass
class Rendering:
    """One page on its way through its layouts: the names they see, and the layouts used so far, by path.

    ``subject`` is what a problem names: the post's source, or the page's URL. ``counted`` is how many numbers the
    ranges of its layouts have had.
    """

    ask: Ask
    subject: str
    names: Mapping[str, Any]
    layouts: dict[str, Layout] = field(default_factory=dict)
    counted: int = 0


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
        finalize=_shown,
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


def _shown(value: Any) -> Any:
    """What ``{{ }}`` writes: the word None is never meant for readers, nor is where in memory an object lies, which
    would be another place in each build."""
    kind = type(value)
    if kind is str or kind is Markup or isinstance(value, jinja2.Undefined):
        return value
    if value is None:
        raise LayoutFailure("undefined", "there is nothing to show here: the value is none", "", _IF_NONE)
    if callable(value):
        raise LayoutFailure("render", "this is a function, not what it gives", "", "call it: name()")
    if isinstance(value, Iterator):
        raise LayoutFailure("render", "this is a sequence that is not made yet", "", "end with | list or | join")
    if str(value) == object.__repr__(value):
        raise LayoutFailure("render", f"{kind.__name__!r} cannot be shown as text", "", "show one of its attributes")
    return value


_IF_NONE = "test it first, with {% if … %}, or let the function or filter return text"


def _bounded_range(*arguments: int) -> range:
    numbers = range(*arguments)
    length = len(numbers[: LONGEST_RANGE + 1])
    page = rendering.get()
    page.counted += length
    if length > LONGEST_RANGE or page.counted > MOST_COUNTED:
        message = f"range() gives at most {LONGEST_RANGE:,} numbers, and {MOST_COUNTED:,} on one page"
        raise LayoutFailure("limit", message, "range", "loop over fewer")
    return numbers


def _absolute(address: str) -> str:
    base_url: str = rendering.get().ask(Setting("base_url")) or ""
    return urls.absolute(address, base_url)


_MONTHS = "January February March April May June July August September October November December".split()


def _date(moment: dt.datetime) -> str:
    """22 November 2026"""
    return f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year}"


def _day(moment: dt.datetime) -> str:
    """2026-11-22"""
    return moment.date().isoformat()


def _iso(moment: dt.datetime) -> str:
    """2026-11-22T10:00:00+00:00 (RFC 3339)"""
    return moment.isoformat(timespec="seconds")
