"""This site's build script: `python build.py` builds it, `python build.py serve` shows it while you write."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from octavo import Ask, Diagnostic, PostAt, PostPaths, Site, Table, warning

site = Site(__file__)


@site.shortcode
def compare(args: Table, body: str) -> str:
    """`::: compare left="WSGI" right="ASGI"`, then a line for each point: `Point: left | right`."""
    rows = []
    for line in body.strip().splitlines():
        point, _, sides = line.partition(":")
        left, _, right = sides.partition("|")
        cells = "".join(f"<td>{escape(side.strip())}</td>" for side in (left, right))
        rows.append(f'<tr><th scope="row">{escape(point.strip())}</th>{cells}</tr>')
    head = "".join(f'<th scope="col">{escape(args[side])}</th>' for side in ("left", "right"))
    return (
        '<div class="table" tabindex="0"><table><thead><tr><td></td>'
        f"{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


@site.check
def described(ask: Ask) -> Iterator[Diagnostic]:
    """Search engines and cards show the description, so on this site every post has one."""
    for path in ask(PostPaths()) or ():
        post = ask(PostAt(path))
        if post is not None and not post.description:
            yield warning(path, None, "description", "the post has no description", "add `description: …`")


if __name__ == "__main__":
    raise SystemExit(site.main())
