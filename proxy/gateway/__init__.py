"""The data plane, and nothing else: what a client's bytes pass through."""

from proxy.gateway.gateway import Gateway
from proxy.gateway.ledger import Ledger, State

__all__ = ["Gateway", "Ledger", "State"]
