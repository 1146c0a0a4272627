"""The benchmarks themselves, run small: that they work, not what they find."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks.peers import nginx_program


async def bench(*arguments: str | Path) -> tuple[int, str, str]:
    """Run `python -m ...`: its exit code, output and errors."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", *map(str, arguments)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


@pytest.mark.timeout(300)  # some of them start a dozen programs
@pytest.mark.parametrize(
    "name", ["analyzers", "isolation", "pool", "rollback", "scoring", "streams", "slow_clients", "soak", "waking"]
)
async def test_no_request_fails_in_a_small_run_and_all_is_accounted_for(name: str, tmp_path: Path) -> None:
    file = tmp_path / "figures.json"
    code, out, err = await bench(f"benchmarks.{name}", "--quick", "--json", file)
    found: dict[str, Any] = json.loads(file.read_text())

    assert code == 0, out + err
    assert found["faults"] == []
    assert [target["what"] for target in found["targets"]]


async def test_the_profile_counts_calls_per_request() -> None:
    code, out, err = await bench("benchmarks.profile", "--count", "20", "--top", "5")

    assert code == 0, err
    assert len(out.splitlines()) == 2 + 5 + 1
    assert "proxy/gateway/" in out


async def test_every_peer_answers_and_mirrors_and_slipgauge_pairs_all_that_it_samples(tmp_path: Path) -> None:
    file = tmp_path / "bench.json"
    code, out, err = await bench("benchmarks", "--quick", "--only", "shadow 10", "--json", file)
    rows: list[dict[str, Any]] = json.loads(file.read_text())["rows"]
    peers = {"direct", "aiohttp", "slipgauge"} | ({"nginx"} if nginx_program() else set())

    assert code == 0, out + err
    assert {(row["scenario"], row["peer"]) for row in rows} == {
        (scenario, peer) for scenario in ("plain, shadow 10 %", "300/s, shadow 10 %") for peer in peers
    }
    assert [row["errors"] for row in rows] == [{}] * len(rows)
    assert any(row["mirrored"] for row in rows)
    for row in rows:
        if row["peer"] == "direct":
            assert (row["mirrored"], row["cpu_us"]) == (0, 0)
        else:
            assert row["mirrored"] < row["requests"]  # a busy machine may be late with them in one row
            assert row["cpu_us"] > 0
        if row["peer"] == "slipgauge":
            assert row["paired"] == row["sampled"] == row["mirrored"]
