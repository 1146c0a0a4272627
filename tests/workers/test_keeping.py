"""From a scored pair to a redacted case on its way, with real analyzer processes."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from analyzers.finding import Finding, Score
from analyzers.pair import CapturedPair
from analyzers.reading import read_pair
from cases.case import loads
from cases.redaction import RedactorError
from cases.sampling import rank
from proxy.config_cases import Cases
from proxy.workers.answers import MAX_CASE, UNREDACTED
from proxy.workers.keeping import Keeping
from proxy.workers.wire import Settings
from tests.workers.pool_harness import captured, running

SECRET = "ada.lovelace@example.com"
SLIPPED = Finding("served", "1", "served", Score(0.0), Score(1.0, "http_5xx"))


def kept(pair_id: str = "p", text: str = f"write to {SECRET}", **request: object) -> CapturedPair:
    """A pair whose client has said nothing against its being kept."""
    return replace(captured(pair_id, text, **request), subject="5" * 32)


def keeping(redactor: str | None = None, *, store_text: bool = True) -> Keeping:
    return Keeping(Settings((), 0, 0.0, {}, None, 0, 0, redactor, store_text))


def test_a_case_holds_the_redacted_pair_and_where_it_may_come_in() -> None:
    case = loads(keeping().case(read_pair(kept()), (SLIPPED,), ()))

    assert SECRET not in str(case)
    assert case.redacted == {"email": 2}
    assert [stratum.name for stratum in case.strata] == ["uniform", "served:http_5xx"]
    assert (case.subject, case.session) == ("", ""), "which no analyzer process knows"


def test_a_pair_that_the_pool_would_not_take_is_not_touched() -> None:
    made, pair = keeping("tests.workers.redactors:fails"), read_pair(kept())
    made.floors = {"uniform": 2 * rank("p", "uniform", 1.0)}

    assert made.case(pair, (), ()) == b""

    made.floors = {"uniform": 0.5 * rank("p", "uniform", 1.0)}
    assert made.case(pair, (), ()) == UNREDACTED


def test_without_texts_the_shape_alone_is_kept() -> None:
    case = loads(keeping(store_text=False).case(read_pair(kept()), (), ()))

    assert not case.texts
    assert "write" not in str(case)


def test_what_is_too_large_is_kept_without_its_texts() -> None:
    case = loads(keeping().case(read_pair(kept(text="x " * MAX_CASE)), (), ()))

    assert not case.texts


def test_a_redactor_that_is_not_there_is_no_redactor() -> None:
    with pytest.raises(RedactorError, match="cannot be loaded"):
        keeping("tests.workers.redactors:gone")


async def test_a_pair_is_offered_with_what_the_gateway_knows_of_it() -> None:
    async with running(enabled=("served", "degeneration")) as scored:
        scored.pool.submit(kept("p1"), "paired")
        scored.pool.submit(captured("p2"), "paired")
        scored.pool.submit(kept("p3"), "dropped_shutdown")
        await scored.pool.drain()

    (offer,) = scored.offers
    assert offer.report in scored.reports
    assert (offer.report.pair_id, offer.subject) == ("p1", "5" * 32)
    assert SECRET.encode() not in offer.body


@pytest.mark.usefixtures("faulty")
async def test_floors_reach_the_child_with_the_next_pair_and_a_new_child_too() -> None:
    async with running(enabled=("served", "faulty")) as scored:
        scored.pool.submit(kept("p1"), "paired")
        await scored.pool.drain()
        scored.pool.floors.set({"uniform": 1e30})
        scored.pool.submit(kept("p2"), "paired")
        await scored.pool.drain()
        scored.pool.submit(replace(kept("p3", "fault: exit"), session="other"), "paired")
        scored.pool.submit(kept("p4"), "paired")
        await scored.pool.drain()

    assert [offer.report.pair_id for offer in scored.offers] == ["p1"]
    assert len(scored.reports) == 4


@pytest.mark.parametrize("how", ["fails", "hangs"])
async def test_a_redactor_that_fails_costs_the_case_and_no_finding(how: str) -> None:
    settings = Cases(redactor=f"tests.workers.redactors:{how}")
    async with running(enabled=("served", "degeneration"), keeping=settings, budget=1.5) as scored:
        scored.pool.submit(kept("p1"), "paired")
        scored.pool.submit(captured("p2"), "paired")
        await scored.pool.drain()

    assert scored.offers == []
    for report in scored.reports:
        assert set(report.analyses.values()) == {"scored"}, how
    assert scored.count("case_offers_total", result="dropped_redaction") == 1


def test_a_long_request_is_within_the_bound() -> None:
    body = keeping().case(read_pair(kept(messages=[{"role": "user", "content": "word " * 90_000}])), (), ())

    assert len(body) < MAX_CASE
    assert json.loads(body)["texts"] is True
