"""The raw HTML of one body, as the site's policy lets it stand.

It is in balance, and its addresses and ids are collected.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape
from typing import Literal

from octavo.base.diagnostics import Span
from octavo.base.shortage import raise_if_shortage
from octavo.content.markdown.heading_ids import BodyIds
from octavo.content.markdown.links import SCHEMES, TRUSTED, AddressUses, FileProblems, replace_marks
from octavo.content.markdown.raw_html import Attribute, Balance, Tag, is_only_comments

Policy = Literal["allow", "sanitize", "error"]

SpanOf = Callable[[int, int], Span]
"""The place in the file of what stands between two places of a fragment."""

# Where HTML holds an address, by element and attribute.
_FILES = frozenset(
    (
        ("img", "src"),
        ("source", "src"),
        ("video", "src"),
        ("video", "poster"),
        ("audio", "src"),
        ("track", "src"),
        ("iframe", "src"),
        ("embed", "src"),
        ("object", "data"),
        ("link", "href"),
        ("script", "src"),
        ("input", "src"),
        ("image", "href"),
    )
)
_LINKS = frozenset((("a", "href"), ("area", "href")))
_SETS = frozenset((("img", "srcset"), ("source", "srcset")))
_IMAGES = frozenset(("img", "source", "image", "input"))
_OTHERS = frozenset(("href", "src", "action", "formaction", "xlink:href", "data", "poster", "background"))
# A browser takes these out of an address.
_LINE_ENDS = re.compile(r"[\t\n\r]")
_CANDIDATE = re.compile(r"[\s,]*([^\s,]\S*[^\s,]|[^\s,])([^,]*)")


class Fragments:
    """The raw HTML of a body from its first fragment to its last."""

    def __init__(self, policy: Policy, faults: FileProblems, uses: AddressUses, ids: BodyIds) -> None:
        self._policy = policy
        self._faults = faults
        self._uses = uses
        self._ids = ids
        self._allowed: frozenset[str] | None = None
        self._trusted: list[str] = []
        self.balance = Balance()

    def of_author(self, html: str, span_of: SpanOf, whole: bool) -> str:
        """What to write for a fragment that stands in the post.

        ``whole``: it is a block of its own, not one tag among Markdown's text.
        """
        if self._policy == "allow":
            return self._balanced(html, span_of, whole)
        if self._policy == "error":
            return self._refused(html, span_of)
        if self._allowed is None:
            self._allowed = self._load_allowed_tags(span_of(0, len(html)))
        return self._balanced(html, span_of, whole, self._allowed)

    def of_site(self, html: str, span: Span) -> str:
        """What to write for the HTML of a shortcode of build.py.

        The site trusts itself, whatever its policy: under ``sanitize`` a mark stands for it until all else is clean.
        """
        html = self._balanced(replace_marks(html), lambda start, end: span, True)
        if self._policy != "sanitize":
            return html
        self._trusted.append(html)
        return f"{TRUSTED}{len(self._trusted) - 1}{TRUSTED}"

    def finish(self, html: str) -> str:
        """Close what is open at the end of the body, and sanitize it.

        Only under the policy ``sanitize`` is it left with what is harmless.
        """
        html += self.balance.finish()
        if self._allowed:
            html = sanitize(html)
        if not self._trusted:
            return html
        parts = re.split(f"{TRUSTED}(\\d+){TRUSTED}", html)
        parts[1::2] = [self._trusted[int(number)] for number in parts[1::2]]
        return "".join(parts)

    def _refused(self, html: str, span_of: SpanOf) -> str:
        if is_only_comments(html):
            return ""
        stripped = html.lstrip()
        if not stripped.startswith("</"):
            start = len(html) - len(stripped)
            span = span_of(start, start + len(stripped.split("\n", 1)[0].rstrip()))
            self._faults.error(span, "raw_html", "raw HTML is not allowed on this site", 'raw_html is "error"')
        return escape(html, quote=False)

    def _load_allowed_tags(self, span: Span) -> frozenset[str]:
        try:
            return allowed_tags()
        except ImportError as problem:
            raise_if_shortage(problem)
            message = 'raw_html = "sanitize" needs the package nh3, which is not installed'
            self._faults.error(span, "raw_html", message, "pip install 'octavo[sanitize]'")
            return frozenset()

    def _balanced(self, html: str, span_of: SpanOf, whole: bool, allowed: frozenset[str] | None = None) -> str:
        visitor = _PolicyVisitor(span_of, self._faults, self._uses, self._ids, allowed)
        return self.balance.fragment(html, visitor, whole)


class _PolicyVisitor:
    """Visits one fragment; ``allowed`` are the elements of a sanitized site."""

    def __init__(
        self, span_of: SpanOf, faults: FileProblems, uses: AddressUses, ids: BodyIds, allowed: frozenset[str] | None
    ) -> None:
        self._span_of = span_of
        self._faults = faults
        self._uses = uses
        self._ids = ids
        self._allowed = allowed

    def fault(self, start: int, end: int, message: str, hint: str = "") -> None:
        self._faults.warn(self._span_of(start, end), "raw_html", message, hint)

    def tag(self, tag: Tag) -> None:
        if self._allowed and tag.name not in self._allowed:
            self.fault(tag.start, tag.end, f"'<{tag.name}>' is removed", 'raw_html is "sanitize"')

    def attribute(self, tag: Tag, attribute: Attribute) -> str | None:
        element, name, value = tag.name, attribute.name, _LINE_ENDS.sub("", attribute.value).strip()
        if name == "id" or (name == "name" and element == "a"):
            if value:
                self._ids.reserve(value)
            return None
        if self._allowed and element in self._allowed and (name.startswith("on") or name == "style"):
            self.fault(attribute.start, attribute.end, f"attribute '{name}' is removed", 'raw_html is "sanitize"')
            return None
        if name in _OTHERS:
            written = self._address(element, name, value, self._span_of(attribute.start, attribute.end))
            return None if written is None else written and f'{name}="{written}"'
        if (element, name) in _SETS:
            return self._set(name, attribute.value, self._span_of(attribute.start, attribute.end))
        return None

    def _address(self, element: str, name: str, value: str, span: Span) -> str | None:
        if (element, name) in _LINKS:
            return self._uses.link(value, span)
        if (element, name) in _FILES:
            return self._uses.file(value, span, element in _IMAGES)
        return self._uses.other(value, span)

    def _set(self, name: str, value: str, span: Span) -> str | None:
        """``srcset``: several addresses, each with a size."""
        out: list[str] = []
        changed = False
        for candidate in _CANDIDATE.finditer(value):
            written = self._uses.file(candidate[1], span, True)
            changed = changed or written is not None
            if written != "":
                out.append((escape(candidate[1]) if written is None else written) + escape(candidate[2].rstrip()))
        return f'{name}="{", ".join(out)}"' if changed else None


_CHECK_BOX = re.compile(r'(<input(?: [\w-]+="[^"]*")*) disabled="" type="checkbox"')
_MORE_TAGS = frozenset("section input picture source video audio track figure figcaption mark".split())
_EVERYWHERE = frozenset("id class title lang dir role tabindex aria-label aria-hidden".split())
_MORE_ATTRIBUTES = {
    "img": frozenset("src srcset sizes alt width height loading decoding".split()),
    "source": frozenset("src srcset sizes media type width height".split()),
    "video": frozenset("src poster controls width height preload muted loop playsinline".split()),
    "audio": frozenset("src controls preload muted loop".split()),
    "track": frozenset("src kind srclang label default".split()),
    "input": frozenset(("checked",)),
    "a": frozenset("href hreflang name rel".split()),
    "ol": frozenset("start type reversed".split()),
    "li": frozenset(("value",)),
    "details": frozenset(("open",)),
    "time": frozenset(("datetime",)),
    "th": frozenset("colspan rowspan scope headers".split()),
    "td": frozenset("colspan rowspan headers".split()),
}


def allowed_tags() -> frozenset[str]:
    """The elements that ``sanitize`` keeps.

    Raises ImportError when nh3 is not installed.
    """
    import nh3

    return frozenset(nh3.ALLOWED_TAGS) | _MORE_TAGS


def sanitize(html: str) -> str:
    """Write the HTML of a body again with only what is harmless in it.

    It is parsed as a browser does. The only ``<input>`` is a check box that cannot be changed. Raises ImportError when
    nh3 is not installed.
    """
    import nh3

    attributes = {tag: set(names) for tag, names in nh3.ALLOWED_ATTRIBUTES.items()}
    for tag, names in _MORE_ATTRIBUTES.items():
        attributes.setdefault(tag, set()).update(names)
    attributes["*"] = set(_EVERYWHERE)
    clean = nh3.clean(
        html,
        tags=set(allowed_tags()),
        attributes=attributes,
        set_tag_attribute_values={"input": {"type": "checkbox", "disabled": ""}},
        url_schemes=set(SCHEMES),
        link_rel=None,
    )
    # nh3 writes the attributes that it sets in an order that changes from call to call. In what it writes no other text
    # looks like the beginning of such a tag.
    return _CHECK_BOX.sub(r'\1 type="checkbox" disabled=""', clean)
