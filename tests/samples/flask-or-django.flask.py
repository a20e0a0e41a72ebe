"""Hello World answers, and Flask is as small as the article says."""

from __future__ import annotations

from importlib.metadata import requires
from pathlib import Path

import flask

answer = app.test_client().get("/")
assert answer.status_code == 200
assert answer.text == "Hello, World!"
assert app.test_client().get("/elsewhere").status_code == 404

lines = sum(len(path.read_text("utf-8").splitlines()) for path in Path(flask.__file__).parent.rglob("*.py"))
assert 8_500 < lines < 9_999, lines

needed = [line for line in requires("Flask") if "extra ==" not in line and "python_version <" not in line]
assert len(needed) == 6, needed
