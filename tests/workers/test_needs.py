"""Analyzers that need further requests: each pair ends in one state for each of them, whatever becomes of those."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from analyzers.finding import Finding, Measurement, Need, Probe, Score
from analyzers.pair import CapturedPair
from proxy.report import Analysis, Report
from proxy.workers import needs
from proxy.workers.job import Replies
from tests.workers.pool_harness import Scored, captured, running

pytestmark = pytest.mark.usefixtures("faulty")
ENABLED = ("served", "needy")
EVERY = {"needy": 1.0}


class Answering:
    """Answers every probe the same, or with nothing, in the next turn of the loop."""

    def __init__(self, reply: tuple[int, bytes] | None = (200, b'{"count": 7}')) -> None:
        self.asked: list[Probe] = []
        self._reply = reply

    def ask(
        self, analyzer: str, pair: CapturedPair, probes: Sequence[Probe], done: Callable[[Replies | None], None]
    ) -> None:
        self.asked += probes
        replies = None if self._reply is None else (self._reply,) * len(probes)
        asyncio.get_running_loop().call_soon(done, replies)

    async def close(self) -> None:
        return


class Silent(Answering):
    """Answers only when it is closed, with nothing."""

    def ask(
        self, analyzer: str, pair: CapturedPair, probes: Sequence[Probe], done: Callable[[Replies | None], None]
    ) -> None:
        self.done = done

    async def close(self) -> None:
        self.done(None)


async def reports(scored: Scored, **request: Any) -> list[Report]:
    assert scored.pool.submit(captured("one", "hello", **request), "paired")
    await scored.pool.drain()
    assert scored.pool.statistics()["bytes"] == scored.pool.statistics()["open"] == 0
    return scored.reports


async def test_what_waits_for_nothing_is_reported_first_and_the_rest_later() -> None:
    asker = Answering()
    async with running(asker, EVERY, enabled=ENABLED) as scored:
        first, further = await reports(scored, rounds=1)
    assert first.analyses == {"served": Analysis.SCORED}
    assert (first.waiting, first.further) == (("needy",), False)
    assert further.analyses == {"needy": Analysis.SCORED}
    assert further.measurements == (Measurement("needy", "1", (1.0, 7.0)),)
    assert (further.waiting, further.further, further.findings) == ((), True, ())
    assert asker.asked == [Probe("candidate", "/tokenize", {"model": "m", "prompt": "hi"})]


async def test_two_rounds_may_be_needed_and_their_replies_add_up() -> None:
    async with running(Answering(), EVERY, enabled=ENABLED) as scored:
        _, further = await reports(scored, rounds=2)
    assert further.measurements[0].figures == (2.0, 14.0)


async def test_a_third_round_is_too_much() -> None:
    async with running(Answering(), EVERY, enabled=ENABLED) as scored:
        _, further = await reports(scored, rounds=3)
        assert scored.count("analyzer_failures_total", analyzer="needy", kind="need") == 1
    assert further.analyses == {"needy": Analysis.KILLED}


async def test_a_finding_may_need_something_too() -> None:
    async with running(Answering(), EVERY, enabled=ENABLED) as scored:
        _, further = await reports(scored, rounds=1, find=True)
    assert further.findings == (Finding("needy", "1", "needy", Score(0.0), Score(1.0)),)


async def test_an_analyzer_may_say_why_it_does_not_apply() -> None:
    async with running(Answering((404, b"{}")), EVERY, enabled=ENABLED) as scored:
        _, further = await reports(scored, rounds=1)
        assert scored.count("not_applicable_total", analyzer="needy", reason="unsupported") == 1
    assert further.analyses == {"needy": Analysis.NOT_APPLICABLE}


async def test_a_pair_that_was_not_drawn_asks_nothing() -> None:
    asker = Answering()
    async with running(asker, {"needy": 0.0}, enabled=ENABLED) as scored:
        (report,) = await reports(scored, rounds=1)
        assert scored.count("not_applicable_total", analyzer="needy", reason="not_drawn") == 1
    assert report.analyses["needy"] is Analysis.NOT_APPLICABLE
    assert asker.asked == []


@pytest.mark.parametrize("asker", [None, Answering(None)], ids=["nobody to ask", "no answer"])
async def test_without_answers_the_analysis_is_dropped(asker: Answering | None) -> None:
    async with running(asker, EVERY, enabled=ENABLED) as scored:
        _, further = await reports(scored, rounds=1)
    assert further.analyses == {"needy": Analysis.DROPPED}


async def test_what_still_waits_at_the_end_is_dropped() -> None:
    async with running(Silent(), EVERY, enabled=ENABLED) as scored:
        assert scored.pool.submit(captured("one", rounds=1), "paired")
        while not scored.reports:  # noqa: ASYNC110 - a list tells nobody when it grows
            await asyncio.sleep(0.001)
    first, further = scored.reports
    assert first.waiting == ("needy",)
    assert further.analyses == {"needy": Analysis.DROPPED}
    assert scored.pool.statistics()["open"] == 0


async def test_one_that_needs_more_than_it_may_has_failed() -> None:
    async with running(Answering(), EVERY, enabled=ENABLED) as scored:
        (report,) = await reports(scored, rounds=1, probes=needs.MAX_PROBES + 1)
        assert scored.count("analyzer_failures_total", analyzer="needy", kind="need") == 1
    assert report.analyses["needy"] is Analysis.KILLED


PROBE = Probe("baseline", "/tokenize", {"prompt": "hi"})


def test_needs_are_read_as_they_were_written() -> None:
    assert needs.loads(needs.dumps({1: Need((PROBE,)), 3: Need((PROBE, PROBE))})) == {
        1: (PROBE,),
        3: (PROBE, PROBE),
    }
    assert needs.dumps({}) == b""
    assert needs.loads(b"") == {}


@pytest.mark.parametrize(
    "need", [Need(()), Need((PROBE,) * 9), Need((Probe("baseline", "/", {"x": "y" * 600_000}),))]
)
def test_needs_out_of_bounds_are_not_written(need: Need) -> None:
    with pytest.raises(ValueError, match="needs"):
        needs.dumps({0: need})


@pytest.mark.parametrize(
    "told",
    [
        b"x",
        b"5",
        b"[5]",
        b"[[0]]",
        b"[[0, []]]",
        b'[[0, [["moon", "/tokenize", {}]]]]',
        b'[[0, [["baseline", 5, {}]]]]',
        b'[[0, [["baseline", "/tokenize", []]]]]',
        b'[[[], [["baseline", "/tokenize", {}]]]]',
    ],
)
def test_needs_that_no_sound_child_tells_are_refused(told: bytes) -> None:
    with pytest.raises(ValueError, match=r"no needs|needs nothing"):
        needs.loads(told)
