"""Differential fuzz: after any edits, the incremental build is the clean build, byte for byte, problems included.

``python -m tests.fuzz --runs 200 --edits 30`` makes that many random sites, edits each that many times, builds after
each edit, and compares with a clean build in a fresh process that shares no cache. ``--seed N`` repeats one run.
"""

from __future__ import annotations

import argparse
import contextlib
import copy
import datetime as dt
import json
import multiprocessing
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from octavo.cli.report_text import report_dict
from octavo.output.written_list import FILE as LIST
from octavo.project.build_report import Report
from tests.sites import BASE, SiteFolder

TOPICS = {
    "db": "query join index subquery transaction migration schema cursor annotate prefetch",
    "web": "route request response template form session cookie middleware blueprint view",
    "ops": "server proxy worker socket deploy container cache balance monitor restart",
}
TAGS = ["python", "Python", "django", "flask", "C#", "c++", "orm", "naïve", "naïve"]
NAMES = [
    "alpha",
    "beta",
    "gamma",
    "delta",
    "deep/epsilon",
    "deep/zeta",
    "2026-03-04-eta",
    "theta/index",
    "iota",
    "Käse",
]
AT = "2026-06-15T12:00:00+00:00"

LAYOUTS: dict[str, list[str | None]] = {
    "post.html": [
        "{% extends 'base.html' %}{% block main %}<h1>{{ post.title }}</h1>{{ content() }}"
        "{% for s in related(3) %}<a href='{{ s.card.url }}'>{{ s.card.title }}</a> {{ s.reasons }}{% endfor %}"
        "{% for c in latest(2) %}{{ c.title }} {{ c.excerpt | safe }}{% endfor %}{% endblock %}",
        "{% extends 'base.html' %}{% import 'macros.html' as m %}{% block main %}{{ m.title(post) }}{{ content() }}"
        "{% include ['extra.html', 'partials/none.html'] ignore missing %}{{ backlinks() | length }}"
        "{% with n = neighbours() %}{{ n.older.title if n.older }}{{ n.newer.title if n.newer }}{% endwith %}"
        "{% endblock %}",
        "{% set kind = 'short' if post.minutes < 2 else 'long' %}{% include 'kind-' ~ kind ~ '.html' ignore missing %}"
        "{{ content() }}{% for t in tags() %}{{ t.name }} {{ t.count }}{% endfor %}{{ series() }}{{ headings() }}",
        "{% extends 'base.html' if post.tags else 'bare.html' %}{% block main %}{{ content() }}{% endblock %}",
        "{% if post.tags %}{{ post.title | shout }}{% endif %}{{ content() }}",
        "{{ data('count').posts }}{{ data('count').tags | join }}{{ content() }}",
        "{{ post.titel }}",
        "{% if post.tags %}{{ post.title }",
        None,
    ],
    "base.html": [
        "<!doctype html><title>{{ page.title }} – {{ site.title }}</title>{% block main %}{% endblock %}",
        "<!doctype html><link href='{{ asset('style.css') }}'>{% block main %}{% endblock %}{{ posts() | length }}",
        None,
    ],
    "bare.html": ["bare{% block main %}{% endblock %}", "{% extends 'base.html' %}", None],
    "macros.html": [
        "{% macro title(p) %}<h1>{{ p.title }}</h1>{% endmacro %}",
        "{% import 'inner.html' as inner %}{% macro title(p) %}{{ inner.mark() }}{{ p.title }}{% endmacro %}",
        None,
    ],
    "inner.html": [
        "{% macro mark() %}*{% endmacro %}",
        "{% macro mark() %}{{ latest(1) | length }}{% endmacro %}",
        None,
    ],
    "extra.html": ["extra {{ site.title }}", "{{ tagged('orm') | length }}", None],
    "kind-short.html": ["short", None],
    "kind-long.html": ["long", None],
    "home.html": ["{% for c in listing() %}{{ c.title }} {{ c.date | day }} {{ c.minutes }}{% endfor %}", None],
}

SCRIPTS = [
    None,
    "from octavo import Site\nsite = Site(__file__)\n\n@site.filter\ndef shout(text):\n    return text.upper()\n",
    "from octavo import AllPosts, Groups, Site\nsite = Site(__file__)\n\n@site.data\ndef count(ask):\n"
    "    return {'posts': len(ask(AllPosts())), 'tags': {tag.slug for tag in ask(Groups('tag'))}}\n",
    "from octavo import BodyOf, Grouped, Groups, Page, PostPaths, Site\nfrom parts import a\nsite = Site(__file__)\n\n"
    "@site.filter\ndef shout(text):\n    return text.upper() + a.END\n\n@site.pages\ndef topics(ask):\n"
    "    for tag in ask(Groups('tag')):\n"
    "        count = len(ask(Grouped('tag', tag.slug)))\n"
    "        yield Page(f'/topics/{tag.slug}/', 'note.html', 'custom', title=f'{tag.name} {count}')\n"
    "    words = sum(ask(BodyOf(path)).words for path in ask(PostPaths()))\n"
    "    yield Page('/words/', 'note.html', 'custom', title=str(words))\n",
    "from octavo import File, Page, Site\nsite = Site(__file__)\n\n@site.pages\ndef notes(ask):\n"
    "    text = (ask(File('notes.txt')) or b'none').decode()\n"
    "    yield Page('/notes/', 'note.html', 'custom', title=text.strip())\n",
    "from octavo import Site\nfrom helper import end\nsite = Site(__file__)\n\n@site.shortcode\ndef note(args, body):\n"
    "    return '<aside>' + body + end + '</aside>'\n",
    "from octavo import Site\nsite = Site(__file__)\n\n@site.markdown\ndef plain(md):\n"
    "    md.disable('strikethrough')\n",
    "from octavo import AllPosts, Site, warning\nsite = Site(__file__)\n\n@site.check\ndef many(ask):\n"
    "    if len(ask(AllPosts())) > 4:\n        yield warning('posts', None, 'many', 'many posts')\n",
    "from octavo import Site\nsite = Site(__file__)\n1 / 0\n",
]

RELATED = [
    "{pin: [alpha.md]}",
    "{block: [beta.md]}",
    "false",
    "{pin: [moved, /posts/beta/], block_both: [alpha]}",
    "{block_both: [beta, /old/]}",
    "{pin: [zeta], block: [deep/zeta]}",
]

SETTINGS: list[tuple[str, list[str | None]]] = [
    ("title", ['"A test site"', '"Another title"']),
    ("base_url", ['"https://test.example"', '"https://test.example/blog"', None]),
    ("paginate", ["2", "10"]),
    ("timezone", ['"UTC"', '"Pacific/Kiritimati"']),
    ("related", ["1", "4", "0", "{count = 2, keep_linked = true}", "{count = 1, reach_all = true}"]),
    ("latest", ["1", "4"]),
    ("excerpt", ["40", "200"]),
    ("author", ['"Ada"', None]),
    ("permalink", ['"/posts/{path}/"', '"/{year}/{slug}.html"']),
    ("raw_html", ['"allow"', '"error"']),
]


@dataclass
class Draft:
    """A post being edited: its front matter as YAML text by key, and its paragraphs."""

    keys: dict[str, str]
    paragraphs: list[str]

    def text(self) -> str:
        front = "".join(f"{key}: {value}\n" for key, value in self.keys.items())
        return f"---\n{front}---\n\n" + "\n\n".join(self.paragraphs) + "\n"


@dataclass
class Author:
    """Edits a site at random. Everything follows from the random numbers given."""

    site: SiteFolder
    random: random.Random
    posts: dict[str, Draft] = field(default_factory=dict)
    settings: dict[str, str | None] = field(default_factory=dict)
    script: str | None = None

    def begin(self) -> None:
        for name in self.random.sample(NAMES, 5):
            self.posts[name] = self.draft()
        for name, posts in self.posts.items():
            self.save(name, posts)
        self.site.write("assets/style.css", "body { color: black }")
        self.site.write("layouts/note.html", "<p>{{ page.title }}</p>")
        self.site.write("helper.py", "end = '.'\n")
        self.site.write("parts/a.py", "from .b import END\n").write("parts/b.py", "END = ''\n")
        self.save_settings()

    def draft(self) -> Draft:
        topic = self.random.choice(list(TOPICS))
        keys = {"title": f'"{self.words(topic, 3)}"', "date": self.date()}
        if self.random.random() < 0.8:
            keys["tags"] = self.tags()
        return Draft(keys, [self.paragraph(topic) for _ in range(self.random.randint(1, 4))])

    def words(self, topic: str, count: int) -> str:
        return " ".join(self.random.choices(TOPICS[topic].split(), k=count))

    def paragraph(self, topic: str | None = None) -> str:
        topic = topic or self.random.choice(list(TOPICS))
        kinds: list[Callable[[], str]] = [
            lambda: self.words(topic, self.random.randint(5, 60)),
            lambda: f"## {self.words(topic, 2)}",
            lambda: f"see [there]({self.link()}) for {self.words(topic, 4)}",
            lambda: f"```python\n{self.words(topic, 3)} = {self.random.randint(1, 9)}\n```",
            lambda: f"{self.words(topic, 6)}\n\n<!-- more -->\n\n{self.words(topic, 6)}",
            lambda: f"::: note\n{self.words(topic, 4)}\n:::",
            lambda: f"~~{self.words(topic, 2)}~~ and **{self.words(topic, 1)}** [^1]\n\n[^1]: {self.words(topic, 3)}",
            lambda: f"<div>{self.words(topic, 2)}</div>",
            lambda: "![picture](pic.png)",
        ]
        weights = [12, 2, 4, 2, 1, 2 if "shortcode" in (self.script or "") else 0.05, 1, 1, 1]
        return self.random.choices(kinds, weights)[0]()

    def link(self) -> str:
        targets = [
            "alpha.md",
            "beta.md",
            "deep/zeta.md",
            "/posts/beta/",
            "/old/",
            "/tags/",
            "#x",
            "pic.png",
            "nosuch.md",
        ]
        target = self.random.choice(targets)
        return target + ("#query-join" if self.random.random() < 0.2 else "")

    def date(self) -> str:
        days = ["2025-01-02", "2026-03-04", "2026-03-04T10:00:00+02:00", "2026-05-06", "2026-06-15", "2026-12-31"]
        return self.random.choice([*days, "2024-02-29", "2026-06-15 23:30", "2023-07-08"])

    def tags(self) -> str:
        return "[" + ", ".join(f'"{tag}"' for tag in self.random.sample(TAGS, self.random.randint(0, 3))) + "]"

    def save(self, name: str, draft: Draft) -> None:
        self.site.write(f"posts/{name}.md", draft.text())

    def save_settings(self) -> None:
        lines = BASE.splitlines()
        chosen = {line.split(" = ")[0]: line.split(" = ")[1] for line in lines[1:]}
        for key, value in self.settings.items():
            if value is None:
                chosen.pop(key, None)
            else:
                chosen[key] = value
        self.site.write("pyproject.toml", "[tool.octavo]\n" + "".join(f"{k} = {v}\n" for k, v in chosen.items()))

    def keep(self, folder: Path) -> None:
        """Remember the site as it is, to come back to."""
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.site.root, folder, ignore=shutil.ignore_patterns(".octavo", "output", "__pycache__"))
        self._snapshot = (copy.deepcopy(self.posts), dict(self.settings), self.script)

    def go_back(self, folder: Path) -> str:
        """Undo everything since ``keep``, as an author does who broke the site."""
        for path in self.site.root.iterdir():
            if path.name not in (".octavo", "output"):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        shutil.copytree(folder, self.site.root, dirs_exist_ok=True)
        posts, settings, self.script = self._snapshot
        self.posts, self.settings = copy.deepcopy(posts), dict(settings)
        return "back to what was good"

    # Edits; each returns what it did.

    def edit(self) -> str:
        kinds: list[tuple[int, Callable[[], str]]] = [
            (8, self.edit_body),
            (4, self.edit_title),
            (3, self.edit_key),
            (3, self.add_post),
            (2, self.delete_post),
            (2, self.rename_post),
            (1, self.swap_posts),
            (4, self.edit_layout),
            (2, self.edit_setting),
            (1, self.edit_script),
            (2, self.edit_other),
            (1, self.lose_other),
            (1, self.touch),
            (1, self.harm_output),
            (1, self.lose_cache),
        ]
        return self.random.choices([kind for _, kind in kinds], [weight for weight, _ in kinds])[0]()

    def some_post(self) -> str | None:
        return self.random.choice(sorted(self.posts)) if self.posts else None

    def edit_body(self) -> str:
        name = self.some_post()
        if name is None:
            return self.add_post()
        draft = self.posts[name]
        place = self.random.randrange(len(draft.paragraphs) + 1)
        if place == len(draft.paragraphs) or self.random.random() < 0.3:
            draft.paragraphs.insert(place, self.paragraph())
        elif self.random.random() < 0.2 and len(draft.paragraphs) > 1:
            del draft.paragraphs[place]
        else:
            draft.paragraphs[place] = self.paragraph()
        self.save(name, draft)
        return f"body of {name}"

    def edit_title(self) -> str:
        name = self.some_post()
        if name is None:
            return self.add_post()
        self.posts[name].keys["title"] = f'"{self.words(self.random.choice(list(TOPICS)), 3)} & <b>"'
        self.save(name, self.posts[name])
        return f"title of {name}"

    def edit_key(self) -> str:
        name = self.some_post()
        if name is None:
            return self.add_post()
        pool: dict[str, Callable[[], str]] = {
            "date": self.date,
            "tags": self.tags,
            "slug": lambda: self.random.choice(["moved", "other-place", "alpha"]),
            "draft": lambda: self.random.choice(["true", "false", "maybe"]),
            "description": lambda: f'"{self.words("web", 5)}"',
            "series": lambda: self.random.choice(["Basics", "basics"]),
            "aliases": lambda: self.random.choice(["[/old/]", "[/older/, /oldest.html]", "[/posts/beta/]"]),
            "updated": self.date,
            "expires": lambda: self.random.choice(["2026-01-01", "2027-01-01"]),
            "author": lambda: self.random.choice(["Ada", "Grace"]),
            "layout": lambda: self.random.choice(["post", "page", "nosuch"]),
            "related": lambda: self.random.choice(RELATED),
            "titel": lambda: "x",
            "image": lambda: "pic.png",
            "toc": lambda: "false",
        }
        key = self.random.choice(list(pool))
        keys = self.posts[name].keys
        if key in keys and key not in ("date", "tags") and self.random.random() < 0.6:
            del keys[key]
        else:
            keys[key] = pool[key]()
        self.save(name, self.posts[name])
        return f"{key} of {name}: {keys.get(key)}"

    def add_post(self) -> str:
        free = [name for name in NAMES if name not in self.posts]
        if not free:
            return self.touch()
        name = self.random.choice(free)
        self.posts[name] = self.draft()
        self.save(name, self.posts[name])
        return f"new {name}"

    def delete_post(self) -> str:
        name = self.some_post()
        if name is None:
            return self.add_post()
        del self.posts[name]
        self.site.delete(f"posts/{name}.md")
        return f"no {name}"

    def rename_post(self) -> str:
        old = self.some_post()
        free = [name for name in NAMES if name not in self.posts]
        if old is None or not free:
            return self.add_post()
        new = self.random.choice(free)
        self.posts[new] = self.posts.pop(old)
        self.site.delete(f"posts/{old}.md")
        self.save(new, self.posts[new])
        return f"{old} is now {new}"

    def swap_posts(self) -> str:
        if len(self.posts) < 2:
            return self.add_post()
        a, b = self.random.sample(sorted(self.posts), 2)
        self.posts[a], self.posts[b] = self.posts[b], self.posts[a]
        self.save(a, self.posts[a])
        self.save(b, self.posts[b])
        return f"{a} and {b} swapped"

    def edit_layout(self) -> str:
        name = self.random.choice(list(LAYOUTS))
        # A layout that cannot be used is tried less often than one that can: after it nothing is published.
        texts = [text for text in LAYOUTS[name] if self.can_use(text)] * 5 + LAYOUTS[name]
        text = self.random.choice(texts)
        location = self.site.root / "layouts" / name
        if text is None:
            location.unlink(missing_ok=True)
        else:
            self.site.write(f"layouts/{name}", text)
        return f"layout {name}: {text!r:.40}"

    def can_use(self, layout: str | None) -> bool:
        """False for a layout with a fault, or that uses what build.py has not."""
        needs = [word for word in ("shout", "count", "titel") if word in (layout or "")]
        return all(f"def {word}" in (self.script or "") for word in needs)

    def edit_setting(self) -> str:
        key, values = self.random.choice(SETTINGS)
        self.settings[key] = self.random.choice(values)
        self.save_settings()
        return f"setting {key} = {self.settings[key]}"

    def edit_script(self) -> str:
        script = self.script = self.random.choice(SCRIPTS)
        location = self.site.root / "build.py"
        if script is None:
            location.unlink(missing_ok=True)
        else:
            self.site.write("build.py", script)
        return f"build.py: {script!r:.60}"

    def edit_other(self) -> str:
        path, content = self.random.choice(
            [
                ("assets/style.css", "body { color: navy }"),
                ("assets/style.css", "body { background: url(pic.png) }"),
                ("assets/pic.png", "not really a picture"),
                ("assets/root/robots.txt.bak", "x"),
                ("posts/pic.png", "a picture"),
                ("posts/theta/pic.png", "another picture"),
                ("notes.txt", self.words("ops", 2)),
                ("helper.py", f"end = '{self.random.randint(1, 9)}'\n"),
                ("parts/b.py", f"END = '{self.random.randint(1, 9)}'\n"),
                ("assets/print.css", "@import 'style.css';"),
                ("assets/root/topics/index.html", "in the way of nothing"),
                ("assets/root/words/index.html", "in the way of a page of build.py"),
            ]
        )
        location = self.site.root / path
        if location.is_dir():
            location.rmdir()
        self.site.write(path, content)
        return f"{path}: {content}"

    def lose_other(self) -> str:
        """A file that is no post goes; a folder takes its place, or nothing."""
        names = ["assets/pic.png", "assets/print.css", "assets/root/words/index.html", "posts/pic.png", "notes.txt"]
        there = [name for name in names if (self.site.root / name).is_file()]
        if not there:
            return self.touch()
        name = self.random.choice(there)
        self.site.delete(name)
        if self.random.random() < 0.2:
            self.site.write(f"{name}/inner.txt", "a file within")
            self.site.delete(f"{name}/inner.txt")
            return f"{name} is a folder"
        return f"no {name}"

    def touch(self) -> str:
        name = self.some_post()
        if name is not None:
            self.save(name, self.posts[name])
        return f"touch {name}"

    def harm_output(self) -> str:
        files = sorted(path for path in (self.site.root / "output").rglob("*") if path.is_file() and path.name != LIST)
        if files:
            victim = self.random.choice(files)
            if self.random.random() < 0.5:
                victim.unlink()
            else:
                victim.write_bytes(HARMED)
            return f"harmed {victim.name}"
        return "no output to harm"

    def lose_cache(self) -> str:
        if self.random.random() < 0.8:
            return self.touch()
        # Without its cache Octavo does not know which files it wrote, so they go with it.
        shutil.rmtree(self.site.root / ".octavo", ignore_errors=True)
        shutil.rmtree(self.site.root / "output", ignore_errors=True)
        return "cache and output lost"


class CleanBuilder:
    """Clean builds, each in a fresh process that has built nothing and shares no cache.

    A server imports everything and then forks for each build, so that a build does not wait for the imports.
    """

    def __enter__(self) -> CleanBuilder:
        command = [sys.executable, "-m", "tests.fuzz", "--clean-builds"]
        self._server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        return self

    def __exit__(self, *_: object) -> None:
        self._server.communicate()

    def build(self, root: Path, options: dict[str, Any]) -> dict[str, Any]:
        """Build the site at ``root`` from nothing; ``root/output`` and the report are the result."""
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        print(json.dumps({"root": str(root), "options": options}), file=self._server.stdin, flush=True)
        line = self._server.stdout.readline()
        assert line, f"the clean build of {root} died"
        report: dict[str, Any] = json.loads(line)
        return report


def _serve_clean_builds() -> int:
    """What the server does: nothing itself, so that each fork is as fresh as a new process."""
    import jinja2
    import markdown_it
    import numpy
    import pygments.lexers

    from octavo.site import pipeline

    assert all((jinja2, markdown_it, numpy, pygments.lexers, pipeline))
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            task = json.loads(line)
            options = {**task["options"], "at": dt.datetime.fromisoformat(AT)}
            print(json.dumps(report_dict(SiteFolder(Path(task["root"]), options).build())), flush=True)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if status != 0:
            return 1
    return 0


HARMED = b"harmed"
"""What is written over published files."""


class Difference(AssertionError):
    """An incremental build that is not the clean one."""


def run(seed: int, edits: int, folder: Path, clean: CleanBuilder) -> Iterator[Report]:
    """One run: yields the report of each build, raises Difference at the first that is not the clean one."""
    numbers = random.Random(seed)
    author = Author(SiteFolder(folder / "site", {"at": dt.datetime.fromisoformat(AT)}), numbers)
    author.begin()
    done: list[str] = []
    failed = False
    for number in range(edits + 1):
        if failed and numbers.random() < 0.7:
            done.append(author.go_back(folder / "kept"))
        elif number:
            done.append(author.edit())
            if numbers.random() < 0.15:
                done.append(author.edit())
        choices: dict[str, Any] = {"allow_broken_links": True}
        if numbers.random() < 0.1:
            choices["drafts"] = True
        if numbers.random() < 0.1:
            choices["strict"] = True
        if numbers.random() < 0.1:
            choices["future"] = True
        if numbers.random() < 0.05:
            choices["base_url"] = "https://other.example/path"
        before = author.site.output()
        try:
            try:
                report = author.site.build(**choices)
            except Exception as crash:
                raise Difference(f"the incremental build crashed: {crash!r}") from crash
            compare(author.site, report, before, choices, folder / "clean", clean)
        except Difference as difference:
            history = "\n".join(f"  {edit}" for edit in done)
            raise Difference(f"seed {seed}, after {number} edits:\n{history}\n{difference}") from None
        failed = report.failed
        if not failed or not number:
            author.keep(folder / "kept")
        yield report


def compare(
    site: SiteFolder,
    report: Report,
    before: dict[str, bytes],
    choices: dict[str, Any],
    folder: Path,
    clean: CleanBuilder,
) -> None:
    """Build a copy of the site from nothing, and compare every byte and every problem."""
    shutil.rmtree(folder, ignore_errors=True)
    # The same name, since a site without a title is named after its folder.
    twin = folder / site.root.name
    shutil.copytree(site.root, twin, ignore=shutil.ignore_patterns(".octavo", "output", "__pycache__"))
    options = {**choices, "jobs": 1}
    expected = clean.build(twin, options)
    actual = report_dict(report)
    for key in ("problems", "held", "pages"):
        mine = [p for p in actual[key] if p["code"] != "output"] if key == "problems" else actual[key]
        if mine != expected[key]:
            raise Difference(f"{key} differ:\n  incremental: {mine}\n  clean:       {expected[key]}")
    output = site.output()
    if report.failed:
        if output != before:
            raise Difference("a failed build changed the output")
        return
    clean_output = SiteFolder(twin).output()
    for path in sorted(output.keys() | clean_output.keys()):
        if path not in clean_output and output[path] == HARMED:
            continue  # it was edited by hand, so it stays when its page goes
        if output.get(path) != clean_output.get(path):
            raise Difference(
                f"{path} differs:\n  incremental: {output.get(path)!r}\n  clean: {clean_output.get(path)!r}"
            )


def options(description: str | None) -> argparse.ArgumentParser:
    """What a fuzz may be told: how many runs of how many edits, from which seed on."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=20)
    parser.add_argument("--edits", type=int, default=30)
    parser.add_argument("--seed", type=int, default=0, help="the first seed")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    return parser


def main() -> int:
    parser = options(__doc__)
    parser.add_argument("--clean-builds", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.clean_builds:
        return _serve_clean_builds()
    started = time.monotonic()
    failures = builds = published = 0
    seeds = range(arguments.seed, arguments.seed + arguments.runs)
    with ProcessPoolExecutor(arguments.jobs, multiprocessing.get_context("spawn")) as pool:
        for outcome in pool.map(run_one, seeds, [arguments.edits] * arguments.runs):
            builds += outcome.builds
            published += outcome.published
            if outcome.difference:
                failures += 1
                print(f"DIFFERENCE {outcome.difference}", flush=True)
            else:
                done = f"{outcome.builds} builds equal, {outcome.published} of them published"
                print(f"seed {outcome.seed}: {done} ({time.monotonic() - started:.0f} s)", flush=True)
    print(f"{arguments.runs} runs, {builds} builds, {published} published, {failures} with a difference")
    return 1 if failures else 0


@dataclass(frozen=True)
class Outcome:
    seed: int
    builds: int
    published: int
    difference: str = ""


def run_one(seed: int, edits: int) -> Outcome:
    """One whole run in a folder of its own."""
    published: list[bool] = []
    with tempfile.TemporaryDirectory(prefix="octavo-fuzz-") as folder, CleanBuilder() as clean:
        try:
            for report in run(seed, edits, Path(folder), clean):
                published.append(not report.failed)
        except Difference as difference:
            return Outcome(seed, len(published), sum(published), str(difference))
    return Outcome(seed, len(published), sum(published))


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        raise SystemExit(main())
