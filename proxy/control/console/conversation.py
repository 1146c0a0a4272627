"""What was asked, as turns to read, whatever API it was asked by. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from cases.case import Answer

ASKED = ("messages", "prompt", "input", "system", "instructions")
"""The fields that are shown as turns; all others are settings."""

SAID = ("content", "tool_calls", "output", "arguments")
"""The fields of a message that hold words."""


class Turn(NamedTuple):
    """Who said what."""

    role: str
    text: str


def turns(body: Mapping[str, Any]) -> list[Turn]:
    """Chat and Messages, completions, and Responses, in the order in which a model reads them."""
    found = [Turn("system", _text(body[name])) for name in ("system", "instructions") if body.get(name)]
    for name in ("messages", "input", "prompt"):
        found += _turns(body.get(name))
    return found


def settings(body: Mapping[str, Any]) -> dict[str, Any]:
    """All else that was asked."""
    return {name: value for name, value in body.items() if name not in ASKED}


def asked(body: Mapping[str, Any]) -> str:
    """The last thing that a user said."""
    said = turns(body)
    return next((each.text for each in reversed(said) if each.role == "user"), said[-1].text if said else "")


def answered(answer: Answer) -> list[str]:
    """The text of each choice, its calls among it."""
    return [
        "\n".join(
            (
                *(part for part in (choice.text, choice.refusal) if part),
                *(f"{call.name}({call.arguments})" for call in choice.tool_calls),
            )
        )
        for choice in answer.choices
    ]


def written(value: Any) -> str:
    """A value as indented JSON."""
    try:
        return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
    except orjson.JSONEncodeError:  # nested too deep
        return "…"


def _turns(value: Any) -> Iterator[Turn]:
    if isinstance(value, str):
        yield Turn("user", value)
    for each in value if isinstance(value, list) else ():
        if isinstance(each, dict):
            parts = [_text(each[name]) for name in SAID if each.get(name)]
            yield Turn(str(each.get("role") or each.get("type") or "user"), "\n".join(parts))
        else:
            yield Turn("user", _text(each))


def _text(value: Any) -> str:
    """The words of a message's content, be it text, parts or anything else."""
    if isinstance(value, str):
        return value
    if isinstance(value, Sequence):
        return "\n".join(map(_text, value))
    said = value.get("text") if isinstance(value, dict) else None
    return said if isinstance(said, str) else written(value)
