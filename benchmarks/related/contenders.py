"""Who makes lists of related posts, and how each is asked for them."""

from __future__ import annotations

import json
import math
import re
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.peer import Tools, write
from benchmarks.peers.hugo import hugo
from benchmarks.related.corpora import LENGTH, Corpus, Lists

Posts = list[dict[str, Any]]
Make = Callable[[Corpus, Path, Tools], Lists | None]
"""Lists for a corpus, made in an empty folder; None where what is needed is not installed."""


@dataclass(frozen=True)
class Contender:
    """``name`` is that of the environment that ``pip`` goes into."""

    title: str
    make: Make
    name: str = ""
    pip: tuple[str, ...] = ()
    npm: tuple[str, ...] = ()


def octavo(corpus: Corpus, folder: Path, tools: Tools) -> Lists:
    """By the command line, from files."""
    corpus.write(folder / "posts")
    command = [sys.executable, "-m", "octavo", "-C", str(folder), "related", "--all", "--format", "json"]
    ran = subprocess.run([*command, "--count", str(LENGTH)], stdout=subprocess.PIPE, text=True)
    if ran.returncode:
        raise SystemExit(f"{' '.join(command)}: exit status {ran.returncode}")
    rows = map(json.loads, ran.stdout.splitlines())
    return {Path(row["id"]).stem: [Path(other["id"]).stem for other in row["related"]] for row in rows}


# Hugo, the program itself.

_PLAIN_HUGO = """\
baseURL = "https://measured.example/"
disableKinds = ["rss", "sitemap", "taxonomy", "term", "section", "404"]

[outputs]
home = ["json"]
"""
_TUNED_HUGO = (
    _PLAIN_HUGO
    + """
[related]
includeNewer = true
threshold = 0
toLower = true

[[related.indices]]
name = "tags"
weight = 100

[[related.indices]]
name = "titlewords"
weight = 100

[[related.indices]]
name = "headingwords"
weight = 30

[[related.indices]]
name = "date"
weight = 20
pattern = "200601"
"""
)
_HUGO_LIST = """\
{{- range .Site.RegularPages }}
{{- $related := slice }}
{{- range first LENGTH (.Site.RegularPages.Related .) }}
{{- $related = $related | append .File.ContentBaseName }}
{{- end }}
{{ dict "id" .File.ContentBaseName "related" $related | jsonify }}
{{- end }}
""".replace("LENGTH", str(LENGTH))


def hugo_defaults(corpus: Corpus, folder: Path, tools: Tools) -> Lists | None:
    """Hugo with nothing said of related posts: by keywords, tags and date."""
    return _hugo(corpus, folder, tools, _PLAIN_HUGO, lambda post: {})


def hugo_tuned(corpus: Corpus, folder: Path, tools: Tools) -> Lists | None:
    """Hugo with indices of tags, words of titles, words of headings, and months; a script writes the words into the
    front matter."""

    def more(post: Mapping[str, Any]) -> dict[str, list[str]]:
        headings = " ".join(post.get("headings") or ())
        return {"titlewords": _words(post["title"]), "headingwords": _words(headings)}

    return _hugo(corpus, folder, tools, _TUNED_HUGO, more)


def _hugo(
    corpus: Corpus, folder: Path, tools: Tools, settings: str, more: Callable[[Mapping[str, Any]], dict[str, list[str]]]
) -> Lists | None:
    command = hugo(tools.of("hugo"), "--quiet", "--source", str(folder))
    if command is None:
        return None
    write(folder / "hugo.toml", settings)
    write(folder / "layouts/home.json", _HUGO_LIST)
    corpus.write(folder / "content")
    for post in corpus.posts():
        file = folder / "content" / f"{post['id']}.md"
        text = file.read_text(encoding="utf-8")
        # What Hugo would take for a shortcode is text here.
        text = text.replace("{{<", "{ {<").replace("{{%", "{ {%")
        added = "".join(f"{key}: {json.dumps(words)}\n" for key, words in more(post).items())
        file.write_text(text.replace("---\n", f"---\n{added}", 1), encoding="utf-8")
    subprocess.run(command, check=True)
    lines = (folder / "public/index.json").read_text(encoding="utf-8").splitlines()
    return {row["id"]: row["related"] for row in map(json.loads, filter(None, lines))}


def _words(text: str) -> list[str]:
    words = dict.fromkeys(re.findall(r"\w{2,}", text.lower()))
    return [word for word in words if word not in _COMMON]


_COMMON = frozenset(
    "about all an and are as at be by can do for from has have how if in into is it its more my new not of on or our"
    " that the their this to use using was we what when why will with you your".split()
)


# By tags alone.


def by_tags(corpus: Corpus, folder: Path, tools: Tools) -> Lists:
    """The most shared tags, then the newest: what most plug-ins do."""
    posts = corpus.posts()
    tags = {post["id"]: set(post["tags"]) for post in posts}
    return _best(posts, lambda one, two: len(tags[one["id"]] & tags[two["id"]]))


def pelican(corpus: Corpus, folder: Path, tools: Tools) -> Lists:
    """The formula of Pelican's plug-in similar_posts: the cosine of TF-IDF over tags."""
    posts = corpus.posts()
    in_posts = Counter(tag for post in posts for tag in set(post["tags"]))
    vectors = {}
    for post in posts:
        weights = {tag: math.log2(len(posts) / in_posts[tag]) for tag in set(post["tags"])}
        length = math.sqrt(sum(weight * weight for weight in weights.values()))
        vectors[post["id"]] = {tag: weight / length for tag, weight in weights.items() if weight}

    def cosine(one: Mapping[str, Any], two: Mapping[str, Any]) -> float:
        other = vectors[two["id"]]
        # Rounded, so that equal ones are equal whatever the order of the sum.
        return round(sum(weight * other[tag] for tag, weight in vectors[one["id"]].items() if tag in other), 9)

    return _best(posts, cosine)


def _best(posts: Posts, alike: Callable[[dict[str, Any], dict[str, Any]], float]) -> Lists:
    """The posts that are alike at all, the most alike first, newer before older."""
    newest = sorted(posts, key=lambda post: (post["date"], post["id"]), reverse=True)
    holders: dict[str, list[int]] = {}
    for at, post in enumerate(newest):
        for tag in set(post["tags"]):
            holders.setdefault(tag, []).append(at)
    lists = {}
    for at, post in enumerate(newest):
        others = {other for tag in post["tags"] for other in holders[tag]} - {at}
        scored = sorted((-alike(post, newest[other]), other) for other in others)
        lists[post["id"]] = [newest[other]["id"] for score, other in scored[:LENGTH] if score < 0]
    return lists


# By words, with scikit-learn.


def lexical(method: str) -> Make:
    def make(corpus: Corpus, folder: Path, tools: Tools) -> Lists | None:
        python = tools.of("related").program("python")
        if python is None:
            return None
        command = [str(python), str(Path(__file__).with_name("lexical.py")), method]
        lines = "\n".join(map(json.dumps, corpus.posts()))
        printed = subprocess.run(command, check=True, input=lines, stdout=subprocess.PIPE, text=True).stdout
        return {row["id"]: row["related"] for row in map(json.loads, printed.splitlines())}

    return make


CONTENDERS = {
    "octavo": Contender("Octavo", octavo),
    "tags": Contender("Shared tags, then newest", by_tags),
    "pelican": Contender("Pelican’s similar_posts", pelican),
    "hugo": Contender("Hugo, its defaults", hugo_defaults, "hugo", ("hugo",)),
    "hugo-tuned": Contender("Hugo, tuned", hugo_tuned, "hugo", ("hugo",)),
    "bm25": Contender("BM25", lexical("bm25"), "related", ("scikit-learn",)),
    "svd": Contender("TF-IDF with SVD", lexical("svd"), "related", ("scikit-learn",)),
}


def lists_of(contender: Contender, corpus: Corpus, work: Path, tools: Tools) -> Lists | None:
    folder = work / "site"
    folder.mkdir()
    try:
        return contender.make(corpus, folder, tools)
    finally:
        shutil.rmtree(folder)


def environments(contenders: Iterable[Contender]) -> list[Contender]:
    """One contender for each environment that has to be made."""
    return list({contender.name: contender for contender in contenders if contender.pip}.values())
