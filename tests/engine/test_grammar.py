import json
from pathlib import Path

import numpy as np
import pytest

from testbed.engine.grammar import Constraint, GrammarError, Grammars
from testbed.engine.hermes import parse
from testbed.engine.tokenizer import Tokenizer
from tests.engine.random_model import VOCAB

SCHEMA = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "maxLength": 8},
        "age": {"type": "integer", "minimum": 0, "maximum": 200},
    },
    "required": ["name", "age"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def tokenizer(model_dir: Path) -> Tokenizer:
    return Tokenizer(model_dir, VOCAB)


@pytest.fixture(scope="module")
def grammars(tokenizer: Tokenizer) -> Grammars:
    return Grammars(tokenizer, VOCAB)


def random_answer(tokenizer: Tokenizer, constraint: Constraint, seed: int) -> str | None:
    """A text drawn uniformly from allowed tokens; None where 400 tokens do not end it."""
    rng = np.random.default_rng(seed)
    tokens: list[int] = []
    for _ in range(400):
        token = int(rng.choice(np.flatnonzero(constraint.allowed())))
        if token in tokenizer.eos_ids:
            return tokenizer.decode(tokens)
        constraint.accept(token)
        tokens.append(token)
    return None


def test_whatever_is_drawn_under_a_schema_is_valid_json_of_it(tokenizer: Tokenizer, grammars: Grammars) -> None:
    answers = [random_answer(tokenizer, grammars.json_schema(SCHEMA), seed) for seed in range(20)]
    for value in (json.loads(answer or "") for answer in answers):
        assert set(value) == {"name", "age"}
        assert isinstance(value["name"], str)
        assert 0 <= value["age"] <= 200


def test_required_calls_are_calls_of_the_tools_given(tokenizer: Tokenizer, grammars: Grammars) -> None:
    tool = {"type": "function", "function": {"name": "who", "parameters": SCHEMA}}
    for seed in range(10):
        answer = random_answer(tokenizer, grammars.tool_call([tool], parallel=False), seed)
        assert answer is not None
        content, (call,) = parse(answer)
        assert content is None
        assert call["function"]["name"] == "who"
        assert set(json.loads(call["function"]["arguments"])) == {"name", "age"}


def test_choices_and_patterns_bind(tokenizer: Tokenizer, grammars: Grammars) -> None:
    assert {random_answer(tokenizer, grammars.choice(["yes", "no"]), seed) for seed in range(20)} == {"yes", "no"}
    assert random_answer(tokenizer, grammars.regex("[0-9]{3}"), 1).isdigit()  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "schema", [{"type": "objekt"}, {"$ref": "http://localhost/x"}, {"$ref": "file:///etc/passwd"}]
)
def test_bad_schemas_and_remote_references_are_refused(grammars: Grammars, schema: dict[str, str]) -> None:
    with pytest.raises(GrammarError):
        grammars.json_schema(schema)
