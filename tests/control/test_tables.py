from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analyzers.finding import Finding, Measurement, Outcome, Score
from proxy.control import tables
from proxy.control.tables import CELLS, NOT_APPLICABLE, Tables
from proxy.report import Analysis, ArmReport, Report, unanswered

VARIABLES = {"json": ("json.constrained", "json.prompted"), "served": ("served",)}


def finding(variable: str, baseline: float, candidate: float) -> Finding:
    return Finding(variable.split(".", maxsplit=1)[0], "1", variable, Score(baseline), Score(candidate))


def report(session: str, *findings: Finding, **analyses: Analysis) -> Report:
    states = {"json": Analysis.NOT_APPLICABLE, "served": Analysis.NOT_APPLICABLE}
    states |= {found.analyzer: Analysis.SCORED for found in findings} | analyses
    return Report("p", session, 1.0, "baseline", "paired", states, {}, findings)


def test_a_pair_falls_into_its_cell_baseline_first() -> None:
    folded = Tables(VARIABLES)
    folded.fold(report("a", finding("json.prompted", 0, 1)))

    assert folded.findings["json.prompted"].cells == {(Outcome.PASS, Outcome.FAIL): 1}
    assert folded.findings["json.prompted"].baseline_rate == 0
    assert folded.findings["json.prompted"].candidate_rate == 1


def test_the_other_populations_of_an_analyzer_do_not_apply() -> None:
    folded = Tables(VARIABLES)
    folded.fold(report("a", finding("json.prompted", 0, 0)))

    assert folded.findings["json.constrained"].cells == {NOT_APPLICABLE: 1}
    assert folded.findings["served"].cells == {NOT_APPLICABLE: 1}
    assert folded.findings["served"].baseline_rate is None


def test_killed_and_dropped_analyses_fall_into_no_cell() -> None:
    folded = Tables(VARIABLES)
    folded.fold(report("a", json=Analysis.KILLED, served=Analysis.DROPPED))

    assert all(not table.cells for table in folded.findings.values())
    assert folded.analyses["json"] == {Analysis.KILLED: 1}


def test_where_outcomes_count_is_remembered_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "PLACES", 3)
    folded = Tables(VARIABLES)
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
    folded = Tables({"served": ("served",)})
    strange = report("a", finding("served", 0, 1), strange=Analysis.SCORED)
    folded.fold(strange._replace(seconds={"strange": 1.0}))

    assert set(folded.analyses) == set(folded.durations) == {"served"}


def test_an_answer_counts_for_the_leg_it_was() -> None:
    folded = Tables(VARIABLES)
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
    folded = Tables(VARIABLES)
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
    straight, swapped = Tables(VARIABLES), Tables(VARIABLES)
    for session, variable, baseline, candidate in drawn:
        straight.fold(report(session, finding(variable, baseline, candidate)))
        swapped.fold(report(session, finding(variable, candidate, baseline)))
    states = straight.analyses["json"]

    for name in VARIABLES["json"]:
        table = straight.findings[name]
        assert table.scored + table.cells[NOT_APPLICABLE] == states[Analysis.SCORED]
        assert all(table.cells[b, c] == swapped.findings[name].cells[c, b] for b, c in CELLS)


def test_a_further_report_adds_one_analysis_and_no_pair() -> None:
    folded = Tables(VARIABLES | {"needy": ()}, {"needy": ("far",)})
    first = report("a", finding("served", 0, 1))._replace(waiting=("needy",))
    folded.fold(first)
    assert folded.waiting == 1
    measured = Measurement("needy", "1", (0.5,), (0.25,))
    folded.fold(
        first._replace(
            analyses={"needy": Analysis.SCORED},
            seconds={"needy": 0.1},
            findings=(),
            waiting=(),
            measurements=(measured,),
            further=True,
        )
    )
    folded.fold(unanswered(first, "needy"))

    assert (folded.reports, folded.waiting) == (1, -1)
    assert folded.analyses["needy"] == {Analysis.SCORED: 1, Analysis.DROPPED: 1}
    assert folded.analyses["served"] == {Analysis.SCORED: 1}
    assert folded.figures["needy", "far", "candidate"].total == 0.5
    assert folded.figures["needy", "far", "repeat"].total == 0.25
    assert sum(folded.durations["needy"].counts) == 1
