"""What stops an extra leg, and what it is charged, as the ledger and the metrics of a running gateway show it."""

from __future__ import annotations

import pytest

from tests.arms.until import until
from tests.gateway.peer import (
    Peer,
    Reader,
    Received,
    Writer,
    always,
    ask,
    plain,
    post,
    serving,
    streamed,
)
from tests.gateway.stands import Stand, standing

BODY = b'{"model":"m","messages":[{"role":"user","content":"hi"}]}'
ASK = post("/v1/chat/completions", BODY)
USED = plain(b'{"choices":[],"usage":{"prompt_tokens":9,"total_tokens":12,"completion_tokens":3}}')


def metric(stand: Stand, name: str, **labels: str) -> float:
    value = stand.telemetry.registry.get_sample_value(f"slipgauge_{name}", labels)
    assert value is not None
    return value


async def test_mirrors_stop_while_the_candidate_says_that_requests_wait_and_go_on_once_none_do() -> None:
    waiting = [9]

    async def answer(peer: Peer, received: Received, reader: Reader, writer: Writer) -> None:
        page = b"vllm:num_requests_waiting 9\n" if waiting[0] else b"vllm:num_requests_waiting 0\n"
        await always(plain(page) if received.path == b"/metrics" else USED)(peer, received, reader, writer)

    async with (
        serving(always(USED)) as baseline,
        serving(answer) as candidate,
        standing(
            baseline.address,
            {"url": candidate.address, "extra": {"every": 0.01, "waiting": 4, "tokens_per_second": None}},
        ) as s,
    ):
        await until(lambda: metric(s, "pressure", arm="candidate") == 1)
        for _ in range(3):
            assert (await ask(s.port, ASK)).status == 200
        assert await s.settled() == {"dropped_pressure": 3}
        assert metric(s, "extra_refused_total", arm="candidate", purpose="mirror", reason="pressure") == 3
        waiting[0] = 0
        await until(lambda: metric(s, "pressure", arm="candidate") == 0)
        assert (await ask(s.port, ASK)).status == 200
        assert await s.settled() == {"dropped_pressure": 3, "paired": 1}
        assert [r.path for r in candidate.requests if r.path != b"/metrics"] == [b"/v1/chat/completions"]


async def test_mirrors_stop_when_the_candidate_s_tokens_are_spent() -> None:
    expensive = plain(b'{"usage":{"total_tokens":1400}}')  # two are paid off in more than four seconds
    async with (
        serving(always(USED)) as baseline,
        serving(always(expensive)) as candidate,
        standing(baseline.address, {"url": candidate.address, "extra": {"tokens_per_second": 300.0}}) as s,
    ):
        for _ in range(5):
            assert (await ask(s.port, ASK)).status == 200
            assert await s.settled()
        assert await s.settled() == {"paired": 2, "dropped_budget": 3}
        assert metric(s, "extra_tokens_total", arm="candidate", purpose="mirror") == 2_800
        assert metric(s, "extra_refused_total", arm="candidate", purpose="mirror", reason="budget") == 3


async def test_a_repeat_that_the_baseline_cannot_afford_is_not_made_and_the_pair_stands() -> None:
    async with (
        serving(always(USED)) as baseline,
        serving(always(USED)) as candidate,
        standing(
            {"url": baseline.address, "extra": {"tokens_per_second": 0.1}},
            candidate.address,
            mirror={"repeat": 1.0},
        ) as s,
    ):
        for _ in range(3):
            assert (await ask(s.port, ASK)).status == 200
            assert await s.settled()
        assert await s.settled() == {"paired": 3}
        assert [pair.repeat is not None for pair, _ in s.pairs] == [True, False, False]
        assert metric(s, "extra_tokens_total", arm="baseline", purpose="repeat") == 12
        assert metric(s, "extra_tokens_total", arm="candidate", purpose="mirror") == 36
        assert metric(s, "extra_refused_total", arm="baseline", purpose="repeat", reason="budget") == 2


@pytest.mark.parametrize(
    ("answer", "spent"),
    [
        (always(plain(b"", status="400 Bad Request")), 0),
        (always(plain(b"", status="500 Oops")), len(BODY) // 4 + 1),
        (streamed([b"data: " + b"x" * 234] * 10), len(BODY) // 4 + 1 + 10),
    ],
)
async def test_a_mirror_whose_answer_tells_no_usage_is_charged_an_estimate(answer: object, spent: int) -> None:
    async with (
        serving(always(USED)) as baseline,
        serving(answer) as candidate,  # type: ignore[arg-type]
        standing(baseline.address, candidate.address) as s,
    ):
        assert (await ask(s.port, ASK)).status == 200
        assert await s.settled()
        assert metric(s, "extra_tokens_total", arm="candidate", purpose="mirror") == spent


async def test_a_mirror_that_was_never_sent_is_charged_nothing() -> None:
    async with serving(always(b"")) as gone:
        pass
    async with serving(always(USED)) as baseline, standing(baseline.address, gone.address) as s:
        assert (await ask(s.port, ASK)).status == 200
        assert await s.settled() == {"unserved_candidate": 1}
        assert metric(s, "extra_tokens_total", arm="candidate", purpose="mirror") == 0


async def test_nothing_is_mirrored_while_the_event_loop_is_late_and_clients_are_answered() -> None:
    async with (
        serving(always(USED)) as baseline,
        serving(always(USED)) as candidate,
        standing(baseline.address, candidate.address, gateway={"shed_lag": 3_600.0}) as s,
    ):
        lag = s.gateway._services.lag
        lag.observe(3_601.0)
        assert (await ask(s.port, ASK)).status == 200
        assert await s.settled() == {"dropped_lag": 1}
        while lag.shed:
            lag.observe(0.0)
        assert (await ask(s.port, ASK)).status == 200
        assert await s.settled() == {"dropped_lag": 1, "paired": 1}


async def test_a_loop_that_is_late_sheds_by_itself() -> None:
    async with (
        serving(always(USED)) as baseline,
        serving(always(USED)) as candidate,
        standing(baseline.address, candidate.address, gateway={"shed_lag": 1e-9}) as s,
    ):
        await until(lambda: s.gateway._services.lag.shed)
        assert (await ask(s.port, ASK)).status == 200
        assert await s.settled() == {"dropped_lag": 1}
