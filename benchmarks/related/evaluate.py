"""Score the lists of related posts on collections whose related posts are known.

    python benchmarks/related/evaluate.py --score SCORE.PY [--fields] [--json] CORPUS.jsonl.gz…

SCORE.PY is the scorer that comes with the corpora; ``to_posts.py`` lies beside it. Each corpus is written as a folder
of posts and goes through ``octavo related --all``, from files to lists. With ``--fields``, lists are made straight
from the corpus's own plain text, without our Markdown parser: the difference is what the parser costs or brings.

Prints nDCG@10 and Hit@5, each with the mean over the corpora, and coverage@5.
"""

from __future__ import annotations

import argparse
import datetime as dt
import gzip
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from octavo.digest import digest
from octavo.model import Candidate
from octavo.related import rank
from octavo.terms import count_terms

LENGTH = 10
EPOCH = dt.date(1970, 1, 1)

Lists = dict[str, list[str]]


def main() -> int:
    parser = argparse.ArgumentParser(description="Score lists of related posts.")
    parser.add_argument("corpora", nargs="+", type=Path, metavar="CORPUS")
    parser.add_argument("--score", required=True, type=Path, metavar="SCORE.PY")
    parser.add_argument("--fields", action="store_true", help="from the corpus's plain text instead of from files")
    parser.add_argument("--json", action="store_true", help="print what the scorer says of each corpus, one a line")
    options = parser.parse_args()
    results = {}
    with tempfile.TemporaryDirectory() as folder:
        for corpus in options.corpora:
            name = corpus.name.partition(".")[0]
            made = from_fields(corpus) if options.fields else from_files(corpus, options.score, Path(folder) / name)
            results[name] = scored(corpus, made, options.score, Path(folder))
            if options.json:
                print(json.dumps({"corpus": name, **results[name]}), flush=True)
    if not options.json:
        print_table(results)
    return 0


def from_fields(corpus: Path) -> Lists:
    """Lists from the texts that the corpus gives."""
    terms, candidates = {}, []
    for post in read(corpus):
        tags = tuple(post["tags"])
        terms[post["id"]] = counted = count_terms(post["title"], tags, post["body_text"], post["code"])
        day = (dt.date.fromisoformat(post["date"]) - EPOCH).days if post["date"] else None
        candidates.append(Candidate(post["id"], post["title"], day, digest(counted), tags))
    lists, _ = rank(candidates, terms.__getitem__)
    return {path: [relation.path for relation in row[:LENGTH]] for path, row in lists.items()}


def from_files(corpus: Path, score: Path, site: Path) -> Lists:
    """Lists by the command line, from a folder of posts."""
    run(score.with_name("to_posts.py"), corpus, site / "posts")
    command = [sys.executable, "-m", "octavo", "-C", str(site), "related", "--all", "--format", "json"]
    told = subprocess.run([*command, "--count", str(LENGTH)], check=False, stdout=subprocess.PIPE, text=True)
    if told.returncode:
        raise SystemExit(f"{' '.join(command)}: exit status {told.returncode}")
    rows = map(json.loads, told.stdout.splitlines())
    return {Path(row["id"]).stem: [Path(other["id"]).stem for other in row["related"]] for row in rows}


def scored(corpus: Path, lists: Lists, score: Path, folder: Path) -> dict[str, Any]:
    """What the scorer says of lists."""
    predictions = folder / "predictions.jsonl"
    lines = (json.dumps({"id": post, "related": related}) + "\n" for post, related in lists.items())
    predictions.write_text("".join(lines), "utf-8")
    found = json.loads(run(score, corpus, predictions))
    assert isinstance(found, dict)
    return found


def print_table(results: dict[str, dict[str, Any]]) -> None:
    print(f"{'corpus':12} {'queries':>7} {'nDCG@10':>8} {'95%':>15} {'Hit@5':>7} {'coverage@5':>11}")
    for name, found in results.items():
        ndcg, hit = found["metrics"]["ndcg@10"], found["metrics"]["hit@5"]
        interval = f"{ndcg['low']:.3f} to {ndcg['high']:.3f}"
        print(
            f"{name:12} {found['queries']:7} {ndcg['mean']:8.4f} {interval:>15} {hit['mean']:7.4f}"
            f" {found['coverage@5']:11.4f}"
        )
    ndcg_mean = mean(found["metrics"]["ndcg@10"]["mean"] for found in results.values())
    hit_mean = mean(found["metrics"]["hit@5"]["mean"] for found in results.values())
    print(f"{'mean':12} {'':7} {ndcg_mean:8.4f} {'':15} {hit_mean:7.4f}")


def mean(values: Iterable[float]) -> float:
    known = list(values)
    return sum(known) / len(known)


def run(script: Path, *arguments: Path) -> str:
    return subprocess.run([sys.executable, script, *arguments], check=True, stdout=subprocess.PIPE, text=True).stdout


def read(corpus: Path) -> Iterable[dict[str, Any]]:
    with gzip.open(corpus, "rt", encoding="utf-8") as lines:
        yield from map(json.loads, lines)


if __name__ == "__main__":
    sys.exit(main())
