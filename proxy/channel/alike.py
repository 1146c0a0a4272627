"""Whether all processes of a deployment have the settings that must be equal: one key of the channel's bucket.

The control that leads says what its evidence belongs to, and every other process compares that with its own file: a
gateway that names sessions by another salt is heard like any other, and nothing else would tell.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import orjson
import structlog

from proxy.channel.link import AGAIN, FAILURES, Link

KEY = "identity"
LOOK_EVERY = 5.0
"""Seconds between two looks at what the leader says."""

_log = structlog.get_logger(__name__)


def unlike(own: Mapping[str, str], leader: Mapping[str, str]) -> tuple[str, ...]:
    """The parts in which the two differ, of those that `own` has."""
    return tuple(part for part, value in own.items() if leader.get(part) != value)


async def say(link: Link, identity: Mapping[str, str]) -> None:
    """Have it known what the leader's evidence belongs to. Ends once it is."""
    while True:
        try:
            await link.ask(link.bucket.put(KEY, orjson.dumps(dict(identity))))
        except FAILURES:
            await asyncio.sleep(AGAIN)
        else:
            return


async def compare(link: Link, own: Mapping[str, str], tell: Callable[[tuple[str, ...]], None]) -> None:
    """Tell in which parts the leader differs, none included, whenever that changes; until cancelled."""
    last: tuple[str, ...] = ()
    while True:
        if link.up:
            try:
                entry = await link.ask(link.bucket.get(KEY))
                leader = _read(entry.value)
            except (*FAILURES, ValueError):
                pass  # nobody has led yet, or it is asked again
            else:
                found = unlike(own, leader)
                if found != last:
                    last = found
                    _report(own, leader, found)
                    tell(found)
        await asyncio.sleep(LOOK_EVERY)


def _read(value: bytes | None) -> dict[str, str]:
    """Raises ValueError."""
    told = orjson.loads(value or b"")
    if not isinstance(told, dict):
        raise ValueError("not an identity")  # noqa: TRY004 - as what is no JSON
    return told


def _report(own: Mapping[str, str], leader: Mapping[str, str], found: tuple[str, ...]) -> None:
    if not found:
        _log.info("the settings are again those of the control that leads")
    for part in found:
        _log.error(
            "a setting is another than that of the control that leads; give all the same file and the same secrets",
            setting=part,
            here=own[part],
            leader=str(leader.get(part))[:1_000],
        )
