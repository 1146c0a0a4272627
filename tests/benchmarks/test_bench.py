"""The benchmarks themselves, run small: that they work, not what they find."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

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


async def test_the_profile_counts_calls_per_request() -> None:
    code, out, err = await bench("benchmarks.profile", "--count", "20", "--top", "5")

    assert code == 0, err
    assert len(out.splitlines()) == 2 + 5 + 1
    assert "proxy/gateway/" in out


async def test_every_peer_answers_and_mirrors_and_slipgauge_pairs_all(tmp_path: Path) -> None:
    file = tmp_path / "bench.json"
    code, out, err = await bench("benchmarks", "--quick", "--only", "plain", "--json", file)
    rows: list[dict[str, Any]] = json.loads(file.read_text())["rows"]
    peers = {row["peer"] for row in rows}
    by = {(row["scenario"], row["peer"]): row for row in rows}

    assert code == 0, err
    assert "NOT MET" in out or "met: CPU" in out or not nginx_program()
    assert peers == {"direct", "aiohttp", "slipgauge"} | ({"nginx"} if nginx_program() else set())
    assert [row["errors"] for row in rows] == [{}] * len(rows)
    for peer in peers - {"direct"}:
        mirrored = by["plain", peer]
        assert mirrored["mirrored"] == mirrored["requests"]
        assert mirrored["cpu_us"] > 0
        assert by["plain, shadow off", peer]["mirrored"] == 0
        assert 0 < by["plain, shadow 10 %", peer]["mirrored"] < by["plain, shadow 10 %", peer]["requests"]
    ours = by["plain", "slipgauge"]
    assert ours["paired"] == ours["sampled"] == ours["requests"]
