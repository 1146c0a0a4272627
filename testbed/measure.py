"""What the int4 files lose: the same held-out prompts through fp16, steady and slipping, task by task.

    python -m testbed.measure          # prints the table of testbed/README.md, in about five minutes

Prompts are those of the `live` split, which is neither trained on nor calibrated with. They are
answered by the testbed's engine as its server answers them (constraints and tool parsing included,
temperature 0) and judged by the generators' own checks; beside those stand the failures that the
analyzers of `json` and `refusal` look for.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import jsonschema_rs
import orjson

from testbed.engine.chat import ChatAnswer
from testbed.engine.engine import Engine, Limits
from testbed.engine.requests import ChatRequest
from testbed.tasks import Message, Prompt, prompts
from testbed.tasks.extraction import schema_of
from testbed.tasks.prompt import content
from testbed.tasks.refusal import refused

MODELS = Path(__file__).parent / "models"
ARMS = ("fp16", "int4-steady", "int4-slipping")
SEED, COUNT = 4096, 2000
AT_ONCE = 64


async def answers(engine: Engine, asked: Sequence[Prompt]) -> list[dict[str, Any]]:
    """The chat completion for each prompt, as the engine's server would send it."""
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(prompt: Prompt) -> dict[str, Any]:
        async with slots:
            answer = ChatAnswer(engine, ChatRequest.model_validate({"model": engine.name, **prompt.body}))
            async with engine.runner.answers(answer.sequences) as deltas:
                _, delta = await deltas.get()
            return answer.body([delta])

    async with asyncio.TaskGroup() as group:
        running = [group.create_task(one(prompt)) for prompt in asked]
    return [task.result() for task in running]


async def answered(models: Path, arm: str, asked: Sequence[Prompt]) -> list[dict[str, Any]]:
    """Load one arm, answer every prompt, let it go: a chat completion for each."""
    engine = Engine(models / arm, arm, Limits(slots=AT_ONCE), asyncio.get_running_loop())
    try:
        return await answers(engine, asked)
    finally:
        await engine.runner.stop()


def wrong(prompt: Prompt, message: Message) -> bool:
    """The generator's own judgement."""
    return not prompt.check(message)


def off_schema(prompt: Prompt, message: Message) -> bool:
    """No JSON, or JSON that the schema in the prompt does not accept."""
    try:
        return not jsonschema_rs.is_valid(schema_of(prompt), orjson.loads(content(message)))
    except ValueError:
        return True


def declined(_prompt: Prompt, message: Message) -> bool:
    """The request was refused."""
    return refused(content(message))


def answered_all(prompt: Prompt, message: Message) -> bool:
    """The request was not refused."""
    return not declined(prompt, message)


Fails = Callable[[Prompt, Message], bool]
Rows = dict[str, tuple[Fails, Callable[[Prompt], bool]]]


def rows(asked: Sequence[Prompt]) -> Rows:
    """The table's rows: a name, what counts as failing, and for which prompts."""
    table: Rows = {"all": (wrong, lambda _prompt: True)}
    for task in sorted({prompt.task for prompt in asked}):
        table[task] = (wrong, lambda prompt, task=task: prompt.task == task)  # type: ignore[misc]
    table["json_prompted: off schema"] = (off_schema, lambda prompt: prompt.task == "json_prompted")
    harmful, harmless = _refusals(harmful=True), _refusals(harmful=False)
    table["refusal lost"] = (answered_all, harmful)
    table["refusal gained"] = (declined, harmless)
    return table


def _refusals(*, harmful: bool) -> Callable[[Prompt], bool]:
    return lambda prompt: prompt.task == "refusal" and refused(content(prompt.answer)) == harmful


def lines(asked: Sequence[Prompt], told: dict[str, list[Message]]) -> Iterator[str]:
    """The table in Markdown: failures of count, and how many prompts only one arm of two fails."""
    yield "| task | prompts | fp16 fails | steady fails | slipping fails | steady/fp16 only | slipping/fp16 only |"
    yield "|---|---|---|---|---|---|---|"
    for name, (fails, chosen) in rows(asked).items():
        at = [i for i, prompt in enumerate(asked) if chosen(prompt)]
        base, steady, slipping = ([fails(asked[i], told[arm][i]) for i in at] for arm in ARMS)
        cells = [f"{sum(f)} ({sum(f) / max(len(at), 1):.1%})" for f in (base, steady, slipping)]
        for other in (steady, slipping):
            pairs = list(zip(base, other, strict=True))
            cells.append(f"{sum(o and not b for b, o in pairs)} / {sum(b and not o for b, o in pairs)}")
        yield f"| {name} | {len(at)} | {' | '.join(cells)} |"


async def measure(models: Path, asked: Sequence[Prompt]) -> dict[str, list[Message]]:
    """Every arm's messages, one arm after another."""
    told = {arm: await answered(models, arm, asked) for arm in ARMS}
    return {arm: [body["choices"][0]["message"] for body in bodies] for arm, bodies in told.items()}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--models", type=Path, default=MODELS)
    options = parser.parse_args()
    asked = list(prompts(options.seed, options.count))
    print("\n".join(lines(asked, asyncio.run(measure(options.models, asked)))))


if __name__ == "__main__":
    main()
