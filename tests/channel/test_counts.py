"""What a gateway has counted, there and back again."""

from __future__ import annotations

import zlib

import pytest

from proxy.channel.counts import Counts, CountsError, counted, dumps, loads
from proxy.counters import Block
from proxy.counters.block import Series
from proxy.gateway import Ledger
from proxy.gateway.ledger import State
from proxy.telemetry import Telemetry


def of(telemetry: Telemetry) -> Counts:
    return Counts("g", "g.1", 2, 3, ("p", "q"), counted(telemetry))


def test_counts_add_up_with_those_of_others_as_if_they_had_been_counted_there() -> None:
    here, there = Telemetry(), Telemetry()
    for telemetry in (here, there):
        ledger = Ledger(telemetry)
        ledger.open("baseline")
        ledger.open("baseline")
        ledger.close("baseline", State.PAIRED)
        telemetry.added_latency.observe(0.002)
        telemetry.blocks[0].slots[telemetry.requests.first("baseline", "primary", "chat") + 3] += 1
    block = Block()
    told = loads(dumps(of(there)))
    told.write(block, here.shared)
    here.blocks.append(block)

    assert told.gateways == (2, 3, False)
    states = Ledger(here).states()
    assert (states["paired"], states["open"], Ledger(here).total) == (2, 2, 4)
    assert here.added_latency.totals()[()][-1] == pytest.approx(0.004)
    assert sum(here.requests.totals()["baseline", "primary", "chat"]) == 2


def test_a_snapshot_replaces_the_one_before() -> None:
    there, block = Telemetry(), Block()
    there.breaker_open.set(1.0)
    of(there).write(block, there.shared)
    there.breaker_open.set(0.0)
    of(there).write(block, there.shared)

    assert dict(there.breaker_open.of(block)) == {(): [0.0]}


def test_what_is_no_metric_here_or_of_another_shape_is_left_out() -> None:
    telemetry, block = Telemetry(), Block()
    series: dict[Series, dict[int, float]] = {
        ("other", ()): {0: 1.0},
        ("slipgauge_ledger", ("paired",)): {0: 1.0},
        ("slipgauge_ledger", ("paired", "baseline")): {7: 1.0},
    }
    of(telemetry)._replace(series=series).write(block, telemetry.shared)

    assert not block.series()


@pytest.mark.parametrize(
    "plain",
    [
        b"",
        b"[]",
        b"{}",
        b'["g","i",1,1,[],[["x",[],[[0,1e999]]]],false]',
        b'["g","i",1,1,[],[["x",[],[[-1,1]]]],false]',
        b'["g","i",1,1,[],[["x",["' + b"y" * 300 + b'"],[]]],false]',
        b'["<script>","i",1,1,[],[],false]',
        b'["g","i",-1,1,[],[],false]',
        b"[" + b" " * (5 << 20),
    ],
)
def test_bytes_that_are_no_counts_are_refused(plain: bytes) -> None:
    with pytest.raises(CountsError):
        loads(zlib.compress(plain))
    with pytest.raises(CountsError):
        loads(plain)
