"""Hidden files in assets/root/: an error, but for those that are meant to be published."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from octavo.site.assets import check_hidden
from tests.sites import SiteFolder, places, post

MakeSite = Callable[[str], SiteFolder]


def hidden(site: MakeSite, *names: str, setting: str = "") -> SiteFolder:
    """A site with such files in ``assets/root/``."""
    folder = site("-- posts/a.md --\n" + post())
    if setting:
        folder.replace("pyproject.toml", "[tool.octavo]\n", f"[tool.octavo]\npublish_hidden = {setting}\n")
    for name in names:
        folder.write(f"assets/root/{name}", name)
    return folder


@pytest.mark.parametrize(
    "name",
    [
        *(".env", "sub/.env", ".git/config", "sub/.git/hooks/pre-push", ".ssh/id", ".htpasswd", "..x", ".GIT/config"),
        *(".well-known/.env", ".well-known/acme/.secret", ".nojekyll/x", ".well-known", "sub/.config/deep/file.txt"),
        "sub/.well-known/security.txt",
    ],
)
def test_a_hidden_file_is_an_error_at_the_file_and_nothing_is_published(site: MakeSite, name: str) -> None:
    folder = hidden(site, name)
    report = folder.build()
    assert places(report.problems) == [f"assets/root/{name}:1:1: name"]
    assert report.problems[0].is_error
    assert report.problems[0].hint
    assert folder.output() == {}


@pytest.mark.parametrize(
    "name",
    [".well-known/security.txt", ".well-known/acme/token", ".nojekyll", ".domains", ".htaccess", "sub/.htaccess"],
)
def test_what_hosts_ask_for_is_published(site: MakeSite, name: str) -> None:
    folder = hidden(site, name)
    folder.built()
    assert folder.output()[name] == name.encode()


def test_what_a_setting_names_is_published(site: MakeSite) -> None:
    folder = hidden(site, ".foo", ".cfg/a.json", "sub/.bar", setting='[".foo", ".cfg", "sub/.bar"]')
    folder.built()
    assert {".foo", ".cfg/a.json", "sub/.bar"} <= set(folder.output())


def test_a_setting_names_one_file_and_no_other_that_is_called_so(site: MakeSite) -> None:
    folder = hidden(site, ".foo", "sub/.foo", ".cfg/.deep/x", setting='[".foo", ".cfg"]')
    assert places(folder.build().problems) == [
        "assets/root/.cfg/.deep/x:1:1: name",
        "assets/root/sub/.foo:1:1: name",
    ]


def test_a_hidden_folder_is_told_once() -> None:
    names = ["root/.git/config", "root/.git/HEAD", "root/.git/objects/ab/cd", "root/.env", "css/style.css"]
    found = list(check_hidden(names, ()))
    assert [(problem.path, "3 files" in problem.message) for problem in found] == [
        ("assets/root/.env", False),
        ("assets/root/.git/HEAD", True),
    ]
    assert ["publish_hidden" in problem.hint for problem in found] == [True, False]


def test_what_was_published_before_is_removed(site: MakeSite) -> None:
    folder = hidden(site, ".env", setting='[".env"]')
    folder.built()
    assert ".env" in folder.output()
    folder.replace("pyproject.toml", 'publish_hidden = [".env"]\n', "")
    assert folder.build().failed
    folder.delete("assets/root/.env")
    assert ".env" in folder.built().removed
    assert ".env" not in folder.output()


@pytest.mark.parametrize(
    "value", ['["foo"]', '[".foo/bar"]', '["/.foo"]', '["../.foo"]', '["."]', '[".git"]', '".foo"']
)
def test_the_setting_names_hidden_files_below_the_folder(site: MakeSite, value: str) -> None:
    report = hidden(site, setting=value).build()
    assert [problem.code for problem in report.problems] == ["settings"]
    assert report.problems[0].path == "pyproject.toml"
