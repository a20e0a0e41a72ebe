"""Battery, section A: front matter and files that are wrong, hostile or strange, each as a whole site.

Every build here also holds the rules of ``tests/battery.py``: nothing outside is touched, a failed build leaves the
output as it was, and each problem quotes the very line that it means.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import shutil
import socket
import unicodedata
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from octavo.base.diagnostics import to_text
from octavo.project import stat_cache
from octavo.project.build_report import Report
from tests.battery import GuardedSite, Html, dead_addresses
from tests.sites import BASE, places, post

MakeSite = Callable[[str], GuardedSite]

DATED = "---\ntitle: T\ndate: 2026-01-01\n"
ATOM = "{http://www.w3.org/2005/Atom}"

BOMB = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"a{level}: &a{level} [{','.join([f'*a{level - 1}'] * 10)}]\n" for level in range(1, 9)
)


def key(line: str) -> str:
    """A post with one more line of front matter, its fourth."""
    return f"{DATED}{line}\n---\nWords.\n"


FAULTS: dict[str, list[tuple[str | bytes, str]]] = {
    "A01 no front matter": [("Just text\n", "1:1: front-matter")],
    "A02 not closed": [("---\ntitle: X\n", "1:1: front-matter")],
    "A03 a tab as indent": [(DATED + "extra:\n\tkey: 1\n---\n", "5:1: yaml")],
    "A04 an unclosed quote": [('---\ntitle: "X\ndate: 2026-01-01\n---\nWords\n', "2:8: yaml")],
    "A05 a key twice": [(DATED + "title: Y\n---\n", "4:1: key")],
    "A06 not a mapping": [
        ("---\n- a\n- b\n---\n", "2:1: front-matter"),
        ("---\njust text\n---\n", "2:1: front-matter"),
        ("---\n42\n---\n", "2:1: front-matter"),
        ("---\n---\n", "1:1: front-matter"),
    ],
    "A07 no title": [
        ("---\ndate: 2026-01-01\n---\n", "1:1: title"),
        ("---\ndate: 2026-01-01\ntitle:\n---\n", "3:7: title"),
        ('---\ndate: 2026-01-01\ntitle: ""\n---\n', "3:8: title"),
        ('---\ndate: 2026-01-01\ntitle: "   "\n---\n', "3:8: title"),
    ],
    "A09 a title that is no text": [
        ("---\ntitle: [a, b]\ndate: 2026-01-01\n---\n", "2:8: title"),
        ("---\ntitle: {a: b}\ndate: 2026-01-01\n---\n", "2:8: title"),
    ],
    "A11 a date that is none": [
        (f"---\ntitle: T\ndate: {value}\n---\n", "3:7: date")
        for value in "not-a-date 2024-13-45 2024-02-30 05/01/2024 yesterday 20240105 [] true".split()
    ],
    "A12 no date": [("---\ntitle: T\n---\n", "1:1: date")],
    "A15 tags as text": [(key("tags: python, web"), "4:7: tags")],
    "A16 tags that are no text": [
        (key(f"tags: [a, {value}]"), "4:11: tags") for value in ("null", "7", "true", "{a: b}", "[b, c]", '""')
    ],
    "A20 tags of YAML": [
        (key(f"extra: {{a: {value}}}"), "4:12: yaml")
        for value in (
            "!!python/object/apply:os.system ['touch ../canary ../../canary canary']",
            "!!js/function 'x'",
            "!ENV HOME",
            "!include /etc/passwd",
        )
    ],
    "A21 other front matter": [
        ("---js\n{ title: 'X' }\n---\n", "1:1: front-matter"),
        ('---json\n{"title": "X"}\n---\n', "1:1: front-matter"),
        ('+++\ntitle = "X"\n+++\n', "1:1: front-matter"),
    ],
    "A22 a blank line above": [("\n" + key("tags: [a]"), "1:1: front-matter")],
    "A23 not UTF-8": [
        (key("tags: [a]").encode("utf-16"), "1:1: encoding"),
        (key("tags: [a]").encode("utf-16-le"), "1:2: control"),
        (key("tags: [a]").encode("utf-16-be"), "1:1: control"),
        (key("tags: [a]").encode() + b"caf\xe9 au lait\n", "7:4: encoding"),
        (key("tags: [a]").encode() + b"\x93quoted\x94\n", "7:1: encoding"),
        (key("tags: [a]").encode() + "cut off \N{EURO SIGN}".encode()[:-1], "7:9: encoding"),
        (key("tags: [a]").encode() + b"\xc0\xae\xc0\xae/\n", "7:1: encoding"),
        (key("tags: [a]").encode() + b"half \xed\xa0\x80\n", "7:6: encoding"),
        (b"---\ntitle: caf\xe9\ndate: 2026-01-01\n---\n", "2:11: encoding"),
    ],
    "A24 control characters": [
        *((f"{DATED}---\nab{chr(code)}c\n", "5:3: control") for code in (*range(9), 11, *range(14, 32), 127)),
        *(
            (f"---\ntitle: T{chr(code)}\ndate: 2026-01-01\n---\n", "2:9: control")
            for code in (*range(9), 11, *range(14, 32), 127)
        ),
    ],
    "A25 next to nothing": [
        ("", "1:1: front-matter"),
        ("-", "1:1: front-matter"),
        ("---", "1:1: front-matter"),
        ("---\n", "1:1: front-matter"),
        ("  \n\n \n", "1:1: front-matter"),
    ],
    "A36 slugs that are no part of an address": [
        (key(f"slug: {value}"), "4:7: slug")
        for value in (
            *("../../../../escape", "/abs/path", "a/../../b", "..\\..\\x", "'%2e%2e/x'", ".", "..", '""', "a//b", "a/"),
            *("'?x'", "'#x'", "'-'", "x" * 300),
        )
    ],
    "A36 a slug with NUL": [(key('slug: "\\0"'), "4:7: control"), (key('slug: "a\\0b"'), "4:7: control")],
    "A41 front matter without measure": [
        ("---\ntitle: T\ndescription: " + "x" * 1_000_000 + "\n---\n", "1:1: front-matter"),
        (
            DATED + "extra:\n" + "".join(f"  key{number}: 1\n" for number in range(10_000)) + "---\n",
            "1:1: front-matter",
        ),
        (key("extra: {a: " + "[" * 1000 + "]" * 1000 + "}"), "4:42: yaml"),
        (key("extra:\n" + "".join("  " * depth + "k:\n" for depth in range(1, 150))), "36:65: yaml"),
    ],
    "A42 a draft by guess": [
        (key(f"draft: {value}"), "4:8: draft") for value in ('"true"', "yes", "1", "maybe", "True", "no")
    ],
    "A42 a draft by a typo": [(key("darft: true"), "4:1: key"), (key("Draft: maybe"), "4:8: draft")],
}


@pytest.mark.parametrize("row", FAULTS)
def test_a_fault_is_told_at_its_place_and_nothing_is_published(battery: MakeSite, row: str) -> None:
    folder = battery("")
    name = row[:3].lower()
    for number, (text, _) in enumerate(FAULTS[row]):
        folder.write(f"posts/{name}-{number:02}.md", text)
    report = folder.build()
    assert report.status == 1
    told = places(tuple(problem for problem in report.problems if problem.is_error))
    wanted = [f"posts/{name}-{number:02}.md:{place}" for number, (_, place) in enumerate(FAULTS[row])]
    assert [place for place in wanted if place not in told] == []
    assert {place.split(":")[0] for place in told} == {place.split(":")[0] for place in wanted}


def test_a01_a_problem_is_printed_with_its_line_a_caret_and_a_hint(battery: MakeSite) -> None:
    ran = battery("-- posts/a.md --\nJust text\n").run()
    assert ran.status == 1
    lines = ran.err.splitlines()
    assert re.match(r"posts/a\.md:1:1: error\[front-matter\]: ", lines[0])
    assert lines[1] == "    1 | Just text"
    assert lines[2] == "      | ^^^^^^^^^"
    assert lines[3].startswith("    hint: ")
    assert "output unchanged" in ran.out


def test_a03_and_a15_the_hint_says_what_to_write(battery: MakeSite) -> None:
    folder = battery("-- posts/a.md --\n" + DATED + "extra:\n\tkey: 1\n---\n").write("posts/b.md", key("tags: a b, c"))
    hints = {problem.path: problem.hint for problem in folder.build().problems}
    assert "spaces" in hints["posts/a.md"]
    assert "tags: [a b, c]" in hints["posts/b.md"]


def test_a05_both_lines_of_a_key_set_twice_are_named(battery: MakeSite) -> None:
    (problem,) = battery("-- posts/a.md --\n" + DATED + "title: Y\n---\n").build().problems
    assert "line 2" in problem.message
    assert "line 4" in problem.message


# Titles.

AS_TYPED = ("123", "1.10", "0x1F", "no", "null", "2024-01-05", "1_000")


def test_a08_a_title_is_the_characters_typed(battery: MakeSite) -> None:
    folder = battery("")
    for number, title in enumerate(AS_TYPED):
        folder.write(f"posts/a08-{number}.md", post(title))
    folder.built()
    for number, title in enumerate(AS_TYPED):
        page = Html(folder.page(f"/posts/a08-{number}/"))
        assert page.one("h1").text == title
        assert page.one("title").text.startswith(f"{title} ")


NASTY = "<b>X & Y\"'</b></script><script>alert(1)</script>]]>"


def test_a10_a_title_is_text_wherever_it_is_shown(battery: MakeSite) -> None:
    quoted = "'" + NASTY.replace("'", "''") + "'"
    folder = battery("").write("posts/nasty.md", post(quoted, "2026-02-01", tags=f"[alpha, {quoted}]", series=quoted))
    folder.built()
    scripts = {path: len(Html(text.decode()).all("script")) for path, text in folder.output().items() if "tml" in path}
    shown = {"alpha0": 0, "nasty": 0}
    for path, content in folder.output().items():
        if not path.endswith(".html"):
            continue
        page = Html(content.decode())
        assert not page.all("b"), path
        assert scripts[path] == scripts["404.html"] + path.startswith(("posts/", "search/")), path  # JSON-LD, search
        assert "alert" not in "".join(script.text for script in page.all("script") if not script.attributes.get("type"))
        shown["nasty"] += any(link.text == NASTY for link in page.all("a", href="/posts/nasty/"))
    assert shown["nasty"] >= 5  # home, tag, archive, neighbour, latest
    source = folder.page("/posts/nasty/")
    page = Html(source)
    assert "&lt;b&gt;X &amp; Y" in source
    assert page.one("h1").text == NASTY
    assert page.one("title").text.startswith(NASTY)
    assert page.one("meta", property="og:title").attributes["content"] == NASTY
    graph = json.loads(page.one("script", type="application/ld+json").text)["@graph"]
    assert graph[0]["headline"] == NASTY
    assert NASTY in graph[0]["keywords"]
    entry = ET.fromstring(folder.page("/feed.xml")).findall(f"{ATOM}entry")[0]
    assert entry.findtext(f"{ATOM}title") == NASTY
    assert NASTY in [category.attrib["label"] for category in entry.findall(f"{ATOM}category")]
    assert json.loads(folder.page("/feed.json"))["items"][0]["title"] == NASTY
    related = json.loads(folder.page("/related.json"))["posts"]
    assert NASTY in [row["title"] for row in related]
    assert dead_addresses(folder.output()) == []


# Dates.

MOMENTS = {
    "2024-01-05": ("2024-01-05T00:00:00+01:00", "5 January 2024"),
    "2024-01-05 10:00": ("2024-01-05T10:00:00+01:00", "5 January 2024"),
    "2024-01-05T10:00:00+02:00": ("2024-01-05T09:00:00+01:00", "5 January 2024"),
    '"2024-01-05"': ("2024-01-05T00:00:00+01:00", "5 January 2024"),
    "2024-01-05T23:30:00-05:00": ("2024-01-06T05:30:00+01:00", "6 January 2024"),
    "2024-01-05 23:30:00 -0500": ("2024-01-06T05:30:00+01:00", "6 January 2024"),
}


def test_a13_the_day_shown_is_the_sites_own_and_not_the_machines(battery: MakeSite) -> None:
    folder = battery("").write("pyproject.toml", BASE + 'timezone = "Europe/Berlin"\n')
    for number, written in enumerate(MOMENTS):
        folder.write(f"posts/a13-{number}.md", post(date=written))
    folder.built()
    for number, (moment, day) in enumerate(MOMENTS.values()):
        shown = Html(folder.page(f"/posts/a13-{number}/")).all("time", datetime=moment)
        assert shown[0].text == day
    here = folder.output()
    assert folder.run("--fresh", TZ="Pacific/Kiritimati").status == 0
    assert folder.output() == here


def test_a14_a_post_to_come_is_held_back_and_named(battery: MakeSite) -> None:
    folder = battery("").write("posts/later.md", post("Later", "2041-02-03", tags="[alpha]"))
    ran = folder.run("--at", "2041-02-02T23:59:59")
    assert ran.status == 0
    (line,) = [line for line in ran.out.splitlines() if "posts/later.md" in line]
    assert "2041-02-03" in line
    assert not [path for path, content in folder.output().items() if b"Later" in content or "later" in path]
    assert folder.run(SOURCE_DATE_EPOCH="2243462399").status == 0
    assert "posts/later/index.html" not in folder.output()
    assert folder.run(SOURCE_DATE_EPOCH="2243462400").status == 0
    assert "posts/later/index.html" in folder.output()


# Tags.


def test_a17_spellings_of_one_tag_are_one_page_and_c_has_three(battery: MakeSite) -> None:
    naive = unicodedata.normalize("NFC", "nai\u0308ve")
    folder = battery("")
    folder.write("posts/one.md", post(tags=f"[Python, {naive}, C++, 'C#']"))
    folder.write("posts/two.md", post(tags=f"[python, {unicodedata.normalize('NFD', naive)}, C]"))
    report = folder.built()
    pages = {path.split("/")[1] for path in folder.output() if re.fullmatch("tags/[^/]+/index.html", path)}
    assert pages == {"alpha", "python", naive, "c", "c-plus-plus", "c-sharp"}
    for slug in ("python", naive):
        links = {link.attributes["href"] for link in Html(folder.page(f"/tags/{slug}/")).all("a")}
        assert {"/posts/one/", "/posts/two/"} <= links
    assert "posts/two.md:4:8: tag" in places(report.problems) or "posts/one.md:4:8: tag" in places(report.problems)
    assert dead_addresses(folder.output()) == []


TAGS = (
    *("C/C++", "../../../../esc", "..", ".", "/abs", "a\\b", "con", "%2e%2e", "index.html", "x" * 300, "😀😀"),
    *("page", "q\"'<i>&", "?q", "#h", "日本語"),
)


def test_a18_a_tag_is_one_segment_of_an_address(battery: MakeSite) -> None:
    folder = battery("").write("posts/tagged.md", post(tags=json.dumps(TAGS, ensure_ascii=False)))
    folder.built()
    assert all(
        re.fullmatch(r"tags/(?:[^/]+/)?index\.html", path) for path in folder.output() if path.startswith("tags")
    )
    assert {path.split("/")[0] for path in folder.output()} >= {"tags", "posts"}
    assert not any({".", ".."} & set(path.split("/")) for path in folder.output())
    labels = [element.attributes.get("content") for element in Html(folder.page("/posts/tagged/")).all("meta")]
    assert set(TAGS) <= set(labels)
    assert dead_addresses(folder.output()) == []


def test_a18_a_tag_of_blanks_is_an_error(battery: MakeSite) -> None:
    assert places(battery("").write("posts/a.md", key('tags: ["  "]')).build().problems) == ["posts/a.md:4:8: tags"]


# Bombs, encodings and sizes.


def test_a19_aliases_are_refused_before_they_grow(battery: MakeSite) -> None:
    ran = battery("").write("posts/bomb.md", f"{DATED}{BOMB}---\n").run()
    assert ran.status == 1
    assert ran.places()[0] == "posts/bomb.md:4:5: yaml"
    assert ran.memory < 100_000_000


BODY = "# One\n\nTwo \u2028lines\u2029 or \u0085one, with “quotes”.\n\n    code\n\n- a\n- b\n"

SAVED: dict[str, Callable[[str], bytes]] = {
    "CRLF": lambda text: text.replace("\n", "\r\n").encode(),
    "CR": lambda text: text.replace("\n", "\r").encode(),
    "BOM": lambda text: text.encode("utf-8-sig"),
    "BOM and CRLF": lambda text: text.replace("\n", "\r\n").encode("utf-8-sig"),
    "blanks after the dashes": lambda text: text.replace("---\n", "---   \n").encode(),
}


def test_a22_line_ends_and_a_byte_order_mark_make_no_difference(battery: MakeSite) -> None:
    folder = battery("").write("posts/a.md", post(body=BODY, tags="[a]"))
    folder.built()
    plain = folder.output()
    assert "\u2028" in folder.page("/posts/a/")
    for how, saved in SAVED.items():
        folder.write("posts/a.md", saved(post(body=BODY, tags="[a]")))
        folder.built()
        assert folder.output() == plain, how


def test_a26_a_file_past_the_limit_is_refused_unread(battery: MakeSite) -> None:
    folder = battery("").write("posts/big.md", post(body="word " * 10_000_000))
    ran = folder.run()
    assert (ran.status, ran.places()) == (1, ["posts/big.md:1:1: size"])
    assert ran.memory < 100_000_000


def test_a26_a_line_of_a_megabyte_is_published(battery: MakeSite) -> None:
    folder = battery("").write("posts/long.md", post(body=("plain words " * 9 + "*and* `code` ") * 8_500))
    ran = folder.run()
    assert (ran.status, ran.err) == (0, "")
    assert folder.page("/posts/long/").count("<em>and</em>") >= 8_500


# What is not a regular file.


def test_a27_a_folder_named_like_a_post_is_walked(battery: MakeSite) -> None:
    folder = battery("").write("posts/folder.md/inner.md", post())
    folder.built()
    assert "posts/folder.md/inner/index.html" in folder.output()


def test_a27_pipes_sockets_and_devices_are_named_and_never_read(
    battery: MakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = battery("").write("assets/extra.css", "a{}")
    posts = folder.root / "posts"
    os.mkfifo(posts / "pipe.md")
    os.mkfifo(folder.root / "assets/pipe.css")
    expected = ["assets/pipe.css:1:1: file", "posts/pipe.md:1:1: file"]
    with socket.socket(socket.AF_UNIX) as server:
        monkeypatch.chdir(posts)  # the name of a socket must be short
        server.bind("socket.md")
        expected.append("posts/socket.md:1:1: file")
        try:
            os.mknod(posts / "zero.md", 0o666 | 0o020000, os.makedev(1, 5))
            expected.append("posts/zero.md:1:1: file")
        except PermissionError:
            pass
        ran = folder.run()
    assert (ran.status, ran.places()) == (1, expected)


def without_privilege() -> tuple[str, ...]:
    """A command that starts another one which file modes bind, also where the tests run as root."""
    if os.geteuid() != 0:
        return ()
    if shutil.which("setpriv") is None:
        pytest.skip("root without setpriv reads every file")
    return ("setpriv", "--bounding-set=-dac_override,-dac_read_search", "--inh-caps=-dac_override,-dac_read_search")


def test_a28_what_cannot_be_read_is_named(battery: MakeSite) -> None:
    files = ("assets/shut.css", "build.py", "layouts/shut.html", "posts/shut.md", "pyproject.toml")
    folder = battery("").write("posts/shut/inner.md", post())
    for path in files:
        folder.write(path, "")
    shut = [folder.root / path for path in (*files, "posts/shut")]
    for location in shut:
        location.chmod(0)
    try:
        ran = folder.run(through=without_privilege())
    finally:
        for location in shut:
            location.chmod(0o755)
    assert ran.status == 1
    assert {place for place in ran.places() if not place.endswith(": base_url")} == {
        f"{path}:1:1: file" for path in (*files, "posts/shut")
    }


def test_a29_links_that_lead_nowhere_or_in_a_circle_are_named_with_their_target(battery: MakeSite) -> None:
    folder = battery("")
    posts = folder.root / "posts"
    (posts / "broken.md").symlink_to("nowhere.md")
    (posts / "here").symlink_to(".")
    (posts / "one.md").symlink_to("two.md")
    (posts / "two.md").symlink_to("one.md")
    report = folder.build()
    targets = {"broken.md": "nowhere.md", "here": ".", "one.md": "two.md", "two.md": "one.md"}
    assert (report.status, places(report.problems)) == (1, [f"posts/{name}:1:1: link-file" for name in targets])
    for problem, target in zip(report.problems, targets.values(), strict=True):
        assert f"'{target}'" in problem.message


def test_a30_links_that_lead_outside_are_refused(battery: MakeSite) -> None:
    folder = battery("-- assets/extra.css --\na{}\n-- layouts/own.html --\nx")
    outside = folder.root.parent / "outside"
    outside.mkdir()
    for name in ("secret.md", "secret.css", "secret.png", "secret.html"):
        (outside / name).write_text(post("Secret", body="SECRET"))
    (folder.root / "posts/file.md").symlink_to(outside / "secret.md")
    (folder.root / "posts/folder").symlink_to(outside)
    (folder.root / "posts/file.png").symlink_to("../../outside/secret.png")
    (folder.root / "assets/file.css").symlink_to(outside / "secret.css")
    (folder.root / "layouts/file.html").symlink_to(outside / "secret.html")
    report = folder.build()
    assert report.status == 1
    names = ("assets/file.css", "layouts/file.html", "posts/file.md", "posts/file.png", "posts/folder")
    assert places(report.problems) == [f"{name}:1:1: link-file" for name in names]
    assert all("outside" in problem.message for problem in report.problems)


@pytest.mark.parametrize("kind", ["posts", "assets", "layouts"])
def test_a30_a_whole_folder_that_leads_outside_is_refused(battery: MakeSite, kind: str) -> None:
    folder = battery("")
    outside = folder.root.parent / "outside"
    outside.mkdir()
    (outside / "secret.md").write_text(post("Secret", body="SECRET"))
    shutil.rmtree(folder.root / kind, ignore_errors=True)
    (folder.root / kind).symlink_to(outside)
    assert places(folder.build().problems) == [f"{kind}:1:1: link-file"]


def test_a31_a_link_to_another_post_is_a_second_post(battery: MakeSite) -> None:
    folder = battery("")
    (folder.root / "posts/second.md").symlink_to("alpha1.md")
    folder.built()
    assert Html(folder.page("/posts/second/")).one("h1").text == "Alpha 1"
    (folder.root / "posts/second.md").unlink()
    (folder.root / "posts/second.md").symlink_to("alpha2.md")
    folder.built()
    assert Html(folder.page("/posts/second/")).one("h1").text == "Alpha 2"


# Names.

NAMES = {
    "Zoë 🎉 post.md": "Zoë 🎉 post",
    "50% of #1?x.md": "50% of #1?x",
    "q\"'<b>.md": "q\"'<b>",
    "-rf.md": "-rf",
    "a&b.md": "a&b",
    "a;b.md": "a;b",
    "a\\b.md": "a\\b",
    "CON.md": "CON",
    "upper.MD": "upper",
    "x.md.md": "x.md",
    "y.markdown": "y",
    "index.html.md": "index.html",
    "%2e%2e.md": "%2e%2e",
    "a:b.md": "a:b",
    "a+b=c@d$e!f~,(g).md": "a+b=c@d$e!f~,(g)",
}

HIDDEN = ("..md", ".hidden.md", "#draft.md", "backup.md~", ".#lock.md")


def test_a32_whatever_a_post_is_called_every_address_leads_to_its_page(battery: MakeSite) -> None:
    folder = battery("")
    for name in NAMES:
        folder.write(f"posts/{name}", post(f"Post {name}".replace(":", "").replace(" #", ""), tags="[names]"))
        folder.write(f"posts/folder of {name}/index.md", post("'A folder'", body="![x](p%20i%3Fc%23.png)\n"))
        folder.write(f"posts/folder of {name}/p i?c#.png", b"x")
    for name in HIDDEN:
        folder.write(f"posts/{name}", "not a post")
    folder.built()
    output = folder.output()
    assert {path.split("/")[1] for path in output if path.startswith("posts/")} == {
        *(stem for stem in NAMES.values()),
        *(f"folder of {name}" for name in NAMES),
        *("alpha0", "alpha1", "alpha2"),
    }
    assert dead_addresses(output) == []
    assert not [path for path, content in output.items() if path.endswith(".html") and Html(content.decode()).all("b")]
    linked = {
        address for path in ("index.html", "archive/index.html") for address in Html(output[path].decode()).addresses()
    }
    assert "/posts/50%25%20of%20%231%3Fx/" in linked


def test_a32_the_same_with_a_path_in_the_base_url(battery: MakeSite) -> None:
    folder = battery("").write(
        "pyproject.toml", BASE.replace("test.example", "test.example/my blog/ü/".replace(" ", "%20"))
    )
    for name in list(NAMES)[:3]:
        folder.write(f"posts/{name}", post(tags="[names]", body="[first](/posts/alpha0/) [second](alpha1.md)\n"))
    folder.built()
    assert dead_addresses(folder.output(), "https://test.example/my blog/ü") == []


def test_a33_a_name_as_long_as_the_file_system_allows_is_a_page(battery: MakeSite) -> None:
    folder = battery("")
    for stem in ("n" * 247, "n" * 252, "é" * 126):
        folder.write(f"posts/{stem}.md", post())
    folder.built()
    assert {"posts/" + "n" * 252 + "/index.html", "posts/" + "é" * 126 + "/index.html"} <= set(folder.output())
    assert dead_addresses(folder.output()) == []


def test_a33_an_address_longer_than_a_file_system_allows_is_told(battery: MakeSite) -> None:
    folder = battery("").write("posts/a.md", post(aliases="[/" + "a" * 252 + ".txt/]"))
    assert places(folder.build().problems) == ["posts/a.md:4:11: aliases"]


def test_a34_names_that_are_one_name_elsewhere_clash(battery: MakeSite) -> None:
    nfd = unicodedata.normalize("NFD", "zoë")
    folder = battery("").write("posts/zoë.md", post()).write(f"posts/{nfd}.md", post())
    folder.write("posts/Foo.md", post()).write("posts/foo.md", post())
    report = folder.build()
    assert report.status == 1
    assert {problem.code for problem in report.problems} == {"clash"}
    for pair in (("posts/zoë.md", f"posts/{nfd}.md"), ("posts/Foo.md", "posts/foo.md")):
        assert any(all(name in to_text(problem) for name in pair) for problem in report.problems)


# Two things at one address.

CLASHES = {
    "two slugs": ({"posts/a.md": post(slug="same"), "posts/b.md": post(slug="same")}, "posts/b.md:4:7", "posts/a.md"),
    "a slug and a name": ({"posts/a.md": post(slug="alpha1")}, "posts/alpha1.md:2:8", "posts/a.md"),
    "a file and a folder": (
        {"posts/cat.md": post(), "posts/cat/index.md": post()},
        "posts/cat/index.md:2:8",
        "posts/cat.md",
    ),
    "an asset": ({"assets/root/posts/alpha1/index.html": "x"}, "posts/alpha1.md:2:8", "assets/root/posts/alpha1"),
    "a tag page": ({"posts/tags/alpha.md": post(layout="page")}, "posts/tags/alpha.md:2:8", "/tags/alpha/"),
    "the tags": ({"posts/tags.md": post(layout="page")}, "posts/tags.md:2:8", "/tags/"),
    "the archive": ({"posts/Archive.md": post(layout="page")}, "posts/Archive.md:2:8", "/archive/"),
    "a feed as a folder": ({"posts/feed.xml.md": post(layout="page")}, "posts/feed.xml.md:2:8", "/feed.xml"),
    "an alias": ({"posts/a.md": post(aliases="[/posts/alpha1/]")}, "posts/alpha1.md:2:8", "posts/a.md"),
    "two aliases": (
        {"posts/a.md": post(aliases="[/old/]"), "posts/b.md": post(aliases="[/OLD/]")},
        "posts/a.md:4:10",
        "posts/b.md",
    ),
    "a file beside a post": (
        {"posts/cat/index.md": post(), "posts/cat/index.html": "x"},
        "posts/cat/index.md:2:8",
        "posts/cat/index.html",
    ),
}


@pytest.mark.parametrize("case", CLASHES)
def test_a35_a_clash_names_both_and_nothing_is_published(battery: MakeSite, case: str) -> None:
    files, place, other = CLASHES[case]
    folder = battery("")
    for path, text in files.items():
        folder.write(path, text)
    report = folder.build()
    assert report.status == 1
    clashes = [problem for problem in report.problems if problem.code == "clash"]
    assert places(tuple(clashes)) == [f"{place}: clash"]
    assert other in to_text(clashes[0])


def test_a35_names_that_pages_of_the_site_have_are_free_below_posts(battery: MakeSite) -> None:
    folder = battery("")
    names = ("index", "tags", "feed", "404", "archive", "assets")
    for name in names:
        folder.write(f"posts/{name}.md", post())
    folder.write("posts/about.md", "---\ntitle: About\nlayout: page\n---\nMe.\n")
    folder.built()
    assert {f"posts/{name}/index.html" for name in names} | {"about/index.html"} <= set(folder.output())
    assert dead_addresses(folder.output()) == []


def test_a36_a_slug_with_blanks_is_made_to_fit(battery: MakeSite) -> None:
    folder = battery("").write("posts/a.md", post(slug='" My Slug "')).write("posts/sub/b.md", post(slug="x"))
    folder.built()
    assert {"posts/my-slug/index.html", "posts/sub/x/index.html"} <= set(folder.output())


# What is gone is gone.


def test_a37_what_left_the_sources_leaves_the_output_and_nothing_else_does(battery: MakeSite) -> None:
    folder = battery("")
    folder.write("posts/gone.md", post("Gone", tags="[only]")).write("posts/old.md", post("Old"))
    folder.write("posts/cat/index.md", post(body="![x](cat.png)")).write("posts/cat/cat.png", b"x")
    folder.write("assets/gone.css", "a{}").write("assets/root/robots-extra.txt", "x")
    folder.write("layouts/404.html", "own").write("layouts/archive.html", "own")
    folder.built()
    folder.write("output/CNAME", "kept").write("output/posts/gone/mine.jpg", "kept").write("output/.git/HEAD", "kept")
    before = folder.output()
    (folder.root / "posts/old.md").rename(folder.root / "posts/new.md")
    for path in ("posts/gone.md", "assets/gone.css", "assets/root/robots-extra.txt", "layouts/404.html"):
        folder.delete(path)
    shutil.rmtree(folder.root / "posts/cat")
    report = folder.built()
    gone = {path for path in before if path not in folder.output()}
    assert gone == set(report.removed)
    assert {re.sub(r"\.[0-9a-f]{10}\.", ".", path) for path in gone} == {
        "posts/gone/index.html",
        "tags/only/index.html",
        "posts/old/index.html",
        "posts/cat/index.html",
        "posts/cat/cat.png",
        "assets/gone.css",
        "robots-extra.txt",
    }
    assert {"CNAME", "posts/gone/mine.jpg", ".git/HEAD", "posts/new/index.html"} <= set(folder.output())
    assert folder.page("/404.html") != "own"
    assert folder.page("/archive/") == "own"
    assert dead_addresses(folder.output()) == []


def test_a37_a_layout_that_a_post_names_is_missed_when_it_is_deleted(battery: MakeSite) -> None:
    folder = battery("-- layouts/wide.html --\n{{ post.title }}").write("posts/a.md", post(layout="wide"))
    folder.built()
    folder.delete("layouts/wide.html")
    assert places(folder.build().problems) == ["posts/a.md:4:9: layout"]


def test_a38_all_problems_are_told_in_one_run_in_order(battery: MakeSite) -> None:
    folder = battery("").write("posts/a.md", "text").write("posts/b.md", key("date: never"))
    folder.write("posts/c.md", key("tags: x")).write("layouts/404.html", "one\n{{ x | nope }}\n")
    folder.write("pyproject.toml", BASE + "titel = 3\n")
    report = folder.build()
    assert report.status == 1
    assert places(report.problems) == [
        "layouts/404.html:2:8: undefined",
        "posts/a.md:1:1: front-matter",
        "posts/b.md:4:1: key",
        "posts/c.md:4:7: tags",
        "pyproject.toml:4:1: settings",
    ]


def test_a39_an_unknown_key_is_a_warning_and_under_strict_an_error(battery: MakeSite) -> None:
    folder = (
        battery("")
        .write("posts/a.md", key("tilte: X"))
        .write("posts/b.md", "---\nTitle: Shown\ndate: 2026-01-01\n---\n")
    )
    report = folder.built()
    assert places(report.problems) == ["posts/a.md:4:1: key", "posts/b.md:2:1: key"]
    assert all(not problem.is_error and "did you mean 'title'?" in problem.hint for problem in report.problems)
    assert Html(folder.page("/posts/b/")).one("h1").text == "Shown"
    strict = folder.build(strict=True)
    assert strict.status == 1
    assert places(strict.problems) == places(report.problems)


# Files that change while they are read.

CHANGES: dict[str, Callable[[Path], Any]] = {
    "replaced": lambda file: file.write_text(post("Replaced", "2026-01-02")),
    "truncated": lambda file: file.write_bytes(file.read_bytes()[:-8]),
    "cut to nothing": lambda file: file.write_bytes(b""),
    "deleted": lambda file: file.unlink(),
}


def changing(monkeypatch: pytest.MonkeyPatch, name: str, change: Callable[[Path], Any], times: int = 1) -> None:
    """Change a file just before a build reads it, after the build has listed it."""
    read = stat_cache.FileEntry.read
    left = times

    def changed(self: stat_cache.FileEntry) -> bytes:
        nonlocal left
        if self.path == name and left:
            left -= 1
            change(Path(self.location))
        return read(self)

    monkeypatch.setattr(stat_cache.FileEntry, "read", changed)


class Unguarded(GuardedSite):
    """For a test that changes the sources itself while a build runs."""

    def outside(self) -> dict[str, tuple[str, bytes]]:
        return {path: entry for path, entry in super().outside().items() if "/posts/" not in path}


@pytest.mark.parametrize("how", CHANGES)
def test_a40_a_file_that_changes_while_it_is_read_is_read_again(
    battery: MakeSite, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    folder = Unguarded(battery("").write("posts/changing.md", post("Before")).root)
    with monkeypatch.context() as patch:
        changing(patch, "posts/changing.md", CHANGES[how])
        report = folder.build()
    again = folder.build(fresh=True)
    assert (report.status, places(report.problems)) == (again.status, places(again.problems))
    assert (again.written, again.removed) == ((), ())


def test_a40_a_file_that_never_holds_still_is_named(battery: MakeSite, monkeypatch: pytest.MonkeyPatch) -> None:
    from octavo.output.publish_errors import PublishError

    folder = Unguarded(battery("").write("posts/changing.md", post()).root)
    before = folder.output()
    count = iter(range(1000))
    changing(monkeypatch, "posts/changing.md", lambda file: file.write_text(post(f"T{next(count)}")), times=1000)
    with pytest.raises(PublishError) as stopped:
        folder.build()
    assert stopped.value.path == "posts/changing.md"
    assert folder.output() == before


# Drafts.


def test_a42_a_draft_is_nowhere_in_what_is_published(battery: MakeSite) -> None:
    folder = battery("").write("posts/linked.md", post("Linked", "2026-01-02", tags="[alpha, hidden]"))
    folder.write(
        "posts/secret.md", post("Sesame", "2026-01-02", "Sesame body.\n", tags="[alpha, hidden]", draft="true")
    )
    folder.write("posts/undated.md", "---\ntitle: Sesame too\ndraft: true\n---\nSesame\n")
    report: Report = folder.built()
    assert [(held.path, held.state) for held in report.held] == [
        ("posts/secret.md", "draft"),
        ("posts/undated.md", "draft"),
    ]
    assert not [path for path, content in folder.output().items() if b"esame" in content or "secret" in path]
    folder.built(drafts=True)
    assert Html(folder.page("/posts/secret/")).one("h1").text == "Sesame"


def test_a42_an_expired_post_is_gone(battery: MakeSite) -> None:
    folder = battery("").write("posts/sale.md", post("Sale", expires="2026-06-01"))
    folder.built(at=dt.datetime(2026, 5, 31, tzinfo=dt.UTC))
    assert "posts/sale/index.html" in folder.output()
    report = folder.built(at=dt.datetime(2026, 6, 1, tzinfo=dt.UTC))
    assert report.held[0].state == "expired"
    assert not [path for path, content in folder.output().items() if b"Sale" in content]
