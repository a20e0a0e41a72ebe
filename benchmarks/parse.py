"""The processor time of reading posts, by stage, beside what the libraries alone take for the same posts.

    python benchmarks/parse.py FOLDER [--posts N] [--slowest N] [--repeat N]

FOLDER holds Markdown files with front matter, at any depth. Each is read in this process as a build reads it, by
``octavo.content.parse`` and ``worker.run`` (which digests and writes the parts). The libraries alone:
python-frontmatter with YAML's C loader, markdown-it-py with the GFM plugin, Pygments for the code blocks whose
language it knows.

Times are milliseconds of processor time a post, the least of ``--repeat`` runs. A stage does not count the stages
within it. Asking the clock costs too: ``whole`` is measured without the stages.
"""

from __future__ import annotations

import argparse
import importlib
import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import frontmatter
import yaml
from markdown_it import MarkdownIt
from mdit_py_plugins.gfm import gfm_plugin
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

if not __package__:  # run by its path: imports begin at the top of the repository all the same
    sys.path[0] = str(Path(__file__).resolve().parents[1])

from octavo.content.parse import parse
from octavo.engine.facts import Facts, Query, Resolver, fact
from octavo.engine.worker import Asked, run
from octavo.model.queries import Extended, Setting, Source
from octavo.model.settings import Settings

STAGES = {
    "decode": ("octavo.base.source_text", "decode"),
    "front matter": ("octavo.content.front_matter", "read"),
    "schema": ("octavo.content.schema", "read_meta"),
    "blocks": ("octavo.content.markdown.parser:_Blocks", "parse"),
    "inline": ("octavo.content.markdown.fast_rules:Inlines", "parse"),
    "walk": ("octavo.content.markdown.reader:_Reader", "blocks"),
    "headings": ("octavo.content.markdown.reader:_Reader", "headings"),
    "raw HTML": ("octavo.content.markdown.raw_html:Balance", "fragment"),
    "write": ("octavo.content.markdown.html_renderer:Writer", "render"),
    "highlight": ("octavo.content.markdown.html_renderer", "highlight"),
    "excerpt": ("octavo.content.markdown.reader", "_excerpt"),
    "words": ("octavo.content.markdown.excerpt", "count_words"),
    "terms": ("octavo.related.terms", "count_terms"),
    "digest": ("octavo.engine.worker", "digest"),
    "encode": ("octavo.engine.worker", "take_apart"),
}
"""Each stage is one function: its module, or a class in it, and its name."""


def main() -> int:
    parser = argparse.ArgumentParser(description="Time the reading of posts.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--posts", type=int, metavar="N", help="only the first N")
    parser.add_argument("--slowest", type=int, metavar="N", default=10)
    parser.add_argument("--repeat", type=int, metavar="N", default=3)
    arguments = parser.parse_args()
    posts = {
        f"posts/{path.relative_to(arguments.folder).as_posix()}": path.read_bytes()
        for path in sorted(arguments.folder.rglob("*.md"))[: arguments.posts]
    }
    if not posts:
        parser.error(f"no .md files in {arguments.folder}")
    print(f"{len(posts)} posts of {sum(map(len, posts.values())) / len(posts) / 1000:.1f} KB")
    whole = min((each_post(posts) for _ in range(arguments.repeat)), key=lambda times: sum(times.values()))
    stages = min((each_stage(posts) for _ in range(arguments.repeat)), key=lambda times: sum(times.values()))
    alone = min((libraries(posts) for _ in range(arguments.repeat)), key=lambda times: sum(times.values()))
    octavo = _row("whole", sum(whole.values()), posts)
    for name, seconds in sorted(stages.items(), key=lambda item: -item[1]):
        _row("  " + name, seconds, posts)
    floor = _row("libraries alone", sum(alone.values()), posts)
    for name, seconds in alone.items():
        _row("  " + name, seconds, posts)
    print(f"ratio {octavo / floor:.2f}")
    for path, seconds in sorted(whole.items(), key=lambda item: -item[1])[: arguments.slowest]:
        print(f"{seconds * 1000:8.1f} ms {len(posts[path]) / 1000:6.1f} KB  {path}")
    return 0


def _row(name: str, seconds: float, posts: Mapping[str, bytes]) -> float:
    each = seconds * 1000 / len(posts)
    print(f"{name:20}{each:8.3f} ms")
    return each


def each_post(posts: Mapping[str, bytes]) -> dict[str, float]:
    """Seconds by post. The first makes the parser, and the first code in a language imports its lexer."""
    facts, asked = facts_of(posts), Asked()
    times: dict[str, float] = {}
    for path in posts:
        start = time.process_time()
        run(parse, path, facts, asked)
        times[path] = time.process_time() - start
    return times


def facts_of(posts: Mapping[str, bytes]) -> Facts:
    settings = Settings()
    resolvers: dict[type[Query[Any]], Resolver] = {
        Source: lambda query: fact(posts[query.path]),
        Setting: lambda query: fact(getattr(settings, query.name)),
        Extended: lambda query: fact(None),
    }
    return Facts(resolvers)


class Stopwatch:
    """Seconds by stage; what begins within a stage stops its clock."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._running = ["rest"]
        self._since = time.process_time()

    def _switch(self) -> None:
        now = time.process_time()
        stage = self._running[-1]
        self.seconds[stage] = self.seconds.get(stage, 0.0) + now - self._since
        self._since = now

    def timed(self, stage: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*args: Any, **options: Any) -> Any:
            self._switch()
            self._running.append(stage)
            try:
                return function(*args, **options)
            finally:
                self._switch()
                self._running.pop()

        return timed

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Time the stages of whatever runs within."""
        replaced: list[tuple[Any, str, Any]] = []
        try:
            for stage, (home, name) in STAGES.items():
                owner = _owner(home)
                replaced.append((owner, name, getattr(owner, name)))
                setattr(owner, name, self.timed(stage, getattr(owner, name)))
            yield
            self._switch()
        finally:
            for owner, name, function in replaced:
                setattr(owner, name, function)


def _owner(home: str) -> Any:
    module, _, inner = home.partition(":")
    owner: Any = importlib.import_module(module)
    return getattr(owner, inner) if inner else owner


def each_stage(posts: Mapping[str, bytes]) -> dict[str, float]:
    facts, asked = facts_of(posts), Asked()
    watch = Stopwatch()
    with watch.watching():
        for path in posts:
            run(parse, path, facts, asked)
    return watch.seconds


def libraries(posts: Mapping[str, bytes]) -> dict[str, float]:
    """The floor: the same posts through the libraries as they come."""
    formatter = HtmlFormatter(nowrap=True)
    lexers: dict[str, Any] = {}
    coloring = 0.0

    def color(code: str, language: str, attributes: str) -> str:
        nonlocal coloring
        start = time.process_time()
        if language not in lexers:
            try:
                lexers[language] = get_lexer_by_name(language)
            except ClassNotFound:
                lexers[language] = None
        html = highlight(code, lexers[language], formatter) if lexers[language] else ""
        coloring += time.process_time() - start
        return html

    markdown = MarkdownIt("commonmark", {"highlight": color}).use(gfm_plugin)
    start = time.process_time()
    bodies = [_body(data) for data in posts.values()]
    read = time.process_time()
    for body in bodies:
        markdown.render(body)
    end = time.process_time()
    return {"front matter": read - start, "Markdown": end - read - coloring, "highlight": coloring}


_FRONT = re.compile(r"---\n.*?^---$\n?", re.DOTALL | re.MULTILINE)


def _body(data: bytes) -> str:
    """Posts that YAML cannot read are as good as any for the rest."""
    text = data.decode("utf-8", "replace")
    try:
        return str(frontmatter.loads(text).content)
    except yaml.YAMLError:
        return _FRONT.sub("", text, count=1)


if __name__ == "__main__":
    raise SystemExit(main())
