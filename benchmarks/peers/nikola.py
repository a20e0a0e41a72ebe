"""Nikola with Jinja2 layouts. It has no related posts: the configuration finds them by shared tags."""

from __future__ import annotations

from pathlib import Path

from benchmarks.content import Post, front_matter, with_urls
from benchmarks.peer import Peer, Tools, installed, write

SETTINGS = '''\
from collections import Counter

BLOG_TITLE = "Measured Words"
SITE_URL = "https://measured.example/"
BLOG_AUTHOR = "Nobody"
BLOG_EMAIL = "nobody@measured.example"
BLOG_DESCRIPTION = "A site made to be built"
DEFAULT_LANG = "en"
TIMEZONE = "UTC"
THEME = "bench"
POSTS = (("posts/*.md", "posts", "post.tmpl"),)
PAGES = ()
COMPILERS = {"markdown": (".md",), "html": (".html",)}
MARKDOWN_EXTENSIONS = ["markdown.extensions.extra", "markdown.extensions.fenced_code",
                       "markdown.extensions.codehilite", "markdown.extensions.toc"]
PRETTY_URLS = True
INDEX_PATH = ""
INDEX_DISPLAY_POST_COUNT = 10
INDEXES_STATIC = False
INDEXES_PRETTY_PAGE_URL = ["page", "{number}", "{index_file}"]
INDEX_TEASERS = False
TAG_PATH = "tags"
TAG_PAGES_ARE_INDEXES = True
DISABLE_INDEXES = False
CATEGORY_ALLOW_HIERARCHIES = False
ENABLE_AUTHOR_PAGES = False
ARCHIVE_PATH = "archive"
CREATE_FULL_ARCHIVES = False
GENERATE_ATOM = False
GENERATE_RSS = True
FEED_LENGTH = 20
FEED_TEASERS = False
FEED_PLAIN = False
# One feed for the site, none for each tag.
DISABLE_TAG_FEEDS = True
COMMENT_SYSTEM = ""
COPY_SOURCES = False
SHOW_SOURCELINK = False
USE_BUNDLES = False
FRONT_INDEX_HEADER = ""
NAVIGATION_LINKS = {DEFAULT_LANG: (("/archive/", "Archive"), ("/tags/", "Tags"))}


def related(post):
    """The four posts that share most tags with one."""
    by_tag = post.compiler.site.posts_per_tag
    shared = Counter(other for tag in post.tags for other in by_tag[tag] if other is not post)
    return [other for other, _ in shared.most_common(4)]


def latest(post):
    return post.compiler.site.posts[:4]


GLOBAL_CONTEXT = {"related": related, "latest": latest, "show_related": %s}
'''


def source(post: Post) -> tuple[str, str]:
    # Without the mark, a list would carry whole posts.
    beginning, gap, rest = with_urls(post.body).partition("\n\n")
    head = front_matter(post, slug=post.stem)
    return f"posts/{post.stem}.md", f"{head}\n{beginning}\n\n<!-- TEASER_END -->{gap}{rest}"


def configure(folder: Path, related: bool, tools: Tools) -> None:
    write(folder / "conf.py", SETTINGS % related)


PEER = Peer(
    name="nikola",
    title="Nikola",
    command=installed("nikola", "build", "--quiet", "-n", "2"),
    version=installed("nikola", "version"),
    source=source,
    configure=configure,
    output="output",
    base="themes/bench/templates/base.tmpl",
    images="files/posts",
    pip=("nikola", "jinja2", "markdown", "ruamel.yaml"),
    kept=("cache", ".doit.db", ".doit.db.dat", ".doit.db.dir", ".doit.db.bak", "__pycache__"),
)
