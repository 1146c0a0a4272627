"""The ledger beside a model of it that only counts; every event that can end a request, in any order."""

from __future__ import annotations

from collections import Counter

import pytest

from analyzers.pair import End
from proxy.gateway.ledger import ARMS, Ledger, State
from proxy.gateway.pairing import Do, Pairing

STATUSES = (None, 200, 404, 429, 500)
ENDS = tuple(End)
DROPS = (State.CLIENT_ABORT, State.DROPPED_MIRROR_BUSY, State.DROPPED_MIRROR_BYTES, State.DROPPED_SHUTDOWN)


class LedgerModel:
    """Drives a ledger as the gateway does. `balance` is what must hold after every step."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.live: list[tuple[str, Pairing]] = []
        """Sampled requests that have no state yet, with their primary arm."""
        self._ended = Counter({(arm, state): ledger.states(arm)[state] for arm in ARMS for state in State})
        self._total = ledger.total

    def begin(self, arm: int, *, sampled: bool, repeat: bool) -> None:
        """An eligible request begins, and ends at once where it is not sampled."""
        primary = ARMS[arm % 2]
        self._total += 1
        self.ledger.open(primary)
        if sampled:
            self.live.append((primary, Pairing(primary, repeat=repeat)))
        else:
            self._close(primary, State.NOT_SAMPLED)

    def happen(self, which: int, event: int, end: int, status: int) -> None:
        """One event of one live request; it may come twice, or too late."""
        if not self.live:
            return
        item = self.live[which % len(self.live)]
        primary, pairing = item
        code, how = STATUSES[status % len(STATUSES)], ENDS[end % len(ENDS)]
        match event % 6:
            case 0:
                do = pairing.primary_status(code or 200)
            case 1:
                do = pairing.start_due()
            case 2:
                do = pairing.primary_ended(how, code)
            case 3:
                do = pairing.mirror_ended(how, code)
            case 4:
                do = pairing.repeat_ended()
            case _:
                do = pairing.drop(DROPS[status % len(DROPS)])
        assert (do is Do.FINISH) == (pairing.state is not None)
        if pairing.state is not None:
            self.live.remove(item)
            self._close(primary, pairing.state)

    def finish(self) -> None:
        """The gateway stops: whatever is open is dropped."""
        for primary, pairing in self.live:
            assert pairing.drop(State.DROPPED_SHUTDOWN) is Do.FINISH
            self._close(primary, State.DROPPED_SHUTDOWN)
        self.live.clear()
        assert self.ledger.states()["open"] == 0

    def close_once_more(self, arm: int) -> None:
        """Ending more requests than have begun is an error, and counts nothing."""
        primary = ARMS[arm % 2]
        if all(open_primary != primary for open_primary, _ in self.live):
            with pytest.raises(RuntimeError):
                self.ledger.close(primary, State.PAIRED)

    def _close(self, primary: str, state: State) -> None:
        self.ledger.close(primary, state)
        self._ended[primary, state] += 1

    def balance(self) -> None:
        """The states and the open requests sum to the total, and each is what happened."""
        states = self.ledger.states()
        assert sum(states.values()) == self.ledger.total == self._total
        assert states["open"] == len(self.live)
        for primary in ARMS:
            expected = {state.value: self._ended[primary, state] for state in State}
            expected["open"] = sum(open_primary == primary for open_primary, _ in self.live)
            assert dict(self.ledger.states(primary)) == expected
