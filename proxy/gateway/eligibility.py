"""Which requests may be asked of two servers, and which conversation each belongs to. Pure.

A request that leans on something only one server holds, or that makes a server act on the world, goes to the
primary alone: a stored conversation, a background job, a file, a server-side tool, media to be fetched.
Fields as in https://platform.openai.com/docs/api-reference and https://docs.anthropic.com/en/api/messages.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import orjson

_STATEFUL = (
    "previous_response_id",
    "previous_response",  # signed by the server that gave it
    "conversation",
    "background",
    "store",
    "mcp_servers",
    "container",
    "kv_transfer_params",  # names blocks in one server's KV cache
)
"""Body fields that tie a request to one server when they are set."""
RESPONSES: Final = b"/v1/responses"
"""Where a server stores the answer unless told otherwise."""
_TELLING = frozenset({*_STATEFUL, "web_search_options", "prompt", "tools"})
_CLIENT_SIDE_TOOLS = frozenset({None, "function", "custom"})
_MEDIA = ("image_url", "video_url", "audio_url", "file", "file_id", "file_url", "file_data", "source")
"""Content-part fields that hold or name media."""
_TEXTS = ("text", "input_text", "output_text")
_CONTAINERS = 50_000
"""Most objects and arrays a body may open: reading them costs the event loop time that belongs to every client."""
_VALUES = 200_000
"""Most commas in a body, for the same reason: token ids by the hundred thousand take milliseconds to read."""
_KEYS = 50_000
"""Most colons: distinct keys cost most of all. 400 kB of JSON logs, written into a text, hold 39,000."""
_DEEP = 200
"""Containers a body may open before its depth is looked at: orjson reads 1,024 deep and writes only 254."""
_HOLDERS = 4_000
"""Most messages, and parts of them, that are looked into for media, one by one. Parts that are text do not count,
nor do messages of a role and a text, so that a long conversation is far from it."""
_KEPT = 16_384
"""Characters of one text that tell its conversation apart."""
_PARTS = 1_024
"""Parts of one message, or tokens of a prompt, that do."""


class TooIntricateError(Exception):
    """A body with more structure than may be read on the event loop."""


def parse_object(body: bytes) -> dict[str, Any] | None:
    """A request body as a JSON object; None where it is none.

    Raises:
        TooIntricateError: It holds too many values, keys, objects and arrays, or too deep ones. Text counts too.
    """
    opened = body.count(b"{") + body.count(b"[")
    if opened > _CONTAINERS or body.count(b",") > _VALUES or body.count(b":") > _KEYS:
        raise TooIntricateError
    try:
        found = orjson.loads(body)
        if opened > _DEEP:
            orjson.dumps(found)
    except orjson.JSONDecodeError as error:
        if opened > _DEEP and "limit" in error.msg:
            raise TooIntricateError from error  # it may be JSON, so it is counted like one less deep
        return None
    except orjson.JSONEncodeError as error:
        raise TooIntricateError from error
    return found if isinstance(found, dict) else None


def stands_alone(body: Mapping[str, Any]) -> bool:
    """Whether two servers can be asked this, with nothing shared and nothing done to the world.

    Raises:
        TooIntricateError: Too much in it may hold media.
    """
    if not _TELLING.isdisjoint(body) and _leans(body):
        return False
    looked = 0
    for turn in _turns(body):
        # Nearly every turn is a role and a text, in which nothing can be named.
        plain = type(turn) is dict and len(turn) == 2 and "role" in turn and type(turn.get("content")) is str
        if not plain and type(turn) is dict:
            holders = _holders(turn)
            looked += len(holders)
            if looked > _HOLDERS:
                raise TooIntricateError
            if any(map(_is_remote, holders)):
                return False
    return True


def kept_by_server(path: bytes, body: Mapping[str, Any]) -> bool:
    """Whether the server keeps its answer under an id, so that it must be the one that all later requests reach.

    A response is stored unless the client says otherwise, and later requests can lean on it.
    """
    return path == RESPONSES and body.get("store") is not False


def _leans(body: Mapping[str, Any]) -> bool:
    """Whether a body's own fields tie it to one server or to the world."""
    if any(body.get(name) for name in _STATEFUL) or body.get("web_search_options") is not None:
        return True
    if isinstance(body.get("prompt"), dict):  # a prompt template kept on the server
        return True
    tools = body.get("tools")
    return isinstance(tools, list) and any(_tool_type(tool) not in _CLIENT_SIDE_TOOLS for tool in tools)


def conversation(body: Mapping[str, Any]) -> bytes:
    """What tells one conversation from another: its first system text and first user text."""
    system, first = body.get("system") or body.get("instructions"), None
    for turn in _turns(body):
        role = turn.get("role") if type(turn) is dict else None
        if role == "user":
            if first is None:
                first = turn.get("content")
        elif system is None and role in ("system", "developer"):
            system = turn.get("content")
        if first is not None and system is not None:
            break
    if first is None:
        first = body.get("prompt") or body.get("input")
    return _text(system) + b"\x00" + _text(first)


def _text(value: Any) -> bytes:
    """What tells a message from others, without reading on where it is long."""
    if isinstance(value, str):
        return value[:_KEPT].encode("utf-8", "surrogatepass")
    if isinstance(value, list):
        value = [_short(part) for part in value[:_PARTS]]
    return b"" if value is None else orjson.dumps(value)


def _short(value: Any) -> Any:
    if isinstance(value, str):
        return value[:_KEPT]
    return {key: _short(inner) for key, inner in value.items()} if isinstance(value, dict) else value


def _tool_type(tool: Any) -> str | None:
    if not isinstance(tool, dict):
        return None
    kind = tool.get("type")
    return kind if kind is None or isinstance(kind, str) else "unknown"


def _turns(body: Mapping[str, Any]) -> list[Any]:
    for name in ("messages", "input"):
        turns = body.get(name)
        if isinstance(turns, list):
            return turns if len(turns) <= _PARTS or dict in set(map(type, turns)) else []
    return []


def _holders(turn: dict[str, Any]) -> list[dict[str, Any]]:
    """What in a message may name media: itself, its parts, and what a tool result or a document holds in turn.

    Where these are more than _HOLDERS, not all of them.
    """
    found = [turn]
    for name in ("content", "output"):
        for part in _objects(turn.get(name)):
            found.append(part)
            found += _objects(part.get("content"))
            found += _objects(_content(part.get("source")))
            if len(found) > _HOLDERS:
                return found
    return found


def _objects(value: Any) -> list[dict[str, Any]]:
    """Those of a message's parts that may hold or name media."""
    parts = value if isinstance(value, list) else [value]
    return [part for part in parts if type(part) is dict and part.get("type") not in _TEXTS]


def _content(value: Any) -> Any:
    return value.get("content") if isinstance(value, dict) else None


def _is_remote(part: Mapping[str, Any]) -> bool:
    kind = part.get("type")
    if kind == "item_reference" or (kind in _MEDIA and part.get("uuid") and not part.get(kind)):
        return True  # what the server has kept: an item of a response, or media, as vLLM does
    return any(name in part and _points_elsewhere(name, part[name]) for name in _MEDIA)


def _points_elsewhere(name: str, value: Any) -> bool:
    """Whether media is named rather than given: any address but a `data:` URL, and any file by its id."""
    if value is None:
        return False
    if isinstance(value, dict):
        if value.get("type") in ("url", "file"):
            return True
        return any(_points_elsewhere(key, value[key]) for key in ("url", "file_id", "file_url") if key in value)
    if name == "file_data":
        return False
    return not (isinstance(value, str) and value.startswith("data:"))
