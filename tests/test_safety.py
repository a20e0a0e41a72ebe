"""Output may not be where a build would harm its author."""

from __future__ import annotations

from pathlib import Path

import pytest

from octavo.output.safety import UnsafeOutput, check_output, find_name_fault


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "home" / "work" / "site"
    for name in ("posts/django", "layouts", "assets", "public"):
        (root / name).mkdir(parents=True)
    (root / "file").write_text("x")
    (root / "to-posts").symlink_to("posts")
    (root / "to-nowhere").symlink_to("nowhere")
    (root / "circle").symlink_to("circle")
    (root / "to-public").symlink_to("public")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    return root


def checked(root: Path, output: str) -> None:
    check_output(root, root / output, [root / name for name in ("posts", "layouts", "assets")])


@pytest.mark.parametrize(
    "output",
    [
        *(".", "", "..", "../..", "../../..", "/", "posts", "layouts", "assets", "posts/django", "posts/new/deep"),
        *("to-posts", "to-posts/x", "public/../posts", "POSTS", "Posts/x", "../SITE", "file", "file/x", "to-nowhere"),
        *("circle", "../site/posts", "./posts/", ".octavo", ".octavo/preview", ".git", ".git/hooks", ".GIT/x"),
        *("../.git/x", "a/.git/b", "public/../.octavo"),
    ],
)
def test_output_may_not_be_where_sources_are(project: Path, output: str) -> None:
    before = sorted(project.rglob("*"))
    with pytest.raises(UnsafeOutput):
        checked(project, output)
    assert sorted(project.rglob("*")) == before


@pytest.mark.parametrize(
    "output", ["output", "public", "to-public", "../other", "posts-output", "a/b/c", "outputx", ".github", "git"]
)
def test_output_may_be_anywhere_else(project: Path, output: str) -> None:
    checked(project, output)


def test_a_site_may_lie_in_a_folder_that_a_link_leads_to(project: Path) -> None:
    link = project.parent / "link"
    link.symlink_to(project)
    checked(link, "output")
    with pytest.raises(UnsafeOutput):
        check_output(link, project, [])


def test_a_site_within_a_repository_s_folder_has_its_output_there(tmp_path: Path) -> None:
    root = tmp_path / ".git" / "checkout"
    (root / "posts").mkdir(parents=True)
    checked(root, "output")


def test_output_and_cache_may_not_hold_one_another(project: Path) -> None:
    for output, cache in (("public", "public/cache"), ("../cache/out", "../cache"), ("public", "to-public")):
        with pytest.raises(UnsafeOutput):
            check_output(project, project / output, [], project / cache)
    check_output(project, project / "public", [], project / "cache")


@pytest.mark.parametrize(
    "name", [" ", " out", "out ", "\tout", "~", "~/x", "~me", "$HOME", "${HOME}/x", "a/$USER", "$(x)"]
)
def test_a_name_that_a_shell_was_to_change_is_not_meant(name: str) -> None:
    wrong = find_name_fault(name)
    assert wrong is not None
    assert all(wrong)


@pytest.mark.parametrize("name", ["out", "./~", "a b", "a~", "5$", "$", "../out", "/tmp/x"])
def test_any_other_name_is_meant(name: str) -> None:
    assert find_name_fault(name) is None
