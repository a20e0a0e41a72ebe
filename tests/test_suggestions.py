"""What readers see of related posts and of the links between posts."""

from __future__ import annotations

from collections.abc import Callable

from tests.sites import SiteFolder, post

Site = Callable[[str], SiteFolder]

ORM = "`OuterRef`\n\n`Subquery`\n\nqueryset"


def orm(**bodies: str) -> str:
    posts = {"a": ORM, "b": ORM, **{f"other{number}": f"unlike{number}" for number in range(8)}, **bodies}
    return "".join(f"-- posts/{name}.md --\n{post(name.upper(), body=body)}\n" for name, body in posts.items())


def test_readers_see_the_reason_as_the_author_writes_it(site: Site) -> None:
    folder = site(orm())
    folder.built()
    assert '<p class="why">also about <code>OuterRef</code>' in folder.page("/posts/a/")


def test_a_link_is_a_reason_and_a_mention(site: Site) -> None:
    folder = site(orm(b=ORM + "\n\n[that](a.md)"))
    folder.built()
    page = folder.page("/posts/a/")
    assert '<p class="why">links to this article; also about <code>' in page
    assert '<p>Mentioned in <a href="/posts/b/">B</a>.</p>' in page
    assert "Mentioned in" not in folder.page("/posts/b/")


def test_a_new_mention_renders_the_page_it_leads_to(site: Site) -> None:
    folder = site(orm())
    folder.built()
    folder.replace("posts/other3.md", "unlike3", "unlike3 [that](a.md)")
    assert "/posts/a/" in folder.built().rendered
    assert '<p>Mentioned in <a href="/posts/other3/">OTHER3</a>.</p>' in folder.page("/posts/a/")


def test_a_link_by_address_is_a_link_between_posts(site: Site) -> None:
    linking = {"b": ORM + "\n\n[that](/posts/a/)", "other1": "[x](/posts/a/#top)", "other2": "[x](/old/)"}
    folder = site(orm(**linking))
    folder.replace("posts/a.md", "title:", "aliases: [/old/]\ntitle:")
    folder.built()
    page = folder.page("/posts/a/")
    assert "links to this article" in page
    mentions = page.partition("<p>Mentioned in ")[2].partition("</p>")[0]
    for name in ("b", "other1", "other2"):
        assert f'<a href="/posts/{name}/">' in mentions
    assert "Related articles" not in folder.page("/posts/b/")
    folder.replace("posts/a.md", "title:", "slug: moved\ntitle:").built(allow_broken_links=True)
    assert "links to this article" not in folder.page("/posts/moved/")
    assert "Related articles" in folder.page("/posts/b/")
