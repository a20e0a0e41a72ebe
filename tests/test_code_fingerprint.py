"""What starts a new cache: an edit of Octavo, another version of a library, and one that comes or goes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import pytest

import octavo
from octavo.project import code_fingerprint
from octavo.project.site_files import theme_folder
from tests.sites import SiteFolder, post

MakeSite = Callable[[str], SiteFolder]

HOME = Path(octavo.__file__).parent


def installed(folder: Path, **versions: str) -> str:
    """A folder of the import path that holds all libraries, some in the versions given."""
    for library in code_fingerprint.LIBRARIES:
        name = library.replace("-", "_")
        (folder / f"{name}-{versions.get(name, '1.0')}.dist-info").mkdir(parents=True)
    return str(folder)


def test_the_versions_are_those_that_python_itself_finds() -> None:
    found = dict(code_fingerprint.read_versions(sys.path))
    assert {library: found[library] for library in code_fingerprint.LIBRARIES} == {
        library: metadata.version(library) for library in code_fingerprint.LIBRARIES
    }


def test_another_version_is_seen(tmp_path: Path) -> None:
    old, new = installed(tmp_path / "old"), installed(tmp_path / "new", PyYAML="6.0.3")
    assert dict(code_fingerprint.read_versions([old]))["PyYAML"] == "1.0"
    assert dict(code_fingerprint.read_versions([new]))["PyYAML"] == "6.0.3"


def test_the_first_folder_of_the_path_is_the_one_that_is_imported_from(tmp_path: Path) -> None:
    old, new = installed(tmp_path / "old"), installed(tmp_path / "new", jinja2="4.0")
    assert dict(code_fingerprint.read_versions([new, old]))["jinja2"] == "4.0"
    assert dict(code_fingerprint.read_versions([old, new]))["jinja2"] == "1.0"


def test_an_optional_library_that_comes_is_seen(tmp_path: Path) -> None:
    folder = installed(tmp_path)
    assert dict(code_fingerprint.read_versions([folder]))["nh3"] == ""
    (tmp_path / "nh3-0.3.dist-info").mkdir()
    assert dict(code_fingerprint.read_versions([folder]))["nh3"] == "0.3"


@pytest.mark.parametrize("entry", ["PyYAML-6.0-py3.11.egg-info", "pyyaml-6.0.dist-info", "PyYAML-6.0.dist-info"])
def test_names_are_compared_as_installers_do(tmp_path: Path, entry: str) -> None:
    installed(tmp_path)
    (tmp_path / "PyYAML-1.0.dist-info").rmdir()
    (tmp_path / entry).mkdir()
    assert dict(code_fingerprint.read_versions([str(tmp_path)]))["PyYAML"].startswith("6.0")


def test_what_no_folder_is_named_for_is_asked_of_python(tmp_path: Path) -> None:
    installed(tmp_path)
    (tmp_path / "jinja2-1.0.dist-info").rename(tmp_path / "jinja2.egg-info")
    assert dict(code_fingerprint.read_versions([str(tmp_path)]))["jinja2"] == metadata.version("jinja2")


# Octavo's own modules. What is not walked would be edited without a cache noticing.

PACKAGES = sorted(file.parent.relative_to(HOME).as_posix() for file in HOME.rglob("__init__.py"))


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the package ``octavo``, which takes the place of the one that runs."""
    folder = shutil.copytree(HOME, tmp_path / "copy" / "octavo", ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(code_fingerprint, "_PACKAGE", str(folder))
    return folder


def edit_a_module(package: Path) -> Path:
    """Change one module of a package, its last one by name, in a way that changes nothing it does."""
    module = max(package.glob("*.py"))
    module.write_text(module.read_text("utf-8") + "\n# edited\n", "utf-8")
    return module


def test_a_copy_elsewhere_has_the_same_digest(copied: Path) -> None:
    assert code_fingerprint.digest_code.__wrapped__() == code_fingerprint.digest_code()


@pytest.mark.parametrize("package", PACKAGES)
def test_an_edit_of_a_module_in_each_package_is_seen(copied: Path, package: str) -> None:
    before, module = code_fingerprint.digest_code.__wrapped__(), edit_a_module(copied / package)
    assert code_fingerprint.digest_code.__wrapped__() != before
    assert {str(module), str(module.parent)} <= set(code_fingerprint.list_code_places())


def test_a_package_that_was_renamed_is_seen(copied: Path) -> None:
    before = code_fingerprint.digest_code.__wrapped__()
    (copied / "cli").rename(copied / "clj")  # so that the order of all modules stays
    assert code_fingerprint.digest_code.__wrapped__() != before


def test_a_cache_is_emptied_when_a_module_of_octavo_was_edited(copied: Path, site: MakeSite) -> None:
    for kind in ("layouts", "assets"):
        shutil.copytree(theme_folder() / kind, copied.parent / kind)
    root = site("-- posts/a.md --\n" + post("A") + "-- posts/b.md --\n" + post("B")).root
    first = build_with(copied, root)
    assert first["rendered"] == first["pages"] > 0
    assert build_with(copied, root)["rendered"] == 0
    edit_a_module(copied / "content" / "markdown")
    again = build_with(copied, root)
    assert (again["rendered"], again["parsed"]) == (first["pages"], 2)


def build_with(package: Path, root: Path) -> dict[str, int]:
    """What a build tells that a copy of Octavo makes, in a process of its own."""
    command = [sys.executable, "-m", "octavo", "-C", str(root), "build", "--format", "json", "--jobs", "1"]
    environment = {**os.environ, "PYTHONPATH": str(package.parent)}
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, encoding="utf-8", check=True)
    report: dict[str, int] = json.loads(done.stdout.splitlines()[-1])
    return report
