"""One gateway process with its analyzers, event by event: which sampled requests become scored pairs, and when.

What admits a mirror is the product's own token budget; the other bounds are counted as it counts them. Only sampled
requests are followed: the others cost the event loop time (`queues.loop_waits`), and no room in what is bounded.
Whole sessions are sampled, but here their turns come as independent requests.
"""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from heapq import heappop, heappush

import numpy as np
import numpy.typing as npt

from proxy.gateway.arms.budget import TokenBudget
from scale_report.assumed import Plan, Traffic, rate

BINS = (300.0, 600.0, 1_200.0, 2_400.0)
"""Where prompts are told apart by their tokens."""
START, PRIMARY, MIRROR = 0, 1, 2
ANALYSIS_SIGMA = 0.8
"""Spread of the time that a pair takes to score: lognormal about the measured mean."""


@dataclass
class Outcome:
    """What became of the requests of one gateway process, or of several."""

    states: Counter[tuple[int, str]] = field(default_factory=Counter)
    """By the prompt's bin."""
    completed: list[float] = field(default_factory=list)
    """When each scored pair was whole."""
    scored: list[float] = field(default_factory=list)
    """When it was scored."""
    in_flight: int = 0
    """Most mirrors at once."""
    queued: int = 0
    """Most pairs that waited at once."""

    def add(self, other: Outcome) -> None:
        """Another gateway's."""
        self.states += other.states
        self.completed += other.completed
        self.scored += other.scored
        self.in_flight = max(self.in_flight, other.in_flight)
        self.queued = max(self.queued, other.queued)


@dataclass(slots=True)
class _Request:
    prompt: float
    answer: float
    analysis: float
    bin: int
    open: int = 2


class Gateway:
    """Sampled requests come at `arrivals` a second, until `seconds`; then those that are open are finished."""

    def __init__(
        self, traffic: Traffic, plan: Plan, arrivals: float, seconds: float, rng: np.random.Generator
    ) -> None:
        self.outcome = Outcome()
        self._traffic, self._plan = traffic, plan
        self._budget = TokenBudget(plan.tokens_per_second, 0.0)
        self._mirrors = 0
        self._free = [0.0] * plan.analyzers
        self._waiting: deque[float] = deque()
        """When each pair that waits, or is being scored, is done."""
        self._events: list[tuple[float, int, int, _Request]] = []
        self._arrive(arrivals, seconds, rng)
        self._busy = _alternating(plan, seconds + plan.deadline, rng)

    def run(self) -> Outcome:
        """All events in order."""
        number = len(self._events)
        while self._events:
            at, _, kind, request = heappop(self._events)
            number += 1
            if kind == START:
                self._start(at, number, request)
                continue
            if kind == MIRROR:
                self._mirrors -= 1
                self._budget.settle(int(request.prompt), int(request.prompt + request.answer))
            request.open -= 1
            if not request.open:
                self._pair(at, request)
        return self.outcome

    def _arrive(self, arrivals: float, seconds: float, rng: np.random.Generator) -> None:
        traffic, plan = self._traffic, self._plan
        count = int(rng.poisson(arrivals * seconds))
        prompts = _lognormal(rng, traffic.prompt_median, traffic.prompt_sigma, traffic.prompt_most, count)
        answers = _lognormal(rng, traffic.answer_median, traffic.answer_sigma, traffic.answer_most, count)
        mean = rate("analysis_us") / 1e6
        works = rng.lognormal(np.log(mean) - ANALYSIS_SIGMA**2 / 2, ANALYSIS_SIGMA, count)
        bins = np.searchsorted(BINS, prompts)
        times = np.sort(rng.uniform(0, seconds, count))
        for number in range(count):
            request = _Request(
                float(prompts[number]), float(answers[number]), float(works[number]), int(bins[number])
            )
            first = request.prompt / traffic.prefill
            whole = float(times[number]) + first + request.answer * traffic.token_seconds
            start = float(times[number]) + min(first, plan.start_after)
            heappush(self._events, (start, 2 * number, START, request))
            heappush(self._events, (whole, 2 * number + 1, PRIMARY, request))

    def _start(self, at: float, number: int, request: _Request) -> None:
        """Mirror it, or say why not."""
        if self._is_busy(at):
            self._end(request, "dropped_pressure")
        elif self._mirrors >= self._plan.in_flight:
            self._end(request, "dropped_in_flight")
        elif not self._budget.take(int(request.prompt), at):
            self._end(request, "dropped_budget")
        else:
            self._mirrors += 1
            self.outcome.in_flight = max(self.outcome.in_flight, self._mirrors)
            took = request.prompt / self._traffic.prefill + request.answer * self._traffic.token_seconds
            heappush(self._events, (at + min(took, self._plan.deadline), number, MIRROR, request))

    def _end(self, request: _Request, state: str) -> None:
        request.open = -1
        self.outcome.states[request.bin, state] += 1

    def _pair(self, at: float, request: _Request) -> None:
        """Both answers are whole: to the analyzers, if their queue has room."""
        while self._waiting and self._waiting[0] <= at:
            self._waiting.popleft()
        if len(self._waiting) >= self._plan.queue_pairs:
            self.outcome.states[request.bin, "dropped_queue"] += 1
            return
        place = self._free.index(min(self._free))
        done = self._free[place] = max(at, self._free[place]) + request.analysis
        self._waiting.append(done)
        self.outcome.queued = max(self.outcome.queued, len(self._waiting))
        self.outcome.states[request.bin, "scored"] += 1
        self.outcome.completed.append(at)
        self.outcome.scored.append(done)

    def _is_busy(self, at: float) -> bool:
        return bool(np.searchsorted(self._busy, at) % 2)


def _lognormal(
    rng: np.random.Generator, median: float, sigma: float, most: float, count: int
) -> npt.NDArray[np.float64]:
    return np.clip(rng.lognormal(np.log(median), sigma, count), 1, most)


def _alternating(plan: Plan, seconds: float, rng: np.random.Generator) -> npt.NDArray[np.float64]:
    """When the candidate's server becomes busy, and free again, in turn."""
    if not plan.busy:
        return np.array([])
    free = plan.busy_seconds * (1 - plan.busy) / plan.busy
    count = 2 * int(seconds / (free + plan.busy_seconds) + 50)
    lengths = rng.exponential(np.tile([free, plan.busy_seconds], count // 2))
    return np.cumsum(lengths)
