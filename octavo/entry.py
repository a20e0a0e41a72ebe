"""``Site(__file__)``: a build.py that declares what a site adds, and runs its commands."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from octavo import cli
from octavo.extend import Declarations, is_running


class Site(Declarations):
    """The site in the folder of a build.py: ``site = Site(__file__)``."""

    def __init__(self, file: str) -> None:
        super().__init__()
        self.root = Path(file).resolve().parent

    def main(self, arguments: Sequence[str] | None = None) -> int:
        """Run a command as ``octavo`` does, in the folder of build.py. Returns the exit status."""
        if is_running(self.root):
            return 0
        return cli.main(["-C", str(self.root), *(sys.argv[1:] if arguments is None else arguments)])
