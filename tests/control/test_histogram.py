from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram
from prometheus_client.openmetrics.exposition import generate_latest

from proxy.histogram import BatchHistogram

BUCKETS = (0.001, 0.5, 1, 2.5)


@given(st.lists(st.one_of(st.sampled_from(BUCKETS), st.floats(0, 10, width=16))))
def test_it_is_exposed_as_prometheus_clients_own(values: list[float]) -> None:
    theirs, ours = CollectorRegistry(), CollectorRegistry()
    one_by_one = Histogram("gap_seconds", "Gaps.", ("arm",), buckets=BUCKETS, registry=theirs)
    at_once = BatchHistogram("gap_seconds", "Gaps.", ("arm",), buckets=BUCKETS, registry=ours)
    for value in values:
        one_by_one.labels("x").observe(value)
    one_by_one.labels("y")
    if values:
        at_once.observe(("x",), values[:3])
        at_once.observe(("x",), values[3:])
    at_once.observe(("y",))

    def lines(registry: CollectorRegistry) -> list[str]:
        text = generate_latest(registry).decode()  # type: ignore[no-untyped-call]
        return sorted(line for line in text.splitlines() if "_created" not in line and "_sum" not in line)

    assert lines(ours) == lines(theirs)
    total = ours.get_sample_value("gap_seconds_sum", {"arm": "x"}) or 0
    assert total == pytest.approx(sum(values))


def test_a_name_is_registered_once() -> None:
    registry = CollectorRegistry()
    BatchHistogram("gap_seconds", "Gaps.", (), buckets=BUCKETS, registry=registry)

    with pytest.raises(ValueError, match="Duplicated"):
        BatchHistogram("gap_seconds", "Gaps.", (), buckets=BUCKETS, registry=registry)
