"""What an author sees of the preview, in a real browser.

A Chromium of the system is driven by Playwright. ``OCTAVO_BROWSER`` names another one; where it is ``required``, a
browser that is not found is a failure (as in ``.ci/run``), else these tests are skipped.
"""

from __future__ import annotations

import io
import os
import shutil
import sys
import time
import wave
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.previewing import Previewing, previewing
from tests.sites import BASE, SiteFolder, post
from tests.test_steps import jpeg

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

Site = Callable[[str], SiteFolder]

WANTED = os.environ.get("OCTAVO_BROWSER", "")
SOON = 15_000
"""Milliseconds: a time-out with a wide margin, not a measurement."""


def browser_path() -> str | None:
    if WANTED and WANTED != "required":
        return WANTED
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next((path for name in names if (path := shutil.which(name))), None)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = browser_path()
    if path is None:
        if WANTED == "required":
            pytest.fail("no browser was found, and OCTAVO_BROWSER says that one is required")
        pytest.skip("no Chromium was found: install one, or name it in OCTAVO_BROWSER")
    from playwright.sync_api import sync_playwright

    flags = ["--no-sandbox", "--autoplay-policy=no-user-gesture-required"]
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=path, args=flags)
        yield running
        running.close()


@pytest.fixture
def opened(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Opens an address in a window of its own, and holds that no script fails."""
    contexts, faults = [], []

    def show(preview: Previewing, path: str, **options: Any) -> Page:
        context = browser.new_context(viewport={"width": 900, "height": 600}, **options)
        context.set_default_timeout(SOON)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda fault: faults.append(str(fault)))
        page.goto(f"http://localhost:{preview.port}{path}")
        ready(page)
        return page

    yield show
    for context in contexts:
        context.close()
    assert not faults


def ready(page: Page) -> None:
    """The page has been greeted, and knows what the server sent."""
    page.wait_for_selector("octavo-preview .knob", state="attached")


LONG = "".join(f"Paragraph {number} of many.\n\n" for number in range(60))

LAYOUTS = """\
-- layouts/post.html --
<!doctype html>
<html lang="en"><head><title>{{ post.title }}</title><link rel="stylesheet" href="{{ asset('own.css') }}"></head>
<body><header><h1>{{ post.title }}</h1><input id="search"><details><summary>More</summary>hidden</details></header>
<main>{{ content() }}</main>
<nav>{% for link in posts() %}<a href="{{ link.url }}">{{ link.title }}</a> {% endfor %}</nav>
<script>
document.documentElement.dataset.theme = "dark";
document.querySelector("main").append(document.createElement("hr"));
</script>
</body></html>
-- assets/own.css --
p { color: rgb(1, 2, 3); }
"""


def laid_out(site: Site, body: str = "First words.\n\nSecond words.\n") -> SiteFolder:
    return site(f"{LAYOUTS}-- posts/a.md --\n{post('A', body=body)}")


def has(page: Page, text: str) -> None:
    page.wait_for_function("text => document.body.innerText.includes(text)", arg=text)


# What stays.


def test_a_save_leaves_all_that_the_reader_did(site: Site, opened: Callable[..., Page]) -> None:
    folder = laid_out(site, LONG + "Last words.\n")
    with previewing(folder) as preview:
        page = opened(preview, "/posts/a/")
        page.evaluate("window.stays = document.querySelectorAll('main p')[40]")
        page.click("summary")
        page.fill("#search", "typed")
        page.evaluate("document.querySelector('#search').setSelectionRange(1, 3)")
        page.evaluate("scrollTo(0, 700)")
        before = page.evaluate("scrollY")
        folder.replace("posts/a.md", "Paragraph 2 of many.", "Paragraph two of many.")
        has(page, "Paragraph two of many.")
        assert page.evaluate("window.stays === document.querySelectorAll('main p')[40]")
        assert page.evaluate("document.querySelector('details').open")
        assert page.evaluate("document.activeElement.id") == "search"
        assert page.evaluate("[search.value, search.selectionStart, search.selectionEnd]") == ["typed", 1, 3]
        assert page.evaluate("scrollY") == before
        assert page.evaluate("document.documentElement.dataset.theme") == "dark"
        assert page.locator("main > hr").count() == 1
        folder.replace("posts/a.md", "Paragraph 1 of many.\n\n", "")
        folder.replace("posts/a.md", "Paragraph 3 of many.", "A new one.\n\nParagraph 3 of many.")
        has(page, "A new one.")
        page.wait_for_function("!document.body.innerText.includes('Paragraph 1 of many')")
        assert page.evaluate("window.stays === document.querySelectorAll('main p')[40]")
        assert page.locator("main > hr").count() == 1


def test_a_selection_of_text_stays(site: Site, opened: Callable[..., Page]) -> None:
    folder = laid_out(site)
    with previewing(folder) as preview:
        page = opened(preview, "/posts/a/")
        page.evaluate("getSelection().selectAllChildren(document.querySelector('main p'))")
        folder.replace("posts/a.md", "Second words.", "Other words.")
        has(page, "Other words.")
        assert page.evaluate("getSelection().toString()") == "First words."


def test_what_is_playing_plays_on(site: Site, opened: Callable[..., Page]) -> None:
    sound = io.BytesIO()
    with wave.open(sound, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(1)
        file.setframerate(8000)
        file.writeframes(bytes([128]) * 8000 * 60)
    folder = laid_out(site).write("posts/tone.wav", sound.getvalue())
    folder.write("posts/a.md", post("A", body='<audio id="tone" src="tone.wav"></audio>\n\nWords.\n'))
    with previewing(folder) as preview:
        page = opened(preview, "/posts/a/")
        page.evaluate("document.querySelector('audio').play()")
        page.wait_for_function("document.querySelector('audio').currentTime > 0.1")
        folder.replace("posts/a.md", "Words.", "Other words.")
        has(page, "Other words.")
        at = page.evaluate("[document.querySelector('audio').paused, document.querySelector('audio').currentTime]")
        assert at[0] is False
        page.wait_for_function("before => document.querySelector('audio').currentTime > before", arg=at[1])


# What is seen of a change.

FLASHING = "document.getAnimations().map(one => one.effect.target.textContent)"


def test_the_changed_block_is_lit_up_and_brought_into_view(site: Site, opened: Callable[..., Page]) -> None:
    folder = laid_out(site, LONG)
    with previewing(folder) as preview:
        page = opened(preview, "/posts/a/")
        page.evaluate(f"addEventListener('octavo:shown', () => window.lit = {FLASHING})")
        folder.replace("posts/a.md", "Paragraph 50 of", "Paragraph fifty of")
        page.wait_for_function("window.lit")
        assert page.evaluate("window.lit") == ["Paragraph fifty of many."]
        page.wait_for_function(
            "(box => box.top > 0 && box.bottom < innerHeight)"
            "(document.querySelectorAll('main p')[50].getBoundingClientRect())"
        )


def test_who_has_scrolled_away_is_left_there(site: Site, opened: Callable[..., Page]) -> None:
    folder = laid_out(site, LONG)
    with previewing(folder) as preview:
        page = opened(preview, "/posts/a/")
        page.mouse.move(400, 300)
        page.mouse.wheel(0, 400)
        page.wait_for_function("scrollY >= 400")
        before = page.evaluate("scrollY")
        folder.replace("posts/a.md", "Paragraph 58 of", "Paragraph other of")
        has(page, "Paragraph other of")
        time.sleep(0.3)
        assert page.evaluate("scrollY") == before


def test_nothing_flashes_where_motion_is_unwelcome(site: Site, opened: Callable[..., Page]) -> None:
    folder = laid_out(site)
    with previewing(folder) as preview:
        page = opened(preview, "/posts/a/", reduced_motion="reduce")
        page.evaluate(f"addEventListener('octavo:shown', () => window.lit = {FLASHING})")
        folder.replace("posts/a.md", "Second words.", "Other words.")
        page.wait_for_function("window.lit")
        assert page.evaluate("window.lit") == []


def test_a_style_sheet_is_exchanged_without_a_bare_moment(site: Site, opened: Callable[..., Page]) -> None:
    folder = laid_out(site)
    with previewing(folder) as preview:
        page = opened(preview, "/posts/a/")
        page.evaluate(
            "window.bare = 0; (function look() { if (!document.styleSheets.length) window.bare++;"
            " requestAnimationFrame(look); })()"
        )
        folder.replace("assets/own.css", "1, 2, 3", "4, 5, 6")
        page.wait_for_function("getComputedStyle(document.querySelector('main p')).color === 'rgb(4, 5, 6)'")
        page.wait_for_function("document.querySelectorAll('link[rel=stylesheet]').length === 1")
        assert page.evaluate("window.bare") == 0


def test_a_style_sheet_within_the_page_is_exchanged_likewise(site: Site, opened: Callable[..., Page]) -> None:
    folder = laid_out(site)
    linked = """<link rel="stylesheet" href="{{ asset('own.css') }}">"""
    folder.replace("layouts/post.html", linked, '{{ stylesheet("own.css") }}')
    folder.write("pyproject.toml", BASE + 'csp = "meta"\n')
    with previewing(folder) as preview:
        page = opened(preview, "/posts/a/")
        page.evaluate(
            "window.bare = 0; (function look() { if (!document.styleSheets.length) window.bare++;"
            " requestAnimationFrame(look); })()"
        )
        assert page.locator("style").count() == 1
        folder.replace("assets/own.css", "1, 2, 3", "4, 5, 6")
        page.wait_for_function("getComputedStyle(document.querySelector('main p')).color === 'rgb(4, 5, 6)'")
        assert page.evaluate("window.bare") == 0
        assert page.locator("style").count() == 1


def test_an_image_is_shown_anew(site: Site, opened: Callable[..., Page]) -> None:
    folder = laid_out(site).write("posts/a.jpg", jpeg()).write("posts/dot.svg", svg(7))
    folder.write("posts/a.md", post("A", body="![photo](a.jpg)\n\n![drawing](dot.svg)\n"))
    with previewing(folder) as preview:
        page = opened(preview, "/posts/a/")
        page.evaluate("window.stays = 1")
        folder.write("posts/dot.svg", svg(9))
        page.wait_for_function("document.querySelector('img[alt=drawing]').naturalWidth === 9")
        before = page.evaluate("document.querySelector('img[alt=photo]').currentSrc")
        from PIL import Image

        other = io.BytesIO()
        Image.new("RGB", (1600, 900), (200, 30, 30)).save(other, "JPEG")
        folder.write("posts/a.jpg", other.getvalue())
        page.wait_for_function("before => document.querySelector('img[alt=photo]').currentSrc !== before", arg=before)
        assert page.evaluate("window.stays") == 1


def svg(width: int) -> str:
    return f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="5"><rect width="5" height="5"/></svg>'


def test_a_new_script_loads_the_page_again(site: Site, opened: Callable[..., Page]) -> None:
    folder = laid_out(site)
    with previewing(folder) as preview:
        page = opened(preview, "/posts/a/")
        folder.replace("layouts/post.html", '= "dark"', '= "light"')
        page.wait_for_function("document.documentElement.dataset.theme === 'light'")


def test_every_tab_follows(site: Site, opened: Callable[..., Page]) -> None:
    folder = laid_out(site)
    with previewing(folder) as preview:
        first = opened(preview, "/posts/a/")
        pages = [first]
        for path in ("/posts/a/", "/", "/archive/", "/tags/", "/404.html", "/posts/a/", "/"):
            pages.append(first.context.new_page())
            pages[-1].goto(f"http://localhost:{preview.port}{path}")
            ready(pages[-1])
        folder.replace("posts/a.md", "title: A", "title: Zebra")
        for page in (pages[0], pages[1], pages[2], pages[3], pages[6], pages[7]):
            has(page, "Zebra")


def test_another_address_is_followed_when_the_page_moves(site: Site, opened: Callable[..., Page]) -> None:
    folder = laid_out(site)
    with previewing(folder) as preview:
        page = opened(preview, "/posts/a/")
        folder.replace("posts/a.md", "title: A", "title: A\nslug: moved")
        page.wait_for_url("**/posts/moved/")


def test_pages_of_an_earlier_preview_are_loaded_again(site: Site, opened: Callable[..., Page]) -> None:
    folder = laid_out(site)
    with previewing(folder) as preview:
        page = opened(preview, "/posts/a/")
        port = preview.port
    folder.replace("posts/a.md", "First words.", "Meanwhile.")
    with previewing(folder, port=port):
        has(page, "Meanwhile.")


# What is wrong.


def test_an_error_lies_over_the_page_until_it_is_right(site: Site, opened: Callable[..., Page]) -> None:
    folder = laid_out(site)
    with previewing(folder) as preview:
        page = opened(preview, "/posts/a/")
        folder.replace("posts/a.md", "date: 2026-01-01", "date: yesterday")
        overlay = page.locator("octavo-preview .overlay")
        overlay.wait_for()
        text = overlay.inner_text()
        for part in (
            "'yesterday' is not a date",
            "posts/a.md:3:7",
            "3 | date: yesterday\n  |       ^^^^^^^^^",
            "Hint: ",
        ):
            assert part in text
        assert "5 | First words." in text
        has(page, "First words.")
        page.keyboard.press("Escape")
        overlay.wait_for(state="detached")
        badge = page.locator("octavo-preview .badge")
        assert badge.inner_text() == "1 error"
        badge.click()
        overlay.wait_for()
        page.reload()
        overlay.wait_for()
        folder.replace("posts/a.md", "date: yesterday", "date: 2026-01-01")
        overlay.wait_for(state="detached")
        badge.wait_for(state="detached")


def test_the_first_of_many_errors_are_shown_and_all_are_counted(site: Site, opened: Callable[..., Page]) -> None:
    folder = laid_out(site)
    for number in range(25):
        folder.write(f"posts/broken{number:02}.md", post(f"B {number}", "yesterday"))
    with previewing(folder) as preview:
        page = opened(preview, "/posts/a/")
        overlay = page.locator("octavo-preview .overlay")
        overlay.wait_for()
        assert overlay.locator("h2").count() == 20
        assert "posts/broken19.md" in overlay.inner_text()
        assert "posts/broken20.md" not in overlay.inner_text()
        assert "and 5 more: octavo check shows all" in overlay.inner_text()
        page.keyboard.press("Escape")
        assert page.locator("octavo-preview .badge").inner_text() == "25 errors"


def test_an_error_of_a_layout_says_through_which_it_came(site: Site, opened: Callable[..., Page]) -> None:
    folder = laid_out(site)
    folder.write("layouts/post.html", "{% extends 'own.html' %}{% block main %}{{ content() }}{% endblock %}")
    folder.write("layouts/own.html", "<body>{% block main %}{% endblock %}</body>")
    with previewing(folder) as preview:
        page = opened(preview, "/posts/a/")
        folder.write("layouts/own.html", "<body>\n{{ post.titel }}{% block main %}{% endblock %}</body>")
        overlay = page.locator("octavo-preview .overlay")
        overlay.wait_for()
        text = overlay.inner_text()
        for part in ("layouts/own.html:2", "did you mean 'title'?", "posts/a.md", "post.html → own.html"):
            assert part in text
        has(page, "First words.")


def test_e17_what_is_shown_of_an_error_is_text(site: Site, opened: Callable[..., Page]) -> None:
    folder = laid_out(site)
    name = "posts/<img src=x onerror=window.harm=1>.md"
    folder.write(name, "---\ntitle: A\ndate: <script>window.harm=1</script>\n---\n")
    with previewing(folder) as preview:
        page = opened(preview, "/posts/a/")
        overlay = page.locator("octavo-preview .overlay")
        overlay.wait_for()
        assert "<img src=x onerror=window.harm=1>.md" in overlay.inner_text()
        assert "<script>window.harm=1</script>" in overlay.inner_text()
        page.goto(f"http://localhost:{preview.port}/<script>window.harm=1</script>")
        overlay.wait_for()
        assert page.evaluate("window.harm") is None


# The way to the editor, and what the author is told.


@pytest.fixture
def edited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], str]:
    """An editor that writes down what it is told; gives that."""
    arguments = tmp_path / "arguments"
    program = tmp_path / "editor.py"
    program.write_text(f"import sys\nopen({str(arguments)!r}, 'w').write(' '.join(sys.argv[1:]))\n")
    monkeypatch.setenv("OCTAVO_EDITOR", f"{sys.executable} {program} {{path}}:{{line}}:{{column}}")

    def read() -> str:
        end = time.monotonic() + SOON / 1000
        while not (arguments.exists() and arguments.read_text()):
            assert time.monotonic() < end
            time.sleep(0.02)
        words = arguments.read_text()
        arguments.unlink()
        return words

    return read


def test_a_click_with_alt_opens_the_editor_at_the_line(
    site: Site, opened: Callable[..., Page], edited: Callable[[], str]
) -> None:
    folder = laid_out(site)
    with previewing(folder) as preview:
        page = opened(preview, "/posts/a/")
        page.click("main p:nth-of-type(2)", modifiers=["Alt"])
        assert edited() == f"{folder.root}/posts/a.md:7:1"
        page.click("h1", modifiers=["Alt"])
        assert edited() == f"{folder.root}/posts/a.md:1:1"
        folder.replace("posts/a.md", "First words.", "Before.\n\nFirst words.")
        has(page, "Before.")
        page.click("main p:nth-of-type(3)", modifiers=["Alt"])
        assert edited() == f"{folder.root}/posts/a.md:9:1"
        folder.replace("posts/a.md", "date: 2026-01-01", "date: yesterday")
        page.click("octavo-preview .open")
        assert edited() == f"{folder.root}/posts/a.md:3:7"


def test_the_panel_says_what_the_author_wants_to_know(site: Site, opened: Callable[..., Page]) -> None:
    folder = site("")
    for name in "abcd":
        body = f"Words about brontosaurus and quaggas. See [a](a.md).\n\nMore about {name}.\n"
        folder.write(f"posts/{name}.md", post(name.upper(), f"2026-01-0{ord(name) - 96}", body))
    folder.write("posts/b.md", post("B", draft="true", body="Words about quaggas. See [a](a.md).\n"))
    with previewing(folder) as preview:
        page = opened(preview, "/posts/a/")
        page.wait_for_timeout(1000)
        page.click("octavo-preview .knob")
        panel = page.locator("octavo-preview .panel")
        panel.wait_for()
        text = panel.inner_text()
        for part in (
            "published, dated 2026-01-01",
            "10 words, 1 min",
            "Related",
            "Linked from",
            "BodyOf(path='posts/a.md')",
        ):
            assert part in text
        assert page.locator("octavo-preview .panel a", has_text="C").count() >= 1
        folder.replace("posts/a.md", "More about a.", "More.")
        page.wait_for_function("document.querySelector('octavo-preview').shadowRoot.textContent.includes('8 words')")
        page.goto(f"http://localhost:{preview.port}/posts/b/")
        page.locator("octavo-preview .state").wait_for()
        assert "Draft" in page.locator("octavo-preview .state").inner_text()
        page.goto(f"http://localhost:{preview.port}/")
        ready(page)
        mark = "getComputedStyle(document.querySelector('a[href=\"/posts/b/\"]'), '::after').content"
        assert page.evaluate(mark) == '" (draft)"'


STRICT = (
    """<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-AAAA';"""
    """ script-src 'sha256-AAAA'; require-trusted-types-for 'script'">"""
)


def test_the_preview_works_whatever_policy_a_page_has(site: Site, opened: Callable[..., Page]) -> None:
    folder = laid_out(site)
    folder.replace("layouts/post.html", "<head>", f"<head>{STRICT}<style>{{{{ asset_text('own.css') }}}}</style>")
    with previewing(folder) as preview:
        page = opened(preview, "/posts/a/")
        page.evaluate("window.stays = 1")
        folder.replace("posts/a.md", "First words.", "Other words.")
        has(page, "Other words.")
        folder.replace("layouts/post.html", "sha256-AAAA", "sha256-BBBB")
        page.wait_for_function("document.querySelector('head meta').outerHTML.includes('sha256-BBBB')")
        folder.replace("posts/a.md", "Other words.", "Third words.")
        has(page, "Third words.")
        folder.replace("posts/a.md", "date: 2026-01-01", "date: yesterday")
        overlay = page.locator("octavo-preview .overlay")
        overlay.wait_for()
        assert overlay.evaluate("element => getComputedStyle(element).position") == "fixed"
        assert page.evaluate("window.stays") == 1


def test_style_within_the_page_is_exchanged_without_a_bare_moment(site: Site, opened: Callable[..., Page]) -> None:
    folder = laid_out(site)
    link = """<link rel="stylesheet" href="{{ asset('own.css') }}">"""
    folder.replace("layouts/post.html", link, f"{STRICT}<style>{{{{ asset_text('own.css') }}}}</style>")
    with previewing(folder) as preview:
        page = opened(preview, "/posts/a/")
        page.evaluate(
            "window.bare = 0; addEventListener('octavo:shown', () => window.lit = document.getAnimations().length);"
            "(function look() { const color = getComputedStyle(document.querySelector('main p')).color;"
            " if (!/^rgb\\((1, 2, 3|4, 5, 6)\\)$/.test(color)) window.bare++; requestAnimationFrame(look); })()"
        )
        folder.replace("assets/own.css", "1, 2, 3", "4, 5, 6")
        page.wait_for_function("getComputedStyle(document.querySelector('main p')).color === 'rgb(4, 5, 6)'")
        page.wait_for_function("window.lit !== undefined")
        assert page.evaluate("[window.bare, window.lit, document.querySelectorAll('style').length]") == [0, 0, 1]


def test_what_a_browser_may_fetch_in_advance_is_no_script(site: Site, opened: Callable[..., Page]) -> None:
    folder = laid_out(site)
    rules = """<script type="speculationrules">{"prefetch": [{"urls": ["/one/"]}]}</script>"""
    folder.replace("layouts/post.html", "</head>", f"{rules}</head>")
    with previewing(folder) as preview:
        page = opened(preview, "/posts/a/")
        page.evaluate("window.stays = 1")
        folder.replace("layouts/post.html", "/one/", "/two/")
        page.wait_for_function("document.querySelector('script[type=speculationrules]').textContent.includes('/two/')")
        assert page.evaluate("window.stays") == 1
