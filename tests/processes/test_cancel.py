"""Background tasks end when they are cancelled, also those that lose a cancellation."""

from __future__ import annotations

import asyncio
import contextlib

import pytest

from proxy import tasks


async def test_a_task_that_loses_a_cancellation_is_cancelled_once_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "AGAIN", 0.01)
    lost = 0

    async def loses_two() -> None:
        nonlocal lost
        while lost < 2:
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
            lost += 1
        await asyncio.Event().wait()

    stubborn = tasks.spawn(loses_two(), name="stubborn")
    plain = tasks.spawn(asyncio.Event().wait(), name="plain")
    await asyncio.sleep(0)
    await tasks.cancel(stubborn, plain)

    assert (lost, stubborn.cancelled(), plain.cancelled()) == (2, True, True)


async def test_what_a_cancelled_task_puts_in_order_is_waited_for_and_not_disturbed() -> None:
    done = asyncio.Event()

    async def orderly() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            done.set()

    task = tasks.spawn(orderly(), name="orderly")
    await asyncio.sleep(0)
    await tasks.cancel(task)
    await tasks.cancel()

    assert done.is_set()
    assert task.cancelled()
