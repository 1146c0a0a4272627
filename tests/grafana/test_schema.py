"""The boards against Grafana's published schema, in the form of the classes that are generated from it.

grafana-foundation-sdk reads a dashboard into classes made from Grafana's own CUE schema, the options of each kind
of panel included, and writes it again. It knows no key that the schema has not, so what Grafana would not take is
lost on the way, and what it would is there unchanged.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Mapping
from copy import deepcopy
from enum import Enum, EnumType
from typing import Any, get_args, get_type_hints

import pytest
from grafana_foundation_sdk.cog import plugins
from grafana_foundation_sdk.cog.encoder import JSONEncoder

from grafana.generate import FOLDER

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # it would rather have v2, which no file can provision yet
    from grafana_foundation_sdk.models import dashboard as schema

plugins.register_default_plugins()
BOARDS = {path.stem: json.loads(path.read_text()) for path in sorted(FOLDER.glob("*.json"))}


def through_the_schema(board: dict[str, Any]) -> Any:
    return json.loads(JSONEncoder(sort_keys=True).encode(schema.Dashboard.from_json(deepcopy(board))))


def lost(ours: Any, theirs: Any, path: str = "") -> Iterator[str]:
    """What is ours and not theirs; they may add defaults."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key, value in ours.items():
            if key in theirs:
                yield from lost(value, theirs[key], f"{path}.{key}")
            else:
                yield f"{path}.{key}"
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        for number, (one, other) in enumerate(zip(ours, theirs, strict=True)):
            yield from lost(one, other, f"{path}[{number}]")
    elif ours != theirs:
        yield path


def no_such_values(part: Any, path: str = "") -> Iterator[str]:
    """Values that the schema's enumerations have not: reading takes any."""
    if isinstance(part, list):
        for number, each in enumerate(part):
            yield from no_such_values(each, f"{path}[{number}]")
    elif type(part).__module__.startswith("grafana_foundation_sdk."):
        for name, hint in get_type_hints(type(part)).items():
            value = getattr(part, name, None)
            for kind in get_args(hint) or (hint,):
                members: Mapping[str, Enum] = kind.__members__ if isinstance(kind, EnumType) else {}
                known = [each.value for each in members.values()] or [value]
                if value is not None and value not in known:
                    yield f"{path}.{name}: {value!r}"
            yield from no_such_values(value, f"{path}.{name}")


@pytest.mark.parametrize("name", BOARDS)
def test_every_value_of_an_enumeration_is_one_of_its_own(name: str) -> None:
    assert list(no_such_values(schema.Dashboard.from_json(deepcopy(BOARDS[name])))) == []


@pytest.mark.parametrize(
    ("where", "key"),
    [
        (("panels", 1, "options"), "textMode"),
        (("panels", 1, "fieldConfig", "defaults", "thresholds"), "mode"),
        (("panels", 12, "fieldConfig", "defaults", "color"), "mode"),
        (("templating", "list", 1), "type"),
    ],
)
def test_a_value_that_an_enumeration_has_not_is_found(where: tuple[Any, ...], key: str) -> None:
    board = deepcopy(BOARDS["slipgauge-overview"])
    part = board
    for step in where:
        part = part[step]
    part[key] = "unheard of"

    assert [each.rpartition(": ")[2] for each in no_such_values(schema.Dashboard.from_json(board))] == [
        "'unheard of'"
    ]


@pytest.mark.parametrize("name", BOARDS)
def test_everything_on_a_board_is_in_the_schema(name: str) -> None:
    assert list(lost(BOARDS[name], through_the_schema(BOARDS[name]))) == []


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        ((), "unheardOf"),
        (("panels", 1), "unheardOf"),
        (("panels", 1, "options"), "unheardOf"),
        (("panels", 1, "fieldConfig", "defaults"), "unheardOf"),
        (("templating", "list", 1), "unheardOf"),
    ],
)
def test_a_key_that_the_schema_has_not_is_found(path: tuple[Any, ...], wrong: str) -> None:
    board = deepcopy(BOARDS["slipgauge-overview"])
    part = board
    for step in path:
        part = part[step]
    part[wrong] = True

    assert [each.rpartition(".")[2] for each in lost(board, through_the_schema(board))] == [wrong]
