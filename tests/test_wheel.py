"""The wheel alone: installed beside its libraries, it builds a site from a folder with only posts."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.sites import post

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked wheel. It is built without network: the build backend is one of the tests' own dependencies."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site-packages")
    return folder / "site-packages"


def test_the_wheel_carries_the_theme_and_nothing_of_the_example_site(installed: Path) -> None:
    assert (installed / "octavo/theme/layouts/post.html").is_file()
    assert (installed / "octavo/theme/assets/style.css").is_file()
    for name in ("client.js", "vendor/idiomorph.js", "vendor/idiomorph.txt"):
        assert (installed / "octavo/preview" / name).is_file()
    assert (installed / "octavo/py.typed").is_file()
    assert {path.name for path in installed.iterdir() if not path.name.endswith(".dist-info")} == {"octavo"}


def test_a_folder_with_only_posts_is_a_site(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "My notes/posts").mkdir(parents=True)
    (tmp_path / "My notes/posts/first.md").write_text(post("First"), "utf-8")
    (tmp_path / "My notes/posts/second.md").write_text(post("Second", body="See [it](first.md).\n"), "utf-8")
    done = subprocess.run(
        [sys.executable, "-P", "-m", "octavo", "-C", "My notes"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("warning[base_url]") == 1
    output = tmp_path / "My notes/output"
    assert "<title>My notes</title>" in (output / "index.html").read_text("utf-8")
    assert '<a href="/posts/first/">it</a>' in (output / "posts/second/index.html").read_text("utf-8")
    assert not (output / "feed.xml").exists()
    assert not (output / "sitemap.xml").exists()
