"""Whether an arm's servers say that they are too busy for extra legs. Pure.

An arm is pressed while any of its servers has more requests waiting, or a fuller KV cache, than its limits
allow: extra legs go to all of them alike, and clients of the busiest would feel them. A server that says
nothing, or said it too long ago, makes no statement either way: servers other than vLLM have none to make.
"""

from __future__ import annotations

from collections.abc import Iterable

from proxy.config import Extra
from proxy.gateway.arms.exposition import Load

STALE = 5
"""What a server said counts for this many times the interval at which it is asked."""


class Pressure:
    """One arm's, from what its servers say. `now` is seconds of one clock."""

    def __init__(self, extra: Extra) -> None:
        self._extra = extra
        self._said: dict[str, tuple[float, Load]] = {}

    def said(self, server: str, load: Load, now: float) -> None:
        """A server told its load."""
        self._said[server] = (now, load)

    def known(self, servers: Iterable[str], now: float) -> bool:
        """Whether the load of each of these servers is known, as far as there are limits on it."""
        return all(self._over(server, now) is not None for server in servers)

    def pressed(self, servers: Iterable[str], now: float) -> bool:
        """Whether no extra leg should start to an arm of these servers."""
        return any(self._over(server, now) for server in servers)

    def _over(self, server: str, now: float) -> bool | None:
        at, load = self._said.get(server, (float("-inf"), Load(None, None)))
        if now - at > STALE * self._extra.every:
            return None
        limits = ((load.waiting, self._extra.waiting), (load.kv_usage, self._extra.kv_usage))
        asked = [None if value is None else value > limit for value, limit in limits if limit is not None]
        if any(asked):
            return True
        return None if None in asked else False
