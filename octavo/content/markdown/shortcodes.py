"""Shortcodes: a colon fence in a post calls a function of build.py."""

from __future__ import annotations

import re
from collections.abc import Mapping

from octavo.base.diagnostics import did_you_mean
from octavo.base.shortage import raise_if_shortage
from octavo.model.extensions import Extension
from octavo.model.values import Table

_ARGUMENT = re.compile(r"""([A-Za-z_][\w-]*)=(?:"([^"]*)"|'([^']*)'|([^\s"']+))(?:\s+|$)""")


class ShortcodeFailure(Exception):
    """Why a shortcode gave no HTML, with a hint or an empty one."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


def call(shortcodes: Mapping[str, Extension], name: str, arguments: str, body: str) -> str:
    """Call the shortcode ``name``, which returns HTML.

    It takes its arguments, ``key="value" …``, and the lines within it. Raises ShortcodeFailure.
    """
    if name not in shortcodes:
        raise ShortcodeFailure(f"no shortcode '{name}'", did_you_mean(name, shortcodes))
    table = read_arguments(arguments)
    try:
        html = shortcodes[name].function(table, body)
    except Exception as fault:
        raise_if_shortage(fault, f"shortcode '{name}'")
        raise ShortcodeFailure(f"shortcode '{name}' failed: {type(fault).__name__}: {fault}") from fault
    if not isinstance(html, str):
        raise ShortcodeFailure(f"shortcode '{name}' returned {type(html).__name__}, not text")
    return str(html)


def read_arguments(text: str) -> Table:
    """Read ``key="value" other='value' third=value`` as a table of strings.

    Raises ShortcodeFailure.
    """
    arguments: dict[str, str] = {}
    at = 0
    while at < len(text):
        argument = _ARGUMENT.match(text, at)
        if argument is None:
            raise ShortcodeFailure(f"cannot read the arguments at '{text[at : at + 40]}'", 'write name="value"')
        if argument[1] in arguments:
            raise ShortcodeFailure(f"argument '{argument[1]}' is given twice")
        arguments[argument[1]] = next((value for value in argument.groups()[1:] if value is not None), "")
        at = argument.end()
    return Table(arguments)
