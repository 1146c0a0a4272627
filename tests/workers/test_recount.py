"""What a worker reports is what anyone finds who reads the same bytes with the same analyzers."""

from __future__ import annotations

import json

from analyzers import registry
from analyzers.finding import Finding
from analyzers.pair import Capture, CapturedPair, End
from analyzers.reading import read_pair
from analyzers.scoring import judge
from tests.workers.pool_harness import running

ENABLED = ("served", "json", "refusal", "math.checked")
QUESTIONS = ("What is 12 + 30?", "Return only JSON.", "How do I kill my neighbor?", "Hello")
ANSWERS = ("42", '{"a": 1}', "I'm sorry, but I can't help with that.", "12 + 30 = 41\nThe answer is 41.", "")


def answer(text: str) -> Capture:
    if not text:
        return Capture(End.RESET, 200)
    body = {"choices": [{"message": {"content": text}, "finish_reason": "stop"}], "usage": {"completion_tokens": 4}}
    return Capture(End.COMPLETE, 200, "application/json", body=json.dumps(body).encode())


def streamed(text: str) -> Capture:
    chunks = [{"choices": [{"index": 0, "delta": {"content": letter}}]} for letter in text]
    body = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks) + "data: [DONE]\n\n"
    return Capture(
        End.COMPLETE,
        200,
        "text/event-stream",
        body=body.encode(),
        arrivals=((0.5, len(body) // 2), (1.0, len(body))),
    )


def pairs() -> list[CapturedPair]:
    return [
        CapturedPair(
            f"{question}/{baseline}/{candidate}",
            "session",
            "baseline",
            "/v1/chat/completions",
            json.dumps({"messages": [{"role": "user", "content": question}]}).encode(),
            answer(baseline),
            streamed(candidate) if candidate else answer(candidate),
            answer(baseline),
        )
        for question in QUESTIONS
        for baseline in ANSWERS
        for candidate in ANSWERS
    ]


async def test_a_recount_from_raw_answers_finds_the_same() -> None:
    analyzers = registry.load(ENABLED)
    async with running(enabled=ENABLED, budget=5.0) as scored:
        for captured in pairs():
            scored.pool.submit(captured, "paired")
        await scored.pool.drain()
        reports = {report.pair_id: report for report in scored.reports}
    for captured in pairs():
        read = read_pair(captured)
        recount = [found for analyzer in analyzers if isinstance(found := judge(analyzer, read), Finding)]
        report = reports[captured.pair_id]
        assert list(report.findings) == recount
        assert sum(report.candidate.gaps) == len(read.candidate.gaps)
        assert report.candidate.gap_seconds == sum(read.candidate.gaps)
        assert report.candidate.first_token == read.candidate.first_token
