"""The preview's session: the site as it is while it is being written.

Every page is as a build would make it, rendered when somebody looks at it.

There are two ways to follow a change, and both ask the same facts and run the same steps as a build. ``apply_changes``
answers anew only the questions about the files that were saved: what it shows is there at once, and may lack what
follows for others (lists, related posts). ``refresh`` lists all files and lets the memo find out; what it shows is what
a build makes.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from octavo.base.diagnostics import Diagnostic
from octavo.base.digest import Digest, digest
from octavo.base.memory import release_memory
from octavo.engine.facts import Fact, Facts, Interrupted, Query, Reader, Unanswered
from octavo.engine.store import Store
from octavo.model.queries import BodyOf, Setting, Template
from octavo.preview.overlay import FEW, Saved, Touched, parsed
from octavo.preview.site_problems import ProblemList, Problems, combine_problems, list_problems
from octavo.preview.snapshot import Snapshot
from octavo.project.build import make_inputs
from octavo.project.project import Project
from octavo.project.stat_cache import FileChanged

if TYPE_CHECKING:
    from octavo.engine.memo import Memo
    from octavo.project.site_files import Files
    from octavo.site.inputs import Inputs, StaticOutput

HELD_PAGES = 200
"""Rendered pages that are kept for whoever comes back to them."""

LARGEST_HELD_BYTES = 1_000_000
"""Bytes of a page that is kept: a larger one, such as an index of the whole site, is rendered when it is asked for."""


class RelatedRun(NamedTuple):
    """What another process has written to the cache.

    These are runs of these ``steps``, for files that ``inputs`` stands for.
    """

    inputs: Digest
    steps: frozenset[str]


@dataclass(frozen=True)
class RenderedPage:
    """A page as it was rendered last, and what is wrong with it."""

    url: str
    content: bytes
    """With ``problems``, that of the last time there were none; empty if that was never."""
    dependencies: Mapping[Query[Any], Digest]
    """The questions that it asked, with the digests of the answers: while these are the same, so is the page."""
    problems: tuple[Diagnostic, ...] = ()
    layouts: tuple[str, ...] = ()


class PreviewSession:
    """Follows the files of a project, and renders its pages.

    It belongs to one thread, but for ``compute_snapshot``, which may run in another beside all else, one at a time.
    While it does, the memo is that thread's, and it opens and writes the cache; the owner goes on to render from the
    snapshot before, whose store is kept open for that.
    """

    def __init__(self, project: Project) -> None:
        self.project = project
        self.snapshot: Snapshot | None = None
        """None until the first refresh. Exchanged as a whole, so that other threads see the one before or after."""
        self._overlay: Saved | None = None
        """The snapshot with what was saved since."""
        self._memo: Memo | None = None
        """What the last refresh has learnt; None while one is under way, and after one that failed."""
        self._rendered_pages: OrderedDict[str, tuple[int, RenderedPage]] = OrderedDict()
        """URL -> the revision of which it is known that the page holds, and the page; the last that was used last."""
        self._revision = 0
        """Of the facts: another one with each snapshot, and each change that was applied to it."""
        self._good_layouts: dict[str, Fact] = {}
        """Name -> layout as it was when a page was last rendered well with it."""
        self._is_cache_ahead = False
        """Whether the cache may have what is newer than the snapshot. The thread of the refresh sets it before it
        writes; the owner must not clear it before the new snapshot is installed."""
        self._rendered_while_ahead: set[str] = set()
        """The URLs of pages that may be made from both."""
        self._store_in_use: Store | None = None
        """What the snapshot reads from, where the project has opened the cache anew since."""
        self._is_cache_corrupt = False

    # The site as a whole.

    def refresh(self, with_related: bool = True, related_run: RelatedRun | None = None) -> bool:
        """Compute a snapshot and install it.

        False when nothing has changed since the last time.
        """
        snapshot = self.compute_snapshot(with_related, related_run)
        if snapshot is not None:
            self.install_snapshot(snapshot)
        return snapshot is not None

    def compute_snapshot(self, with_related: bool = True, related_run: RelatedRun | None = None) -> Snapshot | None:
        """Compute what the files have become; None when nothing has changed.

        Without ``with_related`` the lists of related posts are those of the cache: as they were, unless another process
        has just worked them out, as ``related_run`` says.

        This may be done in another thread, one at a time. What is saved meanwhile has to be applied again once the
        snapshot is installed: it may have been listed before. Raises what a build raises: Locked,
        publish.PublishError, Usage.
        """

        def is_followed() -> bool:
            # Asked when another process has written to the cache: whether the memo can take that over.
            memo = self._memo
            if related_run is not None and memo is not None and memo.follow(related_run.steps):
                return True
            self._keep_store_open()
            return False

        # Before anything is written, so that no page that reads it goes unnoticed. Where there is a snapshot to
        # install, it stays so until that has been done.
        self._is_cache_ahead = True
        try:
            snapshot = self._compute(with_related, related_run, is_followed)
            self._is_cache_ahead = snapshot is not None
            return snapshot
        finally:
            # What only this refresh needed is free now, and a preview runs for hours.
            self.project.cache.store.rest()
            release_memory()

    def _keep_store_open(self) -> None:
        """Keep the store of the snapshot open until another one is installed.

        The project is about to close its store and to open the cache anew, but what is saved meanwhile is rendered from
        this one, in the owner's thread.
        """
        project = self.project
        if self.snapshot is not None and self.snapshot.store is project.cache.store:
            self._store_in_use = project.cache.hand_over_store()

    def close(self) -> None:
        """Close what the project does not close."""
        if self._store_in_use is not None:
            self._store_in_use.close()
            self._store_in_use = None

    def _compute(
        self, with_related: bool, related_run: RelatedRun | None, is_followed: Callable[[], bool]
    ) -> Snapshot | None:
        def work(files: Files, with_last_good: bool) -> Snapshot | None:
            return self._make_snapshot(files, with_related, related_run, with_last_good)

        try:
            return self.project.alone_with(lambda files: work(files, with_last_good=True), is_followed)
        except Unanswered:
            # The last good state of a broken file can be had no more: it is broken, then.
            return self.project.alone_with(lambda files: work(files, with_last_good=False))

    def discard_cache(self) -> None:
        """Have the next refresh begin the cache anew.

        To be called when what it says it has cannot be read from it.
        """
        self._is_cache_corrupt = True

    def install_snapshot(self, snapshot: Snapshot) -> None:
        """Show the site as it was computed."""
        self.snapshot = snapshot
        self._overlay = Saved(snapshot)
        self._revision += 1
        # What was rendered while the cache was ahead of the snapshot may be made from both. It is rendered again.
        for url in self._rendered_while_ahead & self._rendered_pages.keys():
            self._rendered_pages[url] = (-1, replace(self._rendered_pages[url][1], dependencies=_OUTDATED, problems=()))
        self._rendered_while_ahead.clear()
        self._is_cache_ahead = False
        # At last: this thread reads no more from the store of the snapshot before.
        self.close()

    def _make_snapshot(
        self, files: Files, with_related: bool, related_run: RelatedRun | None, with_last_good: bool
    ) -> Snapshot | None:
        from octavo.site import inputs as site_inputs
        from octavo.site import pipeline

        now, before = self.project.options.now(), self.snapshot
        if self._is_cache_corrupt:
            self._is_cache_corrupt, self._memo, before = False, None, None
            self.project.cache.store.forget_all()
        inputs_digest = files.digest()
        is_same = before is not None and before.inputs_digest == inputs_digest
        is_enough = (
            before is not None and before.store is self.project.cache.store and (before.has_related or not with_related)
        )
        if before is not None and is_same and is_enough and related_run is None:
            are_same_published = before.corpus.publication.index.published.holds(now)
            if are_same_published and all(
                before.inputs.file(path).digest == file_digest for path, file_digest in before.files_asked
            ):
                return None
        inputs = make_inputs(self.project.root, self.project.options, files, now)
        problems_of_broken: tuple[Diagnostic, ...] = ()
        if with_last_good:
            inputs, problems_of_broken = self._with_last_good(files, inputs)
        # There is no memo until this has come to its end: one that a refresh has left halfway is of no use any more.
        memo, self._memo = self._memo_for(inputs), None
        corpus = pipeline.learn(inputs, memo, relating=with_related)
        site = pipeline.describe(inputs, memo, corpus)
        problems = list_problems(
            (*problems_of_broken, *pipeline.check(inputs, memo, corpus, site)),
            self.project.options.apply_severity,
            before.problems if before else None,
        )
        memo.finish()
        self._memo = memo
        # The index is made here at the latest: it comes from the cache, which is another one after the next refresh.
        statics = site_inputs.collect_static_outputs(corpus.assets, corpus.publication.index.attachments, inputs)
        files_asked = pipeline.files_asked(memo, inputs)
        snapshot = Snapshot(
            files,
            inputs,
            corpus,
            site,
            statics,
            inputs_digest,
            files_asked,
            problems,
            with_related or (related_run is not None and related_run.inputs == inputs_digest),
            bool(problems_of_broken),
            self.project.cache.store,
            now,
        )
        snapshot.precompute()
        return snapshot

    def _memo_for(self, inputs: Inputs) -> Memo:
        """The memo of the last refresh, where it is still what the cache holds."""
        before, memo = self.snapshot, self._memo
        if memo is not None and before is not None and memo.is_of(self.project.cache.store, inputs.script):
            memo.again()
            return memo
        return self.project.memo(inputs)

    def _with_last_good(self, files: Files, inputs: Inputs) -> tuple[Inputs, tuple[Diagnostic, ...]]:
        """The inputs with the last good state of what is broken now.

        With them come the problems of broken posts.
        """
        before = self.snapshot
        if before is None:
            return inputs, ()
        problems: list[Diagnostic] = []
        if any(problem.is_error for problem in files.config.problems):
            inputs = replace(inputs, settings=before.inputs.settings)
        if inputs.script.source is None and files.script is not None:
            inputs = replace(inputs, script=before.inputs.script)
        posts = dict(inputs.posts)
        changed = [path for path, source in posts.items() if self._has_good_post_changed(before, path, source)]
        for path in changed if len(changed) <= FEW else ():
            document = parsed(path, inputs)
            if document.meta is None:
                problems += document.problems
                posts[path] = _hold_source(before.inputs.posts[path])
        return replace(inputs, posts=posts), tuple(problems)

    @staticmethod
    def _has_good_post_changed(before: Snapshot, path: str, source: Fact) -> bool:
        """Whether a post that was good is another one now."""
        source_before = before.inputs.posts.get(path)
        if source_before is None or source_before.digest == source.digest:
            return False
        return before.corpus.publication.index.published.states.get(path, "broken") != "broken"

    # What was saved.

    def apply_changes(self, places: Iterable[Path]) -> Touched:
        """Answer anew what is asked about files that were saved."""
        if self._overlay is None:
            return Touched(False, False)
        touched = self._overlay.touch(places)
        self._revision += touched.done
        return touched

    @property
    def facts(self) -> Facts:
        """All that pages ask, as it is now."""
        assert self._overlay is not None
        return self._overlay.facts

    @property
    def statics(self) -> Mapping[str, StaticOutput]:
        """The files that no layout makes, by output path."""
        return self._overlay.statics if self._overlay is not None else {}

    # Pages.

    def render_page(self, url: str) -> RenderedPage | None:
        """The page at a URL as it is now; None when there is none.

        Raises Unanswered when a file is no longer what it was in the snapshot: refresh, and try again.
        """
        snapshot = self.snapshot
        if snapshot is None or url not in snapshot.pages:
            self._rendered_pages.pop(url, None)
            return None
        if self._is_cache_ahead:
            self._rendered_while_ahead.add(url)
        before, facts = self._rendered_pages.get(url), self.facts
        if before is not None and (before[0] == self._revision or _is_current(before[1], facts)):
            self._hold(before[1])
            return before[1]
        page = self._render(url, facts)
        if page.problems or self._lacks_layout(page):
            content = before[1].content if before is not None else self._render_with_good_layouts(url, facts)
            page = replace(page, content=content)
        else:
            self._good_layouts |= {
                query.name: facts.fact(query) for query in page.dependencies if type(query) is Template
            }
        self._hold(page)
        return page

    def page_problems(self) -> tuple[Diagnostic, ...]:
        """What is wrong with pages as they were rendered last, if it still is.

        Each of them is asked about once for a change.
        """
        problems: list[Diagnostic] = []
        for url, (revision, page) in list(self._rendered_pages.items()):
            if page.problems and self.snapshot is not None:
                if url not in self.snapshot.pages:
                    del self._rendered_pages[url]
                elif revision == self._revision or _is_current(page, self.facts):
                    self._rendered_pages[url] = (self._revision, page)
                    problems += page.problems
        return tuple(problems)

    def collect_problems(self) -> Problems:
        """All that is known to be wrong, weighed by what the command line says."""
        if self.snapshot is None:
            return Problems(ProblemList())
        return combine_problems(self.snapshot.problems, map(self.project.options.apply_severity, self.page_problems()))

    def _render(self, url: str, facts: Facts) -> RenderedPage:
        from octavo.templates.render import render

        reader = Reader(facts)
        try:
            output = render(url, reader)
        except Interrupted as interrupted:
            raise interrupted.problem from interrupted
        asked = reader.asked
        layouts = tuple(query.name for query in asked if type(query) is Template)
        return RenderedPage(url, output.content, asked, output.problems, layouts)

    def _render_with_good_layouts(self, url: str, facts: Facts) -> bytes:
        """The page with the layouts of the last page that was rendered well.

        Empty if that is no better.
        """
        good = self._good_layouts

        def template(query: Template) -> Fact:
            return good.get(query.name) or facts.fact(query)

        return self._render(url, facts.extended({Template: template})).content if good else b""

    @staticmethod
    def _lacks_layout(page: RenderedPage) -> bool:
        """Whether there is no such layout as a page names.

        That is a problem of its post, not of the page.
        """
        return not page.content and _ABSENT in [page.dependencies[Template(name)] for name in page.layouts]

    def _hold(self, page: RenderedPage) -> None:
        """Keep a page as the one that was used last."""
        self._rendered_pages.pop(page.url, None)
        if len(page.content) <= LARGEST_HELD_BYTES or page.problems:
            self._rendered_pages[page.url] = (self._revision, page)
        while len(self._rendered_pages) > HELD_PAGES:
            self._rendered_pages.popitem(last=False)

    def ask(self, query: Query[Any]) -> Any:
        """The answer to one question as it is now."""
        return self.facts.fact(query).load()

    def number_lines(self, page: RenderedPage) -> bytes:
        """Have the blocks of a page say at which line of its source they begin.

        That is the way from the page to the editor. Where its layout does something else with the body than to write
        it, the page is as it is.
        """
        path = self.snapshot.source_of(page.url) if self.snapshot is not None else None
        if path is None:
            return page.content
        from octavo.content.parse import numbered_body
        from octavo.templates.body import body_html

        reader = Reader(self.facts)
        try:
            body = reader(BodyOf(path))
            plain = body_html(body, reader) if body is not None else ""
            marked = body_html(numbered_body(path, reader), reader) if plain.strip() else ""
        except Interrupted:
            return page.content  # the source is being written: the page after the next refresh has the lines
        return page.content.replace(plain.encode(), marked.encode(), 1) if marked else page.content

    def layouts_of(self, problem: Diagnostic) -> tuple[str, ...]:
        """The layouts of a page that could not be rendered, the outermost last."""
        for _, page in self._rendered_pages.values():
            if problem in page.problems:
                return page.layouts
        return ()


class _SourceLost(Unanswered):
    """What a broken file was before is in the cache no more.

    Such as when another process has seen it broken.
    """


def _hold_source(source: Fact) -> Fact:
    """A source as it was, which only the cache knows."""

    def load() -> Any:
        try:
            return source.load()
        except FileChanged as problem:
            raise _SourceLost(str(problem)) from problem

    return Fact(source.digest, load)


_ABSENT = digest(None)
"""The digest of the answer about a layout that does not exist."""

_OUTDATED: Mapping[Query[Any], Digest] = {Setting("title"): b""}
"""For a page that must be rendered again: no answer has this digest."""


def _is_current(page: RenderedPage, facts: Facts) -> bool:
    """Whether all that a page asked has the same answers."""
    try:
        return all(facts.digest(query) == digest_before for query, digest_before in page.dependencies.items())
    except Unanswered:
        return False
