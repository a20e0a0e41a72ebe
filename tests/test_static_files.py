"""What a browser is served of the site."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from octavo.preview.session import PreviewSession
from octavo.preview.static_files import ServedSite, make_served_site
from octavo.project.build_report import Options
from octavo.project.project import Project
from tests.sites import BASE, SiteFolder, post

Site = Callable[[str], SiteFolder]

SITE = f"""\
-- pyproject.toml --
{BASE.replace("test.example", "test.example/blog")}-- posts/a.md --
{post("A", body="[x](x.txt)")}
-- posts/x.txt --
beside
-- posts/unused.txt --
unused
-- assets/site.css --
p {{ color: red }}
-- assets/root/CNAME --
test.example
"""


@pytest.fixture
def served(site: Site) -> Iterator[tuple[SiteFolder, ServedSite]]:
    folder = site(SITE)
    cache = folder.root / ".octavo/preview"
    with Project(folder.root, Options(output=str(cache / "site"), cache=str(cache), jobs=1)) as project:
        session = PreviewSession(project)
        session.refresh()
        assert session.snapshot is not None
        yield folder, make_served_site(session.snapshot, session.statics, project)


def test_it_has_what_a_build_publishes_and_nothing_else(served: tuple[SiteFolder, ServedSite]) -> None:
    folder, now = served
    folder.built()
    pages = {url.lstrip("/") + ("index.html" if url.endswith("/") else "") for url in now.pages}
    assert pages | set(now.files) == set(folder.output()) - {"_headers"}
    assert now.base_path == "/blog"


def test_files_are_read_when_they_are_asked_for(served: tuple[SiteFolder, ServedSite]) -> None:
    folder, now = served
    assert now.files["posts/x.txt"].read() == b"beside\n"
    assert now.files["CNAME"].read() == b"test.example\n"
    folder.write("posts/x.txt", "another")
    assert now.files["posts/x.txt"].read() == b"another"
    folder.delete("posts/x.txt")
    with pytest.raises(OSError):
        now.files["posts/x.txt"].read()


def test_what_is_no_image_is_none(served: tuple[SiteFolder, ServedSite]) -> None:
    _, now = served
    assert now.image("/assets/images/nothing.webp") is None
    assert now.image("/../secret") is None
