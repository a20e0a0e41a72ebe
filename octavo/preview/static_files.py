"""What a browser is served of the site, and how.

These are pages and files at one moment, and the HTTP answers that are made of them.

Nothing here is looked for on the disk by its address: an address is only looked up among what there is.
"""

from __future__ import annotations

import mimetypes
import re
import sqlite3
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote_to_bytes

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from octavo.base import urls
from octavo.base.lazy_mapping import LazyMapping
from octavo.base.names import ASSETS_FOLDER
from octavo.engine.facts import Unanswered
from octavo.preview.session import HELD_PAGES

if TYPE_CHECKING:
    from octavo.preview.session import PreviewSession, RenderedPage
    from octavo.preview.snapshot import Snapshot
    from octavo.project.project import Project
    from octavo.site.inputs import StaticOutput

OWN_PATH = "/_octavo/"
SCRIPTS = {"idiomorph.js": "vendor/idiomorph.js", "preview.js": "client.js"}
"""Name in a URL -> file beside this one; the last is that of the preview itself."""

# The site at one moment.


@dataclass(frozen=True)
class StaticFile:
    """A file that no layout makes, as it was listed."""

    digest: bytes
    content: bytes | None
    location: Path

    def read(self) -> bytes:
        """Its content as it is now.

        Raises OSError when it cannot be had.
        """
        return self.location.read_bytes() if self.content is None else self.content


@dataclass(frozen=True)
class ServedSite:
    """What can be asked for at one moment.

    It is immutable, so that any thread may read it. These are the URL paths of pages below ``base_path``, other
    files by output path, and images that are made when they are asked for (None for what is no image).
    """

    base_path: str = ""
    pages: Collection[str] = ()
    files: Mapping[str, StaticFile] = field(default_factory=dict)
    image: Callable[[str], bytes | None] = lambda url: None
    not_found: str = "/404.html"


@dataclass(frozen=True)
class ServedPage:
    """A page as a browser gets it.

    ``version`` stands for it. Without ``content`` it could not be rendered.
    """

    content: bytes
    version: str


def make_served_site(snapshot: Snapshot, statics: Mapping[str, StaticOutput], project: Project) -> ServedSite:
    """Make what can be asked for of a snapshot.

    ``statics`` are the files that no layout makes, as they are now.
    """
    settings = snapshot.inputs.settings
    return ServedSite(
        urls.base_path(settings.base_url),
        snapshot.pages,
        # Each is looked up when it is asked for: there may be one for each post.
        LazyMapping(statics, lambda path: find_static_file(snapshot, statics[path])),
        _ImageMaker(project, snapshot),
        settings.permalinks.not_found,
    )


def find_static_file(snapshot: Snapshot, static: StaticOutput) -> StaticFile:
    """Where the content of a file lies that no layout makes."""
    name = static.origin.removeprefix(ASSETS_FOLDER)
    file = snapshot.files.assets.get(name) if name != static.origin else snapshot.files.others.get(static.origin)
    return StaticFile(static.digest, static.content, Path(file.location) if file is not None else Path())


@dataclass(frozen=True)
class _ImageMaker:
    """Makes an image when it is asked for.

    It is called in threads of the server, also in several at once.
    """

    project: Project
    snapshot: Snapshot

    def __call__(self, url: str) -> bytes | None:
        from octavo.preview.on_demand_images import make_image

        try:
            return make_image(url, self.snapshot.corpus, self.project.cache.gallery())
        except (Unanswered, sqlite3.Error):  # what it is made from is another one now, or in another cache
            return None


class PageCache:
    """Pages as browsers get them, for the app's thread.

    One is made again only where the session renders another page.
    """

    def __init__(self, session: PreviewSession, report_problems: Callable[[], None]) -> None:
        self._session, self._report_problems = session, report_problems
        self._pages: OrderedDict[str, tuple[RenderedPage, ServedPage]] = OrderedDict()

    def last(self, url: str) -> ServedPage | None:
        """The page as it was made last, if it is still kept."""
        last = self._pages.get(url)
        return last[1] if last is not None else None

    def render(self, url: str) -> ServedPage | None:
        """Make the page as it is now; None where there is none.

        Raises Unanswered and sqlite3.Error as the session does.
        """
        page = self._session.render_page(url)
        if page is None:
            self._pages.pop(url, None)
            return None
        if page.problems:
            self._report_problems()
        last = self._pages.pop(url, None)
        if last is None or last[0] is not page:
            content = disable_policy(self._session.number_lines(page))
            last = (page, ServedPage(content, blake2b(content, digest_size=9).hexdigest() if content else ""))
        self._pages[url] = last
        while len(self._pages) > HELD_PAGES:
            self._pages.popitem(last=False)
        return last[1]


# Addresses and pages.


def resolve_url(path: str, site: ServedSite) -> str | None:
    """Find the URL path within the site that a request means.

    ``path`` is as it stands in the request. None for what is none. It is only looked up among what there is, never
    on the disk.
    """
    try:
        decoded = unquote_to_bytes(path.encode("latin-1", "strict") if path.isascii() else path.encode()).decode()
    except UnicodeError:
        try:
            decoded = unquote_to_bytes(path.encode("latin-1")).decode()
        except UnicodeError:
            return None
    if not decoded.startswith("/") or "\0" in decoded:
        return None
    if site.base_path:
        if not decoded.startswith(site.base_path + "/"):
            return None
        decoded = decoded.removeprefix(site.base_path)
    folder = decoded.removesuffix("index.html")
    return folder if folder != decoded and folder.endswith("/") and folder in site.pages else decoded


def add_scripts(page: bytes, token: str, version: str) -> bytes:
    """Put the preview's scripts into a page; no build has them.

    They are the first of all that wait for the page, so that they see the page as it was sent.
    """
    *others, own = SCRIPTS
    script = "".join(f'<script src="{OWN_PATH}{name}" defer></script>' for name in others)
    script += f'<script src="{OWN_PATH}{own}" data-token="{token}" data-version="{version}" defer></script>'
    for mark in _TOP:
        match = mark.search(page)
        if match is not None:
            return page[: match.end()] + script.encode() + page[match.end() :]
    return page + script.encode()


_TOP = tuple(re.compile(rb"<" + name + rb"(?:\s[^>]*)?>", re.IGNORECASE) for name in (b"head", b"html", b"!doctype"))
"""The tags behind which a script is in the head of the page, the best first."""

_POLICY = re.compile(rb"(<meta\s[^>]*?)(?=\bhttp-equiv\s*=\s*[\"']?content-security-policy\b)", re.IGNORECASE)


def disable_policy(page: bytes) -> bytes:
    """Have nobody read the content security policy of a page.

    It would allow what the page has, by its digest, and not what the page becomes; a browser takes none back.
    """
    return _POLICY.sub(rb"\1data-octavo-", page)


# Answers.


def make_plain_response(status: int, text: str, headers: Mapping[str, str] | None = None) -> Response:
    """A line of text."""
    return Response(f"{text}\n", status, headers, "text/plain")


def redirect(address: str, request: Request) -> Response:
    """Lead to another address of the site, with the query of the request."""
    query = request.scope.get("query_string", b"").decode("latin-1")
    return RedirectResponse(quote(address, safe="/%~!$&'()*+,;=:@") + (f"?{query}" if query else ""), 302)


def make_response(request: Request, content: bytes, media_type: str, status: int = 200) -> Response:
    """Answer with the content, a part of it, or nothing but its tag.

    A part where the request asks for one, nothing where the browser has the content.
    """
    etag = f'"{blake2b(content, digest_size=12).hexdigest()}"'
    charset = "; charset=utf-8" if media_type.startswith("text/") or media_type.endswith(("xml", "json")) else ""
    headers = {"ETag": etag, "Accept-Ranges": "bytes", "Content-Type": media_type + charset}
    if status != 200:
        return Response(content, status, {"Content-Type": media_type + charset})
    if etag in [tag.strip() for tag in request.headers.get("if-none-match", "").split(",")]:
        return Response(b"", 304, headers)
    header = request.headers.get("range")
    if header is not None and request.headers.get("if-range", etag) == etag:
        part = parse_range(header, len(content))
        if part is not None:
            first, last = part
            if first > last:
                return Response(b"", 416, {**headers, "Content-Range": f"bytes */{len(content)}"})
            headers["Content-Range"] = f"bytes {first}-{last}/{len(content)}"
            return Response(content[first : last + 1], 206, headers)
    return Response(content, 200, headers)


_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})")


def parse_range(header: str, size: int) -> tuple[int, int] | None:
    """Read the first and the last byte that a Range header means.

    RFC 9110, 14.1.2. The last is before the first where there are no such bytes. None for what is answered with the
    whole: several ranges, or no range at all.
    """
    match = _RANGE.fullmatch(header.strip())
    if match is None or match[0] == "bytes=-":
        return None
    first, last = match[1], match[2]
    if not first:
        count = min(int(last), size)
        return (size - count, size - 1)
    if last and int(last) < int(first):
        return None
    return (int(first), min(int(last), size - 1) if last else size - 1) if int(first) < size else (1, 0)


_TYPES = mimetypes.MimeTypes()
"""Python's own table: that of the system differs from one machine to the next."""

for _ending, _type in {
    ".avif": "image/avif",
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".webmanifest": "application/manifest+json",
    ".webp": "image/webp",
    ".woff": "font/woff",
    ".woff2": "font/woff2",
}.items():
    _TYPES.add_type(_type, _ending)


def guess_media_type(path: str) -> str:
    """The media type of a file by its name."""
    kind, encoding = _TYPES.guess_type(f"/{path}")
    return (kind if encoding is None else None) or "application/octet-stream"
