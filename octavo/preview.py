"""The preview of a site: built beside the published one, served to this machine, built again on each change."""

from __future__ import annotations

import sys
import time
import webbrowser
from dataclasses import replace

from octavo import urls
from octavo.diagnostic import to_text
from octavo.failures import Failure, Usage
from octavo.project import Project, Report
from octavo.rebuild import rebuilds
from octavo.serve import LOCAL, Preview, listen
from octavo.watch import Changes

TRIES = 20
"""Ports tried from the one asked for, when it is taken."""


def preview(project: Project, changes: Changes, host: str, port: int, open_browser: bool) -> int:
    """Serve until interrupted or the changes end. ``project`` builds into a folder of the preview's own.

    What an earlier preview built is shown until the first build is done. Raises Usage where it cannot listen.
    """
    # A page that an earlier preview gave must see that this is another one.
    number = time.time_ns() // 1_000_000
    shown = Preview(project.output, frozenset(project.published()), _base_path(project), number)
    try:
        servers = listen(host, port, TRIES, lambda: shown)
    except OSError as problem:
        raise Usage(f"the preview cannot listen at {host}, port {port}: {problem.strerror or problem}") from problem
    address = f"http://{_name(host)}:{servers[0].server_port}{shown.base_path}/"
    try:
        for server in servers:
            server.start()
        print(f"{address}  (Ctrl-C ends)", flush=True)
        if host not in LOCAL:
            print(f"octavo: warning: other machines can see this preview at {host}", file=sys.stderr)
        if open_browser:
            webbrowser.open(address)
        for outcome in rebuilds(project, changes):
            before, shown = shown, after(shown, outcome, project)
            _tell(before, outcome)
    finally:
        for server in servers:
            server.stop()
    return 0


def after(shown: Preview, outcome: Report | Failure, project: Project) -> Preview:
    """What to show after a build: what it made, or the last good site with what is wrong now."""
    problems = _problems(outcome)
    if isinstance(outcome, Failure) or outcome.failed:
        return replace(shown, problems=problems)
    changed = bool(outcome.written or outcome.removed)
    return Preview(
        shown.folder, frozenset(project.published()), _base_path(project), shown.build + changed, problems=""
    )


def _problems(outcome: Report | Failure) -> str:
    if isinstance(outcome, Failure):
        return outcome.words
    return "\n".join(to_text(problem) for problem in outcome.problems if problem.is_error)


def _tell(before: Preview, outcome: Report | Failure) -> None:
    """Say in the terminal what is new since what was shown before. Said once it is there to be seen."""
    new = _problems(outcome) != before.problems
    if isinstance(outcome, Failure):
        if new:
            print(outcome.words, file=sys.stderr, flush=True)
    elif new or outcome.rendered:
        _say(outcome)


def _base_path(project: Project) -> str:
    return urls.base_path(project.settings().base_url)


def _name(host: str) -> str:
    if host in ("127.0.0.1", "0.0.0.0"):
        return "localhost"
    return f"[{host}]" if ":" in host else host


def _say(report: Report) -> None:
    for problem in report.problems:
        print(to_text(problem), file=sys.stderr)
    if not report.failed:
        done = f"{len(report.rendered)} pages rendered in {report.seconds:.2f} s" if report.rendered else "right again"
        print(done, flush=True)
