"""A whole site as one string, in a folder of its own: write, edit, build, and look at what came out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from octavo.base.diagnostics import Diagnostic
from octavo.output.written_list import FILE as LIST
from octavo.project.build_report import Options, Report
from octavo.project.project import Project

BASE = """\
[tool.octavo]
title = "A test site"
base_url = "https://test.example"
"""

_FILE = re.compile(r"^-- (.+) --\n", re.MULTILINE)


def files_in(archive: str) -> Iterator[tuple[str, str]]:
    """(path, text) for each ``-- path --`` line and what follows it."""
    parts = _FILE.split(archive)
    assert not parts[0].strip(), "an archive begins with '-- path --'"
    yield from zip(parts[1::2], parts[2::2], strict=True)


def post(title: str = "A post", date: str = "2026-01-01", body: str = "Words.\n", **keys: str) -> str:
    """The text of a post; further keys are given as YAML text."""
    lines = [f"title: {title}", f"date: {date}", *(f"{key}: {value}" for key, value in keys.items())]
    return "---\n" + "\n".join(lines) + "\n---\n" + body


@dataclass
class SiteFolder:
    """A site on the disk. Builds run in this process, with one job unless ``jobs`` says otherwise."""

    root: Path
    options: dict[str, Any] = field(default_factory=dict)

    def edit(self, archive: str) -> Self:
        """Write the files of an archive over what is there."""
        for path, text in files_in(archive):
            self.write(path, text)
        return self

    def write(self, path: str, content: str | bytes) -> Self:
        location = self.root / path
        location.parent.mkdir(parents=True, exist_ok=True)
        location.write_bytes(content.encode() if isinstance(content, str) else content)
        return self

    def replace(self, path: str, old: str, new: str) -> Self:
        text = (self.root / path).read_text("utf-8")
        assert old in text, f"{old!r} is not in {path}"
        return self.write(path, text.replace(old, new))

    def delete(self, path: str) -> Self:
        (self.root / path).unlink()
        return self

    def build(self, **options: Any) -> Report:
        with Project(self.root, Options(**{"jobs": 1, **self.options, **options})) as project:
            return project.build()

    def built(self, **options: Any) -> Report:
        """Build, and fail the test when the site has errors."""
        report = self.build(**options)
        assert not report.failed, report.problems
        return report

    def check(self, **options: Any) -> Report:
        with Project(self.root, Options(**{"jobs": 1, **self.options, **options})) as project:
            return project.check()

    def output(self) -> dict[str, bytes]:
        folder = self.root / "output"
        if not folder.is_dir():
            return {}
        return {
            file.relative_to(folder).as_posix(): file.read_bytes()
            for file in folder.rglob("*")
            if file.is_file() and file.name != LIST
        }

    def page(self, url: str) -> str:
        """The text of what is published at a URL path."""
        path = url.lstrip("/")
        return (self.root / "output" / (path + "index.html" if url.endswith("/") else path)).read_text("utf-8")


def places(problems: Iterable[Diagnostic]) -> list[str]:
    """``path:line:column: code`` of each problem, the form that tests compare."""
    return [f"{problem.where()}: {problem.code}" for problem in problems]
