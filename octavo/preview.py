"""The preview of a site: built beside the published one, served to this machine, built again on each change."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from dataclasses import replace

from octavo import urls
from octavo.diagnostic import to_text
from octavo.project import Project, Report
from octavo.publish import PublishError
from octavo.serve import Preview, PreviewServer
from octavo.watch import watch

TRIES = 20
"""Ports tried from the one asked for, when it is taken."""


def preview(project: Project, host: str, port: int, open_browser: bool, stop: threading.Event | None = None) -> int:
    """Serve until interrupted or ``stop`` is set. ``project`` builds into a folder of the preview's own."""
    shown = _next(project, Preview(project.output, frozenset(), "", 0))
    server = _listen(host, port, lambda: shown)
    if server is None:
        print(f"octavo: no port from {port} to {port + TRIES - 1} is free", file=sys.stderr)
        return 2
    address = f"http://{'localhost' if host == '127.0.0.1' else host}:{server.server_port}{shown.base_path}/"
    print(f"{address}  (Ctrl-C ends)", flush=True)
    if host not in ("127.0.0.1", "::1", "localhost"):
        print(f"octavo: warning: other machines can see this preview at {host}", file=sys.stderr)
    server.start()
    if open_browser:
        import webbrowser

        webbrowser.open(address)
    try:
        for _ in watch(project.watched, stop):
            shown = _next(project, shown)
    finally:
        server.shutdown()
        server.server_close()
    return 0


def _listen(host: str, port: int, current: Callable[[], Preview]) -> PreviewServer | None:
    for candidate in range(port, port + TRIES):
        try:
            return PreviewServer(host, candidate, current)
        except OSError:
            continue
    return None


def _next(project: Project, shown: Preview) -> Preview:
    """What to show after a change: the new build, or the last good one with what is wrong now."""
    try:
        report = project.build()
    except PublishError as problem:
        return replace(shown, problems=str(problem))
    problems = "\n".join(to_text(problem) for problem in report.problems if problem.is_error)
    if problems != shown.problems or report.rendered:
        _say(report)
    if report.failed:
        return replace(shown, problems=problems)
    changed = bool(report.written or report.removed)
    base_path = urls.base_path(project.files().settings.base_url)
    return Preview(
        shown.folder, frozenset(project.published()), base_path, shown.build + (1 if changed or not shown.build else 0)
    )


def _say(report: Report) -> None:
    for problem in report.problems:
        print(to_text(problem), file=sys.stderr)
    if not report.failed:
        print(f"{len(report.rendered)} pages rendered in {report.seconds:.2f} s", flush=True)
