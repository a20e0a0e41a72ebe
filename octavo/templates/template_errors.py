"""What went wrong in a layout, and where: Jinja2's exceptions as problems at their places."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import jinja2

from octavo.base.diagnostics import Diagnostic, Span, did_you_mean, error
from octavo.base.names import SCRIPT_FILE
from octavo.base.source_text import SourceText
from octavo.model.pages import Layout
from octavo.templates.environment import LayoutFailure, LayoutUndefined, Rendering


class LayoutFault(NamedTuple):
    """A failure in plain words.

    ``names`` are what to look for in the layout's line, the likeliest first.
    """

    code: str
    message: str
    hint: str
    names: tuple[str, ...] = ()


def diagnose(problem: Exception, environment: jinja2.Environment, page: Rendering) -> Diagnostic:
    """A failure at its line in the innermost layout.

    The problem also has the page that was being rendered.
    """
    if isinstance(problem, jinja2.TemplateSyntaxError) and problem.filename in page.layouts:
        return replace(syntax_problem(problem, page.layouts[problem.filename], environment), during=page.subject)
    places = list(_places(problem, page))
    loop = _loop(places) if isinstance(problem, RecursionError) else []
    if loop:
        fault = _endless([layout for layout, _ in loop])
        layout, line = loop[-1]
    else:
        fault = _fault(problem, environment, page)
        if not places:
            return Diagnostic(page.subject, None, "error", fault.code, fault.message, fault.hint)
        layout, line = places[-1]
    span = span_in(layout, line, fault.names)
    return Diagnostic(layout.path, span, "error", fault.code, fault.message, fault.hint, page.subject)


def _places(problem: Exception, page: Rendering) -> Iterator[tuple[Layout, int]]:
    """The layouts on the stack with their lines, outermost first: Jinja2 has rewritten the traceback to them."""
    trace = problem.__traceback__
    while trace is not None:
        path = trace.tb_frame.f_code.co_filename
        if path in page.layouts:
            yield page.layouts[path], trace.tb_lineno
        trace = trace.tb_next


def _loop(places: list[tuple[Layout, int]]) -> list[tuple[Layout, int]]:
    """From the first place that comes again to the one that leads back to it. How deep the stack was does not matter,
    so the answer is the same in every process."""
    seen: dict[tuple[str, int], int] = {}
    for number, (layout, line) in enumerate(places):
        start = seen.setdefault((layout.path, line), number)
        if start != number:
            return places[start:number]
    return []


def _endless(loop: list[Layout]) -> LayoutFault:
    paths = [layout.path for layout in loop]
    chain = [paths[0], *(path for before, path in pairwise(paths) if before != path)]
    if len(chain) == 1 or chain[-1] != chain[0]:
        chain.append(chain[0])
    name = chain[0].partition("layouts/")[2]
    return LayoutFault("loop", f"include loop: {' → '.join(chain)}", "let one of them end the loop", (name,))


def _fault(problem: Exception, environment: jinja2.Environment, page: Rendering) -> LayoutFault:
    if isinstance(problem, LayoutUndefined):
        return _undefined(problem, page.names)
    if isinstance(problem, LayoutFailure):
        return LayoutFault(problem.code, str(problem), problem.hint, (problem.name,))
    if isinstance(problem, jinja2.TemplateNotFound):
        name = str(problem.name or problem)
        hint = "layouts are named by their path below layouts/"
        return LayoutFault("layout", f"there is no layout {name!r}", hint, (name,))
    message = f"{type(problem).__name__}: {problem}".removesuffix(": ")
    return _unknown_name(str(problem), environment) or LayoutFault("render", message, _origin(problem))


def _origin(problem: Exception) -> str:
    """Where in build.py a failure began, if it did there."""
    line = 0
    trace = problem.__traceback__
    while trace is not None:
        frame = trace.tb_frame
        is_own = str(frame.f_globals.get("__name__")).startswith("octavo.")  # which has a module of this name
        if Path(frame.f_code.co_filename).name == SCRIPT_FILE and not is_own:
            line = trace.tb_lineno
        trace = trace.tb_next
    return f"it was raised in line {line} of build.py" if line else "look at the values that this line uses"


def _undefined(problem: LayoutUndefined, names: Mapping[str, Any]) -> LayoutFault:
    name = str(problem.name)
    if problem.owner is None:
        return LayoutFault(
            "undefined", f"nothing here, so it has no {name!r}", "test it first, with {% if … %}", (name,)
        )
    if problem.owner is not jinja2.utils.missing:
        kind = type(problem.owner).__name__.removesuffix("View")
        attributes = _attributes(problem.owner)
        return LayoutFault("undefined", f"{kind!r} has no attribute {name!r}", _instead(name, attributes), (name,))
    imported = re.match(r"the template '([^']+)' .* does not export", str(problem))
    if imported:
        message = f"{imported[1]!r} has no macro or variable {name!r}"
        return LayoutFault("undefined", message, "look at how it is spelt there", (name,))
    return LayoutFault("undefined", f"{name!r} is not defined", _instead(name, names), (name,))


def _attributes(owner: Any) -> list[str]:
    names = [str(key) for key in owner] if isinstance(owner, Mapping) else dir(owner)
    return [name for name in names if not name.startswith("_")]


_MOST_LISTED = 40


def _instead(name: str, names: Iterator[str] | list[str] | Mapping[str, Any]) -> str:
    listed = sorted(names)
    if len(listed) > _MOST_LISTED or not listed:
        return did_you_mean(name, listed) or "look at how it is spelt"
    return did_you_mean(name, listed) or f"there are {', '.join(listed)}"


# Syntax.

_TAGS = "autoescape block call elif else extends filter for from if import include macro print raw set with".split()
_SYNTAX = "layouts are written in Jinja2: {{ value }}, and {% tag %} with its {% endtag %}"


def syntax_problem(problem: jinja2.TemplateSyntaxError, layout: Layout, environment: jinja2.Environment) -> Diagnostic:
    """A layout that cannot be read, at the place that Jinja2 means."""
    message = problem.message or "it cannot be read"
    fault = _unknown_name(message, environment)
    span = None
    if fault is None:
        fault, span = _misread(message, _text(layout))
    return error(
        layout.path, span or span_in(layout, problem.lineno, fault.names), fault.code, fault.message, fault.hint
    )


def _unknown_name(message: str, environment: jinja2.Environment) -> LayoutFault | None:
    unknown = re.match(r"No (filter|test) named '([^']+)'", message)
    if unknown is None:
        return None
    kind, name = unknown.groups()
    functions = environment.filters if kind == "filter" else environment.tests
    return LayoutFault("undefined", f"there is no {kind} {name!r}", _instead(name, functions), (name,))


def _misread(message: str, text: SourceText) -> tuple[LayoutFault, Span | None]:
    """Jinja2's message about syntax; its place where the message tells more than a line."""
    character = re.fullmatch(r"unexpected char (.+) at (\d+)", message)
    if character:
        hint = "close the quote that opens here" if character[1] in ('"\'"', "'\"'") else _SYNTAX
        return LayoutFault("syntax", f"unexpected character {character[1]}", hint), text.span_at(int(character[2]))
    unclosed = re.match(r"Unexpected end of template\..*closed is '(\w+)'", message)
    if unclosed:
        tag = unclosed[1]
        hint = f"write {{% end{tag} %}} where it ends"
        return LayoutFault("syntax", f"'{tag}' is never closed", hint, (tag,)), _opening(text, tag)
    unknown = re.match(r"Encountered unknown tag '([^']+)'\.(.*?(?=The innermost)|.*)(.*)", message)
    if unknown:
        tag, looking, innermost = unknown.groups()
        tags = [*_TAGS, *(f"end{name}" for name in _TAGS)]
        hint = "" if tag in tags else did_you_mean(tag, tags)
        return LayoutFault(
            "syntax", f"the tag '{tag}' has no place here", hint or innermost or looking or _SYNTAX, (tag,)
        ), None
    return LayoutFault("syntax", message.rstrip("."), _SYNTAX, tuple(re.findall(r"'([^']+)'", message))), None


def _opening(text: SourceText, tag: str) -> Span | None:
    """The innermost ``{% tag`` that is not closed. Some ``{% set %}`` need no end, so for that tag none is told."""
    opened: list[re.Match[str]] = []
    for match in re.finditer(rf"\{{#.*?#\}}|\{{%[-+]?\s*(end)?({tag})\b", text.text, re.DOTALL):
        if match[1]:
            del opened[-1:]
        elif match[2]:
            opened.append(match)
    return text.span_at(opened[-1].start(2), len(tag)) if opened and tag != "set" else None


# Places.


def span_in(layout: Layout, line: int, names: tuple[str, ...]) -> Span:
    """The place of a name in a line of a layout, else of the line's only tag.

    Jinja2 knows lines only: where neither is found there is no column.
    """
    source = _text(layout)
    text = source.line(line)
    tags = list(re.finditer(r"\{\{.*?(?:\}\}|$)|\{%.*?(?:%\}|$)", text))
    for name in filter(None, names):
        for match in re.finditer(rf"(?<!\w){re.escape(name)}(?!\w)", text):
            if not tags or any(tag.start() < match.start() < tag.end() for tag in tags):
                return source.span(line, match.start() + 1, len(name))
    if len(tags) == 1:
        return source.span(line, tags[0].start() + 1, len(tags[0][0]))
    return source.span(line)


def _text(layout: Layout) -> SourceText:
    """The text of a layout in the lines that Jinja2 counts."""
    return SourceText(layout.path, re.sub("\r\n|\r", "\n", layout.text))
