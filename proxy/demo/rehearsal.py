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

from proxy.config import (
    Admin,
    Analysis,
    Arm,
    Candidate,
    Config,
    Extra,
    Gateway,
    Guardrail,
    Log,
    Mirror,
    ModelNames,
)
from proxy.config_cases import Cases
from proxy.config_rollout import CanaryStep, Patience, Rollout, Shadow
from proxy.control.control import Control
from proxy.demo.arms import MODEL, MODELS, Server, serving, while_alive
from proxy.demo.traffic import Tally, send
from proxy.run import Deployment
from testbed.tasks import prompts
from verdict.rollout import Stage

MARGIN = 0.03
"""The demo's margin: a few hundred sessions cannot tell half a point from nothing."""
STEP = Patience(seconds=1.0, sessions=100)
"""What each step of the demo's rollout asks for, beside a good verdict for the last."""
CANARY = (0.1, 0.5)
SETTLE_TIMEOUT = 90.0
"""Seconds after the last answer for the mirrors to end, and every pair to be scored."""
FOLLOW_TIMEOUT = 5.0
"""Seconds after that for the rollout to follow the verdict, which it may not: a step asks for its time, too."""
MODEL_OF = {"steady": "int4-steady", "slipping": "int4-slipping", "same": "fp16"}
"""The candidate's model by what the demo calls it. `same` is the baseline's own: nothing should come of it."""
RARE = frozenset({"tools.called", "tools.uncalled"})
"""Guardrails that are not required, since the demo's traffic gives them few sessions."""


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


def configuration(plan: Plan, baseline: str, candidate: str, cases: Path | None = None) -> Config:
    """Free ports, every session mirrored, room for every pair until it is scored, and a file for cases."""
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
        guardrails={
            name: Guardrail(margin=MARGIN, required=name not in RARE)
            for name in Config.model_fields["guardrails"].default
        },
        rollout=Rollout(
            advance="auto",
            shadow=Shadow(**STEP.model_dump()),
            canary=tuple(CanaryStep(weight=weight, **STEP.model_dump()) for weight in CANARY),
        ),
        cases=Cases(path=None if cases is None else str(cases)),
        log=Log(level="error"),
    )


@asynccontextmanager
async def standing(plan: Plan) -> AsyncIterator[Stand]:
    """Everything up until the block is left. Raises ArmError or StartError; leaves no process behind."""
    models = {"baseline": MODELS / "fp16", "candidate": MODELS / MODEL_OF[plan.candidate]}
    with tempfile.TemporaryDirectory(prefix="slipgauge-demo-") as home:
        async with serving(plan.engine, models, Path(home)) as servers:
            baseline, candidate = (server.url for server in servers)
            deployment = Deployment(configuration(plan, baseline, candidate, Path(home) / "cases.db"))
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
            async with asyncio.timeout(FOLLOW_TIMEOUT):
                while not _followed(stand.deployment.control):  # noqa: ASYNC110 - it looks several times a second
                    await asyncio.sleep(0.05)
    return tally


def _followed(control: Control) -> bool:
    """Whether the stage is where the verdict leads."""
    leads = {"fail": Stage.ROLLED_BACK, "pass": Stage.PROMOTED}.get(control.verdict()["verdict"])
    return leads in (None, control.rollout.stage)


def result(stand: Stand) -> dict[str, Any]:
    """The object of `demo --json`; its fields are stable."""
    control = stand.deployment.control
    ledger = control.ledger()
    return {
        **control.verdict(),
        "findings": control.findings(),
        "ledger": {**ledger["states"], "total": ledger["total"]},
    }
