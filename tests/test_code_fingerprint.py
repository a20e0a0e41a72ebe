"""What starts a new cache: another version of a library, and one that comes or goes."""

from __future__ import annotations

import sys
from importlib import metadata
from pathlib import Path

import pytest

from octavo.project import code_fingerprint


def installed(folder: Path, **versions: str) -> str:
    """A folder of the import path that holds all libraries, some in the versions given."""
    for library in code_fingerprint.LIBRARIES:
        name = library.replace("-", "_")
        (folder / f"{name}-{versions.get(name, '1.0')}.dist-info").mkdir(parents=True)
    return str(folder)


def test_the_versions_are_those_that_python_itself_finds() -> None:
    found = dict(code_fingerprint.versions(sys.path))
    assert {library: found[library] for library in code_fingerprint.LIBRARIES} == {
        library: metadata.version(library) for library in code_fingerprint.LIBRARIES
    }


def test_another_version_is_seen(tmp_path: Path) -> None:
    old, new = installed(tmp_path / "old"), installed(tmp_path / "new", PyYAML="6.0.3")
    assert dict(code_fingerprint.versions([old]))["PyYAML"] == "1.0"
    assert dict(code_fingerprint.versions([new]))["PyYAML"] == "6.0.3"


def test_the_first_folder_of_the_path_is_the_one_that_is_imported_from(tmp_path: Path) -> None:
    old, new = installed(tmp_path / "old"), installed(tmp_path / "new", jinja2="4.0")
    assert dict(code_fingerprint.versions([new, old]))["jinja2"] == "4.0"
    assert dict(code_fingerprint.versions([old, new]))["jinja2"] == "1.0"


def test_an_optional_library_that_comes_is_seen(tmp_path: Path) -> None:
    folder = installed(tmp_path)
    assert dict(code_fingerprint.versions([folder]))["nh3"] == ""
    (tmp_path / "nh3-0.3.dist-info").mkdir()
    assert dict(code_fingerprint.versions([folder]))["nh3"] == "0.3"


@pytest.mark.parametrize("entry", ["PyYAML-6.0-py3.11.egg-info", "pyyaml-6.0.dist-info", "PyYAML-6.0.dist-info"])
def test_names_are_compared_as_installers_do(tmp_path: Path, entry: str) -> None:
    installed(tmp_path)
    (tmp_path / "PyYAML-1.0.dist-info").rmdir()
    (tmp_path / entry).mkdir()
    assert dict(code_fingerprint.versions([str(tmp_path)]))["PyYAML"].startswith("6.0")


def test_what_no_folder_is_named_for_is_asked_of_python(tmp_path: Path) -> None:
    installed(tmp_path)
    (tmp_path / "jinja2-1.0.dist-info").rename(tmp_path / "jinja2.egg-info")
    assert dict(code_fingerprint.versions([str(tmp_path)]))["jinja2"] == metadata.version("jinja2")
