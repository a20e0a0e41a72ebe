"""The package works outside its own tests: layered configuration, the limits of a blueprint, the flask command."""

from __future__ import annotations

import os
import subprocess

from notes import create_app

MEMORY = {"SQLALCHEMY_DATABASE_URI": "sqlite:///:memory:"}

os.environ["FLASK_SECRET_KEY"] = "from the environment"
assert create_app(MEMORY).config["SECRET_KEY"] == "from the environment"
assert create_app({**MEMORY, "SECRET_KEY": "passed"}).config["SECRET_KEY"] == "passed"
del os.environ["FLASK_SECRET_KEY"]
assert create_app(MEMORY).config["SECRET_KEY"] == "dev"

client = create_app(MEMORY).test_client()
assert client.get("/api/notes/1").json == {"error": "not found"}
nothing = client.get("/api/nothing")
assert nothing.status_code == 404
assert not nothing.is_json

routes = subprocess.run(["flask", "--app", "notes", "routes"], capture_output=True, text=True, check=True).stdout
assert "pages.index" in routes
assert "api.show" in routes
