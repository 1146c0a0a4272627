"""Which of the candidate's failures the baseline answers for, and how many."""

from __future__ import annotations

import pytest

from analyzers.pair import End
from proxy.config import CanaryBreaker, Candidate
from proxy.gateway.arms.arm import Arm
from proxy.gateway.canary import Canary, Cause, cause_of
from proxy.telemetry import Telemetry
from tests.gateway.peer import always, ask, plain, post, serving
from tests.gateway.stands import Stands

CHAT = "/v1/chat/completions"
ASK = b'{"model":"m"}'


def canary(failures: int = 5) -> tuple[Canary, Telemetry]:
    telemetry = Telemetry()
    arm = Arm("candidate", Candidate(url=("http://127.0.0.1:1",)), telemetry, share=1.0, now=0.0)
    return Canary(arm, CanaryBreaker(failures=failures, pause=10.0), telemetry), telemetry


@pytest.mark.parametrize(
    ("status", "end", "cause"),
    [
        (200, None, None),
        (200, End.COMPLETE, None),
        (204, End.COMPLETE, None),
        (302, End.COMPLETE, None),
        (400, None, Cause.REJECTED),
        (404, End.COMPLETE, Cause.REJECTED),
        (499, None, Cause.REJECTED),
        (429, None, Cause.STATUS),
        (500, None, Cause.STATUS),
        (503, End.COMPLETE, Cause.STATUS),
        (599, None, Cause.STATUS),
        (None, End.RESET, Cause.RESET),
        (200, End.RESET, Cause.RESET),
    ],
)
def test_only_what_is_an_answer_is_passed_on(status: int | None, end: End | None, cause: Cause | None) -> None:
    assert cause_of(status, end) is cause


def test_fallbacks_on_failures_are_limited_and_those_on_rejections_are_not() -> None:
    gate, telemetry = canary(failures=10_000)
    fallen = sum(gate.takes(0.0) and gate.may_fall_back(Cause.STATUS) for _ in range(1_000))
    assert 500 <= fallen <= 600 + 1
    assert all(gate.may_fall_back(Cause.REJECTED) for _ in range(1_000))
    assert telemetry.registry.get_sample_value("slipgauge_fallbacks_total", {"reason": "status"}) == fallen


def test_a_candidate_that_keeps_failing_is_out_until_a_trial_is_answered() -> None:
    gate, telemetry = canary()

    def is_open() -> float | None:
        return telemetry.registry.get_sample_value("slipgauge_breaker_open")

    assert (gate.takes(0.0), is_open()) == (True, 0)
    for _ in range(5):
        gate.failed(since=0.0, now=1.0)
    assert (gate.takes(2.0), is_open()) == (False, 1)
    assert (gate.takes(11.0), gate.takes(11.0)) == (True, False)
    gate.answered(since=11.0)
    assert (gate.takes(11.5), is_open()) == (True, 0)


async def test_a_candidate_that_fails_everything_does_not_double_the_baselines_load(stand: Stands) -> None:
    async with (
        serving(always(plain(b"base"))) as baseline,
        serving(always(plain(b"", status="500 Oops"))) as other,
        stand(
            baseline.address,
            {"url": other.address, "ejection": {"failures": 10_000}},
            weight=1.0,
            canary={"breaker": {"failures": 10_000}},
            mirror={"sample": 0.0},
        ) as s,
    ):
        statuses = [(await ask(s.port, post(CHAT, ASK))).status for _ in range(300)]
        assert statuses[:100] == [200] * 100
        assert 40 <= statuses.count(500) <= 50 + 1
        assert len(baseline.requests) == statuses.count(200)
        assert len(other.requests) == 300
