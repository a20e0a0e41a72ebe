"""Markdown's tokens as HTML: the markup that style sheets can count on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml, unescapeAll
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

from octavo.content.markdown.highlight import highlight
from octavo.content.markdown.inline import text_of
from octavo.images.variants import img

PICTURE, FIRST = "picture", "first"
"""Keys in the ``meta`` of an image: what to write for the whole of it, and whether it is the first of its body."""

_WORD = re.compile(r"""([A-Za-z_][\w-]*)=(?:"([^"]*)"|'([^']*)'|(\S*))|\S+""")


class FenceInfo(NamedTuple):
    """What the first line of a fenced block says.

    ``title`` stands above the block, ``marked`` are the numbers of the lines to mark, ``first`` is the number of the
    first line where lines are numbered.
    """

    language: str = ""
    title: str = ""
    marked: frozenset[int] = frozenset()
    first: int | None = None


def read_info(info: str) -> FenceInfo:
    """Read the first line of a fence: a language, then words in any order.

    Such as ``python title="app.py" lines="2 4-5" numbers``; all other words are ignored.
    """
    language, title = "", ""
    marked: frozenset[int] = frozenset()
    first: int | None = None
    for index, word in enumerate(_WORD.finditer(unescapeAll(info))):
        value = word[2] or word[3] or word[4] or ""
        if word[1] == "title":
            title = value
        elif word[1] == "lines":
            marked = _line_numbers(value)
        elif index and word[0] == "numbers":
            first = 1
        elif word[1] == "numbers" and re.fullmatch(r"\d{1,5}", value, re.ASCII):
            first = int(value)
        elif index == 0 and word[1] is None:
            # Other tools have more in this word: ``rust,no_run``, ``js{1,3}``.
            language = re.split("[,{]", word[0])[0]
    return FenceInfo(language, title, marked, first)


def _line_numbers(text: str) -> frozenset[int]:
    """Read ``2 4-5`` or ``2,4-5`` as numbers below 100,000; ignore the rest."""
    numbers: set[int] = set()
    for first, last in re.findall(r"(?<![\d-])(\d{1,5})(?:-(\d{1,5}))?(?![\d-])", text):
        numbers.update(range(int(first), int(last or first) + 1))
    return frozenset(numbers)


class Writer(RendererHTML):
    """The renderer of a parser.

    A rule of a site's own ``markdown`` function takes the place of one of these.
    """

    @staticmethod
    def take_over(md: MarkdownIt) -> None:
        """Put these rules in the place of those that plugins brought."""
        writer = md.renderer
        assert isinstance(writer, Writer)
        writer.rules.update(Writer(md).rules)

    def render(self, tokens: Sequence[Token], options: OptionsDict, env: EnvType) -> str:
        out: list[str] = []
        rules, plain = self.rules, self.renderToken
        for index, token in enumerate(tokens):
            kind = token.type
            if kind == "inline":
                if token.children:
                    out.append(self.renderInline(token.children, options, env))
            else:
                rule = rules.get(kind)
                out.append(rule(tokens, index, options, env) if rule else plain(tokens, index, options, env))
        return "".join(out)

    def renderInline(self, tokens: Sequence[Token], options: OptionsDict, env: EnvType) -> str:
        out: list[str] = []
        rules, plain = self.rules, self.renderToken
        for index, token in enumerate(tokens):
            rule = rules.get(token.type)
            out.append(rule(tokens, index, options, env) if rule else plain(tokens, index, options, env))
        return "".join(out)

    def renderToken(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """Write a tag.

        A block ends with a line feed unless text, or its own end, follows.
        """
        token = tokens[idx]
        if token.hidden:
            return ""
        nesting = token.nesting
        attributes = self.renderAttrs(token) if token.attrs else ""
        if nesting < 0:
            return f"</{token.tag}{attributes}>\n" if token.block else f"</{token.tag}{attributes}>"
        if nesting == 0 and options["xhtmlOut"]:
            attributes += " /"
        if not token.block:
            return f"<{token.tag}{attributes}>"
        before = "\n" if idx and tokens[idx - 1].hidden else ""
        after = "\n"
        if nesting > 0 and idx + 1 < len(tokens):
            follows = tokens[idx + 1]
            if follows.type == "inline" or follows.hidden or (follows.nesting < 0 and follows.tag == token.tag):
                after = ""
        return f"{before}<{token.tag}{attributes}>{after}"

    @staticmethod
    def renderAttrs(token: Token) -> str:
        return "".join(f' {escapeHtml(name)}="{escapeHtml(str(value))}"' for name, value in token.attrs.items())

    def heading_close(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """Write the end of a heading, before it the link to its section.

        The link is hidden from screen readers, so that the heading's name stays what its author wrote, and from the Tab
        key: the table of contents links to the same places.
        """
        end = self.renderToken(tokens, idx, options, env)
        name = tokens[idx].meta.get("id")
        if name is None:
            return end
        return f' <a class="anchor" href="#{escape(name)}" aria-hidden="true" tabindex="-1"></a>{end}'

    def table_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """A wide table scrolls in a box of its own, which the keyboard can reach."""
        return '<div class="table" tabindex="0">\n' + self.renderToken(tokens, idx, options, env)

    def table_close(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return self.renderToken(tokens, idx, options, env) + "</div>\n"

    def th_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """Write a header cell, or a plain one for the empty corner of a table.

        The corner is no header of anything, and a screen reader must not announce one.
        """
        if not tokens[idx + 1].content.strip():
            tokens[idx].tag = tokens[idx + 2].tag = "td"
        return self.renderToken(tokens, idx, options, env)

    def image(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        """Write an image.

        One of the site is an element that is made when the page is; all others are as they were written.
        """
        token = tokens[idx]
        if PICTURE in token.meta:
            return str(token.meta[PICTURE])
        return img({"src": str(token.attrs.get("src", "")), **image_attributes(token)})

    def figcaption(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return f"<figcaption>{escape(tokens[idx].content, quote=False)}</figcaption>"

    def list_item_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        token = tokens[idx]
        html = self.renderToken(tokens, idx, options, env)
        if "checked" not in token.meta:
            return html
        state, label = (" checked", "Completed task") if token.meta["checked"] else ("", "Open task")
        return f'{html}<input type="checkbox" class="task" disabled{state} aria-label="{label}"> '

    def alert_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        tokens[idx].attrs.setdefault("role", "note")
        return self.renderToken(tokens, idx, options, env)

    def fence(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        token = tokens[idx]
        info = read_info(token.info)
        return _code(token, highlight(token.content, info.language, info.marked), info)

    def code_block(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return _code(tokens[idx], escape(tokens[idx].content, quote=False), FenceInfo())

    def shortcode(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return tokens[idx].content

    def footnote_ref(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        number, _ = _footnote(tokens[idx])
        return (
            f'<sup class="footnote-ref"><a href="#{footnote_id(tokens[idx])}" id="{footnote_use_id(tokens[idx])}" '
            f'role="doc-noteref" aria-label="Footnote {number}">{number}</a></sup>'
        )

    def footnote_block_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return '<section class="footnotes" role="doc-endnotes" aria-label="Footnotes">\n<ol>\n'

    def footnote_block_close(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return "</ol>\n</section>\n"

    def footnote_open(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return f'<li id="{footnote_id(tokens[idx])}">'

    def footnote_close(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        return "</li>\n"

    def footnote_anchor(self, tokens: Sequence[Token], idx: int, options: OptionsDict, env: EnvType) -> str:
        number, use = _footnote(tokens[idx])
        label = f"Back to the text at footnote {number}" + (f", use {use}" if use > 1 else "")
        # The arrow is followed by a mark that keeps it from being shown as an emoji.
        return (
            f' <a class="footnote-back" href="#{footnote_use_id(tokens[idx])}" role="doc-backlink" '
            f'aria-label="{label}">\u21a9\ufe0e</a>'
        )


def image_attributes(token: Token) -> dict[str, str]:
    """The attributes of an image's element but for its address.

    The first image of a body is not loaded late.
    """
    attributes = {"alt": text_of(token.children or ())}
    attributes |= {name: str(value) for name, value in token.attrs.items() if name not in ("src", "alt")}
    if not token.meta.get(FIRST):
        attributes.setdefault("loading", "lazy")
    attributes.setdefault("decoding", "async")
    return attributes


def _footnote(token: Token) -> tuple[int, int]:
    """The number of a footnote and of its use, both from 1."""
    return token.meta["id"] + 1, token.meta.get("subId", 0) + 1


def footnote_id(token: Token) -> str:
    """The id of a footnote."""
    return f"fn-{_footnote(token)[0]}"


def footnote_use_id(token: Token) -> str:
    """The id of the mark at which a footnote is used."""
    number, use = _footnote(token)
    return f"fnref-{number}" if use == 1 else f"fnref-{number}-{use}"


def _code(token: Token, html: str, info: FenceInfo) -> str:
    """A block of code scrolls in itself, and the keyboard can reach it."""
    attributes = {**token.attrs}
    names = ("highlight", "numbered" if info.first is not None else "", str(attributes.get("class", "")))
    attributes["class"] = " ".join(filter(None, names))
    written = "".join(f' {name}="{escape(str(value))}"' for name, value in attributes.items())
    language = f' class="language-{escape(info.language)}"' if info.language else ""
    numbers = "" if info.first is None else _numbers(info.first, token.content)
    block = f'<pre{written} tabindex="0">{numbers}<code{language}>{html}</code></pre>\n'
    if not info.title:
        return block
    return f'<figure class="code"><figcaption>{escape(info.title)}</figcaption>{block.rstrip()}</figure>\n'


def _numbers(first: int, code: str) -> str:
    """The numbers of the lines: they are neither read aloud nor copied."""
    lines = code.count("\n") + (not code.endswith("\n"))
    numbers = "\n".join(map(str, range(first, first + lines)))
    return f'<span class="numbers" aria-hidden="true">{numbers}</span>'
