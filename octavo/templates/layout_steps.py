"""What is wrong with a layout as it stands, before any page uses it."""

from __future__ import annotations

from dataclasses import dataclass

import jinja2
from jinja2 import nodes

from octavo.base import source_text
from octavo.base.diagnostics import Diagnostic, did_you_mean, warning
from octavo.engine.facts import Ask
from octavo.model.extensions import Extensions
from octavo.model.pages import Layout
from octavo.model.queries import Extended, LayoutBytes, Template
from octavo.templates.environment import make_environment
from octavo.templates.template_errors import span_in, syntax_problem


@dataclass(frozen=True)
class LintResult:
    problems: tuple[Diagnostic, ...] = ()


def lint(name: str, ask: Ask) -> LintResult:
    """Read one layout and say what is wrong with it.

    Its encoding, its syntax, and blocks that none of the layouts it extends has.
    """
    layout = ask(Template(name))
    if layout is None:
        return LintResult()
    data = ask(LayoutBytes(name)) or b""
    if data.strip():
        _, problems = source_text.decode(layout.path, data)
        if problems:
            return LintResult(problems)
    environment = ask.once(make_environment, ask(Extended("filters")) or Extensions())
    try:
        tree = environment.parse(layout.text, name, layout.path)
        # As Python source only: names that nothing has are found on the way there.
        environment.compile(tree, name, layout.path, raw=True)
    except jinja2.TemplateSyntaxError as problem:
        return LintResult((syntax_problem(problem, layout, environment),))
    return LintResult(_unknown_blocks(name, layout, tree, environment, ask))


def _unknown_blocks(
    name: str, layout: Layout, tree: nodes.Template, environment: jinja2.Environment, ask: Ask
) -> tuple[Diagnostic, ...]:
    """Blocks at the top of a layout that extends another: where no ancestor has them they are never shown."""
    ancestor_blocks: set[str] = set()
    seen = {name}
    parent = _parent(tree)
    if parent is None:
        return ()
    while parent is not None:
        ancestor = ask(Template(parent))
        if ancestor is None or parent in seen:
            return ()
        seen.add(parent)
        try:
            above = environment.parse(ancestor.text, parent, ancestor.path)
        except jinja2.TemplateSyntaxError:
            return ()
        ancestor_blocks.update(block.name for block in above.find_all(nodes.Block))
        parent = _parent(above)
        if parent is _NOT_CONSTANT:
            return ()
    return tuple(
        warning(
            layout.path,
            span_in(layout, block.lineno, (block.name,)),
            "block",
            f"no layout that this one extends has a block {block.name!r}, so it is never shown",
            did_you_mean(block.name, ancestor_blocks),
        )
        for block in tree.body
        if isinstance(block, nodes.Block) and block.name not in ancestor_blocks
    )


_NOT_CONSTANT = "\0"


def _parent(tree: nodes.Template) -> str | None:
    """The layout that one extends; ``_NOT_CONSTANT`` when it is decided while rendering."""
    extends = tree.find(nodes.Extends)
    if extends is None:
        return None
    name = extends.template
    return name.value if isinstance(name, nodes.Const) and isinstance(name.value, str) else _NOT_CONSTANT
