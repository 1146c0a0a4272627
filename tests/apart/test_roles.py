"""Gateways and controls as processes of their own, over real NATS servers: killed, replaced, left alone."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from proxy.tasks import spawn
from tests.apart.stand import SALT_ENV, Apart, Member, deployed, until
from tests.cli.program import start, write_config
from tests.processes.load import REQUEST, Load
from tests.tracing.collector import collecting, of

PASSED = 'slipgauge_findings_total{analyzer="served",baseline="pass",candidate="pass"}'
DIFFERS = "a setting is another than that of the control that leads; give all the same file and the same secrets"
pytestmark = pytest.mark.timeout(300)

CANARY: dict[str, Any] = {
    "rollout": {"canary": [{"weight": 0.5, "seconds": 0, "sessions": 0}], "silence": 2.0},
    "guardrails": {"served": {"margin": 0.5, "required": False}},
}


async def served(gateway: Member, count: int) -> None:
    load = Load(gateway.port, keep=2, fresh=0)
    running = spawn(load.run(), name="load")
    await load.answered(count)
    load.stop()
    await running
    assert set(load.outcomes) == {"200"}


async def shares(apart: Apart, gateway: Member, sessions: int = 60) -> Counter[str]:
    """Which arm answers how many of so many sessions, as the gateway itself counts them."""

    async def primaries() -> Counter[str]:
        _, text = await gateway.ask("/metrics")
        lines = [line.split() for line in text.splitlines() if line.startswith("slipgauge_eligible_total{")]
        return Counter({series.partition('"')[2].partition('"')[0]: int(float(value)) for series, value in lines})

    before = await primaries()
    for number in range(sessions):
        headers = {"X-Session-Id": f"{gateway.name}-{number}", "Content-Type": "application/json"}
        url = f"http://127.0.0.1:{gateway.port}/v1/chat/completions"
        async with apart.session.post(url, data=REQUEST, headers=headers) as response:
            assert response.status == 200
    return (await primaries()) - before


async def until_share(apart: Apart, gateway: Member, *, candidate: bool) -> None:
    async def has() -> bool:
        return bool((await shares(apart, gateway, 20))["candidate"]) is candidate

    await until(has)


async def test_the_ledgers_of_all_gateways_add_up_in_control(tmp_path: Path, urls: tuple[str, str]) -> None:
    async with deployed(tmp_path, urls, gateways=2) as apart:
        for gateway in apart.gateways:
            await served(gateway, 50)
        totals = [(await gateway.ask("/ledger"))[1]["total"] for gateway in apart.gateways]
        await apart.told("/ledger", total=sum(totals), balanced=True)
        assert await apart.gateways[0].end() == 0
        await apart.told("/ledger", total=sum(totals), balanced=True)
        leader = await apart.leader()

        async def scored() -> bool:
            return bool(await metric(leader, PASSED) == sum(totals))

        await until(scored)


async def metric(member: Member, series: str) -> float | None:
    _, text = await member.ask("/metrics")
    found = [line.rpartition(" ")[2] for line in text.splitlines() if line.rpartition(" ")[0] == series]
    return float(found[0]) if found else None


async def test_a_gateway_that_is_apart_sends_its_traces_and_control_shows_how_many(
    tmp_path: Path, urls: tuple[str, str]
) -> None:
    async with collecting() as collector:
        tracing = {"endpoint": collector.url, "per_second": 10_000.0}
        async with deployed(tmp_path, urls, gateways=1, tracing=tracing) as apart:
            await served(apart.gateways[0], 20)

            async def shown() -> bool:
                _, text = await apart.controls[0].ask("/metrics")
                ledger, told = (await apart.controls[0].ask("/ledger"))[1], str(text)
                exported = f'slipgauge_trace_spans_total{{result="exported"}} {3.0 * ledger["total"]}'
                return ledger["total"] >= 20 and exported in told

            await until(shown)
            assert {of(span).get("slipgauge.state", "paired") for span in collector.spans} == {"paired"}


async def test_what_a_killed_gateway_left_open_is_lost_with_it_and_the_rest_is_kept_over_a_failover(
    tmp_path: Path, urls: tuple[str, str]
) -> None:
    async with deployed(tmp_path, urls, gateways=1, controls=2) as apart:
        (gateway,) = apart.gateways
        await served(gateway, 50)
        total = (await gateway.ask("/ledger"))[1]["total"]
        await apart.told("/ledger", total=total)
        await gateway.kill()
        first = await apart.leader()
        await first.kill()
        told = await apart.told("/ledger", total=total, balanced=True, open=0)
        assert told["states"]["paired"] + told["states"]["lost_with_process"] == total


async def test_a_standby_refuses_and_says_who_leads(tmp_path: Path, urls: tuple[str, str]) -> None:
    async with deployed(tmp_path, urls, gateways=0, controls=2) as apart:
        leader = await apart.leader()
        (standby,) = [each for each in apart.controls if each is not leader]

        async def looked() -> bool:
            return bool((await standby.ask("/healthz"))[1]["leader"])

        await until(looked)
        for path, body in (("/verdict", None), ("/readyz", None), ("/stage/promote", {"reason": "x"})):
            status, told = await standby.ask(path, body)
            assert status == 503
            assert told["error"]["message"] == f"this control stands by; {leader.name} leads"
        assert (await standby.ask("/healthz"))[0] == 200
        exported = {line.split("{")[0].split()[0] for line in (await standby.ask("/metrics"))[1].splitlines()}
        assert exported == {"#", "slipgauge_leader", "slipgauge_build_info"}
        assert await metric(standby, "slipgauge_leader") == 0
        assert await metric(leader, "slipgauge_leader") == 1
        assert await leader.end() == 0
        assert await apart.leader() is standby  # at once: the lease was left


async def test_a_process_whose_settings_are_not_the_leaders_says_so_and_is_counted(
    tmp_path: Path, urls: tuple[str, str]
) -> None:
    unlike = 'slipgauge_settings_unlike{setting="sessions"}'
    async with deployed(tmp_path, urls) as apart:
        apart.changes = {"session": {"salt_env": SALT_ENV, "header": "X-Another"}}
        other, standby = Member(apart, "gateway", "other"), Member(apart, "control", "standby")
        apart.gateways.append(other)
        apart.controls.append(standby)
        await other.start()
        await standby.start()

        async def told() -> bool:
            return await metric(await apart.leader(), unlike) == 1

        async def said() -> bool:
            return all(
                [line["setting"] for line in each.lines(DIFFERS)] == ["sessions"] for each in (other, standby)
            )

        await until(told)
        await until(said)
        assert not apart.gateways[0].lines(DIFFERS)
        assert await metric(await apart.leader(), "slipgauge_gateway_processes") == 2
        assert await metric(other, "slipgauge_leader") is None
        status, answer = await other.ask("/verdict")
        assert status == 404
        assert "this is the gateway other" in answer["error"]["message"]


async def test_a_rollback_is_kept_over_a_failover_and_reaches_every_gateway(
    tmp_path: Path, urls: tuple[str, str]
) -> None:
    async with deployed(tmp_path, urls, gateways=2, controls=2, **CANARY) as apart:
        first = await apart.leader()
        assert (await first.ask("/stage/promote", {"reason": "test"}))[0] == 200
        for gateway in apart.gateways:
            await until_share(apart, gateway, candidate=True)
        await first.kill()
        second = await apart.leader(but=first)
        assert (await second.ask("/stage"))[1]["stage"] == "canary"
        assert (await second.ask("/stage/rollback", {"reason": "test"}))[0] == 200
        for gateway in apart.gateways:
            await until_share(apart, gateway, candidate=False)
        await second.kill()
        await first.start()
        third = await apart.leader(but=second)
        assert (await third.ask("/stage"))[1]["stage"] == "rolled_back"
        _, audit = await third.ask("/audit")
        assert [each["action"] for each in audit["entries"]] == ["rollback", "advance", "begin"]


async def test_a_canary_without_control_ends_and_a_promotion_stays(tmp_path: Path, urls: tuple[str, str]) -> None:
    async with deployed(tmp_path, urls, gateways=1, controls=1, **CANARY) as apart:
        (gateway,), (control,) = apart.gateways, apart.controls
        assert (await control.ask("/stage/promote", {"reason": "test"}))[0] == 200
        await until_share(apart, gateway, candidate=True)
        await control.kill()
        await until_share(apart, gateway, candidate=False)
        await gateway.kill()
        await gateway.start()  # what stands on the servers is of a control that is silent
        assert (await shares(apart, gateway))["candidate"] == 0
        await control.start()
        await apart.leader()
        await until_share(apart, gateway, candidate=True)


async def test_without_nats_a_gateway_serves_and_a_control_stands_by(tmp_path: Path, urls: tuple[str, str]) -> None:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as session:
        apart = Apart(tmp_path, urls, 1, session, {})
        gateway, control = Member(apart, "gateway", "g"), Member(apart, "control", "c")
        apart.gateways, apart.controls = [gateway], [control]
        try:
            await gateway.start()
            await control.start()
            await served(gateway, 20)
            assert (await gateway.ask("/readyz"))[1]["channel"] is False
            assert (await control.ask("/verdict"))[1]["error"]["message"].endswith("and NATS is not there")
            await apart.cluster.start()
            await apart.told("/ledger", total=(await gateway.ask("/ledger"))[1]["total"])
        finally:
            await gateway.kill()
            await control.kill()
            await apart.cluster.stop()


@pytest.mark.parametrize(
    ("role", "changes", "told"),
    [
        ("run", {"channel": {"nats": {"servers": ["nats://127.0.0.1:1"]}}}, b"leave it out"),
        ("gateway", {}, b"`slipgauge run` is both in one"),
        ("control", {}, b"`slipgauge run` is both in one"),
    ],
)
async def test_a_role_whose_channel_is_anothers_says_what_would_be_right(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, role: str, changes: dict[str, object], told: bytes
) -> None:
    monkeypatch.setenv("SALT", "salt")
    config = write_config(
        tmp_path / "c.yaml", "http://127.0.0.1:1", "http://127.0.0.1:2", session={"salt_env": "SALT"}, **changes
    )
    program = await start(role, config)
    _, error = await program.process.communicate()
    assert program.process.returncode == 2
    assert told in error
