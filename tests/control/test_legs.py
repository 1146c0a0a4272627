from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.openmetrics.exposition import generate_latest

from proxy import counters
from proxy.control.legs import TOKEN_BUCKETS, Bins, Leg
from proxy.report import GAP_BUCKETS, ArmReport

BUCKETS = (0.001, 0.5, 1, 2.5)
VALUES = st.lists(st.one_of(st.sampled_from(BUCKETS), st.floats(0, 10, width=16)))


@given(VALUES, VALUES)
def test_bins_are_shown_as_prometheus_clients_own_histogram(first: list[float], then: list[float]) -> None:
    theirs, ours = CollectorRegistry(), CollectorRegistry()
    one_by_one = Histogram("gap_seconds", "Gaps.", ("arm",), buckets=BUCKETS, registry=theirs)
    shown = counters.Histogram("gap_seconds", "Gaps.", ("arm",), [counters.Block()], BUCKETS)
    ours.register(shown)
    bins, more = Bins(BUCKETS), Bins(BUCKETS)
    for value in first:
        bins.observe(value)
    for value in then:
        more.observe(value)
    shown.labels("x").set(bins.counts, bins.total)
    bins.add(more.counts, more.total)
    shown.labels("x").set(bins.counts, bins.total)
    for value in first + then:
        one_by_one.labels("x").observe(value)
    one_by_one.labels("x")

    def lines(registry: CollectorRegistry) -> list[str]:
        text = generate_latest(registry).decode()  # type: ignore[no-untyped-call]
        return sorted(line for line in text.splitlines() if "_created" not in line and "_sum" not in line)

    assert lines(ours) == lines(theirs)
    assert bins.total == pytest.approx(sum(first) + sum(then))


def test_a_leg_adds_up_times_and_leaves_out_what_is_unknown() -> None:
    leg = Leg()
    counted = (0, 1, *[0] * (len(GAP_BUCKETS) - 2), 2)
    leg.add(ArmReport(0.3, counted, 20.0))
    leg.add(ArmReport())

    assert sum(leg.first_token.counts) == leg.first_token.counts[TOKEN_BUCKETS.index(0.5)] == 1
    assert (tuple(leg.gaps.counts), leg.gaps.total) == (counted, 20.0)
