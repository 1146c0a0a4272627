"""The gateway as the rest of the program sees it: start, address, stop."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Mapping
from time import monotonic
from typing import TYPE_CHECKING, Any, cast

import structlog

from proxy.address import Address, parse_address
from proxy.config import Config
from proxy.gateway.arms.arm import Arm
from proxy.gateway.arrivals import Arrivals
from proxy.gateway.client import Client
from proxy.gateway.closing import take_waiting
from proxy.gateway.ledger import Ledger, State
from proxy.gateway.services import Scorer, Services
from proxy.telemetry import Telemetry
from proxy.tls import listen_tls

if TYPE_CHECKING:
    from proxy.tracing.tracer import Tracer

LAST_CALL = 1.0
"""Seconds that a draining gateway leaves an idle client: its next request may be under way."""
LAG_PERIOD = 0.1
"""Seconds between two looks at how late the event loop is."""
AGAIN = 1.0
"""Seconds until it is looked again whether the baseline can take the candidate's sessions."""

_log = structlog.get_logger(__name__)


class Gateway:
    """Passes clients' requests to the baseline and, for sampled sessions, a copy to the candidate.

    `scorer` is given every pair worth scoring (`ledger.HAS_PAIR`), on the event loop; what it raises is logged.
    `salt` keys the hashes of sessions; the configured one, or one of this process's own, where it is None.
    """

    def __init__(
        self, config: Config, telemetry: Telemetry, ledger: Ledger, scorer: Scorer, salt: bytes | None = None
    ) -> None:
        self._config = config
        self._telemetry = telemetry
        self._services = Services(config, telemetry, ledger, scorer, salt)
        self._tls = listen_tls(config.tls)
        self._handshake: dict[str, Any] = {}
        if self._tls is not None:
            self._handshake = {"ssl": self._tls.context, "ssl_handshake_timeout": config.limits.head_timeout}
        self._server: asyncio.Server | None = None
        self._lag_timer: asyncio.TimerHandle | None = None
        self._last_call: asyncio.TimerHandle | None = None
        self._lapse: asyncio.TimerHandle | None = None
        """When the candidate's share of sessions ends, unless it is said again."""
        self._idle = asyncio.Event()
        self._address = parse_address(config.listen)

    @property
    def address(self) -> Address:
        """Where clients send requests; after `start` with the real port where 0 was asked for."""
        return self._address

    @property
    def arms(self) -> Mapping[str, Arm]:
        """The arms by name: what is known of their servers, and what may be spent on them."""
        return self._services.arms

    @property
    def arrivals(self) -> Arrivals:
        """The sampled requests that may still be told of."""
        return self._services.arrivals

    async def start(self, *, shared_port: bool = False) -> None:
        """Listen, alone or on a port that other processes share. Raises OSError where the address cannot be had."""
        self._server = await asyncio.get_running_loop().create_server(
            self._client,
            self._address.host,
            self._address.port,
            backlog=1024,
            reuse_port=shared_port or None,
            **self._handshake,
        )
        self._address = Address(self._address.host, self._server.sockets[0].getsockname()[1])
        self._services.on_idle = self._look_idle
        self._services.start()
        self._watch_lag()

    def trace(self, tracer: Tracer) -> None:
        """Have mirrored requests that begin from now on traced."""
        self._services.tracer = tracer

    def set_candidate_weight(self, weight: float, valid: float | None = None) -> None:
        """Let the candidate answer this share of sessions from now on; answers under way finish where they are.

        Where it is not said again within `valid` seconds, who decides it has gone silent, and the baseline answers
        all sessions, as soon as it has a healthy server. None holds until it is said otherwise.

        Raises:
            ValueError: It is not between 0 and 1.
        """
        if not 0 <= weight <= 1:
            raise ValueError(f"found {weight}, should be a share between 0 and 1")
        self._services.router.set_weight(weight)
        if self._lapse is not None:
            self._lapse.cancel()
            self._lapse = None
        if valid is not None and weight > 0:
            self._lapse = asyncio.get_running_loop().call_later(valid, self._control_silent)

    def reload(self, config: Config) -> None:
        """Apply a checked configuration to what begins from now on, and show the certificate that is there now.

        Raises:
            TlsError: A certificate, key or CA file cannot be used any more; the former configuration stays.
        """
        if self._tls is not None and config.tls.cert_file and config.tls.key_file:
            self._tls.renew(config.tls.cert_file, config.tls.key_file)
        self._services.reload(config)

    async def stop(self) -> None:
        """Accept no more, let requests and mirrors under way finish within `limits.drain`, then cut them off.

        Safe to call twice, and without `start`.
        """
        services = self._services
        services.draining = True
        await self._close_port()
        self._look_idle()
        self._call_last()
        try:
            await asyncio.wait_for(self._idle.wait(), self._config.limits.drain)
        except TimeoutError:
            for client in list(services.clients):
                client.cut_off()
            for shadow in list(services.shadows):
                shadow.drop(State.DROPPED_SHUTDOWN)
        for timer in (self._lag_timer, self._last_call, self._lapse):
            if timer is not None:
                timer.cancel()
        await services.close()

    def _client(self) -> asyncio.Protocol:
        return cast("asyncio.Protocol", Client(self._services))

    async def _close_port(self) -> None:
        """Close the port, and serve the connections that the kernel has accepted by then."""
        server, self._server = self._server, None
        if server is None:
            return
        listeners = [socket.socket(fileno=os.dup(each.fileno())) for each in server.sockets]
        server.close()
        await asyncio.sleep(0)  # from here on nobody else accepts
        waiting = [connection for listener in listeners for connection in take_waiting(listener)]
        serve = asyncio.get_running_loop().connect_accepted_socket
        serving = (serve(self._client, connection, **self._handshake) for connection in waiting)
        await asyncio.gather(*serving, return_exceptions=True)  # a handshake may fail

    def _control_silent(self) -> None:
        if not self._services.baseline_usable:
            self._lapse = asyncio.get_running_loop().call_later(AGAIN, self._control_silent)
            return
        self._lapse = None
        self._services.router.set_weight(0.0)
        self._telemetry.canary_lapses.labels().inc()
        _log.warning("control is silent, so the baseline answers all sessions")

    def _call_last(self) -> None:
        """Close, now and then, the connections long idle: on the others a request may be under way."""
        for client in list(self._services.clients):
            client.drain()
        self._last_call = asyncio.get_running_loop().call_later(LAST_CALL, self._call_last)

    def _look_idle(self) -> None:
        if self._services.draining and not self._services.clients and not self._services.shadows:
            self._idle.set()

    def _watch_lag(self) -> None:
        due = monotonic() + LAG_PERIOD

        def look() -> None:
            lateness = max(0.0, monotonic() - due)
            self._telemetry.loop_lag.observe(lateness)
            self._services.lag.observe(lateness)
            self._watch_lag()

        self._lag_timer = asyncio.get_running_loop().call_later(LAG_PERIOD, look)
