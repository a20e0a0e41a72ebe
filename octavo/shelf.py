"""What a browser can ask a preview for, of the site at one moment."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from octavo import urls
from octavo.facts import Unanswered
from octavo.lazy_mapping import LazyMapping
from octavo.names import ASSETS_FOLDER
from octavo.serve import Shelf

if TYPE_CHECKING:
    from octavo.pipeline import Static
    from octavo.project import Project
    from octavo.view import View


@dataclass(frozen=True)
class StaticFile:
    """A file that no layout makes, as it was listed."""

    digest: bytes
    content: bytes | None
    location: Path

    def read(self) -> bytes:
        return self.location.read_bytes() if self.content is None else self.content


def shelf(view: View, statics: Mapping[str, Static], project: Project) -> Shelf:
    """All of it. ``statics`` are the files that no layout makes, as they are now."""
    settings = view.inputs.settings
    return Shelf(
        urls.base_path(settings.base_url),
        view.pages,
        # Each is looked up when it is asked for: there may be one for each post.
        LazyMapping(statics, lambda path: static_file(view, statics[path])),
        _Images(project, view),
        settings.permalinks.not_found,
    )


def static_file(view: View, static: Static) -> StaticFile:
    name = static.origin.removeprefix(ASSETS_FOLDER)
    found = view.files.assets.get(name) if name != static.origin else view.files.others.get(static.origin)
    return StaticFile(static.digest, static.content, Path(found.location) if found is not None else Path())


@dataclass(frozen=True)
class _Images:
    """Makes an image when it is asked for."""

    project: Project
    view: View

    def __call__(self, url: str) -> bytes | None:
        from octavo.ondemand import image_at

        try:
            return image_at(url, self.view.known, self.project.cache.gallery())
        except (Unanswered, sqlite3.Error):  # what it is made from is another one now, or in another cache
            return None
