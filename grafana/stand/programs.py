"""Prometheus and Alertmanager as processes of our own, on free ports of loopback."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp


class ProgramError(Exception):
    """A program that is not installed, or ended while it was needed."""


def free_port() -> int:
    """A port of loopback that is free now."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


@asynccontextmanager
async def serving(name: str, *arguments: str, port: int) -> AsyncIterator[str]:
    """Run a program that listens on this port until the block is left; yields its URL. Raises ProgramError."""
    program = shutil.which(name)
    if program is None:
        raise ProgramError(f"{name} is not installed: apt install prometheus prometheus-alertmanager")
    quiet = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(program, *arguments, stdout=quiet, stderr=quiet)
    url = f"http://127.0.0.1:{port}"
    try:
        async with aiohttp.ClientSession() as session:
            while not await _ready(session, url):
                if process.returncode is not None:
                    raise ProgramError(f"{name} ended with {process.returncode}")
                await asyncio.sleep(0.05)
        yield url
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _ready(session: aiohttp.ClientSession, url: str) -> bool:
    with contextlib.suppress(aiohttp.ClientError):
        async with session.get(f"{url}/-/ready") as response:
            return response.status == 200
    return False
