"""Takes a failing candidate out of the canary, and bounds how many of its requests fall back. Pure.

No statistics here: this is for a candidate that is gone, not for one that is a little worse. A failure fills a
bucket by one, an answer drains it by a quarter; full, it opens the breaker. So `failures` in a row open it, a
failure rate that stays well above one in five does in time, and a rate below that is the verdict's business.
"""

from __future__ import annotations

from proxy.config import CanaryBreaker

DRAIN = 0.25
FALLBACK_SHARE = 0.5
FALLBACK_RESERVE = 100.0


class Breaker:
    """Open, the candidate's weight counts as 0. `now` is seconds of one clock.

    After `pause` seconds one request is let through as a trial; its end closes the breaker or opens it anew.
    """

    __slots__ = ("_opened_at", "_trial_at", "level", "limits")

    def __init__(self, limits: CanaryBreaker) -> None:
        self.limits = limits
        self.level = 0.0
        """How full the bucket is. While it is 0, an answer changes nothing and need not be reported."""
        self._opened_at: float | None = None
        self._trial_at = 0.0

    @property
    def open(self) -> bool:
        """Whether the candidate is out."""
        return self._opened_at is not None

    def lets(self, now: float) -> bool:
        """Whether a request may go to the candidate; while open, true once per pause, for the trial."""
        if self._opened_at is None:
            return True
        if now < self._trial_at:
            return False
        self._trial_at = now + self.limits.pause  # should this trial never end, there is another
        return True

    def answered(self, since: float) -> bool:
        """The candidate answered a request sent at `since`; whether that closed the breaker."""
        if self._opened_at is None:
            self.level = max(0.0, self.level - DRAIN)
            return False
        if since < self._opened_at:
            return False  # it was under way before, and tells nothing new
        self._opened_at = None
        self.level = 0.0
        return True

    def failed(self, since: float, now: float) -> bool:
        """The candidate failed a request sent at `since`; whether that opened the breaker."""
        if self._opened_at is not None:
            if since >= self._opened_at:
                self._trial_at = now + self.limits.pause
            return False
        self.level += 1.0
        if self.level < self.limits.failures:
            return False
        self._opened_at = now
        self._trial_at = now + self.limits.pause
        return True


class Fallbacks:
    """How many requests that the candidate failed may still be sent to the baseline.

    Each request to the candidate earns half a fallback, up to a reserve of 100, which is there at the start:
    enough for what is in flight when a candidate dies, and less than a second load for the baseline when it
    fails slowly. A retry budget as in Finagle (https://twitter.github.io/finagle/guide/Clients.html#retries).
    """

    __slots__ = ("_left",)

    def __init__(self) -> None:
        self._left = FALLBACK_RESERVE

    def earn(self) -> None:
        """A request went to the candidate."""
        self._left = min(FALLBACK_RESERVE, self._left + FALLBACK_SHARE)

    def take(self) -> bool:
        """Whether one more may fall back."""
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True
