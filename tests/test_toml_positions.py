"""Where each key and value of a TOML file stands, held against what tomllib reads there."""

from __future__ import annotations

import tomllib
from typing import Any

from hypothesis import example, given
from hypothesis import strategies as st

from octavo.base.diagnostics import Span
from octavo.base.source_text import SourceText
from octavo.base.toml_positions import Keys, TomlScan

KEYS = st.sampled_from(["a", "b-2", "_", "7", '"q \\" \\u00e9"', "'l.i#t'", '""'])
SCALARS = st.sampled_from(
    [
        *("1", "-0.5e3", "true", "inf", "1979-05-27 07:32:00Z", '"a # [b] = \\" x"', "'c ] } ,'", '""', "''"),
        '"""\nx = "1" ""y\n"""',
        "'''\n[z]\n'''",
        '"""a\\""""',
        '""""""',
        "''''''",
        "''''a''''",
        '"""""a"""""',
        "[]",
        "{}",
    ]
)
GAPS = st.sampled_from(["", " ", "\n", " # ] } \" '\n\t"])


def _array(items: list[str], gap: str, comma: str) -> str:
    return "[" + gap + (f"{gap},{gap}".join(items)) + (f"{gap}{comma}" if items else "") + gap + "]"


VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.builds(_array, st.lists(inner, max_size=3), GAPS, st.sampled_from(["", ","])),
        st.lists(st.tuples(st.lists(KEYS, min_size=1, max_size=2), inner), max_size=3).map(
            lambda pairs: "{ " + ", ".join(f"{' . '.join(key)} = {value}" for key, value in pairs) + " }"
        ),
    ),
    max_leaves=6,
)
LINES = st.one_of(
    st.builds(lambda key, value, end: f"{'.'.join(key)} = {value}{end}", st.lists(KEYS, min_size=1, max_size=3), VALUES,
              st.sampled_from(["", " # c", "\t"])),
    st.builds(lambda key: f"[{' . '.join(key)}]", st.lists(KEYS, min_size=1, max_size=3)),
    st.builds(lambda key: f"[[ {'.'.join(key)} ]]  # c", st.lists(KEYS, min_size=1, max_size=2)),
    st.just("  # [x]"),
)  # fmt: skip


def _leaves(keys: Keys, value: Any) -> dict[Keys, Any]:
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = {} if keys == () or isinstance(value, dict) else {keys: value}
    for key, child in children:
        found |= _leaves((*keys, key), child)
    return found


@given(st.lists(LINES, max_size=8).map("\n".join))
@example('a = """""a"""""\nb = """\\""""\nc = """"""\nd = 1')
@example("a = '''''a'''''\nb = '''\\'''\nc = ''''''\nd = 1")
def test_every_value_is_found_where_it_stands(text: str) -> None:
    source = SourceText("x", text)
    scan = TomlScan(source).run()
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return  # it must only have ended
    assert scan.at == len(text)
    places: dict[Keys, Any] = {}
    for keys, place in scan.positions:
        places.setdefault(keys, place)
    for keys, value in _leaves((), data).items():
        span = places[keys].value
        if "\n" in text[_offset(source, span) :].split("]")[0] or isinstance(value, list):
            continue
        written = text[_offset(source, span) : _offset(source, span) + span.width]
        if '"""' not in written and "'''" not in written:
            assert repr(tomllib.loads(f"k = {written}")["k"]) == repr(value)


def _offset(source: SourceText, span: Span) -> int:
    assert span.column is not None
    return sum(len(line) + 1 for line in source.text.split("\n")[: span.line - 1]) + span.column - 1


@given(st.text(alphabet="[]{}=.,\"'#\\ \nab1", max_size=60))
def test_no_text_confuses_the_scanner_for_ever(text: str) -> None:
    scan = TomlScan(SourceText("x", text)).run()
    assert scan.at <= len(text)
