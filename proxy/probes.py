"""Further requests that analyzers need: fresh samples, token ids, teacher forcing. Made here, within bounds.

Each goes by the arm's own limits for extra legs (its token budget, and back-pressure from its servers' queues), and
by the analyzer's own budget (`probes.<analyzer>`). No client waits for any. What becomes of them says nothing of a
server's health: an arm that cannot take a probe must not lose clients' traffic by it, so nothing here ejects.

An analyzer has read hostile text, so what it asks is not trusted: one of a few paths, a model that is configured,
nothing that leans on one server or acts on the world, no stream, bounded in number, bytes and time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from typing import TYPE_CHECKING

import aiohttp
import orjson
import structlog

from analyzers.finding import Probe
from analyzers.pair import CapturedPair, End
from proxy.config import Config
from proxy.credentials import authorization
from proxy.gateway.arms.arm import Arm
from proxy.gateway.arms.budget import TokenBudget, prompt_tokens, spent_tokens
from proxy.gateway.arms.servers import Server
from proxy.gateway.capture import Recorder
from proxy.gateway.eligibility import TooIntricateError, stands_alone
from proxy.gateway.outgoing import Target, target_of
from proxy.tasks import cancel, spawn
from proxy.telemetry import Telemetry
from proxy.workers.job import Replies

if TYPE_CHECKING:
    from proxy.tracing.trace import Trace
    from proxy.tracing.tracer import Tracer

PATHS = {"/v1/chat/completions": True, "/v1/completions": True, "/tokenize": False}
"""What may be asked, and whether it costs tokens."""
PAIRS = 64
"""Most pairs whose needs are seen to at once; further ones are dropped."""
IN_FLIGHT = 8
"""Most probes at once to both arms."""
DEADLINE = 30.0
"""Seconds for all that one analyzer needs for one pair at once."""
ANSWER_BYTES = 4 * 1024 * 1024

_log = structlog.get_logger(__name__)


class _NoReplyError(Exception):
    """A probe that was not made, or not answered; the message is its `result` label."""


class Prober:
    """Asks the arms of one gateway. Start it within a running loop, by the first `ask`; `close` ends it."""

    def __init__(
        self, config: Config, arms: Mapping[str, Arm], telemetry: Telemetry, tracer: Tracer | None = None
    ) -> None:
        self._arms = arms
        self._tracer = tracer
        self._telemetry = telemetry
        now, share = monotonic(), 1 / config.gateway.workers
        self._budgets = {
            name: TokenBudget(probes.tokens_per_second * share, now) for name, probes in config.probes.items()
        }
        self._tasks: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None
        self.follow(config)

    def follow(self, config: Config) -> None:
        """Name models as this configuration does from now on."""
        self._models = frozenset(config.models)
        self._targets = {name: target_of(name, arm.settings, config) for name, arm in self._arms.items()}

    def ask(
        self, analyzer: str, pair: CapturedPair, probes: Sequence[Probe], done: Callable[[Replies | None], None]
    ) -> None:
        """See `proxy.workers.pool.Asker`."""
        if len(self._tasks) >= PAIRS:
            for probe in probes:
                self._count(probe, analyzer, "busy")
            asyncio.get_running_loop().call_soon(done, None)
            return
        trace = None if self._tracer is None else self._tracer.of(pair.arrival)
        task = spawn(self._all(analyzer, probes, done, trace), name="probes")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """See `proxy.workers.pool.Asker`."""
        await cancel(*self._tasks)
        if self._session is not None:
            await self._session.close()

    async def _all(
        self,
        analyzer: str,
        probes: Sequence[Probe],
        done: Callable[[Replies | None], None],
        trace: Trace | None,
    ) -> None:
        replies: Replies | None = None
        tasks = [spawn(self._one(analyzer, probe, trace), name="probe") for probe in probes]
        try:
            async with asyncio.timeout(DEADLINE):
                came = [reply for reply in await asyncio.gather(*tasks) if reply is not None]
            replies = tuple(came) if len(came) == len(probes) else None
        except TimeoutError:
            _log.info("probes were not answered in time", analyzer=analyzer)
        finally:
            await cancel(*tasks)
            done(replies)

    async def _one(self, analyzer: str, probe: Probe, trace: Trace | None) -> tuple[int, bytes] | None:
        """Status and body of one answer, or None; counted."""
        result = "failed"
        try:
            status, body = await self._made(analyzer, probe, trace)
            result = "answered" if status < 300 else "unsupported"
            return status, body
        except _NoReplyError as error:
            result = str(error)
        except (aiohttp.ClientError, OSError):  # TimeoutError is one
            pass
        except Exception as error:
            _log.error("a probe failed", error=type(error).__name__)
        finally:
            self._count(probe, analyzer, result)
        return None

    def _count(self, probe: Probe, analyzer: str, result: str) -> None:
        self._telemetry.probes.labels(probe.arm, analyzer, result).inc()

    async def _made(self, analyzer: str, probe: Probe, trace: Trace | None) -> tuple[int, bytes]:
        arm, body = self._arms[probe.arm], self._body(probe, self._targets[probe.arm])
        now, tokens = monotonic(), prompt_tokens(len(body)) if PATHS[probe.path] else 0
        server = _best(arm)
        budget = self._budgets.get(analyzer)
        if server is None:
            raise _NoReplyError("down")
        if budget is None or not budget.take(tokens, now):
            raise _NoReplyError("budget")
        if (state := arm.spend("probe", tokens, now)) is not None:
            budget.settle(tokens, 0)
            raise _NoReplyError(state.removeprefix("dropped_"))
        spent = tokens
        try:
            status, answer = await self._sent(arm, server, probe, body, trace)
            if PATHS[probe.path]:
                spent = 0 if 400 <= status < 500 else spent_tokens(tokens, answer)
        finally:
            arm.settle("probe", tokens, spent)
            budget.settle(tokens, spent)
        return status, answer.capture().body

    def _body(self, probe: Probe, target: Target) -> bytes:
        model = probe.body.get("model")
        if type(model) is not str or model not in self._models:
            raise _NoReplyError("refused")
        try:
            allowed = probe.path in PATHS and stands_alone(probe.body)
        except TooIntricateError:
            allowed = False
        if not allowed:
            raise _NoReplyError("refused")
        return orjson.dumps({**probe.body, "model": target.name_of(model), "stream": False})

    async def _sent(
        self, arm: Arm, server: Server, probe: Probe, body: bytes, trace: Trace | None
    ) -> tuple[int, Recorder]:
        if self._session is None:
            # uvicorn, under vLLM, closes idle connections after 5 s: ours must be gone by then.
            connector = aiohttp.TCPConnector(limit=IN_FLIGHT, keepalive_timeout=3.0)
            self._session = aiohttp.ClientSession(
                connector=connector, cookie_jar=aiohttp.DummyCookieJar(), auto_decompress=False
            )
        headers = {
            "Content-Type": "application/json",
            "Accept-Encoding": "identity",
            "X-Slipgauge-Leg": "probe",
            **authorization(arm.settings),
        }
        answer = Recorder(ANSWER_BYTES)
        span = None
        if trace is not None:
            model = self._targets[probe.arm].name_of(str(probe.body.get("model")))
            span = trace.leg(arm.name, "probe", model=model, recorder=answer, now=monotonic())
            headers["traceparent"] = span.start(monotonic(), server.url)
        end, status = End.RESET, None
        server.outstanding += 1
        try:
            async with self._session.post(
                server.url.rstrip("/") + probe.path,
                data=body,
                headers=headers,
                ssl=arm.tls or True,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=DEADLINE),
            ) as response:
                status = response.status
                async for piece in response.content.iter_any():
                    if not answer.data(piece, 0.0):
                        raise _NoReplyError("too_large")
            end = End.COMPLETE
        finally:
            server.outstanding -= 1
            if span is not None:
                span.over(end, status, monotonic())
        if not 200 <= response.status < 300 and not (400 <= response.status < 500 and response.status != 429):
            raise _NoReplyError("failed")
        return response.status, answer


def _best(arm: Arm) -> Server | None:
    """The least busy of the arm's servers that serve; trials of the others are for requests whose end counts."""
    return min((server for server in arm.servers.all if server.usable), key=lambda s: s.outstanding, default=None)
