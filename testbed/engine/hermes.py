"""Tool calls in Hermes form: `<tool_call>{"name": …, "arguments": {…}}</tool_call>` within the text.

Read as vLLM's `hermes` parser reads it: whole answers by JSON, streams by re-reading what has come so
far and sending what is new. Where the JSON does not read, the whole text stays content.
"""

from __future__ import annotations

import json
import re
import uuid
from dataclasses import dataclass, field
from typing import Any

OPEN, CLOSE = "<tool_call>", "</tool_call>"
_BLOCK = re.compile(r"<tool_call>(.*?)(?:</tool_call>|\Z)", re.DOTALL)
_NAME = re.compile(r'"name"\s*:\s*"([^"]+)"')
_ARGUMENTS = re.compile(r'"arguments"\s*:\s*')


def parse(text: str) -> tuple[str | None, list[dict[str, Any]]]:
    """The content before the first call, and the calls in the API's form."""
    if OPEN not in text:
        return text, []
    try:
        found = [json.loads(block) for block in _BLOCK.findall(text)]
        calls = [_call(call["name"], json.dumps(call["arguments"], ensure_ascii=False)) for call in found]
    except (ValueError, KeyError, TypeError, RecursionError):
        return text, []
    return text[: text.index(OPEN)] or None, calls


def _call(name: str, arguments: str) -> dict[str, Any]:
    return {"id": _new_id(), "type": "function", "function": {"name": name, "arguments": arguments}}


def _new_id() -> str:
    return f"chatcmpl-tool-{uuid.uuid4().hex[:16]}"


@dataclass
class _Sent:
    """What of one call has been sent."""

    arguments: str = ""


@dataclass
class HermesStream:
    """Splits a growing answer into content deltas and tool-call deltas."""

    text: str = ""
    _content: int = 0
    _calls: list[_Sent] = field(default_factory=list)

    @property
    def called(self) -> bool:
        """Whether a call has been sent."""
        return bool(self._calls)

    def push(self, delta: str, *, finished: bool = False) -> dict[str, Any]:
        """The `content` and `tool_calls` that a message delta should carry now; empty if nothing is new."""
        self.text += delta
        message: dict[str, Any] = {}
        end = self.text.find(OPEN)
        if end == -1:
            end = len(self.text) - (0 if finished else _overlap(self.text, OPEN))
        if end > self._content:
            message["content"], self._content = self.text[self._content : end], end
        if calls := self._new_parts():
            message["tool_calls"] = calls
        return message

    def _new_parts(self) -> list[dict[str, Any]]:
        parts: list[dict[str, Any]] = []
        for index, match in enumerate(_BLOCK.finditer(self.text)):
            body, closed = match[1], match[0].endswith(CLOSE)
            if not closed and (partial := _overlap(body, CLOSE)):
                body = body[:-partial]
            body = body.strip()
            if index == len(self._calls):
                if not (name := _NAME.search(body)):
                    break
                self._calls.append(_Sent())
                function = {"name": name[1]}
                parts.append({"index": index, "id": _new_id(), "type": "function", "function": function})
            if not (start := _ARGUMENTS.search(body)):
                break
            new = body[start.end() :].rstrip()
            if (closed or _is_json(body)) and new.endswith("}"):
                new = new[:-1].rstrip()  # the brace of the call around the arguments
            sent = self._calls[index]
            if len(new) > len(sent.arguments):
                parts.append({"index": index, "function": {"arguments": new[len(sent.arguments) :]}})
                sent.arguments = new
        return parts


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _overlap(text: str, tag: str) -> int:
    """How many last characters of `text` may be the beginning of `tag`."""
    return next((n for n in range(min(len(text), len(tag) - 1), 0, -1) if text.endswith(tag[:n])), 0)
