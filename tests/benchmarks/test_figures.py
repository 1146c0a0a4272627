from __future__ import annotations

import pytest

from benchmarks.__main__ import faults
from benchmarks.figures import Row, Target, quantile, row, table
from benchmarks.outcome import Outcome, Seen
from benchmarks.scenarios import scenarios


def outcome(latencies: list[int], *, cpu: float = 0.0, mirrored: int = 0, **states: int) -> Outcome:
    seen = Seen(seconds=2.0, latencies=latencies)
    return Outcome(seen, requests=len(latencies), cpu=cpu, mirrored=mirrored, states=states, resident=1)


def summed(outcomes: list[Outcome], direct: list[Outcome] | None = None, units: int = 1) -> Row:
    return row("plain", "slipgauge", outcomes, direct or outcomes, units)


@pytest.mark.parametrize(("share", "value"), [(0.5, 500), (0.99, 990), (0.999, 999), (1.0, 1000)])
def test_a_quantile_is_a_value_that_was_seen(share: float, value: int) -> None:
    assert quantile(list(range(1000, 0, -1)), share) == value


def test_there_is_no_quantile_of_nothing() -> None:
    with pytest.raises(ValueError, match="no values"):
        quantile([], 0.5)


def test_cost_is_the_median_of_the_runs_per_unit() -> None:
    runs = [outcome([1] * 10, cpu=cpu) for cpu in (1e-3, 9e-3, 2e-3)]

    assert summed(runs).cpu_us == pytest.approx(200)
    assert summed(runs, units=4).cpu_us == pytest.approx(50)
    assert summed(runs).requests_per_second == 5


def test_added_latency_is_taken_from_the_direct_run_of_the_same_round() -> None:
    """Medians of each apart would give 30 - 20 = 10."""
    found = summed([outcome([30]), outcome([21]), outcome([90])], [outcome([20]), outcome([19]), outcome([50])])

    assert found.latency_us == (30, 30, 30)
    assert found.added_us == (10, 10, 10)


def test_errors_are_summed_by_kind() -> None:
    runs = [outcome([1]), outcome([1])]
    runs[0].seen.errors.update({"refused": 1})
    runs[1].seen.errors.update({"refused": 2, "status 502": 1})

    assert summed(runs).errors == {"refused": 3, "status 502": 1}


@pytest.mark.parametrize(
    ("mirrored", "paired", "honest"), [(100, 100, True), (99, 99, True), (98, 100, False), (100, 98, False)]
)
def test_a_cost_is_honest_only_where_99_percent_was_mirrored_and_paired(
    *, mirrored: int, paired: int, honest: bool
) -> None:
    run = outcome([1] * 200, mirrored=mirrored, total=200, not_sampled=100, paired=paired, unscored=0)

    assert summed([run]).honest is honest


def test_a_peer_without_an_account_is_not_judged_by_it() -> None:
    found = summed([outcome([1], mirrored=1)])

    assert (found.sampled, found.paired, found.honest) == (None, None, True)


def test_a_target_says_what_was_found_and_what_should_be() -> None:
    assert str(Target("CPU", 0.651, 0.65, "x")) == "NOT MET: CPU: 0.65x, should be at most 0.65x"
    assert Target("CPU", 0.65, 0.65).met


def test_a_table_is_aligned() -> None:
    assert table(("a", "bb"), [("ccc", "d")]).splitlines() == ["| a   | bb |", "| --- | -- |", "| ccc | d  |"]


def test_wrong_answers_and_work_not_done_are_faults_and_a_bad_candidate_is_none() -> None:
    chosen = {each.name: each for each in scenarios()}
    half = outcome([1] * 10, mirrored=5, total=10, not_sampled=0, paired=5, unscored=0)
    failing = outcome([1] * 10, mirrored=10, total=10, not_sampled=0, paired=10, unscored=0)
    failing.seen.errors["status 502"] = 1
    found = [
        row("plain", "slipgauge", [half], [half], 1),
        row("300/s, candidate hung", "slipgauge", [half], [half], 1),
        row("streamed at once", "slipgauge", [failing], [failing], 1),
        row("streamed at once", "nginx", [failing], [failing], 1),
    ]

    assert list(faults(found, [chosen[each.scenario] for each in found])) == [
        "plain: only 5 of 10 sampled requests were paired",
        "streamed at once: 1 of 10 requests failed: {'status 502': 1}",
    ]
