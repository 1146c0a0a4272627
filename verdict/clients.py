"""How much of a guardrail's evidence one client may make up. Pure, and of bounded size.

Who knows what the baseline answers can ask for just that, so that only the candidate fails, in as many sessions as
it can name. So of one client at most `most` sessions count at once, and beyond them no more than the margin's share
of all others that are seen: a slip of a client's own making that stays below the margin is none.

In any stretch with m sessions of others, all counted, a client has c <= most + margin m. As log(1 + s d) >=
d log(1 + s) for 0 <= d <= 1, the logarithm being concave, each bet of stake s (`verdict.bets`) then makes of the
client's c failures and the others' m sessions without a slip at most

    (1 + s)^c / (1 + s margin)^(c + m) <= ((1 + s) / (1 + s margin))^most,

from whatever session it starts, so below 1.95^most: 28 at most = 5, where a guardrail that has a tenth of
alpha = 1 % fails at 1,000.

Whether a session counts is known before its answers are: it hangs on whose it is and on whose were before it. Such
a choice is predictable, so on what is chosen the capital is still a supermartingale (Waudby-Smith & Ramdas, arXiv
2010.09686, section 4, where everything is conditional on the past). The slip is then that of the sessions that
count.

The rule is a token bucket that refills with the sessions of others, kept as the one moment at which it will be full
again (the virtual scheduling form of the generic cell rate algorithm, ITU-T I.371). From then on its client is as
good as unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from verdict.guardrails import Guardrail

LEAST = 0.001
"""A smaller margin counts as this one, so that no client is remembered for ever."""
ENOUGH = 100
"""Sessions of a guardrail below which nothing is said of how many do not count."""
SHARE = 0.5
"""Where more than this share of them do not count, the others are too few to speak for all."""
ROOM = 64
"""Clients that are remembered, besides twice those of the last look, before one looks whose buckets are full."""


class _Buckets:
    """Those of one guardrail."""

    __slots__ = ("_full", "_refill", "_room", "_sweep", "seen", "uncounted")

    def __init__(self, most: int, margin: float) -> None:
        self.seen = 0
        """Sessions so far."""
        self.uncounted = 0
        self._refill = 1 / max(margin, LEAST)
        """Sessions of others that one more of a client takes."""
        self._room = (most - 1) * self._refill
        self._full: dict[str, float] = {}
        """By client, of how many sessions its bucket will be full, if no more of its own are among them."""
        self._sweep = ROOM

    def take(self, client: str) -> bool:
        """Whether this session counts."""
        now = self.seen
        self.seen = now + 1
        full = self._full.get(client, now)
        wait = full - now if full > now else 0.0
        counts = wait <= self._room
        # The session moves everybody's time on by one, but not its own client's.
        self._full[client] = now + wait + 1 + (self._refill if counts else 0.0)
        self.uncounted += not counts
        if len(self._full) > self._sweep:
            self._forget()
        return counts

    def _forget(self) -> None:
        """Leave out the clients whose buckets are full: none has had a session among the last most/margin."""
        self._full = {client: full for client, full in self._full.items() if full > self.seen}
        self._sweep = 2 * len(self._full) + ROOM

    def dump(self) -> list[Any]:
        self._forget()
        return [self.seen, self.uncounted, self._full]

    def restore(self, dumped: list[Any]) -> None:
        self.seen, self.uncounted, full = dumped
        self._full = dict(full)


class Clients:
    """Counts by guardrail. Of one client `most` sessions count at once; all of them where it is 0."""

    def __init__(self, guardrails: Iterable[Guardrail], most: int) -> None:
        self._most = most
        self._buckets = {each.name: _Buckets(most, each.margin) for each in guardrails}

    def count(self, guardrail: str, client: str) -> bool:
        """Whether a session of this client counts, in order of arrival."""
        return not self._most or self._buckets[guardrail].take(client)

    def uncounted(self) -> dict[str, int]:
        """By guardrail, the sessions so far that do not count."""
        return {name: buckets.uncounted for name, buckets in self._buckets.items()}

    def gaps(self) -> tuple[str, ...]:
        """The guardrails of which most sessions do not count, in words."""
        return tuple(
            f"{name}: {each.uncounted / each.seen:.1%} of its sessions do not count, as beyond one client's part"
            for name, each in self._buckets.items()
            if each.seen >= ENOUGH and each.uncounted > SHARE * each.seen
        )

    def dump(self) -> dict[str, Any]:
        """As JSON takes it."""
        return {name: each.dump() for name, each in self._buckets.items()} if self._most else {}

    def restore(self, dumped: Mapping[str, Any]) -> None:
        """Go on from what `dump` told."""
        for name, each in self._buckets.items():
            if name in dumped:
                each.restore(dumped[name])
