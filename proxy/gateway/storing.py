"""Whether a request may be kept as a case, and whose it is. Pure.

A client is known in the pool by a keyed hash of its identity, never by the identity: its credentials, or its
address where it sent none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from cases.subject import Subjects
from proxy.config_cases import Cases
from proxy.gateway.fields import finder
from proxy.gateway.request import Request

STORE_HEADER: Final = "x-slipgauge-store"
"""By this a client asks that a request be not kept: any value but `yes` does."""
_IDENTITY = finder("authorization", "x-api-key")


class Storing:
    """Decides from one configuration; keeps nothing where there is no file to keep it in."""

    def __init__(self, cases: Cases, salt: bytes) -> None:
        header = cases.tenant_header
        self._on = cases.path is not None
        self._hashes = Subjects(salt)
        self._tenant = finder(re.escape(header.lower())) if header else None
        self._tenants = frozenset(_plain(name.encode()) for name in cases.exclude_tenants)
        self._excluded = frozenset(cases.exclude_subjects)

    def subject(self, request: Request, peer: str) -> str:
        """Whose request it is, `peer` being the client's address; empty where nothing of it may be kept."""
        if not self._on or request.control.get(STORE_HEADER, "yes").lower() != "yes":
            return ""
        lines = request.forward
        tenants = () if self._tenant is None else self._tenant.finditer(lines)
        if any(not self._tenants.isdisjoint(_names(found[2])) for found in tenants):
            return ""
        credentials = _IDENTITY.search(lines)
        subject = self._hashes.of(credentials[2].rstrip(b" \t") if credentials else peer.encode())
        return "" if subject in self._excluded else subject


def _names(value: bytes) -> Iterator[bytes]:
    """The tenants that a header may mean: its value, and each of a list as which a proxy has joined several."""
    yield _plain(value)
    if b"," in value:
        yield from map(_plain, value.split(b","))


def _plain(name: bytes) -> bytes:
    """A tenant's name as it is compared. Two that differ in case alone are one: to keep too little harms nobody."""
    return name.strip(b" \t").lower()
