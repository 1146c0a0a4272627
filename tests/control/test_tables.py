from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.finding import Finding, Outcome, Score
from proxy.control import tables
from proxy.control.tables import CELLS, NOT_APPLICABLE, Tables
from proxy.report import Analysis, ArmReport, Report

VARIABLES = {"json": ("json.constrained", "json.prompted"), "served": ("served",)}
GUARDRAILS = ("json.invalid", "served")


def finding(variable: str, baseline: float, candidate: float) -> Finding:
    return Finding(variable.split(".", maxsplit=1)[0], "1", variable, Score(baseline), Score(candidate))


def report(session: str, *findings: Finding, **analyses: Analysis) -> Report:
    states = {"json": Analysis.NOT_APPLICABLE, "served": Analysis.NOT_APPLICABLE}
    states |= {found.analyzer: Analysis.SCORED for found in findings} | analyses
    return Report("p", session, 1.0, "baseline", "paired", states, {}, findings)


def test_a_pair_falls_into_its_cell_baseline_first() -> None:
    folded = Tables(VARIABLES, GUARDRAILS)
    folded.fold(report("a", finding("json.prompted", 0, 1)))

    assert folded.findings["json.prompted"].cells == {(Outcome.PASS, Outcome.FAIL): 1}
    assert folded.findings["json.prompted"].baseline_rate == 0
    assert folded.findings["json.prompted"].candidate_rate == 1


def test_the_other_populations_of_an_analyzer_do_not_apply() -> None:
    folded = Tables(VARIABLES, GUARDRAILS)
    folded.fold(report("a", finding("json.prompted", 0, 0)))

    assert folded.findings["json.constrained"].cells == {NOT_APPLICABLE: 1}
    assert folded.findings["served"].cells == {NOT_APPLICABLE: 1}
    assert folded.findings["served"].baseline_rate is None


def test_killed_and_dropped_analyses_fall_into_no_cell() -> None:
    folded = Tables(VARIABLES, GUARDRAILS)
    folded.fold(report("a", json=Analysis.KILLED, served=Analysis.DROPPED))

    assert all(not table.cells for table in folded.findings.values())
    assert folded.analyses["json"] == {Analysis.KILLED: 1}


def test_a_session_counts_once_by_its_first_applicable_turn() -> None:
    folded = Tables(VARIABLES, GUARDRAILS)
    folded.fold(report("a"))
    folded.fold(report("a", finding("json.prompted", 0, 1)))
    folded.fold(report("a", finding("json.constrained", 1, 1)))
    sessions = folded.guardrails["json.invalid"]

    assert (sessions.count, sessions.baseline_rate, sessions.slip) == (1, 0, 1)
    assert folded.findings["json.constrained"].scored == 1


def test_remembered_sessions_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "SESSION_KEYS", 3)
    folded = Tables(VARIABLES, GUARDRAILS)
    for number in range(10):
        folded.fold(report(str(number), finding("served", 0, 0)))
    folded.fold(report("9", finding("served", 0, 0)))
    folded.fold(report("0", finding("served", 0, 0)))

    assert len(folded._seen) == 3
    assert folded.guardrails["served"].count == 11


def test_a_session_seen_again_is_forgotten_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "SESSION_KEYS", 2)
    folded = Tables(VARIABLES, GUARDRAILS)
    for session in "abaca":
        folded.fold(report(session, finding("served", 0, 0)))

    assert folded.guardrails["served"].count == 3


def test_a_session_counts_once_for_each_guardrail() -> None:
    folded = Tables(VARIABLES, GUARDRAILS)
    folded.fold(report("a", finding("served", 0, 0)))
    folded.fold(report("a", finding("served", 0, 1), finding("json.prompted", 0, 1)))

    assert {name: (each.count, each.slip) for name, each in folded.guardrails.items()} == {
        "served": (1, 0.0),
        "json.invalid": (1, 1.0),
    }


def test_where_outcomes_count_is_remembered_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "PLACES", 3)
    folded = Tables(VARIABLES, GUARDRAILS)
    same = report("a", finding("served", 0, 1))
    for number in range(10):
        folded.fold(report(str(number), finding("served", 0, 0)))
        folded.fold(same)

    assert len(folded._places) <= 3
    assert folded.findings["served"].cells == {
        (Outcome.PASS, Outcome.PASS): 10,
        (Outcome.PASS, Outcome.FAIL): 10,
    }


def test_what_no_guardrail_and_no_analyzer_knows_is_left_alone() -> None:
    folded = Tables({"served": ("served",)}, ())
    strange = report("a", finding("served", 0, 1), strange=Analysis.SCORED)
    folded.fold(strange._replace(seconds={"strange": 1.0}))

    assert folded.guardrails == {}
    assert set(folded.analyses) == set(folded.durations) == {"served"}


def test_an_answer_counts_for_the_leg_it_was() -> None:
    folded = Tables(VARIABLES, GUARDRAILS)
    baseline, candidate, repeat = (ArmReport(first_token=seconds) for seconds in (1.0, 2.0, 3.0))
    shadow = report("a")._replace(baseline=baseline, candidate=candidate)
    folded.fold(shadow)
    folded.fold(shadow._replace(primary="candidate", repeat=repeat))

    assert {name: leg.first_token.total for name, leg in folded.legs.items()} == {
        ("baseline", "primary"): 1.0,
        ("candidate", "mirror"): 2.0,
        ("baseline", "mirror"): 1.0,
        ("candidate", "primary"): 2.0,
        ("baseline", "repeat"): 3.0,
    }


def test_times_of_analyzers_are_counted_by_bucket() -> None:
    folded = Tables(VARIABLES, GUARDRAILS)
    for seconds in (0.00005, 0.5, 100.0):
        folded.fold(report("a")._replace(seconds={"json": seconds}))
    taken = folded.durations["json"]

    assert (taken.counts[0], taken.counts[-2], taken.counts[-1], taken.total) == (1, 1, 1, 100.50005)


outcomes = st.sampled_from([0.0, 0.25, 0.5, 1.0])
turns = st.lists(
    st.tuples(st.sampled_from("abcd"), st.sampled_from(["json.prompted", "json.constrained"]), outcomes, outcomes)
)


@given(turns)
def test_cells_sum_to_the_analyses_and_swapping_the_arms_flips_the_slip(
    drawn: list[tuple[str, str, float, float]],
) -> None:
    straight, swapped = Tables(VARIABLES, GUARDRAILS), Tables(VARIABLES, GUARDRAILS)
    for session, variable, baseline, candidate in drawn:
        straight.fold(report(session, finding(variable, baseline, candidate)))
        swapped.fold(report(session, finding(variable, candidate, baseline)))
    states = straight.analyses["json"]

    for name in VARIABLES["json"]:
        table = straight.findings[name]
        assert table.scored + table.cells[NOT_APPLICABLE] == states[Analysis.SCORED]
        assert all(table.cells[b, c] == swapped.findings[name].cells[c, b] for b, c in CELLS)
    one, other = straight.guardrails["json.invalid"], swapped.guardrails["json.invalid"]
    assert one.count == len({session for session, *_ in drawn})
    assert (one.slip or 0) == -(other.slip or 0)
