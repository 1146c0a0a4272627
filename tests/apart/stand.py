"""A deployment whose parts are apart: NATS servers, controls and gateways, each a process that a test may kill."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import orjson

from proxy.channel.link import Link
from proxy.config_channel import Nats
from proxy.counters.shelf import SHARED_MEMORY
from tests.channel.servers import Cluster, free_port
from tests.cli.program import write_config

SALT_ENV = "SLIPGAUGE_TEST_SALT"
AGAIN = 0.05


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Ask until it holds; the test's own timeout ends it."""
    while not await holds():  # noqa: ASYNC110 - another process's doing
        await asyncio.sleep(AGAIN)


class Member:
    """One gateway or control. Its port and its log outlive its process."""

    def __init__(self, deployment: Apart, role: str, name: str) -> None:
        self.role = role
        self.name = name
        self.port = free_port()
        self.admin = free_port()
        self.process: asyncio.subprocess.Process | None = None
        self._deployment = deployment
        self._log = deployment.folder / f"{name}.log"

    async def start(self) -> None:
        """Start it, and wait until it serves."""
        config = self._deployment.config(self)
        known = len(self.lines("serving"))
        with self._log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "proxy.processes.orphans", str(os.getpid())),
                *(sys.executable, "-c", "from proxy.cli import main; main()", self.role, str(config)),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={
                    **os.environ,
                    "SLIPGAUGE_NAME": self.name,
                    "RUNTIME_DIRECTORY": str(self._deployment.memory),
                    SALT_ENV: "salt",
                },
            )
        while len(self.lines("serving")) == known:
            assert self.process.returncode is None, self._log.read_text()
            await asyncio.sleep(AGAIN)

    async def kill(self) -> None:
        """End it at once."""
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()

    async def end(self) -> int:
        """Ask it to end, and wait until it has."""
        assert self.process is not None
        self.process.terminate()
        return await self.process.wait()

    def lines(self, event: str) -> list[dict[str, Any]]:
        """What it has logged of this event."""
        if not self._log.exists():
            return []
        lines = [
            line for line in self._log.read_bytes().splitlines() if line.startswith(b"{") and line.endswith(b"}")
        ]
        return [line for line in map(orjson.loads, lines) if line["event"] == event]

    async def ask(self, path: str, body: Mapping[str, Any] | None = None) -> tuple[int, Any]:
        """Status and answer of its admin port; POST where there is a body. Status 0 where it does not answer."""
        method = "GET" if body is None else "POST"
        url = f"http://127.0.0.1:{self.admin}{path}"
        try:
            async with self._deployment.session.request(method, url, json=body) as response:
                text = await response.text()
                return response.status, orjson.loads(text) if text.startswith("{") else text
        except aiohttp.ClientError:
            return 0, None


class Apart:
    """What runs. Use `deployed`."""

    def __init__(
        self,
        folder: Path,
        urls: tuple[str, str],
        servers: int,
        session: aiohttp.ClientSession,
        changes: dict[str, Any],
    ) -> None:
        self.folder = folder
        self.memory = folder
        """Where gateways leave their counts."""
        self.session = session
        self.cluster = Cluster(folder, servers)
        self.gateways: list[Member] = []
        self.controls: list[Member] = []
        self.nats = {"servers": list(self.cluster.urls), "replicas": 3 if servers > 1 else 1}
        self._urls = urls
        self.nats |= {"window": changes.pop("window")} if "window" in changes else {}
        self.changes = changes

    def config(self, member: Member) -> Path:
        """Write the member's configuration."""
        return write_config(
            self.folder / f"{member.name}.yaml",
            *self._urls,
            **{
                "listen": f"127.0.0.1:{member.port}",
                "admin": {"listen": f"127.0.0.1:{member.admin}"},
                "session": {"salt_env": SALT_ENV},
                "channel": {"nats": self.nats},
                **self.changes,
            },
        )

    def link(self) -> Link:
        """A connection of the test's own to the servers."""
        return Link(Nats.model_validate({**self.nats, "servers": tuple(self.cluster.urls)}), "test")

    async def leader(self, but: Member | None = None) -> Member:
        """The control that leads, once one does."""
        while True:
            for control in self.controls:
                if control is not but and (await control.ask("/stage"))[0] == 200:
                    return control
            await asyncio.sleep(AGAIN)

    async def told(self, path: str, **expected: Any) -> Any:
        """What the leader answers, once it holds these values."""
        while True:
            _, told = await (await self.leader()).ask(path)
            if isinstance(told, dict) and expected.items() <= told.items():
                return told
            await asyncio.sleep(AGAIN)


@asynccontextmanager
async def deployed(
    folder: Path, urls: tuple[str, str], *, gateways: int = 1, controls: int = 1, servers: int = 1, **changes: Any
) -> AsyncIterator[Apart]:
    """Start all of it, and wait until a control leads."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as session:
        apart = Apart(folder, urls, servers, session, changes)
        apart.memory = Path(tempfile.mkdtemp(dir=SHARED_MEMORY))
        apart.controls = [Member(apart, "control", f"control-{number}") for number in range(controls)]
        apart.gateways = [Member(apart, "gateway", f"gateway-{number}") for number in range(gateways)]
        try:
            await apart.cluster.start()
            for member in (*apart.controls, *apart.gateways):
                await member.start()
            await apart.leader()
            yield apart
        finally:
            for member in (*apart.gateways, *apart.controls):
                await member.kill()
            await apart.cluster.stop()
            shutil.rmtree(apart.memory)
