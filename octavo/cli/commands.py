"""What each command does.

A function for each, from its arguments to its exit status.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import sys
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from octavo.base.diagnostics import Diagnostic, did_you_mean, printable
from octavo.base.names import CACHE_FOLDER, POSTS_FOLDER
from octavo.base.urls import slugify
from octavo.cli.progress import Progress, can_show
from octavo.cli.report_text import (
    count,
    count_problems,
    format_build,
    format_held,
    print_json,
    print_problems,
    print_summary,
    print_verified,
    report_dict,
    say,
)
from octavo.engine.observer import Observer, Observers
from octavo.output.publish import remove_unknown
from octavo.output.publish_errors import PublishError
from octavo.output.safety import check_apart
from octavo.project import code_fingerprint, noop_replay
from octavo.project.build_report import WAIT_SECONDS, Options
from octavo.project.cache import PREVIEWS, check_cache, find_cache, is_cache, say_unwritable
from octavo.project.errors import ERRORS, Failure, Usage, writing_output
from octavo.project.project import Project
from octavo.project.site_files import FOLDERS, read_config

if TYPE_CHECKING:
    from octavo.cli.profile import Profile
    from octavo.model.related import Reason
    from octavo.site.stages import LearnedSite


def options_from(arguments: argparse.Namespace) -> Options:
    """The options that a command has; the others keep their defaults."""
    values = vars(arguments)
    chosen = {field.name: values[field.name] for field in fields(Options) if field.name in values}
    return Options(**{**chosen, "at": chosen.get("at") or _source_date()})


def _source_date() -> dt.datetime | None:
    """What SOURCE_DATE_EPOCH says, which stands for now."""
    text = os.environ.get("SOURCE_DATE_EPOCH", "")
    if not text:
        return None
    try:
        return dt.datetime.fromtimestamp(int(text), dt.UTC)
    except (ValueError, OverflowError, OSError):
        raise Usage(f"SOURCE_DATE_EPOCH is '{text}'", "it must be a number of seconds since 1970, in UTC") from None


def site_folder(arguments: argparse.Namespace) -> Path:
    """The folder of the site that a command is for."""
    root = Path(arguments.directory)
    if not root.is_dir():
        raise Usage(f"'{root}' is not a folder" if root.exists() else f"there is no folder '{root}'")
    try:
        parents = root.resolve().parents
    except OSError as problem:
        raise Usage("the current folder is gone") from problem
    if not (root / POSTS_FOLDER).is_dir():
        above = next((folder for folder in parents if (folder / POSTS_FOLDER).is_dir()), None)
        hint = f"did you mean -C {above}?" if above else "a site begins with a folder posts/; -C names one elsewhere"
        raise Usage(f"'{root}' is no site: it has no folder posts/", hint)
    return root


def open_project(arguments: argparse.Namespace, *observers: Observer) -> Project:
    root = site_folder(arguments)
    options = options_from(arguments)
    if vars(arguments).get("verify"):
        options = replace(options, at=options.now())  # which is that of the clean build as well
    if options.cache is not None:
        check_apart(root / options.output, root / options.cache)
        _check_cache(root, root / options.cache)
    return Project(root, options, say, Observers(*_progress(arguments), *observers))


def _progress(arguments: argparse.Namespace) -> Iterator[Observer]:
    """A bar where somebody sees it and nobody asked for silence."""
    values = vars(arguments)
    if values.get("format") != "json" and not values.get("quiet") and can_show(sys.stderr):
        yield Progress()


def _check_cache(root: Path, cache: Path) -> None:
    """Raise Usage for a folder that cannot be a cache.

    Some files of a cache are removed by their names, so it must be a folder that holds nothing else.
    """
    if any(cache.resolve().is_relative_to((root / name).resolve()) for name in FOLDERS):
        raise Usage(f"the cache '{cache}' would lie in a source folder", "name a folder of its own")
    names = _names_in(cache)
    if names and not (is_cache(names) or any(is_cache(_names_in(cache / name) - {"site"}) for name in PREVIEWS)):
        raise Usage(f"'{cache}' is no cache: it holds other files", "name a folder that is new or empty")


def _names_in(folder: Path) -> set[str]:
    return {entry.name for entry in folder.iterdir()} if folder.is_dir() else set()


def build(arguments: argparse.Namespace) -> int:
    profile = _profile() if arguments.profile else None
    with open_project(arguments, *([] if profile is None else [profile])) as project:
        report = project.build()
        differences: tuple[Diagnostic, ...] | None = None
        if arguments.verify and not report.failed:
            from octavo.cli.verify import verify

            differences = verify(project, report)
        folder = str(project.cache.folder)
    status = ERRORS if differences else report.status
    out, err = format_build(report, differences or (), arguments.format, arguments.quiet, profile)
    with writing_output(status):
        sys.stderr.write(err)
        sys.stdout.write(out.replace(noop_replay.SECONDS, f"{report.seconds:.2f}"))
        if arguments.format == "text" and not arguments.quiet:
            print_verified(report, differences)
    evidence = report.evidence
    if evidence is not None and differences is None and arguments.cache is None and profile is None:
        noop_replay.write_evidence(
            folder,
            arguments.command_line,
            (out, err),
            states=evidence.states,
            places=evidence.places,
            program=code_fingerprint.list_code_places(),
            began=evidence.began,
            window=evidence.window,
        )
    return status


def _profile() -> Profile:
    from octavo.cli.profile import Profile

    return Profile()


def check(arguments: argparse.Namespace) -> int:
    with open_project(arguments) as project:
        report = project.check()
    with writing_output(report.status):
        if arguments.format == "json":
            print_json(report_dict(report))
        else:
            print_problems(report.problems)
            print(f"{count(report.pages, 'page')} checked: {count_problems(report.problems)}")
            sys.stdout.write(format_held(report))
    return report.status


def watch(arguments: argparse.Namespace) -> int:
    from octavo.cli.rebuild import rebuild_on_change
    from octavo.project.watcher import Changes

    with open_project(arguments) as project, Changes(project.watched_paths, say) as changes:
        say(f"octavo: watching {project.root} (Ctrl-C ends)")
        for outcome in rebuild_on_change(project, changes):
            with writing_output(0):
                if isinstance(outcome, Failure):
                    print(outcome.words, file=sys.stderr)
                elif outcome.failed or outcome.rendered or outcome.written or outcome.removed:
                    print_problems(outcome.problems)
                    print_summary(outcome)
    return 0


def serve(arguments: argparse.Namespace) -> int:
    from octavo.preview.app import preview
    from octavo.project.watcher import Changes

    root = site_folder(arguments)
    with_unpublished = not arguments.published
    if arguments.cache is not None:
        _check_cache(root, root / arguments.cache)
    name = "preview" if with_unpublished else "published"
    with _preview_cache(root, arguments.cache, name) as cache:
        options = replace(
            options_from(arguments),
            output=str(find_cache(root.resolve(), cache) / name / "site"),
            cache=cache,
            preview=name,
            drafts=with_unpublished,
            future=with_unpublished,
        )
        with Project(root, options, say) as project, Changes(project.watched_paths, say) as changes:
            return preview(project, changes, arguments.host, arguments.port, arguments.open)


@contextmanager
def _preview_cache(root: Path, chosen: str | None, name: str) -> Iterator[str | None]:
    """The cache in which a preview has a folder of this name.

    It is the one that was chosen, or a passing one where that cannot be written.
    """
    folder = find_cache(root.resolve(), chosen)
    check_cache(folder)
    try:
        (folder / name).mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        import tempfile

        say_unwritable(problem, folder, chosen or CACHE_FOLDER, say, "the preview goes on without it")
        with tempfile.TemporaryDirectory(prefix="octavo-preview-") as passing:
            yield passing
        return
    yield chosen


def related(arguments: argparse.Namespace) -> int:
    if (arguments.post and arguments.all) or not (arguments.post or arguments.all or arguments.report):
        raise Usage("related: name a POST or give --all, " + ("not both" if arguments.all else "one of them"))
    with open_project(arguments) as project:
        from octavo.model.related import decode_all
        from octavo.site.page_facts import load_relations

        knowledge = project.learn()
        records, list_length = knowledge.related.records, knowledge.publication.sources.settings.related.count
        if not list_length:
            raise Usage("related: the site has no lists of related posts", "give 'related' another number than 0")
        path = (
            _related_post(knowledge, arguments.post, _source_path(project, arguments.post)) if arguments.post else None
        )
        with writing_output(0):
            if arguments.report:
                _print_insight(knowledge, path, arguments.format, arguments.count)
                return 0
            for each in sorted(records) if path is None else [path]:
                row = decode_all(load_relations(records, each, arguments.count, list_length))
                if arguments.format == "json":
                    print_json(related_dict(each, row))
                else:
                    print_related(knowledge, each, row)
    return 0


def _print_insight(knowledge: LearnedSite, path: str | None, form: str, most: int) -> None:
    from octavo.engine.facts import Reader
    from octavo.site import link_report_text
    from octavo.site.link_report import inspect

    index, lists, documents = knowledge.publication.index, knowledge.related.records, knowledge.documents.records
    link_report = inspect(index, lists, documents, Reader(knowledge.facts), path)
    if form == "json":
        print_json(link_report_text.to_dict(link_report))
    else:
        sys.stdout.write(link_report_text.to_text(link_report, most))


_UNRELATED = {
    "draft": ("a draft", "--drafts counts it as published"),
    "future": ("a post to come", "--future counts it as published"),
    "expired": ("a post that has expired", ""),
    "broken": ("a post with errors", "octavo check shows them"),
    "published": ("a page, which is related to nothing", ""),
}
"""By the state of a source that has no list: what it is, and what to do about it."""


def _related_post(knowledge: LearnedSite, text: str, path: str) -> str:
    """The post that an author means: ``path``, where the given text is a file's, or else by any of its names."""
    from octavo.site.lookup import Names

    sources = knowledge.publication.sources
    names = Names(sources.metas, sources.settings)
    paths = names.find(path) or names.find(text, POSTS_FOLDER)
    if len(paths) > 1:
        raise Usage(f"'{text}' may be {' or '.join(paths[:3])}", f"write {paths[0]}")
    if not paths:
        near = names.suggest(text)
        raise Usage(f"there is no post '{text}'", f"did you mean '{near}'?" if near else _NAME_IT)
    if paths[0] not in knowledge.related.records:
        what, hint = _UNRELATED[knowledge.publication.index.published.states[paths[0]]]
        raise Usage(f"'{text}' is {what}", hint)
    return paths[0]


_NAME_IT = "name the file, such as posts/hello.md"


def _source_path(project: Project, text: str) -> str:
    """A file as the author names it: relative to the site, to ``posts/``, or to the current folder."""
    for candidate in (Path(text), project.root / text, project.root / POSTS_FOLDER / text):
        if candidate.is_file() and candidate.resolve().is_relative_to(project.root):
            return candidate.resolve().relative_to(project.root).as_posix()
    return text


def related_dict(path: str, row: Iterable[Any]) -> dict[str, Any]:
    return {
        "id": path,
        "related": [
            {
                "id": relation.path,
                "score": relation.score,
                "why": [
                    {"kind": reason.kind, "text": reason.text, "share": reason.share, "code": reason.code}
                    for reason in relation.reasons
                ],
            }
            for relation in row
        ],
    }


def print_related(knowledge: LearnedSite, path: str, row: Iterable[Any]) -> None:
    posts = knowledge.publication.index.by_path
    print(f"{posts[path].title}  ({path})")
    for relation in row:
        print(f"  {relation.score:6.3f}  {posts[relation.path].title}  ({relation.path})")
        if relation.reasons:
            print(f"          {', '.join(map(_reason, relation.reasons))}")


def _reason(reason: Reason) -> str:
    text = f"`{reason.text}`" if reason.code else reason.text
    return text if reason.share is None else f"{text} {reason.share:.0%}"


def why(arguments: argparse.Namespace) -> int:
    with open_project(arguments) as project:
        url, asked, reason, urls = project.why(arguments.url)
    if asked is None:
        hint = did_you_mean(url, urls) if urls else "build the site first"
        raise Usage(f"no page at '{url}' has been built", hint)
    with writing_output(0):
        if arguments.format == "json":
            print_json({"url": url, "last": reason, "asked": list(asked)})
        else:
            print(f"{url}\n  rendered last because {printable(reason)}\n  made from:")
            for question in asked:
                print(f"    {printable(question)}")
    return 0


def new(arguments: argparse.Namespace) -> int:
    title = " ".join(" ".join(arguments.title).split())
    if not title:
        raise Usage("new: give the post a title")
    root = site_folder(arguments)
    path = root / POSTS_FOLDER / f"{slugify(title)}.md"
    relative_path = path.relative_to(root).as_posix()
    today = _today(root, options_from(arguments)).isoformat()
    text = f"---\ntitle: {json.dumps(title, ensure_ascii=False)}\ndate: {today}\ntags: []\ndraft: true\n---\n\n"
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(text)
    except FileExistsError:
        raise Usage(
            f"'{relative_path}' is there already", "give the post another title, or write on in that file"
        ) from None
    except OSError as problem:
        raise PublishError(f"it cannot be written: {problem.strerror}", relative_path) from problem
    with writing_output(0):
        print(relative_path)
    return 0


def _today(root: Path, options: Options) -> dt.date:
    """The day in the site's time zone."""
    from zoneinfo import ZoneInfo

    now = options.at or dt.datetime.now(dt.UTC)
    return now.astimezone(ZoneInfo(read_config(root.resolve(), {}).settings.timezone)).date()


def clean(arguments: argparse.Namespace) -> int:
    if arguments.unknown and not arguments.output:
        raise Usage("clean: --unknown goes with --output", "octavo clean --output --unknown names the files and asks")
    root = Path(arguments.directory)
    if not root.is_dir():
        raise Usage(f"there is no folder '{root}'")
    cache, cache_name = find_cache(root.resolve(), arguments.cache), arguments.cache or CACHE_FOLDER
    if arguments.cache is not None:
        _check_cache(root, root / arguments.cache)
    check_cache(cache)
    is_there = cache.is_dir()
    said = [] if is_there else ["there is no cache"]
    if is_there or arguments.output:
        with Project(
            site_folder(arguments) if arguments.output else root, Options(cache=arguments.cache, wait=WAIT_SECONDS), say
        ) as project:
            if arguments.output:
                said += _clean_output(project, arguments.unknown, is_there)
            try:
                pending = project.remove_cache()
            except OSError as problem:
                raise PublishError(f"it cannot be removed: {problem.strerror}", cache_name) from problem
        if is_there:
            said.append(f"removed the cache, {cache_name.rstrip('/')}/")
        for folder in pending:
            shown_folder = printable(folder)
            said.append(
                f"but for what is to be published in {shown_folder}: octavo build --output {shown_folder} completes it"
            )
    with writing_output(0):
        print("\n".join(said))
    return 0


def _clean_output(project: Project, unknown: bool, has_cache: bool) -> list[str]:
    """Remove what was published; answers what there is to say of it."""
    others = project.unknown_files() if unknown else ()
    removed = project.remove_published()
    print_problems(removed.warnings)
    if removed.paths or removed.warnings or has_cache:
        said = [f"removed {count(len(removed.paths), 'file')} from output/"]
    else:
        said = ["so nothing tells what Octavo wrote into output/: delete it by hand, or build first"]
    if unknown and others and _is_agreed(others):
        said.append(f"removed {count(len(remove_unknown(project.output, others)), 'file')} that Octavo did not write")
    elif unknown:
        said.append("no other files were removed")
    return said


def _is_agreed(paths: Collection[str]) -> bool:
    """Name files, and ask whether they may be removed: nothing but y or yes says so."""
    with writing_output(0):
        for path in paths:
            print(f"output/{printable(path)}")
        what = "this file" if len(paths) == 1 else f"these {len(paths):,} files"
        sys.stdout.write(f"remove {what}? [y/N] ")
    answer = sys.stdin.readline() if sys.stdin is not None else ""
    return answer.strip().lower() in ("y", "yes")
