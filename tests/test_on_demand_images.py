"""Images that a preview asks for are those that a build publishes."""

from __future__ import annotations

from collections.abc import Callable

from octavo.preview.on_demand_images import make_image
from octavo.project.build_report import Options
from octavo.project.project import Project
from tests.sites import SiteFolder, post
from tests.test_steps import IMAGES, jpeg

MakeSite = Callable[[str], SiteFolder]


def test_each_image_of_a_build_can_be_had_before_it(site: MakeSite) -> None:
    folder = site("").write("posts/a.md", post(image="a.jpg", body="![x](a.jpg)\n")).write("posts/a.jpg", jpeg())
    folder.built(output="elsewhere", cache="other")
    made = {path: path for path in (folder.root / "elsewhere" / IMAGES).iterdir()}
    assert len(made) == 7
    with Project(folder.root, Options(jobs=1)) as project:
        corpus, gallery = project.learn(), project.cache.gallery()
        for path in made:
            assert make_image(f"/{IMAGES}{path.name}", corpus, gallery) == path.read_bytes()
        assert make_image(f"/{IMAGES}{path.name}", corpus, gallery) == path.read_bytes()
        assert len(list(gallery.folder.iterdir())) == len(made)


def test_what_is_no_image_of_the_site_is_not_made(site: MakeSite) -> None:
    folder = site("").write("posts/a.md", post(body="![x](a.jpg)\n")).write("posts/a.jpg", jpeg())
    folder.built()
    name = next(path for path in folder.output() if path.startswith(IMAGES))
    with Project(folder.root, Options(jobs=1)) as project:
        corpus, gallery = project.learn(), project.cache.gallery()
        for url in (f"/{name[:-12]}-77777.webp", f"/{IMAGES}", f"/{IMAGES}-480.webp", "/posts/a.jpg", "/"):
            assert make_image(url, corpus, gallery) is None


def test_a_preview_and_a_build_share_what_they_made(site: MakeSite) -> None:
    folder = site("")
    with (
        Project(folder.root, Options(jobs=1)) as build,
        Project(folder.root, Options(cache=".octavo/preview")) as other,
    ):
        assert build.cache.gallery() == other.cache.gallery()
    with Project(folder.root, Options(cache="elsewhere")) as apart:
        assert apart.cache.gallery() != build.cache.gallery()
