"""What the clients ask, in the words that the testbed's model was trained for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from testbed.tasks import Prompt, prompts

LONG = 900
"""Tokens of an answer that is to be cut short."""


def drawn(task: str, suits: Callable[[Prompt], object] = bool) -> dict[str, Any]:
    """The body of the first live prompt of this task that suits."""
    return next(prompt.body for prompt in prompts(1, 1000, {task: 1}) if suits(prompt))


QUESTION: list[Any] = drawn("arithmetic")["messages"]
NOTE = drawn("json_constrained")
ERRAND = drawn("tools", lambda prompt: prompt.answer.get("tool_calls") and prompt.body["tool_choice"] == "auto")
"""A request that calls for a tool."""
TOOLS: list[Any] = ERRAND["tools"]
TOOL_NAMES = {tool["function"]["name"] for tool in TOOLS}
