"""The gateways as control knows them: what each has counted, whether it is still there, and what it took with it.

Every incarnation of a gateway has a block of its own among those that the metrics and the ledger add up, so that
both show all gateways as one. What an incarnation that has gone silent left open is lost with it; one that comes
back, having been cut off, takes that back out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import structlog

from proxy.channel.counts import Counts
from proxy.counters import Block
from proxy.gateway.ledger import State
from proxy.processes.status import Gateways
from proxy.telemetry import Telemetry

SILENT = 10.0
"""Seconds without counts after which a gateway is gone."""
GONE = 3_600.0
"""Seconds after which it cannot come back as the one that it was."""
REMEMBERED = 1_000
"""Most that are gone whose names are kept, and most that are kept apart."""

_log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Known:
    """One incarnation."""

    block: Block
    heard: float
    """When it was heard of, in seconds of a monotonic clock."""
    gateways: Gateways = Gateways(0, 0)
    processes: tuple[str, ...] = ()
    lost: dict[str, int] = field(default_factory=dict)
    """By primary, the requests that count as lost since it is silent."""
    silent: bool = False


class Fleets:
    """All gateways of one deployment. Times are seconds of a monotonic clock."""

    def __init__(self, telemetry: Telemetry) -> None:
        self._telemetry = telemetry
        self._known: dict[str, _Known] = {}
        self._gone: dict[str, None] = {}

    @property
    def gateways(self) -> Gateways:
        """How many gateway processes accept requests, of all that are there."""
        there = [each.gateways for each in self._known.values() if not each.silent]
        return Gateways(sum(each.accepting for each in there), sum(each.wanted for each in there))

    def take(self, counts: Counts, now: float) -> tuple[str, ...]:
        """A gateway has told what it has counted so far; the processes of which nothing more will come."""
        name = counts.incarnation
        if name in self._gone:
            return ()
        known = self._known.get(name) or self._add(name, now)
        known.heard = now
        if known.silent:
            self._found(known)
        counts.write(known.block, self._telemetry.shared)
        known.gateways = counts.gateways
        known.processes = counts.processes or known.processes
        if not counts.ended:
            return ()
        if lost := self._lose(known):
            _log.error("a gateway has ended with requests open", gateway=name, requests_lost=lost)
        self._retire(name)
        return known.processes

    def look(self, now: float) -> Iterator[str]:
        """See who has gone silent; the processes of which nothing more will come."""
        for name, known in list(self._known.items()):
            if not known.silent and now - known.heard >= SILENT:
                known.silent = True
                lost = self._lose(known)
                _log.error("a gateway is silent", gateway=name, requests_lost=lost)
                yield from known.processes
            if now - known.heard >= GONE:
                self._retire(name)
        while len(self._known) > REMEMBERED:
            name = min(self._known, key=lambda each: self._known[each].heard)
            if not self._known[name].silent:
                self._lose(self._known[name])
            self._retire(name)

    def _add(self, name: str, now: float) -> _Known:
        known = self._known[name] = _Known(Block(), now)
        self._telemetry.blocks.append(known.block)
        return known

    def _lose(self, known: _Known) -> int:
        """Count what it left open as lost; how much that is."""
        left = {arm: count for (arm,), (count,) in self._telemetry.eligible.of(known.block)}
        for (_, arm), (count,) in self._telemetry.ledger.of(known.block):
            left[arm] = left.get(arm, 0.0) - count
        known.lost = {arm: int(count) for arm, count in left.items()}
        for arm, count in known.lost.items():
            self._telemetry.ledger.labels(State.LOST_WITH_PROCESS, arm).inc(count)
        return sum(known.lost.values())

    def _found(self, known: _Known) -> None:
        for arm, count in known.lost.items():
            self._telemetry.ledger.labels(State.LOST_WITH_PROCESS, arm).inc(-count)
        known.lost, known.silent = {}, False

    def _retire(self, name: str) -> None:
        """Add what it counted to what is kept of those that are no more."""
        self._telemetry.retire(self._known.pop(name).block)
        self._gone[name] = None
        while len(self._gone) > REMEMBERED:
            del self._gone[next(iter(self._gone))]

    # over a change of leader

    def dump(self) -> dict[str, Any]:
        """The account of every gateway that there was, as JSON takes it."""
        own = self._account(self._telemetry.blocks[0])
        for known in self._known.values():
            for arm, count in known.lost.items():
                own = [
                    [name, labels, value - count if labels == [State.LOST_WITH_PROCESS, arm] else value]
                    for name, labels, value in own
                ]
        there = {
            name: {"account": self._account(each.block), "processes": each.processes}
            for name, each in self._known.items()
        }
        return {"own": own, "known": there, "gone": list(self._gone)}

    def restore(self, dumped: dict[str, Any], now: float) -> None:
        """Be where `dump` says. Who is still there will be heard of."""
        self._write(self._telemetry.blocks[0], dumped["own"])
        for name, told in dumped["known"].items():
            known = self._add(name, now)
            self._write(known.block, told["account"])
            known.processes = tuple(told["processes"])
        self._gone = dict.fromkeys(dumped["gone"])

    def _account(self, block: Block) -> list[list[Any]]:
        families = (self._telemetry.eligible, self._telemetry.ledger)
        return [
            [family.name, list(labels), value]
            for family in families
            for labels, (value,) in family.of(block)
            if value
        ]

    def _write(self, block: Block, account: list[list[Any]]) -> None:
        families = {each.name: each for each in (self._telemetry.eligible, self._telemetry.ledger)}
        for name, labels, value in account:
            families[name].put(block, tuple(labels), {0: value})
