"""From a client's request to figures: real models, a whole deployment, and every analysis in exactly one state."""

from __future__ import annotations

import asyncio

import pytest

from proxy import probes
from proxy.config import Probes
from proxy.demo.arms import MODEL, MODELS
from proxy.demo.rehearsal import Plan, configuration
from proxy.demo.traffic import send
from proxy.report import Analysis
from proxy.run import Deployment
from testbed.engine.engine import Limits
from testbed.engine.server import serving
from testbed.tasks import prompts

COUNT = 40
ENABLED = ("served", "math.checked", "math.consensus", "token_divergence")


@pytest.mark.timeout(600)
async def test_analyzers_that_ask_further_requests_leave_every_account_exact(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(probes, "DEADLINE", 3_600.0)  # two models share what cores there are
    limits = Limits(step_interval=0)
    plan = Plan(requests=COUNT)
    async with (
        serving(MODELS / "fp16", name=MODEL, limits=limits) as baseline,
        serving(MODELS / "int4-slipping", name=MODEL, limits=limits) as candidate,
    ):
        config = configuration(plan, baseline.url, candidate.url)
        analysis = config.analysis.model_copy(update={"enabled": ENABLED, "golds_file": None, "budget": 20.0})
        asking = {"math.consensus": Probes(), "token_divergence": Probes(share=0.5, tokens_per_second=1e6)}
        guardrails = {name: config.guardrails[name] for name in ("served", "math.checked")}
        deployment = Deployment(
            config.model_copy(update={"analysis": analysis, "probes": asking, "guardrails": guardrails})
        )
        await deployment.start()
        try:
            drawn = prompts(3, COUNT, {"arithmetic": 1.0})
            tally = await send(f"http://{deployment.data_address}", drawn, None, lambda _tally: None)
            while not deployment.settled:  # noqa: ASYNC110 - three rooms, no one event
                await asyncio.sleep(0.01)
        finally:
            await deployment.stop()
    control, tables = deployment.control, deployment.control.tables

    assert tally.failed == 0
    assert control.ledger()["states"]["paired"] == COUNT
    assert tables.waiting == 0
    for name in ENABLED:
        assert sum(tables.analyses[name].values()) == COUNT, name
    measured = tables.analyses["token_divergence"]
    assert set(measured) == {Analysis.SCORED, Analysis.NOT_APPLICABLE}
    assert 0 < measured[Analysis.SCORED] < COUNT
    figures = control.figures()["token_divergence"]
    assert figures["kl"]["pairs"] == measured[Analysis.SCORED]
    assert figures["kl"]["mean"] > 0.01
    cells = control.findings()["math.consensus"]
    assert cells["pass_fail"] > cells["fail_pass"]
    spent = deployment.telemetry.registry.get_sample_value(
        "slipgauge_extra_tokens_total", {"arm": "baseline", "purpose": "probe"}
    )
    assert spent
