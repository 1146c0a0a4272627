"""One model directory, ready to answer: tokenizer, weights, grammars and the engine's thread."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence as Sized
from dataclasses import dataclass, replace
from pathlib import Path

from testbed.engine.grammar import Grammars
from testbed.engine.model import Model
from testbed.engine.requests import ChatRequest, CompletionRequest
from testbed.engine.runner import Runner
from testbed.engine.sampling import SamplingParams
from testbed.engine.scheduler import Scheduler, Sequence
from testbed.engine.text import AnswerText
from testbed.engine.tokenizer import Tokenizer


@dataclass(frozen=True)
class Limits:
    """Bounds of one engine.

    Sequences that run at once, prompt tokens that join one step, sequences that wait, and seconds
    between the beginnings of two steps.
    """

    slots: int = 64
    step_tokens: int = 256
    max_waiting: int = 1024
    step_interval: float = 0.008


class Engine:
    """Starts its thread when made; `runner.stop` ends it. Answers arrive on the event loop given."""

    def __init__(self, path: Path, name: str, limits: Limits, loop: asyncio.AbstractEventLoop) -> None:
        """Load `path`. Raises OSError, KeyError or ValueError where the files cannot be read."""
        model = Model.load(path)
        self.root = str(path)
        self.name = name
        self.context = model.config.max_len
        self.vocab = model.config.vocab
        self.fingerprint = "numpy-" + hashlib.sha256((path / "model.safetensors").read_bytes()).hexdigest()[:8]
        self.tokenizer = Tokenizer(path, self.vocab)
        self.grammars = Grammars(self.tokenizer, self.vocab)
        scheduler = Scheduler(model, slots=limits.slots, step_tokens=limits.step_tokens)
        self.runner = Runner(scheduler, loop, max_waiting=limits.max_waiting, step_interval=limits.step_interval)

    def sequences(
        self,
        request: ChatRequest | CompletionRequest,
        prompts: Sized[list[int]],
        params: Sized[SamplingParams],
    ) -> list[Sequence]:
        """`n` sequences for each prompt, each choice with a seed of its own. Raises ApiError."""
        return [
            Sequence(
                prompt=prompt,
                params=replace(one, seed=one.seed + choice),
                text=AnswerText(
                    self.tokenizer,
                    stop=request.stops(),
                    include_stop=request.include_stop_str_in_output,
                    skip_special=request.skip_special_tokens,
                ),
                eos_ids=self.tokenizer.eos_ids,
                stream=bool(request.stream),
                constraint=request.constraint(self.grammars),
            )
            for prompt, one in zip(prompts, params, strict=True)
            for choice in range(request.n or 1)
        ]
