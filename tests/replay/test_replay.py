"""`slipgauge replay` as a process of its own, over files and before real servers."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import orjson
import pytest

from proxy.replay import rows
from proxy.replay.score import state_of
from tests.cli.program import start, write_config
from tests.cli.upstream import Upstream
from tests.replay.test_rows import ANSWER, REQUEST, row


def file(path: Path, *lines: bytes) -> Path:
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


def saying(text: str) -> dict[str, Any]:
    return {
        "status": 200,
        "body": {"choices": [{"index": 0, "message": {"content": text}, "finish_reason": "stop"}]},
    }


async def played(*arguments: str | Path) -> tuple[int, dict[str, Any], str]:
    """Exit code, the JSON object where there is one, and what was said beside it."""
    program = await start("replay", *arguments)
    out, said = await program.process.communicate()
    assert program.process.returncode is not None
    return program.process.returncode, orjson.loads(out) if out.startswith(b"{") else {}, said.decode()


async def test_recorded_pairs_are_scored_as_live_ones_would_be(tmp_path: Path) -> None:
    recorded = file(
        tmp_path / "pairs.jsonl",
        row(id="same", baseline=saying("42"), candidate=saying("42")),
        row(id="slip", baseline=saying("42"), candidate=saying("41")),
        b"",
        row(id="gone", baseline=saying("42"), candidate={"end": "deadline"}),
        row(id="fault", baseline={"status": 400, "body": {}}, candidate=saying("42")),
    )
    code, told, said = await played(recorded, "--json")

    assert code == 4
    assert told["verdict"] in ("no_data", "inconclusive")
    assert told["findings"]["math.checked"] == {"fail_fail": 0, "fail_pass": 0, "pass_fail": 1, "pass_pass": 1}
    assert told["findings"]["served"]["pass_fail"] == 1
    assert told["ledger"] == {"paired": 2, "unserved_candidate": 1, "dropped_rejected": 1, "total": 4}
    assert sum(told["analyses"]["math.checked"].values()) == 3
    assert "4 of 4 scored" in said


async def test_the_tables_are_printed_for_people(tmp_path: Path) -> None:
    program = await start("replay", file(tmp_path / "p.jsonl", row(baseline=ANSWER, candidate=ANSWER)))
    out, _ = await program.process.communicate()
    for words in ("Findings", "math.checked", "Verdict", "Ledger", "paired"):
        assert words in out.decode()


async def test_every_bad_line_is_named_before_anything_is_done(tmp_path: Path) -> None:
    bad = file(tmp_path / "bad.jsonl", b"{", row(id="a"), row(id="a", baseline=ANSWER, candidate=ANSWER))
    code, _, said = await played(bad, "--json")

    assert code == 1
    assert "line 1: is no JSON" in said
    assert "line 2: has not both answers; send it to --baseline and --candidate" in said
    assert "line 3: the id 'a' stands here twice" in said


@pytest.mark.parametrize(("name", "why"), [("none.jsonl", "cannot be read"), ("empty.jsonl", "has no rows")])
async def test_a_file_of_nothing_is_refused(tmp_path: Path, name: str, why: str) -> None:
    (tmp_path / "empty.jsonl").write_text("\n")
    code, _, said = await played(tmp_path / name)
    assert code == 1
    assert why in said


async def test_where_answers_cannot_be_kept_is_said_before_anything_is_sent(tmp_path: Path) -> None:
    arms = {
        "baseline": {"url": "http://127.0.0.1:1"},
        "candidate": {"url": "http://127.0.0.1:2"},
        "models": {"m": {}},
    }
    config = file(tmp_path / "c.yaml", orjson.dumps(arms))
    requests = file(tmp_path / "r.jsonl", orjson.dumps({"request": {"model": "m", "messages": []}}))
    for out in (tmp_path, tmp_path / "nowhere" / "pairs.jsonl"):
        code, _, said = await played(requests, "--config", config, "--out", out)
        assert (code, f"{out} cannot be written" in said) == (1, True)


async def test_sending_needs_to_know_where(tmp_path: Path) -> None:
    code, _, said = await played(file(tmp_path / "r.jsonl", row()), "--out", tmp_path / "pairs.jsonl")
    assert code == 2
    assert "--config" in said


async def test_requests_are_sent_to_both_servers_kept_and_scored(
    arms: tuple[Upstream, Upstream], tmp_path: Path
) -> None:
    config = write_config(tmp_path / "c.yaml", arms[0].url, arms[1].url)
    asked = file(tmp_path / "r.jsonl", *(row(id=f"r{n}") for n in range(20)))
    out = tmp_path / "pairs.jsonl"
    code, told, said = await played(asked, "--config", config, "--out", out, "--json")

    assert code == 4
    assert told["ledger"] == {"paired": 20, "total": 20}
    assert told["findings"]["math.checked"]["fail_fail"] == 20
    assert "20 of 20 sent" in said
    kept = [rows.read(line, n) for n, line in enumerate(out.read_bytes().splitlines())]
    assert sorted(pair.pair_id for pair in kept) == sorted(f"r{n}" for n in range(20))
    assert all(orjson.loads(pair.body) == REQUEST for pair in kept)
    _, again, _ = await played(out, "--json")
    assert again["findings"] == told["findings"]


async def test_it_goes_on_where_it_was_interrupted(arms: tuple[Upstream, Upstream], tmp_path: Path) -> None:
    config = write_config(tmp_path / "c.yaml", arms[0].url, arms[1].url)
    asked = file(tmp_path / "r.jsonl", *(row(id=f"r{n}") for n in range(5)))
    out = tmp_path / "pairs.jsonl"
    out.write_bytes(row(id="r1", baseline=ANSWER, candidate=ANSWER) + b"\n" + b'{"id": "r2", "requ')
    _, told, said = await played(asked, "--config", config, "--out", out, "--json")

    assert "sending 4 of 5 requests" in said
    assert told["ledger"] == {"paired": 5, "total": 5}
    assert len(out.read_bytes().splitlines()) == 5


async def test_what_was_answered_is_kept_when_it_is_interrupted(
    arms: tuple[Upstream, Upstream], tmp_path: Path
) -> None:
    config = write_config(tmp_path / "c.yaml", arms[0].url, arms[1].url)
    asked = file(tmp_path / "r.jsonl", *(row(id=f"r{n}") for n in range(500)))
    out = tmp_path / "pairs.jsonl"
    program = await start("replay", asked, "--config", config, "--out", out)
    while not (out.exists() and out.read_bytes().count(b"\n") >= 3):  # noqa: ASYNC110 - a file tells no event
        await asyncio.sleep(0.01)
    for arm in arms:
        arm.hold.clear()
    program.process.terminate()
    await program.process.communicate()
    kept = out.read_bytes().splitlines()
    assert 3 <= len(kept) < 500
    for number, line in enumerate(kept, 1):
        rows.read(line, number)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"path": "/v1/files"}, "path /v1/files is not in mirror.paths"),
        ({"request": {**REQUEST, "model": "other"}}, "model 'other' is not in models"),
        ({"request": {**REQUEST, "background": True}}, "leans on one server"),
    ],
)
async def test_what_may_not_be_sent_is_refused(
    arms: tuple[Upstream, Upstream], tmp_path: Path, change: dict[str, Any], why: str
) -> None:
    config = write_config(tmp_path / "c.yaml", arms[0].url, arms[1].url)
    asked = file(tmp_path / "r.jsonl", orjson.dumps({"request": REQUEST, **change}))
    code, _, said = await played(asked, "--config", config, "--out", tmp_path / "pairs.jsonl")
    assert code == 1
    assert why in said
    assert not arms[0].arrived.is_set()


@pytest.mark.parametrize(
    ("baseline", "candidate", "state"),
    [
        (ANSWER, ANSWER, "paired"),
        ({"end": "reset"}, ANSWER, "unserved_baseline"),
        (ANSWER, {"status": 503, "body": {}}, "unserved_candidate"),
        ({"status": 429, "body": {}}, {"end": "refused"}, "unserved_both"),
        ({"status": 422, "body": {}}, ANSWER, "dropped_rejected"),
    ],
)
def test_a_recorded_pair_has_the_state_that_a_live_one_would_have(
    baseline: Any, candidate: Any, state: str
) -> None:
    assert state_of(rows.read(row(baseline=baseline, candidate=candidate), 1)) == state
