"""Real NATS servers on free ports: one, or a cluster, each a process that a test may kill, stop and start again."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from pathlib import Path

import nats

PROGRAM = Path(sys.executable).with_name("nats-server")


_given: set[int] = set()


def free_port() -> int:
    """A port that nobody listens on, and that was not given before: the kernel may name one twice in a row."""
    while True:
        with socket.socket() as held:
            held.bind(("127.0.0.1", 0))
            port: int = held.getsockname()[1]
        if port not in _given:
            _given.add(port)
            return port


class Server:
    """One server. Its store outlives its process."""

    def __init__(
        self,
        folder: Path,
        name: str = "n1",
        routes: tuple[int, ...] = (),
        route: int = 0,
        *,
        config: Path | None = None,
        jetstream: bool = True,
    ) -> None:
        self.port = free_port()
        self.name = name
        self.folder = folder / name
        self._routes = routes
        self._route = route
        self._config = config
        self._jetstream = jetstream
        self.process: asyncio.subprocess.Process | None = None

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self.port}"

    async def start(self) -> None:
        arguments = ["-a", "127.0.0.1", "-p", str(self.port), "-n", self.name]
        if self._jetstream:
            arguments += ["-js", "-sd", str(self.folder)]
        if self._routes:
            routes = ",".join(f"nats://127.0.0.1:{port}" for port in self._routes)
            arguments += ["--cluster_name", "c", "--cluster", f"nats://127.0.0.1:{self._route}", "--routes", routes]
        if self._config is not None:
            arguments += ["-c", str(self._config)]
        self.folder.mkdir(exist_ok=True)
        with (self.folder / "log").open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "proxy.processes.orphans", str(os.getpid()), PROGRAM),
                *arguments,
                stdout=log,
                stderr=log,
                stdin=asyncio.subprocess.DEVNULL,
            )

    async def kill(self) -> None:
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()

    def cut_off(self) -> None:
        """No word comes from it any more, as from behind a broken network."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)

    def reconnect(self) -> None:
        assert self.process is not None
        self.process.send_signal(signal.SIGCONT)


class Cluster:
    """Servers that hold every stream together, or one alone."""

    def __init__(self, folder: Path, size: int) -> None:
        routes = tuple(free_port() for _ in range(size)) if size > 1 else ()
        self.servers = [
            Server(folder, f"n{number + 1}", routes, routes[number] if routes else 0) for number in range(size)
        ]

    @property
    def urls(self) -> tuple[str, ...]:
        return tuple(server.url for server in self.servers)

    async def start(self) -> None:
        """Start every server, and wait until streams can be made."""
        for server in self.servers:
            await server.start()
        client = await nats.connect(
            list(self.urls), max_reconnect_attempts=-1, reconnect_time_wait=0.05, error_cb=_ignore
        )
        try:
            while True:
                try:
                    await client.jetstream().account_info()
                except Exception:
                    await asyncio.sleep(0.05)
                else:
                    return
        finally:
            await client.close()

    async def stop(self) -> None:
        for server in self.servers:
            await server.kill()


async def _ignore(_: Exception) -> None:
    pass
