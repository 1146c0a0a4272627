"""What `make bench` runs: which load, with how much mirrored, over which misbehaviour of the candidate."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.load import Answer, Plan
from benchmarks.messages import EVENTS

NO_PORT = 0
MISBEHAVING = ("hung", "dripping", "resetting", "garbage", "huge")
"""Ways of a candidate that a client must not feel."""


@dataclass(frozen=True)
class Scenario:
    """One row's worth of load, the same for every peer."""

    name: str
    plan: Plan
    share: float = 1.0
    """Share of the requests that are mirrored."""
    candidate: str = "healthy"
    baseline: str = "healthy"
    units: int = 1
    """What the CPU of one request is divided by."""

    @property
    def costs(self) -> bool:
        """Whether it measures cost, not latency: the load is closed, or counted by the event."""
        return self.plan.rate is None or self.units > 1


def scenarios(scale: float = 1.0) -> list[Scenario]:
    """All of them; `scale` shrinks the counts for a smoke run."""

    def closed(count: int, answer: Answer = "plain") -> Plan:
        return Plan(NO_PORT, max(200, int(count * scale)), answer=answer)

    def arriving(rate: float, seconds: float) -> Plan:
        return Plan(NO_PORT, max(200, int(rate * seconds * scale)), rate=rate, grace=2.0)

    # Streams arrive at random, so that their events do not fall into step.
    spaced = Plan(NO_PORT, max(10, int(100 * scale)), rate=40, connections=80, answer="spaced")
    return [
        Scenario("plain", closed(4_000)),
        Scenario("streamed at once", closed(2_000, "at_once")),
        Scenario("spaced, per event", spaced, baseline="spaced", candidate="spaced", units=EVENTS + 1),
        Scenario("plain, shadow off", closed(4_000), share=0.0),
        Scenario("plain, shadow 10 %", closed(4_000), share=0.1),
        Scenario("300/s, shadow off", arriving(300, 3), share=0.0),
        Scenario("300/s, shadow 10 %", arriving(300, 3), share=0.1),
        Scenario("300/s", arriving(300, 4)),
        Scenario("1000/s", arriving(1000, 2)),
        *(Scenario(f"300/s, candidate {way}", arriving(300, 2), candidate=way) for way in MISBEHAVING[:-1]),
        Scenario("50/s, candidate huge", arriving(50, 4), candidate="huge"),
    ]
