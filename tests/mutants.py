"""Seeded faults of the engine, each of which the fuzz must catch.

A mutant breaks the process that builds incrementally; the clean builds it is compared with run in another, unbroken.
``python -m tests.mutants`` tries them all with many runs each; ``tests/test_fuzz.py`` with few.
"""

from __future__ import annotations

import contextlib
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from octavo.base.digest import digest
from octavo.engine import answers, facts, memo, records
from octavo.engine.facts import Fact
from octavo.model.queries import Source
from octavo.output import journal, manifest, publish
from octavo.project import build_report, site_files, stat_cache
from octavo.site.extensions import load
from octavo.templates import environment as template_environment
from tests.fuzz import CleanBuilder, Difference, run

Mutant = Callable[[], AbstractContextManager[Any]]


def absence_is_not_recorded() -> AbstractContextManager[Any]:
    def call(self: facts.Reader, query: Any, /) -> Any:
        found = self._facts.fact(query)
        value = found.load()
        if value is not None:
            self.facts.setdefault(query, found)
        return value

    return patch.object(facts.Reader, "__call__", call)


def only_the_first_answers_are_checked() -> AbstractContextManager[Any]:
    real = memo.Memo._change

    def change(self: memo.Memo, trace: Any, current: Any) -> Any:
        if trace is not None:
            trace = type(trace)(trace.queries[:4], trace.revision, trace.parts)
        return real(self, trace, current)

    return patch.object(memo.Memo, "_change", change)


def an_item_once_run_is_never_run_again() -> AbstractContextManager[Any]:
    def change(self: memo.Memo, trace: Any, current: Any) -> Any:
        return records.Change("it is new") if trace is None else None

    return patch.object(memo.Memo, "_change", change)


@contextlib.contextmanager
def layouts_compiled_already_are_not_asked_for() -> Iterator[None]:
    real = template_environment._Layouts.load

    def load(self: Any, environment: Any, name: str, globals: Any = None) -> Any:
        _, template = self._loaded.get(name, (None, None))
        return template or real(self, environment, name, globals)

    with patch.object(template_environment._Layouts, "load", load):
        yield


def imported_layouts_are_kept() -> AbstractContextManager[Any]:
    def default_module(self: Any, ctx: Any = None) -> Any:
        if self._module is None:
            self._module = self.make_module(dict(template_environment.rendering.get().names))
        return self._module

    return patch.object(template_environment._LayoutTemplate, "_get_default_module", default_module)


def who_shares_a_part_is_not_told_what_it_asked() -> AbstractContextManager[Any]:
    def shared(self: facts.Reader, make: Any, /, *args: Any) -> Any:
        return make(facts.Reader(self._facts), *args)

    return patch.object(facts.Reader, "shared", shared)


@contextlib.contextmanager
def lost_outputs_are_not_missed() -> Iterator[None]:
    def compare(*_: object) -> manifest.FileComparison:
        return manifest.FileComparison(set(), {})

    with patch.object(manifest, "compare", compare), patch.object(publish, "compare", compare):
        yield


def changed_files_are_not_read_again() -> AbstractContextManager[Any]:
    real = stat_cache.StatCache.digest

    def known_is_enough(self: stat_cache.StatCache, path: str, location: str, status: Any) -> bytes:
        row = self._rows.get(path)
        return row[2] if row is not None and path.startswith("layouts/") else real(self, path, location, status)

    return patch.object(stat_cache.StatCache, "digest", known_is_enough)


def the_root_trace_forgets_the_layouts() -> AbstractContextManager[Any]:
    real = site_files.Files.digest

    def without_layouts(self: site_files.Files) -> bytes:
        return real(type(self)(**{**vars(self), "layouts": {}}))

    return patch.object(site_files.Files, "digest", without_layouts)


def the_root_trace_forgets_the_choices() -> AbstractContextManager[Any]:
    return patch.object(build_report.Options, "site_choices", ())


def the_script_is_known_by_its_names_only() -> AbstractContextManager[Any]:
    real = load.Script._extended

    def by_name(self: load.Script, query: Any) -> Fact:
        found = real(self, query)
        return Fact(digest((query.kind, self.names)), found.load)

    return patch.object(load.Script, "_extended", by_name)


def warnings_are_told_once() -> AbstractContextManager[Any]:
    real = records.Records.non_default
    seen: set[tuple[str, str, bytes]] = set()

    def non_default(self: records.Records, part: str) -> Any:
        found = real(self, part)
        if part != "problems":
            return found
        keys = {item: (self.step, item, self.digest(item, part)) for item in found}
        told = {item: problems for item, problems in found.items() if keys[item] not in seen}
        seen.update(keys.values())
        return told

    return patch.object(records.Records, "non_default", non_default)


def an_answer_that_changes_looks_as_if_it_always_was_so() -> AbstractContextManager[Any]:
    real = answers.Answers._set

    def put(self: answers.Answers, name: str, known: Any, place: int, answer: bytes) -> None:
        before = known.changed[place]
        real(self, name, known, place, answer)
        known.changed[place] = before

    return patch.object(answers.Answers, "_set", put)


def what_changed_of_posts_is_not_told() -> AbstractContextManager[Any]:
    return patch.object(answers.Revisions, "since", lambda self, revision: ())


def the_lists_of_related_posts_are_never_updated() -> AbstractContextManager[Any]:
    real = memo.Memo.fold

    def fold(self: memo.Memo, step: Any, value: Any, found: Any) -> Any:
        left = self.left(step, value)
        return left if left.records else real(self, step, value, found)

    return patch.object(memo.Memo, "fold", fold)


def files_that_are_wanted_no_more_stay() -> AbstractContextManager[Any]:
    return patch.object(journal, "remove_file", lambda *arguments: None)


def a_source_is_known_by_its_length() -> AbstractContextManager[Any]:
    real = facts.Reader.__call__

    def call(self: facts.Reader, query: Any, /) -> Any:
        value: Any = real(self, query)
        if isinstance(query, Source):
            self.facts[query] = Fact(digest(len(value)), self.facts[query].load)
        return value

    def fact(self: facts.Facts, query: Any) -> Fact:
        found = real_fact(self, query)
        return Fact(digest(len(found.load())), found.load) if isinstance(query, Source) else found

    real_fact = facts.Facts.fact
    stack = contextlib.ExitStack()
    stack.enter_context(patch.object(facts.Reader, "__call__", call))
    stack.enter_context(patch.object(facts.Facts, "fact", fact))
    return stack


MUTANTS: tuple[Mutant, ...] = (
    absence_is_not_recorded,
    only_the_first_answers_are_checked,
    an_item_once_run_is_never_run_again,
    layouts_compiled_already_are_not_asked_for,
    imported_layouts_are_kept,
    who_shares_a_part_is_not_told_what_it_asked,
    lost_outputs_are_not_missed,
    changed_files_are_not_read_again,
    the_root_trace_forgets_the_layouts,
    the_root_trace_forgets_the_choices,
    the_script_is_known_by_its_names_only,
    warnings_are_told_once,
    the_lists_of_related_posts_are_never_updated,
    files_that_are_wanted_no_more_stay,
    a_source_is_known_by_its_length,
    an_answer_that_changes_looks_as_if_it_always_was_so,
    what_changed_of_posts_is_not_told,
)


def caught(mutant: Mutant, seeds: range, edits: int) -> tuple[int, int] | None:
    """(seed, builds until then) of the first run that finds the fault; None when none does."""
    with CleanBuilder() as clean, mutant():
        for seed in seeds:
            builds = 0
            with tempfile.TemporaryDirectory(prefix="octavo-mutant-") as folder:
                try:
                    for _ in run(seed, edits, Path(folder), clean):
                        builds += 1
                except Difference:
                    return seed, builds
    return None


def main() -> int:
    missed = 0
    for mutant in MUTANTS:
        found = caught(mutant, range(40), 30)
        missed += found is None
        where = "MISSED" if found is None else f"caught at seed {found[0]}, build {found[1] + 1}"
        print(f"{mutant.__name__}: {where}", flush=True)
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
