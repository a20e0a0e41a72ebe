"""Latest and related posts for the layouts: those that share most tags, through an index by tag."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any


def on_env(env: Any, config: Any, files: Any) -> Any:
    posts = config.plugins["material/blog"].blog.posts
    env.globals["latest_posts"] = posts[:4]
    env.globals["related_posts"] = related(posts) if config.extra["related"] else {}
    return env


def related(posts: Sequence[Any]) -> dict[str, list[Any]]:
    by_tag: defaultdict[str, list[int]] = defaultdict(list)
    for index, post in enumerate(posts):
        for tag in post.config.categories:
            by_tag[tag].append(index)
    lists = {}
    for index, post in enumerate(posts):
        shared = Counter(other for tag in post.config.categories for other in by_tag[tag])
        del shared[index]
        lists[post.url] = [posts[other] for other, _ in shared.most_common(4)]
    return lists
