"""Checks of links, images and addresses, seen from the whole site."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from octavo.base import urls
from octavo.base.diagnostics import Diagnostic, Span, did_you_mean, error, warning
from octavo.base.names import CONFIG_FILE, POST_PAGE_KINDS, UNPUBLISHED
from octavo.engine.facts import Ask
from octavo.images.page_images import path_of
from octavo.images.social_cards import drawable_text, find_undrawable
from octavo.model.documents import LinkUse, Mark, Meta, Ref
from octavo.model.images import CardDesign, Picture
from octavo.model.pages import Page
from octavo.model.queries import (
    AnchorsOf,
    AssetUrl,
    FileUrl,
    LinksOf,
    PageAt,
    PictureAt,
    PublishedUrl,
    Setting,
    SimilarNames,
    SourceState,
)
from octavo.site.build_posts import PublishedPosts, cover_path


@dataclass(frozen=True)
class LinkCheck:
    problems: tuple[Diagnostic, ...] = ()


LINK = "link"
"""The code of a problem that ``--allow-broken-links`` makes a warning."""


def check_links(path: str, ask: Ask) -> LinkCheck:
    """The links of one post, each at its place."""
    uses = ask(LinksOf(path)) or ()
    return LinkCheck(tuple(problem for use in uses if (problem := _check(path, use, ask)) is not None))


def _check(path: str, use: LinkUse, ask: Ask) -> Diagnostic | None:
    ref = use.ref
    if ref is None:
        return _anchor_problem(path, use, path, use.fragment, ask)
    fragment = use.fragment
    image = path_of(ref) if use.is_image else None
    picture = ask(PictureAt(image)) if image is not None else None
    if picture is not None:
        about = check_picture(picture, _target(ref), _policy(ask) if picture.active else "")
        return about.at(path, use.span) if about is not None else None
    if ref.kind == "post":
        return _post_problem(path, use, ref, ask) or _anchor_problem(path, use, ref.target, fragment, ask)
    if ref.kind == "file":
        if ask(FileUrl(ref.target)) is not None:
            return None
        what = "image" if use.is_image else "file"
        return _broken(path, use, f"no {what} at '{_target(ref)}'", _hint(path, ref, ask))
    url = ref.target
    if url.startswith(urls.ASSETS) and ask(AssetUrl(url.removeprefix(urls.ASSETS))) is not None:
        return None
    if not ask(PublishedUrl(url)):
        hint = f"did you mean '{_target(ref)}/{ref.suffix}'?" if ask(PublishedUrl(url + "/")) else ""
        return _broken(path, use, f"the site has no page at '{ref.raw}'", hint)
    page = ask(PageAt(url)) if fragment else None
    if page is not None and page.kind in POST_PAGE_KINDS:
        return _anchor_problem(path, use, page.subject, fragment, ask)
    return None


@dataclass(frozen=True)
class ImageFault:
    """What is wrong with an image, wherever it is shown."""

    make: Callable[[str, Span | None, str, str, str], Diagnostic]
    message: str
    hint: str

    def at(self, path: str, span: Span | None) -> Diagnostic:
        return self.make(path, span, "image", self.message, self.hint)


def check_picture(picture: Picture, name: str, raw_html: str) -> ImageFault | None:
    """What is wrong with an image as it is published.

    A browser may not be able to show it, or an SVG has more in it than the site's policy for raw HTML lets an author
    publish.
    """
    if picture.fault:
        return ImageFault(warning, f"'{name}' is published as it is: {picture.fault}", picture.hint)
    if picture.active and raw_html != "allow":
        hint = f'take it out, or show it as another kind of image: raw_html is "{raw_html}"'
        return ImageFault(error, f"'{name}' holds {picture.active}, which could run", hint)
    return None


def _policy(ask: Ask) -> str:
    return ask(Setting("raw_html")) or ""


def _post_problem(path: str, use: LinkUse, ref: Ref, ask: Ask) -> Diagnostic | None:
    state = ask(SourceState(ref.target))
    if state is None:
        return _broken(path, use, f"no post at '{_target(ref)}'", _hint(path, ref, ask))
    if state in UNPUBLISHED:
        return _broken(path, use, f"'{_target(ref)}' is {UNPUBLISHED[state]}, so its page does not exist")
    return None


def _anchor_problem(path: str, use: LinkUse, target: str, fragment: str, ask: Ask) -> Diagnostic | None:
    anchor = unquote(fragment)
    if not anchor or anchor == "top":
        return None
    anchors = ask(AnchorsOf(target))
    if anchors is None or anchor in anchors:
        return None
    where = "this post" if target == path else f"'{target}'"
    return _broken(path, use, f"{where} has no anchor '#{anchor}'", did_you_mean(anchor, anchors))


def _target(ref: Ref) -> str:
    """The link as written, without its query and fragment."""
    return ref.raw.removesuffix(ref.suffix)


def _hint(path: str, ref: Ref, ask: Ask) -> str:
    """What was likely meant, written as the author would have to write it."""
    folder = posixpath.dirname(path)
    similar = [posixpath.relpath(other, folder) for other in ask(SimilarNames(ref.target)) or ()]
    return did_you_mean(_target(ref), similar) or (f"did you mean {similar[0]!r}?" if similar else "")


def _broken(path: str, use: LinkUse, message: str, hint: str = "") -> Diagnostic:
    leave = "--allow-broken-links makes this a warning"
    return error(path, use.span, LINK, message, f"{hint} ({leave})" if hint else leave)


Marks = Mapping[str, Sequence[Mark]]
"""Where the front matter of each post has its values, by source path."""


@dataclass(frozen=True)
class Claim:
    """One thing to be published: its file, and what it comes from.

    ``source`` is empty for a page of the site's own; ``keys`` are the values of a post's front matter that decide its
    address.
    """

    output: str
    what: str
    source: str
    keys: tuple[str, ...] = ()


def find_clashes(claims: Iterable[Claim], marks: Marks) -> Iterator[Diagnostic]:
    """Two things at one address, on any file system.

    They are equal after NFC and case folding, or one is a file where the other has a folder.
    """
    owners: dict[str, Claim] = {}
    for claim in sorted(claims, key=lambda claim: (claim.source == "", claim.output, claim.source, claim.what)):
        key = urls.collision_key(claim.output)
        other = owners.setdefault(key, claim)
        if other is not claim:
            yield _clash(claim, other, f"both would be published as '{claim.output}'", marks)
    if _folders(owners).isdisjoint(owners):
        return
    for key, claim in owners.items():
        parts = key.split("/")
        for count in range(1, len(parts)):
            folder = owners.get("/".join(parts[:count]))
            if folder is not None:
                yield _clash(claim, folder, f"'{folder.output}' cannot be a file and a folder", marks)


def _folders(paths: Iterable[str]) -> set[str]:
    """All folders that paths lie in."""
    folders: set[str] = set()
    for path in paths:
        while (path := path.rpartition("/")[0]) and path not in folders:
            folders.add(path)
    return folders


def _clash(claim: Claim, other: Claim, why: str, marks: Marks) -> Diagnostic:
    first, second = (claim, other) if claim.source else (other, claim)
    place = find_mark(marks[first.source], *first.keys) or Span(1, 1) if first.source in marks else None
    return error(
        first.source or CONFIG_FILE,
        place,
        "clash",
        f"{first.what} and {second.what} have one address: {why}",
        "give one of them another slug or name",
    )


def page_claim(page: Page) -> Claim:
    """A page as something to be published."""
    output = urls.output_path(page.url)
    if page.kind in POST_PAGE_KINDS:
        return Claim(output, page.subject, page.subject, ("slug", "title"))
    return Claim(output, f"the {page.kind} page '{page.url}'", "")


def find_mark(marks: Iterable[Mark], *keys: str) -> Span | None:
    """The place of the first of some keys of a post's front matter."""
    places = {each.key: each.span for each in marks}
    return next((places[key] for key in keys if key in places), None)


def check_cards(live: PublishedPosts, marks: Marks, design: CardDesign, site: str) -> Iterator[Diagnostic]:
    """Titles that social cards cannot show.

    ``site`` is the site's name, which takes their place.
    """
    if not design.drawn:
        message = f"images.card_font: '{design.font}' is no font that social cards can be drawn with"
        yield error(CONFIG_FILE, None, "image", message, "write the path of an OpenType or TrueType font")
        return
    instead = "shows the name of the site instead" if drawable_text(site, design.drawn) else "is left out"
    for post in (*live.posts, *live.pages):
        letter = find_undrawable(post.title, design.drawn) if post.image is None else ""
        if letter:
            message = f"the social card of this post {instead}: its font cannot show '{letter}'"
            hint = "name a font that can in images.card_font, or give the post an image"
            yield warning(post.path, find_mark(marks[post.path], "title"), "image", message, hint)


def check_front_matter(
    live: PublishedPosts,
    metas: Mapping[str, Meta | None],
    marks: Marks,
    layouts: Iterable[str],
    files: Collection[str],
    pictures: Mapping[str, Picture],
    raw_html: str,
) -> Iterator[Diagnostic]:
    """What front matter names and the site does not have: layouts and images.

    ``files`` are the source paths of all files published beside posts and of all assets, ``pictures`` is what is known
    of images; ``raw_html`` is the site's policy.
    """
    names = frozenset(layouts)
    for post in (*live.posts, *live.pages):
        meta = metas[post.path]
        if meta is None:
            continue
        if post.layout not in names:
            hint = did_you_mean(post.layout, names) or "write the name of a file in layouts/, such as 'page'"
            place = find_mark(marks[post.path], "layout")
            yield error(post.path, place, "layout", f"there is no layout '{post.layout}'", hint)
        image = cover_path(post.path, meta)
        if image is not None and image in pictures:
            about = check_picture(pictures[image], meta.image or "", raw_html)
            if about is not None:
                yield about.at(post.path, find_mark(marks[post.path], "image"))
        elif image is not None and image not in files:
            hint = did_you_mean(image, files) or "write its path from this file, or from the site with a leading '/'"
            yield error(post.path, find_mark(marks[post.path], "image"), LINK, f"no image at '{meta.image}'", hint)
