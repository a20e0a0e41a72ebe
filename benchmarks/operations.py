"""What is done to a site before a build, and what must be seen after it.

Edits add up from one round to the next, the same ones for every peer, so a site never has to be put back; ten rounds
add twenty posts.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from benchmarks.content import Post, parse, read_post
from benchmarks.corpus import made_post
from benchmarks.peer import RELATED_MARK, Peer, Tools, copy_layouts


@dataclass(frozen=True)
class Site:
    """What generate.py wrote: ``order`` has the stems of the posts, oldest first; ``newest`` is the last date."""

    folder: Path
    kind: str
    seed: int
    order: tuple[str, ...]
    newest: str

    def post(self, stem: str) -> Post:
        return read_post(self.folder / "posts" / f"{stem}.md")


def survey(folder: Path, kind: str, seed: int) -> Site:
    """Look through a generated site once; only dates and names are kept."""
    dated = sorted((post.date, post.stem) for post in map(read_post, (folder / "posts").glob("*.md")))
    return Site(folder, kind, seed, tuple(stem for _, stem in dated), dated[-1][0])


@dataclass(frozen=True)
class Workspace:
    """A peer's own folder with the site in it."""

    peer: Peer
    folder: Path
    related: bool

    @property
    def output(self) -> Path:
        return self.folder / self.peer.output

    def write(self, post: Post) -> None:
        path, text = self.peer.source(post)
        (self.folder / path).write_text(text, encoding="utf-8")

    def page(self, stem: str) -> Path:
        return self.output / self.peer.page(stem)


def prepare(peer: Peer, site: Site, folder: Path, related: bool, tools: Tools) -> Workspace:
    """Write the site as the peer wants it."""
    folder.mkdir(parents=True)
    copy_layouts(peer.name, folder)
    peer.configure(folder, related, tools)
    workspace = Workspace(peer, folder, related)
    first, _ = peer.source(site.post(site.order[0]))
    (folder / first).parent.mkdir(parents=True, exist_ok=True)
    for stem in site.order:
        workspace.write(site.post(stem))
    images = folder / peer.images
    images.mkdir(parents=True, exist_ok=True)
    for image in (site.folder / "posts").glob("*.png"):
        shutil.copy(image, images)
    return workspace


@dataclass(frozen=True)
class Seen:
    """What must stand in the page of a post after a build."""

    stem: str
    text: str


Edit = Callable[[Workspace, Site, int], list[Seen]]
"""Makes an edit in the given round, counted from 0."""


def cold(workspace: Workspace, site: Site, turn: int) -> list[Seen]:
    for name in (workspace.peer.output, *workspace.peer.kept):
        path = workspace.folder / name
        if name and path.is_dir():
            shutil.rmtree(path)
        elif name:
            path.unlink(missing_ok=True)
    return []


def unchanged(workspace: Workspace, site: Site, turn: int) -> list[Seen]:
    return []


def body(workspace: Workspace, site: Site, turn: int) -> list[Seen]:
    """One word in the last paragraph of a post that is neither new nor old."""
    post = site.post(_somewhere(site, 0.4, turn))
    word = f"altered{_letters(turn)}"
    workspace.write(replace(post, body=_altered(post.body, word)))
    return [Seen(post.stem, word)]


def title(workspace: Workspace, site: Site, turn: int) -> list[Seen]:
    post = site.post(_somewhere(site, 0.6, turn))
    added = f"retitled{_letters(turn)}"
    new = f"{post.title} {added}"
    head = re.sub(r"^title: .*$", lambda match: _with_title(match[0], added), post.head, count=1, flags=re.MULTILINE)
    workspace.write(replace(post, title=new, head=head))
    return [Seen(post.stem, added)]


def older(workspace: Workspace, site: Site, turn: int) -> list[Seen]:
    """A post among the old ones: no list of latest articles changes."""
    return _add(workspace, site, 2 * turn, site.post(_somewhere(site, 0.5, turn)).date)


def added(workspace: Workspace, site: Site, turn: int) -> list[Seen]:
    """A post that is the newest: the latest articles below every post change."""
    return _add(workspace, site, 2 * turn + 1, _later(site.newest, turn + 1))


def layout(workspace: Workspace, site: Site, turn: int) -> list[Seen]:
    path = workspace.folder / workspace.peer.base
    text = re.sub(r"<small>edit \d+</small>", "", path.read_text(encoding="utf-8"))
    mark = "</footer>" if "</footer>" in text else "</body>"
    sign = f"<small>edit {turn}</small>"
    path.write_text(text.replace(mark, sign + mark), encoding="utf-8")
    return [Seen(stem, sign) for stem in (site.order[0], site.order[-1])]


OPERATIONS: dict[str, tuple[str, Edit]] = {
    "cold": ("cold", cold),
    "unchanged": ("nothing changed", unchanged),
    "body": ("a body edited", body),
    "title": ("a title edited", title),
    "older": ("an older post added", older),
    "added": ("a new post added", added),
    "layout": ("the base layout edited", layout),
}
AGAIN = "again"
EVERY_OPERATION = {**OPERATIONS, AGAIN: ("nothing changed, the short way", unchanged)}
"""With the one that is part of another where two versions of Octavo are compared."""


class WrongSite(Exception):
    """A peer built something else than was asked for; its figures would mean nothing."""


def check_seen(workspace: Workspace, seen: list[Seen]) -> None:
    for each in seen:
        page = workspace.page(each.stem)
        if not page.is_file() or each.text not in page.read_text(encoding="utf-8"):
            raise WrongSite(f"{page.relative_to(workspace.folder)} has no '{each.text}'")


@dataclass(frozen=True)
class Pages:
    """What a build left: HTML files, those of posts, and how many of these have a list of related articles."""

    html: int
    articles: int
    related: int


def count_pages(workspace: Workspace, site: Site) -> Pages:
    """Count the pages of a build; raises WrongSite when a post has none, or when related articles are not as asked."""
    html = sum(1 for _ in workspace.output.rglob("*.html"))
    articles = related = 0
    for stem in site.order:
        page = workspace.page(stem)
        if page.is_file():
            articles += 1
            related += RELATED_MARK in page.read_bytes()
    counted = Pages(html, articles, related)
    if articles < len(site.order):
        raise WrongSite(f"{articles} of {len(site.order)} posts have a page")
    relates = workspace.related and workspace.peer.relates
    if relates and related < 0.9 * articles:
        raise WrongSite(f"only {related} of {articles} posts have a list of related articles")
    if not relates and related:
        raise WrongSite(f"{related} posts have a list of related articles that nobody asked for")
    return counted


def _somewhere(site: Site, part: float, turn: int) -> str:
    return site.order[(int(len(site.order) * part) + turn) % len(site.order)]


def _letters(turn: int) -> str:
    """A number as letters, for a word that no search or stemmer takes apart."""
    return "".join(chr(ord("a") + int(digit)) for digit in str(turn))


def _with_title(line: str, added: str) -> str:
    return f'{line[:-1]} {added}"' if line.endswith('"') else f"{line} {added}"


def _later(date: str, minutes: int) -> str:
    return (datetime.fromisoformat(date) + timedelta(minutes=minutes)).isoformat()


def _add(workspace: Workspace, site: Site, number: int, date: str) -> list[Seen]:
    text = next(iter(made_post(len(site.order) + number, site.kind, site.seed)))[1].decode()
    # What it links to and shows may not be in this site.
    text = re.sub(r"!?\[([^\]]*)\]\([^):]*\)", r"\1", text)
    text = re.sub(r"^date: .*$", f"date: {date}", text, count=1, flags=re.MULTILINE)
    post = parse(f"added-{number}", text)
    workspace.write(post)
    return [Seen(post.stem, post.title)]


def _altered(text: str, word: str) -> str:
    """The text with another last word in its last plain paragraph; with a paragraph more if it has none."""
    for start, end in reversed(list(_paragraphs(text))[1:]):
        paragraph = text[start:end]
        match = re.search(r"\b[a-z]+(?=\.$)", paragraph)
        if match and paragraph[0].isupper():
            return text[: start + match.start()] + word + text[start + match.end() :]
    return f"{text.rstrip()}\n\nThis was {word}.\n"


def _paragraphs(text: str) -> Iterator[tuple[int, int]]:
    """Where paragraphs outside of fenced code begin and end."""
    fenced = False
    at = 0
    for block in text.split("\n\n"):
        was = fenced
        fenced ^= len(re.findall(r"^(?:```|~~~)", block, re.MULTILINE)) % 2 == 1
        if not was and not fenced and "```" not in block:
            yield at, at + len(block.rstrip())
        at += len(block) + 2
