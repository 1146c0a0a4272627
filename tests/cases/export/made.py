"""Cases written down in short."""

from __future__ import annotations

from typing import Any

from analyzers.finding import Finding, Score
from analyzers.pair import Choice, ToolCall
from cases.case import Answer, Case, Stratum

SCHEMA = {"type": "object", "properties": {"age": {"type": "integer"}}, "required": ["age"]}
WEATHER = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


def case(
    text: str = "What is 6 * 7?", name: str = "p1", headers: dict[str, str] | None = None, **body: Any
) -> Case:
    """A chat of one message, answered by 42 and 41."""
    return Case(
        pair_id=name,
        at="2026-01-02T03:04:05Z",
        subject="s",
        session=f"session-{name}",
        primary="baseline",
        state="paired",
        inclusion=0.05,
        revision="r1",
        path="/v1/chat/completions",
        request={"model": "m", "messages": [{"role": "user", "content": text}], "max_tokens": 64, **body},
        headers=headers or {},
        baseline=Answer("complete", 200, (Choice("42"),)),
        candidate=Answer("complete", 200, (Choice("41"),)),
        findings=(Finding("math.checked", "1", "math.checked", Score(0.0), Score(1.0, "wrong")),),
        segments=("streaming=no",),
        duplicates=3,
        strata=(Stratum("uniform", 0.25),),
    )


CALLED = ToolCall("weather", '{"city": "Oslo"}')
