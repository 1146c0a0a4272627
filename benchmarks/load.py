"""The load generator, a process of its own: a plan a line in, what the clients saw a line out.

    echo '{"port": 8080, "count": 1000, "rate": 300}' | python -m benchmarks.load

With a `rate` the load is open: requests arrive by a Poisson process whatever became of the ones before, each on an
idle connection or a new one, so that a stall is seen by every request that arrives in it. Without one it
is closed: `connections` clients that each ask again as soon as they are answered, which measures cost and
throughput. Every answer is compared with the bytes that the mock servers send.
"""

from __future__ import annotations

import asyncio
import gc
import json
import random
import sys
import threading
import time
from dataclasses import asdict, dataclass
from typing import Literal, cast

import httptools
import uvloop

from benchmarks import messages
from benchmarks.outcome import Seen

COARSE = 1_000_000
"""Nanoseconds that an arrival may be late by the generator's own clock before its lateness counts as latency."""
CLOSED_LIMIT = 120.0
"""Seconds that a closed load may take in all."""
MOST_CONNECTIONS = 4_000
CONVERSATIONS = 2_048
"""Different prompts in one run."""

Answer = Literal["plain", "at_once", "spaced"]


@dataclass(frozen=True)
class Plan:
    """One run."""

    port: int
    count: int
    rate: float | None = None
    """Arrivals a second; None for a closed load."""
    connections: int = 16
    """Clients of a closed load; connections made beforehand for an open one."""
    answer: Answer = "plain"
    """What is asked for: a JSON body, or a stream that the servers send in one write or in `events` spaced ones."""
    events: int = messages.EVENTS
    prompt_bytes: int = 1_000
    exact: bool = True
    """Whether an answer must have the server's bytes; else its status is enough."""
    grace: float = 5.0
    """Seconds after an open load's last arrival; what is unanswered then is an error."""
    seed: int = 1


class Client(asyncio.Protocol):
    """One connection, one request at a time."""

    transport: asyncio.Transport

    def __init__(self, run: Run) -> None:
        self._run = run
        self._parser = httptools.HttpResponseParser(self)
        self._body = bytearray()
        self._scanned = 0
        self._now = 0
        self.since: int | None = None
        """When the request under way arrived."""

    def ask(self, arrival: int) -> None:
        """Send the next request."""
        self.since = arrival
        self.transport.write(self._run.next_request())

    def connection_made(self, transport: asyncio.BaseTransport) -> None:  # noqa: D102
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:  # noqa: D102
        self._now = time.monotonic_ns()
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.transport.abort()

    def on_body(self, piece: bytes) -> None:
        """The parser's call: note how late each event is."""
        self._body += piece
        if self._run.plan.answer == "spaced":
            for found in messages.SENT.finditer(self._body, self._scanned):
                self._run.seen.lateness.append((self._now - int(found[1])) // 1_000)
                self._scanned = found.end()

    def on_message_complete(self) -> None:
        """The parser's call: compare, and be free for the next."""
        since, self.since = self.since, None
        body, self._body, self._scanned = self._body, bytearray(), 0
        if since is None:
            self._run.failed("an answer to nothing")
            return
        status = self._parser.get_status_code()
        error = None
        if status != 200:
            error = f"status {status}"
        elif self._run.plan.exact and not self._run.is_right(body):
            error = "other bytes than the server's"
        self._run.ended(self, since, self._now, error)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: D102
        since, self.since = self.since, None
        self._run.lost(self, since)


class Run:
    """One plan under way."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.seen = Seen()
        stream = plan.answer != "plain"
        self._expected = messages.stream_body(plan.events) if stream else messages.PLAIN_BODY
        self._requests = [
            messages.request(number, stream=stream, prompt_bytes=plan.prompt_bytes)
            for number in range(min(plan.count, CONVERSATIONS))
        ]
        self._asked = 0
        self._ended = 0
        self._clients: set[Client] = set()
        self._idle: list[Client] = []
        self._connecting: set[asyncio.Task[None]] = set()
        self._done = asyncio.Event()
        self._over = False

    async def run(self) -> Seen:
        """Do as planned."""
        await asyncio.gather(*(self._connect() for _ in range(self.plan.connections)))
        started = time.monotonic_ns()
        if self.plan.rate is None:
            for client in self._idle[: self.plan.count]:
                client.ask(started)
            limit = CLOSED_LIMIT
        else:
            arrivals = self._arrivals(self.plan.rate, started)
            loop = asyncio.get_running_loop()
            threading.Thread(target=self._tick, args=(loop, arrivals), daemon=True).start()
            limit = (arrivals[-1] - started) / 1e9 + self.plan.grace
        try:
            await asyncio.wait_for(self._done.wait(), limit)
        except TimeoutError:
            self._give_up()
        self.seen.seconds = (time.monotonic_ns() - started) / 1e9
        self._over = True
        for client in self._clients:
            client.transport.abort()
        return self.seen

    def _arrivals(self, rate: float, started: int) -> list[int]:
        random_ = random.Random(self.plan.seed)
        at = float(started)
        return [int(at := at + random_.expovariate(rate) * 1e9) for _ in range(self.plan.count)]

    def _tick(self, loop: asyncio.AbstractEventLoop, arrivals: list[int]) -> None:
        """A thread of its own, since the loop's timers are no finer than a millisecond."""
        for arrival in arrivals:
            wait = arrival - time.monotonic_ns()
            if wait > 0:
                time.sleep(wait / 1e9)
            loop.call_soon_threadsafe(self._arrive, arrival)

    def _arrive(self, due: int) -> None:
        arrival = min(time.monotonic_ns(), due + COARSE)
        if self._idle:
            self._idle.pop().ask(arrival)
        elif len(self._clients) < MOST_CONNECTIONS:
            self._connecting.add(asyncio.get_running_loop().create_task(self._connect(arrival)))
        else:
            self.failed("no connection free")

    async def _connect(self, arrival: int | None = None) -> None:
        loop = asyncio.get_running_loop()
        try:
            _, client = await loop.create_connection(lambda: Client(self), "127.0.0.1", self.plan.port)
        except OSError:
            self.failed("refused")
            return
        self._clients.add(client)
        if arrival is None:
            self._idle.append(client)
        else:
            client.ask(arrival)

    def next_request(self) -> bytes:
        """The bytes of the next request."""
        self._asked += 1
        return self._requests[self._asked % len(self._requests)]

    def is_right(self, body: bytearray) -> bool:
        """Whether these are the bytes that the servers send."""
        return (messages.timeless(body) if self.plan.answer == "spaced" else body) == self._expected

    def ended(self, client: Client, since: int, now: int, error: str | None) -> None:
        """A request was answered, rightly or not."""
        self.seen.latencies.append((now - since) // 1_000)
        if self.plan.rate is not None:
            self._idle.append(client)
        elif self._asked < self.plan.count:
            client.ask(now)
        self._count(error)

    def lost(self, client: Client, since: int | None) -> None:
        """A connection closed."""
        if self._over:
            return
        self._clients.discard(client)
        if client in self._idle:
            self._idle.remove(client)
        if since is not None:
            self.seen.latencies.append((time.monotonic_ns() - since) // 1_000)
            self._count("closed before its end")

    def failed(self, error: str) -> None:
        """A request that never got as far as waiting."""
        self._count(error)

    def _count(self, error: str | None) -> None:
        if error is not None:
            self.seen.errors[error] = self.seen.errors.get(error, 0) + 1
        self._ended += 1
        if self._ended >= self.plan.count:
            self._done.set()

    def _give_up(self) -> None:
        now = time.monotonic_ns()
        waiting = [client.since for client in self._clients if client.since is not None]
        self.seen.latencies.extend((now - since) // 1_000 for since in waiting)
        self.seen.errors["unanswered"] = self.plan.count - self._ended


async def follow(plan: Plan) -> Seen:
    """Do as planned, on a loop of its own."""
    return await Run(plan).run()


def main() -> None:
    """Run every plan that standard input gives, and print what was seen."""
    gc.disable()
    for line in sys.stdin:
        seen = uvloop.run(follow(Plan(**json.loads(line))))
        print(json.dumps(asdict(seen)), flush=True)
        gc.collect()


if __name__ == "__main__":
    main()
