"""Source text -> Document: everything that follows from one file alone."""

from __future__ import annotations

from typing import Any

from octavo.base import source_text
from octavo.base.urls import ASSETS
from octavo.content import front_matter, schema
from octavo.content.markdown import reader
from octavo.engine.facts import Ask
from octavo.model.documents import Body, Document, Meta, PictureRef
from octavo.model.extensions import Extensions
from octavo.model.queries import Extended, Setting, Source
from octavo.related import spelling, terms


def parse(path: str, ask: Ask) -> Document:
    """Read one post.

    A file with errors gives a Document without ``meta``, and the problems say why.
    """
    text, problems = source_text.decode(path, ask(Source(path)) or b"")
    if text is None:
        return Document(meta=None, problems=problems)
    front = front_matter.read(text)
    meta, marks, meta_problems = schema.read_meta(path, front)
    problems += meta_problems
    if front.node is None:
        return Document(meta=None, problems=problems)
    reading = _read(path, front, meta, ask)
    problems += reading.problems
    # A broken link alone leaves a document: with --allow-broken-links the post is published all the same.
    if meta is None or any(problem.is_error and problem.code != "link" for problem in problems):
        return Document(meta=None, marks=marks, problems=problems)
    refs = [use.ref for use in reading.links if use.ref is not None]
    targets = {ref.target for ref in refs if ref.kind == "post"}
    addresses = {ref.target for ref in refs if ref.kind == "site" and not ref.target.startswith(ASSETS)}
    files = {ref.target for ref in refs if ref.kind == "file"}
    pictures = {ref.target for ref in reading.body.refs if isinstance(ref, PictureRef) and ref.kind == "file"}
    pictures -= {ref.target for ref in reading.body.refs if not isinstance(ref, PictureRef)}
    return Document(
        meta=meta,
        marks=marks,
        summary=reading.summary,
        body=reading.body,
        headings=reading.headings,
        anchors=reading.anchors,
        links=reading.links,
        targets=tuple(sorted(targets - {path})),
        addresses=tuple(sorted(addresses)),
        files=tuple(sorted(files - pictures)),
        pictures=tuple(sorted(pictures)),
        terms=terms.count_terms(meta.title, meta.tags, reading.prose, reading.code, _setting(ask, "language")),
        spelling=spelling.spell(reading.prose, reading.literals, reading.code),
        problems=problems,
    )


def numbered_body(path: str, ask: Ask) -> Body:
    """Read a body whose blocks say on which line of the file they begin.

    It is empty where the post cannot be read.
    """
    text, _ = source_text.decode(path, ask(Source(path)) or b"")
    front = front_matter.read(text) if text is not None else None
    if front is None or front.node is None:
        return Body()
    meta, _, _ = schema.read_meta(path, front)
    return _read(path, front, meta, ask, numbered=True).body


def _read(
    path: str, front: front_matter.FrontMatter, meta: Meta | None, ask: Ask, numbered: bool = False
) -> reader.Reading:
    options = reader.ReadingOptions(
        raw_html=_setting(ask, "raw_html"),
        excerpt=_setting(ask, "excerpt"),
        extensions=_extensions(ask),
        has_cover=meta is not None and meta.image is not None,
        numbered=numbered,
    )
    return reader.read(reader.BodySource(path, front.body, front.body_line), options, ask.once)


def _setting(ask: Ask, name: str) -> Any:
    return ask(Setting(name))


def _extensions(ask: Ask) -> Extensions:
    """What of build.py reaches the reading of a post, and nothing else of it."""
    shortcodes, plugins = ask(Extended("shortcodes")), ask(Extended("markdown"))
    return Extensions(
        shortcodes=shortcodes.shortcodes if shortcodes else (),
        markdown=plugins.markdown if plugins else (),
    )
