"""The site as it is while it is being written: every page as a build would make it, rendered when somebody looks at it.

There are two ways to follow a change, and both ask the same facts and run the same steps as a build. ``touch`` answers
anew only the questions about the files that were saved: what it shows is there at once, and may lack what follows for
others (lists, related posts). ``look`` lists all files and lets the memo find out; what it shows is what a build makes.
"""

from __future__ import annotations

import datetime as dt
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from octavo.diagnostic import Diagnostic, in_order, to_text
from octavo.digest import Digest, digest, digest_bytes
from octavo.disk import is_ignored
from octavo.facts import Fact, Facts, Interrupted, Query, Reader, Unanswered, fact
from octavo.project import Options, Project
from octavo.queries import (
    AllPosts,
    Archive,
    Backlinks,
    BodyOf,
    CardOf,
    Grouped,
    Latest,
    LayoutBytes,
    Listing,
    NeighboursOf,
    PageAt,
    PostAt,
    RelatedTo,
    SeriesOf,
    Source,
    Template,
)
from octavo.script import script_files
from octavo.sources import CONFIG

if TYPE_CHECKING:
    from octavo.live import Live
    from octavo.memo import Memo
    from octavo.model import Document, Meta, Page, Post, Relation, Summary
    from octavo.pipeline import Described, Inputs, Known, Static
    from octavo.sources import Files
    from octavo.store import Store

HELD_PAGES = 200
"""Rendered pages that are kept for whoever comes back to them."""

LARGEST_HELD = 1_000_000
"""Bytes of a page that is kept: a larger one, such as an index of the whole site, is rendered when it is asked for."""

RELATED = 10
"""Related posts that the author is shown."""

FEW = 30
"""Files that are followed one by one; when more have changed, the site as a whole is looked at."""


@dataclass(frozen=True)
class Shown:
    """A rendered page: what it asked with the digests of the answers, and what is wrong with it. With ``problems`` the
    ``content`` is that of the last time there were none; empty if that was never."""

    url: str
    content: bytes
    asked: Mapping[Query[Any], Digest]
    problems: tuple[Diagnostic, ...] = ()
    layouts: tuple[str, ...] = ()


class Touched(NamedTuple):
    """What came of files that were saved: ``done`` when something is answered anew, and ``whole`` when all that shows
    them shows them now, but for what is worked out from all posts."""

    done: bool
    whole: bool


class _NotEnough(Exception):
    """A file has become something else than what can be followed on its own."""


@dataclass(frozen=True)
class View:
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
    problems: tuple[Diagnostic, ...]
    is_related: bool
    is_held: bool
    store: Store

    @property
    def pages(self) -> Mapping[str, Page]:
        return self.site.routes.pages


class Desk:
    """Follows the files of a project. Not for two threads at once.

    ``view`` is None until the first ``look``; it is exchanged as a whole, so another thread may read what is in it that
    was listed (pages, statics, inputs), but ask nothing.
    """

    def __init__(self, project: Project) -> None:
        self.project = project
        self.view: View | None = None
        self._facts: Facts | None = None
        self._memo: Memo | None = None
        self._answers: dict[Query[Any], Fact] = {}
        self._retitled: dict[str, Post] = {}
        self._inputs: Inputs | None = None
        self._shown: OrderedDict[str, tuple[int, Shown]] = OrderedDict()
        self._number = 0
        self._good_layouts: dict[str, Fact] = {}
        self._places: tuple[View, dict[str, tuple[str, str]]] | None = None

    # The whole.

    def look(self, relating: bool = True, elsewhere: Digest | None = None) -> bool:
        """See what the files have become. False when nothing has changed since the last time. Without ``relating`` the
        lists of related posts are those of the cache: as they were, unless ``relate_apart`` has just worked them out,
        and given what stands for the files as it found them, ``elsewhere``.

        Raises what a build raises: Locked, publish.PublishError, Usage.
        """
        try:
            return self.project.alone_with(lambda files: self._look(files, relating, elsewhere, keeping=True))
        except Unanswered:
            return self.project.alone_with(lambda files: self._look(files, relating, elsewhere, keeping=False))

    def _look(self, files: Files, relating: bool, elsewhere: Digest | None, keeping: bool) -> bool:
        from octavo import pipeline

        now, before = self.project.now(), self.view
        inputs_digest = files.digest()
        is_same = before is not None and before.inputs_digest == inputs_digest
        is_enough = before is not None and before.store is self.project.store and (before.is_related or not relating)
        if before is not None and is_same and is_enough and elsewhere is None:
            live = before.known.published.live
            same = (live.since is None or live.since <= now) and (live.until is None or now < live.until)
            if same and all(before.inputs.file(path).digest == known for path, known in before.files_asked):
                return False
        inputs, held = self._kept_good(files, self.project.inputs(files, now), keeping)
        memo, self._memo = self._memo_for(inputs), None
        known = pipeline.learn(inputs, memo, relating=relating)
        site = pipeline.describe(inputs, memo, known)
        problems = in_order((*held, *pipeline.check(inputs, memo, known, site)))
        memo.finish()
        self._memo = memo
        statics = pipeline.statics(known.assets, known.published.index.attachments, inputs)
        asked = pipeline.files_asked(memo, inputs.script)
        self.view = View(
            files,
            inputs,
            known,
            site,
            statics,
            inputs_digest,
            asked,
            problems,
            relating or elsewhere == inputs_digest,
            bool(held),
            self.project.store,
        )
        self._facts, self._inputs, self._answers, self._retitled = site.facts, inputs, {}, {}
        self._number += 1
        self._places = None
        return True

    def _memo_for(self, inputs: Inputs) -> Memo:
        """The memo of the last look, where it is still what the cache holds."""
        before, memo = self.view, self._memo
        if memo is not None and before is not None and memo.is_of(self.project.store, inputs.script):
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
            document = self._parsed(inputs, path)
            if document.meta is None:
                held += document.problems
                posts[path] = before.inputs.posts[path]
        return replace(inputs, posts=posts), tuple(held)

    @staticmethod
    def _differs(before: View, path: str, found: Fact) -> bool:
        """Whether a post that was good is another one now."""
        known = before.inputs.posts.get(path)
        if known is None or known.digest == found.digest:
            return False
        return before.known.published.live.states.get(path, "broken") != "broken"

    def _parsed(self, inputs: Inputs, path: str) -> Document:
        from octavo.parse import parse
        from octavo.pipeline import input_facts

        facts = Facts({**input_facts(inputs), **inputs.script.resolvers()})
        if self._facts is not None:
            facts = self._facts.extended({**input_facts(inputs), **inputs.script.resolvers()})
        try:
            return parse(path, Reader(facts))
        except Interrupted as interrupted:
            raise interrupted.problem from interrupted

    # What was saved.

    def touch(self, places: Iterable[Path]) -> Touched:
        """Answer anew what is asked about these files."""
        view = self.view
        if view is None or self._inputs is None or self._facts is None:
            return Touched(False, False)
        known = self._located(view)
        named, whole = [], True
        for place in set(places):
            if str(place) in known:
                named.append(known[str(place)])
            elif not (is_ignored(place.name) or place.is_dir()):
                whole = False
        if len(named) > FEW:
            return Touched(False, False)
        done = False
        for kind, name in named:
            try:
                done = self._touched(kind, name) or done
            except (OSError, _NotEnough):
                whole = False
        if done:
            self._facts = self._patched(view)
            self._number += 1
        return Touched(done, whole)

    def _located(self, view: View) -> Mapping[str, tuple[str, str]]:
        """Location -> what kind of file it is, and its path or name."""
        if self._places is None or self._places[0] is not view:
            files = view.files
            places = {found.location: ("posts", path) for path, found in files.posts.items()}
            places |= {found.location: ("assets", name) for name, found in files.assets.items()}
            places |= {found.location: ("layouts", name) for name, (_, found) in files.layouts.items()}
            self._places = (view, places)
        return self._places[1]

    def _touched(self, kind: str, name: str) -> bool:
        """Take in one file as it is now; False when it is as it was. Raises _NotEnough and OSError."""
        from octavo.pipeline import layouts_with

        view, inputs = self.view, self._inputs
        assert view is not None and inputs is not None
        if kind == "layouts":
            layout = inputs.layouts[name]
            location = view.files.layouts[name][1].location
            found = _read(location, layout.content)
            if found is None:
                return False
            self._inputs = replace(inputs, layouts={**inputs.layouts, name: replace(layout, content=found)})
            self._answers[Template(name)] = layouts_with(self._inputs, {})(Template(name))
            self._answers[LayoutBytes(name)] = found
            return True
        if kind == "assets":
            found = _read(view.files.assets[name].location, inputs.assets[name])
            if found is not None:
                self._inputs = replace(inputs, assets={**inputs.assets, name: found})
            return found is not None
        found = _read(view.files.posts[name].location, inputs.posts[name])
        if found is None:
            return False
        inputs = replace(inputs, posts={**inputs.posts, name: found})
        document = self._parsed(inputs, name)
        if document.meta is None or not self._retold(view, name, document):
            raise _NotEnough(name)
        self._inputs = inputs
        self._answers[Source(name)] = found
        return True

    def _retold(self, view: View, path: str, document: Document) -> bool:
        """Answer what is asked about one post from its document. False where it is another page now, or none."""
        from octavo.site import PARTS, card

        records, index = view.known.documents.records, view.known.published.index
        if path not in index.by_path or document.meta is None:
            return False
        for kind_of_part, part in PARTS.items():
            asked: Any = kind_of_part
            self._answers[asked(path)] = fact(getattr(document, part))
        fresh = (digest(document.meta), digest(document.summary))
        if fresh == (records.digest(path, "meta"), records.digest(path, "summary")):
            for query in (PostAt(path), CardOf(path), PageAt(index.live.urls[path])):
                self._answers.pop(query, None)
            self._retitled.pop(index.by_path[path].url, None)
            return True
        then = self._alone(view, path, records.load(path, "meta"), records.load(path, "summary"))
        now = self._alone(view, path, document.meta, document.summary)
        if now.urls != then.urls:
            return False
        url = index.live.urls[path]
        post = next(iter((*now.posts, *now.pages)), None)
        page = view.pages.get(url)
        if post is None or page is None:
            return False
        post = replace(post, url=index.by_path[path].url)
        self._answers[PostAt(path)] = fact(post)
        self._answers[CardOf(path)] = fact(card(post))
        self._retitled[post.url] = post
        self._answers[PageAt(url)] = fact(replace(page, title=post.title, layout=post.layout))
        return True

    @staticmethod
    def _alone(view: View, path: str, meta: Meta | None, summary: Summary) -> Live:
        """What others may know of a post, were it the only one."""
        from octavo.live import live

        inputs = view.inputs
        addresses = {name: asset.url for name, asset in view.known.assets.items()}
        return live({path: meta}, lambda path: summary, inputs.settings, inputs.when, addresses, view.known.pictures)

    def _patched(self, view: View) -> Facts:
        """The facts of the last look, but for what was saved since."""
        from octavo.pipeline import asset_facts

        base, inputs, answers = view.site.facts, self._inputs, dict(self._answers)
        assert inputs is not None
        if inputs.assets is not view.inputs.assets:
            from octavo.assets import publish_assets
            from octavo.pipeline import statics

            assets, _ = publish_assets(inputs.assets)
            base = base.extended(asset_facts(assets, inputs))
            found = statics(assets, view.known.published.index.attachments, inputs)
            self.view = replace(view, statics={**view.statics, **found})
            self._places = None
            self._inputs = inputs

        retitled = dict(self._retitled)

        def answered(query: Query[Any]) -> Fact:
            return answers.get(query) or base.fact(query)

        def listed(query: Query[Any]) -> Fact:
            found = base.fact(query)
            before = found.load()
            now = _with_posts(before, retitled)
            return found if now == before else fact(now)

        kinds: dict[type[Query[Any]], Any] = dict.fromkeys({type(query) for query in answers}, answered)
        return base.extended({**kinds, **dict.fromkeys(_LISTS if retitled else (), listed)})

    # Pages.

    def page(self, url: str) -> Shown | None:
        """The page at a URL as it is now; None when there is none. Raises Unanswered when a file is no longer what it
        was when the site was looked at: look again."""
        view, facts = self.view, self._facts
        if view is None or facts is None or url not in view.pages:
            self._shown.pop(url, None)
            return None
        before = self._shown.get(url)
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
        """What is wrong with pages as they were rendered last, where that is still so."""
        found: list[Diagnostic] = []
        for url, (number, shown) in list(self._shown.items()):
            if shown.problems and self._facts is not None and self.view is not None:
                if url in self.view.pages and (number == self._number or _holds(shown, self._facts)):
                    found += shown.problems
                elif url not in self.view.pages:
                    del self._shown[url]
        return tuple(found)

    def problems(self) -> tuple[Diagnostic, ...]:
        """All that is known to be wrong, weighed by what the command line says."""
        view = self.view
        if view is None:
            return ()
        return tuple(map(self.project.weighed, in_order((*view.problems, *self.failing()))))

    def _rendered(self, url: str, facts: Facts) -> Shown:
        from octavo.render import render

        reader = Reader(facts)
        try:
            output = render(url, reader)
        except Interrupted as interrupted:
            raise interrupted.problem from interrupted
        asked = reader.asked
        layouts = tuple(query.name for query in asked if type(query) is Template)
        return Shown(url, output.content, asked, output.problems, layouts)

    def _rendered_with_good_layouts(self, url: str, facts: Facts) -> bytes:
        """The page with the layouts of the last page that was rendered well; empty if that is no better."""
        good = self._good_layouts

        def template(query: Template) -> Fact:
            return good.get(query.name) or facts.fact(query)

        return self._rendered(url, facts.extended({Template: template})).content if good else b""

    @staticmethod
    def _lacks_layout(found: Shown) -> bool:
        """Whether there is no such layout as a page wants; that is told of the post that names it."""
        return not found.content and _NOTHING in [found.asked[Template(name)] for name in found.layouts]

    def _keep(self, shown: Shown) -> None:
        self._shown.pop(shown.url, None)
        if len(shown.content) <= LARGEST_HELD or shown.problems:
            self._shown[shown.url] = (self._number, shown)
        while len(self._shown) > HELD_PAGES:
            self._shown.popitem(last=False)

    def ask(self, query: Query[Any]) -> Any:
        """The answer to one question as it is now."""
        assert self._facts is not None
        return self._facts.fact(query).load()

    def numbered(self, shown: Shown) -> bytes:
        """A page whose blocks say where in its source they begin, for the way from the page to the editor. Where its
        layout does something else with the body than to write it, the page as it is."""
        path = self.source_of(shown.url)
        if path is None or self._facts is None:
            return shown.content
        from octavo.parse import numbered_body
        from octavo.render import body_html

        reader = Reader(self._facts)
        try:
            body = reader(BodyOf(path))
            plain = body_html(body, reader) if body is not None else ""
            marked = body_html(numbered_body(path, reader), reader) if plain.strip() else ""
        except Interrupted:
            return shown.content  # the source is being written: the page of the next look has it
        return shown.content.replace(plain.encode(), marked.encode(), 1) if marked else shown.content

    def source_of(self, url: str) -> str | None:
        """The path of the post that a page shows."""
        page = self.view.pages.get(url) if self.view is not None else None
        return page.subject if page is not None and page.kind in ("article", "page") else None

    def address_of(self, path: str) -> str | None:
        """The href of the page of a post, wherever it is now; None when there is none."""
        if self.view is None or path not in self.view.known.published.index.by_path:
            return None
        return self.view.known.published.index.by_path[path].url

    def not_public(self) -> Mapping[str, str]:
        """href -> state of the posts that a build would not publish now."""
        if self.view is None:
            return {}
        live, now = self.view.known.published.live, self.project.now()
        posts = (*live.posts, *live.pages)
        drafts = {post.url: "draft" for post in posts if post.draft}
        return drafts | {post.url: "future" for post in posts if not post.draft and post.date and post.date > now}

    def about(self, url: str) -> dict[str, Any]:
        """What the author wants to know of a page, ready to be shown: its status and why, what is related to it and
        why, who links to it, how long it is, what is wrong with it, and all that it was made from."""
        view = self.view
        shown = self.page(url)
        if view is None or shown is None:
            return {}
        path = self.source_of(url)
        found: dict[str, Any] = {
            "url": url,
            "source": path,
            "layouts": list(shown.layouts),
            "inputs": [str(query) for query in shown.asked],
            "problems": [to_text(problem) for problem in self.problems() if problem.path == path or path is None],
        }
        if path is None:
            found["problems"] = [to_text(problem) for problem in shown.problems]
            return found
        post, body = self.ask(PostAt(path)), self.ask(BodyOf(path))
        found |= {
            "status": self._status(path),
            "words": body.words if body else 0,
            "minutes": post.minutes if post else 0,
            "backlinks": [{"title": link.title, "url": link.url} for link in self.ask(Backlinks(path))],
            "related": [self._relation(relation) for relation in self.ask(RelatedTo(path, RELATED)) or ()],
            "insight": self._insight(view, path),
        }
        return found

    def _insight(self, view: View, path: str) -> list[dict[str, Any]]:
        """What of the report on the site concerns a post."""
        from octavo.briefing import sections
        from octavo.insight import inspect

        known, index = view.known, view.known.published.index
        if not view.is_related or path not in index.places or not index.settings.related.count:
            return []  # lists of an earlier moment may name posts that are gone
        assert self._facts is not None
        try:
            found = inspect(index, known.related.records, known.documents.records, Reader(self._facts), path)
        except Interrupted as interrupted:
            raise interrupted.problem from interrupted
        return [
            {"title": title, "items": [" ".join(map(str.strip, lines)) for lines in items]}
            for title, items in sections(found)
            if items
        ]

    def _relation(self, relation: Relation) -> dict[str, Any]:
        card = self.ask(CardOf(relation.path))
        reasons = [
            reason.text if reason.share is None else f"{reason.text} {reason.share:.0%}" for reason in relation.reasons
        ]
        return {
            "title": card.title if card else relation.path,
            "url": card.url if card else "",
            "score": round(relation.score, 3),
            "reasons": reasons,
        }

    def _status(self, path: str) -> str:
        """Whether a build would publish a post now, and why."""
        post, now = self.ask(PostAt(path)), self.project.now()
        if post is None:
            return "not shown"
        if post.draft:
            return "a draft: its front matter says 'draft: true', and a build leaves it out"
        if post.date is not None and post.date > now:
            return f"to come: a build leaves it out until {_moment(post.date)}"
        return f"published, dated {_moment(post.date)}" if post.date is not None else "published, without a date"

    def layouts_of(self, problem: Diagnostic) -> tuple[str, ...]:
        """The layouts of a page that could not be rendered, the outermost last."""
        for _, shown in self._shown.values():
            if problem in shown.problems:
                return shown.layouts
        return ()

    def location_of(self, path: str) -> Path | None:
        """Where a file of the site is that a problem or a page names; None for any other file."""
        view = self.view
        if view is None:
            return None
        if path in view.files.posts:
            return Path(view.files.posts[path].location)
        for shown, found in view.files.layouts.values():
            if shown == path:
                return Path(found.location)
        name = path.removeprefix("assets/")
        if name != path and name in view.files.assets:
            return Path(view.files.assets[name].location)
        root = self.project.root
        plain = {file.relative_to(root).as_posix(): file for file in (root / CONFIG, *script_files(root))}
        return plain.get(path)


def relate_apart(root: str, options: Options) -> Digest:
    """Work out the related posts of a site into its cache, for a desk in another process: what that takes in memory is
    given back with this one. What comes back stands for the files as they were."""
    from octavo import pipeline

    with Project(Path(root), options) as project:

        def relate(files: Files) -> Digest:
            inputs = project.inputs(files, project.now())
            pipeline.learn(inputs, project.memo(inputs)).published.publication  # noqa: B018  # kept for the desk
            return files.digest()

        return project.alone_with(relate)


def _moment(moment: dt.datetime) -> str:
    return moment.strftime("%Y-%m-%d") if moment.time() == dt.time() else moment.strftime("%Y-%m-%d %H:%M %z")


_NOTHING = digest(None)

_LISTS = (AllPosts, Archive, Backlinks, Grouped, Latest, Listing, NeighboursOf, SeriesOf)
"""The questions about several posts whose answers can show a post's new title before all of it is worked out: the
order of posts stays as it was until then."""


def _with_posts(value: Any, posts: Mapping[str, Post]) -> Any:
    """An answer with these posts, by href, as they are now."""
    from octavo.model import Card, Link, Neighbours, Series, Year
    from octavo.site import card, link

    if isinstance(value, tuple):
        return tuple(_with_posts(item, posts) for item in value)
    if isinstance(value, Card):
        return card(posts[value.url]) if value.url in posts else value
    if isinstance(value, Link):
        return link(posts[value.url]) if value.url in posts else value
    if isinstance(value, Neighbours):
        return Neighbours(_with_posts(value.older, posts), _with_posts(value.newer, posts))
    if isinstance(value, Series):
        return replace(value, parts=_with_posts(value.parts, posts))
    if isinstance(value, Year):
        return replace(value, posts=_with_posts(value.posts, posts))
    return value


def _holds(shown: Shown, facts: Facts) -> bool:
    try:
        return all(facts.digest(query) == known for query, known in shown.asked.items())
    except Unanswered:
        return False


def _read(location: str, known: Fact) -> Fact | None:
    """A file as it is now; None when it is as it was. Raises OSError."""
    data = Path(location).read_bytes()
    found = digest_bytes(data)
    return None if found == known.digest else Fact(found, lambda: data)
