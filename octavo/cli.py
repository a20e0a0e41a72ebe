"""The command line: arguments in, one command run, an exit status out."""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status, as ``run`` says."""
    _open_streams()
    given = list(sys.argv[1:] if arguments is None else arguments)
    # What follows is imported when it is known that there is something to do.
    from octavo.run import run

    return run(given)


def _open_streams() -> None:
    """Standard streams that can be written to: what they cannot show is escaped, and one that is closed leads to
    nowhere, so that no file that is opened later is given its number."""
    if None in (sys.stdin, sys.stdout, sys.stderr):
        while (descriptor := os.open(os.devnull, os.O_RDWR)) <= 2:
            pass
        os.close(descriptor)
        sys.stdout = sys.stdout or open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
        sys.stderr = sys.stderr or open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
