"""What tools a request offers and what it says of calling them, over the three APIs that have tools.

`tools` as chat completions, the Responses API and the Messages API declare them, and `functions` as before there
were tools; `tool_choice` in every form: none, auto, required (Messages: any), one by name, and `allowed_tools` with
a mode of its own. Tools that the server itself runs (searches, MCP) are no functions and are left out.

https://platform.openai.com/docs/api-reference/chat/create and .../responses/create,
https://docs.anthropic.com/en/docs/agents-and-tools/tool-use/implement-tool-use
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from analyzers.asked import generates_text
from analyzers.pair import Request

MAX_TOOLS = 256


@dataclass(frozen=True, slots=True)
class Tool:
    """One function on offer."""

    parameters: Any = None
    """A JSON Schema, unchecked; None where any object will do."""
    strict: bool = False
    free: bool = False
    """A custom tool, whose input is free text."""


@dataclass(frozen=True, slots=True)
class Offer:
    """The tools of one request."""

    tools: Mapping[str, Tool]
    must: bool = False
    """Whether one has to be called."""
    allowed: frozenset[str] | None = None
    """Those that may be called; None where all may."""
    parallel: bool = True
    """Whether one answer may call several."""


def offer(request: Request) -> Offer | None:
    """What tools the request offers; None where it offers none or forbids to call any."""
    body = request.body
    declared = body.get("tools") or body.get("functions")
    if not declared or not isinstance(declared, list) or not generates_text(request):
        return None
    tools = dict(filter(None, map(_tool, declared[:MAX_TOOLS])))
    choice = body.get("tool_choice", body.get("function_call"))
    if not tools or _kind(choice) == "none":
        return None
    must, allowed = _choice(choice)
    single = isinstance(choice, dict) and choice.get("disable_parallel_tool_use") is True
    return Offer(tools, must, allowed, body.get("parallel_tool_calls") is not False and not single)


def _tool(raw: Any) -> tuple[str, Tool] | None:
    if not isinstance(raw, dict) or not (name := _name(raw)):
        return None
    kind = raw.get("type") or ("function" if "name" in raw else None)
    if kind == "custom":
        # The Messages API calls its own functions custom, too; those have a schema.
        if "input_schema" not in raw:
            return name, Tool(free=True)
    elif kind != "function":
        return None
    inner = raw.get("function")
    function = inner if isinstance(inner, dict) else raw
    parameters = function.get("parameters", function.get("input_schema"))
    return name, Tool(parameters, strict=function.get("strict") is True)


def _name(raw: Mapping[str, Any]) -> str:
    """A function's name, wherever the API keeps it; empty where there is none."""
    for holder in (raw, raw.get("function"), raw.get("custom")):
        name = holder.get("name") if isinstance(holder, dict) else None
        if isinstance(name, str) and name:
            return name
    return ""


def _kind(choice: Any) -> Any:
    return choice.get("type") if isinstance(choice, dict) else choice


def _choice(choice: Any) -> tuple[bool, frozenset[str] | None]:
    """Whether a tool must be called, and which may be. What is no known form counts as auto, the default."""
    kind = _kind(choice)
    if not isinstance(choice, dict):
        return kind in ("required", "any"), None
    if kind == "allowed_tools":
        inner = choice.get("allowed_tools")
        group = inner if isinstance(inner, dict) else choice
        listed = group.get("tools")
        names = (_name(raw) for raw in listed if isinstance(raw, dict)) if isinstance(listed, list) else ()
        return group.get("mode") == "required", frozenset(filter(None, names)) or None
    if name := _name(choice):
        return True, frozenset({name})
    return kind in ("required", "any"), None
