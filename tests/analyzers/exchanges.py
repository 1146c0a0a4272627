"""Short ways to write down requests, answers and pairs."""

from __future__ import annotations

import json
from typing import Any

from analyzers.pair import Capture, Choice, End, Exchange, Pair, Request, ToolCall

CHAT = "/v1/chat/completions"


def ask(prompt: str, /, headers: dict[str, str] | None = None, **body: Any) -> Request:
    return Request(CHAT, {"messages": [{"role": "user", "content": prompt}], **body}, headers or {})


def said(*texts: str, finish: str = "stop", refusal: str = "", calls: tuple[ToolCall, ...] = ()) -> Exchange:
    return Exchange(End.COMPLETE, 200, tuple(Choice(text, refusal, calls, finish) for text in texts))


def pair(request: Request, baseline: Exchange, candidate: Exchange, repeat: Exchange | None = None) -> Pair:
    return Pair("pair", request, baseline, candidate, repeat)


def json_capture(body: Any, status: int = 200, **fields: Any) -> Capture:
    return Capture(End.COMPLETE, status, "application/json", body=json.dumps(body).encode(), **fields)


def stream_capture(*events: Any, done: str | None = "[DONE]", **fields: Any) -> Capture:
    """Events as `data` lines; a tuple is (event name, data)."""
    lines = []
    for event in events:
        name, data = event if isinstance(event, tuple) else ("", event)
        lines.append((f"event: {name}\n" if name else "") + f"data: {json.dumps(data)}\n\n")
    if done is not None:
        lines.append(f"data: {done}\n\n")
    return Capture(End.COMPLETE, 200, "text/event-stream; charset=utf-8", body="".join(lines).encode(), **fields)
