"""A load of requests that counts what became of each: answered, refused a connection, or lost."""

from __future__ import annotations

import asyncio
from collections import Counter

import orjson

REQUEST = orjson.dumps({"model": "m", "messages": [{"role": "user", "content": "Hello?"}]})


def head(*, close: bool) -> bytes:
    """The head of the request, on a connection that is kept or not."""
    end = b"Connection: close\r\n" if close else b""
    return (
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n%b\r\n" % (len(REQUEST), end)
    )


class Load:
    """Clients in a closed loop, until they are told to stop or the port is closed to them."""

    def __init__(self, port: int, *, keep: int, fresh: int) -> None:
        self.outcomes: Counter[str] = Counter()
        self._port = port
        self._stopping = False
        self._news = asyncio.Event()
        self._clients = [self._kept() for _ in range(keep)] + [self._fresh() for _ in range(fresh)]

    async def run(self) -> None:
        """Until `stop`, or until the port is closed."""
        await asyncio.gather(*self._clients)

    async def answered(self, count: int) -> None:
        """Wait until so many requests have been answered well."""
        while self.outcomes["200"] < count:
            self._news.clear()
            await self._news.wait()

    def stop(self) -> None:
        """Every client ends after its present request."""
        self._stopping = True

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter] | None:
        try:
            return await asyncio.open_connection("127.0.0.1", self._port)
        except ConnectionRefusedError:
            self._stopping = True
        except OSError as error:
            self.outcomes[f"lost: {type(error).__name__} on connecting"] += 1
        return None

    async def _kept(self) -> None:
        """Requests on one connection until its server says that it closes it, then on another."""
        while not self._stopping and (streams := await self._connect()):
            while await self._ask(*streams, close=False) and not self._stopping:
                pass
            streams[1].close()

    async def _fresh(self) -> None:
        """A connection for each request."""
        while not self._stopping and (streams := await self._connect()):
            await self._ask(*streams, close=True)
            streams[1].close()

    async def _ask(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, close: bool) -> bool:
        """One request. Returns whether the connection serves another."""
        try:
            writer.write(head(close=close) + REQUEST)
            answer = (await reader.readuntil(b"\r\n\r\n")).lower()
            length = int(answer.partition(b"content-length: ")[2].partition(b"\r\n")[0])
            await reader.readexactly(length)
        except (OSError, EOFError, ValueError) as error:
            self.outcomes[f"lost: {type(error).__name__}"] += 1
            return False
        self.outcomes[answer[9:12].decode()] += 1
        self._news.set()
        return b"connection: close" not in answer
