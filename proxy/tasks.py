"""Background tasks that cannot be lost: named, referenced, and their failure logged.

asyncio keeps only a weak reference to a task, so a bare `create_task` may be collected while it runs
(https://docs.python.org/3/library/asyncio-task.html#asyncio.create_task).
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import structlog

T = TypeVar("T")
AGAIN = 20.0
"""Seconds after which a cancelled task is cancelled once more: more than any takes to put things in order."""

_log = structlog.get_logger(__name__)
_running: set[asyncio.Task[Any]] = set()


def spawn(coro: Coroutine[Any, Any, T], *, name: str) -> asyncio.Task[T]:
    """Start `coro` as a task that is kept referenced until it ends.

    A failure is logged with the task's name when it ends; cancellation is not a failure.
    """
    task = asyncio.get_running_loop().create_task(coro, name=name)
    _running.add(task)
    task.add_done_callback(_ended)
    return task


def _ended(task: asyncio.Task[Any]) -> None:
    _running.discard(task)
    if not task.cancelled() and (error := task.exception()) is not None:
        _log.error("task failed", task=task.get_name(), error=repr(error))


async def cancel(*tasks: asyncio.Task[Any]) -> None:
    """Cancel tasks and wait until each has ended, whatever it ended with.

    Before Python 3.12 `asyncio.wait_for`, which libraries use too, loses a cancellation that comes just as what it
    waits for ends (https://github.com/python/cpython/issues/86296), so one that goes on is cancelled once more.
    """
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=AGAIN)
    await asyncio.gather(*tasks, return_exceptions=True)
