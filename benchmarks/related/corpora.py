"""Collections of posts whose related posts are known, and how well lists find these.

The scorer that comes with them (``score.py``) says what a right answer is and what it is worth; ``to_posts.py`` writes
a collection as files. Neither is part of this repository.
"""

from __future__ import annotations

import gzip
import importlib.util
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

Lists = dict[str, list[str]]
"""For each post the posts offered, the best first."""

LENGTH = 10
RESAMPLES = 1000


@dataclass(frozen=True)
class Interval:
    """A mean, and where 95 of 100 resampled means lie."""

    mean: float
    low: float
    high: float


@dataclass(frozen=True)
class Score:
    """What lists are worth: of each query in order, and the part of all posts that the first five lead to."""

    ndcg: tuple[float, ...]
    hit: tuple[float, ...]
    coverage: float

    @property
    def mean(self) -> float:
        return mean(self.ndcg)

    @property
    def hits(self) -> float:
        return mean(self.hit)


@dataclass(frozen=True)
class Corpus:
    """One collection. With ``visible``, that part of the known links stands in the posts and is not asked for."""

    file: Path
    tools: Path
    visible: float = 0.0

    @property
    def name(self) -> str:
        return self.file.name.partition(".")[0]

    def posts(self) -> list[dict[str, Any]]:
        """As they are given, without what a system under test must not see."""
        with gzip.open(self.file, "rt", encoding="utf-8") as lines:
            read = [json.loads(line) for line in lines]
        return [{key: value for key, value in post.items() if key not in ("relevant", "body_md")} for post in read]

    def write(self, folder: Path) -> None:
        """A file for each post, whose name is its id."""
        command = [sys.executable, str(self.tools / "to_posts.py"), str(self.file), str(folder)]
        subprocess.run([*command, "--visible", str(self.visible)], check=True, stdout=subprocess.DEVNULL)

    def score(self, lists: Lists) -> Score:
        scorer = _scorer(self.tools)
        ids, truth = scorer.load_truth(self.file, self.visible)
        cut = {post: related[: 4 * LENGTH] for post, related in lists.items()}
        rows, counts = scorer.score(ids, truth, cut, scorer.load_known(self.file, self.visible))
        ndcg, hit = (scorer.METRICS.index(name) for name in ("ndcg@10", "hit@5"))
        return Score(tuple(row[ndcg] for row in rows), tuple(row[hit] for row in rows), counts["coverage@5"])


def corpora(folder: Path, names: list[str], visible: float) -> list[Corpus]:
    """Those in a folder, or some of them."""
    present = [Corpus(file, folder, visible) for file in sorted(folder.glob("*.jsonl.gz"))]
    present_names = [corpus.name for corpus in present]
    missing = [name for name in names if name not in present_names]
    if missing or not present:
        raise SystemExit(f"{folder}: no {', '.join(missing) or 'corpora'} there")
    return [corpus for corpus in present if not names or corpus.name in names]


def mean(values: tuple[float, ...] | list[float]) -> float:
    return sum(values) / len(values)


def lead(ours: list[Score], theirs: list[Score], seed: int = 1) -> Interval:
    """By how much nDCG@10 is ahead, as a mean over corpora: query by query, with queries drawn anew in each corpus."""
    gains = [[a - b for a, b in zip(one.ndcg, two.ndcg, strict=True)] for one, two in zip(ours, theirs, strict=True)]
    draw = Random(seed).choices
    means = sorted(mean([mean(draw(own, k=len(own))) for own in gains]) for _ in range(RESAMPLES))
    return Interval(mean([mean(own) for own in gains]), means[RESAMPLES // 40], means[-RESAMPLES // 40 - 1])


def _scorer(folder: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("score", folder / "score.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
