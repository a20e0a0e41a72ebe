"""The generator's posts as values, for peers that want them written in their own way."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Post:
    """A post that generate.py wrote. ``date`` is an ISO time, ``head`` the front matter as it stands in the file."""

    stem: str
    title: str
    date: str
    tags: tuple[str, ...]
    author: str
    description: str
    head: str
    body: str

    @property
    def text(self) -> str:
        return f"---\n{self.head}\n---\n\n{self.body}"


def read_post(path: Path) -> Post:
    return parse(path.stem, path.read_text(encoding="utf-8"))


def parse(stem: str, text: str) -> Post:
    _, head, body = text.split("---\n", 2)
    head = head.rstrip("\n")
    values = dict(line.split(": ", 1) for line in head.split("\n"))
    return Post(
        stem=stem,
        title=_plain(values["title"]),
        date=values["date"],
        tags=_list(values.get("tags", "[]")),
        author=_plain(values.get("author", "")),
        description=_plain(values.get("description", "")),
        head=head,
        body=body.lstrip("\n"),
    )


def front_matter(post: Post, **more: object) -> str:
    """YAML front matter with the keys that most generators share; ``more`` are written as JSON, which YAML includes."""
    values: dict[str, object] = {"title": post.title, "date": _Bare(post.date), "tags": list(post.tags)}
    if post.author:
        values["author"] = post.author
    if post.description:
        values["description"] = post.description
    values |= more
    lines = (f"{key}: {value if isinstance(value, _Bare) else json.dumps(value)}" for key, value in values.items())
    return "\n".join(["---", *lines, "---", ""])


_LOCAL = re.compile(r"\]\((?!https?:|/|#)([^)\s#]+)\)")


def with_urls(body: str) -> str:
    """The body with links to sources and to images as the addresses they will have: peers need not resolve them."""

    def address(match: re.Match[str]) -> str:
        name = match[1]
        return f"](/posts/{name.removesuffix('.md')}/)" if name.endswith(".md") else f"](/posts/{name})"

    return _LOCAL.sub(address, body)


class _Bare(str):
    """A text written without quotes."""


def _plain(value: str) -> str:
    return str(json.loads(value)) if value.startswith('"') else value


def _list(value: str) -> tuple[str, ...]:
    if '"' in value:
        return tuple(json.loads(value))
    return tuple(each.strip() for each in value.strip("[]").split(",") if each.strip())
