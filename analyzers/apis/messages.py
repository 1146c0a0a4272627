"""Anthropic's Messages API, plain and streamed.

https://docs.anthropic.com/en/api/messages and https://docs.anthropic.com/en/api/messages-streaming.

An answer has one choice: its `text` blocks joined, its `tool_use` blocks as tool calls. Thinking counts for token
timing only. `stop_reason` is mapped to the words of chat completions. A stream ends with `message_stop`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from analyzers.apis.answer import Answer, ChoiceDraft, MalformedError, index, items, mapping, text, tokens
from analyzers.pair import Usage

FINISH = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}


def read(body: Mapping[str, Any]) -> Answer:
    """A whole message object. Raises MalformedError."""
    if "content" not in body:
        raise MalformedError("no content")
    draft = ChoiceDraft()
    for position, raw in enumerate(items(body["content"])):
        block = mapping(raw)
        if block.get("type") == "text":
            draft.text.append(text(block.get("text")))
        elif block.get("type") == "tool_use":
            call = draft.call(position)
            call.name = text(block.get("name"))
            call.arguments.append(orjson.dumps(mapping(block.get("input"))).decode())
    draft.finish_reason = _finish(body.get("stop_reason"))
    usage = mapping(body.get("usage"))
    return Answer((draft.choice(),), Usage(tokens(usage.get("input_tokens")), tokens(usage.get("output_tokens"))))


class MessagesStream:
    """A stream of message events; see `answer.Stream`."""

    def __init__(self) -> None:
        self.finished = False
        self.failed = False
        self._draft: ChoiceDraft | None = None
        self._input_tokens = 0
        self._output_tokens = 0

    def feed(self, name: str, data: str) -> bool:
        """See `answer.Stream.feed`."""
        if data.strip() == "[DONE]":  # vLLM ends this API's streams with it too
            return False
        try:
            event = mapping(orjson.loads(data))
        except orjson.JSONDecodeError as error:
            raise MalformedError("an event is not JSON") from error
        kind = text(event.get("type")) or name
        if kind == "error" or event.get("error"):
            self.failed = True
        elif kind == "message_stop":
            self.finished = True
        elif kind == "message_start":
            self._draft = ChoiceDraft()
            self._spent(mapping(mapping(event.get("message")).get("usage")))
        elif self._draft is None:
            return False
        elif kind == "message_delta":
            delta = mapping(event.get("delta"))
            self._draft.finish_reason = _finish(delta.get("stop_reason")) or self._draft.finish_reason
            self._spent(mapping(event.get("usage")))
        elif kind == "content_block_start":
            return _start(self._draft, event)
        elif kind == "content_block_delta":
            return _delta(self._draft, event)
        return False

    def answer(self) -> Answer:
        """See `answer.Stream.answer`."""
        if self._draft is None:
            raise MalformedError("no message in the stream")
        for call in self._draft.calls.values():
            if not any(call.arguments):  # no deltas stand for an empty object
                call.arguments.append("{}")
        return Answer((self._draft.choice(),), Usage(self._input_tokens, self._output_tokens))

    def _spent(self, usage: Mapping[str, Any]) -> None:
        self._input_tokens = tokens(usage.get("input_tokens")) or self._input_tokens
        self._output_tokens = tokens(usage.get("output_tokens")) or self._output_tokens


def _start(draft: ChoiceDraft, event: Mapping[str, Any]) -> bool:
    block = mapping(event.get("content_block"))
    if block.get("type") == "tool_use":
        draft.call(index(event.get("index"), 0)).name = text(block.get("name"))
        return True
    opening = text(block.get("text"))
    draft.text.append(opening)
    return bool(opening)


def _delta(draft: ChoiceDraft, event: Mapping[str, Any]) -> bool:
    delta = mapping(event.get("delta"))
    piece, arguments = text(delta.get("text")), text(delta.get("partial_json"))
    draft.text.append(piece)
    if arguments:
        draft.call(index(event.get("index"), 0)).arguments.append(arguments)
    return bool(piece or arguments or delta.get("thinking"))


def _finish(stop_reason: Any) -> str:
    return FINISH.get(text(stop_reason), "")
