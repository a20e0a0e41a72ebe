"""A layout -> its code, so that no process compiles what was compiled before."""

from __future__ import annotations

import marshal
from dataclasses import dataclass

from octavo.facts import Ask
from octavo.layouts import make_environment
from octavo.model import Extensions
from octavo.queries import Extended, Template


@dataclass(frozen=True)
class Compiled:
    """The marshalled code of a layout; empty for one that cannot be read."""

    code: bytes = b""


def compile_layout(name: str, ask: Ask) -> Compiled:
    """Compile one layout. What is wrong with one that cannot be is told by the pages that use it, and by ``lint``.

    Jinja2 works out what is constant while it compiles, through the filters of build.py too, so these are asked for.
    """
    layout = ask(Template(name))
    environment = ask.once(make_environment, ask(Extended("filters")) or Extensions())
    if layout is None:
        return Compiled()
    try:
        code = environment.compile(layout.text, name, layout.path)
    except Exception:
        return Compiled()
    return Compiled(marshal.dumps(code))
