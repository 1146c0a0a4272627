"""Two real servers on the testbed's files, Slipgauge before them, and Prometheus scraping all three."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grafana.stand.monitoring import alertmanager, prometheus
from grafana.stand.programs import ProgramError
from proxy.config import Config, Probes
from proxy.config_cases import Cases
from proxy.demo.arms import MODELS, Server, serving
from proxy.demo.rehearsal import MODEL_OF, Plan, configuration
from proxy.run import Deployment

ARMS = ("baseline:8000", "candidate:8000")
"""What the shipped configuration calls the servers."""
ROOT = Path(__file__).parents[2]
REPEATED = 0.3
"""Share of mirrored requests that the baseline answers twice: a few hundred requests are to give a noise floor."""
PROBED = 0.2


@dataclass(frozen=True, slots=True)
class Stand:
    """What runs."""

    deployment: Deployment
    prometheus: str
    """Its URL."""


def configured(plan: Plan, folder: Path, baseline: str, candidate: str, **changes: Any) -> Config:
    """The demo's configuration, with everything measured that has a panel."""
    demo = configuration(plan, baseline, candidate)
    enabled = (*demo.analysis.enabled, "math.consensus", "token_divergence")
    more = {
        "cases": Cases(path=str(folder / "cases.db")),
        "analysis": demo.analysis.model_copy(update={"enabled": enabled}),
        "probes": {name: Probes(share=PROBED) for name in ("math.consensus", "token_divergence")},
        "mirror": demo.mirror.model_copy(update={"repeat": REPEATED}),
    }
    return demo.model_copy(update=more | changes)


@asynccontextmanager
async def standing(plan: Plan, folder: Path, token: str | None = None, **changes: Any) -> AsyncIterator[Stand]:
    """Two servers with all that `before` puts before them. Raises ArmError, and as that does."""
    models = {"baseline": MODELS / "fp16", "candidate": MODELS / MODEL_OF[plan.candidate]}
    async with (
        serving(plan.engine, models, folder) as servers,
        before(servers, plan, folder, token, **changes) as stand,
    ):
        yield stand


@asynccontextmanager
async def before(
    servers: tuple[Server, ...], plan: Plan, folder: Path, token: str | None = None, **changes: Any
) -> AsyncIterator[Stand]:
    """Slipgauge before these servers, with an Alertmanager where it has an operator's `token` to act with.

    Raises StartError or ProgramError; leaves no process behind.
    """
    deployment = Deployment(configured(plan, folder, *(server.url for server in servers), **changes))
    await deployment.start()
    try:
        async with AsyncExitStack() as stack:
            manager = None
            if token is not None:
                hook = f"http://{deployment.admin_address}/hooks/alertmanager"
                manager = await stack.enter_async_context(alertmanager(folder, hook, token))
            targets = {"slipgauge:8081": str(deployment.admin_address)}
            for name, server in zip(ARMS, servers, strict=True):
                targets[name] = server.url.removeprefix("http://")
            yield Stand(deployment, await stack.enter_async_context(prometheus(folder, targets, manager)))
    finally:
        await deployment.stop()


async def send(stand: Stand, seed: int, count: int) -> None:
    """Send `count` requests through the gateway and wait until every pair is scored. Cancelling it ends the client.

    Raises ProgramError where a request failed.
    """
    url = f"http://{stand.deployment.data_address}"
    line = (sys.executable, "-m", "grafana.stand.traffic", url, f"{seed}", f"{count}")
    client = await asyncio.create_subprocess_exec(*line, cwd=ROOT)
    try:
        if code := await client.wait():
            raise ProgramError(f"the client ended with {code}")
    finally:
        with contextlib.suppress(ProcessLookupError):
            client.kill()
    while not stand.deployment.settled:  # noqa: ASYNC110 - three rooms, no one event
        await asyncio.sleep(0.05)
