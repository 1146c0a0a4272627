"""What JSON a request asks for, from the request alone: constrained by the server, or asked for in the prompt.

Constrained: `response_format` json_object or json_schema, vLLM's `structured_outputs` with `json`, `json_object`,
`choice` or `regex`, the Responses API's `text.format`. Prompted: an order to answer in JSON, see `orders`. A JSON
Schema written out in the prompt is used where the word "schema" stands there too.

Ignored: the `guided_json`, `guided_choice` and `guided_regex` of vLLM before 0.12. Since then it accepts and
ignores them (https://docs.vllm.ai/en/stable/features/structured_outputs/), so what the client thinks is
constrained is not, on either arm: a misconfiguration, which has a population of its own so that it is seen.
`guided_grammar`, and `grammar` and `structural_tag` elsewhere, cannot be checked here and are left out.

Any of them on a request that offers tools is a population of its own too, since a call may stand in the answer's
place.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from analyzers.asked import generates_text, last_user_text, system_text
from analyzers.json_answer.orders import orders_json
from analyzers.pair import Request
from analyzers.tools.asked import offer

MAX_BRACES = 20
"""Places in a prompt where a schema is looked for."""

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


CONSTRAINED = "json.constrained"
PROMPTED = "json.prompted"
TOOLS = "json.tools"
IGNORED = "json.ignored"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for."""

    population: str
    """One of the four above."""
    schema: Any = None
    """A JSON Schema, unchecked; None where any will do."""
    object_only: bool = False
    """An array is not what was asked for."""
    plain: bool = False
    """The answer's text itself is what the schema is of, and need not be JSON."""


def wanted(request: Request) -> Wanted | None:
    """What JSON the request asks for; None where it asks for none."""
    if not generates_text(request):
        return None
    want = _constrained(request.body) or _ignored(request.body) or _prompted(request)
    if want is None or want.population == IGNORED or offer(request) is None:
        return want
    return replace(want, population=TOOLS)


def _constrained(body: Mapping[str, Any]) -> Wanted | None:
    outputs = body.get("structured_outputs")
    if isinstance(outputs, dict):
        return _outputs(CONSTRAINED, outputs)
    text = body.get("text")
    form = body.get("response_format") or (text.get("format") if isinstance(text, dict) else None)
    if not isinstance(form, dict):
        return None
    if form.get("type") == "json_object":
        return Wanted(CONSTRAINED, object_only=True)
    if form.get("type") != "json_schema":
        return None
    inner = form.get("json_schema")
    return Wanted(CONSTRAINED, inner.get("schema") if isinstance(inner, dict) else form.get("schema"))


def _ignored(body: Mapping[str, Any]) -> Wanted | None:
    if not any(key.startswith("guided_") for key in body):
        return None
    return _outputs(IGNORED, {key.removeprefix("guided_"): value for key, value in body.items()})


def _outputs(population: str, outputs: Mapping[str, Any]) -> Wanted | None:
    """The options of vLLM, of which a request has one."""
    if outputs.get("json") is not None:
        return Wanted(population, _maybe_text(outputs["json"]))
    if outputs.get("json_object"):
        return Wanted(population, object_only=True)
    if isinstance(choices := outputs.get("choice"), list):
        return Wanted(population, {"enum": choices}, plain=True)
    if isinstance(pattern := outputs.get("regex"), str):
        return Wanted(population, {"pattern": f"^(?:{pattern})$"}, plain=True)
    return None


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
    return Wanted(PROMPTED, _schema_in(text)) if orders_json(text) else None


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
