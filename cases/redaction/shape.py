"""The shape of a request without its texts, for those who may keep none: `cases.store_text: false`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from cases.redaction.body import DEEPEST
from cases.redaction.spans import find

_WORDS = frozenset((
    "system", "developer", "user", "assistant", "tool", "function", "text", "image_url", "input_text",
    "output_text", "input_image", "input_audio", "file", "refusal", "message", "function_call",
    "function_call_output", "tool_use", "tool_result", "json_object", "json_schema", "auto", "none", "required",
    "any", "low", "medium", "high", "minimal", "string", "number", "integer", "boolean", "object", "array",
    "null", "stop", "length", "tool_calls", "content_filter", "end_turn", "max_tokens", "stop_sequence",
))  # fmt: skip
"""Words of the APIs and of JSON Schema, which say nothing of a customer."""
_NAME = re.compile(r"[A-Za-z_$][\w$.-]{0,63}")


def shape(body: Mapping[str, Any]) -> dict[str, Any]:
    """The body with every text empty but the model's name and the words of the API, every number but its own 0."""
    return {
        _key(key, position): value if key == "model" or isinstance(value, int | float) else _shape(value)
        for position, (key, value) in enumerate(body.items())
    }


def word(text: str) -> str:
    """The text if it is a word of the APIs, else nothing."""
    return text if text in _WORDS else ""


def _shape(value: Any, depth: int = 1) -> Any:
    if isinstance(value, str):
        return word(value)
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float):
        return 0
    if depth == DEEPEST:
        return None
    if isinstance(value, list):
        return [_shape(each, depth + 1) for each in value]
    return {_key(key, position): _shape(each, depth + 1) for position, (key, each) in enumerate(value.items())}


def _key(key: str, position: int) -> str:
    """A key that is a name as programs have them; another by its place."""
    return key if _NAME.fullmatch(key) and not find(key) else f"key{position}"
