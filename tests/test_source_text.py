from __future__ import annotations

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavo.base.diagnostics import Span, to_text
from octavo.base.source_text import LARGEST_SOURCE_BYTES, SourceText, decode, too_large

PATH = "posts/a.md"


def text_of(data: bytes) -> str:
    source, problems = decode(PATH, data)
    assert source is not None, problems
    assert problems == ()
    return source.text


def problem_of(data: bytes) -> tuple[str, str, str]:
    """``line:column code``, the message and the hint of the one problem with these bytes."""
    source, problems = decode(PATH, data)
    assert source is None
    (problem,) = problems
    assert problem.is_error
    assert problem.path == PATH
    assert problem.span is not None
    return f"{problem.span.line}:{problem.span.column} {problem.code}", problem.message, problem.hint


PLAIN = "---\ntitle: Zoë\n---\n\nbody\n"


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(PLAIN.replace("\n", "\r\n").encode(), id="A22-CRLF"),
        pytest.param(PLAIN.replace("\n", "\r").encode(), id="A22-lone-CR"),
        pytest.param(codecs.BOM_UTF8 + PLAIN.encode(), id="A22-BOM"),
        pytest.param(codecs.BOM_UTF8 + PLAIN.replace("\n", "\r\n").encode(), id="A22-BOM-and-CRLF"),
        pytest.param(PLAIN.replace("\n", "\r\n", 2).encode(), id="A22-mixed"),
    ],
)
def test_line_ends_and_byte_order_mark_do_not_show(data: bytes) -> None:
    assert text_of(data) == PLAIN


@pytest.mark.parametrize("separator", ["\x85", "\u2028", "\u2029", "\f"], ids=["NEL", "LS", "PS", "FF"])
def test_other_separators_are_characters_of_their_line(separator: str) -> None:
    source = SourceText(PATH, text_of(f"one{separator}two\nthree".encode()))
    assert source.line(1) == f"one{separator}two"
    assert source.line(2) == "three"
    assert source.span_at(8).line == 2


@pytest.mark.parametrize(
    ("data", "place", "byte", "hint"),
    [
        pytest.param(PLAIN.encode("utf-16"), "1:1", "FF", "UTF-16", id="A23-UTF-16-LE"),
        pytest.param(codecs.BOM_UTF16_BE + PLAIN.encode("utf-16-be"), "1:1", "FE", "UTF-16", id="A23-UTF-16-BE"),
        pytest.param(PLAIN.encode("utf-32"), "1:1", "FF", "UTF-32", id="A23-UTF-32"),
        pytest.param(b"one\ncaf\xe9 au lait\n", "2:4", "E9", "'é'", id="A23-Latin-1"),
        pytest.param(b"one\r\n\xc3\xa9\x93quoted\x94\r\n", "2:2", "93", "Windows-1252", id="A23-CP1252"),
        pytest.param(b"one\rtwo\rthr\xe9\r", "3:4", "E9", "'é'", id="A23-lone-CR"),
        pytest.param(b"one\ntwo \xe2\x82", "2:5", "E2", "cut off", id="A23-truncated"),
        pytest.param(b"one\n..\xc0\xae", "2:3", "C0", "forbidden", id="A23-overlong"),
        pytest.param(b"one\n..\xed\xa0\x80", "2:3", "ED", "forbidden", id="A23-surrogate"),
        pytest.param(codecs.BOM_UTF8 + b"\xff", "1:1", "FF", "UTF-8", id="A23-after-BOM"),
        pytest.param(b"\x81", "1:1", "81", "UTF-8", id="A23-in-no-encoding"),
    ],
)
def test_bytes_that_are_not_utf8_are_located_by_character(data: bytes, place: str, byte: str, hint: str) -> None:
    where, message, advice = problem_of(data)
    assert where == f"{place} encoding"
    assert f"0x{byte} " in message
    assert hint in advice
    assert "UTF-8" in advice


def test_the_line_with_a_bad_byte_is_shown() -> None:
    _, problems = decode(PATH, b"one\nZo\xc3\xab caf\xe9 noir\nthree\n")
    assert problems[0].span == Span(2, 8, 1, "Zoë caf\N{REPLACEMENT CHARACTER} noir")
    assert to_text(problems[0]).startswith("posts/a.md:2:8: error[encoding]: the byte 0xE9 ")


@pytest.mark.parametrize("byte", [*range(9), 0x0B, *range(0x0E, 0x20), 0x7F], ids=lambda byte: f"A24-{byte:02x}")
def test_control_bytes_are_refused_wherever_they_stand(byte: int) -> None:
    front = b"---\ntitle: a" + bytes([byte]) + b"b\n---\n"
    body = b"---\ntitle: ab\n---\nZo\xc3\xab" + bytes([byte]) + b"\n"
    assert problem_of(front)[0] == "2:9 control"
    assert problem_of(body)[0] == "4:4 control"


@pytest.mark.parametrize("character", ["\ufffe", "\uffff"])
def test_what_unicode_calls_no_character_is_refused(character: str) -> None:
    where, message, _ = problem_of(f"one\ntwo{character}".encode())
    assert where == "2:4 control"
    assert f"U+{ord(character):04X}" in message


def test_several_control_characters_are_one_problem_with_their_number() -> None:
    where, message, _ = problem_of(b"a\x00b\x00c\x01")
    assert where == "1:2 control"
    assert message == "the text holds a NUL character (and 2 more like it)"


def test_utf16_without_a_mark_is_recognised() -> None:
    where, _, hint = problem_of("---\n".encode("utf-16-le"))
    assert where == "1:2 control"
    assert "UTF-16" in hint


def test_tabs_and_form_feeds_are_text() -> None:
    assert text_of(b"a\tb\fc\n") == "a\tb\fc\n"


def test_a_file_at_the_limit_is_read_and_one_byte_more_is_not() -> None:
    assert len(text_of(b"x" * LARGEST_SOURCE_BYTES)) == LARGEST_SOURCE_BYTES
    where, message, _ = problem_of(b"x" * (LARGEST_SOURCE_BYTES + 1))
    assert where == "1:1 size"
    assert "larger than the limit (5 MB)" in message


def test_a_size_known_beforehand_gives_the_same_problem() -> None:
    assert decode(PATH, b"x" * (LARGEST_SOURCE_BYTES + 1))[1] == (too_large(PATH, LARGEST_SOURCE_BYTES + 1),)


def test_a_line_of_a_megabyte_is_read() -> None:
    source = SourceText(PATH, text_of(b"x" * 1_000_000 + b"\ny"))
    assert source.span_at(999_999).column == 1_000_000
    assert source.line(2) == "y"


def test_spans_count_characters_from_one() -> None:
    source = SourceText(PATH, "Zoë 🎉 x\n\nlast")
    assert source.span_at(6, 1) == Span(1, 7, 1, "Zoë 🎉 x")
    assert source.span(1, 5, 2) == Span(1, 5, 2, "Zoë 🎉 x")
    assert source.span(3) == Span(3, None, 1, "last")


def test_a_span_ends_with_its_line() -> None:
    source = SourceText(PATH, "ab\ncd")
    assert source.span_at(1, 99) == Span(1, 2, 1, "ab")
    assert source.span_at(2, 5) == Span(1, 3, 1, "ab")
    assert source.span_at(99) == Span(2, 3, 1, "cd")


def test_lines_beyond_the_text_are_empty() -> None:
    source = SourceText(PATH, "ab\n")
    assert [source.line(number) for number in (0, 1, 2, 3)] == ["", "ab", "", ""]


@given(st.text(alphabet="aé🎉\r\n\u2028 "), st.data())
def test_a_span_at_an_offset_shows_the_character_there(raw: str, data: st.DataObject) -> None:
    source = SourceText(PATH, text_of(raw.encode()))
    assert "\r" not in source.text
    assert [source.line(n + 1) for n in range(source.text.count("\n") + 1)] == source.text.split("\n")
    offset = data.draw(st.integers(0, len(source.text)))
    span = source.span_at(offset)
    assert span.column is not None
    assert span.text == source.line(span.line)
    assert (span.text + "\n")[span.column - 1] == (source.text + "\n")[offset]


@given(st.binary(max_size=60))
def test_any_bytes_are_text_or_one_located_problem(data: bytes) -> None:
    source, problems = decode(PATH, data)
    assert (source is None) == bool(problems)
    for problem in problems:
        assert problem.span is not None
        assert problem.span.column is not None
        assert problem.span.column <= len(problem.span.text)
        to_text(problem)
