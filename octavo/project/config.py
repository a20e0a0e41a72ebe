"""Settings: ``[tool.octavo]`` of pyproject.toml, checked.

Every problem has its own line and column.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo, available_timezones

from octavo.base import urls
from octavo.base.diagnostics import Diagnostic, did_you_mean, error, sort_problems
from octavo.base.names import CONFIG_FILE
from octavo.base.shortage import raise_if_shortage
from octavo.base.source_text import SourceText
from octavo.base.toml_positions import Keys, Position, Toml, TomlScan, explain_fault
from octavo.base.validation import (
    At,
    Choice,
    Either,
    Field,
    Flag,
    Kind,
    ListOf,
    Number,
    Parts,
    Problem,
    Refined,
    TableOf,
    Text,
    UnknownKey,
    Visible,
    read_table,
    say,
    to_parts,
)
from octavo.model.settings import CspSettings, ImageSettings, MenuItem, Permalinks, RelatedSettings, Settings, Support

TABLE = ("tool", "octavo")

NO_OVERRIDES: Mapping[str, str] = MappingProxyType({})


def read_settings(
    text: str | None, folder_name: str, overrides: Mapping[str, str] = NO_OVERRIDES
) -> tuple[Settings, tuple[Diagnostic, ...]]:
    """Read the settings of a site, and tell all that is wrong with them.

    A default stands in for what is wrong or not there. ``text`` is that of pyproject.toml, None when there is none.
    ``folder_name`` is the title of a site that has no other. ``overrides`` are settings from the command line, as text:
    a problem with ``base_url`` has the path ``--base-url``.
    """
    problems: list[Diagnostic] = []
    values: dict[str, Any] = {}
    if text is not None:
        source = SourceText(CONFIG_FILE, text.replace("\r\n", "\n"))
        table, places = _table(source, problems)
        values, wrong = _values(At(CONFIG_FILE), table)
        problems += (_located(problem, places) for problem in wrong)
    for name, written in overrides.items():
        option, wrong = _values(At("--" + name.replace("_", "-")), {name: _typed(name, written)})
        values |= option
        problems += (_located(problem, {}) for problem in wrong)
    pattern = values.pop("permalink", None)
    settings = Settings(**values)
    if pattern is not None:
        settings = replace(settings, permalinks=replace(settings.permalinks, posts=pattern))
    return replace(settings, title=settings.title or _folder_title(folder_name)), sort_problems(problems)


def _values(at: At, table: Mapping[str, Any]) -> tuple[dict[str, Any], tuple[Problem, ...]]:
    """The settings of a table that are valid, and what is wrong with the others."""
    reading = read_table(_TOML, table, at, FIELDS, _UNKNOWN)
    if "permalink" in table and isinstance(table.get("permalinks"), dict) and "posts" in table["permalinks"]:
        twice = Problem(at.below("permalink"), "'permalink' and 'permalinks.posts' say the same", "keep one of them")
        return reading.value, (*reading.problems, twice)
    return reading.value, reading.problems


def _located(problem: Problem, positions: Mapping[Keys, Position]) -> Diagnostic:
    position = positions.get((*TABLE, *problem.at.keys))
    span = None if position is None else position.key if problem.in_key else position.value
    return problem.diagnostic("settings", span)


class SettingRow(NamedTuple):
    """One setting, as the docs list it."""

    name: str
    type: str
    default: str
    meaning: str


def settings_table() -> list[SettingRow]:
    """Every setting, in the order in which the docs show them.

    Those of a table are dotted (``permalinks.tag``).
    """
    return list(_rows("", FIELDS, Settings()))


def _rows(prefix: str, fields: tuple[Field, ...], defaults: object) -> Iterator[SettingRow]:
    for field in fields:
        default = getattr(defaults, field.name, "")
        if field.fields and not isinstance(default, tuple):
            yield from _rows(f"{prefix}{field.name}.", field.fields, default)
        else:
            if default is True or default is False:
                default = str(default).lower()
            text = "" if default in ("", ()) else str(list(default) if isinstance(default, tuple) else default)
            yield SettingRow(prefix + field.name, field.kind.name, text, field.about)


def _folder_title(name: str) -> str:
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return " ".join("".join(c if c.isprintable() else " " for c in text).split()) or "Untitled"


def _typed(name: str, written: str) -> object:
    """A setting from the command line, as TOML would have typed it."""
    is_number = any(field.name == name and isinstance(field.kind, Number) for field in FIELDS)
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
        problems.append(error(CONFIG_FILE, None, "toml", "the file is nested too deeply"))
        return {}, places
    except tomllib.TOMLDecodeError as fault:
        problems.append(explain_fault(source, scan, str(fault), TABLE))
        return {}, places
    except ValueError:
        problems.append(error(CONFIG_FILE, None, "toml", "a number in the file has too many digits"))
        return {}, places
    for key in TABLE:
        value = value.get(key, {}) if isinstance(value, dict) else {}
    if not isinstance(value, dict):
        problem = Problem(At(CONFIG_FILE), "'tool.octavo' must be a table", "write [tool.octavo] above it")
        problems.append(_located(problem, places))
        return {}, places
    return value, places


_TOML = Toml()

_UNKNOWN = UnknownKey("there is no setting '{name}'", "the keys are {names}")


# Text.


def _without_control(text: str, at: At) -> str | Problem:
    strange = next((c for c in text if unicodedata.category(c) == "Cc"), None)
    if strange is None:
        return text
    return Problem(at, f"'{at.name}' holds the control character U+{ord(strange):04X}", "delete it")


_TEXT = Refined("text", Text(_TOML, say("put it in quotes")), _without_control)
_VISIBLE = Visible(_TEXT, "write some text, or delete the line")


def _base_url(text: str, at: At) -> str | Problem:
    """``scheme://host[:port][/path]``, percent-encoded, without a slash at its end; empty when it is empty."""
    fault = urls.base_url_fault(text) if text else ""
    if fault:
        return Problem(at, f"'{at.name}' {fault}", "write an address such as 'https://name.example/blog'")
    return urls.normal_base_url(text) if text else ""


# RFC 5646, section 2.1: langtag or privateuse; the few old irregular tags are left out.
_LANGUAGE = re.compile(
    r"(?:[a-z]{2,3}(?:-[a-z]{3}){0,3}|[a-z]{4,8})(?:-[a-z]{4})?(?:-(?:[a-z]{2}|[0-9]{3}))?"
    r"(?:-(?:[a-z0-9]{5,8}|[0-9][a-z0-9]{3}))*(?:-[a-wy-z0-9](?:-[a-z0-9]{2,8})+)*(?:-x(?:-[a-z0-9]{1,8})+)?"
    r"|x(?:-[a-z0-9]{1,8})+",
    re.IGNORECASE | re.ASCII,
)


def _language(text: str, at: At) -> str | Problem:
    if _LANGUAGE.fullmatch(text):
        return text
    likely = text.split(".")[0].replace("_", "-")
    hint = f"did you mean '{likely}'?" if _LANGUAGE.fullmatch(likely) else "write a tag such as 'en' or 'pt-BR'"
    return Problem(at, f"'{text}' is not a language tag", hint)


def _timezone(text: str, at: At) -> str | Problem:
    if text == "UTC":
        return text
    # What the machine calls its own zone is another one elsewhere.
    if text != "localtime" and re.fullmatch(r"[A-Za-z][\w+-]*(?:/[\w+-]+)*", text, re.ASCII):
        try:
            ZoneInfo(text)
            return text
        except (OSError, ValueError, KeyError) as problem:
            raise_if_shortage(problem)  # else it is said below, with the name that was meant
    zones = available_timezones() - {"localtime"}
    city = sorted(name for name in zones if name.rsplit("/", 1)[-1].casefold() == text.replace(" ", "_").casefold())
    hint = f"did you mean '{city[0]}'?" if city else did_you_mean(text, zones)
    return Problem(at, f"'{text}' is not a time zone", hint or "write an IANA name such as 'Europe/Berlin'")


def _link(text: str, at: At) -> str | Problem:
    """A path of the site (``/about/``, not encoded) or a whole address of the web or of a mailbox."""
    if urls.is_link(text):
        return text
    hint = "write a path such as '/about/' or an address such as 'https://name.example/'"
    return Problem(at, f"'{at.name}' is neither a path of this site nor an address", hint)


def _pattern(allowed: tuple[str, ...] = (), one_of: tuple[str, ...] = (), *, relative: bool = False) -> Kind:
    """A URL path with tokens, of which one of ``one_of`` must be there. A relative one continues another path."""

    def refine(text: str, at: At) -> str | Problem:
        message, hint = urls.pattern_fault(text, allowed, one_of, relative=relative)
        return Problem(at, f"'{at.name}' {message}", hint) if message else text

    tokens = " ".join(f"{{{token}}}" for token in allowed)
    return Refined(f"pattern with {tokens}" if allowed else "path", _TEXT, refine)


_DIRECTIVES = re.compile(r"\s*(?:[a-z-]+(?:\s+[^\s;,]+)+\s*(?:;\s*|\Z))+")


def _directives(text: str, at: At) -> str | Problem:
    if not text or _DIRECTIVES.fullmatch(text):
        return text
    hint = "write 'frame-src https://videos.example; connect-src https://numbers.example'"
    return Problem(at, f"'{at.name}' must be directives, each with what it allows", hint)


def _inside(path: str, at: At) -> str | Problem:
    """The path of a file of the site, from its folder."""
    if path.startswith(("/", "\\")) or ".." in path.split("/") or ":" in path:
        hint = 'write it from the site\'s folder: "fonts/own.otf"'
        return Problem(at, f"'{at.name}' must be a path within the site", hint)
    return path


def _hidden_path(path: str, at: At) -> str | Problem:
    """The path of a hidden file or folder below ``assets/root/``."""
    parts = path.removesuffix("/").split("/")
    if any(part in ("", ".", "..") for part in parts) or not parts[-1].startswith("."):
        hint = "write it from assets/root/, as '.name' or 'folder/.name'"
        return Problem(at, f"'{at.name}' must be the path of a hidden file or folder", hint)
    if ".git" in path.casefold().split("/"):
        return Problem(at, "a repository is never published", "delete this")
    return "/".join(parts)


# Lists and tables.


def _list(name: str, item: Kind, example: str) -> ListOf:
    return ListOf(_TOML, item, say(f"write {example}"), name=f"array of {name}")


def _table_of(
    fields: tuple[Field, ...], make: Callable[[dict[str, Any]], Any], *required: tuple[str, str, str]
) -> TableOf:
    return TableOf(_TOML, fields, make, _UNKNOWN, "write [tool.octavo.{key}]", required=required)


def _ascending(widths: tuple[int, ...], at: At) -> tuple[int, ...] | Problem:
    if widths:
        return tuple(sorted(widths))
    return Problem(at, f"'{at.name}' is empty", "write widths = [480, 800, 1280], or formats = [] for no sizes")


class Menu(NamedTuple):
    """The entries of the menu; those that are not valid are left out."""

    entry: TableOf
    name: str = "array of tables"

    def read(self, value: Any, at: At) -> Problem | Parts:
        if not isinstance(value, list):
            message = f"'menu' must be an array of tables, not {_TOML.type_name(value)}"
            return Problem(at, message, 'write menu = [{title = "About", url = "/about/"}]')
        readings = [to_parts(self.entry.read(item, at.below(index))) for index, item in enumerate(value)]
        items = tuple(reading.value for reading in readings if reading.value is not None)
        return Parts(items, tuple(problem for reading in readings for problem in reading.problems))


_PATH = _pattern()
_LINK = Refined("link", _VISIBLE, _link)
_FLAG = Flag(_TOML, "write true or false, without quotes")

_MENU = (
    Field("title", _VISIBLE, "what the entry says"),
    Field("url", _LINK, "a path of this site, or an address"),
)
_ENTRY = 'write {title = "About", url = "/about/"}'
_MENU_ENTRY = TableOf(
    _TOML,
    _MENU,
    lambda values: MenuItem(**values) if len(values) == len(_MENU) else None,
    _UNKNOWN,
    _ENTRY,
    "an entry of the menu must be a table, not {type}",
    tuple((field.name, f"an entry of the menu has no '{field.name}'", _ENTRY) for field in _MENU),
)

_FORMATS = _list("avif, webp", Choice(_TEXT, ("avif", "webp")), 'formats = ["avif", "webp"]')
_WIDTHS = _list("whole numbers, 16 to 4096", Number(_TOML, 16, 4096), "widths = [480, 800, 1280]")

_IMAGES = (
    Field("formats", _FORMATS, "the formats of images, the first choice first; [] for none"),
    Field("widths", Refined(_WIDTHS.name, _WIDTHS, _ascending), "the widths of images, in pixels"),
    Field("sizes", _VISIBLE, "how wide a page shows an image: HTML's 'sizes'"),
    Field("cards", _FLAG, "whether posts without an image have a picture of their title for links"),
    Field(
        "card_font",
        Refined("path", _VISIBLE, _inside),
        "the font of these pictures: an OpenType or TrueType file of the site",
    ),
)

_COUNT = Number(_TOML, 0, 100)

_RELATED = (
    Field("count", _COUNT, "related posts under an article; with 0 none are computed"),
    Field("keep_linked", _FLAG, "whether a list keeps posts that the article links to"),
    Field("reach_all", _FLAG, "whether every post is to be in some list"),
)
_COUNT_ALONE = _COUNT._replace(
    message="'{key}' must be a whole number or a table, not {type}",
    hint=f"write {{key}} = 4, or [tool.octavo.{{key}}] with {', '.join(field.name for field in _RELATED)}",
)

_CSP_AT = Choice(_TEXT, ("headers", "meta", "both", "none"))

_CSP = (
    Field("at", _CSP_AT, "where the content security policy is told: in _headers, in each page, in both or nowhere"),
    Field("allow", Refined("directives", _TEXT, _directives), "what it allows beside what is found in the pages"),
)

_SUPPORT = (
    Field("message", _VISIBLE, "the notice; without one there is no notice in any page"),
    Field("url", _LINK, "where the notice leads"),
    Field("label", _VISIBLE, "what the link of the notice says"),
)
_NO_MESSAGE = ("message", "'support' has no message", 'write message = "…", or delete the table')

_POST_TOKENS = ("path", "slug", "year", "month", "day", "section")

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
    Field("title", _VISIBLE, "the site's name; by default that of its folder"),
    Field("description", _TEXT, "what the site is about, in a sentence"),
    Field("base_url", Refined("address", _TEXT, _base_url), "where the site will stand; it may have a path"),
    Field("language", Refined("language tag", _TEXT, _language), "the language of the site (BCP 47)"),
    Field("timezone", Refined("IANA name", _TEXT, _timezone), "decides the day shown and what counts as the future"),
    Field("author", _TEXT, "the author of posts that name none"),
    Field("menu", Menu(_MENU_ENTRY), "the entries of the menu, each with 'title' and 'url'", _MENU),
    Field("permalink", _pattern(_POST_TOKENS, ("path", "slug")), "short for 'permalinks.posts'"),
    Field(
        "permalinks",
        _table_of(_PERMALINKS, lambda values: Permalinks(**values)),
        "where each kind of page stands",
        _PERMALINKS,
    ),
    Field("paginate", Number(_TOML, 1, 10_000), "posts on one page of a list"),
    Field("feed_length", Number(_TOML, 1, 10_000), "posts in a feed"),
    Field("latest", Number(_TOML, 0, 100), "posts under 'Latest articles'"),
    Field(
        "related",
        Either(
            "table, or 'count' alone",
            lambda value: isinstance(value, dict),
            _table_of(_RELATED, lambda values: RelatedSettings(**values)),
            Refined("count", _COUNT_ALONE, lambda count, at: RelatedSettings(count)),
        ),
        "the lists of related posts",
        _RELATED,
    ),
    Field("excerpt", Number(_TOML, 20, 10_000), "characters in an excerpt, at most"),
    Field("raw_html", Choice(_TEXT, ("allow", "sanitize", "error")), "what becomes of HTML within Markdown"),
    Field("images", _table_of(_IMAGES, lambda values: ImageSettings(**values)), "what becomes of images", _IMAGES),
    Field(
        "support", _table_of(_SUPPORT, lambda values: Support(**values), _NO_MESSAGE), "the support notice", _SUPPORT
    ),
    Field(
        "font",
        Choice(_TEXT, ("serif", "system")),
        "the type of the default theme: its own serif, or what a system has",
    ),
    Field("inline", Number(_TOML, 0, 100_000), "bytes of the largest style sheet or script that is put into the pages"),
    Field(
        "compress",
        _list("gz, br", Choice(_TEXT, ("gz", "br")), 'compress = ["gz", "br"]'),
        "the compressed copies that are published beside the files",
    ),
    Field(
        "csp",
        Either(
            "table, or 'at' alone",
            lambda value: isinstance(value, str),
            Refined("place", _CSP_AT, lambda place, at: CspSettings(place)),
            _table_of(_CSP, lambda values: CspSettings(**values)),
        ),
        "the content security policy",
        _CSP,
    ),
    Field(
        "publish_hidden",
        _list("paths", Refined("path", _VISIBLE, _hidden_path), 'publish_hidden = [".name"]'),
        "the hidden files of assets/root that are published",
    ),
)
