"""The ids of one body: unique, readable, and none that scripts look up."""

from __future__ import annotations

from octavo.base.urls import slugify

PREFIX = "section-"

# An element with an id is a property of window, and some are one of document: an id that is also the name of one of
# theirs, or of what every object inherits, may stand in for it in a script.
_NAMES_OF_SCRIPTS = frozenset(
    """
    URL __defineGetter__ __defineSetter__ __lookupGetter__ __lookupSetter__ __proto__ activeElement addEventListener
    adoptNode adoptedStyleSheets alert all anchors append appendChild applets arguments atob attributes baseURI blur
    body btoa caches caller cancelAnimationFrame characterSet charset childElementCount childNodes children chrome
    clear clearInterval clearTimeout clientInformation cloneNode close closed compatMode confirm console constructor
    contains contentType cookie cookieStore createAttribute createComment createDocumentFragment createElement
    createEvent createRange createTextNode createTreeWalker crypto currentScript customElements defaultView designMode
    devicePixelRatio dir dispatchEvent doctype document documentElement documentURI domain elementFromPoint
    elementsFromPoint embeds escape eval evaluate event execCommand external fetch find firstChild firstElementChild
    focus fonts forms frameElement frames fullscreen fullscreenElement fullscreenEnabled getAnimations
    getComputedStyle getElementById getElementsByClassName getElementsByName getElementsByTagName getRootNode
    getSelection hasChildNodes hasFocus hasOwnProperty head hidden history images implementation importNode indexedDB
    innerHTML innerHeight innerWidth inputEncoding insertBefore isConnected isPrototypeOf isSecureContext lastChild
    lastElementChild lastModified length links localStorage location locationbar matchMedia menubar moveBy moveTo name
    navigation navigator nextSibling nodeName nodeType nodeValue normalize open opener origin outerHTML outerHeight
    outerWidth ownerDocument pageXOffset pageYOffset parent parentElement parentNode performance personalbar plugins
    pointerLockElement postMessage prepend previousSibling print prompt propertyIsEnumerable prototype querySelector
    querySelectorAll queueMicrotask readyState referrer removeChild removeEventListener replaceChild replaceChildren
    reportError requestAnimationFrame requestIdleCallback resizeBy resizeTo rootElement scheduler screen scripts
    scroll scrollBy scrollTo scrollX scrollY scrollbars self sessionStorage setInterval setTimeout speechSynthesis
    status statusbar stop structuredClone styleSheets textContent timeline title toLocaleString toString toolbar top
    trustedTypes undefined unescape valueOf visibilityState visualViewport window write writeln
    """.split()
)


class BodyIds:
    """The ids of one body so far."""

    def __init__(self) -> None:
        # By id: the number behind the last id that was made of it.
        self._last_suffixes: dict[str, int] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._last_suffixes

    def names(self) -> tuple[str, ...]:
        """All ids, in the order in which they were assigned."""
        return tuple(self._last_suffixes)

    def reserve(self, name: str) -> None:
        """Take an id that cannot be changed."""
        self._last_suffixes.setdefault(name, 0)

    def assign(self, name: str) -> str:
        """Take the name, or the nearest free one: ``section-name``, ``name-1``."""
        if name in _NAMES_OF_SCRIPTS:
            name = PREFIX + name
        unique = name
        while unique in self._last_suffixes:
            self._last_suffixes[name] += 1
            unique = f"{name}-{self._last_suffixes[name]}"
        self._last_suffixes[unique] = 0
        return unique

    def assign_for(self, text: str) -> str:
        """Take an id made of the text of a heading."""
        return self.assign(slugify(text))
