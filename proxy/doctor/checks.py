"""Decides over the facts of all servers what makes their comparison unfair. Pure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from operator import eq
from typing import Literal

from proxy.doctor.fact import Reading, Unseen

State = Literal["ok", "unfair", "unknown"]
APART_MS = 10.0
"""Round trips further apart than this would show in every comparison of latencies."""
EXCERPT = 60
_BEFORE = 12
"""Characters of an excerpt that stand before the first difference."""


def _near(one: str, other: str) -> bool:
    return abs(float(one.removesuffix(" ms")) - float(other.removesuffix(" ms"))) <= APART_MS


@dataclass(frozen=True)
class Check:
    """One thing that must be equal on all servers, or be what is `wanted`; and what to change where it is not."""

    name: str
    change: str
    wanted: str | None = None
    alike: Callable[[str, str], bool] = eq


CHECKS = (
    Check("health", "see to the server that is not well before anything is compared", wanted="well"),
    Check(
        "model names",
        "start the server with --served-model-name as `models` says, or name the model of that arm in `models`",
        wanted="served",
    ),
    Check("version", "run one version on all servers: kernels and sampler noise change between versions"),
    Check(
        "max length",
        "start all servers with one --max-model-len; otherwise long requests are answered by one arm only",
    ),
    Check(
        "tokenizer",
        "serve all with one --tokenizer, or put the baseline's tokenizer files into the candidate's folder",
    ),
    Check(
        "chat template",
        "give all servers one --chat-template, and one --default-chat-template-kwargs where it is used",
    ),
    Check(
        "generation defaults",
        "start all servers with --generation-config vllm, or put one generation_config.json beside both models",
    ),
    Check(
        "parsers",
        "start all servers with one --tool-call-parser, --enable-auto-tool-choice and --reasoning-parser, or none",
    ),
    Check(
        "speculative decoding",
        "start all servers with one --speculative-config or none: drafting changes latencies, and rarely answers",
    ),
    Check("KV cache", "start all servers with one --kv-cache-dtype and one --block-size"),
    Check(
        "prefix caching",
        "start all servers with --enable-prefix-caching, or none: it changes latencies",
    ),
    Check(
        "prompt_logprobs",
        "start this server with --no-enable-prefix-caching, or do without the analyzer `token_divergence`",
        wanted="whole",
    ),
    Check(
        "round trip",
        "bring the servers equally near to the gateway; otherwise latencies compare networks and not models",
        alike=_near,
    ),
)


@dataclass(frozen=True)
class Value:
    """What one server says of an aspect, in plain characters, cut short; or why that could not be seen."""

    arm: str
    url: str
    value: str | None
    unseen: str | None


@dataclass(frozen=True)
class Aspect:
    """One aspect that is unfair or unknown, as all servers say it."""

    name: str
    values: tuple[Value, ...]


@dataclass(frozen=True)
class Result:
    """What one check came to. `aspects` are those that make it so; of what is ok none is named."""

    check: Check
    state: State
    aspects: tuple[Aspect, ...]


def examine(readings: Sequence[Reading]) -> tuple[Result, ...]:
    """What every check comes to over these servers, the baseline's first."""
    return tuple(_decide(check, readings) for check in CHECKS)


def overall(results: Sequence[Result]) -> State:
    """Unfair where anything is; ok only where everything was seen and is."""
    states = {result.state for result in results}
    return "unfair" if "unfair" in states else "unknown" if "unknown" in states else "ok"


def _decide(check: Check, readings: Sequence[Reading]) -> Result:
    told: dict[State, list[Aspect]] = {"ok": [], "unknown": [], "unfair": []}
    for name in dict.fromkeys(aspect for reading in readings for aspect in reading.facts[check.name]):
        values = [reading.facts[check.name].get(name, Unseen("it was not asked")) for reading in readings]
        state = _state(check, values)
        told[state].append(Aspect(name, _values(readings, values)))
    if told["unfair"]:
        return Result(check, "unfair", tuple(told["unfair"]))
    return Result(check, "unknown" if told["unknown"] else "ok", tuple(told["unknown"]))


def _state(check: Check, values: Sequence[str | Unseen]) -> State:
    seen = [value for value in values if isinstance(value, str)]
    wanted = check.wanted if check.wanted is not None else next(iter(seen), "")
    if not all(check.alike(wanted, value) for value in seen):
        return "unfair"
    return "ok" if len(seen) == len(values) else "unknown"


def _values(readings: Sequence[Reading], values: Sequence[str | Unseen]) -> tuple[Value, ...]:
    seen = [value for value in values if isinstance(value, str)]
    common = _common(seen) if len(set(seen)) > 1 else 0
    start = common - _BEFORE if common > _BEFORE else 0
    return tuple(
        Value(reading.arm, reading.url, None, _plain(value.why))
        if isinstance(value, Unseen)
        else Value(reading.arm, reading.url, ("…" if start else "") + _plain(value[start:]), None)
        for reading, value in zip(readings, values, strict=True)
    )


def _common(texts: Sequence[str]) -> int:
    """How many characters all begin with alike."""
    return sum(1 for _ in takewhile(lambda at: len(set(at)) == 1, zip(*texts, strict=False)))


def _plain(text: str) -> str:
    """At most so many characters, and none that a terminal would obey: what a server says is hostile input."""
    cut = text[:EXCERPT] + ("…" if len(text) > EXCERPT else "")
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in cut)
