"""`/v1/completions`: texts or token ids continued, echoed, and scored."""

from __future__ import annotations

from typing import Any

from testbed.engine.answers import Header, completion_logprobs, prompt_logprobs, usage, usage_details
from testbed.engine.engine import Engine
from testbed.engine.errors import bad_value
from testbed.engine.requests import CompletionRequest, fit
from testbed.engine.scheduler import Delta, Sequence


class CompletionAnswer:
    """One completions request: the sequences that it needs, and the bodies that answer it."""

    def __init__(self, engine: Engine, request: CompletionRequest) -> None:
        """Raises ApiError for what cannot be answered."""
        request.check()
        self._engine = engine
        self._request = request
        self._header = Header("text_completion", engine.name, "cmpl")
        self._prompts = [self._tokens(prompt) for prompt in request.prompts()]
        asked = 16 if request.max_tokens is None else request.max_tokens
        self._only_prompt = bool(request.echo) and asked == 0
        scored = request.prompt_logprobs
        if scored is None and request.echo:
            scored = request.logprobs
        params = [
            request.sampling(
                # vLLM cannot run without sampling either: it generates one token and leaves it out.
                max_tokens=1 if self._only_prompt else fit(prompt, asked, engine.context),
                logprobs=request.logprobs,
                prompt_logprobs=scored,
            )
            for prompt in self._prompts
        ]
        self.sequences: list[Sequence] = engine.sequences(request, self._prompts, params)
        self._generated = [0] * len(self.sequences)
        self._offsets = [0] * len(self.sequences)

    def _tokens(self, prompt: str | list[int]) -> list[int]:
        tokens = self._engine.tokenizer.encode(prompt) if isinstance(prompt, str) else prompt
        if not tokens:
            raise bad_value("The decoder prompt cannot be empty", "prompt")
        if bad := next((token for token in tokens if not 0 <= token < self._engine.vocab), None):
            raise bad_value(f"Token id {bad} is out of vocabulary", "prompt")
        fit(tokens, None, self._engine.context)
        return tokens

    def body(self, answers: list[Delta]) -> dict[str, Any]:
        """The whole answer, one delta a choice."""
        prompts = sum(len(prompt) for prompt in self._prompts)
        return self._header.body(
            [self._choice(index, answer) for index, answer in enumerate(answers)],
            system_fingerprint=self._engine.fingerprint,
            usage=usage_details(prompts, sum(len(answer.token_ids) for answer in answers)),
        )

    def _choice(self, index: int, answer: Delta) -> dict[str, Any]:
        request = self._request
        return {
            "index": index,
            "text": self._text(index, answer, first=True),
            "logprobs": self._logprobs(index, answer, first=True),
            "finish_reason": answer.finish_reason,
            "stop_reason": answer.stop_reason,
            "token_ids": answer.token_ids if request.return_token_ids else None,
            "prompt_logprobs": prompt_logprobs(self._engine.tokenizer, answer),
            "prompt_token_ids": self._prompt(index) if request.return_token_ids else None,
            "routed_experts": None,
        }

    def _prompt(self, index: int) -> list[int]:
        return self.sequences[index].prompt

    def _text(self, index: int, delta: Delta, *, first: bool) -> str:
        """The text to send; the prompt comes before it, and instead of it where nothing was asked for."""
        text = "" if self._only_prompt else delta.text
        echoed = self._request.echo and first and not self._request.return_token_ids
        return self._engine.tokenizer.decode(self._prompt(index)) + text if echoed else text

    def _logprobs(self, index: int, delta: Delta, *, first: bool) -> dict[str, Any] | None:
        shown = self._request.logprobs
        if shown is None:
            return None
        tokens, entries = delta.token_ids, [*delta.logprobs]
        if self._only_prompt:
            tokens, entries = [], []
        if self._request.echo and first:
            tokens = [*self._prompt(index), *tokens]
            entries = [None, *(delta.prompt_logprobs or []), *entries]  # type: ignore[list-item]
        told = completion_logprobs(self._engine.tokenizer, tokens, entries, shown, self._offsets[index])
        if tokens:
            self._offsets[index] = told["text_offset"][-1] + len(told["tokens"][-1])
        return told

    def opening(self) -> list[bytes]:
        """Completions have no opening events."""
        return []

    def event(self, index: int, delta: Delta) -> bytes:
        """The event for one delta."""
        request = self._request
        first = self._generated[index] == 0
        self._generated[index] += len(delta.token_ids)
        choice = {
            "index": index,
            "text": self._text(index, delta, first=first),
            "logprobs": self._logprobs(index, delta, first=first),
            "finish_reason": delta.finish_reason,
            "stop_reason": delta.stop_reason,
            "prompt_token_ids": self._prompt(index) if first and request.return_token_ids else None,
            "token_ids": delta.token_ids if request.return_token_ids else None,
        }
        options = request.stream_options
        if options and options.include_usage and options.continuous_usage_stats:
            more = {"usage": usage(len(self._prompt(index)), self._generated[index])}
            return self._header.event([choice], **more)
        return self._header.event([choice])

    def closing(self) -> list[bytes]:
        """The usage event, where it was asked for."""
        options = self._request.stream_options
        if not (options and options.include_usage):
            return []
        told = usage(sum(len(prompt) for prompt in self._prompts), sum(self._generated))
        return [self._header.event([], usage=told)]
