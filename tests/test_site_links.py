"""What posts refer to beside other posts: files beside them, and assets by their plain names."""

from __future__ import annotations

import json
from collections.abc import Callable

from tests.sites import SiteFolder, places, post

MakeSite = Callable[[str], SiteFolder]


def test_a_post_refers_to_an_asset_by_its_plain_name(site: MakeSite) -> None:
    folder = site("").write("assets/pics/cat one.png", "cat").write("assets/root/plain.txt", "plain")
    body = "![A cat](</assets/pics/cat one.png>) and [text](/plain.txt)\n"
    folder.write("posts/a.md", post(body=body, image="/assets/pics/cat one.png"))
    folder.built()
    (published,) = [path for path in folder.output() if path.startswith("assets/pics/")]
    page = folder.page("/posts/a/")
    assert f'<img src="/{published.replace(" ", "%20")}"' in page
    assert f'content="https://test.example/{published.replace(" ", "%20")}"' in page
    folder.write("assets/pics/cat one.png", "another cat")
    assert "/posts/a/" in folder.built().rendered


def test_an_asset_that_does_not_exist_is_an_error_at_the_link(site: MakeSite) -> None:
    folder = site("").write("posts/a.md", post(body="![A cat](/assets/cat.png)\n", image="/assets/dog.png"))
    report = folder.build()
    assert report.status == 1
    assert places(report.problems) == ["posts/a.md:4:8: link", "posts/a.md:6:1: link"]


def test_an_image_beside_a_post_is_its_cover(site: MakeSite) -> None:
    folder = site("").write("posts/cat/index.md", post(image="cat.png")).write("posts/cat/cat.png", "cat")
    folder.write("posts/dog.md", post(image="pics/dog.png")).write("posts/pics/dog.png", "dog")
    folder.built()
    assert 'content="https://test.example/posts/cat/cat.png"' in folder.page("/posts/cat/")
    assert 'content="https://test.example/posts/pics/dog.png"' in folder.page("/posts/dog/")


def test_a_cover_that_does_not_exist_is_an_error_at_its_value(site: MakeSite) -> None:
    folder = site("").write("posts/a.md", post(image="none.png"))
    assert places(folder.build().problems) == ["posts/a.md:4:8: link"]
    folder.built(allow_broken_links=True)


def test_links_keep_query_and_fragment_and_are_encoded_once(site: MakeSite) -> None:
    folder = site("").write("posts/a.md", post(body="[b](<b c%20d.md?x=1#top>)\n"))
    folder.write("posts/b c d.md", post("B"))
    folder.built()
    assert '<a href="/posts/b%20c%20d/?x=1#top">' in folder.page("/posts/a/")
    assert "https://test.example/posts/b%20c%20d/?x=1#top" in folder.page("/feed.xml")


def test_every_address_honours_the_path_of_base_url(site: MakeSite) -> None:
    folder = site("").write("posts/a.md", post(body="[b](b.md) ![c](c.png) [home](/)\n", aliases="[/old/]"))
    folder.write("posts/b.md", post("B")).write("posts/c.png", "picture")
    folder.replace("pyproject.toml", "test.example", "test.example/blog/")
    folder.built()
    page = folder.page("/posts/a/")
    for address in ("/blog/posts/b/", "/blog/posts/c.png", "/blog/"):
        assert f'"{address}"' in page
    for path, content in folder.output().items():
        if path.endswith((".html", ".xml", ".json")):
            text = content.decode()
            assert 'href="/posts' not in text
            assert "test.example/posts" not in text
            assert "/blog/blog" not in text
    assert 'url=/blog/posts/a/"' in folder.page("/old/")


def test_of_two_names_that_differ_in_their_date_the_first_goes_without_it(site: MakeSite) -> None:
    folder = site("").write("posts/news/2026-02-01-update.md", post("Second", "2026-02-01"))
    folder.write("posts/news/2026-01-01-update.md", post("First", "2026-01-01"))
    folder.write("posts/2026-03-01-other.md", post("Other", "2026-03-01", "[two](news/2026-02-01-update.md)\n"))
    folder.built()
    assert "First" in folder.page("/posts/news/update/")
    assert "Second" in folder.page("/posts/news/2026-02-01-update/")
    assert '<a href="/posts/news/2026-02-01-update/">two</a>' in folder.page("/posts/other/")
    folder.write("posts/news/2026-04-01-update.md", post("Third", "2026-04-01"))
    folder.built()
    assert "First" in folder.page("/posts/news/update/")
    assert "Third" in folder.page("/posts/news/2026-04-01-update/")


def test_a_feed_carries_whole_addresses_and_no_anchors_of_headings(site: MakeSite) -> None:
    folder = site("").write("posts/a.md", post(body="## One\n\n[up](#one) [b](b.md#two) [^1]\n\n[^1]: note\n"))
    folder.write("posts/b.md", post("B", body="## Two\n"))
    folder.built()
    content = json.loads(folder.page("/feed.json"))["items"][0]["content_html"]
    assert '<h2 id="one">One</h2>' in content
    assert 'href="https://test.example/posts/a/#one"' in content
    assert 'href="https://test.example/posts/b/#two"' in content
    assert 'href="#' not in content
    assert 'href="/' not in content


def test_files_of_the_root_keep_their_names_even_with_a_dot(site: MakeSite) -> None:
    folder = site("").write("posts/a.md", post()).write("assets/root/.well-known/security.txt", "mail")
    folder.write("assets/root/.nojekyll", "").write("assets/root/.DS_Store", "x").write("assets/.hidden", "x")
    folder.built()
    assert folder.page("/.well-known/security.txt") == "mail"
    assert ".nojekyll" in folder.output()
    assert not {".DS_Store", ".hidden", "assets/.hidden"} & set(folder.output())
