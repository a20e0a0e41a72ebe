"""Pelican with Python-Markdown, its plug-ins for the sitemap and for related posts (by the number of shared tags)."""

from __future__ import annotations

from pathlib import Path

from benchmarks.content import Post, with_urls
from benchmarks.peer import Peer, Tools, installed, write

SETTINGS = """\
SITENAME = "Measured Words"
SITEURL = "https://measured.example"
SITE_DESCRIPTION = "A site made to be built"
PATH = "content"
ARTICLE_PATHS = ["posts"]
STATIC_PATHS = ["posts"]
TIMEZONE = "UTC"
DEFAULT_LANG = "en"
THEME = "theme"
PLUGINS = {plugins}
RELATED_POSTS_MAX = 4
SITEMAP = {{"format": "xml"}}
ARTICLE_URL = "posts/{{slug}}/"
ARTICLE_SAVE_AS = "posts/{{slug}}/index.html"
TAG_URL = "tags/{{slug}}/"
TAG_SAVE_AS = "tags/{{slug}}/index.html"
TAGS_SAVE_AS = "tags/index.html"
ARCHIVES_SAVE_AS = "archive/index.html"
PAGINATION_PATTERNS = ((1, "{{base_name}}/", "{{base_name}}/index.html"),
                       (2, "{{base_name}}/page/{{number}}/", "{{base_name}}/page/{{number}}/index.html"))
AUTHOR_SAVE_AS = AUTHORS_SAVE_AS = CATEGORY_SAVE_AS = CATEGORIES_SAVE_AS = ""
DEFAULT_PAGINATION = 10
PAGINATED_TEMPLATES = {{"index": 10, "tag": 10}}
DIRECT_TEMPLATES = ["index", "tags", "archives"]
FEED_ALL_ATOM = "feed.xml"
FEED_MAX_ITEMS = 20
CATEGORY_FEED_ATOM = TRANSLATION_FEED_ATOM = AUTHOR_FEED_ATOM = AUTHOR_FEED_RSS = None
SUMMARY_MAX_LENGTH = 40
SLUGIFY_SOURCE = "basename"
# What is read is kept from one build to the next, as Pelican offers.
CACHE_CONTENT = True
LOAD_CONTENT_CACHE = True
MARKDOWN = {{
    "extension_configs": {{
        "markdown.extensions.codehilite": {{"css_class": "highlight", "guess_lang": False}},
        "markdown.extensions.extra": {{}},
        "markdown.extensions.toc": {{"toc_depth": "2-3"}},
        "markdown.extensions.meta": {{}},
    }},
    "output_format": "html5",
}}
"""


def source(post: Post) -> tuple[str, str]:
    # Python-Markdown's own front matter: one value a line, lists with commas.
    lines = [f"Title: {post.title}", f"Date: {post.date}", f"Tags: {', '.join(post.tags)}", f"Slug: {post.stem}"]
    if post.author:
        lines.append(f"Author: {post.author}")
    if post.description:
        lines.append(f"Description: {post.description}")
    return f"content/posts/{post.stem}.md", "\n".join(lines) + "\n\n" + with_urls(post.body)


def configure(folder: Path, related: bool, tools: Tools) -> None:
    plugins = ["sitemap", *(["related_posts"] if related else [])]
    write(folder / "pelicanconf.py", SETTINGS.format(plugins=plugins))


PEER = Peer(
    name="pelican",
    title="Pelican",
    command=installed("pelican", "--quiet"),
    version=installed("pelican", "--version"),
    source=source,
    configure=configure,
    output="output",
    base="theme/templates/base.html",
    images="content/posts",
    pip=("pelican[markdown]", "pelican-sitemap", "pelican-related-posts"),
    kept=("cache", "__pycache__"),
)
