"""A plain mirroring proxy as many write it: an aiohttp handler, an aiohttp client, a task for the copy.

    python -m benchmarks.peers.aiohttp_proxy PORT BASELINE_PORT CANDIDATE_PORT SHARE

It reads the mirrored answer and throws it away; nothing is bounded, scored or accounted for.
"""

from __future__ import annotations

import asyncio
import random
import sys
from pathlib import Path

import aiohttp
import uvloop
from aiohttp import web

from benchmarks.peers.peer import Peer
from benchmarks.process import Process, free_ports
from proxy.tasks import spawn

_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "host"}


class AiohttpProxy(Peer):
    """The program below, as a peer."""

    name = "aiohttp"

    def __init__(self, folder: Path, baseline: int, candidate: int, share: float) -> None:
        [port] = free_ports(1)
        command = [sys.executable, "-m", "benchmarks.peers.aiohttp_proxy", port, baseline, candidate, share]
        super().__init__(Process(command, port, folder / "aiohttp.log"), port)


class Proxy:
    """The handler and its client session."""

    def __init__(self, session: aiohttp.ClientSession, baseline: int, candidate: int, share: float) -> None:
        self._session = session
        self._baseline = f"http://127.0.0.1:{baseline}"
        self._candidate = f"http://127.0.0.1:{candidate}"
        self._share = share

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Pass a request on, its answer as it comes, and a copy to the candidate."""
        body = await request.read()
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP_BY_HOP}
        if random.random() < self._share:
            _ = spawn(self._mirror(request, headers, body), name="mirror")
        url = self._baseline + request.path_qs
        async with self._session.request(request.method, url, headers=headers, data=body) as answer:
            response = web.StreamResponse(status=answer.status)
            for name, value in answer.headers.items():
                if name.lower() not in _HOP_BY_HOP:
                    response.headers[name] = value
            response.content_length = answer.content_length
            await response.prepare(request)
            async for piece in answer.content.iter_any():
                await response.write(piece)
            await response.write_eof()
            return response

    async def _mirror(self, request: web.Request, headers: dict[str, str], body: bytes) -> None:
        try:
            url = self._candidate + request.path_qs
            async with self._session.request(request.method, url, headers=headers, data=body) as answer:
                await answer.read()
        except (aiohttp.ClientError, OSError):
            pass  # a mirror's failure is nobody's


async def _serve(port: int, baseline: int, candidate: int, share: float) -> None:
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as session:
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_route("*", "/{path:.*}", Proxy(session, baseline, candidate, share).handle)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port, backlog=4096).start()
        await asyncio.Event().wait()


def main() -> None:
    """Serve the ports given."""
    port, baseline, candidate, share = sys.argv[1:]
    uvloop.run(_serve(int(port), int(baseline), int(candidate), float(share)))


if __name__ == "__main__":
    main()
