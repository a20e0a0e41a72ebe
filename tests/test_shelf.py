"""What a browser can ask a preview for."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from octavo.build_report import Options
from octavo.desk import Desk
from octavo.project import Project
from octavo.serve import Shelf
from octavo.shelf import shelf
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
def shelved(site: Site) -> Iterator[tuple[SiteFolder, Shelf]]:
    folder = site(SITE)
    cache = folder.root / ".octavo/preview"
    with Project(folder.root, Options(output=str(cache / "site"), cache=str(cache), jobs=1)) as project:
        desk = Desk(project)
        desk.look()
        assert desk.view is not None
        yield folder, shelf(desk.view, desk.statics, project)


def test_it_has_what_a_build_publishes_and_nothing_else(shelved: tuple[SiteFolder, Shelf]) -> None:
    folder, found = shelved
    folder.built()
    pages = {url.lstrip("/") + ("index.html" if url.endswith("/") else "") for url in found.pages}
    assert pages | set(found.files) == set(folder.output()) - {"_headers"}
    assert found.base_path == "/blog"


def test_files_are_read_when_they_are_asked_for(shelved: tuple[SiteFolder, Shelf]) -> None:
    folder, found = shelved
    assert found.files["posts/x.txt"].read() == b"beside\n"
    assert found.files["CNAME"].read() == b"test.example\n"
    folder.write("posts/x.txt", "another")
    assert found.files["posts/x.txt"].read() == b"another"
    folder.delete("posts/x.txt")
    with pytest.raises(OSError):
        found.files["posts/x.txt"].read()


def test_what_is_no_image_is_none(shelved: tuple[SiteFolder, Shelf]) -> None:
    _, found = shelved
    assert found.image("/assets/images/nothing.webp") is None
    assert found.image("/../secret") is None
