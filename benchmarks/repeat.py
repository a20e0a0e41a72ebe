"""A folder of real posts, repeated with seeded changes until there are as many as wanted.

Of the front matter, title, date, tags, author and description are kept, as far as they stand in one line or in a plain
list. Links to other posts of the folder lead to their first copies, other links within its site elsewhere. Shortcodes
of colon fences are taken off, for they need code of their own site.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath
from posixpath import normpath
from random import Random

from benchmarks.corpus import FIRST_DAY, MINUTES
from benchmarks.words import tail_rank, word

ENDINGS = (".md", ".markdown")
CHANGED = 0.04
"""The share of words that a copy has anew."""


@dataclass(frozen=True)
class Original:
    """A real post. ``path`` is relative to the folder."""

    path: str
    head: Mapping[str, str | list[str]]
    body: str


def repeated_posts(folder: Path, count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """``(file name, content)`` of every post; raises ValueError when the folder has none."""
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in ENDINGS and path.is_file())
    if not paths:
        raise ValueError(f"there are no posts in {folder}")
    originals = {path.relative_to(folder).as_posix(): path for path in paths}
    order = list(originals)
    first = {path: f"{_stem(path)}-0.md" for path in order[:count]}
    for number in range(count):
        turn, index = divmod(number, len(order))
        original = _read(order[index], originals[order[index]])
        rng = Random(f"copy {seed} {number}")
        yield f"{_stem(original.path)}-{turn}.md", _copy(original, first, rng, turn).encode()


def _stem(path: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", PurePosixPath(path).with_suffix("").as_posix().lower()).strip("-") or "post"


def _read(path: str, file: Path) -> Original:
    text = file.read_text(encoding="utf-8-sig", errors="replace").replace("\r\n", "\n")
    match = re.match(r"(---|\+\+\+)\n(.*?)\n\1[ \t]*\n", text, re.DOTALL)
    if match is None:
        return Original(path, {}, text)
    return Original(path, _head(match[2]), text[match.end() :])


def _head(text: str) -> dict[str, str | list[str]]:
    head: dict[str, str | list[str]] = {}
    last = ""
    for line in text.split("\n"):
        item = re.match(r"\s*-\s+(.+)", line)
        pair = re.match(r"([A-Za-z_]+)\s*[:=]\s*(.*)", line)
        if item and last:
            before = head.get(last)
            head[last] = [*(before if isinstance(before, list) else []), _bare(item[1])]
        elif pair:
            last, value = pair[1].lower(), pair[2].strip()
            if value.startswith("["):
                head[last] = [_bare(each) for each in value.strip("[]").split(",") if each.strip()]
            else:
                head[last] = _bare(value)
    return head


def _bare(text: str) -> str:
    return text.strip().strip("\"'").strip()


def _copy(original: Original, names: Mapping[str, str], rng: Random, turn: int) -> str:
    head = original.head
    title = str(head.get("title") or PurePosixPath(original.path).stem)
    lines = [
        "---",
        f"title: {_quoted(f'{title} ({turn})' if turn else title)}",
        f"date: {_date(head, rng, turn)}",
    ]
    tags = head.get("tags")
    if isinstance(tags, list) and tags:
        lines.append(f"tags: [{', '.join(map(_quoted, tags))}]")
    for key in ("author", "description"):
        value = head.get(key)
        if isinstance(value, str) and value and value not in "|>":
            lines.append(f"{key}: {_quoted(value)}")
    return "\n".join([*lines, "---", "", _changed(_relinked(original, names), rng)])


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _date(head: Mapping[str, str | list[str]], rng: Random, turn: int) -> str:
    """The day of the original; a copy has one of its own, so that lists by date mix them."""
    try:
        moment = datetime.fromisoformat(str(head.get("date", ""))).replace(tzinfo=UTC)
    except ValueError:
        moment = None
    if moment is None or turn:
        moment = FIRST_DAY + timedelta(minutes=rng.randrange(MINUTES))
    return moment.isoformat()


_TARGET = re.compile(r"""(\]\(<?|^\s{0,3}\[[^\]\n]+\]:\s*<?|\b(?:src|href)=["'])([^\s)"'<>]+)""", re.MULTILINE)


_SHORTCODE = re.compile(r"^:::.*\n", re.MULTILINE)


def _relinked(original: Original, names: Mapping[str, str]) -> str:
    folder = PurePosixPath(original.path).parent

    def target(match: re.Match[str]) -> str:
        before, address = match[1], match[2]
        if re.match(r"[a-z][a-z0-9+.-]*:|//", address, re.IGNORECASE):
            return before + address
        path = normpath(f"{folder}/{address.partition('#')[0]}")
        if path in names:
            return before + names[path]
        return f"{before}https://elsewhere.example/{address.lstrip('./#')}"

    return _TARGET.sub(target, _SHORTCODE.sub("", original.body))


_FENCE = re.compile(r"[ >]*(?:```|~~~|:::)")
_WORD = re.compile(r"(?<![\w/.:#@{<&\[\]-])[a-z]{5,}(?![\w/.:@}>\]=(-])")


def _changed(body: str, rng: Random) -> str:
    """The text with one word of 25 anew, in prose and in code."""

    def other(match: re.Match[str]) -> str:
        return word(tail_rank(1.0 - rng.random())) if rng.random() < CHANGED else match[0]

    return "".join(line if _FENCE.match(line) else _WORD.sub(other, line) for line in body.splitlines(keepends=True))
