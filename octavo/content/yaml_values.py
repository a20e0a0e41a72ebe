"""YAML's nodes as the kinds of values see them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from octavo.base.validation import At, brief
from octavo.content.front_matter import Mapping, Scalar, Sequence, YamlNode


class Yaml:
    """The notation of ``octavo.base.validation`` for YAML.

    Scalars are as they are written; a kind that wants them typed asks ``to_python``.
    """

    def text(self, value: YamlNode) -> str | None:
        return value.text if isinstance(value, Scalar) else None

    def one_line(self, text: str) -> str:
        line = re.sub(r"[ \t]*\n[ \t\n]*", " ", text) if "\n" in text else text
        return line.strip(" \t\n")

    def flag(self, value: YamlNode) -> bool | None:
        if isinstance(value, Scalar) and value.plain and value.text in ("true", "false"):
            return value.text == "true"
        return None

    def items(self, value: YamlNode) -> tuple[YamlNode, ...] | None:
        return value.items if isinstance(value, Sequence) else None

    def entries(self, value: YamlNode) -> Iterator[tuple[str, YamlNode]] | None:
        return ((key.text, entry) for key, entry in value.entries) if isinstance(value, Mapping) else None

    def is_absent(self, value: YamlNode) -> bool:
        return isinstance(value, Scalar) and value.is_absent

    def type_name(self, value: YamlNode) -> str:
        return "text" if isinstance(value, Scalar) else "a list" if isinstance(value, Sequence) else "a mapping"

    def quoted(self, value: YamlNode) -> str:
        """A value as it stands in the file, to the end of its first line."""
        start = _start(value)
        return brief(value.span.text[start : start + value.span.width].strip())


YAML = Yaml()


def _start(node: YamlNode) -> int:
    return (node.span.column or 1) - 1


def text_hint(node: YamlNode, at: At) -> str:
    """What to write in the place of a list or a mapping."""
    is_in_brackets = node.span.text[_start(node)] in "[{"
    return "put the value in quotes, brackets and all" if is_in_brackets else "write it in one line"


def list_hint(node: YamlNode, at: At) -> str:
    """What to write in the place of a value that is no list."""
    return f"write {at.keys[-1]}: {_as_list(node)}"


def _as_list(node: YamlNode) -> str:
    """What the author of ``python, web`` wanted to write."""
    if not isinstance(node, Scalar):
        return "[one, two]"
    text = "" if node.plain and parse_scalar(node.text) is None else node.text
    parts = [part.strip() for part in text.replace("\n", " ").split(",")]
    return "[" + ", ".join(_as_item(part) for part in parts if part) + "]"


def _as_item(text: str) -> str:
    if re.fullmatch(r"[\w/.][\w /.+#-]*", text) and " #" not in text and isinstance(parse_scalar(text), str):
        return brief(text)
    return json.dumps(brief(text), ensure_ascii=False)


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


def parse_scalar(text: str) -> str | int | float | bool | None:
    """Give a plain scalar its type by YAML 1.2's core schema.

    Numbers of more than 300 characters stay text.
    """
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


def to_python(node: YamlNode) -> Any:
    """A node as Python's own values."""
    if isinstance(node, Scalar):
        return parse_scalar(node.text) if node.plain else node.text
    if isinstance(node, Sequence):
        return [to_python(item) for item in node.items]
    return {key.text: to_python(value) for key, value in node.entries}
