"""Sites that are ill-treated: every build of one is held to what the battery asks of all (its CP1 to CP5)."""

from __future__ import annotations

import json
import os
import re
import stat
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urljoin, urlsplit

from octavo.base.diagnostics import Diagnostic, to_text
from octavo.project.build_report import Report
from tests.sites import SiteFolder, post

ALPHAS = "".join(
    f"-- posts/alpha{number}.md --\n" + post(f"Alpha {number}", f"2026-01-0{number + 1}", tags="[alpha]")
    for number in range(3)
)
"""Three good posts."""

CHECKOUT = Path(__file__).resolve().parent.parent

SLOWEST = 60
"""Seconds: a time-out with a wide margin, not a measurement."""

LARGEST = 512 * 1024 * 1024
"""Bytes of memory that a build of a small site may take."""


@dataclass(frozen=True)
class Ran:
    """A command that has ended: its status, what it printed, and the most memory it held, in bytes."""

    status: int
    out: str
    err: str
    memory: int

    def places(self) -> list[str]:
        """``path:line:column: code`` of each problem printed, in the order of printing."""
        matches = re.findall(r"^(\S.*?): (?:error|warning)\[([\w.-]+)\]: ", self.err, re.MULTILINE)
        return [f"{place}: {code}" for place, code in matches]


# A small process that starts the command, so that the memory told is the command's and not that of the tests.
_MEASURE = """
import pathlib, resource, subprocess, sys
status = subprocess.run(sys.argv[3:], timeout=float(sys.argv[2]), stdin=subprocess.DEVNULL).returncode
pathlib.Path(sys.argv[1]).write_text(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))
sys.exit(status if status >= 0 else 128 - status)
"""


@dataclass
class GuardedSite(SiteFolder):
    """A site in a folder with canaries. Builds fail the test where they break a rule that holds for all."""

    def build(self, **options: Any) -> Report:
        outside, output = self.outside(), self.output()
        report = super().build(**options)
        self._held(outside, None if not report.failed else output)
        for problem in report.problems:
            self._told_well(problem)
        return report

    def run(self, *arguments: str, through: tuple[str, ...] = (), **environment: str) -> Ran:
        """Build in a process of its own; ``through`` is a command that starts it (``setpriv`` and its options)."""
        outside, output = self.outside(), self.output()
        memory = self.root.parent.parent / "memory"
        command = [*through, sys.executable, "-m", "octavo", "-C", str(self.root), "build", "--jobs", "1", *arguments]
        done = subprocess.run(
            [sys.executable, "-c", _MEASURE, str(memory), str(SLOWEST), *command],
            capture_output=True,
            cwd=self.root.parent.parent,
            env={**os.environ, "PYTHONPATH": str(CHECKOUT), **environment},
            check=False,
        )
        ran = Ran(
            done.returncode,
            done.stdout.decode("utf-8", "replace"),
            done.stderr.decode("utf-8", "replace"),
            int(memory.read_text()) * 1024,
        )
        assert "Traceback" not in ran.out + ran.err, ran.err
        assert ran.memory < LARGEST
        self._held(outside, None if ran.status == 0 else output)
        return ran

    def outside(self) -> dict[str, tuple[str, bytes]]:
        """Everything around the site and in it that a build must not touch: kind, mode and content by path."""
        home = self.root.parent
        own_folders = (self.root / "output", self.root / ".octavo")
        entries = {}
        for folder, folders, files in os.walk(home):
            folders[:] = [name for name in folders if Path(folder, name) not in own_folders]
            for name in (*folders, *files):
                location = Path(folder, name)
                mode = location.lstat().st_mode
                content = b""
                if stat.S_ISLNK(mode):
                    content = os.fsencode(location.readlink())
                elif stat.S_ISREG(mode):
                    content = location.read_bytes()
                entries[str(location)] = (oct(mode), content)
        return entries

    def _held(self, outside: Mapping[str, object], output: Mapping[str, bytes] | None) -> None:
        """Nothing outside was touched, nothing temporary is left, and ``output``, if given, is what is there."""
        assert self.outside() == outside
        assert output is None or self.output() == output
        assert not [path for path in self.output() if ".octavo" in path]
        for name in ("staging", "ready"):
            assert not list((self.root / ".octavo" / name).rglob("*"))

    def _told_well(self, problem: Diagnostic) -> None:
        """The problem names a path of the site and quotes the very line that it means, with a caret and a hint."""
        assert not problem.path.startswith(("/", ".."))
        text = to_text(problem)
        assert text.startswith(f"{problem.where()}: {problem.severity}[{problem.code}]: ")
        assert not problem.is_error or problem.hint, text
        span = problem.span
        if span is None or not span.text:
            return
        data = (self.root / problem.path).read_bytes().removeprefix(b"\xef\xbb\xbf")
        lines = re.split("\r\n|\r|\n", data.decode("utf-8", "replace"))
        assert lines[span.line - 1].startswith(span.text[:40].split("\N{REPLACEMENT CHARACTER}")[0]), text
        assert span.column is None or re.search(r"^ +\| +\^+$", text, re.MULTILINE) or not span.text.strip(), text


# What a browser and a feed reader see.


@dataclass
class Element:
    tag: str
    attributes: dict[str, str]
    text: str = ""


class Html(HTMLParser):
    """A page as a browser reads it: its elements in order, each with the text directly and deeper within it."""

    VOID = frozenset("area base br col embed hr img input link meta source track wbr".split())

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[Element] = []
        self._open: list[Element] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.elements.append(element)
        if tag not in self.VOID:
            self._open.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(Element(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        while self._open and any(element.tag == tag for element in self._open):
            if self._open.pop().tag == tag:
                return

    def handle_data(self, data: str) -> None:
        for element in self._open:
            element.text += data

    def all(self, tag: str, **attributes: str) -> list[Element]:
        return [
            element
            for element in self.elements
            if element.tag == tag and attributes.items() <= element.attributes.items()
        ]

    def one(self, tag: str, **attributes: str) -> Element:
        elements = self.all(tag, **attributes)
        assert len(elements) == 1, f"{len(elements)} elements {tag} {attributes}"
        return elements[0]

    def addresses(self) -> Iterator[str]:
        for element in self.elements:
            for name in ("href", "src", "poster", "data", "action"):
                if name in element.attributes and element.attributes.get("rel") != "canonical":
                    yield element.attributes[name]
        for element in self.all("meta"):
            if element.attributes.get("property") in ("og:url", "og:image"):
                yield element.attributes["content"]
            if element.attributes.get("http-equiv", "").lower() == "refresh":
                yield element.attributes["content"].partition("url=")[2]


def dead_addresses(output: Mapping[str, bytes], base_url: str = "https://test.example") -> list[str]:
    """``file: address`` for every address of the site, in every page, feed and sitemap, that leads to no file."""
    dead = []
    for path, content in sorted(output.items()):
        for address in _addresses(path, content.decode("utf-8", "replace")):
            if not _is_served(output, base_url, path, address):
                dead.append(f"{path}: {address}")
    return dead


def _addresses(path: str, text: str) -> Iterator[str]:
    if path.endswith(".html"):
        yield from Html(text).addresses()
    elif path in ("feed.xml", "sitemap.xml"):
        for element in ET.fromstring(text).iter():
            name = element.tag.rpartition("}")[2]
            if name in ("id", "uri", "loc"):
                yield element.text or ""
            elif name == "link":
                yield element.attrib["href"]
            elif name == "content":
                yield from Html(element.text or "").addresses()
    elif path.endswith(".json"):
        yield from _in_json(json.loads(text))
    elif path == "robots.txt":
        yield from re.findall(r"^Sitemap: (.*)$", text, re.MULTILINE)


def _in_json(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for item in value:
            yield from _in_json(item)
    elif isinstance(value, dict):
        for name, item in value.items():
            if name in ("url", "home_page_url", "feed_url"):
                yield item
            elif name == "content_html":
                yield from Html(item).addresses()
            else:
                yield from _in_json(item)


def _is_served(output: Mapping[str, bytes], base_url: str, path: str, address: str) -> bool:
    """Whether a plain file server answers; addresses of other sites are not asked."""
    base = urlsplit(base_url)
    here = f"{base_url}/{quote(path)}"
    parts = urlsplit(urljoin(here, address))
    if parts.scheme not in ("http", "https") or parts.netloc != base.netloc:
        return True
    below = unquote(parts.path, errors="strict")
    if not below.startswith(base.path + "/"):
        return False
    file = below[len(base.path) + 1 :]
    return (f"{file}index.html" if file == "" or file.endswith("/") else file) in output
