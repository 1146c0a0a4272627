"""JSON Schemas from strangers, compiled within bounds by jsonschema-rs (https://docs.rs/jsonschema).

A schema may name a `$ref` to any address or file: the retriever refuses all. Patterns run on a linear-time
engine, which has no look-around; a schema that needs it, is no valid schema, or is too big or deep gives no
validator, and the answer is then judged as JSON only, on both arms alike. `format` is an annotation and not
checked.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import jsonschema_rs
import orjson

MAX_BYTES = 64 * 1024
MAX_DEPTH = 64
MAX_COMPILED = 256

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


def failing_keyword(schema: Any, value: Any) -> str | None:
    """The schema keyword that `value` fails first; None where it conforms or there is no usable schema."""
    validator = _validator(schema)
    if validator is None:
        return None
    try:
        if validator.is_valid(value):
            return None
        error = next(iter(validator.iter_errors(value)))
    except ValueError:  # a value that jsonschema-rs cannot take
        return "other"
    keyword = _snake(error.kind.name)
    return keyword if keyword in KEYWORDS else "other"


def _validator(schema: Any) -> jsonschema_rs.Validator | None:
    if not isinstance(schema, dict | bool) or _deeper_than(schema, MAX_DEPTH):
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


def _deeper_than(value: Any, limit: int) -> bool:
    level = [value]
    for _ in range(limit):
        level = [child for item in level for child in _children(item)]
        if not level:
            return False
    return True


def _children(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _snake(name: str) -> str:
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).lstrip("_")
