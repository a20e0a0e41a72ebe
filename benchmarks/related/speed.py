"""What related articles cost, on made-up posts.

    python benchmarks/related/speed.py [--kind small|real] [SIZE…]

For each number of posts: a run from nothing, and from its state a run after one post was edited (a sentence more), one
was added, the oldest was deleted, one got another title. Each run is a process of its own that knows the counted terms,
as after parsing, from an SQLite file. Printed are the CPU seconds from loading the state (and numpy) to all lists and
the new state in the form in which they are stored, the peak of resident memory, the lists that were made, and the size
of the state.
"""

from __future__ import annotations

import argparse
import datetime as dt
import pickle
import re
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

if not __package__:  # run by its path: imports begin at the top of the repository all the same
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from benchmarks.corpus import KINDS, made_post
from octavo.base.digest import digest
from octavo.engine.worker import take_apart
from octavo.model.documents import Terms
from octavo.model.related import Candidate
from octavo.model.settings import RelatedSettings
from octavo.related.rank import RelatedRows, rank
from octavo.related.terms import count_terms

EPOCH = dt.date(1970, 1, 1)
CHANGES = ("full", "edit", "add", "delete", "title")


def main() -> int:
    parser = argparse.ArgumentParser(description="Measure what related articles cost.")
    parser.add_argument("sizes", nargs="*", type=int, default=[1000, 10_000], metavar="SIZE", help="1000 10000")
    parser.add_argument("--kind", choices=KINDS, default="small")
    parser.add_argument("--change", choices=CHANGES, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.change:
        measure(Corpus(options.folder), options.kind, options.change)
        return 0
    print(f"{'posts':>7} {'change':8} {'CPU s':>7} {'peak MB':>8} {'lists':>7} {'state MB':>9}")
    for size in options.sizes:
        with tempfile.TemporaryDirectory() as folder:
            Corpus(Path(folder)).write(options.kind, size)
            for change in CHANGES:
                command = [sys.executable, __file__, "--kind", options.kind, "--change", change, "--folder", folder]
                subprocess.run(command, check=True)
    return 0


@dataclass(frozen=True)
class Corpus:
    """Candidates, terms and the state of the last run, in a folder."""

    folder: Path

    def write(self, kind: str, size: int) -> None:
        candidates = []
        with self._terms() as terms:
            terms.execute("CREATE TABLE terms (path TEXT PRIMARY KEY, data BLOB)")
            for number in range(size):
                post = read(number, kind)
                candidates.append(post.candidate())
                terms.execute("INSERT INTO terms VALUES (?, ?)", (post.path, pickle.dumps(post.terms())))
        (self.folder / "candidates").write_bytes(pickle.dumps(candidates))

    def candidates(self) -> list[Candidate]:
        loaded: list[Candidate] = pickle.loads((self.folder / "candidates").read_bytes())
        return loaded

    def loader(self, instead: dict[str, Terms]) -> Callable[[str], Terms]:
        terms = self._terms()

        def load(path: str) -> Terms:
            if path in instead:
                return instead[path]
            (data,) = terms.execute("SELECT data FROM terms WHERE path = ?", (path,)).fetchone()
            loaded: Terms = pickle.loads(data)
            return loaded

        return load

    def _terms(self) -> sqlite3.Connection:
        return sqlite3.connect(self.folder / "terms")


@dataclass(frozen=True)
class Post:
    path: str
    title: str
    day: int
    tags: tuple[str, ...]
    series: str | None
    prose: str
    code: str

    def terms(self) -> Terms:
        return count_terms(self.title, self.tags, self.prose, self.code)

    def candidate(self) -> Candidate:
        return Candidate(self.path, self.title, self.day, digest(self.terms()), tags=self.tags, series=self.series)


def read(number: int, kind: str) -> Post:
    """A made-up post, read with less care than Octavo takes and much faster."""
    name, content = next(each for each in made_post(number, kind, seed=1) if each[0].endswith(".md"))
    _, front, body = content.decode().split("---\n", 2)
    meta = dict(line.split(": ", 1) for line in front.splitlines() if line)
    fences = re.compile(r"```[^\n]*\n(.*?)```", re.S)
    return Post(
        path=f"posts/{name}",
        title=meta["title"],
        day=(dt.datetime.fromisoformat(meta["date"]).date() - EPOCH).days,
        tags=tuple(meta["tags"].strip("[]").split(", ")),
        series=meta.get("series"),
        prose=re.sub(r"\]\([^)]*\)", "]", fences.sub("\n", body)),
        code="\n".join(fences.findall(body)),
    )


def changed(posts: list[Candidate], kind: str, change: str) -> tuple[list[Candidate], dict[str, Terms]]:
    """The candidates after a change, and the terms that are not those of the corpus."""
    third = len(posts) // 3
    if change == "edit":
        post, other = read(third, kind), read(third + 1, kind)
        edited = replace(post, prose=f"{post.prose}\n{other.prose.partition('.')[0]}")
        return [*posts[:third], edited.candidate(), *posts[third + 1 :]], {edited.path: edited.terms()}
    if change == "add":
        new = replace(read(len(posts), kind), day=max(post.day or 0 for post in posts) + 1)
        return [*posts, new.candidate()], {new.path: new.terms()}
    if change == "delete":
        oldest = min(posts, key=lambda post: (post.day or 0, post.path))
        return [post for post in posts if post is not oldest], {}
    if change == "title":
        return [*posts[:third], posts[third]._replace(title="Another title"), *posts[third + 1 :]], {}
    return posts, {}


def measure(corpus: Corpus, kind: str, change: str) -> None:
    posts, instead = changed(corpus.candidates(), kind, change)
    load, stored = corpus.loader(instead), corpus.folder / "state"
    start = time.process_time()
    before = pickle.loads(stored.read_bytes()) if change != "full" else None
    lists, state = rank(posts, load, previous=before)
    made = sum(1 for _ in written(RelatedRows(lists, RelatedSettings().count)))
    digest(state)
    after = pickle.dumps(state, pickle.HIGHEST_PROTOCOL)
    spent = time.process_time() - start
    if change == "full":
        stored.write_bytes(after)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{len(posts):7} {change:8} {spent:7.2f} {peak:8.0f} {made:7} {len(after) / 1e6:9.1f}", flush=True)


def written(rows: RelatedRows) -> Iterator[object]:
    """The lists that may have changed, as the memo stores them."""
    for path in sorted(rows.touched):
        yield take_apart(rows[path], path)


if __name__ == "__main__":
    sys.exit(main())
