"""What each command does, in words or JSON for the author."""

from __future__ import annotations

import argparse
import datetime as dt
import filecmp
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from octavo import publish
from octavo.diagnostic import Diagnostic, did_you_mean, to_dict, to_text
from octavo.project import CACHE, Options, Project, Report
from octavo.slug import slugify


class Usage(Exception):
    """The command was asked for something that cannot be done; the message says what."""


def options_from(arguments: argparse.Namespace) -> Options:
    """The options that a command has; the others keep their defaults."""
    known = vars(arguments)
    names = ("output", "base_url", "drafts", "future", "at", "jobs", "fresh", "strict", "allow_broken_links", "cache")
    return Options(**{name: known[name] for name in names if name in known})


def open_project(arguments: argparse.Namespace) -> Project:
    root = Path(arguments.directory)
    if not root.is_dir():
        raise Usage(f"there is no folder '{arguments.directory}'")
    if not (root / "posts").is_dir():
        raise Usage(f"'{arguments.directory}' is no site: it has no folder posts/")
    return Project(root, options_from(arguments))


def build(arguments: argparse.Namespace) -> int:
    with open_project(arguments) as project:
        report = project.build()
        if arguments.verify and not report.failed:
            problems = verify(project, report)
            report = Report(**{**_fields(report), "problems": (*report.problems, *problems)})
    if arguments.format == "json":
        print(json.dumps(report_dict(report), ensure_ascii=False))
    else:
        print_problems(report.problems)
        if not arguments.quiet:
            print_summary(report)
    return report.status


def _fields(report: Report) -> dict[str, Any]:
    return {name: getattr(report, name) for name in report.__dataclass_fields__}


def check(arguments: argparse.Namespace) -> int:
    with open_project(arguments) as project:
        report = project.check()
    if arguments.format == "json":
        print(json.dumps(report_dict(report), ensure_ascii=False))
    else:
        print_problems(report.problems)
        print(f"{_count(report.pages, 'page')} checked: {_problem_count(report.problems)}")
        print_held(report)
    return report.status


def watch(arguments: argparse.Namespace) -> int:
    from octavo.watch import watch as changes

    with open_project(arguments) as project:
        _rebuild(project)
        print(f"watching {project.root} (Ctrl-C ends)", flush=True)
        for _ in changes(project.watched):
            _rebuild(project)
    return 0


def _rebuild(project: Project) -> None:
    """Build, and say so unless nothing changed; a build that cannot be done is said and tried again on change."""
    try:
        report = project.build()
    except publish.PublishError as problem:
        print(f"octavo: {problem}", file=sys.stderr, flush=True)
        return
    if report.failed or report.rendered or report.written or report.removed:
        print_problems(report.problems)
        print_summary(report)
        sys.stdout.flush()


def serve(arguments: argparse.Namespace) -> int:
    from octavo.preview import preview

    root = Path(arguments.directory)
    shown = not arguments.published
    with open_project(arguments) as project:
        cache = project.cache / "preview"
    options = Options(output=str(cache / "site"), cache=str(cache), drafts=shown, future=shown, jobs=arguments.jobs)
    with Project(root, options) as project:
        return preview(project, arguments.host, arguments.port, arguments.open)


def related(arguments: argparse.Namespace) -> int:
    with open_project(arguments) as project:
        known = project.learn()
        if arguments.all:
            for path in sorted(known.related.records):
                row = known.related.records.load(path, "row")[: arguments.count]
                if arguments.format == "json":
                    print(json.dumps(related_dict(path, row), ensure_ascii=False))
                else:
                    print_related(known, path, row)
            return 0
        if arguments.post is None:
            raise Usage("related: name a POST, or give --all")
        path = _source_path(project, arguments.post)
        if path not in known.related.records:
            state = known.index.live.states.get(path)
            hint = did_you_mean(path, known.related.records)
            raise Usage(f"'{arguments.post}' is {state or 'no post'}" + (f"; {hint}" if hint else ""))
        row = known.related.records.load(path, "row")[: arguments.count]
        if arguments.format == "json":
            print(json.dumps(related_dict(path, row), ensure_ascii=False))
        else:
            print_related(known, path, row)
    return 0


def _source_path(project: Project, given: str) -> str:
    """A post as the author names it: relative to the site, to ``posts/``, or to the current folder."""
    for candidate in (Path(given), project.root / given, project.root / "posts" / given):
        if candidate.is_file() and candidate.resolve().is_relative_to(project.root):
            return candidate.resolve().relative_to(project.root).as_posix()
    return given


def related_dict(path: str, row: Iterable[Any]) -> dict[str, Any]:
    return {
        "id": path,
        "related": [
            {
                "id": relation.path,
                "score": relation.score,
                "why": [
                    {"kind": reason.kind, "text": reason.text, "share": reason.share} for reason in relation.reasons
                ],
            }
            for relation in row
        ],
    }


def print_related(known: Any, path: str, row: Iterable[Any]) -> None:
    posts = known.index.by_path
    print(f"{posts[path].title}  ({path})")
    for relation in row:
        print(f"  {relation.score:6.3f}  {posts[relation.path].title}  ({relation.path})")
        words = [
            reason.text if reason.share is None else f"{reason.text} {reason.share:.0%}" for reason in relation.reasons
        ]
        if words:
            print(f"          {', '.join(words)}")


def why(arguments: argparse.Namespace) -> int:
    with open_project(arguments) as project:
        url, asked, reason, known = project.why(arguments.url)
    if asked is None:
        hint = did_you_mean(url, known)
        raise Usage(f"no page at '{url}' has been built" + (f"; {hint}" if hint else ""))
    if arguments.format == "json":
        print(json.dumps({"url": url, "last": reason, "asked": list(asked)}, ensure_ascii=False))
        return 0
    print(f"{url}\n  rendered last because {reason}\n  made from:")
    for question in asked:
        print(f"    {question}")
    return 0


def new(arguments: argparse.Namespace) -> int:
    with open_project(arguments) as project:
        path = project.root / "posts" / f"{slugify(arguments.title)}.md"
        today = project.today().isoformat()
    text = (
        f"---\ntitle: {json.dumps(arguments.title, ensure_ascii=False)}\ndate: {today}\ntags: []\ndraft: true\n---\n\n"
    )
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        raise Usage(f"'{path.relative_to(project.root)}' is there already") from None
    print(path.relative_to(project.root).as_posix())
    return 0


def clean(arguments: argparse.Namespace) -> int:
    root = Path(arguments.directory)
    if not (root / CACHE).is_dir():
        print("there is no cache")
        return 0
    if arguments.output:
        with open_project(argparse.Namespace(directory=arguments.directory)) as project:
            removed = project.remove_published()
        print(f"removed {_count(len(removed), 'file')} from output/")
    import shutil

    shutil.rmtree(root / CACHE)
    print(f"removed the cache, {CACHE}/")
    return 0


def verify(project: Project, report: Report) -> tuple[Diagnostic, ...]:
    """Build again from nothing, in a fresh process that shares no cache, and compare every byte and every problem."""
    from octavo.diagnostic import error

    options = project.options
    with tempfile.TemporaryDirectory(prefix="octavo-verify-") as folder:
        command = [sys.executable, "-m", "octavo", "-C", str(project.root), "build", "--format", "json"]
        command += ["--output", f"{folder}/output", "--cache", f"{folder}/cache"]
        command += ["--base-url", options.base_url] if options.base_url is not None else []
        command += ["--at", project.now().isoformat()]
        for flag in ("drafts", "future", "strict", "allow_broken_links"):
            command += [f"--{flag.replace('_', '-')}"] if getattr(options, flag) else []
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        if done.returncode != 0:
            message = f"the clean build ended with status {done.returncode}"
            return (error("output", None, "verify", message, done.stderr.strip()[-500:]),)
        clean_report = json.loads(done.stdout.splitlines()[-1])
        differing = list(_differences(project.published(), project.output, Path(folder) / "output"))
    found = [error(f"output/{path}", None, "verify", f"{what} the clean build") for path, what in differing]
    if clean_report["problems"] != [to_dict(problem) for problem in report.problems]:
        found.append(error("output", None, "verify", "the problems reported differ from those of the clean build"))
    return tuple(found)


def _differences(published: Iterable[str], output: Path, clean: Path) -> Iterable[tuple[str, str]]:
    made = {file.relative_to(clean).as_posix() for file in clean.rglob("*") if file.is_file()}
    here = set(published)
    for path in sorted(made | here):
        if path not in here:
            yield path, "missing, but made by"
        elif path not in made:
            yield path, "not made by"
        elif not filecmp.cmp(output / path, clean / path, shallow=False):
            yield path, "differs from the one of"


# Words.


def print_problems(problems: Iterable[Diagnostic]) -> None:
    for problem in problems:
        print(to_text(problem), file=sys.stderr)
    sys.stderr.flush()


def print_summary(report: Report) -> None:
    if report.failed:
        print(f"not built: {_problem_count(report.problems)}; output unchanged")
        return
    changed = [f"{len(report.written)} written", f"{len(report.removed)} removed"]
    print(
        f"{_count(report.pages, 'page')}: {len(report.rendered)} rendered, {', '.join(changed)}"
        f" in {report.seconds:.2f} s" + (f"; {_problem_count(report.problems)}" if report.problems else "")
    )
    print_held(report)


_HELD = {"draft": "a draft", "future": "appears", "expired": "expired"}


def print_held(report: Report) -> None:
    """Posts that are not published, each with the reason: none vanishes silently."""
    for held in report.held:
        when = f" {_readable(held.instant)}" if held.instant else ""
        print(f"  not published: {held.path} ({_HELD[held.state]}{when})")


def _readable(moment: dt.datetime) -> str:
    return moment.strftime("%Y-%m-%d") if moment.time() == dt.time() else moment.strftime("%Y-%m-%d %H:%M %z")


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def _problem_count(problems: Iterable[Diagnostic]) -> str:
    listed = list(problems)
    errors = sum(problem.is_error for problem in listed)
    warnings = len(listed) - errors
    counts = [_count(errors, "error")] * bool(errors) + [_count(warnings, "warning")] * bool(warnings)
    return ", ".join(counts) or "no problems"


def report_dict(report: Report) -> dict[str, Any]:
    """A build as ``--format json`` prints it."""
    return {
        "pages": report.pages,
        "rendered": len(report.rendered),
        "reused": report.pages - len(report.rendered),
        "parsed": len(report.parsed),
        "rendered_urls": list(report.rendered),
        "written": list(report.written),
        "removed": list(report.removed),
        "held": [
            {"path": held.path, "state": held.state, "instant": held.instant.isoformat() if held.instant else None}
            for held in report.held
        ],
        "seconds": round(report.seconds, 3),
        "problems": [to_dict(problem) for problem in report.problems],
    }
