"""Score the related posts of Octavo and of others on collections whose related posts are known.

    python benchmarks/related/evaluate.py DATA [--corpora NAME,…] [--contenders NAME,…] [--visible SHARE] [--write PAGE]
    python benchmarks/related/evaluate.py --install

DATA is a folder with corpora (``*.jsonl.gz``) and with their ``score.py`` and ``to_posts.py``. Octavo and Hugo make
their lists from a folder of posts, by their own commands. Printed are nDCG@10 on each corpus, the means of nDCG@10,
Hit@5 and coverage@5, and by how much Octavo is ahead, with the interval in which 95 of 100 resampled leads lie.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

if not __package__:  # run by its path: imports begin at the top of the repository all the same
    sys.path[0] = str(Path(__file__).resolve().parents[2])

from benchmarks.install import install
from benchmarks.peer import ROOT, Tools
from benchmarks.related.contenders import CONTENDERS, environments, lists_of
from benchmarks.related.corpora import Corpus, Score, corpora, lead, mean
from benchmarks.tables import between_marks

OURS = "octavo"
Scores = dict[str, list[Score]]
"""By contender, a score for each corpus."""

Rows = list[list[str]]


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    tools = Tools(options.env.resolve())
    chosen = {name: CONTENDERS[name] for name in options.contenders}
    if options.install:
        return install(environments(chosen.values()), tools)
    if options.data is None:
        print("which corpora? give a folder of them", file=sys.stderr)
        return 2
    collections = corpora(options.data, options.corpora, options.visible)
    scores: Scores = {}
    with tempfile.TemporaryDirectory(prefix="octavo-related-") as work:
        for name, contender in chosen.items():
            rows = []
            for corpus in collections:
                lists = lists_of(contender, corpus, Path(work), tools)
                if lists is None:
                    print(f"{contender.title}: not found; --install installs it", file=sys.stderr)
                    break
                rows.append(corpus.score(lists))
            else:
                scores[name] = rows
                print(f"{contender.title}: {mean([each.mean for each in rows]):.3f}", file=sys.stderr, flush=True)
    tables = [quality(scores, collections), leads(scores, collections)]
    if options.write:
        page = options.write.read_text(encoding="utf-8")
        figures = "\n\n".join(filter(None, map(markdown, tables)))
        options.write.write_text(between_marks(page, figures), encoding="utf-8")
    print("\n\n".join(filter(None, map(text, tables))))
    return 0


def quality(scores: Scores, collections: Sequence[Corpus]) -> Rows:
    """nDCG@10 of each, and the means; the best last."""
    rows = [["nDCG@10", *(corpus.name for corpus in collections), "mean", "Hit@5", "coverage@5"]]
    for name in sorted(scores, key=lambda name: mean([each.mean for each in scores[name]])):
        own = scores[name]
        means = mean([each.mean for each in own]), mean([each.hits for each in own])
        cells = [f"{each.mean:.3f}" for each in own]
        figures = [*(f"{value:.3f}" for value in means), f"{mean([each.coverage for each in own]):.3f}"]
        rows.append([CONTENDERS[name].title, *cells, *figures])
    return rows


def leads(scores: Scores, collections: Sequence[Corpus]) -> Rows:
    """By how much Octavo is ahead of each."""
    if OURS not in scores or len(scores) < 2:
        return []
    rows = [["Octavo is ahead of", *(corpus.name for corpus in collections), "mean"]]
    ours = scores[OURS]
    for name, theirs in sorted(scores.items(), key=lambda each: mean([score.mean for score in each[1]])):
        if name == OURS:
            continue
        pairs = [([one], [two]) for one, two in zip(ours, theirs, strict=True)]
        intervals = [lead(*pair) for pair in [*pairs, (ours, theirs)]]
        cells = [f"{each.mean:+.2f} ({each.low:.2f} to {each.high:.2f})" for each in intervals]
        rows.append([CONTENDERS[name].title, *cells])
    return rows


def text(rows: Rows) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ([cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in rows)
    return "\n".join("  ".join(line).rstrip() for line in lines)


def markdown(rows: Rows) -> str:
    if not rows:
        return ""
    head, *body = rows
    rule = [":---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, rule, *body])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Score lists of related posts.")
    parser.add_argument("data", nargs="?", type=Path, metavar="DATA", help="a folder of corpora")
    parser.add_argument("--corpora", type=_some, default=[], metavar="NAME,…", help="by default all")
    parser.add_argument(
        "--contenders", type=_known, default=list(CONTENDERS), metavar="NAME,…", help=", ".join(CONTENDERS)
    )
    parser.add_argument(
        "--visible", type=float, default=0.0, metavar="SHARE", help="the part of the links that is left in the posts"
    )
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put the tables between the marks of a page")
    parser.add_argument("--install", action="store_true", help="install what the others need and do nothing else")
    parser.add_argument("--env", type=Path, default=ROOT / ".venv-bench", metavar="DIR", help="where that is installed")
    return parser


def _some(written: str) -> list[str]:
    return written.split(",")


def _known(written: str) -> list[str]:
    names = written.split(",")
    for name in names:
        if name not in CONTENDERS:
            raise argparse.ArgumentTypeError(f"'{name}' is none of {', '.join(CONTENDERS)}")
    return names


if __name__ == "__main__":
    sys.exit(main())
