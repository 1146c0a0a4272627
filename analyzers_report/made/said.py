"""Requests and answers in few words."""

from __future__ import annotations

from typing import Any

from analyzers.pair import Choice, End, Exchange, Request, ToolCall

CHAT = "/v1/chat/completions"


def asked(prompt: str, **body: Any) -> Request:
    """A chat request of one message."""
    return Request(CHAT, {"messages": [{"role": "user", "content": prompt}], **body})


def told(text: str = "", *calls: tuple[str, str], finish: str = "stop") -> Exchange:
    """An answer of one choice."""
    choice = Choice(text, tool_calls=tuple(ToolCall(*call) for call in calls), finish_reason=finish)
    return Exchange(End.COMPLETE, 200, (choice,))
