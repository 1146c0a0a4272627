"""Waiting for what another part of the program does in its own time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


async def until(predicate: Callable[[], bool]) -> None:
    while not predicate():  # noqa: ASYNC110 - several rooms, no one event
        await asyncio.sleep(0.002)
