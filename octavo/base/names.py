"""Names that several parts of Octavo share.

They are of files and folders of a site, endings, and the states of a post.
"""

from __future__ import annotations

CONFIG_FILE = "pyproject.toml"
SCRIPT_FILE = "build.py"
CACHE_FOLDER = ".octavo"
POSTS_FOLDER = "posts/"
ASSETS_FOLDER = "assets/"

SOURCE_ENDINGS = (".md", ".markdown")
"""The endings of a source, in any case of letters."""

LONGEST_NAME = 255
"""Bytes that file systems allow in one segment of a path."""

UNPUBLISHED = {"draft": "a draft", "future": "not published yet", "expired": "expired"}
"""The states of a valid post that keep it out of the site, as messages call them."""

POST_PAGE_KINDS = ("article", "page")
"""The kinds of page whose subject is one post."""
