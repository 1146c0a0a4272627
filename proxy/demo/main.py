"""The demo as it is told: up, traffic, tables, down."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from typing import Any

from proxy import logs
from proxy.config import Log
from proxy.demo.arms import while_alive
from proxy.demo.rehearsal import MODEL_OF, Plan, Stand, perform, result, standing
from proxy.demo.show import print_tables
from proxy.demo.traffic import Tally
from proxy.handover import Handover
from proxy.shown import progress, say


async def rehearse(plan: Plan, *, stay: bool, tables: bool, handover: Handover | None = None) -> dict[str, Any]:
    """The whole demo, told as it goes; returns the object of `--json`. Raises ArmError or StartError.

    Cancelling it, as Ctrl-C and SIGTERM do, ends the servers and everything before them.
    """
    task = asyncio.current_task()
    assert task is not None  # noqa: S101 - a coroutine that runs has a task
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    logs.configure(Log(level="error"))  # what happens to the rollout is said below
    say(f"starting both arms ({plan.engine}): baseline fp16, candidate {MODEL_OF[plan.candidate]}")
    async with standing(plan) as stand:
        for server in stand.servers:
            say(f"  {server.name:<10}{server.url}")
        say(f"  {'gateway':<10}http://{stand.deployment.data_address}")
        console = f"http://{stand.deployment.admin_address}/"
        say(f"  {'console':<10}{console}")
        say(f"sending {plan.requests} requests through the gateway")
        with progress(plan.requests, "answered") as advanced:
            said = _Stages(stand)

            def seen(tally: Tally) -> None:
                advanced(tally.answered)
                said.look()

            tally = await perform(stand, seen)
            said.look()
        told = result(stand)
        if handover is not None:
            handover.take(stand.deployment.control)
        if tables:
            print_tables(stand, tally)
        if stay:
            say(f"the console stays up at {console}, metrics at {console}metrics; Ctrl-C ends")
            with contextlib.suppress(asyncio.CancelledError):
                await while_alive(stand.servers, asyncio.Event().wait())
            task.uncancel()  # the end that was asked for
        elif tables:
            say(f"the console was at {console}; --stay keeps it up")
    return told


class _Stages:
    """Says whenever the rollout has taken a step."""

    def __init__(self, stand: Stand) -> None:
        self._rollout = stand.deployment.control.rollout
        self._said = self._told()

    def look(self) -> None:
        """Say it if it has since the last look."""
        if (now := self._told()) != self._said:
            self._said = now
            stage, weight = now
            reason = f": {self._rollout.reason}" if self._rollout.reason else ""
            say(f"  {stage}, {weight:.0%} of sessions to the candidate{reason}")

    def _told(self) -> tuple[str, float]:
        return str(self._rollout.stage), self._rollout.weight
