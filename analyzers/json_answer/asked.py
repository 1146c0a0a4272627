"""What JSON a request asks for, from the request alone: constrained by the server, or asked for in the prompt.

Constrained: `response_format` json_object or json_schema, vLLM's `structured_outputs` with `json` or
`json_object`, the Responses API's `text.format`. The `guided_*` fields are not: vLLM accepts and ignores them
since 0.12. Prompted: an order, at the beginning of a sentence or clause, to answer in JSON; questions about JSON
and orders to write code about it are not. A JSON Schema written out in the prompt is used where the word "schema"
stands there too.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from analyzers.asked import generates_text, last_user_text, offers_tools, system_text
from analyzers.pair import Request

MAX_BRACES = 20
"""Places in a prompt where a schema is looked for."""

_ORDER = re.compile(
    r"(?:^|[.!?:;,\n]\s*|\b(?:and|then|please|must|should|always|only|just)\s+)"
    r"(?:return|respond|reply|answer|output|produce|give|provide|generate|emit|write|send|extract|convert|format|fill)\b"
    r"(?P<what>[^.\n]{0,100}?)\bjson\b(?!\s*(?:file|parser|library|endpoint|api|column|web token))"
    r"|\b(?:only|nothing but|valid|strict) json\b(?! (?:is|was|are|file))"
    r"|(?:^|[.!?:;,\n]\s*|\b(?:und|bitte)\s+)(?:antworte|gib|gebe|liefere|erzeuge|schreibe?|gebt|geben)\b[^.\n]{0,80}\bjson\b"
    r"|(?:^|[.!?:;,\n]\s*)(?:responde|devuelve|réponds?|renvoie|donne)\b[^.\n]{0,80}\bjson\b",
    re.IGNORECASE,
)
_CODE = re.compile(
    r"\b(?:function|script|code|class|program|endpoint|parser|query|example of|tutorial|essay|python|javascript)\b",
    re.IGNORECASE,
)
_SCHEMA_WORDS = frozenset(
    {
        "type",
        "properties",
        "required",
        "items",
        "enum",
        "const",
        "anyOf",
        "oneOf",
        "allOf",
        "$ref",
        "$schema",
        "$defs",
    }
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """The JSON that is asked for."""

    constrained: bool
    schema: Any = None
    """A JSON Schema, unchecked; None where any will do."""
    object_only: bool = False
    """An array is not what was asked for."""


def wanted(request: Request) -> Wanted | None:
    """What JSON the request asks for; None where it asks for none, or a tool call may stand in its place."""
    if not generates_text(request) or offers_tools(request):
        return None
    return _constrained(request.body) or _prompted(request)


def _constrained(body: Mapping[str, Any]) -> Wanted | None:
    outputs = body.get("structured_outputs")
    if isinstance(outputs, dict):
        if outputs.get("json") is not None:
            return Wanted(constrained=True, schema=_maybe_text(outputs["json"]))
        if outputs.get("json_object"):
            return Wanted(constrained=True, object_only=True)
    text = body.get("text")
    form = body.get("response_format") or (text.get("format") if isinstance(text, dict) else None)
    if not isinstance(form, dict):
        return None
    if form.get("type") == "json_object":
        return Wanted(constrained=True, object_only=True)
    if form.get("type") != "json_schema":
        return None
    inner = form.get("json_schema")
    return Wanted(constrained=True, schema=inner.get("schema") if isinstance(inner, dict) else form.get("schema"))


def _maybe_text(schema: Any) -> Any:
    """The schema where it is given as JSON text, which vLLM takes too."""
    if not isinstance(schema, str):
        return schema
    try:
        return json.loads(schema)
    except (ValueError, RecursionError):
        return None


def _prompted(request: Request) -> Wanted | None:
    return _ordered(last_user_text(request)) or _ordered(system_text(request))


@lru_cache(maxsize=8)  # asked for once for each leg of a pair
def _ordered(text: str) -> Wanted | None:
    if "json" not in text.casefold():  # most requests, and the search is slow; casefold as IGNORECASE folds
        return None
    order = _ORDER.search(text)
    if order is None or _CODE.search(order["what"] or ""):
        return None
    return Wanted(constrained=False, schema=_schema_in(text))


def _schema_in(text: str) -> Any:
    """The first JSON object in `text` that looks like a schema."""
    if "schema" not in text.lower():
        return None
    decoder = json.JSONDecoder()
    start = 0
    for _ in range(MAX_BRACES):
        start = text.find("{", start)
        if start < 0:
            return None
        try:
            value, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            start += 1
            continue
        if isinstance(value, dict) and _SCHEMA_WORDS & value.keys():
            return value
        start = end
    return None
