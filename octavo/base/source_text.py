"""The bytes of a text file as characters in lines, as authors see them.

There is no byte order mark and no carriage return. A line ends with LF, CRLF or CR and nothing else: NEL, LS and PS are
characters, as in every editor.
"""

from __future__ import annotations

import codecs
import re
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property

from octavo.base.diagnostics import Diagnostic, Span, error

LARGEST_SOURCE_BYTES = 5 * 1024 * 1024
"""Bytes in the largest text that is read."""

_CONTROLS = bytes(code for code in range(32) if code not in b"\t\n\f\r") + b"\x7f"
_CONTROL = re.compile("[\\x00-\\x08\\x0b\\x0e-\\x1f\\x7f\\ufffe\\uffff]")
_NONCHARACTERS = ("\ufffe".encode(), "\uffff".encode())
_WIDE_MARKS = (
    (codecs.BOM_UTF32_LE, "UTF-32"),
    (codecs.BOM_UTF32_BE, "UTF-32"),
    (codecs.BOM_UTF16_LE, "UTF-16"),
    (codecs.BOM_UTF16_BE, "UTF-16"),
)
_SAVE = "save the file as UTF-8"


@dataclass(frozen=True)
class SourceText:
    """A file's text, its lines ended by LF.

    ``path`` is relative to the site. Lines and columns count from 1.
    """

    path: str
    text: str

    @cached_property
    def _starts(self) -> list[int]:
        """The offset of the first character of each line."""
        return [0, *(match.end() for match in re.finditer("\n", self.text))]

    def line(self, number: int) -> str:
        """A line without its end; empty beyond the last."""
        if not 1 <= number <= len(self._starts):
            return ""
        start = self._starts[number - 1]
        end = self.text.find("\n", start)
        return self.text[start:] if end < 0 else self.text[start:end]

    def span(self, line: int, column: int | None = None, width: int = 1) -> Span:
        """A place by line and column."""
        return Span(line, column, width, self.line(line))

    def span_at(self, offset: int, width: int = 1) -> Span:
        """A place by its offset in ``text``.

        What reaches beyond the end of the line is not counted in its width.
        """
        offset = max(0, min(offset, len(self.text)))
        number = bisect_right(self._starts, offset)
        column = offset - self._starts[number - 1] + 1
        line = self.line(number)
        return Span(number, column, max(1, min(width, len(line) - column + 1)), line)


def decode(path: str, data: bytes) -> tuple[SourceText | None, tuple[Diagnostic, ...]]:
    """The text of a file, or None and why it cannot be read.

    That may be its size, its encoding or a control character.
    """
    if len(data) > LARGEST_SOURCE_BYTES:
        return None, (too_large(path, len(data)),)
    if data.startswith(codecs.BOM_UTF8):
        data = data[len(codecs.BOM_UTF8) :]
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as fault:
        return None, (_not_utf8(path, data, fault),)
    source = SourceText(path, _unix(text))
    if len(data.translate(None, _CONTROLS)) != len(data) or any(mark in data for mark in _NONCHARACTERS):
        return None, (_control(source),)
    return source, ()


def too_large(path: str, size: int) -> Diagnostic:
    """The problem with a file of ``size`` bytes, more than ``LARGEST_SOURCE_BYTES``.

    It is for whoever knows the size of a file before reading it.
    """
    limit = LARGEST_SOURCE_BYTES // 1024 // 1024
    message = f"the file has {size / 1024 / 1024:.1f} MB, which is larger than the limit ({limit} MB)"
    return error(path, Span(1, 1), "size", message, "split it into several posts")


def _not_utf8(path: str, data: bytes, fault: UnicodeDecodeError) -> Diagnostic:
    # What stands before the fault is valid, so lines and columns can be counted in characters.
    before = _unix(data[: fault.start].decode("utf-8"))
    rest = re.split(rb"[\r\n]", data[fault.start :], maxsplit=1)[0].decode("utf-8", "replace")
    start = before.rfind("\n") + 1
    span = Span(before.count("\n") + 1, len(before) - start + 1, 1, before[start:] + rest)
    message = f"the byte 0x{data[fault.start]:02X} is not valid UTF-8"
    return error(path, span, "encoding", message, _encoding_hint(data, fault))


def _encoding_hint(data: bytes, fault: UnicodeDecodeError) -> str:
    for mark, name in _WIDE_MARKS:
        if data.startswith(mark):
            return f"the file is saved as {name}: {_SAVE}"
    byte = data[fault.start : fault.start + 1]
    if fault.reason == "unexpected end of data" and fault.end - fault.start > 1:
        return f"the file ends within a character and may have been cut off: restore the rest, or {_SAVE}"
    if byte in b"\xc0\xc1" or re.match(rb"\xed[\xa0-\xbf]", data[fault.start : fault.start + 2]):
        return f"these bytes are a forbidden way to write a character: delete them, and {_SAVE}"
    try:
        character = byte.decode("cp1252")
    except UnicodeDecodeError:
        return _SAVE
    family = "Windows-1252" if byte < b"\xa0" else "Latin-1 or Windows-1252"
    return f"the file looks like {family}, where this byte is '{character}': {_SAVE}"


def _control(source: SourceText) -> Diagnostic:
    matches = list(_CONTROL.finditer(source.text))
    offset = matches[0].start()
    code = ord(source.text[offset])
    name = "a NUL character" if code == 0 else f"the character U+{code:04X}"
    more = f" (and {len(matches) - 1} more like it)" if len(matches) > 1 else ""
    hint = "delete it: it is invisible and belongs in no text"
    if source.text.count("\0") * 4 > len(source.text):
        hint = f"the file looks like UTF-16: {_SAVE}"
    return error(source.path, source.span_at(offset), "control", f"the text holds {name}{more}", hint)


def _unix(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")
