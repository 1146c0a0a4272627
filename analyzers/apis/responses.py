"""The Responses API, plain and streamed: https://platform.openai.com/docs/api-reference/responses.

An answer has one choice: the text of its `message` items, and its function and custom calls. `status` gives the
finish reason. A stream ends with `response.completed` or `response.incomplete`, which carry the whole response, so
deltas are read for their timing only; `response.failed` and `error` are failures.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from analyzers.apis.answer import Answer, ChoiceDraft, MalformedError, items, mapping, text, tokens
from analyzers.pair import Usage

_INCOMPLETE = {"max_output_tokens": "length", "content_filter": "content_filter"}
_LAST = ("response.completed", "response.incomplete")


def read(body: Mapping[str, Any]) -> Answer:
    """A whole response object. Raises MalformedError, also where its status says that it failed."""
    status = text(body.get("status"))
    if "output" not in body or status in ("failed", "cancelled"):
        raise MalformedError("no finished response")
    draft = ChoiceDraft()
    for raw in items(body.get("output")):
        item = mapping(raw)
        if item.get("type") == "message":
            _take_message(draft, item)
        elif item.get("type") in ("function_call", "custom_tool_call"):
            call = draft.call(len(draft.calls))
            call.name, call.arguments = text(item.get("name")), [text(item.get("arguments", item.get("input")))]
    if status == "incomplete":
        reason = text(mapping(body.get("incomplete_details")).get("reason"))
        draft.finish_reason = _INCOMPLETE.get(reason, "length")
    else:
        draft.finish_reason = "tool_calls" if draft.calls else "stop"
    return Answer((draft.choice(),), _usage(body.get("usage")))


class ResponsesStream:
    """A stream of response events; see `answer.Stream`."""

    def __init__(self) -> None:
        self.finished = False
        self.failed = False
        self._response: Mapping[str, Any] | None = None

    def feed(self, name: str, data: str) -> bool:
        """See `answer.Stream.feed`."""
        if data.strip() == "[DONE]":
            return False
        try:
            event = mapping(orjson.loads(data))
        except orjson.JSONDecodeError as error:
            raise MalformedError("an event is not JSON") from error
        kind = text(event.get("type")) or name
        if kind in ("response.failed", "error") or (kind == "message" and event.get("error")):
            self.failed = True
        elif kind in _LAST:
            self.finished = True
            self._response = mapping(event.get("response"))
        return kind.endswith(".delta") and bool(event.get("delta"))

    def answer(self) -> Answer:
        """See `answer.Stream.answer`."""
        if self._response is None:
            raise MalformedError("no response in the stream")
        return read(self._response)


def _take_message(draft: ChoiceDraft, item: Mapping[str, Any]) -> None:
    for raw in items(item.get("content")):
        part = mapping(raw)
        draft.text.append(text(part.get("text")))
        draft.refusal.append(text(part.get("refusal")))


def _usage(raw: Any) -> Usage:
    if not isinstance(raw, dict):
        return Usage()
    return Usage(tokens(raw.get("input_tokens")), tokens(raw.get("output_tokens")))
