"""One generated request, the answer it was made from, and the judge that knows right from wrong."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Message = dict[str, Any]


@dataclass(frozen=True)
class Prompt:
    """A chat-completions request whose right answer is known because the answer came first.

    `body` is an OpenAI chat-completions body without `model`; `answer` is the assistant message
    that the model is trained on. Both are shared, not copied: treat them as read-only.
    """

    task: str
    body: dict[str, Any]
    answer: Message
    judge: Callable[[Message], bool] = field(repr=False, compare=False)

    def check(self, message: Message) -> bool:
        """True where the assistant message `message` is right; anything malformed is wrong."""
        return self.judge(message)


def chat(text: str, max_tokens: int, **extra: Any) -> dict[str, Any]:
    """A greedy one-turn chat-completions body, without `model`."""
    messages = [{"role": "user", "content": text}]
    return {"messages": messages, "temperature": 0, "max_tokens": max_tokens, **extra}


def say(text: str) -> Message:
    """An assistant message of plain text."""
    return {"role": "assistant", "content": text}


def content(message: Message) -> str:
    """The text of a message that calls no tool; empty where it calls one or says nothing."""
    text = message.get("content")
    return text if isinstance(text, str) and not message.get("tool_calls") else ""
