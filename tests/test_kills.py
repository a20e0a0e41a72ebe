"""A command that is killed at any change of a file: the next build equals a clean one, and knows all that is there."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.sites import SiteFolder, post

Site = Callable[[str], SiteFolder]

DYING = textwrap.dedent(
    """
    import os, signal, sys
    left, within = int(sys.argv[1]), sys.argv[2]
    events = {"os.remove": 0, "os.rename": 0, "os.rmdir": 0, "os.mkdir": 0, "os.truncate": 0, "open": 0}

    def hook(event, arguments):
        global left
        if event not in events or not isinstance(arguments[0], (str, os.PathLike)):
            return
        if event == "open" and not (arguments[2] or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            return
        if os.path.abspath(os.fspath(arguments[0])).startswith(within):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    from octavo.cli.main import main
    sys.exit(main(sys.argv[3:]))
    """
)

FIRST = f"-- posts/a.md --\n{post('A')}\n-- posts/b.md --\n{post('B')}"


def kill_at(folder: SiteFolder, number: int, *command: str) -> bool:
    """Run a command that is killed before its ``number``-th change of a file. False when it made fewer."""
    script = [sys.executable, "-c", DYING, str(number), str(folder.root), "-C", str(folder.root), *command]
    done = subprocess.run(script, capture_output=True, text=True, check=False)
    assert done.returncode in (0, -signal.SIGKILL), done.stderr
    return done.returncode != 0


def assert_recovers(folder: SiteFolder, tmp_path: Path) -> None:
    """The next build equals a clean one, and has nothing to say of files that it does not know."""
    script = [sys.executable, "-m", "octavo", "-C", str(folder.root), "build", "--jobs", "1"]
    done = subprocess.run(script, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "overwritten" not in done.stderr and "did not write" not in done.stderr and "stays" not in done.stderr
    clean = tmp_path / "clean"
    folder.built(output=str(clean), cache=str(tmp_path / "clean-cache"))
    names = {path.relative_to(clean).as_posix(): path.read_bytes() for path in clean.rglob("*") if path.is_file()}
    there = {
        path.relative_to(folder.root / "output").as_posix(): path.read_bytes()
        for path in (folder.root / "output").rglob("*")
        if path.is_file()
    }
    assert there == names  # the list as well


@pytest.mark.parametrize("command", [("build", "--jobs", "1"), ("clean",), ("clean", "--output")], ids=" ".join)
def test_a_command_that_is_killed_at_any_change_leaves_nothing_unknown(
    site: Site, tmp_path: Path, command: tuple[str, ...]
) -> None:
    folder = site(FIRST)
    folder.built()
    number = 0
    for step in range(1, 200):
        # The steps grow, for those at the beginning and at the end are the ones that differ.
        number = step if step < 12 else number + 5
        folder.write("posts/c.md", post(f"C{number}")).write("posts/a.md", post("A").replace("Words.", f"{number}."))
        (folder.root / "posts" / "b.md").unlink(missing_ok=True)
        if number % 2:
            folder.write("posts/b.md", post("B"))
        if command[0] == "clean":
            folder.built()
        is_killed = kill_at(folder, number, *command)
        assert_recovers(folder, tmp_path)
        if not is_killed:
            assert step > 8
            break
    else:
        pytest.fail("the command never came to its end")
