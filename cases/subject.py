"""Whose a case is: a keyed hash of the client's identity. Pure.

With the salt, what was kept of a client is found again, and only with it (RFC 7693, BLAKE2).
"""

from __future__ import annotations

from hashlib import blake2b


class Subjects:
    """The hashes under one salt."""

    def __init__(self, salt: bytes) -> None:
        self._key = blake2b(salt, digest_size=32, person=b"subject").digest()

    def of(self, identity: bytes) -> str:
        """The hash by which a client's cases are found.

        `identity` is the value of its Authorization or X-Api-Key header, or its address where it sends none.
        """
        return blake2b(identity, digest_size=16, key=self._key).hexdigest()
