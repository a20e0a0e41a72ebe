"""What build.py may declare and what comes of it: two lists that must be one."""

from __future__ import annotations

from dataclasses import fields

from octavo.declare import KINDS, Declarations
from octavo.model import Extensions


def test_what_can_be_declared_is_what_a_step_can_ask_for() -> None:
    assert {field.name for field in fields(Extensions)} == set(KINDS)
    site = Declarations()
    for declare in (site.filter, site.shortcode, site.markdown, site.pages, site.data, site.check):
        declare(repr)
    assert site.added == {kind: {"repr": repr} for kind in KINDS}
