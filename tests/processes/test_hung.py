"""A gateway process that runs and does nothing is as good as dead."""

from __future__ import annotations

import os
import signal

import pytest

from proxy.gateway import Ledger
from proxy.processes import fleet
from proxy.processes.fleet import Fleet
from proxy.telemetry import Telemetry
from tests.arms.until import until
from tests.gateway.peer import always, ask, plain, post, serving
from tests.gateway.stands import configured


async def test_a_process_whose_loop_stands_still_is_replaced_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleet, "HUNG", 3.0)
    telemetry = Telemetry()
    async with serving(always(plain(b"ok"))) as server:
        config = configured(server.address, server.address, gateway={"workers": 2, "shed_lag": 60.0})
        gateways = Fleet(config, telemetry, Ledger(telemetry), lambda _: None)
        await gateways.start()
        try:
            first, second = (gateways._processes[number].pid for number in (0, 1))
            os.kill(first, signal.SIGSTOP)
            await until(lambda: telemetry.gateway_restarts._value.get() == 1)
            await until(lambda: gateways.gateways.accepting == 2)
            now = [gateways._processes[number].pid for number in (0, 1)]
            assert first not in now
            assert now[1] == second
            assert (await ask(gateways.address.port, post("/v1/models", b""))).body == b"ok"
        finally:
            await gateways.stop()
