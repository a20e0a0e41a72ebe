"""What of a layout is alike on all pages: the parts that use nothing of the page they stand on, found while compiling.

Such a part is rendered once, and each page that has it is told what it asked, so it depends on that as if it had
rendered the part by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

import jinja2
from jinja2 import nodes
from jinja2.utils import _PassArg

NAMES = frozenset("site href asset asset_text stylesheet script tags authors all_series data".split())
"""The names of the context that give the same on each page. Those that list all posts are not among them: so long a
text is not kept for the few pages that show it."""

PREFIX = "alike_octavo_"
"""A part is compiled as a block, whose name begins so."""

_PLAIN = (
    nodes.Output, nodes.TemplateData, nodes.Const, nodes.Name, nodes.Getattr, nodes.Getitem, nodes.Call, nodes.Filter,
    nodes.Test, nodes.Compare, nodes.Operand, nodes.CondExpr, nodes.Concat, nodes.Tuple, nodes.List, nodes.Dict,
    nodes.Pair, nodes.Keyword, nodes.BinExpr, nodes.UnaryExpr, nodes.If, nodes.For, nodes.Slice,
)  # fmt: skip
"""What has no effect beside what it writes. An import, an include or a ``set`` is none of these."""

_COSTS: Mapping[type[nodes.Node], int] = {nodes.Call: 4, nodes.Filter: 2, nodes.Getattr: 1}
_LEAST = 4
"""What a part has to cost, by the calls in it, to be worth the way to what was rendered."""


def divide(tree: nodes.Template, environment: jinja2.Environment) -> dict[str, tuple[str, ...]]:
    """Put each part that is alike on all pages into a block of its own.

    Gives the names it uses, by block.
    """
    division = _Division(tree, environment)
    blocks = list(tree.find_all(nodes.Block))
    # Beside its blocks, a layout that extends another writes nothing, or it is not known before whether it does.
    if tree.find(nodes.Extends) is None:
        tree.body = division.divided(tree.body)
    for block in blocks:
        block.body = division.divided(block.body)
    return division.parts


class _Division:
    def __init__(self, tree: nodes.Template, environment: jinja2.Environment) -> None:
        self.parts: dict[str, tuple[str, ...]] = {}
        self._environment = environment
        self._shared_names = NAMES - set(_assigned_names(tree))

    def divided(self, body: list[nodes.Node]) -> list[nodes.Node]:
        """A body with blocks in place of those of its parts that are alike.

        Within loops and macros there are none: what is done so often is better done on the spot.
        """
        new_body: list[nodes.Node] = []
        for is_alike, group in groupby(_single(body), lambda node: self._is_alike(node, frozenset())):
            part = list(_joined(group))
            if is_alike and sum(map(_cost, part)) >= _LEAST:
                new_body.append(self._block(part))
                continue
            for node in () if is_alike else part:
                if isinstance(node, nodes.If):
                    for branch in (node, *node.elif_):
                        branch.body = self.divided(branch.body)
                    node.else_ = self.divided(node.else_)
            new_body += part
        return list(_joined(new_body))

    def _block(self, part: list[nodes.Node]) -> nodes.Block:
        name = f"{PREFIX}{len(self.parts)}"
        used = {each.name for node in part for each in _all(node) if isinstance(each, nodes.Name)}
        self.parts[name] = tuple(sorted(used & NAMES))
        return nodes.Block(name, part, False, False, lineno=part[0].lineno, environment=self._environment)

    def _is_alike(self, node: nodes.Node, own: frozenset[str]) -> bool:
        """``own`` are the names of the loops around it."""
        if not isinstance(node, _PLAIN):
            return False
        if isinstance(node, nodes.Name):
            return node.name in own or node.name in self._shared_names
        if isinstance(node, nodes.Filter | nodes.Test) and not self._is_pure(node):
            return False
        if isinstance(node, nodes.For):
            own |= {"loop", *(each.name for each in _all(node.target) if isinstance(each, nodes.Name))}
        return all(self._is_alike(child, own) for child in node.iter_child_nodes())

    def _is_pure(self, node: nodes.Filter | nodes.Test) -> bool:
        """Whether it is there, and gets no more than its arguments: with the context it could look at the page."""
        functions = self._environment.filters if isinstance(node, nodes.Filter) else self._environment.tests
        function: Any = functions.get(node.name)
        # ``_PassArg`` is private to Jinja2: its compiler asks it what a filter gets besides its arguments. The import
        # fails when it goes; tests/test_shared_blocks.py notices when it means something else.
        return function is not None and _PassArg.from_obj(function) is not _PassArg.context


def _assigned_names(tree: nodes.Template) -> Iterator[str]:
    """The names that a layout gives a meaning of its own somewhere."""
    for node in _all(tree):
        if (isinstance(node, nodes.Name) and node.ctx != "load") or isinstance(node, nodes.Macro):
            yield node.name
        elif isinstance(node, nodes.Import):
            yield node.target
        elif isinstance(node, nodes.FromImport):
            yield from (name if isinstance(name, str) else name[1] for name in node.names)


def _all(node: nodes.Node) -> Iterator[nodes.Node]:
    yield node
    yield from node.find_all(nodes.Node)


def _cost(node: nodes.Node) -> int:
    return sum(_COSTS.get(type(each), 0) for each in _all(node))


def _single(body: list[nodes.Node]) -> Iterator[nodes.Node]:
    """A body with each thing that it writes on its own."""
    for node in body:
        if isinstance(node, nodes.Output):
            yield from (_output([child], node) for child in node.nodes)
        else:
            yield node


def _joined(body: Any) -> Iterator[nodes.Node]:
    """A body with what it writes one after another as one."""
    for is_output, group in groupby(body, lambda node: isinstance(node, nodes.Output)):
        if is_output:
            outputs = list(group)
            yield _output([child for output in outputs for child in output.nodes], outputs[0])
        else:
            yield from group


def _output(children: list[nodes.Expr], like: nodes.Node) -> nodes.Output:
    return nodes.Output(children, lineno=children[0].lineno, environment=like.environment)
