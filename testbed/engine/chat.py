"""`/v1/chat/completions`: prompts from conversations, and answers as messages."""

from __future__ import annotations

import json
from typing import Any

import jinja2

from testbed.engine import hermes
from testbed.engine.answers import Header, chat_logprobs, prompt_logprobs, usage, usage_details
from testbed.engine.engine import Engine
from testbed.engine.errors import bad_value
from testbed.engine.requests import ChatRequest, TokenizeRequest, fit
from testbed.engine.scheduler import Delta, Sequence


def prompt_of(engine: Engine, request: ChatRequest | TokenizeRequest) -> list[int]:
    """The tokens of a rendered conversation. Raises ApiError where the template refuses the messages."""
    options = (request.chat_template_kwargs or {}) if isinstance(request, ChatRequest) else {}
    options = {"add_generation_prompt": request.add_generation_prompt} | options
    try:
        text = engine.tokenizer.render(request.messages or [], request.tools, **options)
    except (jinja2.TemplateError, json.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
        raise bad_value(f"The messages do not fit the chat template: {error}", "messages") from error
    return engine.tokenizer.encode(text)


class ChatAnswer:
    """One chat request: the sequences that it needs, and the bodies that answer it."""

    def __init__(self, engine: Engine, request: ChatRequest) -> None:
        """Raises ApiError for what cannot be answered."""
        request.check()
        self._engine = engine
        self._request = request
        self._header = Header("chat.completion", engine.name, "chatcmpl")
        self._prompt = prompt_of(engine, request)
        param = "max_tokens" if request.max_completion_tokens is None else "max_completion_tokens"
        asked: int | None = getattr(request, param)
        params = request.sampling(
            max_tokens=fit(self._prompt, asked, engine.context, param=param),
            logprobs=(request.top_logprobs or 0) if request.logprobs else None,
            prompt_logprobs=request.prompt_logprobs,
        )
        self.sequences: list[Sequence] = engine.sequences(request, [self._prompt], [params])
        self._tools = [hermes.HermesStream() for _ in self.sequences]
        self._generated = 0

    def body(self, answers: list[Delta]) -> dict[str, Any]:
        """The whole answer, one delta a choice."""
        request, tokenizer = self._request, self._engine.tokenizer
        return self._header.body(
            [self._choice(index, answer) for index, answer in enumerate(answers)],
            system_fingerprint=self._engine.fingerprint,
            usage=usage_details(len(self._prompt), sum(len(answer.token_ids) for answer in answers)),
            prompt_logprobs=prompt_logprobs(tokenizer, answers[0]),
            prompt_token_ids=self._prompt if request.return_token_ids else None,
            prompt_text=None,
        )

    def _choice(self, index: int, answer: Delta) -> dict[str, Any]:
        request = self._request
        content, calls = hermes.parse(answer.text) if request.parses_tools else (answer.text, [])
        message: dict[str, Any] = {
            "role": "assistant",
            "content": (content or "") if request.must_call else content,
            "refusal": None,
            "annotations": None,
            "audio": None,
            "function_call": None,
            "reasoning": None,
        }
        if calls:
            message["tool_calls"] = calls
        return {
            "index": index,
            "message": message,
            "logprobs": self._logprobs(answer),
            "finish_reason": self._finish(answer, called=bool(calls)),
            "stop_reason": answer.stop_reason,
            "token_ids": answer.token_ids if request.return_token_ids else None,
            "routed_experts": None,
        }

    def _logprobs(self, delta: Delta) -> dict[str, Any] | None:
        if not self._request.logprobs:
            return None
        return chat_logprobs(self._engine.tokenizer, delta, self._request.top_logprobs or 0)

    def _finish(self, delta: Delta, *, called: bool) -> str | None:
        """`tool_calls` where the model stopped after calls; a named function counts as `stop`."""
        calls = called and self._request.named_tool is None and delta.finish_reason == "stop"
        return "tool_calls" if calls else delta.finish_reason

    def opening(self) -> list[bytes]:
        """The events that give each choice its role."""
        ids = self._prompt if self._request.return_token_ids else None
        delta = {"role": "assistant", "content": ""}
        choices = [
            {"index": index, "delta": delta, "logprobs": None, "finish_reason": None}
            for index in range(len(self.sequences))
        ]
        more = {"prompt_token_ids": ids} | self._running_usage(0)
        return [self._header.event([choice], **more) for choice in choices]

    def event(self, index: int, delta: Delta) -> bytes:
        """The event for one delta; empty where there is nothing to say yet."""
        request = self._request
        self._generated += len(delta.token_ids)
        finished = delta.finish_reason is not None
        if request.parses_tools:
            message = self._tools[index].push(delta.text, finished=finished)
        else:
            message = {"content": delta.text}
        if not (message.get("content") or len(message) > 1 or "tool_calls" in message) and not (
            finished or request.logprobs or request.return_token_ids
        ):
            return b""
        choice = {
            "index": index,
            "delta": message,
            "logprobs": self._logprobs(delta),
            "finish_reason": self._finish(delta, called=self._tools[index].called),
            "token_ids": delta.token_ids if request.return_token_ids else None,
        }
        if finished:
            choice["stop_reason"] = delta.stop_reason
        return self._header.event([choice], **self._running_usage(self._generated))

    def closing(self) -> list[bytes]:
        """The usage event, where it was asked for."""
        options = self._request.stream_options
        if not (options and options.include_usage):
            return []
        return [self._header.event([], usage=usage(len(self._prompt), self._generated))]

    def _running_usage(self, generated: int) -> dict[str, Any]:
        options = self._request.stream_options
        if not (options and options.include_usage and options.continuous_usage_stats):
            return {}
        return {"usage": usage(len(self._prompt), generated)}
