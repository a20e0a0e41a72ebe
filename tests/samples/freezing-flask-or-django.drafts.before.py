"""An application with a page that nothing links to."""

from __future__ import annotations

from pathlib import Path

Path("cookbook_with_drafts.py").write_text(
    """
from flask import Flask

app = Flask(__name__)
drafts = ["pie"]


@app.route("/")
def index():
    return "nothing yet"


@app.route("/drafts/<name>/")
def draft(name):
    return name
""",
    "utf-8",
)
