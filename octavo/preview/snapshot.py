"""The site at one moment, as a whole.

That is what was listed, what follows from it, and which pages there are.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from octavo.base.digest import Digest
from octavo.base.names import ASSETS_FOLDER, CONFIG_FILE, POST_PAGE_KINDS
from octavo.preview.site_problems import ProblemList
from octavo.site.extensions.source import script_files

if TYPE_CHECKING:
    from octavo.engine.store import Store
    from octavo.model.pages import Page
    from octavo.project.site_files import Files
    from octavo.site.inputs import Inputs, StaticOutput
    from octavo.site.stages import DescribedSite, LearnedSite


@dataclass(frozen=True)
class Snapshot:
    """The site at one moment, as a whole.

    It is exchanged as a whole, so any thread may read what was listed (``pages``, ``statics``, ``inputs``). Who asks
    questions in another thread than the session's must be ready for Unanswered and sqlite3.Error: the files, and the
    cache that the answers come from, may be others by then.
    """

    files: Files
    inputs: Inputs
    """What the site is made from, with the last good state of what is broken."""
    corpus: LearnedSite
    """The documents, which of them are published, and what is related."""
    site: DescribedSite
    statics: Mapping[str, StaticOutput]
    """The files that no layout makes, by output path."""
    inputs_digest: Digest
    """Stands for the files as they were listed, broken ones included."""
    files_asked: tuple[tuple[str, Digest], ...]
    """What build.py has read, with its digests."""
    problems: ProblemList
    has_related: bool
    """Whether the lists of related posts are of this moment as well."""
    has_broken_post: bool
    """Whether a post is broken, and shown in its last good state."""
    store: Store
    """The cache that it was computed from: what has not been read yet is only there."""
    now: dt.datetime

    @property
    def pages(self) -> Mapping[str, Page]:
        return self.site.routes.pages

    def precompute(self) -> None:
        """Compute what follows from all posts.

        This is called in the thread of the refresh: in the app's thread, a page would wait for it.
        """
        _ = self.names_by_location, self.unpublished

    @cached_property
    def names_by_location(self) -> Mapping[str, tuple[str, str]]:
        """Location -> what kind of file it is, and its path or name."""
        files = self.files
        names = {file.location: ("posts", path) for path, file in files.posts.items()}
        names |= {file.location: ("assets", name) for name, file in files.assets.items()}
        return names | {file.location: ("layouts", name) for name, (_, file) in files.layouts.items()}

    @cached_property
    def unpublished(self) -> Mapping[str, str]:
        """href -> state of posts that a build of that moment would leave out."""
        return self.unpublished_at(self.now)

    def source_of(self, url: str) -> str | None:
        """The path of the post that a page shows."""
        page = self.pages.get(url)
        return page.subject if page is not None and page.kind in POST_PAGE_KINDS else None

    def address_of(self, path: str) -> str | None:
        """The href of the page of a post, wherever it is; None when there is none."""
        post = self.corpus.publication.index.by_path.get(path)
        return post.url if post is not None else None

    def unpublished_at(self, now: dt.datetime) -> Mapping[str, str]:
        """href -> state of the posts that a build would leave out ``now``."""
        live = self.corpus.publication.index.published
        posts = (*live.posts, *live.pages)
        drafts = {post.url: "draft" for post in posts if post.draft}
        return drafts | {post.url: "future" for post in posts if not post.draft and post.date and post.date > now}

    def location_of(self, path: str, root: Path) -> Path | None:
        """Where a file of the site is that a problem or a page names.

        None for any other file.
        """
        if path in self.files.posts:
            return Path(self.files.posts[path].location)
        for layout_path, file in self.files.layouts.values():
            if layout_path == path:
                return Path(file.location)
        name = path.removeprefix(ASSETS_FOLDER)
        if name != path and name in self.files.assets:
            return Path(self.files.assets[name].location)
        plain = {file.relative_to(root).as_posix(): file for file in (root / CONFIG_FILE, *script_files(root))}
        return plain.get(path)
