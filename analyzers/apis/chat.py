"""Chat completions and completions, plain and streamed, as OpenAI defines and vLLM serves them.

https://platform.openai.com/docs/api-reference/chat and .../completions. Reasoning text (`reasoning`,
`reasoning_content`) counts for token timing but is no part of the answer. The end marker is `data: [DONE]`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from analyzers.apis.answer import (
    MAX_CHOICES,
    Answer,
    ChoiceDraft,
    MalformedError,
    index,
    items,
    mapping,
    text,
    tokens,
)
from analyzers.pair import Usage

DONE = "[DONE]"


def read(body: Mapping[str, Any]) -> Answer:
    """A whole body. Raises MalformedError, also where it has no choices."""
    drafts = Drafts()
    for position, raw in enumerate(items(body.get("choices"))):
        choice = mapping(raw)
        drafts.take(choice, mapping(choice.get("message")), position)
    return Answer(drafts.choices(), usage(body.get("usage")))


class ChatStream:
    """A stream of chunks; see `answer.Stream`."""

    def __init__(self) -> None:
        self.finished = False
        self.failed = False
        self._drafts = Drafts()
        self._usage = Usage()

    def feed(self, name: str, data: str) -> bool:
        """See `answer.Stream.feed`."""
        if data.strip() == DONE:
            self.finished = True
            return False
        try:
            chunk = mapping(orjson.loads(data))
        except orjson.JSONDecodeError as error:
            raise MalformedError("a chunk is not JSON") from error
        if name == "error" or chunk.get("error"):
            self.failed = True
            return False
        if chunk.get("usage"):
            self._usage = usage(chunk["usage"])
        carried = False
        for position, raw in enumerate(items(chunk.get("choices"))):
            choice = mapping(raw)
            carried |= self._drafts.take(choice, mapping(choice.get("delta")), position)
        return carried

    def answer(self) -> Answer:
        """See `answer.Stream.answer`."""
        return Answer(self._drafts.choices(), self._usage)


class Drafts:
    """The choices of one answer by index, whole or in deltas: both have the same parts."""

    def __init__(self) -> None:
        self._drafts: dict[int, ChoiceDraft] = {}

    def take(self, choice: Mapping[str, Any], message: Mapping[str, Any], position: int) -> bool:
        """Add one choice's message or delta; True where it carried tokens."""
        at = index(choice.get("index"), position)
        draft = self._drafts.get(at)
        if draft is None:
            if len(self._drafts) >= MAX_CHOICES:
                raise MalformedError("too many choices")
            draft = self._drafts[at] = ChoiceDraft()
        content = message.get("content")
        if len(message) == 1 and type(content) is str and "text" not in choice:  # most events of a stream
            draft.text.append(content)
            carried = bool(content)
        else:
            carried = _take_message(draft, message, text(choice.get("text")))
        if finish_reason := text(choice.get("finish_reason")):
            draft.finish_reason = finish_reason
        return carried

    def choices(self) -> tuple[Any, ...]:
        """All choices in order. Raises MalformedError where there is none."""
        if not self._drafts:
            raise MalformedError("no choices")
        return tuple(draft.choice() for _, draft in sorted(self._drafts.items()))


def _take_message(draft: ChoiceDraft, message: Mapping[str, Any], completion: str) -> bool:
    """Add a message or delta, or a completion's text; True where it carried tokens."""
    content = content_text(message.get("content")) + completion
    refusal = text(message.get("refusal"))
    draft.text.append(content)
    draft.refusal.append(refusal)
    carried = bool(content or refusal or message.get("reasoning") or message.get("reasoning_content"))
    for position, raw in enumerate(items(message.get("tool_calls"))):
        call = mapping(raw)
        called = mapping(call.get("function") or call.get("custom"))
        carried |= _take_call(draft, index(call.get("index"), position), called)
    if message.get("function_call"):  # the form before `tool_calls`
        carried |= _take_call(draft, 0, mapping(message["function_call"]))
    return carried


def _take_call(draft: ChoiceDraft, at: int, function: Mapping[str, Any]) -> bool:
    """Add to the call there; a custom tool has free text as `input` in the place of arguments."""
    call = draft.call(at)
    name, arguments = text(function.get("name")), text(function.get("arguments", function.get("input")))
    call.name = call.name or name
    call.arguments.append(arguments)
    return bool(name or arguments)


def content_text(content: Any) -> str:
    """A message's content: a string, or the text of its parts."""
    if isinstance(content, list):
        return "".join(text(mapping(part).get("text")) for part in content)
    return text(content)


def usage(raw: Any) -> Usage:
    """The `usage` object; zeros where it is missing."""
    if not isinstance(raw, dict):
        return Usage()
    return Usage(tokens(raw.get("prompt_tokens")), tokens(raw.get("completion_tokens")))
