"""What Chromium makes of a page: axe-core's findings, the security policy, its weight, its hold."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Request, Response, ViewportSize, sync_playwright
from playwright.sync_api import Page as Tab

from audit.measures import Measure, Page, counted

PHONE, LAPTOP = ViewportSize(width=390, height=844), ViewportSize(width=1280, height=900)
NARROWEST = ViewportSize(width=320, height=640)
"""What WCAG 2.2, 1.4.10 asks a page to fit into without being moved sideways."""

_SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")

_PATIENCE = 60_000
"""Milliseconds: a time-out for a busy machine, not a measurement."""

_WATCH = """
window.broken = [];
document.addEventListener("securitypolicyviolation", ({ effectiveDirective, blockedURI, sourceFile, lineNumber }) =>
  broken.push(`${effectiveDirective} forbids ${blockedURI} (${sourceFile}:${lineNumber})`));
window.shifted = [];
new PerformanceObserver((list) => list.getEntries().forEach(({ value, sources }) => shifted.push([value,
  sources.map(({ node }) => node?.nodeName.toLowerCase() + (node?.className ? "." + node.className : "")).join(" ")])))
  .observe({ type: "layout-shift", buffered: true });
"""

_WEIGH = """() => {
  const bytes = (text) => new TextEncoder().encode(text).length;
  const inlined = (selector) => [...document.querySelectorAll(selector)].reduce((sum, { textContent }) =>
    sum + bytes(textContent), 0);
  const data = ["application/ld+json", "application/json", "speculationrules", "importmap"];
  return {
    loaded: [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")].map((entry) =>
      [entry.name, entry.encodedBodySize, entry.decodedBodySize]),
    css: inlined("style"),
    icons: [...document.querySelectorAll("link[rel~=icon], link[rel~=apple-touch-icon]")].map(({ href }) => href),
    js: [...document.scripts].filter(({ type, src }) => !src && !data.includes(type))
      .reduce((sum, { textContent }) => sum + bytes(textContent), 0),
  };
}"""

_WORDS = """() => {
  const main = document.querySelector("main").cloneNode(true);
  document.body.append(main);
  main.querySelectorAll("button").forEach((button) => button.remove());
  const text = main.innerText;
  main.remove();
  return text.match(/\\S+/gu) ?? [];
}"""

_WIDE = """() => {
  const room = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= room) return [0, []];
  const held = (element) => { for (let at = element.parentElement; at; at = at.parentElement)
    if (/auto|scroll|hidden|clip/.test(getComputedStyle(at).overflowX) && at !== document.body
        && at !== document.documentElement) return true;
    return false; };
  const wide = [...document.body.querySelectorAll("*")].filter((element) =>
    element.getBoundingClientRect().right > room + 1 && !held(element));
  return [document.documentElement.scrollWidth - room, wide.slice(0, 4).map((element) =>
    `${element.nodeName.toLowerCase()}.${element.className} ${(element.textContent ?? "").trim().slice(0, 30)}`)];
}"""

_AXE = """async () => {
  const { violations } = await axe.run(document, { resultTypes: ["violations"] });
  return violations.flatMap(({ id, help, nodes }) => nodes.map(({ target, failureSummary }) =>
    `${id}: ${help} | ${target.join(" ")} | ${failureSummary.split("\\n").slice(1).join(" ").trim()}`));
}"""

ROWS = frozenset(
    "axe-light axe-dark csp policy console other-hosts no-script too-wide cls "
    "requests kb kb-text html-kb html css js".split()
)


def measured(pages: Collection[tuple[Page, str]], chromium: str, axe: Path, rows: Collection[str]) -> Iterator[Measure]:
    """The measures of ROWS that are wanted, of each page with its whole address."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for page, address in pages:
            measures = [*_loaded(browser, page, address), *_narrow(browser, page, address)]
            if {"axe-light", "axe-dark"} & set(rows):
                measures += _accessible(browser, page, address, axe.read_text("utf-8"))
            yield from (measure for measure in measures if measure.row in rows)
        browser.close()


def _tab(browser: Browser, address: str, listen: Any = None, **options: Any) -> tuple[Tab, Response]:
    context = browser.new_context(viewport=options.pop("viewport", LAPTOP), **options)
    context.set_default_timeout(_PATIENCE)
    tab = context.new_page()
    if options.get("java_script_enabled", True):
        tab.add_init_script(_WATCH)
    if listen is not None:
        listen(tab)
    response = tab.goto(address, wait_until="load")
    assert response is not None
    return tab, response


def _loaded(browser: Browser, page: Page, address: str) -> Iterator[Measure]:
    """A reader who opens the page, waits for it, and scrolls to its end."""
    requests: list[Request] = []
    said: list[str] = []

    def note(message: ConsoleMessage) -> None:
        # The page for what is not found is one, so its own status is no fault.
        if message.type in ("error", "warning") and message.location.get("url") != address:
            said.append(f"{message.type}: {message.text}")

    def listen(tab: Tab) -> None:
        tab.on("request", lambda request: requests.append(request))
        tab.on("console", note)
        tab.on("pageerror", lambda fault: said.append(f"fault: {fault}"))

    tab, response = _tab(browser, address, listen)
    tab.evaluate("document.fonts.ready.then(() => true)")
    weighed = tab.evaluate(_WEIGH)
    first = len({request.url for request in requests} - set(weighed["icons"]))
    _scroll(tab)
    words = tab.evaluate(_WORDS)
    shifts = [(value, what) for value, what in tab.evaluate("shifted") if value > 0]
    broken = sorted({*tab.evaluate("broken"), *(text for text in said if "Content Security Policy" in text)})
    policies = [response.header_value("content-security-policy")]
    policies += tab.evaluate(
        "[...document.querySelectorAll('meta[http-equiv=\"Content-Security-Policy\" i]')].map(meta => meta.content)"
    )
    tab.context.close()
    hosts = {urlsplit(request.url).netloc for request in requests if request.url.startswith("http")}
    foreign = sorted(hosts - {urlsplit(address).netloc})
    yield counted("csp", page.name, broken)
    yield counted("policy", page.name, list(_weak([policy for policy in policies if policy])))
    yield counted("console", page.name, [text for text in said if "Content Security Policy" not in text])
    yield counted("other-hosts", page.name, foreign)
    yield Measure("cls", page.name, round(sum(value for value, _ in shifts), 4), tuple(what for _, what in shifts))
    yield from _weight(page, weighed, first)
    tab, _ = _tab(browser, address, java_script_enabled=False)
    without = set(tab.evaluate(_WORDS))
    tab.context.close()
    yield counted("no-script", page.name, sorted({word for word in words if word not in without}))


def _scroll(tab: Tab) -> None:
    """To the end, so that images that are loaded late are; then until everything has arrived."""
    tab.evaluate(
        """async () => {
          for (let at = 0; at < document.documentElement.scrollHeight; at += innerHeight) {
            scrollTo(0, at);
            await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
          }
          const late = [...document.images].filter(({ complete }) => !complete);
          await Promise.all(late.map((image) => new Promise((done) => { image.onload = image.onerror = done; })));
          await new Promise((done) => setTimeout(done, 200));
        }"""
    )


def _weak(policies: list[str]) -> Iterator[str]:
    """Why a policy is not strict."""
    if not policies:
        yield "no Content-Security-Policy, neither in _headers nor in a <meta>"
    for policy in policies:
        rules = {words[0].lower(): words[1:] for rule in policy.split(";") if (words := rule.split())}
        if rules.get("default-src") not in (["'self'"], ["'none'"]):
            yield f"default-src is {' '.join(rules.get('default-src', ['missing']))}"
        for name, sources in rules.items():
            for source in sources:
                if source in ("'unsafe-inline'", "'unsafe-eval'", "*", "http:", "https:"):
                    yield f"{name} allows {source}"


def _weight(page: Page, weighed: dict[str, Any], requests: int) -> Iterator[Measure]:
    """What a first visit costs before a reader scrolls. KB are 1,000 bytes. Icons are left out: they come after the
    page, if a browser asks for them at all."""
    loaded = [(name, sent, whole) for name, sent, whole in weighed["loaded"] if name not in weighed["icons"]]
    (_, html_sent, html_whole), rest = loaded[0], loaded[1:]
    notes = tuple(
        f"{sent / 1000:6.1f} KB sent, {whole / 1000:6.1f} KB: {urlsplit(name).path}" for name, sent, whole in loaded
    )

    def of(pattern: str, place: int) -> int:
        return sum(entry[place] for entry in rest if re.search(pattern, entry[0]))

    images = of(r"\.(?:avif|webp|png|jpe?g|gif|svg|ico)$", 1)
    yield Measure("requests", page.name, requests, notes)
    yield Measure("kb", page.name, _kb(sum(sent for _, sent, _ in loaded)), notes)
    yield Measure("kb-text", page.name, _kb(sum(sent for _, sent, _ in loaded) - images - of(r"\.woff2?$", 1)), notes)
    yield Measure("html-kb", page.name, _kb(html_sent))
    yield Measure("html", page.name, _kb(html_whole - weighed["css"] - weighed["js"]))
    yield Measure("css", page.name, _kb(of(r"\.css$", 2) + weighed["css"]))
    yield Measure("js", page.name, _kb(of(r"\.m?js$", 2) + weighed["js"]))


def _kb(size: float) -> float:
    return round(size / 1000, 2)


def _narrow(browser: Browser, page: Page, address: str) -> Iterator[Measure]:
    tab, _ = _tab(browser, address, viewport=NARROWEST)
    tab.evaluate("document.fonts.ready.then(() => true)")
    pixels, elements = tab.evaluate(_WIDE)
    tab.context.close()
    yield Measure("too-wide", page.name, pixels, tuple(elements))


def _accessible(browser: Browser, page: Page, address: str, axe: str) -> Iterator[Measure]:
    # Colours that fade would be judged on their way.
    tab, _ = _tab(browser, address, reduced_motion="reduce")
    tab.evaluate(axe)
    for scheme in _SCHEMES:
        tab.emulate_media(color_scheme=scheme)
        faults = []
        for name, size in (("phone", PHONE), ("laptop", LAPTOP)):
            tab.set_viewport_size(size)
            faults += [f"{name}: {fault}" for fault in tab.evaluate(_AXE)]
        yield counted(f"axe-{scheme}", page.name, faults)
    tab.context.close()
