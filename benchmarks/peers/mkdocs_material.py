"""Material for MkDocs with its blog plug-in: tags are the blog's categories, so that they have paginated pages.

It has no related posts and no latest ones: a hook of a few lines finds them, by shared tags, and a layout of the site
shows them below a post.
"""

from __future__ import annotations

from pathlib import Path

from benchmarks.content import Post, front_matter, with_urls
from benchmarks.peer import Peer, Tools, installed, write

SETTINGS = """\
site_name: Measured Words
site_url: https://measured.example/
site_description: A site made to be built
docs_dir: docs
theme:
  name: material
  font: false
  custom_dir: overrides
plugins:
  - blog:
      blog_dir: .
      post_dir: posts
      post_url_format: "posts/{slug}"
      categories_url_format: "tags/{slug}"
      authors: false
      pagination_per_page: 10
  - rss:
      match_path: posts/.*
      use_git: false
      length: 20
      abstract_chars_count: -1
      date_from_meta:
        as_creation: date
markdown_extensions:
  - attr_list
  - footnotes
  - tables
  - toc:
      toc_depth: 3
  - pymdownx.highlight
  - pymdownx.superfences
hooks:
  - hooks.py
extra:
  related: %s
validation:
  nav:
    omitted_files: ignore
  links:
    absolute_links: ignore
"""


def source(post: Post) -> tuple[str, str]:
    # The text up to the mark stands in lists; without a mark the whole post would.
    beginning, gap, rest = with_urls(post.body).partition("\n\n")
    head = front_matter(post, slug=post.stem, categories=list(post.tags))
    return f"docs/posts/{post.stem}.md", f"{head}\n# {post.title}\n\n{beginning}\n\n<!-- more -->{gap}{rest}"


def configure(folder: Path, related: bool, tools: Tools) -> None:
    write(folder / "mkdocs.yml", SETTINGS % str(related).lower())


PEER = Peer(
    name="mkdocs-material",
    title="MkDocs-Material",
    command=installed("mkdocs", "build", "--quiet"),
    version=installed("python", "-c", "from importlib.metadata import version; print(version('mkdocs-material'))"),
    source=source,
    configure=configure,
    output="site",
    base="overrides/main.html",
    images="docs/posts",
    pip=("mkdocs-material", "mkdocs-rss-plugin"),
    kept=(".cache", "__pycache__"),
    environment={"NO_MKDOCS_2_WARNING": "1", "DISABLE_MKDOCS_2_WARNING": "true"},
)
