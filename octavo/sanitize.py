"""Raw HTML made harmless: what ``raw_html = "sanitize"`` keeps of a body, by the nh3 library."""

from __future__ import annotations

import re

from octavo.address import SCHEMES

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
