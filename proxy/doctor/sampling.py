"""Which sampling values a server uses where a request names none.

vLLM takes them from the model's own `generation_config.json` unless it is started with `--generation-config vllm`
(https://docs.vllm.ai/en/latest/cli/serve/), and two checkpoints of one model often differ there. No endpoint tells
them. But a seeded answer is a function of the sampling values, so the server is asked the same with one
value left out and with its neutral one spelt out: answers that differ say that the server has a value of its own.
Which one it is, is then looked for among those in use.

At a temperature of 2 the distribution is so flat that a cut-off (top_p, top_k, min_p) soon changes an answer; the
prompt repeats its words, so that a repetition penalty does. A cut-off so mild that it spares all of `SEEDS`
times `TOKENS` drawn tokens is not seen, such as a top_p of 0.999.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from proxy.doctor.asker import Asker
from proxy.doctor.fact import Answer, Fact, Unseen

PROMPT = "red blue green red green blue blue red green red blue"
SEEDS = (11, 12, 13, 14)
TOKENS = 32

NEUTRAL: Mapping[str, float] = {
    "temperature": 1.0,
    "top_p": 1.0,
    "top_k": -1,
    "min_p": 0.0,
    "repetition_penalty": 1.0,
}
"""The values by which sampling leaves the model's distribution as it is."""

IN_USE: Mapping[str, tuple[float, ...]] = {
    "temperature": (
        0,
        0.1,
        0.15,
        0.2,
        0.25,
        0.3,
        0.4,
        0.5,
        0.6,
        0.65,
        0.7,
        0.75,
        0.8,
        0.85,
        0.9,
        0.95,
        1.1,
        1.2,
        1.5,
    ),
    "top_p": (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.92, 0.95, 0.97, 0.98, 0.99),
    "top_k": (1, 5, 10, 20, 30, 40, 50, 64, 100),
    "min_p": (0.01, 0.02, 0.03, 0.05, 0.1, 0.2),
    "repetition_penalty": (1.01, 1.02, 1.03, 1.05, 1.07, 1.1, 1.15, 1.2, 1.3),
}
HOT = 2.0
UNSTEADY = Unseen("its answers to one seeded request differ from time to time")


async def defaults(asker: Asker) -> Fact:
    """The value of each parameter where a request names none."""
    first, again = [await _answers(asker, _values("top_p")) for _ in range(2)]
    if isinstance(first, Unseen) or first != again:
        return dict.fromkeys(NEUTRAL, first if isinstance(first, Unseen) else UNSTEADY)
    return {name: await _default(asker, name) for name in NEUTRAL}


async def _default(asker: Asker, name: str) -> str | Unseen:
    values = _values(name)
    without = {key: value for key, value in values.items() if key != name}
    own = await _answers(asker, without)
    if isinstance(own, Unseen):
        return own
    for value in (NEUTRAL[name], *IN_USE[name]):
        if await _answers(asker, {**values, name: value}, like=own) == own:
            return f"{value:g}"
    if await _answers(asker, without) != own:
        return UNSTEADY  # as where drafted tokens are accepted now, and not then
    return Unseen("it has one of its own that is none of those in use")


def _values(name: str) -> dict[str, float]:
    """All values spelt out, so that `name` tells as much as it can."""
    return {**NEUTRAL, "temperature": NEUTRAL["temperature"] if name == "temperature" else HOT}


async def _answers(
    asker: Asker, values: Mapping[str, float], like: tuple[str, ...] | None = None
) -> tuple[str, ...] | Unseen:
    """The answer to each seed; fewer where one already is not as those in `like`."""
    found: list[str] = []
    for number, seed in enumerate(SEEDS):
        answer = await asker.post("/v1/completions", body(seed, values))
        text = said(answer)
        if isinstance(text, Unseen):
            return text
        found.append(text)
        if like is not None and like[number] != text:
            break
    return tuple(found)


def body(seed: int, values: Mapping[str, float]) -> dict[str, Any]:
    """One request; it goes on after an end of text, so that short answers tell as much as long ones."""
    return {"prompt": PROMPT, "max_tokens": TOKENS, "ignore_eos": True, "seed": seed, **values}


def said(answer: Answer) -> str | Unseen:
    """The text in an answer of `/v1/completions`."""
    match answer.json():
        case {"choices": [{"text": str(text)}, *_]} if answer.status == 200:
            return text
        case _:
            return answer.unseen()
