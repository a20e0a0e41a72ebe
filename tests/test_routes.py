"""Which pages exist, as they are kept from one build to the next."""

from __future__ import annotations

from octavo.model.pages import Page
from octavo.site.routes import Routes


def test_routes_that_were_kept_are_those_that_were_made() -> None:
    pages = {url: Page(url, "own.html", "custom", title=url) for url in ("/z/", "/", "/tags/none/", "/a/")}
    made = Routes(pages, {"/": ("posts/a.md", "posts/b.md"), "/tags/none/": ()}, (pages["/a/"],))
    kept = Routes.restore(made.order(), made.rows())
    assert kept == made and list(kept.pages) == list(pages)
    assert (kept.order(), kept.rows().data) == (made.order(), made.rows().data)
    assert kept.listings.get("/tags/none/") == () and kept.listings.get("/z/") is None
