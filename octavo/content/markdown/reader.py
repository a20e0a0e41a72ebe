"""Reads the body of a post: its HTML, and all that the site asks of it.

That is its sections, links, ids, words, excerpt and faults.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol, TypeVar

from markdown_it.token import Token

from octavo.base.diagnostics import Diagnostic, Span
from octavo.base.shortage import raise_if_shortage
from octavo.content.markdown import excerpt, shortcodes
from octavo.content.markdown.body_problems import check_fence, report_notes
from octavo.content.markdown.heading_ids import PREFIX, BodyIds
from octavo.content.markdown.html_policy import Fragments, Policy
from octavo.content.markdown.html_renderer import (
    FIRST,
    PICTURE,
    footnote_id,
    footnote_use_id,
    image_attributes,
)
from octavo.content.markdown.inline import Piece, pieces_of, plain_html, text_of
from octavo.content.markdown.links import REF_BEGIN, REF_END, AddressUses, FileProblems, replace_marks
from octavo.content.markdown.parser import ATTRIBUTES, NOTES_KEY, RANGE_KEY, Parser, ParserNotes, make_parser
from octavo.content.markdown.positions import BodyPlaces, place_cells
from octavo.content.markdown.raw_html import text_in
from octavo.model.documents import Body, Heading, LinkUse, Summary
from octavo.model.extensions import Extensions

T = TypeVar("T")

_NO_EXTENSIONS = Extensions()


@dataclass(frozen=True, slots=True)
class BodySource:
    """The body of the post at ``path``.

    The lines of ``text`` end with LF; ``first_line`` is the number in the file of the first of them.
    """

    path: str
    text: str
    first_line: int = 1


@dataclass(frozen=True, slots=True)
class ReadingOptions:
    """What the reading of a body depends on, beside the body.

    It comes from the settings, from build.py and from the front matter. ``excerpt`` is in characters; with
    ``has_cover`` an image stands above the body. With ``numbered``, each block of the HTML says in ``data-line`` on
    which line of the file it begins.
    """

    raw_html: Policy = "allow"
    excerpt: int = 200
    extensions: Extensions = _NO_EXTENSIONS
    has_cover: bool = False
    numbered: bool = False


@dataclass(frozen=True, slots=True)
class Reading:
    """All that follows from a body.

    ``prose`` is its text, a line for each block, and has the ``literals``, its inline code, in it; ``code`` is the
    text of its code blocks.
    """

    summary: Summary
    body: Body
    headings: tuple[Heading, ...] = ()
    anchors: tuple[str, ...] = ()
    links: tuple[LinkUse, ...] = ()
    prose: str = ""
    literals: tuple[str, ...] = ()
    code: str = ""
    problems: tuple[Diagnostic, ...] = ()


class Once(Protocol):
    """``Ask.once``: makes a parser, and has it ready for the next body."""

    def __call__(self, make: Callable[..., T], /, *args: Hashable) -> T: ...


_REF = re.compile(f"{REF_BEGIN}(\\d+){REF_END}")
_MORE = re.compile(r"\s*<!--\s*more\s*-->\s*", re.IGNORECASE)


def read(source: BodySource, options: ReadingOptions, once: Once) -> Reading:
    """Read one body.

    Its faults are among ``problems``, at their places in the file; none is raised. Problems with the code ``link`` are
    those that ``--allow-broken-links`` makes warnings: what they name is not a link in the HTML, but text.
    """
    parser = once(make_parser, options.extensions)
    reader = _Reader(source, options, parser)
    tokens = reader.blocks(reader.parse())
    headings = reader.headings(tokens)
    reader.uses.link_prefixed_ids(reader.ids)
    html = reader.fragments.finish(parser.renderer.render(tokens, parser.options, reader.environment))
    parts = _REF.split(html)
    # A site's own rule may write a token twice or not at all, so the references are those that were written.
    refs = tuple(reader.uses.refs[int(number)] for number in parts[1::2])
    prose, code = "\n".join(reader.text.prose), "".join(reader.text.code)
    words, characters = excerpt.count_words(prose)
    minutes = excerpt.count_minutes(words, characters, sum(1 for line in code.split("\n") if line.strip()))
    excerpt_html, excerpt_text = _excerpt(tokens, reader.more, options.excerpt)
    return Reading(
        summary=Summary(excerpt_html, excerpt_text, minutes),
        body=Body(tuple(parts[::2]), refs, words + characters),
        headings=headings,
        anchors=reader.ids.names(),
        links=tuple(reader.uses.links),
        prose=prose,
        literals=tuple(reader.text.literals),
        code=code,
        problems=tuple(reader.faults.problems),
    )


class _BodyText:
    """The text of one body, in its order: words, inline code and code blocks."""

    def __init__(self) -> None:
        self.prose: list[str] = []
        self.literals: list[str] = []
        self.code: list[str] = []

    def add_prose(self, text: str) -> None:
        line = " ".join(text.split())
        if line:
            self.prose.append(line)

    def add_code(self, text: str) -> None:
        if text:
            self.code.append(text if text.endswith("\n") else text + "\n")


class _Reader:
    """Makes the tokens of one body what is to be written.

    On the way it collects the body's text, ids, addresses and faults. It goes through the tokens once and in order, for
    ids are assigned, and raw HTML is balanced, in the order of the text.
    """

    def __init__(self, source: BodySource, options: ReadingOptions, parser: Parser) -> None:
        self._parser = parser
        self._extensions = options.extensions
        self._numbered = options.numbered
        self._markdown = replace_marks(source.text)
        self._places = BodyPlaces(tuple(self._markdown.split("\n")), source.first_line)
        self._shortcodes = {extension.name: extension for extension in options.extensions.shortcodes}
        self._has_raw = False
        self._has_title = False
        self._has_image = options.has_cover
        self.environment: dict[str, object] = {NOTES_KEY: ParserNotes()}
        self.faults = FileProblems(source.path)
        self.uses = AddressUses(source.path, self.faults)
        self.ids = BodyIds()
        self.fragments = Fragments(options.raw_html, self.faults, self.uses, self.ids)
        self.text = _BodyText()
        self.more: int | None = None

    def parse(self) -> list[Token]:
        """The tokens of the body, of which none is worked on yet."""
        try:
            tokens = self._parser.parse(self._markdown, self.environment)
        except Exception as fault:
            raise_if_shortage(fault)
            if not self._extensions.markdown:
                raise
            # Only the site's own additions to the parser raise; which of them did, the parser does not say.
            names = ", ".join(repr(extension.name) for extension in self._extensions.markdown)
            message = f"Markdown cannot be read with {names} of build.py: {type(fault).__name__}: {fault}"
            self.faults.error(None, "markdown", message)
            return []
        report_notes(self.environment, self._places, self.faults)
        place_cells(tokens, self._places.lines)
        return tokens

    def blocks(self, tokens: list[Token]) -> list[Token]:
        """The tokens to be written.

        Where raw HTML is out of balance, they have the end tags that it lacks.
        """
        self._has_raw = any(map(_is_raw, tokens))
        out: list[Token] = []
        for token in tokens:
            kind = token.type
            if kind == "inline":
                caption = _caption(token, out)
                self._inline(token)
                out.append(token)
                if caption is not None:
                    self.text.add_prose(caption)
                    out.append(Token("figcaption", "", 0, content=caption))
                continue
            if kind == "paragraph_close" and out[-1].type == "figcaption":
                token.tag = "figure"
            if kind == "fence":
                self.text.add_code(token.content)
                check_fence(token, self._places, self.faults)
            elif kind == "code_block":
                self.text.add_code(token.content)
            elif kind == "html_block":
                self._html_block(token, len(out))
            elif kind == "shortcode":
                self._shortcode(token)
            elif kind == "heading_open" and token.tag == "h1" and not self._has_title:
                self._has_title = True
                self.faults.warn(
                    self._places.of_block(token), "heading", "the title is the page's h1", "begin sections with '##'"
                )
            elif kind == "footnote_open":
                self.ids.reserve(footnote_id(token))
            if token.attrs or token.meta:
                self._attributes(token, token)
            if self._has_raw:
                self._nest(token, out)
            if self._numbered and token.map and token.nesting >= 0:
                token.attrs["data-line"] = self._places.first + token.map[0]
            out.append(token)
        return out

    def headings(self, tokens: list[Token]) -> tuple[Heading, ...]:
        """The sections with their ids.

        Ids that were written stand already, so those made of titles make way.
        """
        headings: list[Heading] = []
        opened: Token | None = None
        children: list[Token] = []
        for token in tokens:
            if token.type == "heading_open":
                opened, children = token, []
            elif token.type == "inline" and opened is not None:
                children = token.children or []
            elif token.type == "heading_close" and opened is not None:
                if "id" not in opened.attrs:
                    opened.attrs["id"] = self.ids.assign_for(text_of(children))
                token.meta["id"] = name = str(opened.attrs["id"])
                headings.append(Heading(int(token.tag[1:]), name, plain_html(children)))
                opened = None
        return tuple(headings)

    def _place(self, token: Token, block: Token) -> Span:
        """The place of an inline token; of its block when it is not known."""
        return (
            self._places.within(block, *token.meta[RANGE_KEY])
            if RANGE_KEY in token.meta
            else self._places.of_block(block)
        )

    def _nest(self, token: Token, out: list[Token]) -> None:
        """Write the end tags that raw HTML needs before a tag of Markdown."""
        balance = self.fragments.balance
        if token.hidden or not token.tag:
            return
        if token.nesting == 0:
            ends = balance.meet(token.tag)
        else:
            ends = balance.enter(token.tag) if token.nesting > 0 else balance.leave()
        if ends:
            out.append(Token("html_inline", "", 0, content=ends))

    def _attributes(self, token: Token, block: Token) -> None:
        """Attributes in braces, and the alignment of a cell as a class."""
        style = token.attrs.get("style")
        if isinstance(style, str) and token.type in ("td_open", "th_open"):
            del token.attrs["style"]
            token.attrs["class"] = "align-" + style.removeprefix("text-align:")
        for name in token.meta.get("insecure_attrs", ()):
            message = f"no attribute '{name}' in braces"
            self.faults.warn(self._place(token, block), "attribute", message, f"there are {', '.join(ATTRIBUTES)}")
        if "role" in token.attrs:
            del token.attrs["role"]
            message = "only an image has a 'role' in braces, and only that of 'presentation'"
            self.faults.warn(self._place(token, block), "attribute", message)
        if "id" not in token.attrs:
            return
        written = str(token.attrs["id"])
        token.attrs["id"] = unique = self.ids.assign(written)
        if unique != written:
            why = "is a name that scripts use" if unique == PREFIX + written else "is given twice"
            self.faults.warn(
                self._place(token, block), "id", f"the id '{written}' {why}, so this one is now '{unique}'"
            )

    def _html_block(self, token: Token, index: int) -> None:
        if self.more is None and _MORE.fullmatch(token.content):
            self.more = index
        prose, code = text_in(token.content)
        self.text.add_prose(prose)
        self.text.add_code(code)
        # Problems with elements that stay open are placed much later, when this token's text is another: a copy has it.
        written = Token("html_block", "", 0, content=token.content, map=token.map)
        token.content = self.fragments.of_author(
            token.content, lambda start, end: self._places.within(written, start, end), whole=True
        )

    def _html_inline(self, token: Token, block: Token) -> None:
        at = token.meta[RANGE_KEY][0] if RANGE_KEY in token.meta else 0
        token.content = self.fragments.of_author(
            token.content, lambda start, end: self._places.within(block, at + start, at + end), whole=False
        )

    def _shortcode(self, token: Token) -> None:
        span = self._places.of_block(token)
        body, token.content = token.content, ""
        if not token.meta["closed"]:
            hint = "end it with ':::' on a line of its own"
            self.faults.error(span, "shortcode", f"shortcode '{token.info}' is not closed", hint)
            return
        try:
            html = shortcodes.call(self._shortcodes, token.info, token.meta["arguments"], body)
        except shortcodes.ShortcodeFailure as failure:
            self.faults.error(span, "shortcode", failure.message, failure.hint)
            return
        token.content = self.fragments.of_site(html.rstrip() + "\n", span)

    def _inline(self, block: Token) -> None:
        children = block.children or []
        self.text.add_prose(text_of(children))
        out: list[Token] = []
        for index, token in enumerate(children):
            kind = token.type
            if kind == "text":
                out.append(token)
                continue
            if kind == "code_inline":
                self.text.literals.append(token.content)
            elif kind == "link_open":
                self._link(children, index, block)
            elif kind == "image":
                token = self._image(token, block)
            elif kind == "html_inline":
                self._html_inline(token, block)
            elif kind == "footnote_ref":
                self.ids.reserve(footnote_use_id(token))
            elif kind == "s_open" or kind == "s_close":
                token.tag = "del"
            if token.attrs or "insecure_attrs" in token.meta:
                self._attributes(token, block)
            if kind == "image" and PICTURE in token.meta:
                token.meta[PICTURE] = self.uses.picture(token.meta[PICTURE], image_attributes(token))
            if self._has_raw:
                self._nest(token, out)
            out.append(token)
        block.children = out

    def _link(self, children: list[Token], index: int, block: Token) -> None:
        token = children[index]
        end = index + 1
        while children[end].type != "link_close":
            end += 1
        span = self._place(token, block)
        href = str(token.attrs.get("href", ""))
        if not href:
            self.faults.warn(span, "link", "this link leads nowhere", "write an address between the parentheses")
        written = self.uses.link(href, span, text_of(children[index + 1 : end]), token)
        if written:
            token.attrs["href"] = written
        elif written is not None:
            token.hidden = children[end].hidden = True

    def _image(self, token: Token, block: Token) -> Token:
        text = text_of(token.children or ())
        place = self._place(token, block)
        written = self.uses.file(str(token.attrs.get("src", "")), place, True, text)
        if written is not None and not written:
            return Token("text", "", 0, content=text)
        token.meta[FIRST] = not self._has_image
        self._has_image = True
        role = token.attrs.get("role")
        if role in ("presentation", "none"):
            # An empty text says the same of an image, in the words of HTML.
            del token.attrs["role"]
            token.children = []
        elif not text.strip():
            hint = "write between the brackets what it shows, or {role=presentation} behind it where it only decorates"
            self.faults.warn(place, "alt", "this image has no text for those who cannot see it", hint)
        if written:
            token.attrs["src"] = token.meta[PICTURE] = written
        return token


def _caption(block: Token, out: list[Token]) -> str | None:
    """Take the title of an image that is, linked or not, a whole paragraph.

    The paragraph, the last of ``out``, becomes a figure.
    """
    children = block.children or []
    if len(children) == 3 and children[0].type == "link_open" and children[2].type == "link_close":
        children = children[1:2]
    if len(children) != 1 or children[0].type != "image" or not out or out[-1].type != "paragraph_open":
        return None
    if out[-1].hidden or not str(children[0].attrs.get("title", "")).strip():
        return None
    out[-1].tag = "figure"
    return str(children[0].attrs.pop("title"))


def _is_raw(token: Token) -> bool:
    if token.type == "inline":
        return any(child.type == "html_inline" for child in token.children or ())
    return token.type == "html_block" or token.type == "shortcode"


def _excerpt(tokens: list[Token], more: int | None, length: int) -> tuple[str, str]:
    """The excerpt as HTML and as text.

    It is all paragraphs above the mark; without a mark the first that stand in nothing else, or the first of any.
    """
    if more is not None:
        return excerpt.make_excerpt(_paragraphs(tokens[:more]), None)
    html, text = excerpt.make_excerpt(_paragraphs(tokens, level=0), length)
    return (html, text) if text else excerpt.make_excerpt(_paragraphs(tokens), length)


def _paragraphs(tokens: Iterable[Token], level: int | None = None) -> Iterator[Iterable[Piece]]:
    """The inline content of paragraphs, up to the footnotes.

    ``level`` is the one level at which they stand; None is any.
    """
    inside = False
    for token in tokens:
        if token.type == "footnote_block_open":
            return
        if token.type == "inline" and inside:
            yield pieces_of(token.children or ())
        inside = token.type == "paragraph_open" and level in (None, token.level)
