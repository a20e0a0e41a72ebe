"""The report on links and tags, in words and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from octavo.base.diagnostics import printable
from octavo.site.link_report import LinkReport, MissedLink


def to_dict(report: LinkReport) -> dict[str, Any]:
    """The report as ``--format json`` prints it."""
    return {
        "posts": report.posts,
        "reached": report.reached,
        "unreached": list(report.unreached),
        "crowded": [{"path": each.path, "lists": each.lists} for each in report.crowded],
        "duplicates": [{"paths": [each.path, each.other], "share": each.share} for each in report.duplicates],
        "same_titles": [list(paths) for paths in report.same_titles],
        "missed_links": [
            {
                "path": each.path,
                "line": each.span.line if each.span else None,
                "column": each.span.column if each.span else None,
                "target": each.target,
                "score": each.score,
                "words": each.words,
                "sentence": each.sentence,
            }
            for each in report.missed_links
        ],
        "similar_tags": [dict(each.tags) for each in report.similar_tags],
        "missing_tags": [{"path": each.path, "tag": each.tag, "posts": each.posts} for each in report.missing_tags],
        "untagged": list(report.untagged),
        "single_tags": list(report.single_tags),
    }


def to_text(report: LinkReport, most: int) -> str:
    """The report as a terminal shows it, with ``most`` findings of each kind."""
    lines = [f"{report.posts:,} posts, {report.reached:.0%} of them in a list of related posts"]
    for title, findings in sections(report):
        if findings:
            lines += ["", f"{title} ({len(findings):,})", *(f"  {line}" for entry in findings[:most] for line in entry)]
        if len(findings) > most:
            lines.append(f"  … and {len(findings) - most:,} more: --count {len(findings)} shows them")
    if len(lines) == 1:
        lines += ["", "Nothing to say: each post is led to, no two say the same, no link and no tag is missed."]
    return "\n".join(map(printable, lines)) + "\n"


def sections(report: LinkReport) -> Iterator[tuple[str, list[tuple[str, ...]]]]:
    """Each kind of finding, and what was found of it: one or two lines each."""
    yield "Posts that no list and no link leads to", [(path,) for path in report.unreached]
    yield "Posts in too many lists", [(f"{each.path}  in {each.lists} lists",) for each in report.crowded]
    yield (
        "Posts that say the same",
        [(f"{each.path}  {each.other}  {each.share:.0%} of the shorter one",) for each in report.duplicates],
    )
    yield "Posts with one title", [("  ".join(paths),) for paths in report.same_titles]
    yield (
        "Links that may be missing",
        [
            (f"{_where(each)}  to {each.target}", f"    {each.sentence.replace(each.words, f'[{each.words}]', 1)}")
            for each in report.missed_links
        ],
    )
    yield (
        "Tags that are nearly one",
        [(", ".join(f"{tag} ({posts})" for tag, posts in each.tags),) for each in report.similar_tags],
    )
    yield (
        "Tags that may be missing",
        [
            (f"{each.path}  {each.tag}: {each.posts} of the first posts in its list have it",)
            for each in report.missing_tags
        ],
    )
    yield "Posts without a tag", [(path,) for path in report.untagged]
    yield "Tags of one post only", [(tag,) for tag in report.single_tags]


def _where(link: MissedLink) -> str:
    return link.path if link.span is None else f"{link.path}:{link.span.line}:{link.span.column}"
