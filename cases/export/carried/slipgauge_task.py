"""The task of an export for Inspect.

`inspect eval slipgauge_task.py --model openai-api/NAME/MODEL` in its folder.
"""

import json
import sys
from pathlib import Path

from inspect_ai import Task, task
from inspect_ai.dataset import json_dataset
from inspect_ai.model import GenerateConfig, get_model
from inspect_ai.scorer import CORRECT, INCORRECT, Score, Scorer, Target, accuracy, scorer, stderr
from inspect_ai.solver import Generate, Solver, TaskState, solver

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from slipgauge_checks import judge  # noqa: E402 - beside this file


@task
def slipgauge_cases() -> Task:
    """Every case: asked with its own parameters, judged by its own checks."""
    return Task(dataset=json_dataset(str(HERE / "slipgauge_cases.jsonl")), solver=ask(), scorer=checked())


@solver
def ask() -> Solver:
    """Ask once, and call no tool that the model names."""

    async def solve(state: TaskState, generate: Generate) -> TaskState:  # noqa: ARG001 - the tool's own form
        config = GenerateConfig(extra_body=state.metadata["parameters"])
        state.output = await get_model().generate(state.messages, config=config)
        state.messages.append(state.output.message)
        return state

    return solve


@scorer(metrics=[accuracy(), stderr()])
def checked() -> Scorer:
    """Whether the checks hold."""

    async def score(state: TaskState, target: Target) -> Score:  # noqa: ARG001 - the tool's own form
        said = state.output.message
        calls = [{"name": each.function, "arguments": json.dumps(each.arguments)} for each in said.tool_calls or ()]
        passed, why = judge(state.metadata["checks"], said.text, calls)
        return Score(value=CORRECT if passed else INCORRECT, answer=said.text, explanation=why)

    return score
