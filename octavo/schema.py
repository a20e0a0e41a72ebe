"""The keys of the front matter: one table of fields, which types the raw values and describes itself to editors.

Types come from the text as written, each problem stands at its value, and all problems of a file are reported.
"""

from __future__ import annotations

import calendar
import datetime as dt
import json
import posixpath
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from octavo.diagnostic import Diagnostic, Span, did_you_mean, error, warning
from octavo.frontmatter import FrontMatter, Mapping, Node, Scalar, Sequence, brief
from octavo.model import Mark, Meta, Moment, Table, frozen
from octavo.slug import LONGEST, slugify

SOURCES = (".md", ".markdown")
"""The endings of a source, in any case of letters."""

LONGEST_NAME = 255
"""Bytes that file systems allow in one segment of a path."""


def read_meta(path: str, front: FrontMatter) -> tuple[Meta | None, tuple[Mark, ...], tuple[Diagnostic, ...]]:
    """The typed front matter of the post at ``path``, where each value stands, and all that is wrong.

    The problems include those of ``front``. Meta is None when one of them is an error.
    """
    if front.node is None:
        return None, (), front.problems
    file = _File(path, list(front.problems))
    values = _values(file, front.node)
    _check_required(file, values)
    marks, problems = tuple(file.marks), tuple(file.problems)
    if any(problem.is_error for problem in problems):
        return None, marks, problems
    related: Related = values.get("related", Related())
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
    return meta, marks, problems


_DATED = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[-_](.*))?", re.DOTALL)


def date_in_name(path: str) -> dt.date | None:
    """The day a file's name begins with (``posts/2026-11-22-flask.md``), or its folder's if it is an ``index``."""
    match = _DATED.fullmatch(_name(path)[1])
    try:
        return dt.date.fromisoformat(match[1]) if match else None
    except ValueError:
        return None


def path_without_date(path: str) -> str:
    """The path without the day that ``date_in_name`` finds, unless nothing else would be left of the name."""
    before, name, after = _name(path)
    match = _DATED.fullmatch(name)
    if match is None or date_in_name(path) is None or not (match[2] or "").strip("."):
        return path
    return before + match[2] + after


def _name(path: str) -> tuple[str, str, str]:
    """A path split around the name that its author chose: the file's, or the folder's of an ``index`` file."""
    folder, slash, file = path.rpartition("/")
    stem, suffix = posixpath.splitext(file)
    if stem != "index" or not folder:
        return folder + slash, stem, suffix
    outer, outer_slash, name = folder.rpartition("/")
    return outer + outer_slash, name, slash + file


@dataclass(slots=True)
class _File:
    """What is found out about one file while its keys are read."""

    path: str
    problems: list[Diagnostic] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    blanks: dict[str, Span] = field(default_factory=dict)

    def error(self, span: Span, key: str, message: str, hint: str = "") -> None:
        """A problem with a key; the code is the key without what is within it (``related`` for ``related.pin``)."""
        self.problems.append(error(self.path, span, key.partition(".")[0], message, hint))

    def warn(self, span: Span, key: str, message: str, hint: str = "") -> None:
        self.problems.append(warning(self.path, span, key.partition(".")[0], message, hint))

    def mark(self, key: str, node: Node) -> None:
        self.marks.append(Mark(key, node.span))


Read = Callable[[_File, str, Node], Any]
"""Reads the value of a key. None when the value is not valid, which the file's problems then say."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of value: how it is read, and the JSON Schema by which an editor checks it."""

    read: Read
    schema: Table


@dataclass(frozen=True, slots=True)
class Field:
    """One key of the front matter. ``name`` is the field of ``Meta`` where two spellings of a key share one.

    ``may_be_empty``: a key with nothing after its colon counts as not given.
    """

    key: str
    kind: Kind
    about: str
    name: str = ""
    may_be_empty: bool = True


class Related(NamedTuple):
    """The key ``related``: whether related posts are shown, and which come first or never."""

    on: bool = True
    pin: tuple[str, ...] = ()
    block: tuple[str, ...] = ()
    block_both: tuple[str, ...] = ()


def _values(file: _File, node: Mapping) -> dict[str, Any]:
    """The values by field of ``Meta``; None for those that are not valid, nothing for those not given."""
    values: dict[str, Any] = {}
    lines: dict[str, int] = {}
    written = {key.text for key, _ in node.entries}
    for key, value in node.entries:
        known = _BY_KEY.get(key.text) or _in_other_case(file, key, written)
        if known is None:
            continue
        name = known.name or known.key
        if name in lines:
            message = f"'{brief(key.text)}' says again what line {lines[name]} says"
            file.error(key.span, known.key, message, "keep one of them")
            continue
        lines[name] = key.span.line
        if isinstance(value, Scalar) and value.is_absent and known.may_be_empty:
            file.blanks[name] = value.span
            continue
        file.mark(known.key, value)
        values[name] = known.kind.read(file, known.key, value)
    return values


def _in_other_case(file: _File, key: Scalar, written: set[str]) -> Field | None:
    """The field that an unknown key means by its letters alone (``Title``); warns about the key in any case."""
    meant = _BY_KEY.get(key.text.casefold())
    if meant is not None and meant.key not in written:
        file.warn(key.span, "key", f"the key '{brief(key.text)}' has capital letters", f"did you mean '{meant.key}'?")
        return meant
    message = f"there is no key '{brief(key.text)}'"
    likely = did_you_mean(key.text, _BY_KEY)
    hint = likely or "keys of your own go under 'extra'"
    if likely == did_you_mean("draft", _BY_KEY):
        # A warning would let a typo publish what its author holds back.
        file.error(key.span, "key", message, hint)
    else:
        file.warn(key.span, "key", message, hint)
    return None


def _check_required(file: _File, values: dict[str, Any]) -> None:
    opening = Span(1, 1, 3, "---")
    if "title" not in values:
        file.error(opening, "title", "the post has no title", "add a line 'title: Your title'")
    # What could not be read may have been 'true' or 'page'.
    needs_date = values.get("draft", False) is False and values.get("layout", "") not in ("page", None)
    if needs_date and "date" not in values and date_in_name(file.path) is None:
        message = "the post has no date"
        match = _DATED.fullmatch(_name(file.path)[1])
        if match:
            message += f", and '{match[1]}' in its name is no day of the calendar"
        hint = "add a line 'date: YYYY-MM-DD', begin the file's name with the date, or add 'draft: true'"
        file.error(file.blanks.get("date", opening), "date", message, hint)


# Text.


def _text(file: _File, key: str, node: Node) -> str | None:
    """One line of text: line ends within a value are blanks on a page anyway."""
    if not isinstance(node, Scalar):
        what = "a list" if isinstance(node, Sequence) else "a mapping"
        hint = (
            "put the value in quotes, brackets and all" if node.span.text[_at(node)] in "[{" else "write it in one line"
        )
        file.error(node.span, key, f"'{key}' must be text, not {what}", hint)
        return None
    text = re.sub(r"[ \t]*\n[ \t\n]*", " ", node.text) if "\n" in node.text else node.text
    return text.strip(" \t\n")


def _at(node: Node) -> int:
    return (node.span.column or 1) - 1


def _line(file: _File, key: str, node: Node) -> str | None:
    text = _text(file, key, node)
    if text is None or _is_visible(text):
        return text
    file.error(node.span, key, f"'{key}' is empty", f"write text after '{key}:'")
    return None


def _is_visible(text: str) -> bool:
    """False for text of nothing but blanks and characters without a shape."""
    return text[:1].isalnum() or any(unicodedata.category(c)[0] not in "ZC" for c in text)


def _slug(file: _File, key: str, node: Node) -> str | None:
    """One segment of a URL. What cannot be meant as one is refused; letters and blanks are made to fit."""
    text = _text(file, key, node)
    if text is None:
        return None
    wrong = next((c for c in text if c in "/\\?#%"), None)
    reason, hint = "", "write letters, digits and hyphens, such as 'my-first-post'"
    if not text:
        reason = "it is empty"
    elif wrong:
        reason = f"it is one part of an address, without '{wrong}'"
    elif not any(c.isalnum() for c in text):
        reason = "it has no letter or digit"
    elif len(text.encode()) > LONGEST:
        reason, hint = f"it is longer than {LONGEST} bytes", "write a shorter one"
    if reason:
        file.error(node.span, key, f"'{brief(text)}' cannot be a slug: {reason}", hint)
        return None
    return slugify(text)


def _layout(file: _File, key: str, node: Node) -> str | None:
    """The name of a layout without ``.html``, so that ``page`` and ``page.html`` are one."""
    text = _text(file, key, node)
    if text is None:
        return None
    if not re.fullmatch(r"[\w-]+(?:/[\w-]+)*(?:\.html)?", text):
        hint = "write the name of a file in layouts/, such as 'page' or 'wide.html'"
        file.error(node.span, key, f"'{brief(text)}' cannot be the name of a layout", hint)
        return None
    return text.removesuffix(".html")


def _flag(file: _File, key: str, node: Node) -> bool | None:
    """``true`` or ``false`` to the letter: a guess about ``yes`` or ``"false"`` could publish a draft."""
    if isinstance(node, Scalar) and node.plain and node.text in ("true", "false"):
        return node.text == "true"
    shown = brief(_source(node))
    message = f"'{key}' must be true or false, not {shown}" if shown else f"'{key}' is empty"
    file.error(node.span, key, message, f"write '{key}: true' or '{key}: false', without quotes")
    return None


def _source(node: Node) -> str:
    """A value as it stands in the file, to the end of its first line."""
    return node.span.text[_at(node) : _at(node) + node.span.width].strip()


# Dates.

_MOMENT = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})"
    r"(?:[Tt ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,6}))?)? ?([Zz]|[+-][0-9]{2}:?[0-9]{2})?)?"
)


def _moment(file: _File, key: str, node: Node) -> Moment | None:
    """A day as a date; a time as a datetime, aware when an offset is written."""
    text = node.text.strip() if isinstance(node, Scalar) else ""
    match = _MOMENT.fullmatch(text)
    if match is None:
        file.error(
            node.span,
            key,
            f"'{brief(text or _source(node))}' is not a date",
            "write YYYY-MM-DD or YYYY-MM-DDTHH:MM+00:00",
        )
        return None
    try:
        return _in_calendar(match)
    except ValueError as fault:
        file.error(node.span, key, f"'{text}' is not a date: {fault}", "write YYYY-MM-DD or YYYY-MM-DDTHH:MM+00:00")
        return None


def _in_calendar(match: re.Match[str]) -> Moment:
    """Raises ValueError, with a reason in plain words, for what no calendar or clock shows."""
    year, month, day = (int(part) for part in match.group(1, 2, 3))
    if not 1000 <= year <= 9998:
        # Platforms format years below 1000 differently, and no offset may lead out of what a datetime can hold.
        raise ValueError("the year must be between 1000 and 9998")
    if not 1 <= month <= 12:
        raise ValueError(f"there is no month {month}")
    if not 1 <= day <= 28:
        last = calendar.monthrange(year, month)[1]
        if not 1 <= day <= last:
            raise ValueError(f"{calendar.month_name[month]} {year} has {last} days")
    if match[4] is None:
        return dt.date(year, month, day)
    hour, minute, second = (int(part or 0) for part in match.group(4, 5, 6))
    if hour > 23 or minute > 59 or second > 59:
        raise ValueError("a time is between 00:00:00 and 23:59:59")
    return dt.datetime(
        year, month, day, hour, minute, second, int((match[7] or "0").ljust(6, "0")), tzinfo=_offset(match[8])
    )


def _offset(text: str | None) -> dt.timezone | None:
    if text is None:
        return None
    if text in "Zz":
        return dt.UTC
    hours, minutes = int(text[1:3]), int(text[-2:])
    if hours > 23 or minutes > 59:
        raise ValueError("an offset is between -23:59 and +23:59")
    offset = dt.timedelta(hours=hours, minutes=minutes)
    return dt.timezone(-offset if text[0] == "-" else offset)


# Lists.


def _list(file: _File, key: str, node: Node, read_item: Read, name: str = "") -> tuple[Any, ...] | None:
    """The items by ``read_item``, marked ``name.0``, ``name.1`` …; None when one of them is not valid."""
    if not isinstance(node, Sequence):
        file.error(node.span, key, f"'{key}' must be a list", f"write {key.rpartition('.')[2]}: {_as_list(node)}")
        return None
    values: list[Any] = []
    valid = True
    for item in node.items:
        value = read_item(file, key, item)
        if value is None:
            valid = False
        elif value in values:
            file.warn(item.span, key, f"'{brief(str(value))}' is in '{key}' twice", "delete one of them")
        else:
            file.mark(f"{name or key}.{len(values)}", item)
            values.append(value)
    return tuple(values) if valid else None


def _as_list(node: Node) -> str:
    """What the author of ``python, web`` wanted to write."""
    if not isinstance(node, Scalar):
        return "[one, two]"
    text = "" if node.plain and typed(node.text) is None else node.text
    parts = [part.strip() for part in text.replace("\n", " ").split(",")]
    return "[" + ", ".join(_as_item(part) for part in parts if part) + "]"


def _as_item(text: str) -> str:
    if re.fullmatch(r"[\w/.][\w /.+#-]*", text) and " #" not in text and isinstance(typed(text), str):
        return brief(text)
    return json.dumps(brief(text), ensure_ascii=False)


def _item(file: _File, key: str, node: Node) -> str | None:
    """One name in a list."""
    if not isinstance(node, Scalar):
        what = "a list" if isinstance(node, Sequence) else "a mapping"
        file.error(node.span, key, f"each of '{key}' must be text, not {what}", f"write {key}: [one, two]")
        return None
    value = typed(node.text) if node.plain else node.text
    if value is None or not _is_visible(node.text):
        file.error(node.span, key, f"there is an empty value in '{key}'", "delete it, or write its text")
        return None
    if not isinstance(value, str):
        what = "a boolean" if isinstance(value, bool) else "a number"
        message = f"{brief(node.text)} in '{key}' is {what}, not text"
        file.error(node.span, key, message, f'put it in quotes: "{brief(node.text)}"')
        return None
    return _text(file, key, node)


def _tags(file: _File, key: str, node: Node) -> tuple[str, ...] | None:
    return _list(file, key, node, _item)


def _authors(file: _File, key: str, node: Node) -> tuple[str, ...] | None:
    """One name or a list of names."""
    if isinstance(node, Sequence):
        return _list(file, key, node, _item, "authors")
    name = _line(file, key, node)
    if name is None:
        return None
    file.mark("authors.0", node)
    return (name,)


def _aliases(file: _File, key: str, node: Node) -> tuple[str, ...] | None:
    return _list(file, key, node, _alias)


def _alias(file: _File, key: str, node: Node) -> str | None:
    """An address of this site as a path, decoded."""
    text = _item(file, key, node)
    if text is None:
        return None
    path = unicodedata.normalize("NFC", unquote(text))
    segments = path[1:].split("/")
    reason = ""
    if not path.startswith("/"):
        reason = "it must begin with '/'"
    elif re.search("[\\x00-\\x1f\\x7f-\\x9f\\ufffd\\\\]", path) or "%2f" in text.lower():
        reason = "it holds a character that no address of a page has"
    elif "?" in text or "#" in text:
        reason = "a page is found by its path alone, without '?' and '#'"
    elif any(segment in (".", "..") for segment in segments) or "" in segments[:-1]:
        reason = "it must have no '.', '..' or empty part"
    elif any(len(segment.encode()) > LONGEST_NAME for segment in segments):
        reason = f"a part of it is longer than {LONGEST_NAME} bytes"
    if reason:
        message = f"'{brief(text)}' cannot be an address of this site: {reason}"
        file.error(node.span, key, message, "write the old path of the page, such as '/old/address/'")
        return None
    return path


# Places.


def _related(file: _File, key: str, node: Node) -> Related | None:
    if isinstance(node, Scalar) and node.plain and node.text in ("true", "false"):
        return Related(on=node.text == "true")
    if not isinstance(node, Mapping):
        hint = "write 'related: false', or 'pin' and 'block' below it with a list of posts each"
        file.error(node.span, key, f"'{key}' must be false, or have 'pin' and 'block' below it", hint)
        return None
    lists: dict[str, tuple[str, ...] | None] = dict.fromkeys(WISHES, ())
    for name, value in node.entries:
        if name.text not in lists:
            message = f"there is no key '{brief(name.text)}' in '{key}'"
            known = "it has 'pin', 'block' and 'block_both'"
            file.warn(name.span, "key", message, did_you_mean(name.text, lists) or known)
        elif not (isinstance(value, Scalar) and value.is_absent):
            file.mark(f"{key}.{name.text}", value)
            lists[name.text] = _list(file, f"{key}.{name.text}", value, _post)
    pin, block, block_both = (lists[name] for name in WISHES)
    if pin is None or block is None or block_both is None:
        return None
    return Related(True, pin, block, block_both)


WISHES = ("pin", "block", "block_both")
"""The lists of posts below ``related``."""


def _post(file: _File, key: str, node: Node) -> str | None:
    """A post by its path, as a link in this file's body would give it, relative to the site; any other name (an
    address, a slug) as it is written."""
    text = _item(file, key, node)
    if text is None:
        return None
    is_address = bool(re.match("https?://", text))
    if is_address or (not text.casefold().endswith(SOURCES) and "\\" not in text):
        return unicodedata.normalize("NFC", text)
    if text.startswith("/"):
        path = text.lstrip("/")
    else:
        path = text if text.startswith("posts/") else posixpath.join(posixpath.dirname(file.path), text)
    path = posixpath.normpath(path)
    reason = ""
    if "\\" in text:
        reason = "folders are separated by '/'"
    elif not path.startswith("posts/"):
        reason = "it is not below posts/"
    elif path == file.path:
        reason = "it is this post"
    if reason:
        message = f"'{brief(text)}' cannot be a related post: {reason}"
        file.error(node.span, key, message, "write its path as in a link, such as 'other.md' or '/posts/other.md'")
        return None
    return path


def _canonical(file: _File, key: str, node: Node) -> str | None:
    text = _text(file, key, node)
    if text is None or _is_web_address(text):
        return text
    hint = "write the whole address, such as 'https://example.com/post/'"
    file.error(node.span, key, f"'{brief(text)}' is not an http or https address", hint)
    return None


def _is_web_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(host) and not re.search(r"[\s\\<>\"]", text)


def _image(file: _File, key: str, node: Node) -> str | None:
    """As written: an address on the web, a path from the post's own file, or from the site when it begins with '/'."""
    text = _line(file, key, node)
    if text is None or _is_web_address(text):
        return text
    base = "" if text.startswith("/") else posixpath.dirname(file.path)
    path = posixpath.normpath(posixpath.join(base, text.lstrip("/")))
    if "\\" in text or text.startswith("//") or re.match(r"[A-Za-z][\w+.-]*:", text) or path.startswith(".."):
        hint = "write a path such as 'cover.jpg' or '/assets/cover.jpg', or an https address"
        file.error(node.span, key, f"'{brief(text)}' is neither a file of this site nor an http address", hint)
        return None
    return text


# Keys of the site's own: the types of YAML 1.2's core schema, https://yaml.org/spec/1.2.2/#103-core-schema.

_CONSTANTS: dict[str, bool | float | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}
_INTEGER = re.compile(r"[-+]?[0-9]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_MOST_DIGITS = 300


def typed(text: str) -> str | int | float | bool | None:
    """A plain scalar by YAML 1.2's core schema; numbers of more than 300 characters stay text."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if text[0] not in "0123456789+-." or len(text) > _MOST_DIGITS:
        return text
    if _INTEGER.fullmatch(text):
        return int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    if re.fullmatch("0o[0-7]+|0x[0-9a-fA-F]+", text):
        return int(text, 0)
    return text


def _extra(file: _File, key: str, node: Node) -> Table | None:
    if not isinstance(node, Mapping):
        file.error(node.span, key, f"'{key}' must have keys below it", "write 'extra:' and below it '  name: value'")
        return None
    table: Table = frozen(_data(node))
    return table


def _data(node: Node) -> Any:
    if isinstance(node, Scalar):
        return typed(node.text) if node.plain else node.text
    if isinstance(node, Sequence):
        return [_data(item) for item in node.items]
    return {key.text: _data(value) for key, value in node.entries}


# The schema.


def _kind(read: Read, **schema: Any) -> Kind:
    return Kind(read, frozen(schema))


_WORD = ["string", "number", "boolean"]
_NAMES = {"type": "array", "items": {"type": "string", "minLength": 1}, "uniqueItems": True}
_OR_EMPTY = {"type": "null"}

LINE = _kind(_line, type=_WORD, minLength=1)
TEXT = _kind(_text, type=[*_WORD, "null"])
MOMENT = _kind(
    _moment,
    type=["string", "null"],
    pattern=r"^\d{4}-\d{2}-\d{2}([Tt ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)? ?([Zz]|[+-]\d{2}:?\d{2})?)?$",
)
FLAG = _kind(_flag, type="boolean")
SLUG = _kind(_slug, type=["string", "number", "null"], pattern=r"^[^/\\?#%]*$", maxLength=LONGEST)
LAYOUT = _kind(_layout, type=["string", "null"], pattern=r"^[\w-]+(/[\w-]+)*(\.html)?$")
TAGS = _kind(_tags, anyOf=[_NAMES, _OR_EMPTY])
AUTHORS = _kind(_authors, anyOf=[{"type": "string", "minLength": 1}, _NAMES, _OR_EMPTY])
ALIASES = _kind(
    _aliases,
    anyOf=[{"type": "array", "items": {"type": "string", "pattern": "^/([^/?#]|$)"}, "uniqueItems": True}, _OR_EMPTY],
)
RELATED = _kind(
    _related,
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
CANONICAL = _kind(_canonical, type=["string", "null"], pattern="^https?://")
IMAGE = _kind(_image, type=["string", "null"])
EXTRA = _kind(_extra, type=["object", "null"])

FIELDS: tuple[Field, ...] = (
    Field("title", LINE, "The title of the post.", may_be_empty=False),
    Field("date", MOMENT, "The day or time of publication; the file's name may begin with it instead."),
    Field("updated", MOMENT, "The day or time of the last change worth telling."),
    Field("expires", MOMENT, "From this day or time on the post is no longer published."),
    Field("tags", TAGS, "What the post is about."),
    Field("description", TEXT, "One or two sentences for search engines and previews."),
    Field("slug", SLUG, "The last part of the post's address, instead of its file name."),
    Field("author", AUTHORS, "Who wrote the post: one name or a list.", name="authors"),
    Field("authors", AUTHORS, "Who wrote the post: a list of names."),
    Field("series", LINE, "The series the post is a part of."),
    Field("draft", FLAG, "True keeps the post out of the published site.", may_be_empty=False),
    Field("layout", LAYOUT, "The layout to render with; 'page' makes a standing page without a date."),
    Field("image", IMAGE, "The cover: a path from this file or, with a leading '/', from the site; or an address."),
    Field("image_alt", TEXT, "What the cover shows, for those who cannot see it."),
    Field("aliases", ALIASES, "Old addresses of the post that lead to it."),
    Field("related", RELATED, "False for no related posts, or the posts to pin and to block."),
    Field("canonical", CANONICAL, "Where the post was published first."),
    Field("toc", FLAG, "False leaves the table of contents out."),
    Field("extra", EXTRA, "Keys of the site's own, for its layouts."),
)

_BY_KEY = {known.key: known for known in FIELDS}


def json_schema() -> dict[str, Any]:
    """The front matter as JSON Schema (draft 7), by which editors complete and check it."""
    schema = {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Front matter of an Octavo post",
        "type": "object",
        "properties": {known.key: {"description": known.about, **known.kind.schema} for known in FIELDS},
        "required": ["title"],
        "not": {"required": ["author", "authors"]},
        "additionalProperties": False,
    }
    plain: dict[str, Any] = json.loads(json.dumps(schema, default=dict))
    return plain


def json_schema_text() -> str:
    """The content of ``docs/front-matter.schema.json``."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"
