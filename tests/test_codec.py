"""Values as bytes and back: the same value comes back, and what is none of its type is an error."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Literal, NamedTuple
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from octavo.base.diagnostics import Diagnostic, Span
from octavo.base.digest import digest
from octavo.engine import answers
from octavo.engine.codec import codec, field_codecs
from octavo.images import steps
from octavo.model import documents, pages, posts, related
from octavo.model.documents import PictureRef, Ref
from octavo.model.extensions import ScriptData
from octavo.model.pages import Page
from octavo.model.posts import Link
from octavo.model.values import Table
from octavo.project import build
from octavo.site import checks, page_facts, publication
from octavo.site.extensions import load
from octavo.templates import layout_steps


@dataclass(frozen=True)
class Part:
    name: str
    sizes: tuple[int, ...] = ()


class Pair(NamedTuple):
    one: Part
    when: dt.date | dt.datetime | None = None


@dataclass(frozen=True)
class Whole:
    parts: tuple[Part, ...]
    kind: Literal["a", "b"]
    pairs: Mapping[str, Pair]
    data: Any = None


BERLIN = ZoneInfo("Europe/Berlin")
MOMENTS = [
    dt.date(2026, 1, 2),
    dt.datetime(2026, 1, 2),
    dt.datetime(2026, 1, 2, 3, 4, 5, 6),
    dt.datetime(2026, 1, 2, 3, 4, tzinfo=dt.UTC),
    dt.datetime(2026, 1, 2, 3, 4, tzinfo=dt.timezone(dt.timedelta(hours=-3, minutes=-30, seconds=-5))),
    dt.datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN),
    dt.datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN, fold=1),
    dt.datetime(2026, 3, 29, 2, 30, tzinfo=BERLIN),  # clocks never show this
    dt.datetime(2026, 3, 29, 2, 30, tzinfo=ZoneInfo("UTC")),
]


def again(kind: Any, value: Any) -> Any:
    return codec(kind).decode(codec(kind).encode(value))


@pytest.mark.parametrize("moment", MOMENTS, ids=repr)
def test_a_moment_is_the_same_on_the_same_clock(moment: dt.date) -> None:
    for kind in (dt.date | dt.datetime, dt.date | dt.datetime | None, ScriptData):
        found = again(kind, moment)
        assert found == moment and type(found) is type(moment) and found.isoformat() == moment.isoformat()
        if isinstance(moment, dt.datetime) and isinstance(found, dt.datetime):
            assert (found.tzinfo, found.fold) == (moment.tzinfo, moment.fold)
    assert again(dt.date | dt.datetime | None, None) is None


def test_a_subclass_comes_back_as_itself() -> None:
    refs = (Ref("post", "a"), PictureRef("file", "b", attributes=(("alt", "x"),)), Ref("site", "c", "?d", "e"))
    found = again(tuple[Ref, ...], refs)
    assert found == refs and list(map(type, found)) == list(map(type, refs))


PLAIN = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(),
    st.just("\ud800"),
    st.binary(),
    st.sampled_from(MOMENTS),
    st.builds(Link, st.text(), st.text()),
    st.builds(Span, st.integers(0, 9)),
)
DATA = st.recursive(
    PLAIN,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(tuple), st.dictionaries(st.text(max_size=5), inner, max_size=4).map(Table)
    ),
    max_leaves=20,
)


@settings(max_examples=300)
@given(DATA)
def test_whatever_build_py_gives_comes_back(value: Any) -> None:
    found = again(ScriptData, value)
    assert found == value and digest(found) == digest(value)


@given(DATA)
def test_a_mapping_within_other_values_comes_back(value: Any) -> None:
    page = Page("/x/", "x.html", "custom", data=Table({"value": value}))
    assert again(Page, page) == page and digest(again(Page, page)) == digest(page)


def test_what_is_no_frozen_data_cannot_be_written() -> None:
    for value in ({"a": 1}, [1], object(), len, load.FunctionResult()):
        with pytest.raises(TypeError):
            codec(ScriptData).encode(value)


# What is kept, of all steps and beside them.

STEPS = (
    documents.Document,
    related.RelatedList,
    pages.Output,
    steps.ProbedImage,
    steps.EncodedImage,
    checks.LinkCheck,
    layout_steps.LintResult,
    load.FunctionResult,
)
KEPT: tuple[Any, ...] = (
    build.BuildTrace,
    publication._Kept,
    publication._Window,
    page_facts.CandidateRows,
    answers.Revisions,
    answers._Progress,
    posts.Post,
    tuple[Diagnostic, ...],
)


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.__name__)
def test_each_part_of_a_step_has_a_codec(step: type) -> None:
    for part in fields(step):
        assert part.name in field_codecs(step)


strategies: dict[Any, st.SearchStrategy[Any]] = {
    Table: st.dictionaries(st.text(max_size=3), PLAIN, max_size=3).map(Table),
    dt.datetime: st.sampled_from([each for each in MOMENTS if isinstance(each, dt.datetime) and each.tzinfo]),
    dt.date: st.sampled_from(MOMENTS[:1]),
    str: st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    int: st.integers(0, 1 << 62),
    bytes: st.binary(max_size=16),
    float: st.floats(allow_nan=False),  # which never equals itself
}
for kind, strategy in strategies.items():
    st.register_type_strategy(kind, strategy)


@pytest.mark.parametrize(
    "kind",
    [documents.Document, related.RelatedList, *KEPT],
    ids=lambda kind: getattr(kind, "__name__", str(kind)),
)
def test_what_is_kept_comes_back(kind: Any) -> None:
    @settings(max_examples=25, deadline=None)
    @given(st.from_type(kind))
    def check(value: Any) -> None:
        found = again(kind, value)
        assert found == value and type(found) is type(value)

    check()


WHOLE = Whole((Part("a", (1, 2)),), "a", {"x": Pair(Part("b"), dt.date(2026, 1, 2))}, ("t", (1, None)))


def test_a_value_with_all_kinds_of_fields_comes_back() -> None:
    assert again(Whole, WHOLE) == WHOLE


# What somebody else wrote.

PACK: Callable[[Any], bytes] = msgspec.msgpack.encode


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc1",
        b"\x93",
        PACK(None),
        PACK({"parts": []}),
        PACK([[], "c", {}, None]),
        PACK([[{"name": 1}], "a", {}, None]),
        PACK([[{"sizes": []}], "a", {}, None]),
        PACK([[{"name": "a", "sizes": ["1"]}], "a", {}, None]),
        PACK([[], "a", {"x": [{"name": "b"}, "yesterday"]}, None]),
        PACK([[], "a", {"x": [{"name": "b"}, "2026-01-02T00:00:00 0 ../../etc/passwd"]}, None]),
        PACK([[], "a", {"x": [{"name": "b"}, "2026-01-02T00:00:00 7 UTC"]}, None]),
        PACK([[], "a", {}]),
        PACK([[], "a", {}, None, None]),
        PACK([[], "a", {}, {"a": 1}]),
        PACK([[], "a", {}, ["o", "Popen", ["true"]]]),
        PACK([[], "a", {}, ["o"]]),
        PACK([[], "a", {}, []]),
        PACK([[], "a", {}, ["i", "x"]]),
        PACK([[], "a", {}, ["z", 1]]),
        b"\x91" * 100_000,
        b"\xdd\xff\xff\xff\xff",
        codec(Whole).encode(WHOLE)[:-1],
        codec(Whole).encode(WHOLE) + b"\x01",
    ],
)
def test_what_is_no_value_of_the_type_is_an_error(data: bytes) -> None:
    with pytest.raises(ValueError):
        codec(Whole).decode(data)


def test_a_class_is_found_among_those_that_may_stand_there_only() -> None:
    data = codec(ScriptData).encode(Link("a", "b"))
    with pytest.raises(ValueError):
        codec(Any).decode(data)
    assert is_dataclass(codec(ScriptData).decode(data))


@settings(max_examples=300)
@given(st.binary(max_size=60))
def test_no_bytes_do_more_than_to_be_refused(data: bytes) -> None:
    for kind in (Whole, ScriptData, Ref, build.BuildTrace):
        try:
            codec(kind).decode(data)
        except ValueError:
            continue
