"""The site as it is while it is being written: every page as a build would make it, rendered when somebody looks at it.

There are two ways to follow a change, and both ask the same facts and run the same steps as a build. ``touch`` answers
anew only the questions about the files that were saved: what it shows is there at once, and may lack what follows for
others (lists, related posts). ``look`` lists all files and lets the memo find out; what it shows is what a build makes.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from octavo.base.diagnostics import Diagnostic
from octavo.base.digest import Digest, digest
from octavo.base.memory import give_back
from octavo.engine.facts import Fact, Facts, Interrupted, Query, Reader, Unanswered
from octavo.engine.store import Store
from octavo.model.queries import BodyOf, Setting, Template
from octavo.preview.overlay import FEW, Saved, Touched, parsed
from octavo.preview.related_process import RelatedRun
from octavo.preview.site_problems import ProblemList, Problems, found, problems_with
from octavo.preview.snapshot import Snapshot
from octavo.project.build import make_inputs
from octavo.project.project import Project
from octavo.project.stat_cache import FileChanged

if TYPE_CHECKING:
    from octavo.engine.memo import Memo
    from octavo.project.site_files import Files
    from octavo.site.inputs import Inputs, Static

HELD_PAGES = 200
"""Rendered pages that are kept for whoever comes back to them."""

LARGEST_HELD = 1_000_000
"""Bytes of a page that is kept: a larger one, such as an index of the whole site, is rendered when it is asked for."""


@dataclass(frozen=True)
class RenderedPage:
    """A rendered page: what it asked with the digests of the answers, and what is wrong with it. With ``problems`` the
    ``content`` is that of the last time there were none; empty if that was never."""

    url: str
    content: bytes
    asked: Mapping[Query[Any], Digest]
    problems: tuple[Diagnostic, ...] = ()
    layouts: tuple[str, ...] = ()


class PreviewSession:
    """Follows the files of a project. Not for two threads at once, but for ``see``, which works beside all else.

    ``view`` is None until the first ``look``; it is exchanged as a whole, so another thread may read what is in it that
    was listed (pages, statics, inputs), but ask nothing.
    """

    def __init__(self, project: Project) -> None:
        self.project = project
        self.view: Snapshot | None = None
        self._saved: Saved | None = None
        self._memo: Memo | None = None
        self._shown: OrderedDict[str, tuple[int, RenderedPage]] = OrderedDict()
        self._number = 0
        self._good_layouts: dict[str, Fact] = {}
        self._is_ahead = False
        self._doubtful: set[str] = set()
        self._left: Store | None = None
        self._is_cache_doubtful = False

    # The whole.

    def look(self, relating: bool = True, elsewhere: RelatedRun | None = None) -> bool:
        """``see`` and ``take``. False when nothing has changed since the last time."""
        found = self.see(relating, elsewhere)
        if found is not None:
            self.take(found)
        return found is not None

    def see(self, relating: bool = True, elsewhere: RelatedRun | None = None) -> Snapshot | None:
        """What the files have become; None when nothing has changed since the last time. Without ``relating`` the lists
        of related posts are those of the cache: as they were, unless ``relate_apart`` has just worked them out, as
        ``elsewhere`` says.

        This may be done in another thread, one at a time. What is saved meanwhile has to be touched anew once the view
        is taken: it may have been listed before. Raises what a build raises: Locked, publish.PublishError, Usage.
        """

        def follows() -> bool:
            memo = self._memo
            if elsewhere is not None and memo is not None and memo.follow(elsewhere.steps):
                return True
            self._leave_store()
            return False

        self._is_ahead = True
        try:
            found = self._seen(relating, elsewhere, follows)
            self._is_ahead = found is not None
            return found
        finally:
            # The view before is gone, and much with it: a preview runs for hours.
            self.project.cache.store.rest()
            give_back()

    def _leave_store(self) -> None:
        """Keep the store of the view open until another view is taken: what is saved meanwhile is rendered with it. The
        project is about to close its store, and opens the cache anew."""
        project = self.project
        if self.view is not None and self.view.store is project.cache.store:
            self._left = project.cache.hand_over_store()

    def close(self) -> None:
        """Close what the project does not close."""
        if self._left is not None:
            self._left.close()
            self._left = None

    def _seen(self, relating: bool, elsewhere: RelatedRun | None, follows: Callable[[], bool]) -> Snapshot | None:
        try:
            return self.project.alone_with(lambda files: self._view(files, relating, elsewhere, keeping=True), follows)
        except Unanswered:
            return self.project.alone_with(lambda files: self._view(files, relating, elsewhere, keeping=False))

    def doubt_cache(self) -> None:
        """Have the next look begin the cache anew: what it says was made cannot be read from it."""
        self._is_cache_doubtful = True

    def take(self, view: Snapshot) -> None:
        """Show the site as it was seen."""
        self.view = view
        self._saved = Saved(view)
        self._number += 1
        # What was shown while the cache was ahead of the view may be made from both.
        for url in self._doubtful & self._shown.keys():
            self._shown[url] = (-1, replace(self._shown[url][1], asked=_NEVER, problems=()))
        self._doubtful.clear()
        self._is_ahead = False
        self.close()

    def _view(self, files: Files, relating: bool, elsewhere: RelatedRun | None, keeping: bool) -> Snapshot | None:
        from octavo.site import inputs as site_inputs
        from octavo.site import pipeline

        now, before = self.project.options.now(), self.view
        if self._is_cache_doubtful:
            self._is_cache_doubtful, self._memo, before = False, None, None
            self.project.cache.store.forget_all()
        inputs_digest = files.digest()
        is_same = before is not None and before.inputs_digest == inputs_digest
        is_enough = (
            before is not None and before.store is self.project.cache.store and (before.is_related or not relating)
        )
        if before is not None and is_same and is_enough and elsewhere is None:
            same = before.known.published.index.live.holds(now)
            if same and all(before.inputs.file(path).digest == known for path, known in before.files_asked):
                return None
        inputs, held = self._kept_good(files, make_inputs(self.project.root, self.project.options, files, now), keeping)
        memo, self._memo = self._memo_for(inputs), None
        known = pipeline.learn(inputs, memo, relating=relating)
        site = pipeline.describe(inputs, memo, known)
        problems = found(
            (*held, *pipeline.check(inputs, memo, known, site)),
            self.project.options.weigh,
            before.problems if before else None,
        )
        memo.finish()
        self._memo = memo
        # The index is made here at the latest: it comes from the cache, which is another one after the next look.
        statics = site_inputs.statics(known.assets, known.published.index.attachments, inputs)
        asked = pipeline.files_asked(memo, inputs)
        view = Snapshot(
            files,
            inputs,
            known,
            site,
            statics,
            inputs_digest,
            asked,
            problems,
            relating or (elsewhere is not None and elsewhere.inputs == inputs_digest),
            bool(held),
            self.project.cache.store,
            now,
        )
        view.make_ready()
        return view

    def _memo_for(self, inputs: Inputs) -> Memo:
        """The memo of the last look, where it is still what the cache holds."""
        before, memo = self.view, self._memo
        if memo is not None and before is not None and memo.is_of(self.project.cache.store, inputs.script):
            memo.again()
            return memo
        return self.project.memo(inputs)

    def _kept_good(self, files: Files, inputs: Inputs, keeping: bool) -> tuple[Inputs, tuple[Diagnostic, ...]]:
        """The inputs with the last good state of what is broken now in its place, and the problems of that."""
        before = self.view
        if before is None or not keeping:
            return inputs, ()
        held: list[Diagnostic] = []
        if any(problem.is_error for problem in files.config.problems):
            inputs = replace(inputs, settings=before.inputs.settings)
        if inputs.script.source is None and files.script is not None:
            inputs = replace(inputs, script=before.inputs.script)
        posts = dict(inputs.posts)
        changed = [path for path, found in posts.items() if self._differs(before, path, found)]
        for path in changed if len(changed) <= FEW else ():
            document = parsed(path, inputs)
            if document.meta is None:
                held += document.problems
                posts[path] = _as_kept(before.inputs.posts[path])
        return replace(inputs, posts=posts), tuple(held)

    @staticmethod
    def _differs(before: Snapshot, path: str, found: Fact) -> bool:
        """Whether a post that was good is another one now."""
        known = before.inputs.posts.get(path)
        if known is None or known.digest == found.digest:
            return False
        return before.known.published.index.live.states.get(path, "broken") != "broken"

    # What was saved.

    def touch(self, places: Iterable[Path]) -> Touched:
        """Answer anew what is asked about these files."""
        if self._saved is None:
            return Touched(False, False)
        touched = self._saved.touch(places)
        self._number += touched.done
        return touched

    @property
    def facts(self) -> Facts:
        """All that pages ask, as it is now."""
        assert self._saved is not None
        return self._saved.facts

    @property
    def statics(self) -> Mapping[str, Static]:
        """The files that no layout makes, by output path."""
        return self._saved.statics if self._saved is not None else {}

    # Pages.

    def page(self, url: str) -> RenderedPage | None:
        """The page at a URL as it is now; None when there is none. Raises Unanswered when a file is no longer what it
        was when the site was looked at: look again."""
        view = self.view
        if view is None or url not in view.pages:
            self._shown.pop(url, None)
            return None
        if self._is_ahead:
            self._doubtful.add(url)
        before, facts = self._shown.get(url), self.facts
        if before is not None and (before[0] == self._number or _holds(before[1], facts)):
            self._keep(before[1])
            return before[1]
        found = self._rendered(url, facts)
        if found.problems or self._lacks_layout(found):
            content = before[1].content if before is not None else self._rendered_with_good_layouts(url, facts)
            found = replace(found, content=content)
        else:
            self._good_layouts |= {query.name: facts.fact(query) for query in found.asked if type(query) is Template}
        self._keep(found)
        return found

    def failing(self) -> tuple[Diagnostic, ...]:
        """What is wrong with pages as they were rendered last, where that is still so. Each of them is asked about once
        for a change."""
        failing: list[Diagnostic] = []
        for url, (number, shown) in list(self._shown.items()):
            if shown.problems and self.view is not None:
                if url not in self.view.pages:
                    del self._shown[url]
                elif number == self._number or _holds(shown, self.facts):
                    self._shown[url] = (self._number, shown)
                    failing += shown.problems
        return tuple(failing)

    def problems(self) -> Problems:
        """All that is known to be wrong, weighed by what the command line says."""
        if self.view is None:
            return Problems(ProblemList())
        return problems_with(self.view.problems, map(self.project.options.weigh, self.failing()))

    def _rendered(self, url: str, facts: Facts) -> RenderedPage:
        from octavo.templates.render import render

        reader = Reader(facts)
        try:
            output = render(url, reader)
        except Interrupted as interrupted:
            raise interrupted.problem from interrupted
        asked = reader.asked
        layouts = tuple(query.name for query in asked if type(query) is Template)
        return RenderedPage(url, output.content, asked, output.problems, layouts)

    def _rendered_with_good_layouts(self, url: str, facts: Facts) -> bytes:
        """The page with the layouts of the last page that was rendered well; empty if that is no better."""
        good = self._good_layouts

        def template(query: Template) -> Fact:
            return good.get(query.name) or facts.fact(query)

        return self._rendered(url, facts.extended({Template: template})).content if good else b""

    @staticmethod
    def _lacks_layout(found: RenderedPage) -> bool:
        """Whether there is no such layout as a page wants; that is told of the post that names it."""
        return not found.content and _NOTHING in [found.asked[Template(name)] for name in found.layouts]

    def _keep(self, shown: RenderedPage) -> None:
        self._shown.pop(shown.url, None)
        if len(shown.content) <= LARGEST_HELD or shown.problems:
            self._shown[shown.url] = (self._number, shown)
        while len(self._shown) > HELD_PAGES:
            self._shown.popitem(last=False)

    def ask(self, query: Query[Any]) -> Any:
        """The answer to one question as it is now."""
        return self.facts.fact(query).load()

    def numbered(self, shown: RenderedPage) -> bytes:
        """A page whose blocks say where in its source they begin, for the way from the page to the editor. Where its
        layout does something else with the body than to write it, the page as it is."""
        path = self.view.source_of(shown.url) if self.view is not None else None
        if path is None:
            return shown.content
        from octavo.content.parse import numbered_body
        from octavo.templates.body import body_html

        reader = Reader(self.facts)
        try:
            body = reader(BodyOf(path))
            plain = body_html(body, reader) if body is not None else ""
            marked = body_html(numbered_body(path, reader), reader) if plain.strip() else ""
        except Interrupted:
            return shown.content  # the source is being written: the page of the next look has it
        return shown.content.replace(plain.encode(), marked.encode(), 1) if marked else shown.content

    def layouts_of(self, problem: Diagnostic) -> tuple[str, ...]:
        """The layouts of a page that could not be rendered, the outermost last."""
        for _, shown in self._shown.values():
            if problem in shown.problems:
                return shown.layouts
        return ()


class _NotKept(Unanswered):
    """What a broken file was before is in the cache no more, such as when another process has seen it broken."""


def _as_kept(source: Fact) -> Fact:
    """A source as it was, which only the cache knows."""

    def load() -> Any:
        try:
            return source.load()
        except FileChanged as problem:
            raise _NotKept(str(problem)) from problem

    return Fact(source.digest, load)


_NOTHING = digest(None)

_NEVER: Mapping[Query[Any], Digest] = {Setting("title"): b""}
"""What a page asked that holds no more."""


def _holds(shown: RenderedPage, facts: Facts) -> bool:
    try:
        return all(facts.digest(query) == known for query, known in shown.asked.items())
    except Unanswered:
        return False
