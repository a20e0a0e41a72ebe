"""The parser of the Markdown that posts are written in.

That is CommonMark, GitHub's additions, definition lists, attributes and shortcodes.

Inline tokens of markdown-it carry no position. The rules here wrap the library's own and keep, in ``meta[AT]``, where
in its block each link, image, footnote mark and raw tag stands. What only a rule can see, such as nesting that the
parser gives up on, is noted in the environment of the parse (``NOTES_KEY``).

What of markdown-it-py and its plugins is private, and used here, is said at its place.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import pairwise
from types import SimpleNamespace
from typing import Any, NamedTuple

from markdown_it import MarkdownIt, helpers
from markdown_it.common.utils import normalizeReference
from markdown_it.rules_block import StateBlock
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markdown_it.utils import EnvType
from mdit_py_plugins.attrs import attrs_block_plugin, attrs_plugin

# Private: the plugin offers its rules only, and these for the braces at the end of a heading. An ImportError notices.
from mdit_py_plugins.attrs.parse import ParseError
from mdit_py_plugins.attrs.parse import parse as parse_attributes
from mdit_py_plugins.deflist import deflist_plugin
from mdit_py_plugins.gfm import gfm_plugin

from octavo.content.markdown import fast_rules
from octavo.content.markdown.fast_rules import (
    BLOCK_FIRSTS,
    INLINE_FIRSTS,
    BlockRule,
    FastBlocks,
    InlineRule,
    Inlines,
    newline,
)
from octavo.content.markdown.html_renderer import Writer
from octavo.model.extensions import Extensions

MAX_NESTED_BLOCKS = 100
"""How many blocks may be nested; a list takes two. Each costs up to four of Python's thousand frames."""

MAX_NESTED_BRACKETS = 12
"""How many brackets may be nested. The time for a text that is all brackets grows with this."""

ATTRIBUTES = ("id", "class", "title", "width", "height")
"""The attributes that may be written in braces."""

ROLE = "role"
"""One that may be written behind an image."""

RANGE_KEY = "at"
"""The key in a token's ``meta`` of its (start, end) in the content of its block."""

NOTES_KEY = "notes"
"""The key of the Notes in the environment of a parse."""

_FOOTNOTE = re.compile(r"\[\^[^\] \n]{1,200}\]")
_UNDEFINED = re.compile(r"\[\^([^\[\]\s]{1,200})\](?!\()")
_REFERENCE = re.compile(r"\[([^\[\]]{1,200})\]\[([^\[\]]{1,200})\]")
_LETTER = re.compile(r"[^\W\d_]")
_BRACES = re.compile(r"\{\s*(?:[.#]?[A-Za-z_][^{}%]*)\}")
_HEADING_BRACES = re.compile(r"(?:^|(?<=[ \t]))\{[ \t]*[.#][^{}%]*\}$")
_SHORTCODE = re.compile(r"(:{3,})[ \t]*([A-Za-z][\w-]*)(?:[ \t]+(.*))?$")

# An address that ends at a blank or at the parenthesis around it, without escapes or parentheses.
_PLAIN_ADDRESS = re.compile(r"[^\x00-\x20\x7f()<>\\&]+")
# An address that stays the same when it is taken apart, encoded and put together.
_NORMAL_ADDRESS = re.compile(
    r"(?:https?://[\w+-]{1,63}(?:\.[\w+-]{1,63}){0,3}(?::[0-9]+)?(?:[/?#](?:[\w;/?:@&=+$,.!~*'()#-]|%[0-9a-f]{2})*)?"
    r"|(?!//)(?:[\w;/?&=+$,.!~*'()#-]|%[0-9a-f]{2})*)",
    re.ASCII | re.IGNORECASE,
)


@dataclass(slots=True)
class MissingReference:
    """A mark without what it refers to, by its label.

    It is that of a footnote or of a link, at a place of a block.
    """

    block: Token
    start: int
    end: int
    label: str


@dataclass(slots=True)
class ParserNotes:
    """What the rules noticed in one body.

    ``block`` is the block whose inline content is being parsed. ``too_deep_lines`` are the lines, from 0, at which
    the parser left out a block; ``too_deep`` the places at which it gave up on brackets.
    """

    block: Token | None = None
    images: int = 0
    too_deep_lines: list[int] = field(default_factory=list)
    too_deep: list[tuple[Token, int]] = field(default_factory=list)
    footnotes: list[MissingReference] = field(default_factory=list)
    references: list[MissingReference] = field(default_factory=list)


class _Blocks(FastBlocks):
    """The block parser, which notes what it would leave out without a word."""

    def tokenize(self, state: StateBlock, startLine: int, endLine: int) -> None:
        if state.level >= MAX_NESTED_BLOCKS:
            line = state.skipEmptyLines(startLine)
            if line < endLine and state.sCount[line] >= state.blkIndent:
                _notes(state.env).too_deep_lines.append(line)
            state.line = endLine
            return
        super().tokenize(state, startLine, endLine)


class LibraryDestination(NamedTuple):
    """What the library's helper of that name returns."""

    ok: bool
    pos: int
    str: str


def _link_destination(string: str, pos: int, maximum: int) -> Any:
    """Parse the destination of a link, as the library's helper does.

    The helper goes through an address by character; here it does so only for those that need it.
    """
    address = _PLAIN_ADDRESS.match(string, pos, maximum)
    if address is not None and (address.end() == maximum or string[address.end()] in ") \n"):
        return LibraryDestination(True, address.end(), address[0])
    return helpers.parseLinkDestination(string, pos, maximum)


class Parser(MarkdownIt):
    """A MarkdownIt that leaves to its caller what may be linked to."""

    def validateLink(self, url: str) -> bool:
        return True

    def normalizeLink(self, url: str) -> str:
        return url if _NORMAL_ADDRESS.fullmatch(url) else super().normalizeLink(url)

    def normalizeLinkText(self, link: str) -> str:
        if "%" not in link and "xn--" not in link and _NORMAL_ADDRESS.fullmatch(link):
            return link
        return super().normalizeLinkText(link)


def make_parser(extensions: Extensions) -> Parser:
    """Make a parser, configured by the ``markdown`` functions of build.py.

    Their exceptions are passed on.
    """
    md = Parser("commonmark", renderer_cls=Writer)
    blocks, inlines = _Blocks(), Inlines(MAX_NESTED_BLOCKS - MAX_NESTED_BRACKETS)
    md.block, md.inline = blocks, inlines
    # The library's rules look their helpers up here, by these names. It has a module here, so that another in its
    # place is not foreseen: a rule that needs a helper that is not among these fails with an AttributeError.
    md.helpers = SimpleNamespace(  # type: ignore[assignment]
        parseLinkLabel=helpers.parseLinkLabel,
        parseLinkTitle=helpers.parseLinkTitle,
        parseLinkDestination=_link_destination,
    )
    md.configure("commonmark", {"maxNesting": MAX_NESTED_BLOCKS, "xhtmlOut": False})
    md.use(gfm_plugin)
    md.use(deflist_plugin)
    md.use(attrs_plugin, after=("image", "code_inline", "link_close"), allowed=(*ATTRIBUTES, ROLE))
    md.use(attrs_block_plugin, allowed=ATTRIBUTES)
    # The names of rules are no promise of the library and its plugins. Where there is none of a name, ``wrap`` and
    # ``set_firsts`` raise KeyError, and nothing can be read: every test notices.
    inline, block = inlines.ruler, blocks.ruler
    inline.wrap("newline", lambda rule: newline)
    inline.wrap("link", lambda rule: _noting_references(_placed(rule, "[")))
    inline.wrap("image", lambda rule: _image(_placed(rule, "!")))
    inline.wrap("autolink", lambda rule: _placed(rule, "<"))
    inline.wrap("html_inline", lambda rule: _placed(rule, "<"))
    inline.wrap("footnote_ref", lambda rule: _footnote(_placed(rule, "[")))
    inline.wrap("gfm_autolink_protocol", lambda rule: _after(("http", "https", "mailto", "xmpp"), rule))
    inline.wrap("attr", _inline_braces)
    inline.set_firsts(INLINE_FIRSTS)
    block.wrap("attr", _block_braces)
    block.before(
        "fence", "shortcode", _shortcode, {"alt": ["paragraph", "reference", "blockquote", "list", "footnote_def"]}
    )
    block.wrap("table", fast_rules.table)
    block.wrap("lheading", fast_rules.underlined_heading)
    block.wrap("deflist", fast_rules.definitions)
    block.wrap("paragraph", lambda rule: fast_rules.paragraph)
    block.set_firsts(BLOCK_FIRSTS)
    md.core.ruler.at("normalize", fast_rules.normalize)
    md.core.ruler.at("inline", _inline)
    md.core.ruler.before("inline", "heading_attributes", _heading_attributes)
    # After the plugins, whose rules it replaces, and before the site's own functions, which may replace any.
    Writer.take_over(md)
    for extension in extensions.markdown:
        extension.function(md)
    return md


def _notes(env: EnvType) -> ParserNotes:
    notes = env.setdefault(NOTES_KEY, ParserNotes())
    assert isinstance(notes, ParserNotes)
    return notes


def _inline(state: StateCore) -> None:
    """The library's rule of this name, which also notes the block it is in."""
    notes = _notes(state.env)
    for token in state.tokens:
        if token.type == "inline":
            notes.block = token
            token.children = []
            state.md.inline.parse(token.content, state.md, state.env, token.children)


def _placed(rule: InlineRule, first: str) -> InlineRule:
    """The rule, whose first token then says where it stands.

    ``first`` is the character the rule begins with.
    """

    def placed(state: StateInline, silent: bool) -> bool:
        start = state.pos
        if state.src[start] != first:
            return False
        if silent:
            if state.level >= MAX_NESTED_BLOCKS and first in "[!":
                notes = _notes(state.env)
                if notes.block is not None and not notes.too_deep:
                    notes.too_deep.append((notes.block, start))
            return rule(state, True)
        # A rule first flushes the text before it, which is then a token of its own.
        count = len(state.tokens) + bool(state.pending)
        if not rule(state, False):
            return False
        state.tokens[count].meta[RANGE_KEY] = (start, state.pos)
        return True

    return placed


def _image(rule: InlineRule) -> InlineRule:
    """The rule of images, which notes while it is within one.

    An alternative text is parsed as a text of its own, in which nothing has a place or is a footnote.
    """

    def image(state: StateInline, silent: bool) -> bool:
        if state.src[state.pos] != "!":
            return False
        notes = _notes(state.env)
        notes.images += 1
        try:
            return rule(state, silent)
        finally:
            notes.images -= 1

    return image


def _after(words: tuple[str, ...], rule: InlineRule) -> InlineRule:
    """The rule, where a colon follows one of the words.

    By itself it looks for them in all of the text before.
    """

    def after(state: StateInline, silent: bool) -> bool:
        start = state.pos
        return state.src[start] == ":" and state.src.endswith(words, 0, start) and rule(state, silent)

    return after


def _footnote(rule: InlineRule) -> InlineRule:
    def footnote(state: StateInline, silent: bool) -> bool:
        start = state.pos
        if not state.src.startswith("[^", start) or _FOOTNOTE.match(state.src, start) is None:
            return False
        notes = _notes(state.env)
        if notes.images and not silent:
            return False
        if rule(state, silent):
            return True
        mark = _UNDEFINED.match(state.src, start)
        if mark is not None and not silent and notes.block is not None:
            notes.footnotes.append(MissingReference(notes.block, start, mark.end(), mark[1]))
        return False

    return footnote


def _noting_references(rule: InlineRule) -> InlineRule:
    """The rule, which notes a ``[text][label]`` whose label is not defined.

    CommonMark has it as text, its author meant a link.
    """

    def link(state: StateInline, silent: bool) -> bool:
        start = state.pos
        if state.src[start] != "[":
            return False
        if rule(state, silent):
            return True
        before = state.src[start - 1 : start]
        if silent or before.isalnum() or before in ("]", ")"):
            return False
        mark = _REFERENCE.match(state.src, start)
        if mark is None or mark[1].startswith("^") or not _LETTER.search(mark[1]) or not _LETTER.search(mark[2]):
            return False
        notes = _notes(state.env)
        # Private: the key under which the library has the definitions of links, and how it normalizes labels. Without
        # them every such link would be noted, and tests/test_reader.py notices.
        is_defined = normalizeReference(mark[2]) in state.env.get("references", {})
        if not is_defined and notes.images == 0 and notes.block is not None:
            notes.references.append(MissingReference(notes.block, start, mark.end(), mark[2]))
        return False

    return link


def _inline_braces(rule: InlineRule) -> InlineRule:
    """The rule of attributes, but never for ``{{ x }}`` or ``{% x %}``.

    In a post those are text; attributes stand after an image, code or a link.
    """

    def attributes(state: StateInline, silent: bool) -> bool:
        return state.src[state.pos] == "{" and _BRACES.match(state.src, state.pos) is not None and rule(state, silent)

    return attributes


def _block_braces(rule: BlockRule) -> BlockRule:
    def attributes(state: StateBlock, startLine: int, endLine: int, silent: bool) -> bool:
        start = state.bMarks[startLine] + state.tShift[startLine]
        end = state.eMarks[startLine]
        if start >= end or state.src[start] != "{":
            return False
        if _BRACES.fullmatch(state.src[start:end].rstrip()) is None:
            return False
        return rule(state, startLine, endLine, silent)

    return attributes


def _heading_attributes(state: StateCore) -> None:
    """Give a heading the attributes of ``## Title {#id .class}``."""
    for before, token in pairwise(state.tokens):
        if before.type != "heading_open" or not token.content.endswith("}"):
            continue
        braces = _HEADING_BRACES.search(token.content)
        if braces is None:
            continue
        try:
            _, attributes = parse_attributes(braces[0])
        except ParseError:
            continue
        token.content = token.content[: braces.start()].rstrip()
        for name, value in attributes.items():
            if name not in ATTRIBUTES:
                # Where the plugin itself puts attributes that are not allowed: the reader reports both alike.
                before.meta.setdefault("insecure_attrs", {})[name] = value
            elif name == "class" and "class" in before.attrs:
                before.attrs["class"] = f"{before.attrs['class']} {value}"
            else:
                before.attrs[name] = value


def _shortcode(state: StateBlock, startLine: int, endLine: int, silent: bool) -> bool:
    """Parse ``::: name key="value"``, lines, ``:::``.

    Three colons without a name are text.
    """
    start = state.bMarks[startLine] + state.tShift[startLine]
    if not state.src.startswith(":::", start) or state.is_code_block(startLine):
        return False
    opening = _SHORTCODE.match(state.src, start, state.eMarks[startLine])
    if opening is None:
        return False
    if silent:
        return True
    line = startLine + 1
    closed = False
    while line < endLine:
        begin, end = state.bMarks[line] + state.tShift[line], state.eMarks[line]
        if begin < end and state.sCount[line] < state.blkIndent:
            break
        text = state.src[begin:end].rstrip()
        if text and text.strip(":") == "" and len(text) >= len(opening[1]) and not state.is_code_block(line):
            closed = True
            break
        line += 1
    state.line = line + closed
    token = state.push("shortcode", "", 0)
    token.info = opening[2]
    token.content = state.getLines(startLine + 1, line, state.sCount[startLine], True)
    token.meta = {"arguments": (opening[3] or "").strip(), "closed": closed}
    token.map = [startLine, state.line]
    return True
