"""The kinds of values in front matter, by what a key may say."""

from __future__ import annotations

import posixpath
import re
import unicodedata
from typing import NamedTuple
from urllib.parse import unquote

from octavo.base.names import LONGEST_NAME, POSTS_FOLDER, SOURCE_ENDINGS
from octavo.base.urls import LONGEST_SLUG_BYTES, is_web_address, slugify
from octavo.base.validation import (
    At,
    Date,
    Either,
    Field,
    Flag,
    Kind,
    ListOf,
    Parts,
    Problem,
    Refined,
    TableOf,
    Text,
    UnknownKey,
    Visible,
    brief,
    is_visible,
)
from octavo.content.front_matter import Mapping, Scalar, Sequence, YamlNode
from octavo.content.yaml_values import YAML, list_hint, parse_scalar, text_hint, to_python
from octavo.model.values import Table, freeze

# Text.


TEXT = Text(YAML, text_hint)
LINE = Visible(TEXT, "write text after '{key}:'")
FLAG = Flag(YAML, "write '{key}: true' or '{key}: false', without quotes")
DATE = Date(YAML)


def _slug(text: str, at: At) -> str | Problem:
    """One segment of a URL.

    What cannot be meant as one is refused; letters and blanks are made to fit.
    """
    wrong = next((c for c in text if c in "/\\?#%"), None)
    reason, hint = "", "write letters, digits and hyphens, such as 'my-first-post'"
    if not text:
        reason = "it is empty"
    elif wrong:
        reason = f"it is one part of an address, without '{wrong}'"
    elif not any(c.isalnum() for c in text):
        reason = "it has no letter or digit"
    elif len(text.encode()) > LONGEST_SLUG_BYTES:
        reason, hint = f"it is longer than {LONGEST_SLUG_BYTES} bytes", "write a shorter one"
    if reason:
        return Problem(at, f"'{brief(text)}' cannot be a slug: {reason}", hint)
    return slugify(text)


SLUG = Refined("slug", TEXT, _slug)


def _layout(text: str, at: At) -> str | Problem:
    """The name of a layout without ``.html``, which may be written."""
    if re.fullmatch(r"[\w-]+(?:/[\w-]+)*(?:\.html)?", text):
        return text.removesuffix(".html")
    hint = "write the name of a file in layouts/, such as 'page' or 'wide.html'"
    return Problem(at, f"'{brief(text)}' cannot be the name of a layout", hint)


LAYOUT = Refined("layout", TEXT, _layout)


def _canonical(text: str, at: At) -> str | Problem:
    if is_web_address(text):
        return text
    hint = "write the whole address, such as 'https://example.com/post/'"
    return Problem(at, f"'{brief(text)}' is not an http or https address", hint)


CANONICAL = Refined("address", TEXT, _canonical)


def _image(text: str, at: At) -> str | Problem:
    """An image's address, as written.

    It is one on the web, a path from the post's own file, or one from the site when it begins with '/'.
    """
    if is_web_address(text):
        return text
    base = "" if text.startswith("/") else posixpath.dirname(at.path)
    path = posixpath.normpath(posixpath.join(base, text.lstrip("/")))
    if "\\" in text or text.startswith("//") or re.match(r"[A-Za-z][\w+.-]*:", text) or path.startswith(".."):
        hint = "write a path such as 'cover.jpg' or '/assets/cover.jpg', or an https address"
        return Problem(at, f"'{brief(text)}' is neither a file of this site nor an http address", hint)
    return text


IMAGE = Refined("image", LINE, _image)


# Lists.


class ListItem(NamedTuple):
    """One name in a list.

    It is text, and no number or truth value that its author takes for text.
    """

    name: str = "text"

    def read(self, value: YamlNode, at: At) -> str | Problem:
        if not isinstance(value, Scalar):
            key = at.above().name
            message = f"each of '{key}' must be text, not {YAML.type_name(value)}"
            return Problem(at, message, f"write {key}: [one, two]")
        item = parse_scalar(value.text) if value.plain else value.text
        if item is None or not is_visible(value.text):
            return Problem(at, f"there is an empty value in '{at.above().name}'", "delete it, or write its text")
        if not isinstance(item, str):
            type_name = "a boolean" if isinstance(item, bool) else "a number"
            message = f"{brief(value.text)} in '{at.above().name}' is {type_name}, not text"
            return Problem(at, message, f'put it in quotes: "{brief(value.text)}"')
        return YAML.one_line(value.text)


class Single(NamedTuple):
    """A list that is written as its one item."""

    item: Kind
    name: str = "text"

    def read(self, value: YamlNode, at: At) -> Problem | Parts:
        item = self.item.read(value, at)
        return item if isinstance(item, Problem) else Parts((item,), origins=(((0,), value),))


def _list_of(item: Kind) -> ListOf:
    return ListOf(YAML, item, list_hint, "'{key}' must be a list", "delete one of them")


NAMES = _list_of(ListItem())
AUTHORS = Either("authors", lambda node: isinstance(node, Sequence), NAMES, Single(LINE))


def _alias(text: str, at: At) -> str | Problem:
    """An address of this site as a path, decoded."""
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
        return Problem(at, message, "write the old path of the page, such as '/old/address/'")
    return path


ALIASES = _list_of(Refined("address", ListItem(), _alias))


def _post(text: str, at: At) -> str | Problem:
    """The path, relative to the site, of a post named as in a link.

    Any other name (an address, a slug) is as it is written.
    """
    is_address = bool(re.match("https?://", text))
    if is_address or (not text.casefold().endswith(SOURCE_ENDINGS) and "\\" not in text):
        return unicodedata.normalize("NFC", text)
    if text.startswith("/"):
        path = text.lstrip("/")
    else:
        path = text if text.startswith(POSTS_FOLDER) else posixpath.join(posixpath.dirname(at.path), text)
    path = posixpath.normpath(path)
    reason = ""
    if "\\" in text:
        reason = "folders are separated by '/'"
    elif not path.startswith(POSTS_FOLDER):
        reason = "it is not below posts/"
    elif path == at.path:
        reason = "it is this post"
    if reason:
        message = f"'{brief(text)}' cannot be a related post: {reason}"
        return Problem(at, message, "write its path as in a link, such as 'other.md' or '/posts/other.md'")
    return path


# Mappings.


class RelatedKey(NamedTuple):
    """The key ``related``.

    ``on``: whether related posts are shown; ``pin``: those that come first; ``block`` and ``block_both``: those that
    never come.
    """

    on: bool = True
    pin: tuple[str, ...] = ()
    block: tuple[str, ...] = ()
    block_both: tuple[str, ...] = ()


PIN_AND_BLOCK_KEYS = ("pin", "block", "block_both")
"""The lists of posts below ``related``."""

_POSTS = _list_of(Refined("post", ListItem(), _post))

_PIN_AND_BLOCK = TableOf(
    YAML,
    tuple(Field(name, _POSTS, "") for name in PIN_AND_BLOCK_KEYS),
    lambda lists: RelatedKey(True, **lists),
    UnknownKey("there is no key '{name}' in '{table}'", "it has 'pin', 'block' and 'block_both'", is_warning=True),
    "write 'related: false', or 'pin' and 'block' below it with a list of posts each",
    "'{key}' must be false, or have 'pin' and 'block' below it",
)


RELATED = Either(
    "related",
    lambda node: YAML.flag(node) is not None,
    Refined("flag", FLAG, lambda flag, at: RelatedKey(on=flag)),
    _PIN_AND_BLOCK,
)


class Extra(NamedTuple):
    """Keys of the site's own, with any values."""

    name: str = "mapping"

    def read(self, value: YamlNode, at: At) -> Table | Problem:
        if isinstance(value, Mapping):
            table: Table = freeze(to_python(value))
            return table
        return Problem(at, f"'{at.name}' must have keys below it", "write 'extra:' and below it '  name: value'")


EXTRA = Extra()
