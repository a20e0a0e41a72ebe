"""A published site as files and addresses: its links, its sitemap, and what the heads of its pages say."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urldefrag, urljoin, urlsplit
from xml.etree import ElementTree

SITEMAP = "{http://www.sitemaps.org/schemas/sitemap/0.9}"
_DAY = re.compile(r"\d{4}(?:-\d\d(?:-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d))?)?)?")  # W3C-DTF
_MOST, _LONGEST = 50_000, 2_048
"""Addresses in a sitemap, and characters in one of them, as its protocol allows."""


@dataclass
class Html(HTMLParser):
    """What one page says of itself and where it leads."""

    addresses: list[tuple[str, str]] = field(default_factory=list)
    anchors: set[str] = field(default_factory=set)
    repeated: list[str] = field(default_factory=list)
    meta: dict[str, list[str]] = field(default_factory=dict)
    links: list[dict[str, str]] = field(default_factory=list)
    title: str = ""
    language: str = ""
    data: list[Any] = field(default_factory=list)
    _reads: str = ""
    _text: str = ""

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if "id" in attributes:
            if attributes["id"] in self.anchors:
                self.repeated.append(attributes["id"])
            self.anchors.add(attributes["id"])
        if tag == "html":
            self.language = attributes.get("lang", "")
        if tag == "meta":
            name = attributes.get("name") or attributes.get("property") or attributes.get("http-equiv", "").lower()
            self.meta.setdefault(name, []).append(attributes.get("content", ""))
        if tag == "link":
            self.links.append(attributes)
        kind = attributes.get("type", "")
        self._reads = "title" if tag == "title" else kind if tag == "script" else self._reads
        for name in ("href", "src", "poster", "action"):
            if name in attributes and not (tag == "link" and attributes.get("rel") in ("canonical", "preconnect")):
                self.addresses.append((f"<{tag} {name}>", attributes[name]))
        for choice in attributes.get("srcset", "").split(","):
            if choice.strip():
                self.addresses.append((f"<{tag} srcset>", choice.split()[0]))

    def handle_data(self, data: str) -> None:
        self._text += data if self._reads else ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "title" and self._reads == "title":
            self.title = self._text
        if tag == "script" and self._reads == "application/ld+json":
            try:
                self.data.append(json.loads(self._text))
            except ValueError:
                self.data.append(None)
        if tag in ("title", "script"):
            self._reads = self._text = ""


@dataclass(frozen=True)
class Published:
    """A folder that a build published for ``base_url``."""

    folder: Path
    base_url: str

    @cached_property
    def files(self) -> frozenset[str]:
        return frozenset(
            file.relative_to(self.folder).as_posix()
            for file in self.folder.rglob("*")
            if file.is_file() and file.name != ".octavo-written"
        )

    @cached_property
    def pages(self) -> Mapping[str, Html]:
        """By the path of the file."""
        pages = {}
        for path in sorted(self.files):
            if path.endswith(".html"):
                pages[path] = Html()
                pages[path].feed(self.text(path))
                pages[path].close()
        return pages

    def text(self, path: str) -> str:
        return (self.folder / path).read_text("utf-8")

    def address(self, path: str) -> str:
        """The whole address of a file."""
        return f"{self.base_url}/{path.removesuffix('index.html')}"

    def file(self, address: str) -> str | None:
        """The file that a whole address of this site gets."""
        target = unquote(urlsplit(address).path).removeprefix("/")
        target += "index.html" if not target or target.endswith("/") else ""
        return target if target in self.files else None

    def is_own(self, address: str) -> bool:
        return urlsplit(address)[:2] == urlsplit(self.base_url)[:2]


def link_faults(site: Published) -> Iterator[str]:
    """Addresses that lead nowhere, in all pages, and ids that stand in a page twice."""
    for path, page in site.pages.items():
        for anchor in page.repeated:
            yield f"{path}: the id {anchor!r} is there twice"
        for place, written in page.addresses:
            whole, anchor = urldefrag(urljoin(site.address(path), written))
            if not whole.startswith(("http:", "https:")) or not site.is_own(whole):
                continue
            target = path if whole == site.address(path) else site.file(whole)
            if target is None:
                yield f"{path}: {place} leads nowhere: {written}"
            elif anchor and target in site.pages and unquote(anchor) not in site.pages[target].anchors:
                yield f"{path}: {place} leads to no id: {written}"


def sitemap_faults(site: Published) -> Iterator[str]:
    """Against https://www.sitemaps.org/protocol.html, and against the pages that are there."""
    try:
        root = ElementTree.fromstring((site.folder / "sitemap.xml").read_bytes())
    except (OSError, ElementTree.ParseError) as problem:
        yield f"it cannot be read: {problem}"
        return
    if root.tag != f"{SITEMAP}urlset":
        yield f"its root is {root.tag}"
    listed = []
    for each in root:
        names = [child.tag.removeprefix(SITEMAP) for child in each]
        address = (each.findtext(f"{SITEMAP}loc") or "").strip()
        if each.tag != f"{SITEMAP}url" or names.count("loc") != 1 or len(set(names)) != len(names):
            yield f"an entry with {each.tag.removeprefix(SITEMAP)}: {' '.join(names)}"
        if set(names) - {"loc", "lastmod", "changefreq", "priority"}:
            yield f"{address}: unknown elements {' '.join(names)}"
        day = each.findtext(f"{SITEMAP}lastmod")
        if day is not None and not _DAY.fullmatch(day.strip()):
            yield f"{address}: no date: {day}"
        if not site.is_own(address) or not address.isascii() or len(address) > _LONGEST:
            yield f"no address of this site: {address}"
        elif site.file(address) is None:
            yield f"no page at {address}"
        listed.append(address)
    if len(listed) > _MOST or len(set(listed)) != len(listed):
        yield f"{len(listed)} entries, of which {len(set(listed))} differ"
    named = {site.file(address) for address in listed}
    robots = site.text("robots.txt") if "robots.txt" in site.files else ""
    if f"Sitemap: {site.base_url}/sitemap.xml" not in robots:
        yield "robots.txt does not name it"
    for path, page in site.pages.items():
        hidden = any("noindex" in content for content in page.meta.get("robots", ()))
        canonical = next((link["href"] for link in page.links if link.get("rel") == "canonical"), "")
        if canonical == site.address(path) and not hidden and path not in named:
            yield f"{path} is not in it"


_EVERY = ("og:title", "og:type", "og:url", "og:site_name")
_SOCIAL = (*_EVERY, "og:image", "og:image:width", "og:image:height", "og:image:alt", "twitter:card")
_ARTICLE = ("headline", "datePublished", "dateModified", "author", "image", "mainEntityOfPage")


def head_faults(site: Published, path: str) -> Iterator[str]:
    """What search engines and links to a page need and its head does not say."""
    page = site.pages[path]
    if not page.language:
        yield "no lang"
    if not page.title.strip():
        yield "no <title>"
    for name in ("viewport", "color-scheme", "theme-color"):
        if not page.meta.get(name):
            yield f"no {name}"
    rels = [(link.get("rel", ""), link.get("type", "")) for link in page.links]
    for kind in ("application/atom+xml", "application/feed+json"):
        if ("alternate", kind) not in rels:
            yield f"no link to the feed of {kind}"
    if not any("icon" in rel.split() for rel, _ in rels):
        yield "no icon"
    if path == "404.html":
        if page.meta.get("robots") != ["noindex"]:
            yield "it may be listed by search engines"
        return
    if [link.get("href") for link in page.links if link.get("rel") == "canonical"] != [site.address(path)]:
        yield "no canonical address, or another one"
    article = page.meta.get("og:type") == ["article"]
    for name in ("description", "og:description", *(_SOCIAL if article else _EVERY)):
        if len([content for content in page.meta.get(name, ()) if content.strip()]) != 1:
            yield f"{len(page.meta.get(name, ()))} times {name}"
    for name in page.meta.get("og:image", ()):
        if not site.is_own(name) or site.file(name) is None:
            yield f"og:image leads nowhere: {name}"
    if article:
        yield from _structured(page)


def _structured(page: Html) -> Iterator[str]:
    nodes = [entry for graph in page.data if isinstance(graph, dict) for entry in graph.get("@graph", [graph])]
    kinds = {str(entry.get("@type")): entry for entry in nodes}
    if None in page.data or not {"BlogPosting", "BreadcrumbList"} <= set(kinds):
        yield f"JSON-LD has {', '.join(kinds) or 'nothing'}"
        return
    for name in _ARTICLE:
        if not kinds["BlogPosting"].get(name):
            yield f"BlogPosting without {name}"
    trail = kinds["BreadcrumbList"].get("itemListElement", [])
    if [step.get("position") for step in trail] != list(range(1, len(trail) + 1)) or not trail:
        yield "BreadcrumbList without its steps in order"
    for step in trail[:-1]:
        if not step.get("name") or not str(step.get("item", "")).startswith("http"):
            yield f"BreadcrumbList: a step without name or address: {step}"
