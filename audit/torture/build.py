"""The build script of the made-up site: one shortcode, so that its article can call one."""

from __future__ import annotations

from html import escape

from octavo import Site, Table

site = Site(__file__)


@site.shortcode
def box(args: Table, body: str) -> str:
    return f'<div class="box"><h3>{escape(args["title"])}</h3><p>{escape(body.strip())}</p></div>'


if __name__ == "__main__":
    raise SystemExit(site.main())
