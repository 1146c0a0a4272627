from __future__ import annotations

from math import nan

import pytest
from prometheus_client import CollectorRegistry

from analyzers.pair import End
from proxy.counters import Block, CodeCounter, Counter, Gauge, Histogram
from proxy.counters.families import Family
from proxy.gateway.ledger import Ledger, State
from proxy.gateway.meter import LegMeter
from proxy.telemetry import REQUEST_BUCKETS, Telemetry


def shown(family: Family) -> dict[tuple[str, ...], float]:
    """Every sample: its name and label values."""
    return {
        (sample.name, *sample.labels.values()): sample.value
        for metric in family.collect()
        for sample in metric.samples
    }


def processes() -> tuple[list[Block], Block]:
    """The owner's blocks, and the one of another process."""
    other = Block()
    return [Block(), other], other


def test_a_counter_is_the_sum_over_processes() -> None:
    blocks, other = processes()
    here, there = Counter("n", "", ("state",), blocks), Counter("n", "", ("state",), [other])
    here.labels("paired").inc()
    there.labels("paired").inc(2)
    there.labels("lost").inc()

    assert shown(here) == {("n_total", "paired"): 3.0, ("n_total", "lost"): 1.0}


def test_a_histogram_counts_a_value_in_the_first_bucket_that_holds_it() -> None:
    blocks, other = processes()
    here, there = Histogram("h", "", (), blocks, (1.0, 2.0)), Histogram("h", "", (), [other], (1.0, 2.0))
    for value in (0.5, 1.0, 9.0):
        here.observe(value)
    there.observe(1.5)

    assert shown(here) == {
        ("h_bucket", "1.0"): 2.0,
        ("h_bucket", "2.0"): 3.0,
        ("h_bucket", "+Inf"): 4.0,
        ("h_count",): 4.0,
        ("h_sum",): 12.0,
    }


def test_a_gauge_is_a_function_of_what_the_processes_say_and_leaves_out_what_is_no_number() -> None:
    blocks, other = processes()
    for over, expected in ((sum, 3.0), (min, 1.0), (max, 2.0)):
        here, there = Gauge(over.__name__, "", ("arm",), blocks, over), Gauge(over.__name__, "", ("arm",), [other])
        here.labels("both").set(1.0)
        there.labels("both").set(2.0)
        there.labels("there").set(7.0)
        there.labels("gone").set(nan)

        assert shown(here) == {(over.__name__, "both"): expected, (over.__name__, "there"): 7.0}


def test_of_the_codes_only_those_seen_are_shown() -> None:
    counter = CodeCounter("c", "", ("arm", "code"), [Block()], ("other", "200", "404"))
    first = counter.first("baseline")
    counter._blocks[0].slots[first + 2] += 1.0

    assert shown(counter) == {("c_total", "baseline", "404"): 1.0}


def test_a_series_without_labels_and_a_resolved_one_exist_at_zero() -> None:
    counter = Counter("n", "", ("state",), [Block()])
    assert shown(counter) == {}
    counter.labels("paired")

    assert shown(counter) == {("n_total", "paired"): 0.0}
    assert shown(Gauge("g", "", (), [Block()])) == {("g",): 0.0}


def test_labels_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="has 1 labels"):
        Counter("n", "", ("state",), [Block()]).labels("a", "b")


def test_counts_of_an_ended_process_stay_and_its_gauges_go() -> None:
    blocks, other = processes()
    counted, held = Counter("n", "", ("state",), blocks), Gauge("g", "", (), blocks)
    Counter("n", "", ("state",), [other]).labels("paired").inc(5)
    Gauge("g", "", (), [other]).set(5)
    counted.labels("paired").inc()
    assert shown(held) == {("g",): 5.0}
    for family in (counted, held):
        family.fold(other)
    blocks.remove(other)

    assert shown(counted) == {("n_total", "paired"): 6.0}
    assert shown(held) == {("g",): 0.0}


@pytest.mark.parametrize(
    ("end", "status", "code"),
    [
        (End.COMPLETE, 200, "200"),
        (End.COMPLETE, 599, "599"),
        (End.COMPLETE, 600, "other"),
        (End.COMPLETE, 99, "other"),
        *[(end, 200, end.value) for end in End if end is not End.COMPLETE],
    ],
)
def test_an_ended_request_has_one_code_and_a_duration_if_whole(end: End, status: int, code: str) -> None:
    telemetry = Telemetry()
    LegMeter(telemetry, "baseline", "primary").ended("chat", end, status, 0.02)
    value = telemetry.registry.get_sample_value
    leg = {"arm": "baseline", "leg": "primary"}

    assert value("slipgauge_requests_total", {**leg, "operation": "chat", "code": code}) == 1
    assert sum(shown(telemetry.requests).values()) == 1
    assert value("slipgauge_request_duration_seconds_count", leg) == (end is End.COMPLETE)
    assert value("slipgauge_request_duration_seconds_sum", leg) == (0.02 if end is End.COMPLETE else 0)


def test_durations_fall_into_the_documented_buckets() -> None:
    telemetry = Telemetry()
    meter = LegMeter(telemetry, "baseline", "primary")
    for bound in REQUEST_BUCKETS:
        meter.ended("chat", End.COMPLETE, 200, bound)
    counts = [
        telemetry.registry.get_sample_value(
            "slipgauge_request_duration_seconds_bucket",
            {"arm": "baseline", "leg": "primary", "le": str(float(bound))},
        )
        for bound in REQUEST_BUCKETS
    ]

    assert counts == list(range(1, len(REQUEST_BUCKETS) + 1))


def test_the_ledger_of_every_process_is_read_in_one() -> None:
    owner = Telemetry(CollectorRegistry())
    other = Telemetry(CollectorRegistry())
    owner.blocks.append(other.blocks[0])
    here, there = Ledger(owner), Ledger(other)
    here.open("baseline")
    there.open("candidate")
    there.open("candidate")
    there.close("candidate", State.PAIRED)

    assert (here.total, there.total) == (3, 2)
    assert {state: n for state, n in here.states().items() if n} == {"paired": 1, "open": 2}
    assert {state: n for state, n in here.states("candidate").items() if n} == {"paired": 1, "open": 1}
    with pytest.raises(RuntimeError, match="no request of candidate"):
        here.close("candidate", State.PAIRED)
