"""Several gateway processes: each traces its own pairs, and one owner counts what became of them."""

from __future__ import annotations

from pathlib import Path

from proxy.tasks import spawn
from tests.cli.program import write_config
from tests.cli.upstream import Upstream
from tests.processes.load import Load
from tests.processes.stand import running
from tests.tracing.collector import collecting, of


async def test_every_process_sends_the_traces_of_its_pairs(arms: tuple[Upstream, Upstream], tmp_path: Path) -> None:
    async with collecting() as collector:
        config = write_config(
            tmp_path / "c.yaml",
            arms[0].url,
            arms[1].url,
            gateway={"workers": 2, "shed_lag": 60.0},
            tracing={"endpoint": collector.url, "per_second": 10_000.0},
        )
        async with running(config) as run:
            load = Load(run.port, keep=0, fresh=8)
            loading = spawn(load.run(), name="load")
            await load.answered(60)
            load.stop()
            await loading
            total = load.outcomes["200"]
            spans = await collector.until(3 * total)
            await run.until_metric('slipgauge_trace_spans_total{result="exported"}', 3.0 * total)
            await run.until_metric("slipgauge_traces_limited_total", 0.0)

    roots = [told for span in spans if "slipgauge.pair_id" in (told := of(span))]
    processes = {str(told["slipgauge.pair_id"]).partition("-")[0] for told in roots}
    assert {told["slipgauge.state"] for told in roots} == {"paired"}
    assert len({told["slipgauge.pair_id"] for told in roots}) == len({span.trace_id for span in spans}) == total
    assert {service["service.instance.id"] for service in collector.services} == processes
    assert len(processes) == 2
