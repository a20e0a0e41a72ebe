"""Faults of YAML in plain words.

Each stands at the place where the author of a front matter has to change something.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from octavo.base.diagnostics import Diagnostic, Span, error
from octavo.base.source_text import SourceText
from octavo.base.validation import brief

if TYPE_CHECKING:
    import yaml


class YamlBlock(NamedTuple):
    """The text between the delimiters, and where it begins in the file.

    Of its ``lines`` the first is line 2 of the file.
    """

    source: SourceText
    text: str
    offset: int
    lines: list[str]

    def span(self, start: int, end: int | None = None) -> Span:
        """The place from one offset in the text to another, or of one character."""
        start = min(start, len(self.text))
        return self.source.span_at(self.offset + start, 1 if end is None else end - start)

    def span_from(self, mark: Any, end: int) -> Span:
        """``span`` from a mark of YAML's, which knows its line and column."""
        line = self.lines[mark.line]
        column = mark.column
        return Span(mark.line + 2, column + 1, max(1, min(end - mark.index, len(line) - column)), line)

    def fault(self, code: str, start: int, message: str, hint: str = "", end: int | None = None) -> Diagnostic:
        """An error between two offsets in the text."""
        return error(self.source.path, self.span(start, end), code, message, hint)


# PyYAML and libyaml word the same fault in two ways; each row knows both.
_COLON = re.compile("mapping values are not allowed")
_NO_COLON = re.compile("could not find expected ':'")
_ESCAPE = re.compile("unknown escape|escape sequence|invalid Unicode character escape|hexdecimal")
_START = re.compile(
    "cannot start any token|alphabetic or numeric|comment or (?:a )?line break|chomping|sequence entries|node content"
)
_OPEN = re.compile("parsing a flow")
_TAB = re.compile("tab character|'\\\\t'")


def explain_yaml_error(block: YamlBlock, fault: yaml.MarkedYAMLError) -> Diagnostic:
    """Word a parser's error in plain words, where its author has to act."""
    problem, context = fault.problem or "", fault.context or ""
    at = min(fault.problem_mark.index if fault.problem_mark else 0, len(block.text))
    since = min(fault.context_mark.index if fault.context_mark else at, len(block.text))
    if "quoted scalar" in context and "end of stream" in problem:
        return unclosed_quote(block, since)
    if _ESCAPE.search(problem):
        return bad_escape(block, at)
    if _TAB.search(problem) or block.text[at : at + 1] == "\t":
        return block.fault("yaml", at, "there is a tab where YAML allows only spaces", "use spaces")
    if _NO_COLON.search(problem):
        return _no_colon(block, since)
    if _COLON.search(problem):
        return _stray_colon(block, at)
    if _START.search(problem):
        start = since if any(word in context for word in ("block scalar", "alias", "anchor")) else at
        return bad_start(block, start)
    if _OPEN.search(context) and "tag" not in problem:
        opener = block.text[since : since + 1]
        if opener in ("[", "{"):
            closer = "]" if opener == "[" else "}"
            message = f"the '{opener}' that opens here is never closed, or a ',' is missing in it"
            return block.fault("yaml", since, message, f"close it with '{closer}', or put the value in quotes")
    if "tag" in problem or "tag" in context:
        written = re.match(r"\S*", block.text[since:])
        return bad_tag(block, since, written[0] if written else "!")
    line = block.text[block.text.rfind("\n", 0, at) + 1 : at]
    if not line.strip():
        message = "this line does not fit the indentation of the lines above"
        return block.fault("yaml", at, message, "begin the keys of one mapping in the same column")
    message = "this does not belong to the value before it"
    return block.fault("yaml", at, message, _quoted_hint(block, at))


def bad_tag(block: YamlBlock, start: int, tag: str, end: int | None = None) -> Diagnostic:
    """The error for a tag (``!name``), which front matter may not have."""
    hint = "delete it; a value that begins with '!' needs quotes"
    return block.fault("yaml", start, f"the tag '{brief(tag)}' is not allowed", hint, end)


def bad_start(block: YamlBlock, start: int) -> Diagnostic:
    """The error for a value that begins with a character of YAML's own."""
    message = f"a value cannot begin with '{block.text[start : start + 1]}' unless it is in quotes"
    return block.fault("yaml", start, message, _quoted_hint(block, start))


def _no_colon(block: YamlBlock, start: int) -> Diagnostic:
    hint = "write 'key: value', or close the front matter with '---' before the text"
    return block.fault("yaml", start, "this line has no ':' after its key", hint, block.text.find("\n", start))


def _stray_colon(block: YamlBlock, at: int) -> Diagnostic:
    start = block.text.rfind("\n", 0, at) + 1
    if re.match(r"[ ]*(?:- +)?[^\s:][^:]*:\s", block.text[start:at]):
        message = "a value with ': ' in it must be in quotes"
        return block.fault("yaml", at, message, _quoted_hint(block, at))
    above = block.text[:start].rstrip().rpartition("\n")[2]
    if above and ":" not in above and not above[0].isspace() and not block.text[start].isspace():
        return _no_colon(block, block.text[:start].rstrip().rfind("\n") + 1)
    message = "this key does not fit the lines above"
    hint = "begin the keys of one mapping in the same column, and give each line above a key"
    indent = len(block.text[start:at]) - len(block.text[start:at].lstrip())
    return block.fault("yaml", start + indent, message, hint, at)


def _quoted_hint(block: YamlBlock, at: int) -> str:
    """The hint to put a value in quotes, written out for ``key: value``."""
    start = block.text.rfind("\n", 0, at) + 1
    end = block.text.find("\n", at)
    match = re.fullmatch(r"\s*([\w-]+:) +(.*?)\s*", block.text[start : end if end >= 0 else None])
    if not match or len(match[2]) > 80:
        return "put the whole value in quotes"
    value = match[2]
    if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
        value = value[1:-1]
    quoted = "'" + value.replace("'", "''") + "'" if '"' in value or "\\" in value else f'"{value}"'
    return f"put the whole value in quotes: {match[1]} {quoted}"


def unclosed_quote(block: YamlBlock, start: int) -> Diagnostic:
    """The error for a quote that opens at ``start`` and is never closed."""
    quote = block.text[start : start + 1]
    hint = f"write {quote} at the end of the value"
    return block.fault("yaml", start, f"the quote {quote} that opens here is not closed where the value ends", hint)


def bad_escape(block: YamlBlock, at: int) -> Diagnostic:
    """The error for an escape that YAML does not know, at or before ``at``."""
    # One parser points at the backslash, the other behind it.
    start = block.text.rfind("\\", block.text.rfind("\n", 0, at) + 1, at + 1)
    if start < 0:
        return block.fault("yaml", at, "this is not valid YAML", _quoted_hint(block, at))
    escape = block.text[start : start + 2]
    hint = "write '\\\\' for a backslash, or put the value in single quotes"
    return block.fault("yaml", start, f"'{escape}' does not begin an escape that YAML knows", hint, start + 2)
