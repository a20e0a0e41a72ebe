"""Jinja2 as Octavo uses it: layouts that are answers to questions, and failures that know what they are about.

Nothing that varies lives in the environment; what a page is made from reaches its layouts by the page's own names.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Generator, Iterator, Mapping, MutableMapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache, lru_cache, partial
from types import BuiltinMethodType, FunctionType, MappingProxyType, MethodType
from typing import Any, cast

import jinja2
from jinja2 import nodes
from jinja2.compiler import CodeGenerator, Frame
from jinja2.filters import do_striptags
from jinja2.runtime import Context, Macro
from jinja2.utils import missing
from markupsafe import Markup, escape

from octavo.base import urls
from octavo.base.shortage import raise_if_shortage
from octavo.engine.facts import Ask
from octavo.model.extensions import Extension, Extensions
from octavo.model.pages import Layout
from octavo.model.queries import Setting, Template
from octavo.templates import shared_blocks
from octavo.templates.csp import SharedMarkup

LARGEST_PAGE = 50_000_000
"""Characters beside the largest piece of a page. One piece may be an index of the whole site as JSON; many that come to
more are no page but a loop."""
LONGEST_RANGE = 100_000
MOST_COUNTED = 1_000_000
"""Numbers in all ranges of one page: loops within loops end too."""


class PageSettings(dict[str, Any]):
    """Settings by name, each asked for when a page first uses it."""

    def __init__(self, ask: Ask) -> None:
        super().__init__()
        self._ask = ask

    def __missing__(self, name: str) -> Any:
        value = self[name] = self._ask(_setting(name))
        return value


# Each page asks the same questions of these kinds.
_setting = cache(Setting)
_template = lru_cache(1024)(Template)


@dataclass
class Rendering:
    """One page on its way through its layouts.

    It has the names they see, and the layouts used so far, by path.

    ``subject`` is what a problem names: the post's source, or the page's URL. ``counted`` is how many numbers the
    ranges of its layouts have had. ``templates`` are the layouts that were found, by name, and ``modules`` those that
    were imported: a page finds and imports each once. ``alone`` makes a rendering of what is the same on all pages;
    None where each page makes its own.
    """

    ask: Ask
    subject: str
    names: Mapping[str, Any]
    settings: PageSettings
    layouts: dict[str, Layout] = field(default_factory=dict)
    templates: dict[str, jinja2.Template] = field(default_factory=dict)
    modules: dict[jinja2.Template, Any] = field(default_factory=dict)
    counted: int = 0
    alone: Callable[[Ask], Rendering] | None = None


rendering: ContextVar[Rendering] = ContextVar("the page being rendered")
"""Set by the step that renders, for the loader and the filters that Jinja2 calls without saying for which page."""


class LayoutFailure(Exception):
    """A failure of a function of the context.

    ``name`` is what to look for in the layout's line.
    """

    def __init__(self, code: str, message: str, name: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.name = name
        self.hint = hint


def make_environment(extensions: Extensions) -> jinja2.Environment:
    """An environment whose layouts are answers to ``Template`` queries.

    It has the filters of build.py.
    """
    environment = _Environment(
        extensions,
        undefined=_Undefined,
        finalize=_finalize,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        cache_size=0,
    )
    for name in ("lipsum", "cycler", "joiner"):
        environment.globals.pop(name, None)
    environment.globals["range"] = _bounded_range
    environment.filters.pop("random", None)
    environment.filters.update(absolute=_absolute, date=_date, day=_day, iso=_iso, striptags=_striptags)
    environment.filters.update({extension.name: extension.function for extension in extensions.filters})
    return environment


_codes: dict[tuple[str, Layout, tuple[Extension, ...]], Any] = {}
"""Layouts that this process has compiled: a preview has an environment for each look at the site, and would compile
them all again at each save. The thread that looks and the one that renders share it: each use of it is one step, and
what is not found is compiled again."""

_MOST_CODES = 500


class _Layouts(jinja2.BaseLoader):
    """Layouts as questions of the page being rendered, asked also when the answer has been loaded already."""

    def __init__(self, extensions: Extensions) -> None:
        self._extensions = extensions
        self._loaded: dict[str, tuple[Layout, jinja2.Template]] = {}

    def load(
        self, environment: jinja2.Environment, name: str, globals: MutableMapping[str, Any] | None = None
    ) -> jinja2.Template:
        page = rendering.get()
        layout = page.ask(_template(name))
        if layout is None:
            raise jinja2.TemplateNotFound(name)
        page.layouts[layout.path] = layout
        loaded_layout, template = self._loaded.get(name, (None, None))
        if template is None or (loaded_layout is not layout and loaded_layout != layout):
            # Jinja2 works out what is constant while it compiles, through the filters of build.py too.
            key = (name, layout, self._extensions.filters)
            code = _codes.get(key)
            if code is None:
                code = environment.compile(layout.text, name, layout.path)
                if len(_codes) >= _MOST_CODES:
                    _codes.clear()
                _codes[key] = code
            # A plain mapping, for each layout of each page looks into it.
            names = {**environment.globals, **(globals or {})}
            template = environment.template_class.from_code(environment, code, names)
            template.blocks = {
                block: run for block, run in template.blocks.items() if not block.startswith(shared_blocks.PREFIX)
            }
        if loaded_layout is not layout:
            self._loaded[name] = (layout, template)
        return template


class _LayoutTemplate(jinja2.Template):
    def new_context(
        self, vars: dict[str, Any] | None = None, shared: bool = False, locals: Mapping[str, Any] | None = None
    ) -> Context:
        """Jinja2's own, with fewer copies.

        Each layout that a page includes has a context.
        """
        names = (vars or {}) if shared else {**self.globals, **(vars or {})}
        if locals:
            names = {**names, **{name: value for name, value in locals.items() if value is not missing}}
        return _Context(self.environment, names, self.name, self.blocks)

    # Private to Jinja2: ``import`` in a layout is compiled to a call of it. Without it a module is made once for all
    # pages, and what it asks is recorded for the first only.
    def _get_default_module(self, ctx: Context | None = None) -> Any:
        """An imported layout is run anew for each page, so that what it asks for is recorded, and knows the page."""
        page = rendering.get()
        module = page.modules.get(self)
        if module is None:
            module = page.modules[self] = self.make_module(dict(page.names))
        return module


LayoutPart = Callable[[Context], Iterator[str]]
"""A part of a layout as it is compiled."""


class _CodeGenerator(CodeGenerator):
    """Jinja2's own, with one call instead of three around each value that a layout writes, and with the parts that are
    alike on all pages rendered once."""

    _parts: Mapping[str, tuple[str, ...]] = MappingProxyType({})

    def visit_Template(self, node: nodes.Template, frame: Frame | None = None) -> None:
        self._parts = shared_blocks.divide(node, self.environment)
        super().visit_Template(node, frame)

    def visit_Block(self, node: nodes.Block, frame: Frame) -> None:
        if node.name in self._parts:
            self.writeline(f"yield environment.alike(context, block_{node.name}, {self._parts[node.name]!r})", node)
        else:
            super().visit_Block(node, frame)

    # These two are private to Jinja2, whose ``visit_Output`` calls them around each value. Without them pages are the
    # same, for ``finalize`` and the escaping do what ``written`` does; only a benchmark would notice.
    def _output_child_pre(self, node: nodes.Expr, frame: Frame, finalize: CodeGenerator._FinalizeInfo) -> None:
        if frame.eval_ctx.autoescape and not frame.eval_ctx.volatile:
            self.write("environment.written(")
        else:
            super()._output_child_pre(node, frame, finalize)

    def _output_child_post(self, node: nodes.Expr, frame: Frame, finalize: CodeGenerator._FinalizeInfo) -> None:
        if frame.eval_ctx.autoescape and not frame.eval_ctx.volatile:
            self.write(")")
        else:
            super()._output_child_post(node, frame, finalize)


class _Context(Context):
    # It sets the attributes that Jinja2's own constructor sets, but makes none of its copies. One that a new version
    # adds is missing where Jinja2 uses it, so tests that render pages notice.
    def __init__(
        self,
        environment: jinja2.Environment,
        parent: dict[str, Any],
        name: str | None,
        blocks: Mapping[str, LayoutPart],
        globals: object = None,
    ) -> None:
        """Jinja2's own, without what it keeps for modules that are made once."""
        self.parent = parent
        self.vars = {}
        self.environment = environment
        self.eval_ctx = nodes.EvalContext(environment, name)
        self.exported_vars = set()
        self.name = name
        self.blocks = {block: [part] for block, part in blocks.items()} if blocks else {}

    def call(__self, __function: Any, *args: Any, **kwargs: Any) -> Any:
        """Jinja2's own, at once for what layouts call most.

        That is functions of the page, and macros.
        """
        kind = type(__function)
        if kind is Macro:
            args = (__self.eval_ctx, *args)
        elif not (
            kind is BuiltinMethodType
            or __function is dict
            or (kind in _PLAIN and not hasattr(__function, "jinja_pass_arg"))
        ):
            return super().call(__function, *args, **kwargs)
        if kwargs:
            kwargs.pop("_block_vars", None)
            kwargs.pop("_loop_vars", None)
        try:
            return __function(*args, **kwargs)
        except StopIteration:
            return __self.environment.undefined("value was undefined because a callable raised a StopIteration")


_PLAIN = (MethodType, FunctionType, partial)


_encode = json.JSONEncoder(sort_keys=True).encode


def _as_json(value: Any, **options: Any) -> str:
    return json.dumps(value, sort_keys=True, **options) if options else _encode(value)


class _Environment(jinja2.Environment):
    template_class = _LayoutTemplate
    code_generator_class = _CodeGenerator
    context_class = _Context

    def __init__(self, extensions: Extensions, **options: Any) -> None:
        self.layouts = _Layouts(extensions)
        super().__init__(loader=self.layouts, **options)
        self.written = _written
        self.policies["json.dumps_function"] = _as_json
        self.policies["json.dumps_kwargs"] = {}

    def get_template(
        self,
        name: str | jinja2.Template,
        parent: str | None = None,
        globals: MutableMapping[str, Any] | None = None,
    ) -> jinja2.Template:
        if type(name) is not str:
            return super().get_template(name, parent, globals)
        templates = rendering.get().templates
        if name not in templates:
            templates[name] = self.layouts.load(self, name, globals)
        return templates[name]

    def alike(self, context: Context, part: LayoutPart, names: tuple[str, ...]) -> str:
        """A part of a layout that is alike on all pages.

        It is so where its names mean here what they mean on all pages.
        """
        page = rendering.get()
        own = page.names
        if page.alone is not None:
            for name in names:
                if context.resolve_or_missing(name) is not own[name]:
                    break
            else:
                try:
                    return page.ask.shared(_alone, page.alone, part, self)
                except Exception as problem:
                    raise_if_shortage(problem)
                    # It is tried again in its place, for there it is told where it was.
                    return "".join(write_pieces(part(context)))
        return "".join(write_pieces(part(context)))


def _alone(
    ask: Ask, alone: Callable[[Ask], Rendering], part: LayoutPart, environment: jinja2.Environment
) -> SharedMarkup:
    current = alone(ask)
    token = rendering.set(current)
    try:
        names = {**environment.globals, **current.names}
        return SharedMarkup("".join(write_pieces(part(_Context(environment, names, None, {})))))
    finally:
        rendering.reset(token)


def write_pieces(written: Iterator[str]) -> list[str]:
    """What a layout writes, piece by piece."""
    texts: list[str] = []
    size = largest = 0
    for piece in written:
        texts.append(piece)
        size += len(piece)
        if size > LARGEST_PAGE:
            largest = max(largest, len(piece)) if largest else max(map(len, texts))
            if size - largest > LARGEST_PAGE:
                texts.clear()
                message = f"the page grew past {LARGEST_PAGE // 1_000_000} MB"
                # Raised within the layout, at the line that wrote too much.
                cast("Generator[str, None, None]", written).throw(
                    LayoutFailure("limit", message, hint="write less on one page, or divide it")
                )
    return texts


class LayoutUndefined(jinja2.UndefinedError):
    """Something a layout used does not exist.

    ``owner`` is what should have had it, or ``missing`` for a plain name.
    """

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
            # Private to Jinja2: what its StrictUndefined raises. Without it the message has no owner and no hint, which
            # tests/test_template_errors.py notices.
            self._undefined_exception = partial(LayoutUndefined, obj, name)  # type: ignore[assignment]


def _finalize(value: Any) -> Any:
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


def _written(value: Any) -> str:
    """A value as text for a page: what is shown of it, escaped."""
    kind = type(value)
    if kind is str:
        return _escaped(value) if len(value) < 200 else escape(value)
    if kind is Markup:
        return str(value)
    return str(value) if kind is int else escape(_finalize(value))


@lru_cache(4096)
def _escaped(text: str) -> str:
    """Titles, addresses and labels come again and again."""
    return str(escape(text))


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
    return urls.absolute_url(address, rendering.get().settings["base_url"] or "")


_MONTHS = "January February March April May June July August September October November December".split()


def _date(moment: dt.datetime) -> str:
    """22 November 2026"""
    return f"{moment.day} {_MONTHS[moment.month - 1]} {moment.year}"


def _day(moment: dt.datetime) -> str:
    """2026-11-22"""
    return moment.date().isoformat()


def _iso(moment: dt.datetime) -> str:
    """2026-11-22T10:00:00+00:00 (RFC 3339)"""
    if type(moment) is dt.datetime:
        return _known_iso(moment, moment.tzinfo, moment.fold)
    return moment.isoformat(timespec="seconds")


@lru_cache(4096)
def _known_iso(moment: dt.datetime, zone: dt.tzinfo | None, fold: int) -> str:
    """Two moments may be equal and written in two ways: the zone and the fold tell which."""
    return moment.isoformat(timespec="seconds")


def _striptags(value: Any) -> str:
    return _known_striptags(value) if type(value) in (str, Markup) and len(value) < 1000 else do_striptags(value)


@lru_cache(4096)
def _known_striptags(html: str) -> str:
    """An excerpt is shown as plain text on each page that lists its post."""
    return do_striptags(html)
