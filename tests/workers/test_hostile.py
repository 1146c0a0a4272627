"""Hostile input through real analyzer processes: each is judged or its process killed in time, none reaches out.

And the next pair is scored. What a process does is seen by audit events, and, since the events know nothing of what
a library does outside Python, by a server and a file that a schema would have it fetch.
"""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import pytest_asyncio

from analyzers.pair import Capture, CapturedPair, End, Request, ToolCall
from proxy import config
from proxy.report import Analysis, Report
from tests.analyzers.exchanges import ask
from tests.analyzers.hostile import ANSWERS, ASKED, CALLS, REQUESTS, constrained
from tests.workers import auditing
from tests.workers.pool_harness import Scored, captured, running

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

HERE = Path(__file__).parent
ENABLED = config.Analysis().enabled
BUDGET = 2.0
"""The default, for one analyzer on one pair."""
TO_REQUESTS = ("5", "a" * 50_000 + "!", json.dumps("a" * 40 + "!"), '{"a": {"a": 1}}')


def answered(request: Request, text: str = "", calls: list[ToolCall] | None = None) -> CapturedPair:
    """A pair whose candidate said this; the wire carries no lone surrogates, but escapes of them."""
    called = [{"function": {"name": call.name, "arguments": call.arguments}} for call in calls or ()]
    message = {"role": "assistant", "content": text, "tool_calls": called}
    body = json.dumps({"choices": [{"message": message, "finish_reason": "stop"}]}).encode()
    hostile = Capture(End.COMPLETE, 200, "application/json", "", body)
    asked = json.dumps(request.body).encode()
    return CapturedPair(
        "hostile", "s", "baseline", request.path, asked, captured().baseline, hostile, headers=request.headers
    )


def streamed(text: str) -> Capture:
    pieces = [text[at : at + 4_096] for at in range(0, len(text), 4_096)]
    events = [json.dumps({"choices": [{"index": 0, "delta": {"content": piece}}]}) for piece in pieces]
    body = "".join(f"data: {event}\n\n" for event in (*events, "[DONE]")).encode()
    return Capture(End.COMPLETE, 200, "text/event-stream", "", body)


class Watched:
    """A pool whose processes are watched."""

    def __init__(self, scored: Scored, folder: Path) -> None:
        self.scored = scored
        self._folder = folder
        self._count = 0

    def reached(self) -> list[str]:
        """What was reached for while a pair was scored."""
        return auditing.reached(self._folder)

    async def judged(self, *hostile: CapturedPair) -> list[Report]:
        """The reports of these pairs, each of a session of its own, once a good pair behind them is scored."""
        reports = self.scored.reports
        reports.clear()
        for pair in (*hostile, captured()):
            self._count += 1
            assert self.scored.pool.submit(replace(pair, session=f"s{self._count}"), "paired")
        await self.scored.pool.drain()
        assert len(reports) == len(hostile) + 1
        for report in reports:
            assert report.analyses.keys() == set(ENABLED)
            assert Analysis.DROPPED not in report.analyses.values()
        assert Analysis.KILLED not in reports[-1].analyses.values()
        assert reports[-1].analyses["served"] is Analysis.SCORED
        return reports[:-1]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def watched(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Watched]:
    folder = tmp_path_factory.mktemp("audit")
    auditing.watch(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(folder))
        async with running(enabled=ENABLED, budget=BUDGET, memory_bytes=1 << 30) as scored:
            yield Watched(scored, folder)


@pytest.mark.parametrize("text", ANSWERS.values(), ids=ANSWERS)
async def test_a_hostile_answer_harms_nobody(watched: Watched, text: str) -> None:
    pairs = [answered(request, text) for request in ASKED.values()]
    await watched.judged(*pairs, replace(pairs[0], candidate=streamed(text)))
    assert watched.reached() == []


@pytest.mark.parametrize("calls", CALLS.values(), ids=CALLS)
async def test_a_hostile_call_harms_nobody(watched: Watched, calls: list[ToolCall]) -> None:
    await watched.judged(*(answered(request, calls=calls) for request in ASKED.values()))
    assert watched.reached() == []


@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS)
async def test_a_hostile_request_harms_nobody(watched: Watched, request_: Request) -> None:
    called = answered(request_, calls=[ToolCall("f", '{"a": {"a": 1}}')])
    await watched.judged(called, *(answered(request_, text) for text in TO_REQUESTS))
    assert watched.reached() == []


BODIES = {
    "deep array": b"[" * 1_000_000,
    "deep object": b'{"messages": ' * 10_000,
    "lone surrogate": b'{"model": "\\ud800"}',
    "NUL": b"\0" * 1_000_000,
    "number": b"9" * 10_000_000,
    "no UTF-8": b"\xff" * 1_000_000,
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
async def test_a_hostile_body_harms_nobody_on_either_side(watched: Watched, body: bytes) -> None:
    as_answer = Capture(End.COMPLETE, 200, "application/json", "", body)
    as_stream = replace(as_answer, content_type="text/event-stream", body=b"data: " + body + b"\n\n")
    await watched.judged(
        replace(captured(), body=body),
        replace(captured(), candidate=as_answer),
        replace(captured(), candidate=as_stream),
    )
    assert watched.reached() == []


def referring(schema: dict[str, Any]) -> list[CapturedPair]:
    """The places in which a request may have a schema."""
    function = {"type": "function", "function": {"name": "f", "parameters": schema}}
    call = [ToolCall("f", "{}")]
    prompt = f"Return only JSON matching this schema: {json.dumps({'type': 'object'} | schema)}"
    return [
        answered(constrained(schema), "{}"),
        answered(ask("x", structured_outputs={"json": schema}), "{}"),
        answered(ask(prompt), "{}"),
        answered(ask("x", tools=[function]), calls=call),
    ]


async def test_a_schema_cannot_have_a_server_asked(watched: Watched) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}/schema"
        for schema in ({"$ref": address}, {"$schema": address}, {"$id": address, "$ref": "x"}):
            for report in await watched.judged(*referring(schema)):
                assert Analysis.KILLED not in report.analyses.values()
        server.settimeout(0.2)
        with pytest.raises(TimeoutError):
            server.accept()
        # The check can fail: without what forbids it, the library asks.
        thread = threading.Thread(target=_compiles, args=({"$ref": address},))
        thread.start()
        server.settimeout(20)
        server.accept()[0].close()
        thread.join()
    assert watched.reached() == []


async def test_a_schema_cannot_have_a_file_read(watched: Watched, tmp_path: Path) -> None:
    file = tmp_path / "schema.json"
    file.write_text('{"type": "integer"}')  # which no answer here is
    schema = {"$ref": file.as_uri()}
    for report in await watched.judged(*referring(schema)):
        found = [finding for finding in report.findings if finding.variable.startswith(("json.", "tools.invalid"))]
        assert [finding.candidate.label for finding in found] == ["ok"]
    # The check can fail: without what forbids it, the library reads the file.
    assert not jsonschema_rs.validator_for(schema).is_valid({})
    assert watched.reached() == []


def _compiles(schema: dict[str, Any]) -> bool:
    try:
        jsonschema_rs.validator_for(schema)
    except (ValueError, jsonschema_rs.ReferencingError):
        return False
    return True


async def test_the_watch_sees_an_analyzer_that_reaches_out(faulty: Path) -> None:
    auditing.watch(faulty)
    async with running(enabled=("faulty",)) as scored:
        scored.pool.submit(captured(fault="write_file"), "paired")
        scored.pool.submit(captured(fault="connect"), "paired")
        await scored.pool.drain()
    events = [line.partition(" ")[0] for line in auditing.reached(faulty)]
    assert {"open", "socket.connect"} <= set(events)
