"""Markdown's parsers, which try only those rules that can match.

markdown-it tries every rule at every place, and nearly all of them only look for the character that they begin with.
Here a rule whose first characters are known is tried at these. Any other, such as one of build.py, is tried wherever
markdown-it tries it. The tokens are the same.

This replaces the loops of the library, and so rests on private parts of it; each is said at its place. For all of them
tests/test_fast_rules.py is what notices: it compares the tokens of any text with those of the library.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, TypeVar, cast

from markdown_it import MarkdownIt, rules_core
from markdown_it import rules_inline as library
from markdown_it.common.utils import mdTrim
from markdown_it.parser_block import ParserBlock
from markdown_it.parser_inline import ParserInline
from markdown_it.ruler import Ruler
from markdown_it.rules_block import StateBlock
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.state_inline import Delimiter
from markdown_it.token import Token
from markdown_it.utils import EnvType

# The library's own names for these types are not exported.
InlineRule = Callable[[StateInline, bool], bool]
BlockRule = Callable[[StateBlock, int, int, bool], bool]
Nesting = Literal[-1, 0, 1]
Rule = TypeVar("Rule", InlineRule, BlockRule)

BLOCK_FIRSTS = {
    "attr": "{",
    "shortcode": ":",
    "fence": "`~",
    "blockquote": ">",
    "hr": "*-_",
    "list": "*+-0123456789",
    "footnote_def": "[",
    "reference": "[",
    "html_block": "<",
    "heading": "#",
}
"""What the blocks of the dialect begin with, by rule, behind blanks; the others may begin with anything."""

INLINE_FIRSTS = {
    "newline": "\n",
    "escape": "\\",
    "backticks": "`",
    "strikethrough": "~",
    "emphasis": "*_",
    "link": "[",
    "image": "!",
    "footnote_ref": "[",
    "autolink": "<",
    "html_inline": "<",
    "entity": "&",
    "gfm_autolink_www": "w",
    "gfm_autolink_protocol": ":",
    "gfm_autolink_email": "@",
    "attr": "{",
}

# Where one of these characters can begin something at all. Each pattern begins with the character itself: so the
# regular expression engine leaps from one candidate to the next.
_PLACES = {
    "!": r"!(?=\[)",
    "w": r"w(?=ww\.)",
    ":": r":(?:(?<=http:)|(?<=https:)|(?<=mailto:)|(?<=xmpp:))",
    # Ends the text of a link.
    "]": r"\]",
}


class FirstsRuler(Ruler[Rule]):
    """A ruler that has the first characters of some of its rules.

    ``by_first`` has the rules to try at a character, in their order, ``elsewhere`` those to try at any other.
    """

    # Private: ``__rules__``, the list of rules; ``__cache__``, the compiled chains by name (the empty name is that of
    # all rules), which a change of the rules sets to None; and ``__compile__``, which ``getRules`` calls then. A ruler
    # has no public way to a rule's function, and none that says when its rules have changed, as a function of build.py
    # may change them. An AttributeError notices when the first two go; without a call of the third ``by_first`` would
    # stay empty, and no block is parsed.

    def __init__(self, rules: Ruler[Rule]) -> None:
        super().__init__()
        self.__rules__ = rules.__rules__
        self.firsts: dict[Rule, str] = {}
        self.by_first: dict[str, tuple[Rule, ...]] = {}
        self.elsewhere: tuple[Rule, ...] = ()

    def active_rules(self) -> dict[str, Rule]:
        """The rules in use, by name."""
        return dict(zip(self.get_active_rules(), self.getRules(""), strict=True))

    def wrap(self, name: str, wrapper: Callable[[Rule], Rule]) -> None:
        """Put a rule around one, in its place; KeyError if there is none."""
        rule = {rule.name: rule for rule in self.__rules__}[name]
        rule.fn = wrapper(rule.fn)
        self.__cache__ = None

    def set_firsts(self, firsts: Mapping[str, str]) -> None:
        """Say of rules, by name, which characters they begin with.

        A rule that replaces one may begin anywhere.
        """
        active = self.active_rules()
        self.firsts = {active[name]: characters for name, characters in firsts.items()}
        self.__cache__ = None

    def __compile__(self) -> None:
        super().__compile__()
        assert self.__cache__ is not None
        self.by_first, self.elsewhere = self.group_by_first(self.__cache__[""])

    def group_by_first(self, rules: Iterable[Rule]) -> tuple[dict[str, tuple[Rule, ...]], tuple[Rule, ...]]:
        """Group rules into those to try at a character, and at any other."""
        rules = tuple(rules)
        characters = {character for rule in rules for character in self.firsts.get(rule, "")}
        at = {
            character: tuple(rule for rule in rules if character in self.firsts.get(rule, character))
            for character in characters
        }
        return at, tuple(rule for rule in rules if rule not in self.firsts)


class BlockRuler(FirstsRuler[BlockRule]):
    """The ruler of blocks, which makes one rule of all that may end a block.

    Those are the rules of a chain other than the first, by its name.
    """

    def __compile__(self) -> None:
        super().__compile__()
        assert self.__cache__ is not None
        for chain, rules in self.__cache__.items():
            if chain:
                self.__cache__[chain] = [self._any_of(rules)]
        self.ends_paragraph = self.__cache__.get("paragraph", [self._any_of([])])[0]

    def _any_of(self, rules: list[BlockRule]) -> BlockRule:
        at, elsewhere = self.group_by_first(rules)

        def any_of(state: StateBlock, startLine: int, endLine: int, silent: bool) -> bool:
            start = state.bMarks[startLine] + state.tShift[startLine]
            for rule in at.get(state.src[start : start + 1], elsewhere):
                if rule(state, startLine, endLine, silent):
                    return True
            return False

        return any_of


class FastToken(Token):
    """A token that is made faster.

    Its fields are set here one by one, without the library's conversion of attributes. A field that is new there would
    be missing here, and every comparison of tokens fails.
    """

    __slots__ = ()

    def __init__(self, type: str, tag: str, nesting: Nesting, **others: Any) -> None:
        if others:
            super().__init__(type, tag, nesting, **others)
            return
        self.type = type
        self.tag = tag
        self.nesting = nesting
        self.attrs = {}
        self.map = None
        self.level = 0
        self.children = None
        self.content = ""
        self.markup = ""
        self.info = ""
        self.meta = {}
        self.block = False
        self.hidden = False


class BlockState(StateBlock):
    """The state of a parse of blocks, whose lines are split faster.

    ``tables`` are the lines that may be the head of a table, ``underlines``, in order, those that may make the lines
    above a heading.
    """

    def __init__(self, src: str, md: MarkdownIt, env: EnvType, tokens: list[Token]) -> None:
        # Of an empty text the library makes only the entry behind the last line, with which the lists below then end.
        # The lists are the library's own, which its rules read: where each line begins and ends, how many blanks it
        # begins with, and how many columns these take up.
        super().__init__("", md, env, tokens)
        self.src = src
        self.tables: set[int] = set()
        self.underlines: list[int] = []
        lines = src.split("\n")
        if not lines[-1].strip(" \t"):
            lines.pop()
        starts, ends, shifts, counts = [], [], [], []
        start = 0
        was_row = False
        for number, line in enumerate(lines):
            shift = len(line) - len(line.lstrip(" \t"))
            starts.append(start)
            ends.append(start + len(line))
            shifts.append(shift)
            counts.append(_width(line[:shift]) if shift else 0)
            start += len(line) + 1
            last = line.rstrip(" \t")[-1:] if line[-1:] in (" ", "\t") else line[-1:]
            if last in ("-", "="):
                self.underlines.append(number)
            if was_row and last in ("|", "-", ":"):
                self.tables.add(number - 1)
            was_row = "|" in line
        self.bMarks[:0], self.eMarks[:0], self.tShift[:0], self.sCount[:0] = starts, ends, shifts, counts
        self.bsCount[:0] = [0] * len(lines)
        self.bMarks[-1] = self.eMarks[-1] = len(src)
        self.lineMax = len(lines)

    def push(self, ttype: str, tag: str, nesting: Nesting) -> Token:
        token = FastToken(ttype, tag, nesting)
        token.block = True
        if nesting < 0:
            self.level -= 1
        token.level = self.level
        if nesting > 0:
            self.level += 1
        self.tokens.append(token)
        return token

    def getLines(self, begin: int, end: int, indent: int, keepLastLF: bool) -> str:
        if begin >= end:
            return ""
        src = self.src
        if indent <= 0:
            pieces = [
                src[start : stop + 1]
                for start, stop in zip(self.bMarks[begin:end], self.eMarks[begin:end], strict=True)
            ]
        else:
            blanks = " " * indent
            pieces = [
                src[start + indent : stop + 1]
                if src.startswith(blanks, start, stop)
                else super(BlockState, self).getLines(line, line + 1, indent, stop < len(src))
                for line, (start, stop) in enumerate(
                    zip(self.bMarks[begin:end], self.eMarks[begin:end], strict=True), begin
                )
            ]
        if not keepLastLF and self.eMarks[end - 1] < len(src):
            pieces[-1] = pieces[-1][:-1]
        return "".join(pieces)


def _width(blanks: str) -> int:
    """The columns that blanks at the beginning of a line take up."""
    if "\t" not in blanks:
        return len(blanks)
    width = 0
    for blank in blanks:
        width += 4 - width % 4 if blank == "\t" else 1
    return width


class FastBlocks(ParserBlock):
    """The parser of blocks: the library's loop, with a choice of rules."""

    def __init__(self) -> None:
        super().__init__()
        self.ruler: BlockRuler = BlockRuler(self.ruler)

    def parse(self, src: str, md: MarkdownIt, env: EnvType, outTokens: list[Token]) -> list[Token] | None:
        if not src:
            return None
        state = BlockState(src, md, env, outTokens)
        self.tokenize(state, state.line, state.lineMax)
        return state.tokens

    def tokenize(self, state: StateBlock, startLine: int, endLine: int) -> None:
        self.ruler.getRules("")  # compiles by_first anew where rules have changed
        at, elsewhere = self.ruler.by_first, self.ruler.elsewhere
        line = startLine
        had_empty_lines = False
        while line < endLine:
            state.line = line = state.skipEmptyLines(line)
            if line >= endLine or state.sCount[line] < state.blkIndent:
                break
            if state.level >= state.md.options.maxNesting:
                state.line = endLine
                break
            for rule in at.get(state.src[state.bMarks[line] + state.tShift[line]], elsewhere):
                if rule(state, line, endLine, False):
                    break
            if state.line <= line:
                raise RuntimeError("no rule of the blocks went on")
            state.tight = not had_empty_lines
            line = state.line
            # A paragraph in a list may have taken the empty line behind it.
            had_empty_lines = had_empty_lines or (line - 1 < endLine and state.isEmpty(line - 1))
            if line < endLine and state.isEmpty(line):
                had_empty_lines = True
                line += 1
                state.line = line


def table(rule: BlockRule) -> BlockRule:
    """The rule of tables, where the next line can be the line below a head."""

    def table(state: StateBlock, startLine: int, endLine: int, silent: bool) -> bool:
        return startLine in cast(BlockState, state).tables and rule(state, startLine, endLine, silent)

    return table


def underlined_heading(rule: BlockRule) -> BlockRule:
    """The rule of underlined headings, where a line can be the underline.

    It is one of those up to the next empty line.
    """

    def heading_above(state: StateBlock, startLine: int, endLine: int, silent: bool) -> bool:
        underlines = cast(BlockState, state).underlines
        next_one = bisect_left(underlines, startLine + 1)
        if next_one == len(underlines) or underlines[next_one] >= endLine:
            return False
        if any(map(state.isEmpty, range(startLine + 1, underlines[next_one]))):
            return False
        return rule(state, startLine, endLine, silent)

    return heading_above


def definitions(rule: BlockRule) -> BlockRule:
    """The rule of definition lists, where a definition can follow.

    It begins the line below, or that below an empty one.
    """

    def definitions(state: StateBlock, startLine: int, endLine: int, silent: bool) -> bool:
        line = startLine
        if not silent:
            line += 1
            if line < endLine and state.isEmpty(line):
                line += 1
            if line >= endLine:
                return False
        start = state.bMarks[line] + state.tShift[line]
        return state.src.startswith((":", "~"), start) and rule(state, startLine, endLine, silent)

    return definitions


def paragraph(state: StateBlock, startLine: int, endLine: int, silent: bool) -> bool:
    """The library's rule, without what it does for every line."""
    ends = cast(BlockRuler, state.md.block.ruler).ends_paragraph
    last = state.lineMax
    counts, indent = state.sCount, state.blkIndent
    before, state.parentType = state.parentType, "paragraph"
    line = startLine + 1
    while line < last and not state.isEmpty(line):
        # Further indented it is no code, and below zero its quotation has looked at it.
        if 0 <= counts[line] <= indent + 3 and ends(state, line, last, True):
            break
        line += 1
    state.parentType = before
    state.line = line
    state.push("paragraph_open", "p", 1).map = [startLine, line]
    token = state.push("inline", "", 0)
    token.content = mdTrim(state.getLines(startLine, line, indent, False))
    token.map = [startLine, line]
    token.children = []
    state.push("paragraph_close", "p", -1)
    return True


class InlineRuler(FirstsRuler[InlineRule]):
    """The ruler of inline text.

    ``stop`` matches at the next place where a rule can; it is None where a rule may begin with any character.
    """

    stop: re.Pattern[str] | None
    is_text_first: bool

    def __compile__(self) -> None:
        super().__compile__()
        assert self.__cache__ is not None
        first, *others = self.__cache__[""] or [library.entity]
        # The rule of text takes all up to the next place where another is tried.
        self.is_text_first = first is library.text
        self.by_first, self.elsewhere = self.group_by_first(others)
        places = (_PLACES.get(character, re.escape(character)) for character in sorted({*self.by_first, "]"}))
        self.stop = None if self.elsewhere else re.compile("|".join(places))


class InlineState(StateInline):
    """The state of a parse of inline text, whose tokens are made faster."""

    def __init__(self, src: str, md: MarkdownIt, env: EnvType, outTokens: list[Token]) -> None:
        # In the place of private parts of the library's state: ``_pending`` and its buffer, which ``pending`` reads,
        # and ``_prev_delimiters``, which ``push`` fills. All methods of the library that use these are replaced below,
        # but for that which copies a state; one that is new would lose text, which the comparison of tokens notices.
        self._texts: list[str] = []
        self._outer: list[list[Delimiter]] = []
        super().__init__(src, md, env, outTokens)

    @property
    def pending(self) -> str:
        texts = self._texts
        if len(texts) > 1:
            texts[:] = ["".join(texts)]
        return texts[0] if texts else ""

    @pending.setter
    def pending(self, value: str) -> None:
        self._texts = [value] if value else []

    def append_pending(self, text: str) -> None:
        self._texts.append(text)

    def pushPending(self) -> Token:
        token = FastToken("text", "", 0)
        token.content = self.pending
        token.level = self.pendingLevel
        self.tokens.append(token)
        self._texts = []
        return token

    def push(self, ttype: str, tag: str, nesting: Nesting) -> Token:
        if self._texts:
            self.pushPending()
        token = FastToken(ttype, tag, nesting)
        meta: dict[str, Any] | None = None
        if nesting < 0:
            self.level -= 1
            self.delimiters = self._outer.pop()
        token.level = self.level
        if nesting > 0:
            self.level += 1
            self._outer.append(self.delimiters)
            self.delimiters = []
            meta = {"delimiters": self.delimiters}
        self.pendingLevel = self.level
        self.tokens.append(token)
        self.tokens_meta.append(meta)
        return token


class Inlines(ParserInline):
    """The parser of inline text.

    It begins at ``level``, so that it gives up on nesting before blocks do.
    """

    def __init__(self, level: int) -> None:
        super().__init__()
        self.ruler: InlineRuler = InlineRuler(self.ruler)
        self.ruler2.at("fragments_join", join)
        self._level = level

    def parse(self, src: str, md: MarkdownIt, env: EnvType, tokens: list[Token]) -> list[Token]:
        self.ruler.getRules("")  # compiles by_first anew where rules have changed
        rules = self.ruler2.getRules("")
        state = InlineState(src, md, env, tokens)
        state.level = self._level
        self.tokenize(state)
        if not state.delimiters and not any(meta and meta["delimiters"] for meta in state.tokens_meta):
            rules = [rule for rule in rules if rule not in _PAIRING]
        for rule in rules:
            rule(state)
        return state.tokens

    def tokenize(self, state: StateInline) -> None:
        ruler = self.ruler
        if not ruler.is_text_first:
            super().tokenize(state)
            return
        at, elsewhere, src, end = ruler.by_first, ruler.elsewhere, state.src, state.posMax
        search = (ruler.stop or self.terminator_re).search
        deepest = state.md.options["maxNesting"]
        pos = state.pos
        while pos < end:
            place = search(src, pos, end) if state.level < deepest else None
            stop = place.start() if place else end
            if stop > pos:
                state.append_pending(src[pos:stop])
                state.pos = pos = stop
                if stop == end:
                    break
            for rule in at.get(src[pos], elsewhere):
                if rule(state, False):
                    if state.pos <= pos:
                        raise RuntimeError("a rule of inline text did not go on")
                    break
            else:
                state.append_pending(src[pos])
                state.pos += 1
            pos = state.pos
        if state.pending:
            state.pushPending()

    def skipToken(self, state: StateInline) -> None:
        ruler = self.ruler
        if not ruler.is_text_first:
            super().skipToken(state)
            return
        pos, end = state.pos, state.posMax
        if pos in state.cache:
            state.pos = state.cache[pos]
            return
        if state.level >= state.md.options["maxNesting"]:
            state.cache[pos] = state.pos = end + 1
            return
        place = (ruler.stop or self.terminator_re).search(state.src, pos, end)
        stop = place.start() if place else end
        if stop > pos:
            state.cache[pos] = state.pos = stop
            return
        for rule in ruler.by_first.get(state.src[pos], ruler.elsewhere):
            state.level += 1
            done = rule(state, True)
            state.level -= 1
            if done:
                if state.pos <= pos:
                    raise RuntimeError("a rule of inline text did not go on")
                break
        else:
            state.pos += 1
        state.cache[pos] = state.pos


_PAIRING = (library.link_pairs, library.strikethrough.postProcess, library.emphasis.postProcess)
"""The rules that pair the marks of emphasis, which are for nothing where there are none.

Private: the functions themselves, by which they are left out. One of another name is an AttributeError at import.
"""


def join(state: StateInline) -> None:
    """The library's rule ``fragments_join``, in one pass.

    It makes one of neighbouring texts, and sets the level of each token.
    """
    level = 0
    joined: list[Token] = []
    texts: list[str] = []
    for token in state.tokens:
        if token.nesting < 0:
            level -= 1
        token.level = level
        if token.nesting > 0:
            level += 1
        if texts and token.type == "text":
            texts.append(token.content)
            joined[-1] = token
            continue
        if len(texts) > 1:
            joined[-1].content = "".join(texts)
        texts = [token.content] if token.type == "text" else []
        joined.append(token)
    if len(texts) > 1:
        joined[-1].content = "".join(texts)
    state.tokens[:] = joined


def newline(state: StateInline, silent: bool) -> bool:
    """The library's rule, which looks at the text before it once."""
    if state.src[state.pos] != "\n":
        return False
    if not silent:
        pending = state.pending
        if pending.endswith("  "):
            state.pending = pending.rstrip(" ")
            state.push("hardbreak", "br", 0)
        else:
            if pending.endswith(" "):
                state.pending = pending[:-1]
            state.push("softbreak", "br", 0)
    pos = state.pos + 1
    while pos < state.posMax and state.src[pos] in " \t":
        pos += 1
    state.pos = pos
    return True


def normalize(state: StateCore) -> None:
    """The library's rule, called only where it has something to do.

    It goes through the whole text.
    """
    if "\r" in state.src or "\0" in state.src:
        rules_core.normalize(state)
