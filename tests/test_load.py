"""What build.py may declare and what comes of it: two lists that must be one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields

from octavo.model.extensions import Extensions
from octavo.site.extensions.declare import KINDS, Declarations
from tests.sites import SiteFolder, post

MakeSite = Callable[[str], SiteFolder]


def test_what_can_be_declared_is_what_a_step_can_ask_for() -> None:
    assert {field.name for field in fields(Extensions)} == set(KINDS)
    site = Declarations()
    for declare in (site.filter, site.shortcode, site.markdown, site.pages, site.data, site.check):
        declare(repr)
    assert site.added == {kind: {"repr": repr} for kind in KINDS}


def test_a_plug_in_may_replace_a_rule_of_the_parser(site: MakeSite) -> None:
    folder = site("-- posts/a.md --\n" + post(body="One ~two~ *three*."))
    folder.write(
        "build.py",
        "from octavo import Site\nsite = Site(__file__)\n\n"
        "def shout(state, silent):\n"
        "    if state.src[state.pos] != '*':\n        return False\n"
        "    if not silent:\n        state.push('text', '', 0).content = '!'\n"
        "    state.pos += 1\n    return True\n\n"
        "@site.markdown\ndef louder(md):\n    md.inline.ruler.at('emphasis', shout)\n",
    )
    folder.built()
    assert "!three!" in folder.page("/posts/a/")
