"""Records as a child would send them, and as only an unsound one would."""

from __future__ import annotations

from analyzers import registry
from analyzers.finding import Finding, Score
from analyzers.pair import CapturedPair, Exchange, Pair
from analyzers.reading import read_pair
from proxy.workers.answers import NOT_APPLICABLE, NOT_ASKED, Answers
from tests.workers.pool_harness import captured

ANALYZERS = registry.load(["served", "json"])
NAMES = tuple(analyzer.name for analyzer in ANALYZERS)
ANSWERS = Answers(ANALYZERS)
READ = read_pair(captured())
SLIPPED = Finding("served", "1", "served", Score(0.0), Score(1.0, "http_5xx"))


def record(
    number: int, *, asked: int = 0b11, pair: Pair = READ, finding: Finding = SLIPPED, seconds: float = 0.1
) -> bytes:
    """What a sound child answers where `finding` is found of all that apply."""
    outcomes = (
        ANSWERS.outcome(0, finding) if asked & 1 else NOT_ASKED,
        NOT_APPLICABLE if asked & 2 else NOT_ASKED,
    )
    return ANSWERS.write(number, outcomes, (seconds, 0.0), pair)


def exchange(*gaps: float) -> Exchange:
    """A streamed answer."""
    return Exchange(READ.baseline.end, 200, usage=READ.baseline.usage, first_token=0.5, gaps=gaps)


def pairs(count: int) -> list[CapturedPair]:
    """So many pairs, named by their place."""
    return [captured(str(number)) for number in range(count)]
