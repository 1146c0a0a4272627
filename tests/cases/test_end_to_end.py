"""From a client's request to a case at the admin port, through the whole program."""

from __future__ import annotations

import asyncio
import signal
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.cases import test_cli as cli
from tests.cli.program import write_config
from tests.cli.upstream import ANSWER, Upstream
from tests.processes.stand import running

SECRET = "grace.hopper@example.com"


def on_disk(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.iterdir() if file.name.startswith("cases.db"))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("workers", [1, 2])
async def test_what_clients_ask_becomes_cases_but_for_those_who_do_not_want_it(
    arms: tuple[Upstream, Upstream], tmp_path: Path, workers: int
) -> None:
    config = write_config(
        tmp_path / "c.yaml",
        *(arm.url for arm in arms),
        gateway={"workers": workers, "shed_lag": 60.0},
        store={"path": str(tmp_path / "store.db")},
        cases={"path": str(tmp_path / "cases.db"), "tenant_header": "X-Tenant", "exclude_tenants": ["acme"]},
    )
    kept, left_out = [{}, {"Authorization": "Bearer sk-1"}], [{"X-Slipgauge-Store": "no"}, {"X-Tenant": "acme"}]
    async with running(config) as program, aiohttp.ClientSession() as session:
        for number, headers in enumerate([*kept, *left_out]):
            said = f"Number {number}: write to {SECRET} about everything that we spoke of on day {number * 7}"
            body = {"model": "m", "messages": [{"role": "user", "content": said}]}
            url = f"http://127.0.0.1:{program.port}/v1/chat/completions"
            async with session.post(url, json=body, headers=headers) as response:
                assert await response.json() == ANSWER
        await program.until_metric('slipgauge_case_offers_total{result="kept"}', len(kept))
        await program.until_metric(
            'slipgauge_findings_total{analyzer="served",baseline="pass",candidate="pass"}', 4
        )
        listed = (await program.get("/cases"))["cases"]
        cases: list[Any] = [await program.get(f"/cases/{each['pair_id']}") for each in listed]
        log = (await program.get("/audit?log=cases"))["entries"]
        program.program.process.terminate()
        await program.program.process.wait()

    assert sorted(case["request"]["messages"][0]["content"][:8] for case in cases) == ["Number 0", "Number 1"]
    assert {case["redacted"]["email"] for case in cases} == {1}
    assert len({case["subject"] for case in cases}) == 2
    assert all(case["baseline"]["choices"][0]["text"] == "Hello." for case in cases)
    assert all({each["name"] for each in case["strata"]} == {"uniform"} for case in cases)
    assert [entry["by"] for entry in log] == ["local"] * 2
    written = on_disk(tmp_path)
    assert b"Number 1" in written
    assert b"Number 2" not in written
    assert SECRET.encode() not in written


async def test_a_list_of_who_is_left_out_holds_from_the_next_reading_of_the_file_on(
    arms: tuple[Upstream, Upstream], tmp_path: Path
) -> None:
    def write(*tenants: str) -> Path:
        listed = {"tenant_header": "X-Tenant", "exclude_tenants": list(tenants)}
        return write_config(
            tmp_path / "c.yaml",
            *(arm.url for arm in arms),
            store={"path": str(tmp_path / "store.db")},
            cases={"path": str(tmp_path / "cases.db"), **listed},
        )

    async with running(write()) as program, aiohttp.ClientSession() as session:

        async def ask(number: int, tenant: str) -> None:
            said = " ".join(f"{number}word{place}" for place in range(8))
            body = {"model": "m", "messages": [{"role": "user", "content": said}]}
            url = f"http://127.0.0.1:{program.port}/v1/chat/completions"
            async with session.post(url, json=body, headers={"X-Tenant": tenant}) as response:
                assert await response.json() == ANSWER

        await ask(1, "acme")
        await program.until_metric('slipgauge_case_offers_total{result="kept"}', 1)
        write("Acme")
        program.program.process.send_signal(signal.SIGHUP)
        await program.until_metric('slipgauge_config_reloads_total{result="applied"}', 1)
        await ask(2, "acme")
        await ask(3, "other")
        await program.until_metric('slipgauge_case_offers_total{result="kept"}', 2)
        await program.until_metric(
            'slipgauge_findings_total{analyzer="served",baseline="pass",candidate="pass"}', 3
        )

    written = on_disk(tmp_path)
    assert [b"%dword" % number in written for number in (1, 2, 3)] == [True, False, True]


async def test_one_erasure_keeps_away_what_its_client_had_asked_and_has_not_been_answered(
    arms: tuple[Upstream, Upstream], tmp_path: Path
) -> None:
    config = write_config(
        tmp_path / "c.yaml",
        *(arm.url for arm in arms),
        store={"path": str(tmp_path / "store.db")},
        cases={"path": str(tmp_path / "cases.db")},
    )
    _, candidate = arms
    async with running(config) as program, aiohttp.ClientSession() as session:

        async def ask(text: str) -> None:
            body = {"model": "m", "messages": [{"role": "user", "content": text}]}
            url = f"http://127.0.0.1:{program.port}/v1/chat/completions"
            async with session.post(url, json=body, headers={"Authorization": "Bearer sk-1"}) as response:
                assert await response.json() == ANSWER

        candidate.hold.clear()
        await ask("What the client asked before it had itself erased")
        await candidate.arrived.wait()
        erasing = ("erase", "--config", config, "--identity-file", "-")
        told = await asyncio.to_thread(partial(cli.told, *erasing, given=b"Bearer sk-1"))
        candidate.hold.set()
        await program.until_metric('slipgauge_case_offers_total{result="erased"}', 1)
        await ask("Something else entirely that came afterwards")
        await program.until_metric('slipgauge_case_offers_total{result="kept"}', 1)
        log = (await program.get("/audit?log=cases"))["entries"]

    assert told["erased"] == 0
    assert [(each["action"], each["what"]) for each in log] == [("erase", f"0 cases of {told['subject']}")]
    assert [text in on_disk(tmp_path) for text in (b"asked before", b"came afterwards")] == [False, True]


async def test_a_pool_that_cannot_be_used_keeps_nobody_from_being_served(
    arms: tuple[Upstream, Upstream], tmp_path: Path
) -> None:
    (tmp_path / "cases.db").write_text("not a database " * 99)
    config = write_config(
        tmp_path / "c.yaml",
        *(arm.url for arm in arms),
        store={"path": str(tmp_path / "store.db")},
        cases={"path": str(tmp_path / "cases.db")},
    )
    async with running(config) as program, aiohttp.ClientSession() as session:
        body = {"model": "m", "messages": [{"role": "user", "content": "Hello?"}]}
        url = f"http://127.0.0.1:{program.port}/v1/chat/completions"
        async with session.post(url, json=body) as response:
            assert await response.json() == ANSWER
        await program.until_metric('slipgauge_case_offers_total{result="dropped_pool"}', 1)
        told = await program.get("/cases")

        assert "not a database" in told["error"]["message"]
        assert await program.metric("slipgauge_cases_up") == 0
