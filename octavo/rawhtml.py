"""Raw HTML within a body: what the site's policy lets through, balanced so that the page around it survives.

A browser reads a fragment as part of a page: a stray ``</div>`` ends an element of the layout, and an open ``<div>``,
comment or attribute takes in the footer. Tags are read here as the HTML standard's tokenizer reads them
(https://html.spec.whatwg.org/multipage/parsing.html), and what is out of balance is put right and reported. HTML in
balance is passed through byte for byte, but for its addresses.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from html import escape, unescape
from typing import NamedTuple, Protocol

_SPACE = " \t\n\f\r"
_NAME = re.compile(rf"[A-Za-z][^{_SPACE}/>]*")
_GAP = re.compile(rf"[{_SPACE}/]*")
_ATTRIBUTE = re.compile(rf"[^{_SPACE}/>][^{_SPACE}/>=]*")
_EQUALS = re.compile(rf"[{_SPACE}]*=[{_SPACE}]*")
_UNQUOTED = re.compile(rf"[^{_SPACE}>]*")
_COMMENT_END = re.compile(r"--!?>")

VOID = frozenset("area base br col embed hr img input link meta param source track wbr".split())
_RAW_TEXT = frozenset("script style textarea title xmp iframe noembed noframes".split())
_OPTIONAL_END = frozenset("dd dt li optgroup option p rb rp rt rtc tbody td tfoot th thead tr colgroup".split())
_OF_THE_PAGE = frozenset("html head body frameset frame plaintext".split())
_FOREIGN = frozenset(("svg", "math"))
_HTML_IN_FOREIGN = frozenset(("foreignobject", "desc", "annotation-xml"))


class Attribute(NamedTuple):
    """``text[start:end]`` is the attribute as written, ``value`` is without quotes and entities."""

    name: str
    value: str
    start: int
    end: int


class Tag(NamedTuple):
    """A start or end tag. ``closed`` is true for ``<x/>``."""

    name: str
    is_end: bool
    closed: bool
    attributes: tuple[Attribute, ...]
    start: int
    end: int


class Comment(NamedTuple):
    start: int
    end: int


class Unfinished(NamedTuple):
    """A tag or comment that the fragment ends in; ``what`` names it for a message."""

    what: str
    start: int


Node = Tag | Comment | Unfinished


def read_node(text: str, start: int, foreign: bool = False) -> Node | None:
    """The markup at a ``<``; None when the ``<`` is only a character."""
    if text.startswith("<!--", start):
        if text.startswith((">", "->"), start + 4):
            return Comment(start, text.index(">", start) + 1)
        end = _COMMENT_END.search(text, start + 4)
        return Comment(start, end.end()) if end else Unfinished("comment", start)
    if foreign and text.startswith("<![CDATA[", start):
        closing = text.find("]]>", start)
        return Comment(start, closing + 3) if closing >= 0 else Unfinished("CDATA section", start)
    follows = text[start + 1 : start + 2]
    if follows in ("!", "?"):
        closing = text.find(">", start)
        return Comment(start, closing + 1) if closing >= 0 else Unfinished("declaration", start)
    is_end = follows == "/"
    name = _NAME.match(text, start + 1 + is_end)
    if name is not None:
        return _read_tag(text, start, name, is_end)
    if is_end and start + 2 < len(text):
        closing = text.find(">", start)
        return Comment(start, closing + 1) if closing >= 0 else Unfinished("declaration", start)
    return None


def _read_tag(text: str, start: int, name: re.Match[str], is_end: bool) -> Tag | Unfinished:
    attributes: list[Attribute] = []
    at = name.end()
    while True:
        gap = _GAP.match(text, at)
        at = gap.end() if gap else at
        if at >= len(text):
            return Unfinished(f"tag '<{name[0]}'", start)
        if text[at] == ">":
            closed = gap is not None and gap[0].endswith("/")
            return Tag(name[0].lower(), is_end, closed, tuple(attributes), start, at + 1)
        word = _ATTRIBUTE.match(text, at)
        assert word is not None
        equals = _EQUALS.match(text, word.end())
        if equals is None:
            attributes.append(Attribute(word[0].lower(), "", at, word.end()))
            at = word.end()
            continue
        begin = equals.end()
        quote = text[begin : begin + 1]
        if quote and quote in "\"'":
            closing = text.find(quote, begin + 1)
            if closing < 0:
                return Unfinished(f"tag '<{name[0]}'", start)
            value, end = text[begin + 1 : closing], closing + 1
        else:
            bare = _UNQUOTED.match(text, begin)
            end = bare.end() if bare else begin
            value = text[begin:end]
        attributes.append(Attribute(word[0].lower(), unescape(value), at, end))
        at = end


class Watcher(Protocol):
    """Who is told of what stands in one fragment."""

    def fault(self, start: int, end: int, message: str, hint: str = "") -> None:
        """What is wrong between two places of the fragment."""

    def tag(self, tag: Tag) -> None:
        """A start tag."""

    def attribute(self, tag: Tag, attribute: Attribute) -> str | None:
        """What to write in the place of an attribute; None to leave it as it is."""


@dataclass(frozen=True, slots=True)
class _Element:
    name: str
    in_foreign: bool
    unclosed: Callable[[], None]


@dataclass(slots=True)
class _Level:
    """The raw elements open within one element that Markdown wrote."""

    elements: list[_Element] = field(default_factory=list)
    names: Counter[str] = field(default_factory=Counter)


class Balance:
    """The elements open at a point of a body, those of raw HTML within those that Markdown wrote.

    It is told of the body's elements and fragments in order, and says what must be written to keep each raw element
    within the element of Markdown that it began in, and all of them within the body.
    """

    def __init__(self) -> None:
        self._levels = [_Level()]

    def enter(self) -> None:
        """Markdown begins an element."""
        self._levels.append(_Level())

    def leave(self) -> str:
        """Markdown ends an element: the end tags that must be written before its own."""
        return self._close(self._levels.pop())

    def finish(self) -> str:
        """The body ends: the end tags that are missing."""
        return "".join(self._close(self._levels.pop()) for _ in range(len(self._levels)))

    def fragment(self, text: str, watch: Watcher, whole: bool) -> str:
        """A fragment of raw HTML, with what is stray taken out and what is cut off completed.

        ``whole``: a block of its own, so what it begins and a browser would read as text, as in ``<textarea>``, must
        end in it; otherwise a tag among Markdown's inline text.
        """
        out: list[str] = []
        copied = at = 0
        while True:
            level = self._levels[-1]
            if self._in_raw_text(level):
                end = re.compile(rf"</{level.elements[-1].name}(?=[{_SPACE}/>])", re.IGNORECASE).search(text, at)
                if end is None:
                    break
                at = end.start()
            at = text.find("<", at)
            if at < 0:
                break
            node = read_node(text, at, bool(level.elements) and level.elements[-1].in_foreign)
            if node is None:
                at += 1
                continue
            if isinstance(node, Comment):
                at = node.end
                continue
            if isinstance(node, Unfinished):
                watch.fault(at, len(text), f"unfinished {node.what} in raw HTML", "it would take in what follows it")
                out.append(text[copied:at] + _finished(text[at:], node))
                return "".join(out)
            written = self._end_tag(node, watch) if node.is_end else self._start_tag(text, node, watch)
            if written is not None:
                out += (text[copied : node.start], written)
                copied = node.end
            at = node.end
        out.append(text[copied:])
        level = self._levels[-1]
        if whole and self._in_raw_text(level):
            out.append(self._end(self._pop(level)))
        return "".join(out)

    def _start_tag(self, text: str, tag: Tag, watch: Watcher) -> str | None:
        name = tag.name
        watch.tag(tag)
        if name in _OF_THE_PAGE:
            watch.fault(tag.start, tag.end, f"'<{name}>' has no place within a post")
            return ""
        written = _rewritten(text, tag, watch)
        level = self._levels[-1]
        foreign = name in _FOREIGN or (bool(level.elements) and level.elements[-1].in_foreign)
        if tag.closed if foreign else name in VOID:
            return written
        if tag.closed:
            watch.fault(tag.start, tag.end, f"'<{name}/>' does not end the element in HTML", f"write <{name}></{name}>")
            return (text[tag.start : tag.end] if written is None else written) + f"</{name}>"
        level.names[name] += 1
        inside = foreign and name not in _HTML_IN_FOREIGN
        level.elements.append(
            _Element(name, inside, lambda: watch.fault(tag.start, tag.end, f"'<{name}>' is not closed"))
        )
        return written

    def _end_tag(self, tag: Tag, watch: Watcher) -> str | None:
        """What to write for an end tag; None when it is right as it is."""
        level = self._levels[-1]
        if not level.names[tag.name]:
            watch.fault(tag.start, tag.end, f"'</{tag.name}>' closes nothing")
            return ""
        missing = ""
        while (element := self._pop(level)).name != tag.name:
            missing += self._end(element)
        return missing + f"</{tag.name}>" if missing else None

    def _close(self, level: _Level) -> str:
        return "".join(self._end(self._pop(level)) for _ in range(len(level.elements)))

    @staticmethod
    def _pop(level: _Level) -> _Element:
        element = level.elements.pop()
        level.names[element.name] -= 1
        return element

    @staticmethod
    def _end(element: _Element) -> str:
        """The end tag of an element that lacks one, unless HTML lets it be left out."""
        if element.name in _OPTIONAL_END:
            return ""
        element.unclosed()
        return f"</{element.name}>"

    @staticmethod
    def _in_raw_text(level: _Level) -> bool:
        return bool(level.elements) and level.elements[-1].name in _RAW_TEXT and not level.elements[-1].in_foreign


def _finished(text: str, node: Unfinished) -> str:
    """A comment with its end; a tag as the text that it is."""
    ends = {"comment": "-->", "CDATA section": "]]>", "declaration": ">"}
    return text + ends[node.what] if node.what in ends else escape(text, quote=False)


def _rewritten(text: str, tag: Tag, watch: Watcher) -> str | None:
    out: list[str] = []
    copied = tag.start
    for attribute in tag.attributes:
        written = watch.attribute(tag, attribute)
        if written is not None:
            out += (text[copied : attribute.start], written)
            copied = attribute.end
    return "".join((*out, text[copied : tag.end])) if out else None


def is_only_comments(text: str) -> bool:
    """Whether a fragment shows nothing and does nothing."""
    at = 0
    while (rest := text[at:].lstrip()) != "":
        at = len(text) - len(rest)
        node = read_node(text, at) if rest.startswith("<!--") else None
        if not isinstance(node, Comment):
            return False
        at = node.end
    return True


def text_in(text: str) -> tuple[str, str]:
    """The words of a fragment and those of its ``<pre>`` elements, without tags, comments, scripts and styles."""
    prose: list[str] = []
    code: list[str] = []
    depth = copied = at = 0
    while (at := text.find("<", at)) >= 0:
        node = read_node(text, at)
        if node is None:
            at += 1
            continue
        (code if depth else prose).append(text[copied:at])
        if isinstance(node, Unfinished):
            copied = len(text)
            break
        copied = at = node.end
        if isinstance(node, Tag) and node.name == "pre":
            depth = max(0, depth + (-1 if node.is_end else 1))
        elif isinstance(node, Tag) and node.name in ("script", "style") and not node.is_end:
            end = re.compile(rf"</{node.name}", re.IGNORECASE).search(text, at)
            copied = at = end.start() if end else len(text)
    (code if depth else prose).append(text[copied:])
    return unescape(" ".join(prose)), unescape("".join(code))
