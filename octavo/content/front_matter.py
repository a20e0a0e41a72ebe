"""The front matter of a post as a tree of raw scalars with their places.

Below the front matter is the body, which is left as it is. python-frontmatter finds and loads the block through
``StrictHandler``. Its own ``load`` and ``parse`` are not used: they strip the body, whatever the handler. Values are
the text as written, because YAML's types turn ``1.10`` into 1.1 and ``no`` into False; ``octavo.content.schema`` gives
them types.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

import yaml
from frontmatter.default_handlers import YAMLHandler

from octavo.base.diagnostics import Diagnostic, Span, error
from octavo.base.shortage import check_part
from octavo.base.source_text import SourceText
from octavo.base.validation import brief
from octavo.content.yaml_errors import YamlBlock, bad_escape, bad_start, bad_tag, explain_yaml_error, unclosed_quote

MAX_CHARACTERS = 64 * 1024
"""Characters in the longest front matter that is read."""
MAX_ENTRIES = 1_000
"""Keys and list items, counted together."""
MAX_NESTING = 32
"""Lists and mappings within each other."""

# ``yaml._yaml`` is a private part of PyYAML: the extension module that wraps libyaml. PyYAML does without it where it
# cannot be loaded, also for want of memory, and would be slower and word some problems in another way. Where there is
# no module of this name nothing is checked, and nothing notices: reading goes on with the loader that PyYAML offers.
check_part("yaml._yaml")

# libyaml is some ten times faster. It agrees with the pure Python parser on values and marks, as the tests compare;
# a tab after a key's colon and a '?' within a list in brackets are valid for libyaml only.
LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True)
class Scalar:
    """One value as written.

    ``text`` has its quotes and escapes resolved but no type; ``plain`` is False when it was quoted.
    """

    text: str
    plain: bool
    span: Span

    @property
    def is_absent(self) -> bool:
        """True for a key with nothing after its colon."""
        return self.plain and not self.text


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list: its items in the order of the file."""

    items: tuple[YamlNode, ...]
    span: Span


class MappingEntry(NamedTuple):
    """A key of a mapping, and its value."""

    key: Scalar
    value: YamlNode


@dataclass(frozen=True, slots=True)
class Mapping:
    """Entries in the order of the file; no key comes twice."""

    entries: tuple[MappingEntry, ...]
    span: Span


YamlNode: TypeAlias = Scalar | Sequence | Mapping


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """What a file holds: front matter, the body below it, and problems.

    ``node`` is None when the block cannot be read as a whole; then ``problems`` says why. ``body`` is what follows,
    unchanged; its first line is line ``body_line`` of the file.
    """

    node: Mapping | None
    body: str = ""
    body_line: int = 1
    problems: tuple[Diagnostic, ...] = ()


class UnreadableFrontMatter(ValueError):
    """Front matter that cannot be found or read as a whole."""

    def __init__(self, *problems: Diagnostic) -> None:
        super().__init__("; ".join(problem.message for problem in problems))
        self.problems = problems


def read(source: SourceText, loader: Any = LOADER) -> FrontMatter:
    """Read the front matter and the body of a post.

    ``problems`` has everything that is wrong with the form.
    """
    handler = StrictHandler(source, loader)
    try:
        block, body = handler.split(source.text)
    except UnreadableFrontMatter as fault:
        return FrontMatter(None, problems=fault.problems)
    body_line = block.count("\n") + 3
    try:
        loaded: tuple[Mapping, tuple[Diagnostic, ...]] = handler.load(block)
    except UnreadableFrontMatter as fault:
        return FrontMatter(None, body, body_line, fault.problems)
    return FrontMatter(loaded[0], body, body_line, loaded[1])


class StrictHandler(YAMLHandler):
    """python-frontmatter's handler for one file.

    It raises Unreadable where the original guesses.
    """

    FM_BOUNDARY = re.compile(r"^---[ \t]*$", re.MULTILINE)

    def __init__(self, source: SourceText, loader: Any = LOADER) -> None:
        super().__init__()
        self._source = source
        self._loader = loader

    def split(self, text: str) -> tuple[str, str]:
        """Return the block between the two lines ``---``, and the body.

        The body is all that follows the second, blank lines and indent included.
        """
        opening = self.FM_BOUNDARY.match(text)
        if opening is None:
            raise UnreadableFrontMatter(_no_opening(self._source))
        start = opening.end() + 1
        closing = self.FM_BOUNDARY.search(text, start)
        if closing is None:
            raise UnreadableFrontMatter(_no_closing(self._source))
        if closing.start() - start > MAX_CHARACTERS:
            message = f"the front matter is longer than {MAX_CHARACTERS // 1024} KB"
            raise UnreadableFrontMatter(_at_top(self._source, message, "move long texts below the second '---'"))
        return text[start : closing.start()], text[closing.end() + 1 :]

    def load(self, fm: str, **kwargs: object) -> Any:
        """Load the block that ``split`` returned.

        The value is a pair: a Mapping, and a tuple of what is wrong with parts of it.
        """
        block = YamlBlock(self._source, fm, self._source.text.find("\n") + 1, fm.split("\n"))
        _check_characters(block)
        try:
            return _Builder(block, self._loader).build()
        except _TooDeepForLibyaml:
            # Newer versions of libyaml give up while they look ahead, before they report the lists that are open.
            return _Builder(block, yaml.SafeLoader).build()


_FIRST_LINES = "begin the file with these 4 lines: '---', 'title: Your title', 'date: YYYY-MM-DD', '---'"


def _at_top(source: SourceText, message: str, hint: str) -> Diagnostic:
    return error(source.path, source.span(1, 1, max(1, len(source.line(1)))), "front-matter", message, hint)


def _no_opening(source: SourceText) -> Diagnostic:
    first = source.line(1).rstrip()
    if not source.text.strip():
        return _at_top(source, "the file is empty", _FIRST_LINES)
    if re.match(r"---[ \t]*\w|\+\+\+$|;;;$|\{$", first):
        hint = "write 'key: value' lines between two lines '---'"
        return _at_top(source, f"only YAML front matter is read, and '{brief(first)}' does not open it", hint)
    if source.text.lstrip("\ufeff \t\n").startswith("---"):
        message = "the front matter must begin at the first character of the file"
        return _at_top(source, message, "delete what stands before the first '---'")
    return _at_top(source, "the file has no front matter", _FIRST_LINES)


def _no_closing(source: SourceText) -> Diagnostic:
    hint = "write '---' on a line of its own below the last key"
    almost = re.compile(r"^(?:[ \t]*-{2,}|\.\.\.|\+\+\+|[\u2013\u2014]-?)[ \t]*$", re.MULTILINE).search(source.text, 3)
    if almost:
        line = source.text.count("\n", 0, almost.start()) + 1
        hint = f"line {line}, '{almost[0].strip()}', does not close it: write '---' at the start of that line"
    return _at_top(source, "the front matter that opens here is never closed", hint)


_FORBIDDEN = re.compile("[^\\t\\n\\x20-\\x7e\\x85\\xa0-\\ud7ff\\ue000-\\ufefe\\uff00-\\ufffd\\U00010000-\\U0010ffff]")
_DIRECTIVE = re.compile(r"(?:[ \t]*(?:#.*)?\n)*(%)")
_TAB_INDENT = re.compile(r"^ *(\t)[ \t]*[^\s]", re.MULTILINE)


def _check_characters(block: YamlBlock) -> None:
    forbidden = _FORBIDDEN.search(block.text)
    if forbidden:
        message = f"the character U+{ord(forbidden[0]):04X} is not allowed in front matter"
        raise UnreadableFrontMatter(block.fault("control", forbidden.start(), message, "delete it: it is invisible"))
    if "%" in block.text and (directive := _DIRECTIVE.match(block.text)):
        message = "the front matter cannot begin with a YAML directive"
        raise UnreadableFrontMatter(block.fault("yaml", directive.start(1), message, "delete this line"))
    if "\t" in block.text and (tab := _TAB_INDENT.search(block.text)):
        raise UnreadableFrontMatter(block.fault("yaml", tab.start(1), "this line is indented with a tab", "use spaces"))


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end is to come; ``key`` waits for its value."""

    start: int
    is_mapping: bool
    items: list[YamlNode] = field(default_factory=list)
    entries: list[MappingEntry] = field(default_factory=list)
    lines: dict[str, int] = field(default_factory=dict)
    key: Scalar | None = None


class _TooDeepForLibyaml(Exception):
    """libyaml's own limit of depth; it says so far from where ours is."""


class _Builder:
    """Turns the parser's events into a tree.

    It does so without recursion, so that depth is a limit and not a crash.
    """

    def __init__(self, block: YamlBlock, loader: Any) -> None:
        self._block = block
        self._loader = loader
        self._problems: list[Diagnostic] = []
        self._open: list[_Open] = []
        self._root: YamlNode | None = None
        self._count = 0
        self._has_anchor = False

    def build(self) -> tuple[Mapping, tuple[Diagnostic, ...]]:
        try:
            self._read_events()
        except UnreadableFrontMatter as fault:
            raise UnreadableFrontMatter(*self._problems, *fault.problems) from None
        if isinstance(self._root, Mapping):
            return self._root, tuple(self._problems)
        raise UnreadableFrontMatter(*self._problems, self._not_a_mapping())

    def _read_events(self) -> None:
        text, hidden = _hide_line_separators(self._block.text)
        loader = self._loader(text)
        try:
            while True:
                event = loader.get_event()
                kind = type(event)
                if kind is yaml.ScalarEvent:
                    if hidden:
                        event.value = event.value.translate(hidden)
                    self._scalar(event)
                elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
                    self._start(event, kind is yaml.MappingStartEvent)
                elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                    self._end(event)
                elif kind is yaml.AliasEvent:
                    raise UnreadableFrontMatter(self._aliases(event))
                elif (kind is yaml.DocumentStartEvent or kind is yaml.DocumentEndEvent) and event.explicit:
                    message = "the front matter must be one YAML document"
                    raise UnreadableFrontMatter(
                        self._block.fault("yaml", event.start_mark.index, message, "delete this mark")
                    )
                elif kind is yaml.StreamEndEvent:
                    return
        except UnreadableFrontMatter:
            raise
        except yaml.MarkedYAMLError as fault:
            if "maximum nesting depth" in (fault.problem or ""):
                raise _TooDeepForLibyaml from None
            raise UnreadableFrontMatter(explain_yaml_error(self._block, fault)) from None
        except ValueError:
            # The pure Python scanner calls chr() and int() on any escape.
            raise UnreadableFrontMatter(bad_escape(self._block, loader.get_mark().index)) from None
        finally:
            loader.dispose()

    def _scalar(self, event: Any) -> None:
        start, end = event.start_mark.index, event.end_mark.index
        if event.anchor is not None or event.tag is not None:
            self._check_properties(event)
        plain = not event.style
        if not plain:
            self._check_escapes(event.value, start, end)
            if event.style in ("'", '"') and event.start_mark.line < event.end_mark.line:
                self._check_long_quote(start, end)
            elif event.style in ("|", ">") and re.match("[|>][-+0-9]*#", self._block.text[start:end]):
                # libyaml takes the rest of the line for a comment, and the value is lost.
                raise UnreadableFrontMatter(bad_start(self._block, start))
        self._add(Scalar(event.value, plain, self._block.span_from(event.start_mark, end)))

    def _check_escapes(self, value: str, start: int, end: int) -> None:
        forbidden = _FORBIDDEN.search(value)
        if forbidden:
            message = f"an escape here makes the character U+{ord(forbidden[0]):04X}, which is not allowed"
            hint = "delete it, or write '\\\\' for a backslash"
            self._problems.append(self._block.fault("control", start, message, hint, end))

    def _check_long_quote(self, start: int, end: int) -> None:
        """Refuse a quote that runs on over the next key or item.

        One that is never closed ends at the quote of another key or item, which may even be valid YAML.
        """
        outer = self._open[-1].start if self._open else 0
        indent = outer - (self._block.text.rfind("\n", 0, outer) + 1)
        if re.search(rf"\n {{0,{indent}}}(?:[\w-]+:|-)(?:\s|$)", self._block.text[start:end]):
            raise UnreadableFrontMatter(unclosed_quote(self._block, start))

    def _start(self, event: Any, is_mapping: bool) -> None:
        if event.anchor is not None or event.tag is not None:
            self._check_properties(event)
        start = event.start_mark.index
        if self._open and self._open[-1].is_mapping and self._open[-1].key is None:
            hint = "put the text before the ':' in quotes"
            raise UnreadableFrontMatter(self._block.fault("yaml", start, "a key must be text", hint))
        if len(self._open) == MAX_NESTING:
            message = f"the front matter is nested deeper than {MAX_NESTING} levels"
            raise UnreadableFrontMatter(self._block.fault("yaml", start, message, "flatten it"))
        self._open.append(_Open(start, is_mapping))

    def _end(self, event: Any) -> None:
        node = self._open.pop()
        span = self._block.span(node.start, event.end_mark.index)
        self._add(Mapping(tuple(node.entries), span) if node.is_mapping else Sequence(tuple(node.items), span))

    def _add(self, node: YamlNode) -> None:
        if not self._open:
            self._root = node
            return
        into = self._open[-1]
        if into.is_mapping and into.key is not None:
            self._add_entry(into, into.key, node)
            into.key = None
            return
        self._count += 1
        if self._count > MAX_ENTRIES:
            message = f"the front matter has more than {MAX_ENTRIES} keys and list items"
            raise UnreadableFrontMatter(
                error(self._block.source.path, node.span, "yaml", message, "keep data in a file of its own")
            )
        if not into.is_mapping:
            into.items.append(node)
        elif isinstance(node, Scalar):
            into.key = node

    def _add_entry(self, into: _Open, key: Scalar, value: YamlNode) -> None:
        if key.text in into.lines:
            first = into.lines[key.text]
            message = f"the key '{brief(key.text)}' is set twice: in line {first} and in line {key.span.line}"
            self._problems.append(error(self._block.source.path, key.span, "key", message, "delete one of them"))
            return
        into.lines[key.text] = key.span.line
        if key.text == "<<" and key.plain:
            message = "merge keys ('<<') are not allowed"
            self._problems.append(error(self._block.source.path, key.span, "yaml", message, "write the keys out"))
        else:
            into.entries.append(MappingEntry(key, value))

    def _check_properties(self, event: Any) -> None:
        """Tags run code in some readers, and anchors make bombs."""
        if event.anchor is not None and not self._has_anchor:
            self._has_anchor = True
            self._problems.append(self._aliases(event))
        if event.tag is not None:
            start = event.start_mark.index
            written = re.search(r"!\S*", self._block.text[start:])
            tag = written[0] if written else str(event.tag)
            offset = start + (written.start() if written else 0)
            self._problems.append(bad_tag(self._block, offset, tag, offset + len(tag)))

    def _aliases(self, event: Any) -> Diagnostic:
        start = event.start_mark.index
        name = self._block.text[start : start + 1] + str(event.anchor)
        message = f"anchors and aliases are not allowed, and '{brief(name)}' is one"
        hint = "write the value out; a value that begins with '&' or '*' needs quotes"
        return self._block.fault("yaml", start, message, hint, start + len(name))

    def _not_a_mapping(self) -> Diagnostic:
        message = "the front matter must be 'key: value' pairs"
        if self._root is None:
            return _at_top(self._block.source, f"{message}, but it is empty", _FIRST_LINES)
        hint = "write lines such as 'title: Your title'"
        if isinstance(self._root, Scalar) and re.match(r"[\w-]+:\S", self._root.text):
            hint = "put a blank after the colon"
        return error(self._block.source.path, self._root.span, "front-matter", message, hint)


def _hide_line_separators(text: str) -> tuple[str, dict[int, str]]:
    """Let unused private characters stand in for NEL, LS and PS.

    YAML 1.1 ends lines at these, authors do not. Returns the text and the table to translate values back, which is
    empty when there is nothing to hide.
    """
    present = [c for c in "\x85\u2028\u2029" if c in text]
    if not present:
        return text, {}
    unused = (chr(code) for code in range(0xE000, 0xF8FF) if chr(code) not in text)
    stand_in = dict(zip(present, unused, strict=False))
    return text.translate({ord(c): private for c, private in stand_in.items()}), {
        ord(private): c for c, private in stand_in.items()
    }
