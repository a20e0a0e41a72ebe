"""Hold a build against one that is made from nothing: ``build --verify``."""

from __future__ import annotations

import filecmp
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from octavo.base.diagnostics import Diagnostic, error, to_dict
from octavo.output.written_list import FILE as LIST
from octavo.project.build_report import Report
from octavo.project.project import Project


def verify(project: Project, report: Report) -> tuple[Diagnostic, ...]:
    """Compare a build with one made from nothing.

    That is made in a fresh process that shares no cache. Every byte and every problem is compared.
    """
    options = project.options
    with tempfile.TemporaryDirectory(prefix="octavo-verify-") as folder:
        command = [sys.executable, "-m", "octavo", "-C", str(project.root), "build", "--format", "json"]
        command += ["--output", f"{folder}/output", "--cache", f"{folder}/cache"]
        command += ["--base-url", options.base_url] if options.base_url is not None else []
        command += ["--at", options.now().isoformat()]
        for flag in ("drafts", "future", "strict", "allow_broken_links"):
            command += [f"--{flag.replace('_', '-')}"] if getattr(options, flag) else []
        environment = {**os.environ, "PYTHONUTF8": "1"}
        environment["PYTHONPATH"] = os.pathsep.join(path for path in sys.path if path)
        try:
            done = subprocess.run(command, capture_output=True, encoding="utf-8", env=environment, check=False)
        except BaseException as problem:
            problem.add_note("the site is built and published, but not verified")
            raise
        if done.returncode != 0:
            message = f"the clean build ended with status {done.returncode}"
            return (error("output", None, "verify", message, done.stderr.strip()[-500:]),)
        clean_report = json.loads(done.stdout.splitlines()[-1])
        differing = list(_differences(project.published_files(), project.output, Path(folder) / "output"))
    problems = [error(f"output/{path}", None, "verify", f"{what} the clean build") for path, what in differing]
    # That a file of this output was found altered is no matter of the site.
    if clean_report["problems"] != [to_dict(problem) for problem in report.problems if problem.code != "output"]:
        problems.append(error("output", None, "verify", "the problems reported differ from those of the clean build"))
    return tuple(problems)


def _differences(published: Iterable[str], output: Path, clean: Path) -> Iterable[tuple[str, str]]:
    clean_files = {file.relative_to(clean).as_posix() for file in clean.rglob("*") if file.is_file()} - {LIST}
    here = set(published)
    for path in sorted(clean_files | here):
        if path not in here:
            yield path, "missing, but made by"
        elif path not in clean_files:
            yield path, "not made by"
        elif not filecmp.cmp(output / path, clean / path, shallow=False):
            yield path, "differs from the one of"
