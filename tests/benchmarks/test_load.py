"""The load generator against servers that misbehave: what goes wrong is seen, and nothing else is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from benchmarks.load import Plan
from benchmarks.messages import EVENTS
from benchmarks.stand import Stand, standing

COUNT = 30
CLOSED = Plan(port=0, count=COUNT, connections=4)
OPEN = replace(CLOSED, rate=1_000, grace=0.3)


@pytest.fixture(scope="module")
def stand() -> Iterator[Stand]:
    with standing() as found:
        yield found


@pytest.mark.parametrize("plan", [CLOSED, OPEN])
def test_every_answer_that_is_right_has_a_latency_and_no_error(stand: Stand, plan: Plan) -> None:
    stand.baseline.become("healthy")
    seen = stand.load(replace(plan, port=stand.baseline.port))

    assert (len(seen.latencies), seen.errors, seen.lateness) == (COUNT, {}, [])


def test_every_event_of_a_spaced_stream_has_a_lateness(stand: Stand) -> None:
    stand.baseline.become("spaced:5")
    seen = stand.load(replace(OPEN, port=stand.baseline.port, answer="spaced", events=5))

    assert (len(seen.lateness), seen.errors) == (COUNT * 5, {})
    assert min(seen.lateness) >= 0


def test_a_stream_with_events_missing_is_an_error(stand: Stand) -> None:
    stand.baseline.become(f"spaced:{EVENTS - 60}")
    seen = stand.load(replace(OPEN, port=stand.baseline.port, answer="spaced", grace=5.0))

    assert seen.errors == {"other bytes than the server's": COUNT}


@pytest.mark.parametrize(
    ("mode", "error"),
    [
        ("huge", "other bytes than the server's"),
        ("resetting", "closed before its end"),
        ("garbage", "closed before its end"),
        ("hung", "unanswered"),
        ("absent", "refused"),
    ],
)
def test_every_request_of_a_failing_server_is_an_error_by_its_kind(stand: Stand, mode: str, error: str) -> None:
    stand.baseline.become(mode)
    seen = stand.load(replace(OPEN, port=stand.baseline.port, connections=0, grace=3.0))

    assert seen.errors == {error: COUNT}


def test_a_request_that_is_never_answered_counts_with_the_time_it_has_waited(stand: Stand) -> None:
    stand.baseline.become("hung")
    seen = stand.load(replace(OPEN, port=stand.baseline.port))

    assert len(seen.latencies) == COUNT
    assert min(seen.latencies) > OPEN.grace * 0.9e6  # the loop counts in milliseconds
