"""The demo as it is told: up, traffic, tables, down."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from typing import Any

from proxy import logs
from proxy.config import Log
from proxy.demo.arms import while_alive
from proxy.demo.rehearsal import Plan, perform, result, standing
from proxy.demo.show import print_tables, progress, say


async def rehearse(plan: Plan, *, stay: bool, tables: bool) -> dict[str, Any]:
    """The whole demo, told as it goes; returns the object of `--json`. Raises ArmError or StartError.

    Cancelling it, as Ctrl-C and SIGTERM do, ends the servers and everything before them.
    """
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - a coroutine that runs has a task
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    logs.configure(Log(level="warning"))
    say(f"starting both arms ({plan.engine}): baseline fp16, candidate int4-{plan.candidate}")
    async with standing(plan) as stand:
        for server in stand.servers:
            say(f"  {server.name:<10}{server.url}")
        say(f"  {'gateway':<10}http://{stand.deployment.data_address}")
        metrics = f"http://{stand.deployment.admin_address}/metrics"
        say(f"  {'metrics':<10}{metrics}")
        say(f"sending {plan.requests} requests through the gateway")
        with progress(plan.requests) as advanced:
            tally = await perform(stand, advanced)
        told = result(stand)
        if tables:
            print_tables(stand, tally)
        if stay:
            say(f"metrics stay up at {metrics}; Ctrl-C ends")
            with contextlib.suppress(asyncio.CancelledError):
                await while_alive(stand.servers, asyncio.Event().wait())
            task.uncancel()  # the end that was asked for
        elif tables:
            say(f"metrics were at {metrics}; --stay keeps them up")
    return told
