"""The boards and the rules on a real Prometheus that scrapes a real Slipgauge, before the testbed's two servers.

`make test-boards` does the same before two vLLM servers, for the board that is about vLLM as well.
"""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from grafana.boards import BOARDS, int4
from grafana.reading import Window
from grafana.stand.monitoring import SCRAPE, scraped
from grafana.stand.stand import ARMS, send, standing
from proxy.config import Admin, Guardrail, Verdict
from proxy.demo.rehearsal import Plan
from tests.grafana.answered import faults, reviewed
from verdict.rollout import Stage

REQUESTS = 250
TOKEN = "an operator's token"


@pytest.mark.timeout(300)
async def test_every_query_of_every_board_has_an_answer_that_can_be(tmp_path: Path) -> None:
    async with standing(Plan(candidate="slipping"), tmp_path) as stand:
        started = time.time() - SCRAPE  # what was counted before the first request is seen, too
        await send(stand, seed=1, count=REQUESTS)
        await scraped(stand.prometheus, len(ARMS) + 1, time.time() + 2 * SCRAPE)  # rates have an end
        cases = await reviewed(stand, Window(started, time.time(), SCRAPE))
        window = Window(started, time.time(), SCRAPE)
        found = [await faults(board, stand.prometheus, window) for board in BOARDS if board is not int4.BOARD]

    assert [fault for each in found for fault in each] == []
    assert set(cases.values()) == {200}


@pytest.mark.timeout(300)
async def test_a_candidate_that_slips_is_rolled_back_by_the_shipped_alert(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The verdict asks for more evidence than there is by then, so that the alert is first: the one in deploy/."""
    monkeypatch.setenv("SLIPGAUGE_OPERATOR", TOKEN)
    admin = Admin(listen="127.0.0.1:0", operator_token_env="SLIPGAUGE_OPERATOR")
    guardrails = {"json.invalid": Guardrail(margin=0.01)}
    async with standing(
        Plan(candidate="slipping"),
        tmp_path,
        TOKEN,
        admin=admin,
        guardrails=guardrails,
        verdict=Verdict(harm_alpha=1e-9),
    ) as stand:
        control, keeper = stand.deployment.control, stand.deployment.keeper
        sending = asyncio.gather(send(stand, seed=1, count=3 * REQUESTS))
        while control.rollout.stage is not Stage.ROLLED_BACK:  # noqa: ASYNC110 - other processes tell no event
            await asyncio.sleep(0.05)
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        (entry,) = await keeper.latest(limit=1)

    assert (entry.entry.by, entry.entry.action) == ("alertmanager", "rollback")
    assert "alert SlipgaugeSlipBurnsFast: " in entry.entry.reason
    assert "many times its margin" in entry.entry.reason
    assert not any(each.failed for each in control.dossier.evidence.values())
