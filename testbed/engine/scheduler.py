"""Continuous batching: which sequences run in the next step, and what comes of it.

Each step reads the prompts of waiting sequences, as far as slots and the token budget allow, beside
one decode step of all running ones (Yu et al. 2022, Orca). Synchronous and without clocks or sockets.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from testbed.engine.grammar import Constraint
from testbed.engine.model import KVSlots, Model
from testbed.engine.sampling import SamplingParams, TokenLogprobs, sample, token_logprobs
from testbed.engine.text import AnswerText
from testbed.engine.weights import Floats

FinishReason = Literal["stop", "length", "error"]


@dataclass
class Delta:
    """What became known of an answer: since the last delta where it streams, else once and whole."""

    text: str = ""
    token_ids: list[int] = field(default_factory=list)
    logprobs: list[TokenLogprobs] = field(default_factory=list)
    prompt_logprobs: list[TokenLogprobs] | None = None  # of the prompt's second token and on
    finish_reason: FinishReason | None = None
    stop_reason: int | str | None = None


@dataclass(eq=False)
class Sequence:
    """One answer in the making. `deliver` is called within a step and must not block."""

    prompt: list[int]
    params: SamplingParams
    text: AnswerText
    eos_ids: frozenset[int]
    deliver: Callable[[Delta], None] = lambda _delta: None
    stream: bool = False
    constraint: Constraint | None = None
    last_token: int = -1
    generated: int = 0
    finished: bool = False
    pending: Delta = field(default_factory=Delta)


@dataclass
class Stats:
    """Counts since the start; a scrape reads them, only the scheduler writes them."""

    prompt_tokens: int = 0
    generation_tokens: int = 0
    finished: dict[str, int] = field(default_factory=lambda: {"stop": 0, "length": 0, "abort": 0, "error": 0})


class Scheduler:
    """Sequences that wait and that run over one model. Not thread-safe: one thread owns it."""

    def __init__(self, model: Model, *, slots: int, step_tokens: int) -> None:
        """At most `slots` sequences run; prompts join a step up to `step_tokens` together, at least one."""
        self.stats = Stats()
        self.waiting: deque[Sequence] = deque()
        self.running: list[Sequence] = []  # in slot order
        self._model = model
        self._kv = KVSlots(model.config, slots)
        self._step_tokens = step_tokens

    @property
    def kv_usage(self) -> float:
        """The share of all key-value positions that hold one, from 0 to 1."""
        return float(self._kv.lengths.sum()) / (self._kv.capacity * self._model.config.max_len)

    @property
    def busy(self) -> bool:
        """Whether a step would do anything."""
        return bool(self.waiting or self.running)

    def add(self, sequence: Sequence) -> None:
        """Put a sequence into the queue; its prompt and `max_tokens` must fit the context together."""
        self.waiting.append(sequence)

    def abort(self, sequence: Sequence) -> None:
        """Forget a sequence, wherever it is; one that has finished is none of ours."""
        if sequence in self.running:
            self._release(self.running.index(sequence))
        elif sequence in self.waiting:
            self.waiting.remove(sequence)
        else:
            return
        self.stats.finished["abort"] += 1

    def step(self) -> None:
        """Advance every running sequence, and as many waiting ones as may join, by one token."""
        decode = [sequence.last_token for sequence in self.running]
        joining = self._join()
        full = [sequence.params.prompt_logprobs is not None for sequence in joining]
        hidden = self._model.step(self._kv, decode, [s.prompt for s in joining], every_row=full)
        self.running += joining
        logits = self._model.logits(hidden)
        if any(full):
            logits = self._report_prompts(logits, joining)
        self._advance(logits)

    def _join(self) -> list[Sequence]:
        joining: list[Sequence] = []
        budget = self._step_tokens
        while self.waiting and len(self.running) + len(joining) < self._kv.capacity:
            budget -= len(self.waiting[0].prompt)
            if joining and budget < 0:
                break
            joining.append(self.waiting.popleft())
            self.stats.prompt_tokens += len(joining[-1].prompt)
        return joining

    def _report_prompts(self, logits: Floats, joining: list[Sequence]) -> Floats:
        """Take prompt log-probabilities from the full rows; returns the rows that are sampled from."""
        at = len(self.running) - len(joining)
        wanted = list(range(at))
        for sequence in joining:
            if (alternatives := sequence.params.prompt_logprobs) is not None:
                rows = logits[at : at + len(sequence.prompt) - 1]
                sequence.pending.prompt_logprobs = token_logprobs(rows, sequence.prompt[1:], alternatives)
                at += len(rows)
            wanted.append(at)
            at += 1
        return logits[wanted]

    def _advance(self, logits: Floats) -> None:
        """Sample a token for every running sequence, deliver what it says, and let the finished go."""
        params = [sequence.params for sequence in self.running]
        positions = [len(s.prompt) + s.generated - 1 for s in self.running]
        tokens = sample(self._constrained(logits), params, positions)
        for slot in reversed(range(len(self.running))):
            sequence, token = self.running[slot], tokens[slot]
            if sequence.params.logprobs is not None:
                (entry,) = token_logprobs(logits[slot : slot + 1], [token], sequence.params.logprobs)
                sequence.pending.logprobs.append(entry)
            _take(sequence, token)
            self.stats.generation_tokens += 1
            reason = sequence.pending.finish_reason
            if reason is not None:
                sequence.finished = True
                self._release(slot)
                self.stats.finished[reason] += 1
            if sequence.stream or reason is not None:
                sequence.pending.text = sequence.text.take(finished=reason is not None)
                sequence.deliver(sequence.pending)
                sequence.pending = Delta()

    def _constrained(self, logits: Floats) -> Floats:
        """The logits with -inf where a constraint forbids a token; log-probabilities keep the raw ones."""
        if all(sequence.constraint is None for sequence in self.running):
            return logits
        masked = logits.copy()
        for row, sequence in zip(masked, self.running, strict=True):
            if sequence.constraint is not None:
                row[~sequence.constraint.allowed()] = -np.inf
        return masked

    def _release(self, slot: int) -> None:
        self.running[slot] = self.running[self._kv.release(slot)]
        self.running.pop()


def _take(sequence: Sequence, token: int) -> None:
    """Add a sampled token to its answer, and decide whether the answer ends with it."""
    params, pending = sequence.params, sequence.pending
    sequence.last_token = token
    sequence.generated += 1
    pending.token_ids.append(token)
    if sequence.constraint is not None:
        sequence.constraint.accept(token)
    if token in sequence.eos_ids and not params.ignore_eos:
        pending.finish_reason = "stop"
    elif token in params.stop_ids:
        pending.finish_reason, pending.stop_reason = "stop", token
    elif (string := sequence.text.push(token)) is not None:
        pending.finish_reason, pending.stop_reason = "stop", string
    elif sequence.generated == params.max_tokens:
        pending.finish_reason = "length"
