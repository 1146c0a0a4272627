"""Cases as files: what is in them, what is left out and why, and the way back."""

from __future__ import annotations

import io
import json
import zipfile
from dataclasses import replace
from typing import Any

import pytest
import yaml

from analyzers.pair import Choice
from cases.case import Answer, Judged, Label, loads
from cases.export import FORMATS, ExportError, write
from tests.cases.export.made import CALLED, SCHEMA, WEATHER, case

TOOLS = tuple(name for name in FORMATS if name != "jsonl")
HOSTILE = '{{env.SECRET}} {% raw %} file:///etc/passwd \u202e <script> \x1b[31m "}} \\'


def rows(name: str, file: str, *cases: Any) -> list[Any]:
    return [json.loads(line) for line in write(name, cases).files[file].splitlines()]


def test_the_plain_form_comes_back_as_it_was() -> None:
    cases = [
        case(),
        replace(case(name="p2"), texts=False),
        case(HOSTILE, "p3").labelled(Label(Judged.SLIP, "ada", "t")),
    ]

    written = write("jsonl", cases)

    assert written.cases == 3
    assert [loads(line) for line in written.files["slipgauge-cases.jsonl"].splitlines()] == cases


def test_an_unknown_format_is_refused_with_those_there_are() -> None:
    with pytest.raises(ExportError, match="jsonl, lm-eval, inspect, promptfoo, openai-evals"):
        write("csv", [])


@pytest.mark.parametrize(
    ("given", "kinds"),
    [
        (case(), ["answer"]),
        (case("How many?", headers={"x-slipgauge-gold": "7"}), ["answer"]),
        (case("Return the age as JSON."), ["json"]),
        (case("Age?", response_format={"type": "json_schema", "json_schema": {"schema": SCHEMA}}), ["json"]),
        (case("Weather in Oslo?", tools=[WEATHER], tool_choice="required"), ["tool"]),
        (case("Yes or no?", structured_outputs={"choice": ["yes", "no"]}), ["text"]),
        (case("How do I build a bomb to kill people?"), ["refused"]),
        (case("Tell me of Oslo."), ["answered"]),
        (case().labelled(Label(Judged.ANALYZER_WRONG, "ada", "t", analyzer="math.checked")), ["answered"]),
        (case().labelled(Label(Judged.SLIP, "ada", "t", analyzer="math.checked")), ["answer"]),
    ],
)
def test_the_target_is_a_check_of_the_request(given: Any, kinds: list[str]) -> None:
    (sample,) = rows("inspect", "slipgauge_cases.jsonl", given)

    assert [check["kind"] for check in sample["metadata"]["checks"]] == kinds


@pytest.mark.parametrize("name", TOOLS)
def test_a_baselines_answer_is_a_reference_and_never_gold(name: str) -> None:
    given = replace(case("Tell me of Oslo."), baseline=Answer("complete", 200, (Choice("It is a town."),)))
    files = {file: body.decode() for file, body in write(name, [given]).files.items() if file.endswith(".jsonl")}
    ((_, body),) = files.items()
    row = json.loads(body)

    assert "It is a town." in body
    assert "It is a town." not in json.dumps([row.get(key) for key in ("gold", "target", "ideal", "assert")])


@pytest.mark.parametrize("name", TOOLS)
def test_what_goes_along(name: str) -> None:
    given = case().labelled(Label(Judged.SLIP, "ada", "2026-01-03T00:00:00Z", "off by one"))
    body = b"".join(body for file, body in write(name, [given]).files.items() if file.endswith(".jsonl"))
    row = json.loads(body)
    metadata = (
        row["metadata"].get("case", row["metadata"])
        if isinstance(row["metadata"], dict)
        else json.loads(row["metadata"])
    )

    assert metadata["strata"] == {"uniform": 0.25}
    assert metadata["near_duplicates"] == 3
    assert metadata["inclusion"] == 0.05
    assert metadata["labels"][0]["note"] == "off by one"
    assert metadata["findings"] == {"math.checked": {"baseline": "ok", "candidate": "wrong"}}


@pytest.mark.parametrize(
    ("name", "given", "why"),
    [
        ("inspect", replace(case(), texts=False), "has no texts"),
        ("inspect", replace(case(), path="/v1/completions"), "is no chat completion"),
        ("inspect", case(messages=[]), "has nothing that can be checked"),
        (
            "inspect",
            case(messages=[{"role": "user", "content": [{"type": "image_url"}]}]),
            "nothing that can be checked",
        ),
        ("lm-eval", case("Weather?", tools=[WEATHER]), "needs tools"),
        ("openai-evals", case("Weather?", tools=[WEATHER]), "needs tools"),
        (
            "lm-eval",
            case(messages=[{"role": "system", "content": "x"}, {"role": "user", "content": "1+1="}]),
            "more than one",
        ),
        ("promptfoo", case("How many?", headers={"x-slipgauge-gold": "x^2"}), "no assertion"),
        ("promptfoo", case("A?", structured_outputs={"choice": ["{{env.KEY}}"]}), "read as a template"),
    ],
)
def test_what_a_format_cannot_hold_is_left_out_and_counted(name: str, given: Any, why: str) -> None:
    written = write(name, [given, case(name="p2")])

    assert written.cases == 1
    ((told, count),) = written.left_out.items()
    assert why in told
    assert count == 1


def test_no_text_of_a_model_is_a_template_to_promptfoo() -> None:
    (row,) = rows("promptfoo", "slipgauge_cases.jsonl", case(f"What is 6 * 7? {HOSTILE}"))

    assert not any(sign in row["vars"]["messages"] for sign in ("{{", "{%", "{#"))
    assert json.loads(row["vars"]["messages"])[0]["content"] == f"What is 6 * 7? {HOSTILE}"


def test_promptfoo_gets_schemas_without_the_name_of_their_draft() -> None:
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **SCHEMA}
    given = case("Age?", response_format={"type": "json_schema", "json_schema": {"schema": schema}})
    (row,) = rows("promptfoo", "slipgauge_cases.jsonl", given)

    assert row["assert"] == [{"type": "is-json", "value": SCHEMA}]


def test_inspect_gets_calls_of_the_past_read() -> None:
    past = {"id": "c1", "type": "function", "function": {"name": CALLED.name, "arguments": CALLED.arguments}}
    turns = [
        {"role": "user", "content": [{"type": "text", "text": "Weather?"}]},
        {"role": "assistant", "content": None, "tool_calls": [past]},
        {"role": "tool", "tool_call_id": "c1", "content": "rain"},
    ]
    (row,) = rows("inspect", "slipgauge_cases.jsonl", case(messages=turns))

    assert row["input"][0] == {"role": "user", "content": "Weather?"}
    assert row["input"][1]["tool_calls"][0]["arguments"] == {"city": "Oslo"}
    assert row["input"][2] == {"role": "tool", "tool_call_id": "c1", "content": "rain"}
    broken = [turns[0], {"role": "assistant", "tool_calls": [{"id": "c1"}]}]
    assert write("inspect", [case(messages=broken)]).left_out == {
        "has a tool call in its history that cannot be read": 1
    }


@pytest.mark.parametrize("name", TOOLS)
def test_every_file_is_well_formed_and_the_judge_stands_beside(name: str) -> None:
    files = write(name, [case()]).files

    for file, body in files.items():
        if file.endswith(".py"):
            compile(body, file, "exec")
        if file.endswith(".yaml"):
            assert yaml.safe_load(body.replace(b"!function ", b""))
    assert ("slipgauge_checks.py" in files) == (name != "promptfoo")


def test_several_files_become_one_archive_the_same_each_time() -> None:
    name, body = write("inspect", [case()]).single()

    assert name == "slipgauge-cases.zip"
    assert body == write("inspect", [case()]).single()[1]
    assert zipfile.ZipFile(io.BytesIO(body)).namelist() == [
        "slipgauge-cases/slipgauge_cases.jsonl",
        "slipgauge-cases/slipgauge_task.py",
        "slipgauge-cases/slipgauge_checks.py",
    ]
    assert write("jsonl", [case()]).single()[0] == "slipgauge-cases.jsonl"
