"""Sends finished traces to a collector by OTLP over HTTP (https://opentelemetry.io/docs/specs/otlp/).

Nobody waits for it. What is finished waits in a bounded queue, is made into messages a trace at a time between
other work, and posted a batch at a time. A collector that is slow or away fills the queue, and what finds no room
is dropped and counted.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections import deque
from importlib.metadata import version

import aiohttp
import structlog
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from proxy.config_tracing import Tracing, headers_of, url_of
from proxy.tasks import cancel
from proxy.telemetry import Telemetry
from proxy.tracing.spans import encode, resource
from proxy.tracing.trace import Trace

QUEUE = 2_048
"""Most traces that wait. A trace is some kilobytes, whatever its answers were."""
BATCH = 128
"""Most traces in one message."""
EVERY = 1.0
"""Seconds for which finished traces gather."""
TIMEOUT = 10.0
"""Seconds for one message."""
ATTEMPTS = 5
FIRST_PAUSE, MOST_PAUSE = 1.0, 30.0
FLUSH = 2.0
"""Seconds for what is left at the end."""
ANSWER_BYTES = 65_536
_AGAIN = frozenset({429, 502, 503, 504})
"""Answers after which the same message may be taken, as OTLP has it."""

_log = structlog.get_logger(__name__)


class Exporter:
    """`put` traces, and have `run` running."""

    def __init__(self, settings: Tracing, telemetry: Telemetry, process: str) -> None:
        self._url = url_of(settings.endpoint or "")
        self._headers = {
            **(headers_of(os.environ[settings.headers_env]) if settings.headers_env else {}),
            "Content-Type": "application/x-protobuf",
            "User-Agent": f"slipgauge/{version('slipgauge')}",
        }
        self._resource = resource(settings.service_name, process)
        self._counts = telemetry.trace_spans
        for result in ("exported", "rejected", "dropped_queue", "dropped_unsent", "dropped_fault"):
            self._counts.labels(result)
        self._queue: deque[Trace] = deque()
        self._batch: list[tuple[bytes, int]] = []
        """Messages under way, each with its number of spans."""
        self._some = asyncio.Event()
        self._ending = asyncio.Event()
        self._failing = False

    def put(self, trace: Trace) -> None:
        """Export it in time, or drop it where too many wait."""
        if len(self._queue) >= QUEUE:
            self._count("dropped_queue", spans_of(trace))
            return
        self._queue.append(trace)
        self._some.set()

    async def run(self) -> None:
        """Export what is put, until `stop`."""
        async with self._session() as session:
            while self._queue or not self._ending.is_set():
                await self._some.wait()
                self._some.clear()
                await self._pause(EVERY)
                while self._queue:
                    await self._make_batch()
                    await self._deliver(session)

    async def stop(self, running: asyncio.Task[None]) -> None:
        """Have `running` export what is left, for no longer than FLUSH, and end."""
        self._ending.set()
        self._some.set()
        await asyncio.wait((running,), timeout=FLUSH)
        await cancel(running)
        self._unsent()
        for trace in self._queue:
            self._count("dropped_unsent", spans_of(trace))
        self._queue.clear()

    async def _make_batch(self) -> None:
        """Make messages of what waits, letting others have the loop between two."""
        while self._queue and len(self._batch) < BATCH:
            trace = self._queue.popleft()
            try:
                self._batch.append((encode(trace, self._resource), spans_of(trace)))
            except Exception as error:  # a fault of the program must not end the exporting
                self._count("dropped_fault", spans_of(trace))
                _log.error("a trace could not be made", error=type(error).__name__)
            await asyncio.sleep(0)

    async def _deliver(self, session: aiohttp.ClientSession) -> None:
        """Post the batch, again with growing pauses where that may help, and be rid of it."""
        for attempt in range(ATTEMPTS):
            if not self._batch or not await self._post(session) or self._ending.is_set():
                break
            await self._pause(min(FIRST_PAUSE * 2**attempt, MOST_PAUSE))
        self._unsent()

    async def _pause(self, seconds: float) -> None:
        """Wait; not at the end."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._ending.wait(), seconds)

    async def _post(self, session: aiohttp.ClientSession) -> bool:
        """Post the batch, which is gone where it was taken. Whether another attempt may do better."""
        try:
            body = b"".join(message for message, _ in self._batch)
            async with session.post(self._url, data=body, allow_redirects=False) as response:
                answer = await _read(response)
        except (aiohttp.ClientError, OSError) as error:  # TimeoutError is one
            self._failed(type(error).__name__)
            return True
        if response.status // 100 != 2:
            self._failed(f"status {response.status}")
            return response.status in _AGAIN
        self._taken(answer)
        return False

    def _taken(self, answer: bytes) -> None:
        spans = sum(count for _, count in self._batch)
        try:
            rejected = ExportTraceServiceResponse.FromString(answer).partial_success.rejected_spans
        except DecodeError:
            rejected = 0
        rejected = min(max(rejected, 0), spans)
        self._batch.clear()
        self._count("rejected", rejected)
        self._count("exported", spans - rejected)
        if self._failing:
            self._failing = False
            _log.info("the collector takes traces again")

    def _failed(self, problem: str) -> None:
        if not self._failing:
            self._failing = True
            _log.warning("the collector does not take traces", problem=problem)

    def _unsent(self) -> None:
        self._count("dropped_unsent", sum(count for _, count in self._batch))
        self._batch.clear()

    def _count(self, result: str, spans: int) -> None:
        self._counts.labels(result).inc(spans)

    def _session(self) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=1),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            headers=self._headers,
            timeout=aiohttp.ClientTimeout(total=TIMEOUT),
        )


def spans_of(trace: Trace) -> int:
    """How many spans a trace has."""
    return len(trace.legs) + 1


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """The answer's first bytes; more than a collector has to say is not waited for."""
    answer = bytearray()
    async for piece in response.content.iter_any():
        answer += piece
        if len(answer) > ANSWER_BYTES:
            response.close()
            return b""
    return bytes(answer)
