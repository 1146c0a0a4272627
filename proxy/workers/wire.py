"""What parent and child say to each other: frames of four length bytes (big-endian) and a body, over pipes.

Parent to child a frame is a packed `Task`, pickled, since the child trusts its parent. Child to parent it is
JSON, and `result` takes nothing in it on trust: a child that has read hostile text may say anything.
"""

from __future__ import annotations

import math
import pickle
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from analyzers.finding import Analyzer, Finding, Score
from analyzers.pair import Capture, CapturedPair, End, Exchange, Pair, Usage
from proxy.report import Analysis, ArmReport

LENGTH = struct.Struct(">I")
MAX_ANSWER = 256 * 1024
"""Most bytes of a child's frame."""
MAX_GAPS = 256
FAILURES = frozenset({"error", "memory", "need"})
"""What a child may say went wrong in an analyzer: it raised, ran out of memory, asked for further requests."""


class GarbageError(ValueError):
    """A child's frame that is not what a sound child sends."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the parent decides for a child; travels as JSON in its argument."""

    analyzers: tuple[str, ...]
    memory_bytes: int
    cpu_seconds: float
    """For one task, all analyzers together."""
    cell: int
    """File descriptor of the shared cell."""


@dataclass(frozen=True, slots=True)
class Task:
    """One pair and the analyzers to run on it, in this order."""

    number: int
    pair: CapturedPair
    state: str
    analyzers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one analyzer made of one pair."""

    analysis: Analysis
    seconds: float = 0.0
    finding: Finding | None = None
    failure: str = ""
    """Why it is KILLED: one of FAILURES, or "invalid" where it broke its contract."""


@dataclass(frozen=True, slots=True)
class Result:
    """A child's whole answer to a `Task`."""

    outcomes: Mapping[str, Outcome]
    baseline: ArmReport
    candidate: ArmReport
    repeat: ArmReport | None


def pack(task: Task) -> bytes:
    """The parent's side: `task` as plain tuples, whose pickling costs the event loop a tenth of the objects'."""
    pair = task.pair
    captures = tuple(map(_packed, (pair.baseline, pair.candidate, pair.repeat)))
    facts = (pair.pair_id, pair.session, pair.primary, pair.path, pair.body)
    plain = (task.number, task.state, task.analyzers, facts, captures, pair.inclusion, dict(pair.headers))
    return pickle.dumps(plain, pickle.HIGHEST_PROTOCOL)


def unpack(body: bytes) -> Task:
    """The child's side: what `pack` packed."""
    number, state, analyzers, facts, captures, inclusion, headers = pickle.loads(body)  # noqa: S301 - from the parent
    baseline, candidate, repeat = map(_unpacked, captures)
    pair_id, session, primary, path, asked = facts
    pair = CapturedPair(pair_id, session, primary, path, asked, baseline, candidate, repeat, inclusion, headers)
    return Task(number, pair, state, analyzers)


def _packed(capture: Capture | None) -> tuple[Any, ...] | None:
    if capture is None:
        return None
    kind = (capture.content_type, capture.content_encoding)
    return (capture.end.value, capture.status, *kind, capture.body, capture.arrivals, capture.duration)


def _unpacked(plain: tuple[Any, ...] | None) -> Any:
    return None if plain is None else Capture(End(plain[0]), *plain[1:])


def frame(body: bytes) -> bytes:
    """`body` with its length before it."""
    return LENGTH.pack(len(body)) + body


def arms(pair: Pair) -> dict[str, Any]:
    """The child's side of `ArmReport`s, ready for JSON."""
    repeat = None if pair.repeat is None else _arm(pair.repeat)
    return {"baseline": _arm(pair.baseline), "candidate": _arm(pair.candidate), "repeat": repeat}


def scored(finding: Finding, seconds: float) -> dict[str, Any]:
    """The child's side of a scored `Outcome`, ready for JSON."""
    scores = [_pair_of(finding.baseline), _pair_of(finding.candidate)]
    if finding.repeat is not None:
        scores.append(_pair_of(finding.repeat))
    return {"seconds": seconds, "variable": finding.variable, "scores": scores}


def result(body: bytes, task: Task, analyzers: Mapping[str, Analyzer]) -> Result:
    """The parent's side: a child's frame as the answer to `task`. Raises GarbageError."""
    try:
        said = orjson.loads(body)
        if said["number"] != task.number or list(said["outcomes"]) != list(task.analyzers):
            raise GarbageError("answers something else")
        outcomes = {name: _outcome(raw, analyzers[name]) for name, raw in said["outcomes"].items()}
        spoken = said["arms"]
        repeat = None if spoken["repeat"] is None else _arm_report(spoken["repeat"])
        return Result(outcomes, _arm_report(spoken["baseline"]), _arm_report(spoken["candidate"]), repeat)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise GarbageError("not a result") from error


def _arm(exchange: Exchange) -> list[Any]:
    usage = exchange.usage
    return [usage.prompt_tokens, usage.completion_tokens, exchange.first_token, exchange.gaps[:MAX_GAPS]]


def _arm_report(raw: Any) -> ArmReport:
    prompt, completion, first, gaps = raw
    if len(gaps) > MAX_GAPS or not all(
        type(count) is int and 0 <= count < 1 << 31 for count in (prompt, completion)
    ):
        raise GarbageError("not an arm's report")
    first_token = None if first is None else _seconds(first)
    return ArmReport(Usage(prompt, completion), first_token, tuple(_seconds(gap) for gap in gaps))


def _pair_of(score: Score) -> list[Any]:
    return [score.failed, score.label]


def _outcome(raw: Any, analyzer: Analyzer) -> Outcome:
    """One analyzer's outcome. What breaks the analyzer's own contract is its failure, not its child's."""
    if raw == "not_applicable":
        return Outcome(Analysis.NOT_APPLICABLE)
    if isinstance(raw, str):
        return Outcome(Analysis.KILLED, failure=raw if raw in FAILURES else "invalid")
    seconds = _seconds(raw["seconds"])
    try:
        if raw["variable"] not in analyzer.variables:
            raise GarbageError("an undeclared variable")
        baseline, candidate, *repeat = (_score(score, analyzer) for score in raw["scores"])
    except (KeyError, TypeError, ValueError):
        return Outcome(Analysis.KILLED, seconds, failure="invalid")
    finding = Finding(
        analyzer.name,
        analyzer.version,
        raw["variable"],
        baseline,
        candidate,
        repeat[0] if repeat else None,
    )
    return Outcome(Analysis.SCORED, seconds, finding)


def _score(raw: Any, analyzer: Analyzer) -> Score:
    failed, label = raw
    if type(failed) not in (int, float) or not 0 <= failed <= 1 or label not in analyzer.labels:
        raise GarbageError("an undeclared score")
    return Score(float(failed), label)


def _seconds(value: Any) -> float:
    if type(value) not in (int, float) or not math.isfinite(value) or value < 0:
        raise GarbageError("not a time")
    return float(value)
