"""Gateways that come, count, fall silent, come back and end: the ledger of them all balances throughout."""

from __future__ import annotations

import orjson
import pytest

from proxy.channel.counts import Counts, CountsError, counted, left_by
from proxy.control.gateways import GONE, SILENT, Fleets
from proxy.counters import Block
from proxy.gateway import Ledger
from proxy.gateway.ledger import State
from proxy.telemetry import Telemetry


class Gateway:
    """A gateway that counts requests."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.telemetry = Telemetry()
        self.ledger = Ledger(self.telemetry)

    def serve(self, paired: int, still_open: int = 0) -> None:
        for _ in range(paired + still_open):
            self.ledger.open("baseline")
        for _ in range(paired):
            self.ledger.close("baseline", State.PAIRED)

    def counts(self, *, ended: bool = False) -> Counts:
        processes = (f"{self.name}-process",)
        return Counts(self.name, f"{self.name}.1", 1, 1, processes, counted(self.telemetry), ended)


class Account:
    """What control makes of it."""

    def __init__(self) -> None:
        self.telemetry = Telemetry()
        self.fleets = Fleets(self.telemetry)
        self.ledger = Ledger(self.telemetry)

    def states(self) -> dict[str, int]:
        states = {state: count for state, count in self.ledger.states().items() if count}
        assert sum(states.values()) == self.ledger.total
        return states


@pytest.fixture
def account() -> Account:
    return Account()


def test_the_ledgers_of_all_gateways_add_up(account: Account) -> None:
    a, b = Gateway("a"), Gateway("b")
    a.serve(3, still_open=1)
    b.serve(5)
    for each in (a, b, a):
        account.fleets.take(each.counts(), 0.0)

    assert account.states() == {"paired": 8, "open": 1}
    assert account.fleets.gateways == (2, 2, False)


def test_what_a_gateway_that_is_silent_left_open_is_lost_until_it_comes_back(account: Account) -> None:
    a = Gateway("a")
    a.serve(3, still_open=2)
    account.fleets.take(a.counts(), 0.0)
    assert not list(account.fleets.look(SILENT / 2))
    assert list(account.fleets.look(SILENT)) == ["a-process"]
    assert not list(account.fleets.look(SILENT + 1))
    assert account.states() == {"paired": 3, "lost_with_process": 2}
    assert account.fleets.gateways == (0, 0, False)

    a.ledger.close("baseline", State.PAIRED)
    account.fleets.take(a.counts(), SILENT + 2)
    assert account.states() == {"paired": 4, "open": 1}


def test_what_a_gateway_that_ended_had_counted_stays(account: Account) -> None:
    a = Gateway("a")
    a.serve(3)
    account.fleets.take(a.counts(), 0.0)
    account.fleets.take(a.counts(ended=True), 1.0)
    account.fleets.take(a.counts(ended=True), 1.0)  # told again

    assert account.states() == {"paired": 3}
    assert len(account.telemetry.blocks) == 1


def test_what_is_told_for_one_that_was_killed_is_its_account_to_the_last_moment(account: Account) -> None:
    a, b = Gateway("a"), Gateway("b")
    for each in (a, b):
        each.serve(3, still_open=1)
        account.fleets.take(each.counts(), 0.0)
        each.serve(4, still_open=2)  # of which it has not told itself
    last = [left_by(f"{each.name}.1", each.telemetry.blocks) for each in (a, b)]
    assert account.fleets.take(last[0], 1.0) == ("a-process",)
    assert account.states() == {"paired": 10, "open": 1, "lost_with_process": 3}

    assert list(account.fleets.look(SILENT)) == ["b-process"]  # which is told for after it was given up
    account.fleets.take(last[1], SILENT + 1)
    account.fleets.take(last[1], SILENT + 2)  # told again
    assert account.states() == {"paired": 14, "lost_with_process": 6}
    assert len(account.telemetry.blocks) == 1


def test_a_block_that_holds_junk_is_no_account() -> None:
    for junk in (b"x", b"[]", b"7", b'["slipgauge_eligible",["baseline"],"x",1]'):
        block = Block()
        block._names[: len(junk)] = junk
        block._written[0] = len(junk)
        with pytest.raises(CountsError):
            left_by("a.1", [Gateway("a").telemetry.blocks[0], block])


def test_one_that_was_silent_for_too_long_does_not_come_back_as_it_was(account: Account) -> None:
    a = Gateway("a")
    a.serve(3, still_open=2)
    account.fleets.take(a.counts(), 0.0)
    assert list(account.fleets.look(GONE)) == ["a-process"]
    account.fleets.take(a.counts(), GONE + 1)

    assert account.states() == {"paired": 3, "lost_with_process": 2}


def test_a_new_leader_goes_on_where_the_former_stood(account: Account) -> None:
    a, b, c = Gateway("a"), Gateway("b"), Gateway("c")
    a.serve(3, still_open=2)
    b.serve(4, still_open=1)
    c.serve(7)
    account.fleets.take(c.counts(ended=True), 0.0)
    account.fleets.take(a.counts(), 0.0)
    assert list(account.fleets.look(SILENT)) == ["a-process"]
    account.fleets.take(b.counts(), SILENT)
    before = account.states()

    later = Account()
    later.fleets.restore(orjson.loads(orjson.dumps(account.fleets.dump())), 0.0)
    assert later.states() == {"paired": 14, "open": 3}
    b.serve(1)
    later.fleets.take(b.counts(), 1.0)
    later.fleets.take(c.counts(ended=True), 1.0)
    assert list(later.fleets.look(SILENT)) == ["a-process"]
    assert before == {"paired": 14, "open": 1, "lost_with_process": 2}
    assert later.states() == {"paired": 15, "open": 1, "lost_with_process": 2}
