"""JSON Schemas from strangers, compiled within bounds by jsonschema-rs (https://docs.rs/jsonschema).

A schema may name a `$ref` to any address or file: the retriever refuses all. Patterns run on a linear-time
engine, which has no look-around; a schema that needs it, is no valid schema, or is too big or deep gives no
validator, and the answer is then judged as JSON only, on both arms alike. `format` is an annotation and not
checked. Compiled once for each canonical schema, in a bounded cache.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import jsonschema_rs
import orjson

MAX_BYTES = 64 * 1024
MAX_DEPTH = 64
MAX_COMPILED = 256
MAX_STEPS = 32
"""Most steps of a failure's path."""

KEYWORDS = frozenset(
    {
        "additional_items", "additional_properties", "any_of", "const", "contains", "dependent_required", "enum",
        "exclusive_maximum", "exclusive_minimum", "false_schema", "max_items", "max_length",
        "max_properties", "maximum", "min_items", "min_length", "min_properties", "minimum",
        "multiple_of", "not", "one_of", "pattern", "property_names", "required", "type",
        "unevaluated_items", "unevaluated_properties", "unique_items",
    }
)  # fmt: skip
"""Keywords that a label may name; a failure of any other is "other"."""
LABELS = frozenset({"schema_other", *(f"schema_{keyword}" for keyword in KEYWORDS)})


class Failure(NamedTuple):
    """What of a schema a value fails first."""

    label: str
    """One of LABELS."""
    path: Sequence[str]
    """Steps from the schema's root to the keyword, as the schema names them: nothing in it is from the value."""


def failure(schema: Any, value: Any) -> Failure | None:
    """What `value` fails first; None where it conforms or there is no usable schema."""
    validator = _validator(schema)
    if validator is None:
        return None
    try:
        validator.validate(value)  # ends at the first error; to find all takes for ever where there are thousands
    except jsonschema_rs.ValidationError as first:
        error = first
    except ValueError:  # a value that jsonschema-rs cannot take
        return Failure("schema_other", ())
    else:
        return None
    keyword = _snake(error.kind.name)
    return Failure(
        f"schema_{keyword}" if keyword in KEYWORDS else "schema_other",
        tuple(map(str, error.schema_path[:MAX_STEPS])),
    )


def closed(schema: Any) -> Any:
    """The schema with no properties but those it names, at every level: what `strict: true` promises."""
    if isinstance(schema, list):
        return [closed(child) for child in schema]
    if not isinstance(schema, dict):
        return schema
    children = {name: closed(child) for name, child in schema.items()}
    if isinstance(schema.get("properties"), dict):
        children.setdefault("additionalProperties", False)
    return children


def deeper_than(value: Any, limit: int) -> bool:
    """Whether JSON is nested deeper than so many levels."""
    level = [value]
    for _ in range(limit):
        level = [child for item in level for child in _children(item)]
        if not level:
            return False
    return True


def _validator(schema: Any) -> jsonschema_rs.Validator | None:
    if not isinstance(schema, dict | bool) or deeper_than(schema, MAX_DEPTH):
        return None
    try:
        canonical = orjson.dumps(schema, option=orjson.OPT_SORT_KEYS)
    except (TypeError, ValueError):
        return None
    return _compiled(canonical) if len(canonical) <= MAX_BYTES else None


@lru_cache(maxsize=MAX_COMPILED)
def _compiled(canonical: bytes) -> jsonschema_rs.Validator | None:
    try:
        return jsonschema_rs.validator_for(
            orjson.loads(canonical),
            validate_formats=False,
            retriever=_deny,
            pattern_options=jsonschema_rs.RegexOptions(),
        )
    except (ValueError, jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError):
        return None


def _deny(uri: str) -> Any:
    raise ValueError(f"references outside the schema are refused: {uri!r}")


def _children(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")
