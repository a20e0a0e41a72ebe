"""Settings: ``[tool.octavo]`` of pyproject.toml, checked, every problem at its own line and column."""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import quote, unquote, urlsplit
from zoneinfo import ZoneInfo, available_timezones

from octavo.diagnostic import Diagnostic, Span, did_you_mean, error, in_order
from octavo.model import Csp, Images, MenuItem, Permalinks, Related, Settings, Support
from octavo.shortage import raise_if_shortage
from octavo.source import SourceText
from octavo.toml_positions import Keys, Position, TomlScan

FILE = "pyproject.toml"
TABLE = ("tool", "octavo")

NO_OVERRIDES: Mapping[str, str] = MappingProxyType({})


def read_settings(
    text: str | None, folder_name: str, overrides: Mapping[str, str] = NO_OVERRIDES
) -> tuple[Settings, tuple[Diagnostic, ...]]:
    """The settings of a site and all that is wrong with them; a default stands in for what is wrong or not given.

    ``text`` is that of pyproject.toml, None when there is none. ``folder_name`` is the title of a site that has no
    other. ``overrides`` are settings from the command line, as text: a problem with ``base_url`` has the path
    ``--base-url``.
    """
    problems: list[Diagnostic] = []
    values: dict[str, Any] = {}
    if text is not None:
        source = SourceText(FILE, text.replace("\r\n", "\n"))
        table, places = _table(source, problems)
        values = _read_table(_File(FILE, places, problems), TABLE, table, FIELDS)
    for name, written in overrides.items():
        given = _File("--" + name.replace("_", "-"), {}, problems)
        values |= _read_table(given, (), {name: _typed(name, written)}, FIELDS)
    pattern = values.pop("permalink", None)
    settings = Settings(**values)
    if pattern is not None:
        settings = replace(settings, permalinks=replace(settings.permalinks, posts=pattern))
    return replace(settings, title=settings.title or _folder_title(folder_name)), in_order(problems)


class Row(NamedTuple):
    """One setting, as the docs list it."""

    name: str
    type: str
    default: str
    meaning: str


def settings_table() -> list[Row]:
    """Every setting in the order in which the docs show them; those of a table are dotted (``permalinks.tag``)."""
    return list(_rows("", FIELDS, Settings()))


def _rows(prefix: str, fields: tuple[Field, ...], defaults: object) -> Iterator[Row]:
    for known in fields:
        default = getattr(defaults, known.name, "")
        if known.kind.fields and not isinstance(default, tuple):
            yield from _rows(f"{prefix}{known.name}.", known.kind.fields, default)
        else:
            if default is True or default is False:
                default = str(default).lower()
            shown = "" if default in ("", ()) else str(list(default) if isinstance(default, tuple) else default)
            yield Row(prefix + known.name, known.kind.name, shown, known.about)


def _folder_title(name: str) -> str:
    shown = name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return " ".join("".join(c if c.isprintable() else " " for c in shown).split()) or "Untitled"


def _typed(name: str, written: str) -> object:
    """A setting from the command line, as TOML would have typed it."""
    is_number = any(known.name == name and known.kind.name.startswith("whole number") for known in FIELDS)
    return int(written) if is_number and re.fullmatch(r"[+-]?[0-9]{1,9}", written) else written


def _table(source: SourceText, problems: list[Diagnostic]) -> tuple[Mapping[str, Any], Mapping[Keys, Position]]:
    """The table ``[tool.octavo]`` and the places of all values of the file; an empty table when there is none."""
    scan = TomlScan(source).run()
    places: dict[Keys, Position] = {}
    for keys, place in scan.positions:
        places.setdefault(keys, place)
    try:
        value: Any = tomllib.loads(source.text)
    except RecursionError:
        problems.append(error(FILE, None, "toml", "the file is nested too deeply"))
        return {}, places
    except tomllib.TOMLDecodeError as fault:
        problems.append(_syntax(source, scan, str(fault)))
        return {}, places
    except ValueError:
        problems.append(error(FILE, None, "toml", "a number in the file has too many digits"))
        return {}, places
    for key in TABLE:
        value = value.get(key, {}) if isinstance(value, dict) else {}
    if not isinstance(value, dict):
        _File(FILE, places, problems).error(TABLE, "'tool.octavo' must be a table", "write [tool.octavo] above it")
        return {}, places
    return value, places


_AT = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")


_HINT = 'a setting is written name = "text", name = 10, name = true or name = ["a", "b"]'


def _syntax(source: SourceText, scan: TomlScan, fault: str) -> Diagnostic:
    """What tomllib found, where an author would look for it."""
    match = _AT.search(fault)
    message = fault[: match.start()] if match else fault
    if match is None or match[1] is None:
        opened = source.text[scan.at : scan.at + 1]
        reason = f"this {opened} is not closed" if opened and opened in "\"'[{" else _lower(message)
        return error(FILE, source.span_at(scan.at), "toml", f"not valid TOML: {reason}", _HINT)
    line, column = int(match[1]), int(match[2])
    again = _declared_again(scan, line)
    if again is not None:
        return again
    return error(FILE, source.span(line, column), "toml", f"not valid TOML: {_lower(message)}", _HINT)


def _declared_again(scan: TomlScan, line: int) -> Diagnostic | None:
    """The key in a line that an earlier line has already, if that is what is wrong."""
    first: dict[Keys, Span] = {}
    for keys, place in scan.positions:
        if not place.declares:
            continue
        before = first.setdefault(keys, place.key)
        if before is not place.key and place.key.line == line:
            message = f"'{_name(keys)}' is already in line {before.line}"
            return error(FILE, place.key, "toml", message, "keep one of them")
    return None


def _lower(message: str) -> str:
    return message[:1].lower() + message[1:]


# What the values may be.


@dataclass(frozen=True)
class _File:
    """Where settings come from, and what is found wrong with them."""

    path: str
    places: Mapping[Keys, Position]
    problems: list[Diagnostic]

    def error(self, at: Keys, message: str, hint: str = "", *, in_key: bool = False) -> None:
        place = self.places.get(at)
        span = None if place is None else place.key if in_key else place.value
        self.problems.append(error(self.path, span, "settings", message, hint))


Read = Callable[[_File, Keys, Any], Any]
"""Reads a value. Returns None when it is not valid, and has said so in the file's problems."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A type of setting: what the docs call it, how it is read, and its fields if it is a table."""

    name: str
    read: Read
    fields: tuple[Field, ...] = ()


@dataclass(frozen=True, slots=True)
class Field:
    """One key of a table."""

    name: str
    kind: Kind
    about: str


def _read_table(file: _File, at: Keys, table: Mapping[str, Any], fields: tuple[Field, ...]) -> dict[str, Any]:
    """The values of a table by the names of its fields; those that are not valid are left out."""
    known = {each.name: each for each in fields}
    values: dict[str, Any] = {}
    for name, value in table.items():
        if name not in known:
            hint = did_you_mean(name, known) or f"the keys are {', '.join(known)}"
            file.error((*at, name), f"there is no setting '{name}'", hint, in_key=True)
            continue
        read = known[name].kind.read(file, (*at, name), value)
        if read is not None:
            values[name] = read
    if "permalink" in table and isinstance(table.get("permalinks"), dict) and "posts" in table["permalinks"]:
        file.error((*at, "permalink"), "'permalink' and 'permalinks.posts' say the same", "keep one of them")
    return values


def _name(at: Keys) -> str:
    """``permalinks.tag``, ``menu.0.url``: a setting as its table names it."""
    return ".".join(map(str, at[len(TABLE) :] if at[: len(TABLE)] == TABLE and at != TABLE else at))


_TYPES = ((bool, "a truth value"), (str, "text"), (int, "a whole number"), (float, "a number"), (list, "an array"))


def _what(value: object) -> str:
    if isinstance(value, dict):
        return "a table"
    return next((name for kind, name in _TYPES if isinstance(value, kind)), "a date or time")


def _text(file: _File, at: Keys, value: Any) -> str | None:
    """One line of text: line ends within it are blanks on a page anyway."""
    if not isinstance(value, str):
        file.error(at, f"'{_name(at)}' must be text, not {_what(value)}", "put it in quotes")
        return None
    line = re.sub(r"[ \t\r\n]*[\t\r\n][ \t\r\n]*", " ", value).strip()
    strange = next((c for c in line if unicodedata.category(c) == "Cc"), None)
    if strange is not None:
        file.error(at, f"'{_name(at)}' holds the control character U+{ord(strange):04X}", "delete it")
        return None
    return line


def _visible(file: _File, at: Keys, value: Any) -> str | None:
    text = _text(file, at, value)
    if text is not None and not any(c.isprintable() and not c.isspace() for c in text):
        file.error(at, f"'{_name(at)}' is empty", "write some text, or delete the line")
        return None
    return text


def _number(low: int, high: int) -> Kind:
    def read(file: _File, at: Keys, value: Any) -> int | None:
        if not isinstance(value, int) or isinstance(value, bool):
            hint = f"write a number from {low} to {high}, without quotes"
            file.error(at, f"'{_name(at)}' must be a whole number, not {_what(value)}", hint)
            return None
        if not low <= value <= high:
            file.error(at, f"'{_name(at)}' must be from {low} to {high}")
            return None
        return value

    return Kind(f"whole number, {low} to {high}", read)


def _one_of(*choices: str) -> Kind:
    def read(file: _File, at: Keys, value: Any) -> str | None:
        text = _text(file, at, value)
        if text is not None and text not in choices:
            message = f"'{_name(at)}' must be {_either(choices)}"
            file.error(at, message, did_you_mean(text, choices))
            return None
        return text

    return Kind(" or ".join(choices), read)


def _either(choices: tuple[str, ...]) -> str:
    quoted = [f"'{choice}'" for choice in choices]
    return f"{', '.join(quoted[:-1])} or {quoted[-1]}"


_PATH_SAFE = "/:@!$&'()*+,;=~%"
_WRITE_URL = "write an address such as 'https://name.example/blog'"


def _base_url(file: _File, at: Keys, value: Any) -> str | None:
    """``scheme://host[:port][/path]``, percent-encoded, without a slash at its end; empty when it is empty."""
    text = _text(file, at, value)
    if not text:
        return text
    reason = _no_base_url(text)
    if reason:
        file.error(at, f"'{_name(at)}' {reason}", _WRITE_URL)
        return None
    parts = urlsplit(text)
    return f"{parts.scheme}://{parts.netloc.lower()}{quote(parts.path, safe=_PATH_SAFE).rstrip('/')}"


_HOST = re.compile(r"[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?\.?|\[[0-9a-f:.]+\]", re.IGNORECASE)


def _no_base_url(text: str) -> str:
    """What is wrong with a base_url; the empty string when nothing is."""
    if any(c.isspace() or c in '\\<>"`{}|^' for c in text):
        return "holds a character that no address has"
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "is not an address"
    if parts.scheme not in ("http", "https"):
        return "must begin with 'https://' or 'http://'"
    if not host:
        return "has no host"
    if "@" in parts.netloc:
        return "must not hold a user or password"
    if not host.isascii():
        return f"must name the host in ASCII{_ascii_host(host)}"
    if not _HOST.fullmatch(f"[{host}]" if ":" in host else host):
        return "has a host that cannot be"
    if "?" in text or "#" in text:
        return "must end before '?' and '#'"
    if re.search(r"%(?![0-9A-Fa-f]{2})", parts.path):
        return "has a '%' that encodes nothing"
    path = [unquote(part) for part in parts.path.removeprefix("/").removesuffix("/").split("/")]
    if parts.path not in ("", "/") and any(part in ("", ".", "..") or "/" in part for part in path):
        return "has a path with an empty part, '.' or '..'"
    return ""


def _ascii_host(host: str) -> str:
    try:
        return f": {host.encode('idna').decode('ascii')}"
    except UnicodeError:
        return ""


# RFC 5646, section 2.1: langtag or privateuse; the few old irregular tags are left out.
_LANGUAGE = re.compile(
    r"(?:[a-z]{2,3}(?:-[a-z]{3}){0,3}|[a-z]{4,8})(?:-[a-z]{4})?(?:-(?:[a-z]{2}|[0-9]{3}))?"
    r"(?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*(?:-[a-wy-z0-9](?:-[a-z0-9]{2,8})+)*(?:-x(?:-[a-z0-9]{1,8})+)?"
    r"|x(?:-[a-z0-9]{1,8})+",
    re.IGNORECASE | re.ASCII,
)


def _language(file: _File, at: Keys, value: Any) -> str | None:
    text = _text(file, at, value)
    if text is not None and not _LANGUAGE.fullmatch(text):
        likely = text.split(".")[0].replace("_", "-")
        hint = f"did you mean '{likely}'?" if _LANGUAGE.fullmatch(likely) else "write a tag such as 'en' or 'pt-BR'"
        file.error(at, f"'{text}' is not a language tag", hint)
        return None
    return text


def _timezone(file: _File, at: Keys, value: Any) -> str | None:
    text = _text(file, at, value)
    if text is None or text == "UTC":
        return text
    # What the machine calls its own zone is another one elsewhere.
    if text != "localtime" and re.fullmatch(r"[A-Za-z][\w+-]*(?:/[\w+-]+)*", text, re.ASCII):
        try:
            ZoneInfo(text)
            return text
        except (OSError, ValueError, KeyError) as problem:
            raise_if_shortage(problem)  # else it is said below, with the name that was meant
    known = available_timezones() - {"localtime"}
    city = sorted(name for name in known if name.rsplit("/", 1)[-1].casefold() == text.replace(" ", "_").casefold())
    hint = f"did you mean '{city[0]}'?" if city else did_you_mean(text, known)
    file.error(at, f"'{text}' is not a time zone", hint or "write an IANA name such as 'Europe/Berlin'")
    return None


_MAIL = re.compile(r"mailto:[^\s@<>\"]+@[^\s@<>\"]+")


def _link(file: _File, at: Keys, value: Any) -> str | None:
    """A path of the site (``/about/``, not encoded) or a whole address of the web or of a mailbox."""
    text = _visible(file, at, value)
    if text is None:
        return None
    if _MAIL.fullmatch(text) or (re.match(r"https?://", text) and not _no_link(text)):
        return text
    if re.fullmatch(r"/(?!/)[^\s\\?#<>\"]*", text) and not _has_dots(text):
        return text
    hint = "write a path such as '/about/' or an address such as 'https://name.example/'"
    file.error(at, f"'{_name(at)}' is neither a path of this site nor an address", hint)
    return None


def _no_link(text: str) -> bool:
    try:
        return not urlsplit(text).hostname or any(c.isspace() or c in '\\<>"' for c in text)
    except ValueError:
        return True


def _has_dots(path: str) -> bool:
    return any(unquote(part) in (".", "..") for part in path.split("/"))


_TOKEN = re.compile(r"\{(\w*)\}")
_POST_TOKENS = ("path", "slug", "year", "month", "day", "section")


def _pattern(allowed: tuple[str, ...] = (), one_of: tuple[str, ...] = (), *, relative: bool = False) -> Kind:
    """A URL path with tokens, of which one of ``one_of`` must be there. A relative one continues another path."""

    def read(file: _File, at: Keys, value: Any) -> str | None:
        text = _text(file, at, value)
        if text is None:
            return None
        message, hint = _no_pattern(text, allowed, one_of, relative)
        if message:
            file.error(at, f"'{_name(at)}' {message}", hint)
            return None
        return text

    tokens = " ".join(f"{{{token}}}" for token in allowed)
    return Kind(f"pattern with {tokens}" if allowed else "path", read)


def _no_pattern(text: str, allowed: tuple[str, ...], one_of: tuple[str, ...], relative: bool) -> tuple[str, str]:
    """What is wrong with a pattern, and a hint; two empty strings when nothing is."""
    tokens = _TOKEN.findall(text)
    for token in tokens:
        if token not in allowed:
            known = f"the tokens are {', '.join(allowed)}" if allowed else "this path has no tokens"
            return f"has the unknown token '{{{token}}}'", did_you_mean(token, allowed) or known
    rest = _TOKEN.sub("token", text)
    strange = next((c for c in rest if c.isspace() or c in '\\?#%{}<>"|*:'), None)
    if strange is not None:
        return f"must not hold '{strange}'", ""
    if relative == text.startswith("/"):
        return ("must not begin with '/'" if relative else "must begin with '/'"), ""
    parts = rest.removeprefix("/").removesuffix("/").split("/")
    if any(part in ("", ".", "..") for part in parts) and rest != "/":
        return "has an empty part, '.' or '..'", ""
    if not rest.endswith("/") and "." not in parts[-1]:
        return "must end with '/' or name a file", f"write '{text}/' or '{text}.html'"
    if one_of and not set(tokens) & set(one_of):
        needed = " or ".join(f"{{{token}}}" for token in one_of)
        return f"needs {needed}, or all pages would have one address", ""
    return "", ""


def _permalinks(file: _File, at: Keys, value: Any) -> Permalinks | None:
    table = _a_table(file, at, value)
    return None if table is None else Permalinks(**_read_table(file, at, table, _PERMALINKS))


def _flag(file: _File, at: Keys, value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    file.error(at, f"'{_name(at)}' must be true or false, not {_what(value)}", "write true or false, without quotes")
    return None


def _images(file: _File, at: Keys, value: Any) -> Images | None:
    table = _a_table(file, at, value)
    return None if table is None else Images(**_read_table(file, at, table, _IMAGES))


def _csp(file: _File, at: Keys, value: Any) -> Csp | None:
    """A table, or where the policy is told alone."""
    if isinstance(value, str):
        told = _CSP_AT.read(file, at, value)
        return None if told is None else Csp(told)
    table = _a_table(file, at, value)
    return None if table is None else Csp(**_read_table(file, at, table, _CSP))


_CSP_AT = _one_of("headers", "meta", "both", "none")

_DIRECTIVES = re.compile(r"\s*(?:[a-z-]+(?:\s+[^\s;,]+)+\s*(?:;\s*|\Z))+")


def _directives(file: _File, at: Keys, value: Any) -> str | None:
    text = _text(file, at, value)
    if text and not _DIRECTIVES.fullmatch(text):
        hint = "write 'frame-src https://videos.example; connect-src https://numbers.example'"
        file.error(at, f"'{_name(at)}' must be directives, each with what it allows", hint)
        return None
    return text


def _related(file: _File, at: Keys, value: Any) -> Related | None:
    """A table, or the number of entries alone."""
    if isinstance(value, dict):
        return Related(**_read_table(file, at, value, _RELATED))
    if not isinstance(value, int) or isinstance(value, bool):
        hint = f"write {_name(at)} = 4, or [tool.octavo.{_name(at)}] with {', '.join(each.name for each in _RELATED)}"
        file.error(at, f"'{_name(at)}' must be a whole number or a table, not {_what(value)}", hint)
        return None
    count = _COUNT.read(file, at, value)
    return None if count is None else Related(count)


def _formats(file: _File, at: Keys, value: Any) -> tuple[str, ...] | None:
    return _distinct(file, at, value, _one_of("avif", "webp"), 'write formats = ["avif", "webp"]')


def _inside(file: _File, at: Keys, value: Any) -> str | None:
    """The path of a file of the site, from its folder."""
    path = _visible(file, at, value)
    if path is not None and (path.startswith(("/", "\\")) or ".." in path.split("/") or ":" in path):
        file.error(
            at, f"'{_name(at)}' must be a path within the site", 'write it from the site\'s folder: "fonts/own.otf"'
        )
        return None
    return path


def _compress(file: _File, at: Keys, value: Any) -> tuple[str, ...] | None:
    return _distinct(file, at, value, _one_of("gz", "br"), 'write compress = ["gz", "br"]')


def _hidden(file: _File, at: Keys, value: Any) -> tuple[str, ...] | None:
    return _distinct(file, at, value, Kind("path", _hidden_path), 'write publish_hidden = [".name"]')


def _hidden_path(file: _File, at: Keys, value: Any) -> str | None:
    """The path of a hidden file or folder below ``assets/root/``."""
    path = _visible(file, at, value)
    if path is None:
        return None
    parts = path.removesuffix("/").split("/")
    if any(part in ("", ".", "..") for part in parts) or not parts[-1].startswith("."):
        hint = "write it from assets/root/, as '.name' or 'folder/.name'"
        file.error(at, f"'{_name(at)}' must be the path of a hidden file or folder", hint)
        return None
    if ".git" in path.casefold().split("/"):
        file.error(at, "a repository is never published", "delete this")
        return None
    return "/".join(parts)


def _widths(file: _File, at: Keys, value: Any) -> tuple[int, ...] | None:
    widths = _distinct(file, at, value, _number(16, 4096), "write widths = [480, 800, 1280]")
    if widths == ():
        file.error(at, f"'{_name(at)}' is empty", "write widths = [480, 800, 1280], or formats = [] for no sizes")
        return None
    return None if widths is None else tuple(sorted(widths))


def _distinct(file: _File, at: Keys, value: Any, kind: Kind, hint: str) -> tuple[Any, ...] | None:
    """An array of different values of a kind."""
    if not isinstance(value, list):
        file.error(at, f"'{_name(at)}' must be an array, not {_what(value)}", hint)
        return None
    read = [kind.read(file, (*at, index), item) for index, item in enumerate(value)]
    return None if None in read else tuple(dict.fromkeys(read))


def _support(file: _File, at: Keys, value: Any) -> Support | None:
    table = _a_table(file, at, value)
    if table is None:
        return None
    if "message" not in table:
        file.error(at, "'support' has no message", 'write message = "…", or delete the table')
    return Support(**_read_table(file, at, table, _SUPPORT))


def _a_table(file: _File, at: Keys, value: Any) -> Mapping[str, Any] | None:
    if isinstance(value, dict):
        return value
    file.error(at, f"'{_name(at)}' must be a table, not {_what(value)}", f"write [tool.octavo.{_name(at)}]")
    return None


def _menu(file: _File, at: Keys, value: Any) -> tuple[MenuItem, ...] | None:
    hint = 'write {title = "About", url = "/about/"}'
    if not isinstance(value, list):
        file.error(at, f"'menu' must be an array of tables, not {_what(value)}", f"write menu = [{hint[6:]}]")
        return None
    items: list[MenuItem] = []
    for index, item in enumerate(value):
        place = (*at, index)
        if not isinstance(item, dict):
            file.error(place, f"an entry of the menu must be a table, not {_what(item)}", hint)
            continue
        for name in ("title", "url"):
            if name not in item:
                file.error(place, f"an entry of the menu has no '{name}'", hint)
        read = _read_table(file, place, item, _MENU)
        if len(read) == len(_MENU):
            items.append(MenuItem(**read))
    return tuple(items)


_TEXT = Kind("text", _text)
_PATH = _pattern()

_MENU = (
    Field("title", Kind("text", _visible), "what the entry says"),
    Field("url", Kind("link", _link), "a path of this site, or an address"),
)

_IMAGES = (
    Field(
        "formats", Kind("array of avif, webp", _formats), "the formats of images, the first choice first; [] for none"
    ),
    Field("widths", Kind("array of whole numbers, 16 to 4096", _widths), "the widths of images, in pixels"),
    Field("sizes", Kind("text", _visible), "how wide a page shows an image: HTML's 'sizes'"),
    Field(
        "cards", Kind("true or false", _flag), "whether posts without an image have a picture of their title for links"
    ),
    Field("card_font", Kind("path", _inside), "the font of these pictures: an OpenType or TrueType file of the site"),
)

_COUNT = _number(0, 100)

_RELATED = (
    Field("count", _COUNT, "related posts under an article; with 0 none are computed"),
    Field("keep_linked", Kind("true or false", _flag), "whether a list keeps posts that the article links to"),
    Field("reach_all", Kind("true or false", _flag), "whether every post is to be in some list"),
)

_CSP = (
    Field("at", _CSP_AT, "where the content security policy is told: in _headers, in each page, in both or nowhere"),
    Field("allow", Kind("directives", _directives), "what it allows beside what is found in the pages"),
)

_SUPPORT = (
    Field("message", Kind("text", _visible), "the notice; without one there is no notice in any page"),
    Field("url", Kind("link", _link), "where the notice leads"),
    Field("label", Kind("text", _visible), "what the link of the notice says"),
)

_PERMALINKS = (
    Field("posts", _pattern(_POST_TOKENS, ("path", "slug")), "a post"),
    Field("pages", _pattern(("path", "slug", "section"), ("path", "slug")), "a standing page such as About"),
    Field("home", _PATH, "the list of all posts"),
    Field("tags", _PATH, "the list of all tags"),
    Field("tag", _pattern(("slug",), ("slug",)), "the posts with a tag"),
    Field("archive", _PATH, "all posts by year"),
    Field("search", _PATH, "all titles, and a field to look for some"),
    Field("series", _pattern(("slug",), ("slug",)), "the posts of a series"),
    Field("author", _pattern(("slug",), ("slug",)), "the posts by an author"),
    Field("atom", _PATH, "the Atom feed"),
    Field("json_feed", _PATH, "the JSON Feed"),
    Field("sitemap", _PATH, "the sitemap"),
    Field("robots", _PATH, "what crawlers may visit"),
    Field("not_found", _PATH, "what a host shows for an address that leads nowhere"),
    Field("related", _PATH, "the index of related posts"),
    Field("paginated", _pattern(("number",), ("number",), relative=True), "what follows from the second page on"),
)

FIELDS = (
    Field("title", Kind("text", _visible), "the site's name; by default that of its folder"),
    Field("description", _TEXT, "what the site is about, in a sentence"),
    Field("base_url", Kind("address", _base_url), "where the site will stand; it may have a path"),
    Field("language", Kind("language tag", _language), "the language of the site (BCP 47)"),
    Field("timezone", Kind("IANA name", _timezone), "decides the day shown and what counts as the future"),
    Field("author", _TEXT, "the author of posts that name none"),
    Field("menu", Kind("array of tables", _menu, _MENU), "the entries of the menu, each with 'title' and 'url'"),
    Field("permalink", _pattern(_POST_TOKENS, ("path", "slug")), "short for 'permalinks.posts'"),
    Field("permalinks", Kind("table", _permalinks, _PERMALINKS), "where each kind of page stands"),
    Field("paginate", _number(1, 10_000), "posts on one page of a list"),
    Field("feed_length", _number(1, 10_000), "posts in a feed"),
    Field("latest", _number(0, 100), "posts under 'Latest articles'"),
    Field("related", Kind("table, or 'count' alone", _related, _RELATED), "the lists of related posts"),
    Field("excerpt", _number(20, 10_000), "characters in an excerpt, at most"),
    Field("raw_html", _one_of("allow", "sanitize", "error"), "what becomes of HTML within Markdown"),
    Field("images", Kind("table", _images, _IMAGES), "what becomes of images"),
    Field("support", Kind("table", _support, _SUPPORT), "the support notice"),
    Field("font", _one_of("serif", "system"), "the type of the default theme: its own serif, or what a system has"),
    Field("inline", _number(0, 100_000), "bytes of the largest style sheet or script that is put into the pages"),
    Field("compress", Kind("array of gz, br", _compress), "the compressed copies that are published beside the files"),
    Field("csp", Kind("table, or 'at' alone", _csp, _CSP), "the content security policy"),
    Field("publish_hidden", Kind("array of paths", _hidden), "the hidden files of assets/root that are published"),
)
