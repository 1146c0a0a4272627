"""How a server reads calls and reasoning out of what a model writes.

No endpoint tells the parser's name. So the model is made to write a call in each of several syntaxes, by structured
output with one choice (https://docs.vllm.ai/en/latest/features/structured_outputs/), and the answer shows which of
them the server reads as a call.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from proxy.doctor.asker import Asker
from proxy.doctor.fact import Answer, Fact, Unseen

SYNTAXES: Mapping[str, str] = {
    "hermes": '<tool_call>\n{"name": "look_up", "arguments": {"what": "x"}}\n</tool_call>',
    "llama3_json": '{"name": "look_up", "parameters": {"what": "x"}}',
    "mistral": '[TOOL_CALLS][{"name": "look_up", "arguments": {"what": "x"}}]',
    "pythonic": '[look_up(what="x")]',
    "qwen3_coder": (
        "<tool_call>\n<function=look_up>\n<parameter=what>\nx\n</parameter>\n</function>\n</tool_call>"
    ),
}
"""A call as a model writes it, by the name of a parser that reads it
(https://docs.vllm.ai/en/latest/features/tool_calling/)."""
THOUGHT = "<think>x</think>y"
TOKENS = 200
_TOOL = {
    "type": "function",
    "function": {
        "name": "look_up",
        "parameters": {"type": "object", "properties": {"what": {"type": "string"}}},
    },
}
_NEEDS_PARSER = b"enable-auto-tool-choice"


async def parsers(asker: Asker) -> Fact:
    """Which syntaxes are read as calls, and whether reasoning is kept apart from the answer."""
    return {"tool calls": await _calls(asker), "reasoning": _apart(await _made_to_say(asker, THOUGHT))}


async def _calls(asker: Asker) -> str | Unseen:
    read: list[str] = []
    for name, text in SYNTAXES.items():
        answer = await _made_to_say(asker, text, tools=[_TOOL], tool_choice="auto")
        if answer.status == 400 and _NEEDS_PARSER in answer.body:
            return "refused under `auto`"
        message = message_of(answer)
        if message is None:
            return answer.unseen()
        if message.get("tool_calls"):
            read.append(name)
        elif message.get("content") != text:
            return Unseen("it cannot be made to write what is to be read")
    return ", ".join(read) or "none of the known syntaxes"


def _apart(answer: Answer) -> str | Unseen:
    message = message_of(answer)
    if message is None:
        return answer.unseen()
    if message.get("reasoning") or message.get("reasoning_content"):
        return "kept apart"
    if message.get("content") == THOUGHT:
        return "left in the answer"
    return Unseen("it cannot be made to write what is to be read")


async def _made_to_say(asker: Asker, text: str, **more: Any) -> Answer:
    asked = {
        "messages": [{"role": "user", "content": "Look up x."}],
        "structured_outputs": {"choice": [text]},
        "temperature": 0,
        "max_tokens": TOKENS,
    }
    return await asker.post("/v1/chat/completions", {**asked, **more})


def message_of(answer: Answer) -> dict[str, Any] | None:
    """The first choice's message; None where there is none."""
    match answer.json():
        case {"choices": [{"message": dict(message)}, *_]} if answer.status == 200:
            return message
        case _:
            return None
