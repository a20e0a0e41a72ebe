"""``python -m octavo``: the same as the console script."""

from __future__ import annotations

from octavo.cli.main import main

if __name__ == "__main__":
    raise SystemExit(main())
