"""A server that speaks as much of vLLM's API as the doctor asks for, with whatever settings a test gives it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import orjson
from aiohttp import web
from aiohttp.test_utils import TestServer

from proxy.doctor.sampling import NEUTRAL


@dataclass
class Peer:
    """The settings of one server, and what it was asked."""

    version: str = "0.32.0"
    names: tuple[str, ...] = ("m",)
    max_model_len: int = 1024
    first_token: int = 0
    turn: str = "<|{}|>"
    refused: str = "no role"
    own: Mapping[str, float] = field(default_factory=dict)
    weights: str = "some"
    steady_for: int = 1_000_000
    """Seeded answers after which none is like another."""
    tool_syntax: str | None = "<tool_call>\n{"
    apart: bool = False
    drafted: int = 0
    cache: Mapping[str, str] = field(
        default_factory=lambda: {
            "cache_dtype": "auto",
            "block_size": "16",
            "enable_prefix_caching": "True",
        }
    )
    forgets: int = 0
    healthy: int = 200
    lacks: frozenset[str] = frozenset()
    """Paths that it answers by 404."""
    raw: Mapping[str, bytes] = field(default_factory=dict)
    """What it answers at a path, whatever it is asked."""
    asked: list[tuple[str, str | None, Any]] = field(default_factory=list)

    async def answer(self, request: web.Request) -> web.Response:
        """What it says to any request."""
        sent = await request.read()
        body = orjson.loads(sent) if sent else {}
        self.asked.append((request.path, request.headers.get("Authorization"), body))
        if request.path in self.lacks:
            return web.Response(status=404)
        if request.path in self.raw:
            return web.Response(body=self.raw[request.path])
        if sent and body["model"] not in self.names:
            return web.Response(status=404)
        handler = {
            "/health": self._health,
            "/version": lambda _: {"version": self.version},
            "/v1/models": self._models,
            "/metrics": self._metrics,
            "/tokenize": self._tokenize,
            "/detokenize": self._detokenize,
            "/v1/completions": self._complete,
            "/v1/chat/completions": self._chat,
        }[request.path]
        told: Any = handler(body)
        return told if isinstance(told, web.Response) else web.json_response(told)

    def _health(self, _: Any) -> web.Response:
        return web.Response(status=self.healthy)

    def _models(self, _: Any) -> Any:
        return {"data": [{"id": name, "max_model_len": self.max_model_len} for name in self.names]}

    def _metrics(self, _: Any) -> web.Response:
        labels = ",".join(f'{name}="{value}"' for name, value in self.cache.items())
        lines = [
            "# TYPE vllm:num_requests_running gauge",
            'vllm:num_requests_running{engine="0"} 0.0',
            "# TYPE vllm:cache_config_info gauge",
            f"vllm:cache_config_info{{{labels}}} 1.0",
        ]
        if self.drafted:
            lines.append("# TYPE vllm:spec_decode_num_accepted_tokens_per_pos_total counter")
        places = range(self.drafted)
        lines += [f'vllm:spec_decode_num_accepted_tokens_per_pos_total{{position="{n}"}} 0.0' for n in places]
        return web.Response(text="\n".join([*lines, ""]))

    def _tokenize(self, body: Any) -> Any:
        if "prompt" in body:
            text = body["prompt"]
        elif any(self.refused == message["role"] for message in body["messages"]):
            return web.json_response({"error": "this template knows no such role"}, status=400)
        else:
            text = orjson.dumps(body.get("tools")).decode() + "".join(
                self.turn.format(message["role"]) + str(message["content"]) for message in body["messages"]
            )
            text += self.turn.format("assistant") * body.get("add_generation_prompt", True)
        return {"tokens": [ord(char) + self.first_token for char in text]}

    def _detokenize(self, body: Any) -> Any:
        return {"prompt": "".join(chr(token - self.first_token) for token in body["tokens"])}

    def _complete(self, body: Any) -> Any:
        if "prompt_logprobs" in body:
            before = sum("prompt_logprobs" in sent for path, _, sent in self.asked if isinstance(sent, dict))
            told = [None] * (1 + self.forgets * (before > 1))
            return {"choices": [{"text": "", "prompt_logprobs": told + [{}] * (20 - len(told))}]}
        values = {**NEUTRAL, **self.own, **{name: body[name] for name in NEUTRAL if name in body}}
        number = sum(path == "/v1/completions" for path, _, _ in self.asked)
        drawn = repr((self.weights, body["seed"], sorted(values.items()), max(0, number - self.steady_for)))
        return {"choices": [{"text": sha256(drawn.encode()).hexdigest()}]}

    def _chat(self, body: Any) -> Any:
        (text,) = body["structured_outputs"]["choice"]
        if "tools" in body and self.tool_syntax is None:
            said = '"auto" tool choice requires --enable-auto-tool-choice and --tool-call-parser to be set'
            return web.json_response({"error": {"message": said}}, status=400)
        message: dict[str, Any] = {"role": "assistant", "content": text}
        if "tools" in body and text.startswith(self.tool_syntax or ""):
            message = {"role": "assistant", "content": None, "tool_calls": [{}]}
        if text.startswith("<think>") and self.apart:
            message = {"role": "assistant", "content": "y", "reasoning": "x"}
        return {"choices": [{"message": message}]}


@asynccontextmanager
async def serving(peer: Peer) -> AsyncIterator[str]:
    """The URL at which it answers."""
    app = web.Application(client_max_size=1 << 26)
    app.router.add_route("*", "/{path:.*}", peer.answer)
    server = TestServer(app)
    await server.start_server()
    try:
        yield str(server.make_url("")).rstrip("/")
    finally:
        await server.close()
