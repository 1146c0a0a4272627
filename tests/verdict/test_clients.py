"""One client cannot make up the evidence, whatever it does; many clients can, and as quickly as before."""

from __future__ import annotations

from math import exp, log
from random import Random

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.verdict.turns import known, turn
from verdict.bets import stakes
from verdict.clients import LEAST, Clients
from verdict.dossier import Dossier, Terms
from verdict.guardrails import Guardrail
from verdict.sessions import Measured
from verdict.watermark import ENDED

MARGIN, MOST = 0.005, 5
G = Guardrail("g", MARGIN, 0.1, required=True)
TERMS = Terms((G,), of_client=MOST)
UNBOUNDED = Terms((G,))
LOST, SAME, WON = known(0, 1), known(0, 0), known(1, 0)
BOUND = MOST * max(log((1 + each) / (1 + each * MARGIN)) for each in stakes(MARGIN))
"""Most that one client adds to the logarithm of the evidence."""


class Traffic:
    """Sessions in order of arrival."""

    def __init__(self, terms: Terms = TERMS) -> None:
        self.dossier = Dossier(terms)
        self.arrivals = 0

    def send(self, client: str, measured: Measured) -> None:
        """One more session, with a name of its own."""
        self.arrivals += 1
        self.dossier.receive(turn(f"s{self.arrivals}", self.arrivals, g=measured)._replace(client=client))
        self.dossier.hear("p", self.arrivals + 1, 0)
        self.dossier.fold(0)

    @property
    def failed(self) -> bool:
        return self.dossier.failures > 0

    @property
    def log_e(self) -> float:
        return self.dossier.evidence["g"].harm_log_e


def test_a_client_with_a_thousand_sessions_that_only_the_baseline_passes_fails_nothing() -> None:
    traffic, unbounded = Traffic(), Traffic(UNBOUNDED)
    for _ in range(1_000):
        traffic.send("hostile", LOST)
        unbounded.send("hostile", LOST)

    assert not traffic.failed
    assert traffic.log_e <= BOUND
    assert traffic.dossier.tallies["g"].count == MOST
    assert traffic.dossier.clients.uncounted() == {"g": 1_000 - MOST}
    assert "99.5% of its sessions do not count" in traffic.dossier.blocks()[0]
    assert unbounded.failed


@pytest.mark.parametrize("patience", [0, 100, 3_000, 20_000])
def test_it_fails_nothing_among_others_either_whenever_it_begins(patience: int) -> None:
    traffic, choice = Traffic(), Random(patience)
    highest = 0.0
    for number in range(40_000):
        if number >= patience and choice.random() < 0.3:
            traffic.send("hostile", LOST)
        else:
            traffic.send(f"user{choice.randrange(5_000)}", SAME)
        highest = max(highest, traffic.log_e)

    assert highest <= BOUND
    assert not traffic.failed
    counted = traffic.dossier.tallies["g"]
    assert counted.candidate_rate is not None
    assert counted.candidate_rate <= MARGIN + MOST / counted.count


def test_a_slip_of_everybodys_is_found_at_the_same_session_as_without_a_bound() -> None:
    traffic, unbounded, choice = Traffic(), Traffic(UNBOUNDED), Random(1)
    while not unbounded.failed:
        client, measured = f"user{choice.randrange(1_000)}", LOST if choice.random() < 0.05 else SAME
        traffic.send(client, measured)
        unbounded.send(client, measured)
        assert traffic.failed == unbounded.failed

    assert traffic.dossier.clients.uncounted() == {"g": 0}
    assert traffic.arrivals > 50


def test_a_client_cannot_hide_the_slip_of_all_others_by_many_sessions_in_which_the_baseline_fails() -> None:
    traffic, choice = Traffic(), Random(2)
    for _ in range(4_000):
        traffic.send("hostile", WON)
        traffic.send(f"user{choice.randrange(1_000)}", LOST if choice.random() < 0.05 else SAME)

    assert traffic.failed


@given(st.lists(st.booleans(), max_size=400), st.integers(1, 20), st.sampled_from([0.0, 0.005, 0.01, 0.1, 0.5]))
def test_in_any_stretch_a_client_has_no_more_than_its_part(own: list[bool], most: int, margin: float) -> None:
    clients = Clients([Guardrail("g", margin, 1.0, required=True)], most)
    names = ["one" if each else f"other{number}" for number, each in enumerate(own)]
    counted = [clients.count("g", name) for name in names]
    for start in range(len(own)):
        mine = others = 0
        for is_own, counts in zip(own[start:], counted[start:], strict=True):
            mine, others = mine + (is_own and counts), others + (not is_own)
            assert mine <= most + max(margin, LEAST) * others + 1e-9


def test_whether_a_session_counts_hangs_on_no_answer() -> None:
    choice = Random(3)
    clients = [f"user{choice.randrange(20)}" for _ in range(2_000)]
    told = []
    for seed in range(2):
        traffic, answers = Traffic(), Random(seed)
        for client in clients:
            traffic.send(client, answers.choice([LOST, SAME, WON]))
        told.append(traffic.dossier.clients.dump())
    assert told[0] == told[1]


def test_it_is_the_same_over_a_restart() -> None:
    traffic, choice = Traffic(), Random(4)
    seen = dict[str, bytes]()
    for number in range(1_000):
        if number % 100 == 50:
            seen |= traffic.dossier.sessions.take()
            dumped = orjson.loads(orjson.dumps(traffic.dossier.dump()))
            traffic.dossier = Dossier.restored(TERMS, dumped, seen)
        traffic.send(f"user{choice.randrange(30)}", SAME)
    whole, choice = Traffic(), Random(4)
    for _ in range(1_000):
        whole.send(f"user{choice.randrange(30)}", SAME)

    assert traffic.dossier.dump() == whole.dossier.dump()
    assert whole.dossier.clients.uncounted()["g"] > 0


def test_a_turn_that_waits_over_a_restart_is_still_its_clients() -> None:
    dossier = Dossier(TERMS)
    for number in range(1, 11):
        dossier.receive(turn(f"s{number}", number, g=LOST)._replace(client="one"))
    restored = Dossier.restored(TERMS, dossier.dump(), dossier.sessions.take())
    restored.hear("p", ENDED, 0)
    restored.fold(0)

    assert restored.clients.uncounted() == {"g": 5}


def test_clients_are_forgotten_once_it_makes_no_difference() -> None:
    clients = Clients([G], MOST)
    for number in range(100_000):
        clients.count("g", f"user{number}")
    _, uncounted, remembered = clients.dump()["g"]

    assert uncounted == 0
    assert len(remembered) <= 1 / MARGIN + 1


def test_where_no_client_is_told_from_another_all_count() -> None:
    traffic = Traffic()
    for _ in range(60):
        traffic.send("", LOST)

    assert traffic.failed
    assert exp(BOUND) < 1.95**MOST
