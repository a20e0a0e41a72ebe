"""The benchmark's own parts: what it builds, how it measures, and the tables it prints. Peers are not run here."""

from __future__ import annotations

import gzip
import json
import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from benchmarks import (
    against,
    content,
    corpus,
    environments,
    measure,
    operations,
    peer,
    peers,
    results,
    rounds,
    run,
    tables,
)
from benchmarks.generate import write_site
from benchmarks.preview import run as preview
from benchmarks.related import contenders, corpora, evaluate

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"


def generate(folder: Path, *arguments: str, seed: str = "0") -> dict[str, bytes]:
    """All files that the generator writes in a process with this hash seed."""
    command = [sys.executable, str(BENCHMARKS / "generate.py"), str(folder), *arguments]
    subprocess.run(command, check=True, env={**os.environ, "PYTHONHASHSEED": seed})
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def octavo(folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "octavo", "-C", str(folder), "build", "--strict", "--jobs", "1"]
    return subprocess.run(command, capture_output=True, text=True)


SCRIPTS = sorted(
    path.relative_to(BENCHMARKS.parent).with_suffix("").as_posix()
    for path in BENCHMARKS.rglob("*.py")
    if "\nif not __package__:" in (text := path.read_text(encoding="utf-8")) and "argparse" in text
)


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_script_runs_by_its_path_and_as_a_module(script: str) -> None:
    bare = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    for named in ([f"{script}.py"], ["-m", script.replace("/", ".")]):
        command = [sys.executable, *named, "--help"]
        ran = subprocess.run(command, cwd=BENCHMARKS.parent, env=bare, capture_output=True, text=True)
        assert (ran.returncode, ran.stderr) == (0, "")
        assert ran.stdout.startswith("usage: ")


@pytest.mark.parametrize("kind", ["small", "real"])
def test_the_same_arguments_write_the_same_bytes(tmp_path: Path, kind: str) -> None:
    first = generate(tmp_path / "a", "--posts", "30", "--kind", kind, seed="1")
    assert generate(tmp_path / "b", "--posts", "30", "--kind", kind, seed="2") == first
    assert generate(tmp_path / "c", "--posts", "30", "--kind", kind, "--seed", "2") != first


def test_more_posts_leave_the_first_ones_as_they_were(tmp_path: Path) -> None:
    few = generate(tmp_path / "few", "--posts", "20", "--kind", "real")
    many = generate(tmp_path / "many", "--posts", "40", "--kind", "real")
    assert few.items() < many.items()


def test_sizes_are_those_of_the_two_kinds(tmp_path: Path) -> None:
    small = generate(tmp_path / "small", "--posts", "60", "--kind", "small")
    real = generate(tmp_path / "real", "--posts", "60", "--kind", "real")
    sizes = [sum(len(data) for name, data in site.items() if name.endswith(".md")) / 60 for site in (small, real)]
    assert 1000 < sizes[0] < 1500
    assert 8000 < sizes[1] < 12_000


def test_the_vocabulary_grows_with_the_posts_but_slower() -> None:
    def words(posts: range) -> set[str]:
        files = (next(iter(corpus.made_post(number, "small", 1)))[1] for number in posts)
        return {word for data in files for word in data.decode().split()}

    first, both = words(range(200)), words(range(400))
    assert 1.2 * len(first) < len(both) < 1.9 * len(first)


@pytest.mark.parametrize("kind", ["small", "real"])
def test_a_generated_site_builds_without_a_problem(tmp_path: Path, kind: str) -> None:
    generate(tmp_path / "site", "--posts", "12", "--kind", kind)
    done = octavo(tmp_path / "site")
    assert (done.returncode, done.stderr) == (0, "")
    pages = list((tmp_path / "site" / "output" / "posts").glob("*/index.html"))
    assert len(pages) == 12
    assert all(b'id="_related"' in page.read_bytes() for page in pages)


def test_real_posts_are_repeated_with_changes(tmp_path: Path) -> None:
    posts = tmp_path / "real"
    posts.mkdir()
    (posts / "one.md").write_text(
        "---\ntitle: 'One: a title'\ndate: 2020-01-02\ntags:\n  - cats\n  - dogs\n---\n\n"
        "A [link](two.md) and [another](/elsewhere/) with many ordinary words " + "and words that change " * 50 + "\n",
        encoding="utf-8",
    )
    (posts / "two.md").write_text('+++\ntitle = "Two"\ndate = 2020-01-03\n+++\n\nText.\n', encoding="utf-8")
    site = generate(tmp_path / "site", "--posts", "6", "--from", str(posts))
    assert {name for name in site if name.endswith(".md")} == {
        f"posts/{n}-{t}.md" for n in ("one", "two") for t in range(3)
    }
    first, second = site["posts/one-0.md"].decode(), site["posts/one-1.md"].decode()
    assert 'title: "One: a title"' in first and 'tags: ["cats", "dogs"]' in first and "](two-0.md)" in first
    assert first.split("---")[2] != second.split("---")[2]
    assert octavo(tmp_path / "site").returncode == 0


def test_posts_are_read_back_as_they_were_written() -> None:
    name, data = next(iter(corpus.made_post(3, "real", 1)))
    post = content.parse(name.removesuffix(".md"), data.decode())
    assert post.text == data.decode()
    assert post.title and post.author and len(post.tags) >= 2 and post.date.endswith("+00:00")


# Measuring.

BURN = "import time\nwhile time.process_time() < {0}: pass\n"


def run_python(
    folder: Path, code: str, *, environment: Mapping[str, str] | None = None, limit: float | None = None
) -> measure.Cost:
    command = [sys.executable, "-c", code]
    return measure.measure(command, folder, folder / "log", environment=environment, limit=limit)


def test_cpu_time_covers_children_of_children(tmp_path: Path) -> None:
    child = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {BURN.format(0.4)!r}])"
    cost = run_python(tmp_path, f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {child!r}])")
    assert cost.status == 0
    assert 0.4 <= cost.cpu < 5


@pytest.mark.skipif(sys.platform != "linux", reason="the system has no subreapers")
def test_cpu_time_covers_children_that_were_left_behind(tmp_path: Path) -> None:
    code = f"import os, subprocess, sys\nsubprocess.Popen([sys.executable, '-c', {BURN.format(0.4)!r}])\nos._exit(0)"
    assert run_python(tmp_path, code).cpu >= 0.4


@pytest.mark.skipif(sys.platform != "linux", reason="there is no /proc")
def test_memory_is_that_of_all_processes_and_of_the_first_alone(tmp_path: Path) -> None:
    child = "held = bytearray(b'x') * 80_000_000\n" + BURN.format(0.4)
    cost = run_python(tmp_path, f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {child!r}])")
    assert cost.peak is not None and cost.main is not None
    assert 80e6 < cost.peak < 200e6
    assert 1e6 < cost.main < 60e6


def test_a_command_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    cost = run_python(tmp_path, "import time; time.sleep(600)", limit=0.5)
    assert cost.status == -9


def test_the_status_and_the_words_of_a_command_are_kept(tmp_path: Path) -> None:
    code = "import os; print(os.environ['SAID']); raise SystemExit(3)"
    cost = run_python(tmp_path, code, environment={"SAID": "so"})
    assert (cost.status, cost.text) == (3, "so\n")


# Operations.


@pytest.fixture
def site(tmp_path: Path) -> operations.Site:
    folder = tmp_path / "posts-of-site"
    write_site(folder, 12, "real")
    return operations.survey(folder, "real", 1)


def space_of(site: operations.Site, folder: Path, name: str) -> operations.Workspace:
    return operations.prepare(peers.PEERS[name], site, folder, True, peer.Tools(folder / "none"))


def test_an_edited_body_differs_in_one_word_far_from_its_beginning(site: operations.Site, tmp_path: Path) -> None:
    space = space_of(site, tmp_path / "w", "octavo")
    (seen,) = operations.body(space, site, 0)
    before = site.post(seen.stem).text
    after = (space.folder / "posts" / f"{seen.stem}.md").read_text(encoding="utf-8")
    old, new = before.split(), after.split()
    changed = [index for index, pair in enumerate(zip(old, new, strict=True)) if pair[0] != pair[1]]
    assert len(changed) == 1 and changed[0] > len(old) / 2
    assert new[changed[0]] == seen.text + "."


def test_a_new_post_is_the_newest_and_an_older_one_is_not(site: operations.Site, tmp_path: Path) -> None:
    space = space_of(site, tmp_path / "w", "octavo")
    dates = []
    for operation in (operations.older, operations.added):
        (seen,) = operation(space, site, 0)
        dates.append(content.read_post(space.folder / "posts" / f"{seen.stem}.md").date)
    assert dates[0] < site.newest < dates[1]


@pytest.mark.parametrize("name", ["octavo", "hugo", "pelican", "eleventy", "mkdocs-material", "nikola", "zensical"])
def test_every_peer_gets_every_post_and_a_layout_to_edit(site: operations.Site, tmp_path: Path, name: str) -> None:
    space = space_of(site, tmp_path / "w", name)
    sources = [space.folder / space.peer.source(site.post(stem))[0] for stem in site.order]
    assert all(source.is_file() for source in sources)
    seen = operations.layout(space, site, 0)
    assert (space.folder / space.peer.base).read_text(encoding="utf-8").count(seen[0].text) == 1
    operations.layout(space, site, 1)
    assert seen[0].text not in (space.folder / space.peer.base).read_text(encoding="utf-8")


def test_a_site_without_its_related_articles_is_no_measurement(site: operations.Site, tmp_path: Path) -> None:
    space = space_of(site, tmp_path / "w", "octavo")
    for stem in site.order:
        space.page(stem).parent.mkdir(parents=True)
        space.page(stem).write_text("<p>Nothing is related</p>", encoding="utf-8")
    with pytest.raises(operations.WrongSite, match="0 of 12"):
        operations.count_pages(space, site)
    space.page(site.order[0]).unlink()
    with pytest.raises(operations.WrongSite, match="11 of 12 posts have a page"):
        operations.count_pages(space, site)


def test_a_run_measures_octavo_and_says_which_peer_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    file = tmp_path / "results.json"
    arguments = ["--posts", "8", "--kind", "small", "--peers", "octavo,hugo", "--operations", "cold,title,added"]
    arguments += ["--rounds", "1", "--env", str(tmp_path / "env"), "--results", str(file)]
    assert run.main(arguments) == 0
    out, err = capsys.readouterr()
    assert "Hugo: not found; python benchmarks/run.py --install" in err
    assert "a title edited: wall" in out
    kept = results.load(file)
    assert kept is not None
    assert [each.operation for each in kept.results] == ["cold", "title", "added"]
    assert all(each.cpu[0] > 0 for each in kept.results)
    assert kept.results[0].lists == 8


# Two versions.


def version(title: str) -> environments.Version:
    """The Octavo that runs the tests, as if it were in an environment of its own."""
    return environments.Version(title, Path(sys.executable))


def test_both_versions_do_an_operation_before_the_next_and_begin_by_turns(
    site: operations.Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = measure.Cost(wall=1.0, cpu=1.0, peak=None, main=None, status=0, text="")
    monkeypatch.setattr(rounds, "measure", lambda *arguments, **options: free)
    monkeypatch.setattr(rounds, "count_pages", lambda *arguments: None)
    monkeypatch.setattr(rounds, "check_seen", lambda *arguments: None)
    lines: list[str] = []
    versions = [against.version_peer(name, version(name), 1) for name in ("old", "new")]
    plan = rounds.Plan(against.expanded(["unchanged", "body"]), 2, 60, peer.Tools(tmp_path))
    rounds.measure_site(plan, results.Cell("real", 12, True), site, versions, tmp_path / "work", lines.append)
    operations_done = [re.search(r"round (\d): (\w+), (\w+)", line) for line in lines]
    assert [match.groups() for match in operations_done if match] == [
        (turn, name, operation)
        for turn, names in (("1", ("old", "new")), ("2", ("new", "old")))
        for operation in ("cold", "unchanged", "again", "body")
        for name in names
    ]


def test_a_version_builds_the_site_by_its_own_interpreter(site: operations.Site, tmp_path: Path) -> None:
    own = against.version_peer("before", version("HEAD~1"), 1)
    plan = rounds.Plan(["cold", "body"], 1, 600, peer.Tools(tmp_path))
    cell = results.Cell("real", 12, True)
    measured = rounds.measure_site(plan, cell, site, [own], tmp_path / "work", lambda line: None)
    assert [(each.peer, each.operation, each.failure, each.lists) for each in measured] == [
        ("before", "cold", "", 12),
        ("before", "body", "", 12),
    ]
    command = own.command(peer.Tools(tmp_path))
    assert command == [sys.executable, "-m", "octavo", "-C", ".", "build", "--quiet", "--jobs", "1"]


@pytest.mark.parametrize(("pairs", "outside"), [(10, 1), (15, 3), (20, 5), (50, 17)])
def test_the_interval_of_a_ratio_is_that_of_the_sign_test(pairs: int, outside: int) -> None:
    """The ranks are those of any table of confidence intervals for a median, such as Conover's A3."""
    after = [float(number) for number in range(1, pairs + 1)]
    ratio = against.paired_ratio([1.0] * pairs, after)
    assert (ratio.low, ratio.median, ratio.high) == (outside + 1, (pairs + 1) / 2, pairs - outside)


def test_a_ratio_is_of_pairs_and_not_of_medians() -> None:
    """A machine that slows down from round to round changes both times of a pair."""
    before = [float(2**number) for number in range(10)]
    assert against.paired_ratio(before, [1.5 * each for each in before]) == against.Ratio(1.5, 1.5, 1.5)


def test_a_comparison_has_a_row_for_each_operation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    costs = {"before": 2.0, "after": 1.0}

    def fake(command: list[str], folder: Path, log: Path, **options: object) -> measure.Cost:
        return measure.Cost(wall=9.0, cpu=costs[folder.name], peak=None, main=None, status=0, text="")

    monkeypatch.setattr(rounds, "measure", fake)
    monkeypatch.setattr(rounds, "count_pages", lambda *arguments: None)
    monkeypatch.setattr(rounds, "check_seen", lambda *arguments: None)
    monkeypatch.setattr(run, "SETTLING_SECONDS", 0.0)
    monkeypatch.setattr(run, "install_revision", lambda revision, folder: version(f"{revision} (abcdef0)"))
    monkeypatch.setattr(run, "install_checkout", lambda folder: version("checkout"))
    monkeypatch.setattr(run, "libraries", lambda one: frozenset({"jinja2==3", f"numpy=={len(one.title)}"}))
    assert run.main(["--against", "HEAD~1", "--posts", "12", "--kind", "small", "--work", str(tmp_path)]) == 0
    title, head, *rows, _, machine, before, after = capsys.readouterr().out.splitlines()
    assert title == "12 small posts, related on: CPU time, medians of 10 pairs"
    assert re.split(r"\s{2,}", head)[1:] == ["HEAD~1 (abcdef0)", "checkout", "ratio", "95 % interval"]
    assert [re.split(r"\s{2,}", row) for row in rows] == [
        [words, "2.000 s", "1.000 s", "0.500", "0.500 to 0.500"]
        for words in ("cold", "nothing changed", "nothing changed, the short way", "a body edited")
    ]
    assert ", load " in machine
    assert (before, after) == (
        "libraries of the version before only: numpy==16",
        "libraries of the version after only: numpy==8",
    )


def test_a_version_that_fails_has_no_ratio() -> None:
    cell = results.Cell("small", 12, True)
    fine = results.Result(cell, "after", "cold", cpu=(1.0,) * 10)
    failed = results.Result(cell, "before", "cold", failure="exit status 1")
    versions = {"before": version("HEAD~1"), "after": version("checkout")}
    assert against.comparison([failed, fine], versions) == "HEAD~1 failed (cold): exit status 1"


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--against", "HEAD", "--rounds", "9"], "10 rounds or more"),
        (["--against", "HEAD", "--operations", "layout"], "--against compares cold, unchanged"),
        (["--against", "HEAD", "--peers", "hugo"], "--peers does not go with --against"),
        (["--against", "HEAD", "--jobs", "0"], "1 process or more"),
        (["--jobs", "2"], "--jobs goes with --against only"),
    ],
)
def test_what_a_comparison_cannot_do_is_refused_before_anything_is_installed(
    arguments: list[str], problem: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # What is not refused ends here, and not after half an hour.
    monkeypatch.setattr(run, "_compare_versions", lambda options: 0)
    monkeypatch.setattr(run, "_measured", lambda *arguments: results.Report((), {}, "", ()))
    with pytest.raises(SystemExit, match="2"):
        run.main(arguments)
    assert problem in capsys.readouterr().err


needs_history = pytest.mark.skipif(not (peer.ROOT / ".git").exists(), reason="this is no clone of the repository")


@needs_history
def test_a_revision_is_installed_once_and_the_checkout_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed: list[tuple[str, bool]] = []

    def has_project(source: Path) -> bool:
        with tarfile.open(source) as archive:
            return "octavo/pyproject.toml" in archive.getnames()

    def fake(source: Path, tools: peer.Tools) -> Path:
        installed.append((tools.folder.name.split("-")[0], source.is_file() and has_project(source)))
        (tools.folder / "bin").mkdir(parents=True, exist_ok=True)
        (tools.folder / "bin" / "python").touch()
        return tools.folder / "bin" / "python"

    monkeypatch.setattr(environments, "_install", fake)
    first, again = (environments.install_revision("HEAD", tmp_path) for _ in range(2))
    assert first == again
    commit = first.title.removeprefix("HEAD (").removesuffix(")")
    assert first.python.parents[1].name.startswith(commit)
    for _ in range(2):
        environments.install_checkout(tmp_path)
    assert [(name.startswith(commit) or name, archived) for name, archived in installed] == [
        (True, True),
        ("checkout", False),
        ("checkout", False),
    ]


@needs_history
def test_a_revision_that_is_not_there_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run.main(["--against", "no-such-revision", "--env", str(tmp_path)]) == 2
    assert capsys.readouterr().err == "this repository has no revision 'no-such-revision'\n"


@needs_history
def test_what_pip_says_of_a_failure_is_told_and_the_environment_is_made_anew_the_next_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho no network >&2\nexit 1\n")
    python.chmod(0o755)
    monkeypatch.setattr(environments, "make_environment", lambda tools: python)
    with pytest.raises(environments.NotInstalled, match=r"octavo\.tar\.gz:\nno network"):
        environments.install_revision("HEAD", tmp_path / "versions")
    assert not list(tmp_path.rglob(environments.COMPLETE))


# Tables.


def report_of(*measured: results.Result, commands: tuple[str, ...] = ("python benchmarks/run.py",)) -> results.Report:
    return results.Report(measured, {"octavo": "0.1"}, "Linux, 2 cores", commands)


def result(peer: str, wall: tuple[float, ...], posts: int = 1000) -> results.Result:
    cell = results.Cell("real", posts, True)
    return results.Result(cell, peer, "cold", wall=wall, cpu=wall, peak=(200_000_000,), main=(100_000_000,))


def test_a_table_shows_medians_and_what_octavo_takes_of_a_peers() -> None:
    report = report_of(result("octavo", (2.0, 1.0, 9.0)), result("hugo", (4.0,)))
    head, wall, _, memory, *_ = tables.site_table(report, report.cells()[0])
    assert head == ["", "Octavo", "Hugo"]
    assert wall == ["cold: wall", "2.00 s", "4.00 s (0.50)"]
    assert memory == ["cold: memory", "200 MB", "200 MB (1.00)"]


def test_a_peer_that_failed_has_no_figure() -> None:
    failed = results.Result(results.Cell("real", 1000, True), "hugo", "cold", failure="exit status 1")
    page = tables.text(report_of(result("octavo", (2.0,)), failed))
    assert "Hugo failed (cold): exit status 1" in page


def test_growth_is_one_size_over_the_next_smaller() -> None:
    report = report_of(result("octavo", (2.0,)), result("octavo", (21.0,), 10_000))
    assert tables.growth_table(report)[1] == ["real, related on, cold: CPU", "10,000", "10", "10.5"]


def test_targets_are_judged_by_what_was_measured() -> None:
    report = report_of(result("octavo", (3.0,)), result("hugo", (4.0,)))
    rows = tables.target_table(report)
    assert ["cold, 1,000 real posts, of Hugo's time", "0.6 ×", "0.75 ×", "1.25 × the target"] in rows
    assert len(rows) == 2


def test_tables_are_aligned_for_a_terminal_and_piped_for_a_page() -> None:
    rows = [["", "a"], ["long", "1.00 s"]]
    assert tables.aligned(rows) == "           a\nlong  1.00 s"
    assert tables.piped(rows) == "|  | a |\n| :--- | ---: |\n| long | 1.00 s |"


def test_a_page_gets_other_figures_between_its_marks() -> None:
    start, end = tables.MARKS
    page = f"# Before\n\n{start}\nold\n{end}\n\nAfter\n"
    once = tables.between_marks(page, "new\n")
    assert once == f"# Before\n\n{start}\n\nnew\n\n{end}\n\nAfter\n"
    assert tables.between_marks(once, "new\n") == once
    with pytest.raises(ValueError, match="no '<!-- figures -->'"):
        tables.between_marks("# Without\n", "new")


def test_a_report_survives_its_file_and_a_site_measured_again_replaces_what_was_known_of_it(tmp_path: Path) -> None:
    first = report_of(result("octavo", (2.0,)), result("octavo", (20.0,), 10_000))
    (tmp_path / "r.json").write_text(results.dump(first), encoding="utf-8")
    assert results.load(tmp_path / "r.json") == first
    again = report_of(result("hugo", (3.0,)), commands=("other",))
    both = results.merged(first, again)
    assert [(each.peer, each.cell.posts) for each in both.results] == [("octavo", 10_000), ("hugo", 1000)]
    assert both.commands == ("python benchmarks/run.py", "other")


def test_the_docs_have_a_place_for_the_figures() -> None:
    page = (BENCHMARKS.parent / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    assert tables.between_marks(page, "figures") != page


SCORER = """\
METRICS = ("hit@5", "ndcg@10")

def load_truth(path, visible):
    return {"a", "b", "c"}, {"a": {"b"}, "b": {"a"}}

def load_known(path, visible):
    return {}

def score(ids, truth, lists, known):
    rows = [(float(truth[post] <= set(lists[post][:5])), float(lists[post][:1] == list(truth[post]))) for post in "ab"]
    return rows, {"coverage@5": len({other for row in lists.values() for other in row}) / len(ids)}
"""
TO_POSTS = """\
import pathlib, sys
folder = pathlib.Path(sys.argv[2])
folder.mkdir(parents=True, exist_ok=True)
for name, words in zip("abc", ("outer subquery", "subquery outer", "blueprint")):
    text = f"---\\ntitle: Of {name}\\ndate: 2026-01-01\\n---\\n\\n{words}\\n"
    folder.joinpath(f"{name}.md").write_text(text)
"""


def write_posts(file: Path, rows: Iterable[Mapping[str, object]]) -> None:
    """Write the posts of a corpus as it is kept: compressed, one in a line."""
    with gzip.open(file, "wt") as lines:
        lines.write("\n".join(map(json.dumps, rows)))


@pytest.fixture
def collection(tmp_path: Path) -> corpora.Corpus:
    """A corpus of three posts, of which two are related, with a scorer of its own."""
    rows = [
        {"id": post, "title": f"Of {post}", "date": "2026-01-01", "tags": ["one"], "relevant": []} for post in "abc"
    ]
    write_posts(tmp_path / "small.jsonl.gz", rows)
    (tmp_path / "score.py").write_text(SCORER)
    (tmp_path / "to_posts.py").write_text(TO_POSTS)
    return corpora.corpora(tmp_path, [], 0.0)[0]


def test_octavo_is_asked_by_its_command_for_the_posts_related_in_files(
    collection: corpora.Corpus, tmp_path: Path
) -> None:
    lists = contenders.octavo(collection, tmp_path / "site", peer.Tools(tmp_path))
    assert lists["a"][:1] == ["b"] and lists["b"][:1] == ["a"]
    score = collection.score(lists)
    assert (score.mean, score.hits) == (1.0, 1.0)


def test_posts_by_tags_share_the_most_or_the_rarest_and_come_newest_first(tmp_path: Path) -> None:
    tags = {"a": ["x", "y"], "b": ["x", "y"], "c": ["x"], "d": ["x", "z"], "e": ["z"], "f": []}
    rows = [{"id": post, "date": f"2026-01-0{day}", "tags": tags[post]} for day, post in enumerate("abcdef", 1)]
    write_posts(tmp_path / "tagged.jsonl.gz", rows)
    tagged, tools = corpora.Corpus(tmp_path / "tagged.jsonl.gz", tmp_path), peer.Tools(tmp_path)
    assert contenders.by_tags(tagged, tmp_path, tools)["a"] == ["b", "d", "c"]
    assert contenders.pelican(tagged, tmp_path, tools)["d"] == ["e", "c", "b", "a"]
    assert contenders.by_tags(tagged, tmp_path, tools)["f"] == []


def test_a_lead_that_every_query_shows_is_above_nothing_and_one_by_chance_is_not() -> None:
    score = corpora.Score
    ours = [score((0.5, 0.7) * 20, (1.0,) * 40, 1.0)]
    sure = corpora.lead(ours, [score((0.4, 0.6) * 20, (1.0,) * 40, 1.0)])
    assert sure.mean == pytest.approx(0.1) and sure.low > 0.09 and sure.high < 0.11
    chance = corpora.lead(ours, [score((0.9, 0.3) * 20, (1.0,) * 40, 1.0)])
    assert chance.low < 0 < chance.high


def test_the_tables_of_related_posts_have_a_row_for_each_and_the_best_last(collection: corpora.Corpus) -> None:
    score = corpora.Score
    scores = {"octavo": [score((0.6, 0.4), (1.0, 0.0), 1.0)], "svd": [score((0.3, 0.5), (1.0, 0.0), 0.5)]}
    rows = evaluate.quality(scores, [collection])
    assert rows[1:] == [["TF-IDF with SVD", *["0.400"] * 2, "0.500", "0.500"], ["Octavo", *["0.500"] * 3, "1.000"]]
    ahead = evaluate.leads(scores, [collection])
    assert ahead[1][:2] == ["TF-IDF with SVD", "+0.10 (-0.10 to 0.30)"]
    assert "| TF-IDF with SVD | 0.400 |" in evaluate.markdown(rows)


def test_a_build_opens_only_the_photos_that_changed(tmp_path: Path) -> None:
    """The counts that ``benchmarks/images.py`` prints for ten thousand, here for twelve."""
    command = [sys.executable, str(BENCHMARKS / "images.py"), "--images", "12", "--folder", str(tmp_path / "site")]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    rows = [re.split(r"\s{2,}", line.strip()) for line in ran.stdout.splitlines()[1:]]
    opened = {name: (photos, made) for name, photos, made, *_ in rows}
    assert opened["from nothing"][1] == "12"
    assert opened["nothing"] == opened["a text"] == opened["a title"] == ("0", "0")
    assert opened["a photo touched"] == ("1", "0")
    assert opened["a photo replaced"][1] == "1"


def test_a_save_that_was_passed_over_counts_until_a_later_one_is_seen() -> None:
    saves = [("one", 10.0), ("two", 10.5), ("three", 11.0)]
    assert preview._until_seen(saves, {"one": 10.25, "three": 11.5}) == [250.0, 1000.0, 500.0]
    measured = preview.Measured("octavo", 10_000, scenarios={"warnings": [40.0] * 19 + [450.0]})
    line = "20,000 warnings, 20 saves, 2 a second: median 40 ms, p95 40 ms, the slowest 450 ms"
    assert line in preview.table(measured)
