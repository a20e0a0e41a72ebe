"""The raw HTML of one body, as the site's policy lets it stand: in balance, its addresses and ids known."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape
from typing import Literal

from octavo.base.diagnostics import Span
from octavo.base.shortage import raise_if_shortage
from octavo.content.markdown.heading_ids import Ids
from octavo.content.markdown.links import SCHEMES, TRUSTED, Faults, Uses, without_marks
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
_SHOWN = frozenset(("img", "source", "image", "input"))
_OTHERS = frozenset(("href", "src", "action", "formaction", "xlink:href", "data", "poster", "background"))
# A browser takes these out of an address.
_LINE_ENDS = re.compile(r"[\t\n\r]")
_CANDIDATE = re.compile(r"[\s,]*([^\s,]\S*[^\s,]|[^\s,])([^,]*)")


class Fragments:
    """The raw HTML of a body from its first fragment to its last."""

    def __init__(self, policy: Policy, faults: Faults, uses: Uses, ids: Ids) -> None:
        self._policy = policy
        self._faults = faults
        self._uses = uses
        self._ids = ids
        self._kept: frozenset[str] | None = None
        self._trusted: list[str] = []
        self.balance = Balance()

    def of_author(self, html: str, place: SpanOf, whole: bool) -> str:
        """A fragment that stands in the post: ``whole``, a block of its own, or one tag among Markdown's text."""
        if self._policy == "allow":
            return self._balanced(html, place, whole)
        if self._policy == "error":
            return self._refused(html, place)
        if self._kept is None:
            self._kept = self._kept_tags(place(0, len(html)))
        return self._balanced(html, place, whole, self._kept)

    def of_site(self, html: str, span: Span) -> str:
        """What a shortcode of build.py wrote: the site trusts itself, whatever its policy."""
        html = self._balanced(without_marks(html), lambda start, end: span, True)
        if self._policy != "sanitize":
            return html
        self._trusted.append(html)
        return f"{TRUSTED}{len(self._trusted) - 1}{TRUSTED}"

    def finish(self, html: str) -> str:
        """The HTML of the whole body, its open elements closed; under ``sanitize``, what is harmless of it."""
        html += self.balance.finish()
        if self._kept:
            html = sanitize(html)
        if not self._trusted:
            return html
        parts = re.split(f"{TRUSTED}(\\d+){TRUSTED}", html)
        parts[1::2] = [self._trusted[int(number)] for number in parts[1::2]]
        return "".join(parts)

    def _refused(self, html: str, place: SpanOf) -> str:
        if is_only_comments(html):
            return ""
        shown = html.lstrip()
        if not shown.startswith("</"):
            start = len(html) - len(shown)
            span = place(start, start + len(shown.split("\n", 1)[0].rstrip()))
            self._faults.error(span, "raw_html", "raw HTML is not allowed on this site", 'raw_html is "error"')
        return escape(html, quote=False)

    def _kept_tags(self, span: Span) -> frozenset[str]:

        try:
            return allowed_tags()
        except ImportError as problem:
            raise_if_shortage(problem)
            message = 'raw_html = "sanitize" needs the package nh3, which is not installed'
            self._faults.error(span, "raw_html", message, "pip install 'octavo[sanitize]'")
            return frozenset()

    def _balanced(self, html: str, place: SpanOf, whole: bool, kept: frozenset[str] | None = None) -> str:
        return self.balance.fragment(html, _PolicyVisitor(place, self._faults, self._uses, self._ids, kept), whole)


class _PolicyVisitor:
    """Watches one fragment. ``kept`` are the elements that a sanitized site keeps."""

    def __init__(self, place: SpanOf, faults: Faults, uses: Uses, ids: Ids, kept: frozenset[str] | None) -> None:
        self._place = place
        self._faults = faults
        self._uses = uses
        self._ids = ids
        self._kept = kept

    def fault(self, start: int, end: int, message: str, hint: str = "") -> None:
        self._faults.warn(self._place(start, end), "raw_html", message, hint)

    def tag(self, tag: Tag) -> None:
        if self._kept and tag.name not in self._kept:
            self.fault(tag.start, tag.end, f"'<{tag.name}>' is removed", 'raw_html is "sanitize"')

    def attribute(self, tag: Tag, attribute: Attribute) -> str | None:
        element, name, value = tag.name, attribute.name, _LINE_ENDS.sub("", attribute.value).strip()
        if name == "id" or (name == "name" and element == "a"):
            if value:
                self._ids.keep(value)
            return None
        if self._kept and element in self._kept and (name.startswith("on") or name == "style"):
            self.fault(attribute.start, attribute.end, f"attribute '{name}' is removed", 'raw_html is "sanitize"')
            return None
        if name in _OTHERS:
            written = self._address(element, name, value, self._place(attribute.start, attribute.end))
            return None if written is None else written and f'{name}="{written}"'
        if (element, name) in _SETS:
            return self._set(name, attribute.value, self._place(attribute.start, attribute.end))
        return None

    def _address(self, element: str, name: str, value: str, span: Span) -> str | None:
        if (element, name) in _LINKS:
            return self._uses.link(value, span)
        if (element, name) in _FILES:
            return self._uses.file(value, span, element in _SHOWN)
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
    """The elements that are kept. Raises ImportError when nh3 is not installed."""
    import nh3

    return frozenset(nh3.ALLOWED_TAGS) | _MORE_TAGS


def sanitize(html: str) -> str:
    """The HTML of a whole body, parsed as a browser does and written again with what is harmless in it.

    The only ``<input>`` is a check box that cannot be changed. Raises ImportError when nh3 is not installed.
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
