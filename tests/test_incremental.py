"""Edit, build, and say exactly which pages ran: nothing more, which would be waste, and nothing less, which would be
stale. The default theme is used, so this also holds its layouts to narrow questions."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable

import pytest

from octavo.project.build_report import Report
from tests.sites import BASE, SiteFolder, post

MakeSite = Callable[[str], SiteFolder]

FEEDS = {"/feed.xml", "/feed.json"}

LONG = "The opening paragraph says what this is about, in words enough to fill the excerpt of a card to its end. " * 4


def body(topic: str) -> str:
    return f"{LONG}\n\n## Details\n\nOf {topic} there is more to tell, such as {topic} itself and its {topic} parts.\n"


TOPICS = {"a": "index", "b": "index", "c": "schema", "d": "schema", "e": "cookie", "f": "cookie"}
TAGS = {"a": "db", "b": "db", "c": "db", "d": "model", "e": "web", "f": "web"}


@pytest.fixture
def six(site: MakeSite) -> SiteFolder:
    """Six posts, a month apart, a the oldest; feeds carry the two newest; built once."""
    folder = site("")
    folder.write("pyproject.toml", BASE + "paginate = 4\nlatest = 2\nrelated = 1\nfeed_length = 2\n")
    for month, (name, topic) in enumerate(TOPICS.items(), 1):
        text = post(f"Post {name.upper()}", f"2026-{month:02}-01", body(topic), tags=f"[{TAGS[name]}]")
        folder.write(f"posts/{name}.md", text)
    folder.built()
    return folder


def ran(report: Report) -> set[str]:
    assert not report.failed, report.problems
    return set(report.rendered)


def written(report: Report) -> set[str]:
    return set(report.written)


def url(name: str) -> str:
    return f"/posts/{name}/"


def test_nothing_changed_renders_and_writes_nothing(six: SiteFolder) -> None:
    before = {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in (six.root / "output").rglob("*")}
    report = six.built()
    assert (report.rendered, report.parsed, report.written, report.removed) == ((), (), (), ())
    assert {path: (path.stat().st_mtime_ns, path.stat().st_ino) for path in (six.root / "output").rglob("*")} == before


def test_touching_a_file_renders_nothing(six: SiteFolder) -> None:
    six.write("posts/a.md", (six.root / "posts/a.md").read_bytes())
    report = six.built()
    assert (report.rendered, report.parsed, report.written) == ((), (), ())


def test_a_body_edited_past_its_excerpt_renders_its_page(six: SiteFolder) -> None:
    # Stop words: the ranking does not see them.
    six.replace("posts/a.md", "there is more", "there was more")
    report = six.built()
    assert ran(report) == {url("a")}
    assert written(report) == {"posts/a/index.html"}
    assert report.parsed == ("posts/a.md",)


def test_a_body_in_the_feeds_renders_them_too(six: SiteFolder) -> None:
    six.replace("posts/f.md", "there is more", "there was more")
    assert ran(six.built()) == {url("f")} | FEEDS


def test_a_title_renders_the_pages_that_show_it(six: SiteFolder) -> None:
    # The word in the title is in no other post, so that nothing else is related to it than before.
    six.replace("posts/f.md", "Post F", "Post F!")
    report = six.built()
    assert written(report) == {path for path, content in six.output().items() if b"Post F" in content}
    assert url("a") in ran(report)  # among the latest
    assert "/page/2/" not in ran(report)
    assert "/tags/db/" not in ran(report)


def test_an_excerpt_renders_the_lists_that_show_it(six: SiteFolder) -> None:
    six.replace("posts/a.md", "paragraph says", "paragraph, says")
    report = six.built()
    assert url("a") in ran(report)
    assert "/page/2/" in ran(report)
    assert "/tags/db/" in ran(report)
    assert "/" not in ran(report)
    assert url("f") not in ran(report)
    assert not ran(report) & FEEDS


def test_a_new_post_renders_its_neighbours_and_the_lists(six: SiteFolder) -> None:
    six.write("posts/g.md", post("Post G", "2026-07-01", body("cookie"), tags="[web]"))
    report = six.built()
    assert {url("g"), url("f"), "/", "/page/2/", "/archive/", "/tags/", "/tags/web/", "/sitemap.xml"} <= ran(report)
    assert not ran(report) & {"/tags/db/", "/tags/model/", "/robots.txt"}
    assert report.parsed == ("posts/g.md",)


def test_a_deleted_post_leaves_nothing_behind(six: SiteFolder) -> None:
    six.delete("posts/d.md")
    report = six.built()
    assert "posts/d/index.html" in report.removed
    assert "tags/model/index.html" in report.removed
    assert not [path for path, content in six.output().items() if b"Post D" in content]


def test_a_tag_renders_the_old_tags_page_and_the_new(six: SiteFolder) -> None:
    six.replace("posts/a.md", "tags: [db]", "tags: [sql]")
    report = six.built()
    assert {url("a"), "/tags/db/", "/tags/sql/", "/tags/"} <= ran(report)
    assert not ran(report) & {"/tags/web/", "/", "/archive/", *FEEDS}


def test_a_slug_moves_the_page_and_renders_what_links_to_it(six: SiteFolder) -> None:
    six.replace("posts/e.md", "Of cookie", "See [it](a.md). Of cookie")
    six.built()
    six.replace("posts/a.md", "title:", "slug: moved\ntitle:")
    report = six.built()
    assert {"/posts/moved/", url("e"), "/page/2/", "/tags/db/"} <= ran(report)
    assert "posts/a/index.html" in report.removed
    assert '<a href="/posts/moved/">it</a>' in six.page("/posts/e/")


def test_a_layout_renders_what_uses_it(six: SiteFolder) -> None:
    theme = six.root / "layouts"
    assert not theme.exists()
    six.write("layouts/404.html", "lost")
    assert ran(six.built()) == {"/404.html"}
    six.write("layouts/404.html", "lost again")
    assert ran(six.built()) == {"/404.html"}
    six.delete("layouts/404.html")
    assert ran(six.built()) == {"/404.html"}


def test_a_layout_that_did_not_exist_is_a_dependency(six: SiteFolder) -> None:
    six.write("layouts/404.html", "{% include 'extra.html' ignore missing %}")
    six.built()
    six.write("layouts/extra.html", "here")
    assert ran(six.built()) == {"/404.html"}
    assert six.page("/404.html") == "here"


def test_an_import_three_deep_is_a_dependency_of_every_page(six: SiteFolder) -> None:
    six.write("layouts/tag.html", "{% import 'one.html' as one %}{{ one.say() }}")
    six.write("layouts/one.html", "{% import 'two.html' as two %}{% macro say() %}{{ two.say() }}{% endmacro %}")
    six.write("layouts/two.html", "{% import 'three.html' as three %}{% macro say() %}{{ three.say() }}{% endmacro %}")
    six.write("layouts/three.html", "{% macro say() %}before{% endmacro %}")
    six.built()
    six.replace("layouts/three.html", "before", "after")
    assert ran(six.built()) == {"/tags/db/", "/tags/model/", "/tags/web/"}
    assert {six.page(f"/tags/{tag}/") for tag in ("db", "model", "web")} == {"after"}


def test_a_setting_renders_what_shows_it(six: SiteFolder) -> None:
    six.write("layouts/404.html", "{{ site.description }}")
    six.write("layouts/tag.html", "{{ site.language }}")
    six.built()
    six.replace("pyproject.toml", "paginate", 'description = "New"\npaginate')
    report = six.built()
    assert "/404.html" in ran(report)
    assert not ran(report) & {"/tags/db/", "/robots.txt"}


def test_a_style_sheet_moves_and_the_pages_follow(six: SiteFolder) -> None:
    six.write("assets/extra.css", "a { color: red }")
    six.write("layouts/404.html", "{{ asset('extra.css') }}")
    six.built()
    first = six.page("/404.html")
    six.write("assets/extra.css", "a { color: blue }")
    report = six.built()
    assert ran(report) == {"/404.html"}
    assert first != six.page("/404.html")
    assert first.lstrip("/") in report.removed


def test_an_output_that_was_altered_is_made_again(six: SiteFolder) -> None:
    page = six.root / "output/posts/a/index.html"
    right = page.read_bytes()
    page.write_text("altered by hand")
    assert ran(six.built()) == {url("a")}
    assert page.read_bytes() == right
    page.unlink()
    assert ran(six.built()) == {url("a")}
    assert page.read_bytes() == right


def test_only_pages_whose_visible_list_changed_are_rendered(six: SiteFolder) -> None:
    before = six.output()
    six.replace("posts/c.md", "itself and its schema parts", "itself, index, and its schema parts")
    report = six.built()
    after = six.output()
    changed = {path for path in after if before.get(path) != after[path]}
    assert {"related.json"} | changed == changed
    assert set(report.written) == changed
    assert url("c") in ran(report)


def test_a_warning_of_the_first_build_is_a_warning_of_the_second(six: SiteFolder) -> None:
    six.replace("posts/a.md", "title:", "tilte: x\ntitle:")
    first = six.built().problems
    assert first
    assert six.built().problems == first
    six.replace("posts/b.md", "there is more", "there was more")
    assert six.built().problems == first


def test_a_failed_build_changes_nothing_and_loses_no_work(six: SiteFolder) -> None:
    before = six.output()
    six.replace("posts/a.md", "title: Post A", "title: Post A2\nslug: ../x")
    report = six.build()
    assert report.status == 1
    assert six.output() == before
    six.replace("posts/a.md", "\nslug: ../x", "")
    assert "Post A2" in (six.built(), six.page("/posts/a/"))[1]


def test_a_post_appears_when_its_time_comes(six: SiteFolder) -> None:
    six.write("posts/later.md", post("Later", "2030-01-01"))
    early, late = dt.datetime(2029, 12, 31, tzinfo=dt.UTC), dt.datetime(2030, 1, 1, tzinfo=dt.UTC)
    report = six.built(at=early)
    assert [(held.path, held.state) for held in report.held] == [("posts/later.md", "future")]
    assert not six.built(at=early).rendered
    assert "/posts/later/" in ran(six.built(at=late))
    assert "posts/later/index.html" in six.built(at=early).removed


def test_a_score_that_no_reader_sees_renders_the_index_and_no_article(six: SiteFolder) -> None:
    def score() -> str:
        return six.page("/related.json").split('"id":"posts/a.md"', 1)[1].split('"score":', 1)[1].split(",", 1)[0]

    before = score()
    six.replace("posts/d.md", "there is more", "there is an index and more")
    report = six.built()
    assert score() != before
    assert "/related.json" in ran(report) and url("a") not in ran(report)
