"""The bar of a long step: on a terminal only, and gone when the step is."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Callable

import pytest

from octavo.cli import progress
from octavo.cli.progress import Progress, can_show
from tests.sites import SiteFolder, post


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_bar_is_for_those_who_see_it() -> None:
    assert can_show(Terminal(), {"TERM": "xterm"})
    assert not can_show(io.StringIO(), {"TERM": "xterm"})
    assert not can_show(Terminal(), {"TERM": "dumb"})
    assert not can_show(Terminal(), {"TERM": "xterm", "CI": "true"})
    assert not can_show(None, {})


def test_a_step_that_takes_long_has_a_bar_until_it_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "FIRST_BAR_SECONDS", 0.0)
    terminal = Terminal()
    bar = Progress(terminal)
    bar.began("parse")
    bar.expects("parse", 100)
    bar.ran("parse", "posts/a.md", 0.1)
    assert "reading posts   1% |" in terminal.getvalue()
    assert "1 of 100" in terminal.getvalue()
    for _ in range(98):
        bar.ran("parse", "posts/a.md", 0.1)
    bar.ended("parse")
    assert not terminal.getvalue().splitlines()[-1].strip()
    assert terminal.getvalue().count("\n") == 0


def test_a_step_that_is_soon_done_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    bar = Progress(terminal)
    bar.expects("parse", 100)
    for _ in range(100):
        bar.ran("parse", "posts/a.md", 0.1)
    bar.ended("parse")
    monkeypatch.setattr(progress, "FIRST_BAR_SECONDS", 0.0)
    bar.expects("render", progress.LEAST_ITEMS_LEFT)
    for _ in range(progress.LEAST_ITEMS_LEFT):
        bar.ran("render", "/", 0.1)
    bar.ended("render")
    assert terminal.getvalue() == ""


def test_a_step_that_fails_leaves_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "FIRST_BAR_SECONDS", 0.0)
    terminal = Terminal()
    bar = Progress(terminal)
    bar.expects("render", 100)
    bar.ran("render", "/", 0.1)
    bar.close()
    bar.close()
    assert not terminal.getvalue().splitlines()[-1].strip()


def through_a_terminal(command: list[str]) -> str:
    """What a command writes to a terminal of 100 columns, in an environment that is no CI's."""
    import pty
    import termios

    environment = {**{name: value for name, value in os.environ.items() if name != "CI"}, "TERM": "xterm"}
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 100))
    running = subprocess.Popen(command, stdout=theirs, stderr=theirs, stdin=subprocess.DEVNULL, env=environment)
    os.close(theirs)
    written = b""
    try:
        while block := os.read(ours, 4096):
            written += block
    except OSError:
        pass  # so Linux says that the other end is closed
    finally:
        os.close(ours)
    assert running.wait() == 0
    return written.decode()


@pytest.mark.skipif(os.name == "nt", reason="terminals of POSIX")
def test_a_build_on_a_terminal_shows_a_bar_unless_it_is_to_be_quiet(site: Callable[[str], SiteFolder]) -> None:
    folder = site("".join(f"-- posts/p{number}.md --\n{post(f'P {number}')}" for number in range(40)))
    code = (
        "import sys\nfrom octavo.cli import main, progress\nprogress.FIRST_BAR_SECONDS = 0.0\n"
        f"sys.exit(main.main(['-C', {str(folder.root)!r}, 'build', '--fresh', '--jobs', '1', *sys.argv[1:]]))\n"
    )
    shown = through_a_terminal([sys.executable, "-c", code])
    assert "reading posts" in shown
    assert "rendering pages" in shown
    assert shown.splitlines()[-1].endswith(" s")
    assert through_a_terminal([sys.executable, "-c", code, "--quiet"]) == ""
    assert "rendering" not in through_a_terminal([sys.executable, "-c", code, "--format", "json"])
    piped = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert piped.stderr == b""
