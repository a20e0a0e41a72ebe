"""Files that change under a watcher, and the builds that follow them."""

from __future__ import annotations

import errno
import logging
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import pytest
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver

from octavo.cli import rebuild
from octavo.project import watcher
from octavo.project.build_report import Options, Report
from octavo.project.errors import BUG, LOCKED, Failure
from octavo.project.lock import hold_lock
from octavo.project.project import Project
from octavo.project.watcher import Changes
from tests.sites import SiteFolder, places, post

Site = Callable[[str], SiteFolder]

SOON = 20.0
"""Seconds: a time-out with a wide margin, not a measurement."""

MEANWHILE = 0.4
"""Seconds in which nothing must happen."""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path.resolve() / "site"
    (folder / "posts").mkdir(parents=True)
    (folder / "posts/a.md").write_text("a")
    (folder / "pyproject.toml").write_text("")
    return folder


@contextmanager
def watching(root: Path, *names: str, say: Callable[[str], None] = print) -> Iterator[Changes]:
    """Changes of these names; those of writing the files before have passed."""
    with Changes(lambda: [root / name for name in names or ("posts", "layouts", "pyproject.toml")], say) as changes:
        while changes.wait_more(0.1):
            pass
        yield changes


# Changes.


def test_a_burst_of_events_is_one_change(root: Path) -> None:
    with watching(root) as changes:
        for number in range(50):
            (root / f"posts/p{number}.md").write_text("text")
        assert changes.wait_more(SOON)
        bursts = 1
        while changes.wait_more(MEANWHILE):
            bursts += 1
        assert bursts < 5  # on a busy machine events may come late


def test_a_burst_that_does_not_end_is_not_waited_for(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = threading.Event()

    def save() -> None:
        while not ended.wait(0.01):
            (root / "posts/a.md").write_text("text")

    with watching(root) as changes:
        monkeypatch.setattr(watcher, "QUIET_SECONDS", SOON)
        saving = threading.Thread(target=save)
        giving_up = threading.Timer(SOON, ended.set)
        saving.start()
        giving_up.start()
        try:
            assert changes.wait_more(SOON)
            assert not ended.is_set()
        finally:
            giving_up.cancel()
            ended.set()
            saving.join()


def test_reading_is_no_change(root: Path) -> None:
    with watching(root) as changes:
        (root / "posts/a.md").read_text()
        list((root / "posts").iterdir())
        assert not changes.wait_more(MEANWHILE)


def _renamed_over(root: Path) -> None:
    (root / "posts/.a.md.new").write_text("new")
    (root / "posts/.a.md.new").replace(root / "posts/a.md")


def _folder_with_files(root: Path) -> None:
    (root / "aside/deep").mkdir(parents=True)
    (root / "aside/deep/b.md").write_text("b")
    (root / "aside").rename(root / "posts/aside")


@pytest.mark.parametrize(
    "change",
    [
        lambda root: (root / "posts/a.md").write_text("new"),
        lambda root: (root / "posts/a.md").unlink(),
        lambda root: (root / "posts/a.md").rename(root / "posts/b.md"),
        lambda root: os.utime(root / "posts/a.md", (1, 1)),
        lambda root: (root / "posts/new").mkdir(),
        _renamed_over,
        _folder_with_files,
        lambda root: (root / "pyproject.toml").write_text("new"),
        lambda root: (root / "pyproject.toml").unlink(),
        lambda root: (root / "layouts").mkdir(),
    ],
    ids=(
        "written deleted renamed touched folder renamed-over folder-with-files settings settings-deleted layouts"
    ).split(),
)
def test_a_change_is_seen(change: Callable[[Path], Any], root: Path) -> None:
    with watching(root) as changes:
        change(root)
        assert changes.wait_more(SOON)


def test_the_neighbours_of_a_file_do_not_count(root: Path) -> None:
    with watching(root) as changes:
        (root / "notes.txt").write_text("not of the site")
        (root / "output").mkdir()
        (root / "output/pyproject.toml").write_text("not of the site either")
        assert not changes.wait_more(MEANWHILE)


def test_files_of_a_new_folder_are_watched(root: Path) -> None:
    with watching(root) as changes:
        (root / "posts/new/deep").mkdir(parents=True)
        (root / "posts/new/deep/b.md").write_text("b")
        assert changes.wait_more(SOON)
        (root / "posts/new/deep/b.md").write_text("c")
        assert changes.wait_more(SOON)


@pytest.mark.parametrize("at_once", [False, True], ids=["after a while", "at once"])
def test_a_folder_that_comes_back_is_watched_again(at_once: bool, root: Path) -> None:
    with watching(root) as changes:
        shutil.copytree(root / "posts", root / "kept")
        shutil.rmtree(root / "posts")
        if not at_once:
            assert changes.wait_more(SOON)
        (root / "kept").rename(root / "posts")
        assert changes.wait_more(SOON)
        while changes.wait_more(0.1):
            pass
        (root / "posts/a.md").write_text("after all")
        assert changes.wait_more(SOON)


def test_what_is_to_be_watched_may_change(root: Path) -> None:
    names = ["posts"]
    with Changes(lambda: [root / name for name in names], print) as changes:
        names.append("build.py")
        (root / "posts/a.md").write_text("new")
        assert changes.wait_more(SOON)
        while changes.wait_more(0.1):
            pass
        (root / "build.py").write_text("new")
        assert changes.wait_more(SOON)
        names.append("helper.py")
        (root / "build.py").write_text("import helper")
        assert changes.wait_more(SOON)
        while changes.wait_more(0.1):
            pass
        (root / "helper.py").write_text("new")
        assert changes.wait_more(SOON)


def test_a_folder_may_be_a_link_to_another(root: Path) -> None:
    (root / "texts").mkdir()
    (root / "layouts").symlink_to("texts")
    with watching(root, "layouts") as changes:
        (root / "texts/post.html").write_text("new")
        assert changes.wait_more(SOON)


def test_f13_the_output_is_not_watched_through_a_link(root: Path) -> None:
    (root / "output").mkdir()
    (root / "posts/made").symlink_to("../output")
    with watching(root) as changes:
        (root / "output/index.html").write_text("made")
        assert not changes.wait_more(MEANWHILE)


def test_without_an_event_it_is_looked_now_and_then(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with watching(root) as changes:
        monkeypatch.setattr(watcher, "RESCAN_SECONDS", 0.05)
        assert changes.wait()


def test_waiting_can_be_ended_from_another_thread(root: Path) -> None:
    with watching(root) as changes:
        threading.Timer(0.1, changes.stop).start()
        assert not changes.wait()


def test_f10_where_the_system_gives_no_more_watches_files_are_looked_at_instead(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> NoReturn:
        raise OSError(errno.ENOSPC, "inotify watch limit reached")

    monkeypatch.setattr(Observer, "schedule", refuse)
    monkeypatch.setattr(watcher, "POLL_SECONDS", 0.1)
    said: list[str] = []
    with Changes(lambda: [root / "posts", root / "layouts"], said.append) as changes:
        assert len(said) == 1
        assert "inotify watch limit reached" in said[0]
        (root / "posts/a.md").write_text("new and longer")
        assert changes.wait_more(SOON)
        (root / "layouts").mkdir()
        assert changes.wait_more(SOON)
    assert len(said) == 1


def test_f10_events_that_the_system_has_dropped_are_a_change(root: Path) -> None:
    with watching(root) as changes:
        logging.getLogger("watchdog.observers.inotify_c").warning("Inotify queue overflowed; events were lost")
        assert changes.wait_more(SOON)
    assert not logging.getLogger("watchdog").handlers


def test_a_folder_that_goes_while_it_is_to_be_watched_is_no_lack_of_watches(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedule: Any = vars(BaseObserver)["schedule"]

    def gone(observer: Any, handler: Any, path: str, **options: Any) -> Any:
        if path.endswith("posts"):
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", path)
        return schedule(observer, handler, path, **options)

    said: list[str] = []
    with monkeypatch.context() as patch:
        patch.setattr(Observer, "schedule", gone)
        changes = Changes(lambda: [root / "posts"], said.append)
        changes.__enter__()
    with changes:
        assert said == []
        (root / "posts").rename(root / "away")
        assert changes.wait_more(SOON)
        (root / "away").rename(root / "posts")
        assert changes.wait_more(SOON)
        (root / "posts/a.md").write_text("new")
        assert changes.wait_more(SOON)


# Builds.


@contextmanager
def rebuilding(folder: SiteFolder) -> Iterator[tuple[Project, Changes, Iterator[Report | Failure]]]:
    """A site that has been built, and the outcomes of what follows; they end when nothing comes for too long."""
    with (
        pytest.MonkeyPatch.context() as patch,
        Project(folder.root, Options(jobs=1, wait=0)) as project,
        Changes(project.watched_paths, print) as changes,
    ):
        patch.setattr(watcher, "RESCAN_SECONDS", 3600)
        giving_up = threading.Timer(2 * SOON, changes.stop)
        giving_up.start()
        outcomes = rebuild.rebuild_on_change(project, changes)
        good(next(outcomes))
        yield project, changes, outcomes
        giving_up.cancel()


def good(outcome: Report | Failure) -> Report:
    assert isinstance(outcome, Report)
    assert not outcome.failed, outcome.problems
    return outcome


ONE = f"-- posts/a.md --\n{post('A')}"

SCRIPT = "from octavo import Site\nsite = Site(__file__)\n"


def test_a_save_is_built(site: Site) -> None:
    folder = site(ONE)
    with rebuilding(folder) as (_, _, outcomes):
        folder.replace("posts/a.md", "Words.", "Other words.")
        assert "/posts/a/" in good(next(outcomes)).rendered
        assert "Other words." in folder.page("/posts/a/")


def test_f11_a_touch_builds_nothing(site: Site) -> None:
    folder = site(ONE)
    with rebuilding(folder) as (_, _, outcomes):
        os.utime(folder.root / "posts/a.md")
        report = good(next(outcomes))
        assert (report.rendered, report.written, report.removed) == ((), (), ())


def test_f13_a_build_does_not_bring_about_another(site: Site) -> None:
    folder = site(ONE)
    with rebuilding(folder) as (project, changes, outcomes):
        folder.write("helper.py", "").write("build.py", f"import helper\n{SCRIPT}")
        good(next(outcomes))
        while changes.wait_more(MEANWHILE):
            pass
        shutil.rmtree(folder.root / "output")
        assert project.build().written
        assert not changes.wait_more(MEANWHILE)


def test_an_error_is_told_and_passes_with_its_cause(site: Site) -> None:
    folder = site(ONE)
    with rebuilding(folder) as (_, _, outcomes):
        folder.replace("posts/a.md", "date: 2026-01-01", "date: yesterday")
        outcome = next(outcomes)
        assert isinstance(outcome, Report)
        assert places(outcome.problems) == ["posts/a.md:3:7: date"]
        folder.replace("posts/a.md", "date: yesterday", "date: 2026-01-02")
        assert "/posts/a/" in good(next(outcomes)).rendered


@pytest.mark.parametrize("path", ["layouts/post.html", "pyproject.toml", "build.py"])
def test_f08_an_error_in_any_file_passes_with_its_cause(path: str, site: Site) -> None:
    folder = site(ONE).write("layouts/keep.txt", "").write("build.py", SCRIPT)
    before = (folder.root / path).read_bytes() if (folder.root / path).exists() else None
    with rebuilding(folder) as (_, _, outcomes):
        folder.write(path, "{% if [ %}")
        outcome = next(outcomes)
        assert isinstance(outcome, Report)
        assert outcome.failed
        if before is None:
            folder.delete(path)
        else:
            folder.write(path, before)
        good(next(outcomes))


def test_f03_a_file_that_is_half_written_is_not_complained_of(site: Site) -> None:
    folder = site(ONE)
    text = (folder.root / "posts/a.md").read_text().replace("Words.", "Other words.")
    with rebuilding(folder) as (_, _, outcomes):
        folder.write("posts/a.md", "")
        filling = threading.Timer(0.4, folder.write, ("posts/a.md", text))
        filling.start()
        good(next(outcomes))
        filling.join()
        assert "Other words." in folder.page("/posts/a/")


def test_an_error_is_told_though_saving_goes_on(site: Site) -> None:
    folder = site(ONE)
    ended = threading.Event()

    def save() -> None:
        while not ended.wait(0.02):
            folder.write("posts/b.md", "no front matter")

    with rebuilding(folder) as (_, _, outcomes):
        saving = threading.Thread(target=save)
        saving.start()
        try:
            outcome = next(outcomes)
        finally:
            ended.set()
            saving.join()
        assert isinstance(outcome, Report)
        assert outcome.failed


def test_f07_while_the_posts_are_away_the_site_stays(site: Site) -> None:
    folder = site(ONE)
    with rebuilding(folder) as (_, _, outcomes):
        before = folder.output()
        (folder.root / "posts").rename(folder.root / "away")
        outcome = next(outcomes)
        assert isinstance(outcome, Failure)
        assert "posts/ is gone" in outcome.words
        assert folder.output() == before
        (folder.root / "away").rename(folder.root / "posts")
        assert good(next(outcomes)).written == ()
        folder.replace("posts/a.md", "Words.", "Other words.")
        assert good(next(outcomes)).rendered


def test_f09_a_change_during_a_build_is_picked_up(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = site(ONE)
    with rebuilding(folder) as (_, _, outcomes):
        build = Project.build

        def changed_at_the_end(self: Project) -> Report:
            report = build(self)
            monkeypatch.setattr(Project, "build", build)
            folder.replace("posts/a.md", "Other words.", "Last words.")
            return report

        monkeypatch.setattr(Project, "build", changed_at_the_end)
        folder.replace("posts/a.md", "Words.", "Other words.")
        good(next(outcomes))
        assert "/posts/a/" in good(next(outcomes)).rendered
        assert "Last words." in folder.page("/posts/a/")


def test_f14_another_build_at_work_does_not_end_the_series(site: Site) -> None:
    folder = site(ONE)
    with rebuilding(folder) as (project, _, outcomes):
        with hold_lock(project.cache.folder, 0):
            folder.replace("posts/a.md", "Words.", "Other words.")
            outcome = next(outcomes)
        assert isinstance(outcome, Failure)
        assert outcome.status == LOCKED
        folder.replace("posts/a.md", "Other words.", "Last words.")
        assert good(next(outcomes)).rendered


def test_a_bug_does_not_end_the_series(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = site(ONE)

    def fail(project: Project) -> NoReturn:
        raise KeyError("odd")

    with rebuilding(folder) as (_, _, outcomes):
        with monkeypatch.context() as patch:
            patch.setattr(Project, "build", fail)
            folder.replace("posts/a.md", "Words.", "Other words.")
            outcome = next(outcomes)
        assert isinstance(outcome, Failure)
        assert outcome.status == BUG
        assert "KeyError" in (folder.root / ".octavo/crash.log").read_text()
        folder.replace("posts/a.md", "Other words.", "Last words.")
        assert good(next(outcomes)).rendered


def test_a_build_py_that_is_new_is_noticed(site: Site) -> None:
    folder = site(ONE)
    with rebuilding(folder) as (_, _, outcomes):
        folder.write("build.py", f"{SCRIPT}1 / 0\n")
        outcome = next(outcomes)
        assert isinstance(outcome, Report)
        assert places(outcome.problems) == ["build.py:3:1: build.py"]
