from __future__ import annotations

import re
import subprocess
import sys
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavo.content.markdown import highlight
from octavo.content.markdown.highlight import highlight as html_of

SAMPLE = 'def f(x):\n    """Two\n    lines."""\n    return x + 1  # done\n'


def text_in(html: str) -> str:
    return unescape(re.sub(r"<[^>]*>", "", html))


def test_parts_of_code_have_the_short_classes_of_pygments() -> None:
    html = html_of(SAMPLE, "python")
    assert '<span class="k">def</span> <span class="nf">f</span>' in html
    assert '<span class="c1"># done</span>' in html


def test_neighbours_of_one_class_share_a_span_and_blanks_have_none() -> None:
    assert html_of("a = (())\n", "python") == (
        '<span class="n">a</span> <span class="o">=</span> <span class="p">(())</span>\n'
    )


def test_code_is_escaped() -> None:
    assert html_of("</code><script>&amp;", "text") == "&lt;/code&gt;&lt;script&gt;&amp;amp;"
    assert "<script" not in html_of('x = "</script><script>"\n', "python")


@pytest.mark.parametrize("language", ["", "text", "nohighlight", "no-such-language", '"><script>'])
def test_plain_and_unknown_languages_are_plain_text(language: str) -> None:
    assert html_of("if x < 1:\n", language) == "if x &lt; 1:\n"


def test_languages_are_known_by_any_alias_in_any_case() -> None:
    assert highlight.is_known("Python") and highlight.is_known("py3") and highlight.is_known("TEXT")
    assert not highlight.is_known("pyhton")
    assert highlight.suggest_language("pyhton") == "did you mean 'python'?"


def test_marked_lines_are_wrapped_with_their_ends_even_within_one_string() -> None:
    html = html_of(SAMPLE, "python", {3})
    assert html.count("hll") == 1
    assert '<span class="hll"><span class="sd">    lines.&quot;' not in html
    assert re.search(r'<span class="hll">.*?lines\..*?\n</span>', html)
    assert text_in(html) == SAMPLE


def test_marks_beyond_the_last_line_mark_nothing() -> None:
    assert html_of("a\n", "text", {2, 99}) == "a\n"


def test_code_longer_than_the_limit_is_plain() -> None:
    code = "x = 1\n" * (highlight.MAX_CODE_CHARACTERS // 6 + 1)
    assert html_of(code, "python") == code


def test_a_lexer_that_fails_leaves_the_code_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    class Broken:
        def get_tokens_unprocessed(self, code: str) -> None:
            raise RecursionError

    monkeypatch.setattr(highlight, "_lexer", lambda language: Broken())
    assert html_of("never < seen before\n", "python") == "never &lt; seen before\n"


def test_a_lexer_that_loses_text_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    from pygments.token import Token

    class Forgetful:
        def get_tokens_unprocessed(self, code: str) -> list[tuple[int, object, str]]:
            return [(0, Token.Keyword, code[1:])]

    monkeypatch.setattr(highlight, "_lexer", lambda language: Forgetful())
    assert html_of("nothing may be lost\n", "python") == "nothing may be lost\n"


@given(
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), max_size=80), st.sets(st.integers(1, 5))
)
def test_no_character_of_code_is_lost(code: str, marked: set[int]) -> None:
    for language in ("python", "html", "diff", "text"):
        assert text_in(html_of(code, language, marked)) == code


def test_pygments_is_imported_only_for_code() -> None:
    program = (
        "import sys, octavo.content.markdown.highlight as h; h.highlight('a', ''); print('pygments' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
