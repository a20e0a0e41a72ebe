"""What is wrong with a site at one moment, and what differs from another."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from octavo.base.diagnostics import Diagnostic, Span, error, sort_problems, warning
from octavo.preview.site_problems import Comparison, ProblemList, Problems, combine_problems, list_problems

A = warning("posts/a.md", Span(2, 1), "key", "an unknown key")
B = error("posts/b.md", Span(3, 1), "date", "no date")
C = error("layouts/post.html", Span(1, 1), "layout", "no such name")


def site(*problems: Diagnostic, before: ProblemList | None = None) -> ProblemList:
    return list_problems(problems, lambda problem: problem, before)


def test_problems_are_in_order_and_each_is_there_once() -> None:
    assert site(B, A, C, B).ordered == (C, A, B)
    assert site(B, A, C).errors == (C, B)


def test_problems_are_weighed() -> None:
    assert list_problems([A], Diagnostic.as_error, None).errors == (A.as_error(),)


def test_what_was_there_before_is_the_same_object() -> None:
    before = site(A, B)
    now = site(replace(A), replace(B), C, before=before)
    assert all(any(problem is earlier for earlier in before.ordered) for problem in now.ordered if problem != C)


def test_what_a_page_adds_is_there_once() -> None:
    for_one, for_other = replace(C, during="posts/a.md"), replace(C, during="posts/b.md")
    assert combine_problems(site(A), [for_other, for_one]).first_errors(9) == (for_one,)
    assert len(combine_problems(site(A, C), [for_one])) == 2


def test_a_page_that_makes_an_error_of_a_warning_is_heard() -> None:
    problems = combine_problems(site(C.as_warning()), [replace(C, during="posts/a.md")])
    assert problems.errors == 1
    assert len(combine_problems(site(C), [replace(C.as_warning(), during="posts/a.md")])) == 1


def test_problems_are_found_by_their_file() -> None:
    others = [replace(A, path=f"posts/{name}.md") for name in ("a.m", "a", "a.md-", "aa", "b")]
    late = replace(A, span=Span(9, 1))
    assert combine_problems(site(A, late, *others), [replace(A, span=Span(5, 1))]).at("posts/a.md") == (
        A,
        replace(A, span=Span(5, 1)),
        late,
    )
    assert site(A, late, *others).at("posts/a.md") == (A, late)
    assert site(A).at("posts/nothing.md") == ()


def test_the_first_errors_are_those_of_the_site_and_of_pages_in_order() -> None:
    problems = combine_problems(site(A, B, C), [replace(B, path="posts/aa.md"), replace(A, path="posts/ab.md")])
    assert [problem.path for problem in problems.first_errors(2)] == ["layouts/post.html", "posts/aa.md"]
    assert problems.errors == 3
    assert len(problems) == 5


some = st.frozensets(
    st.builds(
        lambda number, wrong, path: (error if wrong else warning)(path, Span(number), "code", "message"),
        st.integers(1, 3),
        st.booleans(),
        st.sampled_from("abc"),
    ),
    max_size=8,
)


@given(some, some, some, some, st.booleans())
def test_a_difference_is_that_of_all_problems(
    site_then: frozenset[Diagnostic],
    pages_then: frozenset[Diagnostic],
    site_now: frozenset[Diagnostic],
    pages_now: frozenset[Diagnostic],
    same: bool,
) -> None:
    first = site(*site_then)
    second = first if same else site(*site_now, before=first)
    before, now = combine_problems(first, pages_then), combine_problems(second, pages_now)
    comparison = Comparison()
    for _ in range(2):
        difference = comparison.compare(before, now)
        assert difference.added == everything(now) - everything(before)
        assert difference.gone == everything(before) - everything(now)
        assert not comparison.compare(now, now)


def everything(problems: Problems) -> frozenset[Diagnostic]:
    return frozenset(problems.site.ordered) | problems.pages


def test_what_two_looks_found_is_compared_once() -> None:
    compared: list[int] = []

    class Every(frozenset[Diagnostic]):
        def __sub__(self, other: AbstractSet[object]) -> frozenset[Diagnostic]:
            compared.append(len(self))
            return super().__sub__(other)

    first, second, comparison = site(A), site(A, B), Comparison()
    first.every, second.every = Every(first.every), Every(second.every)
    for added in ([], [C], [], []):
        assert comparison.compare(Problems(first), combine_problems(second, added)).added == {B, *added}
    assert compared == [2, 1]


@pytest.mark.parametrize("count", [0, 1, 3, 10])
def test_the_first_new_ones_are_errors(count: int) -> None:
    added = Comparison().compare(Problems(ProblemList()), Problems(site(A, B, C))).first_added(count)
    assert added == [C, B, A][:count]


def test_order_is_that_of_all_commands() -> None:
    problems = [B, A, C, replace(A, message="another")]
    assert site(*problems).ordered == sort_problems(problems)
