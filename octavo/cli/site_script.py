"""``Site(__file__)``: what a build.py declares and runs."""

from __future__ import annotations

import os
import sys

from octavo.cli import main
from octavo.site.extensions.declare import Declarations, being_run

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence


class Site(Declarations):
    """The site in the folder of a build.py: ``site = Site(__file__)``."""

    def __init__(self, file: str) -> None:
        super().__init__()
        self.folder = os.path.dirname(os.path.realpath(file))  # noqa: PTH120

    def main(self, arguments: Sequence[str] | None = None) -> int:
        """Run a command as ``octavo`` does, in the folder of build.py.

        Returns the exit status.
        """
        if self.folder in being_run:
            return 0
        if arguments is None:
            main.read_names_as_utf8()
        return main.main(["-C", self.folder, *(sys.argv[1:] if arguments is None else arguments)])
