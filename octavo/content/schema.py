"""The keys of the front matter: one table of fields.

The table types the raw values and describes itself to editors. Types come from the text as written, each problem stands
at its value, and all problems of a file are reported.
"""

from __future__ import annotations

import datetime as dt
import json
import posixpath
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from octavo.base.diagnostics import Diagnostic, Span, did_you_mean, error, warning
from octavo.base.toml_positions import Keys
from octavo.base.urls import LONGEST_SLUG_BYTES
from octavo.base.validation import At, Kind, Problem, UnknownKey, brief, to_parts
from octavo.content import front_matter_kinds
from octavo.content.front_matter import FrontMatter, Mapping, Scalar, Sequence, YamlNode
from octavo.content.front_matter_kinds import RelatedKey
from octavo.content.yaml_values import YAML
from octavo.model.documents import Mark, Meta
from octavo.model.values import Table, freeze


def read_meta(path: str, front: FrontMatter) -> tuple[Meta | None, tuple[Mark, ...], tuple[Diagnostic, ...]]:
    """Type the front matter of the post at ``path``.

    Returns it, the place of each value, and all that is wrong. The problems include those of ``front``. Meta is None
    when one of them is an error.
    """
    if front.node is None:
        return None, (), front.problems
    reading = _read_keys(path, front.node)
    values = reading.values
    problems = (*front.problems, *reading.problems, *_missing(path, reading))
    if any(problem.is_error for problem in problems):
        return None, reading.marks, problems
    related: RelatedKey = values.get("related", RelatedKey())
    meta = Meta(
        title=values["title"],
        date=values.get("date") or date_in_name(path),
        updated=values.get("updated"),
        expires=values.get("expires"),
        tags=values.get("tags", ()),
        description=values.get("description", ""),
        slug=values.get("slug"),
        authors=values.get("authors", ()),
        series=values.get("series"),
        draft=values.get("draft", False),
        layout=values.get("layout"),
        image=values.get("image"),
        image_alt=values.get("image_alt") or "",
        aliases=values.get("aliases", ()),
        related=related.on,
        pin=related.pin,
        block=related.block,
        block_both=related.block_both,
        canonical=values.get("canonical"),
        toc=values.get("toc", True),
        extra=values.get("extra", Table()),
    )
    return meta, reading.marks, problems


_DATED = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[-_](.*))?", re.DOTALL)


def date_in_name(path: str) -> dt.date | None:
    """The day that a file's name begins with.

    That of ``posts/2026-11-22-flask.md`` is 2026-11-22. Of an ``index`` file, that of its folder's name.
    """
    match = _DATED.fullmatch(_name(path)[1])
    try:
        return dt.date.fromisoformat(match[1]) if match else None
    except ValueError:
        return None


def path_without_date(path: str) -> str:
    """The path without the day that ``date_in_name`` reads.

    The day stays where nothing else would be left of the name.
    """
    before, name, after = _name(path)
    match = _DATED.fullmatch(name)
    if match is None or date_in_name(path) is None or not (match[2] or "").strip("."):
        return path
    return before + match[2] + after


def _name(path: str) -> tuple[str, str, str]:
    """Split a path around the name that its author chose.

    That is the file's, or of an ``index`` file the folder's.
    """
    folder, slash, file = path.rpartition("/")
    stem, suffix = posixpath.splitext(file)
    if stem != "index" or not folder:
        return folder + slash, stem, suffix
    outer, outer_slash, name = folder.rpartition("/")
    return outer + outer_slash, name, slash + file


class DescribedKind(NamedTuple):
    """A kind of value, and the JSON Schema by which an editor checks it."""

    kind: Kind
    schema: Table


class MetaField(NamedTuple):
    """One key of the front matter.

    ``name`` is the field of ``Meta`` where two spellings of a key share one.
    ``may_be_empty``: a key with nothing after its colon counts as not given.
    """

    key: str
    described: DescribedKind
    about: str
    name: str = ""
    may_be_empty: bool = True


class _Reading(NamedTuple):
    """What the keys of a file say.

    ``values`` are by field of ``Meta``: None where a key is not valid, no entry where it is not there. ``blanks`` are
    the places of keys with nothing after their colon.
    """

    values: dict[str, Any]
    marks: tuple[Mark, ...]
    problems: tuple[Diagnostic, ...]
    blanks: dict[str, Span]


def _read_keys(path: str, node: Mapping) -> _Reading:
    values: dict[str, Any] = {}
    marks: list[Mark] = []
    problems: list[Diagnostic] = []
    blanks: dict[str, Span] = {}
    lines: dict[str, int] = {}
    written = {key.text for key, _ in node.entries}
    for key, value in node.entries:
        field = _BY_KEY.get(key.text)
        if field is None:
            field, key_problem = _likely_field(path, key, written)
            problems.append(key_problem)
            if field is None:
                continue
        name = field.name or field.key
        if name in lines:
            message = f"'{brief(key.text)}' says again what line {lines[name]} says"
            problems.append(error(path, key.span, field.key, message, "keep one of them"))
            continue
        lines[name] = key.span.line
        if field.may_be_empty and YAML.is_absent(value):
            blanks[name] = value.span
            continue
        reading = to_parts(field.described.kind.read(value, At(path, (field.key,))))
        values[name] = reading.value
        marks.append(Mark(field.key, value.span))
        for way, part in reading.origins:  # such as tags.0 and related.pin.0
            marks.append(Mark(".".join((name, *map(str, way))), part.span))
        for problem in reading.problems:
            problems.append(_located(problem, value))
    return _Reading(values, tuple(marks), tuple(problems), blanks)


def _located(problem: Problem, node: YamlNode) -> Diagnostic:
    """A problem with a key's value, at its place; its code is the key."""
    keys = problem.at.keys
    key, value = _entry(node, keys[1:])
    return problem.diagnostic("key" if problem.in_key else str(keys[0]), (key if problem.in_key else value).span)


def _entry(node: YamlNode, way: Keys) -> tuple[YamlNode, YamlNode]:
    """The key and the value at the end of a way into a node.

    An item of a list is its own key.
    """
    key = node
    for step in way:
        if isinstance(node, Mapping):
            key, node = next(entry for entry in node.entries if entry.key.text == step)
        elif isinstance(node, Sequence) and isinstance(step, int):
            key = node = node.items[step]
    return key, node


_UNKNOWN = UnknownKey("there is no key '{name}'", "keys of your own go under 'extra'", is_warning=True)


def _likely_field(path: str, key: Scalar, written: set[str]) -> tuple[MetaField | None, Diagnostic]:
    """The field that an unknown key such as ``Title`` means, and its problem."""
    field = _BY_KEY.get(key.text.casefold())
    if field is not None and field.key not in written:
        message = f"the key '{brief(key.text)}' has capital letters"
        return field, warning(path, key.span, "key", message, f"did you mean '{field.key}'?")
    problem = _UNKNOWN.problem(At(path, (key.text,)), _BY_KEY)
    # A warning would let a typo publish what its author holds back.
    is_draft = problem.hint == did_you_mean("draft", _BY_KEY)
    return None, problem._replace(is_warning=not is_draft).diagnostic("key", key.span)


def _missing(path: str, reading: _Reading) -> Iterator[Diagnostic]:
    """A problem for each key that the post needs and does not have."""
    values = reading.values
    opening = Span(1, 1, 3, "---")
    if "title" not in values:
        yield error(path, opening, "title", "the post has no title", "add a line 'title: Your title'")
    # What could not be read may have been 'true' or 'page'.
    needs_date = values.get("draft", False) is False and values.get("layout", "") not in ("page", None)
    if needs_date and "date" not in values and date_in_name(path) is None:
        message = "the post has no date"
        match = _DATED.fullmatch(_name(path)[1])
        if match:
            message += f", and '{match[1]}' in its name is no day of the calendar"
        hint = "add a line 'date: YYYY-MM-DD', begin the file's name with the date, or add 'draft: true'"
        yield error(path, reading.blanks.get("date", opening), "date", message, hint)


# The schema.


def _described(kind: Kind, **schema: Any) -> DescribedKind:
    return DescribedKind(kind, freeze(schema))


_WORD = ["string", "number", "boolean"]
_NAMES = {"type": "array", "items": {"type": "string", "minLength": 1}, "uniqueItems": True}
_OR_EMPTY = {"type": "null"}

LINE = _described(front_matter_kinds.LINE, type=_WORD, minLength=1)
TEXT = _described(front_matter_kinds.TEXT, type=[*_WORD, "null"])
MOMENT = _described(
    front_matter_kinds.DATE,
    type=["string", "null"],
    pattern=r"^\d{4}-\d{2}-\d{2}([Tt ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)? ?([Zz]|[+-]\d{2}:?\d{2})?)?$",
)
FLAG = _described(front_matter_kinds.FLAG, type="boolean")
SLUG = _described(
    front_matter_kinds.SLUG, type=["string", "number", "null"], pattern=r"^[^/\\?#%]*$", maxLength=LONGEST_SLUG_BYTES
)
LAYOUT = _described(front_matter_kinds.LAYOUT, type=["string", "null"], pattern=r"^[\w-]+(/[\w-]+)*(\.html)?$")
TAGS = _described(front_matter_kinds.NAMES, anyOf=[_NAMES, _OR_EMPTY])
AUTHORS = _described(front_matter_kinds.AUTHORS, anyOf=[{"type": "string", "minLength": 1}, _NAMES, _OR_EMPTY])
ALIASES = _described(
    front_matter_kinds.ALIASES,
    anyOf=[{"type": "array", "items": {"type": "string", "pattern": "^/([^/?#]|$)"}, "uniqueItems": True}, _OR_EMPTY],
)
RELATED = _described(
    front_matter_kinds.RELATED,
    anyOf=[
        {"type": "boolean"},
        {
            "type": "object",
            "properties": {
                "pin": {"anyOf": [_NAMES, _OR_EMPTY], "description": "Posts that come first."},
                "block": {"anyOf": [_NAMES, _OR_EMPTY], "description": "Posts that are never shown here."},
                "block_both": {
                    "anyOf": [_NAMES, _OR_EMPTY],
                    "description": "Posts that are never shown here, and this one never with them.",
                },
            },
            "additionalProperties": False,
        },
        _OR_EMPTY,
    ],
)
CANONICAL = _described(front_matter_kinds.CANONICAL, type=["string", "null"], pattern="^https?://")
IMAGE = _described(front_matter_kinds.IMAGE, type=["string", "null"])
EXTRA = _described(front_matter_kinds.EXTRA, type=["object", "null"])

FIELDS: tuple[MetaField, ...] = (
    MetaField("title", LINE, "The title of the post.", may_be_empty=False),
    MetaField("date", MOMENT, "The day or time of publication; the file's name may begin with it instead."),
    MetaField("updated", MOMENT, "The day or time of the last change worth telling."),
    MetaField("expires", MOMENT, "From this day or time on the post is no longer published."),
    MetaField("tags", TAGS, "What the post is about."),
    MetaField("description", TEXT, "One or two sentences for search engines and previews."),
    MetaField("slug", SLUG, "The last part of the post's address, instead of its file name."),
    MetaField("author", AUTHORS, "Who wrote the post: one name or a list.", name="authors"),
    MetaField("authors", AUTHORS, "Who wrote the post: a list of names."),
    MetaField("series", LINE, "The series the post is a part of."),
    MetaField("draft", FLAG, "True keeps the post out of the published site.", may_be_empty=False),
    MetaField("layout", LAYOUT, "The layout to render with; 'page' makes a standing page without a date."),
    MetaField("image", IMAGE, "The cover: a path from this file or, with a leading '/', from the site; or an address."),
    MetaField("image_alt", TEXT, "What the cover shows, for those who cannot see it."),
    MetaField("aliases", ALIASES, "Old addresses of the post that lead to it."),
    MetaField("related", RELATED, "False for no related posts, or the posts to pin and to block."),
    MetaField("canonical", CANONICAL, "Where the post was published first."),
    MetaField("toc", FLAG, "False leaves the table of contents out."),
    MetaField("extra", EXTRA, "Keys of the site's own, for its layouts."),
)

_BY_KEY = {field.key: field for field in FIELDS}


def json_schema() -> dict[str, Any]:
    """Describe the front matter as JSON Schema (draft 7), for editors."""
    schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Front matter of an Octavo post",
        "type": "object",
        "properties": {field.key: {"description": field.about, **field.described.schema} for field in FIELDS},
        "required": ["title"],
        "not": {"required": ["author", "authors"]},
        "additionalProperties": False,
    }
    plain: dict[str, Any] = json.loads(json.dumps(schema, default=dict))
    return plain


def json_schema_text() -> str:
    """The content of ``docs/front-matter.schema.json``."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"
