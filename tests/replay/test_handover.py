"""Metrics of a run that ends before a scrape: pushed, written, or an error that says why not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families as read_text

from proxy.handover import Handover
from tests.grafana.test_rules import promtool
from tests.replay.test_replay import file, played, saying
from tests.replay.test_rows import row

SLIPS = 3


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    same = [row(id=f"same-{number}", baseline=saying("42"), candidate=saying("42")) for number in range(5)]
    slip = [row(id=f"slip-{number}", baseline=saying("42"), candidate=saying("")) for number in range(SLIPS)]
    return file(tmp_path / "pairs.jsonl", *same, *slip)


def findings(families: Any) -> dict[str, float]:
    """By variable, the turns that only the candidate failed."""
    return {
        sample.labels["analyzer"]: sample.value
        for family in families
        for sample in family.samples
        if sample.name == "slipgauge_findings_total"
        and (sample.labels["baseline"], sample.labels["candidate"]) == ("pass", "fail")
    }


async def test_a_replay_pushes_its_metrics_to_a_pushgateway(recorded: Path) -> None:
    puts: list[tuple[str, str, bytes]] = []

    async def take(request: web.Request) -> web.Response:
        puts.append((request.method, request.path, await request.read()))
        return web.Response()

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", take)
    async with TestServer(app) as server:
        code, told, said = await played(recorded, "--json", "--push-gateway", str(server.make_url("/")))
    (method, path, body), *more = puts

    assert (code, said.count("Pushgateway"), more) == (4, 0, [])
    assert (method, path) == ("PUT", "/metrics/job/slipgauge-replay")
    assert (
        findings(read_text(body.decode()))["degeneration"] == told["findings"]["degeneration"]["pass_fail"] == SLIPS
    )


async def test_a_replay_writes_its_metrics_as_openmetrics(recorded: Path, tmp_path: Path) -> None:
    code, told, _ = await played(recorded, "--json", "--metrics-file", tmp_path / "metrics.txt")
    text = (tmp_path / "metrics.txt").read_text()

    assert code == 4
    assert text.endswith("# EOF\n")
    promtool("tsdb", "create-blocks-from", "openmetrics", tmp_path / "metrics.txt", tmp_path / "tsdb")
    families = read_openmetrics(text)  # type: ignore[no-untyped-call]
    assert findings(families)["degeneration"] == told["findings"]["degeneration"]["pass_fail"] == SLIPS


async def test_what_was_found_is_printed_though_nobody_takes_the_metrics(recorded: Path, tmp_path: Path) -> None:
    code, told, said = await played(recorded, "--json", "--push-gateway", "http://127.0.0.1:9")
    assert (code, told["verdict"]) == (1, "no_data")
    assert "the Pushgateway at http://127.0.0.1:9/metrics/job/slipgauge-replay did not take the metrics" in said

    code, told, said = await played(recorded, "--json", "--metrics-file", tmp_path / "no" / "metrics.txt")
    assert (code, told["verdict"]) == (1, "no_data")
    assert "metrics.txt cannot be written: No such file or directory" in said


@pytest.mark.parametrize("url", ["127.0.0.1:9091", "ftp://host", "http://", ""])
def test_what_is_no_url_is_refused_before_anything_runs(url: str) -> None:
    with pytest.raises(ValueError, match="should be a URL such as"):
        Handover("job", url, None)
