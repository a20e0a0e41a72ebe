"""The site at one moment, as a whole."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from octavo.preview.session import PreviewSession
from octavo.preview.snapshot import Snapshot
from octavo.project.build_report import Options
from octavo.project.project import Project
from tests.sites import SiteFolder, post

Site = Callable[[str], SiteFolder]

NOW = dt.datetime(2026, 6, 1, tzinfo=dt.UTC)

SITE = f"""\
-- posts/a.md --
{post("A")}-- posts/draft.md --
{post("A draft", draft="true")}-- posts/later.md --
{post("Later", "2999-01-01")}-- posts/about.md --
---
title: About
layout: page
---
Words.
-- layouts/post.html --
{{% extends "base.html" %}}
-- assets/site.css --
p {{ }}
"""


@contextmanager
def viewed(folder: SiteFolder) -> Iterator[Snapshot]:
    cache = folder.root / ".octavo/preview"
    options = Options(output=str(cache / "site"), cache=str(cache), drafts=True, future=True, jobs=1)
    with Project(folder.root, options) as project:
        session = PreviewSession(project)
        session.refresh()
        assert session.snapshot is not None
        yield session.snapshot


def test_a_page_has_a_source_and_a_source_an_address(site: Site) -> None:
    with viewed(site(SITE)) as snapshot:
        assert snapshot.source_of("/posts/a/") == "posts/a.md"
        assert snapshot.source_of("/about/") == "posts/about.md"
        assert snapshot.source_of("/") is None
        assert snapshot.source_of("/nothing/") is None
        assert snapshot.address_of("posts/a.md") == "/posts/a/"
        assert snapshot.address_of("posts/nothing.md") is None


def test_what_a_build_would_leave_out_is_known_by_its_address(site: Site) -> None:
    with viewed(site(SITE)) as snapshot:
        assert snapshot.unpublished_at(NOW) == {"/posts/draft/": "draft", "/posts/later/": "future"}
        assert snapshot.unpublished_at(NOW.replace(year=3000)) == {"/posts/draft/": "draft"}


def test_files_of_the_site_are_found_and_no_others(site: Site) -> None:
    folder = site(SITE).write("build.py", "").write("secret.txt", "x")
    with viewed(folder) as snapshot:
        root = folder.root.resolve()
        for path in ("posts/a.md", "layouts/post.html", "assets/site.css", "pyproject.toml", "build.py"):
            assert snapshot.location_of(path, root) == root / path
        for path in ("secret.txt", "../secret.txt", "/etc/passwd", "posts/../secret.txt", ""):
            assert snapshot.location_of(path, root) is None
