"""The rules of Markdown are tried at fewer places than markdown-it tries them; its tokens are the measure."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.parser_inline import ParserInline
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markdown_it.utils import EnvType
from mdit_py_plugins.deflist import deflist_plugin
from mdit_py_plugins.gfm import gfm_plugin

from octavo.content.markdown.parser import MAX_NESTED_BLOCKS, MAX_NESTED_BRACKETS, NOTES_KEY, ParserNotes, make_parser
from octavo.model.extensions import Extension, Extensions


class Inline(ParserInline):
    """The library's parser with our limit on brackets."""

    def parse(self, src: str, md: MarkdownIt, env: EnvType, tokens: list[Token]) -> list[Token]:
        state = StateInline(src, md, env, tokens)
        state.level = MAX_NESTED_BLOCKS - MAX_NESTED_BRACKETS
        self.tokenize(state)
        for rule in self.ruler2.getRules(""):
            rule(state)
        return state.tokens


LIBRARY = MarkdownIt("commonmark", {"maxNesting": MAX_NESTED_BLOCKS})
LIBRARY.inline = Inline()
LIBRARY.configure("commonmark", {"maxNesting": MAX_NESTED_BLOCKS}).use(gfm_plugin).use(deflist_plugin)
OURS = make_parser(Extensions())

WORDS = r"""
    a b * ** _ ~ ~~ ` `` [ ] ( ) ](/u) ![ ! < > <b> </b> <!-- --> &amp; & \ \* www.a.bc w http://a.b/c https: a@b.cd é ’
    mailto:a@b.cd [a] # = === - --- + 1. 1) 2. ``` ~~~ <http://x.y> "t" | |---|
"""
BLANKS = (" ", "  ", "\t", "\n", "\n", "\n\n", "\n    ", "  \n", ": ", "- ", "> ", "1. ", "# ")
LINES = ("\n[a]: /u\n", "\n| a | b |\n", "\n> [!NOTE]\n", "\n- [ ] ", "\n# b #\n")
PARTS = st.sampled_from([*WORDS.split(), *BLANKS, *LINES])


def tokens(parser: MarkdownIt, text: str) -> list[Any]:
    """Tokens without ``meta``, where ours say more."""
    return [
        token.as_dict(meta_serializer=lambda meta: None) for token in parser.parse(text, {NOTES_KEY: ParserNotes()})
    ]


@given(st.lists(PARTS, max_size=40).map("".join))
def test_tokens_are_those_of_the_library(text: str) -> None:
    assert tokens(OURS, text) == tokens(LIBRARY, text)


@pytest.mark.parametrize(
    "text",
    [
        "a\r\nb\rc\n\r# d\0e",
        "a\n===\n\n> b\n> ---\n\n- c\n  ===\n",
        "a | b\n--|--\n1 | 2\n\n> | a |\n> |---|\n> | b |\n",
        "term\n\n: definition\n\n  more\n",
        "- a\n\n\tb\n  - c\n      d\n",
        "one  \ntwo \n   three\\\nfour",
        "* * *\n+ a\n* b\n1. c\n3. d\n",
        "[a\nb]: /u\n'title'\n\n[a b] and [a b][]\n",
        "x\n   ",
        "   ",
        "- [ ]  ",
        "\t",
    ],
)
def test_lines_are_blocks_as_in_the_library(text: str) -> None:
    assert tokens(OURS, text) == tokens(LIBRARY, text)


def sign(state: StateInline, silent: bool) -> bool:
    if state.src[state.pos] != "§":
        return False
    if not silent:
        state.push("text", "", 0).content = "section "
    state.pos += 1
    return True


def added(function: Any) -> MarkdownIt:
    return make_parser(Extensions(markdown=(Extension("added", b"", function),)))


def test_a_rule_that_is_not_known_is_tried_at_characters_of_its_own() -> None:
    def plug_in(md: MarkdownIt) -> None:
        md.inline.add_terminator_char("§")
        md.inline.ruler.push("sign", sign)

    html = added(plug_in).render("see §5 and [§6](/u)", {NOTES_KEY: ParserNotes()})
    assert html == '<p>see section 5 and <a href="/u">section 6</a></p>\n'


def test_a_rule_before_that_of_text_is_tried_everywhere() -> None:
    html = added(lambda md: md.inline.ruler.before("text", "sign", sign)).render(
        "§1 *and*§", {NOTES_KEY: ParserNotes()}
    )
    assert html == "<p>section 1 <em>and</em>section </p>\n"


def test_a_rule_that_replaces_one_may_begin_elsewhere() -> None:
    def plug_in(md: MarkdownIt) -> None:
        md.inline.add_terminator_char("§")
        md.inline.ruler.at("entity", sign)

    assert (
        added(plug_in).render("§1 &amp; *b*", {NOTES_KEY: ParserNotes()}) == "<p>section 1 &amp;amp; <em>b</em></p>\n"
    )


def test_an_added_rule_that_stays_where_it_is_is_a_fault() -> None:
    with pytest.raises(RuntimeError):
        added(lambda md: md.inline.ruler.push("stuck", lambda state, silent: True)).render(
            "a=b", {NOTES_KEY: ParserNotes()}
        )
