"""JSON against a schema: valid in many forms, or broken in one known way."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

from analyzers_report.cases import OK, Case
from analyzers_report.made.said import asked, told

Value = dict[str, Any]
NAMES = ("title", "owner", "note", "city", "plan", "grade", "batch", "route")
WORDS = ("north", "quiet", "Zürich", 'a "quoted" word', "line\nbreak", "ünïcode 😀", "{brace", "back\\slash", "")
SIZES = ("small", "medium", "large")


def schema(names: list[str]) -> Value:
    """A schema with every kind of constraint that a defect breaks."""
    item = {
        "type": "object",
        "properties": {"sku": {"type": "string", "pattern": "^[A-Z]{2}[0-9]{3}$"}, "count": {"type": "integer"}},
        "required": ["sku", "count"],
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "properties": {name: {"type": "string", "maxLength": 40} for name in names}
        | {
            "age": {"type": "integer", "minimum": 0, "maximum": 120},
            "size": {"enum": list(SIZES)},
            "rate": {"type": "number", "exclusiveMinimum": 0},
            "items": {"type": "array", "items": item, "minItems": 1, "maxItems": 4},
            "kind": {"const": "order"},
        },
        "required": [*names, "age", "size", "items", "kind"],
        "additionalProperties": False,
    }


def value(rng: Random, names: list[str]) -> Value:
    """What the schema allows."""
    found: Value = {name: rng.choice(WORDS) for name in names}
    found |= {"age": rng.randint(0, 120), "size": rng.choice(SIZES), "kind": "order"}
    found["items"] = [
        {"sku": f"{rng.choice('ABC')}Z{rng.randint(100, 999)}", "count": rng.choice((rng.randint(-5, 50), 3.0))}
        for _ in range(rng.randint(1, 4))
    ]
    if rng.random() < 0.5:
        found["rate"] = rng.choice((0.5, 1e-9, 12, 3.25e10))
    keys = list(found)
    rng.shuffle(keys)
    return {key: found[key] for key in keys}


def written(rng: Random, found: Value) -> str:
    """Valid JSON in one of its forms."""
    form = rng.choice(({}, {"indent": 2}, {"separators": (",", ":")}, {"ensure_ascii": False}, {"indent": "\t"}))
    return rng.choice(("", " ", "\n")) + json.dumps(found, **form) + rng.choice(("", "\n", " \n"))


def _drop(rng: Random, found: Value) -> None:
    del found[rng.choice([name for name in found if name != "rate"])]


def _drop_inside(rng: Random, found: Value) -> None:
    del rng.choice(found["items"])[rng.choice(("sku", "count"))]


OFF_SCHEMA: dict[str, tuple[Callable[[Random, Value], Any], ...]] = {
    "schema_required": (_drop, _drop_inside),
    "schema_type": (
        lambda rng, found: found.update(age=str(found["age"])),
        lambda rng, found: found.update(age=rng.choice((None, 4.5, True, [3]))),
        lambda rng, found: found.update(items={"0": found["items"][0]}),
        lambda rng, found: rng.choice(found["items"]).update(count="3"),
    ),
    "schema_enum": (lambda rng, found: found.update(size=rng.choice(("Small", "huge", None, ""))),),
    "schema_const": (lambda rng, found: found.update(kind=rng.choice(("Order", None, 1))),),
    "schema_minimum": (lambda rng, found: found.update(age=-rng.randint(1, 9)),),
    "schema_maximum": (lambda rng, found: found.update(age=rng.randint(121, 999)),),
    "schema_exclusive_minimum": (lambda rng, found: found.update(rate=rng.choice((0, -0.5))),),
    "schema_pattern": (lambda rng, found: rng.choice(found["items"]).update(sku=rng.choice(("az100", ""))),),
    "schema_max_length": (lambda rng, found: found.update({NAMES[0]: "x" * 41}),),
    "schema_min_items": (lambda rng, found: found.update(items=[]),),
    "schema_max_items": (lambda rng, found: found.update(items=found["items"][:1] * 5),),
    "schema_additional_properties": (
        lambda rng, found: found.update(remark="x"),
        lambda rng, found: rng.choice(found["items"]).update(price=1),
    ),
}  # fmt: skip


BROKEN: dict[str, tuple[Callable[[Random, str], str], ...]] = {
    "fenced": (
        lambda rng, text: f"```json\n{text.strip()}\n```",
        lambda rng, text: f"Here you are:\n\n```\n{text.strip()}\n```\nAnything else?",
    ),
    "prose": (
        lambda rng, text: "Sure! " + text.strip(),
        lambda rng, text: text.strip() + "\n\nI hope that helps.",
        lambda rng, text: f"The answer is {text.strip()} as asked.",
    ),
    "syntax": (
        lambda rng, text: text.rstrip()[:-1],
        lambda rng, text: text.rstrip()[:-1] + ",}",
        lambda rng, text: text.replace('"age"', "age", 1),
        lambda rng, text: text.replace('"kind"', "'kind'", 1),
        lambda rng, text: text.replace('"age":', '"age":NaN,"age":', 1),
        lambda rng, text: "{ // the order\n" + text.strip()[1:],
        lambda rng, text: text.replace('"kind"', "\u201ckind\u201d", 1),
        lambda rng, text: text.replace('"kind"', '"ki\nnd"', 1),
    ),
    "refused": (lambda rng, text: "I'm sorry, but I can't help with that.",),
    "empty": (lambda rng, text: rng.choice(("", " ", "\n\n")),),
    "truncated": (lambda rng, text: text.strip()[: rng.randint(1, len(text.strip()) - 1)],),
}  # fmt: skip


def case(rng: Random) -> Case:
    """Half of them good, the others with a defect each kind of which is as likely."""
    names = [NAMES[0], *rng.sample(NAMES[1:], rng.randint(0, 3))]
    found, form = value(rng, names), schema(names)
    label = OK if rng.random() < 0.5 else rng.choice([*OFF_SCHEMA, *BROKEN])
    if label in OFF_SCHEMA:
        rng.choice(OFF_SCHEMA[label])(rng, found)
    text = written(rng, found)
    if label in BROKEN:
        text = rng.choice(BROKEN[label])(rng, text)
    answer = told(text, finish="length" if label == "truncated" else "stop")
    if rng.random() < 0.5:
        constraint = {"type": "json_schema", "json_schema": {"name": "order", "schema": form}}
        return Case("constrained", asked("Note the order.", response_format=constraint), answer, label)
    prompt = f"Note the order. Return only JSON matching this schema: {json.dumps(form)}"
    return Case("prompted", asked(prompt), answer, label)
