"""The HTTP side: an aiohttp application over one engine, and starting and stopping it on a port.

A client that goes away cancels its handler, and leaving the handler aborts its sequences.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from aiohttp import web

from testbed.engine import __version__
from testbed.engine.answers import DONE, whole
from testbed.engine.chat import ChatAnswer, prompt_of
from testbed.engine.completion import CompletionAnswer
from testbed.engine.engine import Engine, Limits
from testbed.engine.errors import ApiError, bad_value, unknown_model
from testbed.engine.metrics import exposition
from testbed.engine.requests import ChatRequest, CompletionRequest, TokenizeRequest, parse
from testbed.engine.runner import Deltas, EngineDeadError, QueueFullError
from testbed.engine.scheduler import Delta

MAX_BODY = 8 << 20
KEEP_ALIVE_S = 5.0  # uvicorn's, which vLLM keeps

Answer = ChatAnswer | CompletionAnswer
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Api:
    """The handlers of one engine."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._created = int(time.time())

    def app(self) -> web.Application:
        """The application with its routes."""
        app = web.Application(client_max_size=MAX_BODY, middlewares=[_errors])
        app.add_routes(
            [
                web.post("/v1/chat/completions", self.chat),
                web.post("/v1/completions", self.completions),
                web.post("/tokenize", self.tokenize),
                web.get("/v1/models", self.models),
                web.get("/health", self.health),
                web.get("/version", self.version),
                web.get("/metrics", self.metrics),
            ]
        )
        return app

    async def chat(self, http: web.Request) -> web.StreamResponse:
        """`POST /v1/chat/completions`."""
        request = parse(ChatRequest, await http.read())
        self._known(request.model)
        return await self._answer(http, ChatAnswer(self._engine, request), stream=bool(request.stream))

    async def completions(self, http: web.Request) -> web.StreamResponse:
        """`POST /v1/completions`."""
        request = parse(CompletionRequest, await http.read())
        self._known(request.model)
        return await self._answer(http, CompletionAnswer(self._engine, request), stream=bool(request.stream))

    async def tokenize(self, http: web.Request) -> web.StreamResponse:
        """`POST /tokenize`."""
        request = parse(TokenizeRequest, await http.read())
        self._known(request.model)
        tokenizer = self._engine.tokenizer
        if request.messages is not None:
            tokens = prompt_of(self._engine, request)
        elif request.prompt is not None:
            tokens = tokenizer.encode(request.prompt)
        else:
            raise bad_value("Either `prompt` or `messages` must be given.", "prompt")
        texts = [tokenizer.decode([token], skip_special=False) for token in tokens]
        return _json(
            {
                "count": len(tokens),
                "max_model_len": self._engine.context,
                "tokens": tokens,
                "token_strs": texts if request.return_token_strs else None,
            }
        )

    async def models(self, http: web.Request) -> web.StreamResponse:
        """`GET /v1/models`."""
        card = {
            "id": self._engine.name,
            "object": "model",
            "created": self._created,
            "owned_by": "slipgauge",
            "root": self._engine.root,
            "parent": None,
            "max_model_len": self._engine.context,
            "permission": [],
        }
        return _json({"object": "list", "data": [card]})

    async def health(self, http: web.Request) -> web.StreamResponse:
        """`GET /health`: 200 while the engine's thread lives, with an empty body."""
        return web.Response(status=200 if self._engine.runner.alive else 503)

    async def version(self, http: web.Request) -> web.StreamResponse:
        """`GET /version`."""
        return _json({"version": __version__})

    async def metrics(self, http: web.Request) -> web.StreamResponse:
        """`GET /metrics` in Prometheus' text format."""
        kind = "text/plain; version=1.0.0; charset=utf-8"
        return web.Response(body=exposition(self._engine), headers={"Content-Type": kind})

    def _known(self, model: str | None) -> None:
        if model and model != self._engine.name:
            raise unknown_model(model, self._engine.name)

    async def _answer(self, http: web.Request, answer: Answer, *, stream: bool) -> web.StreamResponse:
        async with self._engine.runner.answers(answer.sequences) as deltas:
            if stream:
                return await _stream(http, answer, deltas)
            answers = [Delta() for _ in answer.sequences]
            async for index, delta in _until_finished(deltas, len(answers)):
                answers[index] = delta
            return _json(answer.body(answers))


async def _stream(http: web.Request, answer: Answer, deltas: Deltas) -> web.StreamResponse:
    """Send events as deltas arrive; those that wait together leave together."""
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
    unfinished = len(answer.sequences)
    out = answer.opening()
    backlog: dict[int, list[Delta]] = {index: [] for index in range(unfinished)}
    begun = False
    while unfinished:
        index, delta = await deltas.get()
        backlog[index].append(delta)
        while not deltas.empty():
            index, delta = deltas.get_nowait()
            backlog[index].append(delta)
        if not begun:
            # Status and role leave with the first token, as vLLM sends them.
            await response.prepare(http)
            begun = True
        for index, arrived in backlog.items():
            if arrived:
                joined = whole(arrived)
                arrived.clear()
                if joined.finish_reason == "error":
                    raise ConnectionResetError("the engine has failed")
                out.append(answer.event(index, joined))
                unfinished -= joined.finish_reason is not None
        if not unfinished:
            out += [*answer.closing(), DONE]
        await response.write(b"".join(out))
        out = []
    await response.write_eof()
    return response


async def _until_finished(deltas: Deltas, count: int) -> AsyncIterator[tuple[int, Delta]]:
    while count:
        index, delta = await deltas.get()
        if delta.finish_reason == "error":
            raise EngineDeadError
        count -= delta.finish_reason is not None
        yield index, delta


@web.middleware
async def _errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer every failure with an error object."""
    try:
        return await handler(request)
    except ApiError as error:
        return _json(error.body(), status=error.status)
    except QueueFullError:
        full = ApiError(503, "ServiceUnavailableError", "The waiting queue is full. Try again later.")
        return _json(full.body(), status=503)
    except EngineDeadError:
        dead = ApiError(500, "InternalServerError", "The engine has failed.")
        return _json(dead.body(), status=500)
    except web.HTTPException as error:
        refused = ApiError(error.status, error.reason, error.reason)
        allow = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
        return _json(refused.body(), status=error.status, headers=allow)


def _json(content: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    body = orjson.dumps(content)
    return web.Response(body=body, status=status, content_type="application/json", headers=headers)


@dataclass(frozen=True)
class Serving:
    """A server that is up."""

    engine: Engine
    host: str
    port: int

    @property
    def url(self) -> str:
        """Where it listens, for a client's `base_url` less the `/v1`."""
        return f"http://{self.host}:{self.port}"


@asynccontextmanager
async def serving(
    path: Path, *, host: str = "127.0.0.1", port: int = 0, name: str | None = None, limits: Limits | None = None
) -> AsyncIterator[Serving]:
    """Load a model directory and serve it until the block is left; port 0 takes a free one.

    Raises OSError where the port is taken, and what `Engine` raises for files that do not read.
    """
    loop = asyncio.get_running_loop()
    engine = await asyncio.to_thread(Engine, path, name or path.name, limits or Limits(), loop)
    try:
        runner = web.AppRunner(
            Api(engine).app(),
            handler_cancellation=True,
            keepalive_timeout=KEEP_ALIVE_S,
            access_log=None,
            shutdown_timeout=1.0,
        )
        await runner.setup()
        try:
            site = web.TCPSite(runner, host, port, backlog=512)
            await site.start()
            bound: int = runner.addresses[0][1]
            yield Serving(engine, host, bound)
        finally:
            await runner.cleanup()
    finally:
        await engine.runner.stop()
