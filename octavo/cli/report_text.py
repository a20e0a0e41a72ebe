"""What a build did, in words or JSON for the author."""

from __future__ import annotations

import datetime as dt
import json
import sys
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from octavo.base.diagnostics import Diagnostic, to_dict, to_text
from octavo.project import noop_replay
from octavo.project.build_report import Report

if TYPE_CHECKING:
    from octavo.cli.profile import Profile


def format_build(
    report: Report, differences: tuple[Diagnostic, ...], form: str, quiet: bool, profile: Profile | None = None
) -> tuple[str, str]:
    """What a build says on standard output and on standard error.

    ``noop_replay.SECONDS`` stands for the seconds it took. ``differences`` are the problems that came to light when it
    was verified.
    """
    problems = (*report.problems, *differences)
    if form == "json":
        members = {**report_dict(replace(report, problems=problems)), "seconds": noop_replay.SECONDS}
        if profile is not None:
            members["profile"] = profile.as_dict()
        return json_line(members).replace(json.dumps(noop_replay.SECONDS), noop_replay.SECONDS), ""
    out = "" if quiet else summary(report, noop_replay.SECONDS)
    if profile is not None:
        out += profile.as_text(report.seconds)
    return out, "".join(f"{to_text(problem)}\n" for problem in problems)


def say(line: str) -> None:
    """Say what is going on.

    That is neither a result nor a problem of the site.
    """
    with suppress(OSError):
        print(line, file=sys.stderr, flush=True)


def print_json(value: object) -> None:
    sys.stdout.write(json_line(value))


def json_line(value: object) -> str:
    """One value on one line, whatever the encoding of the stream."""
    return json.dumps(value, ensure_ascii=(sys.stdout.encoding or "").lower() not in ("utf-8", "utf8")) + "\n"


def print_problems(problems: Iterable[Diagnostic]) -> None:
    for problem in problems:
        print(to_text(problem), file=sys.stderr)


def print_summary(report: Report) -> None:
    sys.stdout.write(summary(report, f"{report.seconds:.2f}"))


def summary(report: Report, seconds: str) -> str:
    """What a build did, in lines; ``seconds`` it took."""
    if report.failed:
        return f"not built: {count_problems(report.problems)}; output unchanged\n"
    changed = [f"{len(report.written)} written", f"{len(report.removed)} removed"]
    line = f"{count(report.pages, 'page')}: {len(report.rendered)} rendered, {', '.join(changed)} in {seconds} s"
    problems = f"; {count_problems(report.problems)}" if report.problems else ""
    return f"{line}{problems}\n{format_held(report)}"


def print_verified(report: Report, differences: Collection[Diagnostic] | None) -> None:
    """Print how the site differs from a clean build.

    ``differences`` is None when there was nothing to compare.
    """
    if differences is not None:
        print(
            f"not verified: {count(len(differences), 'difference')}"
            if differences
            else "verified: a clean build is the same"
        )


_HELD = {"draft": "a draft", "future": "appears", "expired": "expired"}


def format_held(report: Report) -> str:
    """Posts that are not published, each with the reason.

    None vanishes silently.
    """
    lines = []
    for held in report.held:
        when = f" {_readable(held.instant)}" if held.instant else ""
        lines.append(f"  not published: {held.path} ({_HELD[held.state]}{when})\n")
    return "".join(lines)


def _readable(moment: dt.datetime) -> str:
    return moment.strftime("%Y-%m-%d") if moment.time() == dt.time() else moment.strftime("%Y-%m-%d %H:%M %z")


def count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def count_problems(problems: Iterable[Diagnostic]) -> str:
    listed = list(problems)
    errors = sum(problem.is_error for problem in listed)
    warnings = len(listed) - errors
    counts = [count(errors, "error")] * bool(errors) + [count(warnings, "warning")] * bool(warnings)
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
