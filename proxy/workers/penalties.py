"""Sessions whose pairs cost an analyzer process lately, and until when they are passed over. Pure.

Clients try again, and conversations keep their schema: without this, one of them could keep every worker busy being
killed. A guardrail counts a session by its first applicable turn, so passing over later ones takes little from the
evidence, and takes it from both arms.
"""

from __future__ import annotations

from collections import OrderedDict

FIRST = 10.0
MOST = 600.0
"""Seconds: the first penalty, and the longest. Each further one is twice the one before."""
SESSIONS = 1_000
"""Most sessions remembered; the one longest unpunished is forgotten first."""


class Penalties:
    """Times are seconds of one clock that only goes forward."""

    def __init__(self) -> None:
        self._held: OrderedDict[str, tuple[float, float]] = OrderedDict()
        """By session: until when, and how long the penalty was."""

    def punish(self, session: str, now: float) -> None:
        """A pair of `session` cost a process. A session that kept quiet for as long as its last one begins anew."""
        until, length = self._held.pop(session, (0.0, 0.0))
        length = min(2 * length, MOST) if length and now < until + length else FIRST
        self._held[session] = (now + length, length)
        if len(self._held) > SESSIONS:
            self._held.popitem(last=False)

    def holds(self, session: str, now: float) -> bool:
        """Whether `session` is to be passed over."""
        return session in self._held and now < self._held[session][0]
