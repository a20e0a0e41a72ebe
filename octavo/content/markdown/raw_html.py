"""Raw HTML within a body, balanced so that the page around it survives.

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
_PAGE_ELEMENTS = frozenset("html head body frameset frame plaintext".split())
_OPTIONAL_END = frozenset("dd dt li optgroup option p rb rp rt rtc tbody td tfoot th thead tr colgroup".split())
# The elements whose end tags also end those open in them whose end tags may be left out.
_ENDS_OTHERS = frozenset(
    """
    address article aside blockquote center dd details dialog dir div dl dt fieldset figcaption figure footer header
    hgroup li listing main menu nav ol optgroup pre rtc ruby search section select summary table tbody td tfoot th thead
    tr ul
    """.split()
)
# The elements without an end tag that a start tag ends, where it follows right after them.
_ROWS = frozenset(("tr", "td", "th"))
_PARTS = _ROWS | {"thead", "tbody", "tfoot", "colgroup"}
_FOLLOWS = {
    "p": frozenset(("p",)),
    "li": frozenset(("li",)),
    "dd": frozenset(("dd", "dt")),
    "dt": frozenset(("dd", "dt")),
    "option": frozenset(("option",)),
    "optgroup": frozenset(("option", "optgroup")),
    "td": frozenset(("td", "th")),
    "th": frozenset(("td", "th")),
    "tr": _ROWS,
    "thead": _PARTS,
    "tbody": _PARTS,
    "tfoot": _PARTS,
}
# The elements of a drawing and of a formula that hold HTML.
_HTML_WITHIN = {"svg": frozenset(("foreignobject", "desc", "title")), "math": frozenset("mi mo mn ms mtext".split())}
# The start tags that end an SVG drawing or a formula.
_BREAKS_OUT = frozenset(
    """
    b big blockquote body br center code dd div dl dt em embed h1 h2 h3 h4 h5 h6 head hr i img li listing menu meta nobr
    ol p pre ruby s small span strong strike sub sup table tt u ul var
    """.split()
)
_ELEMENTS = frozenset(
    """
    a abbr acronym address applet article aside audio b bdi bdo big blink blockquote button canvas caption center cite
    code data datalist dd del details dfn dialog dir div dl dt em fieldset figcaption figure font footer form h1 h2 h3
    h4 h5 h6 header hgroup i iframe ins kbd label legend li listing main map mark marquee math menu meter nav nobr
    noembed noframes noscript object ol optgroup option output p picture pre progress q rb rp rt rtc ruby s samp script
    search section select slot small span strike strong style sub summary sup svg table tbody td template textarea
    tfoot th thead time title tr tt u ul var video xmp
    """.split()
)


class Attribute(NamedTuple):
    """An attribute of a tag.

    ``text[start:end]`` is the attribute as written, ``value`` is without quotes and entities.
    """

    name: str
    value: str
    start: int
    end: int


class Tag(NamedTuple):
    """A start or end tag; ``closed`` is true for ``<x/>``."""

    name: str
    is_end: bool
    closed: bool
    attributes: tuple[Attribute, ...]
    start: int
    end: int


class Comment(NamedTuple):
    """A comment, or what a browser takes for one."""

    start: int
    end: int


class Unfinished(NamedTuple):
    """A tag or comment that the fragment ends in.

    ``what`` names it for a message.
    """

    what: str
    start: int


HtmlNode = Tag | Comment | Unfinished


def read_node(text: str, start: int, foreign: bool = False) -> HtmlNode | None:
    """Read the markup at a ``<``; None when the ``<`` is only a character."""
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
    if is_end:
        closing = text.find(">", start)
        if closing >= 0:
            return Comment(start, closing + 1)
        return Unfinished("declaration" if start + 2 < len(text) else "tag '</'", start)
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


class FragmentVisitor(Protocol):
    """What ``Balance.fragment`` calls for all that stands in one fragment."""

    def fault(self, start: int, end: int, message: str, hint: str = "") -> None:
        """Take what is wrong between two places of the fragment."""

    def tag(self, tag: Tag) -> None:
        """Take a start tag."""

    def attribute(self, tag: Tag, attribute: Attribute) -> str | None:
        """What to write in the place of an attribute; None to leave it as it is."""


@dataclass(frozen=True, slots=True)
class _Element:
    """An element of raw HTML that is open.

    ``language`` is its own, ``within`` that of what it holds: ``svg``, ``math`` or none for HTML.
    ``is_raw_text``: what it holds is text until its end tag.
    """

    name: str
    language: str
    within: str
    is_raw_text: bool
    unclosed: Callable[[], None]


@dataclass(slots=True)
class _Level:
    """The raw elements open within one element that Markdown wrote.

    ``name`` is empty for the body.
    """

    name: str = ""
    in_select: bool = False
    elements: list[_Element] = field(default_factory=list)
    names: Counter[str] = field(default_factory=Counter)

    @property
    def within(self) -> str:
        return self.elements[-1].within if self.elements else ""

    @property
    def in_raw_text(self) -> bool:
        return bool(self.elements) and self.elements[-1].is_raw_text

    def push(self, element: _Element) -> None:
        self.elements.append(element)
        self.names[element.name] += 1

    def end(self, closer: str) -> str:
        """End the innermost element, for that around it ends, or else ``closer``.

        The end tag is empty where HTML lets it be left out.
        """
        element = self.elements.pop()
        self.names[element.name] -= 1
        if self.elements:
            closer = self.elements[-1].name
        if element.name in _OPTIONAL_END and closer in _ENDS_OTHERS:
            return ""
        element.unclosed()
        return f"</{element.name}>"

    def break_out(self, name: str) -> str:
        """End the drawing or formula that the start tag of ``name`` ends."""
        ended = ""
        while name in _BREAKS_OUT and self.within:
            ended += self.end("")
        return ended

    def end_all(self, closer: str) -> str:
        return "".join(self.end(closer) for _ in range(len(self.elements)))


class Balance:
    """The elements that are open at a point of a body.

    Those of raw HTML are within those that Markdown wrote. The caller goes through the body's elements and fragments in
    order; the methods say what must be written to keep each raw element
    within the element of Markdown that it began in, and all of them within the body.
    """

    def __init__(self) -> None:
        self._levels = [_Level()]

    def meet(self, name: str) -> str:
        """The end tags before an element of Markdown that holds none."""
        return self._levels[-1].break_out(name)

    def enter(self, name: str) -> str:
        """Begin an element of Markdown: the end tags to write before it."""
        level = self._levels[-1]
        before = level.break_out(name)
        self._levels.append(_Level(name, level.in_select or level.names["select"] > 0))
        return before

    def leave(self) -> str:
        """End an element of Markdown: the end tags to write before its own."""
        level = self._levels.pop()
        return level.end_all(level.name)

    def finish(self) -> str:
        """End the body: the end tags that are missing."""
        return "".join(self._levels.pop().end_all("div") for _ in range(len(self._levels)))

    def fragment(self, text: str, visitor: FragmentVisitor, whole: bool) -> str:
        """Write a fragment without stray tags, and complete what is cut off.

        ``whole``: a block of its own, so what it begins and a browser would read as text, as in ``<textarea>``, must
        end in it; otherwise a tag among Markdown's inline text.
        """
        level = self._levels[-1]
        out: list[str] = []
        copied = at = 0
        while True:
            at = _end_of_text(text, at, level.elements[-1].name) if level.in_raw_text else text.find("<", at)
            if at < 0:
                break
            node = read_node(text, at, bool(level.elements) and level.elements[-1].language != "")
            if node is None:
                at += 1
                continue
            if isinstance(node, Comment):
                at = node.end
                continue
            if isinstance(node, Unfinished):
                visitor.fault(at, len(text), f"unfinished {node.what} in raw HTML", "it would take in what follows it")
                out.append(text[copied:at] + _finished(text[at:], node))
                return "".join(out)
            written = _end_tag(node, level, visitor) if node.is_end else _start_tag(text, node, level, visitor)
            if written is not None:
                out += (text[copied : node.start], written)
                copied = node.end
            at = node.end
        out.append(text[copied:])
        if whole and level.in_raw_text:
            # A comment hides the end of a script.
            out += ("-->" if level.elements[-1].name == "script" and "<!--" in text else "", level.end(""))
        return "".join(out)


def _end_of_text(text: str, at: int, name: str) -> int:
    """Where the end tag of an element that holds only text begins.

    It is -1 when there is none. In a comment within a script, a further ``<script>`` has to be ended first.
    """
    marks = re.compile(rf"<!--|-->|<(/?){name}(?=[{_SPACE}/>])", re.IGNORECASE)
    in_comment = in_inner = False
    for mark in marks.finditer(text, at):
        if mark[0] == "-->":
            in_comment = in_inner = False
        elif mark[0] == "<!--":
            in_comment = name == "script"
        elif mark[1] and not in_inner:
            return mark.start()
        else:
            in_inner = in_comment and not mark[1]
    return -1


def _start_tag(text: str, tag: Tag, level: _Level, visitor: FragmentVisitor) -> str | None:
    """What to write for a start tag; None when it is right as it is."""
    name = tag.name
    visitor.tag(tag)
    if name in _PAGE_ELEMENTS:
        visitor.fault(tag.start, tag.end, f"'<{name}>' has no place within a post")
        return ""
    if name in _RAW_TEXT and name != "script" and (level.in_select or level.names["select"]):
        visitor.fault(tag.start, tag.end, f"'<{name}>' has no place within a '<select>'")
        return ""
    written = _rewritten(text, tag, visitor)
    before = level.break_out(name)
    while level.elements and level.elements[-1].name in _FOLLOWS.get(name, ()):
        level.names[level.elements.pop().name] -= 1
    language = name if name in _HTML_WITHIN else level.within
    after = ""
    if tag.closed if language else name in VOID:
        pass
    elif tag.closed:
        visitor.fault(tag.start, tag.end, f"'<{name}/>' does not end the element in HTML", f"write <{name}></{name}>")
        after = f"</{name}>"
    else:
        hint = "" if language or "-" in name or name in _ELEMENTS else "if it is text, write it as code or '<' as '\\<'"
        level.push(
            _Element(
                name,
                language,
                "" if language and name in _HTML_WITHIN[language] else language,
                not language and name in _RAW_TEXT,
                lambda: visitor.fault(tag.start, tag.end, f"'<{name}>' is not closed", hint),
            )
        )
    if not before and not after:
        return written
    return before + (text[tag.start : tag.end] if written is None else written) + after


def _end_tag(tag: Tag, level: _Level, visitor: FragmentVisitor) -> str | None:
    """What to write for an end tag; None when it is right as it is."""
    if not level.names[tag.name]:
        visitor.fault(tag.start, tag.end, f"'</{tag.name}>' closes nothing")
        return ""
    missing = ""
    while level.elements[-1].name != tag.name:
        missing += level.end("")
    level.names[level.elements.pop().name] -= 1
    return missing + f"</{tag.name}>" if missing else None


def _finished(text: str, node: Unfinished) -> str:
    """A comment with its end; a tag as the text that it is."""
    ends = {"comment": "-->", "CDATA section": "]]>", "declaration": ">"}
    return text + ends[node.what] if node.what in ends else escape(text, quote=False)


def _rewritten(text: str, tag: Tag, visitor: FragmentVisitor) -> str | None:
    out: list[str] = []
    copied = tag.start
    for attribute in tag.attributes:
        written = visitor.attribute(tag, attribute)
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
    """The words of a fragment, and those of its ``<pre>`` elements.

    They are without tags, comments, scripts and styles.
    """
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
