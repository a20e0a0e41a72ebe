"""One build of a site, in a straight line.

What changed is made, put where it waits, published, and written down for the next build.
"""

from __future__ import annotations

import datetime as dt
import os
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from octavo.base import urls
from octavo.base.diagnostics import printable
from octavo.base.digest import Digest, digest, digest_bytes
from octavo.base.names import ASSETS_FOLDER, CONFIG_FILE
from octavo.base.shortage import raise_if_shortage
from octavo.engine.codec import codec
from octavo.engine.facts import Fact, fact
from octavo.engine.observer import Observer
from octavo.engine.store import CorruptStore, Store
from octavo.output import manifest, publish
from octavo.output.publish_errors import NotStaged
from octavo.output.staging import FileToPublish, StagingFolder, open_staging
from octavo.project.build_report import NoopEvidence, Options, Report, keep_reasons, make_report
from octavo.project.cache import Cache
from octavo.project.site_files import THEME, Files
from octavo.project.stat_cache import FileEntry
from octavo.site.extensions import source

if TYPE_CHECKING:
    from octavo.engine.memo import Memo
    from octavo.engine.worker import Sink
    from octavo.images.encoded_cache import EncodedImages, OrderedFiles
    from octavo.model.images import ImageOrder, SocialCard
    from octavo.site.build_images import ImageStore
    from octavo.site.inputs import Inputs
    from octavo.site.stages import BuiltSite

COMPLETE = "the new site was being published already, and is complete"
"""The note on what ends a build whose sweep was done."""


@dataclass(frozen=True)
class BuildContext:
    """What a build works with.

    ``make_memo`` makes the memo of one build, and the workers that this needs.
    """

    root: Path
    output: Path
    options: Options
    cache: Cache
    make_memo: Callable[[Inputs], Memo]
    observer: Observer
    say: Callable[[str], None]


@dataclass(frozen=True)
class BuildTrace:
    """The outermost trace: what was published was made from these inputs.

    It holds at an instant from ``since`` to before ``until``; ``files_asked`` are those that build.py read, with their
    digests.
    """

    inputs: Digest
    since: dt.datetime | None
    until: dt.datetime | None
    files_asked: tuple[tuple[str, Digest], ...]
    report: Report


@dataclass(frozen=True)
class OutputNotes:
    """What the cache says of one output folder.

    Others may have been built from the same cache. Beside the trace of its last build these are ``published``, which
    stands for its files, and by which recipes its ``images`` and its compressed ``copies`` were made.
    """

    store: Store
    name: str

    @classmethod
    def of(cls, cache: Cache, output: Path) -> OutputNotes:
        return cls(cache.store, f"root {os.path.relpath(output.resolve(), cache.folder.resolve())}")

    def trace(self) -> BuildTrace | None:
        """The last build, if it is known. Raises CorruptStore."""
        data = self.store.about(self.name)
        if not data:
            return None
        try:
            trace: BuildTrace = codec(BuildTrace).decode(data)
        except ValueError as problem:
            raise CorruptStore(f"the last build cannot be read: {problem}") from problem
        return trace

    def keep(self, trace: BuildTrace) -> None:
        self.store.set_about(self.name, codec(BuildTrace).encode(trace))

    def withdraw(self, built: BuiltSite) -> None:
        """Take back what the notes say, whatever comes of the build.

        From here on what the last trace says of this output is no longer so.
        """
        self.store.set_about(self.name, b"")
        if built.images:
            self.put("images", b"")
        self.put("copies", b"")

    def note(self, what: str) -> bytes | None:
        return self.store.about(f"{what} {self.name}")

    def put(self, what: str, value: bytes) -> None:
        self.store.set_about(f"{what} {self.name}", value)


def build_site(context: BuildContext, files: Files) -> Report:
    """Make the site as it was listed, and publish it where it has no errors.

    To be called alone with the cache, when a sweep that was interrupted is complete.
    """
    cache, output, observer = context.cache, context.output, context.observer
    notes, now = OutputNotes.of(cache, output), context.options.now()

    observer.began("compare")
    before = manifest.find_published(cache.manifest_db, output)
    observer.ended("compare")
    inputs = digest((files.digest(), context.options.site_choices))
    last = _find_same_build(context.root, notes, before, inputs, now)
    if last is not None:
        cache.say_unsaved(publish.renew_list(cache.manifest_db, output, before))
        return replace(last.report, evidence=_noop_evidence(context, files, before, last))

    intact = {path: content for path, content in before.digests().items() if path not in before.altered}
    with open_staging(cache.folder, output) as staging:
        built = _make_site(context, files, now, _PageSink(staging), intact)
        report = make_report(built, context.options)
        if report.failed:
            return report
        observer.began("publish")
        forms = files.settings.compress
        targets = _stage_files(built, files, staging)
        targets |= _stage_images(built, cache, intact, staging)
        targets |= _stage_copies(forms, targets, output, notes, intact, staging)
        # Before the first file is moved: killed in the sweep, the trace of the last build would vouch for files that
        # are no longer there. It is written anew only once all of them are in place.
        notes.withdraw(built)
        done = publish.publish(cache.manifest_db, output, staging, targets, before)
        observer.ended("publish")

    _say_published(context, before, done)
    stored_report = replace(report, rendered=(), parsed=())
    trace = BuildTrace(inputs, built.published.since, built.published.until, built.files_asked, stored_report)
    try:
        notes.keep(trace)
        if built.images:
            gallery = cache.gallery()
            notes.put("images", gallery.folder.name.encode())
            gallery.prune({name for _, name in built.images.values()})
        notes.put("copies", _recipe_of_copies(forms))
        notes.put("published", _digest_of({path: file.digest for path, file in targets.items()}))
    except sqlite3.DatabaseError as problem:
        cache.say_unsaved(problem)
    except BaseException as problem:
        problem.add_note(COMPLETE)
        raise
    return replace(report, written=done.written, removed=done.removed, problems=(*report.problems, *done.warnings))


def check_site(context: BuildContext, files: Files) -> Report:
    """Make the site as it was listed for its problems alone."""
    return make_report(_make_site(context, files, context.options.now(), _NoSink(), None), context.options)


# What need not be done.


def _find_same_build(
    root: Path, notes: OutputNotes, before: manifest.PublishedFolder, inputs: Digest, now: dt.datetime
) -> BuildTrace | None:
    """The last build, when this one would do the same and its files are intact."""
    if before.altered or notes.note("published") != _digest_of(before.digests()):
        return None
    last = notes.trace()
    if last is None or last.inputs != inputs:
        return None
    if (last.since and now < last.since) or (last.until and now >= last.until):
        return None
    if any(read_fact(root, path).digest != content for path, content in last.files_asked):
        return None
    return last


def _noop_evidence(
    context: BuildContext, files: Files, before: manifest.PublishedFolder, last: BuildTrace
) -> NoopEvidence | None:
    """What it rests on that nothing has to be done.

    None where that cannot be told from the states of files.
    """
    if files.linked:
        return None
    root, output = context.root, context.output
    try:
        began = (context.cache.folder / "lock").stat().st_mtime_ns  # it was written when this command took it
        places = [
            str(root / CONFIG_FILE),
            *source.script_places(root),
            *(str(root / path) for path, _ in last.files_asked),
        ]
    except OSError:
        return None
    output_states = before.states()
    places += [*files.folders, *manifest.folders_above(output, output_states)]
    states = (*files.states(), *((f"{output}/{path}", state) for path, state in output_states.items()))
    window = (None, None) if context.options.at else (last.since, last.until)
    return NoopEvidence(states, tuple(places), began, window)


def _digest_of(published: Mapping[str, Digest]) -> bytes:
    """What stands for the files that are published and their content."""
    return digest_bytes(b"".join(b"%s\0%s" % (path.encode(), published[path]) for path in sorted(published)))


# Making.


def make_inputs(root: Path, options: Options, files: Files, now: dt.datetime) -> Inputs:
    """All that the site is made from, as listed, at an instant."""
    from octavo.site.build_posts import PublishPolicy
    from octavo.site.extensions.load import find_script
    from octavo.site.inputs import Inputs, LayoutFile

    loaded, problems = find_script(root, files.script)
    return Inputs(
        posts={path: file.fact() for path, file in files.posts.items()},
        files={path: file.fact() for path, file in files.others.items()},
        layouts={
            name: LayoutFile(path, file.fact(), not path.startswith(THEME))
            for name, (path, file) in files.layouts.items()
        },
        assets={name: file.fact() for name, file in files.assets.items()},
        file=partial(read_fact, root),
        settings=files.settings,
        script=loaded,
        policy=PublishPolicy(now, options.drafts, options.future),
        problems=(*files.problems, *problems),
    )


def read_fact(root: Path, path: str) -> Fact:
    """Any file of the site, for build.py; None when there is none.

    None as well when it lies outside. One that cannot be read is a failure of whoever wants to, but a fact all the
    same: it may be another tomorrow. Raises Shortage.
    """
    location = (root / path).resolve()
    try:
        if not location.is_relative_to(root) or not location.is_file():
            return fact(None)
        data = location.read_bytes()
    except OSError as problem:
        raise_if_shortage(problem)
        return _unreadable(path, problem)
    return Fact(digest_bytes(data), lambda: data)


def _unreadable(path: str, problem: OSError) -> Fact:
    number, reason = problem.errno or 0, problem.strerror or str(problem)

    def load() -> bytes:
        raise OSError(number, reason, path)

    return Fact(digest(("unreadable", number)), load)


def _make_site(
    context: BuildContext, files: Files, now: dt.datetime, sink: Sink, intact: Mapping[str, Digest] | None
) -> BuiltSite:
    """Make what the memo does not have.

    ``intact`` are the published files that are as they should be, by path; None where nothing is to be published, and
    what the sink takes is not kept.
    """
    from octavo.site import pipeline

    def is_published(url: str, content: Digest) -> bool:
        return intact is None or intact.get(urls.output_path(url)) == content

    def open_workshop() -> ImageStore:
        return _open_workshop(files, context.cache, context.output, intact or {})

    inputs = make_inputs(context.root, context.options, files, now)
    memo = context.make_memo(inputs)
    built = pipeline.build(inputs, memo, sink, is_published, open_workshop)
    context.observer.laid_out({url: built.pages[url].layout for url in built.page_changes})
    memo.finish()
    keep_reasons(context.cache.store, built.page_changes)
    return built


@dataclass(frozen=True)
class _PageSink:
    """Takes pages by URL and stages them under the name of their file."""

    staging: StagingFolder

    def write(self, url: str, data: bytes, /) -> None:
        self.staging.write(urls.output_path(url), data)


@dataclass(frozen=True)
class _NoSink:
    """Takes the pages of a check, which are not kept."""

    def write(self, url: str, data: bytes, /) -> None:
        pass


@dataclass(frozen=True)
class _Workshop:
    """The images that are published already, and those in the gallery."""

    gallery: EncodedImages
    published: Mapping[str, Digest]
    sources: Mapping[str, FileEntry]

    def __reduce__(self) -> tuple[Any, ...]:
        """Another process only writes."""
        return (_Workshop, (self.gallery, {}, {}))

    def digests(self, name: str, order: ImageOrder | SocialCard, /) -> Mapping[str, Digest] | None:
        from octavo.images.variants import urls_of

        paths = {url: urls.output_path(url) for url in urls_of(order)}
        if all(path in self.published for path in paths.values()):
            return {url: self.published[path] for url, path in paths.items()}
        return self.gallery.digests(name)

    def write(self, name: str, data: bytes, /) -> None:
        self.gallery.write(name, data)

    def files(self, paths: Mapping[str, str], /) -> OrderedFiles:
        from octavo.images.encoded_cache import OrderedFiles

        return OrderedFiles({name: self.sources[path] for name, path in paths.items()})


def _open_workshop(files: Files, cache: Cache, output: Path, intact: Mapping[str, Digest]) -> ImageStore:
    """The images that are there already, and a place for others.

    Those among the published files that were made by the same recipe are not looked for elsewhere.
    """
    gallery = cache.gallery()
    is_same_recipe = OutputNotes.of(cache, output).note("images") == gallery.folder.name.encode()
    sources = {**files.others, **{ASSETS_FOLDER + name: file for name, file in files.assets.items()}}
    return _Workshop(gallery, intact if is_same_recipe else {}, sources)


# Staging.


def _stage_files(built: BuiltSite, files: Files, staging: StagingFolder) -> dict[str, FileToPublish]:
    """Every file of the site but images, staged or to be copied."""
    targets = {path: FileToPublish(content, None) for path, content in built.rendered.items()}
    for path, static in built.statics.items():
        if static.content is not None:
            staging.write(path, static.content)
            targets[path] = FileToPublish(static.digest, None)
        elif static.origin.startswith(ASSETS_FOLDER):
            location = files.assets[static.origin.removeprefix(ASSETS_FOLDER)].location
            targets[path] = FileToPublish(static.digest, Path(location))
        else:
            targets[path] = FileToPublish(static.digest, Path(files.others[static.origin].location))
    return targets


def _stage_images(
    built: BuiltSite, cache: Cache, intact: Mapping[str, Digest], staging: StagingFolder
) -> dict[str, FileToPublish]:
    """All images, of which those are staged that are not published yet.

    Raises NotStaged for those that the gallery has lost: they are made again when the build begins anew.
    """
    if not built.images:
        return {}
    gallery = cache.gallery()
    orders: dict[str, list[str]] = {}
    for path, (content, name) in built.images.items():
        if intact.get(path) != content:
            orders.setdefault(name, []).append(path)
    for name, paths in orders.items():
        try:
            variants = {urls.output_path(url): data for url, data in gallery.variants(name).items()}
            for path in paths:
                staging.write(path, variants[path])
        except KeyError:
            raise NotStaged(tuple(paths)) from None
    return {path: FileToPublish(content) for path, (content, _) in built.images.items()}


def _stage_copies(
    forms: tuple[str, ...],
    targets: Mapping[str, FileToPublish],
    output: Path,
    notes: OutputNotes,
    intact: Mapping[str, Digest],
    staging: StagingFolder,
) -> dict[str, FileToPublish]:
    """The compressed copies of files that are wanted.

    Those stay that this recipe made of files that stay.
    """
    if not forms:
        return {}
    from octavo.output.compressed_copies import stage_copies

    is_same_recipe = notes.note("copies") == _recipe_of_copies(forms)
    return stage_copies(forms, targets, output, intact if is_same_recipe else {}, staging)


def _recipe_of_copies(forms: tuple[str, ...]) -> bytes:
    """How compressed copies are made here; nothing where none are."""
    if not forms:
        return b""
    from octavo.output.compress import recipe

    return recipe(forms).encode()


# Saying.


def _say_published(context: BuildContext, before: manifest.PublishedFolder, done: publish.PublishResult) -> None:
    if before.note:
        context.say(f"octavo: {before.note}")
    if done.unknown:
        count = len(done.unknown)
        first = ", ".join(map(printable, done.unknown[:3])) + (" …" if count > 3 else "")
        files = "1 file" if count == 1 else f"{count:,} files"
        context.say(
            f"octavo: {context.options.output}/ holds {files} that this build did not write ({first});"
            " octavo clean --output --unknown names each and asks before it removes them"
        )
    context.cache.say_unsaved(done.unsaved)
