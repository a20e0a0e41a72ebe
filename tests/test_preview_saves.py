"""Saves as real editors and tools make them: what is served ends as a clean build of the same files, no error is shown
that is not one, and what they leave lying about is never shown."""

from __future__ import annotations

import gc
import os
import random
import shutil
import signal
import subprocess
import threading
import time
import weakref
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest

from octavo.engine.facts import Unanswered
from octavo.output.publish_errors import PublishError
from octavo.preview import timers
from octavo.preview.app import GarbageCollector
from octavo.preview.overlay import Touched
from octavo.preview.refresher import Overtaken
from octavo.preview.session import PreviewSession, RelatedRun, RenderedPage
from octavo.preview.snapshot import Snapshot
from octavo.project.stat_cache import FileChanged
from tests.previewing import Tab, previewing, without_marks
from tests.sites import SiteFolder, post
from tests.test_app import SITE, Command
from tests.test_server import SOON, get

Site = Callable[[str], SiteFolder]
Save = Callable[[Path, str], None]


def in_place(file: Path, text: str) -> None:
    """VS Code, nano, Notepad: the file is emptied and written."""
    file.write_text(text)


def vim(file: Path, text: str) -> None:
    """vim with backup, swap and undo files."""
    folder, name = file.parent, file.name
    (folder / f".{name}.swp").write_bytes(b"b0VIM")
    (folder / "4913").write_text("")
    (folder / "4913").unlink()
    file.rename(folder / f"{name}~")
    file.write_text(text)
    (folder / f".{name}.un~").write_bytes(b"undo")
    (folder / f"{name}~").unlink()
    (folder / f".{name}.swp").unlink()


def renamed_over(file: Path, text: str) -> None:
    """Sublime Text, many others: a new file takes the place of the old."""
    passing = file.with_name(f".{file.name}.tmp")
    passing.write_text(text)
    passing.replace(file)


def jetbrains(file: Path, text: str) -> None:
    """PyCharm and its like with safe writes."""
    new, old = (file.with_name(f"{file.name}___jb_{kind}___") for kind in ("tmp", "old"))
    new.write_text(text)
    file.rename(old)
    new.rename(file)
    old.unlink()


def gedit(file: Path, text: str) -> None:
    passing = file.with_name(".goutputstream-ABC123")
    passing.write_text(text)
    shutil.copy(file, file.with_name(f"{file.name}~"))
    passing.replace(file)


def kate(file: Path, text: str) -> None:
    passing = file.with_name(f"{file.name}.XyZ123")
    passing.write_text(text)
    passing.replace(file)


def sed(file: Path, text: str) -> None:
    passing = file.with_name("sedA1b2C3")
    passing.write_text(text)
    passing.replace(file)


def emacs(file: Path, text: str) -> None:
    """A lock that is a link to nowhere, an autosaved file, a backup."""
    lock, autosaved = file.with_name(f".#{file.name}"), file.with_name(f"#{file.name}#")
    lock.symlink_to("author@machine.1234:5678")
    autosaved.write_text("half of it")
    time.sleep(0.1)
    shutil.copy(file, file.with_name(f"{file.name}~"))
    file.write_text(text)
    autosaved.unlink()
    lock.unlink()


def syncing(file: Path, text: str) -> None:
    """Dropbox, iCloud Drive."""
    for name in (f".{file.name}.icloud", f"~{file.name}.tmp"):
        file.with_name(name).write_text("part")
    passing = file.with_name(f"~{file.name}.tmp")
    passing.write_text(text)
    passing.replace(file)
    file.with_name(f".{file.name}.icloud").unlink()


def slowly(file: Path, text: str) -> None:
    """Emptied, and filled a good while later."""
    file.write_text("")
    time.sleep(0.4)
    file.write_text(text)


def in_pieces(file: Path, text: str) -> None:
    with file.open("w") as opened:
        for number in range(10):
            opened.write(text[number * len(text) // 10 : (number + 1) * len(text) // 10])
            opened.flush()
            time.sleep(0.05)


def deleted_first(file: Path, text: str) -> None:
    file.unlink()
    time.sleep(0.2)
    file.write_text(text)


SAVES = {
    "f01 vim": vim,
    "f02 in place": in_place,
    "f02 renamed over": renamed_over,
    "f02 jetbrains": jetbrains,
    "f02 gedit": gedit,
    "f02 kate": kate,
    "f02 sed": sed,
    "f02 syncing": syncing,
    "f03 slowly": slowly,
    "f03 in pieces": in_pieces,
    "f03 deleted first": deleted_first,
    "f04 emacs": emacs,
}


@pytest.mark.parametrize("save", SAVES.values(), ids=SAVES)
def test_a_save_is_shown_as_it_is_and_nothing_else(save: Save, site: Site) -> None:
    folder = site(SITE)
    file = folder.root / "posts/a.md"
    with previewing(folder) as preview, preview.tab("/posts/a/") as tab:
        for number in range(2):
            save(file, post("A", body=f"Save {number}, with a good many words.\n"))
            tab.shows(f"Save {number}, with")
        tab.quiet(0.8)
        kinds = {message["kind"] for message in tab.heard}
        assert kinds <= {"page", "state", "problems"}
        assert not any(message.get("problems") for message in tab.heard)
        preview.equals_a_build()


def test_f01_f04_what_editors_keep_beside_a_post_is_not_published(site: Site) -> None:
    folder = site(SITE).write("posts/c/index.md", post("C", body="Old words.\n"))
    kept = (".index.md.swp", "index.md~", ".index.md.un~", "#index.md#")
    with previewing(folder) as preview, preview.tab("/posts/c/") as tab:
        for name in kept:
            folder.write(f"posts/c/{name}", "what an editor keeps")
        (folder.root / "posts/c/.#index.md").symlink_to("author@machine.1234:5678")
        folder.replace("posts/c/index.md", "Old words.", "New words.")
        tab.shows("New words.")
        for name in (*kept, ".#index.md"):
            assert preview.get(f"/posts/c/{quote(name)}").status == 404
        assert not any(message.get("problems") for message in tab.heard)
        preview.equals_a_build()


def test_f08_an_error_is_told_though_saving_goes_on(site: Site) -> None:
    folder = site(SITE)
    ended = threading.Event()

    def save() -> None:
        number = 0
        while not ended.wait(0.1):
            number += 1
            folder.write("posts/b.md", post("B", body=f"Save {number}.\n"))

    with previewing(folder) as preview, preview.tab("/posts/a/") as tab:
        folder.replace("posts/a.md", "date: 2026-01-01", "date: yesterday")
        saving = threading.Thread(target=save)
        saving.start()
        try:
            tab.until(lambda tab: bool(tab.problems))
        finally:
            ended.set()
            saving.join()


def test_f11_a_touch_tells_nobody_anything(site: Site) -> None:
    folder = site(SITE)
    with previewing(folder) as preview, preview.tab("/posts/a/") as tab:
        tab.quiet(1.2)
        snapshot = preview.app._session.snapshot
        os.utime(folder.root / "posts/a.md")
        assert tab.quiet(1.0) == []
        assert preview.app._session.snapshot is snapshot


def test_f05_many_saves_a_second_end_with_the_last(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = site(SITE)
    looks: list[float] = []
    see = PreviewSession.compute_snapshot

    def counted(
        session: PreviewSession, with_related: bool = True, related_run: RelatedRun | None = None
    ) -> Snapshot | None:
        looks.append(time.monotonic())
        return see(session, with_related, related_run)

    monkeypatch.setattr(PreviewSession, PreviewSession.compute_snapshot.__name__, counted)
    with previewing(folder) as preview, preview.tab("/posts/a/") as tab:
        looks.clear()
        for number in range(200):
            folder.write("posts/a.md", post("A", body=f"Save {number}.\n"))
            time.sleep(0.05)
        tab.shows("Save 199.")
        assert len(looks) <= 40  # four a second, as long as that goes on
        preview.equals_a_build()


def git(folder: SiteFolder, *arguments: str) -> None:
    names = ("-c", "user.name=A", "-c", "user.email=a@b.example", "-c", "commit.gpgsign=false")
    environment = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    subprocess.run(["git", *names, *arguments], cwd=folder.root, check=True, capture_output=True, env=environment)


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_f06_another_branch_is_followed(site: Site) -> None:
    folder = site("")
    for number in range(150):
        folder.write(f"posts/p{number}.md", post(f"Post {number}", body=f"Old {number}.\n"))
    folder.write(".gitignore", ".octavo\noutput\n")
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "old")
    git(folder, "checkout", "-qb", "new")
    for number in range(100):
        folder.write(f"posts/p{number}.md", post(f"Other {number}", body=f"New {number}.\n"))
    for number in range(100, 130):
        folder.delete(f"posts/p{number}.md")
    for number in range(30):
        folder.write(f"posts/more/q{number}.md", post(f"More {number}"))
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "new")
    with previewing(folder) as preview, preview.tab("/posts/p3/") as tab:
        git(folder, "checkout", "-q", "-")
        tab.shows("Old 3.")
        preview.equals_a_build()
        folder.replace("posts/p3.md", "Old 3.", "Edited 3.")
        tab.shows("Edited 3.")
        git(folder, "stash")
        tab.shows("Old 3.")
        git(folder, "checkout", "-q", "new")
        tab.shows("New 3.")
        preview.equals_a_build()
        assert not tab.problems


def _thousand(folder: SiteFolder, word: str) -> None:
    for number in range(1000):
        folder.write(f"posts/many/p{number}.md", post(f"Post {number}", body=f"{word} {number}.\n"))


def test_f06_a_thousand_files_come_change_and_go(site: Site, tmp_path: Path) -> None:
    folder = site(SITE).replace("pyproject.toml", "[tool.octavo]\n", "[tool.octavo]\nrelated = 0\n")
    with previewing(folder) as preview, preview.tab("/archive/") as tab:
        _thousand(folder, "First")
        tab.shows("Post 999")
        preview.equals_a_build()
        _thousand(folder, "Second")
        tab.until(lambda tab: "Second 999." in preview.page("/posts/many/p999/"))
        preview.equals_a_build()
        if shutil.which("rsync") is None:
            shutil.rmtree(folder.root / "posts/many")
        else:
            copy = tmp_path / "copy"
            shutil.copytree(folder.root / "posts", copy, ignore=shutil.ignore_patterns("many"))
            subprocess.run(["rsync", "-a", "--delete", f"{copy}/", str(folder.root / "posts")], check=True)
        tab.until(lambda tab: "Post 999" not in tab.html)
        preview.equals_a_build()


def _made(folder: SiteFolder) -> None:
    aside = folder.root / "aside"
    (aside / "deep").mkdir(parents=True)
    (aside / "deep/d.md").write_text(post("D"))
    (aside / "index.md").write_text(post("Aside"))
    aside.rename(folder.root / "posts/aside")


@pytest.mark.parametrize(
    "change",
    [
        _made,
        lambda folder: (folder.root / "posts/deep").rename(folder.root / "posts/other"),
        lambda folder: shutil.rmtree(folder.root / "posts/deep"),
        lambda folder: (folder.root / "posts/deep/d.md").rename(folder.root / "posts/d.md"),
    ],
    ids="made renamed deleted moved".split(),
)
def test_f07_folders_come_and_go(change: Callable[[SiteFolder], object], site: Site) -> None:
    folder = site(SITE).write("posts/deep/d.md", post("Deep"))
    with previewing(folder) as preview:
        change(folder)
        preview.equals_a_build()
        folder.replace("posts/a.md", "Words of a.", "Later words.")
        preview.equals_a_build()


def test_f07_a_folder_that_becomes_a_link_is_an_error_and_passes(site: Site) -> None:
    folder = site(SITE).write("posts/deep/d.md", post("Deep")).write("texts/d.md", post("Deep"))
    with previewing(folder) as preview, preview.tab("/posts/a/") as tab:
        shutil.rmtree(folder.root / "posts/deep")
        (folder.root / "posts/deep").symlink_to("../texts")
        tab.until(lambda tab: any("posts/deep" in problem["where"] for problem in tab.problems))
        (folder.root / "posts/deep").unlink()
        tab.until(lambda tab: not tab.problems)
        preview.equals_a_build()


def test_f07_the_posts_may_be_away_for_a_while(site: Site) -> None:
    folder = site(SITE)
    with previewing(folder) as preview, preview.tab("/posts/a/") as tab:
        (folder.root / "posts").rename(folder.root / "away")
        tab.until(lambda tab: any("posts/ is gone" in problem["text"] for problem in tab.problems))
        assert preview.get("/posts/a/").status == 200
        (folder.root / "away").rename(folder.root / "posts")
        tab.until(lambda tab: not tab.problems)
        folder.replace("posts/a.md", "Words of a.", "Later words.")
        tab.shows("Later words.")
        preview.equals_a_build()


def test_f08_a_layout_may_be_away_for_a_while(site: Site) -> None:
    folder = site(SITE).write("layouts/own.html", "own {{ content() }}")
    folder.replace("posts/a.md", "title: A", "title: A\nlayout: own")
    with previewing(folder) as preview, preview.tab("/posts/a/") as tab:
        text = (folder.root / "layouts/own.html").read_text()
        folder.delete("layouts/own.html")
        tab.until(lambda tab: bool(tab.problems))
        assert preview.page("/posts/a/").startswith("own ")
        folder.write("layouts/own.html", text)
        tab.until(lambda tab: not tab.problems)
        preview.equals_a_build()


def test_a_page_that_is_gone_is_said_to_be_and_comes_back(site: Site) -> None:
    folder = site(SITE)
    with previewing(folder) as preview, preview.tab("/posts/a/") as tab:
        text = (folder.root / "posts/a.md").read_text()
        folder.replace("posts/b.md", "[a](a.md)", "a")
        folder.delete("posts/a.md")
        tab.until(lambda tab: {"kind": "gone"} in tab.heard)
        assert preview.get("/posts/a/").status == 404
        folder.write("posts/a.md", text.replace("Words of a.", "Back again."))
        tab.shows("Back again.")


SLOW = """\
import time
from octavo import Site
site = Site(__file__)
@site.check
def slow(ask):
    time.sleep(0.5)
    return ()
"""


def test_f09_what_is_saved_while_the_site_is_looked_at_is_not_lost(site: Site) -> None:
    folder = site(SITE).write("build.py", SLOW)
    with previewing(folder) as preview, preview.tab("/posts/a/") as tab:
        for number in range(8):
            folder.write("posts/a.md", post("A", body=f"Save {number}.\n"))
            folder.write("build.py", f"{SLOW}# {number}\n")
            time.sleep(0.13)
        tab.shows("Save 7.")
        preview.equals_a_build()


def held_looks(monkeypatch: pytest.MonkeyPatch) -> tuple[threading.Event, threading.Event]:
    """Each look but the first says that it is under way, and ends when the second event is set."""
    looking, seen = threading.Event(), threading.Event()
    see = PreviewSession.compute_snapshot

    def slow(
        session: PreviewSession, with_related: bool = True, related_run: RelatedRun | None = None
    ) -> Snapshot | None:
        snapshot = see(session, with_related, related_run)
        if session.snapshot is not None:
            looking.set()
            assert seen.wait(SOON)
        return snapshot

    monkeypatch.setattr(PreviewSession, PreviewSession.compute_snapshot.__name__, slow)
    return looking, seen


def test_a_save_does_not_wait_for_a_look_at_the_site(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = site(SITE)
    looking, seen = held_looks(monkeypatch)
    with previewing(folder) as preview, preview.tab("/posts/a/") as tab, preview.tab("/posts/b/") as other:
        try:
            folder.write("posts/new.md", post("New", body="[A](a.md)\n"))
            assert looking.wait(SOON)
            folder.replace("posts/a.md", "Words of a.", "Saved meanwhile.")
            tab.shows("Saved meanwhile.")
            folder.replace("posts/b.md", "Words of b", "Written meanwhile")
            other.shows("Written meanwhile")
            assert "Words of a." not in preview.page("/posts/a/")
        finally:
            seen.set()
        preview.equals_a_build()


def test_each_of_many_saves_is_shown_while_the_site_is_looked_at(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = site(SITE)
    for number in range(200):
        folder.write(f"posts/p{number}.md", post(f"P {number}", moood="one"))
    looking, seen = held_looks(monkeypatch)
    with previewing(folder) as preview, preview.tab("/posts/a/") as tab:
        try:
            folder.write("posts/new.md", post("New"))
            assert looking.wait(SOON)
            for number in range(30):
                folder.write("posts/a.md", post("A", body=f"Save {number}.\n", **{f"key{number}": "x"}))
                tab.shows(f"Save {number}.")
            assert "Save 29." in preview.page("/posts/a/")
        finally:
            seen.set()
        preview.equals_a_build()


def test_a_look_that_saves_have_overtaken_is_no_failure(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = site(SITE)
    overtaken, saved = threading.Event(), threading.Event()
    see = PreviewSession.compute_snapshot

    def unsteady(
        session: PreviewSession, with_related: bool = True, related_run: RelatedRun | None = None
    ) -> Snapshot | None:
        if session.snapshot is not None and not overtaken.is_set():
            overtaken.set()
            assert saved.wait(SOON)
            raise PublishError("the file keeps changing while it is read", "posts/a.md") from FileChanged("posts/a.md")
        return see(session, with_related, related_run)

    monkeypatch.setattr(PreviewSession, PreviewSession.compute_snapshot.__name__, unsteady)
    with previewing(folder) as preview, preview.tab("/posts/a/") as tab:
        folder.replace("posts/a.md", "Words of a.", "First save.")
        assert overtaken.wait(SOON)
        folder.replace("posts/a.md", "First save.", "Second save.")
        tab.shows("Second save.")
        saved.set()
        preview.equals_a_build()
        tab.quiet(1.0)
        assert not any(message.get("problems") for message in tab.heard)


def test_files_that_never_hold_still_are_told_of_in_the_end(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timers, "OVERTAKEN_SECONDS", 0.2)
    folder = site(SITE)
    see = PreviewSession.compute_snapshot

    def unsteady(
        session: PreviewSession, with_related: bool = True, related_run: RelatedRun | None = None
    ) -> Snapshot | None:
        if session.snapshot is not None:
            raise PublishError("the file keeps changing while it is read", "posts/a.md") from FileChanged("posts/a.md")
        return see(session, with_related, related_run)

    monkeypatch.setattr(PreviewSession, PreviewSession.compute_snapshot.__name__, unsteady)
    with previewing(folder) as preview, preview.tab("/posts/a/") as tab:
        folder.replace("posts/a.md", "Words of a.", "First save.")
        tab.until(lambda tab: any("keeps changing" in problem["text"] for problem in tab.problems))


def test_related_posts_that_saves_have_overtaken_are_no_failure(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = site(SITE)
    with previewing(folder) as preview, preview.tab("/posts/a/") as tab:
        preview.app._refresher._end_related(Overtaken("posts/a.md: the file keeps changing while it is read"))
        assert not [message for message in tab.quiet(1.5) if message.get("problems")]


def test_a_page_that_waits_for_a_look_keeps_no_save_waiting(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = site(SITE)
    asked, seen = threading.Event(), threading.Event()
    page, see = PreviewSession.render_page, PreviewSession.compute_snapshot

    def not_yet(session: PreviewSession, url: str) -> RenderedPage | None:
        if url == "/posts/b/" and not seen.is_set():
            asked.set()
            raise Unanswered(url)
        return page(session, url)

    def slow(
        session: PreviewSession, with_related: bool = True, related_run: RelatedRun | None = None
    ) -> Snapshot | None:
        if session.snapshot is not None:
            assert seen.wait(SOON)
        return see(session, with_related, related_run)

    monkeypatch.setattr(PreviewSession, PreviewSession.render_page.__name__, not_yet)
    monkeypatch.setattr(PreviewSession, PreviewSession.compute_snapshot.__name__, slow)
    answers: list[str] = []
    with previewing(folder) as preview, preview.tab("/posts/a/") as tab:
        waiting = threading.Thread(target=lambda: answers.append(preview.page("/posts/b/")))
        try:
            waiting.start()
            assert asked.wait(SOON)
            folder.replace("posts/a.md", "Words of a.", "Saved meanwhile.")
            tab.shows("Saved meanwhile.")
            assert "Saved meanwhile." in preview.page("/posts/a/")
            assert not answers
        finally:
            seen.set()
            waiting.join(SOON)
        assert "Words of b" in answers[0]


def test_a_page_that_cannot_be_had_after_a_look_either_is_answered_all_the_same(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = site(SITE)
    page = PreviewSession.render_page

    def never(session: PreviewSession, url: str) -> RenderedPage | None:
        if url == "/posts/b/":
            raise Unanswered(url)
        return page(session, url)

    monkeypatch.setattr(PreviewSession, PreviewSession.render_page.__name__, never)
    with previewing(folder) as preview:
        assert preview.get("/posts/b/").status == 500
        assert preview.get("/posts/a/").status == 200


@pytest.mark.parametrize(("everywhere", "is_left"), [(0.0, False), (3600.0, True)])
def test_garbage_is_looked_for_among_what_is_new_and_seldom_everywhere(
    everywhere: float, is_left: bool, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Circle:
        own: object = None

    monkeypatch.setattr(timers, "GARBAGE_DEBOUNCE_SECONDS", 0.05)
    monkeypatch.setattr(timers, "ALL_GARBAGE_SECONDS", everywhere)
    frozen: list[int] = []
    collect = GarbageCollector.collect

    def counted(garbage: GarbageCollector, last_event: float) -> None:
        collect(garbage, last_event)
        frozen.append(gc.get_freeze_count())

    monkeypatch.setattr(GarbageCollector, "collect", counted)
    folder = site(SITE)
    circle = Circle()
    circle.own = circle
    is_there = weakref.ref(circle)
    with previewing(folder) as preview, preview.tab("/posts/a/") as tab:
        tab.until(lambda tab: bool(frozen))
        assert frozen[0] > 0
        del circle
        frozen.clear()
        folder.replace("posts/a.md", "Words of a.", "Other words.")
        tab.until(lambda tab: bool(frozen))
        assert (is_there() is not None) == is_left
    assert gc.get_freeze_count() == 0


@pytest.mark.parametrize("seed", [1, 2])
def test_nothing_is_lost_whenever_it_is_saved(seed: int, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Saves at any moment: in looks, while posts are related in another process, while a tab comes back."""
    monkeypatch.setattr(timers, "SEPARATE_PROCESS_POSTS", 1)
    monkeypatch.setattr(timers, "RELATE_DEBOUNCE_SECONDS", 0.05)
    numbers = random.Random(seed)
    folder = site("")
    names = [f"p{number}" for number in range(12)]

    def written(name: str, title: str, save: int) -> str:
        words = " ".join(numbers.choices(["quagga", "okapi", "tapir", "civet", "gecko"], k=12))
        others = " ".join(f"[x]({other}.md)" for other in numbers.sample(names, 2))
        return post(title, body=f"Save {save}. {words}. {others}\n")

    for name in names:
        folder.write(f"posts/{name}.md", written(name, name.upper(), 0))
    with (
        previewing(folder, allow_broken_links=True) as preview,
        preview.tab("/") as home,
        preview.tab("/posts/p0/") as own,
    ):
        for save in range(80):
            name = numbers.choice(["p0", *names])
            action = numbers.random()
            if action < 0.7:
                folder.write(f"posts/{name}.md", written(name, name.upper(), save))
            elif action < 0.85:
                folder.write(f"posts/{name}.md", written(name, f"Title {save}", save))
            elif action < 0.92:
                folder.write(f"posts/extra{save}.md", written(name, f"Extra {save}", save))
            elif action < 0.96:
                folder.write("assets/style.css", f"p {{ margin: {save}px }}\n")
            else:
                with preview.tab(f"/posts/{name}/") as passing:
                    passing.hear(0.01)
            time.sleep(numbers.choice([0.0, 0.01, 0.05, 0.1, 0.2]))
        preview.equals_a_build(allow_broken_links=True)
        for path, tab in (("/", home), ("/posts/p0/", own)):
            page = preview.page(path)

            def is_current(tab: Tab, page: str = page) -> bool:
                return without_marks(tab.html.encode()).decode() == page

            tab.until(is_current)


def test_f14_a_build_by_hand_disturbs_nothing(site: Site) -> None:
    folder = site(SITE)
    with previewing(folder) as preview, preview.tab("/posts/a/") as tab:
        for number in range(3):
            folder.write("posts/a.md", post("A", body=f"Save {number}.\n"))
            folder.built()
            tab.shows(f"Save {number}.")
            assert f"Save {number}." in folder.page("/posts/a/")
        preview.equals_a_build()


def test_f13_its_own_files_are_no_change(site: Site) -> None:
    folder = site(SITE)
    with previewing(folder) as preview, preview.tab("/posts/a/") as tab:
        tab.quiet(1.2)
        looked: list[object] = []

        def touch(session: PreviewSession, places: object) -> Touched:
            looked.append(places)
            return Touched(False, False)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(PreviewSession, PreviewSession.apply_changes.__name__, touch)
            folder.built()
            (folder.root / ".octavo/crash.log").write_text("x")
            time.sleep(0.5)
        assert looked == []


def test_related_posts_may_be_worked_out_elsewhere(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timers, "SEPARATE_PROCESS_POSTS", 1)
    folder = site("")
    for name in "abcde":
        folder.write(f"posts/{name}.md", post(name.upper(), body=f"Words of {name}, and brontosaurus.\n"))
    with previewing(folder) as preview, preview.tab("/posts/a/") as tab:
        tab.until(lambda tab: preview.app._session.snapshot is not None and preview.app._session.snapshot.has_related)
        preview.equals_a_build()
        folder.write("posts/b.md", post("B", body="Quagga quagga quagga.\n"))
        folder.write("posts/a.md", post("A", body="Quagga quagga, and words.\n"))
        tab.shows("Quagga quagga, and")
        preview.equals_a_build()


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_f12_what_is_saved_while_the_machine_sleeps_is_seen_when_it_wakes(site: Site) -> None:
    folder = site(SITE)
    with Command(folder.root, "--port", "0") as command:
        port = int(command.line().split(":")[2].split("/")[0])
        assert "read in" in command.line()
        command.process.send_signal(signal.SIGSTOP)
        folder.replace("posts/a.md", "Words of a.", "Slept well.")
        time.sleep(1)
        command.process.send_signal(signal.SIGCONT)
        end = time.monotonic() + SOON
        while "Slept well." not in get(port, "/posts/a/").text:
            assert time.monotonic() < end
            time.sleep(0.05)


def test_f12_the_clock_may_be_put_back(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = site(SITE)
    with previewing(folder) as preview, preview.tab("/posts/a/") as tab:
        now = time.time
        monkeypatch.setattr(time, "time", lambda: now() - 3600)
        folder.replace("posts/a.md", "Words of a.", "Other words.")
        past = now() - 7200
        os.utime(folder.root / "posts/a.md", (past, past))
        tab.shows("Other words.")
        folder.replace("posts/a.md", "Other words.", "Third words.")
        os.utime(folder.root / "posts/a.md", (past, past))
        tab.shows("Third words.")


HAS_NAMESPACES = (
    shutil.which("unshare") is not None
    and subprocess.run(["unshare", "-Ur", "true"], capture_output=True).returncode == 0
)


@pytest.mark.skipif(not HAS_NAMESPACES, reason="no user namespaces here")
@pytest.mark.parametrize("limit", ["max_inotify_watches", "max_inotify_instances"])
def test_f10_where_there_are_no_more_watches_files_are_looked_at_instead(limit: str, site: Site) -> None:
    folder = site(SITE)
    for number in range(8):
        folder.write(f"posts/folder{number}/x.md", post(f"X {number}"))
    few = 4 if limit.endswith("watches") else 0
    script = f'echo {few} > /proc/sys/user/{limit}; exec "$@"'
    with Command(folder.root, "--port", "0", before=("unshare", "-Ur", "sh", "-c", script, "sh")) as command:
        port = int(command.line().split(":")[2].split("/")[0])
        assert "read in" in command.line()
        folder.replace("posts/a.md", "Words of a.", "Words of another length.")
        end = time.monotonic() + SOON
        while "another length" not in get(port, "/posts/a/").text:
            assert time.monotonic() < end
            time.sleep(0.1)
        command.process.terminate()
        _, err = command.process.communicate(timeout=SOON)
    assert err.decode().count("octavo: the system gives no more file watches") == 1
    assert len(err.decode().splitlines()) == 1
