"""The files are there, a broken link stops the freeze, and an address without a slash is warned about."""

from __future__ import annotations

import warnings
from pathlib import Path

from flask import Flask, redirect, request, url_for
from flask_frozen import FrozenFlaskWarning

written = sorted(path.relative_to("build").as_posix() for path in Path("build").rglob("*.html"))
assert written == ["index.html", "recipes/bread/index.html", "recipes/soup/index.html"]
assert "Flour" in Path("build/recipes/bread/index.html").read_text("utf-8")


def site(**views):
    app = Flask("small", root_path=str(Path.cwd() / "small"))
    app.config["FREEZER_DESTINATION"] = "out"
    for path, view in views.values():
        app.add_url_rule(path, view.__name__, view)
    return Freezer(app)


def about():
    return "about"


with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    site(about=("/about", about)).freeze()
assert any(issubclass(one.category, FrozenFlaskWarning) for one in caught)
assert Path("small/out/about").is_file()


def home():
    return url_for("gone", id=1)


def gone(id):
    return "gone", 404


try:
    site(home=("/", home), gone=("/gone/<id>/", gone)).freeze()
except ValueError as error:
    assert "404" in str(error)
else:
    raise AssertionError("a broken link did not stop the freeze")


def start():
    return url_for("listing", page=2)


def listing():
    return request.args.get("page", "1")


with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    site(start=("/", start), listing=("/list/", listing)).freeze()
assert [path.as_posix() for path in Path("small/out/list").iterdir()] == ["small/out/list/index.html"]
