"""Related posts, worked out in another process and taken over."""

from __future__ import annotations

import queue
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor
from typing import Any

import pytest

from octavo.output.publish_errors import PublishError
from octavo.preview import refresher
from octavo.preview.refresher import Overtaken, RelatedProcess, relate_into_cache
from octavo.preview.session import PreviewSession, RenderedPage
from octavo.preview.snapshot import Snapshot
from octavo.project.build_report import Options
from octavo.project.project import Project
from octavo.project.stat_cache import FileChanged
from tests.sites import SiteFolder, post

Site = Callable[[str], SiteFolder]


@pytest.fixture
def session(site: Site) -> Iterator[PreviewSession]:
    folder = site("")
    for name in "abcd":
        folder.write(f"posts/{name}.md", post(name.upper(), body=f"Words of {name}, and brontosaurus.\n"))
    cache = folder.root / ".octavo/preview"
    with Project(folder.root, Options(output=str(cache / "site"), cache=str(cache), jobs=1)) as project:
        session = PreviewSession(project)
        session.refresh(with_related=False)
        session.refresh(with_related=True)
        yield session


def related_apart(session: PreviewSession) -> object:
    """Follow what another process has worked out; gives the memo that is used from then on."""
    session.refresh(
        with_related=False, related_run=relate_into_cache(str(session.project.root), session.project.options)
    )
    return session._memo


def test_what_another_process_has_written_is_taken_over(session: PreviewSession) -> None:
    folder = SiteFolder(session.project.root)
    memo = session._memo
    for number in range(2):
        folder.write("posts/b.md", post("B", body=f"Quagga {number} and quagga.\n"))
        folder.write("posts/a.md", post("A", body="Quagga, quagga.\n"))
        assert related_apart(session) is memo
        assert session.snapshot is not None
        assert session.snapshot.has_related
        page = session.render_page("/posts/a/")
        assert page is not None
        folder.built(output="built", cache="cache", fresh=True)
        assert page.content == (folder.root / "built/posts/a/index.html").read_bytes()


def test_all_that_comes_of_new_lists_is_worked_out_there_as_well(
    session: PreviewSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []
    monkeypatch.setattr(session.project.observer, "ran", lambda phase, item, seconds: ran.append(item))
    folder = SiteFolder(session.project.root)
    folder.write("posts/e.md", post("E", body="[A](a.md), quagga.\n"))
    folder.write("layouts/post.html", "{% extends 'base.html' %}{% block main %}new{% endblock %}")
    related_apart(session)
    assert ran == []
    folder.write("posts/e.md", post("E", body="[B](b.md), quagga.\n"))
    session.refresh(with_related=False)
    assert set(ran) == {"posts/e.md"}


def test_where_somebody_else_has_written_as_well_all_is_read_anew(session: PreviewSession) -> None:
    memo = session._memo
    with Project(session.project.root, session.project.options) as other:
        SiteFolder(session.project.root).write("posts/b.md", post("B", body="Quagga.\n"))
        PreviewSession(other).refresh(with_related=True)
        SiteFolder(session.project.root).write("posts/b.md", post("B", body="Quagga and quagga.\n"))
    assert related_apart(session) is not memo
    assert session.snapshot is not None
    assert session.snapshot.has_related


def test_what_was_worked_out_for_other_files_counts_for_nothing(session: PreviewSession) -> None:
    folder = SiteFolder(session.project.root)
    folder.write("posts/b.md", post("B", body="Quagga.\n"))
    elsewhere = relate_into_cache(str(session.project.root), session.project.options)
    folder.write("posts/b.md", post("B", body="Quagga and quagga.\n"))
    session.refresh(with_related=False, related_run=elsewhere)
    assert session.snapshot is not None
    assert not session.snapshot.has_related


def test_a_post_that_is_broken_meanwhile_is_an_error_like_any_other(session: PreviewSession) -> None:
    SiteFolder(session.project.root).write("posts/b.md", "---\ntitle: B\ndate: yesterday\n---\n")
    looks: tuple[Callable[[], object], ...] = (
        lambda: related_apart(session),
        lambda: session.refresh(with_related=True),
        lambda: session.refresh(with_related=True),
    )
    for look in looks:
        look()
        assert [problem.where() for problem in session.collect_problems().ordered()] == ["posts/b.md:3:7"]


def test_what_is_undone_meanwhile_is_as_it_was(session: PreviewSession) -> None:
    folder = SiteFolder(session.project.root)
    before = (folder.root / "posts/b.md").read_text("utf-8")
    folder.write("posts/b.md", post("B", body="Quagga.\n"))
    elsewhere = relate_into_cache(str(session.project.root), session.project.options)
    folder.write("posts/b.md", before)
    session.refresh(with_related=False, related_run=elsewhere)
    page = session.render_page("/posts/b/")
    assert page is not None
    assert b"Words of b" in page.content
    assert b"Quagga" not in page.content


def test_a_process_that_dies_is_told_of_and_one_that_is_stopped_is_not(session: PreviewSession) -> None:
    outcomes: queue.SimpleQueue[object] = queue.SimpleQueue()
    relating = RelatedProcess(session.project, outcomes.put)
    try:
        for end in ("stop", "die"):
            relating.start()
            pool = relating._workers.pool()
            assert pool is not None
            processes = list(pool._processes.values())
            if end == "stop":
                relating.stop()
            for process in processes:
                process.kill()
        assert isinstance(outcomes.get(timeout=30), BrokenExecutor)
        assert outcomes.empty()
    finally:
        relating.stop()


def test_pages_are_rendered_while_a_cache_that_another_process_wrote_is_read_anew(
    session: PreviewSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = SiteFolder(session.project.root)
    before = session.project.cache.store
    pages: list[RenderedPage | None] = []
    snapshot = session._make_snapshot

    def viewed(*arguments: Any, **named: Any) -> Snapshot | None:
        before.connection.execute("SELECT 1")  # what a page asks may have to be read
        pages.append(session.render_page("/posts/a/"))
        return snapshot(*arguments, **named)

    monkeypatch.setattr(session, "_make_snapshot", viewed)
    folder.write("posts/b.md", post("B", body="Quagga and quagga.\n"))
    relate_into_cache(str(session.project.root), session.project.options)
    folder.write("posts/a.md", post("A", body="Saved meanwhile.\n"))
    assert session.apply_changes([folder.root / "posts/a.md"]).done
    session.refresh(with_related=False)
    assert [page is not None and b"Saved meanwhile." in page.content for page in pages] == [True]
    assert session.project.cache.store is not before
    with pytest.raises(sqlite3.ProgrammingError):
        before.connection.execute("SELECT 1")


def test_files_saved_meanwhile_have_a_name_that_survives_the_way_between_processes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def unsteady(root: str, options: Options) -> None:
        raise PublishError("the file keeps changing while it is read", "posts/a.md") from cause

    monkeypatch.setattr(refresher, "relate_into_cache", unsteady)
    monkeypatch.setattr(refresher, "NICENESS", 0)
    cause: Exception = FileChanged("posts/a.md")
    with pytest.raises(Overtaken) as raised:
        refresher._run_nicely("", Options())
    assert refresher.is_overtaken(raised.value)
    cause = ValueError("another reason")
    with pytest.raises(PublishError) as other:
        refresher._run_nicely("", Options())
    assert not refresher.is_overtaken(other.value)
