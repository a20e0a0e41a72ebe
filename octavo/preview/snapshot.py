"""The site at one moment, as a whole: what was listed, what is known of it, and which pages there are."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from octavo.base.digest import Digest
from octavo.base.names import ASSETS_FOLDER, CONFIG_FILE, PAGES_OF_POSTS
from octavo.preview.site_problems import ProblemList
from octavo.site.extensions.source import script_files

if TYPE_CHECKING:
    from octavo.engine.store import Store
    from octavo.model.pages import Page
    from octavo.project.site_files import Files
    from octavo.site.inputs import Inputs, Static
    from octavo.site.stages import Described, Known


@dataclass(frozen=True)
class Snapshot:
    """The site at one moment, as a whole. ``inputs`` have the last good state of what is broken; ``statics`` are the
    files that no layout makes, by output path; ``files_asked`` are those that build.py read, with their digests. It
    ``is_related`` when the lists of related posts are of this moment as well, and ``is_held`` when a post is broken."""

    files: Files
    inputs: Inputs
    known: Known
    site: Described
    statics: Mapping[str, Static]
    inputs_digest: Digest
    files_asked: tuple[tuple[str, Digest], ...]
    problems: ProblemList
    is_related: bool
    is_held: bool
    store: Store
    now: dt.datetime

    @property
    def pages(self) -> Mapping[str, Page]:
        return self.site.routes.pages

    def make_ready(self) -> None:
        """Make what is made of all posts, in the thread that looks: whoever takes the view would wait for it."""
        _ = self.places, self.hidden

    @cached_property
    def places(self) -> Mapping[str, tuple[str, str]]:
        """Location -> what kind of file it is, and its path or name."""
        files = self.files
        places = {found.location: ("posts", path) for path, found in files.posts.items()}
        places |= {found.location: ("assets", name) for name, found in files.assets.items()}
        return places | {found.location: ("layouts", name) for name, (_, found) in files.layouts.items()}

    @cached_property
    def hidden(self) -> Mapping[str, str]:
        """href -> state of the posts that a build would not publish at the moment of the view."""
        return self.not_public(self.now)

    def source_of(self, url: str) -> str | None:
        """The path of the post that a page shows."""
        page = self.pages.get(url)
        return page.subject if page is not None and page.kind in PAGES_OF_POSTS else None

    def address_of(self, path: str) -> str | None:
        """The href of the page of a post, wherever it is; None when there is none."""
        post = self.known.published.index.by_path.get(path)
        return post.url if post is not None else None

    def not_public(self, now: dt.datetime) -> Mapping[str, str]:
        """href -> state of the posts that a build would not publish now."""
        live = self.known.published.index.live
        posts = (*live.posts, *live.pages)
        drafts = {post.url: "draft" for post in posts if post.draft}
        return drafts | {post.url: "future" for post in posts if not post.draft and post.date and post.date > now}

    def location_of(self, path: str, root: Path) -> Path | None:
        """Where a file of the site is that a problem or a page names; None for any other file."""
        if path in self.files.posts:
            return Path(self.files.posts[path].location)
        for shown, found in self.files.layouts.values():
            if shown == path:
                return Path(found.location)
        name = path.removeprefix(ASSETS_FOLDER)
        if name != path and name in self.files.assets:
            return Path(self.files.assets[name].location)
        plain = {file.relative_to(root).as_posix(): file for file in (root / CONFIG_FILE, *script_files(root))}
        return plain.get(path)
