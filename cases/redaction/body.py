"""Every string of a JSON value, keys and numbers included, put through a function; and what is replaced whole.

Replaced whole: who the client says its user is (`user`, `safety_identifier`, `prompt_cache_key`, `metadata`);
images, sound and files, by their type and size; prompts that are token numbers, since their words cannot be read
here; and what is nested deeper than `DEEPEST`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

DEEPEST = 64
"""Levels; what a client nests deeper is no conversation."""
LONG_NUMBER = 10**6
"""From here on a number may be somebody's telephone."""
IDENTIFIES = frozenset({"user", "safety_identifier", "prompt_cache_key"})
"""Keys of a request whose value says whose it is."""
_DATA_URL = re.compile(r"data:([\w.+-]{1,64}/[\w.+-]{1,64})(?:;[\w.+=-]{1,64}){0,4};base64,([A-Za-z0-9+/_=\s-]*+)")
_HOLDS_DATA = frozenset({"data", "file_data", "encrypted_content", "signature"})
_NAMED = re.compile(r"<client-[0-9]{1,6}>")
_MEDIA = re.compile(r"[\w.+/-]{1,64}")
_BASE64 = re.compile(r"[A-Za-z0-9+/_=\s-]{64,}+")

Change = Callable[[str], str]
Name = Callable[[str, str], str]


def changed_body(body: Mapping[str, Any], change: Change, name: Name) -> dict[str, Any]:
    """A request's body, `change`d throughout; `name` is asked for what is replaced whole (kind, value)."""
    kept: dict[str, Any] = {}
    for key, value in body.items():
        if key in IDENTIFIES and isinstance(value, str):
            kept[key] = _client(value, name)
        elif key == "metadata" and isinstance(value, dict):
            kept[key] = {change(each): _client(str(what), name) for each, what in value.items()}
        elif key in ("prompt", "input") and _tokens(value):
            kept[key] = f"<tokens: {_tokens(value)}>"
        elif isinstance(value, int | float):
            kept[key] = value  # a parameter of the API, such as a seed
        else:
            kept[change(key)] = changed(value, change)
    return kept


def _client(value: str, name: Name) -> str:
    return value if _NAMED.fullmatch(value) else name("client", value)


def changed(value: Any, change: Change, depth: int = 1) -> Any:
    """A JSON value, `change`d throughout. A number that changes becomes a string."""
    if isinstance(value, str):
        return change(without_data(value))
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float):
        return _number(value, change)
    if depth == DEEPEST:
        return "<too deep>"
    if isinstance(value, list):
        return [changed(each, change, depth + 1) for each in value]
    kept: dict[str, Any] = {}
    for key, each in value.items():
        kept[_free(change(key), kept)] = (
            _placeholder(value, each)
            if key in _HOLDS_DATA and isinstance(each, str) and _BASE64.fullmatch(each)
            else changed(each, change, depth + 1)
        )
    return kept


def without_data(text: str) -> str:
    """The text without the bytes of `data:` URLs (RFC 2397): their type and size stand there."""
    if "data:" not in text:
        return text
    return _DATA_URL.sub(lambda found: f"<{found[1]}: {_size(found[2])} bytes>", text)


def _number(value: float, change: Change) -> Any:
    if not isinstance(value, int) or abs(value) < LONG_NUMBER:
        return value
    text = str(value)
    return value if (now := change(text)) == text else now


def _placeholder(holder: Mapping[str, Any], data: str) -> str:
    said = (holder[key] for key in ("media_type", "format", "type") if isinstance(holder.get(key), str))
    kind = next(filter(_MEDIA.fullmatch, said), "data")
    return f"<{kind}: {_size(data)} bytes>"


def _size(base64: str) -> int:
    return len(base64.rstrip("=")) * 3 // 4


def _free(key: str, taken: Mapping[str, Any]) -> str:
    while key in taken:
        key += "'"
    return key


def _tokens(prompt: Any) -> int:
    """How many token numbers a prompt is; 0 where it is text."""
    if not isinstance(prompt, list):
        return 0
    return sum(_tokens(each) if isinstance(each, list) else isinstance(each, int) for each in prompt)
