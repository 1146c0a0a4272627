"""Debian's Prometheus and Alertmanager, with the files in deploy/, before a control of ours.

Where they are not installed (`apt install prometheus prometheus-alertmanager`) this fails: it is what shows that
the recorded payloads are still what Alertmanager sends.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from aiohttp.test_utils import TestClient, TestServer

from grafana.stand import monitoring
from grafana.stand.programs import free_port, serving
from proxy.cases.keeper import CaseKeeper
from proxy.control.access import Tokens
from proxy.control.admin import Admin
from proxy.control.control import Control
from proxy.control.keeper import Keeper
from proxy.processes.status import Gateways
from tests.control.fakes import FixedBaseline
from tests.triggers.payloads import payload
from verdict.rollout import Command, Stage

DEPLOY = Path(__file__).parents[2] / "deploy" / "alertmanager"
RULES = DEPLOY.parent / "prometheus" / "actions.rules.yml"
TOKEN = "an operator's token"


async def until(holds: Callable[[], bool]) -> None:
    """Wait for other processes; the test's own timeout ends it."""
    while not holds():  # noqa: ASYNC110 - no event tells
        await asyncio.sleep(0.01)


def alertmanager(folder: Path, hook: str, max_alerts: int) -> AbstractAsyncContextManager[str]:
    """Alertmanager with our file, but for how soon it tells, whose alerts, and that a group may ask for all."""
    matchers = ['slipgauge_action=~"hold|rollback"']
    hurried = {"group_interval": "1s", "repeat_interval": "1s", "group_by": ["alertname"], "matchers": matchers}
    return monitoring.alertmanager(folder, hook, TOKEN, webhook={"max_alerts": max_alerts}, **hurried)


class Ours:
    """Our admin port, and the payloads that came."""

    def __init__(self, client: TestClient[Any, Any], payloads: list[Any]) -> None:
        self.hook = str(client.make_url("/hooks/alertmanager"))
        self.metrics = f"{client.host}:{client.port}"
        self.payloads = payloads

    async def came(self, **expected: Any) -> Any:
        """The first payload that holds these values."""
        while True:
            for each in self.payloads:
                if expected.items() <= each.items():
                    return each
            await asyncio.sleep(0.05)


@pytest.fixture
async def ours(control: Control, keeper: Keeper, cases: CaseKeeper) -> AsyncIterator[Ours]:
    payloads: list[Any] = []
    admin = Admin(control, keeper, FixedBaseline(), lambda: Gateways(1, 1), cases=cases)
    app = admin.app(Tokens("viewer", TOKEN))

    async def note(request: Any, _: Any) -> None:
        if request.path.startswith("/hooks/"):
            payloads.append(await request.json())

    app.on_response_prepare.append(note)
    async with TestClient(TestServer(app)) as client:
        yield Ours(client, payloads)


def shape(value: Any) -> Any:
    """The keys and types of a payload, whatever its values."""
    if isinstance(value, dict):
        return {name: shape(each) for name, each in value.items()}
    return [shape(value[0])] if isinstance(value, list) and value else type(value)


def alert(name: str, number: int, action: str) -> dict[str, Any]:
    return {
        "labels": {"alertname": name, "instance": f"gpu-{number}", "slipgauge_action": action},
        "annotations": {"summary": "p99 above 2 s"},
    }


async def test_what_alertmanager_sends_holds_and_rolls_back_once(
    ours: Ours, control: Control, keeper: Keeper, tmp_path: Path
) -> None:
    async with alertmanager(tmp_path, ours.hook, max_alerts=2) as url, aiohttp.ClientSession() as session:
        alerts = f"{url}/api/v2/alerts"
        await session.post(alerts, json=[alert("Slow", 1, "hold")])
        firing = await ours.came(status="firing")
        await until(lambda: control.rollout.held is not None)
        await keeper.command(Command.RESUME, by="operator", reason="known")
        sent = len(ours.payloads)
        await until(lambda: len(ours.payloads) >= sent + 2)  # it repeats what fires
        assert control.rollout.held is None

        ended = {**alert("Slow", 1, "hold"), "endsAt": "2026-01-02T00:00:00Z", "startsAt": "2026-01-01T00:00:00Z"}
        await session.post(alerts, json=[ended])
        resolved = await ours.came(status="resolved")
        await session.post(alerts, json=[alert("Many", number, "rollback") for number in range(5)])
        truncated = await ours.came(truncatedAlerts=3)
        await until(lambda: control.rollout.stage is Stage.ROLLED_BACK)

    assert shape(firing) == shape(payload("alertmanager-firing"))
    assert shape(resolved) == shape(payload("alertmanager-resolved"))
    assert shape(truncated) == shape(payload("alertmanager-truncated"))
    assert [each.entry.by for each in await keeper.latest(limit=1)] == ["alertmanager"]


async def test_prometheus_fires_our_rules_on_what_it_scrapes_here(
    ours: Ours, control: Control, tmp_path: Path
) -> None:
    rules = yaml.safe_load(RULES.read_text())
    by_name = {rule["alert"]: rule for rule in rules["groups"][0]["rules"]}
    rule = by_name["SlipgaugeStateNotWritten"] | {"for": "0s"}
    rule["labels"] = {"slipgauge_action": "hold"}
    (tmp_path / "rules.yml").write_text(
        yaml.safe_dump({"groups": [{"name": "g", "interval": "1s", "rules": [rule]}]})
    )
    control.telemetry.store_up.set(0)
    async with alertmanager(tmp_path, ours.hook, max_alerts=0) as url:
        told = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(tmp_path / "rules.yml")],
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": [url.removeprefix("http://")]}]}]},
            "scrape_configs": [{"job_name": "slipgauge", "static_configs": [{"targets": [ours.metrics]}]}],
        }
        (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(told))
        port = free_port()
        arguments = (
            *("--config.file", f"{tmp_path}/prometheus.yml", "--storage.tsdb.path", f"{tmp_path}/tsdb"),
            *("--web.listen-address", f"127.0.0.1:{port}"),
        )
        async with serving("prometheus", *arguments, port=port) as prometheus:
            await until(lambda: control.rollout.held is not None)
            queries = [
                yaml.safe_load((DEPLOY.parent / "flagger" / "canary.yaml").read_text().partition("\n---")[0])[
                    "spec"
                ]["query"],
                *(
                    template["spec"]["metrics"][0]["provider"]["prometheus"]["query"]
                    for template in yaml.safe_load_all(
                        (DEPLOY.parent / "argo-rollouts" / "analysis.yaml").read_text()
                    )
                    if "prometheus" in template["spec"]["metrics"][0]["provider"]
                ),
            ]
            async with aiohttp.ClientSession() as session:
                answers = []
                for query in queries:
                    async with session.get(f"{prometheus}/api/v1/query", params={"query": query}) as response:
                        answers.append((await response.json())["data"])

    assert "alert SlipgaugeStateNotWritten: Slipgauge cannot write its state" in str(control.rollout.held)
    assert [(each["resultType"], len(each["result"]), each["result"][0]["value"][1]) for each in answers] == [
        ("vector", 1, "0"),
        ("vector", 1, "0"),
    ]


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("promtool", ("check", "config", str(DEPLOY.parent / "prometheus" / "prometheus.yml"))),
        ("amtool", ("check-config", str(DEPLOY / "alertmanager.yml"))),
    ],
)
async def test_their_own_tools_find_nothing_wrong_with_our_files(tool: str, arguments: tuple[str, ...]) -> None:
    program = shutil.which(tool)
    assert program, f"{tool} is not installed: apt install prometheus prometheus-alertmanager"
    process = await asyncio.create_subprocess_exec(
        program, *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    said, _ = await process.communicate()

    assert process.returncode == 0, said.decode()
