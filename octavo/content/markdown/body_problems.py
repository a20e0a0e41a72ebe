"""Problems of Markdown that can be read and yet not be meant.

These are blocks and brackets nested too deep, labels without what they refer to, and fences.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from markdown_it.token import Token

from octavo.base.diagnostics import Span, did_you_mean
from octavo.content.markdown import highlight
from octavo.content.markdown.html_renderer import read_info
from octavo.content.markdown.links import FileProblems
from octavo.content.markdown.parser import (
    MAX_NESTED_BLOCKS,
    MAX_NESTED_BRACKETS,
    NOTES_KEY,
    MissingReference,
    ParserNotes,
)
from octavo.content.markdown.positions import BodyPlaces


def report_notes(environment: Mapping[str, object], places: BodyPlaces, faults: FileProblems) -> None:
    """Report what only the rules of a parse could see, from its environment."""
    notes = environment[NOTES_KEY]
    assert isinstance(notes, ParserNotes)
    for line in notes.too_deep_lines[:1]:
        message = f"blocks nested deeper than {MAX_NESTED_BLOCKS}, where a list counts for two"
        faults.error(places.line(line), "nesting", message)
    for block, start in notes.too_deep[:1]:
        span = places.within(block, start, start + 1)
        faults.error(span, "nesting", f"brackets nested deeper than {MAX_NESTED_BRACKETS}", "write '[' as '\\['")
    for missing, span in _first_of_each_label(notes.footnotes, places):
        # Private: what the footnote plugin has in the environment, labels as ":label" in the table "refs". Only there
        # are all of them known. Without it the hint names no label that is like this one; tests/test_reader.py notices.
        labels = [label[1:] for label in _labels(environment.get("footnotes"), "refs")]
        hint = did_you_mean(missing.label, labels) or f"write '[^{missing.label}]: …' on a line of its own"
        faults.error(span, "link", f"no footnote '{missing.label}'", hint)
    for missing, span in _first_of_each_label(notes.references, places):
        # Private: where markdown-it has the definitions of links, by label in capitals; as above.
        labels = [label.lower() for label in _labels(environment, "references")]
        hint = did_you_mean(missing.label.lower(), labels) or f"write '[{missing.label}]: …' on a line of its own"
        faults.warn(span, "link", f"no address for '[{missing.label}]', so this is no link", hint)


def _first_of_each_label(
    missing: Iterable[MissingReference], places: BodyPlaces
) -> Iterator[tuple[MissingReference, Span]]:
    seen: set[str] = set()
    for reference in missing:
        if reference.label not in seen:
            seen.add(reference.label)
            yield reference, places.within(reference.block, reference.start, reference.end)


def _labels(environment: object, key: str) -> list[str]:
    """The labels that the parser has under a key."""
    labels = environment.get(key) if isinstance(environment, dict) else None
    return list(labels) if isinstance(labels, dict) else []


def check_fence(token: Token, places: BodyPlaces, faults: FileProblems) -> None:
    """Report a code block that is not closed, or whose language is unknown."""
    if token.map is None:
        return
    first, last = token.map[0], token.map[1] - 1
    line = places.line(first)
    closing = places.lines[last].strip(" \t>") if first < last < len(places.lines) else ""
    if closing.strip(token.markup[:1]) or len(closing) < len(token.markup):
        faults.warn(line, "fence", "this code block is not closed", f"end it with a line of {token.markup}")
    language = read_info(token.info).language
    if language and not highlight.is_known(language):
        start = line.text.find(language)
        span = line if start < 0 else Span(line.line, start + 1, len(language), line.text)
        faults.warn(span, "language", f"no language '{language}'", highlight.suggest_language(language))
    elif language and len(token.content) > highlight.MAX_CODE_CHARACTERS:
        faults.warn(line, "language", "this code is too long to be highlighted")
