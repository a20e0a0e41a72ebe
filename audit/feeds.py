"""Whether feeds are what RFC 4287 (Atom) and version 1.1 of JSON Feed ask for, and what feed readers stumble over."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import html5lib

ATOM = "{http://www.w3.org/2005/Atom}"
_DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")  # RFC 3339, in capitals

Counts = Mapping[str, tuple[int, int | None]]
"""The least and the most of each element; None for any number."""

_OFTEN: Counts = dict.fromkeys("author category contributor link".split(), (0, None))
_PERSON: Counts = {"name": (1, 1), "uri": (0, 1), "email": (0, 1)}
_FEED: Counts = {
    **dict.fromkeys("id title updated".split(), (1, 1)),
    **dict.fromkeys("subtitle generator icon logo rights".split(), (0, 1)),
    **_OFTEN,
    "entry": (0, None),
}
_ENTRY: Counts = {
    **dict.fromkeys("id title updated".split(), (1, 1)),
    **dict.fromkeys("published summary content rights source".split(), (0, 1)),
    **_OFTEN,
}
"""How often each element may stand in a feed and in an entry, section 4.1."""


def atom_faults(text: str, address: str) -> Iterator[str]:
    """``address`` is the whole one under which the feed is published."""
    try:
        feed = ElementTree.fromstring(text.encode("utf-8"))
    except ElementTree.ParseError as problem:
        yield f"it is not well-formed: {problem}"
        return
    if feed.tag != f"{ATOM}feed":
        yield f"its root is {feed.tag}"
        return
    yield from _children(feed, _FEED, "the feed")
    own = [link for link in feed.findall(f"{ATOM}link") if link.get("rel") == "self"]
    if [link.get("href") for link in own] != [address]:
        yield f"its link to itself is not {address}"
    yield from _atom_parts(feed, "the feed")
    entries = feed.findall(f"{ATOM}entry")
    yield from _repeated("id", [entry.findtext(f"{ATOM}id", "") for entry in entries])
    for entry in entries:
        yield from _entry(entry, bool(feed.findall(f"{ATOM}author")))


def _entry(entry: Element, has_author: bool) -> Iterator[str]:
    name = f"the entry {entry.findtext(f'{ATOM}id', '?')}"
    yield from _children(entry, _ENTRY, name)
    yield from _atom_parts(entry, name)
    if not has_author and not entry.findall(f"{ATOM}author"):
        yield f"{name} has no author, and the feed neither"
    content = entry.find(f"{ATOM}content")
    links = [link for link in entry.findall(f"{ATOM}link") if link.get("rel", "alternate") == "alternate"]
    if content is None and not links:
        yield f"{name} has neither content nor a link"
    yield from _repeated(f"{name}: link", [f"{link.get('type')} {link.get('hreflang')}" for link in links])
    for text in (entry.find(f"{ATOM}summary"), content):
        if text is not None and text.get("type") == "html":
            yield from _html_faults(text.text or "", name)


def _children(element: Element, allowed: Counts, name: str) -> Iterator[str]:
    counts: dict[str, int] = {}
    for child in element:
        if child.tag.startswith(ATOM):
            local = child.tag.removeprefix(ATOM)
            counts[local] = counts.get(local, 0) + 1
            if local not in allowed:
                yield f"{name} must not have <{local}>"
    for local, (least, most) in allowed.items():
        if counts.get(local, 0) < least or (most is not None and counts.get(local, 0) > most):
            yield f"{name} has {counts.get(local, 0)} <{local}>"


def _atom_parts(element: Element, name: str) -> Iterator[str]:
    for child in element:
        local, text = child.tag.removeprefix(ATOM), (child.text or "").strip()
        if local in ("updated", "published"):
            yield from _date_faults(text, f"{name}: <{local}>")
        if local == "id":
            yield from _address_faults(text, f"{name}: <id>")
        if local == "link":
            yield from _address_faults(child.get("href", ""), f"{name}: <link>")
        if local == "category" and not child.get("term"):
            yield f"{name}: <category> without a term"
        if local in ("author", "contributor"):
            yield from _children(child, _PERSON, f"{name}: <{local}>")
            uri = child.find(f"{ATOM}uri")
            if uri is not None:
                yield from _address_faults(uri.text or "", f"{name}: <uri>")
        if local in ("title", "summary", "subtitle") and child.get("type", "text") not in ("text", "html", "xhtml"):
            yield f"{name}: <{local}> of type {child.get('type')}"
        if local in ("title", "id") and not text:
            yield f"{name}: <{local}> is empty"
    published, updated = (_instant(element.findtext(f"{ATOM}{local}", "")) for local in ("published", "updated"))
    if published and updated and published > updated:
        yield f"{name} was updated at {updated}, before it was published"


_TOP: Mapping[str, type] = {
    **dict.fromkeys("version title home_page_url feed_url description user_comment next_url icon favicon".split(), str),
    **dict.fromkeys("authors hubs items".split(), list),
    "language": str,
    "expired": bool,
}
_ITEM: Mapping[str, type] = {
    **dict.fromkeys("id url external_url title content_html content_text summary image banner_image".split(), str),
    **dict.fromkeys("date_published date_modified language".split(), str),
    **dict.fromkeys("authors tags attachments".split(), list),
}
_AUTHOR: Mapping[str, type] = dict.fromkeys("name url avatar".split(), str)


def json_faults(text: str, address: str) -> Iterator[str]:
    """``address`` is the whole one under which the feed is published."""
    try:
        feed: Any = json.loads(text)
    except ValueError as problem:
        yield f"it is no JSON: {problem}"
        return
    if not isinstance(feed, dict):
        yield "it is no object"
        return
    yield from _typed(feed, _TOP, "the feed", ("version", "title", "items"))
    if feed.get("version") != "https://jsonfeed.org/version/1.1":
        yield f"its version is {feed.get('version')}"
    if feed.get("feed_url") != address:
        yield f"its feed_url is not {address}"
    yield from _authors(feed, "the feed")
    items = [item for item in feed.get("items", ()) if isinstance(item, dict)]
    yield from _repeated("id", [str(item.get("id")) for item in items])
    for item in items:
        name = f"the item {item.get('id', '?')}"
        yield from _typed(item, _ITEM, name, ("id",))
        if "content_html" not in item and "content_text" not in item:
            yield f"{name} has no content"
        for key in ("date_published", "date_modified"):
            if key in item:
                yield from _date_faults(str(item[key]), f"{name}: {key}")
        for key in ("url", "external_url", "image", "banner_image"):
            if key in item:
                yield from _address_faults(str(item[key]), f"{name}: {key}")
        if not all(isinstance(tag, str) and tag for tag in item.get("tags", ())):
            yield f"{name}: a tag is no text"
        yield from _authors(item, name)
        yield from _html_faults(str(item.get("content_html", "")), name)


def _typed(value: dict[str, Any], types: Mapping[str, type], name: str, required: tuple[str, ...]) -> Iterator[str]:
    for key in required:
        if key not in value:
            yield f"{name} has no {key}"
    for key, member in value.items():
        if key not in types and not key.startswith("_"):
            yield f"{name} has {key}, which is not in the specification"
        elif key in types and not isinstance(member, types[key]):
            yield f"{name}: {key} is no {types[key].__name__}"
        elif member == "":
            yield f"{name}: {key} is empty"


def _authors(value: dict[str, Any], name: str) -> Iterator[str]:
    for author in value.get("authors", ()):
        yield from _typed(author, _AUTHOR, f"{name}: an author", ())
        if not author:
            yield f"{name}: an author without anything"
        if "url" in author:
            yield from _address_faults(str(author["url"]), f"{name}: the address of an author")


def _instant(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _date_faults(text: str, name: str) -> Iterator[str]:
    if not _DATE.fullmatch(text) or _instant(text) is None:
        yield f"{name} is no date of RFC 3339: {text!r}"


def _address_faults(text: str, name: str) -> Iterator[str]:
    """A whole address, in ASCII, as readers of feeds compare them letter by letter."""
    parts = urlsplit(text)
    whole = parts.scheme and (parts.netloc or parts.path)
    if not whole or not text.isascii() or re.search(r"[\s<>\"{}|\\^`]", text):
        yield f"{name} is no whole address: {text!r}"


def _html_faults(text: str, name: str) -> Iterator[str]:
    """What a feed shows lies in somebody else's page: addresses have to be whole, and nothing can run."""
    tree = html5lib.parseFragment(text, treebuilder="etree", namespaceHTMLElements=False)
    for element in tree.iter():
        if not isinstance(element.tag, str):
            continue
        if element.tag in ("script", "style", "iframe", "object"):
            yield f"{name}: <{element.tag}> in the content"
        for key, value in element.attrib.items():
            if key in ("href", "src", "poster") and not urlsplit(value).scheme:
                yield f"{name}: the address {value!r} is not whole"
            if key.startswith("on") or key == "style":
                yield f"{name}: the attribute {key} in the content"
    stray = {character for character in text if unicodedata.category(character) == "Cc" and character not in "\n\r\t"}
    if stray:
        yield f"{name}: control characters {sorted(map(ord, stray))}"


def _repeated(what: str, values: list[str]) -> Iterator[str]:
    for value in sorted({value for value in values if values.count(value) > 1}):
        yield f"{what} {value} stands there {values.count(value)} times"
