"""Lexers give the tokens that Pygments' own give."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pygments.lexers import find_lexer_class_by_name, get_lexer_by_name
from pygments.util import ClassNotFound

from octavo.content.markdown import fast_lexers

OPTIONS: dict[str, Any] = {"stripnl": False, "ensurenl": False}
# One with words in any case, one with flags in an expression, those with lexers in them, states that are combined …
LANGUAGES = (
    "python",
    "rust",
    "javascript",
    "css",
    "html",
    "sql",
    "bash",
    "go",
    "eiffel",
    "scss",
    "php",
    "make",
    "diff",
)
LEXERS = {name: (get_lexer_by_name(name, **OPTIONS), fast_lexers.load_lexer(name, **OPTIONS)) for name in LANGUAGES}

CODE = (
    'def f(x: int) -> str:\n    """Doc."""\n    return f"{x!r:>{10}} {1_000j}" # ſ K é\n',
    'fn main() { let r#type = b"a\\n"; println!("{}", \'a\'); } /* /* */ */\n',
    "const a = `x${b => c ?? /d+/g}`; class E extends F {}\n",
    "a:hover > b::before { color: #FFF; width: calc(1px + 2em) !important }\n",
    "<!doctype html><style>p { top: 0 }</style><script>let x = 1</script><?php echo $a->b; ?>\n",
    "SELECT count(*) FROM t WHERE A = 'it''s' -- done\n",
    'if [[ $a =~ ^x ]]; then echo "${b[@]}" <<EOF\nx\nEOF\nfi\n',
    "func F(a []int) (err error) { go func() {}(); return nil }\n",
    "feature\n  DO_it: INTEGER do Result := 1 end\n",
    "@mixin a($b: 1) { &:hover { @extend .c; } }\n",
    "all: a.o\n\t$(CC) -o $@ $<\n",
    "--- a\n+++ b\n@@ -1 +1 @@\n-x\n+y\n",
)


def both(language: str, code: str) -> tuple[list[Any], list[Any]]:
    original, quick = LEXERS[language]
    return list(quick.get_tokens_unprocessed(code)), list(original.get_tokens_unprocessed(code))


@pytest.mark.parametrize("language", LANGUAGES)
def test_tokens_are_those_of_the_original(language: str) -> None:
    for code in CODE:
        ours, original = both(language, code)
        assert ours == original


@given(
    st.sampled_from(LANGUAGES),
    st.lists(st.sampled_from([piece for code in CODE for piece in code.split(" ")] + ["\n", " ", "\t", "'", "ſ"])),
)
def test_tokens_of_what_is_no_code_are_those_of_the_original(language: str, pieces: list[str]) -> None:
    ours, original = both(language, " ".join(pieces))
    assert ours == original


def characters(pattern: str, flags: int = 0) -> str:
    characters, is_empty = fast_lexers.first_characters(pattern, flags)
    names = "ANY" if characters == fast_lexers.ANY else "".join(sorted(characters))
    return names + " or empty" * is_empty


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (r"\bdef\b", "d"),
        (r"(?:if|else)\s", "ei"),
        (r"a*b?[c-e]", "abcde"),
        (r"(?i)k", "Kk"),
        (r"(?=x)[yz]", "yz"),
        (r"(?<!\.)(a)|$", "a or empty"),
        (r"é+", "é"),
        (r"(?i)ſ", "ANY"),
        (r"(a)\1", "a"),
        (r"(a?)\1b", "ANY"),
        (r".", "ANY"),
        ("", " or empty"),
    ],
)
def test_what_an_expression_may_begin_with(pattern: str, expected: str) -> None:
    assert characters(pattern) == expected


def test_what_is_excluded_may_not_begin() -> None:
    characters, _ = fast_lexers.first_characters(r"""[^\s"']""", 0)
    assert not characters & set(" \n\t\"'") and {"a", "(", "\x1c"} <= characters
    letters, _ = fast_lexers.first_characters(r"[^\W\d_]", 0)
    assert not letters & set(" (0_") and {"a", "Z"} <= letters


def test_an_expression_is_compiled_when_it_is_tried() -> None:
    quick: Any = fast_lexers.load_lexer("python", **OPTIONS)
    list(quick.get_tokens_unprocessed("# only a comment\n"))
    expressions = [rule[0] for rules in type(quick)._tokens.values() for rule in rules]
    compiled = [one for one in expressions if isinstance(one, fast_lexers.Expression) and "match" in vars(one)]
    assert 0 < len(compiled) < len(expressions) / 10


def test_a_lexer_with_a_way_of_its_own_goes_it() -> None:
    for language in ("yaml", "c", "json", "html+jinja"):
        original = find_lexer_class_by_name(language)
        assert fast_lexers.speed_up(original) is original


def test_a_language_that_nobody_knows_is_not_found() -> None:
    with pytest.raises(ClassNotFound):
        fast_lexers.load_lexer("no-such-language")
