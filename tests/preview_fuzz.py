"""Differential fuzz of the preview: after any edits, what it shows at rest is the clean build, byte for byte.

``python -m tests.preview_fuzz --runs 50 --edits 30`` edits that many random sites as ``tests.fuzz`` does. Meanwhile
pages are looked at, saves are followed one by one or not at all, and lists of related posts come late. ``--seed N``
repeats one run.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import difflib
import multiprocessing
import random
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from octavo.base import urls
from octavo.base.diagnostics import to_dict
from octavo.engine.facts import Unanswered
from octavo.preview.panel import describe_page
from octavo.preview.refresher import relate_into_cache
from octavo.preview.session import PreviewSession
from octavo.preview.static_files import find_static_file
from octavo.project.build_report import Options
from octavo.project.project import Project
from tests.fuzz import AT, Author, CleanBuilder, Difference, options
from tests.sites import SiteFolder

CHOICES: dict[str, Any] = {"allow_broken_links": True, "drafts": True, "future": True}


def run(seed: int, edits: int, folder: Path, clean: CleanBuilder) -> Iterator[bool]:
    """One run: yields, of each state of the site, whether it can be built; raises Difference at the first that is shown
    as no clean build would make it."""
    numbers = random.Random(seed)
    at = dt.datetime.fromisoformat(AT)
    author = Author(SiteFolder(folder / "site", {"at": at}), numbers)
    author.begin()
    cache = author.site.root / ".octavo/preview"
    options = Options(output=str(cache / "site"), cache=str(cache), jobs=1, at=at, **CHOICES)
    done: list[str] = []
    with Project(author.site.root, options) as project:
        session = PreviewSession(project)
        session.refresh(with_related=False)
        session.refresh(with_related=True)
        for number in range(edits + 1):
            can_build = True
            try:
                if number:
                    done.append(_edit(author, session, numbers, folder))
                can_build = _compare(session, author.site, folder / "clean", clean)
            except Difference as difference:
                history = "\n".join(f"  {edit}" for edit in done)
                raise Difference(f"seed {seed}, after {number} edits:\n{history}\n{difference}") from None
            if can_build or not number:
                author.keep(folder / "kept")
            yield can_build


def _edit(author: Author, session: PreviewSession, numbers: random.Random, folder: Path) -> str:
    """Some edits, followed as they come, and then the look at the whole with which the preview comes to rest."""
    done = []
    broken = session.collect_problems().errors > 0
    for _ in range(numbers.choice((1, 1, 2, 3))):
        before = _contents(author.site.root)
        if broken and numbers.random() < 0.7:
            done.append(author.go_back(folder / "kept"))
            broken = False
        else:
            done.append(author.edit())
        after = _contents(author.site.root)
        saved = [Path(path) for path in {*before, *after} if before.get(path) != after.get(path)]
        with contextlib.suppress(Unanswered):
            if numbers.random() < 0.7:
                session.apply_changes(saved)
            _show_some(session, numbers)
        if numbers.random() < 0.3:
            session.refresh(with_related=False)
            _show_some(session, numbers)
    if numbers.random() < 0.2:
        elsewhere = relate_into_cache(str(session.project.root), session.project.options)
        session.refresh(with_related=False, related_run=elsewhere)
    session.refresh(with_related=True)
    return " / ".join(done)


def _show_some(session: PreviewSession, numbers: random.Random) -> None:
    """Pages that somebody looks at, with the panel of one of them."""
    assert session.snapshot is not None
    pages = sorted(session.snapshot.pages)
    for url in numbers.sample(pages, min(len(pages), numbers.randint(0, 4))):
        session.render_page(url)
        if numbers.random() < 0.2:
            describe_page(session, url)


def _contents(root: Path) -> dict[str, bytes]:
    """The site's own files by location."""
    own = [path for path in root.iterdir() if path.name not in (".octavo", "output", "__pycache__")]
    files = [file for path in own for file in ([path] if path.is_file() else path.rglob("*"))]
    return {str(file): file.read_bytes() for file in files if file.is_file()}


def _compare(session: PreviewSession, site: SiteFolder, folder: Path, clean: CleanBuilder) -> bool:
    """Hold every address against a clean build of a copy of the site. False where that has errors: then the preview
    has some as well."""
    shutil.rmtree(folder, ignore_errors=True)
    twin = folder / site.root.name
    shutil.copytree(site.root, twin, ignore=shutil.ignore_patterns(".octavo", "output", "__pycache__"))
    report = clean.build(twin, {**CHOICES, "jobs": 1})
    snapshot = session.snapshot
    assert snapshot is not None
    pages = {urls.output_path(url): session.render_page(url) for url in snapshot.pages}
    problems = [to_dict(problem) for problem in session.collect_problems().ordered()]
    is_failed = any(problem["severity"] == "error" for problem in report["problems"])
    if is_failed != any(problem["severity"] == "error" for problem in problems):
        raise Difference(f"problems differ:\n  preview: {problems}\n  clean:   {report['problems']}")
    if is_failed:
        return False
    if problems != report["problems"]:
        raise Difference(f"problems differ:\n  preview: {problems}\n  clean:   {report['problems']}")
    files = {path: page.content for path, page in pages.items() if page is not None}
    files |= {path: find_static_file(snapshot, static).read() for path, static in session.statics.items()}
    built = SiteFolder(twin).output()
    built.pop("_headers", None)  # for hosts; the preview has headers of its own
    for path in sorted(files.keys() | built.keys()):
        if files.get(path) != built.get(path):
            raise Difference(f"{path} differs:\n{_lines_apart(files.get(path), built.get(path))}")
    return True


def _lines_apart(served: bytes | None, built: bytes | None) -> str:
    if served is None or built is None:
        return "  preview has none" if served is None else "  clean build has none"
    here, there = (each.decode("utf-8", "replace").splitlines() for each in (served, built))
    return "\n".join(list(difflib.unified_diff(here, there, "preview", "clean", lineterm="", n=0))[:40])


def run_one(seed: int, edits: int) -> str:
    """One whole run in a folder of its own; the difference that was found, or nothing."""
    with tempfile.TemporaryDirectory(prefix="octavo-preview-fuzz-") as folder, CleanBuilder() as clean:
        try:
            for _ in run(seed, edits, Path(folder), clean):
                pass
        except Difference as difference:
            return str(difference)
    return ""


def main() -> int:
    arguments = options(__doc__).parse_args()
    failures = 0
    seeds = range(arguments.seed, arguments.seed + arguments.runs)
    with ProcessPoolExecutor(arguments.jobs, multiprocessing.get_context("spawn")) as pool:
        for seed, difference in zip(seeds, pool.map(run_one, seeds, [arguments.edits] * arguments.runs), strict=True):
            failures += bool(difference)
            print(f"DIFFERENCE {difference}" if difference else f"seed {seed}: equal", flush=True)
    print(f"{arguments.runs} runs, {failures} with a difference")
    return 1 if failures else 0


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        raise SystemExit(main())
