"""``python -m audit``: build both sites, measure, print one table. Exit status 1 when a limit is broken."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from audit import browser, extraction, lighthouse, pictures
from audit.feeds import atom_faults, json_faults
from audit.host import served
from audit.limits import chosen
from audit.markup import nu_faults
from audit.measures import PAGES, SITE, Measure, Page, counted
from audit.published import Published, head_faults, link_faults, sitemap_faults
from audit.table import details, table
from audit.tools import FOLDER, HERE, Missing, Tools, tools

_SOURCES = {"example": HERE.parent, "torture": HERE / "torture"}
_COPIED = ("posts", "pyproject.toml", "build.py")


def main() -> int:
    arguments = _arguments()
    try:
        rows = chosen(arguments.only, arguments.fast)
        pages = [page for page in PAGES if not arguments.page or page.name in arguments.page]
        names = {row.name for row in rows}
        toolset = tools(lighthouse=bool(names & set(lighthouse.ROWS)))
    except (LookupError, Missing) as problem:
        print(f"audit: {problem}", file=sys.stderr)
        return 2
    sites = {name: _built(name, source) for name, source in _SOURCES.items()}
    measures = list(_measured(pages, sites, names, toolset))
    selection = [measure for measure in measures if measure.row in names]
    print(table(rows, [SITE, *(page.name for page in pages)], selection))
    by_name = {row.name: row for row in rows}
    broken = sum(not by_name[measure.row].holds(measure) for measure in selection)
    lines = list(details(rows, selection, arguments.details))
    print("", *lines, *([""] if lines else []), sep="\n")
    print(f"{broken} of {len(selection)} measures are beyond their limits" if broken else "every limit is kept")
    return 1 if broken else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m audit", description=__doc__)
    parser.add_argument(
        "--fast", action="store_true", help="without Lighthouse: what .ci/run holds each change against"
    )
    parser.add_argument(
        "--only", action="append", default=[], metavar="ROW", help="these rows, by the beginnings of their names"
    )
    parser.add_argument("--page", action="append", default=[], choices=[page.name for page in PAGES])
    parser.add_argument("--details", action="store_true", help="also say what is behind measures within their limits")
    return parser.parse_args()


def _built(name: str, source: Path) -> Published:
    """Build a site beside the repository's own output and cache, which are left alone."""
    folder = FOLDER / "sites" / name
    for each in _COPIED:
        if (source / each).is_dir():
            shutil.rmtree(folder / each, ignore_errors=True)
            shutil.copytree(source / each, folder / each)
        elif (source / each).is_file():
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source / each, folder / each)
    if name == "torture":
        pictures.write(FOLDER / "pictures", folder / "posts" / "torture")
    command = [sys.executable, "-m", "octavo", "-C", str(folder), "build", "--quiet", "--at", "2026-11-26T12:00Z"]
    # The torture has warnings on purpose.
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True, encoding="utf-8", check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    settings = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))["tool"]["octavo"]
    return Published(folder / "output", settings["base_url"])


def _measured(
    pages: Sequence[Page], sites: Mapping[str, Published], names: Collection[str], toolset: Tools
) -> Iterator[Measure]:
    yield from _of_sites(sites, names)
    if {"nu", "nu-rest"} & set(names):
        yield from _marked_up(pages, sites, toolset)
    if "extracted" in names:
        yield from _extracted(pages, sites, toolset)
    for page in pages:
        yield counted("head", page.name, list(head_faults(sites[page.site], _file(page, sites))))
    with ExitStack() as stack:
        hosts = {name: stack.enter_context(served(site.folder)) for name, site in sites.items()}
        whole = [(page, hosts[page.site] + page.url) for page in pages]
        if browser.ROWS & set(names):
            yield from browser.measured(whole, toolset.chromium, toolset.axe, names)
        if set(lighthouse.ROWS) & set(names):
            # Lighthouse refuses a page that says it is not found, so that one is asked for by its file.
            files = [(page, f"{hosts[page.site]}/{_file(page, sites).removesuffix('index.html')}") for page in pages]
            yield from lighthouse.measured(files, toolset.node, toolset.modules, toolset.chromium)


def _of_sites(sites: Mapping[str, Published], names: Collection[str]) -> Iterator[Measure]:
    checks: Mapping[str, Callable[[Published], Iterator[str]]] = {
        "atom": lambda site: atom_faults(site.text("feed.xml"), f"{site.base_url}/feed.xml"),
        "json-feed": lambda site: json_faults(site.text("feed.json"), f"{site.base_url}/feed.json"),
        "sitemap": sitemap_faults,
        "links": link_faults,
    }
    for row, check in checks.items():
        if row in names:
            faults = [f"{name}: {fault}" for name, site in sites.items() for fault in check(site)]
            yield counted(row, SITE, faults)


def _marked_up(pages: Sequence[Page], sites: Mapping[str, Published], toolset: Tools) -> Iterator[Measure]:
    """Of the pages of the table each by itself, of all others together."""
    rest: list[str] = []
    for name, site in sites.items():
        faults = dict(nu_faults(site.folder, sorted(site.pages), toolset.java, toolset.nu))
        for page in pages:
            if page.site == name:
                yield counted("nu", page.name, faults.pop(_file(page, sites), []))
        rest += [fault for some in faults.values() for fault in some]
    yield counted("nu-rest", SITE, rest)


def _extracted(pages: Sequence[Page], sites: Mapping[str, Published], toolset: Tools) -> Iterator[Measure]:
    articles = [page for page in pages if page.url.startswith("/posts/")]
    asked = [
        (page.name, sites[page.site].base_url + page.url, sites[page.site].folder / _file(page, sites))
        for page in articles
    ]
    texts = extraction.extracted(asked, toolset.node, toolset.modules)
    for page, (name, url, _) in zip(articles, asked, strict=True):
        content = extraction.content_of(sites[page.site].text("feed.json"), url)
        percent, lost = extraction.coverage(content, texts[name])
        yield Measure("extracted", page.name, round(percent, 1), tuple(lost))


def _file(page: Page, sites: Mapping[str, Published]) -> str:
    """The file that a page is, relative to the folder of its site."""
    return sites[page.site].file(sites[page.site].base_url + page.url) or "404.html"


if __name__ == "__main__":
    raise SystemExit(main())
