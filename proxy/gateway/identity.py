"""Which client a request is of, as far as the evidence bounds what one client may make up. Pure.

It is as good as what it rests on: a header that clients may send as they like names as many clients as they like.
"""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import Final

from proxy.address import network
from proxy.config import Clients
from proxy.gateway.fields import finder
from proxy.gateway.request import Request

ADDRESS: Final = "address"
"""Stands in the configuration for the peer's address."""


class Identity:
    """Decides from one configuration. `salt` keys the hashes, which name clients to nobody who lacks it."""

    def __init__(self, clients: Clients, salt: bytes) -> None:
        name = (clients.identity or "").lower()
        self._bounds = bool(name and clients.sessions)
        self._header = finder(re.escape(name)) if name != ADDRESS else None
        self._key = blake2b(salt, digest_size=32, person=b"client").digest()

    def of(self, request: Request, peer: str) -> str:
        """Keyed hash of the client, `peer` being its address; empty where nothing bounds what it may make up.

        Of several headers the last counts, which is the one that a proxy adds to what it was sent. Requests without
        one are all of one client.
        """
        if not self._bounds:
            return ""
        if self._header is None:
            identity = network(peer).encode()
        else:
            values = [found[2].rstrip(b" \t") for found in self._header.finditer(request.forward)]
            identity = values[-1] if values else b""
        return blake2b(identity, digest_size=8, key=self._key).hexdigest()
