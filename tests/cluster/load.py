"""Clients in a closed loop, each request a session of its own, that note what became of each and when."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Mapping, Sequence

import orjson

from proxy.tasks import spawn

BODY = orjson.dumps({"model": "m", "messages": [{"role": "user", "content": "Hello?"}]})
PAUSE = 0.1
"""Seconds until a client that was refused a connection asks again."""


class Gate:
    """What clients have seen of one gateway."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.answered = 0
        self.errors: Counter[str] = Counter()
        self.refused = 0
        """Connections that were not made: a load balancer would have gone elsewhere."""
        self.latencies: list[tuple[float, float]] = []
        """When each answer came, and how long it took, in seconds."""
        self.sent = 0


class Load:
    """`clients` for each port, who send `total` requests between them, at most `rate` a second."""

    def __init__(self, ports: Mapping[str, int], *, clients: int, total: int, rate: float) -> None:
        self.gates = {name: Gate(port) for name, port in ports.items()}
        self._clients = clients
        self._left = total
        self._gap = 1 / rate
        self._due = 0.0
        self._number = 0

    @property
    def answered(self) -> int:
        return sum(gate.answered for gate in self.gates.values())

    async def run(self) -> None:
        """Until every request was sent."""
        self._due = time.monotonic()
        tasks = [
            spawn(self._client(gate), name="client") for gate in self.gates.values() for _ in range(self._clients)
        ]
        await asyncio.gather(*tasks)

    def stop(self) -> None:
        """Send no more."""
        self._left = 0

    async def until(self, count: int) -> None:
        """Wait until so many were answered."""
        while self.answered < count:  # noqa: ASYNC110 - another process's doing
            await asyncio.sleep(0.01)

    async def _client(self, gate: Gate) -> None:
        streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        while self._left > 0:
            if streams is None:
                try:
                    streams = await asyncio.open_connection("127.0.0.1", gate.port)
                except OSError:
                    gate.refused += 1
                    await asyncio.sleep(PAUSE)
                    continue
            self._left -= 1
            await self._turn()
            if not await self._ask(gate, *streams):
                streams[1].close()
                streams = None
        if streams is not None:
            streams[1].close()

    async def _turn(self) -> None:
        """Wait for this request's turn in the rate."""
        now = time.monotonic()
        self._due = max(self._due + self._gap, now - 1.0)
        if self._due > now:
            await asyncio.sleep(self._due - now)

    async def _ask(self, gate: Gate, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """One request; whether the connection serves another."""
        self._number += 1
        gate.sent += 1
        head = (
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"X-Session-Id: s-%d\r\nContent-Length: %d\r\n\r\n" % (self._number, len(BODY))
        )
        began = time.monotonic()
        try:
            writer.write(head + BODY)
            answer = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = int(answer.partition(b"content-length: ")[2].partition(b"\r\n")[0])
            await reader.readexactly(length)
        except (OSError, EOFError, ValueError) as error:
            gate.errors[type(error).__name__] += 1
            return False
        ended = time.monotonic()
        if answer[9:12] != b"200":
            gate.errors[answer[9:12].decode()] += 1
        gate.answered += 1
        gate.latencies.append((ended, ended - began))
        return b"connection: close" not in answer


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that `share` of them do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
