"""Generated requests whose right answers are known: the testbed's training data and its traffic."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from random import Random
from typing import Literal

from testbed.tasks import arithmetic, extraction, language, refusal, tools
from testbed.tasks.prompt import Message, Prompt

__all__ = ["MIX", "Message", "Prompt", "Split", "prompts", "split_of"]

Split = Literal["live", "calibration", "train"]

TASKS: Mapping[str, Callable[[Random], Prompt]] = {
    "arithmetic": arithmetic.generate,
    "json_prompted": extraction.prompted,
    "json_constrained": extraction.constrained,
    "tools": tools.generate,
    "refusal": refusal.generate,
    "language": language.generate,
}
MIX: Mapping[str, float] = {
    "arithmetic": 0.26,
    "json_prompted": 0.22,
    "json_constrained": 0.08,
    "tools": 0.12,
    "refusal": 0.24,
    "language": 0.08,
}


def split_of(prompt: Prompt) -> Split:
    """The one split that a request belongs to, by a hash of its messages and tools.

    The same words are therefore never trained on and served, whatever the seeds.
    """
    text = json.dumps([prompt.body["messages"], prompt.body.get("tools")])
    bucket = hashlib.blake2b(text.encode(), digest_size=1).digest()[0]
    if bucket < 64:
        return "live"
    return "calibration" if bucket < 80 else "train"


def prompts(
    seed: int, count: int, mix: Mapping[str, float] | None = None, split: Split = "live"
) -> Iterator[Prompt]:
    """`count` requests drawn by `seed`, tasks in the shares of `mix` (weights, need not sum to 1).

    The same arguments give the same requests. An unknown task in `mix` is a ValueError.
    """
    shares = MIX if mix is None else mix
    if unknown := set(shares) - set(TASKS):
        raise ValueError(f"no such task: {', '.join(sorted(unknown))}; there are {', '.join(TASKS)}")
    rng = Random(seed)
    names, weights = list(shares), list(shares.values())
    for _ in range(count):
        draw = TASKS[rng.choices(names, weights)[0]]
        prompt = draw(rng)
        while split_of(prompt) != split:
            prompt = draw(rng)
        yield prompt
