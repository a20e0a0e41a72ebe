"""What was saved since the last snapshot, so that it is shown at once.

Only the questions about these files are answered anew. What follows of it for others (lists, related posts) may be
missing until the next refresh.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from octavo.base.digest import digest, digest_bytes
from octavo.engine.facts import Fact, Facts, Interrupted, Query, Reader, fact
from octavo.model.queries import (
    AllPosts,
    Archive,
    Backlinks,
    CardOf,
    Grouped,
    Latest,
    LayoutBytes,
    Listing,
    NeighboursOf,
    PageAt,
    PostAt,
    SeriesOf,
    Source,
    Template,
)
from octavo.project.stat_cache import is_ignored

if TYPE_CHECKING:
    from octavo.model.documents import Document, Meta, Summary
    from octavo.model.posts import Post
    from octavo.preview.snapshot import Snapshot
    from octavo.site.build_posts import PublishedPosts
    from octavo.site.inputs import Inputs, StaticOutput

FEW = 30
"""Files that are followed one by one; when more have changed, the site is refreshed as a whole."""


class Touched(NamedTuple):
    """What came of files that were saved.

    It is ``done`` when something is answered anew, and ``whole`` when all that shows them shows them now, but for what
    is worked out from all posts.
    """

    done: bool
    whole: bool


class _NotEnough(Exception):
    """A file has become something else than what can be followed on its own."""


class Saved:
    """The facts and the static files of a snapshot, with what was saved since."""

    def __init__(self, snapshot: Snapshot) -> None:
        self.facts: Facts = snapshot.site.facts
        self.statics: Mapping[str, StaticOutput] = snapshot.statics
        self._snapshot = snapshot
        self._inputs = snapshot.inputs
        self._answers: dict[Query[Any], Fact] = {}
        self._retitled: dict[str, Post] = {}

    def touch(self, places: Iterable[Path]) -> Touched:
        """Answer anew what is asked about these files."""
        names = self._snapshot.names_by_location
        named, whole = [], True
        for place in set(places):
            if str(place) in names:
                named.append(names[str(place)])
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
            self.facts = self._patched()
        return Touched(done, whole)

    def _touched(self, kind: str, name: str) -> bool:
        """Take in one file as it is now; False when it is as it was.

        Raises _NotEnough and OSError.
        """
        from octavo.site.inputs import layout_facts

        snapshot, inputs = self._snapshot, self._inputs
        if kind == "layouts":
            layout = inputs.layouts[name]
            location = snapshot.files.layouts[name][1].location
            content = _read(location, layout.content)
            if content is None:
                return False
            self._inputs = replace(inputs, layouts={**inputs.layouts, name: replace(layout, content=content)})
            self._answers[Template(name)] = layout_facts(self._inputs)(Template(name))
            self._answers[LayoutBytes(name)] = content
            return True
        if kind == "assets":
            content = _read(snapshot.files.assets[name].location, inputs.assets[name])
            if content is not None:
                self._inputs = replace(inputs, assets={**inputs.assets, name: content})
            return content is not None
        content = _read(snapshot.files.posts[name].location, inputs.posts[name])
        if content is None:
            return False
        inputs = replace(inputs, posts={**inputs.posts, name: content})
        document = parsed(name, inputs, self.facts)
        if document.meta is None or not self._retold(name, document):
            raise _NotEnough(name)
        self._inputs = inputs
        self._answers[Source(name)] = content
        return True

    def _retold(self, path: str, document: Document) -> bool:
        """Answer what is asked about one post from its document.

        False where it is another page now, or none.
        """
        from octavo.site.page_facts import PART_QUERIES
        from octavo.site.post_index import make_card

        snapshot = self._snapshot
        records, index = snapshot.corpus.documents.records, snapshot.corpus.publication.index
        if path not in index.by_path or document.meta is None:
            return False
        for kind_of_part, part in PART_QUERIES.items():
            asked: Any = kind_of_part
            self._answers[asked(path)] = fact(getattr(document, part))
        fresh = (digest(document.meta), digest(document.summary))
        if fresh == (records.digest(path, "meta"), records.digest(path, "summary")):
            for query in (PostAt(path), CardOf(path), PageAt(index.published.urls[path])):
                self._answers.pop(query, None)
            self._retitled.pop(index.by_path[path].url, None)
            return True
        then = _alone(snapshot, path, records.load(path, "meta"), records.load(path, "summary"))
        now = _alone(snapshot, path, document.meta, document.summary)
        if now.urls != then.urls:
            return False
        url = index.published.urls[path]
        post = next(iter((*now.posts, *now.pages)), None)
        page = snapshot.pages.get(url)
        if post is None or page is None:
            return False
        post = replace(post, url=index.by_path[path].url)
        self._answers[PostAt(path)] = fact(post)
        self._answers[CardOf(path)] = fact(make_card(post))
        self._retitled[post.url] = post
        self._answers[PageAt(url)] = fact(replace(page, title=post.title, layout=post.layout))
        return True

    def _patched(self) -> Facts:
        """The facts of the snapshot, but for what was saved since."""
        from octavo.site.inputs import asset_facts

        # Copies, for facts never change: another thread may have these while more is saved, which makes others.
        snapshot, inputs, answers = self._snapshot, self._inputs, dict(self._answers)
        base = snapshot.site.facts
        if inputs.assets is not snapshot.inputs.assets:
            from octavo.site.assets import publish_assets
            from octavo.site.inputs import collect_static_outputs

            assets, _ = publish_assets(inputs.assets)
            base = base.extended(asset_facts(assets, inputs))
            self.statics = {
                **snapshot.statics,
                **collect_static_outputs(assets, snapshot.corpus.publication.index.attachments, inputs),
            }

        retitled = dict(self._retitled)

        def answered(query: Query[Any]) -> Fact:
            return answers.get(query) or base.fact(query)

        def listed(query: Query[Any]) -> Fact:
            fact_before = base.fact(query)
            before = fact_before.load()
            now = _with_posts(before, retitled)
            return fact_before if now == before else fact(now)

        kinds: dict[type[Query[Any]], Any] = dict.fromkeys({type(query) for query in answers}, answered)
        return base.extended({**kinds, **dict.fromkeys(_LISTS if retitled else (), listed)})


def parsed(path: str, inputs: Inputs, facts: Facts | None = None) -> Document:
    """Parse a source as it is now.

    ``facts`` have the parser that was made already. Raises Unanswered.
    """
    from octavo.content.parse import parse
    from octavo.site.inputs import input_facts

    resolvers = {**input_facts(inputs), **inputs.script.resolvers()}
    try:
        return parse(path, Reader(Facts(resolvers) if facts is None else facts.extended(resolvers)))
    except Interrupted as interrupted:
        raise interrupted.problem from interrupted


def _alone(snapshot: Snapshot, path: str, meta: Meta | None, summary: Summary) -> PublishedPosts:
    """What others may know of a post, were it the only one."""
    from octavo.site.build_posts import build_posts

    inputs = snapshot.inputs
    addresses = {name: asset.url for name, asset in snapshot.corpus.assets.items()}
    published, _ = build_posts(
        {path: meta}, lambda path: summary, inputs.settings, inputs.policy, addresses, snapshot.corpus.pictures
    )
    return published


_LISTS = (AllPosts, Archive, Backlinks, Grouped, Latest, Listing, NeighboursOf, SeriesOf)
"""The questions about several posts whose answers can show a post's new title before all of it is worked out: the
order of posts stays as it was until then."""


def _with_posts(value: Any, posts: Mapping[str, Post]) -> Any:
    """An answer with these posts, by href, as they are now."""
    from octavo.model.posts import Card, Link, Neighbours, Series, Year
    from octavo.site.post_index import make_card, make_link

    if isinstance(value, tuple):
        return tuple(_with_posts(item, posts) for item in value)
    if isinstance(value, Card):
        return make_card(posts[value.url]) if value.url in posts else value
    if isinstance(value, Link):
        return make_link(posts[value.url]) if value.url in posts else value
    if isinstance(value, Neighbours):
        return Neighbours(_with_posts(value.older, posts), _with_posts(value.newer, posts))
    if isinstance(value, Series):
        return replace(value, parts=_with_posts(value.parts, posts))
    if isinstance(value, Year):
        return replace(value, posts=_with_posts(value.posts, posts))
    return value


def _read(location: str, before: Fact) -> Fact | None:
    """A file as it is now; None when it is as it was. Raises OSError."""
    data = Path(location).read_bytes()
    now = digest_bytes(data)
    return None if now == before.digest else Fact(now, lambda: data)
