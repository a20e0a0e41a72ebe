from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavo.site.assets import minify_css

ASSETS = Path(__file__).parent.parent / "assets"


@pytest.mark.parametrize(
    ("css", "small"),
    [
        ("a {\n  color: red;\n  top: 0;\n}\n", "a{color:red;top:0}"),
        ("a , b > c { }", "a,b>c{}"),
        ("a :hover, b:is(i, u) {x: y}", "a :hover,b:is(i,u){x:y}"),
        ("p, :not(a) {x: y}", "p,:not(a){x:y}"),
        ("a { :hover { x: y } }", "a{:hover{x:y}}"),
        ("a { width: calc(1px + 2em) }", "a{width:calc(1px + 2em)}"),
        ("@media (width > 3em) and (hover: hover) { a { x: y } }", "@media (width>3em) and (hover:hover){a{x:y}}"),
        ("a { content: '  {; /* no */ \\' ' }", "a{content:'  {; /* no */ \\' '}"),
        ("a { background: url( a  b.png ) }", "a{background:url( a  b.png )}"),
        ("/* gone */ a /* too */ { x: y }", "a{x:y}"),
        ("/*! kept */\na { x: y }", "/*! kept */ a{x:y}"),
        ("a/**/b { x: 1/* */2 }", "a/**/b{x:1/**/2}"),
        (":root { --empty: ; --x: { } }", ":root{--empty: ;--x: {}}"),
        (".a\\, .b { x: y }", ".a\\, .b{x:y}"),
        (".\\31 2 { x: y }", ".\\31 2{x:y}"),
    ],
)
def test_only_what_separates_nothing_is_left_out(css: str, small: str) -> None:
    assert minify_css(css) == small


@given(st.text(alphabet="ab:;{}>,()'\"\\/*! \n", max_size=60))
def test_any_text_ends_and_is_no_longer(css: str) -> None:
    assert len(minify_css(css)) <= len(css) + css.count("/*") * 4


@pytest.mark.parametrize("name", sorted(path.name for path in ASSETS.glob("*.css")))
def test_the_theme_is_as_small_as_it_gets(name: str) -> None:
    small = minify_css((ASSETS / name).read_text("utf-8"))
    assert minify_css(small) == small
    assert "\n" not in small and "  " not in small
