"""promptfoo: tests and a configuration (https://www.promptfoo.dev/docs/configuration/reference/).

Its own assertions judge where it has one; a number is compared by a line of JavaScript. promptfoo renders variables
as templates, and reads files that they name: the conversation therefore goes as one variable of JSON in which no
brace stands inside a text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

import orjson
import yaml

from cases.export.carried.slipgauge_checks import number
from cases.export.files import json_lines
from cases.export.item import Item, UnfitError
from cases.export.targets import Check

CONFIG = """\
# promptfoo eval -c promptfooconfig.yaml, with the servers' addresses and the model's name in the environment.
"""


def files(rows: Sequence[Mapping[str, Any]]) -> Mapping[str, bytes]:
    """The tests, the prompt that is a function, and the configuration."""
    configuration = {
        "description": "Cases kept by Slipgauge",
        "prompts": ["file://slipgauge_prompt.cjs"],
        "providers": [
            {"id": "openai:chat:{{env.SLIPGAUGE_MODEL}}", "label": arm, "config": {
                "apiBaseUrl": f"{{{{env.SLIPGAUGE_{arm.upper()}}}}}",
                "apiKeyEnvar": "SLIPGAUGE_KEY",
                "temperature": 0,
            }}
            for arm in ("baseline", "candidate")
        ],
        "tests": "file://slipgauge_cases.jsonl",
    }  # fmt: skip
    written = CONFIG + yaml.safe_dump(configuration, sort_keys=False, allow_unicode=True)
    return {
        "promptfooconfig.yaml": written.encode(),
        "slipgauge_cases.jsonl": json_lines(rows),
        "slipgauge_prompt.cjs": b"module.exports = ({ vars }) => JSON.parse(vars.messages);\n",
    }


_READ = re.compile(rb'\{[{%#]|"(?:file|package|python|exec):')
CALLS = (
    "JSON.stringify((Array.isArray(output) ? output : [])"
    ".map(({ function: f }) => ({ name: f.name, arguments: JSON.parse(f.arguments || '{}') })))"
)
"""JavaScript: the calls of an answer, their arguments read; none where it is text."""


def row(item: Item) -> dict[str, Any]:
    """One case as a test; raises UnfitError."""
    read = {"options": dict(item.parameters), "assert": [_assertion(check) for check in item.checks]}
    if _READ.search(orjson.dumps(read)):
        raise UnfitError("has a schema or tool that promptfoo would read as a template or a file's name")
    return {
        "description": item.id,
        "vars": {"messages": _unbraced(item.messages)},
        **read,
        "metadata": {**item.metadata, "reference": item.reference},
    }


def _unbraced(messages: Any) -> str:
    """JSON in which braces stand for objects alone: those inside strings are escaped."""
    out, inside, escaped = list[str](), False, False
    for char in orjson.dumps(messages).decode():
        out.append("\\u007b" if inside and char == "{" else char)
        if escaped:
            escaped = False
        elif char == "\\":
            escaped = True
        elif char == '"':
            inside = not inside
    return "".join(out)


def _assertion(check: Check) -> dict[str, Any]:
    match check["kind"]:
        case "json" if not check["or_call"]:
            return {"type": "is-json", **({"value": _plain(check["schema"])} if check["schema"] else {})}
        case "text":
            return {"type": "is-json", "value": check["schema"], "transform": "JSON.stringify(String(output))"}
        case "tool":
            return {"type": "is-json", "value": _calls(check), "transform": CALLS}
        case "answer" if (gold := number(check["gold"])) is not None:
            return {"type": "javascript", "value": _equals(gold)}
        case "refused":
            return {"type": "is-refusal"}
        case "answered":
            return {"type": "not-is-refusal"}
        case _:
            pass
    raise UnfitError("has a check that promptfoo has no assertion for")


def _plain(schema: Any) -> Any:
    """The schema without the name of its draft, which Ajv would look for."""
    return {key: value for key, value in schema.items() if key != "$schema"} if isinstance(schema, dict) else schema


def _calls(check: Check) -> dict[str, Any]:
    """The schema of the calls that may be made, as `CALLS` puts them."""
    each = [
        {
            "properties": {
                "name": {"const": name},
                "arguments": _plain(schema) if isinstance(schema, dict) else {"type": "object"},
            }
        }
        for name, schema in check["tools"].items()
    ]
    return {"type": "array", "minItems": int(check["must"]), "items": {"anyOf": each}}


def _equals(gold: Fraction) -> str:
    last = r"String(output).replace(/(\d),(?=\d{3})/g, '$1').match(/-?\d+(?:\.\d+)?/g)?.pop()"
    return f"Math.abs(Number({last} ?? NaN) - {float(gold)!r}) < 1e-9"
