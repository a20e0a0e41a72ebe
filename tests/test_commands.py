"""What each command prints and returns."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from octavo.cli import main
from octavo.project.project import Project
from tests.sites import SiteFolder, post

MakeSite = Callable[[str], SiteFolder]
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def two(site: MakeSite) -> SiteFolder:
    folder = site("").write("posts/a.md", post("About joins", "2026-01-01", "Joins and joins of tables.\n"))
    return folder.write("posts/b.md", post("More joins", "2026-01-02", "Joins of other tables, see [a](a.md).\n"))


@pytest.fixture
def run(two: SiteFolder, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command in the site: (status, standard output, standard error)."""

    def command(*arguments: str) -> tuple[int, str, str]:
        capsys.readouterr()
        status = main.main(["-C", str(two.root), *arguments])
        printed = capsys.readouterr()
        return status, printed.out, printed.err

    return command


def last_object(text: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(text.splitlines()[-1])
    return found


def test_build_is_the_command_that_goes_without_saying(run: Run, two: SiteFolder) -> None:
    status, out, err = run()
    assert status == 0
    assert "rendered" in out
    assert err == ""
    assert "posts/a/index.html" in two.output()


def test_a_build_as_json_ends_with_one_object(run: Run) -> None:
    status, out, _ = run("build", "--format", "json")
    report = last_object(out)
    assert status == 0
    assert {"pages", "rendered", "reused", "written", "removed", "seconds", "problems"} <= report.keys()
    assert report["pages"] == report["rendered"] == len(report["rendered_urls"])
    assert "posts/a/index.html" in report["written"]
    again = last_object(run("build", "--format", "json")[1])
    assert (again["rendered"], again["reused"], again["written"]) == (0, report["pages"], [])


def test_an_error_ends_with_status_1_and_its_place(run: Run, two: SiteFolder) -> None:
    two.replace("posts/a.md", "2026-01-01", "yesterday")
    status, out, err = run("build")
    assert status == 1
    assert "posts/a.md:3:7: error[date]" in err
    assert "    3 | date: yesterday\n      |       ^^^^^^^^^\n    hint: " in err
    assert "output unchanged" in out
    problems = last_object(run("build", "--format", "json")[1])["problems"]
    place = {"path": "posts/a.md", "line": 3, "column": 7, "severity": "error", "code": "date"}
    assert place.items() <= problems[0].items()


def test_wrong_settings_alone_end_with_status_2(run: Run, two: SiteFolder) -> None:
    two.replace("pyproject.toml", "title =", "titel =")
    status, _, err = run("build")
    assert status == 2
    assert "pyproject.toml:2:1: error" in err


@pytest.mark.parametrize(
    "arguments", [["biuld"], ["build", "--outptu", "x"], ["related", "nosuch.md"], ["why", "/nosuch/"]]
)
def test_a_mistake_on_the_command_line_ends_with_status_2_and_a_line(run: Run, arguments: list[str]) -> None:
    run("build")
    status, _, err = run(*arguments)
    assert status == 2
    assert "Traceback" not in err
    assert err.startswith("octavo: ")


def test_strict_makes_warnings_errors_but_links_that_are_allowed(run: Run, two: SiteFolder) -> None:
    two.write("posts/c.md", post("C", body="[x](nosuch.md)\n"))
    assert run("build")[0] == 1
    assert run("build", "--allow-broken-links", "--strict")[0] == 0
    two.replace("posts/c.md", "title:", "tilte: x\ntitle:")
    assert run("build", "--allow-broken-links")[0] == 0
    assert run("build", "--allow-broken-links", "--strict")[0] == 1


def test_check_tells_every_problem_and_publishes_nothing(run: Run, two: SiteFolder) -> None:
    two.write("posts/c.md", post("C", body="[x](nosuch.md)\n"))
    status, _, err = run("check")
    assert status == 1
    assert "posts/c.md:5:1: error[link]" in err
    assert two.output() == {}


def test_related_as_json_is_an_object_a_line(run: Run) -> None:
    status, out, _ = run("related", "--all", "--format", "json")
    rows = [json.loads(line) for line in out.splitlines()]
    assert status == 0
    assert [row["id"] for row in rows] == ["posts/a.md", "posts/b.md"]
    (entry,) = rows[0]["related"]
    assert entry["id"] == "posts/b.md"
    assert 0 < entry["score"] <= 1
    assert entry["why"]


def test_related_of_one_post_says_why(run: Run) -> None:
    status, out, _ = run("related", "posts/a.md")
    assert status == 0
    assert "More joins  (posts/b.md)" in out
    assert "links to this article" in out


def test_why_in_a_process_of_its_own_reads_the_cache_and_leaves_it_whole(run: Run, two: SiteFolder) -> None:
    run()
    command = [sys.executable, "-m", "octavo", "-C", str(two.root), "why", "/posts/b/"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert "posts/b.md" in done.stdout
    two.replace("posts/b.md", "Joins of other", "Joins of more")
    assert last_object(run("build", "--format", "json")[1])["parsed"] == 1


def test_why_names_what_a_page_is_made_from_and_what_changed(run: Run, two: SiteFolder) -> None:
    run("build")
    two.replace("posts/a.md", "About joins", "On joins")
    run("build")
    status, out, _ = run("why", "/posts/b/")
    assert status == 0
    assert "PostAt(path='posts/b.md')" in out
    assert "an answer changed" in out


def test_new_begins_a_draft_and_never_overwrites(run: Run, two: SiteFolder) -> None:
    status, out, _ = run("new", 'C++ & "you"')
    path = two.root / out.strip()
    assert status == 0
    assert path.name == "c-plus-plus-you.md"
    assert 'title: "C++ & \\"you\\""' in path.read_text("utf-8")
    assert run("build")[0] == 0
    assert "posts/c-plus-plus-you/index.html" not in two.output()
    assert run("new", 'C++ & "you"')[0] == 2


def test_clean_removes_the_cache_and_with_output_what_was_published(run: Run, two: SiteFolder) -> None:
    run("build")
    two.write("output/CNAME", "test.example")
    assert run("clean", "--output")[0] == 0
    assert not (two.root / ".octavo").exists()
    assert set(two.output()) == {"CNAME"}


def test_verify_builds_both_and_compares(run: Run, two: SiteFolder) -> None:
    status, _, err = run("build", "--verify")
    assert (status, err) == (0, "")


def test_verify_finds_a_difference(run: Run, two: SiteFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Project.build

    def tampering(self: Any) -> Any:
        report = real(self)
        (self.output / "posts/a/index.html").write_text("tampered")
        return report

    monkeypatch.setattr(Project, "build", tampering)
    status, _, err = run("build", "--verify")
    assert status == 1
    assert "output/posts/a/index.html: error[verify]" in err


def test_a_bug_of_ours_is_one_line_and_a_log(run: Run, two: SiteFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(self: Any) -> Any:
        raise ZeroDivisionError("nobody's fault")

    monkeypatch.setattr(Project, "build", broken)
    status, _, err = run("build")
    assert status == 70
    assert "Traceback" not in err
    assert "ZeroDivisionError" in (two.root / ".octavo/crash.log").read_text("utf-8")


def test_posts_that_are_held_back_are_named(run: Run, two: SiteFolder) -> None:
    two.write("posts/later.md", post("Later", "2999-01-01")).write("posts/d.md", post("D", draft="true"))
    out = run("build")[1]
    assert "posts/later.md (appears 2999-01-01)" in out
    assert "posts/d.md (a draft)" in out
    assert run("build", "--drafts", "--future")[0] == 0
    assert {"posts/later/index.html", "posts/d/index.html"} <= set(two.output())


def test_time_can_be_set(run: Run, two: SiteFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    run("build", "--at", "2026-01-01T12:00:00Z")
    assert "posts/b/index.html" not in two.output()
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1767398400")
    run("build")
    assert "posts/b/index.html" in two.output()
    run("build", "--at", "2026-01-01T12:00:00Z")
    assert "posts/b/index.html" not in two.output()


def test_output_and_base_url_are_taken_from_the_command_line(run: Run, two: SiteFolder, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    assert run("build", "--output", str(elsewhere), "--base-url", "https://other.example/x")[0] == 0
    assert 'href="/x/posts/a/"' in (elsewhere / "index.html").read_text("utf-8")
    assert run("build", "--output", str(two.root / "posts"))[0] == 2
