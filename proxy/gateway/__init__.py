"""The data plane, and nothing else: what a client's bytes pass through."""

from proxy import compiled

compiled.prefer(__name__, __path__)

from proxy.gateway.gateway import Gateway  # noqa: E402 - after `prefer`
from proxy.gateway.ledger import Ledger, State  # noqa: E402

__all__ = ["Gateway", "Ledger", "State"]
