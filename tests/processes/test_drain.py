from __future__ import annotations

import signal
from pathlib import Path

import pytest

from proxy.tasks import spawn
from tests.cli.program import write_config
from tests.cli.upstream import Upstream
from tests.processes.load import Load
from tests.processes.stand import running


@pytest.mark.parametrize("workers", [1, 2])
async def test_sigterm_under_load_loses_no_accepted_request(
    arms: tuple[Upstream, Upstream], tmp_path: Path, workers: int
) -> None:
    config = write_config(
        tmp_path / "c.yaml", arms[0].url, arms[1].url, gateway={"workers": workers, "shed_lag": 60.0}
    )
    async with running(config) as run:
        load = Load(run.port, keep=8, fresh=8)
        loading = spawn(load.run(), name="load")
        await load.answered(100)
        run.program.process.send_signal(signal.SIGTERM)
        await loading
        stopped = await run.program.event("stopped")
        code = await run.program.process.wait()

    assert load.outcomes == {"200": stopped["requests"]}
    assert code == 0
