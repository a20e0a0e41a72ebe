"""The short form of tests/faults.py: some calls of each scenario; and that the harness sees what it is there to see."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faulting import Outcome, Run, Server
from tests.faults import BUILD, CLEAN_OUTPUT, SCENARIOS, Bench, Case, Spread, failures, kills

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    with Server() as server:
        yield Bench(tmp_path_factory.mktemp("faults"), server, server)


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_command_killed_at_a_call_that_writes_does_no_harm(bench: Bench, name: str) -> None:
    scenario = SCENARIOS[name]
    spread = Spread(random.Random(name), every=2, most=1 if scenario.first else 2)
    findings = [bench.try_case(case) for case in kills(bench, scenario, spread)]
    assert not any(findings), "\n".join(str(finding) for finding in findings if finding)


@pytest.mark.parametrize("name", ["first", "later"])
def test_a_cache_that_cannot_be_written_does_no_harm(bench: Bench, name: str) -> None:
    spread = Spread(random.Random(name), every=2, most=1)
    cases = list(failures(bench, SCENARIOS[name], spread))
    findings = [bench.try_case(case) for case in (cases[::2] if name == "first" else cases[1::2])]
    assert not any(findings), "\n".join(str(finding) for finding in findings if finding)


def test_a_run_ends_before_the_call_with_the_number_given(bench: Bench) -> None:
    bench.prepare(Case(SCENARIOS["later"], 0))
    with Server() as server:
        outcome = server.run(Run(str(bench.site.root), BUILD, kill=1))
        assert (outcome.is_killed(), len(outcome.calls)) == (True, 1)
        calls = bench.count(Case(SCENARIOS["clean-output"], 0))
        at = next(
            number
            for number, call in enumerate(calls, 1)
            if call.startswith("os.remove output/") and ".octavo-" not in call
        )
        bench.prepare(Case(SCENARIOS["clean-output"], 0))
        outcome = server.run(Run(str(bench.site.root), CLEAN_OUTPUT, kill=at))
    assert outcome.is_killed()
    assert outcome.calls == calls[:at]
    assert (bench.site.root / calls[at - 1].split(" ")[1]).exists(), "the file was removed"


def test_a_call_fails_with_the_error_given(bench: Bench) -> None:
    case = Case(SCENARIOS["first"], 0)
    at = next(number for number, call in enumerate(bench.count(case), 1) if call.startswith("os.mkdir output/"))
    bench.prepare(case)
    with Server() as server:
        outcome = server.run(Run(str(bench.site.root), BUILD, error="ENOSPC", fail=at))
    assert outcome.status == 1
    assert "no space" in outcome.err.lower()


@pytest.mark.parametrize(
    ("path", "content", "fault"),
    [
        ("output/index.html", b"half", "neither old nor new"),
        ("output/CNAME", b"other", "foreign files"),
        ("output/stale.html", b"stale", "the next build: too many"),
        ("output/.octavo-x", b"", "left over"),
        (".octavo/ready-2", b"", "left over"),
        ("outputx", b"other", "beside output/"),
    ],
)
def test_the_harness_sees_harm(bench: Bench, path: str, content: bytes, fault: str) -> None:
    case = Case(SCENARIOS["unchanged"], 1)
    bench.prepare(case)
    before = {"outputx": b"untouched", **_sources(bench.site.root)}
    bench.site.write(path, content)
    finding = bench.judge(case, Outcome(-9, "", "", ["open .octavo/lock"]), before)
    assert finding is not None, path
    assert any(told.startswith(fault) for told in finding.faults), finding


def test_a_case_is_named_so_that_it_can_be_repeated() -> None:
    for text in ("later@17", "recovery@166@3", "first@4!EIO", "first@4!EIO+"):
        assert str(Case.parse(text)) == text


def _sources(root: Path) -> dict[str, bytes]:
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and path.relative_to(root).parts[0] not in ("output", ".octavo")
    }
