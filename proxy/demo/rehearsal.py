"""The demo from end to end: servers up, gateway before them, traffic through, every pair scored."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proxy.config import Admin, Analysis, Arm, Candidate, Config, Extra, Gateway, Guardrail, Log, Mirror, ModelNames
from proxy.demo.arms import MODEL, MODELS, Server, serving, while_alive
from proxy.demo.traffic import Tally, send
from proxy.run import Deployment
from testbed.tasks import prompts

MARGIN = 0.03
"""The demo's margin: a few hundred sessions cannot tell half a point from nothing."""
SETTLE_TIMEOUT = 90.0
"""Seconds after the last answer for the mirrors to end and every pair to be scored."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What the demo is asked to do."""

    candidate: str = "slipping"
    engine: str = "embedded"
    requests: int = 1_000
    rate: float | None = None
    seed: int = 1


@dataclass(frozen=True, slots=True)
class Stand:
    """A demo that is up: the deployment, and the servers behind it."""

    plan: Plan
    deployment: Deployment
    servers: tuple[Server, ...]


def configuration(plan: Plan, baseline: str, candidate: str) -> Config:
    """Free ports, every session mirrored, and room for every pair to be kept until it is scored."""
    unlimited = Extra(tokens_per_second=None, waiting=None, kv_usage=None)
    return Config(
        listen="127.0.0.1:0",
        admin=Admin(listen="127.0.0.1:0"),
        # The servers share their cores with the gateway and are kept busy on purpose: no pair is to be left out.
        gateway=Gateway(shed_lag=60.0),
        baseline=Arm(url=(baseline,), extra=unlimited),
        candidate=Candidate(url=(candidate,), extra=unlimited, revision=plan.candidate),
        models={MODEL: ModelNames()},
        mirror=Mirror(sample=1.0, in_flight=max(256, plan.requests)),
        analysis=Analysis(queue_pairs=max(1_000, plan.requests)),
        guardrails={name: Guardrail(margin=MARGIN) for name in Config.model_fields["guardrails"].default},
        log=Log(level="warning"),
    )


@asynccontextmanager
async def standing(plan: Plan) -> AsyncIterator[Stand]:
    """Everything up until the block is left. Raises ArmError or StartError; leaves no process behind."""
    models = {"baseline": MODELS / "fp16", "candidate": MODELS / f"int4-{plan.candidate}"}
    with tempfile.TemporaryDirectory(prefix="slipgauge-demo-") as logs:
        async with serving(plan.engine, models, Path(logs)) as servers:
            deployment = Deployment(configuration(plan, *(server.url for server in servers)))
            await deployment.start()
            try:
                yield Stand(plan, deployment, servers)
            finally:
                await deployment.stop()


async def perform(stand: Stand, advanced: Callable[[Tally], None]) -> Tally:
    """Send the plan's requests and wait until each has its state and its findings. Raises ArmError."""
    return await while_alive(stand.servers, _perform(stand, advanced))


async def _perform(stand: Stand, advanced: Callable[[Tally], None]) -> Tally:
    drawn = prompts(stand.plan.seed, stand.plan.requests)
    tally = await send(f"http://{stand.deployment.data_address}", drawn, stand.plan.rate, advanced)
    # Past the time, the ledger and the analyses show what is missing.
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(SETTLE_TIMEOUT):
            while not stand.deployment.settled:  # noqa: ASYNC110 - three rooms, no one event
                await asyncio.sleep(0.05)
    return tally


def result(stand: Stand) -> dict[str, Any]:
    """The object of `demo --json`; its fields are stable."""
    control = stand.deployment.control
    ledger = control.ledger()
    return {
        **control.verdict(),
        "findings": control.findings(),
        "ledger": {**ledger["states"], "total": ledger["total"]},
    }
