"""The files hold the pages, a missing page stops the freeze, and the host can be given."""

from __future__ import annotations

assert Path("build/recipes/bread/index.html").read_text("utf-8") == recipes["bread"]
assert Path("build/index.html").read_text("utf-8") == "http://testserver/"
assert Client(headers={"host": "recipes.example"}).get("/").content == b"http://recipes.example/"

try:
    freeze(["/recipes/cake/"], "build")
except SystemExit as stopped:
    assert "404" in str(stopped)
else:
    raise AssertionError("a missing page did not stop the freeze")
