"""Exported cases are what `slipgauge replay` takes: scored as they were answered, or asked anew."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from analyzers.pair import Choice, ToolCall
from analyzers.reading import read_pair
from cases.case import Answer, dumps
from proxy.replay.cases import UnfitError, recorded
from proxy.replay.main import models
from proxy.replay.rows import RowError, complete, read
from proxy.replay.servers import ServersError, configuration, part
from tests.cases.export.made import case
from tests.cli.upstream import Upstream
from tests.replay.test_replay import played
from tests.replay.test_rows import REQUEST, row

GIVEN = replace(
    case("What is 6 * 7?"),
    headers={"x-slipgauge-gold": "42"},
    candidate=Answer("complete", 200, (Choice("", "no", (ToolCall("f", "{}"),), "tool_calls"),), 4, 1),
    repeat=Answer("deadline"),
)


def files(folder: Path) -> list[str]:
    return [file.name for file in folder.iterdir()]


class Named(Upstream):
    """An arm that lists its models."""

    def __init__(self, *names: str) -> None:
        super().__init__()
        self.names = names
        self.server.app.router.add_get("/v1/models", self._models)

    async def _models(self, _: web.Request) -> web.Response:
        return web.json_response({"data": [{"id": name} for name in self.names]})


@pytest_asyncio.fixture
async def arms() -> AsyncIterator[tuple[Named, Named]]:
    both = (Named("m"), Named("m-int4"))
    for arm in both:
        await arm.server.start_server()
    try:
        yield both
    finally:
        for arm in both:
            arm.hold.set()
            await arm.server.close()


def test_a_case_is_read_back_as_the_analyzers_saw_it() -> None:
    pair = read_pair(read(dumps(GIVEN), 1))

    assert pair.request.body == GIVEN.request
    assert pair.request.headers == {"x-slipgauge-gold": "42"}
    assert pair.baseline.choices == (Choice("42"),)
    assert pair.candidate.choices == GIVEN.candidate.choices
    assert pair.candidate.usage.prompt_tokens == 4
    assert pair.repeat is not None
    assert not pair.repeat.served


def test_a_case_of_another_api_has_still_to_be_sent() -> None:
    assert not complete(recorded(replace(GIVEN, path="/v1/messages")))


@pytest.mark.parametrize(
    "unfit",
    [
        replace(GIVEN, texts=False),
        replace(GIVEN, request={"prompt": "<tokens: 3>"}),
        case(messages=[{"role": "user", "content": [{"image_url": {"url": "<image/png: 300 bytes>"}}]}]),
    ],
)
def test_what_was_not_kept_cannot_be_replayed(unfit: Any) -> None:
    with pytest.raises(UnfitError):
        recorded(unfit)


def test_a_case_that_is_none_is_a_bad_line() -> None:
    with pytest.raises(RowError, match="no case as"):
        read(b'{"pair_id": "p"}', 1)


async def test_cases_are_scored_as_they_were_answered(tmp_path: Path) -> None:
    kept = tmp_path / "cases.jsonl"
    kept.write_bytes(b"\n".join(map(dumps, (case(), case(name="p2"), replace(case(name="p3"), texts=False)))))

    code, told, said = await played(kept, "--json")

    assert code == 4
    assert told["findings"]["math.checked"] == {"fail_fail": 0, "fail_pass": 0, "pass_fail": 2, "pass_pass": 0}
    assert told["ledger"] == {"paired": 2, "total": 2}
    assert "left out 1 of the cases: no texts are kept of it" in said


async def test_cases_go_to_two_servers_by_their_addresses(arms: tuple[Named, Named], tmp_path: Path) -> None:
    kept = tmp_path / "cases.jsonl"
    kept.write_bytes(b"\n".join(dumps(case(name=f"p{n}")) for n in range(10)))
    servers = ("--baseline", arms[0].url, "--candidate", arms[1].url)

    code, told, said = await played(kept, *servers, "--json")

    assert code == 4
    assert told["ledger"] == {"paired": 10, "total": 10}
    assert told["findings"]["math.checked"]["fail_fail"] == 10
    assert "10 of 10 sent" in said
    assert files(tmp_path) == [kept.name]


async def test_an_interrupted_one_goes_on_and_says_so(arms: tuple[Named, Named], tmp_path: Path) -> None:
    kept = tmp_path / "cases.jsonl"
    kept.write_bytes(b"\n".join(dumps(case(name=f"p{n}")) for n in range(3)))
    urls = dict(zip(("baseline", "candidate"), (arm.url for arm in arms), strict=True))
    there = part(kept, await configuration(models(kept), urls, dict.fromkeys(urls)))
    there.write_bytes(row(id="p1", baseline={"end": "reset"}, candidate={"end": "reset"}) + b"\n")

    _, told, said = await played(kept, "--baseline", arms[0].url, "--candidate", arms[1].url, "--json")

    assert "1 answers are in" in said
    assert told["ledger"] == {"paired": 2, "unserved_both": 1, "total": 3}
    assert not there.exists()


async def test_a_model_is_asked_for_by_the_name_that_each_server_has(arms: tuple[Named, Named]) -> None:
    urls = {"baseline": arms[0].url, "candidate": arms[1].url}

    told = await configuration(["m"], urls, dict.fromkeys(urls))
    assert (told.models["m"].baseline, told.models["m"].candidate) == ("m", "m-int4")
    given = await configuration(["x"], urls, {"baseline": "a", "candidate": "b"})
    assert (given.models["x"].baseline, given.models["x"].candidate) == ("a", "b")
    arms[1].names = ("a", "b")
    with pytest.raises(ServersError, match="the candidate serves a, b, and not m: say which by --candidate-model"):
        await configuration(["m"], urls, dict.fromkeys(urls))


async def test_a_server_that_does_not_say_what_it_serves_is_named(tmp_path: Path) -> None:
    asked = tmp_path / "r.jsonl"
    asked.write_bytes(row(request=REQUEST))
    servers = ("--baseline", "http://127.0.0.1:9", "--candidate", "http://127.0.0.1:9")

    code, _, said = await played(asked, *servers)

    assert code == 1
    assert "the baseline does not say what it serves" in said
    assert "--baseline-model" in said


@pytest.mark.parametrize(
    "arguments", [("--baseline", "http://x"), ("--config", "c", "--baseline", "u", "--candidate", "u")]
)
async def test_servers_are_told_in_one_way(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    asked = tmp_path / "r.jsonl"
    asked.write_bytes(row())

    code, _, said = await played(asked, *arguments)

    assert code == 2
    assert "--baseline and --candidate together, or by --config" in said
