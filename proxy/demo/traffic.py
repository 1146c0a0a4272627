"""The demo's client: an ordinary HTTP client that knows the gateway's address and nothing else."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import aiohttp
import orjson

from proxy.demo.arms import MODEL
from testbed.tasks import Prompt

PATH = "/v1/chat/completions"
CONCURRENCY = 24
"""Requests at once where no rate is given."""
MOST_AT_ONCE = 1_000
"""Requests at once at a given rate; a rate beyond what the servers can do slows down here."""
STREAMED = 3
"""One request in so many is streamed."""


@dataclass
class Tally:
    """What the client saw."""

    sent: int = 0
    answered: int = 0
    statuses: Counter[int] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    @property
    def failed(self) -> int:
        """Requests without a whole answer of status 200."""
        return self.sent - self.statuses[200]


class Client:
    """Sends prompts and counts what comes back. `advanced` is called after every answer."""

    def __init__(self, session: aiohttp.ClientSession, slots: int, advanced: Callable[[Tally], None]) -> None:
        self.tally = Tally()
        self._session = session
        self._slots = asyncio.Semaphore(slots)
        self._advanced = advanced

    async def send(self, prompts: Iterable[Prompt], rate: float | None) -> None:
        """Send each prompt once, as a session of its own, and read every answer to its end.

        At `rate` requests a second they start on time whatever the answers do, as far as there are slots.
        """
        started = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for number, prompt in enumerate(prompts):
                if rate:
                    await asyncio.sleep(started + number / rate - time.monotonic())
                await self._slots.acquire()
                group.create_task(self._one(number, prompt), name=f"request-{number}")
        self.tally.seconds = time.monotonic() - started

    async def _one(self, number: int, prompt: Prompt) -> None:
        body = {"model": MODEL, **prompt.body}
        if number % STREAMED == 0:
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        headers = {"Content-Type": "application/json", "X-Session-Id": f"demo-{number}"}
        self.tally.sent += 1
        try:
            async with self._session.post(PATH, data=orjson.dumps(body), headers=headers) as response:
                await response.read()
                self.tally.statuses[response.status] += 1
        except (aiohttp.ClientError, TimeoutError) as error:
            self.tally.errors[type(error).__name__] += 1
        finally:
            self._slots.release()
        self.tally.answered += 1
        self._advanced(self.tally)


async def send(url: str, prompts: Iterable[Prompt], rate: float | None, advanced: Callable[[Tally], None]) -> Tally:
    """Send the prompts to the gateway at `url`: at `rate` a second, or `CONCURRENCY` at once without one."""
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=120)
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(url, timeout=timeout, connector=connector) as session:
        client = Client(session, MOST_AT_ONCE if rate else CONCURRENCY, advanced)
        await client.send(prompts, rate)
        return client.tally
